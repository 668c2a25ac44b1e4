"""One side of the bench, in an interpreter of its own: python worker.py SIDE URL.

Reads lines of task, size and number, does the task so many times, and prints how many seconds it took.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = f'{{"events": {EVENTS}}}'.encode()
AT_ONCE = 8


class Plain:
    """httpx and json.loads: the floor of our stack."""

    def __init__(self, url: str) -> None:
        import httpx

        self._url = url
        headers = {"Authorization": "Bearer t"}
        self._http = httpx.Client(headers=headers)
        self._async_http = httpx.AsyncClient(headers=headers)
        self._loop = asyncio.Runner()

    def decode(self, _: int) -> None:
        """Read a page of 50 events."""
        json.loads(BODY)

    def listing(self, total: int) -> int:
        """List so many events; gives how many there were."""
        count = 0
        params = {"account_id": str(total)}
        while True:
            page = json.loads(self._http.get(f"{self._url}/events", params=params).content)
            count += sum(1 for _ in page["events"])
            if "nextToken" not in page:
                return count
            params["nextToken"] = page["nextToken"]

    def at_once(self, total: int) -> int:
        """List so many events eight times at once."""
        return self._loop.run(self._at_once(total))

    async def _at_once(self, total: int) -> int:
        async def one() -> int:
            count = 0
            params = {"account_id": str(total)}
            while True:
                answer = await self._async_http.get(f"{self._url}/events", params=params)
                page = json.loads(answer.content)
                count += sum(1 for _ in page["events"])
                if "nextToken" not in page:
                    return count
                params["nextToken"] = page["nextToken"]

        return sum(await asyncio.gather(*(one() for _ in range(AT_ONCE))))


class Ours:
    """The facade."""

    def __init__(self, url: str) -> None:
        from togai import AsyncTogai, EventWithStatus, Togai
        from togai._decoding import Reader
        from togai._transport.exchange import parse_json

        self._reader = Reader(strict=False, on_drift=None)
        self._model, self._parse = EventWithStatus, parse_json
        self._client = Togai("t", base_url=url, requests_per_second=None)
        self._async_client = AsyncTogai("t", base_url=url, requests_per_second=None)
        self._loop = asyncio.Runner()

    def decode(self, _: int) -> None:
        """Read a page of 50 events."""
        events = self._parse(BODY)["events"]
        self._reader.items(self._model, events, "$.events")

    def listing(self, total: int) -> int:
        """List so many events; gives how many there were."""
        return sum(1 for _ in self._client.events.list(account_id=str(total)))

    def at_once(self, total: int) -> int:
        """List so many events eight times at once."""
        return self._loop.run(self._at_once(total))

    async def _at_once(self, total: int) -> int:
        async def one() -> int:
            listing = self._async_client.events.list(account_id=str(total))
            return sum([1 async for _ in listing])

        return sum(await asyncio.gather(*(one() for _ in range(AT_ONCE))))


class Official:
    """The vendor's own client."""

    def __init__(self, url: str) -> None:
        import togai_client
        from togai_client.models.get_events_response import GetEventsResponse

        self._response = GetEventsResponse
        configuration = togai_client.Configuration(host=url, access_token="t")  # noqa: S106
        self._api = togai_client.EventManagementApi(togai_client.ApiClient(configuration))

    def decode(self, _: int) -> None:
        """Read a page of 50 events."""
        self._response.from_json(BODY.decode())

    def listing(self, total: int) -> int:
        """List so many events; gives how many there were."""
        count = 0
        token = None
        while True:
            page = self._api.get_events(account_id=str(total), next_token=token)
            count += sum(1 for _ in page.events)
            token = page.next_token
            if token is None:
                return count


class Stock:
    """What the generator writes without our templates."""

    def __init__(self, _: str) -> None:
        from stock.models import GetEventsResponse

        self._response = GetEventsResponse

    def decode(self, _: int) -> None:
        """Read a page of 50 events."""
        self._response.from_dict(json.loads(BODY))


class Structs:
    """msgspec: about what decoding can cost at the least."""

    def __init__(self, _: str) -> None:
        import datetime

        import msgspec

        def struct(title: str, **fields: Any) -> Any:
            made = [(key, kind) for key, kind in fields.items() if not isinstance(kind, tuple)]
            made += [(key, *kind) for key, kind in fields.items() if isinstance(kind, tuple)]
            return msgspec.defstruct(title, made, rename="camel")

        text = (str | None, None)
        attribute = struct("Attribute", name=str, value=str, unit=text)
        payload = struct(
            "Event",
            schema_name=str,
            timestamp=datetime.datetime,
            account_id=str,
            attributes=list[attribute],
            dimensions=dict[str, str],
            id=text,
        )
        status = struct("IngestionStatus", status=str, status_description=text)
        source = struct("EventSource", id=str, type=str)
        event = struct(
            "EventWithStatus",
            reference_id=str,
            event_payload=payload,
            ingestion_status=status,
            created_at=datetime.datetime,
            customer_id=text,
            source=(source | None, None),
        )
        page = struct("GetEventsResponse", events=list[event], next_token=text)
        self._decode = msgspec.json.Decoder(page).decode

    def decode(self, _: int) -> None:
        """Read a page of 50 events."""
        self._decode(BODY)


SIDES: dict[str, Callable[[str], Any]] = {
    "plain": Plain,
    "ours": Ours,
    "official": Official,
    "stock": Stock,
    "msgspec": Structs,
}


def peak() -> float:
    """The most memory that this process had so far, in kB."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux ru_maxrss starts with the peak of the process that started this one.
        return float(status.read_text().partition("VmHWM:")[2].split()[0])
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main(side: str, url: str) -> None:
    """Do what the lines on standard input say."""
    worker = SIDES[side](url)
    for line in sys.stdin:
        task, size, number = line.split()
        if task == "peak":
            seconds = peak()
        else:
            do = getattr(worker, task)
            start = time.perf_counter()
            for _ in range(int(number)):
                do(int(size))
            seconds = time.perf_counter() - start
        print(seconds, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
