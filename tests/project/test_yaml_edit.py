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
    [
        *("NO", "on", "1.0", "007", "null", "a: b", "#x", "2024-01-01", "- x", "*x", " x", "é", ""),
        *("816e8872", "1e5", "-1E5", "5.", ".5", "1_000", "0x1F", "0o7", "<<", "a\nb"),
        *("2024-13-01", "0b_", "0x_", "12:30:00", "a, b", "--- a"),
    ],
)
def test_no_reader_of_yaml_takes_a_text_for_something_else(text: str) -> None:
    import yaml

    grafted = graft(TEXT, changed(lambda d: schemas(d)["RideState"]["enum"].append(text)))
    for read in (yaml.safe_load(grafted), parse(grafted.encode())):
        assert read["components"]["schemas"]["RideState"]["enum"][-1] == text


def test_a_new_list_is_on_one_line_if_it_is_short_and_of_strings() -> None:
    def written(value: Any) -> list[str]:
        return diff(lambda d: d["info"].update({"x-list": value}))

    assert written(["a", "b"]) == ["+  x-list: [a, b]"]
    assert written([]) == ["+  x-list: []"]
    # Each string has its own comma and blank: 79 characters are one line, 80 are not.
    assert written(["a" * 37, "b" * 38]) == [f"+  x-list: [{'a' * 37}, {'b' * 38}]"]
    assert written(["a" * 38, "b" * 38]) == [
        "+  x-list:",
        f"+    - {'a' * 38}",
        f"+    - {'b' * 38}",
    ]
    assert written([1, "a"]) == ["+  x-list:", "+    - 1", "+    - a"]
    assert written([{"a": ["b"]}]) == ["+  x-list:", "+    - a: [b]"]


@pytest.mark.parametrize(("text", "written"), [("1.50", "1.5"), ("+5", "5.0"), ("1e3", "1000.0")])
def test_a_new_number_in_an_unusual_notation_is_written(text: str, written: str) -> None:
    number = parse(f"openapi: 3.0.3\nx: {text}".encode())["x"]
    assert diff(lambda d: d["info"].update({"x-number": number})) == [f"+  x-number: {written}"]


def test_a_new_key_keeps_its_position() -> None:
    def change(document: dict[str, Any]) -> None:
        server = document["servers"][0]
        document["servers"][0] = {"description": "Ours.", **server, "x-last": True}

    assert diff(change) == [
        "-  - url: https://rides.example",
        "+  - description: Ours.",
        "+    url: https://rides.example",
        "+    x-last: true",
    ]


def test_a_shorter_list_loses_its_last_items() -> None:
    assert diff(lambda d: schemas(d)["Ride"]["required"].remove("id")) == [
        "-      required: [id, state, at]",
        "+      required: [state, at]",
    ]
    assert diff(lambda d: operation(d, "listRides")["parameters"].pop()) == [
        "-        - name: size",
        "-          in: query",
        "-          schema:",
        "-            type: integer",
        "-            maximum: 50",
    ]


def test_a_list_of_a_changed_item_keeps_its_comments() -> None:
    text = "a:\n  - x: 1  # first\n  - y: 2  # second\nb: 'b'\nc: \"c\"\nd: 1.50\n"
    assert graft(text, {"a": [{"x": 3}, {"y": 2}], "b": "b", "c": "d", "d": 1.5}) == text.replace(
        "x: 1", "x: 3"
    ).replace('"c"', '"d"')


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("a: 1\n", True, "a: true\n"),
        ("a: true\n", 1, "a: 1\n"),
        ("a: true\n", False, "a: false\n"),
        ("a: b\n", "NO", 'a: "NO"\n'),
        ("a: 'b'\n", "b", "a: 'b'\n"),
        ('a: "1.0"\n', 5, "a: 5\n"),
        ("a: 1.50\n", 1.5, "a: 1.50\n"),
        ("a: |\n  b\n  c\n", "d\n", "a: |\n  d\n"),
        ("a: b\n", "c, d", 'a: "c, d"\n'),
        ("a: b\n", "--- c", 'a: "--- c"\n'),
        ("a: b\n", "c: d: e", 'a: "c: d: e"\n'),
        ("a: b\n", "*c", 'a: "*c"\n'),
        ("a: 1\n", 1.0, "a: 1\n"),
        ("a: 1\n", 2.5, "a: 2.5\n"),
        ("a: 1\n", None, "a:\n"),
        ("a: 'x'\n", "y", "a: 'y'\n"),
        ("a: x\n", ["x"], "a: [x]\n"),
        ("a: [x]\n", "x", "a: x\n"),
        ("a: [x]\n", {"b": 1}, "a:\n  b: 1\n"),
        ("a:\n  b: 1\n", [1], "a:\n  - 1\n"),
        ("a: {b: 1}\n", {"b": 1, "c": {"d": "e"}}, "a: {b: 1, c: {d: e}}\n"),
        ("a: b # why\n", "c", "a: c # why\n"),
    ],
)
def test_a_value_may_become_one_of_another_type(text: str, value: Any, expected: str) -> None:
    assert graft(text, {"a": value}) == expected


def test_keys_that_are_numbers_in_the_text_are_kept() -> None:
    text = "200: a\non: b\n1: c\n"
    assert graft(text, {"200": "x", "on": "b"}) == "200: x\non: b\n"


def test_a_long_line_is_not_wrapped() -> None:
    text = f"a: {'word ' * 700}end\nb: 1\n"
    assert graft(text, {"a": f"{'word ' * 700}end", "b": 2}) == text.replace("b: 1", "b: 2")
