"""Change one thing in our own code at a time, and run its tests; print the changes that no test detects.

Exit codes: 0 every survivor is reviewed, 1 at least one is not, or the list of reviewed survivors is wrong.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from code_mutants import reviewed
from code_mutants.forking import Forks
from code_mutants.measuring import module_name, tests
from code_mutants.operators import OPERATORS, Mutant, mutants
from code_mutants.trying import Trial, attempt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from code_mutants.reviewed import Reviewed

MONEY = (
    "togai/corrections",
    "togai/_storage",
    "togai/_claims.py",
    "togai/_plans.py",
    "togai/_reconciling.py",
    "togai/_corrections.py",
    "togai/_correction_errors.py",
    "togai/_requests.py",
    "togai/_transport/exchange.py",
    "togai/_transport/retry.py",
)
ALL = ("togai", "scripts/contract")
DROPPED = ("condition", "keyword", "await", "statement", "with")
"""The changes that remove something."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _parser().parse_args(arguments)
    # An exit removes the folder of the fork.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    root: Path = options.root.resolve()
    entries = reviewed.read(root / "scripts/code_mutants/reviewed.txt")
    known = _known(root, _paths(root, options), {entry.module for entry in entries})
    wrong = reviewed.check(entries, known)
    chosen = _choose(root, known, options)
    if options.list:
        print(
            "\n".join(
                f"{mutant.path.relative_to(root)}:{mutant.line}: {mutant.mutated}"
                for mutant in chosen
            )
        )
        return 0
    trials = _try(root, chosen, options) if chosen else []
    rows = reviewed.table(trials, entries, known, _chosen(options))
    return _report(root, trials, entries, wrong, rows, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument(
        "paths", nargs="*", help="modules or folders; by default everything by hand"
    )
    parser.add_argument(
        "--money", action="store_true", help="the modules that corrections depend on"
    )
    parser.add_argument(
        "--since", metavar="REV", help="only the lines that changed since a revision"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them")
    parser.add_argument("--seed", default="1", help="of the sample: the date, for example")
    parser.add_argument("--operator", action="append", choices=[*OPERATORS, "dropped"])
    parser.add_argument("--most", type=int, default=2000, metavar="N", help="tests for each mutant")
    parser.add_argument("--limit", type=float, default=60.0, help=argparse.SUPPRESS)
    parser.add_argument("--part", default="1/1", metavar="K/N", help="the K-th of N equal parts")
    parser.add_argument("--tests", action="append", metavar="PATH", help="only these tests")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument("--update", action="store_true", help="write the table in CONTRIBUTING.md")
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    return parser


def _paths(root: Path, options: argparse.Namespace) -> list[Path]:
    paths = [root / path for path in (MONEY if options.money else options.paths or ALL)]
    for path in paths:
        if not path.exists() and options.paths:
            raise SystemExit(f"{path} does not exist")
    return paths


def _known(root: Path, paths: Sequence[Path], more: set[str]) -> dict[str, list[Mutant]]:
    """Return the mutants of each module among the paths, and of the modules in the list."""
    files = [path for folder in ALL for path in sorted((root / folder).rglob("*.py"))]
    names = {module_name(root, path): path for path in files}
    return {
        name: mutants(path, name)
        for name, path in names.items()
        if name in more or _is_in(path, paths)
    }


def _choose(
    root: Path, known: Mapping[str, Sequence[Mutant]], options: argparse.Namespace
) -> list[Mutant]:
    paths = _paths(root, options)
    chosen = [mutant for own in known.values() for mutant in own if _is_in(mutant.path, paths)]
    if options.operator:
        kinds = {*options.operator, *(DROPPED if "dropped" in options.operator else ())}
        chosen = [mutant for mutant in chosen if mutant.operator in kinds]
    if options.since:
        lines = changed_lines(root, options.since)
        chosen = [mutant for mutant in chosen if mutant.line in lines.get(mutant.path, ())]
    if options.sample:
        chosen = sorted(chosen, key=lambda mutant: mutant.rank(options.seed))[: options.sample]
    part, parts = map(int, options.part.split("/"))
    return [mutant for mutant in chosen[part - 1 :: parts] if mutant.compiles()]


def _chosen(options: argparse.Namespace) -> str:
    """Describe for the table how the mutants were chosen."""
    only = [f"`{name}` only" for name in options.operator or ()]
    lines = [f"lines since {options.since}"] if options.since else []
    sample = [f"random, seed {options.seed}"] if options.sample else []
    return ", ".join([*only, *lines, *sample]) or "all"


def _is_in(path: Path, paths: Sequence[Path]) -> bool:
    return any(path == parent or parent in path.parents for parent in paths)


def changed_lines(root: Path, revision: str) -> dict[Path, set[int]]:
    """Return the lines that were added or changed since a revision, including uncommitted lines."""
    command = [
        "git",
        "diff",
        "--unified=0",
        "--no-color",
        "--no-ext-diff",
        "--no-prefix",
        revision,
        "--",
        *ALL,
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr.strip())
    changed: dict[Path, set[int]] = {}
    lines: set[int] = set()
    for row in done.stdout.split("\n"):
        if row.startswith("+++ "):
            lines = changed.setdefault(root / row[4:], set())
        elif hunk := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", row):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            lines.update(range(first, first + count))
    return changed


def _try(root: Path, chosen: Sequence[Mutant], options: argparse.Namespace) -> list[Trial]:
    forks = Forks(root)
    folders = {"project" if "contract" in mutant.path.parts else "package" for mutant in chosen}
    files = [
        path
        for path in sorted((root / "tests").rglob("test_*.py"))
        if ("project" if "project" in path.parts else "package") in folders
        and (not options.tests or _is_in(path, [root / test for test in options.tests]))
    ]
    measured = tests(root, files, root / ".mutants_cache", forks)
    trials: list[Trial] = []
    for number, mutant in enumerate(chosen, 1):
        trial = attempt(forks, mutant, measured, options.most, options.limit)
        trials.append(trial)
        print(f"[{number}/{len(chosen)}] {_shown(root, trial)}", flush=True)
    return trials


def _shown(root: Path, trial: Trial) -> str:
    mutant = trial.mutant
    place = f"{mutant.path.relative_to(root)}:{mutant.line}"
    text = f"{trial.outcome.value}: {place} {mutant.operator} ({trial.tests} tests, {trial.seconds:.1f} s)"
    return f"{text}\n    {mutant.function}\n    - {mutant.original}\n    + {mutant.mutated}"


def _report(
    root: Path,
    trials: Sequence[Trial],
    entries: Sequence[Reviewed],
    wrong: Sequence[str],
    rows: Mapping[str, str],
    options: argparse.Namespace,
) -> int:
    survivors = [trial for trial in trials if trial.survived]
    new = [
        survivor
        for survivor in survivors
        if not any(entry.covers(survivor.mutant) for entry in entries)
    ]
    if new:
        print(
            "\nNo test detects these changes: write a test, or add an entry to scripts/code_mutants/reviewed.txt:"
        )
        print("\n".join(_shown(root, trial) for trial in new))
    for problem in wrong:
        print(f"reviewed.txt: {problem}")
    print("\n".join(["", reviewed.BEGIN, "|---|---|---|---|---|---|", *rows.values()]))
    counts = Counter(trial.outcome.value for trial in trials)
    score = f"{1 - len(survivors) / len(trials):.0%} killed" if trials else "no mutants"
    print(f"\n{len(trials)} mutants, {score}, {len(new)} survivors not reviewed ({dict(counts)})")
    if options.update:
        reviewed.update(root / "CONTRIBUTING.md", rows)
    return 1 if new or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
