"""Which corrections are allowed: targets, filters, flags and replacements; without any service."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from togai import InvalidRequest, Replace
from togai.corrections import Correction, Selection
from togai.corrections._checks import build_correction, check_item, without_unknown
from togai.corrections._plan import corrections_of
from togai.models import CorrectionAction

from .test_reconcile_table import read

AT = datetime(2024, 12, 5, tzinfo=UTC)
OPTIONS: dict[str, Any] = {
    "event": None,
    "background": False,
    "require_confirmation": None,
    "keep_unknown": False,
    "allow_reverted": False,
    "allow_removed": False,
}


def build(
    target: Any = None, where: Any = None, action: str = "UNDO", **options: Any
) -> Correction:
    given: Any = where or {}
    return build_correction(action, target, given, **{**OPTIONS, **options})


BY_ID = {"account_id": "acme", "event_id": "ride-1"}


@pytest.mark.parametrize(
    ("target", "selection"),
    [
        (read(), Selection(account_id="acme", reference_id="ref-1")),
        (read(None), Selection(account_id="acme", event_id="ride-1", created_at=AT)),
        (
            read(referenceId="ref-1", reference_id=None),
            Selection(account_id="acme", reference_id="ref-1"),
        ),
        (
            read("", event_id="ride-1"),
            Selection(account_id="acme", event_id="ride-1", created_at=AT),
        ),
    ],
)
def test_an_event_that_was_read_is_selected_by_the_most_exact_id(
    target: Any, selection: Selection
) -> None:
    one = build(target)
    assert one.selection == selection
    assert [before.account_id for before in one.before] == ["acme"]


def shown(**payload: Any) -> Any:
    """An event without a reference id, whose payload is read like this."""
    target: Any = read(None)
    return evolve(target, event_payload=SimpleNamespace(**payload))


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (read(accountId=None), "account id of the target could not be read"),
        (read(accountId=""), "account id of the target could not be read"),
        (shown(account_id=5), "account id of the target could not be read"),
        (read(without="eventPayload"), "account id of the target could not be read"),
        (read(None, event_id=None), "cannot be identified"),
        (read(None, id=""), "cannot be identified"),
        (shown(account_id="acme", id=5), "cannot be identified"),
        (read(None, without="createdAt"), "cannot be identified"),
        (read(status="REVERTED"), "ref-1 is REVERTED"),
    ],
)
def test_an_event_that_cannot_be_a_target_is_refused(target: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        build(target)


@pytest.mark.parametrize(
    ("where", "extra"),
    [
        ({"whole_account": True}, "whole_account"),
        ({"event_id": "ride-1"}, "event_id"),
        ({"account_id": "acme", "whole_account": True}, "account_id, whole_account"),
    ],
)
def test_a_target_and_filters_are_not_mixed(where: Any, extra: str) -> None:
    with pytest.raises(InvalidRequest, match=f"and also {extra}: pass one or the other"):
        build(read(), where)
    empty = {"account_id": None, "event_id": None, "whole_account": False}
    assert build(read(), empty).selection.reference_id == "ref-1"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"background": 1}, "background must be True or False, not 1"),
        ({"background": True, "require_confirmation": 1}, "require_confirmation must be True or"),
        ({"require_confirmation": True}, "background jobs only"),
        ({"require_confirmation": False}, None),
        ({"background": True, "require_confirmation": False}, None),
        ({"background": True, "require_confirmation": True}, None),
        ({"background": True}, None),
    ],
)
def test_flags_are_true_or_false(options: dict[str, Any], problem: str | None) -> None:
    if problem is None:
        one = build(None, BY_ID, **options)
        assert one.background is options.get("background", False)
        assert one.require_confirmation is options.get("require_confirmation")
        return
    with pytest.raises(InvalidRequest, match=problem):
        build(None, BY_ID, **options)


@pytest.mark.parametrize("name", ["account_id", "event_id", "reference_id"])
@pytest.mark.parametrize("value", ["", " ", 5, " a", "a\n"])
def test_an_id_is_text_and_a_reference_id_is_exact(name: str, value: Any) -> None:
    where = {"account_id": "acme", "event_id": "ride-1", name: value}
    if name == "reference_id":
        del where["event_id"]
    if name != "reference_id" and str(value).strip() not in ("", "5"):
        assert getattr(build(None, where).selection, name) == value
        return
    with pytest.raises(InvalidRequest, match=f"{name}="):
        build(None, where)


def test_a_whole_account_is_selected_only_on_request() -> None:
    with pytest.raises(InvalidRequest, match="account_id alone would correct every event"):
        build(None, {"account_id": "acme"})
    with pytest.raises(InvalidRequest, match="account_id alone would correct every event"):
        build(None, {"account_id": "acme", "whole_account": 1})
    one = build(None, {"account_id": "acme", "whole_account": True})
    assert one.selection == Selection(account_id="acme")
    with pytest.raises(InvalidRequest, match="requires account_id alone, without event_id"):
        build(None, {**BY_ID, "whole_account": True})


def payload(**changes: Any) -> Any:
    return read(**changes).event_payload


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        (read(), True),
        (read(attributes=[{"name": "distance", "value": "1"}, {"name": "b", "value": "1"}]), False),
        # What could not be read cannot be missing.
        (read(attributes="none"), True),
        (read(attributes=[{"name": "distance", "value": "1"}, {"name": "", "value": "1"}]), True),
        (read(attributes=[]), True),
    ],
)
def test_a_replacement_keeps_the_attributes_that_the_event_has(target: Any, allowed: bool) -> None:
    options: Any = {"action": "REDO_EVENT", "event": payload(value="7")}
    if not allowed:
        with pytest.raises(InvalidRequest, match="the replacement lacks b, which the event has"):
            build(target, **options)
        options["allow_removed"] = True
    assert build(target, **options).event is not None


def test_unknown_properties_are_sent_only_on_request() -> None:
    event = payload()
    event.additional_properties["price"] = "0"
    event.attributes[0].additional_properties["tax"] = "0"
    options: Any = {"action": "REDO_EVENT", "event": event}
    plain = build(read(), **options).event
    assert plain == without_unknown(event)
    assert plain is not None
    assert (plain.additional_properties, plain.attributes[0].additional_properties) == ({}, {})
    assert build(read(), **options, keep_unknown=True).event is event


@pytest.mark.parametrize("allow_reverted", [False, True])
def test_an_event_that_is_reverted_needs_a_word(allow_reverted: bool) -> None:
    reverted = read(status="REVERTED")
    if allow_reverted:
        assert build(reverted, allow_reverted=True).before[0].is_reverted
        return
    with pytest.raises(InvalidRequest, match="Pass allow_reverted=True"):
        build(reverted)


def item() -> Correction:
    (one,), _ = corrections_of([Replace(read(), payload(value="7"))])
    return one


def nameless(one: Correction) -> Correction:
    before = evolve(one.before[0], reference_id="")
    return evolve(one, before=(before,), selection=evolve(one.selection, reference_id=""))


@pytest.mark.parametrize(
    "edit",
    [
        lambda one: evolve(one, before=()),
        lambda one: evolve(one, before=one.before * 2),
        nameless,
        lambda one: evolve(one, selection=evolve(one.selection, reference_id="ref-2")),
        lambda one: evolve(one, selection=evolve(one.selection, reference_id=None)),
        lambda one: evolve(one, selection=evolve(one.selection, event_id="ride-1")),
        lambda one: evolve(one, selection=evolve(one.selection, created_at=AT)),
        lambda one: evolve(one, background=True),
        lambda one: evolve(one, require_confirmation=True),
        lambda one: evolve(one, require_confirmation=False),
        lambda one: evolve(one, action=CorrectionAction("UNDO_ALL")),
        lambda one: evolve(one, action=CorrectionAction("UNDO_ALL"), event=None),
        lambda one: evolve(one, action=CorrectionAction.UNDO),
        lambda one: evolve(one, event=None),
    ],
)
def test_an_item_of_a_plan_is_one_action_on_the_event_that_it_shows(edit: Any) -> None:
    check_item(item())
    check_item(evolve(item(), action=CorrectionAction.REDO, event=None))
    with pytest.raises(InvalidRequest, match="must be one action on the event that it shows"):
        check_item(edit(item()))


@pytest.mark.parametrize(
    ("account", "shown", "problem"),
    [
        ("acme", "acme", None),
        ("acme-eu", "acme", None),
        ("acme", "acme-eu", None),
        ("globex", "initech", "it belongs to account 'acme'"),
    ],
)
def test_a_replacement_in_a_plan_is_of_the_account_or_the_alias_that_the_event_shows(
    account: str, shown: str, problem: str | None
) -> None:
    one = item()
    before = evolve(one.before[0], account_id=shown)
    one = evolve(one, before=(before,), selection=evolve(one.selection, account_id=account))
    if problem is None:
        check_item(one)
        return
    with pytest.raises(InvalidRequest, match=problem):
        check_item(one)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"additional_properties": {"price": "0"}}, "properties that the plan does not show"),
        ({"schema_name": ""}, "schema_name"),
    ],
)
def test_a_replacement_in_a_plan_can_be_sent_as_it_is_shown(change: Any, problem: str) -> None:
    one = item()
    assert one.event is not None
    with pytest.raises(
        InvalidRequest, match=f"ref-1: this replacement cannot be sent: .*{problem}"
    ):
        check_item(evolve(one, event=evolve(one.event, **change)))
