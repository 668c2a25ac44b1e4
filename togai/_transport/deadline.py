"""Keep blocking socket operations within the deadline of their call.

Modifies the objects that httpcore passes to its `trace` extension; checked with httpcore 1.0.9 and httpcore2 2.16.2.
"""

from __future__ import annotations

import socket
import weakref
from contextvars import ContextVar, Token
from typing import Any, cast

from attrs import define, field

from togai._transport import clock
from togai._transport.libraries import open_connections

_current: ContextVar[float | None] = ContextVar("deadline", default=None)


@define
class Deadline:
    """The deadline of the current call of this thread, for the duration of an `async with`."""

    at: float
    http: Any = field(repr=False)
    _token: Token[float | None] | None = None

    async def __aenter__(self) -> None:
        self._token = _current.set(self.at)

    async def __aexit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)

    def expired(self) -> bool:
        """Whether the block was ended at the deadline: never, because the awaited operations raise then."""
        return False

    def check(self) -> None:
        """Raise if the deadline has passed."""
        if clock.current.now() > self.at:
            raise too_slow()

    def watch(self, event: str, info: dict[str, Any]) -> None:
        """Limit the operation that begins with this event; with asyncio, a timeout of asyncio does this."""
        # Only the last parts of the name count: a tunnel through a proxy reports TLS as `http_proxy` or `proxy`.
        if event.endswith(".connect_tcp.started"):
            _share_timeout(info)
        elif event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            _bound(info["return_value"])
        elif event.endswith(".send_request_headers.started"):
            for connection in open_connections(self.http):  # opened before, of an injected client
                _bound(getattr(connection, "_network_stream", None))


def too_slow() -> TimeoutError:
    """The error for a response that is not complete at the deadline."""
    return TimeoutError("the response came too slowly")


def _share_timeout(info: dict[str, Any]) -> None:
    """Divide the timeout between the addresses of a host, which are tried one after another."""
    timeout: float | None = info.get("timeout")
    if timeout is None:
        return
    try:
        addresses = socket.getaddrinfo(info["host"], info["port"], 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return  # connecting fails with the same error, and reports it
    info["timeout"] = timeout / max(1, len(addresses))


def _bound(stream: Any) -> None:
    """Keep the reads of a connection within the deadline; a read timeout alone does not stop slow headers."""
    if stream is None or "read" in vars(stream):
        return
    # A weak reference, so that a dropped connection is freed immediately.
    whole = weakref.ref(stream)

    def read(max_bytes: int, timeout: float | None = None) -> Any:
        owner: Any = whole()
        if (deadline := _current.get()) is not None:
            left = deadline - clock.current.now()
            if left <= 0:
                raise too_slow()
            timeout = left if timeout is None else min(timeout, left)
        return cast("Any", type(owner)).read(owner, max_bytes, timeout)

    stream.read = read
