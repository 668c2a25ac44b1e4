"""The exam judges the bump correctly, and detects a broken bump."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from contract import align as align_
from contract import schemas as schemas_
from contract import values as values_
from contract import verdicts
from contract.calls import Calls
from contract.load import load
from contract.merge import Merged
from contract.normalize import Description
from contract.schemas import Schemas
from contract.values import Values
from contract.verdicts import Rule, Verdict
from mutation import judge_merge
from mutation.__main__ import table
from mutation.judge_merge import Result, examine, examine_sequence
from mutation.mutants import OPERATORS, Mutant, combined, sequences, single
from mutation.outcome import EXPECTED, differing, outcomes

from togai import _requests

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(root: Any) -> dict[str, Any]:
    return load(str(root / "openapi.yaml"))


@pytest.fixture(scope="module")
def mutants(base: dict[str, Any]) -> dict[str, list[Mutant]]:
    """The mutants of each operator."""
    of: dict[str, list[Mutant]] = {}
    for mutant in single(base):
        of.setdefault(mutant.operator, []).append(mutant)
    return of


def survivors(base: dict[str, Any], mutants: list[Mutant]) -> list[Result]:
    results = [examine(base, mutant) for mutant in mutants]
    return [result for result in results if result.faults]


def few(some: list[Mutant], count: int) -> list[Mutant]:
    return some[:: max(1, len(some) // count)][:count]


def test_there_are_enough_operators_and_mutants(mutants: dict[str, list[Mutant]]) -> None:
    assert len(OPERATORS) >= 75
    assert len({operator.name for operator in OPERATORS}) == len(OPERATORS)
    assert sum(len(some) for some in mutants.values()) >= 2000


def test_the_caller_programs_give_on_the_contract_what_was_counted_by_hand(
    base: dict[str, Any],
) -> None:
    assert outcomes(base, base) == EXPECTED


@pytest.mark.long
def test_a_mutant_of_each_operator_gets_the_verdict_that_its_outcome_deserves(
    base: dict[str, Any], mutants: dict[str, list[Mutant]]
) -> None:
    assert survivors(base, [mutant for some in mutants.values() for mutant in few(some, 1)]) == []


def test_differences_at_once_get_the_gravest_verdict(base: dict[str, Any]) -> None:
    assert survivors(base, list(combined(base, 12))) == []


def test_bumps_one_after_another_lose_nothing(base: dict[str, Any]) -> None:
    results = [examine_sequence(base, each) for each in sequences(base, 2)]
    assert [mutant.faults for mutant in results if mutant.faults] == []


def test_the_same_seed_gives_the_same_mutants(base: dict[str, Any]) -> None:
    assert list(combined(base, 5)) == list(combined(base, 5))
    assert list(sequences(base, 1)) == list(sequences(base, 1))


def test_each_program_detects_a_service_that_ignores_what_it_sends(base: dict[str, Any]) -> None:
    theirs = copy.deepcopy(base)
    for item in theirs["paths"].values():
        for call in item.values():
            call["parameters"] = [
                parameter for parameter in call["parameters"] if parameter["in"] == "path"
            ]
    listed = differing(outcomes(base, theirs))
    assert any(mutant.startswith("list by each filter") for mutant in listed)


def swallow(*_: Any, **__: Any) -> None:
    """Notices nothing."""


def all_required(original: Callable[..., Any]) -> Callable[..., Any]:
    """Makes new properties as required as the vendor has them."""

    def new_property(schemas: Any, place: Any, meetings: Any, name: str) -> None:
        original(schemas, place, meetings, name)
        if name in place.node.value["properties"]:
            place.node.value.setdefault("required", []).append(name)

    return new_property


def unsent(original: Callable[..., Any]) -> Callable[..., Any]:
    """Leaves to the service what a correction should always say."""

    def correct(*arguments: Any, **more: Any) -> Any:
        call = original(*arguments, **more)
        call.params.pop("require_confirmation", None)
        call.params.pop("async", None)
        return call

    return correct


def blind_to_auth(original: Callable[..., Any]) -> Any:
    def operation(described: Any, method: str, at: str) -> Any:
        return replace(original(described, method, at), security=frozenset({"http bearer"}))

    return operation


def rule(name: str, verdict: Verdict) -> tuple[Any, str, Callable[[Any], Any]]:
    return (verdicts, name, lambda original: replace(original, verdict=verdict))


def swapped(original: Callable[..., Merged]) -> Callable[..., Merged]:
    """Says held where something was absorbed, and the other way round."""
    others = {HELD: ABSORBED, ABSORBED: HELD}

    def merge(*arguments: Any, **more: Any) -> Merged:
        merged = original(*arguments, **more)
        differences = [
            replace(each, verdict=others.get(each.verdict, each.verdict))
            for each in merged.differences
        ]
        return replace(merged, differences=tuple(differences))

    return merge


HELD, ABSORBED, CONFLICT = Verdict.HELD, Verdict.ABSORBED, Verdict.CONFLICT
# What is broken -> where, what, how, and the operators that must notice.
SABOTAGE: dict[str, tuple[tuple[Any, str, Callable[[Any], Any]], str]] = {
    "a removed filter is held": (rule("LOST_PARAMETER", HELD), "removed parameter"),
    "a renamed filter is absorbed": (rule("RENAMED_PARAMETER", ABSORBED), "re-cased parameter"),
    "a moved filter is held": (rule("MOVED_PARAMETER", HELD), "moved parameter"),
    "another default is absorbed": (rule("DEFAULT_SENT", ABSORBED), "changed default"),
    "defaults are left to the service": (
        (_requests, "correct_events", unsent),
        "changed default of what is always sent",
    ),
    "what callers read may go": (rule("LOST_READ", HELD), "removed property"),
    "the page token may go": (rule("LOST_RELIED", HELD), "renamed property"),
    "an envelope is held": (rule("WRAPPED", HELD), "envelope around a response"),
    "another success is absorbed": (rule("NEW_SUCCESS", ABSORBED), "new success status"),
    "REVERTED may get another name": (rule("LOST_RELIED_MEMBER", HELD), "lost enum member"),
    "a new status is no decision": (rule("DECIDE_MEMBER", ABSORBED), "new status of a correction"),
    "a list may be joined": (rule("LIST_STYLE", ABSORBED), "filter that may be a joined list"),
    "items may be null": (rule("NULL_ITEM", ABSORBED), "items that became nullable"),
    "a call may move": (rule("OTHER_SERVER", HELD), "call at another server"),
    "the server may go": (rule("LOST_DEFAULT_SERVER", HELD), "another address"),
    "a path may mean another id": (
        rule("PATH_MEANING", HELD),
        "path parameter that names another id",
    ),
    "what is sent is renamed": (
        rule("RENAMED_REQUEST_PROPERTY", ABSORBED),
        "re-cased property that is sent",
    ),
    "absorbed is called held": ((judge_merge, "merge", swapped), "new response property"),
    "held is called absorbed": ((judge_merge, "merge", swapped), "removed error status"),
    "an addition is held": (rule("NEW_PROPERTY", HELD), "new response property"),
    "what nobody needs may not go": (rule("HELD_PROPERTY", CONFLICT), "removed property"),
    "a value that nobody needs may not go": (rule("HELD_MEMBER", CONFLICT), "lost enum member"),
    "a new name in responses is no alias": (
        rule("ALIAS", CONFLICT),
        "re-cased property",
    ),
    "a required addition gets through": (
        rule("NEED_PROPERTY", ABSORBED),
        "new required request property",
    ),
    "a required parameter gets through": (
        rule("NEED_PARAMETER", ABSORBED),
        "new required parameter",
    ),
    "uses are not compared": ((Schemas, "use", lambda _: swallow), "changed type"),
    "objects of a choice are not compared": (
        (align_, "variants", lambda _: lambda theirs, node, _: [theirs.shape(node)]),
        "choice of equal objects",
    ),
    "auth is not compared": ((Description, "operation", blind_to_auth), "changed auth scheme"),
    "a removed request member is held": (
        rule("LOST_REQUEST_MEMBER", HELD),
        "lost request enum member",
    ),
    "limits only ever tighten": (
        (values_, "_tighter", lambda f: lambda *a: not f(*a)),
        "tightened limit",
    ),
    "what came back stays marked": (
        (Schemas, "_restored", lambda _: swallow),
        "removed property",
    ),
    "enum members are not compared": (
        (Values, "enum", lambda _: swallow),
        "lost enum member",
    ),
    "a filter may list its values": (rule("LISTED_SENT", ABSORBED), "limit of a filter"),
    "outcomes make no conflict of a limit": (
        (judge_merge, "with_outcomes", lambda _: lambda merged, _: merged),
        "limit of a filter",
    ),
    "names in Python may collide": (
        (schemas_, "clash", lambda _: lambda *_: False),
        "new property whose name is taken in Python",
    ),
    "a removed operation is held": (rule("GONE", HELD), "removed call"),
    "statuses are not compared": ((Calls, "_responses", lambda _: swallow), "success without"),
    "new properties are as required as theirs": (
        (Schemas, "_new_property", all_required),
        "new response property that is required",
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", SABOTAGE)
def test_the_exam_catches_a_broken_ratchet(
    name: str,
    base: dict[str, Any],
    mutants: dict[str, list[Mutant]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (holder, attribute, broken), operators = SABOTAGE[name]
    examined = [
        mutant for key, some in mutants.items() if operators in key for mutant in few(some, 100)
    ]
    assert examined
    monkeypatch.setattr(holder, attribute, broken(getattr(holder, attribute)))
    theirs = copy.deepcopy(base)
    assert any(examine(theirs, mutant).faults for mutant in examined), "nobody noticed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"anyOf": [{"required": ["id"]}, {"required": ["zone"]}]}, False),
        ({"anyOf": [{"required": ["unit"]}, {"required": ["zone"]}]}, True),
        ({"dependentRequired": {"id": ["timestamp"], "zone": ["unit"]}}, False),
        ({"dependentRequired": {"id": ["zone"]}}, True),
    ],
    ids=["met", "not met", "not needed", "needed"],
)
def test_the_service_requires_one_of_several_alternatives(
    base: dict[str, Any], more: dict[str, Any], refused: bool
) -> None:
    theirs = copy.deepcopy(base)
    theirs["components"]["schemas"]["Event"].update(more)
    assert [*differing(outcomes(base, theirs))] == ["replace one quantity"] * refused


def test_the_table_counts_verdicts_and_survivors() -> None:
    results = [
        Result("removed error status", "a", "held"),
        Result("removed error status", "b", "absorbed", ("absorbed instead of held",)),
    ]
    lines = table(results, [Result("removed error status", "a", "held")]).splitlines()
    row = next(line for line in lines if line.startswith("removed error status"))
    assert row.split()[3:] == ["2", "0", "1", "1", "0", "1", "1"]
    assert lines[-1].split()[:3] == ["all", str(len(OPERATORS)), "2"]


def test_every_rule_is_one_of_the_table() -> None:
    rules = [var for var in vars(verdicts).values() if isinstance(var, Rule)]
    assert len(rules) >= 60
    assert all(rule.reason for rule in rules)
    # A conflict and a held difference say what callers would get; the reason of some says it already.
    assert sum(bool(rule.gets) for rule in rules if rule.verdict is not ABSORBED) >= 35
