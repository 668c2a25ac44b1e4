"""A service in memory that implements a description of the vendor's, whatever it renamed, moved or wrapped.

It knows 120 events in the form of our contract. A request is read as the description says: query parameters that it
does not name are ignored, what it requires must be there. A response is written as it says: each property takes
the value of ours that has its name, or its name in Python, or that is missing where it is new.
"""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any, cast

import httpx
from contract.adopt import python_name
from contract.align import align, json_of, response_of
from contract.normalize import Description, Node, Operation, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JSONObject = dict[str, Any]

ACCOUNTS = {"acme": 40, "bulk": 31, "other": 49}
CAP = 30
_SAMPLES: dict[str, Any] = {
    "string": "text",
    "string (date-time)": "2024-12-04T07:30:35Z",
    "string (date)": "2024-12-04",
    "integer": 7,
    "number": 1.5,
    "boolean": True,
    "list": [],
    "map": {},
    "object": {},
}


class Refused(Exception):
    """The service does not accept the request; the message says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _events() -> list[JSONObject]:
    made: list[JSONObject] = []
    for account, count in ACCOUNTS.items():
        for _ in range(count):
            number = len(made)
            moment = f"2024-12-04T{number // 60:02}:{number % 60:02}:00+00:00"
            payload = {
                "schemaName": "rides" if number % 2 else "calls",
                "timestamp": moment,
                "accountId": account,
                "attributes": [{"name": "distance", "value": str(number + 1), "unit": "Kilometers"}],
                "dimensions": {"city": "Chennai"},
                "id": f"event-{number}",
            }  # fmt: skip
            made.append(_stored(payload, number, moment))
    return made


def _stored(payload: JSONObject, number: int, moment: str) -> JSONObject:
    return {
        "referenceId": f"ref-{number}",
        "eventPayload": payload,
        "ingestionStatus": {
            "status": "INGESTION_COMPLETED_EVENT_METERED",
            "statusDescription": "Done.",
        },
        "createdAt": moment.replace("2024-12-04", "2024-12-05"),
        "customerId": "customer-1",
        "source": {"id": "api", "type": "API"},
    }


PIPELINE: JSONObject = {
    "eventSchema": {"name": "rides", "version": 1},
    "usageMeters": [
        {"id": "m-1", "name": "meter", "version": 1, "status": "PROCESSED_UNITS_COMPUTED", "units": 2}
    ],
    "pricePlans": [
        {"name": "plan", "id": "p-1", "scheduleId": "s-1", "cycleStart": "2024-12-01", "cycleEnd": "2024-12-31"}
    ],
    "account": {"id": "a-1", "name": "Acme"},
    "customer": {"id": "c-1", "name": "Acme"},
    "featureDetails": {"featureId": "f-1", "mappedAttribute": "distance"},
    "enrichments": {
        "attributes": [{"name": "x", "type": "ATTRIBUTE", "value": "1"}],
        "dependencies": [{"key": "k", "type": "SETTING", "value": "1"}],
    },
    "revenueDetails": [
        {"usageMeterId": "m-1", "revenueBaseCurrency": 1.5, "revenueInvoiceCurrency": 1.5}
    ],
}  # fmt: skip


class Service:
    """The service behind a description.

    Args:
        ours: Our contract, in whose form events are held.
        theirs: The description that requests are read and responses are written by.
    """

    def __init__(self, ours: JSONObject, theirs: JSONObject) -> None:
        self._ours = Description(ours)
        self._theirs = Description(theirs)
        self._reader = _Translator(self._ours, self._theirs)
        self._calls = list(align(self._ours, self._theirs).operations.values())
        self.events = _events()
        self.fail_next_correction = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request."""
        try:
            mine, other, ids = self._call(request)
            query = self._query(mine, other, request, ids)
            truth = self._respond(mine, other, query, request)
        except Refused as error:
            return httpx.Response(error.status, json={"message": str(error)})
        if self.fail_next_correction and mine.method == "post":
            self.fail_next_correction = False
            return httpx.Response(502, text="bad gateway")
        return self._response(mine, other, truth)

    def _call(self, request: httpx.Request) -> tuple[Operation, Operation, dict[str, str]]:
        """The operation that a request is for; by its address, and not by ours."""
        for mine, other in self._calls:
            if other is not None and request.method.lower() == other.method:
                ids = self._matches(request, other)
                if ids is not None:
                    return mine, other, ids
        raise Refused(404, "There is no such call.")

    def _matches(self, request: httpx.Request, other: Operation) -> dict[str, str] | None:
        pattern = re.sub(r"\\\{([^{}]*)\\\}", "([^/]*)", re.escape(other.path.rstrip("/")))
        url = f"{request.url.scheme}://{request.url.host}{request.url.path}"
        servers = [one.rstrip("/") for one in other.servers if "://" in one]
        prefixes = servers or [f"https://{request.url.host}"]
        prefixes += [f"https://{request.url.host}{one}" for one in other.servers if one[:1] == "/"]
        for prefix in prefixes if servers or len(prefixes) == 1 else prefixes[1:]:
            match = re.fullmatch(f"{re.escape(prefix.rstrip('/'))}{pattern}/?", url)
            if match:
                names = re.findall(r"\{([^{}]*)\}", other.path)
                literal = names and match.group(1) == "correction"
                return None if literal else dict(zip(names, match.groups(), strict=True))
        return None

    def _query(
        self, mine: Operation, other: Operation, request: httpx.Request, ids: dict[str, str]
    ) -> dict[str, str]:
        """The parameters of a request under our names, as the description reads them."""
        if not any("bearer" in way or way == "none" for way in other.security):
            raise Refused(401, "The credential is not valid.")
        cookies = re.findall(r"([^=; ]+)=([^;]*)", request.headers.get("cookie", ""))
        sources: dict[str, Mapping[str, str]] = {
            "query": request.url.params,
            "header": request.headers,
            "cookie": dict(cookies),
            "path": ids,
        }
        read: dict[str, str] = {}
        named = self._reader.parameters(mine, other)
        for key, parameter in other.parameters.items():
            shape = self._theirs.shape(parameter.schema) if parameter.schema else None
            value = sources.get(key[0], {}).get(parameter.name)
            if value is None and parameter.required:
                raise Refused(400, f"{parameter.name} is required.")
            if value is not None and shape and key[0] != "path":
                _check_parameter(parameter.name, value, shape)
            if value is None and shape and shape.default is not None:
                value = json.dumps(shape.default).strip('"')
            if value is not None and key in named:
                read[named[key]] = value
        # What the vendor describes elsewhere works although its description lacks it.
        for parameter in mine.parameters.values():
            if "x-togai-origin" in parameter.node.value and parameter.name not in named.values():
                value = request.url.params.get(parameter.name)
                if value is not None:
                    read[parameter.name] = value
        return read

    def _respond(
        self, mine: Operation, other: Operation, query: dict[str, str], request: httpx.Request
    ) -> JSONObject:
        if mine.method == "post":
            return self._correct(other, query, request)
        if "{" in mine.path:
            key, value = next(iter(query.items()), ("event_id", ""))
            found = [one for one in self.events if _path_id(one, key) == value]
            return {"events": [{**one, "eventPipelineInfo": PIPELINE} for one in found]}
        states = {"PROCESSED": "INGESTION_COMPLETED", "REVERTED": "REVERTED"}
        found = [
            one
            for one in self.events
            if query.get("account_id") in (None, one["eventPayload"]["accountId"])
            and query.get("schema_name") in (None, one["eventPayload"]["schemaName"])
            and one["ingestionStatus"]["status"].startswith(states.get(query.get("status", ""), ""))
            and (query.get("status") in (None, *states))
        ]
        start, size = int(query.get("nextToken") or 0), int(query.get("pageSize") or 50)
        page: JSONObject = {"events": found[start : start + size]}
        if start + size < len(found):
            page["nextToken"] = str(start + size)
        return page

    def _correct(
        self, other: Operation, query: dict[str, str], request: httpx.Request
    ) -> JSONObject:
        body = self._reader.body(other, request)
        action = query.get("action", "UNDO")
        if query.get("require_confirmation") == "true":
            return {"data": []}
        found = [one for one in self.events if _is_target(one, query)]
        entries: list[JSONObject] = []
        for one in found if query.get("async") == "true" else found[:CAP]:
            one["ingestionStatus"] = {**one["ingestionStatus"], "status": "REVERTED"}
            status = "REVERTED" if action == "UNDO" else "REVERTED_AND_REINGESTED"
            entries.append({**copy.deepcopy(one), "status": status, "reason": "Done."})
            if action != "UNDO":
                payload = (
                    one["eventPayload"] if action == "REDO" else (body or {}).get("event") or {}
                )
                number = len(self.events)
                moment = f"2024-12-06T00:{number % 60:02}:00+00:00"
                self.events.append(_stored(copy.deepcopy(payload), number, moment))
        return {} if query.get("async") == "true" else {"data": entries}

    def _response(self, mine: Operation, other: Operation, truth: JSONObject) -> httpx.Response:
        """The success that the description names last: a new one is what the service responds with."""
        named = [one for one in other.responses if one[:1] == "2"]
        status = next((one for one in named if one not in mine.responses), "200")
        message = response_of(other, status) or other.responses.get("default")
        code = 200 if not status.isdigit() else int(status)
        schema = json_of(message) if message else None
        if message is None or schema is None:
            other_media = next(iter(message.media), "") if message else ""
            text = "a,b" if other_media else ""
            return httpx.Response(code, text=text, headers={"content-type": other_media})
        media = next((one for one in message.media if one.endswith("json")), "application/json")
        success = response_of(mine, "200")
        ours = json_of(success) if success else None
        body = self._reader.write(schema, ours, truth)
        return httpx.Response(code, content=json.dumps(body), headers={"content-type": media})


def _path_id(event: JSONObject, name: str) -> str:
    """The id of an event that a path names."""
    outer = {python_name(one): one for one in event}
    found = event.get(outer.get(python_name(name), ""), event["eventPayload"].get("id"))
    return str(found)


def _is_target(event: JSONObject, query: dict[str, str]) -> bool:
    payload = event["eventPayload"]
    wanted = {
        "account_id": payload["accountId"],
        "id": event["referenceId"],
        "event_id": payload.get("id"),
        "event_source_time": payload["timestamp"],
        "created_at": event["createdAt"],
    }
    return all(query.get(name) in (None, value) for name, value in wanted.items())


def _check_parameter(name: str, value: str, shape: Shape) -> None:
    patterns = {"integer": r"-?\d+", "number": r"-?\d+(\.\d+)?", "boolean": "true|false"}
    if not re.fullmatch(patterns.get(shape.kind, ".*"), value, re.DOTALL):
        raise Refused(400, f"{name} is not of the type {shape.kind}.")
    if shape.enum and value not in shape.enum:
        raise Refused(400, f"{name} is not one of {', '.join(shape.enum)}.")
    if shape.kind == "integer" and int(value) > shape.limits.get("maximum", int(value)):
        raise Refused(400, f"{name} is too large.")
    _check_text(name, value, shape)


def _check_text(name: str, value: Any, shape: Shape) -> None:
    longest = shape.limits.get("maxLength" if shape.kind == "string" else "maxItems")
    if shape.kind in ("string", "list") and longest is not None and len(value) > longest:
        raise Refused(400, f"{name} is too long.")


class _Translator:
    """Knows which name of theirs stands for which of ours."""

    def __init__(self, ours: Description, theirs: Description) -> None:
        self._ours = ours
        self._theirs = theirs

    def parameters(self, mine: Operation, other: Operation) -> dict[tuple[str, str], str]:
        """Our name for each parameter of theirs that stands for one of ours."""
        named: dict[tuple[str, str], str] = {}
        for key, parameter in other.parameters.items():
            if key[0] == "path":
                named[key] = parameter.name
            elif key in mine.parameters:
                named[key] = mine.parameters[key].name
        lost = {key: one for key, one in mine.parameters.items() if key not in other.parameters}
        for key, parameter in other.parameters.items():
            words = self._theirs.shape(parameter.schema).words if parameter.schema else ""
            for lost_key, one in lost.items():
                same_name = python_name(one.name) == python_name(
                    re.sub("^[Xx]-", "", parameter.name)
                )
                same_type = one.schema and self._ours.shape(one.schema).words == words
                if key not in named and (
                    same_name or (same_type and "x-togai-origin" not in one.node.value)
                ):
                    named[key] = one.name
                    del lost[lost_key]
                    break
        return named

    def body(self, other: Operation, request: httpx.Request) -> JSONObject | None:
        """The body of a request in the form of our contract."""
        if other.body is None:
            return None
        if not request.content:
            if other.body.required:
                raise Refused(400, "A body is required.")
            return None
        accepted = set(other.body.media) & {"application/json", "*/*", "application/*"}
        schema = json_of(other.body)
        if not accepted or schema is None:
            raise Refused(415, "The content type is not supported.")
        operation = next(
            self._ours.operation(*one) for one in self._ours.calls() if one[0] == "post"
        )
        ours = json_of(operation.body) if operation.body else None
        return cast("JSONObject", self._absorb(schema, ours, json.loads(request.content), "body"))

    def _absorb(self, node: Node, ours: Node | None, value: Any, at: str) -> Any:
        shape = self._theirs.shape(node)
        mine = self._ours.shape(ours) if ours else None
        python = {"object": dict, "map": dict, "list": list, "string": str, "boolean": bool}
        wanted = python.get(shape.kind)
        if wanted and not isinstance(value, wanted):
            raise Refused(400, f"{at} is not of the type {shape.kind}.")
        if shape.enum and value not in shape.enum:
            raise Refused(400, f"{at} is not one of {', '.join(shape.enum)}.")
        _check_text(at, value, shape)
        if shape.kind == "list" and shape.inner:
            inner = mine.inner if mine else None
            return [self._absorb(shape.inner, inner, one, f"{at}[]") for one in value]
        if shape.kind != "object" or not shape.properties:
            return value
        read: JSONObject = {}
        pairs = self.pairs(shape, mine) if mine else {}
        for name, child in shape.properties.items():
            if name in value and not self._theirs.shape(child).read_only:
                own = pairs.get(name)
                inner = mine.properties.get(own) if mine and own else None
                read[own or name] = self._absorb(child, inner, value[name], f"{at}.{name}")
        missing = [name for name in shape.required if name not in value]
        if missing:
            raise Refused(400, f"{at}.{missing[0]} is required.")
        return read

    def pairs(self, theirs: Shape, ours: Shape) -> dict[str, str]:
        """Our name for each property of theirs that stands for one of ours."""
        found = {name: name for name in theirs.properties if name in ours.properties}
        lost = [name for name in ours.properties if name not in found]
        fresh = [name for name in theirs.properties if name not in found]
        for by_name in (True, False):
            for new in fresh:
                old = next((one for one in lost if self._same(theirs, ours, new, one, by_name)), "")
                if new not in found and old:
                    found[new] = old
                    lost.remove(old)
        return found

    def _same(self, theirs: Shape, ours: Shape, new: str, old: str, by_name: bool) -> bool:
        if by_name:
            return python_name(new) == python_name(old)
        words = self._ours.shape(ours.properties[old]).words
        return self._theirs.shape(theirs.properties[new]).words == words

    def write(self, node: Node, ours: Node | None, value: Any, depth: int = 0) -> Any:
        """A value of ours as the description has it."""
        shape = self._theirs.shape(node)
        mine = self._ours.shape(ours) if ours else None
        if depth > 12:
            return None
        if shape.kind == "object" and shape.properties and isinstance(value, dict):
            return self._object(shape, mine, cast("JSONObject", value), depth)
        if shape.kind == "list" and shape.inner:
            inner = mine.inner if mine and mine.kind == "list" else ours
            items: Sequence[Any] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
            return [self.write(shape.inner, inner, one, depth + 1) for one in items]
        if shape.kind == "map" and shape.inner and isinstance(value, dict):
            inner = mine.inner if mine else None
            entries = cast("JSONObject", value)
            return {
                key: self.write(shape.inner, inner, one, depth + 1) for key, one in entries.items()
            }
        return self._scalar(shape, mine, value)

    def _object(self, shape: Shape, mine: Shape | None, value: JSONObject, depth: int) -> Any:
        written: JSONObject = {}
        pairs = self.pairs(shape, mine) if mine else {name: name for name in shape.properties}
        # A wrapper is an object that is new while our required properties are gone.
        gone = mine is not None and not any(one in shape.properties for one in mine.required)
        for name, node in shape.properties.items():
            inner = self._theirs.shape(node)
            own = pairs.get(name, name)
            if inner.write_only:
                continue
            if own in value:
                child = mine.properties.get(own) if mine else None
                written[name] = self.write(node, child, value[own], depth + 1)
            elif inner.properties and mine and mine.node and (gone or self._holds(inner, mine)):
                written[name] = self.write(node, mine.node, value, depth + 1)
            elif (deeper := _deep(value, name)) is not None and name not in pairs:
                written[name] = self._scalar(inner, None, deeper)
            elif name in shape.required:
                # The token that a last page must have names no further page.
                written[name] = "" if own == "nextToken" else self._sample(inner)
        return written

    @staticmethod
    def _holds(inner: Shape, mine: Shape) -> bool:
        """Whether a new object holds a property of ours that stood beside it."""
        known = {python_name(one) for one in mine.properties}
        return any(python_name(one) in known for one in inner.properties)

    def _scalar(self, shape: Shape, mine: Shape | None, value: Any) -> Any:
        if shape.enum is not None and isinstance(value, str) and value not in shape.enum:
            old = mine.enum or () if mine else ()
            fresh = [one for one in shape.enum if one not in old]
            gone = [one for one in old if one not in shape.enum]
            known = value in gone and gone.index(value) < len(fresh)
            return fresh[gone.index(value)] if known else [value, *shape.enum][-1]
        fits: dict[str, Any] = {
            "string": isinstance(value, str),
            "integer": isinstance(value, int),
            "number": isinstance(value, (int, float)),
            "boolean": isinstance(value, bool),
            "anything": True,
            "object": isinstance(value, dict),
            "map": isinstance(value, dict),
        }
        moments = {"date": 10, "date-time": 64}
        if fits.get(shape.kind):
            if shape.format == "time":
                return "07:30:35"
            return value[: moments.get(shape.format or "")] if isinstance(value, str) else value
        return self._sample(shape)

    def _sample(self, shape: Shape, depth: int = 0) -> Any:
        if shape.enum:
            return shape.enum[-1]
        if shape.kind == "object" and depth < 8:
            return {
                name: self._sample(self._theirs.shape(node), depth + 1)
                for name, node in shape.properties.items()
                if name in shape.required
            }
        return copy.copy(_SAMPLES.get(shape.words, _SAMPLES.get(shape.kind, "text")))


def _deep(value: Any, name: str) -> Any:
    """The first value that has a name in Python, anywhere below."""
    if isinstance(value, dict):
        entries = cast("JSONObject", value)
        for key, one in entries.items():
            if python_name(key) == python_name(name):
                return one
        return next(
            (one for one in (_deep(each, name) for each in entries.values()) if one is not None),
            None,
        )
    return None
