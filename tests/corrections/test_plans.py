"""Plans: what a correction would touch, before anything is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from togai import CorrectionOutcomeUnknown, InvalidRequest, PlanChanged, Timeout, build_event
from togai.corrections import Ledger, pending
from togai.testing import FakeTogai

from ..conftest import Api, Connect

WHEN = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


def planned(plan: Any) -> list[str]:
    return [event.reference_id for event in plan.events]


def execute(api: Api, plan: Any, **settings: Any) -> Any:
    return api.resolve(plan.execute(**settings))


def test_a_plan_reads_and_changes_nothing(api: Api, fake: FakeTogai) -> None:
    fake.add_many(3)
    fake.add(id="other", account_id="other")
    plan = api.call("plan", "UNDO", account_id="acme", whole_account=True)
    assert plan.count == len(plan) == 3
    assert {request.method for request in fake.requests} == {"GET"}
    assert not plan.exceeds_cap
    assert not plan.advisory
    assert plan.warnings == ()


def test_a_plan_takes_events_in_the_order_of_the_service(api: Api, fake: FakeTogai) -> None:
    fake.add(id="b", timestamp="2024-12-04T00:00:00Z")
    fake.add(id="a", timestamp="2024-12-04T00:00:00Z")
    fake.add(id="c", timestamp="2024-12-05T00:00:00Z")
    plan = api.call("plan", "UNDO", account_id="acme", whole_account=True)
    assert [event.event_payload.id for event in plan.events] == ["c", "a", "b"]
    undone = api.call("undo", account_id="acme", whole_account=True)
    assert [entry.event_payload.id for entry in undone] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("filters", "expected", "advisory"),
    [
        ({"event_id": "a"}, ["ref-1", "ref-2"], False),
        ({"reference_id": "ref-2"}, ["ref-2"], True),
        ({"event_source_time": WHEN}, ["ref-1", "ref-3"], True),
        ({"event_id": "a", "event_source_time": WHEN}, ["ref-1"], True),
        ({"event_id": "a", "created_at": WHEN}, [], True),
    ],
)
def test_each_selection_is_planned_and_says_where_it_was_applied_here(
    api: Api, fake: FakeTogai, filters: dict[str, Any], expected: list[str], advisory: bool
) -> None:
    fake.add(id="a", timestamp="2024-12-04T07:30:35Z")
    fake.add(id="a", timestamp="2024-12-03T07:30:35Z")
    fake.add(id="b", timestamp="2024-12-04T13:00:35+05:30")
    plan = api.call("plan", "UNDO", account_id="acme", **filters)
    assert planned(plan) == expected
    assert plan.advisory is advisory


def test_an_event_that_was_read_is_planned_without_listing_its_account(
    api: Api, fake: FakeTogai
) -> None:
    fake.add(id="a")
    plan = api.call("plan", "UNDO", api.call("get", "a"))
    assert planned(plan) == ["ref-1"]
    assert plan.warnings == ()
    assert {request.path for request in fake.requests} == {"/events/a"}


def test_a_plan_prints_as_a_table_with_its_warnings(api: Api, fake: FakeTogai) -> None:
    fake.add_many(31)
    fake.add(id="x", status="REVERTED")
    fake.add(id="y", status="INGESTION_FAILED_DUPLICATE_EVENT")
    text = str(api.call("plan", "UNDO", account_id="acme", whole_account=True))
    for part in (
        "Plan: UNDO of the events with account_id=acme: 33 events",
        "reference_id  id ",
        "ref-31        event-31",
        "distance=31.5",
        "! 1 of 33 are reverted already",
        "! 1 of 33 failed their ingestion",
        "! one call would correct 30 of 33",
    ):
        assert part in text


def test_a_plan_of_a_replacement_shows_what_is_ingested_instead(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    event = build_event(
        "rides", account_id="acme", timestamp=WHEN, attributes={"distance": "1.84"}, id="b"
    )
    plan = api.call("plan", "REDO_EVENT", api.call("get", "a"), event=event)
    heading, *_, was, becomes = str(plan).splitlines()
    assert heading.endswith(": 1 event")
    assert was.split()[:2] == ["ref-1", "a"]
    assert becomes.split() == ["becomes", "b", "2024-12-04", "07:30:35+00:00", "distance=1.84"]


def test_a_plan_of_nothing_says_so(api: Api) -> None:
    plan = api.call("plan", "UNDO", account_id="nobody", whole_account=True)
    assert plan.warnings == ("no event matches",)
    assert "0 events" in str(plan)


def test_a_plan_refuses_what_a_correction_refuses(api: Api, fake: FakeTogai) -> None:
    with pytest.raises(InvalidRequest, match="whole_account=True"):
        api.call("plan", "UNDO", account_id="acme")
    with pytest.raises(InvalidRequest, match="needs the event"):
        api.call("plan", "REDO_EVENT", account_id="acme", event_id="a")
    assert not fake.requests


def test_executing_corrects_each_planned_event_by_its_own_id_beyond_the_cap(
    api: Api, fake: FakeTogai
) -> None:
    fake.add_many(33)
    plan = api.call("plan", "UNDO", account_id="acme", whole_account=True)
    result = execute(api, plan)
    assert len(result.succeeded) == 33
    assert not result.maybe_truncated
    sent = [request.query["id"] for request in fake.requests if request.method == "POST"]
    assert sent == planned(plan)


def test_executing_can_be_limited(api: Api, fake: FakeTogai) -> None:
    fake.add_many(5)
    plan = api.call("plan", "UNDO", account_id="acme", whole_account=True)
    assert len(execute(api, plan, limit=2)) == 2
    assert len(fake.corrections) == 2
    for limit in (0, -1, True, "2", 1.5):
        with pytest.raises(InvalidRequest, match="limit"):
            execute(api, plan, limit=limit)


def change_status(fake: FakeTogai) -> None:
    fake.events[0].status = "REVERTED"


def add_event(fake: FakeTogai) -> None:
    fake.add(id="event-9")


def remove_event(fake: FakeTogai) -> None:
    del fake.events[0]


def change_payload(fake: FakeTogai) -> None:
    fake.events[0].payload["dimensions"] = {"city": "Pune"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (change_status, "ref-1 was INGESTION_COMPLETED_EVENT_METERED and is REVERTED"),
        (add_event, "ref-4 is new"),
        (remove_event, "ref-1 is gone"),
        (change_payload, "ref-1 has changed"),
    ],
)
def test_executing_refuses_where_something_changed_since(
    api: Api, fake: FakeTogai, change: Any, told: str
) -> None:
    fake.add_many(3)
    plan = api.call("plan", "UNDO", account_id="acme", whole_account=True)
    change(fake)
    with pytest.raises(PlanChanged, match=told):
        execute(api, plan)
    assert not fake.corrections


def test_executing_stops_at_the_first_unknown_outcome_and_tells_what_was_done(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add_many(4)
    with connect(base_url=url, timeout=Timeout(read=5, total=10)) as api:
        plan = api.call("plan", "UNDO", account_id="acme", whole_account=True)
        fake.change_next(lambda body: body, times=2, method="POST")
        fake.fail_next(status=502, acts=True, method="POST")
        with pytest.raises(CorrectionOutcomeUnknown) as caught:
            execute(api, plan)
    assert [entry.reference_id for entry in caught.value.completed] == planned(plan)[:2]
    assert len(fake.corrections) == 3


def test_a_replacement_of_several_events_warns_that_it_is_ingested_several_times(
    api: Api, fake: FakeTogai
) -> None:
    fake.add_many(2)
    event = build_event("rides", account_id="acme", timestamp=WHEN, attributes={"a": 1})
    plan = api.call("plan", "REDO_EVENT", account_id="acme", whole_account=True, event=event)
    assert any("ingested 2 times" in warning for warning in plan.warnings)


def test_what_a_plan_sends_stands_in_the_ledger(api: Api, fake: FakeTogai, tmp_path: Path) -> None:
    fake.add_many(3)
    ledger = Ledger(tmp_path / "ledger", who="ann", why="wrong meter")
    plan = api.call("plan", "UNDO", account_id="acme", whole_account=True)
    execute(api, plan, ledger=ledger)
    assert ledger.path.read_text().count('"intent"') == 3
    assert pending(ledger.path) == []


def test_an_event_without_a_reference_id_is_planned_and_not_executed(
    api: Api, fake: FakeTogai
) -> None:
    fake.add(id="a")
    fake.change_next(lambda page: page["events"][0].pop("referenceId") and page, times=2)
    plan = api.call("plan", "UNDO", account_id="acme", whole_account=True)
    assert any("no reference id" in warning for warning in plan.warnings)
    with pytest.raises(InvalidRequest, match="no reference id"):
        execute(api, plan)
    assert not fake.corrections
