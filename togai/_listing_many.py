"""Listings of many accounts at once: pages as they arrive, in order for each account."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from attrs import define

from togai._arguments import is_whole
from togai._listing_ahead import AsyncPageAhead, PageAhead
from togai._pagination import Cursor
from togai._printable import counted, shown
from togai.errors import InvalidRequest, TogaiError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator, Mapping

    from togai._pagination import EventPage
    from togai._transport.steps import AsyncRun, Run, Steps

_MAX_CONCURRENCY = 50


def checked_concurrency(value: object) -> int:
    """Check the argument `concurrency`: how many accounts are listed at once.

    Raises:
        InvalidRequest: It is not a whole number within the limits.
    """
    if is_whole(value, 1, _MAX_CONCURRENCY):
        return value
    raise InvalidRequest(
        f"concurrency={shown(value)}: pass a whole number from 1 to {_MAX_CONCURRENCY}"
    )


@define
class AccountCursors:
    """The accounts of a listing: the token that each starts from, and the request of its pages."""

    tokens: Mapping[str, str | None]
    fetch: Callable[[str], Callable[[str | None], Steps[EventPage]]]


A = TypeVar("A", "PageAhead[EventPage]", "AsyncPageAhead[EventPage]")


@define
class _Account(Generic[A]):
    """An account that is being listed, and its next page if it was requested."""

    id: str
    cursor: Cursor
    ahead: A | None = None

    @property
    def ready(self) -> bool:
        """Whether its next page was received, or the request failed."""
        return self.ahead.ready if self.ahead else not self.cursor.may_go_on

    @contextmanager
    def position_in_errors(self) -> Generator[None]:
        """Add to errors the account, and where to resume."""
        try:
            with self.cursor.position_in_errors():
                yield
        except TogaiError as error:
            error.account_id = self.id
            raise


class _Listing(Generic[A]):
    """The code that both kinds of listings share: the accounts in progress, in the order of their turns."""

    def __init__(self, accounts: AccountCursors, concurrency: int) -> None:
        self._fetch = accounts.fetch
        self._waiting = deque(accounts.tokens.items())
        self._active: deque[_Account[A]] = deque()
        self._concurrency = concurrency

    @property
    def remaining(self) -> dict[str, str | None]:
        """The accounts that are not completely listed, with the token of the next page of each.

        Pass it to `list_many` to continue elsewhere: `list_many(listing.remaining)`.
        """
        active = {account.id: account.cursor.next_token for account in self._active}
        return {**active, **dict(self._waiting)}

    @property
    def finished(self) -> bool:
        """Whether all pages have been yielded."""
        return not self._active and not self._waiting

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {counted(len(self._active) + len(self._waiting), 'account')} left>"

    def __reduce__(self) -> str:
        raise TypeError("a listing cannot be pickled: resume elsewhere with list_many(remaining)")

    def _start(self) -> None:
        """Request the next page of each account, and start as many accounts as may be listed at once."""
        while self._waiting and len(self._active) < self._concurrency:
            account_id, token = self._waiting[0]
            self._active.append(_Account(account_id, Cursor(self._fetch(account_id), token)))
            self._waiting.popleft()
        for account in self._active:
            if account.ahead is not None and account.ahead.lost:
                account.ahead = None
            if account.ahead is None and account.cursor.may_go_on:
                account.ahead = self._request(account.cursor.request())

    def _request(self, steps: Steps[EventPage]) -> A:
        raise NotImplementedError

    def _next_ready(self) -> _Account[A] | None:
        """An account whose page was received; its next turn comes after those of the other accounts."""
        for account in self._active:
            if account.ready:
                self._active.remove(account)
                self._active.append(account)
                return account
        return None

    def _receive(self, account: _Account[A], page: EventPage) -> tuple[str, EventPage]:
        account.cursor.receive(page)
        if account.cursor.complete:
            self._active.remove(account)
        page = account.cursor.rest()
        # If the request of the next page fails, the next turn raises the error, so that this page is not lost.
        with suppress(RuntimeError):
            self._start()
        return account.id, page


class AccountPages(_Listing["PageAhead[EventPage]"]):
    """The pages of many accounts, as `(account_id, page)`; the pages of each account are in order.

    An iterator: to continue after a break or an error, iterate again. An error is about a single account (`account_id`
    of the error); the other accounts continue, and that account is retried.

    Raises:
        RepeatedPageToken: The service returned a page token twice, or the same page again and again.
        TogaiError: Any other failure, with `account_id`, `next_token` and `yielded` to resume from.
    """

    def __init__(self, run: Run, accounts: AccountCursors, concurrency: int) -> None:
        super().__init__(accounts, concurrency)
        self._run = run
        self._arrived = threading.Event()

    def _request(self, steps: Steps[EventPage]) -> PageAhead[EventPage]:
        return PageAhead(self._run, steps, self._arrived)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[str, EventPage]:
        self._start()
        if not self._active:
            raise StopIteration
        account = self._wait()
        ahead, account.ahead = account.ahead, None
        with account.position_in_errors():
            page = ahead.result() if ahead else self._run(account.cursor.request())
        return self._receive(account, page)

    def _wait(self) -> _Account[PageAhead[EventPage]]:
        while True:
            self._arrived.clear()
            account = self._next_ready()
            if account is not None:
                return account
            self._arrived.wait()


class AsyncAccountPages(_Listing["AsyncPageAhead[EventPage]"]):
    """The pages of many accounts, as `(account_id, page)` for `async for`; the pages of each account are in order.

    An iterator: to continue after a break or an error, iterate again. An error is about a single account (`account_id`
    of the error); the other accounts continue, and that account is retried.

    Raises:
        RepeatedPageToken: The service returned a page token twice, or the same page again and again.
        TogaiError: Any other failure, with `account_id`, `next_token` and `yielded` to resume from.
    """

    def __init__(self, run: AsyncRun, accounts: AccountCursors, concurrency: int) -> None:
        super().__init__(accounts, concurrency)
        self._run = run

    def _request(self, steps: Steps[EventPage]) -> AsyncPageAhead[EventPage]:
        return AsyncPageAhead(self._run, steps)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[str, EventPage]:
        self._start()
        if not self._active:
            raise StopAsyncIteration
        account = await self._wait()
        ahead, account.ahead = account.ahead, None
        with account.position_in_errors():
            page = await (ahead.result() if ahead else self._run(account.cursor.request()))
        return self._receive(account, page)

    async def _wait(self) -> _Account[AsyncPageAhead[EventPage]]:
        while (account := self._next_ready()) is None:
            await _first([account.ahead.task for account in self._active if account.ahead])
        return account


async def _first(tasks: list[asyncio.Task[EventPage]]) -> None:
    """Wait until any of the tasks is done; a cancellation cancels all of them."""
    import asyncio

    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
