"""Numbers and days at the edges of what the models can hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from togai.models import (
    EventPipelineInfoFeatureDetails,
    EventPipelineInfoPricePlans,
    IngestionStatus,
)

FEATURE = {"featureId": "f", "mappedAttribute": "a"}


@pytest.mark.parametrize("value", [10**400, -(10**400), Decimal("1E+400"), float("inf")])
def test_a_number_beyond_a_float_raises_what_the_reader_salvages(value: Any) -> None:
    with pytest.raises(ValueError, match="range"):
        EventPipelineInfoFeatureDetails.from_dict({**FEATURE, "overageInCycle": value})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_is_not_written(value: float) -> None:
    feature = EventPipelineInfoFeatureDetails(
        feature_id="f", mapped_attribute="a", overage_in_event=value
    )
    with pytest.raises(ValueError, match=r"EventPipelineInfoFeatureDetails\.overage_in_event"):
        feature.to_dict()


def test_a_moment_is_not_written_as_a_day() -> None:
    moment = dt.datetime(2024, 12, 4, tzinfo=dt.UTC)
    plan = EventPipelineInfoPricePlans(
        name="n", id="i", schedule_id="s", cycle_start=moment, cycle_end=moment
    )
    with pytest.raises(TypeError, match=r"EventPipelineInfoPricePlans\.cycle_start"):
        plan.to_dict()


def test_a_wrong_type_is_not_told_as_an_unknown_value() -> None:
    told: list[tuple[type, str, str]] = []
    with pytest.raises(TypeError):
        IngestionStatus.from_dict({"status": 5}, lambda *what: told.append(what))
    assert told == []
