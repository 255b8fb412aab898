"""The address that the server listens on: `server.host`."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from gofer.errors import ConfigError


class Address(NamedTuple):
    """`host` as it is configured, `ip` the loopback address that it stands for."""

    host: str
    port: int
    ip: str
    scheme: str = "http"

    @property
    def url(self) -> str:
        """As a client writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_address(text: str) -> Address:
    """`host:port`, with an IPv6 address in brackets. Raises ConfigError, also for an address that is not loopback."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or len(port) > 5 or int(port) > 65535 or not host:
        raise ConfigError(
            f'server.host is "{text}", which is not an address', 'Write host and port, such as "localhost:8080".'
        )
    host = host.removeprefix("[").removesuffix("]")
    return Address(host, int(port), _loopback(host))


def check_loopback(ip: str, what: str) -> None:
    """Raises ConfigError for an address that others can reach. `what` names who wants to listen there."""
    if not ipaddress.ip_address(ip).is_loopback:
        raise ConfigError(
            f"{what} is {ip}: without access control Gofer listens on loopback addresses only",
            'Use "localhost:8080", and reach it from elsewhere through an SSH tunnel: ssh -L 8080:localhost:8080 HOST.',
        )


def _loopback(host: str) -> str:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ConfigError(
            f'server.host names "{host}", which is not an IP address', 'Use "localhost", "127.0.0.1" or "[::1]".'
        ) from None
    check_loopback(str(address), "server.host")
    return str(address)
