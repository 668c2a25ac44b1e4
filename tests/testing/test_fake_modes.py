"""A service that behaves worse than the real service, over a socket and over a transport."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from togai import CorrectionOutcomeUnknown, Timeout, Togai
from togai.testing import FakeClock, FakeTogai

from ..waiting import wait_until

Call = Callable[..., httpx.Response]

HEADERS = {"Authorization": "Bearer test-token"}
IMPATIENT = httpx.Timeout(30, read=0.1)
UNDO = {"action": "UNDO", "account_id": "acme", "event_id": "ride-1"}
PAYLOAD = {
    "id": "ride-1",
    "schemaName": "rides",
    "accountId": "acme",
    "timestamp": "2024-12-04T07:30:35Z",
    "attributes": [],
    "dimensions": {},
}


@pytest.fixture
def fake() -> FakeTogai:
    """Without the check against the contract, which these modes break."""
    return FakeTogai()


def correct(call: Call, action: str = "UNDO", **options: Any) -> httpx.Response:
    return call("POST", "/events/correction", params={**UNDO, "action": action}, **options)


def outcome(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    return str(response.json()["data"][0]["status"])


def statuses(call: Call, event_id: str = "ride-1") -> list[str]:
    events = call("GET", f"/events/{event_id}").json()["events"]
    return [event["ingestionStatus"]["status"] for event in events]


def pages(call: Call, **query: Any) -> list[list[str]]:
    result: list[list[str]] = []
    while True:
        body = call("GET", "/events", params=query).json()
        result.append([event["eventPayload"].get("id") for event in body["events"]])
        if "nextToken" not in body:
            return result
        query["nextToken"] = body["nextToken"]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (0, [["e-1", "e-2", "e-3"], ["e-4", "e-5"]]),
        (1, [["e-1", "e-2", "e-3"], ["e-3", "e-4", "e-5"]]),
        (9, [["e-1", "e-2", "e-3"], ["e-2", "e-3", "e-4"], ["e-3", "e-4", "e-5"]]),
    ],
)
def test_pages_can_overlap_and_the_listing_still_ends(
    fake: FakeTogai, call: Call, overlap: int, expected: list[list[str]]
) -> None:
    fake.add(account_id="other")
    fake.add_many(5, prefix="e")
    fake.overlap_pages(overlap)
    assert pages(call, account_id="acme", pageSize=3) == expected


def test_reads_can_lag_by_a_number_of_requests(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.lag_reads(requests=2)
    assert outcome(correct(call)) == "REVERTED"
    assert fake.events[0].status == "REVERTED"
    read = [statuses(call)[0] for _ in range(3)]
    assert read == ["INGESTION_COMPLETED_EVENT_METERED"] * 2 + ["REVERTED"]


def test_reads_can_lag_by_seconds_of_the_clock(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.lag_reads(seconds=60)
    with FakeClock() as clock:
        correct(call, "REDO_EVENT", json={"event": PAYLOAD})
        assert statuses(call) == ["INGESTION_COMPLETED_EVENT_METERED"]
        assert pages(call) == [["ride-1"]]
        clock.move(60)
        assert statuses(call) == ["REVERTED", "INGESTION_COMPLETED_EVENT_METERED"]
        assert pages(call) == [["ride-1", "ride-1"]]


def test_lagging_reads_show_the_state_between_two_corrections(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.lag_reads(seconds=60)
    fake.correct_reverted()
    with FakeClock() as clock:
        correct(call)
        clock.move(30)
        correct(call, "REDO")
        seen = [statuses(call)[0]]
        for _ in range(2):
            clock.move(30)
            seen.append(statuses(call)[0])
    metered = "INGESTION_COMPLETED_EVENT_METERED"
    assert seen == [metered, "REVERTED", metered]


def test_the_lag_of_reads_can_be_switched_off(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.lag_reads(requests=100)
    correct(call)
    fake.lag_reads()
    assert statuses(call) == ["REVERTED"]


def test_an_event_of_an_alias_is_listed_and_corrected_under_both_names(
    fake: FakeTogai, call: Call
) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add(id="ride-1", account_id="acme-eu")
    fake.add(id="ride-2")
    fake.add(id="ride-3", account_id="other")
    listed = call("GET", "/events", params={"account_id": "acme"}).json()["events"]
    assert [event["eventPayload"]["accountId"] for event in listed] == ["acme-eu", "acme"]
    assert pages(call, account_id="acme-eu") == [["ride-1", "ride-2"]]
    assert outcome(correct(call)) == "REVERTED"
    query = {"action": "UNDO", "account_id": "acme-eu", "event_id": "ride-2"}
    assert outcome(call("POST", "/events/correction", params=query)) == "REVERTED"


def test_an_alias_of_an_alias_is_one_of_the_account(fake: FakeTogai, call: Call) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add_alias("acme-eu", "acme-de")
    fake.add(id="ride-1", account_id="acme-de")
    assert pages(call, account_id="acme") == [["ride-1"]]


def test_an_alias_names_one_account(fake: FakeTogai) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add_alias("acme", "acme-eu")
    with pytest.raises(ValueError, match="'acme-eu' already names the account 'acme'"):
        fake.add_alias("other", "acme-eu")
    with pytest.raises(ValueError, match="already names"):
        fake.add_alias("acme", "acme")


@pytest.mark.parametrize("action", ["UNDO", "REDO"])
def test_a_reverted_event_can_be_corrected_again_and_each_time_counts(
    fake: FakeTogai, call: Call, action: str
) -> None:
    event = fake.add(id="ride-1")
    fake.correct_reverted()
    succeeded = "REVERTED" if action == "UNDO" else "REVERTED_AND_REINGESTED"
    assert [outcome(correct(call, action)) for _ in range(3)] == [succeeded] * 3
    assert fake.applied == {event.reference_id: 3}
    assert fake.applied["ref-unknown"] == 0


def test_an_event_added_as_reverted_can_be_redone_in_that_mode(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1", status="REVERTED")
    assert outcome(correct(call, "REDO")) == "FAILED"
    fake.correct_reverted()
    assert outcome(correct(call, "REDO")) == "REVERTED_AND_REINGESTED"
    assert statuses(call) == ["INGESTION_COMPLETED_EVENT_METERED"]
    fake.correct_reverted(enabled=False)
    assert outcome(correct(call)) == "REVERTED"
    assert outcome(correct(call)) == "FAILED"


def test_other_refusals_stay_in_that_mode(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1", past_cycle=True)
    fake.correct_reverted()
    assert outcome(correct(call)) == "FAILED"
    assert fake.applied == {}


def test_a_slow_request_is_processed_after_the_client_has_given_up(
    fake: FakeTogai, call: Call
) -> None:
    fake.add(id="ride-1")
    fake.slow_next()
    with pytest.raises(httpx.ReadTimeout):
        correct(call, timeout=IMPATIENT)
    assert fake.corrections == []
    assert statuses(call) == ["INGESTION_COMPLETED_EVENT_METERED"]
    fake.release()
    assert statuses(call) == ["REVERTED"]
    assert len(fake.corrections) == 1


def test_a_slow_request_is_processed_once_its_time_has_come(
    fake: FakeTogai, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(fake._service, "_seconds", lambda: now[0])
    fake.add(id="ride-1")
    fake.slow_next(seconds=3600)
    with pytest.raises(httpx.ReadTimeout):
        correct(call, timeout=IMPATIENT)
    assert fake.corrections == []
    now[0] = 3600.0
    assert statuses(call) == ["REVERTED"]  # the next request already sees it
    assert len(fake.corrections) == 1


def test_a_client_that_waits_gets_the_late_response(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.slow_next(seconds=30)
    with FakeClock() as clock:
        response = correct(call, timeout=None)
    assert outcome(response) == "REVERTED"
    assert clock.waits == [30.0]
    assert response.headers["x-request-id"] == "req-1"
    assert len(fake.corrections) == 1


def test_a_slow_request_needs_a_time_to_come(fake: FakeTogai) -> None:
    with pytest.raises(ValueError, match="pass more than 0"):
        fake.slow_next(seconds=0)


def test_a_second_response_can_follow_in_the_same_segment(fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    fake.leftover_next()
    with fake.serve() as url, httpx.Client(base_url=url, headers=HEADERS) as client:
        first = client.get("/events")
        assert [event["eventPayload"]["id"] for event in first.json()["events"]] == ["ride-1"]
        stale = client.get("/events/ride-1")
    assert stale.headers["x-request-id"] == "leftover"
    assert stale.json() == {"data": []}


def test_the_second_response_can_be_any(fake: FakeTogai) -> None:
    fake.leftover_next(status=503, body="busy", skip=1)
    with fake.serve() as url, httpx.Client(base_url=url, headers=HEADERS) as client:
        received = [client.get("/events") for _ in range(3)]
    assert [response.status_code for response in received] == [200, 200, 503]
    assert received[2].text == "busy"


def test_a_response_can_be_about_other_events(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.wrong_event_next(times=2)
    (entry,) = correct(call).json()["data"]
    (event,) = call("GET", "/events/ride-1").json()["events"]
    for item in (entry, event):
        assert item["referenceId"] == "ref-other-1"
        assert item["eventPayload"]["id"] == "event-other-1"
    assert fake.applied == {"ref-1": 1}


@pytest.mark.parametrize("status", [202, 207, 302, 409, 499])
def test_any_status_can_follow_on_an_applied_correction(
    fake: FakeTogai, call: Call, status: int
) -> None:
    fake.add(id="ride-1")
    fake.fail_next(status=status, acts=True)
    assert correct(call).status_code == status
    assert fake.applied == {"ref-1": 1}


def test_a_success_can_have_no_entries_or_an_unknown_status(fake: FakeTogai, call: Call) -> None:
    fake.correct_reverted()
    fake.add(id="ride-1")
    fake.set_next("$.data", [])
    fake.set_next("$.data[*].status", "QUEUED")
    assert correct(call).json() == {"data": []}
    assert outcome(correct(call)) == "QUEUED"
    assert fake.applied == {"ref-1": 2}


@pytest.mark.parametrize("shown", ["REVERTED ", "reverted", "ROLLED_BACK"])
def test_a_status_can_be_shown_under_another_name(fake: FakeTogai, call: Call, shown: str) -> None:
    fake.add(id="ride-1")
    fake.rename_status("REVERTED", shown)
    (entry,) = correct(call).json()["data"]
    assert (entry["status"], entry["ingestionStatus"]["status"]) == ("REVERTED", shown)
    assert statuses(call) == [shown]
    assert outcome(correct(call)) == "FAILED"
    fake.rename_status("REVERTED", "REVERTED")
    assert statuses(call) == ["REVERTED"]


def test_every_event_can_be_changed_in_every_response(fake: FakeTogai, call: Call) -> None:
    fake.add_many(2, prefix="ride")

    def change(event: Any) -> None:
        del event["createdAt"]
        event["eventPayload"].pop("id")

    fake.change_events(change)
    shown = call("GET", "/events").json()["events"]
    shown += call("GET", "/events/ride-1").json()["events"]
    shown += correct(call).json()["data"]
    assert len(shown) == 4
    assert not any("createdAt" in event or "id" in event["eventPayload"] for event in shown)
    fake.change_events(lambda event: {**event, "createdAt": 1735603200})
    assert call("GET", "/events").json()["events"][0]["createdAt"] == 1735603200
    fake.change_events(None)
    assert "id" in call("GET", "/events").json()["events"][0]["eventPayload"]


@pytest.mark.parametrize(
    ("name", "query"),
    [("account_id", {"account_id": "none"}), ("schema_name", {"schema_name": "none"})],
)
def test_a_filter_of_listings_can_be_ignored(
    fake: FakeTogai, call: Call, name: str, query: dict[str, str]
) -> None:
    fake.add_many(3, prefix="e")
    assert pages(call, **query) == [[]]
    fake.ignore_filter(name)
    assert pages(call, pageSize=2, **query) == [["e-1", "e-2"], ["e-3"]]
    fake.ignore_filter()
    assert pages(call, **query) == [[]]


def test_a_filter_of_corrections_can_be_ignored(fake: FakeTogai, call: Call) -> None:
    fake.add_many(3, prefix="ride")
    fake.add(account_id="other")
    fake.ignore_filter("event_id", "account_id")
    assert len(correct(call).json()["data"]) == 3
    assert fake.applied == {"ref-1": 1, "ref-2": 1, "ref-3": 1}


def test_a_next_page_can_be_offered_under_another_name(fake: FakeTogai, call: Call) -> None:
    fake.add_many(3)
    fake.change_next(lambda page: {"cursor": page.pop("nextToken"), **page})
    body = call("GET", "/events", params={"pageSize": 2}).json()
    assert list(body) == ["cursor", "events"]


def test_modes_stay_after_release(fake: FakeTogai, call: Call) -> None:
    fake.add_many(3, prefix="e")
    fake.overlap_pages()
    fake.release()
    assert pages(call, pageSize=2) == [["e-1", "e-2"], ["e-2", "e-3"]]


def test_many_events_can_be_without_ids(fake: FakeTogai, call: Call) -> None:
    fake.add_many(2, prefix=None)
    assert pages(call) == [[None, None]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fake: fake.overlap_pages(-1), "pass 0 or more"),
        (lambda fake: fake.lag_reads(seconds=-1), "pass 0 or more"),
        (lambda fake: fake.lag_reads(requests=-1), "pass 0 or more"),
        (lambda fake: fake.ignore_filter("accountId"), "there is no filter 'accountId'"),
        (lambda fake: fake.drop_next(half=True, reset=True), "pass one of them"),
    ],
)
def test_a_mode_that_makes_no_sense_is_refused(
    fake: FakeTogai, call: Callable[[FakeTogai], None], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        call(fake)


def test_a_client_that_gives_up_leaves_work_that_the_service_finishes(fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    fake.slow_next()
    with fake.serve() as url:
        client = Togai(fake.token, base_url=url, timeout=Timeout(read=0.2))
        with pytest.raises(CorrectionOutcomeUnknown):
            client.events.undo(account_id="acme", event_id="ride-1")
        client.close()
        assert fake.applied == {}
        fake.release()
        assert fake.applied == {"ref-1": 1}


def test_a_killed_process_leaves_work_that_the_service_finishes(fake: FakeTogai) -> None:
    code = "import sys, togai; togai.Togai('test-token', base_url=sys.argv[1]).events.undo("
    code += "account_id='acme', event_id='ride-1')"
    fake.add(id="ride-1")
    fake.slow_next()
    with fake.serve() as url:
        process = subprocess.Popen([sys.executable, "-c", code, url])
        wait_until(lambda: fake.requests)
        process.kill()
        process.wait()
        assert fake.applied == {}
        fake.release()
        assert fake.applied == {"ref-1": 1}
