"""The outcome of one item of a plan, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from attrs import field, frozen

from togai._printable import printable

if TYPE_CHECKING:
    from togai.corrections._correction import Correction
    from togai.corrections._entry import Entry


class Outcome(enum.StrEnum):
    """The outcome of one item of a plan."""

    APPLIED = "applied"
    """The service corrected the event, now or in an earlier execution of this plan."""
    FAILED = "failed"
    """The service did not correct the event, and gave a reason. This plan does not send it again."""
    NOT_APPLIED = "not applied"
    """The correction was refused or not sent; executing the plan again sends it."""
    UNKNOWN = "unknown"
    """The correction may have been applied: reconcile its entry."""
    OPEN = "open"
    """An earlier correction is open, or another process is correcting the event: reconcile its entry."""
    CORRECTED = "corrected elsewhere"
    """The event was already corrected, but not by this plan."""
    CHANGED = "changed"
    """The event has changed since the plan was created: create a new plan."""
    NOT_REACHED = "not reached"
    """The execution ended before this item."""


@frozen(kw_only=True)
class Step:
    """One item of a plan, and its outcome.

    Attributes:
        number: Number of the item, from 1.
        total: The number of items of the plan.
        item: The correction.
        outcome: Its outcome.
        earlier: Whether the outcome is that of an earlier execution, or of another process.
        detail: The reason, or the message of the service.
        entry: The ledger's entry.
        replacement: Reference id of the event that replaced it, if the service shows it.
        error: The error, if there is one.
    """

    number: int
    total: int
    item: Correction = field(repr=False)
    outcome: Outcome
    earlier: bool = False
    detail: str = ""
    entry: Entry | None = field(default=None, repr=False)
    replacement: str | None = None
    error: Exception | None = field(default=None, repr=False)

    @property
    def is_done(self) -> bool:
        """Whether the event is corrected as planned."""
        return self.outcome == Outcome.APPLIED

    def __str__(self) -> str:
        name = f"{self.item.action} {self.item.selection.reference_id}"
        earlier = ["earlier"] if self.earlier else []
        parts = [f"{self.number}/{self.total} {name}: {self.outcome}", *earlier]
        if self.replacement:
            parts.append(f"now {self.replacement}")
        if self.detail and not self.is_done:
            parts.append(self.detail)
        return printable(", ".join(parts))
