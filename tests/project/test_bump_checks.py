"""What a bump checks before it writes: the contract, the facade with the new package, and the surface."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from contract import checks
from contract.checks import CheckFailed, checked, facade_facts, run_above
from contract.load import parse
from contract.surface import wire

from tests.project.processes import Run
from tests.project.small import TEXT, small

FACTS = "togai.Ride class\n"


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A room with the small contract and its package."""
    (tmp_path / "room/generated/_togai_generated").mkdir(parents=True)
    (tmp_path / "room/openapi.yaml").write_text(TEXT, "utf-8")
    return tmp_path / "room"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the surface of the small contract, and a facade with one fact."""
    folder = tmp_path / "root/tests/surface"
    folder.mkdir(parents=True)
    (folder / "wire.txt").write_text("\n".join(wire(small())) + "\n", "utf-8")
    (folder / "python.txt").write_text(FACTS, "utf-8")
    monkeypatch.setattr(checks, "facade_facts", lambda *_: FACTS)
    return tmp_path / "root"


def test_the_contract_the_package_and_the_surface_are_written(room: Path, root: Path) -> None:
    places = checked(room, root, small())
    assert places == {
        "openapi.yaml": room / "openapi.yaml",
        "generated/_togai_generated": room / "generated/_togai_generated",
        "tests/surface/wire.txt": room / "tests/surface/wire.txt",
        "tests/surface/python.txt": room / "tests/surface/python.txt",
    }
    assert places["tests/surface/wire.txt"].read_text("utf-8").splitlines() == wire(small())
    assert places["tests/surface/wire.txt"].read_bytes().endswith(b"\n")
    assert places["tests/surface/python.txt"].read_text("utf-8") == FACTS


def test_the_facts_are_those_of_the_project_with_the_new_package(
    room: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "facade_facts", lambda *folders: "\n".join(map(str, folders)))
    (root / "tests/surface/python.txt").unlink()
    facts = checked(room, root, small())["tests/surface/python.txt"]
    assert facts.read_text("utf-8").splitlines() == [str(root), str(room / "generated")]


def test_a_text_that_differs_from_the_merged_contract_is_refused(room: Path, root: Path) -> None:
    with pytest.raises(CheckFailed, match="would not contain what was merged"):
        checked(room, root, parse(TEXT.replace("Rides", "Bikes").encode()))


def test_a_contract_that_is_not_valid_is_refused(room: Path, root: Path) -> None:
    text = TEXT.replace('version: "1.0"', "version: 1")
    (room / "openapi.yaml").write_text(text, "utf-8")
    with pytest.raises(CheckFailed, match="not be valid OpenAPI: 1 is not of type"):
        checked(room, root, parse(text.encode()))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("gone\n", "the surface would lose: gone"),
        ("gone\ntoo\n", "the surface would lose: gone and 1 more"),
        ("gone\ntoo\nalso\n", "the surface would lose: gone and 2 more"),
    ],
)
@pytest.mark.parametrize("name", ["wire.txt", "python.txt"])
def test_a_lost_fact_is_refused(room: Path, root: Path, name: str, more: str, message: str) -> None:
    path = root / "tests/surface" / name
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    with pytest.raises(CheckFailed) as caught:
        checked(room, root, small())
    assert str(caught.value) == message


def test_a_project_without_a_surface_loses_nothing(room: Path, root: Path) -> None:
    for path in (root / "tests/surface").iterdir():
        path.unlink()
    assert len(checked(room, root, small())) == 4


def test_python_runs_with_the_new_package_before_the_project_and_the_scripts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run()
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("HOME", "/home/ann")
    run_above(["-m", "x"], Path("/root"), Path("/fresh"))
    assert run.command == [sys.executable, "-P", "-m", "x"]
    environment = run.options["env"]
    *paths, scripts = environment["PYTHONPATH"].split(os.pathsep)
    assert paths == ["/fresh", "/root"]
    assert Path(scripts, "contract/checks.py").exists()
    assert (environment["PYTHONDONTWRITEBYTECODE"], environment["HOME"]) == ("1", "/home/ann")


def test_a_facade_is_asked_for_its_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(output=FACTS)
    monkeypatch.setattr(subprocess, "run", run)
    assert facade_facts(Path("/root"), Path("/fresh")) == FACTS
    assert run.command[2:] == ["-m", "contract.surface"]


def test_a_facade_that_fails_is_reported_with_the_last_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(1, errors="Traceback\n  line\nImportError: no name\n\n")
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(CheckFailed) as caught:
        facade_facts(Path("/root"), Path("/fresh"))
    assert str(caught.value) == "the facade cannot be imported: ImportError: no name"


def test_a_facade_whose_process_is_killed_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Run(-9))
    with pytest.raises(CheckFailed, match="the facade cannot be imported"):
        facade_facts(Path("/root"), Path("/fresh"))


def test_python_returns_what_it_writes_and_its_exit_code(tmp_path: Path) -> None:
    program = "import sys; print(1); print(2, file=sys.stderr); sys.exit(3)"
    done = run_above(["-c", program], tmp_path, tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "2\n", 3)
