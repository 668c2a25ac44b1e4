"""Fixtures for tests of code that calls Togai; pytest finds them once togai is installed.

A module of its own, which imports togai only in its fixtures: pytest loads it at every start, and a
submodule of togai would load httpx with it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from togai.testing import FakeClock, FakeTogai


@pytest.fixture
def fake_togai(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTogai]:
    """The Togai events service in memory: a `togai.testing.FakeTogai`.

    The test sees neither TOGAI_API_TOKEN nor TOGAI_BASE_URL, so that nothing reaches the real service by mistake.
    Reach this one by `fake_togai.serve()`, by `fake_togai.transport()`, or by the fixture `togai_env`.
    """
    from togai.testing import FakeTogai

    monkeypatch.delenv("TOGAI_API_TOKEN", raising=False)
    monkeypatch.delenv("TOGAI_BASE_URL", raising=False)
    # A proxy that the environment names must not be asked for what is served here.
    beside = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    monkeypatch.setenv("no_proxy", f"{beside},127.0.0.1" if beside else "127.0.0.1")
    fake = FakeTogai()
    yield fake
    fake.release()


@pytest.fixture
def togai_env(fake_togai: FakeTogai, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serves `fake_togai` on a loopback socket, where `Togai()` and `AsyncTogai()` find it by themselves.

    TOGAI_API_TOKEN and TOGAI_BASE_URL name it, in processes that the test starts too. The value is the base URL.
    """
    with fake_togai.serve() as url:
        monkeypatch.setenv("TOGAI_API_TOKEN", fake_togai.token)
        monkeypatch.setenv("TOGAI_BASE_URL", url)
        yield url


@pytest.fixture
def togai_clock() -> Iterator[FakeClock]:
    """A `togai.testing.FakeClock` that runs: all clients go by it, and nothing sleeps but a socket that waits."""
    from togai.testing import FakeClock

    with FakeClock() as clock:
        yield clock
