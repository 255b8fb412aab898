"""A body of any size to the server, in constant memory, while its answer is listened for.

`http.client` listens only when all is sent. A server that refuses early would then be a broken pipe, or would have to
take in gigabytes for nothing.
"""

from __future__ import annotations

import hashlib
import io
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from gofer.client.address import Address, Server
from gofer.client.answers import Untrusted, error_of, unreachable
from gofer.client.connection import new_connection
from gofer.client.http import TRIES, common_headers
from gofer.client.plain_http import HTTPConnection, HTTPException, HTTPResponse
from gofer.errors import ClientError
from gofer.models.units import format_size

PATIENCE = 300.0
"""Seconds for which neither side may be silent: the server may have to bring much to its disk before it answers."""

_CONNECT = 30.0
_LAST_WORDS = 5.0
# What ssl raises where a socket that must not wait would have to; by name, as ssl is only imported for https.
_LATER = frozenset({"SSLWantReadError", "SSLWantWriteError"})


class Body(Protocol):
    """What is uploaded."""

    @property
    def repeatable(self) -> bool:
        """Whether it can be read from its beginning again: a file can, a pipe cannot."""

    def read(self) -> tuple[int | None, Iterator[bytes]]:
        """The size in bytes, None where nobody knows, and the pieces from the beginning on, none of them empty.

        What they raise ends the upload, and the server keeps nothing of it. Not OSError: that is the connection's.
        """


class Sent(NamedTuple):
    """`answer` is what the server said; `digest` the SHA-256 (hexadecimal) of what was sent."""

    answer: bytes
    digest: str


def upload(
    server: Server, target: str, body: Body, headers: Mapping[str, str], progress: Callable[[int], None]
) -> Sent:
    """PUT `body` to `target`: to be used where doing it twice comes to the same as doing it once.

    `progress` is told how many bytes are sent so far. A dropped connection is tried anew if the body is `repeatable`.
    Raises ClientError: the server's own, also where it refuses before all is sent, or one that says how far it came.
    """
    turn, first = 1, None
    while True:
        attempt = _Attempt(server, target, progress)
        try:
            return attempt.run(body, headers)
        except (OSError, HTTPException) as error:
            # That of the first try tells more: a server that has died lets nobody connect any more.
            first = first or attempt.failure(error)
            dropped = isinstance(error, HTTPException | ConnectionResetError | BrokenPipeError)
            if not dropped or not body.repeatable or turn == TRIES:
                raise first from None
        finally:
            attempt.close()
        time.sleep(0.1 * (turn - 1))
        turn += 1


class _Attempt:
    """One try, on a connection of its own: one that was kept may have been dropped without a sign."""

    def __init__(self, server: Server, target: str, progress: Callable[[int], None]) -> None:
        self._server = server
        self._target = target
        self._progress = progress
        self._connection = new_connection(server, _CONNECT)
        self._hash = hashlib.sha256()
        self._sent = 0
        self._complete = False

    def run(self, body: Body, headers: Mapping[str, str]) -> Sent:
        size, pieces = body.read()
        wire = self._begin({**common_headers(self._server), **headers}, size)
        try:
            self._send(wire, pieces, chunked=size is None)
        except (ConnectionResetError, BrokenPipeError):
            # It may have said why before it closed the connection.
            response = wire.response(_LAST_WORDS)
        else:
            response = wire.response(PATIENCE)
        answer = response.read()
        if response.status >= 300:
            raise error_of(response.status, response.headers.get("Content-Type", ""), answer, self._server.address)
        if not self._complete:
            raise ClientError(f"{self._server.address} answered with status {response.status} before it had everything")
        return Sent(answer, self._hash.hexdigest())

    def failure(self, error: Exception) -> ClientError:
        """The error to show for one of the connection's."""
        return _lost(self._server.address, error, self._sent, complete=self._complete)

    def close(self) -> None:
        self._connection.close()

    def _begin(self, headers: Mapping[str, str], size: int | None) -> _Wire:
        connection = self._connection
        connection.putrequest("PUT", self._target)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader(*(("Transfer-Encoding", "chunked") if size is None else ("Content-Length", str(size))))
        connection.endheaders()
        return _Wire(connection)

    def _send(self, wire: _Wire, pieces: Iterator[bytes], *, chunked: bool) -> None:
        """Send all, or until the server has begun to answer."""
        self._progress(0)
        for piece in pieces:
            self._hash.update(piece)
            if not wire.send(_chunk(piece) if chunked else piece):
                return
            self._sent += len(piece)
            self._progress(self._sent)
        self._complete = not chunked or wire.send(b"0\r\n\r\n")


class _Wire:
    """A connection that hears the answer while it sends."""

    def __init__(self, connection: HTTPConnection) -> None:
        sock: socket.socket = connection.sock
        self._sock = sock
        self._sock.setblocking(False)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN | select.POLLOUT)
        self._first = b""

    def send(self, data: bytes) -> bool:
        """Whether all of it was sent; if not, the answer has begun. Raises TimeoutError when nothing moves."""
        view = memoryview(data)
        while view:
            events = self._poll.poll(PATIENCE * 1000)
            if not events:
                raise TimeoutError
            if events[0][1] & ~select.POLLOUT and self._answers():
                return False
            try:
                view = view[self._sock.send(view) :]
            except OSError as error:
                if not _is_later(error):
                    raise
        return True

    def response(self, patience: float) -> HTTPResponse:
        """The answer, its body still unread. `patience`: seconds to wait for each part of it."""
        self._sock.settimeout(patience)
        # As `HTTPConnection.getresponse` makes it, but for the byte that was read already.
        response = HTTPResponse(_Primed(self._sock, self._first), method="PUT")  # type: ignore[arg-type]  # has makefile
        response.begin()
        return response

    def _answers(self) -> bool:
        """What can be read need not be an answer: TLS has messages of its own."""
        try:
            self._first = self._sock.recv(1)
        except OSError as error:
            if _is_later(error):
                return False
            raise
        if not self._first:
            raise ConnectionResetError("the server closed the connection")
        return True


class _Primed(io.RawIOBase):
    """A socket whose first byte was read already, as `HTTPResponse` wants it."""

    def __init__(self, sock: socket.socket, first: bytes) -> None:
        super().__init__()
        self._sock = sock
        self._first = first

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands over
        if self._first:
            buffer[:1], self._first = self._first, b""
            return 1
        return self._sock.recv_into(buffer)


def _chunk(piece: bytes) -> bytes:
    """RFC 9112, section 7.1."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _is_later(error: OSError) -> bool:
    return isinstance(error, BlockingIOError) or type(error).__name__ in _LATER


def _lost(address: Address, error: Exception, sent: int, *, complete: bool) -> ClientError:
    plain = unreachable(address, error)
    if isinstance(plain, Untrusted):
        return plain
    if complete:
        message = f"the server at {address} was sent everything, and has not answered: {_reason(error)}"
        return ClientError(message, "Whether it was kept is not known. Look for it, or send it again.")
    if not sent:
        return ClientError(plain.message, plain.hint)
    message = f"the connection to the server at {address} broke after {format_size(sent)}: {_reason(error)}"
    hint = "Nothing was kept. See that the server runs (`gofer service info`), then send it again."
    return ClientError(message, hint)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it was silent for too long"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
