"""Fixtures for tests of code that calls Togai; pytest loads them when togai is installed.

pytest imports this module at every start, so only the fixtures import `togai.testing` and thereby httpx.
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
    """An in-memory Togai events service: a `togai.testing.FakeTogai`.

    TOGAI_API_TOKEN, TOGAI_BASE_URL and TOGAI_LEDGER are removed from the environment, so that no test uses the real
    service or the real ledger by mistake. Connect to the fake with `fake_togai.serve()`, `fake_togai.transport()` or
    the fixture `togai_env`.
    """
    from togai.testing import FakeTogai

    for name in ("TOGAI_API_TOKEN", "TOGAI_BASE_URL", "TOGAI_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    # A proxy from the environment must not be used for this server.
    others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    monkeypatch.setenv("no_proxy", f"{others},127.0.0.1" if others else "127.0.0.1")
    fake = FakeTogai()
    yield fake
    fake.release()


@pytest.fixture
def togai_env(fake_togai: FakeTogai, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve `fake_togai` on a loopback socket, for clients that are configured by the environment.

    TOGAI_API_TOKEN and TOGAI_BASE_URL are set, also for processes that the test starts. The value is the base URL.
    """
    with fake_togai.serve() as url:
        monkeypatch.setenv("TOGAI_API_TOKEN", fake_togai.token)
        monkeypatch.setenv("TOGAI_BASE_URL", url)
        yield url


@pytest.fixture
def togai_clock() -> Iterator[FakeClock]:
    """An active `togai.testing.FakeClock`: all clients use it; only waiting for a socket takes real time."""
    from togai.testing import FakeClock

    with FakeClock() as clock:
        yield clock
