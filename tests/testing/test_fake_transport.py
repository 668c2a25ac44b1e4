"""The transport of the fake: httpx and httpx2 clients, sync and async, get exceptions of their own library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2
import pytest

from togai.testing import FakeClock, FakeTogai

LIBRARIES = {"httpx": httpx, "httpx2": httpx2}
OPTIONS: dict[str, Any] = {
    "base_url": "http://fake",
    "headers": {"Authorization": "Bearer test-token"},
}

Call = Callable[..., Any]


@pytest.fixture(params=list(LIBRARIES))
def library(request: pytest.FixtureRequest) -> Any:
    return LIBRARIES[request.param]


@contextmanager
def sync_client(library: Any, fake: FakeTogai) -> Generator[Call]:
    with library.Client(transport=fake.transport(), **OPTIONS) as client:
        yield client.request


@contextmanager
def async_client(library: Any, fake: FakeTogai) -> Generator[Call]:
    with asyncio.Runner() as runner:
        client = library.AsyncClient(transport=fake.transport(), **OPTIONS)
        yield lambda *args, **options: runner.run(client.request(*args, **options))
        runner.run(client.aclose())


@pytest.fixture(params=[sync_client, async_client], ids=["sync", "async"])
def call(request: pytest.FixtureRequest, library: Any, fake: FakeTogai) -> Generator[Call]:
    with request.param(library, fake) as opened:
        yield opened


def test_a_response_is_one_of_the_library_in_use(library: Any, fake: FakeTogai, call: Call) -> None:
    fake.add(id="ride-1")
    fake.fail_next(status=503, retry_after=2, skip=1)
    response = call("GET", "/events", params={"account_id": "acme"})
    assert type(response) is library.Response
    assert response.json()["events"][0]["eventPayload"]["id"] == "ride-1"
    assert fake.requests[0].query == {"account_id": "acme"}
    failed = call("GET", "/events")
    assert (failed.status_code, failed.headers["retry-after"]) == (503, "2")
    with pytest.raises(library.HTTPStatusError):
        failed.raise_for_status()


@pytest.mark.parametrize(
    ("set_fault", "error"),
    [
        (FakeTogai.drop_next, "RemoteProtocolError"),
        (lambda fake: fake.drop_next(half=True), "RemoteProtocolError"),
        (lambda fake: fake.drop_next(reset=True), "ReadError"),
        (FakeTogai.hold_next, "ReadTimeout"),
        (FakeTogai.slow_next, "ReadTimeout"),
        (lambda fake: fake.slow_next(seconds=3600), "ReadTimeout"),
    ],
)
def test_a_fault_is_an_error_of_the_library_in_use(
    library: Any, fake: FakeTogai, call: Call, set_fault: Callable[[FakeTogai], None], error: str
) -> None:
    set_fault(fake)
    with pytest.raises(getattr(library, error)):
        call("GET", "/events")
    assert call("GET", "/events").status_code == 200


def test_a_body_arrives_byte_by_byte(fake: FakeTogai, call: Call) -> None:
    fake.drip_next(seconds=1)
    with FakeClock() as clock:
        body = call("GET", "/events").content
    assert clock.waits == [1.0] * len(body)


@pytest.mark.parametrize("timeout", [None, 2.0, 5.0])
def test_a_late_response_arrives_after_its_time(
    fake: FakeTogai, call: Call, timeout: float | None
) -> None:
    fake.slow_next(seconds=2)
    with FakeClock() as clock:
        assert call("GET", "/events", timeout=timeout).status_code == 200
    assert clock.waits == [2.0]


def test_a_response_that_is_never_sent_is_a_timeout_without_a_limit_too(
    library: Any, fake: FakeTogai, call: Call
) -> None:
    fake.slow_next()
    with pytest.raises(library.ReadTimeout):
        call("GET", "/events", timeout=None)


def test_a_response_takes_no_time_and_may_be_empty(fake: FakeTogai, call: Call) -> None:
    fake.fail_next(status=204, body=b"")
    with FakeClock() as clock:
        assert call("GET", "/events").content == b""
        assert call("GET", "/events").json() == {"events": []}
    assert clock.waits == []


def test_a_correction_is_sent_with_its_body(fake: FakeTogai, call: Call) -> None:
    event = fake.add(id="ride-1")
    query = {"action": "REDO_EVENT", "account_id": "acme", "event_id": "ride-1"}
    response = call("POST", "/events/correction", params=query, json={"event": event.payload})
    assert response.json()["data"][0]["status"] == "REVERTED_AND_REINGESTED"
    assert fake.requests[0].json() == {"event": event.payload}


def test_both_libraries_can_share_a_fake(fake: FakeTogai) -> None:
    transport = fake.transport()
    for library in LIBRARIES.values():
        with library.Client(transport=transport, **OPTIONS) as client:
            assert type(client.get("/events")) is library.Response


def test_a_request_of_a_subclass_has_the_library_of_its_class(
    library: Any, fake: FakeTogai
) -> None:
    request = type("Request", (library.Request,), {"__module__": "theirs"})(
        "GET", "http://fake/events", headers=OPTIONS["headers"]
    )
    assert type(fake.transport().handle_request(request)) is library.Response
