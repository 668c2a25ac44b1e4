"""Our contract and their description -> a verdict for each difference, and the contract that comes of it.

The contract only ever grows. What theirs adds is absorbed, what it drops is held and marked, and what would
change a caller's code is a conflict: then the new contract must not be used.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from contract import verdicts
from contract.adopt import (
    SCHEMAS,
    NotModelled,
    Taker,
    builder_clash,
    checked_name,
    clash,
    members,
)
from contract.align import (
    JSON,
    Alignment,
    Meeting,
    Place,
    align,
    answer_of,
    goes,
    parameter_position,
)
from contract.normalize import (
    LIMITS,
    LOWER,
    UPPER,
    Description,
    Message,
    Operation,
    escaped,
    schema_node,
)
from contract.verdicts import Difference, Hold, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from contract.align import Direction
    from contract.normalize import Node, Parameter

REMOVED = "x-togai-removed-in"
REMOVED_VALUES = "x-togai-removed"
HOLDS = "x-togai-holds"
ORIGIN = "x-togai-origin"


@dataclass(frozen=True)
class Merged:
    """What a merge gives. With a conflict, `contract` is the old one.

    Attributes:
        contract: The new contract.
        differences: All differences, ordered by pointer.
        unmatched: The holds that were asked for where nothing differs.
        released: The pointers of earlier decisions that nothing differs from any more.
        schemas: The names of the schemas that are new.
        changed: Whether the new contract differs from the old one.
    """

    contract: dict[str, Any]
    differences: tuple[Difference, ...]
    unmatched: tuple[Hold, ...] = ()
    released: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    changed: bool = False

    @property
    def conflicts(self) -> list[Difference]:
        """The differences that stop the bump."""
        return [one for one in self.differences if one.verdict is Verdict.CONFLICT]


def merge(
    contract: dict[str, Any],
    description: dict[str, Any],
    holds: Sequence[Hold] = (),
    left_out: Collection[str] = (),
) -> Merged:
    """Merge a description into the contract. Neither argument is changed.

    Args:
        contract: Our contract as plain data.
        description: Their description as plain data.
        holds: Decisions to keep ours.
        left_out: Pointers of additions that the generator cannot write.

    Returns:
        The new contract and all differences, ordered by pointer.

    Raises:
        Unusable: The description cannot be read where our calls reach it.
    """
    merger = _Merger(copy.deepcopy(contract), Description(description), holds, left_out)
    merger.run()
    differences = merger.ordered()
    if any(one.verdict is Verdict.CONFLICT for one in differences) or merger.unmatched:
        return Merged(contract, differences, tuple(merger.unmatched), tuple(merger.released))
    before = contract["components"]["schemas"]
    new = (name for name in merger.contract["components"]["schemas"] if name not in before)
    changed = merger.contract != contract
    return Merged(merger.contract, differences, (), tuple(merger.released), tuple(new), changed)


@dataclass
class _Found:
    """A difference while it is gathered: the same one can be met at several positions."""

    rule: Rule
    at: str
    ours: str
    theirs: str
    reason: str
    positions: list[str] = field(default_factory=list[str])
    standing: bool = False
    gain: bool = False


class _Merger:
    def __init__(
        self,
        contract: dict[str, Any],
        theirs: Description,
        holds: Sequence[Hold],
        left_out: Collection[str],
    ) -> None:
        self.contract = contract
        self._ours = Description(contract)
        self._theirs = theirs
        self._alignment: Alignment = align(self._ours, theirs)
        schemas = contract.setdefault("components", {}).setdefault("schemas", {})
        self._taker = Taker(schemas, theirs, self._alignment.names)
        self._asked = {one.at: one for one in holds}
        self._left_out = left_out
        # Decisions of earlier bumps: for each pointer what theirs was, and why ours was kept.
        self._recorded: dict[str, dict[str, str]] = {}
        for one in contract.get(HOLDS, []):
            self._recorded.setdefault(one["at"], {})[one["theirs"]] = one["because"]
        self._met: set[str] = set()
        self._found: dict[tuple[str, str, str], _Found] = {}
        self._held: dict[str, dict[str, str]] = {}
        self.unmatched: list[Hold] = []
        self.released: list[str] = []

    def run(self) -> None:
        self._info()
        for mine, other in self._alignment.operations.values():
            self._operation(mine, other)
        for place in self._alignment.uses.values():
            self._kinds(place)
        for place in list(self._alignment.schemas.values()):
            if place.ours.kind == "object":
                self._object(place)
            self._values(place)
            self._limits(place)
        self._settle_holds()

    def ordered(self) -> tuple[Difference, ...]:
        made = [
            Difference(
                one.rule.verdict,
                one.rule.kind,
                one.at,
                one.ours,
                one.theirs,
                one.reason,
                tuple(dict.fromkeys(one.positions)),
                one.standing,
                one.gain,
            )
            for one in self._found.values()
        ]
        return tuple(
            replace(
                one,
                verdict=Verdict.HELD,
                reason=f"held by decision: {self._held[one.at][one.theirs]}",
                gain=False,
                standing=one.at not in self._asked,
            )
            if self._is_held(one.at, one.theirs)
            else one
            for one in sorted(made, key=lambda one: (one.at, one.kind, one.theirs))
        )

    def _is_held(self, at: str, theirs: str) -> bool:
        return theirs in self._held.get(at, {})

    def _tell(
        self,
        rule: Rule,
        at: str,
        ours: str,
        theirs: str,
        positions: Iterable[str],
        *,
        reason: str = "",
        standing: bool = False,
        gain: bool = False,
    ) -> bool:
        """Note a difference; returns whether the contract is to follow it."""
        self._met.add(at)
        found = self._found.setdefault(
            (at, rule.kind, theirs),
            _Found(rule, at, ours, theirs, reason or rule.reason, standing=standing, gain=gain),
        )
        found.positions += positions
        asked, recorded = self._asked.get(at), self._recorded.get(at, {})
        if asked:
            self._held.setdefault(at, {})[theirs] = asked.because
        elif theirs in recorded:
            self._held.setdefault(at, {})[theirs] = recorded[theirs]
        elif recorded and "held before" not in found.reason:
            found.reason += f" (held before, when theirs was {' or '.join(recorded)})"
        return not self._is_held(at, theirs)

    def _settle_holds(self) -> None:
        self.unmatched = [one for at, one in self._asked.items() if at not in self._met]
        self.released = [at for at in self._recorded if at not in self._met]
        kept = [
            {"at": at, "theirs": theirs, "because": because}
            for at, decisions in self._held.items()
            for theirs, because in decisions.items()
        ]
        if kept:
            self.contract[HOLDS] = sorted(kept, key=lambda one: (one["at"], one["theirs"]))
        else:
            self.contract.pop(HOLDS, None)

    def _info(self) -> None:
        info = self.contract["info"]
        version = checked_name(self._theirs.version or "none", "#/info/version")
        was = str(info.get("version"))
        if version != was and self._tell(
            verdicts.NEW_VERSION, "#/info/version", was, version, ["all"]
        ):
            info["version"] = version
        servers = self.contract.setdefault("servers", [])
        mine = {str(one["url"]).rstrip("/"): one for one in servers}
        named = [one.get("url") for one in self._theirs.root.nodes("servers")]
        # An address that is relative, as the default is, says nothing to a client.
        theirs = [one.rstrip("/") for one in named if isinstance(one, str) and "://" in one]
        for url in dict.fromkeys(theirs):
            if url not in mine and self._tell(
                verdicts.NEW_SERVER, f"#/servers/{escaped(url)}", "none", url, ["all"]
            ):
                servers.append({"url": checked_name(url, "#/servers")})
            elif REMOVED in mine.get(url, {}):
                self._unmark(mine[url], f"#/servers/{escaped(url)}", ["all"])
        for url, server in mine.items():
            if theirs and url not in theirs:
                self._mark(verdicts.HELD_SERVER, server, f"#/servers/{escaped(url)}", url, ["all"])

    def _mark(
        self,
        rule: Rule,
        node: dict[str, Any],
        at: str,
        ours: str,
        positions: Iterable[str],
        *,
        deprecate: bool = False,
    ) -> None:
        """Hold what theirs dropped, and say since when."""
        standing = REMOVED in node
        if self._tell(rule, at, ours, "none", positions, standing=standing) and not standing:
            if deprecate:
                node["deprecated"] = True
            node[REMOVED] = self._theirs.version or "none"

    def _unmark(self, node: dict[str, Any], at: str, positions: Iterable[str]) -> None:
        if self._tell(verdicts.BACK, at, f"removed in {node[REMOVED]}", "present", positions):
            node.pop(REMOVED)
            node.pop("deprecated", None)

    def _deprecation(
        self, node: dict[str, Any], theirs: Sequence[Node], at: str, positions: Sequence[str]
    ) -> None:
        """Say what the vendor says will go."""
        marked = node.get("deprecated") is True
        if REMOVED in node or not theirs:
            return
        if all(one.get("deprecated") is True for one in theirs):
            if not marked and self._tell(
                verdicts.DEPRECATED, f"{at}/deprecated", "no", "yes", positions
            ):
                node["deprecated"] = True
        elif marked and self._tell(verdicts.WELCOME, f"{at}/deprecated", "yes", "no", positions):
            node.pop("deprecated")

    def _operation(self, mine: Operation, other: Operation | None) -> None:
        at = f"#/paths/{escaped(mine.path)}/{mine.method}"
        if other is None:
            moved = self._moved(mine)
            reason = verdicts.GONE.reason + (f"; the description has {moved}" if moved else "")
            self._tell(verdicts.GONE, at, mine.position, "none", [mine.position], reason=reason)
            return
        if other.security != mine.security and not other.security & mine.security:
            self._tell(
                verdicts.AUTH,
                f"{at}/security",
                " or ".join(sorted(mine.security)),
                " or ".join(sorted(other.security)),
                [mine.position],
            )
        self._deprecation(mine.node.value, [other.node], at, [mine.position])
        self._parameters(at, mine, other)
        self._body(at, mine, other)
        self._responses(at, mine, other)

    def _moved(self, mine: Operation) -> str:
        """Where the description has a call of the same operationId, or the same path by another method."""
        for method, path in self._theirs.calls():
            node = self._theirs.resolved(self._theirs.root / "paths" / path) / method
            same_id = node.get("operationId") == mine.node.get("operationId")
            if same_id and node.get("operationId"):
                return f"{node.get('operationId')} at {method.upper()} {path}"
        return ""

    def _parameters(self, at: str, mine: Operation, other: Operation) -> None:
        written: list[dict[str, Any]] = mine.node.value.setdefault("parameters", [])
        for key, parameter in mine.parameters.items():
            place = parameter.node.at
            position = [parameter_position(mine, key, parameter.name)]
            match = other.parameters.get(key)
            node = parameter.node.value
            ours = _declared(parameter)
            if match is None:
                if ORIGIN in node:
                    continue
                if parameter.required:
                    self._tell(verdicts.LOST_PARAMETER, place, ours, "none", position)
                else:
                    self._mark(verdicts.HELD_PARAMETER, node, place, ours, position, deprecate=True)
                continue
            if REMOVED in node:
                self._unmark(node, place, position)
            self._deprecation(node, [match.node], place, position)
            if parameter.place != "path" and "content" in match.node.value:
                # A text would be sent in quotes, as JSON.
                theirs = ", ".join(sorted(match.node.value["content"]))
                self._tell(verdicts.MEDIA, f"{place}/content", "plain", theirs, position)
            if match.required and not parameter.required:
                self._tell(
                    verdicts.NEED_PARAMETER, f"{place}/required", "optional", "required", position
                )
            elif parameter.required and not match.required:
                self._tell(
                    verdicts.OPTIONALITY,
                    f"{place}/required",
                    "required",
                    "optional",
                    position,
                    standing=True,
                )
        for key, parameter in other.parameters.items():
            # The path itself names its parameters: one that it does not name cannot be sent.
            if key not in mine.parameters and key[0] != "path":
                self._new_parameter(at, mine, key, parameter, written)

    def _new_parameter(
        self,
        at: str,
        mine: Operation,
        key: tuple[str, str],
        parameter: Parameter,
        written: list[dict[str, Any]],
    ) -> None:
        name = checked_name(parameter.name, parameter.node.at)
        place = f"{at}/parameters/{escaped(parameter.place)}/{escaped(name)}"
        position = [parameter_position(mine, key, name)]
        shape = self._theirs.shape(parameter.schema) if parameter.schema else None
        words = shape.words if shape else "anything"
        if parameter.required:
            self._tell(verdicts.NEED_PARAMETER, place, "none", f"required {words}", position)
            return
        taken = [str(one["name"]) for one in map(self._resolved, written)]
        try:
            if parameter.place not in ("query", "header", "cookie"):
                raise NotModelled(f"a parameter in {parameter.place!r} cannot be sent")  # noqa: TRY301
            if "content" in parameter.node.value:
                raise NotModelled("its value is a document, not a text")  # noqa: TRY301
            if shape is None or builder_clash(name, taken):
                raise NotModelled("its name is taken in Python" if shape else "no schema")  # noqa: TRY301
            if parameter.place != "query" and (shape.kind != "string" or shape.format):
                raise NotModelled(f"a {parameter.place} holds text alone")  # noqa: TRY301
            inner = self._theirs.shape(shape.inner) if shape.inner else shape
            if shape.kind in ("object", "map") or inner.kind in ("object", "map", "list"):
                raise NotModelled("objects cannot stand in a query")  # noqa: TRY301
            self._check_writable(place)
            if not self._tell(verdicts.NEW_PARAMETER, place, "none", words, position, gain=True):
                return
            owner = str(mine.node.get("operationId") or "call")
            schema = self._taker.take(shape, "request", owner, name)
        except NotModelled as error:
            self._found.pop((place, verdicts.NEW_PARAMETER.kind, words), None)
            rule = verdicts.UNMODELLED_PARAMETER
            reason = f"{error}: {rule.reason}"
            self._tell(rule, place, "none", words, position, reason=reason, standing=True)
            return
        text = schema.pop("description", None)
        described = {"description": text} if text else {"description": "Not described."}
        written.append({"name": name, "in": parameter.place, **described, "schema": schema})

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        return self._ours.resolved(schema_node(node, "#")).value

    def _body(self, at: str, mine: Operation, other: Operation) -> None:
        place, position = f"{at}/requestBody", [f"{mine.position} body"]
        if mine.body is None:
            if other.body is not None:
                required = other.body.required
                rule = verdicts.BODY_REQUIRED if required else verdicts.UNMODELLED_PARAMETER
                words = "required" if required else "optional"
                self._tell(rule, place, "none", words, position, standing=not required)
            return
        if other.body is None:
            self._tell(verdicts.NO_BODY, place, _media(mine.body), "none", position)
            return
        if other.body.required and not mine.body.required:
            self._tell(
                verdicts.BODY_REQUIRED, f"{place}/required", "optional", "required", position
            )
        if JSON in mine.body.media and JSON not in other.body.media:
            self._tell(verdicts.MEDIA, f"{place}/content", JSON, _media(other.body), position)

    def _responses(self, at: str, mine: Operation, other: Operation) -> None:
        written: dict[str, Any] = mine.node.value["responses"]
        for status, response in mine.responses.items():
            place = f"{at}/responses/{status}"
            position = [f"{mine.position} {status}"]
            match = answer_of(other, status)
            if match is None:
                others = [one for one in mine.responses if one in other.responses]
                if status.startswith("2") and not any(one.startswith("2") for one in others):
                    rule = replace(verdicts.NO_BODY, kind="success status removed")
                    self._tell(rule, place, _media(response), "none", position)
                else:
                    self._mark(verdicts.HELD_STATUS, written[status], place, status, position)
                continue
            if REMOVED in written[status]:
                self._unmark(written[status], place, position)
            if JSON in response.media and JSON not in match.media:
                rule = verdicts.MEDIA if match.media else verdicts.NO_BODY
                if not status.startswith("2"):
                    rule = verdicts.HELD_ERROR_BODY
                self._tell(
                    rule,
                    f"{place}/content",
                    JSON,
                    _media(match),
                    position,
                    standing=rule is verdicts.HELD_ERROR_BODY,
                )
        for status, response in other.responses.items():
            # A range that stands for one of ours is that one by another name.
            known = any(answer_of(other, one) is response for one in mine.responses)
            if status not in mine.responses and not known:
                self._new_status(f"{at}/responses/{status}", mine, status, response, written)

    def _new_status(
        self, place: str, mine: Operation, status: str, response: Message, written: dict[str, Any]
    ) -> None:
        known = (
            len(status) == 3 and status[0] in "12345" and (status.isdigit() or status[1:] == "XX")
        )
        if not known and status != "default":
            return
        position = [f"{mine.position} {status}"]
        if not self._tell(verdicts.NEW_STATUS, place, "none", _media(response), position):
            return
        self._add_in_order(written, status, self._response(mine, status, response))

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
        for name, shared in self.contract["components"].get("responses", {}).items():
            if shared.get("content") == content:
                return {"$ref": f"#/components/responses/{name}"}
        return {**made, "content": content}

    @staticmethod
    def _add_in_order(written: dict[str, Any], status: str, response: dict[str, Any]) -> None:
        """Statuses ascend, and `default` comes last."""
        later = {key: written.pop(key) for key in list(written) if key > status}
        written[status] = response
        written.update(later)

    def _kinds(self, place: Place) -> None:
        ours = place.ours
        for meeting in place.meetings:
            theirs = meeting.theirs
            inner = place.at.endswith(("/items", "/additionalProperties"))
            if inner and theirs.nullable and not ours.nullable:
                where = [meeting.position]
                self._tell(
                    verdicts.OPTIONALITY, f"{place.at}/nullable", "no", "yes", where, standing=True
                )
            if str(theirs.default) != str(ours.default):
                self._tell(
                    verdicts.DEFAULT,
                    f"{place.at}/default",
                    _shown(ours.default),
                    _shown(theirs.default),
                    [meeting.position],
                    standing=True,
                )
            if place.ours.words != meeting.theirs.words:
                self._tell(
                    verdicts.TYPE,
                    place.at,
                    place.ours.words,
                    meeting.theirs.words,
                    [meeting.position],
                )

    def _schema(self, at: str) -> dict[str, Any]:
        """Our schema at a pointer, to be changed."""
        found: Any = self.contract
        for step in at.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found[int(key) if isinstance(found, list) else key]
        return cast("dict[str, Any]", found)

    def _object(self, place: Place) -> None:
        schema = self._schema(place.at)
        for name, node in place.ours.properties.items():
            self._property(place, schema["properties"][name], name, node)
        fresh = dict.fromkeys(name for one in place.meetings for name in one.theirs.properties)
        for name in fresh:
            if name not in place.ours.properties:
                self._new_property(place, schema, name)
        for one in place.meetings:
            ghosts = (
                one.theirs.required - one.theirs.properties.keys() - place.ours.properties.keys()
            )
            for name in sorted(ghosts if one.direction == "request" else ()):
                checked_name(name, f"{one.theirs.at}/required")
                at = f"{place.at}/properties/{escaped(name)}"
                needed = [_at(one, name)]
                self._tell(verdicts.NEED_PROPERTY, at, "none", "required anything", needed)

    def _property(self, place: Place, written: dict[str, Any], name: str, node: Node) -> None:
        at = f"{place.at}/properties/{escaped(name)}"
        ours = self._ours.shape(node).words
        present = [one for one in place.meetings if self._has(one, name)]
        absent = [one for one in place.meetings if not self._has(one, name)]
        if ORIGIN in written:
            absent = []
        sent = [_at(one, name) for one in absent if one.direction == "request"]
        received = [_at(one, name) for one in absent if one.direction == "response"]
        if sent:
            self._tell(verdicts.LOST_REQUEST_PROPERTY, at, ours, "none", sent)
        elif received and not present:
            self._mark(verdicts.HELD_PROPERTY, written, at, ours, received, deprecate=True)
        elif received:
            reason = f"{verdicts.HELD_PROPERTY.reason}; other calls still have it"
            self._tell(
                verdicts.HELD_PROPERTY, at, ours, "none", received, reason=reason, standing=True
            )
        elif REMOVED in written and present:
            self._unmark(written, at, [_at(one, name) for one in present])
        nodes = [one.theirs.properties[name] for one in present]
        self._deprecation(written, nodes, at, [_at(one, name) for one in present])
        self._needs(place, present, name, node)

    def _needs(self, place: Place, present: list[Meeting], name: str, node: Node) -> None:
        """Whether a property must be there, or may be null."""
        at = f"{place.at}/properties/{escaped(name)}/required"
        mine = name in place.ours.required
        was = "required" if mine else "optional"
        needed = self._needing(present, name)
        if needed and not mine:
            self._tell(verdicts.NEED_PROPERTY, at, was, "required", needed)
            return
        for one in present:
            theirs = name in one.theirs.required
            null = self._theirs.shape(one.theirs.properties[name]).nullable
            if theirs != mine or (null and not self._ours.shape(node).nullable):
                words = ("required" if theirs else "optional") + (", null" if null else "")
                where = [_at(one, name)]
                self._tell(verdicts.OPTIONALITY, at, was, words, where, standing=True)

    def _has(self, meeting: Meeting, name: str) -> bool:
        node = meeting.theirs.properties.get(name)
        return node is not None and goes(self._theirs.shape(node), meeting.direction)

    def _needing(self, present: list[Meeting], name: str) -> list[str]:
        """Where requests must have a property: not where it is only ever answered."""
        return [
            _at(one, name)
            for one in present
            if one.direction == "request" and name in one.theirs.required and self._has(one, name)
        ]

    def _new_property(self, place: Place, schema: dict[str, Any], name: str) -> None:
        at = f"{place.at}/properties/{escaped(name)}"
        present = [one for one in place.meetings if name in one.theirs.properties]
        checked_name(name, present[0].theirs.properties[name].at)
        positions = [_at(one, name) for one in present]
        shapes = [self._theirs.shape(one.theirs.properties[name]) for one in present]
        words = shapes[0].words
        needed = self._needing(present, name)
        if needed:
            self._tell(verdicts.NEED_PROPERTY, at, "none", f"required {words}", needed)
            return
        sending = [one for one in place.meetings if one.direction == "request"]
        try:
            if not any(self._has(one, name) for one in present):
                raise NotModelled("it never goes this way")  # noqa: TRY301
            if not all(self._has(one, name) for one in sending):
                raise NotModelled("the request does not take it")  # noqa: TRY301
            if len({one.words for one in shapes}) > 1:
                raise NotModelled("calls differ in its type")  # noqa: TRY301
            if not place.ours.properties:
                raise NotModelled("callers read the object as a dict, which holds it")  # noqa: TRY301
            if clash(name, place.ours.properties.keys() | schema.get("properties", {}).keys()):
                raise NotModelled("another property has its name in Python")  # noqa: TRY301
            self._check_writable(at)
            # Taken before it is told, for only then is known whether it can be.
            if self._would_follow(at, words):
                owner = place.at.removeprefix(SCHEMAS).replace("/", " ")
                direction: Direction = "request" if sending else "response"
                taken = self._taker.take(shapes[0], direction, owner, name)
                schema.setdefault("properties", {})[name] = taken
        except NotModelled as error:
            reason = f"{error}: {verdicts.UNMODELLED.reason}"
            self._tell(
                verdicts.UNMODELLED, at, "none", words, positions, reason=reason, standing=True
            )
            return
        self._tell(verdicts.NEW_PROPERTY, at, "none", words, positions, gain=True)

    def _check_writable(self, at: str) -> None:
        if at in self._left_out:
            raise NotModelled("the generator cannot write it")

    def _would_follow(self, at: str, theirs: str) -> bool:
        return at not in self._asked and theirs not in self._recorded.get(at, {})

    def _values(self, place: Place) -> None:
        ours = place.ours.enum
        listed = [one for one in place.meetings if one.theirs.enum is not None]
        if ours is None or not listed:
            for one in place.meetings:
                if (one.theirs.enum is None) != (ours is None):
                    theirs = "any" if ours else "listed"
                    self._tell(
                        verdicts.LISTED,
                        f"{place.at}/enum",
                        "listed" if ours else "any",
                        theirs,
                        [one.position],
                        standing=True,
                    )
            return
        schema = self._schema(place.at)
        marks: dict[str, Any] = schema.get(REMOVED_VALUES, {})
        for value in ours:
            self._value(place, listed, value, schema, marks)
        offered: dict[str, list[str]] = {}
        for one in listed:
            for value in dict.fromkeys(one.theirs.enum or ()):
                offered.setdefault(value, []).append(one.position)
        new = {value: where for value, where in offered.items() if value not in ours}
        takeable = set(members(new, ours))
        for value, where in new.items():
            at = f"{place.at}/enum/{escaped(value)}"
            if value not in takeable or at in self._left_out:
                why = "it has no name of its own in Python"
                if value in takeable:
                    why = "the generator cannot write it"
                reason = f"{why}: reads as an unknown one"
                rule = verdicts.UNMODELLED
                self._tell(rule, at, "none", value, where, reason=reason, standing=True)
            elif self._tell(verdicts.NEW_MEMBER, at, "none", value, where, gain=True):
                schema["enum"].append(value)

    def _value(
        self,
        place: Place,
        listed: list[Meeting],
        value: str,
        schema: dict[str, Any],
        marks: dict[str, Any],
    ) -> None:
        at = f"{place.at}/enum/{escaped(value)}"
        absent = [one for one in listed if value not in (one.theirs.enum or ())]
        sent = [one.position for one in absent if one.direction == "request"]
        if sent:
            self._tell(verdicts.LOST_REQUEST_MEMBER, at, value, "none", sent)
        elif absent:
            where = [one.position for one in absent]
            partly = len(absent) < len(place.meetings)
            standing = value in marks or partly
            if (
                self._tell(verdicts.HELD_MEMBER, at, value, "none", where, standing=standing)
                and not standing
            ):
                schema.setdefault(REMOVED_VALUES, {})[value] = self._theirs.version or "none"
        elif value in marks and self._tell(
            verdicts.BACK,
            at,
            f"removed in {marks[value]}",
            "present",
            [one.position for one in listed],
        ):
            marks.pop(value)
            if not marks:
                schema.pop(REMOVED_VALUES)

    def _limits(self, place: Place) -> None:
        schema = self._schema(place.at)
        theirs = [one.theirs.limits for one in place.meetings]
        positions = [one.position for one in place.meetings]
        for key in LIMITS:
            mine = _limit(key, place.ours.limits)
            offered = [_limit(key, one) for one in theirs]
            loosest = None
            if None not in offered:
                if key in UPPER:
                    loosest = max(offered)
                elif key in LOWER:
                    loosest = min(offered)
                else:
                    loosest = offered[0] if len({str(one) for one in offered}) == 1 else mine
            if loosest == mine:
                continue
            at = f"{place.at}/{key}"
            ours_words, words = _shown(mine), _shown(loosest)
            if mine is None or (loosest is not None and _tighter(key, loosest, mine)):
                self._tell(verdicts.TIGHTER, at, ours_words, words, positions, standing=True)
            elif self._tell(verdicts.LOOSER, at, ours_words, words, positions):
                if loosest is None:
                    schema.pop(key)
                else:
                    schema[key] = loosest


def _limit(key: str, limits: Mapping[str, Any]) -> Any:
    value = limits.get(key)
    # At least none of them is no limit.
    return None if key in LOWER and key != "minimum" and value == 0 else value


def _tighter(key: str, theirs: Any, ours: Any) -> bool:
    if key in UPPER:
        return bool(theirs < ours)
    # Two patterns cannot be compared: ours stays.
    return bool(theirs > ours) if key in LOWER else True


def _shown(limit: Any) -> str:
    text = "none" if limit is None else str(limit)
    return text if len(text) <= 60 else text[:57] + "..."


def _at(meeting: Meeting, name: str) -> str:
    return f"{meeting.position}.{name}"


def _declared(parameter: Parameter) -> str:
    return "required" if parameter.required else "optional"


def _media(message: Message) -> str:
    return ", ".join(sorted(message.media)) or "none"
