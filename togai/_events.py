"""Events and AsyncEvents: the signatures and documentation of `client.events`; what they do is in `_calls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from togai import _calls, _requests
from togai._listing_ahead import checked_prefetch
from togai._listing_many import AccountPages, AsyncAccountPages, checked_concurrency
from togai._pagination import AsyncEventPages, Cursor, EventPages
from togai.corrections._plan import AsyncPlan, Plan
from togai.corrections._where import Where  # noqa: TC001  (documentation and the surface read it at run time)
from togai.models import CorrectionAction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from togai._settings import Settings
    from togai._transport.steps import AsyncRun, Run
    from togai._transport.timeout import Timeout
    from togai.corrections._correction import Correction
    from togai.corrections._ledger import LedgerLike
    from togai.corrections._result import CorrectionResult
    from togai.corrections._verdict import Pending, Reconciliation
    from togai.errors import CorrectionOutcomeUnknown
    from togai.models import Event, EventWithStatusAndEventPipelineInfo, ReadEvent


class Events:
    """The calls about events: `client.events`."""

    def __init__(self, settings: Settings, run: Run) -> None:
        self._settings = settings
        self._run = run

    def list(
        self,
        *,
        account_id: str | None = None,
        schema_name: str | None = None,
        status: str | None = None,
        page_size: int | None = None,
        next_token: str | None = None,
        prefetch: int = 0,
        timeout: float | Timeout | None = None,
    ) -> EventPages:
        """List events; nothing is sent before the first event is requested.

        Args:
            account_id: Only events of this account.
            schema_name: Only events of this event schema.
            status: Only events with this status. The vendor's examples, "PROCESSED" and "IN_PROGRESS", differ from the
                values of `ingestion_status.status`; the list is open.
            page_size: Events per request, 1 to 50; the service's default is 50.
            next_token: The token to resume with, from an earlier listing with the same filters.
            prefetch: 1 to request the next page as soon as its token is read, while this page is processed: in a
                thread, or in a task of the event loop. It ends when the listing is dropped.
            timeout: Seconds for each page, or a `Timeout`, instead of the client's.

        Returns:
            The events, to iterate over; or page by page with `.pages()`.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
        """
        fetch = _calls.pages(
            self._settings,
            timeout,
            account_id=account_id,
            schema_name=schema_name,
            status=status,
            page_size=page_size,
        )
        cursor = Cursor(fetch, _requests.checked_token(next_token))
        return EventPages(self._run, cursor, prefetch=checked_prefetch(prefetch))

    def list_many(
        self,
        account_ids: Iterable[str] | Mapping[str, str | None],
        *,
        concurrency: int = 8,
        schema_name: str | None = None,
        status: str | None = None,
        page_size: int | None = None,
        timeout: float | Timeout | None = None,
    ) -> AccountPages:
        """List the events of many accounts at once, page by page; nothing is sent before the first page is requested.

        One account after another waits for the service most of the time; several at once reach the rate limit. At most
        one page of each account is requested ahead, so that memory stays bounded.

        Args:
            account_ids: The accounts; an account that occurs twice is listed once. Or a mapping of accounts to the
                tokens to resume with, None to start from the first page: see `remaining` of the listing.
            concurrency: Accounts that are listed at once, 1 to 50; in threads, or in tasks of the event loop. They end
                when the listing is dropped.
            schema_name: Only events of this event schema.
            status: Only events with this status, as in `list`.
            page_size: Events per request, 1 to 50; the service's default is 50.
            timeout: Seconds for each page, or a `Timeout`, instead of the client's.

        Returns:
            Pairs of account id and page, to iterate over. Pages of one account are in order; accounts interleave.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
        """
        accounts = _calls.pages_of_accounts(
            self._settings,
            timeout,
            account_ids,
            schema_name=schema_name,
            status=status,
            page_size=page_size,
        )
        return AccountPages(self._run, accounts, checked_concurrency(concurrency))

    def get(
        self,
        event_id: str,
        *,
        timeout: float | Timeout | None = None,
    ) -> EventWithStatusAndEventPipelineInfo:
        """Read one event in full.

        Args:
            event_id: The id that the event was sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            The event.

        Raises:
            EventNotFound: No event has this id.
            AmbiguousEvent: Several events have this id; an id is unique only within 45 days.
            InvalidRequest: The id is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        return self._run(_calls.get(self._settings, event_id, timeout))

    def get_all(
        self,
        event_id: str,
        *,
        timeout: float | Timeout | None = None,
    ) -> Sequence[EventWithStatusAndEventPipelineInfo]:
        """Read all events with an id.

        Args:
            event_id: The id that the events were sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            The events; empty if there are none.

        Raises:
            InvalidRequest: The id is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        return self._run(_calls.get_all(self._settings, event_id, timeout))

    def correct(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        event: Event | None = None,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Correct all events that match; without `background`, at most the first 30.

        Args:
            action: UNDO takes back the usage, revenue and entitlement effects of the events; REDO ingests them again
                after that; REDO_EVENT ingests `event` instead.
            target: An event that was read. Or name the events: `**where`.
            event: The event to ingest instead; REDO_EVENT only.
            background: True to let the service correct later, without the limit of 30 events. The outcome then shows
                only in the events themselves.
            require_confirmation: True to let the background job wait until someone confirms it.
            keep_unknown: True to send the properties of `event` that the contract does not know, too.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it before the request
                is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            One result per event. A successful call does not mean that every event was corrected: check `failed` and
            `unknown`.

        Raises:
            InvalidRequest: The target, the action or the event is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` reads what happened.
            TogaiError: Any other failure. Nothing was applied.
        """
        steps = _calls.correct(
            self._settings,
            "correct",
            action,
            target,
            where,
            event=event,
            keep_unknown=keep_unknown,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )
        return self._run(steps)

    def undo(
        self,
        target: ReadEvent | None = None,
        *,
        background: bool = False,
        require_confirmation: bool | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Take back the effects of events on usage, revenue and entitlements.

        Args:
            target: An event that was read. Or name the events: `**where`.
            background: True to let the service correct later, without the limit of 30 events. The outcome then shows
                only in the events themselves.
            require_confirmation: True to let the background job wait until someone confirms it.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it before the request
                is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            One result per event. A successful call does not mean that every event was corrected: check `failed` and
            `unknown`.

        Raises:
            InvalidRequest: The target is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` reads what happened.
            TogaiError: Any other failure. Nothing was applied.
        """
        steps = _calls.correct(
            self._settings,
            "undo",
            CorrectionAction.UNDO,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )
        return self._run(steps)

    def redo(
        self,
        target: ReadEvent | None = None,
        *,
        background: bool = False,
        require_confirmation: bool | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Undo events and ingest the same events again.

        Args:
            target: An event that was read. Or name the events: `**where`.
            background: True to let the service correct later, without the limit of 30 events. The outcome then shows
                only in the events themselves.
            require_confirmation: True to let the background job wait until someone confirms it.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it before the request
                is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            One result per event. A successful call does not mean that every event was corrected: check `failed` and
            `unknown`.

        Raises:
            InvalidRequest: The target is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` reads what happened.
            TogaiError: Any other failure. Nothing was applied.
        """
        steps = _calls.correct(
            self._settings,
            "redo",
            CorrectionAction.REDO,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )
        return self._run(steps)

    def replace(
        self,
        event: Event | ReadEvent,
        target: ReadEvent | None = None,
        *,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Undo events and ingest `event` instead (REDO_EVENT).

        An event that was read and then changed is both: its payload is sent, and it is the target unless another is
        passed.

        Args:
            event: The event to ingest, from `build_event`; or an event that was read, with its payload changed.
            target: An event that was read. Or name the events: `**where`.
            background: True to let the service correct later, without the limit of 30 events. The outcome then shows
                only in the events themselves.
            require_confirmation: True to let the background job wait until someone confirms it.
            keep_unknown: True to send the properties of `event` that the contract does not know, too.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it before the request
                is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            One result per event. A successful call does not mean that every event was corrected: check `failed` and
            `unknown`.

        Raises:
            InvalidRequest: The target or the event is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` reads what happened.
            TogaiError: Any other failure. Nothing was applied.
        """
        steps = _calls.replace(
            self._settings,
            event,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            keep_unknown=keep_unknown,
            ledger=ledger,
            timeout=timeout,
        )
        return self._run(steps)

    def plan(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        event: Event | None = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> Plan:
        """Read what a correction would change, and change nothing.

        The service cannot list events by reference id or by time: unless the id that an event was sent with is known,
        the whole account is listed, and the plan says that it is advisory.

        Args:
            action: UNDO, REDO or REDO_EVENT.
            target: An event that was read. Or name the events: `**where`.
            event: The event to ingest instead; REDO_EVENT only.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            The plan: print it, then `execute()` it.

        Raises:
            InvalidRequest: The target, the action or the event is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        correction = _calls.planned(action, target, where, event)
        return Plan(
            self._run,
            correction,
            self._run(_calls.read_targets(self._settings, correction, timeout)),
            reread=lambda: _calls.read_targets(self._settings, correction, timeout),
            send=lambda one, ledger: _calls.send_correction(self._settings, one, ledger, timeout),
        )

    def reconcile(
        self,
        unknown: CorrectionOutcomeUnknown | Pending | Correction,
        *,
        timeout: float | Timeout | None = None,
    ) -> Reconciliation:
        """Find out by reading whether a correction with an unknown outcome was applied; no correction is sent.

        Each verdict can be wrong. *Applied*: somebody else made the same correction. *Not applied*: the request is
        still on its way; wait longer than a request can take, and check again. *Cannot tell*: the targets read
        differently from one another, REDO left no trace, a background job may not have run, or no event matches.

        Args:
            unknown: The error, its `correction`, or an entry of `togai.corrections.pending(path)`.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.

        Returns:
            The verdict with its evidence.

        Raises:
            InvalidRequest: The argument is none of these.
            TogaiError: Any other failure.
        """
        return self._run(_calls.reconcile(self._settings, unknown, timeout))


class AsyncEvents:
    """The calls about events, for asyncio: `client.events`."""

    def __init__(self, settings: Settings, run: AsyncRun) -> None:
        self._settings = settings
        self._run = run

    def list(
        self,
        *,
        account_id: str | None = None,
        schema_name: str | None = None,
        status: str | None = None,
        page_size: int | None = None,
        next_token: str | None = None,
        prefetch: int = 0,
        timeout: float | Timeout | None = None,
    ) -> AsyncEventPages:
        """List events; nothing is sent before the first event is requested.

        Args:
            account_id: Only events of this account.
            schema_name: Only events of this event schema.
            status: Only events with this status. The vendor's examples, "PROCESSED" and "IN_PROGRESS", differ from the
                values of `ingestion_status.status`; the list is open.
            page_size: Events per request, 1 to 50; the service's default is 50.
            next_token: The token to resume with, from an earlier listing with the same filters.
            prefetch: 1 to request the next page as soon as its token is read, while this page is processed: in a
                thread, or in a task of the event loop. It ends when the listing is dropped.
            timeout: Seconds for each page, or a `Timeout`, instead of the client's.

        Returns:
            The events, to iterate over; or page by page with `.pages()`.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
        """
        fetch = _calls.pages(
            self._settings,
            timeout,
            account_id=account_id,
            schema_name=schema_name,
            status=status,
            page_size=page_size,
        )
        cursor = Cursor(fetch, _requests.checked_token(next_token))
        return AsyncEventPages(self._run, cursor, prefetch=checked_prefetch(prefetch))

    def list_many(
        self,
        account_ids: Iterable[str] | Mapping[str, str | None],
        *,
        concurrency: int = 8,
        schema_name: str | None = None,
        status: str | None = None,
        page_size: int | None = None,
        timeout: float | Timeout | None = None,
    ) -> AsyncAccountPages:
        """List the events of many accounts at once, page by page; nothing is sent before the first page is requested.

        One account after another waits for the service most of the time; several at once reach the rate limit. At most
        one page of each account is requested ahead, so that memory stays bounded.

        Args:
            account_ids: The accounts; an account that occurs twice is listed once. Or a mapping of accounts to the
                tokens to resume with, None to start from the first page: see `remaining` of the listing.
            concurrency: Accounts that are listed at once, 1 to 50; in threads, or in tasks of the event loop. They end
                when the listing is dropped.
            schema_name: Only events of this event schema.
            status: Only events with this status, as in `list`.
            page_size: Events per request, 1 to 50; the service's default is 50.
            timeout: Seconds for each page, or a `Timeout`, instead of the client's.

        Returns:
            Pairs of account id and page, to iterate over. Pages of one account are in order; accounts interleave.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
        """
        accounts = _calls.pages_of_accounts(
            self._settings,
            timeout,
            account_ids,
            schema_name=schema_name,
            status=status,
            page_size=page_size,
        )
        return AsyncAccountPages(self._run, accounts, checked_concurrency(concurrency))

    async def get(
        self,
        event_id: str,
        *,
        timeout: float | Timeout | None = None,
    ) -> EventWithStatusAndEventPipelineInfo:
        """Read one event in full.

        Args:
            event_id: The id that the event was sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            The event.

        Raises:
            EventNotFound: No event has this id.
            AmbiguousEvent: Several events have this id; an id is unique only within 45 days.
            InvalidRequest: The id is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        return await self._run(_calls.get(self._settings, event_id, timeout))

    async def get_all(
        self,
        event_id: str,
        *,
        timeout: float | Timeout | None = None,
    ) -> Sequence[EventWithStatusAndEventPipelineInfo]:
        """Read all events with an id.

        Args:
            event_id: The id that the events were sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.

        Returns:
            The events; empty if there are none.

        Raises:
            InvalidRequest: The id is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        return await self._run(_calls.get_all(self._settings, event_id, timeout))

    async def correct(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        event: Event | None = None,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Correct all events that match; without `background`, at most the first 30.

        Args:
            action: UNDO takes back the usage, revenue and entitlement effects of the events; REDO ingests them again
                after that; REDO_EVENT ingests `event` instead.
            target: An event that was read. Or name the events: `**where`.
            event: The event to ingest instead; REDO_EVENT only.
            background: True to let the service correct later, without the limit of 30 events. The outcome then shows
                only in the events themselves.
            require_confirmation: True to let the background job wait until someone confirms it.
            keep_unknown: True to send the properties of `event` that the contract does not know, too.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it before the request
                is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            One result per event. A successful call does not mean that every event was corrected: check `failed` and
            `unknown`.

        Raises:
            InvalidRequest: The target, the action or the event is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` reads what happened.
            TogaiError: Any other failure. Nothing was applied.
        """
        steps = _calls.correct(
            self._settings,
            "correct",
            action,
            target,
            where,
            event=event,
            keep_unknown=keep_unknown,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )
        return await self._run(steps)

    async def undo(
        self,
        target: ReadEvent | None = None,
        *,
        background: bool = False,
        require_confirmation: bool | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Take back the effects of events on usage, revenue and entitlements.

        Args:
            target: An event that was read. Or name the events: `**where`.
            background: True to let the service correct later, without the limit of 30 events. The outcome then shows
                only in the events themselves.
            require_confirmation: True to let the background job wait until someone confirms it.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it before the request
                is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            One result per event. A successful call does not mean that every event was corrected: check `failed` and
            `unknown`.

        Raises:
            InvalidRequest: The target is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` reads what happened.
            TogaiError: Any other failure. Nothing was applied.
        """
        steps = _calls.correct(
            self._settings,
            "undo",
            CorrectionAction.UNDO,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )
        return await self._run(steps)

    async def redo(
        self,
        target: ReadEvent | None = None,
        *,
        background: bool = False,
        require_confirmation: bool | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Undo events and ingest the same events again.

        Args:
            target: An event that was read. Or name the events: `**where`.
            background: True to let the service correct later, without the limit of 30 events. The outcome then shows
                only in the events themselves.
            require_confirmation: True to let the background job wait until someone confirms it.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it before the request
                is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            One result per event. A successful call does not mean that every event was corrected: check `failed` and
            `unknown`.

        Raises:
            InvalidRequest: The target is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` reads what happened.
            TogaiError: Any other failure. Nothing was applied.
        """
        steps = _calls.correct(
            self._settings,
            "redo",
            CorrectionAction.REDO,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            ledger=ledger,
            timeout=timeout,
        )
        return await self._run(steps)

    async def replace(
        self,
        event: Event | ReadEvent,
        target: ReadEvent | None = None,
        *,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Undo events and ingest `event` instead (REDO_EVENT).

        An event that was read and then changed is both: its payload is sent, and it is the target unless another is
        passed.

        Args:
            event: The event to ingest, from `build_event`; or an event that was read, with its payload changed.
            target: An event that was read. Or name the events: `**where`.
            background: True to let the service correct later, without the limit of 30 events. The outcome then shows
                only in the events themselves.
            require_confirmation: True to let the background job wait until someone confirms it.
            keep_unknown: True to send the properties of `event` that the contract does not know, too.
            ledger: A `togai.corrections.Ledger`, or the path of one: the intent is written to it before the request
                is sent, the outcome after.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            One result per event. A successful call does not mean that every event was corrected: check `failed` and
            `unknown`.

        Raises:
            InvalidRequest: The target or the event is not allowed; nothing was sent.
            ConfigurationError: The ledger cannot be written; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` reads what happened.
            TogaiError: Any other failure. Nothing was applied.
        """
        steps = _calls.replace(
            self._settings,
            event,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            keep_unknown=keep_unknown,
            ledger=ledger,
            timeout=timeout,
        )
        return await self._run(steps)

    async def plan(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        event: Event | None = None,
        timeout: float | Timeout | None = None,
        **where: Unpack[Where],
    ) -> AsyncPlan:
        """Read what a correction would change, and change nothing.

        The service cannot list events by reference id or by time: unless the id that an event was sent with is known,
        the whole account is listed, and the plan says that it is advisory.

        Args:
            action: UNDO, REDO or REDO_EVENT.
            target: An event that was read. Or name the events: `**where`.
            event: The event to ingest instead; REDO_EVENT only.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.
            **where: The events, if no target is passed; see `togai.corrections.Where`.
                account_id: The account that the events belong to.
                reference_id: Togai's own id of an event.
                event_id: The id that the event was sent with.
                event_source_time: The event's own timestamp, with a time zone.
                created_at: When Togai ingested the event, with a time zone.
                whole_account: True to correct every event of the account; only with account_id alone.

        Returns:
            The plan: print it, then `execute()` it.

        Raises:
            InvalidRequest: The target, the action or the event is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        correction = _calls.planned(action, target, where, event)
        return AsyncPlan(
            self._run,
            correction,
            await self._run(_calls.read_targets(self._settings, correction, timeout)),
            reread=lambda: _calls.read_targets(self._settings, correction, timeout),
            send=lambda one, ledger: _calls.send_correction(self._settings, one, ledger, timeout),
        )

    async def reconcile(
        self,
        unknown: CorrectionOutcomeUnknown | Pending | Correction,
        *,
        timeout: float | Timeout | None = None,
    ) -> Reconciliation:
        """Find out by reading whether a correction with an unknown outcome was applied; no correction is sent.

        Each verdict can be wrong. *Applied*: somebody else made the same correction. *Not applied*: the request is
        still on its way; wait longer than a request can take, and check again. *Cannot tell*: the targets read
        differently from one another, REDO left no trace, a background job may not have run, or no event matches.

        Args:
            unknown: The error, its `correction`, or an entry of `togai.corrections.pending(path)`.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.

        Returns:
            The verdict with its evidence.

        Raises:
            InvalidRequest: The argument is none of these.
            TogaiError: Any other failure.
        """
        return await self._run(_calls.reconcile(self._settings, unknown, timeout))
