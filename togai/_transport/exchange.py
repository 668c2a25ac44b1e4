"""The exchange of one call: attempts, retries and waits, until a response or a typed error. No I/O."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, cast

from attrs import evolve

from togai._json import parse_json
from togai._transport import clock
from togai._transport.retry import Policy, parse_retry_after
from togai._transport.steps import (
    MAX_MESSAGE,
    Attempt,
    AttemptResult,
    Call,
    Delivery,
    Failure,
    Hold,
    NoResponse,
    Outcome,
    Refresh,
    Response,
    Sleep,
    Steps,
)
from togai.errors import (
    ConnectionFailed,
    ConnectionLost,
    TimedOut,
    TogaiError,
    UnexpectedResponse,
    status_error_class,
)

if TYPE_CHECKING:
    from togai._transport.auth import Secret
    from togai._transport.timeout import Timeout

logger = logging.getLogger("togai")

_LONG = 1_000_000
"""The size in bytes from which an error body is not searched for a message."""

_NO_RESPONSE: dict[Failure, tuple[type[TogaiError], str]] = {
    Failure.NOT_SENT: (ConnectionFailed, "could not connect"),
    Failure.TIMED_OUT: (TimedOut, "received no complete response in time"),
    Failure.LOST: (ConnectionLost, "lost the connection"),
}


def exchange(
    call: Call,
    policy: Policy,
    timeout: Timeout,
    *,
    can_refresh: bool,
    delivery: Delivery | None = None,
) -> Steps[Response]:
    """Send a call until there is a response with a 2xx status; with another token after a 401 if it can be refreshed.

    However the call ends, `delivery` notes whether the last attempt may have reached the service.

    Raises:
        TogaiError: The failure of the last attempt; `StatusError` for every status but 2xx.
    """
    delivery = delivery or Delivery()
    attempt = 0
    waited: list[float] = []
    began: float | None = None
    token: Secret | None = None
    while True:
        attempt += 1
        deadline = None if began is None else began + timeout.total
        result: AttemptResult = yield Attempt(call, timeout, token, deadline, delivery)
        began = result.began if began is None else began
        outcome = result.outcome
        _log(call, attempt, outcome, result.began, waited)
        if isinstance(outcome, Response) and outcome.succeeded:
            return outcome if attempt == 1 else evolve(outcome, attempts=attempt)
        if token is None and can_refresh and _may_refresh(call, policy, outcome, delivery):
            delivery.restart()
            token = yield Refresh(result.token)
            if token != result.token:
                continue
        else:
            token = None
        left = timeout.total - (clock.current.now() - began)
        delay = _delay(call, policy, outcome, attempt, left, delivery)
        if delay is None:
            raise _error(call, outcome, attempt, tuple(waited))
        delivery.restart()
        if isinstance(outcome, Response) and outcome.status == 429:
            yield Hold(delay)
        logger.warning(
            "%s %s is retried in %.2f s: %s", call.method, call.path, delay, _summary(outcome)
        )
        waited.append(delay)
        yield Sleep(delay)


def _may_refresh(call: Call, policy: Policy, outcome: Outcome, delivery: Delivery) -> bool:
    """Whether the call may be sent again with another token."""
    refused = isinstance(outcome, Response) and outcome.status == 401
    return refused and policy.max_retries > 0 and (call.repeatable or not delivery.repeated)


def _delay(
    call: Call, policy: Policy, outcome: Outcome, attempt: int, left: float, delivery: Delivery
) -> float | None:
    if delivery.repeated and not call.repeatable:
        return None
    if isinstance(outcome, NoResponse) and outcome.final:
        return None
    return policy.delay(
        outcome.failure if isinstance(outcome, NoResponse) else outcome.status,
        repeatable=call.repeatable,
        attempt=attempt,
        left=left,
        retry_after=_retry_after(outcome) if isinstance(outcome, Response) else None,
    )


def _retry_after(response: Response) -> float | None:
    headers = response.headers
    return parse_retry_after(headers.get("retry-after"), headers.get("date"))


def _summary(outcome: Outcome) -> str:
    return outcome.failure.value if isinstance(outcome, NoResponse) else str(outcome.status)


def _log(call: Call, attempt: int, outcome: Outcome, began: float, waited: list[float]) -> None:
    text = "%s %s %s attempt=%d waited=%.2fs took=%.3fs"
    wait, took = waited[-1] if waited else 0.0, clock.current.now() - began
    logger.debug(text, call.method, call.path, _summary(outcome), attempt, wait, took)


def _error(call: Call, outcome: Outcome, attempts: int, waited: tuple[float, ...]) -> TogaiError:
    if attempts > 1:
        logger.warning("%s %s failed after %d attempts", call.method, call.path, attempts)
    error: TogaiError
    if isinstance(outcome, NoResponse):
        cls, text = _NO_RESPONSE[outcome.failure]
        tries = f" (attempts: {attempts})" if attempts > 1 else ""
        error = cls(f"{call.method} {call.path} {text}: {outcome.cause}{tries}")
    elif outcome.problem is not None:
        error = UnexpectedResponse(
            outcome.problem,
            method=call.method,
            path=call.path,
            status=outcome.status,
            request_id=outcome.request_id,
        )
    else:
        error = status_error_class(outcome.status)(
            outcome.status,
            _message(outcome) + _named(call, outcome),
            method=call.method,
            path=call.path,
            request_id=outcome.request_id,
            retry_after=_retry_after(outcome),
            snippet=outcome.snippet(),
            attempts=attempts,
            waited=waited,
        )
    error.method, error.path = call.method, call.path
    error.attempts, error.waited = attempts, waited
    return error


def _named(call: Call, response: Response) -> str:
    """The parameters in a refusal that this package sends with every correction."""
    if call.repeatable:
        return ""
    text = response.snippet()
    names = [name for name in ("async", "require_confirmation") if re.search(rf"\b{name}\b", text)]
    return f" (this package sends {' and '.join(names)} with every correction)" if names else ""


def _message(response: Response) -> str:
    """The message in an error body of any content; otherwise the reason phrase, and the start of a JSON body."""
    try:
        body = parse_json(response.body) if len(response.body) < _LONG else None
    except (ValueError, ArithmeticError, RecursionError):
        body = None
    held = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    message = held.get("message")
    if isinstance(message, str) and message.strip():
        return response.shown(" ".join(message.split()), MAX_MESSAGE)
    if response.status in (301, 302, 303, 307, 308):
        return "a redirect, which is not followed: the token is sent to base_url only"
    reason = response.shown(response.reason, MAX_MESSAGE) or "no message"
    return f"{reason}; the body starts {response.snippet()[:120]!r}" if body else reason
