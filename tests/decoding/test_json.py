"""Parsing and writing JSON: both sides of each limit, and every value that JSON cannot hold. No I/O."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from togai import _json
from togai._json import (
    Malformed,
    charset_of,
    flattened,
    kind_of,
    parse_json,
    write_json,
)

pytestmark = pytest.mark.usefixtures("parser")


@pytest.mark.parametrize(
    ("digits", "kind"), [(1, int), (599, int), (600, Decimal), (601, Decimal), (5000, Decimal)]
)
def test_a_number_of_600_digits_is_a_decimal(digits: int, kind: type) -> None:
    body = b"9" * digits
    values: list[Any] = [parse_json(body), parse_json(b'{"a": [%s]}' % body)["a"][0]]
    for value in values:
        assert type(value) is kind
        assert str(value) == body.decode()


@pytest.mark.parametrize("lenient", [b"", b', "\xff"'], ids=["strict", "lenient"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1.10", Decimal("1.10")),
        (b"1e3", Decimal("1E+3")),
        (b"-7", -7),
        (b"9" * 599, int("9" * 599)),
        (b"9" * 600, Decimal("9" * 600)),
        (b'"a\nb\x00"', "a\nb\x00"),
        (b"null", None),
        (b"true", True),
    ],
    ids=range(8),
)
def test_values_are_the_same_beside_a_byte_that_is_not_utf_8(
    text: bytes, value: Any, lenient: bytes
) -> None:
    parsed = parse_json(b"[%s%s]" % (text, lenient))[0]
    assert type(parsed) is type(value)
    assert parsed == value


@pytest.mark.parametrize(
    ("text", "shown", "kind"),
    [
        (b"NaN", "NaN", "not a number"),
        (b"Infinity", "Infinity", "not a number"),
        (b"1e9999999999999999999999", "1e9999999999999999999999", "out of range"),
        (b'"a\xff"', "a\ufffd", "not UTF-8"),
        (b'"\x80"', "\ufffd", "not UTF-8"),
        (b'"\xff"', "\ufffd", "not UTF-8"),
    ],
)
def test_a_value_that_json_cannot_hold_is_text_that_says_so(
    text: bytes, shown: str, kind: str
) -> None:
    value = parse_json(b'[1, {"a": %s}, [%s]]' % (text, text))
    for one in (value[1]["a"], value[2][0]):
        assert type(one) is Malformed
        assert (one, one.kind) == (shown, kind)
        assert kind_of(one) == f"a value that is {kind}"
        assert type(pickle.loads(pickle.dumps(one))) is str
    assert value[0] == 1


def test_a_name_that_is_not_utf_8_is_readable_and_other_values_stay() -> None:
    assert parse_json(b'{"a\xff": ["\xc3\xa9", 7, 1.5, null, "b"]}') == {
        "a\ufffd": ["é", 7, Decimal("1.5"), None, "b"]
    }


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (None, None),
        ("", None),
        ("application/json", None),
        ("application/json; charset=latin-1", "latin-1"),
        ('application/json; CHARSET = "UTF-8"', "UTF-8"),
        ("application/json; charset='x.y:z_1'; q=1", "x.y:z_1"),
    ],
)
def test_the_charset_of_a_content_type(content_type: str | None, charset: str | None) -> None:
    assert charset_of(content_type) == charset


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        ({}, "an object"),
        ([], "a list"),
        ("x", "text"),
        (False, "a boolean"),
        (7, "a number"),
        (Decimal(7), "a number"),
    ],
)
def test_the_kind_of_a_value_is_the_name_in_json(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    "body", [b"[]", b'{"a": [{}, {"b": [[]]}]}', b"7", b"[" * 100 + b"]" * 100]
)
def test_a_body_of_the_usual_depth_is_not_walked(
    monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(_json, "_check_depth", None)
    assert parse_json(body) == json.loads(body)


def test_a_number_of_many_digits_is_not_given_to_the_fast_parser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[bytes] = []
    monkeypatch.setattr(_json, "_fast_parser", lambda: given.append)
    for digits in (1, 500, 600, 5000):
        for start in (0, 1, 50, 99):
            given.clear()
            parse_json(b" " * start + b"9" * digits)
            assert bool(given) == (digits <= 500)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"é": ["\u2028", 'a"b\n']}, '{"é":["\u2028","a\\"b\\n"]}'),
        ([1, -2.5, Decimal("1.50"), Decimal("1E+400")], "[1,-2.5,1.50,1E+400]"),
        ([True, False, None, {}, []], "[true,false,null,{},[]]"),
    ],
    ids=range(3),
)
def test_json_is_written_in_utf_8_without_blanks(value: Any, text: str) -> None:
    assert write_json(value) == text.encode()


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        ({1: 2}, TypeError, "a name must be text, not int"),
        ([{"a": 1, None: 2}], TypeError, "a name must be text, not NoneType"),
        (Malformed("NaN", "not a number"), ValueError, "a value was not a number when it was read"),
        (Decimal("NaN"), ValueError, "JSON has no NaN"),
        ([Decimal("-Infinity")], ValueError, "JSON has no -Infinity"),
        (float("inf"), ValueError, "not JSON compliant"),
        ({"a": {1}}, TypeError, "set"),
        ("\ud800", ValueError, "surrogates not allowed"),
    ],
    ids=range(8),
)
def test_what_json_cannot_hold_is_not_written(
    value: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        write_json(value)


class Interrupts:
    """Is interrupted whenever it is used, as by Ctrl-C."""

    def __call__(self, *_: object) -> Any:
        raise KeyboardInterrupt

    decode = lookup = import_module = __call__


INTERRUPTS: dict[str, Callable[[], object]] = {
    "_strict": lambda: parse_json(b"[]"),
    "Decimal": lambda: _json._fraction("1.5"),
    "codecs": lambda: parse_json(b'"\xff"', "latin-1"),
    "importlib": lambda: FIND(),
}
FIND: Any = _json._fast_parser.__wrapped__


@pytest.mark.parametrize("name", INTERRUPTS)
def test_an_interrupt_while_json_is_parsed_passes(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "_strict":
        monkeypatch.setattr(_json, "_fast_parser", lambda: None)
    monkeypatch.setattr(_json, name, Interrupts())
    with pytest.raises(KeyboardInterrupt):
        INTERRUPTS[name]()


def test_the_fast_parser_keeps_the_digits_of_a_fraction() -> None:
    parsed = FIND()(b"[1.10, 1e3, 7]")
    assert [str(number) for number in parsed] == ["1.10", "1E+3", "7"]


@pytest.mark.parametrize(
    "kinds", [["list"], ["object"], ["list", "object"], ["object", "list"]], ids="-".join
)
@pytest.mark.parametrize("beside", [b"", b'"[",'], ids=["alone", "beside a bracket in a text"])
def test_json_has_at_most_100_levels(kinds: list[str], beside: bytes) -> None:
    def nested(levels: int) -> bytes:
        text = beside
        brackets = b""
        for level in range(levels - 1):
            is_object = kinds[level % len(kinds)] == "object"
            text += b'{"a":' if is_object else b"["
            brackets = (b"}" if is_object else b"]") + brackets
        return b"[" + text + b"1" + brackets + b"]"

    assert parse_json(nested(100))
    for levels in (101, 102, 300):
        with pytest.raises(RecursionError):
            parse_json(nested(levels))


@pytest.mark.parametrize(
    ("opening", "closing"), [(b'["]",', b',"["]'), (b'["\\"]\\"",', b',"\\"[\\""]')]
)
def test_brackets_in_texts_do_not_hide_levels(opening: bytes, closing: bytes) -> None:
    assert parse_json(opening * 100 + b"1" + closing * 100)
    with pytest.raises(RecursionError):
        parse_json(opening * 101 + b"1" + closing * 101)


@pytest.mark.parametrize("charset", ["latin-1", "cp1252", "iso-8859-15", None, "klingon", "rot13"])
def test_only_a_known_charset_is_used_for_bytes_that_are_not_utf_8(charset: str | None) -> None:
    known = charset in ("latin-1", "cp1252", "iso-8859-15")
    assert parse_json(b'"caf\xe9"', charset) == ("café" if known else "caf\ufffd")
    assert parse_json('"café"'.encode(), charset) == "café"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"a": 1, "b": 0, "a": 2}', "1 and 2"),
        (b'{"a": "\xc3\xa9", "a": "\xff"}', r"'\xe9' and '\udcff'"),
        (b'{"a": null, "a": []}', "None and []"),
    ],
)
def test_a_property_that_occurs_twice_with_different_values_is_malformed(
    body: bytes, text: str
) -> None:
    value = parse_json(body, exact=True)["a"]
    assert (value, value.kind) == (text, "ambiguous")


def test_a_property_that_occurs_twice_with_the_same_value_has_it() -> None:
    assert parse_json(b'{"a": {"b": 1}, "a": {"b": 1}}', exact=True) == {"a": {"b": 1}}


def test_the_text_of_values_that_contradict_each_other_is_short() -> None:
    body = b'"x"'
    for _ in range(50):
        body = b'{"a": 1, "a": [%s]}' % body
    assert len(parse_json(body, exact=True)["a"]) < 500


@pytest.mark.parametrize("levels", [101, 102, 5000])
def test_a_value_that_is_nested_too_deeply_is_replaced_by_its_text(levels: int) -> None:
    body = b'["]\\"[",' * levels + b'"["' + b"]" * levels
    parsed = parse_json(flattened(body))
    for _ in range(99):
        assert parsed[0] == ']"['
        parsed = parsed[1]
    assert parsed[1] == (b'["]\\"[",' * (levels - 100) + b'"["' + b"]" * (levels - 100)).decode()


@pytest.mark.parametrize("body", [b"", b"[1]", b"]]]", b"[[", b'"[', b'"\\"' * 1000, b"[" * 200])
def test_all_other_json_is_not_flattened(body: bytes) -> None:
    assert flattened(body) == body


def test_flattening_a_text_without_an_end_takes_no_longer_than_its_length() -> None:
    assert flattened(b'"' + b'\\"' * 1_000_000)  # hours, if each quotation mark started a text
