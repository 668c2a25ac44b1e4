"""The streams of a command: colours and progress on terminals, and output that nobody can read or write."""

from __future__ import annotations

import errno
import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pyte
import pytest

from togai._cli._output import Output, console, discard_stdout, lasting, progress, say
from togai.testing import FakeTogai

from .conftest import Pipe, Stream, add


@pytest.mark.parametrize(
    ("environment", "is_terminal", "colour"),
    [({}, True, "auto"), ({"NO_COLOR": "1"}, True, None), ({}, False, None)],
)
def test_colours_are_for_terminals_without_no_color(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    is_terminal: bool,
    colour: str | None,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name, other in (("stdout", "stderr"), ("stderr", "stdout")):
        stream = Stream(is_terminal=is_terminal)
        monkeypatch.setattr(sys, name, stream)
        monkeypatch.setattr(sys, other, Stream(is_terminal=not is_terminal))
        made = console(stderr=name == "stderr")
        assert made.is_terminal == is_terminal
        assert (made.color_system is None) == (colour is None)
        made.print("[bold]1 :smile: 'x'")  # no markup, no emoji, nothing highlighted
        assert stream.getvalue() == "[bold]1 :smile: 'x'\n"


def test_progress_is_shown_with_count_rate_and_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for total, quiet, expected in (
        (None, False, "read 1,500 "),
        (2000, False, "read 1,500 of 2,000 "),
        (None, True, ""),
    ):
        stream = Stream(is_terminal=True)
        monkeypatch.setattr(sys, "stderr", stream)
        with progress("read", total, quiet=quiet) as show:
            show(1500, "acme\x1b[2J [red]")
        text = stream.getvalue()
        assert expected in text
        assert bool(text) == bool(expected)
        if expected:
            assert "/s acme\\x1b[2J [red]" in text
            assert ("-:--:--" in text) == (total is not None)
    stream = Stream(is_terminal=False)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress("read") as show:
        show(1, "")
    assert stream.getvalue() == ""


def test_rows_on_a_terminal_are_not_disturbed_by_progress(fake: FakeTogai, screen: Pipe) -> None:
    add(fake, "a")
    for options, shown in (
        ((), True),
        (("--csv",), True),
        (("--json",), False),
        (("--jsonl",), False),
    ):
        assert bool(screen("events", "list", *options).stderr) == shown


@pytest.mark.parametrize(("columns", "width"), [("40", 80), ("100", 100)])
def test_a_table_is_as_wide_as_the_terminal_but_at_least_80_columns(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", columns)
    stream = Stream(is_terminal=True)
    monkeypatch.setattr(sys, "stdout", stream)
    Output().write([{"events": 7, "why": "x" * 200, "day": "2024-12-01"}])
    lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
    assert {len(line) for line in lines} == {width}
    assert sum(line.count("x") for line in lines) == 200
    assert lines[1].startswith("     7  xxx")
    assert lines[1].endswith("x  2024-12-01")
    assert stream.getvalue().startswith("\x1b[1mevents\x1b[0m")


def test_progress_leaves_the_streams_alone_and_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    out, err = Stream(is_terminal=True), Stream(is_terminal=True)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with progress("read", 2000) as show:
        show(1500, "")
        assert (sys.stdout, sys.stderr) == (out, err)
    assert out.getvalue() == ""
    screen = pyte.Screen(80, 5)
    pyte.Stream(screen).feed(err.getvalue().replace("\n", "\r\n"))
    assert not "".join(screen.display).strip()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err.getvalue())
    assert set(map(len, re.findall("[━╸╺]+", plain))) == {20}
    assert "m" + "━" * 15 + "\x1b[" in err.getvalue()  # three quarters


def test_the_progress_of_reading_counts_the_events_and_names_the_account(
    fake: FakeTogai, ledger: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(60)
    shown: list[tuple[Any, ...]] = []

    def progress(*what: Any, quiet: bool) -> Any:
        return nullcontext(lambda *now: shown.append((*what, quiet, *now)))

    monkeypatch.setattr("togai._cli._settings.progress", progress)
    pipe("events", "list", "--account", "acme")
    assert shown == [("read", False, 50, "acme"), ("read", False, 60, "acme")]
    shown.clear()
    pipe("events", "list")
    assert shown == [("read", False, 50, ""), ("read", False, 60, "")]
    shown.clear()
    pipe("undo", "--account", "acme", "--event-id", "event-1", "--dry-run", "--ledger", str(ledger))
    assert shown == [("read", False, 50, "acme"), ("read", False, 60, "acme")]


def test_discarded_output_is_not_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "out").open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        print("waits to be written")
        discard_stdout()
        print("comes later")
    assert (tmp_path / "out").read_text() == ""


class Full(Stream):
    """A stream of a file on a full disk, or of a pipe that nobody reads; its buffer is written at the end."""

    def __init__(self, number: int) -> None:
        super().__init__(is_terminal=False)
        self._number = number

    def flush(self) -> None:
        raise OSError(self._number, "No space left on device")


def test_a_message_that_nobody_can_read_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Mock(write=Mock(side_effect=BrokenPipeError))
    monkeypatch.setattr(sys, "stderr", stderr)
    say("lost")
    assert stderr.write.called


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.EPIPE, ""), (errno.ENOSPC, "stdout cannot be written: No space left on device\n")],
)
def test_output_that_cannot_be_written_after_a_correction_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, message: str
) -> None:
    discard = Mock()
    monkeypatch.setattr("togai._cli._output.discard_stdout", discard)
    monkeypatch.setattr(sys, "stdout", Full(number))
    with lasting(OSError):
        print("lost")
    assert capsys.readouterr().err == message
    assert discard.called
    if number != errno.EPIPE:
        with pytest.raises(OSError, match="No space"), lasting():
            print("lost")


def test_output_in_memory_cannot_be_discarded_and_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(is_terminal=False))
    discard_stdout()


def test_messages_keep_their_lines_and_move_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\ntwo\x1b[2J; pass decimal_comma=True")
    assert capsys.readouterr().err == "one\ntwo\\x1b[2J; pass --decimal-comma\n"
