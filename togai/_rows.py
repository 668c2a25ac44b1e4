"""Read events as plain values: the quantities of an event, and flat rows of many events."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, cast

from togai._arguments import check_event
from togai._printable import shown
from togai.errors import InvalidRequest
from togai.models import Event, ReadEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime


def quantities(event: Event | ReadEvent) -> dict[str, Decimal]:
    """The quantities of an event by attribute name, exact to the digit.

    Args:
        event: An `Event`, or an event that was read.

    Returns:
        A Decimal for each attribute whose value is a number; other attributes are not included: read them from
        `attributes`.

    Raises:
        InvalidRequest: `event` is not an event, or two of its attributes have the same name, so that a dict cannot
            contain both.
    """
    check_event(event)
    payload = event if isinstance(event, Event) else event.event_payload
    numbers: dict[str, Decimal] = {}
    for name, (attribute, *others) in _by_name(payload).items():
        if others:
            raise InvalidRequest(
                f"the event has {1 + len(others)} attributes called {name!r}: read them from its `attributes`"
            )
        number = decimal_or_none(_get(attribute, "value"))
        if number is not None:
            numbers[name] = number
    return numbers


def amounts_of(event: ReadEvent) -> Iterator[tuple[str, Decimal]]:
    """The name and the number of each attribute; several attributes may have the same name."""
    for name, same in _by_name(event.event_payload).items():
        for attribute in same:
            number = decimal_or_none(_get(attribute, "value"))
            if number is not None:
                yield name, number


def rows(
    events: Iterable[ReadEvent],
    *,
    attributes: Sequence[str] | None = None,
    dimensions: Sequence[str] | None = None,
) -> Iterator[dict[str, str | Decimal | datetime | None]]:
    """Flat rows, all with the same columns, for `csv.DictWriter`, `pandas.DataFrame` or `polars.DataFrame`.

    Args:
        events: Events that were read.
        attributes: The attributes that get a column, and a column for their unit.
        dimensions: The dimensions that get a column. If either argument is None, all events are read first to
            determine the names; pass both to keep memory use constant.

    Yields:
        `reference_id, id, account_id, customer_id, schema_name, timestamp, created_at, status,
        status_description`, then `attribute.NAME`, `unit.NAME` and `dimension.NAME`; None if an event
        has no such value. Quantities are Decimal, or the text as received if it is not a number. If an event has
        several attributes of the same name, the cell has all values (or units) as one text, such as `1; 2.5`.

    Raises:
        InvalidRequest: `events` contains something else, or cannot be iterated over; or the names are not a list.
    """
    if not isinstance(cast("object", events), Iterable):
        raise InvalidRequest(
            f"rows takes events, not {type(events).__name__}; for an async listing:"
            " rows([event async for event in listing])"
        )
    for what, names in (("attributes", attributes), ("dimensions", dimensions)):
        if isinstance(names, str):
            raise InvalidRequest(f"{what}={names!r}: pass a list of names, such as [{names!r}]")
        if names is not None and not isinstance(cast("object", names), Iterable):
            raise InvalidRequest(f"{what}={shown(names)}: pass a list of names")
    if attributes is None or dimensions is None:
        events = [_checked(event) for event in events]
        attributes = attributes if attributes is not None else _names(events, "attributes")
        dimensions = dimensions if dimensions is not None else _names(events, "dimensions")
    for event in events:
        yield _row(_checked(event), attributes, dimensions)


def _checked(event: ReadEvent) -> ReadEvent:
    if not isinstance(event, ReadEvent):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest(f"rows takes events that were read, not {type(event).__name__}")
    return event


def _names(events: Iterable[ReadEvent], what: str) -> list[str]:
    names: dict[str, None] = {}
    for event in events:
        values = _get(event.event_payload, what)
        if what == "dimensions":
            names.update(dict.fromkeys(_entries(values)))
        else:
            names.update(dict.fromkeys(str(_get(entry, "name")) for entry in _each(values)))
    return list(names)


def _row(event: ReadEvent, attributes: Sequence[str], dimensions: Sequence[str]) -> dict[str, Any]:
    payload = event.event_payload
    status = _get(event.ingestion_status, "status")
    row: dict[str, Any] = {
        "reference_id": event.reference_id,
        "id": _get(payload, "id"),
        "account_id": _get(payload, "account_id"),
        "customer_id": event.customer_id,
        "schema_name": _get(payload, "schema_name"),
        "timestamp": _get(payload, "timestamp"),
        "created_at": event.created_at,
        "status": None if status is None else str(status),
        "status_description": _get(event.ingestion_status, "status_description"),
    }
    by_name = _by_name(payload)
    for name in attributes:
        same = by_name.get(name, [])
        value = _cell(_get(attribute, "value") for attribute in same)
        number = decimal_or_none(value)
        row[f"attribute.{name}"] = value if number is None else number
        row[f"unit.{name}"] = _cell(_get(attribute, "unit") for attribute in same)
    held = _entries(_get(payload, "dimensions"))
    for name in dimensions:
        row[f"dimension.{name}"] = held.get(name)
    return row


def _by_name(payload: object) -> dict[str, list[Any]]:
    """The attributes of an event by name; in a malformed event, several may have the same name."""
    by_name: dict[str, list[Any]] = {}
    for attribute in _each(_get(payload, "attributes")):
        by_name.setdefault(str(_get(attribute, "name")), []).append(attribute)
    return by_name


def _cell(values: Iterable[Any]) -> Any:
    """The value, or the text of several."""
    several = list(values)
    if len(several) < 2:
        return next(iter(several), None)
    return "; ".join("" if value is None else str(value) for value in several)


def _get(model: Any, name: str) -> Any:
    """An attribute of a model; None if a malformed event has a value of another type instead of the model."""
    return getattr(model, name, None)


def _each(values: Any) -> list[Any]:
    return cast("Any", values) if isinstance(values, list) else []


def _entries(values: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", values) if isinstance(values, dict) else {}


def decimal_or_none(value: object) -> Decimal | None:
    """A number, or a number as text, as a Decimal; None if it is not finite or not a number."""
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
