"""Operators that add and remove items.

`conflict` and `quiet` are expected where the caller programs cannot detect the change; otherwise their outcome decides.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from mutation.operators import (
    JSON,
    REF,
    Document,
    Spot,
    calls,
    drop,
    enums,
    objects,
    parameters,
    properties,
    put,
    row,
    schemas,
    statuses,
    values,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[Document, Spot], object]

# A row of the table is on one line, or on two.
# fmt: off

NEW = "brandNew"
STRING = {"type": "string"}
TEXT: Document = {"type": "string", "description": "New."}
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


def is_sent(spot: Spot) -> bool:
    """Return whether callers send it."""
    return spot.is_sent


def is_received(spot: Spot) -> bool:
    """Return whether callers only read it."""
    return not spot.is_sent


def each(labels: Any, change: Callable[[Any], Change]) -> dict[str, Change]:
    """Return a change for each label."""
    return {str(label): change(label) for label in labels}


# Additions.


def add(described: Document, name: str = NEW, *, required: bool = False) -> Change:
    """Add a property to an object."""

    def change(d: Document, spot: Spot) -> None:
        spot.of(d)["properties"][name] = copy.deepcopy(described)
        if required:
            spot.of(d).setdefault("required", []).append(name)

    return change


def _every_kind(d: Document, spot: Spot) -> None:
    for number, described in enumerate(KINDS.values()):
        add(described, f"{NEW}{number}")(d, spot)


def _with_schema(described: Document) -> Change:
    def change(d: Document, spot: Spot) -> None:
        schemas(d)["BrandNewThing"] = copy.deepcopy(described)
        add({"$ref": REF + "BrandNewThing"})(d, spot)

    return change


UP = {"up": {"$ref": REF + "BrandNewThing"}, "a": TEXT}


def _taken(d: Document, spot: Spot) -> None:
    first = next(iter(spot.described["properties"]))
    add(TEXT, first[0].upper() + first[1:])(d, spot)


def _required(kind: str) -> Change:
    return add(KINDS[kind], required=True)


OBJECTS = ("text", "inline object")
row("new response property", "quiet", objects, each(KINDS, lambda k: add(KINDS[k])), is_received)
row("new response property that is required", "quiet", objects, each(OBJECTS, _required), is_received)
row("new response properties of every kind at once", "quiet", objects, _every_kind, is_received)
row(
    "new response property with a schema of its own",
    "quiet",
    objects,
    {
        "named": _with_schema({**PAIR, "description": "New."}),
        "recursive": _with_schema({"type": "object", "properties": UP}),
        "holder": lambda d, s: add({"$ref": REF + s.name})(d, s),
    },
    is_received,
)
row("new property whose name is taken in Python", "quiet", objects, _taken, is_received)
row("new property whose name cannot be written", "quiet", objects,
    each(('a"b', "a\nb", "\u202eb", "'"), lambda name: add(TEXT, name)))
row("new optional request property", "quiet", objects,
    each(("text", "number", "time", "inline enum"), lambda k: add(KINDS[k])), is_sent, one_way=True)
row("new required request property", "conflict", objects, each(OBJECTS, _required), is_sent)
row("new property that goes the other way", "quiet", objects,
    lambda d, s: add({**TEXT, "readOnly" if s.is_sent else "writeOnly": True})(d, s))

MEMBERS = ("BRAND_NEW", "brand new", "NO", "2ND", "INGESTION-NEW", "x.y/z", 'a"b', "\u202ex")


def _value(value: str) -> Change:
    return lambda d, s: s.of(d)["enum"].append(value)


def _is_correction_status(spot: Spot) -> bool:
    return "CorrectionStatus" in spot.at


def _is_other_enum(spot: Spot) -> bool:
    return is_received(spot) and not _is_correction_status(spot)


row("new response enum member", "quiet", enums, each(MEMBERS, _value), _is_other_enum)
row("new status of a correction", "conflict", enums,
    each(("BRAND_NEW", "PARTIALLY_REVERTED"), _value), _is_correction_status)
row("new response enum member whose name is taken", "quiet", enums,
    lambda d, s: s.of(d)["enum"].append(s.described["enum"][0].lower()), is_received)
row("new request enum member", "quiet", enums, _value("REDO_ALL"), is_sent, one_way=True)

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
UNSENDABLE = ("by content", "object", "cookie that is a number")
SENDABLE = [parameter for parameter in PARAMETERS if parameter not in UNSENDABLE]


def _parameter(kind: str, name: str = NEW, *, required: bool = False) -> Change:
    new = {"name": name, "required": required, **PARAMETERS[kind]}
    return lambda d, s: s.of(d).setdefault("parameters", []).append(copy.deepcopy(new))


def _text(name: str) -> Change:
    return _parameter("text", name)


# Names that the request builder uses itself, and that a parameter can have, too.
FREE = each(("params", "headers", "json_status"), _text)
row("new optional parameter", "quiet", calls, each(SENDABLE, _parameter) | FREE, one_way=True)
row("new optional parameter that cannot be sent", "quiet", calls, each(UNSENDABLE, _parameter))
row("new required parameter", "conflict", calls, each(PARAMETERS, lambda kind: _parameter(kind, required=True)))
PARAMETERS["text with a default"] = {"in": "query", "schema": KINDS["text with a default"]}
row("new parameter whose default selects", "conflict", calls, _parameter("text with a default"))
row("new parameter whose name is taken in Python", "quiet", calls,
    each(("client", "body", "url", "a`b"), _text))

BODIES: dict[str, Document] = {
    "shared": {"$ref": "#/components/responses/Error"},
    "own": {"description": "Own.", "content": {JSON: {"schema": PAIR}}},
    "none": {"description": "None."},
    "page": {"description": "Page.", "content": {"text/html": {"schema": STRING}}},
}


def _status(code: str, body: Any = None) -> Change:
    """Add a status; its default body is the body of the success status."""

    def change(d: Document, spot: Spot) -> None:
        responses = spot.of(d)["responses"]
        responses[code] = copy.deepcopy(body or responses["200"])

    return change


row(
    "new error status",
    "quiet",
    calls,
    {
        f"{code} {kind}": _status(code, body)
        for code in ("404", "503", "5XX", "5xx")
        for kind, body in BODIES.items()
    },
)
row("new success status", "conflict", calls,
    each(("202", "206"), _status) | {"204": _status("204", BODIES["none"])})
row(
    "new server",
    "quiet",
    whole,
    each(
        ("https://eu.togai.com", "https://{region}.togai.com", 'https://x"y'),
        lambda url: lambda d, _: d["servers"].append({"url": url}),
    ),
)
row(
    "new version",
    "quiet",
    whole,
    each(
        ("7.1", "7.0.0-beta", "2076-01-01", "0.9", 'a"b'),
        lambda text: lambda d, _: d["info"].update(version=text),
    ),
)
ELSEWHERE = {"responses": {"200": {"$ref": "elsewhere.yaml"}}}
row(
    "calls that are not ours",
    "same",
    whole,
    each(
        ("/customers", "/events/{event_id}/notes", "/events"),
        lambda path: lambda d, _: d["paths"].setdefault(path, {}).update(patch=ELSEWHERE),
    ),
)

# Removals.


def is_query(spot: Spot) -> bool:
    """Return whether a parameter is in the query."""
    return bool(spot.described["in"] == "query")


def is_vendors(spot: Spot) -> bool:
    """Return whether the vendor's own description has a parameter."""
    return "x-togai-origin" not in spot.described


def _is_vendors_query(spot: Spot) -> bool:
    return is_query(spot) and is_vendors(spot)


row("removed property", "outcome", properties, drop, is_received)
row("removed request property", "conflict", properties, drop, is_sent)
row("removed enum member", "outcome", values, drop, is_received)
row("removed request enum member", "conflict", values, drop, is_sent)
row("removed parameter", "conflict", parameters, drop, _is_vendors_query)
row("a parameter of another origin is not described", "same", parameters, drop, lambda s: not is_vendors(s))


def _error(media: str) -> Change:
    content = {"content": {media: {"schema": PAIR}}} if media else {}
    return lambda d, s: put(d, s, {"description": "No.", **content})


def _success(new: str) -> Change:
    return lambda d, s: s.of(d)["responses"].update({new: s.of(d)["responses"].pop("200")})


def _media(new: str, *keys: str) -> Change:
    """Change the content type of JSON: of the success, or below other keys."""

    def change(d: Document, spot: Spot) -> None:
        content = Spot("", (*spot.at, *(keys or ("responses", "200")), "content")).of(d)
        content[new] = content.pop(JSON)

    return change


def _changed_below(media: str) -> Change:
    """Change the content type of JSON, and something below it."""

    def change(d: Document, spot: Spot) -> None:
        schema = _success_schema(d, spot)
        listed = next(iter(schema["properties"]))
        schema["properties"]["entries"] = schema["properties"].pop(listed)
        schema["required"] = ["entries"]
        _media(media)(d, spot)

    return change


def _success_of(d: Document, spot: Spot) -> Any:
    return spot.of(d)["responses"]["200"]["content"][JSON]


def _success_schema(d: Document, spot: Spot) -> Any:
    return schemas(d)[_success_of(d, spot)["schema"]["$ref"].removeprefix(REF)]


row("removed error status", "quiet", statuses, drop)
row("changed error body", "quiet", statuses,
    each(("", JSON, "application/problem+json", "*/*", "text/html"), _error))
row("another success status", "conflict", calls, _success("201"))
row("success named by its range", "same", calls, each(("2XX", "2xx"), _success))
row("success without a body", "conflict", calls, lambda d, s: s.of(d)["responses"]["200"].pop("content"))
row("success that is not JSON", "conflict", calls, each(("text/csv", "text/html"), _media))
row("JSON by another name", "quiet", calls, each(("*/*", "application/*", "application/hal+json"), _media))
row("changed below a renamed content type", "conflict", calls,
    each(("*/*", "application/hal+json"), _changed_below))


def has_body(spot: Spot) -> bool:
    """Return whether a call has a body."""
    return "requestBody" in spot.described


row("removed request body", "conflict", calls, lambda d, s: s.of(d).pop("requestBody"), has_body)
row("request body that became required", "conflict", calls,
    lambda d, s: s.of(d)["requestBody"].update(required=True), has_body)
row(
    "changed content type of a request",
    "conflict",
    calls,
    each(
        ("text/csv", "multipart/form-data", "application/hal+json"),
        lambda media: _media(media, "requestBody"),
    ),
    has_body,
)


def _move(pattern: str) -> Change:
    def change(d: Document, spot: Spot) -> None:
        path = spot.at[1]
        new = pattern.format(path, path.replace("events", "usage_events"))
        d["paths"][new] = d["paths"].pop(path)

    return change


row("removed call", "conflict", calls, drop)
row("moved path", "conflict", calls, each(("/v2{0}", "{0}/all", "{1}"), _move))
row("changed method", "conflict", calls, lambda d, s: s.above(d).update(put=drop(d, s)))
