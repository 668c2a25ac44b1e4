"""Records the differences of a merge, and decides whether each is held, new, or already known."""

from __future__ import annotations

import re
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from contract.verdicts import Difference, Hold, Rule, Verdict, place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

HOLDS = "x-togai-holds"
_SENT = re.compile(r"[A-Z]+ \S+ (\?|header |cookie |body)")


class Findings:
    """The differences of one merge; `known` are the facts of the last description, if it is known."""

    def __init__(
        self, contract: dict[str, Any], holds: Sequence[Hold], known: Collection[Any] | None
    ) -> None:
        self._contract = contract
        self._holds = holds
        self._known = known
        self._recorded: list[dict[str, str]] = contract.get(HOLDS, [])
        self._entries: dict[tuple[str, str, str, str], Difference] = {}
        self.facts: set[tuple[Any, ...]] = set()

    def add(
        self,
        rule: Rule,
        at: str,
        ours: str,
        theirs: str,
        where: Iterable[str] = (),
        *,
        reason: str = "",
        gets: str = "",
        hints: Iterable[str] = (),
        digest: str = "",
        known: bool = False,
    ) -> bool:
        """Record a difference; return whether to update the contract.

        `where` are the places on the wire, if the pointer does not name a single one. `known` is only used without the
        vendor's last description.
        """
        key = (at, rule.kind, theirs, digest)
        known = known or rule.settled
        everywhere = at.startswith(("#/info", "#/servers"))
        where = tuple(dict.fromkeys(where)) or ("every call" if everywhere else place(at),)
        # In a request and in a response, it is not the same difference.
        fact = (*key, rule.verdict, any(map(_SENT.match, where)))
        self.facts.add(fact)
        if self._known is not None:
            known = not rule.gain and fact in self._known
        before = self._entries.get(key)
        if before:
            where = tuple(dict.fromkeys((*before.positions, *where)))
            hints = dict.fromkeys((*before.hints, *hints))
            known = known and before.known
        difference = Difference(
            rule.verdict, rule.kind, at, ours, theirs, reason or rule.reason, where, known, rule.gain,
            gets or rule.gets, digest, tuple(hints),
        )  # fmt: skip
        # One message holds it, another one requires it.
        if before and [*Verdict].index(before.verdict) >= [*Verdict].index(rule.verdict):
            difference = replace(before, positions=where, hints=tuple(hints), known=known)
        self._entries[key] = difference
        is_old = rule.verdict is Verdict.HELD and known
        return not is_old and not self._because(difference)

    def had(self, rule: Rule, at: str) -> bool:
        """Return whether the last description had a difference at a pointer, or a decision is about it."""
        is_decided = any(entry["at"] == at for entry in self._recorded)
        return is_decided or any(fact[:2] == (at, rule.kind) for fact in self._known or ())

    def _because(self, entry: Difference) -> str:
        is_new = self._known is not None and not entry.known and not entry.gain
        return self.decision(entry.at, entry.theirs, entry.digest, is_new=is_new)

    def decision(self, at: str, theirs: str, digest: str = "", *, is_new: bool = False) -> str:
        """Return the reason of the decision that holds a difference, if any."""
        reasons = [hold.because for hold in self._holds if hold.covers(at)]
        reasons += [
            entry["because"]
            for entry in (() if is_new else self._recorded)
            if (entry["at"], entry["vendor"]) == (at, theirs)
            and entry.get("digest", digest) == digest
        ]
        return next(iter(reasons), "")

    def settle(self) -> tuple[tuple[Difference, ...], list[Hold], list[str]]:
        """Write the decisions into the contract.

        Returns:
            The differences ordered by pointer, the holds without a difference, and the pointers of earlier
            decisions that no longer have a difference.
        """
        differences: list[Difference] = []
        kept: list[dict[str, str]] = []
        for entry in sorted(self._entries.values(), key=attrgetter("at", "kind", "theirs")):
            because = self._because(entry)
            if not because:
                differences.append(self._judged(entry))
                continue
            held = replace(entry, verdict=Verdict.HELD, reason=f"held by decision: {because}")
            is_new = any(hold.covers(entry.at) for hold in self._holds)
            differences.append(replace(held, gain=False, known=not is_new))
            digest = {"digest": entry.digest} if entry.digest else {}
            kept.append({"at": entry.at, "vendor": entry.theirs, **digest, "because": because})
        met = {entry.at for entry in differences}
        released = [entry["at"] for entry in self._recorded if entry["at"] not in met]
        self._contract.pop(HOLDS, None)
        if kept:
            self._contract[HOLDS] = kept
        unmatched = [hold for hold in self._holds if not any(map(hold.covers, met))]
        return tuple(differences), unmatched, released

    def _judged(self, entry: Difference) -> Difference:
        """Return a difference with its verdict; it says if an earlier decision was about something else."""
        was = " or ".join(hold["vendor"] for hold in self._recorded if hold["at"] == entry.at)
        if was:
            has = "and changed below since" if was == entry.theirs else f"when the vendor had {was}"
            entry = replace(entry, reason=f"{entry.reason} (held before, {has})")
        if entry.known and entry.verdict is Verdict.CONFLICT:
            reason = "the vendor's last description already had it"
            reason = reason if self._known is not None else "held by decision: both names are read"
            entry = replace(entry, verdict=Verdict.HELD, reason=reason)
        return entry
