"""Times that callers pass: moments in UTC, from the start."""

from __future__ import annotations

from datetime import UTC, datetime


def to_utc(name: str, value: object) -> datetime:
    """The moment in UTC, so that neither its zone nor a clock change can make it mean another one later.

    Args:
        name: The argument's name, for the error.
        value: A datetime with a time zone.

    Raises:
        ValueError: It is something else (pandas' NaT too), or finer than a datetime can hold; the text says so.
    """
    try:
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise ValueError  # noqa: TRY301
        moment = value.astimezone(UTC)
        # Plain, because a subclass (such as a Timestamp of pandas) compares and prints in its own way.
        plain = datetime(*moment.timetuple()[:6], moment.microsecond, UTC)
    except (AttributeError, OverflowError, TypeError, ValueError):
        raise ValueError(f"{name}={value!r}: pass a datetime with a time zone") from None
    if getattr(value, "nanosecond", 0):
        raise ValueError(f"{name}={value!r} is finer than microseconds: round it first")
    return plain
