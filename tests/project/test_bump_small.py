"""A bump of a small project, in which no package is generated and no program is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from contract import bump as bumping
from contract import checks
from contract.bump import Outcome, bump
from contract.generation import GenerationFailed
from contract.load import Unusable, parse
from contract.surface import wire
from contract.vendor import VENDOR
from contract.verdicts import Hold

from tests.project.processes import Run
from tests.project.small import TEXT, changed, operation, properties, small

if TYPE_CHECKING:
    from collections.abc import Callable

FACTS = "togai.Ride.id: str\n"
NOTE = "#/components/schemas/Ride/properties/note"
CHANGES = "# C\n\n## Unreleased\n\n- a\n\n## 1.0.0\n\n- b\n"


def add_note(document: dict[str, Any]) -> None:
    properties(document, "Ride")["note"] = {"type": "string", "description": "How it went."}


def break_id(document: dict[str, Any]) -> None:
    properties(document, "Ride")["id"]["type"] = "integer"


def reword(document: dict[str, Any]) -> None:
    operation(document, "getRide")["description"] = "Returns a ride."


class Project:
    """A small project with a facade of one fact; its generator copies the description."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.facts = FACTS
        self.run = Run(output=json.dumps([{}, {}]))
        self.error = ""
        for name, text in {
            "openapi.yaml": TEXT,
            "CHANGELOG.md": CHANGES,
            "generated/_togai_generated/model.py": "",
            "togai/__init__.py": "",
            "tests/surface/wire.txt": "\n".join(wire(small())) + "\n",
            "tests/surface/python.txt": FACTS,
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8")
        monkeypatch.setattr(bumping, "generate", self._generate)
        monkeypatch.setattr(checks, "facade_facts", lambda *_: self.facts)
        monkeypatch.setattr(bumping, "run_above", self.run)

    def _generate(self, spec: Path, into: Path) -> None:
        if self.error:
            raise GenerationFailed(self.error)
        into.mkdir()
        (into / "model.py").write_bytes(spec.read_bytes())

    def describe(self, *changes: Callable[[dict[str, Any]], None]) -> str:
        def change(document: dict[str, Any]) -> None:
            for each in changes:
                each(document)

        path = self.root.parent / "vendor.json"
        path.write_text(json.dumps(changed(change)), "utf-8")
        return str(path)

    def bump(self, *changes: Callable[[dict[str, Any]], None], **more: Any) -> Outcome:
        holds = more.pop("holds", ())
        return bump(self.describe(*changes), holds, root=self.root, **more)

    def read(self) -> dict[str, str]:
        files = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): path.read_text("utf-8") for path in files}

    def written(self, before: dict[str, str]) -> set[str]:
        """The files that are new or changed."""
        after = self.read()
        assert not before.keys() - after.keys()
        return {name for name in after if after[name] != before.get(name)}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path / "project", monkeypatch)


BUMPED = {"openapi.yaml", "generated/_togai_generated/model.py", "tests/surface/wire.txt"}


def test_an_addition_is_written_to_contract_package_and_surface(project: Project) -> None:
    before = project.read()
    assert project.bump(add_note).code == 0
    assert project.written(before) == BUMPED
    after = project.read()
    assert "note" in properties(parse(after["openapi.yaml"].encode()), "Ride")
    assert after["generated/_togai_generated/model.py"] == after["openapi.yaml"]


def test_a_dry_run_writes_nothing(project: Project) -> None:
    before = project.read()
    dry = project.bump(add_note, write=False)
    assert (dry.code, project.read()) == (0, before)
    assert "write" not in dry.stages
    assert "`Ride.note`" in dry.report


def test_a_description_without_a_change_writes_and_runs_nothing(project: Project) -> None:
    before = project.read()
    outcome = project.bump()
    assert (outcome.code, project.read(), project.run.command) == (0, before, [])
    assert [*outcome.stages] == ["read", "merge"]


def test_each_stage_is_reported_and_measured(project: Project) -> None:
    said: list[str] = []
    outcome = project.bump(add_note, say=said.append)
    assert said == ["read", "merge", "generate", "check", "write"]
    assert {*said} == {*outcome.stages}
    assert all(0 <= seconds < 60 for seconds in outcome.stages.values())


@pytest.mark.parametrize("change", [add_note, reword])
def test_the_description_is_recorded_if_an_earlier_one_is(
    project: Project, change: Callable[[dict[str, Any]], None]
) -> None:
    project.bump(first=True)
    before = project.read()
    assert project.bump(change).code == 0
    assert VENDOR in project.written(before)
    assert project.written(before) <= {*BUMPED, VENDOR}
    again = project.read()
    assert "Nothing to change" in project.bump(change).report
    assert project.read() == again


@pytest.mark.parametrize("change", [add_note, break_id])
def test_a_first_reading_only_records_the_description(
    project: Project, change: Callable[[dict[str, Any]], None]
) -> None:
    before = project.read()
    outcome = project.bump(change, first=True)
    assert (outcome.code, project.written(before)) == (0, {VENDOR})
    assert "## First reading" in outcome.report
    assert project.run.command == []


def test_a_first_reading_replaces_one_that_cannot_be_read(project: Project) -> None:
    (project.root / VENDOR).write_text("- a\n", "utf-8")
    with pytest.raises(Unusable, match=rf"^{VENDOR}: .* not a mapping.*; restore it with git$"):
        project.bump(add_note)
    assert project.bump(first=True).code == 0
    assert project.bump(add_note).code == 0


def test_a_conflict_writes_nothing(project: Project) -> None:
    project.bump(first=True)
    before = project.read()
    outcome = project.bump(add_note, break_id)
    assert (outcome.code, project.read(), project.run.command) == (1, before, [])
    assert f"scripts/bump {project.describe()} --hold" in outcome.report


def test_a_decision_that_fits_no_difference_names_the_places(project: Project) -> None:
    holds = [Hold("#/x", "why"), Hold("#/y", "why")]
    with pytest.raises(Unusable) as caught:
        project.bump(holds=holds)
    assert str(caught.value) == "there is no difference at #/x, #/y, nor at any other place"
    with pytest.raises(Unusable) as caught:
        project.bump(add_note, holds=holds[:1])
    assert str(caught.value) == f"there is no difference at #/x; places: {NOTE}"
    with pytest.raises(Unusable) as caught:
        project.bump(add_note, break_id, holds=holds[:1])
    at = "#/components/schemas/Ride/properties/id"
    assert str(caught.value) == f"there is no difference at #/x; places: {at}"


def test_at_most_five_places_are_named(project: Project) -> None:
    def add_many(document: dict[str, Any]) -> None:
        for number in range(7):
            properties(document, "Ride")[f"note{number}"] = {"type": "string"}

    with pytest.raises(Unusable) as caught:
        project.bump(add_many, holds=[Hold("#/x", "why")])
    assert str(caught.value).endswith(", ".join(f"{NOTE}{number}" for number in range(5)))


def test_nested_schemas_that_are_too_deep_are_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deep(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(bumping, "merge", deep)
    with pytest.raises(Unusable, match=r"^the schemas of our calls are nested too deep$"):
        project.bump()


def test_a_generator_that_fails_names_the_additions_that_it_mentions(project: Project) -> None:
    def add_more(document: dict[str, Any]) -> None:
        properties(document, "Ride")["color"] = {"type": "string"}
        properties(document, "RidePage")["next"]["maxLength"] = 600

    before = project.read()
    for error, hint in (
        ("no note", f"; leave out with --hold '{NOTE}'"),
        ("no name", ""),
        ("no maxLength", ""),
    ):
        project.error = error
        with pytest.raises(Unusable) as caught:
            project.bump(add_note, add_more)
        assert str(caught.value) == f"no package can be generated{hint}: {error}"
    assert project.read() == before


def test_a_failed_check_writes_nothing_and_is_reported(project: Project) -> None:
    project.facts = "togai.Ride.other: str\n"
    before = project.read()
    outcome = project.bump(add_note)
    assert (outcome.code, project.read()) == (1, before)
    assert "the surface would lose: togai.Ride.id: str" in outcome.report
    assert f"--hold '{NOTE}'" in outcome.report


# The caller programs.


def test_the_programs_run_with_the_new_package_against_the_new_description(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def run(arguments: list[str], root: Path, generated: Path) -> Run:
        seen.append([*arguments[:3], json.loads(Path(arguments[3]).read_text()), arguments[4:]])
        seen.append([root, (generated / "_togai_generated/model.py").read_text("utf-8")])
        return project.run

    monkeypatch.setattr(bumping, "run_above", run)
    project.bump(add_note, write=False)
    project.bump(first=True)
    project.bump(add_note, write=False)
    project.bump(reword)
    contract, last = f"{project.root}/openapi.yaml", f"{project.root}/{VENDOR}"
    command = ["-m", "mutation.outcome", contract]
    described = [changed(add_note), changed(add_note), changed(reword)]
    assert seen[::2] == [
        [*command, each, known] for each, known in zip(described, ([], [last], [last]), strict=True)
    ]
    assert [root for root, _ in seen[1::2]] == [project.root] * 3
    assert ["note" in package for _, package in seen[1::2]] == [True, True, False]


def test_programs_that_cannot_run_stop_the_bump(project: Project) -> None:
    project.run.returncode = 1
    project.run.stderr = "Traceback\n" + "  line\n" * 100 + "KeyError: 'id'\n"
    before = project.read()
    outcome = project.bump(add_note)
    assert (outcome.code, project.read()) == (1, before)
    assert "the caller programs cannot run: KeyError: 'id'" in outcome.report


@pytest.mark.parametrize(
    ("outcomes", "code", "words"),
    [
        ([{}, {}], 0, "6 caller programs: same outcome."),
        ([{}, {"list": "a -> b"}], 0, "6 caller programs: same outcome."),
        ([{"list": "a -> b"}, {}], 1, "callers would see another outcome: list: b"),
        (
            [{"list": "a -> b", "get": "a -> c"}, {}],
            1,
            "callers would see another outcome: list: b; get: c",
        ),
        (
            [{"list": "a -> b", "get": "a -> c"}, {"list": "a -> b"}],
            1,
            "callers would see another outcome: get: c",
        ),
        ([{"list": "a -> b"}, {"list": "a -> c"}], 1, "another outcome: list: b"),
        (
            [{"list": "a -> b"}, {"list": "a -> b"}],
            0,
            "5 caller programs: same outcome. Different because of decisions: list.",
        ),
    ],
)
def test_a_new_outcome_of_a_program_stops_the_bump(
    project: Project, outcomes: list[dict[str, str]], code: int, words: str
) -> None:
    project.run.stdout = json.dumps(outcomes)
    outcome = project.bump(add_note)
    assert outcome.code == code
    assert words in outcome.report


def test_a_decision_explains_a_new_outcome_in_its_own_bump(project: Project) -> None:
    project.run.stdout = json.dumps([{"list": "a -> b"}, {}])
    place = "#/components/schemas/Ride/properties/id"
    hold = Hold(place, "the vendor's slip")
    assert project.bump(break_id, holds=[hold]).code == 0
    # Without an earlier description, a recorded decision explains it too.
    assert project.bump(break_id, add_note, write=False).code == 0
    project.bump(break_id, first=True)
    assert project.bump(break_id, add_note).code == 1


# The changelog.


def test_additions_for_callers_are_added_to_the_unreleased_changes(project: Project) -> None:
    project.facts = f"{FACTS}togai.Ride.note: str | None\n"
    project.bump(add_note)
    assert project.read()["CHANGELOG.md"] == CHANGES.replace(
        "- a\n", "- a\n- *(field)* Ride.note: str or None\n"
    )


@pytest.mark.parametrize(
    "text",
    ["# C\n", "# C\n\n## Unreleased\n\n- *(field)* Ride.note: str or None\n", None],
    ids=["no heading", "listed already", "no file"],
)
def test_a_changelog_without_a_place_for_them_is_left_alone(
    project: Project, text: str | None
) -> None:
    path = project.root / "CHANGELOG.md"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, "utf-8")
    project.facts = f"{FACTS}togai.Ride.note: str | None\n"
    before = project.read()
    assert project.bump(add_note).code == 0
    assert "CHANGELOG.md" not in project.written(before)


def test_a_changelog_may_end_with_its_unreleased_changes(project: Project) -> None:
    path = project.root / "CHANGELOG.md"
    path.write_text("## Unreleased\n", "utf-8")
    project.facts = f"{FACTS}togai.Ride.note: str | None\n"
    project.bump(add_note)
    assert path.read_text("utf-8") == "## Unreleased\n\n- *(field)* Ride.note: str or None\n"


def test_a_project_without_a_surface_gets_no_changes(project: Project) -> None:
    (project.root / "tests/surface/python.txt").unlink()
    before = project.read()
    assert project.bump(add_note).code == 0
    assert project.written(before) == {*BUMPED, "tests/surface/python.txt"}
