"""The rules of a ledger, applied within one transaction: locks, corrected events, and settling an entry once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from togai._storage.rows import (
    SELECT,
    SETTLED,
    Claim,
    checksum,
    details,
    entry_of,
    is_applied,
    is_deadly,
    write_json,
)
from togai._storage.schema import VERSION
from togai._version import __version__
from togai.corrections._entry import COLUMNS, Entry, Kind
from togai.errors import (
    AlreadyCorrected,
    AlreadyPending,
    ConfigurationError,
    InvalidRequest,
    LedgerDamaged,
    NotApproved,
    StaleReading,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from togai._storage.database import Transaction

_IN_SETTLED = f"kind IN ({', '.join(repr(str(kind)) for kind in SETTLED)})"
_COPIED = ("call", "action", "service", "account", "target", "plan", "item")
"""The columns that every entry about an intent copies from it."""


class Rules:
    """The rules of one ledger, for the duration of one transaction."""

    def __init__(self, ledger: object, transaction: Transaction) -> None:
        self._ledger = ledger
        self._transaction = transaction

    def entries(
        self,
        condition: str,
        *values: object,
        limit: int | None = None,
        newest: int | None = None,
    ) -> list[Entry]:
        """The entries that meet a condition, the oldest first; or so many of the newest, the newest first."""
        most = f" DESC LIMIT {newest}" if newest else ("" if limit is None else f" LIMIT {limit}")
        rows = self._transaction.rows(f"{SELECT} WHERE {condition} ORDER BY id{most}", *values)
        return [entry_of(row, self._ledger) for row in rows]

    def identity(self) -> str:
        """The id of the ledger.

        Raises:
            ConfigurationError: Another version wrote it.
            LedgerDamaged: Its id is missing.
        """
        meta: dict[str, str] = dict(self._transaction.rows("SELECT name, value FROM togai_meta"))
        if meta.get("version") != VERSION:
            raise ConfigurationError(
                f"the ledger {self._ledger} has version {meta.get('version')}; this client reads {VERSION}"
            )
        if not meta.get("id"):
            raise LedgerDamaged(str(self._ledger), ["its id is missing"])
        return str(meta["id"])

    def head(self) -> int:
        """The number of the newest entry; 0 if there is none."""
        return int(self._transaction.rows("SELECT coalesce(max(id), 0) FROM togai_entry")[0][0])

    def now(self) -> datetime:
        """The time by the ledger's clock."""
        return self._transaction.now()

    def append(self, kind: Kind, *, data: dict[str, Any], **values: Any) -> int:
        """Write an entry, and return its number."""
        row: dict[str, Any] = {
            **dict.fromkeys(COLUMNS),
            **values,
            "id": self.head() + 1,
            "at": self._transaction.now().isoformat(timespec="microseconds"),
            "kind": str(kind),
            "data": write_json(data),
        }
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        self._transaction.rows(
            f"INSERT INTO togai_entry ({', '.join(COLUMNS)}, checksum) VALUES ({marks})",
            *row.values(),
            checksum(row.values()),
        )
        return int(row["id"])

    def begin(
        self, claims: Sequence[Claim], *, service: str, call: str, who: str | None, why: str | None
    ) -> list[int]:
        """Write an intent for each claim and lock its target; all of them or none.

        Raises:
            AlreadyPending: The outcome of an earlier correction of a target is unknown.
            AlreadyCorrected: A target was corrected, and may not be corrected again.
            StaleReading: A target was corrected after it was read.
            NotApproved: Nobody has approved the plan.
        """
        for claim in claims:
            self._check(claim, service)
        intents: list[int] = []
        for claim in claims:
            selection, target = claim.correction.selection, claim.target
            number = self.append(
                Kind.INTENT,
                call=call,
                action=str(claim.correction.action),
                service=service,
                account=selection.account_id,
                target=None if target is None else target.reference_id,
                plan=claim.plan,
                item=claim.item,
                who=who,
                why=why,
                data=details(claim),
            )
            shown = None if target is None else target.account_id
            self._transaction.rows(
                "INSERT INTO togai_open (service, scope, target, account, event_account, intent)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                *(service, *_lock(claim), selection.account_id, shown, number),
            )
            intents.append(number)
        return intents

    def _check(self, claim: Claim, service: str) -> None:
        if claim.plan is not None and not self.entries(
            f"plan = ? AND kind = '{Kind.APPROVED}'", claim.plan
        ):
            raise NotApproved(claim.plan)
        self._refuse_overlap(claim, service)
        reference_id = None if claim.target is None else claim.target.reference_id
        if reference_id is not None:
            self.check_event(service, reference_id)
            self._refuse_stale(claim, service, reference_id)

    def _refuse_stale(self, claim: Claim, service: str, reference_id: str) -> None:
        if claim.since is None:
            return
        later = "target = ? AND service = ? AND id > ?"
        for entry in reversed(self.entries(later, reference_id, service, claim.since)):
            # A plan does not send an item again that failed, in whichever process.
            failed = entry.kind == Kind.FAILED and claim.plan and entry.plan == claim.plan
            if is_applied(entry) or failed:
                raise StaleReading(
                    f"{reference_id} was corrected after it was read ({entry})", entry
                )

    def check_event(self, service: str, reference_id: str) -> None:
        """Refuse an event that is locked, or that was undone or replaced.

        Raises:
            AlreadyPending: The event is locked.
            AlreadyCorrected: The event was undone or replaced.
        """
        pending = self.entries(
            "id IN (SELECT intent FROM togai_open WHERE service = ? AND scope = 'event' AND target = ?)",
            *(service, reference_id),
        )
        if pending:
            raise AlreadyPending(pending[0])
        corrected = self.corrected(service, reference_id)
        if corrected is not None:
            raise AlreadyCorrected(corrected, self.replacement(corrected))

    def targets(self, service: str) -> set[str]:
        """The reference ids of all events that the ledger names."""
        rows = self._transaction.rows(
            "SELECT DISTINCT target FROM togai_entry WHERE service = ? AND target IS NOT NULL",
            service,
        )
        return {str(row[0]) for row in rows}

    def _refuse_overlap(self, claim: Claim, service: str) -> None:
        """Refuse a correction and one of a whole account that may be about the same events.

        Accounts have aliases: two names are different accounts only where the events were read and show neither.
        """
        account_id, target = claim.correction.selection.account_id, claim.target
        shown = None if target is None else target.account_id
        scope = "" if target is None else " AND scope = 'account'"
        for number, other_scope, *names in self._transaction.rows(
            f"SELECT intent, scope, account, event_account FROM togai_open WHERE service = ?{scope} ORDER BY intent",
            service,
        ):
            entry = self.intent(number)
            same = {account_id, shown, *claim.accounts} & {*names, *entry.data["accounts"]}
            unread = (target is not None and shown is None) or (
                other_scope == "event" and names[1] is None
            )
            if same - {None} or unread:
                raise AlreadyPending(entry, unread=not same - {None})

    def has_wide(self, service: str) -> bool:
        """Whether a whole account or a background job is open or was corrected."""
        wide: dict[int, bool] = {}
        for entry in self.entries("target IS NULL AND service = ?", service):
            if entry.kind in (Kind.INTENT, *SETTLED) or is_applied(entry):
                wide[entry.intent or entry.id] = entry.kind not in (Kind.FAILED, Kind.NOT_APPLIED)
        return any(wide.values())

    def corrected(self, service: str, reference_id: str) -> Entry | None:
        """The entry by which this event was undone or replaced, unless a further correction is allowed."""
        corrected: Entry | None = None
        ever = False
        for entry in self.entries(
            f"target = ? AND service = ? AND kind IN ('{Kind.APPLIED}', '{Kind.UNKNOWN}', '{Kind.RELEASED}')",
            *(reference_id, service),
        ):
            if entry.kind == Kind.RELEASED:
                corrected = None
            elif is_applied(entry):
                # A release allows one further correction, whichever it is.
                ever = ever or is_deadly(entry.action)
                corrected = entry if ever else None
        return corrected

    def replacement(self, entry: Entry) -> str | None:
        """The reference id of the event that replaced a corrected event, if known."""
        entries = self.entries(f"intent = ? AND kind = '{Kind.REPLACEMENT}'", entry.intent)
        return str(entries[-1].data["reference_id"]) if entries else None

    def states(self, plan: str) -> dict[str, tuple[Kind, Entry, str | None]]:
        """The outcomes of the items of a plan: the kind of the settling entry, or `intent` while the item is open."""
        outcomes: dict[str, tuple[Kind, Entry, str | None]] = {}
        for entry in self.entries("plan = ? AND item IS NOT NULL", plan):
            item = str(entry.item)
            if entry.kind == Kind.REPLACEMENT:
                outcomes[item] = (*outcomes[item][:2], str(entry.data["reference_id"]))
            elif entry.kind in (Kind.INTENT, *SETTLED):
                outcomes[item] = (entry.kind, entry, None)
            elif is_applied(entry) and entry.target == outcomes[item][1].target:
                outcomes[item] = (Kind.APPLIED, entry, None)
        return outcomes

    def check_plan(self, digest: str, ledger: str, position: tuple[int, str]) -> None:
        """Refuse a plan that belongs to another ledger, or is not approved.

        Raises:
            InvalidRequest: The plan belongs to another ledger.
            LedgerDamaged: The ledger is older than the plan.
            NotApproved: Nobody has approved the plan.
        """
        if self.identity() != ledger:
            problem = f"the plan does not belong to the ledger {self._ledger}"
            raise InvalidRequest(f"{problem}: use the one it was created with")
        if self.checksum(position[0]) != position[1]:
            problem = f"it lacks entry {position[0]}, which it had when the plan was created: is it an old backup?"
            raise LedgerDamaged(str(self._ledger), [problem])
        if not self.entries(f"plan = ? AND kind = '{Kind.APPROVED}'", digest):
            raise NotApproved(digest)

    def mark(self) -> str:
        """The ledger and its newest entry, as a line."""
        head = self.head()
        return f"{self.identity()} {head} {self.checksum(head)}"

    def missing(self, marks: Sequence[str]) -> Iterator[str]:
        """Why this is not the ledger that was here before, by the lines that `mark` returned then."""
        for mark in filter(None, dict.fromkeys(marks)):
            identity, number, checksum = mark.split(" ")
            if not (ours := identity == self.identity()) or checksum != self.checksum(int(number)):
                lacks = f"lacks entry {number}, which it had before: an old backup?"
                yield (
                    f"it {lacks if ours else 'is another ledger than before.'} To accept it, delete the file"
                    f" {self._ledger}.mark, if there is one, and start a new process"
                )

    def checksum(self, number: int) -> str:
        """The checksum of an entry; empty if there is no such entry."""
        rows = self._transaction.rows("SELECT checksum FROM togai_entry WHERE id = ?", number)
        return str(rows[0][0]) if rows else ""

    def pending(self) -> list[Entry]:
        """The open intents, each with the reason if it is known.

        Raises:
            LedgerDamaged: A lock has no entry.
        """
        causes = {
            entry.intent: entry.data.get("cause")
            for entry in self.entries(
                f"kind = '{Kind.UNKNOWN}' AND intent IN (SELECT intent FROM togai_open)"
            )
            if entry.data.get("how") != "reconciled"
        }
        intents = self.entries(f"id IN (SELECT intent FROM togai_open) AND kind = '{Kind.INTENT}'")
        locks = self._transaction.rows("SELECT intent FROM togai_open")
        if len(intents) != len(locks):
            raise LedgerDamaged(str(self._ledger), ["a lock has no entry"])
        return [evolve(entry, cause=causes.get(entry.id)) for entry in intents]

    def intent(self, entry: Entry | int) -> Entry:
        """The intent to which an entry or a number refers.

        Raises:
            InvalidRequest: The intent is not in this ledger.
        """
        if isinstance(entry, bool) or not isinstance(entry, int | Entry):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequest(f"pass an entry, or its number, not {type(entry).__name__}")
        number = entry if isinstance(entry, int) else entry.id
        entries = self.entries("id = ?", number)
        if isinstance(entry, Entry) and entries and entries[0].at != entry.at:
            raise InvalidRequest(f"entry {number} does not belong to the ledger {self._ledger}")
        if entries and entries[0].intent is not None:
            entries = self.entries("id = ?", entries[0].intent)
        if not entries or entries[0].kind != Kind.INTENT:
            raise InvalidRequest(f"{self._ledger} has no correction {number}: see `history()`")
        return entries[0]

    def settle(self, intent: Entry, kind: Kind, *, data: dict[str, Any], **more: Any) -> None:
        """Write the outcome of an intent; if it is settled, its lock is released.

        Raises:
            InvalidRequest: The intent is already settled.
        """
        if not self.is_open(intent):
            settled = self.entries(f"intent = ? AND {_IN_SETTLED}", intent.id)
            raise InvalidRequest(f"{intent} is already settled: {settled[-1]}")
        self.note(intent, kind, data, **more)
        if kind in SETTLED:
            self._transaction.rows("DELETE FROM togai_open WHERE intent = ?", intent.id)

    def is_open(self, intent: Entry) -> bool:
        """Whether an intent holds its lock."""
        return bool(self._transaction.rows("SELECT 1 FROM togai_open WHERE intent = ?", intent.id))

    def is_recorded(self, intent: Entry, kind: Kind) -> bool:
        """Whether the response of this call was already recorded, before an interruption."""
        entries = self.entries("intent = ? AND kind = ?", intent.id, str(kind))
        return any(entry.data.get("how") == "response" for entry in entries)

    def note(self, intent: Entry, kind: Kind, data: dict[str, Any], **more: Any) -> None:
        """Write an entry about an intent that does not settle it."""
        values = {name: getattr(intent, name) for name in (*_COPIED, "who")}
        self.append(
            kind, data={"client": __version__, **data}, **{**values, "intent": intent.id, **more}
        )

    def _each(self) -> Iterator[Entry]:
        last = 0
        while entries := self.entries("id > ?", last, limit=1000):
            yield from entries
            last = entries[-1].id

    def problems(self) -> list[str]:
        """The damage, one line per problem; reads the whole ledger."""
        problems = self._transaction.damage()
        intents: dict[int, Entry] = {}
        settled: set[int | None] = set()
        expected = 0
        try:
            for entry in self._each():
                expected += 1
                if entry.id != expected:
                    problems.append(f"entries {expected} to {entry.id - 1} are missing")
                    expected = entry.id
                if entry.kind == Kind.INTENT:
                    intents[entry.id] = entry
                elif entry.kind in SETTLED:
                    if entry.intent not in intents:
                        problems.append(f"{entry} does not refer to a correction")
                    settled.add(entry.intent)
        except LedgerDamaged as error:
            return [*problems, *error.problems]
        wanted = {
            (intent.service, *_locked(intent.target, str(intent.account)), number)
            for number, intent in intents.items()
            if number not in settled
        }
        locks = self._transaction.rows("SELECT service, scope, target, intent FROM togai_open")
        if wanted != set(locks):
            problems.append("the locks do not match the entries")
        return problems


def _lock(claim: Claim) -> tuple[str, str]:
    target = None if claim.target is None else claim.target.reference_id
    return _locked(target, claim.correction.selection.account_id)


def _locked(target: str | None, account: str) -> tuple[str, str]:
    return ("account", account) if target is None else ("event", target)
