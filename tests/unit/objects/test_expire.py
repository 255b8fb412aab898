"""Expiry of runs' objects: exact, told, and caught up with."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gofer.errors import Conflict, NotFound
from gofer.server.objects.expire import ObjectExpiry
from gofer.server.objects.place import Place
from gofer.server.store import objects as rows
from gofer.server.store.transaction import Transaction
from tests.unit.objects.conftest import AT_PIPELINE, AT_RUN, World


def at(run: int) -> Place:
    return Place("default", "one", run)


def expiry(world: World, keep: int) -> ObjectExpiry:
    world.set(run_object_expiry=keep)
    parts = world.build()
    parts.expiry._pause = 0
    return parts.expiry


async def with_objects(world: World) -> list[int]:
    """The runs that have any."""
    found = await world.database.read(
        lambda c: c.execute("SELECT DISTINCT run FROM objects WHERE run IS NOT NULL ORDER BY run").fetchall()
    )
    return [row[0] for row in found]


async def key_of_pipeline(world: World) -> int:
    row = await world.database.read(lambda c: c.execute("SELECT key FROM pipelines").fetchone())
    key: int = row[0]
    return key


async def test_objects_are_there_during_so_many_further_runs(world: World) -> None:
    await world.put("kept", b"of the pipeline")
    for number in range(1, 7):
        await world.runs("successful")
        await world.put("a", b"%d" % number, at(number))
        await world.put("b", b"same", at(number))
        await expiry(world, 2).expire_once()
        # Run 1 is there during runs 2 and 3.
        assert await with_objects(world) == [run for run in range(1, number + 1) if run + 2 >= number]
    told = [(event.run, event.data) for event in world.told("objects.expired")]
    assert told == [(run, {"objects": 2, "bytes": 5}) for run in (1, 2, 3)]
    assert await world.get("kept") == b"of the pipeline"
    await world.check()


async def test_zero_keeps_all(world: World) -> None:
    await world.runs(*["failed"] * 9)
    await world.put("a", b"x", at(1))
    await expiry(world, 0).expire_once()
    assert await with_objects(world) == [1]


async def test_a_run_that_has_not_ended_keeps_its_objects(world: World) -> None:
    await world.runs("running")
    await world.put("a", b"x", at(1))
    await world.runs(*["cancelled"] * 5)
    await expiry(world, 1).expire_once()
    assert await with_objects(world) == [1]
    await world.put("b", b"y", at(1))
    await world.database.write(lambda tx: tx.execute("UPDATE runs SET status = 'failed' WHERE number = 1"))
    await expiry(world, 1).expire_once()
    assert await with_objects(world) == []
    await world.check()


async def test_nothing_is_put_where_it_would_go_at_once(world: World) -> None:
    await world.runs(*["successful"] * 4)
    world.set(run_object_expiry=2)
    with pytest.raises(Conflict, match="have expired"):
        await world.put("a", b"x", at(1))
    await world.put("a", b"x", at(2))
    with pytest.raises(NotFound) as caught:
        await world.get("a", at(1))
    assert "2 further runs" in caught.value.hint


async def test_what_a_pause_of_any_length_has_left_is_caught_up_with_in_short_steps(world: World) -> None:
    await world.runs(*["successful"] * 30)

    def many(tx: Transaction) -> None:
        key, run_keys = tx.execute("SELECT key FROM pipelines").fetchone()[0], {}
        for row in tx.execute("SELECT key, number FROM runs"):
            run_keys[row["number"]] = row["key"]
        for number in range(1, 31):
            for name in range(100 if number > 1 else 700):
                spot = rows.Spot(key, run_keys[number], number)
                rows.insert(tx, spot, rows.New(f"o{name}", f"{number:064x}", 3, "text/plain", "", 0))

    await world.database.write(many)
    before = world.database.writes
    await expiry(world, 10).expire_once()
    assert await with_objects(world) == list(range(20, 31))
    assert world.database.writes - before == 2500 // 500 + 1
    told: dict[int | None, int] = {}
    for event in world.told("objects.expired"):
        told[event.run] = told.get(event.run, 0) + event.data["objects"]
    assert told == {number: 100 if number > 1 else 700 for number in range(1, 20)}


async def test_the_end_of_a_run_is_noticed_and_so_is_a_reload(world: World) -> None:
    await world.runs("successful", "successful")
    await world.put("a", b"x", at(1))
    await world.put("a", b"y", at(2))
    one = expiry(world, 1)
    running = asyncio.create_task(one.run())
    await world.runs("successful")
    one.notice(await key_of_pipeline(world))
    async with asyncio.timeout(20):
        while await with_objects(world) != [2]:
            await asyncio.sleep(0.001)
        one.set_keep(0)
        await world.runs("successful", "successful")
        one.notice(await key_of_pipeline(world))
        one.set_keep(1)
        while await with_objects(world) != []:
            await asyncio.sleep(0.001)
    running.cancel()
    await world.check()


async def test_deleting_a_pipeline_goes_in_short_steps(world: World) -> None:
    from gofer.server.clock import Clock
    from gofer.server.pipelines.delete import Deleter

    await world.runs("successful")
    spot_of_run = await world.database.read(lambda c: c.execute("SELECT key FROM runs").fetchone()[0])

    def many(tx: Transaction) -> None:
        key = tx.execute("SELECT key FROM pipelines").fetchone()[0]
        for number in range(2600):
            spot = rows.Spot(key, spot_of_run, 1) if number % 2 else rows.Spot(key)
            rows.insert(tx, spot, rows.New(f"o{number}", f"{number % 9:064x}", 3, "text/plain", "", 0))

    await world.database.write(many)
    assert (await world.totals())[:2] == (2600, 7800)
    before = world.database.writes
    await Deleter(world.database, Clock()).delete("default", "one")
    assert world.database.writes - before >= 3
    assert await world.totals() == (0, 0, 0, 0)
    loose = await world.database.read(partial(rows.loose, after="", limit=100))
    assert len(loose) == 9
    with pytest.raises(NotFound):
        await world.keys(AT_RUN)
    with pytest.raises(NotFound):
        await world.keys(AT_PIPELINE)
    await world.check()


async def test_deletions_find_their_rows_by_an_index(world: World) -> None:
    """A cascade over a large table that looks at every row would hold up every other write."""

    def plans(tx: Transaction) -> list[str]:
        found = []
        for sql in ("DELETE FROM objects WHERE run_key = 1", "DELETE FROM objects WHERE pipeline_key = 1"):
            found += [row["detail"] for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}")]
        return found

    for plan in await world.database.write(plans):
        assert "USING" in plan
        assert "SCAN" not in plan
