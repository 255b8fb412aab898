"""What systemd is told of this process, and what it hands to it.

The protocols are those of sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3). In the one-file program the
process that systemd started is this one's parent, which only unpacks and waits: its number counts as ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import MutableMapping
from dataclasses import dataclass

from gofer.errors import ConfigError

_FIRST_FD = 3
_TICK = 10.0
_PATIENCE = 30.0
_MARGIN = 15.0
_SEND_TIMEOUT = 0.5


@dataclass
class Handed:
    """What the environment brought: where to send notifications (empty: nobody listens), how many seconds the watchdog
    waits for a sign of life (0: there is none), and how many sockets were opened for us."""

    address: str = ""
    watchdog: float = 0.0
    sockets: int = 0


def take_over(environ: MutableMapping[str, str], processes: tuple[int, ...]) -> Handed:
    """Read systemd's variables and remove them, so that no child takes them for its own.

    `processes`: the numbers that may be meant by them, this process's and its parent's.
    """

    def mine(name: str) -> bool:
        text = environ.pop(name, "")
        return not text or (text.isascii() and text.isdigit() and int(text) in processes)

    def number(name: str) -> int:
        text = environ.pop(name, "")
        return int(text) if text.isascii() and text.isdigit() else 0

    address = environ.pop("NOTIFY_SOCKET", "")
    watchdog, sockets = number("WATCHDOG_USEC"), number("LISTEN_FDS")
    named = "LISTEN_PID" in environ
    environ.pop("LISTEN_FDNAMES", None)
    watched, listening = mine("WATCHDOG_PID"), mine("LISTEN_PID")
    return Handed(
        address=address if address[:1] in ("/", "@") else "",
        watchdog=watchdog / 1e6 if watched else 0.0,
        sockets=sockets if named and listening else 0,
    )


def open_sockets(count: int) -> list[socket.socket]:
    """The listening sockets that systemd opened for this process. Raises ConfigError for one that cannot be served."""
    found: list[socket.socket] = []
    for fd in range(_FIRST_FD, _FIRST_FD + count):
        os.set_inheritable(fd, False)
        one = socket.socket(fileno=fd)
        found.append(one)
        if one.family not in (socket.AF_INET, socket.AF_INET6) or one.type != socket.SOCK_STREAM:
            raise ConfigError(
                f"systemd handed over a socket that is not TCP ({one.family.name}, {one.type.name})",
                "In gofer.socket write ListenStream= with address and port, such as 127.0.0.1:8080.",
            )
        if not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ConfigError("systemd handed over a connection", "In gofer.socket write Accept=no.")
        one.setblocking(False)
    return found


class Systemd:
    """The line to systemd. Every method does nothing where nobody listens, and never fails."""

    def __init__(self, handed: Handed) -> None:
        self._handed = handed
        self._ready = False
        self._last_status = ""

    @property
    def listens(self) -> bool:
        """Whether systemd wants to hear of this process."""
        return bool(self._handed.address)

    @property
    def watches(self) -> bool:
        """Whether systemd ends this process when it gives no sign of life."""
        return self.listens and self._handed.watchdog > 0

    def ready(self, status: str) -> None:
        """The start, or a reload, is done."""
        self._ready = True
        self._last_status = status
        self._send("READY=1", f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """The settings are read again; `ready` says when that is done."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, seconds: float) -> None:
        """The end has begun and may take that long."""
        self._send("STOPPING=1", "STATUS=stopping; containers go on", _extend(seconds + _MARGIN))

    def status(self, text: str) -> None:
        """One line about what the server does; sent if it is new."""
        if text != self._last_status:
            self._last_status = text
            self._send(f"STATUS={_line(text)}")

    async def keep_alive(self) -> None:
        """Give signs of life for as long as the event loop turns. Until `ready` each gives the start more time."""
        pause = min(_TICK, self._handed.watchdog / 3) if self.watches else _TICK
        while self.listens:
            if self._ready:
                self._send("WATCHDOG=1")
            else:
                self._send("WATCHDOG=1", _extend(_PATIENCE))
            await asyncio.sleep(pause)

    def _send(self, *lines: str) -> None:
        if not self._handed.address:
            return
        address = self._handed.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            # A systemd that is busy with itself holds nobody up for longer.
            line.settimeout(_SEND_TIMEOUT)
            line.connect("\0" + address[1:] if address.startswith("@") else address)
            line.send("\n".join(lines).encode(errors="backslashreplace"))


def _extend(seconds: float) -> str:
    return f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}"


def _line(text: str) -> str:
    return " ".join(text.split())
