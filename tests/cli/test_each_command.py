"""Each command, in a real pseudo-terminal and in a real pipe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from togai._cli import _COMMANDS
from togai.testing import FakeTogai

from .conftest import COMMAND, Open, Pipe

WHY = "--account acme --event-id ride-4 --why x"


@dataclass(frozen=True)
class Case:
    """How a command is called, and what it writes: for a person, to stdout and to stderr of a pipe."""

    arguments: str
    terminal: tuple[str, ...]
    stdout: tuple[str, ...]
    stderr: str
    approved: bool = False
    code: int = 0


CASES = {
    "events list": Case(
        "--account acme --limit 2", ("ride-1", "reverted", "distance=1.5"), ("id\t", "ride-1"), ""
    ),
    "events get": Case(
        "ride-7", ("property", "attribute.distance  7.5"), ("property\tvalue", "7.5"), ""
    ),
    "failed": Case("", ("3  INGESTION_FAILED_PAST",), ("events\tstatus",), "Failed: 4."),
    "export": Case("x.csv --account acme", ("x.csv: 61 rows",), (), "x.csv: 61 rows of 63 events"),
    "report": Case(
        "", ("Usage", "█", "Failed ingestions"), ("Usage", "day\taccount_id"), "togai report --html"
    ),
    "undo": Case(WHY, ("UNDO ref-4", "1 applied"), ("UNDO ref-4",), "1 applied", approved=True),
    "redo": Case(WHY, ("REDO ref-4", "1 applied"), ("REDO ref-4",), "1 applied", approved=True),
    "correct": Case(
        "t.csv --why x", ("4.5 -> 2.25", "1 applied"), ("4.5 -> 2.25",), "1 applied", approved=True
    ),
    "plan show": Case("plan.json", ("Plan: 1 correction", "Digest"), ("UNDO ref-3",), ""),
    "plan approve": Case(
        "plan.json --why x", ("UNDO ref-3", "Approved."), ("UNDO ref-3",), "Next: togai plan execute",
        approved=True,
    ),
    "plan execute": Case("plan.json", ("1 applied",), (), "1 applied"),
    "pending": Case("", ("entry", "UNDO", "ref-2"), ("ref-2",), "togai reconcile", code=3),
    "reconcile": Case("", ("verdict", "applied"), ("\tapplied\t",), "1 settled."),
    "decide": Case("5 applied --why x", ("Entry 5 is settled",), (), "Next: togai pending"),
    "history": Case("", ("entry", "approved", "intent", "PLAN"), ("\tapproved\t", "PLAN"), ""),
    "ledger create": Case("new.db", ("Created.",), (), "export TOGAI_LEDGER="),
    "ledger verify": Case("", ("7 entries",), (), "7 entries, all as written."),
    "ledger release": Case("2 --why x", ("Released",), (), "once more"),
    "doctor": Case("", ("address", "All is well"), ("clock\t",), "Next: togai events list"),
    "serve": Case("--port 0", ("export TOGAI_BASE_URL=", "togai doctor"), ("export ",), ""),
    "completion": Case("bash", ("togai",), ("complete",), ""),
}  # fmt: skip


def test_each_command_has_a_case() -> None:
    assert CASES.keys() == _COMMANDS.keys()


@pytest.fixture
def digest(month: FakeTogai, ledger: Path, pipe: Pipe) -> str:
    """The digest of an approved plan, in a ledger with an applied and an open correction."""
    undo = ("undo", "--account", "acme", "--why", "x", "--event-id")
    assert pipe(*undo, "ride-1", "--expect", "1").returncode == 0  # entries 1 to 3
    month.drop_next(acts=True, method="POST")
    assert pipe(*undo, "ride-2", "--expect", "1").returncode == 4  # entries 4 to 6
    assert pipe(*undo, "ride-3", "--dry-run", "--save-plan", "plan.json").returncode == 0
    assert pipe("plan", "approve", "plan.json", "--why", "x", "--expect", "1").returncode == 0
    Path("t.csv").write_text("account_id,event_id,attribute,value\nacme,ride-4,distance,2.25\n")
    digest: str = json.loads(Path("plan.json").read_text())["digest"]
    return digest


@pytest.mark.parametrize("words", _COMMANDS)
def test_each_command_in_a_terminal_shows_its_result_to_a_person(
    digest: str, terminal: Open, words: str
) -> None:
    case = CASES[words]
    shown = terminal(*words.split(), *case.arguments.split())
    if case.approved:
        shown.wait_for("Type the number of events")
        shown.send("1\r")
    if words == "serve":
        shown.wait_for("Ctrl-C stops the service")
        shown.send("\x03")
    assert shown.end() == case.code, shown.text
    for part in case.terminal:
        assert part.replace("PLAN", digest[:8]) in shown.text


@pytest.mark.slow
@pytest.mark.parametrize("words", _COMMANDS)
def test_each_command_in_a_pipe_separates_data_and_messages(
    digest: str, env: dict[str, str], words: str
) -> None:
    case = CASES[words]
    arguments = (*words.split(), *case.arguments.split(), *("--expect", "1") * case.approved)
    with subprocess.Popen(
        [*COMMAND, *arguments],
        env={**env, "FORCE_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [] if words != "serve" else [process.stdout.readline()]
        if words == "serve":
            os.kill(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    stdout = "".join(lines) + stdout
    assert process.returncode == case.code, stderr
    assert "\x1b" not in stdout + stderr
    for part in case.stdout:
        assert part.replace("PLAN", digest) in stdout
    assert bool(stdout) == bool(case.stdout)
    assert case.stderr in stderr
    assert bool(stderr) == bool(case.stderr)


def test_a_plan_of_the_history_is_found_by_what_a_table_shows(digest: str, pipe: Pipe) -> None:
    for shown in (digest, digest[:8]):
        assert "approved" in pipe("history", "--plan", shown).stdout
