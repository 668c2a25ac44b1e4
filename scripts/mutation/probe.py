"""Answers that a description promises, read by the facade: full ones, sparse ones, and ones full of nulls.

Run above the package that was generated for the description: python -m mutation.probe DESCRIPTION
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import attrs
import httpx
from contract.align import answer_of
from contract.load import load
from contract.normalize import Description

from togai import AsyncTogai, Togai

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.normalize import Node, Operation, Shape

WAYS = ("full", "sparse", "null")
SAMPLES: dict[str, Any] = {
    "string": "text",
    "string (date-time)": "2024-12-04T07:30:35Z",
    "string (date)": "2024-12-04",
    "integer": 7,
    "number": 1.5,
    "boolean": True,
}


def sample(described: Description, node: Node, way: str, depth: int = 0) -> Any:
    """A value that a schema promises: the last of an enum's, two of each list, every property or the required."""
    shape: Shape = described.shape(node)
    if shape.enum:
        return shape.enum[-1]
    if shape.kind == "list" and shape.inner:
        return [
            sample(described, shape.inner, way, depth + 1) for _ in range(2 if depth < 6 else 0)
        ]
    if shape.kind == "map" and shape.inner:
        return {"key": sample(described, shape.inner, way, depth + 1)}
    if shape.kind != "object":
        return SAMPLES.get(shape.words, SAMPLES.get(shape.kind, "anything"))
    made: dict[str, Any] = {}
    for name, child in shape.properties.items():
        if name in shape.required or (way == "full" and depth < 6):
            made[name] = sample(described, child, way, depth + 1)
        elif way == "null":
            made[name] = None
    return made


def answers(described: Description, way: str) -> dict[tuple[str, str], Any]:
    """For each call the body of its success."""
    made: dict[tuple[str, str], Any] = {}
    for method, path in described.calls():
        if path.rstrip("/").startswith("/events"):
            operation: Operation = described.operation(method, path)
            success = answer_of(operation, "200")
            if success and "application/json" in success.media:
                made[operation.key] = sample(described, success.media["application/json"], way)
    return made


def handler(bodies: dict[tuple[str, str], Any]) -> Callable[[httpx.Request], httpx.Response]:
    """Answers each call with its body; a page has no page after it."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        known = path if path in ("/events", "/events/correction") else "/events/{}"
        body = bodies[(request.method.lower(), known)]
        return httpx.Response(200, json={**body, "nextToken": None})

    return answer


def touch(value: Any) -> int:
    """Read every attribute of a model and of the models in it; gives how many there were."""
    model: Any = type(value)
    if attrs.has(model):
        fields = [getattr(value, one.name) for one in attrs.fields(model)]
        return 1 + sum(touch(one) for one in fields)
    if isinstance(value, dict):
        return sum(touch(one) for one in value.values())  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    return sum(touch(one) for one in value) if isinstance(value, (list, tuple)) else 0  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]


def check(bodies: dict[tuple[str, str], Any], listed: Any, got: Any, corrected: Any) -> None:
    """As many events and entries are read as were answered, and each can be looked at.

    Raises:
        ValueError: That is not so.
    """
    counts = {
        "listed": (listed, bodies[("get", "/events")].get("events", [])),
        "read": (got, bodies[("get", "/events/{}")].get("events", [])),
        "corrected": (corrected, bodies[("post", "/events/correction")].get("data", [])),
    }
    for what, (models, sent) in counts.items():
        if len(models) != len(sent) or touch(list(models)) < len(sent):
            raise ValueError(f"{len(sent)} sent, {len(models)} {what}")


def run(bodies: dict[tuple[str, str], Any]) -> None:
    """The three calls of the sync client."""
    with (
        httpx.Client(transport=httpx.MockTransport(handler(bodies))) as http,
        Togai("t", http_client=http, requests_per_second=None) as client,
    ):
        listed = list(client.events.list())
        got = client.events.get_all("id")
        check(bodies, listed, got, client.events.undo(account_id="a", event_id="id"))


async def run_async(bodies: dict[tuple[str, str], Any]) -> None:
    """The three calls of the async client."""
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(handler(bodies))) as http,
        AsyncTogai("t", http_client=http, requests_per_second=None) as client,
    ):
        listed = [event async for event in client.events.list()]
        got = await client.events.get_all("id")
        corrected = await client.events.undo(account_id="a", event_id="id")
        check(bodies, listed, got, corrected)


def main(arguments: list[str]) -> int:
    """Read all answers of a description; returns the exit code."""
    described = Description(load(arguments[0]))
    for way in WAYS:
        bodies = answers(described, way)
        # Through JSON, as a service sends it.
        bodies = {call: json.loads(json.dumps(body)) for call, body in bodies.items()}
        run(bodies)
        asyncio.run(run_async(bodies))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
