"""Where the API listens."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from gofer.config.address import Address, parse_address
from gofer.config.reach import EXTERNAL_HOST, check_reach, external_address
from gofer.config.settings import Settings
from gofer.errors import ConfigError


def listen(settings: Settings) -> tuple[socket.socket, Address]:
    """A socket that listens on `server.host`; port 0 picks a free one. Raises ConfigError with one clear line."""
    wanted = parse_address(settings.server.host)
    check_reach(wanted.ip, settings)
    return _listen(wanted, "--host {}")


def listen_for_external(settings: Settings) -> tuple[socket.socket, Address] | None:
    """The same on `external_events_api.host`; None: these settings want no external events."""
    wanted = external_address(settings)
    if wanted is None:
        return None
    check_reach(wanted.ip, settings, EXTERNAL_HOST)
    return _listen(wanted, f'{EXTERNAL_HOST} = "{{}}"')


def _listen(wanted: Address, how: str) -> tuple[socket.socket, Address]:
    listener = socket.socket(socket.AF_INET6 if ":" in wanted.ip else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((wanted.ip, wanted.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _cannot_listen(wanted, error, how) from error
    listener.setblocking(False)
    return listener, wanted._replace(port=listener.getsockname()[1])


def inherited(sockets: Sequence[socket.socket], settings: Settings) -> Address:
    """Where sockets listen that somebody else has opened. Raises ConfigError for one that the settings forbid."""
    names = [one.getsockname() for one in sockets]
    for name in names:
        check_reach(name[0], settings, "the socket that systemd opened")
    return Address(names[0][0], names[0][1], names[0][0])


class AddressInUse(ConfigError):
    """Another program listens there."""


def _cannot_listen(wanted: Address, error: OSError, how: str) -> ConfigError:
    text = wanted.url.partition("://")[2]
    if error.errno == errno.EADDRINUSE:
        other = wanted._replace(port=wanted.port % 65535 + 1).url.partition("://")[2]
        return AddressInUse(
            f"{text} is in use by another program", f"Stop that program, or choose another port: {how.format(other)}."
        )
    hint = f"Choose another address with {how.partition(' ')[0]}."
    return ConfigError(f"cannot listen on {text}: {error.strerror}", hint)
