"""What every run needs of the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gofer.config.live import Live
from gofer.config.settings import Settings
from gofer.engines.scheduler.base import Scheduler
from gofer.server.clock import Clock
from gofer.server.logs.logs import Logs
from gofer.server.objects.objects import Objects
from gofer.server.runs.access import TaskAccess
from gofer.server.runs.engine_watch import EngineWatch
from gofer.server.runs.ingress import Ingress
from gofer.server.runs.plan import Plans
from gofer.server.runs.remove import Remover
from gofer.server.runs.slots import Slots
from gofer.server.runs.values import Values
from gofer.server.store.database import Database


@dataclass(frozen=True)
class Context:
    """Made once by the composition root. `reached` is told each point of a run at which a crash is interesting."""

    live: Live
    clock: Clock
    database: Database
    scheduler: Scheduler
    watch: EngineWatch
    ingress: Ingress
    logs: Logs
    plans: Plans
    slots: Slots
    values: Values
    objects: Objects
    remover: Remover
    api_url: str
    access: TaskAccess
    reached: Callable[[str], None]

    @property
    def settings(self) -> Settings:
        """Those that hold now; a reload may change them."""
        return self.live.settings
