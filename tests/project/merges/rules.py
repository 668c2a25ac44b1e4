"""What the merge reports and writes for one change of each rule."""

from __future__ import annotations

from typing import Any

from tests.project.changes import TEXT, add_parameter, cases, drop_parameter
from tests.project.small import operation, parameter, properties, schemas

AUTH = {"type": "apiKey", "in": "header", "name": "X-Key"}


def move(d: dict[str, Any], old: str, new: str) -> None:
    d["paths"][new] = d["paths"].pop(old)


CASES = cases(
    {
        "a new response property": lambda d: properties(d, "Ride").update(speed={"type": "number"}),
        "a new response property that is required": lambda d: (
            properties(d, "Ride").update(speed={"type": "number"}),
            schemas(d)["Ride"]["required"].append("speed"),
        ),
        "a new optional parameter that is sent as JSON": lambda d: operation(d, "listRides")[
            "parameters"
        ].append(
            {"name": "where", "in": "query", "content": {"application/json": {"schema": TEXT}}}
        ),
        "a new optional property of what is sent": lambda d: properties(d, "Trip").update(
            toll=TEXT
        ),
        "a new response enum member": lambda d: schemas(d)["RideState"]["enum"].append("LOST"),
        "a new request enum member": lambda d: schemas(d)["Action"]["enum"].append("REPAY"),
        "a new optional parameter": add_parameter("since"),
        "a new status": lambda d: operation(d, "getRide")["responses"].update(
            {"404": {"description": "None."}}
        ),
        "a new server": lambda d: d["servers"].append({"url": "https://eu.rides.example"}),
        "another version": lambda d: d["info"].update(version="1.1"),
        "a response property that became required": lambda d: schemas(d)["Ride"]["required"].append(
            "bike"
        ),
        "a response property that became optional": lambda d: schemas(d)["Ride"]["required"].remove(
            "at"
        ),
        "a response property that became nullable": lambda d: properties(d, "Ride")["id"].update(
            nullable=True
        ),
        "a required parameter that became optional": lambda d: parameter(
            d, "fixRides", "action"
        ).update(required=False),
        "a limit that was raised": lambda d: parameter(d, "listRides", "size")["schema"].update(
            maximum=100
        ),
        "a limit that was lowered": lambda d: parameter(d, "listRides", "size")["schema"].update(
            maximum=20
        ),
        "a limit that was lifted": lambda d: properties(d, "RidePage")["next"].pop("maxLength"),
        "a limit that is a word": lambda d: parameter(d, "listRides", "size")["schema"].update(
            maximum="twenty"
        ),
        "an exclusive limit": lambda d: parameter(d, "listRides", "size")["schema"].update(
            exclusiveMaximum=20
        ),
        "numbers of a filter that are listed now": lambda d: parameter(d, "listRides", "size")[
            "schema"
        ].update(enum=[10, 20]),
        "values of a filter that are listed now": lambda d: parameter(d, "listRides", "city")[
            "schema"
        ].update(enum=["Pune", "Agra"]),
        "values that are listed now": lambda d: properties(d, "Bike")["model"].update(
            enum=["A", "B"]
        ),
        "a property for which there is no model": lambda d: properties(d, "Ride").update(
            any={"oneOf": [TEXT, {"type": "object"}]}
        ),
        "a property whose name in Python is taken": lambda d: properties(d, "Ride").update(Id=TEXT),
        "a property that the vendor means to drop": lambda d: properties(d, "Ride")["id"].update(
            deprecated=True
        ),
        "a parameter that the vendor means to drop": lambda d: parameter(
            d, "listRides", "city"
        ).update(deprecated=True),
        "a call that the vendor means to drop": lambda d: operation(d, "getRide").update(
            deprecated=True
        ),
        "another default": lambda d: parameter(d, "listRides", "size")["schema"].update(default=10),
        "items that may be null": lambda d: properties(d, "RidePage")["rides"].update(
            items={"nullable": True, "allOf": [{"$ref": "#/components/schemas/Ride"}]}
        ),
        "an optional body where there was none": lambda d: operation(d, "getRide").update(
            requestBody={"content": {"application/json": {"schema": TEXT}}}
        ),
        "an error body in another content type": lambda d: d["components"]["responses"][
            "Problem"
        ].update(content={"application/problem+json": {"schema": TEXT}}),
        "a new header parameter that is no text": add_parameter(
            "X-Day", **{"in": "header", "schema": {"type": "string", "format": "date"}}
        ),
        "a request property that is only answered now": lambda d: properties(d, "Trip")[
            "stops"
        ].update(readOnly=True),
        "a removed response property": lambda d: properties(d, "Ride").pop("bike"),
        "a removed response enum member": lambda d: schemas(d)["RideState"]["enum"].remove("DONE"),
        "a removed optional parameter": drop_parameter("listRides", "city"),
        "a removed status": lambda d: operation(d, "listRides")["responses"].pop("422"),
        "an error that has no body any more": lambda d: operation(d, "listRides")[
            "responses"
        ].update({"422": {"description": "No."}}),
        "another type": lambda d: properties(d, "Bike").update(model={"type": "integer"}),
        "another format": lambda d: properties(d, "Ride")["at"].update(format="date"),
        "an object that became a list": lambda d: properties(d, "Ride").update(
            bike={"type": "array", "items": {"$ref": "#/components/schemas/Bike"}}
        ),
        "a list that became an object": lambda d: properties(d, "RidePage").update(
            rides={"$ref": "#/components/schemas/Ride"}
        ),
        "items of another type": lambda d: properties(d, "RidePage")["rides"].update(items=TEXT),
        "map values of another type": lambda d: properties(d, "Trip")["tags"].update(
            additionalProperties={"type": "integer"}
        ),
        "a parameter of another type": lambda d: parameter(d, "listRides", "size").update(
            schema=TEXT
        ),
        "a new required parameter": add_parameter("tenant", required=True),
        "a parameter that became required": lambda d: parameter(d, "listRides", "city").update(
            required=True
        ),
        "a removed required parameter": drop_parameter("fixRides", "action"),
        "a new required request property": lambda d: (
            properties(d, "Trip").update(toll=TEXT),
            schemas(d)["Trip"]["required"].append("toll"),
        ),
        "a required request property that is not described": lambda d: schemas(d)["Trip"][
            "required"
        ].append("ghost"),
        "a request property that became required": lambda d: schemas(d)["Trip"]["required"].append(
            "stops"
        ),
        "a new request property with a default that has an effect": lambda d: properties(
            d, "Trip"
        ).update(dryRun={"type": "boolean", "default": True}),
        "a removed request property": lambda d: properties(d, "Trip").pop("stops"),
        "a removed request enum member": lambda d: schemas(d)["Action"]["enum"].remove("UNDO"),
        "a removed operation": lambda d: d["paths"].pop("/rides/fix"),
        "another path": lambda d: move(d, "/rides/fix", "/v2/rides/fix"),
        "another method": lambda d: d["paths"].update(
            {"/rides/fix": {"put": d["paths"]["/rides/fix"]["post"]}}
        ),
        "another content type of the answer": lambda d: operation(d, "getRide")["responses"][
            "200"
        ].update(content={"text/csv": {}}),
        "another content type of the request": lambda d: operation(d, "fixRides")[
            "requestBody"
        ].update(content={"text/csv": {}}),
        "an answer without a body": lambda d: operation(d, "getRide")["responses"]["200"].pop(
            "content"
        ),
        "a parameter that is sent as JSON": lambda d: parameter(d, "listRides", "city").update(
            content={
                "application/json": {"schema": parameter(d, "listRides", "city").pop("schema")}
            }
        ),
        "a request without a body": lambda d: operation(d, "fixRides").pop("requestBody"),
        "a body that became required": lambda d: operation(d, "fixRides")["requestBody"].update(
            required=True
        ),
        "a success status that is gone": lambda d: operation(d, "getRide").update(
            responses={"201": {"description": "Made."}}
        ),
        "no authentication for one call": lambda d: operation(d, "getRide").update(security=[]),
        "another auth scheme for one call": lambda d: (
            d["components"]["securitySchemes"].update(key=AUTH),
            operation(d, "getRide").update(security=[{"key": []}]),
        ),
    }
)
