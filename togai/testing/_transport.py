"""The service behind a transport of httpx or httpx2: without a socket, and with the exceptions of these libraries."""

from __future__ import annotations

import asyncio
import math
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

from togai._transport import clock
from togai._transport.libraries import library_of
from togai.testing._fault_queue import Delivered, Delivery
from togai.testing._messages import received

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from togai.testing._messages import Request


_ERRORS = {
    Delivery.DROPPED: ("RemoteProtocolError", "Server disconnected without sending a response."),
    Delivery.HALF: ("RemoteProtocolError", "peer closed connection in the middle of the body"),
    Delivery.HELD: ("ReadTimeout", "The service holds the response back."),
    Delivery.RESET: ("ReadError", "Connection reset by peer"),
}
"""How the HTTP libraries name what happens to a connection."""


class FakeTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Passes requests to the in-memory service; for sync and async clients of both libraries."""

    def __init__(self, handle: Callable[[Request, str | None], Delivered]) -> None:
        self._handle = handle

    def handle_request(self, request: Any) -> Any:
        """Respond to a request of a `Client`."""
        delivered = self._process(request, request.read())
        if delivered.finish is not None:
            clock.current.sleep(delivered.fault.seconds)
        return _response(library_of(request, "Request"), delivered)

    async def handle_async_request(self, request: Any) -> Any:
        """Respond to a request of an `AsyncClient`."""
        await asyncio.sleep(0)
        delivered = self._process(request, await request.aread())
        if delivered.finish is not None:
            await clock.current.sleep_async(delivered.fault.seconds)
        return _response(library_of(request, "Request"), delivered)

    def _process(self, request: Any, body: bytes) -> Delivered:
        """Process a request; raises at once the timeout of a client that does not wait so long."""
        target = request.url.raw_path.decode()
        delivered = self._handle(*received(request.method, target, request.headers.items(), body))
        limit = request.extensions.get("timeout", {}).get("read")
        seconds = delivered.fault.seconds
        if delivered.finish and (math.isinf(seconds) or (limit is not None and limit < seconds)):
            raise library_of(request, "Request").ReadTimeout("The service responds too late.")
        return delivered


def _response(library: Any, delivered: Delivered) -> Any:
    fault = delivered.fault
    if fault.delivery in _ERRORS:
        name, text = _ERRORS[fault.delivery]
        raise getattr(library, name)(text)
    response = delivered.finish() if delivered.finish else delivered.response
    pause = fault.seconds if fault.delivery is Delivery.DRIPPED else 0.0
    stream = _stream_class(library)(response.body, pause)
    headers = list(response.all_headers().items())
    return library.Response(response.status, headers=headers, stream=stream)


class _Body:
    """A body, as one chunk or byte by byte."""

    def __init__(self, body: bytes, seconds: float) -> None:
        self._seconds = seconds
        size = 1 if seconds else max(1, len(body))
        self._pieces = [body[start : start + size] for start in range(0, len(body), size)]

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if self._seconds:
                clock.current.sleep(self._seconds)
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if self._seconds:
                await clock.current.sleep_async(self._seconds)
            yield piece


@cache
def _stream_class(library: Any) -> type[Any]:
    """The body as a stream of the library, which checks the class."""
    return type("Body", (_Body, library.SyncByteStream, library.AsyncByteStream), {})
