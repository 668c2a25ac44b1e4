"""The parameters that select the target of a correction, defined once for every call that takes them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  (type hints of a TypedDict are read at run time)
from typing import TypedDict


class Where(TypedDict, total=False):
    """Selects the events of a correction: `account_id` and one of the combinations below.

    Allowed (the vendor's reference page): account_id with reference_id; with event_id; with event_source_time; with
    event_id and created_at; with event_id and event_source_time; or account_id alone with whole_account=True.
    """

    account_id: str | None
    """The account that the events belong to."""
    reference_id: str | None
    """Togai's own id of an event."""
    event_id: str | None
    """The id that the event was sent with."""
    event_source_time: datetime | None
    """The event's own timestamp, with a time zone."""
    created_at: datetime | None
    """When Togai ingested the event, with a time zone."""
    whole_account: bool
    """True to correct every event of the account; only with account_id alone."""


def check_names(where: Where, function: str) -> None:
    """Refuse a name that is not a parameter, as Python does for any other function.

    Raises:
        TypeError: The name is not a parameter of the function.
    """
    for name in where:
        if name not in Where.__annotations__:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
