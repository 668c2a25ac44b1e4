"""Operators for what a vendor adds."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from mutation.operators import (
    JSON,
    REF,
    TEXT,
    Document,
    Place,
    answered,
    bind,
    call_at,
    calls,
    enums,
    objects,
    operator,
    require,
    schemas,
    sent,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NEW = "brandNew"

KINDS: dict[str, Any] = {
    "text": TEXT,
    "text that is required": TEXT,
    "number": {"type": "number"},
    "whole number": {"type": "integer", "format": "int64"},
    "flag": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "uuid": {"type": "string", "format": "uuid"},
    "list of texts": {"type": "array", "items": {"type": "string"}},
    "list of lists": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "inline object": {
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "array", "items": {"type": "string"}},
        },
    },
    "list of inline objects": {
        "type": "array",
        "items": {"type": "object", "properties": {"a": {"type": "string", "format": "date"}}},
    },
    "inline enum": {"type": "string", "enum": ["ONE", "TWO"]},
    "composition": {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}]},
    "null or text": {"type": "string", "nullable": True},
    "known schema": {"$ref": REF + "EventSource"},
    "choice of kinds": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {}}]},
    "anything": {},
    "bytes": {"type": "string", "format": "binary"},
    "text with a default": {"type": "string", "default": "x"},
    "object of anything": {"type": "object"},
    "map of objects": {
        "type": "object",
        "additionalProperties": {"type": "object", "properties": {"a": {"type": "string"}}},
    },
    "map of lists of enums": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string", "enum": ["A", "B"]}},
    },
    "way back through another object": {
        "type": "object",
        "properties": {"event": {"$ref": REF + "EventWithStatus"}, "a": {"type": "string"}},
    },
}


PLAIN = [kind for kind, one in KINDS.items() if one.get("type") not in (None, "object")]
SCHEMAS = (
    *("inline object", "list of inline objects", "inline enum", "composition", "known schema"),
    *("object of anything", "map of objects", "map of lists of enums"),
    "way back through another object",
)
NO_MODEL = ("choice of kinds", "anything")


def _answers(document: Document, kinds: Iterable[str]) -> Iterator[Place]:
    for name, _ in objects(document, answered(document)):
        for kind in kinds:

            def change(d: Document, name: str = name, kind: str = kind) -> None:
                schemas(d)[name]["properties"][NEW] = copy.deepcopy(KINDS[kind])
                if "required" in kind:
                    require(d, name, NEW)

            yield Place(f"{name}, {kind}", change)


@operator("new response property", "absorbed")
def plain(document: Document) -> Iterator[Place]:
    """A property that is a text, a number, a list or a map."""
    yield from _answers(document, [one for one in PLAIN if one not in SCHEMAS] + ["map"])


@operator("new response property with a schema", "absorbed")
def with_schema(document: Document) -> Iterator[Place]:
    """A property that is an object or an enum."""
    yield from _answers(document, SCHEMAS)


@operator("new response property without a model", "absorbed")
def without_model(document: Document) -> Iterator[Place]:
    """A property for which no model can be written."""
    yield from _answers(document, NO_MODEL)


@operator("new response properties of every kind at once", "absorbed")
def every_kind(document: Document) -> Iterator[Place]:
    """So that one package, with which all tests are run, holds all of them."""
    for name, _ in objects(document, answered(document)):

        def change(d: Document, name: str = name) -> None:
            for number, described in enumerate(KINDS.values()):
                schemas(d)[name]["properties"][f"{NEW}{number}"] = copy.deepcopy(described)

        yield Place(name, change)


@operator("new response property: new named schema", "absorbed")
def named(document: Document) -> Iterator[Place]:
    """A property and a schema for it."""
    for name, _ in objects(document, answered(document)):

        def change(d: Document, name: str = name) -> None:
            schemas(d)["BrandNewThing"] = {"type": "object", "properties": {"a": TEXT}}
            schemas(d)[name]["properties"][NEW] = {"$ref": REF + "BrandNewThing"}

        yield Place(name, change)


@operator("new response property: a schema that holds itself", "absorbed")
def recursive(document: Document) -> Iterator[Place]:
    """A property whose schema is recursive."""
    for name, _ in objects(document, answered(document)):

        def change(d: Document, name: str = name) -> None:
            node = {"$ref": REF + "BrandNewNode"}
            schemas(d)["BrandNewNode"] = {"type": "object", "properties": {"up": node, "a": TEXT}}
            schemas(d)[name]["properties"][NEW] = node

        yield Place(name, change)


@operator("new response property: back to its own holder", "absorbed")
def backwards(document: Document) -> Iterator[Place]:
    """A property that closes a circle of schemas."""
    for name, _ in objects(document, answered(document)):
        yield Place(
            name,
            bind(
                lambda d, name: schemas(d)[name]["properties"].update(
                    {NEW: {"$ref": REF + "EventWithStatus"}}
                ),
                name,
            ),
        )


@operator("new response property: a name that is taken in Python", "absorbed")
def taken(document: Document) -> Iterator[Place]:
    """A property whose name differs by case alone."""
    for name, schema in objects(document, answered(document)):
        first = next(iter(schema["properties"]))
        yield Place(
            name,
            bind(
                lambda d, name, first: schemas(d)[name]["properties"].update(
                    {first[0].upper() + first[1:]: TEXT}
                ),
                name,
                first,
            ),
        )


@operator("new optional request property", "absorbed", one_way=True)
def request_property(document: Document) -> Iterator[Place]:
    """An optional property of what is sent."""
    for name, _ in objects(document, sent(document)):
        for kind in ("text", "number", "time", "list of texts", "inline enum"):
            yield Place(
                f"{name}, {kind}",
                bind(
                    lambda d, name, kind: schemas(d)[name]["properties"].update({NEW: KINDS[kind]}),
                    name,
                    kind,
                ),
            )


@operator("new property that goes the other way", "absorbed")
def other_way(document: Document) -> Iterator[Place]:
    """A property of what is sent that is only answered, or of an answer that is only sent."""
    for name, _ in objects(document, answered(document) | sent(document)):
        flag = "readOnly" if name in sent(document) else "writeOnly"
        for kind in ("text", "inline object"):
            new = {**KINDS[kind], flag: True}
            yield Place(
                f"{name}, {kind}",
                bind(
                    lambda d, name, new: schemas(d)[name]["properties"].update({NEW: new}),
                    name,
                    new,
                ),
            )


@operator("new required request property", "conflict")
def required_request_property(document: Document) -> Iterator[Place]:
    """A required property of what is sent."""
    for name, _ in objects(document, sent(document)):
        for kind in ("text", "number", "inline object"):

            def change(d: Document, name: str = name, kind: str = kind) -> None:
                schemas(d)[name]["properties"][NEW] = KINDS[kind]
                require(d, name, NEW)

            yield Place(f"{name}, {kind}", change)


@operator("new response enum member", "absorbed")
def response_member(document: Document) -> Iterator[Place]:
    """A value that is answered."""
    for name, _ in enums(document, answered(document)):
        for value in ("BRAND_NEW", "brand new", "NO", "2ND", "INGESTION-NEW", "x.y/z"):
            yield Place(
                f"{name}, {value}",
                bind(lambda d, name, value: schemas(d)[name]["enum"].append(value), name, value),
            )


@operator("new response enum member whose name is taken", "absorbed")
def taken_member(document: Document) -> Iterator[Place]:
    """A value that differs by case alone."""
    for name, values in enums(document, answered(document)):
        yield Place(
            name,
            bind(
                lambda d, name, value: schemas(d)[name]["enum"].append(value),
                name,
                values[0].lower(),
            ),
        )


@operator("new request enum member", "absorbed", one_way=True)
def request_member(document: Document) -> Iterator[Place]:
    """A value that may be sent."""
    for name, _ in enums(document, sent(document)):
        for value in ("BRAND_NEW", "REDO_ALL", "on"):
            yield Place(
                f"{name}, {value}",
                bind(lambda d, name, value: schemas(d)[name]["enum"].append(value), name, value),
            )


PARAMETERS: dict[str, Document] = {
    "text": {"in": "query", "schema": {"type": "string"}},
    "number with a default": {"in": "query", "schema": {"type": "integer", "default": 3}},
    "time": {"in": "query", "schema": {"type": "string", "format": "date-time"}},
    "inline enum": {"in": "query", "schema": {"type": "string", "enum": ["A", "B"]}},
    "list": {"in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
    "header": {"in": "header", "schema": {"type": "string"}},
    "header that is a time": {"in": "header", "schema": {"type": "string", "format": "date-time"}},
    "cookie": {"in": "cookie", "schema": {"type": "string"}},
    "cookie that is a number": {"in": "cookie", "schema": {"type": "integer"}},
    "by content": {"in": "query", "content": {JSON: {"schema": {"type": "string"}}}},
    "object": {
        "in": "query",
        "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
    },
}


def _parameters(required: bool) -> Any:
    def places(document: Document) -> Iterator[Place]:
        for path, method, _ in calls(document):
            for kind, described in PARAMETERS.items():
                new = {"name": NEW, "required": required, **described}
                yield Place(
                    f"{method} {path}, {kind}",
                    bind(
                        lambda d, path, method, new: (
                            call_at(d, path, method).setdefault("parameters", []).append(new)
                        ),
                        path,
                        method,
                        new,
                    ),
                )

    return places


operator("new optional parameter", "absorbed")(_parameters(required=False))
operator("new required parameter", "conflict")(_parameters(required=True))


@operator("new optional parameter: a name that is taken in Python", "absorbed")
def taken_parameter(document: Document) -> Iterator[Place]:
    """A parameter called as the generator calls something of its own, or as another one."""
    for path, method, call in calls(document):
        own = ("client", "body", "params", "headers", "cookies", "quote", "url", "json_status")
        for name in (*own, call["parameters"][0]["name"].upper()):
            new = {"name": name, "in": "query", "schema": {"type": "string"}}
            yield Place(
                f"{method} {path}, {name}",
                bind(
                    lambda d, path, method, new: call_at(d, path, method)["parameters"].append(new),
                    path,
                    method,
                    new,
                ),
            )


@operator("new status", "absorbed")
def status(document: Document) -> Iterator[Place]:
    """A status, with the shared error body, one of its own, or none."""
    bodies: dict[str, Document] = {
        "shared": {"$ref": "#/components/responses/Error"},
        "own": {
            "description": "Own.",
            "content": {JSON: {"schema": {"type": "object", "properties": {"why": TEXT}}}},
        },
        "none": {"description": "None."},
        "page": {"description": "Page.", "content": {"text/html": {"schema": {"type": "string"}}}},
    }
    for path, method, _ in calls(document):
        for code in ("202", "404", "409", "503", "5XX", "5xx"):
            for kind, body in bodies.items():
                yield Place(
                    f"{method} {path}, {code} {kind}",
                    bind(
                        lambda d, path, method, code, body: call_at(d, path, method)[
                            "responses"
                        ].update({code: body}),
                        path,
                        method,
                        code,
                        body,
                    ),
                )


@operator("new server", "absorbed")
def server(_: Document) -> Iterator[Place]:
    """A server that callers may choose."""
    for url in ("https://eu.togai.com", "https://{region}.togai.com"):
        yield Place(url, bind(lambda d, url: d["servers"].append({"url": url}), url))


@operator("new version", "absorbed")
def version(_: Document) -> Iterator[Place]:
    """A version of the description."""
    for text in ("7.1", "7.0.0-beta", "2076-01-01"):
        yield Place(text, bind(lambda d, text: d["info"].update(version=text), text))


@operator("new call", "same")
def call(_: Document) -> Iterator[Place]:
    """Calls that are none of ours."""
    answer: Document = {"200": {"description": "Fine."}}
    for path in ("/customers", "/events/{event_id}/notes", "/events/ingest"):
        for method in ("get", "delete"):
            yield Place(
                f"{method} {path}",
                bind(
                    lambda d, path, method: d["paths"].update(
                        {path: {method: {"responses": answer}}}
                    ),
                    path,
                    method,
                ),
            )


@operator("another method of a path of ours", "same")
def beside(document: Document) -> Iterator[Place]:
    """A call beside one of ours."""
    for path, _, _ in calls(document):
        yield Place(
            path,
            bind(
                lambda d, path: d["paths"][path].update(
                    patch={"responses": {"200": {"$ref": "elsewhere.yaml"}}}
                ),
                path,
            ),
        )
