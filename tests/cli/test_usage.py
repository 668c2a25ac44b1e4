"""The help of each command, and what a wrong command is told."""

from __future__ import annotations

import re

import pytest

from togai._cli._output import (
    DONE,
    INTERRUPTED,
    OPEN,
    REFUSED,
    SOME_FAILED,
    UNKNOWN,
    UNREACHABLE,
)

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
    assert listed == [DONE, SOME_FAILED, REFUSED, OPEN, UNKNOWN, UNREACHABLE, INTERRUPTED]
    assert "Read and correct the events of a Togai account." in shown
