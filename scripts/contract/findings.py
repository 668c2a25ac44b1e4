"""Records the differences of a merge, and decides whether each is held, new, or already known."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from contract.verdicts import Difference, Hold, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

HOLDS = "x-togai-holds"
_GRAVITY = (Verdict.ABSORBED, Verdict.HELD, Verdict.CONFLICT)


class Findings:
    """The differences of one merge; `known` has the keys of those that the last description had, if it is known."""

    def __init__(
        self,
        contract: dict[str, Any],
        holds: Sequence[Hold],
        known: Collection[tuple[str, str, str, str]] | None,
    ) -> None:
        self._contract = contract
        self._holds = holds
        self._known = known
        self._recorded: list[dict[str, str]] = contract.get(HOLDS, [])
        self._entries: dict[tuple[str, str, str, str], Difference] = {}
        self._met: set[str] = set()
        self._used: set[Hold] = set()

    def add(
        self,
        rule: Rule,
        at: str,
        ours: str,
        theirs: str,
        positions: Iterable[str],
        *,
        reason: str = "",
        known: bool = False,
        gain: bool = False,
        digest: str = "",
        gets: str = "",
        hints: Iterable[str] = (),
    ) -> bool:
        """Record a difference; return whether to update the contract."""
        self._met.add(at)
        key = (at, rule.kind, theirs, digest)
        if self._known is not None:
            known = not gain and key in self._known
        before = self._entries.get(key)
        where = tuple(dict.fromkeys((*(before.positions if before else ()), *positions)))
        reason, gets = reason or rule.reason, gets or rule.gets
        difference = Difference(
            rule.verdict, rule.kind, at, ours, theirs, reason, where, known, gain, gets, digest, tuple(hints)
        )  # fmt: skip
        # One message holds it, another one requires it.
        if before and _GRAVITY.index(before.verdict) >= _GRAVITY.index(rule.verdict):
            difference = replace(before, positions=where)
        self._entries[key] = difference
        return not self._decision(difference)

    def is_free(self, at: str, theirs: str) -> bool:
        """Return whether no decision excludes an addition."""
        return not self._decision(Difference(Verdict.ABSORBED, "", at, "", theirs, ""))

    def is_known(self, rule: Rule, at: str, theirs: str) -> bool:
        """Return whether the vendor's last description already had a difference."""
        return self._known is not None and (at, rule.kind, theirs, "") in self._known

    def _decision(self, difference: Difference) -> str:
        """Return the reason of the decision that holds a difference, if any."""
        for hold in self._holds:
            if hold.covers(difference.at):
                self._used.add(hold)
                return hold.because
        for entry in self._recorded:
            same = (entry["at"], entry["vendor"]) == (difference.at, difference.theirs)
            if same and entry.get("digest", difference.digest) == difference.digest:
                return entry["because"]
        return ""

    def settle(self) -> tuple[tuple[Difference, ...], list[Hold], list[str]]:
        """Write the decisions into the contract.

        Returns:
            The differences ordered by pointer, the holds without a difference, and the pointers of earlier
            decisions that no longer have a difference.
        """
        differences = [self._judged(entry) for entry in self._entries.values()]
        differences.sort(key=attrgetter("at", "kind", "theirs"))
        kept: list[dict[str, str]] = []
        for difference in differences:
            because = self._decision(difference)
            if because:
                digest = {"digest": difference.digest} if difference.digest else {}
                kept.append(
                    {"at": difference.at, "vendor": difference.theirs, **digest, "because": because}
                )
        released = [entry["at"] for entry in self._recorded if entry["at"] not in self._met]
        if kept:
            self._contract[HOLDS] = kept
        else:
            self._contract.pop(HOLDS, None)
        unmatched = [hold for hold in self._holds if hold not in self._used]
        return tuple(differences), unmatched, released

    def _judged(self, difference: Difference) -> Difference:
        because = self._decision(difference)
        if because:
            covered = any(hold.covers(difference.at) for hold in self._holds)
            return replace(
                difference,
                verdict=Verdict.HELD,
                reason=f"held by decision: {because}",
                gain=False,
                known=not covered,
            )
        before = [entry for entry in self._recorded if entry["at"] == difference.at]
        if before:
            was = " or ".join(hold["vendor"] for hold in before)
            what = (
                f"when the vendor had {was}"
                if was != difference.theirs
                else "and changed below since"
            )
            difference = replace(difference, reason=f"{difference.reason} (held before, {what})")
        if self._known is not None and difference.known and difference.verdict is Verdict.CONFLICT:
            reason = "the vendor's last description already had it"
            return replace(difference, verdict=Verdict.HELD, reason=reason)
        return difference
