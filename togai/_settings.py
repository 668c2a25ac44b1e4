"""The settings of a client, checked once."""

from __future__ import annotations

import enum
import ipaddress
import logging
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from attrs import evolve, field, frozen

from togai._arguments import is_whole
from togai._decoding import Reader
from togai._listing_checks import FilterChecks
from togai._printable import shown, shown_setting
from togai._transport.retry import Policy
from togai._transport.timeout import Timeout
from togai.errors import ConfigurationError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from togai._drift import Drift
    from togai.corrections._ledger import Ledger, LedgerLike

PRODUCTION_URL = "https://api.togai.com"
"""The production host: corrections change what customers are billed."""

SANDBOX_URL = "https://sandbox-api.togai.com"
"""The sandbox host, for trials: `Togai(base_url=SANDBOX_URL)`."""


class Unchanged(enum.Enum):
    """The default of an argument for which None is a valid setting."""

    UNCHANGED = "unchanged"

    def __repr__(self) -> str:
        return "..."


UNCHANGED: Literal[Unchanged.UNCHANGED] = Unchanged.UNCHANGED


@frozen
class Settings:
    """The settings that the calls of a client use."""

    base_url: str
    timeout: Timeout
    max_retries: int
    reader: Reader
    headers: Mapping[str, str] = field(repr=False)
    """The caller's own headers."""
    can_refresh: bool
    """Whether the token may change: it comes from a callable."""
    ledger: Ledger | None = None
    """The ledger of corrections that do not name another."""
    filter_checks: FilterChecks = field(factory=FilterChecks, repr=False)
    deprecations: set[str] = field(factory=set[str], repr=False)
    """The operations whose deprecation was logged."""

    @classmethod
    def create(
        cls,
        *,
        base_url: str | None,
        timeout: float | Timeout | None,
        max_retries: int,
        strict: bool,
        on_drift: Callable[[Drift], object] | None,
        default_headers: Mapping[str, str] | None,
        can_refresh: bool,
        ledger: LedgerLike = None,
    ) -> Settings:
        """Check the arguments of a client and return its settings.

        Raises:
            ConfigurationError: A setting is not allowed.
        """
        _set_up_log()
        return cls(
            base_url=_checked_url(base_url),
            timeout=_checked_timeout(timeout, Timeout()),
            max_retries=_checked_retries(max_retries),
            reader=Reader(strict=strict, on_drift=on_drift),
            headers=_checked_headers("default_headers", default_headers, ConfigurationError),
            can_refresh=can_refresh,
            ledger=opened(os.environ.get("TOGAI_LEDGER") or None if ledger is None else ledger),
        )

    def with_options(
        self,
        *,
        timeout: float | Timeout | None,
        max_retries: int | None,
        strict: bool | None,
        on_drift: Callable[[Drift], object] | None,
        ledger: LedgerLike | Unchanged,
    ) -> Settings:
        """These settings with others in their place; None leaves one unchanged, but a ledger: there it means none.

        Raises:
            ConfigurationError: A setting is not allowed.
        """
        return evolve(
            self,
            timeout=self.timeout_of(timeout),
            max_retries=self.max_retries if max_retries is None else _checked_retries(max_retries),
            reader=self.reader.with_options(strict=strict, on_drift=on_drift),
            ledger=self.ledger if ledger is UNCHANGED else opened(ledger),
        )

    def with_headers(self, headers: Mapping[str, str] | None) -> Settings:
        """Return a copy with further headers, for one call.

        Raises:
            InvalidRequest: A header is not allowed.
        """
        if headers is None:
            return self
        checked = _checked_headers("extra_headers", headers, InvalidRequest)
        return evolve(self, headers={**self.headers, **checked})

    def timeout_of(self, timeout: float | Timeout | None) -> Timeout:
        """The timeout of a call: its own, or the client's.

        Raises:
            ConfigurationError: It is not a positive number of seconds.
        """
        return _checked_timeout(timeout, self.timeout)

    @property
    def service(self) -> str:
        """The address of the service in a canonical form."""
        parsed = httpx.URL(self.base_url)
        host = parsed.host.rstrip(".")
        # Other loopback addresses may be those of other services.
        host = "localhost" if str(_ip_address(host)) in ("127.0.0.1", "::1") else host
        return str(parsed.copy_with(host=host)).rstrip("/")

    @property
    def policy(self) -> Policy:
        """The retry policy."""
        return Policy(max_retries=self.max_retries)


def opened(ledger: LedgerLike) -> Ledger | None:
    """The ledger that an argument names, opened by its first use; None for none."""
    if ledger is None:
        return None
    from togai.corrections._ledger import Ledger  # programs without a ledger start faster

    return ledger if isinstance(ledger, Ledger) else Ledger(ledger)


def _set_up_log() -> None:
    """Write the log of this package to stderr if the environment says so."""
    level = os.environ.get("TOGAI_LOG", "").strip().upper()
    if not level:
        return
    if level not in ("DEBUG", "INFO"):
        raise ConfigurationError(f"TOGAI_LOG={level.lower()!r}: set debug or info")
    logger = logging.getLogger("togai")
    logger.setLevel(level)
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)


def _checked_url(url: str | None) -> str:
    url = os.environ.get("TOGAI_BASE_URL", PRODUCTION_URL) if url is None else url
    if not isinstance(url, str | httpx.URL):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"base_url must be text like {PRODUCTION_URL}")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ConfigurationError(
            f"base_url is not a URL ({error}): pass one like {PRODUCTION_URL}"
        ) from None
    try:
        parsed.host.encode("idna")
    except UnicodeError as error:
        raise ConfigurationError(f"base_url has an invalid host name ({error})") from None
    if parsed.userinfo or {"?", "#"} & set(str(parsed)):  # even without a query after it
        raise ConfigurationError(
            "base_url must not contain a user, query or fragment; pass the token as token="
        )
    if not parsed.host or parsed.scheme not in ("https", "http"):
        # Its text is not shown: where the arguments were swapped, it is the token.
        raise ConfigurationError(
            f"base_url or TOGAI_BASE_URL is not an https URL: pass one like {PRODUCTION_URL}"
        )
    if " " in str(url):  # httpx makes it a part of the host or the path
        raise ConfigurationError(f"base_url contains a space: pass one like {PRODUCTION_URL}")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise ConfigurationError(f"base_url has the port {parsed.port}: pass one from 1 to 65535")
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise ConfigurationError(
            f"base_url {url!r} would send the token unencrypted: use https (http only for loopback addresses)"
        )
    return str(parsed).rstrip("/")


def _is_loopback(host: str) -> bool:
    host = host.rstrip(".")
    address = _ip_address(host)
    return address.is_loopback if address else host == "localhost"


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host name stands for in any notation; None if it is a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def find_proxy(base_url: str) -> str | None:
    """The proxy for the service according to the environment; None for loopback addresses and hosts in NO_PROXY.

    Only the host of the service is looked up, so that entries of NO_PROXY for other hosts have no effect.
    """
    url = urlsplit(base_url)
    if _is_loopback(url.hostname or "") or proxy_bypass(url.netloc):
        return None
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy or None


_OUR_HEADERS = {
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "proxy-authorization",
    "transfer-encoding",
}


def _checked_headers(
    argument: str, headers: object, error: type[ConfigurationError | InvalidRequest]
) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise error(f"{argument} must map names to values, not {type(headers).__name__}")
    checked: dict[str, str] = {}
    for name, value in cast("Mapping[object, object]", headers).items():
        if not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise error(f"{argument}: {shown(name)} is not the name of a header")
        if name.lower() in _OUR_HEADERS:
            raise error(f"{argument}: {name} is set by this package; pass the token as token=")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise error(f"{argument}: the value of {name} must be printable ASCII text")
        checked[name.lower()] = value.strip()  # as HTTP reads it; the libraries refuse blanks there
    return checked


def _checked_timeout(timeout: float | Timeout | None, default: Timeout) -> Timeout:
    if timeout is None:
        return default
    if isinstance(timeout, Timeout):
        return timeout
    return evolve(default, total=timeout)


def _checked_retries(value: object) -> int:
    if is_whole(value, 0):
        return value
    raise ConfigurationError(
        f"max_retries={shown_setting(value)}: pass a whole number, 0 for one attempt only"
    )


def token_or_environment(token: Any) -> Any:
    """The token argument, or the environment's TOGAI_API_TOKEN.

    Raises:
        ConfigurationError: Neither is set.
    """
    if token is not None:
        return token
    value = os.environ.get("TOGAI_API_TOKEN")
    if value is None:
        raise ConfigurationError("no token: pass token=, or set TOGAI_API_TOKEN")
    return value
