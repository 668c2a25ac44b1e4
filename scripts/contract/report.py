"""A merge -> what a maintainer reads of it, in Markdown."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from contract.adopt import SCHEMAS, python_name
from contract.impact import dependents
from contract.normalize import escaped
from contract.verdicts import Difference, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contract.merge import Merged

MOST = 12
"""Lines of one section at most, conflicts excepted: a quiet bump is read in one screen."""


def report(
    merged: Merged, facade: dict[str, set[str]], *, dry: bool = False, problem: str = ""
) -> str:
    """The report of a bump.

    Args:
        merged: What the merge gave.
        facade: What `dependents.mentions` found in the facade.
        dry: Whether it was only tried.
        problem: Why a merge without conflicts was not written after all, if it was not.

    Returns:
        Markdown. Equal merges give equal reports.
    """
    new = [one for one in merged.differences if not one.standing]
    conflicts = merged.conflicts
    gains = [one for one in new if one.gain and one.verdict is Verdict.ABSORBED]
    held = [one for one in new if one.verdict is Verdict.HELD]
    wire = [
        one
        for one in new
        if one.verdict is Verdict.ABSORBED and not one.gain and "constraint" not in one.kind
    ]
    limits = [one for one in merged.differences if "constraint" in one.kind]
    unmodelled = [one for one in merged.differences if one.kind == "not modelled"]
    standing = [
        one for one in merged.differences if one.standing and one not in (*limits, *unmodelled)
    ]
    lines = ["# Contract bump", "", _headline(merged, dry=dry, problem=problem), ""]
    for one in conflicts:
        lines += _conflict(one, merged, facade)
    gained = [_line(one) for one in gains]
    if merged.schemas:
        names = ", ".join(_code(name) for name in merged.schemas[:MOST])
        more = f" and {len(merged.schemas) - MOST} more" if len(merged.schemas) > MOST else ""
        export = f"to export the new models, name them in `togai/models.py`: {names}{more}"
        gained.insert(MOST - 1, export)
    lines += _section("Callers gain", gained)
    lines += _section("Kept for callers", _grouped(held))
    changed = _grouped(one for one in wire if one.kind != "version")
    changed = [_line(one) for one in wire if one.kind == "version"] + changed
    changed += [f"decision released: {_code(at)}" for at in merged.released]
    changed += _constraints(limits)
    lines += _section("Changed on the wire, unseen by callers", changed)
    lines += _section("Left out of the models", _grouped(unmodelled))
    if standing:
        lines += [f"As before: {_counted(standing)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _headline(merged: Merged, *, dry: bool, problem: str) -> str:
    if merged.conflicts:
        return f"**Refused:** {_plural(len(merged.conflicts), 'conflict')}; nothing was written."
    if problem:
        return f"**Refused:** {_safe(problem)}; nothing was written."
    if not merged.changed:
        return "**Nothing to change.**"
    done = "To be updated; nothing was written." if dry else "Updated."
    return f"**{done}** No caller's code changes."


def _conflict(one: Difference, merged: Merged, facade: dict[str, set[str]]) -> list[str]:
    symbols = dependents(one.at, facade, _operation(one, merged))
    shown = ", ".join(_code(symbol) for symbol in symbols[:8])
    if len(symbols) > 8:
        shown += f" and {len(symbols) - 8} more"
    return [
        f"## Conflict: {one.kind} at {_code(one.at)}",
        "",
        f"- ours: {_code(one.ours)}; theirs: {_code(one.theirs)}",
        f"- on the wire: {_listed(one.positions)}",
        f"- why: {_safe(one.reason)}",
        f"- depends on it: {shown or 'nothing in the facade'}",
        f"- keep ours: `scripts/bump SPEC --hold {_bare(shlex.quote(one.at))} --because '...'`",
        "- or ask the vendor; or change contract and facade by hand, in a new major version",
        "",
    ]


def _operation(one: Difference, merged: Merged) -> str | None:
    """The generated module of the call that a pointer belongs to."""
    for path, item in merged.contract["paths"].items():
        for method, operation in item.items():
            if f"{one.at}/".startswith(f"#/paths/{escaped(path)}/{method}/"):
                return python_name(str(operation.get("operationId")))
    return None


def _section(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    shown = [f"- {line}" for line in lines[:MOST]]
    if len(lines) > MOST:
        shown.append(f"- and {len(lines) - MOST} more")
    return [f"## {title}", "", *shown, ""]


def _line(one: Difference) -> str:
    change = f"{one.ours} -> {one.theirs}" if one.kind == "version" else one.theirs
    said = "" if one.kind == "new enum member" else f", {_safe(change)}"
    where = [position for position in one.positions if position != "all"]
    return f"{one.kind} {_place(one)}{said}" + (f" ({_listed(where)})" if where else "")


def _grouped(differences: Iterable[Difference]) -> list[str]:
    """One line for each rule and reason, with all its places."""
    groups: dict[tuple[str, str], list[Difference]] = {}
    for one in differences:
        groups.setdefault((one.kind, one.reason), []).append(one)
    lines: list[str] = []
    for (kind, reason), some in groups.items():
        shown = ", ".join(_place(one) for one in some[:MOST])
        more = f" and {len(some) - MOST} more" if len(some) > MOST else ""
        lines.append(f"{kind}: {shown}{more}; {_safe(reason)}")
    return lines


def _place(one: Difference) -> str:
    """A pointer as people say it."""
    place = one.at.removeprefix(SCHEMAS).replace("/properties/", ".").replace("/enum/", ".")
    place = place.removesuffix("/deprecated")
    if place.startswith("#/paths/") and one.positions:
        place = one.positions[0]
    return _code(place.removeprefix("#/"))


def _constraints(limits: list[Difference]) -> list[str]:
    made: list[str] = []
    for kind in ("constraint loosened", "constraint tightened"):
        some = [one for one in limits if one.kind == kind]
        if some:
            shown = [
                f"{_code(one.at.removeprefix(SCHEMAS))} {_code(f'{one.ours} -> {one.theirs}')}"
                for one in some[:3]
            ]
            more = f" and {len(some) - 3} more" if len(some) > 3 else ""
            made.append(f"{kind}, {some[0].reason}: {', '.join(shown)}{more}")
    return made


def _counted(standing: list[Difference]) -> str:
    kinds = dict.fromkeys(
        "held by decision" if "held by decision" in one.reason else one.kind for one in standing
    )
    counts = {
        kind: sum(
            one.kind == kind or (kind == "held by decision" and kind in one.reason)
            for one in standing
        )
        for kind in kinds
    }
    return ", ".join(f"{kind} ({count})" for kind, count in sorted(counts.items()))


def _listed(positions: Iterable[str]) -> str:
    places = list(positions)
    shown = ", ".join(_code(one) for one in places[:2])
    return f"{shown} and {len(places) - 2} more" if len(places) > 2 else shown


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _bare(text: str) -> str:
    """Text of the vendor's in one line, without what Markdown or a shell could take for more."""
    line = "".join(c if c.isprintable() and c != "`" else "?" for c in text)
    return line if len(line) <= 200 else line[:197] + "..."


def _code(text: str) -> str:
    return f"`{_bare(text)}`"


def _safe(text: str) -> str:
    """Text for a sentence: mentions, links and tags stay letters."""
    return "".join(f"\\{c}" if c in "\\<[]@#*_|" else c for c in _bare(text))
