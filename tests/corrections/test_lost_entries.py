"""A ledger that loses entries while a correction is sent: a server that fails over, or a file that is restored."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from togai.corrections import Kind, Ledger
from togai.corrections._ledger import records_of
from togai.errors import LedgerDamaged

from .records import begin, claim

LACKS = "it lacks entry 1: intent UNDO of ref-1"


@contextmanager
def lost(path: Path) -> Iterator[None]:
    """The ledger lacks what is written within the `with`."""
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    yield
    shutil.copy(copy, path)
    path.with_name("ledger.db.mark").unlink()


def test_the_outcome_of_a_lost_entry_does_not_settle_the_one_that_has_its_number(
    path: Path, ledger: Ledger
) -> None:
    with lost(path):
        entry = begin(ledger, claim("ref-1"))
    other = begin(Ledger(path), claim("ref-2"))
    assert other.id == entry.id
    with pytest.raises(LedgerDamaged, match=LACKS):
        records_of(ledger).conclude(entry, Kind.APPLIED, {"how": "response"})
    with pytest.raises(LedgerDamaged, match=LACKS):
        records_of(ledger).add_replacement(entry, "ref-3")
    assert ledger.pending() == [other]
    assert len(list(ledger.history())) == 1


def test_a_correction_whose_entry_is_lost_before_its_turn_is_not_sent(
    path: Path, ledger: Ledger
) -> None:
    with lost(path):
        entry = begin(ledger, claim("ref-1"))
    begin(Ledger(path), claim("ref-2"))
    with pytest.raises(LedgerDamaged, match=LACKS):
        records_of(ledger).confirm([entry])
