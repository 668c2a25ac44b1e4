"""The token: read before each attempt, refreshed once for all who meet a 401 together, never shown."""

from __future__ import annotations

import inspect
import threading
from typing import TYPE_CHECKING

from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


_SECRET = 8
"""Characters that a real token has at least."""


class Secret:
    """A token that no repr, log or traceback shows."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ConfigurationError(
                f"the token must be text, or a callable that gives it; got {kind}"
            )
        value = value.strip()
        if not value:
            raise ConfigurationError("the token is empty: pass token=, or set TOGAI_API_TOKEN")
        if not value.isascii() or not value.isprintable() or " " in value:
            raise ConfigurationError(
                "the token holds a blank or a character that no token has: was it copied whole, and alone?"
            )
        self._value = value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a token is not pickled: give the other process its own")

    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._value}"

    def masked(self, text: str) -> str:
        """Text of the service's, without the token where it sends it back."""
        # A shorter one is no secret, and may be a part of any word.
        if len(self._value) < _SECRET:
            return text
        # JSON may have a backslash before each slash.
        return text.replace(self._value, "***").replace(self._value.replace("/", "\\/"), "***")


class _Source:
    """What both twins know: the callable or the fixed token, and what it last gave for a refused one."""

    def __init__(self, token: object) -> None:
        self.can_refresh = callable(token)
        self._call: Callable[[], object] = token if callable(token) else lambda: token
        self._fixed = None if self.can_refresh else Secret(token)
        # Both together: a slow reader that came before must not undo what came after.
        self._renewed: tuple[Secret, Secret] | None = None

    def __repr__(self) -> str:
        return "<token ***>"


class TokenSource(_Source):
    """Gives the token to the threads of a client."""

    def __init__(self, token: str | Callable[[], str]) -> None:
        super().__init__(token)
        self.renew()

    def renew(self) -> None:
        """Forget who refreshes: after a fork that thread is gone, and the lock may stay taken."""
        self._lock = threading.Lock()

    def read(self) -> Secret:
        """The token for the next attempt."""
        return self._fixed or self._fetch()

    def refresh(self, refused: Secret) -> Secret:
        """Another token than the refused one, asked for once however many threads come together."""
        with self._lock:
            if self._renewed is None or self._renewed[0] != refused or self._renewed[1] == refused:
                self._renewed = (refused, self._fetch())
            return self._renewed[1]

    def _fetch(self) -> Secret:
        value = self._call()
        if inspect.isawaitable(value):
            if inspect.iscoroutine(value):
                value.close()
            raise ConfigurationError(
                "Togai takes a plain callable as token; AsyncTogai takes async ones"
            )
        return Secret(value)


class AsyncTokenSource(_Source):
    """Gives the token to the tasks of a client."""

    def __init__(self, token: str | Callable[[], str | Awaitable[str]]) -> None:
        import asyncio

        super().__init__(token)
        self._lock = asyncio.Lock()

    async def read(self) -> Secret:
        """The token for the next attempt."""
        return self._fixed or await self._fetch()

    async def refresh(self, refused: Secret) -> Secret:
        """Another token than the refused one, asked for once however many tasks come together."""
        async with self._lock:
            if self._renewed is None or self._renewed[0] != refused or self._renewed[1] == refused:
                self._renewed = (refused, await self._fetch())
            return self._renewed[1]

    async def _fetch(self) -> Secret:
        value = self._call()
        return Secret(await value if inspect.isawaitable(value) else value)
