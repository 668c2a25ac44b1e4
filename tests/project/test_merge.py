"""What a merge adds to the contract, holds, and leaves out."""

from __future__ import annotations

import ast
import builtins
import copy
from pathlib import Path
from typing import Any

import pytest
from contract import adopt
from contract.adopt import BUILDER_NAMES, clash
from contract.load import Unusable
from contract.merge import merge
from contract.report import report
from contract.verdicts import Hold

from tests.project.changes import TEXT, Change, add_parameter, drop_parameter
from tests.project.small import (
    changed,
    merged,
    operation,
    parameter,
    properties,
    schemas,
    small,
)


def test_a_held_conflict_is_one_again_when_theirs_changes() -> None:
    at = "#/components/schemas/Bike/properties/model"
    number = changed(lambda d: properties(d, "Bike").update(model={"type": "integer"}))
    flag = changed(lambda d: properties(d, "Bike").update(model={"type": "boolean"}))
    held = merge(small(), number, [Hold(at, "we asked")])
    (conflict,) = merge(held.contract, flag).conflicts
    assert "held before, when the vendor had integer" in conflict.reason


def test_a_decision_that_nothing_differs_from_any_more_is_released() -> None:
    at = "#/components/schemas/Bike/properties/model"
    number = changed(lambda d: properties(d, "Bike").update(model={"type": "integer"}))
    held = merge(small(), number, [Hold(at, "we asked")])
    released = merge(held.contract, small())
    assert released.released == (at,)
    assert released.contract == small()


def test_a_decision_about_a_parameter_that_is_no_longer_described_lasts() -> None:
    described = changed(lambda d: parameter(d, "fixRides", "region").pop("x-togai-origin"))
    removed = changed(drop_parameter("fixRides", "region"))
    first = merge(small(), described)
    places = [each.at for each in merge(small(), removed, last=first.vendor).conflicts]
    held = merge(small(), removed, [Hold(at, "we asked") for at in places], last=first.vendor)
    again = merge(held.contract, removed, last=held.vendor)
    assert (again.contract, again.released, again.conflicts) == (held.contract, (), [])


def test_a_description_of_another_service_is_refused() -> None:
    other = changed(lambda d: d.update(paths={"/pets": {"get": {"responses": {}}}}))
    with pytest.raises(Unusable, match=r"none of our calls .GET /rides, .*: is it the vendor"):
        merge(small(), other)
    moved = changed(
        lambda d: d.update(paths={f"/v2{path}": d["paths"][path] for path in d["paths"]})
    )
    assert {conflict.kind for conflict in merge(small(), moved).conflicts} == {"operation removed"}


def test_an_addition_can_be_held_off() -> None:
    at = "#/components/schemas/Ride/properties/speed"
    fast = changed(lambda d: properties(d, "Ride").update(speed={"type": "number"}))
    held = merge(small(), fast, [Hold(at, "not yet")])
    assert "speed" not in properties(held.contract, "Ride")
    assert [difference.verdict.value for difference in merge(held.contract, fast).differences] == [
        "held"
    ]


def test_a_hold_that_matches_nothing_is_reported() -> None:
    assert [hold.at for hold in merge(small(), small(), [Hold("#/nope", "why")]).unmatched] == [
        "#/nope"
    ]


@pytest.mark.parametrize(
    ("place", "covers"),
    [
        ("Ride", True),
        ("Ride.trip", True),
        ("#/components/schemas/Ride", True),
        ("Rid", False),
        ("Ride.tri", False),
        ("#/components/schemas/Rid", False),
    ],
)
def test_a_hold_covers_what_is_below_its_pointer_or_name(place: str, *, covers: bool) -> None:
    assert Hold(place, "why").covers("#/components/schemas/Ride/properties/trip/items") is covers


def test_a_hold_of_a_call_does_not_cover_a_longer_path() -> None:
    hold = Hold("GET /rides", "why")
    assert hold.covers("#/paths/~1rides/get/parameters/query/city")
    assert not hold.covers("#/paths/~1rides~1{ride_id}/get/parameters/path/ride_id")


def test_what_is_held_is_marked_with_the_date() -> None:
    away = changed(lambda d: properties(d, "Ride").pop("bike"))
    held = properties(merge(small(), away, today="2026-11-25").contract, "Ride")["bike"]
    assert held["deprecated"] is True
    assert held["x-togai-removed"] == "2026-11-25"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: schemas(d)["RideState"]["enum"].remove("DONE"),
        lambda d: operation(d, "listRides")["responses"].pop("422"),
    ],
    ids=["an enum member", "an error status"],
)
def test_what_changes_nothing_for_callers_stays_unmarked_and_is_known_later(change: Change) -> None:
    first = merge(small(), small())
    gone = merge(small(), changed(change), last=first.vendor)
    assert gone.contract == small()
    assert [(each.verdict.value, each.known) for each in gone.differences] == [("held", False)]
    later = merge(small(), changed(change), last=gone.vendor)
    assert [(each.verdict.value, each.known) for each in later.differences] == [("held", True)]
    back = merge(small(), small(), last=later.vendor)
    assert back.differences == ()
    assert back.changes


def test_a_property_that_one_call_lost_and_another_has_is_not_marked() -> None:
    def split(document: dict[str, Any]) -> None:
        schemas(document)["Other"] = copy.deepcopy(schemas(document)["Ride"])
        properties(document, "Other").pop("bike")
        content = operation(document, "getRide")["responses"]["200"]["content"]
        content["application/json"]["schema"] = {"$ref": "#/components/schemas/Other"}

    result = merged(split)
    assert [difference.verdict.value for difference in result.differences] == ["held"]
    assert result.contract == small()


def test_a_removed_server_is_held() -> None:
    def add(document: dict[str, Any]) -> None:
        document["servers"].append({"url": "https://eu.rides.example"})

    two = merged(add).contract
    result = merge(two, small())
    assert [(difference.verdict.value, difference.kind) for difference in result.differences] == [
        ("held", "server removed")
    ]
    assert len(result.contract["servers"]) == 2


def test_what_has_another_origin_is_never_reported_as_removed() -> None:
    assert merged(drop_parameter("fixRides", "region")).differences == ()


def test_a_new_property_is_optional_and_named_by_the_contract() -> None:
    def add(document: dict[str, Any]) -> None:
        properties(document, "Ride")["driver"] = {
            "type": "object",
            "required": ["grade"],
            "properties": {"grade": {"type": "string", "enum": ["A", "B"]}},
        }
        schemas(document)["Ride"]["required"].append("driver")

    contract = merged(add).contract
    assert properties(contract, "Ride")["driver"] == {"$ref": "#/components/schemas/RideDriver"}
    assert "driver" not in schemas(contract)["Ride"]["required"]
    assert "required" not in schemas(contract)["RideDriver"]
    assert schemas(contract)["RideDriverGrade"]["x-togai-open"] is True


def test_an_error_in_a_model_is_not_taken_for_a_schema_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(adopt, "plain", broken)
    with pytest.raises(ZeroDivisionError):
        merged(lambda d: properties(d, "Ride").update(speed=TEXT))
    driver = {"type": "object", "description": "D.", "properties": {"name": TEXT}}
    calls = iter([lambda text: text, broken])
    monkeypatch.setattr(adopt, "plain", lambda text: next(calls)(text))
    with pytest.raises(ZeroDivisionError):
        merged(lambda d: properties(d, "Ride").update(driver=driver))


def test_a_new_property_takes_the_vendors_name_for_a_new_schema() -> None:
    def add(document: dict[str, Any]) -> None:
        schemas(document)["Driver"] = {"type": "object", "properties": {"name": TEXT}}
        properties(document, "Ride")["driver"] = {"$ref": "#/components/schemas/Driver"}

    contract = merged(add).contract
    assert properties(contract, "Ride")["driver"] == {"$ref": "#/components/schemas/Driver"}


def test_a_new_property_refers_to_the_schema_that_ours_has_for_it() -> None:
    def add(document: dict[str, Any]) -> None:
        schemas(document)["Cycle"] = schemas(document).pop("Bike")
        cycle = {"$ref": "#/components/schemas/Cycle"}
        properties(document, "Ride").update(bike=cycle, spare=cycle)

    contract = merged(add).contract
    assert properties(contract, "Ride")["spare"] == {"$ref": "#/components/schemas/Bike"}
    assert "Cycle" not in schemas(contract)


def test_a_taken_name_is_not_taken_again() -> None:
    def add(document: dict[str, Any]) -> None:
        schemas(document)["Vehicle"] = schemas(document).pop("Bike")
        properties(document, "Ride")["bike"] = {"$ref": "#/components/schemas/Vehicle"}
        schemas(document)["Bike"] = {"type": "object", "properties": {"gear": TEXT}}
        properties(document, "Ride")["other"] = {"$ref": "#/components/schemas/Bike"}

    contract = merged(add).contract
    assert properties(contract, "Ride")["other"] == {"$ref": "#/components/schemas/RideOther"}
    assert "model" in properties(contract, "Bike")


def test_defaults_are_not_adopted_so_that_nothing_is_sent_unintentionally() -> None:
    add = add_parameter("deep", schema={"type": "boolean", "default": False})
    assert parameter(merged(add).contract, "listRides", "deep")["schema"] == {"type": "boolean"}


def test_a_format_that_the_generator_would_turn_into_another_type_stays_text() -> None:
    def add(document: dict[str, Any]) -> None:
        properties(document, "Ride")["uid"] = {"type": "string", "format": "uuid"}

    contract = merged(add).contract
    assert properties(contract, "Ride")["uid"]["x-togai-format"] == "uuid"
    assert "format" not in properties(contract, "Ride")["uid"]
    assert all(difference.known for difference in merge(contract, changed(add)).differences)


def test_a_property_of_a_response_only_is_not_added_to_requests() -> None:
    def split(document: dict[str, Any]) -> None:
        schemas(document)["Answered"] = copy.deepcopy(schemas(document)["Trip"])
        properties(document, "Answered")["toll"] = TEXT
        properties(document, "Ride")["trip"] = {"$ref": "#/components/schemas/Answered"}

    result = merged(split)
    assert [difference.kind for difference in result.differences] == ["not modelled"]
    assert result.contract == small()


def test_models_that_would_hold_each_other_are_left_out() -> None:
    result = merged(
        lambda d: properties(d, "Bike").update(ride={"$ref": "#/components/schemas/Ride"})
    )
    assert [difference.kind for difference in result.differences] == ["not modelled"]


def test_a_new_schema_that_would_lead_back_to_its_owner_loses_that_property_alone() -> None:
    back = {
        "type": "object",
        "properties": {"ride": {"$ref": "#/components/schemas/Ride"}, "a": TEXT},
    }
    contract = merged(lambda d: properties(d, "Bike").update(last=back)).contract
    assert list(properties(contract, "BikeLast")) == ["a"]


def test_an_object_of_anything_is_a_dict_and_stays_one() -> None:
    free: Change = lambda d: properties(d, "Ride").update(more={"type": "object"})  # noqa: E731
    contract = merged(free).contract
    assert properties(contract, "Ride")["more"]["additionalProperties"] is True
    known = {"type": "object", "properties": {"a": TEXT}}
    later = merge(contract, changed(lambda d: properties(d, "Ride").update(more=known)))
    assert [difference.kind for difference in later.differences] == ["not modelled"]
    assert later.contract == contract


@pytest.mark.parametrize(
    ("schemas_", "free"),
    [
        ({"RideTags": {"type": "object", "properties": {"a": TEXT}}}, "RideMore"),
        ({"Any": {"type": "object", "properties": {"a": TEXT}}}, "RideMore"),
    ],
)
def test_a_name_that_the_generator_gives_itself_is_not_taken(
    schemas_: dict[str, Any], free: str
) -> None:
    (name,) = schemas_

    def add(document: dict[str, Any]) -> None:
        properties(document, "Ride")["tags"] = {"type": "object", "additionalProperties": TEXT}
        schemas(document).update(schemas_)
        properties(document, "Ride")["more"] = {"$ref": f"#/components/schemas/{name}"}

    contract = merged(
        lambda d: properties(d, "Ride").update(
            tags={"type": "object", "additionalProperties": TEXT}
        )
    )
    rows = merge(contract.contract, changed(add)).contract
    assert properties(rows, "Ride")["more"] == {"$ref": f"#/components/schemas/{free}"}


@pytest.mark.parametrize("name", ["body", "client", "quote", "url", "CITY"])
def test_a_parameter_called_as_something_of_the_builder_is_left_out(name: str) -> None:
    result = merged(add_parameter(name))
    assert [difference.kind for difference in result.differences] == ["not modelled"]
    assert result.contract == small()


def test_every_name_that_a_builder_uses_is_kept_from_parameters(root: Path) -> None:
    for module in (root / "generated/_togai_generated/api").glob("*/[a-z]*.py"):
        tree = ast.parse(module.read_text("utf-8"))
        builder = next(node for node in tree.body if getattr(node, "name", "") == "request")
        own = {node.arg for node in ast.walk(builder) if isinstance(node, ast.arg)}
        used = {node.id for node in ast.walk(builder) if isinstance(node, ast.Name)} - own
        used -= {"datetime", *dir(builtins)}
        # A parameter never gets a name that starts with a capital or an underscore.
        free = [name for name in used if name.islower() and name[0] != "_"]
        assert all(clash(name, BUILDER_NAMES) for name in free)


@pytest.mark.parametrize(("schema", "flag"), [("Trip", "readOnly"), ("Bike", "writeOnly")])
def test_a_new_property_that_goes_the_other_way_is_left_out_each_time(
    schema: str, flag: str
) -> None:
    result = merged(lambda d: properties(d, schema).update(x={**TEXT, flag: True}))
    assert [difference.kind for difference in result.differences] == ["not modelled"]
    assert result.contract == small()


def test_a_member_of_a_new_object_that_goes_the_other_way_is_left_out() -> None:
    box = {"type": "object", "properties": {"a": TEXT, "b": {**TEXT, "writeOnly": True}}}
    contract = merged(lambda d: properties(d, "Bike").update(box=box)).contract
    assert list(properties(contract, "BikeBox")) == ["a"]


def test_a_composition_that_makes_a_property_read_only_is_seen() -> None:
    def compose(document: dict[str, Any]) -> None:
        read_only = {"properties": {"stops": {"readOnly": True}}}
        schemas(document)["Trip"] = {"allOf": [schemas(document)["Trip"], read_only]}

    assert [difference.kind for difference in merged(compose).differences] == [
        "request property removed"
    ]


def test_a_property_that_could_not_be_written_leaves_no_schema_behind() -> None:
    bad = {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"id": TEXT, "Id": TEXT}}, "b": TEXT},
    }
    contract = merged(lambda d: properties(d, "Bike").update(bad=bad)).contract
    assert schemas(contract).keys() - schemas(small()).keys() == {"BikeBad"}


@pytest.mark.parametrize("name", ["2XX", "2xx"])
def test_a_status_named_by_its_range_is_the_same_one(name: str) -> None:
    def rename(document: dict[str, Any]) -> None:
        responses = operation(document, "getRide")["responses"]
        responses[name] = responses.pop("200")

    assert merged(rename).differences == ()


def test_a_property_that_only_some_responses_deprecate_is_not_marked() -> None:
    def split(document: dict[str, Any]) -> None:
        schemas(document)["Ride2"] = copy.deepcopy(schemas(document)["Ride"])
        properties(document, "Ride2")["id"]["deprecated"] = True
        content = operation(document, "getRide")["responses"]["200"]["content"]
        content["application/json"]["schema"] = {"$ref": "#/components/schemas/Ride2"}

    assert merged(split).differences == ()


def test_a_held_item_is_reported_as_removed_and_not_as_deprecated_or_new() -> None:
    drop: Change = lambda d: properties(d, "Bike").pop("model")  # noqa: E731
    again = merge(merged(drop).contract, changed(drop))
    assert [difference.kind for difference in again.differences] == ["response property removed"]


def test_a_required_name_of_no_property_that_could_break_out_is_a_conflict() -> None:
    (rows,) = merged(lambda d: schemas(d)["Trip"]["required"].append("x`\n# Injected")).conflicts
    assert rows.kind == "required request property"


def test_a_header_that_openapi_reserves_is_not_a_parameter() -> None:
    for name in ("Authorization", "accept", "Content-Type"):
        add = add_parameter(name, required=True, **{"in": "header"})
        assert merged(add).differences == ()


def test_a_mark_of_the_vendors_goes_with_the_vendors() -> None:
    drop: Change = lambda d: properties(d, "Ride")["id"].update(deprecated=True)  # noqa: E731
    contract = merged(drop).contract
    assert properties(contract, "Ride")["id"]["deprecated"] is True
    assert merge(contract, small()).contract == small()


def test_a_new_schema_may_hold_itself() -> None:
    def add(document: dict[str, Any]) -> None:
        node = {"$ref": "#/components/schemas/Node"}
        schemas(document)["Node"] = {"type": "object", "properties": {"up": node, "id": TEXT}}
        properties(document, "Ride")["node"] = node

    contract = merged(add).contract
    assert properties(contract, "Node")["up"] == {"$ref": "#/components/schemas/Node"}


BAD_NAMES = ['a"b', "a\nb", "a\\b", "\u202eb", "a`b", "x" * 300, "'"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_cannot_be_written_as_code_is_left_out_and_the_rest_taken(name: str) -> None:
    result = merged(lambda d: properties(d, "Ride").update({name: TEXT, "speed": TEXT}))
    assert [difference.kind for difference in result.differences] in (
        ["not modelled", "new property"],
        ["new property", "not modelled"],
    )
    assert properties(result.contract, "Ride").keys() - properties(small(), "Ride").keys() == {
        "speed"
    }


@pytest.mark.parametrize("value", BAD_NAMES)
def test_a_value_or_version_that_cannot_be_written_as_code_is_left_out(value: str) -> None:
    result = merged(
        lambda d: (schemas(d)["RideState"]["enum"].append(value), d["info"].update(version=value))
    )
    assert {difference.kind for difference in result.differences} == {"not modelled"}
    assert result.contract == small()


def test_a_description_that_could_break_out_of_a_docstring_loses_its_teeth() -> None:
    text = 'x"""\nimport os\nos.abort()\n\\"""'
    contract = merged(
        lambda d: properties(d, "Ride").update(note={**TEXT, "description": text})
    ).contract
    assert properties(contract, "Ride")["note"]["description"] == 'x" import os os.abort() /"'


def test_the_order_of_a_description_makes_no_difference() -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(one) for key, one in reversed(value.items())}
        return [turned(item) for item in value] if isinstance(value, list) else value

    def add(document: dict[str, Any]) -> None:
        properties(document, "Ride").update(a=TEXT, b=TEXT)

    assert {difference.at for difference in merge(small(), turned(changed(add))).differences} == {
        difference.at for difference in merged(add).differences
    }


def test_a_composed_schema_of_our_own_takes_properties_and_limits() -> None:
    """Our contract may be composed, too."""
    contract = small()
    whole = schemas(contract)["Bike"]
    schemas(contract)["BikeBase"] = {
        "type": "object",
        "description": "B.",
        "properties": whole.pop("properties"),
    }
    schemas(contract)["Bike"] = {**whole, "allOf": [{"$ref": "#/components/schemas/BikeBase"}]}
    result = merge(contract, changed(lambda d: properties(d, "Bike").update(gear=TEXT)))
    assert [difference.kind for difference in result.differences] == ["new property"]
    added = schemas(result.contract)["Bike"]
    assert "gear" in (added.get("properties") or added["allOf"][-1]["properties"])
    gone = merge(contract, changed(lambda d: properties(d, "Bike").pop("model")))
    assert [difference.kind for difference in gone.differences] == ["response property removed"]
    assert properties(gone.contract, "BikeBase")["model"]["deprecated"] is True


def test_a_property_that_is_wrapped_or_moved_says_where_it_may_be() -> None:
    def paginate(document: dict[str, Any]) -> None:
        inner = {"next": properties(document, "RidePage").pop("next")}
        properties(document, "RidePage")["pagination"] = {"type": "object", "properties": inner}

    rows = [
        difference
        for difference in merged(paginate).differences
        if difference.kind == "response property removed"
    ]
    assert rows[0].hints == ("moved to $.pagination.next?",)


def test_a_property_that_changed_its_direction_is_not_called_moved() -> None:
    def one_way(document: dict[str, Any]) -> None:
        properties(document, "Trip")["stops"]["readOnly"] = True
        properties(document, "Ride")["id"]["writeOnly"] = True

    hints = {difference.at: difference.hints for difference in merged(one_way).conflicts}
    assert hints == {
        "#/components/schemas/Trip/properties/stops": ("read-only",),
        "#/components/schemas/Ride/properties/id": ("write-only",),
    }


def test_an_enum_value_in_another_case_is_the_likely_new_name() -> None:
    result = merged(lambda d: schemas(d)["Action"].update(enum=["redo", "undo"]))
    assert {difference.ours: difference.hints for difference in result.conflicts} == {
        "REDO": ("renamed to redo?",),
        "UNDO": ("renamed to undo?",),
    }


def test_a_limit_that_is_a_word_loosens_nothing_and_has_a_line() -> None:
    words = changed(lambda d: parameter(d, "listRides", "size")["schema"].update(maximum="twenty"))
    result = merge(small(), words)
    assert result.contract == small()
    assert "- not modelled: `GET /rides ?size maximum` `50 -> twenty`;" in report(result, {})


def test_a_limit_that_is_written_as_a_fraction_is_the_same_limit() -> None:
    same = merged(lambda d: properties(d, "RidePage")["next"].update(maxLength=500.0))
    assert same.differences == ()


def test_an_idempotency_key_is_recognized_by_its_description() -> None:
    key = {"name": "X-Token", "in": "header", "schema": TEXT, "description": "Makes it idempotent."}
    (gain,) = merged(lambda d: operation(d, "fixRides")["parameters"].append(key)).differences
    assert gain.kind == "idempotency key offered"


def test_an_idempotency_key_is_called_so() -> None:
    header = {"name": "Idempotency-Key", "in": "header", "schema": TEXT}
    result = merged(lambda d: operation(d, "fixRides")["parameters"].append(header))
    assert [difference.kind for difference in result.differences] == ["idempotency key offered"]


def test_a_hold_covers_what_is_below_and_speaks_up_when_it_changes() -> None:
    def csv(document: dict[str, Any], kind: str) -> None:
        content = operation(document, "getRide")["responses"]["200"]["content"]
        content["text/csv"] = {"schema": {"type": kind}}
        content.pop("application/json", None)

    held = merge(
        small(),
        changed(lambda d: csv(d, "string")),
        [Hold("GET /rides/{ride_id} 200", "we asked")],
    )
    assert held.conflicts == []
    assert merge(held.contract, changed(lambda d: csv(d, "string"))).conflicts == []
    (conflict,) = merge(held.contract, changed(lambda d: csv(d, "integer"))).conflicts
    assert "changed below since" in conflict.reason


@pytest.mark.parametrize("key", ["oneOf", "anyOf"])
@pytest.mark.parametrize("at", ["held", "left out", "known"])
def test_a_change_below_a_choice_of_objects_and_texts_is_noticed(key: str, at: str) -> None:
    def choose(d: dict[str, Any], new: Any) -> None:
        other = {"type": "object", "properties": {"wheels": {"type": "array", "items": new}}}
        name = "trailer" if at == "left out" else "bike"
        properties(d, "Ride")[name] = {key: [{"$ref": "#/components/schemas/Bike"}, other, TEXT]}

    pointer = "#/components/schemas/Ride/properties/bike"
    holds = [Hold(pointer, "not yet")] if at == "held" else []
    first = merge(small(), changed(lambda d: choose(d, TEXT)), holds)
    contract = first.contract
    assert merge(contract, changed(lambda d: choose(d, TEXT)), last=first.vendor).changes == ()
    again = merge(contract, changed(lambda d: choose(d, {"type": "integer"})), last=first.vendor)
    fresh = [difference for difference in again.differences if not difference.known]
    assert [each.kind for each in fresh] == ["not modelled" if at == "left out" else "type changed"]


def rename_sent(d: dict[str, Any]) -> None:
    properties(d, "Trip").update(Stops=properties(d, "Trip").pop("stops"))


@pytest.mark.parametrize(
    ("write", "change", "conflicts"),
    [
        ("OLD", rename_sent, []),
        ("OLD", lambda d: properties(d, "Trip").pop("stops"), ["request property removed"]),
        ("OLD", lambda _: None, []),
        ("NEW", rename_sent, []),
        ("NEW", lambda _: None, ["request property renamed"]),
    ],
    ids=["old, the same", "old, removed", "old, back", "new, the same", "new, back"],
)
@pytest.mark.parametrize("is_known", [True, False], ids=["with the last description", "without it"])
def test_a_decided_name_lasts_until_the_vendor_changes_it_again(
    write: str, change: Change, conflicts: list[str], is_known: bool
) -> None:
    first = merge(small(), changed(rename_sent), write=write)
    second = merge(first.contract, changed(change), last=first.vendor if is_known else None)
    # Without the last description, both decisions look the same.
    wanted = conflicts if is_known or write == "OLD" else []
    assert [each.kind for each in second.conflicts] == wanted


def test_a_name_that_was_given_up_is_sent_again() -> None:
    first = merge(small(), changed(rename_sent), write="NEW")
    second = merge(first.contract, changed(lambda _: None), last=first.vendor, write="NEW")
    assert properties(second.contract, "Trip")["stops"]["x-togai-aliases"] == ["Stops"]


def test_a_recursive_composition_has_the_same_models_in_each_bump() -> None:
    def described(d: dict[str, Any]) -> None:
        d["openapi"] = "3.1.0"
        notes = ({"$ref": "#/components/schemas/Note", "description": f"{i}"} for i in range(6))
        parts = [("a",), ("a", "b"), ("b", "a")]
        schemas(d)["Note"] = {
            "allOf": [
                {"type": "object", "properties": {name: next(notes) for name in names}}
                for names in parts
            ]
        }
        properties(d, "Bike")["note"] = next(notes)

    first = merge(small(), changed(described))
    again = merge(first.contract, changed(described), last=first.vendor)
    assert {each.kind for each in first.differences} == {"new property"}
    assert [*again.differences] == []
    assert first.schemas == ("Note",)
