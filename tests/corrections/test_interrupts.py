"""An interrupt after the request was sent: it passes, and its note says that the correction may have been applied."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from attrs import evolve

from togai import AsyncTogai, LedgerBusy, Replace, _calls, with_quantities
from togai._storage.records import Records
from togai._transport.concurrency import Tasks
from togai.corrections import Kind, Ledger
from togai.corrections._ledger import records_of
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api, Connect
from .records import SERVICE, begin, claim


class Interrupt(BaseException):
    """Like KeyboardInterrupt, which would end the thread of the ledger."""


@pytest.fixture
def api(connect: Connect, fake: FakeTogai, url: str, ledger: Ledger) -> Any:
    fake.add_many(1)
    with connect(base_url=url, ledger=ledger) as api:
        yield api


@pytest.mark.parametrize(
    ("errors", "kinds"),
    [
        ([Interrupt()], ["intent", "applied"]),
        ([Interrupt(), Interrupt()], ["intent"]),
        ([Interrupt(), LedgerBusy("ledger.db", 1.0)], ["intent"]),
    ],
)
def test_an_interrupt_while_the_outcome_is_recorded_says_that_it_may_have_been_applied(
    api: Api,
    fake: FakeTogai,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    errors: list[BaseException],
    kinds: list[str],
) -> None:
    real, left = Records.conclude, list(errors)

    def conclude(*given: Any, **more: Any) -> None:
        if left:
            raise left.pop(0)
        real(*given, **more)

    (event,) = api.listed(account_id="acme")
    monkeypatch.setattr(Records, "conclude", conclude)
    with pytest.raises(Interrupt) as caught:
        api.call("undo", event)
    assert set(fake.applied.values()) == {1}
    assert any("may have been applied" in note for note in caught.value.__notes__)
    assert [entry.kind for entry in ledger.history()] == kinds
    assert not left


@pytest.mark.parametrize(
    ("refused", "kinds"),
    [(True, ["approved", "intent"]), (False, ["approved", "intent", "applied"])],
)
def test_an_interrupt_while_the_event_is_read_again_passes(
    api: Api,
    fake: FakeTogai,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    refused: bool,
    kinds: list[str],
) -> None:
    """A failed replacement is read to see whether it is unchanged; one that was applied, to find the new event."""
    real, calls = _calls.read, 0

    def read(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Interrupt
        return (yield from real(*given))

    (event,) = api.listed(account_id="acme")
    plan = api.call("plan", [Replace(event, with_quantities(event, {"distance": 7}))])
    ledger.approve(plan, who="bob", why="ok")
    if refused:
        fake.refuse_next(1)
    monkeypatch.setattr(_calls, "read", read)
    with pytest.raises(Interrupt):
        api.call("execute", plan)
    assert [entry.kind for entry in ledger.history()] == kinds


def test_an_interrupt_before_an_item_is_sent_ends_the_execution(
    api: Api, fake: FakeTogai, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise Interrupt

    (event,) = api.listed(account_id="acme")
    plan = api.call("plan", [Replace(event, with_quantities(event, {"distance": 7}))])
    ledger.approve(plan, who="bob", why="ok")
    monkeypatch.setattr(Records, "begin", interrupted)
    with pytest.raises(Interrupt):
        api.call("execute", plan)
    assert not fake.corrections
    assert [entry.kind for entry in ledger.history()] == ["approved"]


def test_an_unknown_outcome_that_is_recorded_twice_is_one_entry(ledger: Ledger) -> None:
    # Cancel scopes of anyio cancel again and again, and each time the outcome is recorded once more.
    entry = begin(ledger)
    for _ in range(2):
        records_of(ledger).conclude(entry, Kind.UNKNOWN, {"how": "response", "cause": "cancelled"})
    assert [str(each.kind) for each in ledger.history()] == ["intent", "unknown"]
    assert ledger.pending() == [evolve(entry, cause="cancelled")]


def test_a_program_that_ends_before_an_entry_is_written_leaves_nothing_open_that_was_not_sent(
    url: str, ledger: Ledger, fake: FakeTogai, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(1)
    real, begins, ended = Records.begin, threading.Event(), threading.Event()

    def begin(*given: Any, **more: Any) -> Any:
        begins.set()
        ended.wait(0.2)  # never set: asyncio.run cancels what is left, while this thread goes on
        return real(*given, **more)

    async def program() -> None:
        async with AsyncTogai(TOKEN, base_url=url, ledger=ledger) as client:
            (event,) = await client.events.find("acme")
            monkeypatch.setattr(Records, "begin", begin)
            left.append(asyncio.create_task(client.events.undo(event)))
            await asyncio.to_thread(begins.wait)

    left: list[asyncio.Task[Any]] = []
    asyncio.run(program())
    assert left[0].cancelled()
    assert not fake.applied
    assert [entry.kind for entry in ledger.history()] == ["intent", "not applied"]


def test_an_entry_that_is_written_after_its_call_was_abandoned_is_closed(ledger: Ledger) -> None:
    # Ctrl-C ends the wait for the thread that writes it, but not the thread.
    records = records_of(ledger).within(30.0)
    records.abandon("one", "interrupted")
    for call in ("one", "two"):
        records.begin([claim()], service=SERVICE, call=call)
    entries = list(ledger.history())
    assert [entry.kind for entry in entries] == ["intent", "not applied", "intent"]
    assert entries[1].data["cause"] == "interrupted"


def test_a_failure_of_a_thread_whose_wait_was_interrupted_is_not_reported_by_asyncio(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    interrupted = threading.Event()

    def fail() -> None:
        interrupted.wait()
        raise LedgerBusy("ledger.db", 1.0)

    async def wait(_: object) -> None:
        raise Interrupt

    async def program() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(asyncio, "wait", wait)
            with pytest.raises(Interrupt):
                await Tasks().call(fail)
        interrupted.set()

    asyncio.run(program())
    gc.collect()
    assert not caplog.messages
