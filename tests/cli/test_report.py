"""The report: complete, a single file, without external resources, with all text from the service escaped."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from togai.testing import FakeTogai

from .conftest import Pipe, add


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
