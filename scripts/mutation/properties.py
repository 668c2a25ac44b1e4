"""Operators that change properties and enum values.

`conflict` and `quiet` are expected where the caller programs cannot detect the change; otherwise their outcome decides.
"""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from contract.shapes import LOWER, UPPER

from mutation.operators import NEW, Operator, add, drop, each, put, rename, update
from mutation.spots import REF, Document, Spot, is_received, is_sent, schemas

if TYPE_CHECKING:
    from collections.abc import Callable

    from mutation.operators import Change

STRING = {"type": "string"}
TEXT: Document = {"type": "string", "description": "New."}
PAIR = {"type": "object", "properties": {"a": STRING}}
LETTERS: Document = {"type": "string", "enum": ["A", "B"]}
LISTS = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}

KINDS: dict[str, Document] = {
    "text": TEXT,
    "number": {"type": "number"},
    "whole number": {"type": "integer", "format": "int64"},
    "time": {"type": "string", "format": "date-time"},
    "uuid": {"type": "string", "format": "uuid"},
    "bytes": {"type": "string", "format": "binary"},
    "null or text": {"type": "string", "nullable": True},
    "text with a default": {"type": "string", "default": "x"},
    "list of lists": LISTS,
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "inline object": {**PAIR, "required": ["a"]},
    "list of inline objects": {"type": "array", "items": PAIR},
    "inline enum": {"type": "string", "enum": ["ONE", "TWO"]},
    "composition": {"allOf": [PAIR]},
    "known schema": {"$ref": REF + "EventSource"},
    "choice of kinds": {"oneOf": [STRING, {"type": "object", "properties": {}}]},
    "anything": {},
    "object of anything": {"type": "object"},
    "map of objects": {"type": "object", "additionalProperties": PAIR},
    "map of lists of enums": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": LETTERS},
    },
    "way back": {"type": "object", "properties": {"event": {"$ref": REF + "EventWithStatus"}}},
}
UP: Document = {"type": "object", "properties": {"up": {"$ref": REF + "BrandNewThing"}, "a": TEXT}}
MEMBERS = ("BRAND_NEW", "brand new", "NO", "2ND", "INGESTION-NEW", "x.y/z", 'a"b', "\u202ex")


def snake(name: str) -> str:
    """Return a name in snake case."""
    return re.sub("([A-Z])", r"_\1", name).lower()


def other_type(described: Document) -> Document:
    """Return a schema of another type."""
    return {"type": "integer" if described.get("type", "string") == "string" else "string"}


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


# Additions.


def _of_kind(kind: str) -> Change:
    return add(KINDS[kind])


def _required(kind: str) -> Change:
    return add(KINDS[kind], required=True)


def _every_kind(d: Document, spot: Spot) -> None:
    for number, described in enumerate(KINDS.values()):
        add(described, f"{NEW}{number}")(d, spot)


def _with_schema(described: Document) -> Change:
    def change(d: Document, spot: Spot) -> None:
        schemas(d)["BrandNewThing"] = copy.deepcopy(described)
        add({"$ref": REF + "BrandNewThing"})(d, spot)

    return change


def _value(value: str) -> Change:
    return lambda d, s: s.of(d)["enum"].append(value)


def _needs_decision(spot: Spot) -> bool:
    return spot.name == "CorrectionStatus"


# Other changes.


def _wrap(d: Document, spot: Spot) -> None:
    """Move a property one level deeper, into a new object with others."""
    holder = replace(spot, at=spot.at[:-2])
    add({"type": "object", "properties": {}}, "details", required=spot.required)(d, holder)
    inner = replace(spot, at=(*spot.at[:-1], "details"))
    add(drop(d, spot), spot.name, required=spot.required)(d, inner)


def _rename_value(d: Document, spot: Spot) -> None:
    enum = spot.above(d)
    enum[enum.index(spot.name)] = f"{spot.name}_NOW"


def _replaced(described: Callable[[Document], Document]) -> Change:
    return lambda d, s: put(d, s, described(s.described))


def _require(d: Document, spot: Spot) -> None:
    spot.above(d, 2).setdefault("required", []).append(spot.name)


def _null_type(d: Document, spot: Spot) -> None:
    d["openapi"], node = "3.1.0", spot.of(d)
    if "$ref" in node:
        put(d, spot, {"anyOf": [node, {"type": "null"}]})
    else:
        node["type"] = [node["type"], "null"]


def _inner(spot: Spot) -> str:
    """Return the key of the items of a list or map; empty for any other schema."""
    return next((key for key in ("items", "additionalProperties") if key in spot.described), "")


def _limits(spot: Spot) -> list[str]:
    return [key for key in (*UPPER, *LOWER) if spot.described.get(key)]


def _move_limits(step: int) -> Change:
    """Return a change that raises the upper limits by a step, and lowers the lower ones."""
    return lambda d, s: s.of(d).update(
        {key: s.described[key] + (step if key in UPPER else -step) for key in _limits(s)}
    )


# fmt: off
OPERATORS = (
    Operator("new response property", "quiet", "object", each(KINDS, _of_kind), is_received),
    Operator("new response property that is required", "quiet", "object",
        each(("text", "inline object"), _required), is_received),
    Operator("new response properties of every kind at once", "quiet", "object", _every_kind, is_received),
    Operator("new response property with a schema of its own", "quiet", "object", {
        "named": _with_schema({**PAIR, "description": "New."}),
        "recursive": _with_schema(UP),
        "holder": lambda d, s: add({"$ref": REF + s.name})(d, s),
    }, is_received),
    Operator("new property whose name is taken in Python", "quiet", "object",
        lambda d, s: add(TEXT, _capital(next(iter(s.described["properties"]))))(d, s), is_received),
    Operator("new property whose name cannot be written", "quiet", "object",
        each(('a"b', "a\nb", "\u202eb", "'"), lambda name: add(TEXT, name))),
    Operator("new optional request property", "quiet", "object",
        each(("text", "number", "time", "inline enum"), _of_kind), is_sent, one_way=True),
    Operator("new required request property", "conflict", "object",
        each(("text", "inline object"), _required), is_sent),
    Operator("new property that goes the other way", "quiet", "object",
        lambda d, s: add({**TEXT, "readOnly" if s.is_sent else "writeOnly": True})(d, s)),
    Operator("new response enum member", "quiet", "enum",
        each(MEMBERS, _value), lambda s: is_received(s) and not _needs_decision(s)),
    Operator("new status of a correction", "conflict", "enum",
        each(("BRAND_NEW", "PARTIALLY_REVERTED"), _value), _needs_decision),
    Operator("new response enum member whose name is taken", "quiet", "enum",
        lambda d, s: s.of(d)["enum"].append(s.described["enum"][0].lower()), is_received),
    Operator("new request enum member", "quiet", "enum", _value("REDO_ALL"), is_sent, one_way=True),

    Operator("removed property", "outcome", "property", drop),
    Operator("renamed property", "outcome", "property", lambda d, s: rename(d, s, f"{s.name}Value")),
    Operator("re-cased property", "outcome", "property", {
        "snake": lambda d, s: rename(d, s, snake(s.name)),
        "capital": lambda d, s: rename(d, s, _capital(s.name)),
    }),
    Operator("wrapped property", "outcome", "property", _wrap),
    Operator("removed enum member", "outcome", "value", drop),
    Operator("renamed enum member", "outcome", "value", _rename_value),

    Operator("changed type", "conflict", "property", {
        "other": _replaced(other_type),
        "object against list": _replaced(lambda old: old.get("items", {"type": "array", "items": old})),
        "choice": _replaced(lambda old: {"oneOf": [old, {"type": "boolean"}]}),
    }, lambda s: "ErrorResponse" not in s.at, cuts=True),
    Operator("changed type of items", "conflict", "property",
        lambda d, s: s.of(d).update({_inner(s): {"type": "boolean"}}), _inner, cuts=True),
    Operator("text with a format that is read alike", "quiet", "property", update(format="uuid"),
        lambda s: s.described.get("type") == "string" and "format" not in s.described),
    Operator("number with a format that is read alike", "quiet", "property", update(format="int64"),
        lambda s: s.described.get("type") == "integer"),
    Operator("moment in another format", "conflict", "property",
        each(("time", "unix"), lambda form: update(format=form)), lambda s: "date" in s.described.get("format", "")),
    Operator("deprecated property", "quiet", "property", update(deprecated=True)),
    Operator("request property with a default", "conflict", "property",
        update(default="new"), lambda s: s.is_sent and s.name in ("id", "unit")),
    Operator("request property that is only received", "conflict", "property",
        update(readOnly=True), lambda s: s.is_sent and "$ref" not in s.described),
    Operator("property that became required", "quiet", "property",
        _require, lambda s: not s.is_sent and not s.required),
    Operator("request property that became required", "conflict", "property",
        _require, lambda s: s.is_sent and not s.required),
    Operator("property that became optional", "quiet", "property",
        lambda d, s: s.above(d, 2)["required"].remove(s.name), lambda s: s.required),
    Operator("property that became nullable", "quiet", "property", {
        "older dialect": _replaced(lambda old: {"allOf": [old], "nullable": True}),
        "newer dialect": _null_type,
    }),
    Operator("items that became nullable", "quiet", "property",
        lambda d, s: s.of(d).update({_inner(s): {"nullable": True, "allOf": [s.described[_inner(s)]]}}), _inner),
    Operator("loosened limit", "quiet", "property", _move_limits(1), _limits),
    Operator("tightened limit", "quiet", "property", _move_limits(-1), _limits),
    Operator("lifted limit", "quiet", "property", lambda d, s: [s.of(d).pop(key) for key in _limits(s)], _limits),
    Operator("new pattern", "quiet", "property", update(pattern="^.*$"),
        lambda s: s.described.get("type") == "string" and "pattern" not in s.described),
    Operator("values that are listed now", "quiet", "property", update(enum=["A", "B"]),
        lambda s: s.name in ("customerId", "statusDescription", "baseCurrency")),
    Operator("values that are listed no longer", "quiet", "enum", lambda d, s: s.of(d).pop("enum")),
)
