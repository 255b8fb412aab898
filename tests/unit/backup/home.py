"""The data of a server, made without one, and archives of it."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import aclosing, closing, nullcontext
from functools import partial
from pathlib import Path

from gofer.config.settings import (
    FilesystemObjectStoreSettings,
    ObjectStoreSettings,
    SqliteObjectStoreSettings,
)
from gofer.engines.object_store.base import ObjectStore
from gofer.engines.registry import object_store
from gofer.engines.secret_store.base import Scope, SecretName
from gofer.engines.secret_store.sqlite import SqliteSecretStore
from gofer.models.encryption_keys import EncryptionKeys
from gofer.server.backup.layout import Place
from gofer.server.backup.restore import Restored, restore
from gofer.server.backup.take import Backups, ObjectSource
from gofer.server.clock import Clock
from gofer.server.store import objects as rows_of_objects
from gofer.server.store.database import Database
from tests.conformance.object_store.conftest import got, listed, put
from tests.unit.store.seed import add_pipeline, add_run, note

KEYS = EncryptionKeys(b"k" * 32, (), "a test")
LINE = b"2026-01-01T00:00:00.000000000Z stdout F line\n"


def place(folder: Path, logs: Path | None = None) -> Place:
    return Place(folder, logs or folder / "logs")


def new_store(engine: str, folder: Path) -> ObjectStore:
    return object_store(engine, ObjectStoreSettings(), folder)


def store_of(at: Place) -> ObjectStore:
    """The object store of a server, not opened."""
    path = at.objects_path
    places = ObjectStoreSettings(
        sqlite=SqliteObjectStoreSettings(path=path), filesystem=FilesystemObjectStoreSettings(path=path)
    )
    return object_store(at.engine, places, at.storage)


def backups(at: Place, database: Database, *, store: ObjectStore | None = None, patience: float = 300.0) -> Backups:
    source = ObjectSource(store or store_of(at), nullcontext)
    return Backups(at, database, Clock(), source, patience=patience)


async def fill_stores(at: Place, objects: Mapping[str, bytes], secrets: Mapping[str, str]) -> None:
    """Objects of the pipeline `p`, and global secrets, by their names."""
    store, database = store_of(at), Database(at.database)
    await store.open()
    await database.open()
    for name, data in objects.items():
        digest = await put(store, data)
        new = rows_of_objects.New(name, digest, len(data), "text/plain", "", 1)
        await database.write(partial(rows_of_objects.insert, spot=rows_of_objects.Spot(1), new=new))
    await store.close()
    await database.close()
    kept = SqliteSecretStore(at.secrets_file, KEYS)
    await kept.open()
    for name, value in secrets.items():
        await kept.put(SecretName(name), value, ["*"], 1, "me")
    await kept.close()


async def stores_hold(at: Place) -> tuple[dict[str, bytes], dict[str, str]]:
    """What `fill_stores` has put there, as a server finds it."""
    store, database = store_of(at), Database(at.database)
    await store.open()
    await database.open()
    found = await database.read(lambda c: c.execute("SELECT name, digest FROM objects ORDER BY name").fetchall())
    objects = {name: await got(store, digest) for name, digest in found}
    assert len(await listed(store)) == len(set(objects.values()))
    await store.close()
    await database.close()
    kept = SqliteSecretStore(at.secrets_file, KEYS)
    await kept.open()
    names = [entry.name for entry in await kept.list(Scope(), "", 100)]
    secrets = {name.key: await kept.get(name) or "" for name in names}
    await kept.close()
    return objects, secrets


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


async def archive_of(at: Place, logs: bool = True, objects: bool = True) -> bytes:
    database, store = Database(at.database), store_of(at)
    await database.open()
    await store.open()
    try:
        return await taken(backups(at, database, store=store), logs, objects)
    finally:
        await store.close()
        await database.close()


async def taken(backups: Backups, logs: bool = True, objects: bool = True) -> bytes:
    async with aclosing(backups.take(logs, objects)) as pieces:
        return b"".join([piece async for piece in pieces])


def put_back(archive: bytes, at: Place, *, force: bool = False) -> Restored:
    return restore(io.BytesIO(archive).read, at, new_store, force=force)


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
