"""Decide from a current read whether a correction was applied; the default is "cannot tell". No I/O."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from togai._printable import printable
from togai.corrections._correction import Correction, Target, comparable
from togai.corrections._entry import Entry
from togai.corrections._matching import ingested
from togai.corrections._verdict import Reconciliation, Verdict
from togai.errors import CorrectionOutcomeUnknown, InvalidRequest
from togai.models import CorrectionAction, IngestionStatusValue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from togai.models import ReadEvent

WITHOUT_WITNESS = timedelta(hours=24)
"""How old a REDO_EVENT must be, if no later correction shows that the read is current."""

_FINAL = {str(value) for value in IngestionStatusValue} - {
    "INGESTION_IN_PROGRESS",
    "UNKNOWN",
    "REVERTED",
}


@frozen(kw_only=True)
class Case:
    """A correction with an unknown outcome.

    Attributes:
        correction: The correction.
        service: Address of the service that it was sent to.
        at: When it was sent.
        snapshot: The event as it was read before the correction; None if it was not read.
        siblings: The reference ids of all events that were read together with it; None if nothing was read.
        entry: The ledger's entry.
    """

    correction: Correction
    service: str | None
    at: datetime | None
    snapshot: Target | None
    siblings: frozenset[str] | None = field(default=None, repr=False)
    entry: Entry | None = None

    @classmethod
    def of(cls, unknown: CorrectionOutcomeUnknown | Entry) -> Case:
        """The case of a `CorrectionOutcomeUnknown`, or of an entry of a ledger.

        Raises:
            InvalidRequest: `unknown` is neither of these, or is about several events.
        """
        entry: object = unknown
        if isinstance(unknown, CorrectionOutcomeUnknown):
            if len(unknown.entries) > 1:
                raise InvalidRequest(
                    f"this error is about {len(unknown.entries)} events: reconcile each of `error.entries`"
                )
            if not unknown.entries:
                before = unknown.correction.before
                return cls(
                    correction=unknown.correction,
                    service=unknown.service,
                    at=unknown.at,
                    snapshot=before[0] if before else None,
                )
            entry = unknown.entries[0]
        if not isinstance(entry, Entry) or entry.kind != "intent":
            raise InvalidRequest(
                "reconcile takes a CorrectionOutcomeUnknown or an entry of ledger.pending(), not"
                f" {type(unknown).__name__}"
            )
        return cls(
            correction=entry.correction,
            service=entry.service,
            at=entry.at,
            snapshot=entry.snapshot,
            siblings=entry.siblings,
            entry=entry,
        )


@frozen(kw_only=True)
class Readings:
    """The events that were read to judge a case.

    Attributes:
        events: The events, in the order in which they were read.
        complete: Whether all events were read, and not only the first `max_events`.
        now: The time before the read, by the same clock as `at` of the case.
        service: Address of the service that was read.
        witness: Reference id of the event of the newest other correction; None if there is none.
        witness_at: When that correction was sent; None if it was certainly later than the effect of this one.
        witness_reverted: Whether the status of that event is REVERTED.
        elsewhere: The entry that shows that another correction of the event was applied; None if there is none.
        rivals: The entries of other corrections that may have ingested an event like the replacement.
    """

    events: Sequence[ReadEvent]
    complete: bool
    now: datetime
    service: str
    witness: str | None = None
    witness_at: datetime | None = None
    witness_reverted: bool = False
    elsewhere: Entry | None = None
    rivals: Sequence[Entry] = ()


def judge(case: Case, readings: Readings, min_age: timedelta) -> Reconciliation:
    """The verdict on a case."""
    shown = [event for event in readings.events if Target.of(event).reference_id == _wanted(case)]
    verdict, evidence, check_after = _judge(case, readings, min_age)
    return Reconciliation(
        verdict=verdict,
        correction=case.correction,
        evidence=tuple(map(printable, evidence)),
        check_after=check_after,
        entry=case.entry,
        events=tuple(shown),
    )


_Judged = tuple[Verdict, list[str], "datetime | None"]


def _cannot_tell(*evidence: str, check_after: datetime | None = None) -> _Judged:
    return Verdict.CANNOT_TELL, list(evidence), check_after


def _judge(case: Case, readings: Readings, min_age: timedelta) -> _Judged:
    reference_id = _wanted(case)
    if case.correction.background or reference_id is None:
        return _cannot_tell(
            "a read cannot show which events were corrected by a background job, or by a filter or a whole account:"
            " a person must decide"
        )
    if case.service != readings.service:
        return _cannot_tell(
            f"the correction was sent to {case.service}, but {readings.service} was read: pass base_url={case.service}"
        )
    if case.snapshot is None:
        return _cannot_tell(f"{reference_id} was not read before it was corrected")
    if not readings.complete:
        return _cannot_tell("the account has more events than were read: pass a higher max_events")
    targets: list[Target] = []
    for event in readings.events:
        target = Target.of(event)
        if target.reference_id == reference_id and target not in targets:
            targets.append(target)
    if len(targets) != 1:
        problem = f"read {len(targets)} times, with different content" if targets else "not found"
        return _cannot_tell(f"{reference_id} was {problem}", check_after=readings.now + min_age)
    if targets[0].is_reverted:
        return _judge_reverted(case, case.snapshot, targets[0], readings, min_age)
    return _judge_unchanged(case, case.snapshot, targets[0], readings, min_age)


def _judge_reverted(
    case: Case, before: Target, now: Target, readings: Readings, min_age: timedelta
) -> _Judged:
    if before.is_reverted:
        return _cannot_tell(f"{now.reference_id} was already REVERTED before the correction")
    others = [text for text in before.differences(now) if not text.startswith("status ")]
    if others:
        return _cannot_tell(f"{now.reference_id} is REVERTED, but {'; '.join(others)}")
    changed = f"{now.reference_id} is REVERTED; before the correction it was {before.status}"
    if readings.elsewhere is not None:
        return _cannot_tell(changed, f"but another call also corrected it: {readings.elsewhere}")
    if case.correction.action == CorrectionAction.UNDO:
        return Verdict.APPLIED, [changed], None
    return _judge_replaced(case, changed, readings, min_age)


def _judge_replaced(case: Case, changed: str, readings: Readings, min_age: timedelta) -> _Judged:
    if case.siblings is None:
        return _cannot_tell(
            changed, "its replacement cannot be distinguished from events that existed before"
        )
    wanted = comparable(ingested(case.correction, case.snapshot))
    created = [
        target
        for target in _created(case, readings)
        if target.payload is not None and comparable(target.payload) == wanted
    ]
    ids = {target.reference_id for target in created}
    rivals = [entry for entry in readings.rivals if _may_have_created(entry, wanted, ids)]
    names = ", ".join(str(target.reference_id) for target in created[:3])
    # Each correction creates one event: if there is one more than the other corrections explain, it is the replacement.
    if len(created) == len(rivals) + 1:
        return (
            Verdict.APPLIED,
            [changed, f"{names} was created since then, as its replacement"],
            None,
        )
    more = f"; other corrections may have created some of them: {rivals[0]}" if rivals else ""
    return _cannot_tell(
        changed,
        f"{len(created)} events like its replacement were created since then, not exactly {len(rivals) + 1}{more}",
        check_after=None if created else readings.now + min_age,
    )


def _judge_unchanged(
    case: Case, before: Target, now: Target, readings: Readings, min_age: timedelta
) -> _Judged:
    action = case.correction.action
    unchanged = f"{now.reference_id} is {now.status}, as before the correction"
    if others := before.differences(now):
        return _cannot_tell(f"{now.reference_id} has changed: {'; '.join(others)}")
    if action == CorrectionAction.REDO:
        return _cannot_tell(
            unchanged, "an event that was ingested again can look the same as before"
        )
    if case.siblings is None and action != CorrectionAction.UNDO:
        return _cannot_tell(unchanged, "a read cannot show whether a replacement was created")
    if created := _created(case, readings):
        names = ", ".join(str(target.reference_id) for target in created[:3])
        return _cannot_tell(unchanged, f"but {names} was created since then")
    if now.status not in _FINAL:
        return _cannot_tell(unchanged, f"{now.status} is not known to be a final status")
    return _judge_time(case, readings, min_age, unchanged)


def _judge_time(case: Case, readings: Readings, min_age: timedelta, unchanged: str) -> _Judged:
    if case.at is None:
        return _cannot_tell(unchanged, "the time when the correction was sent is unknown")
    age = readings.now - case.at
    if age < min_age:
        return _cannot_tell(
            unchanged,
            f"the correction was sent {_span(age)} ago, but may take effect within {_span(min_age)}",
            check_after=case.at + min_age,
        )
    witness, sent = readings.witness, readings.witness_at or case.at + min_age
    evidence = [unchanged, f"{_span(age)} after the correction was sent"]
    if witness is not None and not readings.witness_reverted:
        when = "later" if sent >= case.at else "before"
        return _cannot_tell(
            unchanged,
            f"{witness} was corrected {when}, but is not REVERTED in this read: the read is stale",
            check_after=readings.now + min_age,
        )
    if witness is not None and sent >= case.at + min_age:
        recent = f"{witness}, which was corrected later, is REVERTED: the read is current"
        return Verdict.NOT_APPLIED, [*evidence, recent], None
    if case.correction.action == CorrectionAction.REDO_EVENT and age < WITHOUT_WITNESS:
        return _cannot_tell(
            unchanged,
            f"no later correction in the ledger shows that the read is current ({_span(min_age)} later or more)",
            check_after=case.at + WITHOUT_WITNESS,
        )
    return Verdict.NOT_APPLIED, evidence, None


def _created(case: Case, readings: Readings) -> list[Target]:
    """The events that did not exist before the correction, and that may be the replacement."""
    known = (case.siblings or frozenset()) | {_wanted(case)}
    by_id = {target.reference_id: target for target in map(Target.of, readings.events)}
    if case.siblings is None:
        return []
    return [
        target
        for reference_id, target in by_id.items()
        if reference_id not in known and _may_replace(case, target)
    ]


def _may_have_created(entry: Entry, wanted: Any, created: AbstractSet[str | None]) -> bool:
    """Whether a correction may have ingested one of the events that were created, which equal the replacement."""
    payload = ingested(entry.correction, entry.snapshot)
    is_equal = not payload or comparable(payload) == wanted  # one that was not read may be equal
    return is_equal and not created <= (entry.siblings or frozenset())


def _may_replace(case: Case, other: Target) -> bool:
    if other.payload is None or other.event_id is not None:
        return True
    # An account gets new events all the time: without ids, only an event of the same schema and time counts.
    return _place(other.payload) == _place(ingested(case.correction, case.snapshot))


def _place(payload: dict[str, Any]) -> tuple[Any, Any]:
    known = comparable(payload)
    return known["schemaName"], known["timestamp"]


def _wanted(case: Case) -> str | None:
    if case.entry is not None:
        return case.entry.target
    return case.correction.selection.reference_id


def _span(age: timedelta) -> str:
    return str(timedelta(seconds=int(age.total_seconds())))
