"""An in-memory service that implements a description of the vendor, including what it renamed, moved or wrapped.

It has 120 events in the form of our contract. It reads requests by the description: query parameters that are not
described are ignored, and required ones must be present. It writes responses by the description: each property has
the value of our property with the same name, or the same name in Python, or a removed one if the property is new.
"""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING

import httpx
from contract.adopt import python_name
from contract.align import align, json_of, response_of
from contract.normalize import Description, Operation, Parameter, bare

from mutation.translation import JSONObject, Refused, Translator, check_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNTS = {"acme": 40, "bulk": 31, "other": 49}
CAP = 30


def _events() -> list[JSONObject]:
    stored: list[JSONObject] = []
    for account, count in ACCOUNTS.items():
        for _ in range(count):
            number = len(stored)
            moment = f"2024-12-04T{number // 60:02}:{number % 60:02}:00+00:00"
            payload = {
                "schemaName": "rides" if number % 2 else "calls",
                "timestamp": moment,
                "accountId": account,
                "attributes": [{"name": "distance", "value": str(number + 1), "unit": "Kilometers"}],
                "dimensions": {"city": "Chennai"},
                "id": f"event-{number}",
            }  # fmt: skip
            stored.append(_stored(payload, number, moment))
    return stored


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
        ours: Our contract; events are stored in its form.
        theirs: The description for reading requests and writing responses.
    """

    def __init__(self, ours: JSONObject, theirs: JSONObject) -> None:
        self._ours = Description(ours)
        self._theirs = Description(theirs)
        self._reader = Translator(self._ours, self._theirs)
        self._calls = list(align(self._ours, self._theirs).operations.values())
        self.events = _events()
        self.fail_next_correction = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request."""
        try:
            call, other, ids = self._call(request)
            query = self._query(call, other, request, ids)
            truth = self._respond(call, other, query, request)
        except Refused as error:
            return httpx.Response(error.status, json={"message": str(error)})
        if self.fail_next_correction and call.method == "post":
            self.fail_next_correction = False
            return httpx.Response(502, text="bad gateway")
        return self._response(call, other, truth)

    def _call(self, request: httpx.Request) -> tuple[Operation, Operation, dict[str, str]]:
        """Return the operation of a request, by its path in the description."""
        for call, other in self._calls:
            if other is not None and request.method.lower() == other.method:
                ids = self._matches(request, other)
                if ids is not None:
                    return call, other, ids
        raise Refused(404, "There is no such call.")

    def _matches(self, request: httpx.Request, other: Operation) -> dict[str, str] | None:
        pattern = re.sub(r"\\\{([^{}]*)\\\}", "([^/]*)", re.escape(other.path.rstrip("/")))
        url = f"{request.url.scheme}://{request.url.host}{request.url.path}"
        servers = [bare(server) for server in other.servers if "://" in server]
        prefixes = servers or [f"https://{request.url.host}"]
        prefixes += [
            f"https://{request.url.host}{server}" for server in other.servers if server[:1] == "/"
        ]
        for prefix in prefixes if servers or len(prefixes) == 1 else prefixes[1:]:
            match = re.fullmatch(f"{re.escape(prefix.rstrip('/'))}{pattern}/?", url)
            if match:
                names = re.findall(r"\{([^{}]*)\}", other.path)
                literal = names and match.group(1) == "correction"
                return None if literal else dict(zip(names, match.groups(), strict=True))
        return None

    def _query(
        self, call: Operation, other: Operation, request: httpx.Request, ids: dict[str, str]
    ) -> dict[str, str]:
        """Return the parameters of a request under our names, read by the description."""
        if not any("bearer" in way or way == "none" for way in other.security):
            raise Refused(401, "The credential is not valid.")
        cookies = re.findall(r"([^=; ]+)=([^;]*)", request.headers.get("cookie", ""))
        sources: dict[str, Mapping[str, str]] = {
            "query": request.url.params,
            "header": request.headers,
            "cookie": dict(cookies),
            "path": ids,
        }
        names = self._reader.parameters(call, other)
        read = {
            names.get(key, ""): self._value(parameter, sources.get(key[0], {}))
            for key, parameter in other.parameters.items()
        }
        # A parameter that the vendor documents elsewhere works, although its description does not contain it.
        for parameter in call.parameters.values():
            if "x-togai-origin" in parameter.node.value:
                read.setdefault(parameter.name, request.url.params.get(parameter.name))
        return {name: value for name, value in read.items() if name and value is not None}

    def _value(self, parameter: Parameter, source: Mapping[str, str]) -> str | None:
        """Return the value of a parameter, or its default.

        Raises:
            Refused: It is missing, or not allowed.
        """
        shape = self._theirs.shape(parameter.schema) if parameter.schema else None
        value = source.get(parameter.name)
        if value is None and parameter.required:
            raise Refused(400, f"{parameter.name} is required.")
        if value is None or shape is None:
            default = shape.default if shape else None
            return value if default is None else json.dumps(default).strip('"')
        if parameter.place != "path":
            check_parameter(parameter.name, value, shape)
        return value

    def _respond(
        self, call: Operation, other: Operation, query: dict[str, str], request: httpx.Request
    ) -> JSONObject:
        if call.method == "post":
            return self._correct(other, query, request)
        if "{" in call.path:
            key, value = next(iter(query.items()), ("event_id", ""))
            events = [event for event in self.events if _path_id(event, key) == value]
            return {"events": [{**event, "eventPipelineInfo": PIPELINE} for event in events]}
        states = {"PROCESSED": "INGESTION_COMPLETED", "REVERTED": "REVERTED"}
        events = [
            event
            for event in self.events
            if query.get("account_id") in (None, event["eventPayload"]["accountId"])
            and query.get("schema_name") in (None, event["eventPayload"]["schemaName"])
            and event["ingestionStatus"]["status"].startswith(
                states.get(query.get("status", ""), "")
            )
            and (query.get("status") in (None, *states))
        ]
        start, size = int(query.get("nextToken") or 0), int(query.get("pageSize") or 50)
        page: JSONObject = {"events": events[start : start + size]}
        if start + size < len(events):
            page["nextToken"] = str(start + size)
        return page

    def _correct(
        self, other: Operation, query: dict[str, str], request: httpx.Request
    ) -> JSONObject:
        body = self._reader.body(other.body, request)
        action = query.get("action", "UNDO")
        if query.get("require_confirmation") == "true":
            return {"data": []}
        events = [event for event in self.events if _is_target(event, query)]
        entries: list[JSONObject] = []
        for event in events if query.get("async") == "true" else events[:CAP]:
            event["ingestionStatus"] = {**event["ingestionStatus"], "status": "REVERTED"}
            status = "REVERTED" if action == "UNDO" else "REVERTED_AND_REINGESTED"
            entries.append({**copy.deepcopy(event), "status": status, "reason": "Done."})
            if action != "UNDO":
                payload = (
                    event["eventPayload"] if action == "REDO" else (body or {}).get("event") or {}
                )
                number = len(self.events)
                moment = f"2024-12-06T00:{number % 60:02}:00+00:00"
                self.events.append(_stored(copy.deepcopy(payload), number, moment))
        return {} if query.get("async") == "true" else {"data": entries}

    def _response(self, call: Operation, other: Operation, truth: JSONObject) -> httpx.Response:
        """Return the response of a call; its status is the new success status of the description, if there is one."""
        named = [status for status in other.responses if status[:1] == "2"]
        status = next((status for status in named if status not in call.responses), "200")
        message = response_of(other, status) or other.responses.get("default")
        code = 200 if not status.isdigit() else int(status)
        schema = json_of(message) if message else None
        if message is None or schema is None:
            other_media = next(iter(message.media), "") if message else ""
            text = "a,b" if other_media else ""
            return httpx.Response(code, text=text, headers={"content-type": other_media})
        media = next(
            (media for media in message.media if media.endswith("json")), "application/json"
        )
        success = response_of(call, "200")
        ours = json_of(success) if success else None
        body = self._reader.write(schema, ours, truth)
        return httpx.Response(code, content=json.dumps(body), headers={"content-type": media})


def _path_id(event: JSONObject, name: str) -> str:
    """Return the id of an event in a path."""
    outer = {python_name(name): name for name in event}
    value = event.get(outer.get(python_name(name), ""), event["eventPayload"].get("id"))
    return str(value)


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
