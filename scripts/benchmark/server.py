"""A server of canned pages, in a process of its own: it costs every side the same, and little.

python server.py prints the URL. `account_id` says how many events there are; a page holds 50 of them.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

PAGE = 50


def event(number: int) -> dict[str, object]:
    """An event as the service answers it."""
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


EVENTS = json.dumps([event(number) for number in range(PAGE)])
SINGLE = json.dumps({"events": [{**event(1), "eventPipelineInfo": {}}]})


def answer(target: str) -> str:
    """The body for a request's target."""
    parts = urlsplit(target)
    if parts.path != "/events":
        return SINGLE
    query = parse_qs(parts.query)
    total = int(query.get("account_id", ["0"])[0])
    start = int(query.get("nextToken", ["0"])[0])
    events = EVENTS if start < total else "[]"
    following = f', "nextToken": "{start + PAGE}"' if start + PAGE < total else ""
    return f'{{"events": {events}{following}}}'


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of a connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = answer(head.split(b" ", 2)[1].decode()).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % len(body)
                + body
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
