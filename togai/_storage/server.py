"""Connections to a PostgreSQL server: their settings, and an end to each wait for a response.

libpq itself waits for as long as the server, or a pooler in front of it, keeps the connection open.
"""

from __future__ import annotations

import os
import selectors
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TENTH = 0.1
"""Seconds of one wait: on Windows, Ctrl-C does not end it."""


class Unreliable(Exception):
    """The server did not respond to a statement, or does not guarantee a commit."""


def connect(url: str, wait: float, seconds: float, **settings: Any) -> Any:
    """A connection whose statements raise `Unreliable` when the server has not responded for a number of seconds.

    All hosts of the address together are tried for `wait` seconds. Unless the address says something else, a standby is
    not used, and keepalives notice a lost connection.

    Raises:
        ImportError: psycopg is not installed.
    """
    import psycopg
    import psycopg.conninfo

    defaults: dict[str, Any] = {"keepalives_idle": 10, "keepalives_interval": 5}
    # A database without an encoding (SQL_ASCII) would return bytes.
    defaults["client_encoding"] = "utf8"
    if psycopg.pq.version() >= 120000:
        defaults["tcp_user_timeout"] = int(seconds * 1000)
    if psycopg.pq.version() >= 140000:
        defaults["target_session_attrs"] = "primary"
    address = psycopg.conninfo.conninfo_to_dict(url)
    options = {name: value for name, value in defaults.items() if name not in address}
    # Each host is tried for so long; less than 2 seconds means 2 seconds.
    options["connect_timeout"] = max(int(wait / _hosts(address)), 2)
    connection: Any = psycopg.connect(url, **settings, **options)
    connection.wait = partial(_wait, connection.fileno(), seconds)
    return connection


def _hosts(address: Mapping[str, Any]) -> int:
    """The number of hosts that libpq tries, which may also be named in the environment."""
    names = (
        address.get(name) or os.environ.get(f"PG{name.upper()}", "")
        for name in ("hostaddr", "host")
    )
    return max(name.count(",") for name in names) + 1


def prepare(connection: Any, lock_timeout: int, statement_timeout: int, *, write: bool) -> None:
    """Begin a transaction with the settings that a ledger needs; both timeouts are in milliseconds.

    The defaults of the server may differ, and a pooler may pass on a connection whose settings another program changed.

    Raises:
        Unreliable: A pooler ignores the search path of the address, so that this may be another ledger.
    """
    from psycopg import IsolationLevel

    # Each statement of a writer must see what was committed while it waited for its lock; all statements of a reader
    # must see the same entries.
    connection.isolation_level = (
        IsolationLevel.READ_COMMITTED if write else IsolationLevel.REPEATABLE_READ
    )
    connection.read_only = False
    for setting in (
        f"lock_timeout = {lock_timeout}",
        f"statement_timeout = {statement_timeout}",
        # A suspended process must not hold the lock forever: its transaction is rolled back.
        "idle_in_transaction_session_timeout = 30000",
        "synchronous_commit = on",
        "client_min_messages = warning",
        # These select the schema, and so the ledger.
        "role TO DEFAULT",
        "search_path TO DEFAULT",
    ):
        connection.execute(f"SET LOCAL {setting}")
    if "search_path" in connection.info.options:
        source = "SELECT source FROM pg_settings WHERE name = 'search_path'"
        if connection.execute(source).fetchone() != ("client",):
            raise Unreliable(
                "a pooler ignores the search_path in the options of the connection; connect without the pooler,"
                " or set it with ALTER ROLE"
            )


def commit(connection: Any) -> None:
    """Commit a transaction that a loss of the server cannot undo.

    Raises:
        Unreliable: The server warns, for example that a standby may lack the transaction.
    """
    warnings: list[str] = []

    def note(notice: Any) -> None:
        warnings.append(str(notice.message_primary))

    connection.add_notice_handler(note)
    connection.commit()
    if warnings:
        raise Unreliable(f"{warnings[0]}; check its standbys, then repeat the call")


def _wait(descriptor: int, seconds: float, steps: Any, *_: Any, **__: Any) -> Any:
    """Run the steps of a statement. After Ctrl-C they are not continued: the caller closes the connection."""
    try:
        wanted = next(steps)
        while True:
            wanted = steps.send(_ready(descriptor, wanted, seconds))
    except StopIteration as stop:
        return stop.value


def _ready(descriptor: int, wanted: int, seconds: float) -> int:
    """The events that a socket is ready for."""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, wanted)
        for _ in range(int(seconds * 10)):  # without a clock, because a test may have frozen it
            for _, events in selector.select(_TENTH):
                return events
    raise Unreliable(
        f"the server did not respond for {seconds:.0f} s; check it, and a pooler in front of it, then repeat the call"
    )
