"""What the merge reports and writes about notations: types, composition, null, defaults and references."""

from __future__ import annotations

from typing import Any

from tests.project.changes import (
    TEXT,
    Change,
    Document,
    Entry,
    both,
    cases,
    of,
    props,
)
from tests.project.small import properties, schemas

INTEGER, NUMBER, NULL = {"type": "integer"}, {"type": "number"}, {"type": "null"}
TIME = {"type": "string", "format": "date-time"}
DATE = {"type": "string", "format": "date"}
LISTED, LESS = {"type": "string", "enum": ["A", "B"]}, {"type": "string", "enum": ["A"]}
BIKE, STOP = ({"$ref": f"#/components/schemas/{name}"} for name in ("Bike", "Stop"))
LIST, MAP = {"type": "array", "items": TEXT}, {"type": "object", "additionalProperties": TEXT}

BICYCLES: dict[str, dict[str, Any]] = {
    "the same property": {},
    "another property": {"gears": INTEGER},
    "another type": {"model": INTEGER},
    "a property that may be null": {"model": {**TEXT, "nullable": True}},
}

FROM, YYY, ZZZ = ({"required": [name]} for name in ("from", "yyy", "zzz"))
# What no request, or not every request, contains.
UNMET: dict[str, dict[str, Any]] = {
    "required names that are not sent": {"anyOf": [YYY, ZZZ]},
    "required names that are not sent, or exactly one": {"oneOf": [YYY, ZZZ]},
    "required names that are not sent, in a composition": {"allOf": [{"anyOf": [YYY, ZZZ]}]},
    "required names that are not sent, in a choice": {"anyOf": [YYY, {"oneOf": [ZZZ, YYY]}]},
    "the same required name twice": {"anyOf": [YYY, YYY]},
    "a required name that is not always sent": {"anyOf": [{"required": ["stops"]}, YYY]},
    "a required name with another": {"anyOf": [{"required": ["from", "yyy"]}, ZZZ]},
    "a required name or none": {"anyOf": [{"required": []}, ZZZ]},
    "required names, one of which has an alternative": {
        "anyOf": [{"allOf": [{"anyOf": [FROM, YYY]}, ZZZ]}, {"required": ["www"]}]
    },
    "required names of which one has an alternative and is sent": {
        "anyOf": [{"allOf": [{"anyOf": [FROM, YYY]}, FROM]}, ZZZ]
    },
    "a required name, or one that another requires": {
        "anyOf": [{**ZZZ, "dependentRequired": {"from": ["yyy"]}}, {"required": ["www"]}]
    },
}


def newer(d: Document) -> None:
    d["openapi"] = "3.1.0"


def bicycle(more: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"model": TEXT, **more}}


def sent(ours: Any, theirs: Any, *more: Change) -> Entry:
    """A parameter."""
    change = of("listRides", "city", schema=theirs)
    return of("listRides", "city", schema=ours), both(change, *more)


def read(ours: Any, theirs: Any, *more: Change) -> Entry:
    """A property of a response."""
    return props("Bike", model=ours), both(props("Bike", model=theirs), *more)


def schema(name: str, described: Any) -> Change:
    return lambda d: schemas(d).update({name: described})


def bike(**more: Any) -> Change:
    """The schema of a bike in other words."""
    return lambda d: schemas(d).update(Bike={"properties": properties(d, "Bike"), **more})


def trip(**more: Any) -> Change:
    """More in the schema of a trip."""
    return lambda d: schemas(d)["Trip"].update(more)


CASES = cases(
    {
        # Types
        "one type in a list": read(TEXT, {"type": ["string"]}),
        "a type and null": read(TEXT, {"type": ["string", "null"]}),
        "null and a type": read(TEXT, {"type": ["null", "string"]}),
        "two types": read(TEXT, {"type": ["string", "integer"]}),
        "two types in another order": read(
            {"type": ["string", "integer"]}, {"type": ["integer", "string"]}
        ),
        "two types and null": read(
            {"type": ["string", "integer"]}, {"type": ["string", "null", "integer"]}
        ),
        "no type in a list": read(TEXT, {"type": []}),
        "only null": read(TEXT, NULL),
        "any value": read(TEXT, {}),
        "any value on both sides": read({}, {"description": "x"}),
        "true as a schema": read({}, True),
        "false as a schema": read(TEXT, False),
        "nothing allowed": read(TEXT, {"not": {}}),
        "something forbidden": read(TEXT, {"not": NUMBER}),
        "something forbidden of a type": read(TEXT, {**TEXT, "not": LISTED}),
        "a type that is not one": read(TEXT, {"type": 5}),
        "items without a type": read(LIST, {"items": TEXT}),
        "a list of anything": read({"type": "array"}, {"type": "array", "items": {}}),
        "a list of anything that had items": read(LIST, {"type": "array"}),
        "additional properties without a type": read(MAP, {"additionalProperties": TEXT}),
        "a map of anything": read(MAP, {"type": "object", "additionalProperties": True}),
        "an object with an empty schema for others": read(
            MAP, {"type": "object", "additionalProperties": {}}
        ),
        "an object that is closed": read(MAP, {"type": "object", "additionalProperties": False}),
        "an object that is closed, without a type": read(MAP, {"additionalProperties": False}),
        "a map with a property": read(MAP, {**MAP, "properties": {"a": TEXT}}),
        "a map with no property": read(MAP, {**MAP, "properties": {}}),
        "items beside a type of text": read(TEXT, {**TEXT, "items": TEXT}),
        "values of a boolean": read({"type": "boolean"}, {"type": "boolean", "enum": [True]}),
        "a number that may be a word": read(
            {"type": "string", "enum": ["1", "2"]}, {"type": "string", "enum": [1, 2]}
        ),
        "values with null": read(LISTED, {"type": "string", "enum": ["A", "B", None]}),
        # Formats
        "a format of ours": read({**TEXT, "x-togai-format": "uuid"}, {**TEXT, "format": "uuid"}),
        "a format of ours beside another": read(
            {**TEXT, "format": "date", "x-togai-format": "uuid"}, {**TEXT, "format": "uuid"}
        ),
        "an empty format": read(TEXT, {**TEXT, "format": ""}),
        # Choices
        "a choice of one": read(TEXT, {"oneOf": [TEXT]}),
        "a choice of one that has a format": read(DATE, {"anyOf": [DATE]}),
        "a choice of one or null": read(TEXT, {"oneOf": [TEXT, NULL]}),
        "a choice of null or one": read(TEXT, {"anyOf": [NULL, TEXT]}),
        "a choice of one that may be null": read(TEXT, {"oneOf": [{**TEXT, "nullable": True}]}),
        "a choice of two that are the same": read(DATE, {"oneOf": [DATE, dict(DATE)]}),
        "a choice of two formats": read(TEXT, {"oneOf": [TEXT, DATE]}),
        "a choice of two patterns": sent(
            {**TEXT, "maxLength": 5},
            {"anyOf": [{**TEXT, "maxLength": 5, "pattern": each} for each in "ab"]},
        ),
        "a choice of two patterns in a response": read(
            TEXT, {"anyOf": [{**TEXT, "pattern": each} for each in "ab"]}
        ),
        "a choice of the same limit twice": sent(
            {**TEXT, "maxLength": 5}, {"oneOf": [{**TEXT, "maxLength": 5}] * 2}
        ),
        "a choice of required names": trip(anyOf=[{"required": ["from"]}, {"required": ["stops"]}]),
        **{f"a choice of {name}": trip(**more) for name, more in UNMET.items()},
        "a choice of required names of a map": lambda d: properties(d, "Trip")["tags"].update(
            anyOf=[{"required": ["a"]}, {"required": ["b"]}]
        ),
        "a required name of a map": lambda d: properties(d, "Trip")["tags"].update(required=["a"]),
        "a choice of required names in a response": lambda d: schemas(d)["Ride"].update(
            anyOf=[{"required": ["yyy"]}, {"required": ["zzz"]}]
        ),
        "names required beside one that is always sent": trip(
            dependentRequired={"from": ["to", "via"]}
        ),
        "names required beside one that is not always sent": trip(
            dependentRequired={"stops": ["from", "via"]}
        ),
        "names required beside one that is new": both(
            props("Trip", to=TEXT),
            lambda d: schemas(d)["Trip"].update(dependentRequired={"to": ["via"], "via": ["to"]}),
        ),
        # Other kinds in a request
        "anything in a request": sent(TEXT, {}),
        "anything with a limit in a request": sent(TEXT, {"maxLength": 5}),
        "anything with the same limit in a request": sent(
            {**TEXT, "maxLength": 5}, {"maxLength": 5}
        ),
        "a number in a request": sent({**INTEGER, "maximum": 5}, {**NUMBER, "maximum": 5}),
        "a number with another limit in a request": sent(INTEGER, {**NUMBER, "maximum": 5}),
        "an integer in a request": sent(NUMBER, INTEGER),
        "a time or a date in a request": sent(TIME, {"oneOf": [TIME, DATE]}),
        "a time or a text in a request": sent(TIME, {"oneOf": [TIME, TEXT]}),
        "a text that was a time in a request": sent(TIME, TEXT),
        "a text that was a date in a response": read(DATE, TEXT),
        "a text or an object in a body": (
            props("Trip", note=TEXT),
            props("Trip", note={"oneOf": [TEXT, STOP]}),
        ),
        "a short text or an object in a body": (
            props("Trip", note=TEXT),
            props("Trip", note={"oneOf": [{**TEXT, "maxLength": 5}, STOP]}),
        ),
        "a choice of two types": read(TEXT, {"oneOf": [TEXT, INTEGER]}),
        "a choice of two types in another order": read(
            {"oneOf": [TEXT, INTEGER]}, {"oneOf": [INTEGER, TEXT]}
        ),
        "a choice of which one may be null": read(
            {"oneOf": [TEXT, INTEGER]}, {"oneOf": [{**TEXT, "nullable": True}, INTEGER]}
        ),
        "a choice of two objects": read(MAP, {"oneOf": [BIKE, STOP]}, bike(type="string")),
        **{
            f"our object or one with {name}": props("Ride", bike={"oneOf": [BIKE, bicycle(more)]})
            for name, more in BICYCLES.items()
        },
        "our object or one without a property": props("Ride", bike={"anyOf": [BIKE, STOP]}),
        "our object, another one, or null": props(
            "Ride", bike={"oneOf": [BIKE, bicycle({}), NULL]}
        ),
        "our object, or any": props("Ride", bike={"oneOf": [BIKE, {"type": "object"}]}),
        "our object, or any, in a request": props(
            "Trip", stops={"type": "array", "items": {"oneOf": [STOP, {"type": "object"}]}}
        ),
        "any object, or one with a property": read(
            {"type": "object"}, {"oneOf": [{"type": "object"}, STOP]}
        ),
        "our object in a choice within a choice": props(
            "Ride", bike={"oneOf": [{"anyOf": [BIKE, bicycle({})]}, bicycle({"gears": INTEGER})]}
        ),
        "two types in a choice within a choice": read(
            {"oneOf": [TEXT, INTEGER, NUMBER]}, {"oneOf": [{"anyOf": [TEXT, INTEGER]}, NUMBER]}
        ),
        "a list of types within a choice": read(
            {"oneOf": [TEXT, INTEGER, NUMBER]}, {"oneOf": [{"type": ["string", "integer"]}, NUMBER]}
        ),
        "another type in a choice within a choice": read(
            {"oneOf": [TEXT, INTEGER]}, {"oneOf": [{"anyOf": [TEXT, INTEGER]}, NUMBER]}
        ),
        "our object composed with a choice": props(
            "Ride", bike={"allOf": [BIKE, {"oneOf": [bicycle({"gears": INTEGER}), STOP]}]}
        ),
        "our object composed with a choice, or null": props(
            "Ride", bike={"allOf": [BIKE, {"oneOf": [bicycle({}), STOP, NULL]}]}
        ),
        "our object composed with two choices": props(
            "Ride",
            bike={"allOf": [{"oneOf": [BIKE, bicycle({})]}, {"anyOf": [STOP, bicycle({})]}]},
        ),
        "our object composed with choices of more than a hundred objects": props(
            "Ride",
            bike={"allOf": [{"oneOf": [BIKE, *([bicycle({})] * 10)]}] * 2},
        ),
        "half of our object beside a choice with the other half": props(
            "Ride",
            bike={
                "type": "object",
                "oneOf": [bicycle({}), bicycle({"gears": INTEGER})],
            },
        ),
        "a property that only one object of a composed choice has": props(
            "Ride", bike={"allOf": [STOP, {"oneOf": [BIKE, {"type": "object"}]}]}
        ),
        "another type in a composed choice": props(
            "Ride", bike={"allOf": [STOP, {"oneOf": [BIKE, bicycle({"model": INTEGER})]}]}
        ),
        "a required property of one object of a composed choice in a request": props(
            "Trip",
            stops={
                "type": "array",
                "items": {"allOf": [STOP, {"oneOf": [{**bicycle({}), "required": ["model"]}]}]},
            },
        ),
        "two objects that are not ours, in a request": props(
            "Trip", stops={"type": "array", "items": {"oneOf": [bicycle({}), bicycle({"a": TEXT})]}}
        ),
        "our object or another one in a request": props(
            "Trip", stops={"type": "array", "items": {"oneOf": [bicycle({}), STOP]}}
        ),
        "our object with a required property, or another one in a request": props(
            "Trip",
            stops={
                "type": "array",
                "items": {"oneOf": [bicycle({}), {"allOf": [STOP], "required": ["at"]}]},
            },
        ),
        "a choice of two maps": read(MAP, {"oneOf": [MAP, dict(MAP)]}),
        "a choice of two lists": read(LIST, {"oneOf": [LIST, dict(LIST)]}),
        "a choice of objects of which one has another property": read(
            {"oneOf": [LIST, {"type": "object", "properties": {"a": TEXT}}]},
            {"oneOf": [LIST, {"type": "object", "properties": {"a": NUMBER}}]},
        ),
        "a choice of lists of which one has other items": read(
            {"oneOf": [LIST, TEXT]}, {"oneOf": [{"type": "array", "items": NUMBER}, TEXT]}
        ),
        "a choice of maps of which one has other values": read(
            {"oneOf": [MAP, TEXT]},
            {"oneOf": [{"type": "object", "additionalProperties": NUMBER}, TEXT]},
        ),
        "a choice of nothing": read(TEXT, {"oneOf": []}),
        "a choice of null only": read(TEXT, {"oneOf": [NULL]}),
        "a choice of two values": read(LISTED, {"oneOf": [{"const": "A"}, {"const": "B"}]}),
        "a choice of a value and any": read(LISTED, {"oneOf": [{"const": "A"}, TEXT]}),
        "a choice of values that may be null": read(
            LISTED, {"oneOf": [LESS, {"enum": ["B", None]}]}
        ),
        "a choice that nothing fits": read(TEXT, {"oneOf": [{"not": {}}, TEXT]}),
        "two choices": read(TEXT, {"oneOf": [TEXT], "anyOf": [TEXT]}),
        "two choices of types in a request": sent(
            TEXT, {"oneOf": [TEXT, INTEGER], "anyOf": [{"type": "boolean"}, INTEGER]}
        ),
        "a choice of a length": sent(
            {**TEXT, "maxLength": 5}, {"oneOf": [{**TEXT, "maxLength": 4}]}
        ),
        # Compositions
        "a composition of one": read(TEXT, {"allOf": [TEXT]}),
        "a composition of nothing": read({}, {"allOf": []}),
        "a composition of two types": read(TEXT, {"allOf": [TEXT, INTEGER]}),
        "a composition of a number and an integer": read(INTEGER, {"allOf": [NUMBER, INTEGER]}),
        "a composition of an object and a map": read(
            {"type": "object"}, {"allOf": [{"type": "object"}, MAP]}
        ),
        "a composition of a list and its type": read(LIST, {"allOf": [{"maxItems": 5}, LIST]}),
        "a composition with a format": read(DATE, {"allOf": [TEXT, {"format": "date"}]}),
        "a composition of two formats": read(DATE, {"allOf": [DATE, {**TEXT, "format": "time"}]}),
        "a composition that may be null": read(TEXT, {"allOf": [{**TEXT, "nullable": True}]}),
        "a composition that may be null by itself": read(TEXT, {"allOf": [TEXT], "nullable": True}),
        "a composition that is read-only": read(TEXT, {"allOf": [TEXT], "readOnly": True}),
        "a composition that is write-only": read(TEXT, {"allOf": [{**TEXT, "writeOnly": True}]}),
        "a composition of values": sent(LISTED, {"allOf": [LISTED, LESS]}),
        "a composition of values and a text": sent(LISTED, {"allOf": [TEXT, LISTED]}),
        "a composition with a lower limit": sent(
            {**TEXT, "maxLength": 9}, {"allOf": [{**TEXT, "maxLength": 7}, {"maxLength": 5}]}
        ),
        "a composition with a higher limit": sent(
            {**TEXT, "maxLength": 9}, {"allOf": [{**TEXT, "maxLength": 7}, {"maxLength": 8}]}
        ),
        "a composition with lower and higher limits": sent(
            {**TEXT, "minLength": 1}, {"allOf": [{**TEXT, "minLength": 2}, {"minLength": 3}]}
        ),
        "a composition with two patterns": sent(
            {**TEXT, "pattern": "a"}, {"allOf": [{**TEXT, "pattern": "a"}, {"pattern": "b"}]}
        ),
        "a composition with a limit that is a word": sent(
            {**TEXT, "maxLength": 5}, {"allOf": [TEXT, {"maxLength": "x"}]}
        ),
        "a composition with what is not compared": sent(
            TEXT, {"allOf": [TEXT, {"contentEncoding": "base64"}]}
        ),
        "a composition with required names": props(
            "Ride", bike={"allOf": [BIKE, {"required": ["model"]}]}
        ),
        "a composition that is closed": props(
            "Ride", bike={"allOf": [BIKE, {"additionalProperties": False}]}
        ),
        "a composition of two objects": props("Ride", bike={"allOf": [BIKE, STOP]}),
        "a composition that describes a property twice": props(
            "Ride",
            bike={"allOf": [BIKE, {"properties": {"model": {"readOnly": True, "maxLength": 5}}}]},
        ),
        "a composition of a choice": read(TEXT, {"allOf": [{"oneOf": [TEXT, NULL]}]}),
        "a new composition": props(
            "Bike",
            maker={"allOf": [STOP, {"type": "object", "properties": {"city": TEXT}}]},
        ),
        "a new composition with a description": props(
            "Bike",
            maker={
                "allOf": [STOP, {"type": "object", "properties": {"city": TEXT}}],
                "description": "Who made it.",
            },
        ),
        "deprecated beside a composition": read(TEXT, {"allOf": [TEXT], "deprecated": True}),
        "deprecated in a composition": read(TEXT, {"allOf": [{**TEXT, "deprecated": True}]}),
        "deprecated beside a reference": props("Ride", bike={**BIKE, "deprecated": True}),
        "deprecated component": lambda d: schemas(d)["Bike"].update(deprecated=True),
        "a new reference with a description": props(
            "Bike", maker={"allOf": [STOP], "description": "Who made it."}
        ),
        "a new choice": props("Bike", size={"oneOf": [INTEGER, NULL], "description": "In cm."}),
        # Defaults
        "a default beside a reference": sent(LISTED, {"allOf": [LISTED], "default": "A"}),
        "a default beside a composition": sent(
            TEXT, {"allOf": [{**TEXT, "default": "A"}, {"maxLength": 5}], "default": "B"}
        ),
        "a default in a composition": sent(TEXT, {"allOf": [{**TEXT, "default": "A"}]}),
        "a default beside a choice": sent(TEXT, {"oneOf": [TEXT], "default": "A"}),
        "a default of ours": sent({**TEXT, "x-togai-default": "A"}, {**TEXT, "default": "A"}),
        "a default of ours beside another": sent(
            {**TEXT, "default": "A", "x-togai-default": "B"}, {**TEXT, "default": "A"}
        ),
        **{
            f"a new property with the default {value!r}": props(
                "Trip", toll={"description": "T.", "default": value}
            )
            for value in (None, False, "", 0, [], {}, True, "a", 1, ["a"], {"a": 1})
        },
        # References
        "a description beside a reference": props("Ride", bike={**BIKE, "description": "B."}),
        "null beside a reference": props("Ride", bike={**BIKE, "nullable": True}),
        "null beside a reference in the newer dialect": both(
            newer, props("Ride", bike={**BIKE, "type": ["object", "null"]})
        ),
        "a limit beside a reference in the newer dialect": sent(
            {**TEXT, "maxLength": 9},
            {"$ref": "#/components/schemas/City", "maxLength": 5},
            newer,
            schema("City", {**TEXT, "maxLength": 9}),
        ),
        "a limit beside a reference": sent(
            {**TEXT, "maxLength": 9},
            {"$ref": "#/components/schemas/City", "maxLength": 5},
            schema("City", {**TEXT, "maxLength": 9}),
        ),
        "a reference to a reference": sent(
            TEXT,
            {"$ref": "#/components/schemas/City"},
            schema("City", {"$ref": "#/components/schemas/Name"}),
            schema("Name", {**TEXT, "maxLength": 5}),
        ),
        "a reference with escaped characters": sent(
            TEXT,
            {"$ref": "#/components/schemas/a~1b~0c%20d"},
            schema("a/b~c d", {**TEXT, "maxLength": 5}),
        ),
        "a reference into a list": sent(
            TEXT,
            {"$ref": "#/components/schemas/City/oneOf/1"},
            schema("City", {"oneOf": [INTEGER, {**TEXT, "maxLength": 5}]}),
        ),
        "a deprecated reference": (
            props("Trip", bike=BIKE),
            props("Trip", bike={**BIKE, "deprecated": True}),
        ),
        "a default of the items of a sent list": (
            props("Trip", tags=LIST),
            props("Trip", tags={**LIST, "items": {**TEXT, "default": "x"}}),
        ),
        "a default of the sent object": lambda d: schemas(d)["Trip"].update(default={"from": "x"}),
        "a new reference": both(
            props("Bike", maker={"$ref": "#/components/schemas/Maker"}),
            schema("Maker", {"type": "object", "properties": {"name": TEXT}}),
        ),
        "a new reference to a property": props(
            "Stop", at={"$ref": "#/components/schemas/RidePage/properties/next"}
        ),
    }
)
