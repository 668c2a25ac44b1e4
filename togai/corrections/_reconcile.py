"""After an unknown outcome: was the correction applied? Judged from what reads now. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from togai.corrections._checks import without_unknown
from togai.corrections._correction import SYNCHRONOUS_CAP, Correction, Target
from togai.corrections._matching import Read, matching, read_for
from togai.corrections._verdict import Pending, Reconciliation, Verdict
from togai.errors import CorrectionOutcomeUnknown, InvalidRequest
from togai.models import CorrectionAction, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from togai.models import ReadEvent


def correction_of(unknown: CorrectionOutcomeUnknown | Pending | Correction) -> Correction:
    """The correction that an error or a ledger's entry is about.

    Raises:
        InvalidRequest: It is neither.
    """
    correction: object = getattr(unknown, "correction", unknown)
    if isinstance(correction, Correction):
        return correction
    raise InvalidRequest(
        "reconcile takes a CorrectionOutcomeUnknown, its `correction`, or an entry of"
        f" togai.corrections.pending(path), not {type(unknown).__name__}"
    )


def reads_for(correction: Correction) -> list[Read]:
    """What to read before judging."""
    reads = [read_for(correction)]
    if correction.event is not None:
        replacement = (
            Read(event_id=correction.event.id)
            if correction.event.id
            else Read(account_id=correction.event.account_id)
        )
        if replacement not in reads:
            reads.append(replacement)
    return reads


def judge(correction: Correction, events: Sequence[ReadEvent]) -> Reconciliation:
    """The verdict, from the events that were read now.

    Args:
        correction: What was asked for.
        events: What `reads_for` named, read now; the same event may stand there twice.
    """
    read = list({Target.of(event).reference_id or id(event): event for event in events}.values())
    targets = matching(correction.selection, read)
    if not correction.background:
        targets = targets[:SYNCHRONOUS_CAP]
    before = {target.reference_id: target for target in correction.before}
    evidence: list[str] = []
    verdicts: set[Verdict] = set()
    for event in targets:
        verdict, why = _judge_one(correction, event, before, read)
        verdicts.add(verdict)
        evidence.append(f"{_name(event)} reads {_status(event)}: {why}")
    if not targets:
        evidence.append("no event matches the selection now")
    verdict = verdicts.pop() if len(verdicts) == 1 else Verdict.CANNOT_TELL
    if verdict is Verdict.NOT_APPLIED and correction.background:
        verdict = Verdict.CANNOT_TELL
        evidence.append("the background job may not have run yet")
    return Reconciliation(verdict, correction, tuple(evidence), tuple(targets))


def _judge_one(
    correction: Correction,
    event: ReadEvent,
    before: dict[str | None, Target],
    read: Sequence[ReadEvent],
) -> tuple[Verdict, str]:
    reverted = _status(event) == "REVERTED"
    earlier = before.get(Target.of(event).reference_id)
    if reverted and earlier is not None and earlier.status == "REVERTED":
        return Verdict.CANNOT_TELL, "it was reverted before the call already"
    if correction.action == CorrectionAction.UNDO:
        if reverted:
            return Verdict.APPLIED, "it is reverted"
        return Verdict.NOT_APPLIED, "it is not reverted"
    if correction.action == CorrectionAction.REDO:
        return _judge_redo(event, earlier, read, reverted=reverted)
    replaced = any(_is_replacement(other, event, correction.event) for other in read)
    if reverted and replaced:
        return Verdict.APPLIED, "it is reverted, and the event that replaces it is there"
    if not reverted and not replaced:
        return Verdict.NOT_APPLIED, "it is not reverted, and no event replaces it"
    return Verdict.CANNOT_TELL, (
        "it is reverted, but the event that should replace it is not there"
        if reverted
        else "it is not reverted, but an event like the one that should replace it is there"
    )


def _judge_redo(
    event: ReadEvent, earlier: Target | None, read: Sequence[ReadEvent], *, reverted: bool
) -> tuple[Verdict, str]:
    payload = event.event_payload
    if reverted:
        if any(_is_replacement(other, event, payload) for other in read):
            return Verdict.APPLIED, "it is reverted, and the same event was ingested again"
        return Verdict.CANNOT_TELL, "it is reverted, but no event was ingested in its place"
    now = Target.of(event)
    if earlier is not None and earlier.created_at != now.created_at:
        return Verdict.APPLIED, f"it was ingested anew at {now.created_at}"
    return Verdict.CANNOT_TELL, "an event that was ingested again can look as it did before"


def _is_replacement(other: ReadEvent, target: ReadEvent, wanted: Event | None) -> bool:
    payload: Any = other.event_payload
    if other is target or not isinstance(wanted, Event) or not isinstance(payload, Event):
        return False
    if _status(other) == "REVERTED":
        return False
    try:
        return without_unknown(payload) == without_unknown(wanted)
    except (TypeError, AttributeError):
        return False


def _status(event: ReadEvent) -> str:
    return str(getattr(event.ingestion_status, "status", None))


def _name(event: ReadEvent) -> str:
    target = Target.of(event)
    return str(target.reference_id or target.event_id or "an event without id")
