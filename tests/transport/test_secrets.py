"""Secrets and control characters are never shown, and sockets are always closed."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import pickle
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

import togai
from togai import AsyncTogai, BadRequest, ConfigurationError, Togai, TogaiError
from togai._transport import libraries

from ..conftest import Connect
from .servers import EMPTY_LIST, raw_server, read_head, send, whole

SECRET = "sk_live/0123456789abcdef+0123456789"
EVIL = "\x1b[31m\r\n\u202e\u2066\x00\x7f\ud800"


def frames(error: BaseException) -> Iterator[str]:
    """The locals of all frames of ours that a traceback holds, as tools show them."""
    seen: BaseException | None = error
    while seen is not None:
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            if frame.f_globals.get("__name__", "").split(".")[0] == togai.__name__:
                yield repr(frame.f_locals)
        seen = seen.__cause__ or seen.__context__


@pytest.mark.parametrize("cls", [Togai, AsyncTogai])
@pytest.mark.parametrize(
    "settings",
    [{}, {"base_url": "http://elsewhere.example"}, {"timeout": -1}, {"http_client": 5}],
    ids=str,
)
def test_no_frame_of_a_constructor_holds_the_token(cls: Any, settings: dict[str, Any]) -> None:
    token = SECRET if settings else f"{SECRET} with blanks"
    with pytest.raises(ConfigurationError) as caught:
        cls(token, **settings)
    assert all(SECRET not in text for text in frames(caught.value))


@pytest.mark.parametrize("cls", [Togai, AsyncTogai])
@pytest.mark.parametrize(
    "name",
    [
        "base_url",
        "timeout",
        "max_retries",
        "requests_per_second",
        "strict",
        "on_drift",
        "default_headers",
        "http_client",
        "http_library",
    ],
)
def test_a_token_in_the_place_of_any_setting_is_not_shown(cls: Any, name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cls("token", **{name: SECRET})
    assert all(SECRET not in text for text in frames(caught.value))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("fault", ["lost", "refused", "callable", "strict"])
def test_no_frame_of_a_call_holds_the_token(connect: Connect, fault: str) -> None:
    def token() -> str:
        return f"{SECRET} {SECRET}" if fault == "callable" else SECRET

    reply = {
        "lost": b"",
        "refused": b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n",
        "strict": whole(b'{"events": [{}]}'),
        "callable": b"",
    }[fault]
    with raw_server(send(reply)) as url:
        strict = fault == "strict"
        with connect(token, base_url=url, max_retries=0, strict=strict) as api:
            with pytest.raises(TogaiError) as caught:
                api.listed()
            with pytest.raises(TogaiError) as again:
                api.call("undo", account_id="acme", event_id="event-1")
    for error in (caught.value, again.value):
        assert all(SECRET not in text for text in frames(error))
        assert SECRET not in "".join(traceback.format_exception(error))


def test_no_frame_holds_the_password_of_a_proxy(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:{SECRET[8:]}@proxy.example:wrong")
    with connect(base_url="https://billing.example") as api:
        with pytest.raises(ConfigurationError) as caught:
            api.listed()
    assert all(SECRET[8:] not in text for text in frames(caught.value))
    assert SECRET[8:] not in "".join(traceback.format_exception(caught.value))


def test_a_token_in_an_announcement_is_not_logged(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    reply = whole(EMPTY_LIST, f"Deprecation: {SECRET}", f"Sunset: {SECRET[8:]}")
    with raw_server(send(reply)) as url, connect(SECRET, base_url=url) as api:
        api.listed()
    assert "announces the end" in caplog.text
    assert SECRET[8:] not in caplog.text


ECHOES = [
    SECRET,
    f"Bearer {SECRET}",
    SECRET[:20],
    SECRET.replace("/", "\\/"),
    SECRET.replace("/", "%2F").replace("+", "%2B"),
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [200, 400])
def test_a_token_that_the_service_repeats_is_not_shown(
    connect: Connect, caplog: pytest.LogCaptureFixture, echo: str, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    body = json.dumps({"message": f"bad token {echo}"}).encode()
    head = (
        f"HTTP/1.1 {status} {echo}\r\nX-Request-Id: {echo}\r\nContent-Type: {echo}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with raw_server(send(head + body)) as url:
        with connect(SECRET, base_url=url) as api, pytest.raises(TogaiError) as caught:
            api.listed()
    shown = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("togai")]
    for text in (shown, *ours, str(pickle.dumps(caught.value))):
        assert SECRET[8:20] not in text


def test_what_the_service_says_is_shown_on_one_line(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps({"message": f"no {EVIL} way"}).encode()
    reply = b"HTTP/1.1 400 No\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with raw_server(send(reply)) as url, connect(base_url=url) as api:
        with pytest.raises(BadRequest) as caught:
            api.listed()
    for text in (
        str(caught.value),
        caught.value.message,
        caught.value.snippet,
        caplog.text.strip(),
    ):
        assert text.replace("\n", "").isprintable()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("options", [{}, {"trust_end": True}, {"strict": True}], ids=str)
def test_a_name_in_the_envelope_is_shown_on_one_line(
    connect: Connect, caplog: pytest.LogCaptureFixture, options: dict[str, bool]
) -> None:
    strict = options.pop("strict", False)
    reply = whole(json.dumps({"events": [], f"next{EVIL}": "x"}).encode())
    with raw_server(send(reply)) as url, connect(base_url=url, strict=strict) as api:
        if options:
            assert api.listed(**options) == []
        else:
            with pytest.raises(TogaiError) as caught:
                api.listed()
            assert str(caught.value).isprintable()
    assert all(record.getMessage().isprintable() for record in caplog.records)


def test_a_correction_that_failed_shows_reasons_on_one_line(connect: Connect) -> None:
    entry = {
        "referenceId": f"ref-1{EVIL}",
        "status": "FAILED",
        "reason": f"no {EVIL}",
        "eventPayload": {"id": "event-1", "accountId": "acme"},
        "ingestionStatus": {"status": "REVERTED"},
        "createdAt": "2024-12-04T07:30:35Z",
    }
    reply = whole(json.dumps({"data": [entry]}).encode())
    with raw_server(send(reply)) as url, connect(base_url=url) as api:
        result = api.call("undo", account_id="acme", event_id="event-1")
        with pytest.raises(TogaiError) as caught:
            result.raise_for_failures()
    assert str(caught.value).isprintable()


def test_a_client_that_is_not_closed_frees_its_sockets_without_the_cycle_collector() -> None:
    ended = threading.Event()

    def respond(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(whole(EMPTY_LIST))
        if not read_head(connection):
            ended.set()

    gc.collect()
    gc.disable()
    try:
        with raw_server(respond) as url:
            client = Togai("test-token", base_url=url)
            assert list(client.events.list()) == []
            del client
            assert ended.wait(10)
    finally:
        gc.enable()


def test_headers_of_the_caller_are_sent_but_never_the_token(connect: Connect) -> None:
    heads: list[bytes] = []

    def respond(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        connection.sendall(whole(EMPTY_LIST, "Connection: close"))

    with raw_server(respond) as url:
        with connect(base_url=url, default_headers={"X-Team": "billing", "X-Env": "a"}) as api:
            api.listed(extra_headers={"x-env": "b"})
            api.listed()
            for wrong in (
                {"Authorization": "x"},
                {"a b": "x"},
                {"a": "x\r\ny: z"},
                {"a": 1},
                ["a"],
            ):
                with pytest.raises(togai.InvalidRequest, match="extra_headers"):
                    api.listed(extra_headers=wrong)
        for wrong in ({"authorization": "x"}, {"Host": "x"}, {"a": "ü"}):
            with pytest.raises(ConfigurationError, match="default_headers"):
                with connect(base_url=url, default_headers=wrong):
                    pass
    first, second = (head.lower() for head in heads)
    assert b"\r\nx-team: billing\r\n" in first
    assert b"\r\nx-env: b\r\n" in first
    assert b"\r\nx-env: a\r\n" in second
    assert b"user-agent: togai-python/" in first
    assert b" httpx" in first


@pytest.mark.parametrize("argument", ["default_headers", "extra_headers"])
def test_a_header_of_the_caller_is_sent_as_http_reads_it(connect: Connect, argument: str) -> None:
    heads: list[bytes] = []

    def respond(connection: socket.socket, head: bytes) -> None:
        heads.append(head.lower())
        connection.sendall(whole(EMPTY_LIST, "Connection: close", "Set-Cookie: session=theirs"))

    headers = {argument: {"Cookie": "gateway=mine", "X-Blank": " a b "}}
    default = argument == "default_headers"
    with raw_server(respond) as url, connect(base_url=url, **headers if default else {}) as api:
        for _ in range(2):
            api.listed(**{} if default else headers)
    for head in heads:
        assert b"\r\ncookie: gateway=mine\r\n" in head
        assert b"\r\nx-blank: a b\r\n" in head
    assert len(heads) == 2


def test_the_log_of_the_environment_goes_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    logger = logging.getLogger("togai")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    monkeypatch.setenv("TOGAI_LOG", "debug")
    with Togai("test-token", base_url=url) as client:
        list(client.events.list())
    assert "GET /events 200" in capsys.readouterr().err
    monkeypatch.setenv("TOGAI_LOG", "loud")
    with pytest.raises(ConfigurationError, match="TOGAI_LOG"):
        Togai("test-token", base_url=url)


def test_the_end_of_an_operation_is_logged_once(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    reply = whole(EMPTY_LIST, "Deprecation: @1735689600", "Sunset: Wed, 31 Dec 2025 23:59:59 GMT")
    with raw_server(send(reply)) as url, connect(base_url=url) as api:
        for _ in range(3):
            api.listed()
            api.call("get_all", "ride-1")
            api.call("get_all", "ride-2")
    messages = [
        record.getMessage()
        for record in caplog.records
        if "announces the end" in record.getMessage()
    ]
    assert len(messages) == 2
    assert "GET /events (deprecation: @1735689600, sunset: Wed, 31 Dec 2025" in messages[0]
    assert "GET /events/{event_id}" in messages[1]


# Cancellation


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("point", ["connecting", "reading", "time-out"])
def test_eight_calls_that_end_early_on_two_connections_leave_the_client_usable(
    monkeypatch: pytest.MonkeyPatch, library: Any, point: str
) -> None:
    monkeypatch.setattr("togai._transport.pool.MAX_CONNECTIONS", 2)
    started, over = threading.Event(), threading.Event()
    contexts: list[object] = []
    open_client = libraries.open_client

    def noted(*arguments: Any, context: ssl.SSLContext, **settings: Any) -> Any:
        contexts.append(context)
        return open_client(*arguments, context=context, **settings)

    monkeypatch.setattr(libraries, "open_client", noted)

    def respond(connection: socket.socket, _head: bytes) -> None:
        if not over.is_set():
            if point == "reading":
                connection.sendall(whole(EMPTY_LIST)[:-3])
            started.set()
            over.wait(30)
            return
        connection.sendall(whole(EMPTY_LIST, "Connection: close"))

    async def run(url: str) -> None:
        async with AsyncTogai(
            "test-token",
            base_url=url,
            requests_per_second=None,
            max_retries=0,
            http_library=library,
        ) as client:

            async def listed(timeout: float | None = None) -> int:
                return len([event async for event in client.events.list(timeout=timeout)])

            timeout = 0.5 if point == "time-out" else None
            tasks = [asyncio.ensure_future(listed(timeout)) for _ in range(8)]
            await asyncio.sleep(0)
            while point == "reading" and not started.is_set():
                await asyncio.sleep(0.005)
            if point != "time-out":
                for task in tasks:
                    task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            kind = TogaiError if point == "time-out" else asyncio.CancelledError
            assert all(isinstance(reference, kind) for reference in ended)
            over.set()
            assert await asyncio.gather(*(listed() for _ in range(8))) == [0] * 8

    with raw_server(respond) as url:
        asyncio.run(run(url))
    assert len(contexts) > 1
    assert all(context is contexts[0] for context in contexts)
