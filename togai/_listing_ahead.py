"""Pages that are requested in advance: in a thread, or in a task."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from togai._printable import shown
from togai._transport import clock
from togai._transport.concurrency import running_loop
from togai._transport.steps import Blocking, Sleep
from togai.errors import InvalidRequest

if TYPE_CHECKING:
    import asyncio

    from togai._transport.steps import AsyncRun, Run, Step, Steps

T = TypeVar("T")


def checked_prefetch(value: object) -> int:
    """Check the argument `prefetch`: how many pages a listing requests in advance.

    Raises:
        InvalidRequest: It is neither 0 nor 1.
    """
    if isinstance(value, int) and value in (0, 1):
        return int(value)
    raise InvalidRequest(
        f"prefetch={shown(value)}: pass 1 to request the next page in advance, or 0; its token is known only"
        " from the page before"
    )


class PageAhead(Generic[T]):
    """A page that a thread requests. Once this object is dropped, the thread sends nothing more.

    Args:
        run: Runs the steps.
        steps: The request.
        ended: Set when the page was received or the request failed.
    """

    def __init__(self, run: Run, steps: Steps[T], ended: threading.Event) -> None:
        self._outcome: list[T | BaseException] = []
        self._ended = ended
        self._dropped = threading.Event()
        self._pid = os.getpid()
        # The thread holds no reference to this object, which could never be dropped otherwise.
        work = partial(_request, run, steps, self._outcome, ended, self._dropped)
        threading.Thread(
            target=copy_context().run, args=(work,), name="togai-listing", daemon=True
        ).start()

    def __del__(self) -> None:
        self._dropped.set()

    @property
    def ready(self) -> bool:
        """Whether `result` returns at once."""
        return bool(self._outcome)

    @property
    def lost(self) -> bool:
        """Whether the page will never come: this process was forked, and the thread is the parent's."""
        return self._pid != os.getpid()

    def result(self) -> T:
        """Wait for the page. Call it once.

        Raises:
            TogaiError: The request failed.
        """
        while not self._outcome:
            self._ended.wait()
        outcome = self._outcome.pop()  # a traceback would keep it alive
        if isinstance(outcome, BaseException):
            try:
                raise outcome
            finally:
                del outcome
        return outcome


def _request(
    run: Run,
    steps: Steps[T],
    outcome: list[T | BaseException],
    ended: threading.Event,
    dropped: threading.Event,
) -> None:
    try:
        outcome.append(run(_Until(dropped, steps)))
    except BaseException as error:  # noqa: BLE001  (raised where the page is read)
        outcome.append(error)
    finally:
        ended.set()


class _DroppedError(Exception):
    """The page was dropped."""


class _Until(Generator["Step", Any, T]):
    """The steps of a page. Once the page is dropped, no further attempt starts and no wait continues."""

    def __init__(self, dropped: threading.Event, steps: Steps[T]) -> None:
        self._dropped = dropped
        self._steps = steps

    def send(self, value: Any) -> Step:
        self._check()
        return self._waiting(self._steps.send(value))

    def throw(self, error: Any, *_: Any) -> Step:
        try:
            self._check()
            return self._waiting(self._steps.throw(error))
        finally:
            del error  # its traceback would keep this frame alive

    def _check(self) -> None:
        # Before the steps get the outcome of an attempt: the client may already be closed, and a lost connection
        # would be logged although nobody waits for the page.
        if self._dropped.is_set():
            self._steps.close()
            raise _DroppedError

    def _waiting(self, step: Step) -> Step:
        if isinstance(step, Sleep):
            return Blocking(partial(clock.current.wait, self._dropped, step.seconds))
        return step


class AsyncPageAhead(Generic[T]):
    """A page that a task requests. Once this object is dropped, the task is cancelled."""

    def __init__(self, run: AsyncRun, steps: Steps[T]) -> None:
        self.task: asyncio.Task[T] = running_loop().create_task(run(steps))
        self.task.add_done_callback(_retrieve)

    def __del__(self) -> None:
        task: asyncio.Task[Any] | None = getattr(self, "task", None)
        if task is not None and not task.done():
            with suppress(RuntimeError):  # the loop is closed, and the task with it
                # The garbage collector may run in any thread.
                task.get_loop().call_soon_threadsafe(task.cancel)

    @property
    def ready(self) -> bool:
        """Whether `result` returns at once."""
        return self.task.done()

    @property
    def lost(self) -> bool:
        """Whether the page will never come: the event loop was closed or replaced."""
        import asyncio

        done = self.task.done()
        return self.task.cancelled() or (
            not done and self.task.get_loop() is not asyncio.get_running_loop()
        )

    async def result(self) -> T:
        """Wait for the page; a cancellation cancels the request.

        Raises:
            TogaiError: The request failed.
        """
        return await self.task


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Prevent asyncio from reporting an error that nobody has retrieved."""
    if not task.cancelled():
        task.exception()
