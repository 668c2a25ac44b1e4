"""The in-memory service as a server: connections, threads, shutdown, and the command that starts it."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from togai.testing import FakeTogai
from togai.testing._server import _Server

from ..locks import Held, HeldError
from ..waiting import wait_until

HEADERS = {"Authorization": "Bearer test-token"}


def connection(url: str) -> socket.socket:
    where = urlsplit(url)
    assert where.hostname
    assert where.port
    return socket.create_connection((where.hostname, where.port), timeout=10)


def test_it_listens_on_loopback_alone(fake: FakeTogai) -> None:
    with fake.serve() as url:
        assert urlsplit(url).hostname == "127.0.0.1"


def test_a_connection_serves_many_requests(fake: FakeTogai) -> None:
    with fake.serve() as url, connection(url) as peer:
        for _ in range(3):
            peer.sendall(
                b"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-token\r\n\r\n"
            )
            assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_its_end_leaves_no_thread_even_with_idle_connections(fake: FakeTogai) -> None:
    before = {*threading.enumerate()}
    with httpx.Client(headers=HEADERS) as client:
        with fake.serve() as url:
            client.get(f"{url}/events")
        assert {*threading.enumerate()} <= before


def test_its_end_lets_go_of_a_held_request(fake: FakeTogai) -> None:
    fake.hold_next()
    before = {*threading.enumerate()}
    with fake.serve() as url, httpx.Client(headers=HEADERS) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"{url}/events", timeout=httpx.Timeout(30, read=0.2))
    assert {*threading.enumerate()} <= before


def test_its_end_lets_go_of_a_dripping_response(fake: FakeTogai) -> None:
    fake.drip_next(seconds=3600)
    before = {*threading.enumerate()}
    with fake.serve() as url, connection(url) as peer:
        peer.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert peer.recv(65536)
    assert {*threading.enumerate()} <= before


def test_each_fake_is_served_on_a_port_of_its_own(fake: FakeTogai) -> None:
    with fake.serve() as first, FakeTogai().serve() as second, fake.serve() as third:
        assert len({first, second, third}) == 3


def test_a_held_request_that_is_let_go_unprocessed_is_a_503(fake: FakeTogai) -> None:
    fake.hold_next()
    with fake.serve() as url, connection(url) as peer:
        peer.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: fake.requests)
        fake.release()
        assert peer.recv(65536).startswith(b"HTTP/1.1 503 ")


def test_the_same_port_can_be_served_again_at_once(fake: FakeTogai) -> None:
    with fake.serve() as url:
        httpx.get(f"{url}/events", headers=HEADERS)
    port = urlsplit(url).port
    assert port
    with fake.serve(port) as again:
        assert again == url
        assert httpx.get(f"{again}/events", headers=HEADERS).status_code == 200


@pytest.mark.slow
def test_50_threads_find_one_state(fake: FakeTogai) -> None:
    fake.add_many(50)
    with fake.serve() as url, httpx.Client(base_url=url, headers=HEADERS, timeout=30) as client:

        def undo(number: int) -> int:
            query = {"action": "UNDO", "account_id": "acme", "event_id": f"event-{number % 50 + 1}"}
            return client.post("/events/correction", params=query).status_code

        with ThreadPoolExecutor(50) as pool:
            statuses = list(pool.map(undo, range(200)))
    assert statuses == [200] * 200
    assert len(fake.corrections) == 50
    assert len(fake.requests) == 200


def exported(process: subprocess.Popen[str]) -> dict[str, str]:
    """What the first two lines of the command export."""
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(2)]
    return dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)


@pytest.mark.slow
def test_the_command_serves_a_month_and_its_first_command_works() -> None:
    command = [sys.executable, "-m", "togai.testing"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        exports = exported(process)
        assert process.stdout
        summary, first, end = (process.stdout.readline() for _ in range(3))
        fake = FakeTogai()
        assert f"# {len(fake.add_month())} events in memory" in summary
        assert "Ctrl-C stops the service" in end
        _, *arguments = shlex.split(first.removeprefix("#"))
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, **exports, "no_proxy": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "ride-1128" in done.stdout
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_and_ends_with_0(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "togai.testing", "--events", "7", "--token", "mine"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        exports = exported(process)
        response = httpx.get(
            f"{exports['TOGAI_BASE_URL']}/events",
            headers={"Authorization": f"Bearer {exports['TOGAI_API_TOKEN']}"},
        )
        assert len(response.json()["events"]) == 7
        process.send_signal(number)
        assert process.wait(10) == 0


def raw(url: str, request: bytes) -> bytes:
    """Everything that comes back for these bytes until the connection is closed."""
    with connection(url) as peer:
        peer.sendall(request)
        return b"".join(iter(lambda: peer.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_line", "more", "status"),
    [
        (b"BREW /events HTTP/1.1", b"", b"405"),
        (b"TRACE /events HTTP/1.1", b"Connection: close\r\n", b"405"),
        (b"POST /events/correction HTTP/1.1", b"Transfer-Encoding: chunked\r\n", b"411"),
        *(
            (b"POST /events/correction HTTP/1.1", b"Content-Length: %b\r\n" % length, status)
            for length, status in [
                *((b"many", b"400"), (b"-1", b"400"), (b"\xb2", b"400"), (b"1 ", b"400")),
                *((b"1000000", b"413"), (b"9" * 5000, b"413")),
            ]
        ),
        (b"nonsense", b"", b"400"),
    ],
)
def test_what_the_service_cannot_read_is_refused_in_json(
    fake: FakeTogai, request_line: bytes, more: bytes, status: bytes
) -> None:
    authorization = b"Authorization: Bearer test-token\r\n"
    with fake.serve() as url:
        response = raw(url, request_line + b"\r\nHost: x\r\n" + authorization + more + b"\r\n")
    assert response.startswith(b"HTTP/1.1 " + status)
    assert b'{"message":' in response
    assert b"\r\nX-Request-Id: " in response


def test_a_body_of_999_999_bytes_is_read(fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    with fake.serve() as url:
        response = httpx.post(
            f"{url}/events/correction?action=UNDO&account_id=acme",
            content=b" " * 999_999,
            headers=HEADERS,
        )
    assert response.status_code == 200


def test_a_refusal_says_what_to_do(fake: FakeTogai) -> None:
    with fake.serve() as url:
        response = httpx.post(f"{url}/events/correction", content=iter([b"{}"]), headers=HEADERS)
    assert (response.status_code, response.json()) == (
        411,
        {"message": "Send the body with a Content-Length."},
    )
    assert response.headers["connection"] == "close"


def test_a_request_that_breaks_off_is_not_acted_on(fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    head = (
        b"POST /events/correction?action=UNDO&account_id=acme HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer test-token\r\nContent-Length: 100\r\n\r\n{"
    )
    with fake.serve() as url, connection(url) as peer:
        peer.sendall(head)
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b""
    assert fake.corrections == []


def test_an_error_in_a_tests_own_change_is_shown(fake: FakeTogai) -> None:
    fake.change_next(lambda body: body["nothing"])
    with fake.serve() as url:
        response = httpx.get(f"{url}/events", headers=HEADERS)
    assert response.status_code == 500
    assert "KeyError" in response.json()["message"]


def test_the_message_of_an_error_keeps_within_the_contract(fake: FakeTogai) -> None:
    def fail(_body: object) -> None:
        raise ValueError("x" * 600)

    fake.change_next(fail)
    with fake.serve() as url:
        response = httpx.get(f"{url}/events", headers=HEADERS)
    assert response.json()["message"] == f"FakeTogai failed: ValueError: {'x' * 600}"[:500]


def test_a_head_request_gets_no_body(fake: FakeTogai) -> None:
    with fake.serve() as url, connection(url) as peer:
        for _ in range(2):
            peer.sendall(
                b"HEAD /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-token\r\n\r\n"
            )
            assert peer.recv(65536).endswith(b"\r\n\r\n")


def test_its_end_misses_no_connection_that_was_just_accepted() -> None:
    before = {*threading.enumerate()}
    for _ in range(30):
        with FakeTogai().serve() as url:
            peer = connection(url)
        peer.close()
    assert {*threading.enumerate()} <= before


@pytest.fixture
def server() -> Iterator[_Server]:
    """A server that accepts no connections yet."""
    server = _Server(lambda _request, _token: pytest.fail("no request"), threading.Event(), 0)
    yield server
    server.server_close()


@pytest.mark.parametrize(
    "call",
    [
        lambda server, peer: server.process_request(peer, None),
        lambda server, peer: server.shutdown_request(peer),
        lambda server, _peer: server.end(),
    ],
)
def test_the_open_connections_are_changed_by_one_thread_at_a_time(
    server: _Server,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[_Server, socket.socket], object],
) -> None:
    monkeypatch.setattr(server, "_lock", Held())
    with socket.socket() as peer, pytest.raises(HeldError):
        call(server, peer)


def test_a_connection_that_is_closed_is_forgotten(server: _Server) -> None:
    with socket.socket() as peer:
        server._open.add(peer)
        server.shutdown_request(peer)
    assert not server._open


@pytest.mark.parametrize(
    "options", [{}, {"half": True}, {"reset": True}], ids=["dropped", "half", "reset"]
)
def test_a_connection_that_is_dropped_on_purpose_prints_nothing(
    fake: FakeTogai, capsys: pytest.CaptureFixture[str], options: Any
) -> None:
    fake.drop_next(**options)
    with fake.serve() as url, connection(url) as peer:
        peer.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while peer.recv(65536):
                pass
    assert capsys.readouterr().err == ""


def test_the_end_of_a_server_passes_over_a_connection_that_is_closed(server: _Server) -> None:
    with socket.socket() as unconnected, socket.create_server(("127.0.0.1", 0)) as other:
        connected = socket.create_connection(other.getsockname())
        server._open.update({unconnected, connected})
        server.end()
        assert connected.recv(1) == b""
        connected.close()


@pytest.mark.parametrize(("error", "shown"), [(BrokenPipeError(), False), (ValueError(), True)])
def test_only_an_error_of_the_server_itself_is_printed(
    server: _Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    shown: bool,
) -> None:
    def fail(_request: object, _address: object) -> None:
        raise error

    monkeypatch.setattr(server, "finish_request", fail)
    with socket.socket() as peer:
        server.process_request_thread(peer, ("127.0.0.1", 1))
    assert (type(error).__name__ in capsys.readouterr().err) == shown
