"""The connections of a client: opened on first use, renewed after a fork, closed with the client."""

from __future__ import annotations

import os
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import httpx

from togai._transport.http import LIMITS, closed
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator

C = TypeVar("C", httpx.Client, httpx.AsyncClient)


def _open(kind: type[C]) -> C:
    try:
        return kind(limits=LIMITS)
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"the proxy or certificate settings of the environment cannot be used ({error}): correct HTTP_PROXY,"
            " HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE or SSL_CERT_DIR, or pass http_client="
        ) from None


class Pool:
    """The connections of `Togai`, which its threads share."""

    def __init__(self, injected: httpx.Client | None) -> None:
        if injected is not None and not isinstance(injected, httpx.Client):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                "http_client must be an httpx.Client; AsyncTogai takes an httpx.AsyncClient"
            )
        self._injected = injected
        self._own: httpx.Client | None = None
        self._abandoned: list[httpx.Client] = []
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._closed = False

    def renew(self) -> None:
        """Forget the connections of the parent process after a fork."""
        if self._pid != os.getpid():  # several clients may share the pool
            self._lock = threading.Lock()
            if self._own is not None:
                # The parent's connections: closing them here would end its TLS sessions too.
                self._abandoned.append(self._own)
            self._own, self._pid = None, os.getpid()

    def get(self) -> httpx.Client:
        """The httpx client to send with."""
        if self._injected is not None:
            return self._injected
        if self._own is None:
            with self._lock:
                if self._closed:
                    raise closed()
                if self._own is None:
                    self._own = _open(httpx.Client)
        return self._own

    def close(self) -> None:
        """Close the connections; an injected client stays open."""
        with self._lock:
            self._closed = True
            if self._own is not None:
                self._own.close()


class AsyncPool:
    """The connections of `AsyncTogai`, within one event loop."""

    def __init__(self, injected: httpx.AsyncClient | None) -> None:
        if injected is not None and not isinstance(injected, httpx.AsyncClient):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                "http_client must be an httpx.AsyncClient; Togai takes an httpx.Client"
            )
        self._injected = injected
        self._own: httpx.AsyncClient | None = None
        self._users: dict[httpx.AsyncClient, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def get(self) -> httpx.AsyncClient:
        """The httpx client to send with.

        Raises:
            ConfigurationError: It is closed, or belongs to another event loop.
        """
        import asyncio

        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop:
            raise ConfigurationError(
                "this client belongs to another event loop: make one in each asyncio.run(),"
                " with `async with AsyncTogai(...) as client`"
            )
        if self._closed:
            raise closed()
        self._loop = loop
        if self._injected is not None:
            return self._injected
        if self._own is None:
            self._own = _open(httpx.AsyncClient)
        return self._own

    @asynccontextmanager
    async def lease(self) -> AsyncGenerator[httpx.AsyncClient]:
        """The connections for one attempt.

        httpcore can lose the connection of a cancelled request: it stays counted and is never used again. So
        nobody new gets connections on which a request was cancelled, and the last one who has them closes them.
        """
        import asyncio

        http = self.get()
        if http is self._injected:
            yield http
            return
        self._users[http] = self._users.get(http, 0) + 1
        try:
            yield http
        except asyncio.CancelledError:
            self.retire(http)
            raise
        finally:
            self._users[http] -= 1
            if not self._users[http]:
                del self._users[http]
                if http is not self._own:
                    await http.aclose()

    def retire(self, http: httpx.AsyncClient) -> None:
        """Give these connections to nobody new."""
        if http is self._own:
            self._own = None

    async def aclose(self) -> None:
        """Close the connections; an injected client stays open."""
        self._closed = True
        if self._own is not None:
            await self._own.aclose()
