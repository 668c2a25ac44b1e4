"""Workflows of corrections under kill -9, faults and colleagues, on a service that corrects reverted events again.

Each workflow counts what the service applied to each event. With `controls`, a protection is switched off: then events
must be corrected twice, or the workflow proves nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from togai import Redo, Replace, Timeout, Togai, TogaiError, Undo, with_quantities
from togai import _claims as claims
from togai import _plans as plans
from togai import _reconciling as reconciling
from togai._storage import rules
from togai.corrections import Ledger, Plan
from togai.testing import FakeTogai

TOKEN = "test-token"
ALIAS = "acme-eu"
READ_TIMEOUT = 0.6
CONTROLS = ("lock", "corrected", "reread", "age", "witness")
"""The protections that a negative control switches off."""


KINDS = ("502", "drop", "half", "429", "403", "500", "wrong", "read", "slow")


@attrs.frozen(kw_only=True)
class Workflow:
    """How a workflow goes."""

    seed: int
    events: int = 20
    people: int = 1
    """People with plans of their own, which overlap."""
    processes: int = 1
    """Processes that execute each plan at the same time."""
    kills: int = 0
    faults: int = 0
    kinds: tuple[str, ...] = KINDS
    delay: float = 0.0
    """Seconds that the service takes for each correction."""
    slow: float = 0.0
    """Seconds, longer than the client waits, after which the service processes some requests all the same."""
    lag: float = 0.0
    """Seconds after which reads show a correction."""
    min_age: float = 2.5
    overlap: int = 0
    ids: bool = True
    actions: tuple[str, ...] = ("UNDO", "REDO_EVENT")
    twins: bool = False
    """Whether each event is there twice, with the same id, so that replacements are equal too."""
    alias: bool = False
    """Whether events and requests name the account or its alias, by chance."""
    singles: bool = False
    """Whether people also undo single events, beside the plans and in different ways."""
    drift: bool = False
    """Whether the service renames a status, for a while."""
    controls: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Outcome:
    """The outcome of a workflow."""

    corrected: int
    twice: int
    false: int
    """Entries of the ledger that differ from what the service applied."""
    left: int
    """Events that are not corrected at the end."""
    kills: int
    posts: int


def run(workflow: Workflow, address: str, folder: Path) -> Outcome:
    """Run a workflow with a new ledger at an address."""
    chance = random.Random(workflow.seed)
    fake = FakeTogai(TOKEN)
    fake.correct_reverted()
    _events(workflow, chance, fake)
    fake.overlap_pages(workflow.overlap)
    ledger = Ledger(address, create=True, who="lead")
    with fake.serve() as url:
        paths = _plans(workflow, chance, url, ledger, folder)
        fake.lag_reads(seconds=workflow.lag)
        _faults(workflow, chance, fake)
        drifting = threading.Timer(0.3, fake.rename_status, ("REVERTED", "TAKEN_BACK"))
        if workflow.drift:
            drifting.start()
        config = {
            "url": url,
            "ledger": address,
            "plans": [str(path) for path in paths],
            "workflow": {**attrs.asdict(workflow)},
        }
        done = subprocess.run(
            [sys.executable, __file__, "workers", json.dumps(config)],
            stdout=subprocess.PIPE,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        fake.release()
        if workflow.drift:
            drifting.join()
            fake.rename_status("REVERTED", "REVERTED")
        time.sleep(workflow.lag)
        fake.lag_reads()
        _finish(workflow, fake, url, ledger, paths)
    return _judge(fake, ledger, kills=int(done.stdout), paths=paths)


def _events(workflow: Workflow, chance: random.Random, fake: FakeTogai) -> None:
    prefix = "event" if workflow.ids else None
    if workflow.alias:
        fake.add_alias("acme", ALIAS)
    for _ in range(2 if workflow.twins else 1):
        for record in fake.add_many(workflow.events, prefix=prefix):
            if workflow.alias and int(record.reference_id.partition("-")[2]) % 3 == 0:
                record.payload["accountId"] = ALIAS


def _client(url: str, ledger: Any) -> Togai:
    timeout = Timeout(connect=5, read=READ_TIMEOUT, write=5, pool=5, total=5)
    return Togai(
        TOKEN,
        base_url=url,
        ledger=ledger,
        requests_per_second=None,
        max_retries=1,
        timeout=timeout,
    )


def _plans(
    workflow: Workflow, chance: random.Random, url: str, ledger: Ledger, folder: Path
) -> list[Path]:
    paths: list[Path] = []
    with _client(url, ledger) as client:
        events = list(client.events.find("acme"))
        for person in range(workflow.people):
            part = events if workflow.people == 1 else chance.sample(events, len(events) * 2 // 3)
            names = (None, "acme", ALIAS) if workflow.alias else (None,)
            items = [
                _item(chance.choice(workflow.actions), event, chance.choice(names))
                for event in part
            ]
            plan = client.events.plan(items, why=f"person {person}")
            ledger.approve(plan.digest, who="boss", why="ok")
            paths.append(folder / f"plan-{person}.json")
            plan.save(paths[-1])
    return paths


def _item(action: str, event: Any, name: str | None) -> Any:
    if action == "REDO_EVENT":
        return Replace(event, with_quantities(event, {"distance": 7}), account_id=name)
    kind = Undo if action == "UNDO" else Redo
    return kind(event, account_id=name)


def _faults(workflow: Workflow, chance: random.Random, fake: FakeTogai) -> None:
    for _ in range(workflow.faults):
        when: dict[str, Any] = {"skip": chance.randrange(5), "method": "POST"}
        kind = chance.choice(workflow.kinds)
        acts = chance.random() < 0.5
        if kind.isdigit():
            fake.fail_next(status=int(kind), acts=acts and kind.startswith("5"), **when)
        elif kind == "drop":
            fake.drop_next(acts=acts, reset=chance.random() < 0.5, **when)
        elif kind == "half":
            fake.drop_next(half=True, **when)
        elif kind == "wrong":
            fake.wrong_event_next(**when)
        elif kind == "read":
            fake.fail_next(status=503, method="GET", skip=chance.randrange(5))
        elif workflow.slow:
            fake.slow_next(seconds=chance.uniform(READ_TIMEOUT, workflow.slow), **when)
    if workflow.delay:
        fake.slow_next(seconds=workflow.delay, times=None, method="POST")


def workers(config: dict[str, Any]) -> int:
    """Fork processes that execute the plans, kill them, and fork others; return how many were killed."""
    workflow = Workflow(
        **{**config["workflow"], "actions": (), "controls": tuple(config["workflow"]["controls"])}
    )
    chance = random.Random(workflow.seed + 1)
    logging.disable(logging.CRITICAL)
    _switch_off(workflow.controls)
    loaded = [Plan.load(path) for path in config["plans"]]
    killed = 0
    while True:
        children = [
            _fork(config, workflow, plan, chance.randrange(1 << 30))
            for plan in loaded
            for _ in range(workflow.processes)
        ]
        if killed >= workflow.kills:
            for child in children:
                os.waitpid(child, 0)
            return killed
        time.sleep(chance.uniform(0.0, 0.25))
        for child in children:
            # One that is not killed goes on beside those that are forked next.
            if chance.random() < 0.8:
                os.kill(child, signal.SIGKILL)
                _, status = os.waitpid(child, 0)
                killed += os.WIFSIGNALED(status)
            else:
                os.waitpid(child, 0)


def _fork(config: dict[str, Any], workflow: Workflow, plan: Plan, seed: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        _work(config, workflow, plan, random.Random(seed))
    finally:
        os._exit(0)


def _work(config: dict[str, Any], workflow: Workflow, plan: Plan, chance: random.Random) -> None:
    ledger = Ledger(config["ledger"], who=f"process {os.getpid()}")
    with _client(config["url"], ledger) as client:
        for _ in range(3):
            with contextlib.suppress(TogaiError):
                limit = chance.choice((None, None, 3))
                client.events.execute(plan, on_failure="continue", limit=limit)
            if workflow.singles:
                _single(client, chance.choice(plan.items), chance)
            _reconcile(client, ledger, 0.0 if "age" in workflow.controls else workflow.min_age)
            time.sleep(chance.uniform(0, 0.05))


def _single(client: Togai, item: Any, chance: random.Random) -> None:
    """Undo the event of an item in one of many ways."""
    reference_id, event_id = item.selection.reference_id, item.before[0].event_id
    account: dict[str, Any] = {"account_id": chance.choice(("acme", ALIAS))}
    ways: list[Any] = [
        lambda: client.events.undo(**account, reference_id=reference_id),
        lambda: client.events.undo(**account, reference_id=reference_id, reread=True),
        lambda: client.events.undo(**account, event_id=event_id),
        lambda: client.events.undo(client.events.find("acme", reference_ids=[reference_id])[0]),
    ]
    with contextlib.suppress(TogaiError):
        chance.choice(ways)()


def _reconcile(client: Togai, ledger: Ledger, min_age: float) -> None:
    for entry in ledger.pending():
        with contextlib.suppress(TogaiError):
            reconciliation = client.events.reconcile(entry, min_age=timedelta(seconds=min_age))
            if reconciliation.verdict != "cannot tell":
                ledger.settle(entry, reconciliation)


def _switch_off(controls: tuple[str, ...]) -> None:
    """Switch protections off, in this process and those that it forks."""
    numbers = iter(range(1, 1 << 30))
    off: dict[str, list[tuple[Any, str, Any]]] = {
        "lock": [
            (rules.Rules, "_refuse_overlap", lambda *_: None),
            (
                rules,
                "_lock",
                lambda _: ("event", f"{os.getpid()}-{time.time_ns()}-{next(numbers)}"),
            ),
        ],
        "corrected": [
            (rules.Rules, "corrected", lambda *_: None),
            (rules.Rules, "_refuse_stale", lambda *_: None),
        ],
        "reread": [(module, "check_unchanged", lambda *_: None) for module in (claims, plans)],
        "witness": [(reconciling, "judge", _judge_without_witness)],
    }
    for control in controls:
        for place, name, value in off.get(control, []):
            assert hasattr(place, name), name
            setattr(place, name, value)


def _judge_without_witness(case: Any, readings: Any, min_age: Any) -> Any:
    from togai.corrections import _reconcile as module

    module.WITHOUT_WITNESS = timedelta(0)
    unseen = attrs.evolve(readings, witness=None, witness_at=None, witness_reverted=False)
    return module.judge(case, unseen, min_age)


def _finish(
    workflow: Workflow, fake: FakeTogai, url: str, ledger: Ledger, paths: list[Path]
) -> None:
    """Without faults: execute and reconcile until nothing is left; where reading gives no verdict, support decides."""
    with _client(url, ledger) as client:
        loaded = [Plan.load(path) for path in paths]
        for _ in range(4):
            for plan in loaded:
                client.events.execute(plan, on_failure="continue")
            for entry in ledger.pending():
                reconciliation = client.events.reconcile(entry, min_age=timedelta(days=1))
                if reconciliation.verdict == "cannot tell":
                    applied = fake.applied[str(entry.target)] > _recorded(ledger)[str(entry.target)]
                    verdict = "applied" if applied else "not applied"
                    ledger.decide(
                        entry,
                        verdict,
                        who="support",
                        why="the service's own log",
                        min_age=timedelta(0),
                    )
                else:
                    ledger.settle(entry, reconciliation)


def _recorded(ledger: Ledger) -> Counter[str]:
    """How often each event was corrected, according to the ledger."""
    return Counter(str(entry.target) for entry in ledger.history() if entry.kind == "applied")


def _judge(fake: FakeTogai, ledger: Ledger, *, kills: int, paths: list[Path]) -> Outcome:
    ledger.verify()
    recorded = _recorded(ledger)
    wanted = {str(item.selection.reference_id) for path in paths for item in Plan.load(path).items}
    return Outcome(
        corrected=len(fake.applied),
        twice=sum(count > 1 for count in fake.applied.values()),
        false=sum(
            fake.applied[key] != recorded[key] for key in fake.applied.keys() | recorded.keys()
        ),
        left=len([item for item in wanted if not fake.applied[item]]) + len(ledger.pending()),
        kills=kills,
        posts=sum(request.method == "POST" for request in fake.requests),
    )


def soak(seconds: float, address: str | None, seed: int) -> int:
    """Run workflows until the time is over, print their outcomes, and return how many events went wrong."""
    total: Counter[str] = Counter()
    end = time.monotonic() + seconds
    for workflow in _varied(seed):
        if time.monotonic() > end:
            break
        with tempfile.TemporaryDirectory() as folder:
            where = address or str(Path(folder) / "ledger.db")
            outcome = run(workflow, where, Path(folder))
        total.update({"workflows": 1, **attrs.asdict(outcome)})
        bad = outcome.twice + outcome.false + outcome.left
        if bad:
            print(f"WRONG: {workflow}: {outcome}", flush=True)
    print(", ".join(f"{count} {name}" for name, count in total.items()))
    return total["twice"] + total["false"] + total["left"]


def _varied(seed: int) -> Iterator[Workflow]:
    chance = random.Random(seed)
    while True:
        slow = chance.choice((0.0, 0.0, 1.5))
        singles = chance.random() < 0.3
        yield Workflow(
            seed=chance.randrange(1 << 30),
            events=chance.choice((8, 20, 60)),
            people=chance.choice((1, 1, 2)),
            processes=chance.choice((1, 2, 3)),
            kills=chance.choice((0, 6, 12)),
            faults=chance.choice((0, 20, 40)),
            delay=chance.choice((0.0, 0.0, 0.05)),
            slow=slow,
            lag=chance.choice((0.0, 0.0, 0.4)),
            overlap=chance.choice((0, 3)),
            twins=chance.random() < 0.3,
            alias=chance.random() < 0.4,
            singles=singles,
            drift=chance.random() < 0.2,
            ids=chance.random() < 0.7,
            actions=chance.choice(
                # A person may undo what a plan only ingested again.
                (("UNDO",), ("UNDO", "REDO_EVENT"), ("UNDO", "REDO", "REDO_EVENT"))[: 3 - singles]
            ),
        )


def main() -> int:
    """`workers CONFIG` is what `run` starts; otherwise the soak."""
    if sys.argv[1:2] == ["workers"]:
        print(workers(json.loads(sys.argv[2])))
        return 0
    parser = argparse.ArgumentParser(description="Soak the workflows of corrections.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    return 1 if soak(arguments.seconds, None, arguments.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
