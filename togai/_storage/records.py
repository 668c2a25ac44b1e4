"""The operations of a client's calls on a ledger: each method is one transaction."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from togai._storage import uptime
from togai._storage.evidence import corrected_elsewhere, rivals, witnesses
from togai._storage.rules import Rules
from togai.corrections._entry import Entry, Kind
from togai.errors import InvalidRequest, LedgerDamaged, StaleReading, TimedOut, TogaiError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import datetime

    from togai._storage.database import Database
    from togai._storage.rows import Claim

WAIT = 30.0
"""Seconds that a ledger waits for other processes by default."""

_LATEST = timedelta(minutes=5)
"""How long after it was recorded a correction may be sent; after ten minutes it may be settled as not applied."""

_RECENT = 100
"""How many earlier entries show whether the clock went back."""

_VERIFIED_AT_ONCE = 16_000_000
"""The maximum size in bytes of a file that is verified when it is opened; for larger files, call `verify`."""


class Records:
    """The transactions of one ledger."""

    def __init__(self, ledger: object, database: Database, who: str) -> None:
        self._ledger = ledger
        self._wait = WAIT
        self._identities: list[str] = []  # at most one, shared with the copies that `within` makes
        self._marks: list[str] = []  # the same
        self._abandoned: dict[str, str] = {}
        self.database = database
        self.who = who

    def within(self, seconds: float) -> Records:
        """The same ledger with transactions that wait at most so long for other processes."""
        bounded = copy(self)
        bounded._wait = seconds  # noqa: SLF001  (a copy of this class)
        bounded._abandoned = {}  # noqa: SLF001
        return bounded

    @contextmanager
    def rules(self, *, write: bool, complete: bool = False) -> Generator[Rules]:
        """One transaction on the ledger; `complete` refuses a ledger that was replaced, or lacks entries."""
        # Taken before: what others write from now on is not missing.
        marks = [*self._marks, self.database.mark()]
        with self.database.transaction(self._wait, write=write) as transaction:
            rules = Rules(self._ledger, transaction)
            if not self._identities:
                identity, size = rules.identity(), transaction.size()
                if size is not None and size <= _VERIFIED_AT_ONCE and (damage := rules.problems()):
                    raise LedgerDamaged(str(self._ledger), damage)
                self._identities.append(identity)
            elif rules.identity() != self._identities[0]:
                raise LedgerDamaged(str(self._ledger), ["it is another ledger than before"])
            missing = list(rules.missing(marks))
            if missing and complete:
                raise LedgerDamaged(str(self._ledger), missing)
            try:
                yield rules
            except (UnicodeError, OverflowError) as error:
                raise InvalidRequest(f"the ledger cannot hold this value: {error}") from None
            mark = rules.mark() if write and not missing else None
        if mark is not None:
            self._marks[:] = [mark]
            self.database.set_mark(mark)

    def identity(self) -> str:
        """The id of the ledger."""
        if not self._identities:
            with self.rules(write=False):
                pass
        return self._identities[0]

    def verify(self) -> int:
        """Check the whole ledger, and return the number of entries."""
        with self.rules(write=False, complete=True) as rules:
            if problems := rules.problems():
                raise LedgerDamaged(str(self._ledger), problems)
            return rules.head()

    def check(self, service: str, reference_id: str | None) -> int:
        """Number of the newest entry, before an event is read again; refuses one that cannot be corrected anyway."""
        with self.rules(write=False, complete=True) as rules:
            if reference_id is not None:
                rules.check_event(service, reference_id)
            return rules.head()

    def has_wide(self, service: str) -> bool:
        """Whether a whole account or a background job is open or was corrected."""
        with self.rules(write=False) as rules:
            return rules.has_wide(service)

    def check_all(self, service: str, reference_ids: Sequence[str | None]) -> None:
        """Refuse events that cannot be corrected."""
        with self.rules(write=False, complete=True) as rules:
            recorded = rules.targets(service)
            for reference_id in reference_ids:
                if reference_id in recorded:
                    rules.check_event(service, reference_id)

    def begin(
        self,
        claims: Sequence[Claim],
        *,
        service: str,
        call: str,
        why: str | None = None,
    ) -> list[Entry]:
        """Record the corrections that will be sent and lock their targets; all of them or none."""
        with self.rules(write=True, complete=True) as rules:
            numbers = rules.begin(claims, service=service, call=call, who=self.who, why=why)
            entries = [rules.intent(number) for number in numbers]
        # Its caller may have been interrupted, and not have seen the entries that this thread was about to commit.
        if call in self._abandoned:
            with suppress(TogaiError):
                self.abandon(call, self._abandoned[call])
        return entries

    def confirm(self, entries: Sequence[Entry]) -> None:
        """Refuse to send a correction that waited so long that it was settled, or may soon be settled as not applied.

        Raises:
            StaleReading: An entry is settled.
            TimedOut: An entry is too old.
            LedgerDamaged: The ledger lacks an entry.
        """
        with self.rules(write=False) as rules:
            self._check_kept(rules, entries)
            for entry in entries:
                if not rules.is_open(entry):
                    raise StaleReading(f"{entry} was settled before its turn came", entry)
                if rules.now() - entry.at > _LATEST:
                    raise TimedOut(f"nothing was sent: the turn of {entry} came too late")

    def conclude(
        self,
        entry: Entry,
        kind: Kind,
        data: Mapping[str, Any],
        *,
        applied: Sequence[str] = (),
    ) -> None:
        """Record the outcome of a request; `applied` are further events that the service corrected.

        Raises:
            LedgerDamaged: The ledger lacks the entry.
        """
        with self.rules(write=True) as rules:
            self._check_kept(rules, [entry])
            if rules.is_recorded(entry, kind):
                return
            if not rules.is_open(entry):
                # A person has decided meanwhile. The response must still be recorded.
                rules.note(entry, Kind.UNKNOWN, {**data, "late": str(kind)})
                for target in applied:
                    late = {**data, "late": str(Kind.APPLIED)}
                    rules.note(entry, Kind.UNKNOWN, late, target=target)
                return
            for target in applied:
                rules.note(entry, Kind.APPLIED, {**data}, target=target)
            rules.settle(entry, kind, data=dict(data))

    def abandon(self, call: str, cause: str) -> None:
        """Record that a call was never sent, whether or not its intents were written; `begin` may still write them."""
        self._abandoned[call] = cause
        with self.rules(write=True) as rules:
            for entry in rules.entries("call = ? AND kind = 'intent'", call):
                if rules.is_open(entry):
                    rules.settle(entry, Kind.NOT_APPLIED, data={"how": "not sent", "cause": cause})

    def _check_kept(self, rules: Rules, entries: Sequence[Entry]) -> None:
        """Refuse a ledger that lost entries: other corrections may have their numbers by now.

        Raises:
            LedgerDamaged: The ledger lacks an entry.
        """
        for entry in entries:
            if not rules.entries("id = ? AND call = ?", entry.id, entry.call):
                problem = f"it lacks {entry}, which was recorded: its server may have failed over, or lost data"
                raise LedgerDamaged(str(self._ledger), [problem])

    def blocked(
        self, service: str, reference_ids: Sequence[str]
    ) -> tuple[str, tuple[int, str], dict[str, str]]:
        """The ledger's id and newest entry, and which of these events cannot be corrected, with the reasons."""
        with self.rules(write=False) as rules:
            pending = {entry.target: entry for entry in rules.pending() if entry.service == service}
            reasons: dict[str, str] = {}
            for reference_id in reference_ids:
                if (corrected := rules.corrected(service, reference_id)) is not None:
                    reasons[reference_id] = f"it was corrected already ({corrected})"
                elif reference_id in pending:
                    reasons[reference_id] = (
                        f"an earlier correction is open ({pending[reference_id]})"
                    )
            head = rules.head()
            return rules.identity(), (head, rules.checksum(head)), reasons

    def check_plan(self, digest: str, ledger: str, position: tuple[int, str]) -> None:
        """Refuse a plan that belongs to another ledger, or is not approved."""
        with self.rules(write=False, complete=True) as rules:
            rules.check_plan(digest, ledger, position)

    def states(self, digest: str) -> dict[str, tuple[Kind, Entry, str | None]]:
        """The outcomes of the items of a plan."""
        with self.rules(write=False) as rules:
            return rules.states(digest)

    def witnesses(self, entry: Entry) -> tuple[datetime, datetime, list[Entry]]:
        """The ledger's time, the earliest time of an entry, and other corrections that left their event reverted."""
        with self.rules(write=False) as rules:
            return rules.now(), earliest(rules, entry), witnesses(rules, entry)

    def rivals(self, entry: Entry) -> tuple[Entry | None, list[Entry]]:
        """What says that another correction of the same event was applied; and what else may have ingested events."""
        with self.rules(write=False) as rules:
            others = [] if entry.action == "UNDO" else rivals(rules, entry)
            return corrected_elsewhere(rules, entry), others

    def add_replacement(self, entry: Entry, reference_id: str) -> None:
        """Record the reference id of the event that replaced the target.

        Raises:
            LedgerDamaged: The ledger lacks the entry.
        """
        with self.rules(write=True) as rules:
            self._check_kept(rules, [entry])
            rules.note(entry, Kind.REPLACEMENT, {"reference_id": reference_id})


def earliest(rules: Rules, entry: Entry) -> datetime:
    """The earliest time of an entry, even if the clock was set meanwhile.

    It is no older than the entries before it, and no older than the clock that nobody sets says.
    """
    at = max(each.at for each in rules.entries("id <= ?", entry.id, newest=_RECENT))
    now, elapsed = rules.now(), uptime.since(entry.data.get("uptime"))
    return at if elapsed is None else max(at, now - elapsed)
