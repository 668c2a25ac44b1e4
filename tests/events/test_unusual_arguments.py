"""Numbers, times and flags that cannot be used are refused with an error of this package, however unusual they are."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from togai import (
    ConfigurationError,
    CorrectionOutcomeUnknown,
    InvalidRequest,
    Replace,
    Timeout,
    TogaiError,
    Undo,
    quantities,
    rows,
    with_quantities,
)
from togai._transport.retry import Policy
from togai._transport.steps import Failure
from togai.corrections import Ledger, Plan
from togai.jobs import export
from togai.testing import FakeTogai

from ..conftest import Api, Connect, async_is_slow

pandas: Any = importlib.import_module("pandas")


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


NUMPY: Any = pandas.Series([7, 7]).to_numpy()
UNUSUAL: dict[str, Any] = {
    "a huge number": -(10**5000),
    "not a number": math.nan,
    "infinity": -math.inf,
    "a decimal": Decimal("sNaN"),
    "a fraction": Fraction(-1, 2),
    "a complex number": 1j,
    "a number of numpy": NUMPY[0],
    "numbers of numpy": NUMPY,
    "missing in pandas": pandas.NA,
    "no time in pandas": pandas.NaT,
    "a time without a zone": datetime(2024, 12, 4),
    "a duration": timedelta.max,
    "bytes": b"x",
    "huge numbers": [10**5000],
    "without a repr": Unprintable(),
}


@frozen
class Place:
    """A client of either kind, and what its calls need."""

    api: Api
    ledger: Ledger
    event: Any
    plan: Plan
    entry: Any
    file: Path

    def options(self, **options: Any) -> object:
        return self.api.client.with_options(**options)

    def export(self, accounts: Any = "acme", **options: Any) -> object:
        client = self.api.client
        assert not self.api.is_async
        return export(client, accounts, self.file, **options)


@pytest.fixture
def place(connect: Connect, url: str, fake: FakeTogai, tmp_path: Path) -> Iterator[Place]:
    ledger = Ledger(tmp_path / "ledger.db", create=True, who="ann")
    fake.add_many(2)
    with connect(base_url=url, ledger=ledger, max_retries=0) as api:
        event, other = api.call("find", "acme")
        plan = api.call("plan", [Undo(event)])
        ledger.approve(plan, who="bob", why="ok")
        fake.fail_next(status=502, method="POST")
        with pytest.raises(CorrectionOutcomeUnknown) as caught:
            api.call("undo", other)
        yield Place(api, ledger, event, plan, caught.value.entries[0], tmp_path / "events.csv")


ARGUMENTS: dict[str, Callable[[Place, Any], object]] = {
    "timeout": lambda place, value: place.options(timeout=value),
    "connect": lambda _, value: Timeout(connect=value),
    "read": lambda _, value: Timeout(read=value),
    "write": lambda _, value: Timeout(write=value),
    "pool": lambda _, value: Timeout(pool=value),
    "total": lambda _, value: Timeout(total=value),
    "max_retries": lambda place, value: place.options(max_retries=value),
    "requests_per_second": lambda place, value: place.options(requests_per_second=value),
    "strict": lambda place, value: place.options(strict=value),
    "timeout of a call": lambda place, value: place.api.listed(timeout=value),
    "page_size": lambda place, value: place.api.listed(page_size=value),
    "prefetch": lambda place, value: place.api.listed(prefetch=value),
    "trust_end": lambda place, value: place.api.listed(trust_end=value),
    "concurrency": lambda place, value: place.api.client.events.list_many([], concurrency=value),
    "max_events": lambda place, value: place.api.call("find", "acme", max_events=value),
    "since": lambda place, value: place.api.call("find", "acme", since=value),
    "status": lambda place, value: place.api.call("find", "acme", status=value),
    "where": lambda place, value: place.api.call("find", "acme", where=value),
    "limit": lambda place, value: place.api.call("execute", place.plan, limit=value),
    "on_failure": lambda place, value: place.api.call("execute", place.plan, on_failure=value),
    "event_source_time": lambda place, value: place.api.call(
        "undo", account_id="acme", event_source_time=value
    ),
    "background": lambda place, value: place.api.call("undo", place.event, background=value),
    "require_confirmation": lambda place, value: place.api.call(
        "undo", place.event, background=True, require_confirmation=value
    ),
    "allow_reverted": lambda place, value: place.api.call(
        "undo", place.event, allow_reverted=value
    ),
    "reread": lambda place, value: place.api.call("undo", place.event, reread=value),
    "allow_removed": lambda place, value: place.api.call(
        "plan", [Replace(place.event, place.event.event_payload, allow_removed=value)]
    ),
    "account of an item": lambda place, value: place.api.call(
        "plan", [Undo(place.event, account_id=value)]
    ),
    "since of a history": lambda place, value: list(place.ledger.history(since=value)),
    "account of a history": lambda place, value: list(place.ledger.history(account_id=value)),
    "approve": lambda place, value: place.ledger.approve(value, who="bob", why="ok"),
    "decide": lambda place, value: place.ledger.decide(value, "applied", who="bob", why="ok"),
    "verdict": lambda place, value: place.ledger.decide(place.entry, value, who="bob", why="ok"),
    "release": lambda place, value: place.ledger.release(value, who="bob", why="ok"),
    "settle": lambda place, value: place.ledger.settle(value, value),
    "min_age": lambda place, value: place.api.call("reconcile", place.entry, min_age=value),
}


@async_is_slow
@pytest.mark.parametrize("argument", ARGUMENTS)
def test_an_unusual_value_is_refused_before_anything_is_sent(
    place: Place, fake: FakeTogai, argument: str
) -> None:
    before = len(fake.requests)
    for value in UNUSUAL.values():
        with pytest.raises((ConfigurationError, InvalidRequest)) as caught:
            ARGUMENTS[argument](place, value)
        assert len(str(caught.value)) < 500
    assert len(fake.requests) == before
    assert [entry.id for entry in place.ledger.pending()] == [place.entry.id]


@pytest.mark.parametrize("connect", ["sync"], indirect=True)
@pytest.mark.parametrize("name", ["since", "until", "accounts", "columns", "format"])
def test_an_unusual_value_is_refused_by_an_export(place: Place, name: str) -> None:
    for value in UNUSUAL.values():
        if value is UNUSUAL["no time in pandas"] and name == "format":
            continue
        with pytest.raises(InvalidRequest):
            place.export(**{name: value})
    with pytest.raises(InvalidRequest):
        place.export("\ud800")
    assert not place.file.exists()


@pytest.mark.parametrize("value", ["a huge number", "not a number", "infinity"])
def test_a_number_that_is_refused_is_named_if_it_can_be_shown(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"total=(<int>|nan|-inf): pass a positive"):
        Timeout(total=UNUSUAL[value])


def test_text_that_no_database_can_hold_is_refused(place: Place, fake: FakeTogai) -> None:
    before = len(fake.requests)
    for call in (
        lambda: place.api.call("undo", account_id="acme", reference_id="\ud800"),
        lambda: list(place.ledger.history(reference_id="\ud800")),
        lambda: place.ledger.decide(2**70, "applied", who="bob", why="ok"),
        lambda: place.ledger.decide(place.entry, "applied", who="\ud800", why="ok"),
    ):
        with pytest.raises(InvalidRequest, match="the ledger cannot hold this value"):
            call()
    assert len(fake.requests) == before


@pytest.mark.parametrize("wrong", [None, 1, "ride-1", {"id": "ride-1"}])
@pytest.mark.parametrize(
    "use",
    [quantities, lambda event: with_quantities(event, {}), lambda event: list(rows([event]))],
    ids=["quantities", "with_quantities", "rows"],
)
def test_what_is_not_an_event_is_refused_as_one(use: Callable[[Any], Any], wrong: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"event.*, not {type(wrong).__name__}"):
        use(wrong)


@pytest.mark.parametrize("name", ["attributes", "dimensions"])
def test_names_of_columns_that_are_not_a_list_are_refused(name: str) -> None:
    wrong: Any = {name: True}
    with pytest.raises(InvalidRequest, match=f"{name}=True: pass a list of names"):
        list(rows([], **wrong))


@pytest.mark.parametrize("name", ["x" * 10_000, "\ud800"])
def test_a_ledger_with_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no ledger"):
        Ledger(name).pending()
    with pytest.raises(ConfigurationError, match="no ledger can be created"):
        Ledger(name, create=True)


def test_a_plan_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("[" * 200_000)
    with pytest.raises(InvalidRequest, match="is not a plan"):
        Plan.load(tmp_path / "plan.json")
    with pytest.raises(TogaiError, match="<int> is not a plan"):
        Plan.load(10**5000)  # type: ignore[arg-type]


def test_thousands_of_attempts_do_not_overflow_the_wait() -> None:
    policy = Policy(10_000)
    delay = policy.delay(Failure.LOST, repeatable=True, attempt=9_999, left=100.0)
    assert delay is not None
    assert 0 <= delay <= policy.longest
