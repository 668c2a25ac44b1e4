"""The ledger: every correction in an append-only file, its intent on disk before anything is sent."""

from __future__ import annotations

import json
import logging
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve, frozen

from togai.corrections._correction import Correction
from togai.corrections._verdict import Pending, Reconciliation
from togai.errors import ConfigurationError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from togai.corrections._result import CorrectionResult

try:
    import fcntl
except ImportError:  # pragma: no cover  (Windows, where appending alone keeps lines whole)
    fcntl = None  # type: ignore[assignment]


logger = logging.getLogger("togai")


class Ledger:
    """An append-only file of corrections, one JSON object on each line.

    The intent is written and flushed to disk before a correction is sent, the outcome after. A process that dies in
    between leaves an intent without outcome, which `pending` finds. Processes may share a file.

    Args:
        path: The file; made if it is missing.
        who: Who corrects, noted with each intent.
        why: Why, noted with each intent.

    Raises:
        ConfigurationError: It is no path.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, who: str | None = None, why: str | None = None
    ) -> None:
        if not isinstance(cast("object", path), str | os.PathLike) or not os.fspath(path):
            raise ConfigurationError(f"ledger={path!r}: pass the path of a file, or a Ledger")
        self.path: Path = Path(path)
        self.who: str | None = who
        self.why: str | None = why

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r})"

    def begin(self, correction: Correction) -> str:
        """Write the intent, flush it to disk, and return its id.

        Args:
            correction: What is about to be sent.

        Returns:
            The id by which `outcome` names the entry.

        Raises:
            ConfigurationError: The file cannot be written; nothing must be sent then.
        """
        entry_id = os.urandom(16).hex()
        try:
            self._append(
                {
                    "kind": "intent",
                    "id": entry_id,
                    "who": self.who,
                    "why": self.why,
                    "correction": correction.to_json(),
                }
            )
        except OSError as error:
            raise ConfigurationError(
                f"the ledger cannot be written ({error}), so nothing was sent"
            ) from None
        return entry_id

    def settle(self, pending: Pending, reconciliation: Reconciliation) -> None:
        """Write what was found out about a pending correction; one that cannot be told stays pending.

        Args:
            pending: The entry, from `togai.corrections.pending`.
            reconciliation: What `client.events.reconcile` found out about it.

        Raises:
            OSError: The file cannot be written.
        """
        self.outcome(
            pending.id, str(reconciliation.verdict), evidence=list(reconciliation.evidence)
        )

    def outcome(self, entry_id: str, outcome: str, **more: Any) -> None:
        """Write what came of an entry.

        Args:
            entry_id: The id that `begin` gave.
            outcome: What came of it: "answered", "applied" or "not applied"; any other word leaves it pending.
            more: What else shall be noted, as JSON.

        Raises:
            OSError: The file cannot be written.
        """
        self._append({"kind": "outcome", "id": entry_id, "outcome": outcome, **more})

    def _append(self, entry: dict[str, Any]) -> None:
        stamped = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **entry}
        line = json.dumps(stamped, default=str).encode() + b"\n"
        with _locked(self.path) as file:
            if os.lseek(file, 0, os.SEEK_END) and not _ends_with_newline(file):
                # What a process that died in mid-write left of its line.
                line = b"\n" + line
            while line:
                line = line[os.write(file, line) :]
            os.fsync(file)


def _ends_with_newline(file: int) -> bool:
    os.lseek(file, -1, os.SEEK_END)
    return os.read(file, 1) == b"\n"


@contextmanager
def _locked(path: Path) -> Generator[int]:
    new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
        if new and hasattr(os, "O_DIRECTORY"):
            _flush_folder(path.parent)
    finally:
        os.close(file)


def _flush_folder(folder: Path) -> None:
    # A new file is only as durable as the folder that names it.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


LedgerLike = Ledger | str | os.PathLike[str] | None
"""What `ledger=` takes."""


@frozen
class LedgerEntry:
    """The entry of one correction; without a ledger it writes nothing."""

    _ledger: Ledger | None
    _id: str

    @classmethod
    def begin(cls, ledger: LedgerLike, correction: Correction) -> LedgerEntry:
        """Write the intent.

        Raises:
            ConfigurationError: The file cannot be written; nothing must be sent then.
        """
        if ledger is None:
            return cls(None, "")
        opened = ledger if isinstance(ledger, Ledger) else Ledger(ledger)
        return cls(opened, opened.begin(correction))

    def answered(self, result: CorrectionResult) -> None:
        """Write what the service answered."""
        self._write("answered", entries=result.to_rows())

    def not_applied(self, error: BaseException) -> None:
        """Write that the correction was refused, or not delivered."""
        self._write("not applied", cause=str(error))

    def unknown(self, error: BaseException) -> None:
        """Write that nobody can say what became of it; it stays pending."""
        self._write("unknown", cause=str(error))

    def _write(self, outcome: str, **more: Any) -> None:
        if self._ledger is None:
            return
        try:
            self._ledger.outcome(self._id, outcome, **more)
        except OSError as error:
            # The correction is done: its result must reach the caller. The intent stays pending.
            logger.error("the ledger has an intent but cannot be told its outcome: %s", error)  # noqa: TRY400


_SETTLED = {"answered", "not applied", "applied"}


def pending(path: str | os.PathLike[str]) -> list[Pending]:
    """The corrections in a ledger of which nobody knows what became of them, the oldest first.

    A line that breaks off is what a process left that died while it wrote: an intent that broke off was never
    sent, an outcome that broke off leaves its intent pending.

    Args:
        path: The ledger's file.

    Returns:
        The pending corrections, for `client.events.reconcile`.

    Raises:
        InvalidRequest: There is no such file, or it is no ledger.
    """
    found: dict[str, Pending] = {}
    for entry in _entries(Path(path)):
        try:
            _follow(found, entry)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidRequest(
                f"{path} is no ledger of this version: {error!r} in the entry of {entry['time']}"
            ) from None
    return list(found.values())


def _follow(found: dict[str, Pending], entry: dict[str, Any]) -> None:
    entry_id = entry["id"]
    if entry["kind"] == "intent":
        correction = Correction.from_json(entry["correction"])
        found[entry_id] = Pending(entry_id, entry["time"], correction, entry["who"], entry["why"])
    elif entry["outcome"] in _SETTLED:
        found.pop(entry_id, None)
    elif entry_id in found:
        found[entry_id] = evolve(found[entry_id], cause=entry.get("cause"))


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InvalidRequest(f"no ledger can be read there: {error}") from None
    whole = 0
    for line in lines:
        try:
            entry: Any = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict) or not {"kind", "id", "time"} <= entry.keys():
            raise InvalidRequest(f"{path} is no ledger: it holds {line[:80]!r}")
        whole += 1
        yield entry
    if not whole and any(lines):
        raise InvalidRequest(f"{path} is no ledger: no line of it can be read")
