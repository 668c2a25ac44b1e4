"""FakeTogai: an in-memory service, its recorded requests, and the two ways to connect to it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import evolve

from togai.testing import _assertions
from togai.testing._fault_queue import Delivered, Delivery, Fault, FaultQueue
from togai.testing._faults import FaultMethods
from togai.testing._messages import Request, Response
from togai.testing._modes import ModeMethods
from togai.testing._month import ACCOUNT, ALIAS, month
from togai.testing._records import COMPLETED, AppliedCorrection, Job, Record
from togai.testing._server import serve
from togai.testing._service import Service
from togai.testing._transport import FakeTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from datetime import datetime


class FakeTogai(FaultMethods, ModeMethods):
    """An in-memory Togai events service, for tests of code that calls the real service.

    It responds to the three calls like the real service, with page tokens, limits and the rules of corrections.
    Connect to it through a real loopback socket (`serve`), or through an httpx transport (`transport`).

    Args:
        token: The token that it accepts.
        events: Valid events as the API describes them, to store from the start.
        requests_per_second: A rate limit of 1 or more, above which it responds with 429; None for no limit.
        now: The clock for `createdAt`. Default: a clock that advances by a millisecond at each call.
        clock: Returns seconds, for the rate limit and for delays. Default: the clock of the clients or a `FakeClock`.

    Example:
        ```python
        fake = FakeTogai(token="test-token")
        fake.add(id="ride-1", account_id="acme")
        with fake.serve() as url, Togai("test-token", base_url=url) as client:
            client.events.undo(client.events.get("ride-1"))
        assert [correction.action for correction in fake.corrections] == ["UNDO"]
        ```
    """

    def __init__(
        self,
        token: str = "test-token",  # noqa: S107  (of a service in memory)
        *,
        events: Iterable[Mapping[str, Any]] = (),
        requests_per_second: int | None = None,
        now: Callable[[], datetime] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if requests_per_second is not None and requests_per_second < 1:
            raise ValueError(f"requests_per_second={requests_per_second}: pass 1 or more, or None")
        self._service = Service(token, now, clock)
        self._queue = FaultQueue()
        self._starts: deque[float] = deque(maxlen=requests_per_second)
        self._requests: list[Request] = []
        for event in events:
            self._service.ingest(dict(event))

    def __repr__(self) -> str:
        return f"<FakeTogai: {len(self.events)} events, {len(self._requests)} requests>"

    @property
    def token(self) -> str:
        """The token that it accepts; set another token to let the old token expire."""
        return self._service.token

    @token.setter
    def token(self, value: str) -> None:
        self._service.token = value

    @property
    def events(self) -> list[Record]:
        """The stored events, the oldest first."""
        self._service.catch_up()
        return self._service.events

    @property
    def requests(self) -> list[Request]:
        """The received requests, the oldest first."""
        return self._requests

    @property
    def corrections(self) -> list[AppliedCorrection]:
        """The applied corrections, one entry per event, the oldest first."""
        self._service.catch_up()
        return self._service.corrections

    @property
    def applied(self) -> Counter[str]:
        """The number of corrections of each event, by its reference id; 0 if it was not corrected."""
        return Counter(correction.reference_id for correction in self.corrections)

    @property
    def jobs(self) -> list[Job]:
        """The background corrections that are still to be processed."""
        self._service.catch_up()
        return self._service.jobs

    def add(
        self,
        *,
        id: str | None = None,  # noqa: A002  (the property's own name)
        account_id: str = "acme",
        schema_name: str = "rides",
        timestamp: str = "2024-12-04T07:30:35Z",
        attributes: Iterable[Mapping[str, Any]] = (
            {"name": "distance", "value": "10.4", "unit": "Kilometers"},
        ),
        dimensions: Mapping[str, str] | None = None,
        status: str = COMPLETED,
        reference_id: str | None = None,
        created_at: str | None = None,
        past_cycle: bool = False,
    ) -> Record:
        """Add an event.

        Args:
            id: The id that the event was sent with.
            account_id: The account of the event, or an alias of it.
            schema_name: The event schema.
            timestamp: The event's own time, ISO 8601 with an offset.
            attributes: The quantities, as the API describes them.
            dimensions: The dimensions by name, as text.
            status: The ingestion status.
            reference_id: The service's own id; by default a new id.
            created_at: When the service ingested it; by default now.
            past_cycle: Whether it is in a past pricing cycle, whose events cannot be corrected.

        Returns:
            The stored event; you may change it.

        Raises:
            ValueError: The service would refuse such an event.
        """
        amounts = list(attributes)
        if not all(isinstance(amount, Mapping) for amount in amounts):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(
                "attributes is a list of objects, such as [{'name': 'distance', 'value': '10.4'}]"
            )
        payload: dict[str, Any] = {
            "schemaName": schema_name,
            "timestamp": timestamp,
            "accountId": account_id,
            "attributes": [dict(amount) for amount in amounts],
            "dimensions": dict(dimensions or {}),
        }
        if id is not None:
            payload["id"] = id
        known = {"reference_id": reference_id, "created_at": created_at}
        settings = {name: value for name, value in known.items() if value is not None}
        return self._service.ingest(payload, status=status, past_cycle=past_cycle, **settings)

    def add_many(
        self, count: int, *, account_id: str = "acme", prefix: str | None = "event"
    ) -> list[Record]:
        """Add a number of different events to an account, with the ids `event-1`, `event-2` and so on.

        Args:
            count: The number of events.
            account_id: The account of the events.
            prefix: The start of the ids; None for events without an id.
        """
        return [
            self.add(
                id=None if prefix is None else f"{prefix}-{number}",
                account_id=account_id,
                timestamp=f"2024-{1 + number // 8928 % 12:02}-{1 + number // 288 % 28:02}"
                f"T{number // 12 % 24:02}:{number * 5 % 60:02}:00Z",
                attributes=[{"name": "distance", "value": f"{number}.5", "unit": "Kilometers"}],
                dimensions={"city": "Chennai"},
            )
            for number in range(1, count + 1)
        ]

    def add_month(self) -> list[Record]:
        """Add a month of events, December 2024, of the accounts acme (alias: acme-eu), globex and initech.

        The month has two schemas, failed, reverted and unfinished events, ids that are missing or not unique, events
        with two attributes, one mistyped quantity (`wrong-1`), and events of November, which cannot be corrected.
        """
        self.add_alias(ACCOUNT, ALIAS)
        return [self.add(**event) for event in month()]

    def run_jobs(self) -> None:
        """Process the background corrections that do not need a confirmation, or are confirmed."""
        self._service.run_jobs()

    def confirm_jobs(self) -> None:
        """Confirm all background corrections that wait for it."""
        for job in self._service.jobs:
            job.confirmed = True

    def assert_sent(
        self, method: str, path: str, *, times: int | None = None, json: Any = None, **query: Any
    ) -> list[Request]:
        """Assert that a request was sent.

        Args:
            method: GET or POST.
            path: The path of the request, such as `/events/correction`.
            times: The exact number of such requests; by default at least one.
            json: The whole body of the request.
            **query: Query parameters of the request, by their names on the wire (`async_` for async); None for a
                parameter that must be absent. Other parameters are ignored.

        Returns:
            The requests, for further checks.

        Raises:
            AssertionError: It was sent fewer or more times than expected; the message lists all requests.
            TypeError: The service has no such query parameter.
            ValueError: No call has this method and path, or no correction has this action.
        """
        return _assertions.check_sent(list(self._requests), method, path, times, json, query)

    def assert_not_sent(self, method: str, path: str, *, json: Any = None, **query: Any) -> None:
        """Assert that a request was not sent: `assert_sent` with `times=0`."""
        _assertions.check_sent(list(self._requests), method, path, 0, json, query)

    def transport(self) -> Any:
        """A transport for `Client(transport=...)` and `AsyncClient(transport=...)`, of httpx and of httpx2."""
        return FakeTransport(self.handle)

    @contextmanager
    def serve(self, port: int = 0) -> Generator[str]:
        """Serve on a loopback socket until the `with` ends.

        Args:
            port: The port; by default any free port.

        Yields:
            The base URL.
        """
        with serve(self.handle, self._queue.released, port) as url:
            yield url

    def handle(self, request: Request, token: str | None) -> Delivered:
        """Process a request. Both the socket and the transport call this method; a subclass can override it."""
        with self._service.lock:
            self._service.catch_up()
            self._requests.append(request)
            number = len(self._requests)
            limited = self._check_rate()
        delivered = limited or self._process(request, token)
        finish = delivered.finish
        return evolve(
            delivered,
            response=_with_id(delivered.response, number),
            finish=None if finish is None else lambda: _with_id(finish(), number),
        )

    def _process(self, request: Request, token: str | None) -> Delivered:
        fault = self._queue.take(request) or Fault()
        response = fault.response or Response(503, b"", {})
        if fault.delivery is Delivery.LATE:
            finish = self._service.defer(request, token, fault.seconds)
            return Delivered(response, fault, finish)
        if fault.acts:
            own = self._service.respond(request, token)
            response = fault.response or (fault.change(request, own) if fault.change else own)
        return Delivered(response, fault)

    def _check_rate(self) -> Delivered | None:
        if self._starts.maxlen is None:
            return None
        now = self._service.seconds()
        if len(self._starts) == self._starts.maxlen and now - self._starts[0] < 1.0:
            message = {"message": "Too many requests."}
            return Delivered(Response.of(429, message, {"Retry-After": "1"}))
        self._starts.append(now)
        return None


def _with_id(response: Response, number: int) -> Response:
    """The response with a request id, unless a fault set its own."""
    if any(name.lower() == "x-request-id" for name in response.headers):
        return response
    return evolve(response, headers={**response.headers, "X-Request-Id": f"req-{number}"})
