"""The repr of an event that was read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from togai._printable import printable


def one_line(event: Any) -> str:
    """The values by which a person recognizes an event; `to_dict()` and the properties have everything."""
    payload: Any = event.event_payload
    attributes = getattr(payload, "attributes", None)
    quantities: list[Any] = cast("Any", attributes) if isinstance(attributes, list) else []
    parts = [
        type(event).__name__,
        event.reference_id,
        *(getattr(payload, name, None) for name in ("id", "account_id", "timestamp")),
        getattr(event.ingestion_status, "status", None),
        *(
            f"{getattr(quantity, 'name', None)}={getattr(quantity, 'value', None)}"
            for quantity in quantities
        ),
    ]
    shown = (part.isoformat() if isinstance(part, datetime) else part for part in parts)
    return f"<{' '.join(printable(part) for part in shown if part is not None)}>"
