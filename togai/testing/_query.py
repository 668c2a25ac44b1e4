"""The query parameters of the three calls: names, filters and page tokens."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from togai.testing._messages import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LISTING_NAMES = frozenset({"nextToken", "status", "account_id", "schema_name", "pageSize"})
FILTER_NAMES = frozenset({"id", "event_id", "event_source_time", "created_at"})
CORRECTION_NAMES = FILTER_NAMES | {"action", "require_confirmation", "account_id", "async"}
QUERY_NAMES = LISTING_NAMES | CORRECTION_NAMES

_STATUS_GROUPS = {
    "PROCESSED": "INGESTION_COMPLETED",
    "IN_PROGRESS": "INGESTION_IN_PROGRESS",
    "FAILED": "INGESTION_FAILED",
}


def check_names(query: Iterable[str], known: frozenset[str]) -> None:
    """Refuse query parameters that the call does not have."""
    if unknown := sorted(set(query) - known):
        raise Refused(400, f"Unknown query parameter {', '.join(unknown)}.")


def has_status(status: str, wanted: str | None) -> bool:
    """Whether a status is the wanted one, or of the wanted group."""
    group = _STATUS_GROUPS.get(wanted or "")
    return wanted in (None, status) or (group is not None and status.startswith(group))


def same_moment(wanted: str | None, actual: str) -> bool:
    """Whether two times are the same moment, however they are written; None is any."""
    return wanted is None or moment(wanted) == moment(actual)


def moment(text: str) -> datetime:
    """A time, in UTC unless it has an offset."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def write_token(position: int, query: Mapping[str, str], hop: int = 0) -> str:
    """A page token: a position in the listing of these filters; `hop` makes another token of the same position."""
    place = {"position": position, "filters": _checksum(query), "hop": hop}
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_token(query: Mapping[str, str]) -> int:
    """The position where a page starts.

    Raises:
        Refused: The token is not of this service, or of a listing with other filters.
    """
    if "nextToken" not in query:
        return 0
    try:
        place = json.loads(base64.urlsafe_b64decode(query["nextToken"].encode()))
        position, filters = place["position"], place["filters"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        position, filters = None, None
    if not isinstance(position, int) or position < 0:
        raise Refused(400, "nextToken is not a token of this service.")
    if filters != _checksum(query):
        raise Refused(400, "nextToken is of a listing with other filters.")
    return position


def _checksum(query: Mapping[str, str]) -> int:
    # The contract allows a token 500 characters, and an account id alone 512.
    names = ("account_id", "schema_name", "status")
    return zlib.crc32(json.dumps([query.get(name) for name in names]).encode())
