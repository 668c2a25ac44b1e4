"""The places of a description that operators change."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Document = dict[str, Any]

REF = "#/components/schemas/"
JSON = "application/json"


@dataclass(frozen=True)
class Spot:
    """A place in a description.

    Attributes:
        kind: document, call, parameter, status (of an error), object, enum, property or value (of an enum).
        label: Its name in reports.
        at: The keys that lead there; a parameter is identified by its name.
        described: The value in the contract.
        is_sent: Whether callers send it.
        required: Whether it is a required property.
    """

    kind: str
    label: str
    at: tuple[str, ...]
    described: Any = None
    is_sent: bool = False
    required: bool = False

    @property
    def name(self) -> str:
        """Return the last key: the name of a property, parameter or schema, or an enum value."""
        return self.at[-1]

    @property
    def cuts(self) -> bool:
        """Return whether its removal makes schemas unreachable."""
        return self.kind == "call" or (self.kind == "property" and "$ref" in str(self.described))

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


def spots(d: Document) -> Iterator[Spot]:
    """Yield every place."""
    yield Spot("document", "all", ())
    for path, item in d["paths"].items():
        for method, call in item.items():
            label, at = f"{method} {path}", ("paths", path, method)
            yield Spot("call", label, at, call)
            for parameter in call.get("parameters", ()):
                name = parameter["name"]
                yield Spot(
                    "parameter", f"{path} {name}", (*at, "parameters", name), parameter, True
                )
            for code, response in call["responses"].items():
                if not code.startswith("2"):
                    yield Spot("status", f"{label} {code}", (*at, "responses", code), response)
    sent = _sent(d)
    for schema, described in sorted(schemas(d).items()):
        at, is_sent = ("components", "schemas", schema), schema in sent
        yield Spot("enum" if "enum" in described else "object", schema, at, described, is_sent)
        for name, child in described.get("properties", {}).items():
            where, required = (*at, "properties", name), name in described.get("required", ())
            yield Spot("property", f"{schema}.{name}", where, child, is_sent, required)
        for value in described.get("enum", ()):
            yield Spot("value", f"{schema}.{value}", (*at, "enum", value), value, is_sent)


def is_sent(spot: Spot) -> bool:
    """Return whether callers send it."""
    return spot.is_sent


def is_received(spot: Spot) -> bool:
    """Return whether callers only read it."""
    return not spot.is_sent


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
