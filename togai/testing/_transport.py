"""The service behind an httpx transport: no socket, the same faults as httpx names them."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import httpx

from togai._transport import clock
from togai.testing._faults import Delivered, Delivery
from togai.testing._service import Request, parse_query, repeated_names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


class FakeTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Hands requests to the service in memory; for sync and async clients."""

    def __init__(self, handle: Callable[[Request, str | None], Delivered]) -> None:
        self._handle = handle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an `httpx.Client`."""
        delivered = self._handle(*_taken(request, request.read()))
        if delivered.finish is not None:
            _check_read_timeout(request, delivered.seconds)
            clock.current.sleep(delivered.seconds)
            delivered = Delivered(delivered.finish())
        return _answer(delivered)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an `httpx.AsyncClient`."""
        await asyncio.sleep(0)
        delivered = self._handle(*_taken(request, await request.aread()))
        if delivered.finish is not None:
            _check_read_timeout(request, delivered.seconds)
            await clock.current.sleep_async(delivered.seconds)
            delivered = Delivered(delivered.finish())
        return _answer(delivered)


def _answer(delivered: Delivered) -> httpx.Response:
    match delivered.delivery:
        case Delivery.DROPPED:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        case Delivery.HALF:
            raise httpx.RemoteProtocolError("peer closed connection in the middle of the body")
        case Delivery.HELD | Delivery.LATE:
            raise httpx.ReadTimeout("The service holds the response back.")
        case Delivery.RESET:
            raise httpx.ReadError("Connection reset by peer")
        case Delivery.WHOLE | Delivery.DRIPPED:
            response = delivered.response
            length = {"Content-Length": str(len(response.body))}
            return httpx.Response(
                response.status,
                headers=httpx.Headers({**length, **response.headers}),
                stream=_Body(response.body, delivered.seconds),
            )


def _check_read_timeout(request: httpx.Request, seconds: float) -> None:
    """Raise at once the timeout of a client that does not wait so long."""
    limit = request.extensions.get("timeout", {}).get("read")
    if math.isinf(seconds) or (limit is not None and limit < seconds):
        raise httpx.ReadTimeout("The service responds too late.")


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body, in one piece or byte by byte."""

    def __init__(self, body: bytes, seconds: float) -> None:
        self._body = body
        self._seconds = seconds

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces():
            if self._seconds:
                clock.current.sleep(self._seconds)
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces():
            if self._seconds:
                await clock.current.sleep_async(self._seconds)
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        size = 1 if self._seconds else max(1, len(self._body))
        for start in range(0, len(self._body), size):
            yield self._body[start : start + size]


def _taken(request: httpx.Request, body: bytes) -> tuple[Request, str | None]:
    headers = {
        name: value for name, value in request.headers.items() if name.lower() != "authorization"
    }
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    taken = Request(
        request.method,
        request.url.raw_path.decode().partition("?")[0],
        parse_query(request.url.query.decode()),
        body,
        headers,
        tuple(repeated_names(request.url.query.decode())),
    )
    return taken, token if scheme.lower() == "bearer" else None
