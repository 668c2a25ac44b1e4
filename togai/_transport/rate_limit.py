"""The rate limit of a client: how many requests may start in any one second, first come, first served."""

from __future__ import annotations

import inspect
import math
import threading
from collections import deque
from typing import Protocol, runtime_checkable

from togai._transport import clock
from togai.errors import ConfigurationError


@runtime_checkable
class RateLimiter(Protocol):
    """A rate limiter of your own, for `Togai(requests_per_second=...)`.

    To share one quota between processes or hosts, wrap a limiter with a shared store.
    """

    def wait(self) -> None:
        """Block until the next request may start. Called once before each attempt, from any thread."""
        ...


@runtime_checkable
class AsyncRateLimiter(Protocol):
    """A rate limiter of your own, for `AsyncTogai(requests_per_second=...)`."""

    async def wait(self) -> None:
        """Return when the next request may start. Called once before each attempt; may be cancelled."""
        ...


class Window:
    """When the next request may start, from the last starts and the service's `Retry-After`. No I/O."""

    def __init__(self, starts_per_second: int | None) -> None:
        self._starts: deque[float] = deque(maxlen=starts_per_second or 0)
        self._not_before = -math.inf
        self._longest = 1.0

    def earliest(self) -> float:
        """The moment from which a start is allowed."""
        full = self._starts and len(self._starts) == self._starts.maxlen
        return max(self._not_before, self._starts[0] + 1.0) if full else self._not_before

    def wait(self, now: float) -> float:
        """Seconds until a start is allowed; a clock that went back does not make them more."""
        return max(0.0, min(self.earliest() - now, self._longest))

    def start(self, now: float) -> None:
        """Note a start."""
        if self._starts and now < self._starts[-1]:  # the clock went back
            self._starts.extend([now] * len(self._starts))
        self._starts.append(now)

    def waited(self, until: float, seconds: float, now: float) -> None:
        """Record a wait that ended: its seconds have passed, even if the clock stands still."""
        if until - now > seconds / 2:
            self._starts.clear()
            self._not_before = -math.inf

    def hold(self, now: float, seconds: float) -> None:
        """Allow no start for a number of seconds: a throttled call delays all others too."""
        self._not_before = max(self._not_before, now + seconds)
        self._longest = max(1.0, self._not_before - now)


def _checked_rate(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(
            f"requests_per_second={value!r}: pass a whole number, 1 or more, a rate limiter, or None for no limit"
        )
    return value


class RateLimit:
    """The rate limit that the threads of one client share."""

    def __init__(self, starts_per_second: int | None, limiter: RateLimiter | None = None) -> None:
        self._window = Window(starts_per_second)
        self._limiter = limiter
        self.renew()

    @classmethod
    def create(cls, requests_per_second: int | RateLimiter | None) -> RateLimit:
        """The rate limit that `Togai(requests_per_second=...)` names.

        Raises:
            ConfigurationError: It is neither a whole number, a rate limiter nor None.
        """
        if isinstance(requests_per_second, RateLimiter):
            return cls(None, requests_per_second)
        return cls(_checked_rate(requests_per_second))

    def renew(self) -> None:
        """Forget who waits: after a fork the threads that did are gone, and the lock may stay taken."""
        self._lock = threading.Condition()
        self._queue: deque[object] = deque()

    def wait(self) -> None:
        """Block until the next request may start."""
        self._take_turn()
        # Called after a hold, not before: everything it let through meanwhile would start at once.
        while self._limiter is not None:
            self._consult(self._limiter)
            with self._lock:
                if self._window.wait(clock.current.now()) <= 0:
                    return
            self._take_turn()

    @staticmethod
    def _consult(limiter: RateLimiter) -> None:
        waited: object = limiter.wait()  # type: ignore[func-returns-value]  # an async rate limiter fits the protocol, too
        if inspect.isawaitable(waited):
            if inspect.iscoroutine(waited):
                waited.close()
            raise ConfigurationError(
                "Togai takes a plain rate limiter as requests_per_second; AsyncTogai takes async ones"
            )

    def _take_turn(self) -> None:
        ticket, window = object(), self._window
        with self._lock:
            self._queue.append(ticket)
            try:
                while True:
                    if self._queue[0] is not ticket:
                        self._lock.wait()
                    elif (seconds := window.wait(clock.current.now())) > 0:
                        until = window.earliest()
                        if not clock.current.wait(self._lock, seconds):
                            window.waited(until, seconds, clock.current.now())
                    else:
                        self._window.start(clock.current.now())
                        return
            finally:
                self._queue.remove(ticket)
                self._lock.notify_all()

    def hold(self, seconds: float) -> None:
        """Start nothing for a number of seconds."""
        with self._lock:
            self._window.hold(clock.current.now(), seconds)


class AsyncRateLimit:
    """The rate limit that the tasks of one client share."""

    def __init__(
        self, starts_per_second: int | None, limiter: AsyncRateLimiter | None = None
    ) -> None:
        self._window = Window(starts_per_second)
        self._limiter = limiter
        import asyncio

        # Fair: wakes its waiters in the order in which they came, and forgets a cancelled one.
        self._turn = asyncio.Lock()

    @classmethod
    def create(cls, requests_per_second: int | AsyncRateLimiter | None) -> AsyncRateLimit:
        """The rate limit that `AsyncTogai(requests_per_second=...)` names.

        Raises:
            ConfigurationError: It is neither a whole number, a rate limiter nor None.
        """
        if isinstance(requests_per_second, AsyncRateLimiter):
            return cls(None, requests_per_second)
        return cls(_checked_rate(requests_per_second))

    async def wait(self) -> None:
        """Return when the next request may start."""
        await self._take_turn()
        # Called after a hold, not before: everything it let through meanwhile would start at once.
        while self._limiter is not None:
            await self._consult(self._limiter)
            if self._window.wait(clock.current.now()) <= 0:
                return
            await self._take_turn()

    @staticmethod
    async def _consult(limiter: AsyncRateLimiter) -> None:
        waited: object = limiter.wait()
        if not inspect.isawaitable(waited):
            raise ConfigurationError(
                "AsyncTogai takes an async rate limiter as requests_per_second; Togai takes plain ones"
            )
        await waited

    async def _take_turn(self) -> None:
        async with self._turn:
            window = self._window
            while (seconds := window.wait(clock.current.now())) > 0:
                until = window.earliest()
                await clock.current.sleep_async(seconds)
                window.waited(until, seconds, clock.current.now())
            self._window.start(clock.current.now())

    def hold(self, seconds: float) -> None:
        """Start nothing for a number of seconds."""
        self._window.hold(clock.current.now(), seconds)
