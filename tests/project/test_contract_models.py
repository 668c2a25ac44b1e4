"""Every model and enum of the wire, property by property: `!` is required, the bounds follow the type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

LISTED = (
    "referenceId! string",
    "eventPayload! Event",
    "ingestionStatus! IngestionStatus",
    "createdAt! date-time",
    "customerId string ..50",
    "source EventSource",
)

MODELS: dict[str, tuple[str, ...]] = {
    "GetEventsResponse": ("events! [EventWithStatus] 1..50", "nextToken string ..500"),
    "GetEventResponse": ("events! [EventWithStatusAndEventPipelineInfo]",),
    "EventsCorrectionResponse": ("data! [EventCorrectionInfo] 1..50",),
    "EventCorrectionRequest": ("event Event",),
    "ErrorResponse": ("message! string ..500",),
    "Event": (
        "schemaName! string 1..50",
        "timestamp! date-time",
        "accountId! string ..512",
        "attributes! [Attribute] 0..10",
        "dimensions! {string 1..200}",
        "id string ..512",
    ),
    "Attribute": (
        "name! string 1..50",
        r"value! string ^-?\d{1,512}(\.\d+)?$",
        "unit string 1..50",
    ),
    "EventWithStatus": LISTED,
    "EventWithStatusAndEventPipelineInfo": (*LISTED, "eventPipelineInfo! EventPipelineInfo"),
    "EventCorrectionInfo": (*LISTED, "status! CorrectionStatus", "reason! string"),
    "IngestionStatus": ("status! IngestionStatusValue", "statusDescription string ..250"),
    "EventSource": ("id! string ..100", "type! string ..100"),
    "EventPipelineInfo": (
        "eventSchema EventPipelineInfoEventSchema",
        "usageMeters [EventPipelineInfoUsageMeters]",
        "pricePlans [EventPipelineInfoPricePlans]",
        "account EventPipelineInfoAccount",
        "customer EventPipelineInfoCustomer",
        "featureDetails EventPipelineInfoFeatureDetails",
        "enrichments EventPipelineInfoEnrichments",
        "revenueDetails [EventPipelineInfoRevenueDetails]",
        "statusBeforeReverting string",
        "baseCurrency string",
        "invoiceCurrency string",
    ),
    "EventPipelineInfoEventSchema": ("name! string", "version! int32"),
    "EventPipelineInfoUsageMeters": (
        "id! string",
        "name! string",
        "version! int32",
        "status! UsageMeterStatus",
        "units number",
    ),
    "EventPipelineInfoPricePlans": (
        "name! string",
        "id! string",
        "scheduleId! string",
        "cycleStart! date",
        "cycleEnd! date",
        "usageMeters [string] unique",
    ),
    "EventPipelineInfoAccount": ("id! string", "name! string", "alias string"),
    "EventPipelineInfoCustomer": ("id! string", "name! string"),
    "EventPipelineInfoFeatureDetails": (
        "featureId! string",
        "mappedAttribute! string",
        "overageInCycle number",
        "overageInEvent number",
    ),
    "EventPipelineInfoEnrichments": (
        "attributes [EnrichedField]",
        "dimensions [EnrichedField]",
        "dependencies [EnrichmentDependency]",
    ),
    "EventPipelineInfoRevenueDetails": (
        "usageMeterId! string",
        "revenueBaseCurrency! number",
        "revenueInvoiceCurrency! number",
    ),
    "EnrichedField": ("name! string", "type! EnrichedFieldType", "value! string"),
    "EnrichmentDependency": (
        "key! string",
        "type! EnrichmentDependencyType",
        "name string",
        "value! string",
    ),
}

ENUMS: dict[str, set[str]] = {
    "CorrectionAction": {"UNDO", "REDO", "REDO_EVENT"},
    "CorrectionStatus": {"REVERTED", "REVERTED_AND_REINGESTED", "FAILED"},
    "IngestionStatusValue": {
        "INGESTION_IN_PROGRESS",
        "INGESTION_FAILED",
        "INGESTION_FAILED_SCHEMA_NOT_DEFINED",
        "INGESTION_FAILED_ENRICHMENT_FAILED",
        "INGESTION_FAILED_UNITS_INVALID",
        "INGESTION_COMPLETED_NO_MATCHING_METERS",
        "INGESTION_COMPLETED_EVENT_METERED",
        "INGESTION_COMPLETED_EVENT_NOT_METERED",
        "INGESTION_FAILED_PAST_GRACE_PERIOD",
        "INGESTION_FAILED_ACCOUNT_NOT_FOUND",
        "INGESTION_FAILED_DUPLICATE_EVENT",
        "INGESTION_FAILED_NO_EVENT_ID",
        "INGESTION_FAILED_INVALID_NAMED_LICENSE_EVENT",
        "INGESTION_FAILED_INSUFFICIENT_CREDITS",
        "REVERTED",
        "UNKNOWN",
    },
    "UsageMeterStatus": {"PROCESSED_FILTERED_OUT", "PROCESSED_UNITS_COMPUTED"},
    "EnrichedFieldType": {"ATTRIBUTE", "DIMENSION"},
    "EnrichmentDependencyType": {"SETTING"},
}

PARAMETERS: dict[str, set[str]] = {
    "getEvents": {
        "query nextToken string",
        "query status string",
        "query account_id string",
        "query schema_name string",
        "query pageSize integer ..50",
    },
    "getSingleEvent": {"path event_id! string"},
    "eventCorrection": {
        "query action! CorrectionAction",
        "query require_confirmation boolean",
        "query account_id! string",
        "query id string",
        "query event_id string",
        "query event_source_time date-time",
        "query created_at date-time",
        "query async boolean =False",
    },
}


@pytest.fixture(scope="module")
def contract(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((root / "openapi.yaml").read_text("utf-8"))
    return loaded


def kind(schema: dict[str, Any]) -> str:
    """A schema in one line: its type, then what bounds it."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    words: list[str] = []
    if schema["type"] == "array":
        words.append(f"[{kind(schema['items'])}]")
    elif schema["type"] == "object":
        words.append(f"{{{kind(schema['additionalProperties'])}}}")
    else:
        words.append(schema.get("format", schema["type"]))
    low = schema.get("minLength", schema.get("minItems", schema.get("minimum", "")))
    high = schema.get("maxLength", schema.get("maxItems", schema.get("maximum", "")))
    if f"{low}{high}":
        words.append(f"{low}..{high}")
    if "pattern" in schema:
        words.append(schema["pattern"])
    if schema.get("uniqueItems"):
        words.append("unique")
    if "default" in schema:
        words.append(f"={schema['default']}")
    return " ".join(words)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_these_properties_in_this_order(contract: dict[str, Any], name: str) -> None:
    schema = contract["components"]["schemas"][name]
    required = schema.get("required", [])
    described = [
        f"{prop}{'!' if prop in required else ''} {kind(one)}"
        for prop, one in schema["properties"].items()
    ]
    assert described == list(MODELS[name])
    assert set(required) <= schema["properties"].keys()


@pytest.mark.parametrize("name", ENUMS)
def test_an_enum_has_these_values(contract: dict[str, Any], name: str) -> None:
    assert set(contract["components"]["schemas"][name]["enum"]) == ENUMS[name]


def test_there_is_nothing_else_among_the_components(contract: dict[str, Any]) -> None:
    assert contract["components"]["schemas"].keys() == MODELS.keys() | ENUMS.keys()


def test_every_enum_of_an_answer_says_that_it_is_open(contract: dict[str, Any]) -> None:
    # The vendor's description closes them; the service does not keep to that.
    marked = {
        name for name, one in contract["components"]["schemas"].items() if one.get("x-togai-open")
    }
    assert marked == ENUMS.keys() - {"CorrectionAction"}


@pytest.mark.parametrize("operation", PARAMETERS)
def test_an_operation_has_these_parameters(contract: dict[str, Any], operation: str) -> None:
    described = next(
        one
        for methods in contract["paths"].values()
        for one in methods.values()
        if one["operationId"] == operation
    )
    assert {
        f"{one['in']} {one['name']}{'!' if one.get('required') else ''} {kind(one['schema'])}"
        for one in described["parameters"]
    } == PARAMETERS[operation]


def test_the_body_of_a_correction_may_be_left_out(contract: dict[str, Any]) -> None:
    body = contract["paths"]["/events/correction"]["post"]["requestBody"]
    assert not body["required"]
    assert kind(body["content"]["application/json"]["schema"]) == "EventCorrectionRequest"


def test_every_error_is_described_as_an_error_response(contract: dict[str, Any]) -> None:
    shared = contract["components"]["responses"]["Error"]["content"]["application/json"]["schema"]
    assert kind(shared) == "ErrorResponse"
    for methods in contract["paths"].values():
        for operation in methods.values():
            errors = {code: one for code, one in operation["responses"].items() if code != "200"}
            assert {kind(one) for one in errors.values()} == {"Error"}
