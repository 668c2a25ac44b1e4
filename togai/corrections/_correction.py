"""The data of a correction: the selected events, the action and its options. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, cast

from attrs import asdict, field, frozen

from togai._contract import fields
from togai._event_json import event_json
from togai._salvage import salvage
from togai.models import Attribute, CorrectionAction, Event, IngestionStatusValue, ReadEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from togai._drift import Deviation


SYNCHRONOUS_CAP = 30
"""The maximum number of events that a call without `background` corrects (the vendor's reference page)."""


@frozen(kw_only=True)
class Selection:
    """Selects the events of a correction: all events that match.

    Attributes:
        account_id: The account that the events belong to.
        reference_id: Togai's own id of an event; sent as `id`.
        event_id: The id that the event was sent with.
        event_source_time: The event's own timestamp.
        created_at: When Togai ingested it.
    """

    account_id: str
    reference_id: str | None = None
    event_id: str | None = None
    event_source_time: datetime | None = None
    created_at: datetime | None = None

    @property
    def is_whole_account(self) -> bool:
        """Whether it selects a whole account."""
        return not (self.reference_id or self.event_id or self.event_source_time)

    def __str__(self) -> str:
        named = asdict(self).items()
        return ", ".join(f"{name}={value}" for name, value in named if value is not None)


@frozen(kw_only=True)
class Target:
    """An event as it was read, before or after a correction.

    Attributes:
        reference_id: Togai's own id of the event; None if it could not be read.
        event_id: The id that the event was sent with.
        account_id: The account that the event shows, which may be an alias.
        status: Its ingestion status.
        created_at: When Togai ingested it, in UTC, as ISO 8601 text.
        payload: The event itself, as JSON; None if it could not be read.
    """

    reference_id: str | None
    event_id: str | None = None
    account_id: str | None = None
    status: str | None = None
    created_at: str | None = None
    payload: dict[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, event: ReadEvent) -> Target:
        """The current state of an event that was read.

        Args:
            event: An event that was read.
        """
        payload: Any = event.event_payload
        account_id: Any = getattr(payload, "account_id", None)
        created_at: Any = event.created_at
        return cls(
            reference_id=reference_id_of(event),
            event_id=event_id_of(event),
            account_id=account_id if isinstance(account_id, str) else None,
            status=status_of(event),
            created_at=_instant(created_at) if isinstance(created_at, datetime) else None,
            payload=_as_json(payload),
        )

    @property
    def is_reverted(self) -> bool:
        """Whether its status is REVERTED."""
        return self.status == "REVERTED"

    def differences(self, other: Target) -> list[str]:
        """The differences from another read of the event; empty if there are none.

        Another notation of the same number or time is not a difference, and neither is a property that is not in the
        contract.

        Args:
            other: The event as it was read another time.
        """
        differences: list[str] = []
        for name in ("reference_id", "status", "created_at"):
            before, after = getattr(self, name), getattr(other, name)
            if before is None or after is None:
                differences.append(f"{name} cannot be read")
            elif before != after:
                differences.append(f"{name} was {before} and is {after}")
        if self.payload is None or other.payload is None:
            return [*differences, "the event itself cannot be read"]
        was, reads = comparable(self.payload), comparable(other.payload)
        differences += [f"{name} has changed" for name in was if was[name] != reads[name]]
        return differences


def _as_json(payload: Any) -> dict[str, Any] | None:
    """The event as JSON, if all properties in the contract can be read."""
    if not isinstance(payload, Event):
        return None
    source = event_json(payload)
    deviations: list[Deviation] = []
    salvage(Event, source, "event", deviations)
    readable = ("unknown property", "finer than microseconds")
    return source if all(deviation.drift.kind in readable for deviation in deviations) else None


def comparable(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an event that are in the contract, with equal values written equally.

    Args:
        payload: The event as JSON, under any names that the contract has for its properties.
    """
    values = _values(Event, payload)
    amounts, dimensions = values["attributes"], values["dimensions"]
    texts = cast("dict[str, Any]", dimensions) if isinstance(dimensions, dict) else {}
    return {
        "schemaName": values["schema_name"],
        "timestamp": _moment(values["timestamp"]),
        "accountId": str(values["account_id"]),
        "id": values["id"],
        "attributes": sorted(
            map(_amount, cast("Any", amounts if isinstance(amounts, list) else []))
        ),
        "dimensions": {name: str(text) for name, text in texts.items()},
    }


def _values(model: type, source: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a model's properties by their names in Python."""
    return {
        field.name: next((source[name] for name in field.names if name in source), None)
        for field in fields(model)
    }


def _amount(attribute: Any) -> tuple[str, str, str]:
    if not isinstance(attribute, dict):
        return ("", repr(attribute), "")
    values = _values(Attribute, cast("dict[str, Any]", attribute))
    text = str(values["value"])
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_finite() and abs(number.adjusted()) < 600:
        text = f"{number:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return (str(values["name"]), "0" if text == "-0" else text, str(values["unit"]))


def _moment(value: object) -> str:
    try:
        return _instant(datetime.fromisoformat(value)) if isinstance(value, str) else repr(value)
    except ValueError:
        return repr(value)


def _instant(moment: datetime) -> str:
    if moment.utcoffset() is None:
        return moment.isoformat()
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        return moment.isoformat()


@frozen(kw_only=True)
class Correction:
    """A correction: an action, the events it is about, and its options.

    Attributes:
        action: UNDO, REDO or REDO_EVENT.
        selection: The selected events.
        event: The replacement that is ingested; REDO_EVENT only.
        background: Whether the service processes it later.
        require_confirmation: Whether the background job waits until someone confirms it.
        before: The target as it was read, if an event was passed.
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
            "event": None if self.event is None else event_json(self.event),
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
            KeyError, TypeError, ValueError: The JSON is not a correction.
        """
        selection = dict(source["selection"])
        for name in ("event_source_time", "created_at"):
            if name in selection:
                selection[name] = datetime.fromisoformat(selection[name])
        event = source["event"]
        return cls(
            action=CorrectionAction(source["action"]),
            selection=Selection(**selection),
            event=None if event is None else salvage(Event, event, "event", []),
            background=source["background"],
            require_confirmation=source["require_confirmation"],
            before=tuple(Target(**target) for target in source["before"]),
        )


def reference_id_of(event: ReadEvent) -> str | None:
    # If the service omits the reference id, it may be in the payload, as in the vendor's examples.
    extra: Any = getattr(event.event_payload, "additional_properties", None) or {}
    reference_id: Any = event.reference_id or extra.get("referenceId")
    return reference_id if isinstance(reference_id, str) and reference_id else None


def event_id_of(event: ReadEvent) -> str | None:
    event_id: Any = getattr(event.event_payload, "id", None)
    return event_id if isinstance(event_id, str) and event_id else None


def status_of(event: ReadEvent) -> str | None:
    status: Any = getattr(event.ingestion_status, "status", None)
    return str(status) if isinstance(status, IngestionStatusValue) or status == "REVERTED" else None
