"""Adopt a new description of the vendor: completely, or not at all.

Exit codes: 0 updated or nothing to change, 1 a conflict or a failed check, 2 unusable input. With 1 and 2
nothing is written.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.checks import CONTRACT, PACKAGE, SURFACE, CheckFailed, checked, run_above
from contract.generation import ROOT, GenerationFailed, generate
from contract.impact import mentions
from contract.load import Unusable, load, parse
from contract.merge import Merged, merge, with_outcomes
from contract.report import changelog, report
from contract.transaction import locked, replace_all
from contract.vendor import VENDOR, dump
from contract.verdicts import Hold
from contract.yaml_edit import graft

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

CHANGELOG = "CHANGELOG.md"

THEIRS = "theirs.json"
PROGRAMS = 6


@dataclass
class Outcome:
    """The result of a bump.

    Attributes:
        code: The exit code.
        report: Markdown for a maintainer.
        stages: The seconds of each stage.
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
    first: bool = False,
    names: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Merge a description into the project's contract and regenerate its package.

    Args:
        source: Path or https URL of the description.
        holds: Decisions to keep what the contract says.
        root: The project.
        write: False to do everything but write.
        first: Only record the description, for comparison with later ones.
        names: The name under which a renamed request property is sent: "OLD", "NEW", or empty for a conflict.
        say: Called with the name of each stage when it begins.

    Returns:
        The outcome; nothing was written unless its code is 0.

    Raises:
        Unusable: The description cannot be read, merged or generated from.
        OSError: The project could not be written; it is unchanged.
    """
    with locked(root):
        return _Bump(source, holds, root, _Clock(say), write, names).run(first=first)


@dataclass
class _Bump:
    source: str
    holds: Sequence[Hold]
    root: Path
    clock: _Clock
    write: bool
    names: str

    def run(self, *, first: bool) -> Outcome:
        with self.clock.stage("read"):
            text = (self.root / CONTRACT).read_text("utf-8")
            contract, theirs = parse(text.encode()), load(self.source)
            last = None if first else self._last()
        with self.clock.stage("merge"):
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            merged = merge(contract, theirs, self.holds, last=last, write=self.names, today=today)
            facade = mentions(self.root / "togai")
        if merged.unmatched:
            raise Unusable(_unmatched(merged))
        say = partial(report, facade=facade, dry=not self.write, spec=self.source)
        quiet = not merged.changed and not (merged.tightened if last is None else merged.changes)
        with tempfile.TemporaryDirectory(prefix="bump-") as name:
            room = Path(name)
            (room / THEIRS).write_text(json.dumps(theirs), "utf-8")
            if first:
                self._write(_memory(merged, room))
            elif not merged.conflicts and not quiet:
                return self._taken(text, merged, room, say, keep=last is not None)
        code = 1 if merged.conflicts and not first else 0
        return Outcome(code, say(merged, first=first), self.clock.stages)

    def _taken(
        self, text: str, merged: Merged, room: Path, say: Callable[..., str], *, keep: bool
    ) -> Outcome:
        fresh: dict[str, Path] = {}
        if merged.changed:
            with self.clock.stage("generate"):
                _generated(text, merged, room)
        try:
            with self.clock.stage("check"):
                if merged.changed:
                    fresh = checked(room, self.root, merged.contract)
                merged, proof = self._proven(merged, room)
        except CheckFailed as error:
            return Outcome(1, say(merged, problem=str(error)), self.clock.stages)
        if merged.conflicts:
            return Outcome(1, say(merged), self.clock.stages)
        fresh |= _memory(merged, room) if keep else {}
        fresh |= self._changelog(merged, room) if merged.changed else {}
        self._write(fresh)
        return Outcome(0, say(merged, proof=proof), self.clock.stages)

    def _write(self, fresh: dict[str, Path]) -> None:
        if self.write:
            with self.clock.stage("write"):
                replace_all(self.root, fresh)

    def _last(self) -> dict[str, Any] | None:
        """Return the vendor's description at the last bump."""
        path = self.root / VENDOR
        try:
            return parse(path.read_bytes()) if path.exists() else None
        except Unusable as error:
            raise Unusable(f"{VENDOR}: {error}; restore it with git") from None

    def _proven(self, merged: Merged, room: Path) -> tuple[Merged, str]:
        """Run the caller programs with the new package, against a service that implements the description.

        Returns:
            The merge, with a conflict for each tightened limit if a program fails, and a sentence with the result.

        Raises:
            CheckFailed: A program has another outcome, and neither a decision nor a limit explains it.
        """
        last = [str(self.root / VENDOR)] if (self.root / VENDOR).exists() else []
        holder = room if merged.changed else self.root
        command = ["-m", "mutation.outcome", str(holder / CONTRACT), str(room / THEIRS), *last]
        done = run_above(command, self.root, (holder / PACKAGE).parent)
        if done.returncode != 0:
            raise CheckFailed(f"the caller programs cannot run: {done.stderr.strip()[-300:]}")
        others: dict[str, str]
        known: dict[str, str]
        others, known = json.loads(done.stdout)
        # A decision explains an outcome in the bump that makes it; later, the last description has that outcome too.
        decided = self.holds or (
            not last and any("held by decision" in entry.reason for entry in merged.differences)
        )
        new = {name: what for name, what in others.items() if known.get(name) != what}
        new = {} if decided else new
        judged = with_outcomes(merged, new)
        if new and not judged.conflicts:
            programs = "; ".join(
                f"{name}: {what.partition(' -> ')[2]}" for name, what in new.items()
            )
            raise CheckFailed(f"callers would see another outcome: {programs}")
        same = f"{PROGRAMS - len(others)} caller programs: same outcome."
        return judged, same + (
            f" Different because of decisions: {', '.join(others)}." if others else ""
        )

    def _changelog(self, merged: Merged, room: Path) -> dict[str, Path]:
        """Return the changelog with a line for each addition that callers see."""
        path = self.root / CHANGELOG
        facts = (self.root / SURFACE / "python.txt", room / SURFACE / "python.txt")
        if not path.exists() or not facts[0].exists():
            return {}
        before, after = (fact.read_text("utf-8").splitlines() for fact in facts)
        text = path.read_text("utf-8")
        lines = [line for line in changelog(merged, before, after) if line not in text.splitlines()]
        start, title, rest = text.partition("## Unreleased\n")
        if not lines or not title:
            return {}
        section, heading, later = rest.partition("\n## ")
        section = section.rstrip("\n") + "\n" + "\n".join(lines) + "\n"
        fresh = room / CHANGELOG
        fresh.write_text(start + title + section + heading + later, "utf-8")
        return {CHANGELOG: fresh}


def _memory(merged: Merged, room: Path) -> dict[str, Path]:
    fresh = room / "vendor.yaml"
    fresh.write_text(dump(merged.vendor), "utf-8")
    return {VENDOR: fresh}


def _generated(text: str, merged: Merged, room: Path) -> None:
    """Generate the package in a temporary folder.

    Raises:
        Unusable: The generator fails; the message names the additions that it mentions.
    """
    (room / PACKAGE).parent.mkdir(parents=True)
    (room / CONTRACT).write_text(graft(text, merged.contract), "utf-8")
    try:
        generate(room / CONTRACT, room / PACKAGE)
    except GenerationFailed as error:
        gains = [difference.at for difference in merged.differences if difference.gain]
        named = [at for at in gains if at.rpartition("/")[2] in str(error)]
        hint = f"; leave out with --hold {shlex.join(named)}" if named else ""
        raise Unusable(f"no package can be generated{hint}: {error}") from None


def _unmatched(merged: Merged) -> str:
    places = ", ".join(hold.at for hold in merged.unmatched)
    there = [difference.at for difference in merged.conflicts or merged.differences]
    known = "; places: " + ", ".join(there[:5]) if there else ", nor at any other place"
    return f"there is no difference at {places}{known}"


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
    """Run the command line; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.report and not options.report.absolute().parent.is_dir():
        parser.error(f"--report {options.report}: its folder does not exist")
    try:
        outcome = bump(
            options.spec,
            _holds(options.hold, options.because),
            write=not options.dry_run,
            first=options.first,
            names=options.write,
            say=_narrator(),
        )
    except (Unusable, OSError) as error:
        print(_one_line(error), file=sys.stderr)
        return 2
    try:
        if options.report:
            options.report.write_text(outcome.report, "utf-8")
        sys.stdout.buffer.write(outcome.report.encode())
        sys.stdout.flush()
    except OSError as error:
        # The bump is already written: keep its exit code.
        print(f"the report cannot be written: {_one_line(error)}", file=sys.stderr)
    return outcome.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bump", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "spec", metavar="SPEC", help="path or https URL; YAML or JSON; complete, or our calls only"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the report, write nothing")
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write the report to FILE")
    parser.add_argument(
        "--hold", action="append", nargs="+", default=[], metavar="PLACE",
        help="keep what the contract says there and below; pointers, or names from the report",
    )  # fmt: skip
    parser.add_argument(
        "--because", action="append", default=[], metavar="TEXT", help="the reason of each --hold"
    )
    parser.add_argument(
        "--first", action="store_true", help=f"only record the description, in {VENDOR}"
    )
    parser.add_argument(
        "--write", choices=("OLD", "NEW"), default="", help="the name of a renamed property to send"
    )
    return parser


def _one_line(error: Exception) -> str:
    """Return the message of an error, safe to print on a terminal."""
    line = " ".join(str(error).split())
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= 400 else line[:397] + "..."


def _holds(groups: list[list[str]], reasons: list[str]) -> list[Hold]:
    if len(groups) != len(reasons):
        raise Unusable("each --hold PLACE... needs its own --because TEXT")
    if not all(reason.strip() for reason in reasons):
        raise Unusable("--because is empty: say why the contract is kept")
    return [
        Hold(f"#{at}" if at.startswith("/") else at, " ".join(why.split()))
        for group, why in zip(groups, reasons, strict=True)
        for at in group
    ]


def _narrator() -> Callable[[str], None]:
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda stage: print(f"{stage} ...", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
