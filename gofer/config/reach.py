"""Who may reach the server: what dev mode, and the lack of TLS, forbid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gofer.config.address import Address, ip_of, parse_address, parse_networks
from gofer.errors import ConfigError

if TYPE_CHECKING:
    from gofer.config.settings import Settings

_BIND_ADDRESS = "server.host"

EXTERNAL_HOST = "external_events_api.host"
"""The setting that says where external events come in."""

_EXTERNAL_PORT = 8081


def check_reach(ip: str, settings: Settings, what: str = _BIND_ADDRESS) -> None:
    """Raises ConfigError for an address on which these settings forbid to listen. `what` names who wants to."""
    if ip_of(ip).is_loopback:
        return
    if settings.dev_mode:
        port = _EXTERNAL_PORT if what == EXTERNAL_HOST else 8080
        raise ConfigError(
            f"{what} is {ip}: dev mode asks nobody for a token, so it listens on loopback addresses only",
            f'For others than this machine set dev_mode = false (or start with --no-dev); else use "localhost:{port}".',
        )
    if not speaks_https(settings) and not settings.server.allow_plain_http:
        raise ConfigError(
            f"{what} is {ip}, and no certificate is configured: tokens and secrets would cross the network for "
            "everybody to read",
            "Set server.tls_cert_path and server.tls_key_path. Or, only behind a proxy that speaks https, on a network "
            "that you trust: server.allow_plain_http = true.",
        )


def external_address(settings: Settings) -> Address | None:
    """Where the server is to listen for external events; None: nowhere. Raises ConfigError."""
    external = settings.external_events_api
    return parse_address(external.host, EXTERNAL_HOST, _EXTERNAL_PORT) if external.enable else None


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
        external = external_address(settings)
        beyond = reaches_beyond(parse_address(server.host).ip) or (external and reaches_beyond(external.ip))
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
