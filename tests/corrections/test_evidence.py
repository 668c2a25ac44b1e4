"""What the other entries of a ledger say about one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from togai._storage.evidence import corrected_elsewhere, rivals, witnesses
from togai._storage.rules import Rules
from togai.corrections import Entry, Kind, Ledger
from togai.corrections._ledger import records_of
from togai.models import CorrectionAction

from .records import REDO, REDO_EVENT, SERVICE, UNDO, begin, claim, set_clock

AT = datetime(2024, 12, 4, 7, 30, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


class Book:
    """One transaction on a ledger whose clock the test controls."""

    def __init__(self, rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rules = rules
        self._monkeypatch = monkeypatch
        self.set(AT)

    def set(self, moment: datetime) -> None:
        set_clock(self._monkeypatch, moment)

    def begin(self, name: str, action: CorrectionAction = UNDO, service: str = SERVICE) -> Entry:
        call = os.urandom(4).hex()
        one = claim(name, action)
        (number,) = self.rules.begin([one], service=service, call=call, who="ann", why=None)
        return self.rules.intent(number)

    def end(self, entry: Entry, kind: Kind = Kind.APPLIED, **data: Any) -> None:
        self.rules.settle(entry, kind, data=data)

    def done(
        self, name: str, action: CorrectionAction = UNDO, kind: Kind = Kind.APPLIED, **more: Any
    ) -> Entry:
        entry = self.begin(name, action, **more)
        self.end(entry, kind)
        return entry

    def late(self, entry: Entry) -> None:
        """A person decides; then the response says that the correction was applied."""
        self.end(entry, Kind.NOT_APPLIED, how="decided")
        self.rules.note(entry, Kind.UNKNOWN, {"late": "applied"})


@pytest.fixture
def book(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Book]:
    with records_of(ledger).rules(write=True) as rules:
        yield Book(rules, monkeypatch)


def targets(entries: list[Entry]) -> list[str | None]:
    return [entry.target for entry in entries]


def test_a_witness_left_its_own_event_reverted_within_a_day_before_or_later(book: Book) -> None:
    book.set(AT - DAY)
    book.done("too old")
    book.set(AT - DAY + TICK)
    old = book.begin("just in time", REDO_EVENT)
    book.rules.note(old, Kind.APPLIED, {}, target="another event of it")
    book.end(old)
    book.done("redone", REDO)
    book.done("failed", kind=Kind.FAILED)
    book.done("elsewhere", service="https://other.example.com")
    book.end(book.begin("decided"), how="decided")
    book.begin("open")
    book.set(AT)
    entry = book.begin("ref-1")
    book.set(AT + DAY)
    book.done("later")
    book.end(entry)
    found = witnesses(book.rules, entry)
    assert targets(found) == ["later", "just in time"]
    assert {each.kind for each in found} == {Kind.INTENT}


@pytest.mark.parametrize("count", [49, 50, 51])
def test_at_most_50_witnesses_are_named(book: Book, count: int) -> None:
    entry = book.begin("ref-1")
    names = [f"event {number}" for number in range(count)]
    for name in names:
        book.done(name)
    found = witnesses(book.rules, entry)
    assert targets(found) == names[::-1][:50]


@pytest.mark.parametrize("action", [REDO, REDO_EVENT])
def test_a_rival_may_have_ingested_an_event_within_a_day_before_or_later(
    book: Book, action: CorrectionAction
) -> None:
    book.set(AT - DAY)
    book.begin("old and open", action)
    book.done("too old", action)
    book.set(AT - DAY + TICK)
    book.done("just in time", action)
    book.done("undone", UNDO)
    book.done("elsewhere", action, service="https://other.example.com")
    for kind in (Kind.FAILED, Kind.NOT_APPLIED):
        book.done(f"{kind}", action, kind)
    book.late(book.begin("late", action))
    book.set(AT)
    entry = book.begin("ref-1", REDO)
    book.set(AT + DAY)
    book.begin("later", action)
    found = rivals(book.rules, entry)
    assert targets(found) == ["old and open", "just in time", "late", "later"]


def test_an_undo_has_no_rivals(ledger: Ledger) -> None:
    begin(ledger, claim("ref-2", REDO))
    entry, other = begin(ledger), begin(ledger, claim("ref-3", REDO))
    assert records_of(ledger).rivals(entry) == (None, [])
    assert targets(records_of(ledger).rivals(other)[1]) == ["ref-2"]


def test_another_correction_of_the_event_is_named_if_it_was_applied_later(book: Book) -> None:
    book.done("ref-1", REDO)
    entry = book.begin("ref-1", REDO)
    book.late(entry)  # its own outcome
    book.done("ref-2", REDO)
    book.done("ref-1", REDO, kind=Kind.FAILED)
    book.done("ref-1", REDO, service="https://other.example.com")
    unknown = book.begin("ref-1", REDO)
    book.rules.note(unknown, Kind.UNKNOWN, {})
    assert corrected_elsewhere(book.rules, entry) is None
    book.late(unknown)
    late = corrected_elsewhere(book.rules, entry)
    assert late is not None
    assert (late.kind, late.intent) == (Kind.UNKNOWN, unknown.id)
    last = book.done("ref-1", REDO)
    applied = corrected_elsewhere(book.rules, entry)
    assert applied is not None
    assert (applied.kind, applied.intent) == (Kind.APPLIED, last.id)
