"""The data of a call: what each step shows and says, and both sides of each limit. No I/O."""

from __future__ import annotations

from typing import Any

import pytest

from togai import ConfigurationError, Timeout
from togai._transport.auth import Secret
from togai._transport.steps import Attempt, Call, Delivery, Failure, NoResponse, Response

HEAD = "http11.receive_response_headers.complete"
BODY = "http11.receive_response_body.complete"
SENT = "http11.send_request_headers.started"


def test_what_a_caller_passes_and_what_the_service_sends_are_in_no_repr() -> None:
    call = Call("GET", "/events", {"a": "secret"}, {"b": "secret"}, {"c": "secret"})
    delivery = Delivery(head=(200, {"d": "secret"}, ""), confirm=lambda: "secret")
    response = Response(200, b"secret", {"e": "secret"}, secret=Secret("secret"))
    assert repr(call) == "Call(method='GET', path='/events', repeatable=True)"
    assert repr(delivery) == (
        "Delivery(handed_over=False, traced=False, seen=False, complete=False, _to_service=True, begun=0)"
    )
    assert repr(response) == "Response(status=200, reason='', problem=None, attempts=1)"


def test_a_step_that_says_nothing_else_has_these_values() -> None:
    call = Call("GET", "/events")
    assert (call.params, call.headers, call.json, call.repeatable) == ({}, {}, None, True)
    assert Delivery() == Delivery(
        handed_over=False, traced=False, seen=False, head=None, complete=False, begun=0
    )
    assert Delivery().confirm is None
    response = Response(200, b"")
    assert (response.headers, response.reason, response.problem) == ({}, "", None)
    assert (response.attempts, response.secret) == (1, None)
    assert not NoResponse(Failure.LOST, "gone").final
    assert Attempt(call, Timeout(), None, None).delivery == Delivery()


@pytest.mark.parametrize(
    ("begun", "handed_over", "traced", "possible"),
    [
        (0, False, False, False),
        (0, False, True, False),
        (0, True, True, False),
        (0, True, False, True),
        (1, True, True, True),
        (1, False, True, True),
        (2, True, True, True),
    ],
)
def test_a_request_may_have_arrived_once_it_was_begun_or_handed_to_a_silent_transport(
    begun: int, handed_over: bool, traced: bool, possible: bool
) -> None:
    delivery = Delivery(handed_over=handed_over, traced=traced, begun=begun)
    assert delivery.possible == possible
    assert delivery.repeated == (begun == 2)


class Request:
    """A request of httpcore."""

    def __init__(self, method: bytes) -> None:
        self.method = method


@pytest.mark.parametrize(
    "reported",
    [
        (b"HTTP/1.1", 429, b"No", [(b"X-Id", b"\xe9")]),
        [b"HTTP/1.1", 429, b"No", [(b"X-Id", b"\xe9")]],
        (429, [(b"x-id", b"\xe9")]),
    ],
    ids=["HTTP/1.1", "a list", "HTTP/2"],
)
def test_the_reports_of_a_transport_are_noted(reported: Any) -> None:
    delivery = Delivery()
    delivery.hand_over(traced=True)
    assert (delivery.handed_over, delivery.traced, delivery.seen) == (True, True, False)
    delivery.note("connection.connect_tcp.started", {})
    assert (delivery.traced, delivery.seen, delivery.begun) == (True, True, 0)
    for number in (1, 2):
        delivery.note(SENT, {"request": Request(b"POST")})
        assert (delivery.begun, delivery.head, delivery.complete) == (number, None, False)
        delivery.note(HEAD, {"return_value": reported})
        assert delivery.head == (429, {"x-id": "é"}, "" if len(reported) == 2 else "No")
        assert not delivery.complete
        delivery.note(BODY, {})
        assert delivery.complete
    confirm = delivery.confirm
    delivery.restart()
    assert delivery == Delivery(confirm=confirm)


def test_what_a_proxy_replies_is_not_the_response() -> None:
    delivery = Delivery()
    delivery.note(SENT, {"request": Request(b"CONNECT")})
    delivery.note(HEAD, {"return_value": (b"HTTP/1.1", 407, b"No", [])})
    delivery.note(BODY, {})
    assert (delivery.begun, delivery.head, delivery.complete) == (0, None, False)
    delivery.note(SENT, {})
    assert delivery.begun == 1


@pytest.mark.parametrize(
    ("status", "problem", "succeeded"),
    [
        (199, None, False),
        (200, None, True),
        (299, None, True),
        (300, None, False),
        (200, "too large", False),
    ],
)
def test_a_success_has_a_status_from_200_to_299_and_a_body(
    status: int, problem: str | None, succeeded: bool
) -> None:
    assert Response(status, b"", problem=problem).succeeded == succeeded


@pytest.mark.parametrize("secret", [None, Secret("0123456789")], ids=["plain", "masked"])
def test_what_is_shown_of_a_response_is_short(secret: Secret | None) -> None:
    names = ("x-request-id", "content-type", "content-encoding")
    headers: dict[str, str] = dict.fromkeys(names, "h" * 400)
    response = Response(200, b"b" * 600, headers, secret=secret)
    shown = (response.request_id, response.content_type, response.content_coding)
    assert shown == ("h" * 300,) * 3
    assert response.snippet() == "b" * 500
    nothing = Response(200, b"")
    assert (nothing.request_id, nothing.content_type, nothing.content_coding) == (None,) * 3


def test_a_token_is_masked_in_all_that_is_looked_at() -> None:
    secret = Secret("0123456789")
    text = ("0123456789" * 100)[:-1]
    response = Response(200, text.encode(), {"x-request-id": text}, secret=secret)
    assert response.request_id == "***" * 100
    assert "0" not in response.snippet()


# Timeouts


def test_the_timeouts_are_those_of_the_documentation() -> None:
    timeout = Timeout()
    assert (timeout.connect, timeout.read, timeout.write) == (5.0, 30.0, 30.0)
    assert (timeout.pool, timeout.total) == (30.0, 120.0)
    with pytest.raises(TypeError):
        Timeout(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("name", ["connect", "read", "write", "pool", "total"])
def test_a_timeout_is_a_positive_number(name: str) -> None:
    for value in (0.001, 1, 999_999_999.5):
        Timeout(**{name: value})
    wrong: Any
    for wrong in (0, -1, 1e9, float("nan"), float("inf"), True, "1", None):
        with pytest.raises(ConfigurationError, match=f"timeout {name}="):
            Timeout(**{name: wrong})
