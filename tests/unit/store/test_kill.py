"""A process that is killed with SIGKILL has lost nothing that it acknowledged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gofer.server.store.database import Database

WRITER = """
import asyncio, sys
from pathlib import Path
from gofer.models.event import Kind
from gofer.server.store.database import Database

async def main():
    database = Database(Path(sys.argv[1]))
    await database.open()
    numbers = iter(range(10**9))

    async def client():
        for number in numbers:
            await database.write(lambda tx: tx.emit(Kind.RUN_QUEUED, 1, run=number))
            print(number, flush=True)

    await asyncio.gather(*(client() for _ in range(20)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(2000)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
    database = Database(path)
    await database.open()
    stored = await database.read(
        lambda reader: [row["run"] for row in reader.execute("SELECT run FROM events ORDER BY seq")]
    )
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored)) == database.last_seq
    await database.close()
