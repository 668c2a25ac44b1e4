"""Two descriptions -> which place of theirs stands where which place of ours does.

Places are matched by what leads to them: operation, then parameter, body or status, then property, item or
value. The names of schemas, operations and tags play no part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from contract.normalize import anonymous
from contract.shapes import escaped

if TYPE_CHECKING:
    from contract.normalize import Description, Message, Operation, Parameter
    from contract.shapes import Node, Shape

Direction = Literal["request", "response"]
JSON = "application/json"
SENT = "x-togai-sent"


@dataclass(frozen=True)
class Meeting:
    """What a description has where ours has something.

    Attributes:
        position: Where on the wire.
        direction: Whether it is sent or received.
        theirs: What stands there.
        root: The whole body that it belongs to, if it belongs to one.
        always: Whether every request has it, so that its default plays no part.
    """

    position: str
    direction: Direction
    theirs: Shape
    root: Shape | None = None
    always: bool = False

    @property
    def is_success(self) -> bool:
        """Whether it is part of the response to a call that succeeded."""
        return self.direction == "response" and self.position.split()[2].startswith("2")


@dataclass
class Place:
    """A schema of ours, and all that stands there in theirs. `node` is ours as it is written."""

    ours: Shape
    at: str
    node: Node
    meetings: list[Meeting] = field(default_factory=list[Meeting])


@dataclass
class Alignment:
    """Where two descriptions meet.

    `uses` are the places where our schemas are used, by pointer: there kinds are compared. `schemas` are
    the schemas themselves, behind any reference: there members are compared, for meetings of the same kind.
    `names` holds which components of ours a schema of theirs, by identity, stands in for.
    """

    operations: dict[tuple[str, str], tuple[Operation, Operation | None]]
    uses: dict[str, Place] = field(default_factory=dict[str, Place])
    schemas: dict[str, Place] = field(default_factory=dict[str, Place])
    names: dict[int, set[str]] = field(default_factory=dict[int, set[str]])


def align(ours: Description, theirs: Description) -> Alignment:
    """Lay their description over ours.

    Raises:
        Unusable: What is reached in theirs cannot be read.
    """
    calls = list(theirs.calls())
    there = {(method, anonymous(path)): (method, path) for method, path in calls}
    operations: dict[tuple[str, str], tuple[Operation, Operation | None]] = {}
    for method, path in ours.calls():
        mine = ours.operation(method, path)
        exact = (method, path)
        call = exact if exact in calls else there.get(mine.key)
        operations[mine.key] = (mine, theirs.operation(*call) if call else None)
    alignment = Alignment(operations)
    walker = _Walker(ours, theirs, alignment)
    for mine, other in operations.values():
        if other is not None:
            walker.operation(mine, other)
    return alignment


class _Walker:
    def __init__(self, ours: Description, theirs: Description, alignment: Alignment) -> None:
        self._ours = ours
        self._theirs = theirs
        self._found = alignment
        self._seen: set[tuple[str, int, str]] = set()
        self._root: Shape | None = None

    def operation(self, mine: Operation, other: Operation) -> None:
        self._root = None
        for key, parameter in mine.parameters.items():
            match = other.parameters.get(key)
            if match is not None and parameter.schema and match.schema:
                position = parameter_position(mine, key, parameter.name)
                always = is_always_sent(parameter)
                self._walk(parameter.schema, match.schema, position, "request", always=always)
        if mine.body and other.body:
            self._message(mine.body, other.body, f"{mine.position} body", "request")
        for status, response in mine.responses.items():
            match_ = response_of(other, status)
            if match_ is not None:
                self._message(response, match_, f"{mine.position} {status}", "response")

    def _message(self, mine: Message, other: Message, position: str, direction: Direction) -> None:
        ours, theirs = json_of(mine), json_of(other)
        if ours and theirs:
            self._root = self._theirs.shape(theirs)
            self._walk(ours, theirs, f"{position} $", direction, always=True)

    def _walk(
        self, mine: Node, other: Node, position: str, direction: Direction, *, always: bool
    ) -> None:
        ours, theirs = self._ours.shape(mine), self._theirs.shape(other)
        seen = (mine.at, theirs.identity, direction)
        if seen in self._seen:
            return
        self._seen.add(seen)
        meeting = Meeting(position, direction, theirs, self._root, always)
        use = self._found.uses.setdefault(mine.at, Place(ours, mine.at, mine))
        use.meetings.append(meeting)
        if ours.kind != theirs.kind:
            return
        place = self._found.schemas.setdefault(ours.at, Place(ours, ours.at, ours.node or mine))
        if not any(
            (meeting.theirs.identity, meeting.direction) == (theirs.identity, direction)
            for meeting in place.meetings
        ):
            place.meetings.append(meeting)
        if ours.name:
            self._found.names.setdefault(theirs.identity, set()).add(ours.name)
        for name in [name for name in ours.properties if name in theirs.properties]:
            inside = (ours.properties[name], theirs.properties[name])
            self._walk(*inside, f"{position}.{name}", direction, always=name in ours.required)
        if ours.inner and theirs.inner:
            step = "[]" if ours.kind == "list" else ".*"
            self._walk(ours.inner, theirs.inner, position + step, direction, always=True)


def goes(shape: Shape, direction: Direction) -> bool:
    """Whether a property goes this way: read-only ones are never sent, write-only ones never received."""
    return not (shape.read_only if direction == "request" else shape.write_only)


def response_of(operation: Operation, status: str) -> Message | None:
    """The response of an operation with a status, named alone or by its range."""
    return operation.responses.get(status) or operation.responses.get(f"{status[:1]}XX")


def json_of(message: Message) -> Node | None:
    """The schema of a message's JSON, under whichever media type it stands."""
    if JSON in message.media:
        return message.media[JSON]
    return next((media for kind, media in message.media.items() if is_json(kind)), None)


def is_json(media: str) -> bool:
    """Whether a media type or range can hold JSON."""
    return media in (JSON, "*/*", "application/*", "text/json") or media.endswith("+json")


def is_always_sent(parameter: Parameter) -> bool:
    """Whether the facade sends a parameter with each call."""
    return parameter.required or parameter.node.get(SENT) == "always"


def operation_at(operation: Operation) -> str:
    """The pointer of a call of ours."""
    return f"#/paths/{escaped(operation.path)}/{operation.method}"


def parameter_position(operation: Operation, key: tuple[str, str], name: str) -> str:
    """Where a parameter goes, for people."""
    signs = {"query": "?", "path": "path ", "header": "header ", "cookie": "cookie "}
    return f"{operation.position} {signs.get(key[0], key[0] + ' ')}{name}"
