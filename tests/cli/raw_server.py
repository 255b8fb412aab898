"""A server that speaks HTTP, or breaks it, byte by byte as it is told."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Peer:
    """One connection, as the server sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.taken = 0

    def read_head(self) -> str:
        """The request line and headers."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("closed")
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        self.taken = len(body)
        return head.decode()

    def take(self, size: int) -> None:
        """Read on until so many bytes of the body have come in all, or more."""
        while self.taken < size:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("closed")
            self.taken += len(piece)

    def drain(self) -> None:
        """Read to the end."""
        with suppress(OSError):
            while piece := self.socket.recv(65536):
                self.taken += len(piece)

    def say(self, status: int, body: bytes, *headers: str, length: int | None = None) -> None:
        """Answer. `length`: what is said of the body's, where that shall not be true."""
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", *headers]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def refuse(self, status: int, detail: str, hint: str = "") -> None:
        """Answer as Gofer does."""
        body = {"type": "about:blank", "title": "A title", "status": status, "detail": detail, "hint": hint}
        self.say(status, json.dumps(body).encode(), "Content-Type: application/problem+json")


class RawServer:
    """`connections` counts those that came."""

    def __init__(self, listener: socket.socket, handle: Callable[[Peer], Any], context: ssl.SSLContext | None) -> None:
        self._listener = listener
        self._name: Any = listener.getsockname()
        self._handle = handle
        self._context = context
        self._threads: list[threading.Thread] = []
        self.connections = 0

    @property
    def address(self) -> str:
        return f"unix://{self._name}" if isinstance(self._name, str) else f"127.0.0.1:{self._name[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._answer, args=[connection])
            thread.start()
            self._threads.append(thread)

    def stop_listening(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        self.stop_listening()
        for thread in self._threads:
            thread.join()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError):
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True)
                self._handle(Peer(connection))
        finally:
            connection.close()


@contextmanager
def raw_server(
    handle: Callable[[Peer], Any], *, context: ssl.SSLContext | None = None, unix: str = ""
) -> Iterator[RawServer]:
    """A server in a thread, which hands each connection to `handle` in one of its own."""
    if unix:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(unix)
        listener.listen()
    else:
        listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listener, handle, context)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
