"""All that the merge says about servers, statuses, bodies and paths, and about properties, by one change at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract.merge import merge

from tests.project.small import changed, operation, parameter, properties, schemas

Document = dict[str, Any]
Change = Callable[[Document], object]
TEXT = {"type": "string"}
RIDES, RIDE, FIX = "/rides", "/rides/{ride_id}", "/rides/fix"


def servers(*urls: str) -> Change:
    return lambda d: d.update(servers=[{"url": url} for url in urls])


def call(name: str, **more: Any) -> Change:
    return lambda d: operation(d, name).update(more)


def responses(name: str, **more: Any) -> Change:
    """Adds responses; a name like `s404` stands for the status, and None removes it."""

    def change(d: Document) -> None:
        found = operation(d, name)["responses"]
        for key, value in more.items():
            status = key.removeprefix("s")
            found.pop(status, None)
            if value is not None:
                found[status] = {"description": "x", **value}

    return change


def body(**more: Any) -> Change:
    return lambda d: operation(d, "fixRides").update(requestBody=more or None)


def moved(old: str, new: str) -> Change:
    return lambda d: d["paths"].update({new: d["paths"].pop(old)})


def renamed_path(name: str) -> Change:
    def change(d: Document) -> None:
        item = d["paths"].pop(RIDE)
        item["get"]["parameters"][0]["name"] = name
        d["paths"][f"/rides/{{{name}}}"] = item

    return change


def security(*schemes: str) -> Change:
    def change(d: Document) -> None:
        d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X"}
        operation(d, "listRides")["security"] = [{name: []} for name in schemes]

    return change


def both(*changes: Change) -> Change:
    return lambda d: [change(d) for change in changes]


def media(*kinds: str, schema: Any = None) -> dict[str, Any]:
    return {"content": {kind: {"schema": schema or {"type": "object"}} for kind in kinds}}


def props(schema: str, **more: Any) -> Change:
    """Changes properties; None removes one."""

    def change(d: Document) -> None:
        found = properties(d, schema)
        for name, value in more.items():
            found.pop(name, None)
            if value is not None:
                found[name] = value

    return change


def aliased(schema: str, name: str, *aliases: str) -> Change:
    return lambda d: properties(d, schema)[name].update({"x-togai-aliases": [*aliases]})


def required(schema: str, *names: str) -> Change:
    return lambda d: schemas(d)[schema].update(required=list(names))


def of(call_name: str, name: str, **more: Any) -> Change:
    return lambda d: parameter(d, call_name, name).update(more)


PROBLEM = {"type": "object", "properties": {"message": TEXT}}
PAGE = {"$ref": "#/components/schemas/RidePage"}
CHANGES: dict[str, Change] = {
    "version newer": lambda d: d["info"].update(version="1.1"),
    "version older": lambda d: d["info"].update(version="0.9"),
    "version without numbers": lambda d: d["info"].update(version="beta"),
    "version missing": lambda d: d["info"].pop("version"),
    "version unwritable": lambda d: d["info"].update(version="1\ud800"),
    "no servers": servers(),
    "server is the root": servers("/"),
    "server added": servers("https://rides.example", "https://b.example/"),
    "server relative": servers("https://rides.example", "/v2"),
    "server with slash": servers("https://rides.example/"),
    "server replaced": servers("https://b.example", "https://c.example", "https://d.example"),
    "server moved below": servers("https://b.example", "https://rides.example/v2"),
    "server with the same host": servers("https://b.example", "http://RIDES.example/x"),
    "server unwritable": servers("https://rides.example", "https://b\ud800.example"),
    "operation removed": lambda d: d["paths"].pop(RIDES),
    "operation moved": moved(RIDES, "/v2/rides"),
    "operation moved without its name": both(
        moved(RIDES, "/v2/rides"), lambda d: d["paths"]["/v2/rides"]["get"].pop("operationId")
    ),
    "operation elsewhere": moved(RIDES, "/trips"),
    "operation by another method": lambda d: d["paths"].update(
        {RIDES: {"put": d["paths"][RIDES]["get"]}}
    ),
    "operation by another method without its name": both(
        lambda d: d["paths"].update({RIDES: {"put": d["paths"][RIDES]["get"]}}),
        lambda d: d["paths"][RIDES]["put"].pop("operationId"),
    ),
    "security other": security("key"),
    "security more": security("bearer", "key"),
    "deprecated": call("listRides", deprecated=True),
    "server of a call": call("listRides", servers=[{"url": "https://b.example"}]),
    "server of a call is the root": call("listRides", servers=[{"url": "/"}]),
    "server of a call is ours": call("listRides", servers=[{"url": "https://rides.example"}]),
    "server of a call is one of two": call(
        "listRides", servers=[{"url": "https://b.example"}, {"url": "https://rides.example"}]
    ),
    "server of all and of a call": both(
        servers("https://b.example"), call("listRides", servers=[{"url": "https://b.example"}])
    ),
    "path with slash": moved(RIDES, "/rides/"),
    "path parameter renamed": renamed_path("rideId"),
    "path parameter of another name": renamed_path("number"),
    "path parameter of another meaning": renamed_path("id"),
    "body added to a listing": call("listRides", requestBody=media("application/json")),
    "body required of a listing": call(
        "listRides", requestBody={"required": True, **media("application/json")}
    ),
    "body removed": lambda d: operation(d, "fixRides").pop("requestBody"),
    "body required": lambda d: operation(d, "fixRides")["requestBody"].update(required=True),
    "body of another type": body(**media("text/plain", "application/xml")),
    "body of any type": body(**media("*/*", schema={"$ref": "#/components/schemas/Trip"})),
    "status removed": responses("listRides", s422=None),
    "status as a range": both(responses("listRides", s422=None), responses("listRides", s4XX={})),
    "status new": responses("listRides", s404=media("application/json", schema=PAGE)),
    "status new as the others": lambda d: operation(d, "listRides")["responses"].update(
        {"409": {"$ref": "#/components/responses/Problem"}}
    ),
    "status new without a body": responses("listRides", s404={}),
    "status new of an unknown kind": responses("listRides", s404=media("text/plain")),
    "status not a status": responses("listRides", s999={}, sx=None, s4=media("text/plain")),
    "success new": responses("listRides", s202=media("application/json")),
    "success removed": responses("listRides", s200=None),
    "success replaced": both(
        responses("listRides", s200=None),
        responses("listRides", s201=media("application/json", schema=PAGE)),
    ),
    "success without a body": responses("listRides", s200={}),
    "success of another type": responses("listRides", s200=media("text/plain")),
    "success of another JSON": responses(
        "listRides", s200=media("application/vnd.x+json", schema=PAGE)
    ),
    "error of another type": lambda d: d["components"]["responses"]["Problem"].update(
        media("text/plain")
    ),
    # Properties
    "property new": props("Ride", speed={"type": "number"}),
    "property removed": props("Ride", bike=None),
    "property removed that is required": both(props("Ride", at=None), required("Ride", "id")),
    "property removed of a request": props("Trip", tags=None),
    "property renamed": lambda d: properties(d, "Ride").update(
        {"bicycle": properties(d, "Ride").pop("bike")}
    ),
    "property required of a request": required("Trip", "from", "tags"),
    "property no longer required": required("Ride", "id"),
    "property required now": required("Ride", "id", "state", "at", "bike"),
    "property new and required of a request": both(
        props("Trip", via=TEXT), required("Trip", "from", "via")
    ),
    "type other": props("Ride", id={"type": "integer"}),
    "type of a number": props("Bike", model={"type": "number"}),
    "format other": props("Ride", at={"type": "string", "format": "date"}),
    "format removed": props("Ride", at={"type": "string"}),
    "format new": props("Ride", id={"type": "string", "format": "uuid"}),
    "format binary": props("Ride", id={"type": "string", "format": "binary"}),
    "nullable": props("Ride", id={"type": "string", "nullable": True}),
    "list of others": props("Trip", stops={"type": "array", "items": TEXT}),
    "map of others": props(
        "Trip", tags={"type": "object", "additionalProperties": {"type": "integer"}}
    ),
    "wrapped": props(
        "RidePage",
        rides=None,
        next=None,
        data={
            "type": "object",
            "properties": {
                "rides": {"type": "array", "items": {"$ref": "#/components/schemas/Ride"}},
                "next": TEXT,
            },
        },
    ),
    "half wrapped": props(
        "RidePage", next=None, data={"type": "object", "properties": {"next": TEXT}}
    ),
    "default of a parameter": of("listRides", "city", schema={"type": "string", "default": "Rome"}),
    "default of a property": props("Trip", **{"from": {"type": "string", "default": "Rome"}}),
    "default of a response": props("Bike", model={"type": "string", "default": "x"}),
    "values listed in a request": of(
        "listRides", "city", schema={"type": "string", "enum": ["Rome"]}
    ),
    "values listed in a response": props("Bike", model={"type": "string", "enum": ["x"]}),
    "member new": lambda d: schemas(d)["RideState"]["enum"].append("NEW"),
    "member removed": lambda d: schemas(d)["RideState"]["enum"].remove("DONE"),
    "member removed of a request": lambda d: schemas(d)["Action"]["enum"].remove("REDO"),
    "member new of a request": lambda d: schemas(d)["Action"]["enum"].append("DROP"),
    "limit tighter": of("listRides", "size", schema={"type": "integer", "maximum": 20}),
    "limit looser": of("listRides", "size", schema={"type": "integer", "maximum": 99}),
    "limit of a response": props("RidePage", next={"type": "string", "maxLength": 5}),
    "parameter new": lambda d: operation(d, "listRides")["parameters"].append(
        {"name": "x", "in": "query", "schema": TEXT}
    ),
    "parameter as an integer": of("listRides", "size", schema={"type": "number", "maximum": 50}),
}


def same(_document: Document) -> None:
    """Changes nothing."""


WITH_DATE = {"type": "string", "format": "date-time"}
# Ours first: what the small contract does not have.
PAIRS: dict[str, tuple[Change, Change]] = {
    "server removed that is not the default": (
        servers("https://rides.example", "https://b.example"),
        servers("https://rides.example"),
    ),
    "servers in another order": (
        servers("https://rides.example", "https://b.example"),
        servers("https://b.example", "https://rides.example"),
    ),
    "no servers on either side": (servers(), servers()),
    "version from two numbers to ten": (
        lambda d: d["info"].update(version="1.9"),
        lambda d: d["info"].update(version="1.10"),
    ),
    "body that was required": (
        lambda d: operation(d, "fixRides")["requestBody"].update(required=True),
        same,
    ),
    "body required on both sides": (
        lambda d: operation(d, "fixRides")["requestBody"].update(required=True),
        lambda d: operation(d, "fixRides")["requestBody"].update(required=True),
    ),
    "body on our side only of a listing": (
        call("listRides", requestBody=media("application/json")),
        same,
    ),
    "body of another type on both sides": (body(**media("text/plain")), body(**media("text/csv"))),
    "two successes of which one is left": (
        responses("listRides", s202=media("application/json")),
        same,
    ),
    "security of two of which one is left": (security("bearer", "key"), security("key")),
    "server of a call on both sides": (
        call("listRides", servers=[{"url": "https://b.example"}]),
        call("listRides", servers=[{"url": "https://b.example"}]),
    ),
    "number to integer": (
        props("Bike", model={"type": "number"}),
        props("Bike", model={"type": "integer"}),
    ),
    "number to integer in a request": (
        of("listRides", "size", schema={"type": "number"}),
        of("listRides", "size", schema={"type": "integer"}),
    ),
    "integer of another size": (
        props("Bike", model={"type": "integer", "format": "int32"}),
        props("Bike", model={"type": "integer", "format": "int64"}),
    ),
    "format of a request": (
        same,
        of("listRides", "city", schema={"type": "string", "format": "uuid"}),
    ),
    "format no longer of a request": (
        of("listRides", "city", schema={"type": "string", "format": "uuid"}),
        same,
    ),
    "time on their side only": (same, props("Bike", model=WITH_DATE)),
    "type of an error": (same, props("Problem", message={"type": "integer"})),
    "error property that was required": (required("Problem", "message"), same),
    "error property that is null": (
        required("Problem", "message"),
        props("Problem", message={"type": "string", "nullable": True}),
    ),
    "property that may be null on both sides": (
        props("Ride", id={"type": "string", "nullable": True}),
        props("Ride", id={"type": "string", "nullable": True}),
    ),
    "property that was optional in a response": (
        required("Ride", "id"),
        required("Ride", "id", "at"),
    ),
    "property that is null and optional": (
        same,
        both(
            props("Ride", id={"type": "string", "nullable": True}), required("Ride", "state", "at")
        ),
    ),
    "items that may be null": (
        same,
        props("Trip", tags={"type": "object", "additionalProperties": {**TEXT, "nullable": True}}),
    ),
    "wrapped by half": (
        required("RidePage", "rides", "next"),
        props(
            "RidePage", rides=None, next=None, data={"type": "object", "properties": {"next": TEXT}}
        ),
    ),
    "wrapped by less than half": (
        both(props("RidePage", more=TEXT), required("RidePage", "rides", "next", "more")),
        props(
            "RidePage", rides=None, next=None, data={"type": "object", "properties": {"next": TEXT}}
        ),
    ),
    "wrapped in a list": (
        required("RidePage", "next"),
        props(
            "RidePage",
            rides=None,
            next=None,
            data={"type": "array", "items": {"type": "object", "properties": {"next": TEXT}}},
        ),
    ),
    "property that nobody describes": (same, required("Trip", "from", "ghost")),
    "property that nobody describes in a response": (
        same,
        required("Ride", "id", "state", "at", "ghost"),
    ),
    "new property with a default in a request": (
        same,
        props("Trip", via={"type": "string", "default": "Rome"}),
    ),
    "new property with a default in a response": (
        same,
        props("Bike", colour={"type": "string", "default": "red"}),
    ),
    "read by another name": (
        aliased("Bike", "model", "kind"),
        props("Bike", model=None, kind=TEXT),
    ),
    "read by both names": (
        aliased("Bike", "model", "kind"),
        props("Bike", kind=TEXT),
    ),
    "response that may be null": (
        same,
        responses(
            "listRides", s200=media("application/json", schema={"nullable": True, "allOf": [PAGE]})
        ),
    ),
    "error that may be null": (
        same,
        responses(
            "listRides", s422=media("application/json", schema={**PROBLEM, "nullable": True})
        ),
    ),
    "text of an error with a format": (
        same,
        props("Problem", message={"type": "string", "format": "markdown"}),
    ),
    "style of a path parameter": (same, of("getRide", "ride_id", style="matrix")),
    "style of a query parameter": (same, of("listRides", "city", style="form", explode=True)),
    "always sent property that became required": (
        lambda d: properties(d, "Trip")["stops"].update({"x-togai-sent": "always"}),
        required("Trip", "from", "stops"),
    ),
    "default of an always sent property": (
        lambda d: properties(d, "Trip")["tags"].update({"x-togai-sent": "always"}),
        lambda d: properties(d, "Trip")["tags"].update(default={"a": "b"}),
    ),
    "deprecated component": (same, lambda d: schemas(d)["Bike"].update(deprecated=True)),
    "null and another format under another name": (
        same,
        props("Ride", at=None, At={"type": "string", "nullable": True}),
    ),
    "required under another name": (
        same,
        both(
            props("Trip", stops=None, Stops={"type": "array", "items": {}}),
            required("Trip", "from", "Stops"),
        ),
    ),
    "another type under another name": (same, props("Bike", model=None, Model={"type": "integer"})),
    "another type under a name that is read": (
        aliased("Bike", "model", "kind"),
        props("Bike", model=None, kind={"type": "integer"}),
    ),
    "property below another name": (
        same,
        both(
            props("Ride", bike=None, Bike={"$ref": "#/components/schemas/Bike"}),
            props("Bike", model=None),
        ),
    ),
    "new member below a name that is read": (
        aliased("Ride", "state", "now"),
        both(
            props("Ride", state=None, now={"$ref": "#/components/schemas/RideState"}),
            lambda d: schemas(d)["RideState"]["enum"].append("LOST"),
        ),
    ),
    "deprecated under a name that is read": (
        aliased("Bike", "model", "kind"),
        props("Bike", model=None, kind={"type": "string", "deprecated": True}),
    ),
    "renamed again": (aliased("Bike", "model", "kind"), props("Bike", model=None, Model=TEXT)),
    "sent under a name that is read": (
        aliased("Trip", "stops", "halts"),
        props("Trip", stops=None, halts={"type": "array", "items": {}}),
    ),
    "relied on and renamed": (
        lambda d: properties(d, "Bike")["model"].update({"x-togai-relied": True}),
        props("Bike", model=None, Model=TEXT),
    ),
    "relied on and removed": (
        lambda d: properties(d, "Bike")["model"].update({"x-togai-relied": True}),
        props("Bike", model=None),
    ),
    "property that came back": (
        lambda d: properties(d, "Bike")["model"].update({"x-togai-removed": "2026-01-01"}),
        same,
    ),
    "default that was removed": (
        of("listRides", "city", schema={"type": "string", "default": "Rome"}),
        same,
    ),
    "default of an always sent parameter": (
        of("listRides", "city", **{"x-togai-sent": "always"}),
        of("listRides", "city", schema={"type": "string", "default": "Rome"}),
    ),
    "default as text and as a number": (
        of("listRides", "size", schema={"type": "integer", "default": 5, "maximum": 50}),
        of("listRides", "size", schema={"type": "integer", "default": "5", "maximum": 50}),
    ),
    "a value that is long": (
        same,
        props("Bike", model={"type": "string", "default": "x" * 61}),
    ),
    "a value that is just short enough": (
        same,
        props("Bike", model={"type": "string", "default": "x" * 60}),
    ),
}


def said(change: Change, ours: Change = same) -> list[str]:
    """All differences of a change, one on a line."""
    merged = merge(changed(ours), changed(change))
    rows = [
        " | ".join(
            [
                f"{one.verdict}{' known' if one.known else ''}{' gain' if one.gain else ''}",
                one.kind,
                one.at,
                f"{one.ours} -> {one.theirs}",
                ", ".join(one.positions),
                *([f"hints: {', '.join(one.hints)}"] if one.hints else []),
                *(["digest"] if one.digest else []),
            ]
        )
        for one in merged.differences
    ]
    return [row.encode("ascii", "backslashreplace").decode() for row in rows]


EXPECTED = Path(__file__).with_name("merge_calls.txt")


def rows() -> list[str]:
    """The name of each change, then a line for each difference."""
    pairs = {**{name: (same, change) for name, change in CHANGES.items()}, **PAIRS}
    return [
        row
        for name, (ours, theirs) in pairs.items()
        for row in (f"{name}:", *(f"  {line}" for line in said(theirs, ours)))
    ]


@pytest.mark.slow
def test_each_change_is_reported_with_its_place_both_sides_and_hints() -> None:
    """After a change on purpose, write the file again and read its diff (CONTRIBUTING.md, "The exam")."""
    assert rows() == EXPECTED.read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        ("state", "path parameter names another id"),
        ("ride_state", "path parameter names another id"),
        ("x", "path parameter renamed"),
        ("estate", "path parameter renamed"),
    ],
)
def test_a_path_parameter_that_becomes_another_property_of_the_items_is_a_conflict(
    new: str, kind: str
) -> None:
    def listed(document: Document) -> None:
        success = operation(document, "getRide")["responses"]["200"]
        success["content"]["application/json"]["schema"] = PAGE

    ours, theirs = changed(listed), changed(both(listed, renamed_path(new)))
    assert [one.kind for one in merge(ours, theirs).differences] == [kind]


if __name__ == "__main__":
    EXPECTED.write_text("\n".join(rows()) + "\n", "utf-8")
