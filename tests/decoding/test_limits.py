"""Values that are sent: both sides of each limit of the contract, and of our own. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from togai import InvalidRequest, build_event, quantities, rows, with_quantities
from togai._contract import fields, problems
from togai._rows import amounts_of, decimal_or_none
from togai.models import Attribute, Event, EventCorrectionRequest, EventWithStatus

from .test_lenient import EVENT

AT = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


def event(**changes: Any) -> Event:
    own: dict[str, Any] = {"account_id": "acme", "timestamp": AT, "attributes": {"distance": 10}}
    return build_event("rides", **{**own, **changes})


LIMITS: list[tuple[Any, Any, dict[str, Any], str | None]] = [
    ("", str, {}, None),
    ("ab", str, {"minLength": 2}, None),
    ("a", str, {"minLength": 2}, "it must have at least 2 characters, has 1"),
    ("abc", str, {"maxLength": 3}, None),
    ("abcd", str, {"maxLength": 3}, "it must have 0 to 3 characters, has 4"),
    ("ab", str, {"minLength": 3, "maxLength": 9}, "it must have 3 to 9 characters, has 2"),
    ("7", str, {"pattern": "^[0-9]$"}, None),
    ("x", str, {"pattern": "^[0-9]$"}, "it is 'x', which does not match ^[0-9]$"),
    ("7\n", str, {"pattern": "^[0-9]$"}, "it is '7\\n', which does not match ^[0-9]$"),
    ("٣", str, {"pattern": r"^\d$"}, r"it is '٣', which does not match ^\d$"),
    (
        "x" * 78,
        str,
        {"pattern": "^y$"},
        f"it is '{'x' * 78}', which does not match ^y$",
    ),
    (
        "x" * 79,
        str,
        {"pattern": "^y$"},
        f"it is '{'x' * 79}..., which does not match ^y$",
    ),
    (5, str, {}, "it must be text, not int"),
    (3, int, {"minimum": 3, "maximum": 3}, None),
    (2, int, {"minimum": 3}, "it must be at least 3, is 2"),
    (4, int, {"maximum": 3}, "it must be at most 3, is 4"),
    (7, int, {}, None),
    (2.5, float, {"minimum": 3}, "it must be at least 3, is 2.5"),
    (2, float, {}, None),
    (2.5, int, {}, "it must be a int, not float"),
    (True, int, {}, "it must be a int, not bool"),
    (True, float, {}, "it must be a float, not bool"),
    (True, bool, {}, None),
    (1, bool, {}, "it must be a bool, not int"),
    (object(), Any, {}, None),
    ([1, 2], list[int], {"maxItems": 2, "minItems": 2}, None),
    ([], list[int], {}, None),
    ([1, 2], list[int], {"maxItems": 1}, "at most 1 it are allowed, got 2"),
    ([1], list[int], {"minItems": 2}, "at least 2 it are needed, got 1"),
    ([1, "x"], list[int], {}, "it[1] must be a int, not str"),
    ([1, 5], list[int], {"items": {"maximum": 4}}, "it[1] must be at most 4, is 5"),
    ({"a": 1}, dict[str, int], {"maxItems": 1}, None),
    ({"a": "x"}, dict[str, int], {}, "it['a'] must be a int, not str"),
    ([object()], list, {}, None),
    ({}, list[int], {}, "it must be a list, not dict"),
    (AT, datetime, {}, None),
    (datetime(2024, 1, 1), datetime, {}, "pass a datetime with a time zone"),
]


@pytest.mark.parametrize(("value", "kind", "limits", "problem"), LIMITS, ids=range(len(LIMITS)))
def test_a_value_is_checked_at_both_sides_of_each_limit(
    value: Any, kind: Any, limits: dict[str, Any], problem: str | None
) -> None:
    found = list(problems(value, kind, "it", limits))
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert problem in found[0]
    if not limits:
        assert list(problems(value, kind, "it")) == found


def test_a_problem_inside_an_event_names_the_property_in_python_or_in_json() -> None:
    wrong = event()
    wrong.attributes[0].value = "1e5"
    wrong.dimensions = {"a": "x" * 201}
    found = list(problems(EventCorrectionRequest(event=wrong), EventCorrectionRequest))
    assert [problem.partition(" ")[0] for problem in found] == [
        "event.attributes['distance'].value",
        "event.dimensions['a']",
    ]
    assert "pass a decimal number as text" in " ".join(problems(wrong, Event))
    assert list(problems(wrong, Event)) == list(problems(wrong, Event, wire=False))
    missing: Any = event()
    missing.schema_name = None
    assert "schema_name must be text" in next(problems(missing, Event))
    assert "schemaName must be text" in next(problems(missing, Event, wire=True))
    request = EventCorrectionRequest(event=missing)
    for wire, name in ((True, "event.schemaName"), (False, "event.schema_name")):
        found = list(problems(request, EventCorrectionRequest, wire=wire))
        assert [problem.partition(" ")[0] for problem in found] == [name]
    missing.schema_name, missing.id = "rides", None
    assert list(problems(missing, Event)) == []


def test_the_properties_of_a_model_are_those_of_the_contract() -> None:
    by_name = {field.name: field for field in fields(Attribute)}
    required = {name: field.required for name, field in by_name.items()}
    assert required.items() >= {"name": True, "value": True, "unit": False}.items()
    assert by_name["unit"].type is str
    assert by_name["value"].hint
    assert not by_name["name"].hint
    wires = {field.wire: field.names for field in fields(EventWithStatus)}
    assert wires["referenceId"] == ("referenceId",)


def test_the_type_of_a_property_is_that_of_its_value() -> None:
    @attrs.define
    class Model:
        """A model in which None comes first."""

        a: int = attrs.field(metadata={"wire": "a"})
        b: None | int = attrs.field(  # noqa: RUF036  (in either order)
            default=None, metadata={"wire": "b", "aliases": ("c",)}
        )
        own: str = ""

    first, second = fields(Model)
    assert (first.type, first.required, first.names) == (int, True, ("a",))
    assert (second.type, second.required, second.names) == (int, False, ("b", "c"))
    assert fields(Model) is fields(Model)


# Quantities


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (10**4300 - 1, "which does not match"),
        (10**4300, "has more than 4300 digits"),
        (-(10**4300) + 1, "which does not match"),
        (-(10**4300), "has more than 4300 digits"),
        (Decimal("1E+4300"), "which does not match"),
        (Decimal("1E+4301"), "a finite number of reasonable size"),
        (Decimal("1E-4301"), "a finite number of reasonable size"),
        (Decimal("NaN"), "a finite number of reasonable size"),
        (True, "must be Decimal, int or text, not bool"),
        (1.5, "is a float, which may not be exact: pass Decimal('1.5')"),
    ],
    ids=range(10),
)
def test_a_quantity_of_too_many_digits_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        event(attributes={"distance": value})
    assert problem in str(caught.value)
    with pytest.raises(InvalidRequest) as again:
        with_quantities(event(), {"distance": value})
    assert problem in str(again.value)


def test_every_value_that_was_passed_is_in_the_event() -> None:
    built = event(
        attributes={"a": 1, "b": Decimal("1E-4300")},
        units={"b": "Miles"},
        dimensions={"c": "d"},
        id="e",
    )
    assert built.to_dict() == {
        "schemaName": "rides",
        "accountId": "acme",
        "timestamp": "2024-12-04T07:30:35Z",
        "attributes": [
            {"name": "a", "value": "1"},
            {"name": "b", "value": "0." + "0" * 4299 + "1", "unit": "Miles"},
        ],
        "dimensions": {"c": "d"},
        "id": "e",
    }
    changed = with_quantities(built, {"a": "2"})
    assert [(one.name, one.value, one.unit) for one in changed.attributes] == [
        ("a", "2", None),
        ("b", "0." + "0" * 4299 + "1", "Miles"),
    ]
    assert built.attributes[0].value == "1"


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["a"], "it has no attribute 'x'; its attributes: a"),
        ([], "it has no attribute 'x'; its attributes: none"),
        (["x", "x"], "it has 2 attributes 'x'; its attributes: x, x"),
    ],
)
def test_only_an_attribute_that_exists_once_gets_another_quantity(
    names: list[str], problem: str
) -> None:
    changed = event()
    changed.attributes = [Attribute(name=name, value="1") for name in names]
    with pytest.raises(InvalidRequest) as caught:
        with_quantities(changed, {"x": 1})
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "path", ["dateutil.parser.isoparse", "togai._build.to_utc", "togai._rows.Decimal"]
)
def test_an_interrupt_while_a_value_is_converted_passes(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    class Interrupted:
        def __new__(cls, *_: object) -> Any:
            raise KeyboardInterrupt

    read = event()
    monkeypatch.setattr(path, Interrupted)
    text = "2024-12-04T07:30:35Z"
    convert: Any = quantities if path.startswith("togai._rows") else lambda _: event(timestamp=text)
    with pytest.raises(KeyboardInterrupt):
        convert(read)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1.50", Decimal("1.50")),
        (7, Decimal(7)),
        (Decimal("0.1"), Decimal("0.1")),
        (True, None),
        (1.5, None),
        (None, None),
        ("x", None),
        ("NaN", None),
        ("Infinity", None),
    ],
)
def test_a_number_is_a_decimal_and_anything_else_is_none(
    value: Any, number: Decimal | None
) -> None:
    assert decimal_or_none(value) == number


def test_the_amounts_of_an_event_are_all_its_numbers() -> None:
    payload = event(attributes={"a": 1, "b": 2})
    payload.attributes += [Attribute(name="a", value="3"), Attribute(name="c", value="many")]
    listed = EventWithStatus.from_dict(EVENT)
    listed.event_payload = payload
    assert [f"{name}={number}" for name, number in amounts_of(listed)] == ["a=1", "a=3", "b=2"]
    with pytest.raises(InvalidRequest, match="the event has 2 attributes called 'a'"):
        quantities(listed)
    (row,) = rows([listed])
    cells = [row[f"attribute.{name}"] for name in "abc"]
    assert cells == ["1; 3", Decimal(2), "many"]
    assert row["unit.a"] == "; "
    (row,) = rows([listed], attributes=["z"])
    assert (row["attribute.z"], row["unit.z"]) == (None, None)


@pytest.mark.parametrize("attributes", [None, [], ["distance"]])
@pytest.mark.parametrize("dimensions", [None, [], ["city"]])
def test_columns_that_are_not_named_are_those_of_all_events(
    attributes: list[str] | None, dimensions: list[str] | None
) -> None:
    payload = event(dimensions={"city": "Chennai"})
    read: Any = EventWithStatus.from_dict(
        {
            "referenceId": "ref-1",
            "eventPayload": payload.to_dict(),
            "ingestionStatus": {"status": "REVERTED", "statusDescription": "why"},
            "createdAt": "2024-12-31T00:00:00Z",
            "customerId": "customer-1",
        }
    )
    (row,) = rows(iter([read]), attributes=attributes, dimensions=dimensions)
    expected: dict[str, Any] = {
        "reference_id": "ref-1",
        "id": None,
        "account_id": "acme",
        "customer_id": "customer-1",
        "schema_name": "rides",
        "timestamp": AT,
        "created_at": datetime(2024, 12, 31, tzinfo=UTC),
        "status": "REVERTED",
        "status_description": "why",
    }
    if attributes != []:
        expected |= {"attribute.distance": Decimal(10), "unit.distance": None}
    if dimensions != []:
        expected |= {"dimension.city": "Chennai"}
    assert row == expected
    assert type(row["status"]) is str
