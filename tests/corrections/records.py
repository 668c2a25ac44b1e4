"""Entries as the tests write them: claims of a correction, begun and concluded without a request."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from togai._storage import database, uptime
from togai._storage.rows import Claim
from togai.corrections import Correction, Kind, Ledger, Selection, Target
from togai.corrections._ledger import records_of
from togai.models import CorrectionAction

SERVICE = "https://api.togai.com"
UNDO, REDO, REDO_EVENT = CorrectionAction.UNDO, CorrectionAction.REDO, CorrectionAction.REDO_EVENT
DIGEST = "a" * 64


def claim(
    reference_id: str | None = "ref-1",
    action: CorrectionAction = UNDO,
    account: str = "acme",
    shown: str | None = "acme",
    **more: Any,
) -> Claim:
    selection = Selection(account_id=account, reference_id=reference_id)
    target = None if reference_id is None else Target(reference_id=reference_id, account_id=shown)
    return Claim(correction=Correction(action=action, selection=selection), target=target, **more)


def begin(ledger: Ledger, *claims: Claim, service: str = SERVICE, **more: Any) -> Any:
    more.setdefault("call", os.urandom(4).hex())
    records = records_of(ledger).within(more.pop("wait", 30.0))
    return records.begin(list(claims) or [claim()], service=service, **more)[0]


def head(ledger: Ledger) -> int:
    return records_of(ledger).check(SERVICE, None)


def corrected(ledger: Ledger, one: Claim | None = None) -> Any:
    entry = begin(ledger, one or claim())
    records_of(ledger).conclude(entry, Kind.APPLIED, {"status": 200})
    return entry


def set_clock(
    monkeypatch: pytest.MonkeyPatch, moment: datetime, passed: timedelta | None = None
) -> None:
    """Set the clock of a file; `passed` is the time since 2024 that really passed, if somebody set the clock."""
    passed = moment - datetime(2024, 1, 1, tzinfo=UTC) if passed is None else passed
    seconds = passed.total_seconds()
    monkeypatch.setattr(database._SQLiteTransaction, "now", lambda _self: moment)
    monkeypatch.setattr(uptime, "time", SimpleNamespace(monotonic=lambda: seconds))
