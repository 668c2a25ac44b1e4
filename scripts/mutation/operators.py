"""Mutation operators: each a kind of difference, applied wherever it fits, with the verdict that is right for it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

Document = dict[str, Any]
Change = Callable[[Document], object]

REF = "#/components/schemas/"
TEXT: Document = {"type": "string", "description": "New."}
JSON = "application/json"


@dataclass(frozen=True)
class Place:
    """Somewhere an operator fits.

    Attributes:
        label: Where, for people.
        change: Makes the difference, in a description that still has the place.
        cuts: Whether schemas behind the place are reached no longer.
    """

    label: str
    change: Change
    cuts: bool = False


@dataclass(frozen=True)
class Operator:
    """A kind of difference.

    Attributes:
        name: What it is, in words.
        expected: same, absorbed, held or conflict.
        places: All places of a description where it fits.
        form: Whether it only changes how the same is written down.
        one_way: Whether taking it back is a conflict: callers may use by then what is taken from them.
    """

    name: str
    expected: str
    places: Callable[[Document], Iterator[Place]]
    form: bool = False
    one_way: bool = False


OPERATORS: list[Operator] = []
Places = Callable[[Document], Iterator[Place]]


def operator(name: str, expected: str, *, one_way: bool = False) -> Callable[[Places], Places]:
    """Register an operator."""

    def register(places: Places) -> Places:
        OPERATORS.append(Operator(name, expected, places, expected == "same", one_way))
        return places

    return register


def bind(change: Callable[..., object], *given: Any) -> Change:
    """A change that knows its place: a lambda in a loop would look at the last one."""
    return lambda document: change(document, *given)


def schemas(document: Document) -> Document:
    """The components that are schemas."""
    found: Document = document["components"]["schemas"]
    return found


def calls(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Path, method and description of each call."""
    for path, item in document["paths"].items():
        for method, call in item.items():
            yield path, method, call


def call_at(document: Document, path: str, method: str) -> Document:
    """One call's description."""
    found: Document = document["paths"][path][method]
    return found


def reached(document: Document, node: Any) -> set[str]:
    """The schemas that something leads to."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        one: Any = waiting.pop()
        if isinstance(one, dict):
            one = cast("Document", one)
            ref = str(one.get("$ref", ""))
            if ref.startswith("#/components/responses/"):
                waiting.append(document["components"]["responses"][ref.rpartition("/")[2]])
            name = ref.removeprefix(REF)
            if ref.startswith(REF) and name not in found:
                found.add(name)
                waiting.append(schemas(document)[name])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def sent(document: Document) -> set[str]:
    """The schemas of what callers send."""
    return {
        name
        for _, _, call in calls(document)
        for part in ("parameters", "requestBody")
        for name in reached(document, call.get(part))
    }


def received(document: Document) -> set[str]:
    """The schemas of what callers are only ever sent back."""
    everything = {name for *_, call in calls(document) for name in reached(document, call)}
    return everything - sent(document)


def objects(document: Document, names: set[str]) -> Iterator[tuple[str, Document]]:
    """Those of the schemas that are objects with properties."""
    for name in sorted(names):
        if "properties" in schemas(document)[name]:
            yield name, schemas(document)[name]


def enums(document: Document, names: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Those of the schemas that are enums."""
    for name in sorted(names):
        if "enum" in schemas(document)[name]:
            yield name, schemas(document)[name]["enum"]


def properties(document: Document, names: set[str]) -> Iterator[tuple[str, str, Document]]:
    """Schema, name and description of each property."""
    for schema, described in objects(document, names):
        for name, one in described["properties"].items():
            yield schema, name, one


def parameters(document: Document) -> Iterator[tuple[str, str, int, Document]]:
    """Path, method, index and description of each parameter that the vendor describes."""
    for path, method, call in calls(document):
        for i, one in enumerate(call.get("parameters", [])):
            yield path, method, i, one


def property_of(document: Document, schema: str, name: str) -> Document:
    """One property's description."""
    found: Document = schemas(document)[schema]["properties"][name]
    return found


def parameter_of(document: Document, path: str, method: str, name: str) -> Document:
    """One parameter's description."""
    found: list[Document] = call_at(document, path, method)["parameters"]
    return next(one for one in found if one["name"] == name)


def set_property(document: Document, schema: str, name: str, described: Any) -> None:
    """Describe a property that is there in another way."""
    properties_ = schemas(document)[schema]["properties"]
    if name not in properties_:
        raise KeyError(name)
    properties_[name] = copy.deepcopy(described)


def require(document: Document, schema: str, name: str) -> None:
    """Make a property required."""
    schemas(document)[schema].setdefault("required", []).append(name)


def everywhere(value: Any, change: Callable[[Document], None]) -> None:
    """Change every mapping, innermost first."""
    if isinstance(value, dict):
        node = cast("Document", value)
        for one in [*node.values()]:
            everywhere(one, change)
        change(node)
    elif isinstance(value, list):
        for one in cast("Any", value):
            everywhere(one, change)
