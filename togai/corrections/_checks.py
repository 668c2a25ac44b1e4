"""Check a correction before it is sent: the target, the action and the replacement."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve

from togai._arguments import check_flag, utc_or_none
from togai._build import payload_problems
from togai._printable import printable, shown
from togai.corrections._correction import (
    Correction,
    Selection,
    Target,
    comparable,
    reference_id_of,
)
from togai.errors import InvalidRequest
from togai.models import CorrectionAction, Event, ReadEvent

if TYPE_CHECKING:
    from togai._where import Where

_ALLOWED = (
    "an event that was read; or account_id with one of: reference_id, event_id, event_source_time,"
    " event_id and created_at, event_id and event_source_time; or account_id alone with whole_account=True"
)

_COMBINATIONS = (
    frozenset[str](),
    frozenset({"reference_id"}),
    frozenset({"event_id"}),
    frozenset({"event_source_time"}),
    frozenset({"event_id", "created_at"}),
    frozenset({"event_id", "event_source_time"}),
)


def build_correction(
    action: CorrectionAction | str,
    target: ReadEvent | None,
    where: Where,
    *,
    event: Event | None,
    background: bool,
    require_confirmation: bool | None,
    keep_unknown: bool,
    allow_reverted: bool,
    allow_removed: bool,
) -> Correction:
    """Build a correction that may be sent.

    Raises:
        InvalidRequest: It is not allowed; the message says what is allowed.
    """
    checked = _action(action)
    values: dict[str, Any] = {name: value for name, value in where.items() if value is not None}
    whole_account = values.pop("whole_account", False)
    if target is not None:
        if values or whole_account:
            extra = ", ".join([*values, *(["whole_account"] if whole_account else [])])
            raise InvalidRequest(
                f"an event was passed as target, and also {extra}: pass one or the other. Allowed: {_ALLOWED}"
            )
        selection = _selection_of(target)
    else:
        selection = _selection(values, whole_account=whole_account)
    flags = {
        "background": background,
        "require_confirmation": False if require_confirmation is None else require_confirmation,
        "keep_unknown": keep_unknown,
        "allow_reverted": allow_reverted,
        "allow_removed": allow_removed,
    }
    for name, flag in flags.items():
        check_flag(name, flag)
    if require_confirmation and not background:
        raise InvalidRequest(
            "require_confirmation applies to background jobs only: also pass background=True"
        )
    payload = _payload(checked, event, selection, keep_unknown=keep_unknown)
    before = () if target is None else (Target.of(target),)
    for reading in before:
        check_reverted(reading, allow_reverted=allow_reverted)
        check_removed(payload, reading, allow_removed=allow_removed)
    return Correction(
        action=checked,
        selection=selection,
        event=payload,
        background=background,
        require_confirmation=require_confirmation,
        before=before,
    )


def check_reverted(target: Target, *, allow_reverted: bool) -> None:
    """Refuse an event whose status is REVERTED.

    Raises:
        InvalidRequest: Its status is REVERTED, and `allow_reverted` is not set.
    """
    if target.is_reverted and not allow_reverted:
        raise InvalidRequest(
            f"{target.reference_id} is REVERTED: it was corrected already. Pass allow_reverted=True to"
            " correct it anyway"
        )


def check_removed(replacement: Event | None, target: Target, *, allow_removed: bool) -> None:
    """Refuse a replacement that lacks an attribute of the event that was read.

    Raises:
        InvalidRequest: An attribute is missing, and `allow_removed` is not set.
    """
    if replacement is None or target.payload is None or allow_removed:
        return
    kept = {attribute.name for attribute in replacement.attributes}
    read = [name for name, _, _ in comparable(target.payload)["attributes"]]
    removed = sorted({name for name in read if name and name not in kept})
    if removed:
        raise InvalidRequest(
            f"the replacement lacks {', '.join(removed)}, which the event has: with_quantities(event, ...) keeps"
            " everything else. Pass allow_removed=True to remove it"
        )


def check_item(item: Correction) -> None:
    """Refuse an item of a plan that would send something other than the plan shows. An edited file can contain one.

    Raises:
        InvalidRequest: The item would send something other than the plan shows.
    """
    before = item.before[0] if len(item.before) == 1 else None
    account_id = item.selection.account_id
    replaces = item.action == CorrectionAction.REDO_EVENT
    if (
        before is None
        or not before.reference_id
        or item.selection != Selection(account_id=account_id, reference_id=before.reference_id)
        or item.background
        or item.require_confirmation is not None
        or not item.action.is_known
        or replaces != (item.event is not None)
    ):
        raise InvalidRequest(
            f"{printable(item.describe())}: an item of a plan must be one action on the event that it shows;"
            " create the plan with client.events.plan"
        )
    if item.event is not None:
        problems = payload_problems(item.event)
        if item.event.account_id not in (account_id, before.account_id):
            problems.append(f"it belongs to account {item.event.account_id!r}")
        if item.event != without_unknown(item.event):
            problems.append("it has properties that the plan does not show")
        if problems:
            raise InvalidRequest(
                f"{printable(before.reference_id)}: this replacement cannot be sent: {printable('; '.join(problems))}"
            )


def _action(action: object) -> CorrectionAction:
    known = ", ".join(CorrectionAction)
    if not isinstance(action, str):
        raise InvalidRequest(f"action must be one of {known}, not {type(action).__name__}")
    checked = CorrectionAction(action)
    if not checked.is_known:
        raise InvalidRequest(f"unknown action {shown(action)}: pass one of {known}")
    return checked


def _selection_of(target: object) -> Selection:
    if not isinstance(target, ReadEvent):
        raise InvalidRequest(
            f"the target must be an event that was read, not {type(target).__name__}. Allowed: {_ALLOWED}"
        )
    payload: Any = target.event_payload
    account_id = getattr(payload, "account_id", None)
    if not isinstance(account_id, str) or not account_id:
        raise InvalidRequest(
            "the account id of the target could not be read: pass account_id and a filter"
        )
    reference_id = reference_id_of(target)
    if reference_id:
        return Selection(account_id=account_id, reference_id=reference_id)
    event_id, created_at = getattr(payload, "id", None), cast("object", target.created_at)
    if isinstance(event_id, str) and event_id and isinstance(created_at, datetime):
        return Selection(account_id=account_id, event_id=event_id, created_at=created_at)
    raise InvalidRequest(
        "the target has neither a reference id nor an id with created_at, so it cannot be identified:"
        " pass account_id and a filter"
    )


def _selection(values: dict[str, Any], *, whole_account: bool) -> Selection:
    check_values(values)
    if "account_id" not in values:
        lacking = f"{', '.join(values)} without account_id" if values else "no target"
        raise InvalidRequest(f"a correction needs a target, got {lacking}. Allowed: {_ALLOWED}")
    filters = frozenset(values) - {"account_id"}
    if filters not in _COMBINATIONS:
        raise InvalidRequest(
            f"account_id cannot be combined with {' and '.join(sorted(filters))}. Allowed: {_ALLOWED}"
        )
    if not filters and whole_account is not True:
        raise InvalidRequest(
            "account_id alone would correct every event of the account: pass whole_account=True if that is"
            f" meant. Allowed: {_ALLOWED}"
        )
    if filters and whole_account:
        raise InvalidRequest(
            f"whole_account=True requires account_id alone, without {', '.join(sorted(filters))}"
        )
    return Selection(**values)


def check_values(values: dict[str, Any]) -> None:
    """Refuse ids and times that cannot select an event; times become UTC.

    Raises:
        InvalidRequest: A value is not allowed.
    """
    for name in ("account_id", "reference_id", "event_id"):
        value = values.get(name)
        text = value.strip() if isinstance(value, str) else ""
        # The ledger locks a reference id as it is written.
        if name in values and (not text or (name == "reference_id" and text != value)):
            raise InvalidRequest(
                f"{name}={shown(value)}: pass text that is not empty, without whitespace around it"
            )
    for name in ("event_source_time", "created_at"):
        if name in values:
            values[name] = utc_or_none(name, values[name])


def _payload(
    action: CorrectionAction, event: object, selection: Selection, *, keep_unknown: bool
) -> Event | None:
    if action != CorrectionAction.REDO_EVENT:
        if event is not None:
            raise InvalidRequest(f"{action} takes no event: only REDO_EVENT ingests a replacement")
        return None
    if event is None:
        raise InvalidRequest("REDO_EVENT needs a replacement: pass event=")
    if not isinstance(event, Event):
        raise InvalidRequest(f"event must be an Event, not {type(event).__name__}: see build_event")
    problems = payload_problems(event)
    if event.account_id != selection.account_id:
        problems.append(
            f"it belongs to account {event.account_id!r}, but the target is in {selection.account_id!r}"
        )
    if problems:
        raise InvalidRequest("this event cannot be sent: " + "; ".join(problems))
    return event if keep_unknown else without_unknown(event)


def without_unknown(event: Event) -> Event:
    """A copy of the event with only the properties of the contract, so that unknown properties are not sent back."""
    attributes = [evolve(attribute, additional_properties={}) for attribute in event.attributes]
    return evolve(event, attributes=attributes, additional_properties={})
