"""A clock that tests control: the same code as in production, without sleeping."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest

from togai import AsyncTogai, RateLimited, TimedOut, Togai
from togai._transport import clock
from togai.testing import FakeClock, FakeTogai

from ..locks import Held, HeldError

Connect = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(params=["socket", "transport"])
def reach(
    request: pytest.FixtureRequest, connect: Connect, fake: FakeTogai
) -> Callable[..., AbstractContextManager[Any]]:
    """Opens a client of either kind, over either way to the fake."""

    @contextmanager
    def opened(**settings: Any) -> Iterator[Any]:
        if request.param == "socket":
            with fake.serve() as url, connect(base_url=url, **settings) as api:
                yield api
            return
        with connect(base_url="https://fake.test", **settings) as api:
            kinds: Any = (httpx.Client, httpx.AsyncClient)
            http = kinds[api.is_async](transport=fake.transport())
            client: Any = (Togai, AsyncTogai)[api.is_async]
            first, api.client = (
                api.client,
                client(
                    fake.token,
                    base_url="https://fake.test",
                    http_client=http,
                    **{"requests_per_second": None, **settings},
                ),
            )
            yield api
            api.resolve(http.aclose() if api.is_async else http.close())
            api.client = first

    return opened


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The real sleeps, which shall be none."""
    real: list[float] = []
    awaited = asyncio.sleep

    async def noted(seconds: float, *rest: Any) -> Any:
        if seconds:
            real.append(seconds)
        return await awaited(0, *rest)

    monkeypatch.setattr(time, "sleep", real.append)
    monkeypatch.setattr(asyncio, "sleep", noted)
    return real


def test_a_wait_that_the_service_asks_for_passes_at_once(
    reach: Connect, fake: FakeTogai, slept: list[float]
) -> None:
    fake.add(id="ride-1")
    fake.fail_next(status=429, retry_after=37)
    with FakeClock() as clock, reach() as api:
        api.call("get", "ride-1")
    assert (clock.waits, clock.elapsed, slept) == ([37.0], 37.0, [])
    assert len(fake.requests) == 2


def test_all_waits_between_attempts_pass_at_once(
    reach: Connect, fake: FakeTogai, slept: list[float]
) -> None:
    fake.add(id="ride-1")
    fake.fail_next(status=520, times=4)
    with FakeClock() as clock, reach() as api:
        api.call("get", "ride-1")
    assert len(clock.waits) == 4
    assert clock.elapsed == pytest.approx(sum(clock.waits))
    assert slept == []


def test_the_rate_limit_uses_the_clock(reach: Connect, fake: FakeTogai, slept: list[float]) -> None:
    fake.add_many(25)
    with FakeClock() as clock, reach(requests_per_second=10) as api:
        assert len(api.listed(page_size=1)) == 25
    assert (clock.waits, slept) == ([1.0, 1.0], [])


def test_the_rate_limit_of_an_existing_client_uses_the_clock(
    reach: Connect, fake: FakeTogai
) -> None:
    fake.add_many(4)
    with reach(requests_per_second=2) as api:
        api.listed()
        with FakeClock() as clock:
            api.listed(page_size=1)
    assert clock.elapsed >= 1.0


def test_many_threads_keep_the_rate_limit_of_the_clock(fake: FakeTogai, url: str) -> None:
    fake.add(id="ride-1")
    with FakeClock() as clock, Togai(fake.token, base_url=url) as client:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(client.events.get, ["ride-1"] * 35))
    assert len(fake.requests) == 35
    assert clock.elapsed == 3.0


def test_the_quota_of_the_fake_goes_by_the_same_clock(connect: Connect) -> None:
    fake = FakeTogai(requests_per_second=10)
    fake.add_many(25)
    with fake.serve() as url, FakeClock() as clock, connect(base_url=url) as api:
        assert len(api.listed(page_size=1)) == 25
    assert clock.waits == [1.0, 1.0]
    assert len(fake.requests) == 27


def test_a_call_ends_when_the_clock_has_passed_its_time(reach: Connect, fake: FakeTogai) -> None:
    fake.fail_next(status=429, retry_after=50, times=None)
    with FakeClock() as clock, reach(timeout=120) as api, pytest.raises(RateLimited) as caught:
        api.call("get", "ride-1")
    assert (caught.value.attempts, clock.elapsed) == (3, 100.0)


def test_a_slow_drip_takes_the_time_of_the_call(
    reach: Connect, fake: FakeTogai, slept: list[float]
) -> None:
    fake.add(id="ride-1")
    fake.drip_next(seconds=1)
    with FakeClock(), reach(timeout=60, max_retries=0) as api, pytest.raises(TimedOut):
        api.call("get", "ride-1")
    assert slept == []


def test_a_drip_that_is_fast_enough_arrives_whole(reach: Connect, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    fake.drip_next(seconds=0.001)
    with FakeClock() as clock, reach(timeout=60, max_retries=0) as api:
        assert api.call("get", "ride-1").event_payload.id == "ride-1"
    assert 0 < clock.elapsed < 60


def test_a_test_moves_the_clock_by_hand() -> None:
    clock = FakeClock()
    before = clock.now()
    clock.move(60)
    clock.move(0)
    assert (clock.now() - before, clock.elapsed, clock.waits) == (60.0, 60.0, [])


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan])
def test_the_clock_moves_forward_alone(seconds: float) -> None:
    with pytest.raises(ValueError, match="pass 0 or more"):
        FakeClock().move(seconds)


def test_a_step_too_small_for_a_float_passes_all_the_same() -> None:
    clock = FakeClock()
    before = clock.now()
    clock.move(5e-324)
    assert clock.now() > before


def test_time_that_was_moved_stays_past_for_a_client_that_lives_on(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add_many(2)
    with connect(base_url=url, requests_per_second=1) as api:
        with FakeClock() as clock:
            api.listed()
            clock.move(3600)
            api.listed()
            clock.move(1)
        with FakeClock() as later:
            api.listed()
    assert later.elapsed == 0


def test_a_clock_cannot_be_used_inside_itself() -> None:
    with FakeClock() as clock, pytest.raises(RuntimeError, match="already in use"), clock:
        pass


@pytest.mark.parametrize(("moved", "ends"), [(59.0, False), (60.0, True), (61.0, True)])
def test_a_timeout_ends_when_its_last_second_has_passed(moved: float, ends: bool) -> None:
    async def call() -> None:
        with FakeClock() as own:
            async with clock.current.timeout(60):
                own.move(moved)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    if not ends:
        asyncio.run(call())
        return
    with pytest.raises(TimeoutError):
        asyncio.run(call())


def test_a_timeout_that_is_over_is_left_alone() -> None:
    problems: list[Any] = []

    async def call() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: problems.append(context)
        )
        with FakeClock() as own:
            async with clock.current.timeout(60) as scope:
                own.move(60)  # its end is scheduled, and comes too late
            own.move(60)
            await asyncio.sleep(0)
        assert not scope.expired()

    asyncio.run(call())
    assert problems == []


class SetClock(clock.Clock):
    """The machine's clock, as a test sets it."""

    real = 100.0

    def now(self) -> float:
        return self.real + self.ahead


@pytest.mark.parametrize(("real", "moved", "ahead"), [(100, 0, 0), (100, 7, 7), (102, 1, 0)])
def test_a_clock_leaves_the_machine_s_clock_ahead_by_what_it_moved(
    monkeypatch: pytest.MonkeyPatch, real: float, moved: float, ahead: float
) -> None:
    machine = SetClock()
    monkeypatch.setattr(clock, "current", machine)
    with FakeClock() as own:
        assert own.now() == 100.0
        own.move(moved)
        machine.real = real
    assert clock.current is machine
    assert machine.ahead == ahead


@pytest.mark.parametrize("call", [lambda own: own.move(5), lambda own: own._time.timeout(5)])
def test_a_clock_is_used_by_one_thread_at_a_time(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[FakeClock], object]
) -> None:
    async def used() -> None:
        call(own)

    own = FakeClock()
    monkeypatch.setattr(own._time, "_lock", Held())
    with pytest.raises(HeldError):
        asyncio.run(used())
    assert own.elapsed == 0


def test_a_clock_inside_another_one_moves_that_too() -> None:
    with FakeClock() as outer:
        with FakeClock() as inner:
            inner.move(5)
        assert outer.elapsed == 5
        outer.move(2)
        assert outer.elapsed == 7


def test_a_timeout_of_a_loop_that_is_closed_is_no_obstacle() -> None:
    async def call() -> asyncio.Timeout:
        return clock.current.timeout(60)

    with FakeClock() as own:
        scope = asyncio.run(call())
        own.move(60)
    assert own.elapsed == 60
    assert not scope.expired()


@pytest.mark.parametrize("wait", ["clock", "transport"])
def test_other_tasks_run_while_one_waits(slept: list[float], wait: str) -> None:
    order: list[str] = []

    async def first() -> None:
        if wait == "clock":
            await clock.current.sleep_async(5)
        else:
            await http.get("https://fake.test/events")
        order.append("first")

    async def second() -> None:
        order.append("second")

    async def both() -> None:
        await asyncio.gather(first(), second())
        await http.aclose()

    http = httpx.AsyncClient(transport=FakeTogai().transport())
    with FakeClock():
        asyncio.run(both())
    assert (order, slept) == (["second", "first"], [])
