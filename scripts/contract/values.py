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
    from collections.abc import Iterable, Sequence

    from contract.align import Meeting, Place


class Values(Comparison):
    """Compares enums and limits of two descriptions; additions and looser limits are adopted."""

    def enum(self, place: Place) -> None:
        """Compare the values of an enum."""
        listing = [meeting for meeting in place.meetings if meeting.theirs.enum is not None]
        if place.ours.enum is None or not listing:
            self._listing(place, listing)
        else:
            self._members(place, place.ours.enum, listing)

    def _members(self, place: Place, ours: Sequence[str], listing: Sequence[Meeting]) -> None:
        pairs = [(each, each.theirs.enum or ()) for each in listing]
        values = dict.fromkeys(value for _, listed in pairs for value in listed)
        fresh = [value for value in values if value not in ours]
        absent = {value: [each for each, listed in pairs if value not in listed] for value in ours}
        lost = {value: meetings for value, meetings in absent.items() if meetings}
        for value, meetings in lost.items():
            self._lost(place, value, meetings, _likely(value, fresh, len(lost)))
        takeable = members(fresh, ours)
        for value in fresh:
            self._new(place, value, listing, takeable=value in takeable)

    def _new(self, place: Place, value: str, listing: Sequence[Meeting], *, takeable: bool) -> None:
        where = [each.position for each in listing if value in (each.theirs.enum or ())]
        at, reason, rule = f"{place.at}/enum/{escaped(value)}", "", verdicts.NEW_MEMBER
        if not takeable:
            reason = "it has no name of its own in Python: reads as an unknown value"
            rule = verdicts.UNMODELLED
        elif place.ours.node.get(RELIED) is True:
            rule = verdicts.DECIDE_MEMBER
        if self.findings.add(rule, at, "none", value, where, reason=reason) and rule.gain:
            place.node.value["enum"].append(value)

    def _lost(self, place: Place, value: str, absent: Sequence[Meeting], hints: list[str]) -> None:
        relied = place.ours.node.get(RELIED)
        is_relied = relied is True or value in as_list(relied)
        rule = verdicts.LOST_RELIED_MEMBER if is_relied else verdicts.HELD_MEMBER
        sent = [each.position for each in absent if each.is_request]
        if sent:
            rule = verdicts.LOST_REQUEST_MEMBER
        where, known = sent or [each.position for each in absent], len(absent) < len(place.meetings)
        at = f"{place.at}/enum/{escaped(value)}"
        self.findings.add(rule, at, value, "none", where, known=known, hints=hints)

    def _listing(self, place: Place, listing: Sequence[Meeting]) -> None:
        """Record that only one of both lists its values."""
        at = f"{place.at}/enum"
        if place.ours.enum is not None:
            where = [meeting.position for meeting in place.meetings]
            self.findings.add(verdicts.LISTED, at, "listed", "any", where)
        for meeting in listing:
            rule, listed = verdicts.LISTED, "listed"
            if meeting.is_request:
                rule, listed = verdicts.LISTED_SENT, ", ".join(sorted(meeting.theirs.enum or ()))
            self.findings.add(rule, at, "any", shown(listed), [meeting.position])

    def limits(self, place: Place) -> None:
        """Compare limits and patterns; adopt those that are looser."""
        sent = [meeting for meeting in place.meetings if meeting.is_request]
        deciding = sent or place.meetings
        where = [meeting.position for meeting in deciding]
        for key in (*LIMITS, UNREAD) if sent else LIMITS:
            at, ours = f"{place.at}/{key}", place.ours.limits.get(key)
            looser: list[Any] = []
            for meeting in deciding:
                theirs, here = meeting.theirs.limits.get(key), [meeting.position]
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


def _likely(value: str, fresh: Iterable[str], lost: int) -> list[str]:
    """Return the new values that may replace a removed one, as questions."""
    alike = [new for new in fresh if member_name(new) == member_name(value)]
    others = sorted(fresh)
    likely = alike or (others[:3] if lost <= len(others) else [])
    return [f"renamed to {new}?" for new in likely]


def _tighter(key: str, theirs: Any, ours: Any) -> bool | None:
    """Return whether a limit is tighter than ours; None if unknown, or if neither allows all that the other allows."""
    if ours is None or theirs is None or theirs == ours:
        return theirs != ours and theirs is not None
    if key in (*UPPER, *LOWER):
        return bool(theirs < ours) == (key in UPPER)
    if key == "enum" and (set(ours) <= set(theirs) or set(theirs) <= set(ours)):
        return len(theirs) < len(ours)
    return None
