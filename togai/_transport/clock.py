"""The clock for waits, the rate limit and deadlines: the machine's clock, unless a test replaces it."""

from __future__ import annotations

import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

# asyncio takes about as long to import as this whole package, so it is imported where it is used: the sync client
# does not need it.
if TYPE_CHECKING:
    import asyncio


_LAG = 5.0
"""Seconds by which the clock of an event loop may lag behind the machine's clock."""


class Clock:
    """The machine's clock."""

    ahead = 0.0
    """Seconds by which tests moved it. They are never subtracted, so that time never goes back."""

    # A reference of our own, so that tools that freeze the time in tests do not replace it.
    _real = staticmethod(time.monotonic)

    def now(self) -> float:
        """Seconds on a monotonic clock."""
        return self._real() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Sleep in a thread."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Sleep in a task."""
        import asyncio

        if self._is_of(asyncio.get_running_loop()):
            await asyncio.sleep(seconds)
        else:  # it might never wake
            await asyncio.to_thread(time.sleep, seconds)

    def wait(self, until: threading.Event, seconds: float) -> bool | None:
        """Wait for an event, but no longer than a number of seconds; return whether it happened."""
        return until.wait(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """A context manager that ends its `async with` block after a number of seconds."""
        import asyncio

        loop = asyncio.get_running_loop()
        if self._is_of(loop):
            return asyncio.timeout(seconds)
        scope = asyncio.timeout(None)
        held = weakref.ref(scope)

        def expire() -> None:
            with suppress(AttributeError, RuntimeError):  # it has ended
                held().reschedule(loop.time())  # type: ignore[union-attr]

        def call() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(expire)

        timer = threading.Timer(seconds, call)
        timer.daemon = True
        weakref.finalize(scope, timer.cancel)
        timer.start()
        return scope

    def _is_of(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether an event loop goes by this clock; a test may have frozen or moved its time."""
        return abs(loop.time() - self._real()) < _LAG


current = Clock()
"""The clock of all clients. `togai.testing.FakeClock` replaces it for the duration of a `with`."""
