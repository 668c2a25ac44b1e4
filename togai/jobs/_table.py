"""Read a table of corrections from a finance team, check it against the events, and create the items of a plan."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

from togai._build import with_quantities
from togai._printable import printable
from togai._rows import amounts_of
from togai.corrections._plan import Replace
from togai.errors import InvalidRequest
from togai.jobs._export import COLUMNS, VALUES
from togai.jobs._formats import unescaped
from togai.jobs._status import is_reverted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from togai._client import AsyncTogai, Togai
    from togai._pagination import EventPage
    from togai.models import EventWithStatus

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
        self._lines: dict[_Target, dict[str, tuple[int, Decimal]]] = {}
        self._wrong = set[_Target]()
        self._event_ids: defaultdict[_Target, set[str]] = defaultdict(set)
        self._chosen: dict[str, _Target] = {}
        self._read = 0
        self._events: defaultdict[_Target, dict[Any, EventWithStatus]] = defaultdict(dict)
        text = read_text(path)
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        line = 0
        try:
            names = self._columns([name.strip() for name in next(rows, list[str]())], path)
            line = rows.line_num  # of the row before: a row may have several lines
            for row in rows:
                cells = [unescaped(cell.strip()) for cell in row]
                if any(cells):
                    self._add(line + 1, names, cells)
                line = rows.line_num
        except csv.Error as error:
            problem = f"{path}, line {line + 1}: {error}: check the quotes"
            raise InvalidRequest(problem) from None

    def _columns(self, names: Sequence[str], path: object) -> list[str]:
        names = ["event_id" if name == "id" else name for name in names]
        while names and not names[-1]:  # a spreadsheet may write empty columns
            del names[-1]
        known = {*COLUMNS, "event_id", "attribute", "value"}
        for name in names:
            if name not in known and not name.startswith(VALUES):
                problem = f"no column is called {name!r}: write an attribute as attribute.{name}"
                self._report(1, "error", problem)
        if twice := {name for name in names if names.count(name) > 1}:
            raise InvalidRequest(f"{path} has the column {min(twice)} twice")
        self._check_columns(names, path)
        return names

    def _check_columns(self, names: Sequence[str], path: object) -> None:
        has_values = any(name.startswith("attribute.") for name in names)
        needed = {
            "reference_id or event_id": not {"reference_id", "event_id"}.isdisjoint(names),
            "account_id": self._account_id is not None or "account_id" in names,
            "attribute and value, or attribute.NAME": has_values or "value" in names,
            "attribute": has_values or "attribute" in names,
        }
        if missing := [name for name, is_present in needed.items() if not is_present]:
            has = ", ".join(names) or "none"
            raise InvalidRequest(f"{path} has no column {missing[0]}; the columns are {has}")

    def _report(self, line: int, kind: _Kind, text: str) -> None:
        self._problems.append(Problem(line, kind, text))

    def _add(self, line: int, names: Sequence[str], cells: Sequence[str]) -> None:
        row = dict(zip(names, cells, strict=False))
        account = row.get("account_id") or self._account_id or ""
        way = "reference_id" if row.get("reference_id") else "event_id"
        target = (account, way, row.get(way, ""))
        values = {
            name[10:]: row[name] for name in row if name.startswith("attribute.") and row[name]
        }
        if row.get("attribute") or row.get("value"):
            values[row.get("attribute", "")] = row.get("value", "")
        needed = {
            "account_id": account,
            "reference_id or event_id": target[2],
            "attribute": "" not in values,
            "value": values and all(values.values()),
        }
        missing = [f"no {name}" for name, is_present in needed.items() if not is_present]
        if any(cells[len(names) :]):
            missing = ["more cells than columns"]
        if missing:
            self._report(line, "error", missing[0])
            self._wrong.add(target)
            return
        self._event_ids[target].update(filter(None, [row.get("event_id")]))
        self._add_values(line, target, values)

    def _add_values(self, line: int, target: _Target, values: Mapping[str, str]) -> None:
        known = self._lines.setdefault(target, {})
        for name, cell in values.items():
            # A dot beside decimal commas separates thousands: it is not read as a decimal point.
            swapped = cell.translate({ord(","): ".", ord("."): ","})
            number, other = (swapped, cell) if self._comma else (cell, swapped)
            if name in known:
                problem = f"line {known[name][0]} has the same event and attribute"
            elif not _NUMBER.fullmatch(number):
                problem = f"{cell!r} is not a number"
                if _NUMBER.fullmatch(other):
                    kind = "points: without" if self._comma else "commas:"
                    problem += f" (decimal {kind} decimal_comma=True)"
            else:
                known[name] = (line, Decimal(number))
                continue
            self._report(line, "error", f"{target[2]}: {problem}")
            self._wrong.add(target)

    @property
    def accounts(self) -> list[str]:
        """The accounts whose events are to be read."""
        return list(dict.fromkeys(target[0] for target in self._lines))

    def keep(self, account: str, page: EventPage) -> None:
        """Keep the events of a page that the table names; of two readings of an event the later one."""
        for event in page.events:
            for way, name in zip(("reference_id", "event_id"), ids_of(event), strict=True):
                if (target := (account, way, name)) in self._lines:
                    self._events[target][event.reference_id or id(event)] = event
        self._read += len(page.events)
        if self._on_progress is not None:
            self._on_progress(self._read)

    def table(self) -> CorrectionTable:
        """The checked table."""
        items = [item for target in self._lines for item in self._item(target)]
        self._problems.sort(key=lambda problem: problem.line)
        return CorrectionTable(tuple(items), tuple(self._problems))

    def _item(self, target: _Target) -> Iterator[Replace]:
        account, way, name = target
        values, events = self._lines[target], list(self._events[target].values())
        live = [event for event in events if not is_reverted(event)]
        if len(live) == 1:
            changes = self._changes(live[0], name, values)
            if target in self._wrong or not changes:
                return
            event_id = str(ids_of(live[0])[1])
            if others := self._event_ids[target] - {event_id.strip()}:
                problem = f"the event_id of this event is {event_id!r}, not {min(others)!r}"
            elif (other := self._chosen.setdefault(str(live[0].reference_id), target)) != target:
                problem = f"another line corrects the same event as {other[2]}"
            else:
                try:
                    replacement = with_quantities(live[0], changes)
                except InvalidRequest as error:
                    problem = str(error)
                else:
                    yield Replace(live[0], replacement, account_id=account)
                    return
        elif live:
            problem = f"{len(live)} events have this id: select one of them by its reference_id"
        elif events:
            problem = "the event is already reverted"
        else:
            problem = f"no event of the account {account} has this {way}"
        for line, _ in values.values():
            self._report(line, "error", f"{name}: {problem}")

    def _changes(
        self, event: EventWithStatus, event_id: str, values: Mapping[str, tuple[int, Decimal]]
    ) -> dict[str, Decimal]:
        """The values that differ; empty if a line is wrong."""
        current = dict(amounts_of(event))
        changes: dict[str, Decimal] = {}
        unknown = values.keys() - current.keys()
        for name, (line, new) in values.items():
            if (old := current.get(name)) is None:
                known = ", ".join(current) or "none"
                problem = f"{event_id}: no numeric attribute {name!r}; it has {known}"
                self._report(line, "error", problem)
                continue
            if new == old:
                self._report(line, "unchanged", f"{event_id}: {name} is already {old}")
                continue
            changes[name] = new
            if new < 0:
                self._report(line, "warning", f"{event_id}: {name} becomes negative: {new}")
            if old and (abs(new) >= 10 * abs(old) or abs(old) >= 10 * abs(new)):
                change = f"{event_id}: {name} changes tenfold or more, from {old} to {new}"
                self._report(line, "warning", change)
        return {} if unknown else changes


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
    `attribute.NAME` per attribute, as in an export. An empty cell changes nothing, and the other columns of an export
    are ignored. The separator is a comma, semicolon or tab; a byte order mark is allowed. A line for an event that is
    already corrected is reported as unchanged or reverted.

    Args:
        client: The client to read the events with; the listing of each account is read once, several at once.
        path: The table, in UTF-8.
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

    Args:
        client: The client to read the events with.
        path: The table, in UTF-8.
        account_id: The account of all lines, if the table has no column `account_id`.
        decimal_comma: Whether 1,5 means 1.5.
        on_progress: Called with the number of events read so far, after each page.

    Returns:
        The items for `client.events.plan`, and all problems with their lines.

    Raises:
        InvalidRequest: The file cannot be read, or lacks a column.
        TogaiError: A request failed.
    """
    reader = await asyncio.to_thread(_Reader, path, account_id, decimal_comma, on_progress)
    async for account, page in client.events.list_many(reader.accounts):
        reader.keep(account, page)
    return reader.table()


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a file, without its byte order mark.

    Raises:
        InvalidRequest: It cannot be read, or is not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidRequest(
            f"{path} cannot be read as UTF-8 text: save it in UTF-8 (in Excel: CSV UTF-8)"
        ) from None


def ids_of(event: EventWithStatus) -> tuple[Any, Any]:
    """The reference id and the event id of an event."""
    return event.reference_id, getattr(event.event_payload, "id", None)
