"""The rate limit of a client: how many requests may start in any one second, first come, first served."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from togai._arguments import is_whole
from togai._printable import shown_setting
from togai._transport import clock
from togai._transport.concurrency import after_fork
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from togai._transport.concurrency import Tasks, Threads

_MOST = 1_000_000


@runtime_checkable
class RateLimiter(Protocol):
    """The interface of your own rate limiter, for `Togai(requests_per_second=...)`.

    To share one quota between processes or hosts, wrap a limiter with a shared store.
    """

    def wait(self) -> None:
        """Block until the next request may start. Called once before each attempt, from any thread."""
        ...


@runtime_checkable
class AsyncRateLimiter(Protocol):
    """The interface of your own rate limiter, for `AsyncTogai(requests_per_second=...)`."""

    async def wait(self) -> None:
        """Return when the next request may start. Called once before each attempt; may be cancelled."""
        ...


class Window:
    """Computes when the next request may start, from recent starts and the service's `Retry-After`. No I/O."""

    def __init__(self, starts_per_second: int | None) -> None:
        self._starts: deque[float] = deque(maxlen=starts_per_second or 0)
        self._not_before = -math.inf
        self._longest = 1.0

    def earliest(self) -> float:
        """The earliest time at which a start is allowed."""
        full = self._starts and len(self._starts) == self._starts.maxlen
        return max(self._not_before, self._starts[0] + 1.0) if full else self._not_before

    def wait(self, now: float) -> float:
        """Seconds until a start is allowed; a clock that went back does not increase them."""
        return max(0.0, min(self.earliest() - now, self._longest))

    def start(self, now: float) -> None:
        """Record a start."""
        if self._starts and now < self._starts[-1]:  # the clock went back
            self._starts.extend([now] * len(self._starts))
        self._starts.append(now)

    def waited(self, until: float, seconds: float, now: float) -> None:
        """Record a wait that ended: its seconds have passed, even if the clock stands still."""
        if until - now > seconds / 2:
            self._starts.clear()
            self._not_before = -math.inf

    def hold(self, now: float, seconds: float) -> None:
        """Allow no start for a number of seconds: a throttled call also delays all other calls."""
        self._not_before = max(self._not_before, now + seconds)
        self._longest = max(1.0, self._not_before - now)


class RateLimit:
    """The rate limit that the threads or tasks of a client share.

    Raises:
        ConfigurationError: `requests_per_second` is neither a whole number, a rate limiter nor None.
    """

    def __init__(self, limit: Any, io: Threads | Tasks) -> None:
        self._limiter: Any = limit if isinstance(limit, RateLimiter) else None  # of either kind
        rate: Any = None if self._limiter else limit
        if rate is not None and not is_whole(rate, 1, _MOST):
            raise ConfigurationError(
                f"requests_per_second={shown_setting(rate)}: pass a whole number up to {_MOST}, a limiter, or None"
            )
        self._window = Window(rate)
        self._io = io
        self.turn: Any = io.lock()
        self.renew()
        after_fork.add(self)

    def renew(self) -> None:
        """Reset the lock of `hold`."""
        self._holding = threading.Lock()

    async def wait(self) -> None:
        """Return when the next request may start."""
        await self._take_turn()
        # Called after a hold, not before: otherwise all calls that it released meanwhile would start at once.
        while self._limiter is not None:
            await self._io.result(
                self._limiter.wait(), "rate limiter as requests_per_second", plain=False
            )
            if self._window.wait(clock.current.now()) <= 0:
                return
            await self._take_turn()

    async def _take_turn(self) -> None:
        async with self.turn:
            while (seconds := self._window.wait(clock.current.now())) > 0:
                until = self._window.earliest()
                await self._io.sleep(seconds)
                self._window.waited(until, seconds, clock.current.now())
            self._window.start(clock.current.now())

    def hold(self, seconds: float) -> None:
        """Start no request for a number of seconds."""
        with self._holding:
            self._window.hold(clock.current.now(), seconds)
