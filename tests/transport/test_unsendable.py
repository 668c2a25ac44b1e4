"""Values that cannot be sent are refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from togai import InvalidRequest, build_event
from togai.testing import FakeTogai

from ..conftest import Api

PLAIN_EVENT = build_event(
    "rides", account_id="acme", timestamp="2024-12-04T07:30:35Z", attributes={"distance": 1}
)
ODD_EVENT = evolve(PLAIN_EVENT, dimensions={"city": "\ud800"})


@pytest.mark.parametrize(
    "how",
    [
        lambda api: api.listed(next_token="x" * 70_000),
        lambda api: api.call("get", "x" * 70_000),
        lambda api: api.call("undo", account_id="acme", event_id="x" * 70_000),
    ],
)
def test_what_no_address_can_hold_is_refused_before_sending(
    api: Api, fake: FakeTogai, how: Any
) -> None:
    with pytest.raises(InvalidRequest, match="a URL can carry at most 4096"):
        how(api)
    assert fake.requests == []


@pytest.mark.parametrize(
    "how",
    [
        lambda api: api.listed(next_token="\ud800"),
        lambda api: api.call("undo", account_id="\ud800", whole_account=True),
        lambda api: api.call("undo", account_id="acme", event_id="\ud800"),
        lambda api: api.call("replace", ODD_EVENT, account_id="acme", event_id="a"),
        lambda api: api.call(
            "replace",
            evolve(PLAIN_EVENT, additional_properties={"new": {1, 2}}),
            account_id="acme",
            event_id="a",
            keep_unknown=True,
        ),
    ],
)
def test_what_json_in_utf_8_cannot_hold_is_refused_before_sending(
    api: Api, fake: FakeTogai, how: Any
) -> None:
    with pytest.raises(InvalidRequest, match="UTF-8"):
        how(api)
    assert fake.requests == []
