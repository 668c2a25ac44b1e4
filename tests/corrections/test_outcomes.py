"""Each outcome of an item of a plan, whole; and what a one-off correction refuses to lock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from togai import InvalidRequest, Replace, Undo, with_quantities
from togai.corrections import Ledger
from togai.errors import (
    AlreadyCorrected,
    AlreadyPending,
    BadRequest,
    CorrectionOutcomeUnknown,
    EventNotFound,
    StaleReading,
)
from togai.testing import FakeTogai

from ..conftest import Api, Connect

AT = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db", create=True, who="ann")


@pytest.fixture
def client(connect: Connect, url: str, ledger: Ledger) -> Any:
    with connect(base_url=url, ledger=ledger, max_retries=0) as api:
        yield api


def planned(client: Api, fake: FakeTogai, ledger: Ledger, item: Callable[[Any], Any] = Undo) -> Any:
    fake.add_many(1)
    plan = client.call("plan", [item(client.call("find", "acme")[0])])
    ledger.approve(plan.digest, who="bob", why="ok")
    return plan


def changed(event: Any) -> Replace:
    return Replace(event, with_quantities(event, {"distance": 7}))


def unknown(client: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=502, method="POST")


def failed(client: Api, fake: FakeTogai) -> None:
    fake.refuse_next(reason="a past cycle")


def refused(client: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=400, method="POST")


def another_status(client: Api, fake: FakeTogai) -> None:
    fake.events[0].status = "INGESTION_FAILED"


def corrected(client: Api, fake: FakeTogai) -> None:
    client.call("undo", account_id="acme", reference_id="ref-1")


def pending(client: Api, fake: FakeTogai) -> None:
    unknown(client, fake)
    with pytest.raises(CorrectionOutcomeUnknown):
        corrected(client, fake)


# What happens, the outcome, the error, part of the detail, whether there is an entry, requests that are sent.
OUTCOMES: list[tuple[Any, str, type | None, str, bool, list[str]]] = [
    (unknown, "unknown", CorrectionOutcomeUnknown, "502", True, ["GET", "POST"]),
    (failed, "failed", None, "a past cycle", True, ["GET", "POST"]),
    (refused, "not applied", BadRequest, "400", False, ["GET", "POST"]),
    (another_status, "changed", StaleReading, "status was", False, ["GET"]),
    (corrected, "corrected elsewhere", AlreadyCorrected, "already", True, []),
    (pending, "open", AlreadyPending, "open", True, []),
]


@pytest.mark.parametrize(
    ("happens", "outcome", "error", "detail", "entry", "sent"),
    OUTCOMES,
    ids=[row[0].__name__ for row in OUTCOMES],
)
def test_a_step_shows_all_of_its_outcome(
    client: Api,
    fake: FakeTogai,
    ledger: Ledger,
    happens: Callable[[Api, FakeTogai], None],
    outcome: str,
    error: type | None,
    detail: str,
    entry: bool,
    sent: list[str],
) -> None:
    plan = planned(client, fake, ledger)
    happens(client, fake)
    before = len(fake.requests)
    (step,) = client.call("execute", plan).steps
    assert [request.method for request in fake.requests[before:]] == sent
    assert (str(step.outcome), step.number, step.total) == (outcome, 1, 1)
    assert (step.item, step.earlier, step.replacement) == (plan.items[0], False, None)
    assert type(step.error) is (error or type(None))
    assert detail in step.detail
    assert (step.entry is not None) == entry
    if step.entry is not None:
        assert step.entry.target == "ref-1"


@pytest.mark.parametrize("item", [Undo, changed])
def test_an_item_that_was_applied_shows_its_entry_and_replacement_now_and_later(
    client: Api, fake: FakeTogai, ledger: Ledger, item: Any
) -> None:
    plan = planned(client, fake, ledger, item)
    (step,) = client.call("execute", plan).steps
    replacement = None if item is Undo else "ref-2"
    assert (str(step.outcome), step.replacement, step.earlier) == ("applied", replacement, False)
    assert step.entry == next(one for one in ledger.history() if one.kind == "intent")
    before = len(fake.requests)
    (again,) = client.call("execute", plan).steps
    assert len(fake.requests) == before
    assert (str(again.outcome), again.replacement, again.earlier) == ("applied", replacement, True)
    assert (again.entry.kind, again.entry.intent) == ("applied", step.entry.id)
    assert again.detail


@pytest.mark.parametrize(
    ("happens", "outcome", "kind"), [(unknown, "open", "intent"), (failed, "failed", "failed")]
)
def test_an_item_that_was_not_applied_shows_its_entry_later(
    client: Api, fake: FakeTogai, ledger: Ledger, happens: Any, outcome: str, kind: str
) -> None:
    plan = planned(client, fake, ledger)
    happens(client, fake)
    client.call("execute", plan)
    before = len(fake.requests)
    (again,) = client.call("execute", plan).steps
    assert len(fake.requests) == before
    assert (str(again.outcome), again.earlier, again.entry.kind) == (outcome, True, kind)


def test_what_is_left_out_of_a_plan_is_counted(client: Api, fake: FakeTogai) -> None:
    fake.add_many(3)
    events = client.call("find", "acme")
    client.call("undo", events[0])
    plan = client.call("plan", map(Undo, events))
    assert [left.reference_id for left in plan.left_out] == ["ref-1"]
    assert len(plan.items) == 2
    assert any(str(warning).startswith("1 ") for warning in plan.warnings)


@pytest.mark.parametrize("name", ["reference_ids", "event_ids"])
@pytest.mark.parametrize("wrong", ["ref-1", 5, [5], [""], ["a", None]])
def test_ids_that_are_no_list_of_text_are_refused(client: Api, name: str, wrong: Any) -> None:
    with pytest.raises(InvalidRequest, match=name):
        client.call("find", "acme", **{name: wrong})


# What a one-off correction locks.


def test_nothing_is_sent_for_what_is_not_found(client: Api, fake: FakeTogai) -> None:
    fake.add_many(1)
    (event,) = client.call("find", "acme")
    fake.events.clear()
    with pytest.raises(EventNotFound):
        client.call("undo", account_id="acme", event_id="event-1")
    with pytest.raises(InvalidRequest, match="no event"):
        client.call("undo", account_id="acme", event_source_time=AT)
    fake.change_next(lambda body: {**body, "events": []}, method="GET")
    with pytest.raises((StaleReading, EventNotFound)):
        client.call("undo", event)
    fake.assert_not_sent("POST", "/events/correction")


@pytest.mark.parametrize("count", [30, 31])
def test_at_most_30_events_are_locked_at_once(
    client: Api, fake: FakeTogai, ledger: Ledger, count: int
) -> None:
    for _ in range(count):
        fake.add(id="same", timestamp=AT.isoformat())
    if count > 30:
        with pytest.raises(InvalidRequest, match="31 events match"):
            client.call("undo", account_id="acme", event_source_time=AT)
        fake.assert_not_sent("POST", "/events/correction")
        return
    client.call("undo", account_id="acme", event_source_time=AT)
    assert {entry.target for entry in ledger.history()} == {f"ref-{n}" for n in range(1, 31)}


def test_an_event_without_a_reference_id_is_not_corrected_with_others(
    client: Api, fake: FakeTogai
) -> None:
    for _ in range(2):
        fake.add(timestamp=AT.isoformat())

    def hide(event: Any) -> Any:
        if event["referenceId"] == "ref-2":
            del event["referenceId"]
        return event

    fake.change_events(hide)
    with pytest.raises(InvalidRequest, match="no reference id"):
        client.call("undo", account_id="acme", event_source_time=AT)
    fake.assert_not_sent("POST", "/events/correction")


@pytest.mark.parametrize(
    ("where", "single"),
    [
        ({"whole_account": True}, False),
        ({"event_id": "event-1", "background": True}, False),
        ({"event_source_time": AT, "background": True}, False),
        ({"event_id": "event-1"}, True),
        ({"event_source_time": AT}, True),
    ],
)
def test_a_wide_correction_is_read_first_but_locked_as_an_account(
    client: Api, fake: FakeTogai, ledger: Ledger, where: dict[str, Any], single: bool
) -> None:
    fake.add(id="event-1", timestamp=AT.isoformat())
    fake.add(id="event-2", timestamp=(AT + timedelta(hours=1)).isoformat())
    client.call("undo", account_id="acme", **where)
    methods = [request.method for request in fake.requests]
    assert methods == ["GET", "POST"]
    targets = {entry.target for entry in ledger.history() if entry.kind == "intent"}
    assert targets == ({"ref-1"} if single else {None})
