"""Who reaches the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer.checkup.finding import found
from gofer.config.address import parse_address, parse_names, parse_networks
from gofer.config.reach import check_reach, reach_doubts, reaches_beyond, speaks_https
from gofer.errors import ConfigError
from gofer.models.system import Check

if TYPE_CHECKING:
    from gofer.config.load import Configuration


def network(configuration: Configuration) -> Check:
    """Whether what the settings say of addresses, names and proxies is allowed, and whether it is wise."""
    settings = configuration.settings
    try:
        address = parse_address(settings.server.host)
        check_reach(address.ip, settings)
        parse_names(settings.server.allowed_hosts)
        parse_networks(settings.server.trusted_proxies)
    except ConfigError as error:
        return found("network", "error", f"The next start will fail: {error.message}.", error.hint)
    for key, message, hint in reach_doubts(settings):
        return found("network", "warning", f"{key}: {message}.", hint)
    if not reaches_beyond(address.ip):
        return found("network", "ok", f"{settings.server.host} is for programs and proxies of this machine.")
    how = "https" if speaks_https(settings) else "plain HTTP"
    return found("network", "ok", f"{settings.server.host} speaks {how} with whoever reaches this machine.")
