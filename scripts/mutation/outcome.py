"""Six caller programs, which run the facade with a generated package against a description.

python -m mutation.outcome CONTRACT DESCRIPTION [LAST]

Prints as JSON the programs whose outcome differs from the current one: with a description, and with the last one.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import httpx
from contract.load import load

from mutation.service import TOKEN, Service, filled
from togai import CorrectionOutcomeUnknown, Togai, TogaiError, quantities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FILTERS: Any = ({}, {"account_id": "acme"}, {"schema_name": "rides"}, {"status": "PROCESSED"})
FAILURES = (TogaiError, AttributeError, TypeError, LookupError, ValueError)


def _total(events: Iterable[Any]) -> str:
    return str(sum((quantities(event)["distance"] for event in events), Decimal()))


def _gaps(model: Any, at: str = "") -> list[str]:
    """Return the values that are missing although their type does not allow None."""
    gaps: list[str] = []
    for field in attrs.fields(type(model)):
        value = getattr(model, field.name)
        if field.default is attrs.NOTHING and value is None:
            gaps.append(f"{at}.{field.name}")
        for each in value if isinstance(value, list) else [value]:  # pyright: ignore[reportUnknownVariableType]
            if attrs.has(type(each)):
                gaps += _gaps(each, f"{at}.{field.name}")
    return gaps


def listing(client: Togai, _service: Service) -> Any:
    """List by each filter over up to three pages, and sum the quantities."""
    listed = [list(client.events.list(**filters)) for filters in FILTERS]
    pages = [len(page.events) for page in client.events.list().pages()]
    return [[len(event), _total(event)] for event in listed] + [pages, _gaps(listed[0][0])]


def reading(client: Togai, _service: Service) -> Any:
    """Read one event."""
    event = client.events.get("event-7")
    payload = event.event_payload
    first = payload.attributes[0]
    return [
        event.reference_id, str(event.created_at), payload.account_id, payload.id, payload.schema_name,
        str(payload.timestamp), dict(payload.dimensions), first.name, first.value, first.unit, _gaps(event),
    ]  # fmt: skip


def _reverted(service: Service) -> list[str]:
    return [event.reference_id for event in service.fake.events if event.status == "REVERTED"]


def undoing_one(client: Togai, service: Service) -> Any:
    """Undo one event, and read that it was reverted."""
    result = client.events.undo(client.events.get("event-7"))
    result.raise_for_failures()
    status = client.events.get("event-7").ingestion_status.status
    return [len(result), str(status), _reverted(service), [_gaps(entry) for entry in result]]


def undoing_many(client: Togai, service: Service) -> Any:
    """Undo an account that has one event more than a call can correct."""
    result = client.events.undo(account_id="bulk", whole_account=True)
    return [len(result.succeeded), result.maybe_truncated, len(_reverted(service))]


def replacing(client: Togai, service: Service) -> Any:
    """Replace one quantity, and read the replacement back."""
    event = client.events.get("event-9")
    first = attrs.evolve(event.event_payload.attributes[0], value="1234.5")
    payload = attrs.evolve(event.event_payload, attributes=[first])
    result = client.events.replace(payload, event)
    result.raise_for_failures()
    listed = client.events.list(account_id="acme")
    read = [_total([event]) for event in listed if event.event_payload.id == "event-9"]
    stored = dict(service.fake.events[-1].payload)
    # Compare the instant, not its notation.
    stored["timestamp"] = str(datetime.fromisoformat(stored["timestamp"]))
    return [len(result), read, stored]


def reconciling(client: Togai, service: Service) -> Any:
    """Determine the result of a correction whose response was lost."""
    event = client.events.get("event-3")
    service.fake.fail_next(status=502, body="bad gateway", acts=True, method="POST")
    try:
        client.events.undo(event)
    except CorrectionOutcomeUnknown as error:
        return [str(client.events.reconcile(error).verdict), _reverted(service)]
    return "no error"


PROGRAMS: dict[str, Callable[[Togai, Service], Any]] = {
    "list by each filter": listing,
    "get": reading,
    "undo one": undoing_one,
    "undo 31": undoing_many,
    "replace one quantity": replacing,
    "reconcile": reconciling,
}


# The amounts are the numbers from 1 to 120; the first 40 are those of acme, and the even ones are rides.
EXPECTED: dict[str, Any] = {
    "list by each filter": [[120, "7260"], [40, "820"], [60, "3660"], [120, "7260"], [50, 50, 20], []],
    "get": [
        "ref-7", "2024-12-05 00:07:00+00:00", "acme", "event-7", "rides", "2024-12-04 00:07:00+00:00",
        {"city": "Chennai"}, "distance", "8", "Kilometers", [],
    ],
    "undo one": [1, "REVERTED", ["ref-7"], [[]]],
    "undo 31": [30, True, 30],
    "replace one quantity": [1, ["10", "1234.5"], {
        "schemaName": "rides", "timestamp": "2024-12-04 00:09:00+00:00", "accountId": "acme",
        "attributes": [{"name": "distance", "value": "1234.5", "unit": "Kilometers"}],
        "dimensions": {"city": "Chennai"}, "id": "event-9",
    }],
    "reconcile": ["applied", ["ref-3"]],
}  # fmt: skip


def outcomes(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of each program, each with the same events.

    Args:
        ours: Our contract.
        theirs: The description that the service implements.
    """
    outcomes: dict[str, Any] = {}
    service = Service(ours, theirs)
    for name, program in PROGRAMS.items():
        service.fake = filled()
        with (
            httpx.Client(transport=httpx.MockTransport(service)) as http,
            Togai(TOKEN, http_client=http, requests_per_second=None, max_retries=0) as client,
        ):
            try:
                outcomes[name] = json.loads(json.dumps(program(client, service)))
            except FAILURES as error:
                outcomes[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return outcomes


def differing(outcomes: dict[str, Any]) -> dict[str, str]:
    """Return the expected and the new outcome of each program whose outcome changes."""
    return {
        name: f"{_short(wanted)} -> {_short(outcomes.get(name))}"
        for name, wanted in EXPECTED.items()
        if outcomes.get(name) != wanted
    }


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 160 else text[:157] + "..."


def main(arguments: list[str]) -> int:
    """Run the programs; return the exit code."""
    ours, *descriptions = (load(str(Path(argument))) for argument in arguments)
    differences = [differing(outcomes(ours, theirs)) for theirs in descriptions]
    print(json.dumps((*differences, {})[:2]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
