"""The requests that arguments make: each on the wire by its name, and both sides of each limit. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from togai import Event, InvalidRequest, _requests, build_event
from togai._requests import (
    checked_accounts,
    checked_query,
    checked_token,
    correct_events,
    get_event,
    list_events,
)
from togai.corrections import Correction, Selection
from togai.models import CorrectionAction

NONE: dict[str, Any] = {"account_id": None, "schema_name": None, "status": None, "page_size": None}
AT = datetime(2024, 12, 4, 7, 30, 35, tzinfo=UTC)


def event() -> Event:
    return build_event(
        schema_name="rides", account_id="acme", timestamp=AT, attributes={"distance": 10}
    )


class Interrupting(str):
    """A text whose encoding is interrupted, as by Ctrl-C."""

    def encode(self, encoding: str = "", errors: str = "") -> bytes:
        raise KeyboardInterrupt


def correction(**changes: Any) -> Correction:
    own: dict[str, Any] = {
        "action": CorrectionAction.UNDO,
        "selection": Selection(account_id="acme", reference_id="ref-1"),
    }
    return Correction(**{**own, **changes})


@pytest.mark.parametrize("token", [None, "t"])
def test_a_page_is_a_get_with_only_the_filters_that_were_passed(token: str | None) -> None:
    call = list_events(**NONE)(token)
    assert (call.method, call.path, call.json, call.repeatable) == ("GET", "/events", None, True)
    assert dict(call.params) == ({} if token is None else {"nextToken": token})
    filters: dict[str, Any] = {"account_id": "a", "schema_name": "s", "status": "S", "page_size": 7}
    assert dict(list_events(**filters)(None).params) == {
        "account_id": "a",
        "schema_name": "s",
        "status": "S",
        "pageSize": 7,
    }


@pytest.mark.parametrize("size", [1, 50])
def test_a_page_has_1_to_50_events(size: int) -> None:
    assert list_events(**{**NONE, "page_size": size})(None).params["pageSize"] == size


@pytest.mark.parametrize("size", [0, -1, 51, True, 1.0, "5"])
def test_a_page_of_any_other_size_is_refused(size: Any) -> None:
    with pytest.raises(InvalidRequest, match="pass a whole number from 1 to 50"):
        list_events(**{**NONE, "page_size": size})


def test_without_a_limit_in_the_contract_a_page_has_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_requests, "MAX_PAGE_SIZE", None)
    assert list_events(**{**NONE, "page_size": 10_000})(None).params["pageSize"] == 10_000
    for size in (0, -1, True):
        with pytest.raises(InvalidRequest, match="pass a whole number of at least 1"):
            list_events(**{**NONE, "page_size": size})


@pytest.mark.parametrize("name", ["account_id", "schema_name", "status"])
@pytest.mark.parametrize(
    ("value", "problem"), [("", "is empty"), (" ", "is empty"), (5, "must be text, not int")]
)
def test_a_filter_is_text_that_is_not_empty(name: str, value: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{name} {problem}"):
        list_events(**{**NONE, name: value})


@pytest.mark.parametrize("name", ["account_id", "schema_name", "status"])
def test_a_filter_is_as_long_as_a_url_allows(name: str) -> None:
    text = "x" * 4096
    assert list_events(**{**NONE, name: text})(None).params[name] == text
    with pytest.raises(InvalidRequest, match=f"{name} has 4097 characters"):
        list_events(**{**NONE, name: text + "x"})(None)


def test_a_token_is_none_or_text_that_can_be_sent() -> None:
    assert checked_token(None) is None
    assert checked_token("t") == "t"
    assert checked_token("x" * 4096)
    for wrong in ("", 5, True, b"t"):
        with pytest.raises(InvalidRequest, match="next_token="):
            checked_token(wrong)
    with pytest.raises(InvalidRequest, match="next_token has 4097 characters"):
        checked_token("x" * 4097)
    with pytest.raises(InvalidRequest, match="next_token contains a character"):
        checked_token("\ud800")


def test_accounts_are_a_list_of_ids_or_a_mapping_to_tokens() -> None:
    assert checked_accounts(["a", "b", "a"]) == {"a": None, "b": None}
    assert checked_accounts(one for one in "ab") == {"a": None, "b": None}
    assert checked_accounts({"a": "t", "b": None}) == {"a": "t", "b": None}
    for wrong in ("acme", 5, None):
        with pytest.raises(InvalidRequest, match="account_ids must be"):
            checked_accounts(wrong)  # type: ignore[arg-type]
    for wrong_id in (["a", 5], {None: "t"}):
        with pytest.raises(InvalidRequest, match="an account id must be text"):
            checked_accounts(wrong_id)
    with pytest.raises(InvalidRequest, match="next_token"):
        checked_accounts({"a": ""})


def test_one_event_is_a_get_by_its_id() -> None:
    call = get_event("ride 1/2?")
    assert (call.method, call.path) == ("GET", "/events/ride%201%2F2%3F")
    assert call.repeatable
    assert get_event("...").path == "/events/..."
    assert get_event("x" * 4096)


@pytest.mark.parametrize(
    ("event_id", "problem"),
    [
        (5, "must be text, not int"),
        (None, "must be text, not NoneType"),
        ("", "is empty"),
        (" \t", "is empty"),
        (".", "cannot be used in a path"),
        ("..", "cannot be used in a path"),
        ("x" * 4097, "has 4097 characters"),
        ("\udfff", "UTF-8 cannot encode"),
    ],
)
def test_any_other_id_is_refused(event_id: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        get_event(event_id)


def test_a_correction_is_a_post_that_is_not_repeatable() -> None:
    call = correct_events(correction())
    assert (call.method, call.path, call.json) == ("POST", "/events/correction", None)
    assert not call.repeatable
    assert dict(call.params) == {
        "action": "UNDO",
        "account_id": "acme",
        "id": "ref-1",
        "async": False,
        "require_confirmation": False,
    }


def test_every_part_of_a_correction_is_sent_by_its_name() -> None:
    selection = Selection(
        account_id="a", reference_id="r", event_id="e", event_source_time=AT, created_at=AT
    )
    call = correct_events(
        correction(
            action=CorrectionAction.REDO_EVENT,
            selection=selection,
            event=event(),
            background=True,
            require_confirmation=True,
        )
    )
    assert {name: str(value) for name, value in call.params.items()} == {
        "action": "REDO_EVENT",
        "account_id": "a",
        "id": "r",
        "event_id": "e",
        "event_source_time": call.params["event_source_time"],
        "created_at": call.params["event_source_time"],
        "async": "True",
        "require_confirmation": "True",
    }
    assert datetime.fromisoformat(call.params["event_source_time"]) == AT
    assert call.json is not None
    assert call.json["event"]["accountId"] == "acme"


@pytest.mark.parametrize("field", ["reference_id", "event_id"])
def test_a_text_of_a_correction_that_no_url_carries_is_refused(field: str) -> None:
    for text in ("x" * 4097, "\ud800"):
        selection: dict[str, Any] = {"account_id": "a", field: text}
        with pytest.raises(InvalidRequest):
            correct_events(correction(selection=Selection(**selection)))


def test_the_limits_of_the_contract_are_checked_for_each_part_of_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a bump that adds them."""
    short = {"maxLength": 3}
    monkeypatch.setattr("togai._requests.get_events.LIMITS", {"status": short})
    assert list_events(**{**NONE, "status": "abc", "account_id": "abcd"})(None)
    with pytest.raises(InvalidRequest, match="status must have 0 to 3 characters, has 4"):
        list_events(**{**NONE, "status": "abcd"})
    monkeypatch.setattr("togai._requests.event_correction.LIMITS", {"event_id": short})
    for event_id, refused in (("abc", False), ("abcd", True), (None, False)):
        selection = Selection(account_id="acme", reference_id="ref-1", event_id=event_id)
        if refused:
            with pytest.raises(InvalidRequest, match="event_id must have 0 to 3 characters"):
                correct_events(correction(selection=selection))
        else:
            assert correct_events(correction(selection=selection))


def test_an_interrupt_while_a_request_is_checked_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        checked_token(Interrupting("t"))

    def interrupted(_value: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(_requests, "write_json", interrupted)
    with pytest.raises(KeyboardInterrupt):
        correct_events(correction(action=CorrectionAction.REDO_EVENT, event=event()))


def deep() -> Any:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    ["\ud800", {1, 2}, float("nan"), object(), deep()],
    ids=["surrogate", "set", "nan", "object", "deep"],
)
def test_a_body_that_json_cannot_hold_is_refused(value: Any) -> None:
    replacement = event()
    replacement.additional_properties["note"] = value
    with pytest.raises(InvalidRequest, match="cannot be written as JSON"):
        correct_events(correction(action=CorrectionAction.REDO_EVENT, event=replacement))


def test_further_parameters_are_text_truth_values_or_whole_numbers() -> None:
    assert checked_query(None, ()) == {}
    assert checked_query({"a": "x", "b": True, "c": False, "d": 0, "e": -7}, ("f",)) == {
        "a": "x",
        "b": "true",
        "c": "false",
        "d": "0",
        "e": "-7",
    }
    largest = 10**100 - 1
    assert checked_query({"a": largest, "b": -largest, "x" * 4096: "y" * 4096}, ())


@pytest.mark.parametrize(
    "query",
    [
        [("a", "b")],
        "a=b",
        {"": "x"},
        {" ": "x"},
        {5: "x"},
        {"known": "x"},
        *({"a": value} for value in ("", " ", None, 1.5, b"x", 10**100, -(10**100))),
        *({"a": value} for value in ("x" * 4097, "\ud800")),
        *({name: "x"} for name in ("x" * 4097, "\ud800")),
    ],
)
def test_any_other_further_parameter_is_refused(query: Any) -> None:
    with pytest.raises(InvalidRequest, match="extra_query"):
        checked_query(query, ("known",))
