"""Fixtures for the tests of the fake: the contract, and plain httpx over both ways to connect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from togai.testing import FakeTogai, Request

Call = Callable[..., httpx.Response]

HEADERS = {"Authorization": "Bearer test-token"}


class Contract:
    """openapi.yaml, as a judge of requests and responses."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = yaml.safe_load(
            (Path(__file__).parents[2] / "openapi.yaml").read_text("utf-8")
        )
        self._judge = OpenAPI.from_dict(self.document)

    def check_request(self, request: Request) -> None:
        """Raise where the request deviates from the contract, in the names of its query too."""
        assert not request.repeated
        assert request.query.keys() <= self.query_names(request), request
        self._judge.validate_request(_as_request(request))

    def check_response(self, request: Request, response: Any) -> None:
        """Raise where the response deviates from the contract."""
        if response.status == 200 and request.query.get("async") == "true":
            # What a background call responses is described nowhere.
            assert json.loads(response.body) == {"message": "The correction has been scheduled."}
            return
        if response.status in (404, 405):  # of no operation: an error like all others
            request = Request("GET", "/events", {})
        wrapped = MockResponse(
            response.body, response.status, content_type=response.headers["Content-Type"]
        )
        self._judge.validate_response(_as_request(request), wrapped)

    def check_model(self, value: Any, name: str) -> None:
        """Raise where JSON deviates from a schema of the contract."""
        whole = {
            "$ref": f"#/components/schemas/{name}",
            "components": self.document["components"],
        }
        OAS30Validator(whole, format_checker=oas30_format_checker).validate(value)

    def query_names(self, request: Request) -> set[str]:
        """The query parameters of the operation that the request is for."""
        path = request.path
        if path not in self.document["paths"]:
            path = "/events/{event_id}"
        parameters = self.document["paths"][path][request.method.lower()]["parameters"]
        return {item["name"] for item in parameters if item["in"] == "query"}


def _as_request(request: Request) -> MockRequest:
    # The fake keeps no token of a request; that it was sent shows in a response that is not 401.
    return MockRequest(
        "https://api.togai.com",
        request.method.lower(),
        request.path,
        args=request.query,
        headers={**request.headers, **HEADERS},
        data=request.body or None,
        content_type="application/json",
    )


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract()


@pytest.fixture
def fake(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> FakeTogai:
    """A fake whose every own response is held against the contract; what faults make of it is not."""
    fake = FakeTogai()
    respond = fake._service.respond

    def checked(request: Request, token: str | None) -> Any:
        response = respond(request, token)
        contract.check_response(request, response)
        return response

    monkeypatch.setattr(fake._service, "respond", checked)
    return fake


@pytest.fixture(params=["socket", "transport", "async transport"])
def call(request: pytest.FixtureRequest, fake: FakeTogai) -> Iterator[Call]:
    """Sends a request to the fake: `call("GET", "/events", params=...)`."""
    ways = {"socket": over_socket, "transport": over_transport, "async transport": over_async}
    with ways[request.param](fake) as opened:
        yield opened


# For products of many parameters: the quick part sends them over one way.
other_ways_are_slow = pytest.mark.parametrize(
    "call",
    [
        "transport",
        pytest.param("socket", marks=pytest.mark.slow),
        pytest.param("async transport", marks=pytest.mark.slow),
    ],
    indirect=True,
)


@contextmanager
def over_socket(fake: FakeTogai) -> Generator[Call]:
    with fake.serve() as url, httpx.Client(base_url=url, timeout=10, verify=False) as client:
        yield with_token(client.request)


@contextmanager
def over_transport(fake: FakeTogai) -> Generator[Call]:
    with httpx.Client(base_url="http://fake", transport=fake.transport()) as client:
        yield with_token(client.request)


@contextmanager
def over_async(fake: FakeTogai) -> Generator[Call]:
    client = httpx.AsyncClient(base_url="http://fake", transport=fake.transport())

    def send(method: str, path: str, **options: Any) -> httpx.Response:
        return runner.run(client.request(method, path, **options))

    with asyncio.Runner() as runner:
        try:
            yield with_token(send)
        finally:
            runner.run(client.aclose())


def with_token(send: Call) -> Call:
    """Sends the token along unless there are other headers."""

    def call(method: str, path: str, **options: Any) -> httpx.Response:
        return send(method, path, **{"headers": HEADERS, **options})

    return call
