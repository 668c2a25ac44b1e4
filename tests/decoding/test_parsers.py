"""msgspec parses what `json` parses, and to the same values; what it refuses, `json` reads."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from togai import _json
from togai._json import parse_json

TEXTS = [
    *(b"NaN", b"[-Infinity]", b"1e99999999999999999999999", b"1E400", b"-0", b"-0.0", b"1.10"),
    *(b"18446744073709551616", b"-9223372036854775809", b"0.1e-5", b"1.0000000000000000000001"),
    *(b"1" + b"0" * digits for digits in (598, 599, 600, 700, 4299, 4300, 6000)),
    b"[" + b" " * 37 + b"-" + b"12345" * 120 + b"]",
    *(b'{"a":1,"b":2,"a":3}', b'{"a":1,}', b"[1,]", b"01", b"1.", b"1 2", b"", b"tru", b"\x0c1"),
    *(b'"\\ud800"', b'"\\ud83d\\ude00"', b'"a\nb"', b'"\\u0000"', b'"\\/"', b'"\\x"', b'"\x7f"'),
    *(b'"\xed\xa0\x80"', b'{"\xff":1}', b'"caf\xe9"', b'"caf\xc3\xa9"', b"\xef\xbb\xbf[1.5]"),
    *('{"a":"\u00e9"}'.encode(name) for name in ("utf-16", "utf-32-be", "latin-1")),
    *(b"[" * depth + b"1.5" + b"]" * depth for depth in (10, 500, 5000)),
]


def outcome(body: bytes) -> Any:
    """What is parsed, with the type of each value."""

    def typed(value: Any) -> Any:
        if isinstance(value, dict):
            return [(name, typed(held)) for name, held in value.items()]
        if isinstance(value, list):
            return [typed(held) for held in value]
        kind = getattr(value, "kind", None)
        return (type(value), repr(value), kind)

    try:
        return typed(parse_json(body, "latin-1"))
    except (ValueError, RecursionError) as error:
        return type(error), str(error)


def both(body: bytes) -> tuple[Any, Any]:
    """The outcomes without msgspec and with it."""
    fast = outcome(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json, "_fast_parser", lambda: None)
        return outcome(body), fast


@pytest.mark.parametrize("body", TEXTS, ids=range(len(TEXTS)))
def test_a_text_is_parsed_the_same(body: bytes) -> None:
    expected, parsed = both(body)
    assert parsed == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES, st.booleans(), st.integers(0, 400), st.binary(max_size=2))
def test_any_text_is_parsed_the_same(value: Any, ascii: bool, at: int, bytes_: bytes) -> None:  # noqa: A002
    body = json.dumps(value, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    for one in (body, body[:at] + bytes_ + body[at:]):
        expected, parsed = both(one)
        assert parsed == expected


@pytest.mark.parametrize("problem", [ImportError, AttributeError, TypeError])
def test_without_a_usable_msgspec_the_standard_parser_is_used(
    monkeypatch: pytest.MonkeyPatch, problem: type[Exception]
) -> None:
    def missing(name: str) -> Any:
        raise problem(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    monkeypatch.setattr(_json, "_fast_parser", _json._fast_parser.__wrapped__)
    assert _json._fast_parser() is None
    assert outcome(b"[1.5]") == outcome(b" [1.5]")
