"""The nursery: a small process that forks shims, each in a millisecond and ready before its job comes.

It lives as long as Gofer holds the other end of its standard input, a SOCK_SEQPACKET socket on which every message
brings one connection; the shim that takes it gets its job, a line of JSON, from there. What is under way does not need
the nursery any more. Standard library only, as every shim carries what is loaded here.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from gofer.engines.scheduler.process_record import Folders
from gofer.engines.scheduler.process_shim import Shim, receive
from gofer.engines.scheduler.process_spare import Spare, enter
from gofer.engines.scheduler.process_spawn import Identity, Program

SPARES = 2
_PAUSE = 0.1
# So that the one which has just got a job has the processor to itself.
_BREATH_MS = 3
_READ = 65536
_SUBREAPER = 36


def main(root: str) -> NoReturn:
    """Serve the Gofer at standard input until it is gone."""
    jobs = socket.socket(fileno=0)
    with open("/proc/sys/kernel/random/boot_id") as file:  # noqa: PTH123
        boot = file.read().strip()
    library = ctypes.CDLL(None, use_errno=True)
    os.umask(0o022)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    gc.disable()
    poller = select.poll()
    poller.register(jobs, 0)
    spares: list[int] = []
    while True:
        ready = poller.poll(None if len(spares) == SPARES else _BREATH_MS if spares else 0)
        if not ready:
            spares.append(_raise_spare(jobs, Folders(root), boot, library))
            poller.register(spares[-1], select.POLLIN)
        for fd, _ in ready:
            if fd == jobs.fileno():
                _leave(spares)
            poller.unregister(fd)
            spares.remove(fd)
            if not os.read(fd, 1):
                # It died without a job, so the next one may too.
                time.sleep(_PAUSE)
            os.close(fd)


def _leave(spares: list[int]) -> NoReturn:
    """Gofer is gone: end when every spare has cleared up, or has got a job after all."""
    for fd in spares:
        os.read(fd, 1)
    os._exit(0)


def _raise_spare(jobs: socket.socket, folders: Folders, boot: str, library: ctypes.CDLL) -> int:
    """Fork a shim that waits for a job; returns a pipe that has a byte once it got one, and ends if it dies before."""
    taken, take = os.pipe()
    while True:
        try:
            pid = os.fork()
            break
        except OSError:
            time.sleep(_PAUSE)
    if pid:
        os.close(take)
        return taken
    try:
        os.close(taken)
        _serve(jobs, take, Spare(folders, boot), library)
    finally:
        os._exit(1)


def _serve(jobs: socket.socket, take: int, spare: Spare, library: ctypes.CDLL) -> None:
    """The life of a shim."""
    os.setsid()
    library.prctl(_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    shim = Shim(spare.listener)
    with contextlib.suppress(OSError):
        spare.prepare()
    _rehearse()
    _, fds = receive(jobs, 1)
    if not fds:
        spare.discard()
        return
    os.write(take, b"1")
    os.close(take)
    os.dup2(nothing, 0)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fds[0])
    order = _read_order(connection)
    answer = b"ready\n"
    if order is not None:
        answer = _obey(order, connection, spare, shim)
    spare.discard()
    with contextlib.suppress(OSError):
        connection.send(answer)


def _read_order(connection: socket.socket) -> dict[str, Any] | None:
    """The job, or None if Gofer gave it up."""
    pieces: list[bytes] = []
    while not pieces or not pieces[-1].endswith(b"\n"):
        try:
            pieces.append(connection.recv(_READ))
        except OSError:
            return None
        if not pieces[-1]:
            return None
    order: dict[str, Any] = json.loads(b"".join(pieces))
    return order


def _obey(order: dict[str, Any], connection: socket.socket, spare: Spare, shim: Shim) -> bytes:
    """Do the job. Returns only what is to be answered when there is nothing to look after."""
    refusal = _claim(order, connection, spare) or _start(order, shim)
    if refusal is None:
        shim.run(spare.record, connection)
    return refusal


def _claim(order: dict[str, Any], connection: socket.socket, spare: Spare) -> bytes | None:
    try:
        spare.prepare()
        if "name" not in order:
            spare.probe()
            return b"ready\n"
        spare.hold()
        if _gone(connection):
            return b"gone\n"
        spare.claim(order)
    except FileExistsError:
        return b"exists\n"
    except OSError as error:
        return b"unavailable %d\n" % (error.errno or 0)
    return None


def _start(order: dict[str, Any], shim: Shim) -> bytes | None:
    identity = Identity(*order["identity"]) if order["identity"] else None
    program = Program(order["arguments"], order["environment"], identity, order["memory"])
    step = b"directory"
    try:
        enter(order["scratch"], order["directory"], identity)
        step = b"command"
        shim.start(program)
    except OSError as error:
        return b"failed %s %d\n" % (step, error.errno or 0)
    return None


def _gone(connection: socket.socket) -> bool:
    """Whether Gofer has given the job up, or died."""
    poller = select.poll()
    poller.register(connection, 0)
    return bool(poller.poll(0))


def _rehearse() -> None:
    """Touch what every job needs: the first touch after a fork copies the memory."""
    json.loads(json.dumps({"name": "x", "labels": {"a": "b"}, "arguments": ["true"], "memory": None}))
    poller = select.poll()
    poller.poll(0)


if __name__ == "__main__":
    main(sys.argv[1])
