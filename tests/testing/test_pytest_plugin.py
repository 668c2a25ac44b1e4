"""The fixtures that pytest loads automatically, in a project where only togai is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOUND_AT_START = """
import sys

HEAVY = {"_togai_generated", "httpx", "httpcore", "attr", "attrs", "dateutil"}
AT_START = {name.partition(".")[0] for name in sys.modules} & HEAVY


def test_start(request):
    assert request.config.pluginmanager.has_plugin("togai")
    assert not AT_START
    assert not {name.partition(".")[0] for name in sys.modules} & HEAVY
"""

FIXTURES = """
import asyncio
import os
import subprocess
import sys

import pytest


def test_no_setting_leaks(fake_togai):
    from togai import ConfigurationError, Togai

    assert "TOGAI_API_TOKEN" not in os.environ
    assert "TOGAI_BASE_URL" not in os.environ
    assert "TOGAI_LEDGER" not in os.environ
    with pytest.raises(ConfigurationError, match="no token"):
        Togai()


def test_a_client_of_the_code_under_test_reaches_the_fake(fake_togai, togai_env):
    from togai import Togai

    fake_togai.add(id="ride-1")
    with Togai() as client:
        client.events.undo(client.events.get("ride-1"))
    fake_togai.assert_sent("POST", "/events/correction", action="UNDO", times=1)


def test_so_does_an_async_one(fake_togai, togai_env):
    from togai import AsyncTogai

    async def main():
        async with AsyncTogai() as client:
            return await client.events.get("ride-1")

    fake_togai.add(id="ride-1")
    assert asyncio.run(main()).event_payload.id == "ride-1"


def test_so_does_another_process(fake_togai, togai_env):
    code = "from togai import Togai; print(Togai().events.get('ride-1').event_payload.id)"
    fake_togai.add(id="ride-1")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "ride-1\\n", done.stderr


def test_it_can_be_served_by_hand(fake_togai):
    from togai import Togai

    with fake_togai.serve() as url, Togai(fake_togai.token, base_url=url) as client:
        assert list(client.events.list()) == []


def test_nothing_sleeps(fake_togai, togai_env, togai_clock):
    from togai import Togai

    fake_togai.fail_next(status=429, retry_after=60)
    with Togai() as client:
        assert list(client.events.list()) == []
    assert togai_clock.waits == [60.0]


def test_each_test_has_a_fake_of_its_own(fake_togai):
    assert fake_togai.requests == []


def settings():
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


@pytest.fixture
def around():
    before = settings()
    yield
    assert settings() == before


def test_the_environment_is_as_it_was_afterwards(around, togai_env):
    assert os.environ["TOGAI_BASE_URL"] == togai_env
"""


def run(folder: Path, code: str, **environment: str) -> str:
    """What pytest prints, run on this code in a folder of its own."""
    (folder / "test_theirs.py").write_text(code)
    (folder / "pytest.ini").write_text("[pytest]\n")
    outside = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "TOGAI_")) and not name.lower().endswith("_proxy")
    }
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:schemathesis",
            "-p",
            "no:xdist",
        ],
        cwd=folder,
        env={**outside, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("option", "shows_plugins"), [("--version", False), ("-VV", True)])
def test_the_version_of_pytest_is_shown_without_loading_httpx(
    tmp_path: Path, option: str, shows_plugins: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pytest", option, "-p", "no:schemathesis"],
        cwd=tmp_path,
        env={name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert ("_pytest.py" in done.stdout) is shows_plugins
    assert not {"httpx", "httpcore", "attrs", "_togai_generated", "togai.testing"} & loaded


@pytest.mark.slow
def test_pytest_finds_the_plugin_and_starts_without_httpx(tmp_path: Path) -> None:
    assert "1 passed" in run(tmp_path, FOUND_AT_START)


@pytest.mark.long
@pytest.mark.parametrize("no_proxy", ["", "example.test"])
def test_the_fixtures_work_beside_settings_and_a_proxy_of_the_environment(
    tmp_path: Path, no_proxy: str
) -> None:
    out = run(
        tmp_path,
        FIXTURES,
        TOGAI_API_TOKEN="real-token",
        TOGAI_BASE_URL="https://real.test",
        TOGAI_LEDGER="real.db",
        HTTP_PROXY="http://127.0.0.1:1",
        HTTPS_PROXY="http://127.0.0.1:1",
        NO_PROXY=no_proxy,
    )
    assert "8 passed" in out
    assert "real-token" not in out


@pytest.mark.slow
def test_the_tests_in_the_readme_pass(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    section = readme.partition("## Testing your own code")[2].partition("\n## ")[0]
    examples = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    tests = "\n".join(code for code in examples if "def test_" in code)
    assert f"{tests.count('def test_')} passed" in run(tmp_path, tests)
