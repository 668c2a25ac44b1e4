"""Reading: nothing is lost or guessed, and every deviation is reported once."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from togai import (
    CorrectionOutcomeUnknown,
    Drift,
    UnexpectedResponse,
    deviations,
    quantities,
    raw,
)
from togai.models import EventWithStatus
from togai.testing import FakeTogai

from ..conftest import Api, Connect

pytestmark = pytest.mark.usefixtures("parser")


def with_first(fake: FakeTogai, change: Any) -> None:
    """Lets the next response's first event be changed."""

    def changed(body: Any) -> None:
        entries = body.get("events", body.get("data"))
        after = change(entries[0])
        if after is not None:
            entries[0] = after

    fake.change_next(changed)


def places(event: Any) -> list[str]:
    return [str(deviation) for deviation in deviations(event)]


def test_a_malformed_event_does_not_affect_its_siblings(api: Api, fake: FakeTogai) -> None:
    fake.add_many(50)
    clean = api.listed()
    with_first(fake, lambda event: event.update(createdAt=17, eventPayload=None))
    damaged = api.listed()
    assert len(damaged) == 50
    assert damaged[1:] == clean[1:]
    assert damaged[0].reference_id == clean[0].reference_id
    assert damaged[0].created_at == 17
    assert damaged[0].event_payload is None
    assert places(damaged[0]) == [
        "$.events[0].eventPayload: null",
        "$.events[0].createdAt: wrong type",
    ]
    assert deviations(damaged[1]) == ()


@pytest.mark.parametrize("value", [None, "text", 7, [1], True])
def test_an_event_that_is_not_an_object_is_still_an_event(
    api: Api, fake: FakeTogai, value: Any
) -> None:
    fake.add_many(2)
    fake.change_next(lambda page: page["events"].insert(1, value))
    events = api.listed()
    assert len(events) == 3
    assert isinstance(events[1], EventWithStatus)
    assert events[1].reference_id is None
    assert raw(events[1]) == value
    assert places(events[1]) == ["$.events[1]: not an object"]


def test_the_raw_json_of_an_event_can_be_reached(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    with_first(fake, lambda event: event.update(createdAt="yesterday", more={"x": 1}))
    event = api.listed()[0]
    assert raw(event)["createdAt"] == "yesterday"
    assert raw(event)["more"] == {"x": 1}
    clean = api.listed()[0]
    assert raw(clean) == clean.to_dict()


@pytest.mark.parametrize(
    ("change", "look", "expected", "kind"),
    [
        (lambda e: e.pop("referenceId") and None, lambda e: e.reference_id, None, "missing"),
        (lambda e: e.update(referenceId=None), lambda e: e.reference_id, None, "null"),
        (lambda e: e.update(customerId=7), lambda e: e.customer_id, "7", "wrong type"),
        (lambda e: e.update(customerId=True), lambda e: e.customer_id, True, "wrong type"),
        (
            lambda e: e.update(createdAt="2022-06-15T07:30:35.123"),
            lambda e: e.created_at,
            datetime(2022, 6, 15, 7, 30, 35, 123000, UTC),
            "no offset",
        ),
        (
            lambda e: e.update(createdAt="04-03-2022"),
            lambda e: e.created_at,
            "04-03-2022",
            "not a date",
        ),
        (
            lambda e: e["eventPayload"].update(accountId=12.50),
            lambda e: e.event_payload.account_id,
            "12.5",
            "wrong type",
        ),
        (
            lambda e: e["eventPayload"]["attributes"][0].update(value=50),
            lambda e: e.event_payload.attributes[0].value,
            "50",
            "wrong type",
        ),
        (
            lambda e: e["eventPayload"].update(dimensions={"n": 7, "t": "x", "o": None}),
            lambda e: e.event_payload.dimensions,
            {"n": "7", "t": "x", "o": None},
            "wrong type",
        ),
        (
            lambda e: e["eventPayload"].pop("dimensions") and None,
            lambda e: e.event_payload.dimensions,
            None,
            "missing",
        ),
        (
            lambda e: e["eventPayload"].update(attributes="none"),
            lambda e: e.event_payload.attributes,
            "none",
            "wrong type",
        ),
        (
            lambda e: e["ingestionStatus"].update(status=3),
            lambda e: e.ingestion_status.status,
            "3",
            "wrong type",
        ),
        (
            lambda e: e.update(ingestionStatus="REVERTED"),
            lambda e: e.ingestion_status.status,
            None,
            "not an object",
        ),
    ],
)
def test_each_kind_of_malformed_event_is_read_as_far_as_possible(
    api: Api, fake: FakeTogai, change: Any, look: Any, expected: Any, kind: str
) -> None:
    fake.add(id="a", dimensions={"city": "Chennai"})
    with_first(fake, change)
    event = api.listed()[0]
    assert look(event) == expected
    assert next(deviation.drift.kind for deviation in deviations(event)) == kind
    assert event.event_payload.id == "a"


def full(change: Any) -> Any:
    return lambda event: change(event["eventPipelineInfo"])


@pytest.mark.parametrize(
    ("change", "look", "expected"),
    [
        (
            full(lambda info: info["pricePlans"][0].update(cycleStart="04-03-2022")),
            lambda info: info.price_plans[0].cycle_start,
            "04-03-2022",
        ),
        (
            full(lambda info: info["account"].pop("name") and None),
            lambda info: info.account.name,
            None,
        ),
        (
            full(lambda info: info["usageMeters"][0].update(units="2.50", version="3")),
            lambda info: (info.usage_meters[0].units, info.usage_meters[0].version),
            (2.5, 3),
        ),
        (
            full(lambda info: info["usageMeters"][0].update(version=1.5, units="many")),
            lambda info: (info.usage_meters[0].units, info.usage_meters[0].version),
            ("many", Decimal("1.5")),
        ),
        (full(lambda info: info.update(usageMeters=None)), lambda info: info.usage_meters, None),
        (
            full(lambda info: info["pricePlans"][0].update(usageMeters=["a", 7])),
            lambda info: info.price_plans[0].usage_meters,
            ["a", "7"],
        ),
    ],
)
def test_what_is_read_alone_is_salvaged_too(
    api: Api, fake: FakeTogai, change: Any, look: Any, expected: Any
) -> None:
    fake.add(id="a")
    with_first(fake, change)
    assert look(api.call("get", "a").event_pipeline_info) == expected


def test_the_entries_of_a_correction_are_salvaged_too(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a")
    with_first(fake, lambda entry: entry.update(reason=None, createdAt="now", status="PARTIAL"))
    result = api.call("undo", account_id="acme", event_id="a")
    assert result.unknown[0].status == "PARTIAL"
    assert result.unknown[0].reason is None
    assert places(result[0]) == [
        "$.data[0].createdAt: not a date",
        "$.data[0].status: unknown value",
        "$.data[0].reason: null",
    ]


def test_an_unknown_status_is_not_a_deviation(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a", status="INGESTION_COMPLETED")
    event = api.listed()[0]
    assert not event.ingestion_status.status.is_known
    assert event.ingestion_status.status == "INGESTION_COMPLETED"
    assert deviations(event) == ()


def test_unknown_properties_are_kept_at_every_level(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a", dimensions={"city": "Chennai"})

    def grow(value: Any) -> None:
        if isinstance(value, dict):
            for child in list(value.values()):
                grow(child)
            if "city" not in value:
                value["new"] = {"deep": [1, None]}
        elif isinstance(value, list):
            for child in value:
                grow(child)

    fake.change_next(grow)
    event = api.call("get", "a")
    read = event.to_dict()
    assert json.dumps(read).count('"new"') >= 9
    assert event.additional_properties == {"new": {"deep": [1, None]}}


def test_a_quantity_of_512_digits_is_exact(api: Api, fake: FakeTogai) -> None:
    digits = "9" * 512
    fake.add(id="a", attributes=[{"name": "big", "value": digits}])
    event = api.listed()[0]
    assert event.event_payload.attributes[0].value == digits
    assert quantities(event)["big"] == Decimal(digits)


@pytest.mark.parametrize(
    ("sent", "text"), [(b"10.40", "10.40"), (b"1e3", "1000"), (b"-0.0", "-0.0")]
)
def test_a_quantity_sent_as_a_number_keeps_its_digits(
    api: Api, fake: FakeTogai, sent: bytes, text: str
) -> None:
    body = b'{"events":[{"eventPayload":{"attributes":[{"name":"a","value":' + sent + b"}]}}]}"
    fake.fail_next(status=200, body=body)
    assert api.listed()[0].event_payload.attributes[0].value == text


def test_a_number_that_would_fill_the_memory_stays_short(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=200, body=b'{"events":[{"referenceId":1e999999999}]}')
    assert api.listed()[0].reference_id == "1E+999999999"


@pytest.mark.parametrize("body", [{}, {"events": None}, {"events": None, "nextToken": None}])
def test_no_events_where_a_list_belongs_is_an_empty_page(
    api: Api, fake: FakeTogai, body: Any
) -> None:
    fake.fail_next(status=200, body=body)
    assert api.listed() == []


def test_missing_events_with_a_token_do_not_end_the_listing(api: Api, fake: FakeTogai) -> None:
    fake.add_many(4)
    fake.change_next(lambda page: {"nextToken": page["nextToken"]})
    assert len(api.listed(page_size=2)) == 2


def test_drift_is_reported_once_for_each_place_and_kind_with_no_value_but_an_enums(
    connect: Connect, fake: FakeTogai, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    reported: list[Drift] = []
    caplog.set_level(logging.WARNING, "togai.drift")
    fake.add_many(3)

    def change(page: Any) -> None:
        for event in page["events"]:
            event["createdAt"] = "private-value"
            event["added"] = "private-value"
            event["ingestionStatus"]["status"] = "INGESTION_DELAYED"

    with connect(base_url=url, on_drift=reported.append) as api:
        for _ in range(2):
            fake.change_next(change)
            api.listed()
    assert sorted(map(str, reported)) == [
        "EventWithStatus.added: unknown property",
        "EventWithStatus.createdAt: not a date",
        "IngestionStatus.status: unknown value 'INGESTION_DELAYED'",
    ]
    assert {drift.value for drift in reported} == {None, "INGESTION_DELAYED"}
    assert len(caplog.records) == 3
    assert "private" not in caplog.text.lower()


def test_a_valid_response_has_no_drift(connect: Connect, fake: FakeTogai, url: str) -> None:
    reported: list[Drift] = []
    fake.add_many(3)
    with connect(base_url=url, on_drift=reported.append) as api:
        api.listed()
        api.call("get", "event-1")
        api.call("undo", account_id="acme", event_id="event-1")
    assert reported == []


def test_a_callback_that_fails_does_not_end_a_listing(
    connect: Connect, fake: FakeTogai, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(drift: Drift) -> None:
        raise RuntimeError("mine")

    fake.add(id="a", status="NEW")
    with connect(base_url=url, on_drift=fails) as api:
        assert len(api.listed()) == 1
    assert "on_drift failed" in caplog.text


def test_drift_is_bounded_however_inventive_the_service_is(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    reported: list[Drift] = []
    fake.add(id="a")
    with_first(fake, lambda event: event.update({f"p{number}": 1 for number in range(5000)}))
    with_first(fake, lambda event: event.update({"long" * 999 + "\n": 1}))
    with connect(base_url=url, on_drift=reported.append) as api:
        api.listed()
        assert len(reported) == 1000


def test_the_name_of_an_unknown_property_is_shortened_to_one_line(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    reported: list[Drift] = []
    fake.add(id="a")
    with_first(fake, lambda event: event.update({"long\n" * 999: 1}))
    with connect(base_url=url, on_drift=reported.append) as api:
        api.listed()
    assert len(reported[0].property) <= 100
    assert "\n" not in str(reported[0])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda e: e.update(createdAt="04-03-2022"), r"\$\.events\[0\]\.createdAt"),
        (lambda e: e.update(added=1), r"\$\.events\[0\]\.added"),
        (
            lambda e: e["ingestionStatus"].update(status="NEW"),
            r"\$\.events\[0\]\.ingestionStatus\.status",
        ),
        (
            lambda e: e["eventPayload"]["attributes"][0].pop("name") and None,
            r"\$\.events\[0\]\.eventPayload\.attributes\[0\]\.name",
        ),
    ],
)
def test_strict_raises_with_the_place_of_the_first_deviation(
    connect: Connect, fake: FakeTogai, url: str, change: Any, where: str
) -> None:
    fake.add_many(2)
    with_first(fake, change)
    with connect(base_url=url, strict=True) as api:
        with pytest.raises(UnexpectedResponse, match=where) as caught:
            api.listed()
        assert caught.value.path == "/events"
        assert len(caught.value.snippet) <= 500
        assert len(api.listed()) == 2


def test_strict_minds_the_outline_too(connect: Connect, fake: FakeTogai, url: str) -> None:
    with connect(base_url=url, strict=True) as api:
        for body in ({}, {"events": None}, {"events": [], "total": 0}):
            fake.fail_next(status=200, body=body)
            with pytest.raises(UnexpectedResponse, match="deviation"):
                api.listed()


def test_a_strict_client_does_not_say_that_a_correction_failed(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add(id="a")
    with_first(fake, lambda entry: entry.update(added=1))
    with connect(base_url=url, strict=True) as api:
        with pytest.raises(CorrectionOutcomeUnknown, match=r"\$\.data\[0\]\.added"):
            api.call("undo", account_id="acme", event_id="a")
    assert len(fake.corrections) == 1


def test_deep_and_long_bodies_end_in_an_error_or_an_event(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=200, body=b'{"events":[{"x":' + b"[" * 100_000 + b"}]}")
    with pytest.raises(UnexpectedResponse, match="too deeply"):
        api.listed()
    fake.fail_next(status=200, body=b'{"events":[{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}")
    assert len(api.listed()) == 1
    fake.fail_next(status=200, body={"events": [{"referenceId": "x" * 2_000_000}]})
    assert len(api.listed()[0].reference_id) == 2_000_000


def test_a_number_of_very_many_digits_costs_no_page(api: Api, fake: FakeTogai) -> None:
    body = b'{"events":[{"referenceId":"a"},{"customerId":' + b"9" * 5000 + b"}]}"
    fake.fail_next(status=200, body=body)
    first, second = api.listed()
    assert first.reference_id == "a"
    assert second.customer_id == "9" * 5000


def test_a_byte_order_mark_is_skipped(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=200, body=b'\xef\xbb\xbf{"events":[{"referenceId":"a"}]}')
    assert len(api.listed()) == 1


@pytest.mark.parametrize("background", [False, True])
def test_what_is_new_around_the_entries_of_a_correction_is_drift(
    connect: Connect, fake: FakeTogai, url: str, background: bool
) -> None:
    reported: list[Drift] = []
    fake.add(id="a")
    entry = {**fake.events[0].to_json(), "status": "REVERTED", "reason": ""}
    with connect(base_url=url, on_drift=reported.append) as api:
        fake.fail_next(status=200, body={"data": [entry], "more": 1})
        api.call("undo", account_id="acme", event_id="a", background=background)
    assert [str(drift) for drift in reported] == ["EventsCorrectionResponse.more: unknown property"]
