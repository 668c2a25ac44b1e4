"""The public names of `togai`, but for those of `_public_corrections`; each is listed once.

`togai` imports this module when a name is first used.
"""

from togai._build import build_event as build_event
from togai._build import with_quantities as with_quantities
from togai._client import AsyncTogai as AsyncTogai
from togai._client import Togai as Togai
from togai._decoding import deviations as deviations
from togai._decoding import raw as raw
from togai._drift import Deviation as Deviation
from togai._drift import Drift as Drift
from togai._events import AsyncEvents as AsyncEvents
from togai._events import Events as Events
from togai._listing_many import AccountPages as AccountPages
from togai._listing_many import AsyncAccountPages as AsyncAccountPages
from togai._pagination import AsyncEventPages as AsyncEventPages
from togai._pagination import EventPage as EventPage
from togai._pagination import EventPages as EventPages
from togai._rows import quantities as quantities
from togai._rows import rows as rows
from togai._settings import PRODUCTION_URL as PRODUCTION_URL
from togai._settings import SANDBOX_URL as SANDBOX_URL
from togai._transport.rate_limit import AsyncRateLimiter as AsyncRateLimiter
from togai._transport.rate_limit import RateLimiter as RateLimiter
from togai._transport.timeout import Timeout as Timeout
from togai.errors import AlreadyCorrected as AlreadyCorrected
from togai.errors import AlreadyPending as AlreadyPending
from togai.errors import AmbiguousEvent as AmbiguousEvent
from togai.errors import BadRequest as BadRequest
from togai.errors import ConfigurationError as ConfigurationError
from togai.errors import ConnectionFailed as ConnectionFailed
from togai.errors import ConnectionLost as ConnectionLost
from togai.errors import CorrectionFailed as CorrectionFailed
from togai.errors import CorrectionOutcomeUnknown as CorrectionOutcomeUnknown
from togai.errors import EventNotFound as EventNotFound
from togai.errors import FilterIgnored as FilterIgnored
from togai.errors import Forbidden as Forbidden
from togai.errors import InvalidRequest as InvalidRequest
from togai.errors import LedgerBusy as LedgerBusy
from togai.errors import LedgerDamaged as LedgerDamaged
from togai.errors import ListingIncomplete as ListingIncomplete
from togai.errors import NotApproved as NotApproved
from togai.errors import NotFound as NotFound
from togai.errors import PlanIncomplete as PlanIncomplete
from togai.errors import RateLimited as RateLimited
from togai.errors import RepeatedPageToken as RepeatedPageToken
from togai.errors import ServerError as ServerError
from togai.errors import StaleReading as StaleReading
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
from togai.models import ReadEvent as ReadEvent
