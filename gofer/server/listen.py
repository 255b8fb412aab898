"""Where the API listens."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence
from typing import NamedTuple

from gofer.errors import ConfigError


class Address(NamedTuple):
    host: str
    port: int

    @property
    def url(self) -> str:
        """As a client writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def parse_address(text: str) -> Address:
    """`host:port`, with an IPv6 address in brackets. Raises ConfigError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or not host:
        raise ConfigError(
            f'server.host is "{text}", which is not an address', 'Write host and port, such as "localhost:8080".'
        )
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def listen(text: str) -> tuple[socket.socket, Address]:
    """A listening socket on a loopback address; port 0 picks a free one. Raises ConfigError with one clear line."""
    wanted = parse_address(text)
    family, where = _resolve(wanted)
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(where)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _cannot_listen(text, error) from error
    listener.setblocking(False)
    return listener, Address(wanted.host, listener.getsockname()[1])


def inherited(sockets: Sequence[socket.socket]) -> Address:
    """Where sockets listen that somebody else has opened. Raises ConfigError for one that listens to the world."""
    names = [one.getsockname() for one in sockets]
    for name in names:
        if not ipaddress.ip_address(name[0]).is_loopback:
            raise _not_loopback("the socket that systemd opened", name[0])
    return Address(names[0][0], names[0][1])


def _resolve(wanted: Address) -> tuple[socket.AddressFamily, tuple[str, int]]:
    host = "127.0.0.1" if wanted.host == "localhost" else wanted.host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ConfigError(
            f'server.host names "{wanted.host}", which is not an IP address', 'Use "localhost", "127.0.0.1" or "[::1]".'
        ) from None
    if not address.is_loopback:
        raise _not_loopback("server.host", wanted.host)
    return (socket.AF_INET6 if address.version == 6 else socket.AF_INET), (host, wanted.port)


def _not_loopback(what: str, host: str) -> ConfigError:
    return ConfigError(
        f"{what} is {host}: without access control Gofer listens on loopback addresses only",
        'Use "localhost:8080", and reach it from elsewhere through an SSH tunnel: ssh -L 8080:localhost:8080 HOST.',
    )


def _cannot_listen(text: str, error: OSError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            f"{text} is in use by another program", "Stop that program, or choose another port: --host localhost:8081."
        )
    return ConfigError(f"cannot listen on {text}: {error.strerror}", "Choose another address with --host.")
