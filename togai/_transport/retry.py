"""Pure policy: what happened to an attempt -> how long to wait before the next one, or give up."""

from __future__ import annotations

import enum
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import frozen

RETRY_AFTER_CEILING = 60.0
"""Seconds of `Retry-After` that are waited for; a service that asks for more gets no further attempt."""

_TRANSIENT = frozenset({408, 500, 502, 503, 504, *range(520, 530)})


class Failure(enum.Enum):
    """How an attempt ended that brought no answer."""

    NOT_SENT = "no connection"
    TIMED_OUT = "no answer in time"
    LOST = "connection lost"


@frozen
class Policy:
    """How often and how patiently a call is tried again."""

    max_retries: int
    total: float
    """Seconds that all attempts of one call may take together."""

    first: float = 0.5
    longest: float = 8.0

    def delay(
        self,
        happened: Failure | int,
        *,
        repeatable: bool,
        attempt: int,
        elapsed: float,
        retry_after: float | None = None,
    ) -> float | None:
        """Seconds to wait before the next attempt; None to give up.

        Args:
            happened: The failure, or the status of the answer.
            repeatable: Whether the call may be sent again although it may have been carried out.
            attempt: How many attempts were made, the one that just ended included.
            elapsed: Seconds since the first attempt began.
            retry_after: Seconds that the service asks to wait.
        """
        if attempt > self.max_retries or not self._may_repeat(happened, repeatable=repeatable):
            return None
        if retry_after is not None:
            # Coming back earlier than asked would only be throttled again.
            wait = retry_after if retry_after <= RETRY_AFTER_CEILING else None
        else:
            wait = random.uniform(0, min(self.longest, self.first * 2 ** (attempt - 1)))  # noqa: S311  (spreads load, guards nothing)
        return wait if wait is not None and elapsed + wait < self.total else None

    @staticmethod
    def _may_repeat(happened: Failure | int, *, repeatable: bool) -> bool:
        if happened is Failure.NOT_SENT or happened == 429:
            return True
        return repeatable and (isinstance(happened, Failure) or happened in _TRANSIENT)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks to wait, from seconds or a date; None where it is no such thing."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())
