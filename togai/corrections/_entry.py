"""The entries of a ledger as data: what was going to be sent, its outcome, and the decisions of persons."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from attrs import field, fields, frozen

from togai._printable import printable
from togai.corrections._correction import Correction, Target

if TYPE_CHECKING:
    from datetime import datetime


class Kind(enum.StrEnum):
    """The kind of an entry."""

    APPROVED = "approved"
    """A person approved a plan."""
    INTENT = "intent"
    """A correction is about to be sent; its target is locked until the entry is settled."""
    APPLIED = "applied"
    """The correction was applied. Settles the entry."""
    FAILED = "failed"
    """The service did not correct the event, and it was not changed. Settles the entry."""
    NOT_APPLIED = "not applied"
    """The correction was refused, not sent, or proven not to be applied; it may be repeated. Settles the entry."""
    UNKNOWN = "unknown"
    """The outcome is unknown; the entry stays open."""
    REPLACEMENT = "replacement"
    """The reference id of the event that replaced the target."""
    RELEASED = "released"
    """A person allowed one further correction of an event that was corrected already."""


@frozen(kw_only=True)
class Entry:
    """An entry of a ledger.

    Attributes:
        id: The number of the entry; entries are numbered from 1 without gaps.
        at: When it was written, in UTC.
        kind: The `Kind` of the entry.
        intent: The number of the intent that the entry is about; None for an intent itself and for an approval.
        call: The id of the request; all entries of one request have the same id.
        action: UNDO, REDO or REDO_EVENT.
        service: Address of the service.
        account: The account in the request.
        target: Reference id of the event; None for a whole account.
        plan: Digest of the plan that it belongs to.
        item: Number of the plan's item.
        who: The person who corrected, approved or decided.
        why: The reason.
        data: Further details, as JSON: the correction, the event as it was read, cause, request id and status.
        cause: For a pending entry, why the outcome is unknown; None while the call is in progress, or if its process
            ended before it was recorded.
        ledger: The ledger that contains it.
    """

    id: int
    at: datetime
    kind: Kind
    intent: int | None
    call: str | None
    action: str | None
    service: str | None
    account: str | None
    target: str | None
    plan: str | None
    item: str | None
    who: str | None
    why: str | None
    data: dict[str, Any] = field(repr=False)
    cause: str | None = None
    ledger: object = field(default=None, repr=False, eq=False)

    @property
    def correction(self) -> Correction:
        """The correction of an intent; other kinds have none."""
        return Correction.from_json(self.data["correction"])

    @property
    def snapshot(self) -> Target | None:
        """The event as it was read before it was corrected; None if it was not read."""
        source = self.data.get("snapshot")
        return None if source is None else Target(**source)

    @property
    def siblings(self) -> frozenset[str] | None:
        """The reference ids of all events that were read together with the event; None if nothing was read."""
        siblings = self.data.get("siblings")
        return None if siblings is None else frozenset(siblings)

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON."""
        return {
            **{name: getattr(self, name) for name in COLUMNS},
            "at": self.at.isoformat(),
            "kind": str(self.kind),
        }

    def __str__(self) -> str:
        who = f" by {self.who}" if self.who else ""
        about = f" of {self.target or f'all of {self.account}'}" if self.account else ""
        at = f"{self.at:%Y-%m-%d %H:%M:%S}Z"
        kind = f"{self.kind} {self.action}" if self.action else self.kind
        return printable(f"entry {self.id}: {kind}{about} at {at}{who}")


# Their order is part of the format: the checksum of an entry covers its values in this order.
COLUMNS = tuple(each.name for each in fields(Entry) if each.name not in ("cause", "ledger"))
"""The columns of `togai_entry` that the checksum covers."""
