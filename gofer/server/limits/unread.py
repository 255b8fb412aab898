"""Whether the other side of a connection takes what it is sent."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios

# struct tcp_info of linux/tcp.h: tcpi_bytes_acked is in it since Linux 4.1.
_BYTES_ACKED = 120
_TCP_INFO_SIZE = 128


class Unread:
    """What one connection was sent, and its reader leaves lying."""

    def __init__(self) -> None:
        self._taken: int | None = None
        self._since = 0.0

    def stalled(self, transport: asyncio.Transport, now: float, timeout: float) -> bool:
        """Whether there is something to send, and the reader has taken none of it for `timeout` seconds. To be asked
        again and again; `now` is the loop's time.
        """
        waiting = transport.get_write_buffer_size()
        if waiting == 0:
            self._taken = None
            return False
        taken = _taken(transport, waiting)
        if taken != self._taken:
            self._taken, self._since = taken, now
            return False
        return now - self._since >= timeout


def _taken(transport: asyncio.Transport, waiting: int) -> int:
    """A number that changes whenever the reader has taken something."""
    connection = transport.get_extra_info("socket")
    try:
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
            (acknowledged,) = struct.unpack_from("=Q", info, _BYTES_ACKED)
            return int(acknowledged)
        # A unix socket does not count; but what waits grows to the high-water mark at most, and then shrinks or stays.
        (unread,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))
        return waiting + int(unread)
    except (OSError, ValueError, struct.error):
        return waiting  # closed by now, or a kernel that does not say
