"""The service behind an httpx transport: no socket, the same faults as httpx names them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from togai.testing._faults import Delivered, Delivery
from togai.testing._service import Request, parse_query

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable


class FakeTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Hands requests to the service in memory; for sync and async clients."""

    def __init__(
        self, handle: Callable[[Request, str | None], Delivered], released: threading.Event
    ) -> None:
        self._handle = handle
        self._released = released

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an `httpx.Client`."""
        return self._answer(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an `httpx.AsyncClient`."""
        await asyncio.sleep(0)
        return self._answer(request, await request.aread())

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        delivered = self._handle(*_taken(request, body))
        match delivered.delivery:
            case Delivery.DROPPED:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
            case Delivery.HALF:
                raise httpx.RemoteProtocolError("peer closed connection in the middle of the body")
            case Delivery.HELD:
                raise httpx.ReadTimeout("The service holds the answer back.")
            case Delivery.WHOLE | Delivery.DRIPPED:
                response = delivered.response
                return httpx.Response(
                    response.status, headers=response.headers, content=response.body
                )


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
    )
    return taken, token if scheme.lower() == "bearer" else None
