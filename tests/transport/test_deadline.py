"""The deadline of a call in a thread: when a blocked operation ends. No I/O."""

from __future__ import annotations

import socket
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from togai._transport.concurrency import Threads
from togai._transport.deadline import Deadline

from ..conftest import ManualClock

ADDRESS = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9))


pytestmark = pytest.mark.usefixtures("manual_clock")


class Stream:
    """A connection that notes the timeouts of its reads."""

    def __init__(self) -> None:
        self.timeouts: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.timeouts.append(timeout)
        return b"x" * max_bytes


def client(*streams: Any) -> Any:
    """A client of a library that has connections open."""
    connections = [SimpleNamespace(_network_stream=stream) for stream in streams]
    pool = SimpleNamespace(connections=[*connections, SimpleNamespace()])
    return SimpleNamespace(_transport=SimpleNamespace(_pool=pool), _mounts={})


def bound(event: str = "connection.connect_tcp.complete") -> Stream:
    """A new connection that was reported by an event."""
    stream = Stream()
    Deadline(110.0, client()).watch(event, {"return_value": stream})
    return stream


def within(deadline: Any, *actions: Any) -> None:
    """Run actions in the block of a deadline."""

    async def block() -> None:
        async with deadline:
            for action in actions:
                action()

    Threads.run(block())


@pytest.mark.parametrize(
    ("timeout", "expected"), [(None, 10.0), (30.0, 10.0), (10.0, 10.0), (3.0, 3.0)]
)
def test_a_read_waits_no_longer_than_until_the_deadline(
    timeout: float | None, expected: float
) -> None:
    stream = bound()
    within(Deadline(110.0, client()), lambda: stream.read(4, timeout))
    assert stream.timeouts == [expected]


def test_a_read_returns_what_was_received() -> None:
    assert bound().read(4, timeout=1.0) == b"xxxx"
    assert bound().read(max_bytes=2) == b"xx"


@pytest.mark.parametrize("time", [110.0, 110.5, 200.0])
def test_a_read_after_the_deadline_raises_and_does_not_wait(
    manual_clock: ManualClock, time: float
) -> None:
    stream = bound()
    manual_clock.time = time
    with pytest.raises(TimeoutError, match=r"^the response came too slowly$"):
        within(Deadline(110.0, client()), lambda: stream.read(4, 30.0))
    assert stream.timeouts == []


def test_a_read_shortly_before_the_deadline_waits_for_what_is_left(
    manual_clock: ManualClock,
) -> None:
    stream = bound()
    manual_clock.time = 109.5
    within(Deadline(110.0, client()), lambda: stream.read(4, 30.0))
    assert stream.timeouts == [0.5]


def test_a_deadline_ends_with_its_block() -> None:
    stream = bound()
    inner = Deadline(101.0, client())
    within(
        Deadline(110.0, client()),
        lambda: within(inner, lambda: stream.read(4, 30.0)),
        lambda: stream.read(4, 30.0),
    )
    stream.read(4, 30.0)
    stream.read(4)
    assert stream.timeouts == [1.0, 10.0, 30.0, None]


def test_a_response_is_checked_between_its_chunks(manual_clock: ManualClock) -> None:
    deadline = Deadline(110.0, client())
    for manual_clock.time in (0.0, 109.9, 110.0):
        deadline.check()
    manual_clock.time = 110.1
    with pytest.raises(TimeoutError, match="the response came too slowly"):
        deadline.check()


@pytest.mark.parametrize(
    "event",
    [
        "connection.connect_tcp.complete",
        "connection.start_tls.complete",
        "http_proxy.start_tls.complete",
        "proxy.start_tls.complete",
    ],
)
def test_each_new_connection_is_bound_however_it_was_opened(event: str) -> None:
    assert "read" in vars(bound(event))


@pytest.mark.parametrize(
    "event", ["connection.start_tls.started", "http11.send_request_headers.complete"]
)
def test_no_other_report_is_about_a_connection(event: str) -> None:
    assert "read" not in vars(bound(event))


def test_a_request_binds_the_connections_that_were_open_before_once() -> None:
    streams = [Stream(), Stream()]
    deadline = Deadline(110.0, client(*streams, None))
    bounds: list[Any] = []
    for _ in range(2):
        deadline.watch("http11.send_request_headers.started", {})
        bounds.append([vars(stream)["read"] for stream in streams])
    assert bounds[0] == bounds[1]
    within(deadline, lambda: streams[1].read(4))
    assert streams[1].timeouts == [10.0]


def test_a_connection_that_is_dropped_is_freed_at_once() -> None:
    stream = bound()
    dropped = weakref.ref(stream)
    del stream
    assert dropped() is None


def test_no_repr_shows_the_client() -> None:
    assert "_mounts" not in repr(Deadline(110.0, client()))


# Connecting


def shared(timeout: float | None) -> float | None:
    info: dict[str, Any] = {"host": "a.example", "port": 443, "timeout": timeout}
    Deadline(110.0, client()).watch("connection.connect_tcp.started", info)
    result: float | None = info["timeout"]
    return result


@pytest.mark.parametrize(("number", "expected"), [(0, 6.0), (1, 6.0), (2, 3.0), (3, 2.0)])
def test_the_addresses_of_a_host_share_the_timeout(
    monkeypatch: pytest.MonkeyPatch, number: int, expected: float
) -> None:
    lookups: list[tuple[Any, ...]] = []

    def find(*query: Any) -> Any:
        lookups.append(query)
        return [ADDRESS] * number

    monkeypatch.setattr(socket, "getaddrinfo", find)
    assert shared(6.0) == expected
    # Each address once, as httpcore connects: not once for each kind of socket, and of both families.
    assert lookups == [("a.example", 443, 0, socket.SOCK_STREAM)]
    assert shared(None) is None
    assert len(lookups) == 1


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "unknown"), UnicodeError("too long"), KeyboardInterrupt()]
)
def test_a_host_without_an_address_is_left_to_the_connection(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def find(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", find)
    if isinstance(error, Exception):
        assert shared(6.0) == 6.0
    else:
        with pytest.raises(KeyboardInterrupt):
            shared(6.0)
