"""A run of one pipeline has the objects of another's run too: the same content, lives of their own."""

from __future__ import annotations

from gofer.server.objects.place import Place
from gofer.server.store import objects as rows
from gofer.server.store import pipelines
from gofer.server.store.transaction import Transaction
from tests.unit.objects.conftest import AT_RUN, World
from tests.unit.objects.test_expire import expiry

THERE = Place("default", "two", 1)


def make_two(tx: Transaction) -> None:
    """A pipeline `two` whose run 1 takes over the objects of run 1 of `one`."""
    two = pipelines.insert(tx, namespace="default", pipeline="two", name="", description="", at=1)
    tx.execute("UPDATE pipelines SET last_run = 1 WHERE key = ?", (two,))
    sql = """INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, task_count, created_at)
             VALUES (?, 'default', 1, 1, 'running', 'trigger', 1, 0)"""
    new = tx.execute(sql, (two,)).lastrowid
    one = tx.execute("SELECT key FROM runs WHERE pipeline_key <> ?", (two,)).fetchone()[0]
    rows.take_over(tx, one, rows.Spot(two, new, 1))


async def test_the_content_is_stored_once_and_stays_as_long_as_either_has_it(world: World) -> None:
    await world.runs("successful")
    await world.put("a", b"alpha", AT_RUN)
    await world.put("b", b"beta", AT_RUN)
    await world.database.write(make_two)
    assert await world.keys(THERE) == ["a", "b"]
    assert (await world.totals())[:2] == (4, 18)
    assert (await world.totals())[2:] == (2, 9)
    # What one of them does to its own is nothing to the other.
    await world.put("a", b"other", THERE, force=True)
    assert await world.get("a", AT_RUN) == b"alpha"
    # The first one's go with later runs of its own pipeline.
    await world.runs("successful", "successful")
    await expiry(world, 1).expire_once()
    assert await world.keys(AT_RUN) == []
    assert await world.get("b", THERE) == b"beta"
    await world.check()
    assert await world.get("b", THERE) == b"beta"
