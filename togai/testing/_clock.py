"""FakeClock: time that passes only when code waits, or when a test moves it."""

from __future__ import annotations

import asyncio
import math
import threading
import weakref
from contextlib import suppress
from typing import Self

from togai._transport import clock


class FakeClock:
    """A clock that tests control. All clients of this process use it until its `with` ends.

    Waits between attempts, waits for the rate limit, and the total time of a call pass immediately: a wait moves the
    clock and returns. The code that runs is the same as in production. The timeouts of sockets use the system's clock
    and take real time; dates in a `Retry-After` header are not affected either.

    Example:
        ```python
        fake.fail_next(status=429, retry_after=2)
        with FakeClock() as clock:
            client.events.get("ride-1")
        assert clock.waits == [2.0]
        ```
    """

    def __init__(self) -> None:
        self._time = _MovedClock()
        self._start = self._time.now()
        self._before: clock.Clock | None = None

    def __enter__(self) -> Self:
        if self._before is not None:
            raise RuntimeError("this clock is already in use: create a FakeClock for each `with`")
        self._before, clock.current = clock.current, self._time
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            before, self._before = self._before, None
            before.ahead += max(0.0, self._time.now() - before.now())
            clock.current = before

    @property
    def waits(self) -> list[float]:
        """All waits in seconds, in the order in which they began, including those of a dripping response."""
        return self._time.waits

    @property
    def elapsed(self) -> float:
        """The seconds that have passed since the clock was created."""
        return self._time.now() - self._start

    def now(self) -> float:
        """The time in seconds since an arbitrary start; it never goes back."""
        return self._time.now()

    def move(self, seconds: float) -> None:
        """Move the time forward.

        Args:
            seconds: The number of seconds, 0 or more.

        Raises:
            ValueError: The number is negative or not finite.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"seconds={seconds!r}: pass 0 or more")
        self._time.move(seconds)


class _MovedClock(clock.Clock):
    """The clock that the clients use: waiting moves it."""

    def __init__(self) -> None:
        # A whole number, so that sums in tests are exact.
        self._now = float(math.ceil(clock.current.now()))
        self._lock = threading.Lock()
        self._timeouts: weakref.WeakKeyDictionary[
            asyncio.Timeout, tuple[float, asyncio.AbstractEventLoop]
        ] = weakref.WeakKeyDictionary()
        self.waits: list[float] = []

    def now(self) -> float:
        return self._now + self.ahead

    def move(self, seconds: float) -> None:
        """Move the time forward, and end the calls whose time is over."""
        with self._lock:
            # By at least one step: a duration that is too small to add to a float would never pass.
            step = math.nextafter(self._now, math.inf) if seconds else self._now
            self._now = max(step, self._now + seconds)
            timeouts = list(self._timeouts.items())
            over = [(timeout, loop) for timeout, (end, loop) in timeouts if end <= self._now]
        for timeout, loop in over:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_expire, timeout, loop)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.move(seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)  # other tasks run, as they would

    def wait(self, until: threading.Event, seconds: float) -> None:
        self.sleep(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """A timeout that ends when this clock or the machine's clock has moved so far, whichever is first."""
        timeout = asyncio.timeout(seconds)
        with self._lock:
            self._timeouts[timeout] = (self._now + seconds, asyncio.get_running_loop())
        return timeout


def _expire(timeout: asyncio.Timeout, loop: asyncio.AbstractEventLoop) -> None:
    with suppress(RuntimeError):  # it is over already
        timeout.reschedule(loop.time())
