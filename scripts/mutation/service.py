"""An in-memory service that implements a description of the vendor, including what it renamed, moved or wrapped.

A FakeTogai implements our contract, and holds 120 events. The service reads each request by the description, passes it
to the FakeTogai under our names, and writes the response by the description. It ignores query parameters that are not
described, and requires those that the description requires.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import httpx
from contract.adopt import python_name
from contract.align import align, json_of, response_of, variants
from contract.normalize import Description, Message, Operation, Parameter, bare
from contract.shapes import Node, Shape, has
from openapi_schema_validator import OAS31Validator

from togai.testing import FakeTogai, Request
from togai.testing._messages import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

JSONObject = dict[str, Any]

ACCOUNTS = {"acme": 40, "bulk": 31, "other": 49}
TOKEN = "t"  # noqa: S105

# What the responses of a FakeTogai do not contain.
PIPELINE: JSONObject = {
    "featureDetails": {"featureId": "f-1", "mappedAttribute": "distance"},
    "enrichments": {
        "attributes": [{"name": "x", "type": "ATTRIBUTE", "value": "1"}],
        "dependencies": [{"key": "k", "type": "SETTING", "value": "1"}],
    },
}
# Callers pass the id of an event; a path may name another id.
_OTHER_ID = re.compile("{(.*_)?(reference_?id|customer_?id)}", re.IGNORECASE).search
_TYPES: dict[str, Any] = {
    "object": dict, "map": dict, "list": list, "string": str, "boolean": bool, "integer": int,
    "number": (int, float), "anything": object,
}  # fmt: skip
_SAMPLES: dict[str, Any] = {
    "object": {}, "map": {}, "list": [], "boolean": False, "integer": 7, "number": 1.5,
}  # fmt: skip


def filled() -> FakeTogai:
    """Return a service with the events of all accounts."""
    fake = FakeTogai(TOKEN)
    accounts = [account for account, count in ACCOUNTS.items() for _ in range(count)]
    for number, account in enumerate(accounts):
        time = f"{number // 60:02}:{number % 60:02}:00+00:00"
        fake.add(
            id=f"event-{number}",
            account_id=account,
            schema_name="rides" if number % 2 else "calls",
            timestamp=f"2024-12-04T{time}",
            attributes=[{"name": "distance", "value": str(number + 1), "unit": "Kilometers"}],
            dimensions={"city": "Chennai"},
            reference_id=f"ref-{number}",
            created_at=f"2024-12-05T{time}",
        )
    return fake


class Service:
    """The service behind a description; `fake` has the state, and the methods that make requests fail.

    Args:
        ours: Our contract, which the FakeTogai implements.
        theirs: The description for reading requests and writing responses.
    """

    def __init__(self, ours: JSONObject, theirs: JSONObject) -> None:
        self._ours = Description(ours)
        self._theirs = Description(theirs)
        self._calls = align(self._ours, self._theirs).operations.values()
        self.fake = filled()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request."""
        try:
            call, other, path = self._call(request)
            query = self._query(call, other, request)
            body = self._body(call, other, request.content)
        except Refused as refused:
            response = refused.response
        else:
            passed = Request(call.method.upper(), path, query, body)
            response = self.fake.handle(passed, TOKEN).response
            if response.status == 200:
                return self._response(call, other, json.loads(response.body))
        return httpx.Response(response.status, content=response.body, headers=response.headers)

    def _call(self, request: httpx.Request) -> tuple[Operation, Operation, str]:
        """Return our operation of a request and theirs, and our path."""
        host = f"{request.url.scheme}://{request.url.host}"
        for call, other in self._calls:
            if other is None or request.method.lower() != other.method or _OTHER_ID(other.path):
                continue
            pattern = re.sub(r"\\\{[^{}]*\\\}", "([^/]*)", re.escape(other.path.rstrip("/")))
            for server in other.servers or ("/",):
                prefix = re.escape(bare(server if "://" in server else host + server))
                match = re.fullmatch(f"{prefix}{pattern}/?", host + request.url.path)
                if match:
                    return call, other, re.sub("{.*}", "".join(match.groups()), call.path)
        raise Refused(404, "There is no such call or event.")

    def _query(self, call: Operation, other: Operation, request: httpx.Request) -> dict[str, str]:
        """Return the query of a request under our names, read by the description."""
        if not any("bearer" in way or way == "none" for way in other.security):
            raise Refused(401, "The credential is not valid.")
        # A parameter that the vendor documents elsewhere works, although its description does not contain it.
        query: dict[str, str | None] = {
            parameter.name: request.url.params.get(parameter.name)
            for parameter in call.parameters.values()
            if "x-togai-origin" in parameter.node.value
        }
        sources = {"query": request.url.params, "header": request.headers}
        for key, parameter in other.parameters.items():
            if parameter.place != "path":
                value = self._parameter(parameter, sources.get(parameter.place, {}))
                query.update({call.parameters[key].name: value} if key in call.parameters else {})
        return {name: value for name, value in query.items() if value is not None}

    def _parameter(self, parameter: Parameter, source: Mapping[str, str]) -> str | None:
        """Return the value of a parameter, or its default; it may be missing or not allowed."""
        value = source.get(parameter.name)
        if value is None and parameter.required:
            raise Refused(400, f"{parameter.name} is required.")
        if parameter.schema is None:
            return value
        shape = self._theirs.shape(self._theirs.single(parameter) or parameter.schema)
        if value is None:
            return None if shape.default is None else json.dumps(shape.default).strip('"')
        parsed: Any = value
        if shape.kind in ("integer", "number", "boolean"):
            with contextlib.suppress(ValueError):
                parsed = json.loads(value)
        _check(parameter.name, parsed, shape)
        return value

    def _body(self, call: Operation, other: Operation, content: bytes) -> bytes:
        """Return the body of a request in the form of our contract; it may be missing or not allowed."""
        body = other.body
        if body is None or not content:
            if body is not None and body.required:
                raise Refused(400, "A body is required.")
            return b""
        schema = json_of(body)
        if schema is None or not {"application/json", "*/*", "application/*"} & set(body.media):
            raise Refused(415, "The content type is not supported.")
        return json.dumps(
            self._read(schema, _json(call.body), json.loads(content), "body")
        ).encode()

    def _response(self, call: Operation, other: Operation, body: Any) -> httpx.Response:
        """Return the response of a call; its status is the new success status of the description, if there is one."""
        for event in body["events"] if "{" in call.path else ():
            event["eventPipelineInfo"].update(PIPELINE)
        named = [status for status in other.responses if status[:1] == "2"]
        status = next((status for status in named if status not in call.responses), "200")
        code = int(status) if status.isdigit() else 200
        message = response_of(other, status) or other.responses.get("default")
        media = next(iter(message.media), "") if message else ""
        schema = _json(message)
        if schema is None:
            text = "a,b" if media else ""
            return httpx.Response(code, text=text, headers={"content-type": media})
        content = json.dumps(self._write(schema, _json(response_of(call, "200")), body))
        kind = media if media.endswith("json") else "application/json"
        return httpx.Response(code, content=content, headers={"content-type": kind})

    # Bodies, translated from their form to ours and back.

    def _read(self, node: Node, ours: Node | None, value: Any, at: str) -> Any:
        """Return a value of theirs in our form; it may not be allowed."""
        shape, match = self._shapes(node, ours)
        _check(at, value, shape)
        if shape.kind == "list" and shape.inner:
            return [self._read(shape.inner, match.inner, item, f"{at}[]") for item in value]
        # An object that lost all of its properties is empty.
        if shape.kind != "object" or not (shape.properties or match.properties):
            return value
        for name in [name for name in shape.required if not has(name, value, value)]:
            if not self._theirs.shape(shape.properties.get(name, node)).read_only:
                raise Refused(400, f"{at}.{name} is required.")
        return {
            own: self._read(child, match.properties.get(own), value[name], f"{at}.{name}")
            for name, own, child in _properties(shape, match)
            if name in value and not self._theirs.shape(child).read_only
        }

    def _write(self, node: Node, ours: Node | None, value: Any) -> Any:
        """Return a value of ours in the form of the description."""
        shape, match = self._shapes(node, ours, -1)
        if not isinstance(value, _TYPES.get(shape.kind, ())):
            return _sample(shape)
        if shape.kind == "object" and (shape.properties or match.properties):
            return dict(self._written(shape, match, value))
        if shape.kind == "list" and shape.inner:
            return [self._write(shape.inner, match.inner, item) for item in value]
        if shape.kind == "map" and shape.inner:
            return {key: self._write(shape.inner, match.inner, each) for key, each in value.items()}
        if shape.enum and value not in shape.enum:
            return _renamed(shape.enum, match.enum or ())
        return value[:10] if shape.format == "date" else value

    def _written(self, shape: Shape, match: Shape, value: JSONObject) -> Iterator[tuple[str, Any]]:
        for name, own, child in _properties(shape, match):
            described = self._theirs.shape(child)
            if own in value and not described.write_only:
                yield name, self._write(child, match.properties.get(own), value[own])
            elif name in shape.required and not described.write_only:
                yield name, _sample(described)

    def _shapes(self, node: Node, ours: Node | None, choice: int = 0) -> tuple[Shape, Shape]:
        match = self._ours.shape(ours or Node({}, "#"))
        return variants(self._theirs, node, match)[choice], match


def _json(message: Message | None) -> Node | None:
    return json_of(message) if message else None


def _check(at: str, value: Any, shape: Shape) -> None:
    """Raise Refused for a value that the description does not allow."""
    if not isinstance(value, _TYPES.get(shape.kind, object)):
        raise Refused(400, f"{at} is not of the type {shape.kind}.")
    limits = {**shape.limits, "enum": shape.enum} if shape.enum else shape.limits
    # A pattern that Python cannot compile matches everything.
    with contextlib.suppress(re.error):
        for problem in OAS31Validator(limits).iter_errors(value):
            raise Refused(400, f"{at}: {problem.message}")


def _renamed(new: Sequence[str], old: Sequence[str]) -> str:
    """Return the first value that is new, otherwise the last."""
    return next((value for value in new if value not in old), new[-1])


def _sample(shape: Shape) -> Any:
    """Return a value for what our contract does not have; empty for text, such as the token of a last page."""
    return shape.enum[-1] if shape.enum else _SAMPLES.get(shape.kind, "")


def _properties(theirs: Shape, ours: Shape) -> Iterator[tuple[str, str, Node]]:
    """Yield their name, our name and the schema of each property; one that only has another case is the same."""
    gone = {python_name(name): name for name in ours.properties if name not in theirs.properties}
    for name, child in theirs.properties.items():
        own = name if name in ours.properties else gone.get(python_name(name), name)
        yield name, own, child
