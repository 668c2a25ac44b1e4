"""The three operations: arguments -> request, and answer -> models. No I/O."""

from __future__ import annotations

from decimal import Decimal
from json import dumps
from typing import TYPE_CHECKING, Any, cast

# `_get_kwargs` is the generator's request builder; its public functions decode and judge as well.
from _togai_generated.api.event_management.event_correction import (
    _get_kwargs as correction_arguments,  # pyright: ignore[reportPrivateUsage]
)
from _togai_generated.api.event_management.get_events import (
    _get_kwargs as list_arguments,  # pyright: ignore[reportPrivateUsage]
)
from _togai_generated.api.event_management.get_single_event import (
    _get_kwargs as get_arguments,  # pyright: ignore[reportPrivateUsage]
)
from _togai_generated.types import UNSET

from togai._corrections import Correction, CorrectionResult
from togai._pages import EventPage
from togai._reading import Drift, Reader, StrictDeparture
from togai._sending import Answer, Call, parse_json, read_object, unexpected
from togai.errors import InvalidRequest, UnexpectedResponse
from togai.models import (
    EventCorrectionInfo,
    EventCorrectionRequest,
    EventWithStatus,
    EventWithStatusAndEventPipelineInfo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 4096
MAX_PAGE_SIZE = 50
"""Events of one page at most (the vendor's description)."""


def list_events(
    *,
    account_id: str | None,
    schema_name: str | None,
    status: str | None,
    page_size: int | None,
) -> Callable[[str | None], Call]:
    """The request for each page, given its token.

    Raises:
        InvalidRequest: An argument cannot be right.
    """
    filters: dict[str, Any] = {
        "account_id": _text("account_id", account_id),
        "schema_name": _text("schema_name", schema_name),
        "status": _text("status", status),
        "page_size": _page_size(page_size),
    }

    def page(next_token: str | None) -> Call:
        arguments: dict[str, Any] = {
            **filters,
            "next_token": UNSET if next_token is None else next_token,
        }
        return _call(list_arguments(**arguments))

    return page


def checked_token(next_token: object) -> str | None:
    """A page token to start from.

    Raises:
        InvalidRequest: It is neither None nor a text that can be sent.
    """
    if next_token is None:
        return None
    if isinstance(next_token, str) and next_token:
        _encodable("next_token", next_token)
        return next_token
    raise InvalidRequest(f"next_token={next_token!r}: pass a token from an earlier page, or None")


def get_event(event_id: object) -> Call:
    """The request for one event.

    Raises:
        InvalidRequest: The id cannot be one, or cannot stand in a path.
    """
    if not isinstance(event_id, str):
        raise InvalidRequest(f"event_id must be text, not {type(event_id).__name__}")
    if not event_id.strip():
        raise InvalidRequest("event_id is empty: pass the id that the event was sent with")
    if event_id in (".", ".."):
        raise InvalidRequest(
            f"event_id={event_id!r} cannot stand in a path: it would name another call"
        )
    _encodable("event_id", event_id)
    return _call(get_arguments(event_id))


def correct_events(correction: Correction) -> Call:
    """The request for a correction."""
    selection = correction.selection
    arguments: dict[str, Any] = {
        "action": correction.action,
        "account_id": selection.account_id,
        "id": selection.reference_id,
        "event_id": selection.event_id,
        "event_source_time": selection.event_source_time,
        "created_at": selection.created_at,
        "async_": UNSET if not correction.background else True,
        "require_confirmation": correction.require_confirmation,
    }
    given = {name: value for name, value in arguments.items() if value is not None}
    if correction.event is not None:
        given["body"] = EventCorrectionRequest(event=correction.event)
    return _call(correction_arguments(**given), repeatable=False)


def _call(kwargs: dict[str, Any], *, repeatable: bool = True) -> Call:
    params: dict[str, Any] = kwargs.get("params", {})
    for name, value in params.items():
        if isinstance(value, str):
            _encodable(name, value)
    return Call(
        method=kwargs["method"].upper(),
        path=kwargs["url"],
        params=params,
        json=_writable(kwargs["json"]) if "json" in kwargs else None,
        repeatable=repeatable,
    )


def _writable(body: Any) -> Any:
    """The body, if JSON in UTF-8 can hold it: a property that the contract does not know may be anything."""
    try:
        body = _without_decimals(body)
        dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"this event cannot be written as JSON in UTF-8: {error}") from None
    return body


def _without_decimals(value: Any) -> Any:
    """JSON that `json` can write: what an unknown property holds was read with exact numbers."""
    if isinstance(value, dict):
        entries: dict[str, Any] = cast("Any", value)
        return {name: _without_decimals(entry) for name, entry in entries.items()}
    if isinstance(value, list):
        return [_without_decimals(item) for item in cast("Any", value)]
    return float(value) if isinstance(value, Decimal) else value


def _text(name: str, value: object) -> Any:
    if value is None:
        return UNSET
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be text, not {type(value).__name__}")
    if not value.strip():
        raise InvalidRequest(f"{name} is empty: leave it out to list all")
    _encodable(name, value)
    return str(value)


def _encodable(name: str, value: str) -> None:
    if len(value) > _LONGEST:
        raise InvalidRequest(
            f"{name} has {len(value)} characters: an address holds no more than {_LONGEST} of one"
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(f"{name} holds a character that UTF-8 cannot carry") from None


def _page_size(value: object) -> Any:
    if value is None:
        return UNSET
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PAGE_SIZE:
        raise InvalidRequest(f"page_size={value!r}: pass a whole number from 1 to {MAX_PAGE_SIZE}")
    return value


def read_page(reader: Reader, call: Call, answer: Answer) -> EventPage:
    """The page that the service answered.

    Raises:
        UnexpectedResponse: It is no page; in strict mode also where it departs from the contract.
    """
    body = read_object(call, answer)
    try:
        events = _items(reader, call, answer, body, EventWithStatus, "GetEventsResponse")
        token = _page_token(reader, call, answer, body.get("nextToken"))
        _extras(reader, body, ("events", "nextToken"), "GetEventsResponse")
    except StrictDeparture as error:
        raise _strict(call, answer, error) from None
    return EventPage(tuple(events), token or None)


def _page_token(reader: Reader, call: Call, answer: Answer, token: object) -> str | None:
    if token is None:
        return None
    if isinstance(token, int) and not isinstance(token, bool):
        # In a query a number and its text are the same.
        reader.tell(Drift("GetEventsResponse", "nextToken", "wrong type"), "$.nextToken")
        return str(token)
    try:
        if isinstance(token, str):
            _encodable("nextToken", token)
            return token
    except InvalidRequest as error:
        raise unexpected(
            call, answer, f"a page token that cannot be sent ({error})", "$.nextToken"
        ) from None
    # Guessing here could end a listing early, or never.
    raise unexpected(call, answer, "a page token that is no text", "$.nextToken")


def read_candidates(
    reader: Reader, call: Call, answer: Answer
) -> list[EventWithStatusAndEventPipelineInfo]:
    """The events that have the id that was asked for.

    Raises:
        UnexpectedResponse: The answer is no list of events; in strict mode also where it departs from
            the contract.
    """
    body = read_object(call, answer)
    model = EventWithStatusAndEventPipelineInfo
    try:
        events = _items(reader, call, answer, body, model, "GetEventResponse")
        _extras(reader, body, ("events",), "GetEventResponse")
    except StrictDeparture as error:
        raise _strict(call, answer, error) from None
    return events


def read_correction(
    reader: Reader, call: Call, answer: Answer, correction: Correction
) -> CorrectionResult:
    """What the service says that it did.

    Raises:
        UnexpectedResponse: It does not say; in strict mode also where it departs from the contract.
    """
    if correction.background and not answer.body.strip():
        return CorrectionResult(correction, (), None)
    body = _any_json(call, answer) if correction.background else read_object(call, answer)
    entries: Any = cast("dict[str, Any]", body).get("data") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        if correction.background:
            return CorrectionResult(correction, (), body)
        raise unexpected(call, answer, "an object without a list of data", "$.data")
    try:
        read = reader.items(EventCorrectionInfo, cast("Any", entries), "$.data")
        _extras(reader, cast("dict[str, Any]", body), ("data",), "EventsCorrectionResponse")
    except StrictDeparture as error:
        raise _strict(call, answer, error) from None
    return CorrectionResult(correction, read, body)


def _any_json(call: Call, answer: Answer) -> Any:
    try:
        return parse_json(answer.body)
    except (ValueError, RecursionError):
        text = answer.body.decode("utf-8", "replace")
        if "html" in answer.headers.get("content-type", "") or text.lstrip().startswith("<"):
            raise unexpected(call, answer, "a page instead of an answer") from None
        return text


def _items(
    reader: Reader, call: Call, answer: Answer, body: dict[str, Any], model: type[Any], outer: str
) -> list[Any]:
    events: object = body.get("events")
    if isinstance(events, list):
        return reader.items(model, cast("Any", events), "$.events")
    if events is not None:
        raise unexpected(
            call, answer, f"events that are no list but {type(events).__name__}", "$.events"
        )
    if "events" not in body and body.keys() - {"nextToken"}:
        # Some other object, such as an error under status 200: not an empty page.
        raise unexpected(call, answer, "an object without events", "$.events")
    reader.tell(Drift(outer, "events", "null" if "events" in body else "missing"), "$.events")
    return []


def _extras(reader: Reader, body: dict[str, Any], known: tuple[str, ...], outer: str) -> None:
    for name in body:
        if name not in known:
            reader.tell(Drift(outer, name, "unknown property"), f"$.{name}")


def _strict(call: Call, answer: Answer, error: StrictDeparture) -> UnexpectedResponse:
    departure = error.departure
    return unexpected(
        call, answer, f"a departure from the contract ({departure.drift})", departure.where
    )
