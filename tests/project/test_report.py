"""The report of a bump, which a person reads in a pull request."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest
from contract.impact import dependents, mentions
from contract.merge import merge
from contract.report import report
from contract.verdicts import Hold, place

from tests.project.small import changed, merged, operation, parameter, properties, schemas, small

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def report_text(*changes: Callable[[dict[str, Any]], object], holds: tuple[Hold, ...] = ()) -> str:
    def all_of_them(document: dict[str, Any]) -> None:
        for change in changes:
            change(document)

    return report(merge(small(), changed(all_of_them), holds), {})


def add(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda d: properties(d, "Ride").update({name: {"type": "string"}})


def test_a_gain_says_what_and_where() -> None:
    assert "- new property `Ride.speed`, string (`GET /rides 200 $.rides[].speed`" in report_text(
        add("speed")
    )


def test_new_models_are_named_for_export() -> None:
    driver = {"type": "object", "properties": {"name": {"type": "string"}}}
    text = report_text(lambda d: properties(d, "Ride").update(driver=driver))
    assert "name them in `togai/models.py`: `RideDriver`" in text


def test_what_is_held_is_one_line_for_each_rule() -> None:
    text = report_text(
        lambda d: properties(d, "Ride").pop("bike"),
        lambda d: properties(d, "Problem").pop("message"),
    )
    assert (
        "- response property removed: `Problem.message`, `Ride.bike`; the contract keeps it" in text
    )


def test_a_conflict_names_both_versions_the_place_the_reason_and_the_command() -> None:
    text = report_text(lambda d: d["paths"].update({"/v2/rides": d["paths"].pop("/rides")}))
    assert text.startswith("# Contract bump\n\n**Refused:** 1 conflict; nothing was written.")
    for part in (
        "## Conflict: operation removed at `GET /rides`",
        "- contract: `GET /rides`; vendor: `none`",
        "`listRides at GET /v2/rides`",
        "callers would get: NotFound or another error",
        "    scripts/bump SPEC --hold '#/paths/~1rides/get' --because '...'",
    ):
        assert part in text


def test_a_decision_is_reported_with_its_reason() -> None:
    text = report_text(
        lambda d: properties(d, "Bike").update(model={"type": "integer"}),
        holds=(Hold("#/components/schemas/Bike/properties/model", "a slip of theirs"),),
    )
    assert "held by decision: a slip of theirs" in text


def test_limits_take_a_line_for_each_direction() -> None:
    def limits(document: dict[str, Any]) -> None:
        for name in ("id", "at"):
            properties(document, "Ride")[name]["maxLength"] = 10
        properties(document, "RidePage")["next"]["maxLength"] = 900
        properties(document, "Trip")["stops"]["minItems"] = 1

    lines = [line.partition(";")[0] for line in report_text(limits).splitlines() if "limit" in line]
    assert lines == [
        "- request limit tightened: `Trip.stops minItems` `none -> 1`",
        "- limit tightened: `Ride.at maxLength` `none -> 10`, `Ride.id maxLength` `none -> 10`",
        "- limit loosened: `RidePage.next maxLength` `500 -> 900`",
    ]


def test_a_default_that_was_added_is_shown() -> None:
    first = merge(small(), small())
    default = changed(lambda d: properties(d, "Ride")["id"].update(default="r-1"))
    text = report(merge(small(), default, last=first.vendor), {})
    assert "- default changed: `Ride.id` `none -> r-1`; no call changes its meaning" in text


def test_a_pattern_of_the_vendors_is_code_and_no_markdown() -> None:
    pattern = r"^\[a\](http://e) \*b\*$"
    text = report_text(lambda d: properties(d, "Ride")["id"].update(pattern=pattern))
    assert f"`Ride.id pattern` `none -> {pattern}`" in text


def test_a_hold_that_is_suggested_can_be_pasted() -> None:
    text = report_text(
        lambda d: (
            properties(d, "Trip").update({"it's": {"type": "string"}}),
            schemas(d)["Trip"]["required"].append("it's"),
        )
    )
    line = next(line for line in text.splitlines() if "scripts/bump" in line)
    assert shlex.split(line)[3] == "#/components/schemas/Trip/properties/it's"


def test_all_conflicts_are_held_by_one_command() -> None:
    text = report_text(
        lambda d: properties(d, "Bike").update(model={"type": "integer"}),
        lambda d: d["paths"].pop("/rides/fix"),
    )
    (line,) = [line for line in text.splitlines() if "scripts/bump" in line]
    words = shlex.split(line)
    assert words[2:5] == [
        "--hold",
        "#/components/schemas/Bike/properties/model",
        "#/paths/~1rides~1fix/post",
    ]


def test_known_differences_are_one_line() -> None:
    weaker = changed(lambda d: schemas(d)["Ride"].update(required=[]))
    first = merge(small(), weaker)
    assert "callers get: None where the service omits it" in report(first, {})
    text = report(merge(first.contract, weaker, last=first.vendor), {})
    assert text.splitlines()[-1] == "Already known: may be absent or null (3)."


def test_a_change_beside_a_known_difference_is_reported() -> None:
    weaker = changed(lambda d: schemas(d)["Ride"].update(required=[]))
    first = merge(small(), weaker)
    operation(weaker, "listRides")["servers"] = [
        {"url": "https://read.rides.example"},
        {"url": "https://rides.example"},
    ]
    schemas(weaker)["Bike"]["additionalProperties"] = False
    text = report(merge(first.contract, weaker, last=first.vendor), {})
    assert "- also changed in the description: `Bike.*`, `GET /rides servers`" in text


def test_a_new_parameter_says_how_callers_send_it(facade: dict[str, set[str]]) -> None:
    flag = {"name": "flag", "in": "query", "description": "A flag.", "schema": {"type": "string"}}

    def add_flags(document: dict[str, Any]) -> None:
        document["paths"]["/events"] = document["paths"].pop("/rides")
        for call in ("listRides", "fixRides"):
            operation(document, call)["parameters"].append(flag)

    contract = small()
    contract["paths"]["/events"] = contract["paths"].pop("/rides")
    result = merge(contract, changed(add_flags))
    text = report(result, facade)
    assert "`GET /events ?flag`): sent by `list(..., extra_query={'flag': ...})`" in text
    assert "`POST /rides/fix ?flag`): not sent until `togai/_requests.py` sends it" in text
    assert parameter(result.contract, "fixRides", "flag")["description"] == "A flag."


def test_a_new_name_is_not_reported_twice() -> None:
    first = merge(small(), small())
    renamed = changed(
        lambda d: properties(d, "Bike").update(Model=properties(d, "Bike").pop("model"))
    )
    text = report(merge(small(), renamed, last=first.vendor), {})
    assert "- property renamed: `Bike.model` `model -> Model`" in text
    assert "also changed" not in text


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda d: parameter(d, "getRide", "ride_id").update(style="simple"),
            "also changed in the description: `GET /rides/{ride_id} path ride_id`",
        ),
        (
            lambda d: schemas(d)["Bike"].update(propertyNames={"maxLength": 3}),
            "also changed in the description: `Bike`",
        ),
        (
            lambda d: properties(d, "Trip")["stops"].update(contains={"minLength": 3}),
            "request limit tightened: `Trip.stops` `none -> contains (39dac91c)`",
        ),
        (
            lambda d: parameter(d, "listRides", "size")["schema"].update(multipleOf=10),
            "request limit tightened: `GET /rides ?size multipleOf` `none -> 10`",
        ),
        (
            lambda d: d["components"]["responses"]["Problem"].update(headers={"Retry-After": {}}),
            "also changed in the description: `GET /rides 422`, `GET /rides default`",
        ),
        (
            lambda d: d["paths"]["/rides"].update(description="All about rides."),
            "wording changed: `/rides`",
        ),
        (
            lambda d: schemas(d)["Bike"].update(discriminator={"propertyName": "model"}),
            "also changed in the description: `Bike`",
        ),
        (
            lambda d: operation(d, "getRide").update({"x-sunset": "2027-01-01"}),
            "also changed in the description: `GET /rides/{ride_id}`",
        ),
    ],
)
def test_a_change_that_no_rule_compares_has_a_line(
    change: Callable[[dict[str, Any]], object], line: str
) -> None:
    first = merge(small(), small())
    assert f"- {line}" in report(merge(small(), changed(change), last=first.vendor), {})


def test_a_change_without_a_verdict_is_not_called_unseen_by_callers() -> None:
    first = merge(small(), small())
    change = changed(lambda d: schemas(d)["Bike"].update(dependentRequired={"model": ["size"]}))
    text = report(merge(small(), change, last=first.vendor), {})
    assert (
        "## Changes without a verdict\n\n- also changed in the description: `Bike.size or not model`"
        in text
    )
    assert "unseen by callers" not in text


def test_a_new_model_is_reported_once() -> None:
    first = merge(small(), small())
    tyre = {"type": "object", "properties": {"size": {"type": "integer"}}}
    change = changed(lambda d: properties(d, "Bike").update(tyre=tyre))
    text = report(merge(small(), change, last=first.vendor), {})
    assert "to export the new models, name them in `togai/models.py`: `BikeTyre`" in text
    assert "also changed" not in text


def test_a_property_that_may_be_null_is_reported_once() -> None:
    first = merge(small(), small())
    bike = {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Bike"}]}
    change = changed(lambda d: properties(d, "Ride").update(bike=bike))
    text = report(merge(small(), change, last=first.vendor), {})
    assert "required or null changed: `Ride.bike`" in text
    assert "also changed" not in text


def test_a_required_scope_is_something_that_callers_can_see_and_reported_once() -> None:
    first = merge(small(), small())
    change = changed(lambda d: operation(d, "fixRides").update(security=[{"bearer": ["write"]}]))
    text = report(merge(small(), change, last=first.vendor), {})
    line = (
        "- scope required: `POST /rides/fix` `http bearer -> http bearer with write`; the service"
    )
    assert f"## Callers can see\n\n{line}" in text
    assert "also changed" not in text


def test_a_deprecation_is_something_that_callers_can_see() -> None:
    text = report_text(lambda d: operation(d, "getRide").update(deprecated=True))
    assert "## Callers can see\n\n- deprecated: `GET /rides/{ride_id}`" in text


@pytest.mark.parametrize(
    ("at", "name"),
    [
        ("#/components/schemas/Bike/properties/model/required", "Bike.model"),
        ("#/components/schemas/Bike/properties/required", "Bike.required"),
        ("#/components/schemas/Bike/properties/maxSpeed", "Bike.maxSpeed"),
        ("#/components/schemas/Bike/properties/model/maxLength", "Bike.model maxLength"),
        ("#/components/schemas/Bike/properties/model/$ref", "Bike.model"),
        ("#/servers/https:~1~1rides.example", "servers/https://rides.example"),
        ("#/paths/~1rides/get/servers", "GET /rides servers"),
        ("#/paths/~1rides", "/rides"),
        ("#/paths/~1rides/x-prose", "/rides"),
        ("#/paths/~1rides/get/responses/200/headers/x-left/schema", "GET /rides 200 header x-left"),
        ("#/components/securitySchemes/key/x-prose", "components/securitySchemes/key"),
    ],
)
def test_a_pointer_has_a_name_for_people(at: str, name: str) -> None:
    assert place(at) == name


def test_a_refused_bump_says_how_to_leave_additions_out() -> None:
    text = report(merged(add("more")), {}, problem="callers would see another outcome")
    command = "scripts/bump SPEC --hold '#/components/schemas/Ride/properties/more' --because '...'"
    assert f"To leave the additions out:\n\n    {command}\n" in text


def test_what_was_left_out_before_is_known() -> None:
    odd = changed(lambda d: properties(d, "Ride").update(any={"oneOf": [{"type": "string"}, {}]}))
    first = merge(small(), odd)
    assert "## Left out of the models" in report(first, {})
    text = report(merge(first.contract, odd, last=first.vendor), {})
    assert text.splitlines()[-1] == "Already known: not modelled (1)."


def test_a_first_reading_lists_every_kind_of_difference_and_conflicts_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("contract.report.MOST", 1)
    change = changed(lambda d: (add("speed")(d), d["paths"].pop("/rides")))
    lines = report(merge(small(), change), {}, first=True).splitlines()
    listed = [line.partition(":")[0] for line in lines if line.startswith("- ")]
    assert listed == ["- operation removed", "- new property"]


def test_a_long_list_is_cut_at_the_members_of_enums() -> None:
    states = [f"S{i}" for i in range(40)]
    town = {"name": "town", "in": "query", "schema": {"type": "string"}}
    lines = report_text(
        lambda d: schemas(d)["RideState"]["enum"].extend(states),
        lambda d: operation(d, "listRides")["parameters"].append(town),
    ).splitlines()
    assert lines[lines.index("## Callers gain") + 2].startswith(
        "- new parameter `GET /rides ?town`"
    )


def test_a_long_list_is_cut() -> None:
    text = report_text(*(add(f"p{i}") for i in range(40)))
    assert "- and 28 more" in text
    assert len(text.splitlines()) < 25


@pytest.mark.parametrize("text", ["@everyone", "<img src=x>", "[a](b)", "# head", "a | b", "*x*"])
def test_text_of_the_vendor_is_in_a_code_span(text: str) -> None:
    def version(document: dict[str, Any]) -> None:
        document["info"]["version"] = f"2.0 {text}"

    assert f"- version: `info/version` `1.0 -> 2.0 {text}`;" in report_text(version)


def test_equal_bumps_give_equal_reports() -> None:
    changes = (add("a"), lambda d: operation(d, "listRides")["responses"].pop("422"))
    assert report_text(*changes) == report_text(*changes)


@pytest.fixture(scope="module")
def facade(root: Path) -> dict[str, set[str]]:
    return mentions(root / "togai")


def test_what_callers_call_comes_first(facade: dict[str, set[str]]) -> None:
    symbols = dependents("#/components/schemas/Attribute/properties/value", facade, None)
    assert symbols[0] == "togai.Attribute.value"
    public = [not line.rpartition(".")[2].startswith("_") for line in symbols]
    assert public == sorted(public, reverse=True)
    assert not any("_checked_r" in line for line in symbols)


@pytest.mark.parametrize(
    ("at", "module", "symbol"),
    [
        (
            "#/components/schemas/EventWithStatus/properties/createdAt",
            None,
            "togai.EventWithStatus.created_at",
        ),
        (
            "#/components/schemas/EventWithStatus/properties/createdAt",
            None,
            "togai.corrections._matching.contradicts",
        ),
        ("#/components/schemas/EventSource", None, "togai.EventSource"),
        ("#/paths/~1events/get/parameters/4", "get_events", "togai._events.Events.list"),
        ("#/paths/~1events~1correction/post", "event_correction", "togai._events.Events.correct"),
    ],
)
def test_the_symbols_that_depend_on_a_place_are_found(
    facade: dict[str, set[str]], at: str, module: str | None, symbol: str
) -> None:
    symbols = dependents(at, facade, module)
    assert symbol in symbols
    if module:
        # A method is listed once, not for each client.
        assert not any("AsyncEvents" in each for each in symbols)
