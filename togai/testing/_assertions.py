"""Assertions about recorded requests; their messages list all requests."""

from __future__ import annotations

import difflib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from togai.testing._messages import checked_call
from togai.testing._parameters import ACTIONS, QUERY_NAMES, same_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from togai.testing._messages import Request

_LISTED = 50


def check_sent(
    requests: Sequence[Request],
    method: str,
    path: str,
    times: int | None,
    body: Any,
    query: Mapping[str, Any],
) -> list[Request]:
    """The requests with this method, path, query parameters and body (None for any); see `FakeTogai.assert_sent`."""
    method = checked_call(method, path) or method
    if query.get("action") not in (None, *ACTIONS):
        raise ValueError(f"there is no action {query['action']!r}: use {', '.join(ACTIONS)}")
    wanted = {_wire_name(name): value for name, value in query.items()}
    matches = [
        request
        for request in requests
        if (request.method, request.path) == (method, path)
        and all(_same(value, request.query.get(name)) for name, value in wanted.items())
        and (body is None or _has_body(request, body))
    ]
    if len(matches) == times or (times is None and matches):
        return matches
    raise AssertionError(
        f"expected {_expected(method, path, wanted, body)} {_times(times)},"
        f" but it was sent {_times(len(matches))}. {_list(requests)}"
    )


def _has_body(request: Request, body: Any) -> bool:
    return bool(request.body.strip()) and request.json() == body


def _expected(method: str, path: str, query: Mapping[str, Any], body: Any) -> str:
    parameters = "&".join(
        f"no {name}" if value is None else f"{name}={_text(value)}" for name, value in query.items()
    )
    target = f"{method} {path}" + (f"?{parameters}" if parameters else "")
    return target if body is None else f"{target} {json.dumps(body)}"


def _list(requests: Sequence[Request]) -> str:
    if not requests:
        return "Nothing was sent."
    lines = [f"  {number}. {request}" for number, request in enumerate(requests[:_LISTED], 1)]
    if len(requests) > _LISTED:
        lines.append(f"  ... and {len(requests) - _LISTED} more")
    return "\n".join(["These requests were sent:", *lines])


def _times(number: int | None) -> str:
    return {None: "at least once", 0: "never", 1: "once"}.get(number, f"{number} times")


def _wire_name(name: str) -> str:
    wire = name.removesuffix("_")  # `async` is a keyword: async_=True
    if wire not in QUERY_NAMES:
        near = difflib.get_close_matches(wire, QUERY_NAMES)
        meant = f"did you mean {near[0]}? " if near else ""
        known = ", ".join(sorted(QUERY_NAMES))
        raise TypeError(f"there is no query parameter {wire}: {meant}The service has {known}")
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
