"""Gofer's own events as a trigger is told them: in order, none left out, some more than once after a fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gofer.errors import TooLarge
from gofer.models.event import Kind
from gofer.models.manifest import ParameterValue
from gofer.models.run import Initiator
from gofer.models.status import Reason, RunStatus
from gofer.models.trigger import TriggerInfo, TriggerOptions
from gofer.server.events.bus import Bus
from gofer.server.store import pipelines, runs, triggers
from gofer.server.store.database import Database, Transaction
from gofer.server.store.triggers import StoredTrigger
from gofer.server.triggers import tell_events
from gofer.server.triggers.contract import TriggerAway, TriggerRefused
from gofer.server.triggers.tell_events import TOLD, WINDOW, EventTeller

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


class FakeSession:
    """Takes what it is told. `answer` may raise; `gate` holds all answers back while it is closed."""

    def __init__(self, key: int, *kinds: str) -> None:
        self.trigger = "t"
        self.trigger_key = key
        self.info = TriggerInfo(events=list(kinds))
        self.told: list[dict[str, Any]] = []
        self.answer: Answer = lambda event: {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.changed = asyncio.Condition()
        self.knows = asyncio.Event()
        self.knows.set()

    async def request(self, kind: str, fields: Mapping[str, Any], seconds: float = 0.0) -> dict[str, Any]:
        assert kind == "event"
        event = fields["event"]
        async with self.changed:
            self.told.append(event)
            self.changed.notify_all()
        await self.gate.wait()
        return self.answer(event)

    async def up_to_date(self) -> None:
        """It knows its subscriptions."""
        await self.knows.wait()

    async def until(self, count: int) -> list[int]:
        """The numbers of what it was told, once that is so much."""
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(lambda: len(self.told) >= count)
        return [event["seq"] for event in self.told]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PAUSE", "_STORE_SECONDS"):
        monkeypatch.setattr(tell_events, name, 0.01)


@pytest.fixture
async def key(database: Database) -> int:
    """Of an installed trigger."""
    new = StoredTrigger(0, "t", "i", {}, TriggerOptions(), TriggerInfo(), True, "", None, 1, "", 1)
    found = await database.write(lambda tx: triggers.insert(tx, new))
    assert found is not None
    return found


@asynccontextmanager
async def telling(database: Database, bus: Bus, session: FakeSession) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(EventTeller(database, bus).tell(session, session.up_to_date))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def emit(database: Database, count: int, kind: Kind = Kind.RUN_ENDED) -> None:
    def work(tx: Transaction) -> None:
        for number in range(count):
            tx.emit(kind, 1, namespace="default", pipeline="p", run=number, data={"status": "successful"})

    await database.write(work)


async def stored(database: Database, key: int, seq: int) -> None:
    """Waits until the store knows that it was told up to here."""
    async with asyncio.timeout(30):
        while await database.read(lambda c: triggers.events_seq(c, key)) != seq:
            await asyncio.sleep(0.005)


async def test_what_was_before_the_installation_is_not_told_and_the_rest_in_order(bus: Bus, database: Database) -> None:
    await emit(database, 3)
    new = StoredTrigger(0, "t", "i", {}, TriggerOptions(), TriggerInfo(), True, "", None, 1, "", 1)
    key = await database.write(lambda tx: triggers.insert(tx, new))
    assert key is not None
    await emit(database, 150)
    await emit(database, 1, Kind.TASKRUN_ENDED)
    session = FakeSession(key, "run.ended")
    async with telling(database, bus, session):
        assert await session.until(150) == list(range(4, 154))
        await stored(database, key, 153)
        await emit(database, 1)
        assert (await session.until(151))[-1] == 155
        await stored(database, key, 155)
    assert session.told[-1] == {
        "seq": 155, "at": 1, "kind": "run.ended", "namespace": "default", "pipeline": "p", "run": 0,
        "data": {"status": "successful"},
    }  # fmt: skip


async def test_no_event_overtakes_a_subscription(bus: Bus, database: Database, key: int) -> None:
    session = FakeSession(key, "run.ended")
    session.knows.clear()
    async with telling(database, bus, session):
        await emit(database, 1)
        await settle()
        assert session.told == []
        session.knows.set()
        assert await session.until(1) == [1]


async def settle() -> None:
    """Whatever can be done is done."""
    for _ in range(200):
        await asyncio.sleep(0.001)


async def test_on_the_next_connection_it_goes_on_where_it_was_answered(bus: Bus, database: Database, key: int) -> None:
    first = FakeSession(key, "run.ended")
    async with telling(database, bus, first):
        await emit(database, 5)
        await first.until(5)
        await stored(database, key, 5)
        first.gate.clear()
        await emit(database, 2 * WINDOW)
        # So many wait for their answers, and the others for these.
        assert len(await first.until(5 + WINDOW)) == 5 + WINDOW
    second = FakeSession(key, "run.ended")
    async with telling(database, bus, second):
        assert await second.until(2 * WINDOW) == list(range(6, 6 + 2 * WINDOW))


async def test_it_tells_again_what_could_not_be_taken_now_and_goes_past_what_cannot_be_taken(
    bus: Bus, database: Database, key: int
) -> None:
    session, hurdles = FakeSession(key, "run.ended"), [2, 3, 4]

    def answer(event: Mapping[str, Any]) -> dict[str, Any]:
        if event["seq"] in hurdles:
            hurdles.remove(event["seq"])
            code = {2: "unavailable", 3: "failed"}.get(event["seq"])
            raise TriggerRefused(code, "not this one") if code else TriggerAway("too slow")
        return {}

    session.answer = answer
    async with telling(database, bus, session):
        await emit(database, 5)
        await stored(database, key, 5)
    told = [event["seq"] for event in session.told]
    assert not hurdles
    assert set(told) == {1, 2, 3, 4, 5}
    # The slow one broke the window off: all of it is told again, the same in the same order.
    assert told[:5] == [1, 2, 3, 4, 5]
    assert told[-5:] == [1, 2, 3, 4, 5]


async def test_of_a_run_that_has_ended_it_tells_the_parameters(bus: Bus, database: Database, key: int) -> None:
    def work(tx: Transaction) -> None:
        p = pipelines.insert(tx, namespace="default", pipeline="p", name="", description="", at=1)
        given: list[dict[str, ParameterValue]] = [{"date": "today", "full": True}, {"blob": "x" * 100}]
        for parameters in given:
            new = runs.NewRun(
                p, "default", 1, RunStatus.QUEUED, Reason.NONE, "", Initiator(), parameters, None, 1, 1
            )  # fmt: skip
            run_key, number = runs.insert(tx, new)
            for kind in (Kind.RUN_QUEUED, Kind.RUN_ENDED):
                tx.emit(kind, 1, namespace="default", pipeline="p", run=number, run_key=run_key, data={"version": 1})

    session = FakeSession(key, "run.ended", "run.queued")

    def answer(event: Mapping[str, Any]) -> dict[str, Any]:
        if "blob" in event["data"].get("parameters", {}):
            raise TooLarge("it does not fit into a frame")
        return {}

    session.answer = answer
    async with telling(database, bus, session):
        await database.write(work)
        await stored(database, key, 4)
    data = {event["seq"]: event["data"] for event in session.told}
    assert data == {
        1: {"version": 1},
        2: {"version": 1, "parameters": {"date": "today", "full": True}},
        3: {"version": 1},
        # Without them, where they are too many.
        4: {"version": 1},
    }


async def test_who_wants_none_or_what_is_not_told_hears_nothing_and_later_begins_then(
    bus: Bus, database: Database, key: int
) -> None:
    await emit(database, 3)
    for kinds in ((), ("secret.revealed", "nonsense")):
        session = FakeSession(key, *kinds)
        await EventTeller(database, bus).tell(session, session.up_to_date)
        assert await database.read(lambda c: triggers.events_seq(c, key)) == 3


async def test_what_happened_while_it_was_disabled_is_not_told(database: Database, key: int) -> None:
    async def set_enabled(enabled: bool) -> int:
        def work(tx: Transaction) -> int:
            row = triggers.get(tx.connection, "t")
            assert row is not None
            triggers.update(tx, row._replace(enabled=enabled))
            return triggers.events_seq(tx.connection, key)

        return await database.write(work)

    await emit(database, 3)
    assert [await set_enabled(enabled) for enabled in (True, False)] == [0, 0]
    await emit(database, 3)
    assert await set_enabled(True) == 6


def test_nothing_is_told_that_is_not_of_pipelines_and_runs() -> None:
    assert {kind.partition(".")[0] for kind in TOLD} == {"pipeline", "version", "run"}
