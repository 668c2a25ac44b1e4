"""The service behind a real loopback socket, faults of the connection included."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from togai.testing._faults import Delivered, Delivery
from togai.testing._service import Request, parse_query

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Handle = Callable[[Request, str | None], Delivered]

_MAX_BODY = 1 << 20


@contextmanager
def serve(handle: Handle, released: threading.Event, port: int) -> Generator[str]:
    """Serve until the `with` ends; yields the base URL."""
    server = _Server(handle, released, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.end()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, handle: Handle, released: threading.Event, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.handle = handle
        self.released = released
        self.ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def end(self) -> None:
        """Close what is open, so that the threads of kept-alive connections end."""
        self.ended.set()
        self.released.set()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.closed(self.connection)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Print nothing."""

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > _MAX_BODY:
            self.close_connection = True
            self.send_error(413 if length.isdigit() else 400)
            return
        body = self.rfile.read(int(length))
        path, _, query = self.path.partition("?")
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        headers = {
            name: value for name, value in self.headers.items() if name.lower() != "authorization"
        }
        request = Request(self.command, path, parse_query(query), body, headers)
        self._deliver(self.server.handle(request, token if scheme.lower() == "bearer" else None))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def _deliver(self, delivered: Delivered) -> None:
        if delivered.delivery is Delivery.HELD:
            self.server.released.wait()
        if delivered.delivery is Delivery.DROPPED or self.server.ended.is_set():
            self.close_connection = True
            return
        response = delivered.response
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if delivered.delivery is Delivery.HALF:
            self.wfile.write(response.body[: len(response.body) // 2])
            self.close_connection = True
        elif delivered.delivery is Delivery.DRIPPED:
            for position in range(len(response.body)):
                self.wfile.write(response.body[position : position + 1])
                self.wfile.flush()
                if self.server.ended.wait(delivered.seconds):
                    break
        else:
            self.wfile.write(response.body)
        self.wfile.flush()
