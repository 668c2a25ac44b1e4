"""Read a table of corrections from a finance team, check it against the events, and create the items of a plan."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

from togai._build import with_quantities
from togai._printable import printable, shown
from togai._rows import amounts_of, rows
from togai.corrections._correction import Target
from togai.corrections._plan import Replace
from togai.errors import InvalidRequest
from togai.jobs._export import COLUMNS, VALUES
from togai.jobs._formats import unescaped, utf8
from togai.jobs._status import is_reverted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from togai._client import AsyncTogai, Togai
    from togai._pagination import EventPage
    from togai.models import EventWithStatus

_COMPARED = ("event_id", *COLUMNS[3:])
_MAY_CHANGE = ("customer_id", "created_at", "status", "status_description")
"""Columns that may differ because the service has changed them since the export."""
_NUMBER = re.compile(r"-?[0-9]{1,512}(\.[0-9]{1,512})?")
_Kind = Literal["error", "unchanged", "warning"]
_Target = tuple[str, str, str]
"""account_id; reference_id or event_id; the id."""


@frozen
class Problem:
    """A problem in a line of a table, or a warning about it.

    Attributes:
        line: The number of the line, from 1.
        kind: "error": the event of this line is not corrected. "unchanged": the event already has this value.
            "warning": the event is corrected, but check the line.
        text: The problem, and how to fix it.
    """

    line: int
    kind: Literal["error", "unchanged", "warning"]
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.kind}: {printable(self.text)}"


@frozen
class CorrectionTable:
    """A table of corrections that was read and checked.

    Attributes:
        items: The corrections of the lines without an error, for `client.events.plan`.
        problems: All problems, in the order of the lines.
    """

    items: tuple[Replace, ...] = field(repr=False)
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems of kind "error"."""
        return tuple(problem for problem in self.problems if problem.kind == "error")


class _Reader:
    """Reads one table; sends no requests itself."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        account_id: str | None,
        decimal_comma: bool,
        on_progress: Callable[[int], object] | None,
    ) -> None:
        self._account_id, self._comma, self._on_progress = account_id, decimal_comma, on_progress
        self._problems: list[Problem] = []
        self._lines: dict[_Target, dict[str, tuple[int, str]]] = {}
        self._rows: defaultdict[_Target, dict[int, dict[str, str]]] = defaultdict(dict)
        self._wrong = set[_Target]()
        self._chosen: dict[str, _Target] = {}
        self._read = 0
        self._events: defaultdict[_Target, dict[Any, EventWithStatus]] = defaultdict(dict)
        source = read_text(path)
        delimiter = max(",;\t", key=source.partition("\n")[0].count)
        lines = csv.reader(io.StringIO(source, newline=""), delimiter=delimiter, strict=True)
        line = 0
        try:
            header = next((row for row in lines if row[:1] != ["sep="]), list[str]())  # for Excel
            names = self._columns([name.strip() for name in header], path, lines.line_num or 1)
            line = lines.line_num  # of the row before: a row may have several lines
            for row in lines:
                cells = [unescaped(cell.strip()) for cell in row]
                if any(cells):
                    self._add(line + 1, names, cells)
                line = lines.line_num
        except csv.Error as error:
            raise InvalidRequest(f"{path}, line {line + 1}: {error}: check the quotes") from None
        self.accounts = list(dict.fromkeys(target[0] for target in self._lines))

    def _columns(self, names: Sequence[str], path: object, line: int) -> list[str]:
        known = {name: name for name in (*COLUMNS, "event_id", "attribute", "value")}
        known["id"] = "event_id"  # an export calls it id
        names = [known.get(re.sub("[ -]", "_", name.lower()), name) for name in names]
        while names and not names[-1]:  # a spreadsheet may write empty columns
            del names[-1]
        for name in names:
            if name not in known and not name.startswith(VALUES):
                problem = f"no column is called {name!r}: write an attribute as attribute.{name}"
                self._report(line, "error", problem)
        if twice := {name for name in names if names.count(name) > 1}:
            raise InvalidRequest(f"{path} has the column {min(twice)} twice")
        if missing := self._parsed({name: name for name in names})[2]:
            has = f"{', '.join(names)[:200] or 'none'} (named in line {line})"
            raise InvalidRequest(f"{path} has no column {missing}; the columns are {has}")
        return names

    def _parsed(self, row: Mapping[str, str]) -> tuple[_Target, list[tuple[str, str]], str | None]:
        """The event of a row, its values by attribute, and what the row lacks."""
        account = row.get("account_id") or self._account_id or ""
        way = "reference_id" if row.get("reference_id") else "event_id"
        values = [(key[10:], row[key]) for key in row if row[key] and key[:10] == "attribute."]
        if row.get("attribute") or row.get("value"):
            values.append((row.get("attribute", ""), row.get("value", "")))
        target = (account, way, row.get(way, ""))
        needed = {
            "reference_id or event_id": target[2],
            "account_id (for all lines: account_id=ACCOUNT)": account,
            "attribute and value, or attribute.NAME": values,
            "attribute": all(name for name, _ in values),
            "value": all(cell for _, cell in values),
        }
        return target, values, next((name for name, has in needed.items() if not has), None)

    def _report(self, line: int, kind: _Kind, problem: str) -> None:
        self._problems.append(Problem(line, kind, problem))

    def _add(self, line: int, names: Sequence[str], cells: Sequence[str]) -> None:
        row = dict(zip(names, cells, strict=False))
        target, values, missing = self._parsed(row)
        if missing or any(cells[len(names) :]):
            self._report(line, "error", f"no {missing}" if missing else "more cells than columns")
            self._wrong.add(target)
            return
        self._rows[target][line] = row
        known = self._lines.setdefault(target, {})
        for name, cell in values:
            if name in known:
                problem = f"line {known[name][0]} has the same event and attribute"
                self._refuse(target, line, problem)
            else:
                known[name] = (line, cell)

    def _refuse(self, target: _Target, line: int, problem: str) -> None:
        self._report(line, "error", f"{target[2]}: {problem}")
        self._wrong.add(target)

    def keep(self, account: str, page: EventPage) -> None:
        """Keep the events of a page that the table names; of two readings of an event the later one."""
        for event in page.events:
            key = ids_of(event)[0] or id(event)
            for way, name in zip(("reference_id", "event_id"), ids_of(event), strict=True):
                if (target := (account, way, name)) in self._lines:
                    self._events[target][key] = event
        self._read += len(page.events)
        if self._on_progress is not None:
            self._on_progress(self._read)

    def table(self) -> CorrectionTable:
        """The checked table."""
        items = [item for target in self._lines for item in self._item(target)]
        problems = sorted(self._problems, key=lambda each: each.line)
        return CorrectionTable(tuple(items), tuple(problems))

    def _item(self, target: _Target) -> Iterator[Replace]:
        problem = event = meant(list(self._events[target].values()), target[0])
        cells = {} if isinstance(event, str) else _cells(event)
        changes = self._changes(target, event, cells)
        if not isinstance(event, str):
            self._compare(target, cells, "warning" if changes else "unchanged")
            if target in self._wrong or not changes:
                return
            if unread := unplannable(event):
                problem = unread
            elif (other := self._chosen.setdefault(str(event.reference_id), target)) != target:
                problem = f"another line corrects the same event as {other[2]}"
            else:
                try:
                    replacement = with_quantities(event, changes)
                except InvalidRequest as error:
                    problem = str(error)
                else:
                    yield Replace(event, replacement, account_id=target[0])
                    return
        for line in dict.fromkeys(self._lines[target][name][0] for name in changes):
            self._refuse(target, line, str(problem))

    def _compare(self, target: _Target, cells: Mapping[str, str], kind: _Kind) -> None:
        """Report each cell beside the quantities that differs from the event, as it is not corrected."""
        for line, row in self._rows[target].items():
            for name, cell in row.items():
                present = cells.get(name, "")
                is_compared = name in _COMPARED or name.startswith(VALUES[1:])
                if not (cell and is_compared) or _plain(name, cell) == _plain(name, present):
                    continue
                differs = f"the {name} of this event is {shown(present)}, not {shown(cell)}"
                problem = f"{differs}: a table corrects only quantities"
                if name in _MAY_CHANGE:
                    self._report(line, kind, f"{target[2]}: {problem}")
                else:
                    self._refuse(target, line, f"{problem}; restore this cell, or empty it")

    def _changes(
        self, target: _Target, event: EventWithStatus | str, cells: Mapping[str, str]
    ) -> dict[str, Decimal]:
        """The numbers of the lines, but for those that the event already has."""
        current = {} if isinstance(event, str) else dict(amounts_of(event))
        changes: dict[str, Decimal] = {}
        for name, (line, cell) in self._lines[target].items():
            old, new = current.get(name), self._number(cell)
            # A cell of an export may hold several numbers, or text; beside decimal commas, 1.000 may mean 1000.
            is_clear = not (self._comma and _NUMBER.fullmatch(cell))
            if new == old or (is_clear and cell == cells.get(f"attribute.{name}")):
                present = cell if isinstance(new, str) else old
                self._report(line, "unchanged", f"{target[2]}: {name} is already {present}")
            elif isinstance(new, str):
                self._refuse(target, line, new)
            elif cells and old is None:
                known = ", ".join(current) or "none"
                self._refuse(target, line, f"no numeric attribute {name!r}; it has {known}")
            else:
                changes[name] = new
                self._warn(line, f"{target[2]}: {name}", old, new)
        return changes

    def _number(self, cell: str) -> Decimal | str:
        """The number of a cell, or why it is none."""
        # A dot beside decimal commas separates thousands: it is not read as a decimal point.
        swapped = cell.translate({ord(","): ".", ord("."): ","})
        number, other = (swapped, cell) if self._comma else (cell, swapped)
        if _NUMBER.fullmatch(number):
            return Decimal(number) or Decimal()  # not -0
        kind = "points: without" if self._comma else "commas:"
        hint = f"decimal {kind} decimal_comma=True; thousands: no separator"
        hint = hint if _NUMBER.fullmatch(other) else "digits only, as in 1250 or -12"
        return f"{shown(cell)} is not a number ({hint})"

    def _warn(self, line: int, what: str, old: Decimal | None, new: Decimal) -> None:
        if old is not None and new < 0:
            self._report(line, "warning", f"{what} becomes negative: {new}")
        if old and (abs(new) >= 10 * abs(old) or abs(old) >= 10 * abs(new)):
            self._report(line, "warning", f"{what} changes tenfold or more, from {old} to {new}")


def read_corrections(
    client: Togai,
    path: str | os.PathLike[str],
    *,
    account_id: str | None = None,
    decimal_comma: bool = False,
    on_progress: Callable[[int], object] | None = None,
) -> CorrectionTable:
    """Read a CSV table of new quantities, and check every line against the events. No correction is sent.

    Columns: `reference_id` or `event_id`; `account_id`; and either `attribute` and `value`, or one column
    `attribute.NAME` per attribute, as in an export. An empty cell changes nothing. Only quantities are corrected: in
    an edited export, another unit, time, schema or dimension is an error, and another status a warning. The separator
    is a comma, semicolon or tab. A line for an event that is already corrected is reported as unchanged or reverted.

    Args:
        client: The client to read the events with; the listing of each account is read once, several at once.
        path: The table, in UTF-8, or in UTF-16 with a byte order mark.
        account_id: The account of all lines, if the table has no column `account_id`.
        decimal_comma: Whether 1,5 means 1.5.
        on_progress: Called with the number of events read so far, after each page.

    Returns:
        The items for `client.events.plan`, and all problems with their lines.

    Raises:
        InvalidRequest: The file cannot be read, or lacks a column.
        TogaiError: A request failed.
    """
    reader = _Reader(path, account_id, decimal_comma, on_progress)
    for account, page in client.events.list_many(reader.accounts):
        reader.keep(account, page)
    return reader.table()


async def read_corrections_async(
    client: AsyncTogai,
    path: str | os.PathLike[str],
    *,
    account_id: str | None = None,
    decimal_comma: bool = False,
    on_progress: Callable[[int], object] | None = None,
) -> CorrectionTable:
    """Read a CSV table of new quantities, and check every line: `read_corrections` for AsyncTogai.

    `client`, `path`, `account_id`, `decimal_comma`, `on_progress`, the result and the errors are those of
    `read_corrections`.
    """
    reader = await asyncio.to_thread(_Reader, path, account_id, decimal_comma, on_progress)
    async for account, page in client.events.list_many(reader.accounts):
        reader.keep(account, page)
    return reader.table()


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a file in UTF-8 or UTF-16, without its byte order mark; InvalidRequest if it cannot be read."""
    try:
        data = Path(path).read_bytes()
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidRequest(
            f"{path} cannot be read as UTF-8 text: save it in UTF-8 (in Excel: CSV UTF-8)"
        ) from None


def ids_of(event: EventWithStatus) -> tuple[str, str]:
    """The reference id and the event id of an event, without blanks around them; empty if it has none."""
    reference_id, event_id = event.reference_id, getattr(event.event_payload, "id", None)
    return str(reference_id or "").strip(), str(event_id or "").strip()


def _cells(event: EventWithStatus) -> dict[str, str]:
    """The cells of an event, as they are read from an export of it."""
    row = next(rows([event]))
    cells = {name: unescaped((utf8(value) or "").strip()) for name, value in row.items()}
    return {**cells, "event_id": cells["id"]}


def _plain(name: str, cell: str) -> datetime | str:
    """A cell of a column, to compare: a time is in UTC if it has no offset."""
    with suppress(ValueError):
        when = datetime.fromisoformat(cell if name in ("timestamp", "created_at") else "")
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    return cell


def meant(events: Sequence[EventWithStatus], account: str) -> EventWithStatus | str:
    """The event that an id means, of all events with this id: the one that is not reverted; otherwise the problem."""
    live = [event for event in events if not is_reverted(event)]
    if len(live) == 1:
        return live[0]
    if live:
        return f"{len(live)} events have this id: select one of them by its reference_id"
    reverted = "the event is already reverted"
    return reverted if events else f"no event of the account {account} has this id"


def unplannable(event: EventWithStatus) -> str | None:
    """Why a plan cannot hold an event, to compare it with a later reading; None if it can."""
    target = Target.of(event)
    if target.reference_id is not None and target.payload is not None:
        return None
    return "the event has no reference id, or a property that cannot be read: a plan cannot hold it"
