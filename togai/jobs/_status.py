"""Interpret an ingestion status, of an event or as a value."""

from __future__ import annotations

from togai.models import IngestionStatusValue, ReadEvent

_NOT_FINAL = {"INGESTION_IN_PROGRESS", "UNKNOWN"}


def status_of(event: ReadEvent | str | None) -> str:
    """The status as text; empty if a malformed event has no status."""
    if event is None or isinstance(event, str):
        return str(event or "")
    return str(getattr(event.ingestion_status, "status", None) or "")


def is_failed(event: ReadEvent | str | None) -> bool:
    """Whether the ingestion failed: the status, known or new, starts with INGESTION_FAILED.

    Args:
        event: An event that was read, or its status.

    Returns:
        True for a failed ingestion.

    Examples:
        >>> is_failed("INGESTION_FAILED_UNITS_INVALID"), is_failed("REVERTED")
        (True, False)
    """
    return status_of(event).startswith("INGESTION_FAILED")


def is_reverted(event: ReadEvent | str | None) -> bool:
    """Whether a correction reverted the event: the status is REVERTED.

    Args:
        event: An event that was read, or its status.

    Returns:
        True for REVERTED only.

    Examples:
        >>> is_reverted("REVERTED"), is_reverted("REVERTED_PARTIALLY")
        (True, False)
    """
    return status_of(event) == "REVERTED"


def is_final(event: ReadEvent | str | None) -> bool:
    """Whether the status is final (completed, failed or reverted) until the event is corrected.

    Args:
        event: An event that was read, or its status.

    Returns:
        True for a known final status; never for a status that this version does not know.

    Examples:
        >>> is_final("INGESTION_COMPLETED_EVENT_METERED"), is_final("ARCHIVED")
        (True, False)
    """
    status = status_of(event)
    return status not in _NOT_FINAL and status in set(map(str, IngestionStatusValue))
