"""What goes in and out of the service: requests as they are recorded, and answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_MESSAGE = 500
"""Characters of an ErrorResponse's message (the contract)."""


@frozen(kw_only=True)
class RecordedRequest:
    """A request as the service received it.

    Attributes:
        number: The how manieth request of this fake it was, from 1; answers carry it in `x-request-id`.
        method: Such as "GET".
        path: As it was sent, still percent-encoded, without the query.
        raw_query: What stood behind the question mark.
        headers: By lower-case name; the value of `authorization` is replaced by "***".
        body: The bytes of the body.
        at: When it came, by the fake's `clock`.
    """

    number: int
    method: str
    path: str
    raw_query: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def query(self) -> dict[str, str]:
        """The query by name, decoded."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body as JSON; None where there is no body."""
        return json.loads(self.body) if self.body else None


@frozen(kw_only=True)
class Answer:
    """What the service answers."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def json_answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Answer(
        status=status, body=body, headers={"content-type": "application/json", **(headers or {})}
    )


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with an ErrorResponse."""
    return json_answer(status, {"message": message[:LONGEST_MESSAGE]}, headers)
