"""What a request may hold: its query and its body, judged as the contract has them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

from attrs import frozen

from togai.testing._records import parse_time

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from togai.testing._messages import RecordedRequest

ACTIONS = ("UNDO", "REDO", "REDO_EVENT")
LIST_QUERY = ("nextToken", "status", "account_id", "schema_name", "pageSize")
FILTERS = ("id", "event_id", "event_source_time", "created_at")
CORRECTION_QUERY = ("action", "require_confirmation", "account_id", *FILTERS, "async")
COMBINATIONS = (
    (),
    ("id",),
    ("event_id",),
    ("event_source_time",),
    ("event_id", "created_at"),
    ("event_id", "event_source_time"),
)
LARGEST_PAGE = 50

_QUANTITY = re.compile(r"-?[0-9]{1,512}(\.[0-9]+)?")
_BOOLEANS = {"true": True, "false": False}
_EVENT = {"schemaName", "timestamp", "accountId", "attributes", "dimensions", "id"}


class Refused(Exception):
    """A request is refused, with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@frozen(kw_only=True)
class Selection:
    """Which events a correction is about."""

    account_id: str
    reference_id: str | None
    event_id: str | None
    event_source_time: datetime | None
    created_at: datetime | None


def check_query(request: RecordedRequest, known: Collection[str]) -> dict[str, str]:
    """The query by name.

    Raises:
        Refused: It names a parameter that the call does not have, or one twice.
    """
    pairs = parse_qsl(request.raw_query, keep_blank_values=True)
    query = dict(pairs)
    unknown = sorted(query.keys() - set(known))
    if unknown:
        allowed = f"it takes {', '.join(known)}" if known else "it takes none"
        raise Refused(400, f"unknown query parameter {', '.join(unknown)}: {allowed}")
    if len(query) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise Refused(400, f"query parameter {', '.join(twice)} was given more than once")
    return query


def page_size(query: dict[str, str]) -> int:
    """The page size that is asked for.

    Raises:
        Refused: It is not from 1 to 50.
    """
    text = query.get("pageSize", str(LARGEST_PAGE))
    size = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 1 <= size <= LARGEST_PAGE:
        raise Refused(422, f"pageSize must be a whole number from 1 to {LARGEST_PAGE}")
    return size


def correction(query: dict[str, str]) -> tuple[str, Selection, bool, bool]:
    """What a correction's query asks for: action, selection, in the background, with confirmation.

    Raises:
        Refused: The query says no correction that the service has.
    """
    problems: list[str] = []
    action = query.get("action", "")
    if action not in ACTIONS:
        problems.append(f"action must be one of {', '.join(ACTIONS)}")
    problems.extend(
        f"{name} must not be empty"
        for name in ("account_id", "id", "event_id")
        if name in query and not query[name]
    )
    if "account_id" not in query:
        problems.append("account_id is required")
    moments = {
        name: parse_time(query[name]) for name in ("event_source_time", "created_at") if name in query
    }
    problems.extend(
        f"{name} must be an RFC 3339 date-time with an offset"
        for name, moment in moments.items()
        if moment is None
    )
    flags = {name: query.get(name, "false") for name in ("async", "require_confirmation")}
    problems.extend(
        f"{name} must be true or false" for name, flag in flags.items() if flag not in _BOOLEANS
    )
    if flags["require_confirmation"] == "true" and flags["async"] == "false":
        problems.append("require_confirmation=true is about background jobs: it needs async=true")
    filters = tuple(name for name in FILTERS if name in query)
    if tuple(sorted(filters)) not in [tuple(sorted(one)) for one in COMBINATIONS]:
        allowed = " | ".join(" + ".join(("account_id", *one)) for one in COMBINATIONS)
        problems.append(f"account_id cannot go with {' + '.join(filters)}; allowed: {allowed}")
    if problems:
        raise Refused(400, "; ".join(problems))
    selection = Selection(
        account_id=query["account_id"],
        reference_id=query.get("id"),
        event_id=query.get("event_id"),
        event_source_time=moments.get("event_source_time"),
        created_at=moments.get("created_at"),
    )
    return action, selection, flags["async"] == "true", flags["require_confirmation"] == "true"


def correction_body(
    request: RecordedRequest, action: str, *, refuse_unknown: bool
) -> dict[str, Any] | None:
    """The event that a correction's body brings, if any.

    Raises:
        Refused: The body is none that the contract allows, or REDO_EVENT has no event.
    """
    event = None
    if request.body:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(415, "the body's content-type must be application/json")
        body = _object(request.body)
        if refuse_unknown and body.keys() - {"event"}:
            raise Refused(400, f"body: unknown property {', '.join(sorted(body.keys() - {'event'}))}")
        if "event" in body:
            event = body["event"]
            problems = _event_problems(event, refuse_unknown=refuse_unknown)
            if problems:
                raise Refused(400, "; ".join(problems))
    if action == "REDO_EVENT" and event is None:
        raise Refused(400, 'REDO_EVENT needs a body {"event": {...}}')
    return event


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "the body must be a JSON object")
    return cast("dict[str, Any]", value)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _event_problems(event: Any, *, refuse_unknown: bool) -> list[str]:
    if not isinstance(event, dict):
        return ["event must be an object"]
    given = cast("dict[str, Any]", event)
    problems = [
        f"event.{name} is required"
        for name in ("schemaName", "timestamp", "accountId", "attributes", "dimensions")
        if name not in given
    ]
    if refuse_unknown:
        problems.extend(f"event.{name} is unknown" for name in sorted(given.keys() - _EVENT))
    for name, shortest, longest in (("schemaName", 1, 50), ("accountId", 0, 512), ("id", 0, 512)):
        if name in given:
            problems.extend(_text(f"event.{name}", given[name], shortest, longest))
    if "timestamp" in given and parse_time(given["timestamp"]) is None:
        problems.append("event.timestamp must be an RFC 3339 date-time with an offset")
    if "attributes" in given:
        problems.extend(_attribute_problems(given["attributes"], refuse_unknown=refuse_unknown))
    if "dimensions" in given:
        problems.extend(_dimension_problems(given["dimensions"]))
    return problems


def _attribute_problems(attributes: Any, *, refuse_unknown: bool) -> list[str]:
    if not isinstance(attributes, list):
        return ["event.attributes must be a list"]
    given = cast("list[Any]", attributes)
    problems: list[str] = []
    if len(given) > 10:
        problems.append(f"event.attributes may hold at most 10, not {len(given)}")
    for index, one in enumerate(given):
        where = f"event.attributes.{index}"
        if not isinstance(one, dict):
            problems.append(f"{where} must be an object")
            continue
        attribute = cast("dict[str, Any]", one)
        problems.extend(
            f"{where}.{name} is required" for name in ("name", "value") if name not in attribute
        )
        if refuse_unknown:
            unknown = sorted(attribute.keys() - {"name", "value", "unit"})
            problems.extend(f"{where}.{name} is unknown" for name in unknown)
        for name in ("name", "unit"):
            if name in attribute:
                problems.extend(_text(f"{where}.{name}", attribute[name], 1, 50))
        value = attribute.get("value", "0")
        if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
            problems.append(f"{where}.value must be a decimal number as text")
    return problems


def _dimension_problems(dimensions: Any) -> list[str]:
    if not isinstance(dimensions, dict):
        return ["event.dimensions must be an object"]
    given = cast("dict[str, Any]", dimensions)
    return [
        problem
        for name, value in given.items()
        for problem in _text(f"event.dimensions.{name}", value, 1, 200)
    ]


def _text(where: str, value: Any, shortest: int, longest: int) -> list[str]:
    if not isinstance(value, str):
        return [f"{where} must be text"]
    if not shortest <= len(value) <= longest:
        return [f"{where} must have {shortest} to {longest} characters, not {len(value)}"]
    return []
