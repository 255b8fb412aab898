"""What a run records: in order, and each thing once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.models.event import Kind
from gofer.server.runs.journal import Journal, Step
from gofer.server.store.database import Database, Transaction
from gofer.server.store.events import Filter, list_after


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    yield database
    await database.close()


def step(name: str) -> Step:
    return lambda tx: tx.emit(Kind.RUN_QUEUED, 1, task=name)


async def recorded(database: Database) -> list[str]:
    page = await database.read(lambda c: list_after(c, Filter(kinds=frozenset()), 0, 100))
    return [event.task for event in page.items]


async def test_steps_keep_their_order_whoever_waits_for_them(database: Database) -> None:
    journal = Journal(database)
    journal.add(step("a"))
    journal.post(step("b"))
    await asyncio.gather(journal.record(step("c")), journal.record(step("d")))
    assert await recorded(database) == ["a", "b", "c", "d"]


async def test_who_gives_up_waiting_neither_loses_nor_repeats_what_is_being_written(database: Database) -> None:
    journal = Journal(database)
    writing, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        writing.set()
        go_on.wait()
        step("slow")(tx)

    impatient = asyncio.create_task(journal.record(slow))
    await asyncio.to_thread(writing.wait)
    patient = asyncio.create_task(journal.record(step("next")))
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    go_on.set()
    await patient
    assert await recorded(database) == ["slow", "next"]


async def test_a_step_that_fails_is_told_to_everybody_who_waits_for_it(database: Database) -> None:
    journal = Journal(database)

    def wrong(tx: Transaction) -> None:
        raise ValueError("no such thing")

    outcomes = await asyncio.gather(journal.record(step("a")), journal.record(wrong), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]
    assert await recorded(database) == []


async def test_closing_gives_up_what_was_only_posted(database: Database) -> None:
    journal = Journal(database)
    journal.post(step("a"))
    await journal.close()
    await journal.close()
    assert await recorded(database) in ([], ["a"])
