"""The claims of a correction: what it locks in the ledger, after its targets were read again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from attrs import evolve

from togai import _calls
from togai._arguments import check_flag
from togai._printable import printable
from togai._settings import opened
from togai._storage.rows import Claim
from togai._transport.steps import Blocking
from togai.corrections._correction import SYNCHRONOUS_CAP, Correction, Target
from togai.corrections._ledger import LedgerLike, records_of
from togai.corrections._matching import matching, needs_listing, reads_for
from togai.errors import EventNotFound, InvalidRequest, StaleReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from togai._settings import Settings
    from togai._storage.records import Records
    from togai._transport.steps import Steps
    from togai._transport.timeout import Timeout
    from togai.models import EventWithStatus, ReadEvent


def ledger_of(
    settings: Settings, ledger: LedgerLike, timeout: float | Timeout | None = None
) -> Records | None:
    """The ledger of a call: the argument `ledger=`, otherwise the client's ledger.

    Raises:
        ConfigurationError: The argument is not a ledger.
    """
    chosen = opened(settings.ledger if ledger is None else ledger)
    if chosen is None:
        return None
    return records_of(chosen).within(settings.timeout_of(timeout).total)


def claims_of(
    settings: Settings,
    ledger: Records | None,
    correction: Correction,
    timeout: float | Timeout | None,
    *,
    reread: bool,
    changed: bool,
) -> Steps[list[Claim]]:
    """The claims of a one-off correction, after its targets were read again if a single request is enough.

    Args:
        settings: Settings of the client.
        ledger: The ledger; None to check the targets only.
        correction: The correction.
        timeout: Timeout of each request.
        reread: Whether to read the targets even if that requires the listing of an account.
        changed: Whether the payload of the target was changed by the caller.

    Raises:
        StaleReading: The target has changed since it was read.
        InvalidRequest: The matching events cannot be locked.
    """
    check_flag("reread", reread)
    selection = correction.selection
    since = None
    if ledger is not None:
        check = partial(ledger.check, settings.service, selection.reference_id)
        since = yield Blocking(check)
    before = next(iter(correction.before), None)
    unread = _unread(correction, before, reread=reread)
    if unread is not None and ledger is not None:
        unread = yield from _checked(settings, ledger, unread, timeout)
    if unread is not None:
        return [unread]
    reads = reads_for(correction, before)
    events: list[ReadEvent] = []
    for read in reads:
        events += yield from _calls.read(settings, read, timeout)
    targets = _targets(correction, events)
    yield from check_account(settings, selection.account_id, events, timeout)
    if ledger is not None:
        refused = partial(
            ledger.check_all, settings.service, [target.reference_id for target in targets]
        )
        yield Blocking(refused)
    if before is not None:
        for target in targets:
            check_unchanged(evolve(before, payload=target.payload) if changed else before, target)
    shown = frozenset(str(Target.of(event).reference_id) for event in events)
    claim = partial(Claim, correction=correction, siblings=shown, since=since)
    return [claim(target=target) for target in targets]


def _checked(
    settings: Settings,
    ledger: Records,
    unread: Claim,
    timeout: float | Timeout | None,
) -> Steps[Claim | None]:
    """A claim whose targets are not read, with what shows later calls the account; None if they must be read."""
    if unread.target is not None:
        # A reference id alone does not show whether its event belongs to an account that is open or was corrected.
        wide = yield Blocking(partial(ledger.has_wide, settings.service))
        return None if wide else unread
    selection = unread.correction.selection
    events, _ = yield from _calls.listed(settings, selection.account_id, timeout)
    accounts = frozenset(filter(None, (Target.of(event).account_id for event in events)))
    matched = tuple(map(Target.of, matching(selection, events)))
    ids = [target.reference_id for target in matched]
    yield Blocking(partial(ledger.check_all, settings.service, ids))
    return evolve(unread, accounts=accounts, matched=matched)


def _unread(correction: Correction, before: Target | None, *, reread: bool) -> Claim | None:
    """The claim of a correction whose targets are not read again; None if they are read again."""
    selection = correction.selection
    if selection.reference_id is None and (correction.background or selection.is_whole_account):
        return Claim(correction=correction, target=None)
    if not correction.background and (
        selection.reference_id is None or reread or not needs_listing(reads_for(correction, before))
    ):
        return None
    target = before or Target(reference_id=selection.reference_id)
    return Claim(correction=correction, target=target)


def _targets(correction: Correction, events: Sequence[ReadEvent]) -> list[Target]:
    by_id: dict[str | None, Target] = {}
    for event in matching(correction.selection, events):
        target = Target.of(event)
        if by_id.setdefault(target.reference_id, target) != target:
            raise StaleReading(f"{target.reference_id} was read twice, with different content")
    targets = list(by_id.values())
    if not targets:
        if correction.before:
            raise StaleReading(
                f"{correction.selection.reference_id} was not found when it was read again"
            )
        if correction.selection.event_id:
            raise EventNotFound(correction.selection.event_id)
        raise InvalidRequest(f"no event with {correction.selection} was found; nothing was sent")
    if len(targets) > SYNCHRONOUS_CAP:
        raise InvalidRequest(
            f"{len(targets)} events match, but one call corrects {SYNCHRONOUS_CAP}: use find, plan and execute"
        )
    if any(target.reference_id is None for target in targets):
        raise InvalidRequest(
            "an event that matches has no reference id, so it cannot be locked; nothing was sent"
        )
    if len({target.account_id for target in targets}) > 1:
        raise InvalidRequest(
            "the events that match show different accounts: pass the intended event as target"
        )
    return targets


def check_account(
    settings: Settings,
    account_id: str,
    events: Sequence[ReadEvent],
    timeout: float | Timeout | None,
) -> Steps[None]:
    """If the event shows another account, such as an alias, check that the service applies the account filter.

    Raises:
        FilterIgnored: The service ignores the account that a request names.
    """

    def probe(_name: str, value: str) -> Steps[Sequence[EventWithStatus]]:
        fetch = _calls.pages(
            settings, timeout, account_id=value, schema_name=None, status=None, page_size=1
        )
        return (yield from fetch(None)).events

    shown = cast("Sequence[EventWithStatus]", events)
    yield from settings.filter_checks.check({"account_id": account_id}, shown, probe)


def check_unchanged(before: Target, now: Target) -> None:
    """Refuse a target that has changed since it was read.

    Raises:
        StaleReading: It has changed.
    """
    if differences := before.differences(now):
        raise StaleReading(printable(f"{before.reference_id}: {'; '.join(differences)}"))
