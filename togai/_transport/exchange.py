"""One call as a conversation: what to do next, given what happened. No I/O; both clients act it out."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve, field, frozen

from togai._transport import clock
from togai._transport.retry import Failure, Policy, parse_retry_after
from togai.errors import (
    ConnectionFailed,
    ConnectionLost,
    TimedOut,
    TogaiError,
    UnexpectedResponse,
    status_error_class,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from togai._transport.auth import Secret

logger = logging.getLogger("togai")

_SNIPPET = 500
_MESSAGE = 300
_MANY_DIGITS = 600


@frozen
class Call:
    """One operation with its arguments, ready to be sent. Its repr leaves the arguments out."""

    method: str
    path: str
    params: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    repeatable: bool = True
    """Whether sending it again does no harm."""


@frozen
class Answer:
    """What the service answered: the status, the headers we use, the whole body."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    reason: str = ""
    attempts: int = 1
    secret: Secret | None = field(default=None, repr=False)
    """The token that it answers, which it may hold."""

    @property
    def request_id(self) -> str | None:
        """The service's id of the request."""
        return self._header("x-request-id")

    @property
    def content_type(self) -> str | None:
        """What the service says that the body is."""
        return self._header("content-type")

    def _header(self, name: str) -> str | None:
        return self.shown(self.headers[name], _MESSAGE) if name in self.headers else None

    def shown(self, text: str, most: int) -> str:
        """The start of a text of the answer, fit for an error."""
        return (self.secret.masked(text) if self.secret else text)[:most]

    def snippet(self) -> str:
        """The start of the body as text."""
        return self.shown(self.body.decode("utf-8", "replace"), _SNIPPET)


@frozen
class Ended:
    """How an attempt ended that brought no answer."""

    failure: Failure
    cause: str
    final: bool = False
    """Trying again cannot help."""


@frozen
class Unreadable:
    """An answer whose body could not be taken in, with the error that says why."""

    problem: str
    status: int
    request_id: str | None = None


@frozen
class Attempt:
    """Step: wait for the pace, then send the request with `token`, or with the current token if None."""

    token: Secret | None
    deadline: float | None
    """When the attempt must be over on the monotonic clock; None lets it set the call's own."""


@frozen
class Refresh:
    """Step: ask for another token than the refused one."""

    refused: Secret


@frozen
class Sleep:
    """Step: sleep so many seconds."""

    seconds: float


@frozen
class Hold:
    """Step: let no call of the client start for so many seconds."""

    seconds: float


@frozen
class Report:
    """What came of an attempt."""

    outcome: Answer | Ended | Unreadable
    token: Secret
    began: float
    """When the attempt started on the monotonic clock, after waiting for its turn."""


Step = Attempt | Refresh | Sleep | Hold


def conversation(call: Call, policy: Policy, *, can_refresh: bool) -> Generator[Step, Any, Answer]:
    """Yield steps, take `Report` for Attempt and a token for Refresh, and return the successful answer.

    Raises:
        TogaiError: What the last attempt came to; `StatusError` for every status but 2xx.
    """
    attempt = 0
    waited: list[float] = []
    began: float | None = None
    token: Secret | None = None
    while True:
        attempt += 1
        deadline = None if began is None else began + policy.total
        report: Report = yield Attempt(token, deadline)
        began = report.began if began is None else began
        outcome = report.outcome
        _log(call, attempt, outcome, report.began, waited)
        if isinstance(outcome, Answer) and 200 <= outcome.status < 300:
            return outcome if attempt == 1 else evolve(outcome, attempts=attempt)
        if (
            isinstance(outcome, Answer)
            and outcome.status == 401
            and can_refresh
            and token is None
            and policy.max_retries > 0
        ):
            token = yield Refresh(report.token)
            if token != report.token:
                continue
        else:
            token = None
        delay = _delay(call, policy, outcome, attempt, clock.current.now() - began)
        if delay is not None and isinstance(outcome, Answer) and outcome.status == 429:
            yield Hold(delay)
        if delay is None:
            error = _error(call, outcome, attempt, tuple(waited))
            if attempt > 1:
                logger.warning("%s %s gave up after %d attempts", call.method, call.path, attempt)
            raise error
        logger.warning(
            "%s %s tries again in %.2f s: %s", call.method, call.path, delay, _what(outcome)
        )
        waited.append(delay)
        yield Sleep(delay)


def _delay(
    call: Call, policy: Policy, outcome: Answer | Ended | Unreadable, attempt: int, elapsed: float
) -> float | None:
    if isinstance(outcome, Unreadable) or (isinstance(outcome, Ended) and outcome.final):
        return None
    return policy.delay(
        outcome.failure if isinstance(outcome, Ended) else outcome.status,
        repeatable=call.repeatable,
        attempt=attempt,
        elapsed=elapsed,
        retry_after=_retry_after(outcome) if isinstance(outcome, Answer) else None,
    )


def _retry_after(answer: Answer) -> float | None:
    return parse_retry_after(answer.headers.get("retry-after"))


def _what(outcome: Answer | Ended | Unreadable) -> str:
    if isinstance(outcome, Ended):
        return outcome.failure.value
    return str(outcome.status)


def _log(
    call: Call,
    attempt: int,
    outcome: Answer | Ended | Unreadable,
    began: float,
    waited: list[float],
) -> None:
    logger.debug(
        "%s %s %s attempt=%d waited=%.2fs took=%.3fs",
        call.method,
        call.path,
        _what(outcome),
        attempt,
        waited[-1] if waited else 0.0,
        clock.current.now() - began,
    )


def _error(
    call: Call, outcome: Answer | Ended | Unreadable, attempts: int, waited: tuple[float, ...]
) -> TogaiError:
    error: TogaiError
    if isinstance(outcome, Answer):
        error = status_error_class(outcome.status)(
            outcome.status,
            _message(outcome),
            method=call.method,
            path=call.path,
            request_id=outcome.request_id,
            retry_after=_retry_after(outcome),
            snippet=outcome.snippet(),
            attempts=attempts,
            waited=waited,
        )
    elif isinstance(outcome, Unreadable):
        error = UnexpectedResponse(
            outcome.problem,
            method=call.method,
            path=call.path,
            status=outcome.status,
            request_id=outcome.request_id,
            attempts=attempts,
        )
    else:
        classes: dict[Failure, tuple[type[TogaiError], str]] = {
            Failure.NOT_SENT: (ConnectionFailed, "could not connect"),
            Failure.TIMED_OUT: (TimedOut, "got no whole answer in time"),
            Failure.LOST: (ConnectionLost, "lost its connection"),
        }
        cls, text = classes[outcome.failure]
        tries = f" (attempts: {attempts})" if attempts > 1 else ""
        error = cls(f"{call.method} {call.path} {text}: {outcome.cause}{tries}")
    error.method, error.path = call.method, call.path
    error.attempts, error.waited = attempts, waited
    return error


def _message(answer: Answer) -> str:
    """What an error body says, whatever it is: nothing about one can be relied on."""
    try:
        body = parse_json(answer.body)
    except (ValueError, RecursionError):
        body = None
    message: object = (
        cast("dict[str, Any]", body).get("message") if isinstance(body, dict) else None
    )
    if isinstance(message, str) and message.strip():
        return answer.shown(" ".join(message.split()), _MESSAGE)
    if 300 <= answer.status < 400:
        return "a redirect, which is not followed: the token goes to base_url alone"
    return answer.shown(answer.reason, _MESSAGE) or "no message"


def parse_json(body: bytes) -> Any:
    """JSON with the numbers exact: what has a fraction or an exponent becomes a Decimal.

    Raises:
        ValueError: It is not JSON in UTF-8.
        RecursionError: It is nested too deeply.
    """
    # Gateways and old tools put a byte order mark in front; JSON lets a reader skip it.
    return _decoder.decode(body.decode().removeprefix("\ufeff"))


def _whole(digits: str) -> int | Decimal:
    # Python refuses to make an int of very many digits; one such number must not cost the page.
    return int(digits) if len(digits) < _MANY_DIGITS else Decimal(digits)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_float=Decimal, parse_int=_whole, parse_constant=_refuse)


def read_object(call: Call, answer: Answer) -> dict[str, Any]:
    """The JSON object that a successful answer must be.

    Raises:
        UnexpectedResponse: It is anything else.
    """
    content_type = answer.content_type
    try:
        body = parse_json(answer.body)
    except UnicodeDecodeError:
        problem = "a body that is not UTF-8"
    except RecursionError:
        problem = "JSON that is nested too deeply"
    except ValueError:
        named = f" ({content_type})" if content_type else ""
        problem = f"a body that is not JSON{named}" if answer.body else "an empty body"
        if content_type and "html" in content_type.lower():
            problem += ", from a proxy or a wrong base_url"
    else:
        if isinstance(body, dict):
            return cast("dict[str, Any]", body)
        problem = f"JSON that is no object but {type(body).__name__}"
    raise unexpected(call, answer, problem)


def unexpected(
    call: Call, answer: Answer, problem: str, where: str | None = None
) -> UnexpectedResponse:
    """The error for a success whose body is not what was asked for."""
    return UnexpectedResponse(
        problem,
        method=call.method,
        path=call.path,
        status=answer.status,
        request_id=answer.request_id,
        content_type=answer.content_type,
        snippet=answer.snippet(),
        where=where,
        attempts=answer.attempts,
    )
