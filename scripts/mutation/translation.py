"""Translates names and values between a description and our contract."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any, cast

from contract.adopt import python_name
from contract.align import json_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx
    from contract.normalize import Description, Message, Operation
    from contract.shapes import Node, Shape

JSONObject = dict[str, Any]

_TYPES = {"object": dict, "map": dict, "list": list, "string": str, "boolean": bool}
_FITTING: dict[str, type | tuple[type, ...]] = {
    **_TYPES,
    "integer": int,
    "number": (int, float),
    "anything": object,
}
_LIMITED = {
    "string": ("minLength", "maxLength"),
    "list": ("minItems", "maxItems"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
}
_PATTERNS = {"integer": r"-?\d+", "number": r"-?\d+(\.\d+)?", "boolean": "true|false"}
_SAMPLES: dict[str, Any] = {
    "string": "text",
    "string (date-time)": "2024-12-04T07:30:35Z",
    "string (date)": "2024-12-04",
    "integer": 7,
    "number": 1.5,
    "boolean": True,
    "list": [],
    "map": {},
    "object": {},
}
_DEEPEST = 12


class Refused(Exception):
    """The service does not accept the request; the message says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check_parameter(name: str, value: str, shape: Shape) -> None:
    """Raise Refused for a parameter that the description does not allow."""
    if not re.fullmatch(_PATTERNS.get(shape.kind, ".*"), value, re.DOTALL):
        raise Refused(400, f"{name} is not of the type {shape.kind}.")
    parsed = json.loads(value) if shape.kind in _PATTERNS else value
    _check_value(name, parsed, shape)


def _check_value(at: str, value: Any, shape: Shape) -> None:
    if shape.enum and value not in shape.enum:
        raise Refused(400, f"{at} is not one of {', '.join(shape.enum)}.")
    limits, size = shape.limits, len(value) if isinstance(value, (str, list)) else value  # pyright: ignore[reportUnknownArgumentType]
    lower, upper = _LIMITED.get(shape.kind, ("", ""))
    if lower and not limits.get(lower, size) <= size <= limits.get(upper, size):
        raise Refused(400, f"{at} is too large, or too small.")
    if isinstance(value, str) and not _matches(limits.get("pattern", ""), value):
        raise Refused(400, f"{at} does not match {limits['pattern']}.")
    if value not in limits.get("enum", (value,)):
        raise Refused(400, f"{at} is not one of {limits['enum']}.")


def _matches(pattern: str, value: str) -> bool:
    """Return whether a string matches a pattern; True for a pattern that Python cannot compile."""
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


class Translator:
    """Reads requests and writes responses by a description, for a service that stores events in our form."""

    def __init__(self, ours: Description, theirs: Description) -> None:
        self._ours = ours
        self._theirs = theirs

    def parameters(self, call: Operation, other: Operation) -> dict[tuple[str, str], str]:
        """Return our name for each parameter of theirs that corresponds to one of ours."""
        named = {
            key: parameter.name if key[0] == "path" else call.parameters[key].name
            for key, parameter in other.parameters.items()
            if key[0] == "path" or key in call.parameters
        }
        lost = [
            parameter for key, parameter in call.parameters.items() if key not in other.parameters
        ]
        for key, parameter in other.parameters.items():
            name = python_name(re.sub("^[Xx]-", "", parameter.name))
            words = self._theirs.shape(parameter.schema).words if parameter.schema else ""
            for old in lost if key not in named else ():
                is_vendors = "x-togai-origin" not in old.node.value
                same_type = old.schema and self._ours.shape(old.schema).words == words
                if python_name(old.name) == name or (same_type and is_vendors):
                    named[key] = old.name
                    lost.remove(old)
                    break
        return named

    def body(self, other: Message | None, request: httpx.Request) -> JSONObject | None:
        """Return the body of a request in the form of our contract."""
        if other is None or not request.content:
            if other is not None and other.required:
                raise Refused(400, "A body is required.")
            return None
        schema = json_of(other)
        if schema is None or not {"application/json", "*/*", "application/*"} & set(other.media):
            raise Refused(415, "The content type is not supported.")
        posts = (self._ours.operation(*call) for call in self._ours.calls() if call[0] == "post")
        body = next(posts).body
        ours = json_of(body) if body else None
        return cast("JSONObject", self._read(schema, ours, json.loads(request.content), "body"))

    def _shape(self, ours: Node | None) -> Shape | None:
        return self._ours.shape(ours) if ours else None

    def _read(self, node: Node, ours: Node | None, value: Any, at: str) -> Any:
        """Return a value of theirs in our form."""
        shape, match = self._theirs.shape(node), self._shape(ours)
        wanted = _TYPES.get(shape.kind)
        if wanted and not isinstance(value, wanted):
            raise Refused(400, f"{at} is not of the type {shape.kind}.")
        _check_value(at, value, shape)
        if shape.kind == "list" and shape.inner:
            inner = _inside(match)
            return [self._read(shape.inner, inner, item, f"{at}[]") for item in value]
        if shape.kind == "object" and shape.properties:
            return self._read_object(shape, match, value, at)
        return value

    def _read_object(self, shape: Shape, match: Shape | None, value: JSONObject, at: str) -> Any:
        missing = [name for name in shape.required if name not in value]
        if missing:
            raise Refused(400, f"{at}.{missing[0]} is required.")
        read: JSONObject = {}
        pairs = self._pairs(shape, match) if match else {}
        for name, child in shape.properties.items():
            if name in value and not self._theirs.shape(child).read_only:
                own = pairs.get(name, name)
                inner = _inside(match, own)
                read[own] = self._read(child, inner, value[name], f"{at}.{name}")
        return read

    def _pairs(self, theirs: Shape, ours: Shape) -> dict[str, str]:
        """Return our name for each property of theirs that corresponds to one of ours."""
        pairs = {name: name for name in theirs.properties if name in ours.properties}
        lost = [name for name in ours.properties if name not in pairs]

        def words(new: str, old: str) -> bool:
            own = self._ours.shape(ours.properties[old]).words
            return self._theirs.shape(theirs.properties[new]).words == own

        def names(new: str, old: str) -> bool:
            return python_name(new) == python_name(old)

        for alike in (names, words):
            for new in theirs.properties:
                old = next((each for each in lost if alike(new, each)), None)
                if new not in pairs and old:
                    pairs[new] = old
                    lost.remove(old)
        return pairs

    def write(self, node: Node, ours: Node | None, value: Any, depth: int = 0) -> Any:
        """Return a value of ours in the form of the description."""
        shape, match = self._theirs.shape(node), self._shape(ours)
        if depth > _DEEPEST:
            return None
        if shape.kind == "object" and shape.properties and isinstance(value, dict):
            return self._object(shape, match, cast("JSONObject", value), depth + 1)
        each, is_map = shape.inner, isinstance(value, dict)
        if each and shape.kind == "list":
            inner = _inside(match) if match and match.kind == "list" else ours
            items: Sequence[Any] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
            return [self.write(each, inner, item, depth + 1) for item in items]
        if each and shape.kind == "map" and is_map:
            entries = cast("JSONObject", value).items()
            return {
                key: self.write(each, _inside(match), entry, depth + 1) for key, entry in entries
            }
        return self._scalar(shape, match, value)

    def _object(self, shape: Shape, match: Shape | None, value: JSONObject, depth: int) -> Any:
        written: JSONObject = {}
        pairs = self._pairs(shape, match) if match else {name: name for name in shape.properties}
        for name, node in shape.properties.items():
            inner, own = self._theirs.shape(node), pairs.get(name, name)
            if inner.write_only:
                continue
            if own in value:
                written[name] = self.write(node, _inside(match, own), value[own], depth)
            elif match and match.node and _is_wrapper(shape, inner, match):
                written[name] = self.write(node, match.node, value, depth)
            elif name not in pairs and (deeper := _deep(value, name)) is not None:
                written[name] = self._scalar(inner, None, deeper)
            elif name in shape.required:
                # A token that is required on a last page does not name another page.
                written[name] = "" if own == "nextToken" else self._sample(inner)
        return written

    def _scalar(self, shape: Shape, match: Shape | None, value: Any) -> Any:
        if shape.enum is not None and isinstance(value, str) and value not in shape.enum:
            return _renamed(value, match.enum or () if match else (), shape.enum)
        if not isinstance(value, _FITTING.get(shape.kind, ())):
            return self._sample(shape)
        if not isinstance(value, str):
            return value
        return {"time": "07:30:35", "date": value[:10]}.get(shape.format or "", value)

    def _sample(self, shape: Shape, depth: int = 0) -> Any:
        if shape.enum:
            return shape.enum[-1]
        if shape.kind == "object" and depth < _DEEPEST:
            return {
                name: self._sample(self._theirs.shape(node), depth + 1)
                for name, node in shape.properties.items()
                if name in shape.required
            }
        return copy.copy(_SAMPLES.get(shape.words, _SAMPLES.get(shape.kind, "text")))


def _inside(match: Shape | None, name: str | None = None) -> Node | None:
    """Return the node of a property of our object, or of the items of our list or map."""
    if match is None:
        return None
    return match.inner if name is None else match.properties.get(name)


def _is_wrapper(holder: Shape, inner: Shape, match: Shape) -> bool:
    """Return whether a new object wraps all of our object, or a property of it."""
    gone = not any(name in holder.properties for name in match.required)
    known = {python_name(name) for name in match.properties}
    return bool(inner.properties) and (
        gone or any(python_name(name) in known for name in inner.properties)
    )


def _renamed(value: str, old: Sequence[str], new: Sequence[str]) -> str:
    """Return the new value at the position of a removed one, otherwise the last new one; unchanged without an enum."""
    fresh = [each for each in new if each not in old]
    gone = [each for each in old if each not in new]
    if value in gone and gone.index(value) < len(fresh):
        return fresh[gone.index(value)]
    return [value, *new][-1]


def _deep(value: Any, name: str) -> Any:
    """Return the first value of a property with a name in Python, at any depth."""
    if not isinstance(value, dict):
        return None
    entries = cast("JSONObject", value)
    for key, entry in entries.items():
        if python_name(key) == python_name(name):
            return entry
    deeper = (_deep(entry, name) for entry in entries.values())
    return next((entry for entry in deeper if entry is not None), None)
