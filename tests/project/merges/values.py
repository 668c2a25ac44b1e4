"""What the merge reports and writes about enums and limits."""

from __future__ import annotations

from typing import Any

from tests.project.changes import (
    TEXT,
    Case,
    Entry,
    apart,
    both,
    cases,
    marked,
    of,
    props,
    same,
)
from tests.project.small import properties, schemas

INTEGER = {"type": "integer"}
LIST = {"type": "array", "items": TEXT}
MAP = {"type": "object", "additionalProperties": TEXT}
# A type with the limits that it can have, from loose to tight, or from one to another.
LIMITS: list[tuple[dict[str, Any], str, Any, Any]] = [
    (TEXT, "maxLength", 9, 5),
    (TEXT, "minLength", 2, 4),
    (TEXT, "pattern", "a", "b"),
    (INTEGER, "maximum", 9, -5),
    (INTEGER, "minimum", -2, 4),
    (INTEGER, "exclusiveMaximum", 9, 5),
    (INTEGER, "exclusiveMinimum", 2, 4),
    (INTEGER, "multipleOf", 2, 4),
    (INTEGER, "enum", [1, 2], [1]),
    (LIST, "maxItems", 9, 5),
    (LIST, "minItems", 2, 4),
    (LIST, "uniqueItems", False, True),
    (MAP, "maxProperties", 9, 5),
    (MAP, "minProperties", 2, 4),
]


def limits() -> dict[str, Entry]:
    """Each limit of a request property: tighter, looser, new and removed; and tighter for a response."""
    entries: dict[str, Entry] = {}
    for kind, key, loose, tight in LIMITS:
        loosely, tightly = (
            props("Trip", tags={**kind, key: value, "description": "T."})
            for value in (loose, tight)
        )
        none = props("Trip", tags={**kind, "description": "T."})
        received = tuple(props("Bike", model={**kind, key: value}) for value in (loose, tight))
        entries |= {
            f"{key} tighter": (loosely, tightly),
            f"{key} looser": (tightly, loosely),
            f"{key} new": (none, tightly),
            f"{key} removed": (tightly, none),
            f"{key} tighter in a response": (received[0], received[1]),
        }
    return entries


def sized(ours: dict[str, Any], theirs: dict[str, Any]) -> Entry:
    """A number that is sent."""
    return of("listRides", "size", schema=ours), of("listRides", "size", schema=theirs)


def named(ours: dict[str, Any], theirs: dict[str, Any]) -> Entry:
    """A text that is sent."""
    return of("listRides", "city", schema=ours), of("listRides", "city", schema=theirs)


def enum(name: str, *values: Any, **more: Any) -> Any:
    return lambda d: schemas(d)[name].update(enum=list(values), **more)


def shared(*values: str) -> Any:
    """An enum that a request and a response share."""
    return both(
        props("Trip", tags={"$ref": "#/components/schemas/Tag"}),
        lambda d: schemas(d).update(
            Tag={"type": "string", "x-togai-open": True, "enum": list(values)}
        ),
    )


def received(*values: str) -> Any:
    """The response has an enum of its own instead of the one that it shares with a request."""

    def change(d: Any) -> None:
        shared("A", "B")(d)
        schemas(d)["Back"] = {**schemas(d)["Trip"], "properties": dict(properties(d, "Trip"))}
        properties(d, "Back")["tags"] = {"type": "string", "enum": list(values)}
        properties(d, "Ride")["trip"] = {"$ref": "#/components/schemas/Back"}

    return change


LISTED = {**TEXT, "enum": ["A", "B"]}
CASES = cases(
    {
        **limits(),
        # Which numbers are limits
        "a fraction that is whole": sized({**INTEGER, "maximum": 5}, {**INTEGER, "maximum": 5.0}),
        "a fraction": sized({**INTEGER, "maximum": 5}, {**INTEGER, "maximum": 5.5}),
        "a fraction as a length": named(TEXT, {**TEXT, "maxLength": 5.5}),
        "a negative length": named({**TEXT, "maxLength": 5}, {**TEXT, "maxLength": -1}),
        "a length of zero": named(TEXT, {**TEXT, "maxLength": 0}),
        "a length of at least zero": named(TEXT, {**TEXT, "minLength": 0}),
        "a number of at least zero": sized(INTEGER, {**INTEGER, "minimum": 0}),
        "a number of at most zero": sized(INTEGER, {**INTEGER, "maximum": 0}),
        "a flag as a limit": sized(INTEGER, {**INTEGER, "maximum": True}),
        "a text as a limit": named({**TEXT, "maxLength": 5}, {**TEXT, "maxLength": "5"}),
        "a number as a pattern": named({**TEXT, "pattern": "a"}, {**TEXT, "pattern": 5}),
        "a flag as a pattern": named(TEXT, {**TEXT, "pattern": True}),
        "a text that lists numbers": sized(INTEGER, {**INTEGER, "enum": "12"}),
        "no number that is listed": sized(INTEGER, {**INTEGER, "enum": []}),
        "no number but null that is listed": sized(INTEGER, {**INTEGER, "enum": [None]}),
        "numbers listed beside null": sized(INTEGER, {**INTEGER, "enum": [1, None]}),
        "a number that is the only one": sized(INTEGER, {**INTEGER, "const": 1}),
        "a flag that is the only one": sized(
            {"type": "boolean"}, {"type": "boolean", "const": True}
        ),
        "numbers listed beside a text": sized(INTEGER, {**INTEGER, "enum": [1, "a"]}),
        "numbers listed in another order": sized(
            {**INTEGER, "enum": [1, 2]}, {**INTEGER, "enum": [2, 1]}
        ),
        "a huge number": sized(INTEGER, {**INTEGER, "maximum": 10**300}),
        "a number that is almost huge": sized(INTEGER, {**INTEGER, "maximum": 10**300 - 1}),
        "a huge negative number": sized(INTEGER, {**INTEGER, "minimum": -(10**301)}),
        "a text that says whether items are unique": (
            props("Trip", tags=LIST),
            props("Trip", tags={**LIST, "uniqueItems": "true"}),
        ),
        # Exclusive limits
        "an exclusive limit beside a lower one": sized(
            {**INTEGER, "maximum": 50}, {**INTEGER, "maximum": 7, "exclusiveMaximum": 20}
        ),
        "an exclusive limit beside a higher one": sized(
            {**INTEGER, "maximum": 50}, {**INTEGER, "maximum": 30, "exclusiveMaximum": 20}
        ),
        "a lower exclusive limit beside another": sized(
            {**INTEGER, "minimum": 1}, {**INTEGER, "minimum": 5, "exclusiveMinimum": 3}
        ),
        "a flag that makes a limit exclusive": sized(
            {**INTEGER, "maximum": 50}, {**INTEGER, "maximum": 50, "exclusiveMaximum": True}
        ),
        "a flag that makes a lower limit exclusive": sized(
            {**INTEGER, "minimum": 1}, {**INTEGER, "minimum": 1, "exclusiveMinimum": True}
        ),
        "a flag that makes nothing exclusive": sized(
            INTEGER, {**INTEGER, "exclusiveMaximum": True}
        ),
        "a flag that says that a limit is not exclusive": sized(
            {**INTEGER, "maximum": 50}, {**INTEGER, "maximum": 50, "exclusiveMaximum": False}
        ),
        "an exclusive limit of a number": sized(
            {"type": "number"}, {"type": "number", "exclusiveMaximum": 5}
        ),
        "a number that is not one": sized(INTEGER, {**INTEGER, "maximum": float("nan")}),
        # Limits of several messages
        "limits that differ in two responses": (
            marked("Ride", "id", maxLength=9),
            apart(
                "getRide",
                "Ride",
                marked("Ride", "id", maxLength=12),
                marked("Other", "id", maxLength=7),
            ),
        ),
        "limits that two responses loosen": (
            marked("Ride", "id", maxLength=9, minLength=9),
            apart(
                "getRide",
                "Ride",
                marked("Ride", "id", maxLength=11, minLength=7),
                marked("Other", "id", maxLength=12, minLength=8),
            ),
        ),
        "lower limits that differ in two responses": (
            marked("Ride", "id", minLength=9),
            apart(
                "getRide",
                "Ride",
                marked("Ride", "id", minLength=12),
                marked("Other", "id", minLength=7),
            ),
        ),
        "a limit in one response of two": (
            marked("Ride", "id", maxLength=9),
            apart("getRide", "Ride", marked("Other", "id", maxLength=7)),
        ),
        "patterns that differ in two responses": (
            marked("Ride", "id", pattern="a"),
            apart(
                "getRide",
                "Ride",
                marked("Ride", "id", pattern="b"),
                marked("Other", "id", pattern="c"),
            ),
        ),
        "the same pattern in two responses": (
            marked("Ride", "id", pattern="a"),
            apart(
                "getRide",
                "Ride",
                marked("Ride", "id", pattern="b"),
                marked("Other", "id", pattern="b"),
            ),
        ),
        "a limit that only the request has": (
            props("Trip", tags=LIST),
            both(
                props("Trip", tags={**LIST, "maxItems": 5}),
                lambda d: (
                    schemas(d).update(
                        Back={
                            **schemas(d)["Trip"],
                            "properties": {**properties(d, "Trip"), "tags": LIST},
                        }
                    ),
                    properties(d, "Ride").update(trip={"$ref": "#/components/schemas/Back"}),
                ),
            ),
        ),
        "a limit that a part of our composition has": (
            props("Bike", model={"description": "M.", "allOf": [{**TEXT, "maxLength": 5}]}),
            props("Bike", model={**TEXT, "maxLength": 7}),
        ),
        "a limit of two parts of our composition": (
            props("Bike", model={"allOf": [{**TEXT, "maxLength": 5}, {"minLength": 1}]}),
            props("Bike", model={**TEXT, "maxLength": 7}),
        ),
        "limits of which one is the same": named(
            {**TEXT, "minLength": 1, "maxLength": 5}, {**TEXT, "minLength": 1, "maxLength": 4}
        ),
        "a limit that is not one in one response of two": (
            marked("Ride", "id", maxLength=9),
            apart(
                "getRide",
                "Ride",
                marked("Ride", "id", maxLength="x"),
                marked("Other", "id", maxLength="y"),
            ),
        ),
        "a limit, but held": Case(
            same, marked("RidePage", "next", maxLength=900), holds=("RidePage.next maxLength",)
        ),
        # Enums
        "member new, but held": Case(
            same, enum("RideState", "RUNNING", "DONE", "NEW"), holds=("RideState.NEW",)
        ),
        "member that needs a decision": (
            enum("RideState", "RUNNING", "DONE", **{"x-togai-relied": True}),
            enum("RideState", "RUNNING", "DONE", "NEW"),
        ),
        "member new beside one that is relied on": (
            enum("RideState", "RUNNING", "DONE", **{"x-togai-relied": ["DONE"]}),
            enum("RideState", "RUNNING", "DONE", "NEW"),
        ),
        "member removed that is relied on": (
            enum("RideState", "RUNNING", "DONE", **{"x-togai-relied": ["DONE"]}),
            enum("RideState", "RUNNING"),
        ),
        "member removed of those that are all relied on": (
            enum("RideState", "RUNNING", "DONE", **{"x-togai-relied": True}),
            enum("RideState", "RUNNING"),
        ),
        "member removed beside one that is relied on": (
            enum("RideState", "RUNNING", "DONE", **{"x-togai-relied": ["RUNNING"]}),
            enum("RideState", "RUNNING"),
        ),
        "member with the name of another": enum("RideState", "RUNNING", "DONE", "done"),
        "two members with one name": enum("RideState", "RUNNING", "DONE", "new-one", "new_one"),
        "member that starts with a digit": enum("RideState", "RUNNING", "DONE", "2ND"),
        "member that is not ASCII": enum("RideState", "RUNNING", "DONE", "NEÜ"),
        "member without a letter": enum("RideState", "RUNNING", "DONE", "-"),
        "member that is empty": enum("RideState", "RUNNING", "DONE", ""),
        "members replaced by one": enum("RideState", "OVER"),
        "member replaced by one": enum("RideState", "RUNNING", "OVER"),
        "member replaced by four": enum("RideState", "RUNNING", "D", "C", "B", "A"),
        "member replaced by one in small letters": enum("RideState", "RUNNING", "OVER", "done"),
        "members in another order": enum("RideState", "DONE", "RUNNING"),
        "member twice": enum("RideState", "RUNNING", "DONE", "DONE"),
        "new member twice": enum("RideState", "RUNNING", "DONE", "NEW", "NEW"),
        "member that is null": enum("RideState", "RUNNING", "DONE", None),
        "members that YAML reads as numbers or flags": (
            enum("RideState", "1", "2.5", "true", "NO"),
            enum("RideState", 1, 2.5, True, "NO"),
        ),
        "default that YAML reads as a flag": (
            of("listRides", "city", schema={**TEXT, "default": "true"}),
            of("listRides", "city", schema={**TEXT, "default": True}),
        ),
        "default of a number, with a fraction of zero": (
            of("listRides", "size", schema={**INTEGER, "default": 5}),
            of("listRides", "size", schema={**INTEGER, "default": 5.0}),
        ),
        "member that is a number": enum("RideState", "RUNNING", "DONE", 5),
        "no members listed": lambda d: schemas(d)["RideState"].pop("enum"),
        "no members of a request listed": lambda d: schemas(d)["Action"].pop("enum"),
        "members removed of a response but not of a request": (
            shared("A", "B"),
            received("A"),
        ),
        "members new in a response but not in a request": (
            shared("A", "B"),
            received("A", "B", "C"),
        ),
        "members removed of both": (shared("A", "B"), shared("A")),
        "members new in both": (shared("A", "B"), shared("A", "B", "C")),
        "members listed where a request and a response take any": (
            props("Trip", tags=TEXT),
            props("Trip", tags={**TEXT, "enum": ["B", "A"]}),
        ),
        "members no longer listed by one of two": (
            shared("A", "B"),
            both(received("A", "B"), lambda d: properties(d, "Back").update(tags=TEXT)),
        ),
        "many values of a filter": named(TEXT, {**TEXT, "enum": [f"value-{i}" for i in range(20)]}),
        "values of a filter that our contract lists": named(LISTED, LISTED),
        "a constant": named(LISTED, {**TEXT, "const": "A"}),
        "an enum without a type": named(LISTED, {"enum": ["A", "B"]}),
        "an enum that is not a list": named(LISTED, {**TEXT, "enum": {"A": 1}}),
        "an enum of numbers without a type": named(LISTED, {"enum": [1, 2]}),
    }
)
