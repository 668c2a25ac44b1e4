"""Converts a schema of the vendor's description to a schema of the contract, in which everything has a name.

A schema that the generator cannot write as a model raises `NotModelled`: callers still find such a property in
`additional_properties`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from itertools import chain, count
from typing import TYPE_CHECKING, Any, cast

from openapi_python_client.strings import PythonIdentifier

from contract.shapes import LOWER, UPPER, goes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contract.normalize import Description
    from contract.shapes import Direction, Shape

SCHEMAS = "#/components/schemas/"
MAX_NAME = 200
MAX_TEXT = 500
MAX_SCHEMAS = 1000
MAX_NESTED = 20

# Formats for which the generator would write another type than the string or number in JSON.
_AS_TEXT = ("uuid", "binary")
SCALARS = ("string", "integer", "number", "boolean")

# Names that the generated modules use themselves; in lower case for the names of models.
_MODULE_NAMES = frozenset({"any", "mapping", "openenum", "seen", "self"})
BUILDER_NAMES = frozenset({"body", "client", "quote", "url"})


class NotModelled(Exception):
    """The contract cannot contain this; the message says why."""


class Taker:
    """Writes schemas for a contract, and adds the components that they need to it.

    `names` lists the components of the contract that each schema of the description, by identity, corresponds to.
    """

    def __init__(
        self, schemas: dict[str, Any], theirs: Description, names: dict[int, set[str]]
    ) -> None:
        self._schemas = schemas
        self._theirs = theirs
        self._names = {name: set(known) for name, known in names.items()}
        # Of the schema that is being taken: its direction, its new components, and the schema of each by identity.
        self._direction: Direction = "response"
        self._fresh: dict[str, Any] = {}
        self._identities: dict[str, int] = {}

    def take(self, shape: Shape, direction: Direction, owner: str, wire: str) -> dict[str, Any]:
        """Return the schema for a new place, completely or not at all.

        Received properties are optional, and their enums open. `owner` is the component that contains the place, or a
        name for it, and `wire` its name on the wire.

        Raises:
            NotModelled: The generator has no model for it.
        """
        self._direction, self._fresh, self._identities = direction, {}, {}
        written = self._write(shape, owner, wire, (owner,))
        schemas = {**self._schemas, **self._fresh}
        new = {owner: {"properties": {wire: written}}}
        maps = [name.lower() for part in (schemas, new) for name in map_names(part)]
        if twice := next((name for name in schemas if name.lower() in maps), None):
            raise NotModelled(f"the model {twice} has the name of a map in Python")
        self._schemas.update(self._fresh)
        for name in self._fresh:
            self._names.setdefault(self._identities[name], set()).add(name)
        return written

    def _write(
        self, shape: Shape, owner: str, wire: str, inside: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return the schema of a property of a component; `inside` are the schemas that it stands in."""
        if unwritable(wire):
            raise NotModelled(unwritable(wire))
        text = {"description": plain(shape.description) or "Not described."}
        limits = {key: shape.limits[key] for key in (*LOWER, *UPPER) if key in shape.limits}
        if shape.kind == "object" and not shape.properties:
            return {"type": "object", **text, "additionalProperties": True}
        if shape.kind == "object" or shape.enum:
            return {"$ref": SCHEMAS + self._named(shape, owner, wire, inside)}
        if shape.inner:
            inner = self._theirs.shape(shape.inner)
            below = (*inside, "") if inner.inner else inside
            _check_depth(inside)
            if shape.kind == "list":
                items = self._write(inner, owner, wire, below)
                return {"type": "array", **limits, **text, "items": items}
            # The generator names the map after the owner and the property.
            values = self._write(inner, owner, f"{wire} value", below)
            return {"type": "object", **text, "additionalProperties": values}
        if shape.kind not in SCALARS:
            raise NotModelled(f"no model can be written for {shape.kind}")
        return {"type": shape.kind, **_format(shape), **limits, **text}

    def _named(self, shape: Shape, owner: str, wire: str, inside: tuple[str, ...]) -> str:
        """Return the existing or new component for an object or an enum."""
        same = (name for name in self._fresh if self._identities[name] == shape.identity)
        known = self._known(shape) or next(same, None)
        if known is None:
            return self._component(shape, owner, wire, inside)
        if known != owner and not self._reach(known).isdisjoint(inside):
            raise NotModelled(f"{known} would contain itself through another model")
        return known

    def _known(self, shape: Shape) -> str | None:
        """Return the component that already corresponds to a schema of the description, if there is exactly one."""
        fitting = [
            name
            for name in self._names.get(shape.identity, ())
            if "enum" not in (schema := self._schemas[name])
            or self._direction == "request"
            or schema.get("x-togai-open")
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _reach(self, name: str) -> set[str]:
        """Return the components that a component refers to, directly or not, and itself."""
        reached: set[str] = set()
        waiting = [name]
        while waiting:
            component = waiting.pop()
            if component not in reached:
                reached.add(component)
                # The references of a new component were checked when they were written.
                waiting += references(self._schemas.get(component))
        return reached

    def _component(self, shape: Shape, owner: str, wire: str, inside: tuple[str, ...]) -> str:
        _check_depth(inside)
        if len(self._schemas) + len(self._fresh) >= MAX_SCHEMAS:
            raise NotModelled(f"there are {MAX_SCHEMAS} models already")
        name = self._free_name(shape.name, f"{owner} {wire}")
        is_sent = self._direction == "request"
        text = plain(shape.description) or f"{name}, not described."
        written: dict[str, Any] = {"type": "object", "description": text}
        self._fresh[name], self._identities[name] = written, shape.identity
        if shape.enum:
            values = members(shape.enum)
            if not values:
                raise NotModelled("none of its values can be a name in Python")
            opened = {} if is_sent else {"x-togai-open": True}
            written |= {"type": "string", **opened, "enum": values}
            return name
        if shape.closed:
            written["additionalProperties"] = False
        required = [each for each in shape.properties if each in shape.required]
        if required and is_sent:
            written["required"] = required
        written["properties"] = self._properties(shape, name, (*inside, name))
        return name

    def _properties(self, shape: Shape, owner: str, inside: tuple[str, ...]) -> dict[str, Any]:
        """Return the properties of an object that can be written; in a request, all required ones must be."""
        written: dict[str, Any] = {}
        for wire, node in shape.properties.items():
            inner = self._theirs.shape(node)
            if not goes(inner, self._direction):
                continue
            if clash(wire, written):
                raise NotModelled(f"{wire} and another property have the same name in Python")
            before = set(self._fresh)
            try:
                written[wire] = self._write(inner, owner, wire, inside)
            except NotModelled:
                for key in self._fresh.keys() - before:
                    del self._fresh[key]
                if wire in shape.required and self._direction == "request":
                    raise
        return written

    def _free_name(self, vendor: str | None, derived: str) -> str:
        schemas = {**self._schemas, **self._fresh}
        taken = {name.lower() for name in (*schemas, *map_names(schemas))} | _MODULE_NAMES
        last = class_name(derived)
        numbered = (f"{last or 'Schema'}{i}" for i in count(2))
        names = chain((class_name(vendor or ""), last), numbered)
        return next(name for name in names if name and name.lower() not in taken)


def _check_depth(inside: tuple[str, ...]) -> None:
    if len(inside) > MAX_NESTED:
        raise NotModelled("it is nested too deep")


def references(schema: Any) -> list[str]:
    """Return the components that a schema refers to."""
    return re.findall(rf'"\$ref": "{SCHEMAS}([^"]+)"', json.dumps(schema))


def map_names(schemas: dict[str, Any]) -> Iterator[str]:
    """Yield the names that the generator gives to maps, which have no names in the contract."""
    for name, schema in schemas.items():
        for wire, described in schema.get("properties", {}).items():
            yield from _map_names(described, class_name(f"{name} {wire}"))


def _map_names(schema: dict[str, Any], name: str) -> Iterator[str]:
    if "items" in schema:
        yield from _map_names(schema["items"], f"{name}Item")
    elif "additionalProperties" in schema:
        yield name
        inner = schema["additionalProperties"]
        if isinstance(inner, dict):
            yield from _map_names(cast("dict[str, Any]", inner), f"{name}AdditionalProperty")


def class_name(text: str) -> str:
    """Return a name for a component: ASCII letters and digits, each word capitalized."""
    words = re.findall(r"[A-Za-z0-9]+", text[:MAX_NAME])
    name = "".join(word[0].upper() + word[1:] for word in words).lstrip("0123456789")
    return name[:80]


def unwritable(name: str) -> str:
    """Return the reason why a name on the wire cannot be written as code; empty if it can."""
    if len(name) > MAX_NAME or not name.isprintable() or set(name) & set('"\\`'):
        return "it is not a name: quotes, backslashes, control characters, or too long"
    if not any(character.isalnum() for character in name):
        return "it is not a name: it has neither letter nor digit"
    return ""


def clash(name: str, others: Iterable[str]) -> bool:
    """Return whether a property would have the name of another property in Python."""
    return python_name(name) in {python_name(other) for other in others}


@lru_cache(100_000)
def python_name(wire: str) -> str:
    """Return the attribute or argument that the generator writes for a name on the wire."""
    return unicodedata.normalize("NFKC", PythonIdentifier(wire, "field_"))


def member_name(value: str) -> str:
    """Return the member that the generator writes for an enum value, except for its rules for unusual values."""
    return re.sub(r"[^a-z0-9]+", "_", value.lower()).rstrip("_")


def members(values: Iterable[str], known: Iterable[str] = ()) -> list[str]:
    """Return the enum values that are not known yet and whose names in Python are not used."""
    names = {member_name(item) for item in known}
    taken: list[str] = []
    for value in values:
        name = member_name(value)
        # The generator names a value that does not start with a letter by its position, which may change.
        if value[:1].isalpha() and value.isascii() and name not in names and not unwritable(value):
            names.add(name)
            taken.append(value)
    return taken


def _format(shape: Shape) -> dict[str, str]:
    if not shape.format:
        return {}
    if not shape.format.isprintable() or len(shape.format) > MAX_NAME:
        raise NotModelled("its format is not a name")
    return {"x-togai-format" if shape.format in _AS_TEXT else "format": shape.format}


def plain(text: str) -> str:
    """Return a description on one line, without characters that are special in Python or on a terminal."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = re.sub(r"""(['"])\1\1+""", r"\1", line.replace("\\", "/"))
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 4].rstrip() + " ..."
