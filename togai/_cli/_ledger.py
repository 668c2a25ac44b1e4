"""The commands for the ledger: list open corrections, reconcile, decide, and show the history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from togai._cli._exits import DONE, OPEN, UNKNOWN
from togai._cli._output import OUTPUT, Output, say
from togai._cli._settings import SERVICE, Service, When, short
from togai.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from togai.corrections import Entry, Ledger


@Parameter(name="*", group="Ledger")
@dataclass(frozen=True, kw_only=True)
class Book:
    """The ledger, which records every correction and prevents a second correction of the same event."""

    ledger: Annotated[str | None, Parameter(env_var="TOGAI_LEDGER")] = None
    """The ledger: a file, or a postgresql:// address."""
    who: str | None = None
    """The person who corrects, approves or decides; by default the login name."""

    def open(self) -> Ledger:
        """Open the ledger.

        Raises:
            InvalidRequest: No ledger was passed.
        """
        from togai.corrections import Ledger

        if not self.ledger:
            raise InvalidRequest(
                "no ledger: set TOGAI_LEDGER, or pass --ledger FILE. To create one: togai ledger create FILE"
            )
        ledger = Ledger(self.ledger, who=self.who)
        ledger.pending()  # a mistyped path is an error before anything is read
        return ledger


BOOK = Book()
_COLUMNS = ("entry", "at", "kind", "action", "reference_id", "who", "why")


def pending(*, book: Book = BOOK, output: Output = OUTPUT) -> int:
    """List the corrections whose outcome is unknown. Exit code 3 if there are any."""
    entries = book.open().pending()
    rows = [
        {**_row(entry), "cause": entry.cause or "the process ended before the outcome was known"}
        for entry in entries
    ]
    output.write(rows, ["entry", "at", "action", "reference_id", "who", "cause"])
    say("Check with: togai reconcile" if entries else "Nothing is open.")
    return OPEN if entries else DONE


def reconcile(
    entry: int | None = None,
    *,
    book: Book = BOOK,
    output: Output = OUTPUT,
    service: Service = SERVICE,
) -> int:
    """Check, by reading, whether open corrections were applied, and settle those for which there is evidence.

    Args:
        entry: The number of an entry; by default all open entries.
    """
    ledger = book.open()
    entries = [item for item in ledger.pending() if entry in (None, item.id)]
    if entry is not None and not entries:
        raise InvalidRequest(f"entry {entry} is not open; to list the open entries: togai pending")
    rows: list[dict[str, Any]] = []
    with service.client(ledger=ledger) as client:
        for item in entries:
            result = client.events.reconcile(item)
            ledger.settle(item, result)
            evidence, again = "; ".join(result.evidence), short(result.check_after)
            verdict = {"verdict": str(result.verdict), "evidence": evidence, "check_after": again}
            rows.append({**_row(item), **verdict})
    output.write(rows, ["entry", "action", "reference_id", "verdict", "evidence", "check_after"])
    if left := [item.id for item in ledger.pending() if item.id in {item.id for item in entries}]:
        say(
            f"{len(left)} without a verdict so far. Later: togai reconcile."
            f" If you know the outcome: togai decide {left[0]} applied --why TEXT"
        )
        return UNKNOWN
    say("Nothing is open." if not entries else f"{len(entries)} settled. Next: togai history")
    return DONE


def decide(
    entry: int, verdict: Literal["applied", "not-applied"], *, why: str, book: Book = BOOK
) -> None:
    """Settle an open correction by the decision of a person.

    Args:
        entry: The number of the entry.
        verdict: Whether it was applied. After not-applied, it may be repeated.
        why: What you know, and from whom.
    """
    ledger = book.open()
    ledger.decide(entry, verdict.replace("-", " "), who=ledger.who, why=why)
    say(f"Entry {entry} is settled: {verdict}. Next: togai pending")


def history(
    *,
    account: str | None = None,
    reference_id: str | None = None,
    plan: str | None = None,
    since: When = None,
    until: When = None,
    book: Book = BOOK,
    output: Output = OUTPUT,
) -> None:
    """List the entries of the ledger: approvals, corrections, outcomes, decisions. For auditors, use JSON.

    Args:
        account: Only this account.
        reference_id: Only this event.
        plan: Only the plan with this digest.
        since: Only entries from this date or time on.
        until: Only entries before this date or time.
    """
    entries = book.open().history(
        account_id=account, reference_id=reference_id, plan=plan, since=since, until=until
    )
    if output.json or output.jsonl:
        output.write(item.to_json() for item in entries)
    elif not output.write(map(_row, entries), _COLUMNS):
        say("The ledger has no such entry.")


def create(file: str) -> None:
    """Create a ledger.

    Args:
        file: The file, or a postgresql:// address.
    """
    from togai.corrections import Ledger

    ledger = Ledger(file, create=True)
    address = ledger if "://" in file else Path(file).resolve()
    say(f"Created. Use it with: export TOGAI_LEDGER={address}")


def verify(*, book: Book = BOOK) -> None:
    """Check that no entry of the ledger was damaged or altered."""
    say(f"{book.open().verify():,} entries, all as they were written.")


def release(entry: int, *, why: str, book: Book = BOOK) -> None:
    """Allow one further correction of an event that was already undone or replaced.

    Args:
        entry: The number of the entry of the earlier correction.
        why: Why a further correction of this event is right.
    """
    ledger = book.open()
    ledger.release(entry, who=ledger.who, why=why)
    say(f"Released: the event of entry {entry} may be corrected once more.")


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "entry": str(entry.id),
        "at": short(entry.at),
        "kind": str(entry.kind),
        "action": entry.action,
        "account_id": entry.account,
        "reference_id": entry.target,
        "who": entry.who,
        "why": entry.why,
    }


def corrections_of(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """One row per correction: who, what, the outcome, the quantities before and after."""
    rows: dict[int, dict[str, Any]] = {}
    for entry in entries:
        if entry.kind == "intent":
            correction = entry.data["correction"]
            snapshot = entry.snapshot
            before = _amounts(snapshot.payload if snapshot else None)
            after = {"UNDO": "", "REDO": before}.get(
                str(entry.action), _amounts(correction["event"])
            )
            names = ("at", "who", "action", "reference_id")
            row = {name: value for name, value in _row(entry).items() if name in names}
            rows[entry.id] = {
                **row,
                "outcome": "open",
                "before": before,
                "after": after,
                "why": entry.why,
            }
        elif entry.intent in rows and entry.kind in ("applied", "failed", "not applied", "unknown"):
            rows[entry.intent]["outcome"] = str(entry.kind)
    return list(rows.values())


def _amounts(payload: Mapping[str, Any] | None) -> str:
    return " ".join(
        f"{item['name']}={item['value']}" for item in (payload or {}).get("attributes", [])
    )
