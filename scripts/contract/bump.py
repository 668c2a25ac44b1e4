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
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from contract.checks import CONTRACT, PACKAGE, SURFACE, CheckFailed, checked, run_above
from contract.generation import ROOT, GenerationFailed, generate
from contract.impact import mentions
from contract.load import Unusable, load, parse
from contract.merge import Merged, merge, with_outcomes
from contract.report import changelog, printable, report
from contract.transaction import locked, replace_all
from contract.vendor import VENDOR, dump
from contract.verdicts import Hold
from contract.yaml_edit import graft

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

CHANGELOG = "CHANGELOG.md"
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
    with locked(root), tempfile.TemporaryDirectory(prefix="bump-") as room:
        try:
            return _Bump(root, Path(room), write, say).run(source, holds, names, first=first)
        except RecursionError:
            raise Unusable("the schemas of our calls are nested too deep") from None


@dataclass
class _Bump:
    root: Path
    room: Path
    write: bool
    say: Callable[[str], None]
    stages: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        self.say(name)
        start = time.perf_counter()
        yield
        self.stages[name] = time.perf_counter() - start

    def run(self, source: str, holds: Sequence[Hold], names: str, *, first: bool) -> Outcome:
        with self.stage("read"):
            text = (self.root / CONTRACT).read_text("utf-8")
            contract, theirs = parse(text.encode()), load(source)
            last = None if first else self._last()
        with self.stage("merge"):
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            merged = merge(contract, theirs, holds, last=last, write=names, today=today)
            facade = mentions(self.root / "togai")
        if merged.unmatched:
            raise Unusable(_unmatched(merged))
        fresh: dict[str, Path] = {}
        proof = problem = ""
        new = merged.changed or (merged.tightened if last is None else merged.changes)
        if new and not merged.conflicts and not first:
            try:
                fresh, merged, proof = self._checked(text, merged, theirs)
            except CheckFailed as error:
                problem = str(error)
        is_refused = not first and bool(merged.conflicts or problem)
        if first or (new and last is not None):
            fresh[VENDOR] = self._text("vendor.yaml", dump(merged.vendor))
        if not is_refused:
            self._replace(fresh | self._changelog(merged))
        said = report(
            merged,
            facade,
            dry=not self.write,
            problem=problem,
            proof=proof,
            spec=source,
            first=first,
        )
        return Outcome(int(is_refused), said, self.stages)

    def _checked(
        self, text: str, merged: Merged, theirs: dict[str, Any]
    ) -> tuple[dict[str, Path], Merged, str]:
        """Return the new files, and the result of the caller programs."""
        if merged.changed:
            self._generate(text, merged)
        with self.stage("check"):
            fresh = checked(self.room, self.root, merged.contract) if merged.changed else {}
            return (fresh, *self._proven(merged, theirs))

    def _replace(self, fresh: dict[str, Path]) -> None:
        if fresh and self.write:
            with self.stage("write"):
                replace_all(self.root, fresh)

    def _text(self, name: str, text: str) -> Path:
        (self.room / name).write_text(text, "utf-8")
        return self.room / name

    def _last(self) -> dict[str, Any] | None:
        """Return the vendor's description at the last bump."""
        path = self.root / VENDOR
        try:
            return parse(path.read_bytes()) if path.exists() else None
        except Unusable as error:
            raise Unusable(f"{VENDOR}: {error}; restore it with git") from None

    def _generate(self, text: str, merged: Merged) -> None:
        """Generate the package in the temporary folder.

        Raises:
            Unusable: The generator fails; the message names the additions that it mentions.
        """
        (self.room / PACKAGE).parent.mkdir(parents=True)
        spec = self._text(CONTRACT, graft(text, merged.contract))
        try:
            with self.stage("generate"):
                generate(spec, self.room / PACKAGE)
        except GenerationFailed as error:
            gains = [difference.at for difference in merged.differences if difference.gain]
            named = [at for at in gains if at.rpartition("/")[2] in str(error)]
            hint = f"; leave out with --hold {shlex.join(named)}" if named else ""
            raise Unusable(f"no package can be generated{hint}: {error}") from None

    def _proven(self, merged: Merged, theirs: dict[str, Any]) -> tuple[Merged, str]:
        """Run the caller programs with the new package, against a service that implements the description.

        Returns:
            The merge, with a conflict for each tightened limit if a program fails, and a sentence with the result.

        Raises:
            CheckFailed: A program has another outcome, and neither a decision nor a limit explains it.
        """
        last = [str(self.root / VENDOR)] if (self.root / VENDOR).exists() else []
        holder = self.room if merged.changed else self.root
        spec = self._text("theirs.json", json.dumps(theirs))
        command = ["-m", "mutation.outcome", str(self.root / CONTRACT), str(spec), *last]
        done = run_above(command, self.root, (holder / PACKAGE).parent)
        if done.returncode != 0:
            error = done.stderr.strip().rpartition("\n")[2]
            raise CheckFailed(f"the caller programs cannot run: {error}")
        others, known = cast("list[dict[str, str]]", json.loads(done.stdout))
        # A decision explains an outcome in the bump that makes it; later, the last description has that outcome too.
        decided = [each for each in merged.differences if "by decision" in each.reason]
        is_explained = any(not last or not each.known for each in decided)
        fresh = {name: what for name, what in others.items() if known.get(name) != what}
        new = {} if is_explained else fresh
        judged = with_outcomes(merged, new)
        if new and not judged.conflicts:
            gets = (f"{name}: {what.partition(' -> ')[2]}" for name, what in new.items())
            raise CheckFailed(f"callers would see another outcome: {'; '.join(gets)}")
        same = f"{PROGRAMS - len(others)} caller programs: same outcome."
        decisions = f" Different because of decisions: {', '.join(others)}." if others else ""
        return judged, same + decisions

    def _changelog(self, merged: Merged) -> dict[str, Path]:
        """Return the changelog with a line for each addition that callers see."""
        path = self.root / CHANGELOG
        facts = [folder / SURFACE / "python.txt" for folder in (self.root, self.room)]
        if not all(each.exists() for each in (path, *facts)):
            return {}
        before, after = (fact.read_text("utf-8").splitlines() for fact in facts)
        text = path.read_text("utf-8")
        lines = [line for line in changelog(merged, before, after) if line not in text.splitlines()]
        start, title, rest = text.partition("## Unreleased\n")
        if not lines or not title:
            return {}
        section, heading, later = rest.partition("\n## ")
        section = "\n".join([section.rstrip("\n"), *lines, ""])
        return {CHANGELOG: self._text(CHANGELOG, start + title + section + heading + later)}


def _unmatched(merged: Merged) -> str:
    places = ", ".join(hold.at for hold in merged.unmatched)
    there = [difference.at for difference in merged.conflicts or merged.differences]
    known = "; places: " + ", ".join(there[:5]) if there else ", nor at any other place"
    return f"there is no difference at {places}{known}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _parser().parse_args(arguments)
    is_terminal = sys.stderr.isatty()
    try:
        outcome = bump(
            options.spec,
            _holds(options.hold, options.because),
            write=not options.dry_run,
            first=options.first,
            names=options.write,
            say=lambda stage: print(f"{stage} ...", file=sys.stderr) if is_terminal else None,
        )
    except (Unusable, OSError) as error:
        print(printable(" ".join(str(error).split()), 400), file=sys.stderr)
        return 2
    try:
        sys.stdout.buffer.write(outcome.report.encode())
        sys.stdout.flush()
    except OSError as error:
        # The bump is already written: keep its exit code.
        print(f"the report cannot be written: {error.strerror}", file=sys.stderr)
    return outcome.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bump", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "spec", metavar="SPEC", help="path or https URL; YAML or JSON; complete, or our calls only"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the report, write nothing")
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


if __name__ == "__main__":
    sys.exit(main())
