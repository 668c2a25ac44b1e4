"""The body of a response: read up to a limit, and decompressed even if its headers are wrong."""

from __future__ import annotations

import zlib

MAX_BODY = 16 * 1024 * 1024
"""The maximum size in bytes of a response, compressed and decompressed; a page of 50 events has about 30 kB."""

_MAX_LAYERS = 3
_MAX_MEMBERS = 100
_GZIP = b"\x1f\x8b"
"""The first bytes of gzip data; JSON never starts with them."""


class BodyError(Exception):
    """A body that cannot be read; the message describes it."""


class Body:
    """Collects a body up to the limit."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Add a chunk as received.

        Raises:
            BodyError: The body is larger than the limit.
        """
        self._size += len(chunk)
        _check_size(self._size)
        self._parts.append(chunk)

    def decoded(self, codings: str) -> bytes:
        """The body without the compression that `Content-Encoding` names.

        Gzip is recognized by its first bytes: some services give it another name, and some transports have decompressed
        it already. So an unknown coding costs nothing unless the body is really encoded.

        Raises:
            BodyError: It cannot be decompressed, or becomes larger than the limit.
        """
        body = b"".join(self._parts)
        for _ in range(_MAX_LAYERS):
            if not body.startswith(_GZIP):
                break
            body = _gunzip(body)
        if "deflate" in codings.lower():
            for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
                if (inflated := _inflate(body, bits)) is not None:
                    return inflated
        return body


def _check_size(size: int) -> None:
    if size > MAX_BODY:
        raise BodyError(f"a body of more than {MAX_BODY} bytes")


def _gunzip(body: bytes) -> bytes:
    parts: list[bytes] = []
    size = 0
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            parts.append(member.decompress(body, MAX_BODY + 1 - size))
        except zlib.error:
            raise BodyError("a body that cannot be decompressed") from None
        size += len(parts[-1])
        _check_size(size)
        if not member.eof:
            raise BodyError("a body that cannot be decompressed: it is truncated")
        body = member.unused_data
        if not body.startswith(_GZIP):  # the end, or trailing bytes that gzip itself ignores
            return b"".join(parts)
    raise BodyError(f"a body of more than {_MAX_MEMBERS} gzip members")


def _inflate(body: bytes, bits: int) -> bytes | None:
    """The decompressed body; None if it is not compressed with deflate."""
    stream = zlib.decompressobj(bits)
    try:
        inflated = stream.decompress(body, MAX_BODY + 1)
    except zlib.error:
        return None
    _check_size(len(inflated))
    return inflated if stream.eof and not stream.unused_data else None
