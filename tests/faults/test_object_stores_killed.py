"""An object store whose process is killed: every content is there whole or not at all, and nothing else is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gofer.engines.registry import OBJECT_STORES
from tests.conformance.object_store.conftest import Stores, digest, got, listed, some

# A life of a store that dies before the n-th SQL statement, or call that changes a file or waits for the disk. What it
# was told is in `journal`: `+ x` after the content x was kept, `- x` before it is deleted.
CHILD = """
import asyncio, os, signal, sqlite3, sys
from pathlib import Path

from gofer.config.settings import ObjectStoreSettings
from gofer.engines.object_store.base import PIECE
from gofer.engines.registry import object_store
from tests.conformance.object_store.conftest import digest, put, some
from tests.faults.test_object_stores_killed import SIZES

left = 0

def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def mortal(function):
    def call(*arguments, **named):
        count()
        return function(*arguments, **named)
    return call

connect = sqlite3.connect

def traced(*arguments, **named):
    connection = connect(*arguments, **named)
    connection.set_trace_callback(count)
    return connection

write = os.write

async def life(name, folder, journal):
    def tell(what):
        write(journal, what.encode() + b"\\n")
    store = object_store(name, ObjectStoreSettings(), folder)
    await store.open()
    for number, size in enumerate(SIZES):
        kept = await put(store, some(size, number), lambda: PIECE // 3)
        tell("+ " + kept)
        if number % 2:
            await put(store, some(size, number))
            tell("- " + kept)
            await store.delete(kept)
        given_up = await store.upload()
        await given_up.write(some(PIECE, 100 + number))
        await given_up.abort()
    await store.close()

def die_or_not(calls):
    global left
    folder = Path(sys.argv[2], str(calls))
    folder.mkdir()
    journal = os.open(folder / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for call in ("rename", "replace", "mkdir", "fsync", "unlink", "open", "write", "close", "ftruncate"):
        setattr(os, call, mortal(getattr(os, call)))
    sqlite3.connect = traced
    left = calls
    asyncio.run(life(sys.argv[1], folder / "store", journal))

for calls in range(1, 2000):
    # Nothing has threads yet.
    child = os.fork()
    if child == 0:
        try:
            die_or_not(calls)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != -signal.SIGKILL:
        sys.exit(code)
"""
SIZES = [10, 600_000, 0, 256 * 1024]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", list(OBJECT_STORES))
async def test_killed_anywhere(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, name, str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    lives = sorted((path for path in tmp_path.iterdir() if path.is_dir()), key=lambda path: int(path.name))
    assert len(lives) > 50
    counts = [await check(name, life) for life in lives]
    # The first has kept nothing, the last has come to its end.
    assert counts[0] == 0
    assert counts[-1] == len(SIZES) // 2


async def check(name: str, life: Path) -> int:
    """Every promise about what a life has left; how many contents there are."""
    told = [line.split() for line in (life / "journal").read_text().splitlines()]
    deleting = {what for sign, what in told if sign == "-"}
    kept = {what for sign, what in told if sign == "+"} - deleting
    tried = {digest(some(size, number)): some(size, number) for number, size in enumerate(SIZES)}
    stores = Stores(name, life / "store")
    async with stores.life() as store:
        found = {content.digest: content.size for content in await listed(store)}
        assert kept <= set(found) <= set(tried)
        for each, size in found.items():
            assert await got(store, each) == tried[each]
            assert size == len(tried[each])
        # Nothing else takes room.
        await stores.shrinks_to(sum(found.values()) + 6 * 1024 * 1024)
        staging = stores.folder / "objects" / "staging"
        assert name != "filesystem" or list(staging.iterdir()) == []
        # It goes on.
        for each in found:
            await store.delete(each)
        assert await listed(store) == []
    return len(found)
