"""The errors of corrections, plans and ledgers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from togai._error import TogaiError
from togai._printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from togai.corrections._correction import Correction
    from togai.corrections._entry import Entry
    from togai.corrections._step import Step
    from togai.models import EventCorrectionInfo


class AlreadyPending(TogaiError):
    """An earlier correction of this event is still in progress, or its outcome is unknown. Nothing was sent.

    Attributes:
        entry: The ledger's entry of the earlier correction.
    """

    entry: Entry

    def __init__(self, entry: Entry, *, unread: bool = False) -> None:
        self.entry = entry
        doubt = " (it may be about the same events: one of the two accounts may be an alias of the other)"
        super().__init__(
            f"nothing was sent, because an earlier correction is open: {entry}{doubt if unread else ''}. If its"
            " process still runs, wait."
            " Otherwise: ledger.settle(entry, client.events.reconcile(entry))"
        )


class AlreadyCorrected(TogaiError):
    """The event was already undone or replaced; a further correction could bill twice. Nothing was sent.

    Attributes:
        entry: The ledger's entry of the earlier correction.
        replacement: Reference id of the event that replaced it, if known.
    """

    entry: Entry
    replacement: str | None

    def __init__(self, entry: Entry, replacement: str | None = None) -> None:
        self.entry = entry
        self.replacement = replacement
        instead = "If another event replaced it, correct that event"
        if replacement is not None:
            instead = f"Correct its replacement {replacement} instead"
        super().__init__(
            f"nothing was sent, because this event was corrected already: {entry}. {instead}; if that entry is a"
            f" mistake, a person can allow one further correction: ledger.release({entry.id}, who=..., why=...)"
        )


class StaleReading(TogaiError):
    """The event has changed, or was corrected, since it was read. Nothing was sent: read it again.

    Attributes:
        entry: The ledger's entry of the later correction; None if a read showed the change.
    """

    entry: Entry | None

    def __init__(self, problem: str, entry: Entry | None = None) -> None:
        self.entry = entry
        super().__init__(f"nothing was sent: {problem}. Read the event again")


class NotApproved(TogaiError):
    """Nobody has approved the plan in this ledger. Nothing was sent.

    Attributes:
        digest: Digest of the plan.
    """

    digest: str

    def __init__(self, digest: str) -> None:
        self.digest = digest
        super().__init__(
            f"nothing was sent, because the plan {digest[:12]} is not approved in this ledger:"
            " read it, then ledger.approve(plan.digest, who=..., why=...)"
        )


class LedgerBusy(TogaiError):
    """Another process held the ledger for longer than this call could wait. Nothing was written.

    Attributes:
        ledger: Address of the ledger.
    """

    ledger: str

    def __init__(self, ledger: str, waited: float) -> None:
        self.ledger = ledger
        super().__init__(
            f"the ledger {ledger} was locked by another process for {waited:g} s: retry, or check"
            " whether a suspended process holds it"
        )


class LedgerDamaged(TogaiError):
    """The ledger was damaged or altered, so it cannot prove what was corrected.

    Attributes:
        ledger: Address of the ledger.
        problems: One line per problem.
    """

    ledger: str
    problems: tuple[str, ...]

    def __init__(self, ledger: str, problems: Sequence[str]) -> None:
        self.ledger = ledger
        self.problems = tuple(problems)
        shown = "; ".join(self.problems[:3]) + ("; ..." if len(self.problems) > 3 else "")
        super().__init__(
            f"the ledger {ledger} is damaged: {shown}. Correct nothing with it: restore a backup, and reconcile"
            " what was corrected since then"
        )


class PlanIncomplete(TogaiError):
    """Not every item of a plan is applied. Executing the same plan again continues; no item is sent twice.

    Attributes:
        steps: The steps of the items that are not applied; each has the reason.
    """

    steps: tuple[Step, ...]

    def __init__(self, summary: str, steps: Sequence[Step] = ()) -> None:
        self.steps = tuple(steps)
        super().__init__(summary)


class CorrectionFailed(TogaiError):
    """The call succeeded, but some events were not corrected.

    Attributes:
        failed: The entries whose status is FAILED; `reason` says why.
        unknown: The entries with any other status that does not mean success.
    """

    failed: tuple[EventCorrectionInfo, ...]
    unknown: tuple[EventCorrectionInfo, ...]

    def __init__(
        self, failed: Sequence[EventCorrectionInfo], unknown: Sequence[EventCorrectionInfo] = ()
    ) -> None:
        self.failed = tuple(failed)
        self.unknown = tuple(unknown)
        reasons = "; ".join(
            printable(f"{entry.reference_id}: {entry.status}, {entry.reason}")
            for entry in (*self.failed, *self.unknown)[:5]
        )
        more = len(self.failed) + len(self.unknown) - 5
        tail = f"; and {more} more" if more > 0 else ""
        super().__init__(
            f"{len(self.failed)} failed and {len(self.unknown)} unknown: {reasons}{tail}"
        )


class CorrectionOutcomeUnknown(TogaiError):
    """A correction was sent, and whether it was applied is unknown. It was not sent again.

    Do not repeat the call: the service has no idempotency key, and a repeated correction can change revenue twice.
    `client.events.reconcile(error)` checks whether it was applied.

    Attributes:
        correction: The correction: action, selection, replacement and options.
        cause: The failure that left the outcome unknown.
        status: The HTTP status of the response; None if there was none.
        entries: The ledger's open entries, one per event; empty without a ledger.
        service: Address of the service.
        at: When the correction was sent.
    """

    correction: Correction
    cause: str
    status: int | None
    entries: tuple[Entry, ...] = ()
    service: str | None = None
    at: datetime | None = None

    def __init__(
        self,
        correction: Correction,
        cause: str,
        *,
        status: int | None = None,
        entries: Sequence[Entry] = (),
        service: str | None = None,
        at: datetime | None = None,
    ) -> None:
        self.correction = correction
        self.cause = cause
        self.status = status
        self.entries = tuple(entries)
        self.service = service
        self.at = at
        open_ = ", ".join(str(entry.id) for entry in self.entries)
        where = f" (open in the ledger {self.entries[0].ledger}: entry {open_})" if open_ else ""
        super().__init__(
            f"{correction.describe()} may or may not have been applied: {cause}.{where}"
            " It was not sent again. Do not repeat it: client.events.reconcile(error) checks whether it was applied"
        )
