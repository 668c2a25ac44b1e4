"""Checks of arguments that many calls share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard

from togai._error import InvalidRequest
from togai._printable import shown
from togai._times import to_utc
from togai.models import Event, ReadEvent

if TYPE_CHECKING:
    from datetime import datetime


def is_whole(value: object, least: int, most: float = math.inf) -> TypeGuard[int]:
    """Whether a value is a whole number within limits; True and False are not numbers here."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def check_event(value: object) -> None:
    """Refuse a value that is neither an event nor an event that was read.

    Raises:
        InvalidRequest: It is neither.
    """
    if not isinstance(value, Event | ReadEvent):
        raise InvalidRequest(f"pass an event, not {type(value).__name__}")


def check_flag(name: str, value: object) -> None:
    """Refuse a value that is neither True nor False: the text "false" would mean True.

    Raises:
        InvalidRequest: It is neither.
    """
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name} must be True or False, not {shown(value)}")


def utc_or_none(name: str, value: datetime | None) -> datetime | None:
    """A time that may be omitted, in UTC.

    Raises:
        InvalidRequest: It is neither None nor a datetime with a time zone.
    """
    try:
        return None if value is None else to_utc(name, value)
    except ValueError as error:
        raise InvalidRequest(str(error)) from None
