"""Build an event from plain Python values, and check an event before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from attrs import evolve

from togai._arguments import check_event
from togai._contract import problems as problems_of
from togai._printable import printable
from togai._salvage import FINER
from togai._times import to_utc
from togai.errors import InvalidRequest
from togai.models import Attribute, Event, ReadEvent

_MAX_DIGITS = 4300
"""The most digits of an int that Python converts to text; the contract's own limit is checked on the text."""


def build_event(
    schema_name: str,
    *,
    account_id: str,
    timestamp: datetime | str,
    attributes: Mapping[str, Decimal | int | str],
    units: Mapping[str, str] | None = None,
    dimensions: Mapping[str, str] | None = None,
    id: str | None = None,  # noqa: A002  (the property's own name)
) -> Event:
    """Build an event from plain Python values; checks the contract's limits (lengths, numbers of items, patterns).

    Args:
        schema_name: The event schema.
        account_id: The account whose usage the event reports.
        timestamp: When it happened: a datetime with a time zone, or ISO 8601 text with an offset. It is converted to
            UTC.
        attributes: The quantities by name: Decimal, int, or the digits as text. Floats are refused, because they
            cannot represent values such as 0.1 exactly.
        units: The units by attribute name, such as "Kilometers".
        dimensions: The dimensions by name, as text.
        id: Your own id for the event; do not use it again within 45 days.

    Returns:
        The event, for `client.events.replace`.

    Raises:
        InvalidRequest: Values are not allowed; one error lists all problems.

    Examples:
        >>> from decimal import Decimal
        >>> ride = build_event(
        ...     "rides",
        ...     account_id="acme",
        ...     timestamp="2024-12-04T07:30:35Z",
        ...     attributes={"distance": Decimal("10.4")},
        ...     units={"distance": "Kilometers"},
        ... )
        >>> ride.attributes[0].value
        '10.4'
    """
    units = {} if units is None else units
    dimensions = {} if dimensions is None else dimensions
    maps = {"attributes": attributes, "units": units, "dimensions": dimensions}
    for what, values in maps.items():
        if not isinstance(cast("object", values), Mapping):
            raise InvalidRequest(
                f"{what} must be a dict of values by name, not {type(values).__name__}"
            )
    problems: list[str] = []
    strangers = sorted(map(str, set(units) - set(attributes)))
    if strangers:
        problems.append(f"units names {', '.join(strangers)}, which attributes does not contain")
    when = _timestamp(timestamp, problems)
    event = Event(
        schema_name=schema_name,
        account_id=account_id,
        timestamp=when,
        attributes=[
            Attribute(name=name, value=_quantity(name, value, problems), unit=units.get(name))
            for name, value in attributes.items()
        ],
        dimensions=dict(dimensions),
        id=id,
    )
    # A value that was refused above has a placeholder, which is not reported again.
    problems.extend(payload_problems(event))
    if problems:
        raise InvalidRequest("this event cannot be sent: " + "; ".join(problems))
    return event


def with_quantities(
    event: Event | ReadEvent, quantities: Mapping[str, Decimal | int | str]
) -> Event:
    """Return a copy of an event with other quantities; everything else, including units and dimensions, is unchanged.

    Args:
        event: An `Event`, or an event that was read.
        quantities: New quantities by attribute name: Decimal, int, or the digits as text.

    Returns:
        The event to pass to `Replace(event, ...)` or `client.events.replace`.

    Raises:
        InvalidRequest: `event` is not an event; it has no such attribute, or two attributes of this name; or a quantity
            is not allowed.

    Examples:
        >>> from decimal import Decimal
        >>> ride = build_event(
        ...     "rides",
        ...     account_id="acme",
        ...     timestamp="2024-12-04T07:30:35Z",
        ...     attributes={"distance": Decimal("18.4"), "minutes": 7},
        ... )
        >>> [a.value for a in with_quantities(ride, {"distance": Decimal("1.84")}).attributes]
        ['1.84', '7']
    """
    check_event(event)
    payload = cast("object", event if isinstance(event, Event) else event.event_payload)
    if not isinstance(payload, Event):
        raise InvalidRequest("the payload of this event could not be read, so it cannot be changed")
    if not isinstance(cast("object", quantities), Mapping):
        raise InvalidRequest(
            f"quantities must be a dict of values by name, not {type(quantities).__name__}"
        )
    names = [attribute.name for attribute in payload.attributes]
    held = ", ".join(map(printable, names)) or "none"
    problems = [
        f"it has {f'{count} attributes' if count else 'no attribute'} {name!r}; its attributes: {held}"
        for name in quantities
        if (count := names.count(name)) != 1
    ]
    changed = {name: _quantity(name, value, problems) for name, value in quantities.items()}
    attributes = [
        evolve(attribute, value=changed[attribute.name]) if attribute.name in changed else attribute
        for attribute in payload.attributes
    ]
    replacement = evolve(payload, attributes=attributes)
    problems = problems or payload_problems(replacement)
    if problems:
        raise InvalidRequest("this event cannot be changed like this: " + "; ".join(problems))
    return replacement


def _timestamp(value: object, problems: list[str]) -> datetime:
    if isinstance(value, str):
        # Imported only where text is passed: it takes as long to import as httpx.
        from dateutil.parser import isoparse

        text = value
        try:
            value = isoparse(text)
        except (ValueError, OverflowError):
            problems.append(
                f"timestamp {text[:50]!r} is not ISO 8601, such as 2024-12-04T07:30:35Z"
            )
            return datetime.now(UTC)
        if FINER.search(text):
            problems.append(f"timestamp {text[:50]!r} is finer than microseconds: round it first")
    if isinstance(value, datetime):
        try:
            return to_utc("timestamp", value)
        except ValueError as error:
            problems.append(str(error))
    else:
        problems.append(
            f"timestamp must be a datetime or ISO 8601 text, not {type(value).__name__}"
        )
    return datetime.now(UTC)


def _quantity(name: str, value: object, problems: list[str]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) < 10**_MAX_DIGITS:
            return str(value)
        problems.append(f"attribute {name} has more than {_MAX_DIGITS} digits")
    elif isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and abs(exponent) <= _MAX_DIGITS:
            return f"{value:f}"
        problems.append(f"attribute {name} is {value}: pass a finite number of reasonable size")
    elif isinstance(value, float):
        problems.append(
            f"attribute {name} is a float, which may not be exact:"
            f" pass Decimal({str(value)!r}) or the digits as text"
        )
    else:
        problems.append(
            f"attribute {name} must be Decimal, int or text, not {type(value).__name__}"
        )
    return "0"


def payload_problems(event: Event) -> list[str]:
    """The values of an event that the contract does not allow; each problem says what is allowed."""
    problems = list(problems_of(event, Event))
    # The contract sets no minimum length, but an empty id identifies nothing.
    problems += [
        f"{name} must not be empty" for name in ("account_id", "id") if getattr(event, name) == ""
    ]
    return problems
