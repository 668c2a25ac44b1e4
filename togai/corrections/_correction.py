"""The data of a correction: which events, and what is done with them. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import asdict, field, frozen

from togai.models import CorrectionAction, Event, ReadEvent

if TYPE_CHECKING:
    from collections.abc import Mapping


SYNCHRONOUS_CAP = 30
"""How many matching events a call without `background` corrects at most (the vendor's reference page)."""


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
            reference_id=reference_id_of(event),
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


def reference_id_of(event: ReadEvent) -> str | None:
    # Where the service leaves the reference id out, its own examples put it into the payload.
    extra: Any = getattr(event.event_payload, "additional_properties", None) or {}
    found: Any = event.reference_id or extra.get("referenceId")
    return found if isinstance(found, str) and found else None
