"""The wire traffic follows openapi.yaml: the requests of both clients, and the responses of the fake."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from openapi_core.exceptions import OpenAPIError

from togai import BadRequest, Unauthorized, build_event
from togai.testing import FakeTogai, Request

WHEN = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)
TAKEN = datetime(2024, 12, 31, tzinfo=UTC)
EVENT = build_event(
    "rides",
    id="ride-1",
    account_id="acme",
    timestamp=WHEN,
    attributes={"distance": 3},
    dimensions={"city": "Chennai"},
)

CALLS: dict[str, Callable[[Any], Any]] = {
    "a bare listing": lambda api: api.listed(),
    "a listing with all filters": lambda api: api.listed(
        account_id="acme", schema_name="rides", status="PROCESSED", page_size=1
    ),
    "an event": lambda api: api.call("get", "ride-1"),
    "an event with an odd id": lambda api: api.call("get_all", "a/b?c=d&e ü"),
    "by event id": lambda api: api.call("undo", account_id="acme", event_id="ride-1"),
    "by reference id": lambda api: api.call("redo", account_id="acme", reference_id="ref-1"),
    "by source time": lambda api: api.call("undo", account_id="acme", event_source_time=WHEN),
    "by event id and source time": lambda api: api.call(
        "undo", account_id="acme", event_id="ride-1", event_source_time=WHEN
    ),
    "by event id and creation": lambda api: api.call(
        "undo", account_id="acme", event_id="ride-1", created_at=TAKEN
    ),
    "a whole account": lambda api: api.call("undo", account_id="acme", whole_account=True),
    "an event that was read": lambda api: api.call(
        "undo", api.call("get", "ride-1"), allow_reverted=True
    ),
    "a replacement": lambda api: api.call(
        "replace", EVENT, account_id="acme", reference_id="ref-1"
    ),
    "in the background": lambda api: api.call(
        "undo", account_id="acme", event_id="ride-1", background=True, require_confirmation=True
    ),
    "a match of none": lambda api: api.call("undo", account_id="acme", event_id="nobody"),
}


@pytest.fixture
def filled(fake: FakeTogai) -> FakeTogai:
    fake.add(id="ride-1")
    fake.add(id="ride-2", past_cycle=True)
    fake.add(id="ride-3", status="INGESTION_FAILED_UNITS_INVALID")
    return fake


@pytest.mark.parametrize("call", CALLS)
def test_a_call_and_its_response_keep_the_contract(
    api: Any, filled: FakeTogai, contract: Any, call: str
) -> None:
    CALLS[call](api)
    assert filled.requests
    for request in filled.requests:
        contract.check_request(request)


def test_together_they_send_every_query_parameter_that_the_facade_knows(
    api: Any, filled: FakeTogai, contract: Any
) -> None:
    for call in CALLS.values():
        call(api)
    sent: dict[str, set[str]] = {"/events": set(), "/events/correction": set()}
    for request in filled.requests:
        if request.path in sent:
            sent[request.path] |= request.query.keys()
    # A newer contract may name more.
    assert sent == {
        "/events": {"account_id", "nextToken", "pageSize", "schema_name", "status"},
        "/events/correction": {
            "account_id",
            "action",
            "async",
            "created_at",
            "event_id",
            "event_source_time",
            "id",
            "require_confirmation",
        },
    }
    for path, method in (("/events", "GET"), ("/events/correction", "POST")):
        assert sent[path] <= contract.query_names(Request(method, path, {}))


def test_refusals_keep_the_contract(api: Any, filled: FakeTogai) -> None:
    with pytest.raises(BadRequest):
        api.listed(next_token="none of theirs")
    filled.token = "another"
    with pytest.raises(Unauthorized):
        api.listed()


def test_a_throttled_response_keeps_the_contract(contract: Any) -> None:
    fake = FakeTogai(requests_per_second=1, clock=lambda: 0.0)
    request = Request("GET", "/events", {})
    responses = [fake.handle(request, fake.token).response for _ in range(2)]
    assert [item.status for item in responses] == [200, 429]
    for item in responses:
        contract.check_response(request, item)


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/events", {"page_size": "50"}),
        Request("GET", "/events", {"pageSize": "many"}),
        Request("POST", "/events/correction", {"action": "UNDO"}),
        Request("POST", "/events/correction", {"action": "FORGET", "account_id": "acme"}),
        Request("POST", "/events/correction", {"action": "UNDO", "account_id": "a"}, b'{"a": 1}'),
    ],
)
def test_the_check_of_requests_sees_what_is_wrong(contract: Any, request_: Request) -> None:
    with pytest.raises((AssertionError, OpenAPIError)):
        contract.check_request(request_)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body["events"][0].pop("referenceId"),
        lambda body: body["events"][0].update(createdAt="yesterday"),
        lambda body: body["events"][0]["ingestionStatus"].update(status="NEW"),
        lambda body: body.update(colour="red"),
    ],
)
def test_the_check_of_responses_sees_what_is_wrong(
    filled: FakeTogai, contract: Any, change: Callable[[Any], Any]
) -> None:
    def changed(body: Any) -> None:
        change(body)

    filled.change_next(changed)
    request = Request("GET", "/events", {})
    with pytest.raises(OpenAPIError):
        contract.check_response(request, filled.handle(request, filled.token).response)
