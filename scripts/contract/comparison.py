"""What all comparisons of a merge share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import NotModelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contract.adopt import Taker
    from contract.findings import Findings
    from contract.normalize import Description
    from contract.shapes import Direction, Shape

REMOVED = "x-togai-removed"
ORIGIN = "x-togai-origin"


@dataclass(frozen=True)
class Comparison:
    """A part of a merge: compares places of the contract (`ours`) and the description (`theirs`).

    Records the differences in `findings`, and updates `contract`, the plain data of `ours`. Marks carry the date
    `today`; `write` is the name under which a renamed request property is sent: "OLD", "NEW", or empty for a conflict.
    """

    contract: dict[str, Any]
    ours: Description
    theirs: Description
    findings: Findings
    taker: Taker
    today: str
    write: str

    def deprecation(
        self, node: dict[str, Any], theirs: Sequence[bool], at: str, where: Iterable[str] = ()
    ) -> None:
        """Adopt the vendor's deprecations; `theirs` says for each place whether it is deprecated."""
        marked, deprecated = node.get("deprecated") is True, all(theirs)
        if REMOVED in node or not theirs or deprecated == marked:
            return
        rule = verdicts.DEPRECATED if deprecated else verdicts.WELCOME
        words = ("no", "yes") if deprecated else ("yes", "no")
        if self.findings.add(rule, f"{at}/deprecated", *words, where):
            node.pop("deprecated", None)
            node |= {"deprecated": True} if deprecated else {}

    def taken(
        self, at: str, shape: Shape, direction: Direction, owner: str, wire: str
    ) -> tuple[dict[str, Any], str]:
        """Return the schema for something new, or the reason why it has no model; neither if a decision excludes it."""
        if self.findings.decision(at, shape.words):
            return {}, ""
        try:
            return self.taker.take(shape, direction, owner, wire), ""
        except NotModelled as error:
            return {}, str(error)
