"""Assertions about requests, and their messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from togai import Togai, build_event
from togai.testing import FakeTogai


@pytest.fixture
def sent(fake: FakeTogai, url: str) -> FakeTogai:
    """A fake that was sent a few requests."""
    fake.add(id="ride-1")
    fake.add(id="ride-2")
    with Togai(fake.token, base_url=url) as client:
        list(client.events.list(account_id="acme", page_size=50))
        client.events.undo(account_id="acme", event_id="ride-1")
        client.events.undo(account_id="acme", event_id="ride-2", background=True)
        client.events.redo(
            account_id="acme", event_source_time=datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)
        )
    return fake


@pytest.mark.parametrize(
    ("query", "times"),
    [
        ({}, 3),
        ({"action": "UNDO"}, 2),
        ({"action": "UNDO", "async_": True}, 1),
        ({"action": "UNDO", "async": False}, 1),
        ({"event_id": "ride-1"}, 1),
        ({"event_source_time": datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)}, 1),
        ({"event_source_time": datetime(2024, 12, 4, 7, 30, 35)}, 1),
        ({"event_id": None}, 1),
        ({"action": "UNDO", "json": {"event": {}}}, 0),
    ],
)
def test_requests_are_found_by_their_query(
    sent: FakeTogai, query: dict[str, Any], times: int
) -> None:
    result = sent.assert_sent("POST", "/events/correction", times=times, **query)
    assert len(result) == times
    assert all(item.path == "/events/correction" for item in result)


def test_a_parameter_that_must_be_absent_may_not_have_the_value_none(
    fake: FakeTogai, url: str
) -> None:
    with Togai(fake.token, base_url=url) as client:
        client.events.undo(account_id="acme", event_id="None", background=True)
    fake.assert_not_sent("POST", "/events/correction", event_id=None)


def test_a_number_is_compared_as_it_is_sent(sent: FakeTogai) -> None:
    sent.assert_sent("get", "/events", pageSize=50, times=1)
    sent.assert_not_sent("GET", "/events", pageSize=5)


def test_requests_are_found_by_their_body(fake: FakeTogai, url: str) -> None:
    record = fake.add(id="ride-1")
    event = build_event(
        "rides", id="ride-1", account_id="acme", timestamp="2024-12-04T07:30:35Z", attributes={}
    )
    with Togai(fake.token, base_url=url) as client:
        client.events.replace(event, account_id="acme", reference_id=record.reference_id)
    fake.assert_sent("POST", "/events/correction", json={"event": event.to_dict()})
    fake.assert_not_sent("POST", "/events/correction", json={"event": {}})


def test_a_failure_lists_what_was_sent(sent: FakeTogai) -> None:
    with pytest.raises(AssertionError) as caught:
        sent.assert_sent("POST", "/events/correction", action="REDO_EVENT", async_=None, times=1)
    request = "POST /events/correction?action=REDO_EVENT&no async"
    assert str(caught.value).splitlines() == [
        f"expected {request} once, but it was sent never. These requests were sent:",
        "  1. GET /events?account_id=acme&pageSize=50",
        (
            "  2. POST /events/correction?action=UNDO&require_confirmation=false"
            "&account_id=acme&event_id=ride-1&async=false"
        ),
        (
            "  3. POST /events/correction?action=UNDO&require_confirmation=false"
            "&account_id=acme&event_id=ride-2&async=true"
        ),
        (
            "  4. POST /events/correction?action=REDO&require_confirmation=false"
            "&account_id=acme&event_source_time=2024-12-04T07:30:35Z&async=false"
        ),
    ]


@pytest.mark.parametrize(("value", "shown"), [(True, "true"), (False, "false")])
def test_a_failure_shows_a_flag_as_it_is_sent(fake: FakeTogai, value: bool, shown: str) -> None:
    with pytest.raises(AssertionError, match=rf"correction\?async={shown} at least once"):
        fake.assert_sent("POST", "/events/correction", async_=value)


def test_a_failure_shows_a_time_as_it_is_sent(fake: FakeTogai) -> None:
    with pytest.raises(AssertionError, match=r"\?created_at=2024-12-04T07:30:00\+00:00 at least"):
        fake.assert_sent(
            "POST", "/events/correction", created_at=datetime(2024, 12, 4, 7, 30, tzinfo=UTC)
        )


def test_a_failure_says_that_nothing_was_sent(fake: FakeTogai) -> None:
    fake.assert_not_sent("GET", "/events")
    with pytest.raises(AssertionError, match=r"at least once, but it was sent never\. Nothing was"):
        fake.assert_sent("GET", "/events", json={"a": 1})


def test_a_failure_shows_the_body_that_was_expected(fake: FakeTogai) -> None:
    with pytest.raises(AssertionError, match=r'expected GET /events \{"a": 1\} at least once'):
        fake.assert_sent("GET", "/events", json={"a": 1})


def test_more_requests_than_expected_are_a_failure(sent: FakeTogai) -> None:
    with pytest.raises(AssertionError, match="correction once, but it was sent 3 times"):
        sent.assert_sent("POST", "/events/correction", times=1)


def test_a_request_that_should_not_be_there_fails(sent: FakeTogai) -> None:
    with pytest.raises(AssertionError, match="action=UNDO never, but it was sent 2 times"):
        sent.assert_not_sent("POST", "/events/correction", action="UNDO")


def test_a_long_list_is_cut(fake: FakeTogai, url: str) -> None:
    fake.add_many(60)
    with Togai(fake.token, base_url=url, requests_per_second=None) as client:
        list(client.events.list(page_size=1))
    with pytest.raises(AssertionError, match=r"  50\. GET[^\n]*\n  \.\.\. and 10 more$"):
        fake.assert_sent("GET", "/events/ride-1")


def test_50_requests_are_all_listed(fake: FakeTogai, url: str) -> None:
    fake.add_many(50)
    with Togai(fake.token, base_url=url, requests_per_second=None) as client:
        list(client.events.list(page_size=1))
    with pytest.raises(AssertionError, match=r"  50\. GET[^\n]*$"):
        fake.assert_sent("GET", "/events/ride-1")


def test_a_misspelt_parameter_raises(sent: FakeTogai) -> None:
    with pytest.raises(TypeError, match=r"parameter acount_id: did you mean account_id\?"):
        sent.assert_not_sent("GET", "/events", acount_id="acme")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/events/corrections"),
        ("POTS", "/events/correction"),
        ("GET", "https://api.togai.com/events"),
        ("POST", "/events"),
    ],
)
def test_a_call_that_does_not_exist_raises(sent: FakeTogai, method: str, path: str) -> None:
    with pytest.raises(ValueError, match="the calls are GET /events, GET /events/ID and POST"):
        sent.assert_not_sent(method, path)


def test_an_action_that_does_not_exist_raises(sent: FakeTogai) -> None:
    with pytest.raises(ValueError, match="there is no action 'undo': use UNDO, REDO"):
        sent.assert_not_sent("POST", "/events/correction", action="undo")


def test_assert_not_sent_takes_no_number_of_times(sent: FakeTogai) -> None:
    with pytest.raises(TypeError, match="there is no query parameter times"):
        sent.assert_not_sent("GET", "/events", times=1)
