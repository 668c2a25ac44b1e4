"""FakeTogai: the Togai events service in memory, for tests of code that calls it.

`fake.add(...)` puts events in, `fake.serve()` serves on a loopback socket, `fake.transport()` gives an httpx
transport. What happened is in `fake.requests` and `fake.corrections`. What shall go wrong next is told by
`fail_next`, `change_next`, `drop_next`, `hold_next` and `drip_next`. `python -m togai.testing` serves one by
hand.
"""

from togai._naming import name_publicly as _name_publicly
from togai.testing._fake import FakeTogai
from togai.testing._service import Applied, Job, Record, Request
from togai.testing._transport import FakeTransport

__all__ = ["Applied", "FakeTogai", "FakeTransport", "Job", "Record", "Request"]

_name_publicly(globals())
