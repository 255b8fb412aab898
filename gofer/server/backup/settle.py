"""The first start after a restore: the database is told what came back with it and what did not."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from gofer.models.event import Kind
from gofer.server.clock import Clock
from gofer.server.logs.folder import LogId, log_path
from gofer.server.logs.thread import in_thread
from gofer.server.own_log import get_logger
from gofer.server.store import access, meta
from gofer.server.store import backup as rows
from gofer.server.store.backup import CompleteLog
from gofer.server.store.database import Database


async def settle(database: Database, logs: Path, clock: Clock) -> None:
    """Does nothing unless this is the first start after a restore. Call before any run goes on, and before sessions are
    read: none comes back, as it may have ended since the backup was taken.

    The logs of ended attempts that are not there (the backup had none, or they expired while it was taken) are recorded
    as expired, so that nobody takes them for empty.
    """
    told = await database.read(lambda connection: meta.get(connection, meta.RESTORED))
    if told is None:
        return
    complete = await database.read(rows.complete_logs)
    missing = await in_thread(partial(_missing, logs, complete))
    data: dict[str, Any] = {**msgspec.json.decode(told), "logs_missing": len(missing)}
    at = clock.now()

    def work(tx: Any) -> None:
        rows.expire_attempts(tx, missing)
        access.delete_all_sessions(tx)
        meta.remove(tx, meta.RESTORED)
        tx.emit(Kind.BACKUP_RESTORED, at, data=data)

    await database.write_patiently(work)
    get_logger("gofer.backup").info("restored from a backup", **data)


def _missing(root: Path, logs: list[CompleteLog]) -> list[tuple[int, int, int]]:
    return [found.key for found in logs if not log_path(root, LogId(*found.log)).exists()]
