"""Reports what another version of the generator would change: files, the public surface, and test results.

python -m mutation.upgrade VERSION; exit codes: 0 no change for callers, 1 a change, 2 no such version.
"""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from contract.checks import PACKAGE, SURFACE, CheckFailed, facade_facts
from contract.generation import PINNED, SPEC, GenerationFailed, generate, stale_files
from contract.surface import lost
from contract.transaction import replace_all

from mutation.judge_package import project, tested


class NoSuchVersion(Exception):
    """The version cannot be installed; the message says why."""


@dataclass(frozen=True)
class Trial:
    """The result of an upgrade.

    Attributes:
        report: Markdown for a maintainer.
        visible: Whether callers would see a change.
    """

    report: str
    visible: bool


def install(version: str, into: Path) -> Path:
    """Make an environment with another generator and the pinned ruff; return the folder of its tools.

    Raises:
        NoSuchVersion: It is not a version, or cannot be installed.
    """
    if not re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?", version):
        raise NoSuchVersion(f"{version[:40]!r} is not a version: pass one such as 0.29.1")
    uv = str(Path(sysconfig.get_path("scripts")) / "uv")
    wanted = [f"openapi-python-client=={version}", f"ruff=={PINNED['ruff']}"]
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(into)],
        [uv, "pip", "install", "--quiet", "--python", str(into / "bin/python"), *wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            message = " ".join(done.stderr.split())[-300:]
            raise NoSuchVersion(f"openapi-python-client {version} cannot be installed: {message}")
    return into / "bin"


def attempt(version: str, room: Path, *, suite: bool = True) -> Trial:
    """Generate with another version into a copy of the project, and test the facade with it.

    Args:
        version: The generator's version.
        room: An empty folder.
        suite: False to skip the facade's tests.

    Raises:
        NoSuchVersion: It cannot be installed.
    """
    tools = install(version, room / "tools")
    tree = project(room)
    fresh = room / "fresh"
    lines = [f"# Generator {PINNED['openapi-python-client']} -> {version}", ""]
    try:
        generate(SPEC, fresh, tools)
    except GenerationFailed as error:
        return Trial("\n".join([*lines, f"It does not generate: {error}"]) + "\n", visible=True)
    lines += _changed_files(tree / PACKAGE, fresh)
    before = (tree / SURFACE / "python.txt").read_text("utf-8").splitlines()
    replace_all(tree, {PACKAGE: fresh})
    try:
        after = facade_facts(tree, (tree / PACKAGE).parent).splitlines()
    except CheckFailed as error:
        return Trial("\n".join([*lines, f"**Callers:** {error}"]) + "\n", visible=True)
    changes = [f"- gone: `{fact}`" for fact in lost(before, after)]
    changes += [f"- new: `{fact}`" for fact in lost(after, before)]
    lines += ["**What callers see:** " + ("changes." if changes else "nothing changes."), *changes]
    faults = tested(tree, room / "cache") if suite else []
    if suite:
        lines.append("**The facade's tests and types:** " + ("fail." if faults else "pass."))
    lines += [f"- {fault}" for fault in faults]
    return Trial("\n".join(lines) + "\n", visible=bool(changes or faults))


def _changed_files(present: Path, fresh: Path) -> list[str]:
    stale = stale_files(fresh, present)
    counts = [0, 0]
    for name in stale:
        old, new = (
            (component / name).read_text("utf-8").splitlines()
            if (component / name).exists()
            else []
            for component in (present, fresh)
        )
        for line in difflib.ndiff(old, new):
            counts[0] += line.startswith("+ ")
            counts[1] += line.startswith("- ")
    if not stale:
        return ["**Generated files:** all the same.", ""]
    names = ", ".join(f"`{name}`" for name in stale[:8]) + (" and more" if len(stale) > 8 else "")
    return [
        f"**Generated files:** {len(stale)} differ, +{counts[0]} -{counts[1]} lines: {names}.",
        "",
    ]


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit code."""
    if len(arguments) != 1 or not arguments[0]:
        print("name a version: scripts/generate --with-generator 0.29.1", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="upgrade-") as room:
            trial = attempt(arguments[0], Path(room))
    except NoSuchVersion as error:
        print(error, file=sys.stderr)
        return 2
    print(trial.report, end="")
    return 1 if trial.visible else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
