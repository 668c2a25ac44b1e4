"""The output for people and programs: tables, JSON, CSV, progress. Data on stdout, everything else on stderr."""

from __future__ import annotations

import csv
import enum
import json
import os
import re
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from cyclopts import Parameter

from togai._printable import printable
from togai.errors import InvalidRequest
from togai.jobs._formats import iso, text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from rich.console import Console


class Exit(enum.IntEnum):
    """The exit codes, for scripts to act on."""

    DONE = 0
    SOME_FAILED = 1
    REFUSED = 2
    OPEN = 3
    UNKNOWN = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


_NUMBERS, _UNFOLDED = ("events", "rows"), ("timestamp", "at", "day", "kind", "action")
_PAIRS = ("quantities", "before", "after")
"""Columns with one pair per line: 28.4 must not be folded into 2 and 8.4."""

_HERE = {
    r"pass token=, or set TOGAI_API_TOKEN": "set TOGAI_API_TOKEN, or pass --token-file FILE",
    r"; a callable `token=` is called before each request": ": TOGAI_API_TOKEN or --token-file",
    r"Lower requests_per_second.*": "Others use this token at the same time: repeat the command later",
    r"create one with\s+Ledger\(address, create=True\)": "create one with: togai ledger create FILE",
    r"ledger\.settle\(entry, client\S+\)\)|client\.events\.reconcile\(\w+\)( for each .*?result\))?": "togai reconcile",
    r"see `history\(\)`": "to list all: togai history",
    r"ledger\.release\((\d+), who=\.\.\., why=\.\.\.\)": r"togai ledger release \1 --why TEXT",
    r"ledger\.approve\(plan\.digest, who=\.\.\., why=\.\.\.\)": "togai plan approve PLAN --why TEXT",
    r"plan\.save\(path\)": "togai correct FILE --dry-run --save-plan PLAN",
    r"Read the event again": "Repeat the command that made the plan",
    r"repeat the same call": "repeat the same command",
    r"choose among `candidates`.*": "select one with --reference-id",
    r"more in `plan\.\w+`": "more: togai plan show PLAN --json",
    r"; pass the token as token=| If the listing is known to be complete, pass trust_end=True": "",
    r"\bbase_url\b": "--base-url",
    r"\baccount_id=": "--account ",
}
"""What the messages of the library propose, and the commands and options that replace it."""


def here(message: object) -> str:
    """A message of the library, with commands and options in the place of functions and parameters."""
    shown = str(message)
    for pattern, instead in _HERE.items():
        shown = re.sub(pattern, instead, shown)
    shown = re.sub(r"\b(\w+)=True\b", lambda match: "--" + match[1].replace("_", "-"), shown)
    return re.sub(r"\b(ledger|who|why|format|columns|accounts)=(?=\S)", r"--\1 ", shown)


def console(*, stderr: bool = False) -> Console:
    """A console for one of the two streams: colours on a terminal only, and never with NO_COLOR."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(
        stderr=stderr, force_terminal=terminal, color_system=None if "NO_COLOR" in os.environ else "auto",
        highlight=False, markup=False, emoji=False,
    )  # fmt: skip


def say(message: object) -> None:
    """A message for people, on stderr; nothing in it moves the cursor."""
    with suppress(OSError):  # the command continues where nobody reads stderr
        print("\n".join(map(printable, here(message).split("\n"))), file=sys.stderr)


def short(when: Any) -> Any:
    """A time in a form for people; any other value is unchanged."""
    is_time = isinstance(when, datetime)
    return re.sub(r"\.[0-9]+", "", iso(when)).replace("T", " ") if is_time else when


def status_in_words(status: str | None) -> str:
    """A status as a person reads it."""
    return str(status).removeprefix("INGESTION_").replace("_", " ").lower()


def pairs(values: Iterable[tuple[str, object]]) -> str:
    """Names and values, as in distance=1.5 duration=3."""
    return " ".join(f"{name}={text(value)}" for name, value in values)


def discard_stdout() -> None:
    """Drop what is written to stdout from now on, and what waits to be written."""
    with suppress(OSError):  # it is not a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def lasting(also: type[OSError] = BrokenPipeError) -> Generator[None]:
    """Go on where nobody reads stdout any more: what was done keeps its exit code."""
    try:
        yield
        sys.stdout.flush()
    except also as error:
        discard_stdout()
        if not isinstance(error, BrokenPipeError):
            say(f"stdout cannot be written: {error.strerror}")


@Parameter(name="*", group="Output")
@dataclass(frozen=True, kw_only=True)
class Output:
    """The output format; by default a table on a terminal, and values separated by tabs in a pipe."""

    json: bool = False
    """Write one JSON array."""
    jsonl: bool = False
    """Write JSON lines."""
    csv: bool = False
    """Write comma-separated values."""

    def __post_init__(self) -> None:
        if self.json + self.jsonl + self.csv > 1:
            raise InvalidRequest("choose one of --json, --jsonl and --csv")

    @property
    def is_data(self) -> bool:
        """Whether the output is for a program."""
        return self.json or self.jsonl or self.csv

    @property
    def is_table(self) -> bool:
        """Whether the output is a table on a terminal."""
        return sys.stdout.isatty() and not self.is_data

    def write(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None) -> int:
        """Write rows: all values as JSON and CSV, only the columns for people; returns the number of rows."""
        if self.json or self.jsonl:
            return self._write_json(rows)
        kept = list(rows)
        if not kept:
            return 0
        every = dict.fromkeys(chain.from_iterable(kept))
        names = list(columns if columns and not self.csv else every)
        lines = [names, *([text(row.get(name)) or "" for name in names] for row in kept)]
        if self.is_table:
            _table(names, lines[1:])
        elif self.csv:
            clean = printable if sys.stdout.isatty() else str
            csv.writer(sys.stdout, lineterminator="\n").writerows(map(clean, row) for row in lines)
        else:
            print("\n".join("\t".join(map(printable, line)) for line in lines))
        return len(kept)

    def _write_json(self, rows: Iterable[Mapping[str, Any]]) -> int:
        count = 0
        for count, row in enumerate(rows, 1):
            start = "" if self.jsonl else "[" if count == 1 else ","
            print(start + json.dumps(dict(row), default=text))  # a Decimal keeps every digit
        if self.json:
            print("]" if count else "[]")
        return count


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    columns: list[list[str]] = []
    for name, *cells in zip(names, *rows, strict=True):
        shown = list(map(printable, cells))
        if name in _PAIRS:
            shown = [re.sub(r"(?<=\d) ", "\n", cell) for cell in shown]
        is_short = name in _PAIRS and max(map(len, "\n".join(shown).split("\n"))) <= 24
        table.add_column(
            Text(printable(name)), overflow="fold", no_wrap=name in _UNFOLDED or is_short,
            justify="right" if name in _NUMBERS else "left",
        )  # fmt: skip
        columns.append(shown)
    for row in zip(*columns, strict=True):
        table.add_row(*map(Text, row))
    out = console()
    out.width = max(out.width, 80)  # a narrower terminal breaks the lines, which hides nothing
    out.print(table)


@contextmanager
def progress(
    what: str, total: int | None = None, *, quiet: bool = False
) -> Generator[Callable[[int, str], None]]:
    """Yield a function that shows a count and a note on stderr if it is a terminal, with rate and remaining time."""
    from rich import progress as bars

    time = bars.TimeRemainingColumn() if total else bars.TimeElapsedColumn()
    with bars.Progress(
        bars.TextColumn("{task.description}", markup=False), bars.BarColumn(20), time, console=console(stderr=True),
        transient=True, redirect_stdout=False, redirect_stderr=False,
        disable=quiet or not sys.stderr.isatty(),
    ) as bar:  # fmt: skip
        task = bar.add_task(what, total=total)

        def update(count: int, note: str) -> None:
            rate = f"{bar.tasks[task].speed or 0:,.0f}/s"
            shown = f"{what} {count:,}{f' of {total:,}' if total else ''} {rate} {printable(note)}"
            bar.update(task, completed=count, description=shown)

        yield update
