"""The result of a correction: one entry per event. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

from togai._html import table
from togai._printable import counted
from togai.corrections._correction import SYNCHRONOUS_CAP, Correction, reference_id_of
from togai.corrections._entry import Entry, Kind
from togai.errors import CorrectionFailed
from togai.models import CorrectionAction, CorrectionStatus, EventCorrectionInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class CorrectionResult(Sequence[EventCorrectionInfo]):
    """The result of a correction: one entry per event.

    A successful call does not mean that every event was corrected: check `failed` and `unknown`, or call
    `raise_for_failures()`.

    Attributes:
        correction: The correction that was sent.
        recorded: The ledger's entries, one per event; empty without a ledger.
        body: The JSON of the response; for a background call it may be anything, or None.
        request_id: The service's id of the request, for support requests; None if the response has none.
        status: The HTTP status of the response.
        headers: The headers of the response, without cookies; their names are in lower case.
    """

    def __init__(
        self,
        correction: Correction,
        entries: Sequence[EventCorrectionInfo],
        body: Any = None,
        *,
        one_by_one: bool = False,
    ) -> None:
        self.correction = correction
        self._one_by_one = one_by_one
        self.recorded: tuple[Entry, ...] = ()
        self.body = body
        self.request_id: str | None = None
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
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
        """The entries of events that were reverted and, for REDO and REDO_EVENT, ingested again."""
        is_undo = self.correction.action == CorrectionAction.UNDO
        done = CorrectionStatus.REVERTED if is_undo else CorrectionStatus.REVERTED_AND_REINGESTED
        return tuple(entry for entry in self._entries if entry.status == done)

    @property
    def failed(self) -> tuple[EventCorrectionInfo, ...]:
        """The entries whose status is FAILED; `reason` says why."""
        return tuple(entry for entry in self._entries if entry.status == CorrectionStatus.FAILED)

    @property
    def unknown(self) -> tuple[EventCorrectionInfo, ...]:
        """The entries with any other status: this version does not know it, or it does not match the action."""
        certain = {id(entry) for entry in (*self.succeeded, *self.failed)}
        return tuple(entry for entry in self._entries if id(entry) not in certain)

    @property
    def maybe_truncated(self) -> bool:
        """Whether more events may match: a call without `background` stops at 30 events and does not report it."""
        capped = not self.correction.background and not self._one_by_one
        return capped and len(self) >= SYNCHRONOUS_CAP

    def raise_for_failures(self) -> CorrectionResult:
        """Return this result if every entry succeeded. If no event matched, the result is empty: check `len()`.

        Raises:
            CorrectionFailed: An entry failed, or its status is not known.
        """
        if self.failed or self.unknown:
            raise CorrectionFailed(self.failed, self.unknown)
        return self

    def outcome(self, reference_id: str, *, alone: bool) -> tuple[Kind, str]:
        """The outcome of one target according to the response, for the ledger.

        Args:
            reference_id: Togai's own id of the event.
            alone: Whether the request was about this event only.
        """
        about = [entry for entry in self._entries if reference_id_of(entry) == reference_id]
        if len(about) != 1 or (alone and len(self._entries) != 1):
            others = len(self._entries) - len(about)
            found = f"{counted(len(about), 'result')} about {reference_id}"
            return Kind.UNKNOWN, f"the response has {found}, and {others} about other events"
        [entry] = about
        kind = Kind.FAILED if entry in self.failed else Kind.UNKNOWN
        kind = Kind.APPLIED if entry in self.succeeded else kind
        return kind, f"the response says {entry.status}, {entry.reason}"

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

    def _repr_html_(self) -> str:
        return table(self.to_rows(), ("reference_id", "id", "status", "reason"))
