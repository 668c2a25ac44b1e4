"""Matches the places of the contract ("ours") and of the vendor's description ("theirs").

Places are matched by the path that leads to them: operation, then parameter, body or status, then property, item or
value. The names of schemas, operations and tags are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contract.adopt import python_name, unwritable
from contract.normalize import ALIASES, SENT, anonymous
from contract.shapes import as_list, escaped, goes
from contract.verdicts import place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contract.normalize import Description, Message, Operation
    from contract.shapes import Direction, Node, Shape

JSON = "application/json"
RELIED = "x-togai-relied"


@dataclass(frozen=True)
class Meeting:
    """The counterpart of a place of the contract in the description.

    Attributes:
        position: The place on the wire.
        direction: Whether it is sent or received.
        theirs: The schema in the description.
        names: The names of our properties in the description, for those that it has.
        root: The body that it is part of, if any.
        always: Whether every request contains it, so that its default has no effect.
    """

    position: str
    direction: Direction
    theirs: Shape
    names: Mapping[str, str]
    root: Shape | None
    always: bool

    @property
    def is_request(self) -> bool:
        """Return whether it is sent."""
        return self.direction == "request"

    @property
    def is_success(self) -> bool:
        """Return whether it is part of a successful response."""
        return self.position.split()[2].startswith("2")

    @property
    def key(self) -> tuple[int, bool, bool]:
        """Return a key that is equal for the same schema in requests, in successes or in errors."""
        return self.theirs.identity, self.is_request, self.is_success

    def wire(self, name: str) -> str:
        """Return the name of a property in the description."""
        return self.names.get(name, name)

    def needs(self, name: str) -> bool:
        """Return whether it is a request that must contain a property."""
        return self.is_request and self.wire(name) in self.theirs.required

    def at(self, name: str) -> str:
        """Return the place of a property on the wire."""
        return f"{self.position}.{name}"


@dataclass
class Place:
    """A schema of the contract, as `node` writes it, and its counterparts in the description."""

    ours: Shape
    at: str
    node: Node
    meetings: list[Meeting] = field(default_factory=list[Meeting])

    def below(self, name: str) -> str:
        """Return the pointer of a property."""
        return f"{self.at}/properties/{escaped(name)}"


@dataclass
class Alignment:
    """The matching places of two descriptions.

    `uses` are the places where our schemas are used, by pointer; kinds are compared there. `schemas` are
    the schemas themselves, behind any reference: there members are compared, for meetings of the same kind.
    `names` lists the components of the contract that each schema of the description, by identity, corresponds to.
    `present` has the id() of each property of the contract that a message of the description has.
    """

    operations: dict[tuple[str, str], tuple[Operation, Operation | None]]
    uses: dict[str, Place] = field(default_factory=dict[str, Place])
    schemas: dict[str, Place] = field(default_factory=dict[str, Place])
    names: dict[int, set[str]] = field(default_factory=dict[int, set[str]])
    present: set[int] = field(default_factory=set[int])


def align(ours: Description, theirs: Description) -> Alignment:
    """Match the description with the contract.

    Raises:
        Unusable: A part of the description that our calls use cannot be read.
    """
    calls = list(theirs.calls())
    there = {(method, anonymous(path)): (method, path) for method, path in calls}
    operations: dict[tuple[str, str], tuple[Operation, Operation | None]] = {}
    for method, path in ours.calls():
        operation = ours.operation(method, path)
        call = (method, path) if (method, path) in calls else there.get(operation.key)
        operations[operation.key] = (operation, theirs.operation(*call) if call else None)
    alignment = Alignment(operations)
    walker = _Walker(ours, theirs, alignment)
    for operation, other in operations.values():
        if other is not None:
            walker.operation(operation, other)
    return alignment


class _Walker:
    def __init__(self, ours: Description, theirs: Description, alignment: Alignment) -> None:
        self._ours = ours
        self._theirs = theirs
        self._alignment = alignment
        self._seen: set[tuple[str, tuple[int, bool, bool]]] = set()
        self._root: Shape | None = None

    def operation(self, call: Operation, other: Operation) -> None:
        self._root = None
        for key, parameter in call.parameters.items():
            match = other.parameters.get(key)
            if match is not None and parameter.schema and match.schema:
                always, position = parameter.is_always_sent, place(parameter.node.at)
                is_list = self._ours.shape(parameter.schema).kind == "list"
                single = None if is_list else self._theirs.single(match)
                schema = single or match.schema
                self._walk(parameter.schema, schema, position, "request", always=always)
        if call.body and other.body:
            self._message(call.body, other.body, f"{call.position} body", "request")
        for status, response in call.responses.items():
            match_ = response_of(other, status)
            if match_ is not None:
                self._message(response, match_, f"{call.position} {status}", "response")

    def _message(self, body: Message, other: Message, position: str, direction: Direction) -> None:
        ours, theirs = json_of(body), json_of(other)
        if ours and theirs:
            self._root = self._theirs.shape(theirs)
            self._walk(ours, theirs, f"{position} $", direction, always=True)

    def _walk(
        self, node: Node, other: Node, position: str, direction: Direction, *, always: bool
    ) -> None:
        ours = self._ours.shape(node)
        # What is sent needs to fit only one of several objects.
        most = 1 if direction == "request" else None
        for theirs in variants(self._theirs, other, ours)[:most]:
            names = dict(self._names(ours, theirs, direction))
            meeting = Meeting(position, direction, theirs, names, self._root, always)
            if (node.at, meeting.key) not in self._seen:
                self._seen.add((node.at, meeting.key))
                self._meet(Place(ours, node.at, node), meeting)

    def _meet(self, use: Place, meeting: Meeting) -> None:
        ours, theirs, position = use.ours, meeting.theirs, meeting.position
        self._alignment.uses.setdefault(use.at, use).meetings.append(meeting)
        if ours.kind != theirs.kind:
            return
        schema = self._alignment.schemas.setdefault(ours.at, Place(ours, ours.at, ours.node))
        if all(meeting.key != each.key for each in schema.meetings):
            schema.meetings.append(meeting)
        if ours.name:
            self._alignment.names.setdefault(theirs.identity, set()).add(ours.name)
        for name, wire in meeting.names.items():
            inside = (ours.properties[name], theirs.properties[wire])
            if goes(self._theirs.shape(inside[1]), meeting.direction):
                self._alignment.present.add(id(inside[0].value))
            sent = name in ours.required or SENT in ours.properties[name].value
            self._walk(*inside, f"{position}.{wire}", meeting.direction, always=sent)
        if ours.inner and theirs.inner:
            step = "[]" if ours.kind == "list" else ".*"
            self._walk(ours.inner, theirs.inner, position + step, meeting.direction, always=True)

    def _names(self, ours: Shape, theirs: Shape, direction: Direction) -> Iterator[tuple[str, str]]:
        """Yield the names of each property in both: equal, an alias, or equal in Python with the same kind.

        The facade's own logic reads a property only under the names that the contract has.
        """
        fresh = {new: node for new, node in theirs.properties.items() if new not in ours.properties}
        for name, node in ours.properties.items():
            if name in theirs.properties:
                yield name, name
                continue
            kind, aliases = self._ours.shape(node).kind, as_list(node.get(ALIASES))
            fixed = RELIED in node.value and direction == "response"
            for new, other in fresh.items():
                shape = self._theirs.shape(other)
                fits = shape.kind == kind and goes(shape, direction) and not unwritable(new)
                fits &= not fixed and python_name(new) == python_name(name)
                if new in aliases or fits:
                    yield name, new
                    break


def variants(theirs: Description, node: Node, ours: Shape) -> list[Shape]:
    """Return the objects of a choice, those with most of our properties first; otherwise only the shape itself."""
    shape = theirs.shape(node)
    if ours.kind != "object" or not shape.objects:
        return [shape]
    some = [theirs.shape(each) for each in shape.objects]
    some = [replace(each, nullable=each.nullable or shape.nullable) for each in some]
    return sorted(some, key=lambda each: -len(each.properties.keys() & ours.properties.keys()))


def response_of(operation: Operation, status: str) -> Message | None:
    """Return the response of an operation for a status, listed by itself or by its range."""
    return operation.responses.get(status) or operation.responses.get(f"{status[:1]}XX")


def json_of(message: Message) -> Node | None:
    """Return the schema of a message's JSON, whatever its media type."""
    others = (media for kind, media in message.media.items() if is_json(kind))
    return message.media.get(JSON) or next(others, None)


def is_json(media: str) -> bool:
    """Return whether a media type or range can be JSON."""
    return media in (JSON, "*/*", "application/*", "text/json") or media.endswith("+json")
