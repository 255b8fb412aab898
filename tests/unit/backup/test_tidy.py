"""What is removed may be large: the event loop turns on meanwhile."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from gofer.config.live import Live
from gofer.config.load import load
from gofer.server.app import running
from tests.unit.backup.home import archive_of, fill, place


class Removals:
    """The folders that are removed, each with whether that was in the thread of the event loop."""

    def __init__(self) -> None:
        self.found: dict[str, bool] = {}
        self.listens = True
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.listens and event == "shutil.rmtree":
            name = Path(str(arguments[0])).name
            self.found[name] = threading.current_thread() is threading.main_thread()


@pytest.fixture
def removals() -> Removals:
    return Removals()


async def test_at_the_start(tmp_path: Path, removals: Removals) -> None:
    for name in (".restoring", ".backup", "logs/.restoring"):
        (tmp_path / "data" / name / "1").mkdir(parents=True)
    given = {"server.storage_path": str(tmp_path / "data"), "server.host": "localhost:0", "scheduler.engine": "fake"}
    async with running(Live.fixed(load(None, {"HOME": str(tmp_path)}, given))):
        removals.listens = False
    assert removals.found == {".restoring": False, ".backup": False}


async def test_when_a_backup_is_done(tmp_path: Path, removals: Removals) -> None:
    at = place(tmp_path)
    await fill(at)
    await archive_of(at)
    removals.listens = False
    assert list(removals.found.values()) == [False]
