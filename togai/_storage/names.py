"""Detect a second name of a ledger's file, such as a hard link.

SQLite finds the journal of an interrupted transaction by the name of the file. Under a second name, it does not roll
the transaction back; under the first name it does so later, and undoes everything that was committed in the meantime.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")


def has_several(path: Path) -> bool:
    """Whether a file has a hard link, or is mounted without its folder, for example into a container."""
    # Without the file, opening it fails with a better message; only Linux has a list of mounts.
    with suppress(OSError):
        return path.stat().st_nlink > 1 or _is_mounted(path)
    return False


def _is_mounted(path: Path) -> bool:
    name = os.fsencode(path)
    for character in b"\\ \t\n":
        name = name.replace(bytes([character]), b"\\%03o" % character)
    return b" %s " % name in _MOUNTS.read_bytes()
