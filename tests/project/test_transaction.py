"""Files and folders are replaced together, or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from contract.transaction import ROOM, locked, replace_all


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project."""
    write(
        tmp_path / "root",
        {
            "a.txt": "a",
            "b.txt": "b",
            "generated/package/old.py": "old",
            "generated/package/same.py": "same",
        },
    )
    return tmp_path / "root"


@pytest.fixture
def fresh(tmp_path: Path) -> dict[str, Path]:
    """New versions of two files and a folder, of which one does not exist yet."""
    room = tmp_path / "fresh"
    write(
        room,
        {
            "a": "new a",
            "deep": "new file",
            "package/new.py": "new",
            "package/__pycache__/new.pyc": "cached",
        },
    )
    return {
        "a.txt": room / "a",
        "x/y/deep.txt": room / "deep",
        "generated/package": room / "package",
    }


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def read(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in files}


def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException) -> None:
    """Lets the move to a place fail."""
    move = os.replace

    def fail(source: Any, target: Any) -> None:
        if Path(target).name == name:
            raise error
        move(source, target)

    monkeypatch.setattr(os, "replace", fail)


def test_all_places_are_replaced_and_the_sources_are_kept(
    root: Path, fresh: dict[str, Path], tmp_path: Path
) -> None:
    sources = read(tmp_path / "fresh")
    replace_all(root, fresh)
    assert read(root) == {
        "a.txt": "new a",
        "b.txt": "b",
        "generated/package/new.py": "new",
        "x/y/deep.txt": "new file",
    }
    assert read(tmp_path / "fresh") == sources


def test_files_keep_their_times(root: Path, fresh: dict[str, Path]) -> None:
    os.utime(fresh["a.txt"], (1, 1))
    replace_all(root, fresh)
    assert (root / "a.txt").stat().st_mtime == 1


def test_what_a_killed_process_left_is_removed(root: Path, fresh: dict[str, Path]) -> None:
    write(root / ROOM, {"old0": "left", "new0/left": "left", "new2/left": "left"})
    replace_all(root, fresh)
    assert not (root / ROOM).exists()
    assert (root / "a.txt").read_text("utf-8") == "new a"
    assert [*read(root / "generated/package")] == ["new.py"]


@pytest.mark.parametrize("name", ["a.txt", "deep.txt", "package", "old0", "old2"])
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
@pytest.mark.parametrize("order", [1, -1])
def test_a_move_that_fails_restores_every_place(
    root: Path,
    fresh: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: BaseException,
    order: int,
) -> None:
    before = read(root)
    failing(monkeypatch, name, error)
    with pytest.raises(type(error)):
        replace_all(root, dict([*fresh.items()][::order]))
    assert read(root) == before
    assert not (root / ROOM).exists()


def test_a_new_folder_is_removed_if_a_later_move_fails(
    root: Path, fresh: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "a.txt", OSError(5, "Input/output error"))
    with pytest.raises(OSError, match="Input/output"):
        replace_all(root, {"generated/more": fresh["generated/package"], "a.txt": fresh["a.txt"]})
    assert not (root / "generated/more").exists()


def test_without_a_new_file_nothing_happens(root: Path) -> None:
    before = read(root)
    replace_all(root, {})
    assert read(root) == before


def test_nothing_is_moved_before_everything_is_copied(
    root: Path, fresh: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    moved: list[object] = []
    monkeypatch.setattr(shutil, "copytree", full)
    monkeypatch.setattr(os, "replace", lambda *places: moved.append(places))
    with pytest.raises(OSError, match="No space left"):
        replace_all(root, fresh)
    assert (moved, (root / ROOM).exists()) == ([], False)


def is_locked(root: Path) -> bool:
    folder = os.open(root / "generated", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False


def test_the_lock_excludes_others_until_it_is_released(root: Path) -> None:
    with locked(root):
        assert is_locked(root)
    assert not is_locked(root)


def test_an_error_releases_the_lock(root: Path) -> None:
    with pytest.raises(KeyError), locked(root):
        raise KeyError
    assert not is_locked(root)
