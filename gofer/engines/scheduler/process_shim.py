"""The shim of one attempt: keeps its command's output and exit status, and obeys whoever speaks for Gofer.

It outlives Gofer. Gofer talks to it in lines over a Unix socket: the one on which the job came, or any that is made to
the record's address later. Lines to the shim: `watch`, `terminate`, `kill`, `discard`, and `{"exec": …}` with the file
descriptors of its input and output. Lines from it: `started`, `output` (there is more), `ended <exit code>`, and to
the one that asked for an exec `started` or `failed <errno>`, then `exit <exit code>`. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
from collections.abc import Callable
from typing import NoReturn

from gofer.engines.scheduler.process_pump import Pump
from gofer.engines.scheduler.process_record import mark_ended
from gofer.engines.scheduler.process_spawn import (
    Program,
    exit_code,
    kill_children,
    kill_group,
    kill_session,
    spawn,
    spawn_session,
)

_READ = 65536
_STDIO = 3
_INT = struct.Struct("i")
_CREDENTIALS = struct.Struct("3i")


class Peer:
    """One connection. `session`: pid of the command that was started for it."""

    def __init__(self, connection: socket.socket, *, watches: bool = False) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.watches = watches
        self.session = 0
        self.buffer = b""
        self.fds: list[int] = []

    def send(self, line: bytes) -> None:
        """Never blocks: who does not read loses only wake-ups, and sees the end when the connection closes."""
        with contextlib.suppress(OSError):
            self.socket.send(line, socket.MSG_DONTWAIT)


class Shim:
    """Everything but the command is made before the job comes, as a fresh fork is slow at whatever it does first."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._poller = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._peers: tuple[Peer, ...] = ()
        self._record = -1
        self._command = 0
        self._exit_code: int | None = None
        output, errors = os.pipe(), os.pipe()
        self._given = (output[1], errors[1])
        self._pump = Pump((output[0], errors[0]), lambda: self._tell_watchers(b"output\n"))
        self._children = _child_pipe()
        self._watch(self._children, self._reap)

    def start(self, program: Program) -> None:
        """Start the command. Raises OSError."""
        self._program = program
        self._command = spawn(program, (0, *self._given))
        for fd in self._given:
            os.close(fd)

    def run(self, record: int, first: socket.socket) -> NoReturn:
        """Until the command and all that it started have ended and every byte of output is in the record.

        `first` is where the job came from.
        """
        self._listener.setblocking(False)
        self._watch(self._listener.fileno(), self._accept)
        self._join(Peer(first, watches=True))
        self._record = record
        self._pump.start(record, self._finish)
        while True:
            for fd, _ in self._poller.poll():
                handler = self._handlers.get(fd)
                if handler is not None:
                    handler()

    def _finish(self) -> NoReturn:
        mark_ended(self._record, self._exit_code or 0)
        self._tell_watchers(b"ended %d\n" % (self._exit_code or 0))
        os._exit(0)

    def _tell_watchers(self, line: bytes) -> None:
        for peer in self._peers:
            if peer.watches:
                peer.send(line)

    def _watch(self, fd: int, handler: Callable[[], None]) -> None:
        self._handlers[fd] = handler
        self._poller.register(fd, select.POLLIN)

    def _forget(self, fd: int) -> None:
        if self._handlers.pop(fd, None) is not None:
            self._poller.unregister(fd)

    # -- ends

    def _reap(self) -> None:
        """Hear of every child that has ended: the command, execs, and whatever lost its parent."""
        os.read(self._children, 4096)
        while (ended := _next_ended()) is not None:
            if ended == self._command:
                self._command_ended()
            else:
                self._report(ended, os.waitpid(ended, 0)[1])

    def _command_ended(self) -> None:
        """Like a container: when its command ends, everything in it ends."""
        # The command is not reaped yet, so the group's number cannot belong to anybody else.
        kill_group(self._command, signal.SIGKILL)
        _, status = os.waitpid(self._command, 0)
        self._exit_code = exit_code(status)
        self._reap_all()
        if self._pump.drain():
            self._finish()

    def _reap_all(self) -> None:
        """Kill and reap every descendant: as their subreaper this process inherits all that lose their parent."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    kill_children()
                    pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            self._report(pid, status)

    def _report(self, pid: int, status: int) -> None:
        for peer in self._peers:
            if peer.session == pid:
                peer.session = 0
                peer.send(b"exit %d\n" % exit_code(status))

    # -- peers

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            if _CREDENTIALS.unpack(raw)[1] in (0, os.geteuid()):
                self._join(Peer(connection))

    def _join(self, peer: Peer) -> None:
        self._peers = (*self._peers, peer)
        self._watch(peer.socket.fileno(), lambda: self._hear(peer))
        if peer.watches:
            peer.send(b"started\n")

    def _leave(self, peer: Peer) -> None:
        self._peers = tuple(other for other in self._peers if other is not peer)
        self._forget(peer.socket.fileno())
        peer.socket.close()
        _close_all(peer)
        if peer.session:
            kill_session(peer.session)

    def _hear(self, peer: Peer) -> None:
        try:
            data, fds = receive(peer.socket, _READ)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        peer.fds += fds
        if not data:
            self._leave(peer)
            return
        *lines, peer.buffer = (peer.buffer + data).split(b"\n")
        try:
            for line in lines:
                self._obey(peer, line)
        except Exception:
            # Nonsense from one peer must not cost the job.
            self._leave(peer)

    def _obey(self, peer: Peer, line: bytes) -> None:
        if line == b"watch":
            peer.watches = True
            peer.send(b"started\n")
        elif self._exit_code is not None:
            if line == b"discard":
                os._exit(0)
        elif line == b"terminate":
            kill_group(self._command, signal.SIGTERM)
        elif line == b"kill":
            kill_group(self._command, signal.SIGKILL)
        elif line == b"discard":
            kill_group(self._command, signal.SIGKILL)
            self._reap_all()
            os._exit(0)
        else:
            self._exec(peer, line)

    def _exec(self, peer: Peer, line: bytes) -> None:
        try:
            order = json.loads(line)
            stdio = peer.fds * 3 if order["terminal"] else peer.fds
            if len(stdio) != _STDIO:
                raise ValueError(stdio)
            program = self._program._replace(arguments=order["exec"])
            peer.session = spawn_session(program, stdio, terminal=order["terminal"])
        except OSError as error:
            peer.send(b"failed %d\n" % (error.errno or 0))
            return
        finally:
            _close_all(peer)
        peer.send(b"started\n")


def receive(connection: socket.socket, size: int) -> tuple[bytes, list[int]]:
    """Bytes and file descriptors, which no command inherits. Raises OSError."""
    # `socket.recv_fds` of Python 3.11 ignores its flags.
    space = socket.CMSG_SPACE(_STDIO * _INT.size)
    data, messages, _, _ = connection.recvmsg(size, space, socket.MSG_CMSG_CLOEXEC)
    fds: list[int] = []
    for level, kind, content in messages:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds += (number for (number,) in _INT.iter_unpack(content))
    return data, fds


def _child_pipe() -> int:
    """A pipe that becomes readable whenever a child ends."""
    ended, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return ended


def _next_ended() -> int | None:
    """Pid of a child that has ended and was not reaped yet."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return found.si_pid if found is not None else None


def _close_all(peer: Peer) -> None:
    for fd in peer.fds:
        os.close(fd)
    peer.fds = []
