"""Runs a function in a fork of this process, in which the libraries of the tests are already loaded."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS = (
    *("-q", "-p", "no:cacheprovider", "-n", "0"),
    # Modules that pytest rewrites for assertions, including our package, would not be imported from the mutant.
    "--assert=plain",
)
"""The arguments of pytest in a fork."""

_LIBRARIES = (
    "pytest",
    "_pytest.assertion.rewrite",
    "_pytest.pytester",
    "attrs",
    "hypothesis",
    "hypothesis.strategies",
    "httpx",
    "httpx2",
    "dateutil.parser",
    "psycopg",
    "yaml",
    "openapi_core",
    "openapi_schema_validator",
    "trustme",
    "xdist.plugin",
    "sqlite3",
    "asyncio",
    "http.server",
    "email.utils",
)

_END_WITH_PARENT = 1
"""`PR_SET_PDEATHSIG` of `prctl`."""


class Forks:
    """Runs independent forks; `output` is the output of the last fork."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.output = ""
        for name in _LIBRARIES:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        if "togai" in sys.modules:
            raise RuntimeError("what was imported already cannot be replaced by a mutant")

    def run(self, function: Callable[[], int], seconds: float) -> int | None:
        """Run a function in a fork; return the exit code, or None if it took too long and was killed."""
        with tempfile.TemporaryDirectory(prefix="mu", ignore_cleanup_errors=True) as folder:
            log = Path(folder, "log")
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                self._child(function, folder, log)
            status = None
            try:
                status = _waited(pid, seconds)
            finally:
                # The processes that it started and did not end are in its group; a database server is not.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                if status is None:
                    os.waitpid(pid, 0)
            for place in Path(folder).glob("*/data/postmaster.pid"):
                with contextlib.suppress(OSError, ValueError, IndexError):
                    os.kill(int(place.read_text().split()[0]), signal.SIGKILL)
            self.output = log.read_text("utf-8", "replace")
        return None if status is None else os.waitstatus_to_exitcode(status)

    def _child(self, function: Callable[[], int], folder: str, log: Path) -> None:
        code = 3
        try:
            # Ended with this process, even if it is killed: a mutant may run for ever. Linux only.
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.setsid()
            os.chdir(self._root)
            os.environ["TMPDIR"] = tempfile.tempdir = folder
            written = os.open(log, os.O_WRONLY | os.O_CREAT)
            silent = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((silent, 0), (written, 1), (written, 2)):
                os.dup2(source, target)
            code = function()
        except BaseException:  # noqa: BLE001  (a fork must not go on as its parent)
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _waited(pid: int, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.02)
    return None
