"""Judges the merge of each mutant by its outcome, without generating anything.

A service implements the mutant, and the six caller programs run against it with the current package. A mutant survives
if it was absorbed or held although a program has another outcome, or if its verdict is not the expected one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from contract.adopt import python_name
from contract.load import Unusable
from contract.merge import Merged, merge, with_outcomes
from contract.schemas import ALIASES
from contract.shapes import LOWER, UPPER
from contract.surface import lost, wire
from contract.verdicts import Verdict

from mutation.outcome import differing, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mutation.mutants import Mutant
    from mutation.spots import Document


@dataclass(frozen=True)
class Result:
    """The result of examining a mutant.

    Attributes:
        operator: Its operator.
        label: Its place.
        verdict: The most severe verdict of the bump: same, absorbed, held or conflict.
        faults: What is wrong with the verdict or the new contract; a mutant with a fault survived.
        has_alias: Whether only a new package can read it, so that its outcome is judged with that package.
    """

    operator: str
    label: str
    verdict: str
    faults: tuple[str, ...] = ()
    has_alias: bool = False


def examine(base: Document, mutant: Mutant, thorough: bool = True) -> Result:
    """Merge a mutant, and judge the verdict by the outcome; if thorough, also merge it again and back."""
    try:
        merged = merge(base, mutant.document)
    except Unusable as error:
        fault = f"the description cannot be read: {error}"
        return Result(mutant.operator, mutant.label, "unusable", (fault,))
    has_alias = ALIASES in str(merged.contract)
    is_judged = not merged.conflicts and not has_alias
    others = differing(outcomes(base, mutant.document)) if is_judged else {}
    seen = with_outcomes(merged, others)
    order = (Verdict.ABSORBED, Verdict.HELD, Verdict.CONFLICT)
    verdicts = [difference.verdict for difference in seen.differences]
    verdict = str(max(verdicts, key=order.index, default="same"))
    faults = list(_misjudged(base, mutant, merged, verdict))
    if not seen.conflicts:
        changed = "the verdict is {}, but {!r} has another outcome: {}"
        faults += [changed.format(verdict, name, what) for name, what in others.items()]
        if thorough and mutant.expected != "same":
            faults += _inconsistent(base, mutant, merged)
    kinds = sorted({f"{difference.kind} ({difference.verdict})" for difference in seen.differences})
    reported = f"; the bump reports: {', '.join(kinds) or 'no difference'}"
    described = tuple(fault + reported for fault in faults)
    return Result(mutant.operator, mutant.label, verdict, described, has_alias)


def _misjudged(base: Document, mutant: Mutant, merged: Merged, verdict: str) -> Iterator[str]:
    """Yield the faults of a verdict that do not depend on the outcome."""
    if mutant.expected in ("same", "conflict") and verdict != mutant.expected:
        yield f"the verdict is {verdict}, expected {mutant.expected}"
    if mutant.expected == "quiet" and verdict == "conflict":
        yield "the verdict is conflict, although callers would see no change"
    if any(not difference.reason or not difference.positions for difference in merged.differences):
        yield "a difference has no reason or no position"
    if (merged.conflicts or not merged.differences) and merged.contract != base:
        yield "the contract changed in spite of a conflict, or without a difference"


def _inconsistent(base: Document, mutant: Mutant, merged: Merged) -> Iterator[str]:
    """Yield the faults of the new contract, of a second merge, and of a merge back to the old description."""
    yield from _lost_facts(base, merged.contract, "after the bump")
    yield from _broken_models(base, merged.contract)
    yield from _tightened(base, merged.contract)
    again = merge(merged.contract, mutant.document, last=merged.vendor)
    if again.contract != merged.contract:
        yield "a second bump to the same description changes the contract"
    if again.changes or not all(difference.known for difference in again.differences):
        yield "a second bump to the same description reports a new difference"
    back = merge(merged.contract, base, last=merged.vendor)
    if mutant.one_way and not back.conflicts:
        yield "a bump back to the old description removes what callers may send, without a conflict"
    elif back.conflicts and not mutant.one_way:
        conflict = back.conflicts[0]
        yield f"a bump back to the old description is a conflict: {conflict.kind} at {conflict.at}"
    yield from _lost_facts(merged.contract, back.contract, "after the bump back")
    only_held = not any(difference.verdict is Verdict.ABSORBED for difference in merged.differences)
    if only_held and not back.conflicts and back.contract != base:
        yield "nothing was absorbed, but after the bump back the contract differs from the old one"


def examine_sequence(base: Document, label: str, documents: Sequence[Document]) -> Result:
    """Merge bumps one after another: none may be a conflict or lose a fact."""
    contract, last = base, None
    faults: list[str] = []
    for number, document in enumerate(documents, 1):
        merged = merge(contract, document, last=last)
        problem = f"bump {number} is a conflict"
        faults += [f"{problem}: {each.kind} at {each.at}" for each in merged.conflicts]
        faults += _lost_facts(contract, merged.contract, f"after bump {number}")
        contract, last = merged.contract, merged.vendor
    faults += _lost_facts(base, contract, "after all bumps")
    return Result("ten one after another", label, "absorbed", tuple(faults))


def _lost_facts(before: Document, after: Document, when: str) -> list[str]:
    gone = lost(wire(before), wire(after))
    return [f"{when}, the contract no longer has: {gone[0]}"] if gone else []


def _broken_models(before: Document, after: Document) -> Iterator[str]:
    """Yield faults: a renamed schema, a new required property, or two names that are equal in Python."""
    old, new = before["components"]["schemas"], after["components"]["schemas"]
    yield from (f"the schema {name} was removed or renamed" for name in old if name not in new)
    for name, schema in new.items():
        required = {*schema.get("required", ())} - {*old.get(name, schema).get("required", ())}
        yield from (f"{name}.{each} became required" for each in sorted(required))
        attributes = [python_name(each) for each in schema.get("properties", ())]
        values = [each.upper() for each in schema.get("enum", ())]
        if len(set(attributes)) < len(attributes) or len(set(values)) < len(values):
            yield f"{name} has two properties or values with the same name in Python"


def _tightened(before: Any, after: Any, at: str = "#") -> Iterator[str]:
    """Yield faults: a limit of ours that became tighter."""
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("Document", before), cast("Document", after)
        for key, value in old.items():
            if key in (*UPPER, *LOWER) and isinstance(value, int) and isinstance(new.get(key), int):
                if new[key] < value if key in UPPER else new[key] > value:
                    yield f"{key} at {at} became tighter"
            else:
                yield from _tightened(value, new.get(key), f"{at}/{key}")
