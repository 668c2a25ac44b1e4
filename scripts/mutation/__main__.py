"""Put every mutant to the ratchet, and a sample of them to the facade; print who survived.

Exit codes: 0 nobody, 1 somebody.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from contract.generation import ROOT
from contract.load import load

from mutation.judge_merge import Result, examine, examine_sequence
from mutation.judge_package import Practice, digest, practise
from mutation.mutants import Mutant, Sequence, combined, sequences, single
from mutation.operators import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.pool import Pool

COMBINED = 200
SEQUENCES = 20

# These change the package, each in its own way: more than one of them is tested.
THOROUGH = {"two or three at once": 3}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/exam", description=__doc__)
    parser.add_argument("--paper", action="store_true", help="only what takes no generator")
    # Half of a suite's time is waiting.
    at_once = 2 * multiprocessing.cpu_count()
    parser.add_argument("--jobs", type=int, default=at_once, metavar="N", help="processes at once")
    given = parser.parse_args(arguments)
    base = load(str(ROOT / "openapi.yaml"))
    mutants = [*single(base), *combined(base, COMBINED)]
    courses = list(sequences(base, SEQUENCES))
    started = time.monotonic()
    # A fork in a process without threads is safe, and inherits the mutants.
    with multiprocessing.get_context("fork").Pool(given.jobs) as pool:
        results = pool.starmap(examine, [(base, one) for one in mutants], chunksize=20)
        results += pool.starmap(examine_sequence, [(base, one) for one in courses])
        _say(f"{len(results)} on paper after {time.monotonic() - started:.0f} s")
        practised: list[Result] = []
        if not given.paper:
            with tempfile.TemporaryDirectory(prefix="exam-") as room:
                practised = _practised(pool, _sample(mutants, courses), Path(room))
            _say(f"{len(practised)} in practice after {time.monotonic() - started:.0f} s")
    print(table(results, practised))
    survivors = [one for one in (*results, *practised) if one.faults]
    for one in survivors:
        print(f"\n{one.operator}, {one.label}:", *one.faults, sep="\n  ")
    return 1 if survivors else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _sample(mutants: list[Mutant], courses: list[Sequence]) -> list[Mutant]:
    """The first, and where it pays some more, of each operator, spread over its places."""
    ends = [
        Mutant("ten one after another", one.label, "absorbed", one.documents[-1]) for one in courses
    ]
    of: dict[str, list[Mutant]] = {}
    for one in (*mutants, *ends):
        of.setdefault(one.operator, []).append(one)
    chosen: list[Mutant] = []
    for name, some in of.items():
        count = THOROUGH.get(name, 1)
        chosen += some[:: max(1, len(some) // count)][:count]
    return chosen


def _practised(pool: Pool, sample: list[Mutant], room: Path) -> list[Result]:
    """Bump to each of the sample; whoever gets a package that was not tested yet tests it."""
    first = [(one.document, one.expected, None) for one in sample]
    bumps: list[Practice] = pool.starmap(practise, first, chunksize=1)
    fresh: dict[str, int] = {}
    for number, one in enumerate(bumps):
        if not one.faults and one.package != digest(ROOT):
            fresh.setdefault(one.package, number)
    _say(f"{len(fresh)} packages differ from ours")
    tests = [(sample[number].document, sample[number].expected, room) for number in fresh.values()]
    outcomes = dict(zip(fresh.values(), pool.starmap(practise, tests, chunksize=1), strict=True))
    return [
        Result(one.operator, one.label, one.expected, outcomes.get(number, bumps[number]).faults)
        for number, one in enumerate(sample)
    ]


@dataclass
class _Row:
    verdicts: Counter[str] = field(default_factory=Counter[str])
    survivors: int = 0
    practised: int = 0


def table(results: Iterable[Result], practised: Iterable[Result]) -> str:
    """The table of an exam, an operator a row.

    Args:
        results: What came of the mutants on paper.
        practised: What came of the sample in practice.
    """
    rows: dict[str, _Row] = {one.name: _Row() for one in OPERATORS}
    for one in results:
        row = rows.setdefault(one.operator, _Row())
        row.verdicts[one.verdict] += 1
        row.survivors += bool(one.faults)
    for one in practised:
        row = rows.setdefault(one.operator, _Row())
        row.practised += 1
        row.survivors += bool(one.faults)
    total = _Row(
        sum((row.verdicts for row in rows.values()), Counter[str]()),
        sum(row.survivors for row in rows.values()),
        sum(row.practised for row in rows.values()),
    )
    heads = ("mutants", "same", "absorbed", "held", "conflicts", "practised", "survivors")
    width = max(len(name) for name in rows)
    lines = [f"{'operator':{width}}  " + "  ".join(heads)]
    for name, row in [*rows.items(), (f"all {len(rows)}", total)]:
        counts = (
            row.verdicts.total(),
            *(row.verdicts[one] for one in ("same", "absorbed", "held", "conflict")),
            row.practised,
            row.survivors,
        )
        cells = (f"{count:{len(head)}}" for head, count in zip(heads, counts, strict=True))
        lines.append(f"{name:{width}}  " + "  ".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
