"""The reviewed survivors, and the table of scores."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from code_mutants.operators import Mutant
    from code_mutants.trying import Trial

SHARE = 0.1
"""The largest share of a module's mutants that may be reviewed instead of killed."""

BEGIN = "| module | mutants | tried | killed | reviewed | choice of the mutants tried |"


class InvalidList(ValueError):
    """The list of reviewed survivors is not valid."""


@frozen
class Reviewed:
    """A survivor that a person judged harmless, with the reason."""

    module: str
    function: str
    original: str
    mutated: str
    reason: str

    def covers(self, mutant: Mutant) -> bool:
        """Return whether it applies to a mutant: lines may move, but not change."""
        return (self.module, self.function, self.original, self.mutated) == (
            mutant.module,
            mutant.function,
            mutant.original,
            mutant.mutated,
        )


def read(path: Path) -> list[Reviewed]:
    """Return the entries of a list: a line `module function`, then `- original`, `+ mutated`, and `# reason`.

    Raises:
        InvalidList: An entry is incomplete.
    """
    entries: list[Reviewed] = []
    text = path.read_text("utf-8") if path.exists() else ""
    for part in re.split(r"\n\s*\n", text):
        rows = [row for row in part.strip().split("\n") if row]
        if not rows or all(row.startswith("#") for row in rows):
            continue
        marks = [f"{row} "[:2] for row in rows[1:]]  # a line that is dropped leaves nothing
        if marks[:2] != ["- ", "+ "] or len(marks) < 3 or set(marks[2:]) != {"# "}:
            raise InvalidList(f"{path.name}: not `module function`, -, + and #:\n{part}")
        module, _, function = rows[0].partition(" ")
        reason = " ".join(row[2:].strip() for row in rows[3:])
        entries.append(Reviewed(module, function, rows[1][2:], rows[2][2:], reason))
    return entries


def check(reviewed: Iterable[Reviewed], known: Mapping[str, Sequence[Mutant]]) -> list[str]:
    """Return the faults of a list: entries without a mutant, and too many entries for a module."""
    wrong: list[str] = []
    counts: dict[str, int] = {}
    for entry in reviewed:
        matching = sum(map(entry.covers, known.get(entry.module, ())))
        counts[entry.module] = counts.get(entry.module, 0) + matching
        if not matching:
            wrong.append(f"no mutant: {entry.module} {entry.function}: {entry.mutated}")
    for module, count in counts.items():
        if count > SHARE * len(known.get(module, ())):
            wrong.append(f"{module}: {count} of {len(known[module])} mutants are reviewed")
    return wrong


def table(
    trials: Sequence[Trial],
    reviewed: Sequence[Reviewed],
    known: Mapping[str, Sequence[Mutant]],
    choice: str,
) -> dict[str, str]:
    """Return a row for each module that was tried; reviewed survivors count as not killed."""
    rows: dict[str, str] = {}
    for module in sorted({trial.mutant.module for trial in trials}):
        own = [trial for trial in trials if trial.mutant.module == module]
        killed = sum(not trial.survived for trial in own)
        harmless = sum(
            trial.survived and any(entry.covers(trial.mutant) for entry in reviewed)
            for trial in own
        )
        rows[module] = (
            f"| `{module}` | {len(known[module])} | {len(own)} | {killed / len(own):.0%} | {harmless} | {choice} |"
        )
    return rows


def update(path: Path, rows: Mapping[str, str]) -> None:
    """Write the rows to the table of a file; modules that were not tried keep their rows."""
    text = path.read_text("utf-8")
    head, entries, rest = text.partition(f"{BEGIN}\n|---|---|---|---|---|---|\n")
    if not entries:
        raise SystemExit(f"{path.name} has no table that begins with: {BEGIN}")
    old: dict[str, str] = {}
    while rest.startswith("| "):
        row, _, rest = rest.partition("\n")
        old[row.split("`")[1]] = row
    merged = old | dict(rows)
    body = "".join(f"{merged[module]}\n" for module in sorted(merged))
    path.write_text(head + entries + body + rest, "utf-8")
