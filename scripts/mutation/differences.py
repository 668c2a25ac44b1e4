"""Operators for what a vendor adds, removes, renames, moves, wraps and changes in place.

`conflict` and `quiet` are expected where the caller programs cannot show it; all other cases depend on their outcome.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from contract.normalize import LOWER, UPPER

from mutation.operators import JSON, REF, TEXT, Document, call_at, schemas
from mutation.spots import Call, Object, Parameter, Property, Value, row

NEW = "brandNew"
STRING = {"type": "string"}
PAIR = {"type": "object", "properties": {"a": STRING}}

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
    "map of lists of enums": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string", "enum": ["A", "B"]}},
    },
    "way back": {"type": "object", "properties": {"event": {"$ref": REF + "EventWithStatus"}}},
}


def _kind(kind: str, *, required: bool = False) -> Any:
    return lambda d, o: o.add(d, NEW, KINDS[kind], required=required)


def _received(spot: Any) -> bool:
    return not spot.is_sent


def _is_sent(spot: Any) -> bool:
    return bool(spot.is_sent)


# Additions.


def _every_kind(d: Document, spot: Object) -> None:
    for number, described in enumerate(KINDS.values()):
        spot.add(d, f"{NEW}{number}", described)


def _named(d: Document, spot: Object) -> None:
    schemas(d)["BrandNewThing"] = {**PAIR, "description": "New."}
    spot.add(d, NEW, {"$ref": REF + "BrandNewThing"})


def _recursive(d: Document, spot: Object) -> None:
    node = {"$ref": REF + "BrandNewNode"}
    schemas(d)["BrandNewNode"] = {"type": "object", "properties": {"up": node, "a": TEXT}}
    spot.add(d, NEW, node)


def _taken(d: Document, spot: Object) -> None:
    first = next(iter(spot.described["properties"]))
    spot.add(d, first[0].upper() + first[1:], TEXT)


row("new response property", "quiet", Object, {one: _kind(one) for one in KINDS}, _received)
row(
    "new response property that is required",
    "quiet",
    Object,
    {one: _kind(one, required=True) for one in ("text", "inline object")},
    _received,
)
row("new response properties of every kind at once", "quiet", Object, _every_kind, _received)
row(
    "new response property with a schema of its own",
    "quiet",
    Object,
    {
        "named": _named,
        "recursive": _recursive,
        "holder": lambda d, o: o.add(d, NEW, {"$ref": REF + o.name}),
    },
    _received,
)
row("new property whose name is taken in Python", "quiet", Object, _taken, _received)
row(
    "new property whose name cannot be written",
    "quiet",
    Object,
    {one: lambda d, o, one=one: o.add(d, one, TEXT) for one in ('a"b', "a\nb", "\u202eb", "'")},
)
row(
    "new optional request property",
    "quiet",
    Object,
    {one: _kind(one) for one in ("text", "number", "time", "inline enum")},
    _is_sent,
    one_way=True,
)
row(
    "new required request property",
    "conflict",
    Object,
    {one: _kind(one, required=True) for one in ("text", "inline object")},
    _is_sent,
)
row(
    "new property that goes the other way",
    "quiet",
    Object,
    lambda d, o: o.add(d, NEW, {**TEXT, "readOnly" if o.is_sent else "writeOnly": True}),
)


class First:
    """The first value of each enum: one spot an enum."""

    @staticmethod
    def all(d: Document) -> Any:
        """One value of each enum."""
        seen: dict[str, Value] = {}
        for one in Value.all(d):
            seen.setdefault(one.schema, one)
        return iter(seen.values())


def _value(value: str) -> Any:
    return lambda d, v: v.enum(d).append(value)


MEMBERS = ("BRAND_NEW", "brand new", "NO", "2ND", "INGESTION-NEW", "x.y/z", 'a"b', "\u202ex")
row(
    "new response enum member",
    "quiet",
    First,
    {one: _value(one) for one in MEMBERS},
    lambda v: not v.is_sent and v.schema != "CorrectionStatus",
)
row(
    "new status of a correction",
    "conflict",
    First,
    {one: _value(one) for one in ("BRAND_NEW", "PARTIALLY_REVERTED")},
    lambda v: v.schema == "CorrectionStatus",
)
row(
    "new response enum member whose name is taken",
    "quiet",
    First,
    lambda d, v: v.enum(d).append(v.value.lower()),
    _received,
)
row("new request enum member", "quiet", First, _value("REDO_ALL"), _is_sent, one_way=True)

PARAMETERS: dict[str, Document] = {
    "text": {"in": "query", "schema": STRING},
    "number": {"in": "query", "schema": {"type": "integer"}},
    "flag with a default": {"in": "query", "schema": {"type": "boolean", "default": False}},
    "time": {"in": "query", "schema": {"type": "string", "format": "date-time"}},
    "inline enum": {"in": "query", "schema": {"type": "string", "enum": ["A", "B"]}},
    "list": {"in": "query", "schema": {"type": "array", "items": STRING}},
    "header": {"in": "header", "schema": STRING},
    "cookie that is a number": {"in": "cookie", "schema": {"type": "integer"}},
    "by content": {"in": "query", "content": {JSON: {"schema": STRING}}},
    "object": {"in": "query", "schema": PAIR},
}


def _parameter(described: Document, name: str = NEW, *, required: bool = False) -> Any:
    new = {"name": name, "required": required, **described}
    return lambda d, c: c.of(d).setdefault("parameters", []).append(copy.deepcopy(new))


TAKEN = ("client", "body", "url", "a`b")
FREE = ("params", "headers", "json_status")
"""Names that the builder of a request uses inside, and that a parameter may have all the same."""
UNSENDABLE = ("by content", "object", "cookie that is a number")
row(
    "new optional parameter",
    "quiet",
    Call,
    {
        **{kind: _parameter(one) for kind, one in PARAMETERS.items() if kind not in UNSENDABLE},
        **{one: _parameter(PARAMETERS["text"], one) for one in FREE},
    },
    one_way=True,
)
row(
    "new optional parameter that cannot be sent",
    "quiet",
    Call,
    {kind: _parameter(PARAMETERS[kind]) for kind in UNSENDABLE},
)
row(
    "new required parameter",
    "conflict",
    Call,
    {kind: _parameter(one, required=True) for kind, one in PARAMETERS.items()},
)
row(
    "new parameter whose default selects",
    "conflict",
    Call,
    _parameter({"in": "query", "schema": {"type": "string", "default": "x"}}),
)
row(
    "new parameter whose name is taken in Python",
    "quiet",
    Call,
    {one: _parameter(PARAMETERS["text"], one) for one in TAKEN},
)
ERRORS: dict[str, Document] = {
    "shared": {"$ref": "#/components/responses/Error"},
    "own": {"description": "Own.", "content": {JSON: {"schema": PAIR}}},
    "none": {"description": "None."},
    "page": {"description": "Page.", "content": {"text/html": {"schema": STRING}}},
}
row(
    "new error status",
    "quiet",
    Call,
    {
        f"{code} {kind}": lambda d, c, code=code, body=body: c.of(d)["responses"].update(
            {code: body}
        )
        for code in ("404", "503", "5XX", "5xx")
        for kind, body in ERRORS.items()
    },
)
row(
    "new success status",
    "conflict",
    Call,
    {
        code: lambda d, c, code=code: c.of(d)["responses"].update(
            {code: copy.deepcopy(c.of(d)["responses"]["200"])}
        )
        for code in ("202", "206")
    }
    | {"204": lambda d, c: c.of(d)["responses"].update({"204": {"description": "None."}})},
)


class Whole:
    """The description itself: one spot."""

    label = "all"
    cuts = False

    @staticmethod
    def all(_: Document) -> Any:
        """The one spot."""
        return iter([Whole])


row(
    "new server",
    "quiet",
    Whole,
    {
        url: lambda d, _, url=url: d["servers"].append({"url": url})
        for url in ("https://eu.togai.com", "https://{region}.togai.com", 'https://x"y')
    },
)
row(
    "new version",
    "quiet",
    Whole,
    {
        text: lambda d, _, text=text: d["info"].update(version=text)
        for text in ("7.1", "7.0.0-beta", "2076-01-01", "0.9", 'a"b')
    },
)
row(
    "calls that are not ours",
    "same",
    Whole,
    {
        path: lambda d, _, path=path: (
            d["paths"]
            .setdefault(path, {})
            .update(patch={"responses": {"200": {"$ref": "elsewhere.yaml"}}})
        )
        for path in ("/customers", "/events/{event_id}/notes", "/events")
    },
)

# Removals.

row("removed property", "outcome", Property, lambda d, p: p.drop(d), _received)
row("removed request property", "conflict", Property, lambda d, p: p.drop(d), _is_sent)
row(
    "removed enum member",
    "outcome",
    Value,
    lambda d, v: v.enum(d).remove(v.value),
    _received,
)
row(
    "removed request enum member",
    "conflict",
    Value,
    lambda d, v: v.enum(d).remove(v.value),
    _is_sent,
)
row(
    "removed parameter",
    "conflict",
    Parameter,
    lambda d, p: p.drop(d),
    lambda p: p.is_described and p.described["in"] == "query",
)
row(
    "a parameter of another origin is not described",
    "same",
    Parameter,
    lambda d, p: p.drop(d),
    lambda p: not p.is_described,
)


class Status:
    """A documented error status of a call."""

    def __init__(self, call: Call, code: str) -> None:
        self.call, self.code = call, code
        self.label = f"{call.label} {code}"

    cuts = False

    @staticmethod
    def all(d: Document) -> Any:
        """Every error status of every call."""
        for call in Call.all(d):
            for code in call.described["responses"]:
                if not code.startswith("2"):
                    yield Status(call, code)


def _error(d: Document, spot: Status, body: Document) -> None:
    spot.call.of(d)["responses"][spot.code] = {"description": "No.", **body}


row("removed error status", "quiet", Status, lambda d, s: s.call.of(d)["responses"].pop(s.code))
row(
    "changed error body",
    "quiet",
    Status,
    {
        kind: lambda d, s, kind=kind: _error(
            d, s, {"content": {kind: {"schema": PAIR}}} if kind else {}
        )
        for kind in ("", JSON, "application/problem+json", "*/*", "text/html")
    },
)


def _success(new: str) -> Any:
    return lambda d, c: c.of(d)["responses"].update({new: c.of(d)["responses"].pop("200")})


def _media(new: str) -> Any:
    def change(d: Document, spot: Call) -> None:
        content = spot.of(d)["responses"]["200"]["content"]
        content[new] = content.pop(JSON)

    return change


row("another success status", "conflict", Call, _success("201"), cuts=True)
row("success named by its range", "same", Call, {one: _success(one) for one in ("2XX", "2xx")})
row(
    "success without a body",
    "conflict",
    Call,
    lambda d, c: c.of(d)["responses"]["200"].pop("content"),
)
row(
    "success that is not JSON",
    "conflict",
    Call,
    {one: _media(one) for one in ("text/csv", "text/html")},
)
row(
    "JSON by another name",
    "quiet",
    Call,
    {one: _media(one) for one in ("*/*", "application/*", "application/hal+json")},
)


def _below(media: str) -> Any:
    """JSON by another name, with something changed below it."""

    def change(d: Document, spot: Call) -> None:
        _media(media)(d, spot)
        name = spot.of(d)["responses"]["200"]["content"][media]["schema"]["$ref"].rpartition("/")[2]
        listed = next(iter(schemas(d)[name]["properties"]))
        schemas(d)[name]["properties"]["entries"] = schemas(d)[name]["properties"].pop(listed)
        schemas(d)[name]["required"] = ["entries"]

    return change


row(
    "changed below a renamed content type",
    "conflict",
    Call,
    {one: _below(one) for one in ("*/*", "application/hal+json")},
)


def _request_media(new: str) -> Any:
    def change(d: Document, spot: Call) -> None:
        content = spot.of(d)["requestBody"]["content"]
        content[new] = content.pop(JSON)

    return change


def _has_body(spot: Call) -> bool:
    return "requestBody" in spot.described


row("removed request body", "conflict", Call, lambda d, c: c.of(d).pop("requestBody"), _has_body)
row(
    "request body that became required",
    "conflict",
    Call,
    lambda d, c: c.of(d)["requestBody"].update(required=True),
    _has_body,
)
row(
    "changed content type of a request",
    "conflict",
    Call,
    {
        one: _request_media(one)
        for one in ("text/csv", "multipart/form-data", "application/hal+json")
    },
    _has_body,
)
row("removed call", "conflict", Call, lambda d, c: d["paths"].pop(c.path))
row(
    "moved path",
    "conflict",
    Call,
    {
        "prefix": lambda d, c: d["paths"].update({f"/v2{c.path}": d["paths"].pop(c.path)}),
        "suffix": lambda d, c: d["paths"].update({f"{c.path}/all": d["paths"].pop(c.path)}),
        "word": lambda d, c: d["paths"].update(
            {c.path.replace("events", "usage_events"): d["paths"].pop(c.path)}
        ),
    },
)
row(
    "changed method",
    "conflict",
    Call,
    lambda d, c: d["paths"][c.path].update(put=d["paths"][c.path].pop(c.method)),
)

# Renamed, moved, wrapped.


def _snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(one.capitalize() for one in rest)


def _wrap(d: Document, spot: Property) -> None:
    """The property one level deeper, beside others in a new object."""
    required = spot.name in spot.holder(d).get("required", [])
    inner = {"type": "object", "properties": {spot.name: spot.drop(d)}}
    if required:
        inner["required"] = [spot.name]
        spot.holder(d)["required"].append("details")
    spot.holder(d)["properties"]["details"] = inner


def _raise(d: Document, spot: Property) -> None:
    """The members of an object in the place of the object."""
    inner = schemas(d)[spot.drop(d)["$ref"].removeprefix(REF)]
    for name, described in inner["properties"].items():
        spot.holder(d)["properties"].setdefault(name, described)


row("renamed property", "outcome", Property, lambda d, p: p.rename(d, f"{p.name}Value"))
row(
    "re-cased property",
    "outcome",
    Property,
    {
        "snake": lambda d, p: p.rename(d, _snake(p.name)),
        "capital": lambda d, p: p.rename(d, p.name[0].upper() + p.name[1:]),
    },
    lambda p: not p.is_sent,
)
row(
    "re-cased request property",
    "conflict",
    Property,
    lambda d, p: p.rename(d, p.name.capitalize()),
    _is_sent,
)
row("wrapped property", "outcome", Property, _wrap)
row(
    "object replaced by its members",
    "outcome",
    Property,
    _raise,
    lambda p: (
        p.name
        in ("eventPayload", "ingestionStatus", "source", "eventPipelineInfo", "account", "event")
    ),
)


def _enveloped(d: Document, spot: Call) -> None:
    success = spot.success(d)
    success["schema"] = {
        "type": "object",
        "required": ["data"],
        "properties": {"data": success["schema"]},
    }


def _items(d: Document, spot: Call) -> None:
    name = spot.success(d)["schema"]["$ref"].removeprefix(REF)
    for described in schemas(d)[name]["properties"].values():
        if "items" in described:
            item = described["items"]
            described["items"] = {
                "type": "object",
                "required": ["entry"],
                "properties": {"entry": item},
            }


def _bare_list(d: Document, spot: Call) -> None:
    name = spot.success(d)["schema"]["$ref"].removeprefix(REF)
    listed = next(one for one in schemas(d)[name]["properties"].values() if "items" in one)
    spot.success(d)["schema"] = copy.deepcopy(listed)


row(
    "envelope around a response",
    "conflict",
    Call,
    {"whole": _enveloped, "items": _items, "none": _bare_list},
)


def _is_query(spot: Parameter) -> bool:
    return bool(spot.described["in"] == "query")


row(
    "renamed parameter",
    "conflict",
    Parameter,
    lambda d, p: p.of(d).update(name=f"{p.name}_value"),
    lambda p: _is_query(p) and p.is_described,
)
row(
    "re-cased parameter",
    "conflict",
    Parameter,
    lambda d, p: p.of(d).update(name=_camel(p.name) if "_" in p.name else _snake(p.name)),
    lambda p: _is_query(p) and (_camel(p.name) != p.name or _snake(p.name) != p.name),
)
row(
    "moved parameter",
    "conflict",
    Parameter,
    {one: lambda d, p, one=one: p.of(d).update({"in": one}) for one in ("header", "cookie")},
    _is_query,
)
row(
    "path parameter that names another id",
    "conflict",
    Whole,
    {
        new: lambda d, _, new=new: (
            call_at(d, "/events/{event_id}", "get")["parameters"][0].update(name=new),
            d["paths"].update({f"/events/{{{new}}}": d["paths"].pop("/events/{event_id}")}),
        )
        for new in ("reference_id", "customerId")
    },
)


def _renamed_value(d: Document, spot: Value) -> None:
    values = spot.enum(d)
    values[values.index(spot.value)] = f"{spot.value}_NOW"


row(
    "renamed enum member",
    "outcome",
    Value,
    _renamed_value,
    lambda v: v.schema != "CorrectionStatus",
)
row(
    "renamed status of a correction",
    "conflict",
    Value,
    _renamed_value,
    lambda v: v.schema == "CorrectionStatus",
)


def _servers(*urls: str) -> Any:
    return lambda d, _: d.update(servers=[{"url": one} for one in urls])


row(
    "another address",
    "conflict",
    Whole,
    {
        "prefix": _servers("https://api.togai.com/v2"),
        "host": _servers("https://api.togai.io", "https://sandbox-api.togai.com"),
        "relative": _servers("/v2"),
    },
)
row(
    "addresses that change nothing",
    "quiet",
    Whole,
    {
        "no sandbox": _servers("https://api.togai.com"),
        "slash": _servers("https://api.togai.com/", "https://sandbox-api.togai.com/"),
        "none": lambda d, _: d.pop("servers"),
        "order": _servers("https://sandbox-api.togai.com", "https://api.togai.com"),
    },
)
row(
    "call at another server",
    "conflict",
    Call,
    {
        "call": lambda d, c: c.of(d).update(servers=[{"url": "https://events.togai.com"}]),
        "path": lambda d, c: d["paths"][c.path].update(
            servers=[{"url": "https://api.togai.com/v2"}]
        ),
    },
)

# Changes in place.


def _other(described: Document) -> Document:
    return {"type": "integer" if described.get("type", "string") == "string" else "string"}


def _in_success(spot: Property) -> bool:
    return spot.schema != "ErrorResponse"


def _null_type(d: Document, spot: Property) -> None:
    d["openapi"] = "3.1.0"
    one = spot.of(d)
    spot.put(
        d,
        {"anyOf": [one, {"type": "null"}]}
        if "$ref" in one
        else {**one, "type": [one["type"], "null"]},
    )


row(
    "changed type",
    "conflict",
    Property,
    lambda d, p: p.put(d, _other(p.described)),
    _in_success,
    cuts=True,
)
row(
    "object against list",
    "conflict",
    Property,
    lambda d, p: p.put(d, p.described.get("items", {"type": "array", "items": p.described})),
    _in_success,
    cuts=True,
)
row(
    "changed type of items",
    "conflict",
    Property,
    lambda d, p: p.of(d).update(
        {"items" if "items" in p.described else "additionalProperties": {"type": "boolean"}}
    ),
    lambda p: "items" in p.described or "additionalProperties" in p.described,
    cuts=True,
)
row(
    "choice of kinds",
    "conflict",
    Property,
    lambda d, p: p.put(d, {"oneOf": [p.described, {"type": "boolean"}]}),
    _in_success,
    cuts=True,
)
row(
    "format that is read alike",
    "quiet",
    Property,
    {
        "uuid": lambda d, p: p.of(d).update(
            format="uuid" if p.described["type"] == "string" else "int64"
        )
    },
    lambda p: (
        p.described.get("type") in ("string", "integer")
        and p.described.get("format") in (None, "int32")
    ),
)
row(
    "moment in another format",
    "conflict",
    Property,
    {one: lambda d, p, one=one: p.of(d).update(format=one) for one in ("time", "unix")},
    lambda p: str(p.described.get("format")).startswith("date"),
)
row(
    "changed type of a parameter",
    "conflict",
    Parameter,
    lambda d, p: p.of(d).update(schema=_other(p.of(d)["schema"])),
    cuts=True,
)


def _content(d: Document, spot: Parameter) -> None:
    spot.of(d)["content"] = {JSON: {"schema": spot.of(d).pop("schema")}}


row("parameter that is sent as JSON", "conflict", Parameter, _content, _is_query)
row("deprecated property", "quiet", Property, lambda d, p: p.of(d).update(deprecated=True))
row("deprecated parameter", "quiet", Parameter, lambda d, p: p.of(d).update(deprecated=True))
row("deprecated call", "quiet", Call, lambda d, c: c.of(d).update(deprecated=True))
DEFAULTS: dict[str, Any] = {
    "nextToken": "50",
    "account_id": "acme",
    "status": "REVERTED",
    "schema_name": "calls",
}


def _default(d: Document, spot: Parameter) -> None:
    schema = spot.of(d)["schema"]
    schema.pop("x-togai-default", None)
    schema["default"] = {"integer": 5, "boolean": True}.get(
        str(schema.get("type")), DEFAULTS.get(spot.name, "new")
    )


def _always(spot: Parameter) -> bool:
    return bool(spot.described.get("required")) or "x-togai-sent" in spot.described


row("changed default", "conflict", Parameter, _default, lambda p: _is_query(p) and not _always(p))
row(
    "changed default of what is always sent",
    "quiet",
    Parameter,
    _default,
    lambda p: _always(p) and "$ref" not in p.described.get("schema", {"$ref": ""}),
)
row(
    "request property with a default",
    "conflict",
    Property,
    lambda d, p: p.of(d).update(default="new"),
    lambda p: p.is_sent and p.name in ("id", "unit"),
)
row(
    "request property that is only received",
    "conflict",
    Property,
    lambda d, p: p.of(d).update(readOnly=True),
    lambda p: p.is_sent and "$ref" not in p.described,
)


def _nullable_items(d: Document, spot: Property) -> None:
    key = "items" if "items" in spot.described else "additionalProperties"
    spot.of(d)[key] = {"nullable": True, "allOf": [spot.described[key]]}


row(
    "items that became nullable",
    "quiet",
    Property,
    _nullable_items,
    lambda p: "items" in p.described or "additionalProperties" in p.described,
)


class Required:
    """A property that is required."""

    @staticmethod
    def all(d: Document) -> Any:
        """Every one."""
        return (one for one in Property.all(d) if one.name in one.holder(d).get("required", []))


class Optional:
    """A property that is optional."""

    @staticmethod
    def all(d: Document) -> Any:
        """Every one."""
        return (one for one in Property.all(d) if one.name not in one.holder(d).get("required", []))


row("property that became required", "quiet", Optional, lambda d, p: p.require(d), _received)
row(
    "request property that became required",
    "conflict",
    Optional,
    lambda d, p: p.require(d),
    _is_sent,
)
row("property that became optional", "quiet", Required, lambda d, p: p.relax(d))
row(
    "property that became nullable",
    "quiet",
    Property,
    {
        "older dialect": lambda d, p: p.put(d, {"allOf": [p.described], "nullable": True}),
        "newer dialect": _null_type,
    },
)
row(
    "parameter that became required",
    "conflict",
    Parameter,
    lambda d, p: p.of(d).update(required=True),
    lambda p: not _always(p),
)
row(
    "parameter that became optional",
    "quiet",
    Parameter,
    lambda d, p: p.of(d).update(required=False),
    lambda p: p.described.get("required") and _is_query(p),
)


def _limit(spot: Property, step: int) -> Document:
    """The limits of a property, each moved: upwards is looser for an upper one, downwards for a lower one."""
    return {
        key: spot.described[key] + (step if key in UPPER else -step)
        for key in (*UPPER, *LOWER)
        if spot.described.get(key)
    }


def _limited(spot: Property) -> bool:
    return bool(_limit(spot, 0))


row("loosened limit", "quiet", Property, lambda d, p: p.of(d).update(_limit(p, 1)), _limited)
row("tightened limit", "quiet", Property, lambda d, p: p.of(d).update(_limit(p, -1)), _limited)
row(
    "lifted limit",
    "quiet",
    Property,
    lambda d, p: [p.of(d).pop(key) for key in _limit(p, 0)],
    _limited,
)
row(
    "new pattern",
    "quiet",
    Property,
    lambda d, p: p.of(d).update(pattern="^.*$"),
    lambda p: p.described.get("type") == "string" and "pattern" not in p.described,
)
row(
    "values that are listed now",
    "quiet",
    Property,
    lambda d, p: p.of(d).update(enum=["A", "B"]),
    lambda p: (
        p.described.get("type") == "string"
        and "format" not in p.described
        and p.name in ("customerId", "statusDescription", "baseCurrency")
    ),
)
row(
    "values that are listed no longer",
    "quiet",
    First,
    lambda d, v: schemas(d)[v.schema].pop("enum"),
)

SCHEMES: dict[str, Document] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "basic": {"type": "http", "scheme": "basic"},
    "oauth": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {}}},
    },
}


def _auth(name: str) -> Any:
    def change(d: Document, spot: Any) -> None:
        d["components"]["securitySchemes"][name] = SCHEMES[name]
        holder = d if spot is Whole else spot.of(d)
        holder["security"] = [{name: []}]

    return change


row("changed auth scheme", "conflict", Whole, {one: _auth(one) for one in SCHEMES})
row("changed auth scheme of one call", "conflict", Call, {one: _auth(one) for one in SCHEMES})
