"""Togai and AsyncTogai: construct, derive and close; the calls are in `_events`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, cast

from attrs import evolve

from togai._events import AsyncEvents, Events
from togai._settings import UNCHANGED, Settings, Unchanged, find_proxy, token_or_environment
from togai._transport.auth import TokenSource
from togai._transport.concurrency import Tasks, Threads
from togai._transport.pool import AsyncPool, Pool
from togai._transport.rate_limit import RateLimit
from togai._transport.runner import Runner
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    import httpx
    import httpx2

    from togai._drift import Drift
    from togai._transport.rate_limit import AsyncRateLimiter, RateLimiter
    from togai._transport.timeout import Timeout
    from togai.corrections._ledger import LedgerLike


class _Client:
    """The code that both clients share."""

    _settings: Settings
    _runner: Runner
    _owns_pool: bool

    def _connect(self, settings: Settings, runner: Runner) -> None:
        raise NotImplementedError

    def _open(
        self,
        token: Any,
        io: Threads | Tasks,
        pool_class: type[Pool],
        transport: tuple[Any, Any, Any],
        **settings: Any,
    ) -> str | None:
        """Set up a new client; return the problem of an argument that is not allowed."""
        rate, http_client, http_library = transport
        try:
            source = TokenSource(token_or_environment(token), io)
            source.check()
            checked = Settings.create(can_refresh=source.can_refresh, **settings)
            rate_limit = RateLimit(rate, io)
            pool = pool_class(io, http_client, http_library, checked.base_url, find_proxy)
        except ConfigurationError as error:
            return str(error)
        self._connect(checked, Runner(source, rate_limit, pool))
        self._owns_pool = True
        return None

    def _derive(self, requests_per_second: Any, **options: Any) -> Self:
        """A client with other settings, and with the connections and the token of this client."""
        settings, runner = self._settings.with_options(**options), self._runner
        if requests_per_second is not UNCHANGED:
            runner = evolve(runner, rate_limit=RateLimit(requests_per_second, runner.pool.io))
        derived = type(self).__new__(type(self))
        vars(derived).update(vars(self))  # what a caller's subclass has set
        derived._connect(settings, runner)
        derived._owns_pool = False
        return derived

    def __repr__(self) -> str:
        settings = getattr(self, "_settings", None)  # a debugger may show a half-constructed client
        return f"<{type(self).__name__} {settings.base_url if settings else ''}>"

    def __reduce__(self) -> str:
        raise TypeError(f"{type(self).__name__} cannot be pickled: create one in each process")


class Togai(_Client):
    """The Togai events API.

    A client may be shared between threads. Close it with `with` or `close()`. After a fork, the child process
    opens connections of its own.

    Example:
        ```python
        with Togai() as client:
            for event in client.events.list(account_id="acme"):
                print(event.reference_id, event.ingestion_status.status)
        ```

    Args:
        token: The API token, or a callable that returns it; a callable is called before each request, and
            once more after a 401. Default: the environment's TOGAI_API_TOKEN.
        base_url: The address of the service. Default: the environment's TOGAI_BASE_URL, else `PRODUCTION_URL`.
            https only, except for loopback addresses.
        timeout: Seconds for all attempts of a call together, or a `Timeout` for its parts.
        max_retries: How many times a call is retried. Corrections are retried only if the service provably did
            not receive them or refused them with 429.
        requests_per_second: The maximum number of requests started in any second, over all threads; the service's
            default quota is 10 per token. None for no limit, or a `RateLimiter`.
        strict: Raise `UnexpectedResponse` if a response deviates from the contract, instead of reading
            what can be read.
        on_drift: Called with each `Drift`, once per place and kind.
        default_headers: Your own headers for every request; `Authorization` is not allowed.
        http_client: An `httpx.Client` or `httpx2.Client` of your own, for certificates or transports.
            The token, timeouts and retries of this client apply to it. If its transport retries too, the retries
            multiply, and a correction that the transport repeated has an unknown outcome. Cookies of responses are not
            sent back. You must close it yourself.
        http_library: The library of this client's own connections. "httpx2" needs the extra `togai[httpx2]`.
        ledger: The ledger of corrections: a `togai.corrections.Ledger`, or its address. Default: the environment's
            TOGAI_LEDGER, else none. It is opened by the first correction.

    Raises:
        ConfigurationError: A setting is missing or not allowed.
    """

    events: Events = cast("Any", None)  # set by _connect; a class attribute for Mock(spec=Togai)
    """The calls about events."""

    def __init__(
        self,
        token: str | Callable[[], str] | None = None,
        *,
        base_url: str | None = None,
        timeout: float | Timeout | None = None,
        max_retries: int = 4,
        requests_per_second: int | RateLimiter | None = 10,
        strict: bool = False,
        on_drift: Callable[[Drift], object] | None = None,
        default_headers: Mapping[str, str] | None = None,
        http_client: httpx.Client | httpx2.Client | None = None,
        http_library: Literal["httpx", "httpx2"] = "httpx",
        ledger: LedgerLike = None,
    ) -> None:
        problem = self._open(
            token,
            Threads(),
            Pool,
            (requests_per_second, http_client, http_library),
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            strict=strict,
            on_drift=on_drift,
            default_headers=default_headers,
            ledger=ledger,
        )
        # A traceback shows no value: any of them may be a token in the wrong place.
        del token, base_url, timeout, max_retries, requests_per_second, strict
        del on_drift, default_headers, http_client, http_library, ledger
        if problem is not None:
            raise ConfigurationError(problem)

    def _connect(self, settings: Settings, runner: Runner) -> None:
        self._settings, self._runner = settings, runner
        self.events = Events(settings, runner.run)

    def with_options(
        self,
        *,
        timeout: float | Timeout | None = None,
        max_retries: int | None = None,
        requests_per_second: int | RateLimiter | Literal[Unchanged.UNCHANGED] | None = UNCHANGED,
        strict: bool | None = None,
        on_drift: Callable[[Drift], object] | None = None,
        ledger: LedgerLike | Literal[Unchanged.UNCHANGED] = UNCHANGED,
    ) -> Self:
        """Return a client with other settings that shares connections and token; this client is unchanged.

        Closing the new client does nothing: the connections are closed with the client that opened them.

        Args:
            timeout: Seconds for all attempts of a call together, or a `Timeout` for its parts.
            max_retries: How many times a call is retried.
            requests_per_second: A separate rate limit for the new client; if omitted, both clients share one.
            strict: Raise `UnexpectedResponse` if a response deviates from the contract.
            on_drift: Called with each `Drift`, once per place and kind.
            ledger: The ledger of corrections. None for no ledger, even if TOGAI_LEDGER is set.

        Raises:
            ConfigurationError: A setting is not allowed.
        """
        return self._derive(
            requests_per_second,
            timeout=timeout,
            max_retries=max_retries,
            strict=strict,
            on_drift=on_drift,
            ledger=ledger,
        )

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
        """Close the connections of this client; a client that was passed as `http_client` stays open."""
        if self._owns_pool:
            Threads.run(self._runner.pool.close())


class AsyncTogai(_Client):
    """The Togai events API, for asyncio.

    A client belongs to the event loop that first used it. Close it with `async with` or `aclose()`.

    Example:
        ```python
        async with AsyncTogai() as client:
            async for event in client.events.list(account_id="acme"):
                print(event.reference_id, event.ingestion_status.status)
        ```

    Args:
        token: The API token, or a plain or async callable that returns it; a callable is called before
            each request, and once more after a 401. Default: the environment's TOGAI_API_TOKEN.
        base_url: The address of the service. Default: the environment's TOGAI_BASE_URL, else `PRODUCTION_URL`.
            https only, except for loopback addresses.
        timeout: Seconds for all attempts of a call together, or a `Timeout` for its parts.
        max_retries: How many times a call is retried. Corrections are retried only if the service provably did
            not receive them or refused them with 429.
        requests_per_second: The maximum number of requests started in any second, over all tasks; the service's
            default quota is 10 per token. None for no limit, or an `AsyncRateLimiter`.
        strict: Raise `UnexpectedResponse` if a response deviates from the contract, instead of reading
            what can be read.
        on_drift: Called with each `Drift`, once per place and kind.
        default_headers: Your own headers for every request; `Authorization` is not allowed.
        http_client: An `httpx.AsyncClient` or `httpx2.AsyncClient` of your own, for certificates or transports.
            The token, timeouts and retries of this client apply to it. If its transport retries too, the retries
            multiply, and a correction that the transport repeated has an unknown outcome. Cookies of responses are not
            sent back. You must close it yourself.
        http_library: The library of this client's own connections. "httpx2" needs the extra `togai[httpx2]`.
        ledger: The ledger of corrections: a `togai.corrections.Ledger`, or its address. Default: the environment's
            TOGAI_LEDGER, else none. It is opened by the first correction.

    Raises:
        ConfigurationError: A setting is missing or not allowed.
    """

    events: AsyncEvents = cast("Any", None)
    """The calls about events."""

    def __init__(
        self,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        *,
        base_url: str | None = None,
        timeout: float | Timeout | None = None,
        max_retries: int = 4,
        requests_per_second: int | AsyncRateLimiter | None = 10,
        strict: bool = False,
        on_drift: Callable[[Drift], object] | None = None,
        default_headers: Mapping[str, str] | None = None,
        http_client: httpx.AsyncClient | httpx2.AsyncClient | None = None,
        http_library: Literal["httpx", "httpx2"] = "httpx",
        ledger: LedgerLike = None,
    ) -> None:
        problem = self._open(
            token,
            Tasks(),
            AsyncPool,
            (requests_per_second, http_client, http_library),
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            strict=strict,
            on_drift=on_drift,
            default_headers=default_headers,
            ledger=ledger,
        )
        # A traceback shows no value: any of them may be a token in the wrong place.
        del token, base_url, timeout, max_retries, requests_per_second, strict
        del on_drift, default_headers, http_client, http_library, ledger
        if problem is not None:
            raise ConfigurationError(problem)

    def _connect(self, settings: Settings, runner: Runner) -> None:
        self._settings, self._runner = settings, runner
        self.events = AsyncEvents(settings, runner.run_async)

    def with_options(
        self,
        *,
        timeout: float | Timeout | None = None,
        max_retries: int | None = None,
        requests_per_second: int
        | AsyncRateLimiter
        | Literal[Unchanged.UNCHANGED]
        | None = UNCHANGED,
        strict: bool | None = None,
        on_drift: Callable[[Drift], object] | None = None,
        ledger: LedgerLike | Literal[Unchanged.UNCHANGED] = UNCHANGED,
    ) -> Self:
        """Return a client with other settings that shares connections and token; this client is unchanged.

        Closing the new client does nothing: the connections are closed with the client that opened them.

        Args:
            timeout: Seconds for all attempts of a call together, or a `Timeout` for its parts.
            max_retries: How many times a call is retried.
            requests_per_second: A separate rate limit for the new client; if omitted, both clients share one.
            strict: Raise `UnexpectedResponse` if a response deviates from the contract.
            on_drift: Called with each `Drift`, once per place and kind.
            ledger: The ledger of corrections. None for no ledger, even if TOGAI_LEDGER is set.

        Raises:
            ConfigurationError: A setting is not allowed.
        """
        return self._derive(
            requests_per_second,
            timeout=timeout,
            max_retries=max_retries,
            strict=strict,
            on_drift=on_drift,
            ledger=ledger,
        )

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
        """Close the connections of this client; a client that was passed as `http_client` stays open."""
        if self._owns_pool:
            await self._runner.pool.close()
