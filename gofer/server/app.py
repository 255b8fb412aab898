"""The composition root: builds everything, lists the routes, owns the lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from gofer import __version__
from gofer.config.address import Address
from gofer.config.encryption_keys import encryption_keys
from gofer.config.live import Live
from gofer.config.settings import Settings
from gofer.engines.object_store.base import ObjectStore
from gofer.engines.registry import object_store, scheduler, secret_store
from gofer.engines.scheduler.base import Scheduler
from gofer.engines.secret_store.base import SecretStore
from gofer.errors import ConfigError, EngineUnavailable
from gofer.models.event import Kind
from gofer.server.auth.key import open_key
from gofer.server.backup.copy import sweep
from gofer.server.backup.layout import DATABASE, Place
from gofer.server.backup.settle import settle
from gofer.server.backup.swap import finish_interrupted
from gofer.server.backup.take import Backups
from gofer.server.clock import Clock
from gofer.server.crash import crash_at
from gofer.server.events.bus import Bus
from gofer.server.events.faults import FaultRecorder
from gofer.server.events.prune import Pruner
from gofer.server.gate import Gate
from gofer.server.listen import AddressInUse, inherited, listen
from gofer.server.logs.expire import Expiry
from gofer.server.logs.logs import Logs
from gofer.server.logs.mask_registry import MaskRegistry
from gofer.server.logs.thread import in_thread
from gofer.server.objects.build import build as object_parts
from gofer.server.own_log import OwnLog, set_level
from gofer.server.pipelines.namespaces import Namespaces
from gofer.server.pipelines.register import Pipelines
from gofer.server.reload import Reloader
from gofer.server.routes import application
from gofer.server.runs.access import TaskAccess
from gofer.server.runs.context import Context
from gofer.server.runs.engine_watch import EngineWatch
from gofer.server.runs.ingress import Ingress
from gofer.server.runs.launch import Launcher
from gofer.server.runs.plan import Plans
from gofer.server.runs.recover import Recovery
from gofer.server.runs.remove import Remover
from gofer.server.runs.service import Runs
from gofer.server.runs.slots import Slots
from gofer.server.runs.values import Values
from gofer.server.secrets.keys import renew_keys
from gofer.server.secrets.rotate import Rotator
from gofer.server.secrets.secrets import Secrets
from gofer.server.secrets.tidy import SecretTidier
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

    def __init__(self, services: Services, web: WebServer, *, is_new: bool) -> None:
        self.services = services
        self.is_new = is_new
        self._web = web

    @property
    def address(self) -> str:
        """The API's address as a URL."""
        return self.services.address

    def stop(self) -> None:
        """Ask it to end. No container is stopped by that."""
        self._web.should_exit = True


@asynccontextmanager
async def running(
    live: Live, sockets: Sequence[socket.socket] = (), own_log: OwnLog | None = None
) -> AsyncIterator[Running]:
    """A whole server, in this event loop, for as long as the context lasts; it is ready when the body begins.

    `sockets` listen already, and are served in place of `server.host`.

    It answers from the first moment on, if only that it is starting. Raises ConfigError for settings that cannot work.
    A background task that dies ends the context with its error. `own_log` is what the API shows of the server's log.
    """
    settings = live.settings
    tls = open_tls(live)
    listeners, address = _listeners(settings, sockets)
    if tls is not None:
        address = address._replace(scheme="https")
    async with AsyncExitStack() as stack:
        for listener in listeners:
            stack.callback(listener.close)
        gate = Gate(settings.server.host)
        web = WebServer(gate, settings.server, tls.context if tls is not None else None)
        serving = asyncio.create_task(web.run_on(listeners), name="web server")
        stack.push_async_callback(_end, serving)
        await web.listens(serving)
        engine = await _open_engine(settings, stack)
        place = _place(settings)
        # Both may have many files to remove: the loop turns on, for who asks whether the server lives.
        await in_thread(partial(finish_interrupted, place))
        database = Database(place.database)
        await database.open()
        stack.push_async_callback(database.close)
        await in_thread(partial(sweep, place.taking))
        task_socket = TaskSocket(place.storage)
        stack.callback(task_socket.close)
        if (for_tasks := task_socket.open()) is not None:
            await web.serve_tasks(for_tasks)
        access = TaskAccess(task_socket, engine, open_key(place.storage))
        logs = Logs(settings.task_run_logs_dir, clock := Clock())
        await logs.open()
        stack.push_async_callback(logs.close)
        reached = crash_at(os.environ.get("GOFER_TEST_CRASH_AT", ""))
        secrets = await _open_secrets(settings, stack, reached)
        objects = await _open_objects(settings, stack)
        parts = Parts(live, clock, database, logs, engine, secrets, objects, own_log or OwnLog(), reached)
        async with _live(parts, Front(gate, web, address.url, serving, tls, access)) as server:
            yield server


def _listeners(settings: Settings, sockets: Sequence[socket.socket]) -> tuple[list[socket.socket], Address]:
    if sockets:
        return list(sockets), inherited(sockets)
    try:
        listener, address = listen(settings.server.host)
    except AddressInUse:
        # Most likely somebody starts Gofer a second time: then another port would not help.
        place = _place(settings)
        Lock(place.storage / f"{DATABASE}.lock").check()
        raise
    return [listener], address


def _place(settings: Settings) -> Place:
    return Place(settings.server.storage_path, settings.task_run_logs_dir)


@dataclass
class Parts:
    """What was opened before anything could run."""

    live: Live
    clock: Clock
    database: Database
    logs: Logs
    engine: Scheduler
    secrets: SecretStore
    objects: ObjectStore
    own_log: OwnLog
    reached: Callable[[str], None]


@dataclass
class Front:
    """What of the server meets the network."""

    gate: Gate
    web: WebServer
    url: str
    serving: asyncio.Task[None]
    tls: Tls | None
    access: TaskAccess


async def _end(serving: asyncio.Task[None]) -> None:
    serving.cancel()
    await asyncio.wait([serving])


@asynccontextmanager
async def _live(parts: Parts, front: Front) -> AsyncIterator[Running]:
    live, clock, database, logs, engine = parts.live, parts.clock, parts.database, parts.logs, parts.engine
    settings = live.settings
    bus = Bus(database)
    database.on_commit = bus.publish
    faults = FaultRecorder(database, clock)
    database.on_fault, logs.on_fault = faults.of_store, faults.of_logs
    watch = EngineWatch(engine, database, clock)
    remover = Remover(engine, watch)
    ingress = Ingress(database, clock, closed_by_setting=settings.ignore_pipeline_run_events)
    slots = Slots(settings.task_parallelism_limit)
    secrets = Secrets(parts.secrets, database, clock)
    objects = object_parts(database, parts.objects, clock, live, parts.reached, faults.of_objects)
    masks = MaskRegistry()
    parts.own_log.mask = masks.text
    values = Values(secrets, objects.service, masks)
    context = Context(
        live, clock, database, engine, watch, ingress, logs, Plans(), slots, values, remover, front.url, front.access,
        parts.reached,
    )  # fmt: skip
    await settle(database, settings.task_run_logs_dir, clock)
    expiry = Expiry(database, logs, clock, settings.task_run_log_expiry)
    await expiry.open()
    launcher = Launcher(context, [expiry.notice, objects.expiry.notice])
    ingress.on_change = lambda: launcher.queue.hold(ingress.closed)
    await ingress.load()
    recovery = Recovery(context, launcher)
    tidier = SecretTidier(parts.secrets, database, clock)
    secrets.on_retired = tidier.notice
    reloader = Reloader(live, database, clock, front.tls)
    reloader.prepare = lambda new: renew_keys(parts.secrets, live.settings, new, os.environ)
    services = Services(
        live=live,
        clock=clock,
        database=database,
        bus=bus,
        namespaces=Namespaces(database, clock),
        pipelines=Pipelines(database, clock),
        runs=Runs(context, launcher),
        secrets=secrets,
        secret_rotator=Rotator(parts.secrets, database, clock),
        secret_tidier=tidier,
        objects=objects.service,
        object_watch=objects.watch,
        logs=logs,
        scheduler=engine,
        engine_watch=watch,
        ingress=ingress,
        backups=Backups(_place(settings), database, clock),
        own_log=parts.own_log,
        reloader=reloader,
        connections=lambda: len(front.web.server_state.connections),
        address=front.url,
        started_at=clock.now(),
    )
    pruner = Pruner(database, clock, settings.event_log_retention, settings.event_prune_interval)
    live.follow(
        {
            "log_level": set_level,
            "event_log_retention": pruner.set_retention,
            "event_prune_interval": pruner.set_interval,
            "ignore_pipeline_run_events": ingress.set_setting,
            "run_parallelism_limit": launcher.queue.set_limit,
            "task_parallelism_limit": slots.set_limit,
            "task_run_log_expiry": expiry.set_keep,
            **objects.followers(),
        }
    )
    side: list[tuple[str, Coroutine[Any, Any, object]]] = [
        ("engine watch", watch.run()),
        ("remover", remover.run()),
        ("log expiry", expiry.run()),
        ("event pruner", pruner.run()),
        ("fault recorder", faults.run()),
        ("reloader", reloader.run()),
        ("ingress", ingress.run()),
        ("secret tidier", tidier.run()),
        *objects.tasks(),
    ]
    async with contextlib.aclosing(objects), asyncio.TaskGroup() as group:
        ready = asyncio.Event()
        tasks = [group.create_task(work, name=name) for name, work in side]
        tasks.append(group.create_task(launcher.run(ready), name="launcher"))
        await ready.wait()
        await _begin(services, recovery)
        is_new = await database.read(pipelines.count) == 0
        swept = asyncio.Event()
        tasks.append(group.create_task(recovery.keep_swept(swept, _prune_interval(settings)), name="sweep"))
        # Who waits for the start is told what the engine says of itself.
        await watch.check()
        tasks.append(group.create_task(_outlive(front.serving), name="web server"))
        front.gate.open(application(services))
        try:
            yield Running(services, front.web, is_new=is_new)
        finally:
            front.web.should_exit = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TIDY_SECONDS):
                    await _record(services, Kind.SERVER_STOPPING)
            await asyncio.wait([front.serving])
            await _tidy(swept, remover)
            for task in tasks:
                task.cancel()


async def _outlive(serving: asyncio.Task[None]) -> None:
    """Makes the death of the web server everybody's, though it was born before the task group."""
    await asyncio.shield(serving)


def _prune_interval(settings: Settings) -> int | None:
    docker = settings.scheduler.docker
    return docker.prune_interval if docker.prune else None


async def _tidy(swept: asyncio.Event, remover: Remover) -> None:
    """Remove the containers of ended attempts while there is time; what is left is swept at the next start."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TIDY_SECONDS):
            await swept.wait()
            await remover.drain()


async def _begin(services: Services, recovery: Recovery) -> None:
    await services.database.write_patiently(run_tokens.delete_of_ended_runs)
    await _record(services, Kind.SERVER_STARTED)
    await recovery.recover()


async def _record(services: Services, kind: Kind) -> None:
    data = {"version": __version__, "engine": services.scheduler.name}
    at = services.clock.now()
    await services.database.write_patiently(lambda tx: tx.emit(kind, at, data=data))


async def _open_secrets(settings: Settings, stack: AsyncExitStack, reached: Callable[[str], None]) -> SecretStore:
    keys = encryption_keys(settings, os.environ)
    chosen = settings.secret_store
    store = secret_store(chosen.engine, chosen, settings.server.storage_path, keys, reached)
    await store.open()
    stack.push_async_callback(store.close)
    return store


async def _open_objects(settings: Settings, stack: AsyncExitStack) -> ObjectStore:
    chosen = settings.object_store
    store = object_store(chosen.engine, chosen, settings.server.storage_path)
    await store.open()
    stack.push_async_callback(store.close)
    return store


async def _open_engine(settings: Settings, stack: AsyncExitStack) -> Scheduler:
    """The engine that the settings name; `auto` takes Docker if it answers, else plain processes."""
    wanted = settings.scheduler.engine
    if wanted == "auto":
        docker = scheduler("docker", settings.scheduler, settings.server.storage_path)
        await docker.open()
        try:
            await docker.check()
        except EngineUnavailable:
            await docker.close()
            wanted = "process"
        else:
            stack.push_async_callback(docker.close)
            return docker
    if wanted == "process":
        _check_process_engine(settings)
    engine = scheduler(wanted, settings.scheduler, settings.server.storage_path)
    await engine.open()
    stack.push_async_callback(engine.close)
    return engine


def _check_process_engine(settings: Settings) -> None:
    if not settings.dev_mode and not settings.allow_process_engine:
        raise ConfigError(
            "no container engine answers, and plain processes isolate nothing: outside dev mode that is refused",
            "Start Docker, or set allow_process_engine = true if every pipeline of this server is trusted.",
        )
