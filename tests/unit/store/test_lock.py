from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gofer.errors import ConfigError
from gofer.server.store.database import Database
from gofer.sqlite.lock import Lock

HOLDER = """
import asyncio, sys
from pathlib import Path
from gofer.server.store.database import Database

async def main():
    database = Database(Path(sys.argv[1]))
    await database.open()
    print("open", flush=True)
    sys.stdin.readline()

asyncio.run(main())
"""


async def test_a_second_process_is_refused_until_the_first_is_dead(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(ConfigError, match=rf"in use by another Gofer \(process {holder.pid}\)"):
            await Database(path).open()
        holder.kill()
    database = Database(path)
    await database.open()
    assert int((tmp_path / "gofer.db.lock").read_text()) == os.getpid()
    await database.close()


async def test_two_in_one_process_are_refused_too(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in use by another Gofer"):
        await Database(tmp_path / "gofer.db").open()


async def test_to_look_whether_it_is_held_takes_nothing(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in use by another Gofer"):
        Lock(tmp_path / "gofer.db.lock").check()
    await database.close()
    Lock(tmp_path / "gofer.db.lock").check()
    await database.open()
    Lock(tmp_path / "nothing.lock").check()
    assert not (tmp_path / "nothing.lock").exists()


async def test_a_start_that_fails_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    path.write_bytes(b"hello " * 1000)
    with pytest.raises(ConfigError, match="not a database"):
        await Database(path).open()
    path.unlink()
    database = Database(path)
    await database.open()
    await database.close()
