"""Descriptions of the same wire are equal, in any notation."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from contract.load import Unusable
from contract.merge import merge

from tests.project.small import changed, operation, parameter, properties, schemas, small

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = "#/components/schemas/"


def everywhere(value: Any, change: Callable[[dict[str, Any]], None]) -> None:
    """Change every mapping of a document, innermost first."""
    if isinstance(value, dict):
        for item in list(value.values()):
            everywhere(item, change)
        change(value)
    elif isinstance(value, list):
        for item in value:
            everywhere(item, change)


def rename_schemas(document: dict[str, Any]) -> None:
    def rename(node: dict[str, Any]) -> None:
        if str(node.get("$ref", "")).startswith(SCHEMA):
            node["$ref"] += "V2"

    everywhere(document, rename)
    document["components"]["schemas"] = {f"{k}V2": v for k, v in schemas(document).items()}


def inline_all(document: dict[str, Any]) -> None:
    def whole(node: Any) -> Any:
        if isinstance(node, dict):
            if str(node.get("$ref", "")).startswith(SCHEMA):
                return whole(schemas(document)[node["$ref"].removeprefix(SCHEMA)])
            return {key: whole(one) for key, one in node.items()}
        return [whole(item) for item in node] if isinstance(node, list) else node

    document["paths"] = whole(document["paths"])


def compose(document: dict[str, Any]) -> None:
    ride = schemas(document)["Ride"]
    rest = {"required": ride["required"], "properties": {"bike": ride["properties"].pop("bike")}}
    schemas(document)["Base"] = {"type": "object", "properties": ride["properties"]}
    schemas(document)["Ride"] = {"allOf": [{"$ref": SCHEMA + "Base"}, rest]}


def compose_twice(document: dict[str, Any]) -> None:
    """One property in two parts of a composition, and a composition in it."""
    bike = {"type": "object", "properties": {"model": {"type": "string"}}}
    ride = schemas(document)["Ride"]
    schemas(document)["Ride"] = {"allOf": [ride, {"type": "object", "properties": {"bike": bike}}]}


def wrap(document: dict[str, Any]) -> None:
    properties(document, "Ride")["bike"] = {
        "allOf": [{"$ref": SCHEMA + "Bike"}],
        "description": "Wrapped to say more.",
    }


def newer_dialect(document: dict[str, Any]) -> None:
    document["openapi"] = "3.1.0"

    def nullable(node: dict[str, Any]) -> None:
        if node.get("type") == "string" and "enum" not in node:
            node["type"] = ["string", "null"]

    everywhere(schemas(document)["Bike"], nullable)
    properties(document, "Ride")["trip"] = {"anyOf": [{"$ref": SCHEMA + "Trip"}, {"type": "null"}]}


def constant(document: dict[str, Any]) -> None:
    document["openapi"] = "3.1.0"
    state = schemas(document)["RideState"]
    del state["enum"], state["type"]
    state["oneOf"] = [{"const": "RUNNING"}, {"const": "DONE"}]


def share(document: dict[str, Any]) -> None:
    """Everything that can stand under components stands there."""
    components = document["components"]
    components["parameters"] = {"City": parameter(document, "listRides", "city")}
    parameters = operation(document, "listRides")["parameters"]
    parameters[0] = {"$ref": "#/components/parameters/City"}
    fix = operation(document, "fixRides")
    components["requestBodies"] = {"Fix": fix["requestBody"]}
    fix["requestBody"] = {"$ref": "#/components/requestBodies/Fix"}
    get = operation(document, "getRide")["responses"]
    components["responses"]["Found"] = get["200"]
    get["200"] = {"$ref": "#/components/responses/Found"}
    components["examples"] = {"One": {"value": None}}
    content = components["responses"]["Found"]["content"]["application/json"]
    content["examples"] = {"one": {"$ref": "#/components/examples/One", "value": None}}


def lift_parameters(document: dict[str, Any]) -> None:
    """The parameters stand with the path instead of the call."""
    item = document["paths"]["/rides"]
    item["parameters"] = item["get"].pop("parameters")


def rename_path(document: dict[str, Any], new: str) -> dict[str, Any]:
    item = document["paths"].pop("/rides/{ride_id}")
    document["paths"][new] = item
    call: dict[str, Any] = item["get"]
    return call


def rename_path_parameter(document: dict[str, Any]) -> None:
    rename_path(document, "/rides/{id}")["parameters"][0]["name"] = "id"


def describe_by_content(document: dict[str, Any]) -> None:
    one = parameter(document, "getRide", "ride_id")
    one["content"] = {"application/json": {"schema": one.pop("schema")}}


def recurse(document: dict[str, Any]) -> None:
    """Ours has no such thing: what meets ours must end nevertheless."""
    stop = {"$ref": SCHEMA + "Stop"}
    schemas(document)["Stop"] = {
        "allOf": [schemas(document)["Stop"], {"properties": {"next": stop}}]
    }


def share_media(document: dict[str, Any]) -> None:
    """A media type behind a reference, as OpenAPI 3.2 has it."""
    document["openapi"] = "3.2.0"
    content = document["paths"]["/rides"]["get"]["responses"]["200"]["content"]
    document["components"]["mediaTypes"] = {"Shared": content["application/json"]}
    content["application/json"] = {"$ref": "#/components/mediaTypes/Shared"}


SAME: dict[str, Callable[[dict[str, Any]], object]] = {
    "a media type that is referred to": share_media,
    "the usual port, and capitals in the host": lambda d: d["servers"][0].update(
        url="https://Rides.Example:443"
    ),
    "renamed schemas": rename_schemas,
    "inlined schemas": inline_all,
    "an object composed of two": compose,
    "a property described by two parts of a composition": compose_twice,
    "a reference wrapped in a composition": wrap,
    "shared parameters, bodies, responses and examples": share,
    "parameters that stand with the path": lift_parameters,
    "a path parameter that is not declared": lambda d: operation(d, "getRide").pop("parameters"),
    "a path parameter declared by content": describe_by_content,
    "another call at the same path with a slash": lambda d: d["paths"].update(
        {"/rides/": {"get": {"responses": {}}}}
    ),
    "a server without an address": lambda d: d["servers"].append({"description": "Soon."}),
    "another operationId": lambda d: operation(d, "listRides").update(operationId="rides"),
    "no operationId": lambda d: operation(d, "listRides").pop("operationId"),
    "another tag": lambda d: operation(d, "listRides").update(tags=["Other", "Tags"]),
    "parameters in another order": lambda d: operation(d, "listRides")["parameters"].reverse(),
    "another name for the auth scheme": lambda d: d.update(
        security=[{"token": []}],
        components={
            **d["components"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "Bearer", "bearerFormat": "JWT"}
            },
        },
    ),
    "auth named by each call": lambda d: [
        child.update(security=[{"bearer": []}])
        for item in (d.pop("security"), d["paths"])[1].values()
        for child in item.values()
    ],
    "another way of being let in, beside": lambda d: (
        d["security"].append({"other": []})
        or d["components"]["securitySchemes"].update(other={"type": "openIdConnect"})
    ),
    "a charset in the content type": lambda d: operation(d, "getRide")["responses"]["200"].update(
        content={
            "application/json; charset=utf-8": operation(d, "getRide")["responses"]["200"][
                "content"
            ]["application/json"]
        }
    ),
    "another content type beside": lambda d: operation(d, "getRide")["responses"]["200"][
        "content"
    ].update({"text/csv": {"schema": {"type": "string"}}}),
    "other words": lambda d: everywhere(
        d, lambda node: node.update(description="x") if "description" in node else None
    ),
    "examples": lambda d: properties(d, "Ride")["id"].update(example="r-1"),
    "other calls": lambda d: d["paths"].update(
        {"/bikes": {"get": {"responses": {"200": {"$ref": "other.yaml#/Bikes"}}}}}
    ),
    "unknown properties allowed": lambda d: schemas(d)["Ride"].pop("additionalProperties"),
    "no types where properties tell": lambda d: schemas(d)["Ride"].pop("type"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_wire_in_other_words_makes_no_difference(name: str) -> None:
    result = merge(small(), changed(SAME[name]))
    assert result.differences == ()
    assert result.contract == small()


REPORTED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a slash at the end of a path": (
        lambda d: d["paths"].update({"/rides/": d["paths"].pop("/rides")}),
        "slash at the end of a path",
    ),
    "another name for a path parameter": (rename_path_parameter, "path parameter renamed"),
    "a path parameter that the path does not name": (
        lambda d: d["paths"].update({"/rides/{id}": d["paths"].pop("/rides/{ride_id}")}),
        "path parameter renamed",
    ),
    "a slash at the end of a server": (
        lambda d: d.update(servers=[{"url": "https://rides.example/"}]),
        "slash at the end of a server",
    ),
    "no server": (lambda d: d.pop("servers"), "no server described"),
}


@pytest.mark.parametrize("name", REPORTED)
def test_what_can_mean_the_same_is_reported_and_changes_nothing(name: str) -> None:
    change, kind = REPORTED[name]
    result = merge(small(), changed(change))
    assert [(difference.verdict.value, difference.kind) for difference in result.differences] == [
        ("held", kind)
    ]
    assert result.contract == small()


@pytest.mark.parametrize(
    "change", [newer_dialect, constant], ids=["null as a type", "constants as an enum"]
)
def test_the_newer_dialect_says_the_same(change: Any) -> None:
    result = merge(small(), changed(change))
    assert {difference.kind for difference in result.differences} <= {"required or null changed"}
    assert result.contract == small()


def test_recursion_in_their_schemas_ends() -> None:
    result = merge(small(), changed(recurse))
    assert [difference.at for difference in result.differences] == [
        "#/components/schemas/Stop/properties/next"
    ]


def test_a_composition_of_a_composition_of_itself_through_a_property_ends() -> None:
    def knot(document: dict[str, Any]) -> None:
        ride = copy.deepcopy(schemas(document)["Ride"])
        schemas(document)["Deep"] = {
            "type": "object",
            "properties": {
                "more": {"allOf": [{"$ref": SCHEMA + "Deep"}, {"$ref": SCHEMA + "Wide"}]}
            },
        }
        schemas(document)["Wide"] = copy.deepcopy(schemas(document)["Deep"])
        ride["properties"]["deep"] = {"$ref": SCHEMA + "Deep"}
        schemas(document)["Ride"] = ride

    assert [difference.at for difference in merge(small(), changed(knot)).differences] == [
        "#/components/schemas/Ride/properties/deep"
    ]


def circle(document: dict[str, Any]) -> None:
    schemas(document)["Ride"] = {"$ref": SCHEMA + "Loop"}
    schemas(document)["Loop"] = {"$ref": SCHEMA + "Ride"}


def composed_of_itself(document: dict[str, Any]) -> None:
    schemas(document)["Ride"] = {"allOf": [{"$ref": SCHEMA + "Ride"}]}


def chain(document: dict[str, Any]) -> None:
    for i in range(500):
        schemas(document)[f"L{i}"] = {"allOf": [{"$ref": f"{SCHEMA}L{i + 1}"}]}
    schemas(document)["L500"] = schemas(document)["Ride"]
    schemas(document)["Ride"] = {"$ref": SCHEMA + "L0"}


def multiply(document: dict[str, Any]) -> None:
    """Three schemas, each with properties that are composed of it and the next one, in both orders."""
    for one, other in (("A", "B"), ("B", "C"), ("C", "A")):
        forth = {"allOf": [{"$ref": SCHEMA + one}, {"$ref": SCHEMA + other}]}
        back = {"allOf": forth["allOf"][::-1]}
        schemas(document)[one] = {
            "type": "object",
            "properties": {"p": back, "q": forth, "r": dict(back), "s": dict(forth)},
        }
    properties(document, "Ride")["x"] = {"allOf": [{"$ref": SCHEMA + name} for name in "ABC"]}


UNUSABLE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a reference to another file": (
        lambda d: properties(d, "Ride").update(bike={"$ref": "bikes.yaml#/Bike"}),
        "is not a JSON pointer into the description",
    ),
    "a reference to nowhere": (
        lambda d: properties(d, "Ride").update(bike={"$ref": SCHEMA + "None"}),
        "cannot be resolved",
    ),
    "a reference of 78 characters": (
        lambda d: properties(d, "Ride").update(bike={"$ref": "#/".ljust(78, "x")}),
        f"the reference '#/{'x' * 76}' cannot",
    ),
    "a reference of 79 characters": (
        lambda d: properties(d, "Ride").update(bike={"$ref": "#/".ljust(79, "x")}),
        f"the reference '#/{'x' * 77} cannot",
    ),
    "a reference beyond the end of a list": (
        lambda d: properties(d, "Ride").update(
            bike={"$ref": "#/paths/~1rides/get/parameters/2/schema"}
        ),
        "cannot be resolved",
    ),
    "a reference into a text": (
        lambda d: properties(d, "Ride").update(bike={"$ref": "#/info/title/0"}),
        "cannot be resolved",
    ),
    "a reference to a text": (
        lambda d: properties(d, "Ride").update(bike={"$ref": "#/info/title"}),
        "is not a mapping",
    ),
    "references in a circle": (circle, "circular"),
    "a schema composed of itself": (composed_of_itself, "composed of itself"),
    "a chain without end": (chain, "too deep"),
    "properties that are a list": (
        lambda d: schemas(d)["Ride"].update(properties=["id"]),
        "is not a mapping",
    ),
    "a schema that is a text": (lambda d: schemas(d).update(Ride="object"), "is not a mapping"),
    "parameters that are a mapping": (
        lambda d: operation(d, "listRides").update(parameters={}),
        "is not a list",
    ),
    "a reference that is no pointer": (
        lambda d: properties(d, "Ride").update(bike={"$ref": "#Bike"}),
        "is not a JSON pointer",
    ),
    "a reference that is a number": (
        lambda d: properties(d, "Ride").update(bike={"$ref": 5}),
        "the reference 5 is not a JSON pointer",
    ),
    "paths that are a list": (lambda d: d.update(paths=[]), "is not a mapping"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_followed_is_unusable_and_says_where(name: str) -> None:
    change, words = UNUSABLE[name]
    with pytest.raises(Unusable, match=words) as caught:
        merge(small(), changed(change))
    assert str(caught.value).startswith("#/")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_parts_that_multiply_are_unusable() -> None:
    with pytest.raises(Unusable, match="our calls reach more than 20000 schemas"):
        merge(small(), changed(multiply))


def test_schemas_that_contain_each_other_can_be_read_again() -> None:
    def alike(d: dict[str, Any]) -> None:
        for name, below in {"A": "BC", "B": "AD", "C": "AD", "D": "BC"}.items():
            inner = {key: {"$ref": SCHEMA + each} for key, each in zip("xy", below, strict=True)}
            schemas(d)[name] = {"type": "object", "properties": inner}
        properties(d, "Bike")["part"] = {"$ref": f"{SCHEMA}A"}

    once = merge(small(), changed(alike))
    assert merge(once.contract, changed(alike), last=once.vendor).changes == ()


def test_a_composition_of_parts_that_contain_it_is_known_the_second_time() -> None:
    def trees(d: dict[str, Any]) -> None:
        part, *choice = [
            {"type": "object", "properties": {"kid": {"$ref": f"{SCHEMA}Tree"}, name: {}}}
            for name in "abc"
        ]
        schemas(d)["Tree"] = {"allOf": [part, {"oneOf": choice}]}
        properties(d, "Bike")["tree"] = {"$ref": f"{SCHEMA}Tree"}

    once = merge(small(), changed(trees))
    twice = merge(once.contract, changed(trees), last=once.vendor)
    assert [each for each in twice.differences if not each.known] == []
