"""Forks of a process whose threads use SQLite: they wait until no transaction is running.

The child of a fork amid a transaction could never use SQLite again: a mutex would stay locked, without the thread that
unlocks it; or SQLite would believe that the child holds the lock that its parent holds.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_SLICE = 0.005
_LONGEST = 60.0
"""Seconds that a fork waits; a transaction that waits for another process takes no longer by default."""

_running: dict[object, int] = {}
"""The threads with a transaction."""
_gate = threading.RLock()
"""Locked during a fork: no transaction starts."""


@contextmanager
def delayed() -> Generator[None]:
    """Delay the forks of this process until the `with` ends."""
    token = object()
    try:
        with _gate:
            _running[token] = threading.get_ident()
        yield
    finally:
        _running.pop(token, None)


def _before() -> None:
    _gate.acquire()
    # The thread that forks can be amid a transaction too, in a signal handler: then waiting would not help.
    forking = threading.get_ident()
    for _ in range(int(_LONGEST / _SLICE)):
        if all(thread == forking for thread in list(_running.values())):
            return
        time.sleep(_SLICE)


def _after_in_child() -> None:
    _running.clear()
    _gate.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(
        before=_before, after_in_parent=_gate.release, after_in_child=_after_in_child
    )
