"""Operators that describe the same requests and responses in another notation."""

from __future__ import annotations

import copy
import json
from typing import Any

from mutation.operators import JSON, REF, Document, Operator, Spot, each, schemas, update


def _replace_text(d: Document, old: str, new: str) -> None:
    """Replace text in the JSON of a description."""
    d.update(json.loads(json.dumps(d).replace(old, new)))


def _turned(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _turned(item) for key, item in reversed(node.items())}
    return [_turned(item) for item in reversed(node)] if isinstance(node, list) else node


# Schemas.


def _rename(d: Document, old: str, new: str) -> None:
    _replace_text(d, f'"{REF}{old}"', f'"{REF}{new}"')
    schemas(d)[new] = schemas(d).pop(old)


def _swap(s: Spot) -> None:
    names = list(schemas(s.root))
    other = names[(names.index(s.name) + 1) % len(names)]
    for old, new in ((s.name, "InBetween"), (other, s.name), ("InBetween", other)):
        _rename(s.root, old, new)


def _inline(s: Spot) -> None:
    """Inline a schema wherever it is used, also beside extensions."""
    s.drop()
    _replace_text(s.root, json.dumps({"$ref": REF + s.name})[1:-1], json.dumps(s.node)[1:-1])


def _extract(s: Spot) -> None:
    """Move the schema of a property to a component."""
    name = f"{s.at[0]}{s.name.capitalize()}Extracted"
    schemas(s.root)[name] = s.node
    s.put({"$ref": REF + name})


def _compose(s: Spot) -> None:
    """Split an object into an allOf of two."""
    first = next(iter(s.node["properties"]))
    base = {"type": "object", "properties": {first: s.node["properties"].pop(first)}}
    schemas(s.root)[f"{s.name}Base"] = base
    s.put({"allOf": [{"$ref": f"{REF}{s.name}Base"}, s.node]})


# Calls, dialects and auth.


def _share(s: Spot, kind: str, holder: Any, key: Any) -> None:
    """Move a part of a call to a component."""
    s.root["components"].setdefault(kind, {})["Shared"] = holder[key]
    holder[key] = {"$ref": f"#/components/{kind}/Shared"}


def _share_media(s: Spot) -> None:
    """Move a media type to a component, as OpenAPI 3.2 allows."""
    s.root["openapi"] = "3.2.0"
    _share(s, "mediaTypes", s.node["responses"]["200"]["content"], JSON)


def _list_types(s: Spot) -> None:
    s.root["openapi"] = "3.1.0"
    for kind in ("object", "array", "string", "number", "integer", "boolean"):
        _replace_text(schemas(s.root), f'"type": "{kind}"', f'"type": ["{kind}"]')


def _list_constants(s: Spot) -> None:
    s.root["openapi"] = "3.1.1"
    s.put({"oneOf": [{"const": value} for value in s.node["enum"]]})


def _rename_auth(s: Spot) -> None:
    schemes = s.root["components"]["securitySchemes"]
    schemes["token"] = schemes.pop("bearerAuth")
    s.root["security"] = [{"token": []}]


def _auth_by_call(s: Spot) -> None:
    ways = s.root.pop("security")
    for item in s.root["paths"].values():
        for call in item.values():
            call.setdefault("security", ways)


def _auth_beside(s: Spot) -> None:
    key = {"type": "apiKey", "in": "query", "name": "k"}
    s.root["components"]["securitySchemes"]["key"] = key
    s.root["security"].append({"key": []})


# fmt: off
OPERATORS = (
    Operator("renamed schema", "same", "model, enum", {
        "V2": lambda s: _rename(s.root, s.name, f"{s.name}V2"),
        "small": lambda s: _rename(s.root, s.name, f"z_{s.name.lower()}"),
    }),
    Operator("swapped schema names", "same", "model, enum", _swap),
    Operator("inlined schema", "same", "model, enum", _inline),
    Operator("extracted property", "same", "-$ref property", _extract),
    Operator("composed object", "same", "model", _compose),
    Operator("reference in a composition of one", "same", "$ref property", each(("allOf", "oneOf", "anyOf"),
        lambda s, key: s.put({key: [s.node], "description": "Wrapped."}))),
    Operator("choice of equal objects", "same", "model", each(("oneOf", "anyOf"),
        lambda s, key: s.put({key: [s.node, copy.deepcopy(s.node)]}))),
    Operator("changed texts", "same", "-$ref property", update(description='Said "otherwise".', example=None)),
    Operator("changed order", "same", "document", each(("paths", "components", "servers", "security"),
        lambda s, key: s.root.update({key: _turned(s.root[key])}))),
    Operator("changed order of parameters", "same", "call", lambda s: s.node["parameters"].reverse()),
    Operator("changed operationId or tag", "same", "call", {
        "operationId": update(operationId="other"),
        "tags": update(tags=["Other"]),
        "summary": update(summary="Other"),
        "none": lambda s: s.node.pop("operationId"),
    }),
    Operator("shared parameters", "same", "parameter",
        lambda s: _share(s, "parameters", s.holder, s.holder.index(s.node))),
    Operator("shared responses", "same", "call", lambda s: _share(s, "responses", s.node["responses"], "200")),
    Operator("shared bodies", "same", "requestBody call",
        lambda s: _share(s, "requestBodies", s.node, "requestBody")),
    Operator("parameters that stand with the path", "same", "call",
        lambda s: s.holder.update(parameters=s.node.pop("parameters"))),
    Operator("paths that are referred to", "same", "call", lambda s: _share(s, "pathItems", s.root["paths"], s.at[0])),
    Operator("newest dialect", "same", "call", _share_media),
    Operator("newer dialect", "same", "document", _list_types),
    Operator("newer dialect with constants", "same", "enum", _list_constants),
    Operator("auth described another way", "same", "document",
        {"renamed": _rename_auth, "by each call": _auth_by_call, "beside another": _auth_beside}),
)
