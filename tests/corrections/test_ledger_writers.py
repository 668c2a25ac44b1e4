"""While another process writes, reading a ledger does not wait; writing does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from togai.corrections import Entry, Kind, Ledger, Reconciliation, Verdict
from togai.corrections._ledger import records_of

from .records import DIGEST, SERVICE, begin, claim, corrected

Operation = Callable[[Ledger, Entry, Entry], object]
"""Gets a ledger, an entry that is open, and one of a correction that was applied."""


def settle(ledger: Ledger, entry: Entry, _done: Entry) -> None:
    reconciliation = Reconciliation(
        entry=entry,
        correction=entry.correction,
        verdict=Verdict.NOT_APPLIED,
        evidence=("unchanged",),
    )
    ledger.settle(entry, reconciliation)


WRITING: dict[str, Operation] = {
    "approve": lambda ledger, _entry, _done: ledger.approve("b" * 64, who="bob", why="ok"),
    "settle": settle,
    "decide": lambda ledger, entry, _done: ledger.decide(entry, "applied", who="bob", why="seen"),
    "release": lambda ledger, _entry, done: ledger.release(done, who="bob", why="twice"),
    "begin": lambda ledger, _entry, _done: begin(ledger, claim("ref-3")),
    "conclude": lambda ledger, entry, _done: records_of(ledger).conclude(entry, Kind.FAILED, {}),
    "abandon": lambda ledger, _entry, _done: records_of(ledger).abandon("call", "interrupted"),
    "replacement": lambda ledger, _entry, done: records_of(ledger).add_replacement(done, "ref-9"),
}

READING: dict[str, Operation] = {
    "id": lambda ledger, _entry, _done: ledger.id,
    "pending": lambda ledger, _entry, _done: ledger.pending(),
    "history": lambda ledger, _entry, _done: list(ledger.history()),
    "verify": lambda ledger, _entry, _done: ledger.verify(),
    "check": lambda ledger, _entry, _done: records_of(ledger).check(SERVICE, "ref-3"),
    "check all": lambda ledger, _entry, _done: records_of(ledger).check_all(SERVICE, ["ref-3"]),
    "has wide": lambda ledger, _entry, _done: records_of(ledger).has_wide(SERVICE),
    "confirm": lambda ledger, entry, _done: records_of(ledger).confirm([entry]),
    "blocked": lambda ledger, _entry, _done: records_of(ledger).blocked(SERVICE, ["ref-1"]),
    "check plan": lambda ledger, _entry, _done: records_of(ledger).check_plan(
        DIGEST, ledger.id, (0, "")
    ),
    "states": lambda ledger, _entry, _done: records_of(ledger).states(DIGEST),
    "witnesses": lambda ledger, entry, _done: records_of(ledger).witnesses(entry),
    "rivals": lambda ledger, entry, _done: records_of(ledger).rivals(entry),
}


@pytest.mark.parametrize("name", [*WRITING, *READING])
def test_writing_waits_for_another_writer_and_reading_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(path, create=True, who="ann")
    ledger.approve(DIGEST, who="bob", why="ok")
    done, entry = corrected(ledger), begin(ledger, claim("ref-2"), call="call")
    operation = (WRITING | READING)[name]
    waits: list[Any] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            other.rollback()

        monkeypatch.setattr("togai._storage.database.time.sleep", sleep)
        operation(ledger if name != "id" else Ledger(path), entry, done)
        assert bool(waits) == (name in WRITING)
    ledger.verify()
