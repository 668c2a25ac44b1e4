"""The tolerant reader: JSON -> models, nothing is lost and every deviation from the contract is recorded.

What the contract describes is decoded by the generated `from_dict`. Where that raises, only the
malformed item is salvaged, field by field, from its class's attrs fields.
"""

from __future__ import annotations

import copy
import logging
import typing
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from attrs import evolve

from togai._drift import Deviation, Drift
from togai._salvage import M, Model, salvage
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("togai.drift")

_MAX_PLACES = 1000


def deviations(model: object) -> tuple[Deviation, ...]:
    """The places where an item that was read deviates from the contract.

    An item whose only deviations are unknown properties and unknown enum values has none here, since nothing
    is lost: they are reported to `on_drift`, and visible in `additional_properties` and by `is_known`.

    Args:
        model: An event, or an entry of a correction's result.

    Returns:
        The deviations in the item and in everything that it contains; empty where it was read completely.
    """
    return getattr(model, "_deviations", ())


def raw(model: Model) -> Any:
    """The JSON of an item as the service sent it.

    Args:
        model: An event, or an entry of a correction's result.

    Returns:
        The JSON as received, without later changes, numbers with a fraction as Decimal; for an item that was not
        read from a response, what its `to_dict()` returns.
    """
    source = getattr(model, "_json", ...)
    return model.to_dict() if source is ... else copy.deepcopy(source)


class StrictDeviation(Exception):
    """The first deviation that strict mode found."""

    def __init__(self, deviation: Deviation) -> None:
        super().__init__(str(deviation))
        self.deviation = deviation


class Reader:
    """Reads the responses of one client, and remembers which drift it has reported.

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
        self._reported: set[Drift] = set()

    def with_options(
        self, *, strict: bool | None, on_drift: Callable[[Drift], object] | None
    ) -> Reader:
        """A reader with other settings; None leaves one unchanged.

        Raises:
            ConfigurationError: A setting is of the wrong type.
        """
        if strict is None and on_drift is None:
            return self
        return Reader(
            strict=self._strict if strict is None else strict,
            on_drift=self._on_drift if on_drift is None else on_drift,
        )

    def items(self, model: type[M], values: list[Any], where: str) -> list[M]:
        """Read a list: as many models as it has values, malformed or not.

        Args:
            model: The class of each item.
            values: The JSON values.
            where: JSON path of the list.

        Raises:
            StrictDeviation: In strict mode, for the first deviation.
        """
        read: list[M] = []
        seen = self._seen
        for index, value in enumerate(values):
            try:
                item = model.from_dict(value, seen)
            except (_Addition, TypeError, ValueError, KeyError, AttributeError, ArithmeticError):
                item = self._salvaged(model, value, f"{where}[{index}]")
            read.append(item)
        return read

    def report(self, drift: Drift, where: str) -> None:
        """Report a deviation outside the items.

        Raises:
            StrictDeviation: In strict mode.
        """
        self._note([Deviation(where, drift)])

    def _salvaged(self, model: type[M], value: Any, where: str) -> M:
        noted: list[Deviation] = []
        item = salvage(model, value, where, noted)
        self._note(noted)
        if any(deviation.drift.kind not in _ADDITIONS for deviation in noted):
            item = evolve(typing.cast("Any", item), _deviations=tuple(noted))
        return item

    def _seen(self, model: type, name: str, value: str | None) -> None:
        if self._strict:
            raise _Addition
        kind = "unknown property" if value is None else "unknown value"
        drift = Drift(model.__name__, name, kind, value)
        if drift not in self._reported:
            self._report(drift)

    def _note(self, noted: list[Deviation]) -> None:
        if self._strict and noted:
            raise StrictDeviation(noted[0])
        for deviation in noted:
            if deviation.drift not in self._reported:
                self._report(deviation.drift)

    def _report(self, drift: Drift) -> None:
        # A service that invents a new property name in every response must not fill the memory.
        if len(self._reported) >= _MAX_PLACES:
            return
        self._reported.add(drift)
        logger.warning("the service deviates from the contract: %s", drift)
        if self._on_drift is not None:
            try:
                self._on_drift(drift)
            except Exception:
                logger.exception("on_drift failed")


class _Addition(Exception):
    """Strict mode found something additional; salvage locates it."""


_ADDITIONS = frozenset({"unknown property", "unknown value"})
