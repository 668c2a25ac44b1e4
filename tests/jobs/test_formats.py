"""How rows are kept and written, cell by cell."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ("2024-12-04T07:30:35+05:30", "2024-12-04T02:00:35.000000Z"),
        ("2024-12-04T07:30:35.5Z", "2024-12-04T07:30:35.500000Z"),
        ("0001-01-01T00:00:00+05:00", "0001-01-01T00:00:00.000000+05:00"),
        ("9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59.000000-05:00"),
    ],
)
def test_a_time_is_text_in_utc_with_microseconds(when: str, text: str) -> None:
    assert _formats.iso(datetime.fromisoformat(when)) == text


def test_a_number_within_another_value_keeps_its_digits() -> None:
    assert _formats.text({"km": Decimal("3.10")}) == '{"km": "3.10"}'


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1E+600", "1" + "0" * 600),
        ("1E+601", "1E+601"),
        ("1E-600", "0." + "0" * 599 + "1"),
        ("1E-601", "1E-601"),
    ],
)
def test_only_a_number_of_more_than_600_digits_has_an_exponent(number: str, text: str) -> None:
    assert _formats.digits(Decimal(number)) == text


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
        ([Decimal("1E+3")], "decimal128(38, 0)"),
        ([Decimal("1E-76")], "decimal256(76, 76)"),
        ([Decimal("1E-77")], "string"),
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


def test_the_library_is_loaded_with_its_part_for_parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    # The package does not import it by itself.
    loaded: list[str] = []

    def load(name: str) -> str:
        loaded.append(name)
        return name

    monkeypatch.setattr(_formats, "import_module", load)
    assert _formats.pyarrow() == "pyarrow"
    assert "pyarrow.parquet" in loaded


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(_formats, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r"pip install 'togai\[parquet\]'"):
        _formats.pyarrow()


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@n", "'@n"),
        ("\tn", "'\tn"),
        ("\rn", "'\rn"),
        ("a=1", "a=1"),
        ("'quoted", "'quoted"),
        ("a-b", "a-b"),
        ("", ""),
    ],
)
def test_text_that_would_run_as_a_formula_is_escaped_and_back(value: str, cell: str) -> None:
    assert _formats.escaped(value) == cell
    assert _formats.unescaped(cell) == value


def test_a_number_is_no_formula() -> None:
    assert _formats.escaped(Decimal("-7.5")) == "-7.5"
    assert _formats.escaped(None) is None


ROWS: list[dict[str, Any]] = [
    {"a": "Z\u00fcrich", "b": Decimal("1.10")},
    {"a": "x\ud800\ny", "c": 1},
]


def test_csv_is_utf_8_with_a_header(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    _formats.write_csv(path, ["b", "a"], lambda: iter(ROWS))
    assert path.read_bytes() == 'b,a\n1.10,Z\u00fcrich\n,"x\\ud800\ny"\n'.encode()
    _formats.write_csv(path, ["=b"], lambda: iter([{"=b": "=1"}]), excel=True)
    assert path.read_bytes() == b"\xef\xbb\xbf'=b\r\n'=1\r\n"


def test_json_lines_are_objects_with_all_columns(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    _formats.write_jsonl(path, ["a", "b"], lambda: iter(ROWS))
    first, second = path.read_text("ascii").splitlines()
    assert json.loads(first) == {"a": "Z\u00fcrich", "b": "1.10"}
    assert json.loads(second) == {"a": "x\ud800\ny", "b": None}


def test_parquet_is_written_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.parquet"
    monkeypatch.setattr(_formats, "_BATCH", 2)
    _formats.write_parquet(path, ["a"], lambda: ({"a": str(number)} for number in range(5)))
    file = pyarrow.parquet.ParquetFile(path)
    assert [file.metadata.row_group(number).num_rows for number in range(3)] == [2, 2, 1]
    assert file.read().column("a").to_pylist() == ["0", "1", "2", "3", "4"]
