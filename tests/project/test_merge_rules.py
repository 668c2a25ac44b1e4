"""Each difference between the contract and a description gets one verdict, and the contract only grows."""

from __future__ import annotations

from typing import Any

import pytest
from contract.merge import merge
from contract.surface import lost, wire
from contract.verdicts import Hold

from tests.project.changes import TEXT, Change, cases, expected, outcome, write
from tests.project.small import changed, operation, parameter, properties, schemas, small

AUTH = {"type": "apiKey", "in": "header", "name": "X-Key"}


def add_parameter(name: str, **more: Any) -> Change:
    described = {"name": name, "in": "query", "schema": TEXT, **more}
    return lambda d: operation(d, "listRides")["parameters"].append(described)


def drop_parameter(call: str, name: str) -> Change:
    return lambda d: operation(d, call)["parameters"].remove(parameter(d, call, name))


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
OUTCOMES = expected(__file__)
CONFLICTS = {
    name: [line.split(" | ")[2] for line in lines if line.startswith("conflict")]
    for name, lines in OUTCOMES.items()
    if any(line.startswith("conflict") for line in lines)
}
"""The places of the conflicts of each change that makes some."""
OTHERS = [name for name in OUTCOMES if name not in CONFLICTS]
HELD = [name for name in OTHERS if any(line.startswith("held") for line in OUTCOMES[name])]


@pytest.mark.parametrize("name", CASES)
def test_each_change_is_reported_and_written_as_listed(name: str) -> None:
    """After a change on purpose, write the list again and read its diff (CONTRIBUTING.md, "The exam")."""
    assert outcome(CASES[name]) == OUTCOMES.get(name)


def test_the_list_has_no_other_changes() -> None:
    assert list(OUTCOMES) == list(CASES)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_absorbed_or_held_takes_no_fact_from_the_wire(name: str) -> None:
    assert lost(wire(small()), wire(CASES[name].run().contract)) == []


@pytest.mark.parametrize("name", OTHERS)
def test_merging_twice_changes_nothing(name: str) -> None:
    once = CASES[name].run()
    twice = merge(once.contract, changed(CASES[name].theirs), last=once.vendor)
    assert twice.contract == once.contract
    assert twice.changes == ()
    assert all(difference.known for difference in twice.differences)


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_held_conflict_keeps_ours_and_stays_quiet_until_theirs_changes(name: str) -> None:
    theirs, places = changed(CASES[name].theirs), CONFLICTS[name]
    held = merge(small(), theirs, [Hold(at, "we asked") for at in places])
    assert held.conflicts == []
    assert lost(wire(small()), wire(held.contract)) == []
    again = merge(held.contract, theirs)
    assert again.contract == held.contract
    decisions = [difference for difference in again.differences if difference.at in places]
    assert all(difference.known for difference in decisions)
    assert {difference.reason for difference in decisions} == {"held by decision: we asked"}


@pytest.mark.parametrize("name", HELD)
def test_what_was_held_comes_back_unmarked(name: str) -> None:
    away = CASES[name].run()
    back = merge(away.contract, small())
    assert back.contract == small()
    assert {difference.kind for difference in back.differences} <= {"restored"}


def test_a_merge_changes_neither_the_contract_nor_the_description_that_it_is_given() -> None:
    for name in ("a new response property", "a removed operation", "a removed response property"):
        contract, theirs = small(), changed(CASES[name].theirs)
        merge(contract, theirs, [Hold("Ride.speed", "not yet")], today="2026-11-25")
        assert (contract, theirs) == (small(), changed(CASES[name].theirs))


if __name__ == "__main__":
    write(__file__, CASES)
