"""The exam in practice: the real bump, the real package, and the facade's own tests above it.

Packages that are the same byte for byte are tested once.
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

from contract.bump import CONTRACT, PACKAGE, SURFACE, bump
from contract.generation import ROOT
from contract.load import Unusable
from contract.surface import lost

if TYPE_CHECKING:
    from mutation.operators import Document

PARTS = ("openapi.yaml", "pyproject.toml", "README.md", "generated", "tests", "togai")


@dataclass(frozen=True)
class Practice:
    """What came of a mutant in practice.

    Attributes:
        package: A digest of the package that the project then has.
        faults: What was wrong.
    """

    package: str
    faults: tuple[str, ...] = ()


def project(into: Path) -> Path:
    """A copy of the project as callers get it, with the facade's tests."""
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
    """One text for all that the generated package of a project holds."""
    made = hashlib.sha256()
    package = tree / PACKAGE
    for file in sorted(package.rglob("*.py")):
        made.update(str(file.relative_to(package)).encode() + b"\0" + file.read_bytes())
    return made.hexdigest()[:16]


def bumped(tree: Path, document: Document, expected: str) -> list[str]:
    """Take a mutant into a project by the real command's code; gives the faults."""
    spec = tree.parent / "mutant.json"
    spec.write_text(json.dumps(document), "utf-8")
    before = _snapshot(tree)
    facts = (tree / SURFACE / "python.txt").read_text("utf-8").splitlines()
    try:
        outcome = bump(str(spec), root=tree)
    except Unusable as error:
        return [f"unusable: {error}"]
    if expected == "conflict":
        faults = [] if outcome.code == 1 else [f"exit code {outcome.code} instead of 1"]
        return faults + (["a conflict wrote something"] if _snapshot(tree) != before else [])
    if outcome.code != 0:
        return [f"exit code {outcome.code}: {outcome.report}"]
    now = (tree / SURFACE / "python.txt").read_text("utf-8").splitlines()
    return [f"the surface lost {one}" for one in lost(facts, now)[:1]]


def _snapshot(tree: Path) -> dict[str, bytes]:
    names = [CONTRACT, *(str(one.relative_to(tree)) for one in (tree / PACKAGE).rglob("*.py"))]
    names += [f"{SURFACE}/{one.name}" for one in (tree / SURFACE).iterdir() if one.is_file()]
    return {name: (tree / name).read_bytes() for name in names}


def tested(tree: Path, document: Document, caches: Path) -> list[str]:
    """Run the facade's tests, the probe with the mutant's answers, and the type checkers; gives the faults."""
    description = tree.parent / "answers.json"
    description.write_text(json.dumps(document), "utf-8")
    scripts = Path(sysconfig.get_path("scripts"))
    python = sys.executable
    here = str(ROOT / "scripts")
    runs = {
        # In a folder of its own: suites that share pytest's default one clear each other's away.
        "the facade's tests": [
            python, "-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider",
            f"--basetemp={tree.parent / 'pytest'}", "tests",
        ],
        "answers in the new shape": [python, "-P", "-m", "mutation.probe", str(description)],
        "mypy": [python, "-m", "mypy", f"--cache-dir={caches}", "togai", "tests/typing"],
        "pyright": [str(scripts / "pyright"), "--pythonpath", python, "togai", "tests/typing"],
    }  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "generated"), here]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    faults: list[str] = []
    for name, command in runs.items():
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().splitlines()[-12:]
            faults.append(f"{name}: " + " | ".join(said))
    return faults


def practise(document: Document, expected: str, caches: Path | None) -> Practice:
    """Bump a copy of the project to a mutant.

    Args:
        document: The mutant's description.
        expected: Its expected verdict.
        caches: A folder for the type checker's caches, to test what comes of it as well.
    """
    with tempfile.TemporaryDirectory(prefix="exam-") as room:
        tree = project(Path(room))
        faults = bumped(tree, document, expected)
        if not faults and caches is not None:
            # One for each process: two must not write one cache.
            faults = tested(tree, document, caches / str(os.getpid()))
        return Practice(digest(tree), tuple(faults))
