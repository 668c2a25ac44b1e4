"""Nothing is sent without an approval by the number of events, and only an interrupted run is continued."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from togai import Events, InvalidRequest
from togai.corrections import Ledger
from togai.testing import FakeTogai

from .conftest import Pipe

UNDO = ("undo", "--account", "acme", "--event-id", "event-1", "--why", "wrong meter")
TWO = (*UNDO, "--event-id", "event-2")


@pytest.fixture(autouse=True)
def four(fake: FakeTogai) -> FakeTogai:
    fake.add_many(4)
    return fake


@contextmanager
def interrupted() -> Iterator[None]:
    """Ctrl-C before the first correction of a plan is sent."""

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Events, "execute", interrupt)
        yield


def plans() -> list[str]:
    return [path.name for path in Path.cwd().glob("togai-plan-*")]


def history(pipe: Pipe) -> list[dict[str, Any]]:
    return [json.loads(line) for line in pipe("history", "--jsonl").stdout.splitlines()]


def test_a_person_who_types_the_number_and_the_reason_approves(
    fake: FakeTogai, ledger: Path, screen: Pipe, pipe: Pipe
) -> None:
    done = screen(*TWO[:5], *TWO[7:], "--who", "bea", typed="wrong meter\n2\n")
    assert done.returncode == 0
    assert done.stderr.lstrip().startswith(  # after the progress
        "Why are they corrected? Type the number of events to correct them: After an interruption,"
    )
    assert "Plan: 2 corrections" in done.stdout
    assert "2 applied\nNext: togai history --plan " in done.stderr
    assert "applied" not in done.stdout  # only what needs attention is a row
    assert fake.applied == {"ref-1": 1, "ref-2": 1}
    approval, *others = history(pipe)
    assert (approval["kind"], approval["who"], approval["why"]) == (
        "approved",
        "bea",
        "wrong meter",
    )
    assert {row["who"] for row in others} == {"bea"}
    assert not plans()


@pytest.mark.parametrize("typed", ["1\n", "3\n", "yes\n", "\n", ""])
def test_a_person_who_types_anything_else_approves_nothing(
    fake: FakeTogai, ledger: Path, screen: Pipe, pipe: Pipe, typed: str
) -> None:
    done = screen(*TWO, typed=typed)
    assert done.returncode == 2
    assert "Nothing was sent" in done.stderr
    if typed.strip():
        assert f"the plan has 2 events, not {typed.strip()}. Nothing was sent" in done.stderr
    else:
        assert "not approved: type the number of events on a terminal, or pass" in done.stderr
    assert not fake.corrections
    assert not history(pipe)
    assert not plans()


def test_without_a_reason_nothing_is_planned(fake: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    done = pipe(*UNDO[:5], "--expect", "1", typed="reason\n1\n")
    assert done.returncode == 2
    assert done.stderr == "togai: say why they are corrected: --why TEXT. Nothing was sent\n"


@pytest.mark.parametrize(
    ("kinds", "code", "following"),
    [
        ("refused applied", 1, "history --plan"),
        ("applied unknown", 4, "reconcile"),
        ("refused unknown", 4, "reconcile"),
    ],
)
def test_the_worst_outcome_determines_the_exit_code(
    fake: FakeTogai, ledger: Path, pipe: Pipe, kinds: str, code: int, following: str
) -> None:
    if "refused" in kinds:
        fake.refuse_next(1, reason="past pricing cycle")
    if "unknown" in kinds:
        fake.drop_next(method="POST", skip=1)
    done = pipe(*TWO, "--expect", "2", "--jsonl")
    assert done.returncode == code
    assert f"Next: togai {following}" in done.stderr
    outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
    assert outcomes == kinds.replace("refused", "failed").split()
    assert bool(plans()) == ("unknown" in kinds)


def test_an_interrupted_run_is_continued_by_the_same_command(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    with interrupted():
        done = pipe(*TWO, "--expect", "2")
    (path,) = plans()
    assert done.returncode == 130
    assert f"Interrupted. Continue with: togai plan execute {path}\n" in done.stderr
    wrong = pipe(*TWO, "--expect", "1")
    assert wrong.returncode == 2
    assert "the plan has 2 events, not 1" in wrong.stderr
    assert plans() == [path]
    fake.requests.clear()
    done = pipe(*TWO)
    assert done.returncode == 0
    assert f"Continuing the interrupted run of this command: {path}, events: 2\n" in done.stderr
    assert done.stdout == ""
    assert fake.applied == {"ref-1": 1, "ref-2": 1}
    assert not plans()


def test_a_plan_whose_file_another_process_removed_is_executed(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    fake.change_next(lambda _: Path(*plans()).unlink(), method="POST")
    assert pipe(*UNDO, "--expect", "1").returncode == 0
    assert fake.applied == {"ref-1": 1}


def test_a_refused_approval_is_reported_even_if_another_process_removed_the_plan(
    fake: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        Path(*plans()).unlink()
        raise InvalidRequest("not you")

    monkeypatch.setattr(Ledger, "approve", refuse)
    assert pipe(*UNDO, "--expect", "1").stderr.endswith("togai: not you\n")


@pytest.mark.parametrize(
    "command",
    [
        ("undo", "--account", "acme", "--event-id", "event-2", "--why", "wrong meter"),
        ("redo", *UNDO[1:]),
        (*UNDO, "--since", "2024-01"),
        (*UNDO, "--dry-run"),
    ],
)
def test_another_command_continues_no_interrupted_run(
    fake: FakeTogai, ledger: Path, pipe: Pipe, command: tuple[str, ...]
) -> None:
    with interrupted():
        pipe(*UNDO, "--expect", "1")
    done = pipe(*command, "--expect", "1")
    assert done.returncode == 0
    assert "Continuing" not in done.stderr


@pytest.mark.parametrize(
    ("line", "options"),
    [("acme,event-1,distance,3", ()), ("acme,event-1,distance,2", ("--account", "acme"))],
)
def test_another_table_continues_no_interrupted_run(
    fake: FakeTogai, ledger: Path, pipe: Pipe, line: str, options: tuple[str, ...]
) -> None:
    header = "account_id,event_id,attribute,value\n"
    Path("t.csv").write_text(f"{header}acme,event-1,distance,2\n")
    command = ("correct", "t.csv", "--why", "x", "--expect", "1")
    with interrupted():
        pipe(*command)
    Path("t.csv").write_text(f"{header}{line}\n")
    done = pipe(*command, *options)
    assert done.returncode == 0
    assert "Continuing" not in done.stderr


def test_a_plan_that_nobody_approved_is_not_continued(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    fake.refuse_next(1, reason="past pricing cycle")
    said = pipe(*UNDO, "--expect", "1").stderr
    (path,) = re.findall(r"togai plan execute (\S+)", said)
    pipe(*TWO, "--dry-run", "--save-plan", path)
    done = pipe(*UNDO, "--expect", "1")
    assert done.returncode == 0
    assert "Continuing" not in done.stderr
    assert fake.applied == {"ref-1": 1}


def test_a_continued_plan_that_left_out_an_event_is_not_a_complete_success(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    assert pipe(*UNDO, "--expect", "1").returncode == 0
    fake.events[0].status = "INGESTION_COMPLETED_EVENT_METERED"  # the ledger knows better
    with interrupted():
        done = pipe(*TWO, "--expect", "1")
    assert "togai ledger release ENTRY --why TEXT" in done.stderr
    assert pipe(*TWO, "--expect", "1").returncode == 1
    assert fake.applied == {"ref-1": 1, "ref-2": 1}


def test_a_saved_plan_stays_when_it_is_executed(
    fake: FakeTogai, ledger: Path, pipe: Pipe, screen: Pipe
) -> None:
    saved = pipe(*TWO, "--dry-run", "--save-plan", "plan.json")
    assert saved.returncode == 0
    assert "Nothing was sent. Next: togai plan approve plan.json --why TEXT\n" in saved.stderr
    refused = pipe("plan", "execute", "plan.json")
    assert refused.returncode == 2
    approve = ("plan", "approve", "plan.json", "--why", "checked", "--who", "bea")
    assert screen(*approve, typed="1\n").returncode == 2
    assert not history(pipe)
    done = screen(*approve, typed="2\n")
    assert done.returncode == 0
    assert "Plan: 2 corrections" in done.stdout
    assert done.stderr.endswith("Approved. Next: togai plan execute plan.json\n")
    (approval,) = history(pipe)
    assert (approval["kind"], approval["who"], approval["why"]) == ("approved", "bea", "checked")
    done = pipe("plan", "execute", "plan.json", "--limit", "1", "--jsonl")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        0,
        "Next: togai plan execute plan.json",
    )
    outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
    assert outcomes == ["applied", "not reached"]
    done = pipe("plan", "execute", "plan.json", "--who", "ann")
    assert "2 applied; 1 of these in an earlier run\n" in done.stderr
    assert [row["who"] for row in history(pipe) if row["kind"] == "intent"][1:] == ["ann"]
    assert Path("plan.json").exists()


def test_a_plan_may_be_saved_and_executed_at_once(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    done = pipe(*UNDO, "--expect", "1", "--save-plan", "plan.json")
    assert done.returncode == 0
    assert "UNDO ref-1" in pipe("plan", "show", "plan.json").stdout
    assert pipe("plan", "show", "plan.json").stderr == ""


def test_an_empty_plan_is_not_saved(fake: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    command = ("undo", "--account", "acme", "--whole-account", "--why", "x")
    assert pipe(*command, "--expect", "4").returncode == 0
    done = pipe(*command, "--save-plan", "plan.json")
    assert done.returncode == 0
    assert done.stderr == "There is nothing to correct.\n"
    assert not Path("plan.json").exists()


def test_only_the_first_open_correction_is_named(fake: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    fake.drop_next(method="POST", times=2)
    assert pipe(*TWO, "--expect", "2").returncode == 4
    done = pipe("undo", "--account", "acme", "--event-id", "nobody", "--why", "x")
    assert done.returncode == 3
    assert done.stderr.count("An earlier correction is open: ") == 1
    assert "1 invalid; nothing was sent" in done.stderr


def test_an_open_correction_at_another_service_is_not_named(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    fake.drop_next(method="POST")
    assert pipe(*UNDO, "--expect", "1").returncode == 4
    with FakeTogai(fake.token).serve() as other:
        done = pipe(*UNDO, "--expect", "1", TOGAI_BASE_URL=other)
    assert done.returncode == 1
    assert "open" not in done.stderr


@pytest.mark.parametrize(("verdict", "advised"), [(None, False), ("applied", True)])
def test_a_release_is_proposed_for_an_event_that_the_ledger_shows_as_corrected(
    fake: FakeTogai, ledger: Path, pipe: Pipe, verdict: str | None, advised: bool
) -> None:
    fake.drop_next(method="POST")
    assert pipe(*UNDO, "--expect", "1").returncode == 4
    next(Path.cwd().glob("togai-plan-*")).unlink()
    if verdict is not None:
        assert pipe("decide", "2", verdict, "--why", "mistaken").returncode == 0
    done = pipe(*UNDO, "--expect", "1")
    assert done.returncode == (1 if advised else 3)
    advice = "If such an entry is a mistake: togai ledger release ENTRY --why TEXT\n"
    assert (advice in done.stderr) == advised


def test_a_plan_is_not_approved_in_another_ledger(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    assert pipe(*UNDO, "--dry-run", "--save-plan", "plan.json").returncode == 0
    assert pipe("ledger", "create", "other.db").returncode == 0
    named = ("--why", "ok", "--expect", "1", "--ledger", "other.db")
    done = pipe("plan", "approve", "plan.json", *named)
    assert done.returncode == 2
    assert "the plan does not belong to the ledger" in done.stderr


def test_the_plan_is_a_message_beside_data(fake: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    done = pipe(*UNDO, "--expect", "1", "--csv")
    assert "Plan: 1 correction" in done.stderr
    (row,) = csv.DictReader(done.stdout.splitlines())
    assert (row["reference_id"], row["outcome"]) == ("ref-1", "applied")


def test_a_table_is_read_with_its_decimal_commas_and_the_named_account(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    Path("t.csv").write_text(
        "event_id;attribute;value\nevent-1;distance;2,25\nevent-2;distance;99\n"
    )
    command = ("correct", "t.csv", "--account", "acme", "--decimal-comma", "--why", "x")
    done = pipe(*command, "--expect", "2")
    assert done.returncode == 0
    assert done.stderr.startswith(
        "line 3: warning: event-2: distance changes tenfold or more, from 2.5 to 99\n"
    )
    sent = [event.payload["attributes"][0]["value"] for event in fake.events[-2:]]
    assert sent == ["2.25", "99"]


@pytest.mark.parametrize(("count", "more"), [(20, ""), (21, "1 more lines change nothing.")])
def test_the_first_20_unchanged_lines_are_shown(
    fake: FakeTogai, ledger: Path, pipe: Pipe, count: int, more: str
) -> None:
    fake.add_many(count)
    lines = [f"acme,ref-{number + 4},distance,{number}.5\n" for number in range(1, count + 1)]
    Path("t.csv").write_text("account_id,reference_id,attribute,value\n" + "".join(lines))
    done = pipe("correct", "t.csv", "--why", "x")
    assert done.stderr.count(": unchanged: ") == 20
    assert done.stderr.splitlines()[20:] == [*filter(None, [more]), "There is nothing to correct."]
