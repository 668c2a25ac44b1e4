"""What is known about the two HTTP libraries: their clients, their transports, and who raised an error."""

from __future__ import annotations

import importlib
import ssl
import sys
from types import SimpleNamespace
from typing import Any

import httpcore
import httpx
import httpx2
import pytest

from togai import ConfigurationError
from togai._transport import libraries

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    assert libraries.load("httpx2") is httpx2
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r'"httpx2" is not .*pip install "togai\[httpx2\]'):
        libraries.load("httpx2")
    for wrong in (["httpx"], None, "httpcore"):
        with pytest.raises(ConfigurationError, match=r'must be "httpx" or "httpx2"'):
            libraries.load(wrong)


def test_an_interrupt_while_a_library_is_imported_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_name: str) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    with pytest.raises(KeyboardInterrupt):
        libraries.load("httpx")


@LIBRARIES
def test_a_client_of_the_caller_is_of_either_library_and_of_one_kind(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    plain, asynchronous = library.Client(verify=context), library.AsyncClient(verify=context)
    assert libraries.library_of(plain, "Client") is library
    assert libraries.library_of(asynchronous, "AsyncClient") is library
    with pytest.raises(ConfigurationError, match=r"^http_client of Togai .*; AsyncTogai takes"):
        libraries.library_of(asynchronous, "Client")
    with pytest.raises(ConfigurationError, match=r"^http_client of AsyncTogai .*; Togai takes"):
        libraries.library_of(plain, "AsyncClient")
    other = "httpx2" if library is httpx else "httpx"
    monkeypatch.delitem(sys.modules, other)  # not imported, so it is not its client
    assert libraries.library_of(plain, "Client") is library
    plain.close()


@LIBRARIES
@pytest.mark.parametrize("proxy", [None, "http://user:password@proxy.example:8080"])
def test_a_client_of_ours_has_our_settings_and_none_of_the_environment(
    library: Any, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    seen: list[dict[str, Any]] = []

    class Noted(library.Client):  # type: ignore[misc]
        def __init__(self, **settings: Any) -> None:
            seen.append(settings)
            super().__init__(**settings)

    monkeypatch.setattr(library, "Client", Noted)
    limits = {"max_connections": 7, "max_keepalive_connections": 3}
    with libraries.open_client(
        library, "Client", context=context, proxy=proxy, limits=limits
    ) as own:
        response = library.Response(
            200, headers={"Set-Cookie": "a=1"}, request=library.Request("GET", "https://a.example")
        )
        own.cookies.extract_cookies(response)
        assert not own.cookies
    (settings,) = seen
    assert settings == {
        "verify": context,
        "proxy": proxy,
        "limits": library.Limits(max_connections=7, max_keepalive_connections=3),
        "trust_env": False,
    }


# Transports


@LIBRARIES
def test_only_the_library_s_own_transport_reports_every_step(library: Any) -> None:
    class HTTPTransport(library.HTTPTransport):  # type: ignore[misc]
        """Of the caller, although it has the name of the library's."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    secured, plain = (library.Request("GET", f"{s}://a.example") for s in ("https", "http"))
    transports: list[tuple[Any, bool]] = [
        (library.HTTPTransport(verify=context), True),
        (library.AsyncHTTPTransport(verify=context), True),
        (HTTPTransport(verify=context), False),
        (library.MockTransport(lambda _: library.Response(200)), False),
        (SimpleNamespace(), False),
    ]
    for transport, reports in transports:
        client = library.Client(transport=transport, verify=context)
        assert libraries.reports(client, secured) is reports
        mounted = library.Client(mounts={"http://": transport}, verify=context)
        assert libraries.reports(mounted, secured)
        assert libraries.reports(mounted, plain) is reports
    assert not libraries.reports(SimpleNamespace(), secured)


def test_connections_are_those_of_all_transports_and_within_others() -> None:
    inner = SimpleNamespace(_connection=None)
    tunnel = SimpleNamespace(_connection=SimpleNamespace(_connection=inner))
    direct, mounted = SimpleNamespace(), SimpleNamespace()
    client = SimpleNamespace(
        _transport=SimpleNamespace(_pool=SimpleNamespace(connections=[tunnel, direct])),
        _mounts={
            "a": SimpleNamespace(_pool=SimpleNamespace(connections=[mounted])),
            "b": None,
            "c": SimpleNamespace(_pool=SimpleNamespace()),
        },
    )
    found = list(libraries.open_connections(client))
    expected = [tunnel, tunnel._connection, inner, direct, mounted]
    assert list(map(id, found)) == list(map(id, expected))


# Errors


@LIBRARIES
def test_the_kinds_of_an_error_are_the_library_s_classes(library: Any) -> None:
    class OwnError(library.ConnectTimeout):  # type: ignore[misc]
        """Of the caller."""

    expected = {
        *("ConnectTimeout", "TimeoutException", "TransportError", "RequestError", "HTTPError"),
    }
    for cls in (library.ConnectTimeout, OwnError):
        assert libraries.kinds(cls("no")) == expected
    for other in (OSError("no"), TimeoutError(), None, httpcore.ConnectError()):
        assert libraries.kinds(other) == set()


def test_errors_of_the_core_are_those_of_httpcore() -> None:
    core2 = importlib.import_module("httpcore2")
    for error in (httpcore.ConnectError(), core2.ConnectError()):
        assert libraries.is_of_core(error)
    for other in (httpx.ConnectError("no"), OSError(), None):
        assert not libraries.is_of_core(other)


def through(*frames: tuple[str, str], error: Exception) -> Exception:
    """An error that was raised through functions of modules, the last of which raised it."""
    call: Any = None
    for module, function in reversed(frames):
        scope: dict[str, Any] = {"__name__": module, "inner": call, "error": error}
        body = "raise error" if call is None else "inner()"
        exec(f"def {function}():\n    {body}", scope)
        call = scope[function]
    try:
        call()
    except Exception as caught:  # noqa: BLE001  (the error itself)
        return caught.with_traceback(caught.__traceback__)
    raise AssertionError


US = ("togai._transport.http", "outcome")
HANDLING = ("httpx._client", "_send_handling_redirects")
SENDING = ("httpx._client", "_send_single_request")
CORE = ("httpcore._sync.connection", "handle_request")
HOOK = ("billing.hooks", "check")
MOCK = ("billing.mocks", "respond")


@pytest.mark.parametrize(
    ("frames", "of_hook", "of_assertion"),
    [
        ((US, HANDLING, HOOK), True, True),
        ((US, HANDLING, HOOK, MOCK), True, True),
        ((US, HANDLING, SENDING, MOCK), False, True),
        ((US, HANDLING, SENDING, CORE, MOCK), False, True),
        ((US, HANDLING, SENDING, HANDLING, MOCK), False, True),
        ((US, HANDLING, SENDING), False, False),
        ((US, HANDLING, SENDING, CORE), False, False),
        ((US, HANDLING, HOOK, ("httpx._models", "read")), False, False),
        ((US, ("httpx._client", "send"), HOOK), False, True),
        ((US, ("httpx2._client", "_send_handling_redirects"), HOOK), True, True),
        ((US, ("httpcore2.pool", "handle_request"), HOOK), False, True),
        ((US, US), False, False),
        ((US, HOOK), False, False),
    ],
)
def test_an_error_is_the_caller_s_if_its_hook_raised_it_or_a_mock_asserted(
    frames: tuple[tuple[str, str], ...], of_hook: bool, of_assertion: bool
) -> None:
    assert libraries.raised_by_caller(through(*frames, error=ValueError("no"))) is of_hook
    assert libraries.raised_by_caller(through(*frames, error=AssertionError())) is of_assertion


def test_an_error_that_nothing_raised_is_not_the_caller_s() -> None:
    assert not libraries.raised_by_caller(AssertionError())
