"""The token: read before each attempt, refreshed once if several calls get a 401 at the same time, never shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from togai._printable import printable
from togai.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from togai._transport.concurrency import Tasks, Threads


_SECRET = 8
"""The minimum length of a real token."""


class Secret:
    """A token that no repr, log or traceback shows."""

    __slots__ = ("_problem", "_value")

    def __init__(self, value: object) -> None:
        # Raises nothing: a traceback would show the token among the local variables of this frame.
        self._value = value.strip() if isinstance(value, str) else ""
        self._problem: str | None = None
        if not isinstance(value, str):
            kind = type(value).__name__
            self._problem = f"the token must be text, or a callable that returns it; got {kind}"
        elif not self._value:
            self._problem = "the token is empty: pass token=, or set TOGAI_API_TOKEN"
        elif not self._value.isascii() or not self._value.isprintable() or " " in self._value:
            self._problem = (
                "the token contains whitespace or a non-printable character;"
                " copy the token only, without quotes or line breaks"
            )

    def checked(self) -> Self:
        """This token.

        Raises:
            ConfigurationError: It is not a valid token.
        """
        if self._problem is not None:
            raise ConfigurationError(self._problem)
        return self

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __reduce__(self) -> str:
        raise TypeError("a token cannot be pickled: pass it to the other process in another way")

    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._value}"

    def shown(self, text: str) -> str:
        """Text from the service made safe to show: on one line, and with the token masked."""
        # Long parts of the token are masked too, because services escape the characters between them in many ways.
        parts = re.findall(r"[A-Za-z0-9]{12,}", self._value)
        escaped = self._value.replace("/", "\\/")
        for value in (self._value, escaped, quote(self._value, safe=""), *parts):
            # The service may repeat only the start; a shorter start is not secret, and may be part of any word.
            if value[:_SECRET] in text:
                for length in range(len(value), _SECRET - 1, -1):
                    text = text.replace(value[:length], "***")
        return printable(text)


class TokenSource:
    """Provides the token to the threads or tasks of a client."""

    def __init__(self, token: object, io: Threads | Tasks) -> None:
        # Like Secret, raises nothing for a token.
        self.can_refresh = callable(token)
        self._call: Callable[[], object] = token if callable(token) else lambda: token
        self._fixed = None if self.can_refresh else Secret(token)
        # Replaced together: a slow thread with an older token must not overwrite a newer token.
        self._renewed: tuple[Secret | None, Secret] = (None, Secret(None))
        self._io = io
        self.lock: Any = io.lock()

    def __repr__(self) -> str:
        return "<token ***>"

    def check(self) -> None:
        """Refuse a fixed token that is not valid.

        Raises:
            ConfigurationError: It is not a valid token.
        """
        if self._fixed is not None:
            self._fixed.checked()

    async def read(self) -> Secret:
        """The token for the next attempt."""
        return self._fixed or await self._fetch()

    async def refresh(self, refused: Secret) -> Secret:
        """A token other than the refused token, fetched once for all threads or tasks that need it."""
        async with self.lock:
            old, new = self._renewed
            if old != refused or new == refused:
                new = await self._fetch()
                self._renewed = (refused, new)
            return new

    async def _fetch(self) -> Secret:
        # No local variable holds the token, because a traceback would show it.
        return Secret(await self._io.result(self._call(), "callable as token")).checked()
