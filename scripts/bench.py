"""What the client costs beside the floor of its stack, measured in one run and told as ratios.

Each row interleaves the two sides, so that whatever else the machine does falls on both, and gives the median ratio
with its quartiles.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
import timeit
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from togai import Drift, Togai
from togai._reading import Reader
from togai.models import EventWithStatus
from togai.testing import FakeTogai

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument(
        "--quick", action="store_true", help="few repetitions: does it run, not how fast is it"
    )
    options = parser.parse_args()
    rounds = 3 if options.quick else 25
    results: list[dict[str, Any]] = []
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {rounds} rounds; ratios to the side named last\n"
    )
    for name, ours, theirs in rows():
        result = {"row": name, **ratio(ours, theirs, rounds)}
        results.append(result)
        print(
            f"{name:66} {result['median']:6.2f}  ({result['low']:.2f} to {result['high']:.2f})",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def ratio(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> dict[str, float]:
    """The median and the quartiles of how many times as long the first takes as the second."""
    number = max(1, int(0.02 / max(1e-6, timeit.timeit(theirs, number=1))))
    ours()
    found = [
        timeit.timeit(ours, number=number) / timeit.timeit(theirs, number=number)
        for _ in range(rounds)
    ]
    low, median, high = statistics.quantiles(found, n=4)
    return {"median": median, "low": low, "high": high}


def rows() -> Any:
    """Each comparison: its name, our side, the other side."""
    fake = FakeTogai()
    fake.add_many(5000)
    body = json.dumps({"events": [record.to_json() for record in fake.events[:50]]})
    events: list[Any] = json.loads(body, parse_float=Decimal)["events"]
    told: list[Drift] = []
    reader = Reader(strict=False, on_drift=told.append)

    def decode() -> object:
        return reader.items(
            EventWithStatus, json.loads(body, parse_float=Decimal)["events"], "$.events"
        )

    def salvaging() -> object:
        return reader.items(EventWithStatus, events, "$.events")

    def bare() -> object:
        return [EventWithStatus.from_dict(event) for event in events]

    yield "decode a clean page of 50 events / json.loads", decode, lambda: json.loads(body)
    yield "read a clean page, ready to salvage / generated from_dict alone", salvaging, bare
    if told:
        raise RuntimeError(f"the page is not clean: {told}")

    yield "import togai / import httpx", importing("togai"), importing("httpx")

    with fake.serve() as url, httpx.Client() as http:
        client = Togai(fake.token, base_url=url, requests_per_second=None)

        def listing() -> object:
            return sum(1 for _ in client.events.list())

        def plain() -> object:
            count = 0
            token: str | None = None
            while True:
                params: dict[str, str] = {} if token is None else {"nextToken": token}
                headers = {"Authorization": f"Bearer {fake.token}"}
                page = json.loads(http.get(f"{url}/events", params=params, headers=headers).content)
                count += len(page["events"])
                token = page.get("nextToken")
                if token is None:
                    return count

        with client:
            yield "list 5,000 events over loopback / httpx and json.loads", listing, plain


def importing(module: str) -> Callable[[], object]:
    """Import a module in a new interpreter."""
    return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"\ntook {time.monotonic() - began:.0f} s")
    sys.exit(code)
