"""The canonical form of the vendor's description, its changes, and the digests of what is not compared."""

from __future__ import annotations

import functools
import re
from typing import Any

import pytest
import yaml
from contract import vendor
from contract.load import Unusable, parse
from contract.merge import merge
from contract.normalize import Description
from contract.shapes import Node
from contract.vendor import canonical, changes, digest, dump

from tests.project.changes import (
    PAGE,
    TEXT,
    Change,
    Document,
    both,
    call,
    expected,
    marked,
    media,
    of,
    props,
    renamed_path,
    required,
    responses,
    same,
    security,
    servers,
    write_rows,
    written,
)
from tests.project.small import changed, operation, parameter, properties, schemas, small

INTEGER, NULL = {"type": "integer"}, {"type": "null"}
TREE, LEAF = ({"$ref": f"#/components/schemas/{name}"} for name in ("Tree", "Leaf"))


def form(*parts: Change) -> dict[str, Any]:
    return canonical(small(), Description(changed(both(*parts))))


_before = functools.cache(lambda: form(same))


def boxed(**more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": TEXT}, **more}


def of_body(**more: Any) -> Change:
    """Add to what a request body says beside its schema."""
    body = "requestBody"
    return lambda d: operation(d, "fixRides")[body]["content"]["application/json"].update(more)


def nested(d: Document) -> None:
    """A list of itself, without a name."""
    items: dict[str, Any] = {"type": "array"}
    items["items"] = items
    properties(d, "Bike")["deep"] = items


def tree(d: Document) -> None:
    """An object without a name in our contract that refers to itself."""
    up = {"$ref": "#/components/schemas/Tree"}
    schemas(d)["Tree"] = {"type": "object", "properties": {"up": up}}
    properties(d, "Bike").update(tree=up)


def trees(d: Document) -> None:
    """Two equal objects that each refer to themselves."""
    for name in ("Tree", "Wood"):
        up = {"$ref": f"#/components/schemas/{name}"}
        schemas(d)[name] = {"type": "object", "properties": {"up": up}}
        properties(d, "Bike")[name.lower()] = up


WRITTEN: dict[str, Change] = {
    "title and version": lambda d: d["info"].update(title="Cars", version="1.1"),
    "no title": lambda d: d["info"].pop("title"),
    "servers": servers("https://a.example", "https://b.example/"),
    "server without an address": lambda d: d["servers"].append({"description": "Soon."}),
    "server with variables": lambda d: d["servers"].append(
        {"url": "https://{a}.{b}.{c}", "variables": {"a": {"default": "x"}, "b": {}}}
    ),
    "operationId": call("listRides", operationId="rides"),
    "no operationId": lambda d: operation(d, "listRides").pop("operationId"),
    "deprecated call": call("listRides", deprecated=True),
    "call that is not deprecated": call("listRides", deprecated=False),
    "server of a call": call("listRides", servers=[{"url": "https://b.example"}]),
    "other security": security("key"),
    "summary of a call": call("listRides", summary="All of them."),
    "new status": responses("listRides", s404={}),
    "new status with a body": responses("listRides", s404=media("application/json", schema=PAGE)),
    "other content type": responses("listRides", s200=media("text/csv", schema=TEXT)),
    "required body": lambda d: operation(d, "fixRides")["requestBody"].update(required=True),
    "no body": lambda d: operation(d, "fixRides").pop("requestBody"),
    "call that is not ours": lambda d: d["paths"].update({"/cars": {"get": {"responses": {}}}}),
    "path with another name of a parameter": renamed_path("id"),
    "removed call": lambda d: d["paths"].pop("/rides/fix"),
    "two calls of a path": lambda d: d["paths"].update(
        {"/rides": {**d["paths"]["/rides"], "head": {"responses": {}}}}
    ),
    "required parameter": of("listRides", "city", required=True),
    "path parameter that is not called required": lambda d: parameter(d, "getRide", "ride_id").pop(
        "required"
    ),
    "deprecated parameter": of("listRides", "city", deprecated=True),
    "text with a style": of("listRides", "city", style="form", explode=False, x=5),
    "list with a style": of(
        "listRides", "city", schema={"type": "array"}, style="form", explode=False, x=5
    ),
    "description of a parameter": of("listRides", "city", description="Where."),
    "description beside a reference": lambda d: properties(d, "Ride")["bike"].update(
        description="Beside."
    ),
    "description of a composition of one": lambda d: properties(d, "Ride").update(
        bike={"allOf": [properties(d, "Ride")["bike"]], "description": "Around."}
    ),
    "parameter without a schema": lambda d: parameter(d, "listRides", "city").pop("schema"),
    "parameter as a document": lambda d: parameter(d, "listRides", "city").update(
        content={"text/csv": {}, "application/json": {"schema": TEXT}}
    ),
    "new parameter": lambda d: operation(d, "listRides")["parameters"].insert(
        0, {"name": "at", "in": "query", "schema": {"type": "string", "format": "date"}}
    ),
    "parameter in a header with the same name": lambda d: operation(d, "listRides")[
        "parameters"
    ].insert(0, {"name": "city", "in": "header", "schema": TEXT}),
    "another schema name": lambda d: (
        schemas(d).update(Cycle=schemas(d)["Bike"]),
        properties(d, "Ride").update(bike={"$ref": "#/components/schemas/Cycle"}),
    ),
    "one schema for two of ours": lambda d: (
        schemas(d).update(Thing=boxed()),
        properties(d, "Ride").update(bike={"$ref": "#/components/schemas/Thing"}),
        properties(d, "Trip")["stops"].update(items={"$ref": "#/components/schemas/Thing"}),
    ),
    "null": marked("Bike", "model", nullable=True),
    "read-only": marked("Bike", "model", readOnly=True),
    "write-only": marked("Bike", "model", writeOnly=True),
    "deprecated property": marked("Bike", "model", deprecated=True),
    "property that is not deprecated": marked("Bike", "model", deprecated="yes"),
    "null beside a reference": props(
        "Ride", bike={"allOf": [{"$ref": "#/components/schemas/Bike"}], "nullable": True}
    ),
    "format": marked("Bike", "model", format="uuid"),
    "default": marked("Bike", "model", default="x"),
    "limits": marked("Bike", "model", maxLength=9, minLength=2, pattern="a"),
    "limit that is not one": marked("Bike", "model", maxLength="many"),
    "what is not compared": marked("Bike", "model", contentEncoding="base64"),
    "alternatives that are required": lambda d: schemas(d)["Bike"].update(
        anyOf=[{"required": ["c", "b"]}, {"required": ["a"]}], dependentRequired={"x": ["a", "y"]}
    ),
    "values": lambda d: schemas(d)["RideState"]["enum"].insert(0, "NEW"),
    "values without a name": marked("Bike", "model", enum=["B", "A"]),
    "required properties": required("Bike", "model"),
    "no required properties": required("Ride"),
    "open object": lambda d: schemas(d)["Ride"].pop("additionalProperties"),
    "type that is not one type": props("Bike", model={"type": ["string", "integer"]}),
    "anything": props("Bike", model={}),
    "number": props("Bike", model={"type": "number"}),
    "flag": props("Bike", model={"type": "boolean"}),
    "list": props("Bike", model={"type": "array", "items": TEXT, "maxItems": 5}),
    "map": props("Bike", model={"type": "object", "additionalProperties": TEXT}),
    "object of anything": props("Bike", model={"type": "object"}),
    "new object": props("Bike", maker=boxed(description="Who made it.")),
    "new object with a name": both(
        props("Bike", maker={"$ref": "#/components/schemas/Maker"}),
        lambda d: schemas(d).update(Maker=boxed()),
    ),
    "new object with a name that is ours": both(
        props("Bike", maker={"$ref": "#/components/schemas/Ride"}),
        lambda d: (
            schemas(d).update(Journey=schemas(d)["Ride"], Ride=boxed(description="Another.")),
            properties(d, "RidePage").update(
                rides={"type": "array", "items": {"$ref": "#/components/schemas/Journey"}}
            ),
            operation(d, "getRide")["responses"]["200"]["content"].update(
                {"application/json": {"schema": {"$ref": "#/components/schemas/Journey"}}}
            ),
        ),
    ),
    "two new objects that are the same": props("Bike", a=boxed(), b=boxed()),
    "two new objects that differ": props("Bike", a=boxed(), b=boxed(required=["a"])),
    "object in an object": props("Bike", a=boxed(properties={"b": boxed()})),
    "object that refers to itself": tree,
    "two objects that refer to themselves": trees,
    "two equal objects that refer to the first": lambda d: (
        schemas(d).update(
            Tree=boxed(properties={"up": TREE, "leaf": LEAF}),
            Wood=boxed(properties={"up": TREE, "leaf": LEAF}),
            Leaf=boxed(properties={"wood": {"$ref": "#/components/schemas/Wood"}}),
        ),
        properties(d, "Bike").update(tree=TREE),
    ),
    "two equal objects of which one is used twice": lambda d: (
        schemas(d).update(Leaf=boxed(), Tree=boxed()),
        properties(d, "Bike").update(a=TREE, b=LEAF, c=LEAF),
    ),
    "list of itself": nested,
    "object whose name has no letter": props("Bike", **{"-": boxed()}),
    "wording of a property": marked("Bike", "model", description="What it is."),
    "wording with other blanks": marked("Bike", "model", description=" Its\n  model."),
    "no wording": lambda d: properties(d, "Bike")["model"].pop("description"),
    "example": marked("Bike", "model", example="x"),
    "examples": marked("Bike", "model", examples=["x"]),
    "empty title": marked("Bike", "model", title=""),
    "title": marked("Bike", "model", title="Model"),
    "wording of a schema": lambda d: schemas(d)["Bike"].update(description="Two wheels."),
    "wording of a path": lambda d: d["paths"]["/rides"].update(summary="All about rides."),
    "wording of a security scheme": lambda d: d["components"]["securitySchemes"]["bearer"].update(
        description="Valid for an hour."
    ),
    "terms of service": lambda d: d["info"].update(termsOfService="https://a.example/terms"),
    "wording of tags": lambda d: d.update(tags=[{"name": "Rides", "description": "Ends soon."}]),
    "tag of a call": call("listRides", tags=["Old"]),
    "documentation": lambda d: d.update(externalDocs={"url": "https://a.example"}),
    "wording of a server": lambda d: d["servers"][0].update(description="Ends soon."),
    "wording of a variable of a server": lambda d: d["servers"][0].update(
        variables={"a": {"default": "x", "description": "Ends soon."}}
    ),
    "extension of a server": lambda d: d["servers"][0].update({"x-sunset": "2027-01-01"}),
    "example of a content type": of_body(example={"from": "x"}),
    "examples of a content type": of_body(examples={"one": {"value": {"from": "x"}}}),
    "extension of a content type": of_body(**{"x-sunset": "2027-01-01"}),
    "wording inside a composition": props(
        "Bike", model={"allOf": [{**TEXT, "description": "Its\n name."}]}
    ),
    "wording inside a choice": props("Bike", model={"oneOf": [{**TEXT, "title": "Name"}, NULL]}),
    "wording of something in a property": props(
        "Bike", model={**TEXT, "default": {"description": "x"}}
    ),
    "lengths and numbers of at least zero": both(
        marked("Bike", "model", minLength=0), marked("RidePage", "rides", minItems=0)
    ),
    "extension of a call": call("listRides", **{"x-sunset": "2027-01-01"}),
    "extension of a property": marked("Bike", "model", **{"x-since": 2}),
    "discriminator": lambda d: schemas(d)["Bike"].update(discriminator={"propertyName": "model"}),
    "callbacks and links": both(
        call("listRides", callbacks={"done": {}}),
        responses("getRide", s404={"links": {"next": {"operationId": "listRides"}}}),
    ),
    "characters of a parameter": of("listRides", "city", allowReserved=True),
    "format of a token": lambda d: d["components"]["securitySchemes"]["bearer"].update(
        bearerFormat="JWT"
    ),
    "where tokens come from": lambda d: d["components"]["securitySchemes"]["bearer"].update(
        openIdConnectUrl="https://a.example"
    ),
    "extension of ours": marked("Bike", "model", **{"x-togai-since": 2}),
    "headers of a response": responses(
        "listRides",
        s200={
            **media("application/json", schema=PAGE),
            "description": "Rides.",
            "headers": {
                "X-Rate-Left": {"schema": {"type": "integer"}, "required": True},
                "Sunset": {"description": "When it ends.", "deprecated": True, "required": False},
            },
        },
    ),
    "header with a content type": responses(
        "listRides",
        s404={"headers": {"X-Page": {"content": {"application/json": {"schema": INTEGER}}}}},
        s405={"headers": {"X-Page": {"content": {"text/csv": {"schema": TEXT, "example": "x"}}}}},
    ),
    "header that is a reference": both(
        responses("listRides", s404={"headers": {"Link": {"$ref": "#/components/headers/Link"}}}),
        lambda d: d["components"].update(headers={"Link": {"schema": TEXT}}),
    ),
    "wording of a response": responses("listRides", s404={"description": "None."}),
    "reference in the body of an error": lambda d: d["components"]["responses"]["Problem"].update(
        description="No."
    ),
}


def outcome(change: Change) -> list[str]:
    """What is different in the canonical form, and the pointers of the changes."""
    after = form(change)
    pointers = [f"changed {at}" for at in sorted(changes(_before(), after))]
    return [*written(_before(), after), *pointers]


@pytest.mark.parametrize("name", WRITTEN)
def test_each_change_is_written_and_named_as_listed(name: str) -> None:
    """After a change on purpose, write the list again and read its diff (CONTRIBUTING.md, "The exam")."""
    assert outcome(WRITTEN[name]) == expected(__file__).get(name)


def test_the_list_has_no_other_changes() -> None:
    assert list(expected(__file__)) == list(WRITTEN)


def test_a_description_that_did_not_change_has_no_changes() -> None:
    theirs = changed(WRITTEN["wording of a property"])
    last = form(WRITTEN["wording of a property"])
    assert merge(small(), theirs, last=last).changes == ()
    assert merge(small(), theirs, last=form(same)).changes == (
        "#/components/schemas/Bike/properties/model/x-prose",
    )


def test_the_text_says_who_writes_it_and_can_be_read_back() -> None:
    document = form(marked("Bike", "model", default="é"))
    text = dump(document)
    assert text.startswith("# Written by scripts/bump: ")
    assert yaml.safe_load(text) == document
    assert "default: é" in text
    assert max(map(len, text.splitlines())) <= 120
    assert text.index("\ncomponents:") < text.index("\ninfo:") < text.index("\npaths:")
    assert "version: '1.0'" in text


def test_lines_of_the_text_have_at_most_120_characters_if_they_can_be_broken() -> None:
    lines = [dump({"enum": ["a" * length, "b"]}).splitlines()[1:] for length in (112, 113)]
    assert [len(each) for each in lines] == [1, 2]


def test_a_description_with_too_many_places_is_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"type": "array", "items": TEXT}
    content = media("application/json", schema={"type": "object", "properties": {"a": TEXT}})
    # A list and its items, an object and its property.
    call_ = {
        "parameters": [{"name": "a", "in": "query", "schema": listed}],
        "responses": {"200": {"description": "x", **content}},
    }
    document = {"openapi": "3.0.3", "info": {}, "paths": {"/a": {"get": call_}}}
    monkeypatch.setattr(vendor, "MAX_PLACES", 4)
    canonical(document, Description(document))
    monkeypatch.setattr(vendor, "MAX_PLACES", 3)
    with pytest.raises(Unusable, match="our calls reach more than 3 places"):
        canonical(document, Description(document))


BASE = {"type": "object", "properties": {"a": TEXT, "b": {"type": "integer"}}, "required": ["a"]}
DIGESTS: dict[str, tuple[dict[str, Any], bool]] = {
    "the same": (BASE, False),
    "another order": (
        {**BASE, "properties": {"b": {"type": "integer"}, "a": TEXT}},
        False,
    ),
    "prose": ({**BASE, "description": "x"}, False),
    "another type": ({**BASE, "properties": {"a": TEXT, "b": TEXT}}, True),
    "a format": (
        {**BASE, "properties": {"a": {**TEXT, "format": "x"}, "b": {"type": "integer"}}},
        True,
    ),
    "null": ({**BASE, "nullable": True}, True),
    "read-only": ({**BASE, "readOnly": True}, True),
    "write-only": ({**BASE, "writeOnly": True}, True),
    "a limit": ({**BASE, "maxProperties": 3}, True),
    "required": ({**BASE, "required": ["a", "b"]}, True),
    "required, in another order": ({**BASE, "required": ["a", "a"]}, False),
    "required and not described": ({**BASE, "required": ["a", "c"]}, True),
    "a new property": ({**BASE, "properties": {**BASE["properties"], "c": TEXT}}, True),  # type: ignore[dict-item]
    "what is not compared": ({**BASE, "propertyNames": {"maxLength": 5}}, True),
}


def test_a_digest_does_not_depend_on_the_order_of_properties() -> None:
    first = {"a": TEXT, "b": TEXT, "c": {**TEXT, "maxLength": 5}}
    second = dict(reversed(first.items()))
    assert digested({"properties": first}) == digested({"properties": second})


def digested(schema: dict[str, Any]) -> str:
    described = Description({"openapi": "3.0.3", "paths": {}})
    return digest(described, described.shape(Node(schema, "#")))


@pytest.mark.parametrize("name", DIGESTS)
def test_a_digest_changes_with_what_a_schema_allows(name: str) -> None:
    schema, differs = DIGESTS[name]
    assert (digested(schema) != digested(BASE)) == differs
    assert re.fullmatch("[0-9a-f]{8}", digested(schema))


@pytest.mark.parametrize(
    ("values", "others", "differs"),
    [(["A", "B"], ["B", "A"], False), (["A", "B"], ["A"], True), (["A"], None, True)],
)
def test_a_digest_has_the_values_in_any_order(values: Any, others: Any, *, differs: bool) -> None:
    first, second = ({**TEXT, "enum": each} if each else TEXT for each in (values, others))
    assert (digested(first) != digested(second)) == differs


CHANGES: list[tuple[Any, Any, list[str]]] = [
    ({"a": 1}, {"a": 1}, []),
    ({"a": 1}, {"a": 2}, ["#/a"]),
    ({"a": {"b~/c": 1}}, {"a": {}}, ["#/a/b~0~1c"]),
    ({"b": 1, "a": 1}, {}, ["#/a", "#/b"]),
    ({"a": [1]}, {"a": [2]}, ["#/a"]),
    ({"a": [1]}, {"a": {"b": 1}}, ["#/a"]),
    ({"enum": ["A", "B"]}, {"enum": ["B", "C/"]}, ["#/enum/A", "#/enum/C~1"]),
    ({"enum": ["A"]}, {}, ["#/enum/A"]),
    ({}, {"enum": ["A"]}, ["#/enum/A"]),
    (
        {"s": {"required": ["a"]}},
        {"s": {"required": ["b"]}},
        ["#/s/properties/a/required", "#/s/properties/b/required"],
    ),
    ({"required": True}, {"required": False}, ["#/required"]),
    ({"required": ["a"]}, {"required": True}, ["#/properties/a/required"]),
    (
        {"parameters": [{"in": "query", "name": "a", "x": 1}, {"in": "path", "name": "a"}]},
        {"parameters": [{"in": "path", "name": "a"}, {"in": "query", "name": "a", "x": 2}]},
        ["#/parameters/query/a/x"],
    ),
    ({"parameters": [{"in": "query", "name": "a"}]}, {"parameters": []}, ["#/parameters/query"]),
    ({"parameters": [{"in": "query", "name": "a"}]}, {}, ["#/parameters"]),
    ({}, {"parameters": [{"in": "query", "name": "a"}]}, ["#/parameters"]),
    ({"a": [{"in": "query", "name": "a"}]}, {"a": [{"in": "query", "name": "b"}]}, ["#/a"]),
    ({"servers": [{"url": "a"}]}, {"servers": [{"url": "b"}]}, ["#/servers"]),
]


@pytest.mark.parametrize(("before", "after", "pointers"), CHANGES)
def test_changes_are_named_by_the_longest_pointers(
    before: Any, after: Any, pointers: list[str]
) -> None:
    assert sorted(changes(before, after)) == pointers


if __name__ == "__main__":
    write_rows(__file__, {name: outcome(change) for name, change in WRITTEN.items()})


@pytest.mark.parametrize(
    "value",
    [
        *("816e8872", "1e5", "+1E-5", "-1e5", ".5", "5.", "1.5", "12345678", "0x1F", "1_000"),
        *("true", "NO", "null", "~", "", "12:30", "2024-01-01", "a", " a", "#a", "<<"),
        *(1, -1.5, True, None, {"1e5": "1e5"}, ["1e5"]),
    ],
)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    read = parse(dump({"openapi": "3.0.3", "x-value": value}).encode())["x-value"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("value", [1e20, 1e-7])
def test_a_number_is_read_in_any_notation(value: float) -> None:
    assert parse(dump({"openapi": "3.0.3", "x-value": value}).encode())["x-value"] == value
