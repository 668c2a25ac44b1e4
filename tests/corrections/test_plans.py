"""Plans: data that a person approves; each item is sent once, however often and by whomever the plan is executed."""

from __future__ import annotations

import json
import shutil
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from togai import (
    AlreadyCorrected,
    AlreadyPending,
    ConfigurationError,
    CorrectionOutcomeUnknown,
    FilterIgnored,
    InvalidRequest,
    LedgerDamaged,
    NotApproved,
    PlanIncomplete,
    Redo,
    Replace,
    Togai,
    Undo,
    _plans,
    with_quantities,
)
from togai.corrections import Ledger, Plan
from togai.corrections._plan import corrections_of
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api, Connect

REFUSALS = [400, 401, 403, 404, 405, 407, 411, 413, 414, 415, 422, 429, 431]
OTHERS = [201, 202, 204, 302, 402, 406, 408, 409, 410, 418, 425, 428, 451, 499, 500, 503, 520]


pytestmark = pytest.mark.usefixtures("corrects_reverted")


def approved(api: Api, ledger: Ledger, items: Any, **more: Any) -> Plan:
    plan: Plan = api.call("plan", items, **more)
    ledger.approve(plan.digest, who="bob", why="looks right")
    return plan


def outcomes(execution: Any) -> list[str]:
    return [str(step.outcome) for step in execution]


def test_a_plan_does_not_block_the_event_loop(
    client: Api, fake: FakeTogai, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def read(items: list[Any]) -> Any:
        threads.append(threading.current_thread())
        return corrections_of(items)

    monkeypatch.setattr(_plans, "corrections_of", read)
    fake.add_many(2, account_id="acme")
    plan = client.call("plan", map(Undo, client.call("find", "acme")))
    assert len(plan) == 2
    assert (threads != [threading.main_thread()]) == client.is_async


@pytest.mark.parametrize("event_id", [".", "..", "correction", " ", "a/b", "?", "%2e"])
def test_an_event_is_corrected_whatever_its_id(
    client: Api, fake: FakeTogai, ledger: Ledger, event_id: str
) -> None:
    fake.add(id=event_id)
    (event,) = client.call("find", "acme")
    plan = approved(client, ledger, [Replace(event, with_quantities(event, {"distance": 7}))])
    fake.fail_next(status=502, acts=True, method="POST")
    assert outcomes(client.call("execute", plan)) == ["unknown"]
    (entry,) = ledger.pending()
    assert client.call("reconcile", entry).verdict == "applied"


def test_find_reads_one_listing_and_names_the_missing(client: Api, fake: FakeTogai) -> None:
    fake.add_many(120)
    fake.overlap_pages(1)
    events = client.call("find", "acme", reference_ids=["ref-3", "ref-77", "ref-999"])
    assert [event.reference_id for event in events] == ["ref-3", "ref-77"]
    assert events.missing == ("ref-999",)
    assert events.is_complete
    assert len(fake.requests) == 3


def test_find_returns_an_event_of_two_pages_once(client: Api, fake: FakeTogai) -> None:
    fake.add_many(120)
    fake.overlap_pages(1)
    assert len(client.call("find", "acme")) == 120


def test_find_that_stops_at_max_events_is_not_complete(client: Api, fake: FakeTogai) -> None:
    fake.add_many(60)
    part = client.call("find", "acme", max_events=50)
    assert (len(part), part.is_complete) == (50, False)


def test_find_chooses_by_time_status_and_event_id(client: Api, fake: FakeTogai) -> None:
    fake.add_many(20)
    event = client.call("find", "acme")[10]
    moment, status = event.event_payload.timestamp, str(event.ingestion_status.status)
    assert len(client.call("find", "acme", since=moment, where=lambda event: True)) == 10
    assert len(client.call("find", "acme", until=moment, status=status)) == 10
    assert len(client.call("find", "acme", event_ids=["event-5"])) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"reference_ids": "ref-1"},
        {"reference_ids": [1]},
        {"event_ids": [""]},
        {"reference_ids": ["ref-1", " "]},
        {"since": "2024-01-01"},
        {"max_events": 0},
        {"max_events": True},
    ],
)
def test_find_refuses_what_cannot_be_meant(client: Api, fake: FakeTogai, wrong: Any) -> None:
    with pytest.raises(InvalidRequest):
        client.call("find", "acme", **wrong)
    assert not fake.requests


def test_find_refuses_an_account_that_is_none_instead_of_reading_all(
    client: Api, fake: FakeTogai
) -> None:
    with pytest.raises(InvalidRequest, match="account_id is None"):
        client.call("find", None)
    assert not fake.requests


def test_a_plan_is_data_and_sends_nothing(
    client: Api, fake: FakeTogai, ledger: Ledger, tmp_path: Path
) -> None:
    fake.add_many(3)
    events = client.call("find", "acme")
    corrected = with_quantities(events[2], {"distance": Decimal("0.35")})
    plan = client.call(
        "plan", [Undo(events[0]), Redo(events[1]), Replace(events[2], corrected)], why="meter 7"
    )
    assert {request.method for request in fake.requests} == {"GET"}
    assert plan.totals == {"distance (Kilometers)": (Decimal("7.5"), Decimal("2.85"))}
    text = str(plan)
    assert max(map(len, text.splitlines())) <= 80
    for part in ("meter 7", "ref-1", "UNDO", "3.5 -> 0.35", "7.5 -> 2.85", "tenfold", plan.digest):
        assert part in text
    plan.save(tmp_path / "plan.json")
    loaded = Plan.load(tmp_path / "plan.json")
    assert loaded == plan
    assert loaded.digest == plan.digest
    assert (tmp_path / "plan.json").stat().st_mode & 0o077 == 0


def test_a_number_with_many_digits_passes_through_a_saved_plan(
    client: Api, fake: FakeTogai, ledger: Ledger, tmp_path: Path
) -> None:
    digits = "0.1234567890123456789012345"

    def priced(body: Any) -> bytes:
        for event in body["events"]:
            event["eventPayload"]["price"] = digits
        return json.dumps(body).replace(f'"{digits}"', digits).encode()

    fake.add_many(1)
    fake.change_next(priced, method="GET", times=None)
    plan = client.call("plan", map(Undo, client.call("find", "acme")))
    plan.save(tmp_path / "plan.json")
    assert digits in (tmp_path / "plan.json").read_text()
    loaded = Plan.load(tmp_path / "plan.json")
    ledger.approve(loaded, who="bob", why="ok")
    assert [str(step.outcome) for step in client.call("execute", loaded)] == ["applied"]


def test_a_changed_plan_is_not_loaded(client: Api, fake: FakeTogai, tmp_path: Path) -> None:
    fake.add_many(1)
    path = tmp_path / "plan.json"
    client.call("plan", [Undo(client.call("find", "acme")[0])]).save(path)
    source = json.loads(path.read_text())
    source["items"][0]["selection"]["reference_id"] = "ref-2"
    path.write_text(json.dumps(source))
    with pytest.raises(InvalidRequest, match="was changed"):
        Plan.load(path)
    for text in ("", "[]", "{}", '{"format": 99}'):
        path.write_text(text)
        with pytest.raises(InvalidRequest):
            Plan.load(path)


def test_a_long_plan_shows_its_head_and_its_tail(client: Api, fake: FakeTogai) -> None:
    fake.add_many(100)
    plan = client.call("plan", [Undo(event) for event in client.call("find", "acme")])
    text = str(plan)
    assert "ref-20," in text
    assert "ref-21," not in text
    assert "75 more" in text
    assert "ref-100," in text


def test_an_id_with_escape_sequences_hides_nothing(client: Api, fake: FakeTogai) -> None:
    fake.add(id="a\x1b[2K\rb\u202e", reference_id="ref\n-1")
    text = str(client.call("plan", [Undo(client.call("find", "acme")[0])]))
    assert text.replace("\n", "").isprintable()
    assert "\\x1b[2K\\rb\\u202e" in text
    assert "ref\\n-1" in text


def test_warnings_name_what_a_person_should_look_at(client: Api, fake: FakeTogai) -> None:
    fake.add(id="failed", status="INGESTION_FAILED_UNITS_INVALID")
    fake.add(id="running", status="INGESTION_IN_PROGRESS")
    fake.add()
    fake.add(id="b", account_id="other")
    fake.add(id="c", attributes=[{"name": "a", "value": "1"}, {"name": "b", "value": "2"}])
    events = [*client.call("find", "acme"), *client.call("find", "other")]
    last = events[3]
    smaller = with_quantities(last, {"a": -1})
    del smaller.attributes[1:]
    items = [Undo(event) for event in (*events[:3], events[4])]
    with pytest.raises(InvalidRequest, match="lacks b"):
        client.call("plan", [Replace(last, smaller)])
    plan = client.call("plan", [*items, Replace(last, smaller, allow_removed=True)])
    joined = "\n".join(plan.warnings)
    for part in (
        "have failed ingestion",
        "still being",
        "have no id",
        "2 accounts",
        "lose an attribute",
        "negative",
    ):
        assert part in joined


def test_reverted_and_corrected_events_are_left_out_and_listed(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(4)
    events = client.call("find", "acme")
    client.call("undo", events[0])
    fake.fail_next(status=502, method="POST")
    client.call("execute", approved(client, ledger, [Undo(events[1])]))
    fake.events[2].status = "REVERTED"
    stale = [events[0], events[1], client.call("find", "acme")[2], events[3]]
    plan = client.call("plan", [Undo(event) for event in stale])
    assert [item.selection.reference_id for item in plan.items] == ["ref-4"]
    reasons = {skipped.reference_id: skipped.reason for skipped in plan.left_out}
    assert "corrected already" in reasons["ref-1"]
    assert "open" in reasons["ref-2"]
    assert "REVERTED" in reasons["ref-3"]


def test_the_same_event_twice_is_merged_or_refused(client: Api, fake: FakeTogai) -> None:
    fake.add_many(1)
    event = client.call("find", "acme")[0]
    assert len(client.call("plan", [Undo(event), Undo(event)])) == 1
    with pytest.raises(InvalidRequest, match="twice"):
        client.call("plan", [Undo(event), Redo(event)])
    for wrong in ([event], [None], "ref-1", 5):
        with pytest.raises(InvalidRequest):
            client.call("plan", wrong)


def test_one_event_under_an_account_and_its_alias_is_corrected_once(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add(id="a", account_id="acme-eu")
    (by_account,) = client.call("find", "acme")
    (by_alias,) = client.call("find", "acme-eu")
    plan = approved(client, ledger, [Undo(by_account, account_id="acme")])
    assert "acme (shown as acme-eu)" in str(plan)
    assert client.call("execute", plan).is_complete
    with pytest.raises(InvalidRequest, match="twice"):
        client.call("plan", [Undo(by_account, account_id="acme"), Undo(by_alias)])
    client.call("execute", approved(client, ledger, [Undo(by_alias)]))
    assert fake.applied == {"ref-1": 1}


def test_a_plan_needs_a_ledger_and_an_approval(
    connect: Connect, fake: FakeTogai, url: str, client: Api, ledger: Ledger, tmp_path: Path
) -> None:
    fake.add_many(1)
    event = client.call("find", "acme")[0]
    with connect(base_url=url) as without:
        with pytest.raises(ConfigurationError, match="create=True"):
            without.call("plan", [Undo(event)])
    plan = client.call("plan", [Undo(event)])
    with pytest.raises(NotApproved):
        client.call("execute", plan)
    ledger.approve(plan.digest, who="bob", why="ok")
    other = Ledger(tmp_path / "other.db", create=True)
    other.approve(plan.digest, who="bob", why="ok")
    with pytest.raises(InvalidRequest, match="does not belong to the ledger"):
        client.call("execute", plan, ledger=other)
    with pytest.raises(InvalidRequest, match="execute takes a Plan"):
        client.call("execute", "plan.json")
    for wrong in ({"on_failure": "ignore"}, {"limit": 0}, {"limit": True}):
        with pytest.raises(InvalidRequest):
            client.call("execute", plan, **wrong)
    with connect(base_url=url.replace("127.0.0.1", "127.0.0.2"), ledger=ledger) as elsewhere:
        with pytest.raises(InvalidRequest, match="the plan is for"):
            elsewhere.call("execute", plan)
    assert not fake.corrections


def test_a_ledger_that_is_older_than_the_plan_is_refused(
    client: Api, fake: FakeTogai, ledger: Ledger, tmp_path: Path
) -> None:
    fake.add_many(2)
    events = client.call("find", "acme")
    backup = (tmp_path / "ledger.db").read_bytes()
    client.call("undo", events[0])
    plan = client.call("plan", [Undo(events[1])])
    (tmp_path / "ledger.db").write_bytes(backup)
    ledger.approve(plan.digest, who="bob", why="ok")
    with pytest.raises(LedgerDamaged, match="backup"):
        client.call("execute", plan)


def test_a_trailing_slash_is_the_same_service(
    connect: Connect, fake: FakeTogai, url: str, client: Api, ledger: Ledger
) -> None:
    fake.add_many(1)
    plan = approved(client, ledger, [Undo(client.call("find", "acme")[0])])
    with connect(base_url=f"{url.upper().replace('HTTP', 'http')}/", ledger=ledger) as other:
        assert other.call("execute", plan).is_complete
        assert other.call("execute", plan).is_complete
    assert fake.applied == {"ref-1": 1}


def test_the_names_of_the_loopback_address_are_the_same_service(
    connect: Connect, fake: FakeTogai, url: str, client: Api, ledger: Ledger
) -> None:
    fake.add_many(1)
    fake.correct_reverted()
    (event,) = client.call("find", "acme")
    assert client.call("undo", event).succeeded
    with connect(base_url=url.replace("127.0.0.1", "localhost"), ledger=ledger) as other:
        with pytest.raises(AlreadyCorrected):
            other.call("undo", event, allow_reverted=True)
    assert fake.applied == {"ref-1": 1}


@pytest.mark.parametrize("prefix", ["event", None])
def test_executing_again_continues_and_sends_nothing_twice(
    client: Api, fake: FakeTogai, ledger: Ledger, prefix: str | None
) -> None:
    fake.add_many(7, prefix=prefix)
    plan = approved(client, ledger, [Undo(event) for event in client.call("find", "acme")])
    seen: list[Any] = []
    assert outcomes(client.call("execute", plan, limit=2, on_step=seen.append)) == [
        *["applied"] * 2,
        *["not reached"] * 5,
    ]
    assert [step.number for step in seen] == [1, 2]
    assert client.call("execute", plan, limit=2).of("not reached")
    assert client.call("execute", plan).is_complete
    again = client.call("execute", plan).raise_for_failures()
    assert all(step.earlier for step in again)
    assert set(fake.applied.values()) == {1}
    assert len(fake.applied) == 7
    assert ledger.pending() == []


def test_an_unknown_outcome_stops_and_is_not_sent_again(
    client: Api, fake: FakeTogai, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    fake.add_many(3)
    plan = approved(client, ledger, [Undo(event) for event in client.call("find", "acme")])
    fake.fail_next(status=502, acts=True, method="POST")
    execution = client.call("execute", plan)
    assert outcomes(execution) == ["unknown", "not reached", "not reached"]
    with pytest.raises(PlanIncomplete, match="1 unknown"):
        execution.raise_for_failures()
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.name == "togai"
    assert "\n" not in record.getMessage()
    for part in ("outcome unknown", "ref-1", "entry 2", "ledger.pending()"):
        assert part in record.getMessage()
    execution = client.call("execute", plan)
    assert outcomes(execution) == ["open", "applied", "applied"]
    with pytest.raises(PlanIncomplete) as caught:
        execution.raise_for_failures()
    assert caught.value.steps == (execution.steps[0],)
    (entry,) = ledger.pending()
    assert "502" in str(entry.cause)
    ledger.settle(entry, client.call("reconcile", entry))
    assert client.call("execute", plan).is_complete
    assert set(fake.applied.values()) == {1}


def test_a_refused_item_is_sent_again_and_a_failed_one_is_not(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(3)
    events = client.call("find", "acme")
    plan = approved(client, ledger, [Undo(event) for event in events])
    fake.fail_next(status=403, method="POST")
    fake.refuse_next(1)
    first = client.call("execute", plan, on_failure="continue")
    assert outcomes(first) == ["not applied", "failed", "applied"]
    second = client.call("execute", plan, on_failure="continue")
    assert outcomes(second) == ["applied", "failed", "applied"]
    assert fake.applied == {"ref-1": 1, "ref-3": 1}
    assert ledger.pending() == []


@pytest.mark.parametrize(
    ("status", "applied"),
    [(status, False) for status in REFUSALS] + [(status, True) for status in OTHERS],
)
def test_only_a_closed_list_of_refusals_is_certain(
    fake: FakeTogai, url: str, ledger: Ledger, status: int, applied: bool
) -> None:
    fake.add_many(1)
    with Togai(
        TOKEN, base_url=url, ledger=ledger, max_retries=0, requests_per_second=None
    ) as client:
        event = client.events.find("acme")[0]
        fake.fail_next(status=status, acts=applied, method="POST")
        plan = client.events.plan([Undo(event)])
        ledger.approve(plan.digest, who="bob", why="ok")
        (step,) = client.events.execute(plan)
    assert step.outcome == ("unknown" if applied else "not applied")
    assert len(ledger.pending()) == applied


def test_an_item_that_reads_differently_is_not_sent(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(4)
    plan = approved(client, ledger, [Undo(event) for event in client.call("find", "acme")])
    fake.events[0].status = "INGESTION_COMPLETED_EVENT_NOT_METERED"
    fake.events[1].payload["attributes"][0]["value"] = "99"
    fake.events[2].created_at = "2020-01-01T00:00:00Z"
    del fake.events[3]
    execution = client.call("execute", plan, on_failure="continue")
    assert outcomes(execution) == ["changed"] * 4
    assert not fake.corrections
    assert [entry.kind for entry in ledger.history()] == ["approved"]


def test_another_notation_is_not_a_change(client: Api, fake: FakeTogai, ledger: Ledger) -> None:
    fake.add_many(1)
    plan = approved(client, ledger, [Undo(client.call("find", "acme")[0])])

    def rewritten(event: Any) -> None:
        event["createdAt"] = event["createdAt"].replace("Z", "000+00:00")
        event["eventPayload"]["timestamp"] = "2024-01-01T05:35:00+05:30"
        event["eventPayload"]["attributes"][0]["value"] = "1.50"
        event["eventPayload"]["added"] = True

    fake.change_events(rewritten)
    assert client.call("execute", plan).is_complete


@pytest.mark.parametrize("change", ["wrong", "none", "two", "reverted", "status"])
def test_a_response_that_is_not_about_the_event_leaves_it_open(
    client: Api, fake: FakeTogai, ledger: Ledger, change: str
) -> None:
    fake.add_many(2)
    events = client.call("find", "acme")
    item: Any = Redo(events[0]) if change == "reverted" else Undo(events[0])
    plan = approved(client, ledger, [item])
    if change == "wrong":
        fake.wrong_event_next(method="POST")
    elif change == "none":
        fake.set_next("$.data", [], method="POST")
    elif change == "two":
        fake.change_next(lambda body: body["data"].append(body["data"][0]), method="POST")
    elif change == "reverted":
        fake.set_next("$.data[0].status", "REVERTED", method="POST")
    else:
        fake.set_next("$.data[0].status", "QUEUED", method="POST")
    (step,) = client.call("execute", plan)
    assert step.outcome == "unknown"
    assert [entry.target for entry in ledger.pending()] == ["ref-1"]


@pytest.mark.parametrize("undone", [False, True])
def test_a_failed_replacement_is_settled_only_if_the_event_is_unchanged(
    client: Api, fake: FakeTogai, ledger: Ledger, undone: bool
) -> None:
    fake.add_many(1)
    event = client.call("find", "acme")[0]
    plan = approved(client, ledger, [Replace(event, with_quantities(event, {"distance": 1}))])
    if undone:
        fake.set_next("$.data[0].status", "FAILED", method="POST")
    else:
        fake.refuse_next(1)
    (step,) = client.call("execute", plan)
    assert step.outcome == ("unknown" if undone else "failed")
    if undone:
        assert "reverted without a replacement" in step.detail
    assert len(ledger.pending()) == undone


def test_the_result_names_the_new_events(client: Api, fake: FakeTogai, ledger: Ledger) -> None:
    fake.add_many(2)
    events = client.call("find", "acme")
    items = [Replace(event, with_quantities(event, {"distance": 7})) for event in events]
    plan = approved(client, ledger, items)
    execution = client.call("execute", plan)
    assert execution.replacements == {"ref-1": "ref-3", "ref-2": "ref-4"}
    assert client.call("execute", plan).replacements == execution.replacements
    with pytest.raises(Exception, match="its replacement ref-3"):
        client.call("undo", events[0])


def test_another_persons_correction_is_not_repeated(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(3)
    events = client.call("find", "acme")
    fake.lag_reads(requests=1000)
    ann = approved(client, ledger, [Undo(event) for event in events])
    bob = approved(client, ledger, [Undo(event) for event in events[1:]], why="me too")
    assert client.call("execute", ann, limit=2).of("applied")
    assert outcomes(client.call("execute", bob, on_failure="continue")) == [
        "corrected elsewhere",
        "applied",
    ]
    assert outcomes(client.call("execute", ann)) == ["applied", "applied", "corrected elsewhere"]
    assert set(fake.applied.values()) == {1}


@pytest.mark.parametrize("lag", [0, 1000])
def test_a_redo_after_the_reading_makes_a_plan_stale(
    client: Api, fake: FakeTogai, ledger: Ledger, lag: int
) -> None:
    fake.add_many(1)
    fake.lag_reads(requests=lag)
    event = client.call("find", "acme")[0]
    first = approved(client, ledger, [Redo(event)], why="ann")
    second = approved(client, ledger, [Redo(event)], why="bob")
    assert client.call("execute", first).is_complete
    assert outcomes(client.call("execute", second)) == ["changed"]
    assert fake.applied == {"ref-1": 1}


def test_threads_and_processes_share_one_plan(
    client: Api, fake: FakeTogai, ledger: Ledger, url: str
) -> None:
    fake.add_many(12)
    plan = approved(client, ledger, [Undo(event) for event in client.call("find", "acme")])

    def work() -> None:
        with Togai(TOKEN, base_url=url, requests_per_second=None, ledger=str(ledger)) as client:
            client.events.execute(plan)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.call("execute", plan).is_complete
    assert sorted(fake.applied.values()) == [1] * 12
    ledger.verify()


def test_a_one_off_correction_takes_the_same_lock(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(2)
    events = client.call("find", "acme")
    fake.fail_next(status=502, acts=True, method="POST")
    with pytest.raises(CorrectionOutcomeUnknown, match=r"open in the ledger .*entry 1") as caught:
        client.call("undo", events[0])
    (entry,) = ledger.pending()
    assert caught.value.entries == (attrs.evolve(entry, cause=None),)
    for target in ({"event_id": "event-1"}, {"reference_id": "ref-1"}):
        with pytest.raises(AlreadyPending):
            client.call("undo", account_id="acme", **target)
    with pytest.raises(AlreadyPending):
        client.call("undo", account_id="acme", whole_account=True)
    assert sum(fake.applied.values()) == 1


def test_a_background_job_locks_its_account_until_it_is_decided(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(2)
    events = client.call("find", "acme")
    client.call("undo", account_id="acme", whole_account=True, background=True)
    (entry,) = ledger.pending()
    with pytest.raises(AlreadyPending):
        client.call("undo", events[1])
    assert client.call("reconcile", entry).verdict == "cannot tell"
    fake.run_jobs()
    ledger.decide(entry, "applied", who="bob", why="the job is done")
    assert ledger.pending() == []


def test_a_whole_account_makes_its_events_corrected(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_many(2)
    events = client.call("find", "acme")
    fake.lag_reads(requests=1000)
    client.call("undo", account_id="acme", whole_account=True)
    assert ledger.pending() == []
    for event in events:
        with pytest.raises(Exception, match="corrected already"):
            client.call("undo", event)
    assert set(fake.applied.values()) == {1}


def test_a_reread_gives_the_entry_a_snapshot(client: Api, fake: FakeTogai, ledger: Ledger) -> None:
    fake.add_many(2)
    for number, reread in ((1, False), (2, True)):
        fake.fail_next(status=502, method="POST")
        with pytest.raises(Exception, match="502"):
            client.call("undo", account_id="acme", reference_id=f"ref-{number}", reread=reread)
    first, second = ledger.pending()
    assert first.snapshot is None
    assert second.snapshot is not None
    assert second.snapshot.event_id == "event-2"


def test_a_replacement_that_lost_an_attribute_needs_a_word(
    client: Api, connect: Connect, fake: FakeTogai, url: str
) -> None:
    fake.add(id="a", attributes=[{"name": "a", "value": "1"}, {"name": "b", "value": "2"}])
    event = client.call("get", "a")
    shorter = client.call("get", "a")
    del shorter.event_payload.attributes[1:]
    with connect(base_url=url) as without:
        for api in (client, without):
            with pytest.raises(InvalidRequest, match="lacks b"):
                api.call("replace", shorter)
            with pytest.raises(InvalidRequest, match="lacks b"):
                api.call("replace", shorter.event_payload, event)
    assert not fake.corrections
    client.call("replace", shorter.event_payload, event, allow_removed=True)
    reverted = client.call("find", "acme")[0]
    with pytest.raises(InvalidRequest, match="allow_reverted=True"):
        client.call("undo", reverted)


def test_the_ledger_of_a_call_wins_over_the_clients_and_that_over_the_environment(
    connect: Connect, fake: FakeTogai, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(3)
    ledgers = [Ledger(tmp_path / f"{name}.db", create=True) for name in "abc"]
    monkeypatch.setenv("TOGAI_LEDGER", str(ledgers[2]))
    with connect(base_url=url, ledger=str(ledgers[1])) as api:
        events = api.call("find", "acme")
        api.call("undo", events[0], ledger=ledgers[0])
        api.call("undo", events[1])
    with connect(base_url=url) as api:
        api.call("undo", events[2])
    assert [[entry.target for entry in ledger.history()] for ledger in ledgers] == [
        ["ref-1"] * 2,
        ["ref-2"] * 2,
        ["ref-3"] * 2,
    ]


def test_reading_needs_no_ledger(
    connect: Connect, fake: FakeTogai, url: str, tmp_path: Path
) -> None:
    fake.add_many(1)
    with connect(base_url=url, ledger=tmp_path / "missing.db") as api:
        assert len(api.call("find", "acme")) == 1
        with pytest.raises(ConfigurationError, match=r"no ledger at .*missing"):
            api.call("undo", account_id="acme", reference_id="ref-1")
    assert not fake.corrections


def test_a_background_job_of_one_event_locks_this_event_under_every_name(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add(id="a", account_id="acme-eu")
    client.call("undo", account_id="acme", reference_id="ref-1", background=True)
    with pytest.raises(AlreadyPending):
        client.call("undo", account_id="acme-eu", reference_id="ref-1")
    (entry,) = ledger.pending()
    ledger.decide(entry, "applied", who="bob", why="the job is done")
    with pytest.raises(AlreadyCorrected):
        client.call("undo", account_id="acme-eu", reference_id="ref-1")


def test_an_event_of_another_account_is_corrected_only_if_the_account_is_heeded(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    fake.add(id="a", account_id="other")
    fake.ignore_filter("account_id")
    with pytest.raises(FilterIgnored):
        client.call("find", "acme")
    event = client.call("get", "a")
    with pytest.raises(FilterIgnored):
        client.call("undo", account_id="acme", event_id="a")
    plan = approved(client, ledger, [Undo(event, account_id="acme")])
    (step,) = client.call("execute", plan)
    assert step.outcome == "not applied"
    assert "account_id" in step.detail
    assert not fake.corrections
    assert ledger.pending() == []


def test_another_working_folder_leads_to_the_same_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = Ledger("ledger.db", create=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert ledger.pending() == []
    assert str(ledger) == str(tmp_path / "ledger.db")


@pytest.mark.parametrize("restarted", [False, True])
def test_a_backup_from_between_approval_and_execution_is_refused(
    connect: Connect, fake: FakeTogai, url: str, tmp_path: Path, restarted: bool
) -> None:
    path, backup, mark = (tmp_path / name for name in ("l.db", "l.db.backup", "l.db.mark"))
    ledger = Ledger(path, create=True)
    fake.add_many(1)
    with connect(base_url=url) as api:
        events = api.call("find", "acme")
    with connect(base_url=url, ledger=ledger) as api:
        plan = approved(api, ledger, [Redo(events[0])])
        shutil.copy(path, backup)
        assert api.call("execute", plan).is_complete
        shutil.copy(backup, path)
        if not restarted:
            mark.unlink()  # this process remembers the newest entry
            with pytest.raises(LedgerDamaged, match="lacks entry 3"):
                api.call("execute", plan)
    if restarted:
        with connect(base_url=url, ledger=path) as api:
            with pytest.raises(LedgerDamaged, match=r"delete the file .*l\.db\.mark"):
                api.call("execute", plan)
        with pytest.raises(LedgerDamaged):
            Ledger(path).verify()
        mark.unlink()  # a person has reconciled what was corrected since
        assert Ledger(path).verify() == 1
    assert sum(fake.applied.values()) == 1


@pytest.mark.parametrize("content", [b"", b"\xff" * 200, b"x 1 y z", b"x" * 160])
def test_a_mark_that_is_damaged_is_no_obstacle(tmp_path: Path, content: bytes) -> None:
    path, mark = tmp_path / "l.db", tmp_path / "l.db.mark"
    Ledger(path, create=True).approve("a" * 64, who="bob", why="ok")
    kept = mark.read_bytes()
    mark.write_bytes(content)
    assert Ledger(path).verify() == 1
    Ledger(path, create=True).approve("b" * 64, who="bob", why="ok")
    assert mark.read_bytes() != kept
    assert Ledger(path).verify() == 2


def test_a_derived_client_has_another_ledger_or_none(
    connect: Connect, fake: FakeTogai, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers = [Ledger(tmp_path / name, create=True) for name in ("a.db", "b.db", "c.db")]
    fake.add_many(4)
    monkeypatch.setenv("TOGAI_LEDGER", str(ledgers[2]))
    with connect(base_url=url, ledger=ledgers[0]) as api:
        events = api.call("find", "acme")
        derived = [
            api.client.with_options(strict=False),
            api.client.with_options(ledger=ledgers[1]),
            api.client.with_options(ledger=str(ledgers[1])).with_options(timeout=9),
            api.client.with_options(ledger=None),
        ]
        for client, event in zip(derived, events, strict=True):
            api.resolve(client.events.undo(event))
        with pytest.raises(ConfigurationError, match="ledger="):
            api.client.with_options(ledger=5)
    counts = [sum(entry.kind == "applied" for entry in ledger.history()) for ledger in ledgers]
    assert counts == [1, 2, 0]


def test_what_is_not_an_item_is_named_by_its_class(client: Api, fake: FakeTogai) -> None:
    fake.add_many(1)
    with pytest.raises(InvalidRequest, match=r"item 0: pass Undo\(event\).*not EventWithStatus"):
        client.call("plan", client.call("find", "acme"))
