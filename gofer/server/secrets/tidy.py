"""Removes what no run can need any more: values that were retired, and the secrets of pipelines that are gone."""

from __future__ import annotations

import asyncio
import contextlib

from gofer.engines.secret_store.base import SecretStore
from gofer.errors import Unavailable
from gofer.server.clock import Clock
from gofer.server.own_log import get_logger
from gofer.server.secrets.secrets import OVERLAP
from gofer.server.store import notifications, pipelines, runs
from gofer.server.store.database import Database

INTERVAL_SECONDS = 60.0


class SecretTidier:
    """A side task. It looks once at the start, for what the last life has left, and then after each `notice`, until
    nothing is left to remove.

    A pipeline's secrets carry its number, which no later pipeline has: nobody can use them while they are still there.
    """

    def __init__(
        self, store: SecretStore, database: Database, clock: Clock, interval: float = INTERVAL_SECONDS
    ) -> None:
        self._store = store
        self._database = database
        self._clock = clock
        self._interval = interval
        self._noticed = asyncio.Event()
        self._noticed.set()

    def notice(self) -> None:
        """Something was retired, or a pipeline was deleted."""
        self._noticed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._noticed.wait()
            self._noticed.clear()
            try:
                left = await self.tidy()
            except Unavailable as error:
                get_logger("gofer").warning("retired secrets stay a while longer", why=error.message)
                left = 1
            if left:
                # They go when the runs that may have them have ended.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._interval):
                        await self._noticed.wait()
                self._noticed.set()

    async def tidy(self) -> int:
        """Remove what can go. How many retired values are left. Raises Unavailable."""
        for scope in await self._store.scopes():
            key = scope.pipeline_key
            if await self._database.read(lambda connection, key=key: pipelines.by_key(connection, key)) is None:  # type: ignore[misc]
                await self._store.drop(scope)
        return await self._store.forget(await self._oldest())

    async def _oldest(self) -> int:
        """Since when the oldest unfinished run may have got a value, in milliseconds."""
        now = self._clock.now()

        span = await self._database.read(runs.unfinished_span)
        # A notifier's container gets values after its run has ended.
        told = await self._database.read(notifications.oldest_of_runs)
        return min(now, now if span is None else span[0], now if told is None else told) - OVERLAP
