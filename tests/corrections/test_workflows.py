"""Nothing is corrected twice despite killed processes, several operators, faults, late requests and stale reads."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from togai import AsyncTogai, Togai, Undo
from togai._storage.database import PostgreSQL
from togai._transport.runner import Runner
from togai._transport.steps import Attempt
from togai.corrections import Ledger
from togai.testing import FakeTogai

from ..conftest import TOKEN, Connect
from .test_plans import approved
from .workflows import Outcome, Workflow, run

WORKFLOWS = {
    "killed": Workflow(seed=1, events=20, processes=2, kills=10, faults=20),
    "two people": Workflow(seed=2, events=12, people=2, processes=2, kills=6, lag=0.4, overlap=3),
    "late work": Workflow(seed=3, events=12, processes=2, faults=20, slow=1.5, kills=4),
    "no ids": Workflow(seed=4, events=60, processes=2, kills=4, faults=10, overlap=3, ids=False),
    "redo": Workflow(seed=5, events=12, processes=2, kills=6, faults=20, actions=("REDO",)),
}


def right(outcome: Outcome) -> bool:
    return (outcome.twice, outcome.false, outcome.left) == (0, 0, 0) and outcome.corrected > 0


@pytest.mark.long
@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_is_corrected_twice_and_all_is_corrected(
    address: str, tmp_path: Path, name: str
) -> None:
    outcome = run(WORKFLOWS[name], address, tmp_path)
    assert right(outcome), outcome


# Without each protection, the same workflow corrects events twice: so it is this protection that keeps it from it.
CONTROLS = {
    "lock": Workflow(seed=3, events=8, processes=3, delay=0.3, lag=4.0),
    "corrected": Workflow(seed=3, events=9, people=2, lag=4.0),
    "age": Workflow(seed=3, events=10, faults=40, kinds=("slow",), slow=1.6, actions=("UNDO",)),
    "witness": Workflow(
        seed=3,
        events=12,
        faults=20,
        kinds=("502", "drop"),
        lag=6.0,
        min_age=0.0,
        processes=2,
        actions=("REDO_EVENT",),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", CONTROLS)
def test_each_protection_is_needed(tmp_path: Path, name: str) -> None:
    outcome = run(CONTROLS[name], str(tmp_path / "l.db"), tmp_path)
    assert right(outcome), outcome
    # How processes interleave is chance: without the protection, one workflow of these must go wrong.
    assert any(_twice_without(name, seed, tmp_path) for seed in range(3, 11))


def _twice_without(name: str, seed: int, tmp_path: Path) -> int:
    folder = tmp_path / f"{seed}"
    folder.mkdir()
    workflow = attrs.evolve(CONTROLS[name], seed=seed, controls=(name,))
    return run(workflow, str(folder / "l.db"), folder).twice


pytestmark = pytest.mark.usefixtures("corrects_reverted")


@pytest.mark.parametrize("reread", [True, False])
def test_what_was_corrected_elsewhere_is_only_seen_by_reading_again(
    connect: Connect,
    fake: FakeTogai,
    url: str,
    ledger: Ledger,
    reread: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.add_many(1)
    with connect(base_url=url, ledger=ledger) as api:
        plan = approved(api, ledger, [Undo(api.call("find", "acme")[0])])
        with connect(base_url=url) as console:  # somebody without this ledger
            console.call("undo", account_id="acme", reference_id="ref-1")
        if not reread:
            monkeypatch.setattr("togai._plans.check_unchanged", lambda *_: None)
        api.call("execute", plan)
    assert fake.applied["ref-1"] == (1 if reread else 2)


class Interrupted:
    """Interrupts the run of a call at its nth step, before or after the step is done."""

    def __init__(self, number: int, error: BaseException, *, after: bool) -> None:
        self.left = number
        self.error = error
        self.after = after
        self.posts = 0

    def strike(self, *, after: bool) -> None:
        if after == self.after:
            self.left -= 1
            if self.left == 0:
                raise self.error

    def wrap(self, perform: Callable[..., Any]) -> Callable[..., Any]:
        async def performed(runner: Runner, step: Any) -> Any:
            self.strike(after=False)
            result = await perform(runner, step)
            self.strike(after=True)
            return result

        return performed


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_an_interruption_at_any_step_leaves_nothing_open_that_was_not_sent(
    connect: Connect,
    url: str,
    ledger: Ledger,
    fake: FakeTogai,
    after: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.add_many(400)
    with connect(base_url=url, ledger=ledger) as api:
        events = iter(api.call("find", "acme"))
        error: Any = asyncio.CancelledError if api.is_async else KeyboardInterrupt
        perform = Runner._perform
        number = 0
        for number in range(1, 100):
            plan = approved(api, ledger, [Undo(next(events)), Undo(next(events))])
            interrupted = Interrupted(number, error(), after=after)
            with monkeypatch.context() as patched:
                patched.setattr(Runner, "_perform", interrupted.wrap(perform))
                try:
                    execution = api.call("execute", plan)
                except error:
                    execution = None
            posted = {request.query["id"] for request in fake.requests if request.method == "POST"}
            for entry in ledger.pending():
                assert entry.target in posted, f"step {number}: never sent, and open"
                reconciliation = api.call("reconcile", entry)
                assert reconciliation.verdict == "applied"
                ledger.settle(entry, reconciliation)
            assert api.call("execute", plan).is_complete
            if execution is not None:
                break
    assert number > 8
    assert set(fake.applied.values()) == {1}
    ledger.verify()


def test_an_interrupted_correction_that_was_sent_says_so(
    url: str, ledger: Ledger, fake: FakeTogai, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(1)
    perform = Runner._perform

    async def interrupted(runner: Runner, step: Any) -> Any:
        result = await perform(runner, step)
        if isinstance(step, Attempt) and step.call.method == "POST":
            raise KeyboardInterrupt
        return result

    with Togai(TOKEN, base_url=url, ledger=ledger) as client:
        event = client.events.get("event-1")
        monkeypatch.setattr(Runner, "_perform", interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            client.events.undo(event)
    assert any("may have been applied" in note for note in caught.value.__notes__)
    assert len(ledger.pending()) == 1


@pytest.mark.slow
def test_tasks_that_are_cancelled_at_any_moment_leave_nothing_open_that_was_not_sent(
    url: str, ledger: Ledger, fake: FakeTogai
) -> None:
    fake.add_many(40)
    chance = random.Random(5)

    async def cancelled() -> None:
        async with AsyncTogai(TOKEN, base_url=url, ledger=ledger, requests_per_second=None) as api:
            events = list(await api.events.find("acme"))
            for event in events:
                task = asyncio.create_task(api.events.undo(event))
                await asyncio.sleep(chance.uniform(0, 0.06))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancelled())
    posted = {request.query["id"] for request in fake.requests if request.method == "POST"}
    assert {entry.target for entry in ledger.pending()} <= posted
    open_ = {entry.target for entry in ledger.pending()}
    applied = {entry.target for entry in ledger.history() if entry.kind == "applied"}
    assert fake.applied.keys() <= open_ | applied
    ledger.verify()


def test_a_server_that_dies_leaves_what_was_sent_open(
    connect: Connect,
    fake: FakeTogai,
    url: str,
    postgres_address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = Ledger(postgres_address, create=True)
    fake.add_many(2)

    with connect(base_url=url, ledger=ledger) as api:
        events = api.call("find", "acme")
        plan = approved(api, ledger, [Undo(event) for event in events])
        gone = PostgreSQL(postgres_address.replace("/test_", "/gone_")).transaction
        with monkeypatch.context() as server:
            fake.change_next(
                lambda _body: server.setattr(PostgreSQL, "transaction", gone), method="POST"
            )
            execution = api.call("execute", plan, on_failure="continue")
        assert [str(step.outcome) for step in execution] == ["applied", "not applied"]
        (entry,) = ledger.pending()
        assert entry.target == "ref-1"
        ledger.settle(entry, api.call("reconcile", entry))
        assert api.call("execute", plan).is_complete
    assert fake.applied == {"ref-1": 1, "ref-2": 1}
