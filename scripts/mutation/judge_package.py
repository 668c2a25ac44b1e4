"""Judges the package: runs the real bump in a copy of the project, the facade's tests and the type checkers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from contract.bump import CHANGELOG, bump
from contract.checks import CONTRACT, PACKAGE, SURFACE
from contract.generation import ROOT, stale_files
from contract.load import Unusable
from contract.surface import FILES, lost

if TYPE_CHECKING:
    from mutation.judge_merge import Result
    from mutation.operators import Document

PARTS = (CONTRACT, CHANGELOG, "generated", "togai", "tests", "pyproject.toml", "README.md")


def project(into: Path) -> Path:
    """Make a copy of the project, with the facade's tests; return its folder."""
    tree = into / "project"
    tree.mkdir()
    skip = shutil.ignore_patterns("__pycache__", ".*", "project")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tree / part, ignore=skip)
        else:
            shutil.copy(ROOT / part, tree / part)
    return tree


def _bumped(tree: Path, document: Document, verdict: str) -> list[str]:
    """Bump a project to a mutant with the code of scripts/bump, which runs the caller programs; return the faults."""
    spec = tree.parent / "mutant.json"
    spec.write_text(json.dumps(document), "utf-8")
    try:
        outcome = bump(str(spec), root=tree)
    except Unusable as error:
        return [f"the description cannot be read: {error}"]
    expected = 1 if verdict == "conflict" else 0
    if outcome.code != expected:
        return [f"the bump has exit code {outcome.code}, expected {expected}: {outcome.report}"]
    files = [Path(CONTRACT), Path(CHANGELOG), *(Path(SURFACE, name) for name in FILES)]
    written = [file for file in files if (tree / file).read_bytes() != (ROOT / file).read_bytes()]
    if verdict == "conflict" and (written or stale_files(tree / PACKAGE, ROOT / PACKAGE)):
        return ["a bump with a conflict wrote files"]
    facts = [(root / SURFACE / "python.txt").read_text("utf-8") for root in (ROOT, tree)]
    gone = lost(*(text.splitlines() for text in facts))
    return [f"the surface no longer has: {fact}" for fact in gone[:1]]


def tested(tree: Path, caches: Path) -> list[str]:
    """Run the facade's tests and the type checkers; return the faults."""
    runs = {
        # In its own folder: test runs that share pytest's default folder delete each other's files.
        "the facade's tests": [
            "pytest", "-q", "-x", "-m", "not long", "-p", "no:cacheprovider",
            f"--basetemp={tree.parent / 'pytest'}",
            "tests/decoding", "tests/events", "tests/corrections/test_corrections.py",
            # A bump that loosens a limit also loosens it for callers.
            "--deselect=tests/decoding/test_values.py::test_the_limits_of_the_contract_are_checked",
        ],
        # One cache per process: two processes must not write the same cache.
        "mypy": ["mypy", f"--cache-dir={caches / str(os.getpid())}", "togai", "tests/typing"],
        "pyright": ["pyright", "--pythonpath", sys.executable, "togai", "tests/typing"],
    }  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "generated"), str(ROOT / "scripts")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    faults: list[str] = []
    for name, arguments in runs.items():
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()[-12:]
            faults.append(f"{name}: " + " | ".join(lines))
    return faults


def judge(document: Document, merged: Result, caches: Path | None) -> Result:
    """Bump a copy of the project to a mutant; return the result with the faults of the package.

    Args:
        document: The mutant's description.
        merged: The result of the merge.
        caches: A folder for the caches of the type checker; if it is passed, a package that differs is tested, too.
    """
    with tempfile.TemporaryDirectory(prefix="exam-") as room:
        tree = project(Path(room))
        faults = _bumped(tree, document, merged.verdict)
        if caches and not faults and stale_files(tree / PACKAGE, ROOT / PACKAGE):
            faults = tested(tree, caches)
        return replace(merged, faults=tuple(faults))
