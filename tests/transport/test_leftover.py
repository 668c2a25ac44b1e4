"""A connection with more bytes than its response is closed. No I/O."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any

import h11
import pytest

from togai._transport.leftover import end_connection


class Secured(ssl.SSLObject):
    """A TLS connection in memory that has received some bytes."""

    received: bytes | BaseException

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002  (as in ssl)
        if isinstance(self.received, BaseException):
            raise self.received
        return self.received[:len]


def secured(received: bytes | BaseException) -> Secured:
    stream: Secured = Secured.__new__(Secured)
    stream.received = received
    return stream


class State:
    """The state of a connection of h11."""

    def __init__(self, their_state: Any, trailing: bytes) -> None:
        self.their_state = their_state
        self.trailing_data = (trailing, False)
        self.ended = 0

    def send_failed(self) -> None:
        self.ended += 1


class Connection:
    """A connection of httpcore, whose response has been read."""

    def __init__(
        self, trailing: bytes = b"", stream: Any = None, their_state: Any = h11.DONE
    ) -> None:
        self._h11_state = State(their_state, trailing)
        self._stream = stream
        self._network_stream = self

    def get_extra_info(self, name: str) -> Any:
        return self._stream if name == "ssl_object" else None

    @property
    def ended(self) -> bool:
        assert self._h11_state.ended < 2
        return bool(self._h11_state.ended)


def response_on(connection: Any) -> Any:
    """A response as httpx wraps it."""
    parts = ("_connection", "_stream", "_httpcore_stream", "_stream", "stream")
    for name in parts:
        connection = SimpleNamespace(**{name: connection})
    return connection


def client(*connections: Any) -> Any:
    pool = SimpleNamespace(connections=connections)
    return SimpleNamespace(_transport=SimpleNamespace(_pool=pool), _mounts={})


def ended(connection: Connection) -> bool:
    end_connection(client(), response_on(connection))
    return connection.ended


def test_a_connection_without_more_bytes_stays_open() -> None:
    assert not ended(Connection())
    assert ended(Connection(b"HTTP/1.1 200 OK"))


@pytest.mark.parametrize("state", [h11.SEND_BODY, h11.MUST_CLOSE, h11.IDLE])
def test_a_response_that_is_not_complete_is_left_alone(state: Any) -> None:
    assert not ended(Connection(b"more", their_state=state))
    assert not ended(Connection(stream=secured(b"more"), their_state=state))


@pytest.mark.parametrize(
    ("received", "more"),
    [(b"", False), (b"x", True), (b"more", True), (ssl.SSLWantReadError(), False)],
)
def test_an_encrypted_connection_may_have_received_more_than_was_read(
    received: Any, more: bool
) -> None:
    assert ended(Connection(stream=secured(received))) is more
    assert ended(Connection(b"more", stream=secured(b"")))


def test_the_socket_of_a_thread_is_not_read() -> None:
    class Socket:  # of the kind of ssl.SSLSocket: to read it could block
        def read(self, _size: int) -> bytes:
            raise AssertionError

    assert not ended(Connection(stream=Socket()))
    with pytest.raises(KeyboardInterrupt):
        ended(Connection(stream=secured(KeyboardInterrupt())))


def test_only_the_connection_of_the_response_is_closed_or_if_it_is_unknown_each() -> None:
    others = [Connection(b"more"), Connection(), Connection(b"more")]
    end_connection(client(*others), response_on(Connection()))
    assert not any(other.ended for other in others)
    end_connection(client(*others, SimpleNamespace()), None)  # an event hook has the response
    assert [other.ended for other in others] == [True, False, True]
