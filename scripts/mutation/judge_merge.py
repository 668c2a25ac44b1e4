"""Judges the merge of each mutant, without generating anything.

A mutant survives if its verdict is not the expected one, or if the new contract is not right. Under absorbed and held,
every caller program must have the same outcome. If several verdicts are possible, it must be a conflict if and only if
an outcome changes. The programs use the current package, and a service that implements the mutant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract.adopt import python_name
from contract.load import Unusable
from contract.merge import Merged, merge, with_outcomes
from contract.normalize import ALIASES
from contract.shapes import LOWER, UPPER
from contract.surface import lost, wire
from contract.verdicts import Verdict

from mutation.mutants import VERDICTS
from mutation.outcome import differing, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mutation.mutants import Mutant
    from mutation.operators import Document

_OF_REQUEST = re.compile(r"[A-Z]+ \S+ (\?|header |cookie |body)")


@dataclass(frozen=True)
class Result:
    """The result of examining a mutant.

    Attributes:
        operator: Its operator.
        label: Its operators and places.
        verdict: The most severe verdict of the bump: same, absorbed, held or conflict.
        faults: What is wrong with the verdict or the new contract; a mutant with a fault survived.
        has_alias: Whether only a new package can read it, so that its outcome is judged with that package.
    """

    operator: str
    label: str
    verdict: str
    faults: tuple[str, ...] = ()
    has_alias: bool = False


def examine(base: Document, mutant: Mutant) -> Result:
    """Merge a mutant, also again and back, and judge the verdict by the outcome."""
    try:
        merged = merge(base, mutant.document)
    except Unusable as error:
        fault = f"the description cannot be read: {error}"
        return Result(mutant.operator, mutant.label, "unusable", (fault,))
    expected = mutant.expected.split()
    has_alias = ALIASES in str(merged.contract)
    is_judged = not has_alias and (not merged.conflicts or len(expected) > 1)
    others = differing(outcomes(base, mutant.document)) if is_judged else {}
    seen = with_outcomes(merged, others)
    verdict = _verdict(seen, expected, has_alias=has_alias)
    faults: list[str] = []
    if merged.differences and not merged.conflicts:
        faults += _inconsistent(base, mutant, merged)
    elif merged.contract != base:
        faults.append("the contract changed in spite of a conflict, or without a difference")
    if verdict not in expected:
        faults.append(f"the verdict is {verdict}, expected {mutant.expected}")
    if not seen.conflicts:
        faults += [f"{name!r} has another outcome: {what}" for name, what in others.items()]
    elif is_judged and not others:
        faults.append("the verdict is conflict, although every caller program has the same outcome")
    if faults:
        kinds = sorted({f"{each.kind} ({each.verdict})" for each in seen.differences})
        faults.append(f"the bump reports: {kinds}")
    return Result(mutant.operator, mutant.label, verdict, tuple(faults), has_alias)


def _verdict(seen: Merged, expected: Sequence[str], *, has_alias: bool) -> str:
    """Return the most severe verdict; the expected one if only the package shows whether a limit is a conflict."""
    found = max(("same", *(each.verdict for each in seen.differences)), key=VERDICTS.index)
    return expected[0] if has_alias and seen.tightened and found not in expected else str(found)


def _inconsistent(base: Document, mutant: Mutant, merged: Merged) -> Iterator[str]:
    """Yield the faults of the new contract, of a second merge, and of a merge back to the old description."""
    yield from _lost_facts(base, merged.contract, "after the bump")
    yield from _broken_models(base, merged.contract)
    again = merge(merged.contract, mutant.document, last=merged.vendor)
    if again.contract != merged.contract:
        yield "a second bump to the same description changes the contract"
    if again.changes or not all(difference.known for difference in again.differences):
        yield "a second bump to the same description reports a new difference"
    back = merge(merged.contract, base, last=merged.vendor)
    # Callers may already send what was added.
    is_sent = any(map(_OF_REQUEST.match, lost(wire(merged.contract), wire(base))))
    if is_sent and not back.conflicts:
        yield "a bump back to the old description removes what callers may send, without a conflict"
    elif back.conflicts and not is_sent:
        conflict = back.conflicts[0]
        yield f"a bump back to the old description is a conflict: {conflict.kind} at {conflict.at}"
    yield from _lost_facts(merged.contract, back.contract, "after the bump back")
    only_held = not any(difference.verdict is Verdict.ABSORBED for difference in merged.differences)
    if only_held and not back.conflicts and back.contract != base:
        yield "nothing was absorbed, but after the bump back the contract differs from the old one"


def examine_sequence(base: Document, mutants: Sequence[Mutant]) -> Result:
    """Merge bumps one after another: none may be a conflict or lose a fact."""
    contract, last = base, None
    faults: list[str] = []
    for number, mutant in enumerate(mutants, 1):
        merged = merge(contract, mutant.document, last=last)
        problem = f"bump {number} is a conflict"
        faults += [f"{problem}: {each.kind} at {each.at}" for each in merged.conflicts]
        faults += _lost_facts(contract, merged.contract, f"after bump {number}")
        contract, last = merged.contract, merged.vendor
    return Result(mutants[-1].operator, mutants[-1].label, "absorbed", tuple(faults))


def _lost_facts(before: Document, after: Document, when: str) -> list[str]:
    gone = lost(wire(before), wire(after))
    return [f"{when}, the contract no longer has: {gone[0]}"] if gone else []


def _broken_models(before: Document, after: Document) -> Iterator[str]:
    """Yield faults: a lost schema, a new required property, a tighter limit, or two names that are equal in Python."""
    old, new = (dict(_nodes(each["components"]["schemas"])) for each in (before, after))
    yield from (f"{at} was removed or renamed" for at in old if at not in new)
    for at, node in new.items():
        was = old.get(at, node)
        required = {*node.get("required", ())} - {*was.get("required", ())}
        yield from (f"{each} at {at} became required" for each in sorted(required))
        for key in {*UPPER, *LOWER} & {*node} & {*was}:
            if node[key] < was[key] if key in UPPER else node[key] > was[key]:
                yield f"{key} at {at} became tighter"
        for names in (
            [python_name(each) for each in node.get("properties", ())],
            [each.upper() for each in node.get("enum", ())],
        ):
            if len(set(names)) < len(names):
                yield f"two properties or values at {at} have the same name in Python"


def _nodes(node: Any, at: str = "#") -> Iterator[tuple[str, Document]]:
    """Yield each object of a document, with its pointer."""
    if isinstance(node, dict):
        yield at, node
        for key, child in node.items():
            yield from _nodes(child, f"{at}/{key}")
