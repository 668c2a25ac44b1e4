"""The generated models: strict reading, complete writing, and open enums."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, fields

from togai.models import (
    CorrectionAction,
    Event,
    EventPipelineInfo,
    EventPipelineInfoPricePlans,
    EventPipelineInfoUsageMeters,
    EventWithStatus,
    IngestionStatus,
    IngestionStatusValue,
)

EVENT: dict[str, Any] = {
    "schemaName": "rides",
    "timestamp": "2024-12-04T07:30:35.123Z",
    "accountId": "acme",
    "attributes": [{"name": "distance", "value": "10.40", "unit": "Kilometers"}],
    "dimensions": {"city": "Chennai"},
    "id": "ride-1",
}
LISTED: dict[str, Any] = {
    "referenceId": "ref-1",
    "eventPayload": EVENT,
    "ingestionStatus": {"status": "REVERTED"},
    "createdAt": "2024-12-04T13:00:36+05:30",
}


def test_what_the_contract_describes_reads_and_writes_back() -> None:
    event = EventWithStatus.from_dict(LISTED)
    assert event.to_dict() == LISTED
    assert event.event_payload.timestamp == dt.datetime(2024, 12, 4, 7, 30, 35, 123000, dt.UTC)
    assert event.event_payload.dimensions == {"city": "Chennai"}
    assert event.customer_id is None


@pytest.mark.parametrize(
    "name", ["schemaName", "timestamp", "accountId", "attributes", "dimensions"]
)
@pytest.mark.parametrize("value", [None, 7, True, [1], {"a": 1}, "nonsense"])
def test_anything_else_raises_so_that_the_reader_can_salvage_it(name: str, value: Any) -> None:
    if value == "nonsense" and name in ("schemaName", "accountId"):
        return
    with pytest.raises((TypeError, ValueError, KeyError)):
        Event.from_dict({**EVENT, name: value})


@pytest.mark.parametrize("absent", [{}, {"id": None}])
@pytest.mark.parametrize("unknown", [{}, {"region": "eu"}, {"region": None}])
def test_unknown_properties_are_kept_whatever_optional_ones_are_absent(
    absent: dict[str, Any], unknown: dict[str, Any]
) -> None:
    required = {name: value for name, value in EVENT.items() if name != "id"}
    event = Event.from_dict({**required, **absent, **unknown})
    assert event.additional_properties == unknown
    assert Event.from_dict({**EVENT, **unknown}).additional_properties == unknown


def test_each_model_has_additional_properties_of_its_own() -> None:
    one, other = Event.from_dict(EVENT), Event.from_dict(EVENT)
    one.additional_properties["region"] = "eu"
    assert one.additional_properties == {"region": "eu"}
    assert one.to_dict() == {**EVENT, "region": "eu"}
    assert other.additional_properties == {}
    assert other == Event.from_dict(EVENT) != one
    assert pickle.loads(pickle.dumps(one)) == one
    assert copy.deepcopy(other) == other
    assert not hasattr(Event, "additional_properties")


def test_a_missing_required_property_raises() -> None:
    for name in EVENT.keys() - {"id"}:
        with pytest.raises(KeyError):
            Event.from_dict({key: value for key, value in EVENT.items() if key != name})


def test_a_timestamp_that_a_datetime_cannot_hold_raises() -> None:
    for when in (
        *("2024-12-04T07:30:35.123456789Z", "2024-12-04T07:30:35.1234567+05:30"),
        *("20241204T073035.1234567Z", "2024-W52T073035.1234567Z", "2024W521T073035.1234567Z"),
    ):
        with pytest.raises(ValueError, match="finer"):
            Event.from_dict({**EVENT, "timestamp": when})


def test_a_timestamp_without_offset_raises() -> None:
    with pytest.raises(ValueError, match="offset"):
        Event.from_dict({**EVENT, "timestamp": "2024-12-04T07:30:35"})


@pytest.mark.parametrize("value", [None, "text", 7, [EVENT]])
def test_a_model_that_is_not_an_object_raises(value: Any) -> None:
    with pytest.raises(TypeError):
        Event.from_dict(value)


def test_null_equals_absent() -> None:
    assert Event.from_dict({**EVENT, "id": None}).id is None


def test_unknown_properties_are_kept_reported_and_written_back() -> None:
    reported: list[tuple[type, str, str | None]] = []
    source = {**LISTED, "eventPayload": {**EVENT, "new": [1]}}
    event = EventWithStatus.from_dict(source, lambda *what: reported.append(what))
    assert reported == [(Event, "new", None)]
    assert event.event_payload.additional_properties == {"new": [1]}
    assert event.to_dict() == source
    assert evolve(event.event_payload, id="x").additional_properties == {"new": [1]}


def test_unknown_enum_values_are_members_and_reported() -> None:
    reported: list[tuple[type, str, str | None]] = []
    status = IngestionStatus.from_dict({"status": "NEW"}, lambda *what: reported.append(what))
    assert reported == [(IngestionStatus, "status", "NEW")]
    assert status.status == "NEW"
    assert status.to_dict() == {"status": "NEW"}


def test_an_unknown_member_behaves_as_its_text() -> None:
    new = IngestionStatusValue("NEW")
    assert new == "NEW"
    assert str(new) == f"{new}" == "NEW"
    assert hash(new) == hash("NEW")
    assert {new: 1}["NEW"] == 1  # type: ignore[index]
    assert not new.is_known
    assert IngestionStatusValue.REVERTED.is_known
    assert pickle.loads(pickle.dumps(new)) == copy.deepcopy(new) == new
    assert "NEW" not in list(IngestionStatusValue)
    assert isinstance(new, IngestionStatusValue)


def test_an_enum_takes_text_alone() -> None:
    for value in (None, 7, ["REVERTED"]):
        with pytest.raises(ValueError, match="not a valid"):
            IngestionStatusValue(value)
    assert list(CorrectionAction)[:3] == ["UNDO", "REDO", "REDO_EVENT"]


def test_dates_and_numbers_have_their_python_types() -> None:
    plan = EventPipelineInfoPricePlans.from_dict(
        {
            "name": "n",
            "id": "i",
            "scheduleId": "s",
            "cycleStart": "2022-03-04",
            "cycleEnd": "2022-04-04",
            "usageMeters": ["m"],
        }
    )
    assert plan.cycle_start == dt.date(2022, 3, 4)
    source = {"id": "i", "name": "n", "version": 1, "status": "PROCESSED_UNITS_COMPUTED"}
    for units in (2, 2.0, Decimal("2.0")):
        meter = EventPipelineInfoUsageMeters.from_dict({**source, "units": units})
        assert meter.units == 2.0
        assert type(meter.units) is float
    with pytest.raises(TypeError):
        EventPipelineInfoUsageMeters.from_dict({**source, "units": "2"})


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({"timestamp": "2024-12-04"}, {"timestamp": "2024-12-04"}),
        ({"timestamp": dt.datetime(2024, 12, 4)}, {"timestamp": "2024-12-04T00:00:00"}),
        ({"account_id": 7}, {"accountId": 7}),
        ({"account_id": None}, {"accountId": ...}),
        ({"attributes": [7]}, {"attributes": [7]}),
        ({"dimensions": {"a": 1}}, {"dimensions": {"a": 1}}),
        ({"id": "another"}, {"id": "another"}),
        ({"additional_properties": {"more": Decimal("0.5")}}, {"more": 0.5}),
    ],
)
def test_to_dict_writes_what_was_changed_and_checks_nothing(
    changes: dict[str, Any], written: dict[str, Any]
) -> None:
    expected = {name: value for name, value in {**EVENT, **written}.items() if value is not ...}
    assert evolve(Event.from_dict(EVENT), **changes).to_dict() == expected


TIMES = {
    "2024-12-04T07:30:35Z": "2024-12-04T07:30:35Z",
    "2024-12-04T07:30:35.1Z": "2024-12-04T07:30:35.100Z",
    "2024-12-04T07:30:35.123456+00:00": "2024-12-04T07:30:35.123456Z",
    "2024-12-04T07:30:35-08:00": "2024-12-04T07:30:35-08:00",
    "2024-12-04T07:30:35+05:21:10": "2024-12-04T02:09:25Z",
}


@pytest.mark.parametrize(("came", "canonical"), TIMES.items())
def test_a_time_that_was_read_is_written_as_it_came_and_any_other_as_rfc_3339(
    came: str, canonical: str
) -> None:
    event = Event.from_dict({**EVENT, "timestamp": came})
    assert event.to_dict()["timestamp"] == came
    later = dt.timedelta(hours=1)
    event.timestamp += later
    assert event.to_dict()["timestamp"] != came
    event.timestamp -= later
    assert event.to_dict()["timestamp"] == came
    fresh = Event(
        **{
            field.name: getattr(event, field.name)
            for field in fields(Event)
            if field.name[0] != "_"
        }
    )
    assert fresh.to_dict()["timestamp"] == canonical


def test_all_optional_properties_may_be_absent() -> None:
    assert EventPipelineInfo.from_dict({}) == EventPipelineInfo()
    assert EventPipelineInfo().to_dict() == {}
