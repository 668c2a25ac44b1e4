"""The public names: equal for both clients, complete, and typed."""

from __future__ import annotations

import inspect
import subprocess
import sys
import types
import typing
from typing import Any
from unittest.mock import Mock, create_autospec

import attrs
import pytest

import togai
import togai.corrections
import togai.errors
import togai.jobs
import togai.models
import togai.testing
from togai import AsyncEventPages, AsyncEvents, AsyncTogai, EventPages, Events, Togai
from togai.testing import FakeTogai

from .conftest import Api

MODULES = [togai, togai.models, togai.errors, togai.corrections, togai.jobs, togai.testing]


def public(owner: Any) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(owner) if not name.startswith("_")}


@pytest.mark.parametrize("module", MODULES)
def test_all_names_exactly_what_the_module_holds(module: types.ModuleType) -> None:
    listed = set(module.__all__) - {"__version__"}
    held = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert listed <= held
    imported_for_itself = {
        "annotations",
        "Any",
        "TYPE_CHECKING",
        "import_module",
        "status_error_class",
    }
    assert held - listed <= imported_for_itself


def test_a_star_import_takes_every_public_name() -> None:
    names: dict[str, Any] = {}
    exec("from togai import *", names)
    assert names.keys() - {"__builtins__"} == set(dir(togai))


def test_importing_togai_alone_imports_nothing_heavy() -> None:
    script = "import sys, togai; print(sorted({'attrs', 'dateutil', 'httpx'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_client_without_asyncio_does_not_import_it() -> None:
    with FakeTogai().serve() as url:
        script = (
            "import sys; from togai import Togai; client = Togai('test-token', base_url=sys.argv[1]);"
            "print(list(client.events.list()), 'asyncio' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, url], capture_output=True, text=True, check=True
        )
    assert done.stdout == "[] False\n"


def test_a_program_that_only_reads_imports_neither_corrections_nor_the_ledger() -> None:
    with FakeTogai().serve() as url:
        script = (
            "import sys; from togai import Togai; client = Togai('test-token', base_url=sys.argv[1]);"
            "print(list(client.events.list()), client.events.get_all('ride-1'));"
            "corrections = ('togai.corrections', 'togai._corrections', 'togai._storage', 'sqlite3');"
            "print([name for name in sys.modules if name.startswith(corrections)]);"
            "import togai; print(togai.Undo.__name__, 'togai.corrections' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, url], capture_output=True, text=True, check=True
        )
    assert done.stdout.splitlines() == ["[] []", "[]", "Undo True"]


@pytest.mark.parametrize("name", ["models", "errors", "corrections", "jobs", "testing"])
def test_the_public_modules_are_there_without_importing_them(name: str) -> None:
    script = f"import togai; print(togai.{name}.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"togai.{name}\n"


def test_a_missing_name_raises_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'togai' has no attribute 'Client'"):
        togai.Client  # type: ignore[attr-defined] # noqa: B018


def arguments(function: Any) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [str(parameter).replace("AsyncRateLimiter", "RateLimiter") for parameter in parameters]


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


def test_a_traceback_names_the_public_class() -> None:
    code = "import togai; raise togai.InvalidRequest('no'); "
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("InvalidRequest: no")


def models() -> list[type[Any]]:
    classes = [getattr(togai.models, name) for name in togai.models.__all__]
    return [model for model in classes if attrs.has(model)]


@pytest.mark.parametrize("model", models())
def test_type_hints_of_a_model_can_be_resolved(model: type[Any]) -> None:
    hints = typing.get_type_hints(model)
    assert hints.keys() == {field.name for field in attrs.fields(model)}
    assert not any(isinstance(hint, str) for hint in hints.values())


@pytest.mark.parametrize("module", MODULES)
def test_completing_a_module_offers_what_all_names(module: types.ModuleType) -> None:
    submodules = {public.__name__.removeprefix("togai.") for public in MODULES}
    # pytest puts names with @ into every module of an installed package that brings it a plugin.
    offered = {name for name in dir(module) if not name.startswith(("_", "@"))}
    assert offered - submodules <= set(module.__all__)


def test_completing_a_client_offers_what_it_can_do() -> None:
    with Togai("token") as client:
        assert set(public(client)) == {"close", "events", "with_options"}
        calls = {
            "correct",
            "execute",
            "find",
            "get",
            "get_all",
            "list",
            "list_many",
            "plan",
            "reconcile",
            "redo",
            "replace",
            "undo",
        }
        assert set(public(client.events)) == calls


@pytest.mark.parametrize("model", models())
def test_completing_a_model_offers_its_fields(model: type[Any]) -> None:
    one = object.__new__(model)
    for field in attrs.fields(model):
        setattr(one, field.name, None)
    offered = {name for name in dir(one) if not name.startswith("_")}
    public_fields = {field.name for field in attrs.fields(model) if field.name[0] != "_"}
    assert offered == public_fields | {"to_dict", "from_dict"}


def test_importing_togai_loads_no_test_code_and_says_nothing() -> None:
    code = "import sys, togai; sys.exit('togai.testing' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("method", ["correct", "undo", "redo", "replace", "plan"])
def test_a_misspelt_parameter_of_a_target_is_a_type_error(api: Api, method: str) -> None:
    arguments = {"correct": ("UNDO",), "plan": ("UNDO",), "replace": (None,)}.get(method, ())
    with pytest.raises(
        TypeError, match=rf"{method}\(\) got an unexpected keyword argument 'acount'"
    ):
        api.call(method, *arguments, acount="acme")


@pytest.mark.parametrize("cls", [togai.Togai, togai.AsyncTogai])
def test_a_mock_of_a_client_has_its_calls(cls: type[Any]) -> None:
    Mock(spec=cls).events.list(account_id="acme")
    create_autospec(cls, instance=True).events.undo(account_id="acme", event_id="ride-1")
    with pytest.raises(AttributeError):
        _ = Mock(spec=cls).event
