"""Every public name has helpful documentation, and the code in it runs."""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import _togai_generated
import pytest

import togai
import togai.corrections
import togai.errors
import togai.jobs
import togai.models
import togai.testing
from togai import AsyncEvents, Events
from togai.corrections import Where
from togai.testing import FakeTogai

MODULES = [togai, togai.models, togai.errors, togai.corrections, togai.jobs, togai.testing]
CONSTANTS = {"__version__", "PRODUCTION_URL", "SANDBOX_URL", "ReadEvent"}


@cache
def sources() -> dict[str, ast.ClassDef]:
    """The source of each class of the package."""
    folders = (Path(inspect.getfile(package)).parent for package in (togai, _togai_generated))
    trees = (
        ast.parse(file.read_text("utf-8")) for folder in folders for file in folder.rglob("*.py")
    )
    nodes = (node for tree in trees for node in tree.body)
    return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}


def public_things() -> Iterator[tuple[str, Any]]:
    """Every public class and function, and every public method and property."""
    for module in MODULES:
        for name in set(module.__all__) - CONSTANTS:
            value = getattr(module, name)
            yield f"{module.__name__}.{name}", value
            for member in dir(value) if inspect.isclass(value) else ():
                attribute = inspect.getattr_static(value, member)
                attribute = getattr(attribute, "__func__", attribute)
                home = getattr(getattr(attribute, "fget", attribute), "__module__", None) or ""
                if not member.startswith("_") and home.startswith(("togai", "_togai_generated")):
                    yield f"{module.__name__}.{name}.{member}", attribute


THINGS = dict(sorted(public_things()))
CLASSES = {name: thing for name, thing in THINGS.items() if inspect.isclass(thing)}
# The service in memory is for tests: its methods name their arguments where it matters.
FUNCTIONS = {
    name: thing
    for name, thing in THINGS.items()
    if inspect.isfunction(thing) and not name.startswith("togai.testing.")
}


@pytest.mark.parametrize("name", THINGS)
def test_it_says_in_a_sentence_what_it_is(name: str) -> None:
    summary = (inspect.getdoc(THINGS[name]) or "").partition("\n\n")[0]
    assert len(summary.split()) >= 3, name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_each_argument_is(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    for parameter in inspect.signature(FUNCTIONS[name]).parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        shared = parameter.kind is parameter.VAR_KEYWORD and "Where" in str(parameter.annotation)
        for key in Where.__annotations__ if shared else [parameter.name]:
            assert re.search(rf"^ +(?:\*\*)?{key}: \S|`{key}`", text, re.MULTILINE), key


@pytest.mark.parametrize("name", [name for name in vars(Events) if not name.startswith("_")])
def test_both_twins_of_a_call_have_the_same_documentation(name: str) -> None:
    assert inspect.getdoc(getattr(Events, name)) == inspect.getdoc(getattr(AsyncEvents, name))


def attributes(source: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """The public attributes that a class declares, and whether words stand under them."""
    for statement, following in zip(source.body, [*source.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            if not name.startswith("_"):
                below = isinstance(following, ast.Expr) and isinstance(
                    following.value, ast.Constant
                )
                yield name, below


@pytest.mark.parametrize(
    "name", [name for name in CLASSES if not name.startswith("togai.testing.")]
)
def test_a_class_says_what_each_attribute_is(name: str) -> None:
    lines = [
        line
        for cls in CLASSES[name].__mro__
        for line in (inspect.getdoc(cls) or "").splitlines()
        if cls.__name__ in sources()
    ]
    named = {match[1] for line in lines if (match := re.match(r" +(\w+): \S", line))}
    for cls in CLASSES[name].__mro__:
        if cls.__name__ in sources():
            for attribute, below in attributes(sources()[cls.__name__]):
                assert below or attribute in named, attribute


def examples() -> dict[str, str]:
    """The fenced code in the docstrings, each once."""
    codes: dict[str, str] = {}
    for name, thing in THINGS.items():
        for code in re.findall(r"```python\n(.*?)```", inspect.getdoc(thing) or "", re.DOTALL):
            codes.setdefault(textwrap.dedent(code), name)
    return {name: code for code, name in codes.items()}


def test_both_clients_show_an_example() -> None:
    assert {"togai.Togai", "togai.AsyncTogai"} <= examples().keys()


@pytest.mark.parametrize("name", examples())
def test_an_example_in_a_docstring_runs(
    name: str, fake: FakeTogai, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGAI_API_TOKEN", fake.token)
    monkeypatch.setenv("TOGAI_BASE_URL", url)
    fake.add_many(2, account_id="acme")
    compiled = compile(examples()[name], name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    fake.add(id="ride-1", account_id="acme")
    with togai.Togai() as client:
        names: dict[str, Any] = {**vars(togai), **vars(togai.testing)}
        running = eval(compiled, {**names, "__name__": "example", "fake": fake, "client": client})
        if inspect.iscoroutine(running):
            asyncio.run(running)
    if name in ("togai.Togai", "togai.AsyncTogai"):
        assert fake.requests


def test_the_example_of_the_package_runs(
    fake: FakeTogai, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGAI_API_TOKEN", fake.token)
    monkeypatch.setenv("TOGAI_BASE_URL", url)
    fake.add(id="ride-17", account_id="acme")
    (example,) = re.findall(r"(?:^    .*\n)+", togai.__doc__ or "", re.MULTILINE)
    exec(textwrap.dedent(example), {**vars(togai)})
    assert fake.corrections


def test_the_examples_in_docstrings_hold() -> None:
    names = [name for name in sys.modules if name.partition(".")[0] == "togai"]
    done = [doctest.testmod(sys.modules[name]) for name in names]
    assert sum(outcome.attempted for outcome in done)
    assert not any(outcome.failed for outcome in done)
