"""The machine's clock: waits and timeouts, in threads and in event loops whose own time may stand still."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from togai._transport import clock as clock_module
from togai._transport.clock import Clock


class Timer(threading.Thread):
    """A timer that a test ends."""

    made: list[Timer]

    def __init__(self, seconds: float, function: Callable[[], None]) -> None:
        super().__init__()
        self.seconds, self.function = seconds, function
        self.started = self.cancelled = False
        self.made.append(self)

    def start(self) -> None:
        self.started = True

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Timer]]:
    Timer.made = []
    monkeypatch.setattr(threading, "Timer", Timer)
    yield Timer.made
    Timer.made = []


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Notes the waits in threads and in tasks."""
    noted: list[tuple[str, float]] = []

    async def sleep(seconds: float) -> None:
        noted.append(("task", seconds))

    monkeypatch.setattr(time, "sleep", lambda seconds: noted.append(("thread", seconds)))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return noted


def lagging(seconds: float, monkeypatch: pytest.MonkeyPatch) -> asyncio.AbstractEventLoop:
    """The running loop, whose time lags behind that of the machine."""
    monkeypatch.setattr(Clock, "_real", staticmethod(lambda: 1000.0))
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "time", lambda: 1000.0 - seconds)
    return loop


def test_the_time_is_the_machine_s_and_what_tests_moved_it() -> None:
    clock = Clock()
    before = time.monotonic()
    now = clock.now()
    assert before <= now <= time.monotonic()
    clock.ahead = 1000.0
    assert before + 1000 <= clock.now() <= time.monotonic() + 1000


def test_a_thread_sleeps_as_long_as_the_clock_is_told(sleeps: list[tuple[str, float]]) -> None:
    clock_module.current.sleep(7.5)
    assert sleeps == [("thread", 7.5)]


@pytest.mark.parametrize("lag", [0.0, 4.5, -4.5, 5.0, -5.0, 900.0])
def test_a_task_sleeps_in_a_thread_if_the_time_of_its_loop_may_stand_still(
    monkeypatch: pytest.MonkeyPatch, sleeps: list[tuple[str, float]], lag: float
) -> None:
    async def sleep() -> None:
        with monkeypatch.context() as patch:
            lagging(lag, patch)
            await Clock().sleep_async(7.5)

    asyncio.run(sleep())
    assert sleeps == [("task" if abs(lag) < 5 else "thread", 7.5)]


def test_a_wait_for_an_event_says_whether_it_happened() -> None:
    event = threading.Event()
    assert Clock().wait(event, 0) is False
    event.set()
    assert Clock().wait(event, 10) is True


@pytest.mark.parametrize("lag", [0.0, 4.5, 5.0])
def test_a_timeout_is_the_loop_s_or_a_timer_s(
    monkeypatch: pytest.MonkeyPatch, timers: list[Timer], lag: float
) -> None:
    async def limited() -> Any:
        with monkeypatch.context() as patch:
            loop = lagging(lag, patch)
            scope = Clock().timeout(7.5)
            async with scope:
                ends = scope.when()
                return None if ends is None else ends - loop.time()

    ends = asyncio.run(limited())
    if lag < 5:
        assert ends == 7.5
        assert not timers
    else:
        assert ends is None
        assert [timer.seconds for timer in timers] == [7.5]
        assert timers[0].started
        assert timers[0].daemon  # it must not keep the process alive


def test_a_timer_ends_the_block_and_nothing_after_it(
    monkeypatch: pytest.MonkeyPatch, timers: list[Timer]
) -> None:
    problems: list[Any] = []

    async def limited() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: problems.append(context))
        with monkeypatch.context() as patch:
            lagging(900.0, patch)
            scope = Clock().timeout(7.5)
            with suppress(TimeoutError):
                async with scope:
                    timers[0].function()
                    await asyncio.Event().wait()
            assert scope.expired()
            timers[0].function()  # the block has ended
            await asyncio.sleep(0)
            assert not timers[0].cancelled
            del scope
            gc.collect()
            assert timers[0].cancelled
            timers[0].function()  # nothing is left of it
            await asyncio.sleep(0)

    asyncio.run(limited())
    timers[0].function()  # the loop is closed
    assert not problems
