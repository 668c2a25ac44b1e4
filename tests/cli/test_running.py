"""How a command ends: its exit code, what a person reads, and what is passed on."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock, call

import pytest
from cyclopts import App
from cyclopts.completion import ShellDetectionError

from togai import InvalidRequest, Togai, __version__
from togai._cli import _service, app, run
from togai._cli._corrections import ask, show_plan
from togai._cli._output import Exit, Output
from togai.corrections import Ledger, Plan
from togai.jobs import ExportProgress
from togai.testing import FakeClock, FakeTogai

from .conftest import Pipe, Stream, add, table
from .test_streams import Full

UNDO = ("undo", "--account", "acme", "--event-id", "a", "--why", "x")


def test_the_exit_codes_are_those_of_the_documentation() -> None:
    codes = (
        Exit.DONE,
        Exit.SOME_FAILED,
        Exit.REFUSED,
        Exit.OPEN,
        Exit.UNKNOWN,
        Exit.UNREACHABLE,
        Exit.INTERRUPTED,
    )
    assert codes == (0, 1, 2, 3, 4, 5, 130)


@pytest.mark.parametrize(
    ("error", "code", "text", "is_stdout"),
    [
        (KeyboardInterrupt(), 130, "\nInterrupted. Repeat the same command.\n", False),
        (BrokenPipeError(32, "Broken pipe"), 0, "", True),
        (SystemExit(1), 0, "", True),
        (OSError(13, "Permission denied", "x.csv"), 2, "togai: x.csv: Permission denied\n", False),
        (OSError(28, "No space left"), 2, "togai: stdout: No space left\n", True),
        (OSError("broken"), 2, "togai: stdout: broken\n", True),
        (
            InvalidRequest("no; pass decimal_comma=True"),
            2,
            "togai: no; pass --decimal-comma\n",
            False,
        ),
    ],
)
def test_an_error_ends_with_its_code_and_message(
    pipe: Pipe,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    text: str,
    is_stdout: bool,
) -> None:
    discard = Mock()
    monkeypatch.setattr("togai._cli.discard_stdout", discard)
    monkeypatch.setattr("togai.Togai", Mock(side_effect=error))
    done = pipe("events", "list")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", text)
    assert discard.called == is_stdout


def test_a_programming_error_is_not_hidden(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("togai.Togai", Mock(side_effect=ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        pipe("events", "list")


def test_only_warnings_are_noted_and_no_handler_is_left(
    fake: FakeTogai, pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    before = list(logging.getLogger("togai").handlers)
    with caplog.at_level("DEBUG", "togai"):
        assert pipe("events", "list").stderr == "No event matches.\n"
    assert logging.getLogger("togai").handlers == before


@pytest.mark.parametrize("shell", ["fish", None])
def test_the_completion_is_for_the_named_shell(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, shell: str | None
) -> None:
    generate = Mock(return_value="a script")
    monkeypatch.setattr(App, "generate_completion", generate)
    assert pipe("completion", *filter(None, [shell])).stdout == "a script\n"
    assert generate.call_args == call(shell=shell)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_registers_the_completion_that_it_evaluates(pipe: Pipe, tmp_path: Path) -> None:
    Path("script").write_text(pipe("completion", "zsh").stdout)
    registered = "compdef() { print registered $*; }; source ./script"
    done = subprocess.run(
        ["zsh", "-f", "-c", registered], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("registered _cyclopts_togai togai\n", "")


def test_a_script_of_zsh_registers_itself(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(App, "generate_completion", Mock(return_value="#compdef togai\n"))
    last = pipe("completion").stdout.splitlines()[-1]
    assert last.endswith("; else compdef _cyclopts_togai togai; fi")


def test_an_unknown_shell_is_refused(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(App, "generate_completion", Mock(side_effect=ShellDetectionError))
    done = pipe("completion")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "togai: unknown shell: pass bash, zsh or fish\n"


def test_of_several_retries_for_one_reason_the_last_is_noted(
    fake: FakeTogai, pipe: Pipe, togai_clock: FakeClock
) -> None:
    fake.fail_next(status=503, times=3)
    fake.fail_next(status=500)
    lines = pipe("events", "list").stderr.splitlines()
    notes = [re.sub(r"[0-9.]+ s", "N s", line) for line in lines if line.startswith("note: ")]
    assert notes == [
        "note: GET /events is retried in N s: 503",
        "note: GET /events is retried in N s: 500",
    ]


def test_an_account_without_events_is_named(fake: FakeTogai, pipe: Pipe) -> None:
    fake.add(account_id="acme")
    for command in ("failed", "events list", "report"):
        done = pipe(*command.split(), "--account", "acme", "--account", "amce")
        assert done.stderr.startswith("The account amce has no events: check its name"), command
        assert "acme has" not in done.stderr
    assert pipe("report", "--account", "amce").stderr.splitlines()[1] == "No event matches."


def test_the_code_of_a_command_is_kept_when_nobody_reads_its_output(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(Stream):
        def flush(self) -> None:
            raise BrokenPipeError

    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Closed(is_terminal=False))
    assert run(["events", "get", "nobody"]) == 1


def test_help_in_a_pipe_has_no_colour_even_if_forced(pipe: Pipe) -> None:
    assert pipe("--help", FORCE_COLOR="1").returncode == 0  # the fixture looks for escapes


@pytest.mark.parametrize(
    ("command", "place"),
    [("doctor", "togai.Events.list"), ("serve", "togai.testing.__main__.serve")],
)
def test_ctrl_c_is_an_interruption_in_each_command(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, command: str, place: str
) -> None:
    monkeypatch.setattr(place, Mock(side_effect=KeyboardInterrupt))
    assert pipe(command).returncode == 130


def test_a_port_that_cannot_be_served_is_named(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("togai.testing.__main__.serve", Mock(side_effect=OSError(13, "Denied")))
    done = pipe("serve", "--port", "80")
    assert done.returncode == 2
    assert done.stderr == "togai: --port 80: Denied\n"


def test_an_empty_plan_is_executed_without_an_error(
    fake: FakeTogai, ledger: Path, pipe: Pipe, url: str
) -> None:
    with Togai("test-token", base_url=url, ledger=Ledger(ledger)) as client:
        plan = client.events.plan([], why="x")
    plan.save("plan.json")
    Ledger(ledger).approve(plan.digest, who="ann", why="x")
    assert pipe("plan", "execute", "plan.json").returncode == 0


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr() == (f"{__version__}\n", "")
    assert app.version == __version__  # not that of another copy that is installed


def test_each_group_of_commands_says_what_it_is_for(pipe: Pipe) -> None:
    assert pipe("plan", "nothing").returncode == 2
    for name, text in (
        ("events", "List events, or show one."),
        ("plan", "Show, approve and execute saved plans."),
        ("ledger", "Create or verify a ledger; release an event."),
    ):
        assert app[name].help == text


Prepare = Callable[[FakeTogai], None]


@pytest.mark.parametrize(
    ("prepare", "advice"),
    [
        (lambda fake: fake.fail_next(status=401), "Set TOGAI_API_TOKEN or --token-file"),
        (lambda fake: fake.fail_next(status=403), "Ask the owner of the account for a token"),
        (lambda fake: fake.fail_next(status=404), "This may not be a response of the service"),
        (lambda fake: fake.fail_next(status=500), "The service is reachable, but not able"),
        (lambda fake: fake.fail_next(status=429), "The service is reachable, but not able"),
        (lambda fake: fake.fail_next(status=400), "The service does not respond as its"),
        (lambda fake: fake.drop_next(), "Check the network, the proxy (HTTPS_PROXY)"),
    ],
)
def test_doctor_advises_on_each_error_of_its_single_request(
    fake: FakeTogai, pipe: Pipe, prepare: Prepare, advice: str
) -> None:
    prepare(fake)
    done = pipe("doctor", "--jsonl")
    assert done.returncode == 5
    assert done.stderr.splitlines()[-1].startswith(advice)
    assert done.stderr.endswith(". Then: togai doctor\n")
    assert '"check": "read"' in done.stdout
    assert done.stdout.count('"result": "FAILED"') == 1
    assert "drift" not in done.stdout
    assert len(fake.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 400])
def test_a_refused_read_is_5_with_the_advice_of_doctor(
    fake: FakeTogai, pipe: Pipe, status: int
) -> None:
    fake.fail_next(status=status)
    done = pipe("events", "list")
    assert done.returncode == 5
    assert done.stderr.endswith(". To check: togai doctor\n")
    assert done.stderr.startswith("togai: ")


def test_doctor_names_what_it_found(fake: FakeTogai, pipe: Pipe) -> None:
    add(fake, "a")
    fake.set_next("$.events[0].eventPayload.timestamp", "yesterday")
    done = pipe("doctor")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == [
        *("check", "versions", "address", "read", "rate limit", "clock", "drift")
    ]
    assert lines[2][1] == f"http://127.0.0.1:{lines[2][1].rpartition(':')[2]}"
    assert lines[3][1].startswith("the first 1 event in 0.")
    assert lines[6][1] == "deviations from the contract: Event.timestamp: not a date"
    assert {line[2] for line in lines[1:]} == {"ok"}
    assert "All is well. Next: togai events list\n" in done.stderr
    assert "\tdeviations from the contract: none\t" in pipe("doctor").stdout


NOW = datetime(2024, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "found", "is_ok"),
    [
        ("Sun, 01 Dec 2024 12:00:00 GMT", "differs by 0 s", True),
        ("Sun, 01 Dec 2024 12:01:00 GMT", "differs by 60 s", True),
        ("Sun, 01 Dec 2024 11:59:00 GMT", "differs by 60 s", True),
        ("Sun, 01 Dec 2024 12:01:01 GMT", "differs by 61 s", False),
        ("Sun, 01 Dec 2024 11:58:59 GMT", "differs by 61 s", False),
        ("soon", "the service does not send its time", True),
        ("Sun, 01 Dec 2024 12:00:00 -0000", "the service does not send its time", True),
    ],
)
def test_doctor_compares_the_clocks(
    monkeypatch: pytest.MonkeyPatch, date: str, found: str, is_ok: bool
) -> None:
    monkeypatch.setattr(_service, "datetime", Mock(now=lambda _: NOW))
    assert list(_service._about({"date": date}))[1:] == [("clock", found, is_ok)]


def test_doctor_shows_the_rate_limit_that_the_service_reports() -> None:
    headers = {"X-RateLimit-Limit": "10", "ratelimit-remaining": "9", "Server": "x"}
    limit, clock = _service._about(headers)
    ours = "10 requests per second here; "
    assert limit == ("rate limit", f"{ours}X-RateLimit-Limit: 10, ratelimit-remaining: 9", True)
    assert clock == ("clock", "the service does not send its time", True)
    assert next(_service._about({}))[1] == f"{ours}the service does not report its limit"


def test_doctor_can_be_interrupted_while_it_reads_headers() -> None:
    headers = Mock(items=dict[str, str]().items, get=Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        list(_service._about(headers))


def test_a_wrong_clock_is_a_failed_check(
    fake: FakeTogai, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_service, "_about", lambda _: [("clock", "differs by 61 s", False)])
    done = pipe("doctor")
    assert done.returncode == 5
    assert done.stderr == "Set the clock of this machine. Then: togai doctor\n"
    assert "clock\tdiffers by 61 s\tFAILED\n" in done.stdout


def test_the_sample_service_is_served_as_the_options_say(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = Mock()
    monkeypatch.setattr("togai.testing.__main__.serve", served)
    assert pipe("serve").returncode == 0
    assert pipe("serve", "--port", "8080", "--token", "t", "--events", "7").returncode == 0
    first = "togai doctor; togai failed"
    assert served.call_args_list == [
        call(0, "test-token", None, first=first),
        call(8080, "t", 7, first=first),
    ]


def test_an_export_has_the_options_of_its_command(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = Mock(return_value="done")
    monkeypatch.setattr("togai._cli._events.export", exported)
    done = pipe("export", "out.csv")
    assert (done.returncode, done.stderr) == (0, "done\n")
    assert exported.call_args.args[1:] == (None, Path("out.csv"))
    names = ("since", "until", "columns", "format")
    off = dict.fromkeys(("excel", "include_reverted", "restart"), False)
    options = dict(exported.call_args.kwargs)
    assert callable(options.pop("on_progress"))
    assert options == {**dict.fromkeys(names), **off}
    done = pipe(
        *("export", "out", "--account", "a", "--account", "b", "--since", "2024-12", "--until", "2025-01"),
        *("--columns", "id, attribute.n", "--format", "csv", "--excel", "--include-reverted", "--restart"),
    )  # fmt: skip
    options = dict(exported.call_args.kwargs)
    assert exported.call_args.args[1:] == (["a", "b"], Path("out"))
    del options["on_progress"]
    assert options == {
        **dict.fromkeys(off, True),
        "since": datetime(2024, 12, 1, tzinfo=UTC),
        "until": datetime(2025, 1, 1, tzinfo=UTC),
        "columns": ["id", "attribute.n"],
        "format": "csv",
    }


@pytest.mark.parametrize(("accounts", "note"), [(1, ""), (2, "1 of 2 accounts")])
def test_the_progress_of_an_export_names_the_accounts_if_there_are_several(
    monkeypatch: pytest.MonkeyPatch, pipe: Pipe, accounts: int, note: str
) -> None:
    shown: list[tuple[int, str]] = []
    show = nullcontext(lambda *now: shown.append(now))
    monkeypatch.setattr("togai._cli._events.progress", Mock(return_value=show))

    def export(*_: Any, on_progress: Callable[[ExportProgress], None], **__: Any) -> str:
        on_progress(ExportProgress(read=7, rows=6, accounts_done=1, accounts=accounts))
        raise KeyboardInterrupt

    monkeypatch.setattr("togai._cli._events.export", export)
    done = pipe("export", "out.csv")
    assert done.returncode == 130
    assert done.stderr == "\nInterrupted. Repeat the same command.\n"
    assert shown == [(7, note)]


def test_the_progress_of_corrections_is_shown(
    fake: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(fake, "a")
    shown: list[tuple[Any, ...]] = []

    def progress(*what: Any) -> Any:
        return nullcontext(lambda *now: shown.append((*what, *now)))

    monkeypatch.setattr("togai._cli._corrections.progress", progress)
    file = table("t.csv", "acme,a,distance,2")
    assert pipe("correct", file, "--why", "x", "--expect", "1").returncode == 0
    assert shown[0] == ("read", 1, "")
    assert shown[-1] == ("corrected", 1, 1, "")


def test_an_outcome_that_cannot_be_printed_keeps_its_exit_code(
    fake: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(fake, "a")
    add(fake, "b")
    full = "stdout cannot be written: No space left\n"
    fake.drop_next(acts=True, method="POST")
    with monkeypatch.context() as patch:
        patch.setattr(Output, "write", Mock(side_effect=OSError(28, "No space left")))
        done = pipe(*UNDO, "--expect", "1", "--json")
        assert done.returncode == 4
        assert full in done.stderr
        done = pipe("reconcile")
        assert done.returncode == 0
        assert full in done.stderr
        assert "1 settled." in done.stderr


def test_the_named_ledger_is_preferred_to_that_of_the_environment(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    add(fake, "a")
    fake.drop_next(acts=True, method="POST")
    named = ("--ledger", str(ledger))
    assert pipe(*UNDO, "--expect", "1", *named, TOGAI_LEDGER="mistyped.db").returncode == 4
    assert pipe("reconcile", *named, TOGAI_LEDGER="mistyped.db").returncode == 0
    add(fake, "b")
    undo = ("undo", "--account", "acme", "--event-id", "b", "--why", "x")
    assert pipe(*undo, "--dry-run", "--save-plan", "plan.json").returncode == 0
    assert pipe("plan", "approve", "plan.json", "--why", "x", "--expect", "1").returncode == 0
    assert pipe("plan", "execute", "plan.json", *named, TOGAI_LEDGER="no.db").returncode == 0
    assert pipe("history", TOGAI_LEDGER="mistyped.db").returncode == 2


def test_a_plan_that_nobody_reads_is_executed_and_one_that_cannot_be_written_is_not(
    fake: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(fake, "a")
    pipe(*UNDO, "--dry-run", "--save-plan", "plan.json")
    plan = Plan.load("plan.json")
    monkeypatch.setattr(sys, "stdout", Full(32))
    show_plan(plan, Output())
    monkeypatch.setattr(sys, "stdout", Full(28))
    with pytest.raises(OSError, match="No space left"):
        show_plan(plan, Output())


def test_a_question_is_shown_before_the_reply_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    class Recorded(Stream):
        def flush(self) -> None:
            events.append(f"shown: {self.getvalue()}")

        def readline(self, *_: Any) -> str:  # type: ignore[override]
            events.append("read")
            return " 2 \n"

    monkeypatch.setattr(sys, "stdin", Recorded(is_terminal=True))
    monkeypatch.setattr(sys, "stderr", Recorded(is_terminal=True))
    assert ask("How many? ", "") == "2"
    assert events == ["shown: How many? ", "read"]
