"""Loads an OpenAPI description from a file or an https URL as plain data, in bounded time and memory."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import yaml

MAX_BYTES = 16 * 1024 * 1024
MAX_NODES = 1_000_000
MAX_DEPTH = 200
FETCH_SECONDS = 60.0


class Unusable(Exception):
    """The input cannot be used as a description; the message says where and why."""


def load(source: str) -> dict[str, Any]:
    """Read an OpenAPI 3 description.

    Args:
        source: A path, or an https URL.

    Returns:
        The description as dicts, lists and scalars. Keys are strings, as written.

    Raises:
        Unusable: It cannot be read, is too large, or is not an OpenAPI 3 description.
    """
    if "://" in source:
        return parse(_fetch(source))
    try:
        # Any other kind of file, such as a pipe, could block forever.
        if Path(source).exists() and not Path(source).is_file():
            raise Unusable(f"{source} cannot be read: it is not a file")
        with Path(source).open("rb") as file:
            return parse(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise Unusable(f"{source} cannot be read: {error.strerror}") from None


def _fetch(url: str) -> bytes:
    deadline = time.monotonic() + FETCH_SECONDS
    got = bytearray()
    try:
        with (
            httpx.Client(timeout=20, follow_redirects=False) as client,
            client.stream("GET", _https(url)) as response,
        ):
            if response.status_code != 200:
                hint = response.headers.get("location")
                raise Unusable(
                    f"{url} returned {response.status_code}" + (f": try {hint}" if hint else "")
                )
            for chunk in response.iter_bytes():
                got += chunk
                if len(got) > MAX_BYTES or time.monotonic() > deadline:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unusable(f"{url} cannot be read: {error or type(error).__name__}") from None
    if time.monotonic() > deadline:
        raise Unusable(f"{url} was not read within {FETCH_SECONDS:g} s")
    return bytes(got)


def _https(url: str) -> str:
    if not url.lower().startswith("https://"):
        raise Unusable(f"{url}: only paths and https addresses are read")
    return url


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
        raise Unusable(f"the description is not UTF-8: byte {error.start}") from None
    parsed = _parse_json(text) if text.lstrip().startswith("{") else _parse_yaml(text)
    if not isinstance(parsed, dict):
        raise Unusable(
            "the description is not a mapping: an OpenAPI description has openapi and paths"
        )
    document = cast("dict[str, Any]", parsed)
    version = str(document.get("openapi", ""))
    if not version.startswith(("3.0", "3.1", "3.2")):
        was = f"openapi {version}" if version else f"swagger {document.get('swagger', '(none)')}"
        raise Unusable(f"the description is {was[:40]}: OpenAPI 3.0, 3.1 or 3.2 is needed")
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
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unusable(f"the key {twice[:60]!r} occurs twice in one object")
    return mapping


# Marks a merge key, unlike a property named "<<": keys with a NUL are rejected.
_MERGE = "<<\0"


@dataclass
class _Open:
    """A mapping or list that is still being read. `size` counts its nodes with aliases expanded."""

    value: Any
    anchor: str | None
    key: str | None = None
    size: int = 1


@dataclass
class _Builder:
    """Builds plain data from the events of a YAML parser.

    PyYAML's own composer recurses in C, so that deep nesting crashes the process. It also follows YAML 1.1, in
    which `NO` is false and a date is an object.
    """

    stack: list[_Open] = field(default_factory=list[_Open])
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict[str, tuple[Any, int]])
    result: Any = None

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self.scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            self.open(dict[str, Any](), event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self.open(list[Any](), event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            done = self.stack.pop()
            if isinstance(event, yaml.MappingEndEvent) and _MERGE in done.value:
                done.value = _with_merged(done.value, event)
            if done.anchor:
                self.anchors[done.anchor] = (done.value, done.size)
            self.add(done.value, done.size, event)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise Unusable(f"{_line(event)}: the alias *{event.anchor} contains itself")
            self.add(*self.anchors[event.anchor], event)

    def open(self, value: Any, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise Unusable(f"{_line(event)}: nested deeper than {MAX_DEPTH} levels")
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            raise Unusable(f"{_line(event)}: a key is not a string")
        self.stack.append(_Open(value, event.anchor))

    def scalar(self, event: yaml.ScalarEvent) -> None:
        into = self.stack[-1] if self.stack else None
        if into is not None and isinstance(into.value, dict) and into.key is None:
            key = _MERGE if event.value == "<<" and event.implicit[0] else event.value  # pyright: ignore[reportUnknownMemberType]
            if "\0" in event.value:
                raise Unusable(f"{_line(event)}: a key holds the character NUL")
            if key in into.value:  # pyright: ignore[reportUnknownMemberType]
                raise Unusable(
                    f"{_line(event)}: the key {event.value[:60]!r} occurs twice in one mapping"
                )
            into.key = key
            return
        value = _scalar(event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self.add(value, 1, event)

    def add(self, value: Any, size: int, event: yaml.Event) -> None:
        if not self.stack:
            self.result = value
            return
        into = self.stack[-1]
        into.size += size
        if into.size > MAX_NODES:
            raise Unusable(f"{_line(event)}: more than {MAX_NODES} values, aliases expanded")
        if isinstance(into.value, list):
            into.value.append(value)  # pyright: ignore[reportUnknownMemberType]
        elif into.key is None:
            raise Unusable(f"{_line(event)}: a key is not a string")
        else:
            into.value[into.key] = value
            into.key = None


def _with_merged(value: dict[str, Any], event: yaml.Event) -> dict[str, Any]:
    """Return a mapping with the keys that it merges; its own keys win."""
    merged: Any = value.pop(_MERGE)
    result: dict[str, Any] = {}
    for mapping in reversed(merged) if isinstance(merged, list) else [merged]:  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
        if not isinstance(mapping, dict):
            raise Unusable(f"{_line(event)}: << merges something that is not a mapping")
        result |= cast("dict[str, Any]", mapping)
    return result | value


def _parse_yaml(text: str) -> Any:
    builder = _Builder()
    documents = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):  # pyright: ignore[reportUnknownMemberType]
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                raise Unusable(f"{_line(event)}: a second document starts")
            builder.take(event)
    except yaml.YAMLError as error:
        raise Unusable(f"the description is neither YAML nor JSON: {_problem(error)}") from None
    return builder.result


def _line(event: yaml.Event) -> str:
    mark: Any = event.start_mark  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
    return f"line {mark.line + 1}"


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())[:120]
    return f"{problem}, line {mark.line + 1}" if mark else str(problem)


# The core schema of YAML 1.2, which OpenAPI names.
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
