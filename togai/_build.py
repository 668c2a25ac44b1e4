"""Build an event from plain Python values, and check one before it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from togai.errors import InvalidRequest
from togai.models import Attribute, Event

_QUANTITY = re.compile(r"-?[0-9]{1,512}(\.[0-9]+)?")


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
    """An event from plain Python values, checked against the contract's limits.

    Args:
        schema_name: The event schema, 1 to 50 characters.
        account_id: The account that used something, at most 512 characters.
        timestamp: When it happened: a datetime with a time zone, or ISO 8601 text with an offset.
        attributes: Up to 10 quantities by name: Decimal, int, or the digits as text. Floats are refused:
            0.1 is not 0.1 in binary, and an invoice must not depend on it.
        units: The unit of an attribute by its name, such as "Kilometers".
        dimensions: Further text by name.
        id: Your own id of the event, at most 512 characters; not to be used again for 45 days.

    Returns:
        The event, for `client.events.replace`.

    Raises:
        InvalidRequest: All that is wrong with the values, in one error.

    Example:
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
    maps = {"attributes": attributes, "units": units or {}, "dimensions": dimensions or {}}
    for what, values in maps.items():
        if not isinstance(cast("object", values), Mapping):
            raise InvalidRequest(
                f"{what} must be a dict of values by name, not {type(values).__name__}"
            )
    problems: list[str] = []
    strangers = sorted(map(str, set(units or {}) - set(attributes)))
    if strangers:
        problems.append(f"units names {', '.join(strangers)}, which attributes lacks")
    when = _timestamp(timestamp, problems)
    event = Event(
        schema_name=schema_name,
        account_id=account_id,
        timestamp=when,
        attributes=[
            Attribute(
                name=name, value=_quantity(name, value, problems), unit=(units or {}).get(name)
            )
            for name, value in attributes.items()
        ],
        dimensions=dict(dimensions or {}),
        id=id,
    )
    # A value that was refused above needs no second complaint about its stand-in.
    problems.extend(payload_problems(event))
    if problems:
        raise InvalidRequest("this event cannot be sent: " + "; ".join(problems))
    return event


def _timestamp(value: object, problems: list[str]) -> datetime:
    if isinstance(value, str):
        # It takes as long to import as httpx, and only whoever passes text needs it.
        from dateutil.parser import isoparse

        text = value
        try:
            value = isoparse(text)
        except (ValueError, OverflowError):
            problems.append(
                f"timestamp {text[:50]!r} is not ISO 8601, such as 2024-12-04T07:30:35Z"
            )
            return datetime.now(UTC)
    if not isinstance(value, datetime):
        problems.append(
            f"timestamp must be a datetime or ISO 8601 text, not {type(value).__name__}"
        )
        return datetime.now(UTC)
    return value


def _quantity(name: str, value: object, problems: list[str]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) < 10**512:
            return str(value)
        problems.append(f"attribute {name} has more than 512 digits")
    elif isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and abs(exponent) <= 512:
            return f"{value:f}"
        problems.append(f"attribute {name} is {value}: pass a finite number of at most 512 digits")
    elif isinstance(value, float):
        problems.append(
            f"attribute {name} is a float, whose decimal digits are a guess:"
            f" pass Decimal({str(value)!r}) or the digits as text"
        )
    else:
        problems.append(
            f"attribute {name} must be Decimal, int or text, not {type(value).__name__}"
        )
    return "0"


def payload_problems(event: Event) -> list[str]:
    """What the service would refuse in an event, each with what would be right. Limits: the vendor's description."""
    problems: list[str] = []

    def text(what: str, value: object, shortest: int, longest: int) -> None:
        if not isinstance(value, str):
            problems.append(f"{what} must be text, not {type(value).__name__}")
        elif not shortest <= len(value) <= longest:
            problems.append(
                f"{what} must have {shortest} to {longest} characters, has {len(value)}"
            )

    def entries(what: str, value: object, kind: type) -> bool:
        if isinstance(value, kind):
            return True
        problems.append(f"{what} must be a {kind.__name__}, not {type(value).__name__}")
        return False

    text("schema_name", event.schema_name, 1, 50)
    text("account_id", event.account_id, 1, 512)
    if event.id is not None:
        text("id", event.id, 1, 512)
    when = cast("object", event.timestamp)
    if not isinstance(when, datetime):
        problems.append(f"timestamp must be a datetime, not {type(when).__name__}")
    elif when.utcoffset() is None:
        problems.append(
            "timestamp has no time zone: add one, such as timestamp.replace(tzinfo=UTC)"
        )
    if entries("attributes", event.attributes, list):
        if len(event.attributes) > 10:
            problems.append(f"at most 10 attributes are allowed, these are {len(event.attributes)}")
        for attribute in event.attributes:
            if entries("each attribute", attribute, Attribute):
                text("an attribute's name", attribute.name, 1, 50)
                _attribute_problems(attribute, problems)
                if attribute.unit is not None:
                    text(f"the unit of {attribute.name}", attribute.unit, 1, 50)
    if entries("dimensions", event.dimensions, dict):
        for name, value in event.dimensions.items():
            if entries("each dimension's name", name, str):
                text(f"dimension {name}", value, 1, 200)
    return problems


def _attribute_problems(attribute: Attribute, problems: list[str]) -> None:
    value = cast("object", attribute.value)
    if not isinstance(value, str):
        problems.append(f"the value of {attribute.name} must be text, not {type(value).__name__}")
    elif not _QUANTITY.fullmatch(value):
        shown = repr(value) if len(value) < 60 else f"{value[:60]!r}..."
        problems.append(
            f"the value of {attribute.name} is {shown}: pass a decimal number as text, such as '10.4',"
            " with at most 512 digits before the point"
        )
