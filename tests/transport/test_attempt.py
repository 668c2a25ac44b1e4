"""One attempt: the bytes of the request, the time that is left for it, and the outcome of each failure."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import httpx2
import pytest

from togai import (
    ConnectionFailed,
    ConnectionLost,
    CorrectionOutcomeUnknown,
    Forbidden,
    StatusError,
    Timeout,
    UnexpectedResponse,
    build_event,
)
from togai._transport import clock as clock_module
from togai._transport.auth import Secret
from togai._transport.body import BodyError
from togai._transport.http import Sending
from togai._transport.steps import Attempt, Call, Failure, NoResponse, Response

from ..conftest import TOKEN, Api, Connect
from .servers import EMPTY_LIST, raw_server, send, whole
from .test_faults import Unspeakable, reading_hook, undo, with_own

EVENT = build_event(
    "rides", account_id="acme", timestamp="2024-12-04T07:30:35Z", attributes={"distance": 1}
)


# The request


@contextmanager
def recording(*headers: str) -> Iterator[tuple[str, list[bytes]]]:
    """A server that refuses every correction and lists nothing; and the heads of its requests."""
    heads: list[bytes] = []

    def respond(connection: socket.socket, request: bytes) -> None:
        heads.append(request.partition(b"\r\n\r\n")[0])
        reply = whole(EMPTY_LIST, "Connection: close", *headers)
        if request.startswith(b"POST"):
            reply = reply.replace(b"200 OK", b"400 No")
        connection.sendall(reply)

    with raw_server(respond) as url:
        yield url, heads


def parts(head: bytes) -> tuple[str, dict[str, str]]:
    """The request line, and the headers by their names in lower case, each of which is sent once."""
    line, *rows = head.decode("latin-1").split("\r\n")
    pairs = [row.split(": ", 1) for row in rows]
    headers = {name.lower(): value for name, value in pairs}
    assert len(headers) == len(pairs)
    return line, headers


@pytest.mark.parametrize("own", [False, True], ids=["our client", "injected"])
@pytest.mark.parametrize("extra", [{}, {"X-Team": "billing"}], ids=["", "with a header"])
def test_each_request_has_exactly_these_headers(
    connect: Connect, own: bool, extra: dict[str, str]
) -> None:
    with recording() as (url, heads):
        made = with_own(connect, lambda *_: {}, base_url=url) if own else connect(base_url=url)
        with made as api:
            api.listed(extra_headers=extra)
            api.listed(account_id="a b", extra_headers=extra)
            for more in ({}, {"event": EVENT, "action": "REDO_EVENT"}):
                with pytest.raises(StatusError):
                    api.call(
                        "correct",
                        **{"action": "UNDO", "account_id": "acme", "event_id": "e", **more},
                        extra_headers=extra,
                    )
    expected = {
        "host": url.removeprefix("http://"),
        "connection": "keep-alive",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "authorization": f"Bearer {TOKEN}",
        **{name.lower(): value for name, value in extra.items()},
    }
    lines: list[str] = []
    for number, head in enumerate(heads):
        line, headers = parts(head)
        lines.append(line)
        assert re.fullmatch(r"togai-python/\S+ httpx2?/\S+", headers.pop("user-agent"))
        length = int(headers.pop("content-length", "-1"))
        assert (length > 0, length >= 0) == (number == 3, number >= 2)
        assert headers.pop("content-type", None) == ("application/json" if number == 3 else None)
        assert headers == expected
    assert lines[:2] == ["GET /events HTTP/1.1", "GET /events?account_id=a+b HTTP/1.1"]
    assert "async=false" in lines[2]
    assert len(heads) == 4


COOKIES: dict[str, tuple[dict[str, Any], dict[str, str], str | None]] = {
    "none": ({}, {}, None),
    "of the client": ({"cookies": {"a": "1"}}, {}, "a=1"),
    "in the client's headers": ({"headers": {"Cookie": "b=2"}}, {}, "b=2"),
    "in the call's headers": ({}, {"Cookie": "c=3"}, "c=3"),
    "of the call, not of the client": ({"cookies": {"a": "1"}}, {"Cookie": "c=3"}, "c=3"),
}


@pytest.mark.parametrize("how", COOKIES)
def test_only_cookies_of_the_caller_are_sent(connect: Connect, how: str) -> None:
    settings, headers, cookie = COOKIES[how]
    with recording("Set-Cookie: session=theirs; Path=/") as (url, heads):
        with with_own(connect, lambda *_: settings, base_url=url) as api:
            for _ in range(2):
                api.listed(extra_headers=headers)
            pages = api.client.events.list().pages()
            (page,) = api.collect(pages)
    for head in heads[:2]:
        assert parts(head)[1].get("cookie") == cookie
    assert "set-cookie" not in page.headers
    assert page.headers["connection"] == "close"


def test_parameters_are_written_as_the_service_reads_them() -> None:
    params = {"a b": "c&d", "yes": True, "no": False, "n": 7}
    assert Sending._query(params) == "a+b=c%26d&yes=true&no=false&n=7"


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("own", [{}, {"region": "eu"}], ids=["", "with a parameter"])
@pytest.mark.parametrize("params", [{}, {"account_id": "a b"}], ids=["", "a filter"])
def test_parameters_of_an_injected_client_are_added_to_those_of_the_call(
    library: Any, own: dict[str, str], params: dict[str, str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    sending = alone()
    sending.http = library.Client(params=own, verify=context)
    sending.pool.injected = sending.http
    sending.pool.library, sending.pool.user_agent = library, "togai-python"
    sending.step = Attempt(Call("GET", "/events", params), Timeout(), None, None)
    url = sending._request(lambda *_: None).url
    assert dict(url.params) == {**own, **params}
    assert url.path == "/events"


# What is shown and kept


def alone(response: Any = None) -> Sending:
    """An attempt without a client."""
    step = Attempt(Call("GET", "/events"), Timeout(), None, None)
    pool: Any = SimpleNamespace(base_url="https://a.example")
    return Sending(pool, None, step, Secret(TOKEN), 0.0, response)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError("no route"), "no route"),
        (OSError(), "OSError"),
        (BodyError("too large"), "too large"),
        (httpx.ConnectError("by hand"), "by hand"),
        (httpx2.ConnectError("by hand"), "by hand"),
        (httpx.ConnectError(""), "ConnectError"),
        (ValueError("no"), "ValueError: no"),
        (ValueError(), "ValueError"),
        (Unspeakable(), "Unspeakable"),
        (OSError(f"{TOKEN}\n"), "***\\n"),
    ],
    ids=repr,
)
def test_the_class_of_an_error_is_shown_unless_it_is_of_the_network(
    error: Exception, text: str
) -> None:
    assert alone()._text(error) == text


def test_all_headers_but_cookies_are_kept_by_their_names_in_lower_case() -> None:
    headers = {"X-Id": "a", "SET-COOKIE": "b", "set-cookie": "c", "Cookie": "d"}
    response = SimpleNamespace(status_code=503, headers=headers, reason_phrase="No")
    kept = alone(response)._responded(b"body", "problem")
    assert kept == Response(
        503, b"body", {"x-id": "a", "cookie": "d"}, "No", "problem", secret=Secret(TOKEN)
    )
    lost = alone()
    assert lost._head() == (200, {}, "")
    lost.step.delivery.head = (204, {"a": "b"}, "None")
    assert lost._head() == (204, {"a": "b"}, "None")


@pytest.mark.parametrize(
    ("text", "kinds", "final"),
    [
        ("no route", set(), False),
        ("no route", {"ConnectError"}, False),
        ("407 Proxy Authentication Required", {"ProxyError"}, True),
        ("500 407", {"ProxyError"}, False),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] x", {"ConnectError"}, True),
    ],
)
def test_a_request_that_was_not_sent_is_repeated_unless_it_would_fail_again(
    text: str, kinds: set[str], final: bool
) -> None:
    outcome = alone()._not_sent(OSError(), kinds, text)
    assert (outcome.failure, outcome.final) == (Failure.NOT_SENT, final)
    assert outcome.cause.startswith(f"https://a.example: {text}")
    assert ("SSL_CERT_FILE" in outcome.cause) == ("CERTIFICATE" in text)


def test_an_error_that_is_not_of_the_network_is_final() -> None:
    assert alone()._not_sent(ValueError(), set(), "no").final
    assert not alone()._not_sent(ValueError(), {"ConnectError"}, "no").final


# The time


class Stepping(clock_module.Clock):
    """A clock that shows the given times, and then the last of them."""

    def __init__(self, *times: float) -> None:
        self.times = list(times)

    def now(self) -> float:
        return self.times.pop(0) if self.times[1:] else self.times[0]


@pytest.mark.parametrize(
    ("times", "timeouts"),
    [
        ([999.5], [0.5]),
        ([999.0], [1.0]),
        ([990.0], [5.0]),
        ([999.0, 999.9995], [0.001]),
        ([999.0, 1001.0], [0.001]),
        ([1000.0], []),
        ([1001.0], []),
    ],
    ids=str,
)
def test_an_attempt_gets_the_time_that_is_left_and_is_not_sent_without_any(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, times: list[float], timeouts: list[float]
) -> None:
    seen: list[float] = []

    def make(library: Any, _is_async: bool) -> dict[str, Any]:
        def respond(request: Any) -> Any:
            seen.append(request.extensions["timeout"]["connect"])
            return library.Response(200, json={"events": []})

        return {"transport": library.MockTransport(respond)}

    with with_own(connect, make) as api:
        pool = api.client._runner.pool
        step = Attempt(Call("GET", "/events"), Timeout(), None, None)
        sending = Sending(pool, pool.injected, step, Secret(TOKEN), deadline=1000.0)
        with monkeypatch.context() as patch:
            patch.setattr(clock_module, "current", Stepping(*times))
            run = api.resolve if api.is_async else pool.io.run
            outcome = run(sending.outcome())
        assert "Response" not in repr(sending)  # whose reason may repeat the token
    assert seen == pytest.approx(timeouts)
    if not timeouts:
        text = "the time for the call was over before the request could be sent"
        assert outcome == NoResponse(Failure.NOT_SENT, text)


@pytest.mark.parametrize("timeout", [Timeout(pool=0.1), Timeout(total=0.1)], ids=str)
def test_a_call_that_gets_no_connection_in_time_was_not_sent(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, timeout: Timeout
) -> None:
    monkeypatch.setattr("togai._transport.pool.MAX_CONNECTIONS", 0)
    with connect(max_retries=0, timeout=timeout) as api, pytest.raises(ConnectionFailed):
        undo(api)


# The outcome


@pytest.mark.parametrize("status", [200, 299, 300, 500])
def test_the_status_decides_about_a_body_that_was_lost_unless_it_is_a_success(
    connect: Connect, status: int
) -> None:
    cut = whole(b"{", length=9).replace(b"200 OK", b"%d No" % status)
    with raw_server(send(cut)) as url, connect(base_url=url, max_retries=0) as api:
        with pytest.raises(ConnectionLost if status < 300 else StatusError) as caught:
            api.listed()
    assert getattr(caught.value, "status", status) == status


def failing(api: Api, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every connection of the client fail with an error."""

    def fail(*_: object, **__: object) -> Any:
        raise error

    async def fail_async(*_: object, **__: object) -> Any:
        raise error

    for core in ("httpcore", "httpcore2"):
        monkeypatch.setattr(f"{core}._backends.sync.SyncBackend.connect_tcp", fail)
        monkeypatch.setattr(f"{core}._backends.auto.AutoBackend.connect_tcp", fail_async)


@pytest.mark.parametrize(
    ("error", "attempts", "text"),
    [
        (OSError("no route"), 3, "no route"),
        (OSError(), 3, "OSError"),
        (Unspeakable(), 3, "Unspeakable"),
        (ValueError("no"), 1, "ValueError: no"),
        (ValueError(), 1, "ValueError"),
    ],
    ids=repr,
)
def test_only_an_error_of_the_network_is_retried_and_each_error_is_named(
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    no_waits: list[float],
    error: Exception,
    attempts: int,
    text: str,
) -> None:
    with connect(base_url="https://billing.example", max_retries=2) as api:
        failing(api, error, monkeypatch)
        with pytest.raises(ConnectionFailed) as caught:
            undo(api)
    counted = f" (attempts: {attempts})" if attempts > 1 else ""
    assert str(caught.value).endswith(
        f"could not connect: https://billing.example: {text}{counted}"
    )
    assert caught.value.attempts == attempts


def test_an_error_of_the_library_is_retried_and_shown_without_its_class(
    connect: Connect, no_waits: list[float]
) -> None:
    def make(library: Any, _is_async: bool) -> dict[str, Any]:
        def fail(_request: Any) -> Any:
            raise library.ConnectError("by hand")

        return {"transport": library.MockTransport(fail)}

    with with_own(connect, make, max_retries=2) as api:
        with pytest.raises(ConnectionFailed, match=r": by hand \(attempts: 3\)$"):
            api.listed()
        with pytest.raises(CorrectionOutcomeUnknown):
            undo(api)


def test_our_own_transport_that_fails_after_its_first_report_has_not_sent_it(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(base_url="https://billing.example", max_retries=0) as api:
        library = api.client._runner.pool.library
        failing(api, library.ConnectError("by hand"), monkeypatch)
        with pytest.raises(ConnectionFailed, match="by hand"):
            undo(api)


@pytest.mark.parametrize("status", [200, 403])
def test_a_hook_that_reads_the_response_and_raises_for_its_status(
    connect: Connect, status: int
) -> None:
    def make(library: Any, is_async: bool) -> dict[str, Any]:
        def check(response: Any) -> None:
            response.read()
            response.raise_for_status()

        async def check_async(response: Any) -> None:
            await response.aread()
            response.raise_for_status()

        return {"event_hooks": {"response": [check_async if is_async else check]}}

    reply = whole(EMPTY_LIST).replace(b"200 OK", b"%d No" % status)
    with raw_server(send(reply)) as url, with_own(connect, make, base_url=url) as api:
        if status == 200:
            assert api.listed() == []
        else:
            with pytest.raises(Forbidden):
                api.listed()


class EndError(BaseException):
    """Ends the program, or a task."""


@pytest.mark.parametrize("where", ["build", "send", "read", "decode"])
def test_what_ends_the_program_passes_at_every_instant_of_an_attempt(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def end(*_: object, **__: object) -> Any:
        raise EndError

    def make(library: Any, is_async: bool) -> dict[str, Any]:
        class Stream(library.AsyncByteStream if is_async else library.SyncByteStream):  # type: ignore[misc]
            def __iter__(self) -> Any:
                yield b"{" if where == "read" else b"{}"
                if where == "read":
                    end()

            async def __aiter__(self) -> Any:
                for chunk in self:
                    yield chunk

        def respond(_request: Any) -> Any:
            return end() if where == "send" else library.Response(200, stream=Stream())

        return {"transport": library.MockTransport(respond)}

    with with_own(connect, make) as api, monkeypatch.context() as patch:
        if where == "build":
            patch.setattr(api.client._runner.pool.injected, "build_request", end)
        elif where == "decode":
            patch.setattr("togai._transport.body.Body.decoded", end)
        with pytest.raises(EndError):
            api.listed()


def test_a_body_that_a_hook_cannot_decode_is_taken_for_a_success_without_a_status_line(
    connect: Connect,
) -> None:
    def make(library: Any, is_async: bool) -> dict[str, Any]:
        def respond(_request: Any) -> Any:
            damaged = {"Content-Encoding": "gzip"}
            return library.Response(204, headers=damaged, stream=library.ByteStream(b"\x1f\x8b no"))

        return {"transport": library.MockTransport(respond), **reading_hook(library, is_async)}

    with with_own(connect, make) as api:
        with pytest.raises(UnexpectedResponse, match="200 with a body that cannot be decompressed"):
            api.listed()


@pytest.mark.slow
def test_an_untrusted_certificate_is_explained(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(base_url="https://billing.example", max_retries=2) as api:
        failing(api, OSError("CERTIFICATE_VERIFY_FAILED"), monkeypatch)
        with pytest.raises(ConnectionFailed, match="set SSL_CERT_FILE or http_client=") as caught:
            api.listed()
        assert caught.value.attempts == 1
        failing(api, OSError("no"), monkeypatch)
        with pytest.raises(ConnectionFailed) as other:
            undo(api)
        assert "SSL_CERT_FILE" not in str(other.value)
