"""What the tests of the fake share: plain httpx over each of the ways to reach it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from togai.testing import FakeTogai

Ask = Callable[..., httpx.Response]

HEADERS = {"Authorization": "Bearer test-token"}


@pytest.fixture(params=["socket", "transport", "async transport"])
def ask(request: pytest.FixtureRequest, fake: FakeTogai) -> Iterator[Ask]:
    """Sends a request to the fake: `ask("GET", "/events", params=...)`."""
    ways = {"socket": over_socket, "transport": over_transport, "async transport": over_async}
    with ways[request.param](fake) as opened:
        yield opened


@contextmanager
def over_socket(fake: FakeTogai) -> Generator[Ask]:
    with fake.serve() as url, httpx.Client(base_url=url, timeout=10) as client:
        yield with_token(client.request)


@contextmanager
def over_transport(fake: FakeTogai) -> Generator[Ask]:
    with httpx.Client(base_url="http://fake", transport=fake.transport()) as client:
        yield with_token(client.request)


@contextmanager
def over_async(fake: FakeTogai) -> Generator[Ask]:
    client = httpx.AsyncClient(base_url="http://fake", transport=fake.transport())

    def send(method: str, path: str, **options: Any) -> httpx.Response:
        return runner.run(client.request(method, path, **options))

    with asyncio.Runner() as runner:
        try:
            yield with_token(send)
        finally:
            runner.run(client.aclose())


def with_token(send: Ask) -> Ask:
    """Sends the token along unless other headers are given."""

    def ask(method: str, path: str, **options: Any) -> httpx.Response:
        return send(method, path, **{"headers": HEADERS, **options})

    return ask
