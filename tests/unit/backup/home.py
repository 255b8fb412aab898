"""The data of a server, made without one, and archives of it."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from contextlib import aclosing, closing
from pathlib import Path

from gofer.server.backup.layout import Place
from gofer.server.backup.restore import Restored, restore
from gofer.server.backup.take import Backups
from gofer.server.clock import Clock
from gofer.server.store.database import Database
from tests.unit.store.seed import add_pipeline, add_run, note

LINE = b"2026-01-01T00:00:00.000000000Z stdout F line\n"


def place(folder: Path, logs: Path | None = None) -> Place:
    return Place(folder, logs or folder / "logs")


async def fill(at: Place, runs: int = 3, database: Database | None = None) -> None:
    """A pipeline `p` with runs of one task run each; each attempt but the last has ended, with a log of ten lines."""
    at.storage.mkdir(parents=True, exist_ok=True)
    own = database or Database(at.database)
    if database is None:
        await own.open()
    pipeline = await own.write(lambda tx: add_pipeline(tx, "p"))
    for number in range(1, runs + 1):
        await own.write(lambda tx, number=number: add_run(tx, pipeline, number, 1))  # type: ignore[misc]
        await own.write(note(number))
        log = at.logs / "default" / "p" / str(number) / "t0" / "1.log"
        log.parent.mkdir(parents=True)
        log.write_bytes(LINE * 10)
    await own.write(
        lambda tx: tx.execute(
            "UPDATE attempts SET log_state = 'complete', log_lines = 10, log_bytes = 50 WHERE run_key < ?", (runs,)
        )
    )
    if database is None:
        await own.close()


async def archive_of(at: Place, logs: bool = True) -> bytes:
    database = Database(at.database)
    await database.open()
    try:
        return await taken(Backups(at, database, Clock()), logs)
    finally:
        await database.close()


async def taken(backups: Backups, logs: bool = True) -> bytes:
    async with aclosing(backups.take(logs)) as pieces:
        return b"".join([piece async for piece in pieces])


def put_back(archive: bytes, at: Place, *, force: bool = False) -> Restored:
    return restore(io.BytesIO(archive).read, at, force=force)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.executescript(sql)


def tree(folder: Path, *, but: Callable[[str], bool] = lambda name: False) -> dict[str, bytes]:
    """Every file of a folder by its path in it, without the lock file, which stays for ever."""
    return {
        name: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not (name := str(path.relative_to(folder))).endswith(".lock") and not but(name)
    }
