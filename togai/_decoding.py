"""The tolerant reader: turns JSON into models, loses nothing, and records every deviation from the contract.

The generated `from_dict` decodes whatever follows the contract. If it raises, only the malformed item is read
again, field by field, according to the attrs fields of its class.
"""

from __future__ import annotations

import copy
import logging
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from togai._drift import Deviation, Drift
from togai._printable import shown_setting
from togai._salvage import M, Model, salvage
from togai.errors import ConfigurationError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("togai.drift")

_MAX_PLACES = 1000


def deviations(model: Model) -> tuple[Deviation, ...]:
    """The places where an item that was read deviates from the contract.

    Unknown properties and unknown enum values alone are not listed, because nothing is lost: `on_drift` receives them,
    and `additional_properties` and `is_known` show them.

    Args:
        model: An event, an entry of a correction's result, or a model that is a part of either.

    Returns:
        The deviations of the item and of everything that it contains; empty if it was read completely.

    Raises:
        InvalidRequest: It is not a model, but a list or a page of models, for example.
    """
    _check_model(model)
    return getattr(model, "_deviations", ())


def raw(model: Model) -> Any:
    """The JSON of an item as the service sent it.

    Args:
        model: An event, an entry of a correction's result, or a model that is a part of either.

    Returns:
        The JSON as received, without later changes; numbers with a fraction are Decimal. If the item was not read from
        a response, the result of its `to_dict()`.

    Raises:
        InvalidRequest: It is not a model, but a list or a page of models, for example.
    """
    _check_model(model)
    source = getattr(model, "_json", ...)
    return model.to_dict() if source is ... else copy.deepcopy(source)


def _check_model(value: object) -> None:
    if not hasattr(value, "_deviations"):
        raise InvalidRequest(f"pass a single event, not {type(value).__name__}")


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
            raise ConfigurationError(f"strict={shown_setting(strict)}: pass True or False")
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
        """Return a reader with other settings; a setting that is None stays unchanged.

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
        """Read a list: one model per value, whether the value is malformed or not.

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
        # A service that sends a new property name in every response must not fill the memory.
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
    """Strict mode detected an unknown property or value; reading field by field locates it."""
