"""The tolerant reader: JSON -> models, with nothing lost and every departure from the contract noted.

What the contract describes is decoded by the generated `from_dict`. Where that refuses, the damaged item
alone is salvaged, field by field, from its class's attrs fields.
"""

from __future__ import annotations

import logging
import types
import typing
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import attrs
from attrs import field, frozen

from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger("togai.drift")

_MAX_PLACES = 1000
_DAMAGE = "_togai_damage"


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


def _shown(name: str) -> str:
    """A name that the service made up, fit for one line of a log."""
    return name if len(name) <= 100 and name.isprintable() else ascii(name)[1:-1][:100]


@frozen
class Drift:
    """A kind of departure of the live service from the contract; never a value.

    Attributes:
        model: The model, such as `EventWithStatus`.
        property: The property's name in JSON; empty where the whole object is meant.
        kind: What is different: `missing`, `null`, `wrong type`, `unknown property`, `unknown value`,
            `not a date`, `no offset`, `finer than microseconds` (the rest is cut), `not an object`.
    """

    model: str
    property: str = field(converter=_shown)
    kind: str

    def __str__(self) -> str:
        place = f"{self.model}.{self.property}" if self.property else self.model
        return f"{place}: {self.kind}"


@frozen
class Departure:
    """One place where an item that was read departs from the contract.

    Attributes:
        where: JSON path within the answer, such as `$.events[3].eventPayload.accountId`.
        drift: What is different there.
    """

    where: str
    drift: Drift

    def __str__(self) -> str:
        return f"{self.where}: {self.drift.kind}"


@frozen
class _Damage:
    raw: Any
    departures: tuple[Departure, ...]


def departures(model: object) -> tuple[Departure, ...]:
    """Where an item that was read could not be read as the contract says.

    Unknown properties and unknown enum values alone are no damage: nothing is lost by them. They are
    reported to `on_drift` and can be seen in `additional_properties` and by `is_known`.

    Args:
        model: An event, or an entry of a correction's result.

    Returns:
        The departures in the item and in all that it holds; empty where it was read whole.
    """
    damage: _Damage | None = getattr(model, _DAMAGE, None)
    return damage.departures if damage else ()


def raw(model: Model) -> Any:
    """The JSON of an item as the service sent it.

    Args:
        model: An event, or an entry of a correction's result.

    Returns:
        For a damaged item the very JSON that came, numbers with a fraction as Decimal; for any other what
        its `to_dict()` gives.
    """
    damage: _Damage | None = getattr(model, _DAMAGE, None)
    return damage.raw if damage else model.to_dict()


class StrictDeparture(Exception):
    """The first departure that strict mode met."""

    def __init__(self, departure: Departure) -> None:
        super().__init__(str(departure))
        self.departure = departure


class Reader:
    """Reads the answers of one client, and remembers which drift it has told.

    Raises:
        ConfigurationError: A setting is of the wrong type.
    """

    def __init__(self, *, strict: bool, on_drift: Callable[[Drift], object] | None) -> None:
        if type(strict) is not bool:
            raise ConfigurationError(f"strict={strict!r}: pass True or False")
        if on_drift is not None and (not callable(on_drift) or iscoroutinefunction(on_drift)):
            raise ConfigurationError(
                "on_drift must be a plain callable that takes a Drift, not async"
            )
        self._strict = strict
        self._on_drift = on_drift
        self._told: set[Drift] = set()

    def items(self, model: type[M], values: list[Any], where: str) -> list[M]:
        """Read a list: as many models as it has values, damaged or not.

        Args:
            model: The class of each item.
            values: The JSON values.
            where: JSON path of the list.

        Raises:
            StrictDeparture: In strict mode, for the first departure.
        """
        read: list[M] = []
        seen = self._seen
        for index, value in enumerate(values):
            try:
                item = model.from_dict(value, seen)
            except (_Addition, TypeError, ValueError, KeyError, AttributeError):
                item = self._salvaged(model, value, f"{where}[{index}]")
            read.append(item)
        return read

    def tell(self, drift: Drift, where: str) -> None:
        """Note a departure outside the items.

        Raises:
            StrictDeparture: In strict mode.
        """
        self._note([Departure(where, drift)])

    def _salvaged(self, model: type[M], value: Any, where: str) -> M:
        found: list[Departure] = []
        item = _salvage(model, value, where, found)
        self._note(found)
        if any(one.drift.kind not in _ADDITIONS for one in found):
            item.__dict__[_DAMAGE] = _Damage(value, tuple(found))
        return item

    def _seen(self, model: type, name: str, kind: str) -> None:
        if self._strict:
            raise _Addition
        drift = Drift(model.__name__, name, kind)
        if drift not in self._told:
            self._tell(drift)

    def _note(self, found: list[Departure]) -> None:
        if self._strict and found:
            raise StrictDeparture(found[0])
        for departure in found:
            if departure.drift not in self._told:
                self._tell(departure.drift)

    def _tell(self, drift: Drift) -> None:
        # A service that invents a new property name in every answer must not fill the memory.
        if len(self._told) >= _MAX_PLACES:
            return
        self._told.add(drift)
        logger.warning("the service departs from the contract: %s", drift)
        if self._on_drift is not None:
            try:
                self._on_drift(drift)
            except Exception:
                logger.exception("on_drift failed")


class _Addition(Exception):
    """Strict mode met something additional; salvage finds out where."""


_ADDITIONS = frozenset({"unknown property", "unknown value"})


class _Unreadable(Exception):
    """The value stays as it came."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@frozen
class _Field:
    name: str
    wire: str
    required: bool
    type: Any


@cache
def _fields(model: type) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(model)
    return tuple(
        _Field(
            one.name,
            one.metadata["wire"],
            one.default is attrs.NOTHING,
            _without_none(hints[one.name]),
        )
        for one in attrs.fields(model)
        if "wire" in one.metadata
    )


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def _salvage(model: type[M], value: Any, where: str, found: list[Departure]) -> M:
    """All that can be read of a value; what cannot stays as it came, what is missing is None."""

    def note(name: str, kind: str) -> None:
        at = f"{where}.{_shown(name)}" if name else where
        found.append(Departure(at, Drift(model.__name__, name, kind)))

    if not isinstance(value, dict):
        note("", "not an object")
        value = {}
        missing_noted = True
    else:
        missing_noted = False
    source = typing.cast("dict[str, Any]", value)
    arguments: dict[str, Any] = {}
    known = set[str]()
    for one in _fields(model):
        known.add(one.wire)
        if source.get(one.wire) is None:
            arguments[one.name] = None
            if one.required and not missing_noted:
                note(one.wire, "null" if one.wire in source else "missing")
            continue
        arguments[one.name] = _value(
            one.type, source[one.wire], f"{where}.{one.wire}", found, model.__name__, one.wire
        )
    extra = {name: source[name] for name in source if name not in known}
    for name in extra:
        note(name, "unknown property")
    build = typing.cast("Callable[..., M]", model)
    return build(**arguments, additional_properties=extra)


def _value(kind: Any, value: Any, where: str, found: list[Departure], model: str, name: str) -> Any:
    """One value, converted to `kind` if it can be; departures are noted under `model`.`name`."""

    def note(what: str, at: str = where) -> None:
        found.append(Departure(at, Drift(model, name, what)))

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
            key: _value(inner, entry, f"{where}.{_shown(key)}", found, model, name)
            for key, entry in entries.items()
        }
    if isinstance(kind, type) and attrs.has(kind):
        return _salvage(typing.cast("type[Model]", kind), value, where, found)
    try:
        read, departed = _SCALARS[_scalar(kind)](kind, value)
    except _Unreadable as problem:
        note(problem.kind)
        return value
    if departed:
        note(departed)
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
