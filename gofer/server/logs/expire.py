"""Expiry: the logs of each pipeline's newest runs are kept, those of older ones removed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gofer.server.clock import Clock
from gofer.server.expiry import PAUSE, Expiry
from gofer.server.logs import folder
from gofer.server.logs.logs import Logs
from gofer.server.logs.thread import in_thread
from gofer.server.own_log import get_logger
from gofer.server.store import logs as rows
from gofer.server.store.database import Database
from gofer.server.store.transaction import Readable

_BATCH = 200


class LogExpiry(Expiry[int]):
    """Keeps the logs of the newest `keep` runs of each pipeline (0: of all). Runs that have not ended keep theirs.

    The database says first that a log is expired, then its files go; files that a sudden end has left behind go at
    the next start, as do those of pipelines that are no more. `pause`: seconds for which ends of runs are collected.
    """

    def __init__(self, database: Database, logs: Logs, clock: Clock, keep: int, *, pause: float = PAUSE) -> None:
        super().__init__("logs", keep, pause)
        self._database = database
        self._logs = logs
        self._clock = clock

    async def open(self) -> None:
        """Make sure that what stands in the folder is this database's. Call before any run goes on or starts.

        Raises ConfigError if another server uses the folder.
        """
        root = self._logs.root
        await self._logs.claim(self._database.server_id)
        found = await in_thread(partial(folder.pipelines, root))
        known = await self._database.read(rows.pipelines)
        for namespace, pipeline in found:
            if (namespace, pipeline) not in known and folder.holds_only_logs(root, namespace, pipeline):
                await self._delete_pipeline(namespace, pipeline)

    async def _pipelines(self) -> Sequence[int]:
        return await self._database.read(partial(rows.pipelines_with_expirable, keep=self._keep))

    async def _expire(self, pipeline: int) -> None:
        while self._keep > 0:
            find = partial(rows.expirable, pipeline_key=pipeline, keep=self._keep, limit=_BATCH)
            found = await self._database.read(find)
            if not found:
                return
            await self._database.write(partial(rows.expire, found=found, at=self._clock.now()))
            await self._delete_runs(found[0].namespace, found[0].pipeline, [run.number for run in found])

    async def _begin(self) -> None:
        """Remove the files of runs whose logs are expired already, or that the database does not know."""
        root = self._logs.root
        await in_thread(partial(folder.empty_trash, root))
        found = await in_thread(partial(folder.pipelines, root))
        for begin in range(0, len(found), _BATCH):
            some = found[begin : begin + _BATCH]
            # The folders are listed before the database is asked: a run is in the database before it has a folder.
            listed = await in_thread(partial(_list_runs, root, some))
            kept = await self._database.read(partial(_list_kept, some=some))
            for pipeline, here, keep in zip(some, listed, kept, strict=True):
                if keep is not None:
                    await self._delete_runs(*pipeline, sorted(set(here) - keep))

    async def _delete_runs(self, namespace: str, pipeline: str, numbers: Sequence[int]) -> None:
        """Remove files; those that cannot be removed now are left to the next start.

        Many at a time: a hop to a thread for each would be slower than the runs that make them old.
        """
        for begin in range(0, len(numbers), _BATCH):
            failures = await self._logs.delete_runs(namespace, pipeline, numbers[begin : begin + _BATCH])
            if failures:
                about = {"namespace": namespace, "pipeline": pipeline, "runs": len(failures)}
                _warn("expired logs stay", **about, error=str(failures[0]))

    async def _delete_pipeline(self, namespace: str, pipeline: str) -> None:
        try:
            await self._logs.delete_pipeline(namespace, pipeline)
        except OSError as error:
            _warn("logs of a pipeline that is gone stay", namespace=namespace, pipeline=pipeline, error=str(error))


def _list_runs(root: Path, some: list[tuple[str, str]]) -> list[list[int]]:
    return [folder.runs(root, namespace, pipeline) for namespace, pipeline in some]


def _list_kept(connection: Readable, some: list[tuple[str, str]]) -> list[set[int] | None]:
    return [rows.kept(connection, namespace, pipeline) for namespace, pipeline in some]


def _warn(message: str, **details: object) -> None:
    get_logger("gofer.logs").warning(message, **details)
