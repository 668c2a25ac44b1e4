"""Writes the report of a bump in Markdown, and the lines of the changelog."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from contract.adopt import SCHEMAS, python_name
from contract.impact import dependents
from contract.shapes import escaped
from contract.verdicts import (
    DEPRECATED,
    IDEMPOTENCY,
    NEW_PARAMETER,
    TIGHTER,
    TIGHTER_SENT,
    UNMODELLED,
    Difference,
    Verdict,
    place,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contract.merge import Merged

MOST = 12
"""The most lines of a section, except for conflicts: the report of a bump without conflicts fits on one screen."""

Facade = dict[str, set[str]]


def report(
    merged: Merged,
    facade: Facade,
    *,
    dry: bool = False,
    problem: str = "",
    proof: str = "",
    spec: str = "SPEC",
    first: bool = False,
) -> str:
    """Return the report of a bump in Markdown; the same for equal merges.

    Args:
        merged: The result of the merge.
        facade: The result of `impact.mentions` for the facade.
        dry: Whether this is a dry run.
        problem: The reason if a merge without conflicts was not written.
        proof: The result of the caller programs.
        spec: The path or URL of the description, for commands.
        first: Whether the description is only recorded (`--first`).
    """
    lines = ["# Contract bump", "", _headline(merged, dry, problem, proof, first), ""]
    if first:
        listed = _grouped(merged.differences, facade, merged)
        return _text([*lines, *_section("First reading: differs from the contract", listed)])
    of: dict[str, list[Difference]] = {}
    for difference in merged.differences:
        of.setdefault(_part(difference, merged), []).append(difference)

    def grouped(part: str) -> list[str]:
        return _grouped(of.get(part, ()), facade, merged)

    released = [f"decision released: {_code(place(at))}" for at in merged.released]
    lines += _conflicts(merged, facade, spec)
    if problem:
        lines += _command("To leave the additions out:", of.get("gain", ()), spec)
    lines += _section("Callers gain", _gains(of.get("gain", []), merged, facade))
    lines += _section("Callers can see", grouped("visible"))
    lines += _section("Kept for callers", grouped("held"))
    quiet = [*grouped("quiet"), *released, *_other_changes(merged)]
    lines += _section("Changed on the wire, unseen by callers", quiet)
    lines += _section("Left out of the models", grouped("left out"))
    if "known" in of:
        lines += [f"Already known: {_counted(of['known'])}.", ""]
    return _text(lines)


def _part(difference: Difference, merged: Merged) -> str:
    """Return the section of the report that lists a difference."""
    is_old = difference.known and merged.changes is not None
    parts = {
        "conflict": difference.verdict is Verdict.CONFLICT,
        "held": difference.verdict is Verdict.HELD and not difference.known,
        "left out": difference.kind == UNMODELLED.kind and not is_old,
        # Without the vendor's last description, a tightened limit of a response may be new.
        "known": is_old or (difference.known and difference.kind != TIGHTER.kind),
        "visible": difference.kind in (TIGHTER_SENT.kind, DEPRECATED.kind),
        "gain": difference.gain,
    }
    return next((part for part, fits in parts.items() if fits), "quiet")


def _conflicts(merged: Merged, facade: Facade, spec: str) -> list[str]:
    lines = [
        line for difference in merged.conflicts for line in _conflict(difference, merged, facade)
    ]
    advice = "Contact the vendor, or edit the contract and the facade. To keep the contract at all of these places:"
    return lines + _command(advice, merged.conflicts, spec)


def _command(advice: str, differences: Sequence[Difference], spec: str) -> list[str]:
    if not differences:
        return []
    places = " ".join(_bare(shlex.quote(difference.at)) for difference in differences)
    command = f"scripts/bump {_bare(shlex.quote(spec))} --hold {places} --because '...'"
    return [advice, "", f"    {command}", ""]


def _text(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def _headline(merged: Merged, dry: bool, problem: str, proof: str, first: bool) -> str:
    if first:
        count = _plural(len(merged.differences), "difference")
        return (
            f"**Recorded** the vendor's description; {count} from the contract, which is unchanged."
        )
    if merged.conflicts:
        return f"**Refused:** {_plural(len(merged.conflicts), 'conflict')}; nothing was written."
    if problem:
        return f"**Refused:** {_safe(problem)}; nothing was written."
    done = "To be updated; nothing was written." if dry else "Updated."
    if not merged.changed:
        done = (
            "Nothing to change." if not merged.changes else f"{done} The contract stays as it is."
        )
    return f"**{done}**{f' {proof}' if proof else ''}"


def _conflict(difference: Difference, merged: Merged, facade: Facade) -> list[str]:
    hints = ", ".join(_code(hint) for hint in difference.hints)
    return [
        f"## Conflict: {difference.kind} at {_code(place(difference.at))}",
        "",
        f"- contract: {_code(difference.ours)}; vendor: {_code(difference.theirs)}"
        + (f"; {hints}" if hints else ""),
        f"- on the wire: {_listed(difference.positions)}",
        f"- why: {_safe(difference.reason)}",
        f"- callers would get: {_safe(difference.gets or 'an error')}",
        f"- depends on it: {_symbols(difference, merged, facade) or 'nothing in the facade'}",
        "",
    ]


def _symbols(difference: Difference, merged: Merged, facade: Facade, most: int = 8) -> str:
    symbols = dependents(difference.at, facade, _operation(difference, merged))
    return _some([_code(symbol) for symbol in symbols], most)


def _operation(difference: Difference, merged: Merged) -> str | None:
    """Return the generated module of the call that a pointer belongs to."""
    for path, item in merged.contract["paths"].items():
        for method, operation in item.items():
            if f"{difference.at}/".startswith(f"#/paths/{escaped(path)}/{method}/"):
                return python_name(str(operation.get("operationId")))
    return None


def _section(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    shown = [f"- {line}" for line in lines[:MOST]]
    if len(lines) > MOST:
        shown.append(f"- and {len(lines) - MOST} more")
    return [f"## {title}", "", *shown, ""]


def _gains(gains: list[Difference], merged: Merged, facade: Facade) -> list[str]:
    gains.sort(key=lambda difference: difference.kind != IDEMPOTENCY.kind)
    can_send = any("extra_query" in names for names in facade.values())
    lines = [_line(difference) + (_sent_by(difference) if can_send else "") for difference in gains]
    if merged.schemas:
        names = _some([_code(name) for name in merged.schemas], MOST)
        lines.insert(MOST - 1, f"to export the new models, name them in `togai/models.py`: {names}")
    return lines


def _line(difference: Difference) -> str:
    detail = "" if difference.kind == "new enum member" else f", {_safe(difference.theirs)}"
    where = [position for position in difference.positions if position != "every call"]
    return f"{difference.kind} {_place(difference)}{detail}" + (
        f" ({_listed(where)})" if where else ""
    )


def _sent_by(difference: Difference) -> str:
    """Return how callers can send a new parameter."""
    if difference.kind not in (NEW_PARAMETER.kind, IDEMPOTENCY.kind):
        return ""
    if "/events/get/parameters/query/" not in difference.at.replace("~1", "/"):
        return ": not sent until `togai/_requests.py` sends it"
    name = difference.at.rpartition("/")[2]
    return f": sent by {_code(f'list(..., extra_query={{{name!r}: ...}})')}"


def _grouped(differences: Iterable[Difference], facade: Facade, merged: Merged) -> list[str]:
    """Return a line for each rule and reason, with the places, the effect on callers, and the dependent functions."""
    groups: dict[tuple[str, str, str], list[Difference]] = {}
    for difference in differences:
        groups.setdefault((difference.kind, difference.reason, difference.gets), []).append(
            difference
        )
    lines: list[str] = []
    for (kind, reason, gets), some in groups.items():
        shown = [_place(difference) + _change(difference) for difference in some]
        line = f"{kind}: {_some(shown, MOST)}; {_safe(reason)}"
        if gets not in ("", "the same"):
            symbols = _symbols(some[0], merged, facade, 3)
            line += f"; callers get: {_safe(gets)}" + (f"; used by: {symbols}" if symbols else "")
        lines.append(line)
    return lines


def _change(difference: Difference) -> str:
    """Return the old and the new value, if they are short and informative."""
    values = (difference.ours, difference.theirs)
    shown = ""
    says_none = any(word in difference.kind for word in ("limit", "default"))
    if ("none" not in values or says_none) and len("".join(values)) <= 60:
        shown = f" {_code(' -> '.join(values))}"
    return shown + "".join(f" ({_safe(hint)})" for hint in difference.hints[:1])


def _place(difference: Difference) -> str:
    return _code(place(difference.at))


def _other_changes(merged: Merged) -> list[str]:
    """Return the changes of the vendor's description that are not differences from the contract."""
    explained = ["#/info"]
    for difference in merged.differences:
        if not difference.known:
            beside = difference.at.rpartition("/")[0]
            explained += [difference.at, f"{beside}/{escaped(difference.theirs)}"]
    wording: dict[str, None] = {}
    others: dict[str, None] = {}
    for change in merged.changes or ():
        if change.is_wording:
            wording[_code(place(change.at))] = None
        elif not any(_contains(at, change.at) or _contains(change.at, at) for at in explained):
            others[_code(place(change.at))] = None
    titled = {"wording changed": wording, "also changed in the description": others}
    return [f"{title}: {_some(list(places), MOST)}" for title, places in titled.items() if places]


def _contains(at: str, other: str) -> bool:
    return f"{other}/".startswith(f"{at}/")


def _some(items: Sequence[str], most: int) -> str:
    """Return the first items, and the number of the others."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def _counted(known: list[Difference]) -> str:
    kinds = [
        "held by decision" if "held by decision" in difference.reason else difference.kind
        for difference in known
    ]
    return ", ".join(f"{kind} ({kinds.count(kind)})" for kind in sorted(set(kinds)))


def _listed(positions: Iterable[str]) -> str:
    return _some([_code(where) for where in positions], 2)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _bare(text: str) -> str:
    """Return the vendor's text on one line, without characters that could end a code span."""
    line = "".join(c if c.isprintable() and c != "`" else "?" for c in text)
    return line if len(line) <= 200 else line[:197] + "..."


def _code(text: str) -> str:
    return f"`{_bare(text)}`"


def _safe(text: str) -> str:
    """Return the text with Markdown escaped: mentions, links and tags are not rendered."""
    return "".join(f"\\{c}" if c in "\\<[]@#*_|" else c for c in _bare(text))


def changelog(merged: Merged, before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return the lines of the changelog for deprecations, and for facts of the facade that are new."""
    lines: list[str] = []
    for fact in sorted(set(after) - set(before)):
        name, _, what = fact.removeprefix("togai.").removeprefix("models.").partition(": ")
        value = fact.partition(" = ")
        if what and name.count(".") == 1 and "(" not in name and " " not in name:
            lines.append(f"- *(field)* {name}: {what.replace(' | ', ' or ')}")
        elif value[2] and "(" not in value[0] and value[0].count(".") == 2:
            lines.append(f"- *(enum)* {value[0].removeprefix('togai.').removeprefix('models.')}")
    for difference in merged.differences:
        if not difference.known and difference.kind == "deprecated":
            where = place(difference.at)
            if difference.at.startswith(SCHEMAS):
                model, _, wire = where.partition(".")
                where = f"{model}.{python_name(wire)}"
            lines.append(f"- *(deprecated)* {where}: the vendor plans to remove it")
    return lines
