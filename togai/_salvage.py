"""Salvage a malformed item: read it property by property, and record each deviation."""

from __future__ import annotations

import re
import typing
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import attrs
from attrs import evolve, frozen

from togai._contract import Field, fields
from togai._drift import Deviation, Drift
from togai._json import Malformed
from togai._printable import printable_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Model(Protocol):
    """A generated model."""

    @classmethod
    def from_dict(
        cls, src: Mapping[str, Any], seen: Callable[[type, str, str | None], None] = ...
    ) -> Self:
        """The model of JSON that follows the contract exactly."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The JSON of the model."""
        ...


M = TypeVar("M", bound=Model)


class _Unreadable(Exception):
    """The value cannot be converted, and stays as received; the message is the kind of deviation."""


MAX_ITEMS = 1000
"""How many objects a list may contain, unless the contract allows more; each takes the memory of a model."""


def most_items(limits: Mapping[str, Any]) -> int:
    """How many objects a list with these limits may contain."""
    return max(MAX_ITEMS, int(limits.get("maxItems", MAX_ITEMS)))


def salvage(model: type[M], value: Any, where: str, deviations: list[Deviation]) -> M:
    """Read as much of a value as possible; a part that cannot be read stays as received, a missing part is None.

    Args:
        model: The class of the item.
        value: The JSON value.
        where: JSON path of the value.
        deviations: The list to which each deviation is appended.

    Returns:
        The item; it and each model in it hold the deviations within them.
    """

    def note(name: str, kind: str) -> None:
        at = f"{where}.{printable_name(name)}" if name else where
        deviations.append(Deviation(at, Drift(model.__name__, name, kind)))

    before = len(deviations)
    build = typing.cast("Callable[..., M]", model)
    if not isinstance(value, dict):
        note("", "not an object")
        absent: Any = {prop.name: None for prop in fields(model)}
        return build(**absent, _json=value, _deviations=_listed(deviations[before:]))
    source = typing.cast("dict[str, Any]", value)
    arguments: dict[str, Any] = {}
    for prop in fields(model):
        wire, kind = _name_in(source, prop)
        held = source.get(wire)
        if kind:
            note(prop.wire, kind)
        if held is not None:
            place = _Place(f"{where}.{wire}", model.__name__, prop.wire, deviations)
            held = _property(prop, held, place)
        arguments[prop.name] = held
    known = {name for prop in fields(model) for name in prop.names}
    extra = {name: source[name] for name in source if name not in known}
    for name in extra:
        note(name, "unknown property")
    return build(
        **arguments,
        additional_properties=extra,
        _json=source,
        _deviations=_listed(deviations[before:]),
    )


def _name_in(source: Mapping[str, Any], prop: Field) -> tuple[str, str]:
    """The name under which an object has a property, and the kind of deviation if it is absent or has two values."""
    names = [name for name in prop.names if source.get(name) is not None]
    if not names:
        kind = "null" if prop.wire in source else "missing"
        return prop.wire, kind if prop.required else ""
    values = [source[name] for name in names]
    return names[0], "" if values.count(values[0]) == len(values) else "ambiguous"


def _listed(noted: list[Deviation]) -> tuple[Deviation, ...]:
    """The deviations that an item lists: none if there are only additions, because nothing is lost."""
    lost = any(deviation.drift.kind not in _ADDITIONS for deviation in noted)
    return tuple(noted) if lost else ()


_ADDITIONS = frozenset({"unknown property", "unknown value"})


def _property(prop: Field, value: Any, place: _Place) -> Any:
    if isinstance(value, list) and len(typing.cast("Any", value)) > most_items(prop.limits):
        place.note("too many items")
        return typing.cast("Any", value)
    return _value(prop.type, value, place)


@frozen
class _Place:
    """The JSON path of a value, and the list of deviations."""

    where: str
    model: str
    name: str
    deviations: list[Deviation]

    def note(self, kind: str, value: str | None = None) -> None:
        self.deviations.append(Deviation(self.where, Drift(self.model, self.name, kind, value)))

    def inside(self, step: str) -> _Place:
        return evolve(self, where=self.where + step)


def _value(kind: Any, value: Any, place: _Place) -> Any:
    """One value, converted to `kind` if it can be."""
    origin: Any = typing.get_origin(kind)
    if origin in (list, dict) and not issubclass(type(value), origin):
        place.note("wrong type")
        return value
    if origin is list:
        (inner,) = typing.get_args(kind)
        items: list[Any] = value
        return [_value(inner, item, place.inside(f"[{index}]")) for index, item in enumerate(items)]
    if origin is dict:
        _, inner = typing.get_args(kind)
        return {
            key: _value(inner, entry, place.inside(f".{printable_name(key)}"))
            for key, entry in value.items()
        }
    if attrs.has(kind):
        return salvage(typing.cast("type[Model]", kind), value, place.where, place.deviations)
    if isinstance(value, Malformed):
        place.note(value.kind)
        return str(value)
    try:
        read, deviation = _scalar(kind)(kind, value)
    except _Unreadable as problem:
        place.note(str(problem))
        return value
    if deviation:
        place.note(deviation, str(read) if deviation == "unknown value" else None)
    return read


def _any(_kind: Any, value: Any) -> tuple[Any, str]:
    return value, ""


def _text(_kind: Any, value: Any) -> tuple[str, str]:
    if isinstance(value, str):
        return value, ""
    return _number_text(value), "wrong type"


def _number_text(value: Any) -> str:
    """The digits of a JSON number as text."""
    if isinstance(value, bool):
        raise _Unreadable("wrong type")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        # Written without an exponent only if the result is short: 1E999999999 would fill the memory.
        return f"{value:f}" if isinstance(exponent, int) and abs(exponent) < 600 else str(value)
    raise _Unreadable("wrong type")


def _enum(kind: Any, value: Any) -> tuple[Any, str]:
    if not isinstance(value, str):
        return kind(_number_text(value)), "wrong type"
    member = kind(value)
    return member, "" if member.is_known else "unknown value"


def _integer(_kind: Any, value: Any) -> tuple[int, str]:
    if type(value) is int:
        return value, ""
    number = _decimal(value)
    # Compared by its parts, because arithmetic would use the caller's decimal context.
    if number.adjusted() >= 18 or number != number.to_integral_value():
        raise _Unreadable("wrong type")
    return int(number), "wrong type"


def _float(_kind: Any, value: Any) -> tuple[float, str]:
    number = _decimal(value)
    read = float(number)
    if read in (float("inf"), float("-inf")):
        raise _Unreadable("wrong type")
    return read, "wrong type" if isinstance(value, str) else ""


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        raise _Unreadable("wrong type")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise _Unreadable("wrong type") from None
    if not number.is_finite():
        raise _Unreadable("wrong type")
    return number


def _boolean(_kind: Any, value: Any) -> tuple[bool, str]:
    if isinstance(value, bool):
        return value, ""
    raise _Unreadable("wrong type")


def _datetime(_kind: Any, value: Any) -> tuple[datetime, str]:
    if not isinstance(value, str):
        raise _Unreadable("wrong type")
    try:
        # RFC 3339 allows t and z in lower case.
        read = datetime.fromisoformat(value.upper())
    except ValueError:
        raise _Unreadable("not a date") from None
    if read.tzinfo is None:
        return read.replace(tzinfo=UTC), "no offset"
    return read, "finer than microseconds" if FINER.search(value) else ""


FINER = re.compile(r"[.,]\d{6}\d*[1-9]")
"""Matches the text of a time with more digits than a datetime can hold."""


def _date(_kind: Any, value: Any) -> tuple[date, str]:
    if not isinstance(value, str):
        raise _Unreadable("wrong type")
    try:
        return date.fromisoformat(value), ""
    except ValueError:
        # 04-03-2022 is ambiguous, so it stays text.
        raise _Unreadable("not a date") from None


_SCALARS: dict[str, Callable[[Any, Any], tuple[Any, str]]] = {
    "bool": _boolean,
    "date": _date,
    "datetime": _datetime,
    "float": _float,
    "int": _integer,
    "object": _any,
    "str": _text,
}


@cache
def _scalar(kind: type) -> Callable[[Any, Any], tuple[Any, str]]:
    """How a value of a class is read. By names, since a test that freezes the time replaces the class of times."""
    names = [base.__name__ for base in kind.__mro__]
    return _enum if "Enum" in names else next(_SCALARS[name] for name in names if name in _SCALARS)
