"""What can be read of a malformed item, by the type of each property: both sides of each limit. No I/O."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Self

import attrs
import pytest

from togai import ConfigurationError, Drift, InvalidRequest, _salvage, deviations, raw
from togai._contract import Field, fields
from togai._decoding import Reader, StrictDeviation
from togai._json import Malformed
from togai._salvage import most_items
from togai.models import EventWithStatus, IngestionStatusValue

from .test_lenient import EVENT


@attrs.define(kw_only=True)
class Inner:
    """An object inside another."""

    name: str = attrs.field(metadata={"wire": "name"})
    additional_properties: dict[str, Any] = attrs.field(factory=dict)
    _json: Any = attrs.field(default=..., alias="_json", eq=False)
    _deviations: tuple[Any, ...] = attrs.field(default=(), alias="_deviations", eq=False)


@attrs.define(kw_only=True)
class Outer:
    """A model with a property of each type, none of which its `from_dict` reads."""

    text: str = attrs.field(metadata={"wire": "text"})
    flag: bool = attrs.field(metadata={"wire": "flag"})
    whole: int = attrs.field(metadata={"wire": "whole"})
    number: float = attrs.field(metadata={"wire": "number"})
    moment: datetime = attrs.field(metadata={"wire": "moment"})
    day: date = attrs.field(metadata={"wire": "day"})
    status: IngestionStatusValue = attrs.field(metadata={"wire": "status"})
    anything: Any = attrs.field(metadata={"wire": "anything"})
    inner: Inner = attrs.field(metadata={"wire": "inner"})
    items: list[int] = attrs.field(metadata={"wire": "items"})
    named: dict[str, int] = attrs.field(metadata={"wire": "named"})
    optional: str | None = attrs.field(default=None, metadata={"wire": "optional"})
    additional_properties: dict[str, Any] = attrs.field(factory=dict)
    _json: Any = attrs.field(default=..., alias="_json", eq=False)
    _deviations: tuple[Any, ...] = attrs.field(default=(), alias="_deviations", eq=False)

    @classmethod
    def from_dict(cls, src: Mapping[str, Any], seen: Any = None) -> Outer:
        raise ValueError

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text}


GOOD: dict[str, Any] = {
    "text": "t",
    "flag": True,
    "whole": 1,
    "number": Decimal("1.5"),
    "moment": "2024-12-04T07:30:35Z",
    "day": "2024-12-04",
    "status": "REVERTED",
    "anything": [1],
    "inner": {"name": "n"},
    "items": [1, 2],
    "named": {"a": 1},
}


def read(changes: Mapping[str, Any] | None = None, **more: Any) -> Any:
    (item,) = Reader(strict=False, on_drift=None).items(Outer, [{**GOOD, **(changes or more)}], "$")
    return item


def kinds(item: Any) -> list[tuple[str, str]]:
    """The place and the kind of each deviation."""
    return [(one.where.removeprefix("$[0]."), one.drift.kind) for one in deviations(item)]


def test_what_follows_the_contract_is_read_by_its_types() -> None:
    item = read()
    assert kinds(item) == []
    assert item == Outer(
        text="t",
        flag=True,
        whole=1,
        number=1.5,
        moment=datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC),
        day=date(2024, 12, 4),
        status=IngestionStatusValue("REVERTED"),
        anything=[1],
        inner=Inner(name="n"),
        items=[1, 2],
        named={"a": 1},
    )
    assert (type(item.number), type(item.day)) == (float, date)
    assert raw(item) == GOOD


LARGE = 10**17
VALUES: list[tuple[str, Any, Any, str | None]] = [
    ("text", 7, "7", "wrong type"),
    ("text", Decimal("1.50"), "1.50", "wrong type"),
    ("text", Decimal("1E+599"), "1" + "0" * 599, "wrong type"),
    ("text", Decimal("1E+600"), "1E+600", "wrong type"),
    ("text", Decimal("1E-599"), "0." + "0" * 598 + "1", "wrong type"),
    ("text", Decimal("1E-600"), "1E-600", "wrong type"),
    ("text", True, True, "wrong type"),
    ("text", [1], [1], "wrong type"),
    ("text", Malformed("NaN", "not a number"), "NaN", "not a number"),
    ("flag", False, False, None),
    ("flag", 1, 1, "wrong type"),
    ("flag", "true", "true", "wrong type"),
    ("whole", -7, -7, None),
    ("whole", "7", 7, "wrong type"),
    ("whole", Decimal("7.0"), 7, "wrong type"),
    ("whole", Decimal(LARGE), LARGE, "wrong type"),
    ("whole", Decimal("1E+17"), LARGE, "wrong type"),
    ("whole", Decimal("1E+18"), Decimal("1E+18"), "wrong type"),
    ("whole", 10**18, 10**18, None),
    ("whole", Decimal("1.5"), Decimal("1.5"), "wrong type"),
    ("whole", True, True, "wrong type"),
    ("whole", "x", "x", "wrong type"),
    ("whole", "NaN", "NaN", "wrong type"),
    ("whole", "Infinity", "Infinity", "wrong type"),
    ("whole", [1], [1], "wrong type"),
    ("number", 2, 2.0, None),
    ("number", Decimal("2.5"), 2.5, None),
    ("number", "2.5", 2.5, "wrong type"),
    ("number", Decimal("1E+400"), Decimal("1E+400"), "wrong type"),
    ("number", Decimal("-1E+400"), Decimal("-1E+400"), "wrong type"),
    ("number", False, False, "wrong type"),
    ("number", {}, {}, "wrong type"),
    ("moment", "2024-12-04t07:30:35z", datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC), None),
    ("moment", "2024-12-04T07:30:35", datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC), "no offset"),
    (
        "moment",
        "2024-12-04T07:30:35.0000001Z",
        datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC),
        "finer than microseconds",
    ),
    ("moment", "04-03-2022", "04-03-2022", "not a date"),
    ("moment", 7, 7, "wrong type"),
    ("day", "04-03-2022", "04-03-2022", "not a date"),
    ("day", 7, 7, "wrong type"),
    ("status", 3, IngestionStatusValue("3"), "wrong type"),
    ("status", True, True, "wrong type"),
    ("anything", {"a": None}, {"a": None}, None),
    ("anything", Malformed("NaN", "not a number"), "NaN", "not a number"),
    ("inner", 7, Inner(name=None), "not an object"),  # type: ignore[arg-type]
    ("items", {"a": 1}, {"a": 1}, "wrong type"),
    ("items", "12", "12", "wrong type"),
    ("items", [], [], None),
    ("items", [1] * 1000, [1] * 1000, None),
    ("items", [1] * 1001, [1] * 1001, "too many items"),
    ("named", [1], [1], "wrong type"),
    ("named", {}, {}, None),
    ("optional", None, None, None),
    ("optional", "x", "x", None),
]


@pytest.mark.parametrize(("name", "value", "expected", "kind"), VALUES, ids=range(len(VALUES)))
def test_a_value_is_read_as_its_type_or_stays_as_it_came(
    name: str, value: Any, expected: Any, kind: str | None
) -> None:
    item = read({name: value})
    found = getattr(item, name)
    assert found == expected
    assert type(found) is type(expected)
    assert kinds(item) == ([] if kind is None else [(name, kind)])
    assert raw(item)[name] == value


def test_a_deviation_inside_a_value_names_its_place_and_its_model() -> None:
    item = read(
        {
            "items": [1, "2", "x"],
            "named": {"a": "1", "b\n": "x"},
            "inner": {"name": 5, "more": 1},
            "status": "NEW\n",
            "more": 2,
        }
    )
    assert (item.items, item.named, item.inner.name) == ([1, 2, "x"], {"a": 1, "b\n": "x"}, "5")
    assert item.inner.additional_properties == {"more": 1}
    assert item.additional_properties == {"more": 2}
    assert raw(item.inner) == {"name": 5, "more": 1}
    assert [(one.where, one.drift) for one in deviations(item)] == [
        ("$[0].status", Drift("Outer", "status", "unknown value", "NEW\n")),
        ("$[0].inner.name", Drift("Inner", "name", "wrong type")),
        ("$[0].inner.more", Drift("Inner", "more", "unknown property")),
        ("$[0].items[1]", Drift("Outer", "items", "wrong type")),
        ("$[0].items[2]", Drift("Outer", "items", "wrong type")),
        ("$[0].named.a", Drift("Outer", "named", "wrong type")),
        ("$[0].named.b\\n", Drift("Outer", "named", "wrong type")),
        ("$[0].more", Drift("Outer", "more", "unknown property")),
    ]


@pytest.mark.parametrize(("changes", "kind"), [({"text": None}, "null"), ({}, "missing")])
def test_a_property_without_a_value_is_null_or_missing(changes: dict[str, Any], kind: str) -> None:
    source = {**{name: value for name, value in GOOD.items() if name != "text"}, **changes}
    (item,) = Reader(strict=False, on_drift=None).items(Outer, [source], "$")
    assert item.text is None
    assert kinds(item) == [("text", kind)]


@pytest.mark.parametrize(
    ("values", "expected", "kind"),
    [
        ({"a": "1"}, "1", None),
        ({"b": "2"}, "2", None),
        ({"text": None, "b": "2"}, "2", None),
        ({"text": "0", "a": "0", "b": None}, "0", None),
        ({"text": "0", "a": "1"}, "0", "ambiguous"),
        ({"a": "1", "b": "2"}, "1", "ambiguous"),
        ({"a": None}, None, "missing"),
        ({}, None, "missing"),
        ({"text": None, "a": None}, None, "null"),
    ],
    ids=str,
)
def test_a_property_is_read_under_each_of_its_names(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], expected: Any, kind: str | None
) -> None:
    """As after a bump that renamed a property twice."""

    def renamed(model: type) -> list[Field]:
        return [
            attrs.evolve(field, aliases=("a", "b")) if field.name == "text" else field
            for field in fields(model)
        ]

    monkeypatch.setattr(_salvage, "fields", renamed)
    source = {**{name: value for name, value in GOOD.items() if name != "text"}, **values}
    (item,) = Reader(strict=False, on_drift=None).items(Outer, [source], "$")
    assert item.text == expected
    assert item.additional_properties == {}
    assert kinds(item) == ([] if kind is None else [("text", kind)])


def test_a_list_has_1000_items_unless_the_contract_allows_more() -> None:
    assert [most_items(limits) for limits in ({}, {"maxItems": 50}, {"maxItems": 1001})] == [
        1000,
        1000,
        1001,
    ]


@pytest.mark.parametrize(
    "error", [TypeError, ValueError, KeyError, AttributeError, OverflowError, ZeroDivisionError]
)
def test_whatever_the_generated_code_raises_the_item_is_read(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object) -> Any:
        raise error

    monkeypatch.setattr(Outer, "from_dict", fail)
    assert read().text == "t"
    # Strict mode has nothing to report either.
    (item,) = Reader(strict=True, on_drift=None).items(Outer, [GOOD], "$")
    assert item.text == "t"


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RecursionError])
def test_what_ends_the_program_passes(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def fail(*_: object) -> Any:
        raise error

    monkeypatch.setattr(Outer, "from_dict", fail)
    with pytest.raises(error):
        read()


class Interrupted:
    """A class whose every use is interrupted, as by Ctrl-C."""

    def __new__(cls, *_: object) -> Self:
        raise KeyboardInterrupt

    @staticmethod
    def fromisoformat(_text: str) -> Any:
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["Decimal", "datetime", "date"])
def test_an_interrupt_while_a_value_is_converted_passes(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(_salvage, name, Interrupted)
    with pytest.raises(KeyboardInterrupt):
        read(number="1.5")


# Reports


def test_strict_mode_raises_with_the_first_of_several_deviations() -> None:
    reader = Reader(strict=True, on_drift=None)
    with pytest.raises(StrictDeviation) as caught:
        reader.items(Outer, [GOOD, {**GOOD, "text": 7, "whole": "x", "more": 1}], "$.events")
    assert str(caught.value) == "$.events[1].text: wrong type"
    assert reader.items(Outer, [GOOD], "$")


@pytest.mark.parametrize(
    ("changes", "drift", "where"),
    [
        ({"more": 1}, Drift("EventWithStatus", "more", "unknown property"), "$[0].more"),
        (
            {"ingestionStatus": {"status": "NEW"}},
            Drift("IngestionStatus", "status", "unknown value", "NEW"),
            "$[0].ingestionStatus.status",
        ),
    ],
    ids=["property", "value"],
)
def test_what_a_later_contract_adds_is_reported_and_raised_in_strict_mode_only(
    changes: dict[str, Any], drift: Drift, where: str
) -> None:
    reported: list[Drift] = []
    reader = Reader(strict=False, on_drift=reported.append)
    for _ in range(2):
        (item,) = reader.items(EventWithStatus, [{**EVENT, **changes}], "$")
        assert deviations(item) == ()
    assert reported == [drift]
    with pytest.raises(StrictDeviation) as caught:
        Reader(strict=True, on_drift=None).items(EventWithStatus, [{**EVENT, **changes}], "$")
    assert (caught.value.deviation.where, caught.value.deviation.drift) == (where, drift)


def test_what_a_later_contract_adds_is_listed_with_what_deviates() -> None:
    (item,) = Reader(strict=False, on_drift=None).items(Outer, [{**GOOD, "text": 7, "z": 1}], "$")
    assert sorted(map(str, deviations(item))) == [
        "$[0].text: wrong type",
        "$[0].z: unknown property",
    ]
    (added,) = Reader(strict=False, on_drift=None).items(Outer, [{**GOOD, "z": 1}], "$")
    assert deviations(added) == ()


def test_each_kind_of_drift_is_reported_once_by_a_reader_and_again_by_a_derived_one() -> None:
    reported: list[str] = []
    reader = Reader(strict=False, on_drift=lambda drift: reported.append(str(drift)))
    for _ in range(2):
        reader.items(Outer, [{**GOOD, "text": 7}] * 2, "$")
        reader.report(Drift("Page", "more", "missing"), "$.more")
    assert reported == ["Outer.text: wrong type", "Page.more: missing"]
    assert reader.with_options(strict=None, on_drift=None) is reader
    others: list[Drift] = []
    reader.with_options(strict=False, on_drift=None).items(Outer, [{**GOOD, "text": 7}], "$")
    assert len(reported) == 3
    derived = reader.with_options(strict=None, on_drift=others.append)
    derived.items(Outer, [{**GOOD, "text": 7}], "$")
    assert (len(reported), len(others)) == (3, 1)
    for strict in (True, False):
        by_strict = reader.with_options(strict=strict, on_drift=None)
        again = by_strict.with_options(strict=None, on_drift=others.append)
        if strict:
            with pytest.raises(StrictDeviation):
                again.items(Outer, [{**GOOD, "text": 7}], "$")
        else:
            again.items(Outer, [{**GOOD, "text": 7}], "$")


async def _async_callback(_drift: Drift) -> None:
    """Nobody would await it."""


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"strict": "no"}, "strict="),
        ({"strict": 1}, "strict="),
        ({"on_drift": 5}, "on_drift must be a plain callable"),
        ({"on_drift": _async_callback}, "on_drift must be a plain callable"),
    ],
    ids=range(4),
)
def test_a_reader_with_other_settings_is_refused(settings: dict[str, Any], problem: str) -> None:
    own: dict[str, Any] = {"strict": False, "on_drift": None}
    with pytest.raises(ConfigurationError, match=problem):
        Reader(**{**own, **settings})
    with pytest.raises(ConfigurationError, match=problem):
        Reader(**own).with_options(**{**own, "strict": None, **settings})


def test_a_reader_reports_1000_places_and_survives_a_callback_that_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reported: list[Drift] = []

    def fails(drift: Drift) -> None:
        reported.append(drift)
        raise ValueError("mine")

    reader = Reader(strict=False, on_drift=fails)
    for number in range(1001):
        reader.report(Drift("Page", f"p{number}", "missing"), "$")
    assert len(reported) == 1000
    failures = [record for record in caplog.records if record.getMessage() == "on_drift failed"]
    assert len(failures) == 1000
    assert failures[0].exc_info


def test_the_json_of_an_item_is_a_copy_and_that_of_any_other_is_its_own() -> None:
    item = read()
    raw(item)["items"].append(3)
    assert raw(item)["items"] == [1, 2]
    assert copy.deepcopy(item) == item
    assert raw(attrs.evolve(item, _json=...)) == {"text": "t"}


@pytest.mark.parametrize(
    ("inner", "deviation"),
    [({"name": 7}, "$[0].inner.name: wrong type"), (7, "$[0].inner: not an object")],
)
def test_a_part_of_an_item_has_the_deviations_within_it_only(inner: Any, deviation: str) -> None:
    item = read(inner=inner, flag="no")
    assert raw(item.inner) == inner
    assert list(map(str, deviations(item.inner))) == [deviation]
    assert len(deviations(item)) == 2
    assert deviations(read(inner={"name": "n"}, flag="no").inner) == ()


@pytest.mark.parametrize("function", [deviations, raw])
@pytest.mark.parametrize("value", [[read()], object(), None])
def test_deviations_and_json_are_those_of_a_single_item(function: Any, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"a single event, not {type(value).__name__}"):
        function(value)
