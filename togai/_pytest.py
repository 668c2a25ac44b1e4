"""Fixtures for tests of code that calls Togai; pytest finds them once togai is installed.

pytest loads this module at every start, so it imports `togai.testing`, and with it httpx, only in its fixtures.
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

    TOGAI_API_TOKEN, TOGAI_BASE_URL and TOGAI_LEDGER are removed from the environment, so that nothing reaches the real
    service and the real ledger by mistake. Reach this one by `fake_togai.serve()`, by `fake_togai.transport()`, or by
    the fixture `togai_env`.
    """
    from togai.testing import FakeTogai

    for name in ("TOGAI_API_TOKEN", "TOGAI_BASE_URL", "TOGAI_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    # A proxy of the environment must not be used for what is served here.
    others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    monkeypatch.setenv("no_proxy", f"{others},127.0.0.1" if others else "127.0.0.1")
    fake = FakeTogai()
    yield fake
    fake.release()


@pytest.fixture
def togai_env(fake_togai: FakeTogai, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serves `fake_togai` on a loopback socket, for clients that are configured by the environment.

    TOGAI_API_TOKEN and TOGAI_BASE_URL are set, for processes that the test starts too. The value is the base URL.
    """
    with fake_togai.serve() as url:
        monkeypatch.setenv("TOGAI_API_TOKEN", fake_togai.token)
        monkeypatch.setenv("TOGAI_BASE_URL", url)
        yield url


@pytest.fixture
def togai_clock() -> Iterator[FakeClock]:
    """A `togai.testing.FakeClock` in use: all clients follow it, and only a socket that waits takes real time."""
    from togai.testing import FakeClock

    with FakeClock() as clock:
        yield clock
