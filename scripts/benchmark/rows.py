"""The rows of the bench: what is measured against what, and the aim."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contract.bump import bump
from contract.generation import ROOT, SPEC, generate
from contract.loading import load
from examining.practice import project

from benchmark.sides import Environments, Server, Side, outside

if TYPE_CHECKING:
    from collections.abc import Iterator

COLD = {
    "ours": "from togai import Togai; c = Togai('t', base_url={url!r}); print(c.events.get('1').reference_id)",
    "plain": "import httpx, json; c = httpx.Client(headers={{'Authorization': 'Bearer t'}});"
    "print(json.loads(c.get({url!r} + '/events/1').content)['events'][0]['referenceId'])",
    "official": "import togai_client as t; a = t.EventManagementApi(t.ApiClient(t.Configuration(host={url!r},"
    " access_token='t'))); print(a.get_single_event('1').events[0].reference_id)",
}


@dataclass(frozen=True)
class Row:
    """One line of the table: a median with its quartiles, and what it should be."""

    what: str
    median: float
    low: float
    high: float
    aim: str = ""
    unit: str = "times"


@dataclass(frozen=True)
class Scale:
    """How much is done: all of it, or just enough to see that it runs."""

    rounds: int
    listed: int
    sizes: tuple[int, ...]


FULL = Scale(25, 20_000, (1_000, 10_000, 100_000, 1_000_000))
QUICK = Scale(2, 200, (100, 200))


def measure(scale: Scale) -> Iterator[Row]:
    """All rows, one after another."""
    with tempfile.TemporaryDirectory(prefix="bench-") as room, Server() as server:
        environments = Environments(Path(room))
        yield from _starting(scale, environments, server.url)
        yield from _running(scale, environments, server.url)
        yield from _growing(scale, environments, server.url)
        yield from _maintaining(Path(room))


Pair = tuple[Callable[[], float], Callable[[], float]]


def _ratios(what: str, rounds: int, pair: Pair, aim: str) -> Row:
    """How many times as long the first takes as the second, the two in turns."""
    one, other = pair
    one()
    other()
    found: list[float] = []
    for number in range(rounds):
        # Whoever comes second finds the caches warm: they take turns.
        if number % 2:
            first = one()
            found.append(first / other())
        else:
            first = other()
            found.append(one() / first)
    return _row(what, found, aim)


def _row(what: str, found: list[float], aim: str, unit: str = "times") -> Row:
    if len(found) < 2:
        return Row(what, found[0], found[0], found[0], aim, unit)
    low, median, high = statistics.quantiles(found, n=4)
    return Row(what, median, low, high, aim, unit)


def _starting(scale: Scale, environments: Environments, url: str) -> Iterator[Row]:
    def start(side: str, code: str) -> Callable[[], float]:
        def run() -> float:
            began = time.perf_counter()
            command = [str(environments.python(side)), "-c", code]
            subprocess.run(command, env=outside(), stdout=subprocess.DEVNULL, check=True)
            return time.perf_counter() - began

        return run

    cold = {side: start(side, code.format(url=url)) for side, code in COLD.items()}
    rounds = scale.rounds
    what = "cold start to the first event"
    yield _ratios(f"{what}, of plain httpx", rounds, (cold["ours"], cold["plain"]), "1.5")
    yield _ratios(
        f"{what}, official of ours", rounds, (cold["official"], cold["ours"]), "5 or more"
    )
    imports = (start("ours", "import togai"), start("ours", "import httpx"))
    yield _ratios("import togai, of import httpx", rounds, imports, "1.1")


def _running(scale: Scale, environments: Environments, url: str) -> Iterator[Row]:
    with ExitStack() as stack:
        names = ("ours", "plain", "official", "stock", "msgspec")
        side = {name: stack.enter_context(Side(environments, name, url)) for name in names}

        def pair(one: str, other: str, what: str, size: int = 0, number: int = 1) -> Pair:
            return (
                lambda: side[one].seconds(what, size, number),
                lambda: side[other].seconds(what, size, number),
            )

        rounds = scale.rounds
        what = "decode a page of 50 events"
        for one, other, words, aim in (
            ("ours", "plain", "of json.loads", "2.5"),
            ("official", "ours", "official of ours", "2 or more"),
            ("stock", "ours", "stock of ours", "more than 1"),
            ("ours", "msgspec", "of msgspec", ""),
        ):
            turns = pair(one, other, "decode", number=40)
            yield _ratios(f"{what}, {words}", rounds, turns, aim)
        few, listed = max(2, rounds // 3), scale.listed
        what = f"list {listed:,} events"
        yield _ratios(
            f"{what}, of plain httpx", few, pair("ours", "plain", "listing", listed), "1.25"
        )
        turns = pair("official", "ours", "listing", listed)
        yield _ratios(f"{what}, official of ours", few, turns, "more than 1")
        turns = pair("ours", "plain", "at_once", listed // 8)
        yield _ratios("8 async listings at once, of plain httpx", few, turns, "1.25")
        turns = pair("ours", "plain", "listing", number=100)
        yield _ratios("a call without events, of plain httpx", rounds, turns, "1.1")


def _growing(scale: Scale, environments: Environments, url: str) -> Iterator[Row]:
    """Listings of growing size, each in a process of its own."""
    peaks: dict[int, float] = {}
    costs: dict[int, float] = {}
    for size in scale.sizes:
        with Side(environments, "ours", url) as ours:
            ours.seconds("listing", 100)
            costs[size] = ours.seconds("listing", size) / size
            peaks[size] = ours.seconds("peak") / 1024
    first, last = sorted(scale.sizes)[-3:][0], max(scale.sizes)
    more = peaks[last] - peaks[first]
    yield _row(f"peak memory, {last:,} events over {first:,}", [more], "at most 5", "MB more")
    for size in scale.sizes:
        yield _row(f"cost of an event, {size:,} of {first:,}", [costs[size] / costs[first]], "flat")


def _maintaining(room: Path) -> Iterator[Row]:
    began = time.perf_counter()
    generate(SPEC, room / "package")
    yield _row("scripts/generate", [time.perf_counter() - began], "", "s")
    spec = room / "vendor.json"
    spec.write_text(_large())
    outcome = bump(str(spec), root=project(room))
    total = sum(outcome.stages.values())
    size = spec.stat().st_size / 1024**2
    yield _row(f"scripts/bump, a description of {size:.1f} MB", [total], "at most 10", "s")
    for stage, seconds in outcome.stages.items():
        yield _row(f"  of it {stage}", [100 * seconds / total], "", "%")


def _large() -> str:
    """A description of two megabytes, of which our calls are a small part, with something new in them."""
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
