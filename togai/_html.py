"""Tables for notebooks and reports. All values are escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from togai._printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def text(value: object) -> str:
    """A value as text in HTML: escaped, and printable on one line."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else escape(printable(value))


def table(rows: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None) -> str:
    """Rows as a table with the given columns, or those of the first row; empty if there are no rows."""
    if names is None:
        names = list(rows[0]) if rows else []
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{text(name)}">{text(row.get(name))}</td>' for name in names)
        + "</tr>"
        for row in rows
    )
    head = "".join(f"<th>{text(name.replace('_', ' '))}</th>" for name in names)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""
