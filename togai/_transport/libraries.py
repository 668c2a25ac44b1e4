"""The two HTTP libraries: httpx, and its successor httpx2 with the same API. Only this module distinguishes them."""

from __future__ import annotations

import importlib
import sys
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, cast

from togai.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_NAMES = ("httpx", "httpx2")
_CORES = ("httpcore", "httpcore2")


def load(name: object) -> Any:
    """The library with a name.

    Raises:
        ConfigurationError: There is no such library, or it is not installed.
    """
    if not isinstance(name, str) or name not in _NAMES:
        raise ConfigurationError('http_library must be "httpx" or "httpx2"')
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigurationError(
            f'http_library="{name}" is not installed: pip install "togai[{name}]"'
        ) from None


def library_of(client: object, kind: str) -> Any:
    """The library of an injected client, which must be of its class `Client` or `AsyncClient`.

    Raises:
        ConfigurationError: It is a client of neither library, or of the other kind.
    """
    for library in filter(None, map(sys.modules.get, _NAMES)):
        if isinstance(client, getattr(library, kind)):
            return library
    ours, other = ("Togai", "AsyncTogai") if kind == "Client" else ("AsyncTogai", "Togai")
    raise ConfigurationError(
        f"http_client of {ours} must be an httpx.{kind} or httpx2.{kind};"
        f" {other} takes the other kind of client"
    )


def open_client(
    library: Any, kind: str, *, context: ssl.SSLContext, proxy: str | None, limits: dict[str, int]
) -> Any:
    """A client of our own, which keeps no cookies and ignores further settings of the environment."""
    client = getattr(library, kind)(
        verify=context, proxy=proxy, limits=library.Limits(**limits), trust_env=False
    )
    client.cookies.extract_cookies = bool  # takes none; a policy that refuses them is slow
    return client


def reports(client: Any, request: Any) -> bool:
    """Whether a client uses the library's own transport, which reports every step."""
    find: Any = getattr(client, "_transport_for_url", type)
    transport: type[object] = type(cast("object", find(request.url)))
    own = transport.__module__.partition(".")[0] in _NAMES
    return own and transport.__name__ in ("HTTPTransport", "AsyncHTTPTransport")


def open_connections(client: Any) -> Iterator[Any]:
    """The connections that a client has open, and those that they wrap."""
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001  (no public name leads there)
        for connection in getattr(getattr(transport, "_pool", None), "connections", ()):
            inner = connection
            while inner is not None:
                yield inner
                inner = getattr(inner, "_connection", None)


def kinds(error: BaseException | None) -> set[str]:
    """The names of the library's classes of an exception, such as `ConnectError`."""
    return {
        cls.__name__ for cls in type(error).__mro__ if cls.__module__.partition(".")[0] in _NAMES
    }


def is_of_core(error: BaseException | None) -> bool:
    """Whether an exception comes from httpcore."""
    return type(error).__module__.partition(".")[0] in _CORES


def raised_by_caller(error: BaseException) -> bool:
    """Whether the caller's code, such as an event hook or an assertion of a mock, raised while the library sent.

    An exception that the library raises within a hook, such as in `response.read()`, is not the caller's.
    """
    frames = [
        (frame.f_globals.get("__name__", "").partition(".")[0], frame.f_code.co_name)
        for frame, _ in walk_tb(error.__traceback__)
    ]
    ours = [number for number, (name, _) in enumerate(frames) if name in _NAMES + _CORES]
    if not ours or ours[-1] == len(frames) - 1:
        return False
    in_transport = any(function == "_send_single_request" for _, function in frames)
    in_hook = not in_transport and frames[ours[-1]][1] == "_send_handling_redirects"
    return in_hook or isinstance(error, AssertionError)
