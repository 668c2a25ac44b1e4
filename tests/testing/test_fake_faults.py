"""What the service in memory can be told to do wrong, over a socket and over a transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from togai.testing import FakeTogai

Ask = Callable[..., httpx.Response]

UNDO = {"action": "UNDO", "account_id": "acme", "event_id": "ride-1"}


@pytest.mark.parametrize("status", [200, 400, 429, 500, 502, 503, 520, 599])
def test_any_status_can_be_answered(fake: FakeTogai, ask: Ask, status: int) -> None:
    fake.fail_next(status=status)
    assert ask("GET", "/events").status_code == status
    assert ask("GET", "/events").status_code == 200


def test_an_error_has_a_message_unless_told_otherwise(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(status=503)
    assert "503" in ask("GET", "/events").json()["message"]


@pytest.mark.parametrize(
    ("body", "content", "kind"),
    [
        ("<html></html>", b"<html></html>", "text/html"),
        ("busy", b"busy", "text/plain"),
        (b"\xff\xfe", b"\xff\xfe", "application/octet-stream"),
        (b"", b"", "application/octet-stream"),
        ({"a": None}, b'{"a": null}', "application/json"),
    ],
)
def test_any_body_can_be_answered(
    fake: FakeTogai, ask: Ask, body: Any, content: bytes, kind: str
) -> None:
    fake.fail_next(status=200, body=body)
    answer = ask("GET", "/events")
    assert answer.content == content
    assert answer.headers["content-type"].startswith(kind)


def test_retry_after_and_other_headers_go_along(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(status=429, retry_after=2, headers={"X-Cause": "test"})
    answer = ask("GET", "/events")
    assert (answer.headers["retry-after"], answer.headers["x-cause"]) == ("2", "test")


def test_faults_are_met_in_the_order_they_were_put(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(status=503, times=2)
    fake.fail_next(status=520)
    assert [ask("GET", "/events").status_code for _ in range(4)] == [503, 503, 520, 200]


def test_a_fault_waits_for_a_request_of_its_method_and_path(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(status=503, method="POST")
    fake.fail_next(status=520, path="/events/ride-1")
    assert ask("GET", "/events").status_code == 200
    assert ask("GET", "/events/ride-1").status_code == 520
    assert ask("POST", "/events/correction", params=UNDO).status_code == 503


def test_a_faulty_request_is_recorded(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(status=503)
    ask("POST", "/events/correction", params=UNDO)
    assert [(one.method, one.query["action"]) for one in fake.requests] == [("POST", "UNDO")]


@pytest.mark.parametrize("acts", [False, True])
def test_an_error_can_come_before_or_after_the_service_acted(
    fake: FakeTogai, ask: Ask, acts: bool
) -> None:
    fake.add(id="ride-1")
    fake.fail_next(status=503, acts=acts)
    assert ask("POST", "/events/correction", params=UNDO).status_code == 503
    assert len(fake.corrections) == acts


@pytest.mark.parametrize("acts", [False, True])
def test_a_connection_can_drop_before_or_after_the_service_acted(
    fake: FakeTogai, ask: Ask, acts: bool
) -> None:
    fake.add(id="ride-1")
    fake.drop_next(acts=acts)
    with pytest.raises(httpx.RemoteProtocolError):
        ask("POST", "/events/correction", params=UNDO)
    assert len(fake.corrections) == acts
    assert ask("GET", "/events").status_code == 200


def test_a_body_can_break_off_in_the_middle_after_the_service_acted(
    fake: FakeTogai, ask: Ask
) -> None:
    fake.add(id="ride-1")
    fake.drop_next(half=True)
    with pytest.raises(httpx.RemoteProtocolError):
        ask("POST", "/events/correction", params=UNDO)
    assert len(fake.corrections) == 1


@pytest.mark.parametrize("acts", [False, True])
def test_a_held_answer_is_a_read_timeout(fake: FakeTogai, ask: Ask, acts: bool) -> None:
    fake.add(id="ride-1")
    fake.hold_next(acts=acts)
    with pytest.raises(httpx.ReadTimeout):
        ask("POST", "/events/correction", params=UNDO, timeout=0.2)
    assert len(fake.corrections) == acts


def test_a_dripping_body_arrives_whole(fake: FakeTogai, ask: Ask) -> None:
    fake.add(id="ride-1")
    whole = ask("GET", "/events").content
    fake.drip_next(seconds=0.0001)
    assert ask("GET", "/events").content == whole


def test_an_answer_can_be_changed_in_place_or_replaced(fake: FakeTogai, ask: Ask) -> None:
    fake.add(id="ride-1")
    fake.change_next(lambda body: body["events"][0].update(createdAt=None))
    fake.change_next(lambda body: {**body, "nextToken": ""})
    assert ask("GET", "/events").json()["events"][0]["createdAt"] is None
    assert ask("GET", "/events").json()["nextToken"] == ""


def test_a_changed_answer_changes_nothing_that_is_stored(fake: FakeTogai, ask: Ask) -> None:
    fake.add(id="ride-1")
    clean = ask("GET", "/events").json()
    fake.change_next(lambda body: body["events"][0]["eventPayload"].clear())
    assert ask("GET", "/events").json() != clean
    assert ask("GET", "/events").json() == clean


def test_release_forgets_the_faults_to_come(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(times=100)
    assert ask("GET", "/events").status_code == 500
    fake.release()
    assert ask("GET", "/events").status_code == 200


def test_a_fault_can_let_requests_pass_first(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(status=503, skip=2, path="/events")
    fake.fail_next(status=520, skip=1)
    statuses = [ask("GET", "/events").status_code for _ in range(6)]
    assert statuses == [200, 200, 503, 200, 520, 200]


def test_a_fault_without_end_lasts_until_release(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(status=503, times=None)
    assert {ask("GET", "/events").status_code for _ in range(5)} == {503}
    fake.release()
    assert ask("GET", "/events").status_code == 200


@pytest.mark.parametrize("arguments", [{"times": 0}, {"times": -1}, {"skip": -1}])
def test_a_fault_that_could_never_be_met_is_refused(
    fake: FakeTogai, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"pass [01] or more"):
        fake.fail_next(**arguments)


@pytest.mark.parametrize("acts", [False, True])
def test_a_connection_can_be_reset_before_or_after_the_service_acted(
    fake: FakeTogai, ask: Ask, acts: bool
) -> None:
    fake.add(id="ride-1")
    fake.drop_next(reset=True, acts=acts)
    with pytest.raises(httpx.ReadError):
        ask("POST", "/events/correction", params=UNDO)
    assert len(fake.corrections) == acts


def test_an_empty_page_has_a_new_token_and_the_listing_goes_on(fake: FakeTogai, ask: Ask) -> None:
    fake.add_many(6)
    fake.empty_page_next(times=2, skip=1)
    sizes: list[int] = []
    tokens: list[str] = []
    query = {"account_id": "acme", "pageSize": "3"}
    while True:
        body = ask("GET", "/events", params=query).json()
        sizes.append(len(body["events"]))
        if "nextToken" not in body:
            break
        tokens.append(body["nextToken"])
        query["nextToken"] = body["nextToken"]
    assert sizes == [3, 0, 0, 3]
    assert len(set(tokens)) == 3


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_page_tokens_can_go_round(fake: FakeTogai, ask: Ask, pages: int) -> None:
    fake.add_many(20)
    fake.cycle_next(pages)
    tokens: list[str] = []
    query = {"pageSize": "2"}
    for _ in range(7):
        tokens.append(ask("GET", "/events", params=query).json()["nextToken"])
        query["nextToken"] = tokens[-1]
    assert tokens[pages:] == [tokens[0]] * (7 - pages)
    assert len(set(tokens)) == pages


def test_every_answer_carries_a_request_id_faults_too(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(status=503)
    fake.fail_next(status=503, headers={"x-request-id": "mine"})
    given = [ask("GET", "/events").headers["x-request-id"] for _ in range(3)]
    assert given == ["req-1", "mine", "req-3"]


def test_a_length_that_is_wrong_can_be_announced(fake: FakeTogai) -> None:
    fake.fail_next(status=200, body=b"abc", headers={"Content-Length": "2"})
    with fake.serve() as url:
        assert httpx.get(f"{url}/events", headers={"Connection": "close"}).content == b"ab"
