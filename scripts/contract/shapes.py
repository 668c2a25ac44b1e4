"""Reads what a schema allows, as far as a client can see."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from contract.load import Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

Direction = Literal["request", "response"]

UPPER = ("maxLength", "maxItems", "maximum", "maxProperties")
LOWER = ("minLength", "minItems", "minimum", "minProperties")
LIMITS = (*UPPER, *LOWER, "multipleOf", "pattern", "uniqueItems", "enum")
_HUGE = 10**300
_NONE = {key: [None, 0] if key in LOWER and key != "minimum" else [None] for key in LIMITS}
_TYPED = (*UPPER, *LOWER, "multipleOf", "pattern")

# Texts for people, of which only a digest is recorded.
PROSE_KEY = re.compile(r"\$comment|description|examples?|summary|tags|termsOfService|title")

# The key of the schema of the items of a list, or of the values of a map.
INNER = {"list": "items", "map": "additionalProperties"}

# Restrictions that are not compared; a digest of them stands in the canonical form, so that a change is reported.
_UNREAD = (
    "contains", "contentEncoding", "contentMediaType", "dependentRequired", "dependentSchemas", "else", "if",
    "maxContains", "minContains", "not", "patternProperties", "prefixItems", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
UNREAD = "x-unread"

# An extension that marks the canonical form, which contains only facts about the wire.
KIND = "x-togai-kind"
_ONE_OF = "one of: "


@dataclass(frozen=True, eq=False)
class Node:
    """A mapping of a description, and its pointer."""

    value: dict[str, Any]
    at: str

    def get(self, key: str) -> Any:
        """Return the value of a key, or None."""
        return self.value.get(key)

    def __truediv__(self, key: object) -> Node:
        """Return the mapping under a key; an empty mapping if the key is missing."""
        at = f"{self.at}/{escaped(str(key))}"
        value = self.value.get(str(key))
        return Node({}, at) if value is None else schema_node(value, at)

    def nodes(self, key: str) -> list[Node]:
        """Return the mappings in the list under a key; an empty list if the key is missing."""
        value: Any = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise Unusable(f"{self.at}/{escaped(key)} is not a list")
        return [schema_node(item, f"{self.at}/{escaped(key)}/{i}") for i, item in enumerate(value)]  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]


def schema_node(value: Any, at: str) -> Node:
    """Return the node of a schema, which may be just `true`."""
    if isinstance(value, bool):
        return Node({} if value else {"not": {}}, at)
    if not isinstance(value, dict):
        raise Unusable(f"{at} is not a mapping")
    return Node(cast("dict[str, Any]", value), at)


def escaped(step: str) -> str:
    """Return a key as a step of a JSON pointer."""
    return step.replace("~", "~0").replace("/", "~1")


@dataclass(frozen=True)
class Shape:
    """The values that a schema allows, as far as a client can see.

    `kind` is object, map, list, string, integer, number, boolean, anything, nothing, or a phrase for several kinds.
    `required` has names, and alternatives: "a or b and c", "a|b and c or d"; "a or not b" means that b requires a.
    All references to a schema have the same `identity`; `name` is that of its component; `node` is where it is written.
    """

    kind: str
    identity: int
    at: str
    node: Node
    format: str | None = None
    enum: tuple[str, ...] | None = None
    properties: Mapping[str, Node] = field(default_factory=dict[str, Node])
    required: frozenset[str] = frozenset()
    inner: Node | None = None
    closed: bool = False
    nullable: bool = False
    read_only: bool = False
    write_only: bool = False
    deprecated: bool = False
    default: Any = None
    limits: Mapping[str, Any] = field(default_factory=dict[str, Any])
    invalid: Mapping[str, Any] = field(default_factory=dict[str, Any])
    name: str | None = None
    description: str = ""

    @property
    def has_effect(self) -> bool:
        """Return whether the default changes what a call does that does not send the value."""
        return self.default not in (None, False, "", 0, [], {})

    @property
    def objects(self) -> list[Node]:
        """Return the objects of a choice that allows nothing else."""
        nodes = [*self.properties.values()]
        return nodes if nodes and self.kind == _ONE_OF + ", ".join("object" for _ in nodes) else []

    @property
    def words(self) -> str:
        """Return the kind and format, for messages and comparison."""
        return f"{self.kind} ({self.format})" if self.format else self.kind


def _texts(node: Node, kind: str) -> tuple[str, tuple[str, ...] | None]:
    """Return the kind and the values of an enum; only those of strings are compared."""
    types, values, texts = _types(node), _values(node), _listed(node)
    if kind == "string" and "string" in types:
        # Written without quotes, YAML reads some as numbers or booleans.
        texts = list(map(_text, texts))
    is_text = all(isinstance(value, str) for value in texts)
    if values is None or not (kind == "string" or ("string" in types and is_text)):
        return kind, None
    return ("string", tuple(texts)) if is_text else ("values that are not strings", None)


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value if value is None else str(value)


def own(node: Node, *, canonical: bool) -> Shape:
    """Return the shape of a schema itself, without its references and compositions."""
    types, values = _types(node), _values(node)
    kind = (str(node.get(KIND) or "") if canonical else "") or _kind(node, types, values)
    kind, texts = _texts(node, kind)
    form = node.get("x-togai-format") or node.get("format")
    properties = node / "properties"
    limits, invalid = _limits(node, texts)
    default = node.value.get("default", node.get("x-togai-default"))
    depending = (node / "dependentRequired").value.items()
    needs = [f"{name} or not {key}" for key, names in depending for name in as_list(names)]
    return Shape(
        kind=kind,
        identity=id(node.value),
        at=node.at,
        format=str(form) if form else None,
        enum=texts,
        properties={name: properties / name for name in properties.value},
        required=frozenset(map(str, [*as_list(node.get("required")), *needs])),
        inner=node / INNER[kind] if kind in INNER else None,
        closed=node.get("additionalProperties") is False,
        default=_text(default) if kind == "string" else _whole(default),
        read_only=node.get("readOnly") is True,
        write_only=node.get("writeOnly") is True,
        deprecated=node.get("deprecated") is True,
        nullable="null" in types or node.get("nullable") is True or None in (values or ()),
        limits=limits,
        invalid=invalid,
        description=str(node.get("description") or ""),
        node=node,
    )


def _limits(node: Node, texts: tuple[str, ...] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the limits of a schema, with an enum of numbers or booleans; and values such as `maxLength: twenty`."""
    written = {key: _whole(node.get(key)) for key in LIMITS if node.get(key) not in _NONE[key]}
    written["enum"] = [] if texts else _listed(node)
    limits = {key: value for key, value in written.items() if _is_limit(key, value)}
    invalid = {key: written[key] for key in written if key in _TYPED and key not in limits}
    invalid |= {key: shown(invalid[key]) for key in invalid.keys() - {"pattern"}}
    for key in ("maximum", "minimum"):
        if (end := _end(node, key, limits.get(key))) is not None:
            limits[key] = end
    limits |= {key: sorted(limits[key]) for key in limits.keys() & {"enum"}}
    return limits | _unread(node, is_read=texts is not None or "enum" in limits), invalid


def _unread(node: Node, *, is_read: bool) -> dict[str, str]:
    keys = _UNREAD if is_read or _values(node) is None else (*_UNREAD, "const", "enum")
    unread = {key: node.value[key] for key in keys if key in node.value}
    words = f"{', '.join(unread)} ({short(unread)})" if unread else node.get(UNREAD)
    return {UNREAD: words} if words else {}


def _end(node: Node, key: str, limit: Any) -> Any:
    """Return the tighter of a limit and an exclusive one: a number, or in OpenAPI 3.0 a flag beside the limit."""
    exclusive = node.get(f"exclusive{key.capitalize()}")
    end: Any = limit if exclusive is True else exclusive
    if not _is_limit(key, end):
        return limit
    if "integer" in _types(node):
        end += -1 if key == "maximum" else 1
    return end if limit is None else _tightest(key, limit, end)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def choice(node: Node, key: str, shapes: list[Shape]) -> Shape:
    """Return the shape that allows what any of several shapes allows; different ones look like its properties."""
    some = [shape for shape in shapes if shape.kind != "nothing" or not shape.nullable]
    nullable = len(some) < len(shapes) or any(shape.nullable for shape in some)
    if len(some) == 1:
        return replace(some[0], nullable=nullable)
    words = sorted(word for it in some for word in it.words.removeprefix(_ONE_OF).split(", "))
    is_same = len(set(words)) == 1 and words[0] not in ("object", "list", "map")
    kind = _ONE_OF + (", ".join(words) or "nothing")
    result = Shape(kind, id(node.value), f"{node.at}/{key}", node, nullable=nullable)
    if not is_same:
        parts = [part for it in some for part in _details(it)]
        return replace(result, properties={f"choice {i}": part for i, part in enumerate(parts, 1)})
    return replace(result, kind=some[0].kind, format=some[0].format, **_any_of(key, some))


def _details(shape: Shape) -> Iterable[Node]:
    """Return the schemas in a choice that say more than their kind, and each object; those of a choice in it."""
    if shape.kind.startswith(_ONE_OF):
        return shape.properties.values()
    detailed = any((shape.kind == "object", shape.inner, shape.enum, shape.limits))
    return [shape.node] if detailed else []


def _any_of(key: str, some: list[Shape]) -> dict[str, Any]:
    """Return the values of all enums, the common limits with a digest if they differ, and what is required."""
    enums = [shape.enum for shape in some if shape.enum is not None]
    facts = [[each.limits, sorted(each.required)] for each in some]
    limits = {k: v for k, v in some[0].limits.items() if all(it.limits.get(k) == v for it in some)}
    if any(fact != facts[0] for fact in facts):
        limits[UNREAD] = f"{key} ({short(facts)})"
    needs = {" and ".join(sorted(it.required)).replace(" or ", "|") for it in some}
    required = frozenset({" or ".join(sorted(needs))} if all(needs) else ())
    enum = sum(enums, ()) if len(enums) == len(some) else None
    return {"enum": enum, "limits": limits, "required": required}


def combined(node: Node, parts: list[Shape], both: Callable[[Node, Node], Node]) -> Shape:
    """Return the shape that allows what all shapes allow; `both` composes a property that two of them describe."""
    properties: dict[str, Node] = {}
    limits: dict[str, Any] = {}
    for part in parts:
        for name, each in part.properties.items():
            properties[name] = both(properties.get(name, each), each)
        for key, value in part.limits.items():
            limits[key] = _tightest(key, limits.get(key, value), value)
    return Shape(
        kind=_common_kind({part.kind for part in parts} - {"anything"}),
        identity=id(node.value),
        at=node.at,
        format=next(filter(None, (part.format for part in parts)), None),
        enum=_common([part.enum for part in parts if part.enum is not None]),
        properties=properties,
        required=frozenset[str]().union(*(part.required for part in parts)),
        inner=next(filter(None, (part.inner for part in parts)), None),
        closed=any(part.closed for part in parts),
        limits=limits,
        invalid={key: value for part in parts for key, value in part.invalid.items()},
        description=str(node.get("description") or ""),
        node=node,
    )


def flagged(shape: Shape, parts: list[Shape], *, deprecated: bool) -> Shape:
    """Return a shape with the flags of all parts that it is composed of, and the default of the last one."""
    return replace(
        shape,
        nullable=any(part.nullable for part in parts),
        read_only=any(part.read_only for part in parts),
        write_only=any(part.write_only for part in parts),
        deprecated=deprecated or any(part.deprecated for part in parts),
        # Its own first.
        default=next((part.default for part in reversed(parts) if part.default is not None), None),
    )


def _common_kind(kinds: set[str]) -> str:
    for pair, narrower in (({"integer", "number"}, "integer"), ({"object", "map"}, "object")):
        kinds = {narrower} if kinds == pair else kinds
    return " and ".join(sorted(kinds)) or "anything"


def says_something(part: Shape) -> bool:
    """Return whether a part of a composition restricts anything."""
    return part.kind != "anything" or any((part.required, part.limits, part.invalid, part.format))


def _types(node: Node) -> list[Any]:
    declared: Any = node.get("type")
    return as_list(declared) if isinstance(declared, list) else [declared]


def _values(node: Node) -> list[Any] | None:
    """Return the listed values; None if any value is allowed."""
    if "const" in node.value:
        return [node.get("const")]
    listed = node.get("enum")
    return as_list(listed) if isinstance(listed, list) else None


def _listed(node: Node) -> list[Any]:
    return [value for value in _values(node) or () if value is not None]


def _kind(node: Node, types: list[Any], values: list[Any] | None) -> str:
    kinds = [str(each) for each in types if each not in ("null", None)]
    if len(kinds) > 1:
        return _ONE_OF + ", ".join(sorted({"array": "list"}.get(each, each) for each in kinds))
    if kinds:
        return {"array": "list", "object": _object_kind(node)}.get(kinds[0], kinds[0])
    if "not" in node.value:
        return "nothing" if node.get("not") == {} else "anything but something"
    if "items" in node.value:
        return "list"
    if "properties" in node.value or node.get("additionalProperties") is not None:
        return _object_kind(node)
    if values is not None:
        return "string"
    return "nothing" if node.get("type") is not None else "anything"


def _object_kind(node: Node) -> str:
    """Return "map" or "object"; a map has no properties of its own, and a schema for all others."""
    extra: Any = node.get("additionalProperties")
    is_map = not node.get("properties") and isinstance(extra, dict) and bool(extra)  # pyright: ignore[reportUnknownArgumentType]
    return "map" if is_map else "object"


def _common(enums: list[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the values that all enums have."""
    some = (value for value in enums[0] if all(value in enum for enum in enums)) if enums else ()
    return tuple(some) if enums else None


def _tightest(key: str, value: Any, other: Any) -> Any:
    if key in UPPER:
        return min(value, other)
    if key == UNREAD and value != other:
        return f"{value}, {other}"
    return max(value, other) if key in LOWER else other


def _is_limit(key: str, value: Any) -> bool:
    if key == "pattern":
        return isinstance(value, str)
    if key == "uniqueItems":
        return value is True
    if key == "enum":
        return bool(value) and all(isinstance(number, (int, float)) for number in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _HUGE:
        return False
    return key in ("minimum", "maximum", "multipleOf") or (isinstance(value, int) and value >= 0)


def short(value: Any) -> str:
    """Return a digest of plain data."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def shown(value: Any) -> str:
    """Return a value as text for the report."""
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:46]}... ({short(text)})"


def has(needed: str, sure: Collection[str], possible: Collection[str]) -> bool:
    """Return whether one of the needed alternatives is met by the sure names of an object; others are possible."""
    names = re.split(r" and | or |\|", needed)
    met = {*sure, *(name for name in names if name[:4] == "not " and name[4:] not in possible)}
    ways = (way.split(" and ") for way in needed.split(" or "))
    return any(all(met.intersection(name.split("|")) for name in way) for way in ways)


def goes(shape: Shape, direction: Direction) -> bool:
    """Return whether a property is used in this direction: read-only is never sent, write-only never received."""
    return not (shape.read_only if direction == "request" else shape.write_only)


def as_list(value: Any) -> list[Any]:
    """Return a list unchanged; an empty list for any other value."""
    return cast("Any", value) if isinstance(value, list) else []
