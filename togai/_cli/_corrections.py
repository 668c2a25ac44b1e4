"""The commands undo, redo, correct and plan. They create a plan, let a person approve it, and execute it."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve
from cyclopts import Parameter

from togai._cli._exits import DONE, INTERRUPTED, OPEN, SOME_FAILED, UNKNOWN
from togai._cli._output import Output, here, lasting, progress, say
from togai._cli._settings import SESSION, Book, Count, Filters, Session
from togai.corrections import Outcome, Plan, Redo, Undo
from togai.errors import InvalidRequest
from togai.jobs import read_corrections
from togai.jobs._status import is_reverted
from togai.jobs._table import ids_of, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from togai import EventWithStatus, Togai
    from togai.corrections import Execution, Ledger

    Chosen = tuple[Sequence[Any], Sequence[str]]
    """The items of a plan, and what is wrong with the lines or ids of the others."""

_WRONG = "invalid lines or ids are left out"
_UNCHANGED = 20
"""How many unchanged lines are shown: in an edited export, most lines change nothing."""
_LEFT = (Outcome.NOT_REACHED, Outcome.OPEN, Outcome.UNKNOWN, Outcome.NOT_APPLIED)
"""What the same plan can still come to."""


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
    whole_account: bool = False
    """Every event of the account that matches; required if neither ids nor a time are passed."""
    filters: Filters = field(default_factory=Filters)

    def names(self) -> list[str]:
        """The ids that are named."""
        lines = read_text(self.ids).splitlines() if self.ids else []
        names = [*self.event_id, *self.reference_id, *filter(None, map(str.strip, lines))]
        if not (names or self.filters.since or self.filters.until or self.whole_account):
            raise InvalidRequest(
                "select the events with --event-id, --reference-id, --ids FILE, --since or --until;"
                " --whole-account for all events of the account"
            )
        return names

    def correct(self, kind: type[Undo | Redo], approval: Approval) -> int:
        """Undo or redo the events; returns the exit code."""
        names = self.names()

        def choose(client: Togai) -> Chosen:
            read = self.filters.events(client, [self.account], undated=False)
            found = {event.reference_id or id(event): event for event in read}.values()
            live = [event for event in found if not is_reverted(event)]
            chosen, problems = _named(found, names) if names else (live, [])
            return [kind(event, account_id=self.account) for event in chosen], problems

        return approval.correct((kind, self, names), choose)


def _named(
    events: Iterable[EventWithStatus], names: Sequence[str]
) -> tuple[list[EventWithStatus], list[str]]:
    """The events that exactly one of the names means, and what is wrong with the others."""
    found: defaultdict[object, list[EventWithStatus]] = defaultdict(list)
    for event in events:
        for name in set(ids_of(event)):
            found[name].append(event)
    chosen: dict[int, EventWithStatus] = {}
    problems: list[str] = []
    for name in dict.fromkeys(names):
        live = [event for event in found[name] if not is_reverted(event)]
        if len(live) == 1:
            chosen[id(live[0])] = live[0]
            continue
        problem = "already reverted" if found[name] else "no such event"
        if live:
            problem = f"{len(live)} events have this id; select one with --reference-id"
        problems.append(f"{name}: {problem}")
    return list(chosen.values()), problems


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
    skip_invalid: bool = False
    """Skip invalid lines and ids."""
    session: Session = field(default_factory=Session)

    def correct(self, what: object, choose: Callable[[Togai], Chosen]) -> int:
        """Plan, show, approve and execute; or continue an interrupted run of the same command, which `what` names.

        Returns:
            The exit code.
        """
        ledger = self.session.book.open()
        with self.session.service.client(ledger=ledger) as client:
            key = sha256(repr((what, repr(client), ledger.id)).encode()).hexdigest()
            path = Path(f"togai-plan-{key[:12]}.json")
            plan = None if self.dry_run else _interrupted(path, ledger)
            code = SOME_FAILED if plan and (plan.left_out or _WRONG in str(plan.warnings)) else DONE
            if plan is not None:
                _check_number(plan, self.expect)
                say(f"Continuing the interrupted run of this command ({path}, {len(plan)} events).")
            else:
                plan, code = self._new_plan(client, ledger, choose)
                if plan is None or not self._is_approved(plan, path, ledger):
                    return code
                say(f"After an interruption, repeat the command, or: togai plan execute {path}")
            return max(code, execute(client, plan, path, self.limit, self.session.output))

    def _new_plan(
        self, client: Togai, ledger: Ledger, choose: Callable[[Togai], Chosen]
    ) -> tuple[Plan | None, int]:
        """The plan, None where there is nothing to correct; and the exit code so far."""
        items, problems = choose(client)
        for problem in problems:
            say(problem)
        if problems and not self.skip_invalid:
            wrong = f"{len(problems)} invalid; nothing was sent"
            say(f"{wrong}. Fix them, or skip them with --skip-invalid")
            return None, _code_of(problems, ledger)
        why = self.why or ""
        if not why and not self.dry_run:
            why = ask("Why are they corrected? ", "say why they are corrected: --why TEXT")
        plan = client.events.plan(items, why=why)
        if problems:
            plan = evolve(plan, warnings=(*plan.warnings, f"{len(problems)} {_WRONG}"))
        code = SOME_FAILED if problems else DONE
        if left_out := {entry.reference_id for entry in plan.left_out}:
            is_open = any(entry.target in left_out for entry in ledger.pending())
            code = OPEN if is_open else SOME_FAILED
            more = "were corrected already. To correct one once more: togai ledger release ENTRY --why TEXT"
            wait = "have an earlier correction that is open. Check with: togai reconcile"
            say(f"Some events are left out, because they {wait if is_open else more}")
        if not plan.items:
            show_plan(plan, self.session.output)
            say("There is nothing to correct.")
            return None, code
        return plan, code

    def _is_approved(self, plan: Plan, path: Path, ledger: Ledger) -> bool:
        """Save, show and have the plan approved, unless it is a dry run."""
        if self.save_plan:
            plan.save(self.save_plan)
        show_plan(plan, self.session.output)
        if self.dry_run:
            saved = self.save_plan and f"togai plan approve {self.save_plan} --why TEXT"
            say(f"Nothing was sent. Next: {saved or 'the same without --dry-run'}")
            return False
        plan.save(path)  # before the approval: what is approved can be continued
        try:
            approve(ledger, plan, self.expect, str(plan.why))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return True


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

    Args:
        file: The table.
        account: The account of all lines, if the table has no column account_id.
        decimal_comma: Read 1,5 as 1.5.
    """

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
        return table.items, [str(problem) for problem in table.errors]

    return approval.correct(("correct", read_text(file), account, decimal_comma), choose)


def _interrupted(path: Path, ledger: Ledger) -> Plan | None:
    """The plan that an earlier run of the same command has saved and had approved, and did not finish."""
    if not path.exists():
        return None
    plan = load(path)
    kinds = {entry.kind for entry in ledger.history(plan=plan.digest)}
    return plan if "approved" in kinds else None


def _code_of(problems: Sequence[str], ledger: Ledger) -> int:
    """The exit code of problems; an event may only read as corrected because its correction is open."""
    for entry in ledger.pending():
        ids = (entry.target, entry.snapshot.event_id if entry.snapshot else None)
        if any(name and f"{name}: " in problem for name in ids for problem in problems):
            say(f"An earlier correction is open: {entry}. Check with: togai reconcile")
            return OPEN
    return SOME_FAILED


def load(path: Path) -> Plan:
    """Read a plan.

    Raises:
        InvalidRequest: It cannot be read, or is not a plan.
    """
    try:
        return Plan.load(path)
    except (OSError, InvalidRequest) as error:
        problem = f"the plan {path} cannot be read: {getattr(error, 'strerror', error)}"
        save = "To save one: togai correct FILE --dry-run --save-plan PLAN"
        raise InvalidRequest(f"{problem}. {save}") from None


def show_plan(plan: Plan, output: Output) -> None:
    """Show a plan to the person who approves it."""
    if output.is_data:
        say(plan)
    else:
        with lasting():
            print(here(plan))


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
    typed = expect if expect is not None else ask(
        "Type the number of events to correct them: ",
        f"no terminal to confirm on: approve with --expect {len(plan)}",
    )  # fmt: skip
    _check_number(plan, typed)
    ledger.approve(plan.digest, who=ledger.who, why=why)


def _check_number(plan: Plan, number: int | str | None) -> None:
    if number is None or str(number) == str(len(plan)):
        return
    raise InvalidRequest(
        f"the plan has {len(plan)} event{'s' * (len(plan) != 1)}, not {number}. Nothing was sent. Check the plan,"
        f" then approve it with --expect {len(plan)}. If an earlier run in another folder was interrupted, continue"
        " its plan: togai plan execute PLAN"
    )


def execute(client: Togai, plan: Plan, path: Path, limit: int | None, output: Output) -> int:
    """Execute an approved plan. The file of an interrupted run is removed when nothing is left to continue.

    Returns:
        The exit code.
    """
    try:
        with progress("corrected", len(plan)) as show:
            done = client.events.execute(
                plan, on_failure="continue", limit=limit, on_step=lambda step: show(step.number, "")
            )
    except KeyboardInterrupt:
        say(f"Interrupted. Continue with: togai plan execute {path}")
        return INTERRUPTED
    return _report(done, path, output)


def _report(done: Execution, path: Path, output: Output) -> int:
    """Show the outcomes; returns the exit code."""
    rows: list[dict[str, Any]] = [{**row, "detail": here(row["detail"])} for row in done.to_rows()]
    quiet = () if output.is_data else (Outcome.APPLIED, Outcome.NOT_REACHED)
    with lasting(OSError):
        output.write(row for row in rows if row["outcome"] not in quiet)
    counts = Counter(row["outcome"] for row in rows)
    say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    left = not counts.keys().isdisjoint(_LEFT)
    if not left and re.fullmatch(r"togai-plan-[0-9a-f]{12}\.json", path.name):
        path.unlink(missing_ok=True)
    open_ = counts[Outcome.UNKNOWN] or counts[Outcome.OPEN]
    following = f"plan execute {path}" if left else f"history --plan {done.digest}"
    say(f"Next: togai {'reconcile' if open_ else following}")
    if open_:
        return UNKNOWN if counts[Outcome.UNKNOWN] else OPEN
    return SOME_FAILED if counts.keys() - {Outcome.APPLIED, Outcome.NOT_REACHED} else DONE


def plan_show(plan: Path, /, *, output: Output = SESSION.output) -> None:
    """Show a saved plan; with --json, --jsonl or --csv all its corrections.

    Args:
        plan: The file.
    """
    loaded = load(plan)
    if output.is_data:
        output.write(item.to_json() for item in loaded.items)
    else:
        show_plan(loaded, output)


def plan_approve(
    plan: Path, /, *, why: str, expect: Count = None, book: Book = SESSION.book
) -> None:
    """Approve a saved plan, by the number of its events.

    Args:
        plan: The file.
        why: Why you approve it; recorded in the ledger.
        expect: The number of events; required without a terminal.
    """
    ledger, loaded = book.open(), load(plan)
    show_plan(loaded, SESSION.output)
    approve(ledger, loaded, expect, why)
    say(f"Approved. Next: togai plan execute {plan}")


def plan_execute(plan: Path, /, *, limit: Count = None, session: Session = SESSION) -> int:
    """Execute an approved plan; after an interruption, repeat the command to continue: nothing is sent twice.

    Args:
        plan: The file.
        limit: The maximum number of events to correct now.
    """
    with session.service.client(ledger=session.book.open()) as client:
        return execute(client, load(plan), plan, limit, session.output)
