"""Exports and tables of corrections, by a client of either kind."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from togai.jobs import (
    CorrectionTable,
    ExportResult,
    export,
    export_async,
    read_corrections,
    read_corrections_async,
)
from togai.testing import FakeTogai

from ..conftest import Api

DECEMBER = {"since": datetime(2024, 12, 1, tzinfo=UTC), "until": datetime(2025, 1, 1, tzinfo=UTC)}

ONLY = "a table corrects only quantities; restore this cell, or empty it"

Run = Callable[..., ExportResult]
Read = Callable[..., CorrectionTable]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.csv"


@pytest.fixture
def run(api: Api) -> Run:
    """The export by a client of either kind."""

    def exported(accounts: Any, path: Path, **options: Any) -> ExportResult:
        if api.is_async:
            return cast(
                "ExportResult", api.resolve(export_async(api.client, accounts, path, **options))
            )
        return export(api.client, accounts, path, **options)

    return exported


@pytest.fixture
def read(api: Api, tmp_path: Path) -> Read:
    """Reads a table by a client of either kind."""

    def reading(text: str | bytes, **options: Any) -> CorrectionTable:
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if api.is_async:
            return cast(
                "CorrectionTable", api.resolve(read_corrections_async(api.client, path, **options))
            )
        return read_corrections(api.client, path, **options)

    return reading


@pytest.fixture
def rides(fake: FakeTogai) -> None:
    """Five rides; a reverted event, two events with one id, and one of another account."""
    for number in range(1, 6):
        amounts = [{"name": "distance", "value": f"{number}.5"}, {"name": "minutes", "value": "30"}]
        fake.add(id=f"ride-{number}", attributes=amounts, dimensions={"city": "Pune"})
    fake.add(id="gone", status="REVERTED")
    fake.add(id="twice")
    fake.add(id="twice")
    fake.add(id="other", account_id="globex")


def read_csv(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(newline="", encoding=encoding) as file:
        return list(csv.DictReader(file))


def amounts(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
