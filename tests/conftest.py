"""Fixtures for all tests: the in-memory service on a socket, and one way to call both clients."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from togai import AsyncTogai, Togai
from togai._transport import clock
from togai.testing import FakeTogai

# The same examples in every run: a failure in CI fails here too.
hypothesis.settings.register_profile(
    "here",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("here")

TOKEN = "test-token"


def use_memory_for_temporary_files(folder: Path = Path("/dev/shm")) -> None:
    """Ledgers wait for the disk at every entry, which takes half of the time of the tests; memory is as good here."""
    if "TMPDIR" in os.environ or not os.access(folder, os.W_OK):
        return
    may_execute = not os.statvfs(folder).f_flag & os.ST_NOEXEC
    if may_execute and shutil.disk_usage(folder).free > 4 * 2**30:
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None  # read again


use_memory_for_temporary_files()

# A job in the background ignores Ctrl-C, which the tests and their processes must not.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, for many tests wait: for a process, or for a moment."""
    return (os.cpu_count() or 1) + 1


def pytest_itemcollected(item: pytest.Item) -> None:
    """What starts a process, and what takes long, is slow."""
    starts = {"process", "shell", "terminal"}.intersection(getattr(item, "fixturenames", ()))
    if starts or item.get_closest_marker("long"):
        item.add_marker("slow")


def pytest_collection_finish() -> None:
    """Exclude the collected tests, thousands of objects that live until the end, from garbage collection."""
    gc.collect()
    gc.freeze()


class Api:
    """A client, sync or async, called the same way."""

    def __init__(self, client: Togai | AsyncTogai, runner: asyncio.Runner | None) -> None:
        self.client: Any = client
        self._runner = runner

    @property
    def is_async(self) -> bool:
        return self._runner is not None

    def resolve(self, value: Any) -> Any:
        """The result of a call, awaited where that is needed."""
        if self._runner is None or not inspect.isawaitable(value):
            return value

        async def waited() -> Any:
            return await value

        return self._runner.run(waited())

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """The result of a method of `client.events`."""
        return self.resolve(getattr(self.client.events, method)(*args, **kwargs))

    def listed(self, **kwargs: Any) -> list[Any]:
        """All events of a listing."""
        return self.collect(self.client.events.list(**kwargs))

    def collect(
        self, items: Iterable[Any] | AsyncIterable[Any], most: int | None = None
    ) -> list[Any]:
        """The items of an iterable of either kind, or the first of them."""

        async def collected() -> list[Any]:
            events: list[Any] = []
            if most == 0:
                return events
            async for item in aiter(items):  # type: ignore[arg-type]
                events.append(item)
                if len(events) == most:
                    break
            return events

        if self._runner is not None:
            return self._runner.run(collected())
        events: list[Any] = []
        for item in items:  # type: ignore[union-attr]
            events.append(item)
            if len(events) == most:
                break
        return events

    def close(self) -> None:
        self.resolve(self.client.aclose() if self.is_async else self.client.close())


Connect = Callable[..., AbstractContextManager[Api]]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TOGAI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def fake() -> FakeTogai:
    return FakeTogai(TOKEN)


@pytest.fixture
def url(fake: FakeTogai) -> Iterator[str]:
    with fake.serve() as address:
        yield address


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody listens, and which nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def opener(kind: str, library: str = "httpx") -> Connect:
    """Opens clients of a kind, "sync" or "async", whose own connections are of a library."""

    @contextmanager
    def opened(token: Any = TOKEN, **settings: Any) -> Iterator[Api]:
        settings = {"requests_per_second": None, "http_library": library, **settings}
        if kind == "sync":
            with Togai(token, **settings) as client:
                yield Api(client, None)
            return
        with asyncio.Runner() as runner:
            api = Api(AsyncTogai(token, **settings), runner)
            try:
                yield api
            finally:
                api.close()

    return opened


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Opens a client of either kind; without a rate limit by default."""
    return opener(request.param)


# For products of many parameters: the quick part runs them with one kind of client.
async_is_slow = pytest.mark.parametrize(
    "connect", ["sync", pytest.param("async", marks=pytest.mark.slow)], indirect=True
)


@pytest.fixture
def api(connect: Connect, url: str) -> Iterator[Api]:
    """A client of either kind for the service in memory."""
    with connect(base_url=url) as opened:
        yield opened


class ManualClock(clock.Clock):
    """A clock that moves when it is set or waited for."""

    time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def manual_clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The clock of the transport, in the hands of the test."""
    manual = ManualClock()
    monkeypatch.setattr(clock, "current", manual)
    return manual


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Notes the waits between attempts instead of waiting."""
    waits: list[float] = []

    def uniform(_low: float, high: float) -> float:
        waits.append(high)
        return 0.0

    monkeypatch.setattr("togai._transport.retry.random.uniform", uniform)
    return waits
