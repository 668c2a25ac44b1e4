"""How the service in memory answers the two reading calls, and refuses what is no call."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from togai.testing import FakeTogai

Ask = Callable[..., httpx.Response]


def ids(answer: httpx.Response) -> list[str]:
    return [one["eventPayload"]["id"] for one in answer.json()["events"]]


def pages(ask: Ask, **query: Any) -> list[list[str]]:
    found: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        answer = ask("GET", "/events", params={**query, **token})
        assert answer.status_code == 200, answer.text
        found.append(ids(answer))
        if "nextToken" not in answer.json():
            return found
        token = {"nextToken": answer.json()["nextToken"]}


def test_importing_togai_does_not_import_the_fake() -> None:
    code = (
        "import sys, togai; sys.exit(any(name.startswith('togai.testing') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_page_holds_50_events_unless_asked_otherwise(fake: FakeTogai, ask: Ask) -> None:
    fake.add_many(120)
    assert [len(page) for page in pages(ask)] == [50, 50, 20]
    assert [len(page) for page in pages(ask, pageSize=41)] == [41, 41, 38]


def test_the_pages_hold_every_event_once_in_the_order_they_were_added(
    fake: FakeTogai, ask: Ask
) -> None:
    fake.add_many(23)
    listed = [one for page in pages(ask, pageSize=5) for one in page]
    assert listed == [f"event-{number}" for number in range(1, 24)]


def test_a_full_last_page_has_no_token(fake: FakeTogai, ask: Ask) -> None:
    fake.add_many(100)
    assert [len(page) for page in pages(ask)] == [50, 50]


def test_filters_are_applied_before_pages_are_cut(fake: FakeTogai, ask: Ask) -> None:
    for number in range(12):
        fake.add(
            id=f"e{number}",
            account_id="acme" if number % 2 else "other",
            schema_name="rides" if number % 3 else "calls",
        )
    assert pages(ask, account_id="acme", schema_name="rides", pageSize=2) == [
        ["e1", "e5"],
        ["e7", "e11"],
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("PROCESSED", ["metered", "no meters"]),
        ("IN_PROGRESS", ["on its way"]),
        ("FAILED", ["no account"]),
        ("REVERTED", ["reverted"]),
        ("INGESTION_COMPLETED_NO_MATCHING_METERS", ["no meters"]),
        ("NO_SUCH_STATUS", []),
    ],
)
def test_the_status_filter_takes_groups_and_exact_statuses(
    fake: FakeTogai, ask: Ask, asked: str, found: list[str]
) -> None:
    fake.add(id="metered")
    fake.add(id="no meters", status="INGESTION_COMPLETED_NO_MATCHING_METERS")
    fake.add(id="on its way", status="INGESTION_IN_PROGRESS")
    fake.add(id="no account", status="INGESTION_FAILED_ACCOUNT_NOT_FOUND")
    fake.add(id="reverted", status="REVERTED")
    assert ids(ask("GET", "/events", params={"status": asked})) == found


@pytest.mark.parametrize("size", ["0", "51", "-1", "abc", "", "1.5", "99999"])
def test_a_page_size_outside_1_to_50_is_refused_with_422(ask: Ask, size: str) -> None:
    answer = ask("GET", "/events", params={"pageSize": size})
    assert answer.status_code == 422
    assert "pageSize" in answer.json()["message"]


@pytest.mark.parametrize(
    "token", ["x", "", "e30=", "W10=", "bm8=", "eyJwb3NpdGlvbiI6LTF9", "\u2603"]
)
def test_a_page_token_that_was_never_given_is_refused(ask: Ask, token: str) -> None:
    answer = ask("GET", "/events", params={"nextToken": token})
    assert answer.status_code == 400
    assert "nextToken" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/events"), ("GET", "/events/e1"), ("POST", "/events/correction")]
)
def test_an_unknown_query_parameter_is_named(ask: Ask, method: str, path: str) -> None:
    answer = ask(method, path, params={"page_size": "5"})
    assert answer.status_code == 400
    assert "page_size" in answer.json()["message"]


def test_reading_an_id_gives_every_event_that_has_it_in_full(fake: FakeTogai, ask: Ask) -> None:
    fake.add(id="twice", attributes=[{"name": "distance", "value": "3.5"}])
    fake.add(id="twice", account_id="other")
    fake.add(id="another")
    found = ask("GET", "/events/twice").json()["events"]
    assert [one["eventPayload"]["accountId"] for one in found] == ["acme", "other"]
    assert found[0]["eventPipelineInfo"]["usageMeters"][0]["units"] == 3.5


def test_reading_an_id_that_no_event_has_gives_none(ask: Ask) -> None:
    answer = ask("GET", "/events/nothing")
    assert (answer.status_code, answer.json()) == (200, {"events": []})


@pytest.mark.parametrize("name", ["a/b?c", "50%", "\u00e9t\u00e9", "a b+c", "x" * 512])
def test_any_id_is_found_by_its_quoted_path(fake: FakeTogai, ask: Ask, name: str) -> None:
    fake.add(id=name)
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    assert ids(ask("GET", f"/events/{quoted}")) == [name]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic test-token"}]
)
def test_without_the_right_bearer_token_everything_is_401(
    ask: Ask, headers: dict[str, str]
) -> None:
    answer = ask("GET", "/events", headers=headers)
    assert answer.status_code == 401
    assert "token" in answer.json()["message"]


def test_setting_another_token_ends_the_old_one(fake: FakeTogai, ask: Ask) -> None:
    assert ask("GET", "/events").status_code == 200
    fake.token = "next"
    assert ask("GET", "/events").status_code == 401
    assert ask("GET", "/events", headers={"Authorization": "Bearer next"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/event", "/events/a/b", "/v2/events"])
def test_an_unknown_path_is_404(ask: Ask, path: str) -> None:
    answer = ask("GET", path)
    assert answer.status_code == 404
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/events", "GET"),
        ("DELETE", "/events/e1", "GET"),
        ("GET", "/events/correction", "POST"),
        ("PUT", "/events/correction", "POST"),
        ("QUERY", "/events", "GET"),
        ("BREW", "/events/correction", "POST"),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_one(
    ask: Ask, method: str, path: str, allowed: str
) -> None:
    answer = ask(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["message"]


def test_answers_carry_a_request_id_of_their_own(ask: Ask) -> None:
    given = [
        ask("GET", "/events").headers["x-request-id"],
        ask("GET", "/nowhere").headers["x-request-id"],
        ask("GET", "/events", headers={}).headers["x-request-id"],
    ]
    assert len(set(given)) == 3


def test_requests_are_recorded_without_the_token(fake: FakeTogai, ask: Ask) -> None:
    ask("GET", "/events", params={"account_id": "a b"}, headers={"Authorization": "Bearer secret"})
    ask("POST", "/events/correction", json={"x": 1})
    listed, corrected = fake.requests
    assert (listed.method, listed.path, listed.query) == ("GET", "/events", {"account_id": "a b"})
    assert corrected.json() == {"x": 1}
    assert "secret" not in f"{fake.requests!r} {[dict(one.headers) for one in fake.requests]}"


def test_above_the_quota_it_answers_429_with_retry_after() -> None:
    fake = FakeTogai(requests_per_second=2)
    with httpx.Client(base_url="http://fake", transport=fake.transport()) as client:
        client.headers["Authorization"] = "Bearer test-token"
        answers = [client.get("/events") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
    assert answers[2].json()["message"]


def test_two_fakes_that_were_filled_alike_answer_alike() -> None:
    def answers() -> list[bytes]:
        fake = FakeTogai()
        fake.add_many(60)
        with httpx.Client(base_url="http://fake", transport=fake.transport()) as client:
            client.headers["Authorization"] = "Bearer test-token"
            return [client.get(path).content for path in ("/events", "/events/event-7")]

    assert answers() == answers()


def test_a_page_token_belongs_to_the_filters_it_was_given_for(fake: FakeTogai, ask: Ask) -> None:
    fake.add_many(60)
    token = ask("GET", "/events", params={"account_id": "acme"}).json()["nextToken"]
    answer = ask("GET", "/events", params={"nextToken": token})
    assert answer.status_code == 400
    assert "filters" in answer.json()["message"]
    again = {"nextToken": token, "account_id": "acme", "pageSize": "3"}
    assert ids(ask("GET", "/events", params=again)) == ["event-51", "event-52", "event-53"]


def test_a_page_token_keeps_within_the_contract_however_long_the_filters(
    fake: FakeTogai, ask: Ask
) -> None:
    fake.add(account_id="x" * 512)
    fake.add(account_id="x" * 512)
    query = {"account_id": "x" * 512, "pageSize": 1}
    assert len(ask("GET", "/events", params=query).json()["nextToken"]) <= 500


def test_an_exact_status_does_not_stand_for_longer_ones(fake: FakeTogai, ask: Ask) -> None:
    fake.add(id="any", status="INGESTION_FAILED")
    fake.add(id="units", status="INGESTION_FAILED_UNITS_INVALID")
    assert ids(ask("GET", "/events", params={"status": "INGESTION_FAILED"})) == ["any"]


def test_a_query_parameter_that_is_given_twice_is_named(ask: Ask) -> None:
    answer = ask("GET", "/events", params=[("pageSize", "3"), ("pageSize", "4")])
    assert answer.status_code == 400
    assert "pageSize" in answer.json()["message"]


def test_an_empty_id_is_no_listing(fake: FakeTogai, ask: Ask) -> None:
    fake.add(id="ride-1")
    assert ask("GET", "/events/").status_code == 404


def test_the_quota_goes_by_a_clock_that_tests_can_move() -> None:
    now = [0.0]
    fake = FakeTogai(requests_per_second=1, clock=lambda: now[0])
    headers = {"Authorization": "Bearer test-token"}
    with httpx.Client(
        base_url="http://fake", transport=fake.transport(), headers=headers
    ) as client:
        statuses = [client.get("/events").status_code for _ in range(2)]
        now[0] = 1.0
        assert [*statuses, client.get("/events").status_code] == [200, 429, 200]


def test_attributes_are_objects_as_the_api_has_them(fake: FakeTogai) -> None:
    amounts: Any = {"distance": "1"}
    with pytest.raises(ValueError, match="attributes is a list of objects, such as"):
        fake.add(attributes=amounts)
    fake.add(attributes=({"name": name, "value": "1"} for name in ("a", "b")))
    assert [one["name"] for one in fake.events[0].payload["attributes"]] == ["a", "b"]
