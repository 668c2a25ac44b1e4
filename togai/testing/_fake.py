"""FakeTogai: the service in memory, its faults, and the two ways to reach it."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import evolve

from togai.testing import _places, _sent
from togai.testing._faults import Delivered, Delivery, Fault, Faults, content
from togai.testing._server import serve
from togai.testing._service import (
    FILTER_NAMES,
    LISTING_NAMES,
    Applied,
    Job,
    Record,
    Request,
    Response,
    Service,
    event_problems,
    read_token,
    write_token,
)
from togai.testing._transport import FakeTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from datetime import datetime

# The event of responses that are about another one.
_OTHER = Record(
    reference_id="ref-other",
    payload={
        "id": "event-other",
        "schemaName": "rides",
        "timestamp": "2024-12-04T07:30:35Z",
        "accountId": "other",
        "attributes": [],
        "dimensions": {},
    },
    created_at="2024-12-31T00:00:00.000Z",
)


class FakeTogai:
    """The Togai events service in memory, for tests of code that calls it.

    It answers the three calls as the service does, page tokens, limits and correction rules included. Reach it
    through a real loopback socket (`serve`), or through an httpx transport (`transport`).

    Example:
        ```python
        fake = FakeTogai(token="test-token")
        fake.add(id="ride-1", account_id="acme")
        with fake.serve() as url, Togai("test-token", base_url=url) as client:
            client.events.undo(client.events.get("ride-1"))
        assert [one.action for one in fake.corrections] == ["UNDO"]
        ```

    Args:
        token: The token that it takes.
        events: Events as the API describes them, to hold from the start.
        requests_per_second: A quota, above which it answers 429; None for no quota.
        now: The clock for `createdAt`. Default: one that ticks a millisecond at each reading.
        clock: Seconds, for the quota. Default: what the clients go by, a `FakeClock` included.
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
        self._service = Service(token=token, now=now, seconds=clock)
        self._faults = Faults()
        self._quota = requests_per_second
        self._starts: deque[float] = deque(maxlen=requests_per_second)
        self._requests: list[Request] = []
        for event in events:
            self._service.ingest(dict(event))

    def __repr__(self) -> str:
        return f"<FakeTogai: {len(self.events)} events, {len(self._requests)} requests>"

    @property
    def token(self) -> str:
        """The token that it takes; set another to let the old one expire."""
        return self._service.token

    @token.setter
    def token(self, value: str) -> None:
        self._service.token = value

    @property
    def events(self) -> list[Record]:
        """The events that it holds, the oldest first."""
        self._service.catch_up()
        return self._service.events

    @property
    def requests(self) -> list[Request]:
        """The requests that reached it, the oldest first."""
        return self._requests

    @property
    def corrections(self) -> list[Applied]:
        """The corrections that it really applied, one entry for each event, the oldest first."""
        self._service.catch_up()
        return self._service.corrections

    @property
    def applied(self) -> Counter[str]:
        """How often each event was corrected, by its reference id; 0 for all others."""
        return Counter(entry.reference_id for entry in self.corrections)

    @property
    def jobs(self) -> list[Job]:
        """The background corrections that still wait."""
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
        status: str = "INGESTION_COMPLETED_EVENT_METERED",
        reference_id: str | None = None,
        created_at: str | None = None,
        past_cycle: bool = False,
    ) -> Record:
        """Hold one more event.

        Args:
            id: The id that it was sent with.
            account_id: Its account.
            schema_name: Its event schema.
            timestamp: Its own time, ISO 8601 with an offset.
            attributes: Its quantities, as the API describes them.
            dimensions: Further text by name.
            status: Its ingestion status.
            reference_id: The service's own id; a new one by default.
            created_at: When the service took it in; now by default.
            past_cycle: Whether it lies in a past pricing cycle, where nothing can be corrected.

        Returns:
            What the service holds; change it as you like.

        Raises:
            ValueError: The service would not take such an event.
        """
        amounts = list(attributes)
        if not all(isinstance(one, Mapping) for one in amounts):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(
                "attributes is a list of objects, such as [{'name': 'distance', 'value': '10.4'}]"
            )
        payload: dict[str, Any] = {
            "schemaName": schema_name,
            "timestamp": timestamp,
            "accountId": account_id,
            "attributes": [dict(one) for one in amounts],
            "dimensions": dict(dimensions or {}),
        }
        if id is not None:
            payload["id"] = id
        if problems := event_problems(payload):
            raise ValueError("the service would not take this event: " + "; ".join(problems))
        settings: dict[str, Any] = {"status": status, "past_cycle": past_cycle}
        if reference_id is not None:
            settings["reference_id"] = reference_id
        if created_at is not None:
            settings["created_at"] = created_at
        return self._service.ingest(payload, **settings)

    def add_many(
        self, count: int, *, account_id: str = "acme", prefix: str | None = "event"
    ) -> list[Record]:
        """Hold so many different events of an account, with ids `event-1`, `event-2` and so on.

        Args:
            count: How many.
            account_id: Their account.
            prefix: What their ids start with; None for events without an id.
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

    def run_jobs(self) -> None:
        """Work off the background corrections that need no confirmation or have it."""
        self._service.work_off()

    def confirm_jobs(self) -> None:
        """Confirm all background corrections that wait for it."""
        for job in self._service.jobs:
            job.confirmed = True

    def fail_next(
        self,
        *,
        status: int = 500,
        times: int | None = 1,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | str | None = None,
        acts: bool = False,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Answer the next requests with this instead.

        Args:
            status: The status.
            times: How many requests; None is all until `release()`.
            body: JSON, or text or bytes as they are; by default an error as the API describes it.
            headers: Further headers.
            retry_after: The Retry-After header: seconds, or a date as text.
            acts: Whether the service does what was asked for all the same.
            method: Only requests with this method.
            path: Only requests of this path.
            skip: How many such requests pass unharmed first.

        Raises:
            ValueError: No request would meet it, or HTTP has no such status.
        """
        if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"status={status!r}: pass a whole number from 200 to 599")
        sent, kind = content({"message": f"Told to answer {status}."} if body is None else body)
        extra = {} if retry_after is None else {"Retry-After": f"{retry_after}"}
        response = Response(status, sent, {"Content-Type": kind, **extra, **(headers or {})})
        self._faults.add(
            Fault(
                times=times,
                method=method,
                path=path,
                skip=skip,
                acts=acts,
                answer=lambda _request, _own: response,
            )
        )

    def change_next(
        self,
        change: Callable[[Any], Any],
        *,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Pass the JSON of the next answers through `change`: it returns another, or changes what it gets."""

        def changed(_request: Request, own: Response | None) -> Response:
            if own is None:  # never: the fault lets the service act
                raise RuntimeError("there is no answer to change")
            body: Any = json.loads(own.body)
            after = change(body)
            sent, _ = content(body if after is None else after)
            return Response(own.status, sent, own.headers)

        self._faults.add(Fault(times=times, method=method, path=path, skip=skip, answer=changed))

    def set_next(
        self,
        place: str,
        value: Any,
        *,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Put a value into the JSON of the next answers: null, a new enum value, an unknown property.

        Each call is for answers of its own; to change one answer in several places, pass a function to `change_next`.

        Args:
            place: Where, like `$.events[0].createdAt`; `[*]` is every item. The last property may be new. An answer
                that does not reach so far becomes a 400 that says so.
            value: Anything that JSON can say.
            times: How many answers; None is all until `release()`.
            method: Only answers to this method.
            path: Only answers of this path.
            skip: How many such answers pass unharmed first.

        Raises:
            TypeError: JSON cannot say the value.
            ValueError: The place is none.
        """
        json.dumps(value)  # says now what would fail in the middle of an answer
        steps = _places.parse(place)
        self._change_place(
            f"set_next({place!r})",
            lambda body: _places.put(body, steps, value),
            {"times": times, "method": method, "path": path, "skip": skip},
        )

    def remove_next(
        self,
        place: str,
        *,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Take a property or an item out of the JSON of the next answers.

        Args:
            place: Where, like `$.events[0].createdAt`; `[*]` is every item. An answer that holds nothing there
                becomes a 400 that says so.
            times: How many answers; None is all until `release()`.
            method: Only answers to this method.
            path: Only answers of this path.
            skip: How many such answers pass unharmed first.

        Raises:
            ValueError: The place is none.
        """
        steps = _places.parse(place)
        self._change_place(
            f"remove_next({place!r})",
            lambda body: _places.drop(body, steps),
            {"times": times, "method": method, "path": path, "skip": skip},
        )

    def _change_place(self, told: str, change: Callable[[Any], None], when: dict[str, Any]) -> None:
        def changed(_request: Request, own: Response | None) -> Response:
            if own is None or own.status != 200:
                return own or Response(503, b"", {})
            body: Any = json.loads(own.body)
            try:
                change(body)
            except _places.NoSuchPlace as error:
                # Not 500: the client would try again, and the test would never hear of it.
                message = f"{told} does not fit the answer: {error} in {own.body.decode()}"
                return Response.of(400, {"message": message[:500]})
            return evolve(own, body=content(body)[0])

        self._faults.add(Fault(answer=changed, **when))

    def refuse_next(
        self, events: int = 1, *, reason: str = "Event was not corrected", skip: int = 0
    ) -> None:
        """Let corrections fail for the next events that they take, within an answer that is a success.

        Args:
            events: How many events.
            reason: What the answer says of each.
            skip: How many events are corrected first.

        Raises:
            ValueError: No event would be refused.
        """
        if events < 1 or skip < 0:
            raise ValueError(
                f"events={events}, skip={skip}: pass 1 or more events, and skip 0 or more"
            )
        if not reason:
            raise ValueError("reason is empty: say why")
        with self._service.lock:
            self._service.refusals += [None] * skip + [reason] * events

    def drop_next(
        self,
        *,
        acts: bool = False,
        half: bool = False,
        reset: bool = False,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Close the connection of the next requests instead of answering.

        Args:
            acts: Whether the service does what was asked for before.
            half: Close it in the middle of the answer; the service has acted then.
            reset: Reset it rather than close it in order.
            times: How many requests; None is all until `release()`.
            method: Only requests with this method.
            path: Only requests of this path.
            skip: How many such requests pass unharmed first.
        """
        if half and reset:
            raise ValueError("half an answer is closed in order: pass half or reset")
        delivery = Delivery.HALF if half else Delivery.RESET if reset else Delivery.DROPPED
        self._faults.add(
            Fault(
                times=times,
                method=method,
                path=path,
                skip=skip,
                acts=acts or half,
                delivery=delivery,
            )
        )

    def empty_page_next(self, *, times: int | None = 1, skip: int = 0) -> None:
        """Answer a listing with an empty page and a token, by which it goes on where it was."""
        hops = itertools.count(1)

        def emptied(request: Request, own: Response | None) -> Response:
            if own is None or own.status != 200:
                return own or Response(503, b"", {})
            token = write_token(read_token(request.query), request.query, next(hops))
            return Response.of(200, {"events": [], "nextToken": token})

        self._faults.add(
            Fault(times=times, method="GET", path="/events", skip=skip, answer=emptied)
        )

    def cycle_next(self, pages: int = 1) -> None:
        """Let page tokens go round until `release()`: after so many the first one comes again.

        Args:
            pages: How many different tokens there are.

        Raises:
            ValueError: There must be one at least.
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

    def hold_next(
        self,
        *,
        acts: bool = False,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Answer the next requests only after `release()`: a read timeout for who does not wait so long.

        Over a socket that timeout passes in real time, with a `FakeClock` too: give the client a short one, such as
        `Timeout(read=0.2)`, or reach the service by `transport()`.
        """
        self._faults.add(
            Fault(
                times=times, method=method, path=path, skip=skip, acts=acts, delivery=Delivery.HELD
            )
        )

    def drip_next(
        self,
        *,
        seconds: float,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Send the body of the next answers byte by byte, with so many seconds in between."""
        self._faults.add(
            Fault(
                times=times,
                method=method,
                path=path,
                skip=skip,
                delivery=Delivery.DRIPPED,
                seconds=seconds,
            )
        )

    def slow_next(
        self,
        *,
        seconds: float = math.inf,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Process the next requests late, also when the client has closed the connection in the meantime.

        A client that does not wait so long gets a read timeout, and its request is processed all the same. Over
        `transport()` that timeout passes at once.

        Args:
            seconds: How long the service takes; until `release()` by default.
            times: How many requests; None is all until `release()`.
            method: Only requests with this method.
            path: Only requests of this path.
            skip: How many such requests are processed normally first.
        """
        if not seconds > 0:
            raise ValueError(f"seconds={seconds!r}: pass more than 0")
        self._faults.add(
            Fault(
                times=times,
                method=method,
                path=path,
                skip=skip,
                delivery=Delivery.LATE,
                seconds=seconds,
            )
        )

    def leftover_next(
        self,
        *,
        status: int = 200,
        body: Any = None,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Send a second response right behind the next ones, which a kept-alive connection may take for the next.

        Over a socket only, where both responses arrive in one segment; `transport()` ignores it.

        Args:
            status: The status of the second response.
            body: Its body, as for `fail_next`; by default a correction that was applied to an event of its own.
            times: How many requests; None is all until `release()`.
            method: Only requests with this method.
            path: Only requests of this path.
            skip: How many such requests get a single response first.
        """
        if body is None:
            entry = {**_OTHER.to_json(), "status": "REVERTED", "reason": "Reverted"}
            body = {"data": [entry]}
        sent, kind = content(body)
        self._faults.add(
            Fault(
                times=times,
                method=method,
                path=path,
                skip=skip,
                leftover=Response(status, sent, {"Content-Type": kind, "X-Request-Id": "leftover"}),
            )
        )

    def wrong_event_next(
        self,
        *,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Respond about other events: the service processes the request, but the ids in its response are of others."""

        def changed(body: Any) -> None:
            for name in ("events", "data"):
                for number, event in enumerate(body.get(name, ()), 1):
                    event["referenceId"] = f"{_OTHER.reference_id}-{number}"
                    event["eventPayload"]["id"] = f"{_OTHER.payload['id']}-{number}"

        self.change_next(changed, times=times, method=method, path=path, skip=skip)

    def rename_next(
        self,
        place: str,
        name: str,
        *,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        skip: int = 0,
    ) -> None:
        """Rename a property in the JSON of the next responses: `rename_next("$.nextToken", "cursor")`.

        Args:
            place: Where, as for `remove_next`.
            name: The new name.
            times: How many responses; None is all until `release()`.
            method: Only responses to this method.
            path: Only responses of this path.
            skip: How many such responses stay as they are first.

        Raises:
            ValueError: The place is not valid, or not that of a property.
        """
        steps = _places.parse(place)
        if place.endswith("]"):
            raise ValueError(f"{place!r} is not a property: only properties have a name")
        self._change_place(
            f"rename_next({place!r})",
            lambda body: _places.rename(body, steps, name),
            {"times": times, "method": method, "path": path, "skip": skip},
        )

    def add_alias(self, account_id: str, alias: str) -> None:
        """Give an account an alias: listings and corrections find its events under both.

        An event keeps the name that it was sent with: what `add(account_id=alias)` adds is listed for the account
        too, with the alias as its `accountId`.

        Args:
            account_id: The account.
            alias: Another name of it.

        Raises:
            ValueError: The alias is that of another account, or the account's own name.
        """
        accounts = self._service.modes.accounts
        if alias == account_id or accounts.get(alias, account_id) != account_id:
            raise ValueError(f"{alias!r} already names the account {accounts.get(alias, alias)!r}")
        accounts[alias] = accounts.get(account_id, account_id)

    def overlap_pages(self, events: int = 1) -> None:
        """Begin each page with the last events of the page before, from now on.

        Args:
            events: How many events a page repeats; 0 ends the mode.

        Raises:
            ValueError: The number is negative.
        """
        if events < 0:
            raise ValueError(f"events={events}: pass 0 or more")
        self._service.modes.overlap = events

    def lag_reads(self, *, seconds: float = 0.0, requests: int = 0) -> None:
        """Show corrections late in reads, from now on. What `add` adds is visible at once.

        Args:
            seconds: How many seconds after a correction reads show its effects, by the clock of the fake.
            requests: How many requests after it, of any kind, still see the state before. Both 0 end the mode.

        Raises:
            ValueError: A number is negative.
        """
        if not (seconds >= 0 and requests >= 0):
            raise ValueError(f"seconds={seconds}, requests={requests}: pass 0 or more")
        modes = self._service.modes
        modes.lag_seconds, modes.lag_requests = seconds, requests

    def ignore_filter(self, *names: str) -> None:
        """Ignore filters of listings and corrections, without an error, from now on.

        Args:
            *names: Query parameters by their names on the wire, such as `account_id` (of listings only), `status` or
                `event_id`; none ends the mode.

        Raises:
            ValueError: The service has no such filter.
        """
        known = LISTING_NAMES | FILTER_NAMES
        if unknown := sorted(set(names) - known):
            raise ValueError(f"there is no filter {unknown[0]!r}: pass one of {sorted(known)}")
        self._service.modes.ignored = frozenset(names)

    def correct_reverted(self, enabled: bool = True) -> None:
        """Correct events that are reverted already once more, from now on: each correction counts, see `applied`.

        Args:
            enabled: False ends the mode.
        """
        self._service.modes.correct_reverted = enabled

    def rename_status(self, status: str, shown: str) -> None:
        """Show an ingestion status under another name, from now on: `rename_status("REVERTED", "reverted")`.

        Args:
            status: The status that the service means.
            shown: What its responses show instead; the status itself ends the mode.
        """
        self._service.modes.statuses[status] = shown

    def change_events(self, change: Callable[[Any], Any] | None) -> None:
        """Pass each event of each response through a function, from now on.

        Args:
            change: Gets the JSON of an event, and changes it or returns another; None ends the mode.

        Example:
            ```python
            def without_created_at(event):
                del event["createdAt"]


            fake.change_events(without_created_at)
            ```
        """
        self._service.modes.change_event = change

    def release(self) -> None:
        """End all faults: late requests are processed, held ones go on, faults and refusals to come are dropped.

        Modes such as `lag_reads` and `correct_reverted` stay until they are switched off.
        """
        self._service.catch_up(everything=True)
        with self._service.lock:
            self._service.refusals.clear()
        self._faults.clear()

    def assert_sent(
        self,
        method: str,
        path: str,
        *,
        times: int | None = None,
        json: Any = None,
        **query: Any,
    ) -> list[Request]:
        """Assert that such a request was sent.

        Args:
            method: GET or POST.
            path: Its path, such as `/events/correction`.
            times: How often exactly; at least once by default.
            json: Its whole body.
            **query: Query parameters that it had, among others, by their names on the wire (`async_` for async);
                None for one that it had not.

        Returns:
            The requests, to look at further.

        Raises:
            AssertionError: It was sent less or more often; the message lists what was sent.
            TypeError: The service knows no such query parameter.
            ValueError: No call has this method and path, or no correction this action.
        """
        return self._assert_sent(method, path, times, json, query)

    def _assert_sent(
        self, method: str, path: str, times: int | None, json: Any, query: Mapping[str, Any]
    ) -> list[Request]:
        with self._service.lock:
            requests = list(self._requests)
        found = _sent.find(requests, method, path, query, json)
        if (not found) if times is None else len(found) != times:
            raise AssertionError(
                _sent.expected(method, path, query, json, times, len(found), requests)
            )
        return found

    def assert_not_sent(self, method: str, path: str, *, json: Any = None, **query: Any) -> None:
        """Assert that no such request was sent.

        Args:
            method: GET or POST.
            path: Its path.
            json: Its whole body.
            **query: Query parameters that it had, as for `assert_sent`.

        Raises:
            AssertionError: It was sent; the message lists what was sent.
            TypeError: The service knows no such query parameter.
            ValueError: No call has this method and path, or no correction this action.
        """
        self._assert_sent(method, path, 0, json, query)

    def transport(self) -> FakeTransport:
        """A transport for `httpx.Client` and `httpx.AsyncClient` alike."""
        return FakeTransport(self.handle)

    @contextmanager
    def serve(self, port: int = 0) -> Generator[str]:
        """Serve on a loopback socket for as long as the `with` lasts.

        Args:
            port: The port; any free one by default.

        Yields:
            The base URL.
        """
        with serve(self.handle, self._faults.released, port) as url:
            yield url
            self._faults.released.set()

    def handle(self, request: Request, token: str | None) -> Delivered:
        """Take a request, and say what comes back and how; both ways to reach the service end here."""
        with self._service.lock:
            self._service.catch_up()
            self._requests.append(request)
            number = len(self._requests)
            throttled = self._throttled()
        delivered = Delivered(throttled) if throttled is not None else self._meet(request, token)
        finish = delivered.finish
        return evolve(
            delivered,
            response=_named(delivered.response, number),
            finish=None if finish is None else lambda: _named(finish(), number),
        )

    def _meet(self, request: Request, token: str | None) -> Delivered:
        fault = self._faults.take(request)
        if fault is None:
            return Delivered(self._service.answer(request, token))
        nothing = Response(503, b"", {})
        if fault.delivery is Delivery.LATE:
            work = self._service.defer(request, token, fault.seconds)
            return Delivered(nothing, fault.delivery, fault.seconds, finish=work.finish)
        own = self._service.answer(request, token) if fault.acts else None
        response = fault.answer(request, own) if fault.answer is not None else own
        return Delivered(
            response or nothing, fault.delivery, fault.seconds, leftover=fault.leftover
        )

    def _throttled(self) -> Response | None:
        if self._quota is None:
            return None
        now = self._service.seconds()
        if len(self._starts) == self._quota and now - self._starts[0] < 1.0:
            return Response.of(429, {"message": "Too many requests."}, **{"Retry-After": "1"})
        self._starts.append(now)
        return None


def _named(response: Response, number: int) -> Response:
    """The answer with a request id, unless a fault gave it one."""
    if any(name.lower() == "x-request-id" for name in response.headers):
        return response
    return evolve(response, headers={**response.headers, "X-Request-Id": f"req-{number}"})
