"""Loads an OpenAPI description from a file or an https URL as plain data, in bounded time and memory."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any, cast

import httpx
import yaml

MAX_BYTES = 16 * 1024 * 1024
MAX_NODES = 1_000_000
MAX_DEPTH = 200
FETCH_SECONDS = 60.0
_ADVICE = "pass the vendor's OpenAPI description, in YAML or JSON"


class Unusable(Exception):
    """The input cannot be used as a description; the message says where and why."""


def load(source: str) -> dict[str, Any]:
    """Return the plain data of an OpenAPI 3 description at a path or an https URL; keys are strings, as written.

    Raises:
        Unusable: It cannot be read, is too large, or is not an OpenAPI 3 description.
    """
    if "://" in source:
        if not source.lower().startswith("https://"):
            raise Unusable(f"{source}: only paths and https addresses are read")
        return parse(_fetch(source))
    try:
        # Any other kind of file, such as a pipe, could block forever.
        if Path(source).exists() and not Path(source).is_file():
            raise Unusable(f"{source} cannot be read: it is not a file; {_ADVICE}")
        with Path(source).open("rb") as file:
            return parse(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise Unusable(f"{source} cannot be read: {error.strerror}; {_ADVICE}") from None


def _fetch(url: str) -> bytes:
    deadline = time.monotonic() + FETCH_SECONDS
    got = bytearray()
    try:
        with (
            httpx.Client(timeout=20, follow_redirects=False) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != 200:
                hint = response.headers.get("location")
                words = f"{url} returned {response.status_code}"
                raise Unusable(f"{words}: try {hint}" if hint else words)
            for chunk in response.iter_bytes():
                got += chunk
                if len(got) > MAX_BYTES or time.monotonic() > deadline:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unusable(f"{url} cannot be read: {str(error) or type(error).__name__}") from None
    if time.monotonic() > deadline:
        raise Unusable(f"{url} was not read within {FETCH_SECONDS:g} s")
    return bytes(got)


def parse(data: bytes) -> dict[str, Any]:
    """Return the plain data of a description from its bytes.

    Raises:
        Unusable: It is too large, neither YAML nor JSON in UTF-8, or not an OpenAPI 3 description.
    """
    if len(data) > MAX_BYTES:
        raise Unusable(f"the description is larger than {MAX_BYTES // 1024**2} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(f"the description is not UTF-8: byte {error.start}; {_ADVICE}") from None
    parsed = _parse_json(text) if text.lstrip().startswith("{") else _parse_yaml(text)
    if not isinstance(parsed, dict):
        raise Unusable(f"this is not an OpenAPI description: it is not a mapping; {_ADVICE}")
    document = cast("dict[str, Any]", parsed)
    kind = next((key for key in ("openapi", "swagger", "asyncapi") if document.get(key)), "")
    if not kind:
        missing = "the key openapi with its version is missing"
        raise Unusable(f"this is not an OpenAPI description: {missing}; {_ADVICE}")
    version = f"{kind} {document[kind]}"
    if not version.startswith(("openapi 3.0", "openapi 3.1", "openapi 3.2")):
        words = "OpenAPI 3.0, 3.1 or 3.2 is needed; ask the vendor for it, or convert the file"
        raise Unusable(f"the description is {version[:40]}: {words}")
    return document


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise Unusable("the description is nested too deep") from None
    except ValueError:
        # YAML can start with a brace as well.
        return _parse_yaml(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise Unusable(f"{_twice([name for name, _ in pairs])} in one object")
    return mapping


def _twice(keys: list[str]) -> str:
    twice = next(key for key, count in Counter(keys).items() if count > 1)
    return f"the key {twice[:60]!r} occurs twice"


class _Loader(yaml.CSafeLoader):
    """Composes nodes; each plain scalar gets the tag "plain", so that it is read by the rules of YAML 1.2, not 1.1."""


_Loader.yaml_implicit_resolvers = {None: [("plain", re.compile(""))]}


def _parse_yaml(text: str) -> Any:
    try:
        _check_depth(text)
        root = _Loader(text).get_single_node()
    except yaml.YAMLError as error:
        words = f"the description is neither YAML nor JSON: {_problem(error)}; {_ADVICE}"
        raise Unusable(words) from None
    return None if root is None else _read(root, {})[0]


def _check_depth(text: str) -> None:
    """Raise Unusable for deep nesting: PyYAML composes nodes by recursion in C, which would crash the process."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):  # pyright: ignore[reportUnknownMemberType]
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise Unusable(f"{_line(event)}: nested deeper than {MAX_DEPTH} levels")


def _read(node: yaml.Node, done: dict[int, tuple[Any, int] | None]) -> tuple[Any, int]:
    """Return the plain data of a node, and its number of values with aliases expanded; `done` holds other nodes."""
    if id(node) in done:
        known = done[id(node)]
        if known is None:
            raise Unusable(f"{_line(node)}: the value contains itself through an alias")
        return known
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node), 1
    done[id(node)] = None
    if isinstance(node, yaml.SequenceNode):
        items = [_read(item, done) for item in node.value]
        value: Any = [item for item, _ in items]
    else:
        keys = _keys(node)
        items = [_read(item, done) for _, item in node.value]
        value = {key: item for key, (item, _) in zip(keys, items, strict=True)}
        if any(key.tag == "plain" and key.value == "<<" for key, _ in node.value):
            value = _with_merged(value, node)
    size = 1 + sum(size for _, size in items)
    if size > MAX_NODES:
        raise Unusable(f"{_line(node)}: more than {MAX_NODES} values, aliases expanded")
    done[id(node)] = value, size
    return value, size


def _keys(node: yaml.Node) -> list[str]:
    """Return the keys of a mapping, as written."""
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Unusable(f"{_line(key)}: a key is not a string")
    keys = [key.value for key, _ in node.value]
    if len({*keys}) < len(keys):
        raise Unusable(f"{_line(node)}: {_twice(keys)} in one mapping")
    return keys


def _with_merged(value: dict[str, Any], node: yaml.Node) -> dict[str, Any]:
    """Return a mapping with the keys that it merges; its own keys win."""
    merged: Any = value.pop("<<")
    result: dict[str, Any] = {}
    for mapping in reversed(merged) if isinstance(merged, list) else [merged]:  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
        if not isinstance(mapping, dict):
            raise Unusable(f"{_line(node)}: << merges something that is not a mapping")
        result |= cast("dict[str, Any]", mapping)
    return result | value


def _line(place: yaml.Event | yaml.Node) -> str:
    mark: Any = place.start_mark  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
    return f"line {mark.line + 1}"


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return f"{problem}, line {mark.line + 1}" if mark else str(problem)


# The core schema of YAML 1.2, which OpenAPI names.
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")


class _Number(float):
    """A number in an unusual notation: where it is a string, 1.10 is not 1.1."""

    def __init__(self, text: str) -> None:  # pyright: ignore[reportInconsistentConstructor]
        self._text = text

    def __str__(self) -> str:
        return self._text


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.tag != "plain":
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not NUMBER.match(text):
        return text
    number = int(text) if _INTEGER.fullmatch(text) else float(text)
    return number if str(number) == text else _Number(text)
