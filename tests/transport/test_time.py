"""Time: clocks that stand still or go back, waits that the service requests, and the limits of `total`."""

from __future__ import annotations

import asyncio
import datetime as datetime_module
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from togai import RateLimited, TimedOut, TogaiError, deviations
from togai._contract import fields
from togai._transport import clock as clock_module
from togai._transport.concurrency import Tasks, Threads
from togai._transport.rate_limit import RateLimit, Window
from togai._transport.retry import Policy, parse_retry_after
from togai.testing import FakeClock, FakeTogai

from ..conftest import Connect
from .servers import EMPTY_LIST, hold, raw_server, read_head, whole


class Frozen(clock_module.Clock):
    """A clock that stands still, or goes back with every look at it; waits are noted, not waited."""

    def __init__(self, step: float) -> None:
        self.time, self.step = 1000.0, step
        self.waits: list[float] = []

    def now(self) -> float:
        self.time -= self.step
        return self.time

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


@pytest.mark.parametrize("step", [0.0, 0.01, 3600.0])
def test_a_clock_that_stands_still_or_goes_back_costs_a_wait(
    connect: Connect, url: str, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    frozen = Frozen(step)
    monkeypatch.setattr(clock_module, "current", frozen)
    with connect(base_url=url, requests_per_second=3) as api:
        for _ in range(10):
            assert api.listed() == []
    assert frozen.waits
    assert all(0 < seconds <= 1 for seconds in frozen.waits)
    assert len(frozen.waits) <= 10


@pytest.mark.parametrize("step", [0.0, 3600.0])
def test_a_hold_ends_with_a_clock_that_stands_still(
    monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    frozen = Frozen(step)
    monkeypatch.setattr(clock_module, "current", frozen)
    limit, twin = RateLimit(None, Threads()), RateLimit(None, Tasks())
    limit.hold(7)
    Threads.run(limit.wait())

    async def wait() -> None:
        twin.hold(7)
        await twin.wait()

    asyncio.run(wait())
    assert len(frozen.waits) == 2
    assert all(0 < seconds <= 7 for seconds in frozen.waits)


@pytest.mark.slow
def test_time_that_a_test_freezes_does_not_stop_a_client(
    connect: Connect, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(base_url=url, requests_per_second=2) as api:
        if api.is_async:
            api.listed()
            loop = api._runner.get_loop()  # type: ignore[union-attr]
            monkeypatch.setattr(loop, "time", lambda: 17.0)
        monkeypatch.setattr(time, "monotonic", lambda: 17.0)
        for _ in range(5):
            assert api.listed() == []


def assert_no_timer_is_left() -> None:
    """A timer that was canceled, or that has ended the call, may need a moment to end."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(10)
            assert not thread.is_alive()


def test_the_total_ends_a_call_whose_event_loop_stands_still(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    with raw_server(hold(over)) as url, connect(base_url=url, max_retries=0, timeout=0.2) as api:
        if api.is_async:
            loop = api._runner.get_loop()  # type: ignore[union-attr]
            monkeypatch.setattr(loop, "time", lambda: 17.0)
        with pytest.raises(TimedOut):
            api.listed()
        over.set()
    assert_no_timer_is_left()


def test_no_timer_outlives_a_call_whose_event_loop_stands_still(
    connect: Connect, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(base_url=url) as api:
        if api.is_async:
            loop = api._runner.get_loop()  # type: ignore[union-attr]
            monkeypatch.setattr(loop, "time", lambda: 17.0)
        assert api.listed() == []
        assert_no_timer_is_left()


class FrozenDatetime(datetime):
    """What a tool that freezes the time puts in the place of `datetime.datetime`."""


def test_times_are_read_whatever_takes_the_place_of_their_class(
    connect: Connect, fake: FakeTogai, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add(timestamp="2024-12-04T07:30:35.123456789Z")
    fields.cache_clear()
    with connect(base_url=url) as api:
        with monkeypatch.context() as patch:
            patch.setattr(datetime_module, "datetime", FrozenDatetime)
            (event,) = api.listed()
        (again,) = api.listed()
    fields.cache_clear()
    for one in (event, again):
        assert one.event_payload.timestamp == datetime(2024, 12, 4, 7, 30, 35, 123456, UTC)
        assert [str(found.drift.kind) for found in deviations(one)] == ["finer than microseconds"]


def test_a_window_stays_exact_while_the_clock_runs() -> None:
    window = Window(2)
    window.start(100.0)
    window.start(100.5)
    assert window.wait(100.5) == 0.5
    window.waited(window.earliest(), 0.5, 100.9)  # woken a little early
    assert window.wait(100.9) == pytest.approx(0.1)


# Retry-After


def delay(retry_after: float | None, monkeypatch: pytest.MonkeyPatch) -> float | None:
    monkeypatch.setattr("togai._transport.retry.random.uniform", lambda _low, high: high)
    return Policy(max_retries=3).delay(
        429, repeatable=True, attempt=2, left=100, retry_after=retry_after
    )


def test_retry_after_lengthens_a_wait_and_never_shortens_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert delay(None, monkeypatch) == 1.0
    assert delay(0, monkeypatch) == 1.0
    assert delay(0.25, monkeypatch) == 1.0
    assert delay(7.5, monkeypatch) == 7.5
    assert delay(61, monkeypatch) is None


def test_of_several_waits_that_are_asked_for_the_longest_counts() -> None:
    assert parse_retry_after("5, 7.5 ,5") == 7.5
    for wrong in ("5, soon", ",", "5;", "5s", "-1", "0x10"):
        assert parse_retry_after(wrong) is None


@pytest.mark.parametrize("years", [-30, 0, 30])
def test_a_date_is_relative_to_the_response_s_own(years: int) -> None:
    there = datetime.now(UTC) + timedelta(days=365 * years)
    later = format_datetime(there + timedelta(seconds=20), usegmt=True)
    assert parse_retry_after(later, format_datetime(there, usegmt=True)) == 20
    assert (
        parse_retry_after(format_datetime(there - timedelta(days=1)), format_datetime(there)) == 0
    )


def test_the_date_of_the_response_is_what_an_error_goes_by(connect: Connect) -> None:
    there = datetime(1999, 12, 31, 23, 59, tzinfo=UTC)
    headers = (
        f"Date: {format_datetime(there, usegmt=True)}\r\n"
        f"Retry-After: {format_datetime(there + timedelta(seconds=90), usegmt=True)}\r\n"
    )
    response = f"HTTP/1.1 429 No\r\n{headers}Content-Length: 0\r\n\r\n".encode()
    with raw_server(lambda connection, _head: connection.sendall(response)) as url:
        with connect(base_url=url) as api, pytest.raises(RateLimited) as caught:
            api.listed()
    assert caught.value.retry_after == 90


# What the total bounds


def test_the_addresses_of_a_host_share_the_time_to_connect(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts: list[float] = []
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", 9)) for n in range(10)
    ]
    for core in ("httpcore", "httpcore2"):

        def connect_tcp(*_: object, timeout: float, **__: object) -> Any:
            timeouts.append(timeout)
            raise OSError("refused")

        monkeypatch.setattr(f"{core}._backends.sync.SyncBackend.connect_tcp", connect_tcp)
    with connect(base_url="https://billing.example", max_retries=0, timeout=3) as api:
        if api.is_async:  # asyncio bounds all of them together
            return
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: addresses)
        with pytest.raises(TogaiError):
            api.listed()
    assert len(timeouts) == 1
    assert timeouts[0] <= 0.3


def test_headers_that_drip_on_a_connection_that_was_opened_before_end_within_the_total(
    connect: Connect,
) -> None:
    with connect() as plain:
        library, is_async = plain.client._runner.pool.library, plain.is_async
    own = (library.AsyncClient if is_async else library.Client)()

    def respond(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(whole(EMPTY_LIST))
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        clock.move(1000)
        for _ in range(400):
            connection.sendall(b"x")
            time.sleep(0.05)

    with FakeClock() as clock, raw_server(respond) as url:
        with connect(base_url=url, http_client=own, max_retries=0) as api:
            api.resolve(own.get(url))
            with pytest.raises(TimedOut):
                api.listed()
            api.resolve(own.aclose() if is_async else own.close())


def test_a_wait_of_the_service_holds_the_client(
    connect: Connect, fake: FakeTogai, url: str, no_waits: list[float]
) -> None:
    fake.fail_next(status=429, retry_after=2)
    with FakeClock() as clock, connect(base_url=url) as api:
        assert api.listed() == []
        assert clock.elapsed >= 2
