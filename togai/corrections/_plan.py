"""Plans: what a correction would touch, shown before anything is changed. No I/O but by the functions given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from togai._rows import quantities
from togai.corrections._correction import SYNCHRONOUS_CAP, Correction, Selection, Target
from togai.corrections._matching import is_advisory, matching
from togai.corrections._result import CorrectionResult
from togai.errors import InvalidRequest, PlanChanged, TogaiError
from togai.models import CorrectionAction, Event, EventCorrectionInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from togai._transport.steps import AsyncRun, Run, Steps
    from togai.corrections._ledger import LedgerLike
    from togai.models import ReadEvent


@frozen
class _Line:
    """What a plan remembers of an event, to see whether it has changed."""

    target: Target
    payload: Any


class _Plan:
    """What both plans know. Made by `client.events.plan`."""

    correction: Correction
    """What is asked for."""
    events: tuple[ReadEvent, ...]
    """What matches, in the order in which the service takes them."""
    advisory: bool
    """Whether the match was made here, because the service cannot list by these filters."""

    def __init__(
        self,
        correction: Correction,
        read: Sequence[ReadEvent],
        *,
        reread: Callable[[], Steps[Sequence[ReadEvent]]],
        send: Callable[[Correction, LedgerLike], Steps[CorrectionResult]],
    ) -> None:
        advisory = is_advisory(correction)
        self._reread, self._send = reread, send
        self.correction = correction
        self.events = tuple(matching(correction.selection, read))
        self.advisory = advisory

    @property
    def count(self) -> int:
        """How many events match."""
        return len(self.events)

    @property
    def _counted(self) -> str:
        return "1 event" if self.count == 1 else f"{self.count} events"

    @property
    def exceeds_cap(self) -> bool:
        """Whether one synchronous call would silently leave events out: it stops at 30."""
        return self.count > SYNCHRONOUS_CAP

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before approving."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[str]:
        reverted = sum(_status(event) == "REVERTED" for event in self.events)
        failed = sum(_status(event).startswith("INGESTION_FAILED") for event in self.events)
        untold = sum(Target.of(event).reference_id is None for event in self.events)
        if not self.events:
            yield "no event matches"
        if reverted:
            yield f"{reverted} of {self.count} are reverted already"
        if failed:
            yield f"{failed} of {self.count} failed their ingestion"
        if untold:
            yield f"{untold} of {self.count} have no reference id, so that execute() refuses"
        if self.exceeds_cap:
            yield f"one call would correct {SYNCHRONOUS_CAP} of {self.count}; execute() corrects all, one by one"
        if self.correction.action == CorrectionAction.REDO_EVENT and self.count > 1:
            yield f"the event would be ingested {self.count} times, once for each that it replaces"
        if self.advisory:
            yield "the service cannot list by these filters; they were applied here, so its own choice may differ"

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.correction.describe()}: {self._counted}>"

    def __reduce__(self) -> str:
        raise TypeError("a plan is not pickled: make it where it is executed")

    def __str__(self) -> str:
        columns = ("reference_id", "id", "timestamp", "status", "quantities")
        rows = [
            _cells(Target.of(event).reference_id, event.event_payload, _status(event))
            for event in self.events
        ]
        if self.correction.event is not None:
            rows.append(_cells("becomes", self.correction.event, ""))
        table = [columns, *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [f"Plan: {self.correction.describe()}: {self._counted}", ""]
        for cells in table:
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            lines.append(("  " + "  ".join(padded)).rstrip())
        lines += [f"  ! {warning}" for warning in self.warnings]
        return "\n".join(lines)

    def _chosen(self, limit: Any) -> tuple[ReadEvent, ...]:
        if limit is not None and (
            isinstance(limit, bool) or not isinstance(limit, int) or limit < 1
        ):
            raise InvalidRequest(f"limit={limit!r}: pass a whole number from 1 on, or None for all")
        if any(Target.of(event).reference_id is None for event in self.events):
            raise InvalidRequest(
                "an event of the plan has no reference id, so it cannot be corrected alone; nothing was sent"
            )
        return self.events[:limit]

    def _check_unchanged(self, read: Sequence[ReadEvent]) -> None:
        planned, now = _by_id(self.events), _by_id(matching(self.correction.selection, read))
        changes = [f"{key} is new" for key in now.keys() - planned.keys()]
        changes += [f"{key} is gone" for key in planned.keys() - now.keys()]
        for key in planned.keys() & now.keys():
            was, reads = planned[key].target, now[key].target
            if was.status != reads.status:
                changes.append(f"{key} was {was.status} and is {reads.status}")
            elif planned[key] != now[key]:
                changes.append(f"{key} has changed")
        if changes:
            raise PlanChanged(sorted(changes))

    def _single(self, event: ReadEvent) -> Correction:
        target = Target.of(event)
        selection = Selection(
            account_id=self.correction.selection.account_id, reference_id=target.reference_id
        )
        return evolve(self.correction, selection=selection, before=(target,))

    def _execute(self, limit: int | None, ledger: LedgerLike) -> Steps[CorrectionResult]:
        chosen = self._chosen(limit)
        self._check_unchanged((yield from self._reread()))
        entries: list[EventCorrectionInfo] = []
        for event in chosen:
            try:
                entries.extend((yield from self._send(self._single(event), ledger)))
            except TogaiError as error:
                error.completed = tuple(entries)
                raise
        return CorrectionResult(self.correction, entries, one_by_one=True)


class Plan(_Plan):
    """What a correction would touch, read before anything is changed.

    Print it for a person to approve, then `execute()` it. An event that fits the
    selection but was not read, such as one that arrives a moment later, is never touched by it.

    Attributes:
        correction: What is asked for.
        events: What matches, in the order in which the service takes them.
        advisory: Whether the match was made here, because the service cannot list by these filters.
    """

    def __init__(self, run: Run, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._run = run

    def execute(self, *, limit: int | None = None, ledger: LedgerLike = None) -> CorrectionResult:
        """Correct the planned events one by one, each by Togai's own id, and no others.

        Args:
            limit: Only so many, the first ones of the plan.
            ledger: Where to write what is sent and what came of it.

        Returns:
            What the service says about each event.

        Raises:
            PlanChanged: What the plan would touch has changed since; nothing was sent.
            CorrectionOutcomeUnknown: One call's outcome is unknown; the ones after it were not sent.
            TogaiError: What else a call came to. `completed` holds the entries that were answered before.
        """
        return self._run(self._execute(limit, ledger))


class AsyncPlan(_Plan):
    """What a correction would touch, read before anything is changed.

    Print it for a person to approve, then `await plan.execute()`. An event that fits
    the selection but was not read, such as one that arrives a moment later, is never touched by it.

    Attributes:
        correction: What is asked for.
        events: What matches, in the order in which the service takes them.
        advisory: Whether the match was made here, because the service cannot list by these filters.
    """

    def __init__(self, run: AsyncRun, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._run = run

    async def execute(
        self, *, limit: int | None = None, ledger: LedgerLike = None
    ) -> CorrectionResult:
        """Correct the planned events one by one, each by Togai's own id, and no others.

        Args:
            limit: Only so many, the first ones of the plan.
            ledger: Where to write what is sent and what came of it.

        Returns:
            What the service says about each event.

        Raises:
            PlanChanged: What the plan would touch has changed since; nothing was sent.
            CorrectionOutcomeUnknown: One call's outcome is unknown; the ones after it were not sent.
            TogaiError: What else a call came to. `completed` holds the entries that were answered before.
        """
        return await self._run(self._execute(limit, ledger))


def _by_id(events: Sequence[ReadEvent]) -> dict[str, _Line]:
    return {
        str(target.reference_id): _Line(target, event.event_payload)
        for event in events
        for target in [Target.of(event)]
    }


def _status(event: ReadEvent) -> str:
    return str(getattr(event.ingestion_status, "status", None))


def _cells(reference_id: object, payload: Any, status: str) -> tuple[str, ...]:
    # A damaged event may hold anything in the place of its payload.
    amounts = quantities(payload) if isinstance(payload, Event) else {}
    return (
        str(reference_id),
        str(getattr(payload, "id", None)),
        str(getattr(payload, "timestamp", None)),
        status,
        ", ".join(f"{name}={value}" for name, value in amounts.items()),
    )
