"""The fixtures of the pytest plugin, in this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from togai import Togai, _pytest
from togai._transport import clock
from togai.testing import FakeClock, FakeTogai

from ..waiting import wait_until

SETTINGS = ("TOGAI_API_TOKEN", "TOGAI_BASE_URL", "TOGAI_LEDGER")


@pytest.fixture(params=[SETTINGS, ()], ids=["set", "not set"])
def settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the real service, or none."""
    for name in request.param:
        monkeypatch.setenv(name, "real")


@pytest.fixture(
    params=[
        ({}, "127.0.0.1"),
        ({"no_proxy": "a.test"}, "a.test,127.0.0.1"),
        ({"NO_PROXY": "b.test"}, "b.test,127.0.0.1"),
        ({"no_proxy": "", "NO_PROXY": "b.test"}, "b.test,127.0.0.1"),
        ({"no_proxy": "a.test", "NO_PROXY": "b.test"}, "a.test,127.0.0.1"),
    ]
)
def without_proxy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Hosts without a proxy in the environment; what the fixtures make of them."""
    outside, expected = request.param
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in outside.items():
        monkeypatch.setenv(name, value)
    return str(expected)


@pytest.mark.usefixtures("settings", "fake_togai")
def test_the_fake_removes_the_settings_of_the_real_service() -> None:
    assert not [name for name in SETTINGS if name in os.environ]


def test_the_fake_is_reached_without_a_proxy(without_proxy: str, fake_togai: FakeTogai) -> None:
    assert os.environ["no_proxy"] == without_proxy
    assert isinstance(fake_togai, FakeTogai)


def test_the_environment_connects_a_client_to_the_fake(
    settings: None, fake_togai: FakeTogai, togai_env: str
) -> None:
    fake_togai.add(id="ride-1")
    assert (os.environ["TOGAI_API_TOKEN"], os.environ["TOGAI_BASE_URL"]) == (
        fake_togai.token,
        togai_env,
    )
    with Togai() as client:
        assert client.events.get("ride-1").event_payload.id == "ride-1"


def test_the_clock_is_in_use_during_a_test(togai_clock: FakeClock) -> None:
    clock.current.sleep(5)
    assert togai_clock.waits == [5.0]


def test_the_end_of_a_test_lets_go_of_held_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture: Any = _pytest.fake_togai
    opened: Iterator[FakeTogai] = fixture.__wrapped__(monkeypatch)
    fake = next(opened)
    fake.hold_next()
    statuses: list[int] = []
    with fake.serve() as url:
        held = threading.Thread(
            target=lambda: statuses.append(httpx.get(f"{url}/events", timeout=30).status_code)
        )
        held.start()
        wait_until(lambda: fake.requests)
        assert next(opened, None) is None
        held.join(10)
        assert statuses == [503]
