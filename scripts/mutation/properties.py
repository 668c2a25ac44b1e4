"""Operators that change properties and enum values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contract.shapes import LOWER, UPPER

from mutation.operators import NEW, REF, Document, Operator, Spot, add, each, schemas, update

if TYPE_CHECKING:
    from mutation.operators import Change

STRING = {"type": "string"}
TEXT: Document = {"type": "string", "description": "New."}
PAIR = {"type": "object", "properties": {"a": STRING}}
LETTERS: Document = {"type": "string", "enum": ["A", "B"]}
LIST = {"type": "array", "items": LETTERS}

KINDS: dict[str, Document] = {
    "text": TEXT,
    "number": {"type": "number"},
    "whole number": {"type": "integer", "format": "int64"},
    "time": {"type": "string", "format": "date-time"},
    "uuid": {"type": "string", "format": "uuid"},
    "bytes": {"type": "string", "format": "binary"},
    "null or text": {"type": "string", "nullable": True},
    "text with a default": {"type": "string", "default": "x"},
    "list of lists": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
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
    "map of lists of enums": {"type": "object", "additionalProperties": LIST},
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


# Whether an operator fits.


def _is_promised(s: Spot) -> bool:
    """Return whether callers rely on a property."""
    return s.is_required and s.at[0] != "ErrorResponse"


def _is_indispensable(s: Spot) -> bool:
    """Return whether callers send a property, or the facade's logic reads it."""
    return s.is_sent or "x-togai-relied" in s.node


def _inner(s: Spot) -> str:
    """Return the key of the items of a list or map; empty for any other schema."""
    return next((key for key in ("items", "additionalProperties") if key in s.node), "")


def _limits(s: Spot) -> list[str]:
    return [key for key in (*UPPER, *LOWER) if s.node.get(key)]


# Changes.


def _add_kind(s: Spot, kind: str) -> None:
    add(s.node, KINDS[kind])


def _add_every_kind(s: Spot) -> None:
    for number, described in enumerate(KINDS.values()):
        add(s.node, described, f"{NEW}{number}")


def _add_schema(s: Spot, described: Document) -> None:
    schemas(s.root)["BrandNewThing"] = described
    add(s.node, {"$ref": REF + "BrandNewThing"})


def _add_value(s: Spot, value: str) -> None:
    s.node["enum"].append(value)


def _require(s: Spot) -> None:
    s.owner.setdefault("required", []).append(s.name)


def _relax(s: Spot) -> None:
    s.owner["required"].remove(s.name)


def _wrap(s: Spot) -> None:
    """Move a property one level deeper, into a new object."""
    inner: Document = {"type": "object", "properties": {}}
    add(inner, s.node, s.name, required=s.is_required)
    s.rename("details")
    s.owner["properties"]["details"] = inner


def _rename_value(s: Spot) -> None:
    s.holder[s.holder.index(s.node)] = f"{s.name}_NOW"


def _null_type(s: Spot) -> None:
    s.root["openapi"] = "3.1.0"
    if "$ref" in s.node:
        s.put({"anyOf": [s.node, {"type": "null"}]})
    else:
        s.node["type"] = [s.node["type"], "null"]


NULLABLE: dict[str, Change] = {
    "older dialect": lambda s: s.put({"allOf": [s.node], "nullable": True}),
    "newer dialect": _null_type,
}


def _move_limits(step: int) -> Change:
    """Return a change that raises the upper limits by a step, and lowers the lower ones."""
    return lambda s: s.node.update(
        {key: s.node[key] + (step if key in UPPER else -step) for key in _limits(s)}
    )


REQUIRED = each(("text", "inline object"), lambda s, kind: add(s.node, KINDS[kind], required=True))

# fmt: off
OPERATORS = (
    Operator("new response property", "absorbed", "received model", each(list(KINDS), _add_kind)),
    Operator("new response property that is required", "absorbed", "received model", REQUIRED),
    Operator("new response properties of every kind at once", "absorbed", "received model", _add_every_kind),
    Operator("new response property with a schema of its own", "absorbed", "received model", {
        **each({"named": {**PAIR, "description": "New."}, "recursive": UP}, _add_schema),
        "holder": lambda s: add(s.node, {"$ref": REF + s.name}),
    }),
    Operator("new property whose name is taken in Python", "absorbed", "received model",
        lambda s: add(s.node, TEXT, _capital(next(iter(s.node["properties"]))))),
    Operator("new property whose name cannot be written", "absorbed", "model",
        each(('a"b', "a\nb", "\u202eb", "'"), lambda s, name: add(s.node, TEXT, name))),
    Operator("new optional request property", "absorbed", "sent model",
        each(("text", "number", "time", "inline enum"), _add_kind)),
    Operator("new required request property", "conflict", "sent model", REQUIRED),
    Operator("new property that goes the other way", "absorbed", "model",
        lambda s: add(s.node, {**TEXT, "readOnly" if s.is_sent else "writeOnly": True}, required=True)),
    Operator("new response enum member", "absorbed", "received enum",
        each(MEMBERS, _add_value), lambda s: s.name != "CorrectionStatus"),
    Operator("new status of a correction", "conflict", "enum",
        each(("BRAND_NEW", "PARTIALLY_REVERTED"), _add_value), lambda s: s.name == "CorrectionStatus"),
    Operator("new response enum member whose name is taken", "absorbed", "received enum",
        lambda s: _add_value(s, s.node["enum"][0].lower())),
    Operator("new request enum member", "absorbed", "sent enum", lambda s: _add_value(s, "REDO_ALL")),

    Operator("removed property", "held conflict", "property", Spot.drop),
    Operator("renamed property", "held conflict", "property", lambda s: s.rename(f"{s.name}Value")),
    Operator("wrapped property", "held conflict", "property", _wrap),
    Operator("property in snake case", "absorbed", "property",
        lambda s: s.rename(snake(s.name)), lambda s: snake(s.name) != s.name and not _is_indispensable(s)),
    Operator("indispensable property in snake case", "conflict", "property",
        lambda s: s.rename(snake(s.name)), lambda s: snake(s.name) != s.name and _is_indispensable(s)),
    Operator("capitalized property", "absorbed", "property",
        lambda s: s.rename(_capital(s.name)), lambda s: not _is_indispensable(s)),
    Operator("capitalized indispensable property", "conflict", "property",
        lambda s: s.rename(_capital(s.name)), _is_indispensable),
    Operator("removed enum member", "held conflict", "value", Spot.drop, lambda s: "Correction" not in s.at[0]),
    Operator("renamed enum member", "held conflict", "value", _rename_value, lambda s: "Correction" not in s.at[0]),
    Operator("lost request enum member", "conflict", "value",
        {"removed": Spot.drop, "renamed": _rename_value}, lambda s: "Correction" in s.at[0]),
    Operator("changed type", "conflict", "property", {
        "other": lambda s: s.put(other_type(s.node)),
        "object against list": lambda s: s.put(s.node.get("items", {"type": "array", "items": s.node})),
        "choice": lambda s: s.put({"oneOf": [s.node, {"type": "boolean"}]}),
    }, lambda s: s.at[0] != "ErrorResponse"),
    Operator("changed type of items", "conflict", "property",
        lambda s: s.node.update({_inner(s): {"type": "boolean"}}), _inner),
    Operator("formatted text", "absorbed", "string property", update(format="uuid"), lambda s: "format" not in s.node),
    Operator("number with a format that is read alike", "absorbed", "integer property", update(format="int64")),
    Operator("moment in another format", "conflict", "property",
        each(("time", "unix"), lambda s, form: s.node.update(format=form)),
        lambda s: "date" in s.node.get("format", "")),
    Operator("request property with a default", "conflict", "sent property",
        update(default="new"), lambda s: s.name in ("id", "unit")),
    Operator("request property that is only received", "conflict", "sent plain property", update(readOnly=True)),
    Operator("property that became required", "absorbed", "received optional property", _require),
    Operator("request property that became required", "conflict", "sent optional property", _require,
        lambda s: "x-togai-sent" not in s.node),
    Operator("required event of a body", "absorbed", "sent optional property", _require, lambda s: s.name == "event"),
    Operator("property that became optional", "held", "property", _relax, _is_promised),
    Operator("property of an error that became optional", "absorbed", "required property",
        _relax, lambda s: not _is_promised(s)),
    Operator("property that became nullable", "held", "property", NULLABLE, _is_promised),
    Operator("optional property that became nullable", "absorbed", "property", NULLABLE, lambda s: not _is_promised(s)),
    Operator("items that became nullable", "held", "property",
        lambda s: s.node.update({_inner(s): {"nullable": True, "allOf": [s.node[_inner(s)]]}}), _inner),
    Operator("loosened limit", "absorbed", "property", _move_limits(1), _limits),
    Operator("tightened limit", "absorbed", "property", _move_limits(-1), _limits),
    Operator("lifted limit", "absorbed", "property", lambda s: [s.node.pop(key) for key in _limits(s)], _limits),
    Operator("new pattern", "absorbed", "string property", update(pattern="^.*$"), lambda s: "pattern" not in s.node),
    Operator("values that are listed now", "absorbed", "property", update(enum=["A", "B"]),
        lambda s: s.name in ("customerId", "statusDescription", "baseCurrency")),
    Operator("values that are listed no longer", "absorbed", "enum", lambda s: s.node.pop("enum")),
)
