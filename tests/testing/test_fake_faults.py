"""The faults of the in-memory service, over a socket and over a transport."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from togai.testing import FakeTogai, Request, When
from togai.testing._fault_queue import Fault, FaultQueue

from ..locks import Held, HeldError

Call = Callable[..., httpx.Response]

UNDO = {"action": "UNDO", "account_id": "acme", "event_id": "ride-1"}


@pytest.mark.parametrize("status", [200, 400, 429, 500, 502, 503, 520, 599])
def test_any_status_can_be_sent(fake: FakeTogai, call: Call, status: int) -> None:
    fake.fail_next(status=status)
    assert call("GET", "/events").status_code == status
    assert call("GET", "/events").status_code == 200


def test_an_error_has_a_message_by_default(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=503)
    assert "503" in call("GET", "/events").json()["message"]


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
def test_any_body_can_be_sent(
    fake: FakeTogai, call: Call, body: Any, content: bytes, kind: str
) -> None:
    fake.fail_next(status=200, body=body)
    response = call("GET", "/events")
    assert response.content == content
    assert response.headers["content-type"].startswith(kind)


def test_retry_after_and_other_headers_go_along(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=429, retry_after=2, headers={"X-Cause": "test"})
    response = call("GET", "/events")
    assert (response.headers["retry-after"], response.headers["x-cause"]) == ("2", "test")


def test_faults_are_met_in_the_order_they_were_put(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=503, times=2)
    fake.fail_next(status=520)
    assert [call("GET", "/events").status_code for _ in range(4)] == [503, 503, 520, 200]


def test_a_fault_waits_for_a_request_of_its_method_and_path(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=503, method="POST")
    fake.fail_next(status=520, path="/events/ride-1")
    assert call("GET", "/events").status_code == 200
    assert call("GET", "/events/ride-1").status_code == 520
    assert call("POST", "/events/correction", params=UNDO).status_code == 503


def test_a_faulty_request_is_recorded(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=503)
    call("POST", "/events/correction", params=UNDO)
    assert [(item.method, item.query["action"]) for item in fake.requests] == [("POST", "UNDO")]


@pytest.mark.parametrize("acts", [False, True])
def test_an_error_can_come_before_or_after_the_service_acted(
    fake: FakeTogai, call: Call, acts: bool
) -> None:
    fake.add(id="ride-1")
    fake.fail_next(status=503, acts=acts)
    assert call("POST", "/events/correction", params=UNDO).status_code == 503
    assert len(fake.corrections) == acts


@pytest.mark.parametrize("acts", [False, True])
def test_a_connection_can_drop_before_or_after_the_service_acted(
    fake: FakeTogai, call: Call, acts: bool
) -> None:
    fake.add(id="ride-1")
    fake.drop_next(acts=acts)
    with pytest.raises(httpx.RemoteProtocolError):
        call("POST", "/events/correction", params=UNDO)
    assert len(fake.corrections) == acts
    assert call("GET", "/events").status_code == 200


def test_a_body_can_break_off_in_the_middle_after_the_service_acted(
    fake: FakeTogai, call: Call
) -> None:
    fake.add(id="ride-1")
    fake.drop_next(half=True)
    with pytest.raises(httpx.RemoteProtocolError):
        call("POST", "/events/correction", params=UNDO)
    assert len(fake.corrections) == 1


@pytest.mark.parametrize("acts", [False, True])
def test_a_held_response_is_a_read_timeout(fake: FakeTogai, call: Call, acts: bool) -> None:
    fake.add(id="ride-1")
    fake.hold_next(acts=acts)
    with pytest.raises(httpx.ReadTimeout):
        call("POST", "/events/correction", params=UNDO, timeout=httpx.Timeout(30, read=0.2))
    assert len(fake.corrections) == acts


def test_a_dripping_body_arrives_whole(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    whole = call("GET", "/events").content
    fake.drip_next(seconds=0.0001)
    assert call("GET", "/events").content == whole


def test_an_response_can_be_changed_in_place_or_replaced(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.change_next(lambda body: body["events"][0].update(createdAt=None))
    fake.change_next(lambda body: {**body, "nextToken": ""})
    assert call("GET", "/events").json()["events"][0]["createdAt"] is None
    assert call("GET", "/events").json()["nextToken"] == ""


def test_a_changed_response_changes_nothing_that_is_stored(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    clean = call("GET", "/events").json()
    fake.change_next(lambda body: body["events"][0]["eventPayload"].clear())
    assert call("GET", "/events").json() != clean
    assert call("GET", "/events").json() == clean


def test_release_forgets_the_faults_to_come(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(times=100)
    assert call("GET", "/events").status_code == 500
    fake.release()
    assert call("GET", "/events").status_code == 200


def test_a_fault_can_let_requests_pass_first(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=503, skip=2, path="/events")
    fake.fail_next(status=520, skip=1)
    statuses = [call("GET", "/events").status_code for _ in range(6)]
    assert statuses == [200, 200, 503, 200, 520, 200]


def test_a_fault_without_end_lasts_until_release(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=503, times=None)
    assert {call("GET", "/events").status_code for _ in range(5)} == {503}
    fake.release()
    assert call("GET", "/events").status_code == 200


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
    with pytest.raises(ValueError, match=r"pass [01] or more|the calls are GET|from 200 to 599"):
        fake.fail_next(**arguments)


@pytest.mark.parametrize(
    "method",
    [
        "fail_next", "drop_next", "hold_next", "slow_next", "leftover_next", "wrong_event_next",
    ],
)  # fmt: skip
def test_a_misspelt_parameter_is_a_type_error(fake: FakeTogai, method: str) -> None:
    with pytest.raises(TypeError, match="argument 'tmes': pass any of times, method, path, skip"):
        getattr(fake, method)(tmes=2)
    assert fake._queue.take(Request("GET", "/events", {})) is None


def test_all_faults_share_the_parameters_that_when_documents() -> None:
    own = {name for name in dir(FakeTogai) if name.endswith("_next")}
    shared = {
        name for name in own if "when" in inspect.signature(getattr(FakeTogai, name)).parameters
    }
    # These count pages and events instead of requests.
    assert own - shared == {"cycle_next", "refuse_next"}
    for name in shared:
        assert inspect.signature(getattr(FakeTogai, name)).parameters["when"].annotation == (
            "Unpack[When]"
        )
    source = inspect.getsource(When)
    assert source.count('"""') == 2 * (1 + len(When.__annotations__))


def test_a_method_is_taken_in_small_letters_too(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=503, method="get")
    assert call("GET", "/events").status_code == 503


@pytest.mark.parametrize("acts", [False, True])
def test_a_connection_can_be_reset_before_or_after_the_service_acted(
    fake: FakeTogai, call: Call, acts: bool
) -> None:
    fake.add(id="ride-1")
    fake.drop_next(reset=True, acts=acts)
    with pytest.raises(httpx.ReadError):
        call("POST", "/events/correction", params=UNDO)
    assert len(fake.corrections) == acts


def test_an_empty_page_has_a_new_token_and_the_listing_goes_on(fake: FakeTogai, call: Call) -> None:
    fake.add_many(6)
    fake.empty_page_next(times=2, skip=1)
    sizes: list[int] = []
    tokens: list[str] = []
    query = {"account_id": "acme", "pageSize": "3"}
    while True:
        body = call("GET", "/events", params=query).json()
        sizes.append(len(body["events"]))
        if "nextToken" not in body:
            break
        tokens.append(body["nextToken"])
        query["nextToken"] = body["nextToken"]
    assert sizes == [3, 0, 0, 3]
    assert len(set(tokens)) == 3


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_page_tokens_can_go_round(fake: FakeTogai, call: Call, pages: int) -> None:
    fake.add_many(20)
    fake.cycle_next(pages)
    tokens: list[str] = []
    query = {"pageSize": "2"}
    for _ in range(7):
        tokens.append(call("GET", "/events", params=query).json()["nextToken"])
        query["nextToken"] = tokens[-1]
    assert tokens[pages:] == [tokens[0]] * (7 - pages)
    assert len(set(tokens)) == pages


@pytest.mark.parametrize("pages", [0, -1])
def test_page_tokens_that_never_go_round_are_refused(fake: FakeTogai, pages: int) -> None:
    with pytest.raises(ValueError, match=f"pages={pages}: pass 1 or more"):
        fake.cycle_next(pages)


def test_every_response_carries_a_request_id_faults_too(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=503)
    fake.fail_next(status=503, headers={"x-request-id": "mine"})
    ids = [call("GET", "/events").headers["x-request-id"] for _ in range(3)]
    assert ids == ["req-1", "mine", "req-3"]


def test_a_length_that_is_wrong_can_be_announced(fake: FakeTogai) -> None:
    fake.fail_next(status=200, body=b"abc", headers={"Content-Length": "2"})
    with fake.serve() as url:
        assert httpx.get(f"{url}/events", headers={"Connection": "close"}).content == b"ab"


def test_a_value_can_be_put_anywhere_into_a_response(fake: FakeTogai, call: Call) -> None:
    fake.add_many(3)
    fake.set_next("$.events[1].createdAt", None)
    fake.set_next("events[*].ingestionStatus.status", "ARCHIVED")
    fake.set_next("$.events[2].colour", {"red": 1})
    null, new, unknown = (call("GET", "/events").json()["events"] for _ in range(3))
    assert [item["createdAt"] is None for item in null] == [False, True, False]
    assert {item["ingestionStatus"]["status"] for item in new} == {"ARCHIVED"}
    assert [item.get("colour") for item in unknown] == [None, None, {"red": 1}]


def test_a_property_or_an_item_can_be_taken_out(fake: FakeTogai, call: Call) -> None:
    fake.add_many(3)
    fake.remove_next("$.events[*].createdAt", times=2)
    fake.remove_next("$.events[0]")
    fake.remove_next("$.events[*]")
    fake.remove_next("$.events")
    bodies = [call("GET", "/events").json() for _ in range(5)]
    assert not any("createdAt" in item for body in bodies[:2] for item in body["events"])
    assert [len(body["events"]) for body in bodies[2:4]] == [2, 0]
    assert bodies[4] == {}


@pytest.mark.parametrize(
    ("set_fault", "missing"),
    [
        (lambda fake: fake.set_next("$.events[0].createdAt", None), r"item \[0\]"),
        (lambda fake: fake.set_next("$.data[*].status", "NEW"), "property data"),
        (lambda fake: fake.remove_next("$.events[*].source"), r"item \[\*\]"),
        (lambda fake: fake.remove_next("$.nextToken"), "property nextToken"),
        (lambda fake: fake.set_next("$.events.source", 1), "property source"),
        (lambda fake: fake.set_next("$[0]", 1), r"item \[0\]"),
    ],
)
def test_an_response_that_has_no_such_place_says_so_and_is_not_retried(
    fake: FakeTogai, call: Call, set_fault: Callable[[FakeTogai], None], missing: str
) -> None:
    set_fault(fake)
    response = call("GET", "/events")
    assert response.status_code == 400
    assert re.search(
        rf"_next\(.*does not fit the response: there is no {missing} in ", response.text
    )


def test_an_error_is_left_as_it_is(fake: FakeTogai, call: Call) -> None:
    fake.set_next("$.events[0].createdAt", None)
    assert call("GET", "/events", headers={}).status_code == 401


@pytest.mark.parametrize("place", ["", "$", "a..b", "a[", "a[-1]", "a[x]", "a]", "$.a[1]]"])
def test_an_invalid_place_is_refused_at_once(fake: FakeTogai, place: str) -> None:
    with pytest.raises(ValueError, match="is not a place in JSON: write it like"):
        fake.set_next(place, None)
    with pytest.raises(ValueError, match="is not a place in JSON: write it like"):
        fake.remove_next(place)


def test_a_value_that_json_cannot_say_is_refused_at_once(fake: FakeTogai) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        fake.set_next("$.events", object())


def test_a_correction_can_fail_for_some_events_in_a_success(fake: FakeTogai, call: Call) -> None:
    fake.add_many(4)
    fake.refuse_next(2, skip=1, reason="Closed month")
    query = {"action": "UNDO", "account_id": "acme"}
    response = call("POST", "/events/correction", params=query)
    assert response.status_code == 200
    result = [(item["status"], item["reason"]) for item in response.json()["data"]]
    done, refused = ("REVERTED", "Reverted"), ("FAILED", "Closed month")
    assert result == [done, refused, refused, done]
    assert len(fake.corrections) == 2


def test_release_forgets_the_refusals_to_come(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.refuse_next()
    fake.release()
    response = call("POST", "/events/correction", params=UNDO)
    assert response.json()["data"][0]["status"] == "REVERTED"


@pytest.mark.parametrize("arguments", [{"events": 0}, {"skip": -1}, {"reason": ""}])
def test_a_refusal_that_could_never_be_met_or_says_nothing_is_refused(
    fake: FakeTogai, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"pass 1 or more|pass text"):
        fake.refuse_next(**arguments)


def test_a_correction_takes_30_of_31_matches(fake: FakeTogai, call: Call) -> None:
    fake.add_many(31)
    response = call("POST", "/events/correction", params={"action": "UNDO", "account_id": "acme"})
    assert (len(response.json()["data"]), len(fake.corrections)) == (30, 30)


@pytest.mark.parametrize(
    "call",
    [
        lambda queue: queue.add(Fault()),
        lambda queue: queue.take(Request("GET", "/events", {})),
        lambda queue: queue.clear(),
    ],
)
def test_the_queue_of_faults_is_changed_by_one_thread_at_a_time(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[FaultQueue], object]
) -> None:
    queue = FaultQueue()
    queue.add(Fault())
    monkeypatch.setattr(queue, "_lock", Held())
    with pytest.raises(HeldError):
        call(queue)
    assert len(queue._queue) == 1


def test_a_queue_holds_responses_from_a_fault_on_until_it_is_cleared() -> None:
    queue = FaultQueue()
    queue.add(Fault())
    assert not queue.released.is_set()
    queue.clear()
    assert queue.released.is_set()
    assert queue.take(Request("GET", "/events", {})) is None
