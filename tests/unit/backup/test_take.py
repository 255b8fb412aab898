from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from gofer.archive.read import read_archive
from gofer.errors import Conflict, GoferError, StoreFull, Unavailable
from gofer.server.backup.copy import Stopped, copy_database, require_space, sweep
from gofer.server.store.database import Database
from tests.unit.archive.making import Keep, reader
from tests.unit.backup.home import LINE, archive_of, backups, fill, place, taken
from tests.unit.store.seed import note


async def test_what_is_in_it(tmp_path: Path) -> None:
    at = place(tmp_path)
    await fill(at)
    keep = Keep()
    backup = read_archive(reader(await archive_of(at)), keep)
    assert backup.head.schema >= 1
    assert backup.head.logs
    assert list(keep.files) == ["gofer.db", *(f"logs/default/p/{run}/t0/1.log" for run in (1, 2, 3))]
    assert all(bytes(data) == LINE * 10 for name, data in keep.files.items() if name != "gofer.db")
    assert not at.taking.exists()
    assert abs(backup.size - backup.head.expected_bytes) < 8192


async def test_without_logs(tmp_path: Path) -> None:
    at = place(tmp_path)
    await fill(at)
    keep = Keep()
    backup = read_archive(reader(await archive_of(at, logs=False)), keep)
    assert (backup.head.logs, list(keep.files)) == (False, ["gofer.db"])


async def test_of_a_log_only_whole_records(tmp_path: Path) -> None:
    at = place(tmp_path)
    await fill(at)
    logs = at.logs / "default" / "p"
    (logs / "1/t0/1.log").write_bytes(LINE * 3 + LINE[:50].rstrip(b"\n"))
    (logs / "2/t0/1.log").write_bytes(b"x" * 500_000)
    (logs / "3/t0/1.log").unlink()
    keep = Keep()
    read_archive(reader(await archive_of(at)), keep)
    assert keep.files["logs/default/p/1/t0/1.log"] == LINE * 3
    assert keep.files["logs/default/p/2/t0/1.log"] == b""
    assert "logs/default/p/3/t0/1.log" not in keep.files


async def test_a_link_in_the_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    at = place(tmp_path)
    await fill(at)
    log = at.logs / "default/p/1/t0/1.log"
    log.unlink()
    log.symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic links"):
        await archive_of(at)


async def test_one_at_a_time_and_again_afterwards(tmp_path: Path) -> None:
    at = place(tmp_path)
    await fill(at)
    database = Database(at.database)
    await database.open()
    one = backups(at, database)
    first = one.take(True)
    await anext(first)
    with pytest.raises(Conflict, match="Another backup"):
        await taken(one)
    await first.aclose()
    assert not at.taking.exists()
    assert await taken(one)
    kinds = await database.read(lambda c: [row[0] for row in c.execute("SELECT kind FROM events ORDER BY seq")])
    assert kinds.count("backup.taken") == 1
    await database.close()


async def test_a_reader_that_takes_nothing_is_given_up(tmp_path: Path) -> None:
    at = place(tmp_path)
    await fill(at)
    database = Database(at.database)
    await database.open()
    one = backups(at, database, patience=0.01)
    first = one.take(True)
    await anext(first)
    while at.taking.exists():
        await asyncio.sleep(0.001)
    with pytest.raises(Unavailable, match="given up"):
        await anext(first)
    # Its end does not touch what has begun since.
    second = one.take(True)
    await anext(second)
    await first.aclose()
    assert at.taking.exists()
    await second.aclose()
    await database.close()


async def test_what_a_dead_server_left_is_swept(tmp_path: Path) -> None:
    at = place(tmp_path)
    (at.taking / "abc").mkdir(parents=True)
    (at.taking / "abc" / "gofer.db").write_bytes(b"half")
    sweep(at.taking)
    assert not at.taking.exists()


async def test_writers_do_not_wait_for_the_copy(tmp_path: Path) -> None:
    """A copy is a state between two transactions, though they go on while it is made."""
    at = place(tmp_path)
    await fill(at)
    database = Database(at.database)
    await database.open()
    await database.write(
        lambda tx: tx.executemany(
            "INSERT INTO idempotency VALUES (?, '', 200, ?, 1)", ((str(n), os.urandom(4000)) for n in range(3000))
        )
    )
    copying = asyncio.ensure_future(
        asyncio.to_thread(copy_database, at.database, tmp_path / "copy.db", threading.Event())
    )
    written = 0
    while not copying.done():
        written += 1
        await database.write(note(1000 + written))
    await copying
    assert written > 1
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        seen = [row[0] for row in copy.execute("SELECT run FROM events WHERE run > 1000 ORDER BY seq")]
        assert seen == list(range(1001, 1001 + len(seen)))
        assert len(seen) < written
    await database.close()


def test_a_copy_that_is_wanted_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE t (x); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
            " INSERT INTO t SELECT i FROM n;"
        )
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        copy_database(path, tmp_path / "copy.db", stop)
    assert not (tmp_path / "copy.db").exists()


def test_a_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", ((b"x" * 3000,) for _ in range(50)))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(GoferError, match="damaged"):
        copy_database(path, tmp_path / "copy.db", threading.Event())
    assert not (tmp_path / "copy.db").exists()


def test_room_is_asked_for_first(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with path.open("wb") as file:
        file.truncate(2**42)
    with pytest.raises(StoreFull, match="passing copy"):
        require_space([path], tmp_path)
