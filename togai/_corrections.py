"""Corrections as steps: lock the targets in the ledger, send once, check the response, and record the outcome."""

from __future__ import annotations

import logging
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from togai import _calls, _correction_responses, _requests
from togai._claims import claims_of, ledger_of
from togai._printable import counted, printable
from togai._responses import unexpected
from togai._storage.rows import Claim
from togai._transport.retry import REFUSALS
from togai._transport.steps import Blocking, Delivery
from togai._where import Where, check_names
from togai.corrections._checks import build_correction, check_removed, check_reverted
from togai.corrections._correction import Correction, Target
from togai.corrections._entry import Entry, Kind
from togai.corrections._matching import contradicts, reads_for
from togai.errors import (
    AlreadyCorrected,
    AlreadyPending,
    CorrectionOutcomeUnknown,
    InvalidRequest,
    LedgerBusy,
    NotApproved,
    StaleReading,
    StatusError,
    TogaiError,
)
from togai.models import CorrectionAction, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from togai._settings import Settings
    from togai._storage.records import Records
    from togai._transport.steps import Call, Response, Steps
    from togai._transport.timeout import Timeout
    from togai.corrections._ledger import LedgerLike
    from togai.corrections._result import CorrectionResult
    from togai.models import ReadEvent

logger = logging.getLogger("togai")

_RECONCILE = "client.events.reconcile(entry) for each entry of ledger.pending(), then ledger.settle(entry, result)"
_NOTHING_WRITTEN = (
    AlreadyPending,
    AlreadyCorrected,
    StaleReading,
    NotApproved,
    InvalidRequest,
    LedgerBusy,
)


def correct(
    settings: Settings,
    function: str,
    action: CorrectionAction | str,
    target: ReadEvent | None,
    where: Where,
    *,
    event: Event | None = None,
    background: bool,
    require_confirmation: bool | None,
    keep_unknown: bool = False,
    allow_reverted: bool,
    allow_removed: bool = False,
    reread: bool,
    ledger: LedgerLike,
    timeout: float | Timeout | None,
    changed: bool = False,
) -> Steps[CorrectionResult]:
    """Send a one-off correction; `changed` is True if the caller changed the payload of the target."""
    check_names(where, function)
    correction = build_correction(
        action,
        target,
        where,
        event=event,
        background=background,
        require_confirmation=require_confirmation,
        keep_unknown=keep_unknown,
        allow_reverted=allow_reverted,
        allow_removed=allow_removed,
    )
    locked = ledger_of(settings, ledger, timeout)
    claims = [Claim(correction=correction, target=None)]
    if locked is not None or changed:
        claims = yield from claims_of(
            settings, locked, correction, timeout, reread=reread, changed=changed
        )
    for claim in claims:
        for read in claim.matched:
            check_reverted(read, allow_reverted=allow_reverted)
        if claim.target is not None:
            check_reverted(claim.target, allow_reverted=allow_reverted)
            check_removed(correction.event, claim.target, allow_removed=allow_removed)
    return (yield from send(settings, locked, claims, timeout))


def replace(
    settings: Settings,
    event: Event | ReadEvent,
    target: ReadEvent | None,
    where: Where,
    **options: Any,
) -> Steps[CorrectionResult]:
    """Send a REDO_EVENT; an event that was read and then changed is both the replacement and the target."""
    check_names(where, "replace")
    payload: object = event if isinstance(event, Event) else getattr(event, "event_payload", None)
    if not isinstance(payload, Event):
        raise InvalidRequest(
            f"replace takes an Event, or an event that was read, not {type(event).__name__}"
        )
    read = None if isinstance(event, Event) else event
    if target is not None or any(where.values()):
        read = None
    if read is not None and Target.of(read).reference_id is None:
        # The caller may have changed the id, which would then select another event.
        raise InvalidRequest(
            "this event has no reference id: also pass the event that was read, as target"
        )
    action, changed = CorrectionAction.REDO_EVENT, read is not None
    steps = correct(
        settings,
        "replace",
        action,
        read or target,
        where,
        event=payload,
        changed=changed,
        **options,
    )
    return (yield from steps)


def send(
    settings: Settings,
    ledger: Records | None,
    claims: Sequence[Claim],
    timeout: float | Timeout | None,
    why: str | None = None,
) -> Steps[CorrectionResult]:
    """Lock the targets, send the correction once, and record its outcome.

    Raises:
        CorrectionOutcomeUnknown: It may have been applied; its entries stay open.
        TogaiError: Any other failure. Nothing was applied.
    """
    attempt = _Sent(settings, ledger, claims, datetime.now(UTC))
    correction = attempt.correction
    request = _requests.correct_events(correction)
    delivery, call = Delivery(), uuid.uuid4().hex
    try:
        if ledger is not None:
            begin = partial(ledger.begin, service=settings.service, call=call, why=why)
            attempt.entries = yield Blocking(partial(begin, claims))
            # After a long wait (rate limit, suspended computer), somebody may have reconciled the entry meanwhile.
            delivery.confirm = partial(ledger.confirm, attempt.entries)
        response = yield from _calls.send(settings, request, timeout, delivery)
        _check_applied(request, response, correction, delivery)
        result = _correction_responses.read_correction(
            settings.reader, request, response, correction
        )
    except GeneratorExit:
        if ledger is not None and not delivery.possible:
            with suppress(TogaiError):
                ledger.abandon(call, "interrupted")
        raise
    except BaseException as error:
        if isinstance(error, _NOTHING_WRITTEN) and not attempt.entries:
            raise
        if not delivery.possible or (_is_refusal(error) and not delivery.repeated):
            if ledger is not None:
                yield from record(partial(ledger.abandon, call, str(error) or type(error).__name__))
            raise
        unknown = yield from attempt.unknown(error, attempt.entries)
        if isinstance(error, TogaiError):
            raise unknown from None
        _add_note(error, correction)
        raise
    result.recorded = tuple(attempt.entries)
    yield from _conclude(attempt, result, response, timeout)
    return result


def _conclude(
    attempt: _Sent,
    result: CorrectionResult,
    response: Response,
    timeout: float | Timeout | None,
) -> Steps[None]:
    try:
        yield from attempt.conclude(result, response, timeout)
    except TogaiError:
        raise
    except BaseException as error:
        _add_note(error, result.correction)
        raise


def _add_note(error: BaseException, correction: Correction) -> None:
    """Add a note to an interrupt, or to an exception of the caller, that the correction may have been applied."""
    error.add_note(
        f"{correction.describe()} may have been applied when this was raised. Do not repeat it: call {_RECONCILE}"
    )


def _check_applied(
    call: Call, response: Response, correction: Correction, delivery: Delivery
) -> None:
    """Check that a success status means that the correction was applied exactly once."""
    if delivery.repeated:
        raise unexpected(
            call, response, f"a request that the transport repeated ({delivery.begun} requests)"
        )
    if response.status != 200 and not correction.background:
        raise unexpected(call, response, "a status other than 200")


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, StatusError) and error.status in REFUSALS


def record(function: Callable[[], object]) -> Steps[None]:
    """Record an outcome. If the ledger fails, log it: the caller still gets the result of the request."""
    try:
        yield Blocking(function)
    except TogaiError as error:
        message = "the outcome could not be recorded: %s. The entry stays open. Next: %s"
        logger.error(message, printable(error), _RECONCILE)  # noqa: TRY400
    except BaseException as error:
        if not isinstance(error, GeneratorExit):  # after that, nothing may be yielded
            with suppress(TogaiError):  # interrupted: recording twice is harmless
                yield Blocking(function)
        raise


class _Sent:
    """A correction that was sent, and its entries in the ledger."""

    def __init__(
        self, settings: Settings, ledger: Records | None, claims: Sequence[Claim], at: datetime
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._claims = claims
        self.correction = claims[0].correction
        self._at = at
        self.entries: Sequence[Entry] = ()

    def unknown(
        self, error: BaseException, entries: Sequence[Entry]
    ) -> Steps[CorrectionOutcomeUnknown]:
        """Record and log that the outcome is unknown, and return the error to raise."""
        status: int | None = getattr(error, "status", None)
        cause = str(error).rstrip(".") or type(error).__name__
        unknown = CorrectionOutcomeUnknown(
            self.correction,
            cause,
            status=status,
            entries=entries,
            service=self._settings.service,
            at=self._at,
        )
        if isinstance(error, TogaiError):
            unknown.method, unknown.path = error.method, error.path
            unknown.attempts, unknown.waited = error.attempts, error.waited
        details = {"how": "response", "cause": cause, "status": status}
        details["request_id"] = getattr(error, "request_id", None)
        for entry in entries:
            yield from self._record(entry, Kind.UNKNOWN, details)
        _log(unknown)
        return unknown

    def conclude(
        self, result: CorrectionResult, response: Response, timeout: float | Timeout | None
    ) -> Steps[None]:
        """Check a response against the request, and record the outcomes.

        Raises:
            CorrectionOutcomeUnknown: The response does not contain the outcome of each target.
        """
        details = {"how": "response", "status": response.status, "request_id": response.request_id}
        selection = self.correction.selection
        if self._ledger is None:
            if self.correction.background:
                return
            if selection.reference_id is None:
                others = sum(contradicts(selection, entry) for entry in result)
                kind = Kind.UNKNOWN if others else Kind.APPLIED
                cause = f"the response holds {counted(others, 'result')} about other events"
            else:
                kind, cause = result.outcome(selection.reference_id, alone=True)
            if kind == Kind.UNKNOWN:
                raise (yield from self.unknown(_problem(cause, response), ()))
            return
        targets = {claim.target.reference_id for claim in self._claims if claim.target is not None}
        more = _corrected(result, targets)
        unknown: list[Entry] = []
        cause = ""
        for claim, entry in zip(self._claims, self.entries, strict=True):
            kind, detail = yield from self._outcome(claim, result, timeout)
            if kind == Kind.UNKNOWN and not self.correction.background:
                unknown.append(entry)
                cause = detail
                continue
            yield from self._record(entry, kind, {**details, "cause": detail}, applied=more)
            more = []
        if unknown:
            raise (yield from self.unknown(_problem(cause, response), unknown))

    def _outcome(
        self, claim: Claim, result: CorrectionResult, timeout: float | Timeout | None
    ) -> Steps[tuple[Kind, str]]:
        target = claim.target
        if self.correction.background:
            return Kind.UNKNOWN, "the service corrects in the background"
        if target is None:
            if result.unknown or not len(result):
                return (
                    Kind.UNKNOWN,
                    f"{len(result.unknown)} of {counted(len(result), 'result')} with an unknown status",
                )
            return (Kind.APPLIED if result.succeeded else Kind.FAILED), counted(
                len(result), "result"
            )
        alone = self.correction.selection.reference_id is not None
        kind, detail = result.outcome(str(target.reference_id), alone=alone)
        if kind == Kind.FAILED and self.correction.action != CorrectionAction.UNDO:
            unchanged = yield from self._is_unchanged(target, timeout)
            if not unchanged:
                return Kind.UNKNOWN, f"{detail}; the event may be reverted without a replacement"
        return kind, detail

    def _is_unchanged(self, target: Target, timeout: float | Timeout | None) -> Steps[bool]:
        """Whether an event whose replacement failed is unchanged."""
        try:
            events: list[ReadEvent] = []
            for read in reads_for(self.correction, target):
                events += yield from _calls.read(self._settings, read, timeout)
        except TogaiError:
            return False
        readings = [
            reading
            for reading in map(Target.of, events)
            if reading.reference_id == target.reference_id
        ]
        return bool(readings) and not any(target.differences(reading) for reading in readings)

    def _record(
        self, entry: Entry, kind: Kind, details: dict[str, Any], applied: Sequence[str] = ()
    ) -> Steps[None]:
        if self._ledger is not None:
            conclude = partial(self._ledger.conclude, entry, kind, details, applied=applied)
            yield from record(conclude)


def _corrected(result: CorrectionResult, targets: set[str | None]) -> list[str]:
    """Further events that match a filter and that, according to the response, were corrected."""
    selection = result.correction.selection
    succeeded = [entry for entry in result.succeeded if not contradicts(selection, entry)]
    reference_ids = [Target.of(entry).reference_id for entry in succeeded]
    return [
        reference_id
        for reference_id in reference_ids
        if reference_id is not None and reference_id not in targets
    ]


def _problem(cause: str, response: Response) -> TogaiError:
    error = TogaiError(
        f"POST /events/correction returned {response.status}, and {printable(cause)}"
    )
    error.method, error.path, error.attempts = "POST", "/events/correction", response.attempts
    vars(error)["status"], vars(error)["request_id"] = response.status, response.request_id
    return error


def _log(unknown: CorrectionOutcomeUnknown) -> None:
    if unknown.entries:
        ledger = unknown.entries[0].ledger
        numbers = ", ".join(str(entry.id) for entry in unknown.entries)
        following = f"entry {numbers} is open in the ledger {ledger}. Next: {_RECONCILE}"
    else:
        following = "there is no ledger. Do not repeat it. Next: client.events.reconcile(error)"
    logger.error(
        "outcome unknown: %s: %s; %s",
        printable(unknown.correction.describe()),
        printable(unknown.cause),
        printable(following),
    )
