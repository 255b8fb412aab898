"""After a restart every unfinished run goes on, and nothing of ended ones stays behind."""

from __future__ import annotations

import asyncio
import sqlite3

from gofer.models.status import RunStatus
from gofer.server.own_log import get_logger
from gofer.server.runs.active import Ticket
from gofer.server.runs.container import SERVER_LABEL
from gofer.server.runs.context import Context
from gofer.server.runs.launch import Launcher
from gofer.server.runs.plan import Plans
from gofer.server.store import attempts, runs
from gofer.server.store.runs import RunRow

_BATCH = 200


class Recovery:
    """Puts the unfinished runs of the store back on their way; removes containers that no unfinished attempt owns."""

    def __init__(self, context: Context, launcher: Launcher) -> None:
        self._context = context
        self._launcher = launcher
        self._log = get_logger("gofer.runs")

    async def recover(self) -> int:
        """Returns how many runs go on. Must be done before the first new run is started."""
        count, after = 0, 0
        queued: list[Ticket] = []
        while True:
            batch = await self._context.database.read(lambda c, after=after: self._load(c, after))  # type: ignore[misc]
            for ticket, status in batch:
                if status is RunStatus.RUNNING or ticket.cancelling:
                    self._launcher.queue.take_over(ticket)
                else:
                    queued.append(ticket)
            count += len(batch)
            if len(batch) < _BATCH:
                break
            after = batch[-1][0].key
        # Last, as those that run already count against the limits.
        for ticket in queued:
            self._launcher.queue.submit(ticket)
        if count:
            self._log.info("unfinished runs go on", runs=count)
        return count

    async def keep_swept(self, swept: asyncio.Event) -> None:
        """Sweep once, set `swept`, and then again now and then if the settings want that."""
        await self.sweep()
        swept.set()
        docker = self._context.settings.scheduler.docker
        while docker.prune:
            await asyncio.sleep(docker.prune_interval / 1000)
            await self.sweep()

    async def sweep(self) -> int:
        """Remove what earlier lives left at the engine, waiting for it if need be; returns how many containers."""
        mine = {SERVER_LABEL: self._context.database.server_id}
        found = await self._context.watch.call(lambda: self._context.scheduler.list(mine))
        # Read after the list was made: an attempt is stored before its container is there, and its end before it goes.
        # Through the writer, as that one waits a fault of the store out.
        needed = await self._context.database.write_patiently(lambda tx: attempts.open_containers(tx.connection))
        stale = [c.name for c in found if c.name not in needed]
        for name in stale:
            self._context.remover.remove(name)
        if stale:
            self._log.info("containers of ended attempts removed", containers=len(stale))
        return len(stale)

    def _load(self, connection: sqlite3.Connection, after: int) -> list[tuple[Ticket, RunStatus]]:
        rows = runs.unfinished(connection, after, _BATCH)
        return [(stored_ticket(self._context.plans, connection, row), row.run.status) for row in rows]


def stored_ticket(plans: Plans, connection: sqlite3.Connection, row: RunRow) -> Ticket:
    """A run as the store has it."""
    run = row.run
    plan = plans.load(connection, row.pipeline_key, run.version)
    return Ticket(
        row.key, row.pipeline_key, run.namespace, run.pipeline, run.id, run.version, run.parameters, plan,
        run.created_at, run.started_at, row.cancel_reason, stored=True, correlation_id=run.correlation_id,
        variables=run.variables, deployment=run.deployment,
    )  # fmt: skip
