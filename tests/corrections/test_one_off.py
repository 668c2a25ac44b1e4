"""What a one-off correction reads again, refuses and locks before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from togai import (
    AlreadyCorrected,
    InvalidRequest,
    StaleReading,
    Togai,
    with_quantities,
)
from togai._storage.records import Records
from togai.corrections import Ledger
from togai.testing import FakeTogai

from ..conftest import TOKEN, Api, Connect

AT = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


@pytest.fixture
def fake() -> FakeTogai:
    """A service that corrects a reverted event again."""
    fake = FakeTogai(TOKEN)
    fake.correct_reverted()
    fake.add(id="ride-1", timestamp=AT.isoformat())
    return fake


def changed(event: Any) -> Any:
    """The event as a caller changes it."""
    payload = with_quantities(event, {"distance": 7})
    return evolve(event, event_payload=payload)


Call = Callable[[Api, Any], Any]
"""Corrects an event that was read."""


def undo(api: Api, event: Any) -> Any:
    return api.call("undo", event)


def undo_in_background(api: Api, event: Any) -> Any:
    return api.call("undo", event, background=True)


def undo_by_reference_id(api: Api, _: Any) -> Any:
    return api.call("undo", account_id="acme", reference_id="ref-1")


def undo_by_reference_id_read_again(api: Api, _: Any) -> Any:
    return api.call("undo", account_id="acme", reference_id="ref-1", reread=True)


def undo_by_event_id(api: Api, _: Any) -> Any:
    return api.call("undo", account_id="acme", event_id="ride-1")


def undo_by_time(api: Api, _: Any) -> Any:
    return api.call("undo", account_id="acme", event_source_time=AT)


def undo_by_event_id_in_background(api: Api, _: Any) -> Any:
    return api.call("undo", account_id="acme", event_id="ride-1", background=True)


def undo_whole_account(api: Api, _: Any) -> Any:
    return api.call("undo", account_id="acme", whole_account=True)


def replace(api: Api, event: Any) -> Any:
    return api.call("replace", event.event_payload, event)


def replace_changed(api: Api, event: Any) -> Any:
    return api.call("replace", changed(event))


def replace_changed_in_background(api: Api, event: Any) -> Any:
    return api.call("replace", changed(event), background=True)


def replace_by_event_id(api: Api, event: Any) -> Any:
    """An event that was read is only the replacement if filters select the target."""
    return api.call("replace", changed(event), account_id="acme", event_id="ride-1")


READS: list[tuple[Call, bool, bool]] = [
    # Whether the events are read before: with a ledger, and without.
    (undo, True, False),
    (undo_in_background, False, False),
    (undo_by_reference_id, False, False),
    (undo_by_reference_id_read_again, True, False),
    (undo_by_event_id, True, False),
    (undo_by_time, True, False),
    (undo_by_event_id_in_background, True, False),
    (undo_whole_account, True, False),
    (replace, True, False),
    (replace_changed, True, True),
    (replace_changed_in_background, False, False),
    (replace_by_event_id, True, False),
]


@pytest.mark.parametrize(("call", "with_ledger", "without"), READS)
def test_the_events_are_read_before_if_one_reading_shows_them(
    connect: Connect,
    fake: FakeTogai,
    url: str,
    ledger: Ledger,
    call: Call,
    with_ledger: bool,
    without: bool,
) -> None:
    for number, (book, reads) in enumerate(((ledger, with_ledger), (None, without))):
        if number:
            fake.events.clear()
            fake.add(id="ride-1", reference_id="ref-1", timestamp=AT.isoformat())
        with connect(base_url=url, ledger=book, max_retries=0) as api:
            event = api.call("get", "ride-1")
            before = len(fake.requests)
            call(api, event)
        methods = [request.method for request in fake.requests[before:]]
        assert methods == (["GET", "POST"] if reads else ["POST"])


@pytest.mark.parametrize("call", [undo, replace_changed])
def test_a_target_without_an_id_is_read_only_on_request(
    client: Api, fake: FakeTogai, call: Call
) -> None:
    del fake.events[0].payload["id"]
    (event,) = client.call("find", "acme")
    call(client, event)
    assert [request.method for request in fake.requests] == ["GET", "POST"]


def test_what_was_read_is_recorded(client: Api, fake: FakeTogai, ledger: Ledger) -> None:
    fake.add(id="ride-1", timestamp=AT.isoformat())
    event = client.call("find", "acme")[0]
    client.call("undo", event)
    undo_by_reference_id_in_background = {"reference_id": "ref-2", "background": True}
    client.call("undo", account_id="acme", **undo_by_reference_id_in_background)
    read, unread = [entry for entry in ledger.history() if entry.kind == "intent"]
    assert read.snapshot is not None
    assert read.snapshot.event_id == "ride-1"
    assert read.siblings == frozenset({"ref-1", "ref-2"})
    assert (unread.target, unread.snapshot, unread.siblings) == ("ref-2", None, None)


def test_a_background_job_records_the_event_that_was_passed(
    client: Api, fake: FakeTogai, ledger: Ledger
) -> None:
    client.call("undo", client.call("get", "ride-1"), background=True)
    intent = next(ledger.history())
    assert intent.snapshot is not None
    assert (intent.target, intent.snapshot.event_id) == ("ref-1", "ride-1")


@pytest.mark.parametrize("call", [undo, replace, replace_changed])
@pytest.mark.parametrize("gone", [False, True])
def test_a_target_that_changed_since_it_was_read_is_refused(
    client: Api, fake: FakeTogai, ledger: Ledger, call: Call, gone: bool
) -> None:
    event = client.call("get", "ride-1")
    fake.events[0].status = "INGESTION_FAILED"
    if gone:
        fake.change_next(lambda body: {**body, "events": []}, method="GET")
    with pytest.raises(StaleReading, match="was not found" if gone else "status was"):
        call(client, event)
    assert not fake.corrections
    assert list(ledger.history()) == []


@pytest.mark.parametrize("gone", [False, True])
def test_a_changed_target_is_read_again_without_a_ledger_too(
    connect: Connect, fake: FakeTogai, url: str, gone: bool
) -> None:
    with connect(base_url=url) as api:
        event = api.call("get", "ride-1")
        fake.events[0].status = "INGESTION_FAILED"
        if gone:
            fake.change_next(lambda body: {**body, "events": []}, method="GET")
        with pytest.raises(StaleReading, match="was not found" if gone else "status was"):
            replace_changed(api, event)
    assert not fake.corrections


@pytest.mark.parametrize("reread", [False, True])
def test_a_changed_target_without_an_id_is_read_again_on_request_without_a_ledger_too(
    connect: Connect, fake: FakeTogai, url: str, reread: bool
) -> None:
    del fake.events[0].payload["id"]
    with connect(base_url=url) as api:
        (event,) = api.call("find", "acme")
        api.call("replace", changed(event), reread=reread)
    methods = [request.method for request in fake.requests]
    assert methods == ["GET", *["GET"] * reread, "POST"]


@pytest.mark.parametrize(
    "where",
    [
        {"event_id": "ride-1"},
        {"event_source_time": AT},
        {"reference_id": "ref-1", "reread": True},
        {"whole_account": True},
        {"event_id": "ride-1", "background": True},
    ],
)
def test_a_reverted_event_is_corrected_only_on_request(
    client: Api, fake: FakeTogai, where: dict[str, Any]
) -> None:
    fake.events[0].status = "REVERTED"
    with pytest.raises(InvalidRequest, match="ref-1 is REVERTED"):
        client.call("undo", account_id="acme", **where)
    assert not [request for request in fake.requests if request.method == "POST"]
    client.call("undo", account_id="acme", **where, allow_reverted=True)
    fake.run_jobs()
    assert fake.applied["ref-1"] == 1


def test_a_replacement_that_lacks_an_attribute_is_refused_after_the_event_was_read(
    client: Api, fake: FakeTogai
) -> None:
    fake.events[0].payload["attributes"] = [
        {"name": "a", "value": "1"},
        {"name": "b", "value": "2"},
    ]
    payload = client.call("get", "ride-1").event_payload
    del payload.attributes[1:]
    where = {"account_id": "acme", "event_id": "ride-1"}
    with pytest.raises(InvalidRequest, match="lacks b"):
        client.call("replace", payload, **where)
    assert not fake.corrections
    client.call("replace", payload, **where, allow_removed=True)
    assert fake.applied["ref-1"] == 1


@pytest.mark.parametrize(
    "call",
    [undo_by_event_id, undo_by_time, undo_whole_account, undo_by_event_id_in_background],
)
@pytest.mark.parametrize("lag", [0, 1000])
def test_a_corrected_event_is_refused_as_such_however_it_reads(
    client: Api, fake: FakeTogai, call: Call, lag: int
) -> None:
    event = client.call("get", "ride-1")
    fake.lag_reads(requests=lag)
    client.call("undo", event)
    with pytest.raises(AlreadyCorrected) as caught:
        call(client, event)
    assert (caught.value.entry.kind, caught.value.entry.target) == ("applied", "ref-1")
    assert fake.applied["ref-1"] == 1


@pytest.mark.parametrize("call", [undo, undo_by_event_id, undo_by_reference_id_read_again])
def test_an_event_that_a_colleague_ingested_again_meanwhile_is_refused(
    client: Api,
    fake: FakeTogai,
    url: str,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    call: Call,
) -> None:
    """A colleague is faster, between the reading and the lock."""
    event = client.call("get", "ride-1")
    real = Records.begin

    def begin(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(Records, "begin", real)
        with Togai(TOKEN, base_url=url, ledger=str(ledger)) as colleague:
            colleague.events.redo(account_id="acme", reference_id="ref-1")
        return real(*given, **more)

    monkeypatch.setattr(Records, "begin", begin)
    with pytest.raises(StaleReading, match="was corrected after it was read") as caught:
        call(client, event)
    assert caught.value.entry is not None
    assert caught.value.entry.kind == "applied"
    assert fake.applied == {"ref-1": 1}


def twice(change: Callable[[Any], None]) -> Callable[[Any], Any]:
    """Adds a changed copy of the first event of a page."""

    def added(body: Any) -> None:
        first = body["events"][0]
        body["events"].append({**first, "eventPayload": {**first["eventPayload"]}})
        change(body["events"][-1])

    return added


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda event: event["ingestionStatus"].update(status="NEW"), None),
        (lambda event: event.update(createdAt="2024-12-31T00:00:01Z"), "ref-1 was read twice"),
        (
            lambda event: (
                event["eventPayload"].update(accountId="globex"),
                event.update(referenceId="ref-2"),
            ),
            "show different accounts",
        ),
    ],
)
def test_events_that_contradict_each_other_are_not_corrected(
    client: Api, fake: FakeTogai, change: Any, problem: str | None
) -> None:
    fake.change_next(twice(change), method="GET")
    if problem is None:  # the same content twice is one event
        undo_by_event_id(client, None)
        return
    with pytest.raises((StaleReading, InvalidRequest), match=problem):
        undo_by_event_id(client, None)
    assert not fake.corrections


def test_an_alias_is_accepted_after_a_probe_of_the_filter(client: Api, fake: FakeTogai) -> None:
    fake.add_alias("acme", "acme-eu")
    client.call("undo", account_id="acme-eu", event_id="ride-1")
    _, probe, _ = fake.requests
    assert probe.query.keys() == {"account_id", "pageSize"}
    assert probe.query["account_id"].startswith("togai-probe-")
    assert probe.query["pageSize"] == "1"


@pytest.mark.parametrize("where", [{"whole_account": True}, {"reference_id": "ref-1"}])
@pytest.mark.parametrize("body", [{}, {"data": []}, {"message": "scheduled"}])
@pytest.mark.parametrize("status", [200, 202])
def test_a_background_job_needs_no_result(
    connect: Connect, fake: FakeTogai, url: str, where: Any, body: Any, status: int
) -> None:
    fake.fail_next(status=status, body=body, acts=True, method="POST")
    with connect(base_url=url) as api:
        result = api.call("undo", account_id="acme", **where, background=True)
    assert (len(result), result.status, result.body) == (0, status, body)


def test_what_was_settled_for_one_event_unlocks_the_others_that_were_not_sent(
    connect: Connect, fake: FakeTogai, url: str, ledger: Ledger
) -> None:
    fake.add(id="ride-1")

    class Colleague:
        """A rate limiter during whose wait somebody settles the first entry."""

        def wait(self) -> Any:
            if pending := ledger.pending():
                ledger.decide(
                    pending[0],
                    "not applied",
                    who="bob",
                    why="its process seemed dead",
                    min_age=timedelta(0),
                )

    class AsyncColleague(Colleague):
        async def wait(self) -> None:
            super().wait()

    with connect(base_url=url) as api:
        limit = AsyncColleague() if api.is_async else Colleague()
    with connect(base_url=url, ledger=ledger, requests_per_second=limit) as api:
        with pytest.raises(StaleReading, match="was settled before its turn came"):
            api.call("undo", account_id="acme", event_id="ride-1")
    assert not fake.corrections
    assert ledger.pending() == []
    intents = [entry for entry in ledger.history() if entry.kind == "intent"]
    assert [entry.target for entry in intents] == ["ref-1", "ref-2"]


# Replacements that the service refuses.


def vanished(body: Any) -> Any:
    return {**body, "events": []}


@pytest.mark.parametrize(
    ("reading", "certain"),
    [
        (lambda fake: None, True),
        (lambda fake: fake.add(id="ride-1", dimensions={"city": "Pune"}), True),
        (lambda fake: fake.fail_next(status=503, method="GET", skip=2), False),
        (lambda fake: fake.change_next(vanished, method="GET", skip=2), False),
        (
            lambda fake: fake.change_next(
                twice(lambda event: event["ingestionStatus"].update(status="REVERTED")),
                method="GET",
                skip=2,
            ),
            False,
        ),
    ],
    ids=["unchanged", "a sibling", "not readable", "vanished", "read twice"],
)
@pytest.mark.parametrize("action", ["redo", "replace"])
def test_a_correction_that_failed_is_certain_only_if_the_event_reads_unchanged(
    client: Api, fake: FakeTogai, ledger: Ledger, reading: Any, certain: bool, action: str
) -> None:
    fake.refuse_next(reason="a past cycle")
    reading(fake)
    event = client.call("find", "acme")[0]
    given = (changed(event),) if action == "replace" else (event,)
    if certain:
        assert len(client.call(action, *given).failed) == 1
    else:
        with pytest.raises(Exception, match="may be reverted without a replacement"):
            client.call(action, *given)
    kinds = [str(entry.kind) for entry in ledger.history()]
    assert kinds == ["intent", "failed" if certain else "unknown"]
