"""Mutants: one operator at one place, two or three at random, and bumps one after another."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mutation import calls, equivalent, properties
from mutation.operators import NEW, Place
from mutation.spots import Document

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATORS = (*properties.OPERATORS, *calls.OPERATORS, *equivalent.OPERATORS)
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


def _changed(d: Document, *places: Place) -> Document | None:
    """Return a copy with the changes; None if one change removed what another one needs."""
    changed = copy.deepcopy(d)
    try:
        for place in places:
            place.change(changed, place.spot)
    except (KeyError, ValueError, StopIteration):
        return None
    separate: Document = json.loads(json.dumps(changed))
    return separate


def single(base: Document) -> Iterator[Mutant]:
    """Yield each operator at each place where it fits; equal descriptions only once."""
    seen: set[str] = set()
    for each in OPERATORS:
        for place in each.places(base):
            document = _changed(base, place)
            if document is not None and (text := json.dumps(document)) not in seen:
                seen.add(text)
                yield Mutant(each.name, place.label, each.expected, document, each.one_way)


def combined(base: Document, count: int, seed: int = SEED) -> Iterator[Mutant]:
    """Yield random combinations of two or three operators.

    Places that make schemas unreachable are omitted, because they could hide another difference.
    """
    chance = random.Random(seed)  # noqa: S311 - the same in every run
    places = [place for each in OPERATORS for place in each.places(base) if not place.cuts]
    while count:
        # Operators that change the notation come last: they move what other operators look for.
        chosen = sorted(chance.sample(places, chance.choice((2, 3))), key=_is_notation)
        # At one call or schema, one change could undo another.
        is_apart = len({place.spot.at[:3] for place in chosen}) == len(chosen)
        document = _changed(base, *chosen)
        if document is None or not is_apart or sum(map(_is_notation, chosen)) > 1:
            continue
        count -= 1
        expected = max((place.operator.expected for place in chosen), key=ORDER.index)
        label = "; ".join(f"{place.operator.name} at {place.label}" for place in chosen)
        one_way = any(place.operator.one_way for place in chosen)
        yield Mutant("two or three at once", label, expected, document, one_way)


def _is_notation(place: Place) -> bool:
    return place.operator.expected == "same"


def sequences(
    base: Document, count: int, length: int = 10, seed: int = SEED
) -> Iterator[tuple[str, list[Document]]]:
    """Yield a label and a sequence of bumps, each from the previous description; none breaks a caller."""
    chance = random.Random(seed)  # noqa: S311
    harmless = [operator for operator in OPERATORS if operator.expected == "quiet"]
    for number in range(1, count + 1):
        present, documents, labels = base, list[Document](), list[str]()
        while len(documents) < length:
            operator = chance.choice(harmless)
            places = [place for place in operator.places(present) if not place.cuts]
            if not places:
                continue
            place = chance.choice(places)
            following = _changed(present, place)
            if following is None or following == present:
                continue
            # A later bump must not replace the change of this one.
            fresh = f'"{NEW}{len(documents)}"'
            present = json.loads(json.dumps(following).replace(f'"{NEW}"', fresh))
            documents.append(present)
            labels.append(f"{operator.name} at {place.label}")
        yield f"{number}: " + "; ".join(labels), documents
