"""Somebody sets the clock of a ledger ahead, or a computer gets the right time, while a correction is in progress."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from togai import InvalidRequest
from togai._storage import uptime
from togai.corrections import Ledger
from togai.testing import FakeTogai

from ..conftest import Api
from .records import begin, set_clock
from .test_reconcile import lost

AT = datetime(2024, 12, 4, 7, 30, tzinfo=UTC)
PASSED = timedelta(days=3)
SOON, MINUTES = timedelta(seconds=2), timedelta(minutes=10)
YEAR = timedelta(days=365)


def test_a_person_does_not_decide_too_early_because_the_clock_was_set_ahead(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    set_clock(monkeypatch, AT, PASSED)
    entry = begin(ledger)
    set_clock(monkeypatch, AT + YEAR, PASSED + SOON)
    expected = f"decide after {AT + YEAR - SOON + MINUTES:%Y-%m-%d %H:%M:%SZ}"
    with pytest.raises(InvalidRequest, match=expected):
        ledger.decide(entry, "not applied", who="bob", why="ok")
    set_clock(monkeypatch, AT + YEAR - SOON + MINUTES, PASSED + MINUTES)
    ledger.decide(entry, "not applied", who="bob", why="ok")


def test_a_correction_is_not_older_because_the_clock_was_set_ahead(
    client: Api, fake: FakeTogai, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(1)
    set_clock(monkeypatch, AT, PASSED)
    entry = lost(client, fake, ledger, "UNDO", acts=False)
    set_clock(monkeypatch, AT + YEAR, PASSED + SOON)
    reconciliation = client.call("reconcile", entry)
    assert reconciliation.verdict == "cannot tell"
    assert reconciliation.check_after == AT + YEAR - SOON + MINUTES
    set_clock(monkeypatch, AT + YEAR - SOON + MINUTES, PASSED + MINUTES)
    assert client.call("reconcile", entry).verdict == "not applied"


def test_a_witness_is_not_later_because_the_clock_was_set_ahead(
    client: Api, fake: FakeTogai, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(2)
    set_clock(monkeypatch, AT, PASSED)
    entry = lost(client, fake, ledger, "REDO_EVENT", acts=False)
    set_clock(monkeypatch, AT + YEAR, PASSED + SOON)
    client.call("undo", client.call("find", "acme")[1])
    set_clock(monkeypatch, AT + YEAR + MINUTES, PASSED + SOON + MINUTES)
    reconciliation = client.call("reconcile", entry)
    assert reconciliation.verdict == "cannot tell"
    assert "no later correction in the ledger shows" in reconciliation.evidence[-1]


def test_after_a_restart_of_the_host_the_clock_of_the_ledger_counts(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    set_clock(monkeypatch, AT, PASSED)
    entry = begin(ledger)
    set_clock(monkeypatch, AT + MINUTES, SOON)
    monkeypatch.setattr(uptime, "_boot", lambda: "another")
    ledger.decide(entry, "not applied", who="bob", why="ok")


def test_an_entry_of_an_earlier_version_has_no_second_clock() -> None:
    assert uptime.since(None) is None


def test_a_clock_that_nobody_sets_does_not_go_back() -> None:
    recorded = uptime.reading()
    recorded["seconds"] += 1000
    assert uptime.since(recorded) == timedelta(0)


def test_the_time_of_a_suspended_computer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = uptime.reading()
    resumed = SimpleNamespace(
        CLOCK_BOOTTIME=7, clock_gettime=lambda _clock: recorded["seconds"] + 3600
    )
    monkeypatch.setattr(uptime, "time", resumed)
    assert uptime.since(recorded) == timedelta(hours=1)


def test_a_system_without_the_id_of_its_start_compares_within_a_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(uptime, "_BOOT_ID", tmp_path / "none")
    uptime._boot.cache_clear()
    recorded = uptime.reading()
    assert uptime.since(recorded) is not None
    uptime._boot.cache_clear()
    assert uptime.since(recorded) is None
    uptime._boot.cache_clear()
