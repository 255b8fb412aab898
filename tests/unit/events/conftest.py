from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.server.clock import Clock
from gofer.server.events.bus import Bus
from gofer.server.store.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An open, empty database."""
    database = Database(tmp_path / "gofer.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def bus(database: Database) -> Bus:
    """A bus that hears every commit of the database."""
    bus = Bus(database)
    database.on_commit = bus.publish
    return bus


class SetClock(Clock):
    """A clock that is set by hand, in milliseconds."""

    def __init__(self, now: int) -> None:
        super().__init__()
        self.time = now

    def now(self) -> int:
        return self.time


@pytest.fixture
def clock() -> SetClock:
    return SetClock(1_000_000_000)
