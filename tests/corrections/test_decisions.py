"""What persons do with a ledger: approve, settle, decide and release; and what is recorded about it."""

from __future__ import annotations

import getpass
import json
import pickle
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from togai import ConfigurationError, InvalidRequest
from togai.corrections import Kind, Ledger, Reconciliation, Verdict
from togai.corrections._ledger import records_of
from togai.errors import AlreadyCorrected
from togai.models import CorrectionAction

from .records import DIGEST, SERVICE, begin, claim, corrected


def test_a_ledger_is_opened_for_the_person_who_is_logged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "carol")
    assert Ledger(tmp_path / "ledger.db").who == "carol"
    assert Ledger(tmp_path / "ledger.db", who="ann").who == "ann"
    for wrong in ("", " ", "a\0b", 5):
        with pytest.raises(InvalidRequest, match="who="):
            Ledger(tmp_path / "ledger.db", who=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [OSError("no user"), KeyError("uid"), ImportError("pwd")])
def test_a_container_may_have_no_such_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def getuser() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", getuser)
    assert Ledger(tmp_path / "ledger.db").who == "unknown"


def test_ctrl_c_while_the_login_name_is_read_is_not_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getuser() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(getpass, "getuser", getuser)
    with pytest.raises(KeyboardInterrupt):
        Ledger(tmp_path / "ledger.db")


def test_a_pickled_ledger_keeps_its_address_and_its_person(ledger: Ledger) -> None:
    again = pickle.loads(pickle.dumps(ledger))
    assert (str(again), again.who, again.id) == (str(ledger), "ann", ledger.id)
    assert repr(ledger) == f"Ledger({str(ledger)!r})"


def test_create_refuses_a_ledger_that_this_version_cannot_use(ledger: Ledger) -> None:
    with closing(sqlite3.connect(str(ledger))) as connection:
        connection.execute("UPDATE togai_meta SET value = '99' WHERE name = 'version'")
        connection.commit()
    with pytest.raises(ConfigurationError, match="version 99"):
        Ledger(str(ledger), create=True)


def test_lines_for_auditors_are_ascii(ledger: Ledger) -> None:
    ledger.approve(DIGEST, who="Zoë", why="ja")
    (line,) = ledger.json_lines()
    assert line.isascii()
    assert json.loads(line)["who"] == "Zoë"


def test_an_approval_is_recorded(ledger: Ledger) -> None:
    ledger.approve(DIGEST, who="bob", why="looks right")
    (entry,) = ledger.history()
    assert (entry.kind, entry.plan, entry.who, entry.why) == (
        "approved",
        DIGEST,
        "bob",
        "looks right",
    )
    assert entry.data["client"]


def reconciliation(entry: Any, verdict: Verdict) -> Reconciliation:
    evidence = ("ref-1 is REVERTED", "as expected")
    return Reconciliation(
        verdict=verdict, correction=entry.correction, evidence=evidence, entry=entry
    )


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (Verdict.APPLIED, "applied"),
        (Verdict.NOT_APPLIED, "not applied"),
        (Verdict.CANNOT_TELL, "unknown"),
    ],
)
def test_a_verdict_is_recorded_with_its_evidence(
    ledger: Ledger, verdict: Verdict, kind: str
) -> None:
    entry = begin(ledger)
    Ledger(str(ledger), who="bob").settle(entry, reconciliation(entry, verdict))
    *_, last = ledger.history()
    assert (last.kind, last.who, last.intent) == (kind, "bob", entry.id)
    assert (last.data["how"], last.data["cause"]) == ("reconciled", "ref-1 is REVERTED")
    assert last.data["evidence"] == ["ref-1 is REVERTED", "as expected"]
    assert len(ledger.pending()) == (kind == "unknown")


def test_a_verdict_settles_its_own_entry_only(ledger: Ledger, tmp_path: Path) -> None:
    first, second = begin(ledger), begin(ledger, claim("ref-2"))
    elsewhere = begin(Ledger(tmp_path / "other.db", create=True))
    for wrong in (
        reconciliation(second, Verdict.APPLIED),
        reconciliation(elsewhere, Verdict.APPLIED),
        evolve(reconciliation(first, Verdict.APPLIED), entry=None),
        None,
    ):
        with pytest.raises(InvalidRequest, match="does not belong to entry 1"):
            ledger.settle(first, wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="does not belong to 1"):
        ledger.settle(1, reconciliation(first, Verdict.APPLIED))  # type: ignore[arg-type]
    assert len(ledger.pending()) == 2


def test_a_decision_is_recorded(ledger: Ledger) -> None:
    entry = begin(ledger)
    ledger.decide(entry.id, "not applied", who="bob", why="support says so", min_age=timedelta(0))
    *_, last = ledger.history()
    assert (last.kind, last.who, last.why, last.intent) == (
        "not applied",
        "bob",
        "support says so",
        entry.id,
    )
    assert last.data["how"] == "decided"


@pytest.mark.parametrize("name", ["entry", "number", "intent", "its number"])
def test_a_release_is_recorded_whatever_names_the_correction(ledger: Ledger, name: str) -> None:
    intent = corrected(ledger)
    *_, applied = ledger.history()
    named = {
        "entry": applied,
        "number": applied.id,
        "intent": intent,
        "its number": intent.id,
    }[name]
    # An open correction of the same reference id at another service is no obstacle.
    begin(ledger, service="https://sandbox-api.togai.com")
    ledger.release(named, who="bob", why="a mistake")
    *_, last = ledger.history()
    assert (last.kind, last.intent, last.who, last.why) == (
        "released",
        intent.id,
        "bob",
        "a mistake",
    )
    assert (last.action, last.service, last.account, last.target) == (
        "UNDO",
        SERVICE,
        "acme",
        "ref-1",
    )
    assert last.data["client"]
    begin(ledger)


def test_one_event_of_a_whole_account_can_be_released(ledger: Ledger) -> None:
    whole = begin(ledger, claim(None))
    records_of(ledger).conclude(whole, Kind.APPLIED, {}, applied=["ref-7", "ref-8"])
    with pytest.raises(AlreadyCorrected) as caught:
        begin(ledger, claim("ref-8"))
    with pytest.raises(InvalidRequest, match="release a single event"):
        ledger.release(whole, who="bob", why="a mistake")
    ledger.release(caught.value.entry, who="bob", why="a mistake")
    begin(ledger, claim("ref-8"))
    with pytest.raises(AlreadyCorrected):
        begin(ledger, claim("ref-7"))


def test_an_earlier_correction_is_not_what_prevents_another_one(ledger: Ledger) -> None:
    redone = corrected(ledger, claim(action=CorrectionAction.REDO))
    undone = corrected(ledger)
    with pytest.raises(InvalidRequest, match="does not prevent a correction of ref-1"):
        ledger.release(redone, who="bob", why="a mistake")
    ledger.release(undone, who="bob", why="a mistake")
