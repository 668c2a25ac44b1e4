"""The command in a real pseudo-terminal of 80 columns, and in a pipe."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pyte
import pytest

from togai._cli import run
from togai.testing import FakeTogai

from ..conftest import TOKEN
from ..corrections.conftest import postgres as postgres
from ..corrections.conftest import postgres_address as postgres_address

COMMAND = [sys.executable, "-W", "error", "-m", "togai"]
ROWS, COLUMNS, PATIENCE = 200, 80, 60.0


@pytest.fixture
def env(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a command that reaches the fake, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    hidden = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    outside = {name: value for name, value in os.environ.items() if name not in hidden}
    return {
        **outside,
        "TOGAI_API_TOKEN": TOKEN,
        "TOGAI_BASE_URL": url,
        "TERM": "xterm-256color",
        "HOME": str(tmp_path),
    }


Pipe = Callable[..., "subprocess.CompletedProcess[str]"]


class Stream(io.StringIO):
    """A standard stream in memory, of a terminal or of a pipe."""

    def __init__(self, text: str = "", *, is_terminal: bool) -> None:
        super().__init__(text)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def runner(env: dict[str, str], *, is_terminal: bool) -> Pipe:
    """Runs the command in this process, because starting Python takes longer than most commands."""

    def start(*arguments: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        out, err = Stream(is_terminal=is_terminal), Stream(is_terminal=is_terminal)
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "stdin", Stream(typed, is_terminal=is_terminal))
            for name in [name for name in os.environ if name.startswith("TOGAI_")]:
                patch.delenv(name)
            for name, value in {**env, **more}.items():
                patch.setenv(name, value)
            code = run(arguments)
        assert "\x1b" not in out.getvalue() + err.getvalue()
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    return start


@pytest.fixture
def pipe(env: dict[str, str]) -> Pipe:
    """Runs the command with its streams in pipes, and checks that nothing in them moves a cursor."""
    return runner(env, is_terminal=False)


@pytest.fixture
def screen(env: dict[str, str]) -> Pipe:
    """Runs the command with its streams on a dumb terminal of 80 columns; quicker than `terminal`."""
    return runner({**env, "TERM": "dumb"}, is_terminal=True)


@pytest.fixture
def process(env: dict[str, str]) -> Pipe:
    """Runs the command as a process with real pipes."""

    def start(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, env={**env, **more}
        )

    return start


class Terminal:
    """A command in a pseudo-terminal; `text` is what a person sees."""

    def __init__(
        self, arguments: tuple[str, ...], env: dict[str, str], columns: int = COLUMNS
    ) -> None:
        self.raw = b""
        self._screen = pyte.Screen(columns, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))

        def control() -> None:
            # Ctrl-C reaches the foreground process of a controlling terminal.
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            preexec_fn=control,
        )
        os.close(slave)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def wait_for(self, text: str) -> None:
        """Read until a text is on the screen."""
        end = time.monotonic() + PATIENCE
        while text not in self.text:
            assert self._read(0.5) or text in self.text, self.text
            assert time.monotonic() < end, self.text

    def send(self, keys: str) -> None:
        """Type keys; \\x03 is Ctrl-C."""
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(0.5):
            assert time.monotonic() < end, self.text
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self._master)


Open = Callable[..., Terminal]


@pytest.fixture
def terminal(env: dict[str, str]) -> Iterator[Open]:
    """Starts the command in a pseudo-terminal."""
    opened: list[Terminal] = []

    def start(*arguments: str, columns: int = COLUMNS, **more: str) -> Terminal:
        opened.append(Terminal(arguments, {**env, **more}, columns))
        return opened[-1]

    yield start
    for client in opened:
        client.close()


@pytest.fixture
def ledger(env: dict[str, str], pipe: Pipe, tmp_path: Path) -> Path:
    """A ledger that the commands use."""
    assert pipe("ledger", "create", "ledger.db").returncode == 0
    env["TOGAI_LEDGER"] = str(tmp_path / "ledger.db")
    return tmp_path / "ledger.db"


@pytest.fixture
def month(fake: FakeTogai) -> FakeTogai:
    """Two accounts with events, some of which failed."""
    for number in range(1, 61):
        add(fake, f"ride-{number}", day=1 + number // 10, value=f"{number}.5")
    for number in range(1, 4):
        add(fake, f"late-{number}", status="INGESTION_FAILED_PAST_GRACE_PERIOD")
    add(fake, "units", status="INGESTION_FAILED_UNITS_INVALID", account_id="globex")
    add(fake, "gone", status="REVERTED", account_id="globex")
    return fake


def add(fake: FakeTogai, event_id: str, day: int = 1, value: str = "1.0", **more: Any) -> Any:
    attributes = [{"name": "distance", "value": value, "unit": "Kilometers"}]
    timestamp = f"2024-12-{day:02}T10:00:00Z"
    return fake.add(id=event_id, timestamp=timestamp, attributes=attributes, **more)


def table(path: str, *lines: str) -> str:
    """Writes a table of corrections; returns its path."""
    Path(path).write_text("account_id,event_id,attribute,value\n" + "\n".join(lines) + "\n")
    return path
