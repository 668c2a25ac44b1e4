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
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from contract.checks import PACKAGE
from contract.generation import ROOT
from contract.load import load

from mutation.judge_merge import Result, examine, examine_sequence
from mutation.judge_package import digest, judge
from mutation.mutants import OPERATORS, Mutant, combined, sequences, single

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
    started = time.monotonic()
    # Forking a process without threads is safe, and the child inherits the mutants.
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        examined = [(base, mutant, number % THOROUGH == 0) for number, mutant in enumerate(mutants)]
        results = pool.starmap(examine, examined, chunksize=20)
        chained = [(base, *sequence) for sequence in sequences(base, SEQUENCES)]
        chains = pool.starmap(examine_sequence, chained)
        _say(f"{len(results) + len(chains)} merges after {time.monotonic() - started:.0f} s")
        packages: list[Result] = []
        if not options.merge_only:
            packages = _packages(pool, _sample(mutants, results))
            _say(f"{len(packages)} packages after {time.monotonic() - started:.0f} s")
    results += chains
    print(table(results, packages))
    survivors = [result for result in (*results, *packages) if result.faults]
    for survivor in survivors:
        print(f"\n{survivor.operator}, {survivor.label}:", *survivor.faults, sep="\n  ")
    return 1 if survivors else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


T = TypeVar("T")


def _spread(some: list[T], count: int) -> list[T]:
    """Return up to a number of items from everywhere in a list."""
    return some[:: max(1, len(some) // count)][:count]


def _sample(mutants: list[Mutant], results: list[Result]) -> list[tuple[Mutant, Result]]:
    """Return one mutant of each operator and verdict, and several that only a new package reads."""
    groups: dict[tuple[str, str, bool], list[tuple[Mutant, Result]]] = {}
    for mutant, result in zip(mutants, results, strict=True):
        if not result.faults and result.verdict != "same":
            key = (mutant.operator, result.verdict, result.has_alias)
            groups.setdefault(key, []).append((mutant, result))
    return [
        pair
        for (_, _, has_alias), some in groups.items()
        for pair in _spread(some, ALIASES if has_alias else 1)
    ]


def _packages(pool: Pool, sample: list[tuple[Mutant, Result]]) -> list[Result]:
    """Bump to each mutant of the sample; test some of the packages completely."""
    bumps = [(mutant.document, result.verdict, None) for mutant, result in sample]
    trials = pool.starmap(judge, bumps, chunksize=1)
    new = {package: number for number, (package, faults) in enumerate(trials) if not faults}
    new.pop(digest(ROOT / PACKAGE), None)
    numbers = _spread(list(new.values()), TESTED)
    _say(f"{len(new)} packages differ from ours, {len(numbers)} are tested in full")
    with tempfile.TemporaryDirectory(prefix="exam-") as room:
        tests = [(*bumps[number][:2], Path(room)) for number in numbers]
        for number, trial in zip(numbers, pool.starmap(judge, tests, chunksize=1), strict=True):
            trials[number] = trial
    pairs = zip(sample, trials, strict=True)
    return [replace(result, faults=tuple(faults)) for (_, result), (_, faults) in pairs]


def table(results: Iterable[Result], packages: Iterable[Result]) -> str:
    """Return the table of an exam, one operator per row.

    Args:
        results: The results of all merges.
        packages: The results of the sample with real packages.
    """
    rows: dict[str, Counter[str]] = {operator.name: Counter() for operator in OPERATORS}
    for kind, some in (("mutants", results), ("packages", packages)):
        for result in some:
            counted = rows.setdefault(result.operator, Counter())
            counted[kind] += 1
            counted["survivors"] += bool(result.faults)
            counted[result.verdict] += kind == "mutants"
    rows[f"all {len(rows)}"] = sum(rows.values(), Counter[str]())
    heads = ("mutants", "same", "absorbed", "held", "conflict", "packages", "survivors")
    width = max(len(name) for name in rows)
    lines = [f"{'operator':{width}}  " + "  ".join(heads)]
    for name, counted in rows.items():
        cells = (f"{counted[head]:{len(head)}}" for head in heads)
        lines.append(f"{name:{width}}  " + "  ".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
