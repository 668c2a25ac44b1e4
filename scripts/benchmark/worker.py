"""One side of the benchmark, in its own interpreter: python worker.py SIDE URL [SECONDS].

Reads lines with task, size and number, repeats the task `number` times, and prints the time in seconds. A task that
processes what it reads takes SECONDS for each page.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server import EVENTS, MIXED

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = f'{{"events": {EVENTS}}}'.encode()
MIXED_BODY = f'{{"events": {MIXED}}}'.encode()
AT_ONCE = 8
ACCOUNTS = 6


class Plain:
    """httpx and json.loads: the least time that our stack can take."""

    def __init__(self, url: str, _: float) -> None:
        import httpx

        self._url = url
        headers = {"Authorization": "Bearer t"}
        self._http = httpx.Client(headers=headers)
        self._async_http = httpx.AsyncClient(headers=headers)
        self._loop = asyncio.Runner()

    def decode(self, _: int) -> None:
        """Read a page of 50 events."""
        json.loads(BODY)

    def decode_mixed(self, _: int) -> None:
        """Read two pages with drift in 5 % of the events."""
        json.loads(MIXED_BODY)

    def listing(self, total: int) -> int:
        """List a number of events; return how many there were."""
        count = 0
        params = {"account_id": str(total)}
        while True:
            page = json.loads(self._http.get(f"{self._url}/events", params=params).content)
            count += sum(1 for _ in page["events"])
            if "nextToken" not in page:
                return count
            params["nextToken"] = page["nextToken"]

    def at_once(self, total: int) -> int:
        """List a number of events eight times concurrently."""
        return self._loop.run(self._at_once(total))

    async def _at_once(self, total: int) -> int:
        async def list_all() -> int:
            count = 0
            params = {"account_id": str(total)}
            while True:
                response = await self._async_http.get(f"{self._url}/events", params=params)
                page = json.loads(response.content)
                count += sum(1 for _ in page["events"])
                if "nextToken" not in page:
                    return count
                params["nextToken"] = page["nextToken"]

        return sum(await asyncio.gather(*(list_all() for _ in range(AT_ONCE))))


class Ours:
    """The facade."""

    options: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, url: str, work: float) -> None:
        from togai import AsyncTogai, EventWithStatus, Togai
        from togai._decoding import Reader
        from togai._json import parse_json

        logging.getLogger("togai.drift").addHandler(logging.NullHandler())
        self._reader = Reader(strict=False, on_drift=None)
        self._model, self._parse = EventWithStatus, parse_json
        self._client = Togai("t", base_url=url, requests_per_second=None, **self.options)
        self._async_client = AsyncTogai("t", base_url=url, requests_per_second=None, **self.options)
        # With the default rate limit, which is the quota of the service.
        self._limited = Togai("t", base_url=url, **self.options)
        self._async_limited = AsyncTogai("t", base_url=url, **self.options)
        self._loop = asyncio.Runner()
        self._work = work

    def decode(self, _: int) -> None:
        """Read a page of 50 events."""
        events = self._parse(BODY)["events"]
        self._reader.items(self._model, events, "$.events")

    def decode_mixed(self, _: int) -> None:
        """Read two pages with drift in 5 % of the events."""
        events = self._parse(MIXED_BODY)["events"]
        self._reader.items(self._model, events, "$.events")

    def listing(self, total: int) -> int:
        """List a number of events; return how many there were."""
        return sum(1 for _ in self._client.events.list(account_id=str(total)))

    def limited(self, total: int) -> int:
        """List a number of events within the quota; return how many there were."""
        return sum(1 for _ in self._limited.events.list(account_id=str(total)))

    def limited_async(self, total: int) -> int:
        """List a number of events within the quota; return how many there were."""

        async def count() -> int:
            return sum([1 async for _ in self._async_limited.events.list(account_id=str(total))])

        return self._loop.run(count())

    def many(self, total: int) -> int:
        """List a number of events of six accounts within the quota; return how many there were."""
        names = [f"{total // ACCOUNTS}-{number}" for number in range(ACCOUNTS)]
        return sum(len(page.events) for _, page in self._limited.events.list_many(names))

    def many_async(self, total: int) -> int:
        """List a number of events of six accounts within the quota; return how many there were."""
        names = [f"{total // ACCOUNTS}-{number}" for number in range(ACCOUNTS)]

        async def count() -> int:
            pages = self._async_limited.events.list_many(names)
            return sum([len(page.events) async for _, page in pages])

        return self._loop.run(count())

    def working(self, total: int) -> None:
        """List a number of events, and process each page."""
        self._work_on(self._client.events.list(account_id=str(total)))

    def prefetching(self, total: int) -> None:
        """Do the same with prefetch: the next page is requested while a page is processed."""
        self._work_on(self._client.events.list(account_id=str(total), prefetch=1))

    def _work_on(self, listing: Any) -> None:
        for _ in listing.pages():
            time.sleep(self._work)

    def growth(self, total: int) -> float:
        """Return the CPU time per event of a long listing divided by that of a listing with a hundredth of the events.

        The listings alternate, so that other load on the machine affects both equally.
        """
        part = total // 10
        small = total // 100
        listing = self._client.events.list(account_id=str(total))
        times = [0.0, 0.0]

        def turn(which: int) -> None:
            began = time.process_time()
            if which == 0:
                assert sum(1 for _ in islice(listing, part)) == part  # noqa: S101
            else:
                for _ in range(part // small):
                    assert self.listing(small) == small  # noqa: S101
            times[which] += time.process_time() - began

        for number in range(10):
            turn(number % 2)
            turn(1 - number % 2)
        return times[0] / times[1]

    def at_once(self, total: int) -> int:
        """List a number of events eight times concurrently."""
        return self._loop.run(self._at_once(total))

    async def _at_once(self, total: int) -> int:
        async def list_all() -> int:
            listing = self._async_client.events.list(account_id=str(total))
            return sum([1 async for _ in listing])

        return sum(await asyncio.gather(*(list_all() for _ in range(AT_ONCE))))


class Fast(Ours):
    """The facade with its optional dependencies."""

    options = {"http_library": "httpx2"}  # noqa: RUF012


class Official:
    """The vendor's own client."""

    def __init__(self, url: str, _: float) -> None:
        import togai_client
        from togai_client.models.get_events_response import GetEventsResponse

        self._response = GetEventsResponse
        configuration = togai_client.Configuration(host=url, access_token="t")  # noqa: S106
        self._api = togai_client.EventManagementApi(togai_client.ApiClient(configuration))

    def decode(self, _: int) -> None:
        """Read a page of 50 events."""
        self._response.from_json(BODY.decode())

    def listing(self, total: int) -> int:
        """List a number of events; return how many there were."""
        count = 0
        token = None
        while True:
            page = self._api.get_events(account_id=str(total), next_token=token)
            count += sum(1 for _ in page.events)
            token = page.next_token
            if token is None:
                return count

    limited = listing  # it has no rate limit


class Stock:
    """The output of the generator without our templates."""

    def __init__(self, _: str, __: float) -> None:
        from stock.models import GetEventsResponse

        self._response = GetEventsResponse

    def decode(self, _: int) -> None:
        """Read a page of 50 events."""
        self._response.from_dict(json.loads(BODY))


class Structs:
    """msgspec: about the least time that decoding can take."""

    def __init__(self, _: str, __: float) -> None:
        import datetime

        import msgspec

        def struct(title: str, **fields: Any) -> Any:
            simple = [(key, kind) for key, kind in fields.items() if not isinstance(kind, tuple)]
            simple += [(key, *kind) for key, kind in fields.items() if isinstance(kind, tuple)]
            return msgspec.defstruct(title, simple, rename="camel")

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


SIDES: dict[str, Callable[[str, float], Any]] = {
    "plain": Plain,
    "ours": Ours,
    "fast": Fast,
    "official": Official,
    "stock": Stock,
    "msgspec": Structs,
}


def peak() -> float:
    """Return the peak memory of this process so far, in kB."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux, ru_maxrss starts with the peak of the parent process.
        return float(status.read_text().partition("VmHWM:")[2].split()[0])
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main(side: str, url: str, work: str = "0") -> None:
    """Run the tasks that the lines of standard input name."""
    worker = SIDES[side](url, float(work))
    for line in sys.stdin:
        task, size, number = line.split()
        if task == "peak":
            seconds = peak()
        elif task == "growth":
            seconds = worker.growth(int(size))
        else:
            do = getattr(worker, task)
            # A task that does not wait is measured in CPU time, which other processes affect less.
            now = time.process_time if task.startswith("decode") else time.perf_counter
            start = now()
            for _ in range(int(number)):
                do(int(size))
            seconds = now() - start
        print(seconds, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
