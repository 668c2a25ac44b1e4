"""Reading, for any response with any malformed values."""

from __future__ import annotations

import copy
import datetime as dt
import json
import typing
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from togai import Drift, EventPage, Togai, UnexpectedResponse, deviations, raw, rows
from togai._decoding import Reader, StrictDeviation
from togai.models import (
    Event,
    EventCorrectionInfo,
    EventWithStatus,
    EventWithStatusAndEventPipelineInfo,
)
from togai.testing import make

MODELS = [EventWithStatus, EventWithStatusAndEventPipelineInfo, EventCorrectionInfo]

TEXT = st.text(max_size=12)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.text(max_size=8),
    st.sampled_from(["04-03-2022", "2022-06-15T07:30:35.123", "2022-06-15", "1e400", "NaN", "12"]),
    st.sampled_from([10**400, Decimal("1e999999"), Decimal("-1e-999999"), Decimal("1e400")]),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
)


def clean_values(hint: Any) -> st.SearchStrategy[Any]:
    """JSON that the contract allows for a type of a model's field."""
    arguments = typing.get_args(hint)
    if hint is Any:
        return st.one_of(TEXT, st.booleans(), st.integers(-1000, 1000), st.just({"a": [1]}))
    if type(None) in arguments:
        return clean_values(next(argument for argument in arguments if argument is not type(None)))
    if typing.get_origin(hint) is list:
        return st.lists(clean_values(arguments[0]), max_size=3)
    if typing.get_origin(hint) is dict:
        return st.dictionaries(TEXT, clean_values(arguments[1]), max_size=3)
    if attrs.has(hint):
        # Looked at when it is needed, for a model may hold itself.
        return st.deferred(lambda: clean(hint))
    if issubclass(hint, Enum):
        return st.sampled_from([str(member.value) for member in hint])
    return {
        str: TEXT,
        int: st.integers(-(2**31), 2**31 - 1),
        float: st.integers(-1000, 1000).map(float),
        bool: st.booleans(),
        dt.date: st.dates().map(dt.date.isoformat),
        dt.datetime: st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2200, 1, 1)).map(
            lambda moment: moment.replace(microsecond=0).isoformat() + "Z"
        ),
    }[hint]


def clean(model: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects that the contract allows for a model."""
    hints = typing.get_type_hints(model)
    fields = [field for field in attrs.fields(model) if field.metadata]
    required = {
        field.metadata["wire"]: clean_values(hints[field.name])
        for field in fields
        if field.default is attrs.NOTHING
    }
    optional = {
        field.metadata["wire"]: clean_values(hints[field.name])
        for field in fields
        if field.default is not attrs.NOTHING
    }
    return st.fixed_dictionaries(required, optional=optional)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Each container of a JSON value with each of its keys."""
    result: list[tuple[Any, Any]] = []
    items: Any = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in items:
        result.append((value, key))
        if isinstance(child, dict | list):
            result += spots(child)
    return result


def damage(data: st.DataObject, events: list[Any]) -> set[int]:
    """Damage the events in place, at any places; returns which ones were touched."""
    touched: set[int] = set()
    for _ in range(data.draw(st.integers(1, 6), "how many")):
        index = data.draw(st.integers(0, len(events) - 1), "which event")
        touched.add(index)
        inside = spots(events[index]) if isinstance(events[index], dict | list) else []
        holder, key = data.draw(st.sampled_from([(events, index), *inside]), "where")
        how = data.draw(st.sampled_from(["replace", "remove", "add"]), "how")
        if how == "add" and isinstance(holder, dict):
            holder[data.draw(TEXT)] = data.draw(JSON)
        elif how == "remove" and isinstance(holder, dict):
            del holder[key]
        else:
            holder[key] = data.draw(JSON)
    return touched


def floats(value: Any) -> Any:
    """JSON as `json` can write it."""
    if isinstance(value, dict):
        return {name: floats(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [floats(item) for item in value]
    if not isinstance(value, Decimal):
        return value
    if value.adjusted() < 308:
        return float(value)
    return int(value) if value.adjusted() < 4300 else str(value)


def exact(value: Any) -> Any:
    """JSON as the client parses it, with exact numbers."""
    return json.loads(json.dumps(value, default=float), parse_float=Decimal)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@given(data=st.data())
def test_what_the_contract_allows_is_read_whole_and_written_back(
    model: type[Any], data: st.DataObject
) -> None:
    reported: list[Drift] = []
    sent = data.draw(st.lists(clean(model), max_size=3))
    read = Reader(strict=False, on_drift=reported.append).items(model, exact(sent), "$.events")
    assert [value.to_dict() for value in read] == sent
    assert reported == []
    assert not any(map(deviations, read))
    assert Reader(strict=True, on_drift=None).items(model, exact(sent), "$.events") == read


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@given(data=st.data())
def test_malformed_events_are_never_dropped(model: type[Any], data: st.DataObject) -> None:
    sent = data.draw(st.lists(clean(model), min_size=1, max_size=4))
    undamaged = Reader(strict=False, on_drift=None).items(model, exact(sent), "$.events")
    broken = copy.deepcopy(sent)
    touched = damage(data, broken)
    read = Reader(strict=False, on_drift=None).items(model, broken, "$.events")
    assert len(read) == len(sent)
    for index, event in enumerate(read):
        assert isinstance(event, model)
        if index not in touched:
            assert event == undamaged[index]
            assert deviations(event) == ()
        if deviations(event):
            assert raw(event) == broken[index]
            assert event.to_dict() == floats(broken[index])
            json.dumps(event.to_dict(), allow_nan=False)
    assert len(list(rows(read))) == len(read)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@given(data=st.data())
def test_strict_raises_exactly_where_a_deviation_is_reported(
    model: type[Any], data: st.DataObject
) -> None:
    sent = data.draw(st.lists(clean(model), min_size=1, max_size=2))
    damage(data, sent)
    reported: list[Drift] = []
    Reader(strict=False, on_drift=reported.append).items(model, sent, "$.events")
    strict = Reader(strict=True, on_drift=None)
    if not reported:
        assert len(strict.items(model, sent, "$.events")) == len(sent)
        return
    with pytest.raises(StrictDeviation) as caught:
        strict.items(model, sent, "$.events")
    assert caught.value.deviation.drift in reported
    assert caught.value.deviation.where.startswith("$.events[")


@pytest.mark.usefixtures("parser")
@given(body=JSON)
def test_any_json_is_a_page_or_an_unexpected_response(body: Any) -> None:
    sent = json.dumps(
        body, default=lambda number: float(number) if abs(number) < 1e300 else str(number)
    )
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=sent))
    with httpx.Client(transport=transport) as http:
        client = Togai("t", http_client=http, requests_per_second=None)
        try:
            page = next(client.events.list().pages())
        except UnexpectedResponse:
            return
        assert isinstance(page, EventPage)


@pytest.mark.parametrize("number", [5, 10**20, 10**400, -(10**4000), Decimal("1.50")])
def test_a_number_in_place_of_text_is_given_back_as_it_was_received(number: Any) -> None:
    payload = {**make(Event).to_dict(), "schemaName": number}
    (event,) = Reader(strict=False, on_drift=None).items(Event, [payload], "$.events")
    assert event.schema_name == str(number)
    assert event.to_dict() == floats(payload)
