"""Ways around the plan, the lock and the check of responses, which once corrected an event twice or misled a person."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve

from togai import (
    AlreadyCorrected,
    AlreadyPending,
    CorrectionOutcomeUnknown,
    InvalidRequest,
    PlanIncomplete,
    Redo,
    Replace,
    StaleReading,
    Togai,
    build_event,
    with_quantities,
)
from togai._storage import database
from togai.corrections import Ledger, Plan
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api, Connect, async_is_slow

pytestmark = pytest.mark.usefixtures("corrects_reverted")


def other_target(item: Any) -> None:
    item["selection"]["reference_id"] = "ref-2"


def wider_filter(item: Any) -> None:
    item["selection"] = {"account_id": "acme", "event_id": "event-1"}


def added_filter(item: Any) -> None:
    item["selection"]["event_id"] = "event-2"


def background(item: Any) -> None:
    item["background"] = True


def nothing_shown(item: Any) -> None:
    item["before"] = []


def two_shown(item: Any) -> None:
    item["before"] = [item["before"][0], item["before"][0]]


def without_replacement(item: Any) -> None:
    item["event"] = None


def hidden_property(item: Any) -> None:
    item["event"]["price"] = "0"


def foreign_account(item: Any) -> None:
    item["event"]["accountId"] = "globex"


def unsendable(item: Any) -> None:
    item["event"]["attributes"][0]["value"] = "many"


def unknown_action(item: Any) -> None:
    item["action"] = "UNDO_ALL"


@pytest.mark.parametrize(
    "edit",
    [
        other_target,
        wider_filter,
        added_filter,
        background,
        nothing_shown,
        two_shown,
        without_replacement,
        hidden_property,
        foreign_account,
        unsendable,
        unknown_action,
    ],
)
def test_a_plan_that_shows_something_else_than_it_sends_is_not_loaded(
    client: Api, fake: FakeTogai, tmp_path: Path, edit: Callable[[Any], None]
) -> None:
    fake.add_many(2)
    (event, _) = client.call("find", "acme")
    plan = client.call("plan", [Replace(event, with_quantities(event, {"distance": 2}))])
    path = tmp_path / "plan.json"
    plan.save(path)
    source = json.loads(path.read_bytes())
    del source["digest"]
    edit(source["items"][0])
    digest = hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**source, "digest": digest}))
    with pytest.raises(InvalidRequest):
        Plan.load(path)


def test_a_plan_with_an_event_twice_is_refused(client: Api, fake: FakeTogai) -> None:
    fake.add_many(1)
    plan = client.call("plan", [Redo(client.call("find", "acme")[0])])
    with pytest.raises(InvalidRequest, match="twice"):
        evolve(plan, items=plan.items * 2)


def test_a_plan_shows_everything_that_a_replacement_changes(client: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1", dimensions={"city": "Chennai", "kind": "ride"})
    (event,) = client.call("find", "acme")
    replacement = build_event(
        "trips",
        account_id="acme",
        timestamp="2024-11-04T07:30:35Z",
        attributes={"distance": Decimal("10.4")},
        units={"distance": "Kilometers"},
        dimensions={"city": "Pune", "kind": "ride"},
        id="ride-2",
    )
    plan = client.call("plan", [Replace(event, replacement)])
    assert "dimension city: Chennai -&gt; Pune" in plan._repr_html_()
    shown = str(plan)
    assert "schemaName: rides -> trips" in shown
    assert "timestamp: 2024-12-04T07:30:35Z -> 2024-11-04T07:30:35" in shown
    assert "id: ride-1 -> ride-2" in shown
    assert "dimension city: Chennai -> Pune" in shown
    assert "dimension kind" not in shown
    unchanged = client.call("plan", [Replace(event, event.event_payload)])
    assert "schemaName:" not in str(unchanged)


NAMED = {"reference_id": "ref-1"}


@pytest.mark.parametrize(("first", "second"), [("acme-eu", "acme"), ("acme", "acme-eu")])
def test_a_background_job_about_one_event_locks_it_under_every_name(
    client: Api, fake: FakeTogai, ledger: Ledger, first: str, second: str
) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add(id="ride-1")
    client.call("undo", account_id=first, background=True, **NAMED)
    for more in ({}, {"background": True}):
        with pytest.raises(AlreadyPending):
            client.call("undo", account_id=second, **NAMED, **more)
    fake.run_jobs()
    (entry,) = ledger.pending()
    assert client.call("reconcile", entry).verdict == "cannot tell"
    ledger.decide(entry, "applied", who="bob", why="the job is done")
    for more in ({}, {"background": True}):
        with pytest.raises(AlreadyCorrected):
            client.call("undo", account_id=second, **NAMED, **more)
    fake.run_jobs()
    assert fake.applied["ref-1"] == 1


WIDE: Any = [
    {"whole_account": True},
    {"whole_account": True, "background": True},
    {"event_id": "ride-1", "background": True},
    {"event_source_time": datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC), "background": True},
]
NAMES = [("acme-eu", "acme", "acme"), ("acme", "acme-eu", "acme"), ("acme-eu", "acme", "acme-eu")]
"""The account of a first and of a second call, and the one that the event shows."""


@async_is_slow
@pytest.mark.parametrize("wide", WIDE)
@pytest.mark.parametrize(("first", "second", "shown"), NAMES)
@pytest.mark.parametrize("read", [False, True])
def test_an_open_correction_under_an_alias_stops_a_wide_one(
    client: Api,
    fake: FakeTogai,
    ledger: Ledger,
    wide: Any,
    first: str,
    second: str,
    shown: str,
    read: bool,
) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add(id="ride-1", account_id=shown)
    fake.fail_next(status=502, acts=True, method="POST")
    with pytest.raises(CorrectionOutcomeUnknown):
        client.call("undo", account_id=first, **NAMED, reread=read)
    with pytest.raises(AlreadyPending, match="UNDO of ref-1"):
        client.call("undo", account_id=second, **wide)
    fake.run_jobs()
    assert fake.applied["ref-1"] == 1


@async_is_slow
@pytest.mark.parametrize("wide", WIDE)
@pytest.mark.parametrize(("first", "second", "shown"), NAMES)
def test_an_open_wide_correction_stops_one_under_an_alias(
    client: Api, fake: FakeTogai, ledger: Ledger, wide: Any, first: str, second: str, shown: str
) -> None:
    fake.add_alias("acme", "acme-eu")
    fake.add(id="ride-1", account_id=shown)
    (event,) = client.call("find", second)
    if not wide.get("background"):
        fake.fail_next(status=502, acts=True, method="POST")
    with contextlib.suppress(CorrectionOutcomeUnknown):
        client.call("undo", account_id=first, **wide)
    plan = client.call("plan", [Redo(event, account_id=second)])
    ledger.approve(plan, who="bob", why="ok")
    calls: list[Callable[[], Any]] = [
        lambda: client.call("undo", account_id=second, **NAMED),
        lambda: client.call("undo", account_id=second, **NAMED, background=True),
        lambda: client.call("undo", account_id=second, event_id="ride-1"),
        lambda: client.call("undo", event),
        lambda: client.call("undo", account_id=second, **wide),
        lambda: client.call("execute", plan).raise_for_failures(),
    ]
    for correct in calls:
        with pytest.raises((AlreadyPending, PlanIncomplete, StaleReading, InvalidRequest)):
            correct()
    fake.run_jobs()
    assert fake.applied["ref-1"] == 1
    (entry,) = ledger.pending()
    ledger.decide(entry, "applied", who="bob", why="the job is done")
    with pytest.raises(InvalidRequest, match="is REVERTED"):
        client.call("undo", account_id=second, **NAMED)


@pytest.mark.parametrize("wide", WIDE)
@pytest.mark.parametrize("lag", [0.0, 600.0])
def test_a_wide_correction_is_refused_if_one_of_its_events_was_corrected(
    client: Api, fake: FakeTogai, ledger: Ledger, wide: Any, lag: float
) -> None:
    fake.add(id="ride-1")
    fake.add(id="ride-2")
    fake.lag_reads(seconds=lag)
    client.call("undo", client.call("get", "ride-1"))
    with pytest.raises(AlreadyCorrected):
        client.call("undo", account_id="acme", **wide)
    fake.run_jobs()
    assert fake.applied["ref-1"] == 1
    assert not ledger.pending()


@async_is_slow
@pytest.mark.parametrize("first", WIDE)
@pytest.mark.parametrize("second", WIDE)
def test_a_wide_correction_that_was_applied_is_not_sent_again(
    client: Api, fake: FakeTogai, ledger: Ledger, first: Any, second: Any
) -> None:
    fake.add(id="ride-1")
    client.call("undo", account_id="acme", **first)
    fake.run_jobs()
    for entry in ledger.pending():
        ledger.decide(entry, "applied", who="bob", why="the job is done")
    with pytest.raises(
        (AlreadyCorrected, InvalidRequest),
        match=r"ref-1.* corrected already|corrected already.*ref-1",
    ):
        client.call("undo", account_id="acme", **second)
    fake.run_jobs()
    assert fake.applied["ref-1"] == 1


@pytest.mark.parametrize("wide", WIDE)
def test_calls_on_other_accounts_go_on_beside_an_open_wide_correction(
    client: Api, fake: FakeTogai, ledger: Ledger, wide: Any
) -> None:
    fake.add(id="ride-1")
    for number in range(3):
        fake.add(id=f"trip-{number}", account_id="globex")
    fake.add(id="walk-1", account_id="initech")
    fake.fail_next(status=502, acts=True, method="POST")
    with contextlib.suppress(CorrectionOutcomeUnknown):
        client.call("undo", account_id="acme", **wide)
    client.call("undo", account_id="globex", reference_id="ref-2")
    client.call("undo", client.call("get", "trip-1"))
    client.call("undo", account_id="initech", whole_account=True, background=True)
    assert fake.applied["ref-2"] == fake.applied["ref-3"] == 1
    assert {entry.account for entry in ledger.pending()} == {"acme", "initech"}


def test_entries_show_no_escape_sequences(client: Api, fake: FakeTogai, ledger: Ledger) -> None:
    fake.add(id="ride-1", reference_id="ref\x1b[2K", account_id="ac\x1b[1Ame")
    client.call("undo", client.call("find", "ac\x1b[1Ame")[0])
    assert all(str(entry).isprintable() for entry in ledger.history())


@pytest.mark.parametrize("action", ["undo", "redo"])
def test_without_a_ledger_a_response_about_another_event_is_not_a_success(
    connect: Connect, fake: FakeTogai, url: str, action: str
) -> None:
    fake.add(id="ride-1")
    created_at = next(iter(fake.events)).created_at
    moments = {"created_at": datetime.fromisoformat(created_at)}
    with connect(base_url=url) as api:
        for more in ({}, moments):
            fake.wrong_event_next(method="POST")
            with pytest.raises(CorrectionOutcomeUnknown, match="about other events"):
                api.call(action, account_id="acme", event_id="ride-1", **more)


@pytest.mark.parametrize("verdict", ["applied", "not applied"])
def test_what_was_settled_while_it_waited_for_its_turn_is_not_sent(
    connect: Connect, fake: FakeTogai, url: str, ledger: Ledger, verdict: str
) -> None:
    fake.add_many(1)
    settled: list[Any] = []

    class Colleague:
        """A rate limiter during whose wait somebody settles the open entries."""

        def wait(self) -> Any:
            for entry in ledger.pending():
                ledger.decide(
                    entry, verdict, who="bob", why="its process seemed dead", min_age=timedelta(0)
                )
                settled.append(entry)

    class AsyncColleague(Colleague):
        async def wait(self) -> None:
            super().wait()

    with connect(base_url=url) as api:
        limit = AsyncColleague() if api.is_async else Colleague()
    with connect(base_url=url, ledger=ledger, requests_per_second=limit) as api:
        with pytest.raises(StaleReading, match="was settled before its turn came"):
            api.call("undo", account_id="acme", reference_id="ref-1")
    assert len(settled) == 1
    assert not fake.corrections
    assert [str(entry.kind) for entry in ledger.history()] == ["intent", verdict]


def test_what_waited_too_long_for_its_turn_is_not_sent(
    client: Api, fake: FakeTogai, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(1)
    plan = client.call("plan", [Redo(client.call("find", "acme")[0])])
    ledger.approve(plan.digest, who="bob", why="looks right")
    monkeypatch.setattr("togai._storage.records._LATEST", timedelta(0))
    (step,) = client.call("execute", plan)
    assert (step.outcome, "came too late" in step.detail) == ("not applied", True)
    assert not fake.corrections
    assert ledger.pending() == []
    monkeypatch.undo()
    assert client.call("execute", plan).is_complete
    assert fake.applied["ref-1"] == 1


@pytest.mark.parametrize("sent", [False, True])
def test_a_call_that_is_dropped_leaves_a_lock_only_if_it_was_sent(
    fake: FakeTogai, url: str, ledger: Ledger, sent: bool
) -> None:
    fake.add_many(1)

    def dropped(request: Any) -> None:
        raise GeneratorExit

    hooks = {"response" if sent else "request": [dropped]}
    with httpx.Client(event_hooks=hooks) as http:
        client = Togai(TOKEN, base_url=url, ledger=ledger, http_client=http)
        with pytest.raises(GeneratorExit):
            client.events.undo(account_id="acme", reference_id="ref-1")
    assert fake.applied["ref-1"] == sent
    assert len(ledger.pending()) == sent


def interrupted_at(number: int, action: Callable[[], Any]) -> bool:
    """Whether an action was interrupted as by Ctrl-C, at the nth line that a SQLite ledger executes."""
    left = number

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != database.__file__:
            return None
        left -= event == "line"
        if left == 0:
            left = -1
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.slow
# Python can be interrupted just before a `with` closes the connection; the garbage collector closes it then, and
# Python 3.13 warns.
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_ctrl_c_at_any_line_of_the_ledger_leaves_no_lock_for_what_was_not_sent(
    fake: FakeTogai, url: str, ledger: Ledger
) -> None:
    ledger.verify()
    number = 0
    with Togai(TOKEN, base_url=url, ledger=ledger, requests_per_second=None) as client:
        for number in range(1, 1000):
            reference_id = fake.add().reference_id
            target = {"account_id": "acme", "reference_id": reference_id}
            if not interrupted_at(number, lambda target=target: client.events.undo(**target)):  # type: ignore[misc]
                break
            locked = any(entry.target == reference_id for entry in ledger.pending())
            assert fake.applied[reference_id] or not locked, f"line {number}"
    gc.collect()  # here, where the warning is ignored
    assert number > 50
    assert max(fake.applied.values()) == 1
