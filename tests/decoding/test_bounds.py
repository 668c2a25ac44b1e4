"""A body that is small on the wire costs neither the memory nor the stack, whatever it holds."""

from __future__ import annotations

import copy
import gzip
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from togai import BadRequest, CorrectionOutcomeUnknown, UnexpectedResponse, deviations, raw
from togai._json import parse_json
from togai.testing import FakeTogai

from ..conftest import Api, Connect
from ..transport.servers import raw_server, send, whole
from .test_lenient import listed, with_value

DEEPEST = 100


def undo(api: Api, **options: Any) -> Any:
    return api.call("undo", account_id="acme", event_id="event-1", **options)


def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * levels + b"1" + closing * levels


# The stack


@pytest.mark.parametrize("name", ["unknown", "accountId", "customerId"])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
def test_what_is_read_can_be_copied_and_written_however_deep_it_is(
    api: Api, fake: FakeTogai, name: str, brackets: tuple[bytes, bytes]
) -> None:
    levels = DEEPEST - 4
    (event,) = listed(api, fake, with_value(name, nested(levels, *brackets)))
    came = raw(event)
    assert json.dumps(event.to_dict()) == json.dumps(came)
    assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == event
    assert repr(event)


@pytest.mark.parametrize("levels", [DEEPEST, 600, 960, 20_000])
@pytest.mark.parametrize("value", [b"%s", b"[[],%s]", b'["]",%s,"["]'], ids=str)
def test_an_event_with_a_property_that_is_nested_too_deeply_is_read(
    api: Api, fake: FakeTogai, levels: int, value: bytes
) -> None:
    event = with_value("unknown", value % nested(levels))
    calls: list[Callable[[], Any]] = [api.listed, lambda: [api.call("get", "ride-1")]]
    for call in calls:
        fake.fail_next(status=200, body=b'{"events":[%s]}' % event)
        for read in call():
            innermost = read.event_payload.additional_properties["unknown"]
            while isinstance(innermost, list):
                innermost = innermost[1 if innermost[-1] == "[" else -1]
            assert innermost.strip("[]") == "1"
            assert json.dumps(read.to_dict()) == json.dumps(raw(read))
            assert pickle.loads(pickle.dumps(read)) == copy.deepcopy(read) == read


def test_brackets_in_a_text_are_no_nesting() -> None:
    for text in ("[" * 3000, "]" * 3000, "[]" * 3000, "[" * 300 + "]" * 300, "{[}]" * 9):
        assert parse_json(json.dumps([text, {"a": [text]}]).encode()) == [text, {"a": [text]}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_the_depth_is_counted_in_every_encoding(encoding: str) -> None:
    for character in ("", "\u5b7b"):  # whose bytes are brackets
        for levels in (DEEPEST - 1, DEEPEST):
            body = "[" + json.dumps(character, ensure_ascii=False) + "," + nested(levels).decode()
            encoded = f"{body}]".encode(encoding)
            if levels < DEEPEST:
                assert parse_json(encoded)
            else:
                with pytest.raises(RecursionError):
                    parse_json(encoded)


# The memory

MANY = {
    "objects": b"{},",
    "lists": b"[],",
    "numbers": b"1.5,",
    "texts": b'"ab",',
    "nested lists": nested(50) + b",",
}


def bomb(name: str, unit: bytes) -> bytes:
    return gzip.compress(b'{"%s":[],"x":[%s 0]}' % (name.encode(), unit * 1_100_000), 1)


@pytest.mark.parametrize("what", [name for name in MANY if name != "nested lists"])
@pytest.mark.parametrize("status", [200, 400])
def test_a_body_of_very_many_values_is_not_parsed(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, what: str, status: int
) -> None:
    body = whole(bomb("events", MANY[what])).replace(b"200", b"%d" % status)
    monkeypatch.setattr("togai._json._strict", None)
    error = UnexpectedResponse if status == 200 else BadRequest
    with raw_server(send(body)) as url, connect(base_url=url, max_retries=0) as api:
        with pytest.raises(error):
            api.listed()
        with pytest.raises(CorrectionOutcomeUnknown if status == 200 else BadRequest):
            undo(api, background=True)


def test_many_short_lists_in_few_elements_are_counted_too(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=200, body=b'{"events":[],"x":[%s0]}' % (MANY["nested lists"] * 30_000))
    with pytest.raises(UnexpectedResponse, match="more than 1000000 values"):
        api.listed()


def test_a_large_page_is_read(api: Api, fake: FakeTogai) -> None:
    (event,) = listed(api, fake, with_value("unknown", json.dumps("x" * 2_000_000).encode()))
    assert not deviations(event)
    assert len(event.event_payload.additional_properties["unknown"]) == 2_000_000
