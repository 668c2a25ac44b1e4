"""Compares the schemas of two descriptions: kinds and properties."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import SCHEMAS, clash, python_name, unwritable
from contract.align import RELIED
from contract.comparison import ORIGIN, REMOVED, Comparison
from contract.normalize import ALIASES, SENT
from contract.shapes import as_list, goes, has, shown
from contract.vendor import MAX_PLACES, digest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from contract.align import Meeting, Place
    from contract.shapes import Direction, Node, Shape


# Formats that are read and written in the same way: as text, or as a number of any size.
_ALIKE = {"integer": {None, "int32", "int64"}, "number": {None, "float", "double", "decimal"}}
_MOMENTS = ("date-time", "date")


@dataclass(frozen=True)
class Property:
    """A property of an object of the contract, and its pointer."""

    place: Place
    name: str
    node: Node
    shape: Shape
    at: str


class Schemas(Comparison):
    """Compares the schemas of two descriptions, and adds to the contract what is new."""

    def use(self, place: Place) -> None:
        """Compare the schemas at a place where a schema of the contract is used."""
        for meeting in place.meetings:
            ours, theirs, where = place.ours, meeting.theirs, [meeting.position]
            is_body = meeting.is_success and meeting.position.endswith(" $")
            inner = is_body or place.at.endswith(("/items", "/additionalProperties"))
            if inner and theirs.nullable and not ours.nullable:
                rule = verdicts.NULL_ITEM if meeting.is_success else verdicts.OPTIONALITY
                rule = verdicts.NULL_BODY if is_body else rule
                self.findings.add(rule, f"{place.at}/nullable", "no", "yes", where)
            if str(theirs.default) != str(ours.default):
                matters = meeting.is_request and not meeting.always and theirs.default is not None
                rule = verdicts.DEFAULT_SENT if matters else verdicts.DEFAULT
                words = (shown(ours.default), shown(theirs.default))
                self.findings.add(rule, f"{place.at}/default", *words, where)
            if ours.words != theirs.words:
                self._words(place, meeting)

    def _words(self, place: Place, meeting: Meeting) -> None:
        ours, theirs = place.ours, meeting.theirs
        rule = verdicts.TYPE
        if meeting.is_request and self._wider(ours, theirs):
            rule = verdicts.WIDER
        elif _alike(ours, theirs, is_request=meeting.is_request):
            rule = verdicts.FORMAT
            if meeting.is_request and theirs.format and ours.kind == "string":
                rule = verdicts.CHANGED_SENT if ours.format else verdicts.TIGHTER_SENT
        elif not meeting.is_request and not meeting.is_success:
            rule = verdicts.HELD_ERROR_BODY
        covered = digest(self.theirs, theirs) if rule is verdicts.TYPE else ""
        words = (ours.words, theirs.words)
        self.findings.add(rule, place.at, *words, [meeting.position], digest=covered)

    def _wider(self, ours: Shape, theirs: Shape) -> bool:
        """Return whether a schema of another kind accepts all values of ours."""
        some = [self.theirs.shape(node).kind for node in theirs.properties.values()]
        kinds = [] if ours.kind in some or "and " in theirs.kind else re.split(", |: ", theirs.kind)
        wider = ["anything", ours.words, *(["number"] if ours.kind == "integer" else [])]
        is_known = not theirs.required and theirs.limits.items() <= ours.limits.items()
        return theirs.kind != ours.kind and is_known and not {*wider}.isdisjoint(kinds)

    def members(self, place: Place, anywhere: Collection[int]) -> None:
        """Compare the properties of an object; `anywhere` has the id() of those that a message has."""
        meetings = [meeting for meeting in place.meetings if not self._wrapped(place, meeting)]
        if not meetings:
            return
        known: set[str] = set()
        for name, node in place.ours.properties.items():
            ours = Property(place, name, node, self.ours.shape(node), place.below(name))
            known |= {name, *self._property(ours, meetings, gone=id(node.value) not in anywhere)}
        fresh = dict.fromkeys(name for meeting in meetings for name in meeting.theirs.properties)
        for name in fresh:
            if name not in known:
                self._new_property(place, meetings, name)

    def needs(self, place: Place) -> None:
        """Report what a request must contain although no schema describes it, or unless it contains an alternative."""
        ours = place.ours.properties
        sent = {name for name in ours if name in place.ours.required or SENT in ours[name].value}
        for meeting in [meeting for meeting in place.meetings if meeting.is_request]:
            described = ours.keys() | meeting.theirs.properties.keys() | place.ours.required
            for names in sorted(meeting.theirs.required - described):
                if not has(names, sent, ours):
                    words, where = ("none", "required anything"), [meeting.at(names)]
                    self.findings.add(verdicts.NEED_PROPERTY, place.below(names), *words, where)

    def _wrapped(self, place: Place, meeting: Meeting) -> bool:
        """Return whether the description has all of an object one level deeper, and record it."""
        known = {python_name(name) for name in place.ours.required or place.ours.properties}
        present = {python_name(name) for name in meeting.theirs.properties}
        if not meeting.is_success or not known or known & present:
            return False
        for name, node in meeting.theirs.properties.items():
            inner = self.theirs.shape(node)
            if inner.inner:
                inner = self.theirs.shape(inner.inner)
            deeper = {python_name(name) for name in inner.properties}
            if 2 * len(known & deeper) >= len(known):
                words, where = ("flat", f"in {name}"), [meeting.position]
                covered = digest(self.theirs, meeting.theirs)
                self.findings.add(verdicts.WRAPPED, place.at, *words, where, digest=covered)
                return True
        return False

    def _property(self, ours: Property, meetings: Sequence[Meeting], *, gone: bool) -> list[str]:
        """Compare a property; return its other names."""
        name, node = ours.name, ours.node
        present = [meeting for meeting in meetings if self._has(meeting, name)]
        absent = [meeting for meeting in meetings if meeting not in present]
        renamed = [meeting for meeting in present if meeting.wire(name) != name]
        for meeting in _deciding(renamed):
            self._renamed(ours, meeting)
        for meeting in _deciding(absent) if ORIGIN not in node.value else ():
            self._absent(ours, meeting, gone=gone)
        if not absent:
            self._restored(ours, _places(present, name))
        nodes = [meeting.theirs.properties[meeting.wire(name)] for meeting in present]
        deprecated = [self.theirs.shape(theirs).deprecated for theirs in nodes]
        self.deprecation(node.value, deprecated, ours.at, _places(present, name))
        self._needs(ours, present)
        return [name, *as_list(node.get(ALIASES)), *(meeting.wire(name) for meeting in renamed)]

    def _absent(self, ours: Property, meeting: Meeting, *, gone: bool) -> None:
        """Record a property that a message of the description does not have."""
        where, rule = [meeting.at(ours.name)], verdicts.HELD_PROPERTY
        if meeting.is_request:
            rule = verdicts.LOST_REQUEST_PROPERTY
        elif meeting.is_success and RELIED in ours.node.value:
            rule = verdicts.LOST_RELIED
        elif meeting.is_success and ours.name in ours.place.ours.required:
            rule = verdicts.LOST_READ
        words, hints = ours.shape.words, self._hints(ours, meeting)
        now = "none" if gone else "none in some calls"
        is_marked = gone and rule is verdicts.HELD_PROPERTY
        known = is_marked and REMOVED in ours.node.value
        added = self.findings.add(rule, ours.at, words, now, where, known=known, hints=hints)
        if added and is_marked:
            ours.node.value["deprecated"] = True
            ours.node.value.setdefault(REMOVED, self.today)

    def _restored(self, ours: Property, where: list[str]) -> None:
        """Remove the mark from a property that the description has again."""
        node = ours.node.value
        was = f"removed in {node.get(REMOVED)}"
        if REMOVED in node and self.findings.add(verdicts.BACK, ours.at, was, "present", where):
            node.pop(REMOVED)
            node.pop("deprecated", None)

    def _renamed(self, ours: Property, meeting: Meeting) -> None:
        """Record a new name of a property; what is sent under another name needs a decision."""
        alias, where = meeting.wire(ours.name), [meeting.at(ours.name)]
        known: list[str] = as_list(ours.node.get(ALIASES))
        new, old, reason = ours.name, alias, ""
        if meeting.is_request and not self.write:
            rule = verdicts.RENAMED_REQUEST_PROPERTY
            self.findings.add(rule, ours.at, new, old, where, known=alias in known)
            return
        if meeting.is_request:
            new, old = (old, new) if self.write == "NEW" else (new, old)
            reason = f"both names are read; {new} is sent, by decision"
        elif alias in known:
            return
        if self.findings.add(verdicts.ALIAS, ours.at, ours.name, alias, where, reason=reason):
            aliases = dict.fromkeys([*known, old])
            ours.node.value[ALIASES] = [name for name in aliases if name != new]
            _rename(ours.place.node.value, ours.name, new)

    def _hints(self, ours: Property, meeting: Meeting) -> list[str]:
        """Return where a property may be now: under another name in the same object, or in another object."""
        if ours.name in meeting.theirs.properties:
            return ["read-only" if meeting.is_request else "write-only"]
        known, words = ours.place.ours.properties.keys(), ours.shape.words
        beside = [
            f"renamed to {new}?"
            for new, theirs in meeting.theirs.properties.items()
            if not clash(new, known - {ours.name}) and self.theirs.shape(theirs).words == words
        ]
        places = islice(self.theirs.walk(meeting.root) if meeting.root else (), MAX_PLACES)
        own = f"${meeting.position.partition('$')[2]}."
        moved = [
            f"moved to {at}?"
            for at, shape, _ in places
            if python_name(at.rpartition(".")[2]) == python_name(ours.name)
            and shape.words == words
            and re.search(r"(?<!choice \d)\.", at.removeprefix(own))
        ]
        return [*beside[:3], *(moved if len(moved) <= 2 else ())]

    def _needs(self, ours: Property, present: Sequence[Meeting]) -> None:
        """Compare whether a property is required, or may be null."""
        required = ours.name in ours.place.ours.required
        at, was = f"{ours.at}/required", verdicts.need(required)
        needed = [meeting.at(ours.name) for meeting in present if meeting.needs(ours.name)]
        if needed and not required and SENT not in ours.node.value:
            self.findings.add(verdicts.NEED_PROPERTY, at, was, "required", needed)
            return
        for meeting in present:
            wire = meeting.wire(ours.name)
            theirs = wire in meeting.theirs.required
            null = self.theirs.shape(meeting.theirs.properties[wire]).nullable
            if theirs != required or (null and not ours.shape.nullable):
                words = verdicts.need(theirs) + (", null" if null else "")
                weaker = meeting.is_success and required
                rule = verdicts.WEAKER if weaker else verdicts.OPTIONALITY
                gets = verdicts.WEAKER_RELIED if weaker and RELIED in ours.node.value else ""
                self.findings.add(rule, at, was, words, [meeting.at(ours.name)], gets=gets)

    def _has(self, meeting: Meeting, name: str) -> bool:
        node = meeting.theirs.properties.get(meeting.wire(name))
        return node is not None and goes(self.theirs.shape(node), meeting.direction)

    def _new_property(self, place: Place, meetings: Sequence[Meeting], name: str) -> None:
        at = place.below(name)
        present = [meeting for meeting in meetings if name in meeting.theirs.properties]
        sent = [meeting for meeting in present if meeting.is_request and self._has(meeting, name)]
        needed = [meeting for meeting in sent if meeting.needs(name)]
        shape = self.theirs.shape((sent or present)[0].theirs.properties[name])
        if needed:
            words, where = f"required {shape.words}", _places(needed, name)
            self.findings.add(verdicts.NEED_PROPERTY, at, "none", words, where)
        elif sent and shape.has_effect:
            words, where = f"{shape.words}, default {shown(shape.default)}", _places(sent, name)
            self.findings.add(verdicts.NEW_DEFAULT_PROPERTY, at, "none", words, where)
        else:
            self._gain(place, present, name)

    def _gain(self, place: Place, present: Sequence[Meeting], name: str) -> None:
        """Add a new property to the contract, if it has a model."""
        at, where = place.below(name), _places(present, name)
        shapes = [self.theirs.shape(meeting.theirs.properties[name]) for meeting in present]
        words, why = shapes[0].words, self._unfit(place, name, present, shapes)
        taken: dict[str, Any] = {}
        if not why:
            sending = any(meeting.is_request for meeting in place.meetings)
            owner = place.at.removeprefix(SCHEMAS).replace("/", " ")
            direction: Direction = "request" if sending else "response"
            taken, why = self.taken(at, shapes[0], direction, owner, name)
        if why:
            rule, covered = verdicts.UNMODELLED, digest(self.theirs, shapes[0])
            why = f"{why}: {rule.reason}"
            self.findings.add(rule, at, "none", words, where, reason=why, digest=covered)
        elif self.findings.add(verdicts.NEW_PROPERTY, at, "none", words, where):
            place.node.value.setdefault("properties", {})[name] = taken

    def _unfit(
        self, place: Place, name: str, present: Sequence[Meeting], shapes: Sequence[Shape]
    ) -> str:
        """Return the reason why a new property cannot be part of a model; empty if it can."""
        sending = [meeting for meeting in place.meetings if meeting.is_request]
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
        # With the properties that this bump added.
        added = {each for part in parts_of(place.node.value) for each in part.get("properties", ())}
        taken = clash(name, added | place.ours.properties.keys())
        return "another property has its name in Python" if taken else ""


def _deciding(meetings: list[Meeting]) -> list[Meeting]:
    """Return the requests if there are any: responses follow them."""
    return [meeting for meeting in meetings if meeting.is_request] or meetings


def _places(meetings: Sequence[Meeting], name: str) -> list[str]:
    return [meeting.at(name) for meeting in meetings]


def _alike(ours: Shape, theirs: Shape, *, is_request: bool) -> bool:
    """Return whether values of both are read and written in the same way."""
    if ours.kind == "number" and theirs.kind == "integer" and not is_request:
        return True
    if ours.kind != theirs.kind:
        return False
    if ours.kind == "string":
        is_moment = ours.format in _MOMENTS and not (is_request and theirs.format is None)
        return not is_moment and theirs.format != "binary"
    known = _ALIKE.get(ours.kind, set())
    return ours.format in known and theirs.format in known


def parts_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a schema that is composed with `allOf`: itself first."""
    return [schema, *schema.get("allOf", ())]


def _rename(schema: dict[str, Any], old: str, new: str) -> None:
    """Rename a property without changing its position."""
    for part in parts_of(schema):
        if "properties" in part:
            renamed = {new if key == old else key: node for key, node in part["properties"].items()}
            part["properties"] = renamed
        if "required" in part:
            part["required"] = [new if name == old else name for name in part["required"]]
