from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from gofer.server.store.database import Database
from tests.unit.store.seed import note


def count(connection: sqlite3.Connection) -> int:
    number: int = connection.execute("SELECT COUNT(*) FROM events").fetchone()[0]
    return number


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.read(lambda connection: connection.execute("DELETE FROM namespaces"))


async def test_a_read_sees_one_state_and_does_not_stop_the_writer(database: Database) -> None:
    started, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work(connection: sqlite3.Connection) -> tuple[int, int]:
        before = count(connection)
        loop.call_soon_threadsafe(started.set)
        assert go_on.wait(30)
        return before, count(connection)

    reading = asyncio.create_task(database.read(work))
    await started.wait()
    await database.write(note(1))
    go_on.set()
    assert await reading == (0, 0)
    assert await database.read(count) == 1


async def test_an_error_of_a_read_is_raised_and_the_reader_goes_on(tmp_path: Path) -> None:
    database = Database(tmp_path / "gofer.db", readers=1)
    await database.open()
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.read(lambda connection: connection.execute("SELECT * FROM nowhere"))
    with pytest.raises(ZeroDivisionError):
        await database.read(lambda connection: 1 // 0)
    assert await database.read(count) == 0
    await database.close()


async def test_more_reads_than_readers_wait_in_line(tmp_path: Path) -> None:
    database = Database(tmp_path / "gofer.db", readers=1)
    await database.open()
    go_on = threading.Event()
    order: list[int] = []

    def held(connection: sqlite3.Connection) -> None:
        assert go_on.wait(30)

    async def read(number: int) -> None:
        await database.read(count)
        order.append(number)

    first = asyncio.create_task(database.read(held))
    others = [asyncio.create_task(read(number)) for number in range(5)]
    await asyncio.sleep(0)
    others[1].cancel()
    await asyncio.sleep(0)
    go_on.set()
    await first
    await asyncio.gather(*others, return_exceptions=True)
    assert order == [0, 2, 3, 4]
    await database.close()


async def test_a_reader_whose_caller_gave_up_is_used_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "gofer.db", readers=1)
    await database.open()
    started, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def held(connection: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        assert go_on.wait(30)

    given_up = asyncio.create_task(database.read(held))
    await started.wait()
    given_up.cancel()
    waiting = asyncio.create_task(database.read(count))
    await asyncio.sleep(0)
    go_on.set()
    assert await waiting == 0
    assert given_up.cancelled()
    await database.close()
