"""Modes in which the service behaves worse than the real one, until they are switched off."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from attrs import define, field

from togai.testing._query import FILTER_NAMES, LISTING_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from togai.testing._records import Record
    from togai.testing._service import Service


@define
class Change:
    """An effect of a correction, with which lagging reads can show the state before it."""

    record: Record
    before: Record | None
    """The event as it was; None for an event that did not exist."""
    time: float
    request: int


@define
class Modes:
    """How the service deviates from its normal behaviour."""

    overlap: int = 0
    lag_seconds: float = 0.0
    lag_requests: int = 0
    ignored: frozenset[str] = frozenset()
    correct_reverted: bool = False
    statuses: dict[str, str] = field(factory=dict[str, str])
    """Ingestion statuses, and the names under which responses show them."""
    change_event: Callable[[Any], Any] | None = None
    accounts: dict[str, str] = field(factory=dict[str, str])
    """Aliases and their accounts."""

    def same_account(self, name: str, other: str) -> bool:
        """Whether two names are of one account."""
        return self.accounts.get(name, name) == self.accounts.get(other, other)

    def visible(
        self, records: Iterable[Record], changes: list[Change], now: float, request: int
    ) -> list[Record | None]:
        """The events as a read shows them; None for those that are not visible yet."""
        before: dict[int, Record | None] = {}
        for change in reversed(changes if self.lag_seconds or self.lag_requests else []):
            if (
                now - change.time < self.lag_seconds
                or request - change.request <= self.lag_requests
            ):
                before[id(change.record)] = change.before
        return [before.get(id(record), record) for record in records]

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


class ModeMethods:
    """How the service behaves from now on; `release()` does not end it."""

    _service: Service

    def add_alias(self, account_id: str, alias: str) -> None:
        """Add an alias of an account, under which listings and corrections find its events too.

        An event keeps the name with which it was sent: what `add(account_id=alias)` adds is listed for the account,
        with the alias as its `accountId`.

        Args:
            account_id: The account.
            alias: Another name of it.

        Raises:
            ValueError: The name is in use.
        """
        accounts = self._service.modes.accounts
        if alias == account_id or accounts.get(alias, account_id) != account_id:
            raise ValueError(f"{alias!r} already names the account {accounts.get(alias, alias)!r}")
        accounts[alias] = accounts.get(account_id, account_id)

    def overlap_pages(self, events: int = 1) -> None:
        """Begin each page with the last events of the page before.

        Args:
            events: The number of events that a page repeats; 0 ends the mode.

        Raises:
            ValueError: The number is negative.
        """
        if events < 0:
            raise ValueError(f"events={events}: pass 0 or more")
        self._service.modes.overlap = events

    def lag_reads(self, *, seconds: float = 0.0, requests: int = 0) -> None:
        """Show corrections late in reads. Events that `add` adds are visible at once.

        Args:
            seconds: The time from a correction until reads show it, by the clock of the fake.
            requests: The number of requests after a correction, of any kind, that see the state before it. Both 0
                end the mode.

        Raises:
            ValueError: A number is negative.
        """
        if not (seconds >= 0 and requests >= 0):
            raise ValueError(f"seconds={seconds}, requests={requests}: pass 0 or more")
        modes = self._service.modes
        modes.lag_seconds, modes.lag_requests = seconds, requests

    def ignore_filter(self, *names: str) -> None:
        """Ignore filters of listings and corrections, without an error.

        Args:
            *names: Query parameters by their names on the wire, such as `account_id` (in listings only), `status` or
                `event_id`; none ends the mode.

        Raises:
            ValueError: The service has no such filter.
        """
        known = LISTING_NAMES | FILTER_NAMES
        if unknown := sorted(set(names) - known):
            raise ValueError(f"there is no filter {unknown[0]!r}: pass one of {sorted(known)}")
        self._service.modes.ignored = frozenset(names)

    def correct_reverted(self, enabled: bool = True) -> None:
        """Correct reverted events again, so that each correction counts; see `applied`.

        Args:
            enabled: False ends the mode.
        """
        self._service.modes.correct_reverted = enabled

    def rename_status(self, status: str, shown: str) -> None:
        """Show an ingestion status under another name: `rename_status("REVERTED", "reverted")`.

        Args:
            status: The status of the contract.
            shown: The name in responses; the status itself ends the mode.
        """
        self._service.modes.statuses[status] = shown

    def change_events(self, change: Callable[[Any], Any] | None) -> None:
        """Pass each event of each response through a function.

        Args:
            change: Gets the JSON of an event, and changes it or returns another; None ends the mode.

        Example:
            ```python
            def without_created_at(event):
                del event["createdAt"]


            fake.change_events(without_created_at)
            ```
        """
        self._service.modes.change_event = change
