"""Pages in advance and the turns of many accounts, one step at a time. No I/O."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest

from togai import (
    ConfigurationError,
    InvalidRequest,
    ListingIncomplete,
    RepeatedPageToken,
    TogaiError,
)
from togai import _listing_many as many_module
from togai._listing_ahead import AsyncPageAhead, PageAhead, _DroppedError, _Until
from togai._listing_many import (
    AccountCursors,
    AccountPages,
    AsyncAccountPages,
    checked_concurrency,
)
from togai._pagination import AsyncEventPages, Cursor, EventPages
from togai._transport import clock as clock_module
from togai._transport.steps import Blocking, Hold, Sleep

from .test_cursor import Fetch, page, run, run_async

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


class Ahead:
    """A page in advance that arrives when a test says so."""

    def __init__(self, steps: Any) -> None:
        self.steps = steps
        self.ready = True
        self.lost = False
        self.task: Any = None

    def result(self) -> Any:
        return run(self.steps)


class AsyncAhead(Ahead):
    """The same for tasks."""

    async def result(self) -> Any:
        return run(self.steps)


class Accounts:
    """The listings of accounts, each with its pages."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch, **pages: Any) -> None:
        self.ahead: list[Ahead] = []
        self.kind = kind
        self.fetches = {name: Fetch(*own) for name, own in pages.items()}

        def request(_run: Any, steps: Any, *_: Any) -> Ahead:
            self.ahead.append((Ahead if kind == "sync" else AsyncAhead)(steps))
            return self.ahead[-1]

        cls = "PageAhead" if kind == "sync" else "AsyncPageAhead"
        monkeypatch.setattr(many_module, cls, request)

    def listing(self, concurrency: int = 50, **tokens: str) -> Any:
        accounts = AccountCursors(
            {name: tokens.get(name) for name in self.fetches}, lambda name: self.fetches[name]
        )
        if self.kind == "sync":
            return AccountPages(run, accounts, concurrency)
        return AsyncAccountPages(run_async, accounts, concurrency)

    def next(self, listing: Any) -> tuple[str, int]:
        """The account and the number of events of the next page."""

        async def taken() -> Any:
            return await anext(listing)

        account, page = next(listing) if self.kind == "sync" else asyncio.run(taken())
        return account, len(page.events)

    def all(self, listing: Any) -> list[tuple[str, int]]:
        pairs: list[tuple[str, int]] = []
        while not listing.finished:
            pairs.append(self.next(listing))
        with pytest.raises(StopIteration if self.kind == "sync" else StopAsyncIteration):
            self.next(listing)
        return pairs


@pytest.mark.parametrize("value", [1, 2, 50])
def test_1_to_50_accounts_are_listed_at_once(value: int) -> None:
    assert checked_concurrency(value) == value
    for wrong in (0, 51):
        with pytest.raises(InvalidRequest, match="pass a whole number from 1 to 50"):
            checked_concurrency(wrong)


@KINDS
def test_accounts_take_turns(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {
        "a": [page(1, "2"), page(2, "3"), page(3)],
        "b": [page(4, "2"), page(5)],
        "c": [page(6)],
    }
    accounts = Accounts(kind, monkeypatch, **pages)
    assert accounts.all(accounts.listing()) == [
        *(("a", 1), ("b", 4), ("c", 6), ("a", 2), ("b", 5), ("a", 3))
    ]


@KINDS
@pytest.mark.parametrize(
    ("concurrency", "started"), [(1, ["a"]), (2, ["a", "b"]), (3, ["a", "b", "c"])]
)
def test_no_more_accounts_are_started_than_may_be_listed_at_once(
    kind: str, monkeypatch: pytest.MonkeyPatch, concurrency: int, started: list[str]
) -> None:
    pages = {name: [page(1, "2"), page(1)] for name in "abc"}
    accounts = Accounts(kind, monkeypatch, **pages)
    listing = accounts.listing(concurrency)
    assert not listing.finished
    assert repr(listing).endswith(": 3 accounts left>")
    assert listing.remaining == {"a": None, "b": None, "c": None}
    assert accounts.next(listing) == ("a", 1)
    assert [name for name, fetch in accounts.fetches.items() if fetch.tokens] == started
    assert listing.remaining == {"a": "2", "b": None, "c": None}
    assert not listing.finished
    accounts.all(listing)
    assert listing.remaining == {}
    assert repr(listing).endswith(": 0 accounts left>")


@KINDS
def test_an_account_starts_from_its_token(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts(kind, monkeypatch, a=[page(1)], b=[page(2)])
    accounts.all(accounts.listing(b="7"))
    assert {name: fetch.tokens for name, fetch in accounts.fetches.items()} == {
        "a": [None],
        "b": ["7"],
    }


@KINDS
def test_a_page_that_has_not_arrived_loses_its_turn(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(kind, monkeypatch, a=[page(1, "2"), page(2)], b=[page(3, "2"), page(4)])
    listing = accounts.listing()
    assert accounts.next(listing) == ("a", 1)
    accounts.ahead[-1].ready = False  # the second page of a
    assert accounts.next(listing) == ("b", 3)
    assert accounts.next(listing) == ("b", 4)
    accounts.ahead[2].ready = True
    assert accounts.all(listing) == [("a", 2)]


@KINDS
def test_a_page_that_was_lost_is_requested_again_and_any_other_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(kind, monkeypatch, a=[page(1, "2"), page(2), page(2)], b=[page(3)])
    listing = accounts.listing()
    assert accounts.next(listing) == ("a", 1)
    assert len(accounts.ahead) == 3
    accounts.ahead[-1].lost = True
    assert accounts.next(listing) == ("b", 3)
    assert accounts.fetches["a"].tokens == [None, "2", "2"]
    assert accounts.all(listing) == [("a", 2)]
    assert len(accounts.ahead) == 4


@KINDS
def test_a_failed_page_is_an_error_with_its_account_and_is_requested_again(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: dict[str, Any] = {"a": [page(1, "2"), page(2)], "b": [page(3)]}
    accounts = Accounts(kind, monkeypatch, **pages)
    listing = accounts.listing()
    assert accounts.next(listing) == ("a", 1)
    assert accounts.next(listing) == ("b", 3)

    def fail() -> Any:
        raise error

    for error in (TogaiError("no"), ValueError("no"), KeyboardInterrupt()):
        monkeypatch.setattr(accounts.ahead[-1], "result", fail)
        accounts.fetches["a"].pages.append(page(2))
        with pytest.raises(type(error)) as caught:
            accounts.next(listing)
        position = [
            getattr(caught.value, name, "none") for name in ("account_id", "next_token", "yielded")
        ]
        ours = isinstance(error, TogaiError)
        assert position == (["a", "2", 1] if ours else ["none"] * 3)
        assert listing.remaining == {"a": "2"}
        listing._start()
    accounts.fetches["a"].pages[:] = [page(2)]
    assert accounts.next(listing)[0] == "a"


@KINDS
def test_a_request_that_cannot_be_started_is_tried_in_the_next_turn(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(kind, monkeypatch, a=[page(1, "2"), *[page(2)] * 3])
    listing = accounts.listing()
    refuse = True
    request = listing._request

    def refusing(steps: Any) -> Any:
        if refuse and len(accounts.ahead) == 1:
            raise RuntimeError("can't start new thread")
        return request(steps)

    listing._request = refusing
    assert accounts.next(listing) == ("a", 1)
    with pytest.raises(RuntimeError):
        accounts.next(listing)
    refuse = False
    assert accounts.all(listing) == [("a", 2)]


def test_a_thread_waits_until_a_page_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts("sync", monkeypatch, a=[page(1)])
    listing = accounts.listing()
    listing._start()
    accounts.ahead[0].ready = False
    waits: list[None] = []

    def arrive() -> None:
        assert not listing._arrived.is_set()
        waits.append(None)
        accounts.ahead[0].ready = len(waits) == 2

    listing._arrived.set()
    monkeypatch.setattr(listing._arrived, "wait", arrive)
    assert accounts.next(listing) == ("a", 1)
    assert len(waits) == 2


def test_a_task_waits_for_the_first_page_and_a_cancellation_cancels_all_of_them() -> None:
    async def first() -> None:
        ended: list[None] = []

        async def last() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                for _ in range(5):  # such as closing a connection
                    await asyncio.sleep(0)
                ended.append(None)

        quick: asyncio.Task[Any] = asyncio.ensure_future(asyncio.sleep(0))
        slow: asyncio.Task[Any] = asyncio.ensure_future(last())
        await many_module._first([slow, quick])
        assert (quick.done(), slow.done()) == (True, False)
        waiting = asyncio.ensure_future(many_module._first([slow]))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert ended
        assert slow.cancelled()

    asyncio.run(first())


def test_a_wait_that_is_closed_ends_and_leaves_the_pages_alone() -> None:
    async def first() -> None:
        slow: asyncio.Task[Any] = asyncio.ensure_future(asyncio.sleep(60))
        waiting = many_module._first([slow])
        waiting.send(None)
        waiting.close()
        await asyncio.sleep(0)
        assert not slow.done()
        slow.cancel()

    asyncio.run(first())


def test_a_task_waits_until_a_page_arrives() -> None:
    fetches = {"a": Fetch(page(1)), "b": Fetch(page(2))}

    async def both() -> None:
        arrived = {name: asyncio.Event() for name in fetches}
        names = iter(fetches)

        async def run_later(steps: Any) -> Any:
            await arrived[next(names)].wait()
            return run(steps)

        tokens = dict.fromkeys(fetches)
        listing = AsyncAccountPages(run_later, AccountCursors(tokens, fetches.__getitem__), 2)
        looks: list[None] = []
        next_ready = listing._next_ready

        def look() -> Any:
            looks.append(None)
            assert len(looks) < 10, "it does not wait"
            return next_ready()

        listing._next_ready = look  # type: ignore[method-assign]
        for name in ("b", "a"):
            waiting: Any = asyncio.ensure_future(anext(listing))
            for _ in range(5):
                await asyncio.sleep(0)
            assert not waiting.done()
            arrived[name].set()
            assert (await waiting)[0] == name
        assert len(looks) <= 4

    asyncio.run(both())


@KINDS
@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"next_token": "2"}, RepeatedPageToken), ({"further_page": "$.next"}, ListingIncomplete)],
)
def test_an_account_that_cannot_go_on_is_an_error_in_each_of_its_turns(
    kind: str, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], error: type[TogaiError]
) -> None:
    pages = {"a": [page(1, "2"), page(2, **wrong)], "b": [page(3, "2"), page(4, "3"), page(5)]}
    accounts = Accounts(kind, monkeypatch, **pages)
    listing = accounts.listing()
    turns = [accounts.next(listing) for _ in range(4)]
    assert turns == [("a", 1), ("b", 3), ("a", 2), ("b", 4)]
    for _ in range(2):
        with pytest.raises(error) as caught:
            accounts.next(listing)
        assert (caught.value.account_id, caught.value.yielded) == ("a", 3)
        if "b" in listing.remaining:
            assert accounts.next(listing) == ("b", 5)
    assert not listing.finished
    assert list(listing.remaining) == ["a"]


# A listing with a page in advance


@KINDS
def test_a_listing_requests_again_what_was_lost(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Ahead] = []

    def request(_run: Any, steps: Any, *_: Any) -> Ahead:
        made.append((Ahead if kind == "sync" else AsyncAhead)(steps))
        return made[-1]

    name = "PageAhead" if kind == "sync" else "AsyncPageAhead"
    monkeypatch.setattr(f"togai._pagination.{name}", request)
    fetch = Fetch(page(1, "2"), page(1, "3"), page(1, "3"), page(1))
    cursor = Cursor(fetch)
    listing: Any = (
        EventPages(run, cursor, prefetch=1)
        if kind == "sync"
        else AsyncEventPages(run_async, cursor, prefetch=1)
    )

    def taken() -> Any:
        async def one() -> Any:
            return await anext(listing)

        return next(listing) if kind == "sync" else asyncio.run(one())

    taken()
    assert fetch.tokens == [None, "2"]
    made[0].lost = True
    taken()
    assert fetch.tokens == [None, "2", "2", "3"]
    taken()
    assert fetch.tokens == [None, "2", "2", "3"]
    assert len(made) == 2


# In a thread


def test_a_page_in_advance_has_the_context_of_its_caller() -> None:
    team: contextvars.ContextVar[str] = contextvars.ContextVar("team", default="none")
    seen: list[str] = []

    def noted(steps: Any) -> Any:
        seen.append(team.get())
        return run(steps)

    team.set("billing")
    PageAhead(noted, Fetch(page(1))(None), threading.Event()).result()
    assert seen == ["billing"]


def test_a_result_is_waited_for_however_often_another_page_arrives() -> None:
    go_on = threading.Event()

    class Arrived(threading.Event):
        waits = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.waits += 1
            if self.waits == 1:
                return True  # of another account
            go_on.set()
            return super().wait(timeout)

    def later(steps: Any) -> Any:
        assert go_on.wait(10)
        return run(steps)

    arrived = Arrived()
    ahead = PageAhead(later, Fetch(page(2))(None), arrived)
    assert not ahead.ready
    assert len(ahead.result().events) == 2
    assert arrived.waits >= 2


def test_an_error_ahead_frees_its_frames_without_the_cycle_collector() -> None:
    class Large:
        """A local variable of a request."""

    freed: list[Any] = []

    def fail(_steps: Any) -> Any:
        large = Large()
        freed.append(weakref.ref(large))
        raise ValueError("no")

    gc.disable()
    try:
        ended = threading.Event()
        ahead: Any = PageAhead(fail, Fetch(page(1))(None), ended)
        with pytest.raises(ValueError, match="no"):
            ahead.result()
        for thread in threading.enumerate():
            if thread.name == "togai-listing":
                thread.join(10)
        assert freed[0]() is None
    finally:
        gc.enable()


def stepping(log: list[Any]) -> Generator[Any, Any, str]:
    """A call of several steps."""
    try:
        log.append((yield Hold(1.0)))
        try:
            yield Sleep(7.5)
        except ValueError as error:
            log.append(str(error))
        yield Hold(2.0)
    finally:
        log.append("closed")
    return "page"


def test_the_wait_of_a_page_ends_when_it_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[Any] = []

    class Waits(clock_module.Clock):
        def wait(self, until: threading.Event, seconds: float) -> bool | None:
            waits.append((until, seconds))
            return None

    monkeypatch.setattr(clock_module, "current", Waits())
    log: list[Any] = []
    dropped = threading.Event()
    steps = _Until(dropped, stepping(log))
    assert steps.send(None) == Hold(1.0)
    waiting: Any = steps.send("held")
    assert isinstance(waiting, Blocking)
    waiting.function()
    assert waits == [(dropped, 7.5)]
    assert steps.throw(ValueError("no")) == Hold(2.0)
    with pytest.raises(StopIteration) as stop:
        steps.send(None)
    assert stop.value.value == "page"
    assert log == ["held", "no", "closed"]


@pytest.mark.parametrize("how", ["send", "throw"])
def test_a_page_that_was_dropped_takes_no_further_step(how: str) -> None:
    log: list[Any] = []
    dropped = threading.Event()
    steps = _Until(dropped, stepping(log))
    steps.send(None)
    dropped.set()
    with pytest.raises(_DroppedError):
        steps.send("held") if how == "send" else steps.throw(ValueError("no"))
    assert log == ["closed"]


# In a task


def test_a_task_s_page_is_lost_with_its_loop_unless_it_has_arrived() -> None:
    async def request(arrives: bool) -> Any:
        ahead: Any = AsyncPageAhead(run_async, Fetch(page(1))(None))
        assert not ahead.ready
        assert not ahead.lost
        if arrives:
            await asyncio.sleep(0)
            assert ahead.ready
        return ahead

    async def states(*pages: Any) -> list[bool]:
        return [page.lost for page in pages]

    with asyncio.Runner() as other:
        loop = other.get_loop()
        arrived, under_way = other.run(request(True)), other.run(request(False))
        assert other.run(states(arrived, under_way)) == [False, False]
        never = loop.create_task(asyncio.sleep(60))
        under_way.task = never
        assert asyncio.run(states(arrived, under_way)) == [False, True]
        never.cancel()
        other.run(asyncio.sleep(0))
        assert other.run(states(arrived, under_way)) == [False, True]


def test_a_dropped_page_cancels_its_task_and_its_error_is_not_reported() -> None:
    problems: list[Any] = []

    async def forever(_steps: Any) -> Any:
        await asyncio.sleep(60)

    async def fail(_steps: Any) -> Any:
        raise ValueError("nobody reads it")

    async def drop() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: problems.append(context)
        )
        ahead: Any = AsyncPageAhead(forever, Fetch(page(1))(None))
        task = ahead.task
        await asyncio.sleep(0)
        del ahead
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert task.cancelled()
        failed: Any = AsyncPageAhead(fail, Fetch(page(1))(None))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del failed
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(drop())
    assert not problems


def test_a_page_that_no_loop_can_request_is_dropped_without_an_error() -> None:
    """What `__del__` raises is a warning, and each warning an error."""
    with pytest.raises(ConfigurationError, match="needs a running asyncio event loop"):
        AsyncPageAhead(run_async, Fetch(page(1))(None))
    loop = asyncio.new_event_loop()
    loop.close()
    cancelled: list[None] = []
    ahead: Any = AsyncPageAhead.__new__(AsyncPageAhead)
    ahead.task = SimpleNamespace(
        done=lambda: False, get_loop=lambda: loop, cancel=lambda: cancelled.append(None)
    )
    del ahead
    gc.collect()
    assert not cancelled
