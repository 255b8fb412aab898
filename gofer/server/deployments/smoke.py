"""The steward of blue/green deployments: starts their smoke runs, one after the other."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from gofer.errors import Conflict, GoferError, Unavailable
from gofer.models.event import Event, Kind
from gofer.models.run import Initiator, Run
from gofer.server.clock import Clock
from gofer.server.deployments.end import end
from gofer.server.deployments.smoke_rule import judge
from gofer.server.own_log import get_logger
from gofer.server.runs.ingress import Draining
from gofer.server.runs.service import Runs
from gofer.server.runs.start import Request
from gofer.server.store import deployments, pipelines
from gofer.server.store.database import Database, Transaction
from gofer.server.store.deployments import DeploymentRow, Ended
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.transaction import Readable

_RETRY_SECONDS = 1.0

# After each of these there may be a smoke run to start, as there may be after the end of one.
_WAKING = frozenset({Kind.DEPLOYMENT_STARTED, Kind.PIPELINE_ENABLED, Kind.INGRESS_OPENED})


class _BlueGreen(NamedTuple):
    """One that is under way."""

    pipeline: PipelineRow
    deployment: DeploymentRow


class _Superseded(Exception):
    """The deployment has ended, or has a smoke run under way: nothing is to be started."""


class SmokeSteward:
    """A side task. It keeps nothing that counts: what to do next is read from the store each time, and looked at again
    in the transaction that does it. So no smoke run is started twice, whatever dies when.
    """

    def __init__(self, database: Database, clock: Clock, runs: Runs) -> None:
        self._database = database
        self._clock = clock
        self._runs = runs
        self._open = asyncio.Event()
        self._woken = asyncio.Event()
        self._pipelines: frozenset[tuple[str, str]] = frozenset()
        self._log = get_logger("gofer.deployments")

    def open(self) -> None:
        """What an earlier life has left under way is on its way again: smoke runs may be started now."""
        self._open.set()

    def committed(self, events: Sequence[Event]) -> None:
        """These are on disk."""
        if any(self._wakes(event) for event in events):
            self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        await self._open.wait()
        while True:
            self._woken.clear()
            try:
                await self._look()
            except Unavailable:
                # That the store is in trouble is said elsewhere.
                asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._woken.set)
            await self._woken.wait()

    def _wakes(self, event: Event) -> bool:
        if event.kind == Kind.RUN_ENDED:
            return (event.namespace, event.pipeline) in self._pipelines
        return event.kind in _WAKING

    async def _look(self) -> None:
        """Start what is to be started. Raises Unavailable where the store is in trouble."""
        found = await self._database.read(_under_way)
        # Before their runs are read: an end that comes after that is heard of.
        self._pipelines = frozenset((one.pipeline.namespace, one.pipeline.id) for one in found)
        for one in found:
            if await self._database.read(lambda connection, one=one: _wants_a_run(connection, one.deployment)):  # type: ignore[misc]
                await self._start(one)

    async def _start(self, one: _BlueGreen) -> None:
        """Start its next run; or store why that cannot be. Raises Unavailable where the store is in trouble."""
        row, deployment = one
        try:
            run = await self._runs.start_event(_request(one), lambda tx, run: _confirm(tx, deployment, run))
        except _Superseded:
            return
        except (Draining, Conflict) as error:
            # It passes: the door is opened again, or the pipeline enabled.
            why = f"The next smoke run waits: {error.message.rstrip('.')}. {error.hint}".strip()
            await self._database.write(lambda tx: deployments.set_waiting(tx, deployment.key, why))
        except Unavailable:
            raise
        except GoferError as error:
            await self._give_up(one, error)
        else:
            self._log.info("smoke run started", pipeline=row.id, deployment=deployment.number, run=run.id)

    async def _give_up(self, one: _BlueGreen, error: GoferError) -> None:
        """What would never pass: its runs cannot be started at all."""
        detail = f"The smoke run cannot be started: {error.message}."
        ended = Ended("rolled_back", self._clock.now(), reason="smoke_refused", detail=detail)
        await self._database.write(lambda tx: end(tx, one.pipeline, one.deployment, ended))


def _under_way(connection: sqlite3.Connection) -> list[_BlueGreen]:
    found = [one for one in deployments.all_under_way(connection) if one.strategy == "blue_green"]
    rows = ((pipelines.by_key(connection, one.pipeline_key), one) for one in found)
    return [_BlueGreen(row, one) for row, one in rows if row is not None]


def _wants_a_run(connection: Readable, one: DeploymentRow, beside: int | None = None) -> bool:
    """Whether a smoke run is to be started now; `beside`: the number of one that does not count."""
    runs = deployments.smoke_runs(connection, one.pipeline_key, one.number, one.to_version)
    return judge(one.settings.smoke or 1, [run for run in runs if run.number != beside]).action == "start"


def _request(one: _BlueGreen) -> Request:
    row, deployment = one
    return Request(
        row.namespace,
        row.id,
        deployment.settings.parameters,
        deployment.to_version,
        Initiator(kind="deployment", name=str(deployment.number)),
        pipeline_key=row.key,
        deployment=deployment.number,
    )


def _confirm(tx: Transaction, deployment: DeploymentRow, run: Run) -> None:
    """In the transaction that stores the run: it is wanted still. Raises _Superseded, and nothing is stored."""
    now = deployments.under_way(tx, deployment.pipeline_key)
    if now is None or now.key != deployment.key or not _wants_a_run(tx, now, beside=run.id):
        raise _Superseded
    deployments.set_waiting(tx, deployment.key, "")
