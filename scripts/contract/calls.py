"""Servers, operations, parameters, bodies and statuses: what a call sends where, and what it can be sent back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import NotModelled, Taker, builder_clash, python_name, unwritable
from contract.align import JSON, is_always_sent, is_json, json_of, parameter_position, response_of
from contract.normalize import Message, Operation, escaped, schema_node
from contract.vendor import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contract.findings import Findings
    from contract.normalize import Description, Node, Parameter
    from contract.verdicts import Rule

REMOVED = "x-togai-removed"
ORIGIN = "x-togai-origin"


class Marks:
    """Writes into the contract what the vendor dropped, deprecated or brought back.

    Args:
        findings: Where differences are recorded.
        today: The date that a mark carries.
    """

    def __init__(self, findings: Findings, today: str) -> None:
        self._findings = findings
        self.today = today

    def hold(
        self,
        rule: Rule,
        node: dict[str, Any],
        at: str,
        ours: str,
        positions: Iterable[str],
        *,
        deprecate: bool = False,
        hints: Iterable[str] = (),
    ) -> None:
        """Keep what theirs dropped, and write down since when."""
        known = REMOVED in node or self._findings.is_known(rule, at, "none")
        follow = self._findings.add(rule, at, ours, "none", positions, known=known, hints=hints)
        if follow and not known:
            if deprecate:
                node["deprecated"] = True
            node[REMOVED] = self.today

    def release(self, node: dict[str, Any], at: str, positions: Iterable[str]) -> None:
        """Remove the mark from what came back."""
        was = f"removed in {node[REMOVED]}"
        if self._findings.add(verdicts.BACK, at, was, "present", positions):
            node.pop(REMOVED)
            node.pop("deprecated", None)

    def deprecation(
        self, node: dict[str, Any], theirs: Sequence[Node], at: str, positions: Sequence[str]
    ) -> None:
        """Follow what the vendor plans to drop."""
        marked = node.get("deprecated") is True
        if REMOVED in node or not theirs:
            return
        at = f"{at}/deprecated"
        if all(one.get("deprecated") is True for one in theirs):
            if not marked and self._findings.add(verdicts.DEPRECATED, at, "no", "yes", positions):
                node["deprecated"] = True
        elif marked and self._findings.add(verdicts.WELCOME, at, "yes", "no", positions):
            node.pop("deprecated")


class Calls:
    """Compares the operations of two descriptions, and adds to the contract what theirs has more."""

    def __init__(
        self,
        contract: dict[str, Any],
        ours: Description,
        theirs: Description,
        findings: Findings,
        marks: Marks,
        taker: Taker,
    ) -> None:
        self._contract = contract
        self._ours = ours
        self._theirs = theirs
        self._findings = findings
        self._marks = marks
        self._taker = taker

    def info(self, last: Description | None) -> None:
        """Compare the version and the servers of the whole description; `last` is the vendor's last one."""
        info = self._contract["info"]
        version, was = self._theirs.version or "none", str(info.get("version"))
        before = max(was, last.version if last else was, key=_order)
        at = "#/info/version"
        if unwritable(version):
            self._findings.add(verdicts.UNMODELLED, at, was, version, ["all"], known=True)
        elif _order(version) < _order(before):
            self._findings.add(verdicts.OLDER, at, before, version, ["all"])
        elif version != was and self._findings.add(verdicts.NEW_VERSION, at, was, version, ["all"]):
            info["version"] = version
        self._servers()

    def _servers(self) -> None:
        servers: list[dict[str, Any]] = self._contract.setdefault("servers", [])
        ours = [str(one["url"]) for one in servers]
        theirs = list(dict.fromkeys(self._theirs.servers()))
        if not theirs or theirs == ["/"]:
            if ours:
                self._findings.add(verdicts.NO_SERVER, "#/servers", ours[0], "none", ["all"])
            return
        same = {_bare(one): one for one in theirs}
        for i, server in enumerate(list(servers)):
            self._server(server, same.get(_bare(ours[i])), theirs, is_default=i == 0)
        mine = {_bare(one) for one in ours}
        for url in theirs:
            if _bare(url) in mine or "://" not in url:
                continue
            at = f"#/servers/{escaped(url)}"
            if unwritable(url):
                self._findings.add(verdicts.UNMODELLED, at, "none", url, ["all"], known=True)
            elif self._findings.add(verdicts.NEW_SERVER, at, "none", url, ["all"]):
                servers.append({"url": url.rstrip("/")})

    def _server(
        self, server: dict[str, Any], match: str | None, theirs: list[str], *, is_default: bool
    ) -> None:
        url = str(server["url"])
        at = f"#/servers/{escaped(url)}"
        if match is None and is_default:
            near = [one for one in theirs if one.startswith(url) or _host(one) == _host(url)]
            self._findings.add(
                verdicts.LOST_DEFAULT_SERVER, at, url, "none", ["all"], hints=near or theirs[:2]
            )
        elif match is None:
            self._marks.hold(verdicts.HELD_SERVER, server, at, url, ["all"])
        elif REMOVED in server:
            self._marks.release(server, at, ["all"])
        if match is not None and match.endswith("/") != url.endswith("/"):
            self._findings.add(verdicts.SERVER_SLASH, at, url, match, ["all"])

    def operation(self, mine: Operation, other: Operation | None) -> None:
        """Compare one call."""
        at = f"#/paths/{escaped(mine.path)}/{mine.method}"
        position = [mine.position]
        if other is None:
            hints = list(self._moved(mine))
            self._findings.add(verdicts.GONE, at, mine.position, "none", position, hints=hints)
            return
        if other.security != mine.security and not other.security & mine.security:
            ways = [" or ".join(sorted(one)) for one in (mine.security, other.security)]
            self._findings.add(verdicts.AUTH, f"{at}/security", ways[0], ways[1], position)
        self._address(at, mine, other)
        self._marks.deprecation(mine.node.value, [other.node], at, position)
        self._parameters(at, mine, other)
        self._body(at, mine, other)
        self._responses(at, mine, other)

    def _moved(self, mine: Operation) -> Iterable[str]:
        """Where the description has a call of the same operationId, or one whose path ends alike."""
        for method, path in self._theirs.calls():
            node = self._theirs.resolved(self._theirs.root / "paths" / path) / method
            name = node.get("operationId")
            if name and name == mine.node.get("operationId"):
                yield f"{name} at {method.upper()} {path}"
            elif method == mine.method and path.endswith(mine.path):
                yield f"{method.upper()} {path}"

    def _address(self, at: str, mine: Operation, other: Operation) -> None:
        """Where the call is sent: its server and its path."""
        position = [mine.position]
        own = [_bare(one) for one in other.servers if one != "/"]
        root = [_bare(one) for one in self._theirs.servers() if one != "/"]
        ours = [_bare(one) for one in mine.servers]
        if own and own != root and ours and ours[0] not in own:
            theirs = ", ".join(other.servers)
            self._findings.add(verdicts.OTHER_SERVER, f"{at}/servers", ours[0], theirs, position)
        if mine.path.endswith("/") != other.path.endswith("/"):
            self._findings.add(verdicts.PATH_SLASH, f"{at}/path", mine.path, other.path, position)
        self._path_names(at, mine, other)

    def _path_names(self, at: str, mine: Operation, other: Operation) -> None:
        """Whether the path names another id than before."""
        known = {python_name(one) for one in self._item_names(mine)}
        for key, parameter in mine.parameters.items():
            match = other.parameters.get(key)
            if parameter.place != "path" or match is None:
                continue
            name, new = parameter.name, match.name
            if python_name(name) != python_name(new):
                rule = verdicts.PATH_MEANING if python_name(new) in known else verdicts.PATH_NAME
                where = [parameter_position(mine, key, name)]
                self._findings.add(rule, f"{at}/parameters/path/{escaped(name)}", name, new, where)

    def _item_names(self, mine: Operation) -> Iterable[str]:
        """The names of the properties of what the call responds with, and of the items in it."""
        success = response_of(mine, "200")
        node = json_of(success) if success else None
        for inner in self._ours.shape(node).properties.values() if node else ():
            items = self._ours.shape(inner).inner
            yield from self._ours.shape(items).properties if items else ()

    def _parameters(self, at: str, mine: Operation, other: Operation) -> None:
        written: list[dict[str, Any]] = mine.node.value.setdefault("parameters", [])
        fresh = {
            key: one
            for key, one in other.parameters.items()
            # The path itself names its parameters: any other one cannot be sent.
            if key not in mine.parameters and key[0] != "path"
        }
        for key, parameter in mine.parameters.items():
            place = parameter.node.at
            position = [parameter_position(mine, key, parameter.name)]
            match = other.parameters.get(key)
            if match is None:
                self._lost_parameter(place, mine, parameter, fresh, position)
                continue
            node = parameter.node.value
            if ORIGIN in node and ORIGIN not in match.node.value:
                self._findings.add(
                    verdicts.DESCRIBED, place, str(node[ORIGIN]), "described", position
                )
            if REMOVED in node:
                self._marks.release(node, place, position)
            self._marks.deprecation(node, [match.node], place, position)
            self._requirement(place, parameter, match, position)
        for key, parameter in fresh.items():
            self._new_parameter(at, mine, key, parameter, written)

    def _lost_parameter(
        self,
        place: str,
        mine: Operation,
        parameter: Parameter,
        fresh: dict[tuple[str, str], Parameter],
        position: list[str],
    ) -> None:
        words = "required" if parameter.required else "optional"
        moved = [one for one in fresh.values() if one.name == parameter.name]
        here = python_name(parameter.name)
        alike = moved or [one for one in fresh.values() if python_name(one.name) == here]
        if ORIGIN in parameter.node.value and not alike:
            return
        rule = verdicts.LOST_REQUIRED if parameter.required else verdicts.LOST_PARAMETER
        if alike:
            rule = verdicts.MOVED_PARAMETER if moved else verdicts.RENAMED_PARAMETER
        candidates = alike or self._of_one_type(parameter, fresh.values())
        hints = [f"{one.place} {one.name}" for one in candidates]
        theirs = hints[0] if alike else "none"
        gets = "" if mine.method == "get" else "other events corrected than were selected"
        self._findings.add(rule, place, words, theirs, position, hints=hints, gets=gets)

    def _of_one_type(self, parameter: Parameter, fresh: Iterable[Parameter]) -> list[Parameter]:
        """The new parameters that have the type of a lost one."""
        words = self._ours.shape(parameter.schema).words if parameter.schema else ""
        typed = [one for one in fresh if one.schema]
        return [
            one for one in typed if one.schema and self._theirs.shape(one.schema).words == words
        ][:3]

    def _requirement(
        self, place: str, parameter: Parameter, match: Parameter, position: list[str]
    ) -> None:
        if parameter.place != "path" and "content" in match.node.value:
            # A string would be sent in quotes, as JSON.
            theirs = ", ".join(sorted(match.node.value["content"]))
            self._findings.add(verdicts.MEDIA, f"{place}/content", "plain", theirs, position)
        at = f"{place}/required"
        if match.required and not is_always_sent(parameter):
            self._findings.add(verdicts.NEED_PARAMETER, at, "optional", "required", position)
        elif match.required != parameter.required:
            words = ["required" if one.required else "optional" for one in (parameter, match)]
            self._findings.add(verdicts.OPTIONALITY, at, words[0], words[1], position, known=True)

    def _new_parameter(
        self,
        at: str,
        mine: Operation,
        key: tuple[str, str],
        parameter: Parameter,
        written: list[dict[str, Any]],
    ) -> None:
        name = parameter.name
        place = f"{at}/parameters/{escaped(parameter.place)}/{escaped(name)}"
        position = [parameter_position(mine, key, name)]
        shape = self._theirs.shape(parameter.schema) if parameter.schema else None
        words = shape.words if shape else "anything"
        if parameter.required:
            words = f"required {words}"
            self._findings.add(verdicts.NEED_PARAMETER, place, "none", words, position)
            return
        if shape and shape.default not in (None, False, "", 0, [], {}):
            words = f"{words}, default {shape.default}"
            self._findings.add(verdicts.NEW_DEFAULT, place, "none", words, position)
            return
        why = self._unsendable(place, parameter, written)
        rule = verdicts.NEW_PARAMETER
        if re.search("idempoten", name, re.IGNORECASE) and mine.method != "get":
            rule = verdicts.IDEMPOTENCY
        schema: dict[str, Any] = {}
        if not why and self._findings.is_free(place, words) and shape:
            try:
                owner = str(mine.node.get("operationId") or "call")
                schema = self._taker.take(shape, "request", owner, name)
            except NotModelled as error:
                why = str(error)
        if why:
            rule = verdicts.UNMODELLED_PARAMETER
            why = f"{why}: {rule.reason}"
        gain = rule is not verdicts.UNMODELLED_PARAMETER
        follow = self._findings.add(
            rule, place, "none", words, position, reason=why, gain=gain, known=not gain
        )
        if follow and gain:
            text = schema.pop("description", None) or "Not described."
            entry = {"name": name, "in": parameter.place, "description": text, "schema": schema}
            written.append(entry)

    def _unsendable(self, at: str, parameter: Parameter, written: list[dict[str, Any]]) -> str:
        """Why a request's builder cannot send a parameter; empty if it can."""
        if parameter.place not in ("query", "header", "cookie"):
            return f"a parameter in {parameter.place!r} cannot be sent"
        if "content" in parameter.node.value:
            return "its value is a document, not a string"
        if parameter.schema is None:
            return "no schema"
        taken = [str(self._ours.resolved(schema_node(one, "#")).value["name"]) for one in written]
        if unwritable(parameter.name):
            return unwritable(parameter.name)
        if builder_clash(parameter.name, taken):
            return "its name is taken in Python"
        shape = self._theirs.shape(parameter.schema)
        if parameter.place != "query" and (shape.kind != "string" or shape.format):
            return f"a {parameter.place} holds a string alone"
        inner = self._theirs.shape(shape.inner) if shape.inner else shape
        if shape.kind in ("object", "map") or inner.kind in ("object", "map", "list"):
            return "objects cannot be sent in a query"
        return "the generator cannot write it" if at in self._findings.left_out else ""

    def _body(self, at: str, mine: Operation, other: Operation) -> None:
        place, position = f"{at}/requestBody", [f"{mine.position} body"]
        if mine.body is None:
            if other.body is not None:
                required = other.body.required
                rule = verdicts.BODY_REQUIRED if required else verdicts.UNMODELLED_PARAMETER
                words = "required" if required else "optional"
                self._findings.add(rule, place, "none", words, position, known=not required)
            return
        if other.body is None:
            self._findings.add(verdicts.NO_BODY, place, _media(mine.body), "none", position)
            return
        if other.body.required and not mine.body.required:
            at = f"{place}/required"
            self._findings.add(verdicts.BODY_REQUIRED, at, "optional", "required", position)
        if JSON in mine.body.media and not {JSON, "*/*", "application/*"} & set(other.body.media):
            theirs = _media(other.body)
            self._findings.add(verdicts.MEDIA, f"{place}/content", JSON, theirs, position)

    def _responses(self, at: str, mine: Operation, other: Operation) -> None:
        written: dict[str, Any] = mine.node.value["responses"]
        is_lost = any(
            one.startswith("2") and response_of(other, one) is None for one in mine.responses
        )
        for status, response in mine.responses.items():
            place = f"{at}/responses/{status}"
            position = [f"{mine.position} {status}"]
            match = response_of(other, status)
            if match is None:
                if status.startswith("2"):
                    self._lost_success(place, response, other, position)
                else:
                    node = written[status]
                    self._marks.hold(verdicts.HELD_STATUS, node, place, status, position)
                continue
            if REMOVED in written[status]:
                self._marks.release(written[status], place, position)
            self._media(f"{place}/content", status, response, match, position)
        for status, response in other.responses.items():
            # A range that stands for one of ours is that one by another name.
            known = any(response_of(other, one) is response for one in mine.responses)
            known |= is_lost and status.startswith("2")
            if status not in mine.responses and not known:
                self._new_status(f"{at}/responses/{status}", mine, status, response, written)

    def _lost_success(
        self, place: str, response: Message, other: Operation, position: list[str]
    ) -> None:
        instead = {key: one for key, one in other.responses.items() if key.startswith("2")}
        schema = next((json_of(one) for one in instead.values()), None)
        self._findings.add(
            verdicts.LOST_SUCCESS,
            place,
            _media(response),
            ", ".join(instead) or "none",
            position,
            digest=digest(self._theirs, schema) if schema else "",
        )

    def _media(
        self, at: str, status: str, response: Message, match: Message, position: list[str]
    ) -> None:
        if JSON not in response.media or JSON in match.media:
            return
        if not status.startswith("2"):
            rule = verdicts.HELD_ERROR_BODY
        elif any(is_json(one) for one in match.media):
            rule = verdicts.HELD_MEDIA
        else:
            rule = verdicts.MEDIA if match.media else verdicts.NO_BODY
        # What cannot be compared is covered by its digest.
        schema = next(iter(match.media.values()), None)
        covered = digest(self._theirs, schema) if schema and json_of(match) is None else ""
        self._findings.add(
            rule,
            at,
            JSON,
            _media(match),
            position,
            known=not status.startswith("2"),
            digest=covered,
        )

    def _new_status(
        self, place: str, mine: Operation, status: str, response: Message, written: dict[str, Any]
    ) -> None:
        if not re.fullmatch(r"[1-5](\d\d|XX)|default", status):
            return
        position = [f"{mine.position} {status}"]
        if status.startswith("2"):
            theirs = _media(response)
            self._findings.add(verdicts.NEW_SUCCESS, place, "none", theirs, position)
            return
        if self._findings.add(verdicts.NEW_STATUS, place, "none", _media(response), position):
            # Statuses ascend, and `default` comes last.
            later = {key: written.pop(key) for key in list(written) if key > status}
            written[status] = self._response(mine, status, response)
            written.update(later)

    def _response(self, mine: Operation, status: str, response: Message) -> dict[str, Any]:
        made: dict[str, Any] = {"description": f"Status {status}."}
        if JSON not in response.media:
            return made
        shape = self._theirs.shape(response.media[JSON])
        owner = f"{mine.node.get('operationId') or 'call'} {status}"
        try:
            schema = self._taker.take(shape, "response", owner, "response")
        except NotModelled:
            return made
        content = {JSON: {"schema": schema}}
        for name, shared in self._contract["components"].get("responses", {}).items():
            if shared.get("content") == content:
                return {"$ref": f"#/components/responses/{name}"}
        return {**made, "content": content}


def _order(version: str) -> tuple[int, ...]:
    """A version as numbers; one without numbers comes before every other."""
    return tuple(int(one) for one in re.findall(r"\d{1,9}", version)) or (-1,)


def _bare(url: str) -> str:
    return url.rstrip("/").lower()


def _host(url: str) -> str:
    return re.sub(r"^\w+://([^/]*).*$", r"\1", url).lower()


def _media(message: Message) -> str:
    return ", ".join(sorted(message.media)) or "none"
