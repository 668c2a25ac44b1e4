"""A ledger that loses entries: a server that fails over, a file that is restored, or one that has two names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from togai import ConfigurationError
from togai._storage import names
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


def test_a_ledger_with_a_hard_link_is_refused(path: Path, ledger: Ledger) -> None:
    link = path.with_name("link.db")
    link.hardlink_to(path)
    for each in (ledger, Ledger(link)):
        with pytest.raises(ConfigurationError, match="delete the link, or mount"):
            begin(each)
    link.unlink()
    begin(ledger)


@pytest.mark.parametrize("name", ["ledger.db", "two words\\.db"])
def test_a_ledger_that_is_mounted_without_its_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    ledger = Ledger(path, create=True)
    shown = str(path).replace("\\", r"\134").replace(" ", r"\040")
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(names, "_MOUNTS", mounts)
    mounts.write_text(f"36 35 98:0 /host {shown}.d rw - ext4 /dev/sda rw\n")
    begin(ledger, claim("ref-1"))
    mounts.write_text(f"36 35 98:0 /host/ledger.db {shown} rw - ext4 /dev/sda rw\n")
    with pytest.raises(ConfigurationError, match="mount the folder"):
        begin(ledger, claim("ref-2"))
    monkeypatch.setattr(names, "_MOUNTS", tmp_path / "missing")
    begin(ledger, claim("ref-3"))


def test_an_entry_that_an_old_backup_lacks_is_reported_once(path: Path, ledger: Ledger) -> None:
    copy = path.read_bytes()
    begin(ledger, claim("ref-1"))
    path.write_bytes(copy)
    with pytest.raises(LedgerDamaged, match="an old backup") as caught:
        begin(ledger, claim("ref-2"))  # by this process, and by the file beside the ledger
    assert len(caught.value.problems) == 1
