"""A package is generated completely, or nothing is written; the generator itself is replaced."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from contract import generation
from contract.generation import HEADER, OPERATIONS, GenerationFailed, generate

from tests.project.processes import Run
from tests.project.small import TEXT, changed, schemas

TEXTS = [
    *("rides", "next", "id", "state", "at", "trip", "bike", "from", "tags", "stops", "name"),
    *("model", "message", "UNDO", "REDO", "RUNNING", "DONE"),
]


class Generator:
    """Stands in for `subprocess.run`: writes a package that has everything."""

    def __init__(self, stock: Path) -> None:
        self.stock = stock
        self.imports = Run()
        self.files = {f"api/rides/{name}.py": "" for name in OPERATIONS}
        self.files["models/ride.py"] = f"TEXTS = {TEXTS}\n"
        self.commands: list[list[str]] = []
        self.config = self.described = ""

    def __call__(self, command: list[str], **_: Any) -> Run:
        self.commands.append(command)
        if command[1] == "-c":
            return Run(output=f"{self.stock}/__init__.py\n")
        if command[1] != "generate":
            return self.imports
        pairs = (option.partition("=") for option in command[2:])
        options = {name: value for name, _, value in pairs}
        self.config = Path(options["--config"]).read_text("utf-8")
        self.described = Path(options["--path"]).read_text("utf-8")
        for name, text in self.files.items():
            path = Path(options["--output-path"], name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return Run()


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator:
    stock = tmp_path / "stock/templates"
    stock.mkdir(parents=True)
    for template in generation.TEMPLATES.glob("*.py.jinja"):
        (stock / template.name).touch()
    generator = Generator(stock.parent)
    monkeypatch.setattr(subprocess, "run", generator)
    return generator


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/ruff").touch()
    return tmp_path / "tools"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "spec.yaml").write_text(TEXT, "utf-8")
    return tmp_path / "spec.yaml"


def test_each_module_of_the_package_starts_with_the_header(
    generator: Generator, spec: Path, tools: Path, tmp_path: Path
) -> None:
    generator.files["models/py.txt"] = "text"
    generate(spec, tmp_path / "into", tools)
    into = tmp_path / "into"
    files = {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}
    assert files == {*generator.files, "py.typed"}
    for name, text in generator.files.items():
        written = (into / name).read_text("utf-8")
        assert written == (HEADER + text if name.endswith(".py") else text)


def test_the_generator_reads_the_limits_and_our_settings(
    generator: Generator, spec: Path, tools: Path, tmp_path: Path
) -> None:
    generate(spec, tmp_path / "into", tools)
    next_page = json.loads(generator.described)["components"]["schemas"]["RidePage"]
    assert next_page["properties"]["next"]["example"] == "maxLength 500"
    assert generator.config == (generation.TEMPLATES / "config.yaml").read_text("utf-8")
    assert [command[0] for command in generator.commands[:2]] == [
        f"{tools}/python",
        f"{tools}/openapi-python-client",
    ]


def test_the_pinned_tools_are_used_by_default(
    generator: Generator, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(spec, tmp_path / "into")
    assert Path(generator.commands[1][0]).parent.joinpath("ruff").exists()
    monkeypatch.setitem(generation.PINNED, "ruff", "0.0.1")
    with pytest.raises(GenerationFailed, match=r"ruff 0\.0\.1 is needed"):
        generate(spec, tmp_path / "other")


def test_other_tools_may_have_any_version(
    generator: Generator, spec: Path, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(generation.PINNED, "ruff", "0.0.1")
    generate(spec, tmp_path / "into", tools)
    assert generator.commands


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda g: g.files.pop("api/rides/get_events.py"), "left out get_events"),
        (lambda g: g.files.update({"models/ride.py": ""}), "left out or changed 'rides'"),
        (lambda g: setattr(g, "imports", Run(1, errors="X: no")), "does not import: X: no"),
        (
            lambda g: (g.stock / "templates/model.py.jinja").unlink(),
            r"the generator has no template model\.py\.jinja: ours is not used",
        ),
    ],
)
def test_a_package_that_fails_a_check_is_not_written(
    generator: Generator, spec: Path, tools: Path, tmp_path: Path, break_it: Any, message: str
) -> None:
    break_it(generator)
    with pytest.raises(GenerationFailed, match=message):
        generate(spec, tmp_path / "into", tools)
    assert not (tmp_path / "into").exists()


def test_a_new_value_must_be_in_the_package(
    generator: Generator, tools: Path, tmp_path: Path
) -> None:
    document = changed(lambda d: schemas(d)["RideState"]["enum"].append("LOST"))
    (tmp_path / "spec.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(GenerationFailed, match="left out or changed 'LOST'"):
        generate(tmp_path / "spec.json", tmp_path / "into", tools)
    assert generator.commands


def test_a_missing_description_is_named(generator: Generator, tools: Path, tmp_path: Path) -> None:
    with pytest.raises(GenerationFailed, match=f"there is no description at {tmp_path}/none"):
        generate(tmp_path / "none", tmp_path / "into", tools)
    assert not generator.commands


def test_the_output_of_the_generator_is_reported(spec: Path, tools: Path, tmp_path: Path) -> None:
    program = tools / "openapi-python-client"
    program.write_text("#!/bin/sh\necho out\necho 'no such thing' >&2\nexit 1\n", "utf-8")
    program.chmod(0o755)
    with pytest.raises(GenerationFailed) as caught:
        generation._run_generator(spec, tmp_path / "package", tools)
    assert str(caught.value).splitlines()[1:] == ["out", "no such thing"]


def test_a_wrong_option_prints_how_the_command_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        generation.main(["--nothing"])
    assert capsys.readouterr().err.startswith("usage: scripts/generate [-h] [--check]\n")
