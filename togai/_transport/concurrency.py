"""The differences between threads and asyncio. The rest of this folder is written once, as coroutines.

In a thread, every awaited operation blocks, so that a coroutine never suspends; `Threads.run` runs it to its end.
"""

from __future__ import annotations

import inspect
import os
import threading
import weakref
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from togai._transport import clock
from togai._transport.deadline import Deadline
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    Trace = Callable[[str, dict[str, Any]], None]

T = TypeVar("T")


class _Renewed(Protocol):
    def renew(self) -> None: ...


after_fork: weakref.WeakSet[_Renewed] = weakref.WeakSet()
"""Objects to reset in a forked child, in which no other thread exists and locks may still be held."""


def _renew_all() -> None:
    for part in after_fork:
        part.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_all)


class FairLock:
    """A lock that threads acquire in the order of their requests."""

    def __init__(self) -> None:
        self.renew()
        after_fork.add(self)

    def renew(self) -> None:
        """Reset the lock, without owner and without waiting threads."""
        self._mutex = threading.RLock()
        self._changed = threading.Condition(self._mutex)
        self._queue: deque[int] = deque()

    async def __aenter__(self) -> None:
        with self._mutex:  # not `_changed`, whose methods are Python code that Ctrl-C can interrupt
            self.leave()
            self._queue.append(thread := threading.get_ident())
            self._changed.wait_for(lambda: self._queue[0] == thread)

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Give up the place of this thread, if it has one."""
        with self._mutex:
            if (thread := threading.get_ident()) in self._queue:
                self._queue.remove(thread)
                self._changed.notify_all()


class Threads:
    """Operations that block the calling thread."""

    client: ClassVar = "Client"
    """The class of the HTTP libraries' clients."""
    lock: ClassVar = FairLock

    @staticmethod
    def run(work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine that awaits only methods of this class."""
        try:
            work.send(None)
        except StopIteration as stop:
            return cast("T", stop.value)
        raise RuntimeError("a coroutine suspended in a thread")

    def check(self) -> None:
        """A client can be used in every thread."""

    async def sleep(self, seconds: float) -> None:
        """Sleep for a number of seconds."""
        clock.current.sleep(seconds)

    async def call(self, function: Callable[[], T]) -> T:
        """The result of a blocking function."""
        return function()

    async def result(self, returned: Any, kind: str, *, plain: bool = True) -> Any:
        """What a function of the caller's results in, by what it returned.

        Raises:
            ConfigurationError: It is async in a thread, or in a task neither async nor may be `plain`.
        """
        if not inspect.isawaitable(returned):
            return returned
        if inspect.iscoroutine(returned):
            returned.close()
        raise ConfigurationError(f"Togai takes a plain {kind}; AsyncTogai takes async ones")

    def limit(self, http: Any, deadline: float) -> Any:
        """A context manager that ends its `async with` at the deadline."""
        return Deadline(deadline, http)

    def tracer(self, note: Trace, limit: Any) -> Trace:
        """The function that receives the reports of the transport about a request."""

        def trace(event: str, info: dict[str, Any]) -> None:
            note(event, info)
            limit.watch(event, info)

        return trace

    async def send(self, http: Any, request: Any) -> Any:
        """Send a request and return the response; its body is not read yet."""
        return http.send(request, auth=None, follow_redirects=False, stream=True)

    async def read(self, response: Any, add: Callable[[bytes], None], limit: Any) -> None:
        """Pass each chunk of the body to a function, as received."""
        for chunk in response.iter_raw():
            add(chunk)
            limit.check()

    async def close(self, connected: Any) -> None:
        """Close a response or a stream."""
        connected.close()


def running_loop() -> asyncio.AbstractEventLoop:
    """The running event loop.

    Raises:
        ConfigurationError: There is none.
    """
    import asyncio

    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    raise ConfigurationError(
        "AsyncTogai needs a running asyncio event loop; with Trio, use Togai in a thread"
    )


class Tasks:
    """Operations that suspend the calling task. They belong to the event loop in which they are first used."""

    client: ClassVar = "AsyncClient"

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def lock(self) -> asyncio.Lock:
        import asyncio

        return asyncio.Lock()

    def check(self) -> None:
        loop = running_loop()
        if self._loop is not None and self._loop is not loop:
            raise ConfigurationError(
                "this client belongs to another event loop: create a client in each asyncio.run(),"
                " with `async with AsyncTogai(...) as client`"
            )
        self._loop = loop

    async def sleep(self, seconds: float) -> None:
        await clock.current.sleep_async(seconds)

    async def call(self, function: Callable[[], T]) -> T:
        import asyncio

        # In a thread, whose end a cancellation awaits; not in a task, which asyncio.run would cancel when it ends.
        running = running_loop().run_in_executor(None, copy_context().run, function)
        running.add_done_callback(lambda done: done.cancelled() or done.exception())  # retrieved
        cancelled: asyncio.CancelledError | None = None
        while not running.done():
            try:
                await asyncio.wait([running])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled
        return running.result()

    async def result(self, returned: Any, kind: str, *, plain: bool = True) -> Any:
        if inspect.isawaitable(returned):
            return await returned
        if plain:
            return returned
        raise ConfigurationError(f"AsyncTogai takes an async {kind}; Togai takes plain ones")

    def limit(self, http: Any, deadline: float) -> Any:
        return clock.current.timeout(deadline - clock.current.now())

    def tracer(self, note: Trace, limit: Any) -> Any:
        async def trace(event: str, info: dict[str, Any]) -> None:
            note(event, info)

        return trace

    async def send(self, http: Any, request: Any) -> Any:
        return await http.send(request, auth=None, follow_redirects=False, stream=True)

    async def read(self, response: Any, add: Callable[[bytes], None], limit: Any) -> None:
        async for chunk in response.aiter_raw():
            add(chunk)

    async def close(self, connected: Any) -> None:
        await connected.aclose()
