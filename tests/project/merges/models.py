"""What the merge writes to the contract for new schemas: their names, texts, values, and what is left out."""

from __future__ import annotations

from typing import Any

from tests.project.changes import (
    TEXT,
    Case,
    Change,
    Document,
    both,
    cases,
    props,
    same,
)
from tests.project.small import operation, properties, schemas

NUMBER = {"type": "number"}
STATE = {"$ref": "#/components/schemas/RideState"}
SIZE = {"$ref": "#/components/schemas/Size"}
ACTION = {"$ref": "#/components/schemas/Action"}


def text(description: str) -> Change:
    return props("Bike", note={**TEXT, "description": description})


def boxed(**named: Any) -> dict[str, Any]:
    return {"type": "object", "properties": named or {"a": TEXT}}


def listed(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": [*values]}


def listing(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def mapping(values: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


def deep(levels: int, inner: dict[str, Any]) -> dict[str, Any]:
    for _ in range(levels):
        inner = listing(inner)
    return inner


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = boxed()
    for _ in range(levels):
        inner = boxed(a=inner)
    return inner


def named(name: str, schema: Any, *, at: str = "gear", of_: str = "Bike") -> Change:
    """A new schema with a name, and a property with it."""

    def change(d: Document) -> None:
        schemas(d)[name] = schema
        properties(d, of_)[at] = {"$ref": f"#/components/schemas/{name}"}

    return change


CASES = cases(
    {
        # Texts
        "text on many lines": text(" One\n\n two\tthree.  "),
        "text with quotes and backslashes": text("a \"\"\" b ''' c \\ d \" e ' f"),
        "text with characters that are not printable": text("a\x00b\u202ec\u2028d"),
        "text of 500 characters": text("x" * 500),
        "text of 501 characters": text("x" * 501),
        "text that is cut after a blank": text("x" * 495 + " " + "y" * 10),
        "text that is empty": text(" \n "),
        # Names of properties
        "name of 200 characters": props("Bike", **{"x" * 200: TEXT}),
        "name of 201 characters": props("Bike", **{"x" * 201: TEXT}),
        "name with a digit": props("Bike", **{"2": TEXT}),
        "name with a quote": props("Bike", **{'a"': TEXT}),
        "name with a backslash": props("Bike", **{"a\\": TEXT}),
        "name in another script": props("Bike", größe=TEXT),
        # Formats
        "format of 200 characters": props("Bike", a={**TEXT, "format": "x" * 200}),
        "format of 201 characters": props("Bike", a={**TEXT, "format": "x" * 201}),
        "format that is not printable": props("Bike", a={**TEXT, "format": "a\nb"}),
        "format that is binary": props("Bike", a={**TEXT, "format": "binary"}),
        "format of a number": props("Bike", a={**NUMBER, "format": "float"}),
        # Limits
        "limits of a text": props("Bike", a={**TEXT, "maxLength": 5, "minLength": 1}),
        "limits of a list": props("Bike", a={**listing(TEXT), "maxItems": 5, "uniqueItems": True}),
        "limits of a map": props("Bike", a={**mapping(TEXT), "maxProperties": 5}),
        # Kinds
        "each kind": props(
            "Bike",
            a={"type": "integer"},
            b={"type": "boolean"},
            c=NUMBER,
            d=listing(NUMBER),
            e=mapping(NUMBER),
            f={"type": "object"},
            g={"type": "object", "additionalProperties": False},
        ),
        "kinds without a model": props("Bike", a={}, b=listing({}), c=mapping({"not": {}})),
        "list of lists": props("Bike", a=listing(listing(TEXT))),
        "map of maps of lists": props("Bike", a=mapping(mapping(listing(TEXT)))),
        "list of objects": props("Bike", a=listing(boxed())),
        "map of objects": props("Bike", a=mapping(boxed())),
        "list of values": props("Bike", a=listing(listed("A", "B"))),
        "lists in 19 lists": props("Bike", a=deep(19, TEXT)),
        "lists in 20 lists": props("Bike", a=deep(20, TEXT)),
        "lists in 21 lists": props("Bike", a=deep(21, TEXT)),
        "objects in 20 objects": props("Bike", a=nested(20)),
        # Names of schemas
        "name of its own": named("Gear", boxed()),
        "name of its own with other characters": named("gear_box.v2-x", boxed()),
        "name of its own that starts with digits": named("2gears", boxed()),
        "name of its own that is a word of the modules": named("Mapping", boxed()),
        "name of its own that is a word of the modules, in capitals": named("SEEN", boxed()),
        "name of its own that is ours in capitals": named("BIKE", boxed()),
        "name of its own that a map has": both(
            named("BikeSizes", boxed()), props("Bike", sizes=mapping(NUMBER))
        ),
        "name of its own that a list of maps has": both(
            named("BikeSizesItem", boxed()), props("Bike", sizes=listing(mapping(NUMBER)))
        ),
        "name of its own that a map of maps has": both(
            named("BikeSizesAdditionalProperty", boxed()),
            props("Bike", sizes=mapping(mapping(NUMBER))),
        ),
        "name of its own that the map has in which it is": both(
            lambda d: schemas(d).update(BikeSizes=boxed()),
            props("Bike", sizes=mapping({"$ref": "#/components/schemas/BikeSizes"})),
        ),
        "name of its own that a map in it has": named(
            "BikeGear", boxed(sizes=mapping(NUMBER), gear=boxed())
        ),
        "name of its own that is long": named("x" * 90, boxed()),
        "names that are all taken": (
            lambda d: schemas(d).update(BikeGear=boxed(), BikeGear2=boxed()),
            both(
                lambda d: schemas(d).update(BikeGear=boxed(), BikeGear2=boxed()),
                props("Bike", gear=boxed(b=TEXT)),
            ),
        ),
        "name without a letter": props("Bike", **{"1": boxed()}),
        "object in an object": props("Bike", gear=boxed(size=boxed())),
        "object in a new object with a name": named("Gear", boxed(size=boxed())),
        "closed object": props("Bike", gear={**boxed(), "additionalProperties": False}),
        "described object": props("Bike", gear={**boxed(), "description": "Its gear."}),
        "the same object twice": both(
            named("Gear", boxed()), props("Ride", gear={"$ref": "#/components/schemas/Gear"})
        ),
        "the same object in a new object": both(
            named("Gear", boxed(a=SIZE, b=SIZE)), lambda d: schemas(d).update(Size=boxed())
        ),
        # Schemas that contain themselves
        "list of itself": named(
            "Gear", boxed(parts=listing({"$ref": "#/components/schemas/Gear"}))
        ),
        "map of itself": named("Gear", boxed(parts=mapping({"$ref": "#/components/schemas/Gear"}))),
        "list that is its own item": named(
            "Gears", {"type": "array", "items": {"$ref": "#/components/schemas/Gears"}}
        ),
        "object of its owner": named(
            "Gear", boxed(bike={"$ref": "#/components/schemas/Bike"}, a=TEXT)
        ),
        "object of the owner of its owner": named(
            "Gear", boxed(ride={"$ref": "#/components/schemas/Ride"}, a=TEXT)
        ),
        "its owner": props("Bike", other={"$ref": "#/components/schemas/Bike"}),
        "a list of its owner": props("Bike", others=listing({"$ref": "#/components/schemas/Bike"})),
        # Values
        "values": props("Bike", kind=listed("A", "b c", "d-e")),
        "values with the same name": props("Bike", kind=listed("a", "A", "b")),
        "values of which some are not names": props(
            "Bike", kind=listed("a", "1", "", "ä", "x`", "-", "b")
        ),
        "values of a response": props("Bike", kind=STATE),
        "values of a request in a response": props("Bike", kind=ACTION),
        "values of a request": props("Trip", kind=ACTION),
        "values of a response in a request": props("Trip", kind=STATE),
        "new values in a request": props("Trip", kind=listed("A")),
        # Objects of requests
        "required property that has no model": props(
            "Trip", gear={**boxed(a={}, b=TEXT), "required": ["a"]}
        ),
        "required property that has no model, of a response": props(
            "Bike", gear={**boxed(a={}, b=TEXT), "required": ["a"]}
        ),
        "optional property that has no model": props("Trip", gear=boxed(a={}, b=TEXT)),
        "required properties in another order": props(
            "Trip", gear={**boxed(b=TEXT, a=TEXT), "required": ["a", "b", "c"]}
        ),
        "property that is only received": props(
            "Trip", gear=boxed(a={**TEXT, "readOnly": True}, b=TEXT)
        ),
        "property that is only sent": props(
            "Trip", gear=boxed(a={**TEXT, "writeOnly": True}, b=TEXT)
        ),
        "properties with the same name": props("Trip", gear=boxed(a=TEXT, A=TEXT)),
        "object in which an object has no model": props(
            "Bike", gear=boxed(a=boxed(b=TEXT, B=TEXT), c=boxed())
        ),
        "a new schema, but held": Case(same, named("Gear", boxed()), holds=("Bike.gear",)),
        "two new schemas in two calls": both(
            named("Gear", boxed()),
            lambda d: operation(d, "listRides")["parameters"].append(
                {"name": "kind", "in": "query", "schema": listed("A")}
            ),
        ),
    }
)
