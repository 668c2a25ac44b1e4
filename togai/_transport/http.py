"""One attempt: send the request, read the response within limits, and map every failure to an outcome.

No failure of the server raises here, so that no frame of a caller's traceback contains a request with its token.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from attrs import define, field

from togai._json import write_json
from togai._transport import clock, libraries
from togai._transport.body import Body, BodyError
from togai._transport.deadline import too_slow
from togai._transport.leftover import end_connection
from togai._transport.steps import Attempt, Failure, NoResponse, Outcome, Response
from togai.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from togai._transport.auth import Secret
    from togai._transport.pool import Pool

_NO_CONNECTION = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}


@define(repr=False)
class Sending:
    """One attempt: the request, the response, and the outcome of whatever happens."""

    pool: Pool
    http: Any
    step: Attempt
    token: Secret
    deadline: float
    """The end of the attempt on the monotonic clock."""
    response: Any = None
    body: Body = field(factory=Body)

    async def outcome(self) -> Outcome:
        """Send the request once and read the whole response.

        Raises:
            InvalidRequest: The request cannot be built.
            Exception: The caller's code raised it.
        """
        if clock.current.now() >= self.deadline:
            # The rate limit, or a wait after a 429, took the rest of the time.
            text = "the time for the call was over before the request could be sent"
            return NoResponse(Failure.NOT_SENT, text)
        io = self.pool.io
        limit = io.limit(self.http, self.deadline)
        request = self._request(io.tracer(self._note, limit))
        try:
            async with limit:
                response = self.response = await io.send(self.http, request)
                try:
                    if response.is_stream_consumed:
                        self.body.add(response.content)
                    else:
                        await io.read(response, self.body.add, limit)
                    return self._complete()
                finally:
                    with suppress(Exception):
                        await io.close(response)
        except Exception as error:  # noqa: BLE001  (mapped in one place)
            return self._failed(too_slow() if limit.expired() else error)
        finally:
            # httpx holds a request in a cycle: through it, only the cycle collector would free the pool.
            request.extensions.pop("trace", None)

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        """Note what the transport reports."""
        self.step.delivery.note(event, info)
        if event.endswith(".receive_response_body.complete"):
            end_connection(self.http, self.response)

    def _request(self, trace: Callable[..., Any]) -> Any:
        call, timeout = self.step.call, self.step.timeout
        left = max(0.001, self.deadline - clock.current.now())
        url, params = f"{self.pool.base_url}{call.path}", call.params or None
        direct = self.pool.injected is None and not call.headers  # to merge takes twice as long
        if params and not self.http.params:
            # Passed separately, they make httpx parse the address twice.
            url, params = f"{url}?{self._query(params)}", None
        parts = ("connect", "read", "write", "pool")
        try:
            request = (self.pool.library.Request if direct else self.http.build_request)(
                call.method,
                url,
                params=params,
                content=None if call.json is None else write_json(call.json),
                headers={
                    **({"Connection": "keep-alive"} if direct else call.headers),
                    **({} if call.json is None else {"Content-Type": "application/json"}),
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip, deflate",
                    "Authorization": self.token.header(),
                    "User-Agent": self.pool.user_agent,
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
                self.pool.cookies.set_cookie_header(request)
            self.step.delivery.hand_over(traced=libraries.reports(self.http, request))
            return request
        raise InvalidRequest(f"this request cannot be built: {problem}")

    @staticmethod
    def _query(params: Mapping[str, Any]) -> str:
        return urlencode(
            {k: str(v).lower() if isinstance(v, bool) else v for k, v in params.items()}
        )

    def _complete(self) -> Outcome:
        """The outcome when the whole body has arrived."""
        try:
            body = self.body.decoded(self.response.headers.get("content-encoding", ""))
        except BodyError as error:
            return self._failed(error)
        return self._responded(body)

    def _failed(self, error: Exception) -> Outcome:
        """The outcome of an exception; if the status line arrived, the status decides.

        Raises:
            Exception: The caller's code raised it.
        """
        complete = self.response is not None and self.step.delivery.complete
        if complete and not isinstance(error, BodyError):
            return self._complete()  # closing the response failed
        error_kinds = libraries.kinds(error)
        if "HTTPStatusError" in error_kinds:  # an event hook of an injected client
            self.response = getattr(error, "response")  # noqa: B009
        elif libraries.raised_by_caller(error):
            raise error
        text = self._text(error)
        if self._head()[0] // 100 != 2:
            return self._responded(b"")
        if isinstance(error, BodyError):
            return self._responded(b"", text)
        if "DecodingError" in error_kinds:
            return self._responded(b"", "a body that cannot be decompressed")
        return self._no_response(error, error_kinds, text)

    def _no_response(self, error: Exception, error_kinds: set[str], text: str) -> NoResponse:
        delivery = self.step.delivery
        if error_kinds and not delivery.seen and not libraries.is_of_core(error.__cause__):
            delivery.traced = False  # the library's own transport was replaced
        if not delivery.possible or (self.step.call.repeatable and error_kinds & _NO_CONNECTION):
            return self._not_sent(error, error_kinds, text)
        is_late = "TimeoutException" in error_kinds or isinstance(error, TimeoutError)
        final = self.pool.closed or "LocalProtocolError" in error_kinds
        return NoResponse(Failure.TIMED_OUT if is_late else Failure.LOST, text, final)

    def _not_sent(self, error: Exception, error_kinds: set[str], text: str) -> NoResponse:
        untrusted = "CERTIFICATE_VERIFY_FAILED" in text
        if untrusted:
            text += ". For your own certificate authority, set SSL_CERT_FILE or http_client="
        final = (
            untrusted
            or text.startswith("407")  # of a proxy
            or not (error_kinds or isinstance(error, OSError))
        )
        return NoResponse(Failure.NOT_SENT, f"{self.pool.base_url}: {text}", final)

    def _text(self, error: Exception) -> str:
        text, name = "", type(error).__name__
        with suppress(Exception):  # its __str__ is not ours either
            text = str(error)
        if not text or not (libraries.kinds(error) or isinstance(error, OSError | BodyError)):
            text = f"{name}: {text}" if text else name
        return self.token.shown(text)

    def _head(self) -> tuple[int, Mapping[str, str], str]:
        """Status, headers and reason, if they arrived; an event hook may have lost the response itself."""
        if self.response is not None:
            return self.response.status_code, self.response.headers, self.response.reason_phrase
        return self.step.delivery.head or (200, {}, "")

    def _responded(self, body: bytes, problem: str | None = None) -> Response:
        status, headers, reason = self._head()
        kept = {
            name.lower(): value for name, value in headers.items() if name.lower() != "set-cookie"
        }
        return Response(status, body, kept, reason, problem, secret=self.token)
