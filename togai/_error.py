"""The base of all errors of this package, and the errors for settings and arguments that are not allowed."""

from __future__ import annotations

from typing import Any


class TogaiError(Exception):
    """Base of every error that this package raises.

    Attributes:
        method: HTTP method of the call; None if there was none.
        path: Path of the call, without its query.
        attempts: How many requests were sent for the call.
        waited: The seconds waited before each retry.
        next_token: In a listing, the token to resume with: `client.events.list(next_token=...)`.
        yielded: In a listing, the number of events yielded before the error.
        account_id: In a listing of several accounts, the account that the error is about.
    """

    method: str | None = None
    path: str | None = None
    attempts: int = 0
    waited: tuple[float, ...] = ()
    next_token: str | None = None
    yielded: int | None = None
    account_id: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args` only, which loses keyword arguments.
        return _rebuild, (type(self), self.args), self.__dict__


def _rebuild(cls: type[TogaiError], args: tuple[Any, ...]) -> TogaiError:
    return cls.__new__(cls, *args)


class ConfigurationError(TogaiError, ValueError):
    """A setting is missing or not allowed; the message says which one, and what is allowed."""


class InvalidRequest(TogaiError, ValueError):
    """An argument was refused before anything was sent; the message says what is allowed."""
