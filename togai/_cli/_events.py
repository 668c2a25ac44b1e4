"""The commands that only read events: list, get, failed, export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from togai._cli._output import Exit, Output, pairs, progress, say, short, status_in_words
from togai._cli._settings import READING, Count, Reading, Service, Window
from togai._decoding import raw
from togai._rows import amounts_of
from togai._rows import rows as rows_of
from togai.jobs import ExportProgress, export, is_failed
from togai.models import ReadEvent

_ON_A_SCREEN = 50


def list_events(*, limit: Count | None = None, reading: Reading = READING) -> None:
    """List events: on a terminal the first 50, otherwise all events.

    Args:
        limit: The maximum number of events.
    """
    most = limit or (_ON_A_SCREEN if reading.output.is_table else None)
    if _write(reading.read(), reading, most) and limit is None:
        say(f"The first {most} events. For more: --limit N, --jsonl, or togai export FILE")


def _write(events: Generator[ReadEvent], reading: Reading, most: int | None = None) -> bool:
    """Write events; returns whether there are more."""
    with closing(events):
        chosen, output = islice(events, most), reading.output
        lines = [] if output.is_data else [_line_of(event) for event in chosen]
        count = len(lines) or output.write(map(row_of, chosen))
        more = next(events, None) is not None
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
        say(f"No event has the id {event_id!r} (not the reference id). See: togai events list")
    return Exit.DONE if events else Exit.SOME_FAILED


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
    say(f"Failed: {count:,}. To see each: togai failed --list" if count else "No event failed.")


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
    window: Window = READING,
    columns: str | None = None,
    format: Literal["csv", "jsonl", "parquet"] | None = None,  # noqa: A002
    excel: bool = False,
    include_reverted: bool = False,
    restart: bool = False,
    service: Service = READING.service,
) -> None:
    """Export events to a file. After an interruption, repeat the command to continue; the file appears when complete.

    Args:
        file: The file; its extension determines the format: .csv, .jsonl or .parquet.
        account: Only this account; may be repeated. By default all accounts.
        columns: The columns, separated by commas; by default every column that occurs.
        format: The format, if the file's extension does not determine it.
        excel: Write a CSV for spreadsheets: with a byte order mark, and without text that runs as a formula.
        include_reverted: Also keep events that a correction reverted.
        restart: Discard an earlier run, and replace the file.
    """
    with service.client() as client, progress("events") as show:

        def report(now: ExportProgress) -> None:
            several = f"{now.accounts_done} of {now.accounts} accounts"
            show(now.read, several if now.accounts > 1 else "")

        result = export(
            client, account, file, since=window.since, until=window.until, format=format, excel=excel,
            columns=None if columns is None else [name.strip() for name in columns.split(",")],
            include_reverted=include_reverted, restart=restart, on_progress=report,
        )  # fmt: skip
    say(result)


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
        "quantities": pairs(amounts_of(event)),
    }
