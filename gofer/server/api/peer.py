"""Who is at the other end of a connection, also where a proxy stands between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from starlette.types import Scope

from gofer.config.address import IpAddress, ip_of, parse_networks
from gofer.server.api.task_door import TASK_SOCKET

PEER: Final = "gofer.peer"
"""Stands in the scope of every request: its `Peer`."""

OF_TASKS: Final = "task socket"
"""The address of what comes in through the tasks' socket."""

_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_OF_PROXIES = frozenset({_FOR, _PROTO, b"x-forwarded-host", b"x-forwarded-port", b"x-real-ip", b"forwarded", b"via"})
_SECURE = frozenset({b"https", b"wss"})
_REMEMBERED = 256


class Peer(NamedTuple):
    """`address`: the client's IP address, without port or zone; "task socket" for a task, an empty text where nobody
    can tell. `secure`: the client's connection is encrypted, up to here or up to a trusted proxy. `is_loopback`: it
    comes from this very machine, straight, as far as that can be told: no header says that a proxy was between.
    """

    address: str
    secure: bool
    is_loopback: bool


class Peers:
    """Tells them. `trusted_proxies` as in the setting `server.trusted_proxies`: what these say of a client is believed,
    what anybody else says is not."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted = parse_networks(trusted_proxies)
        self._known: dict[str, tuple[str, bool, bool]] = {}

    def trust(self, trusted_proxies: Sequence[str]) -> None:
        """From now on believe these. Raises ConfigError for what is no address."""
        self._trusted = parse_networks(trusted_proxies)
        self._known = {}

    def of(self, scope: Scope) -> Peer:
        """Of a request or websocket, as ASGI describes it. Nothing that stands in its headers raises."""
        if TASK_SOCKET in scope:
            return Peer(OF_TASKS, secure=False, is_loopback=False)
        client = scope.get("client")
        address, is_loopback, trusted = self._look_up(client[0] if client else "")
        secure = scope["scheme"] in ("https", "wss")
        said = [(name, value) for name, value in scope["headers"] if name in _OF_PROXIES]
        if said:
            is_loopback = False
            if trusted:
                address = self._farthest(address, said)
                secure = secure or _last(said, _PROTO).lower() in _SECURE
        return Peer(address, secure, is_loopback)

    def _look_up(self, host: str) -> tuple[str, bool, bool]:
        """Its address, whether that is loopback, and whether it is trusted."""
        known = self._known.get(host)
        if known is None:
            ip = _ip(host)
            known = ("", False, False) if ip is None else (str(ip), ip.is_loopback, self._is_trusted(ip))
            if len(self._known) < _REMEMBERED:
                self._known[host] = known
        return known

    def _is_trusted(self, ip: IpAddress) -> bool:
        return any(ip.version == network.version and ip in network for network in self._trusted)

    def _farthest(self, address: str, said: Iterable[tuple[bytes, bytes]]) -> str:
        """From the proxy nearest to us outwards, the first address that is not a trusted proxy's.

        Each proxy appends whom it was called by, so what stands left of that may be the client's invention.
        """
        chain = b",".join(value for name, value in said if name == _FOR)
        for part in reversed(chain.split(b",")) if chain else ():
            ip = _ip(_without_port(part.strip().decode("latin-1")))
            if ip is None:
                break
            address = str(ip)
            if not self._is_trusted(ip):
                break
        return address


def peer_of(scope: Scope) -> Peer:
    """The peer that stands in the scope of a request."""
    peer: Peer = scope[PEER]
    return peer


def _last(said: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    """The last value of a header that lists some: that of the nearest proxy."""
    return b",".join(value for name, value in said if name == wanted).rpartition(b",")[2].strip()


def _without_port(text: str) -> str:
    """Some proxies write `192.0.2.1:4711` or `[2001:db8::1]:4711`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _ip(text: str) -> IpAddress | None:
    try:
        return ip_of(text)
    except ValueError:
        return None
