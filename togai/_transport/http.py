"""One attempt: the request is sent, the response read within limits, and every failure mapped to an outcome.

Nothing here raises for what a server does, so that no frame of a caller's traceback holds a request with its token.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from attrs import define, field, frozen

from togai._json import write_json
from togai._transport import clock, libraries
from togai._transport.body import Body, BodyError
from togai._transport.deadline import too_slow
from togai._transport.leftover import end_connection
from togai._transport.retry import Failure
from togai._transport.steps import Attempt, NoResponse, Outcome, Response, Unreadable
from togai.errors import ConfigurationError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from togai._transport.auth import Secret
    from togai._transport.concurrency import Tasks, Threads

_NO_CONNECTION = {
    "ConnectError",
    "ConnectTimeout",
    "PoolTimeout",
    "ProxyError",
    "UnsupportedProtocol",
}


def closed() -> ConfigurationError:
    """The error for a client that is used after its end."""
    return ConfigurationError(
        "the client is closed: make a new one, or keep it open for as long as it is used"
    )


@frozen
class Endpoint:
    """Where the requests of a client go, and what they all carry."""

    base_url: str
    user_agent: str
    cookies: Any = field(default=None, repr=False)
    """The cookies that an injected client had when it was passed."""


@define
class _Sending:
    """What both twins share of one attempt: the request, and the outcome of whatever happens."""

    http: Any = field(repr=False)
    step: Attempt
    endpoint: Endpoint
    token: Secret
    deadline: float
    response: Any = field(default=None, repr=False)
    body: Body = field(factory=Body, repr=False)

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Note what the transport reports."""
        self.step.delivery.note(event, info)
        if event.endswith(".receive_response_body.complete"):
            end_connection(self.http, self.response)

    def too_late(self) -> NoResponse | None:
        """The outcome if the time was over before the start.

        Raises:
            ConfigurationError: The client is closed.
        """
        if self.http.is_closed:
            raise closed()
        if clock.current.now() < self.deadline:
            return None
        # The rate limit, or a hold after a 429, took the rest of the time.
        text = "the time for the call was over before the request could be sent"
        return NoResponse(Failure.NOT_SENT, text)

    def request(self, trace: Callable[..., Any]) -> Any:
        """The request.

        Raises:
            InvalidRequest: It cannot be built.
        """
        call, timeout = self.step.call, self.step.timeout
        left = max(0.001, self.deadline - clock.current.now())
        url, params = f"{self.endpoint.base_url}{call.path}", call.params or None
        if params and not self.http.params:
            # Given apart, they make httpx parse the address twice, which is a third of what building takes.
            url, params = f"{url}?{self._query(params)}", None
        parts = ("connect", "read", "write", "pool")
        try:
            request = self.http.build_request(
                call.method,
                url,
                params=params,
                content=None if call.json is None else write_json(call.json),
                headers={
                    **({} if call.json is None else {"Content-Type": "application/json"}),
                    **call.headers,
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip, deflate",
                    "Authorization": self.token.header(),
                    "User-Agent": self.endpoint.user_agent,
                },
                extensions={
                    "timeout": {part: min(getattr(timeout, part), left) for part in parts},
                    "trace": trace,
                },
            )
        except Exception as error:  # noqa: BLE001  (of either library)
            problem = self._text(error)
        else:
            if "cookie" in request.headers and not (
                "cookie" in self.http.headers or "cookie" in call.headers
            ):
                del request.headers["cookie"]
                self.endpoint.cookies.set_cookie_header(request)
            self.step.delivery.hand_over(traced=libraries.reports(self.http, request))
            return request
        raise InvalidRequest(f"this request cannot be built: {problem}")

    @staticmethod
    def _query(params: Mapping[str, Any]) -> str:
        return urlencode(
            {
                name: str(value).lower() if isinstance(value, bool) else value
                for name, value in params.items()
            }
        )

    def complete(self) -> Outcome:
        """The outcome once the whole body has come."""
        headers = self.response.headers
        try:
            body = self.body.decoded(headers.get("content-encoding", ""))
        except BodyError as error:
            return self.failed(error)
        reason: str = self.response.reason_phrase
        return self._responded(self.response.status_code, headers, reason, body)

    def failed(self, error: Exception) -> Outcome:
        """The outcome of an exception; the status line decides, if it arrived.

        Raises:
            Exception: It is the caller's own.
        """
        if (
            self.response is not None
            and self.step.delivery.complete
            and not isinstance(error, BodyError)
        ):
            return self.complete()  # it failed while it was closed
        error_kinds = libraries.kinds(error)
        if "HTTPStatusError" in error_kinds:  # an event hook of an injected client
            self.response = getattr(error, "response")  # noqa: B009
        elif libraries.raised_by_caller(error):
            raise error
        head = self._head()
        if head is not None and not 200 <= head[0] < 300:
            return self._responded(*head, b"")
        text = self._text(error)
        if isinstance(error, BodyError) or "DecodingError" in error_kinds:
            problem = text if isinstance(error, BodyError) else "a body that cannot be decompressed"
            request_id = head[1].get("x-request-id") if head else None
            return Unreadable(problem, head[0] if head else 200, request_id)
        return self._no_response(error, error_kinds, text)

    def _no_response(self, error: Exception, error_kinds: set[str], text: str) -> NoResponse:
        delivery = self.step.delivery
        if (
            error_kinds
            and delivery.traced
            and not delivery.seen
            and not libraries.is_of_core(error.__cause__)
        ):
            delivery.traced = False  # something has taken the place of the library's own transport
        if not delivery.possible or (self.step.call.repeatable and error_kinds & _NO_CONNECTION):
            return self._not_sent(error, error_kinds, text)
        if "TimeoutException" in error_kinds or isinstance(error, TimeoutError):
            return NoResponse(Failure.TIMED_OUT, text)
        return NoResponse(Failure.LOST, text, "LocalProtocolError" in error_kinds)

    def _not_sent(self, error: Exception, error_kinds: set[str], text: str) -> NoResponse:
        untrusted = "CERTIFICATE_VERIFY_FAILED" in text
        if untrusted:
            text += ". For an own certificate authority set SSL_CERT_FILE, or pass http_client="
        final = (
            untrusted
            or "UnsupportedProtocol" in error_kinds
            or ("ProxyError" in error_kinds and text.startswith("407"))
            or not (error_kinds or isinstance(error, OSError))
        )
        return NoResponse(Failure.NOT_SENT, f"{self.endpoint.base_url}: {text}", final)

    def _text(self, error: Exception) -> str:
        text, name = str(error), type(error).__name__
        if not text or not (libraries.kinds(error) or isinstance(error, OSError | BodyError)):
            text = f"{name}: {text}" if text else name
        return self.token.shown(text)

    def _head(self) -> tuple[int, Mapping[str, str], str] | None:
        """Status, headers and reason, as far as they came; an event hook may have lost the response itself."""
        if self.response is not None:
            return self.response.status_code, self.response.headers, self.response.reason_phrase
        return self.step.delivery.head

    def _responded(
        self, status: int, headers: Mapping[str, str], reason: str, body: bytes
    ) -> Response:
        kept = {
            name.lower(): value for name, value in headers.items() if name.lower() != "set-cookie"
        }
        return Response(status, body, kept, reason, secret=self.token)


async def attempt(
    io: Threads | Tasks,
    http: Any,
    step: Attempt,
    *,
    endpoint: Endpoint,
    token: Secret,
    deadline: float,
) -> Outcome:
    """Send the request once and read the whole response.

    Args:
        io: How to wait for them.
        http: The client to send with.
        step: What to send; its `delivery` notes whether it may have reached the service.
        endpoint: The address to send to.
        token: The token to send.
        deadline: The end of the attempt on the monotonic clock.

    Raises:
        ConfigurationError: The client is closed.
        InvalidRequest: The request cannot be built.
        Exception: What the caller's own code raised.
    """
    sending = _Sending(http, step, endpoint, token, deadline)
    if (outcome := sending.too_late()) is not None:
        return outcome
    limit = io.limit(http, deadline)
    request = sending.request(io.tracer(sending.note, limit))
    try:
        async with limit:
            response = sending.response = await io.send(http, request)
            try:
                if response.is_stream_consumed:
                    sending.body.add(response.content)
                else:
                    await io.read(response, sending.body.add, limit)
                return sending.complete()
            finally:
                with suppress(Exception):
                    await io.close(response)
    except Exception as error:  # noqa: BLE001  (mapped in one place)
        return sending.failed(too_slow() if limit.expired() else error)
