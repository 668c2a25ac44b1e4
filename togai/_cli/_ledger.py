"""The commands for the ledger: list open corrections, reconcile, decide, and show the history."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from attrs import evolve

from togai._cli._output import Exit, Output, here, lasting, pairs, say, short
from togai._cli._settings import READING, SESSION, Book, Count, Reading, Session, Window
from togai._printable import counted
from togai._salvage import salvage
from togai.corrections import Entry, Ledger, Target
from togai.corrections._ledger import records_of
from togai.corrections._table import amounts
from togai.errors import ConfigurationError, InvalidRequest
from togai.models import Event

Verdict = Literal["applied", "not-applied"]


def pending(*, book: Book = SESSION.book, output: Output = SESSION.output) -> int:
    """List corrections that are in progress or have an unknown outcome. Exit code 3 if there are any."""
    entries = book.open().pending()
    unknown = "in progress, or the process ended before the outcome was known"
    rows = [{**_row(entry), "cause": entry.cause or unknown} for entry in entries]
    output.write(rows, ["entry", "at", "action", "event_id", "reference_id", "who", "cause"])
    say("Check with: togai reconcile" if entries else "Nothing is open.")
    return Exit.OPEN if entries else Exit.DONE


def reconcile(entry: Count | None = None, /, *, session: Session = SESSION) -> int:
    """Read the events to check whether open corrections were applied; settle those for which there is evidence.

    Args:
        entry: The number of an entry; by default all open entries.
    """
    ledger = session.book.open()
    number = entry and _correction(ledger, entry)
    entries = [item for item in ledger.pending() if number in (None, item.id)]
    if number is not None and not entries:
        raise InvalidRequest(f"entry {number} is not open; to list the open entries: togai pending")
    rows: list[dict[str, Any]] = []
    with session.service.client() as client:
        for item in entries:
            result = client.events.reconcile(item)
            ledger.settle(item, result)
            evidence, again = here("; ".join(result.evidence)), short(result.check_after)
            verdict = {"verdict": str(result.verdict), "evidence": evidence, "check_after": again}
            rows.append({**_row(item), **verdict})
    with lasting(OSError):
        columns = "entry action event_id reference_id verdict evidence check_after"
        session.output.write(rows, columns.split())
    checked = {item.id for item in entries}
    if left := [item.id for item in ledger.pending() if item.id in checked]:
        later = "Later: togai reconcile. " if any(row["check_after"] for row in rows) else ""
        known = f"togai decide {left[0]} applied --why TEXT (or not-applied)"
        say(f"{len(left)} without a verdict so far. {later}If you know the outcome: {known}")
        return Exit.UNKNOWN
    settled = "To continue an interrupted plan, repeat its command; to see it: togai history"
    say(f"{len(entries)} settled. {settled}" if entries else "Nothing is open.")
    return Exit.DONE


def decide(entry: Count, verdict: Verdict, /, *, why: str, book: Book = SESSION.book) -> None:
    """Settle an open correction by the decision of a person.

    Args:
        entry: The number of the entry.
        verdict: Whether the correction was applied. After not-applied, it may be repeated.
        why: What you know, and from whom.
    """
    ledger = book.open()
    number = _correction(ledger, entry)
    ledger.decide(number, verdict.replace("-", " "), who=ledger.who, why=why)
    say(f"Entry {number} is settled: {verdict}. Next: togai pending")


def _correction(ledger: Ledger, number: int) -> int:
    """The number of the correction that an entry begins, or belongs to as an outcome; otherwise InvalidRequest."""
    with records_of(ledger).rules(write=False) as rules:
        return rules.intent(number).id


def history(
    *,
    account: str | None = None,
    reference_id: str | None = None,
    plan: str | None = None,
    window: Window = READING,
    book: Book = SESSION.book,
    output: Output = SESSION.output,
) -> None:
    """List the entries of the ledger: approvals, corrections, outcomes, decisions. For auditors, use JSON.

    Args:
        account: Only this account.
        reference_id: Only this event.
        plan: Only the plan with this digest, or with a digest that starts like this.
    """
    entries = book.open().history(
        account_id=account, reference_id=reference_id, since=window.since, until=window.until
    )
    entries = (item for item in entries if (item.plan or "").startswith(plan or ""))
    if output.json or output.jsonl:
        output.write(item.to_json() for item in entries)
        return
    about = ["about"] if output.is_table else ["reference_id", "plan"]
    rows = (_row(item) | ({"about": _about(item)} if output.is_table else {}) for item in entries)
    if not output.write(rows, ["entry", "at", "kind", "action", *about, "who", "why"]):
        say("The ledger has no such entry.")


def _about(entry: Entry) -> str:
    """What an entry is about: an approval about a plan, the others about an event or an account."""
    plan = f"plan {entry.plan[:8]}" if entry.plan else f"account {entry.account}"
    return entry.target or plan


def create(file: str, /) -> None:
    """Create a ledger.

    Args:
        file: The file, or a postgresql:// address.
    """
    try:
        Ledger(file).pending()
        done = "It exists already; nothing was changed."
    except ConfigurationError:
        Ledger(file, create=True)
        done = "Created."
    # An address may hold a password, which is not shown.
    address = "the same address" if "://" in file else Path(file).resolve()
    say(f"{done} Use it with: export TOGAI_LEDGER={address}")


def verify(*, book: Book = SESSION.book) -> None:
    """Check that no entry of the ledger was damaged or altered."""
    say(f"{counted(book.open().verify(), 'entry', 'entries')}, all as written.")


def release(entry: Count, /, *, why: str, book: Book = SESSION.book) -> None:
    """Allow one further correction of an event that an entry shows as undone or replaced by mistake.

    Args:
        entry: The number of the entry of the earlier correction.
        why: Why a further correction of this event is right.
    """
    ledger = book.open()
    ledger.release(entry, who=ledger.who, why=why)
    say(f"Released: the event of entry {entry} may be corrected once more, if it is not REVERTED")


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "entry": str(entry.id), "at": short(entry.at), "kind": str(entry.kind), "action": entry.action,
        "account_id": entry.account, "event_id": entry.snapshot and entry.snapshot.event_id,
        "reference_id": entry.target, "plan": entry.plan, "who": entry.who, "why": entry.why,
    }  # fmt: skip


def corrections_of(entries: Iterable[Entry], reading: Reading) -> list[dict[str, Any]]:
    """One row per correction of these accounts and this period: who, what, the outcome, before and after."""
    rows: dict[int, dict[str, Any]] = {}
    for entry in entries:
        if entry.kind == "intent":
            target = entry.snapshot or Target(reference_id=entry.target)
            event = salvage(Event, target.payload or {}, "event", [])
            accounts = {entry.account, target.account_id}
            other = reading.account and accounts.isdisjoint(reading.account)
            if other or not reading.holds(event.timestamp):
                continue
            values = amounts(evolve(entry.correction, before=(target,)))
            before, after = (pairs(each.items()) for each in values)
            names = ["at", "who", "action", "event_id", "reference_id"]
            row = {name: _row(entry)[name] for name in names} | {"outcome": "open"}
            rows[entry.id] = row | {"before": before, "after": after, "why": entry.why}
        elif entry.intent in rows and entry.kind in ("applied", "failed", "not applied", "unknown"):
            rows[entry.intent]["outcome"] = str(entry.data.get("late") or entry.kind)
    return list(rows.values())
