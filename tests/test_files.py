"""Files that are written as a whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest.mock import Mock

import pytest

from togai._files import naming, replace_private


def test_a_file_is_replaced_by_one_that_only_its_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old")
    path.chmod(0o644)
    replace_private(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_file_that_cannot_be_written_leaves_the_earlier_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", Mock(side_effect=error))
    with pytest.raises(type(error)):
        replace_private(path, b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_a_crash_left_behind_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    (tmp_path / "plan.json.new").write_text("half")
    replace_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_the_file_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda number: synced.append(os.fstat(number).st_size))
    replace_private(tmp_path / "plan.json", b"new")
    assert synced == [3]


def test_an_interruption_is_raised_even_if_the_new_file_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_number: int) -> None:
        (tmp_path / "plan.json.new").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        replace_private(tmp_path / "plan.json", b"new")
    assert not hasattr(caught.value, "filename")


@pytest.mark.parametrize("known", [None, "plan.json.new"])
def test_an_error_names_the_file_that_was_to_be_written(known: str | None) -> None:
    def fail() -> None:
        with naming(Path("plan.json")):
            raise OSError(errno.ENOSPC, "full", known)

    with pytest.raises(OSError, match=r"'plan\.json'"):
        fail()
