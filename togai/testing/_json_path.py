"""Places in JSON, in the notation of deviations: `$.events[0].createdAt`; `[*]` stands for every item of a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Step = str | int | None
"""A property, an index, or None for every item."""

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\*)\]")


class NoSuchPlace(Exception):
    """The JSON does not have the place."""


def parse(place: str) -> list[Step]:
    """The steps to a place.

    Raises:
        ValueError: The text is not a place.
    """
    rest = place.removeprefix("$")
    if not re.fullmatch(f"({_STEP.pattern})+", rest):
        raise ValueError(f"{place!r} is not a place in JSON: write it like $.events[0].createdAt")
    return [name or (None if index == "*" else int(index)) for name, index in _STEP.findall(rest)]


def put(body: Any, steps: list[Step], value: Any) -> None:
    """Set the value at a place; a property may be new."""
    for owner, key in _owners(body, steps, new=True):
        owner[key] = value


def drop(body: Any, steps: list[Step]) -> None:
    """Remove the property or item at a place."""
    # From the end, so that removing an item does not move items that must still be removed.
    for owner, key in reversed(_owners(body, steps)):
        del owner[key]


def _owners(body: Any, steps: list[Step], *, new: bool = False) -> list[tuple[Any, Any]]:
    """The objects and lists that contain a place, each with the key in it."""
    owners: list[Any] = [body]
    for step in steps[:-1]:
        owners = [owner[key] for owner in owners for key in _keys(owner, step, new=False)]
    return [(owner, key) for owner in owners for key in _keys(owner, steps[-1], new=new)]


def _keys(owner: Any, step: Step, *, new: bool) -> Iterator[Any]:
    if isinstance(step, str):
        if not isinstance(owner, dict) or not (new or step in owner):
            raise NoSuchPlace(f"there is no property {step}")
        yield step
        return
    size = len(cast("Any", owner)) if isinstance(owner, list) else 0
    if size <= (step or 0):
        raise NoSuchPlace(f"there is no item [{'*' if step is None else step}]")
    yield from range(size) if step is None else (step,)
