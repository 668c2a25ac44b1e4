"""Assertions about recorded requests, whose messages list what was sent."""

from __future__ import annotations

import difflib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from togai.testing._service import ACTIONS, QUERY_NAMES, checked_call, same_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from togai.testing._service import Request

_LISTED = 50


def find(
    requests: Iterable[Request],
    method: str,
    path: str,
    query: Mapping[str, Any],
    body: Any,
) -> list[Request]:
    """The requests of this method and path that have these query parameters, and this body unless it is None.

    Raises:
        TypeError: The service knows no such query parameter.
        ValueError: No call has this method and path, or no correction this action.
    """
    method = checked_call(method, path) or method
    if query.get("action") not in (None, *ACTIONS):
        raise ValueError(f"there is no action {query['action']!r}: there are {', '.join(ACTIONS)}")
    wanted = {_wire_name(name): value for name, value in query.items()}
    return [
        one
        for one in requests
        if (one.method, one.path) == (method, path)
        and all(_same(value, one.query.get(name)) for name, value in wanted.items())
        and (body is None or (one.body.strip() and one.json() == body))
    ]


def expected(
    method: str,
    path: str,
    query: Mapping[str, Any],
    body: Any,
    times: int | None,
    found: int,
    requests: list[Request],
) -> str:
    """The message of a failed assertion."""
    asked = "&".join(
        f"no {_wire_name(name)}" if value is None else f"{_wire_name(name)}={_text(value)}"
        for name, value in query.items()
    )
    what = f"{method.upper()} {path}" + (f"?{asked}" if asked else "")
    if body is not None:
        what += f" {json.dumps(body)}"
    how_often = "at least once" if times is None else _times(times)
    shown = [f"  {number}. {one}" for number, one in enumerate(requests[:_LISTED], 1)]
    if len(requests) > _LISTED:
        shown.append(f"  ... and {len(requests) - _LISTED} more")
    sent = "\n".join(["What was sent:", *shown]) if requests else "Nothing was sent."
    return f"expected {what} {how_often}, but it was sent {_times(found)}. {sent}"


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number} times")


def _wire_name(name: str) -> str:
    wire = name.removesuffix("_")  # `async` is a keyword: async_=True
    if wire not in QUERY_NAMES:
        near = difflib.get_close_matches(wire, QUERY_NAMES, 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise TypeError(
            f"there is no query parameter {wire}: {meant}The service knows {', '.join(sorted(QUERY_NAMES))}"
        )
    return wire


def _same(wanted: Any, actual: str | None) -> bool:
    if wanted is None or actual is None:
        return wanted is actual
    if isinstance(wanted, datetime):
        return same_moment(wanted.isoformat(), actual)
    return _text(wanted) == actual


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)
