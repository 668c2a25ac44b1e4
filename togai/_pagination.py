"""Listings: request pages as they are needed, resume after an error, and detect the end."""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from attrs import evolve, field, frozen

from togai._listing_ahead import AsyncPageAhead, PageAhead
from togai._printable import counted
from togai.errors import ListingIncomplete, RepeatedPageToken, TogaiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping

    from togai._transport.steps import AsyncRun, Run, Steps
    from togai.models import EventWithStatus


logger = logging.getLogger("togai")

_MOST_EQUAL = 3
"""How many times in a row a page may repeat the events of the page before it: new events may shift the pages."""


@frozen
class EventPage:
    """One page of a listing.

    Attributes:
        events: The events of the page; a page may be empty although more pages follow.
        next_token: The token of the next page; None on the last page.
        further_page: JSON path of a property that announces a further page although there is no token for it.
        request_id: The service's id of the request, for its support; None if it sent none.
        status: The HTTP status of the response.
        headers: The headers of the response, without cookies; their names are in lower case.
    """

    events: tuple[EventWithStatus, ...]
    next_token: str | None
    further_page: str | None = field(default=None, kw_only=True)
    request_id: str | None = field(default=None, kw_only=True)
    status: int | None = field(default=None, kw_only=True)
    headers: Mapping[str, str] = field(factory=dict[str, str], kw_only=True)

    def __repr__(self) -> str:
        more = "the last page" if self.next_token is None else "more follow"
        return f"<EventPage: {counted(len(self.events), 'event')}, {more}>"


class Cursor:
    """The position in a listing, and the request for the next page."""

    def __init__(
        self, fetch: Callable[[str | None], Steps[EventPage]], next_token: str | None = None
    ) -> None:
        self._fetch = fetch
        self._token = next_token
        self._after = next_token
        # Hashes of tokens, so that memory use hardly grows with the number of pages.
        self._seen = {hash(next_token)} if next_token else set[int]()
        self._equal = 0
        """How many times in a row a page had the same events as the page before it."""
        self._repeats = ""
        """What was repeated, if the listing does not advance."""
        self._received = 0
        self._page: EventPage = EventPage((), next_token)
        self._listed: set[str] | None = set()
        """The reference ids on the last page; None once it was logged that an event is repeated."""
        self.buffer: deque[EventWithStatus] = deque()
        """The events of the current page."""
        self.complete: bool = False
        """Whether the last page was received."""

    @property
    def next_token(self) -> str | None:
        """The token to resume with."""
        return self._token if self.buffer else self._after

    @property
    def yielded(self) -> int:
        """How many events have left the buffer so far."""
        return self._received - len(self.buffer)

    @property
    def may_go_on(self) -> bool:
        """Whether there is a next page to request."""
        return not (self.complete or self._repeats) and self._page.further_page is None

    def request(self) -> Steps[EventPage]:
        """The request for the next page; it holds no reference to this cursor.

        Raises:
            RepeatedPageToken: The previous page repeated the token of an earlier page, or the listing does not advance.
            ListingIncomplete: The previous page had no token, but announced a further page.
        """
        if self._page.further_page is not None:
            raise ListingIncomplete(self._page.further_page)
        if self._repeats:  # raised only now, because the page with the repeated token had events
            raise RepeatedPageToken(
                f"the service returned {self._repeats}; continuing would list the same events again and again."
                " List again, or use narrower filters; if it happens again, report it to the vendor"
            )
        return self._fetch(self._after)

    @contextmanager
    def position_in_errors(self) -> Generator[None]:
        """Add to errors where to resume."""
        try:
            yield
        except TogaiError as error:
            error.next_token, error.yielded = self._after, self.yielded
            raise

    def receive(self, page: EventPage) -> None:
        """Take a page into the buffer."""
        following = page.next_token or None
        # A service that ignores page tokens returns the first page again and again, perhaps with a new token each time.
        same = bool(page.events) and page.events == self._page.events
        self._equal = self._equal + 1 if same else 0
        if following is not None:
            if hash(following) in self._seen:
                self._repeats = "a page token for the second time"
            elif self._equal >= _MOST_EQUAL:
                self._repeats = f"the same events for {self._equal + 1} page tokens in a row"
            self._seen.add(hash(following))
        self._token, self._after = self._after, following
        self.complete = following is None and page.further_page is None
        self._page = page
        self._log_repeated(page)
        self.buffer.extend(page.events)
        self._received += len(page.events)

    def _log_repeated(self, page: EventPage) -> None:
        """Log, once per listing, that an event is listed again on the next page, or twice on one page."""
        if self._listed is None:
            return
        # The id of a malformed event is not text.
        ids: list[object] = [event.reference_id for event in page.events]
        listed = [each for each in ids if isinstance(each, str)]
        repeated = len(listed) - len(set(listed) - self._listed)
        self._listed = None if repeated else set(listed)
        if repeated:
            logger.warning(
                "the service lists %s twice, on one page or on two: skip them by their reference_id",
                counted(repeated, "event"),
            )

    def rest(self) -> EventPage:
        """Take all events out of the buffer."""
        events = tuple(self.buffer)
        self.buffer.clear()
        return evolve(self._page, events=events, next_token=self._after)


def collect(
    fetch: Callable[[str | None], Steps[EventPage]], most: int | None = None
) -> Steps[tuple[list[EventWithStatus], bool]]:
    """Request the pages of a listing up to a number of events; also return whether all events were read."""
    cursor = Cursor(fetch)
    while not cursor.complete and (most is None or len(cursor.buffer) < most):
        with cursor.position_in_errors():
            page = yield from cursor.request()
        cursor.receive(page)
    return list(cursor.buffer), cursor.complete


class _Listing:
    """The code that both kinds of listings share."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._buffer = cursor.buffer

    @property
    def next_token(self) -> str | None:
        """The token to resume with. `list(next_token=...)` repeats only events of a page that was read in part.

        None until the first page was read completely (unless the listing started with a token), and after the last
        page.
        """
        return self._cursor.next_token

    @property
    def yielded(self) -> int:
        """How many events have been yielded so far."""
        return self._cursor.yielded

    @property
    def finished(self) -> bool:
        """Whether all events have been yielded."""
        return self._cursor.complete and not self._buffer

    def __repr__(self) -> str:
        end = ", finished" if self.finished else ""
        return f"<{type(self).__name__}: {counted(self.yielded, 'event')} yielded{end}>"

    def __reduce__(self) -> str:
        raise TypeError("a listing cannot be pickled: resume elsewhere with list(next_token=...)")


class EventPages(_Listing):
    """The events of a listing; pages are requested as they are needed.

    An iterator: to continue after a break or an error, iterate again.

    Raises:
        RepeatedPageToken: The service returned a page token twice, or the same page again and again.
        ListingIncomplete: The service announced a further page without a token for it.
        FilterIgnored: The service ignores a filter.
        TogaiError: Any other failure, with `next_token` and `yielded` to resume from.
    """

    def __init__(self, run: Run, cursor: Cursor, *, prefetch: int = 0) -> None:
        super().__init__(cursor)
        self._run = run
        self._prefetch = prefetch
        self._ahead: PageAhead[EventPage] | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EventWithStatus:
        while not self._buffer:
            if self._cursor.complete:
                raise StopIteration
            self._advance()
        return self._buffer.popleft()

    def pages(self) -> Iterator[EventPage]:
        """Iterate over the listing by pages; if a page was read in part, its rest comes first."""
        if self._buffer:
            yield self._cursor.rest()
        while not self._cursor.complete:
            self._advance()
            yield self._cursor.rest()

    def _advance(self) -> None:
        """Take the next page into the buffer, and request the page after it if `prefetch` is on."""
        cursor = self._cursor
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.lost:
            ahead = None
        with cursor.position_in_errors():
            page = ahead.result() if ahead else self._run(cursor.request())
        cursor.receive(page)
        if self._prefetch and cursor.may_go_on:
            self._ahead = PageAhead(self._run, cursor.request(), threading.Event())


class AsyncEventPages(_Listing):
    """The events of a listing, for `async for`; pages are requested as they are needed.

    An iterator: to continue after a break or an error, iterate again.

    Raises:
        RepeatedPageToken: The service returned a page token twice, or the same page again and again.
        ListingIncomplete: The service announced a further page without a token for it.
        FilterIgnored: The service ignores a filter.
        TogaiError: Any other failure, with `next_token` and `yielded` to resume from.
    """

    def __init__(self, run: AsyncRun, cursor: Cursor, *, prefetch: int = 0) -> None:
        super().__init__(cursor)
        self._run = run
        self._prefetch = prefetch
        self._ahead: AsyncPageAhead[EventPage] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventWithStatus:
        while not self._buffer:
            if self._cursor.complete:
                raise StopAsyncIteration
            await self._advance()
        return self._buffer.popleft()

    async def pages(self) -> AsyncIterator[EventPage]:
        """Iterate over the listing by pages; if a page was read in part, its rest comes first."""
        if self._buffer:
            yield self._cursor.rest()
        while not self._cursor.complete:
            await self._advance()
            yield self._cursor.rest()

    async def _advance(self) -> None:
        """Take the next page into the buffer, and request the page after it if `prefetch` is on."""
        cursor = self._cursor
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.lost:
            ahead = None
        with cursor.position_in_errors():
            page = await (ahead.result() if ahead else self._run(cursor.request()))
        cursor.receive(page)
        if self._prefetch and cursor.may_go_on:
            self._ahead = AsyncPageAhead(self._run, cursor.request())
