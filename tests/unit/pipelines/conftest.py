from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.models.event import Event
from gofer.server.clock import Clock
from gofer.server.pipelines.namespaces import Namespaces
from gofer.server.pipelines.register import Pipelines
from gofer.server.pipelines.versions import Versions
from gofer.server.store.database import Database


class Server:
    """The use cases on an empty store, and the events that they have caused."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.pipelines = Pipelines(database, Clock())
        self.versions = Versions(database, Clock())
        self.namespaces = Namespaces(database, Clock())
        self.events: list[Event] = []
        database.on_commit = self.events.extend

    def told(self) -> list[str]:
        """The kinds of the events since the last call."""
        kinds = [event.kind for event in self.events]
        self.events.clear()
        return kinds


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    yield Server(database)
    await database.close()
