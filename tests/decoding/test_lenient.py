"""A malformed scalar affects only its own property, received values can be written back, and sent values are exact."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from togai import (
    Drift,
    InvalidRequest,
    UnexpectedResponse,
    build_event,
    deviations,
    quantities,
    raw,
    rows,
    with_quantities,
)
from togai._json import parse_json, write_json
from togai.testing import FakeTogai

from ..conftest import Api, Connect

pytestmark = pytest.mark.usefixtures("parser")

EVENT: dict[str, Any] = {
    "referenceId": "ref-1",
    "eventPayload": {
        "schemaName": "rides",
        "timestamp": "2024-12-04T07:30:35.000Z",
        "accountId": "acme",
        "attributes": [{"name": "distance", "value": "10.40", "unit": None}],
        "dimensions": {"city": "Chennai"},
        "id": "ride-1",
    },
    "ingestionStatus": {"status": "INGESTION_COMPLETED_EVENT_METERED"},
    "createdAt": "2024-12-31T00:00:00Z",
    "customerId": "customer-1",
}


TARGET = {"account_id": "acme", "event_id": "ride-1"}


def page(*events: bytes) -> bytes:
    return b'{"events":[' + b",".join(events) + b"]}"


def text(event: Any = EVENT) -> bytes:
    return json.dumps(event).encode()


def with_value(name: str, value: bytes) -> bytes:
    """The event with the bytes of another value for a property."""
    holder = EVENT if name in EVENT else EVENT["eventPayload"]
    old = json.dumps({name: holder[name]})[1:-1] if name in holder else '"id": "ride-1"'
    new = json.dumps(name).encode() + b": " + value
    if name not in holder:
        new += b", " + old.encode()
    assert old.encode() in text()
    return text().replace(old.encode(), new)


def listed(api: Api, fake: FakeTogai, *events: bytes) -> list[Any]:
    fake.fail_next(status=200, body=page(*events))
    return api.listed()


MALFORMED = [
    ("customerId", b"NaN", "NaN", "not a number"),
    ("customerId", b"-Infinity", "-Infinity", "not a number"),
    ("customerId", b'"caf\xe9"', "caf\ufffd", "not UTF-8"),
    ("customerId", b'"\xff\xfe"', "\ufffd\ufffd", "not UTF-8"),
    ("customerId", b"1e9999999999999999999999", "1e9999999999999999999999", "out of range"),
    ("createdAt", b"NaN", "NaN", "not a number"),
    ("createdAt", b"1e9999999999999999999999", "1e9999999999999999999999", "out of range"),
    ("accountId", b'"\xe9"', "\ufffd", "not UTF-8"),
]


@pytest.mark.parametrize(("name", "sent", "held", "kind"), MALFORMED)
def test_a_scalar_that_json_cannot_hold_costs_its_own_property(
    api: Api, fake: FakeTogai, name: str, sent: bytes, held: str, kind: str
) -> None:
    events = listed(api, fake, text(), with_value(name, sent), text())
    assert len(events) == 3
    assert events[0] == events[2]
    assert [deviations(event) for event in (events[0], events[2])] == [(), ()]
    (deviation,) = deviations(events[1])
    assert (deviation.drift.property, deviation.drift.kind) == (name, kind)
    assert deviation.where.startswith("$.events[1].")
    assert deviation.where.endswith(name)
    written = events[1].to_dict()
    value = written[name] if name in written else written["eventPayload"][name]
    assert (value, type(value)) == (held, str)
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    assert len(list(rows(events))) == 3
    assert pickle.loads(pickle.dumps(events)) == copy.deepcopy(events) == events


@pytest.mark.parametrize(("name", "sent", "held", "kind"), MALFORMED)
def test_strict_mode_names_the_place_of_such_a_scalar(
    connect: Connect, fake: FakeTogai, url: str, name: str, sent: bytes, held: str, kind: str
) -> None:
    with connect(base_url=url, strict=True) as api:
        fake.fail_next(status=200, body=page(with_value(name, sent)))
        with pytest.raises(UnexpectedResponse, match=kind):
            api.listed()


@pytest.mark.parametrize(
    "value", [b"NaN", b'[1, {"a": Infinity}]', b"1e9999999999999999999999", b'"\xff"']
)
def test_such_a_scalar_in_an_unknown_property_costs_nothing_else(
    api: Api, fake: FakeTogai, value: bytes
) -> None:
    (event,) = listed(api, fake, with_value("unknown", value))
    assert deviations(event) == ()
    assert event.event_payload.id == "ride-1"
    assert "unknown" in event.event_payload.additional_properties
    json.dumps(event.to_dict(), allow_nan=False)
    with pytest.raises(InvalidRequest, match="when it was read"):
        api.call("replace", event.event_payload, **TARGET, keep_unknown=True)
    api.call("replace", event.event_payload, **TARGET)
    assert len(fake.requests) == 2


def test_such_scalars_elsewhere_in_the_body_cost_nothing(api: Api, fake: FakeTogai) -> None:
    body = b'{"events":[' + text() + b'],"took":NaN,"note":"\xe9","total":1e99999999999999999999}'
    fake.fail_next(status=200, body=body)
    assert [event.reference_id for event in api.listed()] == ["ref-1"]


def test_get_and_corrections_read_as_leniently(api: Api, fake: FakeTogai) -> None:
    full = json.dumps(
        {
            **EVENT,
            "eventPipelineInfo": {
                "featureDetails": {"featureId": "f", "mappedAttribute": "a", "overageInCycle": 17}
            },
        }
    )
    fake.fail_next(status=200, body=page(full.encode().replace(b"17", b"NaN")))
    event = api.call("get", "ride-1")
    assert event.event_pipeline_info.feature_details.overage_in_cycle == "NaN"
    (deviation,) = deviations(event)
    assert deviation.where == "$.events[0].eventPipelineInfo.featureDetails.overageInCycle"
    entry = (
        json.dumps({**EVENT, "status": "REVERTED", "reason": "?"})
        .encode()
        .replace(b'"?"', b'"\xe9"')
    )
    fake.fail_next(status=200, body=b'{"data":[' + entry + b"]}")
    result = api.call("undo", account_id="acme", reference_id="ref-1")
    assert [entry.reason for entry in result] == ["\ufffd"]


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("iso-8859-1", "latin-1"),
        ("ISO-8859-15", "iso-8859-15"),
        ("windows-1252", "cp1252"),
        ('"latin1"', "latin-1"),
        ("utf-16", "utf-16"),
        ("utf-16le", "utf-16-le"),
        ("", "utf-32"),
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("iso-8859-1", "utf-8"),
    ],
)
def test_a_body_in_another_charset_is_read(charset: str, encoding: str) -> None:
    from togai._json import charset_of

    body = json.dumps({"name": "café"}, ensure_ascii=False).encode(encoding)
    content_type = f"application/json; charset={charset}" if charset else "application/json"
    assert parse_json(body, charset_of(content_type)) == {"name": "café"}


@pytest.mark.parametrize("charset", ["klingon", "unicode_escape", "punycode", "zlib", "\x00", ""])
def test_an_unusable_charset_is_ignored(charset: str) -> None:
    assert parse_json(b'{"a": "\\u00e9"}', charset) == {"a": "é"}
    assert parse_json(b'{"a": "\xe9"}', charset) == {"a": "\ufffd"}


def test_a_callers_decimal_context_changes_nothing(api: Api, fake: FakeTogai) -> None:
    clean = listed(api, fake, with_value("unknown", b"[0.12345678901234567890123, 1e400]"))
    with localcontext() as context:
        context.prec = 3
        for signal in context.traps:
            context.traps[signal] = True
        read = listed(api, fake, with_value("unknown", b"[0.12345678901234567890123, 1e400]"))
        assert read[0].to_dict() == clean[0].to_dict()
        events = listed(api, fake, with_value("createdAt", b"1.25"), with_value("id", b"12.5"))
    assert read == clean
    assert [len(deviations(event)) for event in events] == [1, 1]


CAME: list[Any] = [
    EVENT,
    {**EVENT, "customerId": None, "source": None},
    {**EVENT, "createdAt": "2022-06-15T07:30:35.123"},
    {**EVENT, "createdAt": "2022-06-15T07:30:35.123456789Z"},
    {**EVENT, "createdAt": "2022-06-15t07:30:35z"},
    {**EVENT, "createdAt": "2022-06-15T07:30:35+05:21:10"},
    {**EVENT, "createdAt": "20220615T073035Z"},
    {**EVENT, "createdAt": "04-03-2022"},
    {**EVENT, "createdAt": 1733297435},
    {**EVENT, "customerId": 7, "referenceId": 1.5},
    {**EVENT, "customerId": {"a": [1, None]}, "more": {"deep": [1.25, True, None]}},
    {**EVENT, "eventPayload": 5},
    {**EVENT, "eventPayload": None},
    {**EVENT, "eventPayload": {}},
    {**EVENT, "eventPayload": {"attributes": [None, 7, "x", {"name": 1, "value": 2.50}]}},
    {**EVENT, "eventPayload": {"attributes": {}, "dimensions": [], "id": None}},
    {**EVENT, "eventPayload": {"dimensions": {"a": 1, "b": None, "c": 1.5, "d": "x"}}},
    {**EVENT, "ingestionStatus": "REVERTED"},
    {**EVENT, "ingestionStatus": {"status": 3}},
    {**EVENT, "ingestionStatus": {"status": "NEW", "statusDescription": ["a"]}},
    {**EVENT, "customerId": "\ud800", "more": "\udfff"},
    {**EVENT, "big": 10**400, "bigger": [10**700]},
    {},
    None,
    7,
    "text",
    [1],
    True,
]


@pytest.mark.parametrize("came", CAME, ids=range(len(CAME)))
def test_to_dict_gives_back_what_came_and_json_can_write_it(
    api: Api, fake: FakeTogai, came: Any
) -> None:
    (event,) = listed(api, fake, text(came))
    assert event.to_dict() == came
    assert json.loads(json.dumps(event.to_dict(), allow_nan=False)) == came
    assert raw(event) == came
    assert pickle.loads(pickle.dumps(event)).to_dict() == copy.deepcopy(event).to_dict() == came


def test_to_dict_keeps_what_was_changed_in_a_malformed_event(api: Api, fake: FakeTogai) -> None:
    came = {**EVENT, "customerId": 7, "createdAt": "2022-06-15T07:30:35.123456789Z"}
    (event,) = listed(api, fake, text(came))
    event.customer_id = "other"
    event.created_at += timedelta(seconds=1)
    event.additional_properties["more"] = Decimal("1.5")
    event.event_payload.id = None
    changed = event.to_dict()
    assert changed["customerId"] == "other"
    assert changed["createdAt"] == "2022-06-15T07:30:36.123456Z"
    assert changed["more"] == 1.5
    assert "id" not in changed["eventPayload"]
    changed["eventPayload"]["dimensions"]["city"] = "Pune"
    assert event.to_dict()["eventPayload"]["dimensions"] == {"city": "Chennai"}


@pytest.mark.parametrize(
    ("came", "read", "kind"),
    [
        ("2024-12-04t07:30:35z", datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC), None),
        (
            "2024-12-04T07:30:35.123456789z",
            datetime(2024, 12, 4, 7, 30, 35, 123456, UTC),
            "finer than microseconds",
        ),
        ("2024-12-04T07:30:35.123456000Z", datetime(2024, 12, 4, 7, 30, 35, 123456, UTC), None),
        (
            "2024-12-04T07:30:35.1234567+05",
            datetime(2024, 12, 4, 2, 30, 35, 123456, UTC),
            "finer than microseconds",
        ),
        (
            "2024-12-04T07:30:35.1234567-0000",
            datetime(2024, 12, 4, 7, 30, 35, 123456, UTC),
            "finer than microseconds",
        ),
        (
            "20241204T073035.1234567Z",
            datetime(2024, 12, 4, 7, 30, 35, 123456, UTC),
            "finer than microseconds",
        ),
    ],
)
def test_a_time_in_any_notation_is_a_time(
    api: Api, fake: FakeTogai, came: str, read: datetime, kind: str | None
) -> None:
    (event,) = listed(api, fake, with_value("createdAt", json.dumps(came).encode()))
    assert event.created_at == read
    assert [deviation.drift.kind for deviation in deviations(event)] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("came", "sent"),
    [
        ("2024-12-04T07:30:35.123456789Z", "2024-12-04T07:30:35.123456789Z"),
        ("2024-12-04T07:30:35.1234567890123+05:30", "2024-12-04T07:30:35.1234567890123+05:30"),
        ("2024-12-04t07:30:35.100z", "2024-12-04T07:30:35.100Z"),
        ("2024-12-04T07:30:35-08:00", "2024-12-04T07:30:35-08:00"),
        ("2024-12-04T07:30:35+05:21:10", "2024-12-04T02:09:25Z"),
        ("20241204T073035Z", "2024-12-04T07:30:35Z"),
        ("2024-12-04 07:30:35", "2024-12-04T07:30:35Z"),
    ],
)
def test_replace_sends_the_time_back_to_the_last_digit(
    api: Api, fake: FakeTogai, came: str, sent: str
) -> None:
    (event,) = listed(api, fake, with_value("timestamp", json.dumps(came).encode()))
    api.call(
        "replace", evolve(event.event_payload, id="ride-2"), account_id="acme", event_id="ride-1"
    )
    assert fake.requests[-1].json()["event"]["timestamp"] == sent
    api.call("replace", event.event_payload, **TARGET)
    assert fake.requests[-1].json()["event"]["timestamp"] == sent


def test_numbers_in_unknown_properties_are_sent_to_the_last_digit(
    api: Api, fake: FakeTogai
) -> None:
    numbers = b"[0.1234567890123456789012345, 1.10, -0.0, 1e400, 12345678901234567890123, 1E-7]"
    (event,) = listed(api, fake, with_value("unknown", numbers))
    fake.fail_next(status=200, body={"data": []})
    api.call("replace", event.event_payload, **TARGET, keep_unknown=True)
    body = fake.requests[-1].body
    for digits in numbers.strip(b"[]").split(b", "):
        assert Decimal(digits.decode()) in parse_json(body)["event"]["unknown"]
    assert b"0.1234567890123456789012345,1.10,-0.0,1E+400,12345678901234567890123,1E-7" in body
    assert "12345678901234567890123" in json.dumps(event.to_dict())


@pytest.mark.parametrize(
    "value", [float("nan"), Decimal("Infinity"), {1: 2}, {"a"}, "\ud800", object()]
)
def test_what_json_cannot_hold_is_never_sent(api: Api, fake: FakeTogai, value: Any) -> None:
    (event,) = listed(api, fake, text())
    event.event_payload.additional_properties["more"] = value
    with pytest.raises(InvalidRequest, match="cannot be written as JSON"):
        api.call("replace", event.event_payload, **TARGET, keep_unknown=True)
    assert len(fake.requests) == 1


def test_json_is_written_as_it_is_read() -> None:
    value = {"a": [1, -2.5, True, None, 'é\n"', {}, []], "b": Decimal("1.50")}
    assert json.loads(write_json(value)) == {**value, "b": 1.5}
    assert parse_json(write_json(value)) == {
        "a": [1, Decimal("-2.5"), True, None, 'é\n"', {}, []],
        "b": Decimal("1.50"),
    }


def test_a_new_value_is_shown_on_one_line(api: Api, fake: FakeTogai) -> None:
    value = "NEW\x1b[31m\r\n\u202e\ud800"
    (event,) = listed(api, fake, text({**EVENT, "ingestionStatus": {"status": value}}))
    status = event.ingestion_status.status
    assert status == value
    assert repr(status).isprintable()
    assert repr(event.ingestion_status).isprintable()
    event.event_payload.attributes[0].name = value
    with pytest.raises(InvalidRequest) as caught:
        with_quantities(event, {"distance": 1})
    assert str(caught.value).isprintable()
    assert repr(type(status)("REVERTED")) == "<IngestionStatusValue.REVERTED: 'REVERTED'>"


TWICE = [
    {"name": "a", "value": "1", "unit": "Miles"},
    {"name": "a", "value": "2.5"},
    {"name": "b", "value": "3"},
]


def test_two_attributes_of_one_name_are_reported_and_not_dropped(api: Api, fake: FakeTogai) -> None:
    fake.add(id="twice", attributes=TWICE)
    (event,) = api.listed()
    with pytest.raises(InvalidRequest, match="2 attributes called 'a'"):
        quantities(event)
    for row in (*rows([event]), *rows([event], attributes=["a", "b"], dimensions=[])):
        assert row["attribute.a"] == "1; 2.5"
        assert row["unit.a"] == "Miles; "
        assert row["attribute.b"] == Decimal(3)


@pytest.mark.parametrize("name", ["events", "data"])
def test_a_list_beyond_all_bounds_is_refused_before_models_are_built(
    api: Api, fake: FakeTogai, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.fail_next(status=200, body=b'{"%s":[%s]}' % (name.encode(), b",".join([b"{}"] * 1001)))
    monkeypatch.setattr("togai._decoding.Reader.items", None)
    if name == "events":
        for call in (api.listed, lambda: api.call("get", "ride-1")):
            fake.fail_next(status=200, body=b'{"events":[%s]}' % b",".join([b"{}"] * 1001))
            with pytest.raises(UnexpectedResponse, match="1001 items"):
                call()
    else:
        with pytest.raises(Exception, match="1001 items"):
            api.call("undo", account_id="acme", reference_id="ref-1")


def test_a_list_of_1000_items_is_read_without_a_report(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=200, body=page(*[text()] * 1000))
    assert len(api.listed()) == 1000


def test_a_list_inside_an_event_beyond_all_bounds_stays_json(api: Api, fake: FakeTogai) -> None:
    attributes = b"[" + b",".join([b'{"name":"a","value":"1"}'] * 1001) + b"]"
    (event,) = listed(
        api,
        fake,
        text().replace(json.dumps(EVENT["eventPayload"]["attributes"]).encode(), attributes),
    )
    (deviation,) = deviations(event)
    assert deviation.drift == Drift("Event", "attributes", "too many items")
    assert event.event_payload.attributes[0] == {"name": "a", "value": "1"}
    assert len(event.to_dict()["eventPayload"]["attributes"]) == 1001


def test_a_body_of_very_many_objects_is_refused(api: Api, fake: FakeTogai) -> None:
    attributes = b'{"eventPayload":{"attributes":[' + b",".join([b"{}"] * 999) + b"]}}"
    fake.fail_next(status=200, body=page(*[attributes] * 101))
    with pytest.raises(UnexpectedResponse, match="101 items"):
        api.listed()


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("name", ["event_source_time", "created_at"])
def test_times_become_utc_as_soon_as_they_are_passed(api: Api, fake: FakeTogai, name: str) -> None:
    filters = {"event_id": "ride-1"} if name == "created_at" else {}
    for fold, hour in ((0, "00"), (1, "01")):
        moment = datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=fold)
        fake.fail_next(status=200, body={"data": []})
        api.call("undo", account_id="acme", **filters, **{name: moment})
        assert fake.requests[-1].query[name] == f"2024-10-27T{hour}:30:00Z"
        built = build_event("rides", account_id="acme", timestamp=moment, attributes={})
        assert built.timestamp.isoformat() == f"2024-10-27T{hour}:30:00+00:00"


def test_an_offset_with_seconds_is_never_sent(api: Api, fake: FakeTogai) -> None:
    odd = timezone(timedelta(hours=5, minutes=21, seconds=10))
    moment = datetime(2024, 12, 4, 5, 21, 10, tzinfo=odd)
    fake.fail_next(status=200, body={"data": []})
    api.call("undo", account_id="acme", event_source_time=moment)
    assert fake.requests[-1].query["event_source_time"] == "2024-12-04T00:00:00Z"
    (event,) = listed(api, fake, text())
    fake.fail_next(status=200, body={"data": []})
    api.call(
        "replace",
        evolve(event.event_payload, timestamp=moment),
        account_id="acme",
        event_id="ride-1",
    )
    assert fake.requests[-1].json()["event"]["timestamp"] == "2024-12-04T00:00:00Z"


class NotATime(datetime):
    """Behaves as NaT of pandas does."""

    def utcoffset(self) -> Any:
        raise ValueError("NaTType does not support utcoffset")


class Fine(datetime):
    """Behaves as a Timestamp of pandas with nanoseconds does."""

    nanosecond = 7


@pytest.mark.parametrize(
    "moment",
    [
        NotATime(2024, 1, 1),
        Fine(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        "2024-12-04T07:30:35.1234567Z",
        float("nan"),
    ],
    ids=lambda moment: type(moment).__name__,
)
def test_a_value_that_is_not_a_time_is_refused_before_anything_is_sent(
    api: Api, fake: FakeTogai, moment: Any
) -> None:
    for name, filters in (("event_source_time", {}), ("created_at", {"event_id": "a"})):
        with pytest.raises(InvalidRequest, match=name):
            api.call("undo", account_id="acme", **filters, **{name: moment})
    with pytest.raises(InvalidRequest, match="timestamp"):
        build_event("rides", account_id="acme", timestamp=moment, attributes={})
    assert not fake.requests


@pytest.mark.parametrize("name", ["since", "until"])
def test_find_takes_moments_only(api: Api, fake: FakeTogai, name: str) -> None:
    for moment in (NotATime(2024, 1, 1), datetime(2024, 1, 1), "2024-12-04", datetime.max, 17):
        with pytest.raises(InvalidRequest, match=f"{name}="):
            api.call("find", "acme", **{name: moment})
    assert not fake.requests


def test_pandas_not_a_time_is_refused(api: Api) -> None:
    pandas: Any = importlib.import_module("pandas")  # has no type information
    with pytest.raises(InvalidRequest, match="since=NaT"):
        api.call("find", "acme", since=pandas.NaT)
    with pytest.raises(InvalidRequest, match="event_source_time=NaT"):
        api.call("undo", account_id="acme", event_source_time=pandas.NaT)
    with pytest.raises(InvalidRequest, match="timestamp=NaT"):
        build_event("rides", account_id="acme", timestamp=pandas.NaT, attributes={})
    moment = pandas.Timestamp("2024-12-04T07:30:35Z")
    built = build_event("rides", account_id="acme", timestamp=moment, attributes={})
    assert type(built.timestamp) is datetime
