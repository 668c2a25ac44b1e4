"""Salvage a malformed item: all that can be read of it, property by property, with each deviation noted."""

from __future__ import annotations

import typing
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import attrs

from togai._contract import fields
from togai._drift import Deviation, Drift, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Model(Protocol):
    """A generated model."""

    @classmethod
    def from_dict(
        cls, src: Mapping[str, Any], seen: Callable[[type, str, str], None] = ...
    ) -> Self:
        """The model that exactly this JSON describes."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The JSON of the model."""
        ...


M = TypeVar("M", bound=Model)


class _Unreadable(Exception):
    """The value stays as it came."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def salvage(model: type[M], value: Any, where: str, found: list[Deviation]) -> M:
    """All that can be read of a value; what cannot stays as it came, what is missing is None."""

    def note(name: str, kind: str) -> None:
        at = f"{where}.{shown(name)}" if name else where
        found.append(Deviation(at, Drift(model.__name__, name, kind)))

    if not isinstance(value, dict):
        note("", "not an object")
        value = {}
        missing_noted = True
    else:
        missing_noted = False
    source = typing.cast("dict[str, Any]", value)
    arguments: dict[str, Any] = {}
    known = set[str]()
    for one in fields(model):
        names = (one.wire, *one.aliases)
        known.update(names)
        wire = next((name for name in names if source.get(name) is not None), None)
        if wire is None:
            arguments[one.name] = None
            if one.required and not missing_noted:
                note(one.wire, "null" if one.wire in source else "missing")
            continue
        arguments[one.name] = _value(
            one.type, source[wire], f"{where}.{wire}", found, model.__name__, one.wire
        )
    extra = {name: source[name] for name in source if name not in known}
    for name in extra:
        note(name, "unknown property")
    build = typing.cast("Callable[..., M]", model)
    return build(**arguments, additional_properties=extra)


def _value(kind: Any, value: Any, where: str, found: list[Deviation], model: str, name: str) -> Any:
    """One value, converted to `kind` if it can be; deviations are noted under `model`.`name`."""

    def note(what: str, at: str = where) -> None:
        found.append(Deviation(at, Drift(model, name, what)))

    origin = typing.get_origin(kind)
    if origin is list:
        if not isinstance(value, list):
            note("wrong type")
            return value
        (inner,) = typing.get_args(kind)
        items: list[Any] = typing.cast("Any", value)
        return [
            _value(inner, item, f"{where}[{index}]", found, model, name)
            for index, item in enumerate(items)
        ]
    if origin is dict:
        if not isinstance(value, dict):
            note("wrong type")
            return value
        _, inner = typing.get_args(kind)
        entries = typing.cast("dict[str, Any]", value)
        return {
            key: _value(inner, entry, f"{where}.{shown(key)}", found, model, name)
            for key, entry in entries.items()
        }
    if isinstance(kind, type) and attrs.has(kind):
        return salvage(typing.cast("type[Model]", kind), value, where, found)
    try:
        read, deviated = _SCALARS[_scalar(kind)](kind, value)
    except _Unreadable as problem:
        note(problem.kind)
        return value
    if deviated:
        note(deviated)
    return read


def _scalar(kind: Any) -> object:
    is_enum = isinstance(kind, type) and issubclass(kind, Enum)
    return Enum if is_enum else typing.cast("object", kind)


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
        # Written out only where that is short: 1E999999999 would fill the memory.
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
    if number != number.to_integral_value() or abs(number) >= Decimal(10) ** 18:
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
        read = datetime.fromisoformat(value)
    except ValueError:
        raise _Unreadable("not a date") from None
    if read.tzinfo is None:
        return read.replace(tzinfo=UTC), "no offset"
    return read, "finer than microseconds" if _finer(value) else ""


def _finer(moment: str) -> bool:
    digits = moment.partition(".")[2].rstrip("Zz").partition("+")[0].partition("-")[0]
    return len(digits) > 6


def _date(_kind: Any, value: Any) -> tuple[date, str]:
    if not isinstance(value, str):
        raise _Unreadable("wrong type")
    try:
        return date.fromisoformat(value), ""
    except ValueError:
        # 04-03-2022 can be read two ways: it stays text.
        raise _Unreadable("not a date") from None


_SCALARS: dict[Any, Callable[[Any, Any], tuple[Any, str]]] = {
    Any: _any,
    Enum: _enum,
    bool: _boolean,
    date: _date,
    datetime: _datetime,
    float: _float,
    int: _integer,
    object: _any,
    str: _text,
}
