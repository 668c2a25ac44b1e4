"""Everything that `togai` offers, imported at once: `togai` itself waits with that until something is asked for."""

from togai._client import PRODUCTION_URL, SANDBOX_URL, AsyncTogai, Togai
from togai._corrections import Correction, CorrectionResult, Selection
from togai._events import AsyncEvents, Events
from togai._http import Timeout
from togai._naming import name_publicly
from togai._pace import AsyncPacer, Pacer
from togai._pages import AsyncEventPages, EventPage, EventPages
from togai._reading import Departure, Drift, departures, raw
from togai._values import ReadEvent, build_event, quantities, rows
from togai._version import __version__
from togai.errors import (
    AmbiguousEvent,
    BadRequest,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    CorrectionFailed,
    CorrectionOutcomeUnknown,
    EventNotFound,
    Forbidden,
    InvalidRequest,
    NotFound,
    PlanChanged,
    RateLimited,
    RepeatedPageToken,
    ServerError,
    StatusError,
    TimedOut,
    TogaiError,
    Unauthorized,
    UnexpectedResponse,
    UnprocessableEntity,
)
from togai.models import (
    Attribute,
    CorrectionAction,
    CorrectionStatus,
    Event,
    EventCorrectionInfo,
    EventWithStatus,
    EventWithStatusAndEventPipelineInfo,
    IngestionStatusValue,
)

__all__ = [
    "PRODUCTION_URL",
    "SANDBOX_URL",
    "AmbiguousEvent",
    "AsyncEventPages",
    "AsyncEvents",
    "AsyncPacer",
    "AsyncTogai",
    "Attribute",
    "BadRequest",
    "ConfigurationError",
    "ConnectionFailed",
    "ConnectionLost",
    "Correction",
    "CorrectionAction",
    "CorrectionFailed",
    "CorrectionOutcomeUnknown",
    "CorrectionResult",
    "CorrectionStatus",
    "Departure",
    "Drift",
    "Event",
    "EventCorrectionInfo",
    "EventNotFound",
    "EventPage",
    "EventPages",
    "EventWithStatus",
    "EventWithStatusAndEventPipelineInfo",
    "Events",
    "Forbidden",
    "IngestionStatusValue",
    "InvalidRequest",
    "NotFound",
    "Pacer",
    "PlanChanged",
    "RateLimited",
    "ReadEvent",
    "RepeatedPageToken",
    "Selection",
    "ServerError",
    "StatusError",
    "TimedOut",
    "Timeout",
    "Togai",
    "TogaiError",
    "Unauthorized",
    "UnexpectedResponse",
    "UnprocessableEntity",
    "__version__",
    "build_event",
    "departures",
    "quantities",
    "raw",
    "rows",
]

name_publicly(globals(), "togai")
