"""Compares the schemas of two descriptions: kinds, properties, enums and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import SCHEMAS, NotModelled, clash, python_name, unwritable
from contract.align import Meeting, Place, goes
from contract.marks import ORIGIN, REMOVED, Comparison, need
from contract.shapes import escaped, shown
from contract.vendor import digest, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contract.align import Direction
    from contract.shapes import Node, Shape

ALIASES = "x-togai-aliases"
RELIED = "x-togai-relied"

# Formats that are read and written in the same way: as text, or as a number of any size.
_ALIKE = {"integer": {None, "int32", "int64"}, "number": {None, "float", "double", "decimal"}}
_MOMENTS = ("date-time", "date")


@dataclass(frozen=True)
class Schemas(Comparison):
    """Compares the schemas of two descriptions, and adds to the contract what is new.

    Attributes:
        write: The name under which a renamed request property is sent: "OLD", "NEW", or empty for a conflict.
    """

    write: str

    def use(self, place: Place) -> None:
        """Compare the schemas at a place where a schema of the contract is used."""
        ours = place.ours
        for meeting in place.meetings:
            theirs, where = meeting.theirs, [meeting.position]
            inner = place.at.endswith(("/items", "/additionalProperties"))
            if inner and theirs.nullable and not ours.nullable:
                at = f"{place.at}/nullable"
                self.findings.add(verdicts.OPTIONALITY, at, "no", "yes", where, known=True)
            self._default(place, meeting)
            if ours.words != theirs.words:
                self._words(place, meeting)

    def _default(self, place: Place, meeting: Meeting) -> None:
        ours, theirs = place.ours.default, meeting.theirs.default
        if str(theirs) == str(ours):
            return
        matters = meeting.direction == "request" and not meeting.always and theirs is not None
        rule = verdicts.DEFAULT_SENT if matters else verdicts.DEFAULT
        at, words = f"{place.at}/default", (shown(ours), shown(theirs))
        self.findings.add(rule, at, *words, [meeting.position], known=not matters)

    def _words(self, place: Place, meeting: Meeting) -> None:
        ours, theirs = place.ours, meeting.theirs
        rule = verdicts.TYPE
        if meeting.direction == "response" and not meeting.is_success:
            rule = verdicts.HELD_ERROR_BODY
        elif _alike(ours, theirs, meeting.direction):
            named = theirs.format and theirs.format != ours.format
            tighter = meeting.direction == "request" and named and ours.kind == "string"
            rule = verdicts.TIGHTER_SENT if tighter else verdicts.FORMAT
        covered = digest(self.theirs, theirs) if rule is verdicts.TYPE else ""
        self.findings.add(
            rule, place.at, ours.words, theirs.words, [meeting.position], digest=covered
        )

    def members(self, place: Place) -> None:
        """Compare the properties of an object."""
        meetings = [meeting for meeting in place.meetings if not self._wrapped(place, meeting)]
        if not meetings:
            return
        for name, node in place.ours.properties.items():
            self._property(place, meetings, name, node)
        aliases = {
            alias for node in place.ours.properties.values() for alias in node.get(ALIASES) or ()
        }
        fresh = dict.fromkeys(name for meeting in meetings for name in meeting.theirs.properties)
        for name in fresh:
            if name not in place.ours.properties and name not in aliases:
                self._new_property(place, meetings, name)
        for meeting in meetings:
            if meeting.direction == "request":
                self._ghosts(place, meeting)

    def _ghosts(self, place: Place, meeting: Meeting) -> None:
        """Compare the properties that a request must contain although no schema describes them."""
        known = meeting.theirs.properties.keys() | place.ours.properties.keys()
        for name in sorted(meeting.theirs.required - known):
            at = f"{place.at}/properties/{escaped(name)}"
            words = ("none", "required anything")
            self.findings.add(verdicts.NEED_PROPERTY, at, *words, [_at(meeting, name)])

    def _wrapped(self, place: Place, meeting: Meeting) -> bool:
        """Return whether the description has all of an object one level deeper, and record it."""
        known = {python_name(name) for name in place.ours.required or place.ours.properties}
        present = {python_name(name) for name in meeting.theirs.properties}
        if not meeting.is_success or not known or known & present:
            return False
        for name, node in meeting.theirs.properties.items():
            inner = self.theirs.shape(node)
            if inner.kind == "list" and inner.inner:
                inner = self.theirs.shape(inner.inner)
            deeper = {python_name(name) for name in inner.properties}
            if 2 * len(known & deeper) >= len(known) and known & deeper:
                theirs = f"in {name}"
                where = [meeting.position]
                covered = digest(self.theirs, meeting.theirs)
                self.findings.add(verdicts.WRAPPED, place.at, "flat", theirs, where, digest=covered)
                return True
        return False

    def _property(self, place: Place, meetings: Sequence[Meeting], name: str, node: Node) -> None:
        at, written = f"{place.at}/properties/{escaped(name)}", node.value
        names = (name, *(written.get(ALIASES) or ()))
        present = [
            meeting for meeting in meetings if any(self._has(meeting, each) for each in names)
        ]
        absent = [meeting for meeting in meetings if meeting not in present]
        if ORIGIN not in written:
            self._absent(place, name, node, present, absent)
        if REMOVED in written and not absent:
            self.marks.release(written, at, [_at(meeting, name) for meeting in present])
        present = [meeting for meeting in present if name in meeting.theirs.properties]
        nodes = [meeting.theirs.properties[name] for meeting in present]
        self.marks.deprecation(written, nodes, at, [_at(meeting, name) for meeting in present])
        self._needs(place, present, name, node)

    def _absent(
        self,
        place: Place,
        name: str,
        node: Node,
        present: Sequence[Meeting],
        absent: Sequence[Meeting],
    ) -> None:
        """Record a property that some messages of the description do not have."""
        at = f"{place.at}/properties/{escaped(name)}"
        words = self.ours.shape(node).words
        # Requests decide; responses follow.
        for meeting in [meeting for meeting in absent if meeting.direction == "request"] or absent:
            alias, where = self._alias(place, meeting, name, node), [_at(meeting, name)]
            if meeting.direction == "request" and alias:
                self._renamed_request(place, name, node, alias, where)
            elif meeting.direction == "request":
                rule = verdicts.LOST_REQUEST_PROPERTY
                hints = self._hints(place, meeting, name, node)
                self.findings.add(rule, at, words, "none", where, hints=hints)
            elif alias and RELIED not in node.value:
                if self.findings.add(verdicts.ALIAS, at, name, alias, where, gain=False):
                    aliases: list[str] = node.value.setdefault(ALIASES, [])
                    aliases += [alias] if alias not in aliases else []
            else:
                self._lost_response(place, name, node, meeting, present)

    def _lost_response(
        self, place: Place, name: str, node: Node, meeting: Meeting, present: Sequence[Meeting]
    ) -> None:
        at = f"{place.at}/properties/{escaped(name)}"
        words, where = self.ours.shape(node).words, [_at(meeting, name)]
        hints = self._hints(place, meeting, name, node)
        if meeting.is_success and RELIED in node.value:
            rule = verdicts.LOST_RELIED
        elif meeting.is_success and name in place.ours.required:
            rule = verdicts.LOST_READ
        elif not present:
            self.marks.hold(
                verdicts.HELD_PROPERTY, node.value, at, words, where, deprecate=True, hints=hints
            )
            return
        else:
            rule = verdicts.HELD_PROPERTY
        self.findings.add(rule, at, words, "none", where, hints=hints)

    def _alias(self, place: Place, meeting: Meeting, name: str, node: Node) -> str:
        """Return the new name of a property: a property with the same name in Python and the same shape."""
        shape = self.ours.shape(node)
        for new, theirs in meeting.theirs.properties.items():
            alike = python_name(new) == python_name(name) and new not in place.ours.properties
            if alike and not unwritable(new):
                other = self.theirs.shape(theirs)
                if other.words == shape.words and goes(other, meeting.direction):
                    return new
        return ""

    def _renamed_request(
        self, place: Place, name: str, node: Node, alias: str, where: list[str]
    ) -> None:
        at = f"{place.at}/properties/{escaped(name)}"
        if not self.write:
            self.findings.add(verdicts.RENAMED_REQUEST_PROPERTY, at, name, alias, where)
            return
        new, old = (alias, name) if self.write == "NEW" else (name, alias)
        reason = f"both names are read; {new} is sent, by decision"
        if self.findings.add(verdicts.ALIAS, at, name, alias, where, reason=reason):
            node.value[ALIASES] = list(dict.fromkeys([*(node.value.get(ALIASES) or ()), old]))
            _rename(place.node.value, name, new)

    def _hints(self, place: Place, meeting: Meeting, name: str, node: Node) -> list[str]:
        """Return where a property may be now: under another name in the same object, or in another object."""
        if name in meeting.theirs.properties:
            return ["read-only" if meeting.direction == "request" else "write-only"]
        shape = self.ours.shape(node)
        beside = [
            f"renamed to {new}?"
            for new, theirs in meeting.theirs.properties.items()
            if new not in place.ours.properties
            and not clash(new, place.ours.properties.keys() - {name})
            and self.theirs.shape(theirs).words == shape.words
        ]
        elsewhere = (
            find(self.theirs, meeting.root, python_name(name), shape.words) if meeting.root else []
        )
        own = f"${meeting.position.partition('$')[2]}."
        moved = [f"moved to {at}?" for at in elsewhere if "." in at.removeprefix(own)]
        return [*beside[:3], *(moved if len(moved) <= 2 else ())]

    def _needs(self, place: Place, present: Sequence[Meeting], name: str, node: Node) -> None:
        """Compare whether a property is required, or may be null."""
        at = f"{place.at}/properties/{escaped(name)}/required"
        is_required = name in place.ours.required
        was = need(is_required)
        needed = self._needing(present, name)
        if needed and not is_required:
            self.findings.add(verdicts.NEED_PROPERTY, at, was, "required", needed)
            return
        for meeting in present:
            theirs = name in meeting.theirs.required
            null = self.theirs.shape(meeting.theirs.properties[name]).nullable
            if theirs != is_required or (null and not self.ours.shape(node).nullable):
                words = need(theirs) + (", null" if null else "")
                weaker = meeting.is_success and is_required
                rule = verdicts.WEAKER if weaker else verdicts.OPTIONALITY
                where = [_at(meeting, name)]
                self.findings.add(rule, at, was, words, where, known=not weaker)

    def _has(self, meeting: Meeting, name: str) -> bool:
        node = meeting.theirs.properties.get(name)
        return node is not None and goes(self.theirs.shape(node), meeting.direction)

    def _needing(self, present: Iterable[Meeting], name: str) -> list[str]:
        """Return the places where requests must contain a property; not those where it is only received."""
        return [
            _at(meeting, name)
            for meeting in present
            if meeting.direction == "request"
            and name in meeting.theirs.required
            and self._has(meeting, name)
        ]

    def _new_property(self, place: Place, meetings: Sequence[Meeting], name: str) -> None:
        at = f"{place.at}/properties/{escaped(name)}"
        present = [meeting for meeting in meetings if name in meeting.theirs.properties]
        positions = [_at(meeting, name) for meeting in present]
        shapes = [self.theirs.shape(meeting.theirs.properties[name]) for meeting in present]
        words = shapes[0].words
        if any(clash(name, [known]) for known in self._renamed(place)):
            return
        needed = self._needing(present, name)
        if needed:
            self.findings.add(verdicts.NEED_PROPERTY, at, "none", f"required {words}", needed)
            return
        if self._default_applies(at, present, name):
            return
        why = self._unfit(place, name, present, shapes)
        if not why and self.findings.is_free(at, words):
            sending = any(meeting.direction == "request" for meeting in place.meetings)
            direction: Direction = "request" if sending else "response"
            owner = place.at.removeprefix(SCHEMAS).replace("/", " ")
            try:
                taken = self.taker.take(shapes[0], direction, owner, name)
                _own_properties(place.node.value)[name] = taken
            except NotModelled as error:
                why = str(error)
        if why:
            rule = verdicts.UNMODELLED
            why = f"{why}: {rule.reason}"
            self.findings.add(
                rule, at, "none", words, positions, reason=why, known=True,
                digest=digest(self.theirs, shapes[0]),
            )  # fmt: skip
            return
        self.findings.add(verdicts.NEW_PROPERTY, at, "none", words, positions, gain=True)

    def _default_applies(self, at: str, present: Sequence[Meeting], name: str) -> bool:
        """Return whether a new property of a request has a default with an effect, and record it."""
        sent = [each for each in present if each.direction == "request" and self._has(each, name)]
        shape = self.theirs.shape(sent[0].theirs.properties[name]) if sent else None
        if shape is None or not shape.has_effect:
            return False
        words = f"{shape.words}, default {shown(shape.default)}"
        where = [_at(meeting, name) for meeting in sent]
        self.findings.add(verdicts.NEW_DEFAULT_PROPERTY, at, "none", words, where)
        return True

    def _renamed(self, place: Place) -> Iterable[str]:
        """Yield the known properties that some request of the description has only under another name."""
        for name, node in place.ours.properties.items():
            for meeting in place.meetings:
                missing = meeting.direction == "request" and name not in meeting.theirs.properties
                if missing and self._alias(place, meeting, name, node):
                    yield name

    def _unfit(
        self, place: Place, name: str, present: Sequence[Meeting], shapes: Sequence[Shape]
    ) -> str:
        """Return the reason why a new property cannot be part of a model; empty if it can."""
        sending = [meeting for meeting in place.meetings if meeting.direction == "request"]
        if unwritable(name):
            return unwritable(name)
        if not any(self._has(meeting, name) for meeting in present):
            return "it never goes this way"
        if not all(self._has(meeting, name) for meeting in sending):
            return "the request does not take it"
        if len({shape.words for shape in shapes}) > 1:
            return "calls differ in its type"
        if not place.ours.properties:
            return "callers read the object as a dict, which holds it"
        taken = clash(name, self._names(place))
        return "another property has its name in Python" if taken else ""

    def _names(self, place: Place) -> set[str]:
        """Return the properties of an object, including those that this bump added."""
        parts = [place.node.value, *place.node.value.get("allOf", ())]
        added = {name for part in parts for name in part.get("properties", ())}
        return added | place.ours.properties.keys()


def _alike(ours: Shape, theirs: Shape, direction: Direction) -> bool:
    """Return whether values of both are read and written in the same way."""
    if ours.kind == "number" and theirs.kind == "integer" and direction == "response":
        return True
    if ours.kind != theirs.kind:
        return False
    if ours.kind == "string":
        return ours.format not in _MOMENTS and theirs.format != "binary"
    known = _ALIKE.get(ours.kind, set())
    return ours.format in known and theirs.format in known


def _own_properties(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the mapping of an object, composed or not, to which a property is added."""
    parts: list[dict[str, Any]] = schema.get("allOf", [])
    if "properties" in schema or not parts:
        properties: dict[str, Any] = schema.setdefault("properties", {})
        return properties
    if not any("properties" in part for part in parts):
        parts.append({"type": "object", "properties": {}})
    own: dict[str, Any] = [part for part in parts if "properties" in part][-1]["properties"]
    return own


def _rename(schema: dict[str, Any], old: str, new: str) -> None:
    """Rename a property without changing its position."""
    for part in (schema, *schema.get("allOf", ())):
        if old in part.get("properties", {}) and old != new:
            renamed = {new if key == old else key: node for key, node in part["properties"].items()}
            part["properties"] = renamed
        if old in part.get("required", ()):
            part["required"] = [new if name == old else name for name in part["required"]]


def _at(meeting: Meeting, name: str) -> str:
    return f"{meeting.position}.{name}"
