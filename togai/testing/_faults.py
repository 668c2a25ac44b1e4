"""The fault methods of FakeTogai, which apply to the next requests."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any, Unpack

from togai.testing import _json_path
from togai.testing._fault_queue import Delivery, Fault, When
from togai.testing._messages import Response
from togai.testing._parameters import read_token, write_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from togai.testing._fault_queue import FaultQueue
    from togai.testing._messages import Request
    from togai.testing._service import Service


class FaultMethods:
    """What goes wrong with the next requests, in one line each; `release()` ends it.

    `**when` says which requests: `times`, `method`, `path` and `skip`, see `When`.
    """

    _service: Service
    _queue: FaultQueue

    def _add_fault(self, when: When, **fault: Any) -> None:
        if unknown := when.keys() - When.__annotations__:
            known = ", ".join(When.__annotations__)
            raise TypeError(f"unexpected keyword argument {min(unknown)!r}: pass any of {known}")
        self._queue.add(Fault(**when, **fault))

    def fail_next(
        self,
        *,
        status: int = 500,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | str | None = None,
        acts: bool = False,
        **when: Unpack[When],
    ) -> None:
        """Send this response to the next requests.

        Args:
            status: The status, from 200 to 599.
            body: JSON, or text or bytes as they are; by default an error as the API describes it.
            headers: Further headers.
            retry_after: The Retry-After header: seconds, or a date as text.
            acts: Whether the service processes the request nevertheless.

        Raises:
            TypeError: `When` has no such parameter.
            ValueError: The fault would never apply, or HTTP has no such status.
        """
        if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"status={status!r}: pass a whole number from 200 to 599")
        extra = {} if retry_after is None else {"Retry-After": f"{retry_after}"}
        body = {"message": f"A fault: status {status}."} if body is None else body
        response = Response.of(status, body, {**extra, **(headers or {})})
        self._add_fault(when, acts=acts, response=response)

    def change_next(self, change: Callable[[Any], Any], **when: Unpack[When]) -> None:
        """Pass the JSON of the next responses through a function.

        Args:
            change: Gets the JSON of a response, and changes it or returns another.
        """

        def changed(_request: Request, own: Response) -> Response:
            body: Any = json.loads(own.body)
            after = change(body)
            return own.with_body(body if after is None else after)

        self._add_fault(when, change=changed)

    def set_next(self, place: str, value: Any, **when: Unpack[When]) -> None:
        """Set a value in the JSON of the next responses: null, a new enum value, an unknown property.

        Each call of this method applies to other responses. To change several places of a response, pass a function to
        `change_next`.

        Args:
            place: A path such as `$.events[0].createdAt`; `[*]` is every item. The last property may be new.
                A response without the place becomes a 400 that reports it.
            value: Any JSON value.

        Raises:
            TypeError: JSON cannot hold the value.
            ValueError: The path is not valid.
        """
        json.dumps(value)  # raises here what would fail in the middle of a response
        steps = _json_path.parse(place)
        call = f"set_next({place!r})"
        self._change_place(call, lambda body: _json_path.put(body, steps, value), when)

    def remove_next(self, place: str, **when: Unpack[When]) -> None:
        """Remove a property or an item from the JSON of the next responses.

        Args:
            place: A path such as `$.events[0].createdAt`; `[*]` stands for every item. If a response does not have the
                place, it becomes a 400 that reports this.

        Raises:
            ValueError: The path is not valid.
        """
        steps = _json_path.parse(place)
        call = f"remove_next({place!r})"
        self._change_place(call, lambda body: _json_path.drop(body, steps), when)

    def _change_place(self, call: str, change: Callable[[Any], None], when: When) -> None:
        def changed(_request: Request, own: Response) -> Response:
            if own.status != 200:
                return own
            body: Any = json.loads(own.body)
            try:
                change(body)
            except _json_path.NoSuchPlace as error:
                # Not 500: the client would retry, and the test would not see the message.
                message = f"{call} does not fit the response: {error} in {own.body.decode()}"
                return Response.of(400, {"message": message[:500]})
            return own.with_body(body)

        self._add_fault(when, change=changed)

    def wrong_event_next(self, **when: Unpack[When]) -> None:
        """Respond about other events: the request is processed, but the response has the ids of other events."""

        def changed(body: Any) -> None:
            for number, event in enumerate([*body.get("events", ()), *body.get("data", ())], 1):
                event["referenceId"] = f"ref-other-{number}"
                event["eventPayload"]["id"] = f"event-other-{number}"

        self.change_next(changed, **when)

    def refuse_next(
        self, events: int = 1, *, reason: str = "Event was not corrected", skip: int = 0
    ) -> None:
        """Make corrections fail for the next events, within a successful response.

        Args:
            events: The number of events.
            reason: The reason in the response.
            skip: The number of events that are corrected first.

        Raises:
            ValueError: No event would be refused.
        """
        if events < 1 or skip < 0:
            raise ValueError(
                f"events={events}, skip={skip}: pass 1 or more events, and skip 0 or more"
            )
        if not reason:
            raise ValueError("reason is empty: pass text that is not empty")
        with self._service.lock:
            self._service.refusals += [None] * skip + [reason] * events

    def drop_next(
        self,
        *,
        acts: bool = False,
        half: bool = False,
        reset: bool = False,
        **when: Unpack[When],
    ) -> None:
        """Close the connection of the next requests without a response.

        Args:
            acts: Whether the service processes the request first.
            half: Close the connection in the middle of the response; the request is then processed.
            reset: Reset the connection instead of closing it normally.
        """
        if half and reset:
            raise ValueError("half=True and reset=True exclude each other: pass one of them")
        delivery = Delivery.HALF if half else Delivery.RESET if reset else Delivery.DROPPED
        self._add_fault(when, acts=acts or half, delivery=delivery)

    def hold_next(self, *, acts: bool = False, **when: Unpack[When]) -> None:
        """Respond to the next requests only after `release()`, which causes a read timeout in the client.

        Over a socket, the timeout takes real time, even with a `FakeClock`: pass a short timeout to the client, such
        as `Timeout(read=0.2)`, or use `transport()`.

        Args:
            acts: Whether the service processes the request immediately; to process it later, use `slow_next`.
        """
        self._add_fault(when, acts=acts, delivery=Delivery.HELD)

    def slow_next(self, *, seconds: float = math.inf, **when: Unpack[When]) -> None:
        """Process the next requests late, even if the client has closed the connection meanwhile.

        A client that does not wait long enough gets a read timeout, but its request is processed. Over `transport()`,
        the timeout passes immediately.

        Args:
            seconds: How long the service takes; by default until `release()`.
        """
        if not seconds > 0:
            raise ValueError(f"seconds={seconds!r}: pass more than 0")
        self._add_fault(when, delivery=Delivery.LATE, seconds=seconds)

    def drip_next(self, *, seconds: float, **when: Unpack[When]) -> None:
        """Send the body of the next responses byte by byte.

        Args:
            seconds: The time between two bytes.
        """
        self._add_fault(when, delivery=Delivery.DRIPPED, seconds=seconds)

    def leftover_next(self, *, status: int = 200, body: Any = None, **when: Unpack[When]) -> None:
        """Send a second response directly after the next response; a client may take it for that of its next request.

        Only over a socket, where both responses arrive in one TCP segment; `transport()` ignores this fault.

        Args:
            status: The status of the second response.
            body: The body of the second response, as for `fail_next`; by default a successful empty correction.
        """
        body = {"data": []} if body is None else body
        headers = {"X-Request-Id": "leftover"}
        self._add_fault(when, leftover=Response.of(status, body, headers))

    def empty_page_next(self, **when: Unpack[When]) -> None:
        """Respond to a listing with an empty page and a token; the next page continues where the listing was."""
        hops = itertools.count(1)

        def emptied(request: Request, own: Response) -> Response:
            if own.status != 200:
                return own
            token = write_token(read_token(request.query), request.query, next(hops))
            return Response.of(200, {"events": [], "nextToken": token})

        self._add_fault({"method": "GET", "path": "/events", **when}, change=emptied)

    def cycle_next(self, pages: int = 1) -> None:
        """Repeat page tokens until `release()`.

        Args:
            pages: The number of different tokens; then the first token is repeated.

        Raises:
            ValueError: `pages` is less than 1.
        """
        if pages < 1:
            raise ValueError(f"pages={pages}: pass 1 or more")
        tokens: list[str] = []

        def cycled(body: Any) -> None:
            if "nextToken" in body and len(tokens) < pages:
                tokens.append(body["nextToken"])
            elif tokens:
                body["nextToken"] = tokens[0]

        self.change_next(cycled, times=None, method="GET", path="/events")

    def release(self) -> None:
        """End all faults: process late requests, release held responses, and remove pending faults and refusals.

        Modes such as `lag_reads` and `correct_reverted` stay until they are switched off.
        """
        self._service.catch_up(everything=True)
        with self._service.lock:
            self._service.refusals.clear()
        self._queue.clear()
