"""Shapes in a changed description: those that are generated correctly, and those that stop the generation."""

from __future__ import annotations

import copy
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml
from contract import generation
from contract.generation import GenerationFailed, generate

ATTRIBUTE = {"$ref": "#/components/schemas/Attribute"}
SOURCE = {"$ref": "#/components/schemas/EventSource"}
# What the models call by these names themselves.
OWN_NAMES = ("cls", "extra", "ignore", "seen", "src", "unknown", "value", "write", "wire")
pytestmark = pytest.mark.long

Generate = Callable[..., Path]


@pytest.fixture(scope="module")
def generated(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Generate:
    """Generates from the contract with more properties of EventSource and more components."""
    contract = yaml.safe_load((root / "openapi.yaml").read_text("utf-8"))

    def from_changed(properties: dict[str, Any], **components: Any) -> Path:
        changed = copy.deepcopy(contract)
        changed["components"]["schemas"]["EventSource"]["properties"].update(properties)
        changed["components"]["schemas"].update(components)
        room = tmp_path_factory.mktemp("changed")
        (room / "spec.yaml").write_text(yaml.safe_dump(changed, sort_keys=False), "utf-8")
        generate(room / "spec.yaml", room / "_package_of_shapes")
        return room / "_package_of_shapes"

    return from_changed


@pytest.fixture(scope="module")
def models(generated: Generate) -> Iterator[Any]:
    """The models of a package whose EventSource holds every shape that we know."""
    package = generated(
        {
            "maybe": {"type": "string", "nullable": True},
            "maybeOne": {"nullable": True, "allOf": [ATTRIBUTE]},
            "byName": {"type": "object", "additionalProperties": ATTRIBUTE},
            "shared": {"$ref": "#/components/schemas/Boxes"},
            "lists": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": ATTRIBUTE},
            },
            "rows": {"type": "array", "items": {"type": "array", "items": ATTRIBUTE}},
            "inner": {"type": "array", "items": SOURCE},
            "free": {"type": "object"},
            "anything": {},
            "object": {"type": "object", "properties": {"size": {"type": "integer"}}},
            "level": {"type": "string", "enum": ["LOW", "HIGH"]},
            "on": {"type": "boolean"},
            "day": {"type": "string", "format": "date"},
            "field": {"type": "string"},
            "toDict": {"type": "string"},
            "fromDict": {"type": "string"},
            "additionalProperties": {"type": "string"},
            "self": {"type": "string"},
            "list": {"type": "string"},
            "datetime": {"type": "string", "format": "date-time"},
            "enum": {"type": "string"},
            "properties": {"type": "string"},
            **{name: {"type": "string"} for name in OWN_NAMES},
        },
        Boxes={"type": "object", "additionalProperties": ATTRIBUTE},
    )
    spec = spec_from_file_location(
        package.name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules[package.name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[package.name])
    yield __import__(f"{package.name}.models", fromlist=["models"])
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maybe", "text"),
        ("maybeOne", {"name": "n", "value": "1"}),
        ("byName", {"a": {"name": "n", "value": "1"}}),
        ("shared", {"a": {"name": "n", "value": "1"}}),
        ("lists", {"a": [{"name": "n", "value": "1"}]}),
        ("rows", [[{"name": "n", "value": "1"}], []]),
        ("inner", [{"id": "i", "type": "t"}]),
        ("free", {"a": [1]}),
        ("anything", [1, {"a": None}]),
        ("object", {"size": 3}),
        ("level", "HIGH"),
        ("level", "HIGHEST"),
        ("on", False),
        ("day", "2024-12-04"),
        ("datetime", "2024-12-04T07:30:35Z"),
        *((name, "text") for name in ("field", "toDict", "fromDict", "additionalProperties")),
        *((name, "text") for name in ("self", "list", "enum", "properties", *OWN_NAMES)),
    ],
)
def test_a_property_of_any_known_shape_or_name_reads_and_writes_back(
    models: Any, name: str, value: Any
) -> None:
    source = {"id": "i", "type": "t", name: value}
    read = models.EventSource.from_dict(source)
    assert read.additional_properties == {}
    assert read.to_dict() == source


@pytest.mark.parametrize("name", ["maybe", "maybeOne", "byName", "rows", "day"])
def test_null_is_absent_whether_the_description_allows_it_or_not(models: Any, name: str) -> None:
    source = {"id": "i", "type": "t", name: None}
    read = models.EventSource.from_dict(source)
    assert read == models.EventSource.from_dict({"id": "i", "type": "t"})
    assert read.to_dict() == source  # as it came


@pytest.mark.parametrize(
    ("name", "value"),
    [("maybe", 7), ("byName", {"a": 1}), ("rows", [{}]), ("free", []), ("on", "true"), ("day", 1)],
)
def test_another_type_than_described_raises(models: Any, name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        models.EventSource.from_dict({"id": "i", "type": "t", name: value})


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("union", {"oneOf": [{"type": "string"}, {"type": "integer"}]}),
        ("union", {"type": "array", "items": {"type": "string", "nullable": True}}),
        ("enum", {"type": "integer", "enum": [1, 2]}),
        ("const", {"const": "x"}),
        ("file", {"type": "string", "format": "binary"}),
    ],
)
def test_a_shape_without_a_template_stops_by_kind_and_place_in_one_line(
    generated: Generate, kind: str, schema: dict[str, Any]
) -> None:
    with pytest.raises(GenerationFailed) as failure:
        generated({"odd": schema})
    _, *lines = str(failure.value).splitlines()
    assert len(lines) == 1
    assert f"no template of ours for {kind}_property.py.jinja at EventSource.odd" in lines[0]


@pytest.mark.long
@pytest.mark.parametrize("values", [["A_B", "A-B"], ["A-B", "A_B"], ["A\nB"], ["A\u2028B"]])
def test_an_enum_value_that_would_be_lost_or_changed_stops_the_generation(
    generated: Generate, values: list[str]
) -> None:
    with pytest.raises(GenerationFailed):
        generated({"level": {"type": "string", "enum": values}})


@pytest.mark.long
def test_a_property_name_that_would_be_changed_stops_the_generation(generated: Generate) -> None:
    with pytest.raises(GenerationFailed, match="left out or changed"):
        generated({"a\u200bb": {"type": "string"}})


@pytest.mark.long
@pytest.mark.parametrize("name", ["Mapping", "Any"])
def test_a_model_that_hides_a_name_we_use_stops_the_generation(
    generated: Generate, name: str
) -> None:
    model = {"type": "object", "properties": {"a": {"type": "string"}}}
    with pytest.raises(GenerationFailed, match="F811"):
        generated({"odd": {"$ref": f"#/components/schemas/{name}"}}, **{name: model})


@pytest.mark.long
def test_models_that_need_each_other_stop_the_generation(generated: Generate) -> None:
    ring = {"type": "object", "properties": {"back": SOURCE}}
    with pytest.raises(GenerationFailed, match="does not import"):
        generated({"ring": {"$ref": "#/components/schemas/Ring"}}, Ring=ring)


def test_a_missing_tool_stops_the_generation(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(generation, "version", none)
    with pytest.raises(GenerationFailed, match="scripts/setup"):
        generate(root / "openapi.yaml", tmp_path / "fresh")


def test_the_pinned_tools_are_those_of_the_locked_environment(root: Path) -> None:
    dependencies = (root / "pyproject.toml").read_text("utf-8")
    for name, version in generation.PINNED.items():
        assert f'"{name}=={version}"' in dependencies


def test_check_writes_nothing_beside_the_package(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "generated" / "_togai_generated"
    shutil.copytree(root / "generated" / "_togai_generated", package)
    files: list[Any] = []
    real = tempfile.TemporaryDirectory

    def noted(*args: Any, **kwargs: Any) -> Any:
        files.append(kwargs.get("dir"))
        return real(*args, **kwargs)

    monkeypatch.setattr(generation, "PACKAGE", package)
    monkeypatch.setattr(tempfile, "TemporaryDirectory", noted)
    assert generation.main(["--check"]) == 0
    assert files
    assert not any(files)
