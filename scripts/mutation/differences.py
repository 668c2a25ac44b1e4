"""Operators that rename, move, wrap and change items in place; see `additions` for the expected verdicts."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from contract.shapes import LOWER, UPPER

from mutation.additions import (
    _is_correction_status,
    _is_vendors_query,
    _success_of,
    _success_schema,
    add,
    each,
    is_query,
    is_received,
    is_sent,
)
from mutation.equivalent import by_content
from mutation.operators import (
    REF,
    Document,
    Spot,
    calls,
    drop,
    enums,
    is_required,
    parameters,
    properties,
    put,
    rename,
    require,
    row,
    schemas,
    update,
    values,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mutation.additions import Change

# A row of the table is on one line, or on two.
# fmt: off

# Renamed, moved or wrapped.


def _snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(item.capitalize() for item in rest)


def _recased(name: str) -> str:
    return _camel(name) if "_" in name else _snake(name)


def _wrap(d: Document, spot: Spot) -> None:
    """Move a property one level deeper, into a new object with others."""
    needed = is_required(d, spot)
    add({"type": "object", "properties": {}}, "details", required=needed)(d, Spot("", spot.at[:-2]))
    inner = spot.above(d)["details"]
    inner["properties"][spot.name] = drop(d, spot)
    if needed:
        inner["required"] = [spot.name]


def _raise(d: Document, spot: Spot) -> None:
    """Replace an object by its members."""
    inner = schemas(d)[drop(d, spot)["$ref"].removeprefix(REF)]
    for name, described in inner["properties"].items():
        spot.above(d).setdefault(name, described)


RAISED = ("eventPayload", "ingestionStatus", "source", "eventPipelineInfo", "account", "event")
row("renamed property", "outcome", properties, lambda d, s: rename(d, s, f"{s.name}Value"))
row(
    "re-cased property",
    "outcome",
    properties,
    {
        "snake": lambda d, s: rename(d, s, _snake(s.name)),
        "capital": lambda d, s: rename(d, s, s.name[0].upper() + s.name[1:]),
    },
    is_received,
)
row("re-cased request property", "conflict", properties,
    lambda d, s: rename(d, s, s.name.capitalize()), is_sent)
row("wrapped property", "outcome", properties, _wrap)
row("object replaced by its members", "outcome", properties, _raise, lambda s: s.name in RAISED)


def _in_envelope(schema: Document, name: str) -> Document:
    return {"type": "object", "required": [name], "properties": {name: schema}}


def _enveloped(d: Document, spot: Spot) -> None:
    success = _success_of(d, spot)
    success["schema"] = _in_envelope(success["schema"], "data")


def _enveloped_items(d: Document, spot: Spot) -> None:
    for described in _success_schema(d, spot)["properties"].values():
        if "items" in described:
            described["items"] = _in_envelope(described["items"], "entry")


def _bare_list(d: Document, spot: Spot) -> None:
    described = _success_schema(d, spot)["properties"].values()
    _success_of(d, spot)["schema"] = next(node for node in described if "items" in node)


row("envelope around a response", "conflict", calls,
    {"whole": _enveloped, "items": _enveloped_items, "none": _bare_list})
row("renamed parameter", "conflict", parameters,
    lambda d, s: s.of(d).update(name=f"{s.name}_value"), _is_vendors_query)
row("re-cased parameter", "conflict", parameters,
    lambda d, s: s.of(d).update(name=_recased(s.name)), lambda s: is_query(s) and _recased(s.name) != s.name)
row("moved parameter", "conflict", parameters,
    each(("header", "cookie"), lambda place: update(**{"in": place})), is_query)


def _other_id(name: str) -> Change:
    def change(d: Document, spot: Spot) -> None:
        spot.of(d)["name"] = name
        d["paths"][spot.at[1].replace(spot.name, name)] = d["paths"].pop(spot.at[1])

    return change


row("path parameter that names another id", "conflict", parameters,
    each(("reference_id", "customerId"), _other_id), lambda s: s.described["in"] == "path")


def _renamed_value(d: Document, spot: Spot) -> None:
    enum = spot.above(d)
    enum[enum.index(spot.name)] = f"{spot.name}_NOW"


row("renamed enum member", "outcome", values, _renamed_value, lambda s: not _is_correction_status(s))
row("renamed status of a correction", "conflict", values, _renamed_value, _is_correction_status)


def _servers(*urls: str) -> Change:
    return lambda d, _: d.update(servers=[{"url": url} for url in urls])


API, SANDBOX = "https://api.togai.com", "https://sandbox-api.togai.com"
row(
    "another address",
    "conflict",
    whole,
    {
        "prefix": _servers(f"{API}/v2"),
        "host": _servers("https://api.togai.io", SANDBOX),
        "relative": _servers("/v2"),
    },
)
row(
    "addresses that change nothing",
    "quiet",
    whole,
    {
        "no sandbox": _servers(API),
        "slash": _servers(f"{API}/", f"{SANDBOX}/"),
        "none": lambda d, _: d.pop("servers"),
        "order": _servers(SANDBOX, API),
        "port": _servers(f"{API}:443", SANDBOX),
        "capitals": _servers("https://API.togai.com", SANDBOX),
    },
)
row(
    "call at another server",
    "conflict",
    calls,
    {
        "call": update(servers=[{"url": "https://events.togai.com"}]),
        "path": lambda d, s: s.above(d).update(servers=[{"url": f"{API}/v2"}]),
    },
)

# Changes in place.


def _other(described: Document) -> Document:
    return {"type": "integer" if described.get("type", "string") == "string" else "string"}


def _in_success(spot: Spot) -> bool:
    return "ErrorResponse" not in spot.at


def _inner(spot: Spot) -> str:
    """Return the key of the items of a list or map; empty for any other schema."""
    return next((key for key in ("items", "additionalProperties") if key in spot.described), "")


def _null_type(d: Document, spot: Spot) -> None:
    d["openapi"] = "3.1.0"
    node = spot.of(d)
    null = [node.get("type"), "null"]
    fresh = {"anyOf": [node, {"type": "null"}]} if "$ref" in node else {**node, "type": null}
    put(d, spot, fresh)


row("changed type", "conflict", properties, lambda d, s: put(d, s, _other(s.described)), _in_success, cuts=True)
row(
    "object against list",
    "conflict",
    properties,
    lambda d, s: put(d, s, s.described.get("items", {"type": "array", "items": s.described})),
    _in_success,
    cuts=True,
)
row("changed type of items", "conflict", properties,
    lambda d, s: s.of(d).update({_inner(s): {"type": "boolean"}}), _inner, cuts=True)
row("choice of kinds", "conflict", properties,
    lambda d, s: put(d, s, {"oneOf": [s.described, {"type": "boolean"}]}), _in_success, cuts=True)
ALIKE = {"string": "uuid", "integer": "int64"}
row(
    "format that is read alike",
    "quiet",
    properties,
    lambda d, s: s.of(d).update(format=ALIKE[s.described["type"]]),
    lambda s: str(s.described.get("type")) in ALIKE and s.described.get("format") in (None, "int32"),
)
row(
    "moment in another format",
    "conflict",
    properties,
    each(("time", "unix"), lambda form: update(format=form)),
    lambda s: str(s.described.get("format")).startswith("date"),
)
row("changed type of a parameter", "conflict", parameters,
    lambda d, s: s.of(d).update(schema=_other(s.of(d)["schema"])), cuts=True)
row("parameter that is sent as JSON", "conflict", parameters, by_content, is_query)
for kind, spots in (("property", properties), ("parameter", parameters), ("call", calls)):
    row(f"deprecated {kind}", "quiet", spots, update(deprecated=True))
DEFAULTS: dict[str, Any] = {
    "nextToken": "50",
    "account_id": "acme",
    "status": "REVERTED",
    "schema_name": "calls",
}


def _default(d: Document, spot: Spot) -> None:
    schema = spot.of(d)["schema"]
    schema.pop("x-togai-default", None)
    other = DEFAULTS.get(spot.name, "new")
    schema["default"] = {"integer": 5, "boolean": True}.get(str(schema.get("type")), other)


def _is_always_sent(spot: Spot) -> bool:
    return bool(spot.described.get("required")) or "x-togai-sent" in spot.described


row("changed default", "conflict", parameters, _default, lambda s: is_query(s) and not _is_always_sent(s))
row("changed default of what is always sent", "quiet", parameters,
    _default, lambda s: _is_always_sent(s) and "type" in s.described.get("schema", ()))
row("request property with a default", "conflict", properties,
    update(default="new"), lambda s: s.is_sent and s.name in ("id", "unit"))
row("request property that is only received", "conflict", properties,
    update(readOnly=True), lambda s: s.is_sent and "$ref" not in s.described)
row("items that became nullable", "quiet", properties,
    lambda d, s: s.of(d).update({_inner(s): {"nullable": True, "allOf": [s.described[_inner(s)]]}}), _inner)


def _which_are(*, required: bool) -> Callable[[Document], Iterator[Spot]]:
    return lambda d: (prop for prop in properties(d) if is_required(d, prop) == required)


def _relax(d: Document, spot: Spot) -> None:
    spot.above(d, 2)["required"].remove(spot.name)


OPTIONAL = _which_are(required=False)
row("property that became required", "quiet", OPTIONAL, require, is_received)
row("request property that became required", "conflict", OPTIONAL, require, is_sent)
row("property that became optional", "quiet", _which_are(required=True), _relax)
row(
    "property that became nullable",
    "quiet",
    properties,
    {
        "older dialect": lambda d, s: put(d, s, {"allOf": [s.described], "nullable": True}),
        "newer dialect": _null_type,
    },
)
row("parameter that became required", "conflict", parameters,
    update(required=True), lambda s: not _is_always_sent(s))
row("parameter that became optional", "quiet", parameters,
    update(required=False), lambda s: s.described.get("required") and is_query(s))


def _limits(spot: Spot, step: int = 0) -> Document:
    """Return the limits of a property, changed by a step: upper limits go up, lower limits go down."""
    return {
        key: spot.described[key] + (step if key in UPPER else -step)
        for key in (*UPPER, *LOWER)
        if spot.described.get(key)
    }


def _moved_limits(step: int) -> Change:
    return lambda d, s: s.of(d).update(_limits(s, step))


def _is_text(spot: Spot) -> bool:
    return spot.described.get("type") == "string" and "pattern" not in spot.described


row("loosened limit", "quiet", properties, _moved_limits(1), _limits)
row("tightened limit", "quiet", properties, _moved_limits(-1), _limits)
row("lifted limit", "quiet", properties, lambda d, s: [s.of(d).pop(k) for k in _limits(s)], _limits)
row("new pattern", "quiet", properties, update(pattern="^.*$"), _is_text)
LISTED = ("customerId", "statusDescription", "baseCurrency")
row("values that are listed now", "quiet", properties, update(enum=["A", "B"]), lambda s: s.name in LISTED)
row("values that are listed no longer", "quiet", enums, lambda d, s: s.of(d).pop("enum"))


def _schema(**changes: Any) -> Change:
    return lambda d, s: s.of(d)["schema"].update(copy.deepcopy(changes))


def _is_filter(spot: Spot) -> bool:
    return spot.name in ("account_id", "schema_name") and spot.at[2] == "get"


row("values of a filter that are listed now", "conflict", parameters, _schema(enum=["a", "b"]), _is_filter)
row("limit of a filter that refuses what callers pass", "conflict", parameters,
    each((("maxLength", 3), ("minLength", 9), ("pattern", "^x")), lambda limit: _schema(**dict([limit]))), _is_filter)
row("values of a flag that exclude the one that is sent", "conflict", parameters, _schema(enum=[True]),
    lambda s: s.described.get("x-togai-sent") == "always")
row("exclusive limit", "quiet", parameters, each((101, True), lambda end: _schema(exclusiveMaximum=end)),
    lambda s: s.name == "pageSize")

SCHEMES: dict[str, Document] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "basic": {"type": "http", "scheme": "basic"},
    "oauth": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {}}},
    },
}


def _auth(name: str) -> Change:
    def change(d: Document, spot: Spot) -> None:
        d["components"]["securitySchemes"][name] = SCHEMES[name]
        spot.of(d)["security"] = [{name: []}]

    return change


row("changed auth scheme", "conflict", whole, each(SCHEMES, _auth))
row("changed auth scheme of one call", "conflict", calls, each(SCHEMES, _auth))
