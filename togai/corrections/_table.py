"""A plan as text for a person, in 80 columns."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from attrs import frozen

from togai._event_json import event_json
from togai._html import table, text
from togai._printable import counted, printable
from togai._rows import decimal_or_none
from togai._salvage import salvage
from togai.corrections._correction import Correction, Target, comparable
from togai.models import CorrectionAction, Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WIDTH = 80
_HEAD, _TAIL = 20, 5


@frozen(kw_only=True)
class Content:
    """The parts of a plan that a person sees."""

    service: str
    why: str | None
    items: Sequence[Correction]
    left_out: Sequence[tuple[str, str]]
    warnings: Sequence[str]
    digest: str


def show(content: Content) -> str:
    """A plan as text; of a long plan, the first and last items."""
    return "\n".join(part for line in _lines(content) for part in _fold(line))


def show_html(content: Content) -> str:
    """A plan as a table for a notebook, with its warnings."""
    names = ("action", "account_id", "reference_id", "before", "after")
    rows = [
        {
            "action": str(item.action),
            "account_id": item.selection.account_id,
            "reference_id": item.selection.reference_id,
            "before": _listed(before),
            "after": ", ".join(filter(None, [_listed(after), *_changes(item)])),
        }
        for item in content.items
        for before, after in [amounts(item)]
    ]
    notes = "".join(f"<li>{text(warning)}</li>" for warning in content.warnings)
    return f"<p>{text(next(_lines(content)))}</p>{table(rows, names)}<ul>{notes}</ul>"


def _listed(sums: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{name}: {number:f}" for name, number in sums.items())


def _lines(content: Content) -> Iterator[str]:
    count = len(content.items)
    yield f"Plan: {counted(count, 'correction')} at {content.service}"
    if content.why:
        yield f"Why: {content.why}"
    yield ""
    shown = count if count <= _HEAD + _TAIL else _HEAD
    for number, item in enumerate(content.items[:shown], 1):
        yield from _item(number, item)
    if shown < count:
        yield f"      ... {count - _HEAD - _TAIL} more in `plan.items` ..."
        for number, item in enumerate(content.items[-_TAIL:], count - _TAIL + 1):
            yield from _item(number, item)
    sums = totals(content.items)
    if sums:
        yield ""
        yield "Totals:"
    for name, (before, after) in sums.items():
        yield f"  {name}: {before:f} -> {after:f} ({after - before:+f})"
    for reference_id, reason in content.left_out[:_HEAD]:
        yield f"Left out: {reference_id}: {reason}"
    if len(content.left_out) > _HEAD:
        yield f"Left out: {len(content.left_out) - _HEAD} more in `plan.left_out`"
    for warning in content.warnings:
        yield f"! {warning}"
    yield f"Digest: {content.digest}"


def totals(items: Sequence[Correction]) -> dict[str, tuple[Decimal, Decimal]]:
    """The sum of each quantity by name and unit, before and after."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for item in items:
        before, after = amounts(item)
        for name in dict.fromkeys((*before, *after)):
            was, becomes = sums.get(name, (Decimal(0), Decimal(0)))
            sums[name] = (was + before.get(name, 0), becomes + after.get(name, 0))
    return sums


def _item(number: int, item: Correction) -> Iterator[str]:
    target = item.before[0]
    account = item.selection.account_id
    if target.account_id != account:
        account = f"{account} (shown as {target.account_id or 'none'})"
    yield f"{number:5} {item.action} {target.reference_id}, account {account}"
    timestamp = (target.payload or {}).get("timestamp", "none")
    yield f"        id {target.event_id or 'none'}, {timestamp}, {target.status or 'none'}"
    before, after = amounts(item)
    for name in dict.fromkeys((*before, *after)):
        was, becomes = (f"{each[name]:f}" if name in each else "none" for each in (before, after))
        yield f"        {name}: {was} -> {becomes}"
    for change in _changes(item):
        yield f"        {change}"


_SHOWN = ("schemaName", "timestamp", "accountId", "id", "dimensions")
"""The properties that a replacement can change besides its quantities."""


def _changes(item: Correction) -> Iterator[str]:
    if item.event is None:
        return
    before, after = item.before[0].payload or {}, event_json(item.event)
    was, becomes = comparable(before), comparable(after)
    for name in _SHOWN:
        if was[name] == becomes[name]:
            continue
        if name != "dimensions":
            yield f"{name}: {before.get(name, 'none')} -> {after.get(name, 'none')}"
            continue
        for key in dict.fromkeys((*was[name], *becomes[name])):
            old, new = (content[name].get(key, "none") for content in (was, becomes))
            if old != new:
                yield f"dimension {key}: {old} -> {new}"


def _fold(line: str) -> Iterator[str]:
    # Long lines are folded, not truncated: a person must see everything that is approved.
    text = printable(line)
    yield text[:_WIDTH]
    for start in range(_WIDTH, len(text), _WIDTH - 10):
        yield " " * 10 + text[start : start + _WIDTH - 10]


def amounts(item: Correction) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """The quantities of an item by name and unit, before and after its correction."""
    before = _amounts(item.before[0])
    if item.event is not None:
        return before, _amounts(Target(reference_id=None, payload=event_json(item.event)))
    return before, ({} if item.action == CorrectionAction.UNDO else before)


def _amounts(target: Target) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    event = salvage(Event, target.payload or {}, "event", [])
    for attribute in cast("list[Any]", event.attributes or []):
        name, value, unit = (getattr(attribute, field, None) for field in ("name", "value", "unit"))
        number = decimal_or_none(value)
        if number is not None:
            label = f"{name} ({unit})" if unit else str(name)
            # A sum is rounded, a single number is exact: add only if a name is repeated.
            sums[label] = sums[label] + number if label in sums else number
    return sums
