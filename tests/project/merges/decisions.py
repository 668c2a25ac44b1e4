"""What the merge reports and writes about one difference at several places, decisions, and the last description."""

from __future__ import annotations

from typing import Any

from tests.project.changes import (
    Case,
    Change,
    Document,
    apart,
    both,
    cases,
    marked,
    media,
    of,
    props,
    required,
    responses,
    same,
)
from tests.project.small import operation, schemas, small

MODEL = "#/components/schemas/Bike/properties/model"
FROM = "#/components/schemas/Trip/properties/from"
NUMBER = {"type": "number"}
NOT_FOUND = {"404": media("application/json", schema={"$ref": "#/components/schemas/Ride"})}


def decided(at: str, vendor: str, **more: str) -> Change:
    """Our contract has recorded a decision."""
    entry = {"at": at, "vendor": vendor, "because": "decided", **more}
    return lambda d: d.setdefault("x-togai-holds", []).append(entry)


def numbered(d: Document) -> None:
    props("Bike", model=NUMBER)(d)


def integers(d: Document) -> None:
    props("Trip", **{"from": {"type": "integer"}})(d)


def apart_from_requests(d: Document) -> None:
    """Only responses have the changed trips."""
    schemas(d)["Sent"] = small()["components"]["schemas"]["Trip"]
    content = operation(d, "fixRides")["requestBody"]["content"]
    content["application/json"]["schema"] = {"$ref": "#/components/schemas/Sent"}


def errors_first(d: Document) -> None:
    """A call has the same schema in an error, which is listed first, and in its success."""
    found = operation(d, "getRide")["responses"]
    operation(d, "getRide")["responses"] = {
        "404": {"description": "None.", **NOT_FOUND["404"]},
        **found,
    }


def errors_last(d: Document) -> None:
    responses("getRide", s404=NOT_FOUND["404"])(d)


def only_there(d: Document) -> None:
    """Only one call has rides."""
    operation(d, "listRides")["responses"].pop("200")
    operation(d, "fixRides")["responses"].pop("200")


def without(name: str, *changes: Change) -> tuple[Change, Change]:
    return both(only_there, *changes), both(
        only_there, *changes, props("Ride", **{name: None}), required("Ride", "state", "at")
    )


def listed(texts: str) -> Any:
    return of("listRides", "city", schema={"type": "string", "enum": [*texts]})


CASES = cases(
    {
        # One difference at several places
        "removed from a success and an error": without("id", errors_last),
        "removed from an error and a success": without("id", errors_first),
        "removed from two responses with hints in the second": apart(
            "getRide",
            "Ride",
            props("Ride", bike=None),
            props("Other", bike=None, cycle={"$ref": "#/components/schemas/Bike"}),
        ),
        "removed from two responses with hints in the first": apart(
            "getRide",
            "Ride",
            props("Ride", bike=None, cycle={"$ref": "#/components/schemas/Bike"}),
            props("Other", bike=None),
        ),
        "another type in two ways": apart(
            "getRide",
            "Ride",
            marked("Ride", "id", type="integer"),
            marked("Other", "id", type="boolean"),
        ),
        # Decisions
        "decided": (decided(MODEL, "number", digest="17b4b7ab"), numbered),
        "decided without a digest": (decided(MODEL, "number"), numbered),
        "decided for responses, and now in the request": Case(
            decided(FROM, "integer"), integers, last=both(integers, apart_from_requests)
        ),
        "decided for both, as before": Case(decided(FROM, "integer"), integers, last=integers),
        "default of a response, and now of the request": Case(
            same,
            marked("Trip", "stops", default=["here"]),
            last=both(marked("Trip", "stops", default=["here"]), apart_from_requests),
        ),
        "decided about another digest": (decided(MODEL, "number", digest="0"), numbered),
        "decided about another type": (decided(MODEL, "boolean"), numbered),
        "decided about two other types": (
            both(decided(MODEL, "boolean"), decided(MODEL, "integer")),
            numbered,
        ),
        "decided about another place": (decided(f"{MODEL}/x", "number"), numbered),
        "decided, and again": Case(decided(MODEL, "number"), numbered, holds=("Bike.model",)),
        "decided, and there is no difference any more": (decided(MODEL, "number"), same),
        "decided about an addition": (
            decided("#/components/schemas/Bike/properties/gear", "number"),
            props("Bike", gear=NUMBER),
        ),
        "decided by a hold of all above": Case(same, numbered, holds=("#/components/schemas",)),
        "decided by two holds": Case(same, numbered, holds=("Bike", "Bike.model")),
        "decided about one of two": Case(
            same, both(numbered, of("listRides", "city", required=True)), holds=("Bike",)
        ),
        "hold of nothing beside an addition": Case(
            same, props("Bike", gear=NUMBER), holds=("Bike.model",)
        ),
        # The last description
        "conflict that the last description had": Case(same, numbered, last=numbered),
        "conflict that the last description had otherwise": Case(
            same, numbered, last=props("Bike", model={"type": "boolean"})
        ),
        "conflict that the last description did not have": Case(same, numbered, last=same),
        "conflict that the last description had, decided": Case(
            decided(MODEL, "number"), numbered, last=numbered
        ),
        "held, as in the last description": Case(
            same, required("Ride", "id"), last=required("Ride", "id")
        ),
        "removed value, as in the last description": Case(same, listed("A"), last=listed("A")),
        "limit of a response that the last description had": Case(
            same,
            marked("RidePage", "next", maxLength=5),
            last=marked("RidePage", "next", maxLength=5),
        ),
        "limit of a response that the last description did not have": Case(
            same, marked("RidePage", "next", maxLength=5), last=same
        ),
        "limit of a request that the last description had": Case(
            same,
            of("listRides", "size", schema={"type": "integer", "maximum": 5}),
            last=of("listRides", "size", schema={"type": "integer", "maximum": 5}),
        ),
        "addition that the last description had": Case(
            same, props("Bike", gear=NUMBER), last=props("Bike", gear=NUMBER)
        ),
        "left out, as in the last description": Case(
            same, props("Bike", Model=NUMBER), last=props("Bike", Model=NUMBER)
        ),
        "error body, as in the last description": Case(
            same, responses("listRides", s422={}), last=responses("listRides", s422={})
        ),
        "error body, not as in the last description": Case(
            same, responses("listRides", s422={}), last=same
        ),
    }
)
