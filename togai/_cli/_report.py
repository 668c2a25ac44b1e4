"""The report of a period: usage, failures with reasons, and corrections."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Context, Decimal
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from togai._cli._ledger import BOOK, Book, corrections_of
from togai._cli._output import OUTPUT, Output, say
from togai._cli._settings import SERVICE, WHICH, Service, Which, short
from togai._html import table, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from togai.models import ReadEvent

Row = dict[str, Any]
_Key = tuple[str, str, str]
"""Day, account, status."""

_EXACT = Context(prec=1100)
"""A context in which sums of numbers of 512 digits are exact."""

_COLOURS = {"used": "#2f7d4f", "failed": "#b3372f", "reverted": "#8a8f98", "in progress": "#c98b1b"}
_WIDTH, _BAR, _LABEL = 720, 18, 90


@dataclass
class Report:
    """The counts of a report, updated while events are read."""

    usage: Counter[_Key] = field(default_factory=Counter[_Key])
    amounts: dict[_Key, dict[str, Decimal]] = field(default_factory=dict[_Key, dict[str, Decimal]])
    failures: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    corrections: list[Row] = field(default_factory=list[Row])

    def add(self, event: ReadEvent) -> None:
        """Count an event."""
        from togai._rows import amounts_of
        from togai.jobs import is_failed
        from togai.jobs._status import status_of

        payload: Any = event.event_payload
        when = getattr(payload, "timestamp", None)
        day = (
            f"{when.astimezone(UTC):%Y-%m-%d}"
            if isinstance(when, datetime) and when.tzinfo
            else "unknown"
        )
        key = (day, str(getattr(payload, "account_id", None)), status_of(event) or "none")
        self.usage[key] += 1
        amounts = self.amounts.setdefault(key, {})
        for name, number in amounts_of(event):
            amounts[name] = _EXACT.add(amounts.get(name, Decimal(0)), number)
        if is_failed(event):
            self.failures[key[2], str(event.ingestion_status.status_description or "")] += 1

    def rows(self) -> list[Row]:
        """Events and quantities per day, account and status."""
        from togai.jobs._formats import digits

        return [
            {
                "day": day,
                "account_id": account,
                "status": status,
                "events": count,
                "quantities": {
                    name: digits(total)
                    for name, total in self.amounts[day, account, status].items()
                },
            }
            for (day, account, status), count in sorted(self.usage.items())
        ]

    def reasons(self) -> list[Row]:
        """Failed ingestions per reason, the most frequent first."""
        return [
            {"events": count, "status": status, "reason": reason}
            for (status, reason), count in self.failures.most_common()
        ]


def report(
    *,
    html: Path | None = None,
    book: Book = BOOK,
    which: Which = WHICH,
    output: Output = OUTPUT,
    service: Service = SERVICE,
) -> None:
    """Report events and quantities per day, account and status, failures by reason, and corrections.

    Args:
        html: Write a single HTML page to this file, to mail or print; it loads nothing from the network.
    """
    data = Report()
    if book.ledger:
        data.corrections = corrections_of(book.open().history(since=which.since, until=which.until))
    with service.client() as client:
        for event in which.read(client):
            data.add(event)
    if html is not None:
        html.write_text(page(data, which), "utf-8")
        say(f"{html}: {sum(row['events'] for row in data.rows()):,} events")
        return
    if output.is_data:
        output.write(data.rows())
        return
    most = max((row["events"] for row in data.rows()), default=1)
    for title, rows in (
        ("Usage", [_line(row, most) for row in data.rows()]),
        ("Failed ingestions", data.reasons()),
        ("Corrections", data.corrections),
    ):
        if rows:
            print(f"{title}\n")
            output.write(rows, [name for name in rows[0] if name not in ("at", "why")])
            print()
    say("To write this as an HTML page: togai report --html FILE")


def _line(row: Row, most: int) -> Row:
    bar = "█" * max(1, round(12 * row["events"] / most))
    status = row["status"].removeprefix("INGESTION_").replace("_", " ").lower()
    return {**row, "status": status, "quantities": _amounts(row["quantities"]), "": bar}


def _amounts(amounts: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in amounts.items())


def kind_of(status: str) -> str:
    """The kind of a status for billing."""
    from togai.jobs import is_failed, is_reverted

    if is_failed(status) or is_reverted(status):
        return "failed" if is_failed(status) else "reverted"
    return "used" if status.startswith("INGESTION_COMPLETED") else "in progress"


def page(data: Report, which: Which) -> str:
    """The report as one HTML page: no scripts, no external resources, all text from the service escaped."""
    rows = data.rows()
    days: dict[str, Counter[str]] = {row["day"]: Counter() for row in rows}
    for row in rows:
        days[row["day"]][kind_of(row["status"])] += row["events"]
    totals = sum(days.values(), Counter[str]())
    usage = [{**row, "quantities": _amounts(row["quantities"])} for row in rows]
    period = (
        f"{short(which.since) or 'the first event'} to {short(which.until) or 'the last event'}"
    )
    template = Template(files("togai._cli").joinpath("report.html").read_text("utf-8"))
    return template.substitute(
        accounts=text(", ".join(which.account) or "all accounts"),
        period=text(period),
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        totals="".join(
            f'<li><i style="background:{colour}"></i><b>{totals[kind]:,}</b> {kind}</li>'
            for kind, colour in _COLOURS.items()
        ),
        chart=_chart(days),
        usage=table(usage, ("day", "account_id", "status", "events", "quantities")) or "No events.",
        failures=table(data.reasons(), ("events", "status", "reason")) or "No ingestion failed.",
        corrections=table(
            data.corrections,
            ("at", "who", "action", "reference_id", "outcome", "before", "after", "why"),
        )
        or "No corrections, or no ledger was named.",
    )


def _chart(days: Mapping[str, Counter[str]]) -> str:
    """A bar per day, divided by kind."""
    most = max((sum(counts.values()) for counts in days.values()), default=1)
    scale = (_WIDTH - _LABEL - 60) / most
    parts: list[str] = []
    for line, (day, counts) in enumerate(days.items()):
        x, y = float(_LABEL), line * (_BAR + 6)
        parts.append(f'<text x="0" y="{y + 13}">{text(day)}</text>')
        for kind, colour in _COLOURS.items():
            width = counts[kind] * scale
            if width:
                parts.append(
                    f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colour}">'
                    f"<title>{text(day)}: {counts[kind]:,} {kind}</title></rect>"
                )
            x += width
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 13}">{sum(counts.values()):,}</text>')
    height = max(1, len(days)) * (_BAR + 6)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Events per day">{"".join(parts)}</svg>'
