"""`scripts/bump` adopts a description into the project: completely, or not at all."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from contract import bump as bumping
from contract import transaction, verdicts
from contract.bump import bump
from contract.checks import CheckFailed, facade_facts
from contract.generation import GenerationFailed
from contract.load import Unusable, load, parse
from contract.merge import merge
from contract.verdicts import Hold

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = ("openapi.yaml", "generated", "tests/surface", "togai")


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A copy of what a bump reads and writes."""
    copy = tmp_path / "project"
    for part in PARTS:
        if (root / part).is_dir():
            skip = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(root / part, copy / part, ignore=skip)
        else:
            copy.mkdir(exist_ok=True)
            shutil.copy(root / part, copy / part)
    return copy


@pytest.fixture(autouse=True)
def generating_once(
    generate_once: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bumping, "generate", generate_once)


@pytest.fixture
def describe(root: Path, tmp_path: Path) -> Callable[..., str]:
    """Writes the contract as a vendor would have it after changes; gives the path."""

    def write(*changes: Callable[[dict[str, Any]], object]) -> str:
        document = parse((root / "openapi.yaml").read_bytes())
        for change in changes:
            change(document)
        path = tmp_path / "vendor.yaml"
        path.write_text(yaml.safe_dump(document), "utf-8")
        return str(path)

    return write


def add_property(document: dict[str, Any]) -> None:
    event = document["components"]["schemas"]["EventWithStatus"]
    event["properties"]["region"] = {"type": "string", "description": "Where it was taken in."}


def drop_account_filter(document: dict[str, Any]) -> None:
    listing = document["paths"]["/events"]["get"]["parameters"]
    listing[:] = [parameter for parameter in listing if parameter["name"] != "account_id"]


def add_status(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["IngestionStatusValue"]["enum"].append("INGESTION_DELAYED")


def break_type(document: dict[str, Any]) -> None:
    event = document["components"]["schemas"]["EventWithStatus"]
    event["properties"]["createdAt"] = {"type": "integer", "format": "int64"}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.slow
def test_bumping_to_the_contract_itself_changes_no_byte(
    project: Path, describe: Callable[..., str]
) -> None:
    before = snapshot(project)
    outcome = bump(describe(), root=project)
    assert (outcome.code, snapshot(project)) == (0, before)
    assert "Nothing to change" in outcome.report


@pytest.mark.slow
def test_a_quiet_bump_updates_contract_package_and_surface(
    project: Path, describe: Callable[..., str], root: Path
) -> None:
    outcome = bump(describe(add_property, add_status), root=project)
    assert outcome.code == 0
    model = (project / "generated/_togai_generated/models/event_with_status.py").read_text("utf-8")
    assert "region: str | None" in model
    was = (root / "tests/surface/python.txt").read_text("utf-8").splitlines()
    now = (project / "tests/surface/python.txt").read_text("utf-8").splitlines()
    assert set(was) < set(now)
    assert "togai.EventWithStatus.region: str | None" in now
    assert not list((project / "generated").glob(".*"))


@pytest.mark.long
def test_a_quiet_bump_is_read_in_twenty_lines(project: Path, describe: Callable[..., str]) -> None:
    report = bump(describe(add_property, add_status), root=project, write=False).report
    assert len(report.splitlines()) <= 20
    assert "new property `EventWithStatus.region`, string" in report
    assert "new enum member `IngestionStatusValue.INGESTION_DELAYED`" in report


@pytest.mark.long
def test_a_new_optional_property_costs_a_handful_of_generated_lines(
    project: Path, describe: Callable[..., str], root: Path
) -> None:
    bump(describe(add_property), root=project)
    model = "generated/_togai_generated/models/event_with_status.py"
    was, now = ((one / model).read_text("utf-8").splitlines() for one in (root, project))
    assert len(now) - len(was) <= 8
    same = filecmp.dircmp(root / "generated", project / "generated", ignore=["__pycache__"])
    assert not same.diff_files


def loosen(document: dict[str, Any]) -> None:
    event = document["components"]["schemas"]["Event"]["properties"]
    event["schemaName"]["maxLength"] = 100
    event["attributes"]["maxItems"] = 20
    size = next(
        parameter
        for parameter in document["paths"]["/events"]["get"]["parameters"]
        if parameter["name"] == "pageSize"
    )
    size["schema"]["maximum"] = 200


LOOSENED = """
from togai import InvalidRequest, Togai, build_event
from togai.testing import FakeTogai

def attempt(action):
    try:
        return str(action() is not None)
    except InvalidRequest as error:
        return f"refused: {error}"

def ride(name_length, attributes):
    return build_event("x" * name_length, account_id="acme", timestamp="2024-12-04T07:30:35Z",
                       attributes={str(number): 1 for number in range(attributes)}, id="ride")

fake = FakeTogai()
fake.add_many(150)
fake.add(id="ride")
with fake.serve() as url, Togai(fake.token, base_url=url) as client:
    print(attempt(lambda: ride(100, 20)))
    print(attempt(lambda: len(list(client.events.list(page_size=200)))))
    print(len(fake.requests))
    print(attempt(lambda: client.events.replace(ride(100, 20), account_id="acme", event_id="ride")))
    print(attempt(lambda: ride(101, 21)))
    print(attempt(lambda: client.events.list(page_size=201)))
"""


@pytest.mark.long
def test_what_a_bump_loosens_is_loosened_for_callers_and_in_the_fake(
    project: Path, describe: Callable[..., str]
) -> None:
    def attempts() -> list[str]:
        environment = {"PYTHONPATH": f"{project}:{project / 'generated'}", "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-c", LOOSENED],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    strict = attempts()
    assert len(strict) == 6
    assert [line for line in strict if not line.startswith("refused: ")] == ["0"]
    assert bump(describe(loosen), root=project).code == 0
    loose = attempts()
    assert loose[:4] == ["True", "True", "1", "True"]
    assert "schema_name must have 1 to 100 characters" in loose[4]
    assert "at most 20 attributes" in loose[4]
    assert "from 1 to 200" in loose[5]


@pytest.mark.long
def test_a_second_bump_changes_nothing(project: Path, describe: Callable[..., str]) -> None:
    spec = describe(add_property, add_status)
    bump(spec, root=project)
    after = snapshot(project)
    assert bump(spec, root=project).code == 0
    assert snapshot(project) == after


@pytest.mark.long
def test_a_dry_run_writes_nothing_and_gives_the_same_report(
    project: Path, describe: Callable[..., str]
) -> None:
    before = snapshot(project)
    spec = describe(add_property)
    dry = bump(spec, root=project, write=False)
    assert snapshot(project) == before
    expected = dry.report.replace("To be updated; nothing was written.", "Updated.")
    assert bump(spec, root=project).report == expected


def test_a_conflict_writes_nothing_and_says_what_depends_on_it(
    project: Path, describe: Callable[..., str]
) -> None:
    before = snapshot(project)
    outcome = bump(describe(break_type, add_property), root=project)
    assert (outcome.code, snapshot(project)) == (1, before)
    assert "#/components/schemas/EventWithStatus/properties/createdAt" in outcome.report
    assert "`string (date-time)`; vendor: `integer (int64)`" in outcome.report
    assert "togai.EventWithStatus.created_at" in outcome.report
    assert "--hold '#/components/schemas/EventWithStatus/properties/createdAt'" in outcome.report


@pytest.mark.long
def test_a_hold_lets_the_rest_of_a_bump_through(
    project: Path, describe: Callable[..., str]
) -> None:
    at = "#/components/schemas/EventWithStatus/properties/createdAt"
    spec = describe(break_type, add_property)
    outcome = bump(spec, [Hold(at, "the vendor's slip")], root=project)
    assert outcome.code == 0
    assert "the vendor's slip" in outcome.report
    kept = (project / "openapi.yaml").read_text("utf-8")
    assert "because: the vendor's slip" in kept
    assert bump(spec, root=project).code == 0
    assert (project / "openapi.yaml").read_text("utf-8") == kept


def test_a_hold_that_matches_nothing_is_unusable(
    project: Path, describe: Callable[..., str]
) -> None:
    with pytest.raises(Unusable, match="there is no difference at #/x; places: #/components"):
        bump(describe(break_type), [Hold("#/x", "why")], root=project)


@pytest.mark.slow
def test_schemas_that_are_nested_too_deep_are_refused_in_words(
    project: Path, describe: Callable[..., str]
) -> None:
    def nest(document: dict[str, Any]) -> None:
        known = document["components"]["schemas"]
        for i in range(2000):
            below = {"$ref": f"#/components/schemas/C{i + 1}"}
            known[f"C{i}"] = {"type": "object", "properties": {"below": below}}
        known["C2000"] = {"type": "string"}
        known["EventSource"]["properties"]["chain"] = {"$ref": "#/components/schemas/C0"}

    before = snapshot(project)
    with pytest.raises(Unusable, match="nested too deep"):
        bump(describe(nest), root=project)
    assert snapshot(project) == before


@pytest.mark.long
def test_a_renamed_property_is_read_under_both_names(
    project: Path, describe: Callable[..., str], root: Path
) -> None:
    def rename(document: dict[str, Any]) -> None:
        event = document["components"]["schemas"]["EventWithStatus"]
        event["properties"]["reference_id"] = event["properties"].pop("referenceId")
        event["required"] = ["reference_id", *event["required"][1:]]

    outcome = bump(describe(rename), root=project)
    assert outcome.code == 0, outcome.report
    assert "6 caller programs: same outcome" in outcome.report
    assert "`referenceId -> reference_id`; both names are read" in outcome.report
    script = """
from togai.models import EventWithStatus
from togai._drift import Deviation
from togai._salvage import salvage
body = {"eventPayload": {"schemaName": "s", "timestamp": "2024-12-04T00:00:00Z", "accountId": "a", "attributes": [],
        "dimensions": {}}, "ingestionStatus": {"status": "REVERTED"}, "createdAt": "2024-12-04T00:00:00Z"}
for name in ("referenceId", "reference_id"):
    read = EventWithStatus.from_dict({**body, name: "ref-1"})
    found = []
    salvaged = salvage(EventWithStatus, {**body, name: "ref-1", "createdAt": 7}, "$", found)
    print(read.reference_id, read.additional_properties, salvaged.reference_id, len(found))
"""
    path = os.pathsep.join([str(project / "generated"), str(project)])
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["ref-1 {} ref-1 1"] * 2


def rename_sent(document: dict[str, Any]) -> None:
    event = document["components"]["schemas"]["Event"]
    event["properties"]["account_id"] = event["properties"].pop("accountId")
    event["required"] = [
        "account_id" if name == "accountId" else name for name in event["required"]
    ]


def test_a_person_says_which_name_of_a_renamed_request_property_is_sent(
    describe: Callable[..., str], root: Path
) -> None:
    contract = parse((root / "openapi.yaml").read_bytes())
    theirs = parse(Path(describe(rename_sent)).read_bytes())
    (conflict,) = merge(contract, theirs).conflicts
    assert (conflict.ours, conflict.theirs) == ("accountId", "account_id")
    assert "--write OLD" in conflict.reason
    events = [
        merge(contract, theirs, write=name).contract["components"]["schemas"]["Event"]
        for name in ("OLD", "NEW")
    ]
    assert [list(event["properties"])[2] for event in events] == ["accountId", "account_id"]
    assert events[0]["properties"]["accountId"]["x-togai-aliases"] == ["account_id"]
    assert events[1]["properties"]["account_id"]["x-togai-aliases"] == ["accountId"]
    assert "account_id" in events[1]["required"]
    assert "accountId" not in events[1]["required"]


@pytest.mark.long
def test_a_bump_after_which_a_caller_program_has_another_outcome_is_refused(
    project: Path, describe: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the table had a hole: the filter is gone, and nobody objects.
    harmless = replace(verdicts.LOST_PARAMETER, verdict=verdicts.Verdict.ABSORBED)
    monkeypatch.setattr(verdicts, "LOST_PARAMETER", harmless)

    before = snapshot(project)
    outcome = bump(describe(add_property, drop_account_filter), root=project)
    assert (outcome.code, snapshot(project)) == (1, before)
    assert "callers would see another outcome: list by each filter" in outcome.report


@pytest.mark.long
def test_a_new_flag_of_a_page_is_not_another_outcome(
    project: Path, describe: Callable[..., str]
) -> None:
    # A last page that says that more follow would be an error.
    def more(document: dict[str, Any]) -> None:
        page = document["components"]["schemas"]["GetEventsResponse"]
        page["properties"]["hasMore"] = {"type": "boolean"}
        page["required"].append("hasMore")

    outcome = bump(describe(more), root=project)
    assert outcome.code == 0, outcome.report
    assert "new property `GetEventsResponse.hasMore`" in outcome.report


@pytest.mark.long
def test_a_bump_can_keep_sending_the_old_name(project: Path, describe: Callable[..., str]) -> None:
    outcome = bump(describe(rename_sent), root=project, names="OLD")
    assert outcome.code == 0, outcome.report
    assert "Different because of decisions: replace one quantity." in outcome.report
    # The next bump keeps the decision, although there is no last description.
    again = bump(describe(rename_sent, add_property), root=project)
    assert again.code == 0, again.report


@pytest.mark.long
def test_a_bump_can_send_the_new_name(project: Path, describe: Callable[..., str]) -> None:
    outcome = bump(describe(rename_sent), root=project, names="NEW")
    assert outcome.code == 0, outcome.report
    assert "6 caller programs: same outcome." in outcome.report
    facts = (project / "tests/surface/wire.txt").read_text("utf-8").splitlines()
    body = "POST /events/correction body $.event."
    names = ("accountId", "account_id")
    assert all(f"{body}{name} string required" in facts for name in names)


@pytest.mark.long
def test_an_earlier_decision_does_not_hide_another_outcome(
    project: Path, describe: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first_taken(project, describe())
    hold = Hold("#/components/schemas/EventWithStatus/properties/region", "not yet")
    assert bump(describe(add_property), [hold], root=project).code == 0
    # As if the table had a hole: the filter is gone, and nobody objects.
    harmless = replace(verdicts.LOST_PARAMETER, verdict=verdicts.Verdict.ABSORBED)
    monkeypatch.setattr(verdicts, "LOST_PARAMETER", harmless)
    outcome = bump(describe(add_property, drop_account_filter), root=project)
    assert outcome.code == 1
    assert "callers would see another outcome: list by each filter" in outcome.report


@pytest.mark.slow
def test_a_description_is_read_once(
    project: Path, describe: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[str] = []

    def counted(source: str) -> dict[str, Any]:
        sources.append(source)
        return load(source)

    monkeypatch.setattr(bumping, "load", counted)
    wording: Any = lambda d: d["paths"]["/events"]["get"].update(description="Lists.")  # noqa: E731
    first_taken(project, describe())
    assert bump(describe(wording), root=project).code == 0
    assert len(sources) == 2


@pytest.mark.long
def test_a_tightened_limit_that_breaks_a_caller_program_is_a_conflict_at_its_place(
    project: Path, describe: Callable[..., str]
) -> None:
    def tighten(limit: int) -> Callable[[dict[str, Any]], None]:
        def change(document: dict[str, Any]) -> None:
            listing = document["paths"]["/events"]["get"]["parameters"]
            account = next(event for event in listing if event["name"] == "account_id")
            account["schema"]["maxLength"] = limit

        return change

    before = snapshot(project)
    outcome = bump(describe(add_property, tighten(3)), root=project)
    assert (outcome.code, snapshot(project)) == (1, before)
    assert "## Conflict: request limit tightened at `GET /events ?account_id" in outcome.report
    assert "callers would get: list by each filter: " in outcome.report
    outcome = bump(describe(add_property, tighten(50)), root=project)
    assert outcome.code == 0
    assert "- request limit tightened: `GET /events ?account_id maxLength`" in outcome.report
    place = "GET /events ?account_id maxLength"
    assert bump(describe(tighten(3)), root=project).code == 1
    assert bump(describe(tighten(3)), [Hold(place, "a typo")], root=project).code == 0


def first_taken(project: Path, spec: str) -> bumping.Outcome:
    return bump(spec, root=project, first=True)


@pytest.mark.slow
def test_the_first_reading_is_recorded_and_calls_nothing_changed(
    project: Path, describe: Callable[..., str]
) -> None:
    before = snapshot(project)
    outcome = first_taken(project, describe(break_type, add_property))
    assert outcome.code == 0
    assert "## First reading" in outcome.report
    after = snapshot(project)
    assert after.keys() - before.keys() == {"generated/vendor.yaml"}
    assert {name: after[name] for name in before} == before
    text = after["generated/vendor.yaml"].decode()
    assert "Where it was taken in" not in text
    assert "region: {type: string, x-prose: " in text


@pytest.mark.long
def test_after_the_first_reading_only_what_changed_since_is_judged(
    project: Path, describe: Callable[..., str]
) -> None:
    first_taken(project, describe(break_type))
    outcome = bump(describe(break_type, add_property), root=project)
    assert outcome.code == 0, outcome.report
    assert "Already known: type changed (1)" in outcome.report
    assert "new property `EventWithStatus.region`" in outcome.report
    assert "region" in (project / "generated/vendor.yaml").read_text("utf-8")

    def drop(document: dict[str, Any]) -> None:
        document["paths"]["/events"]["get"]["parameters"].pop(1)

    stopped = bump(describe(break_type, add_property, drop), root=project)
    assert stopped.code == 1
    assert "## Conflict: parameter removed at `GET /events ?status`" in stopped.report


@pytest.mark.long
def test_a_change_of_wording_alone_is_reported_and_remembered(
    project: Path, describe: Callable[..., str]
) -> None:
    def reword(document: dict[str, Any]) -> None:
        listing = document["paths"]["/events"]["get"]["parameters"]
        listing[1]["description"] = "At most the first 5."

    first_taken(project, describe())
    contract = (project / "openapi.yaml").read_bytes()
    outcome = bump(describe(reword), root=project)
    assert "wording changed: `GET /events ?status`" in outcome.report
    assert (project / "openapi.yaml").read_bytes() == contract
    again = bump(describe(reword), root=project)
    assert "Nothing to change" in again.report
    assert "wording" not in again.report


@pytest.mark.long
def test_a_bump_writes_the_lines_of_the_changelog(
    project: Path, describe: Callable[..., str]
) -> None:
    (project / "CHANGELOG.md").write_text("# C\n\n## Unreleased\n\n- a\n\n## 1.0.0\n\n- b\n")
    bump(describe(add_property, add_status), root=project)
    assert (project / "CHANGELOG.md").read_text("utf-8").splitlines() == [
        "# C", "", "## Unreleased", "", "- a",
        "- *(field)* EventWithStatus.region: str or None",
        "- *(enum)* IngestionStatusValue.INGESTION_DELAYED",
        "", "## 1.0.0", "", "- b",
    ]  # fmt: skip


def fail_to_generate(*_: object) -> None:
    raise GenerationFailed("the generator fails")


@pytest.mark.slow
def test_a_generator_that_fails_leaves_the_tree_as_it_was(
    project: Path, describe: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bumping, "generate", fail_to_generate)
    before = snapshot(project)
    with pytest.raises(Unusable, match="no package can be generated"):
        bump(describe(add_property), root=project)
    assert snapshot(project) == before


@pytest.mark.slow
def test_a_generator_that_fails_on_an_addition_names_the_hold_that_leaves_it_out(
    project: Path, describe: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(spec: Path, _into: Path) -> None:
        assert "region" in spec.read_text("utf-8")
        raise GenerationFailed("the generator fails at region")

    monkeypatch.setattr(bumping, "generate", picky)
    before = snapshot(project)
    with pytest.raises(Unusable, match=r"leave out with --hold '#.*/region': the generator fails"):
        bump(describe(add_property, add_status), root=project)
    assert snapshot(project) == before


@pytest.mark.slow
def test_one_bump_waits_for_another(project: Path, describe: Callable[..., str]) -> None:
    order: list[str] = []

    def second() -> None:
        bump(describe(), root=project, say=order.append)

    with transaction.locked(project):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "read", "merge"]


@pytest.mark.long
def test_a_surface_that_would_lose_a_fact_leaves_the_tree_as_it_was(
    project: Path, describe: Callable[..., str]
) -> None:
    facts = project / "tests/surface/python.txt"
    facts.write_text(facts.read_text("utf-8") + "togai.gone() -> None\n", "utf-8")
    before = snapshot(project)
    outcome = bump(describe(add_property), root=project)
    assert (outcome.code, snapshot(project)) == (1, before)
    assert "the surface would lose: togai.gone() -" in outcome.report


@pytest.mark.long
def test_a_facade_that_no_longer_imports_leaves_the_tree_as_it_was(
    project: Path, describe: Callable[..., str]
) -> None:
    (project / "togai/__init__.py").write_text("import nothing_of_this_name\n", "utf-8")
    before = snapshot(project)
    outcome = bump(describe(add_property), root=project)
    assert (outcome.code, snapshot(project)) == (1, before)
    assert "cannot be imported" in outcome.report


def test_a_full_disk_leaves_the_tree_as_it_was(
    project: Path, describe: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    before = snapshot(project)
    with pytest.raises(OSError, match="No space left"):
        transaction.replace_all(project, {"generated/_togai_generated": project / "togai"})
    assert snapshot(project) == before
    assert describe()


def test_a_move_that_fails_puts_everything_back(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(project)
    move, left = os.replace, [1]

    def fail_second(*places: Any) -> None:
        if left[0] == 0:
            raise OSError(5, "Input/output error")
        left[0] -= 1
        move(*places)

    monkeypatch.setattr(os, "replace", fail_second)
    new = {
        "openapi.yaml": project / "togai/py.typed",
        "tests/surface/wire.txt": project / "togai/py.typed",
    }
    with pytest.raises(OSError, match="Input/output"):
        transaction.replace_all(project, new)
    assert snapshot(project) == before
    assert not (project / transaction.ROOM).exists()


@pytest.mark.parametrize(
    ("error", "code"), [(Unusable("no description"), 2), (OSError(28, "disk full"), 2)]
)
def test_the_command_reports_a_problem_in_one_line(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(bumping, "bump", fail)
    assert bumping.main(["spec.yaml"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [["--hold", "#/x"], ["--hold", "#/x", "--because", " "], ["--because", "why"]],
    ids=["no reason", "an empty reason", "no pointer"],
)
def test_a_hold_needs_its_reason(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert bumping.main(["openapi.yaml", *arguments]) == 2
    assert "because" in capsys.readouterr().err


def test_the_command_prints_its_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> bumping.Outcome:
        return bumping.Outcome(1, "# Report\n")

    monkeypatch.setattr(bumping, "bump", refuse)
    assert bumping.main(["spec.yaml"]) == 1
    assert capsys.readouterr().out == "# Report\n"


def test_a_report_that_cannot_be_written_makes_no_failure_of_a_bump(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bumping, "bump", lambda *_, **__: bumping.Outcome(0, "# Report\n"))

    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", SimpleNamespace(buffer=SimpleNamespace(write=full)))
        assert bumping.main(["spec.yaml"]) == 0
    assert "the report cannot be written" in capfd.readouterr().err


def test_a_place_that_cannot_be_put_back_keeps_no_other_from_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(project)
    move = os.replace

    def fail_last(*places: Any) -> None:
        if str(places[1]).endswith("python.txt"):
            raise OSError(30, "Read-only file system")
        move(*places)

    def fail_first(place: Path, **_: Any) -> None:
        if place.name == "wire.txt":
            raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", fail_last)
    monkeypatch.setattr(Path, "unlink", fail_first)
    places = ("tests/surface/wire.txt", "openapi.yaml", "tests/surface/python.txt")
    with pytest.raises(OSError, match="Read-only"):
        transaction.replace_all(project, dict.fromkeys(places, project / "togai/py.typed"))
    after = snapshot(project)
    assert {name for name in before if after[name] != before[name]} == {"tests/surface/wire.txt"}


def test_the_check_of_the_facade_says_what_is_missing(project: Path) -> None:
    shutil.rmtree(project / "generated/_togai_generated/models")
    with pytest.raises(CheckFailed, match="cannot be imported: ModuleNotFoundError"):
        facade_facts(project, project / "generated")
