"""A restore that is killed: nothing has happened, or the next start finishes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gofer.server.backup.layout import Place
from gofer.server.backup.swap import finish_interrupted
from tests.conformance.object_store.conftest import some
from tests.unit.backup.home import LINE, archive_of, change, fill, fill_stores, place, rows, stores_hold, tree

# Dies when the n-th of the calls that change folders or wait for the disk is about to be made.
CHILD = """
import os, signal, sys
from pathlib import Path

left = int(sys.argv[3])

def mortal(function):
    def call(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return call

for name in ("rename", "replace", "mkdir", "fsync", "sync", "unlink", "rmdir", "open"):
    setattr(os, name, mortal(getattr(os, name)))

from gofer.server.backup.layout import Place
from gofer.server.backup.restore import restore
from tests.unit.backup.home import new_store

storage = Path(sys.argv[2])
with open(sys.argv[1], "rb") as source:
    restore(source.read, Place(storage, storage.parent / "logs", engine=sys.argv[4]), new_store, force=True)
"""


NEW = {"one": b"1", "two": some(600_000)}
OLD = {"mine": b"mine"}


def run(archive: Path, at: Place, calls: int) -> int:
    command = [sys.executable, "-c", CHILD, str(archive), str(at.storage), str(calls), at.engine]
    return subprocess.run(command, capture_output=True, check=False).returncode


def described(at: Place) -> str:
    return str(rows(at.database, "SELECT description FROM pipelines")[0][0])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ["sqlite", "filesystem"])
async def test_killed_anywhere(engine: str, tmp_path: Path) -> None:
    source = place(tmp_path / "source")
    await fill(source)
    await fill_stores(source, NEW, {"token": "new"})
    change(source.database, "UPDATE pipelines SET description = 'new';")
    archive = tmp_path / "x.tar"
    archive.write_bytes(await archive_of(source))
    model = place(tmp_path / "model" / "data", tmp_path / "model" / "logs")._replace(engine=engine)
    await fill(model, runs=2)
    await fill_stores(model, OLD, {"token": "old"})
    change(model.database, "UPDATE pipelines SET description = 'old';")
    old_logs = tree(model.logs)
    outcomes: list[str] = []
    for calls in range(1, 600):
        home = tmp_path / f"home-{calls}"
        subprocess.run(["cp", "-a", str(tmp_path / "model"), str(home)], check=True)
        at = place(home / "data", home / "logs")._replace(engine=engine)
        code = run(archive, at, calls)
        # What the next start does.
        finish_interrupted(at)
        outcomes.append(described(at))
        logs = {name: data for name, data in tree(at.logs).items() if not name.startswith(".")}
        assert await stores_hold(at) == (OLD if outcomes[-1] == "old" else NEW, {"token": outcomes[-1]})
        if outcomes[-1] == "old":
            assert logs == old_logs
            assert not list(at.storage.glob("before-restore-*"))
        else:
            assert logs == {f"default/p/{number}/t0/1.log": LINE * 10 for number in (1, 2, 3)}
            kept = next(at.storage.glob("before-restore-*"))
            assert rows(kept / "gofer.db", "SELECT description FROM pipelines") == [("old",)]
            kept_logs = next(at.logs.glob(".before-restore-*"))
            assert {name: data for name, data in tree(kept_logs).items() if name.startswith("default")} == old_logs
        assert not at.restoring.exists()
        assert not at.restoring_logs.exists()
        subprocess.run(["rm", "-r", str(home)], check=True)
        if code == 0:
            break
    else:
        raise AssertionError("it never came to its end")
    # First nothing has happened, and from one point on everything has.
    assert outcomes == sorted(outcomes, reverse=True)
    assert outcomes.count("old") > 10
    assert outcomes.count("new") > 10
