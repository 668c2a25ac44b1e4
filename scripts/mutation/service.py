"""An in-memory service that implements a description of the vendor, including what it renamed, moved or wrapped.

A FakeTogai implements our contract, and holds 120 events. The service reads each request by the description, passes it
to the FakeTogai under our names, and writes the response by the description. It ignores query parameters that are not
described, and requires those that the description requires.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
from contract.align import align, json_of, response_of
from contract.normalize import Description, Message, Operation, Parameter, bare

from mutation.translation import JSONObject, Translator, check_parameter
from togai.testing import FakeTogai, Request
from togai.testing._messages import Refused, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contract.shapes import Node

ACCOUNTS = {"acme": 40, "bulk": 31, "other": 49}
CAP = 30
TOKEN = "t"  # noqa: S105

# What the responses of a FakeTogai do not contain.
PIPELINE: JSONObject = {
    "featureDetails": {"featureId": "f-1", "mappedAttribute": "distance"},
    "enrichments": {
        "attributes": [{"name": "x", "type": "ATTRIBUTE", "value": "1"}],
        "dependencies": [{"key": "k", "type": "SETTING", "value": "1"}],
    },
}


def _filled() -> FakeTogai:
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


def _passed(response: Response) -> httpx.Response:
    return httpx.Response(response.status, content=response.body, headers=response.headers)


class Service:
    """The service behind a description; `fake` has the state, and the methods that make requests fail.

    Args:
        ours: Our contract, which the FakeTogai implements.
        theirs: The description for reading requests and writing responses.
    """

    def __init__(self, ours: JSONObject, theirs: JSONObject) -> None:
        self._theirs = Description(theirs)
        described = Description(ours)
        self._translator = Translator(described, self._theirs)
        self._calls = list(align(described, self._theirs).operations.values())
        self.fake = _filled()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request."""
        try:
            call, other, path = self._call(request)
            query = self._query(call, other, request)
            body = self._translator.read(call, other, request.content)
        except Refused as refused:
            return _passed(refused.response)
        passed = Request(call.method.upper(), path, query, body)
        response = self.fake.handle(passed, TOKEN).response
        if response.status != 200:
            return _passed(response)
        return self._response(call, other, json.loads(response.body))

    def _call(self, request: httpx.Request) -> tuple[Operation, Operation, str]:
        """Return our operation of a request and theirs, and our path."""
        host = f"{request.url.scheme}://{request.url.host}"
        for call, other in self._calls:
            if other is None or request.method.lower() != other.method:
                continue
            pattern = re.sub(r"\\\{[^{}]*\\\}", "([^/]*)", re.escape(other.path.rstrip("/")))
            for server in other.servers or ("/",):
                prefix = re.escape(bare(server if "://" in server else host + server))
                match = re.fullmatch(f"{prefix}{pattern}/?", host + request.url.path)
                # Callers pass the id of an event; a path may name another id.
                if match and not re.search(
                    "{(reference_?id|customer_?id)}", other.path, re.IGNORECASE
                ):
                    return call, other, re.sub("{.*}", "".join(match.groups()), call.path)
        raise Refused(404, "There is no such call or event.")

    def _query(self, call: Operation, other: Operation, request: httpx.Request) -> dict[str, str]:
        """Return the query of a request under our names, read by the description."""
        if not any("bearer" in way or way == "none" for way in other.security):
            raise Refused(401, "The credential is not valid.")
        query: dict[str, str | None] = {}
        # A parameter that the vendor documents elsewhere works, although its description does not contain it.
        for parameter in call.parameters.values():
            if "x-togai-origin" in parameter.node.value:
                query[parameter.name] = request.url.params.get(parameter.name)
        sources = {"query": request.url.params, "header": request.headers}
        for key, parameter in other.parameters.items():
            if parameter.place != "path":
                value = self._value(parameter, sources.get(parameter.place, {}))
                query.update({call.parameters[key].name: value} if key in call.parameters else {})
        return {name: value for name, value in query.items() if value is not None}

    def _value(self, parameter: Parameter, source: Mapping[str, str]) -> str | None:
        """Return the value of a parameter, or its default.

        Raises:
            Refused: It is missing, or not allowed.
        """
        shape = self._theirs.shape(parameter.schema) if parameter.schema else None
        value = source.get(parameter.name)
        if value is None and parameter.required:
            raise Refused(400, f"{parameter.name} is required.")
        if shape is None:
            return value
        if value is None:
            return None if shape.default is None else json.dumps(shape.default).strip('"')
        check_parameter(parameter.name, value, shape)
        return value

    def _response(self, call: Operation, other: Operation, body: Any) -> httpx.Response:
        """Return the response of a call; its status is the new success status of the description, if there is one."""
        for event in body["events"] if "{" in call.path else ():
            event["eventPipelineInfo"].update(PIPELINE)
        named = [status for status in other.responses if status[:1] == "2"]
        status = next((status for status in named if status not in call.responses), "200")
        code = int(status) if status.isdigit() else 200
        message = response_of(other, status) or other.responses.get("default")
        media = next(iter(message.media), "") if message else ""
        schema, own = _json(message), _json(response_of(call, "200"))
        if schema is None:
            text = "a,b" if media else ""
            return httpx.Response(code, text=text, headers={"content-type": media})
        content = json.dumps(self._translator.write(schema, own, body))
        kind = media if media.endswith("json") else "application/json"
        return httpx.Response(code, content=content, headers={"content-type": kind})


def _json(message: Message | None) -> Node | None:
    return json_of(message) if message else None
