"""The operations in which threads and asyncio differ. No I/O."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

from togai import ConfigurationError, Timeout, Togai
from togai._transport import clock as clock_module
from togai._transport import concurrency
from togai._transport.concurrency import FairLock, Tasks, Threads, running_loop
from togai._transport.runner import Runner
from togai._transport.steps import Attempt, Call

from ..conftest import TOKEN
from ..waiting import wait_until

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


def of(kind: str) -> tuple[Any, Callable[[Any], Any]]:
    """The operations of a kind, and how to run them."""
    if kind == "sync":
        return Threads(), Threads.run
    return Tasks(), asyncio.run


class Recorder:
    """A client of a library, a response, or a limit, which notes what is done with it."""

    def __init__(self, kind: str) -> None:
        self.calls: list[Any] = []
        self.kind = kind

    def _note(self, *call: Any) -> Any:
        self.calls.append(call)
        if self.kind == "sync":
            return "result"

        async def result() -> str:
            return "result"

        return result()

    def send(self, request: Any, **options: Any) -> Any:
        return self._note("send", request, options)

    def close(self) -> Any:
        return self._note("close")

    def aclose(self) -> Any:
        return self._note("aclose")

    def iter_raw(self) -> Iterator[bytes]:
        yield from (b"a", b"b")

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        for chunk in (b"a", b"b"):
            yield chunk

    def check(self) -> None:
        self.calls.append("check")


@KINDS
def test_a_request_is_sent_without_redirects_and_its_body_is_not_read(kind: str) -> None:
    io, run = of(kind)
    http = Recorder(kind)
    assert run(io.send(http, "request")) == "result"
    # The client's own credentials would replace the token, and a redirect would pass it on.
    options = {"auth": None, "follow_redirects": False, "stream": True}
    assert http.calls == [("send", "request", options)]


@KINDS
def test_each_chunk_is_passed_on_and_in_a_thread_the_deadline_is_checked_after_it(
    kind: str,
) -> None:
    io, run = of(kind)
    limit = Recorder(kind)
    run(io.read(Recorder(kind), limit.calls.append, limit))
    assert limit.calls == ([b"a", "check", b"b", "check"] if kind == "sync" else [b"a", b"b"])


@KINDS
def test_a_response_is_closed(kind: str) -> None:
    io, run = of(kind)
    response = Recorder(kind)
    run(io.close(response))
    assert response.calls == [("close" if kind == "sync" else "aclose",)]


@KINDS
def test_a_wait_takes_its_seconds(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    class Waits(clock_module.Clock):
        def sleep(self, seconds: float) -> None:
            waits.append(seconds)

        async def sleep_async(self, seconds: float) -> None:
            waits.append(seconds)

    monkeypatch.setattr(clock_module, "current", Waits())
    io, run = of(kind)
    run(io.sleep(7.5))
    assert waits == [7.5]


def test_a_call_of_a_task_has_the_seconds_until_its_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Fixed(clock_module.Clock):
        def now(self) -> float:
            return 100.0

        def timeout(self, seconds: float) -> Any:
            return seconds

    monkeypatch.setattr(clock_module, "current", Fixed())
    assert Tasks().limit(None, 107.5) == 7.5


@KINDS
def test_a_report_of_the_transport_is_noted_and_in_a_thread_watched(kind: str) -> None:
    io, run = of(kind)
    noted: list[Any] = []

    class Watch:
        def watch(self, *report: Any) -> None:
            noted.append(("watched", *report))

    def note(*report: Any) -> None:
        noted.append(report)

    trace = io.tracer(note, Watch())
    returned = trace("http11.event", {"a": 1})
    if kind == "async":
        run(returned)
    watched = [("watched", "http11.event", {"a": 1})] if kind == "sync" else []
    assert noted == [("http11.event", {"a": 1}), *watched]


# What a function of the caller returns


class Awaitable:
    """Something to await that is not a coroutine."""

    def __await__(self) -> Generator[Any, Any, str]:
        yield from ()
        return "awaited"


async def coroutine() -> str:
    return "awaited"


def test_a_thread_takes_plain_results_only() -> None:
    io = Threads()
    for plain in (True, False):
        assert Threads.run(io.result("plain", "callable", plain=plain)) == "plain"
    for make in (coroutine, Awaitable):  # a coroutine that is never awaited would be a warning
        with pytest.raises(ConfigurationError, match=r"^Togai takes a plain hook; AsyncTogai"):
            Threads.run(io.result(make(), "hook"))


def test_a_task_takes_async_results_and_plain_ones_unless_they_would_block() -> None:
    io = Tasks()

    async def check() -> None:
        for make in (coroutine, Awaitable):
            assert await io.result(make(), "hook") == "awaited"
            assert await io.result(make(), "hook", plain=False) == "awaited"
        assert await io.result("plain", "hook") == "plain"
        with pytest.raises(ConfigurationError, match=r"^AsyncTogai takes an async hook; Togai"):
            await io.result("plain", "hook", plain=False)

    asyncio.run(check())


# Threads


def test_a_coroutine_that_waits_for_an_event_loop_is_refused_in_a_thread() -> None:
    class Suspends:
        def __await__(self) -> Generator[None]:
            yield

    async def suspends() -> None:
        await Suspends()

    with pytest.raises(RuntimeError, match="a coroutine suspended in a thread"):
        Threads.run(suspends())


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), StopAsyncIteration()])
def test_what_a_coroutine_raises_passes(error: BaseException) -> None:
    async def fails() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        Threads.run(fails())
    assert caught.value is error


def test_a_lock_that_is_no_longer_used_is_freed() -> None:
    lock = FairLock()
    freed = weakref.ref(lock)
    del lock
    assert freed() is None


def test_a_lock_after_a_fork_has_no_owner_and_nobody_waits_for_it() -> None:
    lock = FairLock()
    Threads.run(lock.__aenter__())
    inner, queue = lock._changed, lock._queue
    inner.acquire()
    lock.renew()
    assert lock._changed is not inner
    assert lock._queue is not queue
    Threads.run(lock.__aenter__())  # neither the owner nor the lock of the parent stops it
    Threads.run(lock.__aexit__())
    assert not lock._queue


def test_leaving_the_queue_wakes_the_threads_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = FairLock()
    lock._queue.extend([-1, threading.get_ident()])  # another thread, and this one
    woken: list[int] = []
    monkeypatch.setattr(lock._changed, "notify_all", lambda: woken.append(len(lock._queue)))
    lock.leave()
    assert woken == [1]
    assert list(lock._queue) == [-1]


def interrupted(function: Callable[[], object], number: int) -> bool:
    """Whether a function was still running when Ctrl-C came: at a call, or after one, where Python looks for it."""
    left = number

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal left
        left -= event in ("call", "c_return")
        if not left:
            sys.setprofile(None)
            raise KeyboardInterrupt

    try:
        sys.setprofile(count)
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(None)
    return False


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_after_an_interrupt_at_any_moment_other_threads_take_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def attempt(runner: Runner, _step: object) -> None:
        await runner.rate_limit.wait()
        async with runner.token.lock:
            pass

    def steps() -> Any:
        yield Attempt(Call("GET", "/events"), Timeout(), None, None)

    monkeypatch.setattr(Runner, "_attempt", attempt)
    number = 1
    with Togai(TOKEN, requests_per_second=None) as client:
        runner = client._runner
        while interrupted(lambda: runner.run(steps()), number):
            other = threading.Thread(target=lambda: runner.run(steps()), daemon=True)
            other.start()
            other.join(10)
            assert not other.is_alive(), f"call {number}"
            number += 1
    assert number > 30


def test_a_thread_that_left_without_giving_up_its_turn_takes_it_again() -> None:
    lock = FairLock()
    Threads.run(lock.__aenter__())  # Ctrl-C came before `__aexit__`
    ended = threading.Event()

    async def use() -> None:
        async with lock:
            ended.set()

    other = threading.Thread(target=lambda: Threads.run(use()), daemon=True)
    other.start()
    wait_until(lambda: len(lock._queue) == 2)
    Threads.run(lock.__aenter__())
    assert ended.is_set()
    Threads.run(lock.__aexit__())
    other.join(10)
    assert not lock._queue


def test_who_leaves_a_lock_keeps_the_turn_of_another_thread() -> None:
    lock = FairLock()
    lock._queue.append(-1)
    Threads.run(lock.__aexit__())
    assert list(lock._queue) == [-1]


class Part:
    """What a child process inherits."""

    renewed = 0

    def renew(self) -> None:
        self.renewed += 1


def test_each_part_that_is_still_used_is_renewed() -> None:
    part, dropped = Part(), Part()
    concurrency.after_fork.add(part)
    concurrency.after_fork.add(dropped)
    freed = weakref.ref(dropped)
    del dropped
    assert freed() is None
    concurrency._renew_all()
    assert part.renewed == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_lock_that_a_thread_of_the_parent_holds_is_free_in_a_forked_child() -> None:
    lock = FairLock()
    Threads.run(lock.__aenter__())
    child = os.fork()
    if child == 0:
        os._exit(len(lock._queue))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(lock._queue) == 1


# Tasks


def test_tasks_belong_to_the_event_loop_that_used_them_first() -> None:
    io = Tasks()

    async def check() -> None:
        io.check()
        io.check()

    asyncio.run(check())
    with pytest.raises(ConfigurationError, match="belongs to another event loop"):
        asyncio.run(check())
    with pytest.raises(ConfigurationError, match="needs a running asyncio event loop"):
        running_loop()


def test_a_blocking_function_runs_in_another_thread_of_a_task() -> None:
    async def call() -> int:
        return await Tasks().call(threading.get_ident)

    assert asyncio.run(call()) != threading.get_ident()
    assert Threads.run(Threads().call(threading.get_ident)) == threading.get_ident()


@pytest.mark.parametrize("fails", [False, True])
def test_a_cancellation_waits_for_the_end_of_a_blocking_function(fails: bool) -> None:
    reported: list[Any] = []
    ended: list[str] = []

    async def call() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: reported.append(context)
        )
        began, go_on = threading.Event(), threading.Event()

        def block() -> None:
            began.set()
            go_on.wait(10)
            ended.append("ended")
            if fails:
                raise ValueError("nobody waits for it")

        task = asyncio.ensure_future(Tasks().call(block))
        while not began.is_set():
            await asyncio.sleep(0)
        for _ in range(2):  # a second cancellation changes nothing
            task.cancel()
            for _ in range(3):
                await asyncio.sleep(0)
            assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["ended"]

    asyncio.run(call())
    assert not reported


def test_a_call_that_is_closed_while_it_waits_ends_at_once() -> None:
    async def call() -> None:
        go_on = threading.Event()
        waiting = Tasks().call(go_on.wait)
        waiting.send(None)
        waiting.close()
        go_on.set()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(call())


@KINDS
def test_a_blocking_function_returns_or_raises(kind: str) -> None:
    def fail() -> None:
        raise KeyError("no")

    io, run = of(kind)
    assert run(io.call(lambda: 7)) == 7
    with pytest.raises(KeyError):
        run(io.call(fail))
