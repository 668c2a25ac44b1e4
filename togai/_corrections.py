"""Corrections: which events, with what, and what came of it. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast, overload

from attrs import asdict, evolve, field, frozen

from togai._values import ReadEvent, payload_problems
from togai.errors import CorrectionFailed, InvalidRequest
from togai.models import (
    CorrectionAction,
    CorrectionStatus,
    Event,
    EventCorrectionInfo,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SYNCHRONOUS_CAP = 30
"""How many matching events a call without `background` corrects at most (the vendor's reference page)."""

_ALLOWED = (
    "an event that was read; or account_id with one of: reference_id, event_id, event_source_time,"
    " event_id and created_at, event_id and event_source_time; or account_id alone with whole_account=True"
)

_COMBINATIONS = (
    frozenset[str](),
    frozenset({"reference_id"}),
    frozenset({"event_id"}),
    frozenset({"event_source_time"}),
    frozenset({"event_id", "created_at"}),
    frozenset({"event_id", "event_source_time"}),
)


@frozen(kw_only=True)
class Selection:
    """Which events a correction is about: all that match.

    Attributes:
        account_id: The account that the events belong to.
        reference_id: Togai's own id of an event; goes out as `id`.
        event_id: The id that the event was sent with.
        event_source_time: The event's own timestamp.
        created_at: When Togai took it in.
    """

    account_id: str
    reference_id: str | None = None
    event_id: str | None = None
    event_source_time: datetime | None = None
    created_at: datetime | None = None

    def __str__(self) -> str:
        named = {
            "account_id": self.account_id,
            "reference_id": self.reference_id,
            "event_id": self.event_id,
            "event_source_time": self.event_source_time,
            "created_at": self.created_at,
        }
        return ", ".join(f"{name}={value}" for name, value in named.items() if value is not None)


@frozen(kw_only=True)
class Target:
    """How an event stood when it was read, before it was corrected.

    Attributes:
        reference_id: Togai's own id of the event; None where it could not be read.
        event_id: The id that the event was sent with.
        status: Its ingestion status.
        created_at: When Togai took it in, as ISO 8601 text.
    """

    reference_id: str | None
    event_id: str | None
    status: str | None
    created_at: str | None

    @classmethod
    def of(cls, event: ReadEvent) -> Target:
        """How this event stands.

        Args:
            event: An event that was read.
        """
        payload: Any = event.event_payload
        status: Any = getattr(event.ingestion_status, "status", None)
        created_at: Any = event.created_at
        return cls(
            reference_id=_reference_id(event),
            event_id=getattr(payload, "id", None),
            status=None if status is None else str(status),
            created_at=created_at.isoformat() if isinstance(created_at, datetime) else None,
        )


@frozen(kw_only=True)
class Correction:
    """What is asked for: an action, the events it is about, and how.

    Attributes:
        action: UNDO, REDO or REDO_EVENT.
        selection: Which events.
        event: What is ingested in their place; REDO_EVENT only.
        background: Whether the service works it off later.
        require_confirmation: Whether the background job waits until someone confirms it.
        before: How the target stood, where it was an event that was read.
    """

    action: CorrectionAction
    selection: Selection
    event: Event | None = field(default=None, repr=False)
    background: bool = False
    require_confirmation: bool | None = None
    before: tuple[Target, ...] = field(default=(), repr=False)

    def describe(self) -> str:
        """The correction in words."""
        return f"{self.action} of the events with {self.selection}"

    def to_json(self) -> dict[str, Any]:
        """The correction as JSON, for a ledger; `from_json` reads it back."""
        selection = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(self.selection).items()
            if value is not None
        }
        return {
            "action": str(self.action),
            "selection": selection,
            "event": None if self.event is None else self.event.to_dict(),
            "background": self.background,
            "require_confirmation": self.require_confirmation,
            "before": [asdict(target) for target in self.before],
        }

    @classmethod
    def from_json(cls, source: Mapping[str, Any]) -> Correction:
        """The correction that `to_json` wrote.

        Args:
            source: The JSON.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        selection = dict(source["selection"])
        for name in ("event_source_time", "created_at"):
            if name in selection:
                selection[name] = datetime.fromisoformat(selection[name])
        event = source["event"]
        return cls(
            action=CorrectionAction(source["action"]),
            selection=Selection(**selection),
            event=None if event is None else Event.from_dict(event),
            background=source["background"],
            require_confirmation=source["require_confirmation"],
            before=tuple(Target(**target) for target in source["before"]),
        )


def build_correction(
    action: CorrectionAction | str,
    target: ReadEvent | None,
    *,
    account_id: str | None,
    reference_id: str | None,
    event_id: str | None,
    event_source_time: datetime | None,
    created_at: datetime | None,
    whole_account: bool,
    event: Event | None,
    background: bool,
    require_confirmation: bool | None,
    keep_unknown: bool = False,
) -> Correction:
    """A correction that may be sent.

    Raises:
        InvalidRequest: It may not; the text says what is allowed.
    """
    checked = _action(action)
    named = {
        "account_id": account_id,
        "reference_id": reference_id,
        "event_id": event_id,
        "event_source_time": event_source_time,
        "created_at": created_at,
    }
    given = {name: value for name, value in named.items() if value is not None}
    if target is not None:
        if given or whole_account:
            extra = ", ".join([*given, *(["whole_account"] if whole_account else [])])
            raise InvalidRequest(
                f"an event was given as target, and {extra} too: pass either. Allowed: {_ALLOWED}"
            )
        selection = _selection_of(target)
    else:
        selection = _selection(given, whole_account=whole_account)
    _check_flag("background", background)
    if require_confirmation is not None:
        _check_flag("require_confirmation", require_confirmation)
    if require_confirmation and not background:
        raise InvalidRequest(
            "require_confirmation is about background jobs: pass background=True with it"
        )
    return Correction(
        action=checked,
        selection=selection,
        event=_payload(checked, event, selection, keep_unknown=keep_unknown),
        background=background,
        require_confirmation=require_confirmation,
        before=() if target is None else (Target.of(target),),
    )


def _reference_id(event: ReadEvent) -> str | None:
    # Where the service leaves the reference id out, its own examples put it into the payload.
    extra: Any = getattr(event.event_payload, "additional_properties", None) or {}
    found: Any = event.reference_id or extra.get("referenceId")
    return found if isinstance(found, str) and found else None


def _action(action: object) -> CorrectionAction:
    known = ", ".join(CorrectionAction)
    if not isinstance(action, str):
        raise InvalidRequest(f"action must be one of {known}, not {type(action).__name__}")
    checked = CorrectionAction(action)
    if not checked.is_known:
        raise InvalidRequest(f"action {action!r} is not known: pass one of {known}")
    return checked


def _check_flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name} must be True or False, not {value!r}")


def _selection_of(target: object) -> Selection:
    if not isinstance(target, ReadEvent):
        raise InvalidRequest(
            f"the target must be an event that was read, not {type(target).__name__}. Allowed: {_ALLOWED}"
        )
    payload: Any = target.event_payload
    account_id = getattr(payload, "account_id", None)
    if not isinstance(account_id, str) or not account_id:
        raise InvalidRequest(
            "the target has no account id that could be read: name account_id and a filter"
        )
    reference_id = _reference_id(target)
    if reference_id:
        return Selection(account_id=account_id, reference_id=reference_id)
    event_id, created_at = getattr(payload, "id", None), cast("object", target.created_at)
    if isinstance(event_id, str) and event_id and isinstance(created_at, datetime):
        return Selection(account_id=account_id, event_id=event_id, created_at=created_at)
    raise InvalidRequest(
        "the target has neither a reference id nor an id with created_at, so it cannot be told apart:"
        " name account_id and a filter"
    )


def _selection(given: dict[str, Any], *, whole_account: bool) -> Selection:
    for name in ("account_id", "reference_id", "event_id"):
        value = given.get(name)
        if name in given and (not isinstance(value, str) or not value.strip()):
            raise InvalidRequest(f"{name}={value!r}: pass a text that is not empty")
    for name in ("event_source_time", "created_at"):
        moment = given.get(name)
        if name in given and (not isinstance(moment, datetime) or moment.utcoffset() is None):
            raise InvalidRequest(f"{name}={moment!r}: pass a datetime with a time zone")
    if "account_id" not in given:
        lacking = f"{', '.join(given)} without account_id" if given else "no target"
        raise InvalidRequest(
            f"a correction needs a target, this has {lacking}. Allowed: {_ALLOWED}"
        )
    filters = frozenset(given) - {"account_id"}
    if filters not in _COMBINATIONS:
        raise InvalidRequest(
            f"account_id cannot go with {' and '.join(sorted(filters))}. Allowed: {_ALLOWED}"
        )
    if not filters and whole_account is not True:
        raise InvalidRequest(
            "account_id alone would correct every event of the account: pass whole_account=True if that is"
            f" meant. Allowed: {_ALLOWED}"
        )
    if filters and whole_account:
        raise InvalidRequest(
            f"whole_account=True goes with account_id alone, not with {', '.join(sorted(filters))}"
        )
    return Selection(**given)


def _payload(
    action: CorrectionAction, event: object, selection: Selection, *, keep_unknown: bool
) -> Event | None:
    if action != CorrectionAction.REDO_EVENT:
        if event is not None:
            raise InvalidRequest(f"{action} takes no event: only REDO_EVENT ingests another one")
        return None
    if event is None:
        raise InvalidRequest("REDO_EVENT needs the event that is ingested instead: pass event=")
    if not isinstance(event, Event):
        raise InvalidRequest(f"event must be an Event, not {type(event).__name__}: see build_event")
    problems = payload_problems(event)
    if event.account_id != selection.account_id:
        problems.append(
            f"it belongs to account {event.account_id!r}, but the target is in {selection.account_id!r}"
        )
    if problems:
        raise InvalidRequest("this event cannot be sent: " + "; ".join(problems))
    return event if keep_unknown else without_unknown(event)


def without_unknown(event: Event) -> Event:
    """The event with what the contract knows alone: what the service added is not echoed to it."""
    attributes = [evolve(one, additional_properties={}) for one in event.attributes]
    return evolve(event, attributes=attributes, additional_properties={})


class CorrectionResult(Sequence[EventCorrectionInfo]):
    """What the service says it did, one entry for each event.

    A success of the call is no success of the correction: look at `failed` and `unknown`, or call
    `raise_for_failures()`.

    Attributes:
        correction: What was asked for.
        answer: The JSON that the service answered; a background call may answer anything, or nothing (None).
    """

    def __init__(
        self,
        correction: Correction,
        entries: Sequence[EventCorrectionInfo],
        answer: Any = None,
        *,
        one_by_one: bool = False,
    ) -> None:
        self.correction = correction
        self._one_by_one = one_by_one
        self.answer = answer
        self._entries = tuple(entries)

    @overload
    def __getitem__(self, index: int) -> EventCorrectionInfo: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EventCorrectionInfo]: ...
    def __getitem__(
        self, index: int | slice
    ) -> EventCorrectionInfo | Sequence[EventCorrectionInfo]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[EventCorrectionInfo]:
        return iter(self._entries)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CorrectionResult):
            return NotImplemented
        return (self.correction, self._entries) == (other.correction, other._entries)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        counts = f"{len(self.succeeded)} succeeded, {len(self.failed)} failed, {len(self.unknown)} unknown"
        cut = "; maybe truncated" if self.maybe_truncated else ""
        background = "; in the background" if self.correction.background else ""
        return f"<CorrectionResult of {self.correction.describe()}: {counts}{cut}{background}>"

    @property
    def succeeded(self) -> tuple[EventCorrectionInfo, ...]:
        """The entries that say that the events were reverted, and for REDO and REDO_EVENT ingested again."""
        done = (
            CorrectionStatus.REVERTED
            if self.correction.action == CorrectionAction.UNDO
            else CorrectionStatus.REVERTED_AND_REINGESTED
        )
        return tuple(entry for entry in self._entries if entry.status == done)

    @property
    def failed(self) -> tuple[EventCorrectionInfo, ...]:
        """The entries whose status is FAILED; each says why in `reason`."""
        return tuple(entry for entry in self._entries if entry.status == CorrectionStatus.FAILED)

    @property
    def unknown(self) -> tuple[EventCorrectionInfo, ...]:
        """The entries that are neither: a status that this version does not know, or that does not fit the action."""
        certain = {id(entry) for entry in (*self.succeeded, *self.failed)}
        return tuple(entry for entry in self._entries if id(entry) not in certain)

    @property
    def maybe_truncated(self) -> bool:
        """Whether more events may match: a call without `background` stops at 30 and does not say so."""
        capped = not self.correction.background and not self._one_by_one
        return capped and len(self) >= SYNCHRONOUS_CAP

    def raise_for_failures(self) -> CorrectionResult:
        """Return this result if every entry succeeded. Where no event matched there is no entry: look at `len()`.

        Raises:
            CorrectionFailed: An entry failed, or its status is not known.
        """
        if self.failed or self.unknown:
            raise CorrectionFailed(self.failed, self.unknown)
        return self

    def to_rows(self) -> list[dict[str, str | None]]:
        """The result as flat rows: reference_id, id, status, reason."""
        return [
            {
                "reference_id": entry.reference_id,
                "id": getattr(entry.event_payload, "id", None),
                "status": None if entry.status is None else str(entry.status),  # pyright: ignore[reportUnnecessaryComparison]
                "reason": entry.reason,
            }
            for entry in self._entries
        ]
