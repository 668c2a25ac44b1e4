"""Take a new description of the vendor's into the contract: all of it, or nothing.

Exit codes: 0 updated or nothing to change, 1 a conflict or a failed check, 2 unusable input. With 1 and 2
nothing is written.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openapi_spec_validator import OpenAPIV30SpecValidator

from contract import surface
from contract.generation import ROOT, GenerationFailed, generate
from contract.impact import mentions
from contract.load import Unusable, load, parse
from contract.merge import Merged, merge
from contract.report import report
from contract.transaction import locked, recover, replace_all
from contract.verdicts import Hold
from contract.yaml_edit import graft

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Sequence

CONTRACT = "openapi.yaml"
PACKAGE = "generated/_togai_generated"
SURFACE = "tests/surface"


MOST_LEFT_OUT = 5


class CheckFailed(Exception):
    """What the merge gave does not hold; the text says what."""


@dataclass
class Outcome:
    """What a bump came to.

    Attributes:
        code: The exit code.
        report: Markdown for a maintainer.
        stages: Seconds that each stage took.
    """

    code: int
    report: str
    stages: dict[str, float] = field(default_factory=dict[str, float])


def bump(
    source: str,
    holds: Sequence[Hold] = (),
    *,
    root: Path = ROOT,
    write: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Merge a description into the project's contract and regenerate its package.

    Args:
        source: Path or https URL of the description.
        holds: Decisions to keep ours.
        root: The project.
        write: False to do everything but write.
        say: Called with the name of each stage as it begins.

    Returns:
        The outcome: nothing was written unless its code is 0.

    Raises:
        Unusable: The description cannot be read, merged or generated from.
        OSError: The project could not be written; it is as it was.
    """
    with locked(root):
        recover(root)
        return _bump(source, holds, root, _Clock(say), write=write)


def _bump(source: str, holds: Sequence[Hold], root: Path, clock: _Clock, *, write: bool) -> Outcome:
    with clock.stage("read"):
        text = (root / CONTRACT).read_text("utf-8")
        contract, theirs = parse(text.encode()), load(source)
    with clock.stage("merge"):
        merged = merge(contract, theirs, holds)
        facade = mentions(root / "togai")
    if merged.unmatched:
        raise Unusable(_unmatched(merged))
    if merged.conflicts or not merged.changed:
        code = 1 if merged.conflicts else 0
        return Outcome(code, report(merged, facade), clock.stages)
    with tempfile.TemporaryDirectory(prefix="bump-") as name:
        room = Path(name)
        with clock.stage("generate"):
            merged = _generated(text, merged, partial(merge, contract, theirs, holds), room)
        if not merged.changed:
            return Outcome(0, report(merged, facade), clock.stages)
        try:
            with clock.stage("check"):
                fresh = _checked(room, root, merged.contract)
        except CheckFailed as error:
            told = report(merged, facade, problem=str(error))
            return Outcome(1, told, clock.stages)
        if write:
            with clock.stage("write"):
                replace_all(root, fresh)
    return Outcome(0, report(merged, facade, dry=not write), clock.stages)


def _generated(
    text: str, merged: Merged, again: Callable[[Collection[str]], Merged], room: Path
) -> Merged:
    """The contract and the package in the room, without what the generator cannot write.

    Which addition that is, is found by halving: so many of the first are tried without the others. After some
    such additions the rest is left out with them, so that it ends in time.

    Returns:
        The merge without these additions.

    Raises:
        Unusable: It is none of the additions.
    """

    def failure(trial: Merged) -> str:
        shutil.rmtree(room / PACKAGE, ignore_errors=True)
        (room / CONTRACT).write_text(graft(text, trial.contract), "utf-8")
        try:
            generate(room / CONTRACT, room / PACKAGE)
        except GenerationFailed as error:
            return str(error)
        return ""

    (room / PACKAGE).parent.mkdir(parents=True)
    left_out: set[str] = set()
    while problem := failure(merged):
        gains = [one.at for one in merged.differences if one.gain]
        if not gains or failure(again({*left_out, *gains})):
            raise Unusable(f"no package can be generated: {problem}")
        if len(left_out) == MOST_LEFT_OUT:
            return again({*left_out, *gains})
        good, bad = 0, len(gains)
        while bad - good > 1:
            middle = (good + bad) // 2
            fails = failure(again({*left_out, *gains[middle:]}))
            good, bad = (good, middle) if fails else (middle, bad)
        left_out.add(gains[good])
        merged = again(left_out)
    return merged


def _checked(room: Path, root: Path, contract: dict[str, Any]) -> dict[str, Path]:
    """All that a bump writes, from the contract and the package in the room.

    Raises:
        CheckFailed: A check does not hold.
    """
    spec, package, facts = room / CONTRACT, room / PACKAGE, room / SURFACE
    facts.mkdir(parents=True)
    if parse(spec.read_bytes()) != contract:
        raise CheckFailed("the text of the contract would not hold what was merged")
    problem = next(OpenAPIV30SpecValidator(contract).iter_errors(), None)
    if problem is not None:
        raise CheckFailed(f"the contract would not be valid OpenAPI: {problem.message}")
    (facts / "wire.txt").write_text(_lines(surface.wire(contract)), "utf-8")
    (facts / "python.txt").write_text(facade_facts(root, package.parent), "utf-8")
    for name in surface.FILES:
        _check_surface(root / SURFACE / name, facts / name)
    fresh = {CONTRACT: spec, PACKAGE: package}
    return fresh | {f"{SURFACE}/{name}": facts / name for name in surface.FILES}


def facade_facts(root: Path, generated: Path) -> str:
    """What callers see of a facade above a generated package, one fact a line.

    Args:
        root: The project that holds the facade.
        generated: The folder that holds the package.

    Raises:
        CheckFailed: The facade cannot be imported above it.
    """
    here = Path(__file__).resolve().parents[1]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (generated, root, here))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-P", "-m", "contract.surface"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CheckFailed(f"the facade cannot be imported: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def _check_surface(before: Path, after: Path) -> None:
    """No fact that callers could rely on may be gone."""
    if not before.exists():
        return
    gone = surface.lost(
        before.read_text("utf-8").splitlines(), after.read_text("utf-8").splitlines()
    )
    if gone:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise CheckFailed(f"the surface would lose: {gone[0]}{more}")


def _lines(facts: list[str]) -> str:
    return "\n".join(facts) + "\n"


def _unmatched(merged: Merged) -> str:
    asked = ", ".join(one.at for one in merged.unmatched)
    there = [one.at for one in merged.conflicts] or [one.at for one in merged.differences]
    known = "; there are: " + ", ".join(there[:5]) if there else ", or anywhere"
    return f"nothing differs at {asked}{known}"


class _Clock:
    def __init__(self, say: Callable[[str], None]) -> None:
        self.stages: dict[str, float] = {}
        self._say = say

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        self._say(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = time.perf_counter() - start


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/bump", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "spec", metavar="SPEC", help="path or https URL; YAML or JSON; whole or sliced"
    )
    parser.add_argument("--dry-run", action="store_true", help="write nothing, print the report")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write the report there as well"
    )
    parser.add_argument(
        "--hold", action="append", default=[], metavar="POINTER", help="keep ours there"
    )
    parser.add_argument(
        "--because", action="append", default=[], metavar="TEXT", help="why, for each hold"
    )
    given = parser.parse_args(arguments)
    if given.report and not given.report.absolute().parent.is_dir():
        parser.error(f"--report {given.report}: there is no folder for it")
    try:
        outcome = bump(
            given.spec,
            _holds(given.hold, given.because),
            write=not given.dry_run,
            say=_narrator(),
        )
    except (Unusable, OSError) as error:
        print(_one_line(error), file=sys.stderr)
        return 2
    try:
        if given.report:
            given.report.write_text(outcome.report, "utf-8")
        sys.stdout.buffer.write(outcome.report.encode())
        sys.stdout.flush()
    except OSError as error:
        # What was done is done: the exit code goes on saying what.
        print(f"the report cannot be written: {_one_line(error)}", file=sys.stderr)
    return outcome.code


def _one_line(error: Exception) -> str:
    """What went wrong, fit for a terminal, whatever the description holds."""
    line = " ".join(str(error).split())
    line = "".join(one if one.isprintable() else "?" for one in line)
    return line if len(line) <= 400 else line[:397] + "..."


def _holds(pointers: list[str], reasons: list[str]) -> list[Hold]:
    if len(pointers) != len(reasons):
        raise Unusable("each --hold POINTER needs its own --because TEXT")
    if not all(reason.strip() for reason in reasons):
        raise Unusable("--because is empty: say why ours is kept")
    return [
        Hold(at if at.startswith("#") else f"#{at}", " ".join(why.split()))
        for at, why in zip(pointers, reasons, strict=True)
    ]


def _narrator() -> Callable[[str], None]:
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda stage: print(f"{stage} ...", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
