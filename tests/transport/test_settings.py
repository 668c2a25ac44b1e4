"""Client settings: arguments, environment variables, and what is refused before anything is sent."""

from __future__ import annotations

import pickle
from typing import Any

import httpx
import pytest

from togai import PRODUCTION_URL, SANDBOX_URL, AsyncTogai, ConfigurationError, Timeout, Togai
from togai.testing import FakeTogai

from ..conftest import Connect

TWINS = pytest.mark.parametrize("cls", [Togai, AsyncTogai])


@TWINS
def test_no_token_is_refused_and_the_text_names_both_ways_to_give_one(cls: type[Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"token=.*TOGAI_API_TOKEN"):
        cls()


@TWINS
@pytest.mark.parametrize(
    "token", ["", "  ", "two words", "naïve", "tab\tbed", "line\nbreak", 7, b"x"]
)
def test_a_token_that_cannot_be_one_is_refused_without_being_shown(
    cls: type[Any], token: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cls(token)
    assert not str(token).strip() or str(token) not in str(caught.value)


@TWINS
def test_an_empty_token_in_the_environment_is_refused(
    cls: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGAI_API_TOKEN", "")
    with pytest.raises(ConfigurationError, match="empty"):
        cls()


@TWINS
def test_the_token_and_the_address_can_come_from_the_environment(
    cls: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGAI_API_TOKEN", "from-outside")
    monkeypatch.setenv("TOGAI_BASE_URL", "https://togai.example/api/")
    assert "https://togai.example/api>" in repr(cls())


@TWINS
def test_an_empty_address_in_the_environment_is_not_production(
    cls: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGAI_BASE_URL", "")
    with pytest.raises(ConfigurationError, match="base_url or TOGAI_BASE_URL is not an https URL"):
        cls("t")


@TWINS
def test_the_address_is_production_unless_another_is_named(cls: type[Any]) -> None:
    assert PRODUCTION_URL in repr(cls("t"))
    assert SANDBOX_URL in repr(cls("t", base_url=SANDBOX_URL))


@TWINS
@pytest.mark.parametrize(
    "address",
    [
        "http://api.togai.com",
        "http://192.168.0.1",
        "http://localhost.evil.example",
        "ftp://api.togai.com",
        "api.togai.com",
        "",
        "https://",
        "https://user:secret@api.togai.com",
        "https://api.togai.com?token=secret",
        "https://api.togai.com#here",
        "https://api.togai.com/\ud800",
        "https://api.togai.com:99999",
        "https://api.togai.com:0",
        "https://api.togai.com:-1",
        7,
    ],
)
def test_an_address_that_would_leak_the_token_or_is_none_is_refused(
    cls: type[Any], address: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGAI_BASE_URL", "https://other.example")
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        cls("t", base_url=address)
    assert "secret" not in str(caught.value)


@TWINS
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8080", "http://localhost.", "http://[::1]:1"]
)
def test_plain_http_is_allowed_to_this_machine(cls: type[Any], address: str) -> None:
    assert cls("t", base_url=address)._settings.base_url == address


@TWINS
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", "30"),
        ("timeout", True),
        ("timeout", float("nan")),
        ("max_retries", -1),
        ("max_retries", 1.5),
        ("max_retries", True),
        ("requests_per_second", 0),
        ("requests_per_second", -1),
        ("requests_per_second", "10"),
        ("requests_per_second", 10**30),
        ("requests_per_second", True),
        ("http_client", object()),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(
    cls: type[Any], name: str, value: Any
) -> None:
    with pytest.raises(ConfigurationError, match=name):
        cls("t", **{name: value})


def test_the_httpx_client_must_be_of_the_same_kind() -> None:
    with httpx.Client() as plain, pytest.raises(ConfigurationError, match=r"httpx\.AsyncClient"):
        AsyncTogai("t", http_client=plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match=r"httpx\.Client"):
        Togai("t", http_client=httpx.AsyncClient())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("part", ["connect", "read", "write", "pool", "total"])
def test_each_part_of_a_timeout_must_be_a_positive_number(part: str) -> None:
    with pytest.raises(ConfigurationError, match=part):
        Timeout(**{part: 0})


@TWINS
def test_the_token_shows_in_no_repr_and_a_client_is_not_pickled(cls: type[Any]) -> None:
    client = cls("very-secret")
    assert "very-secret" not in repr(vars(client)) + repr(client) + str(client)
    with pytest.raises(TypeError, match="create one in each process"):
        pickle.dumps(client)
    with pytest.raises(
        TypeError, match="Events cannot be pickled: create a client in each process"
    ):
        pickle.dumps(client.events.get)
    with pytest.raises(TypeError, match="a token cannot be pickled"):
        pickle.dumps(client._runner.token._fixed)


def test_a_plain_client_refuses_an_async_token(fake: FakeTogai) -> None:
    async def token() -> str:
        return "t"

    http = httpx.Client(transport=fake.transport())
    with http, Togai(token, http_client=http) as client:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        with pytest.raises(ConfigurationError, match="AsyncTogai"):
            client.events.get("x")
    assert not fake.requests


def test_an_injected_client_keeps_our_token_and_is_not_closed(fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    with httpx.Client(transport=fake.transport(), auth=("other", "auth"), timeout=None) as http:
        with Togai("test-token", http_client=http) as client:
            assert client.events.get("ride-1").event_payload.id == "ride-1"
        assert not http.is_closed


def test_a_closed_client_says_so() -> None:
    client = Togai("t")
    client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        client.events.get("x")


async def _async_callback(drift: object) -> None:
    """Nobody would await it."""


@TWINS
@pytest.mark.parametrize(
    ("name", "value"), [("strict", "no"), ("on_drift", 5), ("on_drift", _async_callback)]
)
def test_a_reading_setting_of_the_wrong_type_is_refused_by_name(
    cls: type[Any], name: str, value: Any
) -> None:
    with pytest.raises(ConfigurationError, match=name):
        cls("t", **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:1"), ("HTTPS_PROXY", "://"), ("SSL_CERT_FILE", "/nowhere")],
)
def test_settings_of_the_environment_that_cannot_work_are_named(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with connect(base_url="https://billing.example") as api:
        with pytest.raises(ConfigurationError, match=name):
            api.listed()


def test_no_certificates_are_loaded_for_a_local_http_address(
    connect: Connect, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    with connect(base_url=url) as api:
        assert api.listed() == []
