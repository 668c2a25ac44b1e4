"""Finds the symbols of the facade that depend on a place of the contract, by reading the facade's source code."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from contract.adopt import SCHEMAS, python_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_is_method = re.compile(r"Events\.[a-z]\w*$").search
_PLACE = re.compile(re.escape(SCHEMAS) + r"([^/]+)(?:/properties/([^/]+))?")


def dependents(at: str, facade: dict[str, set[str]], operation: str | None) -> list[str]:
    """Return the symbols that a change at a pointer can affect: the model, public methods, then private functions.

    `facade` is the result of `mentions`, and `operation` the generated module of the call that the pointer belongs to.
    """
    symbols: list[str] = []
    place = _PLACE.match(at)
    if place and place[2]:
        name = python_name(place[2])
        symbols.append(f"togai.{place[1]}.{name}")
        # A property is looked up in a model; a bare name may be any variable.
        symbols += _mentioning(facade, f".{name}")
    elif place:
        symbols.append(f"togai.{place[1]}")
        symbols += _mentioning(facade, place[1])
    elif at.startswith("#/servers/"):
        symbols += ["togai.Togai", "togai.AsyncTogai"]
    elif operation:
        # Through the request builder to its callers.
        builders = _mentioning(facade, operation)
        symbols += [caller for name in builders for caller in _callers(facade, name)] or builders
    return sorted(dict.fromkeys(symbols), key=lambda name: name.rpartition(".")[2].startswith("_"))


def _mentioning(facade: dict[str, set[str]], name: str) -> list[str]:
    return [symbol for symbol, names in facade.items() if name in names]


def _callers(facade: dict[str, set[str]], symbol: str) -> list[str]:
    """Return the methods of `Events` that use a function, directly or not; those of `AsyncEvents` are the same."""
    reached, waiting = {symbol}, [symbol]
    while waiting:
        module, _, short = waiting.pop().rpartition(".")
        stem = module.rpartition(".")[2]
        for name in _mentioning(facade, short):
            # Match the module, too: `get` alone is called everywhere.
            if name not in reached and (stem in facade[name] or name.startswith(f"{module}.")):
                reached.add(name)
                waiting += [] if _is_method(name) else [name]
    return sorted(name for name in reached if _is_method(name) and ".AsyncEvents." not in name)


def mentions(package: Path) -> dict[str, set[str]]:
    """Return, for each function and method of a package, the names that it uses; an attribute also with its dot."""
    symbols: dict[str, set[str]] = {}
    for file in sorted(package.rglob("*.py")):
        if "testing" in file.parts:
            continue
        module = ".".join(file.relative_to(package.parent).with_suffix("").parts)
        tree = ast.parse(file.read_text("utf-8"))
        aliases = {
            alias.asname or alias.name: node.module.rpartition(".")[2]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        for name, function in _functions(tree, module.removesuffix(".__init__")):
            names = set(_names(function))
            symbols[name] = names | {aliases[alias] for alias in names & aliases.keys()}
    return symbols


def _functions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}.{node.name}")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{prefix}.{node.name}", node


def _names(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield from (node.attr, f".{node.attr}")
        elif isinstance(node, ast.keyword) and node.arg:
            yield from (node.arg, f".{node.arg}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield f".{node.value}"  # getattr(model, "name")
