"""Check the arguments of the three operations and build their requests. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from _togai_generated.api.event_management import event_correction, get_events, get_single_event

from togai._arguments import is_whole
from togai._contract import problems
from togai._event_json import sent_json
from togai._json import write_json
from togai._printable import shown
from togai._transport.steps import Call
from togai.errors import InvalidRequest
from togai.models import EventCorrectionRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _togai_generated.types import Request

    from togai.corrections._correction import Correction

_LONGEST = 4096
"""Characters of a parameter; servers refuse longer URLs."""
_LARGEST = 10**100
"""The largest number in a query."""
MAX_PAGE_SIZE: int | None = get_events.LIMITS.get("page_size", {}).get("maximum")
"""The largest page size that the contract allows."""


def list_events(
    *,
    account_id: str | None,
    schema_name: str | None,
    status: str | None,
    page_size: int | None,
) -> Callable[[str | None], Call]:
    """Return a function from a page token to the request for that page.

    Raises:
        InvalidRequest: An argument is not allowed.
    """
    filters: dict[str, Any] = {
        "account_id": _filter("account_id", account_id),
        "schema_name": _filter("schema_name", schema_name),
        "status": _filter("status", status),
        "page_size": _page_size(page_size),
    }

    def page(next_token: str | None) -> Call:
        return _call(get_events.request(**filters, next_token=next_token))

    return page


def checked_token(next_token: object) -> str | None:
    """Check a page token to start from.

    Raises:
        InvalidRequest: It is neither None nor text that can be sent.
    """
    if next_token is None:
        return None
    if isinstance(next_token, str) and next_token:
        check_encodable("next_token", next_token)
        return next_token
    raise InvalidRequest(
        f"next_token={shown(next_token)}: pass a token from an earlier page, or None"
    )


def checked_accounts(account_ids: Iterable[Any]) -> dict[str, str | None]:
    """Check the accounts to list; return each with the token to start from.

    Raises:
        InvalidRequest: The argument is neither an iterable of account ids nor a mapping from them to page tokens.
    """
    if isinstance(account_ids, str) or not isinstance(account_ids, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest(
            "account_ids must be an iterable of account ids, or a mapping from account ids to page tokens;"
            f" not {type(account_ids).__name__}"
        )
    tokens = cast("dict[Any, Any]", account_ids if isinstance(account_ids, Mapping) else {})
    checked: dict[str, str | None] = {}
    for account_id in account_ids:
        if not isinstance(account_id, str):
            raise InvalidRequest(f"an account id must be text, not {type(account_id).__name__}")
        checked[account_id] = checked_token(tokens.get(account_id))
    return checked


def checked_query(query: object, known: Sequence[str]) -> dict[str, str]:
    """Query parameters of the caller's own.

    Args:
        query: What the caller passed as `extra_query`.
        known: The names that have arguments of their own.

    Raises:
        InvalidRequest: A name or a value is not allowed.
    """
    if query is None:
        return {}
    if not isinstance(query, Mapping):
        raise InvalidRequest(f"extra_query must map names to values, not {type(query).__name__}")
    checked: dict[str, str] = {}
    for name, value in cast("Mapping[object, object]", query).items():
        if not isinstance(name, str) or not name.strip():
            raise InvalidRequest(f"extra_query: {shown(name)} is not the name of a parameter")
        if name in known:
            raise InvalidRequest(f"extra_query: {name!r} has an argument of its own")
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, int) and -_LARGEST < value < _LARGEST:
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            raise InvalidRequest(f"extra_query: {name!r}: pass a text that is not empty")
        for text in (name, value):
            check_encodable(f"extra_query: {name!r}", text)
        checked[name] = value
    return checked


def get_event(event_id: object) -> Call:
    """The request for one event.

    Raises:
        InvalidRequest: The id is not valid, or cannot be used in a path.
    """
    if not isinstance(event_id, str):
        raise InvalidRequest(f"event_id must be text, not {type(event_id).__name__}")
    if not event_id.strip():
        raise InvalidRequest("event_id is empty: pass the id that the event was sent with")
    if event_id in (".", ".."):
        raise InvalidRequest(
            f"event_id={event_id!r} cannot be used in a path: the path would be that of another call"
        )
    check_encodable("event_id", event_id)
    return _call(get_single_event.request(event_id))


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
        # Always sent: the service's defaults decide what a success means, and may change.
        "async_": correction.background,
        "require_confirmation": correction.require_confirmation or False,
    }
    for name, value in arguments.items():
        if value is not None:
            _check_limits(name, value, event_correction.LIMITS)
    body = None if correction.event is None else EventCorrectionRequest(event=correction.event)
    return _call(event_correction.request(**arguments, body=body), repeatable=False)


def _check_limits(name: str, value: object, limits: Mapping[str, Mapping[str, Any]]) -> None:
    for problem in problems(value, type(value), name, limits.get(name)):
        raise InvalidRequest(problem)


def _call(request: Request, *, repeatable: bool = True) -> Call:
    params = {
        name: _query(name, value) for name, value in request.query.items() if value is not None
    }
    return Call(
        method=request.method,
        path=request.path,
        params=params,
        json=None if request.body is None else _writable(request.body),
        repeatable=repeatable,
    )


def _query(name: str, value: Any) -> Any:
    value = sent_json(value)
    if isinstance(value, str):
        check_encodable(name, value)
    return value


def _writable(body: Any) -> Any:
    """Check that the body can be written as JSON in UTF-8; an unknown property may be of any type."""
    try:
        written = sent_json(body)
        write_json(written)
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidRequest(f"this event cannot be written as JSON in UTF-8: {error}") from None
    return written


def _filter(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be text, not {type(value).__name__}")
    if not value.strip():
        raise InvalidRequest(f"{name} is empty: omit it to list all events")
    _check_limits(name, value, get_events.LIMITS)
    return value


def check_encodable(name: str, value: str) -> None:
    """Refuse text that cannot be a part of a URL.

    Raises:
        InvalidRequest: It is too long, or UTF-8 cannot encode it.
    """
    if len(value) > _LONGEST:
        raise InvalidRequest(
            f"{name} has {len(value)} characters: a URL can carry at most {_LONGEST}"
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(f"{name} contains a character that UTF-8 cannot encode") from None


def _page_size(value: object) -> int | None:
    if value is None or is_whole(value, 1, MAX_PAGE_SIZE or _LARGEST):
        return value
    most = f"from 1 to {MAX_PAGE_SIZE}" if MAX_PAGE_SIZE else "of at least 1"
    raise InvalidRequest(f"page_size={shown(value)}: pass a whole number {most}")
