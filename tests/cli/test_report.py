"""The report: complete, a single file, without external resources, with all text from the service escaped."""

from __future__ import annotations

import csv
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from togai._cli._report import _with_bars, kind_of
from togai.corrections import Kind, Ledger
from togai.corrections._ledger import records_of
from togai.testing import FakeTogai

from .conftest import Open, Pipe, add, table


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_stands_alone(month: FakeTogai, pipe: Pipe) -> None:
    assert pipe("report", "--html", "report.html").returncode == 0
    text = Path("report.html").read_text("utf-8")
    page = Page(text)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "a", "form"}
    assert not re.search(r"(?:https?:)?//(?!127)", re.sub(r"<meta[^>]*>", "", text))
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "href") for name in attributes), tag
    assert sum(tag == "h2" for tag, _ in page.tags) == 4
    bars = [attributes for tag, attributes in page.tags if tag == "rect"]
    assert len(bars) == 7 + 2  # seven days; failed and reverted events on the first
    words = " ".join(page.words)
    for part in (
        "2024-12-07",
        "acme",
        "globex",
        "INGESTION_FAILED_PAST_GRACE_PERIOD",
        "Ingestion failed",
    ):
        assert part in words
    days = [float(str(bar["width"])) for bar in bars]
    assert all(width > 0 for width in days)


def test_what_the_service_says_stays_text(fake: FakeTogai, pipe: Pipe) -> None:
    evil = "</td><script>alert(1)</script>\x1b[2J\u202e$page"
    add(fake, "x", status=f"INGESTION_FAILED_{evil}", account_id=evil)
    assert pipe("report", "--html", "report.html").returncode == 0
    text = Path("report.html").read_text("utf-8")
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;" in text
    assert 'width="570.0"' in text


def test_a_page_and_data_are_written_by_one_command(month: FakeTogai, pipe: Pipe) -> None:
    done = pipe("report", "--html", "report.html", "--json")
    assert sum(row["events"] for row in json.loads(done.stdout)) == len(month.events)
    assert done.stderr == f"report.html: {len(month.events)} events\n"
    assert pipe("report", "--html", "report.html").stdout == ""


def test_an_empty_report_says_so(fake: FakeTogai, pipe: Pipe) -> None:
    done = pipe("report", "--html", "report.html", "--account", "nobody", "--since", "2024-12")
    assert done.returncode == 0
    text = Path("report.html").read_text("utf-8")
    assert "No events." in text
    assert "2024-12-01" in text


def test_sums_lose_no_digit(fake: FakeTogai, pipe: Pipe) -> None:
    add(fake, "big", value="1" * 40 + ".5")
    add(fake, "small", value="0." + "0" * 30 + "1")
    (row,) = json.loads(pipe("report", "--json").stdout)
    assert row["quantities"]["distance"] == "1" * 40 + ".5" + "0" * 29 + "1"
    assert row["events"] == 2


def test_a_sum_in_csv_has_no_exponent(fake: FakeTogai, pipe: Pipe) -> None:
    add(fake, "small", value="0.0000001")
    assert pipe("report", "--csv").stdout.endswith('"{""distance"": ""0.0000001""}"\n')


def test_attributes_of_one_name_are_added_up(fake: FakeTogai, pipe: Pipe) -> None:
    fake.add(attributes=[{"name": "calls", "value": "600"}, {"name": "calls", "value": "400"}])
    (row,) = json.loads(pipe("report", "--json").stdout)
    assert row["quantities"] == {"calls": "1000"}
    assert "calls=600 calls=400" in pipe("events", "list").stdout


def test_each_command_reads_the_month_that_it_serves(fake: FakeTogai, pipe: Pipe) -> None:
    fake.add_month()
    for command in ("events list", "failed", "failed --list", "report", "report --html x.html"):
        done = pipe(*command.split())
        assert done.returncode == 0, done.stderr


def test_events_are_summed_up_per_day_account_and_status(fake: FakeTogai, pipe: Pipe) -> None:
    add(fake, "b1", day=2, value="1.5")
    add(fake, "a1", day=1, account_id="globex", value="2")
    add(fake, "a2", day=1, value="3")
    add(fake, "a3", day=1, value="-4.25")
    fake.add(id="calls", timestamp="2024-12-01T23:59:59-05:00", attributes=[])
    add(fake, "f", day=1, status="REVERTED")
    add(fake, "undated", day=1, value="7")

    def spoil(body: Any) -> None:
        body["events"][6]["eventPayload"]["timestamp"] = "yesterday"
        del body["events"][6]["ingestionStatus"]

    fake.change_next(spoil)
    done = pipe("report", "--jsonl")
    used = "INGESTION_COMPLETED_EVENT_METERED"
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        dict(zip(("day", "account_id", "status", "events", "quantities"), row, strict=True))
        for row in (
            ("2024-12-01", "acme", used, 2, {"distance": "-1.25"}),
            ("2024-12-01", "acme", "REVERTED", 1, {"distance": "1.0"}),
            ("2024-12-01", "globex", used, 1, {"distance": "2"}),
            ("2024-12-02", "acme", used, 2, {"distance": "1.5"}),
            ("unknown", "acme", "none", 1, {"distance": "7"}),
        )
    ]


def test_the_report_ends_with_totals_for_people(fake: FakeTogai, pipe: Pipe) -> None:
    add(fake, "a1", day=1, value="1.5")
    add(fake, "a2", day=2, value="0.25")
    add(fake, "f", day=2, status="INGESTION_FAILED_UNITS_INVALID", value="9")
    add(fake, "g", day=2, account_id="globex", value="4")
    lines = pipe("report").stdout.split("\n\n")[1].splitlines()[-3:]
    totals = [line.rpartition("\t")[0].split("\t") for line in lines]
    assert totals == [
        ["total", "acme", "completed event metered", "2", "distance=1.75"],
        ["total", "acme", "failed units invalid", "1", "distance=9"],
        ["total", "globex", "completed event metered", "1", "distance=4"],
    ]
    assert pipe("report", "--html", "r.html").stderr == "r.html: 4 events\n"
    page = Path("r.html").read_text("utf-8")
    assert re.findall(r'"day">total<.*?"quantities">([^<]*)<', page) == [
        *("distance=1.75", "distance=9", "distance=4")
    ]
    assert ">total</text>" not in page  # the chart has a bar per day only
    assert "total" not in pipe("report", "--csv").stdout


def test_the_report_on_a_terminal_has_a_bar_per_row(fake: FakeTogai, screen: Pipe) -> None:
    add(fake, "one", day=1)
    for number in range(24):
        add(fake, f"two-{number}", day=2)
    for number in range(6):
        add(fake, f"three-{number}", day=3, status="INGESTION_FAILED_UNITS_INVALID")
    done = screen("report")
    assert done.returncode == 0
    assert done.stderr.endswith("\nTo write this as an HTML page: togai report --html FILE\n")
    lines = [line for line in done.stdout.splitlines() if line.startswith("2024")]
    assert [line.count("█") for line in lines] == [1, 12, 3]
    assert "distance=24.0" in lines[1]
    assert "Failed ingestions\n\nevents  status " in done.stdout
    assert "Corrections" not in done.stdout


def test_a_report_without_failures_has_no_such_part(fake: FakeTogai, pipe: Pipe) -> None:
    add(fake, "one")
    done = pipe("report")
    assert done.stdout.splitlines() == [
        "Usage",
        "",
        "day\taccount_id\tstatus\tevents\tquantities\t",
        "2024-12-01\tacme\tcompleted event metered\t1\tdistance=1.0\t" + "█" * 12,
        "total\tacme\tcompleted event metered\t1\tdistance=1.0\t" + "█" * 12,
        "",
    ]
    assert pipe("report", "--account", "nobody").stdout == ""


def test_the_corrections_of_a_report_have_outcome_and_quantities(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    for name in ("applied", "failed", "unknown"):
        add(fake, name, value="1.50")
    who = ("--account", "acme", "--why", "meter", "--who", "ann", "--expect", "1")
    assert pipe("undo", *who, "--event-id", "applied").returncode == 0
    fake.refuse_next(1, reason="past pricing cycle")
    assert pipe("redo", *who, "--event-id", "failed").returncode == 1
    fake.drop_next(method="POST")
    assert pipe("undo", *who, "--event-id", "unknown").returncode == 4
    plain = pipe("report").stdout.partition("Corrections\n\n")[2].splitlines()
    assert [line.split("\t") for line in plain[:4]] == [
        ["who", "action", "reference_id", "outcome", "before", "after"],
        ["ann", "UNDO", "ref-1", "applied", "distance (Kilometers)=1.50", ""],
        ["ann", "REDO", "ref-2", "failed", *["distance (Kilometers)=1.50"] * 2],
        ["ann", "UNDO", "ref-3", "unknown", "distance (Kilometers)=1.50", ""],
    ]
    pipe("report", "--html", "r.html")
    text = Path("r.html").read_text("utf-8").split("<h2>")[3]
    columns = re.findall(r"<th>([^<]*)</th>", text)
    assert " | ".join(columns) == (
        "at | who | action | event id | reference id | outcome | before | after | why"
    )
    assert text.count('<td class="why">meter</td>') == 3
    assert re.findall(r"<td[^>]*>([a-z]+)</td><td[^>]*>ref-", text) == [
        "applied",
        "failed",
        "unknown",
    ]


def test_the_corrections_of_a_report_have_the_outcome_that_came_after_a_decision(
    fake: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    add(fake, "late")
    fake.drop_next(method="POST")
    undo = ("undo", "--account", "acme", "--event-id", "late", "--why", "meter", "--expect", "1")
    assert pipe(*undo).returncode == 4
    (entry,) = Ledger(ledger).pending()
    assert pipe("decide", str(entry.id), "not-applied", "--why", "support").returncode == 0
    records_of(Ledger(ledger)).conclude(entry, Kind.APPLIED, {"how": "response"})
    assert "\tUNDO\tref-1\tapplied\t" in pipe("report").stdout


def test_the_chart_is_drawn_to_scale(fake: FakeTogai, pipe: Pipe) -> None:
    for number in range(2):
        add(fake, f"used-{number}", day=1)
    add(fake, "failed", day=1, status="INGESTION_FAILED_UNITS_INVALID")
    add(fake, "gone", day=1, status="REVERTED")
    add(fake, "started", day=2, status="INGESTION_IN_PROGRESS")
    done = pipe("report", "--html", "r.html", "--account", "acme", "--since", "2024-12-01")
    assert done.stderr == "r.html: 5 events\n"
    text = Path("r.html").read_text("utf-8")
    page = Page(text)
    numbers = [
        tuple(float(str(attributes[name])) for name in ("x", "y", "width", "height"))
        for tag, attributes in page.tags
        if tag == "rect"
    ]
    assert numbers == [
        (90, 0, 285, 18),
        (375, 0, 142.5, 18),
        (517.5, 0, 142.5, 18),
        (90, 24, 142.5, 18),
    ]
    labels = [
        tuple(float(str(attributes[name])) for name in ("x", "y"))
        for tag, attributes in page.tags
        if tag == "text"
    ]
    assert labels == [(0, 13), (666, 13), (0, 37), (238.5, 37)]
    assert 'viewBox="0 0 720 48"' in text
    for part in ("2024-12-01: 2 used", "2024-12-01: 1 failed", "2024-12-02: 1 in progress"):
        assert f"<title>{part}</title>" in text
    for part in ("<b>2</b> used", "<b>1</b> failed", "<b>1</b> reverted", "<b>1</b> in progress"):
        assert part in text
    words = " ".join(" ".join(page.words).split())
    assert "Usage of acme " in words
    assert "2024-12-01 00:00:00Z to the last event" in words


def test_the_page_of_all_accounts_and_times_says_so(fake: FakeTogai, pipe: Pipe) -> None:
    assert pipe("report", "--html", "r.html", "--until", "2025-01").returncode == 0
    text = Path("r.html").read_text("utf-8")
    for part in (
        "all accounts",
        "the first event to 2025-01-01 00:00:00Z",
        "No events.",
        "No ingestion failed.",
        "No corrections, or no ledger was named.",
        'viewBox="0 0 720 24"',
    ):
        assert part in text


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("INGESTION_FAILED_UNITS_INVALID", "failed"),
        ("REVERTED", "reverted"),
        ("INGESTION_COMPLETED_EVENT_METERED", "used"),
        ("INGESTION_IN_PROGRESS", "in progress"),
        ("none", "in progress"),
    ],
)
def test_a_status_has_a_meaning_for_a_bill(status: str, kind: str) -> None:
    assert kind_of(status) == kind


@pytest.mark.parametrize(("encoding", "bar"), [("utf-8", "█"), ("ascii", "#"), (None, "█")])
def test_bars_are_drawn_with_what_the_terminal_can_show(
    monkeypatch: pytest.MonkeyPatch, encoding: str | None, bar: str
) -> None:
    monkeypatch.setattr(sys, "stdout", Mock(encoding=encoding))
    row = {"day": "d", "account_id": "a", "status": "s", "events": 1, "quantities": {}}
    assert _with_bars([row])[0][""] == bar * 12


def test_the_report_shows_what_was_corrected(
    month: FakeTogai, ledger: Path, pipe: Pipe, terminal: Open
) -> None:
    file = table("t.csv", "acme,ride-1,distance,2.25")
    assert (
        pipe("correct", file, "--why", "meter <7>", "--expect", "1", "--who", "ann").returncode == 0
    )
    shown = terminal("report")
    assert shown.end() == 0
    for part in (
        "Usage",
        "2024-12-01",
        "█",
        "Failed ingestions",
        "Corrections",
        "ann",
        "=2.25",
    ):
        assert part in shown.text
    done = pipe("report", "--html", "report.html")
    assert done.returncode == 0
    page = Path("report.html").read_text()
    for part in (
        "meter &lt;7&gt;",
        "distance (Kilometers)=1.5",
        "distance (Kilometers)=2.25",
        "ann",
        "<svg",
    ):
        assert part in page
    first = next(csv.DictReader(pipe("report", "--csv").stdout.splitlines()))
    assert first["day"] == "2024-12-01"


def test_the_report_shows_the_corrections_of_its_accounts_and_period_alone(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    add(month, "abroad", account_id="globex")
    for account, event_id in (("acme", "ride-1"), ("acme", "ride-60"), ("globex", "abroad")):
        named = ("--account", account, "--event-id", event_id)
        assert pipe("undo", *named, "--why", "x", "--expect", "1").returncode == 0
    for options, expected in (
        ((), {"ref-1", "ref-60", "ref-66"}),
        (("--account", "acme"), {"ref-1", "ref-60"}),
        (("--account", "globex"), {"ref-66"}),
        (("--until", "2024-12-05"), {"ref-1", "ref-66"}),
        (("--since", "2024-12-05", "--until", "2025-01"), {"ref-60"}),
    ):
        assert pipe("report", "--html", "report.html", *options).returncode == 0
        corrections = Path("report.html").read_text().partition("<h2>Corrections")[2]
        assert set(re.findall(r"ref-\d+", corrections)) == expected
