"""The events service in memory: what it holds, and how it answers the three calls. No I/O."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import re
import threading
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, unquote

from attrs import define, evolve, field, frozen

from togai._contract import problems
from togai._requests import MAX_PAGE_SIZE
from togai._salvage import salvage
from togai._transport import clock
from togai.models import Event
from togai.testing._modes import Change, LateWork, Modes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from togai._drift import Deviation

JSON = dict[str, Any]

SYNCHRONOUS_CAP = 30
COMPLETED = "INGESTION_COMPLETED_EVENT_METERED"

LISTING_NAMES = frozenset({"nextToken", "status", "account_id", "schema_name", "pageSize"})
FILTER_NAMES = frozenset({"id", "event_id", "event_source_time", "created_at"})
CORRECTION_NAMES = FILTER_NAMES | {"action", "require_confirmation", "account_id", "async"}
QUERY_NAMES = LISTING_NAMES | CORRECTION_NAMES

_COMBINATIONS = (
    frozenset[str](),
    frozenset({"id"}),
    frozenset({"event_id"}),
    frozenset({"event_source_time"}),
    frozenset({"event_id", "created_at"}),
    frozenset({"event_id", "event_source_time"}),
)
_COMBINATIONS_TEXT = (
    "account_id alone, or with id, event_id, event_source_time, event_id and created_at,"
    " event_id and event_source_time"
)
_CALLS = {"GET": re.compile(r"/events(/[^/]+)?"), "POST": re.compile(r"/events/correction")}
_STATUS_GROUPS = {
    "PROCESSED": "INGESTION_COMPLETED",
    "IN_PROGRESS": "INGESTION_IN_PROGRESS",
    "FAILED": "INGESTION_FAILED",
}
ACTIONS = ("UNDO", "REDO", "REDO_EVENT")
_REINGESTED = {
    "UNDO": "REVERTED",
    "REDO": "REVERTED_AND_REINGESTED",
    "REDO_EVENT": "REVERTED_AND_REINGESTED",
}


def checked_call(method: str | None, path: str | None) -> str | None:
    """The method as requests have it; None for any.

    Raises:
        ValueError: No call of the API has this method and path, so that a test would wait for it in vain.
    """
    wanted = None if method is None else method.upper()
    paths = [kind for name, kind in _CALLS.items() if wanted in (None, name)]
    if not paths or (path is not None and not any(kind.fullmatch(path) for kind in paths)):
        raise ValueError(
            f"no call is {method or 'any method'} {path or 'of any path'}: there are GET /events,"
            " GET /events/ID and POST /events/correction"
        )
    return wanted


@frozen
class Request:
    """A request as the service received it, without its token."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    repeated: tuple[str, ...] = ()
    """The query parameters that were given more than once."""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self.body)

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        target = f"{self.method} {self.path}" + (f"?{query}" if query else "")
        body = self.body.decode("utf-8", "replace").strip()
        return f"{target} {body:.300}" if body else target


@frozen
class Response:
    """What the service answers."""

    status: int
    body: bytes
    headers: dict[str, str]

    @classmethod
    def of(cls, status: int, body: Any, **headers: str) -> Response:
        """An answer in JSON."""
        content = json.dumps(body, separators=(",", ":")).encode()
        return cls(status, content, {"Content-Type": "application/json", **headers})


@define(kw_only=True)
class Record:
    """An event that the service holds."""

    reference_id: str
    payload: JSON
    created_at: str
    status: str = COMPLETED
    status_before_reverting: str | None = None
    past_cycle: bool = False
    customer_id: str = "customer-1"

    def to_json(self) -> JSON:
        """The event as lists show it."""
        return {
            "referenceId": self.reference_id,
            "eventPayload": self.payload,
            "ingestionStatus": {
                "status": self.status,
                "statusDescription": self.status.replace("_", " ").capitalize(),
            },
            "createdAt": self.created_at,
            "customerId": self.customer_id,
            "source": {"id": "togai-api", "type": "API"},
        }

    def to_full_json(self) -> JSON:
        """The event as it is read alone."""
        attributes: list[JSON] = self.payload["attributes"]
        account = self.payload["accountId"]
        info: JSON = {
            "eventSchema": {"name": self.payload["schemaName"], "version": 1},
            "usageMeters": [
                {
                    "id": f"um.{one['name']}",
                    "name": one["name"],
                    "version": 1,
                    "status": "PROCESSED_UNITS_COMPUTED",
                    "units": _number(one["value"]),
                }
                for one in attributes
            ],
            "pricePlans": [
                {
                    "name": "standard",
                    "id": "pp.standard",
                    "scheduleId": f"pps.{account}",
                    "cycleStart": "2024-12-01",
                    "cycleEnd": "2024-12-31",
                    "usageMeters": [f"um.{one['name']}" for one in attributes],
                }
            ],
            "account": {"id": account, "name": account.title()},
            "customer": {"id": self.customer_id, "name": self.customer_id.title()},
            "revenueDetails": [
                {
                    "usageMeterId": f"um.{one['name']}",
                    "revenueBaseCurrency": _number(one["value"]) * 2,
                    "revenueInvoiceCurrency": _number(one["value"]) * 2,
                }
                for one in attributes
            ],
            "baseCurrency": "USD",
            "invoiceCurrency": "USD",
        }
        if self.status_before_reverting is not None:
            info["statusBeforeReverting"] = self.status_before_reverting
        return {**self.to_json(), "eventPipelineInfo": info}


@frozen
class Applied:
    """A correction that the service really applied to an event."""

    action: str
    reference_id: str
    event: JSON | None = None


@define
class Job:
    """Corrections that are worked off in the background."""

    action: str
    query: dict[str, str]
    event: JSON | None
    confirmed: bool


class Refused(Exception):
    """The service refuses the request."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.response = Response.of(status, {"message": message[:500]}, **headers)


class Service:
    """The state, and the three calls."""

    def __init__(
        self,
        *,
        token: str,
        now: Callable[[], datetime] | None = None,
        seconds: Callable[[], float] | None = None,
    ) -> None:
        self.token = token
        self.modes = Modes()
        self.late: list[LateWork] = []
        self._changes: list[Change] = []
        self._count = 0
        self._seconds = seconds
        self.events: list[Record] = []
        self.corrections: list[Applied] = []
        self.jobs: list[Job] = []
        self.refusals: list[str | None] = []
        """Why the next events that a correction takes are refused; None lets one pass."""
        self.lock = threading.RLock()
        self._ids = itertools.count(1)
        self._ticks = itertools.count()
        self._now = now or self._tick

    def _tick(self) -> datetime:
        # No wall clock: the same calls give the same answers.
        return datetime(2024, 12, 31, tzinfo=UTC) + timedelta(milliseconds=next(self._ticks))

    def seconds(self) -> float:
        """The time by which quotas, lags and late work go."""
        return clock.current.now() if self._seconds is None else self._seconds()

    def defer(self, request: Request, token: str | None, seconds: float) -> LateWork:
        """Process a request later."""
        work = LateWork(lambda: self.answer(request, token), self.seconds() + seconds)
        with self.lock:
            self.late.append(work)
        return work

    def catch_up(self, *, everything: bool = False) -> None:
        """Process the late requests that are due, or all of them."""
        if not self.late:
            return
        with self.lock:
            now = self.seconds()
            for work in [work for work in self.late if everything or work.due <= now]:
                self.late.remove(work)
                work.finish()

    def ingest(self, payload: JSON, **settings: Any) -> Record:
        """Hold an event."""
        with self.lock:
            settings.setdefault("created_at", _text(self._now()))
            settings.setdefault("reference_id", f"ref-{next(self._ids)}")
            record = Record(payload=payload, **settings)
            self.events.append(record)
            return record

    def answer(self, request: Request, token: str | None) -> Response:
        """What the service answers, after doing what the request asks for."""
        with self.lock:
            self._count += 1
            try:
                return self._route(request, token)
            except Refused as refused:
                return refused.response

    def _route(self, request: Request, token: str | None) -> Response:
        if token != self.token:
            raise Refused(401, "The token is missing or wrong.", **{"WWW-Authenticate": "Bearer"})
        parts = request.path.removeprefix("/").split("/")
        if parts[0] != "events" or len(parts) > 2 or request.path.endswith("/"):
            raise Refused(404, f"There is nothing at {request.path}.")
        if request.repeated:
            names = ", ".join(request.repeated)
            raise Refused(400, f"Query parameter {names} was given more than once.")
        if parts == ["events", "correction"]:
            _check_method(request, "POST")
            return self._correct(request)
        _check_method(request, "GET")
        return self._list(request) if len(parts) == 1 else self._get(request, unquote(parts[1]))

    def _list(self, request: Request) -> Response:
        _check_names(request.query, LISTING_NAMES)
        query = self._effective(request.query)
        size = _page_size(query.get("pageSize"))
        start = read_token(query)
        overlap = min(self.modes.overlap, size - 1)
        page: list[JSON] = []
        positions: list[int] = []
        records = self._as_read()
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

    def _as_read(self) -> list[Record | None]:
        return self.modes.as_read(self.events, self._changes, self.seconds(), self._count)

    def _effective(self, query: Mapping[str, str]) -> dict[str, str]:
        """The query without the filters that have no effect."""
        return {name: value for name, value in query.items() if name not in self.modes.ignored}

    def _get(self, request: Request, event_id: str) -> Response:
        _check_names(request.query, frozenset())
        events = [
            self.modes.show(record.to_full_json())
            for record in self._as_read()
            if record is not None and record.payload.get("id") == event_id
        ]
        return Response.of(200, {"events": events})

    def _correct(self, request: Request) -> Response:
        query = request.query
        action, event = _check_correction(request)
        if query.get("async") == "true":
            confirmed = query.get("require_confirmation") != "true"
            self.jobs.append(Job(action, dict(query), event, confirmed))
            return Response.of(200, {"message": "The correction has been scheduled."})
        chosen = self.matches(query)[:SYNCHRONOUS_CAP]
        return Response.of(200, {"data": [self._apply(one, action, event) for one in chosen]})

    def matches(self, query: Mapping[str, str]) -> list[Record]:
        """The events that a correction is about, in the order in which it takes them."""
        found = [one for one in self.events if self._matches(one, query)]
        found.sort(key=lambda one: str(one.payload.get("id", "")))
        found.sort(key=lambda one: _moment(one.payload["timestamp"]), reverse=True)
        return found

    def work_off(self) -> None:
        """Do the background jobs that are confirmed."""
        with self.lock:
            ready = [job for job in self.jobs if job.confirmed]
            self.jobs = [job for job in self.jobs if not job.confirmed]
            for job in ready:
                for record in self.matches(job.query):
                    self._apply(record, job.action, job.event)

    def _apply(self, record: Record, action: str, event: JSON | None) -> JSON:
        refusal = self.refusals.pop(0) if self.refusals else None
        if record.status != "REVERTED" or not self.modes.correct_reverted:
            refusal = refusal or _refusal(record)
        if refusal:
            entry = {"status": "FAILED", "reason": refusal}
            return {**self.modes.show(record.to_json()), **entry}
        self._note_change(record, evolve(record))
        self.corrections.append(Applied(action, record.reference_id, event))
        if record.status != "REVERTED":
            record.status_before_reverting, record.status = record.status, "REVERTED"
        reason = "Reverted"
        if action == "REDO":
            record.status = record.status_before_reverting or COMPLETED
            record.status_before_reverting = None
            reason = "Reverted and ingested again"
        if action == "REDO_EVENT" and event is not None:
            self._note_change(self.ingest(event, customer_id=record.customer_id), None)
            reason = "Reverted, and the given event ingested"
        entry = {"status": _REINGESTED[action], "reason": reason}
        return {**self.modes.show(record.to_json()), **entry}

    def _note_change(self, record: Record, before: Record | None) -> None:
        self._changes.append(Change(record, before, self.seconds(), self._count))

    def _is_listed(self, record: Record, query: Mapping[str, str]) -> bool:
        wanted = query.get("status")
        return (
            self._is_of(record, query.get("account_id"))
            and query.get("schema_name") in (None, record.payload["schemaName"])
            and (wanted is None or _has_status(record, wanted))
        )

    def _matches(self, record: Record, query: Mapping[str, str]) -> bool:
        query = {"account_id": query["account_id"], **self._effective(query)}
        return (
            self._is_of(record, query["account_id"])
            and query.get("id") in (None, record.reference_id)
            and query.get("event_id") in (None, record.payload.get("id"))
            and same_moment(query.get("event_source_time"), record.payload["timestamp"])
            and same_moment(query.get("created_at"), record.created_at)
        )

    def _is_of(self, record: Record, account_id: str | None) -> bool:
        account = self.modes.account
        return account_id is None or account(account_id) == account(record.payload["accountId"])


def _number(text: str) -> float:
    # JSON knows no infinity, which is what 512 digits are to a float.
    return min(max(float(text), -1e300), 1e300)


def _refusal(record: Record) -> str | None:
    if record.status == "REVERTED":
        return "Event is reverted already"
    if record.status.startswith("INGESTION_FAILED"):
        return "Event was not ingested"
    if record.status == "INGESTION_IN_PROGRESS":
        return "Event is still being ingested"
    return "Event was ingested in past pricing cycle" if record.past_cycle else None


def _check_method(request: Request, allowed: str) -> None:
    if request.method != allowed:
        raise Refused(405, f"{request.path} takes {allowed}.", Allow=allowed)


def _check_names(query: Iterable[str], known: frozenset[str]) -> None:
    unknown = sorted(set(query) - known)
    if unknown:
        raise Refused(400, f"Unknown query parameter {', '.join(unknown)}.")


def _page_size(text: str | None) -> int:
    if text is None:
        return 50
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= (MAX_PAGE_SIZE or 9999):
        raise Refused(422, f"pageSize must be a number from 1 to {MAX_PAGE_SIZE}, is {text!r}.")
    return int(text)


def write_token(position: int, query: Mapping[str, str], hop: int = 0) -> str:
    """A page token: a place in the listing of these filters; `hop` makes another token of the same place."""
    place = {"position": position, "filters": _filters(query), "hop": hop}
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_token(query: Mapping[str, str]) -> int:
    """The place where a listing's page starts.

    Raises:
        Refused: The service gave no such token, or for a listing with other filters.
    """
    if "nextToken" not in query:
        return 0
    try:
        place = json.loads(base64.urlsafe_b64decode(query["nextToken"].encode()))
        position, filters = place["position"], place["filters"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        position, filters = None, None
    if not isinstance(position, int) or position < 0:
        raise Refused(400, "nextToken is none that this service gave.")
    if filters != _filters(query):
        raise Refused(400, "nextToken is of a listing with other filters.")
    return position


def _filters(query: Mapping[str, str]) -> int:
    # A checksum: the contract allows a token 500 characters, and an account id 512.
    names = ("account_id", "schema_name", "status")
    return zlib.crc32(json.dumps([query.get(name) for name in names]).encode())


def _has_status(record: Record, wanted: str) -> bool:
    group = _STATUS_GROUPS.get(wanted)
    return record.status == wanted if group is None else record.status.startswith(group)


def same_moment(wanted: str | None, actual: str) -> bool:
    """Whether two times are the same moment, however they are written; None is any."""
    return wanted is None or _moment(wanted) == _moment(actual)


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _check_correction(request: Request) -> tuple[str, JSON | None]:
    query = request.query
    _check_names(query, CORRECTION_NAMES)
    action = query.get("action")
    if action not in _REINGESTED:
        raise Refused(400, f"action must be UNDO, REDO or REDO_EVENT, is {action!r}.")
    if not query.get("account_id"):
        raise Refused(400, "account_id is required.")
    if FILTER_NAMES & query.keys() not in _COMBINATIONS:
        raise Refused(400, f"These filters do not go together. Allowed: {_COMBINATIONS_TEXT}.")
    for name in ("event_source_time", "created_at"):
        if name in query:
            _check_moment(name, query[name])
    for name in ("async", "require_confirmation"):
        if query.get(name) not in (None, "true", "false"):
            raise Refused(400, f"{name} must be true or false, is {query[name]!r}.")
    if query.get("require_confirmation") == "true" and query.get("async") != "true":
        raise Refused(
            400, "require_confirmation=true is about background jobs: it needs async=true."
        )
    return action, _check_body(request, needed=action == "REDO_EVENT")


def _check_moment(name: str, text: str) -> None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise Refused(400, f"{name} must be a date-time with an offset, is {text!r}.")


def _check_body(request: Request, *, needed: bool) -> JSON | None:
    if not request.body.strip():
        if needed:
            raise Refused(400, "REDO_EVENT needs an event in the body.")
        return None
    try:
        body: Any = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON.") from None
    if not isinstance(body, dict) or cast("JSON", body).keys() - {"event"}:
        raise Refused(400, "The body must be an object that holds an event alone.")
    if "event" not in body and not needed:
        return None
    event: Any = cast("JSON", body).get("event")
    problems = event_problems(event)
    if problems:
        raise Refused(400, f"The event is wrong: {'; '.join(problems)}.")
    return cast("JSON", event)


def event_problems(event: Any) -> list[str]:
    """What the contract forbids in an event."""
    found: list[Deviation] = []
    read = salvage(Event, event, "event", found)
    return [str(deviation) for deviation in found] or list(problems(read, Event, wire=True))


def repeated_names(query: str) -> list[str]:
    """The parameters that a query string names more than once."""
    names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    return sorted({name for name in names if names.count(name) > 1})


def parse_query(query: str) -> dict[str, str]:
    """The parameters of a query string, the last of equal names."""
    return dict(parse_qsl(query, keep_blank_values=True))
