"""FakeTogai: the Togai events service in memory, for tests of code that calls it.

`fake.add(...)`, `fake.add_many(...)` and `fake.add_month()` add events. `fake.serve()` serves on a loopback socket,
`fake.transport()` returns a transport for httpx and httpx2; both work for both clients; their token is `fake.token`.
`make(Model, ...)` makes any model of `togai.models`.

`fake.requests`, `fake.corrections` and `fake.jobs` hold what happened; `fake.assert_sent("POST", "/events/correction",
action="UNDO", times=1)` and `fake.assert_not_sent(...)` fail with a list of what was sent.

What goes wrong with the next requests, in one line each; `times=`, `method=`, `path=` and `skip=` say which (`When`);
`release()` ends it:

| what | how |
|---|---|
| a rate limit | `fake.fail_next(status=429, retry_after=2)`, or `FakeTogai(requests_per_second=10)` |
| any error, before or after the request is processed | `fake.fail_next(status=520)`, `fake.fail_next(acts=True)` |
| a success that is HTML | `fake.fail_next(status=200, body="<html></html>")` |
| 202, 302, 409 or 499 after a correction was applied | `fake.fail_next(status=409, acts=True)` |
| a dropped connection, before or after the request is processed | `fake.drop_next()`, `fake.drop_next(acts=True)` |
| a connection dropped in mid-response, or reset | `fake.drop_next(half=True)`, `fake.drop_next(reset=True)` |
| no response in time | `fake.hold_next()` |
| a request that is processed after the client has given up | `fake.slow_next(seconds=5)`, `fake.slow_next()` |
| a body that arrives slowly | `fake.drip_next(seconds=0.1)` |
| a second response after the first, in the same TCP segment | `fake.leftover_next()` |
| null | `fake.set_next("$.events[0].createdAt", None)` |
| a new enum value | `fake.set_next("$.events[*].ingestionStatus.status", "ARCHIVED")` |
| an unknown property | `fake.set_next("$.events[0].colour", "red")` |
| a missing property | `fake.remove_next("$.events[0].createdAt")` |
| any other change of a response | `fake.change_next(function)` |
| a response about other events, or without entries | `fake.wrong_event_next()`, `fake.set_next("$.data", [])` |
| an empty page between other pages, repeated page tokens | `fake.empty_page_next()`, `fake.cycle_next()` |
| a next page under another name | `fake.change_next(lambda page: {"cursor": page.pop("nextToken"), **page})` |
| a correction with an unknown outcome | `fake.set_next("$.data[*].status", "QUEUED")` |
| a correction that fails for some events in a 200 | `fake.refuse_next(1)` |
| more matching events than the 30 that one call corrects | `fake.add_many(31)` |
| a token that expires | `fake.token = "another"` |
| background corrections | `fake.confirm_jobs()`, `fake.run_jobs()` |

Modes of the service, which then behaves worse than the real one; `release()` does not end them:

| mode | code |
|---|---|
| overlapping pages | `fake.overlap_pages(1)` |
| stale reads, which show corrections late | `fake.lag_reads(seconds=60)`, `fake.lag_reads(requests=3)` |
| filters without effect | `fake.ignore_filter("account_id")` |
| reverted events are corrected again (and how often) | `fake.correct_reverted()`, `fake.applied["ref-1"]` |
| statuses under other names | `fake.rename_status("REVERTED", "reverted")` |
| any other change of the events, such as a missing `createdAt` | `fake.change_events(function)` |
| an account with an alias | `fake.add_alias("acme", "acme-eu")`, `fake.add(account_id="acme-eu")` |
| events without ids; with two attributes of the same name | `fake.add()`; `fake.add(attributes=[...])` |

`with FakeClock() as clock:` makes waits, rate limits and deadlines pass immediately; `clock.move(60)` moves the time.

pytest provides these fixtures without any import: `fake_togai`, a FakeTogai, in an environment without TOGAI_API_TOKEN,
TOGAI_BASE_URL and TOGAI_LEDGER; `togai_env`, which serves it and sets the first two; `togai_clock`, a FakeClock in use.

`python -m togai.testing` serves a FakeTogai with the events of `add_month`, to try a client by hand.
"""

from togai.testing._clock import FakeClock
from togai.testing._factory import make
from togai.testing._fake import FakeTogai
from togai.testing._fault_queue import When
from togai.testing._messages import Request
from togai.testing._records import AppliedCorrection, Job, Record

__all__ = [
    "AppliedCorrection",
    "FakeClock",
    "FakeTogai",
    "Job",
    "Record",
    "Request",
    "When",
    "make",
]
