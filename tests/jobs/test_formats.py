"""How rows are kept and written, cell by cell."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from togai import ConfigurationError
from togai.jobs import _formats

AT = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        ("a\nb", "a\nb"),
        (Decimal("1.10"), Decimal("1.10")),
        (AT, AT),
        # Without a time zone it is malformed: text.
        (AT.replace(tzinfo=None), "2024-12-04T07:30:35"),
    ],
)
def test_a_row_is_restored_as_it_was_kept(value: Any, kept: Any) -> None:
    (restored,) = _formats.load(_formats.dump({"a": value})).values()
    assert type(restored) is type(kept)
    assert str(restored).startswith(str(kept))


def decimals(whole: int, scale: int) -> Decimal:
    """A number with so many digits before and after the point."""
    return Decimal(("9" * whole or "0") + "." + "1" * scale)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([Decimal(7)], "decimal128(38, 0)"),
        ([decimals(35, 3)], "decimal128(38, 3)"),
        ([decimals(36, 3)], "decimal256(76, 3)"),
        ([decimals(73, 3)], "decimal256(76, 3)"),
        ([decimals(74, 3)], "string"),
        ([decimals(38, 0)], "decimal128(38, 0)"),
        ([decimals(0, 38)], "decimal128(38, 38)"),
        ([Decimal("0.0" + "1" * 38)], "decimal256(76, 39)"),
        ([decimals(30, 0), decimals(1, 8)], "decimal128(38, 8)"),
        ([decimals(30, 0), decimals(1, 9)], "decimal256(76, 9)"),
        ([Decimal(7), None], "decimal128(38, 0)"),
        ([Decimal(7), "seven"], "string"),
        ([Decimal(7), AT], "string"),
        ([AT, None], "timestamp[us, tz=UTC]"),
        ([None], "string"),
    ],
)
def test_a_column_has_the_smallest_type_that_holds_every_value(
    tmp_path: Path, values: list[Any], kind: str
) -> None:
    path = tmp_path / "out.parquet"
    _formats.write_parquet(path, ["a"], lambda: iter([{"a": value} for value in values]))
    table = pyarrow.parquet.read_table(path)
    assert str(table.schema.field("a").type) == kind
    if kind != "string":
        assert table.column("a").to_pylist() == values


@pytest.mark.parametrize("name", ["timestamp", "created_at"])
def test_a_column_of_times_without_values_holds_times(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out.parquet"
    _formats.write_parquet(path, [name], lambda: iter([{name: None}]))
    assert str(pyarrow.parquet.read_schema(path).field(name).type) == "timestamp[us, tz=UTC]"


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(_formats, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r"pip install 'togai\[parquet\]'"):
        _formats.pyarrow()
