"""The connections of a client: opened on first use, renewed after a fork, closed with the client.

Calls that must not be repeated travel on connections of their own, each of which serves one request: so no
leftover of an earlier response is taken for theirs, and none meets a connection that the service just closes.
"""

from __future__ import annotations

import os
import threading
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar

from togai._transport import libraries
from togai._transport.http import Endpoint, closed
from togai._version import __version__
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Callable

MAX_CONNECTIONS = 50
"""Connections of one kind of one client; a call waits `Timeout.pool` seconds for a free one."""

_KEPT_ALIVE = 20


class _Connections:
    """What both twins share: the injected client, or how to open our own."""

    kind: ClassVar[str]

    def __init__(
        self, injected: Any, library: str, base_url: str, find_proxy: Callable[[str], str | None]
    ) -> None:
        cookies: Any = None
        if injected is not None:
            self._library = libraries.library_of(injected, self.kind)
            cookies = self._library.Cookies(injected.cookies)
        else:
            self._library = libraries.load(library)
        name = f"{self._library.__name__}/{self._library.__version__}"
        self.endpoint = Endpoint(base_url, f"togai-python/{__version__} {name}", cookies)
        self._injected = injected
        self._find_proxy = find_proxy
        self._context: Any = None
        self._own: dict[bool, Any] = {}
        self._closed = False

    def _open(self, *, repeatable: bool) -> Any:
        kept = _KEPT_ALIVE if repeatable else 0
        limits = {"max_connections": MAX_CONNECTIONS, "max_keepalive_connections": kept}
        try:
            # Shared by all of our connections: it takes longest.
            context = self._context = self._context or self._library.create_ssl_context()
            proxy = self._find_proxy(self.endpoint.base_url)
            return libraries.open_client(
                self._library, self.kind, context=context, proxy=proxy, limits=limits
            )
        except Exception as error:  # noqa: BLE001  (whatever the environment holds)
            problem = f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            f"the proxy or certificate settings of the environment cannot be used ({problem}): correct HTTP_PROXY,"
            " HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE or SSL_CERT_DIR, or pass http_client="
        )


class Pool(_Connections):
    """The connections of `Togai`, which its threads share."""

    kind = "Client"

    def __init__(self, *settings: Any) -> None:
        self._abandoned: list[Any] = []
        self._pid = os.getpid()
        self._lock = threading.Lock()
        super().__init__(*settings)

    def renew(self) -> None:
        """Forget the connections of the parent process after a fork."""
        if self._pid != os.getpid():  # several clients may share the pool
            self._lock = threading.Lock()
            # The parent's connections: closing them here would end its TLS sessions too.
            self._abandoned.extend(self._own.values())
            self._own, self._pid = {}, os.getpid()

    def get(self, *, repeatable: bool) -> Any:
        """The client to send with.

        Raises:
            ConfigurationError: It is closed, or settings of the environment cannot be used.
        """
        if self._injected is not None:
            return self._injected
        if repeatable not in self._own:
            with self._lock:
                if self._closed:
                    raise closed()
                if repeatable not in self._own:
                    self._own[repeatable] = self._open(repeatable=repeatable)
        return self._own[repeatable]

    def close(self) -> None:
        """Close the connections; an injected client stays open."""
        with self._lock:
            self._closed = True
            for http in self._own.values():
                http.close()

    def __del__(self) -> None:
        for http in getattr(self, "_own", {}).values():
            with suppress(Exception):
                http.close()


class AsyncPool(_Connections):
    """The connections of `AsyncTogai`, within one event loop."""

    kind = "AsyncClient"

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self._users: dict[Any, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def check(self) -> None:
        """Bind the client to the running event loop.

        Raises:
            ConfigurationError: It is closed, belongs to another event loop, or there is none.
        """
        import asyncio

        loop = None
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
        if loop is None:
            raise ConfigurationError(
                "AsyncTogai needs a running asyncio event loop; with Trio, use Togai in a thread"
            )
        if self._loop is not None and self._loop is not loop:
            raise ConfigurationError(
                "this client belongs to another event loop: make one in each asyncio.run(),"
                " with `async with AsyncTogai(...) as client`"
            )
        if self._closed:
            raise closed()
        self._loop = loop

    @asynccontextmanager
    async def lease(self, *, repeatable: bool) -> AsyncGenerator[Any]:
        """The client for one attempt.

        httpcore can lose the connection of a cancelled request: it stays counted and is never used again. So
        nobody new gets connections on which a request was cancelled, and the last one who has them closes them.

        Raises:
            ConfigurationError: Settings of the environment cannot be used.
        """
        import asyncio

        if self._injected is not None:
            yield self._injected
            return
        if repeatable not in self._own:
            self._own[repeatable] = self._open(repeatable=repeatable)
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

    def retire(self, http: Any) -> None:
        """Give these connections to nobody new."""
        self._own = {kind: own for kind, own in self._own.items() if own is not http}

    async def aclose(self) -> None:
        """Close the connections; an injected client stays open."""
        self._closed = True
        for http in self._own.values():
            await http.aclose()
