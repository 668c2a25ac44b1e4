"""More bytes than the response: httpcore would take them for the response to the next request.

h11 keeps them in its buffer. No public name leads there; checked with httpcore 1.0.9.
"""

from __future__ import annotations

import ssl
from typing import Any

_PATH = ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")
"""From the stream of a response of httpx to the state of its connection."""


def holds_leftover(response: Any) -> bool:
    """Whether the connection of a response, read to its end, holds more bytes, so that it must be closed."""
    state: Any = response.stream
    for name in _PATH:
        state = getattr(state, name, None)
    trailing: tuple[bytes, bool] = getattr(state, "trailing_data", (b"", False))
    return bool(trailing[0]) or _decrypts_more(response.extensions.get("network_stream"))


def _decrypts_more(stream: Any) -> bool:
    """Whether an async TLS connection has received more than was read; in a thread the socket itself shows it."""
    secured: object = None if stream is None else stream.get_extra_info("ssl_object")
    if not isinstance(secured, ssl.SSLObject):
        return False
    try:
        return bool(secured.read(1))
    except ssl.SSLError:
        return False
