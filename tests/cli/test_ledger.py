"""The commands for the ledger: what is open, what a reading or a person decides, and who did what when."""

from __future__ import annotations

import csv
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from togai.corrections import Ledger
from togai.testing import FakeTogai

from .conftest import Open, Pipe, table


@pytest.fixture
def four(fake: FakeTogai) -> FakeTogai:
    fake.add_many(3)
    fake.add(id="abroad", account_id="globex")
    return fake


@pytest.fixture
def undo(four: FakeTogai, ledger: Path, pipe: Pipe) -> Pipe:
    """Undoes one event."""

    def run(event_id: str, account: str = "acme", **more: str) -> Any:
        named = ("--account", account, "--event-id", event_id, "--why", f"why {event_id}")
        return pipe("undo", *named, "--who", "ann", "--expect", "1", **more)

    return run


def columns(text: str) -> list[str]:
    return text.splitlines()[0].split()


def test_an_open_correction_is_listed_with_its_cause(
    fake: FakeTogai, undo: Pipe, pipe: Pipe, screen: Pipe
) -> None:
    fake.drop_next(method="POST")
    undo("event-1")
    done = pipe("pending", "--json")
    assert (done.returncode, done.stderr) == (3, "Check with: togai reconcile\n")
    (row,) = json.loads(done.stdout)
    assert (row["entry"], row["action"]) == ("2", "UNDO")
    assert (row["reference_id"], row["account_id"], row["who"]) == ("ref-1", "acme", "ann")
    assert row["why"] == "why event-1"
    assert "lost the connection" in row["cause"]
    shown = screen("pending")
    assert columns(shown.stdout) == [
        "entry",
        "at",
        "action",
        "event_id",
        "reference_id",
        "who",
        "cause",
    ]


@pytest.fixture
def in_progress(fake: FakeTogai, undo: Pipe, ledger: Path) -> str:
    """A ledger with a correction whose outcome is not recorded: its process is at work, or ended."""
    fake.change_next(lambda _: shutil.copy(ledger, "copy.db") and None, method="POST")
    assert undo("event-1").returncode == 0
    return "copy.db"


def test_a_correction_without_a_recorded_outcome_may_be_in_progress(
    in_progress: str, pipe: Pipe
) -> None:
    for _ in range(2):
        (row,) = json.loads(pipe("pending", "--json", "--ledger", in_progress).stdout)
        assert row["cause"] == "in progress, or the process ended before the outcome was known"


def test_a_correction_in_progress_is_not_decided_to_be_not_applied(
    in_progress: str, pipe: Pipe
) -> None:
    named = ("--why", "its process seemed dead", "--ledger", in_progress)
    done = pipe("decide", "2", "not-applied", *named)
    assert done.returncode == 2
    assert re.fullmatch(
        r"togai: entry 2: .* may be in progress: decide after [0-9: -]{19}Z\n", done.stderr
    )
    assert pipe("decide", "2", "applied", *named).returncode == 0


def test_a_correction_that_is_no_longer_in_progress_is_decided_to_be_not_applied(
    in_progress: str, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = datetime.now(UTC) + timedelta(minutes=10)
    monkeypatch.setattr("togai._storage.database._SQLiteTransaction.now", lambda _self: later)
    monkeypatch.setattr("togai._storage.uptime.since", lambda _recorded: timedelta(minutes=10))
    named = ("--why", "its process seemed dead", "--ledger", in_progress)
    assert pipe("decide", "2", "not-applied", *named).returncode == 0


def test_a_correction_at_another_service_stays_open_and_its_address_is_named(
    fake: FakeTogai, undo: Pipe, pipe: Pipe, url: str
) -> None:
    fake.drop_next(method="POST")
    undo("event-1")
    cause = json.loads(pipe("pending", "--json").stdout)[0]["cause"]
    done = pipe("reconcile", "--json", "--sandbox", TOGAI_BASE_URL="")
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["verdict"]) == (4, "cannot tell")
    service = url.replace("127.0.0.1", "localhost")
    assert row["evidence"].endswith(f": pass --base-url={service}")
    assert json.loads(pipe("pending", "--json").stdout)[0]["cause"] == cause


def test_one_open_correction_may_be_reconciled_alone(
    fake: FakeTogai, undo: Pipe, pipe: Pipe, screen: Pipe
) -> None:
    fake.drop_next(method="POST", acts=True)
    undo("event-1")
    fake.drop_next(method="POST", acts=True)
    undo("event-2")
    first, second = (row["entry"] for row in json.loads(pipe("pending", "--json").stdout))
    done = screen("reconcile", first)
    assert (done.returncode, done.stderr) == (
        0,
        "1 settled. To continue an interrupted plan, repeat its command; to see it: togai history\n",
    )
    assert columns(done.stdout) == [
        *("entry", "action", "event_id", "reference_id", "verdict", "evidence", "check_after")
    ]
    assert [row["entry"] for row in json.loads(pipe("pending", "--json").stdout)] == [second]
    again = pipe("reconcile", first)
    assert again.returncode == 2
    assert again.stderr == (
        f"togai: entry {first} is not open; to list the open entries: togai pending\n"
    )
    (row,) = json.loads(pipe("reconcile", "--json").stdout)
    assert (row["entry"], row["verdict"], row["reference_id"]) == (second, "applied", "ref-2")
    assert row["evidence"]
    done = pipe("reconcile")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Nothing is open.\n")
    assert fake.applied == {"ref-1": 1, "ref-2": 1}


def test_a_ledger_that_is_named_is_reconciled_whatever_the_environment_names(
    fake: FakeTogai, undo: Pipe, pipe: Pipe, ledger: Path
) -> None:
    fake.drop_next(method="POST", acts=True)
    undo("event-1")
    done = pipe("reconcile", "--ledger", str(ledger), TOGAI_LEDGER="missing.db")
    assert (done.returncode, done.stderr[:9]) == (0, "1 settled")


def test_the_number_of_an_outcome_means_its_correction(
    fake: FakeTogai, undo: Pipe, pipe: Pipe
) -> None:
    fake.drop_next(method="POST")
    undo("event-1")
    entries = [json.loads(line) for line in pipe("history", "--jsonl").stdout.splitlines()]
    intent, outcome = (str(entry["id"]) for entry in entries[-2:])
    (row,) = json.loads(pipe("reconcile", outcome, "--json").stdout)
    assert row["entry"] == intent
    done = pipe("decide", outcome, "applied", "--why", "ticket 4711")
    assert done.stderr == f"Entry {intent} is settled: applied. Next: togai pending\n"
    assert pipe("reconcile", outcome).stderr.startswith(f"togai: entry {intent} is not open")


def test_what_reading_cannot_tell_stays_open(fake: FakeTogai, undo: Pipe, pipe: Pipe) -> None:
    fake.drop_next(method="POST")
    undo("event-1")
    fake.drop_next(method="POST", acts=True)
    undo("event-2")
    first, second = (row["entry"] for row in json.loads(pipe("pending", "--json").stdout))
    done = pipe("reconcile", "--jsonl")
    assert done.returncode == 4
    verdicts = [json.loads(line)["verdict"] for line in done.stdout.splitlines()]
    assert verdicts == ["cannot tell", "applied"]
    assert done.stderr == (
        "1 without a verdict so far. Later: togai reconcile."
        f" If you know the outcome: togai decide {first} applied --why TEXT (or not-applied)\n"
    )
    assert pipe("reconcile", first).returncode == 4
    assert second != first


@pytest.mark.parametrize(
    ("verdict", "kind"), [("applied", "applied"), ("not-applied", "not applied")]
)
def test_the_decision_of_a_person_is_recorded_with_name_and_reason(
    fake: FakeTogai, undo: Pipe, pipe: Pipe, verdict: str, kind: str
) -> None:
    fake.drop_next(method="POST")
    undo("event-1")
    (entry,) = (row["entry"] for row in json.loads(pipe("pending", "--json").stdout))
    done = pipe("decide", entry, verdict, "--why", "ticket 4711", "--who", "bea")
    assert done.returncode == 0
    assert done.stderr == f"Entry {entry} is settled: {verdict}. Next: togai pending\n"
    last = json.loads(pipe("history", "--jsonl").stdout.splitlines()[-1])
    assert (last["kind"], last["who"], last["why"]) == (kind, "bea", "ticket 4711")


def test_a_release_is_recorded_with_name_and_reason(
    fake: FakeTogai, undo: Pipe, pipe: Pipe
) -> None:
    assert undo("event-1").returncode == 0
    done = pipe("ledger", "release", "2", "--why", "mistaken", "--who", "bea")
    assert done.returncode == 0
    assert "may be corrected once more, if it is not REVERTED" in done.stderr
    last = json.loads(pipe("history", "--jsonl").stdout.splitlines()[-1])
    assert (last["kind"], last["who"], last["why"]) == ("released", "bea", "mistaken")
    assert "\tapplied\t" in pipe("report").stdout.partition("Corrections")[2]


def test_the_history_is_filtered(undo: Pipe, pipe: Pipe, ledger: Path) -> None:
    undo("event-1")
    undo("abroad", "globex")
    digest = str(next(Ledger(ledger).history()).plan)
    for options, entries in (
        ("", "1 2 3 4 5 6"),
        ("--account acme", "2 3"),  # an approval is about a plan
        ("--account globex", "5 6"),
        ("--reference-id ref-4", "5 6"),
        (f"--plan {digest}", "1 2 3"),
        (f"--plan {digest[:6]}", "1 2 3"),
        ("--plan none", ""),
        ("--since 2999-01", ""),
        ("--until 2999-01", "1 2 3 4 5 6"),
        ("--until 2000-01", ""),
        ("--since 2000-01", "1 2 3 4 5 6"),
    ):
        done = pipe("history", "--csv", *options.split())
        rows = list(csv.DictReader(done.stdout.splitlines()))
        assert [row["entry"] for row in rows] == entries.split(), options
        assert ("The ledger has no such entry." in done.stderr) == (not entries)


def test_the_history_names_plan_event_and_person(undo: Pipe, pipe: Pipe, screen: Pipe) -> None:
    undo("event-1")
    shown = screen("history").stdout.splitlines()
    assert shown[0].split() == ["entry", "at", "kind", "action", "about", "who", "why"]
    assert " approved " in shown[1]
    assert " plan " in shown[1]
    assert " ref-1 " in shown[2]
    plain = list(csv.DictReader(pipe("history").stdout.splitlines(), delimiter="\t"))
    assert list(plain[1]) == [
        *("entry", "at", "kind", "action", "reference_id", "plan", "who", "why")
    ]
    assert [row["kind"] for row in plain] == ["approved", "intent", "applied"]
    assert {row["who"] for row in plain} == {"ann"}
    assert len(plain[0]["plan"]) == 64
    entries = json.loads(pipe("history", "--json").stdout)
    assert entries[0]["plan"] == plain[0]["plan"]
    assert entries[1]["data"]["snapshot"]["payload"]["id"] == "event-1"
    assert entries == [json.loads(line) for line in pipe("history", "--jsonl").stdout.splitlines()]


def test_a_correction_of_a_whole_account_is_shown_without_an_event(
    four: FakeTogai, ledger: Path, url: str, screen: Pipe, pipe: Pipe
) -> None:
    from togai import Togai

    with Togai("test-token", base_url=url, ledger=Ledger(ledger)) as client:
        client.events.undo(account_id="acme", whole_account=True)
        client.events.undo(account_id="globex", reference_id="ref-4")
    shown = screen("history").stdout
    assert " account acme " in shown
    pipe("report", "--html", "r.html")
    corrections = Path("r.html").read_text("utf-8").split("<h2>")[3]
    assert re.findall(r'class="(reference_id|outcome|before)">([^<]*)<', corrections) == [
        ("reference_id", ""),
        ("outcome", "applied"),
        ("before", ""),
        ("reference_id", "ref-4"),
        ("outcome", "applied"),
        ("before", "distance (Kilometers)=10.4"),
    ]


def test_a_ledger_is_created_with_an_address_that_works_in_every_folder(
    pipe: Pipe, tmp_path: Path
) -> None:
    done = pipe("ledger", "create", "new.db")
    assert done.stderr == f"Created. Use it with: export TOGAI_LEDGER={tmp_path}/new.db\n"


def test_an_interruption_creates_no_ledger(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Ledger) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "pending", interrupt)
    assert pipe("ledger", "create", "new.db").returncode == 130
    assert not Path("new.db").exists()


def test_a_ledger_is_verified(undo: Pipe, pipe: Pipe) -> None:
    undo("event-1")
    assert pipe("ledger", "verify").stderr == "3 entries, all as written.\n"


def test_the_history_of_a_replacement_folds_no_word(
    month: FakeTogai, ledger: Path, pipe: Pipe, terminal: Open
) -> None:
    file = table("t.csv", "acme,ride-1,distance,2.25")
    assert pipe("correct", file, "--why", "typo in the meter", "--expect", "1").returncode == 0
    shown = terminal("history")
    assert shown.end() == 0
    for word in ("replacement", "REDO_EVENT", "approved", "typo in"):
        assert word in shown.text


def test_an_unknown_outcome_is_found_and_settled(
    month: FakeTogai, ledger: Path, pipe: Pipe, terminal: Open
) -> None:
    month.drop_next(acts=True, method="POST")
    command = ("undo", "--account", "acme", "--event-id", "ride-1", "--why", "x", "--expect", "1")
    done = pipe(*command)
    assert done.returncode == 4
    assert "Next: togai reconcile" in done.stderr
    assert "note: outcome unknown: UNDO of the events with --account acme, ref" in done.stderr
    assert "client." not in done.stderr
    assert pipe("pending").returncode == 3
    again = pipe(*command)
    assert again.returncode == 3
    assert "Next: togai reconcile" in again.stderr
    for other in (("--reference-id", "ref-1"), ("--since", "2024-12-01", "--event-id", "ride-1")):
        again = pipe("undo", "--account", "acme", *other, "--why", "x", "--expect", "1")
        assert again.returncode == 3
        assert "An earlier correction is open" in again.stderr
        assert "togai reconcile" in again.stderr
    shown = terminal("reconcile")
    assert shown.end() == 0
    assert "applied" in shown.text
    done = pipe("pending")
    assert (done.returncode, done.stderr) == (0, "Nothing is open.\n")
    assert month.applied == {"ref-1": 1}


def test_a_person_decides_what_reading_cannot_tell(
    month: FakeTogai, ledger: Path, pipe: Pipe
) -> None:
    month.drop_next(method="POST")
    command = ("undo", "--account", "acme", "--event-id", "ride-1", "--why", "x", "--expect", "1")
    assert pipe(*command).returncode == 4
    done = pipe("reconcile", "--json")
    assert done.returncode == 4
    (row,) = json.loads(done.stdout)
    assert row["verdict"] == "cannot tell"
    assert f"togai decide {row['entry']} applied --why TEXT (or not-applied)" in done.stderr
    assert pipe(*command).returncode == 3
    assert pipe("decide", row["entry"], "maybe", "--why", "x").returncode == 2
    assert pipe("decide", row["entry"], "not-applied").returncode == 2
    done = pipe(
        "decide", row["entry"], "not-applied", "--why", "their log shows nothing", "--who", "bea"
    )
    assert done.returncode == 0
    assert pipe(*command).returncode == 0
    assert month.applied == {"ref-1": 1}


def test_the_history_is_for_auditors(
    month: FakeTogai, ledger: Path, pipe: Pipe, terminal: Open
) -> None:
    assert "no such entry" in pipe("history").stderr
    pipe(
        "undo",
        "--account",
        "acme",
        "--event-id",
        "ride-1",
        "--why",
        "meter \x1b[1A7",
        "--expect",
        "1",
    )
    shown = terminal("history")
    assert shown.end() == 0
    for part in ("approved", "intent", "applied", "UNDO", "ref-1", "meter"):
        assert part in shown.text
    printed = csv.DictReader(pipe("history").stdout.splitlines(), delimiter="\t")
    assert all(row["who"] for row in printed)
    rows = [
        json.loads(line)
        for line in pipe("history", "--jsonl", "--reference-id", "ref-1").stdout.splitlines()
    ]
    assert [row["kind"] for row in rows] == ["intent", "applied"]
    assert rows[0]["data"]["snapshot"]["payload"]["id"] == "ride-1"
    assert pipe("ledger", "verify").returncode == 0
    released = pipe("ledger", "release", str(rows[0]["id"]), "--why", "mistaken undo")
    assert released.returncode == 0, released.stderr


@pytest.mark.slow
def test_a_ledger_on_postgresql_serves_the_command_line(
    month: FakeTogai, pipe: Pipe, postgres_address: str
) -> None:
    missing = pipe("pending", TOGAI_LEDGER=postgres_address)
    assert missing.returncode == 2
    assert "togai ledger create" in missing.stderr
    for said in ("Created.", "It exists already; nothing was changed."):
        done = pipe("ledger", "create", postgres_address)
        assert done.returncode == 0
        assert done.stderr == f"{said} Use it with: export TOGAI_LEDGER=the same address\n"
    named = ("--ledger", postgres_address)
    command = ("undo", "--account", "acme", "--event-id", "ride-1", "--why", "x", "--expect", "1")
    month.drop_next(acts=True, method="POST")
    assert pipe(*command, *named).returncode == 4
    assert pipe("pending", *named).returncode == 3
    assert pipe("reconcile", *named).returncode == 0
    assert pipe("ledger", "verify", *named).returncode == 0
    kinds = [
        json.loads(line)["kind"] for line in pipe("history", "--jsonl", *named).stdout.splitlines()
    ]
    assert kinds == ["approved", "intent", "unknown", "applied"]
