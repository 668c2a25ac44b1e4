"""The body of a response: both sides of each limit. No I/O."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

from togai._transport import body as body_module
from togai._transport.body import MAX_BODY, Body, BodyError

MOST = 1000


def decoded(*chunks: bytes, codings: str = "") -> bytes:
    body = Body()
    for chunk in chunks:
        body.add(chunk)
    return body.decoded(codings)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "MAX_BODY", MOST)


def test_a_body_has_at_most_16_megabytes() -> None:
    assert MAX_BODY == 16_777_216


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("cut", [0, 1, 999, 1000])
def test_chunks_are_joined_up_to_the_limit(cut: int) -> None:
    data = bytes(range(250)) * 4
    assert decoded(data[:cut], data[cut:]) == data
    with pytest.raises(BodyError, match="more than 1000 bytes"):
        decoded(data[:cut], data[cut:], b"x")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_the_limit_counts_what_is_decompressed(coding: str) -> None:
    compress = gzip.compress if coding == "gzip" else zlib.compress
    assert decoded(compress(b"x" * 1000), codings=coding) == b"x" * 1000
    for size in (1001, 1002, 100_000):
        with pytest.raises(BodyError, match="more than 1000 bytes"):
            decoded(compress(b"x" * size), codings=coding)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("sizes", [(1, 900, 99), (900, 1, 99), (1000, 0, 0), (0, 0, 1000)])
def test_the_members_of_a_body_share_the_limit(sizes: tuple[int, ...]) -> None:
    members = b"".join(gzip.compress(b"x" * size) for size in sizes)
    assert decoded(members) == b"x" * 1000
    with pytest.raises(BodyError, match="more than 1000 bytes"):
        decoded(members + gzip.compress(b"x"))


@pytest.mark.usefixtures("small")
def test_no_more_is_decompressed_than_the_limit_and_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    make = zlib.decompressobj

    class Noted:
        def __init__(self, bits: int) -> None:
            self._stream = make(bits)

        def decompress(self, data: bytes, most: int) -> bytes:
            lengths.append(most)
            return self._stream.decompress(data, most)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    monkeypatch.setattr(zlib, "decompressobj", Noted)
    decoded(gzip.compress(b"x" * 900) + gzip.compress(b"x" * 60) + gzip.compress(b"x"))
    assert lengths == [1001, 101, 41]
    lengths.clear()
    decoded(b"x", codings="deflate")
    assert lengths == [1001, 1001]


def test_a_body_has_at_most_100_members_and_3_layers() -> None:
    assert decoded(gzip.compress(b"x") * 100) == b"x" * 100
    with pytest.raises(BodyError, match="more than 100 gzip members"):
        decoded(gzip.compress(b"x") * 101)
    layers = [b"x"]
    for _ in range(4):
        layers.append(gzip.compress(layers[-1], mtime=0))
    assert [decoded(layer) for layer in layers] == [b"x", b"x", b"x", b"x", layers[1]]


@pytest.mark.parametrize(
    "data", [gzip.compress(b"x")[:-1], b"\x1f\x8b no"], ids=["truncated", "not gzip"]
)
def test_a_damaged_body_is_an_error(data: bytes) -> None:
    with pytest.raises(BodyError, match="cannot be decompressed"):
        decoded(data)


@pytest.mark.parametrize("tail", [b"", b"\0", b"more"])
def test_what_deflate_does_not_explain_stays_as_it_is(tail: bytes) -> None:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    for data in (zlib.compress(b"x" * 99), stream.compress(b"x" * 99) + stream.flush()):
        for codings in ("deflate", "DEFLATE, gzip"):
            assert decoded(data + tail, codings=codings) == (data + tail if tail else b"x" * 99)
            assert decoded(data[:-1], codings=codings) == data[:-1]
        assert decoded(data, codings="gzip") == data


@pytest.mark.parametrize("codings", ["gzip", "deflate"])
def test_an_interrupt_while_a_body_is_decompressed_passes(
    monkeypatch: pytest.MonkeyPatch, codings: str
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    class Interrupted:
        decompress = staticmethod(interrupted)

    monkeypatch.setattr(zlib, "decompressobj", lambda _bits: Interrupted)
    with pytest.raises(KeyboardInterrupt):
        decoded(b"\x1f\x8b" if codings == "gzip" else b"x", codings=codings)
