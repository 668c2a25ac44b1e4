"""Keep blocking reads within the deadline of the call that they serve.

Wraps the streams that httpcore reports to its `trace` extension; checked with httpcore 1.0.9.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx

from togai._transport import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class _Deadline(threading.local):
    at: float | None = None


current = _Deadline()


def watch(event: str, info: Mapping[str, Any]) -> None:
    """Keep the reads of each new connection within the deadline of the call that they serve.

    A read timeout alone does not end a server that drips its headers byte by byte. httpcore tells its
    `trace` extension of every new stream; asyncio has a timeout of its own and needs none of this.
    """
    # By its last parts: a tunnel through a proxy tells of its TLS as `http_proxy` or `proxy`.
    if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
        stream = info["return_value"]
        read: Callable[[int, float | None], bytes] = stream.read

        def read_in_time(max_bytes: int, timeout: float | None = None) -> bytes:
            if current.at is not None:
                left = current.at - clock.current.now()
                if left <= 0:
                    raise httpx.ReadTimeout("the answer came too slowly")
                timeout = left if timeout is None else min(timeout, left)
            return read(max_bytes, timeout)

        stream.read = read_in_time
