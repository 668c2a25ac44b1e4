"""Judges the package: runs the real bump in a copy of the project, the facade's tests and the type checkers.

Each mutant gets its own copy. If the generated package is identical to one that was already tested, the tests are not
run again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contract.bump import CHANGELOG, bump
from contract.checks import CONTRACT, PACKAGE, SURFACE
from contract.generation import ROOT
from contract.load import Unusable
from contract.surface import lost

if TYPE_CHECKING:
    from mutation.operators import Document

PARTS = (CONTRACT, CHANGELOG, "generated", "togai", "tests", "pyproject.toml", "README.md")


@dataclass(frozen=True)
class Trial:
    """The result of a real bump: the digest of the package, and the faults."""

    package: str
    faults: tuple[str, ...] = ()


def project(into: Path) -> Path:
    """Make a copy of the project, with the facade's tests; return its folder."""
    tree = into / "project"
    tree.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            skip = shutil.ignore_patterns("__pycache__", ".*", "project")
            shutil.copytree(ROOT / part, tree / part, ignore=skip)
        else:
            shutil.copy(ROOT / part, tree / part)
    return tree


def digest(tree: Path) -> str:
    """Return the contents of the generated package of a project as one text."""
    hasher = hashlib.sha256()
    package = tree / PACKAGE
    for file in sorted(package.rglob("*.py")):
        hasher.update(str(file.relative_to(package)).encode() + b"\0" + file.read_bytes())
    return hasher.hexdigest()[:16]


def bumped(tree: Path, document: Document, verdict: str) -> list[str]:
    """Bump a project to a mutant with the code of scripts/bump, which runs the caller programs; return the faults."""
    spec = tree.parent / "mutant.json"
    spec.write_text(json.dumps(document), "utf-8")
    before = _snapshot(tree)
    facts = (tree / SURFACE / "python.txt").read_text("utf-8").splitlines()
    try:
        outcome = bump(str(spec), root=tree)
    except Unusable as error:
        return [f"unusable: {error}"]
    if verdict == "conflict":
        faults = [] if outcome.code == 1 else [f"exit code {outcome.code} instead of 1"]
        return faults + (["a conflict wrote something"] if _snapshot(tree) != before else [])
    if outcome.code != 0:
        return [f"exit code {outcome.code}: {outcome.report}"]
    now = (tree / SURFACE / "python.txt").read_text("utf-8").splitlines()
    return [f"the surface lost {fact}" for fact in lost(facts, now)[:1]]


def _snapshot(tree: Path) -> dict[str, bytes]:
    names = [CONTRACT, *(str(path.relative_to(tree)) for path in (tree / PACKAGE).rglob("*.py"))]
    names += [f"{SURFACE}/{path.name}" for path in (tree / SURFACE).iterdir() if path.is_file()]
    return {name: (tree / name).read_bytes() for name in names}


def tested(tree: Path, caches: Path) -> list[str]:
    """Run the facade's tests and the type checkers; return the faults."""
    scripts = Path(sysconfig.get_path("scripts"))
    python = sys.executable
    runs = {
        # In its own folder: test runs that share pytest's default folder delete each other's files.
        "the facade's tests": [
            python, "-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider",
            f"--basetemp={tree.parent / 'pytest'}",
            "tests/decoding", "tests/events", "tests/corrections/test_corrections.py",
            # A bump that loosens a limit also loosens it for callers.
            "--deselect=tests/decoding/test_values.py::test_the_limits_of_the_contract_are_checked",
        ],
        "mypy": [python, "-m", "mypy", f"--cache-dir={caches}", "togai", "tests/typing"],
        "pyright": [str(scripts / "pyright"), "--pythonpath", python, "togai", "tests/typing"],
    }  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "generated"), str(ROOT / "scripts")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    faults: list[str] = []
    for name, command in runs.items():
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()[-12:]
            faults.append(f"{name}: " + " | ".join(lines))
    return faults


def judge(document: Document, verdict: str, caches: Path | None) -> Trial:
    """Bump a copy of the project to a mutant.

    Args:
        document: The mutant's description.
        verdict: The verdict that the merge gave.
        caches: A folder for the caches of the type checker; if it is passed, the result is tested, too.
    """
    with tempfile.TemporaryDirectory(prefix="exam-") as room:
        tree = project(Path(room))
        faults = bumped(tree, document, verdict)
        if not faults and caches is not None:
            # One cache per process: two processes must not write the same cache.
            faults = tested(tree, caches / str(os.getpid()))
        return Trial(digest(tree), tuple(faults))
