"""Models for tests: plausible defaults, and overrides by keyword."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, assert_type

import attrs
import pytest

from togai import models
from togai.models import (
    Attribute,
    Event,
    EventSource,
    EventWithStatus,
    GetEventsResponse,
    IngestionStatus,
    IngestionStatusValue,
)
from togai.testing import FakeTogai, _factory, make

MODELS = [result for name in models.__all__ if attrs.has(result := getattr(models, name))]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_can_be_created_and_follows_the_contract(
    model: type[Any], contract: Any
) -> None:
    contract.check_model(make(model).to_dict(), model.__name__)


def test_created_models_have_values_of_the_right_types() -> None:
    assert_type(make(Event), Event)
    assert isinstance(make(Event), Event)


def test_each_has_an_id_and_a_time_of_its_own() -> None:
    events = [make(EventWithStatus) for _ in range(100)]
    assert len({item.reference_id for item in events}) == 100
    assert len({item.event_payload.id for item in events}) == 100
    assert len({item.event_payload.timestamp for item in events}) == 100


def test_created_models_share_nothing() -> None:
    first, second = make(Event), make(Event)
    first.dimensions["city"] = "Pune"
    first.attributes.clear()
    assert second.dimensions == {"city": "Chennai"}
    assert len(second.attributes) == 1


def test_fields_are_set_by_keyword() -> None:
    event = make(Event, id="ride-1", account_id="globex", attributes=[make(Attribute, value="3")])
    assert (event.id, event.account_id, event.attributes[0].value) == ("ride-1", "globex", "3")
    assert make(EventSource, type_="CSV").type_ == "CSV"


def test_text_is_taken_for_an_enum_a_new_value_too() -> None:
    known = make(IngestionStatus, status="REVERTED").status
    assert known is IngestionStatusValue.REVERTED
    assert not make(IngestionStatus, status="ARCHIVED").status.is_known


def test_a_property_can_be_missing() -> None:
    assert make(EventWithStatus, created_at=None).created_at is None
    assert make(GetEventsResponse, events=[]).events == []


def test_an_unknown_field_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(TypeError, match=r"Event has no field acount_id: did you mean account_id\?"):
        make(Event, acount_id="acme")
    with pytest.raises(
        TypeError, match=r"its fields are name, value, unit, additional_properties$"
    ):
        make(Attribute, size=1)


def test_a_value_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Event\.timestamp takes datetime, not str: '2024"):
        make(Event, timestamp="2024-12-04T07:30:35Z")
    with pytest.raises(TypeError, match=r"EventWithStatus\.source takes EventSource, not dict"):
        make(EventWithStatus, source={})


@pytest.mark.parametrize(
    ("hint", "name", "value"),
    [
        (str, "meter_name", "meter-name-3"),
        (bool, "enabled", False),
        (int, "count", 1),
        (float, "rate", 1.0),
        (datetime, "created_at", datetime(2024, 12, 4, 7, 33, tzinfo=UTC)),
        (date, "cycle_end", date(2024, 12, 31)),
        (date, "cycle_start", date(2024, 12, 1)),
        (list[str], "names", []),
        (dict[str, str], "names", {}),
        (IngestionStatusValue, "status", next(iter(IngestionStatusValue))),
    ],
)
def test_a_required_field_has_a_plausible_value_of_its_type(
    hint: Any, name: str, value: Any
) -> None:
    made = _factory._of_type(hint, name, 3)
    assert (type(made), made) == (type(value), value)


def test_a_number_may_be_a_whole_number_but_not_text() -> None:
    assert _factory._checked("Rate.value", float, 2) == 2
    assert _factory._checked("Rate.value", float | None, None) is None
    with pytest.raises(TypeError, match=r"Rate\.value takes float, not str: '2'"):
        _factory._checked("Rate.value", float | None, "2")


@pytest.mark.parametrize("model", [IngestionStatusValue, str, "Event"])
def test_a_class_that_is_not_a_model_is_refused(model: Any) -> None:
    with pytest.raises(TypeError, match="is not a model"):
        make(model)


def test_the_fake_can_store_a_created_event() -> None:
    event = make(Event)
    fake = FakeTogai(events=[event.to_dict()])
    assert fake.events[0].payload["id"] == event.id
