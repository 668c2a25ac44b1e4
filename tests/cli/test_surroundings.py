"""What surrounds a command: files, streams, terminals and folders that are not as it wishes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from togai import errors
from togai._cli._output import here
from togai._storage.records import Records
from togai.corrections import Ledger
from togai.testing import FakeTogai

from .conftest import COMMAND, Open, Pipe

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

UNDO = ("undo", "--account", "acme", "--event-id", "ride-1", "--why", "x", "--expect", "1")


@pytest.fixture
def shell(env: dict[str, str]) -> Shell:
    """Runs a command with redirections of a shell."""

    def start(redirection: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", f'"$@" {redirection}', "bash", *COMMAND, *arguments],
            capture_output=True, text=True, timeout=60, env={**env, **more},
        )  # fmt: skip

    return start


UNDO_IDS = ("undo", "--account", "acme", "--ids", "F", "--why", "x")
EXPORT = ("export", "F", "--format", "csv")
REPORT = ("report", "--html", "F/x.html")


@pytest.mark.parametrize(
    ("command", "content"),
    [
        (command, content)
        for command in (
            ("correct", "F", "--why", "x"),
            UNDO_IDS,
            ("events", "list", "--token-file", "F"),
            ("plan", "show", "F"),
            ("plan", "execute", "F"),
            ("history", "--ledger", "F"),
            EXPORT,
            REPORT,
        )
        for content in ("latin-1", "empty", "folder", "absent", "nul")
        if (command, content) not in ((EXPORT, "absent"), (REPORT, "folder"), (UNDO_IDS, "nul"))
    ],
)
def test_a_wrong_file_is_named_with_a_reason(
    month: FakeTogai, ledger: Path, pipe: Pipe, command: tuple[str, ...], content: str
) -> None:
    texts = {"latin-1": b"a,b\n1,\xe9\n", "empty": b"", "nul": b"\0\0\n"}
    if content == "folder":
        Path("F").mkdir()
    elif content in texts:
        Path("F").write_bytes(texts[content])
    done = pipe(*command)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr) < 500
    if (command[0], content) != ("undo", "empty") and "--token-file" not in command:
        assert "F" in done.stderr
    for python in ("Errno", "Error(", "Traceback", "codec", "=True"):
        assert python not in done.stderr
    assert {request.method for request in month.requests} <= {"GET"}


def test_an_id_of_control_characters_is_shown_escaped(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    Path("F").write_bytes(b"\0\0\n")
    done = pipe(*UNDO_IDS)
    assert done.returncode == 1
    assert "\\x00\\x00: no event of the account acme has this id" in done.stderr


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_closed_stream_is_no_error(month: FakeTogai, shell: Shell, redirection: str) -> None:
    done = shell(redirection, "events", "list", "--limit", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert ("ride-1" in done.stdout) == (">&-" not in redirection.replace("2>&-", ""))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_never_hides_what_was_corrected(
    month: FakeTogai, ledger: Path, shell: Shell
) -> None:
    done = shell(">/dev/full", "events", "list")
    assert (done.returncode, done.stderr) == (2, "togai: stdout: No space left on device\n")
    refused = shell(">/dev/full", *UNDO)  # a plan that nobody can read is not executed
    assert refused.returncode == 2
    assert not month.corrections
    assert not list(Path.cwd().glob("togai-plan-*"))
    done = shell(">/dev/full", *UNDO, "--json")
    assert done.returncode == 0
    assert "stdout cannot be written: No space left on device" in done.stderr
    assert "1 applied" in done.stderr
    assert len(month.corrections) == 1


def test_an_outcome_that_the_ledger_cannot_record_is_an_open_correction(
    month: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = errors.TogaiError("ledger.db: database or disk is full")
    with monkeypatch.context() as patch:
        patch.setattr("togai._storage.records.Records.conclude", Mock(side_effect=full))
        done = pipe(*UNDO)
    assert (done.returncode, len(month.corrections)) == (3, 1)
    assert "1 applied\nNext: togai reconcile\n" in done.stderr
    assert "the outcome could not be recorded: ledger.db: database or disk is full" in done.stderr
    assert pipe("reconcile").returncode == 0


def test_a_correction_whose_entry_the_ledger_lost_is_open(
    month: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = ledger.read_bytes()
    conclude = Records.conclude

    def restored(records: Records, *about: Any, **more: Any) -> None:
        ledger.write_bytes(copy)
        conclude(records, *about, **more)

    monkeypatch.setattr(Records, "conclude", restored)
    done = pipe(*UNDO)
    assert (done.returncode, len(month.corrections)) == (3, 1)
    assert "1 applied\nNext: togai reconcile\n" in done.stderr
    assert done.stderr.count("it lacks entry 2") == 1


def test_a_correction_is_open_if_the_ledger_cannot_be_read_afterwards(
    month: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "history", Mock(side_effect=errors.LedgerBusy("ledger.db", 30.0)))
    done = pipe(*UNDO)
    assert (done.returncode, len(month.corrections)) == (3, 1)
    assert "the ledger ledger.db was locked by another process" in done.stderr
    assert "1 applied" in done.stderr


def test_ctrl_c_while_the_ledger_is_read_after_a_correction_interrupts_the_command(
    month: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "history", Mock(side_effect=KeyboardInterrupt))
    assert (pipe(*UNDO).returncode, len(month.corrections)) == (130, 1)


@pytest.mark.parametrize(
    ("function", "command", "name"),
    [
        ("os.fsync", (*UNDO, "--save-plan", "plan.json"), "plan.json"),
        ("pathlib.Path.write_text", ("report", "--html", "page.html"), "page.html"),
    ],
)
def test_a_full_disk_is_reported_with_the_file_that_was_written(
    month: FakeTogai,
    pipe: Pipe,
    ledger: Path,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    command: tuple[str, ...],
    name: str,
) -> None:
    monkeypatch.setattr(function, Mock(side_effect=OSError(28, "No space left on device")))
    done = pipe(*command)
    assert done.returncode == 2
    assert done.stderr == f"togai: {name}: No space left on device\n"
    assert [path.name for path in Path.cwd().iterdir()] == [ledger.name]


@pytest.mark.parametrize("name", ["notes.txt", "ledger.db", "folder"])
@pytest.mark.parametrize(
    "command", [(*UNDO, "--dry-run", "--save-plan"), ("report", "--html")], ids=("plan", "report")
)
def test_a_file_of_another_kind_is_not_replaced(
    month: FakeTogai, ledger: Path, pipe: Pipe, command: tuple[str, ...], name: str
) -> None:
    Path("notes.txt").write_text("{}")
    Path("folder").mkdir()
    kept = Path(name).read_bytes() if name != "folder" else b""
    done = pipe(*command, name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"togai: {name}")
    assert name == "folder" or Path(name).read_bytes() == kept
    assert {path.name for path in Path.cwd().iterdir()} >= {"notes.txt", "ledger.db", "folder"}


def test_a_plan_and_a_report_replace_an_earlier_one(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    for _ in range(2):
        assert pipe(*UNDO, "--dry-run", "--save-plan", "plan.json").returncode == 0
        assert pipe("report", "--html", "report.html").returncode == 0


def test_help_may_be_read_in_part(month: FakeTogai, shell: Shell) -> None:
    done = shell("| head -1", "--help")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Usage: togai COMMAND\n", "")


def test_an_export_that_cannot_be_written_is_not_a_problem_of_the_network(
    month: FakeTogai, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(28, "No space left on device")
    monkeypatch.setattr("pathlib.Path.replace", Mock(side_effect=full))
    done = pipe("export", "all.csv")
    assert done.returncode == 2
    assert done.stderr == (
        "togai: all.csv cannot be written: No space left on device."
        " Fix the cause and repeat the same command: it continues there\n"
    )


def test_who_stops_reading_stops_no_correction(
    month: FakeTogai, ledger: Path, shell: Shell
) -> None:
    command = ("undo", "--account", "acme", "--since", "2024-12-05", "--why", "x", "--expect", "21")
    month.refuse_next(1, reason="past pricing cycle")
    done = shell("| true", *command)
    assert done.returncode == 1  # the exit code of the corrections
    assert "1 failed, 20 applied" in done.stderr
    assert len(month.corrections) == 20


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_terminal_without_unicode_shows_everything(
    month: FakeTogai, shell: Shell, locale: str
) -> None:
    month.add(id="größe-日本", account_id="acme", timestamp="2024-12-09T00:00:00Z")
    more = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    listed = shell("", "events", "list", "--since", "2024-12-09", **more)
    assert listed.returncode == 0
    assert ("größe" in listed.stdout) == (locale != "C")
    report = shell("", "report", **more)
    assert report.returncode == 0
    assert ("█" in report.stdout) == (locale != "C")
    assert ("####" in report.stdout) == (locale == "C")


@pytest.mark.parametrize("columns", [20, 79])
def test_a_narrow_terminal_hides_nothing(month: FakeTogai, terminal: Open, columns: int) -> None:
    shown = terminal("events", "list", "--account", "acme", "--limit", "1", columns=columns)
    assert shown.end() == 0
    text = "".join(shown.text.split())
    for part in ("ride-1", "2024-12-0110:00:00Z", "distance=1.5", "ref-1"):
        assert part in text


def test_a_dumb_terminal_gets_no_colour(month: FakeTogai, terminal: Open) -> None:
    shown = terminal("failed", TERM="dumb")
    assert shown.end() == 0
    assert b"\x1b[3" not in shown.raw
    assert "INGESTION_FAILED_UNITS_INVALID" in shown.text


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_named(
    month: FakeTogai, ledger: Path, env: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    shutil.copy(ledger, folder / "ledger.db")
    (folder / "ledger.db").chmod(0o444)
    folder.chmod(0o555)
    command = COMMAND
    if os.name == "posix" and os.geteuid() == 0:  # whom no permission stops
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv")
        drop = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}", *COMMAND]

    def run(*arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=60, env=env, cwd=cwd
        )

    for arguments, named in (
        (
            ("export", "locked/x.csv"),
            "locked/x.csv.checkpoint cannot be written: Permission denied",
        ),
        (("ledger", "create", "locked/new.db"), "new.db: Permission denied"),
        (("report", "--html", "locked/x.html"), "locked/x.html: Permission denied"),
        ((*UNDO, "--dry-run", "--save-plan", "locked/plan.json"), "locked/plan.json"),
        ((*UNDO, "--ledger", "locked/ledger.db"), "ledger.db cannot be used"),
    ):
        done = run(*arguments)
        assert done.returncode == 2, done.stderr
        assert named in done.stderr
        assert "Errno" not in done.stderr
    assert run("history", "--ledger", "locked/ledger.db").returncode == 0
    here_ = run(*UNDO, cwd=folder)  # its plan is kept in this folder
    assert here_.returncode == 2
    assert "togai-plan-" in here_.stderr
    assert not month.corrections
    folder.chmod(0o755)


def test_doctor_says_what_is_wrong(
    month: FakeTogai, pipe: Pipe, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    month.fail_next(status=200, body="<html>Sign in</html>")
    done = pipe("doctor")
    assert done.returncode == 5
    assert "This may not be a response of the service" in done.stderr
    assert "Set TOGAI_API_TOKEN" not in done.stderr
    assert "deviations" not in done.stdout  # nothing was read
    for more, advice in (
        ({"TOGAI_API_TOKEN": "wrong-token"}, "Set TOGAI_API_TOKEN or --token-file"),
        ({"TOGAI_BASE_URL": nobody}, "Check the network, the proxy"),
    ):
        done = pipe("doctor", **more)
        assert done.returncode == 5
        assert f"{advice}" in done.stderr
        assert done.stderr.rstrip().endswith("Then: togai doctor")
        assert "`token=`" not in done.stdout
    done = pipe("doctor", "--token-file", "absent")
    assert done.returncode == 5
    assert "absent cannot be read: No such file or directory" in done.stdout
    assert done.stderr == "Correct this setting. Then: togai doctor\n"


def test_a_file_that_is_no_ledger_is_no_damaged_one(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    assert pipe(*UNDO).returncode == 0
    Path("notes.txt").write_text("not a database" * 100)
    done = pipe("pending", "--ledger", "notes.txt")
    assert done.returncode == 2
    assert done.stderr.endswith("cannot be used: it is not a ledger; check the address\n")
    ledger.write_text("not a database" * 100)  # its mark says that it was one
    assert "is damaged: file is not a database" in pipe("pending").stderr
    done = pipe("pending", "--ledger", "postgresql://a:secret@127.0.0.1:1/db")
    assert done.returncode == 2
    assert "Connection refused; check the address, and that the server accepts" in done.stderr
    assert "secret" not in done.stderr


def test_a_file_that_is_no_plan_says_how_to_save_one(pipe: Pipe) -> None:
    Path("t.csv").write_text("a,b")
    how = "save one with togai correct FILE --dry-run --save-plan PLAN\n"
    assert pipe("plan", "show", "t.csv").stderr == f"togai: t.csv is not a plan: {how}"
    missing = "togai: no.json cannot be read: No such file or directory"
    assert pipe("plan", "show", "no.json").stderr == f"{missing}: {how}"


def test_a_number_that_is_no_correction_says_where_to_look(ledger: Path, pipe: Pipe) -> None:
    for command in ("decide 7 applied --why x", "ledger release 7 --why x", "reconcile 7"):
        done = pipe(*command.split())
        assert done.returncode == 2
        assert done.stderr.endswith("ledger.db has no correction 7: to list all: togai history\n")


def test_a_ledger_is_created_once(pipe: Pipe) -> None:
    assert pipe("ledger", "create", "l.db").stderr.startswith("Created. Use it with: export ")
    assert pipe("ledger", "create", "l.db").stderr.startswith("It exists already;")
    Path("folder").mkdir()
    assert "it is not a file" in pipe("ledger", "create", "folder").stderr


def test_no_message_names_a_method_of_python(
    month: FakeTogai, ledger: Path, pipe: Pipe, tmp_path: Path
) -> None:
    assert pipe(*UNDO).returncode == 0
    month.events[0].status = "INGESTION_COMPLETED_EVENT_METERED"  # the ledger knows better
    done = pipe(*UNDO)
    assert done.returncode == 1
    assert "togai ledger release" in done.stdout + done.stderr
    (entry,) = [item for item in Ledger(ledger).history() if item.kind == "intent"]
    for error in (
        errors.AlreadyPending(entry),
        errors.AlreadyCorrected(entry),
        errors.NotApproved("0" * 64),
        errors.CorrectionOutcomeUnknown(entry.correction, "lost", entries=[entry]),
        errors.StaleReading("ref-1 was corrected"),
        errors.Unauthorized(status=401, method="GET", path="/events", message="no"),
        errors.NotFound(status=404, method="GET", path="/events", message="no"),
        errors.RateLimited(status=429, method="GET", path="/events", message="slow"),
        errors.ListingIncomplete("further pages"),
        errors.InvalidRequest("excel=True is for csv only; ledger='x': pass a ledger"),
    ):
        said = here(error)
        for python in (
            "(entry",
            "client.",
            "ledger.",
            "=...",
            "=True",
            "base_url",
            "token=",
            "ledger=",
            "--trust-end",
        ):
            assert python not in said.replace("--base-url", "").replace(".db", ""), said
    comma = Path("t.csv")
    comma.write_text('account_id,event_id,attribute,value\nacme,ride-1,distance,"1,5"\n')
    assert "(decimal commas: --decimal-comma; " in pipe("correct", "t.csv", "--why", "x").stderr
