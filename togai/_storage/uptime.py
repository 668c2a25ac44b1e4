"""A clock that nobody sets: how long ago an entry was recorded, if this host has not been restarted since."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def _boot() -> str:
    """The id of the last start of this host; of this process, where the system has none."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return uuid.uuid4().hex


def _seconds() -> float:
    """The seconds since the host started; where the system can tell, also those for which it was suspended."""
    clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def reading() -> dict[str, Any]:
    """The clock, for an entry to record."""
    return {"boot": _boot(), "seconds": _seconds()}


def since(recorded: dict[str, Any] | None) -> timedelta | None:
    """The time since a reading of the clock; None if it was read on another host or before a restart."""
    if not recorded or recorded["boot"] != _boot():
        return None
    return timedelta(seconds=max(0.0, _seconds() - recorded["seconds"]))
