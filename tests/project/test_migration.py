"""The table of MIGRATION.md, compared with the vendor's package."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from enum import Enum, EnumType
from pathlib import Path
from typing import Any, cast

import attrs
import pytest

import togai
import togai.corrections
import togai.models

pytestmark = pytest.mark.long

PACKAGE = "togai-client==1.0.3"

# Run where the vendor's package is: prints what its events API consists of.
DESCRIBE = r"""
import inspect, json, re
import togai_client
from togai_client import exceptions
from togai_client.api.event_management_api import EventManagementApi

def parameters(function):
    return [name for name in inspect.signature(function).parameters if name != "self"]

calls = {name: parameters(found) for name, found in vars(EventManagementApi).items() if name[0] != "_"}
models, values = {}, set()

def add(name):
    if name in models:
        return
    model = getattr(togai_client, name)
    models[name] = sorted(model.model_fields)
    for allowed in re.findall(r"enum values \((.*)\)", inspect.getsource(model)):
        values.update(re.findall("'(.*?)'", allowed))
    for field in model.model_fields.values():
        for found in re.findall(r"togai_client\.models\.\w+\.(\w+)", str(field.annotation)):
            add(found)

for call in calls:
    for name in re.findall(r"'\d+': .(\w+).", inspect.getsource(getattr(EventManagementApi, call))):
        add(name)
add("EventCorrectionRequest")
errors = {
    name: sorted(vars(found())) if issubclass(found, exceptions.ApiException) else []
    for name, found in vars(exceptions).items()
    if inspect.isclass(found) and found.__module__ == exceptions.__name__
}
settings = {
    found.__name__: parameters(found.__init__)
    for found in (togai_client.Configuration, togai_client.ApiClient, EventManagementApi)
}
methods = [name for name in vars(togai_client.Event) if name.startswith(("to_", "from_"))]
print(json.dumps({
    "calls": calls, "models": models, "values": sorted(values), "exceptions": errors,
    "settings": settings, "methods": methods,
}))
"""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the vendor's events API consists of."""
    room = tmp_path_factory.mktemp("vendor")
    uv = Path(sys.executable).with_name("uv")
    python = room / "bin/python"
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", str(room)],
        [str(uv), "pip", "install", "--quiet", "--python", str(python), PACKAGE],
    ):
        subprocess.run(command, check=True, env=outside)
    done = subprocess.run(
        [python, "-c", DESCRIBE], check=True, capture_output=True, text=True, env=outside
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def names_of(theirs: dict[str, Any]) -> set[str]:
    """How the table names each part."""
    result = {f"{call}({name})" for call, names in theirs["calls"].items() for name in names}
    result |= {f"{cls}({name})" for cls, names in theirs["settings"].items() for name in names}
    result |= {f"{model}.{name}" for model, names in theirs["models"].items() for name in names}
    result |= {f"{error}.{name}" for error, names in theirs["exceptions"].items() for name in names}
    result |= {f"Event.{name}" for name in theirs["methods"]}
    return result | {*theirs["calls"], *theirs["models"], *theirs["exceptions"]}


ELSEWHERE = {"pydantic.ValidationError", "urllib3.exceptions.HTTPError"}  # their dependencies'


@pytest.fixture(scope="module")
def rows() -> list[tuple[list[str], list[str]]]:
    """The names in the left and in the right column of each row."""
    text = (Path(__file__).parents[2] / "MIGRATION.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    cells = [line.strip("|").split("|") for line in lines]
    assert all(len(row) == 2 for row in cells)
    result = [(re.findall("`(.+?)`", left), re.findall("`(.+?)`", right)) for left, right in cells]
    return [(left, right) for left, right in result if left]


def test_what_the_table_names_on_the_left_is_there(
    theirs: dict[str, Any], rows: list[tuple[list[str], list[str]]]
) -> None:
    named = {name for left, _ in rows for name in left}
    assert named - ELSEWHERE <= names_of(theirs)


def test_the_table_names_every_call_parameter_model_and_exception(
    theirs: dict[str, Any], rows: list[tuple[list[str], list[str]]]
) -> None:
    named = {name for left, _ in rows for name in left}
    plain = {name: names for name, names in theirs["calls"].items() if "_with" not in name}
    parameters = {f"{call}({name})" for call, names in plain.items() for name in names}
    wanted = {*theirs["calls"], *parameters, *theirs["models"], *theirs["exceptions"]}
    wanted |= {f"ApiException.{name}" for name in theirs["exceptions"]["ApiException"]}
    assert wanted <= named


def test_the_other_forms_of_a_call_take_the_same_parameters(theirs: dict[str, Any]) -> None:
    for name, parameters in theirs["calls"].items():
        assert parameters == theirs["calls"][name.partition("_with")[0]]


NAMESPACE = {
    **vars(togai),
    **vars(togai.models),
    "events": togai.Events,
    "httpx": sys.modules["httpx"],
    "json": json,
}


def resolve(name: str) -> None:
    """Find what a name in the right column stands for.

    Raises:
        AssertionError: It is not there.
    """
    path, _, parameter = name.rstrip(")").partition("(")
    first, *rest = path.split(".")
    assert first in NAMESPACE, name
    result: Any = NAMESPACE[first]
    for part in rest:
        hints = {
            key
            for cls in getattr(result, "__mro__", ())
            for key in vars(cls).get("__annotations__", {})
        }
        assert hasattr(result, part) or part in hints, name
        result = getattr(result, part, None)
    if parameter:
        assert parameter in inspect.signature(result).parameters, name


def test_what_the_table_names_on_the_right_is_there(
    rows: list[tuple[list[str], list[str]]],
) -> None:
    for _, right in rows:
        for name in right:
            resolve(name)


def test_each_right_side_works_for_both_clients(rows: list[tuple[list[str], list[str]]]) -> None:
    for name in {name for _, right in rows for name in right if name.startswith("events.")}:
        call, _, parameter = name.removeprefix("events.").rstrip(")").partition("(")
        for cls in (togai.Events, togai.AsyncEvents):
            parameters = inspect.signature(getattr(cls, call)).parameters
            assert not parameter or parameter in parameters


def test_models_and_properties_have_the_same_names_where_the_table_names_no_others(
    theirs: dict[str, Any], rows: list[tuple[list[str], list[str]]]
) -> None:
    others = {name for left, right in rows for name in left if f"{name}_" in right}
    for model, properties in theirs["models"].items():
        ours = {field.name for field in attrs.fields(getattr(togai.models, model))}
        for name in properties:
            assert name in ours or f"{model}.{name}" in others, f"{model}.{name}"


def test_every_value_that_theirs_allows_is_known_to_ours(theirs: dict[str, Any]) -> None:
    kinds = [getattr(togai.models, name) for name in togai.models.__all__]
    enums: list[EnumType] = [kind for kind in kinds if isinstance(kind, EnumType)]
    ours: set[str] = {member.value for kind in enums for member in cast("type[Enum]", kind)}
    assert theirs["values"]
    assert set(theirs["values"]) <= ours
