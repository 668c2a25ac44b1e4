"""Sending on real sockets: what is retried, and what is not."""

from __future__ import annotations

import itertools
import logging
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from togai import (
    ConnectionFailed,
    ConnectionLost,
    CorrectionOutcomeUnknown,
    RateLimited,
    ServerError,
    StatusError,
    TimedOut,
    Timeout,
    Unauthorized,
    UnexpectedResponse,
    build_event,
)
from togai._transport.retry import Policy, parse_retry_after
from togai._transport.steps import Failure
from togai.testing import FakeClock, FakeTogai

from ..conftest import TOKEN, Connect, opener

TRANSIENT = [408, 500, 502, 503, 504, 520, 529]
FINAL = [400, 403, 422, 501, 505, 530]
HELD = Timeout(read=0.2)
"""For a service that holds its response back."""


@pytest.mark.parametrize("status", [429, *TRANSIENT])
def test_reading_is_tried_again_after_a_passing_failure(
    connect: Connect, fake: FakeTogai, url: str, status: int, no_waits: list[float]
) -> None:
    fake.add_many(1)
    fake.fail_next(status=status, times=2)
    with connect(base_url=url) as api:
        assert len(api.listed()) == 1
    assert len(fake.requests) == 3
    assert no_waits == [0.5, 1.0]


@pytest.mark.parametrize("status", FINAL)
def test_reading_is_not_retried_after_a_final_response(
    connect: Connect, fake: FakeTogai, url: str, status: int
) -> None:
    fake.fail_next(status=status)
    with connect(base_url=url) as api, pytest.raises(StatusError):
        api.listed()
    assert len(fake.requests) == 1


@pytest.mark.parametrize("half", [False, True])
def test_reading_is_tried_again_after_a_lost_connection(
    connect: Connect, fake: FakeTogai, url: str, half: bool, no_waits: list[float]
) -> None:
    fake.add_many(1)
    fake.drop_next(half=half)
    with connect(base_url=url) as api:
        assert len(api.listed()) == 1
    assert len(fake.requests) == 2


def test_attempts_end_after_max_retries_and_the_error_reports_them(
    connect: Connect,
    fake: FakeTogai,
    url: str,
    no_waits: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "togai")
    fake.fail_next(status=503, times=9)
    with connect(base_url=url, max_retries=3) as api, pytest.raises(ServerError) as caught:
        api.listed()
    assert len(fake.requests) == caught.value.attempts == 4
    assert len(caught.value.waited) == 3
    assert caplog.text.count("GET /events 503 attempt=") == 4
    assert "failed after 4 attempts" in caplog.text


def test_no_retries_means_one_attempt(connect: Connect, fake: FakeTogai, url: str) -> None:
    fake.fail_next(status=503)
    with connect(base_url=url, max_retries=0) as api, pytest.raises(ServerError):
        api.listed()
    assert len(fake.requests) == 1


def test_a_connection_lost_for_good_is_an_error(
    connect: Connect, fake: FakeTogai, url: str, no_waits: list[float]
) -> None:
    fake.drop_next(times=9)
    with (
        connect(base_url=url, max_retries=1) as api,
        pytest.raises(ConnectionLost, match="attempts: 2"),
    ):
        api.listed()


def test_a_correction_is_sent_again_where_nothing_was_delivered(
    connect: Connect, nobody: str
) -> None:
    with (
        connect(base_url=nobody, max_retries=1) as api,
        pytest.raises(ConnectionFailed) as caught,
    ):
        api.call("undo", account_id="acme", event_id="event-1")
    assert caught.value.attempts == 2


def test_a_correction_is_sent_again_after_a_429(
    connect: Connect, fake: FakeTogai, url: str, no_waits: list[float]
) -> None:
    fake.add_many(1)
    fake.fail_next(status=429)
    with connect(base_url=url) as api:
        assert len(api.call("undo", account_id="acme", event_id="event-1").succeeded) == 1
    assert len(fake.corrections) == 1


def broken(fake: FakeTogai, how: str, acts: bool) -> None:
    if how == "dropped":
        fake.drop_next(acts=acts)
    elif how == "half":
        fake.drop_next(half=True)
    elif how == "held":
        fake.hold_next(acts=acts)
    elif how == "html":
        fake.fail_next(status=200, body="<html></html>", acts=acts)
    elif how == "empty":
        fake.fail_next(status=200, body="", acts=acts)
    elif how == "no data":
        fake.fail_next(status=200, body={"message": "done?"}, acts=acts)
    else:
        fake.fail_next(status=int(how), acts=acts)


BREAKS = ["dropped", "half", "held", "html", "empty", "no data", "302", *map(str, TRANSIENT), "501"]


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("how", BREAKS)
def test_a_correction_whose_outcome_is_unknown_is_sent_once(
    connect: Connect, fake: FakeTogai, url: str, how: str, acts: bool
) -> None:
    fake.add_many(1)
    broken(fake, how, acts)
    with connect(base_url=url, timeout=HELD if how == "held" else None) as api:
        with pytest.raises(CorrectionOutcomeUnknown, match="not sent again") as caught:
            api.call("undo", account_id="acme", event_id="event-1")
    assert len(fake.requests) == 1
    assert len(fake.corrections) == (1 if acts or how == "half" else 0)
    assert caught.value.correction.action == "UNDO"
    assert caught.value.correction.selection.event_id == "event-1"
    assert caught.value.cause


@contextmanager
def resetting_server() -> Iterator[tuple[str, list[bytes]]]:
    """Accepts connections, reads the start of a request, and resets; notes what it got."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def respond() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    received.append(connection.recv(20))
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

        thread = threading.Thread(target=respond)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", received
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_correction_that_was_cut_off_in_mid_request_is_sent_once(connect: Connect) -> None:
    event = build_event(
        "rides",
        account_id="acme",
        timestamp="2024-12-04T07:30:35Z",
        attributes={"distance": 1},
        dimensions={f"dimension-{number}": "x" * 200 for number in range(20_000)},
    )
    with resetting_server() as (url, received), connect(base_url=url, timeout=10) as api:
        with pytest.raises(CorrectionOutcomeUnknown):
            api.call("replace", event, account_id="acme", event_id="event-1")
    assert len(received) == 1


def test_reading_is_tried_again_after_a_reset(connect: Connect, no_waits: list[float]) -> None:
    with resetting_server() as (url, received), connect(base_url=url, max_retries=2) as api:
        with pytest.raises(ConnectionLost):
            api.listed()
    assert len(received) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refused_correction_is_an_ordinary_error(
    connect: Connect, fake: FakeTogai, url: str, status: int
) -> None:
    fake.fail_next(status=status)
    with connect(base_url=url) as api, pytest.raises(StatusError) as caught:
        api.call("undo", account_id="acme", event_id="event-1")
    assert caught.value.status == status
    assert len(fake.requests) == 1


def test_a_wait_is_at_least_as_long_as_retry_after(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.fail_next(status=429, retry_after=7)
    with FakeClock() as clock, connect(base_url=url) as api:
        api.listed()
    (wait,) = clock.waits
    assert wait >= 7
    assert len(fake.requests) == 2


def test_a_service_that_asks_for_too_long_a_wait_gets_no_further_request(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.fail_next(status=429, retry_after=3600)
    with connect(base_url=url) as api, pytest.raises(RateLimited) as caught:
        api.listed()
    assert caught.value.retry_after == 3600
    assert len(fake.requests) == 1


def test_a_429_that_ends_one_call_does_not_block_the_next(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.fail_next(status=429, retry_after=3600)
    with connect(base_url=url, timeout=5) as api:
        with pytest.raises(RateLimited):
            api.listed()
        assert api.listed() == []


def test_a_wait_that_would_pass_the_budget_is_not_begun(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.fail_next(status=503, retry_after=30)
    with connect(base_url=url, timeout=5) as api, pytest.raises(ServerError):
        api.listed()
    assert len(fake.requests) == 1


def test_a_call_without_a_response_ends_within_the_read_timeout(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.hold_next()
    with connect(base_url=url, timeout=HELD, max_retries=0) as api, pytest.raises(TimedOut):
        api.listed()


def test_a_call_with_a_slow_response_ends_within_the_total(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add_many(20)  # so that the body goes on for long after the time is over
    fake.drip_next(seconds=5)
    with FakeClock(), connect(base_url=url, max_retries=0) as api, pytest.raises(TimedOut):
        api.listed()


def test_a_timeout_can_be_set_for_one_call(connect: Connect, fake: FakeTogai, url: str) -> None:
    fake.add_many(1)
    fake.hold_next()
    with connect(base_url=url, max_retries=0) as api:
        with pytest.raises(TimedOut):
            api.listed(timeout=HELD)
        fake.release()
        assert len(api.listed()) == 1


def test_a_body_without_end_is_refused(
    connect: Connect, fake: FakeTogai, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("togai._transport.body.MAX_BODY", 1000)
    fake.fail_next(status=200, body="x" * 2000)
    with (
        connect(base_url=url) as api,
        pytest.raises(UnexpectedResponse, match="more than 1000 bytes"),
    ):
        api.listed()


def test_a_callable_token_is_read_before_each_request(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add_many(3)
    tokens = itertools.cycle(["a", "b", "c"])
    used: list[str] = []

    def token() -> str:
        fake.token = next(tokens)
        used.append(fake.token)
        return fake.token

    with connect(token, base_url=url) as api:
        assert len(api.listed(page_size=1)) == 3
    assert used == ["a", "b", "c"]


def test_a_401_asks_a_callable_once_for_another_token(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    tokens = iter(["expired", TOKEN])
    with connect(lambda: next(tokens), base_url=url) as api:
        api.listed()
    assert len(fake.requests) == 2


def test_a_second_401_is_final(connect: Connect, fake: FakeTogai, url: str) -> None:
    tokens = iter(["expired", "wrong", "unused"])
    with connect(lambda: next(tokens), base_url=url) as api, pytest.raises(Unauthorized):
        api.listed()
    assert len(fake.requests) == 2


def test_a_fixed_token_is_not_tried_again(connect: Connect, fake: FakeTogai, url: str) -> None:
    with (
        connect("wrong", base_url=url) as api,
        pytest.raises(Unauthorized, match="Check the token"),
    ):
        api.listed()
    assert len(fake.requests) == 1


def test_the_async_client_takes_an_async_token(fake: FakeTogai, url: str) -> None:
    async def token() -> str:
        return TOKEN

    with opener("async")(token, base_url=url) as api:
        api.listed()
    assert len(fake.requests) == 1


def test_a_client_starts_no_more_requests_in_a_second_than_allowed(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    from togai._transport.rate_limit import Window

    window = Window(3)
    starts: list[float] = []
    now = 100.0
    for _ in range(10):
        now += window.wait(now)
        window.start(now)
        starts.append(now)
    assert all(later - earlier >= 1.0 for earlier, later in zip(starts, starts[3:], strict=False))


def policy_delay(happened: Any, **settings: Any) -> float | None:
    arguments: dict[str, Any] = {"repeatable": True, "attempt": 1, "left": 10.0, **settings}
    return Policy(max_retries=2).delay(happened, **arguments)


@pytest.mark.parametrize("happened", [*Failure, 429, *TRANSIENT])
def test_the_policy_repeats_reads(happened: Any) -> None:
    assert policy_delay(happened) is not None


@pytest.mark.parametrize("happened", [Failure.TIMED_OUT, Failure.LOST, *TRANSIENT, *FINAL])
def test_the_policy_never_repeats_a_correction_that_may_have_arrived(happened: Any) -> None:
    assert policy_delay(happened, repeatable=False) is None


def test_waits_grow_and_have_a_ceiling() -> None:
    policy = Policy(max_retries=99)
    for attempt in range(1, 40):
        wait = policy.delay(503, repeatable=True, attempt=attempt, left=1e9)
        assert wait is not None
        assert 0 <= wait <= min(8.0, 0.5 * 2 ** (attempt - 1))


def test_retry_after_is_seconds_or_a_date_and_anything_else_is_none() -> None:
    now = datetime(2024, 12, 4, tzinfo=UTC)
    assert parse_retry_after("7") == 7
    date = format_datetime(now, usegmt=True)
    assert parse_retry_after(format_datetime(now + timedelta(seconds=9), usegmt=True), date) == 9
    assert parse_retry_after(format_datetime(now - timedelta(seconds=9)), date) == 0
    assert parse_retry_after("1.5") == 1.5
    for nonsense in (None, "", "soon", "-3", "1.", "1e3", "inf", "٣"):
        assert parse_retry_after(nonsense) is None
