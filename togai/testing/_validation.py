"""The checks of a correction and its event, against the contract and the rules of the service."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from togai._contract import problems
from togai._requests import MAX_PAGE_SIZE
from togai._salvage import salvage
from togai.models import Event
from togai.testing._messages import Refused
from togai.testing._query import CORRECTION_NAMES, FILTER_NAMES, check_names

if TYPE_CHECKING:
    from togai._drift import Deviation
    from togai.testing._messages import Request
    from togai.testing._records import JSON

ACTIONS = ("UNDO", "REDO", "REDO_EVENT")

_COMBINATIONS = (
    frozenset[str](),
    frozenset({"id"}),
    frozenset({"event_id"}),
    frozenset({"event_source_time"}),
    frozenset({"event_id", "created_at"}),
    frozenset({"event_id", "event_source_time"}),
)
_COMBINATIONS_TEXT = (
    "account_id alone, or with id, event_id, event_source_time, event_id and created_at,"
    " event_id and event_source_time"
)


def page_size(text: str | None) -> int:
    """The size of a page."""
    if text is None:
        return 50
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= (MAX_PAGE_SIZE or 9999):
        raise Refused(422, f"pageSize must be a number from 1 to {MAX_PAGE_SIZE}, is {text!r}.")
    return int(text)


def check_correction(request: Request) -> tuple[str, JSON | None]:
    """The action of a correction and its event.

    Raises:
        Refused: The service does not accept the request.
    """
    query = request.query
    check_names(query, CORRECTION_NAMES)
    action = query.get("action")
    if action not in ACTIONS:
        raise Refused(400, f"action must be UNDO, REDO or REDO_EVENT, is {action!r}.")
    if not query.get("account_id"):
        raise Refused(400, "account_id is required.")
    if FILTER_NAMES & query.keys() not in _COMBINATIONS:
        raise Refused(400, f"These filters cannot be combined. Allowed: {_COMBINATIONS_TEXT}.")
    for name in ("event_source_time", "created_at"):
        if name in query and not _is_moment(query[name]):
            raise Refused(400, f"{name} must be a date-time with an offset, is {query[name]!r}.")
    for name in ("async", "require_confirmation"):
        if query.get(name) not in (None, "true", "false"):
            raise Refused(400, f"{name} must be true or false, is {query[name]!r}.")
    if query.get("require_confirmation") == "true" and query.get("async") != "true":
        raise Refused(400, "require_confirmation=true is for background jobs: add async=true.")
    return action, _check_body(request, needed=action == "REDO_EVENT")


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _check_body(request: Request, *, needed: bool) -> JSON | None:
    if not request.body.strip():
        if needed:
            raise Refused(400, "REDO_EVENT needs an event in the body.")
        return None
    try:
        body = request.json()
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON.") from None
    if not isinstance(body, dict) or cast("JSON", body).keys() - {"event"}:
        raise Refused(400, "The body must be an object with the property event only.")
    if "event" not in body and not needed:
        return None
    event: Any = cast("JSON", body).get("event")
    if wrong := event_problems(event):
        raise Refused(400, f"The event is not valid: {'; '.join(wrong)}.")
    return cast("JSON", event)


def event_problems(event: Any) -> list[str]:
    """What the contract forbids in an event."""
    deviations: list[Deviation] = []
    read = salvage(Event, event, "event", deviations)
    return [str(deviation) for deviation in deviations] or list(problems(read, Event, wire=True))
