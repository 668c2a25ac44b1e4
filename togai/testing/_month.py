"""A month of events of three accounts, with the faults that a billing team typically sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT, ALIAS = "acme", "acme-eu"
_FAILURES = {
    4: "INGESTION_FAILED_ACCOUNT_NOT_FOUND",
    11: "INGESTION_FAILED_UNITS_INVALID",
    18: "INGESTION_FAILED_UNITS_INVALID",
    25: "INGESTION_FAILED_PAST_GRACE_PERIOD",
}


def month() -> Iterator[dict[str, Any]]:
    """The events of December 2024, as arguments of `FakeTogai.add`, the oldest event first."""
    for day in (28, 29, 30):
        yield {**_ride("acme", f"ride-11{day}", f"2024-11-{day}", day), "past_cycle": True}
    for day in range(1, 32):
        date = f"2024-12-{day:02}"
        # In the first half, initech has the same ids as acme, and acme sends two attributes.
        early = day <= 15
        yield _ride("acme", f"ride-{day}", date, day, minutes=3 * day if early else None)
        yield _ride("acme-eu", None, date, day + 5)
        yield _ride("initech", f"ride-{day}" if early else f"trip-{day}", date, day + 2)
        yield _calls(f"calls-{day}", date, 1000 + 37 * day)
        if day in _FAILURES:
            yield {**_calls(f"lost-{day}", date, 500), "status": _FAILURES[day]}
        if day % 10 == 7:
            yield {**_ride("acme", f"undone-{day}", date, day), "status": "REVERTED"}
            # Reverted, and sent again with the same id.
            yield {**_ride("acme", f"twice-{day}", date, 10 * day), "status": "REVERTED"}
            yield _ride("acme", f"twice-{day}", date, day)
    # Ten times what the others have, and an attribute that is there twice.
    yield _ride("acme", "wrong-1", "2024-12-31", 424, minutes=12)
    yield _calls("both-1", "2024-12-31", 600, 400)
    yield {**_ride("initech", "new-1", "2024-12-31", 9), "status": "INGESTION_IN_PROGRESS"}


def _calls(event_id: str, date: str, *numbers: int) -> dict[str, Any]:
    return {
        "id": event_id,
        "account_id": "globex",
        "schema_name": "calls",
        "timestamp": f"{date}T12:00:00Z",
        "attributes": [{"name": "calls", "value": f"{number}"} for number in numbers],
    }


def _ride(
    account: str, event_id: str | None, date: str, kilometers: int, minutes: int | None = None
) -> dict[str, Any]:
    attributes = [{"name": "distance", "value": f"{kilometers}.4", "unit": "Kilometers"}]
    if minutes is not None:
        attributes.append({"name": "duration", "value": f"{minutes}", "unit": "Minutes"})
    return {
        "id": event_id,
        "account_id": account,
        "timestamp": f"{date}T{7 + kilometers % 12:02}:30:00Z",
        "attributes": attributes,
        "dimensions": {"city": "Chennai"},
    }
