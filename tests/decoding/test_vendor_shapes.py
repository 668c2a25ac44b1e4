"""The deviations seen in the vendor's own published example responses: every one reads.

The responses here have their shapes, each with the deviation in its name.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from togai import quantities, rows
from togai.testing import FakeTogai

from ..conftest import Api

pytestmark = pytest.mark.usefixtures("parser")

EVENT: dict[str, Any] = {
    "referenceId": "0f1e2d3c",
    "eventPayload": {
        "schemaName": "rides",
        "id": "ride-1",
        "timestamp": "2022-06-15T07:30:35.123Z",
        "accountId": "ACC00001",
        "attributes": [{"name": "distance", "value": "50", "unit": "Kilometers"}],
        "dimensions": {"city": "Chennai"},
    },
    "ingestionStatus": {"status": "INGESTION_COMPLETED_EVENT_METERED"},
    "createdAt": "2022-06-15T07:30:36.000Z",
}


def status_outside_the_list(event: Any) -> None:
    event["ingestionStatus"]["status"] = "INGESTION_COMPLETED"


def reference_id_inside_the_payload(event: Any) -> None:
    event["eventPayload"]["referenceId"] = event.pop("referenceId")


def no_dimensions(event: Any) -> None:
    del event["eventPayload"]["dimensions"]


def numbers_for_text(event: Any) -> None:
    event["eventPayload"]["accountId"] = 10001
    event["eventPayload"]["attributes"][0]["value"] = 50
    event["eventPayload"]["dimensions"] = {"zone": 4}


def timestamps_without_offset(event: Any) -> None:
    event["createdAt"] = "2022-06-15T07:30:36.000"
    event["eventPayload"]["timestamp"] = "2022-06-15T07:30:35.123"


def pipeline_as_published(event: Any) -> None:
    event["eventPipelineInfo"] = {
        "eventSchema": {"name": "rides", "version": 1},
        "usageMeters": [
            {
                "id": "um.1",
                "name": "km",
                "version": 1,
                "status": "PROCESSED_UNITS_COMPUTED",
                "units": 50,
            }
        ],
        "pricePlans": [
            {
                "name": "standard",
                "id": "pp.1",
                "scheduleId": "pps.1",
                "cycleStart": "04-03-2022",
                "cycleEnd": "04-04-2022",
            }
        ],
        "account": {"id": "ACC00001"},
        "customer": {"id": "customer-1"},
    }


SHAPES = [
    status_outside_the_list,
    reference_id_inside_the_payload,
    no_dimensions,
    numbers_for_text,
    timestamps_without_offset,
    pipeline_as_published,
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_listing_in_a_published_shape_reads(api: Api, fake: FakeTogai, shape: Any) -> None:
    odd = copy.deepcopy(EVENT)
    shape(odd)
    fake.fail_next(status=200, body={"events": [EVENT, odd, EVENT]})
    first, read, last = api.listed()
    assert first == last
    assert read.event_payload.schema_name == "rides"
    assert read.event_payload.timestamp == datetime(2022, 6, 15, 7, 30, 35, 123000, UTC)
    assert quantities(read) == {"distance": 50}
    assert read.event_payload.account_id in ("ACC00001", "10001")
    assert len(list(rows([first, read]))) == 2


def test_an_event_in_all_published_shapes_at_once_reads_alone(api: Api, fake: FakeTogai) -> None:
    odd = copy.deepcopy(EVENT)
    for shape in SHAPES:
        shape(odd)
    fake.fail_next(status=200, body={"events": [odd]})
    info = api.call("get", "ride-1").event_pipeline_info
    assert info.account.id == "ACC00001"
    assert info.account.name is None
    assert info.price_plans[0].cycle_start == "04-03-2022"
    assert info.usage_meters[0].units == 50.0


@pytest.mark.parametrize("shape", SHAPES)
def test_a_correction_response_in_a_published_shape_is_read(
    api: Api, fake: FakeTogai, shape: Any
) -> None:
    odd = {**copy.deepcopy(EVENT), "status": "FAILED", "reason": "ingested in past pricing cycle"}
    shape(odd)
    fake.fail_next(status=200, body={"data": [odd]})
    result = api.call("undo", account_id="ACC00001", event_id="ride-1")
    assert [entry.reason for entry in result.failed] == ["ingested in past pricing cycle"]
