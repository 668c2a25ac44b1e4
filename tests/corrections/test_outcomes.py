"""Each outcome of an item of a plan, whole; and what a one-off correction refuses to lock."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from togai import InvalidRequest, Redo, Replace, Togai, Undo, _plans, _reconciling, with_quantities
from togai._storage.records import Records
from togai.corrections import Ledger, Plan
from togai.errors import (
    AlreadyCorrected,
    AlreadyPending,
    BadRequest,
    ConfigurationError,
    CorrectionOutcomeUnknown,
    EventNotFound,
    LedgerBusy,
    LedgerDamaged,
    NotApproved,
    StaleReading,
    TimedOut,
)
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api

AT = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


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


@pytest.mark.parametrize("item", [Undo, Redo, changed])
def test_an_item_that_was_applied_shows_its_entry_and_replacement_now_and_later(
    client: Api, fake: FakeTogai, ledger: Ledger, item: Any
) -> None:
    plan = planned(client, fake, ledger, item)
    sent = len(fake.requests)
    (step,) = client.call("execute", plan).steps
    methods = [request.method for request in fake.requests[sent:]]
    assert methods == ["GET", "POST", *([] if item is Undo else ["GET"])]
    replacement = "ref-2" if item is changed else None
    assert (str(step.outcome), step.replacement, step.earlier) == ("applied", replacement, False)
    assert step.entry == next(one for one in ledger.history() if one.kind == "intent")
    before = len(fake.requests)
    (again,) = client.call("execute", plan).steps
    assert len(fake.requests) == before
    assert (str(again.outcome), again.replacement, again.earlier) == ("applied", replacement, True)
    assert (again.entry.kind, again.entry.intent) == ("applied", step.entry.id)
    assert again.detail


def test_a_plan_that_is_changed_while_it_is_executed_is_sent_as_it_was_approved(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(2)
    plan = client.call("plan", [changed(event) for event in client.call("find", "acme")])
    ledger.approve(plan.digest, who="bob", why="ok")

    def change(_step: Any) -> None:
        plan.items[1].event.attributes[0].value = "999"

    assert client.call("execute", plan, on_step=change).is_complete
    sent = [request.json()["event"] for request in fake.requests if request.method == "POST"]
    assert [event["attributes"][0]["value"] for event in sent] == ["7", "7"]


def test_the_digest_of_a_plan_is_computed_once_for_all_items(
    client: Api, fake: FakeTogai, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(3)
    plan = client.call("plan", list(map(Undo, client.call("find", "acme"))))
    digest = plan.digest
    ledger.approve(digest, who="bob", why="ok")
    computed = itertools.count()
    monkeypatch.setattr(Plan, "digest", property(lambda _plan: (digest, next(computed))[0]))
    assert client.call("execute", plan).is_complete
    assert next(computed) == 1


def test_the_replacement_of_an_equal_event_is_not_taken_for_that_of_an_item(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(1)
    fake.add_many(1)
    plan = client.call("plan", [changed(event) for event in client.call("find", "acme")])
    ledger.approve(plan.digest, who="bob", why="ok")
    # Reads show the first replacement when the second correction was sent, but not the second replacement.
    fake.lag_reads(requests=3)
    assert client.call("execute", plan).replacements == {}
    fake.lag_reads()
    assert client.call("execute", plan).replacements == {}


def test_a_reverted_event_with_the_same_id_does_not_hide_a_replacement(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(1)
    fake.events[0].status = "REVERTED"
    fake.add_many(1)
    (event,) = client.call("find", "acme", reference_ids=["ref-2"])
    plan = client.call("plan", [changed(event)])
    ledger.approve(plan, who="bob", why="ok")
    assert client.call("execute", plan).replacements == {"ref-2": "ref-3"}


def test_the_states_of_all_items_are_read_once(
    client: Api, fake: FakeTogai, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(3)
    plan = client.call("plan", map(Undo, client.call("find", "acme")))
    ledger.approve(plan, who="bob", why="ok")
    real, read = Records.states, list[str]()

    def states(records: Records, digest: str) -> Any:
        read.append(digest)
        return real(records, digest)

    monkeypatch.setattr(Records, "states", states)
    assert len(client.call("execute", plan).steps) == 3
    assert read == [plan.digest]


def another(payload: Any = None, **changes: Any) -> Callable[[Any], None]:
    """Adds a new event to what is read; by default it equals the newest one."""

    def added(body: Any) -> None:
        newest = body["events"][-1]
        own = {**newest["eventPayload"], **(payload or {})}
        body["events"].append({**newest, "referenceId": "ref-9", "eventPayload": own, **changes})

    return added


@pytest.mark.parametrize(
    ("item", "reading", "replacement"),
    [
        (changed, another({"dimensions": {"city": "Pune"}}), "ref-2"),
        (changed, another(eventPayload=None), "ref-2"),
        (changed, another(), None),
        (changed, lambda body: body["events"].clear(), None),
        (changed, lambda body: body["events"].pop() and None, None),
        (changed, None, None),
        # The in-memory service ingests the same event again, under its own reference id.
        (Redo, another(), "ref-9"),
        (Redo, another({"dimensions": {"city": "Pune"}}), None),
        (Redo, another(eventPayload=None), None),
        (Redo, None, None),
    ],
)
def test_a_replacement_is_named_only_if_exactly_one_new_event_equals_it(
    client: Api,
    fake: FakeTogai,
    ledger: Ledger,
    item: Any,
    reading: Any,
    replacement: str | None,
) -> None:
    plan = planned(client, fake, ledger, item)
    if reading is None:
        fake.fail_next(status=503, method="GET", skip=1)
    else:
        fake.change_next(reading, method="GET", skip=1)
    (step,) = client.call("execute", plan).steps
    assert (str(step.outcome), step.replacement) == ("applied", replacement)
    assert client.call("execute", plan).steps[0].replacement == replacement


@pytest.mark.parametrize(
    ("happens", "outcome", "kind", "detail"),
    [(unknown, "open", "intent", "entry 2: intent UNDO"), (failed, "failed", "failed", "a past")],
)
def test_an_item_that_was_not_applied_shows_its_entry_later(
    client: Api,
    fake: FakeTogai,
    ledger: Ledger,
    happens: Any,
    outcome: str,
    kind: str,
    detail: str,
) -> None:
    plan = planned(client, fake, ledger)
    happens(client, fake)
    client.call("execute", plan)
    before = len(fake.requests)
    (again,) = client.call("execute", plan).steps
    assert len(fake.requests) == before
    assert (str(again.outcome), again.earlier, again.entry.kind) == (outcome, True, kind)
    assert detail in again.detail


@pytest.mark.parametrize("outcome", ["applied", "failed", "open"])
def test_an_item_that_another_process_sends_meanwhile_shows_its_outcome(
    client: Api, fake: FakeTogai, ledger: Ledger, url: str, outcome: str
) -> None:
    fake.add_many(3)
    plan = client.call("plan", map(Undo, client.call("find", "acme")))
    ledger.approve(plan, who="bob", why="ok")

    def execute(step: Any) -> None:
        if step.number == 1:
            if outcome == "open":
                fake.fail_next(status=502, method="POST")
            elif outcome == "failed":
                fake.refuse_next()
            with Togai(TOKEN, base_url=url, ledger=str(ledger), max_retries=0) as other:
                other.events.execute(plan, limit=1)

    # What the other process sent neither counts for the limit nor stops this execution.
    _, step, last = client.call("execute", plan, on_step=execute, limit=2).steps
    assert (str(step.outcome), step.earlier, step.error) == (outcome, True, None)
    assert step.entry.target == "ref-2"
    assert (str(last.outcome), last.earlier) == ("applied", False)
    assert len([request for request in fake.requests if request.method == "POST"]) == 3


ERRORS = [
    (LedgerBusy("ledger.db", 1.0), True),
    (LedgerDamaged("ledger.db", ["entry 1"]), True),
    (NotApproved("a" * 64), True),
    (ConfigurationError("no ledger"), True),
    (TimedOut("too late"), False),
]


@pytest.mark.parametrize(
    ("error", "ends"), ERRORS, ids=[type(error).__name__ for error, _ in ERRORS]
)
@pytest.mark.parametrize("on_failure", ["stop", "continue"])
def test_what_holds_for_every_item_ends_an_execution(
    client: Api,
    fake: FakeTogai,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    ends: bool,
    on_failure: str,
) -> None:
    fake.add_many(2)
    plan = client.call("plan", map(Undo, client.call("find", "acme")))
    ledger.approve(plan, who="bob", why="ok")

    def refused(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Records, "begin", refused)
    first, second = client.call("execute", plan, on_failure=on_failure).steps
    assert (str(first.outcome), first.error) == ("not applied", error)
    left = ends or on_failure == "stop"
    assert second.outcome == ("not reached" if left else "not applied")


@pytest.mark.slow
@pytest.mark.parametrize(("items", "listings"), [(50, 1), (51, 2)])
def test_one_listing_serves_50_items_without_an_id(
    client: Api, fake: FakeTogai, ledger: Ledger, items: int, listings: int
) -> None:
    fake.add_many(items, prefix=None)
    fake.add_many(1, prefix=None, account_id="globex")
    events = [event for name in ("acme", "globex") for event in client.call("find", name)]
    plan = client.call("plan", map(Undo, events))
    ledger.approve(plan, who="bob", why="ok")
    fake.change_events(lambda event: event["ingestionStatus"].update(status="INGESTION_FAILED"))
    before = len(fake.requests)
    execution = client.call("execute", plan, on_failure="continue")
    assert {str(step.outcome) for step in execution} == {"changed"}
    first = [request for request in fake.requests[before:] if "nextToken" not in request.query]
    names = [request.query["account_id"] for request in first]
    assert names == ["acme"] * listings + ["globex"]


@pytest.mark.parametrize("events", [1, 2])
def test_a_replacement_without_an_id_is_not_looked_up(
    client: Api, fake: FakeTogai, ledger: Ledger, events: int
) -> None:
    fake.add_many(events, prefix=None)
    plan = client.call("plan", map(changed, client.call("find", "acme")))
    ledger.approve(plan, who="bob", why="ok")
    before = len(fake.requests)
    assert client.call("execute", plan).replacements == {}
    methods = [request.method for request in fake.requests[before:]]
    assert methods == ["GET", *["POST"] * events]


def test_items_of_two_accounts_share_no_listing(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    for number in range(3):
        for name in ("acme", "globex"):
            fake.add(id=f"{name}-1" if number == 1 else None, account_id=name)
    found = [client.call("find", name) for name in ("acme", "globex")]
    events = [event for pair in zip(*found, strict=True) for event in pair]
    plan = client.call("plan", map(Undo, events))
    ledger.approve(plan, who="bob", why="ok")
    execution = client.call("execute", plan)
    assert [step.item.selection.account_id for step in execution] == ["acme", "globex"] * 3
    assert [step.number for step in execution] == [1, 2, 3, 4, 5, 6]
    assert execution.is_complete
    assert len(fake.applied) == 6


def test_a_plan_says_when_it_was_created_to_the_second(client: Api, fake: FakeTogai) -> None:
    fake.add_many(1)
    plan = client.call("plan", [Undo(client.call("find", "acme")[0])])
    created_at = datetime.fromisoformat(plan.created_at)
    assert len(plan.created_at) == len("2024-12-04T07:30:35+00:00")
    assert timedelta(0) <= datetime.now(UTC) - created_at < timedelta(minutes=1)


def test_a_plan_sends_only_the_properties_of_the_contract(client: Api, fake: FakeTogai) -> None:
    fake.add_many(1)
    (event,) = client.call("find", "acme")
    replacement = with_quantities(event, {"distance": 7})
    replacement.additional_properties["price"] = "0"
    plan = client.call("plan", [Replace(event, replacement)])
    assert plan.items[0].event.additional_properties == {}


NOT_COUNTS: list[Any] = [0, -1, True, 1.5, "5"]


@pytest.mark.parametrize("wrong", NOT_COUNTS)
def test_a_number_of_events_or_items_is_1_or_more(
    client: Api, fake: FakeTogai, ledger: Ledger, wrong: Any
) -> None:
    plan = planned(client, fake, ledger)
    with pytest.raises(InvalidRequest, match="limit="):
        client.call("execute", plan, limit=wrong)
    with pytest.raises(InvalidRequest, match="max_events="):
        client.call("find", "acme", max_events=wrong)
    unknown(client, fake)
    client.call("execute", plan, limit=1)
    (entry,) = ledger.pending()
    with pytest.raises(InvalidRequest, match="max_events="):
        client.call("reconcile", entry, max_events=wrong)
    assert client.call("find", "acme", max_events=1)


@pytest.mark.parametrize(("module", "method"), [(_plans, "find"), (_reconciling, "reconcile")])
def test_a_call_reads_100_000_events_by_default(
    client: Api, monkeypatch: pytest.MonkeyPatch, module: ModuleType, method: str
) -> None:
    def steps(*_: Any, max_events: int, **__: Any) -> Generator[Any, Any, int]:
        return max_events
        yield

    monkeypatch.setattr(module, method, steps)
    assert client.call(method, "acme") == 100_000


@pytest.mark.parametrize(("count", "counted"), [(0, ""), (1, "1 event"), (2, "2 events")])
def test_what_is_left_out_of_a_plan_is_counted(
    client: Api, fake: FakeTogai, count: int, counted: str
) -> None:
    fake.add_many(3)
    events = client.call("find", "acme")
    for event in events[:count]:
        client.call("undo", event)
    plan = client.call("plan", map(Undo, events))
    assert [left.reference_id for left in plan.left_out] == ["ref-1", "ref-2"][:count]
    assert len(plan.items) == 3 - count
    warnings = [text for text in plan.warnings if "left out" in text]
    assert warnings == ([f"left out: {counted}, listed above"] if count else [])


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


def test_a_cause_that_is_a_sentence_ends_with_one_period(
    api: Api, fake: FakeTogai, caplog: pytest.LogCaptureFixture
) -> None:
    fake.add(id="ride-1")
    read = api.call("get", "ride-1")
    fake.drop_next(method="POST")
    with pytest.raises(CorrectionOutcomeUnknown) as caught:
        api.call("undo", read)
    assert f"{caught.value.cause}. It was not sent again" in str(caught.value)
    assert f"{caught.value.cause}; there is no ledger" in caplog.text
    assert not caught.value.cause.endswith(".")
