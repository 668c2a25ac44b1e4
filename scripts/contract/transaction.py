"""Replaces several files and folders of the project together, or not at all.

A failure restores everything. If the process is killed during the moves, which take milliseconds, `git status` shows
the changed files, and `git restore` restores them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

# Next to the package, so that each move is within one file system.
ROOM = "generated/.replacing"


@contextlib.contextmanager
def locked(root: Path) -> Generator[None]:
    """Lock the project against writes of other processes. The lock of a process that dies is released."""
    folder = os.open(root / "generated", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace_all(root: Path, fresh: Mapping[str, Path]) -> None:
    """Replace files and folders by the new ones in `fresh`, by their paths relative to the project.

    Raises:
        OSError: A move failed; everything is unchanged.
    """
    room = root / ROOM
    shutil.rmtree(room, ignore_errors=True)
    begun: list[tuple[Path, Path, bool]] = []
    try:
        # Make all copies before the first move: a full disk fails here.
        for number, new in enumerate(fresh.values()):
            _copy(new, room / f"new{number}")
        for number, place in enumerate(fresh):
            target, old = root / place, room / f"old{number}"
            target.parent.mkdir(parents=True, exist_ok=True)
            begun.append((target, old, target.exists()))
            if target.exists():
                os.replace(target, old)  # noqa: PTH105 - the one call that tests break
            os.replace(room / f"new{number}", target)  # noqa: PTH105
    except BaseException:
        for target, old, existed in begun:
            # A place that cannot be restored does not prevent the others.
            with contextlib.suppress(OSError):
                if old.exists() or not existed:
                    shutil.rmtree(target, ignore_errors=True)
                    target.unlink(missing_ok=True)
                if old.exists():
                    old.rename(target)
        raise
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)
