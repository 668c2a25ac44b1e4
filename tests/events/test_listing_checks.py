"""Every response is checked against its request: ignored filters, other events, premature ends."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from togai import (
    FilterIgnored,
    InvalidRequest,
    ListingIncomplete,
    ServerError,
    UnexpectedResponse,
    _calls,
)
from togai.corrections._matching import Read
from togai.testing import FakeClock, FakeTogai

from ..conftest import Api, Connect
from ..transport.servers import raw_server, send, whole


def foreign(fake: FakeTogai, times: int = 1, **changes: Any) -> None:
    """Let the next pages hold events with other values, as aliases do."""

    def change(body: Any) -> None:
        for event in body["events"]:
            event["eventPayload"].update(changes)

    fake.change_next(change, times=times, path="/events")


def queries(fake: FakeTogai) -> list[dict[str, str]]:
    return [dict(request.query) for request in fake.requests]


# Filters that are ignored


@pytest.mark.parametrize("name", ["account_id", "schema_name", "status"])
def test_a_filter_that_is_ignored_yields_nothing(api: Api, fake: FakeTogai, name: str) -> None:
    fake.add_many(3)
    fake.ignore_filter(name)
    seen: list[Any] = []
    listing = api.client.events.list(**{name: "acme-2"})
    with pytest.raises(FilterIgnored) as caught:
        seen.extend(api.collect(listing))
    assert (caught.value.filter, caught.value.value) == (name, "acme-2")
    assert seen == []
    probe = queries(fake)[1]
    assert probe.keys() == {"pageSize", name}
    assert probe["pageSize"] == "1"
    assert probe[name] != "acme-2"


def test_a_filter_that_works_costs_nothing(api: Api, fake: FakeTogai) -> None:
    fake.add_many(3, account_id="acme")
    assert len(api.listed(account_id="acme", page_size=1)) == 3
    assert len(fake.requests) == 3


def test_an_alias_is_probed_once(api: Api, fake: FakeTogai) -> None:
    for alias in ("acme-eu", "acme-us"):
        fake.add_alias("acme", alias)
    fake.add(account_id="acme-eu")
    fake.add(account_id="acme-eu")
    assert len(api.listed(account_id="acme", page_size=1)) == 2
    assert len(fake.requests) == 3
    derived = api.client.with_options(max_retries=0)
    assert len(api.collect(derived.events.list(account_id="acme"))) == 2
    assert len(fake.requests) == 4
    fake.add(account_id="acme-us")
    assert len(api.listed(account_id="acme")) == 3
    assert len(fake.requests) == 6


def test_a_number_is_the_text_of_the_filter(api: Api, fake: FakeTogai) -> None:
    fake.add_many(1, account_id="17")
    foreign(fake, 1, accountId=17)
    assert len(api.listed(account_id="17")) == 1
    assert len(fake.requests) == 1


@pytest.mark.parametrize("value", [{"a": 1}, ["acme"], True, 17.5, [[{}]]], ids=str)
@pytest.mark.parametrize("name", ["accountId", "schemaName"])
def test_a_value_that_is_no_text_is_probed_as_any_other(
    api: Api, fake: FakeTogai, name: str, value: Any
) -> None:
    fake.add_many(2)
    foreign(fake, 1, **{name: value})
    assert len(api.listed(account_id="acme", schema_name="rides")) == 2
    assert len(fake.requests) == 2


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_filter_whose_probe_is_refused_works(api: Api, fake: FakeTogai, status: int) -> None:
    fake.add_many(1, account_id="acme")
    foreign(fake, 1, accountId="alias")
    fake.fail_next(status=status, skip=1)
    assert len(api.listed(account_id="acme")) == 1


def test_a_probe_that_fails_is_a_failure_of_the_listing(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add(account_id="acme")
    fake.add(account_id="acme-eu")
    with connect(base_url=url, max_retries=0) as api:
        listing = api.client.events.list(account_id="acme", page_size=1)
        first = api.collect(listing, most=1)
        fake.fail_next(status=503, skip=0 if first[0].event_payload.account_id != "acme" else 1)
        with pytest.raises(ServerError) as caught:
            api.collect(listing)
        assert caught.value.yielded == 1
        assert len(api.listed(account_id="acme", next_token=caught.value.next_token)) == 1


def test_the_status_filter_is_probed_once_an_hour(api: Api, fake: FakeTogai) -> None:
    fake.add(status="INGESTION_FAILED")
    status = "INGESTION_FAILED"
    with FakeClock() as clock:
        for expected in (2, 3, 4):
            api.listed(status=status)
            assert len(fake.requests) == expected
        clock.move(3601)
        api.listed(status=status)
        assert len(fake.requests) == 6


@pytest.mark.parametrize("works", [True, False])
def test_further_filters_are_sent_with_each_page_and_probed(connect: Connect, works: bool) -> None:
    regions: list[str] = []

    def respond(connection: socket.socket, head: bytes) -> None:
        query = dict(parse_qsl(urlsplit(head.split()[1].decode()).query))
        regions.append(query["region"])
        if query["region"] != "eu":
            connection.sendall(whole(b'{"events": []}') if works else page())
        elif len(regions) == 1:
            connection.sendall(b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        else:
            connection.sendall(page() if "nextToken" in query else page(nextToken="t"))

    with raw_server(respond) as url, connect(base_url=url) as api:
        listing = api.client.events.list(extra_query={"region": "eu"})
        if works:
            assert len(api.collect(listing)) == 2
        else:
            with pytest.raises(FilterIgnored, match="region='eu'"):
                api.collect(listing)
    assert [region == "eu" for region in regions] == [True, True, False, True][: 4 if works else 3]


@pytest.mark.parametrize(
    "query",
    [
        *({"account_id": "x"}, {"pageSize": "1"}, {"": "x"}, {"a": ""}, {"a": None}, {1: "x"}),
        *(["a"], {"a": "\ud800"}, {"\ud800": "a"}, {"a": 10**5000}, {"a": 1.5}, {"a": "x" * 5000}),
    ],
    ids=range(12),
)
def test_further_filters_that_cannot_be_sent_are_refused(
    api: Api, fake: FakeTogai, query: Any
) -> None:
    with pytest.raises(InvalidRequest, match="extra_query"):
        api.listed(extra_query=query)
    assert fake.requests == []


# Another event than the one that was requested


@pytest.mark.parametrize("method", ["get", "get_all"])
def test_another_event_is_not_returned(api: Api, fake: FakeTogai, method: str) -> None:
    fake.add(id="ride-1")
    fake.change_next(lambda body: body["events"][0]["eventPayload"].update(id="ride-2"))
    with pytest.raises(UnexpectedResponse, match="another id"):
        api.call(method, "ride-1")


def test_an_event_without_an_id_is_a_deviation(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    fake.change_next(lambda body: body["events"][0]["eventPayload"].pop("id") and None)
    drifts: list[object] = []
    client = api.client.with_options(on_drift=drifts.append)
    assert api.resolve(client.events.get("ride-1")).event_payload.id is None
    assert "Event.id: missing" in map(str, drifts)


@pytest.mark.parametrize("payload", [None, "x", {}])
def test_events_without_a_payload_are_read(api: Api, fake: FakeTogai, payload: Any) -> None:
    fake.add(id="ride-1")
    for _ in range(2):
        fake.change_next(lambda body: body["events"][0].update(eventPayload=payload))
    assert len(api.listed(account_id="acme")) == 1
    assert len(api.call("get_all", "ride-1")) == 1


def test_an_event_with_the_reference_id_that_was_requested_is_it(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    fake.change_next(lambda body: body["events"][0].update(referenceId="ride-1"))
    assert api.call("get", "ride-1").reference_id == "ride-1"


# Premature ends

OFFERS: list[tuple[dict[str, Any], str]] = [
    ({"next": "x"}, "$.next"),
    ({"nextPageToken": "x"}, "$.nextPageToken"),
    ({"NextToken": "x"}, "$.NextToken"),
    ({"cursor": "x"}, "$.cursor"),
    ({"pageToken": "x"}, "$.pageToken"),
    ({"meta": {"next_cursor": "x"}}, "$.meta.next_cursor"),
    ({"next": {"href": "https://x"}}, "$.next.href"),
    ({"links": {"self": "https://x", "next": "https://y"}}, "$.links.next"),
    ({"hasMore": True}, "$.hasMore"),
    ({"has_next": True}, "$.has_next"),
    ({"paging": {"more": True}}, "$.paging.more"),
]
ENDS: list[dict[str, Any]] = [
    {"next": ""},
    {"next": None},
    {"nextPage": 2},
    {"page": 1, "pageSize": 50, "totalPages": 9, "offset": 50},
    {"hasMore": False},
    {"hasMore": "true"},
    {"prevToken": "x"},
    {"previousCursor": "x"},
    {"firstToken": "x"},
    {"lastCursor": "x"},
    {"selfToken": "x"},
    {"currentToken": "x"},
    {"requestToken": "x"},
    {"request": {"nextToken": "x"}},
    {"links": {"prev": {"href": "x"}, "next": None}},
    {"next": {}},
    {"message": "x"},
    {"token": True},
]


def page(**more: Any) -> bytes:
    event = {
        "referenceId": "ref-1",
        "eventPayload": {"id": "event-1", "accountId": "acme"},
        "ingestionStatus": {"status": "REVERTED"},
        "createdAt": "2024-12-04T07:30:35Z",
    }
    return whole(json.dumps({"events": [event], **more}).encode(), "Connection: close")


@pytest.mark.parametrize(("more", "where"), OFFERS, ids=str)
def test_an_end_that_the_envelope_contradicts_is_an_error_after_its_events(
    connect: Connect, more: dict[str, Any], where: str
) -> None:
    with raw_server(send(page(**more))) as url, connect(base_url=url) as api:
        listing = api.client.events.list()
        assert len(api.collect(listing, most=1)) == 1
        for _ in range(2):
            with pytest.raises(ListingIncomplete) as caught:
                api.collect(listing)
            assert (caught.value.where, caught.value.yielded) == (where, 1)
        assert not listing.finished


def test_a_read_before_a_correction_trusts_no_end_that_the_envelope_contradicts(
    connect: Connect,
) -> None:
    with raw_server(send(page(next="x"))) as url, connect(base_url=url) as api:
        runner = api.client._runner
        run = runner.run_async if api.is_async else runner.run
        for steps in (
            _calls.read(api.client._settings, Read(account_id="acme"), None),
            _calls.listed(api.client._settings, "acme", None),
            _calls.listed(api.client._settings, "acme", None, most=9),
        ):
            with pytest.raises(ListingIncomplete):
                api.resolve(run(steps))


@pytest.mark.parametrize("prefetch", [0, 1])
def test_an_end_can_be_trusted(
    connect: Connect, caplog: pytest.LogCaptureFixture, prefetch: int
) -> None:
    with raw_server(send(page(next="x"))) as url, connect(base_url=url) as api:
        assert len(api.listed(trust_end=True, prefetch=prefetch)) == 1
    assert "$.next" in caplog.text


@pytest.mark.parametrize("method", ["list_many", "find"])
def test_every_call_that_lists_takes_the_options_of_list(connect: Connect, method: str) -> None:
    queries: list[dict[str, str]] = []

    def respond(connection: socket.socket, head: bytes) -> None:
        queries.append(dict(parse_qsl(urlsplit(head.split()[1].decode()).query)))
        eu = queries[-1]["region"] == "eu"
        connection.sendall(page(next="x") if eu else whole(b'{"events": []}', "Connection: close"))

    with raw_server(respond) as url, connect(base_url=url) as api:

        def call(**options: Any) -> list[Any]:
            options["extra_query"] = {"region": "eu"}
            if method == "find":
                return list(api.call("find", "acme", **options))
            pairs = api.collect(api.client.events.list_many(["acme"], **options))
            return [event for _, page in pairs for event in page.events]

        with pytest.raises(ListingIncomplete):
            call()
        assert len(call(trust_end=True)) == 1
        with pytest.raises(InvalidRequest, match="extra_query"):
            api.call("find", "acme", extra_query={"status": "x"})
    assert [query.get("account_id") for query in queries] == ["acme", None, "acme"]


@pytest.mark.parametrize("more", ENDS, ids=str)
def test_what_offers_no_page_ends_the_listing(connect: Connect, more: dict[str, Any]) -> None:
    with raw_server(send(page(**more))) as url, connect(base_url=url) as api:
        assert len(api.listed()) == 1


def test_a_token_is_believed_whatever_else_is_offered(connect: Connect) -> None:
    replies = [page(nextToken="t", next="x"), page()]

    with raw_server(lambda connection, _head: connection.sendall(replies.pop(0))) as url:
        with connect(base_url=url, max_retries=0) as api:
            assert len(api.listed()) == 2


# The response of a success


def test_pages_and_results_show_their_response(api: Api, fake: FakeTogai) -> None:
    fake.add_many(2, account_id="acme")
    pages = api.collect(api.client.events.list().pages())
    result = api.call("undo", account_id="acme", event_id="event-1")
    for page in (*pages, result):
        assert page.request_id
        assert page.status == 200
        assert page.headers["x-request-id"] == page.request_id
        assert page.request_id not in repr(page)
