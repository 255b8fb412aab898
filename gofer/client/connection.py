"""Connections to a server: over TCP, a Unix socket or TLS."""

from __future__ import annotations

import socket

from gofer.client.address import Server
from gofer.client.plain_http import HTTPConnection


def new_connection(server: Server, timeout: float) -> HTTPConnection:
    """One that connects when it is first used. `timeout`: seconds for that, and for each read and write.

    Raises ConfigError where the server's certificate cannot be checked with the file that was given.
    """
    address = server.address
    if address.socket:
        return UnixConnection(address.socket, timeout)
    if address.scheme == "https":
        from gofer.client.tls import TlsConnection, context_for

        return TlsConnection(address, timeout, context_for(server))
    return TcpConnection(address.host, address.port, timeout=timeout)


class TcpConnection(HTTPConnection):
    """HTTP over TCP."""

    def connect(self) -> None:
        # For a name given as text Python loads the tables of international names, those of plain letters too.
        host = self.host.encode() if self.host.isascii() else self.host
        self.sock = socket.create_connection((host, self.port), self.timeout)  # type: ignore[arg-type]  # bytes work
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
