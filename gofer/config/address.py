"""Addresses and names in the settings: where the server listens (`server.host`), networks, and names of hosts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from gofer.errors import ConfigError
from gofer.models.ids import shown

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
# Of the addresses that stand for IPv4 ones: ::ffff:0:0/96 (RFC 4291, 2.5.5.2).
_MAPPED = 96
_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*\Z")


class Address(NamedTuple):
    """`host` as it is configured or called, `ip` the address that it stands for."""

    host: str
    port: int
    ip: str
    scheme: str = "http"

    @property
    def url(self) -> str:
        """As a client writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def called(self, names: tuple[str, ...]) -> Address:
        """The same with a `host` that a client can call. `names` are those of the served certificate.

        Nobody can call `0.0.0.0` or `[::]`, and whoever calls a certificate's server by its bare address is told that
        the name is wrong.
        """
        ip = ip_of(self.ip)
        if ip.is_loopback or (not ip.is_unspecified and (not names or self.host in names)):
            return self
        callable_ = [name for name in names if "*" not in name]
        far = [name for name in callable_ if name != "localhost" and not _is_loopback_text(name)]
        # A name tells a person more than an address.
        far.sort(key=is_ip)
        fallback = "localhost" if ip.is_unspecified else self.host
        return self._replace(host=next(iter(far), fallback))


def parse_address(text: str, key: str = "server.host", port: int = 8080) -> Address:
    """`host:port`, with an IPv6 address in brackets; `localhost` is 127.0.0.1. Raises ConfigError.

    Whether the server may listen there is for `check_reach` to say. `key` is the setting that says it, `port` that of
    its default.
    """
    host, colon, number = text.rpartition(":")
    if not colon or not number.isascii() or not number.isdigit() or len(number) > 5 or int(number) > 65535 or not host:
        raise ConfigError(
            f'{key} is "{text}", which is not an address', f'Write host and port, such as "localhost:{port}".'
        )
    host = host.removeprefix("[").removesuffix("]")
    try:
        ip = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ConfigError(
            f'{key} names "{host}", which is not an IP address',
            'Use "localhost", an address of this machine such as "192.0.2.7" or "[2001:db8::7]", or, for all of them, '
            '"0.0.0.0" or "[::]".',
        ) from None
    return Address(host, int(number), str(ip))


def ip_of(text: str) -> IpAddress:
    """The address; an IPv4 address as such, where a socket for both families has it as `::ffff:192.0.2.1`, and none
    with a zone. Raises ValueError."""
    ip = ipaddress.ip_address(text.partition("%")[0])
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def is_ip(text: str) -> bool:
    """Whether that is an IP address, without brackets."""
    try:
        ip_of(text)
    except ValueError:
        return False
    return True


def parse_networks(texts: Iterable[str]) -> tuple[IpNetwork, ...]:
    """The networks of `server.trusted_proxies`: addresses, or networks as in "10.0.0.0/8". Raises ConfigError."""
    found = []
    for text in texts:
        try:
            found.append(_plain(ipaddress.ip_network(text)))
        except ValueError as error:
            why = "has bits beyond its mask" if "host bits" in str(error) else "is neither an address nor a network"
            hint = 'Write addresses or networks, such as ["127.0.0.1", "10.1.0.0/16"].'
            raise ConfigError(f"server.trusted_proxies: {shown(text)} {why}", hint) from None
    return tuple(found)


def _plain(network: IpNetwork) -> IpNetwork:
    """As `ip_of` has addresses: what `::ffff:10.0.0.0/104` covers are IPv4 addresses."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED))


def parse_names(texts: Iterable[str]) -> tuple[str, ...]:
    """The names of `server.allowed_hosts`, in small letters: `*.` in front stands for one label, as in a certificate.
    Raises ConfigError."""
    found = []
    for text in texts:
        name = text.lower()
        if not is_ip(name) and (not _NAME.match(name) or len(name) > 255):
            raise ConfigError(
                f"server.allowed_hosts: {shown(text)} is not the name of a host",
                'Write names without scheme and port, such as ["gofer.example.org", "*.lan.example.org"].',
            )
        found.append(str(ip_of(name)) if is_ip(name) else name)
    return tuple(found)


def covers(name: str, host: str) -> bool:
    """Whether `name`, of a certificate or of `server.allowed_hosts`, is that of `host`. Both in small letters."""
    if name.startswith("*."):
        label, _, rest = host.partition(".")
        return bool(label) and rest == name[2:]
    return name == host


def _is_loopback_text(text: str) -> bool:
    return is_ip(text) and ip_of(text).is_loopback
