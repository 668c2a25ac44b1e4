"""The state of an export: one thread at a time, and free after an interruption."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from togai import InvalidRequest, TogaiError
from togai.jobs._checkpoint import Checkpoint, writing

JOB: dict[str, Any] = {"accounts": ["acme"]}

CALLS: dict[str, tuple[Any, ...]] = {
    "get": ("counts",),
    "set": ("complete", 7),
    "unfinished": (),
    "add": ("acme", None, [("ref-1", "{}")], {"read": 1}),
    "complete": (7,),
    "close": (),
}


class Database(AbstractContextManager[None]):
    """A connection that calls a function before each statement, and before it is closed."""

    def __init__(self, connection: sqlite3.Connection, before: Callable[[], None]) -> None:
        self._connection, self._before = connection, before

    def __getattr__(self, name: str) -> Any:
        self._before()
        return getattr(self._connection, name)

    def __exit__(self, *error: Any) -> None:  # noqa: PYI036
        self._connection.__exit__(*error)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Iterator[Checkpoint]:
    opened = Checkpoint(tmp_path / "out.checkpoint", JOB, restart=False)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", CALLS)
def test_one_thread_at_a_time_uses_the_checkpoint(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    held: list[bool] = []
    lock: Any = checkpoint._lock
    database = Database(checkpoint._db, lambda: held.append(lock._is_owned()))
    monkeypatch.setattr(checkpoint, "_db", database)
    getattr(checkpoint, name)(*CALLS[name])
    assert held
    assert all(held)
    assert not lock._is_owned()


def test_rows_are_read_in_order_and_the_lock_is_free_between_them(checkpoint: Checkpoint) -> None:
    checkpoint.add("acme", None, [(None, f'{{"number": {n}}}') for n in range(1001)], {})
    lock: Any = checkpoint._lock
    numbers: list[int] = []
    for row in checkpoint.rows():
        numbers.append(row["number"])
        assert not lock._is_owned()
    assert numbers == list(range(1001))


@pytest.mark.parametrize("name", ["set", "add", "complete"])
def test_a_full_disk_is_an_error_that_names_the_checkpoint(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_db", Database(checkpoint._db, full))
        with pytest.raises(TogaiError, match=r"out\.checkpoint cannot be written: .*disk is full"):
            getattr(checkpoint, name)(*CALLS[name])
    assert checkpoint.unfinished() == [("acme", None)]
    assert checkpoint.get("complete") is None


def test_a_checkpoint_that_sqlite_cannot_open_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Mock(side_effect=sqlite3.OperationalError("unable to open database file"))
    monkeypatch.setattr(sqlite3, "connect", failing)
    with pytest.raises(InvalidRequest, match=r"cannot be written: unable to open database file$"):
        Checkpoint(tmp_path / "a.checkpoint", JOB, restart=False)


def test_a_page_is_stored_completely_or_not_at_all(checkpoint: Checkpoint) -> None:
    def interrupted() -> Iterator[tuple[str, str]]:
        yield ("ref-1", "{}")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoint.add("acme", "token-2", interrupted(), {"read": 2})
    assert list(checkpoint.rows()) == []
    assert checkpoint.unfinished() == [("acme", None)]
    total = checkpoint.add("acme", "token-2", [("ref-1", "{}"), ("ref-1", "{}")], {"read": 2})
    assert total == {
        "rows": 1,
        "read": 2,
        "reverted": 0,
        "outside": 0,
        "malformed": 0,
        "repeated": 1,
        "left": 1,
    }
    assert checkpoint.unfinished() == [("acme", "token-2")]


def test_a_complete_export_releases_the_space_of_its_rows(checkpoint: Checkpoint) -> None:
    checkpoint.add("acme", None, [("ref-1", "x" * 200_000)], {"read": 1})
    assert checkpoint.path.stat().st_size > 200_000
    checkpoint.complete(7)
    assert checkpoint.path.stat().st_size < 50_000
    assert checkpoint.get("complete") == 7


def test_a_page_that_arrives_after_the_end_is_not_stored(checkpoint: Checkpoint) -> None:
    checkpoint.close()
    assert checkpoint.add(*CALLS["add"]) is None
    again = Checkpoint(checkpoint.path, JOB, restart=False)
    assert again.unfinished() == [("acme", None)]
    again.close()


def test_a_checkpoint_in_use_is_refused_at_once(checkpoint: Checkpoint) -> None:
    assert checkpoint._db.execute("PRAGMA busy_timeout").fetchone() == (0,)
    with pytest.raises(InvalidRequest, match="another process is exporting"):
        Checkpoint(checkpoint.path, JOB, restart=False)


def test_a_database_of_another_program_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "out.checkpoint"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE state (key TEXT)")
    with pytest.raises(InvalidRequest, match=r"out\.checkpoint cannot be used: no such column"):
        Checkpoint(path, JOB, restart=False)


@pytest.mark.parametrize("place", ["os.open", "sqlite3.connect"])
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(13, "Permission denied"), InvalidRequest),
        (sqlite3.OperationalError("unable to open database file"), InvalidRequest),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_only_an_error_of_the_disk_is_a_refusal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    error: BaseException,
    raised: type[BaseException],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(place, Mock(side_effect=error))
        with pytest.raises(raised):
            Checkpoint(tmp_path / "out.checkpoint", JOB, restart=False)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("broken"), "broken"),
        (sqlite3.OperationalError("disk I/O error"), "disk I/O error"),
    ],
)
def test_a_file_that_cannot_be_written_is_named_with_the_reason(
    tmp_path: Path, error: Exception, reason: str
) -> None:
    path = tmp_path / "out.csv"
    with pytest.raises(TogaiError, match=rf"out\.csv cannot be written: {reason}\. Fix the cause"):
        with writing(path):
            raise error


def test_ctrl_c_while_a_checkpoint_is_opened_passes_and_leaves_it_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.checkpoint"

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "set", interrupted)
        with pytest.raises(KeyboardInterrupt) as kept:
            Checkpoint(path, JOB, restart=False)
    checkpoint = Checkpoint(path, JOB, restart=False)  # although the frame of the first is kept
    assert checkpoint.unfinished() == [("acme", None)]
    checkpoint.close()
    assert kept.traceback
