"""The ledger: records corrections, their outcomes and decisions, and locks the target of each correction."""

from __future__ import annotations

import getpass
import json
import os
import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from togai._arguments import utc_or_none
from togai._printable import shown
from togai._storage.database import database
from togai._storage.records import WAIT, Records, earliest
from togai._version import __version__
from togai.corrections._entry import Entry, Kind
from togai.corrections._plan import Plan
from togai.errors import AlreadyPending, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from togai.corrections._verdict import Reconciliation

MIN_AGE = timedelta(minutes=10)
"""How old a correction without an outcome must be before a person can decide that it was not applied."""


class Ledger:
    """A database of corrections: each is recorded before it is sent, and locks its target until it is settled.

    With a ledger, no call, thread, process or host corrects an event twice: while the outcome of a correction is
    unknown its event is locked, and an event that was undone or replaced is not corrected again. Entries of a ledger
    are never changed or deleted.

    A ledger contains customers' events; a file is created so that only its owner can read it. Use a file for the
    processes of one host, but not on a network file system; for several hosts, use PostgreSQL.

    Args:
        address: Path of a SQLite file, or a `postgresql://` address (needs `togai[postgres]`).
        create: True to create the ledger if it does not exist. By default, a mistyped path is an error.
        who: The person who corrects, recorded in each entry; by default the login name.

    Raises:
        ConfigurationError: There is no ledger at this address, or it cannot be used.
        LedgerBusy: Another process holds the ledger.
        LedgerDamaged: The ledger was damaged or altered.
    """

    def __init__(
        self, address: str | os.PathLike[str], *, create: bool = False, who: str | None = None
    ) -> None:
        self.who: str = _required("who", who) if who is not None else _login()
        self._records = Records(self, database(address), self.who)
        if create:
            self._records.database.create(WAIT)
            self._records.identity()

    def __repr__(self) -> str:
        return f"Ledger({str(self)!r})"

    def __str__(self) -> str:
        records = getattr(self, "_records", None)  # a debugger may show a half-constructed ledger
        return str(records.database) if records else ""

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Ledger, who=self.who), (self._records.database.address(),)

    @property
    def id(self) -> str:
        """The id of this ledger, which its plans contain."""
        return self._records.identity()

    def pending(self) -> list[Entry]:
        """The entries of corrections whose outcome is unknown or that are still in progress, the oldest first.

        Returns:
            The entries, for `client.events.reconcile`.

        Raises:
            LedgerDamaged: An entry was damaged or altered.
        """
        with self._records.rules(write=False) as rules:
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
            since: Only entries written at this time or later, with a time zone.
            until: Only entries written before this time, with a time zone.
            account_id: Only entries of this account.
            reference_id: Only entries of the event with this reference id.
            plan: Only entries of the plan with this digest.

        Yields:
            Entries; `json_lines` writes them for auditors.

        Raises:
            InvalidRequest: A time has no time zone.
            LedgerDamaged: An entry was damaged or altered.
        """
        since, until = utc_or_none("since", since), utc_or_none("until", until)
        wanted = {"account": account_id, "target": reference_id, "plan": plan}
        filters = {
            name: _required(name, value) for name, value in wanted.items() if value is not None
        }
        condition = " AND ".join([f"{name} = ?" for name in filters]) or "1 = 1"
        last, more = 0, True
        while more:
            # A transaction per batch of rows, so that a slow reader does not block other processes.
            with self._records.rules(write=False) as rules:
                entries = rules.entries(
                    f"id > ? AND ({condition})", last, *filters.values(), limit=1000
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
            yield json.dumps(entry.to_json())

    def approve(self, digest: str | Plan, *, who: str, why: str) -> None:
        """Record that a person approves a plan; `execute` refuses a plan that is not approved.

        Args:
            digest: The plan's `digest`, or the plan itself, as it was shown to this person.
            who: The person who approves.
            why: The reason.

        Raises:
            InvalidRequest: `digest` is not a digest, the plan belongs to another ledger, or `who` or `why` is empty.
        """
        if isinstance(digest, Plan):
            if digest.ledger != self.id:
                raise InvalidRequest(
                    f"the plan does not belong to the ledger {self}: use the one it was created with"
                )
            digest = digest.digest
        if not isinstance(cast("object", digest), str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise InvalidRequest(f"digest={shown(digest)}: pass plan.digest, 64 hexadecimal digits")
        named = _named(who, why)
        with self._records.rules(write=True) as rules:
            rules.append(Kind.APPROVED, plan=digest, data={"client": __version__}, **named)

    def settle(self, entry: Entry, reconciliation: Reconciliation) -> None:
        """Settle an entry with the verdict of `client.events.reconcile`; with the verdict "cannot tell" it stays open.

        Args:
            entry: A pending entry.
            reconciliation: What `client.events.reconcile(entry)` returned.

        Raises:
            InvalidRequest: The entry is already settled, or the reconciliation belongs to another entry.
        """
        judged = getattr(reconciliation, "entry", None)
        if not isinstance(judged, Entry) or not _same(judged, entry):
            named = entry if isinstance(entry, Entry) else shown(entry)  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequest(
                f"this reconciliation does not belong to {named}: pass client.events.reconcile(entry)"
            )
        verdict = str(reconciliation.verdict)
        kind = Kind(verdict) if verdict in ("applied", "not applied") else Kind.UNKNOWN
        evidence = list(reconciliation.evidence)
        with self._records.rules(write=True) as rules:
            rules.settle(
                rules.intent(entry),
                kind,
                who=self.who,
                data={"how": "reconciled", "evidence": evidence, "cause": evidence[0]},
            )

    def decide(
        self, entry: Entry | int, verdict: str, *, who: str, why: str, min_age: timedelta = MIN_AGE
    ) -> None:
        """Settle an entry by the decision of a person, if `reconcile` cannot tell.

        Without a recorded outcome, such as a lost connection, the correction may be in progress in another process.
        It is then not applied only after `min_age`.

        Args:
            entry: A pending entry, or its number.
            verdict: "applied", or "not applied"; with "not applied", the correction may be repeated.
            who: The person who decides.
            why: The reason: what this person knows, and from whom.
            min_age: How old a correction without an outcome must be for "not applied"; timedelta(0): its process ended.

        Raises:
            InvalidRequest: The entry is settled or may be in progress, or an argument is not allowed.
        """
        is_text = isinstance(cast("object", verdict), str)
        if not is_text or verdict not in ("applied", "not applied"):
            raise InvalidRequest(f'verdict={shown(verdict)}: pass "applied" or "not applied"')
        if not isinstance(min_age, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequest(f"min_age={shown(min_age)}: pass a timedelta")
        named = _named(who, why)
        with self._records.rules(write=True) as rules:
            intent = rules.intent(entry)
            running = any(each.id == intent.id and not each.cause for each in rules.pending())
            at = earliest(rules, intent)
            if running and verdict == Kind.NOT_APPLIED and rules.now() - at < min_age:
                end = (at + min_age).strftime("%Y-%m-%d %H:%M:%SZ")
                raise InvalidRequest(f"{intent} may be in progress: decide after {end}")
            rules.settle(intent, Kind(verdict), data={"how": "decided"}, **named)

    def release(self, entry: Entry | int, *, who: str, why: str) -> None:
        """Allow exactly one further correction of an event that was undone or replaced already.

        Args:
            entry: The entry of the earlier correction, or its number; `AlreadyCorrected` has it.
            who: The person who allows it.
            why: Why a further correction of this event is right.

        Raises:
            AlreadyPending: A correction of this event is open.
            InvalidRequest: The entry does not prevent a correction of the event, or `who` or `why` is empty.
        """
        named = _named(who, why)
        with self._records.rules(write=True) as rules:
            intent = rules.intent(entry)
            number = entry if isinstance(entry, int) else entry.id
            (row,) = rules.entries("id = ?", number)
            service, target = str(intent.service), row.target
            if target is None:
                raise InvalidRequest(f"{intent} is about a whole account: release a single event")
            for pending in rules.pending():
                if (pending.service, pending.target) == (service, target):
                    raise AlreadyPending(pending)
            last = rules.corrected(service, target)
            if last is None or intent.id not in (last.intent, last.id):
                raise InvalidRequest(
                    f"{intent} does not prevent a correction of {target}: nothing to release"
                )
            values = {
                name: getattr(last, name)
                for name in ("intent", "action", "service", "account", "target")
            }
            rules.append(Kind.RELEASED, data={"client": __version__}, **values, **named)

    def verify(self) -> int:
        """Read the whole ledger, and check that no entry was altered and that the locks match the entries.

        Returns:
            The number of entries.

        Raises:
            LedgerDamaged: The ledger was damaged or altered; `problems` lists the problems.
        """
        return self._records.verify()


def records_of(ledger: Ledger) -> Records:
    """The part of a ledger that the calls of a client use, which is private."""
    return ledger._records  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


LedgerLike = Ledger | str | os.PathLike[str] | None
"""The type of `ledger=`: a ledger or its address; None for the client's ledger."""


def _same(entry: Entry, other: object) -> bool:
    return isinstance(other, Entry) and (entry.id, entry.at) == (other.id, other.at)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in this container
        return "unknown"


def _named(who: object, why: object) -> dict[str, str]:
    return {"who": _required("who", who), "why": _required("why", why)}


def _required(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise InvalidRequest(f"{name}={shown(value)}: pass text that is not empty")
    return value
