"""How a vendor's names and texts become those of the contract."""

from __future__ import annotations

from typing import Any

import pytest
from contract import adopt
from contract.adopt import (
    BUILDER_NAMES,
    clash,
    class_name,
    map_names,
    members,
    plain,
    python_name,
    references,
    unwritable,
)
from contract.merge import merge

from tests.project.small import changed, properties, schemas, small

NOT_A_NAME = "it is not a name: quotes, backslashes, control characters, or too long"
NO_LETTER = "it is not a name: it has neither letter nor digit"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ride state", "RideState"),
        ("RideState", "RideState"),
        ("ride-state_2", "RideState2"),
        ("rideURL", "RideURL"),
        ("22", ""),
        ("é!", ""),
        ("", ""),
        ("a" * 80, "A" + "a" * 79),
        ("a" * 81, "A" + "a" * 79),
        # Only the first 200 characters are read.
        (" " * 199 + "ab", "A"),
    ],
)
def test_a_name_of_a_model_consists_of_capitalized_words(text: str, name: str) -> None:
    assert class_name(text) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((name, "") for name in ("a", "5", "a b", "a-b", "é", "$ref", "a'b", "x" * 200)),
        *((name, NOT_A_NAME) for name in ('a"b', "a\\b", "a`b", "a\nb", "a\u200bb", "x" * 201)),
        *((name, NO_LETTER) for name in ("", "-", "$$", "_", " ")),
    ],
)
def test_a_name_that_cannot_be_written_has_a_reason(name: str, reason: str) -> None:
    assert unwritable(name) == reason


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("accountId", "account_id"),
        ("account-id", "account_id"),
        ("class", "class_"),
        ("1st", "field_1st"),
        ("ﬁeld", "field"),
    ],
)
def test_a_property_has_a_name_in_python(wire: str, name: str) -> None:
    assert python_name(wire) == name


def test_names_clash_if_they_are_equal_in_python() -> None:
    assert clash("accountId", ["other", "account_id"])
    assert not clash("accountId", ["account", "id"])
    names = ("body", "Client", "quote", "url", "self", "bodies")
    taken = [name for name in names if clash(name, BUILDER_NAMES)]
    assert taken == ["body", "Client", "quote", "url"]


@pytest.mark.parametrize(
    ("values", "known", "taken"),
    [
        (["A", "B"], [], ["A", "B"]),
        (["A", "B"], ["A"], ["B"]),
        (["A-B", "a_b", "A B"], [], ["A-B"]),
        (["A-B"], ["A_B"], []),
        (["1A", "_A", "", "-", "É", "AÉ"], [], []),
        (['A"', "A\\", "A\n", "A" * 201], [], []),
        (["A1"], [], ["A1"]),
        (["A" * 200], [], ["A" * 200]),
    ],
)
def test_a_value_is_a_member_if_its_name_is_free(
    values: list[str], known: list[str], taken: list[str]
) -> None:
    assert members(values, known) == taken


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n  b\tc ", "a b c"),
        ("a\x1b\u2028b", "a b"),
        ("a\\b", "a/b"),
        ('"a" \'b\' ""', '"a" \'b\' ""'),
        ("'''a'''", "'a'"),
        *(('"' * count, '"') for count in (3, 4, 5, 9)),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 496 + " ..."),
        ("x" * 495 + " y" * 9, "x" * 495 + " ..."),
    ],
)
def test_a_description_is_one_harmless_line(text: str, line: str) -> None:
    assert plain(text) == line


def test_references_are_found_at_any_depth() -> None:
    ride, stop = ({"$ref": f"#/components/schemas/{name}"} for name in ("Ride", "Stop"))
    schema = {"properties": {"a": ride, "b": {"items": {"additionalProperties": stop}}}}
    assert references(schema) == ["Ride", "Stop"]
    assert references({"$ref": "#/components/responses/Problem"}) == []


def test_maps_are_named_after_the_property_that_holds_them() -> None:
    free: dict[str, Any] = {"additionalProperties": {"type": "string"}}
    document = {
        "Ride": {
            "properties": {
                "id": {"type": "string"},
                "tags": free,
                "more tags": {"items": {"items": free}},
                "nested": {"additionalProperties": free},
                "any": {"additionalProperties": True},
            }
        },
        "RideState": {"enum": ["A"]},
    }
    assert [*map_names(document)] == [
        "RideTags",
        "RideMoreTagsItemItem",
        "RideNested",
        "RideNestedAdditionalProperty",
        "RideAny",
    ]


def test_the_limits_of_names_texts_and_models() -> None:
    limits = (adopt.MAX_NAME, adopt.MAX_TEXT, adopt.MAX_SCHEMAS, adopt.MAX_NESTED)
    assert limits == (200, 500, 1000, 20)


def nested(*names: str) -> dict[str, Any]:
    """An object in an object, and so on, with a text in the last one."""
    first, *rest = names
    inner = nested(*rest) if rest else {"type": "string"}
    return {"type": "object", "properties": {first: inner}}


def added(shape: dict[str, Any]) -> dict[str, Any]:
    """The components that a new property `Bike.gear` adds."""
    document = changed(lambda d: properties(d, "Bike").update(gear=shape))
    after = schemas(merge(small(), document).contract)
    return {name: after[name] for name in after.keys() - schemas(small()).keys()}


@pytest.mark.parametrize(
    ("most", "models"),
    [
        (0, []),
        (1, ["BikeGear"]),
        (2, ["BikeGear", "BikeGearA"]),
        (3, ["BikeGear", "BikeGearA", "BikeGearAB"]),
    ],
)
@pytest.mark.parametrize("limit", ["MAX_NESTED", "MAX_SCHEMAS"])
def test_no_more_models_are_written_than_the_limits_allow(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int, models: list[str]
) -> None:
    already = len(schemas(small())) if limit == "MAX_SCHEMAS" else 0
    monkeypatch.setattr(adopt, limit, already + most)
    written = added(nested("a", "b", "c"))
    assert sorted(written) == models
    if models:
        # What is too deep is left out of the last model.
        assert [*written[models[-1]]["properties"]] == (["c"] if most == 3 else [])


@pytest.mark.parametrize(("depth", "is_taken"), [(2, True), (3, False)])
def test_a_list_may_be_nested_as_deep_as_the_limit(
    monkeypatch: pytest.MonkeyPatch, depth: int, is_taken: bool
) -> None:
    monkeypatch.setattr(adopt, "MAX_NESTED", 2)
    shape: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        shape = {"type": "array", "items": shape}
    document = changed(lambda d: properties(d, "Bike").update(gear=shape))
    merged = merge(small(), document)
    assert ("gear" in properties(merged.contract, "Bike")) == is_taken
    assert any("it is nested too deep" in each.reason for each in merged.differences) != is_taken


def test_a_name_that_is_used_gets_the_next_number() -> None:
    taken = nested("a") | {"description": "Another model."}
    document = changed(
        lambda d: (
            schemas(d).update({"Gear": nested("b"), "BikeGear": nested("c"), "BikeGear2": taken}),
            properties(d, "Bike").update(
                first={"$ref": "#/components/schemas/BikeGear"},
                second={"$ref": "#/components/schemas/BikeGear2"},
                gear=nested("d"),
                named={"$ref": "#/components/schemas/Gear"},
            ),
        )
    )
    bike = properties(merge(small(), document).contract, "Bike")
    names = [bike[name]["$ref"].rpartition("/")[2] for name in ("first", "second", "gear", "named")]
    assert names == ["BikeGear", "BikeGear2", "BikeGear3", "Gear"]
