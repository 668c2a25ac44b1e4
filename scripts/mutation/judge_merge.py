"""The exam on paper: what the ratchet makes of each mutant, without generating anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.adopt import python_name
from contract.align import align
from contract.load import Unusable
from contract.merge import merge
from contract.normalize import LOWER, UPPER, Description
from contract.surface import lost, wire
from contract.verdicts import Verdict

if TYPE_CHECKING:
    from mutation.mutants import Mutant, Sequence
    from mutation.operators import Document


@dataclass(frozen=True)
class Result:
    """What came of a mutant.

    Attributes:
        operator: Its operator.
        label: Its place.
        verdict: The gravest verdict that it got: same, absorbed, held or conflict.
        faults: What was wrong about it; a mutant with a fault survived.
    """

    operator: str
    label: str
    verdict: str
    faults: tuple[str, ...] = ()


def examine(base: Document, mutant: Mutant) -> Result:
    """Put a mutant to the ratchet.

    The verdict must be the expected one. After a conflict the contract stands. Otherwise no fact of the wire is
    lost, merging again changes nothing, and going back to the contract is possible without a loss.
    """
    try:
        merged = merge(base, mutant.document)
    except Unusable as error:
        return Result(mutant.operator, mutant.label, "unusable", (f"unusable: {error}",))
    verdict = gravest([one.verdict for one in merged.differences])
    faults: list[str] = []
    if verdict != mutant.expected:
        kinds = sorted({f"{one.verdict}: {one.kind}" for one in merged.differences})
        faults.append(f"{verdict} instead of {mutant.expected} ({', '.join(kinds)})")
    if any(not one.reason or not one.positions for one in merged.differences):
        faults.append("a verdict without a reason or a place")
    if merged.conflicts:
        if merged.contract != base:
            faults.append("a conflict changed the contract")
    else:
        faults += _kept(base, merged.contract, "forth")
        again = merge(merged.contract, mutant.document)
        if again.contract != merged.contract:
            faults.append("merging again changes the contract")
        if not all(one.standing for one in again.differences):
            faults.append("merging again tells something new")
        faults += _models(base, merged.contract)
        faults += _tighter(merged.contract, mutant.document)
        back = merge(merged.contract, base)
        if mutant.one_way and not back.conflicts:
            faults.append("what callers may send was taken back without a conflict")
        elif back.conflicts and not mutant.one_way:
            faults.append(f"no way back: {back.conflicts[0].kind} at {back.conflicts[0].at}")
        faults += _kept(merged.contract, back.contract, "back")
        if not any(one.gain or one.verdict is Verdict.ABSORBED for one in merged.differences):
            # What was only ever held leaves no trace once it is back.
            faults += [] if back.contract == base else ["back at the contract, and it differs"]
    if verdict == "same" and merged.contract != base:
        faults.append("nothing differs, and the contract changed")
    return Result(mutant.operator, mutant.label, verdict, tuple(faults))


def examine_sequence(base: Document, sequence: Sequence) -> Result:
    """Put bumps one after another to the ratchet: none may be a conflict or lose a fact."""
    contract = base
    faults: list[str] = []
    for number, document in enumerate(sequence.documents, 1):
        merged = merge(contract, document)
        faults += [f"bump {number}: {one.kind} at {one.at}" for one in merged.conflicts]
        faults += _kept(contract, merged.contract, f"bump {number}")
        contract = merged.contract
    faults += _kept(base, contract, "all bumps")
    return Result("ten one after another", sequence.label, "absorbed", tuple(faults))


def _models(before: Document, after: Document) -> list[str]:
    """Schemas keep their names, what is new in one is optional, and Python can tell all names apart."""
    faults: list[str] = []
    old, new = before["components"]["schemas"], after["components"]["schemas"]
    faults += [f"the schema {name} lost its name" for name in old if name not in new]
    for name, schema in new.items():
        if name in old:
            more = set(schema.get("required", ())) - set(old[name].get("required", ()))
            faults += [f"{name}.{one} became required" for one in sorted(more)]
        attributes = [python_name(one) for one in schema.get("properties", ())]
        values = [one.upper() for one in schema.get("enum", ())]
        if len(set(attributes)) < len(attributes) or len(set(values)) < len(values):
            faults.append(f"{name} has two names that Python cannot tell apart")
    return faults


def _tighter(contract: Document, theirs: Document) -> list[str]:
    """No limit of ours may shut out what theirs lets through."""
    faults: list[str] = []
    for place in align(Description(contract), Description(theirs)).schemas.values():
        for meeting in place.meetings:
            for key, ours in place.ours.limits.items():
                other = meeting.theirs.limits.get(key)
                upper, lower = key in UPPER, key in LOWER and ours > 0
                if (upper and (other is None or other > ours)) or (
                    lower and (other is None or other < ours)
                ):
                    faults.append(f"{key} at {place.at} is tighter than theirs")
    return faults


def gravest(verdicts: list[Verdict]) -> str:
    """The gravest of some verdicts; same if there are none."""
    order = (Verdict.ABSORBED, Verdict.HELD, Verdict.CONFLICT)
    return str(max(verdicts, key=order.index)) if verdicts else "same"


def _kept(before: Document, after: Document, way: str) -> list[str]:
    gone = lost(wire(before), wire(after))
    return [f"{way}: the wire lost {gone[0]}"] if gone else []
