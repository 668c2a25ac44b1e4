"""The benchmark measures every side in one run and writes the results."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from benchmark.__main__ import main, updated
from benchmark.measurements import Row


def documented() -> list[list[str]]:
    """Return the cells of the rows of BENCHMARKS.md."""
    text = (Path(__file__).parents[2] / "BENCHMARKS.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def without_sizes(what: str) -> str:
    """Return the name of a row without numbers: a quick run lists fewer events."""
    return re.sub(r"[\d,]*\d", "N", what)


@pytest.mark.long
def test_a_quick_run_measures_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bench.json"
    assert main(["--quick", "--json", str(out)]) == 0
    reported = json.loads(out.read_text("utf-8"))
    assert set(reported) == {"machine", "rivals", "rows"}
    rows = {row["what"]: row for row in reported["rows"]}
    assert all(row["low"] <= row["median"] <= row["high"] for row in rows.values())
    printed = capsys.readouterr().out
    assert all(what in printed for what in rows)
    assert all(f"{name} " in reported["rivals"] for name in ("httpx", "httpx2", "attrs", "msgspec"))
    for part in (
        *("cold start", "import togai", "decode", "drift in 5 %", "list 200", "async", "memory"),
        *("scripts/bump", "official", "list_many", "prefetch", "with the extras"),
    ):
        assert any(part in what for what in rows), part
    measured = {
        (without_sizes(row["what"].strip()), row["unit"], row["aim"]) for row in reported["rows"]
    }
    assert {(without_sizes(what), unit, aim) for what, _, _, unit, aim in documented()} <= measured


def test_the_report_gets_the_table_and_keeps_its_text() -> None:
    text = "# B\n\nMeasured on a.\n\n| what |\n|---|\n| old |\n\nWhy.\n"
    rows = [Row("decode", 2.0, 1.5, 2.5, "2.1"), Row("  bump: read", 3.0, 3.0, 3.0, "", "%")]
    assert updated(text, "Python", rows) == (
        "# B\n\nMeasured on Python.\n\n"
        "| what | median | quartiles | unit | aim |\n|---|---|---|---|---|\n"
        "| decode | 2.00 | 1.50 to 2.50 | times | 2.1 |\n"
        "| bump: read | 3.00 |  | % |  |\n\nWhy.\n"
    )


def test_results_need_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--json", str(tmp_path / "missing" / "bench.json")])
    assert "its folder does not exist" in capsys.readouterr().err
