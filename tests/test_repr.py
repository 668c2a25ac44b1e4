"""Objects in a shell or a notebook: one line or a table, without control characters."""

from __future__ import annotations

import io
import pydoc
from decimal import Decimal
from pathlib import Path
from typing import Any

import togai
from togai.corrections import Ledger, Replace, Undo
from togai.models import IngestionStatus
from togai.testing import FakeTogai, make

from .conftest import Api


def test_an_event_is_one_line(fake: FakeTogai, api: Api) -> None:
    fake.add(id="ride-1")
    (event,) = api.listed()
    assert repr(event) == (
        "<EventWithStatus ref-1 ride-1 acme 2024-12-04T07:30:35+00:00"
        " INGESTION_COMPLETED_EVENT_METERED distance=10.4>"
    )
    assert repr(api.call("get", "ride-1")).startswith("<EventWithStatusAndEventPipelineInfo ref-1")


def test_a_malformed_event_is_one_line_too() -> None:
    event: Any = make(togai.EventWithStatus, ingestion_status=make(IngestionStatus))
    event.reference_id = "\x1b[2J\n"
    event.event_payload.attributes = 7
    event.event_payload.timestamp = None
    assert repr(event).startswith(r"<EventWithStatus \x1b[2J\n ")
    event.event_payload = event.ingestion_status = None
    assert repr(event) == r"<EventWithStatus \x1b[2J\n>"


def test_the_calls_of_a_client_show_its_address(api: Api) -> None:
    assert repr(api.client.events).endswith(f"Events {api.client._settings.base_url}>")


def test_a_page_says_how_many_events_it_has(fake: FakeTogai, api: Api) -> None:
    fake.add_many(51)
    pages = api.collect(api.client.events.list().pages())
    assert list(map(repr, pages)) == [
        "<EventPage: 50 events, more follow>",
        "<EventPage: 1 event, the last page>",
    ]


def test_plans_and_results_are_tables_in_a_notebook(
    fake: FakeTogai, api: Api, tmp_path: Path
) -> None:
    fake.add(id="ride-1")
    fake.add(id="ride-2", reference_id="<script>\x1b")
    ledger = Ledger(tmp_path / "ledger.db", create=True)
    first, second = api.listed()
    replacement = togai.with_quantities(first, {"distance": Decimal(3)})
    items = [Replace(first, replacement), Undo(second)]
    plan = api.call("plan", items, ledger=ledger)
    page = plan._repr_html_()
    assert page.count("<tr>") == 3
    for part in ("distance (Kilometers): 10.4", "distance (Kilometers): 3", "&lt;script&gt;\\x1b"):
        assert part in page
    ledger.approve(plan.digest, who="ann", why="test")
    execution = api.call("execute", plan, ledger=ledger)
    assert [row["outcome"] for row in execution.to_rows()] == ["applied", "applied"]
    assert execution._repr_html_().count("<tr>") == 3
    fake.add(id="ride-3")
    result = api.call("undo", api.call("get", "ride-3"))
    assert "REVERTED" in result._repr_html_()
    assert len(str(next(ledger.history())).splitlines()) == 1


def test_help_starts_with_what_one_does() -> None:
    out = io.StringIO()
    pydoc.Helper(output=out).help(togai)
    text = out.getvalue()
    assert len(text.splitlines()) < 100
    assert "client.events.list" in "\n".join(text.splitlines()[:12])
    names: dict[str, Any] = {}
    exec("from togai import *", names)
    assert "Togai" in names
