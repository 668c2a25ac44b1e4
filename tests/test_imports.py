"""Imports go in one direction: the order of the package's modules, without cycles."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import togai

PACKAGE = Path(togai.__file__).parent

# From the bottom to the top: a module imports only what stands in a row above its own, or in its own row.
ORDER = [
    [
        "togai._version",
        "togai._drift",
        "togai._files",
        "togai._json",
        "togai._printable",
        "togai._html",
        "togai._times",
        "togai._where",
    ],
    ["togai.models", "togai._contract", "togai._one_line"],
    ["togai._salvage", "togai._event_json"],
    ["togai.corrections._correction", "togai.corrections._entry", "togai.corrections._step"],
    ["togai._error", "togai._correction_errors"],
    ["togai._arguments"],
    ["togai.errors"],
    ["togai._build", "togai._rows", "togai._decoding"],
    ["togai._transport"],
    ["togai._storage", "togai.corrections"],
    ["togai._listing_checks"],
    ["togai._settings", "togai._listing_ahead", "togai._listing_many", "togai._pagination"],
    ["togai._requests", "togai._responses"],
    ["togai._calls"],
    ["togai._claims", "togai._correction_responses", "togai._corrections"],
    ["togai._plans", "togai._reconciling"],
    ["togai._events"],
    ["togai._client"],
    ["togai._public", "togai._public_corrections"],
    ["togai.jobs"],
    ["togai.testing"],
    ["togai"],
    ["togai._pytest", "togai._cli"],
    ["togai.__main__"],
]


def row(name: str) -> int:
    """The row of a module: that of its longest prefix in the order."""
    rows = {prefix: number for number, names in enumerate(ORDER) for prefix in names}
    while name not in rows:
        name = name.rpartition(".")[0]
    return rows[name]


def imports() -> dict[str, set[str]]:
    """Every module of the package, with the modules that it imports, for type checkers only included."""
    files = {
        ".".join(("togai", *path.relative_to(PACKAGE).with_suffix("").parts)): path
        for path in PACKAGE.rglob("*.py")
    }
    modules = {name.removesuffix(".__init__"): path for name, path in files.items()}
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        graph[name] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                graph[name].update(name.name for name in node.names if name.name in modules)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{name.name}" for name in node.names]
                graph[name].update(name if name in modules else node.module for name in names)
        graph[name] &= modules.keys() - {name}
    return graph


def test_no_module_imports_one_that_stands_above_it() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, names in imports().items()
        for imported in names
        if row(imported) > row(name)
    ]
    assert not wrong


def test_no_module_is_imported_by_what_it_imports() -> None:
    graph = imports()
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in finished:
            for imported in sorted(graph[name]):
                visit(imported, (*path, name))
            finished.add(name)

    for name in sorted(graph):
        visit(name, ())


IMPORT_EACH = """
import importlib, sys
import attrs, cyclopts, dateutil, httpx, pytest, rich
for name in sys.argv[1:]:
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == "togai"]:
        del sys.modules[loaded]
    importlib.import_module(name)
"""


@pytest.mark.slow
def test_every_module_can_be_imported_first() -> None:
    modules = sorted(imports().keys() - {"togai.__main__", "togai.testing.__main__"})
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, *modules], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_module_states_its_job_in_its_first_line() -> None:
    for path in PACKAGE.rglob("*.py"):
        first = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]
        assert first.endswith((".", ":")), path.name
