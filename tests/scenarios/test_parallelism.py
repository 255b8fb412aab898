"""Limits: of a pipeline with each of its policies, of the server, and of the engine's slots."""

from __future__ import annotations

import asyncio

import pytest

from gofer.models.manifest import Parallelism
from gofer.models.status import RunStatus
from tests.scenarios.scene import House, Scene, outcome, task


async def begun(scene: Scene, *runs: int) -> list[bool]:
    return [(await scene.run(run)).started_at is not None for run in runs]


async def test_queue_lets_the_next_in_when_one_has_ended(scene: Scene) -> None:
    await scene.register(task("a", "gate"), parallelism=Parallelism(limit=2))
    runs = await asyncio.gather(*(scene.start() for _ in range(5)))
    assert runs == [1, 2, 3, 4, 5]
    for run in (1, 2):
        await scene.until("run.started", run)
    assert await begun(scene, *runs) == [True, True, False, False, False]
    assert await scene.counts() == (3, 2)
    await scene.release(2, "a")
    await scene.until("run.started", 3)
    assert await begun(scene, *runs) == [True, True, True, False, False]
    for run in (1, 3, 4, 5):
        await scene.release(run, "a")
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert await scene.counts() == (0, 0)


async def test_a_limit_of_one_holds_nobody_for_ever(scene: Scene) -> None:
    await scene.register(task("a"), task("b", "exit", "1", after="a"), parallelism=Parallelism(limit=1))
    runs = [await scene.start() for _ in range(20)]
    ended = [await scene.ended(run) for run in runs]
    assert all(run.status is RunStatus.FAILED for run in ended)
    spans = [(run.started_at or 0, run.ended_at or 0) for run in ended]
    assert all(spans[n][1] <= spans[n + 1][0] for n in range(19))


async def test_skip_starts_nothing_above_the_limit(scene: Scene) -> None:
    await scene.register(task("a", "gate"), parallelism=Parallelism(limit=2, on_limit="skip"))
    await asyncio.gather(*(scene.start() for _ in range(5)))
    for run in (3, 4, 5):
        skipped = await scene.ended(run)
        assert outcome(skipped) == (RunStatus.CANCELLED, "parallelism_limit")
        assert skipped.started_at is None
        assert skipped.detail == "2 of at most 2 runs were on their way"
        assert await scene.statuses(run) == {"a": "cancelled"}
    await scene.release(1, "a")
    await scene.ended(1)
    assert (await scene.run(await scene.start())).status is not RunStatus.CANCELLED


async def test_cancel_oldest_makes_room_for_the_newest(scene: Scene) -> None:
    await scene.register(task("a", "gate"), parallelism=Parallelism(limit=2, on_limit="cancel_oldest"))
    for run in (1, 2, 3):
        assert await scene.start() == run
        await scene.until("taskrun.running", run, "a")
    assert outcome(await scene.run(1)) == (RunStatus.CANCELLED, "replaced")
    assert (await scene.until("run.cancelling", 1)).data == {"reason": "replaced"}
    assert (await scene.task(1, "a")).reason == "run_cancelled"
    for run in (2, 3):
        await scene.release(run, "a")
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL


@pytest.mark.parametrize("limit", [1, 3])
async def test_cancel_oldest_when_all_are_started_at_the_same_instant(scene: Scene, limit: int) -> None:
    await scene.register(task("a", "gate"), parallelism=Parallelism(limit=limit, on_limit="cancel_oldest"))
    await asyncio.gather(*(scene.start() for _ in range(8)))
    replaced, kept = range(1, 9 - limit), range(9 - limit, 9)
    for run in replaced:
        assert outcome(await scene.ended(run)) == (RunStatus.CANCELLED, "replaced")
    for run in kept:
        await scene.until("taskrun.running", run, "a")
    assert await scene.counts() == (0, limit)
    for run in kept:
        await scene.release(run, "a")
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL


async def test_cancel_oldest_waits_for_the_old_ones_grace(scene: Scene) -> None:
    await scene.register(task("a", "until-stopped", "gate"), parallelism=Parallelism(limit=1, on_limit="cancel_oldest"))
    await scene.start()
    await scene.until("taskrun.running", 1, "a")
    await scene.start()
    assert await begun(scene, 2) == [False]
    scene.world.release(await scene.container(1, "a"))
    await scene.until("taskrun.running", 2, "a")
    assert (await scene.run(1)).status is RunStatus.CANCELLED


async def test_the_servers_limit_goes_by_age_and_a_full_pipeline_holds_up_no_other(house: House) -> None:
    async with house.open(run_parallelism_limit=2) as scene:
        await scene.register(task("a", "gate"), pipeline="narrow", parallelism=Parallelism(limit=1))
        await scene.register(task("a", "gate"), pipeline="wide")
        order = ["narrow", "narrow", "wide", "wide"]
        runs = [(await scene.start(pipeline), pipeline) for pipeline in order]
        # The second of `narrow` is older than `wide`, and has to wait for the first of its own.
        for run, pipeline in (runs[0], runs[2]):
            await scene.until("taskrun.running", run, "a", pipeline=pipeline)
        assert await scene.counts() == (2, 2)
        await scene.release(1, "a", pipeline="narrow")
        await scene.until("taskrun.running", 2, "a", pipeline="narrow")
        assert (await scene.run(2, "wide")).status is RunStatus.QUEUED
        for run, pipeline in runs[1:]:
            await scene.release(run, "a", pipeline=pipeline)
            await scene.ended(run, pipeline)
        assert await scene.counts() == (0, 0)


async def test_slots_are_given_in_the_order_in_which_they_were_asked_for(house: House) -> None:
    async with house.open(task_parallelism_limit=2) as scene:
        await scene.register(*(task(f"t{n}", "gate") for n in range(6)))
        run = await scene.start()
        for n in range(6):
            await scene.until("taskrun.running", run, f"t{n}")
            assert scene.world.starts.total() <= n + 2
            await scene.release(run, f"t{n}")
        await scene.ended(run)
        history = await scene.history(run)
        assert [e.task for e in history if e.kind == "taskrun.starting"] == [f"t{n}" for n in range(6)]
        assert [e.task for e in history if e.kind == "taskrun.queued"] == [f"t{n}" for n in range(2, 6)]


async def test_interrupting_many_that_wait_gives_every_slot_back(house: House) -> None:
    async with house.open(task_parallelism_limit=2) as scene:
        await scene.register(*(task(f"t{n}", "hang") for n in range(30)))
        await scene.register(*(task(f"t{n}") for n in range(4)), pipeline="next")
        runs = [await scene.start() for _ in range(4)]
        last = await scene.start("next")
        await asyncio.gather(*(scene.cancel(run) for run in runs))
        assert (await scene.ended(last, "next")).status is RunStatus.SUCCESSFUL
        for run in runs:
            assert (await scene.ended(run)).status is RunStatus.CANCELLED
