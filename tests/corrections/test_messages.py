"""What the errors of corrections say, and what they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve, fields

from togai.corrections import Correction, Entry, Kind, Selection
from togai.corrections._step import Outcome, Step
from togai.errors import (
    AlreadyCorrected,
    AlreadyPending,
    CorrectionFailed,
    CorrectionOutcomeUnknown,
    LedgerBusy,
    LedgerDamaged,
    NotApproved,
    PlanIncomplete,
    StaleReading,
)
from togai.models import CorrectionAction, CorrectionStatus, EventCorrectionInfo
from togai.testing import make

CORRECTION = Correction(
    action=CorrectionAction.UNDO, selection=Selection(account_id="acme", reference_id="ref-1")
)
AT = datetime(2024, 12, 5, 12, tzinfo=UTC)
EMPTY: dict[str, Any] = dict.fromkeys(field.name for field in fields(Entry))
ENTRY = Entry(
    **{**EMPTY, "id": 7, "at": AT, "kind": Kind.INTENT, "action": "UNDO", "account": "acme"},
)


def test_an_open_correction_is_named_with_the_next_step() -> None:
    error = AlreadyPending(ENTRY)
    assert error.entry is ENTRY
    assert f"nothing was sent, because an earlier correction is open: {ENTRY}." in str(error)
    assert "ledger.settle(entry, client.events.reconcile(entry))" in str(error)
    assert "alias" not in str(error)
    assert "one of the two accounts may be an alias" in str(AlreadyPending(ENTRY, unread=True))


@pytest.mark.parametrize(
    ("replacement", "instead"),
    [
        ("ref-2", "Correct its replacement ref-2 instead"),
        (None, "If another event replaced it, correct that event"),
    ],
)
def test_a_corrected_event_is_named_with_its_replacement(
    replacement: str | None, instead: str
) -> None:
    error = AlreadyCorrected(ENTRY, replacement)
    assert (error.entry, error.replacement) == (ENTRY, replacement)
    assert f"this event was corrected already: {ENTRY}. {instead};" in str(error)
    assert "ledger.release(7, who=..., why=...)" in str(error)


@pytest.mark.parametrize("entry", [None, ENTRY])
def test_a_stale_reading_names_the_problem(entry: Entry | None) -> None:
    error = StaleReading("status was A and is B", entry)
    assert error.entry is entry
    assert str(error) == "nothing was sent: status was A and is B. Read the event again"


def test_a_plan_that_is_not_approved_is_named_by_its_digest() -> None:
    error = NotApproved("0123456789abcdef")
    assert error.digest == "0123456789abcdef"
    assert "the plan 0123456789ab is not approved in this ledger" in str(error)


def test_a_busy_ledger_is_named_with_the_wait() -> None:
    error = LedgerBusy("ledger.db", 1.5)
    assert error.ledger == "ledger.db"
    assert "the ledger ledger.db was locked by another process for 1.5 s" in str(error)


@pytest.mark.parametrize(
    ("count", "shown"), [(1, "1."), (3, "1; 2; 3."), (4, "1; 2; 3; ....")], ids=str
)
def test_a_damaged_ledger_names_three_problems(count: int, shown: str) -> None:
    problems = [str(number) for number in range(1, count + 1)]
    error = LedgerDamaged("ledger.db", problems)
    assert (error.ledger, error.problems) == ("ledger.db", tuple(problems))
    assert f"the ledger ledger.db is damaged: {shown} Correct nothing with it" in str(error)


def test_an_incomplete_plan_holds_the_steps_that_are_left() -> None:
    step = Step(number=1, total=1, item=CORRECTION, outcome=Outcome.UNKNOWN)
    error = PlanIncomplete("1 corrections: 1 unknown", [step])
    assert (str(error), error.steps) == ("1 corrections: 1 unknown", (step,))
    assert PlanIncomplete("nothing").steps == ()


@pytest.mark.parametrize(
    ("failed", "unknown", "names", "more"),
    [
        (1, 0, ["f0"], None),
        (2, 3, ["f0", "f1", "u0", "u1", "u2"], None),
        (4, 2, ["f0", "f1", "f2", "f3", "u0"], "; and 1 more"),
        (0, 9, ["u0", "u1", "u2", "u3", "u4"], "; and 4 more"),
    ],
)
def test_events_that_were_not_corrected_are_named_up_to_five(
    failed: int, unknown: int, names: list[str], more: str | None
) -> None:
    entry = make(EventCorrectionInfo)
    entries = {
        kind: [
            evolve(
                entry, reference_id=f"{kind}{number}", status=CorrectionStatus.FAILED, reason="old"
            )
            for number in range(count)
        ]
        for kind, count in (("f", failed), ("u", unknown))
    }
    error = CorrectionFailed(entries["f"], entries["u"])
    assert (error.failed, error.unknown) == (tuple(entries["f"]), tuple(entries["u"]))
    reasons = "; ".join(f"{name}: FAILED, old" for name in names)
    assert str(error) == f"{failed} failed and {unknown} unknown: {reasons}{more or ''}"


@pytest.mark.parametrize("entries", [[], [ENTRY], [ENTRY, evolve(ENTRY, id=8)]])
def test_an_unknown_outcome_holds_everything_that_reconcile_needs(entries: list[Entry]) -> None:
    held = [evolve(entry, ledger="ledger.db") for entry in entries]
    error = CorrectionOutcomeUnknown(
        CORRECTION, "status 502", status=502, entries=held, service="https://a.example", at=AT
    )
    assert (error.correction, error.cause, error.status) == (CORRECTION, "status 502", 502)
    assert (error.entries, error.service, error.at) == (tuple(held), "https://a.example", AT)
    numbers = ", ".join(str(entry.id) for entry in held)
    where = f" (open in the ledger ledger.db: entry {numbers})" if entries else ""
    assert f"may or may not have been applied: status 502.{where} It was not sent" in str(error)
