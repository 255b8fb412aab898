"""A whole object service on a real database and a store in memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gofer.config.live import Live
from gofer.config.settings import ObjectStoreSettings, Settings
from gofer.models.event import Event
from gofer.models.object import Object
from gofer.server.clock import Clock
from gofer.server.objects.build import ObjectParts, build
from gofer.server.objects.place import Place
from gofer.server.store import objects as rows
from gofer.server.store import pipelines
from gofer.server.store.database import Database
from gofer.server.store.transaction import Transaction
from tests.unit.objects.memory_store import MemoryStore

AT_PIPELINE = Place("default", "one")
AT_RUN = Place("default", "one", 1)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


class World:
    """A pipeline `one` with as many runs as are added; `faults`: what was told of the store."""

    def __init__(self, database: Database, settings: ObjectStoreSettings) -> None:
        self.database = database
        self.store = MemoryStore()
        self.events: list[Event] = []
        self.faults: list[str] = []
        database.on_commit = self._heard
        self.live = Live.fixed(Settings(object_store=settings))
        self.parts = self.build()

    def build(self) -> ObjectParts:
        """The service anew, as after a restart."""
        return build(self.database, self.store, Clock(), self.live, lambda _: None, self.faults.append)

    def set(self, **values: Any) -> None:
        """Change settings of the object store."""
        self.live.settings = Settings(object_store=ObjectStoreSettings(**values))

    async def put(self, key: str, data: bytes, place: Place = AT_PIPELINE, **how: Any) -> tuple[Object, bool]:
        return await self.parts.service.put(place, key, pieces(data), **how)

    async def get(self, key: str, place: Place = AT_PIPELINE) -> bytes:
        found = await self.parts.service.find(place, key)
        return b"".join([piece async for piece in self.parts.service.read(found)])

    async def keys(self, place: Place = AT_PIPELINE) -> list[str]:
        return [item.key for item in (await self.parts.service.list(place, None, 1000)).items]

    async def runs(self, *statuses: str) -> None:
        """Add runs to the pipeline."""

        def work(tx: Transaction) -> None:
            for status in statuses:
                sql = "UPDATE pipelines SET last_run = last_run + 1 WHERE id = 'one' RETURNING key, last_run"
                key, number = tx.execute(sql).fetchone()
                sql = """INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, task_count,
                         created_at) VALUES (?, 'default', ?, 1, ?, 'user', 1, 0)"""
                tx.execute(sql, (key, number, status))

        await self.database.write(work)

    async def totals(self) -> rows.Totals:
        return await self.database.read(rows.totals)

    async def check(self) -> None:
        """Nothing leaks: after collecting, the store has the contents that objects have, and no other; the counts are
        those of the rows."""
        await self.parts.collector.collect_once()
        assert self.store.open_uploads == 0
        found = await self.database.read(
            lambda c: c.execute("SELECT digest, COUNT(*) AS uses, size FROM objects GROUP BY digest").fetchall()
        )
        assert {row["digest"] for row in found} == set(self.store.contents)
        counted = await self.database.read(lambda c: c.execute("SELECT digest, uses, size FROM contents").fetchall())
        assert {tuple(row) for row in counted} == {tuple(row) for row in found}
        assert await self.totals() == (
            sum(row["uses"] for row in found),
            sum(row["uses"] * row["size"] for row in found),
            len(found),
            sum(row["size"] for row in found),
        )

    def told(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def _heard(self, events: Sequence[Event]) -> None:
        self.events += events


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    await database.write(
        lambda tx: pipelines.insert(tx, namespace="default", pipeline="one", name="", description="", at=1)
    )
    found = World(database, ObjectStoreSettings())
    yield found
    await found.parts.service.close()
    await database.close()


async def settled(look: Any) -> None:
    """Waits until `look()` is true."""
    async with asyncio.timeout(20):
        while not look():
            await asyncio.sleep(0.001)
