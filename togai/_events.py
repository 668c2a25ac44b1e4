"""Events and AsyncEvents: what `client.events` can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from togai import _requests, _responses
from togai._pagination import AsyncEventPages, EventPage, EventPages
from togai.corrections._checks import build_correction
from togai.corrections._correction import Correction, Target
from togai.corrections._ledger import LedgerEntry
from togai.corrections._matching import is_advisory, read_for
from togai.corrections._plan import AsyncPlan, Plan
from togai.corrections._reconcile import Reconciliation, correction_of, judge, reads_for
from togai.errors import (
    AmbiguousEvent,
    ConnectionLost,
    CorrectionOutcomeUnknown,
    EventNotFound,
    InvalidRequest,
    NotFound,
    StatusError,
    TimedOut,
    TogaiError,
    UnexpectedResponse,
)
from togai.models import CorrectionAction, Event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from togai._decoding import Reader
    from togai._transport.exchange import Answer, Call
    from togai._transport.timeout import Timeout
    from togai.corrections._ledger import LedgerLike, Pending
    from togai.corrections._matching import Read
    from togai.corrections._result import CorrectionResult
    from togai.models import EventWithStatusAndEventPipelineInfo, ReadEvent


class _Send(Protocol):
    def __call__(self, call: Call, timeout: float | Timeout | None = None) -> Answer: ...


class _AsyncSend(Protocol):
    async def __call__(self, call: Call, timeout: float | Timeout | None = None) -> Answer: ...


def _the_one(
    event_id: str, found: Sequence[EventWithStatusAndEventPipelineInfo]
) -> EventWithStatusAndEventPipelineInfo:
    if not found:
        raise EventNotFound(event_id)
    if len(found) > 1:
        raise AmbiguousEvent(event_id, found)
    return found[0]


def _none_found(error: NotFound) -> Sequence[EventWithStatusAndEventPipelineInfo]:
    """No events, if it was the service that said so: a gateway's page means a wrong address."""
    if error.snippet.lstrip().startswith("{"):
        return []
    raise error


def _ambiguous(error: TogaiError) -> bool:
    """Whether a correction that ended so may have been applied all the same."""
    if isinstance(error, StatusError):
        # A refusal comes instead of the work; 408 and everything else may come after it.
        return not 400 <= error.status < 500 or error.status == 408
    return isinstance(error, ConnectionLost | TimedOut | UnexpectedResponse)


def _outcome_unknown(correction: Correction, error: TogaiError) -> CorrectionOutcomeUnknown:
    status = getattr(error, "status", None)
    unknown = CorrectionOutcomeUnknown(correction, str(error), status=status)
    unknown.method, unknown.path = error.method, error.path
    unknown.attempts, unknown.waited = error.attempts, error.waited
    return unknown


def _replacement(
    event: Event | ReadEvent, target: ReadEvent | None, filters: Sequence[object]
) -> tuple[Event, ReadEvent | None]:
    """What is ingested, and the event it stands in for: the one that was read and changed, if no other is named."""
    if isinstance(event, Event):
        return event, target
    payload = getattr(event, "event_payload", None)
    if not isinstance(payload, Event):
        raise InvalidRequest(
            f"replace takes an Event, or an event that was read, not {type(event).__name__}"
        )
    if target is None and all(value is None or value is False for value in filters):
        if Target.of(event).reference_id is None:
            # Its id may be what was changed, and would then name another event.
            raise InvalidRequest(
                "this event has no reference id: name the event that was read as target too"
            )
        target = event
    return payload, target


class Events:
    """The calls about events: `client.events`."""

    def __init__(self, send: _Send, reader: Reader) -> None:
        self._send = send
        self._reader = reader

    def list(
        self,
        *,
        account_id: str | None = None,
        schema_name: str | None = None,
        status: str | None = None,
        page_size: int | None = None,
        next_token: str | None = None,
        timeout: float | Timeout | None = None,
    ) -> EventPages:
        """List events; nothing is sent before the first is asked for.

        Args:
            account_id: Only those of this account.
            schema_name: Only those of this event schema.
            status: Only those in this state. The vendor's examples are "PROCESSED" and "IN_PROGRESS", which are
                other words than those of `ingestion_status.status`; its list is open.
            page_size: Events for each request, 1 to 50; the service's default is 50.
            next_token: Where to go on, from an earlier listing with the same filters.
            timeout: For each page, instead of the client's.

        Returns:
            The events, to iterate over; or page by page with `.pages()`.

        Raises:
            InvalidRequest: An argument cannot be right; nothing was sent.
        """
        page = _requests.list_events(
            account_id=account_id, schema_name=schema_name, status=status, page_size=page_size
        )

        def fetch(token: str | None) -> EventPage:
            call = page(token)
            return _responses.read_page(self._reader, call, self._send(call, timeout))

        return EventPages(fetch, _requests.checked_token(next_token))

    def get(
        self, event_id: str, *, timeout: float | Timeout | None = None
    ) -> EventWithStatusAndEventPipelineInfo:
        """Read one event in full.

        Args:
            event_id: The id that the event was sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            The event.

        Raises:
            EventNotFound: No event has this id.
            AmbiguousEvent: Several have it; an id is unique only within 45 days.
            InvalidRequest: The id cannot be one; nothing was sent.
            TogaiError: What the call came to.
        """
        return _the_one(event_id, self.get_all(event_id, timeout=timeout))

    def get_all(
        self, event_id: str, *, timeout: float | Timeout | None = None
    ) -> Sequence[EventWithStatusAndEventPipelineInfo]:
        """Read all events that have an id.

        Args:
            event_id: The id that the events were sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            The events; empty if there are none.

        Raises:
            InvalidRequest: The id cannot be one; nothing was sent.
            TogaiError: What the call came to.
        """
        call = _requests.get_event(event_id)
        try:
            answer = self._send(call, timeout)
        except NotFound as error:
            return _none_found(error)
        return _responses.read_candidates(self._reader, call, answer)

    def correct(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        event: Event | None = None,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
    ) -> CorrectionResult:
        """Correct events that were ingested: all that match, at most the first 30 without `background`.

        The target is an event that was read, or account_id with one of: reference_id, event_id,
        event_source_time, event_id and created_at, event_id and event_source_time. These combinations are
        the ones of the vendor's reference page.

        Args:
            action: UNDO takes back what the events did to usage, revenue and entitlements; REDO ingests them
                again after that; REDO_EVENT ingests `event` instead.
            target: An event that was read.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to correct every event of the account; goes with account_id alone.
            event: What is ingested instead; REDO_EVENT only.
            background: Let the service work it off later, without the limit of 30. What became of it shows in
                the events alone.
            require_confirmation: Let the background job wait until someone confirms it.
            keep_unknown: Send the properties of `event` that the contract does not know, too.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it and flushed to
                disk before anything is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            What the service says about each event; a success of the call is none of the correction.

        Raises:
            InvalidRequest: The target, the action or the event is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: It was sent, and nobody can say whether it was applied. It is not sent
                again: `reconcile` reads what became of it.
            TogaiError: What else the call came to; nothing was applied.
        """
        correction = build_correction(
            action,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            event=event,
            background=background,
            require_confirmation=require_confirmation,
            keep_unknown=keep_unknown,
        )
        return self._correct(correction, ledger, timeout)

    def undo(
        self,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        background: bool = False,
        require_confirmation: bool | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
    ) -> CorrectionResult:
        """Take back what events did to usage, revenue and entitlements.

        Args:
            target: An event that was read; or name the events by account_id and one of the combinations of `correct`.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to correct every event of the account; goes with account_id alone.
            background: Let the service work it off later, without the limit of 30.
            require_confirmation: Let the background job wait until someone confirms it.
            ledger: A `togai.corrections.Ledger`, or the path of one, to write the intent and the outcome to.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            What the service says about each event; a success of the call is none of the correction.

        Raises:
            InvalidRequest: The target is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: It was sent, and nobody can say whether it was applied.
            TogaiError: What else the call came to; nothing was applied.
        """
        return self.correct(
            CorrectionAction.UNDO,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )

    def redo(
        self,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        background: bool = False,
        require_confirmation: bool | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
    ) -> CorrectionResult:
        """Undo events and ingest the same ones again.

        Args:
            target: An event that was read; or name the events by account_id and one of the combinations of `correct`.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to correct every event of the account; goes with account_id alone.
            background: Let the service work it off later, without the limit of 30.
            require_confirmation: Let the background job wait until someone confirms it.
            ledger: A `togai.corrections.Ledger`, or the path of one, to write the intent and the outcome to.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            What the service says about each event; a success of the call is none of the correction.

        Raises:
            InvalidRequest: The target is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: It was sent, and nobody can say whether it was applied.
            TogaiError: What else the call came to; nothing was applied.
        """
        return self.correct(
            CorrectionAction.REDO,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )

    def replace(
        self,
        event: Event | ReadEvent,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
    ) -> CorrectionResult:
        """Undo events and ingest `event` instead (REDO_EVENT).

        An event that was read and then changed stands for both: its payload is sent, and it is the target
        unless another is named.

        Args:
            event: What is ingested, from `build_event`; or an event that was read, with its payload changed.
            target: An event that was read; or name the events by account_id and one of the combinations of `correct`.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to correct every event of the account; goes with account_id alone.
            background: Let the service work it off later, without the limit of 30.
            require_confirmation: Let the background job wait until someone confirms it.
            keep_unknown: Send the properties of `event` that the contract does not know, too.
            ledger: A `togai.corrections.Ledger`, or the path of one, to write the intent and the outcome to.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            What the service says about each event; a success of the call is none of the correction.

        Raises:
            InvalidRequest: The target or the event is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: It was sent, and nobody can say whether it was applied.
            TogaiError: What else the call came to; nothing was applied.
        """
        filters = (account_id, reference_id, event_id, event_source_time, created_at, whole_account)
        payload, target = _replacement(event, target, filters)
        return self.correct(
            CorrectionAction.REDO_EVENT,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            event=payload,
            background=background,
            require_confirmation=require_confirmation,
            keep_unknown=keep_unknown,
            ledger=ledger,
            timeout=timeout,
        )

    def plan(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        event: Event | None = None,
        timeout: float | Timeout | None = None,
    ) -> Plan:
        """Read what a correction would touch, and change nothing.

        The service finds no event by its reference id or its times: where the id that an event was sent with is not
        known, the whole account is listed, and the plan says that it is advisory.

        Args:
            action: UNDO, REDO or REDO_EVENT.
            target: An event that was read.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to plan for every event of the account; goes with account_id alone.
            event: What would be ingested instead; REDO_EVENT only.
            timeout: For each request, instead of the client's.

        Returns:
            The plan: print it, then `execute()` it.

        Raises:
            InvalidRequest: The target, the action or the event is not allowed; nothing was sent.
            TogaiError: What reading came to.
        """
        correction = build_correction(
            action,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            event=event,
            background=False,
            require_confirmation=None,
        )
        read = read_for(correction)

        def reread() -> Sequence[ReadEvent]:
            return self._read(read, timeout)

        def send(single: Correction, ledger: LedgerLike) -> CorrectionResult:
            return self._correct(single, ledger, timeout)

        return Plan(
            correction,
            reread(),
            advisory=is_advisory(correction),
            reread=reread,
            send=send,
        )

    def reconcile(
        self,
        unknown: CorrectionOutcomeUnknown | Pending | Correction,
        *,
        timeout: float | Timeout | None = None,
    ) -> Reconciliation:
        """Find out what became of a correction whose outcome is unknown, by reading; no correction is sent.

        Each answer can be wrong. *Applied*: somebody else did the same, or the event was reverted before and the
        correction does not know it (name an event that was read as target, then it does). *Not applied*: the request is
        still on its way; wait longer than a request can take, and ask again. *Cannot tell*: the targets read
        differently from one another, REDO left no trace, a background job may not have run, or nothing matches now.

        Args:
            unknown: The error, its `correction`, or an entry of `togai.corrections.pending(path)`.
            timeout: For each request, instead of the client's.

        Returns:
            The verdict with its evidence.

        Raises:
            InvalidRequest: It is none of these.
            TogaiError: What reading came to.
        """
        correction = correction_of(unknown)
        found: list[ReadEvent] = []
        for read in reads_for(correction):
            found.extend(self._read(read, timeout))
        return judge(correction, found)

    def _read(self, read: Read, timeout: float | Timeout | None) -> Sequence[ReadEvent]:
        if read.event_id is not None:
            return self.get_all(read.event_id, timeout=timeout)
        listing = self.list(account_id=read.account_id, timeout=timeout)
        return list(listing)

    def _correct(
        self, correction: Correction, ledger: LedgerLike, timeout: float | Timeout | None
    ) -> CorrectionResult:
        call = _requests.correct_events(correction)
        entry = LedgerEntry.begin(ledger, correction)
        try:
            answer = self._send(call, timeout)
            result = _responses.read_correction(self._reader, call, answer, correction)
        except TogaiError as error:
            if not _ambiguous(error):
                entry.not_applied(error)
                raise
            unknown = _outcome_unknown(correction, error)
        else:
            entry.answered(result)
            return result
        entry.unknown(unknown)
        raise unknown


class AsyncEvents:
    """The calls about events, for asyncio: `client.events`."""

    def __init__(self, send: _AsyncSend, reader: Reader) -> None:
        self._send = send
        self._reader = reader

    def list(
        self,
        *,
        account_id: str | None = None,
        schema_name: str | None = None,
        status: str | None = None,
        page_size: int | None = None,
        next_token: str | None = None,
        timeout: float | Timeout | None = None,
    ) -> AsyncEventPages:
        """List events; nothing is sent before the first is asked for.

        Args:
            account_id: Only those of this account.
            schema_name: Only those of this event schema.
            status: Only those in this state. The vendor's examples are "PROCESSED" and "IN_PROGRESS", which are
                other words than those of `ingestion_status.status`; its list is open.
            page_size: Events for each request, 1 to 50; the service's default is 50.
            next_token: Where to go on, from an earlier listing with the same filters.
            timeout: For each page, instead of the client's.

        Returns:
            The events, for `async for`; or page by page with `.pages()`.

        Raises:
            InvalidRequest: An argument cannot be right; nothing was sent.
        """
        page = _requests.list_events(
            account_id=account_id, schema_name=schema_name, status=status, page_size=page_size
        )

        async def fetch(token: str | None) -> EventPage:
            call = page(token)
            return _responses.read_page(self._reader, call, await self._send(call, timeout))

        return AsyncEventPages(fetch, _requests.checked_token(next_token))

    async def get(
        self, event_id: str, *, timeout: float | Timeout | None = None
    ) -> EventWithStatusAndEventPipelineInfo:
        """Read one event in full.

        Args:
            event_id: The id that the event was sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            The event.

        Raises:
            EventNotFound: No event has this id.
            AmbiguousEvent: Several have it; an id is unique only within 45 days.
            InvalidRequest: The id cannot be one; nothing was sent.
            TogaiError: What the call came to.
        """
        return _the_one(event_id, await self.get_all(event_id, timeout=timeout))

    async def get_all(
        self, event_id: str, *, timeout: float | Timeout | None = None
    ) -> Sequence[EventWithStatusAndEventPipelineInfo]:
        """Read all events that have an id.

        Args:
            event_id: The id that the events were sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            The events; empty if there are none.

        Raises:
            InvalidRequest: The id cannot be one; nothing was sent.
            TogaiError: What the call came to.
        """
        call = _requests.get_event(event_id)
        try:
            answer = await self._send(call, timeout)
        except NotFound as error:
            return _none_found(error)
        return _responses.read_candidates(self._reader, call, answer)

    async def correct(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        event: Event | None = None,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
    ) -> CorrectionResult:
        """Correct events that were ingested: all that match, at most the first 30 without `background`.

        The target is an event that was read, or account_id with one of: reference_id, event_id,
        event_source_time, event_id and created_at, event_id and event_source_time. These combinations are
        the ones of the vendor's reference page.

        Args:
            action: UNDO takes back what the events did to usage, revenue and entitlements; REDO ingests them
                again after that; REDO_EVENT ingests `event` instead.
            target: An event that was read.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to correct every event of the account; goes with account_id alone.
            event: What is ingested instead; REDO_EVENT only.
            background: Let the service work it off later, without the limit of 30. What became of it shows in
                the events alone.
            require_confirmation: Let the background job wait until someone confirms it.
            keep_unknown: Send the properties of `event` that the contract does not know, too.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it and flushed to
                disk before anything is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            What the service says about each event; a success of the call is none of the correction.

        Raises:
            InvalidRequest: The target, the action or the event is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: It was sent, and nobody can say whether it was applied. It is not sent
                again: `reconcile` reads what became of it.
            TogaiError: What else the call came to; nothing was applied.
        """
        correction = build_correction(
            action,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            event=event,
            background=background,
            require_confirmation=require_confirmation,
            keep_unknown=keep_unknown,
        )
        return await self._correct(correction, ledger, timeout)

    async def undo(
        self,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        background: bool = False,
        require_confirmation: bool | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
    ) -> CorrectionResult:
        """Take back what events did to usage, revenue and entitlements.

        Args:
            target: An event that was read; or name the events by account_id and one of the combinations of `correct`.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to correct every event of the account; goes with account_id alone.
            background: Let the service work it off later, without the limit of 30.
            require_confirmation: Let the background job wait until someone confirms it.
            ledger: A `togai.corrections.Ledger`, or the path of one, to write the intent and the outcome to.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            What the service says about each event; a success of the call is none of the correction.

        Raises:
            InvalidRequest: The target is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: It was sent, and nobody can say whether it was applied.
            TogaiError: What else the call came to; nothing was applied.
        """
        return await self.correct(
            CorrectionAction.UNDO,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )

    async def redo(
        self,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        background: bool = False,
        require_confirmation: bool | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
    ) -> CorrectionResult:
        """Undo events and ingest the same ones again.

        Args:
            target: An event that was read; or name the events by account_id and one of the combinations of `correct`.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to correct every event of the account; goes with account_id alone.
            background: Let the service work it off later, without the limit of 30.
            require_confirmation: Let the background job wait until someone confirms it.
            ledger: A `togai.corrections.Ledger`, or the path of one, to write the intent and the outcome to.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            What the service says about each event; a success of the call is none of the correction.

        Raises:
            InvalidRequest: The target is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: It was sent, and nobody can say whether it was applied.
            TogaiError: What else the call came to; nothing was applied.
        """
        return await self.correct(
            CorrectionAction.REDO,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )

    async def replace(
        self,
        event: Event | ReadEvent,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
    ) -> CorrectionResult:
        """Undo events and ingest `event` instead (REDO_EVENT).

        An event that was read and then changed stands for both: its payload is sent, and it is the target
        unless another is named.

        Args:
            event: What is ingested, from `build_event`; or an event that was read, with its payload changed.
            target: An event that was read; or name the events by account_id and one of the combinations of `correct`.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to correct every event of the account; goes with account_id alone.
            background: Let the service work it off later, without the limit of 30.
            require_confirmation: Let the background job wait until someone confirms it.
            keep_unknown: Send the properties of `event` that the contract does not know, too.
            ledger: A `togai.corrections.Ledger`, or the path of one, to write the intent and the outcome to.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            What the service says about each event; a success of the call is none of the correction.

        Raises:
            InvalidRequest: The target or the event is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: It was sent, and nobody can say whether it was applied.
            TogaiError: What else the call came to; nothing was applied.
        """
        filters = (account_id, reference_id, event_id, event_source_time, created_at, whole_account)
        payload, target = _replacement(event, target, filters)
        return await self.correct(
            CorrectionAction.REDO_EVENT,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            event=payload,
            background=background,
            require_confirmation=require_confirmation,
            keep_unknown=keep_unknown,
            ledger=ledger,
            timeout=timeout,
        )

    async def plan(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        account_id: str | None = None,
        reference_id: str | None = None,
        event_id: str | None = None,
        event_source_time: datetime | None = None,
        created_at: datetime | None = None,
        whole_account: bool = False,
        event: Event | None = None,
        timeout: float | Timeout | None = None,
    ) -> AsyncPlan:
        """Read what a correction would touch, and change nothing.

        The service finds no event by its reference id or its times: where the id that an event was sent with is not
        known, the whole account is listed, and the plan says that it is advisory.

        Args:
            action: UNDO, REDO or REDO_EVENT.
            target: An event that was read.
            account_id: The account that the events belong to.
            reference_id: Togai's own id of an event.
            event_id: The id that the event was sent with.
            event_source_time: The event's own timestamp, with a time zone.
            created_at: When Togai took the event in, with a time zone.
            whole_account: Set to plan for every event of the account; goes with account_id alone.
            event: What would be ingested instead; REDO_EVENT only.
            timeout: For each request, instead of the client's.

        Returns:
            The plan: print it, then `execute()` it.

        Raises:
            InvalidRequest: The target, the action or the event is not allowed; nothing was sent.
            TogaiError: What reading came to.
        """
        correction = build_correction(
            action,
            target,
            account_id=account_id,
            reference_id=reference_id,
            event_id=event_id,
            event_source_time=event_source_time,
            created_at=created_at,
            whole_account=whole_account,
            event=event,
            background=False,
            require_confirmation=None,
        )
        read = read_for(correction)

        async def reread() -> Sequence[ReadEvent]:
            return await self._read(read, timeout)

        async def send(single: Correction, ledger: LedgerLike) -> CorrectionResult:
            return await self._correct(single, ledger, timeout)

        return AsyncPlan(
            correction,
            await reread(),
            advisory=is_advisory(correction),
            reread=reread,
            send=send,
        )

    async def reconcile(
        self,
        unknown: CorrectionOutcomeUnknown | Pending | Correction,
        *,
        timeout: float | Timeout | None = None,
    ) -> Reconciliation:
        """Find out what became of a correction whose outcome is unknown, by reading; no correction is sent.

        Each answer can be wrong. *Applied*: somebody else did the same, or the event was reverted before and the
        correction does not know it (name an event that was read as target, then it does). *Not applied*: the request is
        still on its way; wait longer than a request can take, and ask again. *Cannot tell*: the targets read
        differently from one another, REDO left no trace, a background job may not have run, or nothing matches now.

        Args:
            unknown: The error, its `correction`, or an entry of `togai.corrections.pending(path)`.
            timeout: For each request, instead of the client's.

        Returns:
            The verdict with its evidence.

        Raises:
            InvalidRequest: It is none of these.
            TogaiError: What reading came to.
        """
        correction = correction_of(unknown)
        found: list[ReadEvent] = []
        for read in reads_for(correction):
            found.extend(await self._read(read, timeout))
        return judge(correction, found)

    async def _read(self, read: Read, timeout: float | Timeout | None) -> Sequence[ReadEvent]:
        if read.event_id is not None:
            return await self.get_all(read.event_id, timeout=timeout)
        listing = self.list(account_id=read.account_id, timeout=timeout)
        return [event async for event in listing]

    async def _correct(
        self, correction: Correction, ledger: LedgerLike, timeout: float | Timeout | None
    ) -> CorrectionResult:
        call = _requests.correct_events(correction)
        entry = LedgerEntry.begin(ledger, correction)
        try:
            answer = await self._send(call, timeout)
            result = _responses.read_correction(self._reader, call, answer, correction)
        except TogaiError as error:
            if not _ambiguous(error):
                entry.not_applied(error)
                raise
            unknown = _outcome_unknown(correction, error)
        else:
            entry.answered(result)
            return result
        entry.unknown(unknown)
        raise unknown
