"""The rows of the benchmark: the two sides of each ratio, and its aim."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.bump import bump
from contract.generation import ROOT, SPEC, generate
from contract.load import load
from mutation.judge_package import project

from benchmark.contenders import Server, Side, outside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmark.contenders import Environments

# For http, which the server here has, our client loads no certificates: it is made to, as it does for the real service.
COLD = {
    "ours": "import httpx; httpx.create_ssl_context(); from togai import Togai; c = Togai('t', base_url={url!r});"
    "print(c.events.get('ride-1').reference_id)",
    "plain": "import httpx, json; c = httpx.Client(headers={{'Authorization': 'Bearer t'}});"
    "print(json.loads(c.get({url!r} + '/events/ride-1').content)['events'][0]['referenceId'])",
    "official": "import togai_client as t; a = t.EventManagementApi(t.ApiClient(t.Configuration(host={url!r},"
    " access_token='t'))); print(a.get_single_event('ride-1').events[0].reference_id)",
}


@dataclass(frozen=True)
class Row:
    """A row of the table: a median with its quartiles, and the aim."""

    what: str
    median: float
    low: float
    high: float
    aim: str = ""
    unit: str = "times"


@dataclass(frozen=True)
class Scale:
    """The amount of work: a full run, or just enough to check that it runs."""

    rounds: int
    listed: int
    growth: int
    delay: float
    delayed: int


FULL = Scale(100, 20_000, 1_000_000, 0.25, 6_000)
QUICK = Scale(2, 200, 5_000, 0.05, 600)
QUOTA = 10
"""Requests per second that the service allows."""


def measure(scale: Scale, environments: Environments, room: Path) -> Iterator[Row]:
    """Yield all rows, one after another.

    Args:
        scale: The amount of work.
        environments: The sides' environments.
        room: An empty folder for temporary files.
    """
    with Server() as server:
        yield from _starting(scale, environments, server.url)
        yield from _running(scale, environments, server.url)
        yield from _growing(scale, environments, server.url)
    with Server(scale.delay) as server:
        yield from _waiting(scale, environments, server.url)
    yield from _maintaining(room)


Timer = Callable[[], float]


@dataclass(frozen=True)
class _Pair:
    """Two sides with the same task; the row is the time of the first divided by the time of the second."""

    what: str
    first: Timer
    second: Timer
    aim: str

    def ratio(self, *, swapped: bool) -> float:
        """Return the ratio of one round. The second side benefits from warm caches, so the order alternates."""
        if swapped:
            seconds = self.first()
            return seconds / self.second()
        seconds = self.second()
        return self.first() / seconds


def _ratios(rounds: int, *pairs: _Pair) -> Iterator[Row]:
    """Run the pairs alternately, so that a slow phase of the machine affects a part of each row."""
    for pair in pairs:
        pair.ratio(swapped=False)
    by_round = [[pair.ratio(swapped=number % 2 > 0) for pair in pairs] for number in range(rounds)]
    for pair, ratios in zip(pairs, zip(*by_round, strict=True), strict=True):
        yield _row(pair.what, list(ratios), pair.aim)


def _row(what: str, values: list[float], aim: str, unit: str = "times") -> Row:
    if len(values) < 2:
        return Row(what, values[0], values[0], values[0], aim, unit)
    low, median, high = statistics.quantiles(values, n=4)
    return Row(what, median, low, high, aim, unit)


def _starting(scale: Scale, environments: Environments, url: str) -> Iterator[Row]:
    def start(side: str, code: str) -> Timer:
        def run() -> float:
            began = time.perf_counter()
            # -P: import the installed package, not the sources in the current directory.
            command = [str(environments.python(side)), "-P", "-c", code]
            subprocess.run(command, env=outside(), stdout=subprocess.DEVNULL, check=True)
            return time.perf_counter() - began

        return run

    cold = {side: start(side, code.format(url=url)) for side, code in COLD.items()}
    yield from _ratios(
        max(2, scale.rounds // 2),
        _Pair("cold start to the first event: togai / httpx", cold["ours"], cold["plain"], "1.5"),
        _Pair(
            "cold start to the first event: official / togai",
            cold["official"],
            cold["ours"],
            "5 or more",
        ),
        _Pair(
            "import togai / import httpx",
            start("ours", "import togai"),
            start("ours", "import httpx"),
            "1.1",
        ),
    )


def _running(scale: Scale, environments: Environments, url: str) -> Iterator[Row]:
    with ExitStack() as stack:
        names = ("ours", "fast", "plain", "official", "stock", "msgspec")
        side = {name: stack.enter_context(Side(environments, name, url)) for name in names}

        def pair(
            what: str,
            first: str,
            second: str,
            task: str,
            aim: str,
            *,
            size: int = 0,
            number: int = 1,
        ) -> _Pair:
            return _Pair(
                what,
                lambda: side[first].seconds(task, size, number),
                lambda: side[second].seconds(task, size, number),
                aim,
            )

        what = "decode a page of 50 events"
        yield from _ratios(
            scale.rounds,
            *(
                pair(f"{what}: {words}", first, second, "decode", aim, number=20)
                for words, first, second, aim in (
                    ("togai / json.loads", "ours", "plain", "2.1"),
                    ("togai with the extras / json.loads", "fast", "plain", "1.7"),
                    ("official / togai", "official", "ours", "2 or more"),
                    ("stock / togai", "stock", "ours", "more than 1"),
                    ("togai / msgspec", "ours", "msgspec", ""),
                )
            ),
            pair(
                "decode 100 events, drift in 5 %: togai / json.loads",
                *("ours", "plain", "decode_mixed", ""),
                number=10,
            ),
            pair(
                "decode 100 events, drift in 5 %: togai with the extras / json.loads",
                *("fast", "plain", "decode_mixed", ""),
                number=10,
            ),
            pair(
                "a call without events: togai / httpx",
                *("ours", "plain", "listing", "1.1"),
                number=40,
            ),
        )
        listed = scale.listed
        what = f"list {listed:,} events"
        yield from _ratios(
            max(2, scale.rounds // 4),
            pair(f"{what}: togai / httpx", "ours", "plain", "listing", "1.3", size=listed),
            pair(
                f"{what}: togai with the extras / httpx",
                *("fast", "plain", "listing", "1.1"),
                size=listed,
            ),
            pair(
                f"{what}: official / togai",
                *("official", "ours", "listing", "more than 1"),
                size=listed,
            ),
            pair(
                "8 concurrent async listings: togai / httpx",
                *("ours", "plain", "at_once", "1.3"),
                size=listed // 8,
            ),
            pair(
                "8 concurrent async listings: togai with the extras / httpx",
                *("fast", "plain", "at_once", "1.1"),
                size=listed // 8,
            ),
        )


def _growing(scale: Scale, environments: Environments, url: str) -> Iterator[Row]:
    """Measure a short and a long listing, each in its own process."""
    large = scale.growth
    small = large // 100
    peaks: list[float] = []
    with Side(environments, "ours", url) as ours:
        ours.seconds("listing", small)
        peaks.append(ours.seconds("peak") / 1024)
    with Side(environments, "ours", url) as ours:
        ours.seconds("listing", small)
        cost = ours.seconds("growth", large)
        peaks.append(ours.seconds("peak") / 1024)
    more = peaks[1] - peaks[0]
    yield _row(f"added peak memory: {large:,} - {small:,} events", [more], "at most 5", "MB")
    yield _row(f"CPU time per event: {large:,} / {small:,} events", [cost], "1.0")


def _waiting(scale: Scale, environments: Environments, url: str) -> Iterator[Row]:
    """List from a service with a realistic delay for each page."""
    pages = scale.delayed // 50

    def share(side: Side, task: str, part: int = 1) -> list[float]:
        seconds = side.seconds(task, scale.delayed // part)
        return [100 * pages / part / seconds / QUOTA]

    delay = f"{scale.delay * 1000:.0f} ms"
    slow = f"{delay} per page"
    with (
        Side(environments, "ours", url, work=scale.delay) as ours,
        Side(environments, "official", url) as official,
    ):
        unit = "% of the quota"
        yield _row(f"{slow}: official", share(official, "limited", 3), "", unit)
        yield _row(f"{slow}: list", share(ours, "limited", 3), "", unit)
        yield _row(f"{slow}: list, async", share(ours, "limited_async", 3), "", unit)
        for words, task in (("", "many"), (", async", "many_async")):
            shares = share(ours, task)
            yield _row(f"{slow}: list_many of 6 accounts{words}", shares, "95 or more", unit)
        size = scale.delayed // 2  # many pages, because the first page cannot be prefetched
        ratio = ours.seconds("prefetching", size) / ours.seconds("working", size)
        yield _row(f"{slow}, plus {delay} of work: prefetch=1 / without", [ratio], "0.5")


def _maintaining(room: Path) -> Iterator[Row]:
    began = time.perf_counter()
    generate(SPEC, room / "package")
    yield _row("scripts/generate", [time.perf_counter() - began], "", "s")
    spec = room / "vendor.json"
    spec.write_text(_large())
    outcome = bump(str(spec), root=project(room))
    total = sum(outcome.stages.values())
    size = spec.stat().st_size / 1024**2
    yield _row(f"scripts/bump: a description of {size:.1f} MB", [total], "at most 10", "s")
    for stage, seconds in outcome.stages.items():
        yield _row(f"  scripts/bump: {stage}", [100 * seconds / total], "", "%")


def _large() -> str:
    """Return a description of two megabytes with a new property; our calls are a small part of it."""
    document = load(str(ROOT / "openapi.yaml"))
    schemas = document["components"]["schemas"]
    schemas["EventWithStatus"]["properties"]["region"] = {"type": "string"}
    call = {"summary": "x" * 200, "responses": {"200": {"description": "y" * 200}}}
    number = 0
    while len(text := json.dumps(document)) < 2 * 1024**2:
        for _ in range(500):
            number += 1
            document["paths"][f"/things/{number}"] = {"get": call, "post": call}
            schemas[f"Thing{number}"] = schemas["EventPipelineInfo"]
    return text
