"""Convert events to and from plain Python values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, cast

import pytest

from togai import AsyncTogai, InvalidRequest, build_event, quantities, rows
from togai.models import EventWithStatus
from togai.testing import FakeTogai

from ..conftest import Api
from .test_lenient import EVENT

WHEN = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


def built(**changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "account_id": "acme",
        "timestamp": WHEN,
        "attributes": {"distance": Decimal("10.4")},
        **changes,
    }
    return build_event("rides", **arguments)


def test_an_event_is_built_from_plain_values() -> None:
    event = built(
        attributes={"distance": Decimal("10.40"), "stops": 3, "fee": "-0.05"},
        units={"distance": "Kilometers"},
        dimensions={"city": "Chennai"},
        id="ride-1",
    )
    assert event.to_dict() == {
        "schemaName": "rides",
        "accountId": "acme",
        "timestamp": "2024-12-04T07:30:35Z",
        "attributes": [
            {"name": "distance", "value": "10.40", "unit": "Kilometers"},
            {"name": "stops", "value": "3"},
            {"name": "fee", "value": "-0.05"},
        ],
        "dimensions": {"city": "Chennai"},
        "id": "ride-1",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-3"), "0.001"),
        (Decimal("0.10"), "0.10"),
        (10**511, "1" + "0" * 511),
        ("007.50", "007.50"),
    ],
)
def test_a_quantity_goes_out_with_every_digit(value: Any, text: str) -> None:
    assert built(attributes={"a": value}).attributes[0].value == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (10.4, r"float.*Decimal\('10.4'\)"),
        (float("nan"), "float"),
        (Decimal("NaN"), "finite"),
        (Decimal("Infinity"), "finite"),
        (Decimal("1E+600"), r"\\d\{1,512\}"),
        (Decimal("1E+6000"), "reasonable size"),
        (10**512, r"\\d\{1,512\}"),
        ("1e5", "decimal number"),
        ("", "decimal number"),
        ("٣", "decimal number"),
        ("1\n", "decimal number"),
        (True, "not bool"),
        (None, "not NoneType"),
    ],
)
def test_a_quantity_that_is_not_exact_or_no_number_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        built(attributes={"distance": value})


@pytest.mark.parametrize(
    "when",
    [
        "2024-12-04T07:30:35Z",
        "2024-12-04T13:00:35+05:30",
        "20241204T073035Z",
        "2024-12-04T07:30:35.000000Z",
        WHEN.astimezone(timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_a_timestamp_is_an_aware_datetime_or_iso_text(when: Any) -> None:
    assert built(timestamp=when).timestamp == WHEN


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        (datetime(2024, 12, 4), "time zone"),
        ("2024-12-04T07:30:35", "time zone"),
        ("2024-12-04", "time zone"),
        ("2024-12-04T07:30:35.1234567Z", "is finer than microseconds: round it first"),
        ("yesterday", "ISO 8601"),
        ("04-03-2022", "ISO 8601"),
        ("", "ISO 8601"),
        (1733297435, "not int"),
        (None, "not NoneType"),
    ],
)
def test_a_timestamp_without_time_zone_or_sense_is_refused(when: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        built(timestamp=when)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"units": {"speed": "Miles"}}, "units names speed"),
        ({"account_id": ""}, "account_id"),
        ({"account_id": "x" * 513}, "512"),
        ({"account_id": 7}, "not int"),
        ({"id": ""}, "id must"),
        ({"dimensions": {"city": "x" * 201}}, r"dimensions\['city'\] must have 1 to 200"),
        ({"dimensions": {"city": 7}}, r"dimensions\['city'\] must be text"),
        ({"attributes": {str(number): 1 for number in range(11)}}, "at most 10"),
        ({"attributes": {"x" * 51: 1}}, "name"),
        ({"units": {"distance": "x" * 51}}, "unit"),
    ],
)
def test_the_limits_of_the_contract_are_checked(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        built(**changes)


def test_quantities_are_decimals_by_name(api: Api, fake: FakeTogai) -> None:
    fake.add(
        id="ride-1", attributes=[{"name": "a", "value": "10.40"}, {"name": "b", "value": "-3"}]
    )
    event = api.listed()[0]
    assert quantities(event) == quantities(event.event_payload) == {"a": Decimal("10.40"), "b": -3}
    assert str(quantities(event)["a"]) == "10.40"


def test_a_number_and_its_text_read_alike(api: Api, fake: FakeTogai) -> None:
    fake.add_many(2)

    def as_number(page: Any) -> None:
        page["events"][0]["eventPayload"]["attributes"][0]["value"] = 50
        page["events"][1]["eventPayload"]["attributes"][0]["value"] = "50"

    fake.change_next(as_number)
    one, other = api.listed()
    assert one.event_payload.attributes[0].value == other.event_payload.attributes[0].value == "50"


def test_rows_go_into_a_csv_file(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a", dimensions={"city": "Chennai"})
    fake.add(id="b", attributes=[{"name": "weight", "value": "2"}])
    table = list(rows(api.listed()))
    assert table[0].keys() == table[1].keys()
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    read = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert read[0]["attribute.distance"] == "10.4"
    assert read[0]["unit.distance"] == "Kilometers"
    assert read[0]["dimension.city"] == "Chennai"
    assert read[0]["status"] == "INGESTION_COMPLETED_EVENT_METERED"
    assert read[1]["attribute.weight"] == "2"
    assert read[1]["attribute.distance"] == ""


@pytest.mark.parametrize("what", ["attributes", "dimensions"])
def test_columns_are_a_list_of_names_and_no_text(what: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"{what}='city': pass a list of names"):
        next(rows([], **{what: "city"}))


def test_named_columns_keep_rows_lazy() -> None:
    read = EventWithStatus.from_dict({**EVENT, "eventPayload": built().to_dict()})

    def one_and_then_none() -> Iterator[EventWithStatus]:
        yield read
        raise AssertionError("read before it was needed")

    table = rows(one_and_then_none(), attributes=["distance"], dimensions=[])
    assert next(table)["attribute.distance"] == Decimal("10.4")


def test_rows_of_a_malformed_event_contain_the_readable_values(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(
        status=200, body={"events": [None, {"eventPayload": {"attributes": [7], "id": "a"}}]}
    )
    first, second = rows(api.listed())
    assert set(first.values()) == {None}
    assert second["id"] == "a"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"attributes": None}, "attributes must be a dict"),
        ({"attributes": ["distance"]}, "attributes must be a dict"),
        ({"units": 5}, "units must be a dict"),
        ({"units": {5: "Miles"}}, "units names 5"),
        ({"dimensions": 5}, "dimensions must be a dict"),
        ({"dimensions": {5: "x"}}, "a name in dimensions must be text"),
        ({"attributes": {"a": 10**5000}}, "more than 4300 digits"),
        ({"attributes": {"a": "9" * 513}}, r"\\d\{1,512\}"),
        ({"timestamp": "9999-12-31T24:00:00Z"}, "ISO 8601"),
        ({"timestamp": "x" * 100_000}, "ISO 8601"),
    ],
)
def test_invalid_values_are_refused_by_name_and_shortened(
    changes: dict[str, Any], problem: str
) -> None:
    values: dict[str, Any] = {
        "account_id": "acme",
        "timestamp": "2024-12-04T07:30:35Z",
        "attributes": {"distance": 1},
    }
    with pytest.raises(InvalidRequest, match=problem) as caught:
        build_event("rides", **{**values, **changes})
    assert len(str(caught.value)) < 500


def test_rows_say_how_to_take_an_async_listing() -> None:
    with pytest.raises(InvalidRequest, match="async for"):
        next(rows(cast("Any", AsyncTogai("t").events.list())))
