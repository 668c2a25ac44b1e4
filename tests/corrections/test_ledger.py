"""The ledger: intent on disk before sending, outcome after, readable after any crash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from togai import BadRequest, ConfigurationError, CorrectionOutcomeUnknown, InvalidRequest, Togai
from togai.corrections import Correction, Ledger, Selection, pending
from togai.models import CorrectionAction
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def undo(api: Api, ledger: Any) -> Any:
    return api.call("undo", account_id="acme", event_id="event-1", ledger=ledger)


def test_intent_and_outcome_are_written_with_who_and_why(
    api: Api, fake: FakeTogai, path: Path
) -> None:
    fake.add_many(1)
    undo(api, Ledger(path, who="ann", why="wrong meter"))
    intent, outcome = entries(path)
    assert (intent["kind"], intent["who"], intent["why"]) == ("intent", "ann", "wrong meter")
    assert intent["correction"]["action"] == "UNDO"
    assert intent["correction"]["selection"] == {"account_id": "acme", "event_id": "event-1"}
    assert (outcome["kind"], outcome["outcome"], outcome["id"]) == (
        "outcome",
        "answered",
        intent["id"],
    )
    assert outcome["entries"][0]["status"] == "REVERTED"
    assert pending(path) == []


def test_the_intent_is_on_disk_before_anything_is_sent(
    api: Api, fake: FakeTogai, path: Path
) -> None:
    fake.add_many(1)
    seen: list[int] = []
    fake.change_next(lambda body: seen.append(len(entries(path))))
    undo(api, str(path))
    assert seen == [1]


def test_a_refused_correction_is_not_pending(api: Api, fake: FakeTogai, path: Path) -> None:
    fake.fail_next(status=400)
    with pytest.raises(BadRequest):
        undo(api, path)
    assert entries(path)[1]["outcome"] == "not applied"
    assert pending(path) == []


def test_an_unknown_outcome_is_pending_until_it_is_settled(
    api: Api, fake: FakeTogai, path: Path
) -> None:
    fake.add_many(1)
    fake.fail_next(status=502, acts=True)
    with pytest.raises(CorrectionOutcomeUnknown) as caught:
        undo(api, path)
    (found,) = pending(path)
    assert found.correction == caught.value.correction
    assert "502" in str(found.cause)
    reconciliation = api.call("reconcile", found)
    assert reconciliation.verdict == "applied"
    Ledger(path).settle(found, reconciliation)
    assert pending(path) == []
    assert len(entries(path)) == 3


def test_what_cannot_be_told_stays_pending(api: Api, fake: FakeTogai, path: Path) -> None:
    fake.fail_next(status=502)
    with pytest.raises(CorrectionOutcomeUnknown):
        undo(api, path)
    (found,) = pending(path)
    Ledger(path).settle(found, api.call("reconcile", found))
    assert len(pending(path)) == 1


def test_nothing_is_sent_where_the_ledger_cannot_be_written(
    api: Api, fake: FakeTogai, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="nothing was sent"):
        undo(api, tmp_path / "no such folder" / "ledger")
    with pytest.raises(ConfigurationError, match="nothing was sent"):
        undo(api, tmp_path)
    assert not fake.requests


def test_a_result_reaches_the_caller_though_the_ledger_fails_after(
    api: Api, fake: FakeTogai, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake.add_many(1)

    def remove(_body: Any) -> None:
        path.unlink()
        path.mkdir()

    fake.change_next(remove)
    assert len(undo(api, path).succeeded) == 1
    assert "cannot be told its outcome" in caplog.text


def test_no_token_and_no_query_string_is_written(api: Api, fake: FakeTogai, path: Path) -> None:
    fake.add_many(1)
    fake.fail_next(status=502)
    with pytest.raises(CorrectionOutcomeUnknown):
        undo(api, path)
    assert TOKEN not in path.read_text()
    assert "account_id=acme&" not in path.read_text()


@pytest.mark.parametrize("kept", range(0, 400, 13))
def test_a_line_that_broke_off_at_any_place_leaves_a_readable_ledger(path: Path, kept: int) -> None:
    correction = Correction(
        action=CorrectionAction.UNDO, selection=Selection(account_id="acme", event_id="event-1")
    )
    first = Ledger(path).begin(correction)
    whole = path.read_bytes()
    Ledger(path).begin(correction)
    path.write_bytes(whole + path.read_bytes()[len(whole) :][:kept])
    before = [one.id for one in pending(path)]
    assert first in before
    third = Ledger(path).begin(correction)
    assert [one.id for one in pending(path)] == [*before, third]


def test_a_broken_outcome_leaves_its_intent_pending(api: Api, fake: FakeTogai, path: Path) -> None:
    fake.add_many(1)
    undo(api, path)
    path.write_bytes(path.read_bytes()[:-5])
    assert len(pending(path)) == 1


@pytest.mark.parametrize("content", ["hello\n", '{"a": 1}\n', "[]\n"])
def test_a_file_that_is_no_ledger_is_refused(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(InvalidRequest, match="no ledger"):
        pending(path)


def test_an_entry_of_another_version_is_refused_by_its_time(path: Path) -> None:
    path.write_text('{"kind": "intent", "id": "1", "time": "2030-01-01", "correction": {}}\n')
    with pytest.raises(InvalidRequest, match="2030-01-01"):
        pending(path)


@pytest.mark.parametrize("ledger", [5, "", b"", object(), True])
def test_a_ledger_that_is_no_path_is_refused_before_sending(
    api: Api, fake: FakeTogai, ledger: Any
) -> None:
    with pytest.raises(ConfigurationError, match="ledger="):
        undo(api, ledger)
    assert not fake.requests


def test_a_missing_ledger_is_refused_by_name(path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no ledger can be read"):
        pending(path)


def test_a_correction_reads_back_from_its_json(api: Api, fake: FakeTogai, path: Path) -> None:
    fake.add(id="a")
    fake.fail_next(status=502, method="POST")
    with pytest.raises(CorrectionOutcomeUnknown) as caught:
        api.call("replace", api.call("get", "a"), ledger=path)
    assert pending(path)[0].correction == caught.value.correction


WRITER = """
import sys
from togai.corrections import Correction, Ledger, Selection
from togai.models import CorrectionAction
ledger = Ledger(sys.argv[1], who=sys.argv[2])
for number in range(100):
    ledger.begin(Correction(action=CorrectionAction.UNDO,
        selection=Selection(account_id="x" * 3000, event_id=f"{sys.argv[2]}-{number}")))
"""


def test_processes_that_share_a_ledger_do_not_corrupt_it(path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), who]) for who in "abc"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    found = entries(path)
    assert len(found) == 300
    assert len({entry["correction"]["selection"]["event_id"] for entry in found}) == 300


KILLED = """
import os, random, signal, sys, time
from togai import Togai, TogaiError
url, path, rounds, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
chance = random.Random(seed)
for round in range(rounds):
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        client = Togai("test-token", base_url=url, requests_per_second=None, max_retries=0)
        client.events.get_all("nothing")
        os.write(tell, b"x")
        for number in range(50):
            client.events.undo(account_id="acme", reference_id=f"ref-{round * 50 + number + 1}", ledger=path)
        os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(tell)
    time.sleep(chance.uniform(0, 0.04))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_applied_that_the_ledger_does_not_know_of(
    fake: FakeTogai, url: str, path: Path, seed: int
) -> None:
    rounds = 100
    fake.add_many(rounds * 50)
    path.touch()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url, str(path), str(rounds), str(seed)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    waiting = {one.correction.selection.reference_id: one for one in pending(path)}
    known: set[str] = set()
    answered: set[str] = set()
    by_id: dict[str, str] = {}
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry["kind"] == "intent":
            by_id[entry["id"]] = entry["correction"]["selection"]["reference_id"]
            known.add(by_id[entry["id"]])
        else:
            answered.add(by_id[entry["id"]])
    applied = [one.reference_id for one in fake.corrections]
    assert applied
    assert len(applied) == len(set(applied))
    assert set(applied) <= known
    assert set(applied) - answered <= waiting.keys()
    with Togai(TOKEN, base_url=url, requests_per_second=None) as client:
        for reference_id, one in list(waiting.items())[:3]:
            verdict = client.events.reconcile(one).verdict
            assert verdict == ("applied" if reference_id in applied else "not applied")
