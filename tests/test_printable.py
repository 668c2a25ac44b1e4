"""Text from the service cannot move the cursor or hide other text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from togai import Drift
from togai._printable import printable, shown, shown_setting


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ride-1 à 東京 🚲", "ride-1 à 東京 🚲"),
        ("\x1b[2K\rpaid", r"\x1b[2K\rpaid"),
        ("one\ntwo\ttabs", r"one\ntwo\ttabs"),
        ("\u202e1.0 \u2066x", r"\u202e1.0 \u2066x"),
        ("\ud800", r"\ud800"),
        ("\x9b31m\u2028", r"\x9b31m\u2028"),
        (None, "None"),
    ],
)
def test_what_is_not_printable_is_an_escape(text: object, expected: str) -> None:
    assert printable(text) == expected


def test_a_drift_is_shown_on_one_line() -> None:
    drift = Drift("Event", "a\x1b", "unknown value", "b\n" * 99)
    assert str(drift) == r"Event.a\x1b: unknown value '" + r"b\n" * 33 + "b'"


class Unprintable:
    """An object of the caller whose repr fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __repr__(self) -> str:
        raise self.error


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 78, f"'{'x' * 78}'"),
        ("x" * 79, f"'{'x' * 79}..."),
        (7, "7"),
        ("\x1b[2K\u202e", r"'\x1b[2K\u202e'"),
        (10**5000, "<int>"),
        (Unprintable(ValueError("no")), "<Unprintable>"),
    ],
    ids=range(6),
)
def test_of_an_argument_80_characters_are_shown(value: object, text: str) -> None:
    assert shown(value) == text


def test_what_ends_the_program_passes_while_an_argument_is_shown() -> None:
    with pytest.raises(KeyboardInterrupt):
        shown(Unprintable(KeyboardInterrupt()))


@pytest.mark.parametrize(
    ("value", "text"), [(7, "7"), (1.5, "1.5"), ("secret", "<str>"), (None, "<NoneType>")]
)
def test_of_a_setting_only_a_number_is_shown(value: object, text: str) -> None:
    assert shown_setting(value) == text


@given(st.text())
def test_all_of_it_is_printable(text: str) -> None:
    assert printable(text).isprintable()
