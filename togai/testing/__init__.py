"""The Togai events service in memory, for tests: behind an httpx transport or a real loopback socket.

    fake = FakeTogai(token="test-token", events=make_events(120, account_id="acme"))
    fake.add(id="ride-1", account_id="acme", attributes={"distance": "10.4"})

    with fake.serve() as base_url: ...                     # a real socket
    httpx.Client(transport=fake.transport())               # or AsyncClient; no socket

What it holds and what happened: `fake.events` (the stored events, as live JSON), `fake.requests` (every
request, without the token), `fake.corrections` (each correction that was applied to an event), `fake.jobs`
(background corrections to come; `fake.confirm_jobs()`, `fake.run_jobs()`).

What can go wrong: each call below puts a fault into a queue; a request takes the first one that matches it.
All take `times` (None: until `fake.clear_faults()`), `skip` (let that many matching requests pass first),
`method` and `path` (a shell pattern, such as "/events/*").

    fake.fail_next(status=429, retry_after=2)              # any status, body, headers; acted=True: after acting
    fake.html_next()                                       # HTML with status 200
    fake.drop_next("before")                               # "reading", "before" or "after" it acted; reset=True
    fake.hang_next()                                       # no answer until fake.release()
    fake.cut_next()                                        # half of the body
    fake.drip_next(seconds=1)                              # the body byte by byte
    fake.change_next(lambda body: body["events"].pop())    # in place, or give another body
    fake.set_next("events.0.ingestionStatus.status", "NEW")
    fake.remove_next("events.*.eventPayload.dimensions")
    fake.empty_page_next()                                 # an empty page that still has a token
    fake.cycle_next(pages=2)                               # page tokens that go round

On the transport a drop or a hang is the httpx exception that the socket would bring, at once.
"""

from togai.testing._fake import FakeTogai
from togai.testing._messages import RecordedRequest
from togai.testing._records import make_events
from togai.testing._service import AppliedCorrection, Job

__all__ = ["AppliedCorrection", "FakeTogai", "Job", "RecordedRequest", "make_events"]
