"""Run the steps of a call, in a thread or in a task."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from togai._transport import clock
from togai._transport.concurrency import Threads
from togai._transport.http import Sending
from togai._transport.steps import (
    Attempt,
    AttemptResult,
    Blocking,
    Failure,
    Hold,
    NoResponse,
    Refresh,
    Sleep,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from togai._transport.auth import TokenSource
    from togai._transport.pool import Pool
    from togai._transport.rate_limit import RateLimit
    from togai._transport.steps import Step, Steps

T = TypeVar("T")


@frozen
class Runner:
    """Runs calls with a shared connection pool, token and rate limit."""

    token: TokenSource
    rate_limit: RateLimit
    pool: Pool = field(repr=False)

    def run(self, steps: Steps[T]) -> T:
        """Run a call to its end in this thread."""
        try:
            return Threads.run(self.run_async(steps))
        except BaseException:
            for lock in (self.token.lock, self.rate_limit.turn):
                lock.leave()  # Ctrl-C can prevent its `__aexit__`
            raise

    async def run_async(self, steps: Steps[T]) -> T:
        """Run a call to its end. An exception of a step is raised inside the call."""
        resume: Callable[[], Step] = partial(steps.send, None)
        while True:
            try:
                step = resume()
            except StopIteration as stop:
                result: T = stop.value
                return result
            finally:
                del resume  # an exception that it holds would keep this frame alive
            try:
                resume = partial(steps.send, await self._perform(step))
            except BaseException as error:  # noqa: BLE001  (raised inside the call)
                resume = partial(steps.throw, error)

    async def _perform(self, step: Step) -> Any:
        self.pool.io.check()
        match step:
            case Attempt():
                return await self._attempt(step)
            case Refresh():
                return await self.token.refresh(step.refused)
            case Hold():
                return self.rate_limit.hold(step.seconds)
            case Sleep():
                return await self.pool.io.sleep(step.seconds)
            case Blocking():
                return await self.pool.io.call(step.function)

    async def _attempt(self, step: Attempt) -> AttemptResult:
        await self.rate_limit.wait()
        token = step.token or await self.token.read()
        if step.delivery.confirm is not None:
            step.delivery.until = time.time() + 60
            await self.pool.io.call(step.delivery.confirm)
        client = self.pool.take(repeatable=step.call.repeatable)
        usable = False
        try:
            began = clock.current.now()
            deadline = step.deadline or began + step.timeout.total
            sending = Sending(self.pool, client, step, token, deadline)
            outcome = await sending.outcome()
            usable = not (isinstance(outcome, NoResponse) and outcome.failure is Failure.TIMED_OUT)
        finally:
            await self.pool.give_back(client, usable=usable)
        return AttemptResult(outcome, token, began)
