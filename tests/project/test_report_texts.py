"""The whole text of reports and changelogs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from contract.merge import Merged
from contract.report import changelog, report
from contract.verdicts import TIGHTER, TIGHTER_SENT

from tests.project.changes import (
    TEXT,
    Case,
    Change,
    Document,
    apart,
    both,
    call,
    expected,
    marked,
    moved,
    of,
    props,
    required,
    responses,
    same,
    servers,
    write_rows,
)
from tests.project.small import operation, schemas

FACADE = {
    "togai._events.Events.list": {"list_rides", "extra_query", "size"},
    "togai._events.AsyncEvents.list": {"list_rides", "extra_query"},
    "togai._requests.fix": {"fix_rides", ".model", "Bike"},
    "togai._events.Events.correct": {"fix", "_requests"},
    "togai._events.Events.get": {".at", ".model"},
    "togai._claims.check": {".model"},
    "togai._plans._private": {".model", ".next"},
}
NUMBER = {"type": "number"}


def run(theirs: Change, ours: Change = same, last: Change | None = None, *holds: str) -> Merged:
    return Case(ours, theirs, last, holds=holds).run()


def many(prefix: str, count: int) -> Change:
    return props("Bike", **{f"{prefix}{i}": TEXT for i in range(count)})


def lose(*names: str) -> Change:
    return props("Bike", **dict.fromkeys(names))


def limits(key: str, value: Any, count: int) -> Change:
    return both(*(marked("Bike", f"p{i}", **{key: value}) for i in range(count)))


def key(d: Document) -> None:
    header = {"name": "Idempotency-Key", "in": "header", "schema": TEXT}
    operation(d, "fixRides")["parameters"].append(header)


def filters(d: Document) -> None:
    for name in ("listRides", "fixRides"):
        operation(d, name)["parameters"].append({"name": "town", "in": "query", "schema": TEXT})


def events(d: Document) -> None:
    d["paths"]["/events"] = d["paths"].pop("/rides")


SPECIAL = "x`<b>[a](c)@d#e*f_g|h\\i\nj"
STOPS = {"type": "array", "items": {"$ref": "#/components/schemas/Stop"}}
BROKEN = both(props("Bike", model=NUMBER), of("listRides", "city", required=True))
REPORTS: dict[str, Callable[[], str]] = {
    "nothing": lambda: report(run(same), FACADE),
    "nothing since the last": lambda: report(run(same, last=same), FACADE),
    "wording only": lambda: report(run(marked("Bike", "model", description="x"), last=same), {}),
    "gains": lambda: report(
        run(
            both(
                props("Ride", speed=NUMBER, driver={"type": "object", "properties": {"a": TEXT}}),
                lambda d: schemas(d)["RideState"]["enum"].append("LOST"),
                filters,
                key,
            )
        ),
        FACADE,
        proof="All programs have the same outcomes.",
    ),
    "gains of a listing of events": lambda: report(run(both(events, filters), events), FACADE),
    "gains without a facade that can send them": lambda: report(
        run(filters), {"togai._requests.fix": {"fix_rides"}}
    ),
    "gain in a header since the last": lambda: report(run(key, last=same), FACADE),
    "removed response since the last": lambda: report(
        run(responses("listRides", s422=None), last=same), FACADE
    ),
    "gain at three places": lambda: report(
        run(apart("getRide", "Ride", props("Bike", gear=TEXT))), FACADE
    ),
    "a dry run": lambda: report(run(many("p", 1)), FACADE, dry=True, proof="As before."),
    "a dry run without a change of the contract": lambda: report(
        run(marked("Bike", "model", description="x"), last=same), {}, dry=True
    ),
    "twelve gains": lambda: report(run(many("p", 12)), FACADE),
    "thirteen gains": lambda: report(run(many("p", 13)), FACADE),
    "thirteen gains with a new model": lambda: report(
        run(both(many("p", 13), props("Ride", z={"type": "object", "properties": {"a": TEXT}}))),
        FACADE,
    ),
    "a problem": lambda: report(
        run(many("p", 2)), FACADE, problem="programs <fail>", spec="my spec.yaml"
    ),
    "conflicts": lambda: report(run(BROKEN), FACADE, spec="https://x.example/a b.yaml"),
    "conflict with hints": lambda: report(
        run(props("Trip", stops=None, halts=STOPS, places=STOPS)), FACADE
    ),
    "conflict at three places": lambda: report(
        run(apart("getRide", "Ride", props("Bike", model=NUMBER))), FACADE
    ),
    "conflict of a call": lambda: report(run(moved("/rides/fix", "/v2/fix")), FACADE),
    "conflict of a server": lambda: report(run(servers("https://b.example")), FACADE),
    "conflict on which nothing depends": lambda: report(
        run(of("getRide", "ride_id", schema=NUMBER)), FACADE
    ),
    "conflict that is held": lambda: report(run(BROKEN, same, None, "Bike.model"), FACADE),
    "decision released": lambda: report(
        run(
            same,
            lambda d: d.update(
                {
                    "x-togai-holds": [
                        {
                            "at": "#/components/schemas/Bike/properties/model",
                            "vendor": "number",
                            "because": "asked",
                        }
                    ]
                }
            ),
        ),
        FACADE,
    ),
    "kept for callers": lambda: report(
        run(both(lose("model"), responses("listRides", s422=None), required("Ride", "id"))), FACADE
    ),
    "visible": lambda: report(
        run(
            both(
                call("listRides", deprecated=True),
                of("listRides", "size", schema={"type": "integer", "maximum": 20}),
            )
        ),
        FACADE,
    ),
    "quiet": lambda: report(
        run(both(many("p", 14), limits("maxLength", 9, 14)), many("p", 14)), FACADE
    ),
    "left out": lambda: report(
        run(props("Bike", odd={"oneOf": [TEXT, NUMBER]}, Model=TEXT)), FACADE
    ),
    "left out before": lambda: report(
        run(
            props("Bike", odd={"oneOf": [TEXT, NUMBER]}),
            last=props("Bike", odd={"oneOf": [TEXT, NUMBER]}),
        ),
        FACADE,
    ),
    "known": lambda: report(
        run(
            both(BROKEN, lose("model"), required("Ride")),
            last=both(BROKEN, lose("model"), required("Ride")),
        ),
        FACADE,
    ),
    "known and held by decision": lambda: report(
        run(
            both(BROKEN, required("Ride", "id")),
            lambda d: d.update(
                {
                    "x-togai-holds": [
                        {
                            "at": "#/components/schemas/Bike/properties/model",
                            "vendor": "number",
                            "because": "asked",
                        }
                    ]
                }
            ),
            both(BROKEN, required("Ride", "id")),
        ),
        FACADE,
    ),
    "a limit of a response without the last": lambda: report(
        run(marked("RidePage", "next", maxLength=5)), FACADE
    ),
    "a default of a response without the last": lambda: report(
        run(marked("RidePage", "next", default="x")), FACADE
    ),
    "first reading": lambda: report(
        run(both(BROKEN, many("p", 1), marked("Bike", "model", type="number"))), FACADE, first=True
    ),
    "first reading with one difference": lambda: report(run(many("p", 1)), FACADE, first=True),
    "other changes": lambda: report(
        run(
            both(
                marked("Bike", "model", description="x", contentEncoding="base64"),
                marked("Ride", "id", description="y"),
                of("getRide", "ride_id", style="simple"),
                props("Ride", speed=NUMBER),
                call("getRide", operationId="ride"),
                lambda d: d["info"].update(title="Cars"),
                renamed_model,
            ),
            last=same,
        ),
        FACADE,
    ),
    "thirteen other changes": lambda: report(
        run(
            both(many("p", 13), limits("contentEncoding", "base64", 13)),
            many("p", 13),
            many("p", 13),
        ),
        FACADE,
    ),
    "special characters": lambda: report(
        run(
            both(
                lambda d: d["info"].update(version=SPECIAL),
                props("Bike", **{SPECIAL: TEXT}),
                marked("Ride", "id", pattern=SPECIAL),
            ),
            same,
            same,
            "Nothing",
        ),
        FACADE,
        problem=SPECIAL,
        spec=SPECIAL,
    ),
    "long texts": lambda: report(
        run(both(marked("Ride", "id", pattern="a" * 300), many("p", 1))),
        FACADE,
        problem="b" * 201,
        spec="c" * 200,
    ),
    "values that are just short enough": lambda: report(
        run(marked("RidePage", "next", pattern="a" * 56), last=same), FACADE
    ),
    "values that are too long": lambda: report(
        run(marked("RidePage", "next", pattern="a" * 57), last=same), FACADE
    ),
}


def renamed_model(d: Document) -> None:
    """Says in capitals what the response of one call contains."""
    schemas(d)["Problem"]["properties"]["Message"] = schemas(d)["Problem"]["properties"].pop(
        "message"
    )


def tightened() -> Merged:
    """A merge with a limit that is tighter, of a request and of a response."""
    return run(
        both(
            of("listRides", "size", schema={"type": "integer", "maximum": 20}),
            marked("RidePage", "next", maxLength=5),
        ),
        last=same,
    )


def test_a_tighter_limit_that_breaks_a_program_is_in_the_report_as_a_conflict() -> None:
    merged = tightened()
    kinds = [difference.kind for difference in merged.differences]
    assert sorted(kinds) == sorted([TIGHTER.kind, TIGHTER_SENT.kind])
    broken = [replace(each, gets="`list` fails") for each in merged.differences]
    text = report(replace(merged, differences=tuple(broken)), FACADE)
    assert "callers get: ?list? fails" in text


@pytest.mark.parametrize("name", REPORTS)
def test_each_report_is_as_listed(name: str) -> None:
    """After a change on purpose, write the list again and read its diff (CONTRIBUTING.md, "The exam")."""
    assert REPORTS[name]().splitlines() == expected(__file__).get(name)


def test_the_list_has_no_other_reports() -> None:
    assert list(expected(__file__)) == list(REPORTS)


FACTS = (
    "togai.models.Bike.gear: str | None",
    "togai.Ride.speed: float",
    "togai.models.State.NEW = 'NEW'",
    "togai.State.OLD = 'OLD'",
    "togai.models.Bike.copy(self): Bike",
    "togai.models.Bike: class",
    "togai.Togai.get(id = 1) = x",
    "togai.a.b.c.d = 1",
    "togai.Bike.a b: str",
    "togai.Ride.at",
)


def test_the_changelog_has_new_fields_and_values_and_no_other_facts() -> None:
    known = ["togai.models.Bike.model: str"]
    assert changelog(run(same), known, [*known, *FACTS]) == [
        "- *(field)* Ride.speed: float",
        "- *(enum)* State.OLD",
        "- *(field)* Bike.gear: str or None",
        "- *(enum)* State.NEW",
    ]
    assert changelog(run(same), FACTS, FACTS) == []


def test_the_changelog_has_new_deprecations() -> None:
    change = both(
        marked("Ride", "id", deprecated=True),
        call("listRides", deprecated=True),
        props("Trip", someStops=TEXT),
    )
    ours = props("Trip", someStops=TEXT)
    named = both(change, marked("Trip", "someStops", deprecated=True))
    assert changelog(run(named, ours), [], []) == [
        "- *(deprecated)* Ride.id: the vendor plans to remove it",
        "- *(deprecated)* Trip.some_stops: the vendor plans to remove it",
        "- *(deprecated)* GET /rides: the vendor plans to remove it",
    ]
    assert changelog(run(named, ours, named), [], []) == []


if __name__ == "__main__":
    write_rows(__file__, {name: text().splitlines() for name, text in REPORTS.items()})
