"""Each difference between the contract and a description gets the verdict that is listed, and the contract only grows.

After a change on purpose, write the lists again and read their diff: `python -m tests.project.test_merges`.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from contract.merge import merge
from contract.surface import lost, wire
from contract.verdicts import Hold

from tests.project.changes import Case, expected, outcome, write
from tests.project.merges import (
    calls,
    decisions,
    models,
    parameters,
    properties,
    rules,
    schemas,
    shapes,
    values,
)
from tests.project.small import changed, small

TABLES: dict[str, ModuleType] = {
    str(table.__name__).rpartition(".")[2]: table
    for table in (
        calls, decisions, models, parameters, properties, rules, schemas, shapes, values,
    )
}  # fmt: skip
LISTED = {of: expected(str(table.__file__)) for of, table in TABLES.items()}


def each_change() -> Iterator[Any]:
    """All changes. Those that are not listed are quick, and the first with each kind of difference and verdict."""
    seen: set[tuple[str, ...]] = set()
    for of, name in [(table, name) for table in TABLES for name in TABLES[table].CASES]:
        listed = LISTED[of].get(name)
        kinds = {(of, *line.split(" | ")[:2]) for line in listed or ()} or {(of,)}
        marks = [pytest.mark.slow] if listed is not None and kinds <= seen else []
        seen |= kinds
        yield pytest.param(of, name, id=f"{of}: {name}", marks=marks)


def chosen(of: str, *, conflict: bool) -> dict[str, Case]:
    """The changes of a table with a conflict, or without one; none that need a decision."""
    return {
        name: case
        for name, case in TABLES[of].CASES.items()
        if conflict == any(line.startswith("conflict") for line in LISTED[of][name])
        if not case.holds and not case.last
    }


@pytest.mark.parametrize(("of", "name"), [*each_change()])
def test_each_change_is_reported_and_written_as_listed(of: str, name: str) -> None:
    assert outcome(TABLES[of].CASES[name]) == LISTED[of].get(name)


@pytest.mark.parametrize("of", TABLES)
def test_a_list_has_no_other_changes(of: str) -> None:
    assert list(LISTED[of]) == list(TABLES[of].CASES)


@pytest.mark.slow
@pytest.mark.parametrize("of", TABLES)
def test_what_is_absorbed_or_held_takes_no_fact_from_the_wire(of: str) -> None:
    for name, case in chosen(of, conflict=False).items():
        assert lost(wire(changed(case.ours)), wire(case.run().contract)) == [], name


@pytest.mark.slow
@pytest.mark.parametrize("of", TABLES)
def test_merging_twice_changes_nothing(of: str) -> None:
    for name, case in chosen(of, conflict=False).items():
        once = case.run()
        twice = merge(once.contract, changed(case.theirs), last=once.vendor)
        assert twice.contract == once.contract, name
        assert twice.changes == (), name
        assert all(difference.known for difference in twice.differences), name


@pytest.mark.slow
@pytest.mark.parametrize("of", TABLES)
def test_a_held_conflict_keeps_ours_and_stays_quiet_until_theirs_changes(of: str) -> None:
    for name, case in chosen(of, conflict=True).items():
        ours, theirs = changed(case.ours), changed(case.theirs)
        places = [difference.at for difference in case.run().conflicts]
        held = merge(ours, theirs, [Hold(at, "we asked") for at in places])
        assert held.conflicts == [], name
        assert lost(wire(ours), wire(held.contract)) == [], name
        again = merge(held.contract, theirs)
        assert again.contract == held.contract, name
        decisions = [difference for difference in again.differences if difference.at in places]
        assert all(difference.known for difference in decisions), name
        assert {each.reason for each in decisions} == {"held by decision: we asked"}, name


def test_what_was_held_comes_back_unmarked() -> None:
    for name, case in chosen("rules", conflict=False).items():
        if any(line.startswith("held") for line in LISTED["rules"][name]):
            back = merge(case.run().contract, small())
            assert back.contract == small(), name
            assert {difference.kind for difference in back.differences} <= {"restored"}, name


def test_a_merge_changes_neither_the_contract_nor_the_description_that_it_is_given() -> None:
    for name in ("a new response property", "a removed operation", "a removed response property"):
        contract, theirs = small(), changed(rules.CASES[name].theirs)
        merge(contract, theirs, [Hold("Ride.speed", "not yet")], today="2026-11-25")
        assert (contract, theirs) == (small(), changed(rules.CASES[name].theirs))


if __name__ == "__main__":
    for table in TABLES.values():
        write(str(table.__file__), table.CASES)
