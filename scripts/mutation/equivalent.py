"""Operators that write the same wire down in another way: they must not cause a difference."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from mutation.operators import (
    REF,
    Document,
    Place,
    bind,
    call_at,
    calls,
    everywhere,
    objects,
    operator,
    parameter_of,
    parameters,
    properties,
    schemas,
    set_property,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def _all(document: Document) -> set[str]:
    return set(schemas(document))


def _rename(d: Document, old: str, new: str) -> None:
    def point(node: Document) -> None:
        if node.get("$ref") == REF + old:
            node["$ref"] = REF + new

    everywhere(d, point)
    schemas(d)[new] = schemas(d).pop(old)


@operator("renamed schema", "same")
def renamed(document: Document) -> Iterator[Place]:
    """A schema under another name."""
    for name in schemas(document):
        for new in (f"{name}V2", f"z_{name.lower()}"):
            yield Place(
                f"{name} -> {new}", bind(lambda d, name, new: _rename(d, name, new), name, new)
            )


@operator("swapped schema names", "same")
def swapped(document: Document) -> Iterator[Place]:
    """Two schemas under each other's names."""
    names = list(schemas(document))
    for one, other in pairwise(names):

        def change(d: Document, one: str = one, other: str = other) -> None:
            _rename(d, one, "InBetween")
            _rename(d, other, one)
            _rename(d, "InBetween", other)

        yield Place(f"{one}, {other}", change)


@operator("inlined schema", "same")
def inlined(document: Document) -> Iterator[Place]:
    """A schema written out wherever it is used."""
    for name in schemas(document):

        def change(d: Document, name: str = name) -> None:
            whole = schemas(d).pop(name)

            def write(node: Document) -> None:
                if node.get("$ref") == REF + name:
                    node.clear()
                    node.update(copy.deepcopy(whole))

            everywhere(d, write)

        yield Place(name, change)


@operator("extracted property", "same")
def extracted(document: Document) -> Iterator[Place]:
    """A property's schema as a component of its own."""
    for schema, name, described in properties(document, _all(document)):
        if "$ref" not in described:

            def change(
                d: Document, schema: str = schema, name: str = name, one: Document = described
            ) -> None:
                component = f"{schema}{name.capitalize()}Extracted"
                schemas(d)[component] = copy.deepcopy(one)
                set_property(d, schema, name, {"$ref": REF + component})

            yield Place(f"{schema}.{name}", change)


@operator("composed object", "same")
def composed(document: Document) -> Iterator[Place]:
    """An object as allOf of two."""
    for name, schema in objects(document, _all(document)):
        if len(schema["properties"]) > 1:

            def change(d: Document, name: str = name) -> None:
                whole = schemas(d)[name]
                first = next(iter(whole["properties"]))
                base = {"type": "object", "properties": {first: whole["properties"].pop(first)}}
                schemas(d)[f"{name}Base"] = base
                schemas(d)[name] = {"allOf": [{"$ref": f"{REF}{name}Base"}, whole]}

            yield Place(name, change)


@operator("reference in a composition of one", "same")
def wrapped(document: Document) -> Iterator[Place]:
    """A reference wrapped to say more beside it."""
    for schema, name, described in properties(document, _all(document)):
        if "$ref" in described:
            for key in ("allOf", "oneOf", "anyOf"):
                new = {key: [described], "description": "Wrapped."}
                yield Place(
                    f"{schema}.{name}, {key}",
                    bind(
                        lambda d, schema, name, new: set_property(d, schema, name, new),
                        schema,
                        name,
                        new,
                    ),
                )


@operator("changed texts", "same")
def texts(document: Document) -> Iterator[Place]:
    """Other words, other examples."""
    for schema, name, described in properties(document, _all(document)):
        if "$ref" not in described:
            new = {**described, "description": 'Said "otherwise".', "example": None}
            yield Place(
                f"{schema}.{name}",
                bind(
                    lambda d, schema, name, new: set_property(d, schema, name, new),
                    schema,
                    name,
                    new,
                ),
            )


@operator("changed order", "same")
def order(document: Document) -> Iterator[Place]:
    """Everything the other way round."""

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            node = cast("Document", value)
            return {key: turned(node[key]) for key in reversed(node)}
        return (
            [turned(one) for one in reversed(cast("Any", value))]
            if isinstance(value, list)
            else value
        )

    def turn(d: Document, key: str) -> None:
        d[key] = turned(d[key])

    for key in ("paths", "components", "servers", "security"):
        yield Place(key, bind(lambda d, key: turn(d, key), key))
    for path, method, _ in calls(document):
        yield Place(
            f"{method} {path}",
            bind(
                lambda d, path, method: call_at(d, path, method)["parameters"].reverse(),
                path,
                method,
            ),
        )


@operator("changed operationId or tag", "same")
def labels(document: Document) -> Iterator[Place]:
    """What only documentation shows."""
    for path, method, _ in calls(document):
        for key, value in (("operationId", "other"), ("tags", ["Other"]), ("summary", "Other")):
            yield Place(
                f"{method} {path} {key}",
                bind(
                    lambda d, path, method, key, value: call_at(d, path, method).update(
                        {key: value}
                    ),
                    path,
                    method,
                    key,
                    value,
                ),
            )
        yield Place(
            f"{method} {path}, none",
            bind(lambda d, path, method: call_at(d, path, method).pop("operationId"), path, method),
        )


@operator("slash at the end of a path", "quiet")
def slash(document: Document) -> Iterator[Place]:
    """The same path, with a slash."""
    for path, _, _ in calls(document):
        yield Place(
            path, bind(lambda d, path: d["paths"].update({path + "/": d["paths"].pop(path)}), path)
        )


@operator("path parameter by another name, by content, or not declared", "quiet")
def path_parameter(document: Document) -> Iterator[Place]:
    """Ways in which descriptions have a path parameter."""
    for path, method, _, one in parameters(document):
        if one["in"] != "path":
            continue
        name = one["name"]

        def rename(d: Document, path: str = path, method: str = method, name: str = name) -> None:
            parameter_of(d, path, method, name)["name"] = "id"
            d["paths"][path.replace(name, "id")] = d["paths"].pop(path)

        def content(d: Document, path: str = path, method: str = method, name: str = name) -> None:
            described = parameter_of(d, path, method, name)
            described["content"] = {"application/json": {"schema": described.pop("schema")}}

        def forget(d: Document, path: str = path, method: str = method, name: str = name) -> None:
            call_at(d, path, method)["parameters"].remove(parameter_of(d, path, method, name))

        for label, change in (("name", rename), ("content", content), ("forgotten", forget)):
            yield Place(f"{path} {label}", change)


@operator("shared parameters, bodies and responses", "same")
def shared(document: Document) -> Iterator[Place]:
    """Pieces of a call as components."""
    for path, method, _, one in parameters(document):

        def parameter(
            d: Document, path: str = path, method: str = method, name: str = one["name"]
        ) -> None:
            described = call_at(d, path, method)["parameters"]
            one = parameter_of(d, path, method, name)
            d["components"].setdefault("parameters", {})[f"P{name}"] = one
            described[described.index(one)] = {"$ref": f"#/components/parameters/P{name}"}

        yield Place(f"{path} {one['name']}", parameter)
    for path, method, call in calls(document):

        def response(d: Document, path: str = path, method: str = method) -> None:
            responses = call_at(d, path, method)["responses"]
            d["components"]["responses"]["Shared"] = responses["200"]
            responses["200"] = {"$ref": "#/components/responses/Shared"}

        yield Place(f"{method} {path} 200", response)
        if "requestBody" in call:

            def body(d: Document, path: str = path, method: str = method) -> None:
                described = call_at(d, path, method)
                d["components"]["requestBodies"] = {"Shared": described["requestBody"]}
                described["requestBody"] = {"$ref": "#/components/requestBodies/Shared"}

            yield Place(f"{method} {path} body", body)


@operator("parameters that stand with the path", "same")
def lifted(document: Document) -> Iterator[Place]:
    """Parameters described beside the call."""
    for path, method, _ in calls(document):

        def change(d: Document, path: str = path, method: str = method) -> None:
            d["paths"][path]["parameters"] = call_at(d, path, method).pop("parameters")

        yield Place(f"{method} {path}", change)


@operator("paths that are referred to", "same")
def referred(document: Document) -> Iterator[Place]:
    """What stands at a path, put elsewhere."""
    for path in document["paths"]:

        def change(d: Document, path: str = path) -> None:
            d["components"]["pathItems"] = {"Shared": d["paths"][path]}
            d["paths"][path] = {"$ref": "#/components/pathItems/Shared"}

        yield Place(path, change)


@operator("newer dialect", "same")
def dialect(document: Document) -> Iterator[Place]:
    """OpenAPI 3.1 with lists of types, and constants for enums."""

    def types(d: Document) -> None:
        d["openapi"] = "3.1.0"
        everywhere(
            schemas(d),
            lambda node: (
                node.update(type=[node["type"]]) if isinstance(node.get("type"), str) else None
            ),
        )

    yield Place("lists of types", types)
    for name, schema in schemas(document).items():
        if "enum" in schema:

            def constants(d: Document, name: str = name) -> None:
                d["openapi"] = "3.1.1"
                values = schemas(d)[name].pop("enum")
                schemas(d)[name] = {"oneOf": [{"const": value} for value in values]}

            yield Place(f"{name} as constants", constants)


@operator("auth described another way", "same")
def auth(document: Document) -> Iterator[Place]:
    """The same scheme by another name, by each call, or beside another."""

    def renamed_(d: Document) -> None:
        schemes = d["components"]["securitySchemes"]
        schemes["token"] = schemes.pop("bearerAuth")
        names = {"bearerAuth": "token"}
        d["security"] = [
            {names.get(name, name): scopes for name, scopes in way.items()} for way in d["security"]
        ]

    def each(d: Document) -> None:
        ways = d.pop("security")
        for _, _, call in calls(d):
            call.setdefault("security", ways)

    def beside(d: Document) -> None:
        d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "query", "name": "k"}
        d["security"].append({"key": []})

    yield Place("renamed", renamed_)
    yield Place("by each call", each)
    yield Place("beside another", beside)
