"""HTTP requests and responses as the service sees them, and the list of its calls."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CALLS = {"GET": re.compile(r"/events(/[^/]+)?"), "POST": re.compile(r"/events/correction")}


def checked_call(method: str | None, path: str | None) -> str | None:
    """Check the method and path of a call; return the method in upper case, None for any method.

    Raises:
        ValueError: No call of the API has this method and path, so no request would ever match.
    """
    wanted = None if method is None else method.upper()
    paths = [pattern for name, pattern in _CALLS.items() if wanted in (None, name)]
    if not paths or (path is not None and not any(pattern.fullmatch(path) for pattern in paths)):
        raise ValueError(
            f"no call is {method or 'any method'} {path or 'of any path'}: the calls are GET /events,"
            " GET /events/ID and POST /events/correction"
        )
    return wanted


@frozen
class Request:
    """A request as the service received it, without its token.

    Attributes:
        method: The HTTP method.
        path: The path of the URL, as it was sent.
        query: The query parameters, decoded.
        body: The body; empty if there was none.
        headers: The headers, without the token.
        repeated: The query parameters that occur more than once.
    """

    method: str
    path: str
    query: dict[str, str]
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    repeated: tuple[str, ...] = ()

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: The body is not JSON.
        """
        return json.loads(self.body)

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        target = f"{self.method} {self.path}" + (f"?{query}" if query else "")
        body = self.body.decode("utf-8", "replace").strip()
        return f"{target} {body:.300}" if body else target


@frozen
class Response:
    """A response of the service."""

    status: int
    body: bytes
    headers: dict[str, str]

    @classmethod
    def of(cls, status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
        """A response with a body: bytes and text unchanged, any other value as JSON."""
        if isinstance(body, bytes):
            content, kind = body, "application/octet-stream"
        elif isinstance(body, str):
            kind = "text/html" if body.lstrip().startswith("<") else "text/plain"
            content, kind = body.encode(), f"{kind}; charset=utf-8"
        else:
            content, kind = json.dumps(body).encode(), "application/json"
        return cls(status, content, {"Content-Type": kind, **(headers or {})})

    def with_body(self, body: Any) -> Response:
        """A copy with another body and the same headers."""
        return Response(self.status, Response.of(self.status, body).body, self.headers)

    def all_headers(self) -> dict[str, str]:
        """The headers with the length of the body, unless they already contain a length."""
        return {"Content-Length": str(len(self.body)), **self.headers}


class Refused(Exception):
    """The service refuses the request."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.response = Response.of(status, {"message": message[:500]}, headers)


def received(
    method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
) -> tuple[Request, str | None]:
    """The request as it arrived, and separately its bearer token."""
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    names = [name for name, _ in pairs]
    kept: dict[str, str] = {}
    token = None
    for name, value in headers:
        if name.lower() != "authorization":
            kept[name] = value
            continue
        scheme, _, credentials = value.partition(" ")
        token = credentials if scheme.lower() == "bearer" else None
    repeated = tuple(sorted({name for name in names if names.count(name) > 1}))
    return Request(method, path, dict(pairs), body, kept, repeated), token
