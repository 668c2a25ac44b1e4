"""A lock that another thread holds, without a thread: whoever would wait for it raises an error instead."""

from __future__ import annotations


class HeldError(Exception):
    """Raised instead of waiting."""


class Held:
    """A lock that another thread holds."""

    def __enter__(self) -> None:
        raise HeldError

    def __exit__(self, *_: object) -> None: ...
