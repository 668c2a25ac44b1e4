"""Convert entries to rows of the database and back."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

from togai._storage import uptime
from togai._version import __version__
from togai.corrections._entry import COLUMNS, Entry, Kind
from togai.errors import LedgerDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from togai.corrections._correction import Correction, Target
    from togai.models import CorrectionAction

SELECT = f"SELECT {', '.join(COLUMNS)}, checksum FROM togai_entry"  # noqa: S608  (constants)


SETTLED = (Kind.APPLIED, Kind.FAILED, Kind.NOT_APPLIED)


@frozen(kw_only=True)
class Claim:
    """A target of a correction that will be sent, for the ledger to record and lock.

    Attributes:
        correction: The correction that is sent.
        target: The event as it was read just before; only its reference id if it was not read; None for a
            whole account.
        siblings: The reference ids of all events that the same reading showed; None where nothing was read.
        accounts: The names that the events of a whole account show.
        matched: The events that a correction of a whole account or in the background matches, as they were read.
        since: The ledger's newest entry before the event was read.
        plan: Digest of the plan that it belongs to.
        item: Number of the plan's item.
    """

    correction: Correction
    target: Target | None
    siblings: frozenset[str] | None = None
    accounts: frozenset[str] = frozenset()
    matched: tuple[Target, ...] = ()
    since: int | None = None
    plan: str | None = None
    item: str | None = None


def entry_of(row: Sequence[Any], ledger: object) -> Entry:
    """The entry in a row.

    Raises:
        LedgerDamaged: The row was damaged or altered.
    """
    values = {name: row[number] for number, name in enumerate(COLUMNS)}
    if checksum(values.values()) != row[len(COLUMNS)]:
        raise LedgerDamaged(str(ledger), [f"entry {values['id']} was damaged or altered"])
    values["at"] = datetime.fromisoformat(values["at"])
    values["kind"] = Kind(values["kind"])
    values["data"] = json.loads(values["data"])
    return Entry(**values, ledger=ledger)


def checksum(values: Iterable[Any]) -> str:
    """The checksum of a row's columns."""
    text = json.dumps(list(values), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def write_json(data: dict[str, Any]) -> str:
    """The details of an entry as text that every database can store."""
    return json.dumps(data, separators=(",", ":"), default=str)


def details(claim: Claim) -> dict[str, Any]:
    """The details that an intent records."""
    target = claim.target
    return {
        "client": __version__,
        "correction": claim.correction.to_json(),
        "snapshot": None
        if target is None or target.payload is None
        else asdict(target, recurse=False),
        "siblings": None if claim.siblings is None else sorted(claim.siblings),
        "accounts": sorted(claim.accounts),
        "uptime": uptime.reading(),
    }


def is_deadly(action: CorrectionAction | str | None) -> bool:
    """Whether this action, once applied, prevents a further correction of the event."""
    return action in ("UNDO", "REDO_EVENT")


def is_applied(entry: Entry) -> bool:
    """Whether an entry says that its event was corrected, even if a person has decided otherwise meanwhile."""
    return Kind.APPLIED in (entry.kind, entry.data.get("late"))
