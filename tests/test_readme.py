"""The code in the README runs unchanged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from togai.testing import FakeTogai

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def service(fake: FakeTogai, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(1, 60):
        fake.add(
            id=f"ride-{number}",
            attributes=[{"name": "distance", "value": f"{number}.4", "unit": "Kilometers"}],
            dimensions={"city": "Chennai"},
        )
    monkeypatch.setenv("TOGAI_API_TOKEN", fake.token)
    monkeypatch.setenv("TOGAI_BASE_URL", url)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(EXAMPLES[number], f"README example {number + 1}", "exec"), {"__name__": "example"})
    if number == 0:
        assert capsys.readouterr().out.startswith("ref-1 2024-12-04")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8
