"""The composition root: builds everything, lists the routes, owns the lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from gofer import __version__
from gofer.config.address import Address
from gofer.config.live import Live
from gofer.config.reach import reaches_beyond
from gofer.config.settings import Settings
from gofer.errors import Unavailable
from gofer.models.event import Kind
from gofer.server.api.host_names import HostNames
from gofer.server.api.peer import Peers
from gofer.server.api.tally import Tally
from gofer.server.auth.key import open_key
from gofer.server.backup.copy import sweep
from gofer.server.backup.layout import DATABASE, place_of
from gofer.server.backup.swap import finish_interrupted
from gofer.server.build import Front, Parts, build
from gofer.server.clock import Clock
from gofer.server.crash import crash_at
from gofer.server.engines import open_objects, open_scheduler, open_secrets
from gofer.server.external_listener import open_external
from gofer.server.gate import Gate
from gofer.server.listen import AddressInUse, inherited, listen
from gofer.server.logs.logs import Logs
from gofer.server.logs.thread import in_thread
from gofer.server.own_log import OwnLog, get_logger
from gofer.server.own_stores import require_own
from gofer.server.routes import application
from gofer.server.runs.access import TaskAccess
from gofer.server.runs.recover import Recovery
from gofer.server.runs.remove import Remover
from gofer.server.services import Services
from gofer.server.store import pipelines, run_tokens
from gofer.server.store.database import Database
from gofer.server.task_socket import TaskSocket
from gofer.server.tls import Tls, open_tls
from gofer.server.web import WebServer
from gofer.sqlite.lock import Lock

_TIDY_SECONDS = 5.0


class Running:
    """A server that runs: its services, its address, and the way to end it. `is_new`: it has no pipeline yet."""

    def __init__(self, services: Services, front: Front, *, is_new: bool) -> None:
        self.services = services
        self.is_new = is_new
        self._front = front

    @property
    def address(self) -> str:
        """The API's address as a URL."""
        return self.services.address

    @property
    def external_address(self) -> str:
        """That of external events; empty where there is none."""
        return self._front.external.url if self._front.external is not None else ""

    def stop(self) -> None:
        """Ask it to end. No container is stopped by that."""
        self._front.web.should_exit = True


@asynccontextmanager
async def running(
    live: Live, sockets: Sequence[socket.socket] = (), own_log: OwnLog | None = None, *, for_one_run: bool = False
) -> AsyncIterator[Running]:
    """A whole server, in this event loop, for as long as the context lasts; it is ready when the body begins.

    `sockets` listen already, and are served in place of `server.host`.

    It answers from the first moment on, if only that it is starting. Raises ConfigError for settings that cannot work.
    A background task that dies ends the context with its error. `own_log` is what the API shows of the server's log.
    `for_one_run`: it has no triggers, and a pipeline's subscriptions may name any.
    """
    settings = live.settings
    tls = open_tls(live)
    listeners, address = _listeners(settings, sockets)
    address = address.called(tls.names if tls is not None else ())
    if tls is not None:
        address = address._replace(scheme="https")
    async with AsyncExitStack() as stack:
        for listener in listeners:
            stack.callback(listener.close)
        tally, peers = Tally(), Peers(settings.server.trusted_proxies)
        external = open_external(settings, address.scheme, peers, tally)
        if external is not None:
            stack.callback(external.close)
        gate = _gate(live, listeners, tls, tally, peers)
        web = WebServer(gate, live, tls.context if tls is not None else None, tally.refusals)
        serving = asyncio.create_task(web.run_on(listeners), name="web server")
        stack.push_async_callback(_end, serving)
        await web.listens(serving)
        engine = await open_scheduler(settings, stack)
        where = place_of(settings)
        # Both may have many files to remove: the loop turns on, for who asks whether the server lives.
        await in_thread(partial(finish_interrupted, where))
        database = Database(where.database)
        await database.open()
        stack.push_async_callback(database.close)
        await in_thread(partial(sweep, where.taking))
        task_socket = TaskSocket(where.storage)
        stack.callback(task_socket.close)
        if (for_tasks := task_socket.open()) is not None:
            await web.serve_tasks(for_tasks)
        access = TaskAccess(task_socket, engine, open_key(where.storage))
        logs = Logs(settings.task_run_logs_dir, clock := Clock())
        await logs.open()
        stack.push_async_callback(logs.close)
        reached = crash_at(os.environ.get("GOFER_TEST_CRASH_AT", ""))
        secrets = await open_secrets(settings, stack, reached)
        objects = await open_objects(settings, stack)
        await require_own(database, where.database, secrets, objects)
        parts = Parts(live, clock, database, logs, engine, secrets, objects, own_log or OwnLog(), reached, for_one_run)
        async with _live(parts, Front(gate, web, address.url, serving, tls, access, tally, external)) as server:
            yield server


def _listeners(settings: Settings, sockets: Sequence[socket.socket]) -> tuple[list[socket.socket], Address]:
    if sockets:
        return list(sockets), inherited(sockets, settings)
    try:
        listener, address = listen(settings)
    except AddressInUse:
        # Most likely somebody starts Gofer a second time: then another port would not help.
        where = place_of(settings)
        Lock(where.storage / f"{DATABASE}.lock").check()
        raise
    return [listener], address


def _gate(live: Live, listeners: Sequence[socket.socket], tls: Tls | None, tally: Tally, peers: Peers) -> Gate:
    server = live.settings.server
    beyond = any(reaches_beyond(one.getsockname()[0]) for one in listeners)
    names = HostNames(server.allowed_hosts, beyond_loopback=beyond)
    if tls is not None:
        tls.on_change = names.serve
        names.serve(tls.names)
    live.follow({"server.trusted_proxies": peers.trust, "server.allowed_hosts": names.allow})
    return Gate(peers, names, lambda: None if live.settings.dev_mode else live.settings.server.hsts_max_age, tally)


async def _end(serving: asyncio.Task[None]) -> None:
    serving.cancel()
    await asyncio.wait([serving])


@asynccontextmanager
async def _live(parts: Parts, front: Front) -> AsyncIterator[Running]:
    built = await build(parts, front)
    services, recovery = built.services, built.recovery
    async with contextlib.aclosing(built.objects), asyncio.TaskGroup() as group:
        ready = asyncio.Event()
        tasks = [group.create_task(work, name=name) for name, work in built.side]
        tasks.append(group.create_task(built.launcher.run(ready), name="launcher"))
        await ready.wait()
        await _begin(services, recovery)
        built.smoke.open()
        is_new = await parts.database.read(pipelines.count) == 0
        swept = asyncio.Event()
        tasks.append(group.create_task(recovery.keep_swept(swept), name="sweep"))
        # Who waits for the start is told what the engine says of itself.
        await services.engine_watch.check()
        tasks.append(group.create_task(_outlive(front.serving), name="web server"))
        if services.is_unclaimed:
            hint = "On this machine, as root or as Gofer's own user: gofer service token bootstrap."
            get_logger("gofer").warning("no token was made yet, so nobody is served", hint=hint)
        served = application(services)
        front.gate.open(served.app, served.refused)
        services.triggers.supervisor.open()
        if front.external is not None:
            await front.external.serve(front.web, services)
        try:
            yield Running(services, front, is_new=is_new)
        finally:
            await _end_triggers(services)
            front.web.should_exit = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TIDY_SECONDS):
                    await _record(services, Kind.SERVER_STOPPING)
            await asyncio.wait([front.serving])
            with contextlib.suppress(Unavailable):
                await built.uses.write()
            await _tidy(swept, built.remover)
            for task in tasks:
                task.cancel()


async def _end_triggers(services: Services) -> None:
    """In production they go on, as containers do, and what happens until the next start is not missed. On one person's
    machine nothing is to stay behind."""
    supervisor = services.triggers.supervisor
    if services.settings.dev_mode:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * _TIDY_SECONDS):
                await supervisor.end_all(_TIDY_SECONDS)
    supervisor.end_connections()


async def _outlive(serving: asyncio.Task[None]) -> None:
    """Makes the death of the web server everybody's, though it was born before the task group."""
    await asyncio.shield(serving)


async def _tidy(swept: asyncio.Event, remover: Remover) -> None:
    """Remove the containers of ended attempts while there is time; what is left is swept at the next start."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TIDY_SECONDS):
            await swept.wait()
            await remover.drain()


async def _begin(services: Services, recovery: Recovery) -> None:
    await services.database.write_patiently(run_tokens.delete_of_ended_runs)
    # Before the first event of all.
    await services.triggers.install_base(is_new=services.database.last_seq == 0)
    await services.triggers.supervisor.begin()
    await _record(services, Kind.SERVER_STARTED)
    await recovery.recover()


async def _record(services: Services, kind: Kind) -> None:
    data = {"version": __version__, "engine": services.scheduler.name}
    at = services.clock.now()
    await services.database.write_patiently(lambda tx: tx.emit(kind, at, data=data))
