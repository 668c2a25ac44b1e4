"""Listing: lazy, complete, resumable, and without endless loops."""

from __future__ import annotations

import pickle
from functools import partialmethod
from typing import Any

import pytest

from togai import (
    AsyncEvents,
    ConfigurationError,
    Events,
    InvalidRequest,
    RepeatedPageToken,
    ServerError,
    UnexpectedResponse,
)
from togai.testing import FakeTogai

from ..conftest import Api, Connect


@pytest.fixture(params=[0, 1], ids=["on_demand", "prefetched"], autouse=True)
def prefetch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test below holds with prefetching, too."""
    for cls in (Events, AsyncEvents):
        monkeypatch.setattr(cls, "list", partialmethod(cls.list, prefetch=request.param))


def ids(events: list[Any]) -> list[str]:
    return [event.event_payload.id for event in events]


def test_an_event_that_is_listed_again_on_the_next_page_is_logged_once(
    api: Api, fake: FakeTogai, caplog: pytest.LogCaptureFixture
) -> None:
    fake.add_many(7)
    fake.overlap_pages(2)
    assert len(api.listed(page_size=4)) == 11
    assert [record.getMessage() for record in caplog.records if record.name == "togai"] == [
        "the service lists 2 events twice, on one page or on two: skip them by their reference_id"
    ]


def test_an_event_that_is_listed_twice_on_a_page_is_logged(
    api: Api, fake: FakeTogai, caplog: pytest.LogCaptureFixture
) -> None:
    fake.fail_next(status=200, body={"events": [{"referenceId": "a"}, {"referenceId": "a"}]})
    assert len(api.listed()) == 2
    assert "lists 1 event twice" in caplog.text


def test_events_without_a_readable_reference_id_are_not_taken_for_the_same(
    api: Api, fake: FakeTogai, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Any] = [{}, {}, {"referenceId": ["a"]}, {"referenceId": ["a"]}]
    fake.fail_next(status=200, body={"events": events})
    assert len(api.listed()) == 4
    assert "twice" not in caplog.text


def test_a_listing_yields_every_event_once_over_all_pages(api: Api, fake: FakeTogai) -> None:
    sent = [record.payload["id"] for record in fake.add_many(120)]
    assert ids(api.listed()) == sent
    assert [request.query.get("pageSize") for request in fake.requests] == [None] * 3


def test_nothing_is_sent_before_the_first_event_is_requested(api: Api, fake: FakeTogai) -> None:
    api.client.events.list()
    assert not fake.requests


def test_pages_can_be_walked_one_by_one(api: Api, fake: FakeTogai) -> None:
    fake.add_many(5)
    pages = api.collect(api.client.events.list(page_size=2).pages())
    assert [len(page.events) for page in pages] == [2, 2, 1]
    assert pages[0].next_token
    assert pages[-1].next_token is None


def test_filters_go_out_under_the_names_of_the_service(api: Api, fake: FakeTogai) -> None:
    fake.add(id="a", account_id="acme", schema_name="rides")
    fake.add(id="b", account_id="other", schema_name="rides")
    listed = api.listed(account_id="acme", schema_name="rides", status="PROCESSED", page_size=10)
    assert ids(listed) == ["a"]
    assert fake.requests[0].query == {
        "account_id": "acme",
        "schema_name": "rides",
        "status": "PROCESSED",
        "pageSize": "10",
    }


def test_a_listing_says_how_far_it_came_and_is_not_pickled(api: Api, fake: FakeTogai) -> None:
    fake.add_many(3)
    listing = api.client.events.list(page_size=2)
    api.collect(listing, most=1)
    assert repr(listing).endswith("EventPages: 1 event yielded>")
    api.collect(listing)
    assert repr(listing).endswith("EventPages: 3 events yielded, finished>")
    with pytest.raises(TypeError, match=r"resume elsewhere with list\(next_token=\.\.\.\)"):
        pickle.dumps(listing)


def test_a_listing_of_nothing_is_empty(api: Api) -> None:
    assert api.listed(account_id="nobody") == []


@pytest.mark.parametrize("size", [0, 51, -1, 1.0, "10", True])
def test_a_page_size_outside_1_to_50_is_refused_before_sending(
    api: Api, fake: FakeTogai, size: Any
) -> None:
    with pytest.raises(InvalidRequest, match=r"page_size.*1 to 50"):
        api.client.events.list(page_size=size)
    assert not fake.requests


def test_a_wrong_timeout_is_refused_when_a_listing_is_created(api: Api) -> None:
    with pytest.raises(ConfigurationError, match="timeout total=0"):
        api.client.events.list(timeout=0)
    with pytest.raises(ConfigurationError, match="timeout total=0"):
        api.client.events.list_many(["acme"], timeout=0)


@pytest.mark.parametrize("name", ["account_id", "schema_name", "status", "next_token"])
@pytest.mark.parametrize("value", ["", 7])
def test_a_filter_that_is_not_text_is_refused_before_sending(
    api: Api, name: str, value: Any
) -> None:
    with pytest.raises(InvalidRequest, match=name):
        api.client.events.list(**{name: value})


def test_an_empty_page_with_a_token_does_not_end_the_listing(api: Api, fake: FakeTogai) -> None:
    fake.add_many(4)
    fake.change_next(lambda page: {"events": page["events"][:0], "nextToken": page["nextToken"]})
    assert len(api.listed(page_size=2)) == 2
    assert len(fake.requests) == 2


def test_an_empty_token_ends_the_listing(api: Api, fake: FakeTogai) -> None:
    fake.add_many(4)
    fake.change_next(lambda page: {**page, "nextToken": ""})
    assert len(api.listed(page_size=2)) == 2


def test_a_null_token_ends_the_listing(api: Api, fake: FakeTogai) -> None:
    fake.add_many(4)
    fake.change_next(lambda page: {**page, "nextToken": None})
    assert len(api.listed(page_size=2)) == 2


@pytest.mark.parametrize("cycle", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]])
def test_a_token_that_comes_again_raises_after_the_events_of_its_page(
    api: Api, fake: FakeTogai, cycle: list[str]
) -> None:
    fake.add_many(2)
    for token in cycle:
        fake.fail_next(status=200, body={"events": [fake.events[0].to_json()], "nextToken": token})
    listing = api.client.events.list()
    with pytest.raises(RepeatedPageToken) as caught:
        api.collect(listing)
    assert listing.yielded == caught.value.yielded == len(cycle)
    assert len(fake.requests) == len(cycle)


def test_the_token_that_a_listing_started_from_counts_as_seen(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=200, body={"events": [], "nextToken": "start"})
    with pytest.raises(RepeatedPageToken):
        api.listed(next_token="start")


def test_a_token_that_is_a_number_goes_on_as_its_digits(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=200, body={"events": [{"referenceId": "a"}], "nextToken": 7})
    fake.fail_next(status=200, body={"events": []})
    assert [event.reference_id for event in api.listed()] == ["a"]
    assert fake.requests[1].query["nextToken"] == "7"


@pytest.mark.parametrize("token", [{"a": 1}, True, 1.5, "\ud800"])
def test_a_token_that_cannot_be_sent_is_not_guessed_at(
    api: Api, fake: FakeTogai, token: Any
) -> None:
    fake.fail_next(status=200, body={"events": [], "nextToken": token})
    with pytest.raises(UnexpectedResponse, match=r"\$\.nextToken"):
        api.listed()


@pytest.mark.parametrize("token", [b'"a\xff"', b"NaN", b"-Infinity", b"1e9999999999999999999999"])
def test_a_malformed_token_is_not_sent(api: Api, fake: FakeTogai, token: bytes) -> None:
    fake.fail_next(status=200, body=b'{"events": [], "nextToken": %s}' % token)
    with pytest.raises(UnexpectedResponse, match="a page token that is not text"):
        api.listed()
    assert len(fake.requests) == 1


def test_a_failure_in_mid_listing_says_where_to_resume(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add_many(6)
    fake.fail_next(status=500, skip=1)
    with connect(base_url=url, max_retries=0) as api:
        listing = api.client.events.list(page_size=2)
        first = api.collect(listing, most=2)
        with pytest.raises(ServerError) as caught:
            api.collect(listing)
        assert caught.value.yielded == 2
        assert caught.value.next_token == listing.next_token
        rest = api.listed(page_size=2, next_token=caught.value.next_token)
    assert ids(first + rest) == [f"event-{number}" for number in range(1, 7)]


def test_the_same_listing_goes_on_after_a_failure(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add_many(6)
    fake.fail_next(status=500, skip=2)
    with connect(base_url=url, max_retries=0) as api:
        listing = api.client.events.list(page_size=2)
        first = api.collect(listing, most=3)
        with pytest.raises(ServerError):
            api.collect(listing)
        # The event that was left of the second page came before the failure.
        assert listing.yielded == 4
        rest = api.collect(listing)
    assert len(first) + len(rest) == 5
    assert listing.finished


def test_the_token_in_mid_page_repeats_that_page_and_leaves_no_gap(
    api: Api, fake: FakeTogai
) -> None:
    fake.add_many(6)
    listing = api.client.events.list(page_size=2)
    api.collect(listing, most=3)
    assert ids(api.listed(page_size=2, next_token=listing.next_token))[:2] == ["event-3", "event-4"]


def test_pages_after_some_events_start_with_the_rest_of_the_page(api: Api, fake: FakeTogai) -> None:
    fake.add_many(4)
    listing = api.client.events.list(page_size=2)
    api.collect(listing, most=1)
    assert [len(page.events) for page in api.collect(listing.pages())] == [1, 2]
