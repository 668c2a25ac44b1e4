"""The exchange of a call, driven step by step: what follows each outcome, and what each limit allows. No I/O."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import attrs
import pytest

from togai import Timeout, TogaiError, errors
from togai._transport import clock
from togai._transport.auth import Secret
from togai._transport.exchange import exchange
from togai._transport.retry import REFUSALS, Policy, parse_retry_after
from togai._transport.steps import (
    Attempt,
    AttemptResult,
    Call,
    Delivery,
    Failure,
    Hold,
    NoResponse,
    Refresh,
    Response,
    Sleep,
)

READ = Call("GET", "/events")
CORRECTION = Call("POST", "/events/correction", repeatable=False)
OLD, NEW = Secret("old"), Secret("new")
OK = Response(200, b"{}")


def status(number: int, **more: Any) -> Response:
    return Response(number, **{"body": b"", **more})


class Sending:
    """Runs an exchange against a list of outcomes, and keeps what it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = 1000.0
        self.steps: list[Any] = []
        self.tokens: list[Secret | None] = []
        self.deadlines: list[float | None] = []
        self.delivery = Delivery()
        self.took = 0.0
        self.refreshed = NEW
        monkeypatch.setattr(clock.current, "now", lambda: self.time, raising=False)
        # The longest wait that the policy allows.
        monkeypatch.setattr("togai._transport.retry.random.uniform", self._longest)

    @staticmethod
    def _longest(low: float, high: float) -> float:
        assert low == 0
        return high

    def run(
        self,
        *outcomes: Any,
        call: Call = READ,
        max_retries: int = 5,
        can_refresh: bool = False,
        total: float = 120.0,
        begun: int = 1,
    ) -> Response:
        left = list(outcomes)
        timeout = Timeout(total=total)
        steps = exchange(
            call,
            Policy(max_retries),
            timeout,
            can_refresh=can_refresh,
            delivery=self.delivery,
        )
        sent: Any = None
        try:
            while True:
                step = steps.send(sent)
                sent = None
                if isinstance(step, Attempt):
                    assert step.delivery is self.delivery
                    assert step.delivery.begun == 0
                    self.steps.append("attempt")
                    self.tokens.append(step.token)
                    self.deadlines.append(step.deadline)
                    began = self.time
                    self.time += self.took
                    self.delivery.begun = begun
                    sent = AttemptResult(left.pop(0), step.token or OLD, began)
                elif isinstance(step, Refresh):
                    assert step.refused is OLD
                    self.steps.append("refresh")
                    sent = self.refreshed
                elif isinstance(step, Sleep):
                    self.steps.append(("sleep", step.seconds))
                    self.time += step.seconds
                else:
                    assert isinstance(step, Hold)
                    self.steps.append(("hold", step.seconds))
        except StopIteration as stop:
            assert not left
            response: Response = stop.value
            return response

    def fail(self, *outcomes: Any, **options: Any) -> TogaiError:
        with pytest.raises(TogaiError) as caught:
            self.run(*outcomes, **options)
        return caught.value


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> Sending:
    return Sending(monkeypatch)


def test_a_success_ends_the_call(sending: Sending) -> None:
    assert sending.run(OK) is OK
    assert sending.steps == ["attempt"]
    assert sending.deadlines == [None]


@pytest.mark.parametrize(
    ("number", "success"), [(199, False), (200, True), (299, True), (300, False)]
)
def test_a_success_is_a_status_from_200_to_299(
    sending: Sending, number: int, success: bool
) -> None:
    if success:
        assert sending.run(status(number)).status == number
    else:
        sending.fail(status(number))


def test_a_response_counts_its_attempts(sending: Sending) -> None:
    sending.took = 3.0
    response = sending.run(status(503), NoResponse(Failure.LOST, "reset"), OK)
    assert response == attrs.evolve(OK, attempts=3)
    assert sending.steps == ["attempt", ("sleep", 0.5), "attempt", ("sleep", 1.0), "attempt"]
    # All attempts share the time of the first.
    assert sending.deadlines == [None, 1120.0, 1120.0]


def test_waits_double_up_to_8_seconds(sending: Sending) -> None:
    sending.fail(*[status(503)] * 8, max_retries=7)
    waits = [step[1] for step in sending.steps if step != "attempt"]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


@pytest.mark.parametrize("max_retries", [0, 1, 2])
def test_a_call_has_one_attempt_more_than_retries(sending: Sending, max_retries: int) -> None:
    outcomes = [status(503)] * (max_retries + 1)
    error = sending.fail(*outcomes, max_retries=max_retries)
    assert sending.steps.count("attempt") == max_retries + 1
    assert error.attempts == max_retries + 1
    assert error.waited == (0.5, 1.0)[:max_retries]


@pytest.mark.parametrize("number", [429, 503])
def test_only_a_429_holds_the_other_calls(sending: Sending, number: int) -> None:
    sending.run(status(number, headers={"retry-after": "7"}), OK)
    held = [("hold", 7.0)] if number == 429 else []
    assert sending.steps == ["attempt", *held, ("sleep", 7.0), "attempt"]


@pytest.mark.parametrize(("seconds", "waits"), [("60", True), ("60.1", False), ("61", False)])
def test_a_retry_after_of_60_seconds_is_the_longest(
    sending: Sending, seconds: str, waits: bool
) -> None:
    late = status(429, headers={"retry-after": seconds})
    if waits:
        sending.run(late, OK)
        assert sending.time == 1060.0
        return
    error = sending.fail(late)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == float(seconds)


@pytest.mark.parametrize(("seconds", "sleep"), [("0.1", 0.5), ("0.6", 0.6)])
def test_a_retry_after_does_not_shorten_a_wait(
    sending: Sending, seconds: str, sleep: float
) -> None:
    sending.run(status(503, headers={"retry-after": seconds}), OK)
    assert ("sleep", sleep) in sending.steps


@pytest.mark.parametrize(("total", "waits"), [(10.5, False), (10.6, True)])
def test_a_wait_must_end_before_the_total(sending: Sending, total: float, waits: bool) -> None:
    sending.took = 10.0
    if waits:
        assert sending.run(status(503), OK, total=total).status == 200
    else:
        assert getattr(sending.fail(status(503), total=total), "status", None) == 503


@pytest.mark.parametrize("number", sorted({*range(400, 600), 300, 301, 304}))
def test_a_status_that_may_pass_is_retried_for_reads_and_429_for_corrections_too(
    sending: Sending, number: int
) -> None:
    reads = number in {408, 429, 500, 502, 503, 504} or 520 <= number <= 529
    for call, repeated in ((READ, reads), (CORRECTION, number == 429)):
        sending.delivery = Delivery()
        sending.steps.clear()
        if repeated:
            sending.run(status(number), OK, call=call)
        else:
            assert getattr(sending.fail(status(number), call=call), "status", None) == number
        assert sending.steps.count("attempt") == 1 + repeated


def test_a_refusal_is_a_status_after_which_nothing_was_applied() -> None:
    assert sorted(REFUSALS) == [400, 401, 403, 404, 405, 407, 411, 413, 414, 415, 422, 429, 431]


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("call", [READ, CORRECTION], ids=["read", "correction"])
@pytest.mark.parametrize("final", [False, True])
def test_a_correction_is_repeated_only_if_it_was_not_sent(
    sending: Sending, failure: Failure, call: Call, final: bool
) -> None:
    lost = NoResponse(failure, "gone", final=final)
    if not final and (call is READ or failure is Failure.NOT_SENT):
        sending.run(lost, OK, call=call)
        return
    error = sending.fail(lost, call=call)
    assert (
        type(error)
        is {
            Failure.NOT_SENT: errors.ConnectionFailed,
            Failure.TIMED_OUT: errors.TimedOut,
            Failure.LOST: errors.ConnectionLost,
        }[failure]
    )
    assert str(error).endswith(": gone")
    assert (error.method, error.path) == (call.method, call.path)


def test_an_error_after_several_attempts_counts_them(sending: Sending) -> None:
    error = sending.fail(*[NoResponse(Failure.LOST, "gone")] * 2, max_retries=1)
    assert str(error).endswith("lost the connection: gone (attempts: 2)")


def test_the_error_of_a_status_names_the_call_and_its_attempts(sending: Sending) -> None:
    error = sending.fail(*[status(503, reason="Overloaded")] * 2, max_retries=1)
    assert str(error) == "GET /events returned 503: Overloaded; 2 attempts"


def test_what_cannot_be_read_is_final(sending: Sending) -> None:
    error = sending.fail(status(200, problem="too large", headers={"x-request-id": "req-1"}))
    assert isinstance(error, errors.UnexpectedResponse)
    assert (error.status, error.request_id, error.attempts) == (200, "req-1", 1)
    assert str(error) == "GET /events returned 200 with too large. Check base_url and any proxy"


@pytest.mark.parametrize("outcome", [status(429), status(401), NoResponse(Failure.NOT_SENT, "x")])
def test_a_correction_that_the_transport_repeated_is_not_repeated_again(
    sending: Sending, outcome: Any
) -> None:
    sending.fail(outcome, call=CORRECTION, can_refresh=True, begun=2)
    assert sending.steps == ["attempt"]


@pytest.mark.parametrize("call", [READ, CORRECTION], ids=["read", "correction"])
def test_a_401_is_sent_again_once_with_another_token(sending: Sending, call: Call) -> None:
    assert sending.run(status(401), OK, call=call, can_refresh=True, max_retries=1).attempts == 2
    assert sending.steps == ["attempt", "refresh", "attempt"]
    assert sending.tokens == [None, NEW]


@pytest.mark.parametrize("outcome", [status(401), status(503), NoResponse(Failure.LOST, "x")])
def test_a_read_that_the_transport_repeated_is_repeated_again(
    sending: Sending, outcome: Any
) -> None:
    assert sending.run(outcome, OK, can_refresh=True, begun=2).attempts == 2


@pytest.mark.parametrize("number", [400, 403, 500])
@pytest.mark.parametrize("call", [READ, CORRECTION], ids=["read", "correction"])
def test_no_other_status_asks_for_another_token(sending: Sending, call: Call, number: int) -> None:
    sending.fail(status(number), call=call, can_refresh=True, max_retries=1 if number < 500 else 0)
    assert "refresh" not in sending.steps


def test_a_401_is_final_without_another_token_without_retries_and_the_second_time(
    sending: Sending,
) -> None:
    sending.fail(status(401), can_refresh=False)
    sending.delivery = Delivery()
    sending.fail(status(401), can_refresh=True, max_retries=0)
    assert "refresh" not in sending.steps
    sending.delivery = Delivery()
    sending.fail(status(401), status(401), can_refresh=True)
    assert sending.steps.count("refresh") == 1
    sending.delivery = Delivery()
    sending.refreshed = OLD
    sending.fail(status(401), can_refresh=True)


def test_a_token_is_kept_for_one_attempt_only(sending: Sending) -> None:
    sending.run(status(401), status(503), OK, can_refresh=True)
    assert sending.tokens == [None, NEW, None]


MESSAGES = [
    (b'{"message": " too\\n many "}', "too many"),
    (b'{"message": ""}', "Reason"),
    (b'{"message": 7}', "Reason"),
    (b'["message"]', "Reason"),
    (b"<html>", "Reason"),
    (b"\xff", "Reason"),
]


@pytest.mark.parametrize(("body", "message"), MESSAGES)
def test_the_message_of_an_error_is_the_service_s_or_the_reason(
    sending: Sending, body: bytes, message: str
) -> None:
    error = sending.fail(status(400, body=body, reason="Reason"))
    assert message in str(error)
    assert isinstance(error, errors.StatusError)
    assert error.snippet == body.decode("utf-8", "replace").replace("\ufffd", error.snippet or "")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"error": "no such account"}', '; the body starts \'{"error": "no such account"}\''),
        (b'{"detail": "%s"}' % (b"x" * 999), f'; the body starts \'{{"detail": "{"x" * 108}\''),
        (b"{}", ""),
        (b"<html>", ""),
        (b"", ""),
    ],
    ids=["error", "long", "empty", "html", "nothing"],
)
def test_a_message_under_another_name_is_shown(sending: Sending, body: bytes, shown: str) -> None:
    error = sending.fail(status(400, body=body, reason="Reason"))
    assert isinstance(error, errors.StatusError)
    assert error.message == f"Reason{shown}"


def test_an_error_without_a_message_or_a_reason_says_so(sending: Sending) -> None:
    assert "no message" in str(sending.fail(status(400)))


@pytest.mark.parametrize("number", range(300, 310))
def test_a_redirect_is_explained(sending: Sending, number: int) -> None:
    error = sending.fail(status(number, reason="Moved"))
    redirects = {301, 302, 303, 307, 308}
    assert ("a redirect, which is not followed" in str(error)) == (number in redirects)


def test_a_refusal_that_names_what_every_correction_sends_says_so(sending: Sending) -> None:
    refused = status(400, body=b'{"message": "unknown parameter require_confirmation"}')
    text = "this package sends require_confirmation with every correction"
    assert text in str(sending.fail(refused, call=CORRECTION))
    sending.delivery = Delivery()
    assert text not in str(sending.fail(refused, call=attrs.evolve(CORRECTION, repeatable=True)))
    other = status(400, body=b'{"message": "asynchronous"}')
    sending.delivery = Delivery()
    assert "this package" not in str(sending.fail(other, call=CORRECTION))


def test_a_status_error_keeps_all_of_the_response(sending: Sending) -> None:
    refused = status(
        422, body=b'{"message": "no"}', headers={"x-request-id": "req-9", "retry-after": "3"}
    )
    error = sending.fail(status(503), refused)
    assert isinstance(error, errors.StatusError)
    assert (error.status, error.request_id, error.retry_after) == (422, "req-9", 3.0)
    assert (error.method, error.path) == ("GET", "/events")
    assert (error.attempts, error.waited, error.snippet) == (2, (0.5,), '{"message": "no"}')


def test_each_attempt_and_retry_is_logged(
    sending: Sending, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "togai")
    sending.took = 0.25
    sending.fail(status(503), NoResponse(Failure.LOST, "gone"), max_retries=1)
    assert [record.getMessage() for record in caplog.records] == [
        "GET /events 503 attempt=1 waited=0.00s took=0.250s",
        "GET /events is retried in 0.50 s: 503",
        "GET /events connection lost attempt=2 waited=0.50s took=0.250s",
        "GET /events failed after 2 attempts",
    ]


def test_a_retry_after_as_a_date_is_measured_from_the_date_of_the_response() -> None:
    now = datetime.now(UTC)
    date = format_datetime(now + timedelta(days=2), usegmt=True)
    later = format_datetime(now + timedelta(days=2, seconds=5), usegmt=True)
    assert parse_retry_after(later, date) == 5
    assert parse_retry_after(date, later) == 0
    assert parse_retry_after(later, later) == 0
    without_zone = f"{now + timedelta(days=2, seconds=5):%a, %d %b %Y %H:%M:%S} -0000"
    assert parse_retry_after(without_zone, date) == 5


@pytest.mark.parametrize("unknown", [None, "soon", ""])
def test_a_retry_after_without_the_date_of_the_response_is_measured_from_our_clock(
    unknown: str | None,
) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True)
    wait = parse_retry_after(later, unknown)
    assert wait is not None
    assert timedelta(days=3) > timedelta(seconds=wait) > timedelta(days=1)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (" 7 ", 7),
        ("7, 9, 8", 9),
        ("7, soon", None),
        ("Wed, 04 Dec 99999 00:00:00 GMT", None),
    ],
)
def test_the_longest_retry_after_counts_and_one_that_cannot_be_read_does_not(
    value: str, seconds: float | None
) -> None:
    assert parse_retry_after(value) == seconds


def test_an_interrupt_while_a_date_is_parsed_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_text: str) -> datetime:
        raise KeyboardInterrupt

    monkeypatch.setattr("togai._transport.retry.parsedate_to_datetime", interrupted)
    with pytest.raises(KeyboardInterrupt):
        parse_retry_after("soon")


@pytest.mark.parametrize(("length", "message"), [(999_999, "too many"), (1_000_000, "Reason")])
def test_a_message_is_looked_for_in_a_body_of_less_than_a_million_bytes(
    sending: Sending, length: int, message: str
) -> None:
    body = b'{"message": "too many"}'.ljust(length)
    assert message in str(sending.fail(status(400, body=body, reason="Reason")))
