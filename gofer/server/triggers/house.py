"""What the triggers need of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from gofer.config.live import Live
from gofer.server.auth.registry import Registry
from gofer.server.built_ins import BuiltIns
from gofer.server.clock import Clock
from gofer.server.logs.mask_registry import MaskRegistry
from gofer.server.runs.access import TaskAccess
from gofer.server.secrets.secrets import Secrets
from gofer.server.store.database import Database
from gofer.server.triggers.contract import Listener
from gofer.server.triggers.session import TriggerSession
from gofer.server.triggers.sessions import Roster
from gofer.server.triggers.times import Times


@dataclass
class House:
    """Made once by the composition root. `connections` are all that are open, also those that are not configured, by
    the trigger's name."""

    live: Live
    clock: Clock
    database: Database
    scheduler: BuiltIns
    access: TaskAccess
    registry: Registry
    secrets: Secrets
    in_use: MaskRegistry
    listener: Listener
    folder: Path
    times: Times = field(default_factory=Times)
    roster: Roster = field(default_factory=Roster)
    connections: dict[str, TriggerSession] = field(default_factory=dict)

    @property
    def look(self) -> Callable[[str], Awaitable[str | None]]:
        """Looks global secrets up."""
        return self.secrets.resolve_global
