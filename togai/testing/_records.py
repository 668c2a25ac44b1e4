"""Events as the service stores them: made up, filled in, and described part by part."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

COMPLETED = "INGESTION_COMPLETED_EVENT_METERED"
REVERTED = "REVERTED"

_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_CITIES = ("Chennai", "Bengaluru", "Mumbai")


class Record:
    """A stored event: its JSON, and what the service knows beyond it."""

    __slots__ = ("account_id", "before_reverting", "pipeline_info", "uncorrectable", "wire")

    def __init__(
        self, wire: dict[str, Any], *, pipeline_info: Any = None, uncorrectable: str | None = None
    ) -> None:
        self.wire = wire
        self.account_id = self.text("accountId")
        self.pipeline_info = pipeline_info
        self.uncorrectable = uncorrectable
        self.before_reverting: str | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """The event as it was sent; empty where a test put something else in its place."""
        payload = self.wire.get("eventPayload")
        return cast("dict[str, Any]", payload) if isinstance(payload, dict) else {}

    def text(self, name: str) -> str | None:
        """A property of the payload as text."""
        value: object = self.payload.get(name)
        return None if value is None else str(value)

    @property
    def reference_id(self) -> str:
        """Togai's own id; empty where a test took it away."""
        return str(self.wire.get("referenceId") or "")

    @property
    def status(self) -> str | None:
        """The ingestion status."""
        status: object = self.wire.get("ingestionStatus")
        value = cast("dict[str, Any]", status).get("status") if isinstance(status, dict) else None
        return value if isinstance(value, str) else None

    @property
    def source_time(self) -> datetime | None:
        """When the event happened."""
        return read_time(self.payload.get("timestamp"))

    @property
    def created_at(self) -> datetime | None:
        """When the service took the event in."""
        return read_time(self.wire.get("createdAt"))

    def in_full(self) -> dict[str, Any]:
        """The event with its pipeline info."""
        info = self.pipeline_info if self.pipeline_info is not None else _pipeline_info(self)
        return {**self.wire, "eventPipelineInfo": info}


def make_events(
    count: int,
    *,
    account_id: str = "acme",
    schema_name: str = "rides",
    start: datetime = datetime(2024, 12, 1, tzinfo=UTC),
) -> list[dict[str, Any]]:
    """Plausible events of an account, the same ones every time.

    Args:
        count: How many.
        account_id: The account; the events' ids are "ACCOUNT-1", "ACCOUNT-2" and so on.
        schema_name: Their event schema.
        start: The timestamp of the first; the others follow minute by minute.

    Returns:
        The events as they are sent (JSON), for `FakeTogai(events=...)` or `fake.add`.
    """
    return [
        {
            "id": f"{account_id}-{number}",
            "schemaName": schema_name,
            "accountId": account_id,
            "timestamp": write_time(start + timedelta(minutes=number - 1)),
            "attributes": [
                {
                    "name": "distance",
                    "value": f"{number % 40 + 1}.{number % 10}",
                    "unit": "Kilometers",
                }
            ],
            "dimensions": {"city": _CITIES[number % len(_CITIES)]},
        }
        for number in range(1, count + 1)
    ]


def complete(event: Any, fields: dict[str, Any], *, number: int, now: datetime) -> dict[str, Any]:
    """A whole stored event from what was given of it.

    Args:
        event: A payload, a whole event (it has `eventPayload`), a model with `to_dict`, or None.
        fields: Further properties by wire name, `status` and `statusDescription` among them.
        number: The how manieth event it is.
        now: When the service takes it in.

    Returns:
        JSON of its own, sharing nothing with what was given.

    Raises:
        TypeError: It is nothing that JSON can hold.
    """
    given = _plain({} if event is None else event)
    if not isinstance(given, dict):
        raise TypeError(f"an event is a JSON object or a model, not {type(event).__name__}")
    outer = cast("dict[str, Any]", given)
    if "eventPayload" not in outer:
        outer = {"eventPayload": outer}
    fields = cast("dict[str, Any]", _plain(fields))
    status = {
        name: fields.pop(key)
        for name, key in (("status", "status"), ("statusDescription", "statusDescription"))
        if key in fields
    }
    top = {
        name: fields.pop(name)
        for name in ("referenceId", "createdAt", "customerId", "source")
        if name in fields
    }
    wire: dict[str, Any] = {
        "referenceId": f"ref-{number:06}",
        "ingestionStatus": {"status": COMPLETED, **status},
        "createdAt": write_time(now),
        "customerId": "customer-1",
        "source": {"id": "source-1", "type": "API"},
        **outer,
        **top,
    }
    if isinstance(wire["eventPayload"], dict):
        payload: dict[str, Any] = {
            "id": f"event-{number}",
            "schemaName": "rides",
            "accountId": "acme",
            "timestamp": write_time(now - timedelta(seconds=5)),
            "attributes": [{"name": "distance", "value": "1", "unit": "Kilometers"}],
            "dimensions": {},
            **wire["eventPayload"],
            **fields,
        }
        if isinstance(payload["attributes"], dict):
            quantities = cast("dict[str, Any]", payload["attributes"])
            payload["attributes"] = [
                {"name": name, "value": str(value)} for name, value in quantities.items()
            ]
        wire["eventPayload"] = payload
    return wire


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=_json_value))


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, Decimal):
        return str(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    raise TypeError(f"{type(value).__name__} is nothing that JSON can hold")


def write_time(moment: datetime) -> str:
    """A date-time as the service writes it."""
    return moment.isoformat().replace("+00:00", "Z")


def read_time(value: object) -> datetime | None:
    """The date-time of a stored event, if it is one; without offset it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_time(value: object) -> datetime | None:
    """The date-time of a request, if it is one as RFC 3339 has it, with offset."""
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        return None
    return read_time(value.upper())


def _pipeline_info(record: Record) -> dict[str, Any]:
    payload, status = record.payload, record.status
    schema, account = record.text("schemaName"), record.account_id
    customer = str(record.wire.get("customerId"))
    info: dict[str, Any] = {
        "eventSchema": {"name": schema, "version": 1},
        "account": {"id": account, "name": f"Account {account}"},
        "customer": {"id": customer, "name": f"Customer {customer}"},
        "baseCurrency": "USD",
        "invoiceCurrency": "USD",
    }
    if record.before_reverting is not None:
        info["statusBeforeReverting"] = record.before_reverting
    if status == COMPLETED:
        units = _units(payload)
        meter = {"id": f"um-{schema}", "name": f"{schema} meter", "version": 1}
        info["usageMeters"] = [{**meter, "status": "PROCESSED_UNITS_COMPUTED", "units": units}]
        info["pricePlans"] = [_price_plan(record, meter["id"])]
        info["revenueDetails"] = [
            {
                "usageMeterId": meter["id"],
                "revenueBaseCurrency": units,
                "revenueInvoiceCurrency": units,
            }
        ]
    return info


def _price_plan(record: Record, meter: object) -> dict[str, Any]:
    day = (record.source_time or datetime(2024, 12, 1, tzinfo=UTC)).date()
    first = day.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return {
        "name": "Standard",
        "id": "pp-1",
        "scheduleId": "ps-1",
        "cycleStart": first.isoformat(),
        "cycleEnd": last.isoformat(),
        "usageMeters": [meter],
    }


def _units(payload: dict[str, Any]) -> float:
    """The first quantity; 0 where it is no number that JSON readers can take."""
    try:
        units = float(payload["attributes"][0]["value"])
    except (LookupError, TypeError, ValueError):
        return 0.0
    return units if abs(units) < 1e300 else 0.0
