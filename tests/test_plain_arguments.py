"""Times, flags and names that callers pass, and what is stored and shown of them. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

import pytest

from togai import InvalidRequest, build_event
from togai import _html as html
from togai._arguments import check_flag, is_whole, utc_or_none
from togai._contract import problems
from togai._event_json import event_json, sent_json
from togai._times import to_utc, within
from togai._where import Where, check_names
from togai.models import Event

AT = datetime(2024, 12, 4, 7, 30, 35, 7, UTC)


class Failing(tzinfo):
    """A time zone of the caller that fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def utcoffset(self, _when: Any) -> timedelta:
        raise self.error

    def dst(self, _when: Any) -> None:
        return None

    def tzname(self, _when: Any) -> None:
        return None


class Zoneless(datetime):
    """Like pandas' NaT: a datetime without an offset, whatever its zone."""

    def utcoffset(self) -> None:
        return None


@pytest.mark.parametrize(
    "value",
    [
        AT,
        AT.astimezone(timezone(timedelta(hours=5, minutes=30))),
        AT.astimezone(timezone(timedelta(hours=-9))),
    ],
)
def test_a_time_is_converted_to_utc(value: datetime) -> None:
    for converted in (to_utc("since", value), utc_or_none("since", value)):
        assert converted == AT
        assert converted is not None
        assert converted.tzinfo is UTC
    assert utc_or_none("since", None) is None


@pytest.mark.parametrize(
    "value",
    [
        "2024-12-04",
        None,
        7,
        datetime(2024, 12, 4),
        Zoneless(2024, 12, 4, tzinfo=UTC),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-9))),
        datetime(1, 1, 1, 1, tzinfo=timezone(timedelta(hours=9))),
        *(
            datetime(2024, 12, 4, tzinfo=Failing(error))
            for error in (AttributeError(), OverflowError(), TypeError(), ValueError())
        ),
    ],
    ids=range(11),
)
def test_anything_but_a_time_with_a_zone_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^since=.*: pass a datetime with a time zone$"):
        to_utc("since", value)
    if value is not None:
        with pytest.raises(InvalidRequest, match=r"^since=.*: pass a datetime with a time zone$"):
            utc_or_none("since", value)


def test_what_ends_the_program_passes() -> None:
    interrupted = datetime(2024, 12, 4, tzinfo=Failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        list(problems(interrupted, datetime))
    with pytest.raises(KeyboardInterrupt):
        to_utc("since", interrupted)
    with pytest.raises(KeyboardInterrupt):
        utc_or_none("since", interrupted)


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [
        (None, None, True),
        (AT, None, True),
        (AT - MINUTE, None, True),
        (AT + MINUTE, None, False),
        (None, AT, False),
        (None, AT + MINUTE, True),
        (None, AT - MINUTE, False),
        (AT, AT, False),
        (AT, AT + MINUTE, True),
        (AT + MINUTE, AT + 2 * MINUTE, False),
        (AT - 2 * MINUTE, AT - MINUTE, False),
    ],
)
def test_a_window_includes_its_start_and_not_its_end(
    since: datetime | None, until: datetime | None, inside: bool
) -> None:
    assert within(AT, since, until) is inside


@pytest.mark.parametrize("value", [None, "2024-12-04T07:30:35Z", 7, datetime(2024, 12, 4)])
def test_what_is_no_time_with_a_zone_is_in_no_window(value: object) -> None:
    assert within(value, None, None) is None
    assert within(value, AT, AT + MINUTE) is None


@pytest.mark.parametrize("value", [0, 1, None, "false", "yes", 1.0, []])
def test_a_flag_is_true_or_false(value: object) -> None:
    for allowed in (True, False):
        check_flag("background", allowed)
    with pytest.raises(InvalidRequest, match=r"^background must be True or False, not "):
        check_flag("background", value)


def test_a_whole_number_is_within_its_limits() -> None:
    assert [is_whole(value, 2, 4) for value in range(1, 6)] == [False, True, True, True, False]
    assert is_whole(10**30, 0)
    for other in (True, False, 2.0, "2", None):
        assert not is_whole(other, 0)


def test_only_the_parameters_of_a_target_are_taken_and_each_may_be_omitted() -> None:
    check_names({}, "undo")
    check_names({"account_id": "acme", "whole_account": True}, "undo")
    assert Where.__required_keys__ == frozenset()
    wrong: Any = {"account_id": "acme", "event": "e"}
    with pytest.raises(TypeError, match=r"^undo\(\) got an unexpected keyword argument 'event'$"):
        check_names(wrong, "undo")


# What is stored and shown


def test_a_number_is_stored_as_a_float_only_if_that_is_exact() -> None:
    event = build_event("rides", account_id="acme", timestamp=AT, attributes={"distance": 1})
    exact, long = Decimal("0.1"), Decimal("0.1000000000000000000001")
    event.additional_properties = {"a": [exact, {"b": long}], "c": {"d": exact}, "e": 7}
    stored = event_json(event)
    assert stored["a"] == [0.1, {"b": long}]
    assert [type(stored["a"][0]), type(stored["a"][1]["b"])] == [float, Decimal]
    assert (type(stored["c"]["d"]), stored["e"]) == (float, 7)
    assert sent_json(event)["a"] == [exact, {"b": long}]
    assert type(sent_json(event)["c"]["d"]) is Decimal
    read = Event.from_dict({**event.to_dict(), "timestamp": "2024-12-04T07:30:35.120Z"})
    assert sent_json(read)["timestamp"] == "2024-12-04T07:30:35.120Z"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234567, "1,234,567"),
        (True, "True"),
        (None, ""),
        ("<b>\n", "&lt;b&gt;\\n"),
        (Decimal("1234.50"), "1234.50"),
    ],
)
def test_a_value_in_a_table_is_escaped(value: object, shown: str) -> None:
    assert html.text(value) == shown
    expected = (
        f'<table><thead><tr><th>a b</th></tr></thead><tbody><tr><td class="a_b">{shown}</td></tr>'
        "</tbody></table>"
    )
    assert html.table([{"a_b": value}], ["a_b"]) == expected
    assert html.table([], ["a_b"]) == html.table([]) == ""


def test_a_table_has_the_columns_of_its_first_row_unless_they_are_named() -> None:
    rows = [{"a": 1}, {"b": 2}]
    assert html.table(rows) == html.table(rows, ["a"]) != html.table(rows, ["b"])
