"""A server of prepared pages in its own process, with the same small cost for every side.

python server.py [SECONDS] prints the URL; each response takes SECONDS. `account_id` is the number of events, followed
by a hyphen and the number of the account; a page has 50 events.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 50


def event(number: int) -> dict[str, Any]:
    """Return an event as the service does."""
    return {
        "referenceId": f"ref-{number}",
        "eventPayload": {
            "schemaName": "rides",
            "timestamp": "2024-01-01T00:05:00Z",
            "accountId": "acme",
            "attributes": [{"name": "distance", "value": "17.4", "unit": "Kilometers"}],
            "dimensions": {"city": "Chennai", "product": "bike"},
            "id": f"ride-{number}",
        },
        "ingestionStatus": {
            "status": "INGESTION_COMPLETED_EVENT_METERED",
            "statusDescription": "Metered",
        },
        "createdAt": "2024-12-31T00:00:00.000Z",
        "customerId": "customer-1",
        "source": {"id": "togai-api", "type": "API"},
    }


def deviating(number: int) -> dict[str, Any]:
    """Return an event that deviates from the description, in one of five ways that were seen in real responses."""
    deviates = event(number)
    payload = deviates["eventPayload"]
    match number % 5:
        case 0:
            deviates["ingestionStatus"]["status"] = "INGESTION_COMPLETED"
        case 1:
            payload["referenceId"] = deviates.pop("referenceId")
        case 2:
            payload["timestamp"] = "2024-01-01T00:05:00.123"
        case 3:
            payload["attributes"][0]["value"] = 17.4
        case _:
            del payload["dimensions"]
    return deviates


EVENTS = json.dumps([event(number) for number in range(PAGE)])
MIXED = json.dumps([deviating(i // 20) if i % 20 == 0 else event(i) for i in range(2 * PAGE)])
"""Two pages with drift in 5 % of the events."""
SINGLE = json.dumps({"events": [{**event(1), "eventPipelineInfo": {}}]})


def body_of(target: str) -> str:
    """Return the body of the response to a request target."""
    parts = urlsplit(target)
    if parts.path != "/events":
        return SINGLE
    query = parse_qs(parts.query)
    account = query.get("account_id", ["0"])[0]
    number = account.partition("-")[0]
    total = int(number) if number.isdecimal() else 0
    start = int(query.get("nextToken", ["0"])[0])
    page = EVENTS.replace('"acme"', json.dumps(account)).replace('"ref-', f'"ref-{start}-')
    events = page if start < total else "[]"
    following = f', "nextToken": "{start + PAGE}"' if start + PAGE < total else ""
    return f'{{"events": {events}{following}}}'


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Respond to the requests of a connection, each after a delay in seconds."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = body_of(head.split(b" ", 2)[1].decode()).encode()
            if delay:
                await asyncio.sleep(delay)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % len(body)
                + body
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(delay: float) -> None:
    """Serve until the process is killed."""
    server = await asyncio.start_server(lambda r, w: serve(r, w, delay), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if sys.argv[1:] else 0))
