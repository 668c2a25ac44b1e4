"""Exports: exact, complete or absent, and resumed after any interruption."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from togai import ConfigurationError, InvalidRequest, ServerError, Togai, TogaiError
from togai.jobs import ExportProgress, ExportResult, export, export_async
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api, Connect

DECEMBER = {"since": datetime(2024, 12, 1, tzinfo=UTC), "until": datetime(2025, 1, 1, tzinfo=UTC)}

Run = Callable[..., ExportResult]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.csv"


@pytest.fixture
def run(api: Api) -> Run:
    """The export by a client of either kind."""

    def exported(accounts: Any, path: Path, **options: Any) -> ExportResult:
        if api.is_async:
            return cast(
                "ExportResult", api.resolve(export_async(api.client, accounts, path, **options))
            )
        return export(api.client, accounts, path, **options)

    return exported


def read_csv(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(newline="", encoding=encoding) as file:
        return list(csv.DictReader(file))


def amounts(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def test_the_rows_of_a_month_are_exact_and_the_others_are_counted(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add(id="old", timestamp="2024-11-30T23:59:59Z")
    fake.add(
        id="first",
        timestamp="2024-12-01T05:30:00+05:30",
        attributes=amounts(distance="0.0000001", cost="12345678901234567890.10"),
        dimensions={"city": "Chennai"},
    )
    fake.add(id="last", timestamp="2024-12-31T23:59:59.999999Z")
    fake.add(id="next", timestamp="2025-01-01T00:00:00Z")
    fake.add(id="gone", timestamp="2024-12-05T00:00:00Z", status="REVERTED")
    result = run("acme", path, **DECEMBER)
    assert (result.rows, result.read, result.outside, result.reverted) == (2, 5, 2, 1)
    first, last = read_csv(path)
    assert (first["id"], last["id"]) == ("first", "last")
    assert first["timestamp"] == "2024-12-01T00:00:00.000000Z"
    assert last["timestamp"] == "2024-12-31T23:59:59.999999Z"
    assert first["attribute.distance"] == "0.0000001"
    assert first["attribute.cost"] == "12345678901234567890.10"
    assert first["dimension.city"] == "Chennai"
    assert list(first)[9:] == [
        *("attribute.cost", "unit.cost", "attribute.distance", "unit.distance", "dimension.city")
    ]
    assert str(result) == (
        f"{path}: 2 rows of 5 events; left out: 2 outside the time window, 1 reverted"
    )


def test_a_malformed_event_is_kept_and_counted(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add_many(3)

    def spoil(response: Any) -> None:
        response["events"][0]["eventPayload"]["timestamp"] = "yesterday"
        response["events"][1]["eventPayload"]["attributes"] = [
            {"name": "distance", "value": {"km": 3}}
        ]
        response["events"][2]["referenceId"] = "\ud800\n"

    fake.change_next(spoil)
    result = run("acme", path)
    assert (result.rows, result.malformed) == (3, 2)
    rows = read_csv(path)
    assert rows[0]["timestamp"] == "yesterday"
    assert rows[1]["attribute.distance"] == '{"km": 3}'
    assert rows[2]["reference_id"] == "\\ud800\n"
    assert run("acme", path.with_suffix(".parquet")).rows == 3


def test_several_accounts_are_read_each_in_order(fake: FakeTogai, run: Run, path: Path) -> None:
    for account in ("acme", "globex", "initech"):
        fake.add_many(120, account_id=account)
    seen: list[ExportProgress] = []
    result = run(["acme", "globex"], path, concurrency=2, on_progress=seen.append)
    assert result.rows == 240
    rows = read_csv(path)
    for account in ("acme", "globex"):
        assert [row["id"] for row in rows if row["account_id"] == account] == [
            f"event-{number}" for number in range(1, 121)
        ]
    assert len(seen) == 6
    assert seen[-1] == ExportProgress(read=240, rows=240, accounts_done=2, accounts=2)
    assert run(None, path.with_name("all.csv")).rows == 360


def test_an_event_that_two_pages_show_is_one_row(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add_many(60)

    def overlapped(response: Any) -> None:
        first = fake.events[49]
        response["events"].insert(0, {**response["events"][0], "referenceId": first.reference_id})

    fake.change_next(overlapped, skip=1)
    result = run("acme", path)
    assert (result.rows, result.repeated) == (60, 1)


def test_chosen_columns_come_in_their_order(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add(id="ride-1")
    run("acme", path, columns=["attribute.distance", "id", "attribute.absent"])
    assert path.read_text() == "attribute.distance,id,attribute.absent\n10.4,ride-1,\n"


def test_a_spreadsheet_runs_nothing_that_the_service_says(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add(
        id='=HYPERLINK("http://x")', attributes=amounts(distance="-7.5"), dimensions={"@n": "+1"}
    )
    run("acme", path, excel=True)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    (row,) = read_csv(path, "utf-8-sig")
    assert row["id"] == '\'=HYPERLINK("http://x")'
    assert row["dimension.@n"] == "'+1"
    assert row["attribute.distance"] == "-7.5"  # a number, which stays one


def test_json_lines_hold_every_digit(fake: FakeTogai, run: Run, tmp_path: Path) -> None:
    fake.add(id="ride-1", attributes=amounts(distance="1.10"))
    run("acme", tmp_path / "out.jsonl", columns=["id", "attribute.distance", "customer_id"])
    (line,) = (tmp_path / "out.jsonl").read_text().splitlines()
    expected = {"id": "ride-1", "attribute.distance": "1.10", "customer_id": "customer-1"}
    assert json.loads(line) == expected


def test_parquet_holds_exact_decimals_and_times(fake: FakeTogai, run: Run, tmp_path: Path) -> None:
    wide = "9" * 30 + "." + "1" * 30
    fake.add(id="a", attributes=amounts(small="1.10", wide=wide, huge="8" * 100, mixed="1"))
    fake.add(id="b", attributes=amounts(small="-250.125", wide="2", huge="1", mixed="2"))

    def spoil(response: Any) -> None:
        response["events"][1]["eventPayload"]["attributes"][3]["value"] = "about two"

    fake.change_next(spoil)
    run("acme", tmp_path / "out.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert types["timestamp"] == "timestamp[us, tz=UTC]"
    assert types["attribute.small"] == "decimal128(38, 3)"
    assert types["attribute.wide"] == "decimal256(76, 30)"
    assert types["attribute.huge"] == types["attribute.mixed"] == "string"
    rows = table.to_pylist()
    assert [row["attribute.small"] for row in rows] == [Decimal("1.100"), Decimal("-250.125")]
    assert rows[0]["attribute.wide"] == Decimal(wide)
    assert rows[0]["attribute.huge"] == "8" * 100
    assert rows[1]["attribute.mixed"] == "about two"


def test_an_export_without_rows_has_a_header(run: Run, tmp_path: Path) -> None:
    assert run("acme", tmp_path / "out.csv").rows == 0
    assert len(read_csv(tmp_path / "out.csv")) == 0
    assert (tmp_path / "out.csv").read_text().startswith("reference_id,id,")
    run("acme", tmp_path / "out.parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "out.parquet")
    assert str(schema.field("timestamp").type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize("pages", [0, 1, 2])
def test_after_an_error_the_same_call_goes_on(
    fake: FakeTogai, connect: Connect, url: str, path: Path, pages: int
) -> None:
    fake.add_many(130)
    fake.fail_next(status=500, skip=pages)
    with connect(base_url=url, max_retries=0) as api:

        def run() -> ExportResult:
            if api.is_async:
                return cast("ExportResult", api.resolve(export_async(api.client, "acme", path)))
            return export(api.client, "acme", path)

        with pytest.raises(ServerError):
            run()
        assert not path.exists()
        sent = len(fake.requests)
        result = run()
        assert len(fake.requests) == sent + 3 - pages
        assert run() == result
        assert len(fake.requests) == sent + 3 - pages
    assert [row["id"] for row in read_csv(path)] == [f"event-{number}" for number in range(1, 131)]


def test_a_checkpoint_of_another_export_is_refused(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add_many(60)
    fake.fail_next(status=400, skip=1)
    with pytest.raises(TogaiError):
        run("acme", path)
    for accounts, options in (
        ("globex", {}),
        ("acme", DECEMBER),
        ("acme", {"columns": ["id"]}),
        ("acme", {"include_reverted": True}),
    ):
        with pytest.raises(InvalidRequest, match=r"belongs to another export: .* was "):
            run(accounts, path, **options)
    assert run("globex", path, restart=True).rows == 0


def test_what_the_export_did_not_write_is_not_replaced(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add_many(2)
    path.write_text("mine")
    with pytest.raises(InvalidRequest, match="exists already"):
        run("acme", path)
    assert path.read_text() == "mine"
    assert run("acme", path, restart=True).rows == 2
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(InvalidRequest, match=r"bytes instead of .*restart=True"):
        run("acme", path)
    path.unlink()
    with pytest.raises(InvalidRequest, match="is gone"):
        run("acme", path)
    assert run("acme", path, restart=True).rows == 2
    assert path.read_bytes() == whole
    path.with_name("out.csv.checkpoint").write_text(
        "not a database at all, but long enough to read"
    )
    with pytest.raises(InvalidRequest, match="is not the checkpoint of an export"):
        run("acme", path)


def test_a_second_process_is_refused(fake: FakeTogai, run: Run, path: Path) -> None:
    other = sqlite3.connect(path.with_name("out.csv.checkpoint"))
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(InvalidRequest, match="another process is exporting to"):
            run("acme", path)
    finally:
        other.close()
    assert not fake.requests


@pytest.mark.parametrize(
    ("accounts", "options", "problem"),
    [
        ([], {}, "pass account ids"),
        (["acme", ""], {}, "pass account ids"),
        ("acme", {"since": datetime(2024, 12, 1)}, "with a time zone"),
        ("acme", {"since": DECEMBER["until"], "until": DECEMBER["since"]}, "is empty"),
        ("acme", {"columns": "id"}, "list of names"),
        ("acme", {"columns": ["id", "id"]}, "twice"),
        ("acme", {"columns": ["distance"]}, r"attribute\.NAME"),
        ("acme", {"format": "xml"}, "csv, jsonl, parquet"),
        ("acme", {"format": "jsonl", "excel": True}, "is for csv only"),
        ("acme", {"concurrency": 0}, "from 1 to 50"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_sent_or_written(
    fake: FakeTogai, run: Run, path: Path, accounts: Any, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        run(accounts, path, **options)
    with pytest.raises(TypeError, match="no parameter 'colums'"):
        run("acme", path, colums=["id"])
    with pytest.raises(InvalidRequest, match="has no known extension"):
        run("acme", path.with_suffix(".xls"))
    assert not fake.requests
    assert not list(path.parent.iterdir())


def test_only_parquet_needs_its_library(
    fake: FakeTogai, run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise ConfigurationError("install it")

    monkeypatch.setattr("togai.jobs._formats.pyarrow", missing)
    with pytest.raises(ConfigurationError, match="install it"):
        run("acme", path.with_suffix(".parquet"))
    assert not fake.requests
    assert run("acme", path).rows == 0


def test_a_time_that_cannot_be_read_is_in_no_window_and_the_row_is_kept(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add_many(1)
    fake.set_next("$.events[0].eventPayload.timestamp", "yesterday")
    result = run("acme", path, **DECEMBER)
    assert (result.rows, result.malformed, result.outside) == (1, 1, 0)


def test_a_folder_that_does_not_exist_is_named(run: Run, path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"absent.out\.csv\.checkpoint cannot be written"):
        run("acme", path.parent / "absent" / "out.csv")


def test_the_rows_kept_are_for_the_owner_alone(fake: FakeTogai, run: Run, path: Path) -> None:
    run("acme", path)
    if sys.platform != "win32":
        assert path.with_name("out.csv.checkpoint").stat().st_mode & 0o077 == 0


def test_an_error_of_the_callback_is_raised_as_it_is(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add_many(120)

    def fail(progress: ExportProgress) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run("acme", path, on_progress=fail)
    assert run("acme", path).rows == 120


def test_a_cancelled_export_goes_on(fake: FakeTogai, url: str, path: Path) -> None:
    from togai import AsyncTogai

    fake.add_many(120)

    async def cancelled() -> ExportResult:
        async with AsyncTogai(TOKEN, base_url=url) as client:
            task: asyncio.Task[Any]

            def stop(progress: ExportProgress) -> None:
                loop.call_soon_threadsafe(task.cancel)

            loop = asyncio.get_running_loop()
            task = asyncio.ensure_future(export_async(client, "acme", path, on_progress=stop))
            with pytest.raises(asyncio.CancelledError):
                await task
            return await export_async(client, "acme", path)

    assert asyncio.run(cancelled()).rows == 120


CHILD = """
import sys
from togai import Togai
from togai.jobs import export
def report(progress): print(progress.read, flush=True)
with Togai("test-token", base_url=sys.argv[1], requests_per_second=None) as client:
    export(client, ["acme", "globex", "initech"], sys.argv[2], on_progress=report, concurrency=2)
"""


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_process_killed_at_any_instant_loses_and_repeats_nothing(
    fake: FakeTogai, url: str, path: Path, number: int
) -> None:
    for account in ("acme", "globex", "initech"):
        fake.add_many(200, account_id=account)
    kills = 0
    while True:
        with subprocess.Popen(
            [sys.executable, "-W", "error", "-c", CHILD, url, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line, _ in enumerate(process.stdout):
                if line == kills % 3:
                    process.send_signal(number)
                    kills += 1
                    break
        if process.returncode == 0:
            break
    assert kills >= 2
    rows = read_csv(path)
    assert Counter(row["account_id"] for row in rows) == dict.fromkeys(
        ("acme", "globex", "initech"), 200
    )
    assert len({row["reference_id"] for row in rows}) == 600
    for account in ("acme", "globex", "initech"):
        ids = [int(row["id"][6:]) for row in rows if row["account_id"] == account]
        assert ids == sorted(ids)


def test_a_crash_while_the_file_is_written_writes_it_again(
    fake: FakeTogai, url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(120)
    for place in ("togai.jobs._checkpoint.Checkpoint.complete", "pathlib.Path.replace"):
        with monkeypatch.context() as patch, Togai(TOKEN, base_url=url) as client:

            def crash(*_: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(place, crash)
            with pytest.raises(KeyboardInterrupt):
                export(client, "acme", path)
        sent = len(fake.requests)
        with Togai(TOKEN, base_url=url) as client:
            assert export(client, "acme", path).rows == 120
        assert len(fake.requests) == sent
        assert len(read_csv(path)) == 120
        path.unlink()
        path.with_name("out.csv.checkpoint").unlink()


def test_a_full_disk_is_an_error_that_says_how_to_go_on(
    fake: FakeTogai, run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(TogaiError, match=r"No space left.*repeat the same call"):
            run("acme", path)
    assert not path.exists()
    assert run("acme", path).rows == 3


def test_time_is_compared_not_its_text(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add(id="edge")
    fake.set_next("$.events[0].eventPayload.timestamp", "0001-01-01T00:00:00+05:00", times=2)
    assert run("acme", path).rows == 1
    assert read_csv(path)[0]["timestamp"].startswith("0001-01-01T00:00:00")
    since = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)
    fake.add(id="at")
    result = run("acme", path, since=since, until=since + timedelta(seconds=1), restart=True)
    assert result.rows == 1
