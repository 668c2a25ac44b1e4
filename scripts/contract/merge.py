"""Merges a description into the contract, with a verdict for each difference.

The contract only grows. Additions are absorbed; removals are held and marked; a difference that would
change what a caller's code sees or what a call does is a conflict, and the new contract must not be used.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from contract.adopt import Taker
from contract.align import align
from contract.calls import Calls
from contract.findings import Findings
from contract.load import Unusable
from contract.normalize import Description
from contract.parameters import Parameters
from contract.schemas import Schemas
from contract.values import Values
from contract.vendor import canonical, changes
from contract.verdicts import TIGHTENED, Difference, Hold, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Merged:
    """The result of a merge. With a conflict, `contract` is the old one.

    Attributes:
        contract: The new contract.
        differences: All differences, ordered by pointer.
        vendor: The vendor's description of our calls, canonical.
        changes: The pointers of its changes since the last bump; None if they are not known.
        unmatched: The holds without a difference.
        released: The pointers of earlier decisions that no longer have a difference.
        schemas: The names of new schemas.
        changed: Whether the new contract differs from the old one.
    """

    contract: dict[str, Any]
    differences: tuple[Difference, ...]
    vendor: dict[str, Any]
    changes: tuple[str, ...] | None = None
    unmatched: tuple[Hold, ...] = ()
    released: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    changed: bool = False

    @property
    def tightened(self) -> list[Difference]:
        """The limits of what callers send that are new and tighter: conflicts if they break a caller program."""
        return [each for each in self.differences if each.kind in TIGHTENED and not each.known]

    @property
    def conflicts(self) -> list[Difference]:
        """Return the differences that stop the bump."""
        return [entry for entry in self.differences if entry.verdict is Verdict.CONFLICT]


def merge(
    contract: dict[str, Any],
    description: dict[str, Any],
    holds: Sequence[Hold] = (),
    *,
    last: dict[str, Any] | None = None,
    write: str = "",
    today: str = "",
) -> Merged:
    """Merge a description into the contract. No argument is changed.

    Args:
        contract: The contract as plain data.
        description: The vendor's description as plain data.
        holds: Decisions to keep what the contract says.
        last: The vendor's description at the last bump, canonical.
        write: The name under which a renamed request property is sent: "OLD", "NEW", or empty for a conflict.
        today: The date that marks carry.

    Raises:
        Unusable: A part of the description that our calls use cannot be read.
    """
    scratch, grown = copy.deepcopy(contract), copy.deepcopy(contract)
    old = Findings(scratch, (), None)
    before = Description(last, canonical=True) if last is not None else None
    if before is not None:
        _compare(scratch, before, old)
    findings = Findings(grown, holds, old.facts if before else None)
    theirs = Description(description)
    _compare(grown, theirs, findings, before, write=write, today=today)
    differences, unmatched, released = findings.settle()
    stopped = any(entry.verdict is Verdict.CONFLICT for entry in differences) or unmatched
    taken = contract if stopped else grown
    # With the names of the new contract, so that the next bump uses the same names.
    vendor = canonical(taken, theirs)
    since = tuple(sorted(changes(last, vendor))) if last is not None else None
    new = tuple(name for name in _schemas(taken) if name not in _schemas(contract))
    return Merged(
        taken, differences, vendor, since, tuple(unmatched), tuple(released), new, taken != contract
    )


def with_outcomes(merged: Merged, outcomes: Mapping[str, str]) -> Merged:
    """Return the merge with tightened request limits as conflicts, if caller programs have other outcomes."""
    gets = "; ".join(f"{name}: {what.partition(' -> ')[2]}" for name, what in outcomes.items())
    if not gets or merged.conflicts:
        return merged
    judged = (
        replace(entry, verdict=Verdict.CONFLICT, gets=gets) if entry in merged.tightened else entry
        for entry in merged.differences
    )
    return replace(merged, differences=tuple(judged))


def _schemas(contract: dict[str, Any]) -> dict[str, Any]:
    schemas: dict[str, Any] = contract.setdefault("components", {}).setdefault("schemas", {})
    return schemas


def _compare(
    contract: dict[str, Any],
    theirs: Description,
    findings: Findings,
    last: Description | None = None,
    *,
    write: str = "",
    today: str = "",
) -> None:
    """Record every difference, and update the contract."""
    ours = Description(contract)
    alignment = align(ours, theirs)
    taker = Taker(_schemas(contract), theirs, alignment.names)
    parts = (contract, ours, theirs, findings, taker, today, write)
    calls, schemas, values = Calls(*parts), Schemas(*parts), Values(*parts)
    pairs = alignment.operations.values()
    if pairs and not any(other or list(calls.moved(call)) for call, other in pairs):
        missing = ", ".join(call.position for call, _ in pairs)
        raise Unusable(f"the description has none of our calls ({missing}): is it the vendor's?")
    calls.info(last)
    calls.servers([other for _, other in pairs if other is not None])
    for operation, other in pairs:
        calls.operation(operation, other)
        if other is not None:
            Parameters(*parts).compare(operation, other)
    for place in alignment.uses.values():
        schemas.use(place)
    for place in list(alignment.schemas.values()):
        if place.ours.kind == "object":
            schemas.members(place, alignment.present)
        schemas.needs(place)
        values.enum(place)
        values.limits(place)
