"""What to read about a correction, and which of the events that were read it is about. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

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


def reads_for(correction: Correction, target: Target | None) -> tuple[Read, ...]:
    """What shows a target, and the event that takes its place: the same before a correction and after.

    The service finds no event by its reference id: where an event has no id of its own, its account is listed.
    """
    event_id = correction.selection.event_id if target is None else target.event_id
    ids = [event_id] if correction.event is None else [event_id, correction.event.id]
    if all(ids):
        return tuple(Read(event_id=item) for item in dict.fromkeys(ids))
    return (Read(account_id=correction.selection.account_id),)


def matching(selection: Selection, events: Iterable[ReadEvent]) -> list[ReadEvent]:
    """The events that match, whichever account they show: it may be an alias of the one that is named."""
    return [event for event in events if _matches(selection, event)]


def contradicts(selection: Selection, event: ReadEvent) -> bool:
    """Whether a result of a correction is about an event that does not match, by what can be read of it."""
    # Not by `created_at`: an event that was ingested again may show the new time.
    pairs = _pairs(evolve(selection, created_at=None), event)
    return not all(shown is None or _same(wanted, shown) for wanted, shown in pairs)


def _matches(selection: Selection, event: ReadEvent) -> bool:
    return all(_same(wanted, shown) for wanted, shown in _pairs(selection, event))


def _pairs(selection: Selection, event: ReadEvent) -> list[tuple[object, object]]:
    payload: Any = event.event_payload
    pairs = (
        (selection.reference_id, Target.of(event).reference_id),
        (selection.event_id, getattr(payload, "id", None)),
        (selection.event_source_time, getattr(payload, "timestamp", None)),
        (selection.created_at, event.created_at),
    )
    return [(wanted, shown) for wanted, shown in pairs if wanted is not None]


def _same(wanted: object, shown: object) -> bool:
    if isinstance(wanted, datetime) and isinstance(shown, datetime) and shown.tzinfo is None:
        return wanted == shown.replace(tzinfo=UTC)
    return wanted == shown
