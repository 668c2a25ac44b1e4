"""The commands that only read events: list, get, failed, export."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from togai._cli._output import OUTPUT, Output, progress, say
from togai._cli._settings import SERVICE, WHICH, Count, Service, When, Which, short

if TYPE_CHECKING:
    from collections.abc import Generator

    from togai.models import ReadEvent

_ON_A_SCREEN = 50


def list_events(
    *,
    limit: Count = None,
    which: Which = WHICH,
    output: Output = OUTPUT,
    service: Service = SERVICE,
) -> None:
    """List events: on a terminal the first 50, otherwise all events.

    Args:
        limit: The maximum number of events.
    """
    most = limit if limit is not None else _ON_A_SCREEN if output.is_table else None
    with service.client() as client:
        more = _write(which.read(client, quiet=output.streams), which, output, most)
    if more and limit is None:
        say(f"The first {most} events. For more: --limit N, --jsonl, or togai export FILE")


def _write(
    events: Generator[ReadEvent], which: Which, output: Output, most: int | None = None
) -> bool:
    """Write events; return whether there are more."""
    with closing(events):
        chosen = islice(events, most)
        lines = [] if output.is_data else [_line_of(event) for event in chosen]
        count = len(lines) or output.write(map(row_of, chosen))
        more = count == most and next(events, None) is not None
    if lines:
        account = [] if len(which.account) == 1 else ["account_id"]
        output.write(lines, ["id", *account, "timestamp", "status", "quantities", "reference_id"])
    if not count:
        say("No event matches.")
    return more


def get_event(event_id: str, *, output: Output = OUTPUT, service: Service = SERVICE) -> int:
    """Show the events that have an id, with all details.

    Args:
        event_id: The id that the event was sent with.
    """
    from togai import raw

    with service.client() as client:
        events = client.events.get_all(event_id)
    if not events:
        say(
            f"No event has the id {event_id!r}. It is the id that the event was sent with, not the reference id."
        )
        return 1
    if output.is_data:
        output.write(row_of(event) if output.csv else raw(event) for event in events)
    else:
        for event in events:
            output.write(
                {"property": name, "value": value} for name, value in row_of(event).items()
            )
    return 0


def failed(
    *,
    list_: Annotated[bool, Parameter("--list")] = False,
    which: Which = WHICH,
    output: Output = OUTPUT,
    service: Service = SERVICE,
) -> None:
    """Count failed ingestions by reason, or list them.

    Args:
        list_: List the events instead.
    """
    from togai.jobs import is_failed

    with service.client() as client:
        events = (event for event in which.read(client, quiet=output.streams) if is_failed(event))
        if list_:
            _write(events, which, output)
            return
        rows = map(row_of, events)
        reasons = Counter((row["status"], row["status_description"]) for row in rows)
    names = ("events", "status", "reason")
    output.write(
        (dict(zip(names, (n, *why), strict=True)) for why, n in reasons.most_common()), names
    )
    if reasons:
        say(f"{sum(reasons.values()):,} events failed. To see them: togai failed --list")
    else:
        say("No event failed.")


def export_events(
    file: Path,
    *,
    account: list[str] | None = None,
    since: When = None,
    until: When = None,
    columns: str | None = None,
    format: Literal["csv", "jsonl", "parquet"] | None = None,  # noqa: A002
    excel: bool = False,
    include_reverted: bool = False,
    restart: bool = False,
    service: Service = SERVICE,
) -> int:
    """Export events to a file. After an interruption, repeat the command to continue; the file appears when complete.

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
    from togai.jobs import ExportProgress, export

    with service.client() as client, progress("events") as show:

        def report(now: ExportProgress) -> None:
            accounts = f"{now.accounts_done} of {now.accounts} accounts" if now.accounts > 1 else ""
            show(now.read, accounts)

        result = export(
            client,
            account or None,
            file,
            since=since,
            until=until,
            columns=[name.strip() for name in columns.split(",")] if columns else None,
            format=format,
            excel=excel,
            include_reverted=include_reverted,
            restart=restart,
            on_progress=report,
        )
    say(str(result))
    return 0


def row_of(event: ReadEvent) -> dict[str, Any]:
    """An event as a row, with the columns that an export has."""
    from togai import rows

    return next(iter(rows([event])))


def _line_of(event: ReadEvent) -> dict[str, Any]:
    """An event as a line of a table."""
    from togai._rows import amounts_of
    from togai.jobs._formats import digits

    row = row_of(event)
    amounts = (f"{name}={digits(number)}" for name, number in amounts_of(event))
    return {
        **row,
        "timestamp": short(row["timestamp"]),
        "status": str(row["status"]).removeprefix("INGESTION_").replace("_", " ").lower(),
        "quantities": " ".join(amounts),
    }
