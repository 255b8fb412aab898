"""Who may reach the server: what dev mode, and the lack of TLS, forbid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gofer.config.address import ip_of, parse_address, parse_networks
from gofer.errors import ConfigError

if TYPE_CHECKING:
    from gofer.config.settings import Settings

_BIND_ADDRESS = "server.host"


def check_reach(ip: str, settings: Settings, what: str = _BIND_ADDRESS) -> None:
    """Raises ConfigError for an address on which these settings forbid to listen. `what` names who wants to."""
    if ip_of(ip).is_loopback:
        return
    if settings.dev_mode:
        raise ConfigError(
            f"{what} is {ip}: dev mode asks nobody for a token, so it listens on loopback addresses only",
            'For others than this machine set dev_mode = false (or start with --no-dev); else use "localhost:8080".',
        )
    if not speaks_https(settings) and not settings.server.allow_plain_http:
        raise ConfigError(
            f"{what} is {ip}, and no certificate is configured: tokens and secrets would cross the network for "
            "everybody to read",
            "Set server.tls_cert_path and server.tls_key_path. Or, only behind a proxy that speaks https, on a network "
            "that you trust: server.allow_plain_http = true.",
        )


def speaks_https(settings: Settings) -> bool:
    """Whether these settings make the server speak https."""
    return settings.server.tls_cert_path is not None or settings.server.dev_certificate


def reaches_beyond(ip: str) -> bool:
    """Whether others than this machine can connect to that address."""
    return not ip_of(ip).is_loopback


def reach_doubts(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Setting, message and hint for what is allowed, and seldom meant."""
    server = settings.server
    try:
        beyond = reaches_beyond(parse_address(server.host).ip)
        trusted = parse_networks(server.trusted_proxies)
    except ConfigError:  # `faults` says it
        return
    plain = not speaks_https(settings)
    if server.allow_plain_http and beyond and plain:
        message = "tokens and secrets cross the network unencrypted between the proxy and this server"
        yield (
            "server.allow_plain_http",
            message,
            "Keep everybody else off that network, or give the server a certificate.",
        )
        if not trusted:
            message = "is empty: to the audit and the rate limits every client has the proxy's address"
            yield "server.trusted_proxies", message, "Name the proxy's address."
    if server.allow_plain_http and not (beyond and plain):
        yield "server.allow_plain_http", "has no effect: nothing is listened on that needs it", "Remove it."
    for network in trusted:
        if network.prefixlen == 0:
            message = f"{network} is everybody: whoever connects may claim any address"
            yield "server.trusted_proxies", message, "Name the proxies' addresses only."
