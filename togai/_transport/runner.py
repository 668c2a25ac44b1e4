"""Run the steps of a call: with blocking calls for threads, with awaits for asyncio."""

from __future__ import annotations

import os
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from togai._transport import clock, http
from togai._transport.retry import Failure
from togai._transport.steps import (
    Attempt,
    AttemptResult,
    Blocking,
    Hold,
    NoResponse,
    Refresh,
    Sleep,
    Step,
    Steps,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from togai._transport.auth import AsyncTokenSource, TokenSource
    from togai._transport.pool import AsyncPool, Pool
    from togai._transport.rate_limit import AsyncRateLimit, RateLimit

T = TypeVar("T")


@frozen
class Runner:
    """Runs calls in threads, on one pool of connections with one token and one rate limit."""

    token: TokenSource
    rate_limit: RateLimit
    pool: Pool = field(repr=False)

    def __attrs_post_init__(self) -> None:
        _renewed.update((self.pool, self.rate_limit, self.token))

    def run(self, steps: Steps[T]) -> T:
        """Run a call to its end. What a step raises is raised inside the call."""
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
                resume = partial(steps.send, self._perform(step))
            except BaseException as error:  # noqa: BLE001  (raised inside the call)
                resume = partial(steps.throw, error)

    def _perform(self, step: Step) -> Any:
        match step:
            case Attempt():
                return self._attempt(step)
            case Refresh():
                return self.token.refresh(step.refused)
            case Hold():
                return self.rate_limit.hold(step.seconds)
            case Sleep():
                return clock.current.sleep(step.seconds)
            case Blocking():
                return step.function()

    def _attempt(self, step: Attempt) -> AttemptResult:
        self.rate_limit.wait()
        token = step.token or self.token.read()
        if step.delivery.confirm is not None:
            step.delivery.confirm()
        began = clock.current.now()
        outcome = http.attempt(
            self.pool.get(repeatable=step.call.repeatable),
            step,
            endpoint=self.pool.endpoint,
            token=token,
            deadline=step.deadline or began + step.timeout.total,
        )
        return AttemptResult(outcome, token, began)


@frozen
class AsyncRunner:
    """Runs calls in the tasks of one event loop, on one pool of connections with one token and one rate limit."""

    token: AsyncTokenSource
    rate_limit: AsyncRateLimit
    pool: AsyncPool = field(repr=False)

    async def run(self, steps: Steps[T]) -> T:
        """Run a call to its end. What a step raises is raised inside the call."""
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
        self.pool.check()
        match step:
            case Attempt():
                return await self._attempt(step)
            case Refresh():
                return await self.token.refresh(step.refused)
            case Hold():
                return self.rate_limit.hold(step.seconds)
            case Sleep():
                return await clock.current.sleep_async(step.seconds)
            case Blocking():
                return await _in_thread(step.function)

    async def _attempt(self, step: Attempt) -> AttemptResult:
        await self.rate_limit.wait()
        token = step.token or await self.token.read()
        if step.delivery.confirm is not None:
            await _in_thread(step.delivery.confirm)
        async with self.pool.lease(repeatable=step.call.repeatable) as client:
            began = clock.current.now()
            outcome = await http.attempt_async(
                client,
                step,
                endpoint=self.pool.endpoint,
                token=token,
                deadline=step.deadline or began + step.timeout.total,
            )
            if isinstance(outcome, NoResponse) and outcome.failure is Failure.TIMED_OUT:
                self.pool.retire(client)
        return AttemptResult(outcome, token, began)


async def _in_thread(function: Callable[[], T]) -> T:
    """Run a function in a thread; a cancellation is raised once the function has ended."""
    import asyncio

    running = asyncio.ensure_future(asyncio.to_thread(function))
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        running.exception()  # retrieved, so that asyncio does not report it
        raise cancelled
    return running.result()


_renewed: weakref.WeakSet[Pool | RateLimit | TokenSource] = weakref.WeakSet()


def _renew_all() -> None:
    """Start afresh in a forked child, where no other thread lives on."""
    for part in _renewed:
        part.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_all)
