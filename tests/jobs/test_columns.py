"""The header of a table of corrections as people write it, and cells that are not numbers."""

from __future__ import annotations

from typing import Any

import pytest

from togai import InvalidRequest
from togai.testing import FakeTogai

from .conftest import ONLY, Read

pytestmark = pytest.mark.usefixtures("rides")

HEADER = "account_id,event_id,attribute,value\n"


@pytest.mark.parametrize(
    "header",
    [
        "Account ID,Event ID,Attribute,Value",
        "ACCOUNT_ID,EVENT_ID,ATTRIBUTE,VALUE",
        "account-id,ID, attribute , value ",
        "\u00a0Account_ID,event id,attribute,Value\u00a0",
    ],
)
def test_a_column_may_have_capitals_and_blanks(read: Read, header: str) -> None:
    table = read(f"{header}\nacme,ride-1,distance,2\n")
    assert (len(table.items), table.problems) == (1, ())


def test_the_name_of_an_attribute_is_not_changed(read: Read) -> None:
    (problem,) = read("account_id,event_id,attribute.Distance\nacme,ride-1,2\n").errors
    assert "no numeric attribute 'Distance'; it has distance, minutes" in problem.text


def test_one_column_in_two_spellings_is_refused(read: Read) -> None:
    with pytest.raises(InvalidRequest, match="has the column event_id twice"):
        read("account_id,event_id,Event ID,attribute,value\nacme,ride-1,ride-2,distance,2\n")


def test_one_attribute_with_two_values_in_a_line_is_an_error(read: Read) -> None:
    header = "account_id,event_id,attribute.distance,attribute,value\n"
    table = read(header + "acme,ride-1,5,distance,6\nacme,ride-2,5,minutes,6\n")
    (problem,) = table.errors
    assert str(problem) == "line 2: error: ride-1: line 2 has the same event and attribute"
    assert [item.event.event_payload.id for item in table.items] == ["ride-2"]


@pytest.mark.parametrize(
    ("cells", "missing"), [("5,,6", "attribute"), ("5,minutes,", "value"), (",,6", "attribute")]
)
def test_a_line_that_lacks_a_part_beside_a_complete_one_is_an_error(
    read: Read, cells: str, missing: str
) -> None:
    header = "account_id,event_id,attribute.distance,attribute,value\n"
    table = read(f"{header}acme,ride-1,{cells}\n")
    assert [str(problem) for problem in table.problems] == [f"line 2: error: no {missing}"]
    assert table.items == ()


def test_an_event_without_an_id_has_no_name(fake: FakeTogai, read: Read) -> None:
    def without_ids(body: Any) -> None:
        for event in body["events"]:
            del event["eventPayload"]["id"]

    fake.change_next(without_ids, method="GET", times=None)
    (problem,) = read(f"{HEADER}acme,None,distance,2\n").problems
    assert problem.text == "None: no event of the account acme has this id"


@pytest.mark.parametrize("first", ["", "sep,", "Corrections of December", ",,", "# by ann"])
def test_a_table_that_does_not_start_with_its_columns_is_refused(read: Read, first: str) -> None:
    with pytest.raises(InvalidRequest, match=r"no column reference_id or event_id; .*in line 1"):
        read(f"{first}\n{HEADER}acme,ride-1,distance,2\n")


def test_a_missing_column_is_reported_with_the_line_of_the_header(read: Read) -> None:
    with pytest.raises(InvalidRequest, match="named in line 2"):
        read("sep=,\nacme,distance\n")
    (problem, *_) = read(f"sep=,\n{HEADER.strip()},city\nacme,ride-1,distance,2,\n").problems
    assert problem.line == 2
    assert problem.text.startswith("no column is called 'city'")


def test_a_file_of_another_kind_is_refused_in_a_few_words(read: Read) -> None:
    with pytest.raises(InvalidRequest, match="has no column reference_id or event_id") as caught:
        read("x" * 10_000)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "cell",
    [
        *("1 234", "1\u00a0234", "1\u2009234", "1'234", "50%", "5 km", "$5", "(5)", "5-", "+5", "\u22125"),
        *("1e3", "1.2E+03", ".5", "5.", "0x5", "\uff15", "\u0665", "5-Jan", "TRUE", "#REF!", "=5", "5\u200b"),
    ],
)  # fmt: skip
def test_a_cell_that_needs_interpretation_is_not_a_number(read: Read, cell: str) -> None:
    (problem,) = read(f'{HEADER}acme,ride-1,distance,"{cell}"\n').errors
    assert problem.text.endswith("is not a number (digits only, as in 1250 or -12)")


def test_a_long_cell_is_shown_in_part(read: Read) -> None:
    (problem,) = read(f"{HEADER}acme,ride-1,distance,{'9' * 600}\n").errors
    assert "9... is not a number" in problem.text
    assert len(problem.text) < 200


def test_a_negative_zero_is_zero(read: Read) -> None:
    (item,) = read(f"{HEADER}acme,ride-1,distance,-0.00\n").items
    assert [amount.value for amount in item.replacement.attributes] == ["0", "30"]


def test_two_ids_that_differ_in_blanks_are_not_mixed_up(fake: FakeTogai, read: Read) -> None:
    fake.add(id=" ride-1")
    fake.add(id=" six")
    table = read(f"{HEADER}acme,ride-1,distance,2\nacme, six,distance,3\n")
    (problem,) = table.errors
    assert problem.text.startswith("ride-1: 2 events have this id: select one of them by its")
    assert [item.event.event_payload.id for item in table.items] == [" six"]


def test_a_unit_that_was_changed_is_an_error(fake: FakeTogai, read: Read) -> None:
    for number in (1, 2, 3):
        attributes = [{"name": "distance", "value": "1.5", "unit": "Kilometers"}]
        fake.add(id=f"km-{number}", attributes=attributes)
    table = read(
        "account_id,event_id,attribute.distance,unit.distance\n"
        "acme,km-1,2,Miles\nacme,km-2,2, Kilometers \nacme,km-3,2,\nacme,ride-1,2,Miles\n"
    )
    assert [problem.text for problem in table.errors] == [
        f"km-1: the unit.distance of this event is 'Kilometers', not 'Miles': {ONLY}",
        f"ride-1: the unit.distance of this event is '', not 'Miles': {ONLY}",
    ]
    assert [item.event.event_payload.id for item in table.items] == ["km-2", "km-3"]


def test_the_cells_of_an_unknown_event_are_not_compared(read: Read) -> None:
    table = read("account_id,event_id,attribute.distance,unit.distance\nacme,nobody,2,Miles\n")
    assert [problem.text for problem in table.errors] == [
        "nobody: no event of the account acme has this id"
    ]


@pytest.mark.parametrize(
    ("column", "present", "cell"),
    [
        ("timestamp", "2024-12-04T07:30:35.000000Z", "2024-11-30T00:00:00Z"),
        ("timestamp", "2024-12-04T07:30:35.000000Z", "30/11/2024 00:00"),
        ("schema_name", "rides", "trips"),
        ("dimension.city", "Pune", "Goa"),
        ("dimension.zone", "", "north"),
        ("id", "ride-1", "ride-2"),
    ],
)
@pytest.mark.parametrize("distance", ["2", "1.5"], ids=["changed", "unchanged"])
def test_a_cell_that_a_table_cannot_correct_is_an_error_if_it_was_changed(
    read: Read, column: str, present: str, cell: str, distance: str
) -> None:
    header = f"account_id,reference_id,attribute.distance,{column}\n"
    table = read(f"{header}acme,ref-1,{distance},{cell}\n")
    name = "event_id" if column == "id" else column
    assert [str(problem) for problem in table.errors] == [
        f"line 2: error: ref-1: the {name} of this event is {present!r}, not {cell!r}: {ONLY}"
    ]
    assert table.items == ()


def test_an_account_may_be_named_by_an_alias(fake: FakeTogai, read: Read) -> None:
    fake.add_alias("acme", "acme-eu")
    (item,) = read(f"{HEADER}acme-eu,ride-1,distance,2\n").items
    assert (item.account_id, item.event.event_payload.account_id) == ("acme-eu", "acme")


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("status", "REVERTED"),
        ("status_description", "late"),
        ("customer_id", "nobody"),
        ("created_at", "2024-11-30T00:00:00Z"),
    ],
)
@pytest.mark.parametrize(("distance", "kind"), [("2", "warning"), ("1.5", "unchanged")])
def test_a_cell_that_the_service_may_have_changed_since_the_export_is_reported(
    read: Read, column: str, cell: str, distance: str, kind: str
) -> None:
    table = read(
        f"account_id,event_id,attribute.distance,{column}\nacme,ride-1,{distance},{cell}\n"
    )
    problem = table.problems[-1]
    assert (problem.line, problem.kind) == (2, kind)
    assert problem.text.startswith(f"ride-1: the {column} of this event is ")
    assert problem.text.endswith(f", not {cell!r}: a table corrects only quantities")
    assert len(table.items) == (kind == "warning")


@pytest.mark.parametrize(
    "cell", ["2024-12-04T07:30:35Z", "2024-12-04 13:00:35+05:30", "2024-12-04T07:30:35", ""]
)
def test_a_time_that_a_spreadsheet_wrote_in_another_way_is_the_same(read: Read, cell: str) -> None:
    header = "account_id,event_id,attribute.distance,timestamp,created_at\n"
    table = read(f"{header}acme,ride-1,2,{cell},\n")
    assert table.problems == ()
    assert len(table.items) == 1
