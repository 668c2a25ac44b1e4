"""Compares the values that are sent and read: enums and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import member_name, members
from contract.align import RELIED
from contract.comparison import Comparison
from contract.schemas import parts_of
from contract.shapes import LIMITS, LOWER, UNREAD, UPPER, as_list, escaped, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contract.align import Meeting, Place


class Values(Comparison):
    """Compares enums and limits of two descriptions; additions and looser limits are adopted."""

    def enum(self, place: Place) -> None:
        """Compare the values of an enum."""
        ours = place.ours.enum
        meetings = place.meetings
        enums = [(each, each.theirs.enum) for each in meetings if each.theirs.enum is not None]
        if ours is None or not enums:
            self._listing(place, enums)
            return
        relied = place.ours.node.get(RELIED)
        fresh = _fresh(enums, ours)
        absent = {value: [at for at, values in enums if value not in values] for value in ours}
        lost = [value for value, meetings in absent.items() if meetings]
        for value in lost:
            is_relied = relied is True or value in as_list(relied)
            hints = _likely(value, fresh, len(lost))
            self._value_absent(place, value, absent[value], hints, is_relied)
        self._new_values(place, ours, fresh, decide=relied is True)

    def _new_values(
        self, place: Place, ours: Sequence[str], fresh: dict[str, list[str]], *, decide: bool
    ) -> None:
        takeable = members(fresh, ours)
        for value, where in fresh.items():
            at = f"{place.at}/enum/{escaped(value)}"
            if value not in takeable:
                reason = "it has no name of its own in Python: reads as an unknown value"
                self.findings.add(verdicts.UNMODELLED, at, "none", value, where, reason=reason)
            elif decide:
                self.findings.add(verdicts.DECIDE_MEMBER, at, "none", value, where)
            elif self.findings.add(verdicts.NEW_MEMBER, at, "none", value, where):
                place.node.value["enum"].append(value)

    def _listing(self, place: Place, enums: Sequence[tuple[Meeting, Sequence[str]]]) -> None:
        """Record that only one of both lists its values."""
        at = f"{place.at}/enum"
        if place.ours.enum is not None:
            where = [meeting.position for meeting in place.meetings]
            self.findings.add(verdicts.LISTED, at, "listed", "any", where)
        for meeting, values in enums:
            rule, listed = verdicts.LISTED, "listed"
            if meeting.is_request:
                rule, listed = verdicts.LISTED_SENT, shown(", ".join(sorted(values)))
            self.findings.add(rule, at, "any", listed, [meeting.position])

    def _value_absent(
        self, place: Place, value: str, absent: Sequence[Meeting], hints: list[str], is_relied: bool
    ) -> None:
        sent = [meeting.position for meeting in absent if meeting.is_request]
        where = sent or [meeting.position for meeting in absent]
        rule = verdicts.LOST_RELIED_MEMBER if is_relied else verdicts.HELD_MEMBER
        if sent:
            rule = verdicts.LOST_REQUEST_MEMBER
        at, known = f"{place.at}/enum/{escaped(value)}", len(absent) < len(place.meetings)
        self.findings.add(rule, at, value, "none", where, known=known, hints=hints)

    def limits(self, place: Place) -> None:
        """Compare limits and patterns; adopt those that are looser."""
        sent = [meeting for meeting in place.meetings if meeting.is_request]
        deciding = sent or place.meetings
        where = [meeting.position for meeting in deciding]
        for key in (*LIMITS, UNREAD) if sent else LIMITS:
            at, ours = f"{place.at}/{key}", _limit(key, place.ours.limits)
            looser: list[Any] = []
            for meeting in deciding:
                theirs, here = _limit(key, meeting.theirs.limits), [meeting.position]
                if key in meeting.theirs.invalid:
                    words = (shown(ours), shown(meeting.theirs.invalid[key]))
                    reason = "it is not a valid limit: the contract does not change"
                    self.findings.add(verdicts.UNMODELLED, at, *words, here, reason=reason)
                elif (tighter := _tighter(key, theirs, ours)) is not False:
                    rule = verdicts.LIMITS[tighter, bool(sent)]
                    self.findings.add(rule, at, shown(ours), shown(theirs), here)
                elif theirs != ours:
                    looser.append(theirs)
            if looser:
                loosest = None if None in looser else (min if key in LOWER else max)(looser)
                if self.findings.add(verdicts.LOOSER, at, shown(ours), shown(loosest), where):
                    _set_limit(place.node.value, key, loosest)


def _set_limit(schema: dict[str, Any], key: str, limit: Any) -> None:
    parts = parts_of(schema)
    holder = next((part for part in parts if key in part), schema)
    holder.pop(f"exclusive{key.capitalize()}", None)
    holder[key] = limit
    if limit is None:
        holder.pop(key)


def _fresh(
    enums: Sequence[tuple[Meeting, Sequence[str]]], ours: Sequence[str]
) -> dict[str, list[str]]:
    """Return each value that is not in the contract, and its places."""
    fresh: dict[str, list[str]] = {}
    for meeting, values in enums:
        for value in dict.fromkeys(values):
            if value not in ours:
                fresh.setdefault(value, []).append(meeting.position)
    return fresh


def _likely(value: str, fresh: Iterable[str], lost: int) -> list[str]:
    """Return the new values that may replace a removed one, as questions."""
    alike = [new for new in fresh if member_name(new) == member_name(value)]
    others = sorted(fresh)
    likely = alike or (others[:3] if lost <= len(others) else [])
    return [f"renamed to {new}?" for new in likely]


def _limit(key: str, limits: Mapping[str, Any]) -> Any:
    value = limits.get(key)
    # A minimum of zero is not a limit.
    return None if key in LOWER and key != "minimum" and value == 0 else value


def _tighter(key: str, theirs: Any, ours: Any) -> bool | None:
    """Return whether a limit is tighter than ours; None if unknown, or if neither allows all that the other allows."""
    if ours is None or theirs is None or theirs == ours:
        return theirs != ours and theirs is not None
    if key in (*UPPER, *LOWER):
        return bool(theirs < ours) == (key in UPPER)
    if key == "enum" and (set(ours) <= set(theirs) or set(theirs) <= set(ours)):
        return len(theirs) < len(ours)
    return None
