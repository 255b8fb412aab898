"""/metrics, for Prometheus."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple, get_args

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from gofer import __version__
from gofer.models.access import TokenKind, TokenState, state_of
from gofer.models.status import RunStatus
from gofer.models.trigger import TriggerState
from gofer.server.api.tally import BUCKETS, Tally
from gofer.server.services import Services
from gofer.server.store import diagnosis, events, objects


class Stored(NamedTuple):
    """What the database tells: how many runs have each status, how many events there are, and since when the run waits
    that waits longest (milliseconds since the Unix epoch)."""

    runs: dict[str, int]
    events: int
    oldest_queued_at: int | None
    objects: objects.Totals


def stored(connection: sqlite3.Connection) -> Stored:
    """A few rows, however long the history."""
    events_kept = events.last_seq(connection) + 1 - events.first_seq(connection)
    oldest = diagnosis.oldest_queued_at(connection)
    return Stored(diagnosis.runs_by_status(connection), events_kept, oldest, objects.totals(connection))


class Exposition(Collector):
    """Everything that is told, as it is when it is asked for. `stored` is to be brought up to date before."""

    def __init__(self, services: Services, tally: Tally) -> None:
        self._services = services
        self._tally = tally
        self.stored = Stored({}, 0, None, objects.Totals(0, 0, 0, 0))

    def text(self) -> bytes:
        """In Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """As prometheus-client wants it."""
        yield from self._server()
        yield from self._requests()
        yield from self._latencies()
        yield from self._websockets()
        yield from self._refused()
        yield from self._external_events()
        yield from self._triggers()
        yield from self._runs()
        yield from self._health()
        yield from self._volume()
        yield from self._objects()
        yield from self._tokens()

    def _server(self) -> Iterator[Metric]:
        services = self._services
        info = GaugeMetricFamily("gofer_info", "Always 1", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        uptime = (services.clock.now() - services.started_at) / 1000
        yield GaugeMetricFamily("gofer_uptime_seconds", "Since the server began", uptime)
        yield GaugeMetricFamily("gofer_connections", "Connections of clients that are open", services.connections())

    def _requests(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "gofer_http_requests", "Requests that were answered", labels=["method", "route", "status"]
        )
        for (method, route, status), count in self._tally.requests.items():
            family.add_metric([method, route, str(status)], count)
        yield family

    def _latencies(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(
            "gofer_http_request_seconds", "From a request's head to its answer's end", labels=["method", "route"]
        )
        for (method, route), latencies in self._tally.latencies.items():
            total, buckets = 0, []
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), latencies.counts, strict=True):
                total += count
                buckets.append((bound, total))
            family.add_metric([method, route], buckets, latencies.seconds)
        yield family

    def _websockets(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("gofer_websockets", "Websockets that are open", labels=["route"])
        for route, count in self._tally.websockets.items():
            family.add_metric([route], count)
        yield family

    def _refused(self) -> Iterator[Metric]:
        family = CounterMetricFamily("gofer_refused", "Clients that were refused or cut off", labels=["reason"])
        for reason, count in self._tally.refusals.counts.items():
            family.add_metric([reason], count)
        yield family

    def _external_events(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "gofer_external_events", "External events that were answered", labels=["trigger", "status"]
        )
        for (trigger, status), count in self._tally.external_events.items():
            family.add_metric([trigger, str(status)], count)
        yield family

    def _triggers(self) -> Iterator[Metric]:
        supervisor = self._services.triggers.supervisor
        states = Counter({state: 0 for state in get_args(TriggerState) if state != "disabled"})
        states.update(keeper.state for keeper in supervisor if keeper.state != "disabled")
        triggers = GaugeMetricFamily("gofer_triggers", "Triggers that are enabled, by state", labels=["state"])
        for state, count in states.items():
            triggers.add_metric([state], count)
        yield triggers
        told = CounterMetricFamily(
            "gofer_trigger_events", "Events that triggers have told of", labels=["trigger", "outcome"]
        )
        for (trigger, outcome), count in supervisor.house.roster.told.items():
            told.add_metric([trigger, outcome], count)
        yield told

    def _runs(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("gofer_runs", "Runs that are stored, by status", labels=["status"])
        for status in RunStatus:
            family.add_metric([status], self.stored.runs.get(status, 0))
        yield family
        yield GaugeMetricFamily("gofer_runs_waiting", "Runs that wait for admission", self._services.runs.queued)
        yield GaugeMetricFamily("gofer_runs_active", "Runs that are on their way", self._services.runs.running)
        since = self.stored.oldest_queued_at
        waited = 0.0 if since is None else max(0, self._services.clock.now() - since) / 1000
        yield GaugeMetricFamily("gofer_runs_waiting_seconds", "How long the run has waited that waits longest", waited)
        accepts = float(not self._services.ingress.closed)
        yield GaugeMetricFamily("gofer_ingress_open", "Whether new runs are started", accepts)

    def _health(self) -> Iterator[Metric]:
        services = self._services
        engine = GaugeMetricFamily("gofer_engine_available", "Whether the container engine answers", labels=["engine"])
        engine.add_metric([services.scheduler.name], float(services.engine_watch.available))
        yield engine
        store_fault, logs_fault = float(bool(services.database.fault)), float(bool(services.logs.fault))
        yield GaugeMetricFamily("gofer_store_fault", "Whether the database is in trouble", store_fault)
        yield GaugeMetricFamily("gofer_logs_fault", "Whether logs cannot be written", logs_fault)
        objects_fault = float(bool(services.object_watch.fault))
        yield GaugeMetricFamily("gofer_objects_fault", "Whether the object store is in trouble", objects_fault)

    def _volume(self) -> Iterator[Metric]:
        database = self._services.database
        yield CounterMetricFamily("gofer_events", "Events that were ever stored", self._services.bus.last_seq)
        yield SummaryMetricFamily(
            "gofer_store_commit_seconds", "Transactions, fsync included", database.commits, database.commit_seconds
        )
        yield CounterMetricFamily("gofer_store_writes", "Writes; several share one transaction", database.writes)
        yield GaugeMetricFamily("gofer_events_kept", "Events that are stored now", self.stored.events)
        yield from self._room()
        captured = self._services.logs.captured_bytes
        yield CounterMetricFamily("gofer_log_bytes", "What tasks have printed since the server began", captured)

    def _objects(self) -> Iterator[Metric]:
        stored, tally = self.stored.objects, self._services.objects.tally
        yield GaugeMetricFamily("gofer_objects", "Objects that are stored", stored.objects)
        yield GaugeMetricFamily("gofer_objects_bytes", "Their sizes", stored.bytes)
        kept = "What their contents take: identical ones are stored once"
        yield GaugeMetricFamily("gofer_objects_stored_bytes", kept, stored.content_bytes)
        yield CounterMetricFamily("gofer_object_uploads", "Objects that were put", tally.uploads)
        yield CounterMetricFamily("gofer_object_uploaded_bytes", "Their sizes", tally.uploaded_bytes)
        yield CounterMetricFamily("gofer_object_downloads", "Reads of objects", tally.downloads)
        yield CounterMetricFamily("gofer_object_downloaded_bytes", "What was read", tally.downloaded_bytes)
        evicted = "Objects that went because their pipeline had too many"
        yield CounterMetricFamily("gofer_objects_evicted", evicted, tally.evicted)
        yield CounterMetricFamily("gofer_objects_expired", "Objects that went with the age of their run", tally.expired)

    def _tokens(self) -> Iterator[Metric]:
        counted = Counter({(kind, state): 0 for kind in get_args(TokenKind) for state in get_args(TokenState)})
        now = self._services.clock.now()
        counted.update((stored.token.kind, state_of(stored.token, now)) for stored in self._services.registry.tokens())
        tokens = GaugeMetricFamily("gofer_tokens", "Tokens of people and programs", labels=["kind", "state"])
        for labels, number in counted.items():
            tokens.add_metric(labels, number)
        yield tokens

    def _room(self) -> Iterator[Metric]:
        settings = self._services.settings
        sizes = GaugeMetricFamily("gofer_store_bytes", "The database's files", labels=["file"])
        for name in ("gofer.db", "gofer.db-wal"):
            path = settings.server.storage_path / name
            sizes.add_metric([name], path.stat().st_size if path.exists() else 0)
        yield sizes
        free = GaugeMetricFamily("gofer_disk_free_bytes", "Room on the disk under a folder", labels=["folder"])
        for label, folder in (("storage", settings.server.storage_path), ("logs", settings.task_run_logs_dir)):
            with suppress(OSError):
                free.add_metric([label], shutil.disk_usage(folder).free)
        yield free
