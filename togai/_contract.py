"""Read the contract from the generated models: the types and limits of properties, and which are required."""

from __future__ import annotations

import re
import types
import typing
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
from attrs import frozen

from togai._printable import shown
from togai._times import to_utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HINTS = {("Attribute", "value"): "pass a decimal number as text, such as '10.4'"}


@frozen
class Field:
    """A property of a model: its names in Python and in JSON, its type without None, and its limits."""

    name: str
    wire: str
    required: bool
    type: Any
    limits: Mapping[str, Any]
    hint: str
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the property in JSON; the first is the contract's name."""
        return (self.wire, *self.aliases)


@cache
def fields(model: type) -> tuple[Field, ...]:
    """The properties of a generated model."""
    hints = typing.get_type_hints(model)
    return tuple(
        Field(
            field.name,
            field.metadata["wire"],
            field.default is attrs.NOTHING,
            _without_none(hints[field.name]),
            field.metadata,
            _HINTS.get((model.__name__, field.name), ""),
            field.metadata.get("aliases", ()),
        )
        for field in attrs.fields(model)
        if "wire" in field.metadata
    )


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def problems(
    value: object,
    kind: Any,
    what: str = "",
    limits: Mapping[str, Any] | None = None,
    *,
    hint: str = "",
    wire: bool = False,
) -> Iterator[str]:
    """The problems of a value that is to be sent, according to the contract; each says what is allowed.

    Args:
        value: The value.
        kind: Its type: a model, list[...], dict[str, ...] or a scalar.
        what: Its name in messages; empty for the outermost object.
        limits: Its limits, by their names in the contract.
        hint: What is allowed, for a value that does not match its pattern.
        wire: Whether messages use the properties' names in JSON.
    """
    limits = limits or {}
    origin: Any = typing.get_origin(kind) or kind
    if not _is_of(value, origin):
        name = "text" if origin is str else f"a {origin.__name__}"
        yield f"{what or 'it'} must be {name}, not {type(value).__name__}"
    elif attrs.has(origin):
        yield from _model(value, origin, what, wire=wire)
    elif isinstance(value, list | dict):
        yield from _items(typing.cast("Any", value), kind, what, limits, wire=wire)
    elif isinstance(value, str):
        yield from _text(value, what, limits, hint)
    elif isinstance(value, datetime):
        yield from _moment(value, what)
    elif isinstance(value, int | float):
        yield from _number(value, what, limits)


def _is_of(value: object, kind: Any) -> bool:
    if kind is Any:
        return True
    if isinstance(value, bool) and kind is not bool:
        return False
    return isinstance(value, float | int if kind is float else kind)


def _model(value: object, kind: type, what: str, *, wire: bool) -> Iterator[str]:
    for field in fields(kind):
        held = getattr(value, field.name)
        name = field.wire if wire else field.name
        if held is not None or field.required:
            inner = f"{what}.{name}" if what else name
            yield from problems(held, field.type, inner, field.limits, hint=field.hint, wire=wire)


def _items(
    items: Any, kind: Any, what: str, limits: Mapping[str, Any], *, wire: bool
) -> Iterator[str]:
    yield from _size(items, what, limits)
    inner = (typing.get_args(kind) or (Any,))[-1]
    pairs: Any = typing.cast("Any", items).items() if isinstance(items, dict) else enumerate(items)
    for key, item in pairs:
        label = f"{what}[{shown(getattr(item, 'name', key))}]"
        yield from problems(item, inner, label, limits.get("items"), wire=wire)


def _moment(value: datetime, what: str) -> Iterator[str]:
    try:
        to_utc(what, value)
    except ValueError as error:
        yield str(error)


def _size(items: list[Any] | dict[Any, Any], what: str, limits: Mapping[str, Any]) -> Iterator[str]:
    if len(items) > limits.get("maxItems", len(items)):
        yield f"at most {limits['maxItems']} {what} are allowed, got {len(items)}"
    if len(items) < limits.get("minItems", 0):
        yield f"at least {limits['minItems']} {what} are needed, got {len(items)}"
    if isinstance(items, dict):
        for key in items:
            if not isinstance(key, str):
                yield f"a name in {what} must be text, not {type(key).__name__}"


def _number(value: float, what: str, limits: Mapping[str, Any]) -> Iterator[str]:
    if "maximum" in limits and value > limits["maximum"]:
        yield f"{what} must be at most {limits['maximum']}, is {value}"
    if "minimum" in limits and value < limits["minimum"]:
        yield f"{what} must be at least {limits['minimum']}, is {value}"


def _text(value: str, what: str, limits: Mapping[str, Any], hint: str) -> Iterator[str]:
    shortest, longest = limits.get("minLength", 0), limits.get("maxLength")
    if len(value) < shortest or (longest is not None and len(value) > longest):
        span = f"{shortest} to {longest}" if longest is not None else f"at least {shortest}"
        yield f"{what} must have {span} characters, has {len(value)}"
    pattern = limits.get("pattern")
    # In Python, $ also matches before a final line break, and \d matches any Unicode digit; not so in OpenAPI.
    if pattern is not None and (value.endswith("\n") or not re.search(pattern, value, re.ASCII)):
        advice = f": {hint}" if hint else ""
        yield f"{what} is {shown(value)}, which does not match {pattern}{advice}"
