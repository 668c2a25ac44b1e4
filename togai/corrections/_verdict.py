"""Verdicts about corrections with an unknown outcome, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NoReturn

from attrs import field, frozen

from togai._printable import printable

if TYPE_CHECKING:
    from datetime import datetime

    from togai.corrections._correction import Correction
    from togai.corrections._entry import Entry
    from togai.models import ReadEvent


class Verdict(enum.StrEnum):
    """Whether a correction was applied, as far as a read can show."""

    APPLIED = "applied"
    """The event looks as expected after the correction: do not repeat it."""
    NOT_APPLIED = "not applied"
    """There is evidence that the correction was not applied: it may be repeated."""
    CANNOT_TELL = "cannot tell"
    """The evidence is not sufficient. Check again at `check_after`; a person can decide."""


@frozen(kw_only=True)
class Reconciliation:
    """The verdict about a correction with an unknown outcome; as a condition, it raises TypeError: compare `verdict`.

    Attributes:
        verdict: Applied, not applied, or cannot tell.
        correction: The correction.
        evidence: What the read shows, one line per fact.
        check_after: When to check again, if a later read can give a verdict; None if a person must decide.
        entry: The ledger's entry; None without a ledger.
        events: The event as `reconcile` read it.
    """

    verdict: Verdict
    correction: Correction
    evidence: tuple[str, ...]
    check_after: datetime | None = None
    entry: Entry | None = None
    events: tuple[ReadEvent, ...] = field(default=(), repr=False)

    def __bool__(self) -> NoReturn:
        raise TypeError("a reconciliation is not true or false: compare its `verdict`")

    def __str__(self) -> str:
        lines = [f"{self.correction.describe()}: {self.verdict}", *self.evidence]
        if self.check_after is not None:
            lines.append(f"check again after {self.check_after:%Y-%m-%d %H:%M:%S}Z")
        return "\n".join(map(printable, lines))
