"""The parameters and bodies of the three calls: their names, checks, filters and page tokens."""

from __future__ import annotations

import base64
import json
import re
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from togai._contract import problems
from togai._requests import MAX_PAGE_SIZE
from togai._salvage import salvage
from togai.models import Event
from togai.testing._messages import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from togai._drift import Deviation
    from togai.testing._messages import Request
    from togai.testing._records import JSON

ACTIONS = ("UNDO", "REDO", "REDO_EVENT")
LISTING_NAMES = frozenset({"nextToken", "status", "account_id", "schema_name", "pageSize"})
FILTER_NAMES = frozenset({"id", "event_id", "event_source_time", "created_at"})
CORRECTION_NAMES = FILTER_NAMES | {"action", "require_confirmation", "account_id", "async"}
QUERY_NAMES = LISTING_NAMES | CORRECTION_NAMES

_COMBINATIONS = {
    frozenset(names.split())
    for names in (
        "", "id", "event_id", "event_source_time", "event_id created_at", "event_id event_source_time",
    )
}  # fmt: skip
_COMBINATIONS_TEXT = (
    "account_id alone, or with id, event_id, event_source_time, event_id and created_at,"
    " event_id and event_source_time"
)
_STATUS_GROUPS = {
    "PROCESSED": "INGESTION_COMPLETED",
    "IN_PROGRESS": "INGESTION_IN_PROGRESS",
    "FAILED": "INGESTION_FAILED",
}


def check_names(query: Iterable[str], known: frozenset[str]) -> None:
    """Refuse query parameters that the call does not have."""
    if unknown := sorted(set(query) - known):
        raise Refused(400, f"Unknown query parameter {', '.join(unknown)}.")


def has_status(status: str, wanted: str | None) -> bool:
    """Whether a status is the requested status, or in the requested group."""
    group = _STATUS_GROUPS.get(wanted or "")
    return wanted in (None, status) or (group is not None and status.startswith(group))


def same_moment(wanted: str | None, actual: str) -> bool:
    """Whether two times are equal, in any notation; None matches any time."""
    return wanted is None or moment(wanted) == moment(actual)


def moment(text: str) -> datetime:
    """A time, in UTC unless it has an offset."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def write_token(position: int, query: Mapping[str, str], hop: int = 0) -> str:
    """A page token: a position in the listing of these filters; `hop` makes another token of the same position."""
    place = {"position": position, "filters": _checksum(query), "hop": hop}
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_token(query: Mapping[str, str]) -> int:
    """The position where a page starts.

    Raises:
        Refused: The token is not from this service, or is from a listing with other filters.
    """
    if "nextToken" not in query:
        return 0
    try:
        place = json.loads(base64.urlsafe_b64decode(query["nextToken"].encode()))
        position, filters = place["position"], place["filters"]
    except (ValueError, KeyError, TypeError):
        position, filters = None, None
    if not isinstance(position, int) or position < 0:
        raise Refused(400, "nextToken is not a token of this service.")
    if filters != _checksum(query):
        raise Refused(400, "nextToken is of a listing with other filters.")
    return position


def _checksum(query: Mapping[str, str]) -> int:
    # The contract allows 500 characters for a token, but 512 for an account id.
    names = ("account_id", "schema_name", "status")
    return zlib.crc32(json.dumps([query.get(name) for name in names]).encode())


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
    """The violations of the contract in an event."""
    deviations: list[Deviation] = []
    read = salvage(Event, event, "event", deviations)
    # A time may be finer than a datetime.
    wrong = [str(each) for each in deviations if each.drift.kind != "finer than microseconds"]
    return wrong or list(problems(read, Event, wire=True))
