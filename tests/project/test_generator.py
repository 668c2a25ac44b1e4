"""How the generator is run, what is prepared for it, and how its failures are reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from contract import generation
from contract.generation import GenerationFailed, stale_files

from tests.project.processes import Run

TEXT = "openapi: 3.0.3\npaths: {}\n"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with a ruff."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "ruff").touch()
    return tmp_path / "tools"


def run(monkeypatch: pytest.MonkeyPatch, tools: Path, done: Run) -> Run:
    """Runs the generator, which ends so."""
    monkeypatch.setattr(subprocess, "run", done)
    room = tools.parent / "room"
    generation._run_generator(room / "spec.yaml", room / "package", tools)
    return done


def failure(monkeypatch: pytest.MonkeyPatch, tools: Path, done: Run) -> list[str]:
    """The lines of the message when the generator ends so, without the first one."""
    with pytest.raises(GenerationFailed) as caught:
        run(monkeypatch, tools, done)
    first, *lines = str(caught.value).splitlines()
    assert first == "the generator fails on spec.yaml:"
    return lines


def test_the_generator_gets_our_templates_and_fails_on_warnings(
    monkeypatch: pytest.MonkeyPatch, tools: Path
) -> None:
    room = tools.parent / "room"
    assert run(monkeypatch, tools, Run()).command == [
        f"{tools}/openapi-python-client",
        "generate",
        f"--path={room.resolve()}/spec.yaml",
        "--meta=none",
        f"--output-path={room}/package",
        f"--config={generation.TEMPLATES}/config.yaml",
        f"--custom-template-path={generation.TEMPLATES}",
        "--fail-on-warning",
    ]


@pytest.mark.parametrize("path", ["/usr/bin", None])
def test_the_generator_finds_the_pinned_ruff_first(
    monkeypatch: pytest.MonkeyPatch, tools: Path, path: str | None
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    if path is None:
        monkeypatch.delenv("PATH")
    else:
        monkeypatch.setenv("PATH", path)
    environment = run(monkeypatch, tools, Run()).options["env"]
    assert environment["PATH"] == f"{tools}{os.pathsep}{path or ''}"
    assert (environment["PYTHONUTF8"], environment["_TYPER_STANDARD_TRACEBACK"]) == ("1", "1")
    assert environment["HOME"] == "/home/ann"


def test_a_folder_without_ruff_is_refused(monkeypatch: pytest.MonkeyPatch, tools: Path) -> None:
    (tools / "ruff").unlink()
    with pytest.raises(GenerationFailed, match=f"no ruff in {tools}: run scripts/setup"):
        run(monkeypatch, tools, Run())


@pytest.mark.parametrize("done", [Run(1, "why"), Run(0, "why\n", "WARNING: why"), Run(-9, "why")])
def test_a_generator_that_fails_or_warns_is_reported(
    monkeypatch: pytest.MonkeyPatch, tools: Path, done: Run
) -> None:
    assert failure(monkeypatch, tools, done)[0] == "why"


def test_the_advice_to_report_a_bug_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tools: Path
) -> None:
    done = Run(1, "why\n", "more\n\nIf you believe this is a bug\nIf you believe")
    assert failure(monkeypatch, tools, done) == ["why", "more"]


def test_only_the_last_lines_are_shown(monkeypatch: pytest.MonkeyPatch, tools: Path) -> None:
    done = Run(1, "\n".join(map(str, range(100))))
    assert failure(monkeypatch, tools, done) == [*map(str, range(75, 100))]


def test_folders_and_addresses_are_left_out(monkeypatch: pytest.MonkeyPatch, tools: Path) -> None:
    room = tools.parent / "room"
    text = f"{room}/package/a.py {tools}/ruff <x object at 0x7f12ab> {room.resolve()}/spec.yaml"
    assert failure(monkeypatch, tools, Run(1, text)) == ["package/a.py ruff <x> spec.yaml"]


def test_a_template_that_fails_is_named_with_its_line(
    monkeypatch: pytest.MonkeyPatch, tools: Path
) -> None:
    trace = (
        "Traceback (most recent call last):\n"
        f'  File "{generation.TEMPLATES}/model.py.jinja", line 3, in top\n'
        f'  File "{generation.TEMPLATES}/types.py.jinja", line 12, in block\n'
        '  File "/elsewhere/x.py", line 9\n'
    )
    assert failure(monkeypatch, tools, Run(1, "", f"{trace}UndefinedError: no x")) == [
        "template types.py.jinja, line 12: UndefinedError: no x"
    ]
    assert failure(monkeypatch, tools, Run(1, "", "Traceback\n  line\nKeyError: 1")) == [
        "KeyError: 1"
    ]


def test_the_templates_that_write_a_folder_are_named(
    monkeypatch: pytest.MonkeyPatch, tools: Path
) -> None:
    models = "(models/ is written by model.py.jinja or str_enum.py.jinja)"
    api = "(api/ is written by endpoint_module.py.jinja)"
    for text, hints in (
        ("F401 models/event.py", [models]),
        ("F401 api/x.py models/y.py", [models, api]),
        ("F401 submodels/x.py", []),
    ):
        assert failure(monkeypatch, tools, Run(1, text))[1:] == hints


@pytest.mark.parametrize(
    ("installed", "shown"), [({}, "none"), ({"ruff": "0.17.6"}, "none"), ({"ruff": "9"}, "9")]
)
def test_each_tool_must_have_its_pinned_version(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, str], shown: str
) -> None:
    def version(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(generation, "version", version)
    monkeypatch.setattr(generation, "PINNED", {"ruff": "0.17.6", "client": "1"})
    name = "client 1" if "0.17.6" in installed.values() else "ruff 0.17.6"
    with pytest.raises(GenerationFailed) as caught:
        generation._check_tools()
    assert str(caught.value) == f"{name} is needed, {shown} is installed: run scripts/setup"


def carried(tmp_path: Path, schema: dict[str, Any]) -> dict[str, Any]:
    """A schema as the generator reads it."""
    document = {"openapi": "3.0.3", "components": {"schemas": {"A": schema}}}
    (tmp_path / "spec.yaml").write_text(json.dumps(document), "utf-8")
    described = generation._carrying_limits(tmp_path / "spec.yaml")
    carried: dict[str, Any] = described["components"]["schemas"]["A"]
    return carried


def test_the_limits_of_a_schema_become_its_example(tmp_path: Path) -> None:
    limits = {"maxLength": 5, "minimum": 2.0, "maximum": 2.5, "pattern": "^a+$", "maxItems": 1}
    written = carried(tmp_path, {"type": "string", "example": "x", "examples": ["x"], **limits})
    expected = "maximum 2.5\nminimum 2\nmaxItems 1\nmaxLength 5\npattern ^a+$"
    assert written == {"type": "string", **limits, "example": expected}
    assert carried(tmp_path, {"type": "string", "example": "x"}) == {"type": "string"}


def test_a_property_or_a_value_with_the_name_of_a_limit_is_not_one(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            "maxLength": {"type": "string", "maxLength": 3},
            "example": {"type": "array", "items": [{"minimum": 1}]},
            "properties": {"properties": {"pattern": {"minItems": 1}}},
            "default": {"maximum": 1},
            "x-a": {"maximum": 1},
        },
        "default": {"example": 1, "maximum": 1},
        "x-other": {"example": 1, "maximum": 1},
        "enum": [{"example": 1}],
        "const": {"example": 1},
    }
    written = carried(tmp_path, schema)
    properties = written.pop("properties")
    assert properties == {
        "maxLength": {"type": "string", "maxLength": 3, "example": "maxLength 3"},
        "example": {"type": "array", "items": [{"minimum": 1, "example": "minimum 1"}]},
        "properties": {"properties": {"pattern": {"minItems": 1, "example": "minItems 1"}}},
        "default": {"maximum": 1, "example": "maximum 1"},
        "x-a": {"maximum": 1, "example": "maximum 1"},
    }
    assert written == {name: value for name, value in schema.items() if name != "properties"}


@pytest.mark.parametrize("pattern", ["(", "a\n", "[\u2028]"])
def test_a_pattern_that_cannot_be_checked_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(GenerationFailed) as caught:
        carried(tmp_path, {"type": "string", "pattern": pattern})
    assert str(caught.value) == f"the pattern {pattern!r} cannot be checked in Python"


def test_a_description_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("- a\n", "utf-8")
    with pytest.raises(GenerationFailed, match=r"^spec\.yaml: this is not an OpenAPI description"):
        generation._carrying_limits(tmp_path / "spec.yaml")


def test_an_operation_that_is_left_out_is_named(tmp_path: Path) -> None:
    (tmp_path / "api/events").mkdir(parents=True)
    for name in ("get_events", "event_correction"):
        (tmp_path / "api/events" / f"{name}.py").touch()
    with pytest.raises(GenerationFailed, match=r"left out get_single_event$"):
        generation._check_operations(tmp_path)
    (tmp_path / "api/events/event_correction.py").unlink()
    with pytest.raises(GenerationFailed, match=r"left out get_single_event, event_correction$"):
        generation._check_operations(tmp_path)
    for name in generation.OPERATIONS:
        (tmp_path / "api/events" / f"{name}.py").touch()
    generation._check_operations(tmp_path)


def test_a_property_or_an_enum_value_that_is_left_out_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/a.py").write_text("a = 'name'\nb = ['ONE']\n", "utf-8")
    (tmp_path / "other.py").write_text("a = 'TWO'\n", "utf-8")
    schema = {"properties": {"name": {"enum": ["ONE", 5]}}}
    described: dict[str, Any] = {"components": {"schemas": {"A": schema}}}
    generation._check_texts(described, tmp_path)
    schema["properties"]["size"] = {"enum": ["TWO"]}
    with pytest.raises(GenerationFailed) as caught:
        generation._check_texts(described, tmp_path)
    assert str(caught.value) == "the generator left out or changed 'size', 'TWO'"


def test_a_package_that_does_not_import_is_reported_with_the_last_line(tmp_path: Path) -> None:
    package = tmp_path / "a_package"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "models/__init__.py").touch()
    generation._check_imports(package)
    (package / "models/event.py").write_text("import a_package.models.no_such_name\n")
    with pytest.raises(GenerationFailed) as caught:
        generation._check_imports(package)
    assert str(caught.value) == (
        "the generated package does not import: ModuleNotFoundError: No module named"
        " 'a_package.models.no_such_name'"
    )
    assert not list(package.rglob("__pycache__"))


def test_a_check_of_the_imports_that_is_killed_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(subprocess, "run", Run(-9))
    with pytest.raises(GenerationFailed, match="the generated package does not import"):
        generation._check_imports(tmp_path)


def test_files_that_differ_are_stale_and_caches_are_not(tmp_path: Path) -> None:
    for folder, files in {
        "fresh": {"same": "a", "changed": "a", "x/new": "a", "__pycache__/c": "a"},
        "present": {"same": "a", "changed": "b", "x/gone": "a", "x/__pycache__/c": "a"},
    }.items():
        for name, text in files.items():
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_text(text, "utf-8")
    stale = stale_files(tmp_path / "fresh", tmp_path / "present")
    assert stale == ["changed", "x/gone", "x/new"]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A project without a package, whose generator copies the description."""

    def generate(spec: Path, into: Path) -> None:
        into.mkdir()
        (into / "model.py").write_bytes(spec.read_bytes())

    monkeypatch.setattr(generation, "generate", generate)
    monkeypatch.setattr(generation, "SPEC", tmp_path / "openapi.yaml")
    monkeypatch.setattr(generation, "PACKAGE", tmp_path / "generated" / "_package")
    (tmp_path / "openapi.yaml").write_text(TEXT, "utf-8")
    return tmp_path


def test_the_command_generates_a_package_that_is_missing_or_stale(project: Path) -> None:
    for text in (TEXT, f"{TEXT}# changed\n"):
        (project / "openapi.yaml").write_text(text, "utf-8")
        assert generation.main([]) == 0
        assert (project / "generated/_package/model.py").read_text("utf-8") == text


def test_the_command_does_not_touch_a_package_that_is_current(project: Path) -> None:
    generation.main([])
    before = (project / "generated/_package").stat().st_ino
    assert generation.main([]) == generation.main(["--check"]) == 0
    assert (project / "generated/_package").stat().st_ino == before


def test_the_check_names_what_is_stale_and_writes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generation.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "generated/_package does not match openapi.yaml:",
        "  (all)",
        "fix with: scripts/generate",
    ]
    assert not (project / "generated/_package").exists()


def test_the_command_reports_a_failure(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise GenerationFailed("no model")

    monkeypatch.setattr(generation, "generate", fail)
    assert generation.main([]) == 1
    assert capsys.readouterr().err == "no model\n"
    assert not (project / "generated/_package").exists()


def test_the_command_reads_the_arguments_of_the_process(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["scripts/generate", "--check"])
    assert generation.main() == 1
    assert not (project / "generated/_package").exists()
