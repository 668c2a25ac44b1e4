"""A call does not wait for a ledger longer than its own timeout."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from togai import LedgerBusy, Undo
from togai.corrections import Ledger
from togai.testing import FakeTogai

from ..conftest import Api, Connect


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process, or this one, keeps the file locked."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def undo(api: Api, events: list[Any], _plan: Any) -> None:
    api.call("undo", events[0], timeout=0.2)


def execute(api: Api, _events: list[Any], plan: Any) -> None:
    api.call("execute", plan, timeout=0.2)


@pytest.mark.parametrize("call", [undo, execute])
def test_a_call_waits_for_a_ledger_no_longer_than_its_timeout(
    connect: Connect, fake: FakeTogai, url: str, path: Path, call: Any
) -> None:
    fake.add_many(2, account_id="acme")
    ledger = Ledger(path)
    with connect(base_url=url, ledger=ledger) as api:
        events = api.listed(account_id="acme")
        plan = api.call("plan", [Undo(events[1])])
        ledger.approve(plan.digest, who="bob", why="checked")
        with held(path), pytest.raises(LedgerBusy, match=r"for 0\.2 s"):
            call(api, events, plan)
        assert not fake.corrections


def test_a_plan_waits_no_longer_than_the_timeout_of_the_client(
    connect: Connect, fake: FakeTogai, url: str, path: Path
) -> None:
    fake.add_many(1, account_id="acme")
    with connect(base_url=url, ledger=path) as api:
        events = api.listed(account_id="acme")
        client = api.client.with_options(timeout=0.2)
        with held(path), pytest.raises(LedgerBusy, match=r"for 0\.2 s"):
            api.resolve(client.events.plan([Undo(events[0])]))
