"""The models of the events API, with the names from the service's own description."""

from _togai_generated import types as _types
from _togai_generated.models import Attribute as Attribute
from _togai_generated.models import CorrectionAction as CorrectionAction
from _togai_generated.models import CorrectionStatus as CorrectionStatus
from _togai_generated.models import EnrichedField as EnrichedField
from _togai_generated.models import EnrichedFieldType as EnrichedFieldType
from _togai_generated.models import EnrichmentDependency as EnrichmentDependency
from _togai_generated.models import EnrichmentDependencyType as EnrichmentDependencyType
from _togai_generated.models import ErrorResponse as ErrorResponse
from _togai_generated.models import Event as Event
from _togai_generated.models import EventCorrectionInfo as EventCorrectionInfo
from _togai_generated.models import EventCorrectionRequest as EventCorrectionRequest
from _togai_generated.models import EventPipelineInfo as EventPipelineInfo
from _togai_generated.models import EventPipelineInfoAccount as EventPipelineInfoAccount
from _togai_generated.models import EventPipelineInfoCustomer as EventPipelineInfoCustomer
from _togai_generated.models import EventPipelineInfoEnrichments as EventPipelineInfoEnrichments
from _togai_generated.models import EventPipelineInfoEventSchema as EventPipelineInfoEventSchema
from _togai_generated.models import (
    EventPipelineInfoFeatureDetails as EventPipelineInfoFeatureDetails,
)
from _togai_generated.models import EventPipelineInfoPricePlans as EventPipelineInfoPricePlans
from _togai_generated.models import (
    EventPipelineInfoRevenueDetails as EventPipelineInfoRevenueDetails,
)
from _togai_generated.models import EventPipelineInfoUsageMeters as EventPipelineInfoUsageMeters
from _togai_generated.models import EventsCorrectionResponse as EventsCorrectionResponse
from _togai_generated.models import EventSource as EventSource
from _togai_generated.models import EventWithStatus as EventWithStatus
from _togai_generated.models import (
    EventWithStatusAndEventPipelineInfo as EventWithStatusAndEventPipelineInfo,
)
from _togai_generated.models import GetEventResponse as GetEventResponse
from _togai_generated.models import GetEventsResponse as GetEventsResponse
from _togai_generated.models import IngestionStatus as IngestionStatus
from _togai_generated.models import IngestionStatusValue as IngestionStatusValue
from _togai_generated.models import UsageMeterStatus as UsageMeterStatus

from togai._one_line import one_line as _one_line

_write = _types.write  # for _event_json, which does not import the generated package

ReadEvent = EventWithStatus | EventWithStatusAndEventPipelineInfo | EventCorrectionInfo
"""An event as any of the three calls returns it."""


for _model in (EventWithStatus, EventWithStatusAndEventPipelineInfo, EventCorrectionInfo):
    setattr(_model, "__repr__", _one_line)  # noqa: B010  (a plain assignment is an error of types)

__all__ = [
    "Attribute",
    "CorrectionAction",
    "CorrectionStatus",
    "EnrichedField",
    "EnrichedFieldType",
    "EnrichmentDependency",
    "EnrichmentDependencyType",
    "ErrorResponse",
    "Event",
    "EventCorrectionInfo",
    "EventCorrectionRequest",
    "EventPipelineInfo",
    "EventPipelineInfoAccount",
    "EventPipelineInfoCustomer",
    "EventPipelineInfoEnrichments",
    "EventPipelineInfoEventSchema",
    "EventPipelineInfoFeatureDetails",
    "EventPipelineInfoPricePlans",
    "EventPipelineInfoRevenueDetails",
    "EventPipelineInfoUsageMeters",
    "EventSource",
    "EventWithStatus",
    "EventWithStatusAndEventPipelineInfo",
    "EventsCorrectionResponse",
    "GetEventResponse",
    "GetEventsResponse",
    "IngestionStatus",
    "IngestionStatusValue",
    "ReadEvent",
    "UsageMeterStatus",
]
