"""Secrets and objects in backups."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gofer.archive.read import read_archive
from gofer.engines.object_store.base import ObjectStore
from gofer.engines.object_store.sqlite import SqliteObjectStore
from gofer.errors import ConfigError, Conflict, InvalidArchive, Unavailable
from gofer.server.backup.layout import Place, part_names
from gofer.server.backup.restore import restore, verify
from gofer.server.backup.swap import finish_interrupted
from gofer.server.backup.take import Backups, ObjectSource
from gofer.server.clock import Clock
from gofer.server.objects.collect import Collector
from gofer.server.objects.digest_locks import DigestLocks
from gofer.server.store.database import Database
from gofer.server.store.migrate import migrations, names, names_in
from tests.conformance.object_store.conftest import digest, listed, some
from tests.unit.archive.making import Keep, make, reader
from tests.unit.backup.home import (
    LINE,
    archive_of,
    backups,
    change,
    fill,
    fill_stores,
    new_store,
    place,
    put_back,
    rows,
    store_of,
    stores_hold,
    taken,
    tree,
)

OBJECTS = {"empty": b"", "large": some(1_500_000), "same": b"one", "small": b"one"}
SECRETS = {"token": "hunter2", "other": "x" * 1000}


def at_home(folder: Path, kind: str) -> Place:
    """Servers that keep their stores in different places."""
    home = place(folder / "data")
    if kind == "filesystem":
        return home._replace(engine="filesystem")
    if kind == "elsewhere":
        return home._replace(secrets_path=folder / "a" / "safe.db", objects_path=folder / "b" / "things.db")
    if kind == "folder elsewhere":
        return home._replace(engine="filesystem", objects_path=folder / "b" / "things")
    return home


KINDS = ["sqlite", "filesystem", "elsewhere", "folder elsewhere"]


async def filled(at: Place, objects: Mapping[str, bytes] = OBJECTS, secrets: Mapping[str, str] = SECRETS) -> Place:
    await fill(at)
    await fill_stores(at, objects, secrets)
    return at


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", ["sqlite", "folder elsewhere"])
async def test_there_and_back(tmp_path: Path, source: str, kind: str) -> None:
    """A backup says nothing of the engine that it was taken from."""
    archive = await archive_of(await filled(at_home(tmp_path / "source", source)))
    backup = verify(reader(archive))
    assert [(part.name, part.files) for part in backup.parts] == [
        ("gofer.db", 1), ("secrets.db", 1), ("logs", 3), ("objects", 3),
    ]  # fmt: skip
    assert abs(backup.size - backup.head.expected_bytes) < 16384
    assert b"hunter2" not in archive
    at = at_home(tmp_path / "target", kind)
    restored = put_back(archive, at)
    assert (restored.kept, restored.kept_logs, restored.kept_stores) == ("", "", [])
    for path in (path for path in (tmp_path / "target").rglob("*") if path.is_file() and path.name != ".gofer"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert await stores_hold(at) == (OBJECTS, SECRETS)
    assert not [path for path in (tmp_path / "target").rglob("*") if "restor" in path.name]


@pytest.mark.parametrize("kind", KINDS)
async def test_over_others(tmp_path: Path, kind: str) -> None:
    archive = await archive_of(await filled(place(tmp_path / "source")))
    at = await filled(at_home(tmp_path / "target", kind), {"mine": some(700_000, 1)}, {"mine": "mine"})
    before = tree(tmp_path / "target")
    with pytest.raises(Conflict):
        put_back(archive, at)
    assert tree(tmp_path / "target") == before
    restored = put_back(archive, at, force=True)
    assert await stores_hold(at) == (OBJECTS, SECRETS)
    kept = [restored.kept, *restored.kept_stores]
    names = {path.name for folder in kept for path in Path(folder).iterdir()}
    assert {"gofer.db", at.secrets_file.name} <= names
    assert at.objects.names[0] in names if at.objects.names else digest(some(700_000, 1))[:2] in names
    # What was there is whole.
    for folder in kept:
        for path in Path(folder).rglob("*"):
            if path.name.endswith(("-wal", "-shm")):
                continue  # of looking into the database
            was = [data for name, data in before.items() if name.endswith(path.name)]
            assert path.is_dir() or path.read_bytes() in was


async def test_stores_that_are_there_want_force_as_well(tmp_path: Path) -> None:
    """`--storage` names another folder, and the configuration the stores of the server that there is."""
    archive = await archive_of(await filled(place(tmp_path / "source")))
    real = await filled(at_home(tmp_path / "real", "elsewhere"), {"mine": b"mine"}, {"mine": "mine"})
    look = real._replace(storage=tmp_path / "look", logs=tmp_path / "look" / "logs")
    before = tree(tmp_path / "real")
    with pytest.raises(Conflict, match="secrets or objects"):
        put_back(archive, look)
    # Nor are they touched while a server has them open.
    store = store_of(real)
    await store.open()
    with pytest.raises(ConfigError, match="in use by another Gofer"):
        put_back(archive, look, force=True)
    await store.close()
    assert tree(tmp_path / "real", but=lambda name: name.endswith(("-wal", "-shm"))) == before
    assert not (tmp_path / "look").exists()


async def test_without_objects(tmp_path: Path) -> None:
    source = await filled(place(tmp_path / "source"))
    archive = await archive_of(source, objects=False)
    backup = verify(reader(archive))
    assert (backup.head.objects, backup.head.secrets) == (False, True)
    # Where the store still has them, they are there again.
    change(source.database, "UPDATE objects SET name = name || '2'")
    put_back(archive, source, force=True)
    assert await stores_hold(source) == (OBJECTS, SECRETS)
    # Elsewhere the rows tell of contents that are missing.
    put_back(archive, elsewhere := place(tmp_path / "elsewhere"))
    assert len(rows(elsewhere.database, "SELECT * FROM objects")) == len(OBJECTS)
    assert not (elsewhere.storage / "objects.db").exists()


async def test_a_backup_of_an_older_gofer(tmp_path: Path) -> None:
    source = place(tmp_path / "source")
    await fill(source)
    keep = Keep()
    read_archive(reader(await archive_of(source)), keep)
    old = tmp_path / "old.db"
    old.write_bytes(keep.files.pop("gofer.db"))
    change(old, _without_later_tables(old))
    head = msgspec.structs.replace(
        keep.head, format=1, schema=2, parts=part_names(True), expected_bytes=1, objects=False, secrets=False
    )
    archive = make(old.read_bytes(), {name: bytes(data) for name, data in keep.files.items()}, head)
    at = await filled(place(tmp_path / "target"))
    restored = put_back(archive, at, force=True)
    # Nothing of what was there is lost, nor taken for the restored server's.
    assert {"gofer.db", "secrets.db", "objects.db"} <= {path.name for path in Path(restored.kept).iterdir()}
    assert not at.secrets_file.exists()
    assert not (at.storage / "objects.db").exists()
    assert (at.logs / "default/p/3/t0/1.log").read_bytes() == LINE * 10
    assert await stores_hold(at) == ({}, {})


def _without_later_tables(path: Path) -> str:
    """What makes schema 2 of the present one."""
    with closing(sqlite3.connect(path)) as connection:
        later = names_in(connection) - names(migrations()[:2])
    drops = [f"DROP {kind.upper()} IF EXISTS {name};" for kind, name in sorted(later, reverse=True)]
    columns = (
        "runs.variables",
        "runs.deployment",
        "versions.notes",
        "versions.registered_by",
        "pipelines.last_deployment",
    )
    drops += [f"ALTER TABLE {table} DROP COLUMN {name};" for table, name in (one.split(".") for one in columns)]
    return " ".join(drops) + " PRAGMA user_version = 2;"


async def test_a_missing_content_is_said_before_the_first_byte(tmp_path: Path) -> None:
    at = await filled(place(tmp_path))
    store = store_of(at)
    await store.open()
    await store.delete(digest(b"one"))
    await store.close()
    with pytest.raises(Conflict, match="content of the object same") as missing:
        await archive_of(at)
    assert "--no-objects" in missing.value.hint
    assert not at.taking.exists()
    assert verify(reader(await archive_of(at, objects=False)))


async def test_a_damaged_content_makes_no_backup(tmp_path: Path) -> None:
    at = at_home(tmp_path, "filesystem")
    await filled(at)
    name = digest(OBJECTS["large"])
    path = at.objects.folder / name[:2] / name[2:4] / name
    for data in (OBJECTS["large"][:-1] + b"?", OBJECTS["large"] + b"?", OBJECTS["large"][:-1]):
        path.write_bytes(data)
        with pytest.raises((Conflict, OSError), match=r"large|shorter"):
            await archive_of(at)
        assert not at.taking.exists()
    path.write_bytes(OBJECTS["large"])
    assert verify(reader(await archive_of(at)))


async def test_what_is_deleted_meanwhile_is_in_it_all_the_same(tmp_path: Path) -> None:
    """The copy of the database names contents that nobody else has any more when their turn comes."""
    at = await filled(place(tmp_path / "source"), {str(n): some(200_000, n) for n in range(8)})
    database, store = Database(at.database), store_of(at)
    await database.open()
    await store.open()
    collector = Collector(database, store, DigestLocks(), lambda _: None)
    one = Backups(at, database, Clock(), ObjectSource(store, collector.keep_all))
    collecting = asyncio.create_task(collector.run())
    pieces = one.take()
    archive = await anext(pieces)
    await database.write(lambda tx: tx.execute("DELETE FROM objects"))
    collector.notice()
    await collector.collect_once()
    assert len(await listed(store)) == 8
    archive += b"".join([piece async for piece in pieces])
    # Now they go.
    async with asyncio.timeout(60):
        while await listed(store):
            await asyncio.sleep(0.01)
    collecting.cancel()
    await asyncio.gather(collecting, return_exceptions=True)
    await store.close()
    await database.close()
    put_back(archive, target := place(tmp_path / "target"))
    assert (await stores_hold(target))[0] == {str(n): some(200_000, n) for n in range(8)}


async def test_a_reader_that_goes_away_leaves_nothing_open(tmp_path: Path) -> None:
    at = await filled(place(tmp_path), {"large": some(5_000_000)})
    database, store = Database(at.database), store_of(at)
    await database.open()
    await store.open()
    kept = []

    @contextmanager
    def keep_all():  # type: ignore[no-untyped-def]
        kept.append(True)
        try:
            yield
        finally:
            kept.pop()

    one = Backups(at, database, Clock(), ObjectSource(store, keep_all))
    for count in (1, 3, 8):
        pieces = one.take()
        for _ in range(count):
            await anext(pieces)
        assert kept == [True]
        await pieces.aclose()
        assert kept == []
        assert not at.taking.exists()
    assert await taken(backups(at, database, store=store))
    await store.close()
    await database.close()


def remade(archive: bytes, edit: Any) -> bytes:
    """The same archive with other files, its digests right."""
    keep = Keep()
    read_archive(reader(archive), keep)
    files = {name: bytes(data) for name, data in keep.files.items()}
    database = files.pop("gofer.db")
    edit(files)
    return make(database, files, keep.head)


@pytest.fixture
async def archive(tmp_path: Path) -> bytes:
    return await archive_of(await filled(place(tmp_path / "source")))


def name_of(data: bytes) -> str:
    return f"objects/{digest(data)[:2]}/{digest(data)}"


def forged(path: Path, sql: str) -> bytes:
    path.write_bytes(path.read_bytes())
    change(path, sql)
    return path.read_bytes()


FORGED = {
    "lacks the content of the object": lambda files: files.pop(name_of(b"one")),
    "another content under the name": lambda files: files.update({name_of(b"one"): b"two"}),
    "no content of an object": lambda files: files.update({"objects/aa/bb": b"two"}),
    "secret store in the backup is not sound: file is not": lambda files: files.update({"secrets.db": some(9000)}),
}


@pytest.mark.parametrize("wrong", list(FORGED))
async def test_forged(archive: bytes, tmp_path: Path, wrong: str) -> None:
    bad = remade(archive, FORGED[wrong])
    with pytest.raises(InvalidArchive, match=wrong):
        verify(reader(bad))
    for kind in KINDS:
        with pytest.raises(InvalidArchive, match=wrong):
            put_back(bad, at_home(tmp_path / kind, kind))
        assert not (tmp_path / kind / "data").exists()
        assert tree(tmp_path / kind) == {}


async def test_a_secret_store_with_something_that_runs(archive: bytes, tmp_path: Path) -> None:
    def edit(files: dict[str, bytes]) -> None:
        path = tmp_path / "evil.db"
        path.write_bytes(files["secrets.db"])
        change(path, "CREATE TRIGGER evil AFTER INSERT ON secrets BEGIN DELETE FROM secrets; END;")
        files["secrets.db"] = path.read_bytes()

    with pytest.raises(InvalidArchive, match="trigger evil"):
        verify(reader(remade(archive, edit)))


@pytest.mark.parametrize("kind", KINDS)
async def test_broken_off_anywhere_changes_nothing(archive: bytes, tmp_path: Path, kind: str) -> None:
    at = await filled(at_home(tmp_path / "target", kind), {"mine": b"mine"}, {"mine": "mine"})
    before = tree(tmp_path / "target")
    for cut in range(1000, len(archive), len(archive) // 12):
        with pytest.raises(InvalidArchive, match="breaks off"):
            restore(io.BytesIO(archive[:cut]).read, at, new_store, force=True)
        assert tree(tmp_path / "target") == before
    assert not finish_interrupted(at)


async def test_a_reader_that_stands_still_holds_up_neither_the_server_nor_the_contents(tmp_path: Path) -> None:
    at = await filled(place(tmp_path), {"large": some(5_000_000)})
    database, store = Database(at.database), store_of(at)
    await database.open()
    await store.open()
    collector = Collector(database, store, DigestLocks(), lambda _: None)
    one = Backups(at, database, Clock(), ObjectSource(store, collector.keep_all), patience=0.05)
    pieces = one.take()
    # It stands in the middle of a content.
    while len(await anext(pieces)) < 200_000:
        pass
    await database.write(lambda tx: tx.execute("DELETE FROM objects"))
    async with asyncio.timeout(60):
        while at.taking.exists() or await listed(store):
            await collector.collect_once()
            await asyncio.sleep(0.01)
    assert await taken(backups(at, database, store=store))
    with pytest.raises(Unavailable, match="given up"):
        await anext(pieces)
    await store.close()
    await database.close()


async def test_a_store_whose_log_could_not_be_moved_into_its_file_comes_back_whole(tmp_path: Path) -> None:
    archive = await archive_of(await filled(place(tmp_path / "source")))
    target = place(tmp_path / "target")
    looking: list[sqlite3.Connection] = []

    def make(engine: str, folder: Path) -> ObjectStore:
        store = SqliteObjectStore(folder / "objects.db")

        async def close() -> None:
            # Whoever has the file open keeps SQLite from removing the log, as a full disk does.
            looking.append(sqlite3.connect(folder / "objects.db", check_same_thread=False))
            looking[0].execute("BEGIN").execute("SELECT * FROM contents").fetchall()
            await SqliteObjectStore.close(store)

        store.close = close  # type: ignore[method-assign]
        return store

    restore(reader(archive), target, make, force=False)
    looking[0].close()
    assert await stores_hold(target) == (OBJECTS, SECRETS)
