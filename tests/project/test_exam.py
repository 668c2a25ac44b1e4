"""The exam is right about the ratchet, and notices when the ratchet is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from contract import merge as merging
from contract import verdicts
from contract.load import load
from contract.merge import _Merger
from contract.normalize import Description
from contract.verdicts import Rule, Verdict
from mutation.__main__ import table
from mutation.equivalent import _rename
from mutation.judge_merge import Result, examine, examine_sequence
from mutation.mutants import Mutant, combined, sequences, single
from mutation.operators import OPERATORS


@pytest.fixture(scope="module")
def base(root: Any) -> dict[str, Any]:
    return load(str(root / "openapi.yaml"))


@pytest.fixture(scope="module")
def spread(base: dict[str, Any]) -> list[Mutant]:
    """A few mutants of each operator."""
    of: dict[str, list[Mutant]] = {}
    for one in single(base):
        of.setdefault(one.operator, []).append(one)
    return [one for some in of.values() for one in some[:: max(1, len(some) // 2)][:2]]


def survivors(base: dict[str, Any], mutants: list[Mutant]) -> list[Result]:
    results = [examine(base, one) for one in mutants]
    return [one for one in results if one.faults]


def test_there_are_enough_operators_and_mutants(base: dict[str, Any]) -> None:
    assert len(OPERATORS) >= 45
    assert len({one.name for one in OPERATORS}) == len(OPERATORS)
    assert sum(1 for _ in single(base)) >= 1000


@pytest.mark.slow
def test_every_kind_of_verdict_has_its_operators(base: dict[str, Any]) -> None:
    kinds: set[str] = set()
    for one in single(base):
        kinds |= {each.kind for each in merging.merge(base, one.document).differences}
    rules = {one.kind for one in vars(verdicts).values() if isinstance(one, Rule)}
    # What comes back is examined on the way back of each mutant.
    assert rules - kinds == {"came back", "no longer deprecated"}


@pytest.mark.slow
def test_a_mutant_of_each_operator_gets_its_verdict(
    base: dict[str, Any], spread: list[Mutant]
) -> None:
    assert survivors(base, spread) == []


def test_differences_at_once_get_the_gravest_verdict(base: dict[str, Any]) -> None:
    assert survivors(base, list(combined(base, 40))) == []


def test_bumps_one_after_another_lose_nothing(base: dict[str, Any]) -> None:
    assert [
        one.faults
        for one in (examine_sequence(base, each) for each in sequences(base, 4))
        if one.faults
    ] == []


def test_the_same_seed_gives_the_same_mutants(base: dict[str, Any]) -> None:
    assert list(combined(base, 5)) == list(combined(base, 5))
    assert list(sequences(base, 1)) == list(sequences(base, 1))


def swallow(*_: Any, **__: Any) -> None:
    """Notices nothing."""


def drop_held(merger: Any, rule: Rule, node: Any, at: str, *rest: Any, **more: Any) -> None:
    """Forgets what the vendor dropped instead of keeping it."""
    written = merger._schema(at.rpartition("/properties/")[0]) if "/properties/" in at else {}
    written.get("properties", {}).pop(at.rpartition("/")[2], None)
    merger._tell(rule, at, rest[0], "none", rest[1])


def all_required(original: Callable[..., Any]) -> Callable[..., Any]:
    """Makes new properties as required as the vendor has them."""

    def new_property(merger: Any, place: Any, schema: Any, name: str) -> None:
        original(merger, place, schema, name)
        if name in schema["properties"]:
            schema.setdefault("required", []).append(name)

    return new_property


def vendor_names(original: Callable[..., Any]) -> Callable[..., Any]:
    """Calls our schemas by the vendor's names."""

    def run(merger: Any) -> None:
        original(merger)
        theirs = merger._theirs.root.value["components"]["schemas"]
        for name in [*merger.contract["components"]["schemas"]]:
            if name not in theirs and f"{name}V2" in theirs:
                _rename(merger.contract, name, f"{name}V2")

    return run


def blind_to(path: str) -> Callable[[Any], Any]:
    """Does not look at a piece of the description."""

    def replaced(original: Callable[..., Any]) -> Callable[..., Any]:
        def operation(described: Any, method: str, at: str) -> Any:
            found = original(described, method, at)
            empty: Any = frozenset({"http bearer"}) if path == "security" else {}
            return replace(found, **{path: empty})

        return operation

    return replaced


def rule(name: str, verdict: Verdict) -> tuple[Any, str, Callable[[Any], Any]]:
    return (verdicts, name, lambda original: replace(original, verdict=verdict))


# What is broken -> where, what, and how.
SABOTAGE: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "a held property is dropped": (_Merger, "_mark", lambda _: drop_held),
    "a required addition gets through": rule("NEED_PROPERTY", Verdict.ABSORBED),
    "a required parameter gets through": rule("NEED_PARAMETER", Verdict.ABSORBED),
    "the vendor's names are taken": (_Merger, "run", vendor_names),
    "types are not compared": (_Merger, "_kinds", lambda _: swallow),
    "a changed type is absorbed": rule("TYPE", Verdict.ABSORBED),
    "auth is not looked at": (Description, "operation", blind_to("security")),
    "a removed request member is held": rule("LOST_REQUEST_MEMBER", Verdict.HELD),
    "constraints only ever tighten": (merging, "_tighter", lambda f: lambda *a: not f(*a)),
    "what came back stays marked": (_Merger, "_unmark", lambda _: swallow),
    "enum members are not compared": (_Merger, "_values", lambda _: swallow),
    "names in Python may collide": (merging, "clash", lambda _: lambda *_: False),
    "a removed operation is held": rule("GONE", Verdict.HELD),
    "new properties are as required as theirs": (_Merger, "_new_property", all_required),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SABOTAGE)
def test_the_exam_catches_a_broken_ratchet(
    name: str, base: dict[str, Any], spread: list[Mutant], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, attribute, broken = SABOTAGE[name]
    monkeypatch.setattr(holder, attribute, broken(getattr(holder, attribute)))
    caught = survivors(copy.deepcopy(base), spread)
    assert caught, "nobody noticed"


def test_the_table_counts_verdicts_and_survivors() -> None:
    results = [
        Result("removed status", "a", "held"),
        Result("removed status", "b", "absorbed", ("absorbed instead of held",)),
    ]
    lines = table(results, [Result("removed status", "a", "held")]).splitlines()
    row = next(line for line in lines if line.startswith("removed status"))
    assert row.split()[2:] == ["2", "0", "1", "1", "0", "1", "1"]
    assert lines[-1].split()[:3] == ["all", str(len(OPERATORS)), "2"]
