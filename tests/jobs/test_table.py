"""Tables of corrections: all problems are reported with their lines, and only valid lines become items."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import togai
from togai import InvalidRequest
from togai.jobs import CorrectionTable
from togai.jobs._table import read_text
from togai.testing import FakeTogai

from ..conftest import Api
from .conftest import ONLY, Read

pytestmark = pytest.mark.usefixtures("rides")


def values(table: CorrectionTable) -> dict[str, dict[str, Decimal]]:
    return {
        str(item.event.event_payload.id): togai.quantities(item.replacement) for item in table.items
    }


DIGITS = "(digits only, as in 1250 or -12)"
HEADER = "account_id,event_id,attribute,value\n"


def test_each_right_line_is_an_item(fake: FakeTogai, read: Read) -> None:
    table = read(HEADER + "acme,ride-1,distance,1.25\nacme,ride-2,distance,3\nacme,ride-2,minutes,31\n"
                          "globex,other,distance,9.75\n")  # fmt: skip
    assert table.problems == ()
    assert values(table) == {
        "ride-1": {"distance": Decimal("1.25"), "minutes": Decimal(30)},
        "ride-2": {"distance": Decimal(3), "minutes": Decimal(31)},
        "other": {"distance": Decimal("9.75")},
    }
    assert table.items[0].replacement.dimensions == {"city": "Pune"}
    assert {request.method for request in fake.requests} == {"GET"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "sep="])
def test_a_table_is_read_as_excel_writes_it(
    read: Read, encoding: str, separator: str, first: str
) -> None:
    head = f"{first}{separator}\r\n" if first else ""
    lines = HEADER + "acme,ride-1,distance,2\nacme,ride-2,distance,x\n,,,\n"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    text = mark + head + lines.replace(",", separator).replace("\n", "\r\n")
    table = read(text.encode(encoding))
    assert values(table) == {"ride-1": {"distance": Decimal(2), "minutes": Decimal(30)}}
    assert [problem.line for problem in table.problems] == [3 + bool(first)]


def test_a_cut_off_utf_16_file_is_refused(read: Read) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read as UTF-8 text: save it in UTF-8"):
        read(HEADER.encode("utf-16")[:-1])


def test_an_event_that_a_plan_cannot_hold_is_a_problem_of_its_line(
    fake: FakeTogai, read: Read
) -> None:
    def spoil(body: Any) -> None:
        first, second, *_ = body["events"]
        first["eventPayload"]["timestamp"] = "yesterday"
        del second["referenceId"]

    fake.change_next(spoil, method="GET", times=None)
    table = read(HEADER + "acme,ride-1,distance,2\nacme,ride-2,distance,3\n")
    assert table.items == ()
    problem = "the event has no reference id, or a property that cannot be read"
    assert [(each.line, problem in each.text) for each in table.errors] == [(2, True), (3, True)]


def test_a_table_as_excel_writes_it(read: Read) -> None:
    text = "\ufeffreference_id;account_id;attribute.distance;attribute.minutes\r\n"
    text += ' ref-1 ;acme;"2,25";\r\n;;;\r\nref-2;acme;;29\r\n'
    table = read(text, decimal_comma=True)
    assert table.problems == ()
    assert values(table)["ride-1"]["distance"] == Decimal("2.25")
    assert values(table)["ride-2"] == {"distance": Decimal("2.5"), "minutes": Decimal(29)}
    (problem,) = read(text).errors
    assert str(problem) == (
        "line 2: error: ref-1: '2,25' is not a number (decimal commas: decimal_comma=True; thousands: no separator)"
    )


def test_all_problems_come_at_once_with_their_lines(fake: FakeTogai, read: Read) -> None:
    lines = [
        "acme,ride-1,distance,1.25",  # 2
        "acme,ride-1,distance,1.26",  # 3
        "acme,nobody,distance,1",  # 4
        "acme,ride-2,distance,a few",  # 5
        "acme,ride-3,distnace,1",  # 6
        "acme,gone,distance,1",  # 7
        "acme,twice,distance,1",  # 8
        "acme,ride-3,distance,3.50",  # 9
        "acme,ride-4,distance,-1",  # 10
        "acme,ride-5,distance,55",  # 11
        ",ride-5,distance,55",  # 12
        "acme,,distance,55",  # 13
        "acme,ride-5,minutes,",  # 14
        "acme,ride-5,distance,1,000",  # 15
        "acme,nan,distance,NaN",  # 16
    ]
    table = read(HEADER + "\n".join(lines))
    kinds = [(problem.line, problem.kind) for problem in table.problems]
    assert kinds == [
        *((line, "error") for line in (3, 4, 5, 6, 7, 8)),
        (9, "unchanged"),
        (10, "warning"),
        (11, "warning"),
        *((line, "error") for line in (12, 13, 14, 15, 16)),
    ]
    texts = "\n".join(map(str, table.problems))
    for part in (
        "line 3: error: ride-1: line 2 has the same event and attribute",
        "line 4: error: nobody: no event of the account acme has this id",
        f"line 5: error: ride-2: 'a few' is not a number {DIGITS}",
        "line 6: error: ride-3: no numeric attribute 'distnace'; it has distance, minutes",
        "line 7: error: gone: the event is already reverted",
        "line 8: error: twice: 2 events have this id: select one of them by its reference_id",
        "line 9: unchanged: ride-3: distance is already 3.5",
        "line 10: warning: ride-4: distance becomes negative: -1",
        "line 11: warning: ride-5: distance changes tenfold or more, from 5.5 to 55",
        "line 12: error: no account_id (for all lines: account_id=ACCOUNT)",
        "line 13: error: no reference_id or event_id",
        "line 14: error: no value",
        "line 15: error: more cells than columns",
        f"line 16: error: nan: 'NaN' is not a number {DIGITS}",
    ):
        assert part in texts
    # ride-5 has a wrong line, so that none of its lines counts.
    assert values(table).keys() == {"ride-4"}


def test_decimal_commas_are_never_mixed_with_points(read: Read) -> None:
    lines = "acme;ride-1;distance;1.000\nacme;ride-2;distance;1.000,5\nacme;ride-3;distance;1,5\n"
    table = read(HEADER.replace(",", ";") + lines, decimal_comma=True)
    assert values(table).keys() == {"ride-3"}
    assert [problem.text for problem in table.errors] == [
        "ride-1: '1.000' is not a number (decimal points: without decimal_comma=True; thousands: no separator)",
        f"ride-2: '1.000,5' is not a number {DIGITS}",
    ]
    (problem,) = read(HEADER + 'acme,ride-1,distance,"1,000.5"\n').errors
    assert problem.text == f"ride-1: '1,000.5' is not a number {DIGITS}"


def test_a_point_beside_decimal_commas_is_not_taken_for_the_present_value(
    fake: FakeTogai, read: Read
) -> None:
    fake.add(id="thousand", attributes=[{"name": "distance", "value": "1.000"}])
    (problem,) = read(HEADER + "acme,thousand,distance,1.000\n", decimal_comma=True).problems
    assert problem.kind == "error"
    assert "'1.000' is not a number" in problem.text


def test_two_ids_must_name_the_same_event(read: Read) -> None:
    header = "account_id,reference_id,event_id,attribute,value\n"
    lines = "acme,ref-1,ride-2,distance,9\nacme,ref-3,ride-3,distance,9\nacme,ref-1,,minutes,9\n"
    table = read(header + lines)
    assert values(table).keys() == {"ride-3"}
    assert [problem.text for problem in table.errors] == [
        f"ref-1: the event_id of this event is 'ride-1', not 'ride-2': {ONLY}"
    ]


def test_a_problem_of_a_line_with_two_values_is_reported_once(read: Read) -> None:
    table = read("account_id,event_id,attribute.distance,attribute.minutes\nacme,gone,1,2\n")
    assert [str(problem) for problem in table.problems] == [
        "line 2: error: gone: the event is already reverted"
    ]


def test_a_line_without_a_part_spoils_the_other_lines_of_its_event(read: Read) -> None:
    lines = "acme,ride-1,distance,\nacme,ride-1,minutes,9\nacme,ride-2,,9\nacme,ride-2,minutes,9\n"
    table = read(HEADER + lines)
    assert [str(problem) for problem in table.problems if problem.kind == "error"] == [
        "line 2: error: no value",
        "line 4: error: no attribute",
    ]
    assert not table.items


def test_empty_columns_and_rows_of_several_lines_keep_their_numbers(read: Read) -> None:
    text = 'account_id;event_id;attribute;value;;\nacme;ride-1;distance;9;;\n\nacme;"no\nbody";distance;9\n'
    table = read(text + "acme;ride-2;distance;9;;x\n")
    assert values(table).keys() == {"ride-1"}
    assert [(problem.line, problem.text) for problem in table.errors] == [
        (4, "no\nbody: no event of the account acme has this id"),
        (6, "more cells than columns"),
    ]


def test_the_account_may_be_named_once(read: Read) -> None:
    table = read("event_id,attribute,value\nride-1,distance,2\n", account_id="acme")
    assert values(table)["ride-1"]["distance"] == Decimal(2)


def test_the_account_of_a_line_is_preferred_to_the_account_of_all_lines(read: Read) -> None:
    lines = "acme,ride-1,distance,2\n,ride-2,distance,2\nglobex,other,distance,2\n"
    table = read(HEADER + lines, account_id="acme")
    assert [(item.account_id, item.event.reference_id) for item in table.items] == [
        ("acme", "ref-1"),
        ("acme", "ref-2"),
        ("globex", "ref-9"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_header_determines_the_separator(read: Read, separator: str, end: str) -> None:
    header = HEADER.strip().replace(",", separator)
    line = separator.join(("acme", "ride-1", "distance", "2", '",;\t,;\t,;\t"'))
    table = read(f"{header}{separator}status{end}{line}{end}")
    assert values(table)["ride-1"]["distance"] == Decimal(2)


def test_a_line_that_is_too_short_lacks_a_value(read: Read) -> None:
    (problem,) = read(HEADER + "acme,ride-1,distance\n").problems
    assert str(problem) == "line 2: error: no value"


def test_an_attribute_without_a_value_is_a_problem_beside_another_with_one(read: Read) -> None:
    table = read(
        "account_id,event_id,attribute.minutes,attribute,value\nacme,ride-1,31,distance,\n"
    )
    assert [str(problem) for problem in table.problems] == ["line 2: error: no value"]
    assert not table.items


@pytest.mark.parametrize(
    ("old", "new", "warnings"),
    [
        ("5.5", "54.9", []),
        ("5.5", "55", ["changes tenfold or more, from 5.5 to 55"]),
        ("5.5", "0.56", []),
        ("5.5", "0.55", ["changes tenfold or more, from 5.5 to 0.55"]),
        ("5.5", "0", ["changes tenfold or more, from 5.5 to 0"]),
        ("5.5", "-5", ["becomes negative: -5"]),
        ("-5.5", "-54.9", ["becomes negative: -54.9"]),
        ("0", "1000", []),
    ],
)
def test_a_suspicious_value_is_a_warning(
    fake: FakeTogai, read: Read, old: str, new: str, warnings: list[str]
) -> None:
    fake.add(id="ride", attributes=[{"name": "distance", "value": old}])
    table = read(HEADER + f"acme,ride,distance,{new}\n")
    assert [str(problem) for problem in table.problems] == [
        f"line 2: warning: ride: distance {text}" for text in warnings
    ]
    assert values(table) == {"ride": {"distance": Decimal(new)}}


def test_an_unknown_event_is_an_error_without_a_warning(read: Read) -> None:
    (problem,) = read(HEADER + "acme,nobody,distance,-1\n").problems
    assert problem.kind == "error"


def test_an_event_without_numbers_has_none_to_correct(fake: FakeTogai, read: Read) -> None:
    fake.add(id="bare", attributes=[])
    (problem,) = read(HEADER + "acme,bare,distance,1\n").problems
    assert problem.text == "bare: no numeric attribute 'distance'; it has none"


def test_two_events_without_a_reference_id_are_two(fake: FakeTogai, read: Read) -> None:
    def spoil(page: Any) -> None:
        for event in page["events"]:
            del event["referenceId"]

    fake.change_next(spoil)
    (problem,) = read(HEADER + "acme,twice,distance,1\n").errors
    assert "2 events have this id" in problem.text


def test_the_progress_is_the_number_of_events_read_so_far(fake: FakeTogai, read: Read) -> None:
    fake.add_many(60)
    seen: list[int] = []
    read(HEADER + "acme,ride-1,distance,1\n", on_progress=seen.append)
    assert seen == [50, 68]


def test_an_export_that_was_edited_is_a_table(
    fake: FakeTogai, api: Api, read: Read, tmp_path: Path
) -> None:
    from togai.jobs import export, export_async

    fake.add(id="=1+1 ", attributes=[{"name": "distance", "value": "7.5"}])

    path = tmp_path / "export.csv"
    if api.is_async:
        api.resolve(export_async(api.client, "acme", path, excel=True))
    else:
        export(api.client, "acme", path, excel=True)
    table = read(path.read_bytes().replace(b",3.5,", b",3.75,").replace(b",7.5,", b",7.75,"))
    assert values(table) == {
        "ride-3": {"distance": Decimal("3.75"), "minutes": Decimal(30)},
        "=1+1 ": {"distance": Decimal("7.75")},
    }
    assert not table.errors


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no column reference_id or event_id; the columns are none"),
        ("event_id,attribute,value\nx,y,1\n", "no column account_id"),
        ("event_id,account_id\nx,y\n", "no column attribute and value, or attribute.NAME"),
        ("event_id,account_id,value\nx,y,1\n", "no column attribute; the columns are event_id"),
        ("event_id,account_id,attribute,value,value\n", "the column value twice"),
        ("value,value,attribute,attribute\n", "the column attribute twice"),
        (",,\n", "no column reference_id or event_id; the columns are none"),
        (b"event_id,account_id,value\n\xff\n", "cannot be read as UTF-8"),
        ('"event_id', "line 1: .*check the quotes"),
        ('event_id,account_id,attribute,value\na,b,c,1\n"x,b,c,\n2', "line 3: .*check the quotes"),
    ],
)
def test_a_table_that_cannot_be_one_is_refused(
    fake: FakeTogai, read: Read, text: str | bytes, problem: str
) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        read(text)
    assert not fake.requests


def test_one_event_by_two_names_is_a_problem(read: Read) -> None:
    text = "reference_id,event_id,account_id,attribute,value\n"
    table = read(text + "ref-1,,acme,distance,2\n,ride-1,acme,distance,3\n")
    (problem,) = table.errors
    assert (problem.line, problem.text) == (
        3,
        "ride-1: another line corrects the same event as ref-1",
    )
    assert values(table) == {"ride-1": {"distance": Decimal(2), "minutes": Decimal(30)}}


def test_a_cell_of_an_export_that_is_no_number_changes_nothing(fake: FakeTogai, read: Read) -> None:
    fake.add(id="both", attributes=[{"name": "distance", "value": value} for value in "12"])
    header = "account_id,event_id,attribute.distance\n"
    table = read(header + "acme,both,1; 2\nacme,ride-1,2\n")
    assert [str(problem) for problem in table.problems] == [
        "line 2: unchanged: both: distance is already 1; 2",
    ]
    assert values(table).keys() == {"ride-1"}
    assert [problem.text for problem in read(header + "acme,both,1; 3\n").errors] == [
        f"both: '1; 3' is not a number {DIGITS}"
    ]


def test_an_attribute_that_is_there_twice_is_a_problem(fake: FakeTogai, read: Read) -> None:
    fake.add(id="both", attributes=[{"name": "distance", "value": value} for value in "12"])
    table = read(HEADER + "acme,both,distance,3\nacme,ride-1,distance,3\n")
    (problem,) = table.errors
    assert problem.line == 2
    assert "2 attributes 'distance'" in problem.text
    assert values(table).keys() == {"ride-1"}


def test_a_column_that_nobody_knows_is_a_problem(read: Read) -> None:
    table = read("event_id,account_id,attribute.distance,distance\nride-1,acme,2,3\n")
    (problem,) = table.errors
    assert problem.line == 1
    assert "write an attribute as attribute.distance" in problem.text


def test_what_the_file_says_moves_no_cursor(read: Read) -> None:
    (problem,) = read(HEADER + "acme,\x1b[2J,distance,1\n").problems
    assert "\x1b" not in str(problem)


def test_an_event_that_two_pages_show_is_one_event(fake: FakeTogai, read: Read) -> None:
    fake.add_many(60)
    fake.overlap_pages(1)
    table = read(HEADER + "".join(f"acme,event-{number},distance,7\n" for number in range(1, 61)))
    assert table.errors == ()
    assert len(table.items) == 60


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"missing\.csv cannot be read: No such file"):
        read_text(tmp_path / "missing.csv")


def test_the_repr_of_a_table_holds_no_customer_s_events(read: Read) -> None:
    table = read(HEADER + "acme,ride-1,distance,1.25\nacme,nobody,distance,1\n")
    assert "ride-1" not in repr(table)
    assert "nobody" in repr(table)
