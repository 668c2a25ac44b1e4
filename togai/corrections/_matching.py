"""Decide which events to read for a correction, and which of them match it. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from togai._event_json import event_json
from togai.corrections._correction import Correction, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from togai.corrections._correction import Selection
    from togai.models import ReadEvent


@frozen
class Read:
    """What to read: the events with an id, or the events of an account."""

    event_id: str | None = None
    account_id: str | None = None


_OTHER_PATHS = (".", "..", "correction")
"""Ids with which the path of an event would be that of another call."""


def reads_for(correction: Correction, target: Target | None) -> tuple[Read, ...]:
    """The reads that show a target and its replacement; they are the same before and after a correction.

    The service cannot look up an event by its reference id: if an event has no `id`, or one that cannot be used in a
    path, its account is listed.
    """
    event_id = correction.selection.event_id if target is None else target.event_id
    ids = [event_id] if correction.event is None else [event_id, correction.event.id]
    if all(item and item.strip() and item not in _OTHER_PATHS for item in ids):
        return tuple(Read(event_id=item) for item in dict.fromkeys(ids))
    return (Read(account_id=correction.selection.account_id),)


def needs_listing(reads: Iterable[Read]) -> bool:
    """Whether an account must be listed, because an event has no `id`."""
    return None in [read.event_id for read in reads]


def ingested(correction: Correction, before: Target | None) -> dict[str, Any]:
    """The event that a correction ingests, as JSON; empty if it could not be read."""
    if correction.event is not None:
        return event_json(correction.event)
    return {} if before is None or before.payload is None else before.payload


def matching(selection: Selection, events: Iterable[ReadEvent]) -> list[ReadEvent]:
    """The events that match. Their account is ignored, because it may be an alias of the account in the request."""
    return [
        event
        for event in events
        if all(wanted == shown for wanted, shown in _pairs(selection, event))
    ]


def contradicts(selection: Selection, event: ReadEvent) -> bool:
    """Whether a result of a correction is about an event that does not match, as far as the result shows."""
    # `created_at` is not compared: an event that was ingested again may show the new time.
    pairs = _pairs(evolve(selection, created_at=None), event)
    return not all(shown in (None, wanted) for wanted, shown in pairs)


def _pairs(selection: Selection, event: ReadEvent) -> list[tuple[object, object]]:
    payload: Any = event.event_payload
    pairs = (
        (selection.reference_id, Target.of(event).reference_id),
        (selection.event_id, getattr(payload, "id", None)),
        (selection.event_source_time, getattr(payload, "timestamp", None)),
        (selection.created_at, event.created_at),
    )
    return [(wanted, shown) for wanted, shown in pairs if wanted is not None]
