"""The vendor's last description of our calls, in a canonical form that people can compare with a diff.

Canonical means: sorted, schemas under the names of our components, one notation for each thing, and no prose.
A short digest replaces each description and example, so that a change of wording is detected but not copied.
"""

from __future__ import annotations

import json
import re
from itertools import chain, count, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

import yaml

from contract.adopt import SCALARS, class_name
from contract.align import align
from contract.load import NUMBER, Unusable
from contract.normalize import AUTH, Description, Message, Operation, Parameter
from contract.shapes import INNER, KIND, PROSE_KEY, Node, Shape, as_list, escaped, short

if TYPE_CHECKING:
    from collections.abc import Iterator

VENDOR = "generated/vendor.yaml"
PROSE, OTHER = "x-prose", "x-other"
MAX_PLACES = 50_000

_HEADER = "# Written by scripts/bump: the vendor's description of our calls at the last bump. Digests replace texts.\n"
_OTHER_KEY = re.compile(
    "allowEmptyValue|allowReserved|bearerFormat|callbacks|discriminator|externalDocs|flows|links|openIdConnectUrl|x-(?!togai-)"
)
# Lists and mappings of parts that have no place of their own.
_PARTS = ("allOf", "anyOf", "content", "oneOf", "servers", "variables")
_KINDS = {"list": "array", "map": "object"}
STYLE = ("style", "explode")
_OF_ITSELF = " of itself"


def canonical(ours: dict[str, Any], theirs: Description) -> dict[str, Any]:
    """Return the part of the vendor's description that our calls use; schemas get the names of our contract.

    Raises:
        Unusable: A part that our calls use cannot be read, or is too large.
    """
    alignment = align(Description(ours), theirs)
    writer = _Writer(theirs, alignment.names)
    paths: dict[str, Any] = {}
    for _, (_, call) in sorted(alignment.operations.items()):
        if call is not None:
            prose = _prose(theirs.resolved(theirs.root / "paths" / call.path).value)
            paths.setdefault(call.path, prose)[call.method] = writer.operation(call)
    schemes = (theirs.root / "components" / "securitySchemes").value
    document: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": {"version": theirs.version, **_prose([theirs.root.value, theirs.root.get("info")])},
        "servers": [{"url": server} for server in theirs.servers()],
        "paths": paths,
        "components": {
            "schemas": writer.components,
            "securitySchemes": {name: it for name, each in schemes.items() if (it := _prose(each))},
        },
    }
    # Through JSON: shared objects would be written as YAML anchors.
    return cast("dict[str, Any]", json.loads(json.dumps(document, default=str)))


def dump(document: dict[str, Any]) -> str:
    """Return the YAML of a canonical description."""
    return _HEADER + yaml.dump(
        document, Dumper=_Dumper, default_flow_style=None, width=120, allow_unicode=True
    )


class _Dumper(yaml.SafeDumper):
    """Quotes a text that YAML 1.2 reads as a number, such as the digest 816e8872; YAML 1.1 does not."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, None)  # pyright: ignore[reportUnknownMemberType]


class _Writer:
    def __init__(self, theirs: Description, names: dict[int, set[str]]) -> None:
        self._theirs = theirs
        self._names = names
        self._given: dict[int, str] = {}
        self._referred: set[str] = set()
        self._inside: list[int] = []
        self._count = 0
        self.components: dict[str, Any] = {}

    def operation(self, call: Operation) -> dict[str, Any]:
        written = {AUTH: sorted(call.security), **_beside(call.node)}
        parameters = sorted(call.parameters.items())
        written["parameters"] = [self._parameter(each) for _, each in parameters]
        written["responses"] = {
            status: self._message(message, f"{call.path} {status}")
            for status, message in sorted(call.responses.items())
        }
        if call.node.get("operationId"):
            written["operationId"] = str(call.node.get("operationId"))
        if call.servers != self._theirs.servers():
            written["servers"] = [{"url": server} for server in call.servers]
        if call.body is not None:
            written["requestBody"] = self._message(call.body, f"{call.path} body")
        return written

    def _parameter(self, parameter: Parameter) -> dict[str, Any]:
        written: dict[str, Any] = {"in": parameter.place, "name": parameter.name}
        written |= _beside(parameter.node) | ({"required": True} if parameter.required else {})
        schema = (
            {"schema": self.schema(parameter.schema, parameter.name)} if parameter.schema else {}
        )
        media = (parameter.node / "content").value
        written |= {"content": dict.fromkeys(sorted(media), schema)} if media else schema
        # In a query, it has no effect on a string, a number or a boolean.
        if parameter.place == "path" or schema.get("schema", {}).get("type") not in SCALARS:
            written |= {key: each for key, each in parameter.node.value.items() if key in STYLE}
        return written

    def _message(self, message: Message, hint: str) -> dict[str, Any]:
        content = {
            kind: {"schema": self.schema(node, hint)} for kind, node in message.media.items()
        }
        headers = message.node / "headers"
        described = {name.lower(): self._header(name, headers / name) for name in headers.value}
        written = {"content": content, "headers": described}
        return {**_beside(message.node), **{key: each for key, each in written.items() if each}}

    def _header(self, name: str, written: Node) -> dict[str, Any]:
        node = self._theirs.resolved(written)
        message = self._message(self._theirs.message(node), name)
        return {"schema": self.schema(node / "schema", name), **message}

    def schema(self, node: Node, hint: str = "") -> dict[str, Any]:
        self._count += 1
        if self._count > MAX_PLACES:
            raise Unusable(f"our calls reach more than {MAX_PLACES} places")
        shape = self._theirs.shape(node)
        flags = {"nullable": shape.nullable, "readOnly": shape.read_only}
        flags |= {"writeOnly": shape.write_only, "deprecated": shape.deprecated}
        flags = {key: True for key, flag in flags.items() if flag}
        name = self._given.get(shape.identity)
        if name is None and not shape.properties and not shape.enum:
            return {**self._content(shape, hint), **flags, **_prose(node.value)}
        self._referred |= {name} if name else set()
        # The component has the prose of its own node.
        prose = {} if node.value is shape.node.value else _prose(node.value)
        ref = {"$ref": f"#/components/schemas/{name or self._component(shape, hint)}"}
        # OpenAPI 3.0 ignores everything beside a reference.
        return {**({"allOf": [ref], **flags} if flags else ref), **prose}

    def _component(self, shape: Shape, hint: str) -> str:
        ours = self._names.get(shape.identity, set())
        wanted = min(ours) if ours else shape.name or class_name(hint) or "Unnamed"
        names = (f"{wanted}{number}" for number in chain([""], count(2)))
        name = next(name for name in names if name not in self.components)
        self._given[shape.identity] = name
        self.components[name] = {}
        content = self._content(shape, wanted) | _prose(shape.node.value)
        # The same object, written at several places.
        twins = (twin for twin, known in self.components.items() if known == content)
        if name not in self._referred and (twin := next(twins, None)):
            del self.components[name]
            self._given[shape.identity] = twin
            return twin
        self.components[name] = content
        return name

    def _content(self, shape: Shape, hint: str) -> dict[str, Any]:
        kind = _KINDS.get(shape.kind, shape.kind)
        written: dict[str, Any] = {"type": kind} if kind in (*SCALARS, "object", "array") else {}
        if not written and shape.kind != "anything":
            written = {KIND: shape.kind}
        facts = {
            "format": shape.format,
            "enum": None if shape.enum is None else sorted(shape.enum),
            "required": sorted(shape.required) or None,
            "default": shape.default,
            "additionalProperties": False if shape.closed else None,
            **shape.limits,
            **shape.invalid,
        }
        written |= {key: value for key, value in facts.items() if value is not None}
        if shape.properties:
            written["properties"] = {
                name: self.schema(node, f"{hint} {name}") for name, node in shape.properties.items()
            }
        if shape.inner:
            if shape.identity in self._inside:
                return {KIND: shape.kind + _OF_ITSELF}
            self._inside.append(shape.identity)
            written[INNER.get(shape.kind, INNER["map"])] = self.schema(shape.inner, hint)
            self._inside.pop()
        return written


def _beside(node: Node) -> dict[str, Any]:
    """Return what a call, a parameter, a message or a header says beside its schemas."""
    flags = {key: True for key in ("required", "deprecated") if node.get(key) is True}
    return {**flags, **_prose(node.value)}


def _prose(value: Any) -> dict[str, str]:
    """Return a digest of the prose of a value, and one of what is neither compared nor written, if it has any."""
    notes: dict[str, set[str]] = {PROSE: set(), OTHER: set()}
    for key, text in _notes(value):
        notes[PROSE if PROSE_KEY.fullmatch(key) else OTHER].add(short([key, text]))
    return {key: short(sorted(digests)) for key, digests in notes.items() if digests}


def _notes(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is not compared of a value and of its parts, by its key."""
    for item in as_list(value):
        yield from _notes(item)
    for key, each in cast("dict[str, Any]", value).items() if isinstance(value, dict) else ():
        if key in _PARTS:
            parts = [*cast("dict[str, Any]", each).values()] if isinstance(each, dict) else each
            yield from _notes(parts)
        elif PROSE_KEY.fullmatch(key) or _OTHER_KEY.match(key):
            text = " ".join(each.split()) if isinstance(each, str) else each
            yield from [(key, text)] if text not in (None, "") else ()


def digest(described: Description, shape: Shape) -> str:
    """Return a digest of everything that a schema allows, without names of schemas and prose."""
    facts: list[list[Any]] = []
    for at, each, needed in islice(described.walk(shape), MAX_PLACES):
        enum = None if each.enum is None else sorted(each.enum)
        undescribed = sorted(each.required - each.properties.keys())
        flags = (each.nullable, each.read_only, each.write_only)
        words = each.words.removesuffix(_OF_ITSELF)
        facts.append([at, words, needed, enum, undescribed, flags, dict(each.limits)])
    return short(sorted(facts, key=itemgetter(0)))


def _by_name(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    by_place: dict[str, Any] = {}
    for parameter in parameters:
        by_place.setdefault(parameter["in"], {})[parameter["name"]] = parameter
    return by_place


def changes(before: Any, after: Any, at: str = "#") -> Iterator[str]:
    """Yield the pointers at which two canonical descriptions differ, each as long as possible."""
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
        for key in sorted(old.keys() | new.keys()):
            yield from changes(old.get(key), new.get(key), f"{at}/{escaped(key)}")
    elif isinstance(before, list) and isinstance(after, list) and at.endswith("/parameters"):
        yield from changes(_by_name(before), _by_name(after), at)  # pyright: ignore[reportUnknownArgumentType]
    elif at.endswith(("/required", "/enum")) and isinstance(before or after, list):
        holder, _, key = at.rpartition("/")
        for name in {*map(str, as_list(before))} ^ {*map(str, as_list(after))}:
            step = escaped(name)
            yield f"{at}/{step}" if key == "enum" else f"{holder}/properties/{step}/required"
    elif before != after:
        yield at
