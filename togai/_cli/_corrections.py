"""The commands undo, redo, correct and plan. They create a plan, let a person approve it, and execute it."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve
from cyclopts import Parameter

from togai._cli._output import Exit, Output, here, lasting, progress, say
from togai._cli._settings import SESSION, Book, Count, Filters, Session
from togai.corrections import Outcome, Plan, Redo, Undo
from togai.errors import InvalidRequest, TogaiError
from togai.jobs import is_reverted, read_corrections
from togai.jobs._table import ids_of, meant, read_text, unplannable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from togai import EventWithStatus, Togai
    from togai.corrections import Execution, Ledger

    Chosen = tuple[Sequence[Any], Sequence[object]]
    """The items of a plan, and what is wrong with the lines or ids of the others."""

_WRONG = "invalid lines or ids are left out"
_UNCHANGED = 20
"""How many unchanged lines are shown: in an edited export, most lines change nothing."""
_LEFT = (Outcome.NOT_REACHED, Outcome.OPEN, Outcome.UNKNOWN, Outcome.NOT_APPLIED)
"""The outcomes after which executing the plan again may correct an event."""
_CODES = {
    Outcome.APPLIED: Exit.DONE, Outcome.NOT_REACHED: Exit.DONE, Outcome.OPEN: Exit.OPEN, Outcome.UNKNOWN: Exit.UNKNOWN,
}  # fmt: skip
"""The exit codes of outcomes; all others mean that some failed."""


@dataclass(frozen=True, kw_only=True)
class Targets(Filters):
    """The events to correct: by id, or by time, schema and status."""

    account: str
    """The account of the events."""
    event_id: list[str] = field(default_factory=list[str])
    """The id that an event was sent with; may be repeated."""
    reference_id: list[str] = field(default_factory=list[str])
    """Togai's own id of an event; may be repeated."""
    ids: Path | None = None
    """A file with an event id or a reference id per line."""
    whole_account: bool = False
    """Every event of the account that matches; required if neither ids nor a time are passed."""

    def correct(self, kind: type[Undo | Redo], approval: Approval) -> int:
        """Undo or redo the events; returns the exit code."""
        lines = read_text(self.ids).splitlines() if self.ids else []
        names = [*self.event_id, *self.reference_id, *filter(None, map(str.strip, lines))]
        if not names and (self.ids or not (self.since or self.until or self.whole_account)):
            raise InvalidRequest(
                "no event is selected: pass --event-id, --reference-id, --ids FILE, --since, --until or --whole-account"
            )
        return approval.correct((kind, self, names), partial(self._choose, kind, names))

    def _choose(self, kind: type[Undo | Redo], names: Sequence[str], client: Togai) -> Chosen:
        """The corrections of the named events, or of all, and why the other events or names are left out."""
        which = Filters(schema=self.schema) if names else self
        by_name: defaultdict[str, list[EventWithStatus]] = defaultdict(list)
        matches = list(which.events(client, [self.account], undated=False))
        if not (names or matches):
            raise InvalidRequest("no event matches: check --account, --since, --until, --schema")
        for read in matches:
            for name in set(ids_of(read)):
                by_name[name].append(read)
        live = [("", read) for read in matches if not is_reverted(read)]
        named = [(name, self._meant(by_name[name.strip()])) for name in dict.fromkeys(names)]
        items: list[Undo | Redo] = []
        problems: list[str] = []
        for name, event in named or live:
            if isinstance(event, str):
                problems.append(f"{name}: {event}")
            elif unread := unplannable(event):
                problems.append(f"{name or next(filter(None, ids_of(event)), 'none')}: {unread}")
            else:
                items.append(kind(event, account_id=self.account))
        return items, problems

    def _meant(self, events: Sequence[EventWithStatus]) -> EventWithStatus | str:
        """The event that an id means, of all events with this id; otherwise the problem."""
        kept = [event for event in events if not self.excluding(event, undated=False)]
        if events and not kept:
            return f"{self.excluding(events[0], undated=False)} excludes this event"
        schema = f" and the schema {self.schema}" if self.schema else ""
        return meant(kept, f"{self.account}{schema}")


@Parameter(name="*", group="Approval")
@dataclass(frozen=True, kw_only=True)
class Approval(Session):
    """How the plan is approved and executed."""

    why: str | None = None
    """Why these events are corrected; recorded in the ledger."""
    dry_run: bool = False
    """Show the plan and send nothing."""
    save_plan: Path | None = None
    """Save the plan to this file, so that another person can approve or execute it."""
    expect: Count | None = None
    """Approve the plan if it has exactly this number of events; required without a terminal."""
    limit: Count | None = None
    """The maximum number of events to correct now."""
    skip_invalid: bool = False
    """Skip invalid lines and ids."""

    def correct(self, what: object, choose: Callable[[Togai], Chosen]) -> int:
        """Plan, approve and execute, or continue an interrupted run of the same command; returns the exit code."""
        ledger = self.book.open()
        with self.service.client(ledger=ledger) as client:
            service = client._settings.service  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            key = sha256(repr((what, repr(client), ledger.id)).encode()).hexdigest()
            path = Path(f"togai-plan-{key[:12]}.json")
            if not self.dry_run and (plan := _interrupted(path, ledger)):
                _check_number(plan, self.expect)
                say(f"Continuing the interrupted run of this command: {path}, events: {len(plan)}")
                left_out = plan.left_out or _WRONG in str(plan.warnings)
                done = self.execute(client, ledger, plan, path)
                return max(Exit.SOME_FAILED, done) if left_out else done
            items, problems = choose(client)
            for problem in problems:
                say(problem)
            if problems and not self.skip_invalid:
                say(f"{len(problems)} invalid; nothing was sent. Fix them, or pass --skip-invalid")
                return _left_out(ledger, service)
            why = self.why
            if not (why or self.dry_run):
                why = ask("Why are they corrected? ", "say why they are corrected: --why TEXT")
            plan = client.events.plan(items, why=why)
            if problems:
                plan = evolve(plan, warnings=(*plan.warnings, f"{len(problems)} {_WRONG}"))
            code: int = _left_out(ledger, service) if problems or plan.left_out else Exit.DONE
            if self._is_approved(plan, path, ledger):
                code = max(code, self.execute(client, ledger, plan, path))
            return code

    def _is_approved(self, plan: Plan, path: Path, ledger: Ledger) -> bool:
        """Show the plan, and save it and have it approved, unless it is empty or a dry run."""
        if self.save_plan and plan.items:
            if self.save_plan.exists():
                Plan.load(self.save_plan)  # refuses to replace a file of another kind
            plan.save(self.save_plan)
        show_plan(plan, self.output)
        if self.output.is_data and (self.dry_run or not plan.items):
            self.output.write(item.to_json() for item in plan.items)
        if not plan.items:
            say("There is nothing to correct.")
        elif self.dry_run:
            saved = self.save_plan and f"togai plan approve {self.save_plan} --why TEXT"
            say(f"Nothing was sent. Next: {saved or 'the same without --dry-run'}")
        else:
            plan.save(path)  # before the approval: what is approved can be continued
            try:
                approve(ledger, plan, self.expect, str(plan.why))
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            say(f"After an interruption, repeat the command, or: togai plan execute {path}")
            return True
        return False

    def execute(self, client: Togai, ledger: Ledger, plan: Plan, path: Path) -> int:
        """Execute an approved plan, and remove the file of a run that is complete; returns the exit code."""
        try:
            with progress("corrected", len(plan)) as show:
                done = client.events.execute(
                    plan, on_failure="continue", limit=self.limit, on_step=lambda step: show(step.number, "")
                )  # fmt: skip
        except KeyboardInterrupt:
            say(f"Interrupted. Continue with: togai plan execute {path}")
            return Exit.INTERRUPTED
        rows = [{**row, "detail": here(row["detail"])} for row in done.to_rows()]
        quiet = () if self.output.is_data else (Outcome.APPLIED, Outcome.NOT_REACHED)
        with lasting(OSError):
            self.output.write(row for row in rows if row["outcome"] not in quiet)
        counts, earlier = Counter(step.outcome for step in done), sum(step.earlier for step in done)
        more = f"; {earlier} of these in an earlier run" if earlier else ""
        say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + more)
        left = not counts.keys().isdisjoint(_LEFT)
        if not left and re.fullmatch(r"togai-plan-[0-9a-f]{12}\.json", path.name):
            path.unlink(missing_ok=True)
        code = _code_of(done, ledger)
        following = f"plan execute {path}" if left else f"history --plan {done.digest[:8]}"
        say(f"Next: togai {'reconcile' if code in (Exit.OPEN, Exit.UNKNOWN) else following}")
        return code


def _code_of(done: Execution, ledger: Ledger) -> int:
    """The exit code of an execution; open also where the ledger could not record that an event was corrected."""
    codes = [_CODES.get(step.outcome, Exit.SOME_FAILED) for step in done]
    known = (Outcome.APPLIED, Outcome.FAILED)
    steps = [step for step in done if step.outcome in known and not step.earlier]
    sent = {step.entry and step.entry.id for step in steps}
    try:
        for entry in ledger.history(plan=done.digest) if sent else ():
            if entry.data.get("late", entry.kind) in known:
                sent.discard(entry.intent)
    except TogaiError as error:
        say(error)
    return max([*codes, Exit.OPEN] if sent else codes, default=Exit.DONE)


APPROVAL = Approval()


def undo(*, targets: Targets, approval: Approval = APPROVAL) -> int:
    """Undo events: their effect on usage, revenue and entitlements."""
    return targets.correct(Undo, approval)


def redo(*, targets: Targets, approval: Approval = APPROVAL) -> int:
    """Undo events and ingest the same events again."""
    return targets.correct(Redo, approval)


def correct(
    file: Path,
    /,
    *,
    account: str | None = None,
    decimal_comma: bool = False,
    approval: Approval = APPROVAL,
) -> int:
    """Replace quantities of events from a CSV table.

    Columns: reference_id or event_id; account_id; and attribute and value, or attribute.NAME as in an export.
    In an edited export, only quantities may differ from the events.

    Args:
        file: The table.
        account: The account of all lines, if the table has no column account_id.
        decimal_comma: Read 1,5 as 1.5.
    """
    if file.is_fifo():  # it is read twice
        raise InvalidRequest(f"{file} is a pipe: pass the path of a file")

    def choose(client: Togai) -> Chosen:
        with progress("read") as show:
            table = read_corrections(
                client, file, account_id=account, decimal_comma=decimal_comma,
                on_progress=lambda count: show(count, ""),
            )  # fmt: skip
        unchanged = [problem for problem in table.problems if problem.kind == "unchanged"]
        for problem in table.problems:
            if problem.kind == "warning" or problem in unchanged[:_UNCHANGED]:
                say(problem)
        if more := unchanged[_UNCHANGED:]:
            say(f"{len(more):,} more lines change nothing.")
        return table.items, table.errors

    return approval.correct(("correct", read_text(file), account, decimal_comma), choose)


def _interrupted(path: Path, ledger: Ledger) -> Plan | None:
    """The plan that an earlier run of the same command has saved and had approved, and did not finish."""
    plan = Plan.load(path) if path.exists() else None
    history = ledger.history(plan=plan.digest) if plan else ()
    return plan if any(entry.kind == "approved" for entry in history) else None


def _left_out(ledger: Ledger, service: str) -> int:
    """Report an open correction, as an event may look corrected because of it; returns the exit code."""
    entries = [entry for entry in ledger.pending() if entry.service == service]
    for entry in entries[:1]:
        say(f"An earlier correction is open: {entry}. Check with: togai reconcile")
    return Exit.OPEN if entries else Exit.SOME_FAILED


def show_plan(plan: Plan, output: Output) -> None:
    """Show a plan to the person who approves it."""
    if output.is_data:
        say(plan)
    else:
        with lasting():
            print(here(plan))
    if any("corrected" in item.reason for item in plan.left_out):
        say("If such an entry is a mistake: togai ledger release ENTRY --why TEXT")


def ask(question: str, otherwise: str) -> str:
    """Read a line that a person types; InvalidRequest if there is no terminal, or the line is empty."""
    if sys.stdin.isatty():
        print(question, end="", file=sys.stderr, flush=True)
        if typed := sys.stdin.readline().strip():
            return typed
    raise InvalidRequest(f"{otherwise}. Nothing was sent")


def approve(ledger: Ledger, plan: Plan, expect: int | None, why: str) -> None:
    """Ask a person to approve a plan by typing the number of its events; InvalidRequest if it differs."""
    advice = f"not approved: type the number of events on a terminal, or pass --expect {len(plan)}"
    _check_number(plan, expect or ask("Type the number of events to correct them: ", advice))
    ledger.approve(plan, who=ledger.who, why=why)


def _check_number(plan: Plan, number: int | str | None) -> None:
    if number is not None and str(number) != str(len(plan)):
        raise InvalidRequest(
            f"the plan has {len(plan)} event{'s' * (len(plan) != 1)}, not {number}. Nothing was sent. Check the plan,"
            f" then approve it with --expect {len(plan)}. If an earlier run in another folder was interrupted,"
            " continue its plan: togai plan execute PLAN"
        )


def plan_show(plan: Path, /, *, output: Output = SESSION.output) -> None:
    """Show a saved plan; with --json, --jsonl or --csv all its corrections.

    Args:
        plan: The file.
    """
    loaded = Plan.load(plan)
    if output.is_data:
        output.write(item.to_json() for item in loaded.items)
    else:
        show_plan(loaded, output)


def plan_approve(
    plan: Path, /, *, why: str, expect: Count | None = None, book: Book = SESSION.book
) -> None:
    """Approve a saved plan, by the number of its events.

    Args:
        plan: The file.
        why: Why you approve it; recorded in the ledger.
        expect: The number of events; required without a terminal.
    """
    ledger, loaded = book.open(), Plan.load(plan)
    show_plan(loaded, SESSION.output)
    approve(ledger, loaded, expect, why)
    say(f"Approved. Next: togai plan execute {plan}")


def plan_execute(plan: Path, /, *, limit: Count | None = None, session: Session = SESSION) -> int:
    """Execute an approved plan; after an interruption, repeat the command to continue: nothing is sent twice.

    Args:
        plan: The file.
        limit: The maximum number of events to correct now.
    """
    ledger, run = session.book.open(), Approval(limit=limit, output=session.output)
    with session.service.client(ledger=ledger) as client:
        return run.execute(client, ledger, Plan.load(plan), plan)
