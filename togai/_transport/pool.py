"""The connections of a client: opened on first use, renewed after a fork, closed with the client.

Calls that must not be repeated travel on connections of their own, each of which serves one request: so no
leftover of an earlier response is taken for theirs, and none meets a connection that the service just closes.
"""

from __future__ import annotations

import os
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import httpx

from togai._transport.http import closed
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import AsyncGenerator

C = TypeVar("C", httpx.Client, httpx.AsyncClient)

MAX_CONNECTIONS = 50
"""Connections of one kind of one client; a call waits `Timeout.pool` seconds for a free one."""

_KEPT_ALIVE = 20


class _Opener:
    """Opens httpx clients that share one TLS context, which takes longest to make."""

    _context: ssl.SSLContext | None = None

    def open(self, kind: type[C], *, repeatable: bool) -> C:
        limits = httpx.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=_KEPT_ALIVE if repeatable else 0,
        )
        try:
            if self._context is None:
                self._context = httpx.create_ssl_context()
            return kind(limits=limits, verify=self._context)
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
        self._opener = _Opener()
        self._own: dict[bool, httpx.Client] = {}
        self._abandoned: list[httpx.Client] = []
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._closed = False

    def renew(self) -> None:
        """Forget the connections of the parent process after a fork."""
        if self._pid != os.getpid():  # several clients may share the pool
            self._lock = threading.Lock()
            # The parent's connections: closing them here would end its TLS sessions too.
            self._abandoned.extend(self._own.values())
            self._own, self._pid = {}, os.getpid()

    def get(self, *, repeatable: bool) -> httpx.Client:
        """The httpx client to send with."""
        if self._injected is not None:
            return self._injected
        if repeatable not in self._own:
            with self._lock:
                if self._closed:
                    raise closed()
                if repeatable not in self._own:
                    self._own[repeatable] = self._opener.open(httpx.Client, repeatable=repeatable)
        return self._own[repeatable]

    def close(self) -> None:
        """Close the connections; an injected client stays open."""
        with self._lock:
            self._closed = True
            for http in self._own.values():
                http.close()


class AsyncPool:
    """The connections of `AsyncTogai`, within one event loop."""

    def __init__(self, injected: httpx.AsyncClient | None) -> None:
        if injected is not None and not isinstance(injected, httpx.AsyncClient):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                "http_client must be an httpx.AsyncClient; Togai takes an httpx.Client"
            )
        self._injected = injected
        self._opener = _Opener()
        self._own: dict[bool, httpx.AsyncClient] = {}
        self._users: dict[httpx.AsyncClient, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def check(self) -> None:
        """Bind the client to the running event loop.

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

    @asynccontextmanager
    async def lease(self, *, repeatable: bool) -> AsyncGenerator[httpx.AsyncClient]:
        """The httpx client for one attempt.

        httpcore can lose the connection of a cancelled request: it stays counted and is never used again. So
        nobody new gets connections on which a request was cancelled, and the last one who has them closes them.

        Raises:
            ConfigurationError: The client is closed, or belongs to another event loop.
        """
        import asyncio

        self.check()
        if self._injected is not None:
            yield self._injected
            return
        if repeatable not in self._own:
            self._own[repeatable] = self._opener.open(httpx.AsyncClient, repeatable=repeatable)
        http = self._own[repeatable]
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
                if http not in self._own.values():
                    await http.aclose()

    def retire(self, http: httpx.AsyncClient) -> None:
        """Give these connections to nobody new."""
        self._own = {kind: own for kind, own in self._own.items() if own is not http}

    async def aclose(self) -> None:
        """Close the connections; an injected client stays open."""
        self._closed = True
        for http in self._own.values():
            await http.aclose()
