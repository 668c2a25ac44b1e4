"""Correct events from start to end: list, plan, approve and execute, with a response that is lost.

Runs against an in-memory service on a loopback socket. With --live and a token in TOGAI_API_TOKEN, it only
reads from the real service (or TOGAI_BASE_URL) and changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import os
import subprocess
import sys
import tempfile
from decimal import Decimal

from togai import AsyncTogai, Togai, TogaiError, with_quantities
from togai.corrections import Execution, Ledger, Replace, Undo
from togai.testing import FakeTogai


def main() -> int:
    """Run the demo and return the exit code."""
    parser = argparse.ArgumentParser(description="Show how the togai client corrects events.")
    parser.add_argument(
        "--live", action="store_true", help="read from the real service; changes nothing"
    )
    if parser.parse_args().live:
        return live()
    # A proxy from the environment must not be used for a local service.
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    # The log about the lost response and the new status would repeat the printed lines.
    logging.getLogger("togai").setLevel(logging.CRITICAL)
    fake = FakeTogai()
    fake.add_month()
    with fake.serve() as url, tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/ledger.db"
        correct(fake, url, Ledger(path, create=True))
        run_commands({"TOGAI_BASE_URL": url, "TOGAI_API_TOKEN": fake.token, "TOGAI_LEDGER": path})
        asyncio.run(read_new_status(fake, url))
    return 0


def live() -> int:
    """Read from the real host."""
    if not os.environ.get("TOGAI_API_TOKEN"):
        print("--live needs a token in TOGAI_API_TOKEN", file=sys.stderr)
        return 2
    try:
        with Togai() as client:
            print(f"The service: {client!r}. Reading only.")
            for event in itertools.islice(client.events.list(), 10):
                print(f"  {event.event_payload.id}  {event.ingestion_status.status}")
    except TogaiError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def correct(fake: FakeTogai, url: str, ledger: Ledger) -> None:
    """List, plan, approve and execute; lose a response, reconcile, and execute again."""
    with Togai(fake.token, base_url=url, ledger=ledger) as client:
        events = list(client.events.list(account_id="acme"))
        print(f"list       {len(events)} events of the account acme and its alias\nplan")

        wrong, mistyped = client.events.find("acme", event_ids=["ride-7", "wrong-1"])
        replacement = with_quantities(mistyped, {"distance": Decimal("42.4")})
        plan = client.events.plan([Undo(wrong), Replace(mistyped, replacement)], why="Ticket 4711")
        print(plan)

        ledger.approve(plan.digest, who="ada", why="Agreed with the customer")
        print("approve    by ada; now the first response is lost on its way back")

        fake.drop_next(acts=True, method="POST")
        show(client.events.execute(plan, on_failure="continue"))
        for entry in ledger.pending():
            result = client.events.reconcile(entry)
            ledger.settle(entry, result)
            print(f"reconcile  the first correction: {result.verdict}")
        show(client.events.execute(plan))
        often = max(fake.applied.values())
        print(
            f"           corrected by the service: {len(fake.applied)} events, at most {often} time"
        )


def show(execution: Execution) -> None:
    """Print the outcome of each correction."""
    print("execute    " + ", ".join(f"{step.number}: {step.outcome}" for step in execution))


def run_commands(settings: dict[str, str]) -> None:
    """Correct on the command line, twice."""
    command = ["undo", "--account=acme", "--event-id=ride-9", "--why=Ticket 4712", "--expect=1"]
    for line in ("command    togai undo --account=acme --event-id=ride-9", "again      the same"):
        done = subprocess.run(
            [sys.executable, "-m", "togai", *command],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        messages = [text for text in done.stderr.splitlines() if not text.startswith("After")]
        print(f"{line}: {messages[0]}, exit code {done.returncode}")


async def read_new_status(fake: FakeTogai, url: str) -> None:
    """Read a status that the description does not contain yet."""
    fake.rename_status("INGESTION_COMPLETED_EVENT_METERED", "ARCHIVED")
    async with AsyncTogai(fake.token, base_url=url) as client:
        event = await client.events.get("calls-9")
    status = event.ingestion_status.status
    known = "known" if status.is_known else "not known to this version"
    print(f"get        {event.event_payload.id} reads all the same: {status} ({known})")


if __name__ == "__main__":
    sys.exit(main())
