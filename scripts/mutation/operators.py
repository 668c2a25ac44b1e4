"""Mutation operators: each is a kind of difference, applied wherever it fits, with the expected verdict."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from mutation.spots import JSON, Document, Spot, spots

Change = Callable[[Document, Spot], object]
NEW = "brandNew"


@dataclass(frozen=True)
class Operator:
    """A kind of difference.

    Attributes:
        name: A phrase that describes it.
        expected: The verdict: same (no difference), quiet (absorbed or held), conflict, or outcome (any verdict that
            agrees with the caller programs).
        kinds: The kinds of spots where it fits, separated by spaces.
        change: Changes a description at the spot; several changes have labels.
        when: Whether it fits a spot of the kind.
        cuts: Whether schemas behind the spot become unreachable.
        one_way: Whether reverting it is a conflict, because callers may already use the addition.
    """

    name: str
    expected: str
    kinds: str
    change: Callable[..., object] | Mapping[str, Callable[..., object]]
    when: Callable[[Spot], object] = lambda _: True
    cuts: bool = False
    one_way: bool = False

    def places(self, d: Document) -> Iterator[Place]:
        """Yield all places of a description where it fits."""
        changes = {"": self.change} if callable(self.change) else self.change
        for spot in spots(d):
            if spot.kind in self.kinds.split() and self.when(spot):
                yield from (Place(self, spot, label, change) for label, change in changes.items())


@dataclass(frozen=True)
class Place:
    """A place where an operator fits, with one of its changes."""

    operator: Operator
    spot: Spot
    variant: str
    change: Callable[..., object]

    @property
    def label(self) -> str:
        """Return a short name for reports."""
        return f"{self.spot.label}, {self.variant}" if self.variant else self.spot.label

    @property
    def cuts(self) -> bool:
        """Return whether the change makes schemas unreachable."""
        return self.operator.cuts or self.spot.cuts


def each(labels: Iterable[Any], change: Callable[[Any], Change]) -> dict[str, Change]:
    """Return a change for each label."""
    return {str(label): change(label) for label in labels}


# Changes that several operators make.


def put(d: Document, spot: Spot, described: Any) -> None:
    """Replace the description of a spot."""
    spot.of(d)
    spot.above(d)[spot.name] = copy.deepcopy(described)


def update(**changes: Any) -> Change:
    """Return a change that sets keys in the description of a spot."""
    return lambda d, spot: spot.of(d).update(copy.deepcopy(changes))


def add(described: Document, name: str = NEW, *, required: bool = False) -> Change:
    """Return a change that adds a property to an object."""

    def change(d: Document, spot: Spot) -> None:
        spot.of(d)["properties"][name] = copy.deepcopy(described)
        if required:
            spot.of(d).setdefault("required", []).append(name)

    return change


def drop(d: Document, spot: Spot) -> Any:
    """Remove a property, parameter, value, status or call; return it."""
    holder, node = spot.above(d), spot.of(d)
    if isinstance(holder, list):
        cast("Any", holder).remove(node)
        return node
    required = spot.above(d, 2).get("required", [])
    if spot.name in required:
        required.remove(spot.name)
    return holder.pop(spot.name)


def rename(d: Document, spot: Spot, new: str) -> None:
    """Rename a property."""
    holder = replace(spot, at=spot.at[:-2])
    add(drop(d, spot), new, required=spot.required)(d, holder)


def rename_in_path(name: str) -> Change:
    """Return a change that renames a parameter of a path."""

    def change(d: Document, spot: Spot) -> None:
        spot.of(d)["name"] = name
        d["paths"][spot.at[1].replace(spot.name, name)] = d["paths"].pop(spot.at[1])

    return change


def by_content(d: Document, spot: Spot) -> None:
    """Describe a parameter as JSON."""
    spot.of(d)["content"] = {JSON: {"schema": spot.of(d).pop("schema")}}
