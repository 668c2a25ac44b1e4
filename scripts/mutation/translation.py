"""Translates bodies between a description and our contract, and checks values against the description."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from contract.adopt import python_name
from contract.align import json_of
from contract.shapes import Node
from openapi_schema_validator import OAS31Validator

from togai.testing._messages import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contract.normalize import Description, Operation
    from contract.shapes import Shape

JSONObject = dict[str, Any]

_TYPES: dict[str, Any] = {
    "object": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "anything": object,
}
_SAMPLES: dict[str, Any] = {
    "object": {}, "map": {}, "list": [], "boolean": False, "integer": 7, "number": 1.5,
}  # fmt: skip
_NONE = Node({}, "#")


def check_parameter(name: str, value: str, shape: Shape) -> None:
    """Raise Refused for a parameter that the description does not allow."""
    try:
        parsed = json.loads(value) if shape.kind in ("integer", "number", "boolean") else value
    except ValueError:
        parsed = value
    _check(name, parsed, shape)


def _check(at: str, value: Any, shape: Shape) -> None:
    """Raise Refused for a value that the description does not allow."""
    if not isinstance(value, _TYPES.get(shape.kind, object)):
        raise Refused(400, f"{at} is not of the type {shape.kind}.")
    limits = {**shape.limits, "enum": shape.enum} if shape.enum else shape.limits
    # A pattern that Python cannot compile matches everything.
    with contextlib.suppress(re.error):
        for problem in OAS31Validator(limits).iter_errors(value):
            raise Refused(400, f"{at}: {problem.message}")


class Translator:
    """Translates bodies; a service that implements our contract then reads and writes those of the description."""

    def __init__(self, ours: Description, theirs: Description) -> None:
        self._ours = ours
        self._theirs = theirs

    def read(self, call: Operation, other: Operation, content: bytes) -> bytes:
        """Return the body of a request in the form of our contract.

        Raises:
            Refused: The description does not allow it.
        """
        body = other.body
        if body is None or not content:
            if body is not None and body.required:
                raise Refused(400, "A body is required.")
            return b""
        schema = json_of(body)
        if schema is None or not {"application/json", "*/*", "application/*"} & set(body.media):
            raise Refused(415, "The content type is not supported.")
        ours = json_of(call.body) if call.body else None
        return json.dumps(self._read(schema, ours, json.loads(content), "body")).encode()

    def _read(self, node: Node, ours: Node | None, value: Any, at: str) -> Any:
        """Return a value of theirs in our form."""
        shape, match = self._theirs.shape(node), self._ours.shape(ours or _NONE)
        _check(at, value, shape)
        if shape.kind == "list" and shape.inner:
            return [self._read(shape.inner, match.inner, item, f"{at}[]") for item in value]
        if shape.kind != "object" or not shape.properties:
            return value
        for name in shape.required - value.keys():
            raise Refused(400, f"{at}.{name} is required.")
        read: JSONObject = {}
        for name, own in _own_names(shape, match).items():
            child, below = shape.properties[name], match.properties.get(own)
            if name in value and not self._theirs.shape(child).read_only:
                read[own] = self._read(child, below, value[name], f"{at}.{name}")
        return read

    def write(self, node: Node, ours: Node | None, value: Any) -> Any:
        """Return a value of ours in the form of the description."""
        shape, match = self._theirs.shape(node), self._ours.shape(ours or _NONE)
        if not isinstance(value, _TYPES.get(shape.kind, ())):
            return _sample(shape)
        if shape.kind == "object" and shape.properties:
            return self._write_object(shape, match, value)
        if shape.kind == "list" and shape.inner:
            return [self.write(shape.inner, match.inner, item) for item in value]
        if shape.kind == "map" and shape.inner:
            return {key: self.write(shape.inner, match.inner, item) for key, item in value.items()}
        if shape.enum and value not in shape.enum:
            return _renamed(shape.enum, match.enum or ())
        return value[:10] if shape.format == "date" else value

    def _write_object(self, shape: Shape, match: Shape, value: JSONObject) -> JSONObject:
        written: JSONObject = {}
        for name, own in _own_names(shape, match).items():
            node, below = shape.properties[name], match.properties.get(own)
            child = self._theirs.shape(node)
            if own in value and not child.write_only:
                written[name] = self.write(node, below, value[own])
            elif name in shape.required and not child.write_only:
                written[name] = _sample(child)
        return written


def _renamed(new: Sequence[str], old: Sequence[str]) -> str:
    """Return the first value that is new, otherwise the last."""
    return next((value for value in new if value not in old), new[-1])


def _sample(shape: Shape) -> Any:
    """Return a value for what our contract does not have; empty for text, such as the token of a last page."""
    return shape.enum[-1] if shape.enum else _SAMPLES.get(shape.kind, "")


def _own_names(theirs: Shape, ours: Shape) -> dict[str, str]:
    """Return our name of each property of theirs; a new one may be a removed one with the same name in Python."""
    gone = {python_name(name): name for name in ours.properties if name not in theirs.properties}
    return {
        name: name if name in ours.properties else gone.get(python_name(name), name)
        for name in theirs.properties
    }
