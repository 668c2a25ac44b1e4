"""The service on a real loopback socket, with faults of connections."""

from __future__ import annotations

import http
import io
import math
import re
import selectors
import socket
import struct
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from togai._transport import clock
from togai.testing._fault_queue import Delivered, Delivery
from togai.testing._messages import Request, Response, received

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Handle = Callable[[Request, str | None], Delivered]

# On, with no time to linger: closing the socket resets the connection.
_NO_LINGER = struct.pack("ii", 1, 0)


@contextmanager
def serve(handle: Handle, released: threading.Event, port: int) -> Generator[str]:
    """Serve until the `with` ends; yield the base URL."""
    server = _Server(handle, released, port)
    stop, stopped = socket.socketpair()
    with stop, stopped:
        thread = threading.Thread(target=server.serve_until, args=(stopped,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            stop.send(b"x")
            thread.join()
            server.end()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128
    timeout = 0

    def __init__(self, handle: Handle, released: threading.Event, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.handle = handle
        self.released = released
        self.ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def serve_until(self, stopped: socket.socket) -> None:
        """Accept connections until something can be read from `stopped`; unlike `serve_forever`, without polling."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(stopped, selectors.EVENT_READ)
            while all(key.fileobj is not stopped for key, _ in selector.select()):
                self.handle_request()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Record the connection before its thread starts, so that `end` closes it, and serve it."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close the connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def end(self) -> None:
        """Close open connections, so that the threads of kept-alive connections end."""
        self.ended.set()
        self.released.set()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that disconnects, which tests do on purpose; report any other error, which is a bug here."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request that does not reach the service itself, in the same form as other refusals."""
        self.close_connection = True
        if code == http.HTTPStatus.NOT_IMPLEMENTED:  # a method that is not implemented here
            self._serve()
            return
        # Without a version in the request line, the response would have no status and headers.
        self.request_version = self.protocol_version
        text = message or http.HTTPStatus(code).phrase
        self._write(Response.of(code, {"message": text[:500]}, {"X-Request-Id": "req-0"}))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Print nothing."""

    def _serve(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(411, "Send the body with a Content-Length.")
            return
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,6}", length):
            self.send_error(413 if re.fullmatch(r"[0-9]+", length) else 400)
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return  # the client disconnected in the middle of its request
        request, token = received(self.command, self.path, self.headers.items(), body)
        try:
            delivered = self.server.handle(request, token)
        except Exception as error:  # noqa: BLE001  (errors of a test's own functions are for the client to see)
            self.send_error(500, f"FakeTogai failed: {type(error).__name__}: {error}")
            return
        self._deliver(delivered)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = _serve

    def _deliver(self, delivered: Delivered) -> None:
        response, fault = delivered.response, delivered.fault
        if fault.delivery is Delivery.HELD or math.isinf(fault.seconds):
            self.server.released.wait()
        elif delivered.finish is not None:
            clock.current.wait(self.server.released, fault.seconds)
        if delivered.finish is not None:
            response = delivered.finish()
        if fault.delivery is Delivery.DROPPED:
            self.close_connection = True
        elif fault.delivery is Delivery.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.close_connection = True
            self.rfile.close()
            self.connection.close()
        elif fault.delivery is Delivery.HALF:
            self.close_connection = True
            self._write(response, response.body[: len(response.body) // 2])
        elif fault.delivery is Delivery.DRIPPED:
            self._drip(response, fault.seconds)
        else:
            self._write(response, leftover=fault.leftover)

    def _drip(self, response: Response, seconds: float) -> None:
        self._write(response, b"")
        for position in range(len(response.body)):
            self.wfile.write(response.body[position : position + 1])
            clock.current.wait(self.server.ended, seconds)
            if self.server.ended.is_set():
                return

    def _write(
        self, response: Response, body: bytes | None = None, leftover: Response | None = None
    ) -> None:
        """Send a response or a part of its body, and a second response in the same segment."""
        connection, self.wfile = self.wfile, io.BytesIO()
        for sent in (response, leftover) if leftover else (response,):
            self.send_response_only(sent.status)
            for name, value in sent.all_headers().items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(sent.body if body is None else body)
        segment, self.wfile = self.wfile.getvalue(), connection
        connection.write(segment)
