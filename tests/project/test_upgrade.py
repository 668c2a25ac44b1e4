"""A new version of the generator can be tested without writing anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from contract.load import Unusable
from mutation import upgrade
from mutation.upgrade import attempt, install

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
def test_the_pinned_version_changes_nothing(tmp_path: Path) -> None:
    trial = attempt("0.29.1", tmp_path, suite=False)
    assert "**Generated files that differ:** none." in trial.report
    assert "**What callers see:** nothing changes." in trial.report
    assert trial.code == 0


@pytest.mark.long
def test_a_version_that_cannot_read_our_templates_is_reported(tmp_path: Path) -> None:
    trial = attempt("0.29.0", tmp_path, suite=False)
    assert "It does not generate:" in trial.report
    assert re.search(r"template \w+\.py\.jinja, line \d+: ", trial.report)
    assert trial.code == 1


@pytest.mark.long
def test_a_missing_version_is_reported(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"99\.0 cannot be installed"):
        install("99.0", tmp_path / "tools")


@pytest.mark.parametrize("version", ["latest", "--help", "0.29.1; rm", "../x"])
def test_an_invalid_version_is_refused(version: str, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="is not a version"):
        install(version, tmp_path / "tools")


def test_the_command_needs_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert upgrade.main([]) == 2
    assert "pass one such as" in capsys.readouterr().err
