"""Everything the API may use, put together by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gofer.config.live import Live
from gofer.config.settings import Settings
from gofer.engines.object_store.base import ObjectStore
from gofer.server.api.tally import Tally
from gofer.server.audit.record import Auditor
from gofer.server.audit.refused import RefusedAttempts
from gofer.server.auth.bootstrap import Bootstrapper
from gofer.server.auth.manage import Tokens
from gofer.server.auth.registry import Registry
from gofer.server.auth.roles import Roles
from gofer.server.auth.sessions import Sessions
from gofer.server.backup.take import Backups
from gofer.server.built_ins import BuiltIns
from gofer.server.clock import Clock
from gofer.server.common_tasks.install import CommonTasks
from gofer.server.deployments.deploy import Deployments
from gofer.server.deployments.figures import Comparisons
from gofer.server.events.bus import Bus
from gofer.server.limits.failures import Failures
from gofer.server.logs.logs import Logs
from gofer.server.logs.search import LogSearch
from gofer.server.notifiers.outbox import Outbox
from gofer.server.objects.objects import Objects
from gofer.server.objects.watch import StoreWatch
from gofer.server.own_log import OwnLog
from gofer.server.pipelines.compare import Diffs
from gofer.server.pipelines.export import Exporter
from gofer.server.pipelines.grid import Grids
from gofer.server.pipelines.hold import Holds
from gofer.server.pipelines.importing import Importer
from gofer.server.pipelines.namespaces import Namespaces
from gofer.server.pipelines.overview import Overviews
from gofer.server.pipelines.register import Pipelines
from gofer.server.pipelines.versions import Versions
from gofer.server.reload import Reloader
from gofer.server.runs.engine_watch import EngineWatch
from gofer.server.runs.ingress import Ingress
from gofer.server.runs.service import Runs
from gofer.server.secrets.rotate import Rotator
from gofer.server.secrets.secrets import Secrets
from gofer.server.secrets.tidy import SecretTidier
from gofer.server.statistics.record import Recorder
from gofer.server.store.database import Database
from gofer.server.triggers.install import Triggers
from gofer.server.triggers.next_starts import NextStarts
from gofer.server.triggers.subscriptions import Subscriptions
from gofer.server.triggers.told_events import ToldEvents


@dataclass(frozen=True)
class Services:
    """`address` is where the API listens, as a URL; `connections` counts the clients' open ones; `started_at` is in
    milliseconds since the Unix epoch.
    """

    live: Live
    clock: Clock
    database: Database
    bus: Bus
    namespaces: Namespaces
    pipelines: Pipelines
    versions: Versions
    deployments: Deployments
    holds: Holds
    diffs: Diffs
    comparisons: Comparisons
    overviews: Overviews
    grids: Grids
    exporter: Exporter
    importer: Importer
    subscriptions: Subscriptions
    next_starts: NextStarts
    told_events: ToldEvents
    runs: Runs
    secrets: Secrets
    secret_rotator: Rotator
    secret_tidier: SecretTidier
    objects: Objects
    object_store: ObjectStore
    object_watch: StoreWatch
    logs: Logs
    log_search: LogSearch
    registry: Registry
    auditor: Auditor
    refused_attempts: RefusedAttempts
    sessions: Sessions
    failures: Failures
    triggers: Triggers
    tokens: Tokens
    bootstrapper: Bootstrapper
    roles: Roles
    scheduler: BuiltIns
    engine_watch: EngineWatch
    ingress: Ingress
    outbox: Outbox
    common_tasks: CommonTasks
    backups: Backups
    own_log: OwnLog
    reloader: Reloader
    statistics: Recorder
    connections: Callable[[], int]
    tally: Tally
    address: str
    started_at: int

    @property
    def is_unclaimed(self) -> bool:
        """Whether it serves nobody, as no token was made yet."""
        return self.registry.is_empty and not self.settings.dev_mode

    @property
    def settings(self) -> Settings:
        """Those that hold now; a reload may change them."""
        return self.live.settings
