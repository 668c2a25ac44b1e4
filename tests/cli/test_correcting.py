"""undo, redo, correct and plan: nothing is corrected without a plan, a ledger and an approval, and nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from togai.testing import FakeTogai

from .conftest import COMMAND, Open, Pipe, add, table


def distance(fake: FakeTogai, event_id: str) -> list[str]:
    return [
        event.payload["attributes"][0]["value"]
        for event in fake.events
        if event.payload["id"] == event_id and event.status != "REVERTED"
    ]


def test_without_a_ledger_nothing_is_sent(month: FakeTogai, pipe: Pipe) -> None:
    for command in (
        ("undo", "--account", "acme", "--event-id", "ride-1"),
        ("correct", table("t.csv", "acme,ride-1,distance,2")),
        ("pending",),
        ("history",),
    ):
        done = pipe(*command)
        assert done.returncode == 2
        assert "To create one: togai ledger create FILE" in done.stderr
    done = pipe("undo", "--account", "acme", "--event-id", "ride-1", "--ledger", "mistyped.db")
    assert done.returncode == 2
    assert not Path("mistyped.db").exists()
    assert not month.requests


def test_a_person_approves_by_the_number(month: FakeTogai, ledger: Path, terminal: Open) -> None:
    shown = terminal("undo", "--account", "acme", "--event-id", "ride-1", "--event-id", "ride-2")
    shown.wait_for("Why are they corrected?")
    shown.send("wrong meter\r")
    shown.wait_for("Type the number of events")
    assert "Plan: 2 corrections" in shown.text
    assert "distance (Kilometers): 4" in shown.text.replace(".0", "")
    assert not month.corrections
    shown.send("2\r")
    assert shown.end() == 0
    assert "2 applied" in shown.text
    assert "Next: togai history --plan " in shown.text
    assert month.applied == {"ref-1": 1, "ref-2": 1}


@pytest.mark.parametrize("keys", ["3\r", "yes\r", "\r", "\x04", "\x03"])
def test_any_other_reply_sends_nothing(
    month: FakeTogai, ledger: Path, terminal: Open, keys: str
) -> None:
    shown = terminal("undo", "--account", "acme", "--event-id", "ride-1", "--why", "test")
    shown.wait_for("Type the number of events")
    shown.send(keys)
    assert shown.end() == (130 if keys == "\x03" else 2)
    assert not month.corrections


def test_without_a_terminal_the_number_is_expected(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    command = ("undo", "--account", "acme", "--event-id", "ride-1", "--why", "test")
    for more, problem in (
        ((), "not approved: type the number of events on a terminal, or pass --expect 1"),
        (("--expect", "2"), "the plan has 1 event, not 2"),
        (("--expect", "2"), "continue its plan: togai plan execute PLAN"),
        (("--expect", "1", "--ledger", "mistyped.db"), "create one with: togai ledger create FILE"),
    ):
        done = pipe(*command, *more, typed="1\n")
        assert done.returncode == 2
        assert problem in done.stderr
    assert pipe(*command[:-2], "--expect", "1").returncode == 2  # no reason
    assert not month.corrections
    done = pipe(*command, "--expect", "1", "--json")
    assert done.returncode == 0
    (row,) = json.loads(done.stdout)
    assert (row["reference_id"], row["outcome"]) == ("ref-1", "applied")
    assert pipe(*command, "--expect", "1").returncode == 1  # reverted already
    assert month.applied == {"ref-1": 1}


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    month: FakeTogai, ledger: Path, pipe: Pipe, tmp_path: Path
) -> None:
    before = ledger.read_bytes()
    done = pipe("redo", "--account", "acme", "--reference-id", "ref-3", "--dry-run")
    assert done.returncode == 0
    assert "REDO ref-3" in done.stdout
    assert "Nothing was sent. Next: the same without --dry-run" in done.stderr
    assert {request.method for request in month.requests} == {"GET"}
    assert ledger.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.db"]


def test_a_whole_account_needs_its_option(month: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    for options in ((), ("--schema", "rides"), ("--status", "INGESTION_FAILED")):
        done = pipe("undo", "--account", "acme", *options, "--why", "x", "--expect", "63")
        assert done.returncode == 2
        assert "--whole-account" in done.stderr
    assert not month.requests
    assert pipe("undo", "--event-id", "x", "--why", "x").returncode == 2
    done = pipe("undo", "--account", "acme", "--whole-account", "--dry-run")
    assert "Plan: 63 corrections" in done.stdout


def test_one_hour_is_undone(fake: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    for minute in range(0, 120, 30):
        fake.add(
            id=f"at-{minute}", timestamp=f"2024-12-04T{8 + minute // 60:02}:{minute % 60:02}:00Z"
        )
    done = pipe(
        *("undo", "--account", "acme", "--since", "2024-12-04T08:30:00Z"),
        *("--until", "2024-12-04T09:30:00Z", "--why", "meter off", "--expect", "2"),
    )
    assert done.returncode == 0
    assert fake.applied == {"ref-2": 1, "ref-3": 1}


def test_ids_come_from_a_file_and_wrong_ones_are_listed(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    add(month, "twice")
    add(month, "twice")
    add(month, "taken-back", status="REVERTED")
    Path("ids").write_text("\ufeffride-1\nref-2\n\nnobody\ntwice\ntaken-back\n")
    command = ("undo", "--account", "acme", "--ids", "ids", "--why", "test", "--expect", "2")
    done = pipe(*command)
    assert done.returncode == 1
    for problem in (
        "nobody: no event of the account acme has this id",
        "twice: 2 events have this id: select one of them by its reference_id",
        "taken-back: the event is already reverted",
        "3 invalid; nothing was sent. Fix them, or pass --skip-invalid",
    ):
        assert problem in done.stderr
    assert not month.corrections
    done = pipe(*command, "--skip-invalid")
    assert done.returncode == 1
    assert month.applied == {"ref-1": 1, "ref-2": 1}


def test_a_table_is_corrected_once(month: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    file = table(
        "t.csv", "acme,ride-1,distance,2.25", "acme,ride-2,distance,3", "acme,nobody,distance,1"
    )
    command = ("correct", file, "--why", "meter 7", "--expect", "2")
    done = pipe(*command)
    assert done.returncode == 1
    assert "line 4: error: nobody: no event of the account acme has this id" in done.stderr
    assert not month.corrections
    done = pipe(*command, "--skip-invalid")
    assert done.returncode == 1
    assert "2 applied" in done.stderr
    assert "distance (Kilometers): 4" in done.stdout.replace(".0", "")
    assert distance(month, "ride-1") == ["2.25"]
    again = pipe(*command, "--skip-invalid")
    assert "line 2: unchanged: ride-1: distance is already 2.25" in again.stderr
    assert "There is nothing to correct." in again.stderr
    assert len(month.corrections) == 2


def test_a_plan_is_approved_by_one_and_executed_by_another(
    month: FakeTogai, ledger: Path, pipe: Pipe, terminal: Open
) -> None:
    file = table("t.csv", "acme,ride-1,distance,2.25", "acme,ride-2,distance,3")
    done = pipe("correct", file, "--dry-run", "--save-plan", "plan.json", "--why", "meter 7")
    assert "Next: togai plan approve plan.json --why TEXT" in done.stderr
    assert pipe("plan", "show", "plan.json").stdout == done.stdout
    refused = pipe("plan", "execute", "plan.json")
    assert refused.returncode == 2
    assert "approve" in refused.stderr
    shown = terminal("plan", "approve", "plan.json", "--why", "checked", "--who", "bea")
    shown.wait_for("Type the number of events")
    shown.send("2\r")
    assert shown.end() == 0
    assert not month.corrections
    part = pipe("plan", "execute", "plan.json", "--limit", "1")
    assert part.returncode == 0
    assert "Next: togai plan execute plan.json" in part.stderr
    assert pipe("plan", "execute", "plan.json", "--who", "ann").returncode == 0
    again = pipe("plan", "execute", "plan.json")
    assert again.returncode == 0
    assert "2 applied; 2 of these in an earlier run" in again.stderr
    assert month.applied == {"ref-1": 1, "ref-2": 1}
    history = pipe("history", "--jsonl")
    people = {(row["kind"], row["who"]) for row in map(json.loads, history.stdout.splitlines())}
    assert ("approved", "bea") in people
    assert ("intent", "ann") in people
    Path("plan.json").write_text(Path("plan.json").read_text().replace("2.25", "9.25"))
    assert pipe("plan", "execute", "plan.json").returncode == 2


def test_what_the_service_does_not_correct_is_1(month: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    month.refuse_next(1, reason="past pricing cycle\x1b[2J")
    done = pipe(
        *("undo", "--account", "acme", "--event-id", "ride-1", "--event-id", "ride-2"),
        *("--why", "test", "--expect", "2"),
    )
    assert done.returncode == 1
    assert "past pricing cycle\\x1b[2J" in done.stdout
    assert "1 failed, 1 applied" in done.stderr


@pytest.mark.long
def test_a_killed_command_names_the_way_on_and_is_safe_to_repeat(
    fake: FakeTogai, ledger: Path, pipe: Pipe, env: dict[str, str]
) -> None:
    fake.add_many(20)
    lines = [f"acme,event-{number},distance,{number}.25" for number in range(1, 21)]
    command = ("correct", table("t.csv", *lines), "--why", "meter")
    with subprocess.Popen(
        [*COMMAND, *command, "--expect", "20"], env=env, stderr=subprocess.PIPE, text=True
    ) as process:
        while len(fake.corrections) < 5:
            assert process.poll() is None
        process.kill()
        assert process.stderr is not None
        said = process.stderr.read()
    (path,) = Path.cwd().glob("togai-plan-*.json")
    assert f"repeat the command, or: togai plan execute {path.name}" in said
    # The number stays that of the plan, whatever was done before the crash.
    wrong = pipe(*command, "--expect", "15")
    assert wrong.returncode == 2
    assert "the plan has 20 events, not 15" in wrong.stderr
    code = pipe(*command, "--expect", "20").returncode
    if code == 3:  # killed between the request and its response
        assert pipe("reconcile").returncode in (0, 4)
        code = pipe(*command, "--expect", "20").returncode
    assert code in (0, 3)
    assert max(fake.applied.values()) == 1
    assert len(fake.corrections) == 20
    assert path.exists() == (code == 3)
    if code == 0:
        again = pipe(*command, "--expect", "20")  # a new run, which finds nothing left
        assert again.returncode == 0
        assert "There is nothing to correct." in again.stderr


@pytest.mark.slow
def test_a_run_that_ended_is_not_continued(month: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    command = ("undo", "--account", "acme", "--since", "2024-12-05", "--why", "test")
    month.refuse_next(1, reason="past pricing cycle")
    assert pipe(*command, "--expect", "21").returncode == 1
    assert not list(Path.cwd().glob("togai-plan-*"))
    again = pipe(*command, "--expect", "1")
    assert again.returncode == 0
    assert "Continuing" not in again.stderr
    assert len(month.corrections) == 21


def test_a_limit_is_continued_by_the_same_command(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    file = table("t.csv", *(f"acme,ride-{number},distance,{number}.25" for number in (1, 2, 3, 99)))
    command = ("correct", file, "--why", "meter", "--expect", "3", "--limit", "2", "--skip-invalid")
    first = pipe(*command)
    assert first.returncode == 1  # a line is wrong
    assert "! 1 invalid lines or ids are left out" in first.stdout
    second = pipe(*command)
    assert second.returncode == 1
    assert "Continuing the interrupted run of this command" in second.stderr
    assert month.applied == {f"ref-{number}": 1 for number in (1, 2, 3)}
    assert not list(Path.cwd().glob("togai-plan-*"))
    assert "There is nothing to correct." in pipe(*command).stderr


def test_a_failure_beside_a_limit_is_1(month: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    month.refuse_next(1, reason="past pricing cycle")
    command = ("undo", "--account", "acme", "--since", "2024-12-05", "--why", "test")
    assert pipe(*command, "--expect", "21", "--limit", "2").returncode == 1


def test_redo_ingests_the_same_event_again(month: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    command = ("redo", "--account", "acme", "--event-id", "ride-1", "--why", "rates", "--expect")
    done = pipe(*command, "1")
    assert done.returncode == 0, done.stderr
    assert "distance (Kilometers): 1.5 -> 1.5" in done.stdout
    assert [item.action for item in month.corrections] == ["REDO"]
    assert distance(month, "ride-1") == ["1.5"]
    assert len(month.corrections) == 1


def test_a_plan_is_shown_whole_to_programs(month: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    command = ("undo", "--account", "acme", "--since", "2024-12-02", "--dry-run")
    done = pipe(*command, "--save-plan", "plan.json")
    assert "more: togai plan show PLAN --json ..." in done.stdout
    rows = json.loads(pipe("plan", "show", "plan.json", "--json").stdout)
    assert len(rows) == 51
    assert rows[0]["selection"] == {"account_id": "acme", "reference_id": "ref-10"}
    dry = pipe(*command, "--json")
    assert json.loads(dry.stdout) == rows
    assert "Plan: 51 corrections" in dry.stderr


def test_a_plan_without_corrections_is_an_empty_list(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    file = table("t.csv", "acme,ride-1,distance,1.5")
    done = pipe("correct", file, "--why", "meter 7", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "There is nothing to correct." in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("way", ["kill", "ctrl-c"])
def test_corrections_survive_interruptions(
    fake: FakeTogai, ledger: Path, pipe: Pipe, terminal: Open, env: dict[str, str], way: str
) -> None:
    fake.add_many(40)
    file = table("t.csv", *(f"acme,event-{number},distance,{number}.25" for number in range(1, 41)))
    done = pipe("correct", file, "--dry-run", "--save-plan", "plan.json", "--why", "meter")
    assert done.returncode == 0
    assert pipe("plan", "approve", "plan.json", "--why", "ok", "--expect", "40").returncode == 0
    codes: list[int] = []
    for stop in (6, 14, 22):
        if way == "kill":
            with subprocess.Popen([*COMMAND, "plan", "execute", "plan.json"], env=env) as process:
                while len(fake.corrections) < stop:
                    assert process.poll() is None
                process.kill()
        else:
            shown = terminal("plan", "execute", "plan.json")
            while len(fake.corrections) < stop:
                shown._read(0.01)
            shown.send("\x03")
            codes.append(shown.end())
            output = " ".join(shown.text.split())
            assert "Interrupted. Continue with: togai plan execute plan.json" in output
    assert set(codes) <= {130}
    done = pipe("plan", "execute", "plan.json")
    assert done.returncode in (0, 3), done.stderr
    if done.returncode == 3:
        assert pipe("reconcile").returncode in (0, 4)
        pipe("plan", "execute", "plan.json")
    assert max(fake.applied.values()) == 1
    assert len(fake.corrections) >= 37
    assert pipe("ledger", "verify").returncode == 0


def test_the_token_is_in_no_file_and_no_output(
    month: FakeTogai, ledger: Path, pipe: Pipe, env: dict[str, str]
) -> None:
    month.token = env["TOGAI_API_TOKEN"] = "a-token-that-is-long-and-secret"
    done = pipe("undo", "--account", "acme", "--event-id", "ride-1", "--why", "x", "--expect", "1")
    assert done.returncode == 0
    written = b"".join(path.read_bytes() for path in Path.cwd().iterdir() if path.is_file())
    assert b"long-and-secret" not in written + done.stdout.encode() + done.stderr.encode()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_a_table_in_a_pipe_is_refused(fake: FakeTogai, ledger: Path, pipe: Pipe) -> None:
    os.mkfifo("t.csv")
    done = pipe("correct", "t.csv", "--why", "x")
    assert done.returncode == 2
    assert done.stderr == "togai: t.csv is a pipe: pass the path of a file\n"
