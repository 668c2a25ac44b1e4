"""Find events, plan corrections, execute plans and reconcile, as steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from togai import _calls, _corrections
from togai._arguments import is_whole, utc_or_none
from togai._claims import check_account, check_unchanged, ledger_of
from togai._printable import counted, shown
from togai._storage.rows import Claim
from togai._transport.steps import Blocking
from togai.corrections._correction import Target, comparable
from togai.corrections._entry import Kind
from togai.corrections._execution import Execution
from togai.corrections._found import FoundEvents, choose
from togai.corrections._matching import Read, ingested, needs_listing, reads_for
from togai.corrections._plan import Item, LeftOut, Plan, corrections_of, warnings_of
from togai.corrections._step import Outcome, Step
from togai.errors import (
    AlreadyCorrected,
    AlreadyPending,
    ConfigurationError,
    CorrectionOutcomeUnknown,
    InvalidRequest,
    LedgerBusy,
    LedgerDamaged,
    NotApproved,
    StaleReading,
    TogaiError,
)
from togai.models import CorrectionAction

if TYPE_CHECKING:
    from togai._settings import Settings
    from togai._storage.records import Records
    from togai._transport.steps import Steps
    from togai._transport.timeout import Timeout
    from togai.corrections._correction import Correction
    from togai.corrections._entry import Entry
    from togai.corrections._ledger import LedgerLike
    from togai.corrections._result import CorrectionResult
    from togai.models import EventWithStatus, ReadEvent

_PER_LISTING = 50
"""How many items without an `id` are looked up by one listing."""


def find(
    settings: Settings,
    account_id: str,
    timeout: float | Timeout | None,
    *,
    reference_ids: Iterable[str] | None,
    event_ids: Iterable[str] | None,
    since: datetime | None,
    until: datetime | None,
    status: str | None,
    where: Callable[[EventWithStatus], object] | None,
    max_events: int,
    **listing: Any,
) -> Steps[FoundEvents]:
    """Read the listing of an account once, and choose events from it.

    Raises:
        InvalidRequest: An argument is not allowed; nothing was sent.
        TogaiError: Any other failure.
    """
    if account_id is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise InvalidRequest("account_id is None: pass the account; its events are to be corrected")
    most = checked_most(max_events)
    wanted = {
        "reference_ids": _names("reference_ids", reference_ids),
        "event_ids": _names("event_ids", event_ids),
    }
    since, until = utc_or_none("since", since), utc_or_none("until", until)
    if status is not None and not isinstance(status, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest(f"status={shown(status)}: pass a status as text")
    if where is not None and not callable(where):
        raise InvalidRequest(f"where={shown(where)}: pass a function that takes an event")
    events, complete = yield from _calls.listed(settings, account_id, timeout, most, **listing)
    return choose(
        events, is_complete=complete, since=since, until=until, status=status, where=where, **wanted
    )


def plan(
    settings: Settings,
    items: Iterable[Item],
    ledger: LedgerLike,
    why: str | None,
) -> Steps[Plan]:
    """Create a plan; no correction is sent."""
    if not isinstance(items, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest("items: pass a list of Undo, Redo and Replace")
    book = _required(settings, ledger)
    # Outside the event loop: thousands of items take a second.
    made: Plan = yield Blocking(partial(_plan, settings.service, book, list(items), why))
    return made


def _plan(service: str, ledger: Records, items: list[Item], why: str | None) -> Plan:
    """The plan of these items, without those that the ledger shows as corrected or open."""
    corrections, left_out = corrections_of(items)
    by_id = {str(correction.selection.reference_id): correction for correction in corrections}
    identity, position, blocked = ledger.blocked(service, list(by_id))
    for reference_id, reason in blocked.items():
        del by_id[reference_id]
        left_out.append(LeftOut(reference_id=reference_id, reason=reason))
    corrections = list(by_id.values())
    warnings = list(warnings_of(corrections))
    if left_out:
        warnings.append(f"left out: {counted(len(left_out), 'event')}, listed above")
    return Plan(
        service=service,
        ledger=identity,
        position=position,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        why=why,
        items=tuple(corrections),
        left_out=tuple(left_out),
        warnings=tuple(warnings),
    )


def execute(
    settings: Settings,
    plan: Plan,
    timeout: float | Timeout | None,
    *,
    on_failure: str,
    limit: int | None,
    on_step: Callable[[Step], object] | None,
    ledger: LedgerLike,
) -> Steps[Execution]:
    """Send the items of an approved plan that are not yet done, one by one."""
    _check_arguments(plan, on_failure, limit)
    book = _required(settings, ledger, timeout)
    if plan.service != settings.service:
        raise InvalidRequest(
            f"the plan is for {plan.service}, and this client is for {settings.service}:"
            f" pass base_url={plan.service}"
        )
    # A copy, so that what is sent is what was approved, even if the caller changes an event meanwhile.
    execution = _Executing(settings, deepcopy(plan), book, timeout)
    yield Blocking(partial(book.check_plan, execution.digest, plan.ledger, plan.position))
    steps: list[Step] = []
    sent, stopped = 0, False
    for number in range(1, len(plan.items) + 1):
        step = yield from execution.earlier(number)
        if step is None:
            if stopped or sent == limit:
                step = execution.step(number, Outcome.NOT_REACHED)
            else:
                step = yield from execution.item(number)
                if not step.earlier:
                    sent += step.outcome in _SENT
                    stopped = step.outcome in _STOP and (
                        on_failure == "stop" or isinstance(step.error, _FATAL)
                    )
            if on_step is not None and step.outcome != Outcome.NOT_REACHED:
                on_step(step)
        steps.append(step)
    return Execution(digest=execution.digest, steps=tuple(steps))


def _check_arguments(plan: object, on_failure: object, limit: object) -> None:
    if not isinstance(plan, Plan):
        raise InvalidRequest(f"execute takes a Plan, not {type(plan).__name__}")
    if not isinstance(on_failure, str) or on_failure not in ("stop", "continue"):
        raise InvalidRequest(f'on_failure={shown(on_failure)}: pass "stop" or "continue"')
    if limit is not None and not is_whole(limit, 1):
        raise InvalidRequest(
            f"limit={shown(limit)}: pass a whole number, 1 or more, or None for all"
        )


_SENT = (Outcome.APPLIED, Outcome.FAILED, Outcome.NOT_APPLIED, Outcome.UNKNOWN)
_STOP = (Outcome.FAILED, Outcome.NOT_APPLIED, Outcome.UNKNOWN, Outcome.CORRECTED, Outcome.CHANGED)

_FATAL = (LedgerBusy, LedgerDamaged, NotApproved, ConfigurationError)


class _Executing:
    """One execution of a plan."""

    def __init__(
        self, settings: Settings, plan: Plan, ledger: Records, timeout: float | Timeout | None
    ) -> None:
        self._settings = settings
        self._plan = plan
        self.digest = plan.digest  # once: it takes as long as all items together
        self._ledger = ledger
        self._timeout = timeout
        self._states: dict[str, tuple[Kind, Entry, str | None]] | None = None
        self._listed: dict[int, list[ReadEvent]] = {}

    def step(self, number: int, outcome: Outcome, **more: Any) -> Step:
        """The outcome of an item."""
        total, (item, _) = len(self._plan.items), self._item(number)
        return Step(number=number, total=total, item=item, outcome=outcome, **more)

    def _item(self, number: int) -> tuple[Correction, Target]:
        """An item, and its event as the plan shows it."""
        item = self._plan.items[number - 1]
        (before,) = item.before
        return item, before

    def earlier(self, number: int) -> Steps[Step | None]:
        """The outcome of an item according to the ledger; None if it may be sent."""
        states = self._states
        if states is None:
            states = yield Blocking(partial(self._ledger.states, self.digest))
            self._states = states
        if str(number) not in states:
            return None
        kind, entry, replacement = states[str(number)]
        outcomes = {
            Kind.APPLIED: Outcome.APPLIED,
            Kind.FAILED: Outcome.FAILED,
            Kind.INTENT: Outcome.OPEN,
        }
        if kind not in outcomes:
            return None
        cause = entry.data.get("cause") or f"{entry}"
        return self.step(
            number,
            outcomes[kind],
            earlier=True,
            entry=entry,
            detail=cause,
            replacement=replacement,
        )

    def item(self, number: int) -> Steps[Step]:
        """Read the event of an item again, and correct it if it is unchanged since the plan."""
        try:
            result, known, twins = yield from self._correct(number)
        except CorrectionOutcomeUnknown as error:
            entry = next(iter(error.entries), None)
            return self.step(number, Outcome.UNKNOWN, detail=error.cause, entry=entry, error=error)
        except (AlreadyPending, AlreadyCorrected, StaleReading) as error:
            return (yield from self._refused(number, error))
        except TogaiError as error:
            return self.step(number, Outcome.NOT_APPLIED, detail=str(error), error=error)
        (entry,) = result.recorded
        if result.failed:
            reason = "; ".join(str(failed.reason) for failed in result.failed)
            return self.step(number, Outcome.FAILED, detail=reason, entry=entry)
        replacement = None if twins else (yield from self._replacement(number, entry, known))
        return self.step(number, Outcome.APPLIED, replacement=replacement, entry=entry)

    def _correct(self, number: int) -> Steps[tuple[CorrectionResult, frozenset[str], bool]]:
        """Send an item; also return the reference ids of the events that were read before.

        The last value is whether one of these is another event whose replacement could look the same.
        """
        item, before = self._item(number)
        check = partial(self._ledger.check, self._settings.service, str(before.reference_id))
        yield Blocking(check)
        events = yield from self._read(number)
        matches = [
            event for event in events if Target.of(event).reference_id == before.reference_id
        ]
        readings = list(map(Target.of, matches))
        if not readings:
            raise StaleReading(f"{before.reference_id} was not found when it was read again")
        for reading in readings:
            check_unchanged(before, reading)
        yield from check_account(self._settings, item.selection.account_id, matches, self._timeout)
        targets = list(map(Target.of, events))
        known = frozenset(str(each.reference_id) for each in targets)
        twins = any(each not in readings and not each.is_reverted for each in targets)
        claim = Claim(
            correction=item,
            target=readings.pop(),
            siblings=known,
            since=self._plan.position[0],
            plan=self.digest,
            item=str(number),
        )
        why = self._plan.why
        result = yield from _corrections.send(
            self._settings, self._ledger, [claim], self._timeout, why
        )
        return result, known, twins

    def _refused(
        self, number: int, error: AlreadyPending | AlreadyCorrected | StaleReading
    ) -> Steps[Step]:
        # Another process that executes the plan may have been faster.
        self._states = None
        step = yield from self.earlier(number)
        if step is not None:
            return step
        outcome = Outcome.CHANGED
        if isinstance(error, AlreadyPending):
            outcome = Outcome.OPEN
        elif isinstance(error, AlreadyCorrected):
            outcome = Outcome.CORRECTED
        return self.step(number, outcome, detail=str(error), entry=error.entry, error=error)

    def _read(self, number: int) -> Steps[list[ReadEvent]]:
        """The current events that show an item and its replacement."""
        if number in self._listed:
            return self._listed[number]
        reads = self._reads(number)
        events: list[ReadEvent] = []
        for read in reads:
            events += yield from _calls.read(self._settings, read, self._timeout)
        if needs_listing(reads):
            # One listing serves the next items of this account that need one.
            numbers = range(number, len(self._plan.items) + 1)
            same = (later for later in numbers if self._reads(later) == reads)
            self._listed = dict.fromkeys(islice(same, _PER_LISTING), events)
        return events

    def _reads(self, number: int) -> tuple[Read, ...]:
        return reads_for(*self._item(number))

    def _replacement(self, number: int, entry: Entry, known: frozenset[str]) -> Steps[str | None]:
        """The reference id of the event that replaced the target, if the service shows it."""
        (item, before), reads = self._item(number), self._reads(number)
        if item.action == CorrectionAction.UNDO or needs_listing(reads):
            return None
        wanted = comparable(ingested(item, before))
        try:
            events: list[ReadEvent] = []
            for read in reads:
                events += yield from _calls.read(self._settings, read, self._timeout)
        except TogaiError:
            return None
        reference_ids = {
            target.reference_id
            for target in map(Target.of, events)
            if target.reference_id not in known
            and target.payload is not None
            and comparable(target.payload) == wanted
        }
        reference_id = reference_ids.pop() if len(reference_ids) == 1 else None
        if reference_id is not None:
            add = partial(self._ledger.add_replacement, entry, reference_id)
            yield from _corrections.record(add)
        return reference_id


def _required(
    settings: Settings, ledger: LedgerLike, timeout: float | Timeout | None = None
) -> Records:
    chosen = ledger_of(settings, ledger, timeout)
    if chosen is None:
        raise ConfigurationError(
            "plans need a ledger: pass ledger=, Togai(ledger=...) or set TOGAI_LEDGER;"
            " create one with togai.corrections.Ledger(path, create=True)"
        )
    return chosen


def checked_most(max_events: object) -> int:
    """Check the argument `max_events`: how many events to read at most.

    Raises:
        InvalidRequest: It is not a whole number of 1 or more.
    """
    if is_whole(max_events, 1):
        return max_events
    raise InvalidRequest(f"max_events={shown(max_events)}: pass a whole number, 1 or more")


def _names(name: str, values: object) -> frozenset[str] | None:
    if values is None:
        return None
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequest(f"{name}={shown(values)}: pass a list of ids")
    ids: list[Any] = list(cast("Any", values))
    if not all(isinstance(item, str) and item.strip() for item in ids):
        raise InvalidRequest(f"{name}: pass ids as text that is not empty")
    return frozenset(ids)
