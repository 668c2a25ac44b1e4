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


def recased(name: str) -> str:
    """Return a name in camel case, snake case or upper case, whichever differs."""
    head, *rest = name.split("_")
    camel = head + "".join(map(_capital, rest))
    snake = re.sub("([A-Z])", r"_\1", name).lower()
    return next(other for other in (camel, snake, name.upper()) if other != name)


def other_type(described: Document) -> Document:
    """Return a schema of another type."""
    return {"type": "integer" if described.get("type", "string") == "string" else "string"}


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


HOLDERS = "items property, additionalProperties property"


def _inner(s: Spot) -> str:
    """Return the key of the items of a list or map."""
    return "items" if "items" in s.node else "additionalProperties"


# Changes.


def _limits(s: Spot) -> list[str]:
    return [key for key in (*UPPER, *LOWER) if s.node.get(key)]


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


LOST: dict[str, Change] = {"removed": Spot.drop, "renamed": _rename_value}
RECASED: dict[str, Change] = {
    "recased": lambda s: s.rename(recased(s.name)),
    "capital": lambda s: s.rename(_capital(s.name)),
}
REQUIRED = each(("text", "inline object"), lambda s, kind: add(s.node, KINDS[kind], required=True))

# fmt: off
OPERATORS = (
    Operator("new response property", "absorbed", "EventWithStatus model, EventPipelineInfo model",
        each(list(KINDS), _add_kind)),
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
    Operator("new response enum member", "absorbed", "received -CorrectionStatus enum",
        each(MEMBERS, _add_value)),
    Operator("new status of a correction", "conflict", "CorrectionStatus enum",
        each(("BRAND_NEW", "PARTIALLY_REVERTED"), _add_value)),
    Operator("new response enum member whose name is taken", "absorbed", "received enum",
        lambda s: _add_value(s, s.node["enum"][0].lower())),
    Operator("new request enum member", "absorbed", "sent enum", lambda s: _add_value(s, "REDO_ALL")),

    Operator("removed property", "held conflict", "property", Spot.drop),
    Operator("renamed property", "held conflict", "property", lambda s: s.rename(f"{s.name}Value")),
    Operator("wrapped property", "held conflict", "property", _wrap),
    Operator("re-cased property", "absorbed", "received -x-togai-relied property", RECASED),
    Operator("re-cased property that is sent or that the facade relies on", "conflict",
        "sent property, x-togai-relied property", RECASED),
    Operator("lost enum member", "held conflict", "received -CorrectionStatus value", LOST),
    Operator("lost request enum member", "conflict", "sent value, CorrectionStatus value", LOST),
    Operator("changed type", "conflict", "-ErrorResponse property", {
        "other": lambda s: s.put(other_type(s.node)),
        "object against list": lambda s: s.put(s.node.get("items", {"type": "array", "items": s.node})),
        "choice": lambda s: s.put({"oneOf": [s.node, {"type": "boolean"}]}),
    }),
    Operator("changed type of items", "conflict", HOLDERS, lambda s: s.node.update({_inner(s): {"type": "boolean"}})),
    Operator("formatted text", "absorbed", "string -format property", update(format="uuid")),
    Operator("number with a format that is read alike", "absorbed", "integer property", update(format="int64")),
    Operator("moment in another format", "conflict", "date-time property, date property",
        each(("time", "unix"), lambda s, form: s.node.update(format=form))),
    Operator("request property with a default", "conflict", "sent id property, sent unit property",
        update(default="new")),
    Operator("request property that is only received", "conflict", "sent -$ref property", update(readOnly=True)),
    Operator("property that became required", "absorbed", "received optional property", _require),
    Operator("request property that became required", "conflict", "sent optional -x-togai-sent property", _require),
    Operator("required event of a body", "absorbed", "sent optional event property", _require),
    Operator("property that became optional", "held", "required -ErrorResponse property", _relax),
    Operator("property that became nullable", "held", "required -ErrorResponse property", NULLABLE),
    Operator("property that became nullable and may already be absent", "absorbed",
        "optional property, ErrorResponse property", NULLABLE),
    Operator("items that became nullable", "held", HOLDERS,
        lambda s: s.node.update({_inner(s): {"nullable": True, "allOf": [s.node[_inner(s)]]}})),
    Operator("loosened limit", "absorbed", "limited property", _move_limits(1)),
    Operator("tightened limit", "absorbed", "limited property", _move_limits(-1)),
    Operator("lifted limit", "absorbed", "limited property", lambda s: [s.node.pop(key) for key in _limits(s)]),
    Operator("new pattern", "absorbed", "string -pattern property", update(pattern="^.*$")),
    Operator("values that are listed now", "absorbed",
        "customerId property, statusDescription property, baseCurrency property", update(enum=["A", "B"])),
    Operator("values that are listed no longer", "absorbed", "enum", lambda s: s.node.pop("enum")),
)
