"""FakeClock: time that passes by waiting only, or when a test moves it."""

from __future__ import annotations

import asyncio
import math
import threading
import weakref
from contextlib import suppress
from typing import Self

from togai._transport import clock


class FakeClock:
    """A clock that tests move. Until its `with` ends, all clients of this process use it.

    Waits between attempts, waits for the rate limit, and the time of a call pass at once: a wait moves the clock
    and returns. The code that runs is the same as in production. The timeouts of sockets are those of the system and
    stay real; so does the date in a `Retry-After` header.

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
            raise RuntimeError("this clock is in use already: make one for each `with`")
        self._before, clock.current = clock.current, self._time
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            before, self._before = self._before, None
            before.ahead += max(0.0, self._time.now() - before.now())
            clock.current = before

    @property
    def waits(self) -> list[float]:
        """Each wait in seconds, in the order in which they began; those of a dripping response included."""
        return self._time.waits

    @property
    def elapsed(self) -> float:
        """The seconds that have passed since the clock was made."""
        return self._time.now() - self._start

    def now(self) -> float:
        """The time in seconds, from an arbitrary start; it never goes back."""
        return self._time.now()

    def move(self, seconds: float) -> None:
        """Let time pass.

        Args:
            seconds: The number of seconds, 0 or more.

        Raises:
            ValueError: Time only goes forward, and by a finite step.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"seconds={seconds!r}: pass 0 or more")
        self._time.move(seconds)


class _MovedClock(clock.Clock):
    """The clock of the clients: waiting moves it."""

    def __init__(self) -> None:
        # A whole number, so that the sums of tests stay exact.
        self._now = float(math.ceil(clock.current.now()))
        self._lock = threading.Lock()
        self._timeouts: weakref.WeakKeyDictionary[
            asyncio.Timeout, tuple[float, asyncio.AbstractEventLoop]
        ] = weakref.WeakKeyDictionary()
        self.waits: list[float] = []

    def now(self) -> float:
        return self._now + self.ahead

    def move(self, seconds: float) -> None:
        """Let time pass, and end the calls whose time is over."""
        with self._lock:
            # By at least one step: what is too small to add to a float would never pass.
            step = math.nextafter(self._now, math.inf) if seconds else self._now
            self._now = max(step, self._now + seconds)
            timeouts = list(self._timeouts.items())
            over = [(timeout, loop) for timeout, (end, loop) in timeouts if end <= self._now]
            for timeout, _ in over:
                del self._timeouts[timeout]
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
        """A timeout that ends when this clock or the machine's has moved so far, whichever is first."""
        timeout = asyncio.timeout(seconds)
        with self._lock:
            self._timeouts[timeout] = (self._now + seconds, asyncio.get_running_loop())
        return timeout


def _expire(timeout: asyncio.Timeout, loop: asyncio.AbstractEventLoop) -> None:
    with suppress(RuntimeError):  # it is over already
        timeout.reschedule(loop.time())
