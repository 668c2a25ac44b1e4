"""The interpretation of statuses: of all known statuses, and of future ones."""

from __future__ import annotations

import pytest

from togai import EventWithStatus, IngestionStatusValue
from togai.jobs import is_failed, is_final, is_reverted
from togai.jobs._status import status_of
from togai.models import IngestionStatus
from togai.testing import make


@pytest.mark.parametrize("status", list(IngestionStatusValue))
def test_a_known_status_is_judged_by_its_name(status: IngestionStatusValue) -> None:
    event = make(EventWithStatus, ingestion_status=make(IngestionStatus, status=status))
    for value in (status, event):
        assert is_failed(value) == status.startswith("INGESTION_FAILED")
        assert is_reverted(value) == (status == "REVERTED")
        assert is_final(value) == (status not in ("INGESTION_IN_PROGRESS", "UNKNOWN"))


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        ("INGESTION_FAILED_TOO_LATE", True),
        ("INGESTION_COMPLETED_TWICE", False),
        ("REVERTED_PARTIALLY", False),
        ("reverted", False),
        ("", False),
        (None, False),
    ],
)
def test_a_status_that_is_not_known_is_never_final(status: str | None, failed: bool) -> None:
    assert (is_failed(status), is_reverted(status), is_final(status)) == (failed, False, False)


def test_a_malformed_event_is_nothing() -> None:
    event = make(EventWithStatus)
    event.ingestion_status = None  # type: ignore[assignment]
    assert [is_failed(event), is_reverted(event), is_final(event)] == [False] * 3
    assert status_of(event) == status_of(None) == ""
