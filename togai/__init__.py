"""Python client for the Togai events API that spec changes cannot break.

Start with `Togai` or `AsyncTogai`; the models are in `togai.models`, the errors in `togai.errors`.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from togai._version import __version__ as __version__

if TYPE_CHECKING:
    from togai._client import PRODUCTION_URL as PRODUCTION_URL
    from togai._client import SANDBOX_URL as SANDBOX_URL
    from togai._client import AsyncTogai as AsyncTogai
    from togai._client import Togai as Togai
    from togai._corrections import Correction as Correction
    from togai._corrections import CorrectionResult as CorrectionResult
    from togai._corrections import Selection as Selection
    from togai._events import AsyncEvents as AsyncEvents
    from togai._events import Events as Events
    from togai._http import Timeout as Timeout
    from togai._pace import AsyncPacer as AsyncPacer
    from togai._pace import Pacer as Pacer
    from togai._pages import AsyncEventPages as AsyncEventPages
    from togai._pages import EventPage as EventPage
    from togai._pages import EventPages as EventPages
    from togai._reading import Departure as Departure
    from togai._reading import Drift as Drift
    from togai._reading import departures as departures
    from togai._reading import raw as raw
    from togai._values import ReadEvent as ReadEvent
    from togai._values import build_event as build_event
    from togai._values import quantities as quantities
    from togai._values import rows as rows
    from togai.errors import AmbiguousEvent as AmbiguousEvent
    from togai.errors import BadRequest as BadRequest
    from togai.errors import ConfigurationError as ConfigurationError
    from togai.errors import ConnectionFailed as ConnectionFailed
    from togai.errors import ConnectionLost as ConnectionLost
    from togai.errors import CorrectionFailed as CorrectionFailed
    from togai.errors import CorrectionOutcomeUnknown as CorrectionOutcomeUnknown
    from togai.errors import EventNotFound as EventNotFound
    from togai.errors import Forbidden as Forbidden
    from togai.errors import InvalidRequest as InvalidRequest
    from togai.errors import NotFound as NotFound
    from togai.errors import PlanChanged as PlanChanged
    from togai.errors import RateLimited as RateLimited
    from togai.errors import RepeatedPageToken as RepeatedPageToken
    from togai.errors import ServerError as ServerError
    from togai.errors import StatusError as StatusError
    from togai.errors import TimedOut as TimedOut
    from togai.errors import TogaiError as TogaiError
    from togai.errors import Unauthorized as Unauthorized
    from togai.errors import UnexpectedResponse as UnexpectedResponse
    from togai.errors import UnprocessableEntity as UnprocessableEntity
    from togai.models import Attribute as Attribute
    from togai.models import CorrectionAction as CorrectionAction
    from togai.models import CorrectionStatus as CorrectionStatus
    from togai.models import Event as Event
    from togai.models import EventCorrectionInfo as EventCorrectionInfo
    from togai.models import EventWithStatus as EventWithStatus
    from togai.models import (
        EventWithStatusAndEventPipelineInfo as EventWithStatusAndEventPipelineInfo,
    )
    from togai.models import IngestionStatusValue as IngestionStatusValue


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


if not TYPE_CHECKING:  # or type checkers would believe in any name

    def __getattr__(name: str) -> Any:
        # httpx and the models take longer to import than most programs take to start: whoever uses a name waits for it.
        if name in ("corrections", "errors", "models"):
            return _import_module(f"togai.{name}")
        if name not in __all__:
            raise AttributeError(f"module 'togai' has no attribute {name!r}")
        public = _import_module("togai._public")
        globals().update({one: getattr(public, one) for one in __all__})
        return globals()[name]


def __dir__() -> list[str]:
    return [*__all__]
