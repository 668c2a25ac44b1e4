"""Entries of the ledger and verdicts about them, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from togai.corrections._correction import Correction
    from togai.models import ReadEvent


class Verdict(enum.StrEnum):
    """What became of a correction, as far as reading can tell."""

    APPLIED = "applied"
    """The targets read as they do after it: do not repeat it."""
    NOT_APPLIED = "not applied"
    """The targets read as they did before it: it can be repeated."""
    CANNOT_TELL = "cannot tell"
    """What was read fits both, or too little was read: ask the service's support."""


@frozen
class Reconciliation:
    """What became of a correction whose outcome was unknown.

    Attributes:
        verdict: Applied, not applied, or cannot tell.
        correction: What was asked for.
        evidence: What was read and what it says, one line each.
        events: The targets as they read now.
    """

    verdict: Verdict
    correction: Correction
    evidence: tuple[str, ...]
    events: tuple[ReadEvent, ...] = field(repr=False)

    def __str__(self) -> str:
        return "\n".join([f"{self.correction.describe()}: {self.verdict}", *self.evidence])


@frozen
class Pending:
    """A correction of which the ledger does not know what became of it.

    Attributes:
        id: The ledger's id of the correction.
        time: When it was about to be sent, as ISO 8601 text.
        correction: What was asked for; `client.events.reconcile` takes it, or this entry.
        who: Who asked for it, if that was given.
        why: Why, if that was given.
        cause: Why the outcome is unknown; None where the process ended before it knew.
    """

    id: str
    time: str
    correction: Correction
    who: str | None = None
    why: str | None = None
    cause: str | None = None
