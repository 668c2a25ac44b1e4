"""The steps of a call, as data: the operations that a client performs for it."""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import define, field, frozen

from togai._printable import printable

if TYPE_CHECKING:
    from togai._transport.auth import Secret
    from togai._transport.timeout import Timeout

_SNIPPET = 500
MAX_MESSAGE = 300
"""The maximum length of a message of the service in an error."""


@frozen
class Call:
    """One operation with its arguments, ready to be sent. Its repr does not show the arguments."""

    method: str
    path: str
    params: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    """The caller's own headers."""
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    repeatable: bool = True
    """Whether it may be sent again."""


@define
class Delivery:
    """Whether the request of an attempt may have reached the service, according to its transport.

    This is not guessed from an exception class: httpcore reports each step to the `trace` extension of a request.
    """

    handed_over: bool = False
    """Whether the request was handed to a transport."""
    traced: bool = False
    """Whether the transport reports its steps; if not, the request may have been sent."""
    seen: bool = False
    """Whether the transport has reported any step."""
    head: tuple[int, Mapping[str, str], str] | None = field(default=None, repr=False)
    """Status, headers and reason of the response, once they have arrived."""
    complete: bool = False
    """Whether the whole body has arrived."""
    _to_service: bool = True
    confirm: Callable[[], object] | None = field(default=None, repr=False)
    """Called outside the event loop just before an attempt is sent; raises if it must no longer be sent."""
    until: float = field(default=math.inf, repr=False)
    """When the request must be on its way, by the machine's clock: within a minute of the question to the ledger."""
    begun: int = 0
    """How many times the transport started to send the request; more than once means that it repeated the request."""

    @property
    def possible(self) -> bool:
        """Whether the request may have reached the service."""
        return self.begun > 0 or (self.handed_over and not self.traced)

    @property
    def repeated(self) -> bool:
        """Whether the transport sent the request more than once."""
        return self.begun > 1

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Record an event of the `trace` extension."""
        self.traced = self.seen = True
        if event.endswith(".send_request_headers.started"):
            # A CONNECT goes to a proxy and opens a tunnel; the request itself follows.
            self._to_service = getattr(info.get("request"), "method", b"") != b"CONNECT"
            if self._to_service and time.time() > self.until:
                raise TimeoutError("the computer was suspended before the request was sent")
            self.begun += self._to_service
            self.head, self.complete = None, False
        elif event.endswith(".receive_response_headers.complete") and self._to_service:
            self.head = _head(info["return_value"])
        elif event.endswith(".receive_response_body.complete"):
            self.complete = self._to_service

    def hand_over(self, *, traced: bool) -> None:
        """Record that the request is passed to a transport, and whether that transport reports its steps."""
        self.handed_over, self.traced = True, traced

    def restart(self) -> None:
        """Reset after an attempt that the service refused, or that was not sent."""
        self.handed_over = self.traced = self.seen = self.complete = False
        self.begun, self.head = 0, None


def _head(reported: Sequence[Any]) -> tuple[int, Mapping[str, str], str]:
    """Status, headers and reason of a response; HTTP/1.1 also reports the version, HTTP/2 has no reason."""
    status, reason = (reported[0], b"") if isinstance(reported[0], int) else reported[1:3]
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reported[-1]
    }
    return status, headers, reason.decode("latin-1")


@frozen
class Response:
    """A response of the service: the status, the headers, and the whole body."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    reason: str = ""
    problem: str | None = None
    """Why the body could not be read."""
    attempts: int = 1
    secret: Secret | None = field(default=None, repr=False)
    """The token of the request, which the response may repeat."""

    @property
    def succeeded(self) -> bool:
        """Whether it is a success with a body that could be read."""
        return 200 <= self.status < 300 and self.problem is None

    @property
    def request_id(self) -> str | None:
        """The service's id of the request."""
        return self._header("x-request-id")

    @property
    def content_type(self) -> str | None:
        """The content type of the body, as the service states it."""
        return self._header("content-type")

    @property
    def content_coding(self) -> str | None:
        """The coding of the body, as the service states it."""
        return self._header("content-encoding")

    def _header(self, name: str) -> str | None:
        return self.shown(self.headers[name], MAX_MESSAGE) if name in self.headers else None

    def shown(self, text: str, most: int) -> str:
        """The start of a text from the response, safe to show in an error."""
        # Truncated twice: masking needs the whole token, and escapes are longer than the characters they replace.
        return (self.secret.shown(text[: most * 20]) if self.secret else printable(text))[:most]

    def snippet(self) -> str:
        """The start of the body as text."""
        return self.shown(self.body[: _SNIPPET * 80].decode("utf-8", "replace"), _SNIPPET)


class Failure(enum.Enum):
    """How an attempt without a response ended."""

    NOT_SENT = "no connection"
    TIMED_OUT = "no response in time"
    LOST = "connection lost"


@frozen
class NoResponse:
    """The outcome of an attempt without a response."""

    failure: Failure
    cause: str
    final: bool = False
    """Whether a retry is useless."""


Outcome = Response | NoResponse
"""The outcome of one attempt."""


@frozen
class Attempt:
    """Wait for the rate limit, then send the request once. Results in an `AttemptResult`."""

    call: Call
    timeout: Timeout
    token: Secret | None
    """The token to send; None for the current one."""
    deadline: float | None
    """The end of the attempt on the monotonic clock; None starts the call's total time with this attempt."""
    delivery: Delivery = field(factory=Delivery)
    """Records whether the request may have reached the service, even if the attempt raises."""


@frozen
class AttemptResult:
    """The result of an attempt."""

    outcome: Outcome
    token: Secret
    began: float
    """The start of the attempt on the monotonic clock, after waiting for the rate limit."""


@frozen
class Refresh:
    """Fetch a token other than the refused token. Results in a `Secret`."""

    refused: Secret


@frozen
class Sleep:
    """Sleep for a number of seconds."""

    seconds: float


@frozen
class Hold:
    """Start no request of this client for a number of seconds."""

    seconds: float


@frozen
class Blocking:
    """Run a blocking function outside the event loop. Results in its return value.

    If the task is cancelled meanwhile, it waits for the function to end; then the cancellation is raised at this step.
    """

    function: Callable[[], Any]


Step = Attempt | Refresh | Sleep | Hold | Blocking

T = TypeVar("T")

Steps = Generator[Step, Any, T]
"""A call as a generator: it yields steps, receives their results, and returns the result of the call."""


class Run(Protocol):
    """Runs the steps of a call in this thread."""

    def __call__(self, steps: Steps[T], /) -> T:
        """Return the result of the call."""
        ...


class AsyncRun(Protocol):
    """Runs the steps of a call in this task."""

    async def __call__(self, steps: Steps[T], /) -> T:
        """Return the result of the call."""
        ...
