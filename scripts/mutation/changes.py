"""Operators for what a vendor changes in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.normalize import LOWER, UPPER

from mutation.operators import (
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
    property_of,
    require,
    schemas,
    sent,
    set_property,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def _all(document: Document) -> set[str]:
    return answered(document) | sent(document)


def _other(described: Document) -> Document:
    """A description of another type."""
    return {"type": "integer" if described.get("type", "string") == "string" else "string"}


@operator("changed type of a property", "conflict")
def type_(document: Document) -> Iterator[Place]:
    """A property of another type."""
    for schema, name, described in properties(document, _all(document)):
        yield Place(
            f"{schema}.{name}",
            bind(
                lambda d, schema, name, new: set_property(d, schema, name, new),
                schema,
                name,
                _other(described),
            ),
            cuts="$ref" in str(described),
        )


@operator("object against list", "conflict")
def listed(document: Document) -> Iterator[Place]:
    """A single one where there was a list, or a list where there was one."""
    for schema, name, described in properties(document, _all(document)):
        new = described.get("items", {"type": "array", "items": described})
        yield Place(
            f"{schema}.{name}",
            bind(
                lambda d, schema, name, new: set_property(d, schema, name, new), schema, name, new
            ),
            cuts="$ref" in str(described),
        )


@operator("changed type of items", "conflict")
def items(document: Document) -> Iterator[Place]:
    """A list, or a map, of something else."""
    for schema, name, described in properties(document, _all(document)):
        for key in ("items", "additionalProperties"):
            if key in described:
                new = {**described, key: {"type": "boolean"}}
                yield Place(
                    f"{schema}.{name}",
                    bind(
                        lambda d, schema, name, new: set_property(d, schema, name, new),
                        schema,
                        name,
                        new,
                    ),
                    cuts="$ref" in str(described),
                )


@operator("changed format", "conflict")
def format_(document: Document) -> Iterator[Place]:
    """A text or a number in another format."""
    for schema, name, described in properties(document, _all(document)):
        if described.get("type") in ("string", "integer", "number"):
            new = {**described, "format": "date" if "format" not in described else "time"}
            yield Place(
                f"{schema}.{name}",
                bind(
                    lambda d, schema, name, new: set_property(d, schema, name, new),
                    schema,
                    name,
                    new,
                ),
            )


@operator("a property of several kinds", "conflict")
def several(document: Document) -> Iterator[Place]:
    """A choice where there was one kind."""
    for schema, name, described in properties(document, _all(document)):
        new: Document = {"oneOf": [described, {"type": "boolean"}]}
        yield Place(
            f"{schema}.{name}",
            bind(
                lambda d, schema, name, new: set_property(d, schema, name, new), schema, name, new
            ),
            cuts="$ref" in str(described),
        )


@operator("changed type of a parameter", "conflict")
def parameter_type(document: Document) -> Iterator[Place]:
    """A parameter of another type."""
    for path, method, _, one in parameters(document):
        yield Place(
            f"{path} {one['name']}",
            bind(
                lambda d, path, method, one: parameter_of(d, path, method, one["name"]).update(
                    schema=_other(one["schema"])
                ),
                path,
                method,
                one,
            ),
            cuts="$ref" in one["schema"],
        )


@operator("parameter that is sent as JSON", "conflict")
def parameter_content(document: Document) -> Iterator[Place]:
    """A parameter described by a content type."""
    for path, method, _, one in parameters(document):
        if one["in"] != "path":

            def change(
                d: Document, path: str = path, method: str = method, name: str = one["name"]
            ) -> None:
                described = parameter_of(d, path, method, name)
                described["content"] = {"application/json": {"schema": described.pop("schema")}}

            yield Place(f"{path} {one['name']}", change)


def _mark(described: Document, key: str, value: Any) -> None:
    described[key] = value


@operator("deprecated by the vendor", "absorbed")
def deprecated(document: Document) -> Iterator[Place]:
    """A property, a parameter or a call that the vendor means to drop."""
    for schema, name, _ in properties(document, _all(document)):
        change = bind(
            lambda d, schema, name: _mark(property_of(d, schema, name), "deprecated", True),
            schema,
            name,
        )
        yield Place(f"{schema}.{name}", change)
    for path, method, _, one in parameters(document):
        change = bind(
            lambda d, *place: _mark(parameter_of(d, *place), "deprecated", True),
            path,
            method,
            one["name"],
        )
        yield Place(f"{path} {one['name']}", change)
    for path, method, _ in calls(document):
        change = bind(lambda d, *place: _mark(call_at(d, *place), "deprecated", True), path, method)
        yield Place(f"{method} {path}", change)


@operator("changed default", "absorbed")
def default(document: Document) -> Iterator[Place]:
    """What the service takes where callers say nothing."""
    for path, method, _, one in parameters(document):
        if "$ref" not in one["schema"]:
            change = bind(
                lambda d, *place: _mark(parameter_of(d, *place)["schema"], "default", "new"),
                path,
                method,
                one["name"],
            )
            yield Place(f"{path} {one['name']}", change)


@operator("request property that is only answered", "conflict")
def read_only(document: Document) -> Iterator[Place]:
    """A property that callers send, and that the service takes no longer."""
    for schema, name, described in properties(document, sent(document)):
        if "$ref" not in described:
            change = bind(
                lambda d, schema, name: _mark(property_of(d, schema, name), "readOnly", True),
                schema,
                name,
            )
            yield Place(f"{schema}.{name}", change)


@operator("items that became nullable", "absorbed")
def nullable_items(document: Document) -> Iterator[Place]:
    """Lists and maps that may hold null."""
    for schema, name, described in properties(document, _all(document)):
        for key in ("items", "additionalProperties"):
            if isinstance(described.get(key), dict):
                new = {"nullable": True, "allOf": [described[key]]}
                change = bind(
                    lambda d, schema, name, key, new: _mark(property_of(d, schema, name), key, new),
                    schema,
                    name,
                    key,
                    new,
                )
                yield Place(f"{schema}.{name}", change)


@operator("response property that became required", "absorbed")
def became_required(document: Document) -> Iterator[Place]:
    """An answer that promises more."""
    for schema, name, _ in properties(document, answered(document)):
        if name not in schemas(document)[schema].get("required", []):
            yield Place(
                f"{schema}.{name}",
                bind(lambda d, schema, name: require(d, schema, name), schema, name),
            )


@operator("response property that became optional", "absorbed")
def became_optional(document: Document) -> Iterator[Place]:
    """An answer that promises less."""
    for schema, name, _ in properties(document, answered(document)):
        if name in schemas(document)[schema].get("required", []):
            yield Place(
                f"{schema}.{name}",
                bind(
                    lambda d, schema, name: schemas(d)[schema]["required"].remove(name),
                    schema,
                    name,
                ),
            )


@operator("request property that became required", "conflict")
def request_required(document: Document) -> Iterator[Place]:
    """A request that must hold more."""
    for schema, name, _ in properties(document, sent(document)):
        if name not in schemas(document)[schema].get("required", []):
            yield Place(
                f"{schema}.{name}",
                bind(lambda d, schema, name: require(d, schema, name), schema, name),
            )


@operator("request property that became optional", "absorbed")
def request_optional(document: Document) -> Iterator[Place]:
    """A request that may hold less."""
    for schema, name, _ in properties(document, sent(document)):
        if name in schemas(document)[schema].get("required", []):
            yield Place(
                f"{schema}.{name}",
                bind(
                    lambda d, schema, name: schemas(d)[schema]["required"].remove(name),
                    schema,
                    name,
                ),
            )


@operator("property that became nullable", "absorbed")
def nullable(document: Document) -> Iterator[Place]:
    """A property that may be null, in the older dialect."""
    for schema, name, described in properties(document, _all(document)):
        new = {"allOf": [described]} if "$ref" in described else described
        yield Place(
            f"{schema}.{name}",
            bind(
                lambda d, schema, name, new: set_property(
                    d, schema, name, {**new, "nullable": True}
                ),
                schema,
                name,
                new,
            ),
        )


@operator("property that became nullable, newer dialect", "absorbed")
def null_type(document: Document) -> Iterator[Place]:
    """A property that may be null, in the newer dialect."""
    for schema, name, described in properties(document, _all(document)):

        def change(
            d: Document, schema: str = schema, name: str = name, one: Document = described
        ) -> None:
            d["openapi"] = "3.1.0"
            new: Document = (
                {"anyOf": [one, {"type": "null"}]}
                if "$ref" in one
                else {**one, "type": [one["type"], "null"]}
            )
            set_property(d, schema, name, new)

        yield Place(f"{schema}.{name}", change)


@operator("parameter that became required", "conflict")
def parameter_required(document: Document) -> Iterator[Place]:
    """A parameter that must be sent."""
    for path, method, _, one in parameters(document):
        if not one.get("required"):
            yield Place(
                f"{path} {one['name']}",
                bind(
                    lambda d, path, method, name: parameter_of(d, path, method, name).update(
                        required=True
                    ),
                    path,
                    method,
                    one["name"],
                ),
            )


@operator("parameter that became optional", "absorbed")
def parameter_optional(document: Document) -> Iterator[Place]:
    """A parameter that may be left out."""
    for path, method, _, one in parameters(document):
        if one.get("required") and one["in"] != "path":
            yield Place(
                f"{path} {one['name']}",
                bind(
                    lambda d, path, method, name: parameter_of(d, path, method, name).update(
                        required=False
                    ),
                    path,
                    method,
                    one["name"],
                ),
            )


@operator("request body that became required", "conflict")
def body_required(document: Document) -> Iterator[Place]:
    """A call that must have a body."""
    for path, method, call in calls(document):
        if "requestBody" in call:
            yield Place(
                f"{method} {path}",
                bind(
                    lambda d, path, method: call_at(d, path, method)["requestBody"].update(
                        required=True
                    ),
                    path,
                    method,
                ),
            )


def _bounded(document: Document) -> Iterator[tuple[str, str, str, Any]]:
    for schema, name, described in properties(document, _all(document)):
        for key in (*UPPER, *LOWER):
            if key in described:
                yield schema, name, key, described[key]


def _limits(document: Document, step: int) -> Iterator[Place]:
    """Each limit moved: upwards is looser for an upper one, downwards for a lower one."""
    for schema, name, key, value in _bounded(document):
        new = value + step if key in UPPER else value - step
        if new >= 0 and value > 0:
            yield Place(
                f"{schema}.{name} {key}",
                bind(
                    lambda d, schema, name, key, new: property_of(d, schema, name).update(
                        {key: new}
                    ),
                    schema,
                    name,
                    key,
                    new,
                ),
            )


@operator("loosened constraint", "absorbed")
def loosened(document: Document) -> Iterator[Place]:
    """A limit that lets more through."""
    yield from _limits(document, 1)


@operator("tightened constraint", "absorbed")
def tightened(document: Document) -> Iterator[Place]:
    """A limit that lets less through."""
    yield from _limits(document, -1)


@operator("new constraint", "absorbed")
def constrained(document: Document) -> Iterator[Place]:
    """A limit where there was none."""
    for schema, name, described in properties(document, _all(document)):
        if described.get("type") == "string" and "pattern" not in described:
            yield Place(
                f"{schema}.{name}",
                bind(
                    lambda d, schema, name: property_of(d, schema, name).update(pattern="^[a-z]+$"),
                    schema,
                    name,
                ),
            )


@operator("lifted constraint", "absorbed")
def lifted(document: Document) -> Iterator[Place]:
    """A limit that is gone."""
    for schema, name, key, value in _bounded(document):
        if value > 0:
            yield Place(
                f"{schema}.{name} {key}",
                bind(
                    lambda d, schema, name, key: property_of(d, schema, name).pop(key),
                    schema,
                    name,
                    key,
                ),
            )


@operator("values that are listed now", "absorbed")
def enumerated(document: Document) -> Iterator[Place]:
    """A text of which the description lists the values."""
    for schema, name, described in properties(document, answered(document)):
        if described.get("type") == "string" and "format" not in described:
            yield Place(
                f"{schema}.{name}",
                bind(
                    lambda d, schema, name: property_of(d, schema, name).update(enum=["A", "B"]),
                    schema,
                    name,
                ),
            )


@operator("values that are listed no longer", "absorbed")
def open_(document: Document) -> Iterator[Place]:
    """An enum that became any text."""
    for name, _ in enums(document, _all(document)):
        yield Place(name, bind(lambda d, name: schemas(d)[name].pop("enum"), name))


SCHEMES: dict[str, Document] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "basic": {"type": "http", "scheme": "basic"},
    "oauth": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {}}},
    },
}


@operator("changed auth scheme", "conflict")
def auth(document: Document) -> Iterator[Place]:
    """Another way of being let in, for all calls or for one."""
    for name, scheme in SCHEMES.items():

        def everyone(d: Document, name: str = name, scheme: Document = scheme) -> None:
            d["components"]["securitySchemes"][name] = scheme
            d["security"] = [{name: []}]

        yield Place(f"all, {name}", everyone)
        for path, method, _ in calls(document):

            def one(
                d: Document,
                path: str = path,
                method: str = method,
                name: str = name,
                scheme: Document = scheme,
            ) -> None:
                d["components"]["securitySchemes"][name] = scheme
                call_at(d, path, method)["security"] = [{name: []}]

            yield Place(f"{method} {path}, {name}", one)
