"""The command `togai`, also `python -m togai`."""

from __future__ import annotations

import io
import os
import sys


def _repair_streams() -> None:
    """Give a stream that is closed to nobody, and write what its encoding lacks as an escape."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not where a notebook replaced it
            stream.reconfigure(errors="backslashreplace")


def main() -> int:
    """Run the command line.

    Returns:
        The exit code.
    """
    try:
        from togai._cli import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("cyclopts", "rich"):
            raise
        print(
            "The command line needs further packages: pip install 'togai[cli]'"
            " (in a checkout: pip install '.[cli]')",
            file=sys.stderr,
        )
        return 2
    _repair_streams()
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
