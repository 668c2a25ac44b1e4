"""How the in-memory service responds to the two reading calls, and how it refuses other calls."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx
import pytest

from togai.testing import FakeTogai, Request
from togai.testing._parameters import write_token

from ..locks import Held, HeldError
from .conftest import Call, other_ways_are_slow


def ids(response: httpx.Response) -> list[str]:
    return [item["eventPayload"]["id"] for item in response.json()["events"]]


def pages(call: Call, **query: Any) -> list[list[str]]:
    result: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        response = call("GET", "/events", params={**query, **token})
        assert response.status_code == 200, response.text
        result.append(ids(response))
        if "nextToken" not in response.json():
            return result
        token = {"nextToken": response.json()["nextToken"]}


def test_importing_togai_does_not_import_the_fake() -> None:
    code = (
        "import sys, togai; sys.exit(any(name.startswith('togai.testing') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_page_has_50_events_by_default(fake: FakeTogai, call: Call) -> None:
    fake.add_many(120)
    assert [len(page) for page in pages(call)] == [50, 50, 20]
    assert [len(page) for page in pages(call, pageSize=41)] == [41, 41, 38]


def test_the_pages_hold_every_event_once_in_the_order_they_were_added(
    fake: FakeTogai, call: Call
) -> None:
    fake.add_many(23)
    listed = [item for page in pages(call, pageSize=5) for item in page]
    assert listed == [f"event-{number}" for number in range(1, 24)]


def test_a_full_last_page_has_no_token(fake: FakeTogai, call: Call) -> None:
    fake.add_many(100)
    assert [len(page) for page in pages(call)] == [50, 50]


def test_filters_are_applied_before_pages_are_cut(fake: FakeTogai, call: Call) -> None:
    for number in range(12):
        fake.add(
            id=f"e{number}",
            account_id="acme" if number % 2 else "other",
            schema_name="rides" if number % 3 else "calls",
        )
    assert pages(call, account_id="acme", schema_name="rides", pageSize=2) == [
        ["e1", "e5"],
        ["e7", "e11"],
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("PROCESSED", ["metered", "no meters"]),
        ("IN_PROGRESS", ["on its way"]),
        ("FAILED", ["no account"]),
        ("REVERTED", ["reverted"]),
        ("INGESTION_COMPLETED_NO_MATCHING_METERS", ["no meters"]),
        ("NO_SUCH_STATUS", []),
    ],
)
@other_ways_are_slow
def test_the_status_filter_takes_groups_and_exact_statuses(
    fake: FakeTogai, call: Call, wanted: str, expected: list[str]
) -> None:
    fake.add(id="metered")
    fake.add(id="no meters", status="INGESTION_COMPLETED_NO_MATCHING_METERS")
    fake.add(id="on its way", status="INGESTION_IN_PROGRESS")
    fake.add(id="no account", status="INGESTION_FAILED_ACCOUNT_NOT_FOUND")
    fake.add(id="reverted", status="REVERTED")
    assert ids(call("GET", "/events", params={"status": wanted})) == expected


@pytest.mark.parametrize("size", ["0", "51", "-1", "abc", "", "1.5", "99999"])
@other_ways_are_slow
def test_a_page_size_outside_1_to_50_is_refused_with_422(call: Call, size: str) -> None:
    response = call("GET", "/events", params={"pageSize": size})
    assert response.status_code == 422
    assert "pageSize" in response.json()["message"]


@pytest.mark.parametrize(
    "token", ["x", "", "e30=", "W10=", "bm8=", "eyJwb3NpdGlvbiI6LTF9", "\u2603"]
)
@other_ways_are_slow
def test_an_unknown_page_token_is_refused(call: Call, token: str) -> None:
    response = call("GET", "/events", params={"nextToken": token})
    assert response.status_code == 400
    assert "nextToken" in response.json()["message"]


@pytest.mark.parametrize("position", [-1, 1.5, "1", None])
def test_a_page_token_has_a_position(call: Call, position: Any) -> None:
    response = call("GET", "/events", params={"nextToken": write_token(position, {})})
    assert response.status_code == 400
    assert "is not a token of this service" in response.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/events"), ("GET", "/events/e1"), ("POST", "/events/correction")]
)
@other_ways_are_slow
def test_an_unknown_query_parameter_is_named(call: Call, method: str, path: str) -> None:
    response = call(method, path, params={"page_size": "5"})
    assert response.status_code == 400
    assert "page_size" in response.json()["message"]


def test_reading_an_id_gives_every_event_that_has_it_in_full(fake: FakeTogai, call: Call) -> None:
    fake.add(id="twice", attributes=[{"name": "distance", "value": "3.5"}])
    fake.add(id="twice", account_id="other")
    fake.add(id="another")
    result = call("GET", "/events/twice").json()["events"]
    assert [item["eventPayload"]["accountId"] for item in result] == ["acme", "other"]
    assert result[0]["eventPipelineInfo"]["usageMeters"][0]["units"] == 3.5


def test_reading_an_id_that_no_event_has_gives_none(call: Call) -> None:
    response = call("GET", "/events/nothing")
    assert (response.status_code, response.json()) == (200, {"events": []})


@pytest.mark.parametrize("name", ["a/b?c", "50%", "\u00e9t\u00e9", "a b+c", "x" * 512])
def test_any_id_is_found_by_its_quoted_path(fake: FakeTogai, call: Call, name: str) -> None:
    fake.add(id=name)
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    assert ids(call("GET", f"/events/{quoted}")) == [name]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic test-token"}]
)
def test_without_the_right_bearer_token_everything_is_401(
    call: Call, headers: dict[str, str]
) -> None:
    response = call("GET", "/events", headers=headers)
    assert response.status_code == 401
    assert "token" in response.json()["message"]


def test_setting_another_token_ends_the_old_one(fake: FakeTogai, call: Call) -> None:
    assert call("GET", "/events").status_code == 200
    fake.token = "next"
    assert call("GET", "/events").status_code == 401
    assert call("GET", "/events", headers={"Authorization": "Bearer next"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/event", "/events/a/b", "/v2/events"])
def test_an_unknown_path_is_404(call: Call, path: str) -> None:
    response = call("GET", path)
    assert response.status_code == 404
    assert response.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/events", "GET"),
        ("DELETE", "/events/e1", "GET"),
        ("GET", "/events/correction", "POST"),
        ("PUT", "/events/correction", "POST"),
        ("QUERY", "/events", "GET"),
        ("BREW", "/events/correction", "POST"),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_one(
    call: Call, method: str, path: str, allowed: str
) -> None:
    response = call(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert response.json()["message"]


def test_responses_carry_a_request_id_of_their_own(call: Call) -> None:
    request_ids = [
        call("GET", "/events").headers["x-request-id"],
        call("GET", "/nowhere").headers["x-request-id"],
        call("GET", "/events", headers={}).headers["x-request-id"],
    ]
    assert len(set(request_ids)) == 3


def test_requests_are_recorded_without_the_token(fake: FakeTogai, call: Call) -> None:
    call("GET", "/events", params={"account_id": "a b"}, headers={"Authorization": "Bearer secret"})
    call("POST", "/events/correction", json={"x": 1})
    listed, corrected = fake.requests
    assert (listed.method, listed.path, listed.query) == ("GET", "/events", {"account_id": "a b"})
    assert corrected.json() == {"x": 1}
    assert "secret" not in f"{fake.requests!r} {[dict(item.headers) for item in fake.requests]}"


def test_above_the_quota_it_responses_429_with_retry_after() -> None:
    fake = FakeTogai(requests_per_second=2)
    with httpx.Client(base_url="http://fake", transport=fake.transport()) as client:
        client.headers["Authorization"] = "Bearer test-token"
        responses = [client.get("/events") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert int(responses[2].headers["retry-after"]) >= 1
    assert responses[2].json()["message"]


def test_two_fakes_that_were_filled_alike_response_alike() -> None:
    def responses() -> list[bytes]:
        fake = FakeTogai()
        fake.add_many(60)
        with httpx.Client(base_url="http://fake", transport=fake.transport()) as client:
            client.headers["Authorization"] = "Bearer test-token"
            return [client.get(path).content for path in ("/events", "/events/event-7")]

    assert responses() == responses()


def test_a_page_token_belongs_to_the_filters_of_its_listing(fake: FakeTogai, call: Call) -> None:
    fake.add_many(60)
    token = call("GET", "/events", params={"account_id": "acme"}).json()["nextToken"]
    response = call("GET", "/events", params={"nextToken": token})
    assert response.status_code == 400
    assert "filters" in response.json()["message"]
    again = {"nextToken": token, "account_id": "acme", "pageSize": "3"}
    assert ids(call("GET", "/events", params=again)) == ["event-51", "event-52", "event-53"]


def test_a_page_token_keeps_within_the_contract_however_long_the_filters(
    fake: FakeTogai, call: Call
) -> None:
    fake.add(account_id="x" * 512)
    fake.add(account_id="x" * 512)
    query = {"account_id": "x" * 512, "pageSize": 1}
    assert len(call("GET", "/events", params=query).json()["nextToken"]) <= 500


def test_an_exact_status_does_not_stand_for_longer_ones(fake: FakeTogai, call: Call) -> None:
    fake.add(id="any", status="INGESTION_FAILED")
    fake.add(id="units", status="INGESTION_FAILED_UNITS_INVALID")
    assert ids(call("GET", "/events", params={"status": "INGESTION_FAILED"})) == ["any"]


def test_a_repeated_query_parameter_is_named(call: Call) -> None:
    response = call("GET", "/events", params=[("pageSize", "3"), ("pageSize", "4")])
    assert response.status_code == 400
    assert "pageSize" in response.json()["message"]


def test_an_empty_id_is_not_a_listing(fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    assert call("GET", "/events/").status_code == 404


def test_the_quota_goes_by_a_clock_that_tests_can_move() -> None:
    now = [0.0]
    fake = FakeTogai(requests_per_second=1, clock=lambda: now[0])
    headers = {"Authorization": "Bearer test-token"}
    with httpx.Client(
        base_url="http://fake", transport=fake.transport(), headers=headers
    ) as client:
        statuses = [client.get("/events").status_code for _ in range(2)]
        now[0] = 1.0
        assert [*statuses, client.get("/events").status_code] == [200, 429, 200]


def test_the_quota_is_of_any_second() -> None:
    now = [0.0]
    fake = FakeTogai(requests_per_second=2, clock=lambda: now[0])
    headers = {"Authorization": "Bearer test-token"}
    statuses: list[int] = []
    with httpx.Client(
        base_url="http://fake", transport=fake.transport(), headers=headers
    ) as client:
        for now[0] in (0.0, 0.5, 0.9, 1.0, 1.4, 1.5):
            statuses.append(client.get("/events").status_code)
    assert statuses == [200, 200, 429, 200, 429, 200]


def test_requests_are_processed_one_at_a_time(
    fake: FakeTogai, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake._service, "lock", Held())
    with pytest.raises(HeldError):
        fake.handle(Request("GET", "/events", {}), "test-token")
    assert fake.requests == []


def test_a_request_is_shown_without_its_body_and_headers() -> None:
    request = Request("GET", "/events", {"status": "x"}, b"customer", {"X-Name": "customer"})
    assert "customer" not in repr(request)
    assert Request("GET", "/events", {}) == Request("GET", "/events", {}, b"", {}, ())


def test_the_message_of_a_refusal_keeps_within_the_contract(call: Call) -> None:
    response = call("GET", "/events", params={"x" * 600: "1"})
    assert response.json()["message"] == f"Unknown query parameter {'x' * 600}."[:500]


def test_an_event_by_its_id_shows_how_it_was_processed(fake: FakeTogai, call: Call) -> None:
    fake.add(
        id="ride-1",
        attributes=[
            {"name": "distance", "value": "1.5"},
            {"name": "distance", "value": "2"},
            {"name": "tips", "value": "-" + "9" * 400},
        ],
    )
    call("POST", "/events/correction", params={"action": "UNDO", "account_id": "acme"})
    (event,) = call("GET", "/events/ride-1").json()["events"]
    computed = {"version": 1, "status": "PROCESSED_UNITS_COMPUTED"}
    info = event["eventPipelineInfo"]
    assert info["usageMeters"] == [
        {"id": "um.distance", "name": "distance", "units": 3.5, **computed},
        {"id": "um.tips", "name": "tips", "units": -1e299, **computed},
    ]
    assert info["revenueDetails"] == [
        {"usageMeterId": "um.distance", "revenueBaseCurrency": 7, "revenueInvoiceCurrency": 7},
        {
            "usageMeterId": "um.tips",
            "revenueBaseCurrency": -2e299,
            "revenueInvoiceCurrency": -2e299,
        },
    ]
    assert info["eventSchema"] == {"name": "rides", "version": 1}
    assert info["statusBeforeReverting"] == "INGESTION_COMPLETED_EVENT_METERED"
    assert "T" in event["createdAt"]


def test_attributes_are_objects_as_the_api_has_them(fake: FakeTogai) -> None:
    amounts: Any = {"distance": "1"}
    with pytest.raises(ValueError, match="attributes is a list of objects, such as"):
        fake.add(attributes=amounts)
    amounts = [{"name": "a", "value": "1"}, "b"]
    with pytest.raises(ValueError, match="attributes is a list of objects, such as"):
        fake.add(attributes=amounts)
    fake.add(attributes=({"name": name, "value": "1"} for name in ("a", "b")))
    assert [item["name"] for item in fake.events[0].payload["attributes"]] == ["a", "b"]


def test_an_added_event_holds_what_was_passed(fake: FakeTogai) -> None:
    record = fake.add(
        id="ride-1",
        account_id="globex",
        schema_name="trips",
        timestamp="2024-12-05T00:00:00Z",
        attributes=[{"name": "time", "value": "3"}],
        dimensions={"city": "Pune"},
        status="REVERTED",
        reference_id="ref-of-its-own",
        created_at="2024-12-06T00:00:00Z",
        past_cycle=True,
    )
    assert record.payload == {
        "schemaName": "trips",
        "timestamp": "2024-12-05T00:00:00Z",
        "accountId": "globex",
        "attributes": [{"name": "time", "value": "3"}],
        "dimensions": {"city": "Pune"},
        "id": "ride-1",
    }
    assert (record.status, record.reference_id, record.created_at, record.past_cycle) == (
        "REVERTED", "ref-of-its-own", "2024-12-06T00:00:00Z", True,
    )  # fmt: skip


def test_an_event_that_the_fake_starts_with_can_be_corrected(fake: FakeTogai) -> None:
    payload = fake.add(id="ride-1").payload
    (record,) = FakeTogai(events=[payload]).events
    assert (record.payload, record.refusal()) == (payload, None)


def test_the_fake_starts_neither_with_an_invalid_event_nor_with_an_empty_quota(
    fake: FakeTogai,
) -> None:
    payload = {**fake.add(id="ride-1").payload, "accountId": None}
    with pytest.raises(ValueError, match=r"refuse this event: event\.accountId: null"):
        FakeTogai(events=[payload])
    with pytest.raises(ValueError, match="requests_per_second=0: pass 1 or more"):
        FakeTogai(requests_per_second=0)


def test_an_event_may_have_a_time_that_is_finer_than_microseconds(fake: FakeTogai) -> None:
    record = fake.add(timestamp="2024-12-04T07:30:35.123456789Z")
    assert record.payload["timestamp"] == "2024-12-04T07:30:35.123456789Z"


def test_many_added_events_differ_in_id_time_and_quantity(fake: FakeTogai) -> None:
    records = fake.add_many(289, account_id="globex", prefix="trip")
    assert records[0].payload == {
        "schemaName": "rides",
        "timestamp": "2024-01-01T00:05:00Z",
        "accountId": "globex",
        "attributes": [{"name": "distance", "value": "1.5", "unit": "Kilometers"}],
        "dimensions": {"city": "Chennai"},
        "id": "trip-1",
    }
    assert [records[number].payload["timestamp"] for number in (10, 11, 286, 287, 288)] == [
        "2024-01-01T00:55:00Z",
        "2024-01-01T01:00:00Z",
        "2024-01-01T23:55:00Z",
        "2024-01-02T00:00:00Z",
        "2024-01-02T00:05:00Z",
    ]
    assert records[288].payload["attributes"][0]["value"] == "289.5"
