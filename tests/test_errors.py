"""Errors: one typed tree; complete, printable and without secrets."""

from __future__ import annotations

import copy
import inspect
import logging
import pickle
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest

from togai import errors
from togai.corrections import Correction, Entry, Kind, Selection
from togai.errors import (
    AlreadyCorrected,
    AlreadyPending,
    AmbiguousEvent,
    BadRequest,
    ConnectionFailed,
    CorrectionFailed,
    CorrectionOutcomeUnknown,
    EventNotFound,
    FilterIgnored,
    Forbidden,
    LedgerBusy,
    LedgerDamaged,
    NotFound,
    RateLimited,
    ServerError,
    StatusError,
    TogaiError,
    Unauthorized,
    UnexpectedResponse,
    UnprocessableEntity,
)
from togai.models import CorrectionAction
from togai.testing import FakeTogai

from .conftest import TOKEN, Api, Connect

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, TogaiError)
]


def entry() -> Entry:
    return Entry(
        id=7,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        kind=Kind.APPLIED,
        intent=6,
        call="c",
        action="UNDO",
        service="https://api.togai.com",
        account="acme",
        target="ref-1",
        plan=None,
        item=None,
        who="ann",
        why="meter 7",
        data={},
    )


def made(cls: type[TogaiError]) -> TogaiError:
    correction = Correction(
        action=CorrectionAction.UNDO, selection=Selection(account_id="acme", event_id="ride-1")
    )
    error: TogaiError
    if issubclass(cls, StatusError):
        error = cls(418, "no", method="GET", path="/events", request_id="r", retry_after=2.0)
    elif cls is UnexpectedResponse:
        error = UnexpectedResponse(
            "HTML", method="GET", path="/events", status=200, snippet="<html>"
        )
    elif cls is FilterIgnored:
        error = FilterIgnored("account_id", "acme")
    elif cls is EventNotFound:
        error = EventNotFound("ride-1")
    elif cls is AmbiguousEvent:
        error = AmbiguousEvent("ride-1", [])
    elif cls is CorrectionFailed:
        error = CorrectionFailed([])
    elif cls is AlreadyCorrected:
        error = AlreadyCorrected(entry(), "ref-2")
    elif cls is AlreadyPending:
        error = AlreadyPending(entry())
    elif cls is LedgerBusy:
        error = LedgerBusy("ledger.db", 30)
    elif cls is LedgerDamaged:
        error = LedgerDamaged("ledger.db", ["entry 7"])
    elif cls is CorrectionOutcomeUnknown:
        error = CorrectionOutcomeUnknown(correction, "it broke", status=502)
    else:
        error = cls("it broke")
    error.next_token, error.yielded = "token", 7
    return error


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_every_error_survives_pickle_and_deepcopy_with_its_fields(
    cls: type[TogaiError], copied: Any
) -> None:
    error = made(cls)
    twin = copied(error)
    assert type(twin) is cls
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_stands_in_the_drawn_tree(cls: type[TogaiError]) -> None:
    assert errors.__doc__ is not None
    assert cls.__name__ in errors.__doc__
    assert cls.__name__ in errors.__all__


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (418, StatusError),
        (422, UnprocessableEntity),
        (429, RateLimited),
        (500, ServerError),
        (502, ServerError),
        (520, ServerError),
        (599, ServerError),
        (302, StatusError),
    ],
)
def test_each_status_raises_its_class_with_what_the_service_said(
    connect: Connect, fake: FakeTogai, url: str, status: int, cls: type[StatusError]
) -> None:
    fake.fail_next(status=status, body={"message": "because"}, headers={"X-Request-Id": "req-77"})
    with connect(base_url=url, max_retries=0) as api, pytest.raises(StatusError) as caught:
        api.listed()
    error = caught.value
    assert type(error) is cls
    assert (error.status, error.message, error.request_id) == (status, "because", "req-77")
    assert (error.method, error.path, error.attempts) == ("GET", "/events", 1)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>Bad Gateway</html>",
        b"\xff\xfe",
        [],
        {"error": "x"},
        {"message": 7},
        "null",
        "[" * 9000,
    ],
)
@pytest.mark.parametrize("status", [401, 502, 520])
def test_a_status_error_needs_nothing_of_its_body(
    connect: Connect, fake: FakeTogai, url: str, status: int, body: Any
) -> None:
    fake.fail_next(status=status, body=body)
    with connect(base_url=url, max_retries=0) as api, pytest.raises(StatusError) as caught:
        api.listed()
    assert caught.value.status == status
    assert len(caught.value.snippet) <= 500
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<html>Sign in</html>", r"not JSON \(text/html"),
        ("", "empty body"),
        (b"\xff\xfe\x00", "not JSON"),
        ([], "not an object"),
        ("NaN", "not an object"),
        ("[" * 100_000, "nested too deeply|not JSON"),
        ({"message": "sorry"}, "without events"),
        ({"events": {"a": 1}}, "not a list"),
        ({"events": "none"}, "not a list"),
    ],
)
def test_a_success_that_is_not_a_page_is_an_unexpected_response(
    api: Api, fake: FakeTogai, body: Any, problem: str
) -> None:
    fake.fail_next(status=200, body=body)
    with pytest.raises(UnexpectedResponse, match=problem) as caught:
        api.listed()
    assert caught.value.status == 200
    assert len(caught.value.snippet) <= 500


def test_a_redirect_is_not_followed(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=302, headers={"Location": "https://elsewhere.example/"}, body="")
    with pytest.raises(StatusError, match="redirect"):
        api.listed()
    assert len(fake.requests) == 1


def test_no_connection_is_an_error_that_says_that_nothing_was_sent(
    connect: Connect, nobody: str
) -> None:
    with connect(base_url=nobody, max_retries=0) as api:
        with pytest.raises(ConnectionFailed, match=f"could not connect: {nobody}: "):
            api.call("undo", account_id="acme", event_id="x")


def test_neither_the_token_nor_the_query_shows_anywhere(
    connect: Connect, fake: FakeTogai, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    fake.fail_next(status=500, times=2)
    secret = "s3cr3t-token"
    caplog.set_level(logging.DEBUG, "togai")
    with connect(secret, base_url=url, max_retries=0) as api, pytest.raises(TogaiError) as caught:
        api.listed(account_id="private-account")
    error = caught.value
    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [
        f"{frame.locals}"
        for frame in frames.stack
        if "/togai/" in frame.filename.replace("\\", "/")
    ]
    shown = "".join([str(error), repr(error), repr(vars(error)), caplog.text])
    assert secret not in shown + "".join(ours) + str(pickle.dumps(error))
    assert "account_id=" not in shown + "".join(ours)
    assert ours
    assert error.__cause__ is None


def test_the_token_shows_in_no_debug_log_of_any_library(
    connect: Connect, fake: FakeTogai, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with connect("s3cr3t-token", base_url=url, max_retries=0) as api, pytest.raises(Unauthorized):
        api.listed()
    assert "s3cr3t-token" not in caplog.text
    assert "GET /events 401 attempt=1" in caplog.text


@pytest.mark.parametrize("length", [40, 1800])
def test_a_long_token_that_is_sent_back_again_and_again_is_masked_whole(
    connect: Connect, fake: FakeTogai, url: str, length: int
) -> None:
    token = "abc/" * (length // 4)
    fake.token = token
    echoed = token.replace("/", "\\/")
    body = f"{'x' * 300} {token} {echoed} {token}"
    headers = {"X-Request-Id": token, "Content-Type": f"text/plain; {token}"}
    fake.fail_next(status=400, body=body, headers=headers)
    fake.fail_next(status=200, body=body, headers=headers)
    with connect(token, base_url=url, max_retries=0) as api:
        for _ in range(2):
            with pytest.raises(TogaiError) as caught:
                api.call("get", "ride-1")
            shown = str(caught.value) + repr(vars(caught.value))
            assert "abc" not in shown
            assert "***" in shown


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize(
    "body", [{"message": f"{TOKEN} is no token of ours"}, f"<html>Bearer {TOKEN}</html>"]
)
def test_a_token_that_the_service_sends_back_is_masked(
    connect: Connect, fake: FakeTogai, url: str, status: int, body: Any
) -> None:
    fake.fail_next(status=status, body=body, method="POST")
    fake.fail_next(status=status, body=body)
    with connect(base_url=url, max_retries=0) as api:
        for method, arguments in (("get", {}), ("undo", {"account_id": "acme"})):
            with pytest.raises(TogaiError) as caught:
                api.call(method, event_id="ride-1", **arguments)
            shown = [str(caught.value), repr(caught.value), str(vars(caught.value))]
            shown += traceback.format_exception(caught.value)
            assert TOKEN not in "".join(shown)
            if isinstance(body, dict) and status != 200:
                assert "*** is no token of ours" in str(caught.value)
