"""Modes in which the service behaves worse than the real one, until they are switched off."""

from __future__ import annotations

import threading
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from togai.testing._service import Record, Response


@define
class Change:
    """One effect of a correction: what a read shows until it has become visible."""

    record: Record
    before: Record | None
    """The event as it was; None for an event that did not exist."""
    time: float
    request: int


@define
class Modes:
    """How the service deviates from its normal behaviour."""

    overlap: int = 0
    """How many events of a page the next page repeats."""
    lag_seconds: float = 0.0
    lag_requests: int = 0
    ignored: frozenset[str] = frozenset()
    """Filters that have no effect."""
    correct_reverted: bool = False
    statuses: dict[str, str] = field(factory=dict[str, str])
    """Ingestion statuses that responses show under another name."""
    change_event: Callable[[Any], Any] | None = None
    accounts: dict[str, str] = field(factory=dict[str, str])
    """The account of each alias."""

    def account(self, name: Any) -> Any:
        """The account that has this name or this alias."""
        return self.accounts.get(name, name)

    def is_visible(self, change: Change, now: float, request: int) -> bool:
        """Whether a read shows the effect of a correction."""
        return (
            now - change.time >= self.lag_seconds and request - change.request > self.lag_requests
        )

    def as_read(
        self, records: Iterable[Record], changes: list[Change], now: float, request: int
    ) -> list[Record | None]:
        """The events as a read shows them; None for those that are not visible yet."""
        shown = list(records)
        if not (self.lag_seconds or self.lag_requests):
            return list(shown)
        hidden: dict[int, Record | None] = {}
        for change in reversed(changes):
            if not self.is_visible(change, now, request):
                hidden[id(change.record)] = change.before
        return [hidden.get(id(record), record) for record in shown]

    def show(self, event: dict[str, Any]) -> Any:
        """An event as a response shows it."""
        status = event["ingestionStatus"]["status"]
        if status in self.statuses:
            ingestion = {**event["ingestionStatus"], "status": self.statuses[status]}
            event = {**event, "ingestionStatus": ingestion}
        if self.change_event is None:
            return event
        event = deepcopy(event)
        changed = self.change_event(event)
        return event if changed is None else changed


@define
class LateWork:
    """A request that the service processes later, whether or not the client still waits."""

    process: Callable[[], Response]
    due: float
    _response: Response | None = None
    _lock: threading.RLock = field(factory=threading.RLock, repr=False)

    def finish(self) -> Response:
        """The response; the request is processed at the first call."""
        with self._lock:
            if self._response is None:
                self._response = self.process()
            return self._response
