"""The repository under test, and packages that are generated from it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from contract.generation import generate


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def generate_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Path], None]:
    """Generates a package, once for each description: many tests adopt the same one."""
    packages: dict[bytes, Path] = {}

    def generate_once(spec: Path, into: Path) -> None:
        text = spec.read_bytes()
        if text not in packages:
            package = tmp_path_factory.mktemp("generated") / "package"
            generate(spec, package)
            packages[text] = package
        shutil.copytree(packages[text], into)

    return generate_once
