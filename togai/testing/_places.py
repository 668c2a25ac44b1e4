"""Places in JSON, written as deviations are: `$.events[0].createdAt`; `[*]` is every item of a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Step = str | int | None
"""A property, an index, or None for every item."""

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\*)\]")


class NoSuchPlace(Exception):
    """The JSON does not reach so far."""


def parse(place: str) -> list[Step]:
    """The steps to a place.

    Raises:
        ValueError: It is no place.
    """
    rest = place.removeprefix("$")
    steps: list[Step] = []
    at = 0
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None:
            break
        name, index = match.groups()
        steps.append(name if name is not None else None if index == "*" else int(index))
        at = match.end()
    if at < len(rest) or not steps:
        raise ValueError(f"{place!r} is no place in JSON: write one like $.events[0].createdAt")
    return steps


def put(body: Any, steps: list[Step], value: Any) -> None:
    """Set what is at a place; a property may be new.

    Raises:
        NoSuchPlace: The JSON does not reach so far.
    """

    def act(owner: Any, key: Any) -> None:
        owner[key] = value

    _at_each(body, steps, act, new=True)


def drop(body: Any, steps: list[Step]) -> None:
    """Take away what is at a place.

    Raises:
        NoSuchPlace: There is nothing.
    """

    def act(owner: Any, key: Any) -> None:
        del owner[key]

    _at_each(body, steps, act, new=False)


def rename(body: Any, steps: list[Step], name: str) -> None:
    """Rename the properties at a place.

    Raises:
        NoSuchPlace: There is nothing.
    """

    def act(owner: Any, key: Any) -> None:
        owner[name] = owner.pop(key)

    _at_each(body, steps, act, new=False)


def _at_each(body: Any, steps: list[Step], act: Callable[[Any, Any], None], *, new: bool) -> None:
    owners: list[Any] = [body]
    for step in steps[:-1]:
        owners = [owner[key] for owner in owners for key in _keys(owner, step, new=False)]
    found = [(owner, key) for owner in owners for key in _keys(owner, steps[-1], new=new)]
    # From the end, so that taking one away moves none that is still to come.
    for owner, key in reversed(found):
        act(owner, key)


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
