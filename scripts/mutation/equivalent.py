"""Operators that describe the same requests and responses in another notation; they must not cause a difference."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

from mutation.operators import (
    JSON,
    REF,
    Document,
    Spot,
    calls,
    components,
    drop,
    enums,
    everywhere,
    objects,
    parameters,
    properties,
    put,
    row,
    schemas,
    update,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# A row of the table is on one line, or on two.
# fmt: off


def _rename(d: Document, old: str, new: str) -> None:
    everywhere(d, lambda node: node.update({"$ref": REF + new} if _refers(node, old) else {}))
    schemas(d)[new] = schemas(d).pop(old)


def _refers(node: Document, name: str) -> bool:
    return bool(node.get("$ref") == REF + name)


def _swap(d: Document, spot: Spot) -> None:
    names = list(schemas(d))
    other = names[(names.index(spot.name) + 1) % len(names)]
    for old, new in ((spot.name, "InBetween"), (other, spot.name), ("InBetween", other)):
        _rename(d, old, new)


def _inline(d: Document, spot: Spot) -> None:
    """Inline a schema wherever it is used."""
    schema = drop(d, spot)

    def write(node: Document) -> None:
        if _refers(node, spot.name):
            node.clear()
            node.update(copy.deepcopy(schema))

    everywhere(d, write)


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


def _wrap(key: str) -> Callable[[Document, Spot], None]:
    return lambda d, s: put(d, s, {key: [s.described], "description": "Wrapped."})


def _is_reference(spot: Spot) -> bool:
    return "$ref" in spot.described


def _is_written(spot: Spot) -> bool:
    return "$ref" not in spot.described


row(
    "renamed schema",
    "same",
    components,
    {
        "V2": lambda d, s: _rename(d, s.name, f"{s.name}V2"),
        "small": lambda d, s: _rename(d, s.name, f"z_{s.name.lower()}"),
    },
)
row("swapped schema names", "same", components, _swap)
row("inlined schema", "same", components, _inline)
row("extracted property", "same", properties, _extract, _is_written)
row("composed object", "same", objects, _compose, lambda s: len(s.described["properties"]) > 1)
row("reference in a composition of one", "same", properties,
    {key: _wrap(key) for key in ("allOf", "oneOf", "anyOf")}, _is_reference)
TEXTS = update(description='Said "otherwise".', example=None)
row("changed texts", "same", properties, TEXTS, _is_written)


def _turned(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _turned(item) for key, item in reversed(cast("Document", node).items())}
    if isinstance(node, list):
        return [_turned(item) for item in reversed(cast("Any", node))]
    return node


row(
    "changed order",
    "same",
    whole,
    {
        key: lambda d, _, key=key: d.update({key: _turned(d[key])})
        for key in ("paths", "components", "servers", "security")
    },
)
row("changed order of parameters", "same", calls, lambda d, s: s.of(d)["parameters"].reverse())
row(
    "changed operationId or tag",
    "same",
    calls,
    {
        "operationId": update(operationId="other"),
        "tags": update(tags=["Other"]),
        "summary": update(summary="Other"),
        "none": lambda d, s: s.of(d).pop("operationId"),
    },
)
row("slash at the end of a path", "quiet", calls,
    lambda d, s: d["paths"].update({f"{s.at[1]}/": d["paths"].pop(s.at[1])}))


def _rename_in_path(d: Document, spot: Spot) -> None:
    spot.of(d)["name"] = "id"
    d["paths"][spot.at[1].replace(spot.name, "id")] = d["paths"].pop(spot.at[1])


def by_content(d: Document, spot: Spot) -> None:
    """Describe a parameter as JSON."""
    spot.of(d)["content"] = {JSON: {"schema": spot.of(d).pop("schema")}}


row("path parameter by another name, by content, or not declared", "quiet", parameters,
    {"name": _rename_in_path, "content": by_content, "forgotten": drop}, lambda s: s.described["in"] == "path")


def _share(kind: str, *keys: str) -> Callable[[Document, Spot], None]:
    """Move a part of a call, or the spot itself, to a component."""

    def change(d: Document, spot: Spot) -> None:
        piece = Spot("", (*spot.at, *keys))
        holder, node = piece.above(d), piece.of(d)
        key = holder.index(node) if isinstance(holder, list) else piece.name
        d["components"].setdefault(kind, {})["Shared"] = node
        cast("Any", holder)[key] = {"$ref": f"#/components/{kind}/Shared"}

    return change


row("shared parameters", "same", parameters, _share("parameters"))
row("shared responses", "same", calls, _share("responses", "responses", "200"))
row("shared bodies", "same", calls,
    _share("requestBodies", "requestBody"), lambda s: "requestBody" in s.described)
row("parameters that stand with the path", "same", calls,
    lambda d, s: s.above(d).update(parameters=s.of(d).pop("parameters")))
row("paths that are referred to", "same", calls, lambda d, s: _share("pathItems")(d, Spot("", s.at[:-1])))


def _types(d: Document, _: Spot) -> None:
    def listed(node: Document) -> None:
        if isinstance(node.get("type"), str):
            node["type"] = [node["type"]]

    d["openapi"] = "3.1.0"
    everywhere(schemas(d), listed)


def _constants(d: Document, spot: Spot) -> None:
    d["openapi"] = "3.1.1"
    put(d, spot, {"oneOf": [{"const": value} for value in spot.of(d)["enum"]]})


def _shared_media(d: Document, spot: Spot) -> None:
    """Move a media type to a component, as OpenAPI 3.2 allows."""
    d["openapi"] = "3.2.0"
    _share("mediaTypes", "responses", "200", "content", JSON)(d, spot)


row("newest dialect", "same", calls, _shared_media)
row("newer dialect", "same", whole, _types)
row("newer dialect with constants", "same", enums, _constants)


def _rename_auth(d: Document, _: Spot) -> None:
    schemes = d["components"]["securitySchemes"]
    schemes["token"] = schemes.pop("bearerAuth")
    d["security"] = [{"token": []}]


def _auth_by_call(d: Document, _: Spot) -> None:
    ways = d.pop("security")
    for call in calls(d):
        call.described.setdefault("security", ways)


def _auth_beside(d: Document, _: Spot) -> None:
    d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "query", "name": "k"}
    d["security"].append({"key": []})


row("auth described another way", "same", whole,
    {"renamed": _rename_auth, "by each call": _auth_by_call, "beside another": _auth_beside})
