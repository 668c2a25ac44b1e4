"""Several files and folders of the project, replaced together or not at all.

What is replaced is first copied to a folder beside it, with what it was. A process that is killed while it
moves leaves that folder, and the next command that calls `recover` puts everything back.
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

JOURNAL = "generated/.replacing"
_READY = "ready"


@contextlib.contextmanager
def locked(root: Path) -> Generator[None]:
    """Keep other processes from writing the project meanwhile. The lock of a process that dies is released.

    Args:
        root: The project.
    """
    folder = os.open(root / JOURNAL.partition("/")[0], os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace_all(root: Path, fresh: Mapping[str, Path]) -> None:
    """Put files and folders in the place of others.

    Args:
        root: The project.
        fresh: For each place, relative to the project, what shall stand there.

    Raises:
        OSError: It could not be done; everything is as it was.
    """
    recover(root)
    journal = root / JOURNAL
    try:
        # All copies are made before anything moves: a full disk shows here.
        for number, (place, new) in enumerate(fresh.items()):
            entry = journal / str(number)
            entry.mkdir(parents=True)
            (entry / "place").write_text(place, "utf-8")
            _copy(new, entry / "new")
            if (root / place).exists():
                _copy(root / place, entry / "old")
    except BaseException:
        shutil.rmtree(journal, ignore_errors=True)
        raise
    with _uninterrupted():
        (journal / _READY).touch()
        try:
            for number, place in enumerate(fresh):
                _move(journal / str(number) / "new", root / place)
        except BaseException:
            recover(root)
            raise
        # Without the mark, what remains is rubbish to any later command.
        (journal / _READY).unlink()
        shutil.rmtree(journal, ignore_errors=True)


def recover(root: Path) -> bool:
    """Put back what an interrupted replacement left half done.

    Args:
        root: The project.

    Returns:
        Whether there was such a thing.
    """
    journal = root / JOURNAL
    if not journal.exists():
        return False
    if (journal / _READY).exists():
        problems: list[OSError] = []
        for entry in (one for one in journal.iterdir() if one.is_dir()):
            place = root / (entry / "place").read_text("utf-8")
            try:
                _remove(place)
                if (entry / "old").exists():
                    _copy(entry / "old", place)
            except OSError as error:
                problems.append(error)
        if problems:
            # The journal stays for the next command; what could be put back is back.
            raise problems[0]
        (journal / _READY).unlink()
    shutil.rmtree(journal, ignore_errors=True)
    return True


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
    """Keep polite signals waiting: the moves take milliseconds."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    polite = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, polite)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
