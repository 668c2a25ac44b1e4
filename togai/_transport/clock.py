"""The clock that waits, the pace and deadlines go by: the machine's, unless a test moves one of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

# asyncio takes about as long to import as all of this package. Here, in _client, _pace and _token it is
# imported where it is used, so that nobody waits for it with the sync client.
if TYPE_CHECKING:
    import asyncio
    import threading


class Clock:
    """The machine's clock."""

    ahead = 0.0
    """Seconds that tests moved it by. They stay past: time never goes back for clients that live on."""

    def now(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Sleep in a thread."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Sleep in a task."""
        import asyncio

        await asyncio.sleep(seconds)

    def wait(self, until: threading.Condition | threading.Event, seconds: float) -> None:
        """Wait for something, but no longer than so many seconds."""
        until.wait(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """What ends the `async with` around it after so many seconds."""
        import asyncio

        return asyncio.timeout(seconds)


current = Clock()
"""What all clients go by. `togai.testing.FakeClock` takes its place for the length of a `with`."""
