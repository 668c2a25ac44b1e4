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
from togai._transport.leftover import holds_leftover
from togai._transport.retry import Failure
from togai._transport.steps import Attempt, Call, NoResponse, Outcome, Response, Unreadable
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from togai._transport.auth import Secret
    from togai._transport.timeout import Timeout

MAX_BODY = 16 * 1024 * 1024
"""Bytes of an answer, decompressed, that are taken in; a page of 50 events is some 30 kB."""

_USED_HEADERS = ("content-type", "retry-after", "x-request-id")

_WINDOWS = {"": 0, "identity": 0, "gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
"""The encodings that can be read, as zlib names them; 0 for none."""

_NO_CONNECTION = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


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
    trace: Callable[..., Any],
) -> httpx.Request:
    left = max(0.001, deadline - clock.current.now())
    url = base_url + call.path
    params: Mapping[str, Any] | None = call.params or None
    if params and not http.params:
        # Given apart, they make httpx parse the address twice, which is a third of what building takes.
        url, params = f"{url}?{httpx.QueryParams(params)}", None
    parts = ("connect", "read", "write", "pool")
    extensions: dict[str, Any] = {
        "timeout": {part: min(getattr(timeout, part), left) for part in parts},
        "trace": trace,
    }
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


def _ended(error: httpx.TransportError, step: Attempt, base_url: str) -> NoResponse:
    text = str(error) or type(error).__name__
    delivery = step.delivery
    if delivery.traced and not delivery.seen and not _is_of_httpcore(error.__cause__):
        delivery.traced = False  # something has taken the place of httpx's own transport
    no_connection = isinstance(error, _NO_CONNECTION)
    if not delivery.possible or (step.call.repeatable and no_connection):
        untrusted = "CERTIFICATE_VERIFY_FAILED" in text
        text = f"{base_url}: {text}"
        if untrusted:
            text += ". For an own certificate authority set SSL_CERT_FILE, or pass http_client="
        final = untrusted or isinstance(error, httpx.UnsupportedProtocol)
        return NoResponse(Failure.NOT_SENT, text, final)
    if isinstance(error, httpx.TimeoutException):
        return NoResponse(Failure.TIMED_OUT, text)
    return NoResponse(Failure.LOST, text, isinstance(error, httpx.LocalProtocolError))


def _reports(http: httpx.Client | httpx.AsyncClient, request: httpx.Request) -> bool:
    """Whether the transport of a client is httpx's own, which reports all that it does."""
    transport_for: Callable[[httpx.URL], object] = getattr(http, "_transport_for_url", type)
    return type(transport_for(request.url)) in (httpx.HTTPTransport, httpx.AsyncHTTPTransport)


def _is_of_httpcore(error: BaseException | None) -> bool:
    return type(error).__module__.partition(".")[0] == "httpcore"


def closed() -> ConfigurationError:
    """The error for a client that is used after its end."""
    return ConfigurationError(
        "the client is closed: make a new one, or keep it open for as long as it is used"
    )


def _too_late() -> NoResponse:
    # The rate limit, or a hold after a 429, took the rest of the time.
    return NoResponse(Failure.NOT_SENT, "its turn came only when the time for the call was over")


def _too_slow(step: Attempt) -> NoResponse:
    sent = step.delivery.possible
    return NoResponse(
        Failure.TIMED_OUT if sent else Failure.NOT_SENT,
        "the response came too slowly" if sent else "no connection within the time for the call",
    )


def attempt(
    http: httpx.Client,
    step: Attempt,
    *,
    base_url: str,
    token: Secret,
    user_agent: str,
    deadline: float,
) -> Outcome:
    """Send the request once and read the whole response.

    Args:
        http: The client to send with.
        step: What to send; its `delivery` notes whether it may have reached the service.
        base_url: The address of the service.
        token: The token to send.
        user_agent: The name of this package.
        deadline: The end of the attempt on the monotonic clock.

    Raises:
        ConfigurationError: The client is closed.
    """
    if http.is_closed:
        raise closed()
    if clock.current.now() >= deadline:
        return _too_late()

    def trace(event: str, info: Mapping[str, Any]) -> None:
        step.delivery.note(event, info)
        _deadline.watch(event, info)

    request = _request(
        http,
        step.call,
        base_url=base_url,
        token=token,
        user_agent=user_agent,
        timeout=step.timeout,
        deadline=deadline,
        trace=trace,
    )
    _deadline.current.at = deadline
    step.delivery.hand_over(traced=_reports(http, request))
    try:
        response = http.send(request, auth=None, follow_redirects=False, stream=True)
        try:
            if response.is_stream_consumed:
                return _answer(response, response.content, token)
            body = _Body(_encoding(response))
            for chunk in response.iter_raw():
                body.add(chunk)
                if clock.current.now() > deadline:
                    return _too_slow(step)
            return _answer(response, body.whole(), token)
        except (_TooLarge, KeyError, zlib.error) as error:
            return _unreadable(response, _body_problem(error))
        finally:
            if holds_leftover(response):
                response.extensions["network_stream"].close()
            response.close()
    except httpx.HTTPStatusError as error:  # an event hook of an injected client
        return _answer(error.response, b"", token)
    except httpx.TransportError as error:
        return _ended(error, step, base_url)
    finally:
        _deadline.current.at = None


async def attempt_async(
    http: httpx.AsyncClient,
    step: Attempt,
    *,
    base_url: str,
    token: Secret,
    user_agent: str,
    deadline: float,
) -> Outcome:
    """Send the request once and read the whole response; the arguments are those of `attempt`.

    Raises:
        ConfigurationError: The client is closed.
    """
    if http.is_closed:
        raise closed()
    if clock.current.now() >= deadline:
        return _too_late()

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        step.delivery.note(event, info)

    request = _request(
        http,
        step.call,
        base_url=base_url,
        token=token,
        user_agent=user_agent,
        timeout=step.timeout,
        deadline=deadline,
        trace=trace,
    )
    step.delivery.hand_over(traced=_reports(http, request))
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
                if holds_leftover(response):
                    await response.extensions["network_stream"].aclose()
                await response.aclose()
    except TimeoutError:
        return _too_slow(step)
    except httpx.HTTPStatusError as error:  # an event hook of an injected client
        return _answer(error.response, b"", token)
    except httpx.TransportError as error:
        return _ended(error, step, base_url)
