"""Compares the values that are sent and read: enums and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract import verdicts
from contract.adopt import member_name, members
from contract.align import RELIED
from contract.comparison import Comparison
from contract.schemas import parts_of
from contract.shapes import LIMITS, LOWER, UPPER, as_list, escaped, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contract.align import Meeting, Place


class Values(Comparison):
    """Compares enums and limits of two descriptions; additions and looser limits are adopted."""

    def enum(self, place: Place) -> None:
        """Compare the values of an enum."""
        ours = place.ours.enum
        listed = [meeting for meeting in place.meetings if meeting.theirs.enum is not None]
        if ours is None or not listed:
            self._listing(place)
            return
        relied = (place.ours.node or place.node).get(RELIED)
        offered = _offered(listed)
        fresh = {value: where for value, where in offered.items() if value not in ours}
        absent = {
            value: [meeting for meeting in listed if value not in (meeting.theirs.enum or ())]
            for value in ours
        }
        for value, meetings in absent.items():
            if meetings:
                is_relied = relied is True or value in as_list(relied)
                hints = _likely(value, fresh, lost=sum(map(bool, absent.values())))
                self._value_absent(place, value, meetings, hints, is_relied)
        self._new_values(place, fresh, decide=relied is True)

    def _new_values(self, place: Place, fresh: dict[str, list[str]], *, decide: bool) -> None:
        takeable = set(members(fresh, place.ours.enum or ()))
        for value, where in fresh.items():
            at = f"{place.at}/enum/{escaped(value)}"
            if value not in takeable:
                reason = "it has no name of its own in Python: reads as an unknown value"
                self.findings.add(verdicts.UNMODELLED, at, "none", value, where, reason=reason)
            elif decide:
                self.findings.add(verdicts.DECIDE_MEMBER, at, "none", value, where)
            elif self.findings.add(verdicts.NEW_MEMBER, at, "none", value, where):
                place.node.value["enum"].append(value)

    def _listing(self, place: Place) -> None:
        """Record that only one of both lists its values."""
        is_listed = place.ours.enum is not None
        for meeting in place.meetings:
            listed = meeting.theirs.enum
            if (listed is not None) == is_listed:
                continue
            rule, words = verdicts.LISTED, ("listed", "any") if is_listed else ("any", "listed")
            if listed is not None and meeting.is_request:
                rule, words = verdicts.LISTED_SENT, ("any", shown(", ".join(sorted(listed))))
            self.findings.add(rule, f"{place.at}/enum", *words, [meeting.position])

    def _value_absent(
        self, place: Place, value: str, absent: Sequence[Meeting], hints: list[str], is_relied: bool
    ) -> None:
        sent = [meeting.position for meeting in absent if meeting.is_request]
        where = sent or [meeting.position for meeting in absent]
        rule = verdicts.LOST_RELIED_MEMBER if is_relied else verdicts.HELD_MEMBER
        if sent:
            rule = verdicts.LOST_REQUEST_MEMBER
        at, is_elsewhere = f"{place.at}/enum/{escaped(value)}", len(absent) < len(place.meetings)
        known = rule is verdicts.HELD_MEMBER and is_elsewhere
        self.findings.add(rule, at, value, "none", where, known=known, hints=hints)

    def limits(self, place: Place) -> None:
        """Compare limits and patterns; adopt those that are looser."""
        sent = [meeting for meeting in place.meetings if meeting.is_request]
        self._limits(place, sent or place.meetings, is_sent=bool(sent))

    def _limits(self, place: Place, deciding: Sequence[Meeting], *, is_sent: bool) -> None:
        where = [meeting.position for meeting in deciding]
        for key in LIMITS:
            at, ours = f"{place.at}/{key}", _limit(key, place.ours.limits)
            invalid = [each.theirs.invalid[key] for each in deciding if key in each.theirs.invalid]
            if invalid:
                words = (shown(ours), shown(invalid[0]))
                reason = "it is not a valid limit: the contract does not change"
                self.findings.add(verdicts.UNMODELLED, at, *words, where, reason=reason)
                continue
            theirs = _loosest(key, [_limit(key, each.theirs.limits) for each in deciding], ours)
            if theirs == ours:
                continue
            words = (shown(ours), shown(theirs))
            if ours is None or (theirs is not None and _tighter(key, theirs, ours)):
                rule = verdicts.TIGHTER_SENT if is_sent else verdicts.TIGHTER
                self.findings.add(rule, at, *words, where)
            elif self.findings.add(verdicts.LOOSER, at, *words, where):
                _set_limit(place.node.value, key, theirs)


def _set_limit(schema: dict[str, Any], key: str, limit: Any) -> None:
    parts = parts_of(schema)
    holder = next((part for part in parts if key in part), schema)
    holder[key] = limit
    if limit is None:
        holder.pop(key)


def _offered(listed: Sequence[Meeting]) -> dict[str, list[str]]:
    """Return each value of the description, and its places."""
    offered: dict[str, list[str]] = {}
    for meeting in listed:
        for value in meeting.theirs.enum or ():
            offered.setdefault(value, []).append(meeting.position)
    return offered


def _likely(value: str, fresh: Iterable[str], lost: int) -> list[str]:
    """Return the new values that may replace a removed one, as questions."""
    alike = [new for new in fresh if member_name(new) == member_name(value)]
    others = sorted(fresh)
    likely = alike or (others[:3] if lost <= len(others) else [])
    return [f"renamed to {new}?" for new in likely]


def _loosest(key: str, offered: list[Any], ours: Any) -> Any:
    if None in offered:
        return None
    if key in UPPER:
        return max(offered)
    if key in LOWER:
        return min(offered)
    return offered[0] if len({str(value) for value in offered}) == 1 else ours


def _limit(key: str, limits: Mapping[str, Any]) -> Any:
    value = limits.get(key)
    # A minimum of zero is not a limit.
    return None if key in LOWER and key != "minimum" and value == 0 else value


def _tighter(key: str, theirs: Any, ours: Any) -> bool:
    if key in UPPER:
        return bool(theirs < ours)
    # Patterns cannot be compared: the contract keeps its own.
    return bool(theirs > ours) if key in LOWER else True
