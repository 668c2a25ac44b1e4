"""One attempt over httpx: the request out, a bounded answer in, and what went wrong in our own terms.

The only module that handles httpx. Nothing here raises for what a server does, so that no frame of a
caller's traceback holds a request with its token and query.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import httpx

from togai._transport import clock
from togai._transport import deadline as _deadline
from togai._transport.retry import Failure
from togai._transport.steps import Call, NoResponse, Response, Unreadable
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from togai._transport.auth import Secret
    from togai._transport.timeout import Timeout

MAX_BODY = 16 * 1024 * 1024
"""Bytes of an answer, decompressed, that are taken in; a page of 50 events is some 30 kB."""

LIMITS = httpx.Limits(max_connections=50, max_keepalive_connections=20)
"""Connections of one client; a call waits `Timeout.pool` seconds for a free one."""

_USED_HEADERS = ("content-type", "retry-after", "x-request-id")

_WINDOWS = {"": 0, "identity": 0, "gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
"""The encodings that can be read, as zlib names them; 0 for none."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class _TooLarge(Exception):
    """The body is larger than the limit."""


class _Body:
    """Collects a body within the limit, decompressing as it comes so that a small bomb stays small."""

    def __init__(self, encoding: str) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        bits = _WINDOWS[encoding]
        self._zlib = zlib.decompressobj(bits) if bits else None

    def add(self, chunk: bytes) -> None:
        if self._zlib is not None:
            chunk = self._zlib.decompress(chunk, MAX_BODY + 1 - self._size)
        self._size += len(chunk)
        if self._size > MAX_BODY:
            raise _TooLarge
        self._parts.append(chunk)

    def whole(self) -> bytes:
        if self._zlib is not None and self._size and not self._zlib.eof:
            raise zlib.error("incomplete data")
        return b"".join(self._parts)


def _request(
    http: httpx.Client | httpx.AsyncClient,
    call: Call,
    *,
    base_url: str,
    token: Secret,
    user_agent: str,
    timeout: Timeout,
    deadline: float,
    trace: Callable[..., Any] | None = None,
) -> httpx.Request:
    left = max(0.001, deadline - clock.current.now())
    url = base_url + call.path
    params: Mapping[str, Any] | None = call.params or None
    if params and not http.params:
        # Given apart, they make httpx parse the address twice, which is a third of what building takes.
        url, params = f"{url}?{httpx.QueryParams(params)}", None
    parts = ("connect", "read", "write", "pool")
    extensions: dict[str, Any] = {
        "timeout": {part: min(getattr(timeout, part), left) for part in parts}
    }
    if trace is not None:
        extensions["trace"] = trace
    return http.build_request(
        call.method,
        url,
        params=params,
        json=call.json,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "Authorization": token.header(),
            "User-Agent": user_agent,
        },
        extensions=extensions,
    )


def _answer(response: httpx.Response, body: bytes, token: Secret) -> Response:
    headers = {name: response.headers[name] for name in _USED_HEADERS if name in response.headers}
    return Response(response.status_code, body, headers, response.reason_phrase, secret=token)


def _encoding(response: httpx.Response) -> str:
    encoding: str = response.headers.get("content-encoding", "")
    return encoding.strip().lower()


def _unreadable(response: httpx.Response, problem: str) -> Unreadable:
    return Unreadable(problem, response.status_code, response.headers.get("x-request-id"))


def _body_problem(error: Exception) -> str:
    if isinstance(error, _TooLarge):
        return f"a body of more than {MAX_BODY} bytes"
    if isinstance(error, KeyError):
        return "a content encoding that was not asked for"
    return "a body that cannot be decompressed"


def _ended(error: httpx.TransportError, base_url: str) -> NoResponse:
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return NoResponse(Failure.NOT_SENT, text, final=True)
    if isinstance(error, _NOT_SENT):
        untrusted = "CERTIFICATE_VERIFY_FAILED" in text
        text = f"{base_url}: {text}"
        if untrusted:
            text += ". For an own certificate authority set SSL_CERT_FILE, or pass http_client="
        return NoResponse(Failure.NOT_SENT, text, final=untrusted)
    if isinstance(error, httpx.TimeoutException):
        return NoResponse(Failure.TIMED_OUT, text)
    return NoResponse(Failure.LOST, text)


def closed() -> ConfigurationError:
    """The error for a client that is used after its end."""
    return ConfigurationError(
        "the client is closed: make a new one, or keep it open for as long as it is used"
    )


def _too_late() -> NoResponse:
    # The pace, or a hold after a 429, took the rest of the time: a correction was certainly not sent.
    return NoResponse(Failure.NOT_SENT, "its turn came only when the time for the call was over")


def attempt(
    http: httpx.Client,
    call: Call,
    *,
    base_url: str,
    token: Secret,
    user_agent: str,
    timeout: Timeout,
    deadline: float,
) -> Response | NoResponse | Unreadable:
    """Send the request once and take in the whole answer.

    Raises:
        ConfigurationError: The client is closed.
    """
    if http.is_closed:
        raise closed()
    if clock.current.now() >= deadline:
        return _too_late()
    request = _request(
        http,
        call,
        base_url=base_url,
        token=token,
        user_agent=user_agent,
        timeout=timeout,
        deadline=deadline,
        trace=_deadline.watch,
    )
    _deadline.current.at = deadline
    try:
        response = http.send(request, auth=None, follow_redirects=False, stream=True)
        try:
            if response.is_stream_consumed:
                return _answer(response, response.content, token)
            body = _Body(_encoding(response))
            for chunk in response.iter_raw():
                body.add(chunk)
                if clock.current.now() > deadline:
                    return NoResponse(Failure.TIMED_OUT, "the answer came too slowly")
            return _answer(response, body.whole(), token)
        except (_TooLarge, KeyError, zlib.error) as error:
            return _unreadable(response, _body_problem(error))
        finally:
            response.close()
    except httpx.HTTPStatusError as error:  # an event hook of an injected client
        return _answer(error.response, b"", token)
    except httpx.TransportError as error:
        return _ended(error, base_url)
    finally:
        _deadline.current.at = None


async def attempt_async(
    http: httpx.AsyncClient,
    call: Call,
    *,
    base_url: str,
    token: Secret,
    user_agent: str,
    timeout: Timeout,
    deadline: float,
) -> Response | NoResponse | Unreadable:
    """Send the request once and take in the whole answer.

    Raises:
        ConfigurationError: The client is closed.
    """
    if http.is_closed:
        raise closed()
    if clock.current.now() >= deadline:
        return _too_late()
    request = _request(
        http,
        call,
        base_url=base_url,
        token=token,
        user_agent=user_agent,
        timeout=timeout,
        deadline=deadline,
    )
    try:
        async with clock.current.timeout(deadline - clock.current.now()):
            response = await http.send(request, auth=None, follow_redirects=False, stream=True)
            try:
                if response.is_stream_consumed:
                    return _answer(response, response.content, token)
                body = _Body(_encoding(response))
                async for chunk in response.aiter_raw():
                    body.add(chunk)
                return _answer(response, body.whole(), token)
            except (_TooLarge, KeyError, zlib.error) as error:
                return _unreadable(response, _body_problem(error))
            finally:
                await response.aclose()
    except TimeoutError:
        return NoResponse(Failure.TIMED_OUT, "the answer came too slowly")
    except httpx.HTTPStatusError as error:  # an event hook of an injected client
        return _answer(error.response, b"", token)
    except httpx.TransportError as error:
        return _ended(error, base_url)
