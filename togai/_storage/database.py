"""Transactions on the database of a ledger: SQLite, or PostgreSQL for several hosts. Each opens its own connection."""

from __future__ import annotations

import hashlib
import os
import random
import re
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from attrs import field, frozen

from togai._printable import shown_setting
from togai._storage import forks, names, schema, server
from togai.errors import ConfigurationError, InvalidRequest, LedgerBusy, LedgerDamaged, TogaiError

if TYPE_CHECKING:
    from collections.abc import Generator

Row = tuple[Any, ...]

_SLICE = 0.02
"""Seconds between two attempts to lock a SQLite file."""

_LONGEST = 86_400_000
"""Milliseconds that a server's lock is waited for at most; a server knows no more than 24 days."""

_SECRET = re.compile("^user$|password|secret|token")
"""Parameters of an address that a pickle leaves out."""


class Transaction(Protocol):
    """The operations of a ledger within one transaction."""

    def rows(self, sql: str, *values: object) -> list[Row]:
        """The rows of a query; `?` is the placeholder of a value."""
        ...

    def now(self) -> datetime:
        """The time, by a clock that all users of this ledger share."""
        ...

    def damage(self) -> list[str]:
        """The damage that the database itself reports, one line per problem."""
        ...

    def size(self) -> int | None:
        """The size of the database in bytes; None if a server manages it."""
        ...


class Database(Protocol):
    """A database that may contain a ledger."""

    def create(self, wait: float) -> None:
        """Create the tables, unless they exist."""
        ...

    def transaction(self, wait: float, *, write: bool) -> Any:
        """A context manager: commits at its end, rolls back on an exception."""
        ...

    def address(self) -> str:
        """The address for another process, without secrets."""
        ...

    def mark(self) -> str:
        """What `set_mark` wrote last; empty where there is none."""
        ...

    def set_mark(self, mark: str) -> None:
        """Keep a short line outside the database, so that an old copy of the database is noticed."""
        ...


def database(address: str | os.PathLike[str]) -> Database:
    """The database at an address.

    Raises:
        ConfigurationError: The address is neither a path nor a postgresql:// address.
    """
    untyped = cast("object", address)
    if not isinstance(untyped, str | os.PathLike) or not os.fspath(address).strip():
        raise ConfigurationError(
            f"ledger={shown_setting(address)}: pass the path of a ledger, a postgresql:// address, or a Ledger"
        )
    text = os.fspath(address)
    if not isinstance(cast("object", text), str) or "\0" in text:
        raise ConfigurationError("ledger=: pass the path as text, without NUL")
    scheme, separator, _ = text.partition("://")
    if not separator:
        # Absolute, so that a change of the working directory does not select another ledger.
        path = Path(text).absolute()
        with suppress(ValueError):  # no file can have this name
            # Without links, so that all who use a file see the same mark.
            path = Path(os.path.realpath(path))
        return SQLite(path)
    if scheme in ("postgresql", "postgres"):
        with suppress(
            ValueError
        ):  # brackets that do not match, or a character that UTF-8 cannot encode
            text.encode()
            urlsplit(text)
            return PostgreSQL(text)
    raise ConfigurationError(
        f"ledger={scheme}://...: pass the path of a SQLite file, or a postgresql:// address"
    )


@frozen
class SQLite:
    """A file, for the processes of one host; not on a network file system, whose locks are not reliable."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def address(self) -> str:
        """The address for another process."""
        return str(self)

    def mark(self) -> str:
        """The line in the file `.mark` beside the database, if it is whole."""
        try:
            line = self._mark_path.read_text("ascii")
        except (OSError, UnicodeError):
            return ""
        mark, _, digest = line.strip().rpartition(" ")
        return mark if digest == _digest(mark) else ""

    def set_mark(self, mark: str) -> None:
        """Write the file `.mark`; a mark that cannot be written is only a check less."""
        with suppress(OSError):
            descriptor = os.open(self._mark_path, os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                os.write(descriptor, f"{mark} {_digest(mark)}".ljust(160).encode())
            finally:
                os.close(descriptor)

    @property
    def _mark_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.mark")

    def create(self, wait: float) -> None:
        """Create the file, which only its owner can read, and the tables, unless they exist."""
        if self.mark() and not (self.path.exists() and self.path.stat().st_size):
            raise ConfigurationError(
                f"the ledger {self} was moved, deleted or emptied: without it, events could be corrected again."
                f" Restore it; or, for an empty ledger, delete the file {self._mark_path}"
            )
        try:
            # 0600: it holds customers' events.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            if not self.path.is_file():
                raise ConfigurationError(
                    f"no ledger can be created at {self}: it is not a file"
                ) from None
        except (OSError, UnicodeError) as error:
            problem = getattr(error, "strerror", error)
            raise ConfigurationError(f"no ledger can be created at {self}: {problem}") from None
        with self.transaction(wait, write=True) as transaction:
            if not transaction.rows("SELECT 1 FROM sqlite_master LIMIT 1"):
                schema.create(transaction.rows, schema.SQLITE)

    @contextmanager
    def transaction(self, wait: float, *, write: bool) -> Generator[Transaction]:
        """Commit at the end; wait at most `wait` seconds for other processes."""
        if not os.path.isfile(self.path):  # noqa: PTH113  (False also for a name that is too long)
            raise _missing(self)
        if names.has_several(self.path):
            raise _unusable(
                self,
                "its file has a second name (a hard link, or a mount of the file alone), so that the"
                " rollback of an interrupted transaction could undo others; delete the link, or mount the folder",
            )
        uri = f"{self.path.as_uri()}?mode=rw"
        try:
            with (
                forks.delayed(),
                closing(
                    sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
                ) as connection,
            ):
                try:
                    # The commit unlinks the journal: only EXTRA syncs the folder too.
                    _patiently(connection, "PRAGMA synchronous=EXTRA", wait)
                    _patiently(connection, "BEGIN IMMEDIATE" if write else "BEGIN", wait)
                    # A reading transaction begins with its first statement.
                    _patiently(connection, "SELECT 1 FROM sqlite_master", wait)
                    yield _SQLiteTransaction(connection)
                    _patiently(connection, "COMMIT", wait)
                except BaseException:
                    # Explicit, because closing the connection can keep the file locked after Ctrl-C.
                    connection.rollback()
                    raise
        except sqlite3.Error as error:
            raise self._error(error, wait) from None

    def _error(self, error: sqlite3.Error, wait: float) -> TogaiError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return LedgerBusy(str(self), wait)
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "malformed" in str(error):
            if code == sqlite3.SQLITE_NOTADB and not self.mark():
                return _unusable(self, "it is not a ledger; check the address")
            return LedgerDamaged(str(self), [str(error)])
        if "no such table" in str(error):
            return _unusable(self, "it is not a ledger of this version; check the address")
        return _unusable(self, str(error))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _patiently(connection: sqlite3.Connection, sql: str, wait: float) -> None:
    # SQLite's own waiting would ignore Ctrl-C. Without a clock, because a test may have frozen it.
    for left in range(int(max(wait, 0) / _SLICE), -1, -1):
        try:
            # A statement with rows left keeps the file locked, even after its connection is closed.
            connection.execute(sql).fetchall()
        except sqlite3.OperationalError as error:
            if not left or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(random.uniform(0.5, 1.5) * _SLICE)  # noqa: S311
        else:
            return


@frozen
class _SQLiteTransaction:
    _connection: sqlite3.Connection

    def rows(self, sql: str, *values: object) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def damage(self) -> list[str]:
        problems = [str(problem) for (problem,) in self.rows("PRAGMA integrity_check(20)")]
        return [] if problems == ["ok"] else problems

    def size(self) -> int | None:
        [(pages, bytes_)] = self.rows("SELECT * FROM pragma_page_count, pragma_page_size")
        return int(pages * bytes_)


@frozen
class PostgreSQL:
    """A database for several hosts, by psycopg 3: `pip install togai[postgres]`."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        # No user, password or parameters: they may hold secrets.
        parts = urlsplit(self.url)
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def address(self) -> str:
        """The address without user, password and other secrets: PGUSER, PGPASSWORD or ~/.pgpass provide them."""
        parameters = parse_qsl(urlsplit(self.url).query, keep_blank_values=True)
        kept = [(name, value) for name, value in parameters if not _SECRET.search(name.lower())]
        return f"{self}?{urlencode(kept, quote_via=quote)}" if kept else str(self)

    def mark(self) -> str:
        """None: no file belongs to all hosts."""
        return ""

    def set_mark(self, mark: str) -> None:
        """Nothing: no file belongs to all hosts."""

    def create(self, wait: float) -> None:
        """Create the tables in the first schema of the search path, unless they exist."""
        with self._connected(wait, write=True) as transaction:
            transaction.rows("SELECT pg_advisory_xact_lock(740192)")
            if not _exists(transaction):
                schema.create(transaction.rows, schema.POSTGRESQL)

    @contextmanager
    def transaction(self, wait: float, *, write: bool) -> Generator[Transaction]:
        """Commit at the end; wait at most `wait` seconds for other processes."""
        with self._connected(wait, write=write) as transaction:
            if not _exists(transaction):
                raise _missing(self)
            if write:
                # This lock orders all transactions: reads continue, writes wait.
                transaction.rows("LOCK TABLE togai_entry IN EXCLUSIVE MODE")
            yield transaction

    @contextmanager
    def _connected(self, wait: float, *, write: bool) -> Generator[_PostgreSQLTransaction]:
        try:
            import psycopg
        except ImportError:
            raise ConfigurationError(
                f"a ledger at {self} needs psycopg: pip install 'togai[postgres]'"
            ) from None
        milliseconds = min(max(int(wait * 1000), 1), _LONGEST)
        longest = max(milliseconds, 2000) + 2000
        try:
            connection = server.connect(
                self.url,
                wait,
                longest / 1000 + 1,
                prepare_threshold=None,
                application_name="togai ledger",
            )
            with closing(connection):
                server.prepare(connection, milliseconds, longest, write=write)
                transaction = _PostgreSQLTransaction(connection)
                yield transaction
                server.commit(connection)
        except server.Unreliable as error:
            raise _unusable(self, str(error)) from None
        except psycopg.Error as error:
            raise self._error(error, wait) from None

    def _error(self, error: Any, wait: float) -> TogaiError:
        # 55P03 lock_not_available, 57014 query_canceled (statement_timeout)
        if error.sqlstate in ("55P03", "57014"):
            return LedgerBusy(str(self), wait)
        lines = str(error).strip().splitlines()
        text = lines[0] if lines else type(error).__name__
        parts = urlsplit(self.url)
        for secret in (parts.password, parts.username):
            if secret:
                for each in (unquote(secret), secret):
                    text = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", "***", text)
        if (
            error.sqlstate == "22P05"
        ):  # untranslatable_character: the encoding of the database lacks it
            return InvalidRequest(f"the ledger cannot hold this value: {text}")
        if error.sqlstate is None:
            text += "; check the address, and that the server accepts connections"
        if "statement pooling mode" in text:
            text += "; set the pool_mode of the pooler to transaction or session"
        return _unusable(self, text)


@frozen
class _PostgreSQLTransaction:
    _connection: Any

    def rows(self, sql: str, *values: object) -> list[Row]:
        cursor = self._connection.execute(sql.replace("?", "%s"), values)
        return cursor.fetchall() if cursor.description else []

    def now(self) -> datetime:
        # The server's clock: those of the hosts may differ.
        [(moment,)] = self.rows("SELECT clock_timestamp()")
        return cast("datetime", moment).astimezone(UTC)

    def damage(self) -> list[str]:
        return []

    def size(self) -> int | None:
        return None


def _exists(transaction: Transaction) -> bool:
    # If so, only its schema is searched from now on: other schemas may have tables of the same names, and temporary
    # tables would be found first, unless they are named last.
    found = transaction.rows(
        "SELECT set_config('search_path', quote_ident(nspname) || ', pg_temp', true) FROM pg_namespace"
        " JOIN pg_class ON relnamespace = pg_namespace.oid WHERE pg_class.oid = to_regclass('togai_entry')"
    )
    return bool(found)


def _missing(where: Database) -> ConfigurationError:
    return ConfigurationError(
        f"there is no ledger at {where}: check the address, or create one with"
        " Ledger(address, create=True)"
    )


def _unusable(where: Database, problem: str) -> ConfigurationError:
    return ConfigurationError(f"the ledger {where} cannot be used: {problem}")
