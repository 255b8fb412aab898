"""Paused pipelines: their runs wait, whatever happens meanwhile, and go on in order."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from gofer.errors import Conflict
from gofer.models.event import Kind
from gofer.models.manifest import Parallelism
from gofer.models.status import RunStatus
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import holds
from gofer.server.store.database import Transaction
from tests.scenarios.scene import NAMESPACE, House, Scene, outcome, task


async def pause(scene: Scene, pipeline: str = "p", reason: str = "") -> None:
    await scene.services.holds.put(NAMESPACE, pipeline, None, "paused", reason)


async def resume(scene: Scene, pipeline: str = "p") -> None:
    await scene.services.holds.lift(NAMESPACE, pipeline, None, "paused")


async def test_runs_of_a_paused_pipeline_wait_and_those_of_others_do_not(scene: Scene) -> None:
    await scene.register(task("a", "gate"))
    await scene.register(task("a"), pipeline="other")
    under_way = await scene.start()
    await scene.until("taskrun.running", under_way, "a")
    await pause(scene, reason="disk full")
    waiting = [await scene.start() for _ in range(3)]
    assert (await scene.ended(await scene.start("other"), "other")).status is RunStatus.SUCCESSFUL
    await scene.release(under_way, "a")
    assert (await scene.ended(under_way)).status is RunStatus.SUCCESSFUL
    assert await scene.counts() == (3, 0)
    shown = await scene.run(waiting[0])
    assert shown.status is RunStatus.QUEUED
    for told in ("paused", "disk full", "gofer pipeline resume p"):
        assert told in shown.detail
    await resume(scene)
    for run in waiting:
        await scene.release(run, "a")
        ended = await scene.ended(run)
        assert (ended.status, ended.detail) == (RunStatus.SUCCESSFUL, "")
    assert await scene.counts() == (0, 0)


async def test_a_pause_outlives_the_server(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a"), parallelism=Parallelism(limit=1))
        await scene.register(task("a"), pipeline="other")
        await pause(scene)
        runs = [await scene.start() for _ in range(3)]
    async with house.open() as scene:
        assert (await scene.ended(await scene.start("other"), "other")).status is RunStatus.SUCCESSFUL
        runs.append(await scene.start())
        assert await scene.counts() == (4, 0)
        assert [(await scene.run(run)).started_at for run in runs] == [None] * 4
        await resume(scene)
        ended = [await scene.ended(run) for run in runs]
        spans = [(run.started_at or 0, run.ended_at or 0) for run in ended]
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


async def test_a_run_that_waits_can_be_cancelled(scene: Scene) -> None:
    await scene.register(task("a"))
    await pause(scene)
    first, second = await scene.start(), await scene.start()
    await scene.cancel(first)
    assert outcome(await scene.ended(first)) == (RunStatus.CANCELLED, "cancelled_by_user")
    assert await scene.counts() == (1, 0)
    await resume(scene)
    assert (await scene.ended(second)).status is RunStatus.SUCCESSFUL


async def test_what_the_last_one_wanted_holds_however_many_want_something_at_once(scene: Scene) -> None:
    await scene.register(task("a"))
    for _ in range(10):
        await asyncio.gather(*(pause(scene) if n % 2 else resume(scene) for n in range(8)))
        await resume(scene)
        assert (await scene.ended(await scene.start())).status is RunStatus.SUCCESSFUL


async def test_the_queue_follows_what_is_committed_by_whomever(scene: Scene) -> None:
    """As an import does, and whoever is cut off between the commit and what comes after it."""
    await scene.register(task("a"))
    await pause(scene)
    run = await scene.start()

    def lift(tx: Transaction) -> None:
        row = require_pipeline(tx, NAMESPACE, "p")
        assert holds.delete(tx, row.key, holds.PIPELINE, "paused")
        tx.emit(Kind.HOLD_LIFTED, 1, namespace=NAMESPACE, pipeline="p", data={"hold": "paused"})

    await scene.services.database.write(lift)
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL


async def test_a_version_that_is_paused_gets_no_new_run(scene: Scene) -> None:
    await scene.register(task("a", "exit", "1"))
    failed = await scene.start()
    await scene.ended(failed)
    await scene.register(task("a"))
    await scene.services.holds.put(NAMESPACE, "p", 1, "paused", "writes nonsense")
    with pytest.raises(Conflict, match=r"Version 1 .* is paused, so it gets no new run: .*writes nonsense"):
        await scene.retry(failed)
    with pytest.raises(Conflict, match=r"Version 1 .* is paused"):
        await scene.services.runs.start(NAMESPACE, "p", parameters={}, version=1)
    assert (await scene.ended(await scene.start())).version == 2
    await scene.services.holds.lift(NAMESPACE, "p", 1, "paused")
    assert (await scene.ended(await scene.retry(failed))).version == 1


async def test_the_limit_of_the_server_is_not_used_up_by_those_that_wait(house: House) -> None:
    async with house.open(run_parallelism_limit=1) as scene:
        await scene.register(task("a", "gate"))
        await scene.register(task("a", "gate"), pipeline="other")
        first = await scene.start()
        await scene.until("taskrun.running", first, "a")
        second, others = await scene.start(), await scene.start("other")
        # Both stand in line now; the one that would be next is paused.
        await pause(scene)
        await scene.release(first, "a")
        await scene.until("taskrun.running", others, "a", pipeline="other")
        await resume(scene)
        assert (await scene.run(second)).started_at is None
        await scene.release(others, "a", pipeline="other")
        await scene.release(second, "a")
        assert (await scene.ended(second)).status is RunStatus.SUCCESSFUL


async def test_a_deleted_and_registered_anew_pipeline_is_not_paused(scene: Scene) -> None:
    await scene.register(task("a"))
    await pause(scene)
    await scene.services.pipelines.delete(NAMESPACE, "p")
    await scene.register(task("a"))
    assert (await scene.ended(await scene.start())).status is RunStatus.SUCCESSFUL
