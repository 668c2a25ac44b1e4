"""The repository: valid workflows, a demo that runs, and a version that is defined in one place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from togai import __version__


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("TOGAI_")}
    return subprocess.run(
        command,
        cwd=cwd,
        env={**outside, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_top_level_holds_no_file_that_a_run_left_behind(root: Path) -> None:
    done = run("git", "ls-files", "-z", cwd=root)
    names = {Path(name).parts[0] for name in done.stdout.split("\0") if name}
    folders = {"generated", "scripts", "tests", "togai", ".ci", ".github"}
    files = {"openapi.yaml", "pyproject.toml", "uv.lock", "LICENSE", ".gitattributes", ".gitignore"}
    assert {name for name in names if not name.endswith(".md")} == folders | files


def test_the_workflows_are_valid(root: Path) -> None:
    workflows = [str(path) for path in (root / ".github" / "workflows").glob("*.yml")]
    assert workflows
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = run(str(tool), "--builtin-schema", "vendor.github-workflows", *workflows, cwd=root)
    assert done.returncode == 0, done.stdout


def test_the_configuration_of_dependabot_is_valid(root: Path) -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    path = root / ".github" / "dependabot.yml"
    done = run(str(tool), "--builtin-schema", "vendor.dependabot", str(path), cwd=root)
    assert done.returncode == 0, done.stdout
    updates = yaml.safe_load(path.read_text("utf-8"))["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"github-actions", "uv"}


def test_all_workflows_pin_the_same_version_of_an_action(root: Path) -> None:
    workflows = (root / ".github" / "workflows").glob("*.yml")
    uses = {
        (action, version)
        for path in workflows
        for action, version in re.findall(r"- uses: (\S+)@(\S+)", path.read_text("utf-8"))
    }
    assert len(uses) == len({action for action, _ in uses}), sorted(uses)


def test_newer_pythons_are_tried_and_may_fail(root: Path) -> None:
    text = (root / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    gate = yaml.safe_load(text)["jobs"]["gate"]
    tried = {
        entry["python"] for entry in gate["strategy"]["matrix"]["include"] if entry["may-fail"]
    }
    assert tried == {"3.14", "3.15"}
    assert not tried & set(gate["strategy"]["matrix"]["python"])
    assert gate["continue-on-error"] == "${{ matrix.may-fail || false }}"


def test_ci_runs_the_gate_on_every_supported_python(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    supported = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    workflow = (root / ".github" / "workflows" / "ci.yml").read_text()
    assert all(f'"{version}"' in workflow for version in supported)
    assert "run: .ci/run" in workflow
    assert "scripts/test" in (root / ".ci" / "run").read_text()


def test_the_version_stands_in_one_place(root: Path) -> None:
    holders = [
        path
        for path in (root / "togai").rglob("*.py")
        if f'"{__version__}"' in path.read_text("utf-8")
    ]
    assert holders == [root / "togai" / "_version.py"]


def test_the_readme_names_the_commands_that_exist(root: Path) -> None:
    for command in re.findall(r"scripts/[a-z-]+", (root / "README.md").read_text("utf-8")):
        assert os.access(root / command, os.X_OK), command


@pytest.mark.slow
def test_the_demo_shows_before_and_after_for_both_clients(root: Path) -> None:
    done = run(sys.executable, "scripts/demo.py", cwd=root)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) < 30
    assert max(map(len, lines)) <= 80
    for part in (
        "distance (Kilometers): 424.4 -> 42.4",
        "approve    by ada",
        "execute    1: unknown, 2: applied",
        "reconcile  the first correction: applied",
        "execute    1: applied, 2: applied",
        "corrected by the service: 2 events, at most 1 time",
        "togai undo --account=acme --event-id=ride-9: 1 applied, exit code 0",
        "again      the same: ride-9: the event is already reverted, exit code 1",
        "ARCHIVED (not known to this version)",
    ):
        assert part in done.stdout
    assert done.stderr == ""
    assert not list(root.glob("togai-plan-*.json"))


@pytest.mark.slow
def test_the_demo_needs_no_proxy_that_the_environment_names(root: Path) -> None:
    proxy = "http://127.0.0.1:1"
    done = run(sys.executable, "scripts/demo.py", cwd=root, HTTP_PROXY=proxy, http_proxy=proxy)
    assert done.returncode == 0, done.stderr


def test_the_live_demo_wants_a_token(root: Path) -> None:
    done = run(sys.executable, "scripts/demo.py", "--live", cwd=root)
    assert done.returncode == 2
    assert "TOGAI_API_TOKEN" in done.stderr


def test_the_live_demo_reads_and_changes_nothing(root: Path) -> None:
    from togai.testing import FakeTogai

    fake = FakeTogai()
    fake.add_many(3)
    with fake.serve() as url:
        done = run(
            sys.executable,
            "scripts/demo.py",
            "--live",
            cwd=root,
            TOGAI_API_TOKEN=fake.token,
            TOGAI_BASE_URL=url,
        )
    assert done.returncode == 0, done.stderr
    assert "event-1" in done.stdout
    assert {request.method for request in fake.requests} == {"GET"}


def test_only_two_modules_import_the_generated_package(root: Path) -> None:
    importing = {
        path.name
        for path in (root / "togai").rglob("*.py")
        if re.search(r"^\s*(from|import) _togai_generated", path.read_text("utf-8"), re.MULTILINE)
    }
    assert importing == {"models.py", "_requests.py"}


def test_the_scripts_import_no_facade(root: Path) -> None:
    for path in (root / "scripts" / "contract").rglob("*.py"):
        assert not re.search(r"^\s*(from|import) togai\b", path.read_text("utf-8"), re.MULTILINE)


def test_the_service_can_be_started_by_hand_and_ends_cleanly(root: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "togai.testing", "--events", "3"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = process.stdout.readline() + process.stdout.readline()
        assert re.fullmatch(
            r"export TOGAI_BASE_URL=http://127\.0\.0\.1:\d+\nexport TOGAI_API_TOKEN=test-token\n",
            lines,
        )
        process.terminate()
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""
