"""Listings: lazy pages of events that end, resume, and never go in circles."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Self

from attrs import frozen

from togai.errors import RepeatedPageToken, TogaiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from togai.models import EventWithStatus


@frozen
class EventPage:
    """One page of a listing.

    Attributes:
        events: Its events; may be none although more pages follow.
        next_token: Where the next page starts; None on the last one.
    """

    events: tuple[EventWithStatus, ...]
    next_token: str | None


class _Cursor:
    """Where a listing stands. No I/O."""

    def __init__(self, next_token: str | None) -> None:
        self._token = next_token
        self._after = next_token
        self._buffer: deque[EventWithStatus] = deque()
        # Hashes, so that memory hardly grows with the number of pages.
        self._seen = {hash(next_token)} if next_token else set[int]()
        self._fetched_all = False
        self._in_circles = False
        self._taken = 0

    @property
    def next_token(self) -> str | None:
        """Where to go on: `list(next_token=...)` repeats nothing but what was taken of a page half read.

        None while the first page of a listing from the start is not read to its end, and after the last one.
        """
        return self._token if self._buffer else self._after

    def __repr__(self) -> str:
        end = ", finished" if self.finished else ""
        return f"<{type(self).__name__}: {self.yielded} events yielded{end}>"

    def __reduce__(self) -> str:
        raise TypeError("a listing is not pickled: go on elsewhere with list(next_token=...)")

    @property
    def yielded(self) -> int:
        """How many events have been yielded so far."""
        return self._taken - len(self._buffer)

    @property
    def finished(self) -> bool:
        """Whether all events have been yielded."""
        return self._fetched_all and not self._buffer

    def _take(self, page: EventPage) -> None:
        following = page.next_token or None
        if following is not None:
            self._in_circles = hash(following) in self._seen
            self._seen.add(hash(following))
        self._token, self._after = self._after, following
        self._fetched_all = following is None
        self._buffer.extend(page.events)
        self._taken += len(page.events)

    def _check(self) -> None:
        # Only now: the page that brought the repeated token had events of its own.
        if self._in_circles:
            raise RepeatedPageToken(
                "the service gave a page token again that it had given before;"
                " going on would list the same events in circles. List them anew, or by narrower filters;"
                " if it comes again, tell the vendor"
            )

    def _rest(self) -> EventPage:
        events = tuple(self._buffer)
        self._buffer.clear()
        return EventPage(events, self._after)

    def _mark(self, error: TogaiError) -> None:
        error.next_token, error.yielded = self._after, self.yielded


class EventPages(_Cursor):
    """The events of a listing, page after page as they are needed.

    A cursor: iterating again, after a break or an error, goes on where it stood.

    Raises:
        RepeatedPageToken: The service's page tokens go in circles.
        TogaiError: What a call raises, with `next_token` and `yielded` to resume by.
    """

    def __init__(
        self, fetch: Callable[[str | None], EventPage], next_token: str | None = None
    ) -> None:
        super().__init__(next_token)
        self._fetch = fetch

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EventWithStatus:
        while not self._buffer:
            if self._fetched_all:
                raise StopIteration
            self._advance()
        return self._buffer.popleft()

    def pages(self) -> Iterator[EventPage]:
        """The same listing page by page; the first is what is left of a page half read."""
        if self._buffer:
            yield self._rest()
        while not self._fetched_all:
            self._advance()
            yield self._rest()

    def _advance(self) -> None:
        try:
            self._check()
            self._take(self._fetch(self._after))
        except TogaiError as error:
            self._mark(error)
            raise


class AsyncEventPages(_Cursor):
    """The events of a listing, page after page as they are needed, for `async for`.

    A cursor: iterating again, after a break or an error, goes on where it stood.

    Raises:
        RepeatedPageToken: The service's page tokens go in circles.
        TogaiError: What a call raises, with `next_token` and `yielded` to resume by.
    """

    def __init__(
        self, fetch: Callable[[str | None], Awaitable[EventPage]], next_token: str | None = None
    ) -> None:
        super().__init__(next_token)
        self._fetch = fetch

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventWithStatus:
        while not self._buffer:
            if self._fetched_all:
                raise StopAsyncIteration
            await self._advance()
        return self._buffer.popleft()

    async def pages(self) -> AsyncIterator[EventPage]:
        """The same listing page by page; the first is what is left of a page half read."""
        if self._buffer:
            yield self._rest()
        while not self._fetched_all:
            await self._advance()
            yield self._rest()

    async def _advance(self) -> None:
        try:
            self._check()
            self._take(await self._fetch(self._after))
        except TogaiError as error:
            self._mark(error)
            raise
