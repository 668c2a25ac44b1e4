"""Reconcile a correction with an unknown outcome, as steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve

from togai import _calls
from togai._plans import checked_most
from togai._transport.steps import Blocking
from togai.corrections._correction import Target
from togai.corrections._ledger import Ledger, records_of
from togai.corrections._matching import Read, reads_for
from togai.corrections._reconcile import Case, Readings, judge
from togai.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from togai._settings import Settings
    from togai._transport.steps import Steps
    from togai._transport.timeout import Timeout
    from togai.corrections._entry import Entry
    from togai.corrections._verdict import Reconciliation
    from togai.errors import CorrectionOutcomeUnknown
    from togai.models import ReadEvent


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
    if not isinstance(min_age, timedelta) or min_age < timedelta(0):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest(f"min_age={min_age!r}: pass a timedelta of 0 or more")
    case = Case.of(unknown)
    ledger = None if case.entry is None else case.entry.ledger
    now = datetime.now(UTC)
    later: list[Entry] = []
    if case.entry is not None and isinstance(ledger, Ledger):
        records = records_of(ledger).within(settings.timeout_of(timeout).total)
        now, later = yield Blocking(partial(records.after, case.entry))
    readings = Readings(events=(), complete=True, now=now, service=settings.service)
    if case.snapshot is None or case.service != settings.service:
        return judge(case, readings, min_age)
    reads = reads_for(case.correction, case.snapshot)
    # The witness is read first: a later read is at least as current.
    witness = _witness(later, reads[0])
    seen: Sequence[ReadEvent] = ()
    if witness is not None and reads[0].event_id is not None:
        seen = yield from _calls.read(settings, Read(event_id=witness.event_id), timeout)
    events, complete = yield from _read_all(settings, reads, timeout, most)
    readings = evolve(readings, events=events, complete=complete)
    if witness is not None:
        reverted = _reads_reverted(witness, seen or events)
        readings = evolve(readings, witness=witness.reference_id, witness_reverted=reverted)
    return judge(case, readings, min_age)


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


def _witness(later: Sequence[Entry], read: Read) -> Target | None:
    """The newest event that was corrected later and that the same kind of request reads."""
    for entry in later:
        snapshot = entry.snapshot
        if snapshot is not None and (
            snapshot.event_id is not None
            if read.event_id is not None
            else entry.account == read.account_id
        ):
            return snapshot
    return None


def _reads_reverted(witness: Target, events: Sequence[ReadEvent]) -> bool:
    readings = [
        reading
        for reading in map(Target.of, events)
        if reading.reference_id == witness.reference_id
    ]
    return bool(readings) and all(reading.is_reverted for reading in readings)
