"""The mode methods of FakeTogai: from now on, the service behaves worse than the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from togai.testing._parameters import FILTER_NAMES, LISTING_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from togai.testing._service import Service


class ModeMethods:
    """Modes of the service, which stay on; `release()` does not end them."""

    _service: Service

    def add_alias(self, account_id: str, alias: str) -> None:
        """Add an alias of an account; listings and corrections find its events under both names.

        An event keeps the name that it was sent with: an event from `add(account_id=alias)` is listed for the account,
        but its `accountId` is the alias.

        Args:
            account_id: The account.
            alias: Another name of the account.

        Raises:
            ValueError: The name is in use.
        """
        accounts = self._service.modes.accounts
        if alias == account_id or accounts.get(alias, account_id) != account_id:
            raise ValueError(f"{alias!r} already names the account {accounts.get(alias, alias)!r}")
        accounts[alias] = accounts.get(account_id, account_id)

    def overlap_pages(self, events: int = 1) -> None:
        """Begin each page with the last events of the previous page.

        Args:
            events: The number of events that a page repeats; 0 ends the mode.

        Raises:
            ValueError: The number is negative.
        """
        if events < 0:
            raise ValueError(f"events={events}: pass 0 or more")
        self._service.modes.overlap = events

    def lag_reads(self, *, seconds: float = 0.0, requests: int = 0) -> None:
        """Make reads stale: they show corrections late. Events that `add` adds are visible immediately.

        Args:
            seconds: The time from a correction until reads show it, by the clock of the fake.
            requests: The number of requests of any kind after a correction that still see the state before it. Pass 0
                for both arguments to end the mode.

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
                `event_id`; without names, the mode ends.

        Raises:
            ValueError: The service has no such filter.
        """
        known = LISTING_NAMES | FILTER_NAMES
        if unknown := sorted(set(names) - known):
            raise ValueError(f"there is no filter {unknown[0]!r}: pass one of {sorted(known)}")
        self._service.modes.ignored = frozenset(names)

    def correct_reverted(self, enabled: bool = True) -> None:
        """Correct reverted events again, so that each correction has an effect; see `applied`.

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
            change: Receives the JSON of an event; it may change the JSON, or return another. None ends the mode.

        Example:
            ```python
            def without_created_at(event):
                del event["createdAt"]


            fake.change_events(without_created_at)
            ```
        """
        self._service.modes.change_event = change
