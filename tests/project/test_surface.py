"""tests/surface lists what callers and the wire see; facts of a release are never removed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import pytest
from contract.load import load
from contract.surface import FILES, lost, python, wire

if TYPE_CHECKING:
    from pathlib import Path


def facts(root: Path, name: str) -> list[str]:
    return wire(load(str(root / "openapi.yaml"))) if name == "wire.txt" else python()


@pytest.mark.parametrize("name", FILES)
def test_the_surface_stands_in_its_file(root: Path, name: str) -> None:
    kept = (root / "tests/surface" / name).read_text("utf-8").splitlines()
    changes = list(difflib.unified_diff(kept, facts(root, name), name, "now", n=0, lineterm=""))
    assert not changes, "\n".join([*changes, "if that is meant: scripts/check --update-surface"])


def test_no_fact_of_a_release_vanishes(root: Path) -> None:
    for kept in (root / "tests/surface").glob("*/*.txt"):
        gone = lost(kept.read_text("utf-8").splitlines(), facts(root, kept.name))
        assert not gone, f"{kept.parent.name} promised:\n" + "\n".join(gone)


def test_a_vanished_fact_is_found() -> None:
    assert lost(["a", "b"], ["b", "c"]) == ["a"]


@pytest.mark.parametrize(
    "fact",
    [
        "togai.Togai class",
        "togai.Togai.with_options() -> Self",
        "togai.Events.list() page_size: int | None = None, keyword",
        "togai.AsyncEvents.get() -> async EventWithStatusAndEventPipelineInfo",
        "togai.RateLimited is a TogaiError",
        "togai.EventWithStatus.created_at: datetime.datetime",
        "togai.EventWithStatus(created_at=) keyword required",
        "togai.Event(id=) keyword optional",
        "togai.CorrectionAction.UNDO = 'UNDO'",
        "togai.models.Event is togai.Event",
        "togai.errors.TogaiError is togai.TogaiError",
    ],
)
def test_every_kind_of_python_fact_is_there(root: Path, fact: str) -> None:
    assert fact in (root / "tests/surface/python.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    "fact",
    [
        "GET /events ?pageSize integer optional",
        "GET /events/{event_id} path event_id string required",
        "GET /events 200 $.events[].createdAt string (date-time) required",
        "POST /events/correction ?action = UNDO",
        "POST /events/correction body application/json",
        "POST /events/correction auth http bearer",
        "GET /events 422 application/json",
    ],
)
def test_every_kind_of_wire_fact_is_there(root: Path, fact: str) -> None:
    assert fact in (root / "tests/surface/wire.txt").read_text("utf-8").splitlines()
