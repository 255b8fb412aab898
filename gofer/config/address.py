"""Addresses in the settings: where the server listens (`server.host`), and networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

from gofer.errors import ConfigError
from gofer.models.ids import shown

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


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


def parse_networks(texts: Iterable[str]) -> tuple[IpNetwork, ...]:
    """The networks of `server.trusted_proxies`: addresses, or networks as in "10.0.0.0/8". Raises ConfigError."""
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as error:
            why = "has bits beyond its mask" if "host bits" in str(error) else "is neither an address nor a network"
            hint = 'Write addresses or networks, such as ["127.0.0.1", "10.1.0.0/16"].'
            raise ConfigError(f"server.trusted_proxies: {shown(text)} {why}", hint) from None
    return tuple(found)


def unmapped(ip: IpAddress) -> IpAddress:
    """An IPv4 address as such, where a socket for both families has it as `::ffff:192.0.2.1`."""
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _loopback(host: str) -> str:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ConfigError(
            f'server.host names "{host}", which is not an IP address', 'Use "localhost", "127.0.0.1" or "[::1]".'
        ) from None
    check_loopback(str(address), "server.host")
    return str(address)
