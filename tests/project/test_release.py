"""A release: the tag must match the version, and the wheel that is built once is tested, signed and published."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from project_urls import project_urls

from togai import __version__

Job = dict[str, Any]


@pytest.fixture
def jobs(root: Path) -> dict[str, Job]:
    loaded = yaml.safe_load((root / ".github/workflows/release.yml").read_text("utf-8"))
    jobs: dict[str, Job] = loaded["jobs"]
    return jobs


def script(job: Job, name: str) -> str:
    jobs: str = next(step["run"] for step in job["steps"] if step.get("name") == name)
    return jobs


def sh(text: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-c", text],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def prepared(root: Path, tmp_path: Path) -> Path:
    """A tree in which everything is ready for a release."""
    (tmp_path / "togai").mkdir()
    shutil.copy(root / "togai/_version.py", tmp_path / "togai/_version.py")
    (tmp_path / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## Unreleased\n\n- Later.\n\n## {__version__}\n\n- Now.\n\n## 0.0.1\n\n- Once.\n"
    )
    (tmp_path / "tests/surface" / __version__).mkdir(parents=True)
    return tmp_path


CHECK = "Check the tag, the changelog and the recorded surface"


def test_a_tag_that_is_the_version_passes(jobs: dict[str, Job], prepared: Path) -> None:
    done = sh(script(jobs["build"], CHECK), prepared, GITHUB_REF_NAME=f"v{__version__}")
    assert done.returncode == 0, done.stderr


def test_a_tag_that_is_another_version_is_refused(jobs: dict[str, Job], prepared: Path) -> None:
    done = sh(script(jobs["build"], CHECK), prepared, GITHUB_REF_NAME="v9.9.9")
    assert done.returncode == 1
    assert f"the tag must be v{__version__}" in done.stderr


def test_a_version_without_changelog_is_refused(jobs: dict[str, Job], prepared: Path) -> None:
    (prepared / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
    done = sh(script(jobs["build"], CHECK), prepared, GITHUB_REF_NAME=f"v{__version__}")
    assert done.returncode == 1
    assert f"## {__version__}" in done.stderr


def test_a_version_whose_surface_is_not_kept_is_refused(
    jobs: dict[str, Job], prepared: Path
) -> None:
    (prepared / "tests/surface" / __version__).rmdir()
    done = sh(script(jobs["build"], CHECK), prepared, GITHUB_REF_NAME=f"v{__version__}")
    assert done.returncode == 1
    assert "--freeze-surface" in done.stderr


def test_every_job_gets_the_very_bytes_that_were_built(
    jobs: dict[str, Job], tmp_path: Path
) -> None:
    built = tmp_path / "built"
    (built / "dist").mkdir(parents=True)
    content = bytes(range(256)) * 1024  # more than fits into one variable
    (built / "dist/togai-1-py3-none-any.whl").write_bytes(content)
    pack = script(jobs["build"], "Build once").splitlines()[-1]
    output = tmp_path / "output"
    assert sh(pack, built, GITHUB_OUTPUT=str(output)).returncode == 0
    packed = output.read_text().removeprefix("dist=").strip()
    for name in ("test", "publish", "announce"):
        room = tmp_path / name
        room.mkdir()
        text = script(jobs[name], "Unpack the built files")
        unpack = room / "step.sh"  # as the runner does
        unpack.write_text(text.replace("${{ needs.build.outputs.dist }}", packed))
        done = sh("bash -e step.sh", room)
        assert done.returncode == 0, done.stderr
        assert (room / "dist/togai-1-py3-none-any.whl").read_bytes() == content


@pytest.mark.long
def test_a_wheel_names_the_repository_that_it_was_built_in(root: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("uv")), "build", "--quiet", "--wheel"]
    there = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "Owner/togai"}
    outside = {name: value for name, value in os.environ.items() if name not in there}
    for environment, expected in (({**outside, **there}, True), (outside, False)):
        out = tmp_path / str(expected)
        subprocess.run([*command, f"--out-dir={out}", str(root)], env=environment, check=True)
        with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
            (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            lines = wheel.read(name).decode().splitlines()
        urls = dict(line[13:].split(", ") for line in lines if line.startswith("Project-URL: "))
        assert urls == (project_urls("https://github.com", "Owner/togai") if expected else {})
    assert project_urls("https://github.com", "Owner/togai")["Documentation"] == (
        "https://owner.github.io/togai/"
    )


def test_nothing_is_built_twice(jobs: dict[str, Job]) -> None:
    text = {name: yaml.safe_dump(job) for name, job in jobs.items()}
    assert "uv build" in text["build"]
    assert not any("uv build" in text[name] for name in jobs.keys() - {"build"})
    assert "--wheel dist/*.whl" in text["test"]


def test_the_wheel_is_tested_on_every_python_with_both_ends_of_the_dependencies(
    root: Path, jobs: dict[str, Job]
) -> None:
    supported = re.findall(r"Python :: (3\.\d+)", (root / "pyproject.toml").read_text("utf-8"))
    assert jobs["test"]["strategy"]["matrix"] == {
        "python": supported,
        "resolution": ["lowest-direct", "highest"],
    }


def test_the_site_of_a_release_is_pushed_as_it_was_built(
    jobs: dict[str, Job], tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("<h1>togai</h1>")
    output = tmp_path / "output"
    pack = script(jobs["docs"], "Build the documentation").splitlines()
    assert pack[0] == "scripts/docs site"
    assert sh(pack[1], tmp_path, GITHUB_OUTPUT=str(output)).returncode == 0
    packed = output.read_text().removeprefix("site=").strip()
    sh("git init --quiet --bare remote/owner/togai.git; mkdir bin room", tmp_path)
    gh = tmp_path / "bin/gh"
    gh.write_text('#!/bin/sh\n[ "$*" = "auth setup-git" ]\n')
    gh.chmod(0o755)
    for number in range(2):  # the second replaces the first
        room = tmp_path / f"room/{number}"
        room.mkdir()
        for name in ("Unpack the documentation", "Push it to the branch gh-pages"):
            text = script(jobs["pages"], name)
            (room / "step.sh").write_text(text.replace("${{ needs.docs.outputs.site }}", packed))
            done = sh(
                "bash -e step.sh",
                room,
                PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin",
                HOME=str(tmp_path),
                GITHUB_SERVER_URL=f"file://{tmp_path}/remote",
                GITHUB_REPOSITORY="owner/togai",
                GITHUB_REF_NAME="v1.0.0",
            )
            assert done.returncode == 0, done.stderr
    shown = sh("git --git-dir remote/owner/togai.git ls-tree --name-only gh-pages", tmp_path)
    assert shown.stdout.split() == [".nojekyll", "index.html"]
    assert set(jobs["pages"]["needs"]) == {"docs", "publish"}


def test_nothing_is_published_before_the_tests_have_passed(jobs: dict[str, Job]) -> None:
    assert set(jobs["publish"]["needs"]) == {"build", "test"}
    assert "publish" in jobs["announce"]["needs"]


def test_each_job_may_do_only_what_it_does(root: Path, jobs: dict[str, Job]) -> None:
    text = (root / ".github/workflows/release.yml").read_text("utf-8")
    assert yaml.safe_load(text)["permissions"] == {}
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "build": {"contents": "read"},
        "docs": {"contents": "read"},
        "test": {"contents": "read"},
        "publish": {"contents": "read", "id-token": "write"},
        "announce": {"contents": "write"},
        "pages": {"contents": "write"},
    }
    assert "secrets." not in text


def test_the_job_that_signs_runs_no_code_of_this_repository(jobs: dict[str, Job]) -> None:
    assert not re.search(
        r"scripts/|\.ci/|--group dev|uv sync(?! --locked --quiet --only-group release)",
        yaml.safe_dump(jobs["publish"], width=1000),
    )


def test_the_notes_are_the_versions_part_of_the_changelog(
    jobs: dict[str, Job], prepared: Path
) -> None:
    notes = jobs["announce"]["steps"][-1]["run"].splitlines()[0]
    done = sh(notes, prepared, GITHUB_REF_NAME=f"v{__version__}")
    assert done.returncode == 0, done.stderr
    assert (prepared / "notes.md").read_text().strip() == "- Now."


def test_every_action_is_pinned_by_its_hash(root: Path) -> None:
    for workflow in (root / ".github/workflows").glob("*.yml"):
        for action in re.findall(r"\buses: (\S+)", workflow.read_text("utf-8")):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"{workflow.name}: {action}"


def test_the_release_notes_of_contributing_name_commands_that_exist(root: Path) -> None:
    text = (root / "CONTRIBUTING.md").read_text("utf-8")
    for command in re.findall(r"^ *(scripts/[a-z-]+|\.ci/run)", text, re.MULTILINE):
        assert (root / command).is_file(), command
    for option in re.findall(r"scripts/(check|check-wheel) (--[a-z-]+)", text):
        assert option[1] in (root / "scripts" / option[0]).read_text("utf-8"), option


def test_the_promise_names_the_pythons_that_are_supported(root: Path) -> None:
    supported = re.findall(r"Python :: (3\.\d+)", (root / "pyproject.toml").read_text("utf-8"))
    sentence = f"currently {', '.join(supported[:-1])} and {supported[-1]}"
    assert sentence in (root / "SECURITY.md").read_text("utf-8")
