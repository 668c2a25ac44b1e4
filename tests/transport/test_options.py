"""What a client makes of its arguments and of the environment: every default, and both sides of each limit. No I/O."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from togai import AsyncTogai, ConfigurationError, Drift, InvalidRequest, Timeout, Togai, errors
from togai._printable import printable, printable_name
from togai._settings import Settings, find_proxy
from togai._times import to_utc
from togai.corrections import Ledger

TWINS = pytest.mark.parametrize("cls", [Togai, AsyncTogai])
SETTINGS: dict[str, Any] = {
    "base_url": "https://a.example",
    "timeout": None,
    "max_retries": 4,
    "strict": False,
    "on_drift": None,
    "default_headers": None,
    "can_refresh": False,
}


def settings(**changes: Any) -> Settings:
    return Settings.create(**{**SETTINGS, **changes})


# The client


@TWINS
def test_the_defaults_of_a_client_are_those_of_the_documentation(cls: Any) -> None:
    client = cls("t")
    own = client._settings
    assert (own.timeout, own.max_retries, own.headers) == (Timeout(), 4, {})
    assert (own.can_refresh, own.ledger) == (False, None)
    assert not own.reader._strict
    assert client._runner.rate_limit._window._starts.maxlen == 10
    assert client._runner.pool.library is httpx
    assert "secret" not in repr(settings(default_headers={"a": "secret"}))
    assert "filter_checks" not in repr(own)
    assert "deprecations" not in repr(own)


@TWINS
def test_every_argument_of_a_client_reaches_its_settings(cls: Any, tmp_path: Path) -> None:
    drifts: list[Drift] = []
    ledger = Ledger(tmp_path / "a.db", create=True)
    client = cls(
        lambda: "t",
        base_url="https://a.example/x/",
        timeout=7,
        max_retries=0,
        requests_per_second=3,
        strict=True,
        on_drift=drifts.append,
        default_headers={"X-Team": " a "},
        http_library="httpx2",
        ledger=ledger,
    )
    own = client._settings
    assert (own.base_url, own.timeout, own.max_retries) == (
        "https://a.example/x",
        Timeout(total=7),
        0,
    )
    assert (own.headers, own.can_refresh, own.ledger) == ({"x-team": "a"}, True, ledger)
    assert own.policy.max_retries == 0
    assert (own.reader._strict, own.reader._on_drift) == (True, drifts.append)
    assert client._runner.rate_limit._window._starts.maxlen == 3
    assert client._runner.pool.library.__name__ == "httpx2"
    assert client._runner.pool.base_url == "https://a.example/x"
    assert client.events._settings is own


@TWINS
def test_every_option_of_a_derived_client_changes_only_itself(cls: Any, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a.db", create=True)
    client = cls("t", base_url="https://a.example", ledger=ledger)
    own = client._settings
    options: list[tuple[dict[str, Any], str, Any]] = [
        ({}, "base_url", "https://a.example"),
        ({"timeout": 7}, "timeout", Timeout(total=7)),
        ({"max_retries": 0}, "max_retries", 0),
        ({"ledger": None}, "ledger", None),
    ]
    for arguments, name, value in options:
        derived = client.with_options(**arguments)
        assert type(derived) is cls
        assert getattr(derived._settings, name) == value
        for other in ("base_url", "timeout", "max_retries", "reader", "headers", "ledger"):
            if other != name:
                assert getattr(derived._settings, other) == getattr(own, other)
        assert derived._settings.filter_checks is own.filter_checks
        assert derived._settings.deprecations is own.deprecations
        assert derived._runner == client._runner
        assert derived.events._settings is derived._settings


@TWINS
def test_the_options_about_deviations_change_the_reader_of_a_derived_client(cls: Any) -> None:
    client = cls("t")
    assert client.with_options(strict=True)._settings.reader._strict
    assert client.with_options(on_drift=print)._settings.reader._on_drift is print


@TWINS
def test_a_rate_limit_of_its_own_leaves_the_connections_of_a_derived_client_shared(
    cls: Any,
) -> None:
    client = cls("t")
    limited = client.with_options(requests_per_second=None)._runner
    assert limited.pool is client._runner.pool
    assert limited.rate_limit is not client._runner.rate_limit


@TWINS
def test_an_invalid_option_of_a_derived_client_is_refused(cls: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_retries=True"):
        cls("t").with_options(max_retries=True)


@TWINS
def test_a_derived_client_keeps_what_a_subclass_has_set(cls: Any) -> None:
    client = type("Named", (cls,), {})("t")
    client.name = "billing"
    assert client.with_options(timeout=7).name == "billing"


@pytest.mark.parametrize(
    ("argument", "environment", "expected"),
    [
        (None, None, None),
        (None, "", None),
        (None, "env.db", "env.db"),
        ("arg.db", "env.db", "arg.db"),
        ("arg.db", None, "arg.db"),
    ],
)
def test_a_ledger_is_that_of_the_argument_or_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, argument: Any, environment: str | None, expected: str | None
) -> None:
    if environment is not None:
        monkeypatch.setenv("TOGAI_LEDGER", environment)
    ledger = settings(ledger=argument).ledger
    assert (ledger is None) == (expected is None)
    assert str(expected) in repr(ledger)


@TWINS
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_ends_the_program_passes_while_a_client_is_made(
    cls: Any, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def fail(**_: object) -> Any:
        raise error

    monkeypatch.setattr(Settings, "create", fail)
    with pytest.raises(error):
        cls("t")


# The address


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("https://a.example", "https://a.example"),
        ("https://a.example//", "https://a.example"),
        ("https://a.example:1/x/", "https://a.example:1/x"),
        ("https://a.example:65535", "https://a.example:65535"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]"),
    ],
)
def test_an_address_is_kept_without_its_last_slash(address: str, read: str) -> None:
    assert settings(base_url=address).base_url == read


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("https://a.example:65536", "base_url"),
        ("https://a.example:0", "has the port 0"),
        ("https://user@a.example", "must not contain a user"),
        ("https://a.example?b=c", "must not contain a user"),
        ("https://a.example#b", "must not contain a user"),
        ("https://a.example?", "must not contain a user"),
        ("https://a.example/#", "must not contain a user"),
        ("https://a.example ", "contains a space"),
        (" https://a.example", "is not an https URL"),
        ("https://a.example/b ", "contains a space"),
        ("https:///x", "not an https URL"),
        ("ftp://a.example", "not an https URL"),
        ("http://a.example", "unencrypted"),
        ("http://[::ffff:8.8.8.8]", "unencrypted"),
        (b"https://a.example", "base_url must be text"),
        ("https://a\x00", "not a URL"),
        (f"https://{'a' * 64}.example", "base_url"),
    ],
)
def test_any_other_address_is_refused(address: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        settings(base_url=address)


def refusing(error: BaseException) -> type[Any]:
    class Refusing:
        def __init__(self, _url: str) -> None:
            raise error

    return Refusing


@pytest.mark.parametrize("error", [httpx.InvalidURL("no"), UnicodeError("no")])
def test_what_the_library_says_about_an_address_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(httpx, "URL", refusing(error))
    with pytest.raises(ConfigurationError, match=r"base_url is not a URL \(no\)"):
        settings()


def test_an_interrupt_while_an_address_is_parsed_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx, "URL", refusing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        settings()


@pytest.mark.parametrize(
    ("address", "service"),
    [
        ("https://A.example./x/", "https://a.example/x"),
        ("https://a.example", "https://a.example"),
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://localhost:8000"),
        ("http://[0:0:0:0:0:0:0:1]:8000", "http://localhost:8000"),
        ("http://[::ffff:127.0.0.1]:8000", "http://localhost:8000"),
        ("http://127.0.0.2:8000", "http://127.0.0.2:8000"),
    ],
)
def test_the_service_of_a_ledger_has_one_address(address: str, service: str) -> None:
    assert settings(base_url=address).service == service


PROXIES: list[tuple[dict[str, str], str, str | None]] = [
    ({}, "https://a.example", None),
    ({"HTTPS_PROXY": "http://p:1"}, "https://a.example", "http://p:1"),
    ({"HTTPS_PROXY": "p:1"}, "https://a.example", "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1"}, "http://a.example", None),
    ({"ALL_PROXY": "http://q:1"}, "https://a.example", "http://q:1"),
    ({"ALL_PROXY": "http://q:1", "HTTPS_PROXY": "http://p:1"}, "https://a.example", "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example"}, "https://a.example", None),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b.example"}, "https://a.example", "http://p:1"),
    ({"ALL_PROXY": "http://p:1"}, "https://127.0.0.1", None),
    ({"ALL_PROXY": "http://p:1"}, "https://localhost.", None),
    ({"ALL_PROXY": "http://p:1"}, "https://", "http://p:1"),
]


@pytest.mark.parametrize(("environment", "address", "proxy"), PROXIES, ids=range(len(PROXIES)))
def test_the_proxy_is_that_of_the_environment_for_the_scheme_of_the_service(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: str, proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_proxy(address) == proxy


# Headers, timeouts and retries


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"A-b_c.1~!#$%&'*+^`|": "x"}, None),
        ({"a": " x y "}, None),
        ({"a": ""}, None),
        (["a"], "must map names to values, not list"),
        ({5: "x"}, "5 is not the name"),
        ({"": "x"}, "'' is not the name"),
        ({"a b": "x"}, "is not the name"),
        ({"a\n": "x"}, "is not the name"),
        ({"Authorization": "x"}, "set by this package"),
        ({"hOST": "x"}, "set by this package"),
        ({"a": 5}, "printable ASCII"),
        ({"a": "é"}, "printable ASCII"),
        ({"a": "x\ny"}, "printable ASCII"),
    ],
    ids=repr,
)
def test_headers_are_names_and_printable_values(headers: Any, problem: str | None) -> None:
    if problem is None:
        expected = {name.lower(): value.strip() for name, value in headers.items()}
        assert settings(default_headers=headers).headers == expected
        both = settings(default_headers={"x": "y"}).with_headers(headers)
        assert both.headers == {"x": "y", **expected}
        return
    with pytest.raises(ConfigurationError, match=f"default_headers.*{problem}"):
        settings(default_headers=headers)
    with pytest.raises(InvalidRequest, match=f"extra_headers.*{problem}"):
        settings().with_headers(headers)


def test_a_call_without_headers_of_its_own_has_those_of_the_client() -> None:
    own = settings(default_headers={"x": "y"})
    assert own.with_headers(None) is own
    assert own.with_headers({"X": "z"}).headers == {"x": "z"}


def test_the_timeout_of_a_call_is_its_own_or_that_of_the_client() -> None:
    own = settings(timeout=Timeout(connect=1, total=9))
    assert own.timeout_of(None) == Timeout(connect=1, total=9)
    assert own.timeout_of(3) == Timeout(connect=1, total=3)
    assert own.timeout_of(Timeout(read=2)) == Timeout(read=2)


@pytest.mark.parametrize("value", [-1, True, False, 1.0, "1", None])
def test_retries_are_a_whole_number_from_0(value: Any) -> None:
    for allowed in (0, 1, 99):
        assert settings(max_retries=allowed).max_retries == allowed
    with pytest.raises(ConfigurationError, match="max_retries="):
        settings(max_retries=value)


# The log


@pytest.fixture
def logger(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    log = logging.getLogger("togai")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", logging.NOTSET)
    return log


@pytest.mark.parametrize(
    ("value", "level", "handlers"),
    [("", 0, 0), (" ", 0, 0), ("debug", 10, 1), (" INFO ", 20, 1), (None, 0, 0)],
)
def test_the_log_is_written_if_the_environment_says_so(
    logger: logging.Logger,
    monkeypatch: pytest.MonkeyPatch,
    value: str | None,
    level: int,
    handlers: int,
) -> None:
    if value is not None:
        monkeypatch.setenv("TOGAI_LOG", value)
    for _ in range(2):
        settings()
        assert (logger.level, len(logger.handlers)) == (level, handlers)
    for handler in logger.handlers:
        assert handler.formatter is not None
        assert "levelname" in str(handler.formatter._fmt)


# Errors, and what is shown


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        *((status, errors.StatusError) for status in (302, 399, 402, 405, 421, 423, 428, 430, 499)),
        *((status, errors.ServerError) for status in (500, 501, 599, 600)),
        (400, errors.BadRequest),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (422, errors.UnprocessableEntity),
        (429, errors.RateLimited),
    ],
)
def test_only_the_status_itself_has_a_class_of_its_own(status: int, cls: type[Any]) -> None:
    assert errors.status_error_class(status) is cls


def test_a_status_error_has_the_message_of_the_service() -> None:
    plain = errors.StatusError(418, "no", method="GET", path="/events")
    assert str(plain) == "GET /events returned 418: no"
    assert (plain.attempts, plain.waited, plain.snippet) == (1, (), "")


def test_an_instruction_follows_a_message_that_is_a_sentence() -> None:
    sentence = errors.Unauthorized(401, "Wrong.", method="GET", path="/events")
    assert str(sentence).startswith("GET /events returned 401: Wrong. Check the token")
    assert sentence.message == "Wrong."


def test_a_status_error_has_the_request_id_the_wait_and_the_attempts() -> None:
    full = errors.Forbidden(
        403,
        "no",
        method="GET",
        path="/events",
        request_id="r",
        retry_after=0.0,
        snippet="s",
        attempts=2,
        waited=(0.5,),
    )
    assert str(full).startswith(
        "GET /events returned 403: no; request id r; retry after 0 s; 2 attempts. The token is valid"
    )
    assert (full.request_id, full.retry_after, full.snippet) == ("r", 0.0, "s")
    assert (full.attempts, full.waited) == (2, (0.5,))


def test_an_unexpected_response_has_its_status() -> None:
    unexpected = errors.UnexpectedResponse("x", method="GET", path="/", status=200)
    assert str(unexpected) == "GET / returned 200 with x. Check base_url and any proxy"
    assert (unexpected.attempts, unexpected.snippet, unexpected.where) == (1, "", None)


def test_an_error_before_any_request_has_no_attempts() -> None:
    assert errors.TogaiError("x").attempts == 0


def test_an_ignored_filter_is_named_with_its_value() -> None:
    error = errors.FilterIgnored("status", "PROCESSED")
    assert (error.filter, error.value) == ("status", "PROCESSED")
    assert "status" in str(error)


def test_an_incomplete_listing_names_the_place() -> None:
    error = errors.ListingIncomplete("$.next")
    assert error.where == "$.next"
    assert "$.next" in str(error)


def test_an_ambiguous_event_has_its_candidates() -> None:
    ambiguous: Any = errors.AmbiguousEvent("e", [object(), object()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    assert str(ambiguous).startswith("2 events have the id 'e'")
    assert len(ambiguous.candidates) == 2
    assert ambiguous.event_id == "e"


def test_a_missing_event_has_its_id() -> None:
    assert errors.EventNotFound("e").event_id == "e"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 100),
        ("a\nb", "a\\nb"),
        ("é", "é"),
        ("é" * 100, "é" * 100),
        ("é" * 101, "é" * 100),
        ("é\n", "é\\n"),
        ("\n" * 60, "\\n" * 50),
    ],
)
def test_a_name_is_shown_on_one_line_of_100_characters(name: str, text: str) -> None:
    assert printable_name(name) == text
    drift = Drift(name, name, "missing")
    assert (drift.property, drift.value) == (text, None)
    assert str(Drift("M", name, "unknown value", name)) == f"M.{text}: unknown value '{text}'"
    assert str(Drift("M", "", "not an object")) == "M: not an object"


def test_a_character_that_is_not_printable_is_escaped_alone() -> None:
    assert printable("aé\n\x1b\u202eb") == "aé\\n\\x1b\\u202eb"


def test_a_time_that_is_fine_or_interrupted_is_not_converted() -> None:
    class Fine(datetime):
        nanosecond = 1

    class Rounded(datetime):
        nanosecond = 0

    class Interrupted(datetime):
        def utcoffset(self) -> Any:
            raise KeyboardInterrupt

    moment = (2024, 12, 4, 7, 30, 35, 7, UTC)
    assert type(to_utc("a", Rounded(*moment))) is datetime
    assert to_utc("a", Rounded(*moment)) == datetime(*moment)
    with pytest.raises(ValueError, match=r"a=.* is finer than microseconds"):
        to_utc("a", Fine(*moment))
    with pytest.raises(KeyboardInterrupt):
        to_utc("a", Interrupted(*moment))
