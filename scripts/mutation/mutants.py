"""Mutants: one operator at one place, two or three at random, and bumps one after another."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from mutation import calls, equivalent, properties
from mutation.operators import Change, Document, Operator, Spot, spots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

OPERATORS = (*properties.OPERATORS, *calls.OPERATORS, *equivalent.OPERATORS)
VERDICTS = ("same", "absorbed", "held", "conflict")
SEED = 20240318


@dataclass(frozen=True)
class Mutant:
    """A description that differs from the contract.

    Attributes:
        operator: The kind of difference, or the way of combining several.
        label: The place.
        expected: The correct verdicts; see `Operator`.
        document: The description.
    """

    operator: str
    label: str
    expected: str
    document: Document


@dataclass(frozen=True)
class Place:
    """An operator with one of its changes, and the number of the spot where it fits."""

    operator: Operator
    change: Change
    number: int
    spot: Spot
    variant: str

    @property
    def label(self) -> str:
        """Return a short name for reports."""
        return " ".join((*self.spot.at, self.variant)).strip()


def _places(base: Document) -> list[Place]:
    return [
        Place(operator, change, number, spot, variant)
        for operator in OPERATORS
        for number, spot in enumerate(spots(base))
        for variant, change in operator.changes(spot).items()
    ]


def _changed(base: Document, places: list[Place]) -> Document:
    """Return a copy with the changes."""
    changed = copy.deepcopy(base)
    there = list(spots(changed))
    for place in places:
        place.change(there[place.number])
    separate: Document = json.loads(json.dumps(changed))
    return separate


def single(base: Document) -> Iterator[Mutant]:
    """Yield each operator at each place where it fits; equal descriptions only once."""
    seen: set[str] = set()
    for place in _places(base):
        document = _changed(base, [place])
        if (text := json.dumps(document)) not in seen:
            seen.add(text)
            yield Mutant(place.operator.name, place.label, place.operator.expected, document)


def _chosen(
    chance: random.Random, places: Iterable[Place], count: int, apart: Callable[[Spot], object]
) -> list[Place]:
    """Return random places with different operators, the one that changes the notation last."""
    of: dict[str, list[Place]] = {}
    for place in places:
        of.setdefault(place.operator.name, []).append(place)
    while True:
        chosen = [chance.choice(of[name]) for name in chance.sample(list(of), count)]
        # A change of the notation moves what other operators look for.
        chosen.sort(key=_is_notation)
        if len({apart(place.spot) for place in chosen}) == count and not _is_notation(chosen[-2]):
            return chosen


def _is_notation(place: Place) -> bool:
    return place.operator.expected == "same"


def _described(places: Iterable[Place]) -> str:
    return "; ".join(f"{place.operator.name} at {place.label}" for place in places)


def combined(base: Document, count: int, seed: int = SEED) -> Iterator[Mutant]:
    """Yield random combinations of two or three operators, each at another path or schema."""
    chance = random.Random(seed)  # noqa: S311 - the same in every run
    # A removed reference could hide the difference in the schema that it refers to.
    places = [place for place in _places(base) if not place.spot.is_reference]
    for _ in range(count):
        chosen = _chosen(chance, places, chance.choice((2, 3)), lambda spot: spot.at[0])
        possible = product(*(place.operator.expected.split() for place in chosen))
        gravest = {max(verdicts, key=VERDICTS.index) for verdicts in possible}
        document = _changed(base, chosen)
        yield Mutant("two or three at once", _described(chosen), " ".join(gravest), document)


def sequences(
    base: Document, count: int, length: int = 10, seed: int = SEED
) -> Iterator[tuple[str, list[Document]]]:
    """Yield a label and a sequence of bumps, each adding a difference that breaks no caller."""
    chance = random.Random(seed)  # noqa: S311
    places = [place for place in _places(base) if place.operator.expected in ("absorbed", "held")]
    for number in range(1, count + 1):
        chosen = _chosen(chance, places, length, lambda spot: spot.at)
        documents = [_changed(base, chosen[:end]) for end in range(1, length + 1)]
        yield f"{number}: {_described(chosen)}", documents
