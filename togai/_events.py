"""Events and AsyncEvents: signatures and documentation of `client.events`. `_calls` and others implement them.

Methods that correct import corrections and the ledger when they are called: a program that only reads starts faster.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Unpack

from togai import _calls, _requests
from togai._listing_ahead import checked_prefetch
from togai._listing_many import AccountPages, AsyncAccountPages, checked_concurrency
from togai._pagination import AsyncEventPages, Cursor, EventPages
from togai._where import Where  # noqa: TC001  (documentation and the surface read it at run time)
from togai.models import CorrectionAction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from togai._settings import Settings
    from togai._transport.steps import AsyncRun, Run
    from togai._transport.timeout import Timeout
    from togai.corrections._entry import Entry
    from togai.corrections._execution import Execution
    from togai.corrections._found import FoundEvents
    from togai.corrections._ledger import LedgerLike
    from togai.corrections._plan import Item, Plan
    from togai.corrections._result import CorrectionResult
    from togai.corrections._step import Step
    from togai.corrections._verdict import Reconciliation
    from togai.errors import CorrectionOutcomeUnknown
    from togai.models import (
        Event,
        EventWithStatus,
        EventWithStatusAndEventPipelineInfo,
        ReadEvent,
    )

MIN_AGE = timedelta(minutes=10)
"""How old a correction must be before a read can show that it was not applied."""


class _Calls:
    """The code that both classes share."""

    _settings: Settings

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._settings.base_url}>"

    def __reduce__(self) -> str:
        raise TypeError(f"{type(self).__name__} cannot be pickled: create a client in each process")


class Events(_Calls):
    """The calls of `client.events`."""

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
        extra_query: Mapping[str, str] | None = None,
        trust_end: bool = False,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> EventPages:
        """List events; nothing is sent before the first event is requested.

        Args:
            account_id: Only events of this account.
            schema_name: Only events of this event schema.
            status: Only events with this status. The vendor's examples, "PROCESSED" and "IN_PROGRESS", differ from the
                values of `ingestion_status.status`; the list is open.
            page_size: Events per request, 1 to 50; the service's default is 50.
            next_token: The token to resume with, from an earlier listing with the same filters.
            prefetch: 1 to request the next page while the current page is processed: in a thread, or in a task of the
                event loop. The thread or task ends when the listing is dropped.
            extra_query: Further filters that this package does not support yet, by the names of the query parameters.
            trust_end: True to accept a page as the last page even if it announces a further page without a token.
            timeout: Seconds for each page, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The events, to iterate over; or page by page with `.pages()`.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
            ConfigurationError: The timeout is not allowed; nothing was sent.
        """
        fetch = _calls.pages(
            self._settings.with_headers(extra_headers),
            timeout,
            account_id=account_id,
            schema_name=schema_name,
            status=status,
            page_size=page_size,
            extra_query=extra_query,
            trust_end=trust_end,
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
        extra_query: Mapping[str, str] | None = None,
        trust_end: bool = False,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> AccountPages:
        """List the events of many accounts at once, page by page; nothing is sent before the first page is requested.

        Listing one account after another spends most of the time waiting for the service; listing several at once
        reaches the rate limit. At most one page of each account is requested in advance, so memory use stays bounded.

        Args:
            account_ids: The accounts; an account that occurs twice is listed once. To resume a listing, a mapping from
                account to page token, or to None for the first page: see `remaining` of the listing.
            concurrency: How many accounts are listed at once, 1 to 50: in threads, or in tasks of the event loop, which
                end when the listing is dropped.
            schema_name: Only events of this event schema.
            status: Only events with this status, as in `list`.
            page_size: Events per request, 1 to 50; the service's default is 50.
            extra_query: Further filters that this package does not support yet, by the names of the query parameters.
            trust_end: True to accept a page as the last page even if it announces a further page without a token.
            timeout: Seconds for each page, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            Pairs of account id and page, to iterate over. The pages of each account are in order, but pages of
            different accounts are mixed.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
            ConfigurationError: The timeout is not allowed; nothing was sent.
        """
        accounts = _calls.pages_of_accounts(
            self._settings.with_headers(extra_headers),
            timeout,
            account_ids,
            schema_name=schema_name,
            status=status,
            page_size=page_size,
            extra_query=extra_query,
            trust_end=trust_end,
        )
        return AccountPages(self._run, accounts, checked_concurrency(concurrency))

    def get(
        self,
        event_id: str,
        *,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> EventWithStatusAndEventPipelineInfo:
        """Read one event with all details.

        Args:
            event_id: The id that the event was sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The event.

        Raises:
            EventNotFound: No event has this id.
            AmbiguousEvent: Several events have this id; an id is unique only within 45 days.
            InvalidRequest: The id is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        return self._run(_calls.get(self._settings.with_headers(extra_headers), event_id, timeout))

    def get_all(
        self,
        event_id: str,
        *,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Sequence[EventWithStatusAndEventPipelineInfo]:
        """Read all events with an id.

        Args:
            event_id: The id that the events were sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The events; empty if there are none.

        Raises:
            InvalidRequest: The id is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        return self._run(
            _calls.get_all(self._settings.with_headers(extra_headers), event_id, timeout)
        )

    def correct(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        event: Event | None = None,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        allow_reverted: bool = False,
        allow_removed: bool = False,
        reread: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Correct all events that match; without `background`, at most the first 30.

        Args:
            action: UNDO reverts the effects of the events on usage, revenue and entitlements. REDO also ingests the
                events again; REDO_EVENT also ingests `event` instead.
            target: An event that was read. Alternatively, select the events with `**where`.
            event: The event to ingest instead; REDO_EVENT only.
            background: True to let the service correct the events later, without the limit of 30 events. The response
                then does not contain the outcome: read the events later.
            require_confirmation: True to let the background job wait until someone confirms it.
            keep_unknown: True to also send properties of `event` that are not in the contract.
            allow_reverted: True to correct an event even if its status is REVERTED.
            allow_removed: True to allow a replacement without some attribute of the event that was read.
            reread: True to read a target again before it is locked even if it has no `id`: its account is then listed.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's. The target is locked in it
                before the request is sent, and the outcome is recorded afterwards.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.
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
            AlreadyPending: An earlier correction of the event is open in the ledger; nothing was sent.
            AlreadyCorrected: According to the ledger, the event was already undone or replaced; nothing was sent.
            StaleReading: The event has changed since it was read; nothing was sent.
            ConfigurationError: The ledger cannot be used; nothing was sent.
            LedgerBusy: Another process holds the ledger; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` checks whether it was applied.
            TogaiError: Any other failure. Nothing was applied.
        """
        from togai import _corrections

        steps = _corrections.correct(
            self._settings.with_headers(extra_headers),
            "correct",
            action,
            target,
            where,
            event=event,
            keep_unknown=keep_unknown,
            background=background,
            require_confirmation=require_confirmation,
            allow_reverted=allow_reverted,
            allow_removed=allow_removed,
            reread=reread,
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
        allow_reverted: bool = False,
        reread: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Revert the effects of events on usage, revenue and entitlements.

        Args:
            target: An event that was read. Alternatively, select the events with `**where`.
            background: True to let the service correct the events later, without the limit of 30 events. The response
                then does not contain the outcome: read the events later.
            require_confirmation: True to let the background job wait until someone confirms it.
            allow_reverted: True to correct an event even if its status is REVERTED.
            reread: True to read a target again before it is locked even if it has no `id`: its account is then listed.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's. The target is locked in it
                before the request is sent, and the outcome is recorded afterwards.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.
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
            AlreadyPending: An earlier correction of the event is open in the ledger; nothing was sent.
            AlreadyCorrected: According to the ledger, the event was already undone or replaced; nothing was sent.
            StaleReading: The event has changed since it was read; nothing was sent.
            ConfigurationError: The ledger cannot be used; nothing was sent.
            LedgerBusy: Another process holds the ledger; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` checks whether it was applied.
            TogaiError: Any other failure. Nothing was applied.
        """
        from togai import _corrections

        steps = _corrections.correct(
            self._settings.with_headers(extra_headers),
            "undo",
            CorrectionAction.UNDO,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            allow_reverted=allow_reverted,
            reread=reread,
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
        allow_reverted: bool = False,
        reread: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Undo events and ingest the same events again.

        Args:
            target: An event that was read. Alternatively, select the events with `**where`.
            background: True to let the service correct the events later, without the limit of 30 events. The response
                then does not contain the outcome: read the events later.
            require_confirmation: True to let the background job wait until someone confirms it.
            allow_reverted: True to correct an event even if its status is REVERTED.
            reread: True to read a target again before it is locked even if it has no `id`: its account is then listed.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's. The target is locked in it
                before the request is sent, and the outcome is recorded afterwards.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.
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
            AlreadyPending: An earlier correction of the event is open in the ledger; nothing was sent.
            AlreadyCorrected: According to the ledger, the event was already undone or replaced; nothing was sent.
            StaleReading: The event has changed since it was read; nothing was sent.
            ConfigurationError: The ledger cannot be used; nothing was sent.
            LedgerBusy: Another process holds the ledger; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` checks whether it was applied.
            TogaiError: Any other failure. Nothing was applied.
        """
        from togai import _corrections

        steps = _corrections.correct(
            self._settings.with_headers(extra_headers),
            "redo",
            CorrectionAction.REDO,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            allow_reverted=allow_reverted,
            reread=reread,
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
        allow_reverted: bool = False,
        allow_removed: bool = False,
        reread: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Undo events and ingest `event` instead (REDO_EVENT).

        `event` can be an event that was read, with its payload changed: the payload is then the replacement, and the
        event is the target unless you pass another target.

        Args:
            event: The event to ingest, from `build_event`; or an event that was read, with its payload changed.
            target: An event that was read. Alternatively, select the events with `**where`.
            background: True to let the service correct the events later, without the limit of 30 events. The response
                then does not contain the outcome: read the events later.
            require_confirmation: True to let the background job wait until someone confirms it.
            keep_unknown: True to also send properties of `event` that are not in the contract.
            allow_reverted: True to correct an event even if its status is REVERTED.
            allow_removed: True to allow a replacement without some attribute of the event that was read.
            reread: True to read a target again before it is locked even if it has no `id`: its account is then listed.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's. The target is locked in it
                before the request is sent, and the outcome is recorded afterwards.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.
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
            AlreadyPending: An earlier correction of the event is open in the ledger; nothing was sent.
            AlreadyCorrected: According to the ledger, the event was already undone or replaced; nothing was sent.
            StaleReading: The event has changed since it was read; nothing was sent.
            ConfigurationError: The ledger cannot be used; nothing was sent.
            LedgerBusy: Another process holds the ledger; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` checks whether it was applied.
            TogaiError: Any other failure. Nothing was applied.
        """
        from togai import _corrections

        steps = _corrections.replace(
            self._settings.with_headers(extra_headers),
            event,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            keep_unknown=keep_unknown,
            allow_reverted=allow_reverted,
            allow_removed=allow_removed,
            reread=reread,
            ledger=ledger,
            timeout=timeout,
        )
        return self._run(steps)

    def find(
        self,
        account_id: str,
        *,
        reference_ids: Iterable[str] | None = None,
        event_ids: Iterable[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        status: str | None = None,
        where: Callable[[EventWithStatus], object] | None = None,
        max_events: int = 100_000,
        extra_query: Mapping[str, str] | None = None,
        trust_end: bool = False,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> FoundEvents:
        """Read the listing of an account once, and select events from it, for `plan`.

        The service cannot list events by id or by time, so the client selects them. An event that the listing contains
        twice is returned once.

        Args:
            account_id: The account.
            reference_ids: Only events with one of these reference ids.
            event_ids: Only events with one of these ids.
            since: Only events with a timestamp at or after this time, which needs a time zone.
            until: Only events with a timestamp before this time, which needs a time zone.
            status: Only events with this `ingestion_status.status`.
            where: Only events for which this function returns a true value.
            max_events: Stop reading after about this number of events; `is_complete` says whether all events were read.
            extra_query: Further filters that this package does not support yet, by the names of the query parameters.
            trust_end: True to accept a page as the last page even if it announces a further page without a token.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The events; `missing` lists the ids that were not found.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        from togai import _plans

        steps = _plans.find(
            self._settings.with_headers(extra_headers),
            account_id,
            timeout,
            reference_ids=reference_ids,
            event_ids=event_ids,
            since=since,
            until=until,
            status=status,
            where=where,
            max_events=max_events,
            extra_query=extra_query,
            trust_end=trust_end,
        )
        return self._run(steps)

    def plan(
        self,
        items: Iterable[Item],
        *,
        why: str | None = None,
        ledger: LedgerLike = None,
    ) -> Plan:
        """Plan corrections, without sending any: a plan is data to print, save, approve and execute.

        The plan skips an event if its status is REVERTED, if the ledger shows that it was already corrected, or if it
        has an open correction; `left_out` lists these events. An event that occurs twice is planned once.

        Args:
            items: `Undo(event)`, `Redo(event)` and `Replace(event, replacement)`, with events that were read.
            why: Why these events are corrected; recorded in each entry of the ledger.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's.

        Returns:
            The plan: print it, `ledger.approve(plan.digest, who=..., why=...)`, then `execute(plan)`.

        Raises:
            InvalidRequest: An item is not allowed, or an event occurs twice with different corrections.
            ConfigurationError: There is no ledger, or it cannot be used.
            TogaiError: Any other failure.
        """
        from togai import _plans

        return self._run(_plans.plan(self._settings, items, ledger, why))

    def execute(
        self,
        plan: Plan,
        *,
        on_failure: Literal["stop", "continue"] = "stop",
        limit: int | None = None,
        on_step: Callable[[Step], object] | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Execution:
        """Correct the events of an approved plan, one by one, each by its reference id.

        If the call is interrupted, call it again with the same plan: it continues, because the ledger records what was
        sent. Several processes may execute one plan at the same time. Each event is read again before it is corrected;
        an event that has changed is not corrected.

        Args:
            plan: The plan.
            on_failure: "stop" to stop at the first item that is not corrected, or "continue". An item that failed
                earlier, or whose earlier correction is still open, does not stop the execution.
            limit: The maximum number of items to send now.
            on_step: Called with each `Step` when it is finished.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's; it must be the plan's ledger.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The outcome of each item: check `is_complete`, or call `raise_for_failures()`.

        Raises:
            NotApproved: Nobody has approved the plan; nothing was sent.
            InvalidRequest: The plan is for another service or ledger; nothing was sent.
            LedgerDamaged: The ledger was damaged or altered, or is older than the plan; nothing was sent.
            TogaiError: Any other failure of the ledger. Execute the same plan again: no item is sent twice.
        """
        from togai import _plans

        steps = _plans.execute(
            self._settings.with_headers(extra_headers),
            plan,
            timeout,
            on_failure=on_failure,
            limit=limit,
            on_step=on_step,
            ledger=ledger,
        )
        return self._run(steps)

    def reconcile(
        self,
        unknown: CorrectionOutcomeUnknown | Entry,
        *,
        min_age: timedelta = MIN_AGE,
        max_events: int = 100_000,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Reconciliation:
        """Check whether a correction with an unknown outcome was applied, by reading the event. No correction is sent.

        The verdicts *applied* and *not applied* need evidence; without evidence, the verdict is *cannot tell*. If
        somebody corrected the event without this ledger, the event looks as if this correction was applied. A stale
        read, delayed by more than `min_age`, can lead to a wrong verdict. Therefore the verdict on a replacement is
        *not applied* only after 24 hours, or if the read shows a correction that was sent at least `min_age` later.

        Args:
            unknown: An entry of `ledger.pending()`, or the `CorrectionOutcomeUnknown` that was raised.
            min_age: How old the correction must be before a read can show that it was not applied.
            max_events: If an event has no `id`, stop listing its account after about this number of events.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The verdict with its evidence, for `ledger.settle(entry, ...)`.

        Raises:
            InvalidRequest: `unknown` has another type, or is about several events.
            TogaiError: Any other failure.
        """
        from togai import _reconciling

        steps = _reconciling.reconcile(
            self._settings.with_headers(extra_headers),
            unknown,
            timeout,
            min_age=min_age,
            max_events=max_events,
        )
        return self._run(steps)


class AsyncEvents(_Calls):
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
        extra_query: Mapping[str, str] | None = None,
        trust_end: bool = False,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> AsyncEventPages:
        """List events; nothing is sent before the first event is requested.

        Args:
            account_id: Only events of this account.
            schema_name: Only events of this event schema.
            status: Only events with this status. The vendor's examples, "PROCESSED" and "IN_PROGRESS", differ from the
                values of `ingestion_status.status`; the list is open.
            page_size: Events per request, 1 to 50; the service's default is 50.
            next_token: The token to resume with, from an earlier listing with the same filters.
            prefetch: 1 to request the next page while the current page is processed: in a thread, or in a task of the
                event loop. The thread or task ends when the listing is dropped.
            extra_query: Further filters that this package does not support yet, by the names of the query parameters.
            trust_end: True to accept a page as the last page even if it announces a further page without a token.
            timeout: Seconds for each page, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The events, to iterate over; or page by page with `.pages()`.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
            ConfigurationError: The timeout is not allowed; nothing was sent.
        """
        fetch = _calls.pages(
            self._settings.with_headers(extra_headers),
            timeout,
            account_id=account_id,
            schema_name=schema_name,
            status=status,
            page_size=page_size,
            extra_query=extra_query,
            trust_end=trust_end,
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
        extra_query: Mapping[str, str] | None = None,
        trust_end: bool = False,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> AsyncAccountPages:
        """List the events of many accounts at once, page by page; nothing is sent before the first page is requested.

        Listing one account after another spends most of the time waiting for the service; listing several at once
        reaches the rate limit. At most one page of each account is requested in advance, so memory use stays bounded.

        Args:
            account_ids: The accounts; an account that occurs twice is listed once. To resume a listing, a mapping from
                account to page token, or to None for the first page: see `remaining` of the listing.
            concurrency: How many accounts are listed at once, 1 to 50: in threads, or in tasks of the event loop, which
                end when the listing is dropped.
            schema_name: Only events of this event schema.
            status: Only events with this status, as in `list`.
            page_size: Events per request, 1 to 50; the service's default is 50.
            extra_query: Further filters that this package does not support yet, by the names of the query parameters.
            trust_end: True to accept a page as the last page even if it announces a further page without a token.
            timeout: Seconds for each page, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            Pairs of account id and page, to iterate over. The pages of each account are in order, but pages of
            different accounts are mixed.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
            ConfigurationError: The timeout is not allowed; nothing was sent.
        """
        accounts = _calls.pages_of_accounts(
            self._settings.with_headers(extra_headers),
            timeout,
            account_ids,
            schema_name=schema_name,
            status=status,
            page_size=page_size,
            extra_query=extra_query,
            trust_end=trust_end,
        )
        return AsyncAccountPages(self._run, accounts, checked_concurrency(concurrency))

    async def get(
        self,
        event_id: str,
        *,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> EventWithStatusAndEventPipelineInfo:
        """Read one event with all details.

        Args:
            event_id: The id that the event was sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The event.

        Raises:
            EventNotFound: No event has this id.
            AmbiguousEvent: Several events have this id; an id is unique only within 45 days.
            InvalidRequest: The id is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        return await self._run(
            _calls.get(self._settings.with_headers(extra_headers), event_id, timeout)
        )

    async def get_all(
        self,
        event_id: str,
        *,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Sequence[EventWithStatusAndEventPipelineInfo]:
        """Read all events with an id.

        Args:
            event_id: The id that the events were sent with.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The events; empty if there are none.

        Raises:
            InvalidRequest: The id is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        return await self._run(
            _calls.get_all(self._settings.with_headers(extra_headers), event_id, timeout)
        )

    async def correct(
        self,
        action: CorrectionAction | str,
        target: ReadEvent | None = None,
        *,
        event: Event | None = None,
        background: bool = False,
        require_confirmation: bool | None = None,
        keep_unknown: bool = False,
        allow_reverted: bool = False,
        allow_removed: bool = False,
        reread: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Correct all events that match; without `background`, at most the first 30.

        Args:
            action: UNDO reverts the effects of the events on usage, revenue and entitlements. REDO also ingests the
                events again; REDO_EVENT also ingests `event` instead.
            target: An event that was read. Alternatively, select the events with `**where`.
            event: The event to ingest instead; REDO_EVENT only.
            background: True to let the service correct the events later, without the limit of 30 events. The response
                then does not contain the outcome: read the events later.
            require_confirmation: True to let the background job wait until someone confirms it.
            keep_unknown: True to also send properties of `event` that are not in the contract.
            allow_reverted: True to correct an event even if its status is REVERTED.
            allow_removed: True to allow a replacement without some attribute of the event that was read.
            reread: True to read a target again before it is locked even if it has no `id`: its account is then listed.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's. The target is locked in it
                before the request is sent, and the outcome is recorded afterwards.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.
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
            AlreadyPending: An earlier correction of the event is open in the ledger; nothing was sent.
            AlreadyCorrected: According to the ledger, the event was already undone or replaced; nothing was sent.
            StaleReading: The event has changed since it was read; nothing was sent.
            ConfigurationError: The ledger cannot be used; nothing was sent.
            LedgerBusy: Another process holds the ledger; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` checks whether it was applied.
            TogaiError: Any other failure. Nothing was applied.
        """
        from togai import _corrections

        steps = _corrections.correct(
            self._settings.with_headers(extra_headers),
            "correct",
            action,
            target,
            where,
            event=event,
            keep_unknown=keep_unknown,
            background=background,
            require_confirmation=require_confirmation,
            allow_reverted=allow_reverted,
            allow_removed=allow_removed,
            reread=reread,
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
        allow_reverted: bool = False,
        reread: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Revert the effects of events on usage, revenue and entitlements.

        Args:
            target: An event that was read. Alternatively, select the events with `**where`.
            background: True to let the service correct the events later, without the limit of 30 events. The response
                then does not contain the outcome: read the events later.
            require_confirmation: True to let the background job wait until someone confirms it.
            allow_reverted: True to correct an event even if its status is REVERTED.
            reread: True to read a target again before it is locked even if it has no `id`: its account is then listed.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's. The target is locked in it
                before the request is sent, and the outcome is recorded afterwards.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.
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
            AlreadyPending: An earlier correction of the event is open in the ledger; nothing was sent.
            AlreadyCorrected: According to the ledger, the event was already undone or replaced; nothing was sent.
            StaleReading: The event has changed since it was read; nothing was sent.
            ConfigurationError: The ledger cannot be used; nothing was sent.
            LedgerBusy: Another process holds the ledger; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` checks whether it was applied.
            TogaiError: Any other failure. Nothing was applied.
        """
        from togai import _corrections

        steps = _corrections.correct(
            self._settings.with_headers(extra_headers),
            "undo",
            CorrectionAction.UNDO,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            allow_reverted=allow_reverted,
            reread=reread,
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
        allow_reverted: bool = False,
        reread: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Undo events and ingest the same events again.

        Args:
            target: An event that was read. Alternatively, select the events with `**where`.
            background: True to let the service correct the events later, without the limit of 30 events. The response
                then does not contain the outcome: read the events later.
            require_confirmation: True to let the background job wait until someone confirms it.
            allow_reverted: True to correct an event even if its status is REVERTED.
            reread: True to read a target again before it is locked even if it has no `id`: its account is then listed.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's. The target is locked in it
                before the request is sent, and the outcome is recorded afterwards.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.
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
            AlreadyPending: An earlier correction of the event is open in the ledger; nothing was sent.
            AlreadyCorrected: According to the ledger, the event was already undone or replaced; nothing was sent.
            StaleReading: The event has changed since it was read; nothing was sent.
            ConfigurationError: The ledger cannot be used; nothing was sent.
            LedgerBusy: Another process holds the ledger; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` checks whether it was applied.
            TogaiError: Any other failure. Nothing was applied.
        """
        from togai import _corrections

        steps = _corrections.correct(
            self._settings.with_headers(extra_headers),
            "redo",
            CorrectionAction.REDO,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            allow_reverted=allow_reverted,
            reread=reread,
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
        allow_reverted: bool = False,
        allow_removed: bool = False,
        reread: bool = False,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **where: Unpack[Where],
    ) -> CorrectionResult:
        """Undo events and ingest `event` instead (REDO_EVENT).

        `event` can be an event that was read, with its payload changed: the payload is then the replacement, and the
        event is the target unless you pass another target.

        Args:
            event: The event to ingest, from `build_event`; or an event that was read, with its payload changed.
            target: An event that was read. Alternatively, select the events with `**where`.
            background: True to let the service correct the events later, without the limit of 30 events. The response
                then does not contain the outcome: read the events later.
            require_confirmation: True to let the background job wait until someone confirms it.
            keep_unknown: True to also send properties of `event` that are not in the contract.
            allow_reverted: True to correct an event even if its status is REVERTED.
            allow_removed: True to allow a replacement without some attribute of the event that was read.
            reread: True to read a target again before it is locked even if it has no `id`: its account is then listed.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's. The target is locked in it
                before the request is sent, and the outcome is recorded afterwards.
            timeout: Seconds for all attempts together, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.
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
            AlreadyPending: An earlier correction of the event is open in the ledger; nothing was sent.
            AlreadyCorrected: According to the ledger, the event was already undone or replaced; nothing was sent.
            StaleReading: The event has changed since it was read; nothing was sent.
            ConfigurationError: The ledger cannot be used; nothing was sent.
            LedgerBusy: Another process holds the ledger; nothing was sent.
            CorrectionOutcomeUnknown: The request was sent, and whether it was applied is unknown. It is not sent
                again: `reconcile` checks whether it was applied.
            TogaiError: Any other failure. Nothing was applied.
        """
        from togai import _corrections

        steps = _corrections.replace(
            self._settings.with_headers(extra_headers),
            event,
            target,
            where,
            background=background,
            require_confirmation=require_confirmation,
            keep_unknown=keep_unknown,
            allow_reverted=allow_reverted,
            allow_removed=allow_removed,
            reread=reread,
            ledger=ledger,
            timeout=timeout,
        )
        return await self._run(steps)

    async def find(
        self,
        account_id: str,
        *,
        reference_ids: Iterable[str] | None = None,
        event_ids: Iterable[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        status: str | None = None,
        where: Callable[[EventWithStatus], object] | None = None,
        max_events: int = 100_000,
        extra_query: Mapping[str, str] | None = None,
        trust_end: bool = False,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> FoundEvents:
        """Read the listing of an account once, and select events from it, for `plan`.

        The service cannot list events by id or by time, so the client selects them. An event that the listing contains
        twice is returned once.

        Args:
            account_id: The account.
            reference_ids: Only events with one of these reference ids.
            event_ids: Only events with one of these ids.
            since: Only events with a timestamp at or after this time, which needs a time zone.
            until: Only events with a timestamp before this time, which needs a time zone.
            status: Only events with this `ingestion_status.status`.
            where: Only events for which this function returns a true value.
            max_events: Stop reading after about this number of events; `is_complete` says whether all events were read.
            extra_query: Further filters that this package does not support yet, by the names of the query parameters.
            trust_end: True to accept a page as the last page even if it announces a further page without a token.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The events; `missing` lists the ids that were not found.

        Raises:
            InvalidRequest: An argument is not allowed; nothing was sent.
            TogaiError: Any other failure.
        """
        from togai import _plans

        steps = _plans.find(
            self._settings.with_headers(extra_headers),
            account_id,
            timeout,
            reference_ids=reference_ids,
            event_ids=event_ids,
            since=since,
            until=until,
            status=status,
            where=where,
            max_events=max_events,
            extra_query=extra_query,
            trust_end=trust_end,
        )
        return await self._run(steps)

    async def plan(
        self,
        items: Iterable[Item],
        *,
        why: str | None = None,
        ledger: LedgerLike = None,
    ) -> Plan:
        """Plan corrections, without sending any: a plan is data to print, save, approve and execute.

        The plan skips an event if its status is REVERTED, if the ledger shows that it was already corrected, or if it
        has an open correction; `left_out` lists these events. An event that occurs twice is planned once.

        Args:
            items: `Undo(event)`, `Redo(event)` and `Replace(event, replacement)`, with events that were read.
            why: Why these events are corrected; recorded in each entry of the ledger.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's.

        Returns:
            The plan: print it, `ledger.approve(plan.digest, who=..., why=...)`, then `execute(plan)`.

        Raises:
            InvalidRequest: An item is not allowed, or an event occurs twice with different corrections.
            ConfigurationError: There is no ledger, or it cannot be used.
            TogaiError: Any other failure.
        """
        from togai import _plans

        return await self._run(_plans.plan(self._settings, items, ledger, why))

    async def execute(
        self,
        plan: Plan,
        *,
        on_failure: Literal["stop", "continue"] = "stop",
        limit: int | None = None,
        on_step: Callable[[Step], object] | None = None,
        ledger: LedgerLike = None,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Execution:
        """Correct the events of an approved plan, one by one, each by its reference id.

        If the call is interrupted, call it again with the same plan: it continues, because the ledger records what was
        sent. Several processes may execute one plan at the same time. Each event is read again before it is corrected;
        an event that has changed is not corrected.

        Args:
            plan: The plan.
            on_failure: "stop" to stop at the first item that is not corrected, or "continue". An item that failed
                earlier, or whose earlier correction is still open, does not stop the execution.
            limit: The maximum number of items to send now.
            on_step: Called with each `Step` when it is finished.
            ledger: A `togai.corrections.Ledger` or its address, instead of the client's; it must be the plan's ledger.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The outcome of each item: check `is_complete`, or call `raise_for_failures()`.

        Raises:
            NotApproved: Nobody has approved the plan; nothing was sent.
            InvalidRequest: The plan is for another service or ledger; nothing was sent.
            LedgerDamaged: The ledger was damaged or altered, or is older than the plan; nothing was sent.
            TogaiError: Any other failure of the ledger. Execute the same plan again: no item is sent twice.
        """
        from togai import _plans

        steps = _plans.execute(
            self._settings.with_headers(extra_headers),
            plan,
            timeout,
            on_failure=on_failure,
            limit=limit,
            on_step=on_step,
            ledger=ledger,
        )
        return await self._run(steps)

    async def reconcile(
        self,
        unknown: CorrectionOutcomeUnknown | Entry,
        *,
        min_age: timedelta = MIN_AGE,
        max_events: int = 100_000,
        timeout: float | Timeout | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Reconciliation:
        """Check whether a correction with an unknown outcome was applied, by reading the event. No correction is sent.

        The verdicts *applied* and *not applied* need evidence; without evidence, the verdict is *cannot tell*. If
        somebody corrected the event without this ledger, the event looks as if this correction was applied. A stale
        read, delayed by more than `min_age`, can lead to a wrong verdict. Therefore the verdict on a replacement is
        *not applied* only after 24 hours, or if the read shows a correction that was sent at least `min_age` later.

        Args:
            unknown: An entry of `ledger.pending()`, or the `CorrectionOutcomeUnknown` that was raised.
            min_age: How old the correction must be before a read can show that it was not applied.
            max_events: If an event has no `id`, stop listing its account after about this number of events.
            timeout: Seconds for each request, or a `Timeout`, instead of the client's.
            extra_headers: Headers for this call, besides the client's `default_headers`.

        Returns:
            The verdict with its evidence, for `ledger.settle(entry, ...)`.

        Raises:
            InvalidRequest: `unknown` has another type, or is about several events.
            TogaiError: Any other failure.
        """
        from togai import _reconciling

        steps = _reconciling.reconcile(
            self._settings.with_headers(extra_headers),
            unknown,
            timeout,
            min_age=min_age,
            max_events=max_events,
        )
        return await self._run(steps)
