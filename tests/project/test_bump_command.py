"""The command `scripts/bump`: its options, its output, and how it reports a failure."""

from __future__ import annotations

from typing import Any

import pytest
from contract import bump as bumping
from contract.bump import Outcome
from contract.load import Unusable
from contract.verdicts import Hold


class Bump:
    """Stands in for `bump`, and keeps its arguments."""

    def __init__(self) -> None:
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    def __call__(self, *arguments: Any, **options: Any) -> Outcome:
        self.arguments, self.options = arguments, options
        options["say"]("read")
        return Outcome(0, "# Report\n")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Bump:
    called = Bump()
    monkeypatch.setattr(bumping, "bump", called)
    return called


def test_the_command_writes_without_decisions_by_default(called: Bump) -> None:
    assert bumping.main(["vendor.yaml"]) == 0
    assert called.arguments == ("vendor.yaml", [])
    called.options.pop("say")
    assert called.options == {"write": True, "first": False, "names": ""}


def test_the_options_of_the_command_are_those_of_a_bump(called: Bump) -> None:
    options = ["--dry-run", "--first", "--write", "OLD", "vendor.yaml"]
    options += ["--hold", "/x", "GET /y", "--because", " a\n b", "--hold", "#/z", "--because", "c"]
    assert bumping.main(options) == 0
    holds = [Hold("#/x", "a b"), Hold("GET /y", "a b"), Hold("#/z", "c")]
    assert called.arguments == ("vendor.yaml", holds)
    called.options.pop("say")
    assert called.options == {"write": False, "first": True, "names": "OLD"}


def test_the_help_explains_each_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bumping.main(["--help"])
    shown = capsys.readouterr().out
    assert shown.startswith("usage: scripts/bump [-h] [--dry-run] [--hold PLACE [PLACE ...]]")
    assert "nothing is written.\n" in shown
    for text in (
        "SPEC path or https URL; YAML or JSON; complete, or our calls only",
        "--dry-run print the report, write nothing",
        "keep what the contract says there and below; pointers, or names from the report",
        "--because TEXT the reason of each --hold",
        "--first only record the description, in generated/vendor.yaml",
        "--write {OLD,NEW} the name of a renamed property to send",
    ):
        assert text in " ".join(shown.split())


@pytest.mark.parametrize("is_terminal", [True, False])
def test_stages_are_shown_on_a_terminal_only(
    called: Bump,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_terminal: bool,
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    bumping.main(["vendor.yaml"])
    captured = capsys.readouterr()
    assert captured.err == ("read ...\n" if is_terminal else "")
    assert captured.out == "# Report\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n  b\tc", "a b c"),
        ("a\x1b[31mb\u2028c\x00", "a?[31mb c?"),
        ("x" * 400, "x" * 400),
        ("x" * 401, "x" * 397 + "..."),
    ],
)
def test_an_error_is_one_line_of_bounded_length(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, line: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Unusable(text)

    monkeypatch.setattr(bumping, "bump", fail)
    assert bumping.main(["vendor.yaml"]) == 2
    assert capsys.readouterr().err == f"{line}\n"
