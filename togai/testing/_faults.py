"""What can go wrong on the way to the service and back, as a queue that the next requests meet."""

from __future__ import annotations

import enum
import json
import threading
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from togai.testing._service import checked_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from togai.testing._service import Request, Response


class Delivery(enum.Enum):
    """How an answer reaches the client."""

    WHOLE = enum.auto()
    DROPPED = enum.auto()
    """The connection is closed without a byte."""
    RESET = enum.auto()
    """The connection is reset without a byte."""
    HALF = enum.auto()
    """The connection is closed in the middle of the body."""
    HELD = enum.auto()
    """Nothing comes until `release()`."""
    DRIPPED = enum.auto()
    """The body comes byte by byte."""
    LATE = enum.auto()
    """The request is processed after some time, whether or not the client still waits."""


@define(kw_only=True)
class Fault:
    """One fault, which a number of requests meet."""

    times: int | None = 1
    """How many requests; None is all until `release()`."""

    skip: int = 0
    """How many requests that it is for pass unharmed first."""

    method: str | None = None
    path: str | None = None
    acts: bool = True
    """Whether the service does what was asked for."""

    delivery: Delivery = Delivery.WHOLE
    seconds: float = 0.0
    """Between two bytes of a dripped body, or before a late response."""

    leftover: Response | None = None
    """A second response in the same segment."""

    answer: Callable[[Request, Response | None], Response] | None = field(default=None, repr=False)
    """The answer, from the request and the service's own answer if it acted."""

    def meets(self, request: Request) -> bool:
        """Whether the request is one that this fault is for."""
        return self.method in (None, request.method) and self.path in (None, request.path)


@frozen
class Delivered:
    """An answer and how it comes."""

    response: Response
    delivery: Delivery = Delivery.WHOLE
    seconds: float = 0.0
    leftover: Response | None = None
    finish: Callable[[], Response] | None = field(default=None, repr=False)
    """Processes a late request, and returns its response."""


class Faults:
    """The queue: the first fault that is for a request is met by it."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []
        self._lock = threading.Lock()
        self.released = threading.Event()

    def add(self, fault: Fault) -> None:
        """Put a fault behind the others.

        Raises:
            ValueError: It would never be met.
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
        """The fault that this request meets."""
        with self._lock:
            for fault in self._queue:
                if not fault.meets(request):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    return None
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._queue.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Forget all faults, and let go what is held."""
        with self._lock:
            self._queue.clear()
            self.released.set()


def content(body: Any) -> tuple[bytes, str]:
    """A body and its content type: bytes and text as they are, anything else as JSON."""
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        kind = "text/html" if body.lstrip().startswith("<") else "text/plain"
        return body.encode(), f"{kind}; charset=utf-8"
    return json.dumps(body).encode(), "application/json"
