"""Convert models to the JSON that is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from togai.models import _write  # pyright: ignore[reportPrivateUsage]  (only models and _requests import the package)

if TYPE_CHECKING:
    from togai.models import Event


def sent_json(value: Any) -> Any:
    """A model, or the value of a property or parameter, as JSON with exact numbers; a time keeps its original text."""
    return _write(value, sent=True)


def event_json(event: Event) -> dict[str, Any]:
    """An event as JSON to store until it is sent; `salvage` reads it back.

    A number that `json` writes with the same digits is a float; any other number is a Decimal.
    """
    return cast("dict[str, Any]", _floats(sent_json(event)))


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {name: _floats(entry) for name, entry in entries.items()}
    if isinstance(value, list):
        return [_floats(item) for item in cast("Any", value)]
    if isinstance(value, Decimal) and Decimal(repr(float(value))) == value:
        return float(value)
    return value
