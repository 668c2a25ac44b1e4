"""Listings: pages that are requested as they are needed, can be resumed, and end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Self

from attrs import frozen

from togai.errors import RepeatedPageToken, TogaiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from togai._transport.steps import AsyncRun, Run, Steps
    from togai.models import EventWithStatus


@frozen
class EventPage:
    """One page of a listing.

    Attributes:
        events: Its events; a page may be empty although more pages follow.
        next_token: The token of the next page; None on the last page.
    """

    events: tuple[EventWithStatus, ...]
    next_token: str | None


class _Cursor:
    """The position in a listing, and the steps to the next page."""

    def __init__(
        self, fetch: Callable[[str | None], Steps[EventPage]], next_token: str | None = None
    ) -> None:
        self._fetch = fetch
        self._token = next_token
        self._after = next_token
        self._buffer: deque[EventWithStatus] = deque()
        # Hashes, so that memory hardly grows with the number of pages.
        self._seen = {hash(next_token)} if next_token else set[int]()
        self._complete = False
        self._repeats = False
        self._received = 0

    @property
    def next_token(self) -> str | None:
        """The token to resume with: `list(next_token=...)` repeats only the events of a page that was partly read.

        None until the first page of a listing from the start is read completely, and after the last page.
        """
        return self._token if self._buffer else self._after

    def __repr__(self) -> str:
        end = ", finished" if self.finished else ""
        return f"<{type(self).__name__}: {self.yielded} events yielded{end}>"

    def __reduce__(self) -> str:
        raise TypeError("a listing cannot be pickled: resume elsewhere with list(next_token=...)")

    @property
    def yielded(self) -> int:
        """How many events have been yielded so far."""
        return self._received - len(self._buffer)

    @property
    def finished(self) -> bool:
        """Whether all events have been yielded."""
        return self._complete and not self._buffer

    def _advance(self) -> Steps[None]:
        """Request the next page into the buffer."""
        try:
            if (
                self._repeats
            ):  # only now: the page that brought the repeated token had events of its own
                raise RepeatedPageToken(
                    "the service returned a page token for the second time; to continue would list the same events"
                    " again and again. List again, or with narrower filters; if it happens again, report it to the"
                    " vendor"
                )
            self._receive((yield from self._fetch(self._after)))
        except TogaiError as error:
            error.next_token, error.yielded = self._after, self.yielded
            raise

    def _collect(self) -> Steps[list[EventWithStatus]]:
        """Request all pages that are left."""
        while not self._complete:
            yield from self._advance()
        return list(self._rest().events)

    def _receive(self, page: EventPage) -> None:
        following = page.next_token or None
        if following is not None:
            self._repeats = hash(following) in self._seen
            self._seen.add(hash(following))
        self._token, self._after = self._after, following
        self._complete = following is None
        self._buffer.extend(page.events)
        self._received += len(page.events)

    def _rest(self) -> EventPage:
        events = tuple(self._buffer)
        self._buffer.clear()
        return EventPage(events, self._after)


def collect(fetch: Callable[[str | None], Steps[EventPage]]) -> Steps[list[EventWithStatus]]:
    """Request all pages of a listing."""
    return _Cursor(fetch)._collect()  # noqa: SLF001  (of this module)


class EventPages(_Cursor):
    """The events of a listing; pages are requested as they are needed.

    An iterator: iterating again, after a break or an error, continues where it stopped.

    Raises:
        RepeatedPageToken: The service returned a page token twice.
        TogaiError: Any other failure, with `next_token` and `yielded` to resume from.
    """

    def __init__(
        self,
        run: Run,
        fetch: Callable[[str | None], Steps[EventPage]],
        next_token: str | None = None,
    ) -> None:
        super().__init__(fetch, next_token)
        self._run = run

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EventWithStatus:
        while not self._buffer:
            if self._complete:
                raise StopIteration
            self._run(self._advance())
        return self._buffer.popleft()

    def pages(self) -> Iterator[EventPage]:
        """Iterate over the listing by pages; the first page is the rest of one that was partly read."""
        if self._buffer:
            yield self._rest()
        while not self._complete:
            self._run(self._advance())
            yield self._rest()


class AsyncEventPages(_Cursor):
    """The events of a listing, for `async for`; pages are requested as they are needed.

    An iterator: iterating again, after a break or an error, continues where it stopped.

    Raises:
        RepeatedPageToken: The service returned a page token twice.
        TogaiError: Any other failure, with `next_token` and `yielded` to resume from.
    """

    def __init__(
        self,
        run: AsyncRun,
        fetch: Callable[[str | None], Steps[EventPage]],
        next_token: str | None = None,
    ) -> None:
        super().__init__(fetch, next_token)
        self._run = run

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventWithStatus:
        while not self._buffer:
            if self._complete:
                raise StopAsyncIteration
            await self._run(self._advance())
        return self._buffer.popleft()

    async def pages(self) -> AsyncIterator[EventPage]:
        """Iterate over the listing by pages; the first page is the rest of one that was partly read."""
        if self._buffer:
            yield self._rest()
        while not self._complete:
            await self._run(self._advance())
            yield self._rest()
