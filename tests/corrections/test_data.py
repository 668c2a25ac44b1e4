"""The data of corrections: what it shows, how it is created, and which events a search chooses."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import asdict, evolve, fields

from togai._printable import counted
from togai._storage.rows import Claim
from togai.corrections import (
    Correction,
    CorrectionResult,
    Entry,
    Execution,
    Kind,
    LeftOut,
    Plan,
    Reconciliation,
    Redo,
    Replace,
    Selection,
    Step,
    Target,
    Undo,
    Verdict,
)
from togai.corrections._correction import comparable
from togai.corrections._entry import COLUMNS
from togai.corrections._found import choose
from togai.corrections._matching import Read, contradicts, ingested, matching, reads_for
from togai.corrections._reconcile import Case, Readings
from togai.corrections._step import Outcome
from togai.corrections._table import Content
from togai.models import CorrectionAction, CorrectionStatus, EventCorrectionInfo
from togai.testing import make

from .test_reconcile_table import read

DATA: list[tuple[type, list[str], list[str]]] = [
    # What may be passed by position, and what the repr leaves out because it is long or holds a customer's event.
    (Selection, [], []),
    (Target, [], ["payload"]),
    (Correction, [], ["event", "before"]),
    (Undo, ["event"], []),
    (Redo, ["event"], []),
    (Replace, ["event", "replacement"], []),
    (LeftOut, [], []),
    (Plan, [], ["items", "left_out", "warnings"]),
    (Entry, [], ["data", "ledger"]),
    (Step, [], ["item", "entry", "error"]),
    (Execution, [], ["steps"]),
    (Reconciliation, [], ["events"]),
    (Case, [], ["siblings"]),
    (Readings, [], []),
    (Content, [], []),
    (Claim, [], []),
]


@pytest.mark.parametrize(
    ("cls", "positional", "hidden"), DATA, ids=[row[0].__name__ for row in DATA]
)
def test_data_is_created_by_names_and_its_repr_is_short(
    cls: type, positional: list[str], hidden: list[str]
) -> None:
    parameters = inspect.signature(cls).parameters.values()
    assert [one.name for one in parameters if one.kind != one.KEYWORD_ONLY] == positional
    assert [field.name for field in fields(cls) if not field.repr] == hidden


DEFAULTS: list[tuple[type, dict[str, Any]]] = [
    (Correction, {"event": None, "background": False, "require_confirmation": None, "before": ()}),
    (Replace, {"allow_removed": False, "account_id": None}),
    (Step, {"earlier": False, "detail": "", "entry": None, "replacement": None, "error": None}),
    (Plan, {"left_out": (), "warnings": ()}),
    (Entry, {"cause": None, "ledger": None}),
    (Target, dict.fromkeys(("event_id", "account_id", "status", "created_at", "payload"))),
]


@pytest.mark.parametrize(("cls", "defaults"), DEFAULTS, ids=[row[0].__name__ for row in DEFAULTS])
def test_what_is_not_passed_is_none_or_false(cls: type, defaults: dict[str, Any]) -> None:
    parameters = inspect.signature(cls).parameters
    found = {name: one.default for name, one in parameters.items() if one.default is not one.empty}
    assert found == defaults


def test_an_entry_is_the_same_in_every_ledger_object() -> None:
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(Entry))
    entry = Entry(**{**values, "id": 1, "kind": Kind.INTENT})
    assert entry == evolve(entry, ledger="another")
    assert entry != evolve(entry, id=2)


AT = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    ("selection", "whole"),
    [
        ({}, True),
        ({"created_at": AT}, True),
        ({"reference_id": "ref-1"}, False),
        ({"event_id": "ride-1"}, False),
        ({"event_source_time": AT}, False),
        ({"event_id": "ride-1", "created_at": AT}, False),
    ],
)
def test_a_selection_names_what_it_selects(selection: dict[str, Any], whole: bool) -> None:
    named = Selection(account_id="acme", **selection)
    assert named.is_whole_account is whole
    parts = {"account_id": "acme", **selection}
    assert str(named) == ", ".join(f"{name}={value}" for name, value in parts.items())


TIMES: dict[str, Any] = {"time": read(timestamp="2024-12-04T07:30:35Z")}
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("filters", "chosen"),
    [
        ({}, True),
        ({"since": AT}, True),
        ({"since": AT + SECOND}, False),
        ({"until": AT}, False),
        ({"until": AT + SECOND}, True),
        ({"since": AT, "until": AT + SECOND}, True),
        ({"since": AT - SECOND, "until": AT}, False),
        ({"since": AT + SECOND, "until": AT + 2 * SECOND}, False),
        ({"status": "INGESTION_COMPLETED_EVENT_METERED"}, True),
        ({"status": "REVERTED"}, False),
        ({"reference_ids": frozenset({"ref-1"})}, True),
        ({"reference_ids": frozenset({"ride-1"})}, False),
        ({"event_ids": frozenset({"ride-1"})}, True),
        ({"event_ids": frozenset({"ref-1"})}, False),
        ({"event_ids": frozenset({"ride-1"}), "reference_ids": frozenset({"ref-2"})}, False),
        ({"status": "REVERTED", "since": AT}, False),
        ({"event_ids": frozenset({"ride-2"}), "until": AT + SECOND}, False),
        ({"where": lambda event: event.reference_id == "ref-1"}, True),
        ({"where": lambda event: None}, False),
        ({"where": lambda event: True, "status": "REVERTED"}, False),
        ({"where": lambda event: True, "since": AT + SECOND}, False),
    ],
)
def test_an_event_is_chosen_if_every_filter_fits(filters: dict[str, Any], chosen: bool) -> None:
    names = ("reference_ids", "event_ids", "since", "until", "status", "where")
    found = choose([read()], is_complete=True, **{**dict.fromkeys(names), **filters})
    assert len(found) == chosen
    assert [event.reference_id for event in found] == ["ref-1"] * chosen


def find(*events: Any, **filters: Any) -> Any:
    names = ("reference_ids", "event_ids", "since", "until", "status", "where")
    given: dict[str, Any] = {"is_complete": True, **dict.fromkeys(names), **filters}
    return choose(events, **given)


def test_an_event_without_a_time_lies_in_no_interval() -> None:
    for event in (read(timestamp="soon"), read(without="eventPayload")):
        assert len(find(event)) == 1
        assert len(find(event, since=AT - timedelta(days=9))) == 0
        assert len(find(event, until=AT + timedelta(days=9))) == 0


def test_an_event_that_was_read_twice_is_chosen_once_as_it_was_read_last() -> None:
    nameless = [read(None), read(None)]
    found = find(read(), read("ref-2"), *nameless, read(status="REVERTED"))
    assert [event.reference_id for event in found] == ["ref-1", "ref-2", None, None]
    assert found[0].ingestion_status.status == "REVERTED"
    assert [event.reference_id for event in found[1:3]] == ["ref-2", None]


def test_events_are_chosen_without_writing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    # In asyncio, to write thousands of events as JSON blocks the event loop for half a second.
    monkeypatch.delattr("togai.corrections._correction.event_json")
    assert len(find(read(), read("ref-2"), since=AT - timedelta(days=9), status="INGESTED")) == 0
    assert len(find(read(), read("ref-2"), event_ids=frozenset({"ride-1"}))) == 2


def test_what_was_not_found_is_listed_whichever_filter_names_it() -> None:
    ids = {"reference_ids": frozenset({"ref-1", "ref-9"}), "event_ids": frozenset({"ride-1", "a"})}
    found = find(read(), **ids)
    assert (len(found), found.missing) == (1, ("a", "ref-9"))
    assert find(read(), reference_ids=frozenset({"z"})).missing == ("z",)
    assert find(read(), event_ids=frozenset({"z"})).missing == ("z",)
    assert find(read(status="REVERTED"), status="X", event_ids=frozenset({"ride-1"})).missing == ()
    assert find(read()).missing == ()
    assert repr(found) == "<FoundEvents: 1 event, 2 missing>"
    assert repr(find(is_complete=False)) == "<FoundEvents: 0 events, not complete>"


def correction(action: str = "UNDO", replacement: Any = None, selection: Any = None) -> Correction:
    selection = selection or Selection(account_id="acme", reference_id="ref-1")
    return Correction(action=CorrectionAction(action), selection=selection, event=replacement)


BY_ID = Selection(account_id="acme", event_id="ride-1")
LISTING = (Read(account_id="acme"),)
UNUSABLE = ("", " ", ".", "..", "correction")
"""Ids with which the path of an event would be that of another call."""


@pytest.mark.parametrize(
    ("one", "target", "reads"),
    [
        (correction(), Target.of(read()), (Read("ride-1"),)),
        (correction(), Target.of(read(event_id=None)), LISTING),
        (correction(), None, LISTING),
        (correction(selection=BY_ID), None, (Read("ride-1"),)),
        (correction("REDO_EVENT", read().event_payload), Target.of(read()), (Read("ride-1"),)),
        (
            correction("REDO_EVENT", read(event_id="ride-2").event_payload),
            Target.of(read()),
            (Read("ride-1"), Read("ride-2")),
        ),
        (
            correction("REDO_EVENT", read(event_id=None).event_payload),
            Target.of(read()),
            LISTING,
        ),
        *((correction(), Target.of(read(event_id=wrong)), LISTING) for wrong in UNUSABLE),
        *(
            (
                correction("REDO_EVENT", read(event_id=wrong).event_payload),
                Target.of(read()),
                LISTING,
            )
            for wrong in UNUSABLE
        ),
    ],
)
def test_an_event_without_an_id_is_looked_up_in_its_account(
    one: Correction, target: Target | None, reads: tuple[Read, ...]
) -> None:
    assert reads_for(one, target) == reads


def test_what_is_ingested_is_the_replacement_or_the_event_itself() -> None:
    before = Target.of(read())
    replacement = read(value="7").event_payload
    assert ingested(correction("REDO_EVENT", replacement), before)["attributes"][0]["value"] == "7"
    assert ingested(correction("REDO"), before) == before.payload
    assert ingested(correction("REDO"), None) == {}
    assert ingested(correction("REDO"), evolve(before, payload=None)) == {}


PARTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"reference_id": "ref-1"}, {"referenceId": "ref-2"}),
    ({"event_id": "ride-1"}, {"id": "ride-2"}),
    ({"event_source_time": AT}, {"timestamp": "2024-12-04T07:30:36Z"}),
]


@pytest.mark.parametrize("number", range(3))
def test_an_event_matches_a_selection_by_every_part_of_it(number: int) -> None:
    (part, other) = PARTS[number]
    another = read(
        reference_id=other.get("referenceId", "ref-1"),
        event_id=other.get("id", "ride-1"),
        timestamp=other.get("timestamp", "2024-12-04T07:30:35Z"),
    )
    selection = Selection(account_id="another name of the account", **part)
    assert matching(selection, [read(), another]) == [read()]
    assert not contradicts(selection, read())
    assert contradicts(selection, another)
    whole = Selection(account_id="acme")
    assert matching(whole, [read(), another]) == [read(), another]
    assert not contradicts(whole, another)
    both = evolve(Selection(account_id="acme", event_id="ride-1"), **part)
    assert matching(both, [another]) == []


def test_a_result_that_shows_less_contradicts_nothing() -> None:
    bare = read(None, without="eventPayload")
    selection = Selection(account_id="acme", reference_id="ref-1", event_id="ride-1", created_at=AT)
    assert not contradicts(selection, bare)
    assert matching(selection, [bare]) == []


def test_a_time_without_a_zone_is_in_utc() -> None:
    bare = read(timestamp="2024-12-04T07:30:35")
    selection = Selection(account_id="acme", event_source_time=AT)
    assert matching(selection, [bare]) == [bare]
    # An event that was ingested again may show the new time of its ingestion.
    again = Selection(account_id="acme", event_id="ride-1", created_at=AT)
    assert matching(again, [read()]) == []
    assert not contradicts(again, read())


INFO = make(EventCorrectionInfo)
UNDONE, FAILED, OTHER = (
    evolve(INFO, reference_id="ref-1", status=CorrectionStatus(status), reason="old")
    for status in ("REVERTED", "FAILED", "QUEUED")
)


def result(*entries: Any, action: str = "UNDO", **more: Any) -> CorrectionResult:
    return CorrectionResult(correction(action), entries, **more)


@pytest.mark.parametrize(
    ("entries", "alone", "kind"),
    [
        ([UNDONE], True, "applied"),
        ([FAILED], True, "failed"),
        ([OTHER], True, "unknown"),
        ([], True, "unknown"),
        ([UNDONE, UNDONE], True, "unknown"),
        ([UNDONE, UNDONE], False, "unknown"),
        ([evolve(UNDONE, reference_id="ref-2")], True, "unknown"),
        ([UNDONE, evolve(UNDONE, reference_id="ref-2")], True, "unknown"),
        ([UNDONE, evolve(OTHER, reference_id="ref-2")], False, "applied"),
        ([evolve(OTHER, reference_id="ref-2"), FAILED], False, "failed"),
    ],
)
def test_the_outcome_of_an_event_needs_exactly_one_result(
    entries: list[Any], alone: bool, kind: str
) -> None:
    found, detail = result(*entries).outcome("ref-1", alone=alone)
    assert found == kind
    about = [entry for entry in entries if entry.reference_id == "ref-1"]
    if len(about) == 1 and len(entries) == (1 if alone else len(entries)):
        assert detail == f"the response says {about[0].status}, old"
    else:
        others = len(entries) - len(about)
        assert (
            f"{counted(len(about), 'result')} about ref-1, and {others} about other events"
            in detail
        )


def test_a_result_sorts_its_entries_by_the_action() -> None:
    again = evolve(UNDONE, status=CorrectionStatus.REVERTED_AND_REINGESTED)
    undone, redone = result(UNDONE, again, FAILED), result(UNDONE, again, FAILED, action="REDO")
    assert (undone.succeeded, undone.failed, undone.unknown) == ((UNDONE,), (FAILED,), (again,))
    assert (redone.succeeded, redone.failed, redone.unknown) == ((again,), (FAILED,), (UNDONE,))
    assert undone != redone
    assert undone == result(UNDONE, again, FAILED)
    assert undone != 5
    assert "; in the background" not in repr(undone)
    background = CorrectionResult(evolve(correction(), background=True), ())
    assert repr(background).endswith("0 unknown; in the background>")


@pytest.mark.parametrize(
    ("entries", "more", "truncated"),
    [(30, {}, True), (31, {}, True), (29, {}, False), (30, {"one_by_one": True}, False)],
)
def test_a_result_of_30_entries_may_be_truncated(
    entries: int, more: dict[str, Any], truncated: bool
) -> None:
    assert result(*[UNDONE] * entries, **more).maybe_truncated is truncated


def test_a_result_of_a_background_call_is_not_truncated() -> None:
    background = evolve(correction(), background=True)
    assert not CorrectionResult(background, [UNDONE] * 30).maybe_truncated


def step(outcome: Outcome, number: int = 1, **more: Any) -> Step:
    return Step(number=number, total=3, item=correction(), outcome=outcome, **more)


def test_a_step_is_one_line() -> None:
    assert str(step(Outcome.APPLIED)) == "1/3 UNDO ref-1: applied"
    assert str(step(Outcome.APPLIED, detail="done")) == "1/3 UNDO ref-1: applied"
    assert str(step(Outcome.UNKNOWN)) == "1/3 UNDO ref-1: unknown"
    shown = step(Outcome.OPEN, earlier=True, replacement="ref-2", detail="entry 2\n")
    assert str(shown) == "1/3 UNDO ref-1: open, earlier, now ref-2, entry 2\\n"


def test_an_execution_lists_what_is_not_applied() -> None:
    steps = [
        step(Outcome.APPLIED, replacement="ref-2"),
        step(Outcome.FAILED, 2, detail="old"),
        step(Outcome.NOT_REACHED, 3),
    ]
    execution = Execution(digest="d", steps=tuple(steps))
    assert str(execution).splitlines() == [
        "3 corrections: 1 applied, 1 failed, 1 not reached",
        f"  {steps[1]}",
    ]
    assert (len(execution), list(execution)) == (3, steps)
    assert execution.of("failed") == (steps[1],)
    assert execution.replacements == {"ref-1": "ref-2"}
    assert not execution.is_complete
    assert Execution(digest="d", steps=tuple(steps[:1])).is_complete
    assert str(Execution(digest="d", steps=())) == "0 corrections: none"
    assert Execution(digest="d", steps=())._repr_html_() == ""


AS_READ = Target.of(read())


@pytest.mark.parametrize(
    ("event", "differences"),
    [
        (read(), []),
        (read(without="referenceId"), ["reference_id cannot be read"]),
        (read(without="createdAt"), ["created_at cannot be read"]),
        (read(without="ingestionStatus"), ["status cannot be read"]),
        (read(status={"code": "REVERTED"}), ["status cannot be read"]),
        (read("ref-2"), ["reference_id was ref-1 and is ref-2"]),
        (
            read(status="REVERTED"),
            ["status was INGESTION_COMPLETED_EVENT_METERED and is REVERTED"],
        ),
        (read(without="eventPayload"), ["the event itself cannot be read"]),
        (read(attributes="none"), ["the event itself cannot be read"]),
        (read(value="10.5"), ["attributes has changed"]),
        (read(value="10.40"), []),
        (read(timestamp="2024-12-04T13:00:35+05:30"), []),
        (read(timestamp="2024-12-04T07:30:36Z"), ["timestamp has changed"]),
        (read(accountId="globex"), ["accountId has changed"]),
        (read(schemaName="trips"), ["schemaName has changed"]),
        (read(event_id="ride-2"), ["id has changed"]),
        (read(dimensions={"city": "Pune"}), ["dimensions has changed"]),
        (
            read(dimensions={"city": "Pune"}, value="7"),
            ["attributes has changed", "dimensions has changed"],
        ),
        (read(added=1), []),
    ],
)
def test_two_readings_differ_by_what_the_contract_describes(
    event: Any, differences: list[str]
) -> None:
    assert AS_READ.differences(Target.of(event)) == differences
    backward = Target.of(event).differences(AS_READ)
    named = [[each.partition(" was ")[0] for each in both] for both in (backward, differences)]
    assert named[0] == named[1]


def test_what_neither_reading_shows_is_a_difference_too() -> None:
    bare = Target.of(read(None, without="eventPayload"))
    assert bare.differences(bare) == [
        "reference_id cannot be read",
        "the event itself cannot be read",
    ]


def test_a_target_shows_what_was_read() -> None:
    assert (
        Target(
            reference_id="ref-1",
            event_id="ride-1",
            account_id="acme",
            status="INGESTION_COMPLETED_EVENT_METERED",
            created_at="2024-12-05T00:00:00+00:00",
            payload=AS_READ.payload,
        )
        == AS_READ
    )
    assert AS_READ.payload is not None
    assert AS_READ.payload["attributes"][0]["value"] == "10.4"
    bare = Target.of(read(None, id="", accountId=None, without="createdAt"))
    assert (bare.reference_id, bare.event_id, bare.account_id, bare.created_at) == (None,) * 4
    assert Target.of(read(None, id=["ride-1"])).event_id is None
    moved = read(None, referenceId="ref-7")
    assert Target.of(moved).reference_id == "ref-7"
    assert Target.of(read(None, referenceId=7)).reference_id is None
    assert Target.of(read("", referenceId="")).reference_id is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("1.50", "1.5", True),
        ("1.0", "1", True),
        ("10", "1", False),
        ("100", "1e2", True),
        ("-0", "0", True),
        ("-0.0", "0", True),
        ("1e599", "1" + "0" * 599, True),
        ("1e600", "1" + "0" * 600, False),
        ("1e-599", "0." + "0" * 598 + "1", True),
        ("1e-600", "0." + "0" * 599 + "1", False),
        ("many", "many", True),
        ("many", "few", False),
        ("NaN", "Infinity", False),
        ("NaN", "many", False),
        ("Infinity", "Infinity", True),
    ],
)
def test_a_quantity_is_the_same_in_every_notation(first: str, second: str, same: bool) -> None:
    def compared(value: str) -> Any:
        return comparable({"attributes": [{"name": "a", "value": value, "unit": "km"}]})

    assert (compared(first) == compared(second)) is same


@pytest.mark.parametrize(
    ("name", "first", "second", "same"),
    [
        ("timestamp", "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00+01:00", True),
        ("timestamp", "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00+02:00", False),
        ("timestamp", "2024-12-04T07:30:35", "2024-12-04T07:30:35Z", False),
        ("timestamp", "soon", "later", False),
        ("timestamp", "soon", "soon", True),
        ("timestamp", 5, 5, True),
        ("timestamp", 5, 6, False),
        ("dimensions", {"a": 1}, {"a": "1"}, True),
        ("dimensions", [], {}, True),
        ("attributes", None, [], True),
        ("attributes", [5], [6], False),
        ("attributes", [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}], True),
        ("attributes", [{"name": "a", "unit": "km"}], [{"name": "a", "unit": "m"}], False),
        ("added", 1, 2, True),
    ],
)
def test_any_payload_can_be_compared(name: str, first: Any, second: Any, same: bool) -> None:
    assert (comparable({name: first}) == comparable({name: second})) is same


def test_a_correction_survives_json() -> None:
    replacement = read(value="7").event_payload
    one = Correction(
        action=CorrectionAction.REDO_EVENT,
        selection=Selection(account_id="acme", event_id="ride-1", created_at=AT),
        event=replacement,
        background=True,
        require_confirmation=True,
        before=(AS_READ,),
    )
    two = Correction(
        action=CorrectionAction.UNDO,
        selection=Selection(account_id="acme", event_source_time=AT),
    )
    for correction in (one, two):
        source = json.loads(json.dumps(correction.to_json()))
        assert Correction.from_json(source) == correction
        assert None not in source["selection"].values()
    assert one.describe() == (
        f"REDO_EVENT of the events with account_id=acme, event_id=ride-1, created_at={AT}"
    )


def entry(**changes: Any) -> Entry:
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(Entry))
    own = {"id": 7, "at": AT, "kind": Kind.INTENT, "action": "UNDO", "account": "acme", "data": {}}
    return Entry(**{**values, **own, **changes})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "entry 7: intent UNDO of all of acme at 2024-12-04 07:30:35Z"),
        ({"target": "ref-1"}, "entry 7: intent UNDO of ref-1 at 2024-12-04 07:30:35Z"),
        ({"who": "ann"}, "entry 7: intent UNDO of all of acme at 2024-12-04 07:30:35Z by ann"),
        (
            {"kind": Kind.APPROVED, "action": None, "account": None, "who": "bob"},
            "entry 7: approved at 2024-12-04 07:30:35Z by bob",
        ),
        ({"target": "ref\n1"}, "entry 7: intent UNDO of ref\\n1 at 2024-12-04 07:30:35Z"),
    ],
)
def test_an_entry_is_one_line(changes: dict[str, Any], text: str) -> None:
    assert str(entry(**changes)) == text


def test_an_entry_holds_what_was_read() -> None:
    assert (entry().snapshot, entry().siblings) == (None, None)
    held = entry(data={"snapshot": asdict(AS_READ), "siblings": ["ref-1", "ref-2"]})
    assert (held.snapshot, held.siblings) == (AS_READ, frozenset({"ref-1", "ref-2"}))
    assert entry().to_json() == {
        **dict.fromkeys(COLUMNS),
        "id": 7,
        "at": "2024-12-04T07:30:35+00:00",
        "kind": "intent",
        "action": "UNDO",
        "account": "acme",
        "data": {},
    }


def test_a_status_that_the_caller_set_as_text_is_reverted() -> None:
    event: Any = read()
    event.ingestion_status.status = "REVERTED"
    assert Target.of(event).is_reverted


def test_a_reconciliation_is_not_a_condition() -> None:
    result = Reconciliation(verdict=Verdict.NOT_APPLIED, correction=correction(), evidence=())
    with pytest.raises(TypeError, match="compare its `verdict`"):
        bool(result)


def test_a_reconciliation_is_its_verdict_and_its_evidence() -> None:
    one = Reconciliation(verdict=Verdict.APPLIED, correction=correction(), evidence=("a\x1b", "b"))
    lines = [f"{correction().describe()}: applied", "a\\x1b", "b"]
    assert str(one).splitlines() == lines
    later = evolve(one, check_after=AT)
    assert str(later).splitlines() == [*lines, "check again after 2024-12-04 07:30:35Z"]
