"""Compares the operations of two descriptions: servers, parameters, bodies and statuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import NotModelled, python_name, unwritable
from contract.align import JSON, is_json, json_of, operation_at, parameter_position, response_of
from contract.marks import REMOVED, Comparison
from contract.normalize import bare
from contract.shapes import escaped
from contract.vendor import digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contract.normalize import Description, Message, Operation


EVERY = ["every call"]


class Calls(Comparison):
    """Compares the operations of two descriptions, and adds to the contract what is new."""

    def info(self, last: Description | None) -> None:
        """Compare the version and the servers of the whole description; `last` is the vendor's last one."""
        info = self.contract["info"]
        version, was = self.theirs.version or "none", str(info.get("version"))
        before = max(was, last.version if last else was, key=_order)
        at = "#/info/version"
        if unwritable(version):
            self.findings.add(verdicts.UNMODELLED, at, was, version, EVERY, known=True)
        elif _order(version) < _order(before):
            self.findings.add(verdicts.OLDER, at, before, version, EVERY)
        elif version != was and self.findings.add(verdicts.NEW_VERSION, at, was, version, EVERY):
            info["version"] = version
        self._servers()

    def _servers(self) -> None:
        servers: list[dict[str, Any]] = self.contract.setdefault("servers", [])
        ours = [str(server["url"]) for server in servers]
        theirs = list(dict.fromkeys(self.theirs.servers()))
        if not theirs or theirs == ["/"]:
            if ours:
                self.findings.add(verdicts.NO_SERVER, "#/servers", ours[0], "none", EVERY)
            return
        same = {bare(server): server for server in theirs}
        for i, server in enumerate(list(servers)):
            self._server(server, same.get(bare(ours[i])), theirs, is_default=i == 0)
        our_servers = {bare(url) for url in ours}
        for url in theirs:
            if bare(url) in our_servers or "://" not in url:
                continue
            at = f"#/servers/{escaped(url)}"
            if unwritable(url):
                self.findings.add(verdicts.UNMODELLED, at, "none", url, EVERY, known=True)
            elif self.findings.add(verdicts.NEW_SERVER, at, "none", url, EVERY):
                servers.append({"url": url.rstrip("/")})

    def _server(
        self, server: dict[str, Any], match: str | None, theirs: list[str], *, is_default: bool
    ) -> None:
        url = str(server["url"])
        at = f"#/servers/{escaped(url)}"
        if match is None and is_default:
            near = [
                server for server in theirs if server.startswith(url) or _host(server) == _host(url)
            ]
            self.findings.add(
                verdicts.LOST_DEFAULT_SERVER, at, url, "none", EVERY, hints=near or theirs[:2]
            )
        elif match is None:
            self.marks.hold(verdicts.HELD_SERVER, server, at, url, EVERY)
        elif REMOVED in server:
            self.marks.release(server, at, EVERY)
        if match is not None and match.endswith("/") != url.endswith("/"):
            self.findings.add(verdicts.SERVER_SLASH, at, url, match, EVERY)

    def operation(self, call: Operation, other: Operation | None) -> None:
        """Compare one call."""
        at, position = operation_at(call), [call.position]
        if other is None:
            hints = list(self.moved(call))
            self.findings.add(verdicts.GONE, at, call.position, "none", position, hints=hints)
            return
        if not other.security & call.security:
            rule = verdicts.NO_AUTH if "none" in other.security else verdicts.AUTH
            ways = [" or ".join(sorted(each)) for each in (call.security, other.security)]
            self.findings.add(rule, f"{at}/security", ways[0], ways[1], position)
        self._address(at, call, other)
        self.marks.deprecation(call.node.value, [other.node], at, position)
        self._body(at, call, other)
        self._responses(at, call, other)

    def moved(self, call: Operation) -> Iterable[str]:
        """Yield the calls of the description with the same operationId, or with the same end of the path."""
        for method, path in self.theirs.calls():
            node = self.theirs.resolved(self.theirs.root / "paths" / path) / method
            name = node.get("operationId")
            if name and name == call.node.get("operationId"):
                yield f"{name} at {method.upper()} {path}"
            elif method == call.method and path.endswith(call.path):
                yield f"{method.upper()} {path}"

    def _address(self, at: str, call: Operation, other: Operation) -> None:
        """Compare the server and the path of a call."""
        position = [call.position]
        own = [bare(server) for server in other.servers if server != "/"]
        root = [bare(server) for server in self.theirs.servers() if server != "/"]
        ours = [bare(server) for server in call.servers]
        if own and own != root and ours and ours[0] not in own:
            theirs = ", ".join(other.servers)
            self.findings.add(verdicts.OTHER_SERVER, f"{at}/servers", ours[0], theirs, position)
        if call.path.endswith("/") != other.path.endswith("/"):
            self.findings.add(verdicts.PATH_SLASH, f"{at}/path", call.path, other.path, position)
        self._path_names(at, call, other)

    def _path_names(self, at: str, call: Operation, other: Operation) -> None:
        """Compare the ids that the path names."""
        known = {python_name(name) for name in self._item_names(call)}
        for key, parameter in call.parameters.items():
            match = other.parameters.get(key)
            if parameter.place != "path" or match is None:
                continue
            name, new = parameter.name, match.name
            if python_name(name) != python_name(new):
                rule = verdicts.PATH_MEANING if python_name(new) in known else verdicts.PATH_NAME
                where = [parameter_position(call, key, name)]
                self.findings.add(rule, f"{at}/parameters/path/{escaped(name)}", name, new, where)

    def _item_names(self, call: Operation) -> Iterable[str]:
        """Yield the names of the properties of the response, and of the items in it."""
        success = response_of(call, "200")
        node = json_of(success) if success else None
        for inner in self.ours.shape(node).properties.values() if node else ():
            items = self.ours.shape(inner).inner
            yield from self.ours.shape(items).properties if items else ()

    def _body(self, at: str, call: Operation, other: Operation) -> None:
        place, position = f"{at}/requestBody", [f"{call.position} body"]
        if call.body is None:
            if other.body is not None:
                required = other.body.required
                rule = verdicts.BODY_REQUIRED if required else verdicts.UNMODELLED_PARAMETER
                words = "required" if required else "optional"
                self.findings.add(rule, place, "none", words, position, known=not required)
            return
        if other.body is None:
            self.findings.add(verdicts.NO_BODY, place, _media(call.body), "none", position)
            return
        if other.body.required and not call.body.required:
            at = f"{place}/required"
            self.findings.add(verdicts.BODY_REQUIRED, at, "optional", "required", position)
        if JSON in call.body.media and not {JSON, "*/*", "application/*"} & set(other.body.media):
            theirs = _media(other.body)
            self.findings.add(verdicts.MEDIA, f"{place}/content", JSON, theirs, position)

    def _responses(self, at: str, call: Operation, other: Operation) -> None:
        written: dict[str, Any] = call.node.value["responses"]
        is_lost = any(
            status.startswith("2") and response_of(other, status) is None
            for status in call.responses
        )
        for status, response in call.responses.items():
            place = f"{at}/responses/{status}"
            position = [f"{call.position} {status}"]
            match = response_of(other, status)
            if match is None:
                if status.startswith("2"):
                    self._lost_success(place, response, other, position)
                else:
                    node = written[status]
                    self.marks.hold(verdicts.HELD_STATUS, node, place, status, position)
                continue
            if REMOVED in written[status]:
                self.marks.release(written[status], place, position)
            self._media(f"{place}/content", status, response, match, position)
        for status, response in other.responses.items():
            # A range that matches a known status is not a new status.
            known = any(response_of(other, status) is response for status in call.responses)
            known |= is_lost and status.startswith("2")
            if status not in call.responses and not known:
                self._new_status(f"{at}/responses/{status}", call, status, response, written)

    def _lost_success(
        self, place: str, response: Message, other: Operation, position: list[str]
    ) -> None:
        instead = {key: message for key, message in other.responses.items() if key.startswith("2")}
        schema = next((json_of(message) for message in instead.values()), None)
        words = (_media(response), ", ".join(instead) or "none")
        covered = digest(self.theirs, schema) if schema else ""
        self.findings.add(verdicts.LOST_SUCCESS, place, *words, position, digest=covered)

    def _media(
        self, at: str, status: str, response: Message, match: Message, position: list[str]
    ) -> None:
        if JSON not in response.media or JSON in match.media:
            return
        if not status.startswith("2"):
            rule = verdicts.HELD_ERROR_BODY
        elif any(is_json(media) for media in match.media):
            rule = verdicts.HELD_MEDIA
        else:
            rule = verdicts.MEDIA if match.media else verdicts.NO_BODY
        # The digest covers the parts that cannot be compared.
        schema = next(iter(match.media.values()), None)
        covered = digest(self.theirs, schema) if schema and json_of(match) is None else ""
        known = not status.startswith("2")
        words = (JSON, _media(match))
        self.findings.add(rule, at, *words, position, known=known, digest=covered)

    def _new_status(
        self, place: str, call: Operation, status: str, response: Message, written: dict[str, Any]
    ) -> None:
        if not re.fullmatch(r"[1-5](\d\d|XX)|default", status):
            return
        position = [f"{call.position} {status}"]
        if status.startswith("2"):
            theirs = _media(response)
            self.findings.add(verdicts.NEW_SUCCESS, place, "none", theirs, position)
            return
        if self.findings.add(verdicts.NEW_STATUS, place, "none", _media(response), position):
            # Statuses ascend, and `default` comes last.
            later = {key: written.pop(key) for key in list(written) if key > status}
            written[status] = self._response(call, status, response)
            written.update(later)

    def _response(self, call: Operation, status: str, response: Message) -> dict[str, Any]:
        described: dict[str, Any] = {"description": f"Status {status}."}
        if JSON not in response.media:
            return described
        shape = self.theirs.shape(response.media[JSON])
        owner = f"{call.node.get('operationId') or 'call'} {status}"
        try:
            schema = self.taker.take(shape, "response", owner, "response")
        except NotModelled:
            return described
        content = {JSON: {"schema": schema}}
        for name, shared in self.contract["components"].get("responses", {}).items():
            if shared.get("content") == content:
                return {"$ref": f"#/components/responses/{name}"}
        return {**described, "content": content}


def _order(version: str) -> tuple[int, ...]:
    """Return a version as numbers; a version without numbers sorts first."""
    return tuple(int(number) for number in re.findall(r"\d{1,9}", version)) or (-1,)


def _host(url: str) -> str:
    return re.sub(r"^\w+://([^/]*).*$", r"\1", url).lower()


def _media(message: Message) -> str:
    return ", ".join(sorted(message.media)) or "none"
