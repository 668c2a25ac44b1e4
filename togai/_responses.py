"""Read the responses with events: check the envelope, and read its items into models. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from togai import models
from togai._contract import fields
from togai._decoding import Reader, StrictDeviation
from togai._drift import Drift
from togai._json import Malformed, charset_of, flattened, kind_of, parse_json
from togai._listing_checks import further_page
from togai._pagination import EventPage
from togai._printable import printable_name
from togai._requests import check_encodable
from togai._salvage import most_items
from togai.errors import InvalidRequest, UnexpectedResponse
from togai.models import (
    EventWithStatus,
    EventWithStatusAndEventPipelineInfo,
)

if TYPE_CHECKING:
    from togai._transport.steps import Call, Response


_MAX_OBJECTS = 100_000
"""The maximum number of objects in one body; the contract's largest page has some thousands."""

_ENVELOPE = (b'"events"', b'"nextToken"')

_MAX_VALUES = 1_000_000
"""Values in one body, which may fill the memory before there is an object. A body of as many bytes has fewer."""


def read_page(reader: Reader, call: Call, response: Response) -> EventPage:
    """Read the page in a response.

    Raises:
        UnexpectedResponse: The response is not a page; or, in strict mode, it deviates from the contract.
    """
    body = read_object(call, response)
    try:
        events = _items(reader, call, response, body, EventWithStatus, "GetEventsResponse")
        token = _page_token(reader, call, response, body.get("nextToken"))
        report_extras(reader, body, ("events", "nextToken"), "GetEventsResponse")
    except StrictDeviation as error:
        raise strict_error(call, response, error) from None
    return EventPage(
        tuple(events),
        token or None,
        further_page=None if token else further_page(body, ("events", "nextToken")),
        request_id=response.request_id,
        status=response.status,
        headers=response.headers,
    )


def _page_token(reader: Reader, call: Call, response: Response, token: object) -> str | None:
    if token is None:
        return None
    if isinstance(token, int) and not isinstance(token, bool):
        # In a query, a number and its text are the same.
        reader.report(Drift("GetEventsResponse", "nextToken", "wrong type"), "$.nextToken")
        return str(token)
    try:
        if isinstance(token, str) and not isinstance(token, Malformed):
            check_encodable("nextToken", token)
            return token
    except InvalidRequest as error:
        raise unexpected(
            call, response, f"a page token that cannot be sent ({error})", "$.nextToken"
        ) from None
    # Guessing here could end a listing early, or never.
    raise unexpected(call, response, "a page token that is not text", "$.nextToken")


def read_candidates(
    reader: Reader, call: Call, response: Response, event_id: str
) -> list[EventWithStatusAndEventPipelineInfo]:
    """Read the events with the requested id.

    Raises:
        UnexpectedResponse: The response is not a list of events, or contains an event with another id; or, in strict
            mode, it deviates from the contract.
    """
    body = read_object(call, response)
    model = EventWithStatusAndEventPipelineInfo
    try:
        events = _items(reader, call, response, body, model, "GetEventResponse")
        report_extras(reader, body, ("events",), "GetEventResponse")
        for number, event in enumerate(events):
            _check_id(reader, call, response, event, event_id, f"$.events[{number}]")
    except StrictDeviation as error:
        raise strict_error(call, response, error) from None
    return events


def _check_id(
    reader: Reader,
    call: Call,
    response: Response,
    event: EventWithStatusAndEventPipelineInfo,
    event_id: str,
    where: str,
) -> None:
    """Check that an event has the requested id."""
    id_: object = getattr(event.event_payload, "id", None)  # the payload may be missing
    if event_id in (str(id_), str(event.reference_id)):
        return
    if id_ is not None:
        raise unexpected(call, response, "an event with another id", where)
    reader.report(Drift("Event", "id", "missing"), f"{where}.eventPayload.id")


def parse_body(call: Call, response: Response) -> Any:
    """Parse the JSON of a response.

    Raises:
        UnexpectedResponse: It has so many values that they would fill the memory.
        ValueError: It is not JSON.
        RecursionError: It is nested too deeply.
    """
    body = response.body
    if len(body) > _MAX_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > _MAX_VALUES:
        raise unexpected(call, response, f"more than {_MAX_VALUES} values")
    # A page is parsed exactly only where that can matter: it takes several times as long.
    exact = call.path != "/events" or any(body.count(name) > 1 for name in _ENVELOPE)
    charset = charset_of(response.content_type)
    try:
        return parse_json(body, charset, exact=exact)
    except RecursionError:
        return parse_json(flattened(body), charset, exact=exact)


def _items(
    reader: Reader,
    call: Call,
    response: Response,
    body: dict[str, Any],
    model: type[Any],
    outer: str,
) -> list[Any]:
    events: object = body.get("events")
    if events is None or events == []:
        # An object outside a list may only refer to an event, such as the last one.
        refuse_misplaced(call, response, body, model, "events", alone=3)
    if isinstance(events, list):
        return read_items(reader, call, response, cast("Any", events), model, outer, "events")
    if events is not None:
        raise unexpected(
            call, response, f"events that are not a list but {kind_of(events)}", "$.events"
        )
    if "events" not in body and body.keys() - {"nextToken"}:
        # Some other object, such as an error under status 200: not an empty page.
        raise unexpected(call, response, "an object without events", "$.events")
    reader.report(Drift(outer, "events", "null" if "events" in body else "missing"), "$.events")
    return []


def read_items(
    reader: Reader,
    call: Call,
    response: Response,
    values: list[Any],
    model: type[Any],
    outer: str,
    name: str,
) -> list[Any]:
    """Read a list into models.

    Raises:
        UnexpectedResponse: The list is so long that its models would fill the memory.
        StrictDeviation: In strict mode, for the first deviation.
    """
    envelope: type = getattr(models, outer)
    limits = next(field.limits for field in fields(envelope) if field.wire == name)
    if len(values) > most_items(limits) or response.body.count(b"{") > _MAX_OBJECTS:
        problem = f"{len(values)} items in a list" + (
            f" of at most {limits['maxItems']}" if "maxItems" in limits else ""
        )
        raise unexpected(call, response, problem, f"$.{name}")
    return reader.items(model, values, f"$.{name}")


def refuse_misplaced(
    call: Call,
    response: Response,
    body: dict[str, Any],
    model: type[Any],
    name: str,
    *,
    alone: int = 2,
) -> None:
    """Refuse a response without items in the property `name` whose items are in another property.

    An object in a list counts as an item if it has two of the required properties; any other object, if it has `alone`.

    Raises:
        UnexpectedResponse: Another property contains items, which would be ignored.
    """
    required = {field.wire for field in fields(cast("type", model)) if field.required}

    def holds_items(value: object, enough: int) -> bool:
        if isinstance(value, dict):
            held = cast("dict[str, Any]", value)
            if len(required & held.keys()) >= enough:
                return True
            return any(holds_items(inner, alone) for inner in held.values())
        items = cast("list[object]", value) if isinstance(value, list) else []
        return any(holds_items(item, 2) for item in items)

    for other, value in body.items():
        if holds_items(value, alone):
            problem = f"no items in {name}, but in an unknown property"
            raise unexpected(call, response, problem, f"$.{printable_name(other)}")


def report_extras(reader: Reader, body: dict[str, Any], known: tuple[str, ...], outer: str) -> None:
    """Report the unknown properties of an envelope.

    Raises:
        StrictDeviation: In strict mode.
    """
    for name in body:
        if name not in known:
            reader.report(Drift(outer, name, "unknown property"), f"$.{printable_name(name)}")


def strict_error(call: Call, response: Response, error: StrictDeviation) -> UnexpectedResponse:
    """The error for a deviation in strict mode."""
    deviation = error.deviation
    return unexpected(
        call, response, f"a deviation from the contract ({deviation.drift})", deviation.where
    )


def read_object(call: Call, response: Response) -> dict[str, Any]:
    """The JSON object in the body of a success.

    Raises:
        UnexpectedResponse: The body is not a JSON object.
    """
    content_type = response.content_type
    try:
        body = parse_body(call, response)
    except RecursionError:
        problem = "JSON that is nested too deeply"
    except ValueError:
        named = f" ({content_type})" if content_type else ""
        problem = f"a body that is not JSON{named}" if response.body else "an empty body"
    else:
        if isinstance(body, dict):
            return cast("dict[str, Any]", body)
        problem = f"JSON that is not an object but {kind_of(body)}"
    if response.content_coding:
        problem += f", with the content encoding {response.content_coding}"
    raise unexpected(call, response, problem)


def unexpected(
    call: Call, response: Response, problem: str, where: str | None = None
) -> UnexpectedResponse:
    """The error for a success with an unexpected body."""
    return UnexpectedResponse(
        problem,
        method=call.method,
        path=call.path,
        status=response.status,
        request_id=response.request_id,
        content_type=response.content_type,
        snippet=response.snippet(),
        where=where,
        attempts=response.attempts,
    )
