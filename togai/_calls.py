"""The methods of `client.events` that read, each implemented once as steps that both clients run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from attrs import evolve

from togai import _requests, _responses
from togai._arguments import check_flag
from togai._listing_many import AccountCursors
from togai._pagination import EventPage, collect
from togai._transport.exchange import exchange
from togai.errors import AmbiguousEvent, EventNotFound, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from togai._settings import Settings
    from togai._transport.steps import Call, Delivery, Response, Steps
    from togai._transport.timeout import Timeout
    from togai.corrections._matching import Read
    from togai.models import EventWithStatus, EventWithStatusAndEventPipelineInfo, ReadEvent


logger = logging.getLogger("togai")

_LIST_FILTERS = ("account_id", "schema_name", "status")
_LIST_PARAMETERS = (*_LIST_FILTERS, "pageSize", "page_size", "nextToken", "next_token")


def send(
    settings: Settings,
    call: Call,
    timeout: float | Timeout | None,
    delivery: Delivery | None = None,
) -> Steps[Response]:
    """Send a call with the client's retry policy.

    Args:
        settings: Settings of the client.
        call: The call.
        timeout: Seconds for all attempts together, or a `Timeout`; None for the client's.
        delivery: Updated with what happened to each attempt; corrections only.

    Raises:
        TogaiError: The call failed.
    """
    times = settings.timeout_of(timeout)
    can_refresh = settings.can_refresh
    call = evolve(call, headers=settings.headers) if settings.headers else call
    steps = exchange(call, settings.policy, times, can_refresh=can_refresh, delivery=delivery)
    response = yield from steps
    _log_deprecation(settings, call, response)
    return response


def _log_deprecation(settings: Settings, call: Call, response: Response) -> None:
    """Log, once per operation and client, that the service will remove the operation."""
    named = {name: response.headers.get(name) for name in ("deprecation", "sunset")}
    announcement = ", ".join(
        f"{name}: {response.shown(value, 100)}" for name, value in named.items() if value
    )
    if not announcement:
        return
    own = call.path in ("/events", "/events/correction")
    operation = f"{call.method} {call.path if own else '/events/{event_id}'}"
    if operation not in settings.deprecations:
        settings.deprecations.add(operation)
        logger.warning("the service announces the end of %s (%s)", operation, announcement)


def pages(
    settings: Settings,
    timeout: float | Timeout | None,
    *,
    extra_query: Mapping[str, str] | None = None,
    trust_end: bool = False,
    **filters: Any,
) -> Callable[[str | None], Steps[EventPage]]:
    """The steps that request a page of a listing, by its token, and check it against the request.

    Raises:
        InvalidRequest: A filter is not allowed.
        ConfigurationError: The timeout is not allowed.
    """
    times = settings.timeout_of(timeout)
    request = _requests.list_events(**filters)
    query = _requests.checked_query(extra_query, _LIST_PARAMETERS)
    check_flag("trust_end", trust_end)
    used = {**{name: filters.get(name) for name in _LIST_FILTERS}, **query}

    def list_page(call: Call) -> Steps[EventPage]:
        response = yield from send(settings, call, times)
        return _responses.read_page(settings.reader, call, response)

    def probe(name: str, value: str) -> Steps[Sequence[EventWithStatus]]:
        own: dict[str, Any] = dict.fromkeys(_LIST_FILTERS)
        if name in own:
            own[name] = value
        call = _requests.list_events(**own, page_size=1)(None)
        page = yield from list_page(call if name in own else _with_query(call, {name: value}))
        return page.events

    def fetch(token: str | None) -> Steps[EventPage]:
        page = yield from list_page(_with_query(request(token), query))
        yield from settings.filter_checks.check(used, page.events, probe)
        if not trust_end or page.further_page is None:
            return page
        logger.warning("the listing ends although %s announces a further page", page.further_page)
        return evolve(page, further_page=None)

    return fetch


def _with_query(call: Call, query: Mapping[str, str]) -> Call:
    """A call with further parameters."""
    return evolve(call, params={**call.params, **query}) if query else call


def pages_of_accounts(
    settings: Settings, timeout: float | Timeout | None, account_ids: Iterable[Any], **filters: Any
) -> AccountCursors:
    """The listings of several accounts.

    Raises:
        InvalidRequest: An account id, a token or a filter is not allowed.
        ConfigurationError: The timeout is not allowed.
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
    """Read the event with an id.

    Raises:
        EventNotFound: No event has this id.
        AmbiguousEvent: Several events have this id.
        TogaiError: Any other failure.
    """
    events = yield from get_all(settings, event_id, timeout)
    if not events:
        raise EventNotFound(event_id)
    if len(events) > 1:
        raise AmbiguousEvent(event_id, events)
    return events[0]


def get_all(
    settings: Settings, event_id: str, timeout: float | Timeout | None
) -> Steps[Sequence[EventWithStatusAndEventPipelineInfo]]:
    """Read all events with an id.

    Raises:
        InvalidRequest: The id is not allowed.
        TogaiError: Any other failure.
    """
    call = _requests.get_event(event_id)
    try:
        response = yield from send(settings, call, timeout)
    except NotFound as error:
        # Only a 404 of the service itself means that no event exists; a gateway's 404 page means a wrong address.
        if error.snippet.lstrip().startswith("{"):
            return []
        raise
    return _responses.read_candidates(settings.reader, call, response, event_id)


def read(
    settings: Settings, reading: Read, timeout: float | Timeout | None
) -> Steps[Sequence[ReadEvent]]:
    """Read the events with an id, or all events of an account."""
    if reading.event_id is not None:
        return (yield from get_all(settings, reading.event_id, timeout))
    events, _ = yield from listed(settings, reading.account_id, timeout)
    return events


def listed(
    settings: Settings,
    account_id: str | None,
    timeout: float | Timeout | None,
    most: int | None = None,
    **listing: Any,
) -> Steps[tuple[list[EventWithStatus], bool]]:
    """List the events of an account up to a number of events; also return whether all of them were read."""
    fetch = pages(
        settings,
        timeout,
        account_id=account_id,
        schema_name=None,
        status=None,
        page_size=None,
        **listing,
    )
    return (yield from collect(fetch, most))
