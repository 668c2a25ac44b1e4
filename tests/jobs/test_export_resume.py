"""Exports that were interrupted: resumed without losing or repeating a row, and never mixed with another file."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import pytest

from togai import AsyncTogai, InvalidRequest, ServerError, Togai, TogaiError
from togai.jobs import ExportProgress, ExportResult, export, export_async
from togai.jobs._checkpoint import Checkpoint
from togai.jobs._formats import WRITERS
from togai.testing import FakeTogai

from ..conftest import TOKEN, Connect
from .conftest import DECEMBER, Run, read_csv


@pytest.mark.parametrize("accounts", ["acme", None])
@pytest.mark.parametrize("pages", [0, 1, 2])
def test_after_an_error_the_same_call_goes_on(
    fake: FakeTogai, connect: Connect, url: str, path: Path, pages: int, accounts: str | None
) -> None:
    fake.add_many(130)
    fake.fail_next(status=500, skip=pages)
    with connect(base_url=url, max_retries=0) as api:

        def run() -> ExportResult:
            if api.is_async:
                return cast("ExportResult", api.resolve(export_async(api.client, accounts, path)))
            return export(api.client, accounts, path)

        with pytest.raises(
            ServerError
        ) as kept:  # the checkpoint is free although its frame is kept
            run()
        assert not path.exists()
        sent = len(fake.requests)
        result = run()
        assert len(fake.requests) == sent + 3 - pages
        assert run() == result
        assert len(fake.requests) == sent + 3 - pages
    assert kept.value.status == 500
    assert [row["id"] for row in read_csv(path)] == [f"event-{number}" for number in range(1, 131)]


def test_the_accounts_may_be_repeated_in_another_order(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add(id="ride-1", account_id="acme")
    fake.add(id="ride-2", account_id="globex")
    result = run(["globex", "acme"], path)
    sent = len(fake.requests)
    assert run(["acme", "globex"], path) == result
    assert len(fake.requests) == sent


def test_a_checkpoint_of_another_export_is_refused(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add_many(60)
    fake.fail_next(status=400, skip=1)
    with pytest.raises(TogaiError):
        run("acme", path)
    since = "2024-12-01T00:00:00.000000Z"
    for accounts, options, was in (
        ("globex", {}, r'accounts was \["acme"\], not \["globex"\]\. Repeat'),
        ("acme", DECEMBER, f"since was none, not {since}; until was none, not "),
        ("acme", {"columns": ["id"]}, r'columns was none, not \["id"\]\. Repeat'),
        ("acme", {"include_reverted": True}, r"include_reverted was false, not true\. Repeat"),
    ):
        with pytest.raises(InvalidRequest, match=f"belongs to another export: {was}"):
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
    assert list(path.parent.iterdir()) == [path]
    assert run("acme", path, restart=True).rows == 2
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(InvalidRequest, match=r"bytes instead of .*restart=True") as kept:
        run("acme", path)
    path.unlink()
    with pytest.raises(InvalidRequest, match="is gone"):
        run("acme", path)
    assert "has" in str(kept.value)  # the checkpoint was free although its frame is kept
    assert run("acme", path, restart=True).rows == 2
    assert path.read_bytes() == whole
    path.with_name("out.csv.checkpoint").write_text(
        "not a database at all, but long enough to read"
    )
    with pytest.raises(InvalidRequest, match="is not the checkpoint of an export"):
        run("acme", path)


def test_a_file_that_appears_meanwhile_is_not_replaced(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add_many(60)
    fake.fail_next(status=400, skip=1)
    with pytest.raises(TogaiError):
        run("acme", path)
    path.write_text("mine")
    with pytest.raises(InvalidRequest, match="exists already"):
        run("acme", path)
    assert path.read_text() == "mine"
    path.unlink()
    assert run("acme", path).rows == 60


def test_a_complete_export_keeps_no_event_in_its_checkpoint(
    fake: FakeTogai, run: Run, path: Path
) -> None:
    fake.add(id="confidential")
    run("acme", path)
    assert b"confidential" not in path.with_name("out.csv.checkpoint").read_bytes()
    assert sorted(file.name for file in path.parent.iterdir()) == ["out.csv", "out.csv.checkpoint"]


def test_a_second_process_is_refused(fake: FakeTogai, run: Run, path: Path) -> None:
    other = sqlite3.connect(path.with_name("out.csv.checkpoint"))
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(InvalidRequest, match="another process is exporting to"):
            run("acme", path)
    finally:
        other.close()
    assert not fake.requests


def test_an_error_of_the_callback_is_raised_as_it_is(fake: FakeTogai, run: Run, path: Path) -> None:
    fake.add_many(120)

    def fail(progress: ExportProgress) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run("acme", path, on_progress=fail)
    assert run("acme", path).rows == 120


def test_a_page_that_arrives_after_the_end_is_no_progress(
    fake: FakeTogai, run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(1)
    seen: list[ExportProgress] = []
    monkeypatch.setattr(Checkpoint, "add", lambda *_: None)
    run("acme", path, on_progress=seen.append)
    assert seen == []


def test_a_cancelled_export_goes_on(fake: FakeTogai, url: str, path: Path) -> None:
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


def test_an_export_that_is_cancelled_while_its_checkpoint_is_opened_releases_it(
    fake: FakeTogai, url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(3)
    real, tasks = Checkpoint._begin, list[asyncio.Task[Any]]()

    def begin(*given: Any, **more: Any) -> None:
        monkeypatch.undo()
        tasks[0].get_loop().call_soon_threadsafe(tasks[0].cancel)
        real(*given, **more)
        repeated.wait(0.05)  # never set: the call is not repeated before this thread has ended

    async def program() -> ExportResult:
        async with AsyncTogai(TOKEN, base_url=url) as client:
            tasks.append(asyncio.ensure_future(export_async(client, "acme", path)))
            with pytest.raises(asyncio.CancelledError):
                await tasks[0]
            try:
                return await export_async(client, "acme", path)
            finally:
                repeated.set()

    repeated = threading.Event()
    monkeypatch.setattr(Checkpoint, "_begin", begin)
    assert asyncio.run(program()).rows == 3


def test_an_export_that_is_cancelled_while_its_file_is_written_ends_after_the_writer(
    fake: FakeTogai, url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(3)
    ended: list[str] = []
    tasks: list[asyncio.Task[Any]] = []

    def write(
        _new: object, _columns: object, rows: Callable[[], Iterable[object]], **_: object
    ) -> None:
        tasks[0].get_loop().call_soon_threadsafe(tasks[0].cancel)
        try:
            while True:
                list(rows())
        finally:
            ended.append("writer")

    async def program() -> None:
        async with AsyncTogai(TOKEN, base_url=url) as client:
            tasks.append(asyncio.ensure_future(export_async(client, "acme", path)))
            with pytest.raises(asyncio.CancelledError):
                await tasks[0]
            ended.append("export")

    monkeypatch.setitem(WRITERS, "csv", write)
    asyncio.run(program())
    assert ended == ["writer", "export"]


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
