"""The connections of a client: when they are opened and closed, and with which limits. No I/O."""

from __future__ import annotations

import asyncio
import gc
import ssl
import threading
import weakref
from typing import Any

import httpx
import pytest

from togai import ConfigurationError
from togai._transport import libraries
from togai._transport.concurrency import Tasks, Threads
from togai._transport.pool import AsyncPool, Pool

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


class Opened:
    """A client of an HTTP library."""

    def __init__(self, kind: str, proxy: str | None, context: object, limits: Any) -> None:
        self.kind, self.proxy, self.context, self.limits = kind, proxy, context, limits
        self.closed = 0

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Pools:
    """A pool whose clients are counted."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[Opened] = []

        def open_client(_library: Any, client: str, **settings: Any) -> Opened:
            self.opened.append(Opened(client, **settings))
            return self.opened[-1]

        monkeypatch.setattr(libraries, "open_client", open_client)
        self.pool: Any = self.make(kind)
        self.run: Any = Threads.run if kind == "sync" else asyncio.run

    @staticmethod
    def make(kind: str) -> Any:
        settings: Any = (None, "httpx", "https://a.example", lambda address: f"proxy of {address}")
        if kind == "sync":
            return Pool(Threads(), *settings)
        return AsyncPool(Tasks(), *settings)

    def back(self, http: Any, *, usable: bool = True) -> None:
        self.run(self.pool.give_back(http, usable=usable))

    @property
    def closed(self) -> list[int]:
        return [one.closed for one in self.opened]


@pytest.fixture(params=["sync", "async"])
def pools(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Pools:
    return Pools(request.param, monkeypatch)


@pytest.fixture
def async_pools(monkeypatch: pytest.MonkeyPatch) -> Pools:
    return Pools("async", monkeypatch)


def test_corrections_keep_no_connection_and_other_calls_20_of_50(pools: Pools) -> None:
    reads, corrections = (pools.pool.take(repeatable=repeatable) for repeatable in (True, False))
    assert reads is not corrections
    assert reads is pools.pool.take(repeatable=True)
    assert corrections is pools.pool.take(repeatable=False)
    for http, kept in ((reads, 20), (corrections, 0)):
        assert http.limits == {"max_connections": 50, "max_keepalive_connections": kept}
        assert http.proxy == "proxy of https://a.example"
        assert http.kind == pools.pool.io.client
    assert reads.context is corrections.context
    assert len(pools.opened) == 2


def test_a_closed_client_closes_its_connections_and_opens_no_more(pools: Pools) -> None:
    for repeatable in (True, False):
        pools.pool.take(repeatable=repeatable)
    pools.run(pools.pool.close())
    assert pools.closed == [1, 1]
    with pytest.raises(ConfigurationError, match="the client is closed"):
        pools.pool.take(repeatable=True)
    assert len(pools.opened) == 2


def test_a_forked_child_opens_connections_of_its_own_and_keeps_those_of_its_parent_open(
    pools: Pools,
) -> None:
    http = pools.pool.take(repeatable=True)
    pools.pool.renew()
    assert pools.pool.take(repeatable=True) is not http
    assert pools.closed == [0, 0]


@pytest.mark.slow
def test_a_forked_child_needs_no_lock_of_its_parent_and_keeps_its_connections_referenced(
    pools: Pools,
) -> None:
    parent = weakref.ref(pools.pool.take(repeatable=True))
    pools.opened.clear()
    lock = pools.pool._lock
    lock.acquire()  # a thread of the parent
    pools.pool.renew()
    assert pools.pool._lock is not lock
    gc.collect()
    assert parent() is not None  # closing it would end the TLS sessions of the parent
    pools.pool.take(repeatable=True)


@pytest.mark.parametrize("action", ["take", "close"])
def test_a_thread_waits_until_another_has_opened_the_connections(
    monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    pools = Pools("sync", monkeypatch)
    open_client: Any = libraries.open_client
    threads: list[threading.Thread] = []

    def act() -> None:
        if action == "take":
            pools.pool.take(repeatable=True)
        else:
            Threads.run(pools.pool.close())

    def open_slowly(*arguments: Any, **settings: Any) -> Any:
        if not threads:
            threads.append(threading.Thread(target=act))
            threads[0].start()
            threads[0].join(0.02)
        return open_client(*arguments, **settings)

    monkeypatch.setattr(libraries, "open_client", open_slowly)
    pools.pool.take(repeatable=True)
    threads[0].join()
    assert pools.closed == ([0] if action == "take" else [1])


@pytest.mark.parametrize("address", ["https://a.example", "http://127.0.0.1:1"])
def test_the_certificates_of_the_library_are_trusted_and_for_http_nobody(
    pools: Pools, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    loaded: list[object] = []

    def create() -> object:
        loaded.append(object())
        return loaded[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", create)
    pools.pool.base_url = address
    contexts = [pools.pool.take(repeatable=kind).context for kind in (True, False)]
    assert contexts[0] is contexts[1]
    if address.startswith("https"):
        assert contexts[0] is loaded[0]
        assert len(loaded) == 1
    else:
        assert not loaded
        assert contexts[0].verify_mode is ssl.CERT_REQUIRED
        assert contexts[0].get_ca_certs() == []


def test_a_setting_of_the_environment_that_cannot_be_used_is_explained(pools: Pools) -> None:
    def find(_address: str) -> str:
        raise ValueError("no")

    pools.pool._find_proxy = find
    with pytest.raises(
        ConfigurationError, match=r"cannot be used \(ValueError: no\): fix HTTP_PROXY"
    ):
        pools.pool.take(repeatable=True)
    assert not pools.opened


def test_a_pool_that_is_not_closed_closes_its_connections_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pools = Pools("sync", monkeypatch)
    pools.pool.take(repeatable=True)
    pools.pool = None
    gc.collect()
    assert pools.closed == [1]


def test_an_interrupt_while_connections_are_opened_passes(
    pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(libraries, "open_client", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pools.pool.take(repeatable=True)


@pytest.mark.parametrize("name", ["httpx3", "requests", None])
def test_any_other_library_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match='must be "httpx" or "httpx2"'):
        libraries.load(name)


# The connections of tasks


def test_a_client_is_used_until_a_request_on_it_does_not_end(async_pools: Pools) -> None:
    pools = async_pools
    first = pools.pool.take(repeatable=True)
    pools.back(first)
    assert pools.pool.take(repeatable=True) is first
    pools.back(first)
    assert pools.closed == [0]


def test_a_client_with_a_lost_connection_is_closed_after_its_last_attempt(
    async_pools: Pools,
) -> None:
    pools = async_pools
    other = pools.pool.take(repeatable=False)
    first = pools.pool.take(repeatable=True)
    assert pools.pool.take(repeatable=True) is pools.pool.take(repeatable=True) is first
    pools.back(first, usable=False)
    second = pools.pool.take(repeatable=True)
    assert second is not first
    assert pools.pool.take(repeatable=False) is other
    pools.back(first)
    assert pools.closed == [0, 0, 0]
    pools.back(first, usable=False)
    assert pools.closed == [0, 1, 0]
    pools.back(second)
    pools.back(other)
    pools.back(other)
    assert pools.pool.take(repeatable=True) is second
    assert pools.closed == [0, 1, 0]
    assert set(pools.pool._users) == {second}


@KINDS
def test_an_injected_client_is_used_as_it_is_and_stays_open(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    make: Any = httpx.Client if kind == "sync" else httpx.AsyncClient
    injected: Any = make(cookies={"a": "1"}, verify=context)
    io: Any = Threads() if kind == "sync" else Tasks()
    run: Any = Threads.run if kind == "sync" else asyncio.run
    monkeypatch.setattr(libraries, "open_client", None)
    pool = (Pool if kind == "sync" else AsyncPool)(
        io, injected, "unused", "https://a.example", lambda _address: None
    )
    for repeatable in (True, False):
        assert pool.take(repeatable=repeatable) is injected
        run(pool.give_back(injected, usable=False))
    run(pool.close())
    assert pool.cookies is not injected.cookies
    assert dict(pool.cookies) == {"a": "1"}
    assert not injected.is_closed
    with pytest.raises(ConfigurationError, match="closed"):
        pool.take(repeatable=True)
    open_pool = (Pool if kind == "sync" else AsyncPool)(
        io, injected, "unused", "https://a.example", lambda _address: None
    )
    run(injected.aclose() if kind == "async" else io.call(injected.close))
    with pytest.raises(ConfigurationError, match="closed"):
        open_pool.take(repeatable=True)
