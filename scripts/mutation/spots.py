"""Where a description can be changed: properties, parameters, calls, objects and enums, with ways to change them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mutation.operators import (
    OPERATORS,
    Document,
    Operator,
    Place,
    bind,
    calls,
    received,
    schemas,
    sent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class Property:
    """A property of a component; `described` as the contract has it."""

    schema: str
    name: str
    described: Document
    is_sent: bool

    @property
    def label(self) -> str:
        """Where, for people."""
        return f"{self.schema}.{self.name}"

    @property
    def cuts(self) -> bool:
        """Whether schemas are reached through it."""
        return "$ref" in str(self.described)

    def holder(self, d: Document) -> Document:
        """The object."""
        found: Document = schemas(d)[self.schema]
        return found

    def of(self, d: Document) -> Document:
        """The property's description."""
        found: Document = self.holder(d)["properties"][self.name]
        return found

    def put(self, d: Document, described: Document) -> None:
        """Describe it in another way."""
        self.of(d)
        self.holder(d)["properties"][self.name] = copy.deepcopy(described)

    def drop(self, d: Document) -> Document:
        """Remove it; returns what stood there."""
        holder = self.holder(d)
        if self.name in holder.get("required", []):
            holder["required"].remove(self.name)
        found: Document = holder["properties"].pop(self.name)
        return found

    def rename(self, d: Document, new: str) -> None:
        """Give it another name."""
        required = self.name in self.holder(d).get("required", [])
        self.holder(d)["properties"][new] = self.drop(d)
        if required:
            self.holder(d)["required"].append(new)

    def require(self, d: Document) -> None:
        """Make it required."""
        self.holder(d).setdefault("required", []).append(self.name)

    def relax(self, d: Document) -> None:
        """Make it optional."""
        self.holder(d)["required"].remove(self.name)

    @staticmethod
    def all(d: Document) -> Iterator[Property]:
        """Every property of a description."""
        out = sent(d)
        for name in sorted(out | received(d)):
            for wire, described in schemas(d)[name].get("properties", {}).items():
                yield Property(name, wire, described, name in out)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a call."""

    path: str
    method: str
    name: str
    described: Document
    cuts: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """Where, for people."""
        return f"{self.path} {self.name}"

    def of(self, d: Document) -> Document:
        """The parameter's description."""
        found: list[Document] = d["paths"][self.path][self.method]["parameters"]
        return next(one for one in found if one["name"] == self.name)

    def drop(self, d: Document) -> None:
        """Remove it."""
        d["paths"][self.path][self.method]["parameters"].remove(self.of(d))

    @property
    def is_described(self) -> bool:
        """Whether the vendor's own description has it."""
        return "x-togai-origin" not in self.described

    @staticmethod
    def all(d: Document) -> Iterator[Parameter]:
        """Every parameter of a description."""
        for path, method, call in calls(d):
            for one in call.get("parameters", []):
                yield Parameter(path, method, one["name"], one)


@dataclass(frozen=True)
class Call:
    """A call."""

    path: str
    method: str
    described: Document
    cuts: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """Where, for people."""
        return f"{self.method} {self.path}"

    def of(self, d: Document) -> Document:
        """The call's description."""
        found: Document = d["paths"][self.path][self.method]
        return found

    def success(self, d: Document) -> Document:
        """The schema of its success."""
        found: Document = self.of(d)["responses"]["200"]["content"]["application/json"]
        return found

    @staticmethod
    def all(d: Document) -> Iterator[Call]:
        """Every call of a description."""
        for path, method, call in calls(d):
            yield Call(path, method, call)


@dataclass(frozen=True)
class Object:
    """A component that is an object."""

    name: str
    described: Document
    is_sent: bool
    cuts: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """Where, for people."""
        return self.name

    def of(self, d: Document) -> Document:
        """The object's description."""
        found: Document = schemas(d)[self.name]
        return found

    def add(self, d: Document, name: str, described: Document, *, required: bool = False) -> None:
        """Give it another property."""
        self.of(d)["properties"][name] = copy.deepcopy(described)
        if required:
            self.of(d).setdefault("required", []).append(name)

    @staticmethod
    def all(d: Document) -> Iterator[Object]:
        """Every object of a description."""
        out = sent(d)
        for name in sorted(out | received(d)):
            if "properties" in schemas(d)[name]:
                yield Object(name, schemas(d)[name], name in out)


@dataclass(frozen=True)
class Value:
    """A value of an enum."""

    schema: str
    value: str
    is_sent: bool
    cuts: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """Where, for people."""
        return f"{self.schema}.{self.value}"

    def enum(self, d: Document) -> list[str]:
        """The values of its enum."""
        found: list[str] = schemas(d)[self.schema]["enum"]
        return found

    def relied(self, d: Document) -> bool:
        """Whether the facade's logic compares with it, or with all values of its enum."""
        marks = schemas(d)[self.schema].get("x-togai-relied")
        return marks is True or self.value in (marks or ())

    @staticmethod
    def all(d: Document) -> Iterator[Value]:
        """Every value of every enum."""
        out = sent(d)
        for name in sorted(out | received(d)):
            for value in schemas(d)[name].get("enum", ()):
                yield Value(name, value, name in out)


def row(
    name: str,
    expected: str,
    spots: Any,
    change: Callable[..., object] | Mapping[str, Callable[..., object]],
    when: Callable[..., bool] = lambda _: True,
    *,
    cuts: bool = False,
    one_way: bool = False,
) -> None:
    """Register an operator: a change, or several with labels, at each spot of a kind where it fits.

    Args:
        name: What it is, in words.
        expected: same, quiet, conflict, or outcome: whatever the caller programs say.
        spots: The kind of spots.
        change: Makes the difference, given the description and the spot.
        when: Whether it fits a spot.
        cuts: Whether schemas behind the spot are reached no longer.
        one_way: Whether taking it back is a conflict.
    """
    variants: Mapping[str, Any] = {"": change} if callable(change) else change

    def places(document: Document) -> Iterator[Place]:
        for spot in spots.all(document):
            if when(spot):
                for label, make in variants.items():
                    full = f"{spot.label}, {label}" if label else spot.label
                    yield Place(full, bind(make, spot), cuts or spot.cuts)

    OPERATORS.append(Operator(name, expected, places, expected == "same", one_way))
