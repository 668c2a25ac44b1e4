"""The ledger: what was corrected, what is open, and who decided what. It is also the lock of every target."""

from __future__ import annotations

import getpass
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from togai._version import __version__
from togai.corrections._database import database
from togai.corrections._entries import Claim, Entry, Kind
from togai.corrections._rules import Rules
from togai.errors import AlreadyPending, InvalidRequest, LedgerDamaged

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from datetime import datetime

    from togai.corrections._verdict import Reconciliation

WAIT = 30.0
"""Seconds that a ledger waits for other processes by default."""

_VERIFIED_AT_ONCE = 16_000_000
"""Bytes up to which a file is verified when it is opened; a larger one by `verify` only."""


class Ledger:
    """A database of corrections: each is recorded before it is sent, and locks its target until it is settled.

    With a ledger, no call, thread, process or host corrects an event twice: while the outcome of a correction is
    unknown its event is locked, and an event that was undone or replaced is not corrected again. Nothing in it is
    ever changed or deleted.

    It holds customers' events; a file is made readable by its owner only. A file is for the processes of one host,
    and not for network file systems; for several hosts use PostgreSQL.

    Args:
        address: Path of a SQLite file, or a `postgresql://` address (needs `togai[postgres]`).
        create: Create the ledger unless it exists. Without it, a mistyped path is an error.
        who: Who corrects, noted with each entry; the login name by default.

    Raises:
        ConfigurationError: There is no ledger at this address, or it cannot be used.
        LedgerBusy: Another process holds it.
        LedgerDamaged: It is not what was written.

    Example:
        ```python
        ledger = Ledger("corrections.db", create=True, who="ann")
        client = Togai(ledger=ledger)
        ```
    """

    def __init__(
        self, address: str | os.PathLike[str], *, create: bool = False, who: str | None = None
    ) -> None:
        self._database = database(address)
        self.who: str = _required("who", who) if who is not None else _login()
        self._id: str | None = None
        if create:
            self._database.create(WAIT)
            self.head()

    def __repr__(self) -> str:
        return f"Ledger({str(self)!r})"

    def __str__(self) -> str:
        return str(self._database)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without user and password: PGUSER, PGPASSWORD or ~/.pgpass give them.
        return _reopen, (str(self), self.who)

    @contextmanager
    def rules(self, *, write: bool, wait: float = WAIT) -> Generator[Rules]:
        """One transaction on the ledger."""
        with self._database.transaction(wait, write=write) as transaction:
            rules = Rules(self, transaction)
            if self._id is None:
                identity, size = rules.identity(), self._database.size()
                if size is not None and size <= _VERIFIED_AT_ONCE and (damage := rules.problems()):
                    raise LedgerDamaged(str(self), damage)
                self._id = identity
            yield rules

    @property
    def id(self) -> str:
        """The identity of this ledger, which plans remember."""
        if self._id is None:
            self.head()
        return str(self._id)

    def head(self) -> int:
        """Number of the newest entry; 0 in an empty ledger."""
        with self.rules(write=False) as rules:
            return rules.head()

    def pending(self) -> list[Entry]:
        """The corrections whose outcome is unknown, or that are still in progress, the oldest first.

        Returns:
            Their entries, for `client.events.reconcile`.

        Raises:
            LedgerDamaged: An entry is not what was written.
        """
        with self.rules(write=False) as rules:
            return rules.pending()

    def history(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        account_id: str | None = None,
        reference_id: str | None = None,
        plan: str | None = None,
    ) -> Iterator[Entry]:
        """The entries of the ledger, the oldest first.

        Args:
            since: Only those written at this time or later, with a time zone.
            until: Only those written before this time, with a time zone.
            account_id: Only those of this account.
            reference_id: Only those of the event with this reference id.
            plan: Only those of the plan with this digest.

        Yields:
            Entries; `json_lines` writes them for auditors.

        Raises:
            InvalidRequest: A time has no time zone.
            LedgerDamaged: An entry is not what was written.
        """
        for name, moment in (("since", since), ("until", until)):
            if moment is not None and moment.utcoffset() is None:
                raise InvalidRequest(f"{name}={moment!r}: pass a datetime with a time zone")
        wanted = {"account": account_id, "target": reference_id, "plan": plan}
        given = {name: value for name, value in wanted.items() if value is not None}
        condition = " AND ".join([f"{name} = ?" for name in given]) or "1 = 1"
        last, more = 0, True
        while more:
            # A transaction for each portion: whoever reads slowly locks nobody out.
            with self.rules(write=False) as rules:
                entries = rules.entries(
                    f"id > ? AND ({condition})", last, *given.values(), limit=1000
                )
            more = len(entries) == 1000
            for entry in entries:
                last = entry.id
                if (since is None or entry.at >= since) and (until is None or entry.at < until):
                    yield entry

    def json_lines(self, **filters: Any) -> Iterator[str]:
        """The entries as JSON, one line each, for auditors.

        Args:
            **filters: As for `history`.

        Yields:
            Lines without their newline.
        """
        for entry in self.history(**filters):
            yield json.dumps(entry.to_json(), ensure_ascii=True)

    def approve(self, digest: str, *, who: str, why: str) -> None:
        """Record that a person approves a plan; `execute` refuses plans without it.

        Args:
            digest: The plan's `digest`, of the plan as it was shown to this person.
            who: Who approves.
            why: Why.

        Raises:
            InvalidRequest: It is not a digest, or who or why is empty.
        """
        if not re.fullmatch(r"[0-9a-f]{64}", str(digest)):
            raise InvalidRequest(f"digest={digest!r}: pass plan.digest, 64 hexadecimal digits")
        named = _named(who, why)
        with self.rules(write=True) as rules:
            rules.append(Kind.APPROVED, plan=digest, data={"client": __version__}, **named)

    def settle(self, entry: Entry, reconciliation: Reconciliation) -> None:
        """Settle an entry by what `client.events.reconcile` found out; where it cannot tell, the entry stays open.

        Args:
            entry: A pending entry.
            reconciliation: What `client.events.reconcile(entry)` returned.

        Raises:
            InvalidRequest: The entry is settled already, or the reconciliation is of another one.
        """
        found = getattr(reconciliation, "entry", None)
        if not isinstance(found, Entry) or found.id != entry.id or found.at != entry.at:
            raise InvalidRequest(
                f"this reconciliation is not of {entry}: pass client.events.reconcile(entry)"
            )
        verdict = str(reconciliation.verdict)
        kind = Kind(verdict) if verdict in ("applied", "not applied") else Kind.UNKNOWN
        evidence = list(reconciliation.evidence)
        with self.rules(write=True) as rules:
            rules.settle(
                rules.intent(entry),
                kind,
                who=self.who,
                data={"how": "reconciled", "evidence": evidence, "cause": evidence[0]},
            )

    def decide(self, entry: Entry | int, verdict: str, *, who: str, why: str) -> None:
        """Settle an entry by the decision of a person, where reading cannot tell.

        Args:
            entry: A pending entry, or its number.
            verdict: "applied", or "not applied": then the correction may be repeated.
            who: Who decides.
            why: Why: what this person knows, and from whom.

        Raises:
            InvalidRequest: The entry is settled already, or an argument is not allowed.
        """
        if verdict not in ("applied", "not applied"):
            raise InvalidRequest(f'verdict={verdict!r}: pass "applied" or "not applied"')
        named = _named(who, why)
        with self.rules(write=True) as rules:
            rules.settle(rules.intent(entry), Kind(verdict), data={"how": "decided"}, **named)

    def release(self, entry: Entry | int, *, who: str, why: str) -> None:
        """Allow exactly one further correction of an event that was undone or replaced already.

        Args:
            entry: The entry that says that it was corrected, or its number; `AlreadyCorrected` names it.
            who: Who allows it.
            why: Why it is right that this event is corrected once more.

        Raises:
            AlreadyPending: A correction of this event is open.
            InvalidRequest: The entry does not keep the event from being corrected, or who or why is empty.
        """
        named = _named(who, why)
        with self.rules(write=True) as rules:
            intent = rules.intent(entry)
            number = entry if isinstance(entry, int) else entry.id
            found = rules.entries("id = ?", number)[0]
            target = found.target or intent.target
            if target is None or intent.service is None:
                raise InvalidRequest(f"{intent} is about a whole account: release a single event")
            for pending in rules.pending():
                if (pending.service, pending.target) == (intent.service, target):
                    raise AlreadyPending(pending)
            last = rules.corrected(intent.service, target)
            if last is None or intent.id not in (last.intent, last.id):
                raise InvalidRequest(
                    f"{intent} does not keep {target} from being corrected: nothing to release"
                )
            values = {
                name: getattr(last, name)
                for name in ("intent", "action", "service", "account", "target")
            }
            rules.append(Kind.RELEASED, data={"client": __version__}, **values, **named)

    def verify(self) -> int:
        """Read the whole ledger, and check that every entry is what was written and that the locks fit.

        Returns:
            The number of entries.

        Raises:
            LedgerDamaged: Something is not what was written; `problems` names it.
        """
        with self._database.transaction(WAIT, write=False) as transaction:
            rules = Rules(self, transaction)
            rules.identity()
            if problems := rules.problems():
                raise LedgerDamaged(str(self), problems)
            return rules.head()

    # What the calls of a client do with a ledger.

    def begin(
        self,
        claims: Sequence[Claim],
        *,
        service: str,
        call: str,
        why: str | None = None,
        wait: float = WAIT,
    ) -> list[Entry]:
        """Record and lock what is about to be sent; all of it or nothing."""
        try:
            with self.rules(write=True, wait=wait) as rules:
                numbers = rules.begin(claims, service=service, call=call, who=self.who, why=why)
                return [rules.intent(number) for number in numbers]
        except UnicodeError as error:
            raise InvalidRequest(f"the ledger cannot hold this text: {error}") from None

    def conclude(
        self,
        entry: Entry,
        kind: Kind,
        data: Mapping[str, Any],
        *,
        applied: Sequence[str] = (),
        wait: float = WAIT,
    ) -> None:
        """Record the outcome of what was sent. `applied` are further events that the service says it corrected."""
        with self.rules(write=True, wait=wait) as rules:
            if not rules.is_open(entry):
                # A person has decided meanwhile. What the service did must not be forgotten.
                rules.note(entry, Kind.UNKNOWN, {**data, "late": str(kind)})
                return
            for target in applied:
                rules.note(entry, Kind.APPLIED, {**data}, target=target)
            rules.settle(entry, kind, data=dict(data))

    def abandon(self, call: str, cause: str) -> None:
        """Record that a call was never sent, whether or not its intents were written."""
        with self.rules(write=True) as rules:
            for entry in rules.entries("call = ? AND kind = 'intent'", call):
                if rules.is_open(entry):
                    rules.settle(entry, Kind.NOT_APPLIED, data={"how": "not sent", "cause": cause})

    def add_replacement(self, entry: Entry, reference_id: str) -> None:
        """Record the reference id of the event that took the target's place."""
        with self.rules(write=True) as rules:
            rules.note(entry, Kind.REPLACEMENT, {"reference_id": reference_id})


def _reopen(address: str, who: str) -> Ledger:
    return Ledger(address, who=who)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in this container
        return "unknown"


def _named(who: object, why: object) -> dict[str, str]:
    return {"who": _required("who", who), "why": _required("why", why)}


def _required(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise InvalidRequest(f"{name}={value!r}: pass a text that is not empty")
    return value
