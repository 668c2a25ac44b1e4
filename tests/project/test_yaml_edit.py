"""New data is added to the contract's text without changing any other line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import pytest
from contract.load import parse
from contract.yaml_edit import graft

from tests.project.small import TEXT, changed, operation, parameter, properties, schemas, small

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def diff(change: Callable[[dict[str, Any]], object]) -> list[str]:
    """The lines that a change of the data takes from the text and adds to it."""
    data = changed(change)
    text = graft(TEXT, data)
    assert parse(text.encode()) == data
    lines = difflib.unified_diff(TEXT.splitlines(), text.splitlines(), n=0, lineterm="")
    return [line for line in list(lines)[2:] if not line.startswith("@@")]


def test_the_same_data_gives_the_same_bytes() -> None:
    assert graft(TEXT, small()) == TEXT


def test_the_contract_of_the_project_is_in_the_layout_that_is_kept(root: Path) -> None:
    text = (root / "openapi.yaml").read_text("utf-8")
    assert graft(text, parse(text.encode())) == text


def test_a_new_property_costs_its_own_lines() -> None:
    added = {"type": "string", "description": "How it went."}
    assert diff(lambda d: properties(d, "Ride").update(note=added)) == [
        "+        note:",
        "+          type: string",
        "+          description: How it went.",
    ]


def test_a_new_enum_member_changes_its_line_alone() -> None:
    assert diff(lambda d: schemas(d)["RideState"]["enum"].append("LOST")) == [
        "-      enum: [RUNNING, DONE]",
        "+      enum: [RUNNING, DONE, LOST]",
    ]


def test_a_replaced_text_keeps_its_quotes() -> None:
    assert diff(lambda d: d["info"].update(version="1.10")) == [
        '-  version: "1.0"',
        '+  version: "1.10"',
    ]


def test_a_new_status_is_quoted_like_the_others() -> None:
    def add(document: dict[str, Any]) -> None:
        operation(document, "getRide")["responses"]["404"] = {"description": "None."}

    assert diff(add) == ['+        "404":', "+          description: None."]


def test_a_removed_key_takes_its_lines_with_it() -> None:
    assert diff(lambda d: parameter(d, "listRides", "size")["schema"].pop("maximum")) == [
        "-            maximum: 50"
    ]


@pytest.mark.parametrize(
    "text",
    ["NO", "on", "1.0", "007", "null", "a: b", "#x", "2024-01-01", "- x", "*x", " x", "é", ""],
)
def test_no_reader_of_yaml_takes_a_text_for_something_else(text: str) -> None:
    import yaml

    grafted = graft(TEXT, changed(lambda d: schemas(d)["RideState"]["enum"].append(text)))
    assert yaml.safe_load(grafted)["components"]["schemas"]["RideState"]["enum"][-1] == text
