"""The transport reports whether a correction may have reached the service; it is not guessed."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from togai import (
    AsyncTogai,
    ConnectionFailed,
    CorrectionOutcomeUnknown,
    Timeout,
    TogaiError,
)

from ..conftest import TOKEN, Api, Connect
from .servers import EMPTY_LIST, hold, raw_server, read_head, send, whole

BAD_REQUEST = b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"
THROTTLED = b"HTTP/1.1 429 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
REVERTED = whole(
    json.dumps(
        {
            "data": [
                {
                    "referenceId": "ref-1",
                    "status": "REVERTED",
                    "reason": "",
                    "eventPayload": {"id": "event-1", "accountId": "acme"},
                    "ingestionStatus": {"status": "REVERTED"},
                    "createdAt": "2024-12-04T07:30:35Z",
                }
            ]
        }
    ).encode()
)


def undo(api: Api, **options: Any) -> Any:
    return api.call("undo", account_id="acme", event_id="event-1", **options)


def injected(api: Api, transport: Any, **settings: Any) -> Any:
    kind: Any = httpx.AsyncClient if api.is_async else httpx.Client
    return kind(transport=transport, **settings)


@contextmanager
def with_client(connect: Connect, make: Callable[[Api], Any], **settings: Any) -> Iterator[Api]:
    """An api whose `http_client` is made for its kind."""
    with connect() as plain:
        own = make(plain)
    with connect(http_client=own, **settings) as api:
        yield api
        api.resolve(own.aclose() if api.is_async else own.close())


# Proof that nothing was sent


def test_a_refused_connection_is_proof(connect: Connect, nobody: str) -> None:
    with connect(base_url=nobody, max_retries=0) as api, pytest.raises(ConnectionFailed):
        undo(api)


@pytest.mark.parametrize("response", [b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", b""])
def test_a_proxy_that_opens_no_tunnel_is_proof(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, response: bytes
) -> None:
    with raw_server(send(response)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with connect(base_url="https://billing.example", max_retries=0) as api:
            with pytest.raises(ConnectionFailed):
                undo(api)


def test_a_proxy_that_says_nothing_until_the_total_is_over_is_proof(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    with raw_server(hold(over)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with connect(base_url="https://billing.example", max_retries=0, timeout=0.5) as api:
            with pytest.raises(ConnectionFailed):
                undo(api)
        over.set()


def test_a_pool_without_a_free_connection_is_proof(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("togai._transport.pool.MAX_CONNECTIONS", 0)
    with connect(max_retries=0, timeout=Timeout(pool=0.1)) as api:
        with pytest.raises(ConnectionFailed):
            undo(api)


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"no HTTP\r\n\r\n"])
def test_a_request_that_was_begun_may_have_been_applied(connect: Connect, reply: bytes) -> None:
    with raw_server(send(reply)) as url, connect(base_url=url) as api:
        with pytest.raises(CorrectionOutcomeUnknown):
            undo(api)


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.PoolTimeout, httpx.ReadTimeout])
def test_a_transport_that_reports_nothing_may_have_sent_it(
    connect: Connect, error: type[Exception]
) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error("by hand")

    def make(api: Api) -> Any:
        return injected(api, httpx.MockTransport(fail))

    with with_client(connect, make, max_retries=0) as api:
        with pytest.raises(CorrectionOutcomeUnknown):
            undo(api)


def test_something_in_the_place_of_our_own_transport_may_have_sent_it(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> httpx.Response:
        raise httpx.ConnectError("by hand")

    for library in ("httpx", "httpx2"):
        monkeypatch.setattr(f"{library}.HTTPTransport.handle_request", fail)
        monkeypatch.setattr(f"{library}.AsyncHTTPTransport.handle_async_request", fail)
    with connect(max_retries=0) as api, pytest.raises(CorrectionOutcomeUnknown):
        undo(api)


def test_a_listing_that_could_not_connect_says_so_through_any_transport(connect: Connect) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("by hand")

    def make(api: Api) -> Any:
        return injected(api, httpx.MockTransport(fail))

    with with_client(connect, make, max_retries=0) as api:
        with pytest.raises(ConnectionFailed):
            api.listed()


# Exceptions of the caller's own code, interrupts, cancellations


@pytest.mark.parametrize("error", [KeyboardInterrupt, LookupError, SystemExit])
@pytest.mark.parametrize(("point", "noted"), [("request", False), ("response", True)])
def test_an_exception_of_the_caller_passes_with_a_note_if_the_correction_may_have_been_applied(
    connect: Connect, url: str, error: type[BaseException], point: str, noted: bool
) -> None:
    def raise_it(_message: object) -> None:
        raise error("of the caller")

    async def raise_it_async(_message: object) -> None:
        raise error("of the caller")

    def make(api: Api) -> Any:
        kind: Any = httpx.AsyncClient if api.is_async else httpx.Client
        return kind(event_hooks={point: [raise_it_async if api.is_async else raise_it]})

    with with_client(connect, make, base_url=url) as api:
        with pytest.raises(error) as caught:
            undo(api)
    assert bool(getattr(caught.value, "__notes__", [])) == noted


async def cancelled(client: AsyncTogai, ready: Callable[[], object]) -> list[str]:
    """The notes of the cancellation of a correction, once it is ready for that."""
    task = asyncio.ensure_future(client.events.undo(account_id="acme", event_id="event-1"))
    await asyncio.sleep(0)
    while not ready():
        await asyncio.sleep(0.01)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as error:
        return getattr(error, "__notes__", [])
    raise AssertionError("not cancelled")


@pytest.mark.parametrize("sent", [True, False])
def test_a_cancelled_correction_has_a_note_if_it_may_have_been_applied(sent: bool) -> None:
    received, over = threading.Event(), threading.Event()

    def wait(_connection: socket.socket, _head: bytes) -> None:
        received.set()
        over.wait(30)

    async def run(url: str) -> list[str]:
        async with AsyncTogai(TOKEN, base_url=url) as client:
            return await cancelled(client, received.is_set if sent else lambda: True)

    with raw_server(wait) as url:
        notes = asyncio.run(run(url))
        over.set()
    assert bool(notes) == sent
    assert all("may have been applied" in note for note in notes)


def test_a_correction_cancelled_between_two_attempts_was_refused() -> None:
    async def run(url: str) -> list[str]:
        async with AsyncTogai(TOKEN, base_url=url) as client:
            return await cancelled(client, lambda: client._runner.rate_limit._window.wait(0))

    with raw_server(send(THROTTLED.replace(b"Retry-After: 1", b"Retry-After: 30"))) as url:
        assert asyncio.run(run(url)) == []


# A request that something below us repeats


class Repeats(httpx.HTTPTransport):
    """Sends each request twice, as transports that retry do, and returns the second response."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        super().handle_request(request).close()
        return super().handle_request(request)


class AsyncRepeats(httpx.AsyncHTTPTransport):
    """The same for async clients."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await (await super().handle_async_request(request)).aclose()
        return await super().handle_async_request(request)


@pytest.mark.parametrize("response", [BAD_REQUEST, THROTTLED, REVERTED])
def test_a_correction_that_a_transport_repeated_has_an_unknown_outcome(
    connect: Connect, response: bytes
) -> None:
    seen: list[bytes] = []

    def respond(connection: socket.socket, head: bytes) -> None:
        seen.append(head)
        connection.sendall(response)

    def make(api: Api) -> Any:
        return injected(api, AsyncRepeats() if api.is_async else Repeats())

    with raw_server(respond) as url, with_client(connect, make, base_url=url) as api:
        with pytest.raises(CorrectionOutcomeUnknown):
            undo(api)
    assert len(seen) == 2


# The status of a correction


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 407, 411, 413, 414, 415, 422, 431])
def test_a_certain_refusal_is_reported_as_one(connect: Connect, status: int) -> None:
    with raw_server(send(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)) as url:
        with connect(base_url=url) as api, pytest.raises(TogaiError) as caught:
            undo(api)
    assert getattr(caught.value, "status", None) == status
    assert not isinstance(caught.value, CorrectionOutcomeUnknown)


@pytest.mark.parametrize("status", [201, 202, 204, 206, 300, 302, 304, 402, 408, 409, 410, 499])
def test_every_other_status_leaves_the_outcome_unknown(connect: Connect, status: int) -> None:
    head, body = REVERTED.split(b"\r\n\r\n", 1)
    if status in (204, 304):
        head, body = b"HTTP/1.1 200 OK", b""
    reply = head.replace(b"200 OK", b"%d Odd" % status) + b"\r\n\r\n" + body
    with raw_server(send(reply)) as url, connect(base_url=url) as api:
        with pytest.raises(CorrectionOutcomeUnknown) as caught:
            undo(api)
    assert caught.value.status == status


# Connections of their own, and leftovers


def keep_alive(
    reply: Callable[[bytes], bytes], connections: list[int]
) -> Callable[[socket.socket, bytes], None]:
    """Responds to each request of a connection, and counts the requests of each connection."""

    def respond(connection: socket.socket, head: bytes) -> None:
        number = len(connections)
        connections.append(0)
        while head:
            connections[number] += 1
            connection.sendall(reply(head))
            head = read_head(connection)

    return respond


def test_each_correction_has_a_connection_of_its_own(connect: Connect) -> None:
    connections: list[int] = []

    def reply(head: bytes) -> bytes:
        return REVERTED if head.startswith(b"POST") else whole(EMPTY_LIST)

    with raw_server(keep_alive(reply, connections)) as url, connect(base_url=url) as api:
        for _ in range(2):
            api.listed()
            undo(api)
    assert connections == [2, 1, 1]


def page(token: str | None) -> bytes:
    return whole(json.dumps({"events": [], "nextToken": token}).encode())


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The context of a server that our own connections trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return context


@pytest.mark.parametrize("cut", [1, 20, -3, None])
@pytest.mark.parametrize("stale", [BAD_REQUEST, page("stale"), THROTTLED])
def test_a_leftover_response_is_not_taken_for_the_next_one(
    connect: Connect, stale: bytes, cut: int | None
) -> None:
    connections: list[int] = []

    def reply(head: bytes) -> bytes:
        return page(None) if b"nextToken=second" in head else page("second") + stale[:cut]

    with raw_server(keep_alive(reply, connections)) as url:
        with connect(base_url=url, max_retries=0) as api:
            pages = api.collect(api.client.events.list().pages())
    assert [page.next_token for page in pages] == ["second", None]
    assert connections == [1, 1]


@pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="Linux only")
def test_a_leftover_in_a_tls_record_of_its_own_is_not_taken_for_the_next_response(
    connect: Connect, tls: ssl.SSLContext
) -> None:
    def respond(connection: socket.socket, head: bytes) -> None:
        while head:
            last = b"nextToken=second" in head
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            for record in [page(None)] if last else [page("second"), BAD_REQUEST]:
                connection.sendall(record)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
            head = read_head(connection)

    with raw_server(respond, tls) as url, connect(base_url=url, max_retries=0) as api:
        pages = api.collect(api.client.events.list().pages())
    assert [page.next_token for page in pages] == ["second", None]


def at_once(api: Api, times: int) -> list[Any]:
    """The first pages of listings by four threads or tasks, each listing several times."""
    pages: list[Any] = []

    def work() -> None:
        pages.extend(next(api.client.events.list().pages()) for _ in range(times))

    async def work_async() -> None:
        pages.extend([await anext(api.client.events.list().pages()) for _ in range(times)])

    async def all_tasks() -> None:
        await asyncio.gather(*(work_async() for _ in range(4)))

    if api.is_async:
        api.resolve(all_tasks())
    else:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return pages


@pytest.mark.slow
@pytest.mark.parametrize("secured", [False, True])
def test_who_waits_for_a_connection_does_not_get_its_leftover(
    connect: Connect, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, secured: bool
) -> None:
    monkeypatch.setattr("togai._transport.pool.MAX_CONNECTIONS", 1)

    def respond(connection: socket.socket, head: bytes) -> None:
        while head:
            connection.sendall(page(None) + page("stale"))
            head = read_head(connection)

    with raw_server(respond, tls if secured else None) as url:
        with connect(base_url=url, max_retries=0) as api:
            pages = at_once(api, 10)
    assert [one.next_token for one in pages] == [None] * 40


def test_a_hook_that_reads_leaves_no_leftover_to_who_waits(connect: Connect) -> None:
    def read(response: httpx.Response) -> None:
        response.read()

    async def read_async(response: httpx.Response) -> None:
        await response.aread()

    def make(api: Api) -> Any:
        kind: Any = httpx.AsyncClient if api.is_async else httpx.Client
        hooks = {"response": [read_async if api.is_async else read]}
        return kind(event_hooks=hooks, limits=httpx.Limits(max_connections=1))

    def respond(connection: socket.socket, head: bytes) -> None:
        while head:
            connection.sendall(page(None) + page("stale"))
            head = read_head(connection)

    with raw_server(respond) as url:
        with with_client(connect, make, base_url=url, max_retries=0) as api:
            pages = at_once(api, 10)
    assert [one.next_token for one in pages] == [None] * 40


def test_a_correction_after_a_leftover_gets_its_own_response(connect: Connect) -> None:
    def reply(head: bytes) -> bytes:
        return REVERTED if head.startswith(b"POST") else whole(EMPTY_LIST) + BAD_REQUEST

    with raw_server(keep_alive(reply, [])) as url, connect(base_url=url) as api:
        api.listed()
        assert len(undo(api).succeeded) == 1
