"""The clock for waits, the rate limit and deadlines: the machine's, unless a test replaces it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

# asyncio takes about as long to import as all of this package: it is imported where it is used, so that nobody
# waits for it with the sync client.
if TYPE_CHECKING:
    import asyncio
    import threading


_LAG = 5.0
"""Seconds that the clock of an event loop may lag behind the machine's."""


class Clock:
    """The machine's clock."""

    ahead = 0.0
    """Seconds that tests moved it by. They stay past: time never goes back for clients that live on."""

    # Kept here, where no tool that freezes the time of a test replaces it.
    _real = staticmethod(time.monotonic)

    def now(self) -> float:
        """Seconds that only ever grow."""
        return self._real() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Sleep in a thread."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Sleep in a task."""
        import asyncio

        if abs(asyncio.get_running_loop().time() - self._real()) < _LAG:
            await asyncio.sleep(seconds)
        else:  # the loop uses a clock that a test froze or moved: it might never wake
            await asyncio.to_thread(time.sleep, seconds)

    def wait(self, until: threading.Event, seconds: float) -> bool | None:
        """Wait for an event, but no longer than a number of seconds; return whether it happened."""
        return until.wait(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """A context manager that ends its `async with` block after a number of seconds."""
        import asyncio

        return asyncio.timeout(seconds)


current = Clock()
"""The clock of all clients. `togai.testing.FakeClock` takes its place for the length of a `with`."""
