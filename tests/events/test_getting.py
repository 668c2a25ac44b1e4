"""Reading one event: exactly one event, or an error with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from togai import AmbiguousEvent, EventNotFound, InvalidRequest, NotFound
from togai.models import EventWithStatusAndEventPipelineInfo
from togai.testing import FakeTogai

from ..conftest import Api


def test_one_event_is_read_in_full(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    event = api.call("get", "ride-1")
    assert isinstance(event, EventWithStatusAndEventPipelineInfo)
    assert event.event_payload.id == "ride-1"
    assert event.event_pipeline_info.usage_meters is not None
    assert event.event_pipeline_info.usage_meters[0].units == 10.4


def test_no_event_is_an_error_that_names_the_id(api: Api) -> None:
    with pytest.raises(EventNotFound, match="'ride-1'") as caught:
        api.call("get", "ride-1")
    assert caught.value.event_id == "ride-1"


def test_several_events_are_an_error_with_the_candidates(api: Api, fake: FakeTogai) -> None:
    fake.add(id="ride-1")
    fake.add(id="ride-1")
    with pytest.raises(AmbiguousEvent) as caught:
        api.call("get", "ride-1")
    assert [candidate.reference_id for candidate in caught.value.candidates] == ["ref-1", "ref-2"]


def test_get_all_gives_none_one_or_many(api: Api, fake: FakeTogai) -> None:
    assert api.call("get_all", "ride-1") == []
    fake.add(id="ride-1")
    fake.add(id="ride-1")
    assert len(api.call("get_all", "ride-1")) == 2


def test_a_404_in_json_means_that_no_event_exists(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=404)
    assert api.call("get_all", "ride-1") == []


def test_a_404_page_of_a_gateway_means_a_wrong_address(api: Api, fake: FakeTogai) -> None:
    fake.fail_next(status=404, body="<html>not here</html>")
    with pytest.raises(NotFound, match="base_url"):
        api.call("get_all", "ride-1")


@pytest.mark.parametrize("event_id", ["", " ", ".", "..", 7, None, "\ud800"])
def test_an_id_that_cannot_stand_in_a_path_is_refused_before_sending(
    api: Api, fake: FakeTogai, event_id: Any
) -> None:
    with pytest.raises(InvalidRequest, match="event_id"):
        api.call("get", event_id)
    assert not fake.requests


@pytest.mark.parametrize(
    "event_id", ["a/b?c#d", "../events", "%2e%2e", "...", "a b+c", "é", "x" * 512]
)
def test_any_other_id_reaches_the_service_as_it_is(
    api: Api, fake: FakeTogai, event_id: str
) -> None:
    fake.add(id=event_id)
    assert api.call("get", event_id).event_payload.id == event_id
