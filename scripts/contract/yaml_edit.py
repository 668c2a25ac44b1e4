"""Edits YAML as text: new data is written, and every other line stays the same."""

from __future__ import annotations

import json
import sys
from io import StringIO
from typing import Any, cast

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, ScalarString


def graft(text: str, data: dict[str, Any]) -> str:
    """Return a YAML text that holds the data; order, comments, quotes and line breaks of the rest stay the same.

    The text has the layout that ruamel.yaml keeps: two spaces, lists indented.
    """
    keeper: Any = YAML()
    keeper.preserve_quotes = True
    keeper.width = sys.maxsize
    keeper.indent(sequence=4, offset=2)
    tree = keeper.load(text)
    # Through JSON: ruamel.yaml does not write subclasses, such as a number as it was written.
    _mapping(tree, json.loads(json.dumps(data)))
    out = StringIO()
    keeper.dump(tree, out)
    return out.getvalue()


def _mapping(tree: Any, data: dict[str, Any]) -> None:
    for key in [key for key in tree if str(key) not in data]:
        del tree[key]
    known = {str(key): key for key in tree}
    for i, (key, value) in enumerate(data.items()):
        if key in known:
            tree[known[key]] = _grafted(tree[known[key]], value)
        else:
            tree.insert(i, _text(key), _written(value))


def _grafted(old: Any, value: Any) -> Any:
    if isinstance(old, CommentedMap) and isinstance(value, dict):
        _mapping(old, cast("Any", value))
    elif isinstance(old, CommentedSeq) and isinstance(value, list):
        _sequence(old, cast("Any", value))
    elif isinstance(old, ScalarString) and isinstance(value, str):
        return old if old == value else type(old)(value)
    elif old != value or isinstance(value, bool) != isinstance(old, bool):  # 1 == True
        return _written(value)
    return old


def _sequence(old: Any, data: list[Any]) -> None:
    for i, value in enumerate(data):
        if i < len(old):
            old[i] = _grafted(old[i], value)
        else:
            old.append(_written(value))
    del old[len(data) :]


def _written(value: Any) -> Any:
    """Return new data in the style of the contract: a short list of strings is on one line."""
    if isinstance(value, dict):
        return {_text(str(key)): _written(item) for key, item in value.items()}  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    if isinstance(value, list):
        items: Any = CommentedSeq(_written(item) for item in value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
        is_short = sum(len(str(item)) + 2 for item in items) < 80
        if is_short and all(isinstance(item, str) for item in items):
            items.fa.set_flow_style()
        return items
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    """Return a string, in double quotes if YAML could read it as another type."""
    try:
        plain = yaml.safe_load(text) == text and yaml.safe_load(f"[{text}]") == [text]
    except (yaml.YAMLError, ValueError):  # such as the date 2024-13-01
        plain = False
    return text if plain else DoubleQuotedScalarString(text)
