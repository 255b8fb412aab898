"""Plans that are kept, and how many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.errors import NotFound
from gofer.models.manifest import Dependency, Manifest, Task
from gofer.server.clock import Clock
from gofer.server.pipelines.register import Pipelines
from gofer.server.runs.plan import Plan, Plans
from gofer.server.store import pipelines
from gofer.server.store.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    yield database
    await database.close()


async def registered(database: Database, name: str, size: int) -> int:
    """The key of a pipeline of so many tasks."""
    tasks = [Task(id=f"t{n}", image="i") for n in range(size)]
    await Pipelines(database, Clock()).register("default", Manifest(id=name, tasks=tasks))
    row = await database.read(lambda c: pipelines.get(c, "default", name))
    assert row is not None
    return row.key


async def test_the_least_recently_used_goes_when_there_is_no_room(database: Database) -> None:
    a, b, c = [await registered(database, name, 4) for name in "abc"]
    plans = Plans(room=10)

    async def load(key: int) -> Plan:
        return await database.read(lambda connection: plans.load(connection, key, 1))

    first, second = await load(a), await load(b)
    assert await load(a) is first
    await load(c)
    assert await load(a) is first
    assert await load(b) is not second


async def test_one_that_is_larger_than_all_the_room_is_kept_alone(database: Database) -> None:
    small, large = await registered(database, "small", 1), await registered(database, "large", 50)
    plans = Plans(room=10)

    async def load(key: int) -> Plan:
        return await database.read(lambda connection: plans.load(connection, key, 1))

    before, plan = await load(small), await load(large)
    assert await load(large) is plan
    assert await load(small) is not before


async def test_a_version_that_does_not_exist(database: Database) -> None:
    key = await registered(database, "a", 1)
    with pytest.raises(NotFound):
        await database.read(lambda connection: Plans().load(connection, key, 2))


def test_the_size_counts_nodes_and_edges() -> None:
    fan = Task(id="fan", image="i", matrix={"n": ["1", "2", "3"]})
    join = Task(id="join", image="i", depends_on=[Dependency(task="fan")])
    assert Plan(Manifest(id="p", tasks=[fan, join])).size == 4 + 3
