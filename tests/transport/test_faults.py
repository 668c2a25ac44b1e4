"""Each kind of fault on the wire, for listings and corrections: see the table in CONTRIBUTING.md."""

from __future__ import annotations

import decimal
import gzip
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import h11
import httpx
import httpx2
import pytest

from togai import (
    BadRequest,
    ConfigurationError,
    ConnectionFailed,
    CorrectionOutcomeUnknown,
    Forbidden,
    InvalidRequest,
    TogaiError,
    UnexpectedResponse,
)
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api, Connect
from .conftest import two_of_four_clients
from .servers import EMPTY_LIST, raw_server, read_head, send, whole

LIBRARIES: dict[str, Any] = {"httpx": httpx, "httpx2": httpx2}


def undo(api: Api) -> Any:
    return api.call("undo", account_id="acme", event_id="event-1")


def library_of(api: Api) -> Any:
    return api.client._runner.pool.library


@contextmanager
def with_own(
    connect: Connect, make: Callable[[Any, bool], dict[str, Any]], **settings: Any
) -> Iterator[Api]:
    """An api on a client of the caller's own, of the same kind and library."""
    with connect() as plain:
        library, is_async = library_of(plain), plain.is_async
    arguments = make(library, is_async)
    own = (library.AsyncClient if is_async else library.Client)(**arguments)
    with connect(http_client=own, **settings) as api:
        yield api
        api.resolve(own.aclose() if is_async else own.close())


# Only our errors leave a call


class Unspeakable(OSError):
    """Cannot even be shown."""

    def __str__(self) -> str:
        raise ValueError


FOREIGN: list[Exception] = [
    Unspeakable(),
    ssl.SSLError(1, "record layer failure"),
    ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
    OSError(5, "input/output error"),
    ConnectionResetError(104, "reset"),
    TimeoutError("late"),
    EOFError(),
    ValueError("no"),
    UnicodeError("label too long"),
    UnicodeDecodeError("idna", b"x", 0, 1, "bad"),
    RuntimeError("no"),
    KeyError("no"),
    AttributeError("no"),
    decimal.InvalidOperation(),
    ZeroDivisionError(),
    RecursionError(),
    MemoryError(),
    zlib.error("no"),
    h11.LocalProtocolError("no"),
    anyio.BrokenResourceError(),
    anyio.ClosedResourceError(),
    ExceptionGroup("several", [OSError("one"), ValueError("two")]),
]
POINTS = {
    "connect": ("_backends.sync.SyncBackend.connect_tcp", "_backends.auto.AutoBackend.connect_tcp"),
    "write": ("_backends.sync.SyncStream.write", "_backends.anyio.AnyIOStream.write"),
    "read": ("_backends.sync.SyncStream.read", "_backends.anyio.AnyIOStream.read"),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_foreign_exception_of_the_network_is_an_error_of_ours(
    connect: Connect, url: str, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    error: Exception

    def fail(*_: object, **__: object) -> Any:
        raise error

    async def fail_async(*_: object, **__: object) -> Any:
        raise error

    for core in ("httpcore", "httpcore2"):
        monkeypatch.setattr(f"{core}.{POINTS[point][0]}", fail)
        monkeypatch.setattr(f"{core}.{POINTS[point][1]}", fail_async)
    with connect(base_url=url, max_retries=0) as api:
        for error in FOREIGN:  # noqa: B007  (raised by the functions above)
            with pytest.raises(TogaiError) as caught:
                api.listed()
            assert not isinstance(caught.value, InvalidRequest | ConfigurationError)
            expected = ConnectionFailed if point == "connect" else CorrectionOutcomeUnknown
            with pytest.raises(expected):
                undo(api)


@pytest.mark.parametrize("point", ["transport", "body"])
def test_a_foreign_exception_of_a_transport_is_an_error_of_ours(
    connect: Connect, point: str
) -> None:
    error: Exception

    def make(library: Any, is_async: bool) -> dict[str, Any]:
        class Breaks(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]
            def __iter__(self) -> Iterator[bytes]:
                yield b"{"
                raise error

            async def __aiter__(self) -> Any:
                yield b"{"
                raise error

        def respond(_request: object) -> Any:
            if point == "transport":
                raise error
            return library.Response(200, stream=Breaks())

        return {"transport": library.MockTransport(respond)}

    with with_own(connect, make, max_retries=0) as api:
        for error in FOREIGN:  # noqa: B007  (raised by the functions above)
            with pytest.raises(TogaiError):
                api.listed()
            with pytest.raises(CorrectionOutcomeUnknown):
                undo(api)


def reading_hook(library: Any, is_async: bool) -> dict[str, Any]:
    """A client that reads each response in an event hook, as loggers do."""

    def read(response: Any) -> None:
        response.read()

    async def aread(response: Any) -> None:
        await response.aread()

    return {"event_hooks": {"response": [aread if is_async else read]}}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_a_hook_cannot_decode_is_an_error_of_ours(connect: Connect, coding: str) -> None:
    damaged = whole(b"\x1f\x8b no compression", f"Content-Encoding: {coding}")
    with raw_server(send(damaged)) as url, with_own(connect, reading_hook, base_url=url) as api:
        with pytest.raises(UnexpectedResponse, match="200 with a body that cannot be decompressed"):
            api.listed()
        with pytest.raises(CorrectionOutcomeUnknown):
            undo(api)


@pytest.mark.parametrize("point", ["request", "response"])
@pytest.mark.parametrize("error", [LookupError("mine"), OSError("mine"), ssl.SSLError("mine")])
def test_what_a_hook_of_the_caller_raises_passes(
    connect: Connect, url: str, point: str, error: Exception
) -> None:
    def make(_library: Any, is_async: bool) -> dict[str, Any]:
        def fail(_message: object) -> None:
            raise error

        async def fail_async(_message: object) -> None:
            raise error

        return {"event_hooks": {point: [fail_async if is_async else fail]}}

    with with_own(connect, make, base_url=url) as api:
        with pytest.raises(type(error), match="mine"):
            api.listed()


def test_a_hook_that_raises_for_the_status_leaves_the_error_to_us(
    connect: Connect, fake: FakeTogai
) -> None:
    def make(_library: Any, is_async: bool) -> dict[str, Any]:
        def check(response: Any) -> None:
            response.raise_for_status()

        async def check_async(response: Any) -> None:
            response.raise_for_status()

        hooks = {"response": [check_async if is_async else check]}
        return {"transport": fake.transport(), "event_hooks": hooks}

    fake.fail_next(status=403)
    with with_own(connect, make) as api, pytest.raises(Forbidden):
        api.listed()


def test_an_assertion_of_a_mock_passes(connect: Connect) -> None:
    def make(library: Any, _is_async: bool) -> dict[str, Any]:
        def respond(_request: object) -> Any:
            raise AssertionError("of a test")

        return {"transport": library.MockTransport(respond)}

    with with_own(connect, make) as api, pytest.raises(AssertionError, match="of a test"):
        api.listed()


@pytest.mark.parametrize("name", ["InvalidURL", "ValueError", "UnicodeError"])
def test_a_request_that_cannot_be_built_is_refused(
    connect: Connect, fake: FakeTogai, url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with connect(base_url=url) as api:
        library = library_of(api)
        error = (
            getattr(library, name, None)
            or {
                "ValueError": ValueError,
                "UnicodeError": UnicodeError,
            }[name]
        )

        def fail(*_: object, **__: object) -> Any:
            raise error("URL too long")

        monkeypatch.setattr(library.Request, "__init__", fail)
        for call in (api.listed, lambda: undo(api)):
            with pytest.raises(InvalidRequest, match=r"cannot be built: .*URL too long"):
                call()
    assert fake.requests == []


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "xn--a.example"])
def test_a_host_that_cannot_exist_is_an_error_of_ours(connect: Connect, host: str) -> None:
    with pytest.raises(TogaiError):
        with connect(base_url=f"https://{host}", max_retries=0) as api:
            api.listed()


def test_the_network_may_fail_while_a_complete_response_is_closed(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ssl.SSLError("close")

    async def fail_async(*_: object) -> None:
        raise ssl.SSLError("close")

    with raw_server(send(whole(EMPTY_LIST, "Connection: close"))) as url:
        with connect(base_url=url, max_retries=0) as api:
            with monkeypatch.context() as patch:
                for core in ("httpcore", "httpcore2"):
                    patch.setattr(f"{core}._backends.sync.SyncStream.close", fail)
                    patch.setattr(f"{core}._backends.anyio.AnyIOStream.aclose", fail_async)
                assert api.listed() == []


def test_trio_is_refused_before_anything_is_sent(url: str, fake: FakeTogai) -> None:
    from togai import AsyncTogai
    from togai.jobs import export_async

    client = AsyncTogai(TOKEN, base_url=url)
    events = client.events
    for call in (
        events.get("event-1"),
        events.undo(account_id="acme", event_id="event-1"),
        events.find("acme"),
        anext(events.list(prefetch=1)),
        anext(events.list_many(["acme"])),
        export_async(client, ["acme"], "export.csv"),
    ):
        with pytest.raises(ConfigurationError, match="asyncio"):
            call.__await__().__next__()  # as a loop of another library does
    assert fake.requests == []


# The status line decides

MOST = 1_000_000  # instead of the 16 MiB that are read of a body

BROKEN_BODIES: dict[str, tuple[bytes, str]] = {
    "not gzip": (b"\x1f\x8b no", "Content-Encoding: gzip\r\nContent-Length: 5"),
    "cut off": (b"{", "Content-Length: 99"),
    "too large": (b" " * (MOST + 1), f"Content-Length: {MOST + 1}"),
    "unknown coding": (b"\x8b\x01", "Content-Encoding: br\r\nContent-Length: 2"),
    "not UTF-8": (b"\xff", "Content-Length: 1"),
    "number beyond range": (b'{"a": 1e99999999999999999999}', "Content-Length: 29"),
    "bad chunks": (b"xyz\r\n", "Transfer-Encoding: chunked"),
}


def broken(status: int, how: str) -> bytes:
    body, headers = BROKEN_BODIES[how]
    return f"HTTP/1.1 {status} No\r\nConnection: close\r\n{headers}\r\n\r\n".encode() + body


@two_of_four_clients
@pytest.mark.parametrize("how", BROKEN_BODIES)
@pytest.mark.parametrize("hook", [False, True])
def test_a_broken_error_body_changes_nothing(
    connect: Connect,
    no_waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    hook: bool,
) -> None:
    monkeypatch.setattr("togai._transport.body.MAX_BODY", MOST)
    replies: list[bytes] = []
    good = whole(EMPTY_LIST, "Connection: close")

    def respond(connection: Any, _head: bytes) -> None:
        connection.sendall(replies.pop(0))

    make = reading_hook if hook else lambda _library, _is_async: {}
    tokens = iter(["old", "new", "newer", "newest"])
    with raw_server(respond) as url:
        with with_own(connect, make, base_url=url) as api:
            for status in (429, 503):
                replies.extend([broken(status, how), good])
                assert api.listed() == []
            replies.extend([broken(400, how), broken(500, how)])
            with pytest.raises(BadRequest):
                undo(api)
            with pytest.raises(CorrectionOutcomeUnknown) as caught:
                undo(api)
            assert caught.value.status == 500
        with with_own(connect, make) as plain:
            client = plain.client._runner.pool.injected
            with connect(lambda: next(tokens), base_url=url, http_client=client) as api:
                replies.extend([broken(401, how), good])
                assert api.listed() == []
    assert replies == []


# Codings

TEXT = EMPTY_LIST


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


CODINGS: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", gzip.compress(TEXT)),
    "x-gzip": ("x-gzip", gzip.compress(TEXT)),
    "upper case": ("GZip", gzip.compress(TEXT)),
    "gzip, identity": ("gzip, identity", gzip.compress(TEXT)),
    "identity, gzip": ("identity,gzip", gzip.compress(TEXT)),
    "gzip twice": ("gzip, gzip", gzip.compress(gzip.compress(TEXT))),
    "gzip that is not named": ("", gzip.compress(TEXT)),
    "gzip of several members": ("gzip", gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:])),
    "gzip with zeros behind": ("gzip", gzip.compress(TEXT) + b"\0" * 9),
    "deflate": ("deflate", zlib.compress(TEXT)),
    "raw deflate": ("deflate", raw_deflate(TEXT)),
    "deflate, gzip": ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
    "utf-8": ("utf-8", TEXT),
    "none": ("none", TEXT),
    "unknown": ("unknown, br", TEXT),
    "decoded already": ("gzip", TEXT),
    "decoded deflate": ("deflate", TEXT),
    "decoded brotli": ("br", TEXT),
    "empty": ("", TEXT),
}


@pytest.mark.parametrize("how", CODINGS)
def test_a_body_is_read_whatever_its_coding_is_called(connect: Connect, how: str) -> None:
    coding, body = CODINGS[how]
    response = whole(body, f"Content-Encoding: {coding}")
    with raw_server(send(response)) as url, connect(base_url=url, max_retries=0) as api:
        assert api.listed() == []


# Compressed when they are needed: it takes long.
UNREADABLE: dict[str, Callable[[], bytes]] = {
    "cut off": lambda: gzip.compress(TEXT)[:-9],
    "bomb in a bomb": lambda: gzip.compress(gzip.compress(b" " * 64_000_000)),
    "members": lambda: gzip.compress(b"") * 200 + gzip.compress(TEXT),
    "deflated bomb": lambda: zlib.compress(b" " * 64_000_000),
    "deflated bomb in gzip": lambda: gzip.compress(zlib.compress(b" " * 64_000_000)),
}


@two_of_four_clients
@pytest.mark.parametrize("what", UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused(connect: Connect, what: str) -> None:
    response = whole(UNREADABLE[what](), "Content-Encoding: deflate, gzip")
    with raw_server(send(response)) as url, connect(base_url=url, max_retries=0) as api:
        with pytest.raises(UnexpectedResponse):
            api.listed()


# Proxies


@pytest.mark.parametrize("status", [407, 503])
def test_a_proxy_that_requires_a_password_gets_no_retry(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, no_waits: list[float], status: int
) -> None:
    refusal = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    with raw_server(send(refusal)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with connect(base_url="https://billing.example", max_retries=2) as api:
            with pytest.raises(ConnectionFailed) as caught:
                api.listed()
    assert caught.value.attempts == (1 if status == 407 else 3)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.9.10", "localhost."])
def test_this_machine_is_never_reached_through_a_proxy(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, fake: FakeTogai, url: str, host: str
) -> None:
    seen: list[bytes] = []
    with raw_server(lambda _connection, head: seen.append(head)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
            monkeypatch.setenv(name.lower(), proxy)
        with connect(base_url=url.replace("127.0.0.1", host), max_retries=0) as api:
            try:
                assert api.listed() == []
            except ConnectionFailed:
                # Where not all of 127.0.0.0/8 is served, and names do not end with a dot.
                assert host in ("127.8.9.10", "localhost.")
    assert seen == [b""] * len(seen)


@pytest.mark.parametrize(
    "entry", ["::1/128", "[::1]", "fe80::%eth0", "10.0.0.0/8", "a b", "http://"]
)
def test_entries_of_no_proxy_that_nobody_can_parse_change_nothing(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, url: str, entry: str
) -> None:
    monkeypatch.setenv("NO_PROXY", f"{entry},.billing.example")
    with connect(base_url=url) as api:
        assert api.listed() == []
    with raw_server(send(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with connect(base_url="https://other.example", max_retries=0) as api:
            with pytest.raises(ConnectionFailed, match="407"):
                api.listed()


@pytest.mark.parametrize("status", [300, 304])
def test_only_a_redirect_is_called_one(connect: Connect, status: int) -> None:
    with raw_server(send(f"HTTP/1.1 {status} No\r\n\r\n".encode())) as url:
        with connect(base_url=url) as api, pytest.raises(TogaiError) as caught:
            api.listed()
    assert "redirect" not in str(caught.value)


# No state


@pytest.mark.parametrize("injected", [False, True])
def test_cookies_of_responses_are_not_kept(connect: Connect, injected: bool) -> None:
    heads: list[bytes] = []

    def respond(connection: Any, head: bytes) -> None:
        while head:
            heads.append(head)
            connection.sendall(whole(EMPTY_LIST, "Set-Cookie: session=tenant-a; Path=/"))
            head = read_head(connection)

    def make(_library: Any, _is_async: bool) -> dict[str, Any]:
        return {"cookies": {"gateway": "mine"}}

    with raw_server(respond) as url:
        with with_own(connect, make, base_url=url) if injected else connect(base_url=url) as api:
            for _ in range(2):
                api.listed()
    assert len(heads) == 2
    assert b"tenant-a" not in b"".join(heads)
    assert b"".join(heads).count(b"gateway=mine") == (2 if injected else 0)


def test_a_refusal_that_names_what_every_correction_sends_says_so(connect: Connect) -> None:
    body = b'{"message": "unknown parameter require_confirmation"}'
    head = b"HTTP/1.1 400 No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with raw_server(send(head + body)) as url, connect(base_url=url) as api:
        with pytest.raises(BadRequest, match="sends require_confirmation with every correction"):
            undo(api)
        with pytest.raises(BadRequest) as caught:
            api.listed()
    assert "every correction" not in str(caught.value)
