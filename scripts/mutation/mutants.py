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
    from collections.abc import Callable, Iterator, Sequence

OPERATORS = (*properties.OPERATORS, *calls.OPERATORS, *equivalent.OPERATORS)
VERDICTS = ("same", "absorbed", "held", "conflict")
SEED = 20240318


@dataclass(frozen=True)
class Mutant:
    """A description that differs from the contract; `expected` lists the possible verdicts."""

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
    label: str


def _places(base: Document) -> list[Place]:
    return [
        Place(operator, change, number, spot, " ".join((*spot.at, variant)).strip())
        for operator in OPERATORS
        for number, spot in enumerate(spots(base))
        for variant, change in operator.changes(spot).items()
    ]


def _mutant(base: Document, *places: Place, operator: str) -> Mutant:
    """Return the mutant with all changes; the most severe of their verdicts is expected."""
    changed = copy.deepcopy(base)
    there = list(spots(changed))
    for place in places:
        place.change(there[place.number])
    label = "; ".join(f"{place.operator.name} at {place.label}" for place in places)
    possible = product(*(place.operator.expected.split() for place in places))
    expected = {max(verdicts, key=VERDICTS.index) for verdicts in possible}
    # No part may be shared with another part, or with the operators.
    return Mutant(operator, label, " ".join(sorted(expected)), json.loads(json.dumps(changed)))


def single(base: Document) -> Iterator[Mutant]:
    """Yield each operator at each place where it fits; equal descriptions only once."""
    seen: set[str] = set()
    for place in _places(base):
        mutant = _mutant(base, place, operator=place.operator.name)
        if (text := json.dumps(mutant.document)) not in seen:
            seen.add(text)
            yield mutant


def _chosen(
    chance: random.Random, places: Sequence[Place], count: int, apart: Callable[[Spot], object]
) -> list[Place]:
    """Return random places with different operators."""
    of: dict[str, list[Place]] = {}
    for place in places:
        of.setdefault(place.operator.name, []).append(place)
    while True:
        chosen = [chance.choice(of[name]) for name in chance.sample(list(of), count)]
        # A change of the notation moves what other operators look for: at most one, and at the end.
        is_notation = [place.operator.expected == "same" for place in chosen[:-1]]
        if len({apart(place.spot) for place in chosen}) == count and not any(is_notation):
            return chosen


def combined(base: Document, count: int, seed: int = SEED) -> Iterator[Mutant]:
    """Yield random combinations of two or three operators, each at another path or schema."""
    chance = random.Random(seed)  # noqa: S311 - the same in every run
    # A removed reference could hide a difference in the schema that it refers to.
    places = [
        place
        for place in _places(base)
        if place.spot.kind != "property" or "$ref" not in str(place.spot.node)
    ]
    for _ in range(count):
        chosen = _chosen(chance, places, chance.choice((2, 3)), lambda spot: spot.at[0])
        yield _mutant(base, *chosen, operator="two or three at once")


def sequences(
    base: Document, count: int, length: int = 10, seed: int = SEED
) -> Iterator[list[Mutant]]:
    """Yield sequences of bumps, each adding a difference that breaks no caller."""
    chance = random.Random(seed)  # noqa: S311
    places = [place for place in _places(base) if place.operator.expected in ("absorbed", "held")]
    lengths = range(1, length + 1)
    for _ in range(count):
        chosen = _chosen(chance, places, length, lambda spot: spot.at)
        yield [_mutant(base, *chosen[:end], operator="ten one after another") for end in lengths]
