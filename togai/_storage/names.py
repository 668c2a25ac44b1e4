"""The names of a ledger's file: only one, for SQLite finds the journal of an interrupted transaction by its name.

Under a second name, the interrupted transaction is not rolled back; later, under the first one, it is, and with it all
that was committed meanwhile.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")


def has_several(path: Path) -> bool:
    """Whether a file has a hard link, or is mounted alone, without its folder, into a container for example."""
    # No such file, which opening it reports; or no list of mounts, which only Linux has.
    with suppress(OSError):
        return path.stat().st_nlink > 1 or _is_mounted(path)
    return False


def _is_mounted(path: Path) -> bool:
    name = os.fsencode(path)
    for character in b"\\ \t\n":
        name = name.replace(bytes([character]), b"\\%03o" % character)
    return b" %s " % name in _MOUNTS.read_bytes()
