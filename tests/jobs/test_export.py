"""Exports: exact and complete, and refused before anything is sent."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from togai import ConfigurationError, InvalidRequest, Togai
from togai.jobs import ExportOptions, ExportProgress, ExportResult, export_async
from togai.testing import FakeTogai

from ..conftest import Api
from ..waiting import wait_until
from .conftest import DECEMBER, Run, amounts, read_csv


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
    assert seen[0] == ExportProgress(read=50, rows=50, accounts_done=0, accounts=2)
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


def test_two_events_without_a_reference_id_are_two_rows(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add_many(2)

    def spoil(response: Any) -> None:
        for event in response["events"]:
            del event["referenceId"]

    fake.change_next(spoil)
    result = run("acme", path)
    assert [row["id"] for row in read_csv(path)] == ["event-1", "event-2"]
    assert (result.rows, result.malformed, result.repeated) == (2, 2, 0)


def test_an_account_that_is_named_twice_is_exported_once(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add_many(2)
    result = run(["acme", "acme"], path)
    assert (result.rows, result.read) == (2, 2)


@pytest.mark.parametrize(
    ("window", "ids"),
    [
        ({}, ["november", "december", "january"]),
        ({"since": DECEMBER["since"]}, ["december", "january"]),
        ({"until": DECEMBER["until"]}, ["november", "december"]),
    ],
)
def test_a_time_window_may_be_open(
    fake: FakeTogai, run: Run, path: Path, window: dict[str, Any], ids: list[str]
) -> None:
    for name, month in (("november", "2024-11"), ("december", "2024-12"), ("january", "2025-01")):
        fake.add(id=name, timestamp=f"{month}-01T00:00:00Z")
    assert run("acme", path, **window).outside == 3 - len(ids)
    assert [row["id"] for row in read_csv(path)] == ids


def test_a_reverted_event_is_a_row_on_request(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add(id="gone", status="REVERTED")
    fake.add(id="old", status="REVERTED", timestamp="2024-11-30T00:00:00Z")
    result = run("acme", path, include_reverted=True, **DECEMBER)
    assert (result.rows, result.reverted, result.outside) == (1, 0, 1)
    assert [(row["id"], row["status"]) for row in read_csv(path)] == [("gone", "REVERTED")]


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, "out.csv: 1,000 rows of 1,234 events"),
        ({"malformed": 1000}, "out.csv: 1,000 rows of 1,234 events; 1,000 of them malformed"),
        (
            {"outside": 1, "reverted": 2, "repeated": 3},
            (
                "out.csv: 1,000 rows of 1,234 events; left out: 1 outside the time window, 2 reverted,"
                " 3 listed twice"
            ),
        ),
    ],
)
def test_a_result_is_summed_up_in_a_line(counts: dict[str, int], text: str) -> None:
    none = {"reverted": 0, "outside": 0, "malformed": 0, "repeated": 0}
    result = ExportResult(
        path=Path("out.csv"), rows=1000, read=1234, columns=("id",), **{**none, **counts}
    )
    assert str(result) == text


def test_the_numbers_of_a_result_are_passed_by_name_and_every_option_is_optional() -> None:
    with pytest.raises(TypeError):
        ExportResult(Path("out.csv"), 1, 1, 0, 0, 0, 0, ("id",))  # type: ignore[call-arg]
    assert not ExportOptions.__required_keys__


@pytest.mark.parametrize(("options", "number"), [({}, 8), ({"concurrency": 2}, 2)])
def test_eight_accounts_are_read_at_once_unless_another_number_is_passed(
    api: Api,
    run: Run,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, int],
    number: int,
) -> None:
    seen: list[int] = []
    original = type(api.client.events).list_many

    def list_many(events: Any, accounts: Any, *, concurrency: int) -> Any:
        seen.append(concurrency)
        return original(events, accounts, concurrency=concurrency)

    monkeypatch.setattr(type(api.client.events), "list_many", list_many)
    run("acme", path, **options)
    assert seen == [number]


def test_the_next_page_of_all_accounts_is_requested_while_one_is_stored(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add_many(60)

    def wait(_: ExportProgress) -> None:
        wait_until(lambda: len(fake.requests) == 2)

    run(None, path, on_progress=wait)
    assert len(fake.requests) == 2


def test_without_a_running_event_loop_nothing_is_written(url: str, path: Path) -> None:
    client: Any = Togai("test-token", base_url=url)
    with client, pytest.raises(ConfigurationError, match="needs a running asyncio event loop"):
        export_async(client, "acme", path).send(None)
    assert not list(path.parent.iterdir())


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


@pytest.mark.parametrize(
    ("accounts", "options", "problem"),
    [
        ([], {}, "pass account ids"),
        (5, {}, "accounts=5: pass account ids"),
        (["acme", 5], {}, "pass account ids"),
        ("\ud800", {}, "accounts"),
        (["acme", ""], {}, "pass account ids"),
        ("acme", {"since": datetime(2024, 12, 1)}, "with a time zone"),
        ("acme", {"since": DECEMBER["until"], "until": DECEMBER["since"]}, "is empty"),
        ("acme", {"since": DECEMBER["until"], "until": DECEMBER["until"]}, "is empty"),
        ("acme", {"columns": "id"}, "list of names"),
        ("acme", {"columns": []}, "list of names"),
        ("acme", {"columns": ["id", 5]}, "list of names"),
        ("acme", {"columns": 5}, "list of names"),
        ("acme", {"columns": ["id", "id"]}, "twice"),
        ("acme", {"columns": ["distance"]}, r"attribute\.NAME"),
        ("acme", {"format": "xml"}, "format='xml': pass format='csv', 'jsonl' or 'parquet'"),
        ("acme", {"format": 5}, "format=5: pass format='csv', 'jsonl' or 'parquet'"),
        ("acme", {"format": ["csv"]}, r"format=\['csv'\]: pass format="),
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
        run("acme", path, colums=["id"], rows=True)
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
    with pytest.raises(
        InvalidRequest, match=r"out\.csv\.checkpoint cannot be written: No such file or directory$"
    ):
        run("acme", path.parent / "absent" / "out.csv")


def link(path: Path) -> None:
    """A link to a regular file, such as /dev/stdout if the shell redirects it to a file."""
    path.symlink_to(__file__)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, link], ids=["folder", "pipe", "link"])
@pytest.mark.parametrize("restart", [False, True], ids=["", "restart"])
def test_what_is_not_a_file_is_never_replaced(
    fake: FakeTogai, run: Run, path: Path, make: Callable[[Path], None], restart: bool
) -> None:
    make(path)
    with pytest.raises(InvalidRequest, match=r"out\.csv is a link, or not a file: export to "):
        run("acme", path, restart=restart)
    assert not fake.requests
    assert list(path.parent.iterdir()) == [path]


def test_a_link_in_the_place_of_the_new_file_is_not_followed(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add(account_id="acme")
    other = path.with_name("other")
    other.write_text("kept")
    path.with_name("out.csv.new").symlink_to(other)
    run("acme", path)
    assert other.read_text() == "kept"
    assert not path.is_symlink()


def test_the_rows_kept_are_for_the_owner_alone(fake: FakeTogai, run: Run, path: Path) -> None:
    run("acme", path)
    if sys.platform != "win32":
        assert path.with_name("out.csv.checkpoint").stat().st_mode & 0o077 == 0


def test_time_is_compared_not_its_text(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add(id="edge")
    fake.set_next("$.events[0].eventPayload.timestamp", "0001-01-01T00:00:00+05:00", times=2)
    assert run("acme", path).rows == 1
    assert read_csv(path)[0]["timestamp"].startswith("0001-01-01T00:00:00")
    since = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)
    fake.add(id="at")
    result = run("acme", path, since=since, until=since + timedelta(seconds=1), restart=True)
    assert result.rows == 1
