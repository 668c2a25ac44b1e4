"""How a connection to a PostgreSQL server is opened, and what its database must be able to hold."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from togai import InvalidRequest
from togai._storage import server
from togai.corrections import Ledger

from .records import DIGEST


def options(address: str, monkeypatch: pytest.MonkeyPatch, wait: float = 2.0) -> dict[str, Any]:
    """The options with which a server is connected to."""
    passed: dict[str, Any] = {}
    monkeypatch.setattr(psycopg, "connect", lambda _url, **options: passed.update(options))
    with pytest.raises(AttributeError):
        server.connect(address, wait, 5.0)
    return passed


@pytest.mark.parametrize(
    ("address", "idle", "interval", "lost"),
    [
        ("postgresql://host/db", 10, 5, 5000),
        ("postgresql://host/db?keepalives_idle=77", None, 5, 5000),
        ("postgresql://host/db?keepalives_interval=7&tcp_user_timeout=9", 10, None, None),
    ],
)
def test_a_lost_server_is_noticed_unless_the_address_says_when(
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    idle: int | None,
    interval: int | None,
    lost: int | None,
) -> None:
    passed = options(address, monkeypatch)
    names = ("keepalives_idle", "keepalives_interval", "tcp_user_timeout")
    assert [passed.get(name) for name in names] == [idle, interval, lost]


ALWAYS = {"connect_timeout", "client_encoding", "keepalives_idle", "keepalives_interval"}


@pytest.mark.parametrize(
    ("version", "more"),
    [
        (110000, set[str]()),
        (120000, {"tcp_user_timeout"}),
        (140000, {"tcp_user_timeout", "target_session_attrs"}),
    ],
)
def test_an_old_libpq_gets_no_option_that_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch, version: int, more: set[str]
) -> None:
    monkeypatch.setattr(psycopg.pq, "version", lambda: version)
    assert options("postgresql://host/db", monkeypatch).keys() == ALWAYS | more


@pytest.mark.parametrize(
    ("address", "chosen"),
    [
        ("postgresql://one,two/db", "primary"),
        ("postgresql://one,two/db?target_session_attrs=read-write", None),
    ],
)
def test_a_standby_is_not_used_unless_the_address_says_so(
    monkeypatch: pytest.MonkeyPatch, address: str, chosen: str | None
) -> None:
    assert options(address, monkeypatch).get("target_session_attrs") == chosen


@pytest.mark.parametrize(
    ("hosts", "wait", "each"), [("one", 30.9, 30), ("a,b,c", 31.0, 10), ("a,b", 3, 2)]
)
def test_all_hosts_of_an_address_are_tried_within_the_timeout(
    monkeypatch: pytest.MonkeyPatch, hosts: str, wait: float, each: int
) -> None:
    assert options(f"postgresql://{hosts}/db", monkeypatch, wait)["connect_timeout"] == each


@pytest.mark.parametrize(
    ("address", "variable"),
    [
        ("postgresql:///db?hostaddr=10.0.0.1,10.0.0.2", "PGPORT"),
        ("postgresql:///db", "PGHOST"),
        ("postgresql://one/db", "PGHOSTADDR"),
    ],
)
def test_hosts_that_are_named_elsewhere_are_tried_within_the_timeout_too(
    monkeypatch: pytest.MonkeyPatch, address: str, variable: str
) -> None:
    monkeypatch.setenv(variable, "10.0.0.1,10.0.0.2")
    assert options(address, monkeypatch, 30.0)["connect_timeout"] == 15


def encoded(address: str, encoding: str) -> Ledger:
    """A ledger in another database of the server, with an encoding."""
    with psycopg.connect(address, autocommit=True) as connection:
        name = f"{urlsplit(address).path[1:]}_{encoding}".lower()
        connection.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0".encode()
        )
    return Ledger(address.replace(urlsplit(address).path, f"/{name}", 1), create=True)


def test_a_database_without_an_encoding_holds_a_ledger(postgres_address: str) -> None:
    ledger = encoded(postgres_address, "SQL_ASCII")
    ledger.approve(DIGEST, who="Jos\u00e9 \u2603", why="ok")
    assert [entry.who for entry in ledger.history()] == ["Jos\u00e9 \u2603"]


def test_a_value_that_a_database_cannot_hold_is_refused(postgres_address: str) -> None:
    ledger = encoded(postgres_address, "LATIN1")
    ledger.approve(DIGEST, who="Jos\u00e9", why="ok")
    with pytest.raises(InvalidRequest, match=r"the ledger cannot hold this value: .*LATIN1"):
        ledger.approve(DIGEST, who="\u2603", why="ok")
    assert [entry.who for entry in ledger.history()] == ["Jos\u00e9"]
