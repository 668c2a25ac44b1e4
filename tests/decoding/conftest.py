"""What is read is the same with both parsers."""

from __future__ import annotations

import pytest

from togai import _json


@pytest.fixture(params=["json", "msgspec"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The parser of responses."""
    name: str = request.param
    if name == "json":
        monkeypatch.setattr(_json, "_fast_parser", lambda: None)
    else:
        assert _json._fast_parser() is not None
    return name
