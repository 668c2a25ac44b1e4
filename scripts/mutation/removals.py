"""Operators for what a vendor drops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutation.operators import (
    JSON,
    Document,
    Place,
    answered,
    bind,
    call_at,
    calls,
    enums,
    operator,
    parameter_of,
    parameters,
    properties,
    schemas,
    sent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ORIGIN = "x-togai-origin"


def _drop(d: Document, schema: str, name: str) -> None:
    described = schemas(d)[schema]
    del described["properties"][name]
    if name in described.get("required", []):
        described["required"].remove(name)


def _properties(document: Document, names: set[str]) -> Iterator[Place]:
    for schema, name, described in properties(document, names):
        cuts = "$ref" in str(described)
        yield Place(
            f"{schema}.{name}",
            bind(lambda d, schema, name: _drop(d, schema, name), schema, name),
            cuts,
        )


@operator("removed response property", "held")
def response_property(document: Document) -> Iterator[Place]:
    """A property that is answered no longer."""
    yield from _properties(document, answered(document))


@operator("removed request property", "conflict")
def request_property(document: Document) -> Iterator[Place]:
    """A property that may be sent no longer."""
    yield from _properties(document, sent(document))


@operator("removed response enum member", "held")
def response_member(document: Document) -> Iterator[Place]:
    """A value that is answered no longer."""
    for name, values in enums(document, answered(document)):
        if len(values) > 1:
            for value in values:
                yield Place(
                    f"{name}.{value}",
                    bind(
                        lambda d, name, value: schemas(d)[name]["enum"].remove(value), name, value
                    ),
                )


@operator("removed request enum member", "conflict")
def request_member(document: Document) -> Iterator[Place]:
    """A value that may be sent no longer."""
    for name, values in enums(document, sent(document)):
        for value in values:
            yield Place(
                f"{name}.{value}",
                bind(lambda d, name, value: schemas(d)[name]["enum"].remove(value), name, value),
            )


def _drop_parameter(d: Document, path: str, method: str, name: str) -> None:
    call_at(d, path, method)["parameters"].remove(parameter_of(d, path, method, name))


@operator("removed optional parameter", "held")
def optional_parameter(document: Document) -> Iterator[Place]:
    """A parameter that may be sent no longer."""
    for path, method, _, one in parameters(document):
        if not one.get("required") and ORIGIN not in one:
            yield Place(
                f"{path} {one['name']}",
                bind(
                    lambda d, path, method, name: _drop_parameter(d, path, method, name),
                    path,
                    method,
                    one["name"],
                ),
            )


@operator("removed required parameter", "conflict")
def required_parameter(document: Document) -> Iterator[Place]:
    """A parameter that must be sent, and may be no longer."""
    for path, method, _, one in parameters(document):
        if one.get("required") and ORIGIN not in one and one["in"] != "path":
            yield Place(
                f"{path} {one['name']}",
                bind(
                    lambda d, path, method, name: _drop_parameter(d, path, method, name),
                    path,
                    method,
                    one["name"],
                ),
            )


@operator("a parameter of another origin is not described", "same")
def other_origin(document: Document) -> Iterator[Place]:
    """What the vendor describes elsewhere alone."""
    for path, method, _, one in parameters(document):
        if ORIGIN in one:
            yield Place(
                f"{path} {one['name']}",
                bind(
                    lambda d, path, method, name: _drop_parameter(d, path, method, name),
                    path,
                    method,
                    one["name"],
                ),
            )


@operator("removed status", "held")
def status(document: Document) -> Iterator[Place]:
    """An error that is documented no longer."""
    for path, method, call in calls(document):
        for code in call["responses"]:
            if not code.startswith("2"):
                yield Place(
                    f"{method} {path} {code}",
                    bind(
                        lambda d, path, method, code: call_at(d, path, method)["responses"].pop(
                            code
                        ),
                        path,
                        method,
                        code,
                    ),
                )


@operator("removed success status", "conflict")
def success(document: Document) -> Iterator[Place]:
    """Another status for a success."""
    for path, method, _ in calls(document):

        def change(d: Document, path: str = path, method: str = method) -> None:
            responses = call_at(d, path, method)["responses"]
            responses["201"] = responses.pop("200")

        yield Place(f"{method} {path}", change, cuts=True)


@operator("error without a body", "held")
def error_body(document: Document) -> Iterator[Place]:
    """An error whose body is described no longer."""
    for path, method, call in calls(document):
        for code in call["responses"]:
            if not code.startswith("2"):
                yield Place(
                    f"{method} {path} {code}",
                    bind(
                        lambda d, path, method, code: call_at(d, path, method)["responses"].update(
                            {code: {"description": "No body."}}
                        ),
                        path,
                        method,
                        code,
                    ),
                )


@operator("success without a body", "conflict")
def success_body(document: Document) -> Iterator[Place]:
    """A success whose body is described no longer."""
    for path, method, _ in calls(document):
        yield Place(
            f"{method} {path}",
            bind(
                lambda d, path, method: call_at(d, path, method)["responses"]["200"].pop("content"),
                path,
                method,
            ),
            cuts=True,
        )


@operator("removed request body", "conflict")
def request_body(document: Document) -> Iterator[Place]:
    """A body that may be sent no longer."""
    for path, method, call in calls(document):
        if "requestBody" in call:
            yield Place(
                f"{method} {path}",
                bind(
                    lambda d, path, method: call_at(d, path, method).pop("requestBody"),
                    path,
                    method,
                ),
                cuts=True,
            )


@operator("removed call", "conflict")
def call(document: Document) -> Iterator[Place]:
    """A whole call that is gone."""
    for path, method, _ in calls(document):
        yield Place(f"{method} {path}", bind(lambda d, path: d["paths"].pop(path), path), cuts=True)


@operator("moved path", "conflict")
def moved(document: Document) -> Iterator[Place]:
    """A call at another path."""
    for path, _, _ in calls(document):
        for new in (f"/v2{path}", f"{path}/all", path.replace("events", "usage_events")):
            yield Place(
                f"{path} -> {new}",
                bind(
                    lambda d, path, new: d["paths"].update({new: d["paths"].pop(path)}), path, new
                ),
                cuts=True,
            )


@operator("changed method", "conflict")
def method(document: Document) -> Iterator[Place]:
    """A call by another method."""
    for path, old, _ in calls(document):
        yield Place(
            path,
            bind(
                lambda d, path, old: d["paths"][path].update(put=d["paths"][path].pop(old)),
                path,
                old,
            ),
            cuts=True,
        )


@operator("changed content type of an answer", "conflict")
def answer_type(document: Document) -> Iterator[Place]:
    """An answer that is JSON no longer."""
    for path, method_, _ in calls(document):
        for kind in ("text/csv", "application/vnd.api+json", "*/*"):

            def change(d: Document, path: str = path, m: str = method_, kind: str = kind) -> None:
                content = call_at(d, path, m)["responses"]["200"]["content"]
                content[kind] = content.pop(JSON)

            yield Place(f"{path} {kind}", change, cuts=True)


@operator("changed content type of an error", "held")
def error_type(document: Document) -> Iterator[Place]:
    """An error that is JSON of another kind, or no longer."""
    for path, method_, described in calls(document):
        for status in [one for one in described["responses"] if not one.startswith("2")]:
            for kind in ("application/problem+json", "*/*", "text/html"):

                def change(
                    d: Document,
                    path: str = path,
                    m: str = method_,
                    status: str = status,
                    kind: str = kind,
                ) -> None:
                    call_at(d, path, m)["responses"][status] = {
                        "description": "No.",
                        "content": {kind: {"schema": {"type": "object"}}},
                    }

                yield Place(f"{path} {status} {kind}", change)


@operator("success named by its range", "same")
def ranged(document: Document) -> Iterator[Place]:
    """200 that is told as one of 2XX."""
    for path, method_, _ in calls(document):
        for name in ("2XX", "2xx"):

            def change(d: Document, path: str = path, m: str = method_, name: str = name) -> None:
                responses = call_at(d, path, m)["responses"]
                responses[name] = responses.pop("200")

            yield Place(f"{path} {name}", change)


@operator("changed content type of a request", "conflict")
def request_type(document: Document) -> Iterator[Place]:
    """A request that may be JSON no longer."""
    for path, method_, described in calls(document):
        if "requestBody" in described:
            for kind in ("text/csv", "multipart/form-data"):

                def change(
                    d: Document, path: str = path, m: str = method_, kind: str = kind
                ) -> None:
                    content = call_at(d, path, m)["requestBody"]["content"]
                    content[kind] = content.pop(JSON)

                yield Place(f"{path} {kind}", change, cuts=True)


@operator("removed server", "held")
def server(document: Document) -> Iterator[Place]:
    """A server that is described no longer."""
    for i, one in enumerate(document["servers"]):
        yield Place(one["url"], bind(lambda d, i: d["servers"].pop(i), i))
