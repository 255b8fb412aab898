"""What a request has to have stored beside its effect: once, with it, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from gofer.errors import Conflict
from gofer.models.event import Event, Kind
from gofer.server.store.beside import Beside, present
from gofer.server.store.database import Database, Transaction


def effect(tx: Transaction) -> str:
    tx.emit(Kind.RUN_QUEUED, 1)
    return "effect"


def failing(tx: Transaction) -> str:
    tx.emit(Kind.RUN_QUEUED, 1)
    raise Conflict("no")


def beside() -> Beside:
    return Beside(lambda tx: tx.emit(Kind.AUDIT_WRITE, 2))


@pytest.fixture
def commits(database: Database) -> list[list[str]]:
    """The kinds of the events of each transaction."""
    found: list[list[str]] = []

    def note(events: list[Event]) -> None:
        found.append([event.kind for event in events])

    database.on_commit = note  # type: ignore[assignment]  # a list is what comes
    return found


async def test_the_first_write_takes_it_along_and_no_other(database: Database, commits: list[list[str]]) -> None:
    one = beside()
    with one.held():
        assert await database.write(effect) == "effect"
        assert one.stored
        await database.write(effect)
    await database.write(effect)
    assert commits == [["run.queued", "audit.write"], ["run.queued"], ["run.queued"]]


async def test_what_fails_takes_it_back(database: Database, commits: list[list[str]]) -> None:
    one = beside()
    with one.held():
        with pytest.raises(Conflict):
            await database.write(failing)
        assert not one.stored
        await database.write(effect)
    assert commits == [["run.queued", "audit.write"]]


async def test_if_it_cannot_be_stored_neither_is_the_effect(database: Database, commits: list[list[str]]) -> None:
    def fail(tx: Transaction) -> None:
        raise Conflict("no")

    with Beside(fail).held(), pytest.raises(Conflict):
        await database.write(effect)
    assert commits == []


async def test_of_two_at_once_one_takes_it(database: Database, commits: list[list[str]]) -> None:
    with beside().held():
        await asyncio.gather(*(database.write(effect) for _ in range(5)))
    assert sorted(kind for kinds in commits for kind in kinds) == ["audit.write"] + ["run.queued"] * 5


async def test_a_task_of_the_request_takes_it(database: Database, commits: list[list[str]]) -> None:
    with beside().held():
        await asyncio.create_task(database.write(effect))
    assert commits == [["run.queued", "audit.write"]]


async def test_what_goes_on_behind_the_request_does_not(database: Database, commits: list[list[str]]) -> None:
    over = asyncio.Event()

    async def behind() -> None:
        await over.wait()
        await database.write(effect)

    with beside().held():
        going_on = asyncio.create_task(behind())
        await database.write_patiently(effect)
        assert present() is not None
    assert present() is None
    over.set()
    await going_on
    assert commits == [["run.queued"], ["run.queued"]]


async def test_what_a_broken_off_request_still_does_takes_it(database: Database, commits: list[list[str]]) -> None:
    """As the end of an upload, which is not cut short."""
    over = asyncio.Event()

    async def end() -> None:
        await over.wait()
        await database.write(effect)
        await database.write(effect)

    async def break_off() -> None:
        with beside().held():
            ending.append(asyncio.create_task(end()))
            raise Conflict("no")

    ending: list[asyncio.Task[None]] = []
    with pytest.raises(Conflict):
        await break_off()
    over.set()
    await ending[0]
    await database.write(effect)
    assert commits == [["run.queued", "audit.write"], ["run.queued"], ["run.queued"]]
