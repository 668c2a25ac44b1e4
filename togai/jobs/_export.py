"""Export events to a file that is complete or absent, and continue after any interruption."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, cast

from attrs import frozen

from togai._arguments import utc_or_none
from togai._decoding import deviations
from togai._listing_many import checked_concurrency
from togai._printable import counted, shown
from togai._requests import check_encodable
from togai._rows import rows as _rows
from togai._times import within
from togai._transport.concurrency import Tasks
from togai.errors import InvalidRequest
from togai.jobs import _formats
from togai.jobs._checkpoint import Checkpoint, writing
from togai.jobs._status import is_reverted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from togai._client import AsyncTogai, Togai
    from togai._pagination import EventPage

COLUMNS = (
    "reference_id", "id", "account_id", "customer_id", "schema_name", "timestamp", "created_at", "status",
    "status_description",
)  # fmt: skip
VALUES = ("attribute.", "unit.", "dimension.")


@frozen
class ExportProgress:
    """The progress of an export.

    Attributes:
        read: The number of events read so far, including earlier runs.
        rows: The number of rows for the file so far.
        accounts_done: The number of accounts that were read completely.
        accounts: The number of accounts of the export.
    """

    read: int
    rows: int
    accounts_done: int
    accounts: int


@frozen(kw_only=True)
class ExportResult:
    """The result of an export, with the numbers of events.

    Attributes:
        path: The file.
        rows: The rows of the file, one per event.
        read: Events that were read.
        reverted: Events that were skipped because a correction reverted them.
        outside: Events that were skipped because they are outside the time window.
        malformed: Rows whose event deviates from the contract; check these.
        repeated: Events that were skipped because the service had already listed them.
        columns: The columns, in order.
    """

    path: Path
    rows: int
    read: int
    reverted: int
    outside: int
    malformed: int
    repeated: int
    columns: tuple[str, ...]

    def __str__(self) -> str:
        counts = {
            "outside the time window": self.outside,
            "reverted": self.reverted,
            "listed twice": self.repeated,
        }
        left_out = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        malformed = f"; {self.malformed:,} of them malformed" if self.malformed else ""
        text = f"{counted(self.rows, 'row')} of {counted(self.read, 'event')}{malformed}"
        return f"{self.path}: {text}" + (f"; left out: {left_out}" if left_out else "")


class ExportOptions(TypedDict, total=False):
    """The options of `export` and `export_async`, all optional.

    Attributes:
        since: Only events from this time on, a datetime with a time zone.
        until: Only events before this time.
        format: "csv", "jsonl" (JSON lines; quantities as text with all digits) or "parquet" (exact decimals; needs the
            extra togai[parquet]). Default: determined by the extension of the path.
        columns: The columns of `togai.rows` to write, in this order. Default: every column that occurs.
        excel: Write the CSV for spreadsheets: with a byte order mark, and without text that runs as a formula.
        include_reverted: Also keep events that a correction reverted.
        restart: Discard the rows of an earlier run, and replace the file.
        concurrency: How many accounts are read at once, 1 to 50; 8 by default.
        on_progress: Called with an `ExportProgress` after each page.
    """

    since: datetime | None
    until: datetime | None
    format: Literal["csv", "jsonl", "parquet"] | None
    columns: Sequence[str] | None
    excel: bool
    include_reverted: bool
    restart: bool
    concurrency: int
    on_progress: Callable[[ExportProgress], object] | None


class _Export:
    """One export, without the requests: its options, the stored rows, and writing the file."""

    def __init__(
        self,
        client: Togai | AsyncTogai,
        accounts: str | Iterable[str] | None,
        path: str | os.PathLike[str],
        options: ExportOptions,
        stack: ExitStack,
    ) -> None:
        if unknown := sorted(options.keys() - ExportOptions.__annotations__.keys()):
            raise TypeError(f"export() has no parameter {unknown[0]!r}")
        self.path = Path(path)
        self._since = utc_or_none("since", options.get("since"))
        self._until = utc_or_none("until", options.get("until"))
        excel = options.get("excel", False)
        self._on_progress = options.get("on_progress")
        self._concurrency = checked_concurrency(options.get("concurrency", 8))
        self._job: dict[str, Any] = {
            "service": client._settings.base_url,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            "accounts": _checked_accounts(accounts),
            "since": self._since and _formats.iso(self._since),
            "until": self._until and _formats.iso(self._until),
            "format": _checked_format(self.path, options.get("format"), excel=excel),
            "columns": _checked_columns(options.get("columns")),
            "excel": excel,
            "include_reverted": options.get("include_reverted", False),
        }
        if self._since and self._until and self._since >= self._until:
            raise InvalidRequest("since is not before until: the time window is empty")
        self._taken = f"{self.path} exists already: export to another path, or pass restart=True to replace the file"
        checkpoint, self._restart = Path(f"{self.path}.checkpoint"), options.get("restart", False)
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_file()):
            raise InvalidRequest(f"{self.path} is a link, or not a file: export to another path")
        if self.path.exists() and not checkpoint.exists() and not self._restart:
            raise InvalidRequest(self._taken)
        self.checkpoint = Checkpoint(checkpoint, self._job, restart=self._restart)
        stack.callback(self.checkpoint.close)

    def _check_file(self) -> None:
        """Refuse a file that this export did not write, and one that is gone or changed since."""
        whole, expected = self.checkpoint.get("complete"), self.checkpoint.get("size")
        size = self.path.stat().st_size if self.path.exists() else None
        if whole is not None and size != whole:
            change = "is gone" if size is None else f"has {size:,} bytes instead of {whole:,}"
            raise InvalidRequest(
                f"{self.path} was exported completely, and {change}: pass restart=True to export it again"
            )
        if size not in (None, expected):
            raise InvalidRequest(self._taken)

    def pages(self, client: Any) -> Any:
        """The pages that are left to read, each with its account."""
        if not self._restart:
            self._check_file()
        left = dict(self.checkpoint.unfinished())
        if "" not in left:
            return client.events.list_many(left, concurrency=self._concurrency)
        pages = client.events.list(next_token=left[""], prefetch=1).pages()
        if hasattr(pages, "__aiter__"):
            return (("", page) async for page in pages)
        return (("", page) for page in pages)

    def keep(self, account: str, page: EventPage) -> None:
        """Store the rows of a page."""
        counts = Counter(read=len(page.events))
        kept: list[tuple[str | None, str]] = []
        for event in page.events:
            row = next(_rows([event]))
            inside = within(row["timestamp"], self._since, self._until)
            if is_reverted(event) and not self._job["include_reverted"]:
                counts["reverted"] += 1
            elif inside is False:
                counts["outside"] += 1
            else:
                counts["malformed"] += bool(deviations(event))
                name = json.dumps(event.reference_id) if event.reference_id else None
                kept.append((name, _formats.dump(row)))
        total = self.checkpoint.add(account, page.next_token, kept, counts)
        if total is not None and self._on_progress is not None:
            accounts = len(self._job["accounts"])
            done = accounts - total["left"]
            self._on_progress(ExportProgress(total["read"], total["rows"], done, accounts))

    def finish(self) -> ExportResult:
        """Write the file from the rows that were kept."""
        if self.checkpoint.get("complete") is None:
            columns = self._job["columns"] or self._discovered()
            with self.checkpoint.file_lock, writing(self.path):
                self.checkpoint.set("columns", columns)
                new = Path(f"{self.path}.new")
                new.unlink(missing_ok=True)  # it may be a link
                excel = {"excel": True} if self._job["excel"] else {}
                _formats.WRITERS[self._job["format"]](new, columns, self.checkpoint.rows, **excel)
                with new.open("rb+") as file:
                    os.fsync(file.fileno())
                self.checkpoint.set("size", size := new.stat().st_size)
                new.replace(self.path)
            self.checkpoint.complete(size)
        columns = tuple(self.checkpoint.get("columns"))
        return ExportResult(path=self.path, columns=columns, **self.checkpoint.get("counts"))

    def _discovered(self) -> list[str]:
        names = {name for row in self.checkpoint.rows() for name in row} - set(COLUMNS)
        by_name = sorted(names, key=lambda name: name.partition(".")[::-1])
        return [*COLUMNS, *sorted(by_name, key=lambda name: name.startswith("dimension."))]


def export(
    client: Togai,
    accounts: str | Iterable[str] | None,
    path: str | os.PathLike[str],
    **options: Unpack[ExportOptions],
) -> ExportResult:
    """Export the events of accounts to a CSV, JSON lines or Parquet file, several accounts at once.

    The file appears when it is complete. Until then the rows are stored in `PATH.checkpoint`: after Ctrl-C, an
    error or a crash, repeat the same call; it continues where it stopped and writes no row twice. If the export is
    already complete, the call sends nothing. Both files contain customers' data.

    The service cannot filter by time: the client reads all events of the accounts, and applies the time window
    to the event's own timestamp. An event whose timestamp cannot be read is kept.

    Args:
        client: The client to read with; its rate limit applies to all accounts together.
        accounts: One account, several accounts, or None for all accounts that the token can read. The rows of each
            account keep the order of the service, but rows of different accounts may be mixed.
        path: The file to write; not a link.
        **options: See `ExportOptions`.

    Returns:
        The numbers of events that were written and skipped.

    Raises:
        InvalidRequest: An argument is not allowed, the file exists, or the checkpoint belongs to another
            export or is in use by another process. Nothing was sent.
        TogaiError: A request failed, or the file cannot be written; repeat the same call to continue.
    """
    with ExitStack() as stack:
        job = _Export(client, accounts, path, options, stack)
        for account, page in job.pages(client):
            job.keep(account, page)
        return job.finish()


async def export_async(
    client: AsyncTogai,
    accounts: str | Iterable[str] | None,
    path: str | os.PathLike[str],
    **options: Unpack[ExportOptions],
) -> ExportResult:
    """Export the events of accounts to a file: `export` for AsyncTogai.

    `client`, `accounts`, `path`, `options`, the result and the errors are those of `export`.
    """
    with ExitStack() as stack:
        job = await Tasks().call(lambda: _Export(client, accounts, path, options, stack))
        async for account, page in job.pages(client):
            await asyncio.to_thread(job.keep, account, page)
        return await asyncio.to_thread(job.finish)


def _checked_format(path: Path, format: Any, *, excel: bool) -> str:  # noqa: A002
    chosen = path.suffix.lower().removeprefix(".") if format is None else format
    if not isinstance(chosen, str) or chosen not in _formats.WRITERS:
        problem = f"{path} has no known extension" if format is None else f"format={shown(format)}"
        raise InvalidRequest(f"{problem}: pass format='csv', 'jsonl' or 'parquet'")
    if excel and chosen != "csv":
        raise InvalidRequest(f"excel=True is for csv only, not for {chosen}")
    if chosen == "parquet":
        _formats.pyarrow()
    return chosen


def _checked_columns(columns: Any) -> list[str] | None:
    if columns is None:
        return None
    names = _texts(columns) if not isinstance(columns, str) else []
    if not names:
        raise InvalidRequest(f"columns={shown(columns)}: pass a list of names, or None for all")
    for name in names:
        if name not in COLUMNS and not name.startswith(VALUES):
            known = f"{', '.join(COLUMNS)}, attribute.NAME, unit.NAME and dimension.NAME"
            raise InvalidRequest(f"no column is called {name!r}: the columns are {known}")
    if len(set(names)) < len(names):
        raise InvalidRequest("columns contains a column twice")
    return names


def _texts(values: Any) -> list[str]:
    """The items of a list of text; empty for anything else."""
    items: list[Any] = list(cast("Any", values)) if isinstance(values, Iterable) else []
    return items if all(isinstance(item, str) for item in items) else []


def _checked_accounts(accounts: Any) -> list[str]:
    """The accounts in order and without duplicates; a single empty name stands for all accounts."""
    if accounts is None:
        return [""]
    names = dict.fromkeys([accounts] if isinstance(accounts, str) else _texts(accounts))
    if not all(names) or not names:
        raise InvalidRequest(f"accounts={shown(accounts)}: pass account ids, or None for all")
    for name in names:
        check_encodable("accounts", name)
    return sorted(names)
