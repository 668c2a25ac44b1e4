"""Checks the contract, the facade with the new package, and the surface, before a bump writes anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from openapi_spec_validator import OpenAPIV30SpecValidator

from contract import surface
from contract.load import parse

CONTRACT = "openapi.yaml"
PACKAGE = "generated/_togai_generated"
SURFACE = "tests/surface"


class CheckFailed(Exception):
    """The result of the merge does not pass a check; the message says which."""


def checked(room: Path, root: Path, contract: dict[str, Any]) -> dict[str, Path]:
    """Return the files that a bump writes, from the contract and the generated package.

    Raises:
        CheckFailed: A check fails.
    """
    spec, package, facts = room / CONTRACT, room / PACKAGE, room / SURFACE
    facts.mkdir(parents=True)
    if parse(spec.read_bytes()) != contract:
        raise CheckFailed("the new openapi.yaml would not contain what was merged")
    for problem in OpenAPIV30SpecValidator(json.loads(json.dumps(contract))).iter_errors():
        raise CheckFailed(f"the contract would not be valid OpenAPI: {problem.message}")
    (facts / "wire.txt").write_text("\n".join(surface.wire(contract)) + "\n", "utf-8")
    (facts / "python.txt").write_text(facade_facts(root, package.parent), "utf-8")
    for name in surface.FILES:
        # Facts that callers could rely on.
        before, after = root / SURFACE / name, (facts / name).read_text("utf-8").splitlines()
        known = before.read_text("utf-8").splitlines() if before.exists() else []
        if gone := surface.lost(known, after):
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            raise CheckFailed(f"the surface would lose: {gone[0]}{more}")
    fresh = {CONTRACT: spec, PACKAGE: package}
    return fresh | {f"{SURFACE}/{name}": facts / name for name in surface.FILES}


def facade_facts(root: Path, generated: Path) -> str:
    """Return the facts of a project's facade with the package in the folder `generated`, one per line.

    Raises:
        CheckFailed: The facade cannot be imported with the package.
    """
    done = run_above(["-m", "contract.surface"], root, generated)
    if done.returncode != 0:
        error = done.stderr.strip().rpartition("\n")[2]
        raise CheckFailed(f"the facade cannot be imported: {error}")
    return done.stdout


def run_above(
    arguments: list[str], root: Path, generated: Path
) -> subprocess.CompletedProcess[str]:
    """Run Python with the facade of a project and a generated package."""
    here = Path(__file__).resolve().parents[1]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (generated, root, here))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
