"""The three operations: arguments, checked, to requests. No I/O."""

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

from togai._transport.steps import Call
from togai.errors import InvalidRequest
from togai.models import EventCorrectionRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from togai.corrections._correction import Correction

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
        check_encodable("next_token", next_token)
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
    check_encodable("event_id", event_id)
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
        # Always sent: their defaults decide what a success means, and the service may change them.
        "async_": correction.background,
        "require_confirmation": correction.require_confirmation or False,
    }
    given = {name: value for name, value in arguments.items() if value is not None}
    if correction.event is not None:
        given["body"] = EventCorrectionRequest(event=correction.event)
    return _call(correction_arguments(**given), repeatable=False)


def _call(kwargs: dict[str, Any], *, repeatable: bool = True) -> Call:
    params: dict[str, Any] = kwargs.get("params", {})
    for name, value in params.items():
        if isinstance(value, str):
            check_encodable(name, value)
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
    check_encodable(name, value)
    return str(value)


def check_encodable(name: str, value: str) -> None:
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
