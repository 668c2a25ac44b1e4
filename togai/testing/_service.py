"""The service itself: what it stores, and how it answers the three calls. No faults, no I/O."""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import math
import threading
import time
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from attrs import define, frozen

from togai.testing import _checks
from togai.testing._checks import Refused, Selection
from togai.testing._messages import Answer, RecordedRequest, error_answer, json_answer
from togai.testing._records import REVERTED, Record, complete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SYNCHRONOUS_CAP = 30
"""Matches that a call without `async` corrects."""

START = datetime(2024, 12, 4, tzinfo=UTC)
"""When the service takes in its first event, unless a clock is given."""

_STATUS_GROUPS = {
    "PROCESSED": "INGESTION_COMPLETED",
    "IN_PROGRESS": "INGESTION_IN_PROGRESS",
    "FAILED": "INGESTION_FAILED",
}


@frozen(kw_only=True)
class AppliedCorrection:
    """A correction that was applied to an event; one that FAILED is none.

    Attributes:
        action: UNDO, REDO or REDO_EVENT.
        reference_id: Togai's own id of the event.
        replaced_by: The one of the event that REDO_EVENT ingested instead.
        request: The `number` of the request that asked for it.
        background: Whether a job did it.
    """

    action: str
    reference_id: str
    replaced_by: str | None
    request: int
    background: bool


@define(kw_only=True)
class Job:
    """A correction that the service was asked to do in the background.

    Attributes:
        action: UNDO, REDO or REDO_EVENT.
        selection: Which events; all that match when it runs.
        event: What REDO_EVENT ingests.
        request: The `number` of the request that asked for it.
        confirmed: False while it waits for confirmation.
    """

    action: str
    selection: Selection
    event: dict[str, Any] | None
    request: int
    confirmed: bool


class Service:
    """The state, and the answers to requests. Not safe for threads by itself: hold `lock`."""

    def __init__(
        self,
        *,
        token: str,
        requests_per_second: int | None,
        unknown_event: Literal[200, 404],
        refuse_unknown_properties: bool,
        now: Callable[[], datetime] | None,
        clock: Callable[[], float],
    ) -> None:
        self.lock = threading.RLock()
        self.token = token
        self.requests_per_second = requests_per_second
        self.unknown_event = unknown_event
        self.refuse_unknown_properties = refuse_unknown_properties
        self.clock = clock
        self.records: list[Record] = []
        self.corrections: list[AppliedCorrection] = []
        self.jobs: list[Job] = []
        self._now = now
        self._by_account: defaultdict[str | None, list[Record]] = defaultdict(list)
        self._by_id: defaultdict[str | None, list[Record]] = defaultdict(list)
        self._by_reference: defaultdict[str, list[Record]] = defaultdict(list)
        self._started: deque[float] = deque()

    def add(
        self,
        event: Any,
        fields: dict[str, Any],
        *,
        pipeline_info: Any = None,
        uncorrectable: str | None = None,
    ) -> Record:
        """Store an event."""
        number = len(self.records) + 1
        now = self._now() if self._now else START + timedelta(seconds=number)
        wire = complete(event, fields, number=number, now=now)
        record = Record(wire, pipeline_info=pipeline_info, uncorrectable=uncorrectable)
        self.records.append(record)
        self._by_account[record.account_id].append(record)
        self._by_id[record.text("id")].append(record)
        self._by_reference[record.reference_id].append(record)
        return record

    def answer(self, request: RecordedRequest, authorization: str | None) -> Answer:
        """The answer to a request, after acting on it."""
        try:
            call = self._route(request)
            self._authorize(authorization)
            wait = self._quota()
            if wait:
                return error_answer(
                    429,
                    f"more than {self.requests_per_second} requests in a second",
                    {"retry-after": str(wait)},
                )
            return json_answer(200, call())
        except Refused as refusal:
            headers: dict[str, str] = {}
            if refusal.status == 401:
                headers["www-authenticate"] = "Bearer"
            if refusal.status == 405:
                headers["allow"] = "POST" if request.path.endswith("/correction") else "GET"
            return error_answer(refusal.status, refusal.message, headers)

    def _route(self, request: RecordedRequest) -> Callable[[], Any]:
        segments = [unquote(segment) for segment in request.path.split("/")[1:]]
        match segments:
            case ["events"]:
                allowed, call = "GET", self._list
            case ["events", "correction"]:
                allowed, call = "POST", self._correct
            case ["events", event_id] if event_id:
                allowed, call = "GET", self._get
            case _:
                raise Refused(404, f"there is no {request.path}")
        if request.method != allowed:
            raise Refused(405, f"{request.path} takes {allowed}, not {request.method}")
        return lambda: call(request)

    def _authorize(self, authorization: str | None) -> None:
        if not authorization:
            raise Refused(401, "the Authorization header is missing: send Bearer and a token")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Refused(401, "the Authorization header must be Bearer and a token")
        if token.strip() != self.token:
            raise Refused(401, "the token is not valid, or no longer")

    def _quota(self) -> int:
        """Seconds to wait; 0 where the request is within the quota, and then it counts."""
        if self.requests_per_second is None:
            return 0
        now = self.clock()
        while self._started and self._started[0] <= now - 1:
            self._started.popleft()
        if len(self._started) >= self.requests_per_second:
            return max(1, math.ceil(self._started[0] + 1 - now))
        self._started.append(now)
        return 0

    def _list(self, request: RecordedRequest) -> dict[str, Any]:
        query = _checks.check_query(request, _checks.LIST_QUERY)
        size = _checks.page_size(query)
        status, schema = query.get("status"), query.get("schema_name")
        found = self.records
        if "account_id" in query:
            found = self._by_account.get(query["account_id"], [])
        listing = listing_name(query)
        at = read_token(query["nextToken"], listing, len(found)) if "nextToken" in query else 0
        # Events are only ever added at the end, so a place in the list stays what it was.
        page: list[dict[str, Any]] = []
        while at < len(found):
            record = found[at]
            if (schema is None or record.text("schemaName") == schema) and (
                status is None or _has_status(record, status)
            ):
                if len(page) == size:
                    return {"events": page, "nextToken": write_token(at, listing)}
                page.append(record.wire)
            at += 1
        return {"events": page}

    def _get(self, request: RecordedRequest) -> dict[str, Any]:
        _checks.check_query(request, ())
        event_id = unquote(request.path.split("/")[2])
        found = self._by_id.get(event_id, [])
        if not found and self.unknown_event == 404:
            raise Refused(404, f"there is no event {event_id}")
        return {"events": [record.in_full() for record in found]}

    def _correct(self, request: RecordedRequest) -> dict[str, Any]:
        query = _checks.check_query(request, _checks.CORRECTION_QUERY)
        action, selection, background, confirm = _checks.correction(query)
        event = _checks.correction_body(
            request, action, refuse_unknown=self.refuse_unknown_properties
        )
        if background:
            self.jobs.append(
                Job(
                    action=action,
                    selection=selection,
                    event=event,
                    request=request.number,
                    confirmed=not confirm,
                )
            )
            return {}
        matches = heapq.nsmallest(SYNCHRONOUS_CAP, self._matches(selection), key=_correction_order)
        return {"data": self._apply(action, matches, event, request.number, background=False)}

    def run_jobs(self) -> None:
        """Do the jobs that do not wait for confirmation, on all their matches."""
        due = [job for job in self.jobs if job.confirmed]
        self.jobs = [job for job in self.jobs if not job.confirmed]
        for job in due:
            matches = sorted(self._matches(job.selection), key=_correction_order)
            self._apply(job.action, matches, job.event, job.request, background=True)

    def _matches(self, selection: Selection) -> Iterable[Record]:
        if selection.reference_id is not None:
            found = self._by_reference.get(selection.reference_id, [])
        elif selection.event_id is not None:
            found = self._by_id.get(selection.event_id, [])
        else:
            found = self._by_account.get(selection.account_id, [])
        return (
            record
            for record in found
            if record.account_id == selection.account_id
            and selection.event_source_time in (None, record.source_time)
            and selection.created_at in (None, record.created_at)
        )

    def _apply(
        self,
        action: str,
        matches: list[Record],
        event: dict[str, Any] | None,
        request: int,
        *,
        background: bool,
    ) -> list[dict[str, Any]]:
        refusals = [_refusal(record) for record in matches]
        replaced_by = None
        if action == "REDO_EVENT" and None in refusals:
            # The body's event is ingested once, however many events it stands for.
            replaced_by = self.add(event, {}).reference_id
        entries: list[dict[str, Any]] = []
        for record, refusal in zip(matches, refusals, strict=True):
            if refusal is not None:
                entries.append({**record.wire, "status": "FAILED", "reason": refusal})
                continue
            if action != "REDO":
                record.before_reverting = record.status
                record.wire["ingestionStatus"] = {"status": REVERTED}
            self.corrections.append(
                AppliedCorrection(
                    action=action,
                    reference_id=record.reference_id,
                    replaced_by=replaced_by,
                    request=request,
                    background=background,
                )
            )
            done, reason = _OUTCOMES[action]
            entries.append({**record.wire, "status": done, "reason": reason})
        return entries


_OUTCOMES = {
    "UNDO": (REVERTED, "Event reverted"),
    "REDO": ("REVERTED_AND_REINGESTED", "Event reverted and ingested again"),
    "REDO_EVENT": ("REVERTED_AND_REINGESTED", "Event reverted, and the given event ingested"),
}


def _refusal(record: Record) -> str | None:
    """Why an event cannot be corrected."""
    status = record.status or ""
    if record.uncorrectable is not None:
        return record.uncorrectable
    if status == REVERTED:
        return "Event is already reverted"
    if status.startswith("INGESTION_FAILED"):
        return f"Event was not ingested: {status}"
    if status == "INGESTION_IN_PROGRESS":
        return "Event is still being ingested"
    return None


def _has_status(record: Record, status: str) -> bool:
    """Whether an event is in a state; the listing's own words stand for groups of ingestion statuses."""
    actual = record.status or ""
    group = _STATUS_GROUPS.get(status)
    return actual == status if group is None else actual.startswith(group)


def _correction_order(record: Record) -> tuple[float, str, str]:
    """Source time descending, then event id ascending."""
    moment = record.source_time
    return (
        -moment.timestamp() if moment else math.inf,
        record.text("id") or "",
        record.reference_id,
    )


def listing_name(query: dict[str, str]) -> str:
    """A short name of a listing's filters, the same for all its pages."""
    filters = [query.get(name) for name in ("account_id", "schema_name", "status")]
    return hashlib.sha256(json.dumps(filters).encode()).hexdigest()[:12]


def write_token(at: int, listing: str, hop: int = 0) -> str:
    """A page token: a place in a listing. `hop` makes another token of the same place."""
    place = {"at": at, "listing": listing, **({"hop": hop} if hop else {})}
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_token(token: str, listing: str, end: int) -> int:
    """The place that a page token names.

    Raises:
        Refused: The service gave out no such token for this listing.
    """
    try:
        place = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        at, of = place["at"], place["listing"]
    except (ValueError, LookupError, TypeError):
        raise Refused(400, "nextToken is none that this service gave out") from None
    if of != listing:
        raise Refused(400, "nextToken belongs to a listing with other filters")
    if not isinstance(at, int) or not 0 <= at <= end:
        raise Refused(400, "nextToken is none that this service gave out")
    return at


def default_clock() -> float:
    """Seconds, for the quota."""
    return time.monotonic()
