"""The symbols of the facade that depend on a place of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.impact import dependents, mentions

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = {
    "__init__.py": "def top():\n    return here\n",
    "_events.py": """
from __future__ import annotations
from . import _requests
from ._requests import send as _send, check
from .deep.models import *
import json


class Events:
    limit = Page.size

    def list(self):
        return _send(_requests, size=self.page_size)

    async def get(self, id):
        def inner():
            return getattr(self, "created_at")
        return await inner()

    class Inner:
        def own(self):
            return check()


class Empty:
    pass


value = lambda: other
""",
    "_requests.py": "def send(*args, **more):\n    return get_events(**more)\n\n\ndef check():\n    5\n",
    "deep/models.py": "async def read():\n    return a.b.c\n",
    "testing/fake.py": "def fake():\n    return get_events\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        file = tmp_path / "togai" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path / "togai"


def test_each_function_and_method_has_the_names_that_it_uses(package: Path) -> None:
    assert mentions(package) == {
        "togai.top": {"here"},
        "togai._events.Events.list": {
            *("_send", "_requests", "self", "page_size", ".page_size", "size", ".size"),
            # The module that a name is imported from.
            "_requests",
        },
        "togai._events.Events.get": {"inner", "getattr", "self", ".created_at"},
        "togai._events.Events.Inner.own": {"check", "_requests"},
        "togai._requests.send": {"get_events", "more"},
        "togai._requests.check": set(),
        "togai.deep.models.read": {"a", "b", ".b", "c", ".c"},
    }


FACADE = {
    "togai._events.Events.list": {"page", "_reading", "Event"},
    "togai._events.Events.get": {"get", "_other", ".account_id"},
    "togai._events.Events._checked": {"page", "_reading"},
    "togai._events.AsyncEvents.list": {"page", "_reading", ".account_id"},
    "togai._reading.page": {"build", "_requests", ".account_id"},
    "togai._reading._plain": {"page", "account_id"},
    "togai._reading.unused": {"build"},
    "togai._requests.build": {"get_events"},
    "togai._requests.get": {"get_single_event", "Event"},
    "togai._requests.apart": {"by_itself"},
}


@pytest.mark.parametrize(
    ("at", "operation", "symbols"),
    [
        (
            "#/components/schemas/Event/properties/accountId",
            None,
            [
                "togai.Event.account_id",
                "togai._events.Events.get",
                "togai._events.AsyncEvents.list",
                "togai._reading.page",
            ],
        ),
        (
            "#/components/schemas/Event/properties/accountId/maxLength",
            "get_events",
            [
                "togai.Event.account_id",
                "togai._events.Events.get",
                "togai._events.AsyncEvents.list",
                "togai._reading.page",
            ],
        ),
        (
            "#/components/schemas/Event/required",
            None,
            ["togai.Event", "togai._events.Events.list", "togai._requests.get"],
        ),
        ("#/components/schemas/State", "get_events", ["togai.State"]),
        ("#/servers/https:~1~1a", None, ["togai.Togai", "togai.AsyncTogai"]),
        ("#/servers", None, []),
        ("#/info/version", None, []),
        # Through the request builder, and a function that uses it, to the public methods.
        ("#/paths/~1events/get", "get_events", ["togai._events.Events.list"]),
        # `get` of another module is another function.
        ("#/paths/~1events~1{id}/get", "get_single_event", ["togai._requests.get"]),
        ("#/paths/~1x/get", "by_itself", ["togai._requests.apart"]),
        ("#/paths/~1x/get", "unknown", []),
        ("#/paths/~1x/get", None, []),
    ],
)
def test_the_symbols_that_depend_on_a_place_are_named_in_order(
    at: str, operation: str | None, symbols: list[str]
) -> None:
    assert dependents(at, FACADE, operation) == symbols


def test_private_functions_come_last_and_no_symbol_comes_twice() -> None:
    facade = {"togai._b._hidden": {".id"}, "togai._a.shown": {".id"}, "togai.Event.id": {".id"}}
    at = "#/components/schemas/Event/properties/id"
    assert dependents(at, facade, None) == ["togai.Event.id", "togai._a.shown", "togai._b._hidden"]


def test_functions_that_use_each_other_are_followed_once() -> None:
    facade = {
        "togai._a.first": {"built", "second", "_a", "_b"},
        "togai._a.second": {"first", "_a"},
        "togai._events.Events.use": {"second", "_a"},
        "togai._b.built": {"operation"},
    }
    assert dependents("#/paths/~1x/get", facade, "operation") == ["togai._events.Events.use"]
