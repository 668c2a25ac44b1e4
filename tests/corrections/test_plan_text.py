"""What a person sees before approving a plan: its text line by line, its warnings; and the file it is saved to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from togai import InvalidRequest, Redo, Replace, Undo
from togai.corrections import LeftOut, Plan
from togai.corrections._plan import corrections_of, warnings_of
from togai.corrections._table import Content, show, show_html, totals

from .test_reconcile_table import read

COMPLETED = "INGESTION_COMPLETED_EVENT_METERED"
RIDE = f"        id ride-1, 2024-12-04T07:30:35Z, {COMPLETED}"
DIGEST = "d" * 64


def content(*items: Any, **changes: Any) -> Content:
    corrections, _ = corrections_of(items)
    own: dict[str, Any] = {
        "service": "https://api.example.com",
        "why": None,
        "left_out": [],
        "warnings": [],
    }
    return Content(items=corrections, digest=DIGEST, **{**own, **changes})


def replacement(value: str = "12.5", **changes: Any) -> Any:
    return read(value=value, **changes).event_payload


def attributes(**values: str) -> Any:
    return [{"name": name, "value": value} for name, value in values.items()]


def test_a_plan_shows_each_item_with_its_quantities_before_and_after() -> None:
    shown = show(
        content(
            Undo(read()),
            Redo(read("ref-2", value="0.6")),
            Replace(read("ref-3", value="1"), replacement()),
            Undo(
                read("ref-4", accountId="acme-eu", event_id=None, attributes=[]), account_id="acme"
            ),
        )
    )
    assert shown.splitlines() == [
        "Plan: 4 corrections at https://api.example.com",
        "",
        "    1 UNDO ref-1, account acme",
        RIDE,
        "        distance (Kilometers): 10.4 -> none",
        "    2 REDO ref-2, account acme",
        RIDE,
        "        distance (Kilometers): 0.6 -> 0.6",
        "    3 REDO_EVENT ref-3, account acme",
        RIDE,
        "        distance (Kilometers): 1 -> 12.5",
        "    4 UNDO ref-4, account acme (shown as acme-eu)",
        f"        id none, 2024-12-04T07:30:35Z, {COMPLETED}",
        "",
        "Totals:",
        "  distance (Kilometers): 12.0 -> 13.1 (+1.1)",
        f"Digest: {DIGEST}",
    ]


def test_a_plan_shows_its_reason_what_is_left_out_and_warnings() -> None:
    left_out = [(f"ref-{number}", "reverted") for number in range(20)]
    shown = show(content(Undo(read()), why="meter 7", left_out=left_out, warnings=["a", "b"]))
    lines = shown.splitlines()
    assert lines[:3] == ["Plan: 1 correction at https://api.example.com", "Why: meter 7", ""]
    assert lines[-23:] == [
        *(f"Left out: ref-{number}: reverted" for number in range(20)),
        "! a",
        "! b",
        f"Digest: {DIGEST}",
    ]
    more = show(content(Undo(read()), left_out=[*left_out, ("ref-20", "reverted")])).splitlines()
    assert more[-3:] == [
        "Left out: ref-19: reverted",
        "Left out: 1 more in `plan.left_out`",
        f"Digest: {DIGEST}",
    ]


@pytest.mark.parametrize(
    ("count", "shown"),
    [(25, [*range(1, 26)]), (26, [*range(1, 21), *range(22, 27)]), (1, [1]), (0, [])],
)
def test_a_long_plan_shows_20_items_and_the_last_5(count: int, shown: list[int]) -> None:
    plan = content(*(Undo(read(f"ref-{number}")) for number in range(1, count + 1)))
    lines = show(plan).splitlines()
    assert [line for line in lines if "UNDO" in line] == [
        f"{number:5} UNDO ref-{number}, account acme" for number in shown
    ]
    more = [line for line in lines if "more" in line]
    assert more == (["      ... 1 more in `plan.items` ..."] if count == 26 else [])
    assert ("Totals:" in lines) == (count > 0)


@pytest.mark.parametrize(
    ("length", "folded"),
    [(78, ["78"]), (79, ["78", "1"]), (148, ["78", "70"]), (149, ["78", "70", "1"])],
)
def test_a_line_of_more_than_80_characters_is_folded(length: int, folded: list[str]) -> None:
    lines = show(content(warnings=["x" * length])).splitlines()
    first, *rest = map(int, folded)
    assert lines[2:-1] == ["! " + "x" * first, *(" " * 10 + "x" * count for count in rest)]


def test_the_totals_are_sums_by_name_and_unit() -> None:
    items: list[Any] = [
        Undo(read("ref-1", attributes=attributes(a="1", b="0.5", c="many"))),
        Replace(
            read("ref-2", attributes=attributes(a="2")),
            read(
                attributes=[*attributes(a="3"), *attributes(a="4"), *attributes(d="7")]
            ).event_payload,
        ),
        Redo(read("ref-3", value="9")),
    ]
    corrections, _ = corrections_of(items)
    assert totals(corrections) == {
        "a": (Decimal(3), Decimal(7)),
        "b": (Decimal("0.5"), Decimal(0)),
        "d": (Decimal(0), Decimal(7)),
        "distance (Kilometers)": (Decimal(9), Decimal(9)),
    }


def test_a_single_quantity_is_shown_to_the_digit() -> None:
    digits = "1." + "0" * 30 + "1"
    assert f"distance (Kilometers): {digits} -> none" in show(content(Undo(read(value=digits))))


def test_everything_else_that_a_replacement_changes_is_shown() -> None:
    event = read(dimensions={"city": "Chennai", "kind": "ride", "lane": "1"})
    changed = replacement(
        "10.4",
        event_id="ride-2",
        schemaName="trips",
        timestamp="2024-11-04T07:30:35Z",
        dimensions={"city": "Pune", "kind": "ride", "gate": "2"},
    )
    changes = [
        "schemaName: rides -> trips",
        "timestamp: 2024-12-04T07:30:35Z -> 2024-11-04T07:30:35Z",
        "id: ride-1 -> ride-2",
        "dimension city: Chennai -> Pune",
        "dimension lane: 1 -> none",
        "dimension gate: none -> 2",
    ]
    plan = content(Replace(event, changed), warnings=["a<b"])
    assert show(plan).splitlines()[5:11] == [f"        {change}" for change in changes]
    after = ", ".join(["distance (Kilometers): 10.4", *changes]).replace(">", "&gt;")
    page = show_html(plan)
    assert f'<td class="after">{after}</td>' in page
    assert '<td class="before">distance (Kilometers): 10.4</td>' in page
    assert '<td class="account_id">acme</td><td class="reference_id">ref-1</td>' in page
    assert page.startswith("<p>Plan: 1 correction at https://api.example.com</p>")
    assert page.endswith("<ul><li>a&lt;b</li></ul>")


def warned(*items: Any) -> list[str]:
    return list(warnings_of(corrections_of(items)[0]))


def quantity(before: str, after: str) -> Replace:
    return Replace(read(value=before), replacement(after))


FINE = Undo(read("ref-9"))
TENFOLD = "change a quantity tenfold or more"
NEGATIVE = "get a negative quantity"


@pytest.mark.parametrize(
    ("item", "warning"),
    [
        (Undo(read(status="INGESTION_FAILED_UNITS_INVALID")), "have failed ingestion"),
        (Undo(read(status="INGESTION_IN_PROGRESS")), "are still being ingested"),
        (
            Undo(read(event_id=None)),
            "have no id, so they are looked up by listing the account",
        ),
        (
            Undo(read(), account_id="alias"),
            "show an account other than that of the request (an alias)",
        ),
        (
            Replace(
                read(attributes=attributes(a="1", b="1")),
                read(attributes=attributes(a="1")).event_payload,
                allow_removed=True,
            ),
            "lose an attribute",
        ),
        (quantity("1", "-1"), NEGATIVE),
        (quantity("1", "-0.1"), NEGATIVE),
        (quantity("1", "0.9"), None),
        (quantity("0", "0"), None),
        (quantity("1", "9.9"), None),
        (quantity("1", "10"), TENFOLD),
        (quantity("10", "1"), TENFOLD),
        (quantity("9.9", "1"), None),
        (quantity("0", "0.1"), TENFOLD),
        (quantity("-1", "-1"), NEGATIVE),
        (Undo(read(value="-1")), None),
        (Redo(read(value="-1")), None),
        (FINE, None),
    ],
)
def test_a_warning_counts_the_items_that_it_is_about(item: Any, warning: str | None) -> None:
    own = [line for line in warned(item, FINE) if "accounts" not in line]
    count = 1 if item is FINE else 2
    expected = [] if warning is None else [f"1 of {count} {warning}"]
    if warning == NEGATIVE and item.replacement.attributes[0].value == "-0.1":
        expected.append(f"1 of {count} {TENFOLD}")
    assert own == expected


def test_one_quantity_among_several_is_enough_for_a_warning() -> None:
    event = read(attributes=attributes(a="1", b="1"))
    changed = read(attributes=attributes(a="2", b="-20")).event_payload
    assert warned(Replace(event, changed)) == [f"1 of 1 {NEGATIVE}", f"1 of 1 {TENFOLD}"]
    added = read(attributes=attributes(a="1", b="1", c="50")).event_payload
    assert warned(Replace(event, added)) == []


def test_a_plan_of_nothing_or_of_several_accounts_is_warned_about() -> None:
    assert warned() == ["the plan corrects nothing"]
    other = read("ref-2", accountId="globex")
    assert warned(Undo(read()), Undo(other)) == ["these are events of 2 accounts"]
    assert warned(Undo(read())) == []


def test_reverted_events_are_left_out_with_the_reason() -> None:
    corrections, left_out = corrections_of([Undo(read(status="REVERTED")), Undo(read("ref-2"))])
    assert [one.selection.reference_id for one in corrections] == ["ref-2"]
    assert left_out == [LeftOut(reference_id="ref-1", reason="its status is REVERTED")]


@pytest.mark.parametrize(
    "event", [read(None), read(without="eventPayload"), read(attributes="none")]
)
def test_an_event_that_cannot_be_read_cannot_be_planned(event: Any) -> None:
    with pytest.raises(InvalidRequest):
        corrections_of([Undo(event)])


def test_the_account_of_an_item_is_that_of_the_request() -> None:
    (one,), _ = corrections_of([Undo(read(), account_id="alias")])
    assert (one.selection.account_id, one.selection.reference_id) == ("alias", "ref-1")
    assert one.before[0].account_id == "acme"


@pytest.mark.parametrize("wrong", ["", " ", 5])
def test_the_account_of_an_item_is_text(wrong: Any) -> None:
    with pytest.raises(InvalidRequest, match="account_id="):
        corrections_of([Undo(read(), account_id=wrong)])


def plan(*items: Any) -> Plan:
    return Plan(
        service="https://api.example.com",
        ledger="id",
        position=(7, "checksum"),
        created_at="2024-12-05T00:00:00+00:00",
        why="meter 7",
        items=tuple(corrections_of(items)[0]),
        left_out=(LeftOut(reference_id="ref-8", reason="open"),),
        warnings=("a warning",),
    )


def test_a_saved_plan_is_private_complete_and_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.json"
    calls: list[str] = []
    sync, move = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        # Everything is in the file by then, and the file has not replaced the older one.
        assert json.loads((tmp_path / "plan.json.new").read_text())["digest"] == own.digest
        calls.append("sync")
        sync(descriptor)

    def replace(self: Path, target: Any) -> Path:
        calls.append("replace")
        return move(self, target)

    own = plan(Undo(read()), Replace(read("ref-2"), replacement()))
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    (tmp_path / "plan.json.new").write_text("what a killed process left")
    for _ in range(2):
        own.save(path)
    assert calls == ["sync", "replace"] * 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["plan.json"]
    source = json.loads(path.read_text())
    assert path.read_text() == json.dumps(source, sort_keys=True, indent=1)
    assert Plan.load(path) == own


def test_the_digest_changes_with_everything_in_the_plan() -> None:
    own = plan(Undo(read()))
    changes: list[dict[str, Any]] = [
        {"service": "https://b.example.com"},
        {"ledger": "other"},
        {"position": (8, "checksum")},
        {"position": (7, "another")},
        {"created_at": "2024-12-05T00:00:01+00:00"},
        {"why": None},
        {"items": ()},
        {"left_out": ()},
        {"left_out": (LeftOut(reference_id="ref-8", reason="reverted"),)},
        {"warnings": ()},
    ]
    digests = {own.digest, *(evolve(own, **change).digest for change in changes)}
    assert len(digests) == len(changes) + 1
    assert own.digest == plan(Undo(read())).digest


@pytest.mark.parametrize(
    "edit",
    [
        lambda source: source.pop("format"),
        lambda source: source.pop("digest"),
        lambda source: source.pop("items"),
        lambda source: source.update(items=None),
        lambda source: source.update(position=[]),
        lambda source: source.update(position=5),
        lambda source: source.update(items=[5]),
        lambda source: source.update(left_out=[{"reason": "open"}]),
        lambda source: source["items"][0].update(action="REDO_EVENT", event=5),
    ],
)
def test_a_file_that_is_not_a_plan_is_refused_in_one_line(tmp_path: Path, edit: Any) -> None:
    path = tmp_path / "plan.json"
    plan(Undo(read())).save(path)
    source = json.loads(path.read_text())
    edit(source)
    if "digest" in source:
        del source["digest"]
        source["digest"] = hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(source))
    with pytest.raises(InvalidRequest, match="is not a plan"):
        Plan.load(path)
    path.write_text("[]")
    with pytest.raises(InvalidRequest, match="is not a plan"):
        Plan.load(path)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of each value inside a JSON value."""
    content = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in content:
        yield (*place, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*place, key))


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, [5]], ids=str)
def test_a_file_with_any_other_value_raises_nothing_but_an_invalid_request(
    tmp_path: Path, value: Any
) -> None:
    path = tmp_path / "plan.json"
    plan(Replace(read(), replacement())).save(path)
    text = path.read_text()
    for *outer, last in places(json.loads(text)):
        source: Any = json.loads(text)
        parent = source
        for key in outer:
            parent = parent[key]
        parent[last] = value
        del source["digest"]
        digest = hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()
        path.write_text(json.dumps({**source, "digest": digest}))
        with contextlib.suppress(InvalidRequest):
            assert Plan.load(path).digest == digest


def test_a_file_with_more_than_a_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan(Undo(read())).save(path)
    source = {**json.loads(path.read_text()), "note": "approved by the boss"}
    del source["digest"]
    digest = hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**source, "digest": digest}))
    with pytest.raises(InvalidRequest, match="was changed after it was saved"):
        Plan.load(path)


def test_a_plan_of_another_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan(Undo(read())).save(path)
    source = json.loads(path.read_text())
    assert source["format"] == 1
    path.write_text(json.dumps({**source, "format": 2}))
    with pytest.raises(InvalidRequest, match="has format 2; this version reads format 1"):
        Plan.load(path)
