"""The retry policy: from the outcome of an attempt to the wait before the next one. No I/O."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import frozen

from togai._transport.steps import Failure

RETRY_AFTER_CEILING = 60.0
"""The longest `Retry-After`, in seconds, that is honoured; with a longer one, the call fails."""

REFUSALS = frozenset({400, 401, 403, 404, 405, 407, 411, 413, 414, 415, 422, 429, 431})
"""The statuses of a refusal: the request was certainly not applied."""

_TRANSIENT = frozenset({408, 500, 502, 503, 504, *range(520, 530)})


@frozen
class Policy:
    """How often a call is retried, and how long it waits before each retry."""

    max_retries: int
    first: float = 0.5
    longest: float = 8.0

    def delay(
        self,
        happened: Failure | int,
        *,
        repeatable: bool,
        attempt: int,
        left: float,
        retry_after: float | None = None,
    ) -> float | None:
        """Seconds to wait after a failure or a status, before the next attempt; None to give up.

        A call that is not `repeatable` is sent again only if it was certainly not applied. `left` are the seconds that
        remain of its total time.
        """
        certain = happened is Failure.NOT_SENT or happened == 429
        transient = isinstance(happened, Failure) or happened in _TRANSIENT
        if attempt > self.max_retries or not (certain or (repeatable and transient)):
            return None
        wait = random.uniform(0, min(self.longest, self.first * 2 ** min(attempt - 1, 20)))  # noqa: S311  (spreads load, guards nothing)
        if retry_after is not None:
            if retry_after > RETRY_AFTER_CEILING:
                return None  # an earlier retry would only be throttled again
            wait = max(wait, retry_after)
        return wait if wait < left else None


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """The seconds of a `Retry-After` header, which holds seconds or a date; None if it is neither.

    A date is relative to the `Date` of the same response, so that no clock of ours is compared with the service's.
    """
    if value is None:
        return None
    several = [part.strip() for part in value.split(",")]  # of proxies that each add their own
    if all(re.fullmatch(r"[0-9]+(\.[0-9]+)?", part) for part in several):
        return max(map(float, several))
    when = _parse_date(value)
    if when is None:
        return None
    return max(0.0, (when - (_parse_date(date) or datetime.now(UTC))).total_seconds())


def _parse_date(value: str | None) -> datetime | None:
    try:
        when = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
