"""The tables of a ledger. `togai_entry` only grows; `togai_open` holds the locks: a row per unsettled intent."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VERSION = "1"

_TABLES = (
    "CREATE TABLE togai_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE togai_entry (
        id BIGINT PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, intent BIGINT, call TEXT, action TEXT,
        service TEXT, account TEXT, target TEXT, plan TEXT, item TEXT, who TEXT, why TEXT,
        data TEXT NOT NULL, checksum TEXT NOT NULL)""",
    "CREATE INDEX togai_entry_target ON togai_entry (target, service)",
    "CREATE INDEX togai_entry_intent ON togai_entry (intent)",
    "CREATE INDEX togai_entry_call ON togai_entry (call)",
    "CREATE INDEX togai_entry_plan ON togai_entry (plan, item)",
    """CREATE TABLE togai_open (
        service TEXT NOT NULL, scope TEXT NOT NULL, target TEXT NOT NULL, account TEXT NOT NULL,
        event_account TEXT, intent BIGINT NOT NULL UNIQUE, PRIMARY KEY (service, scope, target))""",
)

_SETTLED = "('applied', 'failed', 'not applied')"
_IS_OPEN = "EXISTS (SELECT 1 FROM togai_open WHERE intent = NEW.intent)"
_IS_SETTLED = f"EXISTS (SELECT 1 FROM togai_entry WHERE intent = OLD.intent AND kind IN {_SETTLED})"

# Changes that the database refuses from any program: (table, event, condition, message).
_RULES = (
    ("togai_entry", "UPDATE", None, "entries of a ledger are never changed"),
    ("togai_entry", "DELETE", None, "entries of a ledger are never deleted"),
    (
        "togai_entry",
        "INSERT",
        f"NEW.kind IN {_SETTLED} AND NOT {_IS_OPEN}",
        "an entry is settled once",
    ),
    ("togai_open", "UPDATE", None, "locks are never changed"),
    ("togai_open", "DELETE", f"NOT {_IS_SETTLED}", "a lock is released by settling its entry"),
)


def _sqlite_rules() -> list[str]:
    return [
        f"CREATE TRIGGER {table}_{event.lower()} BEFORE {event} ON {table}"
        + (f" WHEN {condition}" if condition else "")
        + f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
        for table, event, condition, message in _RULES
    ]


_BODY = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"


def _postgresql_rules() -> list[str]:
    statements: list[str] = []
    for table, event, condition, message in _RULES:
        name = f"{table}_{event.lower()}"
        result = "OLD" if event == "DELETE" else "NEW"
        statements += [
            (
                f"CREATE OR REPLACE FUNCTION {name}() {_BODY} IF {condition or 'TRUE'} THEN"
                f" RAISE EXCEPTION '{message}'; END IF; RETURN {result}; END $$"
            ),
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
        if event == "DELETE":
            statements.append(
                f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION togai_truncate()"
            )
    truncate = (
        f"CREATE OR REPLACE FUNCTION togai_truncate() {_BODY}"
        " RAISE EXCEPTION 'a ledger is never emptied'; END $$"
    )
    return [truncate, *statements]


SQLITE = (
    *(table.replace("id BIGINT PRIMARY", "id INTEGER PRIMARY") for table in _TABLES),
    *_sqlite_rules(),
)
POSTGRESQL = (*_TABLES, *_postgresql_rules())


def create(rows: Callable[..., object], statements: Sequence[str]) -> None:
    """Create the tables of an empty ledger, with a function that runs a statement."""
    for statement in statements:
        rows(statement)
    for name, value in (("version", VERSION), ("id", uuid.uuid4().hex)):
        rows("INSERT INTO togai_meta (name, value) VALUES (?, ?)", name, value)
