"""Numbers and dates at the limits of the models' types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from togai.models import EventPipelineInfoFeatureDetails, IngestionStatus

FEATURE = {"featureId": "f", "mappedAttribute": "a"}


@pytest.mark.parametrize("value", [10**400, -(10**400), Decimal("1E+400"), float("inf")])
def test_a_number_beyond_a_float_raises_what_the_reader_salvages(value: Any) -> None:
    with pytest.raises(ValueError, match="range"):
        EventPipelineInfoFeatureDetails.from_dict({**FEATURE, "overageInCycle": value})


def test_a_wrong_type_is_not_reported_as_an_unknown_value() -> None:
    reported: list[tuple[type, str, str | None]] = []
    with pytest.raises(TypeError):
        IngestionStatus.from_dict({"status": 5}, lambda *what: reported.append(what))
    assert reported == []
