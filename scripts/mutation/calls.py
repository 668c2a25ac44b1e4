"""Operators that change calls, their parameters, bodies and responses, and the servers."""

from __future__ import annotations

from typing import Any

from mutation.operators import JSON, NEW, REF, Document, Operator, Spot, each, schemas, update
from mutation.properties import KINDS, LETTERS, PAIR, STRING, other_type, recased

LIST = {"type": "array", "items": STRING}
PARAMETERS: dict[str, Document] = {
    "text": {"in": "query", "schema": STRING},
    "number": {"in": "query", "schema": {"type": "integer"}},
    "flag with a default": {"in": "query", "schema": {"type": "boolean", "default": False}},
    "time": {"in": "query", "schema": KINDS["time"]},
    "inline enum": {"in": "query", "schema": LETTERS},
    "list": {"in": "query", "schema": LIST},
    "header": {"in": "header", "schema": STRING},
}
LISTS: dict[str, Document] = {"list": LIST, "choice": {"anyOf": [STRING, LIST]}}
UNSENDABLE: dict[str, Document] = {
    "by content": {"in": "query", "content": {JSON: {"schema": STRING}}},
    "object": {"in": "query", "schema": PAIR},
    "cookie that is a number": {"in": "cookie", "schema": {"type": "integer"}},
    # The request builder uses some names itself, and others cannot be written.
    **{name: {**PARAMETERS["text"], "name": name} for name in ("body", "quote", "url", "a`b")},
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
    "oauth": {"type": "oauth2", "flows": {}},
    "not defined": {},
}
FILTER = "get account_id parameter, get schema_name parameter"
DEFAULTS = {"nextToken": "50", "account_id": "acme", "status": "REVERTED", "schema_name": "calls"}
API, SANDBOX = "https://api.togai.com", "https://sandbox-api.togai.com"

# Parameters.


def _add_parameter(s: Spot, described: Document) -> None:
    s.node.setdefault("parameters", []).append({"name": NEW, "required": False, **described})


def _rename_in_path(s: Spot, name: str) -> None:
    s.node["name"] = name
    _move(s, s.at[0].replace(s.name, name))


def _by_content(s: Spot) -> None:
    s.node["content"] = {JSON: {"schema": s.node.pop("schema")}}


def _change_default(s: Spot) -> None:
    """Change the default of a parameter to one that selects other events."""
    schema = s.node["schema"]
    schema.pop("x-togai-default", None)
    text = DEFAULTS.get(s.name, "new")
    schema["default"] = {"integer": 5, "boolean": True}.get(str(schema.get("type")), text)


def _limit(s: Spot, limits: Document) -> None:
    s.node["schema"].update(limits)


# Responses and bodies.


def _success(s: Spot) -> Any:
    """Return the media types of the success of a call."""
    return s.node["responses"]["200"]["content"]


def _rename_json(content: Document, media: str) -> None:
    content[media] = content.pop(JSON)


def _enveloped(node: Document, key: str, name: str) -> None:
    node[key] = {"type": "object", "required": [name], "properties": {name: node[key]}}


def _listed(s: Spot) -> Any:
    """Return the list in the success of a call."""
    schema = schemas(s.root)[_success(s)[JSON]["schema"]["$ref"].removeprefix(REF)]
    return next(child for child in schema["properties"].values() if "items" in child)


def _add_responses(s: Spot, responses: Document) -> None:
    s.node["responses"].update(responses)


def _rename_success(s: Spot, status: str) -> None:
    s.node["responses"][status] = s.node["responses"].pop("200")


# Servers and the whole description.


def _set_servers(s: Spot, urls: tuple[str, ...]) -> None:
    s.root["servers"] = [{"url": url} for url in urls]


def _move(s: Spot, path: str) -> None:
    s.root["paths"][path] = s.root["paths"].pop(s.at[0])


def _set_auth(s: Spot, name: str) -> None:
    s.root["components"]["securitySchemes"][name] = SCHEMES[name]
    s.node["security"] = [{name: []}]


# fmt: off
OPERATORS = (
    Operator("new optional parameter", "absorbed", "call", each(PARAMETERS, _add_parameter)),
    Operator("new optional parameter that cannot be sent", "absorbed", "call", each(UNSENDABLE, _add_parameter)),
    Operator("new required parameter", "conflict", "call",
        each(PARAMETERS | UNSENDABLE, lambda s, described: _add_parameter(s, {**described, "required": True}))),
    Operator("new parameter whose default selects", "conflict", "call",
        lambda s: _add_parameter(s, {"in": "query", "schema": KINDS["text with a default"]})),
    Operator("removed parameter", "conflict", "query -x-togai-origin parameter", Spot.drop),
    Operator("a parameter of another origin is not described", "same", "x-togai-origin parameter", Spot.drop),
    Operator("renamed parameter", "conflict", "query -x-togai-origin parameter",
        lambda s: s.node.update(name=f"{s.name}_value")),
    Operator("re-cased parameter", "conflict", "query parameter", lambda s: s.node.update(name=recased(s.name))),
    Operator("moved parameter", "conflict", "query parameter",
        each(("header", "cookie"), lambda s, place: s.node.update({"in": place}))),
    Operator("path parameter that names another id", "conflict", "path parameter",
        each(("reference_id", "customerId"), _rename_in_path)),
    Operator("path parameter by another name", "held", "path parameter", lambda s: _rename_in_path(s, "id")),
    Operator("path parameter by content, or not declared", "same", "path parameter",
        {"content": _by_content, "forgotten": Spot.drop}),
    Operator("changed type of a parameter", "conflict", "parameter",
        lambda s: s.node.update(schema=other_type(s.node["schema"]))),
    Operator("parameter that is sent as JSON", "conflict", "query parameter", _by_content),
    Operator("changed default", "conflict", "query optional -x-togai-sent parameter", _change_default),
    Operator("changed default of what is always sent", "absorbed", "required -action parameter, x-togai-sent parameter",
        _change_default),
    Operator("filter that may be a list, too", "absorbed", FILTER,
        each(LISTS, lambda s, schema: s.node.update(schema=schema))),
    Operator("filter that may be a joined list", "conflict", FILTER,
        each(LISTS, lambda s, schema: s.node.update(schema=schema, explode=False))),
    Operator("parameter that became required", "conflict", "optional -x-togai-sent parameter", update(required=True)),
    Operator("parameter that became optional", "absorbed", "query required parameter", update(required=False)),
    Operator("limit of a filter that refuses what callers pass", "conflict", FILTER,
        each(({"maxLength": 3}, {"minLength": 9}, {"pattern": "^x"}, {"enum": ["a", "b"]}), _limit)),
    Operator("values of a flag that exclude the one that is sent", "conflict", "x-togai-sent parameter",
        lambda s: _limit(s, {"enum": [True]})),
    Operator("exclusive limit", "absorbed", "pageSize parameter", lambda s: _limit(s, {"exclusiveMaximum": True})),
    Operator("exclusive limit that is the same", "same", "pageSize parameter",
        lambda s: _limit(s, {"exclusiveMaximum": 101})),

    Operator("new error status", "absorbed", "call", each(
        {f"{code} {kind}": {code: body} for code in ("404", "503", "5XX", "5xx") for kind, body in BODIES.items()},
        _add_responses)),
    Operator("removed error status", "held", "status", Spot.drop),
    Operator("changed error body", "held", "status",
        each((JSON, "application/problem+json", "*/*", "text/html"),
            lambda s, media: s.put({"description": "No.", "content": {media: {"schema": PAIR}}}))
        | {"none": lambda s: s.put({"description": "No."})}),
    Operator("new success status", "conflict", "call", {
        **each(("202", "206"), lambda s, code: _add_responses(s, {code: s.node["responses"]["200"]})),
        "204": lambda s: _add_responses(s, {"204": BODIES["none"]}),
    }),
    Operator("another success status", "conflict", "call", lambda s: _rename_success(s, "201")),
    Operator("success named by its range", "same", "call", each(("2XX", "2xx"), _rename_success)),
    Operator("success without a body", "conflict", "call", lambda s: s.node["responses"]["200"].pop("content")),
    Operator("success that is not JSON", "conflict", "call",
        each(("text/csv", "text/html"), lambda s, media: _rename_json(_success(s), media))),
    Operator("JSON by another name", "held", "call", each(("*/*", "application/*", "application/hal+json"),
        lambda s, media: _rename_json(_success(s), media))),
    Operator("changed below a renamed content type", "conflict", "call",
        each(("*/*", "application/hal+json"),
            lambda s, media: s.node["responses"]["200"].update(content={media: {"schema": PAIR}}))),
    Operator("envelope around a response", "conflict", "call", {
        "whole": lambda s: _enveloped(_success(s)[JSON], "schema", "data"),
        "items": lambda s: _enveloped(_listed(s), "items", "entry"),
        "none": lambda s: _success(s)[JSON].update(schema=_listed(s)),
    }),
    Operator("removed request body", "conflict", "requestBody call", lambda s: s.node.pop("requestBody")),
    Operator("request body that became required", "conflict", "requestBody call",
        lambda s: s.node["requestBody"].update(required=True)),
    Operator("changed content type of a request", "conflict", "requestBody call",
        each(("text/csv", "multipart/form-data", "application/hal+json"),
            lambda s, media: _rename_json(s.node["requestBody"]["content"], media))),

    Operator("newly deprecated", "absorbed", "call, parameter, property", update(deprecated=True)),
    Operator("removed call", "conflict", "call", Spot.drop),
    Operator("moved path", "conflict", "call", lambda s: _move(s, f"/v2{s.at[0]}")),
    Operator("slash at the end of a path", "held", "call", lambda s: _move(s, f"{s.at[0]}/")),
    Operator("changed method", "conflict", "call", lambda s: s.holder.update(put=s.holder.pop(s.name))),
    Operator("calls that are not ours", "same", "document",
        each(("/customers", "/events/{event_id}/notes", "/events"),
            lambda s, path: s.root["paths"].setdefault(path, {}).update(patch={"responses": {"200": {"$ref": "x"}}}))),
    Operator("new server", "absorbed", "document", each(
        ("https://eu.togai.com", "https://{region}.togai.com", 'https://x"y'),
        lambda s, url: s.root["servers"].append({"url": url}))),
    Operator("another address", "conflict", "document",
        each(((f"{API}/v2",), ("https://api.togai.io", SANDBOX), ("/v2",)), _set_servers)),
    Operator("addresses that are left out", "held", "document",
        each(((), (API,), (f"{API}/", f"{SANDBOX}/")), _set_servers)),
    Operator("addresses in another notation", "same", "document", each(
        ((SANDBOX, API), (f"{API}:443", SANDBOX), ("https://API.togai.com", SANDBOX)), _set_servers)),
    Operator("all calls at addresses that the description no longer lists", "same", "document",
        lambda s: s.root.update(servers=[{"url": "https://eu.togai.com"}], paths={
            path: {method: {**call, "servers": s.root["servers"]} for method, call in item.items()}
            for path, item in s.root["paths"].items()})),
    Operator("call at another server", "conflict", "call", {
        "call": update(servers=[{"url": "https://events.togai.com"}]),
        "path": lambda s: s.holder.update(servers=[{"url": f"{API}/v2"}]),
    }),
    Operator("new version", "absorbed", "document", each(("7.1", "7.0.0-beta", "2076-01-01", 'a"b'),
        lambda s, text: s.root["info"].update(version=text))),
    Operator("older version", "held", "document", lambda s: s.root["info"].update(version="0.9")),
    Operator("changed auth scheme", "conflict", "document, call", each(list(SCHEMES), _set_auth)),
)
