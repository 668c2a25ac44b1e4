"""What the service in memory can be told to do wrong, over a socket and over a transport."""

from __future__ import annotations

import re
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


@pytest.mark.parametrize(
    "arguments",
    [
        {"times": 0},
        {"times": -1},
        {"skip": -1},
        {"method": "DELETE"},
        {"path": "events"},
        {"path": "/events", "method": "POST"},
        {"status": 99},
        {"status": "429"},
    ],
)
def test_a_fault_that_could_never_be_met_is_refused(
    fake: FakeTogai, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"pass [01] or more|there are GET|from 200 to 599"):
        fake.fail_next(**arguments)


def test_a_method_is_taken_in_small_letters_too(fake: FakeTogai, ask: Ask) -> None:
    fake.fail_next(status=503, method="get")
    assert ask("GET", "/events").status_code == 503


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


def test_a_value_can_be_put_anywhere_into_an_answer(fake: FakeTogai, ask: Ask) -> None:
    fake.add_many(3)
    fake.set_next("$.events[1].createdAt", None)
    fake.set_next("events[*].ingestionStatus.status", "ARCHIVED")
    fake.set_next("$.events[2].colour", {"red": 1})
    null, new, unknown = (ask("GET", "/events").json()["events"] for _ in range(3))
    assert [one["createdAt"] is None for one in null] == [False, True, False]
    assert {one["ingestionStatus"]["status"] for one in new} == {"ARCHIVED"}
    assert [one.get("colour") for one in unknown] == [None, None, {"red": 1}]


def test_a_property_or_an_item_can_be_taken_out(fake: FakeTogai, ask: Ask) -> None:
    fake.add_many(3)
    fake.remove_next("$.events[*].createdAt", times=2)
    fake.remove_next("$.events[0]")
    fake.remove_next("$.events[*]")
    fake.remove_next("$.events")
    bodies = [ask("GET", "/events").json() for _ in range(5)]
    assert not any("createdAt" in one for body in bodies[:2] for one in body["events"])
    assert [len(body["events"]) for body in bodies[2:4]] == [2, 0]
    assert bodies[4] == {}


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        (lambda fake: fake.set_next("$.events[0].createdAt", None), r"item \[0\]"),
        (lambda fake: fake.set_next("$.data[*].status", "NEW"), "property data"),
        (lambda fake: fake.remove_next("$.events[*].source"), r"item \[\*\]"),
        (lambda fake: fake.remove_next("$.nextToken"), "property nextToken"),
        (lambda fake: fake.set_next("$.events.source", 1), "property source"),
        (lambda fake: fake.set_next("$[0]", 1), r"item \[0\]"),
    ],
)
def test_an_answer_that_has_no_such_place_says_so_and_is_not_tried_again(
    fake: FakeTogai, ask: Ask, told: Callable[[FakeTogai], None], missing: str
) -> None:
    told(fake)
    answer = ask("GET", "/events")
    assert answer.status_code == 400
    assert re.search(rf"_next\(.*does not fit the answer: there is no {missing} in ", answer.text)


def test_an_error_is_left_as_it_is(fake: FakeTogai, ask: Ask) -> None:
    fake.set_next("$.events[0].createdAt", None)
    assert ask("GET", "/events", headers={}).status_code == 401


@pytest.mark.parametrize("place", ["", "$", "a..b", "a[", "a[-1]", "a[x]", "a]", "$.a[1]]"])
def test_what_is_no_place_is_refused_at_once(fake: FakeTogai, place: str) -> None:
    with pytest.raises(ValueError, match="is no place in JSON: write one like"):
        fake.set_next(place, None)
    with pytest.raises(ValueError, match="is no place in JSON: write one like"):
        fake.remove_next(place)


def test_a_value_that_json_cannot_say_is_refused_at_once(fake: FakeTogai) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        fake.set_next("$.events", object())


def test_a_correction_can_fail_for_some_events_in_a_success(fake: FakeTogai, ask: Ask) -> None:
    fake.add_many(4)
    fake.refuse_next(2, skip=1, reason="Closed month")
    query = {"action": "UNDO", "account_id": "acme"}
    answer = ask("POST", "/events/correction", params=query)
    assert answer.status_code == 200
    found = [(one["status"], one["reason"]) for one in answer.json()["data"]]
    done, refused = ("REVERTED", "Reverted"), ("FAILED", "Closed month")
    assert found == [done, refused, refused, done]
    assert len(fake.corrections) == 2


def test_release_forgets_the_refusals_to_come(fake: FakeTogai, ask: Ask) -> None:
    fake.add(id="ride-1")
    fake.refuse_next()
    fake.release()
    answer = ask("POST", "/events/correction", params=UNDO)
    assert answer.json()["data"][0]["status"] == "REVERTED"


@pytest.mark.parametrize("arguments", [{"events": 0}, {"skip": -1}, {"reason": ""}])
def test_a_refusal_that_could_never_be_met_or_says_nothing_is_refused(
    fake: FakeTogai, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"pass 1 or more|say why"):
        fake.refuse_next(**arguments)


def test_a_correction_takes_30_of_31_matches(fake: FakeTogai, ask: Ask) -> None:
    fake.add_many(31)
    answer = ask("POST", "/events/correction", params={"action": "UNDO", "account_id": "acme"})
    assert (len(answer.json()["data"]), len(fake.corrections)) == (30, 30)
