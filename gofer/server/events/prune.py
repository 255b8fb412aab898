"""Removes what is older than it needs to be kept: events, those of triggers, and the answers of idempotent requests."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import NamedTuple

from gofer.models.event import Kind
from gofer.server.clock import Clock
from gofer.server.store import idempotency, trigger_events
from gofer.server.store.database import Database, Transaction
from gofer.server.store.events import delete_older, first_seq

_BATCH = 1_000
_PAUSE = 0.01
_ANSWERS_ARE_KEPT = 24 * 3_600_000


class Pruner:
    """Works in small transactions with pauses between them, so that other writers hardly notice.

    `retention` and `interval` in milliseconds.
    """

    def __init__(self, database: Database, clock: Clock, retention: int, interval: int) -> None:
        self._database = database
        self._clock = clock
        self._retention = retention
        self._interval = interval
        self._changed = asyncio.Event()

    def set_retention(self, retention: int) -> None:
        """From now on, beginning with a look at once."""
        self._retention = retention
        self._changed.set()

    def set_interval(self, interval: int) -> None:
        """As `set_retention`."""
        self._interval = interval
        self._changed.set()

    async def run(self) -> None:
        """Prune now and then every `interval`, for ever. Faults of the store are waited out."""
        while True:
            self._changed.clear()
            await self.prune()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval / 1000):
                    await self._changed.wait()

    async def prune(self) -> int:
        """Prune once; returns how many events were deleted. If any were, the event `events.pruned` says so."""
        deleted = await self._prune_events()
        await self._prune_answers()
        await self._prune_trigger_events()
        return deleted

    async def _prune_events(self) -> int:
        now = self._clock.now()
        step = _Step(above=None, deleted=0, done=False)
        while not step.done:
            step = await self._database.write_patiently(
                partial(_prune_some, before=now - self._retention, now=now, last=step)
            )
            await asyncio.sleep(_PAUSE)
        return step.deleted

    async def _prune_answers(self) -> None:
        before = self._clock.now() - _ANSWERS_ARE_KEPT
        more = True
        while more:
            deleted = await self._database.write_patiently(lambda tx: idempotency.delete_older(tx, before, _BATCH))
            more = deleted == _BATCH
            await asyncio.sleep(_PAUSE)

    async def _prune_trigger_events(self) -> None:
        cutoff = self._clock.now() - self._retention
        more = True
        while more:
            deleted = await self._database.write_patiently(lambda tx: trigger_events.delete_older(tx, cutoff, _BATCH))
            more = deleted == _BATCH
            await asyncio.sleep(_PAUSE)


class _Step(NamedTuple):
    """How far it went: up to the number `above`, with `deleted` events so far."""

    above: int | None
    deleted: int
    done: bool


def _prune_some(transaction: Transaction, *, before: int, now: int, last: _Step) -> _Step:
    above = first_seq(transaction) - 1 if last.above is None else last.above
    count, done = delete_older(transaction, above, _BATCH, before, now)
    deleted = last.deleted + count
    if done and deleted:
        transaction.emit(Kind.EVENTS_PRUNED, now, data={"count": deleted, "before": before})
    return _Step(above + _BATCH, deleted, done)
