"""openapi.yaml describes the API on the wire, and names every object and enum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

ERRORS = {"400", "401", "403", "429", "default"}


@pytest.fixture(scope="module")
def contract(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((root / "openapi.yaml").read_text("utf-8"))
    return loaded


def test_the_contract_is_valid_openapi(contract: dict[str, Any]) -> None:
    validate(contract)


def test_both_hosts_and_bearer_auth_are_described(contract: dict[str, Any]) -> None:
    hosts = ["https://api.togai.com", "https://sandbox-api.togai.com"]
    assert [server["url"] for server in contract["servers"]][:2] == hosts
    assert {"bearerAuth": []} in contract["security"]
    assert contract["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"


@pytest.mark.parametrize(
    ("path", "method", "operation", "statuses", "parameters"),
    [
        (
            "/events",
            "get",
            "getEvents",
            {"200", "422"},
            {"nextToken", "status", "account_id", "schema_name", "pageSize"},
        ),
        ("/events/{event_id}", "get", "getSingleEvent", {"200"}, {"event_id"}),
        (
            "/events/correction",
            "post",
            "eventCorrection",
            {"200"},
            {
                "action",
                "require_confirmation",
                "account_id",
                "id",
                "event_id",
                "event_source_time",
                "created_at",
                "async",
            },
        ),
    ],
)
def test_each_operation_has_its_parameters_and_statuses(
    contract: dict[str, Any],
    path: str,
    method: str,
    operation: str,
    statuses: set[str],
    parameters: set[str],
) -> None:
    described = contract["paths"][path][method]
    assert described["operationId"] == operation
    assert described["tags"] == ["Event Management"]
    # A newer description may add to both.
    assert set(described["responses"]) >= statuses | ERRORS
    assert {parameter["name"] for parameter in described["parameters"]} >= parameters


def test_there_are_three_operations(contract: dict[str, Any]) -> None:
    assert [len(methods) for methods in contract["paths"].values()] == [1, 1, 1]


def test_what_the_vendor_describes_elsewhere_says_so(contract: dict[str, Any]) -> None:
    parameters = contract["paths"]["/events/correction"]["post"]["parameters"]
    marked = {
        parameter["name"]
        for parameter in parameters
        if parameter.get("x-togai-origin") == "reference page"
    }
    assert marked == {"account_id", "id", "event_id", "event_source_time", "created_at", "async"}


def inline_names(schema: Any, where: str) -> list[str]:
    """Objects and enums that stand inside another schema, where the generator would invent a name."""
    places: list[str] = []
    if not isinstance(schema, dict):
        return places
    children = {f".{name}": one for name, one in schema.get("properties", {}).items()}
    children["[]"] = schema.get("items")
    for step, child in children.items():
        if isinstance(child, dict):
            if "enum" in child or "properties" in child:
                places.append(where + step)
            places += inline_names(child, where + step)
    return places


def test_every_object_and_every_enum_has_a_name(contract: dict[str, Any]) -> None:
    for name, schema in contract["components"]["schemas"].items():
        assert inline_names(schema, name) == []


def test_no_title_renames_a_model(contract: dict[str, Any]) -> None:
    # The generator takes a title for a name.
    assert not [name for name, one in contract["components"]["schemas"].items() if "title" in one]


def test_every_schema_and_property_is_described_in_words(contract: dict[str, Any]) -> None:
    for name, schema in contract["components"]["schemas"].items():
        assert schema["description"], name
        for prop, described in schema.get("properties", {}).items():
            assert "$ref" in described or described["description"], f"{name}.{prop}"


def test_enums_of_responses_are_open_and_the_enum_of_the_request_is_not(
    contract: dict[str, Any],
) -> None:
    # The vendor's description closes them all; the service does not keep to that.
    enums = {name: one for name, one in contract["components"]["schemas"].items() if "enum" in one}
    closed = {name for name, one in enums.items() if not one.get("x-togai-open")}
    assert closed == {"CorrectionAction"}


def test_the_body_of_a_correction_may_be_left_out(contract: dict[str, Any]) -> None:
    assert not contract["paths"]["/events/correction"]["post"]["requestBody"]["required"]


def test_the_documented_errors_share_one_response(contract: dict[str, Any]) -> None:
    for methods in contract["paths"].values():
        for operation in methods.values():
            for status in ERRORS:
                assert operation["responses"][status]["$ref"] == "#/components/responses/Error"
