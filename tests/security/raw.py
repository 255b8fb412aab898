"""Requests as no proper client would send them, many on one connection."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.api.server import Answer, ServerThread


class Wire:
    """A connection that is made anew whenever the server has closed it."""

    def __init__(self, server: ServerThread) -> None:
        self._server = server
        self._connection: socket.socket | None = None

    def send(self, request: bytes, method: str = "GET") -> Answer:
        """The answer to these very bytes. Of a websocket that was opened, only the head is read."""
        if self._connection is None:
            self._connection = self._server.connect()
        connection, self._connection = self._connection, None
        keep = False
        try:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection, method=method)
            try:
                response.begin()
                keep = response.status != 101 and not response.will_close
                body = b"" if response.status == 101 else response.read()
                return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, body)
            finally:
                response.close()
        finally:
            if keep:
                self._connection = connection
            else:
                connection.close()

    def ask(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        """A request with this target as it is, in Latin-1."""
        lines = {"Host": "localhost", "Content-Length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return self.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body, method)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


@contextmanager
def wire(server: ServerThread) -> Iterator[Wire]:
    """One for as long as the context lasts."""
    found = Wire(server)
    try:
        yield found
    finally:
        found.close()
