"""The help of each command, and what a wrong command is told."""

from __future__ import annotations

import re

import pytest

from togai.testing import FakeTogai

from .conftest import Pipe

GROUPS = {
    "events": "List events, or show one.",
    "plan": "Show, approve and execute saved plans.",
    "ledger": "Create or verify a ledger; release an event.",
}


@pytest.mark.parametrize(("group", "text"), GROUPS.items())
def test_a_group_is_shown_with_its_name_and_its_help(pipe: Pipe, group: str, text: str) -> None:
    shown = pipe(group).stdout
    assert shown.splitlines()[0] == f"Usage: togai {group} COMMAND"
    assert text in shown


def test_the_help_starts_with_the_name_of_the_command(pipe: Pipe) -> None:
    for arguments in ((), ("--help",)):
        done = pipe(*arguments)
        assert done.returncode == 0
        assert done.stdout.splitlines()[0] == "Usage: togai COMMAND"


@pytest.mark.parametrize("command", ["export", "undo", "serve", "events list", "plan execute"])
def test_the_help_shows_neither_defaults_nor_negated_options(pipe: Pipe, command: str) -> None:
    shown = pipe(*command.split(), "--help").stdout
    assert "--" in shown
    assert "--no-" not in shown
    assert "default:" not in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("events", "get"), "EVENT_ID is missing.\nFor help: togai events get --help"),
        (("undo",), "--account is missing.\nFor help: togai undo --help"),
        (("ledger", "create", "--x"), "Unknown option: --x.\nFor help: togai ledger create --help"),
        (
            ("completion", "--shell"),
            "Unknown option: --shell.\nFor help: togai completion --help",
        ),
        (
            ("serve", "--port", "x"),
            'Invalid value for --port: unable to convert "x" into int.\nFor help: togai serve --help',
        ),
    ],
)
def test_a_wrong_command_is_refused_with_the_help_to_read(
    pipe: Pipe, arguments: tuple[str, ...], message: str
) -> None:
    done = pipe(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"togai: {message}\n")


def test_an_unknown_command_is_refused_with_the_help_of_all(pipe: Pipe) -> None:
    done = pipe("nothing")
    assert done.returncode == 2
    assert done.stderr.startswith('togai: Unknown command "nothing".')
    assert done.stderr.endswith("\nFor help: togai --help\n")


def test_the_help_lists_the_exit_codes(pipe: Pipe) -> None:
    shown = pipe("--help").stdout
    listed = [int(code) for code in re.findall(r"• (\d+): ", shown)]
    assert listed == [0, 1, 2, 3, 4, 5, 130]
    assert "Read and correct the events of a Togai account." in shown


@pytest.mark.parametrize("value", ["", " ", "\u00a0\t"])
@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("events list --account", "--account"),
        ("events list --schema=", "--schema"),
        ("events get", "get"),
        ("failed --status", "--status"),
        ("export", "export"),
        ("export all.csv --account acme --account", "--account"),
        ("export all.csv --columns", "--columns"),
        ("report --token-file", "--token-file"),
        ("report --base-url", "--base-url"),
        ("undo --account acme --whole-account --event-id", "--event-id"),
        ("redo --account acme --since 2024-12 --ids", "--ids"),
        ("correct t.csv --why", "--why"),
        ("plan execute", "execute"),
        ("history --reference-id", "--reference-id"),
        ("history --plan", "--plan"),
        ("pending --who=", "--who"),
        ("ledger verify --ledger", "--ledger"),
        ("decide 5", "5"),
    ],
)
def test_an_empty_value_is_refused_before_anything_is_read(
    month: FakeTogai, pipe: Pipe, command: str, place: str, value: str
) -> None:
    words = command.split()
    words = [*words[:-1], words[-1] + value] if command.endswith("=") else [*words, value]
    done = pipe(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"togai: empty value after {place}: is a variable not set?\n"
    assert not month.requests


@pytest.mark.parametrize(
    ("command", "variable", "problem"),
    [
        ("pending", "TOGAI_LEDGER", "no ledger: set TOGAI_LEDGER, or"),
        ("report", "TOGAI_LEDGER", "no ledger: set TOGAI_LEDGER, or"),
        ("report", "TOGAI_API_TOKEN", "the token is empty: set TOGAI_API_TOKEN"),
        ("report", "TOGAI_BASE_URL", "--base-url or TOGAI_BASE_URL is not an https URL"),
    ],
)
def test_an_empty_variable_is_refused_before_anything_is_read(
    month: FakeTogai, pipe: Pipe, command: str, variable: str, problem: str
) -> None:
    for value in ("", " "):
        done = pipe(command, **{variable: value})
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"togai: {problem}")
    assert not month.requests


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "1e3", "0x2", "1_0", "\uff12", "9" * 20, "x"])
@pytest.mark.parametrize(
    "command",
    [
        "events list --limit={}",
        "undo --account acme --event-id ride-1 --why x --expect={}",
        "plan execute plan.json --limit={}",
        "plan approve plan.json --why x --expect={}",
        "reconcile -- {}",
        "decide --why x -- {} applied",
        "ledger release --why x -- {}",
    ],
)
def test_a_number_is_whole_and_never_rounded(
    month: FakeTogai, pipe: Pipe, command: str, number: str
) -> None:
    done = pipe(*command.format(number).split())
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{number} is not a whole number of 1 or more\nFor help: togai" in done.stderr
    assert not month.requests


def test_an_argument_too_many_is_named(pipe: Pipe) -> None:
    done = pipe("undo", "ride-1", "--account", "acme")
    assert done.returncode == 2
    assert "unexpected arguments: ['ride-1']." in done.stderr
