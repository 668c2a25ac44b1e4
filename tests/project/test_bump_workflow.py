"""The workflow that adopts descriptions maintains one pull request and one issue, and changes nobody's commits."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

# Stands in for the code host's command line: records the commands, and knows the open requests and issues.
GH = """#!/bin/sh
echo "$@" >> "$GH_LOG"
if [ "$1 $2" = "pr list" ]; then echo "$GH_PULL"; fi
if [ "$1 $2" = "issue list" ]; then echo "$GH_ISSUE"; fi
"""
SPEC = "https://example.com/a b'; exit 0"


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
        "scripts/bump": '[ "$CODE" = 2 ] || printf "# Report of %s\\n" "$1"\n'
        'echo "what was wrong" >&2\n[ -z "$NEW" ] || echo "$NEW" > openapi.yaml\nexit $CODE',
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


def run(text: str, clone: Path, **environment: str) -> int:
    """Runs a step as the code host does; gives its exit code."""
    room = clone.parent
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=clone,
        env={
            **os.environ,
            "PATH": f"{room / 'bin'}:{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(room / "summary"),
            "GITHUB_REPOSITORY": "o/r",
            "RUNNER_TEMP": str(room),
            "GH_LOG": str(room / "gh.log"),
            "GH_PULL": "",
            "GH_ISSUE": "",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode


def handed_over(clone: Path) -> dict[str, str]:
    folder = clone.parent / "bump"
    return {path.name: path.read_text() for path in folder.iterdir()}


def bump(workflow: dict[str, Any], clone: Path, code: str, new: str = "", gate: str = "0") -> int:
    return run(script(workflow, "bump"), clone, SPEC=SPEC, CODE=code, NEW=new, GATE=gate)


@pytest.mark.parametrize(
    ("code", "new", "gate", "state"),
    [
        ("0", "", "0", "unchanged"),
        ("0", "new", "0", "success"),
        ("0", "new", "1", "failure"),
        ("1", "", "0", "failure"),
        ("2", "", "0", "failure"),
    ],
    ids=["nothing new", "quiet", "the gate fails", "a conflict", "unusable"],
)
def test_a_bump_hands_over_its_state_its_report_and_its_patch_as_files(
    workflow: dict[str, Any], clone: Path, code: str, new: str, gate: str, state: str
) -> None:
    assert bump(workflow, clone, code, new, gate) == 0
    files = handed_over(clone)
    assert (files["state"], files["code"]) == (f"{state}\n", f"{code}\n")
    report = "what was wrong" if code == "2" else f"# Report of {SPEC}\n"
    assert report in files["report.md"]
    assert ("+new" in files["bump.patch"]) == bool(new)


def test_a_missing_address_fails(workflow: dict[str, Any], clone: Path) -> None:
    assert run(script(workflow, "bump"), clone, SPEC="") == 2


def propose(
    workflow: dict[str, Any], clone: Path, code: str = "0", new: str = "new", **more: str
) -> tuple[int, str]:
    """Runs both jobs; gives the exit code of the second one, and the commands of the code host."""
    git("switch", "--quiet", "--force", "--detach", "origin/main", cwd=clone)
    assert bump(workflow, clone, code, new) == 0
    git("reset", "--quiet", "--hard", "origin/main", cwd=clone)
    git("clean", "--quiet", "-d", "--force", cwd=clone)
    subprocess.run(
        ["git", "branch", "-D", "contract-bump"], cwd=clone, capture_output=True, check=False
    )
    git("fetch", "--quiet", "origin", cwd=clone)
    status = run(script(workflow, "propose"), clone, **more)
    log = clone.parent / "gh.log"
    return status, log.read_text() if log.exists() else ""


def branch(clone: Path) -> str:
    return git("log", "--format=%an: %s", "contract-bump", cwd=clone.parent / "origin.git")


def test_a_quiet_bump_opens_a_pull_request_with_the_report(
    workflow: dict[str, Any], clone: Path
) -> None:
    status, log = propose(workflow, clone)
    assert status == 0
    assert git("show", "contract-bump:openapi.yaml", cwd=clone.parent / "origin.git") == "new\n"
    assert "pr create --head contract-bump" in log
    assert "-f state=success" in log


def test_a_later_bump_updates_the_branch_and_the_pull_request(
    workflow: dict[str, Any], clone: Path
) -> None:
    propose(workflow, clone)
    status, log = propose(workflow, clone, new="newer", GH_PULL="17")
    assert status == 0
    assert git("show", "contract-bump:openapi.yaml", cwd=clone.parent / "origin.git") == "newer\n"
    assert "pr edit 17" in log


def test_a_branch_where_a_person_pushed_is_never_overwritten(
    workflow: dict[str, Any], clone: Path
) -> None:
    propose(workflow, clone)
    git("switch", "--quiet", "contract-bump", cwd=clone)
    for name, value in (("user.name", "ada"), ("user.email", "ada@example.com")):
        git("config", name, value, cwd=clone)
    (clone / "facade.py").write_text("by hand\n")
    git("add", "--all", cwd=clone)
    git("commit", "--quiet", "-m", "By hand", cwd=clone)
    git("push", "--quiet", "origin", "contract-bump", cwd=clone)
    before = branch(clone)
    status, log = propose(workflow, clone, new="newer", GH_PULL="17")
    assert status != 0
    assert branch(clone) == before
    assert before.startswith("ada: By hand")
    assert "pr comment 17" in log


@pytest.mark.parametrize("code", ["1", "2"], ids=["a conflict", "unusable"])
@pytest.mark.parametrize("issue", ["", "5"])
def test_an_unusable_description_or_a_conflict_is_one_issue(
    workflow: dict[str, Any], clone: Path, code: str, issue: str
) -> None:
    status, log = propose(workflow, clone, code, new="", GH_ISSUE=issue)
    assert status != 0
    assert ("issue create" in log, "issue edit 5" in log) == (not issue, bool(issue))
    assert "pr create" not in log


def test_a_cleared_conflict_closes_its_issue(workflow: dict[str, Any], clone: Path) -> None:
    status, log = propose(workflow, clone, GH_ISSUE="5")
    assert status == 0
    assert "issue close 5" in log


def test_a_pull_request_that_is_not_needed_any_more_says_so(
    workflow: dict[str, Any], clone: Path
) -> None:
    status, log = propose(workflow, clone, new="", GH_PULL="17")
    assert status == 0
    assert "pr comment 17" in log


def test_the_workflow_explains_how_to_start_ci(root: Path) -> None:
    head = (root / ".github/workflows/bump.yml").read_text("utf-8").partition("name:")[0]
    assert "ci.yml" in head
    assert "BUMP_TOKEN" in head


def test_no_text_of_a_stranger_is_part_of_a_script(workflow: dict[str, Any]) -> None:
    for job in workflow["jobs"]:
        assert "${{" not in script(workflow, job)
        assert "outputs" not in workflow["jobs"][job]


def test_only_the_job_that_runs_nothing_generated_may_write(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["bump"]["permissions"] == {"contents": "read"}
    assert "scripts/" not in script(workflow, "propose")


@pytest.mark.parametrize("job", ["bump", "propose"])
def test_the_scripts_are_valid_shell(workflow: dict[str, Any], job: str) -> None:
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, "-n", "-c", script(workflow, job)], capture_output=True, check=False
    )
    assert done.returncode == 0


def test_actions_are_pinned_by_hash(root: Path) -> None:
    for path in (root / ".github/workflows").glob("*.yml"):
        for used in re.findall(r"- uses: (\S+)", path.read_text("utf-8")):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used), used
