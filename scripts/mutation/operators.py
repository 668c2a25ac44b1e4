"""Operators: each is a kind of difference, which changes every place of a description where it fits."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contract.shapes import LOWER, UPPER

Document = dict[str, Any]

REF = "#/components/schemas/"
JSON = "application/json"
NEW = "brandNew"


@dataclass(frozen=True)
class Spot:
    """A place in a description.

    Attributes:
        kind: document, call, parameter, status (of an error), model, enum, property or value (of an enum).
        at: Its path and method, or its schema; then its name.
        node: Its description, or its value.
        holder: The object or list that contains it.
        owner: The call or schema that it is a part of.
        root: The whole description.
        is_sent: Whether callers send it.
    """

    kind: str
    at: tuple[str, ...]
    node: Any
    holder: Any
    owner: Any
    root: Document
    is_sent: bool = False

    @property
    def name(self) -> str:
        """Return the name of a property, parameter or schema, a method, a status, or an enum value."""
        return self.at[-1]

    @property
    def is_required(self) -> bool:
        """Return whether it is a required property."""
        return self.kind == "property" and self.name in self.owner.get("required", ())

    @property
    def words(self) -> set[str]:
        """Return the words for it: sent or received, the names in its place, the keys of its description, and so on."""
        node = self.node if isinstance(self.node, dict) else {}
        return {
            "sent" if self.is_sent else "received",
            "required" if self.is_required or node.get("required") is True else "optional",
            "limited" if {*UPPER, *LOWER} & node.keys() else "unlimited",
            *self.at,
            *(node.keys() - {"required"}),
            *(str(node.get(key)) for key in ("in", "type", "format")),
        }

    def put(self, described: Any) -> None:
        """Replace its description."""
        self.holder[self.name] = copy.deepcopy(described)

    def drop(self) -> None:
        """Remove it."""
        if self.is_required:
            self.owner["required"].remove(self.name)
        if isinstance(self.holder, list):
            self.holder.remove(self.node)
        else:
            del self.holder[self.name]

    def rename(self, new: str) -> None:
        """Rename a property."""
        is_required = self.is_required
        self.drop()
        add(self.owner, self.node, new, required=is_required)


def spots(d: Document) -> Iterator[Spot]:
    """Yield every place."""
    yield Spot("document", ("document",), d, d, d, d)
    for path, item in d["paths"].items():
        for method, call in item.items():
            at = (path, method)
            yield Spot("call", at, call, item, call, d)
            for each in call.get("parameters", ()):
                yield Spot(
                    "parameter", (*at, each["name"]), each, call["parameters"], call, d, True
                )
            for code, response in call["responses"].items():
                if not code.startswith("2"):
                    yield Spot("status", (*at, code), response, call["responses"], call, d)
    sent = _sent(d)
    for name, schema in sorted(schemas(d).items()):
        kind, place = "enum" if "enum" in schema else "model", (schema, d, name in sent)
        yield Spot(kind, (name,), schema, schemas(d), *place)
        for key, child in schema.get("properties", {}).items():
            yield Spot("property", (name, key), child, schema["properties"], *place)
        for value in schema.get("enum", ()):
            yield Spot("value", (name, value), value, schema["enum"], *place)


def schemas(d: Document) -> Document:
    """Return the components that are schemas."""
    schemas: Document = d["components"]["schemas"]
    return schemas


def _sent(d: Document) -> set[str]:
    """Return the names of the schemas that callers send."""
    calls = [call for item in d["paths"].values() for call in item.values()]
    parts = [call.get(part) for call in calls for part in ("parameters", "requestBody")]
    names: set[str] = set()
    while new := set(re.findall(f'"{REF}([^"]*)"', json.dumps(parts))) - names:
        names |= new
        parts = [schemas(d).get(name) for name in new]
    return names


Change = Callable[[Spot], object]


@dataclass(frozen=True)
class Operator:
    """A kind of difference.

    Attributes:
        name: A phrase that describes it.
        expected: The correct verdict: same (no difference), absorbed, held or conflict; if several are possible, the
            caller programs decide whether it is a conflict.
        places: The kind of spot where it fits, after words that the spot has, or has not if there is a minus sign;
            alternatives are separated by commas.
        change: Changes a spot; several changes have labels.
    """

    name: str
    expected: str
    places: str
    change: Change | Mapping[str, Change]

    def changes(self, spot: Spot) -> Mapping[str, Change]:
        """Return the changes that fit a spot."""
        if not any(_fits(spot, *words.split()) for words in self.places.split(",")):
            return {}
        return self.change if isinstance(self.change, Mapping) else {"": self.change}


def _fits(spot: Spot, *words: str) -> bool:
    *conditions, kind = words
    return kind == spot.kind and all(
        (word.removeprefix("-") in spot.words) != word.startswith("-") for word in conditions
    )


def each(
    values: Mapping[str, Any] | Iterable[Any], change: Callable[[Spot, Any], object]
) -> dict[str, Change]:
    """Return a change for each value."""
    named = values if isinstance(values, Mapping) else {str(value): value for value in values}
    return {
        label: lambda spot, value=value: change(spot, copy.deepcopy(value))  # type: ignore[misc]
        for label, value in named.items()
    }


# Changes that several operators make.


def update(**changes: Any) -> Change:
    """Return a change that sets keys in the description of a spot."""
    return lambda s: s.node.update(copy.deepcopy(changes))


def add(schema: Document, described: Document, name: str = NEW, *, required: bool = False) -> None:
    """Add a property to an object."""
    schema["properties"][name] = copy.deepcopy(described)
    if required:
        schema.setdefault("required", []).append(name)
