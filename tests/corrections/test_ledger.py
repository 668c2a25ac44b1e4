"""The ledger: a lock for each target, and an append-only record that is readable after any crash."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import pickle
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from attrs import evolve

from togai import ConfigurationError, InvalidRequest
from togai.corrections import Plan
from togai.corrections._entry import Kind
from togai.corrections._ledger import Ledger, records_of
from togai.errors import (
    AlreadyCorrected,
    AlreadyPending,
    LedgerBusy,
    LedgerDamaged,
    NotApproved,
    StaleReading,
)
from togai.models import CorrectionAction

from .records import DIGEST, REDO, REDO_EVENT, SERVICE, UNDO, begin, claim, corrected, head


@pytest.fixture
def ledger(address: str) -> Ledger:
    return Ledger(address, create=True, who="ann")


def test_a_ledger_is_created_explicitly_and_kept(address: str) -> None:
    missing = Ledger(address)
    with pytest.raises(ConfigurationError, match="create=True"):
        begin(missing)
    first = Ledger(address, create=True)
    begin(first)
    again = Ledger(address, create=True)
    assert again.id == first.id
    assert len(again.pending()) == 1
    begin(missing, claim("ref-2"))


def test_a_mistyped_path_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no ledger at"):
        Ledger(tmp_path / "legder.db").pending()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigurationError, match="no ledger can be created"):
        Ledger(tmp_path / "missing" / "ledger.db", create=True)


class BytesPath:
    """A path as bytes, as `os.PathLike` allows it."""

    def __fspath__(self) -> bytes:
        return b"ledger.db"


@pytest.mark.parametrize(
    "wrong",
    [
        *("", 5, None, b"x", BytesPath(), "a\0b", True),
        *("mysql://host/db", "postgresql://[::1", "postgres://\ud800"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="ledger="):
        Ledger(wrong)


@pytest.mark.parametrize("content", [b'{"kind": "intent"}\n' * 100, b"", os.urandom(5000)])
def test_a_file_that_is_not_a_ledger_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises((ConfigurationError, LedgerDamaged), match="not a"):
        Ledger(path).pending()
    assert path.read_bytes() == content


def test_a_foreign_database_and_an_unknown_version_are_refused(tmp_path: Path, path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    with contextlib.closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    with pytest.raises(ConfigurationError, match="not a ledger"):
        Ledger(foreign, create=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE togai_meta SET value = '99' WHERE name = 'version'")
        connection.commit()
    with pytest.raises(ConfigurationError, match="version 99"):
        Ledger(path).pending()


def test_a_ledger_that_is_not_constructed_can_be_shown() -> None:
    assert repr(object.__new__(Ledger)) == "Ledger('')"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_is_readable_by_its_owner_only(path: Path) -> None:
    Ledger(path).approve(DIGEST, who="bob", why="ok")
    for each in (path, path.with_name(f"{path.name}.mark")):
        assert stat.S_IMODE(each.stat().st_mode) == 0o600


def test_a_mark_that_cannot_be_written_or_read_is_no_obstacle(path: Path) -> None:
    path.with_name(f"{path.name}.mark").mkdir()
    ledger = Ledger(path)
    ledger.approve(DIGEST, who="bob", why="ok")
    assert ledger.verify() == Ledger(path).verify() == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="lists open files")
def test_a_ledger_keeps_no_file_open(path: Path) -> None:
    files = Path("/proc/self/fd")
    before = len(list(files.iterdir()))
    ledger = Ledger(path, create=True)
    ledger.approve(DIGEST, who="bob", why="ok")
    ledger.verify()
    assert len(list(files.iterdir())) == before


def test_an_address_is_shown_without_user_and_password() -> None:
    ledger = Ledger("postgresql://ann:s3cret@db.example:5432/billing?password=s3cret&user=ann")
    assert str(ledger) == "postgresql://db.example:5432/billing"
    for text in (repr(ledger), str(pickle.dumps(ledger)), repr(vars(ledger))):
        assert "s3cret" not in text
        assert "ann:" not in text


def test_a_server_that_cannot_be_reached_is_named_without_its_password(postgres: Any) -> None:
    address = postgres.get_uri("nothing").replace("postgres:@", "postgres:s3cret@")
    with pytest.raises(ConfigurationError, match="cannot be used") as caught:
        Ledger(address).pending()
    assert "s3cret" not in str(caught.value)


def test_an_open_target_is_locked_until_it_is_settled(ledger: Ledger) -> None:
    entry = begin(ledger)
    with pytest.raises(AlreadyPending) as caught:
        begin(ledger)
    assert caught.value.entry.id == entry.id
    begin(ledger, claim("ref-2"))
    begin(ledger, service="https://sandbox-api.togai.com")
    records_of(ledger).conclude(entry, Kind.NOT_APPLIED, {})
    begin(ledger)


def test_the_lock_is_the_reference_id_not_the_account(ledger: Ledger) -> None:
    begin(ledger)
    with pytest.raises(AlreadyPending):
        begin(ledger, claim(account="an-alias-of-acme"))


def test_several_targets_are_locked_together_or_not_at_all(ledger: Ledger) -> None:
    begin(ledger, claim("ref-2"))
    with pytest.raises(AlreadyPending):
        begin(ledger, claim("ref-1"), claim("ref-2"))
    assert [entry.target for entry in ledger.pending()] == ["ref-2"]
    begin(ledger, claim("ref-1"))


@pytest.mark.parametrize("names", [("acme", "x"), ("x", "acme"), ("acme", None)])
def test_a_whole_account_and_its_events_lock_each_other_out(
    ledger: Ledger, names: tuple[str, str | None]
) -> None:
    event = claim(account=names[0], shown=names[1])
    entry = begin(ledger, claim(None))
    with pytest.raises(AlreadyPending):
        begin(ledger, event)
    with pytest.raises(AlreadyPending):
        begin(ledger, claim(None))
    begin(ledger, claim("ref-9", account="other", shown="other"))
    records_of(ledger).conclude(entry, Kind.NOT_APPLIED, {})
    begin(ledger, event)
    with pytest.raises(AlreadyPending):
        begin(ledger, claim(None))


@pytest.mark.parametrize("first", [UNDO, REDO_EVENT])
@pytest.mark.parametrize("second", [UNDO, REDO, REDO_EVENT])
def test_what_was_undone_or_replaced_is_not_corrected_again(
    ledger: Ledger, first: CorrectionAction, second: CorrectionAction
) -> None:
    corrected(ledger, claim(action=first))
    with pytest.raises(AlreadyCorrected, match="ref-1"):
        begin(ledger, claim(action=second, account="alias"))


def test_a_redo_may_be_followed_by_another_correction(ledger: Ledger) -> None:
    corrected(ledger, claim(action=REDO))
    corrected(ledger, claim(action=REDO))
    corrected(ledger)
    with pytest.raises(AlreadyCorrected):
        begin(ledger)


def test_a_correction_after_the_reading_makes_it_stale(ledger: Ledger) -> None:
    since = head(ledger)
    corrected(ledger, claim(action=REDO))
    with pytest.raises(StaleReading, match="after it was read"):
        begin(ledger, claim(since=since))
    begin(ledger, claim(since=head(ledger)))


@pytest.mark.parametrize("kind", [Kind.FAILED, Kind.NOT_APPLIED])
def test_what_was_not_corrected_may_be_corrected(ledger: Ledger, kind: Kind) -> None:
    records_of(ledger).conclude(begin(ledger), kind, {})
    again = begin(ledger)
    assert ledger.pending() == [again]


@pytest.mark.parametrize("further", [UNDO, REDO, REDO_EVENT])
def test_a_release_allows_one_further_correction(ledger: Ledger, further: CorrectionAction) -> None:
    corrected(ledger)
    with pytest.raises(AlreadyCorrected) as caught:
        begin(ledger)
    ledger.release(caught.value.entry, who="bob", why="the undo was a mistake")
    with pytest.raises(InvalidRequest, match="nothing to release"):
        ledger.release(caught.value.entry, who="eve", why="me too")
    records_of(ledger).conclude(begin(ledger), Kind.NOT_APPLIED, {})
    corrected(ledger, claim(action=further))
    with pytest.raises(AlreadyCorrected):
        begin(ledger)
    assert [entry.who for entry in ledger.history() if entry.kind == "released"] == ["bob"]


def test_only_what_is_corrected_and_not_open_is_released(ledger: Ledger) -> None:
    open_one = begin(ledger, claim("ref-2"))
    with pytest.raises(AlreadyPending):
        ledger.release(open_one, who="bob", why="x")
    failed = begin(ledger, claim("ref-3"))
    records_of(ledger).conclude(failed, Kind.FAILED, {})
    whole = begin(ledger, claim(None, account="other"))
    for wrong in (failed, whole, 99):
        with pytest.raises(InvalidRequest):
            ledger.release(wrong, who="bob", why="x")
    for names in ({"who": "", "why": "x"}, {"who": "x", "why": " "}):
        with pytest.raises(InvalidRequest, match="pass text"):
            ledger.release(corrected(ledger, claim(f"ref-{names['who']}")), **names)


def test_a_person_decides_once(ledger: Ledger) -> None:
    entry = begin(ledger)
    with pytest.raises(InvalidRequest, match="verdict="):
        ledger.decide(entry, "cannot tell", who="bob", why="x")
    ledger.decide(entry, "applied", who="bob", why="support says so")
    with pytest.raises(InvalidRequest, match="already settled"):
        ledger.decide(entry.id, "not applied", who="eve", why="no")
    assert ledger.pending() == []
    with pytest.raises(AlreadyCorrected):
        begin(ledger)
    *_, last = ledger.history(reference_id="ref-1")
    assert (last.kind, last.who, last.why, last.data["how"]) == (
        "applied",
        "bob",
        "support says so",
        "decided",
    )


def test_an_outcome_that_comes_after_a_decision_is_not_forgotten(ledger: Ledger) -> None:
    entry = begin(ledger)
    ledger.decide(entry, "not applied", who="bob", why="I thought so", min_age=timedelta(0))
    records_of(ledger).conclude(entry, Kind.APPLIED, {"status": 200})
    with pytest.raises(AlreadyCorrected):
        begin(ledger)
    assert ledger.verify() == 3


def test_further_events_of_an_outcome_that_comes_after_a_decision_are_not_forgotten(
    ledger: Ledger,
) -> None:
    entry = begin(ledger, claim(None))
    ledger.decide(entry, "not applied", who="bob", why="I thought so", min_age=timedelta(0))
    details = {"status": 200, "how": "response"}
    records_of(ledger).conclude(entry, Kind.FAILED, details, applied=["ref-1", "ref-2"])
    for reference_id in ("ref-1", "ref-2"):
        with pytest.raises(AlreadyCorrected):
            begin(ledger, claim(reference_id))
    begin(ledger, claim("ref-3"))


def test_a_plan_needs_an_approval(ledger: Ledger) -> None:
    with pytest.raises(NotApproved, match="approve"):
        begin(ledger, claim(plan=DIGEST, item="1"))
    with pytest.raises(InvalidRequest, match="digest="):
        ledger.approve("abc", who="bob", why="x")
    ledger.approve(DIGEST, who="bob", why="meter 7 counted double")
    begin(ledger, claim(plan=DIGEST, item="1"))
    assert [entry.kind for entry in ledger.history(plan=DIGEST)] == ["approved", "intent"]


def test_a_call_that_was_never_sent_leaves_nothing_open(ledger: Ledger) -> None:
    begin(ledger, claim("ref-1"), claim("ref-2"), call="one")
    other = begin(ledger, claim("ref-3"), call="two")
    records_of(ledger).abandon("one", "Ctrl-C")
    records_of(ledger).abandon("three", "never written")
    assert [entry.id for entry in ledger.pending()] == [other.id]


def test_the_history_says_who_did_what_when_and_why(ledger: Ledger) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    entry = begin(ledger, why="wrong meter")
    records_of(ledger).conclude(
        entry, Kind.UNKNOWN, {"cause": "502", "status": 502, "request_id": "req-1"}
    )
    begin(ledger, claim("ref-2", account="other"))
    intent, unknown = ledger.history(account_id="acme", since=before)
    assert (intent.who, intent.why, intent.service) == ("ann", "wrong meter", SERVICE)
    assert (unknown.data["status"], unknown.data["request_id"]) == (502, "req-1")
    assert intent.data["client"]
    assert ledger.pending()[0].cause == "502"
    assert list(ledger.history(until=before)) == []
    with pytest.raises(InvalidRequest, match="time zone"):
        list(ledger.history(since=datetime(2026, 1, 1)))
    lines = [json.loads(line) for line in ledger.json_lines(account_id="acme")]
    assert [line["id"] for line in lines] == [1, 2]
    assert lines[0]["data"]["correction"]["action"] == "UNDO"


def test_a_long_history_is_read_in_portions(path: Path) -> None:
    ledger = Ledger(path)
    with records_of(ledger).rules(write=True) as rules:
        for number in range(2500):
            rules.append(Kind.APPROVED, data={}, plan=f"{number}")
    assert [entry.id for entry in ledger.history()] == list(range(1, 2501))
    assert ledger.verify() == 2500


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE togai_entry SET who = 'eve'",
        "DELETE FROM togai_entry",
        "DELETE FROM togai_open",
        "UPDATE togai_open SET target = 'x'",
        "INSERT INTO togai_entry (id, at, kind, intent, data, checksum) VALUES (99, 'x', 'applied', 1, '', '')",
    ],
)
def test_the_database_itself_refuses_to_rewrite_history(ledger: Ledger, statement: str) -> None:
    corrected(ledger, claim("ref-0"))
    begin(ledger)
    with pytest.raises(ConfigurationError, match=r"never|once|settling"):
        with records_of(ledger).rules(write=True) as rules:
            rules._transaction.rows(statement)
    ledger.verify()


@pytest.mark.slow
def test_processes_stay_in_order_when_they_write_at_once(address: str) -> None:
    Ledger(address, create=True)
    code = (
        "import sys; from tests.corrections.test_ledger import *\n"
        "ledger = Ledger(sys.argv[1], who=sys.argv[2])\n"
        "for number in range(25):\n"
        "    try: corrected(ledger, claim(f'ref-{number}'))\n"
        "    except (AlreadyPending, AlreadyCorrected): pass\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, address, who]) for who in ("a", "b", "c")
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    ledger = Ledger(address)
    applied = [str(entry.target) for entry in ledger.history() if entry.kind == "applied"]
    assert sorted(applied) == sorted(f"ref-{number}" for number in range(25))
    assert ledger.pending() == []
    ledger.verify()


def test_threads_share_a_ledger(ledger: Ledger) -> None:
    won: list[str] = []

    def work(name: str) -> None:
        for number in range(8):
            with contextlib.suppress(AlreadyPending, AlreadyCorrected):
                corrected(ledger, claim(f"ref-{number}"))
                won.append(f"ref-{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [f"ref-{number}" for number in range(8)]


KILLED = """
import sys
from tests.corrections.test_ledger import *
ledger = Ledger(sys.argv[1])
print("ready", flush=True)
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 1000):
    entry = begin(ledger, claim(f"ref-{number}"))
    print("begun", number, flush=True)
    records_of(ledger).conclude(entry, Kind.APPLIED, {})
    print("done", number, flush=True)
"""


def killed(address: str, rounds: int, chance: random.Random) -> None:
    """What was reported as written is there after SIGKILL, and the locks fit."""
    ledger = Ledger(address, create=True)
    begun: set[int] = set()
    done: set[int] = set()
    for round_ in range(rounds):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, address, str(round_ * 1000)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.15))
        os.kill(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        for line in output.decode().splitlines():
            word, _, number = line.partition(" ")
            if number.isdigit():
                (begun if word == "begun" else done).add(int(number))
    ledger.verify()
    entries = list(ledger.history())
    written = {entry.target for entry in entries if entry.kind == "intent"}
    applied = {entry.target for entry in entries if entry.kind == "applied"}
    assert {f"ref-{number}" for number in begun} <= written
    assert {f"ref-{number}" for number in done} <= applied
    assert {entry.target for entry in ledger.pending()} == written - applied
    assert begun


@pytest.mark.slow
def test_nothing_that_was_written_is_lost_when_a_process_is_killed(address: str) -> None:
    killed(address, 4, random.Random(1))


HELD = """
import sys, time
from tests.corrections.test_ledger import *
with records_of(Ledger(sys.argv[1])).rules(write=True) as rules:
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_process_that_holds_the_ledger_delays_a_call_but_not_forever(address: str) -> None:
    ledger = Ledger(address, create=True)
    begin(ledger)
    process = subprocess.Popen([sys.executable, "-c", HELD, address], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(LedgerBusy, match="suspended"):
            begin(ledger, claim("ref-2"), wait=0.3)
        assert len(ledger.pending()) == 1
    finally:
        process.kill()
        process.communicate()
    begin(ledger, claim("ref-2"))


def test_a_frozen_clock_does_not_block_the_ledger(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)
    monkeypatch.setattr(time, "time", lambda: 1.0)
    with records_of(Ledger(path)).rules(write=True):
        with pytest.raises(LedgerBusy):
            begin(Ledger(path), wait=0.3)
    begin(Ledger(path))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="limits the size of files")
def test_a_full_disk_refuses_before_anything_is_sent_and_leaves_nothing_half_written(
    path: Path,
) -> None:
    code = (
        "import resource, sys, signal; from tests.corrections.test_ledger import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "ledger = Ledger(sys.argv[1]); limit = int(sys.argv[2])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "count = 0\n"
        "try:\n"
        "    for number in range(1000):\n"
        "        begin(ledger, claim(f'ref-{number}'), why='x' * 2000); count += 1\n"
        "except ConfigurationError as error:\n"
        "    print(count, error)\n"
    )
    size = path.stat().st_size
    for more in (9_000, 40_000):
        done = subprocess.run(
            [sys.executable, "-c", code, str(path), str(size + more)],
            capture_output=True,
            text=True,
            check=True,
        )
        count, _, message = done.stdout.partition(" ")
        assert "cannot be used" in message
        ledger = Ledger(path)
        ledger.verify()
        assert len(ledger.pending()) == int(count)
        for entry in ledger.pending():
            records_of(ledger).conclude(entry, Kind.NOT_APPLIED, {})


def damaged_copies(path: Path, tmp_path: Path, count: int, chance: random.Random) -> list[str]:
    """What happens with copies in which one byte is flipped; a copy that is unchanged is reported as such."""
    ledger = Ledger(path)
    for number in range(30):
        corrected(ledger, claim(f"ref-{number}"))
    begin(ledger, claim("ref-open"))
    whole = path.read_bytes()
    before = [entry.to_json() for entry in ledger.history()]
    locked = [entry.to_json() for entry in ledger.pending()]
    outcomes: list[str] = []
    copied = tmp_path / "copy.db"
    for _ in range(count):
        at = chance.randrange(len(whole))
        flipped = whole[at] ^ (1 << chance.randrange(8))
        copied.write_bytes(whole[:at] + bytes([flipped]) + whole[at + 1 :])
        try:
            copy_ = Ledger(copied)
            assert [entry.to_json() for entry in copy_.pending()] == locked
            assert [entry.to_json() for entry in copy_.history()] == before
            for number in range(30):
                with contextlib.suppress(AlreadyCorrected):
                    begin(copy_, claim(f"ref-{number}"))
                    raise AssertionError("corrected twice")
        except (LedgerDamaged, ConfigurationError):
            outcomes.append("refused")
        else:
            outcomes.append("harmless")
    return outcomes


@pytest.mark.slow
def test_no_damaged_ledger_is_silent(path: Path, tmp_path: Path) -> None:
    assert set(damaged_copies(path, tmp_path, 80, random.Random(7))) == {"refused", "harmless"}


def test_a_ledger_that_lost_an_entry_or_a_lock_is_damaged(path: Path, tmp_path: Path) -> None:
    ledger = Ledger(path)
    corrected(ledger)
    begin(ledger, claim("ref-2"))
    for trigger, statement in (
        ("togai_entry_delete", "DELETE FROM togai_entry WHERE id = 2"),
        ("togai_open_delete", "DELETE FROM togai_open"),
        ("togai_entry_update", "UPDATE togai_entry SET target = 'ref-3' WHERE id = 3"),
    ):
        copied = tmp_path / f"{trigger}.db"
        shutil.copy(path, copied)
        with contextlib.closing(sqlite3.connect(copied)) as connection:
            connection.execute(f"DROP TRIGGER {trigger}")
            connection.execute(statement)
            connection.commit()
        with pytest.raises(LedgerDamaged) as caught:
            Ledger(copied).verify()
        assert caught.value.problems
        with pytest.raises(LedgerDamaged):
            begin(Ledger(copied))


def test_a_changed_row_of_a_server_is_noticed_when_it_is_read(postgres_address: str) -> None:
    ledger = Ledger(postgres_address, create=True)
    corrected(ledger)
    with psycopg.connect(postgres_address) as connection:
        connection.execute("ALTER TABLE togai_entry DISABLE TRIGGER ALL")
        connection.execute("UPDATE togai_entry SET action = 'REDO' WHERE id = 2")
    with pytest.raises(LedgerDamaged, match="entry 2"):
        begin(ledger)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_uses_the_ledger_of_its_parent(address: str) -> None:
    ledger = Ledger(address, create=True)
    code = (
        "import os, sys; from tests.corrections.test_ledger import *\n"
        "ledger = Ledger(sys.argv[1]); begin(ledger, claim('parent'))\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    begin(ledger, claim('child')); os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, address], check=True)
    assert {entry.target for entry in ledger.pending()} == {"parent", "child"}


def test_errors_survive_pickle_and_copy(ledger: Ledger) -> None:
    begin(ledger)
    with pytest.raises(AlreadyPending) as caught:
        begin(ledger)
    for again in (copy.deepcopy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert str(again) == str(caught.value)
        assert again.entry == caught.value.entry


def test_text_that_no_database_holds_is_refused_before_sending(ledger: Ledger) -> None:
    with pytest.raises(InvalidRequest, match="cannot hold"):
        begin(ledger, claim("\ud800"))
    assert ledger.verify() == 0


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_the_isolation_level_is_that_of_the_ledger_whatever_the_server_says(
    postgres_address: str, level: str
) -> None:
    name = postgres_address.partition("?")[0].rpartition("/")[2]
    Ledger(postgres_address, create=True)
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        for setting in (f"isolation = '{level}'", "read_only = on"):
            statement = f'ALTER DATABASE "{name}" SET default_transaction_{setting}'
            connection.execute(statement.encode())
    first, second = Ledger(postgres_address), Ledger(postgres_address)
    waiting = threading.Thread(target=begin, args=(second, claim("ref-2")))
    with records_of(first).rules(write=True) as rules:
        waiting.start()
        with psycopg.connect(postgres_address) as connection:
            while not connection.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'togai_entry'::regclass"
            ).fetchall():
                connection.rollback()
        rules.append(Kind.APPROVED, data={}, plan=DIGEST)
    waiting.join()
    assert [entry.kind for entry in first.history()] == ["approved", "intent"]


def test_a_pickled_ledger_keeps_the_parameters_of_its_address(postgres_address: str) -> None:
    with psycopg.connect(postgres_address) as connection:
        connection.execute("CREATE SCHEMA billing")
    ledger = Ledger(
        f"{postgres_address}&options=-csearch_path%3Dbilling&password=s3cret", create=True
    )
    pickled = pickle.dumps(ledger)
    assert b"s3cret" not in pickled
    again = pickle.loads(pickled)
    assert again._records.database.url == (
        f"{ledger}?{postgres_address.partition('?')[2].replace('/', '%2F')}&options=-csearch_path%3Dbilling"
    )


def test_a_plan_itself_may_be_approved(path: Path) -> None:
    ledger = Ledger(path)
    plan = Plan(
        service=SERVICE, ledger=ledger.id, position=(0, ""), created_at="", why=None, items=()
    )
    ledger.approve(plan, who="bob", why="looks right")
    assert [entry.plan for entry in ledger.history()] == [plan.digest]
    with pytest.raises(InvalidRequest, match="does not belong to the ledger"):
        ledger.approve(evolve(plan, ledger="another"), who="bob", why="looks right")


@pytest.mark.parametrize("wrong", [["x" * 500], {"y": "x" * 500}, None, 5, True])
def test_arguments_of_a_wrong_kind_are_refused_in_one_line(path: Path, wrong: Any) -> None:
    ledger = Ledger(path)
    calls: list[Any] = [
        lambda: ledger.approve(wrong, who="bob", why="x"),
        lambda: ledger.approve(DIGEST, who=wrong, why="x"),
        lambda: ledger.decide(wrong, "applied", who="bob", why="x"),
        lambda: ledger.decide(1, wrong, who="bob", why="x"),
        lambda: ledger.release(wrong, who="bob", why="x"),
        lambda: ledger.settle(wrong, wrong),
    ]
    for call in calls:
        with pytest.raises(InvalidRequest) as caught:
            call()
        assert len(str(caught.value)) < 300
