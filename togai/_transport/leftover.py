"""More bytes than the response: httpcore would take them for the response to the next request.

h11 keeps them in its buffer. No public name leads there; checked with httpcore 1.0.9 and httpcore2 2.16.2.
"""

from __future__ import annotations

import ssl
from typing import Any

from togai._transport.libraries import open_connections

_PATH = ("stream", "_stream", "_httpcore_stream", "_stream", "_connection")
"""From a response of httpx to its connection."""


def end_connection(client: Any, response: Any) -> None:
    """Let httpcore close the connection of a response, read to its end, if it holds more bytes.

    To be called before the response is closed: others get the connection at once.
    """
    connection = response
    for name in _PATH:
        connection = getattr(connection, name, None)
    # An event hook may have the response.
    for one in [connection] if connection is not None else open_connections(client):
        state: Any = getattr(one, "_h11_state", None)
        if str(getattr(state, "their_state", "")) == "DONE" and _holds_more(one, state):
            state.send_failed()


def _holds_more(connection: Any, state: Any) -> bool:
    secured = connection._network_stream.get_extra_info("ssl_object")  # noqa: SLF001
    if state.trailing_data[0]:
        return True
    # An async TLS connection may have received more than was read; in a thread the socket itself shows it.
    if not isinstance(secured, ssl.SSLObject):
        return False
    try:
        return bool(secured.read(1))
    except ssl.SSLError:
        return False
