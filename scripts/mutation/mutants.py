"""Mutants: one operator at one place, two or three at random, and bumps one after another."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mutation import additions, differences, equivalent
from mutation.operators import OPERATORS, Document, Operator, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

# Importing a module of operators registers them.
ALL = (additions, differences, equivalent)
ORDER = ("same", "quiet", "outcome", "conflict")
SEED = 20240318


@dataclass(frozen=True)
class Mutant:
    """A description that differs from the contract.

    Attributes:
        operator: The kind of difference, or the way of combining several.
        label: The place.
        expected: The most severe verdict that it must get.
        document: The description.
        one_way: Whether going back to the contract is a conflict.
    """

    operator: str
    label: str
    expected: str
    document: Document
    one_way: bool = False


def single(base: Document) -> Iterator[Mutant]:
    """Yield each operator at each place where it fits; equal descriptions only once."""
    seen: set[str] = set()
    for operator in OPERATORS:
        for place in operator.places(base):
            document = copy.deepcopy(base)
            place.change(document)
            text = json.dumps(document)
            if text not in seen:
                seen.add(text)
                yield Mutant(
                    operator.name, place.label, operator.expected, document, operator.one_way
                )


def combined(base: Document, count: int, seed: int = SEED) -> Iterator[Mutant]:
    """Yield random combinations of two or three operators.

    Places that make schemas unreachable are omitted, because they could hide another difference.
    """
    chance = random.Random(seed)  # noqa: S311 - the same in every run
    everything = [
        (operator, place)
        for operator in OPERATORS
        for place in operator.places(base)
        if not place.cuts
    ]
    created = 0
    while created < count:
        # Operators that change the notation come last: they move what other operators look for.
        chosen = sorted(chance.sample(everything, chance.choice((2, 3))), key=_is_form)
        if sum(operator.form for operator, _ in chosen) > 1 or _at_one_place(chosen):
            continue
        document = copy.deepcopy(base)
        try:
            for _, place in chosen:
                place.change(document)
        except (KeyError, ValueError, StopIteration):
            continue
        created += 1
        expected = max((operator.expected for operator, _ in chosen), key=ORDER.index)
        label = "; ".join(f"{operator.name} at {place.label}" for operator, place in chosen)
        one_way = any(operator.one_way for operator, _ in chosen)
        described = json.loads(json.dumps(document))
        yield Mutant("two or three at once", label, expected, described, one_way)


def _at_one_place(chosen: list[tuple[Operator, Place]]) -> bool:
    """Return whether one of them could undo another."""
    targets = [place.label.split()[0].rstrip(",") for _, place in chosen]
    return len(set(targets)) < len(targets)


def _is_form(pair: tuple[Operator, Place]) -> bool:
    return pair[0].form


@dataclass(frozen=True)
class Sequence:
    """A sequence of descriptions that a vendor publishes."""

    label: str
    documents: tuple[Document, ...]


def sequences(base: Document, count: int, length: int = 10, seed: int = SEED) -> Iterator[Sequence]:
    """Yield sequences of bumps, each from the previous description; none breaks a caller."""
    chance = random.Random(seed)  # noqa: S311
    harmless = [operator for operator in OPERATORS if operator.expected == "quiet"]
    for number in range(count):
        documents: list[Document] = []
        labels: list[str] = []
        present = copy.deepcopy(base)
        while len(documents) < length:
            operator = chance.choice(harmless)
            places = [place for place in operator.places(present) if not place.cuts]
            if not places:
                continue
            place = chance.choice(places)
            following = copy.deepcopy(present)
            try:
                place.change(following)
            except (KeyError, ValueError, StopIteration):
                continue
            if following == present:
                continue
            # A later bump must not replace the change of this one.
            fresh = f'"{additions.NEW}{len(documents)}"'
            present = json.loads(json.dumps(following).replace(f'"{additions.NEW}"', fresh))
            documents.append(present)
            labels.append(f"{operator.name} at {place.label}")
        yield Sequence(f"{number + 1}: " + "; ".join(labels), tuple(documents))
