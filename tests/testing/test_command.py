"""The command `python -m togai.testing`, in the process of the test: its options, what it prints, and how it ends."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from togai.testing import FakeTogai, __main__

Ends = set[signal.Signals]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command blocks signals for good, since its process ends with it."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command; when it waits for a signal, a function gets what it has printed so far."""

    def run(*options: str, then: Callable[[str], object] = lambda _printed: None) -> int:
        printed = io.BytesIO()

        def wait(ends: Ends) -> None:
            assert ends == {signal.SIGINT, signal.SIGTERM}
            assert ends <= signal.pthread_sigmask(signal.SIG_BLOCK, [])
            then(printed.getvalue().decode())

        with monkeypatch.context() as patch:
            patch.setattr(signal, "sigwait", wait)
            # Like a pipe: it holds back what is not flushed.
            patch.setattr(sys, "stdout", io.TextIOWrapper(printed))
            return __main__.main(options)

    return run


def exports(printed: str) -> dict[str, str]:
    """The variables that the first two lines export."""
    lines = printed.splitlines()[:2]
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def test_it_serves_a_month_by_default(run: Callable[..., int]) -> None:
    events = len(FakeTogai().add_month())

    def check(printed: str) -> None:
        assert exports(printed)["TOGAI_API_TOKEN"] == "test-token"
        assert printed.splitlines()[2:] == [
            f"# {events} events in memory. Paste the two lines above into another shell, then try:",
            f"#   {__main__.FIRST}",
            "# Ctrl-C stops the service; its data is lost.",
        ]

    assert run(then=check) == 0


def test_it_serves_plain_events_with_a_token(run: Callable[..., int]) -> None:
    def check(printed: str) -> None:
        variables = exports(printed)
        response = httpx.get(
            f"{variables['TOGAI_BASE_URL']}/events", headers={"Authorization": "Bearer mine"}
        )
        ids = [event["eventPayload"]["id"] for event in response.json()["events"]]
        assert ids == ["ride-1", "ride-2"]
        assert variables["TOGAI_API_TOKEN"] == "mine"
        assert "# 2 events in memory" in printed

    assert run("--events=2", "--token=mine", then=check) == 0


def test_two_commands_use_two_ports_by_default(run: Callable[..., int]) -> None:
    def check(first: str) -> None:
        run(
            then=lambda second: urls.extend(
                exports(each)["TOGAI_BASE_URL"] for each in (first, second)
            )
        )

    urls: list[str] = []
    assert run(then=check) == 0
    assert len(set(urls)) == 2


@pytest.mark.parametrize("option", ["--port=0", "--events=0", "--events=1"])
def test_the_least_value_of_an_option_is_allowed(run: Callable[..., int], option: str) -> None:
    assert run(option) == 0


def test_port_65535_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    ports: list[int] = []

    def serve(_fake: FakeTogai, port: int) -> None:
        ports.append(port)
        raise OSError("it is in use")

    monkeypatch.setattr(FakeTogai, "serve", serve)
    assert __main__.main(["--port=65535"]) == 1
    assert ports == [65535]


@pytest.mark.parametrize("option", ["--port=-1", "--port=65536", "--events=-1", "--token= "])
def test_a_value_that_is_not_allowed_is_refused(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert run(option) == 2
    assert "pass --port 0 to 65535, --events 0 or more, a --token" in capsys.readouterr().err


def test_a_port_that_is_in_use_is_named(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeTogai().serve() as url:
        port = urlsplit(url).port
        assert run(f"--port={port}") == 1
    assert capsys.readouterr().err.startswith(f"cannot serve on port {port}: ")


@pytest.mark.parametrize("option", ["--port=x", "--events=1.5"])
def test_a_number_is_an_integer(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], option: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(option)
    assert caught.value.code == 2
    assert "invalid int value" in capsys.readouterr().err


def test_its_help_describes_each_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("usage: python -m togai.testing [-h]")
    for text in (
        (__main__.__doc__ or "").split(".")[0].replace("\n", " "),
        "--port PORT a port on 127.0.0.1 (default: any)",
        "--token TOKEN default: test-token",
        "--events EVENTS add this many plain events, not the month",
    ):
        assert text in shown


def test_an_interrupt_is_not_reported_as_an_error(run: Callable[..., int]) -> None:
    def interrupt(_printed: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(then=interrupt)


@pytest.mark.slow
def test_the_process_ends_with_the_exit_code_of_the_command() -> None:
    command = [sys.executable, "-m", "togai.testing", "--port=-1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot serve on port -1" in done.stderr
