"""The token: what is a token, what is masked, and when another one is fetched. No I/O."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from togai import ConfigurationError
from togai._transport.auth import Secret, TokenSource
from togai._transport.concurrency import Tasks, Threads

TOKEN = "ab/cd+0123456789xyz/ef"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x", None),
        (" x\n", None),
        ("a-b_c.d~e+f/g=", None),
        ("", "is empty"),
        (" ", "is empty"),
        (7, "must be text, or a callable that returns it; got int"),
        (None, "got NoneType"),
        (b"x", "got bytes"),
        ("a b", "contains whitespace"),
        ("a\tb", "contains whitespace"),
        ("a\x7fb", "non-printable"),
        ("a\u00a0b", "non-printable"),
        ("é", "non-printable"),
    ],
)
def test_a_token_is_printable_ascii_without_blanks(value: Any, problem: str | None) -> None:
    secret = Secret(value)
    if problem is None:
        assert secret.checked() is secret
        assert secret.header() == f"Bearer {value.strip()}"
    else:
        with pytest.raises(ConfigurationError, match=problem):
            secret.checked()
    assert repr(secret) == "Secret(***)"


def test_a_token_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="a token cannot be pickled"):
        pickle.dumps(Secret(TOKEN))


def test_tokens_are_compared_by_their_text() -> None:
    class Other:
        _value = "x"

    assert Secret("x") == Secret(" x ")
    assert Secret("x") != Secret("y")
    assert Secret("x") != Other()
    assert Secret("x") != "x"


@pytest.mark.parametrize("length", range(6, len(TOKEN) + 1))
def test_the_start_of_a_token_is_masked_from_8_characters_on(length: int) -> None:
    start = TOKEN[:length]
    masked = "***" if length >= 8 else start
    assert Secret(TOKEN).shown(f"<{start}>") == f"<{masked}>"
    assert Secret(TOKEN).shown(f"<{start}> <{TOKEN[:7]}>") == f"<{masked}> <{TOKEN[:7]}>"


@pytest.mark.parametrize(
    "written",
    [TOKEN, TOKEN.replace("/", "\\/"), quote(TOKEN, safe=""), TOKEN.replace("/", "/")[:-3]],
)
def test_a_token_is_masked_however_it_is_escaped(written: str) -> None:
    assert Secret(TOKEN).shown(f"a{written}b\n{written}") == "a***b\\n***"


def test_a_long_part_of_a_token_is_masked_without_its_rest() -> None:
    assert Secret(TOKEN).shown("x 0123456789xyz y") == "x *** y"
    assert Secret("ab/0123456789x/ef").shown("x 0123456789x y") == "x 0123456789x y"


KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


def source(kind: str, *tokens: str) -> tuple[TokenSource, Callable[[Any], Any], list[str]]:
    """A source that fetches tokens one after another, how to run it, and the tokens that are left."""
    left = list(tokens)

    def fetch() -> str:
        return left.pop(0)

    async def fetch_async() -> str:
        return left.pop(0)

    if kind == "sync":
        return TokenSource(fetch, Threads()), Threads.run, left
    return TokenSource(fetch_async, Tasks()), asyncio.run, left


@KINDS
def test_a_token_is_fetched_for_each_attempt_and_another_one_once_for_each_refused(
    kind: str,
) -> None:
    tokens, run, left = source(kind, "a", "b", "c", "d", "e", "f")
    assert tokens.can_refresh
    first = run(tokens.read())
    assert first == Secret("a")
    second = run(tokens.refresh(first))
    assert second == Secret("b")
    assert run(tokens.refresh(first)) == second  # another call that got the first
    assert run(tokens.refresh(second)) == Secret("c")
    assert run(tokens.refresh(second)) == Secret("c")
    assert run(tokens.read()) == Secret("d")
    assert run(tokens.refresh(first)) == Secret("e")
    assert left == ["f"]


@KINDS
def test_a_refresh_that_fetches_the_refused_token_is_repeated(kind: str) -> None:
    tokens, run, left = source(kind, "a", "a", "b", "c")
    first = run(tokens.read())
    assert run(tokens.refresh(first)) == first
    assert run(tokens.refresh(first)) == Secret("b")
    assert run(tokens.refresh(first)) == Secret("b")
    assert left == ["c"]


@KINDS
def test_a_fixed_token_is_checked_and_never_fetched(kind: str) -> None:
    io: Any = Threads() if kind == "sync" else Tasks()
    run = Threads.run if kind == "sync" else asyncio.run
    tokens = TokenSource("a", io)
    tokens.check()
    assert not tokens.can_refresh
    assert repr(tokens) == "<token ***>"
    assert run(tokens.read()) is run(tokens.read())
    with pytest.raises(ConfigurationError):
        TokenSource("a b", io).check()
    TokenSource(lambda: "a b", io).check()
