"""Every argument of every method, sync and async, changes what is sent or returned."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import frozen

from togai import CorrectionOutcomeUnknown, Event, Redo, TogaiError, Undo
from togai._events import AsyncEvents, Events
from togai._where import Where
from togai.corrections import Ledger
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api, Connect, async_is_slow

AT = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)
CREATED = datetime(2024, 12, 5, 0, 30, 35, tzinfo=UTC)


class Place:
    """A service with a few events, a client of either kind, and ledgers."""

    def __init__(self, api: Api, fake: FakeTogai, folder: Path, url: str) -> None:
        self.api = api
        self.fake = fake
        self.url = url
        self.folder = folder
        self.ledger = Ledger(folder / "ledger.db", create=True, who="ann")
        self.steps: list[Any] = []
        self.read = self.api.call("find", "acme")

    def event(self, **changes: Any) -> Event:
        payload: Event = self.read[0].event_payload
        return attrs.evolve(payload, **changes)

    def plan(self, *items: Any) -> Any:
        """An approved plan."""
        plan = self.api.call("plan", items, ledger=self.ledger)
        self.ledger.approve(plan.digest, who="bob", why="ok")
        return plan

    def unknown(self) -> CorrectionOutcomeUnknown:
        """An undo that was lost, of an event without an id of its own."""
        self.fake.fail_next(status=502, method="POST")
        with pytest.raises(CorrectionOutcomeUnknown) as caught:
            self.api.call("undo", self.read[2], ledger=self.ledger, reread=True)
        return caught.value


Arguments = Callable[[Place], dict[str, Any]]


@frozen
class Case:
    """A call, and one more argument; the names of the wire say where it arrives."""

    base: Arguments
    value: Callable[[Place], Any]
    query: dict[str, str] = attrs.Factory(dict)
    headers: dict[str, str] = attrs.Factory(dict)


def fixed(value: Any) -> Callable[[Place], Any]:
    return lambda _place: value


def none(_place: Place) -> dict[str, Any]:
    return {}


def acme(_place: Place) -> dict[str, Any]:
    return {"account_id": "acme"}


def failing_first(place: Place) -> dict[str, Any]:
    plan = place.plan(*map(Undo, place.read))
    place.fake.refuse_next()
    return {"plan": plan, "ledger": place.ledger}


def planned(place: Place) -> dict[str, Any]:
    return {"plan": place.plan(*map(Undo, place.read)), "ledger": place.ledger}


def headers(base: Arguments) -> Case:
    return Case(base, fixed({"X-Team": "billing"}), headers={"x-team": "billing"})


def common(base: Arguments) -> dict[str, Case]:
    return {"timeout": Case(base, fixed(-1)), "extra_headers": headers(base)}


def corrections(method: str) -> dict[str, Case]:
    """The arguments that the four corrections share."""

    def base(more: dict[str, Any] | None = None) -> Arguments:
        def arguments(place: Place) -> dict[str, Any]:
            own: dict[str, Any] = {} if method != "correct" else {"action": "UNDO"}
            if method == "replace":
                own = {"event": place.event()}
            return {**own, **(more or {})}

        return arguments

    def reverted(place: Place) -> dict[str, Any]:
        place.fake.events[0].status = "REVERTED"
        target = place.api.call("find", "acme")[0]
        return {**base()(place), "target": target}

    def unlisted(place: Place) -> dict[str, Any]:
        return {**base()(place), "target": place.read[2], "ledger": place.ledger}

    account = {"account_id": "acme"}
    one = {**account, "event_id": "event-1"}
    background = {**one, "background": True}
    return {
        "background": Case(base(one), fixed(True), query={"async": "true"}),
        "require_confirmation": Case(
            base(background), fixed(True), query={"require_confirmation": "true"}
        ),
        "allow_reverted": Case(reverted, fixed(True)),
        "ledger": Case(base(one), lambda place: place.ledger),
        "reread": Case(unlisted, fixed(True)),
        "target": Case(base(), lambda place: place.read[1], query={"id": "ref-2"}),
        "account_id": Case(
            base({"reference_id": "ref-1"}), fixed("acme"), query={"account_id": "acme"}
        ),
        "reference_id": Case(base(account), fixed("ref-2"), query={"id": "ref-2"}),
        "event_id": Case(base(account), fixed("event-1"), query={"event_id": "event-1"}),
        "event_source_time": Case(base(one), fixed(AT), query={"event_source_time": "*"}),
        "created_at": Case(base(one), fixed(CREATED), query={"created_at": "*"}),
        "whole_account": Case(base(account), fixed(True)),
        **common(base(one)),
    }


def replaced(place: Place) -> dict[str, Any]:
    other = [attrs.evolve(place.read[0].event_payload.attributes[0], name="other")]
    return {"target": place.read[0], "event": place.event(attributes=other)}


def unknown_property(place: Place) -> dict[str, Any]:
    event = place.event()
    event.additional_properties["note"] = "x"
    return {"target": place.read[0], "event": event}


def with_action(base: Arguments) -> Arguments:
    return lambda place: {"action": "REDO_EVENT", **base(place)}


def second_page(place: Place) -> str:
    token = place.api.resolve(first_page(place)).next_token
    return str(token)


async def _first(pages: Any) -> Any:
    async for page in pages:
        return page
    return None


def first_page(place: Place) -> Any:
    pages = place.api.client.events.list(page_size=1).pages()
    return _first(pages) if place.api.is_async else next(iter(pages))


def further_page(place: Place) -> dict[str, Any]:
    place.fake.change_next(lambda body: {**body, "next": "x"}, method="GET")
    return {}


CASES: dict[str, dict[str, Case]] = {
    "list": {
        "account_id": Case(none, fixed("globex"), query={"account_id": "globex"}),
        "schema_name": Case(none, fixed("rides"), query={"schema_name": "rides"}),
        "status": Case(none, fixed("REVERTED"), query={"status": "REVERTED"}),
        "page_size": Case(none, fixed(2), query={"pageSize": "2"}),
        "next_token": Case(none, second_page, query={"nextToken": "*"}),
        "prefetch": Case(none, fixed(-1)),
        "extra_query": Case(none, fixed({"region": "eu"}), query={"region": "eu"}),
        "trust_end": Case(further_page, fixed(True)),
        **common(none),
    },
    "list_many": {
        "account_ids": Case(none, fixed(["acme", "globex"]), query={"account_id": "globex"}),
        "concurrency": Case(fixed({"account_ids": ["acme"]}), fixed(0)),
        "schema_name": Case(
            fixed({"account_ids": ["acme"]}), fixed("rides"), query={"schema_name": "rides"}
        ),
        "status": Case(
            fixed({"account_ids": ["acme"]}), fixed("REVERTED"), query={"status": "REVERTED"}
        ),
        "page_size": Case(fixed({"account_ids": ["acme"]}), fixed(2), query={"pageSize": "2"}),
        "trust_end": Case(
            lambda place: {**further_page(place), "account_ids": ["acme"]}, fixed(True)
        ),
        "extra_query": Case(
            fixed({"account_ids": ["acme"]}), fixed({"region": "eu"}), query={"region": "eu"}
        ),
        **common(fixed({"account_ids": ["acme"]})),
    },
    **{
        method: {
            "event_id": Case(none, fixed("event-1")),
            **common(fixed({"event_id": "event-1"})),
        }
        for method in ("get", "get_all")
    },
    "correct": {
        **corrections("correct"),
        "action": Case(
            fixed({"account_id": "acme", "event_id": "event-1"}),
            fixed("UNDO"),
            query={"action": "UNDO"},
        ),
        "event": Case(
            fixed({"account_id": "acme", "event_id": "event-1", "action": "REDO_EVENT"}),
            lambda place: place.event(),
            query={"action": "REDO_EVENT"},
        ),
        "keep_unknown": Case(with_action(unknown_property), fixed(True)),
        "allow_removed": Case(with_action(replaced), fixed(True)),
    },
    "undo": corrections("undo"),
    "redo": corrections("redo"),
    "replace": {
        **corrections("replace"),
        "event": Case(lambda place: {"target": place.read[0]}, lambda place: place.event()),
        "keep_unknown": Case(unknown_property, fixed(True)),
        "allow_removed": Case(replaced, fixed(True)),
    },
    "find": {
        "account_id": Case(none, fixed("globex"), query={"account_id": "globex"}),
        "reference_ids": Case(acme, fixed(["ref-2"])),
        "event_ids": Case(acme, fixed(["event-1"])),
        "since": Case(acme, fixed(AT + timedelta(seconds=1))),
        "until": Case(acme, fixed(AT + timedelta(seconds=1))),
        "status": Case(acme, fixed("REVERTED")),
        "where": Case(acme, fixed(lambda event: event.reference_id == "ref-3")),
        "max_events": Case(acme, fixed(-1)),
        "trust_end": Case(lambda place: {**further_page(place), **acme(place)}, fixed(True)),
        "extra_query": Case(acme, fixed({"region": "eu"}), query={"region": "eu"}),
        **common(acme),
    },
    "plan": {
        "items": Case(lambda place: {"ledger": place.ledger}, lambda place: [Redo(place.read[0])]),
        "ledger": Case(lambda place: {"items": [Undo(place.read[0])]}, lambda place: place.ledger),
        "why": Case(
            lambda place: {"items": [Undo(place.read[0])], "ledger": place.ledger},
            fixed("a mistake"),
        ),
    },
    "execute": {
        "plan": Case(
            lambda place: {"ledger": place.ledger}, lambda place: place.plan(Undo(place.read[0]))
        ),
        "on_failure": Case(failing_first, fixed("continue")),
        "limit": Case(planned, fixed(1)),
        "on_step": Case(planned, lambda place: place.steps.append),
        "ledger": Case(
            lambda place: {"plan": place.plan(Undo(place.read[0]))}, lambda place: place.ledger
        ),
        **common(planned),
    },
    "reconcile": {
        "unknown": Case(none, Place.unknown),
        "min_age": Case(lambda place: {"unknown": place.unknown()}, fixed(timedelta(0))),
        "max_events": Case(
            lambda place: {"unknown": place.unknown(), "min_age": timedelta(0)}, fixed(-1)
        ),
        **common(lambda place: {"unknown": place.unknown()}),
    },
}


def observed(place: Place, method: str, arguments: dict[str, Any]) -> tuple[Any, ...]:
    """What was sent, and what came back."""
    before = len(place.fake.requests)
    try:
        result = getattr(place.api.client.events, method)(**arguments)
        if method in {"list", "list_many"}:
            result = place.api.collect(result)
        result = place.api.resolve(result)
    except (TogaiError, TypeError) as error:
        result = (type(error), str(error))
    sent = [
        (one.method, one.path, one.query, one.body, one.headers.get("x-team"))
        for one in place.fake.requests[before:]
    ]
    what = [getattr(result, name, None) for name in ("why", "steps", "verdict")]
    ledger = [(entry.kind, entry.plan is None) for entry in place.ledger.history()]
    # Without digests, times and durations.
    shown = re.sub(
        r"[0-9a-f]{32,}|\d{4}-\d\d-\d\d[T ]\d\d[^ ,')]*|\d:\d\d:\d\d ago", "", f"{result} {what}"
    )
    shown = shown.replace(place.url, "").replace(str(place.folder), "")
    return sent, shown, ledger, len(place.steps)


def parameters(kind: type) -> dict[str, set[str]]:
    return {
        name: {
            name
            for parameter in inspect.signature(method).parameters.values()
            for name in (
                Where.__annotations__
                if parameter.kind is inspect.Parameter.VAR_KEYWORD
                else (parameter.name,)
            )
        }
        - {"self"}
        for name, method in vars(kind).items()
        if not name.startswith("_")
    }


@pytest.mark.parametrize("kind", [Events, AsyncEvents])
def test_every_argument_of_every_method_has_a_case(kind: type) -> None:
    assert parameters(kind) == {method: {*cases} for method, cases in CASES.items()}


@pytest.fixture
def new_place(connect: Connect, tmp_path: Path) -> Iterator[Callable[[], Place]]:
    """Makes equal places: what one call changes is not seen by the next."""
    with ExitStack() as stack:

        def made() -> Place:
            fake = FakeTogai(TOKEN)
            for number in (1, 2, 3):
                fake.add(
                    id=None if number == 3 else f"event-{number}",
                    timestamp=(AT + timedelta(seconds=number - 1)).isoformat(),
                    created_at="2024-12-05T00:30:35.000Z",
                )
            fake.add(account_id="globex", id="other")
            url = stack.enter_context(fake.serve())
            api = stack.enter_context(connect(base_url=url, max_retries=0))
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            folder.mkdir()
            return Place(api, fake, folder, url)

        yield made


@pytest.mark.parametrize("method", CASES)
def test_equal_calls_send_and_return_the_same(new_place: Callable[[], Place], method: str) -> None:
    case = CASES[method].get("extra_headers") or CASES[method]["ledger"]
    first, second = new_place(), new_place()
    assert observed(first, method, case.base(first)) == observed(second, method, case.base(second))


@async_is_slow
@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method, cases in CASES.items() for name in cases]
)
def test_an_argument_changes_what_is_sent_or_returned(
    new_place: Callable[[], Place], method: str, name: str
) -> None:
    case = CASES[method][name]
    first, second = new_place(), new_place()
    base, value = case.base(first), case.value(first)
    before = len(first.fake.requests)
    with_it = observed(first, method, {**base, name: value})
    sent = first.fake.requests[before:]
    for key, text in case.query.items():
        assert any(text in ("*", one.query.get(key)) and key in one.query for one in sent)
    for key, text in case.headers.items():
        assert sent
        assert all(one.headers.get(key) == text for one in sent)
    base = case.base(second)
    case.value(second)
    assert with_it != observed(second, method, base)
