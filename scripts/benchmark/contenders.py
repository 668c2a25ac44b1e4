"""The sides of the benchmark as processes, each in its own environment, and the server that all of them read from."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Self

from contract.generation import PINNED, ROOT, SPEC

if TYPE_CHECKING:
    from types import TracebackType

HERE = Path(__file__).parent
OFFICIAL = "togai-client==1.0.3"
MSGSPEC = "msgspec==0.22.0"
EXTRAS = [
    name
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    if name in ("httpx2", "speed")
]


class Environments:
    """Three environments with only the packages that the sides need.

    Args:
        room: An empty folder.
    """

    def __init__(self, room: Path) -> None:
        self._room = room
        self.ours = self._make("ours", str(ROOT))
        self.fast = self._make("fast", f"{ROOT}[{','.join(EXTRAS)}]", MSGSPEC)
        self.official = self._make("official", OFFICIAL)
        self._stock()

    def python(self, side: str) -> Path:
        """Return the interpreter of a side."""
        if side == "official":
            return self.official
        return self.fast if side in ("fast", "msgspec") else self.ours

    def _make(self, name: str, *packages: str) -> Path:
        uv = str(Path(sysconfig.get_path("scripts")) / "uv")
        folder = self._room / name
        python = folder / "bin" / "python"
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
        # As pip does. In a folder that is not writable, each start would otherwise compile all its imports.
        into = ("--compile-bytecode", "--python", str(python))
        _run(uv, "pip", "install", "--quiet", *into, *packages)
        return python

    def _stock(self) -> None:
        """Write the generator's output for the contract, without our templates."""
        tools = Path(sysconfig.get_path("scripts"))
        into = next((self._room / "ours" / "lib").glob("python*/site-packages")) / "stock"
        _run(
            str(tools / "openapi-python-client"),
            "generate",
            f"--path={SPEC}",
            "--meta=none",
            f"--output-path={into}",
            PATH=f"{tools}{os.pathsep}{os.environ['PATH']}",
        )

    def versions(self) -> str:
        """Return the versions that are compared."""
        code = (
            "from importlib.metadata import version;"
            "print(', '.join(f'{n} {version(n)}' for n in ('httpx', 'httpx2', 'attrs', 'msgspec')))"
        )
        ours = subprocess.run(
            [str(self.fast), "-P", "-c", code],
            env=outside(),
            capture_output=True,
            text=True,
            check=True,
        )
        stock = f"openapi-python-client {PINNED['openapi-python-client']}"
        versions = f"{ours.stdout.strip()}, {OFFICIAL.replace('==', ' ')}, {stock}"
        return f"{versions}; the extras are {' and '.join(EXTRAS)}"


def _run(*command: str, **environment: str) -> None:
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[:3])} ...: {done.stderr.strip()[-500:]}")


def outside() -> dict[str, str]:
    """Return the environment variables of a side, without proxies and without our own settings."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "TOGAI_API_TOKEN", "TOGAI_BASE_URL"):
        kept.pop(name, None)
    return kept


class Process:
    """A process that prints a line for each line of input; leaving the `with` block kills it."""

    def __init__(self, *command: str, core: int) -> None:
        self._process = subprocess.Popen(
            command,
            env=outside(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        # Migration between cores causes most of the variation between two runs.
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(self._process.pid, {cores[core % len(cores)]})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def line(self) -> str:
        """Return the next line that it prints."""
        stdout = self._process.stdout
        line = stdout.readline().strip() if stdout else ""
        if not line:
            raise SystemExit("a side of the benchmark exited: its error is printed above")
        return line


class Side(Process):
    """A worker process of one side."""

    def __init__(
        self, environments: Environments, side: str, url: str, *, work: float = 0.0
    ) -> None:
        command = (str(environments.python(side)), str(HERE / "worker.py"), side, url, str(work))
        super().__init__(*command, core=0)

    def seconds(self, task: str, size: int = 0, number: int = 1) -> float:
        """Return the time of a number of repetitions of a task.

        Args:
            task: A method of the worker.
            size: The argument of the method.
            number: The number of repetitions.
        """
        stdin = self._process.stdin
        if stdin:
            stdin.write(f"{task} {size} {number}\n")
        return float(self.line())


class Server(Process):
    """The server, which returns fixed pages.

    Args:
        delay: Seconds that each response takes.
    """

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(sys.executable, str(HERE / "server.py"), str(delay), core=1)
        self.url = self.line()
