"""What a ledger rests on: how it writes, both sides of each limit, and two processes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from attrs import evolve

from togai import ConfigurationError, InvalidRequest
from togai._storage import database
from togai._storage.database import PostgreSQL, SQLite
from togai._storage.records import Records
from togai._storage.rows import Claim
from togai._storage.rules import Rules
from togai.corrections import Correction, Selection, Target
from togai.corrections._entry import COLUMNS, Entry, Kind
from togai.corrections._ledger import Ledger, records_of
from togai.errors import (
    AlreadyCorrected,
    AlreadyPending,
    LedgerBusy,
    LedgerDamaged,
    StaleReading,
    TimedOut,
)
from togai.models import CorrectionAction

from .records import SERVICE, begin, claim, set_clock

AT = datetime(2024, 12, 4, 7, 30, tzinfo=UTC)


# How it writes.


@pytest.mark.parametrize("write", [False, True])
def test_every_transaction_on_a_file_syncs_the_file_and_its_folder(path: Path, write: bool) -> None:
    with SQLite(path).transaction(1.0, write=write) as transaction:
        # 3 is EXTRA: the folder too, since a commit unlinks the journal.
        assert transaction.rows("PRAGMA synchronous") == [(3,)]
        assert transaction.rows("PRAGMA journal_mode") == [("delete",)]


def test_a_transaction_writes_before_it_returns(path: Path) -> None:
    statements: list[str] = []

    class Traced(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.set_trace_callback(statements.append)

    connect = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "togai._storage.database.sqlite3.connect",
            lambda *given, **more: connect(*given, **more, factory=Traced),
        )
        for write in (True, False):
            statements.clear()
            with SQLite(path).transaction(1.0, write=write):
                assert "COMMIT" not in statements
            assert statements == [
                "PRAGMA synchronous=EXTRA",
                "BEGIN IMMEDIATE" if write else "BEGIN",
                "SELECT 1 FROM sqlite_master",
                "COMMIT",
            ]


def test_a_transaction_that_fails_writes_nothing_and_leaves_the_file_free(path: Path) -> None:
    def interrupted() -> None:
        with SQLite(path).transaction(1.0, write=True) as transaction:
            transaction.rows("INSERT INTO togai_meta VALUES ('x', 'y')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with SQLite(path).transaction(0, write=True) as transaction:
        assert transaction.rows("SELECT 1 FROM togai_meta WHERE name = 'x'") == []


def test_a_transaction_on_a_server_is_durable_and_bounded(postgres_address: str) -> None:
    server = PostgreSQL(postgres_address)
    server.create(5.0)
    with server.transaction(1.5, write=True) as transaction:
        settings = {
            name: transaction.rows(f"SHOW {name}")[0][0]
            for name in (
                "synchronous_commit",
                "lock_timeout",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
                "client_min_messages",
                "application_name",
            )
        }
        assert transaction.now().tzinfo is UTC
        with psycopg.connect(postgres_address) as other:
            held = other.execute(
                "SELECT mode FROM pg_locks WHERE relation = 'togai_entry'::regclass AND granted"
            ).fetchall()
        assert ("ExclusiveLock",) in held
    assert settings == {
        "synchronous_commit": "on",
        "lock_timeout": "1500ms",
        "statement_timeout": "4s",
        "idle_in_transaction_session_timeout": "30s",
        "client_min_messages": "warning",
        "application_name": "togai ledger",
    }


@pytest.mark.parametrize(("wait", "shown"), [(0, "1ms"), (0.0001, "1ms"), (2, "2s"), (9e8, "1d")])
def test_a_server_s_lock_is_never_waited_for_without_an_end(
    postgres_address: str, wait: float, shown: str
) -> None:
    server = PostgreSQL(postgres_address)
    server.create(5.0)
    with server.transaction(wait, write=False) as transaction:
        # 0 would mean for ever.
        assert transaction.rows("SHOW lock_timeout") == [(shown,)]


@pytest.mark.parametrize(
    ("wait", "connect", "milliseconds"), [(0, 2, 5000), (1.9, 2, 5000), (7.5, 7, 10500)]
)
def test_a_server_is_waited_for_no_longer_than_a_call(
    monkeypatch: pytest.MonkeyPatch, wait: float, connect: int, milliseconds: int
) -> None:
    asked: dict[str, Any] = {}

    def refuse(_url: str, **options: Any) -> None:
        asked.update(options)
        raise psycopg.OperationalError("no")

    monkeypatch.setattr(psycopg, "connect", refuse)
    with pytest.raises(ConfigurationError, match="cannot be used: no"):
        PostgreSQL("postgresql://host/db").create(wait)
    assert (asked["connect_timeout"], asked["tcp_user_timeout"]) == (connect, milliseconds)
    assert asked["prepare_threshold"] is None


# Waits.


@pytest.mark.parametrize(("wait", "sleeps"), [(-1, 0), (0, 0), (0.01, 0), (0.02, 1), (0.2, 10)])
def test_a_locked_file_is_tried_for_as_long_as_a_call_waits(
    path: Path, monkeypatch: pytest.MonkeyPatch, wait: float, sleeps: int
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("togai._storage.database.time.sleep", slept.append)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerBusy):
            with SQLite(path).transaction(wait, write=True):
                pytest.fail("the file is locked")
    assert len(slept) == sleeps
    assert all(0.01 <= seconds <= 0.03 for seconds in slept)


def test_only_a_locked_file_is_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again: list[float] = []
    monkeypatch.setattr("togai._storage.database.time.sleep", again.append)
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigurationError, match="it is not a ledger; check the address"):
        with SQLite(path).transaction(30.0, write=True):
            pytest.fail("it is not a database")
    assert again == []


ERRORS = [
    (sqlite3.SQLITE_BUSY, "database is locked", LedgerBusy),
    (sqlite3.SQLITE_BUSY | 2 << 8, "database is locked", LedgerBusy),
    (sqlite3.SQLITE_LOCKED, "table is locked", LedgerBusy),
    (sqlite3.SQLITE_CORRUPT, "x", LedgerDamaged),
    (sqlite3.SQLITE_NOTADB, "x", ConfigurationError),
    (sqlite3.SQLITE_ERROR, "the schema is malformed", LedgerDamaged),
    (sqlite3.SQLITE_ERROR, "no such table: togai_entry", ConfigurationError),
    (sqlite3.SQLITE_FULL, "database or disk is full", ConfigurationError),
    (sqlite3.SQLITE_READONLY, "readonly", ConfigurationError),
    (None, "x", ConfigurationError),
]


@pytest.mark.parametrize(("code", "text", "kind"), ERRORS)
def test_an_error_of_the_database_is_one_of_ours(
    path: Path, code: int | None, text: str, kind: type
) -> None:
    error = sqlite3.OperationalError(text)
    if code is not None:
        error.sqlite_errorcode = code
    with pytest.raises(kind) as caught:
        with SQLite(path).transaction(1.0, write=True):
            raise error
    assert str(path) in str(caught.value)
    assert ("not a ledger of this version" in str(caught.value)) == text.startswith("no such table")


class ServerError(psycopg.Error):
    """An error with a state of our choice."""

    def __init__(self, sqlstate: str | None, text: str) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "text", "kind", "shown"),
    [
        ("55P03", "lock", LedgerBusy, "host"),
        ("57014", "canceled", LedgerBusy, "host"),
        ("57P01", "shut down\nmore", ConfigurationError, "cannot be used: shut down"),
        (None, "for anna", ConfigurationError, "for anna"),
        (None, "for ann with s%3cret and s<ret", ConfigurationError, "for *** with *** and ***"),
        (None, "", ConfigurationError, "cannot be used: ServerError"),
    ],
)
def test_an_error_of_a_server_is_one_of_ours_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, state: str | None, text: str, kind: type, shown: str
) -> None:
    def refuse(*_given: Any, **_more: Any) -> None:
        raise ServerError(state, text)

    monkeypatch.setattr(psycopg, "connect", refuse)
    with pytest.raises(kind) as caught:
        PostgreSQL("postgresql://ann:s%3cret@host/db").create(1.0)
    assert shown in str(caught.value)
    assert "more" not in str(caught.value)
    # Without a state, the server was not reached.
    assert ("; check the address" in str(caught.value)) == (state is None)


# Limits.


@pytest.mark.parametrize(("late", "sent"), [(0, True), (300, True), (300.000001, False)])
def test_a_correction_is_sent_within_5_minutes_after_it_was_recorded(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, late: float, sent: bool
) -> None:
    set_clock(monkeypatch, AT)
    entry = begin(ledger)
    set_clock(monkeypatch, AT + timedelta(seconds=late))
    if sent:
        records_of(ledger).confirm([entry])
        return
    with pytest.raises(TimedOut, match="came too late"):
        records_of(ledger).confirm([entry])


@pytest.mark.parametrize("age", [timedelta(minutes=10), timedelta(hours=1)])
def test_a_correction_that_may_be_in_progress_is_decided_to_be_not_applied_after_its_age(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, age: timedelta
) -> None:
    set_clock(monkeypatch, AT)
    entry = begin(ledger)
    given: dict[str, Any] = {} if age == timedelta(minutes=10) else {"min_age": age}
    set_clock(monkeypatch, AT + age - timedelta(microseconds=1))
    expected = f"may be in progress: decide after {AT + age:%Y-%m-%d %H:%M:%SZ}"
    with pytest.raises(InvalidRequest, match=expected):
        ledger.decide(entry, "not applied", who="bob", why="ok", **given)
    set_clock(monkeypatch, AT + age)
    ledger.decide(entry, "not applied", who="bob", why="ok", **given)
    assert ledger.pending() == []


def test_a_correction_after_which_the_clock_was_set_right_is_not_decided_too_early(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    set_clock(monkeypatch, AT)
    begin(ledger, claim("ref-2"))
    set_clock(monkeypatch, AT - timedelta(days=2))
    entry = begin(ledger)
    set_clock(monkeypatch, AT + timedelta(minutes=9))
    with pytest.raises(InvalidRequest, match="may be in progress: decide after"):
        ledger.decide(entry, "not applied", who="bob", why="ok")


def test_a_correction_whose_call_has_ended_is_decided_at_once(ledger: Ledger) -> None:
    entry, other = begin(ledger), begin(ledger, claim("ref-2"), call="d")
    records_of(ledger).conclude(entry, Kind.UNKNOWN, {"cause": "connection lost"})
    ledger.decide(entry, "not applied", who="bob", why="ok")
    ledger.decide(other, "applied", who="bob", why="support says so")
    with pytest.raises(InvalidRequest, match="already settled"):
        ledger.decide(entry, "not applied", who="bob", why="ok")


def test_an_age_that_is_no_duration_is_refused(ledger: Ledger) -> None:
    with pytest.raises(InvalidRequest, match="min_age=600: pass a timedelta"):
        ledger.decide(begin(ledger), "applied", who="bob", why="ok", min_age=600)  # type: ignore[arg-type]
    assert len(ledger.pending()) == 1


def test_nothing_is_sent_that_was_settled_meanwhile(ledger: Ledger) -> None:
    first, second = begin(ledger), begin(ledger, claim("ref-2"), call="d")
    ledger.decide(second, "not applied", who="bob", why="ok", min_age=timedelta(0))
    with pytest.raises(StaleReading, match="was settled before its turn came") as caught:
        records_of(ledger).confirm([first, second])
    assert caught.value.entry == second


@pytest.fixture
def damaged(path: Path) -> Path:
    """A ledger that lost a lock."""
    begin(Ledger(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER togai_open_delete")
        connection.execute("DELETE FROM togai_open")
        connection.commit()
    return path


def test_a_ledger_of_16_megabytes_is_verified_when_it_is_opened(
    damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database._SQLiteTransaction, "size", lambda _self: 16_000_000)
    with pytest.raises(LedgerDamaged, match="the locks do not"):
        assert Ledger(damaged).id


def test_a_larger_ledger_is_verified_on_request(
    damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database._SQLiteTransaction, "size", lambda _self: 16_000_001)
    ledger = Ledger(damaged)
    assert ledger.id
    with pytest.raises(LedgerDamaged, match="the locks do not"):
        ledger.verify()


def test_the_size_of_a_ledger_is_that_of_its_file(path: Path) -> None:
    with SQLite(path).transaction(1.0, write=False) as transaction:
        assert transaction.size() == path.stat().st_size


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001])
def test_a_history_is_whole_however_long_it_is(path: Path, count: int) -> None:
    ledger = Ledger(path, who="ann")
    with records_of(ledger).rules(write=True) as rules:
        for number in range(count):
            rules.append(Kind.APPROVED, plan=str(number), data={})
    assert [entry.id for entry in ledger.history()] == list(range(1, count + 1))
    assert ledger.verify() == count


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of entries that each query returned."""
    real, batches = Rules.entries, list[int]()

    def entries(rules: Rules, *given: Any, **more: Any) -> list[Entry]:
        found = real(rules, *given, **more)
        batches.append(len(found))
        return found

    monkeypatch.setattr(Rules, "entries", entries)
    return batches


def test_a_history_is_read_and_verified_in_batches(path: Path, batches: list[int]) -> None:
    ledger = Ledger(path, who="ann")
    with records_of(ledger).rules(write=True) as rules:
        for number in range(1001):
            rules.append(Kind.APPROVED, plan=str(number), data={})
    batches.clear()
    history = ledger.history()
    next(history)
    assert batches == [1000]
    assert len(list(history)) == 1000
    assert batches == [1000, 1]
    batches.clear()
    assert ledger.verify() == 1001
    assert batches == [1000, 1, 0]


def test_a_history_is_filtered_by_time_account_event_and_plan(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        set_clock(monkeypatch, AT + timedelta(seconds=number))
        begin(ledger, claim(f"ref-{number}"), call=str(number))
    set_clock(monkeypatch, AT + timedelta(seconds=9))
    ledger.approve("a" * 64, who="bob", why="ok")

    def found(**filters: Any) -> list[int]:
        return [entry.id for entry in ledger.history(**filters)]

    second = AT + timedelta(seconds=2)
    assert found(since=second) == [2, 3, 4]
    assert found(until=second) == [1]
    assert found(since=second, until=AT + timedelta(seconds=3)) == [2]
    assert found(account_id="acme") == [1, 2, 3]
    assert found(account_id="acme-eu") == []
    assert found(reference_id="ref-3") == [3]
    assert found(plan="a" * 64) == [4]
    assert found(account_id="acme", reference_id="ref-2", until=AT) == []
    for name in ("since", "until"):
        with pytest.raises(InvalidRequest, match=f"{name}="):
            found(**{name: datetime(2024, 12, 4)})


@pytest.mark.parametrize("digest", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, None])
def test_only_a_digest_is_approved(ledger: Ledger, digest: Any) -> None:
    with pytest.raises(InvalidRequest, match="64 hexadecimal digits"):
        ledger.approve(digest, who="bob", why="ok")


# What is recorded.


def test_an_intent_records_all_that_is_known(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, AT)
    snapshot = Target(
        reference_id="ref-1",
        event_id="ride-1",
        account_id="acme-eu",
        status="S",
        created_at="2024-12-04T00:00:00+00:00",
        payload={"id": "ride-1"},
    )
    one = Claim(
        correction=claim().correction,
        target=snapshot,
        siblings=frozenset({"ref-2", "ref-1"}),
        item="3",
    )
    entry = begin(ledger, one, why="a mistake", call="c")
    assert {name: getattr(entry, name) for name in COLUMNS if name != "data"} == {
        "id": 1,
        "at": AT,
        "kind": Kind.INTENT,
        "intent": None,
        "call": "c",
        "action": "UNDO",
        "service": SERVICE,
        "account": "acme",
        "target": "ref-1",
        "plan": None,
        "item": "3",
        "who": "ann",
        "why": "a mistake",
    }
    assert entry.correction == one.correction
    assert entry.snapshot == snapshot
    assert entry.siblings == frozenset({"ref-1", "ref-2"})
    assert entry.data["siblings"] == ["ref-1", "ref-2"]
    without = begin(ledger, claim("ref-2"), call="d")
    assert (without.snapshot, without.siblings, without.why) == (None, None, None)


def test_an_outcome_repeats_what_it_is_about(ledger: Ledger) -> None:
    entry = begin(ledger, call="c")
    records_of(ledger).conclude(
        entry, Kind.APPLIED, {"how": "response", "status": 200}, applied=["ref-8"]
    )
    intent, further, settled = ledger.history()
    assert intent == entry
    for row, target in ((further, "ref-8"), (settled, "ref-1")):
        assert (row.kind, row.intent, row.call, row.target) == (Kind.APPLIED, entry.id, "c", target)
        assert (row.action, row.service, row.account) == ("UNDO", SERVICE, "acme")
        assert (row.data["how"], row.data["status"]) == ("response", 200)
        assert row.data["client"]
    # Recorded once, however often an interrupted call repeats it.
    records_of(ledger).conclude(entry, Kind.APPLIED, {"how": "response"})
    assert len(list(ledger.history())) == 3
    # Another outcome than a person's decision is kept.
    records_of(ledger).conclude(entry, Kind.FAILED, {"how": "response"})
    *_, late = ledger.history()
    assert (late.kind, late.data["late"]) == (Kind.UNKNOWN, "failed")


def test_an_abandoned_call_settles_its_own_open_entries_only(ledger: Ledger) -> None:
    begin(ledger, claim("ref-1"), call="a")
    begin(ledger, claim("ref-2"), call="b")
    records_of(ledger).abandon("a", "no connection")
    records_of(ledger).abandon("a", "again")
    (pending,) = ledger.pending()
    assert pending.target == "ref-2"
    rows = list(ledger.history())
    assert [(row.kind, row.data.get("cause")) for row in rows[2:]] == [
        (Kind.NOT_APPLIED, "no connection")
    ]


def test_a_pending_entry_shows_the_cause(ledger: Ledger) -> None:
    first, second = begin(ledger), begin(ledger, claim("ref-2"), call="d")
    records_of(ledger).conclude(first, Kind.UNKNOWN, {"cause": "a 502"})
    assert [(entry.id, entry.cause) for entry in ledger.pending()] == [
        (first.id, "a 502"),
        (second.id, None),
    ]


@pytest.mark.parametrize(
    ("account", "shown", "doubt"),
    [("acme", "acme", False), ("acme", None, False), ("globex", None, True)],
)
def test_a_refusal_says_whether_the_accounts_may_only_be_aliases(
    ledger: Ledger, account: str, shown: str | None, doubt: bool
) -> None:
    correction = Correction(
        action=CorrectionAction.UNDO, selection=Selection(account_id="acme", event_id="ride-1")
    )
    begin(ledger, Claim(correction=correction, target=None))
    event = Claim(
        correction=evolve(
            correction, selection=Selection(account_id=account, reference_id="ref-1")
        ),
        target=Target(reference_id="ref-1", account_id=shown),
    )
    with pytest.raises(AlreadyPending) as caught:
        begin(ledger, event, call="d")
    assert ("may be an alias of the other" in str(caught.value)) == doubt


def test_the_replacement_of_an_event_is_the_one_that_was_recorded_last(ledger: Ledger) -> None:
    entry = begin(ledger)
    records_of(ledger).conclude(entry, Kind.APPLIED, {})
    for reference_id in ("ref-8", "ref-9"):
        records_of(ledger).add_replacement(entry, reference_id)
    with pytest.raises(AlreadyCorrected) as caught:
        begin(ledger, call="d")
    assert caught.value.replacement == "ref-9"


COMPLETE: list[Callable[[Records], object]] = [
    lambda records: records.verify(),
    lambda records: records.check(SERVICE, "ref-1"),
    lambda records: records.check_all(SERVICE, ["ref-1"]),
    lambda records: records.begin([claim()], service=SERVICE, call="c"),
    lambda records: records.check_plan("a" * 64, records.identity(), (0, "")),
]


@pytest.mark.parametrize("call", COMPLETE)
def test_no_correction_is_sent_with_a_ledger_that_lacks_entries(
    path: Path, call: Callable[[Records], object]
) -> None:
    ledger = Ledger(path)
    ledger.approve("a" * 64, who="bob", why="ok")
    backup = path.read_bytes()
    ledger.approve("b" * 64, who="bob", why="ok")
    path.write_bytes(backup)
    with pytest.raises(LedgerDamaged, match="lacks entry 2"):
        call(records_of(Ledger(path)))
    # A person can still see what is there.
    assert len(list(Ledger(path).history())) == 1
    assert Ledger(path).pending() == []


# Two processes.


CONTENDER = """
import sys
from tests.corrections.test_ledger_limits import *
from togai.errors import AlreadyPending
ledger = Ledger(sys.argv[1], who="other")
ledger.pending()
print("ready", flush=True)
sys.stdin.readline()
try:
    begin(ledger, call="other")
except AlreadyPending:
    print("refused")
else:
    print("locked")
"""


@pytest.mark.slow
def test_of_two_processes_one_locks_a_target(path: Path) -> None:
    command = [sys.executable, "-c", CONTENDER, str(path)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sorted(process.communicate(timeout=60)[0] for process in processes) == [
        "locked\n",
        "refused\n",
    ]
    assert len(Ledger(path).pending()) == 1


def test_a_writer_waits_for_another_one_and_a_reader_for_none(path: Path) -> None:
    with SQLite(path).transaction(0, write=True):
        with SQLite(path).transaction(0, write=False) as transaction:
            assert transaction.rows("SELECT count(*) FROM togai_entry") == [(0,)]
        with pytest.raises(LedgerBusy):
            with SQLite(path).transaction(0, write=True):
                pytest.fail("two writers at once")
