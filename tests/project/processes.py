"""A process that is not started, for the tests of what starts one."""

from __future__ import annotations

from typing import Any


class Run:
    """Stands in for `subprocess.run`: returns itself as the result, and keeps its arguments."""

    def __init__(self, code: int = 0, output: str = "", errors: str = "") -> None:
        self.returncode, self.stdout, self.stderr = code, output, errors
        self.command: list[str] = []
        self.options: dict[str, Any] = {}

    def __call__(self, command: list[str], *_: object, **options: Any) -> Run:
        self.command, self.options = command, options
        return self
