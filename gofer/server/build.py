"""Building everything that lives as long as the server from what has been opened."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gofer.config.live import Live
from gofer.engines.object_store.base import ObjectStore
from gofer.engines.secret_store.base import SecretStore
from gofer.models.event import Event
from gofer.server.api.tally import Tally
from gofer.server.audit.record import Auditor
from gofer.server.audit.refused import RefusedAttempts
from gofer.server.auth.bootstrap import Bootstrapper
from gofer.server.auth.expire import TokenExpiry
from gofer.server.auth.manage import Tokens
from gofer.server.auth.registry import Registry
from gofer.server.auth.roles import Roles
from gofer.server.auth.sessions import Sessions
from gofer.server.auth.tokens import hide_tokens
from gofer.server.auth.uses import TokenUses
from gofer.server.backup.layout import place_of
from gofer.server.backup.settle import settle
from gofer.server.backup.take import Backups, ObjectSource
from gofer.server.built_ins import BuiltIns
from gofer.server.clock import Clock
from gofer.server.common_tasks.install import CommonTasks
from gofer.server.common_tasks.provide import Provider
from gofer.server.deployments.deploy import Deployments
from gofer.server.deployments.figures import Comparisons
from gofer.server.deployments.smoke import SmokeSteward
from gofer.server.events.bus import Bus
from gofer.server.events.faults import FaultRecorder
from gofer.server.events.prune import Pruner
from gofer.server.external_listener import ExternalListener
from gofer.server.gate import Gate
from gofer.server.limits.failures import Failures
from gofer.server.logs.expire import LogExpiry
from gofer.server.logs.logs import Logs
from gofer.server.logs.mask_registry import MaskRegistry
from gofer.server.logs.search import LogSearch
from gofer.server.notifiers.deliver import Deliverer
from gofer.server.notifiers.outbox import Outbox
from gofer.server.notifiers.tell import run_url
from gofer.server.objects.build import ObjectParts
from gofer.server.objects.build import build as object_parts
from gofer.server.own_log import OwnLog, set_level
from gofer.server.pipelines.compare import Diffs
from gofer.server.pipelines.expire_versions import VersionExpiry
from gofer.server.pipelines.export import Exporter
from gofer.server.pipelines.grid import Grids
from gofer.server.pipelines.hold import Holds
from gofer.server.pipelines.importing import Importer
from gofer.server.pipelines.namespaces import Namespaces
from gofer.server.pipelines.overview import Overviews
from gofer.server.pipelines.register import Pipelines
from gofer.server.pipelines.versions import Versions
from gofer.server.reload import Reloader
from gofer.server.runs.access import TaskAccess
from gofer.server.runs.context import Context
from gofer.server.runs.engine_watch import EngineWatch
from gofer.server.runs.ingress import Ingress
from gofer.server.runs.launch import Launcher
from gofer.server.runs.paused import PausedPipelines
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
from gofer.server.statistics.record import Recorder
from gofer.server.store.database import Database
from gofer.server.tls import Tls
from gofer.server.triggers.build import build as trigger_parts
from gofer.server.triggers.house import House
from gofer.server.triggers.install import Triggers
from gofer.server.triggers.supervise import Supervisor
from gofer.server.triggers.times import Times
from gofer.server.web import WebServer


@dataclass
class Parts:
    """What was opened before anything could run."""

    live: Live
    clock: Clock
    database: Database
    logs: Logs
    engine: BuiltIns
    secrets: SecretStore
    objects: ObjectStore
    own_log: OwnLog
    reached: Callable[[str], None]
    for_one_run: bool = False


@dataclass
class Front:
    """What of the server meets the network."""

    gate: Gate
    web: WebServer
    url: str
    serving: asyncio.Task[None]
    tls: Tls | None
    access: TaskAccess
    tally: Tally
    external: ExternalListener | None


@dataclass
class Built:
    """Everything, put together; nothing of it runs yet. `side` is what runs beside the launcher, by name."""

    services: Services
    launcher: Launcher
    recovery: Recovery
    remover: Remover
    objects: ObjectParts
    uses: TokenUses
    smoke: SmokeSteward
    side: list[tuple[str, Coroutine[Any, Any, object]]]


async def build(parts: Parts, front: Front) -> Built:
    """Raises ConfigError where the folders are another server's."""
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
    parts.own_log.mask = lambda text: hide_tokens(masks.text(text))
    values = Values(secrets, objects.service, Provider(database, secrets), masks)
    context = Context(
        live, clock, database, engine, watch, ingress, logs, Plans(), slots, values, objects.service, remover,
        front.url, front.access, parts.reached,
    )  # fmt: skip
    await settle(database, settings.task_run_logs_dir, clock)
    registry = Registry()
    await registry.load(database)
    tokens, uses = Tokens(registry, database, clock), TokenUses(registry, database)
    registry.on_use = uses.note
    token_expiry = TokenExpiry(tokens, registry, clock, settings.expired_token_retention)
    sessions = Sessions(registry, database, clock, live)
    registry.on_session_end = sessions.forget
    tokens.on_change = _all_of(token_expiry.notice, sessions.notice)
    expiry = LogExpiry(database, logs, clock, settings.task_run_log_expiry)
    await expiry.open()
    outbox = Outbox(context, Deliverer(context, partial(run_url, live, front.url)))
    launcher = Launcher(context, [expiry.notice, objects.expiry.notice, outbox.notice])
    ingress.on_change = lambda: launcher.queue.hold(ingress.closed)
    await ingress.load()
    paused = PausedPipelines(database, launcher.queue)
    await paused.load()
    recovery = Recovery(context, launcher)
    tidier = SecretTidier(parts.secrets, database, clock)
    secrets.on_retired = tidier.notice
    reloader = Reloader(live, database, clock, front.tls)
    reloader.prepare = lambda new: renew_keys(parts.secrets, live.settings, new, os.environ)
    runs = Runs(context, launcher)
    smoke = SmokeSteward(database, clock, runs)

    def links() -> str:
        return live.settings.server.advertise_url.rstrip("/") or front.url

    triggers = trigger_parts(database, bus, clock, secrets, masks, runs, links, parts.reached)

    supervisor = Supervisor(
        House(
            live, clock, database, engine, front.access, registry, secrets, masks, triggers.listener,
            settings.server.storage_path / "triggers", Times(), triggers.roster,
        )
    )  # fmt: skip

    statistics = Recorder(database, clock, logs, settings.server.storage_path, settings.task_run_logs_dir)
    version_expiry = VersionExpiry(database, clock, settings.pipeline_version_retention)

    def committed(events: Sequence[Event]) -> None:
        bus.publish(events)
        version_expiry.committed(events)
        triggers.subscriber.committed(events)
        paused.committed(events)
        smoke.committed(events)
        statistics.committed(events)

    database.on_commit = committed
    asking = None if parts.for_one_run else triggers.subscriber
    services = Services(
        live=live,
        clock=clock,
        database=database,
        bus=bus,
        namespaces=Namespaces(database, clock),
        pipelines=Pipelines(database, clock, asking, parts.reached),
        versions=Versions(database, clock),
        deployments=Deployments(database, clock, asking, parts.reached),
        holds=Holds(database, clock, paused.settled, parts.reached),
        diffs=Diffs(database),
        comparisons=Comparisons(database),
        overviews=Overviews(database),
        grids=Grids(database),
        exporter=Exporter(database, clock),
        importer=Importer(database, clock, paused.settled, asking, parts.reached),
        subscriptions=triggers.subscriptions,
        next_starts=triggers.next_starts,
        told_events=triggers.told_events,
        runs=runs,
        secrets=secrets,
        secret_rotator=Rotator(parts.secrets, database, clock),
        secret_tidier=tidier,
        objects=objects.service,
        object_store=parts.objects,
        object_watch=objects.watch,
        logs=logs,
        log_search=LogSearch(logs),
        registry=registry,
        sessions=sessions,
        failures=Failures(lambda: live.settings.server.failed_auth_limit, front.tally.refusals, clock.monotonic),
        triggers=Triggers(supervisor),
        tokens=tokens,
        bootstrapper=Bootstrapper(tokens, settings.server.storage_path, parts.reached),
        roles=Roles(registry, database, clock),
        auditor=Auditor(registry, clock, parts.reached),
        refused_attempts=(refused := RefusedAttempts(database, clock)),
        scheduler=engine,
        engine_watch=watch,
        ingress=ingress,
        outbox=outbox,
        common_tasks=CommonTasks(database, secrets, clock),
        backups=Backups(place_of(settings), database, clock, ObjectSource(parts.objects, objects.collector.keep_all)),
        own_log=parts.own_log,
        reloader=reloader,
        statistics=statistics,
        connections=lambda: front.web.connections.count,
        tally=front.tally,
        address=front.url,
        started_at=clock.now(),
    )
    pruner = Pruner(database, clock, settings.event_log_retention, settings.event_prune_interval)
    live.follow(
        {
            "log_level": set_level,
            "expired_token_retention": token_expiry.set_retention,
            "event_log_retention": pruner.set_retention,
            "event_prune_interval": pruner.set_interval,
            "ignore_pipeline_run_events": ingress.set_setting,
            "run_parallelism_limit": launcher.queue.set_limit,
            "task_parallelism_limit": slots.set_limit,
            "task_run_log_expiry": expiry.set_keep,
            "pipeline_version_retention": version_expiry.set_keep,
            "server.session_idle_timeout": sessions.notice,
            "server.session_lifetime": sessions.notice,
            **objects.followers(),
        }
    )
    side: list[tuple[str, Coroutine[Any, Any, object]]] = [
        ("engine watch", watch.run()),
        ("remover", remover.run()),
        ("log expiry", expiry.run()),
        ("version expiry", version_expiry.run()),
        ("event pruner", pruner.run()),
        ("fault recorder", faults.run()),
        ("refused attempts", refused.run()),
        ("reloader", reloader.run()),
        ("ingress", ingress.run()),
        ("paused pipelines", paused.run()),
        ("secret tidier", tidier.run()),
        ("notifiers", outbox.run()),
        ("smoke runs", smoke.run()),
        ("token uses", uses.run()),
        ("token expiry", token_expiry.run()),
        ("sessions", sessions.run()),
        ("statistics", statistics.run()),
        ("triggers", supervisor.run()),
        ("sweep of triggers", supervisor.sweep(watch, remover)),
        *objects.tasks(),
    ]
    return Built(services, launcher, recovery, remover, objects, uses, smoke, side)


def _all_of(*told: Callable[[], None]) -> Callable[[], None]:
    """Calls one after the other."""

    def tell() -> None:
        for one in told:
            one()

    return tell
