"""The names under which the server may be called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gofer.config.address import covers, ip_of, is_ip, parse_names

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_HEX = frozenset("0123456789abcdef:.")
_REMEMBERED = 64


class Host(NamedTuple):
    """`name` in small letters, an IPv6 address without its brackets; `port` is empty where there is none."""

    name: str
    port: str


def parse_host(text: str) -> Host | None:
    """What stands in a Host header, or in an Origin behind its scheme; None for what is neither name nor address."""
    text = text.lower()
    if text.startswith("["):
        name, closed, rest = text[1:].partition("]")
        sound = bool(closed) and (not rest or rest[0] == ":") and _HEX.issuperset(name) and is_ip(name)
        port = rest[1:]
    else:
        name, _, port = text.partition(":")
        sound = bool(name) and _LETTERS.issuperset(name)
    if not sound or not (port == "" or (port.isascii() and port.isdigit() and len(port) <= 5)):
        return None
    return Host(name, port)


class HostNames:
    """`localhost` and loopback addresses; what `server.allowed_hosts` names; what the served certificate is for. A port
    does not count, as it may be forwarded.

    `beyond_loopback`: others than this machine reach the server. Then any address is fine as well, as it takes a name
    to point a browser from a page that it has loaded elsewhere to here (DNS rebinding).
    """

    def __init__(self, allowed: Sequence[str], *, beyond_loopback: bool) -> None:
        self._allowed = parse_names(allowed)
        self._served: tuple[str, ...] = ()
        self._beyond_loopback = beyond_loopback
        self._known: dict[str, bool] = {}

    def allow(self, names: Sequence[str]) -> None:
        """These are the setting's from now on. Raises ConfigError for what is no name."""
        self._allowed = parse_names(names)
        self._known = {}

    def serve(self, names: Sequence[str]) -> None:
        """These are the certificate's from now on."""
        self._served = tuple(name.lower() for name in names)
        self._known = {}

    def own(self, name: str) -> bool:
        """Whether the server is called that."""
        known = self._known.get(name)
        if known is None:
            known = self._judge(name)
            if len(self._known) < _REMEMBERED:
                self._known[name] = known
        return known

    def _judge(self, name: str) -> bool:
        try:
            ip = ip_of(name)
        except ValueError:
            return name == "localhost" or any(covers(one, name) for one in (*self._allowed, *self._served))
        if ip.is_loopback or str(ip) in self._allowed or str(ip) in self._served:
            return True
        return self._beyond_loopback and not ip.is_unspecified
