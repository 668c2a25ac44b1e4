"""Corrections: the allowed targets, the checks before sending, and the outcomes."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from togai import (
    Attribute,
    CorrectionFailed,
    CorrectionOutcomeUnknown,
    Event,
    InvalidRequest,
    build_event,
)
from togai.corrections import Ledger
from togai.testing import FakeTogai

from ..conftest import Api

WHEN = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


def event(**changes: Any) -> Event:
    event = build_event(
        "rides",
        account_id="acme",
        timestamp=WHEN,
        attributes={"distance": Decimal("4.2")},
        units={"distance": "Kilometers"},
        id="ride-1",
    )
    return evolve(event, **changes)


def test_undo_takes_back_the_event_that_was_read(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    result = api.call("undo", api.call("get", "ride-1"))
    assert [entry.status for entry in result.succeeded] == ["REVERTED"]
    assert api.call("get", "ride-1").ingestion_status.status == "REVERTED"
    assert fake.requests[1].query == {
        "action": "UNDO",
        "account_id": "acme",
        "require_confirmation": "false",
        "async": "false",
        "id": "ref-1",
    }


def test_redo_ingests_the_same_event_again(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    result = api.call("redo", api.listed()[0])
    assert [entry.status for entry in result.succeeded] == ["REVERTED_AND_REINGESTED"]
    assert fake.corrections[0].action == "REDO"


def test_replace_ingests_the_changed_event_in_place_of_the_one_that_was_read(
    api: Api, fake: FakeTogai
) -> None:
    fake.add(id="ride-1")
    read = api.call("get", "ride-1")
    distance = evolve(read.event_payload.attributes[0], value="4.2")
    changed = evolve(read, event_payload=evolve(read.event_payload, attributes=[distance]))
    result = api.call("replace", changed)
    assert len(result.succeeded) == 1
    assert [event.status for event in fake.events] == [
        "REVERTED",
        "INGESTION_COMPLETED_EVENT_METERED",
    ]
    assert fake.requests[-1].json() == {
        "event": {
            "schemaName": "rides",
            "timestamp": "2024-12-04T07:30:35Z",
            "accountId": "acme",
            "attributes": [{"name": "distance", "value": "4.2", "unit": "Kilometers"}],
            "dimensions": {},
            "id": "ride-1",
        }
    }


def test_replace_takes_a_new_event_and_a_target(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    result = api.call("replace", event(id="ride-2"), api.call("get", "ride-1"))
    assert len(result.succeeded) == 1
    assert fake.events[1].payload["id"] == "ride-2"


ALWAYS_SENT = {"action", "account_id", "async", "require_confirmation"}
COMBINATIONS: list[dict[str, Any]] = [
    {"event_id": "event-1"},
    {"event_source_time": WHEN},
    {"event_id": "event-1", "created_at": WHEN},
    {"event_id": "event-1", "event_source_time": WHEN},
    {"whole_account": True},
]


@pytest.mark.parametrize("filters", COMBINATIONS)
def test_each_documented_combination_of_filters_goes_out_by_its_wire_names(
    api: Api, fake: FakeTogai, filters: dict[str, Any]
) -> None:
    result = api.call("undo", account_id="acme", **filters)
    assert len(result) == 0
    names = {"reference_id": "id"}
    expected = {names.get(name, name) for name in filters} - {"whole_account"}
    assert fake.requests[0].query.keys() == ALWAYS_SENT | expected
    # The defaults of the service decide what a success means: no call leaves them to it.
    fake.assert_sent("POST", "/events/correction", async_="false")
    fake.assert_sent("POST", "/events/correction", require_confirmation="false")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "needs a target"),
    ({"event_id": "x"}, "event_id without account_id"),
    ({"account_id": "acme"}, "whole_account=True"),
    ({"account_id": "acme", "whole_account": 1}, "whole_account=True"),
    ({"account_id": "", "whole_account": True}, "account_id"),
    ({"account_id": "acme", "reference_id": "ref-1 "}, "without whitespace around"),
    ({"account_id": "acme", "event_id": ""}, "event_id"),
    ({"account_id": "acme", "event_id": 7}, "event_id"),
    ({"account_id": "acme", "reference_id": "r", "event_id": "e"}, "cannot be combined with"),
    ({"account_id": "acme", "created_at": WHEN}, "cannot be combined with"),
    (
        {"account_id": "acme", "event_source_time": WHEN, "created_at": WHEN},
        "cannot be combined with",
    ),
    ({"account_id": "acme", "event_id": "e", "whole_account": True}, "whole_account"),
    ({"account_id": "acme", "event_source_time": datetime(2024, 1, 1)}, "time zone"),
    ({"account_id": "acme", "event_source_time": "2024-01-01T00:00:00Z"}, "time zone"),
    ({"account_id": "acme", "event_id": "e", "background": "yes"}, "background"),
    ({"account_id": "acme", "event_id": "e", "require_confirmation": True}, "background=True"),
]


@pytest.mark.parametrize(("filters", "problem"), REFUSED)
def test_any_other_target_is_refused_before_sending(
    api: Api, fake: FakeTogai, filters: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        api.call("undo", **filters)
    assert not fake.requests


def test_a_refused_target_lists_what_is_allowed(api: Api) -> None:
    with pytest.raises(InvalidRequest, match="Allowed: an event that was read; or account_id"):
        api.call("undo", account_id="acme", created_at=WHEN)


def test_an_event_and_filters_together_are_refused(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    read = api.call("get", "ride-1")
    with pytest.raises(InvalidRequest, match="pass one or the other"):
        api.call("undo", read, event_id="ride-1")


@pytest.mark.parametrize("target", ["ride-1", {"id": 1}, 7])
def test_a_target_that_is_not_an_event_is_refused(api: Api, fake: FakeTogai, target: Any) -> None:
    with pytest.raises(InvalidRequest, match="must be an event that was read"):
        api.call("undo", target)
    assert not fake.requests


def test_a_target_without_a_reference_id_is_identified_by_id_and_creation(
    api: Api, fake: FakeTogai
) -> None:
    fake.add(id="ride-1")
    fake.change_next(lambda page: page["events"][0].pop("referenceId") and page)
    assert len(api.call("undo", api.listed()[0]).succeeded) == 1
    assert fake.requests[-1].query.keys() == ALWAYS_SENT | {"event_id", "created_at"}


def test_a_reference_id_inside_the_payload_is_found(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")

    def moved(page: Any) -> None:
        read = page["events"][0]
        read["eventPayload"]["referenceId"] = read.pop("referenceId")

    fake.change_next(moved)
    assert len(api.call("undo", api.listed()[0]).succeeded) == 1
    assert fake.requests[-1].query["id"] == "ref-1"


@pytest.mark.parametrize("action", ["undo", "Undo", "DELETE", 7, None])
def test_an_unknown_action_is_refused(api: Api, fake: FakeTogai, action: Any) -> None:
    with pytest.raises(InvalidRequest, match="UNDO, REDO, REDO_EVENT"):
        api.call("correct", action, account_id="acme", event_id="x")
    assert not fake.requests


def test_only_redo_event_takes_an_event_and_it_needs_one(api: Api, fake: FakeTogai) -> None:
    with pytest.raises(InvalidRequest, match="takes no event"):
        api.call("correct", "UNDO", account_id="acme", event_id="x", event=event())
    with pytest.raises(InvalidRequest, match="needs a replacement"):
        api.call("correct", "REDO_EVENT", account_id="acme", event_id="x")
    with pytest.raises(InvalidRequest, match="must be an Event"):
        api.call("correct", "REDO_EVENT", account_id="acme", event_id="x", event={"id": 1})
    with pytest.raises(InvalidRequest, match="replace takes an Event"):
        api.call("replace", {"id": 1}, account_id="acme", event_id="x")
    with pytest.raises(InvalidRequest, match="replace takes an Event"):
        api.call("replace", {"id": 1})
    assert not fake.requests


def test_an_event_of_another_account_than_the_target_is_refused(api: Api, fake: FakeTogai) -> None:
    with pytest.raises(InvalidRequest, match="'acme', but the target is in 'other'"):
        api.call("replace", event(), account_id="other", event_id="x")
    assert not fake.requests


def test_all_that_is_wrong_with_an_event_is_in_one_error(api: Api, fake: FakeTogai) -> None:
    wrong = event(
        schema_name="",
        id="x" * 513,
        timestamp=datetime(2024, 1, 1),
        attributes=[
            Attribute(name="a" * 51, value="1e5", unit=""),
            *[Attribute(name="b", value="1")] * 10,
        ],
        dimensions={"city": ""},
    )
    with pytest.raises(InvalidRequest) as caught:
        api.call("replace", wrong, account_id="acme", event_id="x")
    for part in (
        "schema_name",
        "id must",
        "time zone",
        "at most 10",
        "name",
        "'1e5'",
        "unit",
        "city",
    ):
        assert part in str(caught.value)
    assert not fake.requests


@pytest.mark.parametrize("keep", [False, True])
def test_properties_that_the_service_added_are_sent_back_only_on_request(
    api: Api, fake: FakeTogai, keep: bool
) -> None:
    fake.add(id="ride-1")

    def added(page: Any) -> None:
        payload = page["events"][0]["eventPayload"]
        payload["addedByService"] = {"a": 1.5}
        payload["attributes"][0]["added"] = True

    fake.change_next(added)
    read = api.listed()[0]
    assert read.event_payload.additional_properties.keys() == {"addedByService"}
    entry = {**fake.events[0].to_json(), "status": "REVERTED_AND_REINGESTED", "reason": ""}
    fake.fail_next(status=200, body={"data": [entry]}, method="POST")
    api.call("replace", read, keep_unknown=keep)
    sent = fake.requests[-1].json()["event"]
    assert sent.get("addedByService") == ({"a": 1.5} if keep else None)
    assert sent["attributes"][0].get("added") == (True if keep else None)


def test_an_unchanged_quantity_keeps_its_text_to_the_digit(api: Api, fake: FakeTogai) -> None:
    digits = "0" * 20 + "9" * 400 + ".10"
    fake.add(id="ride-1", attributes=[{"name": "distance", "value": digits}])
    api.call("replace", api.listed()[0])
    assert fake.events[1].payload["attributes"][0]["value"] == digits


def test_a_failure_inside_a_success_is_reported(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    fake.add(id="b", past_cycle=True)
    result = api.call("undo", account_id="acme", whole_account=True)
    assert [entry.event_payload.id for entry in result.succeeded] == ["a"]
    assert [entry.reason for entry in result.failed] == ["Event was ingested in past pricing cycle"]
    with pytest.raises(CorrectionFailed, match="past pricing cycle") as caught:
        result.raise_for_failures()
    assert caught.value.failed == result.failed


@pytest.mark.parametrize("status", ["PARTIALLY_REVERTED", "REVERTED_AND_REINGESTED", ""])
def test_an_outcome_that_is_not_recognised_is_neither_success_nor_failure(
    api: Api, fake: FakeTogai, status: str
) -> None:
    fake.add(id="a")
    fake.change_next(lambda response: response["data"][0].update(status=status))
    result = api.call("undo", account_id="acme", event_id="a")
    assert not result.succeeded
    assert not result.failed
    assert [entry.status for entry in result.unknown] == [status]
    with pytest.raises(CorrectionFailed, match="1 unknown"):
        result.raise_for_failures()


def test_an_entry_without_a_status_is_unknown(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    fake.change_next(lambda response: response["data"][0].pop("status") and response)
    assert len(api.call("undo", account_id="acme", event_id="a").unknown) == 1


@pytest.mark.parametrize(
    "twice",
    ['"status": "FAILED", "status": "REVERTED"', '"status": "REVERTED", "status": "FAILED"'],
)
def test_a_result_that_contradicts_itself_leaves_the_outcome_unknown(
    client: Api, fake: FakeTogai, ledger: Ledger, twice: str
) -> None:
    fake.add(id="ride-1")
    read = client.call("get", "ride-1")
    entry = json.dumps({**fake.events[0].to_json(), "reason": ""})
    fake.fail_next(status=200, body=f'{{"data": [{{{twice}, {entry[1:]}]}}', method="POST")
    with pytest.raises(CorrectionOutcomeUnknown):
        client.call("undo", read)
    assert len(ledger.pending()) == 1


def test_30_entries_may_be_truncated_and_29_are_not(api: Api, fake: FakeTogai) -> None:
    fake.add_many(31)
    result = api.call("undo", account_id="acme", whole_account=True)
    assert len(result) == 30
    assert result.maybe_truncated
    assert "maybe truncated" in repr(result)
    assert result[:29][0] is not None
    fake.events.clear()
    fake.add_many(29)
    assert not api.call("undo", account_id="acme", whole_account=True).maybe_truncated


@pytest.mark.parametrize(
    "body", [{"message": "scheduled"}, {}, {"data": None}, [], "", None, {"jobId": "j"}]
)
def test_a_background_call_accepts_any_response(api: Api, fake: FakeTogai, body: Any) -> None:
    fake.fail_next(status=200, body=body if body is not None else "null", acts=True)
    fake.add_many(40)
    result = api.call("undo", account_id="acme", whole_account=True, background=True)
    assert len(result) == 0
    assert not result.maybe_truncated
    assert result.body == (None if body == "" else body)
    fake.run_jobs()
    assert len(fake.corrections) == 40


def test_a_background_call_accepts_a_response_in_plain_text(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=200, body="accepted")
    result = api.call("undo", account_id="acme", event_id="a", background=True)
    assert result.body == "accepted"


def test_a_changed_event_without_a_reference_id_is_not_a_target(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    fake.change_next(lambda page: page["events"][0].pop("referenceId") and page)
    read = api.listed()[0]
    changed = evolve(read, event_payload=evolve(read.event_payload, id="ride-2"))
    with pytest.raises(InvalidRequest, match="event that was read, as target"):
        api.call("replace", changed)
    assert len(api.call("replace", changed, read).succeeded) == 1
    assert fake.requests[-1].query["event_id"] == "ride-1"


def test_a_background_job_can_wait_for_confirmation(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    api.call("undo", account_id="acme", event_id="a", background=True, require_confirmation=True)
    fake.run_jobs()
    assert not fake.corrections
    fake.confirm_jobs()
    fake.run_jobs()
    assert len(fake.corrections) == 1


def test_a_background_call_whose_response_is_an_html_page_is_unknown(
    api: Api, fake: FakeTogai
) -> None:
    fake.fail_next(status=200, body="<html></html>")
    with pytest.raises(CorrectionOutcomeUnknown):
        api.call("undo", account_id="acme", event_id="a", background=True)


def test_a_result_reads_well_compares_and_copies(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    fake.add(id="b", past_cycle=True)
    result = api.call("undo", account_id="acme", whole_account=True)
    assert "UNDO of the events with account_id=acme: 1 succeeded, 1 failed, 0 unknown" in repr(
        result
    )
    assert pickle.loads(pickle.dumps(result)) == copy.deepcopy(result) == result
    assert result.to_rows() == [
        {"reference_id": "ref-1", "id": "a", "status": "REVERTED", "reason": "Reverted"},
        {
            "reference_id": "ref-2",
            "id": "b",
            "status": "FAILED",
            "reason": "Event was ingested in past pricing cycle",
        },
    ]
