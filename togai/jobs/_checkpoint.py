"""The checkpoint of an export: one SQLite file that holds the rows read so far and the position of each listing.

Rows and position change in one transaction, so that a process can be killed at any time without losing or
repeating a row.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from togai.errors import InvalidRequest, TogaiError
from togai.jobs._formats import load, text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from pathlib import Path

_BEGIN = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA synchronous = EXTRA;
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS listing (account TEXT PRIMARY KEY, next_token TEXT, done INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY, reference_id TEXT UNIQUE, data TEXT NOT NULL);
"""
_INSERT = "INSERT OR IGNORE INTO event (reference_id, data) VALUES (?, ?)"
_ROWS = "SELECT number, data FROM event WHERE number > ? ORDER BY number LIMIT 500"
_LISTED = "UPDATE listing SET next_token = ?, done = ? WHERE account = ?"
_COUNTS = ("rows", "read", "reverted", "outside", "malformed", "repeated")
_RESTART = "DELETE FROM state; DELETE FROM listing; DELETE FROM event;"


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn a disk error into an error that names the file and says how to continue."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise TogaiError(
            f"{path} cannot be written: {reason}. Fix the cause and repeat the same call: it continues there"
        ) from error


class Checkpoint:
    """The state of one export. It locks its file while it is open; threads may share it."""

    def __init__(self, path: Path, job: Mapping[str, Any], *, restart: bool) -> None:
        self.path = path
        # SQLite crashes if a thread closes a connection that another thread uses: each access takes the lock.
        self._lock = threading.RLock()
        self.file_lock = threading.Lock()  # held while the file is written from the rows
        self._open = True
        try:
            # The rows are customers' data: only the owner may read the file.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise InvalidRequest(f"{path} cannot be written: {reason}") from None
        try:
            self._begin(job, restart=restart)
        except BaseException:
            self._db.close()
            raise

    def _begin(self, job: Mapping[str, Any], *, restart: bool) -> None:
        try:
            self._db.executescript(_BEGIN + _RESTART if restart else _BEGIN)
            kept = self.get("job")
            if kept is None:
                self.set("job", job)
                self.set("counts", dict.fromkeys(_COUNTS, 0))
                names = [(name,) for name in job["accounts"]]
                self._db.executemany("INSERT INTO listing (account) VALUES (?)", names)
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise InvalidRequest(f"{self.path} cannot be used: {error}") from None
            raise InvalidRequest(f"another process is exporting to {self.path}") from None
        except sqlite3.DatabaseError:
            raise InvalidRequest(
                f"{self.path} is not the checkpoint of an export: remove it, or export to another path"
            ) from None
        if kept is not None and (differing := [key for key in job if job[key] != kept.get(key)]):
            was = "; ".join(
                f"{key} was {text(kept.get(key)) or 'none'}, not {text(job[key]) or 'none'}"
                for key in differing
            )
            raise InvalidRequest(
                f"{self.path} belongs to another export: {was}. Repeat that export, or pass restart=True"
            )

    def get(self, name: str) -> Any:
        """A value of the state; None if it is not set."""
        found = self._read("SELECT value FROM state WHERE name = ?", name)
        return json.loads(*found[0]) if found else None

    def set(self, name: str, value: Any) -> None:
        """Set a value of the state."""
        with self._lock, writing(self.path):
            row = (name, json.dumps(value))
            self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", row)

    def unfinished(self) -> list[tuple[str, str | None]]:
        """The accounts whose listing is not completely read, each with the token to continue from."""
        return self._read("SELECT account, next_token FROM listing WHERE NOT done ORDER BY rowid")

    def _read(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def add(
        self,
        account: str,
        next_token: str | None,
        events: Iterable[tuple[str | None, str]],
        counts: Mapping[str, int],
    ) -> dict[str, int] | None:
        """Store a page: its rows, its counts and the position of the listing, in one transaction.

        Returns:
            The counts of the export so far, including unfinished accounts; None if the export has ended meanwhile.
        """
        with self._lock, writing(self.path):
            if not self._open:
                return None
            with self._db:  # rolls back after an error or Ctrl-C
                self._db.execute("BEGIN")
                total: dict[str, int] = self.get("counts")
                for name, number in counts.items():
                    total[name] += number
                for event in events:
                    added = self._db.execute(_INSERT, event).rowcount
                    total["rows" if added else "repeated"] += 1
                self._db.execute(_LISTED, (next_token, next_token is None, account))
                self.set("counts", total)
            return {**total, "left": len(self.unfinished())}

    def rows(self) -> Iterator[dict[str, Any]]:
        """The stored rows, in the order in which they were read."""
        found: list[Any] = [(0, "")]
        while found := self._read(_ROWS, found[-1][0]):
            yield from (load(data) for _, data in found)

    def complete(self, size: int) -> None:
        """Record that the file is complete, and delete the rows."""
        with self._lock, writing(self.path):
            with self._db:
                self._db.execute("BEGIN")
                self.set("complete", size)
                self._db.execute("DELETE FROM event")
            self._db.execute("VACUUM")

    def close(self) -> None:
        """Release the file. A page that arrives later is not stored; the next run reads it again."""
        with self._lock:
            self._open = False
            self._db.close()
        with self.file_lock:  # until the thread that writes the file has failed
            pass
