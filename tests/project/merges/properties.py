"""What the merge reports and writes about properties that are removed, renamed, restored or new."""

from __future__ import annotations

from typing import Any

from tests.project.changes import (
    PAGE,
    TEXT,
    Case,
    Change,
    Document,
    apart,
    both,
    cases,
    marked,
    props,
    renamed,
    required,
    same,
)
from tests.project.small import operation, schemas

NUMBER = {"type": "number"}
RELIED = {"x-togai-relied": True}
ALIASED = marked("Bike", "model", **{"x-togai-aliases": ["kind"]})
REMOVED = {"x-togai-removed": "2026-01-01", "deprecated": True}
STOPS = {"type": "array", "items": {"$ref": "#/components/schemas/Stop"}}


def boxed(*names: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": dict.fromkeys(names, TEXT), **more}


def composed(d: Document) -> None:
    """Our Trip is composed of its properties and its required names."""
    trip = schemas(d)["Trip"]
    parts = [{"properties": trip.pop("properties")}, {"required": trip.pop("required")}]
    trip["allOf"] = parts


def based(*names: str) -> Change:
    """Objects that have a property of a common base."""

    def change(d: Document) -> None:
        schemas(d)["Base"] = {"type": "object", "properties": {"note": TEXT}}
        for name in names:
            own = {"type": "object", "properties": schemas(d)[name].pop("properties")}
            schemas(d)[name]["allOf"] = [{"$ref": "#/components/schemas/Base"}, own]

    return change


CASES = cases(
    {
        # Removed
        "removed before and still absent": (
            marked("Bike", "model", **REMOVED),
            props("Bike", model=None),
        ),
        "removed from one response of two": apart("getRide", "Ride", props("Other", bike=None)),
        "removed before and restored in one response of two": (
            marked("Ride", "id", **REMOVED),
            apart("getRide", "Ride", props("Other", id=None)),
        ),
        "restored, and deprecated by us": (marked("Bike", "model", **REMOVED), same),
        "restored, but held": Case(marked("Bike", "model", **REMOVED), same, holds=("Bike.model",)),
        "removed, and known since the last description": Case(
            marked("Bike", "model", **REMOVED),
            props("Bike", model=None),
            last=props("Bike", model=None),
        ),
        "removed, although it was known to be removed from another response": Case(
            same,
            props("Ride", bike=None),
            last=apart("getRide", "Ride", props("Other", bike=None)),
        ),
        "removed from one object of two that share its base": (
            based("Bike", "Problem"),
            based("Problem"),
        ),
        "removed from the two objects that share its base": (based("Bike", "Problem"), same),
        "removed, but held": Case(same, props("Bike", model=None), holds=("Bike",)),
        "removed that has another origin": (
            marked("Bike", "model", **{"x-togai-origin": "reference page"}),
            props("Bike", model=None),
        ),
        "removed from an error where the facade relies on it": (
            marked("Problem", "message", **RELIED),
            props("Problem", message=None),
        ),
        "removed from an error that required it": (
            required("Problem", "message"),
            props("Problem", message=None),
        ),
        "removed from a request that still requires it": both(
            props("Trip", tags=None), required("Trip", "from", "tags")
        ),
        "required in a response": required("Bike", "model"),
        "only received now": marked("Trip", "tags", readOnly=True),
        "only sent now": marked("Trip", "tags", writeOnly=True),
        "only sent now and relied on": (
            marked("Trip", "tags", **RELIED),
            marked("Trip", "tags", writeOnly=True),
        ),
        "required and only received now": both(
            marked("Trip", "tags", readOnly=True), required("Trip", "from", "tags")
        ),
        # Hints
        "replaced by four of its type": props("Bike", model=None, a=TEXT, b=TEXT, c=TEXT, d=TEXT),
        "replaced by one of another type": props("Bike", model=None, kind=NUMBER),
        "replaced by one with the name of another": both(
            props("Trip", tags=None, stops=None, Stops=boxed("x"), labels=STOPS, From=TEXT),
        ),
        "replaced by one of its type with the name of another": props(
            "RidePage", next=None, Rides=TEXT
        ),
        "replaced by one that is known": both(
            props("Ride", trip=None), props("Ride", bike={"$ref": "#/components/schemas/Trip"})
        ),
        "moved to two places": props("RidePage", next=None, a=boxed("next"), b=boxed("next")),
        "moved to three places": props(
            "RidePage", next=None, a=boxed("next"), b=boxed("next"), c=boxed("next")
        ),
        "moved with another type": props(
            "RidePage", next=None, a={"type": "object", "properties": {"next": NUMBER}}
        ),
        "moved to another name": props("RidePage", next=None, a=boxed("Next", "then")),
        "moved within a body": both(
            props("Trip", tags=None),
            props("Stop", tags={"type": "object", "additionalProperties": TEXT}),
        ),
        # Renamed
        "written in capitals": renamed("Bike", "model", "Model"),
        "written in capitals where it was read by another name": (
            marked("Bike", "model", **{"x-togai-aliases": ["MODEL"]}),
            renamed("Bike", "model", "Model"),
        ),
        "written in capitals, but held": Case(
            same, renamed("Bike", "model", "Model"), holds=("Bike.model",)
        ),
        "written in capitals with another type": renamed("Bike", "model", "Model", type="number"),
        "written in capitals and only sent": renamed("Bike", "model", "Model", writeOnly=True),
        "written so that it cannot be code": renamed("Bike", "model", "model`"),
        "written in capitals and relied on": (
            marked("Bike", "model", **RELIED),
            renamed("Bike", "model", "Model"),
        ),
        "written in capitals and required": both(
            renamed("Ride", "id", "Id"), required("Ride", "Id", "state", "at")
        ),
        "written in capitals, and no longer required": both(
            renamed("Ride", "id", "Id"), required("Ride", "state", "at")
        ),
        "written in capitals, and deprecated": renamed("Bike", "model", "Model", deprecated=True),
        "removed beside a property without a name": props("Bike", model=None, **{"": TEXT}),
        "written in capitals beside itself": props("Bike", Model=TEXT),
        "written in capitals in one response of two": apart(
            "getRide", "Ride", renamed("Other", "bike", "Bike")
        ),
        "written as another of ours": (
            props("Bike", Model=TEXT),
            props("Bike", model=None, Model=TEXT),
        ),
        "request property in capitals": renamed("Trip", "tags", "Tags"),
        "request property in capitals, to be sent as ours": Case(
            same, renamed("Trip", "tags", "Tags"), write="OLD"
        ),
        "request property in capitals, to be sent as theirs": Case(
            same, renamed("Trip", "tags", "Tags"), write="NEW"
        ),
        "required request property in capitals, to be sent as theirs": Case(
            same,
            both(renamed("Trip", "from", "From"), required("Trip", "From")),
            write="NEW",
        ),
        "required request property of a composition in capitals, to be sent as theirs": Case(
            composed,
            both(renamed("Trip", "from", "From"), required("Trip", "From")),
            write="NEW",
        ),
        "required request property in capitals, to be sent as theirs, but held": Case(
            same,
            both(renamed("Trip", "from", "From"), required("Trip", "From")),
            write="NEW",
            holds=("Trip.from",),
        ),
        # Required or null
        "null in an error": marked("Problem", "message", nullable=True),
        "null in a request only": apart("getRide", "Ride", marked("Trip", "tags", nullable=True)),
        "null where ours may be null and it is required": (
            marked("Ride", "id", nullable=True),
            both(marked("Ride", "id", nullable=True), required("Ride", "state", "at")),
        ),
        "null and optional already": marked("Bike", "model", nullable=True),
        "optional in one response of two": apart(
            "getRide", "Ride", required("Other", "id", "state")
        ),
        "required by a request and only received": both(
            marked("Trip", "stops", readOnly=True), required("Trip", "from", "stops")
        ),
        "unknown name that a request requires, held": Case(
            same, required("Trip", "from", "ghost"), holds=("Trip.ghost",)
        ),
        "two unknown names that a request requires": required("Trip", "from", "z", "ghost"),
        # New
        "new with its type in each response": both(
            props("Ride", speed=NUMBER), apart("getRide", "Ride", props("Other", speed=TEXT))
        ),
        "new with the same type in each response": apart(
            "getRide", "Ride", props("Ride", speed=NUMBER), props("Other", speed=NUMBER)
        ),
        "new in one response of two": apart("getRide", "Ride", props("Other", speed=NUMBER)),
        "new where one response is wrapped": apart(
            "fixRides", "RidePage", props("Other", rides=None, next=None, data=PAGE, more=TEXT)
        ),
        "new and only received in a request": props("Trip", toll={**TEXT, "readOnly": True}),
        "new and only sent in a request": props("Trip", toll={**TEXT, "writeOnly": True}),
        "new and only sent in a response": props("Bike", toll={**TEXT, "writeOnly": True}),
        "new in a request of two bodies that differ": both(
            lambda d: operation(d, "listRides").update(
                requestBody=operation(d, "fixRides")["requestBody"]
            ),
            props("Trip", toll=TEXT),
        ),
        "new with a name that is taken": props("Bike", Model=TEXT),
        "new with the name of another that is new": props("Bike", colour=TEXT, Colour=TEXT),
        "new with a name that is not a name": props("Bike", **{"---": TEXT}),
        "new in an object that ours reads as a dict": (
            props("Bike", model={"type": "object"}),
            props("Bike", model=boxed("a")),
        ),
        "new, with a default of no effect in a request": props(
            "Trip", deep={"type": "boolean", "default": False}
        ),
        "new, with a default of what is only received": props(
            "Trip", toll={**TEXT, "default": "x", "readOnly": True}
        ),
        "new, required and only received in a request": both(
            props("Trip", toll={**TEXT, "readOnly": True}), required("Trip", "from", "toll")
        ),
        "new in a request, with a required property": props(
            "Trip", driver=boxed("name", "age", required=["name"])
        ),
        "new in a response, with a required property": props(
            "Bike", maker=boxed("name", "age", required=["name"], additionalProperties=False)
        ),
        "new in a composition of ours": (composed, props("Trip", toll=TEXT)),
        "new, but held": Case(same, props("Bike", gear=TEXT), holds=("Bike.gear",)),
        "new with a schema, but held": Case(
            same, props("Bike", gear=boxed("size")), holds=("Bike.gear",)
        ),
        "new that has no model": props("Bike", gear={"oneOf": [TEXT, NUMBER]}),
        "deprecated in one response of two": apart(
            "getRide", "Ride", marked("Other", "id", deprecated=True)
        ),
        "deprecated by us": (marked("Ride", "at", deprecated=True), same),
        "deprecated on both sides": (
            marked("Ride", "at", deprecated=True),
            marked("Ride", "at", deprecated=True),
        ),
        "deprecated, but held": Case(
            same, marked("Ride", "at", deprecated=True), holds=("Ride.at",)
        ),
        # Read by another name
        "deprecated under another name": (
            ALIASED,
            renamed("Bike", "model", "kind", deprecated=True),
        ),
        "of another type under another name": (
            ALIASED,
            renamed("Bike", "model", "kind", type="integer"),
        ),
        "null under another name, and required": (
            both(ALIASED, required("Bike", "model")),
            both(renamed("Bike", "model", "kind", nullable=True), required("Bike", "kind")),
        ),
        "optional under another name": (
            both(ALIASED, required("Bike", "model")),
            renamed("Bike", "model", "kind"),
        ),
        "absent under both names": (ALIASED, props("Bike", model=None)),
        "restored under another name": (
            both(ALIASED, marked("Bike", "model", **REMOVED)),
            renamed("Bike", "model", "kind"),
        ),
        "only sent by its name, and received by another name": (
            ALIASED,
            props("Bike", model={**TEXT, "writeOnly": True}, kind=TEXT),
        ),
        "required in a request under another name": (
            marked("Trip", "tags", **{"x-togai-aliases": ["labels"]}),
            both(renamed("Trip", "tags", "labels"), required("Trip", "from", "labels")),
        ),
        # Wrapped
        "wrapped in one response of two": apart(
            "fixRides", "RidePage", props("Other", rides=None, next=None, data=PAGE)
        ),
        "wrapped in a map": props(
            "RidePage",
            rides=None,
            next=None,
            data={"type": "object", "additionalProperties": PAGE},
        ),
        "wrapped in the second of two": props(
            "RidePage", rides=None, next=None, links=boxed("a"), data=boxed("rides")
        ),
        "wrapped with names in capitals": props(
            "RidePage", rides=None, next=None, data=boxed("Rides")
        ),
        "beside what looks like a wrapping": props("RidePage", data=PAGE),
        "error that is wrapped": props("Problem", message=None, error=boxed("message")),
        "one in capitals, beside what looks like a wrapping": (
            required("RidePage", "next"),
            props("RidePage", next=None, Next=TEXT, data=boxed("next")),
        ),
        "object without properties that has some now": (
            props("Ride", bike={"type": "object"}),
            props("Ride", bike=boxed("a")),
        ),
        # Types and defaults
        "default of an optional request property": marked("Trip", "stops", default=["x"]),
        "default of an optional request property that was removed": (
            marked("Trip", "stops", default=["x"]),
            same,
        ),
        "number as text": (props("Bike", model=NUMBER), props("Bike", model=TEXT)),
        "text as a number in a request": (
            props("Trip", tags=TEXT),
            props("Trip", tags=NUMBER),
        ),
        "integer of 64 bits in a request": (
            props("Trip", tags={"type": "integer", "format": "int32"}),
            props("Trip", tags={"type": "integer", "format": "int64"}),
        ),
        "integer as a timestamp": (
            props("Bike", model={"type": "integer"}),
            props("Bike", model={"type": "integer", "format": "timestamp"}),
        ),
        "integer that was a timestamp": (
            props("Bike", model={"type": "integer", "format": "timestamp"}),
            props("Bike", model={"type": "integer"}),
        ),
        "flag with a format": (
            props("Bike", model={"type": "boolean"}),
            props("Bike", model={"type": "boolean", "format": "yes-no"}),
        ),
        "date that is a time": (
            props("Bike", model={"type": "string", "format": "date"}),
            props("Bike", model={"type": "string", "format": "date-time"}),
        ),
        "integer as a number": (
            props("Bike", model={"type": "integer"}),
            props("Bike", model=NUMBER),
        ),
        "items that may be null on both sides": (
            props("Trip", tags={"type": "array", "items": {**TEXT, "nullable": True}}),
            props("Trip", tags={"type": "array", "items": {**TEXT, "nullable": True}}),
        ),
        "items that may no longer be null": (
            props("Trip", tags={"type": "array", "items": {**TEXT, "nullable": True}}),
            props("Trip", tags={"type": "array", "items": TEXT}),
        ),
        "parameter that may be null": lambda d: operation(d, "listRides")["parameters"][0][
            "schema"
        ].update(nullable=True),
    }
)
