"""Togai and AsyncTogai: settings checked once, then each only sends and sleeps."""

from __future__ import annotations

import enum
import ipaddress
import os
import threading
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import httpx
from attrs import evolve, frozen

from togai._decoding import Reader
from togai._events import AsyncEvents, Events
from togai._transport import clock
from togai._transport import http as _http
from togai._transport.auth import AsyncTokenSource, TokenSource
from togai._transport.exchange import (
    Answer,
    Attempt,
    Call,
    Ended,
    Hold,
    Refresh,
    Report,
    conversation,
)
from togai._transport.rate_limit import AsyncPace, AsyncPacer, Pace, Pacer
from togai._transport.retry import Failure, Policy
from togai._transport.timeout import Timeout
from togai._version import __version__
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from types import TracebackType

    from togai._drift import Drift

PRODUCTION_URL = "https://api.togai.com"
"""The host that bills."""

SANDBOX_URL = "https://sandbox-api.togai.com"
"""The host to try things on: `Togai(base_url=SANDBOX_URL)`."""

_USER_AGENT = f"togai-python/{__version__}"


class _Keep(enum.Enum):
    """The default where None is a setting of its own."""

    KEEP = "as it is"

    def __repr__(self) -> str:
        return "..."


_Kept = Literal[_Keep.KEEP]


@frozen
class _Settings:
    base_url: str
    timeout: Timeout
    max_retries: int
    strict: bool

    def policy(self, timeout: Timeout) -> Policy:
        return Policy(max_retries=self.max_retries, total=timeout.total)


def _checked_url(url: str | None) -> str:
    url = url if url is not None else os.environ.get("TOGAI_BASE_URL") or PRODUCTION_URL
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise ConfigurationError(
            f"base_url is no address ({error}): pass one like {PRODUCTION_URL}"
        ) from None
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise ConfigurationError(
            "base_url must hold no user, query or fragment; the token goes into token="
        )
    if not parsed.host or parsed.scheme not in ("https", "http"):
        raise ConfigurationError(
            f"base_url {url!r} is no https address: pass one like {PRODUCTION_URL}"
        )
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise ConfigurationError(
            f"base_url {url!r} would send the token in the clear: use https (http goes to this machine only)"
        )
    return str(parsed).rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked_timeout(timeout: float | Timeout | None, default: Timeout) -> Timeout:
    if timeout is None:
        return default
    if isinstance(timeout, Timeout):
        return timeout
    return evolve(default, total=timeout)


def _checked_retries(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(
            f"max_retries={value!r}: pass a whole number, 0 for one attempt only"
        )
    return value


def _checked_rate(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(
            f"requests_per_second={value!r}: pass a whole number from 1 on, a pacer, or None for no limit"
        )
    return value


def _given(token: Any) -> Any:
    if token is not None:
        return token
    value = os.environ.get("TOGAI_API_TOKEN")
    if value is None:
        raise ConfigurationError("no token: pass token=, or set TOGAI_API_TOKEN")
    return value


class _Base:
    """What both clients know and need no I/O for."""

    def __init__(
        self,
        *,
        base_url: str | None,
        timeout: float | Timeout | None,
        max_retries: int,
        strict: bool,
        on_drift: Callable[[Drift], object] | None,
    ) -> None:
        self._settings = _Settings(
            base_url=_checked_url(base_url),
            timeout=_checked_timeout(timeout, Timeout()),
            max_retries=_checked_retries(max_retries),
            strict=strict,
        )
        self._on_drift = on_drift
        self._reader = Reader(strict=strict, on_drift=on_drift)

    def _derived(
        self,
        *,
        timeout: float | Timeout | None,
        max_retries: int | None,
        strict: bool | None,
        on_drift: Callable[[Drift], object] | None,
    ) -> Self:
        """A copy with other settings, on the same connections, token and pace."""
        old = self._settings
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._settings = evolve(
            old,
            timeout=_checked_timeout(timeout, old.timeout),
            max_retries=old.max_retries if max_retries is None else _checked_retries(max_retries),
            strict=old.strict if strict is None else strict,
        )
        other._on_drift = on_drift if on_drift is not None else self._on_drift
        if strict is not None or on_drift is not None:
            other._reader = Reader(strict=other._settings.strict, on_drift=other._on_drift)
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._settings.base_url}>"

    def __reduce__(self) -> str:
        raise TypeError(f"{type(self).__name__} is not pickled: make one in each process")

    def _conversation(
        self, call: Call, timeout: Timeout, *, can_refresh: bool
    ) -> Generator[Any, Any, Answer]:
        return conversation(call, self._settings.policy(timeout), can_refresh=can_refresh)

    def _wire(self, timeout: Timeout) -> dict[str, Any]:
        return {
            "base_url": self._settings.base_url,
            "user_agent": _USER_AGENT,
            "timeout": timeout,
        }


def _pace(requests_per_second: int | Pacer | None) -> Pace:
    if isinstance(requests_per_second, Pacer):
        return Pace(None, requests_per_second)
    return Pace(_checked_rate(requests_per_second))


def _async_pace(requests_per_second: int | AsyncPacer | None) -> AsyncPace:
    if isinstance(requests_per_second, AsyncPacer):
        return AsyncPace(None, requests_per_second)
    return AsyncPace(_checked_rate(requests_per_second))


class Togai(_Base):
    """The Togai events API.

    A client is safe to share between threads, and is closed by `with` or `close()`. After a fork the
    child opens connections of its own.

    Example:
        ```python
        with Togai() as client:
            for event in client.events.list(account_id="acme"):
                print(event.reference_id, event.ingestion_status.status)
        ```

    Args:
        token: The API token, or a callable that gives it; a callable is read before each request, and once
            more when the service answers 401. Default: the environment's TOGAI_API_TOKEN.
        base_url: Where the service is. Default: the environment's TOGAI_BASE_URL, else `PRODUCTION_URL`.
            https only, except on this machine.
        timeout: Seconds for all attempts of a call together, or a `Timeout` for its parts.
        max_retries: How many more attempts a call gets. Corrections are repeated only where they provably
            were not delivered.
        requests_per_second: How many requests may start in any one second, over all threads; the service's
            quota is 10 for each token unless raised. None for no limit, or a `Pacer`.
        strict: Raise `UnexpectedResponse` where an answer deviates from the contract, instead of reading
            what can be read.
        on_drift: Called with each `Drift`, once per place and kind.
        http_client: An `httpx.Client` of your own, for proxies, certificates or transports. It keeps this
            client's token, timeouts and retries, and is yours to close.

    Raises:
        ConfigurationError: A setting is missing or cannot work.
    """

    events: Events
    """The calls about events."""

    def __init__(
        self,
        token: str | Callable[[], str] | None = None,
        *,
        base_url: str | None = None,
        timeout: float | Timeout | None = None,
        max_retries: int = 4,
        requests_per_second: int | Pacer | None = 10,
        strict: bool = False,
        on_drift: Callable[[Drift], object] | None = None,
        http_client: httpx.Client | None = None,
    ) -> None:
        super().__init__(
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            strict=strict,
            on_drift=on_drift,
        )
        self._token = TokenSource(_given(token))
        self._pace = _pace(requests_per_second)
        self._pool = _Pool(http_client)
        self._owns_pool = http_client is None
        self.events = Events(self._send, self._reader)
        _renewed.update((self._pool, self._pace, self._token))

    def with_options(
        self,
        *,
        timeout: float | Timeout | None = None,
        max_retries: int | None = None,
        requests_per_second: int | Pacer | _Kept | None = _Keep.KEEP,
        strict: bool | None = None,
        on_drift: Callable[[Drift], object] | None = None,
    ) -> Self:
        """A client with other settings on the same connections and token; this one stays as it is.

        Closing the new client does nothing: the connections end with the client that opened them.

        Args:
            timeout: Seconds for all attempts of a call together, or a `Timeout` for its parts.
            max_retries: How many more attempts a call gets.
            requests_per_second: A pace of its own; left out, both clients share one.
            strict: Raise `UnexpectedResponse` where an answer deviates from the contract.
            on_drift: Called with each `Drift`, once per place and kind.

        Raises:
            ConfigurationError: A setting cannot work.
        """
        other = self._derived(
            timeout=timeout, max_retries=max_retries, strict=strict, on_drift=on_drift
        )
        if requests_per_second is not _Keep.KEEP:
            other._pace = _pace(requests_per_second)
        other._owns_pool = False
        other.events = Events(other._send, other._reader)
        _renewed.add(other._pace)
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; an injected `http_client` stays open."""
        if self._owns_pool:
            self._pool.close()

    def _send(self, call: Call, timeout: float | Timeout | None = None) -> Answer:
        times = _checked_timeout(timeout, self._settings.timeout)
        steps = self._conversation(call, times, can_refresh=self._token.can_refresh)
        result: Any = None
        while True:
            try:
                step = steps.send(result)
            except StopIteration as stop:
                answer: Answer = stop.value
                return answer
            result = None
            if isinstance(step, Attempt):
                result = self._attempt(step, call, times)
            elif isinstance(step, Refresh):
                result = self._token.refresh(step.refused)
            elif isinstance(step, Hold):
                self._pace.hold(step.seconds)
            else:
                clock.current.sleep(step.seconds)

    def _attempt(self, step: Attempt, call: Call, times: Timeout) -> Report:
        self._pace.wait()
        token = step.token or self._token.read()
        began = clock.current.now()
        outcome = _http.attempt(
            self._pool.get(),
            call,
            token=token,
            deadline=step.deadline or began + times.total,
            **self._wire(times),
        )
        return Report(outcome, token, began)


class AsyncTogai(_Base):
    """The Togai events API, for asyncio.

    A client belongs to the event loop that first used it, and is closed by `async with` or `aclose()`.

    Example:
        ```python
        async with AsyncTogai() as client:
            async for event in client.events.list(account_id="acme"):
                print(event.reference_id, event.ingestion_status.status)
        ```

    Args:
        token: The API token, or a plain or async callable that gives it; a callable is read before each
            request, and once more when the service answers 401. Default: the environment's TOGAI_API_TOKEN.
        base_url: Where the service is. Default: the environment's TOGAI_BASE_URL, else `PRODUCTION_URL`.
            https only, except on this machine.
        timeout: Seconds for all attempts of a call together, or a `Timeout` for its parts.
        max_retries: How many more attempts a call gets. Corrections are repeated only where they provably
            were not delivered.
        requests_per_second: How many requests may start in any one second, over all tasks; the service's
            quota is 10 for each token unless raised. None for no limit, or an `AsyncPacer`.
        strict: Raise `UnexpectedResponse` where an answer deviates from the contract, instead of reading
            what can be read.
        on_drift: Called with each `Drift`, once per place and kind.
        http_client: An `httpx.AsyncClient` of your own, for proxies, certificates or transports. It keeps
            this client's token, timeouts and retries, and is yours to close.

    Raises:
        ConfigurationError: A setting is missing or cannot work.
    """

    events: AsyncEvents
    """The calls about events."""

    def __init__(
        self,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        *,
        base_url: str | None = None,
        timeout: float | Timeout | None = None,
        max_retries: int = 4,
        requests_per_second: int | AsyncPacer | None = 10,
        strict: bool = False,
        on_drift: Callable[[Drift], object] | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            strict=strict,
            on_drift=on_drift,
        )
        self._token = AsyncTokenSource(_given(token))
        self._pace = _async_pace(requests_per_second)
        self._pool = _AsyncPool(http_client)
        self._owns_pool = http_client is None
        self.events = AsyncEvents(self._send, self._reader)

    def with_options(
        self,
        *,
        timeout: float | Timeout | None = None,
        max_retries: int | None = None,
        requests_per_second: int | AsyncPacer | _Kept | None = _Keep.KEEP,
        strict: bool | None = None,
        on_drift: Callable[[Drift], object] | None = None,
    ) -> Self:
        """A client with other settings on the same connections and token; this one stays as it is.

        Closing the new client does nothing: the connections end with the client that opened them.

        Args:
            timeout: Seconds for all attempts of a call together, or a `Timeout` for its parts.
            max_retries: How many more attempts a call gets.
            requests_per_second: A pace of its own; left out, both clients share one.
            strict: Raise `UnexpectedResponse` where an answer deviates from the contract.
            on_drift: Called with each `Drift`, once per place and kind.

        Raises:
            ConfigurationError: A setting cannot work.
        """
        other = self._derived(
            timeout=timeout, max_retries=max_retries, strict=strict, on_drift=on_drift
        )
        if requests_per_second is not _Keep.KEEP:
            other._pace = _async_pace(requests_per_second)
        other._owns_pool = False
        other.events = AsyncEvents(other._send, other._reader)
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; an injected `http_client` stays open."""
        if self._owns_pool:
            await self._pool.aclose()

    async def _send(self, call: Call, timeout: float | Timeout | None = None) -> Answer:
        times = _checked_timeout(timeout, self._settings.timeout)
        steps = self._conversation(call, times, can_refresh=self._token.can_refresh)
        result: Any = None
        while True:
            try:
                step = steps.send(result)
            except StopIteration as stop:
                answer: Answer = stop.value
                return answer
            result = None
            if isinstance(step, Attempt):
                result = await self._attempt(step, call, times)
            elif isinstance(step, Refresh):
                result = await self._token.refresh(step.refused)
            elif isinstance(step, Hold):
                self._pace.hold(step.seconds)
            else:
                await clock.current.sleep_async(step.seconds)

    async def _attempt(self, step: Attempt, call: Call, times: Timeout) -> Report:
        self._pool.get()  # says before any wait that the client is closed or of another loop
        await self._pace.wait()
        token = step.token or await self._token.read()
        async with self._pool.lease() as http:
            began = clock.current.now()
            outcome = await _http.attempt_async(
                http,
                call,
                token=token,
                deadline=step.deadline or began + times.total,
                **self._wire(times),
            )
            if isinstance(outcome, Ended) and outcome.failure is Failure.TIMED_OUT:
                self._pool.retire(http)
        return Report(outcome, token, began)


C = TypeVar("C", httpx.Client, httpx.AsyncClient)


def _made(kind: type[C]) -> C:
    try:
        return kind(limits=_http.LIMITS)
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"the environment's proxy or certificate settings cannot be used ({error}): mend HTTP_PROXY,"
            " HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE or SSL_CERT_DIR, or pass http_client="
        ) from None


class _Pool:
    """The connections, made on first use and made anew in a forked child."""

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
        if self._pid != os.getpid():  # several clients may share the pool
            self._lock = threading.Lock()
            if self._own is not None:
                # The parent's connections: closing them here would end its TLS sessions too.
                self._abandoned.append(self._own)
            self._own, self._pid = None, os.getpid()

    def get(self) -> httpx.Client:
        if self._injected is not None:
            return self._injected
        if self._own is None:
            with self._lock:
                if self._closed:
                    raise _http.closed()
                if self._own is None:
                    self._own = _made(httpx.Client)
        return self._own

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._own is not None:
                self._own.close()


class _AsyncPool:
    """The connections, made on first use, within one event loop."""

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
        import asyncio

        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop:
            raise ConfigurationError(
                "this client belongs to another event loop: make one in each asyncio.run(),"
                " with `async with AsyncTogai(...) as client`"
            )
        if self._closed:
            raise _http.closed()
        self._loop = loop
        if self._injected is not None:
            return self._injected
        if self._own is None:
            self._own = _made(httpx.AsyncClient)
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
        self._closed = True
        if self._own is not None:
            await self._own.aclose()


_renewed: weakref.WeakSet[_Pool | Pace | TokenSource] = weakref.WeakSet()


def _renew_all() -> None:
    """Start afresh in a forked child, where no other thread lives on."""
    for part in _renewed:
        part.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_all)
