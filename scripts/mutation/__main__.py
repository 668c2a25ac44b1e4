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
from pathlib import Path
from typing import TYPE_CHECKING

from contract.generation import ROOT
from contract.load import load

from mutation.judge_merge import Result, examine, examine_sequence
from mutation.judge_package import judge
from mutation.mutants import OPERATORS, VERDICTS, Mutant, combined, sequences, single

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mutation.operators import Document

COMBINED = 150
SEQUENCES = 20
ALIASES = 8
TESTED = 6
"""One in this number of packages is tested completely; the tests take a minute."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/exam", description=__doc__)
    parser.add_argument("--merge-only", action="store_true", help="leave the packages out")
    options = parser.parse_args(arguments)
    # Do not log the deviations: mutants deviate from the contract on purpose.
    logging.getLogger("togai").setLevel(logging.CRITICAL + 1)
    base = load(str(ROOT / "openapi.yaml"))
    mutants = [*single(base), *combined(base, COMBINED)]
    started = time.monotonic()
    packages: list[Result] = []
    # Forking a process without threads is safe, and the child inherits the mutants.
    with (
        multiprocessing.get_context("fork").Pool() as pool,
        tempfile.TemporaryDirectory(prefix="exam-") as caches,
    ):
        results = pool.starmap(examine, [(base, mutant) for mutant in mutants], chunksize=20)
        chains = pool.starmap(
            examine_sequence, [(base, mutants) for mutants in sequences(base, SEQUENCES)]
        )
        print(f"merged after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        if not options.merge_only:
            sample = _sample(mutants, results, Path(caches))
            packages = pool.starmap(judge, sample, chunksize=1)
    results += chains
    print(f"judged after {time.monotonic() - started:.0f} s", file=sys.stderr)
    print(table(results, packages))
    survivors = [result for result in (*results, *packages) if result.faults]
    for survivor in survivors:
        print(f"\n{survivor.label}:", *survivor.faults, sep="\n  ")
    return 1 if survivors else 0


def _sample(
    mutants: Sequence[Mutant], results: Sequence[Result], caches: Path
) -> Iterator[tuple[Document, Result, Path | None]]:
    """Yield one mutant of each operator and verdict, and several that only a new package reads."""
    groups: dict[tuple[str, str, bool], list[tuple[Document, Result]]] = {}
    for mutant, result in zip(mutants, results, strict=True):
        if not result.faults and result.verdict != "same":
            key = (mutant.operator, result.verdict, result.has_alias)
            groups.setdefault(key, []).append((mutant.document, result))
    absorbed = 0
    for (_, verdict, has_alias), some in groups.items():
        count = ALIASES if has_alias else 1
        for document, result in some[:: max(1, len(some) // count)][:count]:
            absorbed += verdict == "absorbed"
            is_tested = verdict == "absorbed" and absorbed % TESTED == 1
            yield document, result, caches if is_tested else None


def table(results: Sequence[Result], packages: Sequence[Result]) -> str:
    """Return the table of an exam, one operator per row.

    Args:
        results: The results of all merges.
        packages: The results of the sample with real packages.
    """
    rows: dict[str, Counter[str]] = {operator.name: Counter() for operator in OPERATORS}
    for kind, some in (("mutants", results), ("packages", packages)):
        for result in some:
            counted = rows.setdefault(result.operator, Counter())
            counted.update([kind, *(["survivors"] if result.faults else [])])
            counted[result.verdict] += kind == "mutants"
    rows[f"all {len(rows)}"] = sum(rows.values(), Counter[str]())
    heads = ("mutants", *VERDICTS, "packages", "survivors")
    width = max(len(name) for name in rows)
    lines = [f"{'operator':{width}}  " + "  ".join(heads)]
    for name, counted in rows.items():
        cells = (f"{counted[head]:{len(head)}}" for head in heads)
        lines.append(f"{name:{width}}  " + "  ".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
