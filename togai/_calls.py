"""What each method of `client.events` does, written once as steps that either client runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from togai import _requests, _responses
from togai._listing_many import AccountCursors
from togai._pagination import EventPage, collect
from togai._transport.exchange import exchange
from togai._transport.retry import REFUSALS
from togai._transport.steps import Delivery
from togai.corrections._checks import build_correction
from togai.corrections._correction import Correction, Target
from togai.corrections._ledger import LedgerEntry
from togai.corrections._matching import read_for
from togai.corrections._reconcile import correction_of, judge, reads_for
from togai.corrections._where import Where, check_names
from togai.errors import (
    AmbiguousEvent,
    CorrectionOutcomeUnknown,
    EventNotFound,
    InvalidRequest,
    NotFound,
    StatusError,
    TogaiError,
)
from togai.models import CorrectionAction, Event, EventWithStatusAndEventPipelineInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from togai._settings import Settings
    from togai._transport.steps import Call, Response, Steps
    from togai._transport.timeout import Timeout
    from togai.corrections._ledger import LedgerLike
    from togai.corrections._matching import Read
    from togai.corrections._result import CorrectionResult
    from togai.corrections._verdict import Pending, Reconciliation
    from togai.models import ReadEvent


def send(
    settings: Settings,
    call: Call,
    timeout: float | Timeout | None,
    delivery: Delivery | None = None,
) -> Steps[Response]:
    """Send a call with the client's retry policy."""
    times = settings.timeout_of(timeout)
    can_refresh = settings.can_refresh
    return exchange(call, settings.policy, times, can_refresh=can_refresh, delivery=delivery)


def pages(
    settings: Settings, timeout: float | Timeout | None, **filters: Any
) -> Callable[[str | None], Steps[EventPage]]:
    """The steps that request a page of a listing, by its token.

    Raises:
        InvalidRequest: A filter is not allowed.
    """
    request = _requests.list_events(**filters)

    def fetch(token: str | None) -> Steps[EventPage]:
        call = request(token)
        response = yield from send(settings, call, timeout)
        return _responses.read_page(settings.reader, call, response)

    return fetch


def pages_of_accounts(
    settings: Settings, timeout: float | Timeout | None, account_ids: Iterable[Any], **filters: Any
) -> AccountCursors:
    """The listings of several accounts.

    Raises:
        InvalidRequest: An account id, a token or a filter is not allowed.
    """
    tokens = _requests.checked_accounts(account_ids)

    def fetch(account_id: str) -> Callable[[str | None], Steps[EventPage]]:
        return pages(settings, timeout, account_id=account_id, **filters)

    for account_id in tokens:
        fetch(account_id)  # refuses what is not allowed before anything is sent
    return AccountCursors(tokens, fetch)


def get(
    settings: Settings, event_id: str, timeout: float | Timeout | None
) -> Steps[EventWithStatusAndEventPipelineInfo]:
    """Read the event with an id."""
    events = yield from get_all(settings, event_id, timeout)
    if not events:
        raise EventNotFound(event_id)
    if len(events) > 1:
        raise AmbiguousEvent(event_id, events)
    return events[0]


def get_all(
    settings: Settings, event_id: str, timeout: float | Timeout | None
) -> Steps[Sequence[EventWithStatusAndEventPipelineInfo]]:
    """Read all events with an id."""
    call = _requests.get_event(event_id)
    try:
        response = yield from send(settings, call, timeout)
    except NotFound as error:
        # Only a 404 of the service itself means that there are none: a gateway's page means a wrong address.
        if error.snippet.lstrip().startswith("{"):
            return []
        raise
    return _responses.read_candidates(settings.reader, call, response)


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
    ledger: LedgerLike,
    timeout: float | Timeout | None,
) -> Steps[CorrectionResult]:
    """Send one correction."""
    check_names(where, function)
    correction = build_correction(
        action,
        target,
        where,
        event=event,
        background=background,
        require_confirmation=require_confirmation,
        keep_unknown=keep_unknown,
    )
    return (yield from send_correction(settings, correction, ledger, timeout))


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
    named = any(value is not None and value is not False for value in where.values())
    if not isinstance(event, Event) and target is None and not named:
        if Target.of(event).reference_id is None:
            # Its id may be what was changed, and would then name another event.
            raise InvalidRequest(
                "this event has no reference id: pass the event that was read as target too"
            )
        target = event
    action = CorrectionAction.REDO_EVENT
    steps = correct(settings, "replace", action, target, where, event=payload, **options)
    return (yield from steps)


def send_correction(
    settings: Settings,
    correction: Correction,
    ledger: LedgerLike,
    timeout: float | Timeout | None,
) -> Steps[CorrectionResult]:
    """Send a correction, its intent in the ledger before and its outcome after.

    Raises:
        CorrectionOutcomeUnknown: It may have been applied.
        TogaiError: Any other failure. Nothing was applied.
        BaseException: What the caller's own code raised, an interrupt or a cancellation; with a note if the
            correction may have been applied.
    """
    call = _requests.correct_events(correction)
    entry = LedgerEntry.begin(ledger, correction)
    delivery = Delivery()
    try:
        response = yield from send(settings, call, timeout, delivery)
        _check_applied(call, response, correction, delivery)
        result = _responses.read_correction(settings.reader, call, response, correction)
    except TogaiError as error:
        if not _ambiguous(error, delivery):
            entry.not_applied(error)
            raise
        unknown = _outcome_unknown(correction, error)
    except BaseException as error:
        if delivery.possible:
            error.add_note(
                f"{correction.describe()} may have been applied when this was raised."
                " Read the targets before you repeat it"
            )
            entry.unknown(error)
        else:
            entry.not_applied(error)
        raise
    else:
        entry.answered(result)
        return result
    entry.unknown(unknown)
    raise unknown


def _check_applied(
    call: Call, response: Response, correction: Correction, delivery: Delivery
) -> None:
    """Check that a success means that the correction was applied, once."""
    if delivery.repeated:
        raise _responses.unexpected(
            call, response, f"a request that the transport repeated ({delivery.begun} requests)"
        )
    if response.status != 200 and not correction.background:
        raise _responses.unexpected(call, response, "another status than 200")


def _ambiguous(error: TogaiError, delivery: Delivery) -> bool:
    """Whether a correction may have been applied although it failed with this error."""
    if isinstance(error, StatusError) and error.status in REFUSALS:
        return delivery.repeated
    return delivery.possible


def _outcome_unknown(correction: Correction, error: TogaiError) -> CorrectionOutcomeUnknown:
    status = getattr(error, "status", None)
    unknown = CorrectionOutcomeUnknown(correction, str(error), status=status)
    unknown.method, unknown.path = error.method, error.path
    unknown.attempts, unknown.waited = error.attempts, error.waited
    return unknown


def planned(
    action: CorrectionAction | str, target: ReadEvent | None, where: Where, event: Event | None
) -> Correction:
    """The correction that a plan is about."""
    check_names(where, "plan")
    return build_correction(
        action, target, where, event=event, background=False, require_confirmation=None
    )


def reconcile(
    settings: Settings,
    unknown: CorrectionOutcomeUnknown | Pending | Correction,
    timeout: float | Timeout | None,
) -> Steps[Reconciliation]:
    """Read what became of a correction whose outcome is unknown."""
    correction = correction_of(unknown)
    events: list[ReadEvent] = []
    for reading in reads_for(correction):
        events.extend((yield from read(settings, reading, timeout)))
    return judge(correction, events)


def read_targets(
    settings: Settings, correction: Correction, timeout: float | Timeout | None
) -> Steps[Sequence[ReadEvent]]:
    """Read the events that a correction may be about."""
    return (yield from read(settings, read_for(correction), timeout))


def read(
    settings: Settings, reading: Read, timeout: float | Timeout | None
) -> Steps[Sequence[ReadEvent]]:
    """Read the events with an id, or all events of an account."""
    if reading.event_id is not None:
        return (yield from get_all(settings, reading.event_id, timeout))
    fetch = pages(
        settings,
        timeout,
        account_id=reading.account_id,
        schema_name=None,
        status=None,
        page_size=None,
    )
    return (yield from collect(fetch))
