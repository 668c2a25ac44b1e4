"""Reconciliation: "applied" and "not applied" need evidence; otherwise the verdict is "cannot tell"."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from togai import (
    CorrectionOutcomeUnknown,
    InvalidRequest,
    Redo,
    Replace,
    Togai,
    Undo,
    with_quantities,
)
from togai._contract import Field, fields
from togai._storage import database, uptime
from togai.corrections import Entry, Ledger, Plan, _correction
from togai.models import Event
from togai.testing import FakeTogai, make

from ..conftest import TOKEN, Api, Connect, async_is_slow

pytestmark = pytest.mark.usefixtures("corrects_reverted")


Later = Callable[..., None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Sets the ledger's clock ahead."""

    def set_ahead(**ahead: float) -> None:
        seconds = timedelta(**ahead)
        monkeypatch.setattr(
            database._SQLiteTransaction, "now", lambda _self: datetime.now(UTC) + seconds
        )
        passed = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds.total_seconds())
        monkeypatch.setattr(uptime, "time", passed)

    return set_ahead


def item(action: str, event: Any) -> Any:
    if action == "REDO_EVENT":
        return Replace(event, with_quantities(event, {"distance": 7}))
    return Undo(event) if action == "UNDO" else Redo(event)


def approved(client: Api, ledger: Ledger, *items: Any) -> Plan:
    plan: Plan = client.call("plan", items)
    ledger.approve(plan, who="bob", why="ok")
    return plan


def lost(client: Api, fake: FakeTogai, ledger: Ledger, action: str, *, acts: bool) -> Entry:
    """The open entry of a correction of ref-1 that ended with a 502."""
    event = client.call("find", "acme")[0]
    plan = approved(client, ledger, item(action, event))
    fake.fail_next(status=502, acts=acts, method="POST")
    client.call("execute", plan)
    (entry,) = ledger.pending()
    return entry


@pytest.mark.parametrize("action", ["UNDO", "REDO_EVENT"])
@pytest.mark.parametrize("prefix", ["event", None])
def test_what_was_applied_reads_so_at_once(
    client: Api, fake: FakeTogai, ledger: Ledger, action: str, prefix: str | None
) -> None:
    fake.add_many(2, prefix=prefix)
    entry = lost(client, fake, ledger, action, acts=True)
    posts = len(fake.assert_sent("POST", "/events/correction"))
    reconciliation = client.call("reconcile", entry)
    assert reconciliation.verdict == "applied"
    assert "is REVERTED; before the correction it was INGESTION" in reconciliation.evidence[0]
    assert len(fake.assert_sent("POST", "/events/correction")) == posts
    ledger.settle(entry, reconciliation)
    assert ledger.pending() == []
    with pytest.raises(InvalidRequest, match="already settled"):
        ledger.settle(entry, reconciliation)


@pytest.mark.parametrize("prefix", ["event", None])
def test_what_was_not_applied_needs_the_minimum_age(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later, prefix: str | None
) -> None:
    fake.add_many(2, prefix=prefix)
    entry = lost(client, fake, ledger, "UNDO", acts=False)
    reconciliation = client.call("reconcile", entry)
    assert reconciliation.verdict == "cannot tell"
    assert reconciliation.check_after == entry.at + timedelta(minutes=10)
    assert "check again after" in str(reconciliation)
    ledger.settle(entry, reconciliation)
    assert len(ledger.pending()) == 1
    later(minutes=10)
    reconciliation = client.call("reconcile", entry)
    assert reconciliation.verdict == "not applied"
    ledger.settle(entry, reconciliation)
    assert ledger.pending() == []


def test_a_replacement_needs_a_witness_or_a_day(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(2)
    entry = lost(client, fake, ledger, "REDO_EVENT", acts=False)
    later(hours=1)
    reconciliation = client.call("reconcile", entry)
    assert (reconciliation.verdict, reconciliation.check_after) == (
        "cannot tell",
        entry.at + timedelta(hours=24),
    )
    client.call("undo", client.call("find", "acme")[1])
    reconciliation = client.call("reconcile", entry)
    assert reconciliation.verdict == "not applied"
    assert "ref-2, which was corrected later" in reconciliation.evidence[-1]


def test_a_replacement_without_a_witness_is_old_enough_after_a_day(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, "REDO_EVENT", acts=False)
    later(hours=24)
    assert client.call("reconcile", entry).verdict == "not applied"


@pytest.mark.parametrize("prefix", ["event", None])
@pytest.mark.parametrize(
    ("action", "earlier"), [("UNDO", False), ("REDO_EVENT", False), ("UNDO", True)]
)
def test_readings_that_lag_are_noticed_by_another_correction(
    client: Api,
    fake: FakeTogai,
    ledger: Ledger,
    later: Later,
    action: str,
    earlier: bool,
    prefix: str | None,
) -> None:
    fake.add_many(2, prefix=prefix)
    second = client.call("find", "acme")[1]
    fake.lag_reads(requests=1000)
    if earlier:
        assert client.call("execute", approved(client, ledger, Undo(second))).is_complete
    entry = lost(client, fake, ledger, action, acts=True)
    if not earlier:
        assert client.call("execute", approved(client, ledger, Undo(second))).is_complete
    later(hours=1)
    found = client.call("reconcile", entry)
    assert (found.verdict, "the read is stale" in found.evidence[-1]) == ("cannot tell", True)
    fake.lag_reads()
    assert client.call("reconcile", entry).verdict == "applied"


@pytest.mark.parametrize("applied", [False, True])
def test_the_replacement_of_another_event_is_no_evidence(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later, applied: bool
) -> None:
    for _ in range(2):
        fake.add(id="ride-1")
    events = client.call("find", "acme")
    replacement = with_quantities(events[0], {"distance": 7})
    plan = approved(client, ledger, *(Replace(event, replacement) for event in events))
    fake.fail_next(status=502, acts=applied, method="POST")
    client.call("execute", plan, on_failure="continue")
    revert(fake)
    (entry,) = ledger.pending()
    found = client.call("reconcile", entry)
    assert found.verdict == ("applied" if applied else "cannot tell")
    if not applied:
        assert "other corrections may have created some of them: entry" in found.evidence[-1]


def test_of_two_open_replacements_that_are_equal_one_created_event_shows_neither(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    for _ in range(2):
        fake.add(id="ride-1")
    events = client.call("find", "acme")
    for event, acts in zip(events, (False, True), strict=True):
        fake.fail_next(status=502, acts=acts, method="POST")
        with pytest.raises(CorrectionOutcomeUnknown):
            client.call("replace", with_quantities(event, {"distance": 7}), target=event)
    revert(fake)
    first, second = ledger.pending()
    assert client.call("reconcile", first).verdict == "cannot tell"
    assert client.call("reconcile", second).verdict == "cannot tell"
    ledger.decide(first, "not applied", who="bob", why="support says so")
    assert client.call("reconcile", second).verdict == "applied"


def test_an_event_that_another_call_corrected_is_no_evidence(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    for _ in range(2):
        fake.add(id="ride-1")
    _, second = client.call("find", "acme")
    fake.fail_next(status=502, method="POST")
    with pytest.raises(CorrectionOutcomeUnknown):
        client.call("undo", second)
    fake.change_next(lambda body: body["events"].pop() and None, method="GET")
    result = client.call("undo", account_id="acme", event_id="ride-1")
    assert len(result) == 2
    (entry,) = ledger.pending()
    found = client.call("reconcile", entry)
    assert (found.verdict, found.evidence[-1][:29]) == (
        "cannot tell",
        "but another call also correct",
    )


def test_a_listing_shows_a_witness_under_another_name_of_the_account(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add_many(2, prefix=None)
    second = client.call("find", "acme")[1]
    fake.lag_reads(requests=1000)
    plan = approved(client, ledger, Undo(second, account_id="acme-eu"))
    assert client.call("execute", plan).is_complete
    entry = lost(client, fake, ledger, "UNDO", acts=True)
    later(hours=1)
    assert client.call("reconcile", entry).verdict == "cannot tell"


def test_a_replacement_needs_a_witness_that_is_later_than_its_latest_effect(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(3)
    events = client.call("find", "acme")
    entry = lost(client, fake, ledger, "REDO_EVENT", acts=False)
    client.call("undo", events[1])
    later(minutes=11)
    assert client.call("reconcile", entry).verdict == "cannot tell"
    client.call("undo", events[2])
    assert client.call("reconcile", entry).verdict == "not applied"


def test_an_event_that_was_reverted_before_it_was_corrected_is_no_witness(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(2)
    entry = lost(client, fake, ledger, "REDO_EVENT", acts=False)
    later(hours=1)
    fake.events[1].status = "REVERTED"
    client.call("undo", client.call("find", "acme")[1], allow_reverted=True)
    assert client.call("reconcile", entry).verdict == "cannot tell"


def test_a_redo_is_never_not_applied(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, "REDO", acts=False)
    later(days=30)
    assert client.call("reconcile", entry).verdict == "cannot tell"
    fake.events[0].status = "REVERTED"
    fake.add(id="event-1", timestamp="2024-01-01T00:05:00Z", dimensions={"city": "Chennai"})
    assert client.call("reconcile", entry).verdict == "cannot tell"
    fake.events[1].payload["attributes"][0]["value"] = "1.5"
    reconciliation = client.call("reconcile", entry)
    assert reconciliation.verdict == "applied"
    assert "ref-2 was created since" in reconciliation.evidence[1]


def revert(fake: FakeTogai) -> None:
    fake.events[0].status = "REVERTED"


def drift(name: str, shown: str) -> Callable[[FakeTogai], None]:
    return lambda fake: fake.rename_status(name, shown)


def change(function: Callable[[Any], Any]) -> Callable[[FakeTogai], None]:
    return lambda fake: fake.change_events(function)


def newcomer(fake: FakeTogai) -> None:
    fake.add(id="event-1")


def remove(fake: FakeTogai) -> None:
    del fake.events[0]


METERED = "INGESTION_COMPLETED_EVENT_METERED"


@async_is_slow
@pytest.mark.parametrize("action", ["UNDO", "REDO", "REDO_EVENT"])
@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize(
    "situation",
    [
        drift("REVERTED", "reverted"),
        drift("REVERTED", "PARTIALLY_REVERTED"),
        drift(METERED, "INGESTION_COMPLETED"),
        drift(METERED, "INGESTION_IN_PROGRESS"),
        change(lambda event: event.pop("createdAt") and event),
        change(lambda event: event.update(createdAt="2024-12-31T00:00:00.000001")),
        change(lambda event: event.update(createdAt="2025-12-31T00:00:00Z")),
        change(lambda event: event.update(referenceId="ref-9")),
        change(lambda event: event.pop("referenceId") and event),
        change(lambda event: event.pop("eventPayload") and event),
        change(lambda event: event["eventPayload"].update(attributes=[])),
        change(lambda event: event.pop("ingestionStatus") and event),
        newcomer,
        remove,
    ],
)
def test_no_drift_leads_to_a_verdict_that_is_false(
    client: Api,
    fake: FakeTogai,
    ledger: Ledger,
    later: Later,
    action: str,
    acts: bool,
    situation: Callable[[FakeTogai], None],
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, action, acts=acts)
    situation(fake)
    later(days=30)
    verdict = client.call("reconcile", entry).verdict
    assert verdict in ("cannot tell", "applied" if acts else "not applied")
    if acts:
        assert verdict != "not applied"
    elif situation is not newcomer:
        assert verdict != "applied"


def test_an_event_that_is_reverted_by_another_hand_is_not_repeated(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, "REDO_EVENT", acts=False)
    revert(fake)
    later(days=30)
    reconciliation = client.call("reconcile", entry)
    assert reconciliation.verdict == "cannot tell"
    assert "0 events like its replacement" in reconciliation.evidence[1]


def test_overlapping_pages_change_no_verdict(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(60, prefix=None)
    fake.overlap_pages(30)
    entry = lost(client, fake, ledger, "UNDO", acts=True)
    assert client.call("reconcile", entry).verdict == "applied"


def test_a_listing_that_is_not_read_to_its_end_cannot_tell(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(60, prefix=None)
    entry = lost(client, fake, ledger, "UNDO", acts=True)
    reconciliation = client.call("reconcile", entry, max_events=50)
    assert reconciliation.verdict == "cannot tell"
    assert "max_events" in reconciliation.evidence[0]


def test_a_client_of_another_service_cannot_tell_the_outcome(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, "UNDO", acts=True)
    later(days=30)
    sandbox = FakeTogai(TOKEN)
    sandbox.add_many(1)
    with sandbox.serve() as url, Togai(TOKEN, base_url=url) as other:
        reconciliation = other.events.reconcile(entry)
    assert reconciliation.verdict == "cannot tell"
    assert "the correction was sent to" in reconciliation.evidence[0]
    assert not sandbox.requests


def test_a_target_that_was_not_read_before_has_no_verdict(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(1)
    fake.fail_next(status=502, method="POST", acts=True)
    with pytest.raises(CorrectionOutcomeUnknown) as caught:
        client.call("undo", account_id="acme", reference_id="ref-1")
    later(days=30)
    before = len(fake.requests)
    reconciliation = client.call("reconcile", caught.value)
    assert reconciliation.verdict == "cannot tell"
    assert "was not read before" in reconciliation.evidence[0]
    assert len(fake.requests) == before


@pytest.mark.parametrize("action", ["UNDO", "REDO_EVENT"])
def test_the_witness_is_read_before_the_event(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later, action: str
) -> None:
    """What is read after the witness is at least as recent."""
    fake.add_many(2)
    entry = lost(client, fake, ledger, action, acts=False)
    later(hours=1)
    client.call("undo", client.call("find", "acme")[1])
    before = len(fake.requests)
    assert client.call("reconcile", entry).verdict == "not applied"
    paths = [request.path for request in fake.requests[before:]]
    assert paths == ["/events/event-2", "/events/event-1"]


def evidence(client: Api, entry: Entry) -> str:
    found = client.call("reconcile", entry)
    return f"{found.verdict}: {found.evidence[-1]}"


@pytest.mark.parametrize("prefix", ["event", None])
def test_the_witness_is_the_newest_correction_that_the_reading_can_show(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later, prefix: str | None
) -> None:
    fake.add_many(2, prefix=prefix)
    # By an id, an event without one cannot be read; and a listing shows no event of another account.
    fake.add(id=None if prefix else "other-1", account_id="globex")
    entry = lost(client, fake, ledger, "REDO_EVENT", acts=False)
    later(hours=1)
    client.call("undo", client.call("find", "acme")[1])
    (other,) = client.call("find", "globex")
    client.call("execute", approved(client, ledger, Undo(other)))
    assert evidence(client, entry).startswith("not applied: ref-2, which was corrected later")


@pytest.mark.parametrize("prefix", ["event", None])
def test_a_correction_of_an_event_that_was_not_read_is_no_witness(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later, prefix: str | None
) -> None:
    fake.add_many(2, prefix=prefix)
    entry = lost(client, fake, ledger, "REDO_EVENT", acts=False)
    later(hours=1)
    client.call("undo", account_id="acme", reference_id="ref-2")
    assert "no later correction in the ledger" in evidence(client, entry)


def again(body: Any) -> None:
    """Adds a copy of an event that shows another status."""
    copy = {**body["events"][0], "ingestionStatus": {"status": METERED, "statusDescription": ""}}
    body["events"].append(copy)


@pytest.mark.parametrize("reading", [lambda body: body["events"].clear(), again])
def test_a_witness_that_does_not_clearly_read_reverted_shows_a_stale_read(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later, reading: Any
) -> None:
    fake.add_many(2)
    entry = lost(client, fake, ledger, "UNDO", acts=False)
    later(hours=1)
    client.call("undo", client.call("find", "acme")[1])
    fake.change_next(reading, method="GET")
    assert "ref-2 was corrected later, but is not REVERTED" in evidence(client, entry)


def test_an_entry_without_its_ledger_is_judged_by_the_local_clock(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, "UNDO", acts=False)
    later(days=30)
    alone = evolve(entry, ledger=None)
    assert "may take effect within 0:10:00" in evidence(client, alone)
    assert client.call("reconcile", alone, min_age=timedelta(0)).verdict == "not applied"


def test_a_clock_that_goes_backward_or_stands_still_cannot_tell(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, "UNDO", acts=False)
    later(days=-30)
    assert client.call("reconcile", entry).verdict == "cannot tell"
    assert client.call("reconcile", entry, min_age=timedelta(0)).verdict == "cannot tell"


def test_an_error_is_reconciled_without_a_ledger_and_in_another_process(
    connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add_many(1)
    with connect(base_url=url, max_retries=0) as api:
        event = api.call("find", "acme")[0]
        fake.fail_next(status=502, method="POST")
        with pytest.raises(CorrectionOutcomeUnknown) as caught:
            api.call("undo", event)
        error = pickle.loads(pickle.dumps(caught.value))
        assert api.call("reconcile", error).verdict == "cannot tell"
        assert api.call("reconcile", error, min_age=timedelta(0)).verdict == "not applied"
        revert(fake)
        assert api.call("reconcile", error).verdict == "applied"


def test_a_person_decides_where_reading_cannot_tell(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, "REDO", acts=True)
    ledger.decide(entry, "applied", who="bob", why="support says so")
    assert ledger.pending() == []
    assert fake.applied == {"ref-1": 1}


@pytest.mark.parametrize("thing", ["ride-1", None, ValueError("x"), 5])
def test_reconcile_refuses_what_is_neither_an_error_nor_an_entry(client: Api, thing: Any) -> None:
    with pytest.raises(InvalidRequest, match="CorrectionOutcomeUnknown"):
        client.call("reconcile", thing)


LONGEST = timedelta(days=3650)


@pytest.mark.parametrize("age", [timedelta(0), LONGEST])
def test_an_age_from_none_to_ten_years_is_taken(
    client: Api, fake: FakeTogai, ledger: Ledger, age: timedelta
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, "UNDO", acts=False)
    assert client.call("reconcile", entry, min_age=age).entry == entry


@pytest.mark.parametrize(
    "age", [timedelta(microseconds=-1), LONGEST + timedelta(microseconds=1), 600, None]
)
def test_an_age_that_is_none_is_refused(
    client: Api, fake: FakeTogai, ledger: Ledger, age: Any
) -> None:
    fake.add_many(1)
    entry = lost(client, fake, ledger, "UNDO", acts=False)
    with pytest.raises(InvalidRequest, match="min_age"):
        client.call("reconcile", entry, min_age=age)
    other = client.call("reconcile", entry)
    with pytest.raises(InvalidRequest, match="does not belong to entry"):
        ledger.settle(next(iter(ledger.history())), other)


@pytest.mark.parametrize("action", ["UNDO", "REDO_EVENT"])
def test_a_correction_is_no_older_than_the_entry_before_it(
    client: Api, fake: FakeTogai, ledger: Ledger, later: Later, action: str
) -> None:
    """As after a clock that went back, and was then set right."""
    fake.add_many(1)
    ledger.approve("a" * 64, who="bob", why="an entry at the right time")
    later(days=-2)
    entry = lost(client, fake, ledger, action, acts=False)
    later(minutes=9)
    reconciliation = client.call("reconcile", entry)
    assert reconciliation.verdict == "cannot tell"
    assert reconciliation.check_after is not None
    assert reconciliation.check_after > datetime.now(UTC)


def test_an_event_that_was_read_under_an_alias_is_compared_by_its_properties(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a bump that renamed a property: the events that are read show either name."""

    def renamed(model: type) -> list[Field]:
        return [
            evolve(field, aliases=("account",)) if field.name == "account_id" else field
            for field in fields(model)
        ]

    monkeypatch.setattr(_correction, "fields", renamed)
    payload = make(Event, account_id="acme").to_dict()
    alias = {"account" if name == "accountId" else name: value for name, value in payload.items()}
    assert _correction.comparable(alias) == _correction.comparable(payload)
    assert _correction.comparable({**alias, "account": "b"}) != _correction.comparable(payload)
