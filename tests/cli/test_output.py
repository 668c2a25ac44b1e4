"""What commands print: to a terminal, to a pipe, and as data; and that nothing is left out or added."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import fields
from decimal import Decimal
from typing import Any
from unittest.mock import Mock, call

import pytest

import togai
from togai._cli import _events
from togai._cli._corrections import Approval, Targets
from togai._cli._output import Output, pairs, short
from togai._cli._settings import Book, Filters, Reading, Service, Session
from togai.testing import FakeTogai

from .conftest import Pipe, Stream, add


@pytest.fixture
def three(fake: FakeTogai) -> FakeTogai:
    add(fake, "a", value="1.10")
    add(fake, "b", day=2, account_id="globex", status="INGESTION_FAILED_UNITS_INVALID")
    fake.add(id="c\t\x1b[2J", schema_name="meals", attributes=[], timestamp="2024-12-03T00:00:00Z")
    return fake


def test_a_table_names_the_account_unless_there_is_one(fake: FakeTogai, screen: Pipe) -> None:
    add(fake, "a")
    for accounts, more in (("", "account_id"), ("acme", ""), ("acme globex", "account_id")):
        options = [part for account in accounts.split() for part in ("--account", account)]
        shown = screen("events", "list", *options).stdout.splitlines()[0].split()
        expected = ["id", *more.split(), "timestamp", "status", "quantities", "reference_id"]
        assert shown == expected


def test_the_listing_ends_before_an_error_of_the_output_is_reported() -> None:
    ended: list[bool] = []

    def events() -> Any:
        try:
            yield
        finally:
            ended.append(True)

    reading, listing = Mock(), events()
    next(listing)
    reading.output.write.side_effect = BrokenPipeError
    with pytest.raises(BrokenPipeError):
        _events._write(listing, reading)
    assert ended == [True]


def test_a_terminal_shows_the_first_50_events(fake: FakeTogai, screen: Pipe) -> None:
    more = "The first 50 events. For more: --limit N, --jsonl, or togai export FILE"
    fake.add_many(50)
    done = screen("events", "list")
    assert done.stdout.count("event-") == 50
    assert more not in done.stderr
    fake.add(id="next")
    done = screen("events", "list")
    assert done.stdout.count("event-") == 50
    assert more in done.stderr
    for options in (("--limit", "51"), ("--jsonl",)):
        done = screen("events", "list", *options)
        assert "next" in done.stdout
        assert "For more" not in done.stderr
    done = screen("events", "list", "--limit", "2")
    assert done.stdout.count("event-") == 2
    assert "For more" not in done.stderr
    assert screen("failed", "--list").stderr.endswith("No event matches.\n")


def test_a_pipe_gets_every_event_with_the_columns_of_a_table(fake: FakeTogai, pipe: Pipe) -> None:
    fake.add_many(51)
    lines = pipe("events", "list", "--account", "acme").stdout.splitlines()
    assert lines[0].split("\t") == ["id", "timestamp", "status", "quantities", "reference_id"]
    assert lines[51].split("\t") == [
        *("event-51", "2024-01-01 04:15:00Z", "completed event metered", "distance=51.5", "ref-51")
    ]
    assert len(lines) == 52


def test_a_pipe_gets_one_line_per_event_without_escape_sequences(
    three: FakeTogai, pipe: Pipe
) -> None:
    lines = pipe("events", "list", "--schema", "meals").stdout.splitlines()
    assert [len(line.split("\t")) for line in lines] == [6, 6]
    assert lines[1].split("\t")[:2] == ["c\\t\\x1b[2J", "acme"]


def test_csv_on_a_terminal_is_escaped_and_in_a_pipe_is_exact(
    three: FakeTogai, env: dict[str, str], screen: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = screen("events", "list", "--csv").stdout
    assert shown.startswith("reference_id,id,account_id,")
    assert "\\x1b[2J" in shown
    out = Stream(is_terminal=False)
    monkeypatch.setattr(sys, "stdout", out)
    assert Output(csv=True).write([{"id": "a\x1b"}, {"id": None, "n": 2}]) == 2
    assert out.getvalue() == "id,n\na\x1b,\n,2\n"


def test_data_has_all_columns_and_a_table_the_chosen_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows: list[dict[str, Any]] = [
        {"a": 1, "b": None},
        {"a": "x", "c": [1], "d": {"k": Decimal("2.50")}},
    ]
    for output, text in (
        (Output(), "a\tc\n1\t\nx\t[1]\n"),
        (Output(csv=True), 'a,b,c,d\n1,,,\nx,,[1],"{""k"": ""2.50""}"\n'),
        (Output(jsonl=True), '{"a": 1, "b": null}\n{"a": "x", "c": [1], "d": {"k": "2.50"}}\n'),
        (Output(json=True), '[{"a": 1, "b": null}\n,{"a": "x", "c": [1], "d": {"k": "2.50"}}\n]\n'),
    ):
        assert output.write(iter(rows), ["a", "c"]) == 2
        assert capsys.readouterr().out == text
    assert Output().write(rows) == 2
    assert capsys.readouterr().out.startswith("a\tb\tc\td\n")


@pytest.mark.parametrize(
    ("output", "text"), [(Output(json=True), "[]\n"), (Output(jsonl=True), ""), (Output(csv=True), ""), (Output(), "")]
)  # fmt: skip
def test_no_rows_are_an_empty_list(
    capsys: pytest.CaptureFixture[str], output: Output, text: str
) -> None:
    assert output.write([], ["a"]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize("options", ["--json --jsonl", "--json --csv", "--jsonl --csv"])
def test_two_forms_are_refused(pipe: Pipe, options: str) -> None:
    done = pipe("failed", *options.split())
    assert done.returncode == 2
    assert "choose one of --json, --jsonl and --csv" in done.stderr


def test_numbers_are_aligned_to_the_right(three: FakeTogai, screen: Pipe) -> None:
    assert screen("failed").stdout.splitlines() == [
        "events  status                          reason                        ",
        "     1  INGESTION_FAILED_UNITS_INVALID  Ingestion failed units invalid",
    ]


def test_a_long_text_is_folded_but_not_a_time(fake: FakeTogai, screen: Pipe) -> None:
    add(fake, "x" * 70)
    lines = screen("events", "list", "--account", "acme").stdout.splitlines()
    assert "2024-12-01 10:00:00Z" in lines[1]
    assert sum(line.count("x") for line in lines) == 70


def test_a_number_is_not_folded(fake: FakeTogai, screen: Pipe) -> None:
    amounts = [{"name": "distance", "value": "1928.45"}, {"name": "tier 1 calls", "value": "305"}]
    fake.add(id="ride-1128", attributes=amounts)
    shown = screen("events", "list").stdout
    assert "distance=1928.45" in shown
    assert "calls=305" in shown


def test_a_long_number_is_folded_and_complete(fake: FakeTogai, screen: Pipe) -> None:
    add(fake, "big", value="7" * 60)
    add(fake, "small", value="5")
    lines = screen("events", "list").stdout.splitlines()
    assert sum(line.count("7") for line in lines) == 60
    assert max(map(len, lines)) <= 80


def test_all_accounts_are_read_a_page_ahead(
    fake: FakeTogai, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Mock(side_effect=KeyboardInterrupt)
    monkeypatch.setattr("togai.Events.list", listed)
    assert pipe("events", "list", "--schema", "rides").returncode == 130
    assert listed.call_args == call(schema_name="rides", prefetch=1)


def test_the_help_names_options_without_opposites_and_defaults(pipe: Pipe) -> None:
    done = pipe("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: togai COMMAND\n\nRead and correct the events of")
    assert " \u2022 130: interrupted; repeat the same command" in done.stdout
    done = pipe("undo", "--help")
    assert "--dry-run" in done.stdout
    assert "--no-" not in done.stdout
    assert "default:" not in done.stdout
    for group in ("Approval", "Ledger", "Output", "Service", "Which events"):
        assert f"\u2500 {group} \u2500" in done.stdout
    assert "\u2500 Which events \u2500" in pipe("events", "list", "--help").stdout


def test_a_warning_of_a_listing_is_noted_once_at_the_end(fake: FakeTogai, pipe: Pipe) -> None:
    fake.add_many(2)
    fake.set_next("$.events[0].eventPayload.timestamp", "yesterday")
    done = pipe("events", "list", "--jsonl")
    assert done.stderr == (
        "note: the service deviates from the contract: Event.timestamp: not a date\n"
    )
    assert len(done.stdout.splitlines()) == 2
    assert pipe("events", "list", "--jsonl").stderr == ""


def test_an_event_is_shown_in_each_form(three: FakeTogai, pipe: Pipe) -> None:
    (row,) = csv.DictReader(pipe("events", "get", "a", "--csv").stdout.splitlines())
    assert (row["id"], row["attribute.distance"]) == ("a", "1.10")
    (event,) = json.loads(pipe("events", "get", "a", "--json").stdout)
    assert event["eventPayload"]["id"] == "a"
    plain = pipe("events", "get", "a").stdout.splitlines()
    assert plain[0] == "property\tvalue"
    assert "attribute.distance\t1.10" in plain


def test_failed_events_are_listed_with_the_filters(three: FakeTogai, pipe: Pipe) -> None:
    assert pipe("failed").stdout.splitlines()[1].split("\t") == [
        *("1", "INGESTION_FAILED_UNITS_INVALID", "Ingestion failed units invalid")
    ]
    (row,) = csv.DictReader(pipe("failed", "--list", "--csv").stdout.splitlines())
    assert row["id"] == "b"
    assert pipe("failed", "--account", "acme").stderr == "No event failed.\n"


def test_the_listed_events_are_those_of_the_filters(three: FakeTogai, pipe: Pipe) -> None:
    for option, value, ids in (
        ("--until", "2024-12-02", "a"),
        ("--until", "2024-12-03T00:00:00Z", "a b"),
        ("--since", "2024-12-03T00:00:00Z", "c"),
        ("--since", "2024-12-03T05:30:00+05:30", "c"),
        ("--since", "2024-12-03T00:00:01Z", ""),
        ("--schema", "meals", "c"),
        ("--schema", "rides", "a b"),
        ("--status", "INGESTION_COMPLETED*", "a c"),
        ("--status", "INGESTION", ""),
        ("--account", "globex", "b"),
    ):
        lines = pipe("events", "list", option, value, "--jsonl").stdout.splitlines()
        assert [json.loads(line)["id"][0] for line in lines] == ids.split(), (option, value)


def test_an_event_whose_time_cannot_be_read_is_listed_in_every_window(
    three: FakeTogai, pipe: Pipe
) -> None:
    three.set_next("$.events[0].eventPayload.timestamp", "yesterday")
    (line,) = pipe("events", "list", "--since", "2030-01", "--jsonl").stdout.splitlines()
    assert json.loads(line)["id"] == "a"


@pytest.mark.parametrize("when", ["0001-01-01T00:00+14:00", "9999-12-31T23:00-14:00"])
def test_a_time_outside_the_calendar_of_utc_is_refused(pipe: Pipe, when: str) -> None:
    for command in ("events list", "report --html x.html", "export x.csv", "history --ledger l.db"):
        done = pipe(*command.split(), "--since", when)
        assert done.returncode == 2
        assert "write a time such as 2024-12-01" in done.stderr


def test_an_event_at_the_edge_of_the_calendar_is_shown(three: FakeTogai, pipe: Pipe) -> None:
    edge = "0001-01-01T00:00:00+05:00"
    three.set_next("$.events[0].eventPayload.timestamp", edge, times=2)
    assert "0001-01-01 00:00:00+05:00" in pipe("events", "list").stdout
    assert "0001-01-01\tacme" in pipe("report").stdout


def test_a_time_window_is_not_empty(pipe: Pipe) -> None:
    for until in ("2024-12-01", "2024-11"):
        for command in ("events list", "export x.csv", "history --ledger absent.db"):
            done = pipe(*command.split(), "--since", "2024-12", "--until", until)
            assert done.returncode == 2
            assert "--since is not before --until: the time window is empty" in done.stderr


@pytest.mark.parametrize("when", ["2024-13", "2024", "yesterday", "2024-12-01T07", "20241201T07"])
def test_a_time_that_is_not_clear_is_refused(pipe: Pipe, when: str) -> None:
    assert pipe("events", "list", "--since", when).returncode == 2


def test_a_time_for_people_is_in_utc_and_other_values_are_unchanged() -> None:
    from datetime import datetime

    assert short(datetime.fromisoformat("2024-12-01T05:30:00+05:30")) == "2024-12-01 00:00:00Z"
    assert short("yesterday") == "yesterday"
    assert pairs([("a", 1), ("b", 2)]) == "a=1 b=2"
    assert Filters().holds("yesterday", undated=False)
    start = datetime.fromisoformat("2024-12-01T00:00Z")
    for window in (Filters(since=start), Filters(until=start)):
        assert not window.holds("yesterday", undated=False)
        assert window.holds("yesterday")


def test_an_option_names_the_service(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Mock(side_effect=KeyboardInterrupt)
    monkeypatch.setattr("togai.Togai", client)
    for options, address in (
        ("", None),
        ("--sandbox", togai.SANDBOX_URL),
        ("--base-url https://x", "https://x"),
    ):
        done = pipe("events", "list", *options.split())
        assert (done.returncode, done.stderr) == (130, "\nInterrupted. Repeat the same command.\n")
        assert client.call_args == call(None, base_url=address)


@pytest.mark.parametrize(
    ("status", "ids"),
    [
        ("INGESTION_FAILED*", "f"),
        ("failed*", "f"),
        ("failed units invalid", "f"),
        ("reverted", "r"),
        ("INGESTION_*", "a f"),
        ("*", "a f r"),
        ("failed", ""),
    ],
)
def test_a_status_may_be_written_as_a_table_shows_it(
    fake: FakeTogai, pipe: Pipe, status: str, ids: str
) -> None:
    add(fake, "a")
    add(fake, "f", status="INGESTION_FAILED_UNITS_INVALID")
    add(fake, "r", status="REVERTED")
    listed = pipe("events", "list", "--status", status, "--jsonl").stdout.splitlines()
    assert [json.loads(line)["id"] for line in listed] == ids.split()


def test_events_of_another_status_are_not_listed(three: FakeTogai, pipe: Pipe) -> None:
    assert pipe("events", "list", "--status", "REVERTED", "--jsonl").stdout == ""


@pytest.mark.parametrize(
    "options", [Output, Filters, Reading, Service, Book, Session, Targets, Approval]
)
def test_options_are_passed_by_name_and_never_change(options: Any) -> None:
    assert all(field.kw_only for field in fields(options))
    assert options.__dataclass_params__.frozen


def test_ctrl_c_while_an_option_is_read_is_not_a_wrong_time(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted = Mock(**{"fromisoformat.side_effect": KeyboardInterrupt})
    monkeypatch.setattr("togai._cli._settings.datetime", interrupted)
    assert pipe("events", "list", "--since", "2024-12-01").returncode == 130
