"""A long job in short: processes that share one quota, and a long listing with faults of every kind."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from togai import Timeout, Togai
from togai._transport.rate_limit import Window
from togai.testing import FakeTogai

from ..conftest import TOKEN

RATE = 20
PROCESSES = 4
CALLS = 15


def list_at_a_shared_rate(url: str, database: str) -> None:
    """What each process does."""
    from pyrate_limiter import Duration, Limiter, Rate, SQLiteBucket

    bucket = SQLiteBucket.init_from_file(
        [Rate(RATE, Duration.SECOND)], db_path=database, use_file_lock=True
    )
    limiter = Limiter(bucket)

    class Shared:
        def wait(self) -> None:
            limiter.try_acquire("togai")

    with Togai(TOKEN, base_url=url, requests_per_second=Shared()) as client:
        for _ in range(CALLS):
            list(client.events.list())
    limiter.close()


@pytest.mark.long
def test_processes_share_one_quota_through_a_rate_limiter_on_one_store(tmp_path: Path) -> None:
    arrivals: list[float] = []
    lock = threading.Lock()

    class Counting(FakeTogai):
        def handle(self, request, token):  # type: ignore[no-untyped-def]
            with lock:
                arrivals.append(time.monotonic())
            return super().handle(request, token)

    spawn = multiprocessing.get_context("spawn")
    with Counting(TOKEN).serve() as url:
        processes = [
            spawn.Process(target=list_at_a_shared_rate, args=(url, str(tmp_path / "rate.sqlite")))
            for _ in range(PROCESSES)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(120)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert len(arrivals) == PROCESSES * CALLS
    # Each process may have one request under way that was let through a second ago.
    most = RATE + PROCESSES
    assert all(b - a >= 1.0 for a, b in zip(arrivals, arrivals[most:], strict=False))


EVENTS = 200_000
FAULTS = 9
A_SECOND = 400


def break_some(fake: FakeTogai, chance: random.Random, kind: int) -> None:
    if kind < 3:
        fake.fail_next(status=chance.choice([408, 429, 500, 502, 503, 504, 520]), retry_after=0)
    elif kind == 3:
        fake.drop_next()
    elif kind == 4:
        fake.drop_next(half=True)
    elif kind == 5:
        fake.drop_next(reset=True)
    elif kind == 6:
        fake.empty_page_next()
    elif kind == 7:
        fake.hold_next()
    else:
        fake.fail_next(status=503, body="<html>gateway</html>", retry_after=0)


@pytest.mark.long
def test_a_long_listing_through_faults_of_every_kind_gives_each_event_once_at_its_rate_in_flat_memory(
    no_waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[float] = []
    note = Window.start

    def noted(window: Window, now: float) -> None:
        starts.append(now)
        note(window, now)

    monkeypatch.setattr(Window, "start", noted)
    chance = random.Random(5)
    fake = FakeTogai(TOKEN)
    fake.add_many(EVENTS)
    seen = bytearray(EVENTS + 1)
    peaks: list[int] = []
    broken = 0
    with (
        fake.serve() as url,
        Togai(
            TOKEN,
            base_url=url,
            requests_per_second=A_SECOND,
            max_retries=8,
            timeout=Timeout(read=0.3),
        ) as client,
    ):
        for number, event in enumerate(client.events.list(), 1):
            seen[int(str(event.event_payload.id).removeprefix("event-"))] += 1
            if number % 50 == 0:
                fake.requests.clear()  # the service's memory of them is not the client's
                if chance.random() < 0.05:
                    break_some(fake, chance, broken % FAULTS)
                    broken += 1
            if number == EVENTS // 4:
                tracemalloc.start()
            if number % (EVENTS // 40) == 0 and tracemalloc.is_tracing():
                peaks.append(tracemalloc.get_traced_memory()[0])
                if len(peaks) == 4:
                    tracemalloc.stop()
    assert seen.count(1) == EVENTS
    assert seen[0] == 0
    assert broken > 100
    assert all(b - a >= 1.0 for a, b in zip(starts, starts[A_SECOND:], strict=False))
    assert max(peaks) - min(peaks) < 4_000_000
