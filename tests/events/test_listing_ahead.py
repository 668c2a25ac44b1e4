"""Pages that are requested in advance: one listing with prefetch, and the listings of many accounts."""

from __future__ import annotations

import asyncio
import gc
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from togai import (
    AsyncTogai,
    InvalidRequest,
    RepeatedPageToken,
    ServerError,
    TimedOut,
    Timeout,
    Togai,
)
from togai._printable import counted
from togai.testing import FakeTogai

from ..conftest import Api, Connect
from ..waiting import wait_until


def ids(events: list[Any]) -> list[str]:
    return [event.event_payload.id for event in events]


def until(api: Api, condition: Callable[[], Any]) -> None:
    """Let threads and tasks run until something holds."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        pause(api)


def pause(api: Api) -> None:
    if api.is_async:
        api.resolve(asyncio.sleep(0.01))
    else:
        time.sleep(0.01)


def listing_threads() -> int:
    return sum(thread.name == "togai-listing" for thread in threading.enumerate())


def left_behind(api: Api) -> int:
    """How many threads or tasks of listings are still there."""
    if not api.is_async:
        return listing_threads()

    async def others() -> int:
        return len(asyncio.all_tasks()) - 1

    tasks: int = api.resolve(others())
    return tasks


@pytest.fixture(autouse=True)
def held_requests_end(fake: FakeTogai) -> Iterator[None]:
    yield
    fake.release()


# One listing


def test_the_next_page_is_requested_while_this_one_is_processed(api: Api, fake: FakeTogai) -> None:
    fake.add_many(8)
    listing = api.client.events.list(page_size=2, prefetch=1)
    assert len(api.collect(listing, most=1)) == 1
    until(api, lambda: len(fake.requests) == 2)
    until(api, lambda: left_behind(api) == 0)
    pause(api)
    assert len(fake.requests) == 2  # and no page after that
    assert ids(api.collect(listing)) == [f"event-{number}" for number in range(2, 9)]
    assert len(fake.requests) == 4


def test_without_prefetch_a_page_is_requested_when_it_is_needed(api: Api, fake: FakeTogai) -> None:
    fake.add_many(4)
    api.collect(api.client.events.list(page_size=2), most=2)
    pause(api)
    assert len(fake.requests) == 1


@pytest.mark.parametrize("value", [2, -1, "1", 1.0, None])
def test_a_prefetch_other_than_0_or_1_is_refused(api: Api, fake: FakeTogai, value: Any) -> None:
    with pytest.raises(
        InvalidRequest, match=r"prefetch=.*pass 1 to request the next page in advance"
    ):
        api.client.events.list(prefetch=value)
    assert not fake.requests


def test_a_dropped_listing_ends_its_request(api: Api, fake: FakeTogai) -> None:
    """The page ahead waits for a retry: that wait ends, and no further attempt follows."""
    fake.add_many(4)
    fake.fail_next(status=503, retry_after=50, skip=1)
    listing = api.client.events.list(page_size=2, prefetch=1)
    api.collect(listing, most=1)
    until(api, lambda: len(fake.requests) == 2)
    assert left_behind(api) == 1
    del listing
    gc.collect()
    until(api, lambda: left_behind(api) == 0)
    assert len(fake.requests) == 2


def test_a_client_closed_after_its_listing_was_dropped_logs_nothing(
    fake: FakeTogai, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    fake.add_many(4)
    fake.hold_next(skip=1)
    with Togai(fake.token, base_url=url) as client:
        listing = client.events.list(page_size=2, prefetch=1)
        next(listing)
        until(Api(client, None), lambda: len(fake.requests) == 2)
        del listing
        gc.collect()
    fake.release()
    wait_until(lambda: not listing_threads())
    assert not caplog.records


def test_a_listing_that_is_dropped_with_its_loop_leaves_nothing_behind(
    fake: FakeTogai, url: str, connect: Connect
) -> None:
    fake.add_many(4)
    fake.hold_next(skip=1)
    with connect(base_url=url) as api:
        listing = api.client.events.list(page_size=2, prefetch=1)
        api.collect(listing, most=1)
        until(api, lambda: len(fake.requests) == 2)
    fake.release()
    del listing
    gc.collect()
    wait_until(lambda: not listing_threads())


def test_an_error_ahead_is_raised_after_the_events_before_it(
    fake: FakeTogai, url: str, connect: Connect
) -> None:
    fake.add_many(6)
    fake.fail_next(status=500, skip=1)
    with connect(base_url=url, max_retries=0) as api:
        listing = api.client.events.list(page_size=2, prefetch=1)
        first = api.collect(listing, most=1)
        until(api, lambda: left_behind(api) == 0)
        first += api.collect(listing, most=1)
        with pytest.raises(ServerError) as caught:
            api.collect(listing)
        assert (caught.value.yielded, caught.value.next_token) == (2, listing.next_token)
        assert ids(first + api.collect(listing)) == [f"event-{number}" for number in range(1, 7)]


def test_an_error_ahead_that_nobody_reads_is_not_reported(
    fake: FakeTogai, url: str, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    fake.add_many(4)
    fake.fail_next(status=400, skip=1)
    with connect(base_url=url) as api:
        listing = api.client.events.list(page_size=2, prefetch=1)
        api.collect(listing, most=1)
        until(api, lambda: len(fake.requests) == 2 and left_behind(api) == 0)
        del listing
        gc.collect()
        pause(api)
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_a_page_of_a_parent_process_is_requested_again(
    fake: FakeTogai, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_many(6)
    fake.hold_next(skip=1)
    with Togai(fake.token, base_url=url, requests_per_second=None) as client:
        listing = client.events.list(page_size=2, prefetch=1)
        events = [next(listing)]
        until(Api(client, None), lambda: len(fake.requests) == 2)
        monkeypatch.setattr("togai._listing_ahead.os.getpid", lambda: -1)
        events += listing
    assert ids(events) == [f"event-{number}" for number in range(1, 7)]


@pytest.mark.parametrize("many", [False, True])
def test_a_cancelled_wait_cancels_the_requests_and_can_be_resumed(
    fake: FakeTogai, url: str, many: bool
) -> None:
    fake.add_many(4, account_id="acme")
    fake.hold_next(skip=1)

    async def main() -> None:
        async with AsyncTogai(fake.token, base_url=url) as client:
            pages: Any
            if many:
                pages = client.events.list_many(["acme"], page_size=2)
            else:
                pages = client.events.list(page_size=2, prefetch=1)
                await anext(pages)
            await anext(pages)
            waiting = asyncio.ensure_future(anext(pages))
            while len(fake.requests) < 2:
                await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert len(asyncio.all_tasks()) == 1
            rest = [page async for page in pages]
            assert len(rest) == (1 if many else 2)

    asyncio.run(main())


# Many accounts


@pytest.fixture
def accounts(fake: FakeTogai) -> list[str]:
    names = ["acme", "globex", "initech"]
    for number in range(1, 8):
        for name in names:
            fake.add(id=f"{name}-{number}", account_id=name)
    fake.add(id="other", account_id="other")
    return names


def by_account(pairs: list[tuple[str, Any]]) -> dict[str, list[str]]:
    ids_by_account: dict[str, list[str]] = {}
    for account_id, page in pairs:
        ids_by_account.setdefault(account_id, []).extend(ids(page.events))
    return ids_by_account


def everything(accounts: list[str]) -> dict[str, list[str]]:
    return {name: [f"{name}-{number}" for number in range(1, 8)] for name in accounts}


@pytest.mark.parametrize("concurrency", [1, 2, 50])
def test_many_accounts_are_listed_each_in_order(
    api: Api, fake: FakeTogai, accounts: list[str], concurrency: int
) -> None:
    listing = api.client.events.list_many(accounts, concurrency=concurrency, page_size=2)
    assert not fake.requests
    assert by_account(api.collect(listing)) == everything(accounts)
    assert listing.finished
    assert listing.remaining == {}
    assert len(fake.requests) == 12


def test_accounts_are_listed_at_the_same_time(
    api: Api, fake: FakeTogai, accounts: list[str]
) -> None:
    fake.hold_next(times=3)
    listing = api.client.events.list_many(accounts, concurrency=3)
    threading.Timer(0.05, release_after, args=(fake, 3)).start()
    assert by_account(api.collect(listing)) == everything(accounts)


def release_after(fake: FakeTogai, requests: int) -> None:
    wait_until(lambda: len(fake.requests) >= requests)
    fake.release()


def test_at_most_one_page_of_each_account_under_way_is_requested_ahead(
    api: Api, fake: FakeTogai, accounts: list[str]
) -> None:
    listing = api.client.events.list_many(accounts, concurrency=2, page_size=2)
    api.collect(listing, most=1)
    until(api, lambda: len(fake.requests) == 3)
    until(api, lambda: left_behind(api) == 0)
    pause(api)
    assert len(fake.requests) == 3


def test_a_listing_of_many_accounts_goes_on_elsewhere_from_what_remains(
    api: Api, fake: FakeTogai, accounts: list[str]
) -> None:
    for most in range(13):
        listing = api.client.events.list_many(accounts, concurrency=2, page_size=2)
        pairs = api.collect(listing, most=most)
        assert repr(listing).endswith(
            f"AccountPages: {counted(len(listing.remaining), 'account')} left>"
        )
        rest = api.client.events.list_many(listing.remaining, page_size=2)
        assert by_account(pairs + api.collect(rest)) == everything(accounts)


def test_a_mapping_names_the_token_to_resume_an_account_with(
    api: Api, fake: FakeTogai, accounts: list[str]
) -> None:
    first = api.collect(api.client.events.list(account_id="acme", page_size=5).pages(), most=1)
    tokens = {"acme": first[0].next_token, "globex": None}
    pairs = api.collect(api.client.events.list_many(tokens, page_size=5))
    assert by_account(pairs) == {
        "acme": ["acme-6", "acme-7"],
        "globex": everything(accounts)["globex"],
    }


def read_into(pairs: list[Any], api: Api, listing: Any) -> None:
    while not listing.finished:
        pairs += api.collect(listing, most=1)


def test_an_error_names_its_account_and_the_others_go_on(
    fake: FakeTogai, url: str, connect: Connect, accounts: list[str]
) -> None:
    fake.fail_next(status=500, skip=4)
    with connect(base_url=url, max_retries=0) as api:
        listing = api.client.events.list_many(accounts, page_size=2)
        pairs: list[Any] = []
        with pytest.raises(ServerError) as caught:
            read_into(pairs, api, listing)
        failed = caught.value.account_id
        assert failed in accounts
        yielded = by_account(pairs).get(failed, [])
        assert caught.value.yielded == len(yielded)
        assert listing.remaining[failed] == caught.value.next_token
        pairs += api.collect(listing)
    assert by_account(pairs) == everything(accounts)


def test_a_repeated_token_of_one_account_does_not_keep_the_others_from_being_listed(
    api: Api, fake: FakeTogai
) -> None:
    fake.add(id="a", account_id="acme")
    fake.add(id="b", account_id="globex")
    page = {"events": [fake.events[0].to_json()], "nextToken": "again"}
    fake.fail_next(status=200, body=page, times=2)
    listing = api.client.events.list_many(["acme", "globex"], concurrency=1)
    with pytest.raises(RepeatedPageToken) as caught:
        api.collect(listing)
    assert caught.value.account_id == "acme"
    remaining = {name: token for name, token in listing.remaining.items() if name != "acme"}
    assert by_account(api.collect(api.client.events.list_many(remaining))) == {"globex": ["b"]}


def test_filters_apply_to_each_account(api: Api, fake: FakeTogai, accounts: list[str]) -> None:
    listing = api.client.events.list_many(
        ["acme", "globex", "acme"], schema_name="rides", status="X", page_size=3
    )
    api.collect(listing)
    assert sorted(request.query["account_id"] for request in fake.requests) == ["acme", "globex"]
    assert all(
        request.query == {**request.query, "schema_name": "rides", "status": "X", "pageSize": "3"}
        for request in fake.requests
    )


def test_no_accounts_make_an_empty_listing(api: Api, fake: FakeTogai) -> None:
    assert api.collect(api.client.events.list_many([])) == []
    assert not fake.requests


@pytest.mark.parametrize(
    ("accounts", "problem"),
    [
        ("acme", "a mapping from account ids to page tokens; not str"),
        (7, "not int"),
        (["acme", None], "an account id must be text, not NoneType"),
        (["acme", ""], "account_id is empty"),
        ({"acme": ""}, "next_token=''"),
        ({"acme": 7}, "next_token=7"),
    ],
)
def test_accounts_that_cannot_be_listed_are_refused_before_sending(
    api: Api, fake: FakeTogai, accounts: Any, problem: str
) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        api.client.events.list_many(accounts)
    assert not fake.requests


@pytest.mark.parametrize("value", [0, 51, -1, 1.0, "8", True, None])
def test_a_concurrency_outside_1_to_50_is_refused(api: Api, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"concurrency=.*from 1 to 50"):
        api.client.events.list_many(["acme"], concurrency=value)


def test_a_dropped_listing_of_many_accounts_ends_its_requests(
    api: Api, fake: FakeTogai, accounts: list[str]
) -> None:
    fake.fail_next(status=503, retry_after=50, skip=1, times=3)
    listing = api.client.events.list_many(accounts, concurrency=3, page_size=2)
    api.collect(listing, most=1)
    until(api, lambda: len(fake.requests) >= 3)
    assert left_behind(api) > 0
    with pytest.raises(TypeError, match=r"list_many\(remaining\)"):
        pickle.dumps(listing)
    requests = len(fake.requests)
    del listing
    gc.collect()
    until(api, lambda: left_behind(api) == 0)
    assert len(fake.requests) <= requests + 1


def test_a_thread_that_cannot_be_started_loses_no_page(
    fake: FakeTogai, url: str, accounts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Togai(fake.token, base_url=url, requests_per_second=None) as client:
        listing = client.events.list_many(accounts, concurrency=2, page_size=2)
        pairs = [next(listing)]
        until(Api(client, None), lambda: len(fake.requests) == 3)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", _refuse)
            pairs.append(next(listing))
            with pytest.raises(RuntimeError, match="new thread"):
                next(listing)
        pairs += listing
    assert by_account(pairs) == everything(accounts)


def _refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_read_timeout_ahead_is_raised_as_without(
    fake: FakeTogai, url: str, connect: Connect
) -> None:
    fake.add_many(4)
    fake.hold_next(skip=1)
    with connect(base_url=url, max_retries=0, timeout=Timeout(read=0.1)) as api:
        listing = api.client.events.list(page_size=2, prefetch=1)
        assert len(api.collect(listing, most=2)) == 2
        with pytest.raises(TimedOut):
            api.collect(listing)
        assert len(api.collect(listing)) == 2
