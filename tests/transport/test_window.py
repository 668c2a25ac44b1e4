"""The rate limit: when the next request may start, to the millisecond. No I/O."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from togai import ConfigurationError
from togai._transport import clock as clock_module
from togai._transport import concurrency
from togai._transport.concurrency import Tasks, Threads
from togai._transport.rate_limit import RateLimit, Window

from ..conftest import ManualClock

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


def started(limit: int | None, *times: float) -> Window:
    window = Window(limit)
    for time in times:
        window.start(time)
    return window


def test_without_a_limit_nothing_waits() -> None:
    window = started(None, *[100.0] * 99)
    assert window.wait(100.0) == 0.0
    assert not window._starts  # a client that lives for years does not fill the memory


@pytest.mark.parametrize(
    ("now", "wait"), [(100.4, 0.6), (100.75, 0.25), (101.0, 0.0), (200.0, 0.0), (3.0, 1.0)]
)
def test_a_start_waits_until_the_oldest_of_the_last_is_a_second_ago(
    now: float, wait: float
) -> None:
    window = started(3, 99.0, 100.0, 100.2, 100.4)
    assert window.earliest() == 101.0
    assert window.wait(now) == pytest.approx(wait)
    assert started(4, 100.0, 100.0, 100.0).wait(100.0) == 0.0


def test_a_clock_that_went_back_does_not_release_more_starts() -> None:
    window = started(2, 100.0, 100.0)
    window.start(50.0)
    assert window.wait(50.5) == 0.5
    same = started(3, 100.0, 100.0)
    same.start(100.0)
    assert same.wait(100.25) == 0.75
    little = started(2, 100.0, 100.5)
    little.start(100.25)
    assert little.earliest() == 101.25
    forward = started(2, 100.0, 100.5)
    forward.start(101.0)
    assert forward.earliest() == 101.5


@pytest.mark.parametrize("limit", [None, 1])
def test_a_hold_lasts_as_long_as_the_longest_that_was_requested(limit: int | None) -> None:
    window = started(limit, 90.0)
    for seconds in (3.0, 7.0, 2.0):
        window.hold(100.0, seconds)
    assert window.wait(100.0) == 7.0
    assert window.wait(106.5) == 0.5
    assert window.wait(107.0) == 0.0
    assert window.wait(3.0) == 7.0  # not longer, although the clock went back
    window.hold(110.0, 0.25)
    assert window.wait(110.0) == 0.25
    assert window.wait(3.0) == 1.0


@pytest.mark.parametrize(
    ("now", "wait"), [(100.0, 0.0), (100.4, 0.0), (100.5, 0.5), (100.9, pytest.approx(0.1))]
)
def test_a_wait_counts_as_passed_unless_the_clock_showed_half_of_it(now: float, wait: Any) -> None:
    window = started(2, 100.0, 100.0)
    window.hold(100.0, 1.0)
    window.waited(101.0, 1.0, now)
    assert window.wait(now) == wait


@KINDS
@pytest.mark.parametrize("limit", [1, 1_000_000, None])
def test_a_limit_is_a_whole_number(kind: str, limit: int | None) -> None:
    io: Any = Threads() if kind == "sync" else Tasks()
    RateLimit(limit, io)
    wrong: Any
    for wrong in (0, -1, 1_000_001, True, False, 1.5, "5", object()):
        with pytest.raises(ConfigurationError, match="requests_per_second="):
            RateLimit(wrong, io)


class Limiter:
    """A limiter of either kind, which lets the client be held while it waits."""

    def __init__(self, *, seconds: float) -> None:
        self.limit: Any = None
        self.seconds = seconds
        self.calls: list[float] = []

    def passed(self) -> None:
        self.calls.append(clock_module.current.now())
        if len(self.calls) == 1:
            self.limit.hold(self.seconds)


class PlainLimiter(Limiter):
    """For threads."""

    def wait(self) -> None:
        self.passed()


class AsyncLimiter(Limiter):
    """For tasks."""

    async def wait(self) -> None:
        self.passed()


@KINDS
@pytest.mark.parametrize("seconds", [0.0, 0.25, 7.0])
def test_a_call_that_is_held_while_its_limiter_waits_asks_the_limiter_again(
    manual_clock: ManualClock, kind: str, seconds: float
) -> None:
    limiter = (PlainLimiter if kind == "sync" else AsyncLimiter)(seconds=seconds)
    limiter.limit = RateLimit(limiter, Threads() if kind == "sync" else Tasks())
    (Threads.run if kind == "sync" else asyncio.run)(limiter.limit.wait())
    assert limiter.calls == ([100.0] if seconds == 0 else [100.0, 100.0 + seconds])


@KINDS
def test_a_limiter_of_the_other_kind_is_refused(kind: str) -> None:
    limiter = (AsyncLimiter if kind == "sync" else PlainLimiter)(seconds=0.0)
    limiter.limit = limit = RateLimit(limiter, Threads() if kind == "sync" else Tasks())
    with pytest.raises(ConfigurationError, match="rate limiter as requests_per_second"):
        (Threads.run if kind == "sync" else asyncio.run)(limit.wait())


@KINDS
def test_a_forked_child_can_hold_the_client_although_a_thread_of_the_parent_did(kind: str) -> None:
    limit = RateLimit(None, Threads() if kind == "sync" else Tasks())
    limit._holding.acquire()
    concurrency._renew_all()
    assert not limit._holding.locked()
    limit.hold(7.0)


@KINDS
def test_the_starts_of_a_client_are_spread_over_the_seconds(
    manual_clock: ManualClock, kind: str
) -> None:
    limit = RateLimit(2, Threads() if kind == "sync" else Tasks())
    starts: list[float] = []

    async def start() -> None:
        for pause in (0.0, 0.0, 0.25, 0.0, 0.0):
            manual_clock.time += pause
            await limit.wait()
            starts.append(manual_clock.time)

    (Threads.run if kind == "sync" else asyncio.run)(start())
    assert starts == [100.0, 100.0, 101.0, 101.0, 102.0]
