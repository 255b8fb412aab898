"""The process that serves: its event loop, its signals, its beginning and its end."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal

from gofer.config.live import Live
from gofer.errors import ConfigError
from gofer.journal import is_journal, priority
from gofer.server import garbage, own_log
from gofer.server.app import Running, running
from gofer.server.limits.open_files import raise_limit, room_for_connections
from gofer.server.own_log import get_logger
from gofer.server.status_line import follow_status, status_line
from gofer.server.systemd import Systemd, open_sockets, take_over

Hangup = Literal["reload", "stop", "ignore"]

_SETTLED_AFTER = 1.0


def serve(live: Live, *, ready: Callable[[Running], None], hangup: Hangup = "reload") -> int:
    """Serve until SIGTERM or SIGINT; `ready` is called once the API answers. Returns the exit code.

    `hangup` is what SIGHUP does: have the configuration read again, stop as SIGTERM does, or nothing.
    Raises ConfigError when the start is refused.
    """
    import uvloop

    handed = take_over(os.environ, (os.getpid(), os.getppid()))
    prefix = priority if is_journal(sys.stderr, os.environ) else _no_prefix
    log = own_log.set_up(live.settings.log_level, live.settings.log_format, prefix)
    _open_files(live)
    systemd = Systemd(handed)
    if systemd.listens:
        # SIGABRT is how systemd ends a loop that hangs: the journal then says where it hung.
        faulthandler.enable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(live, ready, hangup, systemd, open_sockets(handed.sockets), log))


def _open_files(live: Live) -> None:
    raise_limit()
    settings = live.settings
    room = room_for_connections(settings.task_parallelism_limit)
    if room < settings.server.max_connections:
        get_logger("gofer").warning(
            "the limit of open files leaves room for fewer connections than server.max_connections",
            connections=room,
            hint="Raise it (`ulimit -n`, LimitNOFILE= in a unit of systemd), or lower server.max_connections.",
        )


async def _serve(
    live: Live,
    ready: Callable[[Running], None],
    hangup: Hangup,
    systemd: Systemd,
    sockets: list[socket.socket],
    own: own_log.OwnLog,
) -> int:
    log = get_logger("gofer")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    hung_up = asyncio.Event()
    if hangup != "ignore":
        loop.add_signal_handler(signal.SIGHUP, stop.set if hangup == "stop" else hung_up.set)
    try:
        async with _beside(systemd.keep_alive(), "systemd watchdog"), running(live, sockets, own) as server:
            ready(server)
            reloader = server.services.reloader
            reloader.on_begin = systemd.reloading
            reloader.on_end = lambda: systemd.ready(status_line(server.services))
            if hangup == "reload":
                if hung_up.is_set():  # while it started
                    reloader.request()
                loop.add_signal_handler(signal.SIGHUP, reloader.request)
            systemd.ready(status_line(server.services))
            if sockets:
                log.info("systemd opened the socket; server.host does not count", address=server.address)
            if systemd.listens:
                log.info("ready", address=server.address, storage=str(live.settings.server.storage_path))
            loop.call_later(_SETTLED_AFTER, garbage.settle)
            async with _beside(follow_status(server.services, systemd), "systemd status"):
                await stop.wait()
            log.info("stopping; containers go on")
            systemd.stopping(live.settings.server.shutdown_timeout / 1000)
    except* ConfigError as group:
        raise _first(group) from None
    return 0


def _no_prefix(_level: str) -> str:
    return ""


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """`work` as a task for as long as the body lasts."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _first(group: BaseExceptionGroup[ConfigError]) -> ConfigError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ConfigError)
    return error
