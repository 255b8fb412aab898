from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gofer.errors import StoreBusy
from gofer.models.event import Event
from gofer.server.events.bus import Bus, Filter
from gofer.server.events.faults import FaultRecorder
from gofer.server.store import meta
from gofer.server.store.database import Database
from tests.unit.events.conftest import SetClock


async def test_a_fault_and_its_end_are_recorded(tmp_path: Path, clock: SetClock) -> None:
    database = Database(tmp_path / "gofer.db", busy_timeout=0.05)
    await database.open()
    bus = Bus(database)
    database.on_commit = bus.publish
    recorder = FaultRecorder(database, clock)
    database.on_fault = recorder.of_store
    running = asyncio.create_task(recorder.run())
    subscription = bus.subscribe(Filter(frozenset({"store.*"})), None)
    began = clock.time
    other = sqlite3.connect(tmp_path / "gofer.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await database.write(lambda tx: meta.put(tx, "a", "b"))
    problem = database.fault
    clock.time += 5000
    other.execute("ROLLBACK")
    other.close()
    events: list[Event] = []
    while len(events) < 2:
        events += await anext(subscription)
    assert [(event.kind, event.at, event.data) for event in events] == [
        ("store.fault", began, {"part": "database", "problem": problem}),
        ("store.recovered", began + 5000, {"part": "database"}),
    ]
    running.cancel()
    await asyncio.wait([running])
    await database.close()


async def test_faults_of_the_logs_are_told_apart(database: Database, bus: Bus, clock: SetClock) -> None:
    recorder = FaultRecorder(database, clock)
    subscription = bus.subscribe(Filter(), None)
    recorder.of_logs("the disk is full")
    running = asyncio.create_task(recorder.run())
    (event,) = await anext(subscription)
    assert (event.kind, event.data) == ("store.fault", {"part": "logs", "problem": "the disk is full"})
    recorder.of_logs("")
    (event,) = await anext(subscription)
    assert (event.kind, event.data) == ("store.recovered", {"part": "logs"})
    running.cancel()
    await asyncio.wait([running])
