"""The command report: usage, failed ingestions and corrections, on a terminal, as data, or as one HTML page."""

from __future__ import annotations

import errno
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from togai._cli._events import by_reason
from togai._cli._ledger import corrections_of
from togai._cli._output import pairs, say, short, status_in_words
from togai._cli._settings import READING, SESSION, Book, Reading
from togai._files import naming
from togai._html import table, text
from togai._printable import counted
from togai._rows import amounts_of
from togai.jobs import is_failed, is_reverted
from togai.jobs._formats import digits
from togai.jobs._status import status_of
from togai.models import ReadEvent

Row = dict[str, Any]

_EXACT = Context(prec=1100)
"""A context in which sums of numbers of 512 digits are exact."""

_TOTAL = "total"
_KINDS = ("used", "failed", "reverted", "in progress")
_WIDTH, _BAR, _LABEL = 720, 18, 90


def summed(events: Iterable[ReadEvent]) -> tuple[list[Row], list[Row], list[Row]]:
    """Events and quantities per day, account and status; the same in total; failed ingestions per reason."""
    rows: dict[tuple[str, str, str], Row] = {}
    failures: list[ReadEvent] = []
    for event in events:
        payload: Any = event.event_payload
        when = getattr(payload, "timestamp", None)
        day = str(short(when))[:10] if isinstance(when, datetime) else "unknown"
        account, status = str(getattr(payload, "account_id", None)), status_of(event) or "none"
        for part in (day, _TOTAL):
            named = {"day": part, "account_id": account, "status": status}
            row = rows.setdefault((part, account, status), {**named, "events": 0, "quantities": {}})
            row["events"] += 1
            sums = row["quantities"]
            for name, number in amounts_of(event):
                sums[name] = _EXACT.add(sums.get(name, Decimal()), number)
        if is_failed(event):
            failures.append(event)
    ordered = [row for _, row in sorted(rows.items())]
    for row in ordered:
        row["quantities"] = {name: digits(number) for name, number in row["quantities"].items()}
    days = [row for row in ordered if row["day"] != _TOTAL]
    return days, [row for row in ordered if row["day"] == _TOTAL], by_reason(failures)


def report(
    *, html: Path | None = None, book: Book = SESSION.book, reading: Reading = READING
) -> None:
    """Report events and quantities per day, account and status, failures by reason, and corrections.

    Corrections are those of the events in the period and of the accounts, whenever they were made.

    Args:
        html: Write a single HTML page to this file, to mail or print; it loads nothing from the network.
    """
    if html and html.is_file() and not html.read_bytes().startswith(b"<!doctype html>"):
        raise FileExistsError(errno.EEXIST, "it is not a report: pass another path", str(html))
    entries = book.open().history() if book.ledger is not None else ()
    corrections = corrections_of(entries, reading)
    rows, totals, reasons = summed(reading.read())
    if not rows:
        say("No event matches.")
    if html is not None:
        with naming(html):
            html.write_text(page(rows + totals, reasons, corrections, reading), "utf-8")
        say(f"{html}: {counted(sum(row['events'] for row in rows), 'event')}")
    if reading.output.is_data:
        reading.output.write(rows)
    elif html is None:
        usage = [*_with_bars(rows), *_with_bars(totals)]
        parts = {"Usage": usage, "Failed ingestions": reasons, "Corrections": corrections}
        for title, lines in parts.items():
            if lines:
                print(f"{title}\n")
                hidden = ("at", "why", "event_id")
                reading.output.write(lines, [name for name in lines[0] if name not in hidden])
                print()
        say("To write this as an HTML page: togai report --html FILE")


def _with_bars(rows: list[Row]) -> list[Row]:
    most = max([1, *(row["events"] for row in rows)])
    can_block = "utf" in (sys.stdout.encoding or "utf").lower()
    return [
        {
            **row,
            "status": status_in_words(row["status"]),
            "quantities": pairs(row["quantities"].items()),
            "": ("█" if can_block else "#") * max(1, round(12 * row["events"] / most)),
        }
        for row in rows
    ]


def kind_of(status: str) -> str:
    """What a status means for a bill, in a word."""
    if is_failed(status) or is_reverted(status):
        return "failed" if is_failed(status) else "reverted"
    return "used" if status.startswith("INGESTION_COMPLETED") else "in progress"


def page(rows: list[Row], reasons: list[Row], corrections: list[Row], reading: Reading) -> str:
    """The report as one HTML page: no scripts, nothing loaded, everything from the service escaped."""
    days: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["day"] != _TOTAL:
            days[row["day"]][kind_of(row["status"])] += row["events"]
    sums = sum(days.values(), Counter[str]())
    usage = [{**row, "quantities": pairs(row["quantities"].items())} for row in rows]
    since, until = short(reading.since), short(reading.until)
    return Template(files("togai._cli").joinpath("report.html").read_text("utf-8")).substitute(
        accounts=text(", ".join(reading.account) or "all accounts"),
        period=text(f"{since or 'the first event'} to {until or 'the last event'}"),
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        **{kind.split()[-1]: f"{sums[kind]:,}" for kind in _KINDS},
        chart=_chart(days),
        usage=table(usage) or "No events.",
        failures=table(reasons) or "No ingestion failed.",
        corrections=table(corrections) or "No corrections, or no ledger was named.",
    )


def _chart(days: Mapping[str, Counter[str]]) -> str:
    """A bar per day, divided by kind."""
    scale = (_WIDTH - _LABEL - 60) / max([1, *(counts.total() for counts in days.values())])
    parts: list[str] = []
    for line, (day, counts) in enumerate(days.items()):
        x, y = float(_LABEL), line * (_BAR + 6)
        parts.append(f'<text x="0" y="{y + 13}">{text(day)}</text>')
        for kind in _KINDS:
            if width := counts[kind] * scale:
                parts.append(
                    f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" class="{kind}">'
                    f"<title>{text(day)}: {counts[kind]:,} {kind}</title></rect>"
                )
            x += width
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 13}">{counts.total():,}</text>')
    height = max(1, len(days)) * (_BAR + 6)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Events per day">{"".join(parts)}</svg>'
