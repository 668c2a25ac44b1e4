"""A description at an https address is read in bounded time and memory, without a network here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from contract import load as loading
from contract.load import Unusable, load, parse

from tests.project.test_load import MINIMAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[..., dict[str, Any]]

URL = "https://vendor.example/spec.yaml"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Responds to each request like this, or raises the error; returns the options of the client."""
    client = httpx.Client

    def serve(
        status: int = 200,
        content: Any = MINIMAL,
        headers: Any = None,
        error: Exception | None = None,
    ) -> dict[str, Any]:
        def respond(_: httpx.Request) -> httpx.Response:
            if error is not None:
                raise error
            return httpx.Response(status, content=content, headers=headers)

        seen: dict[str, Any] = {}

        def opened(**options: Any) -> httpx.Client:
            seen.update(options)
            return client(transport=httpx.MockTransport(respond), **options)

        monkeypatch.setattr(httpx, "Client", opened)
        return seen

    return serve


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that is set by hand."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(loading, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_a_silent_server_is_waited_for_20_seconds_and_no_redirect_is_followed(serve: Serve) -> None:
    options = serve()
    assert load(URL) == parse(MINIMAL.encode())
    assert options == {"timeout": 20, "follow_redirects": False}


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (201, {}, f"{URL} returned 201"),
        (199, {}, f"{URL} returned 199"),
        (302, {"Location": "https://x/"}, f"{URL} returned 302: try https://x/"),
    ],
)
def test_another_status_is_reported(
    serve: Serve, status: int, headers: dict[str, str], message: str
) -> None:
    serve(status, headers=headers)
    with pytest.raises(Unusable) as caught:
        load(URL)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ConnectError("refused"), "refused"),
        (httpx.ReadTimeout(""), "ReadTimeout"),
        (httpx.InvalidURL("no host"), "no host"),
    ],
)
def test_an_address_that_cannot_be_reached_is_reported(
    serve: Serve, error: Exception, reason: str
) -> None:
    serve(error=error)
    with pytest.raises(Unusable) as caught:
        load(URL)
    assert str(caught.value) == f"{URL} cannot be read: {reason}"


def test_an_interrupt_is_not_a_problem_of_the_address(serve: Serve) -> None:
    def interrupted() -> Iterator[bytes]:
        raise KeyboardInterrupt
        yield b""

    serve(content=interrupted())
    with pytest.raises(KeyboardInterrupt):
        load(URL)


def test_the_scheme_may_be_in_capital_letters(serve: Serve) -> None:
    serve()
    assert load(URL.replace("https", "HTTPS"))


def test_no_more_than_the_limit_is_read(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def content() -> Iterator[bytes]:
        for number in range(20):
            read.append(number)
            yield b"#" * 10

    monkeypatch.setattr(loading, "MAX_BYTES", 50)
    serve(content=content())
    with pytest.raises(Unusable, match="larger than"):
        load(URL)
    assert read == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("seconds", "is_read"), [(60.0, True), (60.5, False)])
def test_a_description_is_read_within_a_minute(
    serve: Serve, clock: SimpleNamespace, seconds: float, is_read: bool
) -> None:
    parts: list[bytes] = []

    def content() -> Iterator[bytes]:
        clock.now += seconds
        for part in (MINIMAL.encode(), b"# end\n"):
            parts.append(part)
            yield part

    serve(content=content())
    if is_read:
        assert load(URL) == parse(MINIMAL.encode())
    else:
        with pytest.raises(Unusable) as caught:
            load(URL)
        assert str(caught.value) == f"{URL} was not read within 60 s"
    assert len(parts) == (2 if is_read else 1)


def test_a_description_may_have_16_megabytes_and_a_million_values() -> None:
    assert (loading.MAX_BYTES, loading.MAX_NODES, loading.MAX_DEPTH) == (16 * 2**20, 10**6, 200)
