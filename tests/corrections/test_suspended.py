"""A computer that is suspended between the check of the ledger and the request."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from togai import StaleReading
from togai._storage.records import Records
from togai._transport.steps import Delivery
from togai.corrections import Entry, Ledger
from togai.testing import FakeTogai

from ..conftest import Connect


@pytest.fixture
def suspended(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Suspends the computer for an hour while it connects; meanwhile a function is called."""

    def suspend(meanwhile: Callable[[], object]) -> None:
        note, now, hours = Delivery.note, time.time, list[int]()

        def noted(self: Delivery, event: str, info: Mapping[str, Any]) -> None:
            if self.confirm is not None and event.endswith("connect_tcp.complete") and not hours:
                hours.append(1)
                meanwhile()
            note(self, event, info)

        monkeypatch.setattr(Delivery, "note", noted)
        monkeypatch.setattr("time.time", lambda: now() + 3600 * len(hours))

    return suspend


def test_nothing_is_sent_that_was_settled_while_the_computer_was_suspended(
    connect: Connect, fake: FakeTogai, url: str, ledger: Ledger, suspended: Any
) -> None:
    fake.add(id="ride-1")
    suspended(
        lambda: ledger.decide(
            1, "not applied", who="bob", why="its process seemed dead", min_age=timedelta(0)
        )
    )
    with connect(base_url=url, ledger=ledger) as api:
        with pytest.raises(StaleReading, match="was settled before its turn came"):
            api.call("undo", account_id="acme", event_id="ride-1")
    assert not fake.corrections


def test_what_nobody_settled_while_the_computer_was_suspended_is_sent_once(
    connect: Connect, fake: FakeTogai, url: str, ledger: Ledger, suspended: Any
) -> None:
    fake.add(id="ride-1")
    suspended(lambda: None)
    with connect(base_url=url, ledger=ledger) as api:
        api.call("undo", account_id="acme", event_id="ride-1").raise_for_failures()
    assert len(fake.assert_sent("POST", "/events/correction")) == 1


def test_nothing_is_sent_after_an_answer_of_the_ledger_that_came_late(
    connect: Connect,
    fake: FakeTogai,
    url: str,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.add(id="ride-1")
    confirm, now, hours = Records.confirm, time.time, list[int]()

    def delayed(self: Records, entries: Sequence[Entry]) -> None:
        confirm(self, entries)
        if not hours:
            hours.append(1)
            ledger.decide(1, "not applied", who="bob", why="its host is down", min_age=timedelta(0))

    monkeypatch.setattr(Records, "confirm", delayed)
    monkeypatch.setattr("time.time", lambda: now() + 3600 * len(hours))
    with connect(base_url=url, ledger=ledger) as api:
        with pytest.raises(StaleReading, match="was settled before its turn came"):
            api.call("undo", account_id="acme", event_id="ride-1")
    assert not fake.corrections
