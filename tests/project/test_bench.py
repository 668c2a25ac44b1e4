"""The bench measures every side in one run and writes what it found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from benchmark.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_a_quick_run_gives_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bench.json"
    assert main(["--quick", "--json", str(out)]) == 0
    told = json.loads(out.read_text("utf-8"))
    assert set(told) == {"machine", "rivals", "rows"}
    rows = {row["what"]: row for row in told["rows"]}
    assert all(row["low"] <= row["median"] <= row["high"] for row in rows.values())
    printed = capsys.readouterr().out
    assert all(what in printed for what in rows)
    for part in ("cold start", "import togai", "decode", "list 200", "async", "memory", "bump"):
        assert any(part in what for what in rows), part


def test_results_need_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--json", str(tmp_path / "missing" / "bench.json")])
    assert "there is no folder for it" in capsys.readouterr().err
