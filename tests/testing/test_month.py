"""The sample month: the faults that a billing team typically sees."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import pytest

from togai import Togai
from togai.models import IngestionStatusValue
from togai.testing import FakeTogai


@pytest.fixture
def month(fake: FakeTogai) -> FakeTogai:
    """With each response checked against the contract."""
    fake.add_month()
    return fake


def test_it_has_three_accounts_an_alias_and_two_schemas(month: FakeTogai) -> None:
    assert {event.payload["accountId"] for event in month.events} == {
        "acme", "acme-eu", "globex", "initech",
    }  # fmt: skip
    assert {event.payload["schemaName"] for event in month.events} == {"rides", "calls"}
    with month.serve() as url, Togai(month.token, base_url=url) as client:
        listed = [event.event_payload.account_id for event in client.events.list(account_id="acme")]
    assert Counter(listed).keys() == {"acme", "acme-eu"}


def test_it_has_failed_reverted_and_unfinished_events(month: FakeTogai) -> None:
    statuses = Counter(event.status for event in month.events)
    assert set(statuses) <= set(IngestionStatusValue)
    assert len([status for status in statuses if status.startswith("INGESTION_FAILED")]) == 3
    assert statuses["REVERTED"] == 6
    assert statuses["INGESTION_IN_PROGRESS"] == 1


def test_its_ids_are_missing_or_not_unique(month: FakeTogai) -> None:
    ids = Counter((event.payload["accountId"], event.payload.get("id")) for event in month.events)
    assert ids["acme-eu", None] == 31
    assert [key for key, number in ids.items() if number > 1 and key[1]] == [
        ("acme", "twice-7"), ("acme", "twice-17"), ("acme", "twice-27"),
    ]  # fmt: skip
    assert ids["acme", "ride-1"] == ids["initech", "ride-1"] == 1


def test_its_events_have_two_attributes_also_of_the_same_name(month: FakeTogai) -> None:
    names = {tuple(item["name"] for item in event.payload["attributes"]) for event in month.events}
    assert names == {("distance",), ("distance", "duration"), ("calls",), ("calls", "calls")}


def test_a_meter_adds_up_two_attributes_of_the_same_name(month: FakeTogai) -> None:
    with month.serve() as url, Togai(month.token, base_url=url) as client:
        (meter,) = client.events.get("both-1").event_pipeline_info.usage_meters or []
    assert (meter.name, meter.units) == ("calls", 1000)


def test_events_of_the_past_cycle_cannot_be_corrected(month: FakeTogai) -> None:
    past = [event for event in month.events if event.past_cycle]
    assert {event.payload["timestamp"][:7] for event in past} == {"2024-11"}
    with month.serve() as url, Togai(month.token, base_url=url) as client:
        result = client.events.undo(account_id="acme", event_id=past[0].payload["id"])
    assert [entry.reason for entry in result.failed] == ["Event was ingested in past pricing cycle"]


def test_it_is_the_same_each_time(month: FakeTogai) -> None:
    other = FakeTogai()
    assert other.add_month() == month.events


def test_it_is_the_same_in_every_version(month: FakeTogai) -> None:
    # Others count its events and add up its quantities in their own tests.
    text = json.dumps([event.to_json() for event in month.events], sort_keys=True)
    assert len(month.events) == 143
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "c7cfadb830209be6"
