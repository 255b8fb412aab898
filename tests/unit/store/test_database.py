from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from gofer.errors import ConfigError, Unavailable
from gofer.models.event import Event
from gofer.server.store import namespaces
from gofer.server.store.database import Database, Transaction
from tests.unit.store.seed import Gate, add_pipeline, note


def count_events(connection: sqlite3.Connection) -> int:
    count: int = connection.execute("SELECT COUNT(*) FROM events").fetchone()[0]
    return count


async def test_a_new_database_has_an_id_and_the_default_namespace(database: Database) -> None:
    default = await database.read(lambda connection: namespaces.get(connection, "default"))
    assert default is not None
    assert len(database.server_id) == 8
    assert int(database.server_id, 16) >= 0
    assert database.last_seq == 0


async def test_what_was_written_and_the_id_are_there_after_a_restart(tmp_path: Path) -> None:
    first = Database(tmp_path / "gofer.db")
    await first.open()
    await first.write(note(7))
    await first.close()
    second = Database(tmp_path / "gofer.db")
    await second.open()
    assert second.server_id == first.server_id
    assert second.last_seq == 1
    assert await second.read(count_events) == 1
    await second.close()


async def test_every_connection_is_as_durable_and_strict_as_promised(database: Database) -> None:
    def settings(connection: sqlite3.Connection) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys", "query_only")
        return tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)

    assert await database.write(lambda tx: settings(tx.connection)) == ("wal", 2, 1, 0)
    assert await database.read(settings) == ("wal", 2, 1, 1)


async def test_works_that_wait_share_one_commit(database: Database) -> None:
    commits: list[list[int | None]] = []
    database.on_commit = lambda events: commits.append([event.run for event in events])
    async with Gate(database):
        writes = [asyncio.create_task(database.write(note(number))) for number in range(50)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*writes) == list(range(50))
    assert commits == [list(range(50))]


async def test_a_transaction_takes_a_limited_number_of_works(database: Database) -> None:
    commits: list[int] = []
    database.on_commit = lambda events: commits.append(len(events))
    async with Gate(database):
        writes = [asyncio.create_task(database.write(note(number))) for number in range(1200)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*writes) == list(range(1200))
    assert commits == [500, 500, 200]


async def test_a_failing_work_undoes_itself_only(database: Database) -> None:
    published: list[Event] = []
    database.on_commit = published.extend

    def failing(tx: Transaction) -> None:
        note(99)(tx)
        add_pipeline(tx, "lost")
        raise KeyError("mine")

    async with Gate(database):
        writes = [
            asyncio.create_task(database.write(work))
            for work in (note(1), failing, lambda tx: add_pipeline(tx, "x", "no-such-namespace"), note(2))
        ]
        await asyncio.sleep(0)
    first, second, third, fourth = await asyncio.gather(*writes, return_exceptions=True)
    assert (first, fourth) == (1, 2)
    assert isinstance(second, KeyError)
    assert isinstance(third, sqlite3.IntegrityError)
    assert [(event.seq, event.run) for event in published] == [(1, 1), (2, 2)]
    assert await database.read(count_events) == 2
    assert database.fault == ""


async def test_a_work_that_ends_the_transaction_fails_and_harms_no_later_one(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="ended inside a work"):
        await database.write(lambda tx: tx.execute("COMMIT"))
    assert await database.write(note(1)) == 1


async def test_events_are_published_in_order_before_the_caller_goes_on(database: Database) -> None:
    published: list[Event] = []
    database.on_commit = published.extend

    async def write(number: int) -> None:
        await database.write(note(number))
        assert number in [event.run for event in published]
        assert database.last_seq == published[-1].seq

    await asyncio.gather(*(write(number) for number in range(300)))
    assert [event.seq for event in published] == list(range(1, 301))


async def test_a_write_given_up_before_its_turn_is_not_done(database: Database) -> None:
    async with Gate(database):
        given_up = asyncio.create_task(database.write(note(1)))
        kept = asyncio.create_task(database.write(note(2)))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
    assert await kept == 2
    assert given_up.cancelled()
    assert await database.read(count_events) == 1


async def test_close_finishes_what_is_queued(tmp_path: Path) -> None:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    writes = [asyncio.create_task(database.write(note(number))) for number in range(700)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*writes) == list(range(700))
    assert not (tmp_path / "gofer.db-wal").exists()


async def test_close_does_not_wait_for_a_long_look(tmp_path: Path) -> None:
    """As of a doctor who looks at the whole of a large database."""
    database = Database(tmp_path / "gofer.db")
    await database.open()
    begun = threading.Event()

    def look(connection: sqlite3.Connection) -> None:
        begun.set()
        connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n")

    looking = asyncio.create_task(database.read(look))
    await asyncio.to_thread(begun.wait, 10)
    async with asyncio.timeout(30):
        await database.close()
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        await looking


async def test_a_closed_database_refuses(tmp_path: Path) -> None:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    await database.close()
    await database.close()
    with pytest.raises(Unavailable, match="closed"):
        await database.write(note(1))
    with pytest.raises(Unavailable, match="closed"):
        await database.write_patiently(note(1))
    with pytest.raises(Unavailable, match="closed"):
        await database.read(count_events)


async def test_a_failing_listener_keeps_no_caller_waiting(database: Database) -> None:
    def fail(events: Sequence[Event]) -> None:
        raise RuntimeError("listener")

    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context["exception"]))
    database.on_commit = fail
    assert await database.write(note(1)) == 1
    assert [str(problem) for problem in problems] == ["listener"]


async def test_nobody_else_may_read_the_files(database: Database, tmp_path: Path) -> None:
    await database.write(note(1))
    modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert modes == {"gofer.db": 0, "gofer.db-wal": 0, "gofer.db-shm": 0, "gofer.db.lock": 0}


async def test_the_folder_is_made(tmp_path: Path) -> None:
    database = Database(tmp_path / "a" / "b" / "gofer.db")
    await database.open()
    await database.close()
    assert (tmp_path / "a" / "b").stat().st_mode & 0o077 == 0


async def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file/gofer\.db cannot be opened: Not a directory") as caught:
        await Database(tmp_path / "file" / "gofer.db").open()
    assert "server.storage_path" in caught.value.hint


async def test_an_unwritable_folder_is_one_clear_error(tmp_path: Path) -> None:
    # In a process of its own, as whoever runs the tests may be allowed to write everywhere.
    script = f"""
import asyncio, os
from pathlib import Path
from gofer.errors import ConfigError
from gofer.server.store.database import Database
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    asyncio.run(Database(Path({str(tmp_path)!r}) / "gofer.db").open())
except ConfigError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == f"The database {tmp_path}/gofer.db cannot be opened: Permission denied"


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    path.write_bytes(b"hello " * 1000)
    with pytest.raises(ConfigError, match="is damaged: file is not a database") as refused:
        await Database(path).open()
    assert "gofer service restore FILE --force" in refused.value.hint
    assert path.read_bytes() == b"hello " * 1000
