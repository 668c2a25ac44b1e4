"""Mutation operators: each is a kind of difference, applied wherever it fits, with the expected verdict."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Document = dict[str, Any]

REF = "#/components/schemas/"
JSON = "application/json"


@dataclass(frozen=True)
class Spot:
    """A place in a description.

    Attributes:
        label: Its name in reports.
        at: The keys that lead there; a parameter is identified by its name.
        described: The value in the contract.
        is_sent: Whether callers send it.
        cuts: Whether its removal makes schemas unreachable.
    """

    label: str
    at: tuple[str, ...] = ()
    described: Any = None
    is_sent: bool = False
    cuts: bool = False

    @property
    def name(self) -> str:
        """Return the last key: the name of a property, parameter or schema, or an enum value."""
        return self.at[-1]

    def of(self, d: Document) -> Any:
        """Return the value of a description there."""
        return self.above(d, 0)

    def above(self, d: Document, levels: int = 1) -> Any:
        """Return the value of a description a number of keys above it."""
        node: Any = d
        for key in self.at[: len(self.at) - levels]:
            if isinstance(node, list):
                node = next(item for item in cast("Any", node) if key in (item, _name(item)))
            else:
                node = node[key]
        return node


def _name(node: Any) -> Any:
    return node.get("name") if isinstance(node, dict) else None  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]


@dataclass(frozen=True)
class Place:
    """A change at a spot; `change` applies it to a description that still has the spot."""

    label: str
    change: Callable[[Document], object]
    cuts: bool = False


@dataclass(frozen=True)
class Operator:
    """A kind of difference.

    Attributes:
        name: A phrase that describes it.
        expected: same, quiet, conflict, or outcome, if the caller programs decide.
        places: All places of a description where it fits.
        one_way: Whether reverting it is a conflict, because callers may already use the addition.
    """

    name: str
    expected: str
    places: Callable[[Document], Iterator[Place]]
    one_way: bool = False

    @property
    def form(self) -> bool:
        """Return whether it only changes the notation."""
        return self.expected == "same"


OPERATORS: list[Operator] = []


def row(
    name: str,
    expected: str,
    spots: Callable[[Document], Iterator[Spot]],
    change: Callable[..., object] | Mapping[str, Callable[..., object]],
    when: Callable[[Spot], object] = lambda _: True,
    *,
    cuts: bool = False,
    one_way: bool = False,
) -> None:
    """Register an operator: a change, or several with labels, at each spot of a kind where it fits.

    Args:
        name: A phrase that describes it.
        expected: The verdict, see `Operator`.
        spots: The kind of spots.
        change: Changes the description at the spot.
        when: Whether it fits a spot.
        cuts: Whether schemas behind the spot become unreachable.
        one_way: Whether reverting it is a conflict.
    """
    variants: Mapping[str, Callable[..., object]] = {"": change} if callable(change) else change

    def places(d: Document) -> Iterator[Place]:
        for spot in spots(d):
            for label, make in variants.items() if when(spot) else ():
                full = f"{spot.label}, {label}" if label else spot.label
                yield Place(full, _bound(make, spot), cuts or spot.cuts)

    OPERATORS.append(Operator(name, expected, places, one_way))


def _bound(change: Callable[..., object], spot: Spot) -> Callable[[Document], object]:
    """Return a change that is bound to its spot; a lambda in a loop would use the last spot."""
    return lambda d: change(d, spot)


# The kinds of spots.


def whole(_: Document) -> Iterator[Spot]:
    """Yield the description itself as one spot."""
    yield Spot("all")


def calls(d: Document) -> Iterator[Spot]:
    """Yield every call."""
    for path, item in d["paths"].items():
        for method, call in item.items():
            yield Spot(f"{method} {path}", ("paths", path, method), call, cuts=True)


def parameters(d: Document) -> Iterator[Spot]:
    """Yield every parameter of every call."""
    for call in calls(d):
        for event in call.described.get("parameters", ()):
            at = (*call.at, "parameters", event["name"])
            yield Spot(f"{call.at[1]} {event['name']}", at, event, is_sent=True)


def statuses(d: Document) -> Iterator[Spot]:
    """Yield every error status of every call."""
    for call in calls(d):
        for code, response in call.described["responses"].items():
            if not code.startswith("2"):
                yield Spot(f"{call.label} {code}", (*call.at, "responses", code), response)


def components(d: Document) -> Iterator[Spot]:
    """Yield every schema."""
    used = sent(d)
    for name, schema in sorted(schemas(d).items()):
        yield Spot(name, ("components", "schemas", name), schema, name in used)


def objects(d: Document) -> Iterator[Spot]:
    """Yield every schema that is an object with properties."""
    return (component for component in components(d) if "properties" in component.described)


def properties(d: Document) -> Iterator[Spot]:
    """Yield every property of every schema."""
    for spot in objects(d):
        for name, described in spot.described["properties"].items():
            at, cuts = (*spot.at, "properties", name), "$ref" in str(described)
            yield Spot(f"{spot.name}.{name}", at, described, spot.is_sent, cuts)


def enums(d: Document) -> Iterator[Spot]:
    """Yield every enum."""
    return (component for component in components(d) if "enum" in component.described)


def values(d: Document) -> Iterator[Spot]:
    """Yield every value of every enum."""
    for enum in enums(d):
        for value in enum.described["enum"]:
            yield Spot(f"{enum.name}.{value}", (*enum.at, "enum", value), value, enum.is_sent)


# Shared by several changes.


def put(d: Document, spot: Spot, described: Any) -> None:
    """Replace the description of a spot."""
    spot.of(d)
    spot.above(d)[spot.name] = copy.deepcopy(described)


def update(**changes: Any) -> Callable[[Document, Spot], object]:
    """Return a change that sets keys in the description of a spot."""
    return lambda d, spot: spot.of(d).update(copy.deepcopy(changes))


def drop(d: Document, spot: Spot) -> Any:
    """Remove a property, parameter, value, status or call; return it."""
    holder, node = spot.above(d), spot.of(d)
    if isinstance(holder, list):
        cast("Any", holder).remove(node)
        return node
    if spot.name in spot.above(d, 2).get("required", ()):
        spot.above(d, 2)["required"].remove(spot.name)
    return holder.pop(spot.name)


def require(d: Document, spot: Spot) -> None:
    """Make a property required."""
    spot.of(d)
    spot.above(d, 2).setdefault("required", []).append(spot.name)


def is_required(d: Document, spot: Spot) -> bool:
    """Return whether a property is required."""
    return spot.name in spot.above(d, 2).get("required", ())


def rename(d: Document, spot: Spot, new: str) -> None:
    """Rename a property."""
    required = is_required(d, spot)
    spot.above(d)[new] = drop(d, spot)
    if required:
        spot.above(d, 2)["required"].append(new)


def schemas(d: Document) -> Document:
    """Return the components that are schemas."""
    schemas: Document = d["components"]["schemas"]
    return schemas


def sent(d: Document) -> set[str]:
    """Return the names of the schemas that callers send."""
    reached: set[str] = set()
    waiting: list[Any] = [
        call.described.get(part) for call in calls(d) for part in ("parameters", "requestBody")
    ]
    while waiting:
        node: Any = waiting.pop()
        if isinstance(node, dict):
            name = str(cast("Document", node).get("$ref", "")).removeprefix(REF)
            if name in schemas(d) and name not in reached:
                reached.add(name)
                waiting.append(schemas(d)[name])
            waiting += cast("Document", node).values()
        elif isinstance(node, list):
            waiting += node
    return reached


def everywhere(node: Any, change: Callable[[Document], object]) -> None:
    """Change every mapping, innermost first."""
    if isinstance(node, dict):
        for item in [*cast("Document", node).values()]:
            everywhere(item, change)
        change(cast("Document", node))
    elif isinstance(node, list):
        for item in cast("Any", node):
            everywhere(item, change)
