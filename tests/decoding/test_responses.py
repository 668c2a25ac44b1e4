"""The response of each operation: both sides of each limit, and what each error says. No I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest

from togai import Drift, UnexpectedResponse
from togai._correction_responses import read_correction
from togai._decoding import Reader
from togai._json import parse_json
from togai._responses import read_candidates, read_object, read_page
from togai._transport.steps import Call, Response
from togai.corrections import Correction, Selection
from togai.models import CorrectionAction

from .test_lenient import EVENT

CALL = Call("GET", "/events")
ENTRY = {**EVENT, "status": "REVERTED", "reason": ""}
HEADERS = {"x-request-id": "req-1", "content-type": "application/json"}


def response(body: Any, **more: Any) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(203, data, **{"headers": HEADERS, "attempts": 4, **more})


class Reading:
    """Reads responses, and keeps what is reported."""

    def __init__(self, *, strict: bool = False) -> None:
        self.drifts: list[Drift] = []
        self.reader = Reader(strict=strict, on_drift=self.drifts.append)

    def page(self, body: Any, **more: Any) -> Any:
        return read_page(self.reader, CALL, response(body, **more))

    def candidates(self, body: Any, **more: Any) -> Any:
        return read_candidates(self.reader, CALL, response(body, **more), "ride-1")

    def correction(self, body: Any, *, background: bool = False, **more: Any) -> Any:
        correction = Correction(
            action=CorrectionAction.UNDO,
            selection=Selection(account_id="acme", reference_id="ref-1"),
            background=background,
        )
        return read_correction(self.reader, CALL, response(body, **more), correction)

    def background(self, body: Any, **more: Any) -> Any:
        return self.correction(body, background=True, **more)


READS = pytest.mark.parametrize("name", ["page", "candidates", "correction", "background"])


def list_of(name: str) -> str:
    return "data" if name in ("correction", "background") else "events"


def item_of(name: str) -> Any:
    if name == "candidates":
        return {**EVENT, "eventPipelineInfo": {}}
    return ENTRY if list_of(name) == "data" else EVENT


def refused(read: Any, body: Any, **more: Any) -> UnexpectedResponse:
    with pytest.raises(UnexpectedResponse) as caught:
        read(body, **more)
    return caught.value


# The envelope


@READS
def test_a_response_that_follows_the_contract_is_read_without_a_report(name: str) -> None:
    reading = Reading()
    read = getattr(reading, name)({list_of(name): [item_of(name)] * 2})
    items = read.events if name == "page" else list(read)
    assert [item.reference_id for item in items] == ["ref-1", "ref-1"]
    if name != "candidates":
        assert (read.request_id, read.status, read.headers) == ("req-1", 203, HEADERS)
    if list_of(name) == "data":
        assert read.body == {"data": [ENTRY] * 2}
    assert reading.drifts == []


@READS
def test_an_unknown_property_of_the_envelope_is_reported(name: str) -> None:
    reading = Reading()
    getattr(reading, name)({list_of(name): [], "more": 1})
    (drift,) = reading.drifts
    assert (drift.property, drift.kind) == ("more", "unknown property")


@READS
@pytest.mark.parametrize(
    ("body", "where"),
    [({"more": 1, "%s": []}, "$.more"), ({"%s": [{"x": 1}]}, "$.%s[0]")],
    ids=["envelope", "item"],
)
def test_strict_mode_raises_with_the_first_place(
    name: str, body: dict[str, Any], where: str
) -> None:
    named = {key.replace("%s", list_of(name)): value for key, value in body.items()}
    error = refused(getattr(Reading(strict=True), name), named)
    assert "a deviation from the contract (" in str(error)
    assert str(error.where).startswith(where.replace("%s", list_of(name)))


@READS
def test_what_a_callback_raises_to_interrupt_passes(name: str) -> None:
    def interrupt(_drift: Drift) -> None:
        raise KeyboardInterrupt

    reading = Reading()
    reading.reader = Reader(strict=False, on_drift=interrupt)
    for more in ({"more": 1}, {list_of(name): [{**item_of(name), "more": 1}]}):
        with pytest.raises(KeyboardInterrupt):
            getattr(reading, name)({list_of(name): [], **more})


@READS
def test_an_interrupt_while_a_body_is_parsed_passes(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def interrupted_once(*_: object, **_options: object) -> None:
        monkeypatch.setattr("togai._responses.parse_json", parse_json)
        raise KeyboardInterrupt

    monkeypatch.setattr("togai._responses.parse_json", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        getattr(Reading(), name)({list_of(name): []})


@pytest.mark.parametrize("name", ["page", "candidates"])
@pytest.mark.parametrize(
    ("body", "kind"),
    [({}, "missing"), ({"events": None}, "null"), ({"events": None, "x": 1}, "null")],
)
def test_a_listing_without_events_is_empty_and_reported(
    name: str, body: dict[str, Any], kind: str
) -> None:
    reading = Reading()
    read = getattr(reading, name)(body)
    assert not list(read.events if name == "page" else read)
    assert (reading.drifts[0].property, reading.drifts[0].kind) == ("events", kind)


@pytest.mark.parametrize(
    ("body", "problem", "where"),
    [
        ({"message": "no"}, "an object without events", "$.events"),
        ({"message": "no", "nextToken": "t"}, "an object without events", "$.events"),
        ({"events": 5}, "events that are not a list but a number", "$.events"),
        ({"events": "x"}, "events that are not a list but text", "$.events"),
        ({"events": {}}, "events that are not a list but an object", "$.events"),
        ({"events": True}, "events that are not a list but a boolean", "$.events"),
        (
            b'{"events": NaN}',
            "events that are not a list but a value that is not a number",
            "$.events",
        ),
        ([], "JSON that is not an object but a list", None),
        (b"null", "JSON that is not an object but null", None),
        (b"", "an empty body", None),
        (b"{", "a body that is not JSON (application/json)", None),
        (b"[" * 200 + b"]" * 200, "JSON that is not an object but a list", None),
        (b'{"":' * 100_000, "JSON that is nested too deeply", None),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("name", ["page", "candidates"])
def test_a_body_that_is_not_a_page_is_an_error_that_names_the_response(
    name: str, body: Any, problem: str, where: str | None
) -> None:
    error = refused(getattr(Reading(), name), body)
    assert f"GET /events returned 203 with {problem}" in str(error)
    advice = "Report it to the vendor" if where else "Check base_url and any proxy"
    assert str(error).endswith(f". {advice}")
    assert error.where == where
    assert (error.method, error.path, error.attempts) == ("GET", "/events", 4)
    assert (error.status, error.request_id) == (203, "req-1")
    assert error.content_type == "application/json"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert error.snippet == data.decode()[:500]


@READS
@pytest.mark.parametrize("held", [[], None], ids=str)
@pytest.mark.parametrize(
    ("wrap", "is_error"),
    [
        (lambda item: item, True),
        (lambda item: [item], True),
        (lambda item: [7, [item]], True),
        (lambda item: {"total": 1, "list": [item]}, True),
        (lambda item: [{name: item[name] for name in ("referenceId", "createdAt")}], True),
        (lambda item: {"createdAt": item["createdAt"]}, False),
        (lambda item: [item["eventPayload"], "referenceId createdAt"], False),
    ],
    ids=["object", "list", "lists", "wrapped", "part", "one name", "other objects"],
)
def test_an_empty_list_beside_the_items_is_an_error_unless_it_runs_in_the_background(
    name: str, held: Any, wrap: Any, is_error: bool
) -> None:
    key, item = list_of(name), item_of(name)
    if held is None and key == "data":
        return  # never a list of results
    read, body = getattr(Reading(), name), {key: held, "moved\n": wrap(item)}
    if is_error and name != "background":
        error = refused(read, body)
        assert f"no items in {key}, but in an unknown property" in str(error)
        assert error.where == "$.moved\\n"
        read({key: [item], "moved": wrap(item)})
    else:
        read(body)


@pytest.mark.parametrize("name", ["page", "candidates"])
def test_an_object_that_refers_to_an_event_is_no_event(name: str) -> None:
    read = getattr(Reading(), name)
    last = {"referenceId": "ref-1", "createdAt": "2024-12-01T00:00:00Z"}
    read({"events": [], "summary": {"last": last}})
    refused(read, {"events": [], "summary": {"last": {**last, "eventPayload": {}}}})


@pytest.mark.parametrize("wrap", [list, lambda errors: errors[0]], ids=["list", "object"])
def test_an_error_beside_an_empty_list_of_results_is_not_a_success(wrap: Any) -> None:
    errors = [{"status": "FAILED", "reason": "the event is gone"}]
    refused(Reading().correction, {"data": [], "errors": wrap(errors)})


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"events": [], "events": [{}]}', "$.events"),
        (b'{"events": [{}], "events": null}', "$.events"),
        (b'{"events": [], "nextToken": "t", "nextToken": null}', "$.nextToken"),
        (b'{"events": [], "x": %s7%s, "events": [{}]}' % (b"[" * 200, b"]" * 200), "$.events"),
    ],
    ids=range(4),
)
def test_a_page_that_contradicts_itself_is_an_error(body: bytes, where: str) -> None:
    assert refused(Reading().page, body).where == where


def test_a_page_that_repeats_a_property_with_the_same_value_is_read() -> None:
    page = Reading().page(b'{"events": [{}], "nextToken": "t", "events": [{}], "nextToken": "t"}')
    assert (len(page.events), page.next_token) == (1, "t")


def test_an_event_of_a_page_that_repeats_a_property_has_its_last_value() -> None:
    body = json.dumps({"events": [EVENT], "nextToken": "t"}).encode()
    reading = Reading()
    (event,) = reading.page(
        body.replace(b'{"events": [{', b'{"events": [{"referenceId": "a",')
    ).events
    assert event.reference_id == EVENT["referenceId"]
    assert not reading.drifts


@pytest.mark.parametrize(
    ("body", "problem"),
    [({}, "without a list of data"), ({"data": None}, "without a list of data"), ([], "a list")],
    ids=str,
)
def test_a_correction_without_a_list_of_results_is_an_error_unless_it_runs_in_the_background(
    body: Any, problem: str
) -> None:
    assert problem in str(refused(Reading().correction, body))
    result = Reading().background(body)
    assert (list(result), result.body) == ([], body)


def test_a_background_correction_may_return_anything_but_a_page() -> None:
    for body, kept in (
        (b"", None),
        (b" \n", None),
        (b"accepted", "accepted"),
        (b"a\xff", "a\ufffd"),
        (b"7", 7),
        (b"[" * 2000, "[" * 2000),
    ):
        result = Reading().background(body)
        assert (list(result), result.body, result.request_id) == ([], kept, "req-1")
    html = {"content-type": "text/html"}
    for body, headers in ((b"<html>", {}), (b"\n <p>", {}), (b"no", html), (b"<p>", html)):
        assert "an HTML page instead of JSON" in str(
            refused(Reading().background, body, headers=headers)
        )
    assert "an empty body" in str(refused(Reading().correction, b""))


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({}, "with a body that is not JSON;"),
        ({"content-type": "text/plain"}, "with a body that is not JSON (text/plain);"),
        ({"content-encoding": "br"}, "not JSON, with the content encoding br;"),
    ],
    ids=str,
)
def test_a_body_that_is_not_json_is_described_by_its_headers(
    headers: dict[str, str], problem: str
) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        read_object(CALL, response(b"?", headers=headers))
    assert problem in str(caught.value)


def test_the_charset_of_the_content_type_is_used() -> None:
    headers = {"content-type": "application/json; charset=latin-1"}
    body = read_object(CALL, response(b'{"a": "caf\xe9"}', headers=headers))
    assert body == {"a": "caf\xe9"}


# The page token


@pytest.mark.parametrize(
    ("token", "read", "kind"),
    [
        (b'"t"', "t", None),
        (b"7", "7", "wrong type"),
        (b"0", "0", "wrong type"),
        (b'"%s"' % (b"x" * 4096), "x" * 4096, None),
        (b'""', None, None),
        (b"null", None, None),
    ],
    ids=["text", "number", "zero", "longest", "empty", "null"],
)
def test_a_page_token_is_text_or_a_number(token: bytes, read: str | None, kind: str | None) -> None:
    reading = Reading()
    page = reading.page(b'{"events": [], "nextToken": %s, "next": "x"}' % token)
    assert page.next_token == read
    assert page.further_page == ("$.next" if read is None else None)
    assert [drift.kind for drift in reading.drifts] == [
        *([] if kind is None else [kind]),
        "unknown property",
    ]


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        (b"true", "a page token that is not text"),
        (b"false", "a page token that is not text"),
        (b"1.5", "a page token that is not text"),
        (b"{}", "a page token that is not text"),
        (b"NaN", "a page token that is not text"),
        (b'"\xff"', "a page token that is not text"),
        (b'"%s"' % (b"x" * 4097), "a page token that cannot be sent (nextToken has 4097"),
        (b'"\\ud800"', "a page token that cannot be sent (nextToken contains"),
    ],
    ids=str,
)
def test_any_other_page_token_is_an_error(token: bytes, problem: str) -> None:
    error = refused(Reading().page, b'{"events": [], "nextToken": %s}' % token)
    assert problem in str(error)
    assert error.where == "$.nextToken"


# The id


@pytest.mark.parametrize(
    ("id_", "reference", "matches"),
    [
        ("ride-1", "other", True),
        ("other", "ride-1", True),
        ("other", "other", False),
        (None, "other", True),
        (None, "ride-1", True),
    ],
)
def test_only_an_event_with_the_requested_id_is_read(
    id_: str | None, reference: str, matches: bool
) -> None:
    payload = {**EVENT["eventPayload"], "id": id_}
    events = [EVENT, {**EVENT, "referenceId": reference, "eventPayload": payload}]
    reading = Reading()
    if matches:
        assert len(reading.candidates({"events": events})) == 2
        missing = [Drift("Event", "id", "missing")] if (id_, reference) == (None, "other") else []
        assert [one for one in reading.drifts if one.property == "id"] == missing
    else:
        error = refused(reading.candidates, {"events": events})
        assert "with an event with another id" in str(error)
        assert error.where == "$.events[1]"


def test_strict_mode_names_the_event_without_an_id() -> None:
    whole = item_of("candidates")
    payload = {name: value for name, value in EVENT["eventPayload"].items() if name != "id"}
    events = [whole, {**whole, "eventPayload": payload}]
    error = refused(Reading(strict=True).candidates, {"events": events})
    assert error.where == "$.events[1].eventPayload.id"


# The limits


@READS
def test_a_list_has_at_most_1000_items(name: str) -> None:
    key = list_of(name)
    read = getattr(Reading(), name)({key: [item_of(name)] * 1000})
    assert len(read.events if name == "page" else read) == 1000
    error = refused(getattr(Reading(), name), {key: [item_of(name)] * 1001})
    most = "" if name == "candidates" else " of at most 50"
    assert f"with 1001 items in a list{most} at $.{key}" in str(error)
    assert error.where == f"$.{key}"


@READS
def test_a_body_has_at_most_100_000_objects(name: str) -> None:
    key = list_of(name)
    getattr(Reading(), name)({key: [], "more": "{" * 99_999})
    error = refused(getattr(Reading(), name), {key: [], "more": "{" * 100_000})
    assert "0 items in a list" in str(error)


def test_a_body_has_at_most_a_million_values() -> None:
    # The list, the object and the comma between the properties count too.
    Reading().page({"events": [], "more": "," * 999_997})
    error = refused(Reading().page, {"events": [], "more": "," * 999_998})
    assert "with more than 1000000 values" in str(error)
    assert Reading().page({"events": [], "more": "x" * 2_000_000})
