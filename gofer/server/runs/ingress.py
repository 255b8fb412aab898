"""The door to new runs, which can be closed: running runs go on to their end, and nothing new begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from gofer.errors import Conflict, Unavailable
from gofer.models.event import Kind
from gofer.models.system import IngressInfo
from gofer.server.clock import Clock
from gofer.server.own_log import get_logger
from gofer.server.store import meta
from gofer.server.store.database import Database, Transaction

_NAME = "ingress_closed_at"
_SETTING = "ignore_pipeline_run_events"


class Draining(Unavailable):
    """No new runs are taken on now, as somebody has asked for it."""

    title = "No new runs now"


class Ingress:
    """Closed while the setting says so, or somebody has closed it; the latter stays over restarts.

    While it is closed, new runs are refused, and those that are queued wait; `on_change` is told of every change.
    """

    def __init__(self, database: Database, clock: Clock, *, closed_by_setting: bool) -> None:
        self._database = database
        self._clock = clock
        self._closed_by_setting = closed_by_setting
        self._closed_at: int | None = None
        # Two that come at once: the second wish is measured by what the first has made of it.
        self._one = asyncio.Lock()
        self._told: asyncio.Queue[Callable[[Transaction], None]] = asyncio.Queue()
        self._log = get_logger("gofer.runs")
        self.on_change: Callable[[], None] = lambda: None

    async def load(self) -> None:
        """Learn what an earlier life was told. Call before any run is started or goes on."""
        stored = await self._database.read(lambda connection: meta.get(connection, _NAME))
        self._closed_at = int(stored) if stored else None
        if self.closed:
            self._log.warning("no new runs are started", problem=self.problem)
            self.on_change()

    @property
    def closed(self) -> bool:
        return self._closed_by_setting or self._closed_at is not None

    @property
    def problem(self) -> str:
        """Why no new runs are taken on; empty while they are."""
        if self._closed_by_setting:
            return f"No new runs are started: the setting {_SETTING} is true."
        if self._closed_at is not None:
            return "No new runs are started: event ingress was closed (gofer service toggle-event-ingress)."
        return ""

    @property
    def info(self) -> IngressInfo:
        """As the API shows it."""
        return IngressInfo(open=not self.closed, by_setting=self._closed_by_setting, closed_at=self._closed_at)

    def check(self) -> None:
        """Raises Draining while it is closed."""
        if self.closed:
            raise Draining(self.problem, f"Nothing was changed. {self._way_out()}")

    async def set_open(self, wanted: bool) -> IngressInfo:
        """Open or close it; that is on disk, with its event, when this returns.

        Raises Conflict where the setting keeps it closed.
        """
        if wanted and self._closed_by_setting:
            raise Conflict(f"The setting {_SETTING} keeps event ingress closed", self._way_out())
        async with self._one:
            if wanted != (self._closed_at is None):
                at = None if wanted else self._clock.now()
                await self._database.write(partial(_store, closed_at=at, now=self._clock.now()))
                self._closed_at = at
                self._changed()
            return self.info

    def set_setting(self, closed: bool) -> None:
        """The setting has been read anew."""
        before = self.closed
        self._closed_by_setting = closed
        if self.closed != before:
            self._changed()
            self._told.put_nowait(partial(_emit, opened=not self.closed, now=self._clock.now(), by="setting"))

    async def run(self) -> None:
        """Record what changes of the setting did, for ever."""
        while True:
            await self._database.write_patiently(await self._told.get())

    def _changed(self) -> None:
        self._log.info("new runs are started again" if not self.closed else "no new runs are started from now on")
        self.on_change()

    def _way_out(self) -> str:
        if self._closed_by_setting:
            return f"Set {_SETTING} = false and have it read again (SIGHUP), or start the server again."
        return "Open it again with: gofer service toggle-event-ingress --open."


def _store(tx: Transaction, *, closed_at: int | None, now: int) -> None:
    meta.put(tx, _NAME, "" if closed_at is None else str(closed_at))
    _emit(tx, opened=closed_at is None, now=now, by="toggle")


def _emit(tx: Transaction, *, opened: bool, now: int, by: str) -> None:
    tx.emit(Kind.INGRESS_OPENED if opened else Kind.INGRESS_CLOSED, now, data={"by": by})
