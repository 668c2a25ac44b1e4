"""The result of `client.events.find`. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from togai._printable import counted
from togai._times import within
from togai.corrections._correction import event_id_of, reference_id_of, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from togai.models import EventWithStatus


class FoundEvents(Sequence["EventWithStatus"]):
    """The events that `client.events.find` found, each once, in the order of the listing.

    Attributes:
        missing: The reference ids and event ids that were looked for and not found.
        is_complete: Whether the whole listing was read, and not only its first `max_events`.
    """

    def __init__(
        self, events: Sequence[EventWithStatus], missing: Sequence[str], *, is_complete: bool
    ) -> None:
        self._events = tuple(events)
        self.missing: tuple[str, ...] = tuple(missing)
        self.is_complete: bool = is_complete

    @overload
    def __getitem__(self, index: int) -> EventWithStatus: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EventWithStatus]: ...
    def __getitem__(self, index: int | slice) -> EventWithStatus | Sequence[EventWithStatus]:
        return self._events[index]

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[EventWithStatus]:
        return iter(self._events)

    def __repr__(self) -> str:
        missing = f", {len(self.missing)} missing" if self.missing else ""
        return f"<FoundEvents: {counted(len(self), 'event')}{missing}{'' if self.is_complete else ', not complete'}>"


def choose(
    events: Iterable[EventWithStatus],
    *,
    is_complete: bool,
    reference_ids: frozenset[str] | None,
    event_ids: frozenset[str] | None,
    since: datetime | None,
    until: datetime | None,
    status: str | None,
    where: Callable[[EventWithStatus], object] | None,
) -> FoundEvents:
    """The events that match the filters, each once; if an event was read twice, as it was read last."""
    chosen: dict[object, EventWithStatus] = {}
    seen: set[str | None] = set()
    always = since is None and until is None
    for event in events:
        # Not `Target.of`, which writes the payload as JSON: for thousands of events that takes half a second.
        reference_id, event_id = reference_id_of(event), event_id_of(event)
        seen |= {reference_id, event_id}
        if (
            (reference_ids is None or reference_id in reference_ids)
            and (event_ids is None or event_id in event_ids)
            and status in (None, status_of(event))
            and (always or within(getattr(event.event_payload, "timestamp", None), since, until))
            and (where is None or where(event))
        ):
            chosen[reference_id or id(event)] = event
    missing = sorted(((reference_ids or frozenset()) | (event_ids or frozenset())) - seen)
    return FoundEvents(list(chosen.values()), missing, is_complete=is_complete)
