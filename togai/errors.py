"""Everything that this package raises, in one tree.

TogaiError
├── ConfigurationError            a setting is missing or not allowed (a ValueError)
├── InvalidRequest                an argument was refused before anything was sent (a ValueError)
├── ConnectionFailed              could not connect; nothing was sent
├── ConnectionLost                the connection broke before the response was complete
├── TimedOut                      no complete response in time
├── StatusError                   the status of the response is not a success
│   ├── BadRequest                400
│   ├── Unauthorized              401
│   ├── Forbidden                 403
│   ├── NotFound                  404
│   ├── UnprocessableEntity       422
│   ├── RateLimited               429
│   └── ServerError               5xx, also the unassigned ones such as 520
├── UnexpectedResponse            a success status with an unexpected body
├── RepeatedPageToken             the service returned a page token twice, or the same page
├── FilterIgnored                 the service ignores a filter of the listing
├── ListingIncomplete             the service announces a further page without a token for it
├── EventNotFound                 no event has this id (a LookupError)
├── AmbiguousEvent                several events have this id (a LookupError)
├── AlreadyPending                the outcome of an earlier correction of the event is unknown; nothing was sent
├── AlreadyCorrected              the event was corrected already; nothing was sent
├── StaleReading                  the event has changed since it was read; nothing was sent
├── NotApproved                   nobody has approved the plan; nothing was sent
├── LedgerBusy                    another process held the ledger for too long
├── LedgerDamaged                 the ledger was damaged or altered
├── PlanIncomplete                not every item of a plan is applied
├── CorrectionFailed              some events were not corrected
└── CorrectionOutcomeUnknown      a correction may or may not have been applied

All of them can be pickled and copied, and none holds the token or a query string.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from togai._correction_errors import AlreadyCorrected as AlreadyCorrected
from togai._correction_errors import AlreadyPending as AlreadyPending
from togai._correction_errors import CorrectionFailed as CorrectionFailed
from togai._correction_errors import CorrectionOutcomeUnknown as CorrectionOutcomeUnknown
from togai._correction_errors import LedgerBusy as LedgerBusy
from togai._correction_errors import LedgerDamaged as LedgerDamaged
from togai._correction_errors import NotApproved as NotApproved
from togai._correction_errors import PlanIncomplete as PlanIncomplete
from togai._correction_errors import StaleReading as StaleReading
from togai._error import ConfigurationError as ConfigurationError
from togai._error import InvalidRequest as InvalidRequest
from togai._error import TogaiError as TogaiError
from togai._printable import printable as _printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from togai.models import EventWithStatusAndEventPipelineInfo

__all__ = [
    "AlreadyCorrected",
    "AlreadyPending",
    "AmbiguousEvent",
    "BadRequest",
    "ConfigurationError",
    "ConnectionFailed",
    "ConnectionLost",
    "CorrectionFailed",
    "CorrectionOutcomeUnknown",
    "EventNotFound",
    "FilterIgnored",
    "Forbidden",
    "InvalidRequest",
    "LedgerBusy",
    "LedgerDamaged",
    "ListingIncomplete",
    "NotApproved",
    "NotFound",
    "PlanIncomplete",
    "RateLimited",
    "RepeatedPageToken",
    "ServerError",
    "StaleReading",
    "StatusError",
    "TimedOut",
    "TogaiError",
    "Unauthorized",
    "UnexpectedResponse",
    "UnprocessableEntity",
]


def __dir__() -> list[str]:
    return __all__


class ConnectionFailed(TogaiError):
    """No attempt could connect. Nothing was sent."""


class ConnectionLost(TogaiError):
    """The connection broke before the response was complete."""


class TimedOut(TogaiError):
    """The response was not complete within the timeouts of the call."""


class StatusError(TogaiError):
    """The status of the response is not a success.

    Attributes:
        status: The HTTP status.
        message: The service's message; if there is none, the reason phrase of the status, and the start of a JSON body.
        request_id: The service's id of the request, for its support; None if the response has none.
        retry_after: The `Retry-After` header in seconds; None if the response has none.
        snippet: The first 500 characters of the body.
    """

    status: int
    message: str
    request_id: str | None
    retry_after: float | None
    snippet: str

    def __init__(
        self,
        status: int,
        message: str,
        *,
        method: str | None = None,
        path: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        snippet: str = "",
        attempts: int = 1,
        waited: tuple[float, ...] = (),
    ) -> None:
        self.status = status
        self.message = message
        self.method = method
        self.path = path
        self.request_id = request_id
        self.retry_after = retry_after
        self.snippet = snippet
        self.attempts = attempts
        self.waited = waited
        super().__init__(self._text())

    def _text(self) -> str:
        message = self.message.rstrip(".")
        parts = [f"{self.method} {self.path} returned {self.status}: {message}"]
        if self.request_id:
            parts.append(f"request id {self.request_id}")
        if self.retry_after is not None:
            parts.append(f"retry after {self.retry_after:g} s")
        if self.attempts > 1:
            parts.append(f"{self.attempts} attempts")
        return "; ".join(parts) + self._advice()

    def _advice(self) -> str:
        return ""


class BadRequest(StatusError):
    """400: the service does not accept an argument."""


class Unauthorized(StatusError):
    """401: the token is missing, wrong or expired (short-lived tokens live for 24 hours)."""

    def _advice(self) -> str:
        return ". Check the token; a callable `token=` is called before each request"


class Forbidden(StatusError):
    """403: the token has no permission for this."""

    def _advice(self) -> str:
        return ". The token is valid but has no permission for this; check its permissions and base_url"


class NotFound(StatusError):
    """404: the address does not exist."""

    def _advice(self) -> str:
        return ". Check base_url"


class UnprocessableEntity(StatusError):
    """422: the service refuses the request as it is."""


class RateLimited(StatusError):
    """429: more requests than the quota allows (10 per second and token by default; the vendor's quota page)."""

    def _advice(self) -> str:
        return (
            ". Lower requests_per_second, or share one rate limiter between all who use this token"
        )


class ServerError(StatusError):
    """5xx: the service, or a gateway in front of it, failed."""


_BY_STATUS: dict[int, type[StatusError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    422: UnprocessableEntity,
    429: RateLimited,
}


def status_error_class(status: int) -> type[StatusError]:
    """The class for an HTTP status: its own, `ServerError` from 500 on, or `StatusError`."""
    return _BY_STATUS.get(status, ServerError if status >= 500 else StatusError)


class UnexpectedResponse(TogaiError):
    """A success with a body that was not expected.

    The body is not a JSON object with the expected properties, is too large, or cannot be decompressed; with
    `strict=True`, it deviates from the contract.

    Attributes:
        status: The HTTP status.
        request_id: The service's id of the request; None if the response has none.
        content_type: The content type of the response.
        snippet: The first 500 characters of the body.
        where: JSON path of the first deviation, such as `$.events[3].createdAt`; None if the body is not JSON.
    """

    status: int | None
    request_id: str | None
    content_type: str | None
    snippet: str
    where: str | None

    def __init__(
        self,
        problem: str,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        content_type: str | None = None,
        snippet: str = "",
        where: str | None = None,
        attempts: int = 1,
    ) -> None:
        self.method = method
        self.path = path
        self.status = status
        self.request_id = request_id
        self.content_type = content_type
        self.snippet = snippet
        self.where = where
        self.attempts = attempts
        at = f" at {where}" if where else ""
        body = f"; the body starts {snippet[:120]!r}" if snippet else ""
        advice = "Report it to the vendor" if where else "Check base_url and any proxy"
        super().__init__(f"{method} {path} returned {status} with {problem}{at}{body}. {advice}")


class RepeatedPageToken(TogaiError):
    """The service returned a page token twice, or the same page again and again; continuing would repeat events."""


class FilterIgnored(TogaiError):
    """The service ignores a filter: it returns events even for a value that no event matches.

    No event of the page was yielded. Do not use the results of earlier listings with this filter without a check.

    Attributes:
        filter: The name of the filter in the query.
        value: The value that was requested.
    """

    filter: str
    value: str

    def __init__(self, filter: str, value: str) -> None:  # noqa: A002  (the term of the field)
        self.filter = filter
        self.value = value
        super().__init__(
            f"the service ignores the filter {filter}={_printable(value)!r}: the listing would contain other events."
            " Nothing was returned. Report it to the vendor; until it is fixed, list without this filter and"
            " select the events yourself"
        )


class ListingIncomplete(TogaiError):
    """The last page has no token for a next page, but a property that announces one. All of its events were yielded.

    Attributes:
        where: JSON path of that property.
    """

    where: str

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(
            f"the listing ends without nextToken, although {_printable(where)} announces a further page:"
            " there may be more events. If the listing is known to be complete, pass trust_end=True"
        )


class EventNotFound(TogaiError, LookupError):
    """No event has this id.

    Attributes:
        event_id: The id that was requested.
    """

    event_id: str

    def __init__(self, event_id: str) -> None:
        self.event_id = event_id
        super().__init__(
            f"no event has the id {event_id!r}. This call takes the id that the event was sent with,"
            " not Togai's reference id"
        )


class AmbiguousEvent(TogaiError, LookupError):
    """Several events have this id: it is unique only within a window of 45 days.

    Attributes:
        event_id: The id that was requested.
        candidates: The events with this id.
    """

    event_id: str
    candidates: tuple[EventWithStatusAndEventPipelineInfo, ...]

    def __init__(
        self, event_id: str, candidates: Sequence[EventWithStatusAndEventPipelineInfo]
    ) -> None:
        self.event_id = event_id
        self.candidates = tuple(candidates)
        super().__init__(
            f"{len(self.candidates)} events have the id {event_id!r}: choose among `candidates`,"
            " for instance by created_at, or call get_all"
        )
