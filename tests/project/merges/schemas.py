"""What the merge reports and writes about properties, types and values, by one change at a time."""

from __future__ import annotations

from tests.project.changes import (
    PAGE,
    TEXT,
    aliased,
    both,
    cases,
    media,
    of,
    props,
    required,
    responses,
    same,
)
from tests.project.small import operation, properties, schemas

WITH_DATE = {"type": "string", "format": "date-time"}
PROBLEM = {"type": "object", "properties": {"message": TEXT}}
CASES = cases(
    {
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
        "default of a parameter": of(
            "listRides", "city", schema={"type": "string", "default": "Rome"}
        ),
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
        "parameter as an integer": of(
            "listRides", "size", schema={"type": "number", "maximum": 50}
        ),
        # Ours first: what the small contract does not have.
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
                props("Ride", id={"type": "string", "nullable": True}),
                required("Ride", "state", "at"),
            ),
        ),
        "items that may be null": (
            same,
            props(
                "Trip", tags={"type": "object", "additionalProperties": {**TEXT, "nullable": True}}
            ),
        ),
        "wrapped by half": (
            required("RidePage", "rides", "next"),
            props(
                "RidePage",
                rides=None,
                next=None,
                data={"type": "object", "properties": {"next": TEXT}},
            ),
        ),
        "wrapped by less than half": (
            both(props("RidePage", more=TEXT), required("RidePage", "rides", "next", "more")),
            props(
                "RidePage",
                rides=None,
                next=None,
                data={"type": "object", "properties": {"next": TEXT}},
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
            lambda d: properties(d, "Bike")["model"].update({"x-togai-aliases": ["kind"]}),
            props("Bike", model=None, kind=TEXT),
        ),
        "read by both names": (
            lambda d: properties(d, "Bike")["model"].update({"x-togai-aliases": ["kind"]}),
            props("Bike", kind=TEXT),
        ),
        "response that may be null": (
            same,
            responses(
                "listRides",
                s200=media("application/json", schema={"nullable": True, "allOf": [PAGE]}),
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
        "another type under another name": (
            same,
            props("Bike", model=None, Model={"type": "integer"}),
        ),
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
)
