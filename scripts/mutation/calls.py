"""Operators that change calls, their parameters, bodies and responses, and the servers; see `properties`."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mutation.operators import NEW, Operator, by_content, drop, each, put, rename_in_path, update
from mutation.properties import KINDS, LETTERS, PAIR, STRING, other_type, snake
from mutation.spots import JSON, REF, Document, Spot, schemas

if TYPE_CHECKING:
    from mutation.operators import Change

PARAMETERS: dict[str, Document] = {
    "text": {"in": "query", "schema": STRING},
    "number": {"in": "query", "schema": {"type": "integer"}},
    "flag with a default": {"in": "query", "schema": {"type": "boolean", "default": False}},
    "time": {"in": "query", "schema": KINDS["time"]},
    "inline enum": {"in": "query", "schema": LETTERS},
    "list": {"in": "query", "schema": {"type": "array", "items": STRING}},
    "header": {"in": "header", "schema": STRING},
}
UNSENDABLE: dict[str, Document] = {
    "by content": {"in": "query", "content": {JSON: {"schema": STRING}}},
    "object": {"in": "query", "schema": PAIR},
    "cookie that is a number": {"in": "cookie", "schema": {"type": "integer"}},
}
BODIES: dict[str, Document] = {
    "shared": {"$ref": "#/components/responses/Error"},
    "own": {"description": "Own.", "content": {JSON: {"schema": PAIR}}},
    "none": {"description": "None."},
    "page": {"description": "Page.", "content": {"text/html": {"schema": STRING}}},
}
SCHEMES: dict[str, Document] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "basic": {"type": "http", "scheme": "basic"},
    "oauth": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {}}},
    },
}
DEFAULTS = {"nextToken": "50", "account_id": "acme", "status": "REVERTED", "schema_name": "calls"}
API, SANDBOX = "https://api.togai.com", "https://sandbox-api.togai.com"

# Parameters.


def _parameter(described: Document, name: str = NEW, *, required: bool = False) -> Change:
    new = {"name": name, "required": required, **described}
    return lambda d, s: s.of(d).setdefault("parameters", []).append(copy.deepcopy(new))


def _named(name: str) -> Change:
    return _parameter(PARAMETERS["text"], name)


def _in_query(spot: Spot) -> bool:
    return bool(spot.described["in"] == "query")


def _is_vendors(spot: Spot) -> bool:
    """Return whether the vendor's own description has a parameter of the query."""
    return _in_query(spot) and "x-togai-origin" not in spot.described


def _is_always_sent(spot: Spot) -> bool:
    return bool(spot.described.get("required")) or "x-togai-sent" in spot.described


def _is_filter(spot: Spot) -> bool:
    return spot.name in ("account_id", "schema_name") and spot.at[2] == "get"


def _recased(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(item.capitalize() for item in rest) if rest else snake(name)


def _change_default(d: Document, spot: Spot) -> None:
    """Change the default of a parameter to one that selects other events."""
    schema = spot.of(d)["schema"]
    schema.pop("x-togai-default", None)
    text = DEFAULTS.get(spot.name, "new")
    schema["default"] = {"integer": 5, "boolean": True}.get(str(schema.get("type")), text)


def _schema(**changes: Any) -> Change:
    return lambda d, s: s.of(d)["schema"].update(copy.deepcopy(changes))


# Responses and bodies.


def _status(code: str, body: Any = None) -> Change:
    """Return a change that adds a status; its default body is the body of the success status."""

    def change(d: Document, spot: Spot) -> None:
        responses = spot.of(d)["responses"]
        responses[code] = copy.deepcopy(body or responses["200"])

    return change


def _error(media: str) -> Change:
    content = {"content": {media: {"schema": PAIR}}} if media else {}
    return lambda d, s: put(d, s, {"description": "No.", **content})


def _success(new: str) -> Change:
    return lambda d, s: s.of(d)["responses"].update({new: s.of(d)["responses"].pop("200")})


def _media(new: str, *keys: str) -> Change:
    """Return a change of the content type of JSON: of the success, or below other keys."""

    def change(d: Document, spot: Spot) -> None:
        at = (*spot.at, *(keys or ("responses", "200")), "content")
        content = replace(spot, at=at).of(d)
        content[new] = content.pop(JSON)

    return change


def _json_of(d: Document, spot: Spot) -> Any:
    """Return the JSON of the success of a call."""
    return spot.of(d)["responses"]["200"]["content"][JSON]


def _change_below(media: str) -> Change:
    """Return a change of the content type of JSON, and of the schema below it."""

    def change(d: Document, spot: Spot) -> None:
        _json_of(d, spot)["schema"] = copy.deepcopy(PAIR)
        _media(media)(d, spot)

    return change


def _enveloped(node: Document, key: str, name: str) -> None:
    node[key] = {"type": "object", "required": [name], "properties": {name: node[key]}}


def _listed(d: Document, spot: Spot) -> Any:
    """Return the list in the success of a call."""
    schema = schemas(d)[_json_of(d, spot)["schema"]["$ref"].removeprefix(REF)]
    return next(each for each in schema["properties"].values() if "items" in each)


def _has_body(spot: Spot) -> bool:
    return "requestBody" in spot.described


# Servers and the whole description.


def _servers(urls: tuple[str, ...]) -> Change:
    return lambda d, _: d.update(servers=[{"url": url} for url in urls])


def _auth(name: str) -> Change:
    def change(d: Document, spot: Spot) -> None:
        d["components"]["securitySchemes"][name] = SCHEMES[name]
        spot.of(d)["security"] = [{name: []}]

    return change


def _other_call(path: str) -> Change:
    other = {"responses": {"200": {"$ref": "elsewhere.yaml"}}}
    return lambda d, _: d["paths"].setdefault(path, {}).update(patch=other)


# fmt: off
OPERATORS = (
    Operator("new optional parameter", "quiet", "call", {
        **each(PARAMETERS, lambda kind: _parameter(PARAMETERS[kind])),
        # The request builder has variables with these names.
        **each(("params", "headers", "json_status"), _named),
    }, one_way=True),
    Operator("new optional parameter that cannot be sent", "quiet", "call",
        each(UNSENDABLE, lambda kind: _parameter(UNSENDABLE[kind]))),
    Operator("new required parameter", "conflict", "call", each(PARAMETERS | UNSENDABLE,
        lambda kind: _parameter((PARAMETERS | UNSENDABLE)[kind], required=True))),
    Operator("new parameter whose default selects", "conflict", "call",
        _parameter({"in": "query", "schema": KINDS["text with a default"]})),
    Operator("new parameter whose name is taken in Python", "quiet", "call",
        each(("client", "body", "url", "a`b"), _named)),
    Operator("removed parameter", "conflict", "parameter", drop, _is_vendors),
    Operator("a parameter of another origin is not described", "same", "parameter",
        drop, lambda s: "x-togai-origin" in s.described),
    Operator("renamed parameter", "conflict", "parameter",
        lambda d, s: s.of(d).update(name=f"{s.name}_value"), _is_vendors),
    Operator("re-cased parameter", "conflict", "parameter", lambda d, s: s.of(d).update(name=_recased(s.name)),
        lambda s: _in_query(s) and _recased(s.name) != s.name),
    Operator("moved parameter", "conflict", "parameter",
        each(("header", "cookie"), lambda place: update(**{"in": place})), _in_query),
    Operator("path parameter that names another id", "conflict", "parameter",
        each(("reference_id", "customerId"), rename_in_path), lambda s: s.described["in"] == "path"),
    Operator("changed type of a parameter", "conflict", "parameter",
        lambda d, s: s.of(d).update(schema=other_type(s.of(d)["schema"])), cuts=True),
    Operator("parameter that is sent as JSON", "conflict", "parameter", by_content, _in_query),
    Operator("changed default", "conflict", "parameter",
        _change_default, lambda s: _in_query(s) and not _is_always_sent(s)),
    Operator("changed default of what is always sent", "quiet", "parameter",
        _change_default, lambda s: _is_always_sent(s) and "type" in s.described.get("schema", ())),
    Operator("parameter that became required", "conflict", "parameter",
        update(required=True), lambda s: not _is_always_sent(s)),
    Operator("parameter that became optional", "quiet", "parameter",
        update(required=False), lambda s: s.described.get("required") and _in_query(s)),
    Operator("values of a filter that are listed now", "conflict", "parameter",
        _schema(enum=["a", "b"]), _is_filter),
    Operator("limit of a filter that refuses what callers pass", "conflict", "parameter", {
        "maxLength": _schema(maxLength=3), "minLength": _schema(minLength=9), "pattern": _schema(pattern="^x"),
    }, _is_filter),
    Operator("values of a flag that exclude the one that is sent", "conflict", "parameter",
        _schema(enum=[True]), lambda s: s.described.get("x-togai-sent") == "always"),
    Operator("exclusive limit", "quiet", "parameter",
        each((101, True), lambda end: _schema(exclusiveMaximum=end)), lambda s: s.name == "pageSize"),

    Operator("new error status", "quiet", "call", {
        f"{code} {kind}": _status(code, body)
        for code in ("404", "503", "5XX", "5xx") for kind, body in BODIES.items()
    }),
    Operator("removed error status", "quiet", "status", drop),
    Operator("changed error body", "quiet", "status",
        each(("", JSON, "application/problem+json", "*/*", "text/html"), _error)),
    Operator("new success status", "conflict", "call",
        each(("202", "206"), _status) | {"204": _status("204", BODIES["none"])}),
    Operator("another success status", "conflict", "call", _success("201")),
    Operator("success named by its range", "same", "call", each(("2XX", "2xx"), _success)),
    Operator("success without a body", "conflict", "call",
        lambda d, s: s.of(d)["responses"]["200"].pop("content")),
    Operator("success that is not JSON", "conflict", "call", each(("text/csv", "text/html"), _media)),
    Operator("JSON by another name", "quiet", "call",
        each(("*/*", "application/*", "application/hal+json"), _media)),
    Operator("changed below a renamed content type", "conflict", "call",
        each(("*/*", "application/hal+json"), _change_below)),
    Operator("envelope around a response", "conflict", "call", {
        "whole": lambda d, s: _enveloped(_json_of(d, s), "schema", "data"),
        "items": lambda d, s: _enveloped(_listed(d, s), "items", "entry"),
        "none": lambda d, s: _json_of(d, s).update(schema=_listed(d, s)),
    }),
    Operator("removed request body", "conflict", "call", lambda d, s: s.of(d).pop("requestBody"), _has_body),
    Operator("request body that became required", "conflict", "call",
        lambda d, s: s.of(d)["requestBody"].update(required=True), _has_body),
    Operator("changed content type of a request", "conflict", "call", each(
        ("text/csv", "multipart/form-data", "application/hal+json"), lambda media: _media(media, "requestBody"),
    ), _has_body),

    Operator("deprecated call or parameter", "quiet", "call parameter", update(deprecated=True)),
    Operator("removed call", "conflict", "call", drop),
    Operator("moved path", "conflict", "call",
        lambda d, s: d["paths"].update({f"/v2{s.at[1]}": d["paths"].pop(s.at[1])})),
    Operator("changed method", "conflict", "call", lambda d, s: s.above(d).update(put=drop(d, s))),
    Operator("calls that are not ours", "same", "document",
        each(("/customers", "/events/{event_id}/notes", "/events"), _other_call)),
    Operator("new server", "quiet", "document", each(
        ("https://eu.togai.com", "https://{region}.togai.com", 'https://x"y'),
        lambda url: lambda d, _: d["servers"].append({"url": url}),
    )),
    Operator("another address", "conflict", "document",
        each(((f"{API}/v2",), ("https://api.togai.io", SANDBOX), ("/v2",)), _servers)),
    Operator("addresses that change nothing", "quiet", "document", each((
        (), (API,), (SANDBOX, API), (f"{API}/", f"{SANDBOX}/"), (f"{API}:443", SANDBOX),
        ("https://API.togai.com", SANDBOX),
    ), _servers)),
    Operator("call at another server", "conflict", "call", {
        "call": update(servers=[{"url": "https://events.togai.com"}]),
        "path": lambda d, s: s.above(d).update(servers=[{"url": f"{API}/v2"}]),
    }),
    Operator("new version", "quiet", "document", each(
        ("7.1", "7.0.0-beta", "2076-01-01", "0.9", 'a"b'), lambda text: lambda d, _: d["info"].update(version=text),
    )),
    Operator("changed auth scheme", "conflict", "document call", each(SCHEMES, _auth)),
)
