"""The rows of a ledger as data: what was about to be sent, what became of it, and who decided what."""

from __future__ import annotations

import enum
import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import asdict, field, frozen

from togai._version import __version__
from togai.corrections._correction import Correction, Target
from togai.corrections._schema import COLUMNS
from togai.errors import LedgerDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from togai.corrections._store import Ledger
    from togai.models import CorrectionAction

SELECT = f"SELECT {', '.join(COLUMNS)}, checksum FROM togai_entry"  # noqa: S608  (constants)


class Kind(enum.StrEnum):
    """What a row of the ledger says."""

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
    """The outcome could not be found out; the entry stays open."""
    REPLACEMENT = "replacement"
    """The reference id of the event that took the target's place."""
    RELEASED = "released"
    """A person allowed one further correction of an event that was corrected already."""


SETTLED = (Kind.APPLIED, Kind.FAILED, Kind.NOT_APPLIED)


@frozen(kw_only=True)
class Claim:
    """What a correction is about to do to one target, for the ledger to record and lock.

    Attributes:
        correction: The correction that is sent.
        target: The event as it was read just before; only its reference id where it was not read; None for a
            whole account.
        siblings: The reference ids of all events that the same reading showed; None where nothing was read.
        since: The ledger's newest entry before the event was read.
        plan: Digest of the plan that it belongs to.
        item: Number of the plan's item.
    """

    correction: Correction
    target: Target | None
    siblings: frozenset[str] | None = None
    since: int | None = None
    plan: str | None = None
    item: str | None = None


@frozen(kw_only=True)
class Entry:
    """One row of a ledger.

    Attributes:
        id: Its number; the rows are numbered from 1 without gaps.
        at: When it was written, in UTC.
        kind: What it says, a `Kind`.
        intent: The entry that it is about; None for an intent itself and for an approval.
        call: Common to the entries of one request.
        action: UNDO, REDO or REDO_EVENT.
        service: Address of the service.
        account: The account that the request names.
        target: Reference id of the event; None for a whole account.
        plan: Digest of the plan that it belongs to.
        item: Number of the plan's item.
        who: Who did it.
        why: Why.
        data: Further details, as JSON: the correction, the event as it was read, cause, request id and status.
        cause: Of a pending entry, why its outcome is unknown; None where the process ended before it knew.
        ledger: The ledger that it stands in.
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
    ledger: Ledger | None = field(default=None, repr=False, eq=False)

    @property
    def correction(self) -> Correction:
        """The correction that the entry is about; of an intent only."""
        return Correction.from_json(self.data["correction"])

    @property
    def snapshot(self) -> Target | None:
        """The event as it was read before it was corrected; None where it was not."""
        source = self.data.get("snapshot")
        return None if source is None else Target(**source)

    @property
    def siblings(self) -> frozenset[str] | None:
        """The reference ids of all events that the same reading showed; None where nothing was read."""
        found = self.data.get("siblings")
        return None if found is None else frozenset(found)

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
        return f"entry {self.id}: {self.kind} {self.action or ''}{about} at {self.at:%Y-%m-%d %H:%M:%S}Z{who}"


def entry_of(row: Sequence[Any], ledger: Ledger) -> Entry:
    """The entry in a row.

    Raises:
        LedgerDamaged: The row is not what was written.
    """
    values = dict(zip(COLUMNS, row, strict=False))
    if checksum(row[: len(COLUMNS)]) != row[len(COLUMNS)]:
        raise LedgerDamaged(str(ledger), [f"entry {values['id']} is not what was written"])
    values["at"] = datetime.fromisoformat(values["at"])
    values["kind"] = Kind(values["kind"])
    values["data"] = json.loads(values["data"])
    return Entry(**values, ledger=ledger)


def checksum(values: Iterable[Any]) -> str:
    """What a row's columns come to."""
    text = json.dumps(list(values), ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def write_json(data: dict[str, Any]) -> str:
    """Details of an entry as text that every database can hold."""
    return json.dumps(data, ensure_ascii=True, separators=(",", ":"), default=str)


def details(claim: Claim) -> dict[str, Any]:
    """What an intent records."""
    target = claim.target
    return {
        "client": __version__,
        "correction": claim.correction.to_json(),
        "snapshot": None if target is None or target.payload is None else _json(target),
        "siblings": None if claim.siblings is None else sorted(claim.siblings),
    }


def _json(target: Target) -> dict[str, Any]:
    return asdict(target, recurse=False)


def is_deadly(action: CorrectionAction | str | None) -> bool:
    """Whether an event cannot be corrected again after this action was applied."""
    return action in ("UNDO", "REDO_EVENT")
