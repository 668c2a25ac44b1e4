"""What the merge reports and writes about parameters."""

from __future__ import annotations

from typing import Any

from tests.project.changes import (
    TEXT,
    Case,
    Change,
    Document,
    both,
    cases,
    of,
    same,
)
from tests.project.small import operation, parameter

INTEGER = {"type": "integer"}
LIST, MAP = {"type": "array", "items": TEXT}, {"type": "object", "additionalProperties": TEXT}
OBJECT = {"type": "object", "properties": {"a": TEXT}}
FILTER = {"type": "object", "properties": {"hidden": {"type": "boolean", "default": True}}}
ALWAYS = {"x-togai-sent": "always"}


def new(name: str, schema: Any = TEXT, to: str = "listRides", **more: Any) -> Change:
    described = {"name": name, "in": "query", "schema": schema, **more}
    if schema is None:
        del described["schema"]
    return lambda d: operation(d, to)["parameters"].append(described)


def lost(name: str, to: str = "listRides") -> Change:
    return lambda d: operation(d, to)["parameters"].remove(parameter(d, to, name))


def listed(name: str, *values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values), "description": name}


def as_document(d: Document) -> None:
    """The city is sent as JSON."""
    city = parameter(d, "listRides", "city")
    city["content"] = {"text/plain": {}, "application/json": {"schema": city.pop("schema")}}


def as_content(call: str, name: str, media: str) -> Change:
    """A parameter that has `content` instead of a schema."""

    def change(d: Document) -> None:
        described = parameter(d, call, name)
        described["content"] = {media: {"schema": described.pop("schema")}}

    return change


CASES = cases(
    {
        # Removed
        "removed": lost("city"),
        "removed of a correction": lost("action", "fixRides"),
        "removed that has another origin": lost("region", "fixRides"),
        "removed that has another origin, but was described": Case(
            same,
            lost("region", "fixRides"),
            last=lambda d: parameter(d, "fixRides", "region").pop("x-togai-origin"),
        ),
        "removed that has another origin, and was not described": Case(
            same, lost("region", "fixRides"), last=lost("region", "fixRides")
        ),
        "renamed that has another origin": both(
            lost("region", "fixRides"), new("Region", to="fixRides")
        ),
        "renamed to capitals": both(lost("city"), new("City")),
        "header in lower case": Case(
            new("X-Trace", **{"in": "header"}), new("x-trace", **{"in": "header"})
        ),
        "renamed to capitals and required": both(lost("city"), new("City", required=True)),
        "renamed to two names": both(lost("city"), new("CITY"), new("City")),
        "moved": both(lost("city"), new("city", **{"in": "header"})),
        "moved, and in capitals": both(lost("city"), new("City", **{"in": "header"})),
        "moved, and there is another in capitals": both(
            lost("city"), new("City"), new("city", **{"in": "header"})
        ),
        "removed where another of its type is new": both(lost("city"), new("town")),
        "removed where another of another type is new": both(lost("city"), new("town", INTEGER)),
        "removed where another without a type is new": both(lost("city"), new("town", None)),
        "removed where four of its type are new": both(lost("city"), *map(new, "abcd")),
        "removed, but held": Case(same, lost("city"), holds=("GET /rides ?city",)),
        "removed and known": Case(same, lost("city"), last=lost("city")),
        # In both
        "described now": lambda d: parameter(d, "fixRides", "region").pop("x-togai-origin"),
        "deprecated": of("listRides", "city", deprecated=True),
        "no longer deprecated": (of("listRides", "city", deprecated=True), same),
        "required": of("listRides", "city", required=True),
        "required, and always sent": (
            of("listRides", "city", **ALWAYS),
            of("listRides", "city", required=True),
        ),
        "required, and sent as the caller wants": (
            of("listRides", "city", **{"x-togai-sent": "sometimes"}),
            of("listRides", "city", required=True),
        ),
        "required on both sides": (
            of("listRides", "city", required=True),
            of("listRides", "city", required=True),
        ),
        "no longer required": of("fixRides", "action", required=False),
        "sent as plain text": as_content("listRides", "city", "text/plain"),
        "sent as a document": as_document,
        "sent as a document on our side": (as_document, same),
        "sent as a document on both sides": (as_document, as_document),
        "without a schema": lambda d: parameter(d, "listRides", "city").pop("schema"),
        "declared for the path and the call": lambda d: d["paths"]["/rides"].update(
            parameters=[{"name": "city", "in": "query", "schema": INTEGER}]
        ),
        "declared twice": new("city", INTEGER),
        # New
        "new": new("town"),
        "new by the name of the id in the path": new("ride_id", to="getRide"),
        "new and described": new("town", description=" Where\n it is. "),
        "new and described by its schema": new("town", {**TEXT, "description": "Where it is."}),
        "new and described by itself and by its schema": new(
            "town", {**TEXT, "description": "Where it is."}, description="Where."
        ),
        "new in a header": new("town", **{"in": "header"}),
        "new in a cookie": new("town", **{"in": "cookie"}),
        "new in a form": new("town", **{"in": "formData"}),
        "new in a path that does not name it": new("town", **{"in": "path"}),
        "new in a place with a slash": new("to/wn~", **{"in": "a/b"}),
        "new for all calls of a path": lambda d: d["paths"]["/rides"].update(
            parameters=[{"name": "town", "in": "query", "schema": TEXT}]
        ),
        "new, where the call had no parameters": (
            lambda d: operation(d, "listRides").pop("parameters"),
            both(lambda d: operation(d, "listRides").update(parameters=[]), new("town")),
        ),
        "new, and required": new("town", required=True),
        "new, and required without a schema": new("town", None, required=True),
        "new with a default": new("town", {**TEXT, "default": "Rome"}),
        "new object with a default": new("filter", {**FILTER, "default": {"town": "Rome"}}),
        "new object with a default of a property": new("filter", FILTER),
        "new with a default without an effect": new("town", {"type": "boolean", "default": False}),
        "new with a limit": new("town", {**TEXT, "maxLength": 5, "pattern": "a"}),
        "new with a format": new("when", {**TEXT, "format": "date-time"}),
        "new with a format that would be another type": new("id", {**TEXT, "format": "uuid"}),
        "new with values": new("kind", listed("Kinds.", "A", "B")),
        "new with values, where the call has no name": (
            lambda d: operation(d, "listRides").pop("operationId"),
            both(
                lambda d: operation(d, "listRides").pop("operationId"),
                lambda d: d["paths"]["/rides"]["get"]["parameters"].append(
                    {"name": "kind", "in": "query", "schema": listed("Kinds.", "A", "B")}
                ),
            ),
        ),
        "new with values that all have one name": new("kind", listed("Kinds.", "a", "A")),
        "new with values of which none is a name": new("kind", listed("Kinds.", "1", "2")),
        "new with the values of another": new(
            "kind", {"$ref": "#/components/schemas/Action"}, to="fixRides"
        ),
        "new with the values of a response": new(
            "state", {"$ref": "#/components/schemas/RideState"}
        ),
        "new as a document": new("town", None, content={"application/json": {"schema": TEXT}}),
        "new without a schema": new("town", None),
        "new with a name that is not one": new("to`wn"),
        "new with a name of the builder": new("client"),
        "new with the name of another": new("City"),
        "new, two with the same name": both(new("town"), new("Town")),
        "new with the name of another that is shared": (
            both(
                lambda d: d["components"].update(
                    parameters={"City": parameter(d, "listRides", "city")}
                ),
                lambda d: operation(d, "listRides")["parameters"].__setitem__(
                    0, {"$ref": "#/components/parameters/City"}
                ),
            ),
            new("City"),
        ),
        "new as an integer": new("town", INTEGER),
        "new as an integer in a header": new("town", INTEGER, **{"in": "header"}),
        "new as a date in a cookie": new("town", {**TEXT, "format": "date"}, **{"in": "cookie"}),
        "new as a list": new("town", LIST),
        "new as a list in a header": new("town", LIST, **{"in": "header"}),
        "new as a list of objects": new("town", {"type": "array", "items": OBJECT}),
        "new as a list of maps": new("town", {"type": "array", "items": MAP}),
        "new as a list of lists": new("town", {"type": "array", "items": LIST}),
        "new as an object": new("town", OBJECT),
        "new as a map": new("town", MAP),
        "new as anything": new("town", {}),
        "new, but held": Case(same, new("town"), holds=("GET /rides ?town",)),
        "new with values, but held": Case(
            same, new("kind", listed("Kinds.", "A")), holds=("GET /rides ?kind",)
        ),
        "new and known": Case(same, new("town"), last=new("town")),
        "new in two calls": both(new("town"), new("town", to="fixRides")),
        # Idempotency
        "key by its name": new("Idempotency-Key", to="fixRides", **{"in": "header"}),
        "key by its description": new("token", to="fixRides", description="Makes it IDEMPOTENT."),
        "key by the description of its schema": new(
            "token", {**TEXT, "description": "For idempotence."}, to="fixRides"
        ),
        "key of a listing": new("Idempotency-Key", **{"in": "header"}),
        # Headers that are none
        "header of the protocol": new("ACCEPT", required=True, **{"in": "header"}),
        "query parameter with the name of a header": new("accept"),
        "authorization in a cookie": new("authorization", **{"in": "cookie"}),
        # Paths
        "path parameter that is not required": of("getRide", "ride_id", required=False),
        "path parameter as plain text": as_content("getRide", "ride_id", "text/plain"),
        "path parameter as a document": as_content("getRide", "ride_id", "application/json"),
        "path parameter that only the description declares": (
            lambda d: operation(d, "getRide").pop("parameters"),
            same,
        ),
        "parameter of ours without a schema": (
            lambda d: parameter(d, "listRides", "city").pop("schema"),
            same,
        ),
        "path parameter of another type": of("getRide", "ride_id", schema=INTEGER),
        "path parameter in another style": of("getRide", "ride_id", style="matrix"),
        "path parameter in the usual style": of("getRide", "ride_id", style="simple"),
        "path parameter that is exploded": of("getRide", "ride_id", explode=True),
        "query parameter in another style": of("listRides", "city", style="spaceDelimited"),
        "text in another style": of("listRides", "city", explode=False),
        # Several values
        "list in the usual style, by name": (
            of("listRides", "city", schema=LIST),
            of("listRides", "city", schema=LIST, style="form", explode=True),
        ),
        "list that is joined now": (
            of("listRides", "city", schema=LIST),
            of("listRides", "city", schema=LIST, explode=False),
        ),
        "list that is no longer joined": (
            of("listRides", "city", schema=LIST, explode=False),
            of("listRides", "city", schema=LIST),
        ),
        "list joined by another sign": (
            of("listRides", "city", schema=LIST, style="pipeDelimited"),
            of("listRides", "city", schema=LIST, style="spaceDelimited", explode=False),
        ),
        "new as a list that is joined": new("town", LIST, explode=False),
        "text or list of texts": of("listRides", "city", schema=LIST),
        "text or list of texts, as before": Case(
            same,
            of("listRides", "city", schema=LIST),
            last=of("listRides", "city", schema=LIST),
        ),
        "text or list of texts, joined": of("listRides", "city", schema=LIST, explode=False),
        "text or list of texts in a header": (
            new("X-City", **{"in": "header"}),
            new("X-City", LIST, **{"in": "header"}),
        ),
        "text or list of numbers": of(
            "listRides", "city", schema={"type": "array", "items": INTEGER}
        ),
        "text or list of one to three": of(
            "listRides", "city", schema={**LIST, "minItems": 1, "maxItems": 3}
        ),
        "text or list of at least two": of("listRides", "city", schema={**LIST, "minItems": 2}),
        "text or list with a default": of("listRides", "city", schema={**LIST, "default": ["a"]}),
        "text or list of short texts": of(
            "listRides", "city", schema={"type": "array", "items": {**TEXT, "maxLength": 3}}
        ),
        "text or list of values": of(
            "listRides", "city", schema={"type": "array", "items": listed("City", "Rome")}
        ),
        **{
            f"text or list by {key}": of("listRides", "city", schema={key: [TEXT, LIST]})
            for key in ("anyOf", "oneOf")
        },
        "text or list by two types": of(
            "listRides", "city", schema={"type": ["array", "string"], "items": TEXT}
        ),
        "text or list, of short texts": of(
            "listRides", "city", schema={"anyOf": [{**TEXT, "maxLength": 3}, LIST]}
        ),
        "text or list, of values": of(
            "listRides", "city", schema={"anyOf": [listed("City", "Rome"), LIST]}
        ),
        "text or list, of values by two types": of(
            "listRides", "city", schema={"type": ["array", "string"], "enum": ["Rome"]}
        ),
        "text or list by a choice, joined": of(
            "listRides", "city", schema={"anyOf": [TEXT, LIST]}, explode=False
        ),
        "text or list by a choice, with a default": of(
            "listRides", "city", schema={"anyOf": [TEXT, LIST], "default": "Rome"}
        ),
        "text or number": of("listRides", "city", schema={"anyOf": [TEXT, INTEGER]}),
        "a second path parameter": lambda d: d["paths"].update(
            {"/rides/{ride_id}/{part}": d["paths"].pop("/rides/{ride_id}")}
        ),
    }
)
