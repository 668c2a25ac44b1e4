"""How a ledger is kept in a file: creating it, locking it, its mark, and its format."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from togai import ConfigurationError, InvalidRequest
from togai._storage import schema
from togai._storage.database import SQLite
from togai.corrections import Kind, Ledger, Target
from togai.corrections._ledger import records_of
from togai.errors import LedgerBusy, LedgerDamaged

from .records import DIGEST, SERVICE, begin, claim

Sleep = Callable[[float], None]


@pytest.fixture
def mark(path: Path) -> Path:
    """The file beside the ledger that names its newest entry."""
    return path.with_name("ledger.db.mark")


@contextmanager
def locked(path: Path, how: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
    """Another process is in the middle of a transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        yield other


def replace_by_another(path: Path) -> None:
    """Put another, empty ledger in the place of one."""
    other = path.with_name("other.db")
    Ledger(other, create=True)
    other.replace(path)


@pytest.fixture
def on_sleep(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sleep], None]:
    """Replaces the waits for a locked file."""
    return lambda sleep: monkeypatch.setattr("togai._storage.database.time.sleep", sleep)


# Creating.


@pytest.mark.parametrize("name", ["folder", "missing/ledger.db", "\ud800.db", "x" * 300])
def test_a_ledger_that_cannot_be_created_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigurationError, match="no ledger can be created at"):
        Ledger(tmp_path / name, create=True)


def test_a_ledger_that_exists_keeps_its_entries_when_it_is_created_again(path: Path) -> None:
    Ledger(path).approve(DIGEST, who="bob", why="ok")
    assert Ledger(path, create=True).verify() == 1


@pytest.mark.parametrize("address", ["", " ", "\t\n"])
def test_a_blank_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="pass the path of a ledger"):
        Ledger(address, create=True)


def test_of_two_processes_that_create_a_ledger_the_second_waits_and_uses_it(
    tmp_path: Path, on_sleep: Callable[[Sleep], None]
) -> None:
    path = tmp_path / "ledger.db"
    with locked(path) as other:
        schema.create(
            lambda sql, *values: other.execute(sql, values),  # pyright: ignore[reportUnknownLambdaType]
            schema.SQLITE,
        )
        on_sleep(lambda _seconds: other.commit())
        ledger = Ledger(path, create=True)
        assert other.execute("SELECT value FROM togai_meta WHERE name = 'id'").fetchall() == [
            (ledger.id,)
        ]


# Waiting.


@pytest.mark.parametrize(
    "operation",
    [
        lambda ledger: ledger.pending(),
        lambda ledger: ledger.approve(DIGEST, who="bob", why="ok"),
    ],
)
def test_a_ledger_waits_30_seconds_for_another_process_by_default(
    path: Path,
    on_sleep: Callable[[Sleep], None],
    operation: Callable[[Ledger], object],
) -> None:
    on_sleep(lambda _seconds: None)
    with locked(path, "EXCLUSIVE"), pytest.raises(LedgerBusy, match=r"for 30 s"):
        operation(Ledger(path))


def test_the_waits_for_a_locked_file_differ(
    path: Path, on_sleep: Callable[[Sleep], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    bounds: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return high

    monkeypatch.setattr("togai._storage.database.random.uniform", uniform)
    on_sleep(waits.append)
    with locked(path), pytest.raises(LedgerBusy):
        begin(Ledger(path), wait=0.05)
    assert bounds == [(0.5, 1.5)] * 2
    assert waits == pytest.approx([0.03, 0.03])


def test_opening_a_file_never_creates_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    def connect(address: str, **options: Any) -> Any:
        opened.append((address.removeprefix(path.as_uri()), options["uri"]))
        raise sqlite3.OperationalError("it was deleted meanwhile")

    monkeypatch.setattr("togai._storage.database.sqlite3.connect", connect)
    with pytest.raises(ConfigurationError, match="it was deleted meanwhile"):
        Ledger(path).pending()
    assert opened == [("?mode=rw", True)]


def test_sqlite_itself_does_not_wait_because_that_cannot_be_interrupted(path: Path) -> None:
    with SQLite(path).transaction(1.0, write=False) as transaction:
        assert transaction.rows("PRAGMA busy_timeout") == [(0,)]


def test_an_error_that_is_not_a_lock_is_not_waited_for(
    path: Path, on_sleep: Callable[[Sleep], None]
) -> None:
    on_sleep(lambda _seconds: pytest.fail("it waits"))
    path.with_name("ledger.db-journal").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be used: "):
        begin(Ledger(path))


# Interrupts.


class Interrupt(BaseException):
    """Like Ctrl-C at a certain place."""


def interrupt(*_given: Any, **_more: Any) -> Any:
    raise Interrupt


@pytest.mark.parametrize(
    "place", ["os.open", "os.path.isfile", "Path.read_text", "sqlite3.connect"]
)
def test_an_interrupt_passes_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f"togai._storage.database.{place}", interrupt)
        with pytest.raises(Interrupt):
            Ledger(tmp_path / "ledger.db", create=True)


def test_an_interrupt_while_a_ledger_waits_passes_unchanged(
    path: Path, on_sleep: Callable[[Sleep], None]
) -> None:
    on_sleep(interrupt)
    with locked(path), pytest.raises(Interrupt):
        begin(Ledger(path))


def test_an_interrupted_statement_is_not_repeated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(sqlite3.Connection):
        def execute(self, *_given: Any) -> Any:
            raise Interrupt

    connect = sqlite3.connect
    monkeypatch.setattr(
        "togai._storage.database.sqlite3.connect",
        lambda *given, **more: connect(*given, **more, factory=Interrupted),
    )
    with pytest.raises(Interrupt):
        Ledger(path).pending()


def test_an_interrupted_transaction_is_rolled_back_before_its_connection_is_closed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []

    class Traced(sqlite3.Connection):
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            self.set_trace_callback(statements.append)

    connect = sqlite3.connect
    monkeypatch.setattr(
        "togai._storage.database.sqlite3.connect",
        lambda *given, **more: connect(*given, **more, factory=Traced),
    )
    with pytest.raises(Interrupt):
        with SQLite(path).transaction(1.0, write=True):
            raise Interrupt
    assert statements[-1] == "ROLLBACK"


# The mark.


def test_reading_writes_no_mark(path: Path, mark: Path) -> None:
    ledger = Ledger(path)
    assert (ledger.pending(), list(ledger.history()), ledger.verify()) == ([], [], 0)
    assert not mark.exists()


def test_a_ledger_has_one_mark_whichever_link_names_it(path: Path, mark: Path) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    backup = path.read_bytes()
    Ledger(link).approve(DIGEST, who="bob", why="ok")
    assert [each.name for each in path.parent.iterdir() if each.suffix == ".mark"] == [mark.name]
    path.write_bytes(backup)
    with pytest.raises(LedgerDamaged, match="lacks entry 1"):
        begin(Ledger(path))


def test_a_ledger_that_was_deleted_is_not_created_again_unnoticed(path: Path, mark: Path) -> None:
    Ledger(path).approve(DIGEST, who="bob", why="ok")
    path.unlink()
    with pytest.raises(
        ConfigurationError, match=f"was moved, deleted or emptied.*delete the file {mark}"
    ):
        Ledger(path, create=True)
    assert not path.exists()
    mark.unlink()
    assert Ledger(path, create=True).verify() == 0


def test_a_ledger_that_was_emptied_is_not_created_again_unnoticed(path: Path) -> None:
    Ledger(path).approve(DIGEST, who="bob", why="ok")
    path.write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"was moved, deleted or emptied"):
        Ledger(path, create=True)
    assert path.read_bytes() == b""


def test_another_ledger_in_the_place_of_one_is_refused_until_the_mark_is_deleted(
    path: Path, mark: Path
) -> None:
    Ledger(path).approve(DIGEST, who="bob", why="ok")
    replace_by_another(path)
    with pytest.raises(
        LedgerDamaged, match=f"is another ledger than before.*delete the file {mark}"
    ):
        begin(Ledger(path))
    mark.unlink()
    begin(Ledger(path))


@pytest.mark.parametrize("use", [begin, Ledger.pending, Ledger.verify])
def test_a_ledger_that_is_replaced_while_it_is_used_is_refused(
    path: Path, use: Callable[[Ledger], object]
) -> None:
    ledger = Ledger(path)
    assert ledger.pending() == []
    replace_by_another(path)
    with pytest.raises(LedgerDamaged, match="is another ledger than before"):
        use(ledger)


def test_an_outcome_is_not_recorded_in_another_ledger(path: Path, mark: Path) -> None:
    ledger = Ledger(path)
    entry = begin(ledger)
    replace_by_another(path)
    mark.unlink()
    other = begin(Ledger(path), claim("ref-2"))
    with pytest.raises(LedgerDamaged, match="is another ledger than before"):
        records_of(ledger).conclude(entry, Kind.APPLIED, {})
    assert Ledger(path).pending() == [other]


def test_nothing_of_a_longer_mark_is_left(path: Path, mark: Path) -> None:
    Ledger(path).approve(DIGEST, who="bob", why="ok")
    assert len(mark.read_bytes()) == 160
    mark.write_bytes(b"x" * 160)
    Ledger(path).approve(DIGEST, who="bob", why="again")
    backup = path.read_bytes()
    Ledger(path).approve(DIGEST, who="bob", why="again")
    path.write_bytes(backup)
    with pytest.raises(LedgerDamaged, match="lacks entry 3"):
        Ledger(path).verify()


def test_a_mark_of_an_earlier_version_is_read(path: Path, mark: Path) -> None:
    line = f"{Ledger(path).id} 7 {'c' * 32}"
    digest = hashlib.sha256(line.encode()).hexdigest()[:16]
    mark.write_text(f"{line} {digest}\n")
    with pytest.raises(LedgerDamaged, match="lacks entry 7"):
        Ledger(path).verify()


def test_a_decision_in_a_ledger_that_lacks_entries_does_not_hide_that(path: Path) -> None:
    ledger = Ledger(path)
    entry = begin(ledger)
    backup = path.read_bytes()
    ledger.approve(DIGEST, who="bob", why="ok")
    path.write_bytes(backup)
    ledger.decide(entry, "applied", who="bob", why="seen")
    for each in (ledger, Ledger(path)):
        with pytest.raises(LedgerDamaged, match="lacks entry 2"):
            begin(each, claim("ref-2"))


def test_a_ledger_that_is_no_longer_a_database_is_damaged(path: Path) -> None:
    Ledger(path).approve(DIGEST, who="bob", why="ok")
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerDamaged, match="is damaged: file is not a database"):
        Ledger(path).pending()


def test_a_file_that_never_was_a_ledger_is_not_called_damaged(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigurationError, match="it is not a ledger; check the address"):
        Ledger(path).pending()


# The format.


ROW = (
    *(1, "2024-12-04T07:30:00.000000+00:00", "approved", None, None, None, None, None, None),
    *("a" * 64, None, "bob", "für Ann", '{"client":"0.1"}'),
)


def test_an_entry_of_an_earlier_version_is_read(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        marks = ", ".join("?" * 15)
        connection.execute(
            f"INSERT INTO togai_entry VALUES ({marks})", (*ROW, "22926b99a0922881a81d35dcdef4be8d")
        )
    ledger = Ledger(path)
    (entry,) = ledger.history()
    assert entry.at == datetime(2024, 12, 4, 7, 30, tzinfo=UTC)
    assert entry.kind is Kind.APPROVED
    assert (entry.why, entry.data) == ("für Ann", {"client": "0.1"})
    assert entry.ledger is ledger


def test_details_are_stored_as_ascii_which_every_database_holds(path: Path) -> None:
    ledger = Ledger(path)
    records_of(ledger).conclude(begin(ledger), Kind.UNKNOWN, {"cause": "Zeitüberschreitung"})
    with closing(sqlite3.connect(path)) as connection:
        (text,) = connection.execute("SELECT data FROM togai_entry WHERE id = 2").fetchone()
    assert r'"cause":"Zeit\u00fcberschreitung"' in text
    assert [entry.cause for entry in ledger.pending()] == ["Zeitüberschreitung"]


def test_an_event_with_a_fraction_that_the_contract_does_not_have_is_recorded(path: Path) -> None:
    ledger = Ledger(path)
    payload = {"id": "ride-1", "weight": Decimal("1.50")}
    target = Target(reference_id="ref-1", account_id="acme", payload=payload)
    entry = begin(ledger, evolve(claim(), target=target))
    assert entry.snapshot.payload == {"id": "ride-1", "weight": "1.50"}
    assert ledger.verify() == 1


def test_a_number_that_no_database_holds_is_refused(path: Path) -> None:
    with pytest.raises(InvalidRequest, match="the ledger cannot hold this value"):
        Ledger(path).decide(1 << 70, "applied", who="bob", why="ok")


def test_what_blocks_an_event_is_of_the_same_service(path: Path) -> None:
    ledger = Ledger(path)
    begin(ledger, service="https://sandbox-api.togai.com")
    assert records_of(ledger).blocked(SERVICE, ["ref-1"])[2] == {}
