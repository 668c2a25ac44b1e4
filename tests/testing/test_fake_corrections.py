"""How the in-memory service corrects events, and which corrections it refuses."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from togai.testing import FakeTogai

from .conftest import Call, other_ways_are_slow

PAYLOAD: dict[str, Any] = {
    "id": "ride-1",
    "schemaName": "rides",
    "accountId": "acme",
    "timestamp": "2024-12-04T07:30:35+05:30",
    "attributes": [{"name": "distance", "value": "4.24", "unit": "Kilometers"}],
    "dimensions": {"city": "Chennai"},
}


def correct(call: Call, action: str, event: Any = None, **query: Any) -> httpx.Response:
    params = {"action": action, "account_id": "acme", **query}
    body = {} if event is None else {"json": {"event": event}}
    return call("POST", "/events/correction", params=params, **body)


def outcomes(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["status"] for item in response.json()["data"]]


def status(call: Call, event_id: str) -> str:
    (event,) = call("GET", f"/events/{event_id}").json()["events"]
    return str(event["ingestionStatus"]["status"])


def refused(response: httpx.Response) -> str:
    assert response.status_code == 400, response.text
    return str(response.json()["message"])


def test_undo_reverts_the_event(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    assert outcomes(correct(call, "UNDO", event_id="ride-1")) == ["REVERTED"]
    (event,) = call("GET", "/events/ride-1").json()["events"]
    assert event["ingestionStatus"]["status"] == "REVERTED"
    before = event["eventPipelineInfo"]["statusBeforeReverting"]
    assert before == "INGESTION_COMPLETED_EVENT_METERED"


def test_redo_leaves_the_event_ingested(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    assert outcomes(correct(call, "REDO", event_id="ride-1")) == ["REVERTED_AND_REINGESTED"]
    assert status(call, "ride-1") == "INGESTION_COMPLETED_EVENT_METERED"
    assert [item.action for item in fake.corrections] == ["REDO"]


def test_redo_event_reverts_the_old_event_and_ingests_the_replacement(
    fake: FakeTogai, call: Call
) -> None:
    fake.add(id="ride-1")
    response = correct(call, "REDO_EVENT", PAYLOAD, event_id="ride-1")
    assert outcomes(response) == ["REVERTED_AND_REINGESTED"]
    old, new = call("GET", "/events/ride-1").json()["events"]
    assert old["ingestionStatus"]["status"] == "REVERTED"
    assert new["ingestionStatus"]["status"] == "INGESTION_COMPLETED_EVENT_METERED"
    assert new["eventPayload"] == PAYLOAD
    assert new["referenceId"] != old["referenceId"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"status": "REVERTED"}, "reverted"),
        ({"status": "INGESTION_FAILED_UNITS_INVALID"}, "not ingested"),
        ({"status": "INGESTION_IN_PROGRESS"}, "being ingested"),
        ({"past_cycle": True}, "past pricing cycle"),
    ],
)
@pytest.mark.parametrize("action", ["UNDO", "REDO", "REDO_EVENT"])
@other_ways_are_slow
def test_what_cannot_be_corrected_comes_back_failed_and_stays_as_it_is(
    fake: FakeTogai, call: Call, action: str, settings: dict[str, Any], reason: str
) -> None:
    before = fake.add(id="ride-1", **settings).to_json()
    payload = PAYLOAD if action == "REDO_EVENT" else None
    (entry,) = correct(call, action, payload, event_id="ride-1").json()["data"]
    assert entry["status"] == "FAILED"
    assert reason in entry["reason"]
    assert [item.to_json() for item in fake.events] == [before]
    assert fake.corrections == []


def test_a_second_undo_fails_and_not_applied(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    responses = [outcomes(correct(call, "UNDO", event_id="ride-1")) for _ in range(2)]
    assert responses == [["REVERTED"], ["FAILED"]]
    assert len(fake.corrections) == 1


def test_all_matches_are_corrected_by_source_time_descending_then_id_ascending(
    fake: FakeTogai, call: Call
) -> None:
    for event_id, hour in (("b", 7), ("c", 9), ("a", 7), ("d", 8)):
        fake.add(id=event_id, timestamp=f"2024-12-04T0{hour}:00:00Z")
    # Nine o'clock in Chennai is half past three in Greenwich.
    fake.add(id="e", timestamp="2024-12-04T09:00:00+05:30")
    entries = correct(call, "UNDO").json()["data"]
    assert [item["eventPayload"]["id"] for item in entries] == ["c", "d", "a", "b", "e"]


def test_a_synchronous_call_stops_at_30_and_does_not_say_so(fake: FakeTogai, call: Call) -> None:
    fake.add_many(31)
    response = correct(call, "UNDO")
    assert len(outcomes(response)) == 30
    assert list(response.json()) == ["data"]
    assert [item.status for item in fake.events].count("REVERTED") == 30


def test_other_accounts_are_left_alone(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.add(id="ride-1", account_id="other")
    assert len(outcomes(correct(call, "UNDO", event_id="ride-1"))) == 1
    assert [item.status for item in fake.events] == [
        "REVERTED",
        "INGESTION_COMPLETED_EVENT_METERED",
    ]


@pytest.mark.parametrize(
    "filters",
    [
        {"id": "ref-x"},
        {"event_id": "ride-2"},
        {"event_source_time": "2024-12-04T02:00:00Z"},
        {"event_id": "ride-2", "created_at": "2024-12-04T08:00:00+00:00"},
        {"event_id": "ride-2", "event_source_time": "2024-12-04T07:30:00+05:30"},
    ],
)
@other_ways_are_slow
def test_each_documented_filter_combination_finds_its_event(
    fake: FakeTogai, call: Call, filters: dict[str, str]
) -> None:
    fake.add(id="ride-1")
    fake.add(
        id="ride-2",
        reference_id="ref-x",
        timestamp="2024-12-04T02:00:00Z",
        created_at="2024-12-04T08:00:00Z",
    )
    (entry,) = correct(call, "UNDO", **filters).json()["data"]
    assert entry["referenceId"] == "ref-x"


@pytest.mark.parametrize(
    "filters",
    [
        ("id", "event_id"),
        ("created_at",),
        ("id", "created_at"),
        ("created_at", "event_source_time"),
        ("event_id", "created_at", "event_source_time"),
    ],
)
@other_ways_are_slow
def test_any_other_combination_is_refused_with_those_that_are_allowed(
    fake: FakeTogai, call: Call, filters: tuple[str, ...]
) -> None:
    fake.add(id="ride-1")
    values = dict.fromkeys(filters, "2024-12-04T08:00:00Z")
    assert "event_id and created_at" in refused(correct(call, "UNDO", **values))
    assert fake.corrections == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"action": "DELETE"}, "action"),
        ({"action": ""}, "action"),
        ({"account_id": ""}, "account_id"),
        ({"event_source_time": "yesterday"}, "event_source_time"),
        ({"event_source_time": "2024-12-04T07:30:35"}, "event_source_time"),
        ({"event_id": "ride-1", "created_at": "2024-13-04T00:00:00Z"}, "created_at"),
        ({"async": "yes"}, "async"),
        ({"require_confirmation": "True"}, "require_confirmation"),
    ],
)
@other_ways_are_slow
def test_a_wrong_query_value_is_refused_by_name(
    fake: FakeTogai, call: Call, query: dict[str, str], named: str
) -> None:
    fake.add(id="ride-1")
    message = refused(correct(call, **{"action": "UNDO", **query}))
    assert named in message
    assert fake.corrections == []


def test_the_action_and_the_account_are_required(call: Call) -> None:
    assert "action" in refused(call("POST", "/events/correction", params={"account_id": "acme"}))
    assert "account_id" in refused(call("POST", "/events/correction", params={"action": "UNDO"}))


def test_redo_event_needs_an_event(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    assert "REDO_EVENT" in refused(correct(call, "REDO_EVENT", event_id="ride-1"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"schemaName": ""}, "schemaName"),
        ({"schemaName": "x" * 51}, "schemaName"),
        ({"accountId": "x" * 513}, "accountId"),
        ({"accountId": 7}, "accountId"),
        ({"id": "x" * 513}, "id"),
        ({"timestamp": "2024-12-04T07:30:35"}, "timestamp"),
        ({"timestamp": None}, "timestamp"),
        ({"attributes": [{"name": "a", "value": "1"}] * 11}, "attributes"),
        ({"attributes": None}, "attributes"),
        ({"attributes": [7]}, "attribute"),
        ({"attributes": [{"name": "a", "value": 1}]}, "value"),
        ({"attributes": [{"name": "a", "value": "1e5"}]}, "value"),
        ({"attributes": [{"name": "a", "value": "1\n"}]}, "value"),
        ({"attributes": [{"name": "a", "value": "9" * 513}]}, "value"),
        ({"attributes": [{"name": "a"}]}, "value"),
        ({"attributes": [{"name": "", "value": "1"}]}, "name"),
        ({"attributes": [{"name": "a", "value": "1", "unit": "x" * 51}]}, "unit"),
        ({"dimensions": {"city": ""}}, "city"),
        ({"dimensions": {"city": 7}}, "city"),
        ({"dimensions": None}, "dimensions"),
        ({"referenceId": "ref-1"}, "referenceId"),
    ],
)
@other_ways_are_slow
def test_an_event_that_breaks_the_contract_is_refused_and_nothing_is_done(
    fake: FakeTogai, call: Call, change: dict[str, Any], named: str
) -> None:
    fake.add(id="ride-1")
    message = refused(correct(call, "REDO_EVENT", {**PAYLOAD, **change}, event_id="ride-1"))
    assert named in message
    assert len(fake.events) == 1
    assert fake.corrections == []


@pytest.mark.parametrize(
    "name", ["schemaName", "timestamp", "accountId", "attributes", "dimensions"]
)
@other_ways_are_slow
def test_an_event_without_a_required_property_is_refused(
    fake: FakeTogai, call: Call, name: str
) -> None:
    fake.add(id="ride-1")
    payload = {key: value for key, value in PAYLOAD.items() if key != name}
    assert name in refused(correct(call, "REDO_EVENT", payload, event_id="ride-1"))


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff", b'{"event": 7}', b'{"other": {}}', b"{}", b"[" * 100_000]
)
@other_ways_are_slow
def test_a_body_that_is_not_a_correction_request_is_refused(
    fake: FakeTogai, call: Call, body: bytes
) -> None:
    fake.add(id="ride-1")
    query = {"action": "REDO_EVENT", "account_id": "acme", "event_id": "ride-1"}
    headers = {"Authorization": "Bearer test-token", "Content-Type": "application/json"}
    refused(call("POST", "/events/correction", params=query, content=body, headers=headers))
    assert fake.corrections == []


def test_an_action_without_a_replacement_takes_an_empty_body(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    query = {"action": "UNDO", "account_id": "acme", "event_id": "ride-1"}
    assert call("POST", "/events/correction", params=query, json={}).status_code == 200
    assert len(fake.corrections) == 1


def test_a_background_correction_is_done_later_and_on_all_matches(
    fake: FakeTogai, call: Call
) -> None:
    fake.add_many(40)
    response = correct(call, "UNDO", **{"async": "true"})
    assert response.status_code == 200
    assert "data" not in response.json()
    assert fake.corrections == []
    fake.run_jobs()
    assert len(fake.corrections) == 40
    assert fake.jobs == []


def test_a_job_that_requires_confirmation_waits_for_it(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    correct(call, "UNDO", **{"async": "true", "require_confirmation": "true"})
    fake.run_jobs()
    assert (len(fake.jobs), fake.corrections) == (1, [])
    fake.confirm_jobs()
    fake.run_jobs()
    assert (fake.jobs, len(fake.corrections)) == ([], 1)


def test_a_job_is_done_once(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    correct(call, "REDO", **{"async": "true"})
    fake.run_jobs()
    fake.run_jobs()
    assert len(fake.corrections) == 1


def test_confirmation_without_a_background_job_is_refused(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    assert "async=true" in refused(correct(call, "UNDO", require_confirmation="true"))
    assert fake.corrections == []


def test_an_event_that_is_null_is_refused(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    query = {"action": "UNDO", "account_id": "acme", "event_id": "ride-1"}
    response = call("POST", "/events/correction", params=query, json={"event": None})
    assert response.status_code == 400
    assert fake.corrections == []
