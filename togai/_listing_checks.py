"""Checks of a listing against its request: ignored filters, premature ends."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

from attrs import define, field

from togai._printable import printable_name
from togai._transport import clock
from togai.errors import BadRequest, FilterIgnored, NotFound, UnprocessableEntity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from togai._transport.steps import Steps
    from togai.models import EventWithStatus

_PROBE_INTERVAL = 3600.0
"""Seconds until a filter is probed again, if some events of a page do not contain its property."""

_IN_PAYLOAD = ("account_id", "schema_name")
"""The filters for which the payload of an event has a property of the same name."""

_NEXT = ("next", "cursor", "token")
_MORE = ("more", "next")
_ELSEWHERE = ("prev", "first", "last", "self", "current", "request")


@define
class FilterChecks:
    """The results of the probes of filters, for a client and the clients derived from it."""

    _accepted: set[tuple[str, str, str]] = field(factory=set[tuple[str, str, str]])
    """Filter, requested value and the other value in an event, if a probe has shown that the filter works."""
    _probed: dict[str, float] = field(factory=dict[str, float])

    def check(
        self,
        filters: Mapping[str, Any],
        events: Sequence[EventWithStatus],
        probe: Callable[[str, str], Steps[Sequence[EventWithStatus]]],
    ) -> Steps[None]:
        """Check that the events of a page match the filters of their listing.

        An event of another account does not prove that the filter is ignored, because accounts have aliases. Therefore
        a probe requests a value that no event matches: if it returns an event, the filter is ignored.

        Args:
            filters: The filters by their names in the query.
            events: The events of the page.
            probe: Requests a page of one event with a value for a filter, and no other filter.

        Raises:
            FilterIgnored: The service ignores a filter.
            TogaiError: The probe failed.
        """
        for name, requested in filters.items():
            if requested is None or not events:
                continue
            foreign: set[tuple[str, str, str]] = set()
            is_shown = name in _IN_PAYLOAD
            if is_shown:
                # The payload, or its property, may be missing.
                values = [getattr(event.event_payload, name, None) for event in events]
                is_shown = None not in values
                others = {str(value) for value in values if value is not None} - {str(requested)}
                foreign = {(name, str(requested), other) for other in others} - self._accepted
            if foreign or not (is_shown or self._probed_recently(name)):
                yield from self._probe(name, str(requested), probe)
                self._accepted |= foreign
                self._probed[name] = clock.current.now()

    def _probed_recently(self, name: str) -> bool:
        now = clock.current.now()
        return 0 <= now - self._probed.get(name, -_PROBE_INTERVAL) < _PROBE_INTERVAL

    @staticmethod
    def _probe(
        name: str, requested: str, probe: Callable[[str, str], Steps[Sequence[EventWithStatus]]]
    ) -> Steps[None]:
        try:
            probed = yield from probe(name, f"togai-probe-{secrets.token_hex(16)}")
        except (BadRequest, NotFound, UnprocessableEntity):
            return
        if probed:
            raise FilterIgnored(name, requested)


def further_page(body: Mapping[str, Any], known: Sequence[str]) -> str | None:
    """The JSON path of an unknown property of the page that announces a next page; None if there is none.

    Such a property has a name like `nextCursor` and is a non-empty text or an object that contains one; or it has a
    name like `hasMore` and is `true`. Numbers do not count.
    """
    for name, value in body.items():
        if name not in known and (path := _offer(name, value, within=False)) is not None:
            return f"$.{printable_name(path)}"
    return None


def _offer(name: str, value: object, *, within: bool) -> str | None:
    lowered = name.lower()
    if any(word in lowered for word in _ELSEWHERE):
        return None
    named = within or any(word in lowered for word in _NEXT)
    if isinstance(value, str):
        return name if named and value else None
    if isinstance(value, dict):
        for inner, held in cast("dict[str, Any]", value).items():
            if (path := _offer(inner, held, within=named)) is not None:
                return f"{name}.{path}"
    return name if value is True and any(word in lowered for word in _MORE) else None
