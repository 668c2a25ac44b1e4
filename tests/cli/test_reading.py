"""The commands that only read, on a terminal and in a pipe."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from togai import errors
from togai._cli import app
from togai.corrections import Ledger
from togai.testing import FakeTogai

from .conftest import COMMAND, Open, Pipe, add


@pytest.mark.slow
def test_help_starts_without_httpx(pipe: Pipe) -> None:
    code = (
        "import sys; from togai._cli import run; run(['--help']); sys.exit('httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    for command in ("events", "failed", "export", "doctor", "Exit codes"):
        assert command in done.stdout
    assert pipe("--version").stdout.startswith("0.")
    assert pipe("events", "list", "--help").returncode == 0


def test_a_person_sees_a_table(month: FakeTogai, terminal: Open) -> None:
    shown = terminal("events", "list", "--account", "acme")
    assert shown.end() == 0
    lines = shown.text.splitlines()
    assert lines[0].split() == ["id", "timestamp", "status", "quantities", "reference_id"]
    assert lines[1].split()[:4] == ["ride-1", "2024-12-01", "10:00:00Z", "completed"]
    assert lines[1].split()[-2:] == ["distance=1.5", "ref-1"]
    assert "The first 50 events. For more: --limit N, --jsonl, or togai export FILE" in shown.text
    assert {request.method for request in month.requests} == {"GET"}


def test_a_program_reads_rows_in_each_form(month: FakeTogai, pipe: Pipe) -> None:
    plain = pipe("events", "list", "--account", "globex")
    assert [line.split("\t")[0] for line in plain.stdout.splitlines()] == ["id", "units", "gone"]
    assert plain.stderr == ""
    for option, read in (
        ("--json", json.loads),
        ("--jsonl", lambda text: [json.loads(line) for line in text.splitlines()]),
        ("--csv", lambda text: list(csv.DictReader(io.StringIO(text)))),
    ):
        done = pipe("events", "list", "--account", "globex", option)
        rows = read(done.stdout)
        assert [row["id"] for row in rows] == ["units", "gone"]
        assert rows[0]["attribute.distance"] == "1.0"
        assert rows[0]["timestamp"] == "2024-12-01T10:00:00.000000Z"
    assert json.loads(pipe("events", "list", "--account", "nobody", "--json").stdout) == []
    nobody = pipe("events", "list", "--account", "nobody")
    assert nobody.stdout == ""
    assert nobody.stderr == (
        "The account nobody has no events: check its name, or --schema.\nNo event matches.\n"
    )
    both = pipe("events", "list", "--account", "acme", "--account", "globex", "--jsonl")
    assert len(both.stdout.splitlines()) == 65


def test_what_the_service_says_moves_no_cursor(fake: FakeTogai, terminal: Open, pipe: Pipe) -> None:
    add(fake, "evil\x1b[2J\x1b]0;t\x07[red]x", status="INGESTION_FAILED_\x1b[1A")
    for command in (("events", "list"), ("failed",), ("failed", "--list", "--csv")):
        shown = terminal(*command)
        assert shown.end() == 0
        assert b"\x1b[2J" not in shown.raw
        pipe(*command[:2])
    wide = terminal("events", "list", columns=160)
    assert wide.end() == 0
    assert "[red]x" in wide.text


def terminal_text(terminal: Open, *command: str) -> str:
    shown = terminal(*command)
    shown.end()
    return shown.text


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"NO_COLOR": "", "FORCE_COLOR": "1"}])
def test_no_color_means_none(month: FakeTogai, terminal: Open, more: dict[str, str]) -> None:
    import re

    shown = terminal("failed", **more)
    assert shown.end() == 0
    codes = set(re.findall(rb"\x1b\[([0-9;]*)m", shown.raw))
    assert not any(
        part in range(30, 108)
        for code in codes
        for part in map(int, filter(None, code.split(b";")))
    )


def test_a_pipe_has_no_colour_even_if_forced(month: FakeTogai, pipe: Pipe) -> None:
    assert pipe("failed", FORCE_COLOR="1").returncode == 0  # the fixture looks for escapes


def test_one_event_is_shown_in_full(month: FakeTogai, pipe: Pipe, terminal: Open) -> None:
    (event,) = json.loads(pipe("events", "get", "ride-7", "--json").stdout)
    assert event["eventPayload"]["attributes"][0]["value"] == "7.5"
    assert "attribute.distance  7.5" in terminal_text(terminal, "events", "get", "ride-7")
    missing = pipe("events", "get", "no-such")
    assert missing.returncode == 1
    assert "not the reference id" in missing.stderr


def test_failures_are_counted_by_reason_and_listed(
    month: FakeTogai, pipe: Pipe, terminal: Open
) -> None:
    shown = terminal_text(terminal, "failed")
    assert "3  INGESTION_FAILED_PAST_GRACE_PERIOD" in shown
    assert "1  INGESTION_FAILED_UNITS_INVALID" in shown
    assert "Failed: 4. To see each: togai failed --list" in shown
    rows = [json.loads(line) for line in pipe("failed", "--jsonl").stdout.splitlines()]
    assert [row["events"] for row in rows] == [3, 1]
    one = pipe("failed", "--status", "INGESTION_FAILED_UNITS_INVALID").stderr
    assert one == "Failed: 1. To see each: togai failed --list\n"
    listed = pipe("failed", "--list", "--account", "globex")
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["id", "units"]
    assert "No event failed." in pipe("failed", "--since", "2025-01-01").stderr


def test_an_export_shows_progress_to_people_only(
    month: FakeTogai, terminal: Open, pipe: Pipe, tmp_path: Path
) -> None:
    done = pipe("export", "all.csv", "--account", "acme", "--account", "globex")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "all.csv: 64 rows of 65 events; left out: 1 reverted\n"
    with (tmp_path / "all.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 64
    shown = terminal("export", "excel.csv", "--excel", "--columns", "id, attribute.distance")
    assert shown.end() == 0
    assert b"events" in shown.raw
    assert b"/s" in shown.raw
    assert shown.text == "excel.csv: 64 rows of 65 events; left out: 1 reverted"
    assert (
        (tmp_path / "excel.csv").read_bytes().startswith(b"\xef\xbb\xbfid,attribute.distance\r\n")
    )
    refused = pipe("export", "all.csv", "--account", "acme")
    assert refused.returncode == 2
    assert "belongs to another export" in refused.stderr
    assert "pass --restart" in refused.stderr
    assert "restart=True" not in refused.stderr


@pytest.mark.long
def test_ctrl_c_and_kill_leave_an_export_that_goes_on(
    fake: FakeTogai, terminal: Open, env: dict[str, str], tmp_path: Path
) -> None:
    for account in ("acme", "globex", "initech"):
        fake.add_many(400, account_id=account)
    command = (
        "export",
        "out.csv",
        *(w for a in ("acme", "globex", "initech") for w in ("--account", a)),
    )
    shown = terminal(*command)
    while len(fake.requests) < 3:
        shown._read(0.01)
    shown.send("\x03")
    assert shown.end() == 130
    assert "Interrupted. Repeat the same command." in shown.text
    before = len(fake.requests)
    with subprocess.Popen([*COMMAND, *command], env=env) as process:
        while len(fake.requests) < before + 3:
            pass
        process.kill()
    assert not (tmp_path / "out.csv").exists()
    assert terminal(*command).end() == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["reference_id"] for row in rows}) == 1200


def test_ctrl_c_in_a_listing_promises_no_continuation(
    fake: FakeTogai, terminal: Open, tmp_path: Path
) -> None:
    fake.add_many(2000)
    shown = terminal("events", "list", "--csv")
    while not fake.requests:
        shown._read(0.01)
    shown.send("\x03")
    assert shown.end() == 130
    assert shown.text.endswith("Interrupted. Repeat the same command.")


@pytest.mark.slow
def test_the_completion_of_a_shell_is_data(pipe: Pipe, tmp_path: Path) -> None:
    done = pipe("completion", "bash")
    assert (done.returncode, done.stderr) == (0, "")
    subprocess.run(["/bin/bash", "-n"], input=done.stdout, text=True, check=True)
    assert not list(tmp_path.iterdir())


def test_a_port_that_is_taken_is_named(env: dict[str, str], url: str, process: Pipe) -> None:
    port = url.rpartition(":")[2]
    done = process("serve", "--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"togai: --port {port}: Address already in use\n")


def test_a_real_pipe_holds_data_on_stdout_and_messages_on_stderr(
    month: FakeTogai, process: Pipe
) -> None:
    done = process("failed", FORCE_COLOR="1")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "events\tstatus\treason"
    assert done.stderr == "Failed: 4. To see each: togai failed --list\n"
    assert process("failed", "--json", "--csv").returncode == 2
    assert process("failed", TOGAI_API_TOKEN="wrong-token").returncode == 5


@pytest.mark.slow
def test_a_reader_that_stops_early_is_not_an_error(month: FakeTogai, env: dict[str, str]) -> None:
    with subprocess.Popen(
        [*COMMAND, "events", "list", "--jsonl"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_doctor_checks_each_part(month: FakeTogai, pipe: Pipe, terminal: Open, nobody: str) -> None:
    shown = terminal_text(terminal, "doctor")
    for part in (
        "versions",
        "address",
        "the first 50 events",
        "clock",
        "10 requests",
        "All is well",
    ):
        assert part in shown
    ended = pipe("doctor", "--base-url", nobody)
    assert ended.returncode == 5
    assert "FAILED" in ended.stdout
    assert pipe("doctor", TOGAI_API_TOKEN="wrong-token").returncode == 5
    assert {request.method for request in month.requests} == {"GET"}


def test_wrong_use_is_refused_with_2_and_the_way_on(month: FakeTogai, pipe: Pipe) -> None:
    for command, problem in (
        (("events", "list", "--json", "--csv"), "choose one of --json"),
        (("events", "list", "--sandbox", "--base-url", "https://x"), "choose one of --sandbox"),
        (("events", "list", "--since", "yesterday"), "such as 2024-12-01"),
        (("events", "list", "--since", "2024-12-01T07:00:00"), "07:00:00Z for UTC"),
        (("events", "list", "--token", "secret"), "--token"),
        (("export", "x.xls"), "extension: pass --format 'csv', 'jsonl' or 'parquet'"),
        (("nothing",), "nothing"),
        (("events", "list", "--limit", "0"), "--limit"),
        (("events", "list", "--limit", "-1"), "--limit"),
        (("plan", "show"), "togai: PLAN is missing.\nFor help: togai plan show --help\n"),
        (("undo", "--event-id", "x"), "--account is missing.\nFor help: togai undo --help\n"),
        (("undo", "--account"), "requires an argument.\nFor help: togai undo --help\n"),
        (("failed", "--lst"), "Did you mean --list?\nFor help: togai failed --help\n"),
        (("serve", "--events", "-1"), "--events 0 or more, a --token with text"),
    ):
        done = pipe(*command)
        assert done.returncode == 2, done
        assert problem in done.stderr
        assert done.stdout == ""
    done = pipe("failed", TOGAI_API_TOKEN="")
    assert done.returncode == 2
    assert (
        done.stderr == "togai: the token is empty: set TOGAI_API_TOKEN, or pass --token-file FILE\n"
    )
    assert not month.requests


@pytest.mark.parametrize("command", [("nothing",), ("failed", "--no-json"), ("plan", "show")])
def test_wrong_use_is_said_once_with_the_command_for_help(
    pipe: Pipe, command: tuple[str, ...]
) -> None:
    done = pipe(*command)
    assert (done.returncode, done.stdout) == (2, "")
    problem, advice = done.stderr.splitlines()
    assert problem.startswith("togai: ")
    assert advice.startswith("For help: togai ")


def test_a_limit_is_at_least_1(pipe: Pipe) -> None:
    for number in ("0", "-1"):
        assert "--limit" in pipe("events", "list", "--limit", number).stderr
    assert pipe("events", "list", "--limit", "1").returncode == 0


def test_a_mistyped_ledger_is_refused_before_anything_is_read(fake: FakeTogai, pipe: Pipe) -> None:
    named = ("--account", "acme", "--event-id", "x", "--ledger", "mistyped.db")
    assert pipe("undo", *named, "--dry-run").returncode == 2
    assert not fake.requests


def test_the_command_has_its_name_however_it_is_started(pipe: Pipe) -> None:
    assert pipe("nothing").stderr.endswith("For help: togai --help\n")
    assert app.name == ("togai",)


def test_the_help_shows_no_defaults_and_no_opposites_of_options(pipe: Pipe) -> None:
    assert pipe("failed", "--no-json").returncode == 2
    assert app.default_parameter is not None
    assert app.default_parameter.show_default is False
    assert app.default_parameter.negative == ()


def test_an_open_correction_ends_a_command_with_its_code(
    month: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = ("--account", "acme", "--event-id", "ride-1", "--why", "x", "--expect", "1")
    assert pipe("undo", *named).returncode == 0
    (entry,) = (item for item in Ledger(ledger).history() if item.kind == "intent")
    unknown = errors.CorrectionOutcomeUnknown(entry.correction, "lost", entries=[entry])
    for error, code in ((errors.AlreadyPending(entry), 3), (unknown, 4)):
        monkeypatch.setattr("togai.Togai", Mock(side_effect=error))
        done = pipe("events", "list")
        assert done.returncode == code
        assert done.stderr.endswith("\nCheck with: togai reconcile\n")


def test_a_service_that_refuses_or_is_away_is_5(month: FakeTogai, pipe: Pipe, nobody: str) -> None:
    done = pipe("failed", TOGAI_API_TOKEN="wrong-token")
    assert done.returncode == 5
    assert "togai doctor" in done.stderr
    assert "wrong-token" not in done.stdout + done.stderr
    month.fail_next(status=403)
    assert pipe("events", "list").returncode == 5


def test_the_token_is_read_from_a_file(month: FakeTogai, pipe: Pipe, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("test-token\n")
    done = pipe("failed", "--token-file", "token", TOGAI_API_TOKEN="")
    assert done.returncode == 0
    gone = pipe("failed", "--token-file", "absent")
    assert gone.returncode == 2
    assert "absent" in gone.stderr


@pytest.mark.slow
def test_without_the_extra_it_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['cyclopts'] = None; from togai.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "The command line needs further packages: pip install 'togai[cli]'"
        " (in a checkout: pip install '.[cli]')\n"
    )


def test_an_event_of_two_names_of_an_account_is_counted_once(fake: FakeTogai, pipe: Pipe) -> None:
    fake.add_month()
    both = ("--account", "acme", "--account", "acme-eu", "--jsonl")
    listed = pipe("events", "list", *both).stdout.splitlines()
    ids = [json.loads(line)["reference_id"] for line in listed]
    assert len(ids) == len(set(ids)) == 75
    report = [json.loads(line) for line in pipe("report", *both).stdout.splitlines()]
    assert sum(row["events"] for row in report) == 75


def test_events_without_a_reference_id_are_all_listed(fake: FakeTogai, pipe: Pipe) -> None:
    fake.add_many(3)

    def spoil(body: Any) -> None:
        for event in body["events"]:
            del event["referenceId"]

    fake.change_next(spoil)
    assert len(pipe("events", "list", "--jsonl").stdout.splitlines()) == 3
