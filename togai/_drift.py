"""Deviations of the live service from the contract, as data."""

from __future__ import annotations

from attrs import field, frozen
from attrs.converters import optional

from togai._printable import printable_name


@frozen
class Drift:
    """A kind of deviation of the live service from the contract. It holds no data, except the new value of an enum.

    Attributes:
        model: The model, such as `EventWithStatus`.
        property: The property's name in JSON; empty for the whole object.
        kind: What is different: `missing`, `null`, `wrong type`, `unknown property`, `unknown value`, `not a date`,
            `no offset`, `finer than microseconds` (the datetime is truncated; the original text is kept and sent
            back), `not an object`, `not a number` (NaN or infinite), `out of range`, `not UTF-8`, `ambiguous` (the
            property occurs twice, or under two of its names, with different values), `too many items` (more than
            1,000, where the contract allows fewer).
        value: The new value of an enum if the kind is `unknown value`; otherwise None.
    """

    model: str
    property: str = field(converter=printable_name)
    kind: str
    value: str | None = field(default=None, converter=optional(printable_name))

    def __str__(self) -> str:
        place = f"{self.model}.{self.property}" if self.property else self.model
        return f"{place}: {self.kind}" + ("" if self.value is None else f" '{self.value}'")


@frozen
class Deviation:
    """One place where an item that was read deviates from the contract.

    Attributes:
        where: JSON path within the response, such as `$.events[3].eventPayload.accountId`.
        drift: The kind of deviation.
    """

    where: str
    drift: Drift

    def __str__(self) -> str:
        return f"{self.where}: {self.drift.kind}"
