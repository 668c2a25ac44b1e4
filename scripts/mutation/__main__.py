"""Test the bump with mutant descriptions, and a sample of them with real packages; print the survivors.

Exit codes: 0 no survivor, 1 at least one.
"""

from __future__ import annotations

import argparse
import logging
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
from mutation.judge_package import Trial, digest, judge
from mutation.mutants import Mutant, combined, sequences, single
from mutation.operators import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.pool import Pool

COMBINED = 150
SEQUENCES = 20
ALIASES = 8
THOROUGH = 3
"""One in this number of merges is also repeated and reverted."""
TESTED = 6
"""The number of packages that are tested completely; the tests of one take a minute."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/exam", description=__doc__)
    parser.add_argument("--merge-only", action="store_true", help="leave the packages out")
    at_once = multiprocessing.cpu_count()
    parser.add_argument("--jobs", type=int, default=at_once, metavar="N", help="processes at once")
    options = parser.parse_args(arguments)
    # Do not log the deviations: mutants deviate from the contract on purpose.
    logging.getLogger("togai").setLevel(logging.CRITICAL + 1)
    base = load(str(ROOT / "openapi.yaml"))
    mutants = [*single(base), *combined(base, COMBINED)]
    courses = list(sequences(base, SEQUENCES))
    started = time.monotonic()
    # Forking a process without threads is safe, and the child inherits the mutants.
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        examined = [(base, mutant, number % THOROUGH == 0) for number, mutant in enumerate(mutants)]
        results = pool.starmap(examine, examined, chunksize=20)
        chained = pool.starmap(examine_sequence, [(base, course) for course in courses])
        _say(f"{len(results) + len(chained)} merges after {time.monotonic() - started:.0f} s")
        packages: list[Result] = []
        if not options.merge_only:
            with tempfile.TemporaryDirectory(prefix="exam-") as room:
                packages = _packages(pool, _sample(mutants, results), Path(room))
            _say(f"{len(packages)} packages after {time.monotonic() - started:.0f} s")
    results += chained
    print(table(results, packages))
    survivors = [result for result in (*results, *packages) if result.faults]
    for survivor in survivors:
        print(f"\n{survivor.operator}, {survivor.label}:", *survivor.faults, sep="\n  ")
    return 1 if survivors else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _sample(mutants: list[Mutant], results: list[Result]) -> list[tuple[Mutant, Result]]:
    """Return one mutant of each operator and verdict, and several that only a new package reads."""
    of: dict[tuple[str, str, bool], list[tuple[Mutant, Result]]] = {}
    for mutant, result in zip(mutants, results, strict=True):
        if not result.faults and result.verdict != "same":
            key = (mutant.operator, result.verdict, result.has_alias)
            of.setdefault(key, []).append((mutant, result))
    chosen: list[tuple[Mutant, Result]] = []
    for (_, _, has_alias), some in of.items():
        count = ALIASES if has_alias else 1
        chosen += some[:: max(1, len(some) // count)][:count]
    return chosen


def _packages(pool: Pool, sample: list[tuple[Mutant, Result]], room: Path) -> list[Result]:
    """Bump to each mutant of the sample; test some of the packages completely."""
    first = [(mutant.document, result.verdict, None) for mutant, result in sample]
    trials: list[Trial] = pool.starmap(judge, first, chunksize=1)
    fresh: dict[str, int] = {}
    for number, trial in enumerate(trials):
        if not trial.faults and trial.package != digest(ROOT):
            fresh.setdefault(trial.package, number)
    numbers = list(fresh.values())
    numbers = numbers[:: max(1, len(numbers) // TESTED)][:TESTED]
    _say(f"{len(fresh)} packages differ from ours, {len(numbers)} are tested in full")
    tests = [(*first[number][:2], room) for number in numbers]
    full = dict(zip(numbers, pool.starmap(judge, tests, chunksize=1), strict=True))
    return [
        Result(
            mutant.operator, mutant.label, result.verdict, full.get(number, trials[number]).faults
        )
        for number, (mutant, result) in enumerate(sample)
    ]


@dataclass
class _Row:
    verdicts: Counter[str] = field(default_factory=Counter[str])
    survivors: int = 0
    packages: int = 0


def table(results: Iterable[Result], packages: Iterable[Result]) -> str:
    """Return the table of an exam, one operator per row.

    Args:
        results: The results of all merges.
        packages: The results of the sample with real packages.
    """
    rows: dict[str, _Row] = {operator.name: _Row() for operator in OPERATORS}
    for result in results:
        row = rows.setdefault(result.operator, _Row())
        row.verdicts[result.verdict] += 1
        row.survivors += bool(result.faults)
    for package in packages:
        row = rows.setdefault(package.operator, _Row())
        row.packages += 1
        row.survivors += bool(package.faults)
    total = _Row(
        sum((row.verdicts for row in rows.values()), Counter[str]()),
        sum(row.survivors for row in rows.values()),
        sum(row.packages for row in rows.values()),
    )
    heads = ("mutants", "same", "absorbed", "held", "conflicts", "packages", "survivors")
    width = max(len(name) for name in rows)
    lines = [f"{'operator':{width}}  " + "  ".join(heads)]
    for name, row in [*rows.items(), (f"all {len(rows)}", total)]:
        counts = (
            row.verdicts.total(),
            *(row.verdicts[verdict] for verdict in ("same", "absorbed", "held", "conflict")),
            row.packages,
            row.survivors,
        )
        cells = (f"{count:{len(head)}}" for head, count in zip(heads, counts, strict=True))
        lines.append(f"{name:{width}}  " + "  ".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
