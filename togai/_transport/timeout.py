"""The timeouts of a call, in seconds."""

from __future__ import annotations

from attrs import frozen

from togai._printable import shown_setting
from togai.errors import ConfigurationError


@frozen(kw_only=True)
class Timeout:
    """The timeouts of the phases of a call, in seconds.

    Args:
        connect: Until a connection is established.
        read: Between two chunks of the response.
        write: Between two chunks of the request.
        pool: Until one of the client's own connections is free.
        total: For all attempts of a call and the waits between them, from the start of the first attempt.
    """

    connect: float = 5.0
    read: float = 30.0
    write: float = 30.0
    pool: float = 30.0
    total: float = 120.0

    def __attrs_post_init__(self) -> None:
        for name in ("connect", "read", "write", "pool", "total"):
            value: object = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
                problem = f"timeout {name}={shown_setting(value)}"
                raise ConfigurationError(f"{problem}: pass a positive number of seconds")
