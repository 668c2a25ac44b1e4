"""Reconcile a correction with an unknown outcome, as steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve

from togai import _calls
from togai._plans import checked_most
from togai._printable import shown
from togai._transport.steps import Blocking
from togai.corrections._correction import Target
from togai.corrections._ledger import Ledger, records_of
from togai.corrections._matching import Read, needs_listing, reads_for
from togai.corrections._reconcile import Case, Readings, judge
from togai.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from togai._settings import Settings
    from togai._storage.records import Records
    from togai._transport.steps import Steps
    from togai._transport.timeout import Timeout
    from togai.corrections._entry import Entry
    from togai.corrections._verdict import Reconciliation
    from togai.errors import CorrectionOutcomeUnknown
    from togai.models import ReadEvent


_OLDEST = timedelta(days=3650)


def reconcile(
    settings: Settings,
    unknown: CorrectionOutcomeUnknown | Entry,
    timeout: float | Timeout | None,
    *,
    min_age: timedelta,
    max_events: int,
) -> Steps[Reconciliation]:
    """Check, by reading, whether a correction with an unknown outcome was applied."""
    most = checked_most(max_events)
    if not isinstance(min_age, timedelta) or not timedelta(0) <= min_age <= _OLDEST:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest(
            f"min_age={shown(min_age)}: pass a timedelta from 0 to {_OLDEST.days} days"
        )
    case = Case.of(unknown)
    recorded = _recorded(case, settings.timeout_of(timeout).total)
    now = datetime.now(UTC)
    others: list[Entry] = []
    if recorded is not None:
        entry, records = recorded
        now, at, corrected = yield Blocking(partial(records.witnesses, entry))
        case = evolve(case, at=at)
        # An event that was reverted before, too, says nothing about the time of its reading.
        others = [other for other in corrected if other.snapshot and not other.snapshot.is_reverted]
    readings = Readings(events=(), complete=True, now=now, service=settings.service)
    if case.snapshot is None or case.service != settings.service:
        return judge(case, readings, min_age)
    reads = reads_for(case.correction, case.snapshot)
    readings = yield from _read(settings, readings, reads, others, timeout, most)
    if recorded is not None:
        entry, records = recorded
        # After reading: whatever created an event that was read is recorded by now.
        elsewhere, rivals = yield Blocking(partial(records.rivals, entry))
        readings = evolve(readings, elsewhere=elsewhere, rivals=rivals)
    return judge(case, readings, min_age)


def _recorded(case: Case, seconds: float) -> tuple[Entry, Records] | None:
    """The entry of a case, and the ledger that holds it, which waits at most so long for other processes."""
    if case.entry is None or not isinstance(case.entry.ledger, Ledger):
        return None
    return case.entry, records_of(case.entry.ledger).within(seconds)


def _read(
    settings: Settings,
    readings: Readings,
    reads: Sequence[Read],
    others: Sequence[Entry],
    timeout: float | Timeout | None,
    most: int,
) -> Steps[Readings]:
    """Read a target, its replacement, and the newest other correction that the same kind of reading shows."""
    seen: Sequence[ReadEvent] = ()
    witness = None
    if not needs_listing(reads):
        witness = next((other for other in others if _event_id(other)), None)
    if witness is not None:
        # Read first: what is read after it is at least as recent.
        seen = yield from _calls.read(settings, Read(event_id=_event_id(witness)), timeout)
    events, complete = yield from _read_all(settings, reads, timeout, most)
    if needs_listing(reads):
        # A listing shows an event under each name of its account.
        seen, listed = events, {Target.of(event).reference_id for event in events}
        witness = next((other for other in others if other.target in listed), None)
    reverted = witness is not None and _reads_reverted(witness, seen)
    return evolve(
        readings,
        events=events,
        complete=complete,
        witness=None if witness is None else witness.target,
        witness_at=None if witness is None else witness.at,
        witness_reverted=reverted,
    )


def _read_all(
    settings: Settings, reads: Sequence[Read], timeout: float | Timeout | None, most: int
) -> Steps[tuple[list[ReadEvent], bool]]:
    """Read the events that may show a target and its replacement; also return whether all of them were read."""
    events: list[ReadEvent] = []
    complete = True
    for read in reads:
        if read.event_id is not None:
            events += yield from _calls.get_all(settings, read.event_id, timeout)
        else:
            listed, complete = yield from _calls.listed(settings, read.account_id, timeout, most)
            events += listed
    return events, complete


def _event_id(entry: Entry) -> str | None:
    return None if entry.snapshot is None else entry.snapshot.event_id


def _reads_reverted(witness: Entry, events: Sequence[ReadEvent]) -> bool:
    readings = [
        reading for reading in map(Target.of, events) if reading.reference_id == witness.target
    ]
    return bool(readings) and all(reading.is_reverted for reading in readings)
