"""Plans: what will be corrected, item by item, as data that a person approves. Only `save` and `load` do I/O."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve, field, frozen

from togai._files import replace_private
from togai._printable import printable, shown
from togai.corrections._checks import build_correction, check_item, check_values
from togai.corrections._correction import Correction
from togai.corrections._table import Content, amounts, show, show_html, totals
from togai.errors import InvalidRequest
from togai.models import CorrectionAction, Event

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping
    from decimal import Decimal

    from togai.models import ReadEvent

FORMAT = 1


@frozen
class Undo:
    """Undo an event.

    Attributes:
        event: The event that was read.
        account_id: The account for the request, if the event shows an alias of it.
    """

    event: ReadEvent
    account_id: str | None = field(default=None, kw_only=True)


@frozen
class Redo:
    """Undo an event and ingest it again.

    Attributes:
        event: The event that was read.
        account_id: The account for the request, if the event shows an alias of it.
    """

    event: ReadEvent
    account_id: str | None = field(default=None, kw_only=True)


@frozen
class Replace:
    """Undo an event and ingest another event instead.

    Attributes:
        event: The event that was read.
        replacement: The event to ingest, from `with_quantities` or `build_event`. It is sent unchanged.
        allow_removed: True to allow a replacement without some attribute of the event.
        account_id: The account for the request, if the event shows an alias of it.
    """

    event: ReadEvent
    replacement: Event
    allow_removed: bool = field(default=False, kw_only=True)
    account_id: str | None = field(default=None, kw_only=True)


Item = Undo | Redo | Replace
"""An item of `client.events.plan`."""


_ACTIONS = {
    Undo: CorrectionAction.UNDO,
    Redo: CorrectionAction.REDO,
    Replace: CorrectionAction.REDO_EVENT,
}


def _correction_of(item: Item) -> Correction:
    correction = build_correction(
        _ACTIONS[type(item)],
        item.event,
        {},
        event=getattr(item, "replacement", None),
        background=False,
        require_confirmation=None,
        keep_unknown=False,
        allow_reverted=True,  # left out of the plan, and listed there
        allow_removed=getattr(item, "allow_removed", False),
    )
    if correction.selection.reference_id is None or correction.before[0].payload is None:
        raise InvalidRequest(
            f"{correction.describe()}: an event without a readable reference id and payload cannot be planned"
        )
    if item.account_id is None:
        return correction
    check_values({"account_id": item.account_id})
    return evolve(correction, selection=evolve(correction.selection, account_id=item.account_id))


@frozen(kw_only=True)
class LeftOut:
    """An event that a plan does not correct.

    Attributes:
        reference_id: Togai's own id of the event.
        reason: Why the plan skips it.
    """

    reference_id: str
    reason: str


@frozen(kw_only=True)
class Plan:
    """A list of corrections. Print it for a person to approve, then call `client.events.execute(plan)`.

    Attributes:
        service: Address of the service.
        ledger: Id of the ledger that the plan belongs to.
        position: Number and checksum of the ledger's newest entry when the plan was created.
        created_at: When the plan was created, as ISO 8601 text.
        why: The reason for the corrections.
        items: The corrections, one per event.
        left_out: The events that are not corrected, with the reasons.
        warnings: Facts that a person should know before approving.
    """

    service: str
    ledger: str
    position: tuple[int, str]
    created_at: str
    why: str | None
    items: tuple[Correction, ...] = field(repr=False)
    left_out: tuple[LeftOut, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = field(default=(), repr=False)

    def __attrs_post_init__(self) -> None:
        # This also checks an edited file: what a person approves must be what is sent.
        for item in self.items:
            check_item(item)
        if len({item.selection.reference_id for item in self.items}) != len(self.items):
            raise InvalidRequest("an event occurs twice: keep one of its corrections")

    def __len__(self) -> int:
        return len(self.items)

    def __str__(self) -> str:
        return show(self._content())

    def _repr_html_(self) -> str:
        return show_html(self._content())

    def _content(self) -> Content:
        return Content(
            service=self.service,
            why=self.why,
            items=self.items,
            left_out=[(item.reference_id, item.reason) for item in self.left_out],
            warnings=self.warnings,
            digest=self.digest,
        )

    @property
    def digest(self) -> str:
        """The digest that a person approves; it changes if anything in the plan changes."""
        return hashlib.sha256(_text(self._json())).hexdigest()

    @property
    def totals(self) -> dict[str, tuple[Decimal, Decimal]]:
        """The sum of each quantity over all items, by name and unit, before and after."""
        return totals(self.items)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to a file that only its owner can read; it holds customers' events.

        Args:
            path: The file; an existing file is replaced.

        Raises:
            OSError: The file cannot be written.
        """
        replace_private(path, _text({**self._json(), "digest": self.digest}, indent=1))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Plan:
        """Read a plan that `save` wrote.

        Args:
            path: The file.

        Raises:
            InvalidRequest: The file cannot be read, is not a plan, or was changed after it was saved.
        """
        try:
            source: Any = json.loads(Path(path).read_bytes())
            if source["format"] != FORMAT:
                raise InvalidRequest(
                    f"{path} has format {source['format']}; this version reads format {FORMAT}"
                )
            digest = source.pop("digest")
            if hashlib.sha256(_text(source)).hexdigest() != digest:
                raise InvalidRequest(f"{path} was changed after it was saved: create a new plan")
            number, checksum = source["position"]
            plan = cls(
                **{name: source[name] for name in ("service", "ledger", "created_at", "why")},
                position=(number, checksum),
                items=tuple(map(Correction.from_json, source["items"])),
                left_out=tuple(LeftOut(**item) for item in source["left_out"]),
                warnings=tuple(source["warnings"]),
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, InvalidRequest):
                raise
            given: object = path
            name = given if isinstance(given, str | Path) else shown(given)
            reason = getattr(error, "strerror", None)
            problem = f"cannot be read: {reason}" if reason else "is not a plan"
            raise InvalidRequest(f"{name} {problem}: save one with plan.save(path)") from None
        if plan.digest != digest:
            raise InvalidRequest(f"{path} was changed after it was saved: create a new plan")
        return plan

    def _json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "service": self.service,
            "ledger": self.ledger,
            "position": list(self.position),
            "created_at": self.created_at,
            "why": self.why,
            "items": [item.to_json() for item in self.items],
            "left_out": list(map(asdict, self.left_out)),
            "warnings": list(self.warnings),
        }


def _text(source: Any, indent: int | None = None) -> bytes:
    return json.dumps(source, sort_keys=True, indent=indent, default=str).encode()


def corrections_of(items: Iterable[Item]) -> tuple[list[Correction], list[LeftOut]]:
    """The corrections of a plan: each event once, without reverted events.

    Raises:
        InvalidRequest: An event occurs twice with different corrections, or cannot be corrected.
    """
    chosen: dict[str, Correction] = {}
    left_out: list[LeftOut] = []
    for number, item in enumerate(items):
        if not isinstance(item, Undo | Redo | Replace):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequest(
                f"item {number}: pass Undo(event), Redo(event) or Replace(event, replacement), not"
                f" {type(item).__name__}"
            )
        correction = _correction_of(item)
        reference_id = str(correction.selection.reference_id)
        earlier = chosen.setdefault(reference_id, correction)
        if earlier is not correction and earlier.to_json() != correction.to_json():
            raise InvalidRequest(
                f"{printable(reference_id)} occurs twice, with different corrections or read differently: keep one"
            )
    for reference_id, correction in list(chosen.items()):
        if correction.before[0].is_reverted:
            del chosen[reference_id]
            left_out.append(LeftOut(reference_id=reference_id, reason="its status is REVERTED"))
    return list(chosen.values()), left_out


def warnings_of(corrections: list[Correction]) -> Iterator[str]:
    """Warnings about these corrections."""
    if not corrections:
        yield "the plan corrects nothing"
    before = [item.before[0] for item in corrections]
    counts: Mapping[str, int] = {
        "have failed ingestion": sum(
            str(target.status).startswith("INGESTION_FAILED") for target in before
        ),
        "are still being ingested": sum(each.status == "INGESTION_IN_PROGRESS" for each in before),
        "have no id, so they are looked up by listing the account": sum(
            target.event_id is None for target in before
        ),
        "show an account other than that of the request (an alias)": sum(
            item.selection.account_id != item.before[0].account_id for item in corrections
        ),
        "lose an attribute": sum(_loses(item) for item in corrections),
        "get a negative quantity": sum(_turns_negative(item) for item in corrections),
        "change a quantity tenfold or more": sum(_tenfold(item) for item in corrections),
    }
    for text, count in counts.items():
        if count:
            yield f"{count} of {len(corrections)} {text}"
    accounts = {item.selection.account_id for item in corrections}
    if len(accounts) > 1:
        yield f"these are events of {len(accounts)} accounts"


def _loses(item: Correction) -> bool:
    before, after = amounts(item)
    return item.event is not None and bool(before.keys() - after.keys())


def _turns_negative(item: Correction) -> bool:
    return item.event is not None and any(amount < 0 for amount in amounts(item)[1].values())


def _tenfold(item: Correction) -> bool:
    before, after = amounts(item)
    pairs = [(abs(before[name]), abs(after[name])) for name in before.keys() & after.keys()]
    return any(
        was != becomes and max(was, becomes) >= 10 * min(was, becomes) for was, becomes in pairs
    )
