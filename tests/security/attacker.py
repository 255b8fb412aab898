"""Ways to a server, and to treat it badly."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple

from gofer.server.limits.refusals import Reason
from tests.integration.api.server import Answer, ServerThread
from tests.support.until import until

_REFUSED = re.compile(rb'gofer_refused_total\{reason="(\w+)"\} (\d+)')


class Door(NamedTuple):
    """One way to connect to `server`."""

    server: ServerThread
    connect: Callable[[], socket.socket]

    def counted(self, reason: Reason) -> int:
        """How often that was refused so far."""
        return self.server.services.tally.refusals.counts[reason]

    def send(self, request: bytes) -> bytes:
        """Everything that comes back until the server ends the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            return rest(connection)


def rest(connection: socket.socket) -> bytes:
    """What comes until the other side ends the connection, or cuts it off."""
    received = bytearray()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while part := connection.recv(65536):
            received += part
    return bytes(received)


def answer(received: bytes, method: str = "GET") -> Answer:
    """The first answer of what was received, with nothing behind it."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(received)
        there.shutdown(socket.SHUT_WR)
        return ServerThread.read_answer(here, method)


def goes_on(server: ServerThread) -> None:
    """The server answers, and /metrics has every reason."""
    told = server.ask("GET", "/metrics")
    assert told.status == 200
    assert {name.decode(): int(count) for name, count in _REFUSED.findall(told.body)} == dict(
        server.services.tally.refusals.counts
    )


def counts_one_more(door: Door, reason: Reason, before: int) -> None:
    """Waits for it."""
    until(lambda: door.counted(reason) > before, f"{reason} is counted", 20)


def connect_tls(server: ServerThread) -> socket.socket:
    """TLS without asking who is there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(server.connect())


def connect_unix(server: ServerThread) -> socket.socket:
    """The socket of tasks."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(str(server.services.settings.server.storage_path / "task-api" / "api.sock"))
    return connection


def connect_small(server: ServerThread) -> socket.socket:
    """A connection that takes little before it is read from."""
    connection = socket.socket()
    connection.settimeout(30)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, _, port = server.netloc.rpartition(":")
    connection.connect((host, int(port)))
    return connection
