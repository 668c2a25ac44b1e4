"""Reads the operations of a description and the shapes of its schemas, independent of the notation.

References, composition, both dialects of null and the names of components are resolved here: two descriptions
of the same wire give the same operations and shapes. Only what is requested is read, so that the
rest of a description costs nothing and cannot do harm.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from contract.load import MAX_DEPTH, Unusable
from contract.shapes import (
    PROSE_KEY,
    Node,
    Shape,
    as_list,
    choice,
    combined,
    escaped,
    flagged,
    own,
    says_something,
    schema_node,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MAX_SHAPES = 20_000
MAX_OBJECTS = 100

# An extension that marks the canonical form, which contains only facts about the wire.
AUTH = "x-togai-auth"

# Extensions of the contract.
SENT = "x-togai-sent"
ALIASES = "x-togai-aliases"

# A header parameter with one of these names is ignored (OpenAPI, Parameter Object).
_NO_PARAMETERS = ("accept", "authorization", "content-type")


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation. If a path names a parameter without declaring it, the parameter has no schema."""

    name: str
    place: str
    required: bool
    schema: Node | None
    node: Node

    @property
    def is_always_sent(self) -> bool:
        """Return whether the facade sends it with each call."""
        return self.required or self.node.get(SENT) == "always"

    @property
    def style(self) -> str:
        """Return how several values are written, such as `form` for `a=1&a=2`, and `form, joined` for `a=1,2`."""
        usual = "form" if self.place in ("query", "cookie") else "simple"
        style = str(self.node.get("style") or usual)
        is_exploded = self.node.value.get("explode", style == "form") is True
        return style if is_exploded else f"{style}, joined"


@dataclass(frozen=True)
class Message:
    """A request body or a response: its media types and their schemas."""

    node: Node
    media: Mapping[str, Node]
    required: bool = False


@dataclass(frozen=True)
class Operation:
    """One call. The path's parameters are keyed by their order in the path, the others by their names."""

    method: str
    path: str
    node: Node
    parameters: Mapping[tuple[str, str], Parameter]
    body: Message | None
    responses: Mapping[str, Message]
    security: frozenset[str]
    servers: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Return the method, and the path without the names of its parameters."""
        return self.method, anonymous(self.path)

    @property
    def at(self) -> str:
        """Return the pointer of the call."""
        return call_at(self.method, self.path)

    @property
    def position(self) -> str:
        """Return the method and the path, for messages."""
        return f"{self.method.upper()} {self.path}"


def call_at(method: str, path: str) -> str:
    """Return the pointer of a call."""
    return f"#/paths/{escaped(path)}/{method}"


def anonymous(path: str) -> str:
    """Return a path without a trailing slash and without the names of its parameters."""
    return re.sub(r"\{[^{}]*\}", "{}", path.rstrip("/")) or "/"


class Description:
    """An OpenAPI description, read from its operations; `canonical` if `vendor.canonical` wrote it."""

    def __init__(self, document: dict[str, Any], *, canonical: bool = False) -> None:
        self.root = Node(document, "#")
        self.version = str((self.root / "info").get("version") or "")
        self._new_dialect = not str(document.get("openapi")).startswith("3.0")
        self._is_canonical = canonical
        # With the nodes, so that no node is freed and its id() reused.
        self._shapes: dict[int, tuple[Node, Shape]] = {}
        self._open: set[int] = set()
        self._synthetic: dict[tuple[int, int], Node] = {}

    def calls(self) -> Iterator[tuple[str, str]]:
        """Yield the method and the path of each operation, as written; not those behind a broken reference."""
        paths = self.root / "paths"
        for path in [path for path, value in paths.value.items() if isinstance(value, dict)]:
            with suppress(Unusable):  # It may not be one of our calls.
                item = self.resolved(paths / path)
                yield from ((method, path) for method in METHODS if method in item.value)

    def operation(self, method: str, path: str) -> Operation:
        """Return an operation by its method and its path as written.

        Raises:
            Unusable: A part of it is not valid there.
        """
        item = self.resolved((self.root / "paths") / path)
        node = item / method
        declared = [*item.nodes("parameters"), *node.nodes("parameters")]
        body = self.resolved(node / "requestBody") if node.get("requestBody") is not None else None
        responses = node / "responses"
        return Operation(
            method,
            path,
            node,
            dict(self._parameters(method, path, declared)),
            None if body is None else self.message(body, required=body.get("required") is True),
            {
                # 4xx is the same as 4XX.
                re.sub("(?<=^.)xx$", "XX", status): self.message(self.resolved(responses / status))
                for status in responses.value
                if not status.startswith("x-")
            },
            self._security(node),
            self.servers(node, item),
        )

    def servers(self, *holders: Node) -> tuple[str, ...]:
        """Return the servers of the first holder that lists any, otherwise those of the whole description."""
        for holder in (*holders, self.root):
            if holder.get("servers"):
                return tuple(_address(server) for server in holder.nodes("servers"))
        return ()

    def _parameters(
        self, method: str, path: str, declared: list[Node]
    ) -> Iterator[tuple[tuple[str, str], Parameter]]:
        names = re.findall(r"\{([^{}]*)\}", path)
        undeclared: list[dict[str, Any]] = [{"name": name, "in": "path"} for name in names]
        for value in [*undeclared, *(self.resolved(each).value for each in declared)]:
            name, place = str(value.get("name")), str(value.get("in"))
            # Named instead of numbered, and where it is used: a pointer that people and holds can refer to.
            at = f"{call_at(method, path)}/parameters/{escaped(place)}/{escaped(name)}"
            node = Node(value, at)
            if place == "header" and name.lower() in _NO_PARAMETERS:
                continue
            content = [node / "content" / media / "schema" for media in (node / "content").value]
            schema = node / "schema" if "schema" in node.value else next(iter(content), None)
            required = place == "path" or node.get("required") is True
            # A path parameter that the path does not name cannot be sent.
            key = str(names.index(name)) if place == "path" and name in names else name
            key = name.lower() if place == "header" else key
            yield (place, key), Parameter(name, place, required, schema, node)

    def message(self, node: Node, *, required: bool = False) -> Message:
        """Return a request body, a response, or a header that has `content`."""
        content = node / "content"
        media = {
            kind.partition(";")[0].strip().lower(): self.resolved(content / kind) / "schema"
            for kind in content.value
        }
        return Message(node, media, required)

    def _security(self, operation: Node) -> frozenset[str]:
        """Return the ways to authenticate, each in words; schemes that are required together are joined by a plus."""
        if self._is_canonical:
            return frozenset(str(way) for way in as_list(operation.get(AUTH)))
        holder = operation if "security" in operation.value else self.root
        schemes = self.root / "components" / "securitySchemes"
        ways: set[str] = set()
        for way in holder.nodes("security"):
            words: list[str] = []
            for name, scopes in way.value.items():
                scheme = self.resolved(schemes / name)
                parts = (scheme.get("type"), scheme.get("scheme"), scheme.get("in"))
                named = scheme.get("name") if scheme.get("type") == "apiKey" else None
                told = " ".join(str(part).lower() for part in (*parts, named) if part)
                needed = f" with {', '.join(sorted(map(str, scopes)))}" if scopes else ""
                words.append((told or f"{name} (not defined)") + needed)
            ways.add(" + ".join(sorted(words)) or "none")
        return frozenset(ways or {"none"})

    def resolved(self, node: Node) -> Node:
        """Return the node at the end of a chain of references.

        Raises:
            Unusable: A reference leads out of the description, is broken, or is circular.
        """
        seen: list[Any] = []
        while (ref := node.get("$ref")) is not None:
            where = f"{node.at}: the reference {repr(ref)[:80]}"
            if ref in seen:
                raise Unusable(f"{where} is circular")
            seen.append(ref)
            node = self._target(str(ref), where)
        return node

    def _target(self, ref: str, where: str) -> Node:
        target: Any = self.root.value
        if not ref.startswith("#/"):
            words = "is not a JSON pointer into the description, such as #/components/schemas/X"
            raise Unusable(f"{where} {words}: bundle the description first")
        steps = [unquote(step).replace("~1", "/").replace("~0", "~") for step in ref.split("/")[1:]]
        for step in steps:
            if isinstance(target, list) and step.isdigit() and int(step) < len(target):  # pyright: ignore[reportUnknownArgumentType]
                target = target[int(step)]  # pyright: ignore[reportUnknownVariableType]
            elif isinstance(target, dict) and step in target:
                target = target[step]  # pyright: ignore[reportUnknownVariableType]
            else:
                raise Unusable(f"{where} cannot be resolved")
        return schema_node(target, "#" + "".join(f"/{escaped(step)}" for step in steps))

    def shape(self, node: Node) -> Shape:
        """Return the shape of a schema.

        Raises:
            Unusable: The schema composes itself, has a broken reference, or is not a schema.
        """
        key = id(node.value)
        if key not in self._shapes:
            if key in self._open:
                raise Unusable(f"{node.at} is composed of itself")
            if len(self._open) > MAX_DEPTH // 2:
                raise Unusable(f"{node.at} is composed too deep")
            if len(self._shapes) > MAX_SHAPES:
                raise Unusable(f"{node.at}: our calls reach more than {MAX_SHAPES} schemas")
            self._open.add(key)
            try:
                self._shapes[key] = (node, self._make(node))
            finally:
                self._open.discard(key)
        return self._shapes[key][1]

    def single(self, parameter: Parameter) -> Node | None:
        """Return the schema of one value of a query parameter that is a list, if a list may have one."""
        if parameter.schema is None or parameter.place != "query":
            return None
        shape = self.shape(parameter.schema)
        few = shape.limits.get("minItems", 0) <= 1 <= shape.limits.get("maxItems", 1)
        return shape.inner if shape.kind == "list" and few and shape.default is None else None

    def walk(
        self, shape: Shape, at: str = "$", needed: str = "each", inside: tuple[int, ...] = ()
    ) -> Iterator[tuple[str, Shape, str]]:
        """Yield each place of a schema, what it allows, and whether it is required; itself first.

        A schema is not entered again inside itself. Nested schemas can multiply: take only as many as needed.
        """
        yield at, shape, needed
        if shape.identity in inside:
            return
        inside = (*inside, shape.identity)
        for name, node in shape.properties.items():
            needed = "required" if name in shape.required else "optional"
            for each in (name, *as_list(node.get(ALIASES))):
                yield from self.walk(self.shape(node), f"{at}.{each}", needed, inside)
        if shape.inner:
            step = "[]" if shape.kind == "list" else ".*"
            yield from self.walk(self.shape(shape.inner), at + step, "each", inside)

    def _parts(self, node: Node) -> list[Shape]:
        """Return the shapes of which a schema is composed: its reference, its compositions, and itself last."""
        parts: list[Shape] = []
        ref = node.get("$ref")
        if ref is not None:
            target = self.shape(self.resolved(node))
            prefix, _, name = ref.rpartition("/")
            parts.append(replace(target, name=name) if prefix == "#/components/schemas" else target)
        # OpenAPI 3.0 ignores everything beside a reference.
        if ref is None or self._new_dialect:
            parts += [self.shape(part) for part in node.nodes("allOf")]
            parts += [
                choice(node, key, [self.shape(part) for part in node.nodes(key)])
                for key in ("oneOf", "anyOf")
                if key in node.value
            ]
            parts.append(own(node, canonical=self._is_canonical))
        return parts

    def _make(self, node: Node) -> Shape:
        parts = self._parts(node)
        if len(parts) == 1 and node.get("deprecated") is not True:
            return parts[0]
        some = [part for part in parts if says_something(part)]
        shape = some[0] if len(some) == 1 else self._combined(node, some)
        return flagged(shape, parts, deprecated=node.get("deprecated") is True)

    def _combined(self, node: Node, parts: list[Shape]) -> Shape:
        """Return the shape that allows what all shapes allow; if one is a choice of objects, a choice as well."""
        chosen = next((part for part in parts if part.objects), None)
        if chosen is None:
            return combined(node, parts, self._both)
        if prod(len(part.objects) or 1 for part in parts) > MAX_OBJECTS:
            kind = f"one of more than {MAX_OBJECTS} objects"
            return replace(combined(node, parts, self._both), kind=kind)
        others = [part for part in parts if part is not chosen]
        shapes: list[Shape] = []
        for i, each in enumerate(chosen.objects):
            whole = Node({}, f"{node.at}/oneOf/{i}")
            shapes.append(self._combined(whole, [*others, self.shape(each)]))
            self._shapes[id(whole.value)] = (whole, shapes[-1])
        return choice(node, "oneOf", shapes)

    def _both(self, node: Node, other: Node) -> Node:
        """Return the node of a property in two parts of a composition; one node per pair, so that recursion ends."""
        keys = [key for key in node.value.keys() | other.value if not PROSE_KEY.fullmatch(key)]
        if all(node.get(key) == other.get(key) for key in keys):
            return node
        key = (id(node.value), id(other.value))
        if key not in self._synthetic:
            self._synthetic[key] = Node({"allOf": [node.value, other.value]}, other.at)
        return self._synthetic[key]


def bare(url: str) -> str:
    """Return a URL with a lower-case host, without the default port and without a trailing slash."""
    scheme, _, rest = url.rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    port = {"https": ":443", "http": ":80"}.get(scheme.lower(), ":")
    return f"{scheme}://{host}".lower().removesuffix(port) + slash + path if rest else scheme


def _address(server: Node) -> str:
    """Return the URL of a server, with the defaults of its variables."""
    variables = server / "variables"
    return re.sub(
        r"\{([^{}]*)\}",
        lambda name: str((variables / name[1]).get("default") or name[0]),
        str(server.get("url") or ""),
    )
