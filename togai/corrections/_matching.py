"""Which events a correction is about, as far as reading can tell. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from togai.corrections._correction import Correction, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from togai.corrections._correction import Selection
    from togai.models import ReadEvent


@frozen
class Read:
    """What to read: the events with an id, or those of an account."""

    event_id: str | None = None
    account_id: str | None = None
    schema_name: str | None = None


def read_for(correction: Correction) -> Read:
    """The smallest reading that holds every event that the correction is about.

    The service finds no event by its reference id, so that the id it was sent with, where it is known,
    saves reading the whole account.
    """
    selection = correction.selection
    event_id = selection.event_id
    if event_id is None and len(correction.before) == 1:
        event_id = correction.before[0].event_id
    if event_id:
        return Read(event_id=event_id)
    return Read(account_id=selection.account_id)


def is_advisory(correction: Correction) -> bool:
    """Whether the service cannot list by the selection's filters, so that they are applied here."""
    selection = correction.selection
    times = selection.event_source_time is not None or selection.created_at is not None
    # An event that was read is found by the id that it was sent with, and is one by its reference id.
    read = any(
        one.event_id and one.reference_id == selection.reference_id for one in correction.before
    )
    return times or (selection.reference_id is not None and not read)


def matching(selection: Selection, events: Iterable[ReadEvent]) -> list[ReadEvent]:
    """The events that match, in the order in which the service corrects them (the vendor's reference page)."""
    found = [event for event in events if _matches(selection, event)]
    found.sort(key=lambda event: str(getattr(event.event_payload, "id", "") or ""))
    found.sort(key=_source_time, reverse=True)
    return found


def _matches(selection: Selection, event: ReadEvent) -> bool:
    payload: Any = event.event_payload
    wanted = {
        "account_id": (selection.account_id, getattr(payload, "account_id", None)),
        "reference_id": (selection.reference_id, Target.of(event).reference_id),
        "event_id": (selection.event_id, getattr(payload, "id", None)),
        "event_source_time": (selection.event_source_time, getattr(payload, "timestamp", None)),
        "created_at": (selection.created_at, event.created_at),
    }
    return all(want is None or want == found for want, found in wanted.values())


def _source_time(event: ReadEvent) -> datetime:
    moment: Any = getattr(event.event_payload, "timestamp", None)
    return moment if isinstance(moment, datetime) else datetime.min.replace(tzinfo=UTC)
