"""The transport on real sockets: derived clients, rate limit, threads, forks, certificates, proxies, bad servers."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from togai import (
    AsyncTogai,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    RateLimited,
    ServerError,
    StatusError,
    TimedOut,
    Timeout,
    Togai,
    TogaiError,
    UnexpectedResponse,
)
from togai._transport.auth import TokenSource
from togai._transport.concurrency import Tasks, Threads
from togai._transport.rate_limit import RateLimit, Window
from togai._transport.retry import parse_retry_after
from togai.testing import FakeClock, FakeTogai

from ..conftest import TOKEN, Connect
from ..waiting import wait_until
from .servers import EMPTY_LIST, drip, raw_server, read_head, send, server_context, whole

# Derived clients


def test_a_derived_client_has_its_own_settings_and_leaves_its_parent_alone(
    connect: Connect, fake: FakeTogai, url: str, no_waits: list[float]
) -> None:
    drifts: list[object] = []
    with connect(base_url=url, max_retries=2) as api:
        derived = api.client.with_options(max_retries=0, strict=True, on_drift=drifts.append)
        fake.fail_next(status=503)
        with pytest.raises(ServerError):
            api.collect(derived.events.list())
        fake.fail_next(status=503)
        assert api.listed() == []
        fake.add_many(1)
        fake.change_next(lambda body: body["events"][0].pop("createdAt", None) and None, times=2)
        with pytest.raises(UnexpectedResponse):
            api.collect(derived.events.list())
        assert len(api.listed()) == 1
        with pytest.raises(ConfigurationError, match="max_retries"):
            api.client.with_options(max_retries=-1)


def test_a_derived_client_shares_the_connections_and_does_not_close_them(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    with connect(base_url=url) as api:
        derived = api.client.with_options(timeout=7)
        assert derived._runner.pool is api.client._runner.pool
        assert derived._settings.timeout == Timeout(total=7)
        assert api.client._settings.timeout == Timeout()
        assert api.collect(derived.events.list()) == []
        api.resolve(derived.aclose() if api.is_async else derived.close())
        assert api.listed() == []
        api.close()
        with pytest.raises(ConfigurationError, match="closed"):
            api.collect(derived.events.list())


def test_a_derived_client_shares_the_rate_limit_unless_it_gets_its_own(
    connect: Connect, url: str
) -> None:
    with connect(base_url=url, requests_per_second=5) as api:
        assert (
            api.client.with_options(strict=True)._runner.rate_limit is api.client._runner.rate_limit
        )
        for own in (None, 3):
            assert (
                api.client.with_options(requests_per_second=own)._runner.rate_limit
                is not api.client._runner.rate_limit
            )


# The rate limit


class PlainLimiter:
    def __init__(self) -> None:
        self.requested: list[float] = []

    def wait(self) -> None:
        self.requested.append(time.monotonic())


class AsyncLimiter:
    def __init__(self) -> None:
        self.requested: list[float] = []

    async def wait(self) -> None:
        self.requested.append(time.monotonic())


def test_a_rate_limiter_is_called_before_each_attempt(
    connect: Connect, fake: FakeTogai, url: str, no_waits: list[float]
) -> None:
    fake.fail_next(status=503)
    limiters = PlainLimiter(), AsyncLimiter()
    with connect(base_url=url) as api:
        client = api.client.with_options(requests_per_second=limiters[api.is_async])
        api.collect(client.events.list())
    assert len(limiters[api.is_async].requested) == 2


def test_a_rate_limiter_of_the_other_kind_is_refused(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    limiters: Any = AsyncLimiter(), PlainLimiter()
    with connect(base_url=url) as api:
        client = api.client.with_options(requests_per_second=limiters[api.is_async])
        with pytest.raises(ConfigurationError, match="rate limiter"):
            api.collect(client.events.list())
    assert fake.requests == []


def test_a_rate_limiter_is_called_after_a_hold_not_before() -> None:
    limiter, awaited = PlainLimiter(), AsyncLimiter()
    limit, twin = RateLimit(limiter, Threads()), RateLimit(awaited, Tasks())
    until = time.monotonic() + 0.1
    limit.hold(0.1)
    twin.hold(0.1)
    with ThreadPoolExecutor(5) as threads:
        for _ in range(5):
            threads.submit(lambda: Threads.run(limit.wait()))

    async def wait() -> None:
        await asyncio.gather(*(twin.wait() for _ in range(5)))

    asyncio.run(wait())
    assert len(limiter.requested) == len(awaited.requested) == 5
    assert min(limiter.requested + awaited.requested) >= until


def test_500_tasks_start_in_the_order_they_came_and_never_more_in_a_second_than_allowed() -> None:
    clock = FakeClock()
    starts: list[tuple[int, float]] = []

    async def run() -> None:
        limit = RateLimit(10, Tasks())

        async def one(number: int) -> None:
            await limit.wait()
            starts.append((number, clock.elapsed))

        tasks = [asyncio.create_task(one(number)) for number in range(500)]
        await asyncio.sleep(0)
        for task in tasks[5::50]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    with clock:
        asyncio.run(run())
    numbers = [number for number, _ in starts]
    assert numbers == sorted(numbers)
    assert 490 <= len(numbers) <= 500
    times = [moment for _, moment in starts]
    assert all(b - a >= 1.0 for a, b in zip(times, times[10:], strict=False))
    assert clock.elapsed <= 50


def test_a_429_holds_the_whole_client(
    connect: Connect, fake: FakeTogai, url: str, no_waits: list[float]
) -> None:
    held: list[float] = []
    fake.fail_next(status=429, retry_after=0)
    with connect(base_url=url) as api:
        hold = api.client._runner.rate_limit.hold

        def noted(seconds: float) -> None:
            held.append(seconds)
            hold(seconds)

        api.client._runner.rate_limit.hold = noted
        api.listed()
    assert held == [0.0]


def test_an_attempt_whose_turn_comes_too_late_is_not_sent(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.fail_next(status=429, retry_after=0)
    with FakeClock(), connect(base_url=url, timeout=30) as api:
        hold = api.client._runner.rate_limit.hold
        api.client._runner.rate_limit.hold = lambda _seconds: hold(40)
        with pytest.raises(ConnectionFailed, match="over before the request could be sent"):
            api.call("undo", account_id="acme", event_id="event-1")
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    "value",
    ["Mon, 01 Jan 2024 00:00:00 +99999999999999", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"],
)
def test_a_date_out_of_range_is_not_a_retry_after(value: str) -> None:
    assert parse_retry_after(value) is None


# Threads, tasks, forks, loops


def test_50_threads_share_a_client_and_refresh_its_token_once(fake: FakeTogai, url: str) -> None:
    fake.add_many(3)
    together = threading.Barrier(50, timeout=60)
    requested: list[int] = []

    def token() -> str:
        requested.append(1)
        if len(requested) <= 50:
            together.wait()
            return "expired"
        return TOKEN

    with Togai(token, base_url=url, requests_per_second=None) as client:
        with ThreadPoolExecutor(50) as threads:
            lists = list(threads.map(lambda _: len(list(client.events.list())), range(50)))
    assert lists == [3] * 50
    assert len(requested) == 51


def test_50_tasks_share_a_client_and_refresh_its_token_once(fake: FakeTogai, url: str) -> None:
    requested: list[int] = []

    async def run() -> None:
        together = asyncio.Barrier(50)

        async def token() -> str:
            requested.append(1)
            if len(requested) <= 50:
                await together.wait()
                return "expired"
            return TOKEN

        async with AsyncTogai(token, base_url=url, requests_per_second=None) as client:

            async def one() -> int:
                return len([event async for event in client.events.list()])

            assert await asyncio.gather(*(one() for _ in range(50))) == [0] * 50

    asyncio.run(run())
    assert len(requested) == 51


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_uses_the_client_even_where_a_thread_of_the_parent_waited(
    fake: FakeTogai, url: str
) -> None:
    with Togai(TOKEN, base_url=url) as client:
        derived = client.with_options(requests_per_second=3)
        assert list(client.events.list()) == []
        turns: list[Any] = [
            client._runner.rate_limit.turn,
            derived._runner.rate_limit.turn,
            client._runner.token.lock,
        ]
        locks: list[Any] = [
            client._runner.rate_limit._holding,
            client._runner.pool._lock,
            *(turn._changed for turn in turns),
        ]
        for turn in turns:
            turn._queue.append(object())  # a thread that has it, and never gives it back
        for lock in locks:
            lock.acquire()
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            code = 1
            with suppress(BaseException):
                code = len(list(client.events.list()) + list(derived.events.list()))
            os._exit(code)
        for lock in locks:
            lock.release()
        for turn in turns:
            turn._queue.clear()
        assert os.waitpid(child, 0)[1] == 0
        assert list(client.events.list()) == []


def test_a_second_event_loop_raises_with_advice(fake: FakeTogai, url: str) -> None:
    client = AsyncTogai(TOKEN, base_url=url)

    async def listed() -> list[Any]:
        return [event async for event in client.events.list()]

    async def last() -> None:
        assert await listed() == []
        await client.aclose()

    asyncio.run(last())
    with pytest.raises(ConfigurationError, match="another event loop"):
        asyncio.run(listed())


@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 50])
def test_cancellation_in_any_await_leaves_the_pool_usable(
    fake: FakeTogai, url: str, monkeypatch: pytest.MonkeyPatch, connections: int
) -> None:
    monkeypatch.setattr("togai._transport.pool.MAX_CONNECTIONS", connections)
    fake.add_many(2)

    async def run() -> None:
        async with AsyncTogai(
            TOKEN, base_url=url, requests_per_second=None, max_retries=0, timeout=Timeout(pool=3)
        ) as client:

            async def listed() -> int:
                return len([event async for event in client.events.list(page_size=1)])

            for steps in range(60):
                task = asyncio.create_task(listed())
                for _ in range(steps):
                    await asyncio.sleep(0.0002 if steps % 2 else 0)
                task.cancel()
                await asyncio.wait([task])
                assert await listed() == 2

    asyncio.run(run())


# Certificates, proxies, injected clients


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def injected(api_is_async: bool, **settings: Any) -> Any:
    return httpx.AsyncClient(**settings) if api_is_async else httpx.Client(**settings)


def test_an_own_certificate_authority_works_through_an_injected_client_that_stays_open(
    connect: Connect, authority: trustme.CA
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with connect() as api:
        is_async = api.is_async
    own = injected(is_async, verify=trusting)
    with raw_server(send(whole(EMPTY_LIST)), server_context(authority, "127.0.0.1")) as url:
        with connect(base_url=url, http_client=own) as api:
            assert api.listed() == []
            api.resolve(api.client.aclose() if is_async else api.client.close())
            assert not own.is_closed
            with pytest.raises(ConfigurationError, match="closed"):
                api.listed()
            api.resolve(own.aclose() if is_async else own.close())


def test_each_phase_gets_its_timeout_and_never_more_than_is_left(connect: Connect) -> None:
    seen: list[dict[str, float]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json={"events": []})

    with connect() as api:
        kind: Any = httpx.AsyncClient if api.is_async else httpx.Client
    own = kind(transport=httpx.MockTransport(respond), timeout=99)
    phases = {"connect": 1.0, "read": 2.0, "write": 3.0, "pool": 4.0}
    with connect(http_client=own) as api:
        for total in (60, 0.5):
            api.listed(timeout=Timeout(**phases, total=total))
        api.resolve(own.aclose() if api.is_async else own.close())
    assert seen[0] == phases
    assert seen[1].keys() == phases.keys()
    assert all(0 < one <= 0.5 for one in seen[1].values())


def test_parameters_and_headers_of_an_injected_client_are_sent_too(connect: Connect) -> None:
    seen: list[bytes] = []

    def respond(connection: socket.socket, head: bytes) -> None:
        seen.append(head)
        connection.sendall(whole(EMPTY_LIST))

    with connect() as api:
        is_async = api.is_async
    with raw_server(respond) as url:
        for own in (
            injected(is_async, params={"via": "a b"}, headers={"X-Team": "billing"}),
            injected(is_async),
        ):
            with connect(base_url=url, http_client=own) as api:
                api.collect(api.client.events.list(account_id="a&b=ü"))
                api.resolve(own.aclose() if is_async else own.close())
    both, ours = seen
    assert both.startswith(b"GET /events?via=a+b&account_id=a%26b%3D%C3%BC HTTP/1.1\r\n")
    assert b"\r\nX-Team: billing\r\n" in both
    assert ours.startswith(b"GET /events?account_id=a%26b%3D%C3%BC HTTP/1.1\r\n")


def test_an_own_certificate_authority_works_through_the_environment(
    connect: Connect, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with raw_server(send(whole(EMPTY_LIST)), server_context(authority, "127.0.0.1")) as url:
        with connect(base_url=url) as api:
            assert api.listed() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "elsewhere.example"])
def test_a_certificate_that_is_untrusted_or_another_host_s_is_refused_at_once(
    connect: Connect,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
) -> None:
    if host != "127.0.0.1":
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    seen: list[bytes] = []
    with raw_server(
        lambda _connection, head: seen.append(head), server_context(authority, host)
    ) as url:
        with connect(base_url=url) as api, pytest.raises(ConnectionFailed) as caught:
            api.listed()
    assert caught.value.attempts == 1
    assert b"".join(seen) == b""


def test_proxy_variables_are_honoured(
    connect: Connect, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = server_context(authority, "billing.example")
    seen: list[bytes] = []

    def tunnel(connection: socket.socket, head: bytes) -> None:
        seen.append(head)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as secured:
            read_head(secured)
            secured.sendall(whole(EMPTY_LIST))

    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with raw_server(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.removeprefix("http://"))
        with connect(base_url="https://billing.example") as api:
            assert api.listed() == []
    assert seen[0].startswith(b"CONNECT billing.example:443")


# Hostile servers


def test_dripped_headers_end_within_the_total(connect: Connect) -> None:
    with FakeClock() as clock, raw_server(drip(clock)) as url:
        with connect(base_url=url, max_retries=0) as api, pytest.raises(TimedOut):
            api.listed()


def test_dripped_headers_end_within_the_total_behind_a_tunnel_too(
    connect: Connect, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = server_context(authority, "billing.example")

    def tunnel(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as secured:
            drip(clock)(secured, read_head(secured))

    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with FakeClock() as clock, raw_server(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with connect(base_url="https://billing.example", max_retries=0) as api:
            with pytest.raises(TimedOut):
                api.listed()


def endless_headers(connection: socket.socket, _head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(5000):
        connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


def endless_body(connection: socket.socket, _head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(64):
        connection.sendall(b" " * 1_000_000)


HOSTILE: dict[str, tuple[Callable[[socket.socket, bytes], None], type[TogaiError], str]] = {
    "endless headers": (endless_headers, ConnectionLost, ""),
    "endless body": (endless_body, UnexpectedResponse, "more than"),
    "compressed bomb": (
        send(whole(gzip.compress(b" " * 64_000_000), "Content-Encoding: gzip")),
        UnexpectedResponse,
        "more than",
    ),
    "cut compression": (
        send(whole(gzip.compress(EMPTY_LIST)[:-9], "Content-Encoding: gzip")),
        UnexpectedResponse,
        "decompressed",
    ),
    "unknown compression": (
        send(whole(b"\x8b\x06\x80{}\x03", "Content-Encoding: br")),
        UnexpectedResponse,
        "content encoding br",
    ),
    "length too large": (send(whole(EMPTY_LIST, length=99)), ConnectionLost, ""),
    "length too small": (send(whole(EMPTY_LIST, length=5)), UnexpectedResponse, "not JSON"),
    "length no number": (
        send(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        ConnectionLost,
        "",
    ),
    "invalid UTF-8": (send(whole(b'{"events": "\xff"}')), UnexpectedResponse, "not a list"),
    "wrong content type": (
        send(whole(b"<html>", "Content-Type: text/html")),
        UnexpectedResponse,
        "text/html",
    ),
    "no HTTP": (send(b"220 mail.example ESMTP\r\n"), ConnectionLost, ""),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_response_is_a_typed_error_that_shows_no_token(
    connect: Connect, how: str
) -> None:
    respond, error, text = HOSTILE[how]
    with raw_server(respond) as url:
        with (
            connect(base_url=url, max_retries=0) as api,
            pytest.raises(error, match=text or None) as caught,
        ):
            api.listed()
    assert TOKEN not in str(caught.value) + repr(caught.value)


def test_a_response_that_stops_in_mid_body_ends_within_the_read_timeout(connect: Connect) -> None:
    ended = threading.Event()

    def stalls(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(whole(EMPTY_LIST)[:-3])
        ended.wait(30)

    with raw_server(stalls) as url:
        with connect(base_url=url, max_retries=0, timeout=Timeout(read=0.2)) as api:
            with pytest.raises(TimedOut):
                api.listed()
        ended.set()


def test_a_server_that_never_accepts_ends_within_the_connect_timeout(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address: tuple[str, int] = server.getsockname()
        waiting: list[socket.socket] = []
        # Connections that the server never takes fill its queue; the next one gets no response at all.
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            waiting.append(filler)
        url = f"http://127.0.0.1:{address[1]}"
        with connect(base_url=url, max_retries=0, timeout=Timeout(connect=0.2)) as api:
            with pytest.raises(ConnectionFailed, match="could not connect"):
                api.call("undo", account_id="acme", event_id="event-1")
        for filler in waiting:
            filler.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(
    connect: Connect, status: int
) -> None:
    seen: list[bytes] = []
    with raw_server(lambda _connection, head: seen.append(head)) as other:
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {other}/\r\nContent-Length: 0\r\n\r\n"
        with raw_server(send(moved.encode())) as url, connect(base_url=url) as api:
            with pytest.raises(StatusError, match="redirect") as caught:
                api.listed()
    assert caught.value.status == status
    assert b"".join(seen) == b""


def test_a_request_id_is_on_the_error(connect: Connect) -> None:
    response = (
        b"HTTP/1.1 429 No\r\nX-Request-Id: r-17\r\nRetry-After: 999\r\nContent-Length: 0\r\n\r\n"
    )
    with raw_server(send(response)) as url, connect(base_url=url) as api:
        with pytest.raises(RateLimited) as caught:
            api.listed()
    assert (caught.value.request_id, caught.value.retry_after) == ("r-17", 999)


# The order of threads, and the hold


@pytest.mark.slow
def test_50_threads_start_in_the_order_they_came() -> None:
    limit = RateLimit(25, Threads())
    waiting: Any = limit.turn
    started: list[int] = []

    def start(number: int) -> None:
        Threads.run(limit.wait())
        started.append(number)

    threads: list[threading.Thread] = []
    for number in range(50):
        thread = threading.Thread(target=start, args=(number,))
        thread.start()
        threads.append(thread)
        wait_until(
            lambda number=number: (  # type: ignore[misc]
                number in started or len(waiting._queue) > number - len(started)
            )
        )
    for thread in threads:
        thread.join()
    assert started == sorted(started)


def test_no_call_starts_before_a_hold_is_over() -> None:
    window = Window(None)
    window.hold(100.0, 7.0)
    window.hold(100.0, 3.0)
    assert window.wait(100.0) == 7.0
    assert window.wait(107.0) == 0.0


def test_a_slow_reader_of_the_old_token_does_not_undo_a_refresh() -> None:
    tokens = iter(["old", "old", "new", "newer"])
    slow, refreshed = threading.Event(), threading.Event()

    def token() -> str:
        one = next(tokens)
        if threading.current_thread() is not threading.main_thread():
            slow.set()
            refreshed.wait(10)
        return one

    source = TokenSource(token, Threads())
    refused = Threads.run(source.read())
    reader = threading.Thread(target=lambda: Threads.run(source.read()))
    reader.start()
    slow.wait(10)
    fresh = Threads.run(source.refresh(refused))
    refreshed.set()
    reader.join()
    assert Threads.run(source.refresh(refused)) is fresh


def test_a_request_that_is_lost_because_the_client_was_closed_is_not_sent_again(
    fake: FakeTogai, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Togai(TOKEN, base_url=url)

    def close(body: Any) -> Any:
        client.close()
        return body

    fake.change_next(close)
    with pytest.raises(ConnectionLost):
        list(client.events.list())
    assert len(fake.requests) == 1
    assert "is retried" not in caplog.text
