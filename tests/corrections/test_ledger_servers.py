"""How a ledger is kept on a PostgreSQL server, and what its address shows."""

from __future__ import annotations

import builtins
import pickle
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from togai import ConfigurationError
from togai._storage import server
from togai._storage.database import PostgreSQL
from togai.corrections import Ledger
from togai.corrections._ledger import records_of
from togai.errors import AlreadyPending, LedgerBusy, LedgerDamaged
from togai.testing import FakeTogai

from ..conftest import Connect
from .records import DIGEST, begin


def test_a_ledger_is_created_by_one_process_at_a_time(postgres_address: str) -> None:
    with psycopg.connect(postgres_address) as other:
        other.execute("SELECT pg_advisory_xact_lock(740192)")
        with pytest.raises(LedgerBusy):
            PostgreSQL(postgres_address).create(0.01)
    PostgreSQL(postgres_address).create(0.01)


@pytest.mark.parametrize("table", ["togai_entry", "togai_open"])
def test_the_tables_of_a_ledger_are_never_emptied(postgres_address: str, table: str) -> None:
    begin(Ledger(postgres_address, create=True))
    with psycopg.connect(postgres_address) as other:
        with pytest.raises(psycopg.Error, match="a ledger is never emptied"):
            other.execute(f"TRUNCATE {table}".encode())


def test_a_ledger_remembers_the_newest_entry_of_a_server(postgres_address: str) -> None:
    ledger = Ledger(postgres_address, create=True)
    ledger.approve(DIGEST, who="bob", why="ok")
    with psycopg.connect(postgres_address) as other:
        other.execute("ALTER TABLE togai_entry DISABLE TRIGGER ALL")
        other.execute("DELETE FROM togai_entry")
    with pytest.raises(LedgerDamaged, match="lacks entry 1"):
        begin(ledger)


def test_all_statements_of_a_reader_see_the_same_entries(postgres_address: str) -> None:
    ledger = Ledger(postgres_address, create=True)
    with records_of(ledger).rules(write=False) as rules:
        begin(Ledger(postgres_address))
        assert rules.pending() == []
        assert rules.problems() == []
    assert len(ledger.pending()) == 1


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("postgresql://ann:s3cret@host/db", "postgresql://host/db"),
        ("postgresql://host/db?sslcert=&password=s3cret", "postgresql://host/db?sslcert="),
        ("postgresql://host/db?SSLPassword=s3cret", "postgresql://host/db"),
        (
            "postgresql://host/db?user=ann&options=-c%20a=b",
            "postgresql://host/db?options=-c%20a%3Db",
        ),
    ],
)
def test_a_pickled_ledger_keeps_all_of_its_address_but_secrets(address: str, kept: str) -> None:
    pickled = pickle.dumps(Ledger(address))
    assert b"s3cret" not in pickled
    assert records_of(pickle.loads(pickled)).database.address() == kept


def test_a_debugger_shows_no_password_of_a_ledger() -> None:
    ledger = Ledger("postgresql://ann:s3cret@host/db")
    assert "s3cret" not in repr(vars(records_of(ledger)))


def test_a_lock_is_seen_whatever_other_schemas_contain(postgres_address: str) -> None:
    begin(Ledger(postgres_address, create=True))
    with psycopg.connect(postgres_address) as other:
        other.execute("CREATE SCHEMA copies")
        other.execute("CREATE TABLE copies.togai_open (LIKE togai_open)")
    separator = "&" if "?" in postgres_address else "?"
    address = f"{postgres_address}{separator}options=-csearch_path%3Dcopies,public"
    with pytest.raises(AlreadyPending):
        begin(Ledger(address))


class Interrupt(BaseException):
    """Like Ctrl-C at a certain place."""


def interrupted_import(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, but it is interrupted while psycopg is imported."""

    def call(name: str, *given: Any, **more: Any) -> Any:
        if name == "psycopg":
            raise Interrupt
        return function(name, *given, **more)

    return call


def test_an_interrupted_import_is_not_reported_as_a_missing_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", interrupted_import(builtins.__import__))
        with pytest.raises(Interrupt):
            Ledger("postgresql://host/db").pending()


def test_a_missing_package_is_named_with_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'togai\[postgres\]'"):
        Ledger("postgresql://ann:s3cret@host/db").pending()


def test_an_interrupted_transaction_on_a_server_passes_the_interrupt(postgres_address: str) -> None:
    database = PostgreSQL(postgres_address)
    database.create(5.0)

    def interrupted() -> None:
        with database.transaction(1.0, write=True) as transaction:
            transaction.rows("INSERT INTO togai_meta VALUES ('x', 'y')")
            raise Interrupt

    with pytest.raises(Interrupt):
        interrupted()
    with database.transaction(1.0, write=False) as transaction:
        assert transaction.rows("SELECT 1 FROM togai_meta WHERE name = ?", "x") == []


def test_a_correction_whose_entry_a_standby_may_lack_is_not_sent(
    connect: Connect, fake: FakeTogai, url: str, postgres_address: str
) -> None:
    ledger = Ledger(postgres_address, create=True)
    fake.add_many(1, account_id="acme")
    with psycopg.connect(postgres_address) as other:
        # As if the wait for the standby was cancelled.
        other.execute(
            "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$"
        )
        other.execute(
            "CREATE CONSTRAINT TRIGGER warning AFTER INSERT ON togai_entry"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn()"
        )
    with connect(base_url=url, ledger=ledger) as api:
        (event,) = api.listed(account_id="acme")
        expected = "canceling wait for synchronous replication; check its standbys, then repeat"
        with pytest.raises(ConfigurationError, match=expected):
            api.call("undo", event)
    assert not fake.corrections


def left_behind(monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    """As if a pooler passed on a connection on which another program has run these statements."""
    connect = server.connect

    def connected(*given: Any, **more: Any) -> Any:
        connection = connect(*given, **more)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        return connection

    monkeypatch.setattr(server, "connect", connected)


@pytest.mark.parametrize(
    "statement",
    [
        "SET search_path TO other",
        # The default search path names the schema of the role.
        "SET ROLE togai_other",
        "CREATE TEMP TABLE togai_open (LIKE togai_open)",
        "SET lock_timeout = 1; SET statement_timeout = 1; SET default_transaction_read_only = on",
    ],
)
def test_a_lock_is_seen_whatever_another_program_left_on_a_pooled_connection(
    postgres_address: str, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    begin(Ledger(postgres_address, create=True))
    with psycopg.connect(postgres_address, autocommit=True) as other:
        other.execute("CREATE SCHEMA other")
        other.execute("CREATE ROLE togai_other")
        other.execute("CREATE SCHEMA togai_other AUTHORIZATION togai_other")
    try:
        left_behind(monkeypatch, *statement.split("; "))
        with pytest.raises(AlreadyPending):
            begin(Ledger(postgres_address, create=True))
    finally:
        with psycopg.connect(postgres_address, autocommit=True) as other:
            other.execute("DROP SCHEMA togai_other")
            other.execute("DROP ROLE togai_other")


def test_a_search_path_that_a_pooler_ignores_is_refused(
    postgres_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = server.connect

    def connected(url: str, *given: Any, **more: Any) -> Any:
        connection = connect(postgres_address, *given, **more)
        info = SimpleNamespace(options=conninfo_to_dict(url)["options"])
        monkeypatch.setattr(type(connection), "info", info)
        return connection

    monkeypatch.setattr(server, "connect", connected)
    separator = "&" if "?" in postgres_address else "?"
    address = f"{postgres_address}{separator}options=-csearch_path%3Dother"
    with pytest.raises(ConfigurationError, match="a pooler ignores the search_path"):
        Ledger(address, create=True)


def test_a_pooler_of_statements_is_named_with_its_setting(
    postgres_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise psycopg.errors.ProtocolViolation(
            "transaction blocks not allowed in statement pooling mode"
        )

    monkeypatch.setattr(server, "prepare", refused)
    with pytest.raises(ConfigurationError, match="set the pool_mode of the pooler to transaction"):
        Ledger(postgres_address, create=True)
