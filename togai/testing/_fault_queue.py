"""A queue of faults between the client and the service, which apply to the next requests."""

from __future__ import annotations

import enum
import threading
from typing import TYPE_CHECKING, TypedDict

from attrs import define, field, frozen

from togai.testing._messages import checked_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from togai.testing._messages import Request, Response


class When(TypedDict, total=False):
    """Selects the requests that a fault applies to: the parameters that all fault methods share."""

    times: int | None
    """The number of requests, 1 by default; None applies the fault until `release()`."""
    method: str | None
    """Only requests with this method, GET or POST."""
    path: str | None
    """Only requests for this path, such as `/events/correction`."""
    skip: int
    """The number of matching requests to serve normally before the fault applies; 0 by default."""


class Delivery(enum.Enum):
    """How a response reaches the client."""

    WHOLE = enum.auto()
    DROPPED = enum.auto()
    """The connection is closed without a byte."""
    RESET = enum.auto()
    """The connection is reset without a byte."""
    HALF = enum.auto()
    """The connection is closed in the middle of the body."""
    HELD = enum.auto()
    """Nothing is sent until `release()`."""
    DRIPPED = enum.auto()
    """The body is sent byte by byte."""
    LATE = enum.auto()
    """The request is processed after a delay, whether or not the client still waits."""


@define
class Fault:
    """A fault, which applies to the requests that `When` selects."""

    times: int | None = 1
    skip: int = 0
    method: str | None = None
    path: str | None = None
    acts: bool = True
    """Whether the service processes the request."""
    delivery: Delivery = Delivery.WHOLE
    seconds: float = 0.0
    """The time between two bytes of a dripped body, or before a late response."""
    leftover: Response | None = None
    """A second response in the same segment."""
    response: Response | None = None
    """Sent instead of the service's own response."""
    change: Callable[[Request, Response], Response] | None = None
    """Makes another of the service's own response to the request."""

    def applies_to(self, request: Request) -> bool:
        """Whether the fault applies to the request."""
        return self.method in (None, request.method) and self.path in (None, request.path)


@frozen
class Delivered:
    """A response and the way it is delivered."""

    response: Response
    fault: Fault = field(factory=Fault)
    finish: Callable[[], Response] | None = None
    """Processes a late request, and returns its response."""


class FaultQueue:
    """The queue: a request takes the first fault that applies to it."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []
        self._lock = threading.Lock()
        self.released = threading.Event()

    def add(self, fault: Fault) -> None:
        """Append a fault.

        Raises:
            ValueError: The fault would never apply.
        """
        if fault.times is not None and fault.times < 1:
            raise ValueError(f"times={fault.times}: pass 1 or more, or None for all")
        if fault.skip < 0:
            raise ValueError(f"skip={fault.skip}: pass 0 or more")
        fault.method = checked_call(fault.method, fault.path)
        with self._lock:
            self.released.clear()
            self._queue.append(fault)

    def take(self, request: Request) -> Fault | None:
        """The fault for this request."""
        with self._lock:
            fault = next((fault for fault in self._queue if fault.applies_to(request)), None)
            if fault is None:
                return None
            if fault.skip:
                fault.skip -= 1
                return None
            if fault.times is not None:
                fault.times -= 1
                if not fault.times:
                    self._queue.remove(fault)
            return fault

    def clear(self) -> None:
        """Remove all faults, and release held responses."""
        with self._lock:
            self._queue.clear()
            self.released.set()
