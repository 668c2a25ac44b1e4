"""Writes the report of a bump in Markdown, and the lines of the changelog."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from contract import verdicts
from contract.adopt import SCHEMAS, python_name
from contract.impact import dependents
from contract.normalize import AUTH, call_at
from contract.shapes import escaped
from contract.vendor import PROSE
from contract.verdicts import Difference, Verdict, place

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
    if first:
        return _first_reading(merged, facade)
    lines = ["# Contract bump", "", _headline(merged, dry, problem, proof), ""]
    of: dict[str, list[Difference]] = {}
    for difference in merged.differences:
        of.setdefault(_part(difference, merged), []).append(difference)

    def grouped(part: str) -> list[str]:
        return _grouped(of.get(part, ()), facade, merged)

    for difference in of.get("conflict", ()):
        lines += _conflict(difference, merged, facade)
    advice = "Contact the vendor, or edit the contract and the facade. To keep the contract at all of these places:"
    lines += _command(advice, of.get("conflict", ()), spec)
    if problem:
        lines += _command("To leave the additions out:", of.get("gain", ()), spec)
    released = [f"decision released: {_code(place(at))}" for at in merged.released]
    wording = _other_changes(merged, "wording changed", worded=True)
    others = _other_changes(merged, "also changed in the description", worded=False)
    for title, listed in {
        "Callers gain": _gains(of.get("gain", []), merged, facade),
        "Callers can see": grouped("visible"),
        "Kept for callers": grouped("held"),
        "Changed on the wire, unseen by callers": [*grouped("quiet"), *released, *wording],
        "Left out of the models": grouped("left out"),
        "Changes without a verdict": others,
    }.items():
        shown = [f"- {line}" for line in listed[:MOST]]
        more = [f"- and {len(listed) - MOST} more"] if len(listed) > MOST else []
        lines += [f"## {title}", "", *shown, *more, ""] if listed else []
    if "known" in of:
        kinds = [
            "held by decision" if "held by decision" in known.reason else known.kind
            for known in of["known"]
        ]
        counted = (f"{kind} ({kinds.count(kind)})" for kind in sorted(set(kinds)))
        lines += [f"Already known: {', '.join(counted)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _part(difference: Difference, merged: Merged) -> str:
    """Return the section of the report that lists a difference."""
    is_old = difference.known and merged.changes is not None
    unsure = (verdicts.TIGHTER.kind, verdicts.CHANGED.kind)
    parts = {
        "conflict": difference.verdict is Verdict.CONFLICT,
        "held": difference.verdict is Verdict.HELD and not difference.known,
        "left out": difference.kind == verdicts.UNMODELLED.kind and not is_old,
        # Without the vendor's last description, a tightened limit of a response may be new.
        "known": is_old or (difference.known and difference.kind not in unsure),
        "visible": difference.kind in verdicts.VISIBLE,
        "gain": difference.gain,
    }
    return next((part for part, fits in parts.items() if fits), "quiet")


def _command(advice: str, differences: Sequence[Difference], spec: str) -> list[str]:
    if not differences:
        return []
    places = " ".join(printable(shlex.quote(difference.at), 2000) for difference in differences)
    command = f"scripts/bump {printable(shlex.quote(spec), 2000)} --hold {places} --because '...'"
    return [advice, "", f"    {command}", ""]


def _first_reading(merged: Merged, facade: Facade) -> str:
    """Return the report of a description that is only recorded: all its differences, conflicts first."""
    count = _plural(len(merged.differences), "difference")
    done = f"**Recorded** the vendor's description; {count} from the contract, which is unchanged."
    ordered = sorted(merged.differences, key=lambda each: each.verdict is not Verdict.CONFLICT)
    listed = [f"- {line}" for line in _grouped(ordered, facade, merged)]
    title = ["", "## First reading: differs from the contract", ""] if listed else []
    return "\n".join(["# Contract bump", "", done, *title, *listed, ""])


def _headline(merged: Merged, dry: bool, problem: str, proof: str) -> str:
    if merged.conflicts:
        return f"**Refused:** {_plural(len(merged.conflicts), 'conflict')}; nothing was written."
    if problem:
        return f"**Refused:** {_safe(problem)}; nothing was written."
    done = "To be updated; nothing was written." if dry else "Updated."
    if not merged.changed:
        done = f"{done} The contract stays as it is." if merged.changes else "Nothing to change."
    return f"**{done}**{f' {proof}' if proof else ''}"


def _conflict(difference: Difference, merged: Merged, facade: Facade) -> list[str]:
    hints = "; " + ", ".join(map(_code, difference.hints)) if difference.hints else ""
    return [
        f"## Conflict: {difference.kind} at {_code(place(difference.at))}",
        "",
        f"- contract: {_code(difference.ours)}; vendor: {_code(difference.theirs)}{hints}",
        f"- on the wire: {_listed(difference.positions, 2)}",
        f"- why: {_safe(difference.reason)}",
        f"- callers would get: {_safe(difference.gets or 'an error')}",
        f"- depends on it: {_symbols(difference, merged, facade, 8) or 'nothing in the facade'}",
        "",
    ]


def _symbols(difference: Difference, merged: Merged, facade: Facade, most: int) -> str:
    """Return the symbols of the facade that depend on a difference."""
    module = None
    for path, item in merged.contract["paths"].items():
        for method, operation in item.items():
            if f"{difference.at}/".startswith(f"{call_at(method, path)}/"):
                module = python_name(str(operation.get("operationId")))
    return _listed(dependents(difference.at, facade, module), most)


def _gains(gains: list[Difference], merged: Merged, facade: Facade) -> list[str]:
    key, member = verdicts.IDEMPOTENCY.kind, verdicts.NEW_MEMBER.kind
    # Enums can have many new members: they are last, where a long list is cut.
    gains.sort(key=lambda each: (each.kind != key, each.kind == member))
    can_send = any("extra_query" in names for names in facade.values())
    lines: list[str] = []
    for difference in gains:
        detail = "" if difference.kind == member else f", {_safe(difference.theirs)}"
        line = f"{difference.kind} {_code(place(difference.at))}{detail}"
        line += f" ({_listed(difference.positions, 2)})"
        if can_send and difference.kind in (verdicts.NEW_PARAMETER.kind, key):
            name = difference.at.rpartition("/")[2]
            how = f"sent by {_code(f'list(..., extra_query={{{name!r}: ...}})')}"
            if "/events/get/parameters/query/" not in difference.at.replace("~1", "/"):
                how = "not sent until `togai/_requests.py` sends it"
            line += f": {how}"
        lines.append(line)
    if merged.schemas:
        names = _listed(merged.schemas, MOST)
        lines.insert(MOST - 1, f"to export the new models, name them in `togai/models.py`: {names}")
    return lines


def _grouped(differences: Iterable[Difference], facade: Facade, merged: Merged) -> list[str]:
    """Return a line for each rule and reason, with the places, the effect on callers, and the dependent functions."""
    groups: dict[tuple[str, str, str], list[Difference]] = {}
    for difference in differences:
        key = (difference.kind, difference.reason, difference.gets)
        groups.setdefault(key, []).append(difference)
    lines: list[str] = []
    for (kind, reason, gets), some in groups.items():
        shown = [_code(place(difference.at)) + _change(difference) for difference in some]
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


def _other_changes(merged: Merged, title: str, *, worded: bool) -> list[str]:
    """Return a line with the changes of wording, or the others that are not differences from the contract."""
    explained = ["#/info/version", *(f"{SCHEMAS}{name}" for name in merged.schemas)]
    for difference in merged.differences:
        if not difference.known:
            beside, _, key = difference.at.rpartition("/")
            also = {"required": ("nullable", "allOf", "$ref"), "security": (AUTH,)}.get(key, ())
            steps = (escaped(difference.theirs), *also)
            explained += [difference.at, *(f"{beside}/{step}" for step in steps)]
    # Each place once, in order.
    places: dict[str, None] = {}
    for change in merged.changes or ():
        is_explained = any(
            f"{change}/".startswith(f"{at}/") or f"{at}/".startswith(f"{change}/")
            for at in explained
        )
        if change.endswith(f"/{PROSE}") == worded and not is_explained:
            places[place(change)] = None
    return [f"{title}: {_listed([*places], MOST)}"] if places else []


def _some(items: Sequence[str], most: int) -> str:
    """Return the first items, and the number of the others."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def _listed(texts: Sequence[str], most: int) -> str:
    return _some([_code(text) for text in texts], most)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def printable(text: str, most: int = 200) -> str:
    """Return the vendor's text on one line, without characters that could end a code span."""
    line = "".join(c if c.isprintable() and c != "`" else "?" for c in text)
    return line if len(line) <= most else line[: most - 3] + "..."


def _code(text: str) -> str:
    return f"`{printable(text)}`"


def _safe(text: str) -> str:
    """Return the text with Markdown escaped: mentions, links and tags are not rendered."""
    return "".join(f"\\{c}" if c in "\\<[]@#*_|" else c for c in printable(text))


def changelog(merged: Merged, before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return the lines of the changelog for deprecations, and for facts of the facade that are new."""
    lines: list[str] = []
    for fact in sorted(set(after) - set(before)):
        # A field, `Model.name: type`, or a member, `Enum.NAME = value`.
        new = re.fullmatch(r"togai\.(?:models\.)?([A-Z]\w*\.\w+)(: | = )(.*)", fact)
        if new and new[2] == ": ":
            lines.append(f"- *(field)* {new[1]}: {new[3].replace(' | ', ' or ')}")
        elif new:
            lines.append(f"- *(enum)* {new[1]}")
    for difference in merged.differences:
        if not difference.known and difference.kind == "deprecated":
            where = place(difference.at)
            if difference.at.startswith(SCHEMAS):
                model, _, wire = where.partition(".")
                where = f"{model}.{python_name(wire)}"
            lines.append(f"- *(deprecated)* {where}: the vendor plans to remove it")
    return lines
