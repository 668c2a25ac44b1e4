"""The in-memory events service: its state and the three calls. No I/O."""

from __future__ import annotations

import itertools
import threading
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from attrs import define, evolve, field

from togai._transport import clock
from togai.testing._messages import Refused, Request, Response
from togai.testing._parameters import (
    LISTING_NAMES,
    check_correction,
    check_names,
    event_problems,
    has_status,
    moment,
    page_size,
    read_token,
    same_moment,
    write_token,
)
from togai.testing._records import COMPLETED, JSON, AppliedCorrection, Job, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SYNCHRONOUS_CAP = 30


@define
class Change:
    """An effect of a correction, recorded so that stale reads can show the state before it."""

    record: Record
    before: Record | None
    """The event as it was; None if the event did not exist."""
    time: float
    request: int


@define
class Modes:
    """How the service deviates from its normal behaviour."""

    overlap: int = 0
    lag_seconds: float = 0.0
    lag_requests: int = 0
    ignored: frozenset[str] = frozenset()
    correct_reverted: bool = False
    statuses: dict[str, str] = field(factory=dict[str, str])
    """Ingestion statuses, and the names under which responses show them."""
    change_event: Callable[[Any], Any] | None = None
    accounts: dict[str, str] = field(factory=dict[str, str])
    """Aliases and their accounts."""

    def same_account(self, name: str, other: str) -> bool:
        """Whether two names belong to the same account."""
        return self.accounts.get(name, name) == self.accounts.get(other, other)

    def show(self, event: dict[str, Any]) -> Any:
        """An event as a response shows it."""
        status = event["ingestionStatus"]["status"]
        if status in self.statuses:
            ingestion = {**event["ingestionStatus"], "status": self.statuses[status]}
            event = {**event, "ingestionStatus": ingestion}
        if self.change_event is None:
            return event
        event = deepcopy(event)
        changed = self.change_event(event)
        return event if changed is None else changed


class Service:
    """The state, and the three calls."""

    def __init__(
        self, token: str, now: Callable[[], datetime] | None, seconds: Callable[[], float] | None
    ) -> None:
        self.token = token
        self.modes = Modes()
        self.events: list[Record] = []
        self.corrections: list[AppliedCorrection] = []
        self.jobs: list[Job] = []
        self.refusals: list[str | None] = []
        """Why the next events of corrections are refused; None for an event that is corrected."""
        self.lock = threading.RLock()
        self._late: list[tuple[float, Callable[[], Response]]] = []
        self._changes: list[Change] = []
        self._requests = 0
        self._ids = itertools.count(1)
        self._ticks = itertools.count()
        self._now = now or self._tick
        self._seconds = seconds

    def _tick(self) -> datetime:
        # Not the wall clock, so that the same calls get the same responses.
        return datetime(2024, 12, 31, tzinfo=UTC) + timedelta(milliseconds=next(self._ticks))

    def seconds(self) -> float:
        """The time for quotas, lags and delays."""
        return clock.current.now() if self._seconds is None else self._seconds()

    def ingest(self, payload: JSON, **settings: Any) -> Record:
        """Store an event that follows the contract."""
        if problems := event_problems(payload):
            raise ValueError("the service would refuse this event: " + "; ".join(problems))
        with self.lock:
            created_at = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
            settings.setdefault("created_at", created_at)
            settings.setdefault("reference_id", f"ref-{next(self._ids)}")
            record = Record(payload=payload, **settings)
            self.events.append(record)
            return record

    def defer(self, request: Request, token: str | None, seconds: float) -> Callable[[], Response]:
        """Process a request later: when the returned function is called, or after its delay."""
        process = cache(lambda: self.respond(request, token))

        def finish() -> Response:
            with self.lock:
                return process()

        with self.lock:
            self._late.append((self.seconds() + seconds, finish))
        return finish

    def catch_up(self, *, everything: bool = False) -> None:
        """Process the late requests that are due, or all of them."""
        if not self._late:
            return
        with self.lock:
            now = self.seconds()
            due = [late for late in self._late if everything or late[0] <= now]
            self._late = [late for late in self._late if late not in due]
            for _, finish in due:
                finish()

    def respond(self, request: Request, token: str | None) -> Response:
        """Process a request."""
        with self.lock:
            self._requests += 1
            try:
                return self._route(request, token)
            except Refused as refused:
                return refused.response

    def _route(self, request: Request, token: str | None) -> Response:
        if token != self.token:
            raise Refused(401, "The token is missing or wrong.", {"WWW-Authenticate": "Bearer"})
        parts = request.path.removeprefix("/").split("/")
        if parts[0] != "events" or len(parts) > 2 or request.path.endswith("/"):
            raise Refused(404, f"There is nothing at {request.path}.")
        if request.repeated:
            names = ", ".join(request.repeated)
            raise Refused(400, f"Query parameter {names} is repeated.")
        allowed = "POST" if parts[-1] == "correction" else "GET"
        if request.method != allowed:
            raise Refused(405, f"{request.path} takes {allowed}.", {"Allow": allowed})
        if allowed == "POST":
            return self._correct(request)
        return self._list(request) if len(parts) == 1 else self._get(request, unquote(parts[1]))

    def _list(self, request: Request) -> Response:
        check_names(request.query, LISTING_NAMES)
        query = self._effective(request.query)
        size = page_size(query.get("pageSize"))
        start = read_token(query)
        overlap = min(self.modes.overlap, size - 1)
        page: list[JSON] = []
        positions: list[int] = []
        records = self._visible()
        for position in range(start, len(records)):
            record = records[position]
            if record is None or not self._is_listed(record, query):
                continue
            positions.append(position)
            if len(page) == size:
                token = write_token(positions[-1 - overlap], query)
                return Response.of(200, {"events": page, "nextToken": token})
            page.append(self.modes.show(record.to_json()))
        return Response.of(200, {"events": page})

    def _get(self, request: Request, event_id: str) -> Response:
        check_names(request.query, frozenset())
        events = [
            self.modes.show(record.to_full_json())
            for record in self._visible()
            if record is not None and record.payload.get("id") == event_id
        ]
        return Response.of(200, {"events": events})

    def _visible(self) -> Sequence[Record | None]:
        """The events as a read shows them; None for an event that is not visible yet."""
        seconds, requests = self.modes.lag_seconds, self.modes.lag_requests
        if not (seconds or requests):
            return self.events
        now = self.seconds()
        before: dict[int, Record | None] = {}
        for change in reversed(self._changes):
            if now - change.time < seconds or self._requests - change.request <= requests:
                before[id(change.record)] = change.before
        return [before.get(id(record), record) for record in self.events]

    def _effective(self, query: Mapping[str, str]) -> dict[str, str]:
        """The query without the filters that are ignored."""
        return {name: value for name, value in query.items() if name not in self.modes.ignored}

    def _is_listed(self, record: Record, query: Mapping[str, str]) -> bool:
        account = record.payload["accountId"]
        return (
            self.modes.same_account(query.get("account_id", account), account)
            and query.get("schema_name") in (None, record.payload["schemaName"])
            and has_status(record.status, query.get("status"))
        )

    def _correct(self, request: Request) -> Response:
        query = request.query
        action, event = check_correction(request)
        if query.get("async") == "true":
            confirmed = query.get("require_confirmation") != "true"
            self.jobs.append(Job(action, dict(query), event, confirmed))
            return Response.of(200, {"message": "The correction has been scheduled."})
        matches = self.matches(query)[:SYNCHRONOUS_CAP]
        return Response.of(
            200, {"data": [self._apply(record, action, event) for record in matches]}
        )

    def matches(self, query: Mapping[str, str]) -> list[Record]:
        """The events of a correction, in the order in which they are corrected."""
        account = query["account_id"]
        query = self._effective(query)
        records = [
            record
            for record in self.events
            if self.modes.same_account(account, record.payload["accountId"])
            and query.get("id") in (None, record.reference_id)
            and query.get("event_id") in (None, record.payload.get("id"))
            and same_moment(query.get("event_source_time"), record.payload["timestamp"])
            and same_moment(query.get("created_at"), record.created_at)
        ]
        records.sort(key=lambda record: str(record.payload.get("id", "")))
        records.sort(key=lambda record: moment(record.payload["timestamp"]), reverse=True)
        return records

    def run_jobs(self) -> None:
        """Process the background jobs that are confirmed."""
        with self.lock:
            ready = [job for job in self.jobs if job.confirmed]
            self.jobs = [job for job in self.jobs if not job.confirmed]
            for job in ready:
                for record in self.matches(job.query):
                    self._apply(record, job.action, job.event)

    def _apply(self, record: Record, action: str, event: JSON | None) -> JSON:
        refusal = self.refusals.pop(0) if self.refusals else None
        if record.status != "REVERTED" or not self.modes.correct_reverted:
            refusal = refusal or record.refusal()
        if refusal:
            return {**self.modes.show(record.to_json()), "status": "FAILED", "reason": refusal}
        self._note_change(record, evolve(record))
        self.corrections.append(AppliedCorrection(action, record.reference_id, event))
        if record.status != "REVERTED":
            record.status_before_reverting, record.status = record.status, "REVERTED"
        status, reason = "REVERTED", "Reverted"
        if action != "UNDO":
            status, reason = "REVERTED_AND_REINGESTED", "Reverted and ingested again"
        if action == "REDO":
            record.status = record.status_before_reverting or COMPLETED
            record.status_before_reverting = None
        if event is not None and action == "REDO_EVENT":
            self._note_change(self.ingest(event, customer_id=record.customer_id), None)
        return {**self.modes.show(record.to_json()), "status": status, "reason": reason}

    def _note_change(self, record: Record, before: Record | None) -> None:
        self._changes.append(Change(record, before, self.seconds(), self._requests))
