"""What happens when the disk is full, the database is locked, or the file is damaged: all of it for real."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gofer.errors import ConfigError, GoferError, StoreBusy, StoreFull
from gofer.server.store.database import Database, Transaction
from tests.unit.store.seed import Gate, note

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""


class Faults:
    """Hears what the database says of itself."""

    def __init__(self, database: Database) -> None:
        self.heard: list[str] = []
        self._database = database
        self._changed = asyncio.Event()
        database.on_fault = self._hear

    def _hear(self, text: str) -> None:
        assert text == self._database.fault
        self.heard.append(text)
        self._changed.set()

    async def ended(self) -> None:
        while self._database.fault:
            self._changed.clear()
            await self._changed.wait()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    # Lazily: a test that failed may have left a file open.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
async def on_small_disk(small_disk: Path) -> AsyncIterator[Database]:
    database = Database(small_disk / "gofer.db")
    await database.open()
    yield database
    await database.close()


def big(tx: Transaction) -> None:
    """About 4 MB."""
    tx.execute("INSERT INTO meta (name, value) VALUES ('big', ?)", ("x" * 4_000_000,))


def fill(folder: Path) -> Path:
    """Use up the disk, to the last byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 65536) == 65536:
                pass
        except OSError:
            pass
    return filler


async def test_a_full_disk_refuses_and_undoes_the_whole_transaction(on_small_disk: Database) -> None:
    faults = Faults(on_small_disk)
    await on_small_disk.write(note(1))
    async with Gate(on_small_disk):
        writes = [asyncio.create_task(on_small_disk.write(work)) for work in (note(2), big, note(3))]
        await asyncio.sleep(0)
    errors = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(error) for error in errors] == [StoreFull] * 3
    assert "full" in on_small_disk.fault
    runs = await on_small_disk.read(lambda connection: connection.execute("SELECT run FROM events").fetchall())
    assert [row["run"] for row in runs] == [1]
    # It goes on by itself, without anybody writing.
    await faults.ended()
    assert [bool(text) for text in faults.heard] == [True, False]
    assert await on_small_disk.write(note(4)) == 4


async def test_a_patient_write_waits_until_there_is_room(on_small_disk: Database, small_disk: Path) -> None:
    faults = Faults(on_small_disk)
    filler = fill(small_disk)
    with pytest.raises(StoreFull) as caught:
        await on_small_disk.write(big)
    assert "Free some space" in caught.value.hint
    tries = 0
    second = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(tx: Transaction) -> int:
        nonlocal tries
        tries += 1
        if tries == 2:
            loop.call_soon_threadsafe(second.set)
        tx.execute("INSERT INTO meta (name, value) VALUES ('patient', ?)", ("x" * 100_000,))
        return tries

    patient = asyncio.create_task(on_small_disk.write_patiently(work))
    await second.wait()
    assert not patient.done()
    filler.unlink()
    assert await patient >= 2
    await faults.ended()
    stored = await on_small_disk.read(lambda connection: connection.execute("SELECT name FROM meta").fetchall())
    assert {row["name"] for row in stored} >= {"patient", "server_id"}


async def test_a_start_on_a_full_disk_is_one_clear_error(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(ConfigError, match=r"cannot be opened: (No space left on device|database or disk is full)"):
        await Database(small_disk / "gofer.db").open()


async def test_a_database_locked_by_another_process_refuses_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    database = Database(path, busy_timeout=0.1)
    await database.open()
    faults = Faults(database)
    await database.write(note(1))
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(StoreBusy, match="locked by another program"):
            await database.write(note(2))
        patient = asyncio.create_task(database.write_patiently(note(3)))
        rows = await database.read(lambda connection: connection.execute("SELECT run FROM events").fetchall())
        assert [row["run"] for row in rows] == [1]
        assert "locked" in database.fault
        holder.communicate("\n")
    assert await patient == 3
    await faults.ended()
    assert [bool(text) for text in faults.heard] == [True, False]
    await database.close()


async def test_close_does_not_wait_for_the_end_of_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    database = Database(path, busy_timeout=0.1)
    await database.open()
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        patient = asyncio.create_task(database.write_patiently(note(1)))
        with pytest.raises(StoreBusy):
            await database.write(note(2))
        await database.close()
        with pytest.raises(GoferError):
            await patient
        holder.communicate("\n")


async def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    database = Database(path)
    await database.open()
    await database.write(lambda tx: [note(number)(tx) for number in range(5000)])
    await database.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 65536)
    await database.open()
    with pytest.raises(GoferError, match="is damaged") as caught:
        await database.read(lambda connection: connection.execute("SELECT SUM(LENGTH(kind)) FROM events").fetchall())
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)
    assert "backup" in caught.value.hint
    await database.close()
