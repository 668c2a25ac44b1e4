"""The commands undo, redo, correct and plan. They create a plan, let a person approve it, and execute it."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cyclopts import Parameter

from togai._cli._exits import DONE, INTERRUPTED, OPEN, SOME_FAILED, UNKNOWN
from togai._cli._ledger import BOOK, Book
from togai._cli._output import OUTPUT, Output, progress, say
from togai._cli._settings import SERVICE, Count, Service, When
from togai.errors import InvalidRequest
from togai.jobs._status import is_reverted
from togai.jobs._table import ids_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from togai import EventWithStatus, Togai
    from togai.corrections import Found, Ledger, Plan


@Parameter(name="*", group="Which events")
@dataclass(frozen=True, kw_only=True)
class Targets:
    """The events to correct: by id, or by time, schema and status."""

    account: str
    """The account of the events."""
    event_id: list[str] = field(default_factory=list[str])
    """The id that an event was sent with; may be repeated."""
    reference_id: list[str] = field(default_factory=list[str])
    """Togai's own id of an event; may be repeated."""
    ids: Path | None = None
    """A file with an event id or a reference id per line."""
    since: When = None
    """Only events from this date or time on."""
    until: When = None
    """Only events before this date or time."""
    schema: str | None = None
    """Only this event schema."""
    status: str | None = None
    """Only this status."""
    whole_account: bool = False
    """Every event of the account that matches; required if neither ids nor a time are passed."""

    def find(self, client: Togai) -> tuple[list[EventWithStatus], list[str]]:
        """The selected events, and the problems with the ids."""
        names = [*self.event_id, *self.reference_id]
        if self.ids:
            names += filter(None, map(str.strip, self.ids.read_text("utf-8-sig").splitlines()))
        if not (names or self.since or self.until or self.whole_account):
            raise InvalidRequest(
                "select the events with --event-id, --reference-id, --ids FILE, --since or --until;"
                " --whole-account for all events of the account"
            )
        events = self._read(client, set(names))
        problems = [] if events.is_complete else ["the account has too many events to read all"]
        if names:
            return _named(events, names, problems)
        return [event for event in events if not is_reverted(event)], problems

    def _read(self, client: Togai, names: set[str]) -> Found:
        with progress("read") as show:
            read = itertools.count(1)

            def fits(event: EventWithStatus) -> bool:
                show(next(read), self.account)
                schema = getattr(event.event_payload, "schema_name", None)
                named = not names or not names.isdisjoint(ids_of(event))
                return named and self.schema in (None, schema)

            return client.events.find(
                self.account, since=self.since, until=self.until, status=self.status, where=fits
            )


def _named(
    events: Found, names: Sequence[str], problems: list[str]
) -> tuple[list[EventWithStatus], list[str]]:
    """The events of ids that match exactly one event, and the problems with the other ids."""
    live = [event for event in events if not is_reverted(event)]
    matches = Counter(name for event in live for name in set(ids_of(event)))
    known = {name for event in events for name in ids_of(event)}
    right = {name for name in names if matches[name] == 1}
    for name in dict.fromkeys(names):
        if matches[name] > 1:
            problem = f"{matches[name]} events have this id; select one with --reference-id"
        else:
            problem = "already reverted" if name in known else "no such event"
        if name not in right:
            problems.append(f"{name}: {problem}")
    return [event for event in live if not right.isdisjoint(ids_of(event))], problems


@Parameter(name="*", group="Approval")
@dataclass(frozen=True, kw_only=True)
class Approval:
    """How the plan is approved and executed."""

    why: str | None = None
    """Why these events are corrected; recorded in the ledger."""
    dry_run: bool = False
    """Show the plan and send nothing."""
    save_plan: Path | None = None
    """Save the plan to this file, so that another person can approve or execute it."""
    expect: Count = None
    """Approve the plan if it has exactly this number of events; required without a terminal."""
    limit: Count = None
    """The maximum number of events to correct now."""
    skip_wrong: bool = False
    """Skip invalid lines and ids."""


APPROVAL = Approval()


def undo(
    *,
    targets: Targets,
    approval: Approval = APPROVAL,
    book: Book = BOOK,
    output: Output = OUTPUT,
    service: Service = SERVICE,
) -> int:
    """Undo events: revert their effects on usage, revenue and entitlements."""
    from togai.corrections import Undo

    with _Run(book, service, approval, output) as run:
        events, problems = targets.find(run.client)
        return run.correct([Undo(event, account_id=targets.account) for event in events], problems)


def redo(
    *,
    targets: Targets,
    approval: Approval = APPROVAL,
    book: Book = BOOK,
    output: Output = OUTPUT,
    service: Service = SERVICE,
) -> int:
    """Undo events and ingest the same events again."""
    from togai.corrections import Redo

    with _Run(book, service, approval, output) as run:
        events, problems = targets.find(run.client)
        return run.correct([Redo(event, account_id=targets.account) for event in events], problems)


def correct(
    file: Path,
    *,
    account: str | None = None,
    decimal_comma: bool = False,
    approval: Approval = APPROVAL,
    book: Book = BOOK,
    output: Output = OUTPUT,
    service: Service = SERVICE,
) -> int:
    """Replace quantities of events from a CSV table.

    Columns: reference_id or event_id; account_id; and attribute and value, or attribute.NAME as in an export.

    Args:
        file: The table.
        account: The account of all lines, if the table has no column account_id.
        decimal_comma: Read 1,5 as 1.5.
    """
    from togai.jobs import read_corrections

    with _Run(book, service, approval, output) as run:
        table = read_corrections(run.client, file, account_id=account, decimal_comma=decimal_comma)
        for problem in table.problems:
            if problem.kind != "error":
                say(str(problem))
        return run.correct(table.items, [str(problem) for problem in table.errors])


class _Run:
    """One run of a command that corrects."""

    def __init__(self, book: Book, service: Service, approval: Approval, output: Output) -> None:
        self._approval, self._output = approval, output
        self._ledger = book.open()
        self.client = service.client(ledger=self._ledger)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def correct(self, items: Sequence[Any], problems: Sequence[str]) -> int:
        """Plan, show, approve and execute.

        Returns:
            The exit code.
        """
        for problem in problems:
            say(problem)
        if problems and not self._approval.skip_wrong:
            say(
                f"{len(problems)} invalid; nothing was sent. Fix them, or skip them with --skip-wrong"
            )
            return self._code_of(problems)
        why = self._why()
        plan = self.client.events.plan(items, why=why)
        show_plan(plan, self._output)
        code = SOME_FAILED if problems else DONE
        left_out = {entry.reference_id for entry in plan.left_out}
        if any(entry.target in left_out for entry in self._ledger.pending()):
            say(
                "Some events are left out, because an earlier correction is open. Check with: togai reconcile"
            )
            code = OPEN
        if not plan.items:
            say("There is nothing to correct.")
            return code
        return max(code, self._approve_and_execute(plan, why))

    def _code_of(self, problems: Sequence[str]) -> int:
        """The exit code for problems. An event may be skipped as corrected although its correction is still open."""
        for entry in self._ledger.pending():
            ids = (entry.target, entry.snapshot.event_id if entry.snapshot else None)
            if any(name and f"{name}: " in problem for name in ids for problem in problems):
                say(f"An earlier correction is open: {entry}. Check with: togai reconcile")
                return OPEN
        return SOME_FAILED

    def _approve_and_execute(self, plan: Plan, why: str) -> int:
        chosen = self._approval.save_plan
        path = chosen or Path(f"togai-plan-{plan.digest[:12]}.json")
        if chosen or not self._approval.dry_run:
            plan.save(path)
        if self._approval.dry_run:
            following = f"togai plan approve {path}" if chosen else "the same without --dry-run"
            say(f"Nothing was sent. Next: {following}")
            return DONE
        approve(self._ledger, plan, self._approval.expect, why)
        say(f"After an interruption, continue with: togai plan execute {path}")
        code = execute(self.client, plan, path, self._approval.limit, self._output)
        if code == DONE and not (chosen or self._approval.limit):
            path.unlink(missing_ok=True)  # nothing is left to continue
        return code

    def _why(self) -> str:
        if not self._approval.why and not self._approval.dry_run:
            return ask("Why are they corrected? ", "say why they are corrected: --why TEXT")
        return self._approval.why or ""


def show_plan(plan: Plan, output: Output) -> None:
    """Show a plan to the person who approves it."""
    if output.is_data:
        say(str(plan))
    else:
        print(plan)


def ask(question: str, otherwise: str) -> str:
    """Read a line that a person types.

    Raises:
        InvalidRequest: There is no terminal, or the line is empty.
    """
    if sys.stdin.isatty():
        sys.stderr.write(question)
        sys.stderr.flush()
        if typed := sys.stdin.readline().strip():
            return typed
    raise InvalidRequest(f"{otherwise}. Nothing was sent")


def approve(ledger: Ledger, plan: Plan, expect: int | None, why: str) -> None:
    """Ask a person to approve a plan by typing the number of its events.

    Raises:
        InvalidRequest: The number does not match.
    """
    count = len(plan.items)
    typed = expect if expect is not None else ask(
        "Type the number of events to correct them: ",
        f"no terminal to confirm on: approve with --expect {count}",
    )  # fmt: skip
    if str(typed) != str(count):
        raise InvalidRequest(
            f"the plan has {count} events, not {typed}. Nothing was sent. Check the plan, then approve it with"
            f" --expect {count}. If an earlier run was interrupted, continue its plan: togai plan execute PLAN"
        )
    ledger.approve(plan.digest, who=ledger.who, why=why)


def execute(client: Togai, plan: Plan, path: Path, limit: int | None, output: Output) -> int:
    """Execute an approved plan.

    Returns:
        The exit code.
    """
    from togai.corrections import Outcome

    again = f"togai plan execute {path}"
    try:
        with progress("corrected", len(plan.items)) as show:
            done = client.events.execute(
                plan, on_failure="continue", limit=limit, on_step=lambda step: show(step.number, "")
            )
    except KeyboardInterrupt:
        say(f"Interrupted. Continue with: {again}")
        return INTERRUPTED
    rows = done.to_rows()
    if output.is_data:
        output.write(rows)
    elif troubled := [
        row for row in rows if row["outcome"] not in (Outcome.APPLIED, Outcome.NOT_REACHED)
    ]:
        output.write(troubled)
    counts = Counter(row["outcome"] for row in rows)
    say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    for outcome, code, following in (
        (Outcome.UNKNOWN, UNKNOWN, "togai reconcile"),
        (Outcome.OPEN, OPEN, "togai pending"),
        (Outcome.NOT_APPLIED, SOME_FAILED, again),
        (Outcome.NOT_REACHED, DONE, again),
    ):
        if counts[outcome]:
            say(f"Next: {following}")
            return code
    say(f"Next: togai history --plan {plan.digest}")
    return DONE if done.is_complete else SOME_FAILED


def plan_show(plan: Path, *, output: Output = OUTPUT) -> None:
    """Show a saved plan.

    Args:
        plan: The file.
    """
    from togai.corrections import Plan

    show_plan(Plan.load(plan), output)


def plan_approve(plan: Path, *, why: str, expect: Count = None, book: Book = BOOK) -> None:
    """Approve a saved plan, by the number of its events.

    Args:
        plan: The file.
        why: Why you approve it; recorded in the ledger.
        expect: The number of events; required without a terminal.
    """
    from togai.corrections import Plan

    ledger, loaded = book.open(), Plan.load(plan)
    print(loaded)
    approve(ledger, loaded, expect, why)
    say(f"Approved. Next: togai plan execute {plan}")


def plan_execute(
    plan: Path,
    *,
    limit: Count = None,
    book: Book = BOOK,
    output: Output = OUTPUT,
    service: Service = SERVICE,
) -> int:
    """Execute an approved plan. After an interruption, repeat the command to continue; nothing is sent twice.

    Args:
        plan: The file.
        limit: The maximum number of events to correct now.
    """
    from togai.corrections import Plan

    with service.client(ledger=book.open()) as client:
        return execute(client, Plan.load(plan), plan, limit, output)
