"""The state of an export: one thread at a time, and free after an interruption."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from togai import TogaiError
from togai.jobs._checkpoint import Checkpoint, writing

from ..locks import Held, HeldError

JOB: dict[str, Any] = {"accounts": ["acme"]}

CALLS: dict[str, tuple[Any, ...]] = {
    "get": ("counts",),
    "set": ("complete", 7),
    "unfinished": (),
    "add": ("acme", None, [("ref-1", "{}")], {"read": 1}),
    "complete": (7,),
    "close": (),
}


@pytest.mark.parametrize("name", CALLS)
def test_one_thread_at_a_time_uses_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    checkpoint = Checkpoint(tmp_path / "out.checkpoint", JOB, restart=False)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_lock", Held())
        with pytest.raises(HeldError):
            getattr(checkpoint, name)(*CALLS[name])
    assert checkpoint.unfinished() == [("acme", None)]
    assert checkpoint.get("complete") is None
    checkpoint.close()


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
        with pytest.raises(KeyboardInterrupt):
            Checkpoint(path, JOB, restart=False)
    checkpoint = Checkpoint(path, JOB, restart=False)
    assert checkpoint.unfinished() == [("acme", None)]
    checkpoint.close()
