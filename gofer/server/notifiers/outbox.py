"""The service that tells of ended runs: what the store says is to be told is tried until it is, or for long enough.

At least once: the end of a try is stored after the container has ended, so that after a crash its container is found
again by its name and is not started twice; but what has failed may have been told, and is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence

from gofer.errors import Unavailable
from gofer.models.common_task import Notification
from gofer.models.event import Kind
from gofer.models.page import Page
from gofer.server.notifiers.deliver import LABEL, Deliverer, Try
from gofer.server.own_log import get_logger
from gofer.server.runs.cancel import no_run
from gofer.server.runs.context import Context
from gofer.server.store import notifications, runs
from gofer.server.store.database import Transaction
from gofer.server.store.notifications import NotificationRow

PAUSES: Sequence[int] = (5_000, 30_000, 120_000)
"""Milliseconds to wait after the first, second and third failed try; there is one try more than there are pauses."""

AT_ONCE = 8
"""So many tries of containers, and as many of built-ins, are under way at once."""
_BATCH = 100
_RETRY_SECONDS = 1.0


class Outbox:
    """A side task."""

    def __init__(self, context: Context, deliverer: Deliverer) -> None:
        self._context = context
        self._deliverer = deliverer
        self._woken = asyncio.Event()
        self._under_way: dict[int, bool] = {}  # by key, whether it is a built-in's
        self._turns = {True: asyncio.Semaphore(AT_ONCE), False: asyncio.Semaphore(AT_ONCE)}
        self._log = get_logger("gofer.notifiers")

    def notice(self, _pipeline_key: int = 0) -> None:
        """A run has ended."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled. Ending it ends no container: the next start goes on with what is under way."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep(), name="sweep of notifiers")
            while True:
                self._woken.clear()
                now = self._context.clock.now()
                for built_in in (True, False):
                    for row in await self._due(now, built_in):
                        self._under_way[row.key] = built_in
                        group.create_task(self._tell(row, built_in), name=f"notification {row.key}")
                await self._rest(now)

    async def of_run(
        self, namespace: str, pipeline: str, number: int, cursor: int | None, limit: int
    ) -> Page[Notification]:
        """What is or was to be told of a run. Raises NotFound."""

        def work(connection: sqlite3.Connection) -> list[NotificationRow]:
            row = runs.get(connection, namespace, pipeline, number)
            if row is None:
                raise no_run(namespace, pipeline, number)
            return notifications.of_run(connection, row.key, cursor or 0, limit + 1)

        found = await self._context.database.read(work)
        following = str(found[limit - 1].key) if len(found) > limit else None
        return Page(items=[row.model() for row in found[:limit]], next=following)

    async def _due(self, now: int, built_in: bool) -> list[NotificationRow]:
        """What is to be begun. While the store is in trouble: nothing. Built-ins have a room of their own: they need
        no container engine, which may be away, and must not wait behind many that do."""
        room = _BATCH - sum(one is built_in for one in self._under_way.values())
        if room <= 0:
            return []
        most = room + len(self._under_way)
        with contextlib.suppress(Unavailable):
            rows = await self._context.database.read(lambda c: notifications.due(c, now, built_in, most))
            return [row for row in rows if row.key not in self._under_way][:room]
        self._later(_RETRY_SECONDS)
        return []

    async def _rest(self, after: int) -> None:
        """Returns when something may be due that was not at `after`."""
        following: int | None = None
        try:
            following = await self._context.database.read(lambda c: notifications.next_due(c, after))
        except Unavailable:
            self._later(_RETRY_SECONDS)
        seconds = None if following is None else max(0, following - self._context.clock.now()) / 1000
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    def _later(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._woken.set)

    async def _tell(self, row: NotificationRow, built_in: bool) -> None:
        try:
            async with self._turns[built_in]:
                await self._try(row)
        finally:
            del self._under_way[row.key]
            self._woken.set()

    async def _try(self, row: NotificationRow) -> None:
        database, adopted = self._context.database, row.started_at is not None
        if not adopted:
            at = self._context.clock.now()
            begun = await database.write_patiently(lambda tx: notifications.begin(tx, row.key, at))
            if begun is None:
                return
            row = begun
        self._context.reached("notifier_recorded")
        try:
            done = await self._deliverer.deliver(row, adopted=adopted)
        except Exception as error:
            self._log.exception("notifier broke", notifier=row.label)
            done = Try(False, f"Gofer itself failed: {type(error).__name__}; its log has the details")
        self._context.reached("notifier_ended")
        name = await self._deliverer.name(row)
        await database.write_patiently(lambda tx: self._store(tx, row, done))
        self._context.reached("notifier_stored")
        if name is not None:
            self._context.remover.remove(name)

    def _store(self, tx: Transaction, row: NotificationRow, done: Try) -> None:
        at = self._context.clock.now()
        if not done.sent and row.attempt <= len(PAUSES):
            notifications.postpone(tx, row.key, done.detail, done.output, at + PAUSES[row.attempt - 1])
            return
        status, kind = ("sent", Kind.NOTIFICATION_SENT) if done.sent else ("failed", Kind.NOTIFICATION_FAILED)
        ended = notifications.set_ended(tx, row.key, status, done.detail, done.output, at)  # type: ignore[arg-type]
        run = runs.by_key(tx.connection, row.run_key)
        if not ended or run is None:
            return
        data = {"label": row.label, "common_task": row.common_task, "attempts": row.attempt}
        if done.detail:
            data["detail"] = done.detail
            self._log.warning("nobody was told of a run", notifier=row.label, why=done.detail, run=run.run.id)
        where = {"namespace": run.run.namespace, "pipeline": run.run.pipeline}
        tx.emit(kind, at, **where, run=run.run.id, run_key=row.run_key, data=data)

    async def _sweep(self) -> None:
        """Remove what earlier lives left at the engine, waiting for it if need be."""
        mine = {LABEL: self._context.database.server_id}
        there = await self._context.watch.call(lambda: self._context.scheduler.list(mine))
        # Read after the list was made: a try is stored before its container is there, and its end before it goes.
        rows = await self._context.database.write_patiently(notifications.under_way)
        needed = {await self._deliverer.name(row) for row in rows}
        for container in there:
            if container.name not in needed:
                self._context.remover.remove(container.name)
