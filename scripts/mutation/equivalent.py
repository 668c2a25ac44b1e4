"""Operators that describe the same requests and responses in another notation; they must not cause a difference."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from mutation.operators import Operator, by_content, drop, each, put, rename_in_path, update
from mutation.spots import JSON, REF, Document, Spot, schemas

if TYPE_CHECKING:
    from mutation.operators import Change


def _replace_text(d: Document, old: str, new: str) -> None:
    """Replace text in the JSON of a description."""
    d.update(json.loads(json.dumps(d).replace(old, new)))


def _turned(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _turned(item) for key, item in reversed(cast("Document", node).items())}
    if isinstance(node, list):
        return [_turned(item) for item in reversed(cast("Any", node))]
    return node


# Schemas.


def _rename(d: Document, old: str, new: str) -> None:
    _replace_text(d, f'"{REF}{old}"', f'"{REF}{new}"')
    schemas(d)[new] = schemas(d).pop(old)


def _swap(d: Document, spot: Spot) -> None:
    names = list(schemas(d))
    other = names[(names.index(spot.name) + 1) % len(names)]
    for old, new in ((spot.name, "InBetween"), (other, spot.name), ("InBetween", other)):
        _rename(d, old, new)


def _inline(d: Document, spot: Spot) -> None:
    """Inline a schema wherever it is used."""
    schema = drop(d, spot)
    _replace_text(d, json.dumps({"$ref": REF + spot.name}), json.dumps(schema))


def _extract(d: Document, spot: Spot) -> None:
    """Move the schema of a property to a component."""
    name = f"{spot.at[2]}{spot.name.capitalize()}Extracted"
    schemas(d)[name] = copy.deepcopy(spot.of(d))
    put(d, spot, {"$ref": REF + name})


def _compose(d: Document, spot: Spot) -> None:
    """Split an object into an allOf of two."""
    own = spot.of(d)
    first = next(iter(own["properties"]))
    base = {"type": "object", "properties": {first: own["properties"].pop(first)}}
    schemas(d)[f"{spot.name}Base"] = base
    schemas(d)[spot.name] = {"allOf": [{"$ref": f"{REF}{spot.name}Base"}, own]}


def _wrap(key: str) -> Change:
    return lambda d, s: put(d, s, {key: [s.described], "description": "Wrapped."})


def _is_reference(spot: Spot) -> bool:
    return "$ref" in spot.described


# Order, names and texts of calls; parts of calls that become components.


def _share(kind: str, *keys: str) -> Change:
    """Return a change that moves a part of a call, or the spot itself, to a component."""

    def change(d: Document, spot: Spot) -> None:
        piece = replace(spot, at=(*spot.at, *keys))
        holder, node = piece.above(d), piece.of(d)
        key = holder.index(node) if isinstance(holder, list) else piece.name
        d["components"].setdefault(kind, {})["Shared"] = node
        cast("Any", holder)[key] = {"$ref": f"#/components/{kind}/Shared"}

    return change


# Dialects and auth.


def _types(d: Document, _: Spot) -> None:
    d["openapi"] = "3.1.0"
    for kind in ("object", "array", "string", "number", "integer", "boolean"):
        _replace_text(schemas(d), f'"type": "{kind}"', f'"type": ["{kind}"]')


def _constants(d: Document, spot: Spot) -> None:
    d["openapi"] = "3.1.1"
    put(d, spot, {"oneOf": [{"const": value} for value in spot.of(d)["enum"]]})


def _shared_media(d: Document, spot: Spot) -> None:
    """Move a media type to a component, as OpenAPI 3.2 allows."""
    d["openapi"] = "3.2.0"
    _share("mediaTypes", "responses", "200", "content", JSON)(d, spot)


def _rename_auth(d: Document, _: Spot) -> None:
    schemes = d["components"]["securitySchemes"]
    schemes["token"] = schemes.pop("bearerAuth")
    d["security"] = [{"token": []}]


def _auth_by_call(d: Document, _: Spot) -> None:
    ways = d.pop("security")
    for item in d["paths"].values():
        for call in item.values():
            call.setdefault("security", ways)


def _auth_beside(d: Document, _: Spot) -> None:
    d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "query", "name": "k"}
    d["security"].append({"key": []})


# fmt: off
OPERATORS = (
    Operator("renamed schema", "same", "object enum", {
        "V2": lambda d, s: _rename(d, s.name, f"{s.name}V2"),
        "small": lambda d, s: _rename(d, s.name, f"z_{s.name.lower()}"),
    }),
    Operator("swapped schema names", "same", "object enum", _swap),
    Operator("inlined schema", "same", "object enum", _inline),
    Operator("extracted property", "same", "property", _extract, lambda s: not _is_reference(s)),
    Operator("composed object", "same", "object", _compose, lambda s: len(s.described["properties"]) > 1),
    Operator("reference in a composition of one", "same", "property",
        each(("allOf", "oneOf", "anyOf"), _wrap), _is_reference),
    Operator("changed texts", "same", "property",
        update(description='Said "otherwise".', example=None), lambda s: not _is_reference(s)),
    Operator("changed order", "same", "document", each(("paths", "components", "servers", "security"),
        lambda key: lambda d, _: d.update({key: _turned(d[key])}))),
    Operator("changed order of parameters", "same", "call", lambda d, s: s.of(d)["parameters"].reverse()),
    Operator("changed operationId or tag", "same", "call", {
        "operationId": update(operationId="other"),
        "tags": update(tags=["Other"]),
        "summary": update(summary="Other"),
        "none": lambda d, s: s.of(d).pop("operationId"),
    }),
    Operator("slash at the end of a path", "quiet", "call",
        lambda d, s: d["paths"].update({f"{s.at[1]}/": d["paths"].pop(s.at[1])})),
    Operator("path parameter by another name, by content, or not declared", "quiet", "parameter",
        {"name": rename_in_path("id"), "content": by_content, "forgotten": drop},
        lambda s: s.described["in"] == "path"),
    Operator("shared parameters", "same", "parameter", _share("parameters")),
    Operator("shared responses", "same", "call", _share("responses", "responses", "200")),
    Operator("shared bodies", "same", "call",
        _share("requestBodies", "requestBody"), lambda s: "requestBody" in s.described),
    Operator("parameters that stand with the path", "same", "call",
        lambda d, s: s.above(d).update(parameters=s.of(d).pop("parameters"))),
    Operator("paths that are referred to", "same", "call",
        lambda d, s: _share("pathItems")(d, replace(s, at=s.at[:-1]))),
    Operator("newest dialect", "same", "call", _shared_media),
    Operator("newer dialect", "same", "document", _types),
    Operator("newer dialect with constants", "same", "enum", _constants),
    Operator("auth described another way", "same", "document",
        {"renamed": _rename_auth, "by each call": _auth_by_call, "beside another": _auth_beside}),
)
