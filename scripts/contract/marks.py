"""Marks in the contract what the vendor removed, deprecated or restored; and the base class of comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract import verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contract.adopt import Taker
    from contract.findings import Findings
    from contract.normalize import Description
    from contract.shapes import Node
    from contract.verdicts import Rule

REMOVED = "x-togai-removed"
ORIGIN = "x-togai-origin"


class Marks:
    """Marks in the contract, with the date `today`, what the vendor removed, deprecated or restored."""

    def __init__(self, findings: Findings, today: str) -> None:
        self._findings = findings
        self.today = today

    def hold(
        self,
        rule: Rule,
        node: dict[str, Any],
        at: str,
        ours: str,
        positions: Iterable[str],
        *,
        deprecate: bool = False,
        hints: Iterable[str] = (),
    ) -> None:
        """Mark an item that the description no longer has with the date."""
        known = REMOVED in node or self._findings.is_known(rule, at, "none")
        follow = self._findings.add(rule, at, ours, "none", positions, known=known, hints=hints)
        if follow and not known:
            if deprecate:
                node["deprecated"] = True
            node[REMOVED] = self.today

    def release(self, node: dict[str, Any], at: str, positions: Iterable[str]) -> None:
        """Remove the mark from an item that the description has again."""
        was = f"removed in {node[REMOVED]}"
        if self._findings.add(verdicts.BACK, at, was, "present", positions):
            node.pop(REMOVED)
            node.pop("deprecated", None)

    def deprecation(
        self, node: dict[str, Any], theirs: Sequence[Node], at: str, positions: Sequence[str]
    ) -> None:
        """Adopt the vendor's deprecations."""
        marked = node.get("deprecated") is True
        if REMOVED in node or not theirs:
            return
        at = f"{at}/deprecated"
        if all(each.get("deprecated") is True for each in theirs):
            if not marked and self._findings.add(verdicts.DEPRECATED, at, "no", "yes", positions):
                node["deprecated"] = True
        elif marked and self._findings.add(verdicts.WELCOME, at, "yes", "no", positions):
            node.pop("deprecated")


@dataclass(frozen=True)
class Comparison:
    """A part of a merge: compares places of the contract (`ours`) and the description (`theirs`).

    Records the differences in `findings`, and updates `contract`, the plain data of `ours`.
    """

    contract: dict[str, Any]
    ours: Description
    theirs: Description
    findings: Findings
    marks: Marks
    taker: Taker


def need(is_required: bool) -> str:
    """Return "required" or "optional"."""
    return "required" if is_required else "optional"
