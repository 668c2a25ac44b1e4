"""The output for people and programs: tables, JSON, CSV, progress. Data on stdout, everything else on stderr."""

from __future__ import annotations

import csv
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from cyclopts import Parameter

from togai._printable import printable
from togai.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from rich.console import Console


_NUMBERS = ("events", "rows")


def console(*, stderr: bool = False) -> Console:
    """A console for one of the two streams: colours on a terminal only, and never with NO_COLOR."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    plain = not terminal or "NO_COLOR" in os.environ
    return Console(
        stderr=stderr,
        force_terminal=terminal,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )


def say(text: str) -> None:
    """Print a message for people to stderr, without control characters."""
    lines = (printable(line) for line in text.split("\n"))
    console(stderr=True).print("\n".join(lines), soft_wrap=True)


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

    @property
    def streams(self) -> bool:
        """Whether rows appear on a terminal while further rows are read, so that progress would disturb them."""
        return sys.stdout.isatty() and (self.json or self.jsonl)

    def write(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None) -> int:
        """Write rows: all values as JSON and CSV, only the columns for people.

        Returns:
            The number of rows.
        """
        if self.json or self.jsonl:
            return self._write_json(rows)
        kept = list(rows)
        if not kept:
            return 0
        occurring = dict.fromkeys(name for row in kept for name in row)
        names = list(columns if columns and not self.csv else occurring)
        lines = [names, *([_cell(row.get(name)) for name in names] for row in kept)]
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
            plain = {name: _plain(value) for name, value in row.items()}
            print(start + json.dumps(plain, default=str))  # a Decimal as text, with every digit
        if self.json:
            print("]" if count else "[]")
        return count


OUTPUT = Output()


def _plain(value: Any) -> Any:
    from togai.jobs._formats import text

    return value if isinstance(value, bool | int | list | dict) else text(value)  # pyright: ignore[reportUnknownVariableType]


def _cell(value: Any) -> str:
    from togai.jobs._formats import text

    return str(value) if isinstance(value, bool) else text(value) or ""


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in names:
        side: Literal["left", "right"] = "right" if name in _NUMBERS else "left"
        is_time = name in ("timestamp", "at", "day")
        table.add_column(Text(printable(name)), overflow="fold", justify=side, no_wrap=is_time)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console().print(table)


@contextmanager
def progress(
    what: str, total: int | None = None, *, quiet: bool = False
) -> Generator[Callable[[int, str], None]]:
    """Show progress on stderr if it is a terminal: count, rate and time, and the remaining time if the end is known.

    Yields:
        A function to call with the count so far and a note.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _count, _note: None
        return
    from rich import progress as bars

    ahead = (
        [bars.BarColumn(20), bars.TimeRemainingColumn()] if total else [bars.TimeElapsedColumn()]
    )
    with bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.TextColumn("{task.completed:,.0f}" + (f" of {total:,}" if total else "")),
        bars.TextColumn("{task.fields[rate]}"),
        *ahead,
        bars.TextColumn("{task.fields[note]}"),
        console=console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        began = monotonic()
        task = bar.add_task(what, total=total, rate="", note="")

        def update(count: int, note: str = "") -> None:
            rate = f"{count / max(monotonic() - began, 0.1):,.0f}/s"
            bar.update(task, completed=count, rate=rate, note=printable(note))

        yield update
