"""The outcome of the execution of a plan."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from attrs import field, frozen

from togai._html import table
from togai._printable import counted
from togai.corrections._step import Outcome, Step
from togai.errors import PlanIncomplete

if TYPE_CHECKING:
    from collections.abc import Iterator


@frozen(kw_only=True)
class Execution:
    """The outcomes of the items of a plan: one step each. Check `is_complete`, or call `raise_for_failures()`.

    Attributes:
        digest: Digest of the plan.
        steps: One per item, in the order of the plan.
    """

    digest: str
    steps: tuple[Step, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def of(self, outcome: Outcome | str) -> tuple[Step, ...]:
        """The steps with an outcome.

        Args:
            outcome: The outcome, such as "unknown".
        """
        return tuple(step for step in self.steps if step.outcome == outcome)

    @property
    def is_complete(self) -> bool:
        """Whether every item is applied."""
        return all(step.is_done for step in self.steps)

    @property
    def replacements(self) -> dict[str, str]:
        """The reference ids of new events by the reference ids of the events that they replace, as far as known."""
        return {
            str(step.item.selection.reference_id): step.replacement
            for step in self.steps
            if step.replacement is not None
        }

    def __str__(self) -> str:
        counts = Counter(str(step.outcome) for step in self.steps)
        summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "none"
        left = [step for step in self.steps if not step.is_done]
        shown = [f"  {step}" for step in left if step.outcome != Outcome.NOT_REACHED]
        return "\n".join([f"{counted(len(self.steps), 'correction')}: {summary}", *shown])

    def to_rows(self) -> list[dict[str, str | None]]:
        """The items as flat rows: reference_id, action, outcome, now (the new reference id) and detail."""
        return [
            {
                "reference_id": step.item.selection.reference_id,
                "action": str(step.item.action),
                "outcome": str(step.outcome),
                "now": step.replacement,
                "detail": step.detail,
            }
            for step in self.steps
        ]

    def _repr_html_(self) -> str:
        return table(self.to_rows())

    def raise_for_failures(self) -> Execution:
        """Return this execution if every item is applied.

        Raises:
            PlanIncomplete: An item is not applied; `steps` of the error has these items with the reasons.
        """
        if not self.is_complete:
            raise PlanIncomplete(str(self), [step for step in self.steps if not step.is_done])
        return self
