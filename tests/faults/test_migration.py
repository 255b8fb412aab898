"""A change of the schema that is killed, that finds no room, or that is broken: the data are as they were."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gofer.server.store.migrate import FOLDER, migrations
from tests.support.server import ServerProcess
from tests.upgrade.keep import unpack
from tests.upgrade.test_upgrade import ENVIRON

# Dies at the n-th statement, or call that waits for the disk or names a file.
CHILD = """
import os, signal, sqlite3, sys
from pathlib import Path

left = int(sys.argv[2])

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

for name in ("rename", "replace", "fsync", "unlink", "chmod"):
    setattr(os, name, mortal(getattr(os, name)))

from gofer.server.store.migrate import migrate, migrations

path = Path(sys.argv[1])
connection = sqlite3.connect(path, isolation_level=None)
connection.set_trace_callback(count)
migrate(connection, path, migrations(Path(sys.argv[3])))
connection.close()
"""

THIRD = """
CREATE TABLE events_new AS SELECT * FROM events;
DROP TABLE events;
ALTER TABLE events_new RENAME TO events;
CREATE TABLE notes (x TEXT) STRICT;
INSERT INTO notes SELECT kind FROM events;
"""


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
        return found


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The migrations of a later program: one more, that rebuilds a table."""
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    (folder / f"{len(migrations()) + 1:04d}_later.sql").write_text(THIRD)
    return folder


def test_killed_anywhere(tmp_path: Path, later: Path) -> None:
    unpack(1, tmp_path / "model")
    before, goal = dump(tmp_path / "model" / "data" / "gofer.db"), len(migrations()) + 1
    (tmp_path / "model" / "data").rename(tmp_path / "seen")
    unpack(1, tmp_path / "model")
    outcomes: list[int] = []
    for calls in range(1, 400):
        folder = tmp_path / f"data-{calls}"
        shutil.copytree(tmp_path / "model" / "data", folder)
        path = folder / "gofer.db"
        command = [sys.executable, "-c", CHILD, str(path), str(calls), str(later)]
        code = subprocess.run(command, check=False).returncode
        outcomes.append(version(path))
        if outcomes[-1] == 1:
            assert dump(path) == before
        # The next start has no trouble with what was left.
        assert subprocess.run([*command[:-2], "0", command[-1]], check=False).returncode == 0
        assert version(path) == goal
        assert dump(folder / "gofer.db.v1.bak") == before
        shutil.rmtree(folder)
        if code == 0:
            break
    else:
        raise AssertionError("it never came to its end")
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {1, goal}
    assert outcomes.count(1) > 10


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_no_room_for_the_copy(disk: Path) -> None:
    unpack(1, disk)
    path = disk / "data" / "gofer.db"
    before = dump(path)
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(ballast, ballast.stat().st_size - 40_000)
    refused = subprocess.run(
        [sys.executable, "-m", "gofer", "service", "start", "--engine", "fake", "--storage", str(disk / "data")],
        env={**os.environ, "GOFER_SERVER__HOST": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2, refused.stderr
    assert "must be copied before its schema is updated" in refused.stderr
    assert "hint: Make room" in refused.stderr
    assert version(path) == 1
    assert dump(path) == before
    assert not list(path.parent.glob("*.bak*"))
    ballast.unlink()
    server = ServerProcess(disk, "fake", ENVIRON)
    try:
        server.start()
        assert version(path) == len(migrations())
    finally:
        assert server.stop() == 0
