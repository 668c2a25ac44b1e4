"""What the other entries of a ledger say about the evidence for one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from togai._storage.rows import SETTLED, is_applied
from togai.corrections._entry import Entry, Kind

if TYPE_CHECKING:
    from togai._storage.rules import Rules

_DAY = timedelta(days=1)
"""No reading is assumed to be older."""

_MOST = 50


def witnesses(rules: Rules, entry: Entry) -> list[Entry]:
    """The intents of other corrections that left their event reverted, from a day before an entry on, the newest first.

    If such an event does not read as reverted, the readings are older than its correction.
    """
    applied = rules.entries(
        f"service = ? AND kind = '{Kind.APPLIED}' AND action IN ('UNDO', 'REDO_EVENT') AND intent <> ? AND at > ?",
        *(entry.service, entry.id, (entry.at - _DAY).isoformat(timespec="microseconds")),
        newest=_MOST,
    )
    seen = [row for row in applied if row.data.get("how") != "decided"]
    intents = [(row, rules.intent(row)) for row in seen]
    return [intent for row, intent in intents if row.target == intent.target]


def rivals(rules: Rules, entry: Entry) -> list[Entry]:
    """The intents of other corrections that may have ingested an event, from a day before an entry on."""
    since = (entry.at - _DAY).isoformat(timespec="microseconds")
    others = "service = ? AND action IN ('REDO', 'REDO_EVENT') AND (at > ? OR id IN (SELECT intent FROM togai_open))"
    settled: set[int | None] = set()
    intents: list[Entry] = []
    for row in rules.entries(others, entry.service, since):
        if row.kind == Kind.INTENT and row.id != entry.id:
            intents.append(row)
        elif row.kind in SETTLED and row.kind != Kind.APPLIED:
            settled.add(row.intent)
        elif row.data.get("late") == Kind.APPLIED:
            settled.discard(row.intent)
    return [intent for intent in intents if intent.id not in settled]


def corrected_elsewhere(rules: Rules, entry: Entry) -> Entry | None:
    """The entry that says that another correction of the same event was applied after this one was recorded."""
    rows = rules.entries(
        f"target = ? AND service = ? AND id > ? AND kind IN ('{Kind.APPLIED}', '{Kind.UNKNOWN}')",
        *(entry.target, entry.service, entry.id),
    )
    applied = [row for row in rows if row.intent != entry.id and is_applied(row)]
    return applied[-1] if applied else None
