"""Times that callers pass, converted to UTC, and time windows."""

from __future__ import annotations

from datetime import UTC, datetime

from togai._printable import shown


def to_utc(name: str, value: object) -> datetime:
    """Convert a time to UTC, so that no later change of a time zone alters it.

    Args:
        name: The argument's name, for the error.
        value: A datetime with a time zone.

    Raises:
        ValueError: It is not a datetime with a time zone (pandas' NaT is not either), or is finer than microseconds.
    """
    try:
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise ValueError  # noqa: TRY301
        moment = value.astimezone(UTC)
        # Plain, because a subclass (such as a Timestamp of pandas) compares and prints in its own way.
        plain = datetime(*moment.timetuple()[:6], moment.microsecond, UTC)
    except (AttributeError, OverflowError, TypeError, ValueError):
        raise ValueError(f"{name}={shown(value)}: pass a datetime with a time zone") from None
    if getattr(value, "nanosecond", 0):
        raise ValueError(f"{name}={shown(value)} is finer than microseconds: round it first")
    return plain


def within(when: object, since: datetime | None, until: datetime | None) -> bool | None:
    """Whether a time lies in a time window; None if it is not a time with a time zone."""
    if not isinstance(when, datetime) or when.tzinfo is None:
        return None
    return (since is None or since <= when) and (until is None or when < until)
