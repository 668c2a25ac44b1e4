"""Text from the service cannot move the cursor or hide other text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from togai._printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
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
def test_what_is_not_printable_is_an_escape(text: object, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_all_of_it_is_printable(text: str) -> None:
    assert printable(text).isprintable()
