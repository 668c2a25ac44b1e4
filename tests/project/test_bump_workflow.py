"""The workflow that takes a description opens or updates one pull request, and a conflict fails it."""

from __future__ import annotations

import base64
import gzip
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

# Stands in for the code host's command line: writes down what it was asked, and knows the open requests.
GH = """#!/bin/sh
echo "$@" >> "$GH_LOG"
if [ "$1 $2" = "pr list" ]; then echo "$GH_OPEN"; fi
"""


@pytest.fixture(scope="module")
def workflow(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(
        (root / ".github/workflows/bump.yml").read_text("utf-8")
    )
    return loaded


def script(workflow: dict[str, Any], job: str) -> str:
    steps: list[dict[str, str]] = workflow["jobs"][job]["steps"]
    return next(step["run"] for step in steps if "run" in step)


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a small repository, with a stand-in for the bump and the gate."""
    work = tmp_path / "work"
    git("init", "--quiet", "--bare", "--initial-branch=main", "origin.git", cwd=tmp_path)
    git("clone", "--quiet", "origin.git", "work", cwd=tmp_path)
    git("config", "user.name", "t", cwd=work)
    git("config", "user.email", "t@example.com", cwd=work)
    (work / "openapi.yaml").write_text("old\n")
    for name, text in {
        "scripts/bump": 'printf "# Report of %s\\n" "$1" > "$3"\n'
        '[ -z "$NEW" ] || echo "$NEW" > openapi.yaml\nexit $CODE',
        ".ci/run": "exit $GATE",
    }.items():
        path = work / name
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(GH)
    (tmp_path / "bin/gh").chmod(0o755)
    git("add", "--all", cwd=work)
    git("commit", "--quiet", "-m", "start", cwd=work)
    git("push", "--quiet", "origin", "HEAD:main", cwd=work)
    return work


def run(text: str, clone: Path, **environment: str) -> tuple[int, dict[str, str]]:
    """Runs a step as the code host does; gives its exit code and outputs."""
    room = clone.parent
    outputs = room / "outputs"
    outputs.write_text("")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=clone,
        env={
            **os.environ,
            "PATH": f"{room / 'bin'}:{os.environ['PATH']}",
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(room / "summary"),
            "GITHUB_REPOSITORY": "o/r",
            "RUNNER_TEMP": str(room),
            "GH_LOG": str(room / "gh.log"),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (line.partition("=") for line in outputs.read_text().splitlines())
    return done.returncode, {name: value for name, _, value in lines}


PATCH = "${{ needs.bump.outputs.patch }}"
SPEC = "https://example.com/a b'; exit 0"


@pytest.mark.parametrize(
    ("code", "new", "gate", "state"),
    [
        ("0", "", "0", "unchanged"),
        ("0", "new", "0", "success"),
        ("0", "new", "1", "failure"),
        ("1", "", "0", "failure"),
    ],
    ids=["nothing new", "quiet", "the gate fails", "a conflict"],
)
def test_a_bump_tells_its_state_its_report_and_its_patch(
    workflow: dict[str, Any], clone: Path, code: str, new: str, gate: str, state: str
) -> None:
    step = script(workflow, "bump")
    status, outputs = run(step, clone, SPEC=SPEC, CODE=code, NEW=new, GATE=gate)
    assert status == 0
    assert outputs["state"] == state
    assert base64.b64decode(outputs["report"]).decode() == f"# Report of {SPEC}\n"
    patch = gzip.decompress(base64.b64decode(outputs["patch"])).decode()
    assert ("+new" in patch) == bool(new)


def test_unusable_input_fails_without_a_pull_request(workflow: dict[str, Any], clone: Path) -> None:
    status, outputs = run(script(workflow, "bump"), clone, SPEC=SPEC, CODE="2", NEW="", GATE="0")
    assert (status != 0, outputs) == (True, {})


def test_no_address_is_told(workflow: dict[str, Any], clone: Path) -> None:
    assert run(script(workflow, "bump"), clone, SPEC="")[0] == 2


def propose(workflow: dict[str, Any], clone: Path, state: str, new: str, **more: str) -> int:
    code = "0" if new else "1"
    _, outputs = run(script(workflow, "bump"), clone, SPEC=SPEC, CODE=code, NEW=new, GATE="0")
    git("reset", "--quiet", "--hard", "origin/main", cwd=clone)
    given = {"STATE": state, "REPORT": outputs["report"], **more}
    step = script(workflow, "propose").replace(PATCH, outputs["patch"])
    return run(step, clone, **given)[0]


def test_a_quiet_bump_opens_a_pull_request_with_the_report(
    workflow: dict[str, Any], clone: Path
) -> None:
    assert propose(workflow, clone, "success", "new", GH_OPEN="") == 0
    assert git("show", "contract-bump:openapi.yaml", cwd=clone.parent / "origin.git") == "new\n"
    log = (clone.parent / "gh.log").read_text()
    assert "pr create --head contract-bump" in log
    assert "-f state=success" in log


def test_a_later_bump_updates_the_open_pull_request(workflow: dict[str, Any], clone: Path) -> None:
    assert propose(workflow, clone, "success", "new", GH_OPEN="17") == 0
    log = (clone.parent / "gh.log").read_text()
    assert "pr edit 17" in log
    assert "pr create" not in log


def test_a_conflict_opens_a_pull_request_that_fails(workflow: dict[str, Any], clone: Path) -> None:
    assert propose(workflow, clone, "failure", "", GH_OPEN="") != 0
    log = (clone.parent / "gh.log").read_text()
    assert "pr create" in log
    assert "-f state=failure" in log


def test_nothing_of_a_stranger_stands_in_a_script(workflow: dict[str, Any]) -> None:
    for job in workflow["jobs"]:
        # The patch is base64 by then.
        assert "${{" not in script(workflow, job).replace(PATCH, "")


def test_only_the_job_that_runs_nothing_generated_may_write(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["bump"]["permissions"] == {"contents": "read"}
    assert "scripts/" not in script(workflow, "propose")


def test_actions_are_pinned_by_hash(root: Path) -> None:
    for path in (root / ".github/workflows").glob("*.yml"):
        for used in re.findall(r"- uses: (\S+)", path.read_text("utf-8")):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used), used
