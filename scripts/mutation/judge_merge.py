"""Judges the merge of each mutant by its outcome, without generating anything.

A service implements the mutant, and the six caller programs run against it with the current package. A mutant that was
absorbed or held although the outcome changed is a survivor, and so is a conflict without a change.
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

from mutation.outcome import judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mutation.mutants import Mutant, Sequence
    from mutation.operators import Document


@dataclass(frozen=True)
class Result:
    """The result of examining a mutant.

    Attributes:
        operator: Its operator.
        label: Its place.
        verdict: The most severe verdict that it got: same, absorbed, held or conflict.
        faults: The faults of the verdict; a mutant with a fault survived.
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
        return Result(mutant.operator, mutant.label, "unusable", (f"unusable: {error}",))
    has_alias = ALIASES in str(merged.contract)
    unjudged = merged.conflicts or has_alias
    outcomes = {} if unjudged else judged(base, mutant.document)
    seen = with_outcomes(merged, outcomes)
    verdict = gravest([difference.verdict for difference in seen.differences])
    kinds = ", ".join(
        sorted({f"{difference.verdict}: {difference.kind}" for difference in seen.differences})
    )
    faults = [f"{fault} ({kinds})" for fault in _misjudged(base, mutant, merged, verdict)]
    if not seen.conflicts:
        faults += [f"{verdict} ({kinds}), but {name}: {what}" for name, what in outcomes.items()]
        if thorough and mutant.expected != "same":
            faults += _consistent(base, mutant, merged)
    return Result(mutant.operator, mutant.label, verdict, tuple(faults), has_alias)


def _misjudged(base: Document, mutant: Mutant, merged: Merged, verdict: str) -> Iterator[str]:
    """Yield the faults of a verdict that do not depend on the outcome."""
    if mutant.expected in ("same", "conflict") and verdict != mutant.expected:
        yield f"{verdict} instead of {mutant.expected}"
    if mutant.expected == "quiet" and verdict == "conflict":
        yield "a conflict where callers would see nothing"
    if any(not difference.reason or not difference.positions for difference in merged.differences):
        yield "a verdict without a reason or a place"
    if (merged.conflicts or not merged.differences) and merged.contract != base:
        yield "the contract changed with a conflict, or without a difference"


def _consistent(base: Document, mutant: Mutant, merged: Merged) -> list[str]:
    """Return the faults: a lost fact on the wire, a change by merging again, or no way back."""
    faults = _kept(base, merged.contract, "forth") + _models(base, merged.contract)
    faults += list(_tightened(base, merged.contract))
    again = merge(merged.contract, mutant.document, last=merged.vendor)
    if again.contract != merged.contract:
        faults.append("merging again changes the contract")
    if again.changes or not all(difference.known for difference in again.differences):
        faults.append("merging again reports something new")
    back = merge(merged.contract, base, last=merged.vendor)
    if mutant.one_way and not back.conflicts:
        faults.append("what callers may send was taken back without a conflict")
    elif back.conflicts and not mutant.one_way:
        faults.append(f"no way back: {back.conflicts[0].kind} at {back.conflicts[0].at}")
    faults += _kept(merged.contract, back.contract, "back")
    only_held = not any(difference.verdict is Verdict.ABSORBED for difference in merged.differences)
    if only_held and not back.conflicts and back.contract != base:
        faults.append("what was only held left a trace once it was back")
    return faults


def examine_sequence(base: Document, sequence: Sequence) -> Result:
    """Merge bumps one after another: none may be a conflict, lose a fact or report a difference as already known."""
    contract, last = base, None
    faults: list[str] = []
    for number, document in enumerate(sequence.documents, 1):
        merged = merge(contract, document, last=last)
        faults += [
            f"bump {number}: {conflict.kind} at {conflict.at}" for conflict in merged.conflicts
        ]
        faults += _kept(contract, merged.contract, f"bump {number}")
        contract, last = merged.contract, merged.vendor
    faults += _kept(base, contract, "all bumps")
    return Result("ten one after another", sequence.label, "absorbed", tuple(faults))


def _models(before: Document, after: Document) -> list[str]:
    """Return the faults: a renamed schema, a new required property, or two names that are equal in Python."""
    faults: list[str] = []
    old, new = before["components"]["schemas"], after["components"]["schemas"]
    faults += [f"the schema {name} lost its name" for name in old if name not in new]
    for name, schema in new.items():
        if name in old:
            more = set(schema.get("required", ())) - set(old[name].get("required", ()))
            faults += [f"{name}.{difference} became required" for difference in sorted(more)]
        attributes = [python_name(event) for event in schema.get("properties", ())]
        values = [event.upper() for event in schema.get("enum", ())]
        if len(set(attributes)) < len(attributes) or len(set(values)) < len(values):
            faults.append(f"{name} has two names that Python cannot tell apart")
    return faults


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


def gravest(verdicts: list[Verdict]) -> str:
    """Return the most severe verdict; same if there are none."""
    order = (Verdict.ABSORBED, Verdict.HELD, Verdict.CONFLICT)
    return str(max(verdicts, key=order.index)) if verdicts else "same"


def _kept(before: Document, after: Document, way: str) -> list[str]:
    gone = lost(wire(before), wire(after))
    return [f"{way}: the wire lost {gone[0]}"] if gone else []
