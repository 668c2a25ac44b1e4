"""A PostgreSQL server, or a pooler in front of it, that accepts statements and stops responding."""

from __future__ import annotations

import _thread
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict

from togai import ConfigurationError
from togai._storage import server
from togai.corrections import Ledger
from togai.testing import FakeTogai

from ..conftest import Api, Connect

SILENT = r"the server did not respond for 5 s; check it, .*, then repeat the call"


class Pooler:
    """Forwards connections to a server; a connection on which certain statements were seen becomes silent."""

    def __init__(self, target: str) -> None:
        self.statements: tuple[bytes, ...] = (b"?",)
        self.forwards_last = False
        self.when_silent: Callable[[], object] = int
        self.accepts = True
        """Whether connections are accepted after that."""
        self._seen = False
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)
        self.port: int = self._listener.getsockname()[1]

    def _start(self, function: Any, *args: Any) -> None:
        self._threads.append(threading.Thread(target=function, args=args))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._seen and not self.accepts:
                    client.close()
                    continue
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(self._target)
                self._sockets += [client, upstream]
                silent = threading.Event()
                self._start(self._forward, client, upstream, silent)
                self._start(self._return, upstream, client, silent)

    def _forward(
        self, client: socket.socket, upstream: socket.socket, silent: threading.Event
    ) -> None:
        left = self.statements
        with suppress(OSError):
            while data := client.recv(65536):
                left = left or self.statements
                if not self._seen and left[0] in data:
                    left = left[1:]
                    self._seen = not left
                    if not left:
                        silent.set()
                        self.when_silent()
                if self.forwards_last or not silent.is_set():
                    upstream.sendall(data)
            upstream.shutdown(socket.SHUT_RDWR)

    def _return(
        self, upstream: socket.socket, client: socket.socket, silent: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := upstream.recv(65536):
                if not silent.is_set():
                    client.sendall(data)

    def close(self) -> None:
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()


@pytest.fixture
def pooler(postgres_address: str) -> Iterator[Pooler]:
    folder = conninfo_to_dict(postgres_address)["host"]
    pooler = Pooler(f"{folder}/.s.PGSQL.5432")
    yield pooler
    pooler.close()


@pytest.fixture
def pooled(postgres_address: str, pooler: Pooler) -> str:
    """The address of an empty ledger behind the pooler."""
    Ledger(postgres_address, create=True)
    return f"postgresql://postgres@127.0.0.1:{pooler.port}{urlsplit(postgres_address).path}"


@pytest.fixture
def api(
    connect: Connect, fake: FakeTogai, url: str, pooled: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Api]:
    """A client with a ledger behind the pooler, for which the waits are over ten times sooner than they say."""
    monkeypatch.setattr(server, "_TENTH", 0.01)
    fake.add_many(1, account_id="acme")
    with connect(base_url=url, ledger=pooled, timeout=2, max_retries=0) as api:
        yield api


@pytest.mark.slow
@pytest.mark.parametrize("forwarded", [False, True])
@pytest.mark.parametrize(
    "statements",
    [
        (b"SET LOCAL",),
        (b"LOCK TABLE",),
        (b"INSERT INTO togai_open",),
        (b"INSERT INTO togai_open", b"COMMIT"),
    ],
)
def test_a_correction_that_the_server_does_not_confirm_is_not_sent(
    api: Api,
    fake: FakeTogai,
    postgres_address: str,
    pooler: Pooler,
    statements: tuple[bytes, ...],
    *,
    forwarded: bool,
) -> None:
    (event,) = api.listed(account_id="acme")
    pooler.statements, pooler.forwards_last = statements, forwarded
    with pytest.raises(ConfigurationError, match=SILENT):
        api.call("undo", event)
    assert not fake.corrections
    assert Ledger(postgres_address).pending() == []
    assert api.call("undo", event).succeeded


@pytest.mark.slow
def test_an_entry_stays_open_if_the_server_never_confirmed_it_and_is_gone(
    api: Api, fake: FakeTogai, postgres_address: str, pooler: Pooler
) -> None:
    (event,) = api.listed(account_id="acme")
    pooler.statements, pooler.forwards_last = (b"INSERT INTO togai_open", b"COMMIT"), True
    pooler.accepts = False
    with pytest.raises(ConfigurationError, match=SILENT):
        api.call("undo", event)
    assert not fake.corrections
    assert len(Ledger(postgres_address).pending()) == 1


@pytest.mark.slow
def test_an_entry_stays_open_if_the_server_does_not_confirm_its_outcome(
    api: Api,
    fake: FakeTogai,
    postgres_address: str,
    pooler: Pooler,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (event,) = api.listed(account_id="acme")
    pooler.statements = (b"DELETE FROM togai_open",)
    assert api.call("undo", event).succeeded
    assert "did not respond for 5 s" in caplog.text
    assert "The entry stays open" in caplog.text
    assert len(fake.corrections) == 1
    assert len(Ledger(postgres_address).pending()) == 1


class Waits(selectors.SelectSelector):
    """Notes its waits instead of waiting."""

    seconds: ClassVar[list[float]] = []

    def select(self, timeout: float | None = None) -> list[Any]:
        self.seconds.append(timeout or 0.0)
        return []


def test_a_silent_server_is_waited_for_in_short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    # A long wait would ignore Ctrl-C on Windows.
    monkeypatch.setattr(selectors, "DefaultSelector", Waits)
    one, other = socket.socketpair()
    with one, other, pytest.raises(server.Unreliable, match="did not respond for 7 s"):
        server._ready(one.fileno(), selectors.EVENT_READ, 7.0)
    assert Waits.seconds == [0.1] * 70


def test_ctrl_c_does_not_wait_for_a_silent_server(pooled: str, pooler: Pooler) -> None:
    ledger = Ledger(pooled)
    pooler.statements, pooler.when_silent = (b"SELECT",), _thread.interrupt_main
    with pytest.raises(KeyboardInterrupt):
        ledger.pending()
