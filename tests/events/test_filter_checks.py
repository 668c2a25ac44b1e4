"""When a filter is probed, and which property announces a further page. No I/O."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from togai import BadRequest, FilterIgnored, NotFound, ServerError, UnprocessableEntity
from togai._calls import _with_query
from togai._listing_checks import FilterChecks, further_page
from togai._transport.steps import Call

from ..conftest import ManualClock

pytestmark = pytest.mark.usefixtures("manual_clock")


class Probes:
    """Notes the probes, and responds to each with the same events, or with an error."""

    def __init__(self, response: Any = ()) -> None:
        self.response = response
        self.names: list[str] = []
        self.values: set[str] = set()
        self.checks = FilterChecks()

    def probe(self, name: str, value: str) -> Any:
        self.names.append(name)
        self.values.add(value)
        if isinstance(self.response, Exception):
            raise self.response
        return self.response
        yield

    def check(self, filters: dict[str, Any], *accounts: Any) -> list[str]:
        """Check a page of events of accounts; return the filters that were probed for it."""
        events: Any = [
            SimpleNamespace(event_payload=None if account == "damaged" else event_of(account))
            for account in accounts
        ]
        before = len(self.names)
        steps = self.checks.check(filters, events, self.probe)
        with pytest.raises(StopIteration):
            next(steps)
        return self.names[before:]


def event_of(account: Any) -> Any:
    return SimpleNamespace(account_id=account, schema_name="rides")


def test_a_filter_is_probed_once_for_each_other_value() -> None:
    probes = Probes()
    acme = {"account_id": "acme", "schema_name": "rides", "status": None}
    assert probes.check(acme) == []
    assert probes.check(acme, "acme", "acme") == []
    assert probes.check(acme, "acme", "alias") == ["account_id"]
    assert probes.check(acme, "alias", "acme") == []
    assert probes.check(acme, "other") == ["account_id"]
    assert probes.check({"account_id": "acme-2"}, "alias") == ["account_id"]
    assert probes.check({"schema_name": "walks", "account_id": "acme"}, "acme") == ["schema_name"]
    assert len(probes.values) == 4
    assert all(value.startswith("togai-probe-") and len(value) == 44 for value in probes.values)


@pytest.mark.parametrize("accounts", [("damaged",), (None,), ("acme", None)], ids=str)
def test_a_filter_that_an_event_does_not_show_is_probed_once_an_hour(
    manual_clock: ManualClock, accounts: tuple[str | None, ...]
) -> None:
    probes = Probes()
    acme = {"account_id": "acme"}
    for seconds, probed in ((0.0, 1), (3599.0, 0), (1.0, 1)):
        manual_clock.time += seconds
        assert probes.check(acme, *accounts) == ["account_id"] * probed
    assert probes.check(acme, "acme", "acme") == []
    assert probes.check(acme, *accounts, "other") == ["account_id"]
    assert probes.check(acme, *accounts, "other") == []
    ignored = Probes([object()])
    with pytest.raises(FilterIgnored):
        ignored.check(acme, *accounts)


def test_a_number_is_the_text_of_its_filter() -> None:
    assert Probes().check({"account_id": 7}, "7", 7) == []


def test_a_filter_that_events_do_not_show_is_probed_once_an_hour(manual_clock: ManualClock) -> None:
    probes = Probes()
    filters = {"status": "X", "region": "eu"}
    assert probes.check(filters) == []
    assert probes.check(filters, "a") == ["status", "region"]
    for seconds, probed in ((0.0, 0), (3599.0, 0), (1.0, 2), (-1.0, 2), (0.0, 0)):
        manual_clock.time += seconds
        assert len(probes.check(filters, "a")) == probed
    manual_clock.time = 0.0
    assert len(Probes().check(filters, "a")) == 2


@pytest.mark.parametrize("error", [BadRequest, NotFound, UnprocessableEntity])
def test_a_service_that_refuses_the_probe_filters(error: type[Any]) -> None:
    probes = Probes(error(400, "no such value"))
    assert probes.check({"status": "X"}, "a") == ["status"]
    assert probes.check({"status": "X"}, "a") == []


def test_any_other_failure_of_a_probe_is_one_of_the_listing() -> None:
    probes = Probes(ServerError(503, "no"))
    for _ in range(2):
        with pytest.raises(ServerError):
            probes.check({"account_id": "acme", "status": "X"}, "alias")
    assert probes.names == ["account_id", "account_id"]


def test_a_filter_is_ignored_if_the_probe_finds_an_event() -> None:
    probes = Probes([object()])
    for number in (1, 2):
        with pytest.raises(FilterIgnored) as caught:
            probes.check({"account_id": 7}, "alias")
        assert (caught.value.filter, caught.value.value) == ("account_id", "7")
        assert len(probes.names) == number


KNOWN = ("events", "nextToken")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, None),
        ({"nextToken": "x"}, None),
        ({"events": [], "nextCursor": "x"}, "$.nextCursor"),
        ({"nextPage": "x"}, "$.nextPage"),
        ({"cursor": "x"}, "$.cursor"),
        ({"pageTOKEN": "x"}, "$.pageTOKEN"),
        ({"next": ""}, None),
        ({"next": 7}, None),
        ({"next": None}, None),
        ({"hasMore": True}, "$.hasMore"),
        ({"hasNext": True}, "$.hasNext"),
        ({"hasMore": False}, None),
        ({"hasMore": 1}, None),
        ({"more": "x"}, None),
        ({"token": True}, None),
        ({"page": "x"}, None),
        ({"page": True}, None),
        ({"prevCursor": "x", "firstToken": "x", "lastCursor": "x"}, None),
        ({"selfToken": "x", "currentCursor": "x", "requestToken": "x"}, None),
        ({"links": {"next": "x"}}, "$.links.next"),
        ({"links": {"prev": "x", "next": {"href": "x"}}}, "$.links.next.href"),
        ({"next": {"href": "", "url": "x"}}, "$.next.url"),
        ({"next": {"page": 2}}, None),
        ({"next": {"prev": "x"}}, None),
        ({"links": {"href": "x"}}, None),
        ({"paging": {"hasMore": True}}, "$.paging.hasMore"),
        ({"a": 1, "next\n": "x"}, "$.next\\n"),
        ({"next" * 99: "x"}, f"$.{'next' * 25}"),
    ],
    ids=repr,
)
def test_a_property_that_announces_a_page_has_a_value_and_the_name_of_one(
    body: dict[str, Any], path: str | None
) -> None:
    assert further_page(body, KNOWN) == path


def test_further_parameters_are_added_to_a_call() -> None:
    call = Call("GET", "/events", {"a": 1})
    assert _with_query(call, {}) is call
    assert _with_query(call, {"b": "2"}).params == {"a": 1, "b": "2"}
    assert call.params == {"a": 1}
