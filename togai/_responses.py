"""The response of each operation: its envelope checked, its items read into models. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from togai import models
from togai._contract import fields
from togai._decoding import Reader, StrictDeviation
from togai._drift import Drift
from togai._json import Malformed, charset_of, parse_json
from togai._listing_checks import further_page
from togai._pagination import EventPage
from togai._requests import check_encodable
from togai._salvage import most_items
from togai.corrections._result import CorrectionResult
from togai.errors import InvalidRequest, UnexpectedResponse
from togai.models import (
    EventCorrectionInfo,
    EventWithStatus,
    EventWithStatusAndEventPipelineInfo,
)

if TYPE_CHECKING:
    from togai._transport.steps import Call, Response
    from togai.corrections._correction import Correction


_MAX_OBJECTS = 100_000
"""Objects in one body: the contract's largest page holds some thousands."""


def read_page(reader: Reader, call: Call, answer: Response) -> EventPage:
    """The page that the service answered.

    Raises:
        UnexpectedResponse: It is no page; in strict mode also where it deviates from the contract.
    """
    body = read_object(call, answer)
    try:
        events = _items(reader, call, answer, body, EventWithStatus, "GetEventsResponse")
        token = _page_token(reader, call, answer, body.get("nextToken"))
        _extras(reader, body, ("events", "nextToken"), "GetEventsResponse")
    except StrictDeviation as error:
        raise _strict(call, answer, error) from None
    return EventPage(
        tuple(events),
        token or None,
        further_page=None if token else further_page(body, ("events", "nextToken")),
        request_id=answer.request_id,
        status=answer.status,
        headers=answer.headers,
    )


def _page_token(reader: Reader, call: Call, answer: Response, token: object) -> str | None:
    if token is None:
        return None
    if isinstance(token, int) and not isinstance(token, bool):
        # In a query a number and its text are the same.
        reader.tell(Drift("GetEventsResponse", "nextToken", "wrong type"), "$.nextToken")
        return str(token)
    try:
        if isinstance(token, str):
            check_encodable("nextToken", token)
            return token
    except InvalidRequest as error:
        raise unexpected(
            call, answer, f"a page token that cannot be sent ({error})", "$.nextToken"
        ) from None
    # Guessing here could end a listing early, or never.
    raise unexpected(call, answer, "a page token that is no text", "$.nextToken")


def read_candidates(
    reader: Reader, call: Call, answer: Response, event_id: str
) -> list[EventWithStatusAndEventPipelineInfo]:
    """The events that have the id that was asked for.

    Raises:
        UnexpectedResponse: The response is not a list of events, or of events with another id; in strict mode also
            where it deviates from the contract.
    """
    body = read_object(call, answer)
    model = EventWithStatusAndEventPipelineInfo
    try:
        events = _items(reader, call, answer, body, model, "GetEventResponse")
        _extras(reader, body, ("events",), "GetEventResponse")
        for number, event in enumerate(events):
            _check_id(reader, call, answer, event, event_id, f"$.events[{number}]")
    except StrictDeviation as error:
        raise _strict(call, answer, error) from None
    return events


def _check_id(
    reader: Reader,
    call: Call,
    answer: Response,
    event: EventWithStatusAndEventPipelineInfo,
    event_id: str,
    where: str,
) -> None:
    """Check that an event is the one that was requested."""
    id_: object = getattr(event.event_payload, "id", None)  # the payload may be missing
    if event_id in (str(id_), str(event.reference_id)):
        return
    if id_ is not None:
        raise unexpected(call, answer, "an event with another id", where)
    reader.tell(Drift("Event", "id", "missing"), f"{where}.eventPayload.id")


def read_correction(
    reader: Reader, call: Call, answer: Response, correction: Correction
) -> CorrectionResult:
    """What the service says that it did.

    Raises:
        UnexpectedResponse: It does not say; in strict mode also where it deviates from the contract.
    """
    result = _correction_result(reader, call, answer, correction)
    result.request_id, result.status = answer.request_id, answer.status
    result.headers = answer.headers
    return result


def _correction_result(
    reader: Reader, call: Call, answer: Response, correction: Correction
) -> CorrectionResult:
    if correction.background and not answer.body.strip():
        return CorrectionResult(correction, (), None)
    body = _any_json(call, answer) if correction.background else read_object(call, answer)
    entries: Any = cast("dict[str, Any]", body).get("data") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        if correction.background:
            return CorrectionResult(correction, (), body)
        raise unexpected(call, answer, "an object without a list of data", "$.data")
    try:
        outer = "EventsCorrectionResponse"
        read = _bounded(
            reader, call, answer, cast("Any", entries), EventCorrectionInfo, outer, "data"
        )
        _extras(reader, cast("dict[str, Any]", body), ("data",), outer)
    except StrictDeviation as error:
        raise _strict(call, answer, error) from None
    return CorrectionResult(correction, read, body)


def _any_json(call: Call, answer: Response) -> Any:
    try:
        return parse_json(answer.body, charset_of(answer.content_type))
    except (ValueError, RecursionError):
        text = answer.body.decode("utf-8", "replace")
        if "html" in answer.headers.get("content-type", "") or text.lstrip().startswith("<"):
            raise unexpected(call, answer, "a page instead of an answer") from None
        return text


def _items(
    reader: Reader, call: Call, answer: Response, body: dict[str, Any], model: type[Any], outer: str
) -> list[Any]:
    events: object = body.get("events")
    if isinstance(events, list):
        return _bounded(reader, call, answer, cast("Any", events), model, outer, "events")
    if events is not None:
        raise unexpected(
            call, answer, f"events that are no list but {type(events).__name__}", "$.events"
        )
    if "events" not in body and body.keys() - {"nextToken"}:
        # Some other object, such as an error under status 200: not an empty page.
        raise unexpected(call, answer, "an object without events", "$.events")
    reader.tell(Drift(outer, "events", "null" if "events" in body else "missing"), "$.events")
    return []


def _bounded(
    reader: Reader,
    call: Call,
    answer: Response,
    values: list[Any],
    model: type[Any],
    outer: str,
    name: str,
) -> list[Any]:
    """The models of a list, unless it is so long that the models would fill the memory."""
    envelope: type = getattr(models, outer)
    limits = next(field.limits for field in fields(envelope) if field.wire == name)
    if len(values) > most_items(limits) or answer.body.count(b"{") > _MAX_OBJECTS:
        problem = f"{len(values)} items in a list" + (
            f" of at most {limits['maxItems']}" if "maxItems" in limits else ""
        )
        raise unexpected(call, answer, problem, f"$.{name}")
    return reader.items(model, values, f"$.{name}")


def _extras(reader: Reader, body: dict[str, Any], known: tuple[str, ...], outer: str) -> None:
    for name in body:
        if name not in known:
            reader.tell(Drift(outer, name, "unknown property"), f"$.{name}")


def _strict(call: Call, answer: Response, error: StrictDeviation) -> UnexpectedResponse:
    deviation = error.deviation
    return unexpected(
        call, answer, f"a deviation from the contract ({deviation.drift})", deviation.where
    )


def read_object(call: Call, answer: Response) -> dict[str, Any]:
    """The JSON object that a successful answer must be.

    Raises:
        UnexpectedResponse: It is anything else.
    """
    content_type = answer.content_type
    try:
        body = parse_json(answer.body, charset_of(content_type))
    except RecursionError:
        problem = "JSON that is nested too deeply"
    except ValueError:
        named = f" ({content_type})" if content_type else ""
        problem = f"a body that is not JSON{named}" if answer.body else "an empty body"
        if content_type and "html" in content_type.lower():
            problem += ", from a proxy or a wrong base_url"
    else:
        if isinstance(body, dict):
            return cast("dict[str, Any]", body)
        malformed = isinstance(body, Malformed)
        problem = (
            "a body that is not JSON"
            if malformed
            else f"JSON that is no object but {type(body).__name__}"
        )
    if answer.content_coding:
        problem += f", with the content encoding {answer.content_coding}"
    raise unexpected(call, answer, problem)


def unexpected(
    call: Call, answer: Response, problem: str, where: str | None = None
) -> UnexpectedResponse:
    """The error for a success whose body is not what was asked for."""
    return UnexpectedResponse(
        problem,
        method=call.method,
        path=call.path,
        status=answer.status,
        request_id=answer.request_id,
        content_type=answer.content_type,
        snippet=answer.snippet(),
        where=where,
        attempts=answer.attempts,
    )
