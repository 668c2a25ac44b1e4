"""The main job, start to end: list, read, undo, replace, sync and async.

Runs against the service in memory on a loopback socket. With --live, and a token in TOGAI_API_TOKEN,
it does the reading part against the real host (or TOGAI_BASE_URL) and changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sys
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import evolve

from togai import (
    AsyncTogai,
    EventWithStatus,
    EventWithStatusAndEventPipelineInfo,
    Togai,
    TogaiError,
    quantities,
    rows,
)
from togai.testing import FakeTogai

if TYPE_CHECKING:
    from collections.abc import Generator

FullEvent = EventWithStatusAndEventPipelineInfo

ACCOUNT = "acme"
TOKEN = "demo-token"  # noqa: S105  (of the service in memory)


def main() -> int:
    """Run the demo and return the exit code."""
    parser = argparse.ArgumentParser(description="Show the main job of the togai client.")
    parser.add_argument(
        "--live", action="store_true", help="read from the real host; changes nothing"
    )
    if parser.parse_args().live:
        return live()
    # The service is on this machine, where no proxy leads to.
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    print("The service: FakeTogai, in memory, on a loopback socket.\n")
    with fresh_service("Togai") as url:
        sync_part(url)
    with fresh_service("AsyncTogai") as url:
        asyncio.run(async_part(url))
    return 0


@contextmanager
def fresh_service(name: str) -> Generator[str]:
    """Serve an account with events under a headline."""
    print(f"== {name} " + "=" * (70 - len(name)))
    fake = FakeTogai(token=TOKEN)
    seed(fake)
    with fake.serve() as url:
        yield url
    print()


def live() -> int:
    """Read from the real host."""
    if not os.environ.get("TOGAI_API_TOKEN"):
        print("--live needs a token in TOGAI_API_TOKEN", file=sys.stderr)
        return 2
    try:
        with Togai() as client:
            print(f"The service: {client!r}. Reading only.\n")
            events = list(itertools.islice(client.events.list(), 100))
            table("the first events", events[:10])
            if events and events[0].event_payload.id:
                found = client.events.get_all(events[0].event_payload.id)
                print(f"\nread by id: {len(found)} found")
    except TogaiError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def seed(fake: FakeTogai) -> None:
    """Give the service an account with events over several pages."""
    for number in range(1, 121):
        fake.add(
            id=f"ride-{number}",
            account_id=ACCOUNT,
            schema_name="rides",
            timestamp=f"2024-12-{1 + number // 24:02}T{number % 24:02}:30:00Z",
            attributes=[{"name": "distance", "value": f"{number}.4", "unit": "Kilometers"}],
            dimensions={"city": "Chennai"},
        )


def sync_part(url: str) -> None:
    """The job with the plain client."""
    with Togai(TOKEN, base_url=url, requests_per_second=None) as client:
        pages = list(client.events.list(account_id=ACCOUNT).pages())
        events = [event for page in pages for event in page.events]
        print(f"listed {len(events)} events of {ACCOUNT} on {len(pages)} pages")

        wrong, mistyped = client.events.get("ride-17"), client.events.get("ride-42")
        show_in_full(wrong)
        table(
            "before",
            [
                one
                for one in events
                if one.reference_id in (wrong.reference_id, mistyped.reference_id)
            ],
        )

        undone = client.events.undo(wrong).raise_for_failures()
        print(f"\nundo:    {undone!r}")
        replaced = client.events.replace(
            with_distance(mistyped, Decimal("4.24"))
        ).raise_for_failures()
        print(f"replace: {replaced!r}")

        table("after", [one for one in client.events.list(account_id=ACCOUNT) if shown(one)])


async def async_part(url: str) -> None:
    """The same job with the asyncio client."""
    async with AsyncTogai(TOKEN, base_url=url, requests_per_second=None) as client:
        pages = [page async for page in client.events.list(account_id=ACCOUNT).pages()]
        events = [event for page in pages for event in page.events]
        print(f"listed {len(events)} events of {ACCOUNT} on {len(pages)} pages")

        wrong, mistyped = await asyncio.gather(
            client.events.get("ride-17"), client.events.get("ride-42")
        )
        show_in_full(wrong)
        table(
            "before",
            [
                one
                for one in events
                if one.reference_id in (wrong.reference_id, mistyped.reference_id)
            ],
        )

        undone = (await client.events.undo(wrong)).raise_for_failures()
        print(f"\nundo:    {undone!r}")
        replaced = await client.events.replace(with_distance(mistyped, Decimal("4.24")))
        print(f"replace: {replaced.raise_for_failures()!r}")

        table("after", [one async for one in client.events.list(account_id=ACCOUNT) if shown(one)])


def shown(event: EventWithStatus) -> bool:
    """Whether the event is one of the two that the demo corrects."""
    return event.event_payload.id in ("ride-17", "ride-42")


def with_distance(event: FullEvent, distance: Decimal) -> FullEvent:
    """The event with another distance."""
    attributes = [evolve(one, value=str(distance)) for one in event.event_payload.attributes]
    return evolve(event, event_payload=evolve(event.event_payload, attributes=attributes))


def show_in_full(event: FullEvent) -> None:
    """What reading one event tells beyond the list."""
    info = event.event_pipeline_info
    meters = ", ".join(f"{one.name}: {one.units}" for one in info.usage_meters or [])
    print(
        f"read {event.event_payload.id}: {dict(quantities(event))}; usage meters: {meters or 'none'}"
    )


def table(title: str, events: list[EventWithStatus]) -> None:
    """Print events as a readable table."""
    columns = ("reference_id", "id", "timestamp", "status", "attribute.distance", "unit.distance")
    lines = [columns, *[tuple(str(row.get(name, "")) for name in columns) for row in rows(events)]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(f"\n{title}:")
    for line in lines:
        print(
            "  "
            + "  ".join(
                cell.ljust(width) for cell, width in zip(line, widths, strict=True)
            ).rstrip()
        )


if __name__ == "__main__":
    sys.exit(main())
