"""Rows as files: CSV, JSON lines, Parquet. Numbers keep every digit."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any

from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    Rows = Callable[[], Iterator[dict[str, Any]]]
    """Reads the rows from the first one on."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_DIGITS = 76
"""The number of digits of Parquet's widest decimal."""
_BATCH = 5_000


def iso(when: datetime) -> str:
    """A time as text: UTC, always with microseconds and Z, so that the text sorts by time."""
    try:
        when = when.astimezone(UTC)
    except OverflowError:  # the conversion fails in the first and the last hours of the calendar
        return when.isoformat(timespec="microseconds")
    return when.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def digits(number: Decimal) -> str:
    """A number as plain digits, without an exponent unless it would be too long."""
    return f"{number:f}" if abs(number.adjusted()) <= 600 else str(number)


def text(value: Any) -> str | None:
    """A value of a row as text, exact; None stays None."""
    if isinstance(value, datetime):
        return iso(value) if value.tzinfo else value.isoformat()
    if isinstance(value, Decimal):
        return digits(value)
    return value if value is None or isinstance(value, str) else json.dumps(value, default=str)


def escaped(value: Any) -> str | None:
    """A cell for a spreadsheet: text that would run as a formula gets an apostrophe in front."""
    formula = isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if formula else text(value)


def unescaped(cell: str) -> str:
    """The text of a cell that `escaped` wrote."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def dump(row: Mapping[str, Any]) -> str:
    """A row as one line of JSON, which `load` restores exactly."""

    def packed(value: Any) -> Any:
        if isinstance(value, Decimal):
            return {"decimal": str(value)}
        is_time = isinstance(value, datetime) and value.tzinfo
        return {"time": iso(value)} if is_time else text(value)

    return json.dumps({name: packed(value) for name, value in row.items()})


def load(line: str) -> dict[str, Any]:
    """A row that `dump` wrote."""

    def unpacked(values: dict[str, Any]) -> Any:
        match values:
            case {"decimal": number}:
                return Decimal(number)
            case {"time": when}:
                return datetime.fromisoformat(when)
            case _:
                return values

    return dict(json.loads(line, object_hook=unpacked))


def write_csv(path: Path, columns: Sequence[str], rows: Rows, *, excel: bool = False) -> None:
    """Write comma-separated values with a header; for Excel with a byte order mark and escaped formulas."""
    cell = escaped if excel else text
    encoding = "utf-8-sig" if excel else "utf-8"
    with path.open("w", newline="", encoding=encoding, errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\r\n" if excel else "\n")
        writer.writerow([escaped(name) if excel else name for name in columns])
        writer.writerows([cell(row.get(name)) for name in columns] for row in rows())


def write_jsonl(path: Path, columns: Sequence[str], rows: Rows) -> None:
    """Write one JSON object per line, with numbers as text with all digits."""
    with path.open("w", encoding="utf-8") as file:
        lines = ({name: text(row.get(name)) for name in columns} for row in rows())
        file.writelines(json.dumps(line) + "\n" for line in lines)


def write_parquet(path: Path, columns: Sequence[str], rows: Rows) -> None:
    """Write Parquet: quantities as decimals, times as UTC; a column with other values is text."""
    arrow = pyarrow()
    types = _arrow_types(arrow, columns, rows())
    schema = arrow.schema(list(types.items()))
    is_text = {name: kind == arrow.string() for name, kind in types.items()}
    remaining = rows()
    with arrow.parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(remaining, _BATCH)):
            table = {
                name: [utf8(row.get(name)) if is_text[name] else row.get(name) for row in batch]
                for name in columns
            }
            writer.write_table(arrow.table(table, schema=schema))


WRITERS = dict[str, "Callable[..., None]"](csv=write_csv, jsonl=write_jsonl, parquet=write_parquet)


def pyarrow() -> Any:
    """The library that writes Parquet; ConfigurationError if it is not installed."""
    with suppress(ImportError):
        import_module("pyarrow.parquet")
        return import_module("pyarrow")
    raise ConfigurationError("Parquet needs pyarrow: install it with pip install 'togai[parquet]'")


def utf8(value: Any) -> str | None:
    """A value of a row as text that can be written in UTF-8."""
    cell = text(value)
    return None if cell is None else cell.encode("utf-8", "backslashreplace").decode()


def _arrow_types(
    arrow: Any, columns: Sequence[str], rows: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """The type of each column: decimal or time if that type holds every value exactly, otherwise text."""
    kinds = {name: set[Any]() for name in columns}
    whole, scale = dict.fromkeys(columns, 0), dict.fromkeys(columns, 0)
    for row in rows:
        for name in columns:
            if (value := row.get(name)) is not None:
                kinds[name].add(type(value))
            if isinstance(value, Decimal):
                scale[name] = max(scale[name], -int(value.as_tuple().exponent))
                whole[name] = max(whole[name], value.adjusted() + 1)

    def of(name: str) -> Any:
        if kinds[name] <= {datetime} and (kinds[name] or name in ("timestamp", "created_at")):
            return arrow.timestamp("us", tz="UTC")
        precision = whole[name] + scale[name]
        if kinds[name] == {Decimal} and precision <= _DIGITS:
            decimal = arrow.decimal128 if precision <= 38 else arrow.decimal256
            return decimal(38 if precision <= 38 else _DIGITS, scale[name])
        return arrow.string()

    return {name: of(name) for name in columns}
