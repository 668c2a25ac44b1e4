"""The position in a listing, page by page: when it goes on, where it resumes, and when it ends. No I/O."""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import Any

import pytest

from togai import InvalidRequest, ListingIncomplete, RepeatedPageToken, TogaiError
from togai._listing_ahead import PageAhead, checked_prefetch
from togai._pagination import AsyncEventPages, Cursor, EventPage, EventPages, collect


class Event(str):
    """An event that is equal to its name."""

    reference_id = None


def page(events: int, next_token: str | None = None, **more: Any) -> EventPage:
    items: Any = [Event(f"event-{number}") for number in range(events)]
    return EventPage(tuple(items), next_token, **more)


class Fetch:
    """Responds with one page after another, and keeps the requested tokens."""

    def __init__(self, *pages: EventPage | BaseException) -> None:
        self.pages = list(pages)
        self.tokens: list[str | None] = []

    def __call__(self, token: str | None) -> Any:
        self.tokens.append(token)
        return self.steps(self.pages.pop(0))

    @staticmethod
    def steps(reply: EventPage | BaseException) -> Any:
        if isinstance(reply, BaseException):
            raise reply
        return reply
        yield


def run(steps: Any) -> Any:
    try:
        next(steps)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a step without I/O")


async def run_async(steps: Any) -> Any:
    return run(steps)


def listing(kind: str, cursor: Cursor, **settings: Any) -> Any:
    if kind == "sync":
        return EventPages(run, cursor, **settings)
    return AsyncEventPages(run_async, cursor, **settings)


def taken(pages: Any, most: int = 99) -> list[Any]:
    """The next events of a listing of either kind."""

    async def take() -> list[Any]:
        events: list[Any] = []
        while len(events) < most:
            try:
                events.append(await anext(pages))
            except StopAsyncIteration:
                break
        return events

    if isinstance(pages, AsyncEventPages):
        return asyncio.run(take())
    return list(itertools.islice(pages, most))


def test_a_page_shows_how_many_events_it_has_and_nothing_else() -> None:
    full = page(2, "secret", request_id="secret", status=200, headers={"a": "secret"})
    assert repr(full) == "<EventPage: 2 events, more follow>"
    assert repr(page(0)) == "<EventPage: 0 events, the last page>"
    assert (full.request_id, full.status, full.headers) == ("secret", 200, {"a": "secret"})
    last = page(0)
    assert (last.further_page, last.request_id, last.status, last.headers) == (None, None, None, {})
    with pytest.raises(TypeError):
        EventPage((), None, "$.next")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_a_cursor_resumes_at_the_page_whose_events_are_not_all_taken() -> None:
    cursor = Cursor(Fetch(), "start")
    assert (cursor.next_token, cursor.yielded, cursor.complete) == ("start", 0, False)
    assert cursor.may_go_on
    cursor.receive(page(2, "second"))
    assert (cursor.next_token, cursor.yielded) == ("start", 0)
    cursor.buffer.popleft()
    assert (cursor.next_token, cursor.yielded) == ("start", 1)
    cursor.buffer.popleft()
    assert (cursor.next_token, cursor.yielded) == ("second", 2)
    assert cursor.may_go_on
    cursor.receive(page(1))
    assert (cursor.next_token, cursor.yielded, cursor.complete) == ("second", 2, True)
    assert not cursor.may_go_on
    rest = cursor.rest()
    assert (len(rest.events), rest.next_token) == (1, None)
    assert (cursor.next_token, cursor.yielded, len(cursor.buffer)) == (None, 3, 0)


@pytest.mark.parametrize(
    ("start", "tokens", "repeated"),
    [
        (None, ["a", "b"], False),
        (None, ["a", "a"], True),
        (None, ["a", "b", "a"], True),
        ("a", ["a"], True),
        ("", ["a"], False),
    ],
)
def test_a_token_that_was_seen_ends_the_listing_with_an_error(
    start: str | None, tokens: list[str], repeated: bool
) -> None:
    fetch = Fetch(page(0))
    cursor = Cursor(fetch, start)
    for token in tokens:
        assert cursor.may_go_on
        cursor.receive(page(1, token))
    assert cursor.may_go_on != repeated
    assert not cursor.complete
    if repeated:
        with pytest.raises(RepeatedPageToken, match="for the second time"):
            cursor.request()
    else:
        run(cursor.request())
    assert fetch.tokens == ([] if repeated else [tokens[-1]])


@pytest.mark.parametrize(
    ("sizes", "repeated"),
    [
        ([1, 1, 1], False),
        ([1, 1, 1, 1], True),
        ([1, 1, 1, 2, 1], False),
        ([2, 1, 1, 1, 1], True),
        ([0, 0, 0, 0, 0], False),
    ],
    ids=str,
)
def test_a_page_that_is_repeated_under_new_tokens_ends_the_listing_with_an_error(
    sizes: list[int], repeated: bool
) -> None:
    cursor = Cursor(Fetch(page(0)))
    for number, size in enumerate(sizes):
        assert cursor.may_go_on
        cursor.receive(page(size, f"token-{number}"))
    assert cursor.may_go_on != repeated
    assert cursor.yielded + len(cursor.buffer) == sum(sizes)
    if repeated:
        with pytest.raises(RepeatedPageToken, match="the same events for 4 page tokens in a row"):
            cursor.request()
    else:
        run(cursor.request())


def test_the_last_page_may_repeat_the_pages_before() -> None:
    cursor = Cursor(Fetch())
    for token in ("a", "b", "c", None):
        cursor.receive(page(1, token))
    assert cursor.complete


def test_an_announced_page_without_a_token_ends_the_listing_with_an_error() -> None:
    cursor = Cursor(Fetch())
    cursor.receive(page(1, further_page="$.next"))
    assert not cursor.complete
    assert not cursor.may_go_on
    with pytest.raises(ListingIncomplete) as caught:
        cursor.request()
    assert caught.value.where == "$.next"


@pytest.mark.parametrize("token", [None, ""])
def test_a_page_without_a_token_is_the_last(token: str | None) -> None:
    cursor = Cursor(Fetch())
    cursor.receive(page(1, token))
    assert cursor.complete
    assert cursor.rest().next_token is None


def test_only_errors_of_ours_get_a_position() -> None:
    cursor = Cursor(Fetch(), "start")
    cursor.receive(page(2, "second"))
    cursor.buffer.popleft()
    for error in (TogaiError("no"), ValueError("no"), KeyboardInterrupt()):
        with pytest.raises(type(error)), cursor.position_in_errors():
            raise error
        position = (getattr(error, "next_token", 0), getattr(error, "yielded", 0))
        assert position == (("second", 1) if isinstance(error, TogaiError) else (0, 0))


@pytest.mark.parametrize(
    ("most", "events", "tokens", "whole"),
    [
        (None, 5, [None, "b", "c"], True),
        (0, 0, [], False),
        (1, 2, [None], False),
        (2, 2, [None], False),
        (3, 4, [None, "b"], False),
        (4, 4, [None, "b"], False),
        (5, 5, [None, "b", "c"], True),
        (9, 5, [None, "b", "c"], True),
    ],
)
def test_events_are_collected_by_whole_pages_up_to_a_number(
    most: int | None, events: int, tokens: list[str | None], whole: bool
) -> None:
    fetch = Fetch(page(2, "b"), page(2, "c"), page(1))
    collected, complete = run(collect(fetch, most))
    assert (len(collected), fetch.tokens, complete) == (events, tokens, whole)


def test_a_failure_while_events_are_collected_says_where_to_resume() -> None:
    with pytest.raises(TogaiError) as caught:
        run(collect(Fetch(page(2, "b"), TogaiError("no"))))
    assert (caught.value.next_token, caught.value.yielded) == ("b", 0)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_listing_requests_a_page_when_its_first_event_is_taken(kind: str) -> None:
    fetch = Fetch(page(2, "b"), page(0, "c"), page(1))
    pages = listing(kind, Cursor(fetch))
    assert (fetch.tokens, pages.next_token, pages.finished) == ([], None, False)
    for count, tokens in ((1, [None]), (2, [None]), (3, [None, "b", "c"])):
        assert len(taken(pages, 1)) == 1
        assert (fetch.tokens, pages.yielded) == (tokens, count)
        assert pages.finished == (count == 3)
    assert taken(pages) == []
    assert repr(pages) == f"<{type(pages).__name__}: 3 events yielded, finished>"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_listing_that_is_not_finished_yet_has_events_left(kind: str) -> None:
    pages = listing(kind, Cursor(Fetch(page(2))))
    taken(pages, 1)
    assert not pages.finished
    assert repr(pages) == f"<{type(pages).__name__}: 1 event yielded>"


def paged(pages: Any) -> list[EventPage]:
    """The pages of a listing of either kind."""

    async def collected() -> list[EventPage]:
        return [page async for page in pages.pages()]

    return asyncio.run(collected()) if isinstance(pages, AsyncEventPages) else list(pages.pages())


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("taken_before", "sizes"), [(0, [2, 0, 1]), (1, [1, 0, 1]), (2, [0, 1]), (3, [])]
)
def test_pages_begin_with_the_rest_of_a_page_and_include_empty_ones(
    kind: str, taken_before: int, sizes: list[int]
) -> None:
    pages = listing(kind, Cursor(Fetch(page(2, "b"), page(0, "c"), page(1))))
    taken(pages, taken_before)
    assert [len(one.events) for one in paged(pages)] == sizes
    assert pages.finished
    assert pages.yielded == 3
    assert paged(pages) == []


# A page that is requested in advance


@pytest.mark.parametrize("value", [0, 1, True, False])
def test_a_listing_requests_0_or_1_pages_in_advance(value: int) -> None:
    assert checked_prefetch(value) == int(value)
    assert type(checked_prefetch(value)) is int
    wrong: Any
    for wrong in (2, -1, 1.0, 0.0, "1", None):
        with pytest.raises(InvalidRequest, match=r"prefetch=.*pass 1 to request the next page"):
            checked_prefetch(wrong)


def test_a_page_in_advance_is_requested_by_a_thread_that_does_not_keep_the_process() -> None:
    seen: list[threading.Thread] = []

    def noted(steps: Any) -> Any:
        seen.append(threading.current_thread())
        return run(steps)

    ended = threading.Event()
    ahead = PageAhead(noted, Fetch(page(2))(None), ended)
    assert ended.wait(10)
    assert ahead.ready
    assert not ahead.lost
    assert len(ahead.result().events) == 2
    assert seen[0].daemon
    assert seen[0].name == "togai-listing"


@pytest.mark.parametrize("error", [TogaiError("no"), KeyboardInterrupt()])
def test_what_a_page_in_advance_raises_is_raised_where_it_is_read(error: BaseException) -> None:
    ahead = PageAhead(run, Fetch(error)(None), threading.Event())
    with pytest.raises(type(error)):
        ahead.result()
