"""Servers on real sockets that send the bytes that a test specifies."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import trustme

from togai.testing import FakeClock

EMPTY_LIST = b'{"events": []}'


def whole(body: bytes, *headers: str, length: int | None = None) -> bytes:
    """A response as it goes over the wire."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def read_head(connection: socket.socket) -> bytes:
    """A request, or what came of it; with its body, since a connection that is closed before is reset."""
    request = b""
    while (end := request.find(b"\r\n\r\n")) < 0 or len(request) < end + 4 + _length(request):
        if not (piece := connection.recv(65536)):
            break
        request += piece
    return request


def _length(request: bytes) -> int:
    named = re.search(rb"\r\ncontent-length: (\d+)\r\n", request, re.IGNORECASE)
    return int(named[1]) if named else 0


@contextmanager
def raw_server(
    respond: Callable[[socket.socket, bytes], None], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """A server that does with each connection what `respond` does, once a request has come."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def handle(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(20)
            if tls is None:
                respond(connection, read_head(connection))
                return
            with tls.wrap_socket(connection, server_side=True) as secured:
                respond(secured, read_head(secured))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if ended.is_set():
                connection.close()
                return
            threads.append(threading.Thread(target=handle, args=(connection,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    port = listener.getsockname()[1]
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    finally:
        ended.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
        accepting.join()
        listener.close()
        for thread in threads:
            thread.join()


def send(data: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, _head: connection.sendall(data)


def drip(clock: FakeClock) -> Callable[[socket.socket, bytes], None]:
    """Sends headers byte by byte, without end, and lets all time pass once they have begun."""

    def respond(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        clock.move(1000)
        for _ in range(400):
            connection.sendall(b"x")
            time.sleep(0.05)

    return respond


def hold(over: threading.Event) -> Callable[[socket.socket, bytes], None]:
    """Responds nothing until an event is set."""

    def respond(_connection: socket.socket, _head: bytes) -> None:
        over.wait(30)

    return respond


def server_context(authority: trustme.CA, host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context
