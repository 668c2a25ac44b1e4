"""An export by a client of either kind."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from togai.jobs import ExportResult, export, export_async

from ..conftest import Api

DECEMBER = {"since": datetime(2024, 12, 1, tzinfo=UTC), "until": datetime(2025, 1, 1, tzinfo=UTC)}

Run = Callable[..., ExportResult]


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


def read_csv(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(newline="", encoding=encoding) as file:
        return list(csv.DictReader(file))


def amounts(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
