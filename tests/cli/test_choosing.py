"""Which events undo and redo correct: those that the options name, each once, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from togai.testing import FakeTogai

from .conftest import Pipe, add


@pytest.fixture
def account(fake: FakeTogai) -> FakeTogai:
    """Two accounts; ref-4 is reverted, and the time of ref-5 cannot be read."""
    add(fake, "first", day=1)
    fake.add(id="meal", timestamp="2024-12-02T00:00:00Z", schema_name="meals")
    add(fake, "failed", day=3, status="INGESTION_FAILED_UNITS_INVALID")
    add(fake, "gone", day=2, status="REVERTED")
    add(fake, "undated", day=2)
    add(fake, "first", account_id="globex")

    def spoil(body: Any) -> None:
        for event in body["events"]:
            if event["eventPayload"]["id"] == "undated":
                event["eventPayload"]["timestamp"] = "yesterday"

    fake.change_next(spoil, times=99, method="GET")
    return fake


def test_the_chosen_events_are_planned_and_no_others(
    account: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    Path("ids").write_text(" meal \n\nfirst\nref-3\n")
    for options, numbers in (
        ("--since 2024-12-02", "2 3"),
        ("--until 2024-12-02", "1"),
        ("--since 2024-12-01T10:00:00Z --until 2024-12-03T10:00:00Z", "1 2"),
        ("--since 2024-12-01T15:30:01+05:30", "2 3"),
        ("--since 2024-12 --schema meals", "2"),
        ("--whole-account --schema meals", "2"),
        ("--whole-account --status INGESTION_FAILED*", "3"),
        ("--since 2024-12 --status INGESTION_COMPLETED*", "1 2"),
        ("--event-id first", "1"),
        ("--event-id first --event-id meal", "1 2"),
        ("--event-id first --event-id first", "1"),
        ("--reference-id ref-3", "3"),
        ("--reference-id ref-3 --event-id first --since 2024-12", "1 3"),
        ("--ids ids", "1 2 3"),
        ("--ids ids --event-id failed", "1 2 3"),
    ):
        done = pipe("undo", "--account", "acme", *options.split(), "--dry-run")
        assert done.returncode == 0, done.stderr
        planned = re.findall(r"UNDO ref-(\d+), account acme\n", done.stdout)
        assert sorted(planned) == numbers.split(), options


@pytest.mark.parametrize(
    "options",
    ["--until 2024-12", "--whole-account --schema ride", "--since 2024-12 --status faild"],
)
def test_an_empty_selection_is_refused(
    account: FakeTogai, ledger: Path, pipe: Pipe, options: str
) -> None:
    done = pipe("undo", "--account", "acme", *options.split(), "--why", "x", "--expect", "3")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(
        "togai: no event matches: check --account, --since, --until, --schema\n"
    )


@pytest.mark.parametrize("options", ["--whole-account", "--since 2024-12", "--until 2025-01"])
def test_a_file_without_ids_selects_no_event(
    account: FakeTogai, ledger: Path, pipe: Pipe, options: str
) -> None:
    Path("ids").write_text("\n \n")
    done = pipe("undo", "--account", "acme", "--ids", "ids", *options.split(), "--dry-run")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("togai: no event is selected: pass --event-id, ")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--event-id first --since 2024-12-02", "first: the time window excludes this event"),
        ("--event-id undated --since 2024-12", "undated: the time window excludes this event"),
        ("--event-id gone", "gone: the event is already reverted"),
        ("--reference-id ref-6", "ref-6: no event of the account acme has this id"),
        ("--event-id failed --status REV*", "failed: --status REV* excludes this event"),
        (
            "--event-id meal --schema rides",
            "meal: no event of the account acme and the schema rides has this id",
        ),
        ("--event-id nobody --whole-account", "nobody: no event of the account acme has this id"),
    ],
)
def test_a_named_event_that_is_not_among_the_events_is_a_problem(
    account: FakeTogai, ledger: Path, pipe: Pipe, options: str, problem: str
) -> None:
    done = pipe("undo", "--account", "acme", *options.split(), "--dry-run")
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        problem,
        "1 invalid; nothing was sent. Fix them, or pass --skip-invalid",
    ]
    assert done.stdout == ""


@pytest.mark.parametrize("options", ["--whole-account", "--event-id undated"])
def test_an_event_that_cannot_be_read_is_named_and_can_be_skipped(
    account: FakeTogai, ledger: Path, pipe: Pipe, options: str
) -> None:
    undo = ("undo", "--account", "acme", *options.split(), "--dry-run")
    done = pipe(*undo)
    assert done.returncode == 1
    name = "ref-5" if options == "--whole-account" else "undated"
    assert f"{name}: the event has no reference id, or a property that" in done.stderr
    assert "1 invalid; nothing was sent" in done.stderr
    done = pipe(*undo, "--skip-invalid")
    assert done.returncode == 1
    planned = re.findall(r"UNDO (ref-\d+), account acme\n", done.stdout)
    assert planned == (["ref-1", "ref-2", "ref-3"] if options == "--whole-account" else [])


def test_an_event_that_two_pages_show_is_planned_once(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    fake.add_many(60)
    fake.overlap_pages(1)
    for options in (("--whole-account",), ("--event-id", "event-50")):
        done = pipe("undo", "--account", "acme", *options, "--dry-run")
        assert f"Plan: {60 if len(options) == 1 else 1} correction" in done.stdout


def test_two_events_without_a_reference_id_are_two(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    add(fake, "twice")
    add(fake, "twice")
    fake.remove_next("$.events[0].referenceId")
    fake.remove_next("$.events[1].referenceId")
    done = pipe("undo", "--account", "acme", "--event-id", "twice", "--dry-run")
    assert "twice: 2 events have this id" in done.stderr


def test_an_event_with_two_names_is_corrected_once(
    account: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    names = ("--event-id", "first", "--reference-id", "ref-1")
    done = pipe("undo", "--account", "acme", *names, "--why", "x", "--expect", "1")
    assert done.returncode == 0
    assert account.applied == {"ref-1": 1}


def test_two_ids_that_differ_in_blanks_are_not_mixed_up(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    add(fake, "1")
    add(fake, " 1")
    add(fake, " 2")
    Path("ids").write_text("1\n 2\n")
    done = pipe("undo", "--account", "acme", "--ids", "ids", "--dry-run", "--skip-invalid")
    assert "1: 2 events have this id: select one of them by its reference_id\n" in done.stderr
    assert re.findall(r"UNDO (ref-\d+)", done.stdout) == ["ref-3"]


def test_the_account_of_a_correction_is_the_one_that_was_named(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    month.add_alias("acme", "acme-eu")
    undo = ("undo", "--account", "acme-eu", "--event-id", "ride-1", "--dry-run", "--json")
    (item,) = json.loads(pipe(*undo).stdout)
    assert item["selection"] == {"account_id": "acme-eu", "reference_id": "ref-1"}
