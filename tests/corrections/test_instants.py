"""A correction that ends at each instant: what is raised, and what the ledger holds then. No I/O but the ledger's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from togai import Togai, TogaiError, errors
from togai._corrections import send
from togai._storage.rows import Claim
from togai._transport.auth import Secret
from togai._transport.steps import (
    Attempt,
    AttemptResult,
    Blocking,
    Failure,
    NoResponse,
    Response,
)
from togai.corrections import Correction, Ledger, Selection, Target
from togai.corrections._ledger import records_of
from togai.errors import CorrectionOutcomeUnknown, LedgerBusy
from togai.models import CorrectionAction

from ..conftest import TOKEN

CLAIM = Claim(
    correction=Correction(
        action=CorrectionAction.UNDO,
        selection=Selection(account_id="acme", reference_id="ref-1"),
    ),
    target=Target(reference_id="ref-1"),
)
REFUSED = {400, 401, 403, 404, 405, 407, 411, 413, 414, 415, 422, 429, 431}
APPLIED = {
    "referenceId": "ref-1",
    "status": "REVERTED",
    "reason": "",
    "eventPayload": {"id": "event-1", "accountId": "acme"},
    "ingestionStatus": {"status": "REVERTED"},
    "createdAt": "2024-12-04T07:30:35Z",
}


def response(status: int, *results: Any) -> Response:
    headers = {"content-type": "application/json", "x-request-id": "req-1"}
    return Response(status, json.dumps({"data": results}).encode(), headers)


class Sending:
    """Runs a correction; its only attempt ends as a test says."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(folder / "ledger.db", create=True, who="ann")
        self.client = Togai(TOKEN, base_url="https://service.example", max_retries=0)

    def run(
        self,
        outcome: Any,
        begun: int,
        *,
        ledger: bool = True,
        traced: bool = True,
        claims: Sequence[Claim] = (CLAIM,),
    ) -> Any:
        records = records_of(self.ledger) if ledger else None
        steps = send(self.client.events._settings, records, claims, None, "a mistake")
        sent: Any = None
        thrown: BaseException | None = None
        try:
            while True:
                step = steps.throw(thrown) if thrown else steps.send(sent)
                sent = thrown = None
                if isinstance(step, Blocking):
                    try:
                        sent = step.function()
                    except TogaiError as error:
                        thrown = error
                    continue
                assert isinstance(step, Attempt)
                assert step.delivery.confirm is not None or not ledger
                step.delivery.hand_over(traced=traced)
                step.delivery.begun = begun
                if outcome is GeneratorExit:
                    steps.close()
                    return None
                if isinstance(outcome, BaseException):
                    thrown = outcome
                else:
                    sent = AttemptResult(outcome, Secret(TOKEN), 0.0)
        except StopIteration as stop:
            return stop.value

    def outcomes(self) -> list[tuple[str, str | None]]:
        """The kind and the event of each row that is not an intent."""
        rows = [(str(row.kind), row.target) for row in self.ledger.history()]
        return [row for row in rows if row[0] != "intent"]

    def rows(self) -> list[tuple[str, str | None]]:
        """The kind and the cause of each row."""
        return [(str(row.kind), row.data.get("cause")) for row in self.ledger.history()]


@pytest.fixture
def sending(tmp_path: Path) -> Any:
    sending = Sending(tmp_path)
    with sending.client:
        yield sending


def test_a_success_is_recorded(sending: Sending) -> None:
    result = sending.run(response(200, APPLIED), 1)
    intent, settled = sending.ledger.history()
    assert result.recorded == (intent,)
    assert (intent.why, intent.who, intent.service) == (
        "a mistake",
        "ann",
        "https://service.example",
    )
    assert (settled.kind, settled.target) == ("applied", "ref-1")
    assert (settled.data["how"], settled.data["status"]) == ("response", 200)
    assert settled.data["request_id"] == "req-1"


@pytest.mark.parametrize("begun", [0, 1, 2])
@pytest.mark.parametrize("status", [*sorted(REFUSED), 402, 408, 409, 410, 412, 500, 502, 503])
def test_a_status_is_certain_only_if_it_is_a_refusal_of_one_request(
    sending: Sending, status: int, begun: int
) -> None:
    certain = begun == 0 or (begun == 1 and status in REFUSED)
    with pytest.raises(TogaiError) as caught:
        sending.run(response(status), begun)
    error = caught.value
    assert isinstance(error, CorrectionOutcomeUnknown) != certain
    assert getattr(error, "status", None) == status
    intent, outcome = sending.ledger.history()
    assert (outcome.kind, outcome.intent) == ("not applied" if certain else "unknown", intent.id)
    assert outcome.data["how"] == ("not sent" if certain else "response")
    assert str(status) in outcome.data["cause"]
    if isinstance(error, CorrectionOutcomeUnknown):
        assert (outcome.data["status"], outcome.data["request_id"]) == (status, "req-1")
        assert (tuple(error.entries), error.service) == ((intent,), "https://service.example")
        assert (error.method, error.path) == ("POST", "/events/correction")
        assert (error.attempts, error.cause) == (1, outcome.data["cause"])
        assert [entry.cause for entry in sending.ledger.pending()] == [error.cause]
        assert error.__cause__ is None
        assert error.at is not None
        assert timedelta(0) <= datetime.now(UTC) - error.at < timedelta(minutes=1)
        assert not hasattr(error, "__notes__")
    else:
        assert sending.ledger.pending() == []


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize(("begun", "traced"), [(0, True), (1, True), (0, False)])
@pytest.mark.parametrize("ledger", [True, False])
def test_no_response_is_certain_only_if_nothing_was_begun(
    sending: Sending, failure: Failure, begun: int, traced: bool, ledger: bool
) -> None:
    certain = begun == 0 and traced
    with pytest.raises(TogaiError) as caught:
        sending.run(NoResponse(failure, "gone"), begun, traced=traced, ledger=ledger)
    classes = {
        Failure.NOT_SENT: errors.ConnectionFailed,
        Failure.TIMED_OUT: errors.TimedOut,
        Failure.LOST: errors.ConnectionLost,
    }
    assert type(caught.value) is (classes[failure] if certain else CorrectionOutcomeUnknown)
    kinds = [kind for kind, _ in sending.rows()]
    assert kinds == (["intent", "not applied" if certain else "unknown"] if ledger else [])


@pytest.mark.parametrize(("status", "begun"), [(201, 1), (202, 1), (204, 1), (200, 2)])
def test_a_success_that_is_not_about_one_request_is_unknown(
    sending: Sending, status: int, begun: int
) -> None:
    with pytest.raises(CorrectionOutcomeUnknown):
        sending.run(response(status, APPLIED), begun)
    assert [kind for kind, _ in sending.rows()] == ["intent", "unknown"]


ANOTHER = {**APPLIED, "referenceId": "ref-2"}


@pytest.mark.parametrize("results", [[], [ANOTHER], [APPLIED, ANOTHER], [APPLIED, APPLIED]])
@pytest.mark.parametrize("ledger", [True, False])
def test_a_success_that_does_not_show_the_event_and_no_other_is_unknown(
    sending: Sending, results: list[Any], ledger: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CorrectionOutcomeUnknown) as caught:
        sending.run(response(200, *results), 1, ledger=ledger)
    assert vars(caught.value)["status"] == 200
    assert not hasattr(caught.value, "__notes__")
    assert [kind for kind, _ in sending.rows()] == (["intent", "unknown"] if ledger else [])
    following = (
        f"entry 1 is open in the ledger {sending.ledger}" if ledger else "there is no ledger"
    )
    assert following in caplog.text


def result(reference_id: str | None, status: str, event_id: str = "event-1") -> dict[str, Any]:
    named = {} if reference_id is None else {"referenceId": reference_id}
    payload = {"id": event_id, "accountId": "acme"}
    return {**APPLIED, "referenceId": None, **named, "status": status, "eventPayload": payload}


ONE, TWO = result("ref-1", "REVERTED"), result("ref-2", "REVERTED")
QUEUED, FAILED = result("ref-2", "QUEUED"), result("ref-2", "FAILED")


@pytest.mark.parametrize(
    ("results", "recorded"),
    [
        ([ONE], [("applied", "ref-1"), ("applied", None)]),
        ([ONE, TWO], [("applied", "ref-1"), ("applied", "ref-2"), ("applied", None)]),
        ([ONE, result(None, "REVERTED")], [("applied", "ref-1"), ("applied", None)]),
        ([ONE, FAILED], [("applied", "ref-1"), ("applied", None)]),
        ([FAILED], [("failed", None)]),
        ([], [("unknown", None)]),
        ([QUEUED], [("unknown", None)]),
        ([ONE, QUEUED], [("unknown", None)]),
    ],
)
@pytest.mark.parametrize("background", [False, True])
def test_the_outcome_of_a_whole_account_is_that_of_its_events(
    sending: Sending, results: list[Any], recorded: list[Any], background: bool
) -> None:
    whole = evolve(CLAIM.correction, selection=Selection(account_id="acme"), background=background)
    claims = [Claim(correction=whole, target=None)]
    if background:
        sending.run(response(202, *results), 1, claims=claims)
        *others, last = sending.outcomes()
        assert last == ("unknown", None)
        undone = [row["referenceId"] for row in results if row["status"] == "REVERTED"]
        assert others == [("applied", name) for name in undone if name is not None]
    elif recorded[-1][0] == "unknown":
        with pytest.raises(CorrectionOutcomeUnknown, match="unknown status"):
            sending.run(response(200, *results), 1, claims=claims)
        assert sending.outcomes() == recorded
    else:
        sending.run(response(200, *results), 1, claims=claims)
        assert sending.outcomes() == recorded


@pytest.mark.parametrize(
    ("results", "recorded", "entries"),
    [
        ([ONE, TWO], [("applied", "ref-1"), ("applied", "ref-2")], None),
        # An event that matches and was not read before is noted; one that does not match is not.
        (
            [ONE, TWO, result("ref-3", "REVERTED")],
            [("applied", "ref-3"), ("applied", "ref-1"), ("applied", "ref-2")],
            None,
        ),
        (
            [ONE, TWO, result("ref-3", "REVERTED", "event-2"), result(None, "REVERTED")],
            [("applied", "ref-1"), ("applied", "ref-2")],
            None,
        ),
        ([ONE, FAILED], [("applied", "ref-1"), ("failed", "ref-2")], None),
        ([ONE, QUEUED], [("applied", "ref-1"), ("unknown", "ref-2")], ["ref-2"]),
        ([TWO], [("applied", "ref-2"), ("unknown", "ref-1")], ["ref-1"]),
        ([], [("unknown", "ref-1"), ("unknown", "ref-2")], ["ref-1", "ref-2"]),
    ],
)
def test_each_event_that_a_filter_selects_has_its_own_outcome(
    sending: Sending, results: list[Any], recorded: list[Any], entries: list[str] | None
) -> None:
    selection = Selection(account_id="acme", event_id="event-1")
    one = evolve(CLAIM.correction, selection=selection)
    claims = [
        Claim(correction=one, target=Target(reference_id=name, event_id="event-1"))
        for name in ("ref-1", "ref-2")
    ]
    if entries is None:
        assert len(sending.run(response(200, *results), 1, claims=claims)) == len(results)
    else:
        with pytest.raises(CorrectionOutcomeUnknown) as caught:
            sending.run(response(200, *results), 1, claims=claims)
        assert caught.value.cause.startswith("POST /events/correction returned 200, and the resp")
        assert [entry.target for entry in caught.value.entries] == entries
    assert sending.outcomes() == recorded


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), ValueError("a hook's own")])
@pytest.mark.parametrize("begun", [0, 1])
@pytest.mark.parametrize("ledger", [True, False])
def test_an_exception_of_the_caller_passes_and_says_whether_it_was_sent(
    sending: Sending, error: BaseException, begun: int, ledger: bool
) -> None:
    error = type(error)(*error.args)
    with pytest.raises(type(error)) as caught:
        sending.run(error, begun, ledger=ledger)
    assert caught.value is error
    notes = getattr(error, "__notes__", [])
    assert len(notes) == begun
    assert all("may have been applied" in note for note in notes)
    cause = str(error) or type(error).__name__
    rows = [("intent", None), ("unknown" if begun else "not applied", cause)]
    assert sending.rows() == (rows if ledger else [])


@pytest.mark.parametrize("begun", [0, 1])
@pytest.mark.parametrize("ledger", [True, False])
def test_a_call_that_is_dropped_stays_open_only_if_it_was_begun(
    sending: Sending, begun: int, ledger: bool
) -> None:
    sending.run(GeneratorExit, begun, ledger=ledger)
    dropped = [] if begun else [("not applied", "interrupted")]
    assert sending.rows() == ([("intent", None), *dropped] if ledger else [])


def test_a_call_can_be_dropped_while_the_ledger_is_busy(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("togai._storage.records.Records.abandon", busy)
    sending.run(GeneratorExit, 0)
    assert sending.rows() == [("intent", None)]


def test_what_the_ledger_refuses_is_not_written_to_it(
    sending: Sending, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Another transaction would wait once more for a ledger that is busy."""
    monkeypatch.setattr("togai._storage.records.Records.begin", busy)
    monkeypatch.setattr("togai._storage.records.Records.abandon", busy)
    with pytest.raises(LedgerBusy):
        sending.run(AssertionError("it was sent"), 1)
    assert not caplog.records


def busy(*_given: Any, **_more: Any) -> None:
    raise LedgerBusy("ledger.db", 1.0)


def test_what_is_locked_or_corrected_is_not_sent_and_nothing_is_written(sending: Sending) -> None:
    with pytest.raises(CorrectionOutcomeUnknown):
        sending.run(response(502), 1)
    with pytest.raises(errors.AlreadyPending):
        sending.run(AssertionError("it was sent"), 1)
    assert len(sending.rows()) == 2
    sending.ledger.decide(1, "applied", who="bob", why="ok")
    with pytest.raises(errors.AlreadyCorrected):
        sending.run(AssertionError("it was sent"), 1)
    assert len(sending.rows()) == 3


@pytest.mark.parametrize("method", ["abandon", "conclude"])
def test_a_ledger_that_fails_afterwards_hides_no_outcome(
    sending: Sending, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(f"togai._storage.records.Records.{method}", busy)
    if method == "abandon":
        with pytest.raises(errors.BadRequest):
            sending.run(response(400), 1)
        with pytest.raises(errors.AlreadyPending):
            sending.run(GeneratorExit, 0)
    else:
        assert sending.run(response(200, APPLIED), 1).succeeded
    assert "The entry stays open. Next: client.events.reconcile(entry)" in caplog.text
    assert [kind for kind, _ in sending.rows()] == ["intent"]
