"""Write files as a whole, and name the file in an error."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def naming(path: str | os.PathLike[str]) -> Generator[None]:
    """Name the file in an error, which names none for a full disk, or a temporary file beside it."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        raise


def replace_private(path: str | os.PathLike[str], content: bytes) -> None:
    """Replace a file at once by one that only its owner can read.

    Raises:
        OSError: The file cannot be written; an earlier file is unchanged.
    """
    new = Path(f"{os.fspath(path)}.new")
    with naming(path):
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except BaseException:
            with suppress(OSError):
                new.unlink()
            raise
