"""The state of an export: one thread at a time, and free after an interruption."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from togai.jobs._checkpoint import Checkpoint

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
def test_one_thread_at_a_time_uses_the_checkpoint(tmp_path: Path, name: str) -> None:
    checkpoint = Checkpoint(tmp_path / "out.checkpoint", JOB, restart=False)
    done: list[str] = []

    def call() -> None:
        getattr(checkpoint, name)(*CALLS[name])
        done.append(name)

    thread = threading.Thread(target=call)
    with checkpoint._lock:
        thread.start()
        thread.join(0.02)
        assert done == []
    thread.join()
    assert done == [name]
    checkpoint.close()


def test_ctrl_c_while_a_checkpoint_is_opened_passes_and_leaves_it_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.checkpoint"

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "_set", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Checkpoint(path, JOB, restart=False)
    checkpoint = Checkpoint(path, JOB, restart=False)
    assert checkpoint.unfinished() == [("acme", None)]
    checkpoint.close()
