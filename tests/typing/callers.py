"""The ways callers use the facade. Never run: mypy --strict and pyright strict read it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_type

import togai
from togai import (
    AmbiguousEvent,
    AsyncTogai,
    CorrectionOutcomeUnknown,
    CorrectionResult,
    EventPage,
    EventWithStatus,
    EventWithStatusAndEventPipelineInfo,
    IngestionStatusValue,
    StatusError,
    Togai,
    TogaiError,
)
from togai.models import Attribute, CorrectionStatus, Event, EventCorrectionInfo, IngestionStatus
from togai.testing import FakeTogai, When


def construct() -> Event:
    event = Event(
        schema_name="rides",
        timestamp=datetime.now(UTC),
        account_id="acme",
        attributes=[Attribute(name="distance", value="10.4", unit="Kilometers")],
        dimensions={"city": "Chennai"},
    )
    assert_type(event.id, str | None)
    assert_type(event.attributes, list[Attribute])
    assert_type(event.timestamp, datetime)
    assert_type(event.dimensions, dict[str, str])
    return togai.build_event(
        "rides", account_id="acme", timestamp="2024-12-04T07:30:35Z", attributes={"a": Decimal(1)}
    )


def submodules(error: togai.errors.TogaiError) -> bool:
    assert_type(togai.corrections.Ledger("ledger.db"), togai.corrections.Ledger)
    assert_type(togai.testing.FakeTogai(), FakeTogai)
    return togai.jobs.is_final(togai.testing.make(EventWithStatus))


def faults(fake: FakeTogai) -> None:
    fake.fail_next(status=503, times=None, method="GET", path="/events", skip=2)
    fake.slow_next(seconds=2.5, **When(times=2))
    fake.drop_next(tmes=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    fake.hold_next(times="2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(fake.applied["ref-1"], int)


def listing(client: Togai) -> list[str]:
    for page in client.events.list(account_id="acme").pages():
        assert_type(page, EventPage)
        assert_type(page.events, tuple[EventWithStatus, ...])
        assert_type(page.next_token, str | None)
    many = client.events.list_many({"acme": None, "globex": "token"}, concurrency=4)
    for account_id, page in many:
        assert_type(account_id, str)
        assert_type(page, EventPage)
    assert_type(many.remaining, dict[str, str | None])
    client.events.list_many(many.remaining)
    client.events.list_many(name for name in ("acme", "globex"))
    return [event.reference_id for event in client.events.list(page_size=10, prefetch=1, timeout=5)]


def match_status(status: IngestionStatus) -> str:
    match status.status:
        case IngestionStatusValue.REVERTED:
            return "reverted"
        case IngestionStatusValue.INGESTION_FAILED:
            return "failed"
        case other:
            return other.value if other.is_known else f"new: {other}"


def correct(client: Togai) -> CorrectionResult:
    try:
        event = client.events.get("ride-1")
    except AmbiguousEvent as error:
        event = error.candidates[0]
    assert_type(event, EventWithStatusAndEventPipelineInfo)
    try:
        result = client.events.undo(event, timeout=togai.Timeout(total=60))
    except CorrectionOutcomeUnknown as error:
        assert_type(error.status, int | None)
        raise
    except StatusError as error:
        assert_type(error.status, int)
        assert_type(error.retry_after, float | None)
        raise
    except TogaiError as error:
        assert_type(error.attempts, int)
        raise
    for entry in result:
        assert_type(entry, EventCorrectionInfo)
        assert_type(entry.status, CorrectionStatus)
    assert_type(result.failed, tuple[EventCorrectionInfo, ...])
    return result.raise_for_failures()


async def asynchronous() -> dict[str, Decimal]:
    async def token() -> str:
        return "t"

    async with AsyncTogai(token, base_url=togai.SANDBOX_URL, on_drift=print) as client:
        async for event in client.events.list():
            assert_type(event, EventWithStatus)
        async for account_id, page in client.events.list_many(["acme"], page_size=10):
            assert_type(account_id, str)
            assert_type(page, EventPage)
        replaced = await client.events.replace(construct(), account_id="acme", event_id="ride-1")
        assert_type(replaced, CorrectionResult)
        return togai.quantities(await client.events.get("ride-1"))


class Traced(Togai):
    """Callers subclass the client."""

    def first(self) -> EventWithStatus | None:
        return next(self.events.list(), None)
