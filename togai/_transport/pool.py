"""The connections of a client: opened on first use, renewed after a fork, closed with the client.

Calls that must not be repeated use separate connections, each for a single request. Therefore no leftover of an
earlier response is taken for their response, and they never use a connection that the service is about to close.
"""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from togai._transport import libraries
from togai._transport.concurrency import after_fork
from togai._version import __version__
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from togai._transport.concurrency import Tasks, Threads

MAX_CONNECTIONS = 50
"""The maximum number of connections of each kind of a client; a call waits `Timeout.pool` seconds for one."""

_KEPT_ALIVE = 20


class Pool:
    """The connections of a client, which its threads share."""

    def __init__(
        self,
        io: Threads | Tasks,
        injected: Any,
        library: str,
        base_url: str,
        find_proxy: Callable[[str], str | None],
    ) -> None:
        self._abandoned: list[Any] = []
        self._own: dict[bool, Any] = {}
        self._lock = threading.Lock()
        self.closed = False
        self._context: Any = None
        self.cookies: Any = None
        """The cookies that an injected client had when it was passed."""
        if injected is not None:
            self.library = libraries.library_of(injected, io.client)
            self.cookies = self.library.Cookies(injected.cookies)
        else:
            self.library = libraries.load(library)
        name = f"{self.library.__name__}/{self.library.__version__}"
        self.user_agent = f"togai-python/{__version__} {name}"
        self.base_url = base_url
        self.io = io
        self.injected = injected
        self._find_proxy = find_proxy
        after_fork.add(self)

    def __del__(self) -> None:
        for http in getattr(self, "_own", {}).values():
            with suppress(Exception):
                http.close()

    def renew(self) -> None:
        """Drop the connections of the parent process after a fork."""
        self._lock = threading.Lock()
        # The parent's connections: closing them here would end its TLS sessions too.
        self._abandoned.extend(self._own.values())
        self._own = {}

    def take(self, *, repeatable: bool) -> Any:
        """The client for one attempt.

        Raises:
            ConfigurationError: The client is closed, or settings of the environment cannot be used.
        """
        with self._lock:
            if self.closed or (self.injected is not None and self.injected.is_closed):
                raise ConfigurationError(
                    "the client is closed: make a new one, or keep it open for as long as it is used"
                )
            if self.injected is not None:
                return self.injected
            if repeatable not in self._own:
                self._own[repeatable] = self._open(repeatable=repeatable)
            return self._own[repeatable]

    async def give_back(self, http: Any, *, usable: bool) -> None:
        """Record the end of the attempt, and whether the connections are still usable."""

    def _open(self, *, repeatable: bool) -> Any:
        kept = _KEPT_ALIVE if repeatable else 0
        limits = {"max_connections": MAX_CONNECTIONS, "max_keepalive_connections": kept}
        try:
            # Shared by our connections, because loading the certificates takes longest. For http it trusts nobody.
            if self._context is None and self.base_url.startswith("http:"):
                self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._context = self._context or self.library.create_ssl_context()
            settings: dict[str, Any] = {"context": self._context, "limits": limits}
            # The proxy in no local variable: it may hold a password.
            return libraries.open_client(
                self.library, self.io.client, proxy=self._find_proxy(self.base_url), **settings
            )
        except Exception as error:  # noqa: BLE001  (whatever the environment holds)
            problem = f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            f"the proxy or certificate settings of the environment cannot be used ({problem}): fix HTTP_PROXY,"
            " HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE or SSL_CERT_DIR, or pass http_client="
        )

    async def close(self) -> None:
        """Close the connections; an injected client stays open."""
        with self._lock:
            self.closed = True
            own = list(self._own.values())
        for http in own:
            await self.io.close(http)


class AsyncPool(Pool):
    """The connections of a client, which its tasks share.

    httpcore can lose the connection of a cancelled request: it is still counted, but never used again. Therefore a
    client on which a request was cancelled is not used for new attempts, and its last attempt closes it.
    """

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self._users: Counter[Any] = Counter()

    def take(self, *, repeatable: bool) -> Any:
        http = super().take(repeatable=repeatable)
        if http is not self.injected:
            self._users[http] += 1
        return http

    async def give_back(self, http: Any, *, usable: bool) -> None:
        if http is self.injected:
            return
        if not usable:
            self._own = {kind: own for kind, own in self._own.items() if own is not http}
        self._users[http] -= 1
        if not self._users[http]:
            del self._users[http]
            if http not in self._own.values():
                await self.io.close(http)
