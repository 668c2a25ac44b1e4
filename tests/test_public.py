"""The public face: the same for both clients, complete, and typed."""

from __future__ import annotations

import inspect
import subprocess
import sys
import types
from typing import Any

import pytest

import togai
import togai.corrections
import togai.errors
import togai.models
import togai.testing
from togai import AsyncEventPages, AsyncEvents, AsyncTogai, EventPages, Events, Togai

MODULES = [togai, togai.models, togai.errors, togai.corrections, togai.testing]
DOCUMENTED = [togai, togai.errors, togai.corrections, togai.testing]


def public(owner: Any) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(owner) if not name.startswith("_")}


@pytest.mark.parametrize("module", MODULES)
def test_all_names_exactly_what_the_module_holds(module: types.ModuleType) -> None:
    held = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    listed = set(module.__all__) - {"__version__"}
    assert listed <= held
    imported_for_itself = {"annotations", "Any", "TYPE_CHECKING", "status_error_class"}
    assert held - listed <= imported_for_itself


def arguments(function: Any) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [str(parameter).replace("AsyncPacer", "Pacer") for parameter in parameters]


@pytest.mark.parametrize(
    ("plain", "asynchronous"),
    [(Togai, AsyncTogai), (Events, AsyncEvents), (EventPages, AsyncEventPages)],
)
def test_both_clients_offer_the_same(plain: type, asynchronous: type) -> None:
    ours, theirs = public(plain), public(asynchronous)
    assert ours.keys() - {"close"} == theirs.keys() - {"aclose"}
    for name in ours.keys() - {"close"}:
        if inspect.isfunction(ours[name]):
            assert arguments(ours[name]) == arguments(theirs[name])


def test_both_clients_take_the_same_settings() -> None:
    def settings(cls: type) -> list[tuple[str, Any]]:
        parameters = inspect.signature(cls).parameters
        return [(name, parameter.default) for name, parameter in parameters.items()]

    assert settings(Togai) == settings(AsyncTogai)


@pytest.mark.parametrize("module", DOCUMENTED)
def test_every_public_name_has_a_docstring(module: types.ModuleType) -> None:
    for name in set(module.__all__) - {"__version__", "ReadEvent", "PRODUCTION_URL", "SANDBOX_URL"}:
        value = getattr(module, name)
        assert inspect.getdoc(value), name
        if inspect.isclass(value):
            for member, found in vars(value).items():
                if inspect.isfunction(found) and not member.startswith("_"):
                    assert inspect.getdoc(found), f"{name}.{member}"


def test_importing_togai_loads_no_test_code_and_says_nothing() -> None:
    code = "import sys, togai; sys.exit('togai.testing' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
