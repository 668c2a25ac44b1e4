"""Compares the operations of two descriptions: servers, bodies and statuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import python_name, unwritable
from contract.align import JSON, is_json, json_of, response_of
from contract.comparison import Comparison
from contract.normalize import bare
from contract.shapes import escaped
from contract.vendor import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contract.normalize import Description, Message, Operation


class Calls(Comparison):
    """Compares the operations of two descriptions, and adds to the contract what is new."""

    def info(self, last: Description | None) -> None:
        """Compare the version of the whole description; `last` is the vendor's last one."""
        info = self.contract["info"]
        version, was = self.theirs.version or "none", str(info.get("version"))
        before = max(was, last.version if last else was, key=_order)
        at = "#/info/version"
        if unwritable(version):
            self.findings.add(verdicts.UNMODELLED, at, was, version, reason=unwritable(version))
        elif _order(version) < _order(before):
            self.findings.add(verdicts.OLDER, at, before, version)
        elif version != was and self.findings.add(verdicts.NEW_VERSION, at, was, version):
            info["version"] = version

    def servers(self, calls: Sequence[Operation]) -> None:
        """Compare the servers of the whole description, or those of our calls in it."""
        servers: list[dict[str, Any]] = self.contract.setdefault("servers", [])
        ours = {bare(str(server["url"])): str(server["url"]) for server in servers}
        usual = next(iter(ours), "")
        theirs = self._addresses(calls, usual)
        if not any(theirs):
            if servers:
                self.findings.add(verdicts.NO_SERVER, "#/servers", servers[0]["url"], "none")
            return
        for address, url in ours.items():
            self._server(url, theirs.get(address), [*theirs.values()], is_default=address == usual)
        for url in [url for address, url in theirs.items() if address not in ours]:
            at = f"#/servers/{escaped(url)}"
            if "://" in url and unwritable(url):
                self.findings.add(verdicts.UNMODELLED, at, "none", url, reason=unwritable(url))
            elif "://" in url and self.findings.add(verdicts.NEW_SERVER, at, "none", url):
                servers.append({"url": url.rstrip("/")})

    def _addresses(self, calls: Sequence[Operation], usual: str) -> dict[str, str]:
        """Return the servers of the description; those of our calls if only they have the usual one."""
        listed = (self.theirs.servers(), *(call.servers for call in calls))
        whole, *own = ({bare(url): url for url in servers} for servers in listed)
        is_own = own and usual not in whole and all(usual in each for each in own)
        return own[0] if is_own else whole

    def _server(self, url: str, match: str | None, theirs: list[str], *, is_default: bool) -> None:
        at = f"#/servers/{escaped(url)}"
        if match is None and is_default:
            near = [new for new in theirs if new.startswith(url) or _host(new) == _host(url)]
            hints = near or theirs[:2]
            self.findings.add(verdicts.LOST_DEFAULT_SERVER, at, url, "none", hints=hints)
        elif match is None:
            self.findings.add(verdicts.HELD_SERVER, at, url, "none")
        elif match.endswith("/") != url.endswith("/"):
            self.findings.add(verdicts.SERVER_SLASH, at, url, match)

    def operation(self, call: Operation, other: Operation | None) -> None:
        """Compare one call."""
        if other is None:
            hints = list(self.moved(call))
            self.findings.add(verdicts.GONE, call.at, call.position, "none", hints=hints)
            return
        if not other.security & call.security:
            rule = verdicts.NO_AUTH if "none" in other.security else verdicts.AUTH
            rule = verdicts.SCOPES if _schemes(call) & _schemes(other) else rule
            ways = [" or ".join(sorted(each)) for each in (call.security, other.security)]
            self.findings.add(rule, f"{call.at}/security", *ways)
        self._address(call, other)
        self.deprecation(call.node.value, [other.node.get("deprecated") is True], call.at)
        self._body(call, other)
        self._responses(call, other)

    def moved(self, call: Operation) -> Iterable[str]:
        """Yield the calls of the description with the same operationId, or with the same end of the path."""
        for method, path in self.theirs.calls():
            node = self.theirs.resolved(self.theirs.root / "paths" / path) / method
            name = node.get("operationId")
            if name and name == call.node.get("operationId"):
                yield f"{name} at {method.upper()} {path}"
            elif method == call.method and path.endswith(call.path):
                yield f"{method.upper()} {path}"

    def _address(self, call: Operation, other: Operation) -> None:
        """Compare the server of a call, and its path with the ids that it names."""
        own, root, ours = (
            [bare(server) for server in servers if server != "/"]
            for servers in (other.servers, self.theirs.servers(), call.servers)
        )
        if own and own != root and ours and ours[0] not in own:
            theirs = ", ".join(other.servers)
            self.findings.add(verdicts.OTHER_SERVER, f"{call.at}/servers", ours[0], theirs)
        if call.path.endswith("/") != other.path.endswith("/"):
            self.findings.add(verdicts.PATH_SLASH, f"{call.at}/path", call.path, other.path)
        known = tuple(f"_{python_name(name)}" for name in self._item_names(call))
        for key, parameter in call.parameters.items():
            match = other.parameters.get(key)
            if parameter.place != "path" or match is None:
                continue
            name, new = parameter.name, match.name
            if python_name(name) != python_name(new):
                named = f"_{python_name(new)}".endswith(known)
                rule = verdicts.PATH_MEANING if named else verdicts.PATH_NAME
                self.findings.add(rule, parameter.node.at, name, new)

    def _item_names(self, call: Operation) -> Iterable[str]:
        """Yield the names of the properties of the response, and of the items in it."""
        success = response_of(call, "200")
        node = json_of(success) if success else None
        for inner in self.ours.shape(node).properties.values() if node else ():
            items = self.ours.shape(inner).inner
            yield from self.ours.shape(items).properties if items else ()

    def _body(self, call: Operation, other: Operation) -> None:
        at, ours, theirs = f"{call.at}/requestBody", call.body, other.body
        if ours is None and theirs is not None:
            rule = verdicts.BODY_REQUIRED if theirs.required else verdicts.UNMODELLED_PARAMETER
            self.findings.add(rule, at, "none", "required" if theirs.required else "optional")
        elif ours is not None and theirs is None:
            self.findings.add(verdicts.NO_BODY, at, _media(ours), "none")
        elif ours is not None and theirs is not None:
            if theirs.required and not ours.required:
                words = ("optional", "required")
                self.findings.add(verdicts.BODY_REQUIRED, f"{at}/required", *words)
            if JSON in ours.media and not {JSON, "*/*", "application/*"} & set(theirs.media):
                self.findings.add(verdicts.MEDIA, f"{at}/content", JSON, _media(theirs))

    def _responses(self, call: Operation, other: Operation) -> None:
        matches = {status: response_of(other, status) for status in call.responses}
        for status, response in call.responses.items():
            at, match = f"{call.at}/responses/{status}", matches[status]
            if match is not None:
                self._media(f"{at}/content", status, response, match)
            elif status.startswith("2"):
                self._lost_success(at, response, other)
            else:
                self.findings.add(verdicts.HELD_STATUS, at, status, "none")
        is_lost = any(match is None and key.startswith("2") for key, match in matches.items())
        for status, response in other.responses.items():
            # A range that matches a known status is not a new status.
            known = any(match is response for match in matches.values())
            known |= is_lost and status.startswith("2")
            is_status = re.fullmatch(r"[1-5](\d\d|XX)|default", status)
            if is_status and status not in call.responses and not known:
                rule = verdicts.NEW_SUCCESS if status.startswith("2") else verdicts.NEW_STATUS
                self.findings.add(rule, f"{call.at}/responses/{status}", "none", _media(response))

    def _lost_success(self, at: str, response: Message, other: Operation) -> None:
        instead = {key: message for key, message in other.responses.items() if key.startswith("2")}
        schema = next((json_of(message) for message in instead.values()), None)
        words = (_media(response), ", ".join(instead) or "none")
        covered = digest(self.theirs, self.theirs.shape(schema)) if schema else ""
        self.findings.add(verdicts.LOST_SUCCESS, at, *words, digest=covered)

    def _media(self, at: str, status: str, response: Message, match: Message) -> None:
        if JSON not in response.media or JSON in match.media:
            return
        is_error = not status.startswith("2")
        if is_error:
            rule = verdicts.HELD_ERROR_BODY
        elif any(is_json(media) for media in match.media):
            rule = verdicts.HELD_MEDIA
        else:
            rule = verdicts.MEDIA if match.media else verdicts.NO_BODY
        # The digest covers the parts that cannot be compared.
        schema = next(iter(match.media.values()), None) if json_of(match) is None else None
        covered = digest(self.theirs, self.theirs.shape(schema)) if schema else ""
        self.findings.add(rule, at, JSON, _media(match), known=is_error, digest=covered)


def _schemes(call: Operation) -> set[str]:
    """Return the ways to authenticate, without the scopes that they need."""
    return {re.sub(" with [^+]*(?= [+]|$)", "", way) for way in call.security}


def _order(version: str) -> tuple[int, ...]:
    """Return a version as numbers; a version without numbers sorts first."""
    return tuple(int(number) for number in re.findall(r"\d{1,9}", version)) or (-1,)


def _host(url: str) -> str:
    return re.sub(r"^\w+://([^/]*).*$", r"\1", url).lower()


def _media(message: Message) -> str:
    return ", ".join(sorted(message.media)) or "none"
