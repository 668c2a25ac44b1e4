"""The commands that only read events: list, get, failed, export, report."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Context, Decimal
from importlib.resources import files
from itertools import islice
from pathlib import Path
from string import Template
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from togai._cli._ledger import BOOK, corrections_of
from togai._cli._output import DONE, INTERRUPTED, SOME_FAILED, Output, progress, say
from togai._cli._settings import READING, Book, Count, Reading, Service, When, pairs, short
from togai._decoding import raw
from togai._html import table, text
from togai._rows import amounts_of
from togai._rows import rows as rows_of
from togai.jobs import ExportProgress, export, is_failed, is_reverted
from togai.jobs._formats import digits
from togai.jobs._status import status_of
from togai.models import ReadEvent

Row = dict[str, Any]

_EXACT = Context(prec=1100)
"""A context in which sums of numbers of 512 digits are exact."""

_COLOURS = {"used": "#2f7d4f", "failed": "#b3372f", "reverted": "#8a8f98", "in progress": "#c98b1b"}
_WIDTH, _BAR, _LABEL = 720, 18, 90
_ON_A_SCREEN = 50


def list_events(*, limit: Count = None, reading: Reading = READING) -> None:
    """List events: on a terminal the first 50, otherwise all events.

    Args:
        limit: The maximum number of events.
    """
    most = limit or (_ON_A_SCREEN if reading.output.is_table else None)
    more = _write(reading.read(), reading, most)
    if more and limit is None:
        say(f"The first {most} events. For more: --limit N, --jsonl, or togai export FILE")


def _write(events: Generator[ReadEvent], reading: Reading, most: int | None = None) -> bool:
    """Write events; returns whether there are more."""
    with closing(events):
        chosen, output = islice(events, most), reading.output
        lines = [] if output.is_data else [_line_of(event) for event in chosen]
        count = len(lines) or output.write(map(row_of, chosen))
        more = count == most and next(events, None) is not None
    if lines:
        account = [] if len(reading.account) == 1 else ["account_id"]
        output.write(lines, ["id", *account, "timestamp", "status", "quantities", "reference_id"])
    if not count:
        say("No event matches.")
    return more


def get_event(
    event_id: str, /, *, output: Output = READING.output, service: Service = READING.service
) -> int:
    """Show the events that have an id, with all details.

    Args:
        event_id: The id that the event was sent with.
    """
    with service.client() as client:
        events = client.events.get_all(event_id)
    if output.is_data:
        output.write(row_of(event) if output.csv else raw(event) for event in events)
    for event in () if output.is_data else events:
        output.write({"property": name, "value": value} for name, value in row_of(event).items())
    if not events:
        meant = "It is the id that the event was sent with, not the reference id: togai events list"
        say(f"No event has the id {event_id!r}. {meant}")
    return DONE if events else SOME_FAILED


def failed(
    *, list_: Annotated[bool, Parameter("--list")] = False, reading: Reading = READING
) -> None:
    """Count failed ingestions by reason, or list them.

    Args:
        list_: List the events instead.
    """
    events = (event for event in reading.read() if is_failed(event))
    if list_:
        _write(events, reading)
        return
    reasons = by_reason(events)
    reading.output.write(reasons)
    count = sum(row["events"] for row in reasons)
    found = "1 event failed. To see it" if count == 1 else f"{count:,} events failed. To see them"
    say(f"{found}: togai failed --list" if count else "No event failed.")


def by_reason(events: Iterable[ReadEvent]) -> list[dict[str, Any]]:
    """Failed events per reason, the most frequent first."""
    reasons = Counter((row["status"], row["status_description"]) for row in map(row_of, events))
    return [
        {"events": count, "status": status, "reason": reason}
        for (status, reason), count in reasons.most_common()
    ]


def export_events(
    file: Path,
    /,
    *,
    account: list[str] | None = None,
    since: When = None,
    until: When = None,
    columns: str | None = None,
    format: Literal["csv", "jsonl", "parquet"] | None = None,  # noqa: A002
    excel: bool = False,
    include_reverted: bool = False,
    restart: bool = False,
    service: Service = READING.service,
) -> int:
    """Export events to a file. After an interruption, repeat the command to continue; the file appears when complete.

    The service reports no total, so the progress shows only the events read and the accounts done.

    Args:
        file: The file; its extension determines the format: .csv, .jsonl or .parquet.
        account: Only this account; may be repeated. By default all accounts.
        since: Only events from this date or time on.
        until: Only events before this date or time.
        columns: The columns, separated by commas; by default every column that occurs.
        format: The format, if the file's extension does not determine it.
        excel: Write a CSV for spreadsheets: with a byte order mark, and without text that runs as a formula.
        include_reverted: Also keep events that a correction reverted.
        restart: Discard an earlier run, and replace the file.
    """
    try:
        with service.client() as client, progress("events") as show:

            def report(now: ExportProgress) -> None:
                done = f"{now.accounts_done} of {now.accounts} accounts" if now.accounts > 1 else ""
                show(now.read, done)

            result = export(
                client, account or None, file, since=since, until=until, format=format, excel=excel,
                columns=None if columns is None else [name.strip() for name in columns.split(",")],
                include_reverted=include_reverted, restart=restart, on_progress=report,
            )  # fmt: skip
    except KeyboardInterrupt:
        say("Interrupted. Repeat the same command to continue.")
        return INTERRUPTED
    say(result)
    return DONE


def row_of(event: ReadEvent) -> dict[str, Any]:
    """An event as a row, with the columns that an export has."""
    return next(rows_of([event]))


def _line_of(event: ReadEvent) -> dict[str, Any]:
    """An event as a line of a table."""
    row = row_of(event)
    return {
        **row,
        "timestamp": short(row["timestamp"]),
        "status": status_in_words(row["status"]),
        "quantities": pairs((name, digits(number)) for name, number in amounts_of(event)),
    }


def status_in_words(status: str | None) -> str:
    """A status as a person reads it."""
    return str(status).removeprefix("INGESTION_").replace("_", " ").lower()


def summed(events: Iterable[ReadEvent]) -> tuple[list[Row], list[Row]]:
    """Events and quantities per day, account and status; failed ingestions per reason, the most frequent first."""
    usage = Counter[tuple[str, str, str]]()
    amounts: defaultdict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(dict)
    failures: list[ReadEvent] = []
    for event in events:
        payload: Any = event.event_payload
        when = getattr(payload, "timestamp", None)
        day = str(short(when))[:10] if isinstance(when, datetime) and when.tzinfo else "unknown"
        key = (day, str(getattr(payload, "account_id", None)), status_of(event) or "none")
        usage[key] += 1
        sums = amounts[key]
        for name, number in amounts_of(event):
            sums[name] = _EXACT.add(sums.get(name, Decimal(0)), number)
        if is_failed(event):
            failures.append(event)
    rows = [
        {
            **dict(zip(("day", "account_id", "status"), key, strict=True)),
            "events": count,
            "quantities": {name: digits(total) for name, total in amounts[key].items()},
        }
        for key, count in sorted(usage.items())
    ]
    return rows, by_reason(failures)


def report(*, html: Path | None = None, book: Book = BOOK, reading: Reading = READING) -> None:
    """Report events and quantities per day, account and status, failures by reason, and corrections.

    Corrections are those of the events in the period and of the accounts, whenever they were made.

    Args:
        html: Write a single HTML page to this file, to mail or print; it loads nothing from the network.
    """
    corrections: list[Row] = []
    if book.ledger:
        corrections = corrections_of(book.open().history(), reading)
    rows, reasons = summed(reading.read())
    output = reading.output
    if html is not None:
        html.write_text(page(rows, reasons, corrections, reading), "utf-8")
        say(f"{html}: {sum(row['events'] for row in rows):,} events")
        return
    if output.is_data:
        output.write(rows)
        return
    for title, lines in (
        ("Usage", _with_bars(rows)),
        ("Failed ingestions", reasons),
        ("Corrections", corrections),
    ):
        if lines:
            print(f"{title}\n")
            output.write(lines, [name for name in lines[0] if name not in ("at", "why")])
            print()
    say("To write this as an HTML page: togai report --html FILE")


def _with_bars(rows: list[Row]) -> list[Row]:
    most = max((row["events"] for row in rows), default=1)
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
    days: dict[str, Counter[str]] = {row["day"]: Counter() for row in rows}
    for row in rows:
        days[row["day"]][kind_of(row["status"])] += row["events"]
    totals = sum(days.values(), Counter[str]())
    usage = [{**row, "quantities": pairs(row["quantities"].items())} for row in rows]
    since, until = short(reading.since), short(reading.until)
    template = Template(files("togai._cli").joinpath("report.html").read_text("utf-8"))
    columns = ("at", "who", "action", "reference_id", "outcome", "before", "after", "why")
    return template.substitute(
        accounts=text(", ".join(reading.account) or "all accounts"),
        period=text(f"{since or 'the first event'} to {until or 'the last event'}"),
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        totals="".join(
            f'<li><i style="background:{colour}"></i><b>{totals[kind]:,}</b> {kind}</li>'
            for kind, colour in _COLOURS.items()
        ),
        chart=_chart(days),
        usage=table(usage, ("day", "account_id", "status", "events", "quantities")) or "No events.",
        failures=table(reasons, ("events", "status", "reason")) or "No ingestion failed.",
        corrections=table(corrections, columns) or "No corrections, or no ledger was named.",
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
