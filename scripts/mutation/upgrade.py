"""Reports what another version of the generator would change: files, the public surface, and test results.

python -m mutation.upgrade VERSION; exit codes: 0 no change for callers, 1 a change, 2 no such version.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from contract.bump import Outcome
from contract.checks import PACKAGE, SURFACE, CheckFailed, facade_facts
from contract.generation import PINNED, SPEC, GenerationFailed, generate, stale_files
from contract.load import Unusable
from contract.surface import lost
from contract.transaction import replace_all

from mutation.judge_package import project, tested


def install(version: str, into: Path) -> Path:
    """Make an environment with another generator and the pinned ruff; return the folder of its tools.

    Raises:
        Unusable: It is not a version, or cannot be installed.
    """
    if not re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?", version):
        raise Unusable(f"{version[:40]!r} is not a version: pass one such as 0.29.1")
    uv = str(Path(sysconfig.get_path("scripts")) / "uv")
    wanted = [f"openapi-python-client=={version}", f"ruff=={PINNED['ruff']}"]
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(into)],
        [uv, "pip", "install", "--quiet", "--python", str(into / "bin/python"), *wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            message = " ".join(done.stderr.split())[-300:]
            raise Unusable(f"openapi-python-client {version} cannot be installed: {message}")
    return into / "bin"


def attempt(version: str, room: Path, *, suite: bool = True) -> Outcome:
    """Generate with another version into a copy of the project in an empty folder, and test the facade with it.

    Raises:
        Unusable: It cannot be installed.
    """
    tools = install(version, room / "tools")
    tree, fresh = project(room), room / "fresh"
    title = f"# Generator {PINNED['openapi-python-client']} -> {version}\n\n"
    try:
        generate(SPEC, fresh, tools)
        stale = ", ".join(f"`{name}`" for name in stale_files(fresh, tree / PACKAGE))
        replace_all(tree, {PACKAGE: fresh})
        after = facade_facts(tree, (tree / PACKAGE).parent).splitlines()
    except GenerationFailed as error:
        return Outcome(1, f"{title}It does not generate: {error}\n")
    except CheckFailed as error:
        return Outcome(1, f"{title}**Callers:** {error}\n")
    before = (tree / SURFACE / "python.txt").read_text("utf-8").splitlines()
    changes = [f"removed: `{fact}`" for fact in lost(before, after)]
    changes += [f"new: `{fact}`" for fact in lost(after, before)]
    changes += tested(tree, room / "cache") if suite else []
    lines = [
        f"**Generated files that differ:** {stale or 'none'}.\n",
        "**What callers see:** "
        + ("changes, or tests that fail." if changes else "nothing changes."),
        *(f"- {change}" for change in changes),
    ]
    return Outcome(1 if changes else 0, title + "\n".join(lines) + "\n")


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit code."""
    try:
        with tempfile.TemporaryDirectory(prefix="upgrade-") as room:
            outcome = attempt("".join(arguments), Path(room))
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2
    print(outcome.report, end="")
    return outcome.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
