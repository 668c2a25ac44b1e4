"""The pace of a client: at most so many request starts in any one second, first come, first served."""

from __future__ import annotations

import inspect
import threading
from collections import deque
from typing import Protocol, runtime_checkable

from togai._transport import clock
from togai.errors import ConfigurationError


@runtime_checkable
class Pacer(Protocol):
    """What `Togai(requests_per_second=...)` takes in place of a number.

    For sharing one quota between processes or hosts: wrap a limiter that has a shared store.
    """

    def wait(self) -> None:
        """Block until the next request may start. Called once before each attempt, from any thread."""
        ...


@runtime_checkable
class AsyncPacer(Protocol):
    """What `AsyncTogai(requests_per_second=...)` takes in place of a number."""

    async def wait(self) -> None:
        """Return when the next request may start. Called once before each attempt; may be cancelled."""
        ...


class Window:
    """When the next start is allowed, given the last ones and what the service asked for. No I/O."""

    def __init__(self, starts_per_second: int | None) -> None:
        self._starts: deque[float] = deque(maxlen=starts_per_second or 0)
        self._not_before = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a start is allowed."""
        earliest = self._not_before
        if self._starts and len(self._starts) == self._starts.maxlen:
            earliest = max(earliest, self._starts[0] + 1.0)
        return max(0.0, earliest - now)

    def start(self, now: float) -> None:
        """Note a start."""
        self._starts.append(now)

    def hold(self, until: float) -> None:
        """Allow no start before `until`: one throttled call slows all the others too."""
        self._not_before = max(self._not_before, until)


class Pace:
    """The pace that the threads of one client share."""

    def __init__(self, starts_per_second: int | None, pacer: Pacer | None = None) -> None:
        self._window = Window(starts_per_second)
        self._pacer = pacer
        self.renew()

    def renew(self) -> None:
        """Forget who waits: after a fork the threads that did are gone, and the lock may stay taken."""
        self._lock = threading.Condition()
        self._queue: deque[object] = deque()

    def wait(self) -> None:
        """Block until the next request may start."""
        self._take_turn()
        # Asked after a hold, not before: all that it let through meanwhile would start at once.
        while self._pacer is not None:
            self._ask(self._pacer)
            with self._lock:
                if self._window.wait(clock.current.now()) <= 0:
                    return
            self._take_turn()

    @staticmethod
    def _ask(pacer: Pacer) -> None:
        answer: object = pacer.wait()  # type: ignore[func-returns-value]  # an async pacer fits the protocol, too
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise ConfigurationError(
                "Togai takes a plain pacer as requests_per_second; AsyncTogai takes async ones"
            )

    def _take_turn(self) -> None:
        ticket = object()
        with self._lock:
            self._queue.append(ticket)
            try:
                while True:
                    if self._queue[0] is not ticket:
                        self._lock.wait()
                    elif (seconds := self._window.wait(clock.current.now())) > 0:
                        clock.current.wait(self._lock, seconds)
                    else:
                        self._window.start(clock.current.now())
                        return
            finally:
                self._queue.remove(ticket)
                self._lock.notify_all()

    def hold(self, seconds: float) -> None:
        """Start nothing for so many seconds."""
        with self._lock:
            self._window.hold(clock.current.now() + seconds)


class AsyncPace:
    """The pace that the tasks of one client share."""

    def __init__(self, starts_per_second: int | None, pacer: AsyncPacer | None = None) -> None:
        self._window = Window(starts_per_second)
        self._pacer = pacer
        import asyncio

        # Fair: wakes its waiters in the order in which they came, and forgets a cancelled one.
        self._turn = asyncio.Lock()

    async def wait(self) -> None:
        """Return when the next request may start."""
        await self._take_turn()
        # Asked after a hold, not before: all that it let through meanwhile would start at once.
        while self._pacer is not None:
            await self._ask(self._pacer)
            if self._window.wait(clock.current.now()) <= 0:
                return
            await self._take_turn()

    @staticmethod
    async def _ask(pacer: AsyncPacer) -> None:
        answer: object = pacer.wait()
        if not inspect.isawaitable(answer):
            raise ConfigurationError(
                "AsyncTogai takes an async pacer as requests_per_second; Togai takes plain ones"
            )
        await answer

    async def _take_turn(self) -> None:
        async with self._turn:
            while (seconds := self._window.wait(clock.current.now())) > 0:
                await clock.current.sleep_async(seconds)
            self._window.start(clock.current.now())

    def hold(self, seconds: float) -> None:
        """Start nothing for so many seconds."""
        self._window.hold(clock.current.now() + seconds)
