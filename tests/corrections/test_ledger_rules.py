"""The rules of a ledger: what it locks, what counts as corrected, and what it reports as damaged."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from togai import InvalidRequest
from togai._storage import schema
from togai.corrections import Kind, Ledger
from togai.corrections._ledger import records_of
from togai.errors import AlreadyPending, LedgerDamaged, NotApproved, StaleReading

from .records import DIGEST, REDO, SERVICE, begin, claim, head

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def change(path: Path, statement: str) -> None:
    """Change a ledger past its rules, like another program."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)


def test_a_ledger_without_an_id_is_damaged(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    change(path, "DELETE FROM togai_meta WHERE name = 'id'")
    with pytest.raises(LedgerDamaged, match="its id is missing"):
        Ledger(path).pending()


@pytest.mark.parametrize(
    ("kind", "is_wide"),
    [
        (None, True),
        (Kind.UNKNOWN, True),
        (Kind.APPLIED, True),
        (Kind.FAILED, False),
        (Kind.NOT_APPLIED, False),
    ],
)
def test_a_correction_of_a_whole_account_counts_until_it_failed(
    ledger: Ledger, kind: Kind | None, is_wide: bool
) -> None:
    entry = begin(ledger, claim(None))
    if kind is not None:
        records_of(ledger).conclude(entry, kind, {})
    assert records_of(ledger).has_wide(SERVICE) is is_wide


@pytest.mark.parametrize(("decided", "late"), [("not applied", "applied"), ("applied", "failed")])
def test_a_late_outcome_counts_a_correction_of_a_whole_account(
    ledger: Ledger, decided: str, late: str
) -> None:
    entry = begin(ledger, claim(None))
    ledger.decide(entry, decided, who="bob", why="ok", min_age=timedelta(0))
    records_of(ledger).conclude(entry, Kind(late), {"how": "response"})
    assert records_of(ledger).has_wide(SERVICE)


def test_a_late_outcome_makes_an_earlier_reading_stale(ledger: Ledger) -> None:
    entry = begin(ledger, claim(action=REDO))
    ledger.decide(entry, "not applied", who="bob", why="ok", min_age=timedelta(0))
    since = head(ledger)
    records_of(ledger).conclude(entry, Kind.APPLIED, {"how": "response"})
    with pytest.raises(StaleReading, match="was corrected after it was read"):
        begin(ledger, claim(action=REDO, since=since))
    begin(ledger, claim(action=REDO, since=head(ledger)))


@pytest.mark.parametrize(
    ("late", "applied", "expected"),
    [
        ("applied", [], Kind.APPLIED),
        ("failed", [], Kind.NOT_APPLIED),
        ("failed", ["ref-2"], Kind.NOT_APPLIED),
    ],
)
def test_a_late_outcome_is_the_outcome_of_an_item_if_it_was_applied(
    ledger: Ledger, late: str, applied: list[str], expected: Kind
) -> None:
    ledger.approve(DIGEST, who="bob", why="ok")
    entry = begin(ledger, claim(action=REDO, plan=DIGEST, item="1"))
    ledger.decide(entry, "not applied", who="bob", why="ok", min_age=timedelta(0))
    records_of(ledger).conclude(entry, Kind(late), {"how": "response"}, applied=applied)
    assert records_of(ledger).states(DIGEST)["1"][0] == expected


@pytest.mark.parametrize(("first", "second"), [(None, None), (None, DIGEST), ("b" * 64, DIGEST)])
def test_an_event_that_failed_in_another_call_or_plan_may_be_corrected(
    ledger: Ledger, first: str | None, second: str | None
) -> None:
    for plan in filter(None, (first, second)):
        ledger.approve(plan, who="bob", why="ok")
    records_of(ledger).conclude(begin(ledger, claim(plan=first)), Kind.FAILED, {})
    entry = begin(ledger, claim(plan=second, since=0))
    assert ledger.pending() == [entry]


def test_a_correction_of_an_event_or_of_another_service_is_not_of_a_whole_account(
    ledger: Ledger,
) -> None:
    begin(ledger)
    begin(ledger, claim(None), service="https://sandbox-api.togai.com")
    assert not records_of(ledger).has_wide(SERVICE)


def test_an_open_event_whose_account_was_not_read_locks_every_whole_account(ledger: Ledger) -> None:
    begin(ledger, claim(account="alias", shown=None))
    with pytest.raises(AlreadyPending, match="may be an alias of the other"):
        begin(ledger, claim(None, account="other"))


def test_a_plan_belongs_to_the_ledger_that_it_was_created_with(ledger: Ledger) -> None:
    ledger.approve(DIGEST, who="bob", why="ok")
    records = records_of(ledger)
    with pytest.raises(InvalidRequest, match="does not belong to the ledger"):
        records.check_plan(DIGEST, "another", (0, ""))
    records.check_plan(DIGEST, ledger.id, (0, ""))
    with pytest.raises(NotApproved):
        records.check_plan("b" * 64, ledger.id, (0, ""))


@pytest.mark.parametrize("later", [0, 1])
def test_a_plan_is_not_executed_with_an_older_copy_of_its_ledger(
    ledger: Ledger, tmp_path: Path, later: int
) -> None:
    ledger.approve(DIGEST, who="bob", why="ok")
    copied = shutil.copy(tmp_path / "ledger.db", tmp_path / "copy.db")
    begin(ledger)
    _, position, _ = records_of(ledger).blocked(SERVICE, [])
    records_of(ledger).check_plan(DIGEST, ledger.id, position)
    copy = Ledger(copied)
    for number in range(later):
        begin(copy, claim(f"other-{number}"))
    with pytest.raises(
        LedgerDamaged, match="lacks entry 2, which it had when the plan was created"
    ):
        records_of(copy).check_plan(DIGEST, ledger.id, position)


def test_a_lock_without_an_entry_is_damage(ledger: Ledger, tmp_path: Path) -> None:
    begin(ledger)
    change(
        tmp_path / "ledger.db",
        "INSERT INTO togai_open VALUES ('x', 'event', 'ref-2', 'acme', NULL, 99)",
    )
    with pytest.raises(LedgerDamaged, match="a lock has no entry"):
        ledger.pending()


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None])
def test_only_an_entry_or_a_number_refers_to_a_correction(ledger: Ledger, wrong: Any) -> None:
    begin(ledger)
    with pytest.raises(InvalidRequest, match=f"not {type(wrong).__name__}$"):
        ledger.decide(wrong, "applied", who="bob", why="ok")


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_number_that_is_not_of_a_correction_is_refused(ledger: Ledger, number: int) -> None:
    ledger.approve(DIGEST, who="bob", why="ok")
    begin(ledger)
    with pytest.raises(InvalidRequest, match=f"has no correction {number}"):
        ledger.decide(number, "applied", who="bob", why="ok")


def test_an_entry_about_a_correction_refers_to_it(ledger: Ledger) -> None:
    begin(ledger)
    pending = begin(ledger, claim("ref-2"))
    records_of(ledger).conclude(pending, Kind.UNKNOWN, {})
    *_, unknown = ledger.history()
    ledger.decide(unknown, "applied", who="bob", why="ok")
    assert [entry.target for entry in ledger.pending()] == ["ref-1"]


@pytest.mark.parametrize("kind", [Kind.INTENT, Kind.UNKNOWN])
def test_an_entry_of_another_ledger_is_refused(ledger: Ledger, tmp_path: Path, kind: Kind) -> None:
    another = Ledger(tmp_path / "another.db", create=True)
    for each in (another, ledger):
        records_of(each).conclude(begin(each), Kind.UNKNOWN, {})
    entry = next(entry for entry in another.history() if entry.kind == kind)
    with pytest.raises(InvalidRequest, match=f"entry {entry.id} does not belong to the ledger"):
        ledger.decide(entry, "applied", who="bob", why="ok")
    assert len(ledger.pending()) == 1


def test_an_entry_of_a_longer_ledger_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    entry = begin(Ledger(tmp_path / "another.db", create=True))
    with pytest.raises(InvalidRequest, match=f"has no correction {entry.id}"):
        ledger.decide(entry, "applied", who="bob", why="ok")


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        ("DELETE FROM togai_entry WHERE id = 3", ["entries 3 to 3 are missing"]),
        ("DELETE FROM togai_entry WHERE id IN (3, 4)", ["entries 3 to 4 are missing"]),
        ("DELETE FROM togai_open", ["the locks do not match the entries"]),
        ("UPDATE togai_open SET account = 'x'", []),
        ("UPDATE togai_open SET service = 'x'", ["the locks do not match the entries"]),
        ("UPDATE togai_open SET intent = 5", ["the locks do not match the entries"]),
        ("UPDATE togai_entry SET who = 'eve' WHERE id = 2", ["entry 2 was damaged or altered"]),
    ],
)
def test_damage_is_described_with_one_line_for_each_problem(
    ledger: Ledger, tmp_path: Path, statement: str, problems: list[str]
) -> None:
    begin(ledger)
    for _ in range(4):
        ledger.approve(DIGEST, who="bob", why="ok")
    change(tmp_path / "ledger.db", statement)
    with records_of(ledger).rules(write=False) as rules:
        assert rules.problems() == problems


def test_an_outcome_whose_correction_is_missing_is_damage(ledger: Ledger, tmp_path: Path) -> None:
    records_of(ledger).conclude(begin(ledger), Kind.APPLIED, {})
    change(tmp_path / "ledger.db", "DELETE FROM togai_entry WHERE id = 1")
    with records_of(ledger).rules(write=False) as rules:
        missing, alone = rules.problems()
    assert missing == "entries 1 to 1 are missing"
    assert alone.endswith("does not refer to a correction")


def test_both_kinds_of_databases_refuse_the_same_changes() -> None:
    def triggers(statements: Sequence[str]) -> set[str]:
        created = r"CREATE TRIGGER (\w+) BEFORE (\w+) ON (\w+)"
        found = [re.match(created, statement) for statement in statements]
        return {match[0] for match in found if match and match[2] != "TRUNCATE"}

    server = schema.POSTGRESQL
    assert triggers(server) == triggers(schema.SQLITE)
    assert len(triggers(server)) == 5
    # Each trigger runs a function of its own name, which is created before.
    for number, statement in enumerate(server):
        if called := re.search(r"EXECUTE FUNCTION (\w+\(\))", statement):
            created = f"CREATE OR REPLACE FUNCTION {called[1]}"
            assert any(earlier.startswith(created) for earlier in server[:number])
