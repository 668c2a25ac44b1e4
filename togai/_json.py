"""JSON with exact numbers: lenient parsing, and writing without loss of digits."""

from __future__ import annotations

import codecs
import importlib
import json
import re
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_MANY_DIGITS = 600
_DEEPEST = 100
"""Levels of objects and lists in one another; the contract has ten."""

_NO_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))
_SQUARE = bytes.maketrans(b"{}", b"[]")
_PERHAPS_MANY = re.compile(rb"\d{6}")
"""Matches every hundredth byte of a body that contains so many digits in a row."""
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[][{}]', re.DOTALL)
"""A bracket, or a text, which may contain brackets; a text without an end takes all the rest, once."""
_CHARSETS = ("ascii", "iso8859", "cp", "utf-16", "utf-32")


class Malformed(str):
    """A value that is not valid JSON in UTF-8, as text. Only its property is malformed, not the whole body.

    Attributes:
        kind: The kind of deviation.
    """

    kind: str

    def __new__(cls, text: str, kind: str) -> Self:
        value = str.__new__(cls, text)
        value.kind = kind
        return value

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def kind_of(value: object) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    if isinstance(value, Malformed):
        return f"a value that is {value.kind}"
    names: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "a boolean"}
    return names.get(type(value), "a number")


def charset_of(content_type: str | None) -> str | None:
    """The charset in a content type."""
    named = re.search(r"""charset\s*=\s*["']?([\w.:-]+)""", content_type or "", re.IGNORECASE)
    return named[1] if named else None


def parse_json(body: bytes, charset: str | None = None, *, exact: bool = False) -> Any:
    """Parse JSON; a number with a fraction or an exponent becomes a Decimal.

    A value that is not valid JSON (NaN, a number out of range, bytes that are not UTF-8) becomes `Malformed`.

    Args:
        body: The bytes.
        charset: The charset in the content type, for a body that is not UTF-8.
        exact: Whether a property that occurs twice, with different values, becomes `Malformed`, too. Otherwise its last
            value counts, which takes less time.

    Raises:
        ValueError: The body is not JSON.
        RecursionError: It is nested more deeply than what is read from it can be copied and written.
    """
    shallow = _is_shallow(body)
    parsed = _parse_leniently(body, charset, _exact) if exact else _parsed(body, charset)
    if not shallow:
        _check_depth(parsed)
    return parsed


def flattened(body: bytes) -> bytes:
    """JSON in UTF-8 in which each value that is nested too deeply is replaced by its text."""
    parts: list[bytes] = []
    depth = end = 0
    for token in _TOKEN.finditer(body):
        if token[0] in b"[{":
            depth += 1
            if depth == _DEEPEST + 1:
                parts.append(body[end : token.start()])
                end = token.start()
        elif token[0] in b"]}":
            if depth == _DEEPEST + 1:
                text = body[end : token.end()].decode("utf-8", "replace")
                parts.append(json.dumps(text).encode())
                end = token.end()
            depth -= 1
    return b"".join([*parts, body[end:]])


def _is_shallow(body: bytes) -> bool:
    """Whether the brackets alone show that a body is not nested too deeply; one in a text makes them useless."""
    brackets = body.translate(_SQUARE, _NO_BRACKETS).replace(b'""', b"")  # texts without brackets
    escaped = b"\\" in body and b'\\"' in body  # one byte is found much faster than two
    if b'"' in brackets or escaped:
        return False
    for _ in range(_DEEPEST):
        if not brackets:
            return True
        before = len(brackets)
        # One level in each round, of lists and objects alike.
        brackets = brackets.replace(b"[]", b"")
        if len(brackets) == before:
            return False
    return not brackets


def _check_depth(parsed: Any) -> None:
    level: list[Any] = [parsed]
    for _ in range(_DEEPEST):
        items: list[Any] = []
        for held in level:
            items += held.values() if isinstance(held, dict) else held
        level = [item for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise RecursionError


def _parsed(body: bytes, charset: str | None) -> Any:
    parse_fast = _fast_parser()
    if parse_fast is not None and not _PERHAPS_MANY.search(body[::100]):
        with suppress(ValueError, ArithmeticError, RecursionError):
            return parse_fast(body)  # what it refuses may still be readable
    try:
        # Gateways and old tools put a byte order mark in front; JSON lets a reader skip it.
        return _strict.decode(body.decode().removeprefix("\ufeff"))
    except (ValueError, InvalidOperation):
        return _parse_leniently(body, charset, _lenient)


def _parse_leniently(body: bytes, charset: str | None, decoder: json.JSONDecoder) -> Any:
    try:
        text = body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        text = body.decode(_known(charset) or "utf-8", "surrogateescape")
    parsed = decoder.decode(text.removeprefix("\ufeff"))
    return parsed if text.isascii() else _marked(parsed)


def _known(charset: str | None) -> str | None:
    """The name of a charset that Python knows and that is safe to decode."""
    try:
        name = codecs.lookup(charset or "").name
    except (LookupError, ValueError):
        return None
    return name if name.startswith(_CHARSETS) else None


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {_readable(name): _marked(entry) for name, entry in entries.items()}
    if isinstance(value, list):
        return [_marked(item) for item in cast("Any", value)]
    if type(value) is str and (text := _readable(value)) != value:
        return Malformed(text, "not UTF-8")
    return value


def _readable(text: str) -> str:
    """The text with a replacement character for each byte that could not be decoded."""
    if text.isascii():
        return text
    return "".join(
        "\ufffd" if "\udc80" <= character <= "\udcff" else character for character in text
    )


def _integer(digits: str) -> int | Decimal:
    # Python refuses to convert very many digits to int; the rest of the page must still be read.
    return int(digits) if len(digits) < _MANY_DIGITS else Decimal(digits)


def _fraction(digits: str) -> Decimal | Malformed:
    try:
        number = Decimal(digits)
    except InvalidOperation:
        return Malformed(digits, "out of range")
    return number if number.is_finite() else Malformed(digits, "out of range")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _not_a_number(name: str) -> Malformed:
    return Malformed(name, "not a number")


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values and values[name] != value:
            value = Malformed(f"{values[name]!a:.200} and {value!a:.200}", "ambiguous")
        values[name] = value
    return values


_strict = json.JSONDecoder(parse_float=Decimal, parse_int=_integer, parse_constant=_refuse)
_lenient_parsing: dict[str, Any] = {
    "parse_float": _fraction,
    "parse_int": _integer,
    "parse_constant": _not_a_number,
    "strict": False,
}
_lenient = json.JSONDecoder(**_lenient_parsing)
_exact = json.JSONDecoder(**_lenient_parsing, object_pairs_hook=_unambiguous)


@cache
def _fast_parser() -> Callable[[bytes], Any] | None:
    """The parser of msgspec, which accepts less and returns the same; None where it is not installed."""
    # Imported with the first response: it takes longer than all of this package.
    try:
        parse: Callable[[bytes], Any] = (
            importlib.import_module("msgspec.json").Decoder(float_hook=Decimal).decode
        )
    except (ImportError, AttributeError, TypeError):  # TypeError: too old to keep digits
        return None
    return parse


def write_json(value: Any) -> bytes:
    """Write JSON in UTF-8, each Decimal with all its digits.

    Raises:
        TypeError: JSON has no such value.
        ValueError: A number is not finite, a value was malformed when it was read, or a text is not Unicode.
        RecursionError: It is nested too deeply.
    """
    return _written(value).encode()


def _written(value: Any) -> str:
    if isinstance(value, dict):
        entries = cast("Any", value)
        if wrong := [name for name in entries if not isinstance(name, str)]:
            raise TypeError(f"a name must be text, not {type(wrong[0]).__name__}")
        inner = (f"{_written(name)}:{_written(entry)}" for name, entry in entries.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(item) for item in cast("Any", value)) + "]"
    if isinstance(value, Malformed):
        raise ValueError(f"a value was {value.kind} when it was read")  # noqa: TRY004
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"JSON has no {value}")
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
