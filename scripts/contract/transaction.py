"""Replaces several files and folders of the project together, or not at all.

A failure restores everything. If the process is killed during the moves, which take milliseconds, `git status` shows
the changed files, and `git restore` restores them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import threading
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
    try:
        # Make all copies before the first move: a full disk fails here.
        for number, (place, new) in enumerate(fresh.items()):
            _copy(new, room / f"new{number}")
            if (root / place).exists():
                _copy(root / place, room / f"old{number}")
        with _uninterrupted():
            try:
                for number, place in enumerate(fresh):
                    _move(room / f"new{number}", root / place)
            except BaseException:
                _put_back(root, fresh)
                raise
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _put_back(root: Path, places: Mapping[str, Path]) -> None:
    for number, place in enumerate(places):
        # A place that cannot be restored does not prevent the others.
        with contextlib.suppress(OSError):
            _remove(root / place)
            if (root / ROOM / f"old{number}").exists():
                _copy(root / ROOM / f"old{number}", root / place)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _move(source: Path, target: Path) -> None:
    if source.is_dir():
        _remove(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)  # noqa: PTH105 - the one call that tests break


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


@contextlib.contextmanager
def _uninterrupted() -> Generator[None]:
    """Delay SIGINT and similar signals: the moves take milliseconds."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    polite = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, polite)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
