"""The names of places, the reach of decisions, and what a merge as a whole says."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any, cast

import pytest
from contract.align import Meeting, Place
from contract.comparison import Comparison
from contract.merge import Merged, merge, with_outcomes
from contract.normalize import Message, Operation, Parameter
from contract.schemas import Property
from contract.shapes import Node, Shape
from contract.verdicts import (
    NEW_PROPERTY,
    TIGHTER_SENT,
    Difference,
    Hold,
    Rule,
    Verdict,
    place,
)

from tests.project.small import changed, properties, schemas, small

TEXT = {"type": "string"}
PLACES = {
    "#/paths/~1events/get": "GET /events",
    "#/paths/~1a~0b/post/requestBody": "POST /a~b body",
    "#/paths/~1events/get/responses/200": "GET /events 200",
    "#/paths/~1events/get/responses/4XX/content": "GET /events 4XX",
    "#/paths/~1events/get/parameters/query/pageSize": "GET /events ?pageSize",
    "#/paths/~1events/get/parameters/query/pageSize/schema/maximum": "GET /events ?pageSize maximum",
    "#/paths/~1events/get/parameters/path/id": "GET /events path id",
    "#/paths/~1events/get/parameters/header/X-Key": "GET /events header X-Key",
    "#/paths/~1events/get/parameters/cookie/a": "GET /events cookie a",
    "#/paths/~1events/get/parameters/other/a~1b": "GET /events other a/b",
    "#/paths/~1events/post/requestBody/content/x/schema/maxItems": "POST /events body maxItems",
    "#/components/schemas/Event": "Event",
    "#/components/schemas/Event/properties/accountId": "Event.accountId",
    "#/components/schemas/Event/properties/id/maxLength": "Event.id maxLength",
    "#/components/schemas/Event/properties/id/pattern": "Event.id pattern",
    "#/components/schemas/Event/properties/tags/items": "Event.tags[]",
    "#/components/schemas/Event/properties/tags/additionalProperties": "Event.tags.*",
    "#/components/schemas/State/enum/NEW": "State.NEW",
    "#/components/schemas/State/enum": "State",
    "#/components/schemas/Event/required": "Event",
    "#/components/schemas/Event/properties/id/default": "Event.id",
    "#/components/schemas/Event/properties/a~1b/nullable": "Event.a/b",
    "#/info/version": "info/version",
}


@pytest.mark.parametrize("at", PLACES)
def test_a_place_has_a_short_name(at: str) -> None:
    assert place(at) == PLACES[at]


@pytest.mark.parametrize(
    ("decided", "at", "covered"),
    [
        ("#/components/schemas/Event", "#/components/schemas/Event", True),
        ("#/components/schemas/Event", "#/components/schemas/Event/properties/id", True),
        ("#/components/schemas/Event/", "#/components/schemas/Event/properties/id", True),
        ("#/components/schemas/Event", "#/components/schemas/EventPage", False),
        ("#/components/schemas/Event/properties/id", "#/components/schemas/Event", False),
        ("Event.id", "#/components/schemas/Event/properties/id", True),
        ("Event", "#/components/schemas/Event/properties/id", True),
        ("Even", "#/components/schemas/Event/properties/id", False),
        ("GET /events", "#/paths/~1events/get", True),
    ],
)
def test_a_decision_covers_a_place_and_all_below_it(decided: str, at: str, covered: bool) -> None:
    assert Hold(decided, "because").covers(at) == covered


def difference(**changes: Any) -> Difference:
    own: dict[str, Any] = {
        "verdict": Verdict.ABSORBED,
        "kind": TIGHTER_SENT.kind,
        "at": "#/a",
        "ours": "5",
        "theirs": "4",
        "reason": "why",
    }
    return Difference(**{**own, **changes})


def whole(*differences: Difference) -> Merged:
    return Merged({}, differences, {})


def test_what_a_merge_decided_cannot_be_changed() -> None:
    parts: list[tuple[Any, str]] = [
        (difference(), "verdict"),
        (Hold("#/a", "because"), "at"),
        (Rule(Verdict.HELD, "kind", "reason"), "verdict"),
        (whole(), "changed"),
    ]
    for part, name in parts:
        with pytest.raises(FrozenInstanceError):
            setattr(part, name, None)
    plain = difference()
    assert (plain.known, plain.gain, plain.positions, plain.hints) == (False, False, (), ())
    assert not whole().changed


NODE = Node({}, "#")
SHAPE = Shape("string", 1, "#", NODE)
NOTHING = cast("Any", None)
READ: list[tuple[Any, str]] = [
    (NODE, "at"),
    (SHAPE, "kind"),
    (Parameter("a", "query", False, None, NODE), "name"),
    (Message(NODE, {}), "media"),
    (Operation("get", "/", NODE, {}, None, {}, frozenset()), "path"),
    (Meeting("GET / 200", "response", SHAPE, {}, None, always=False), "theirs"),
    (Property(Place(SHAPE, "#", NODE), "a", NODE, SHAPE, "#"), "name"),
    (Comparison({}, NOTHING, NOTHING, NOTHING, NOTHING, "", ""), "contract"),
]


@pytest.mark.parametrize(
    ("kind", "part", "name"), [(type(part), part, name) for part, name in READ]
)
def test_what_a_merge_reads_cannot_be_changed(kind: type, part: Any, name: str) -> None:
    assert type(part) is kind
    with pytest.raises(FrozenInstanceError):
        setattr(part, name, None)


def test_a_node_is_only_equal_to_itself() -> None:
    assert Node({}, "#") != NODE
    assert len({NODE, Node({}, "#")}) == 2


def test_only_a_new_limit_that_became_tighter_is_a_conflict_if_a_program_breaks() -> None:
    tighter = difference()
    known = difference(at="#/b", known=True)
    other = difference(at="#/c", kind=NEW_PROPERTY.kind)
    merged = whole(tighter, known, other)
    assert merged.tightened == [tighter]
    assert merged.conflicts == []
    broken = with_outcomes(merged, {"list": "1 -> fails", "undo": "2 -> fails too"})
    gets = "list: fails; undo: fails too"
    conflict = replace(tighter, verdict=Verdict.CONFLICT, gets=gets)
    assert broken.differences == (conflict, known, other)
    assert broken.conflicts == [conflict]
    assert with_outcomes(merged, {}) is merged
    assert with_outcomes(whole(known, other), {"list": "1 -> fails"}).conflicts == []
    stopped = whole(tighter, difference(at="#/d", verdict=Verdict.CONFLICT))
    assert with_outcomes(stopped, {"list": "1 -> fails"}) is stopped


# The merge as a whole


def test_a_merge_with_a_conflict_gives_the_old_contract_back() -> None:
    def change(document: dict[str, Any]) -> None:
        properties(document, "Ride").update(speed={"$ref": "#/components/schemas/Speed"})
        schemas(document)["Speed"] = {"type": "object", "properties": {"value": TEXT}}

    grown = merge(small(), changed(change))
    assert grown.changed
    assert grown.schemas == ("Speed",)
    assert "speed" in properties(grown.contract, "Ride")
    assert grown.contract != small()
    assert grown.changes is None

    def break_it(document: dict[str, Any]) -> None:
        change(document)
        del document["paths"][next(iter(document["paths"]))]

    stopped = merge(small(), changed(break_it))
    assert stopped.conflicts
    assert (stopped.changed, stopped.schemas, stopped.contract) == (False, (), small())
    same = merge(small(), small())
    assert (same.changed, same.schemas, same.contract) == (False, (), small())


def test_a_decision_about_nothing_stops_a_merge() -> None:
    def change(document: dict[str, Any]) -> None:
        properties(document, "Ride").update(speed=TEXT)

    hold = Hold("#/components/schemas/Nothing", "because")
    merged = merge(small(), changed(change), [hold])
    assert merged.unmatched == (hold,)
    assert (merged.changed, merged.contract) == (False, small())


def test_what_the_last_description_had_already_is_known_and_changes_nothing() -> None:
    def change(document: dict[str, Any]) -> None:
        document["paths"].pop(next(iter(document["paths"])))

    first = merge(small(), small())
    later = merge(small(), changed(change), last=first.vendor)
    assert later.conflicts
    assert later.changes
    again = merge(small(), changed(change), last=later.vendor)
    assert not again.conflicts
    assert again.changes == ()
    assert all(one.known for one in again.differences)


def test_a_mark_carries_the_date_of_its_bump() -> None:
    def change(document: dict[str, Any]) -> None:
        del properties(document, "Bike")["model"]

    merged = merge(small(), changed(change), today="2026-11-25")
    assert "2026-11-25" in str(merged.contract)
    assert "2026-11-25" not in str(merge(small(), changed(change)).contract)
